/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Laying out one hashed table: records in any order in, bucket lines and the
 * order of records out. Between segment_build.c and segment_write.c.
 *
 *   every key -> its path -> nodes {hash, record or none, flags}; where a key is
 *   one step, its record is the node
 *   sort by hash (segment_sort.h) -> equal hashes: flags joined, entries in key order
 *   fill lines in order of home; what does not fit goes to the next line and
 *   leaves a bit; farther than LIMIT_BUCKET_HOPS: more lines, then another seed
 */
#ifndef ENGINE_SEGMENT_LAYOUT_H
#define ENGINE_SEGMENT_LAYOUT_H

#include "engine/name.h"
#include "engine/segment.h"

struct layout {
	struct bucket_d *lines;
	uint64_t lines_count, buckets;
	uint32_t *order;      /* order[i] = number in `table` of the i-th record; NULL: as they stand */
	uint64_t record_count;
	uint32_t first_step, reseeds;
	uint8_t tops[NAME_TOPS_BYTES];
	uint64_t salt;        /* of the set; 0 = not re-seeded */
};

/* The union of scopes among a key's claims, and whether this is an overlay. */
typedef unsigned layout_scopes_cb(void *context, uint32_t claims);

/*
 * `table` holds records, record_count, keys as the reader's does. `records` are
 * the same records where they may be moved, or NULL: if a kind's key is one
 * step they are sorted in place, and there is no order. Equal keys: STATUS_USAGE.
 * Fill `layout`; layout_fini frees. Memory beside the lines: 16 bytes a node and
 * 4 a record, or nothing where the records are the nodes.
 */
enum status
layout_make(const struct segment_table *table, uint8_t *records, enum kind kind,
	    struct hash_seed seed, layout_scopes_cb *scopes, void *context, struct layout *layout,
	    struct fault *fault);
void
layout_fini(struct layout *layout);

#endif
