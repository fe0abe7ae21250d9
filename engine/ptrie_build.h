/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builder of ptrie.h: a sorted set of prefixes to one section of bytes.
 *
 * Deterministic: the same set gives the same bytes. Two passes over the
 * records, one that counts and one that fills, so that memory is the result
 * and nothing more (an allocator that cannot grow a block in place copies the
 * records once). Time: each record is looked at once per level above it and
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

/* The order of entries: by address, then shorter first; <0, 0, >0. For qsort. */
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

#endif
