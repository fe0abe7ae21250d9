/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-up in batches: the same answers as segment_collect, the most specific
 * key only, with the memory latency of many queries overlapped. Only queries that
 * some key covers are returned: a miss costs its line and nothing else.
 *
 * Blocks of queries follow one another through the stages of a walk (hash and ask for
 * the line; look at the line and ask for the record; compare the record), so that
 * the memory is never waited for with nothing else to do.
 *
 * Nothing is said of claims: the caller looks whether one is live and fits by
 * scope, and asks one at a time (segment_collect) if the best key has none.
 */
#ifndef ENGINE_SEGMENT_MANY_H
#define ENGINE_SEGMENT_MANY_H

#include "engine/segment.h"

/* Instead of a claims id: this query must be asked one at a time. */
#define SEGMENT_ASK 0xfffffffeu

/* Queries of one call, at most. */
#define SEGMENT_MANY_MOST 256

struct segment_best {
	uint32_t claims;   /* SEGMENT_NONE (segment_one only): no key covers it; SEGMENT_ASK */
	uint32_t record;
	uint16_t specific; /* as in segment_match; batches of IPv4 leave it 0 for prefixes */
	uint8_t in_trie, exact;
	uint16_t lane;     /* which query */
	uint8_t sole;      /* no other key of this segment covers the query; false: not known */
};

/*
 * There is a path for each instruction set (avx512, avx2, sse2, portable);
 * attach chooses the best that the machine has. Tests and measurements ask for
 * one by name: segment->many = segment_many_choose("avx2"). NULL: the best.
 * A name that the machine lacks gives the portable one.
 */
#define SEGMENT_MANY_PATHS 4
size_t
segment_many_paths(const char *names[SEGMENT_MANY_PATHS]);
uint8_t
segment_many_choose(const char *name);

/*
 * All of them: one row for each of the n <= SEGMENT_MANY_MOST queries that some key covers, in
 * no promised order; returns how many. `best` has room for n rows. (A query for which the file is
 * not what it should be may have two rows.)
 */

/* Host order. */
size_t
segment_many_ipv4(const struct segment *segment, const uint32_t *addresses, size_t n,
		  struct segment_best *best);

/* Network order. */
size_t
segment_many_ipv6(const struct segment *segment, const uint8_t (*addresses)[16], size_t n,
		  struct segment_best *best);

/*
 * `digests`: n times 20 or 32 bytes. `hashes`: known = false before the first of several
 * segments that are asked for the same digests; tables of one seed share them.
 */
struct segment_hashes {
	bool known;
	struct hash_seed seed;
	uint64_t hash[SEGMENT_MANY_MOST];
};
size_t
segment_many_digest(const struct segment *segment, enum kind kind, const uint8_t *digests,
		    size_t n, struct segment_hashes *hashes, struct segment_best *best);

/* Domains or URLs, all of one kind. */
size_t
segment_many_text(const struct segment *segment, enum kind kind, const struct key *const *keys,
		  size_t n, struct segment_best *best);

/*
 * One query, a whole value (no prefix, no pattern): a miss, the most specific
 * key, or SEGMENT_ASK where there are \*-patterns or the file is not what it should be.
 */
void
segment_one(const struct segment *segment, const struct key *key, struct segment_best *best);

#endif
