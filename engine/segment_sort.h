/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting what a hashed table is made of by its 64-bit hash, in place: nodes
 * of the trie, or whole records of the kinds whose key is one step (path.h).
 *
 *   rows --- split by the first bits of the hash ---> up to 256 runs, in place
 *   run  --- split again ... until it fits a core's own cache ---> leaf
 *   leaf --- (hash, place) pairs sorted, rows gathered, copied back; where somebody chose the hashes,
 *            crowded pairs are parted by the bits, and then the key words, where they differ
 *
 * A split is the American flag sort of McIlroy, Bostic and McIlroy (1993); each
 * run's next rows are fetched ahead, so that it moves at the speed of memory
 * and not of its latency. Beside the rows it needs LEAF_MOST rows and pairs.
 */
#ifndef ENGINE_SEGMENT_SORT_H
#define ENGINE_SEGMENT_SORT_H

#include <stdbool.h>

#include "engine/hash.h"
#include "engine/kind.h"
#include "engine/status.h"

struct sort_node {
	uint64_t hash;
	uint32_t record;
	uint32_t flags;
};

/* By hash; equal hashes in no promised order. */
enum status
sort_nodes(struct sort_node *nodes, size_t count, struct fault *fault);

/* True if sort_records knows the kind: its key is one step and its record key and claims id. */
bool
sort_takes(enum kind kind);

/* Records as on disk, by hash, then key. *twice: some key stands there twice. */
enum status
sort_records(enum kind kind, struct hash_seed seed, uint8_t *records, size_t count, bool *twice,
	     struct fault *fault);

/* Are they in that order, and none twice? */
bool
sort_is_done(enum kind kind, struct hash_seed seed, const uint8_t *records, size_t count);

/* The hash that sort_records goes by. */
uint64_t
sort_record_hash(enum kind kind, struct hash_seed seed, const uint8_t *record);

#endif
