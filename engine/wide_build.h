/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builder of wide.h: a sorted set of prefixes, and the /64s that have
 * hosts, to one section of bytes.
 *
 * Deterministic: the same sets give the same bytes. Three steps: records with
 * their parents; the ranges of the high 64 bits, one sweep over records and
 * hosts; cells and lines, one walk over the ranges. Lines are filled from the
 * left, with keys of the size that takes more. Memory beside the caller's: the result, and
 * 32 bytes a range.
 */
#ifndef ENGINE_WIDE_BUILD_H
#define ENGINE_WIDE_BUILD_H

#include "engine/ptrie_build.h"
#include "engine/wide.h"

struct wide_image {
	uint8_t *bytes;             /* malloc'd: free() it */
	size_t length;              /* a multiple of 64 */
};

/* Sort the high halves of hosts and drop those that are there twice; how many are left. */
size_t
wide_hosts_sort(uint64_t *hosts, size_t n);

/*
 * Build from `n` entries (up to /127) in order of ptrie_entry_compare, and the /64s of
 * `host_count` hosts, sorted, all distinct.
 * STATUS_USAGE (with the entry's number in the fault's offset) if they are
 * not, or if one has bits past its length; STATUS_LIMIT past WIDE_RECORDS_MAX
 * or the lines that a cell can name; STATUS_NO_MEMORY.
 */
enum status
wide_build(const struct ptrie_entry *entries, size_t n, const uint64_t *hosts, size_t host_count,
	   struct wide_image *image, struct fault *fault);

/* --- shared with wide_check.c --- */

/* The parent that record `index` must have, given that those before it are right. */
uint32_t
wide_parent_expected(const struct wide *wide, uint32_t index, const struct ptrie_prefix *prefix);

/* NULL if `entry` may follow `before` (NULL: the first), else what is wrong. */
const char *
wide_entry_mistake(const struct ptrie_entry *entry, const struct ptrie_entry *before);

/* Root and lines in disk form, made of a section's records. */
struct wide_node;
struct wide_maker {
	struct le32 *root;
	uint32_t root_bits;
	uint8_t *lines;
	size_t line_count, line_capacity;
	const struct wide_node *ranges; /* private, as the next */
	struct wide_node *nodes;
};
enum status
wide_make(struct wide_maker *maker, const struct wide *records, const uint64_t *hosts,
	  size_t host_count, struct fault *fault);
void
wide_maker_fini(struct wide_maker *maker);

#endif
