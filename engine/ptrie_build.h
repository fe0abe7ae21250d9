/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builder of ptrie.h: a sorted set of prefixes to one section of bytes.
 *
 * Deterministic: the same set gives the same bytes. Two passes over the
 * records, one that counts and one that fills, so that memory is the result and
 * a second root (measured: 1.05 and 1.00 times the result; an allocator that
 * cannot grow a block in place holds the records twice for a moment). Time: each record is looked at once per level above it and
 * pass, plus 64 steps per node; a node exists only where a record goes
 * through, so at most (address bits / 6) nodes per prefix. Recursion is as
 * deep as the trie: 22 levels.
 *
 * The root's bits: the greatest r of 0, 6, 12, 18 with 2^r <= the number of
 * prefixes, so the root takes at most 4 bytes per prefix (4 bytes for ten
 * prefixes), and strides end at /24, /36 and /48 (docs/bench-ptrie.md).
 */
#ifndef ENGINE_PTRIE_BUILD_H
#define ENGINE_PTRIE_BUILD_H

#include "engine/ptrie.h"

struct ptrie_entry {
	uint64_t hi, lo;            /* bits past `bits` zero */
	uint32_t bits;              /* 0..32 or 0..128 */
	uint32_t claims;
};

struct ptrie_image {
	uint8_t *bytes;             /* malloc'd: free() it */
	size_t length;              /* a multiple of 64 */
};

/* The order of entries and records: by address, then shorter first; <0, 0, >0. For qsort. */
int
ptrie_entry_compare(const void *a, const void *b);

/*
 * Build from `n` entries in that order, all distinct. STATUS_USAGE (with the
 * entry's number in the fault's offset) if they are not, or if one has bits
 * past its length; STATUS_LIMIT past PTRIE_RECORDS_MAX; STATUS_NO_MEMORY.
 */
enum status
ptrie_build(enum kind kind, const struct ptrie_entry *entries, size_t n, struct ptrie_image *image,
	    struct fault *fault);

/* The same with the root's bits given (0..PTRIE_ROOT_BITS_MAX): tests and measurements. */
enum status
ptrie_build_root(enum kind kind, const struct ptrie_entry *entries, size_t n, unsigned root_bits,
		 struct ptrie_image *image, struct fault *fault);

/* --- shared with ptrie_check.c --- */

/*
 * The parent that record `index` must have (1 + index, or 0), given that the
 * records before it are in order and have theirs.
 */
uint32_t
ptrie_parent_expected(const struct ptrie *trie, uint32_t index, const struct ptrie_prefix *prefix);

enum ptrie_part {
	PTRIE_ROOT,
	PTRIE_NODES,
	PTRIE_LEAVES
};

/*
 * Make root, nodes and leaves out of a trie's records, which must be right,
 * and hand out each piece: `count` cells, nodes or leaves in disk form that
 * belong at `index` of their part. Stops when `emit` says false.
 */
typedef bool ptrie_emit_cb(void *context, enum ptrie_part part, uint64_t index, const void *piece,
			   size_t count);

struct ptrie_maker {
	const struct ptrie *trie;   /* its records, record_count, root_bits */
	ptrie_emit_cb *emit;
	void *context;
	uint64_t node_count;        /* out */
	uint64_t leaf_count;        /* out */
	uint64_t root_leaf;         /* private: 1 + the last that a root cell has */
	bool stopped;               /* out: by `emit` */
};
/* STATUS_OK, also when stopped; STATUS_NO_MEMORY for a second root. */
enum status
ptrie_make(struct ptrie_maker *maker, struct fault *fault);

#endif
