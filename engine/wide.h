/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv6 prefixes shorter than /128: longest prefix match in one immutable section of bytes.
 *
 *   wide_build (wide_build.h) -> bytes -> wide_attach -> wide_find -> wide_record,
 *   wide_parent, wide_parent ...: all covering prefixes, the most specific first
 *
 * An address is two numbers, `hi` and `lo`. The prefixes up to /64 cut the
 * numbers `hi` into ranges with one answer each. A cell of the root, by the
 * first bits, says what is known of them: mostly nothing, and the look-up ends. Where ranges
 * are many, a second table cuts by the next bits; what is left is a tree of
 * 64-byte lines with few levels, its leaves full of ranges.
 *
 *     root   0  1  2 ...  2001  2a01 ...          a cell by the first root_bits bits
 *            |  |            |     |
 *            0  value     tree     table           its kind: the top two bits
 *                          |       0 1 2 ...       2^k cells by the next k bits
 *                       inner line
 *                    |    |    |    |              up to 15 children, in line after line
 *                   leaf leaf leaf leaf            up to 8 ranges each
 *
 *   value   0 = no prefix, else 1 + record; WIDE_HOSTS: some /128 of the segment lies in this
 *           /64, ask for it; WIDE_LIST: prefixes longer than /64 lie in it, and the record is
 *           the first of them (its parent covers all of the /64)
 *   table   2^k cells (k = 4..15), 16 in a line; only below the root
 *   tree    the line of its top node and the number of levels below that. Each line has
 *           keys of one size: *brief* ones are the 32 bits of `hi` after those that root and
 *           table used (all bits after them zero), *full* ones all 64 bits
 *   inner   child number: keys <= the query's, `last` at most; the children's lines follow one another from
 *           `first` on; bit i of `full`: child i has full keys
 *   leaf    value number: keys <= the query's
 *
 * The section, every part on a 64-byte line and zero-padded: struct wide_head_d;
 * root: le32 cells; lines; hot: struct wide_hot_d of each record; keys: struct
 * wide_key_d of each. Records stand in the order of (address, length). Unused keys of a
 * line are all ones, unused values repeat the last.
 *
 * The bytes are a function of the set of prefixes and of the /64s that have
 * hosts: lines stand in the order of a walk in address order, a table before
 * what is below it, the levels of a tree from the leaves up; wide_check() asks for exactly that.
 *
 * Safety: after wide_attach() every call is memory-safe and ends in a bounded
 * number of steps for ANY bytes, also bytes that change under it; only
 * wide_check() says whether they mean anything.
 * Threads: readers share a struct wide freely; no call here but attach writes to it.
 */
#ifndef ENGINE_WIDE_H
#define ENGINE_WIDE_H

#include <stdbool.h>

#include "engine/bytes.h"
#include "engine/ptrie.h"
#include "engine/status.h"

#define WIDE_LINE_BYTES 64
#define WIDE_ROOT_BITS_MIN 4
#define WIDE_ROOT_BITS_MAX 16
#define WIDE_BITS_MAX 127           /* of a prefix */

/* A cell: kind and number. A value is what a cell of kind 0 is. */
#define WIDE_KIND(cell) ((cell) >> 30)
enum wide_cell {
	WIDE_VALUE,
	WIDE_BRIEF,                 /* a tree: its levels below the top << 26 | line */
	WIDE_FULL,
	WIDE_TABLE                  /* (k - 4) << 26 | first line */
};
#define WIDE_LINE 0x03ffffffu
#define WIDE_LEVEL 0x04000000u      /* one of them */
#define WIDE_LEVELS(cell) ((cell) >> 26 & 15)
#define WIDE_TABLE_BITS_MIN 4
#define WIDE_TABLE_BITS_MAX 15
#define WIDE_LINE_CELLS 16
#define WIDE_RECORD 0x0fffffffu     /* of a value: 0 or 1 + record */
#define WIDE_HOSTS 0x10000000u
#define WIDE_LIST 0x20000000u
#define WIDE_RECORDS_MAX 0x0ffffffeu

/* Keys of leaves and of inner lines. */
#define WIDE_BRIEF_KEYS 7
#define WIDE_FULL_KEYS 5
#define WIDE_BRIEF_SPLITS 14
#define WIDE_FULL_SPLITS 7

struct wide_head_d {
	struct le32 root_bits;      /* 4, 8, 12 or 16 */
	struct le32 line_count;
	struct le32 record_count;
	uint8_t zero[52];
};

struct wide_brief_d {
	struct le32 key[WIDE_BRIEF_KEYS];
	struct le32 value[WIDE_BRIEF_KEYS + 1];
	struct le32 zero;
};

struct wide_full_d {
	struct le64 key[WIDE_FULL_KEYS];
	struct le32 value[WIDE_FULL_KEYS + 1];
};

struct wide_inner_d {
	union {
		struct le32 brief[WIDE_BRIEF_SPLITS];
		struct le64 full[WIDE_FULL_SPLITS];
	} key;
	struct le32 first;
	struct le16 full;
	struct le16 last;           /* the last child: keys past it do not count */
};

/* What a hit needs of its record ... */
struct wide_hot_d {
	struct le32 claims;         /* the caller's; not looked at here */
	uint8_t bits;
	uint8_t zero[3];
};

/* ... and the rest. */
struct wide_key_d {
	uint8_t address[16];
	struct le32 parent;         /* 1 + index of the next shorter covering record; 0 = none */
};

_Static_assert(sizeof(struct wide_head_d) == WIDE_LINE_BYTES, "docs/format.md");
_Static_assert(sizeof(struct wide_brief_d) == WIDE_LINE_BYTES, "docs/format.md");
_Static_assert(sizeof(struct wide_inner_d) == WIDE_LINE_BYTES, "docs/format.md");
_Static_assert(sizeof(struct wide_full_d) == WIDE_LINE_BYTES, "docs/format.md");

/* Borrows the bytes it was attached to. */
struct wide {
	const struct le32 *root;
	const uint8_t *lines;
	const struct wide_hot_d *hot;
	const struct wide_key_d *keys;
	uint32_t line_count;
	uint32_t record_count;
	uint32_t root_bits;         /* 0: attached to nothing, finds nothing */
};

/* Where each part stands; `length` is the section's. From counts alone. */
struct wide_layout {
	uint64_t root, lines, hot, keys, length;
};
void
wide_layout(const struct wide *wide, struct wide_layout *layout);

/*
 * Make `wide` a view of `bytes`, which must stay as long as it is used. Looks
 * at the head and at `length` only, which must be what the counts ask for:
 * else STATUS_CORRUPT. Any alignment of `bytes` will do, 64 is fastest.
 */
enum status
wide_attach(struct wide *wide, const uint8_t *bytes, size_t length, struct fault *fault);

/*
 * 1 + index of the most specific record that covers the address, 0 = none; and
 * WIDE_HOSTS if the segment has hosts in its /64.
 */
uint32_t
wide_find(const struct wide *wide, uint64_t hi, uint64_t lo);

/*
 * The same for many: found[i] = wide_find(address i, in network order), by the
 * instruction set named. `found` may not overlap the addresses.
 */
typedef void wide_many_fn(const struct wide *wide, const uint8_t (*addresses)[16], size_t n,
			  uint32_t *found);
wide_many_fn wide_many_portable;
#ifdef __x86_64__
wide_many_fn wide_many_avx2, wide_many_avx512;
#endif

/* Ask for what a hit needs of a record. */
static inline void
wide_prefetch(const struct wide *wide, uint32_t index)
{
	if (index < wide->record_count)
		__builtin_prefetch(&wide->hot[index]);
}

/*
 * Record `index` (what wide_find gave, less one: a miss is out of range too).
 * False if there is none, or if it claims to be longer than /127. On damaged
 * bytes the other fields may hold anything.
 */
bool
wide_record(const struct wide *wide, uint32_t index, struct ptrie_prefix *prefix);

/*
 * Go on to the next shorter covering prefix; false at the end. Each step gives
 * a shorter one, whatever the bytes say: at most 128 steps.
 */
bool
wide_parent(const struct wide *wide, struct ptrie_prefix *prefix);

/* 1 + index of the record of exactly this prefix; 0 = none. */
uint32_t
wide_find_exact(const struct wide *wide, uint64_t hi, uint64_t lo, unsigned bits);

/*
 * Of a value with WIDE_LIST: 1 + index of the most specific record that covers
 * the address, 0 = none. For the walks.
 */
uint32_t
wide_list_find(const struct wide *wide, uint32_t value, uint64_t hi, uint64_t lo);

/*
 * Prove that the section is what wide_build() makes of its records and of the
 * /64s with hosts, sorted and distinct: records in order and distinct, no bit
 * set past their length, parents right, every cell and line right, padding
 * zero. STATUS_CORRUPT with part and offset in the section at the first mistake. Cost: that
 * of building, and root and lines again in memory (STATUS_NO_MEMORY).
 */
enum status
wide_check(const struct wide *wide, const uint64_t *hosts, size_t host_count, struct fault *fault);

/* The slot of `hi` in a table of 2^width (1..16) cells after `used` (0..63) bits. */
static inline uint32_t
wide_slot(uint64_t hi, unsigned used, unsigned width)
{
	return (uint32_t)(hi << used >> (64 - width));
}

#endif
