/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A popcount trie (after Asai and Ohara, "Poptrie", SIGCOMM 2015): longest
 * prefix match over IPv4 or IPv6 prefixes in one immutable section of bytes.
 *
 *   ptrie_build (ptrie_build.h) -> bytes -> ptrie_attach -> ptrie_find -> ptrie_record,
 *   ptrie_parent, ptrie_parent ...: all covering prefixes, the most specific first
 *
 * A key is a string of 128 bits, the first bit on top: `hi`, then `lo`. An IPv4
 * address stands in the top 32 bits of `hi`; everything after it is zero.
 *
 * The section, every part 64-byte aligned and zero-padded, in this order:
 *
 *   head     struct ptrie_head_d                      64 bytes
 *   root     2^root_bits cells by the first bits      le32
 *   nodes    one per 6 bits of key below that         struct ptrie_node_d, 24 bytes
 *   leaves   runs of equal slots, folded into one     struct ptrie_leaf_d, 8 bytes
 *   records  by (address, length)                     address, struct ptrie_tail_d: 16 or 28 bytes
 *
 *   root cell   PTRIE_LEAF (nothing), PTRIE_LEAF + 1 + index of a leaf, or the index of a node
 *   leaf        record 0 = nothing, else 1 + index of the most specific record, a flag if that
 *               has a parent, and its claims, so that a batch need not touch the record
 *   node        slot v has a child if bit v of `inner` is set: the children stand
 *               together, nodes[first_node + bits of `inner` below v]; any other slot is
 *               a leaf: leaves[first_leaf + bits of `runs` up to and with v, less one],
 *               where a bit of `runs` is set at each leaf slot that differs from the
 *               leaf slot before it
 *
 * The bytes are a function of the set of prefixes: nodes and leaves stand in
 * the order of a walk in address order, and ptrie_check() asks for exactly that.
 *
 * Safety: after ptrie_attach() every call is memory-safe and ends in a bounded
 * number of steps for ANY bytes, also bytes that change under it; only
 * ptrie_check() says whether they mean anything.
 * Threads: readers share a struct ptrie freely; no call here but attach writes to it.
 */
#ifndef ENGINE_PTRIE_H
#define ENGINE_PTRIE_H

#include "engine/bytes.h"
#include "engine/kind.h"
#include "engine/status.h"

#define PTRIE_STRIDE 6
#define PTRIE_SLOTS 64
#define PTRIE_ROOT_BITS_MAX 18
#define PTRIE_LEAF 0x80000000u          /* in a root cell */
#define PTRIE_NESTED 0x80000000u        /* in a leaf */
#define PTRIE_LEAVES_MAX 0x7ffffffeu
#define PTRIE_RECORDS_MAX 0x7ffffffeu
#define PTRIE_ALIGN 64

struct ptrie_head_d {
	uint8_t kind;               /* enum kind: KIND_IPV4 or KIND_IPV6 */
	uint8_t root_bits;          /* 0..PTRIE_ROOT_BITS_MAX */
	uint8_t zero[2];
	struct le32 node_count;
	struct le32 leaf_count;
	struct le32 record_count;
	uint8_t zero_more[48];
};

struct ptrie_node_d {
	struct le64 inner;
	struct le64 runs;
	struct le32 first_node;
	struct le32 first_leaf;
};

struct ptrie_leaf_d {
	struct le32 record;         /* 0 = nothing, else 1 + index; PTRIE_NESTED if it has a parent */
	struct le32 claims;         /* the record's; 0 = nothing */
};

/* A record after its 4 or 16 bytes of address in network order. */
struct ptrie_tail_d {
	uint8_t bits;
	uint8_t zero[3];
	struct le32 parent;         /* 1 + index of the next shorter covering record; 0 = none */
	struct le32 claims;         /* the caller's; not looked at here */
};

_Static_assert(sizeof(struct ptrie_head_d) == 64, "docs/format.md");
_Static_assert(sizeof(struct ptrie_node_d) == 24, "docs/format.md");
_Static_assert(sizeof(struct ptrie_leaf_d) == 8, "docs/format.md");
_Static_assert(sizeof(struct ptrie_tail_d) == 12, "docs/format.md");

/* Which code walks the trie; all give the same answers. */
enum ptrie_path {
	PTRIE_PORTABLE,
	PTRIE_POPCNT                /* x86 with POPCNT and BMI */
};

/* Borrows the bytes it was attached to. */
struct ptrie {
	const struct le32 *root;
	const struct ptrie_node_d *nodes;
	const struct ptrie_leaf_d *leaves;
	const uint8_t *records;
	uint32_t node_count;
	uint32_t leaf_count;
	uint32_t record_count;
	uint8_t root_bits;
	uint8_t address_bits;       /* 32 or 128 */
	uint8_t record_bytes;       /* 16 or 28 */
	uint8_t path;               /* enum ptrie_path: the best this machine has; tests lower it */
};

/* One record, decoded. */
struct ptrie_prefix {
	uint64_t hi, lo;
	uint32_t bits;
	uint32_t parent;            /* as stored: use ptrie_parent() to follow it */
	uint32_t claims;
};

/* Where each part stands; `length` is the section's. From counts alone. */
struct ptrie_layout {
	uint64_t root, nodes, leaves, records, length;
};
void
ptrie_layout(const struct ptrie *trie, struct ptrie_layout *layout);

/*
 * Make `trie` a view of `bytes`, which must stay as long as it is used. Looks
 * at the head and at `length` only, which must be what the counts ask for:
 * STATUS_FORMAT if it is no trie of this kind, else STATUS_CORRUPT. Any
 * alignment of `bytes` will do, 64 is fastest.
 */
enum status
ptrie_attach(struct ptrie *trie, enum kind kind, const uint8_t *bytes, size_t length,
	     struct fault *fault);

/* 1 + index of the most specific record that covers the address; 0 = none. */
uint32_t
ptrie_find(const struct ptrie *trie, uint64_t hi, uint64_t lo);

/*
 * The same for many, with the claims: found[i].record = ptrie_find(address i). IPv4 in host
 * order, IPv6 in network order; on a trie of that kind only (else all 0). `found`
 * may not overlap the addresses. Claims may be anything on damaged bytes.
 */
struct ptrie_found {
	uint32_t record;            /* 1 + index; 0 = none */
	uint32_t claims;
	bool nested;                /* shorter prefixes cover it too */
};
/* One IPv4 address, host order, of a trie of IPv4: what a batch gives, without its start-up. */
void
ptrie_find_ipv4(const struct ptrie *trie, uint32_t address, struct ptrie_found *found);
void
ptrie_find_many_ipv4(const struct ptrie *trie, const uint32_t *addresses, size_t n,
		     struct ptrie_found *found);
void
ptrie_find_many_ipv6(const struct ptrie *trie, const uint8_t (*addresses)[16], size_t n,
		     struct ptrie_found *found);

/*
 * The leaves of addresses[lane[i]] for n <= PTRIE_LEAVES_ASKED lanes, in a trie of IPv4; of nothing
 * (record and claims 0) where there is none. ptrie_leaf says which record a leaf names.
 */
#define PTRIE_LEAVES_ASKED 256
void
ptrie_leaves_ipv4(const struct ptrie *trie, const uint32_t *addresses, const uint8_t *lanes,
		  size_t n, const struct ptrie_leaf_d **leaves);

/* 1 + index of its record; 0 = none. */
static inline uint32_t
ptrie_leaf(const struct ptrie *trie, const struct ptrie_leaf_d *leaf)
{
	uint32_t value = le32_get(leaf->record) & ~PTRIE_NESTED;
	return __builtin_expect(value <= trie->record_count, 1) ? value : 0;
}

/*
 * Record `index` (what ptrie_find gave, less one: a miss is out of range too).
 * False if there is none, or if it claims to be longer than an address. On
 * damaged bytes the other fields may hold anything.
 */
bool
ptrie_record(const struct ptrie *trie, uint32_t index, struct ptrie_prefix *prefix);

/*
 * Go on to the next shorter covering prefix; false at the end. Each step gives
 * a shorter one, whatever the bytes say: at most 129 steps.
 */
bool
ptrie_parent(const struct ptrie *trie, struct ptrie_prefix *prefix);

/* 1 + index of the record of exactly this prefix; 0 = none. */
uint32_t
ptrie_find_exact(const struct ptrie *trie, uint64_t hi, uint64_t lo, unsigned bits);

/*
 * Prove that the section is what ptrie_build() makes of its records: records
 * in order and distinct, no bit set past their length, parents right, every
 * cell, node and leaf right, padding zero. STATUS_CORRUPT with part and offset
 * in the section at the first mistake. Cost: that of one building pass, and
 * the root again in memory (STATUS_NO_MEMORY).
 */
enum status
ptrie_check(const struct ptrie *trie, struct fault *fault);

/* --- bits of keys, for reader, builder and check --- */

/* `width` (0..18) bits of the key from bit `position` (0..127); zeros follow its end. */
static inline unsigned
ptrie_slot(uint64_t hi, uint64_t lo, unsigned position, unsigned width)
{
	uint64_t top;
	if (position >= 64)
		top = lo << (position - 64);
	else if (position + width <= 64)
		top = hi << position;
	else
		top = hi << position | lo >> (64 - position);
	return (unsigned)(top >> 1 >> (63 - width));
}

/* True if the first `bits` (0..128) bits of two keys are the same. */
static inline bool
ptrie_same(uint64_t hi, uint64_t lo, uint64_t other_hi, uint64_t other_lo, unsigned bits)
{
	uint64_t high = hi ^ other_hi, low = lo ^ other_lo;
	if (bits <= 64)
		return bits == 0 || high >> (64 - bits) == 0;
	return high == 0 && low >> (128 - bits) == 0;
}

/* True if no bit of the key is set from bit `bits` (0..128) on. */
static inline bool
ptrie_host_zero(uint64_t hi, uint64_t lo, unsigned bits)
{
	uint64_t high = bits >= 64 ? 0 : hi << bits;
	uint64_t low = bits <= 64 ? lo : bits == 128 ? 0 : lo << (bits - 64);
	return !(high | low);
}

#endif
