/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-up in batches and of one query: the same answers as segment_collect, the most specific
 * key only, in batches with the memory latency of many queries overlapped. Only queries that
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
	uint32_t claims;   /* claims id, or SEGMENT_ASK */
	uint32_t record;
	uint16_t specific; /* as in segment_match; batches of IPv4 leave it 0 for prefixes */
	uint8_t in_trie, exact;
	uint16_t lane;     /* which query */
	uint8_t sole;      /* no other key of this segment covers the query; false: not known */
};

/*
 * What several segments that are asked for the same digests or names share: hashes of digests, if their tables have
 * one seed. And the memory's time: tables of a few lines, as overlays are, can be looked at while the lines of the
 * first segment are on their way; segment_is_near says which.
 */
#define SEGMENT_NEAR_MOST (LIMIT_LAYERS - 1)
#define SEGMENT_NEAR_LINES 4096
struct segment_near {
	const struct segment *segment;
	struct segment_best *best;     /* room for SEGMENT_MANY_MOST */
	size_t count;                  /* rows found */
};
struct segment_share {
	bool known;                    /* hash and seed are; false before the first segment */
	struct hash_seed seed;
	uint64_t hash[SEGMENT_MANY_MOST];
	size_t near_count;             /* looked at along with the segment that is asked next */
	struct segment_near near[SEGMENT_NEAR_MOST];
};

/* May `segment` be looked at along with `first`? */
static inline bool
segment_is_near(const struct segment *first, const struct segment *segment, enum kind kind)
{
	const struct segment_table *one = &first->table[kind], *other = &segment->table[kind];
	return (kind == KIND_DOMAIN || kind == KIND_SHA1 || kind == KIND_SHA256) &&
	       one->buckets != 0 && other->buckets != 0 && one->first_step == other->first_step &&
	       other->lines_count <= SEGMENT_NEAR_LINES && hash_seed_equal(one->seed, other->seed);
}

/*
 * There is a path for each instruction set (avx512, avx2, sse2, portable);
 * attach chooses the best that the machine has. Tests and measurements ask for
 * one by name: segment->many = segment_many_choose("avx2"). NULL: the best.
 * A name that the machine lacks gives the portable one.
 */
struct segment_many_path {
	const char *name;
	size_t (*ipv4)(const struct segment *, const uint32_t *, size_t, struct segment_best *);
	size_t (*ipv6)(const struct segment *, const uint8_t (*)[16], size_t, struct segment_best *);
	size_t (*digest)(const struct segment *, enum kind, const uint8_t *, size_t,
			 struct segment_share *, struct segment_best *);
	size_t (*text)(const struct segment *, enum kind, const struct key *const *, size_t,
		       struct segment_share *, struct segment_best *);
	bool (*one_ipv4)(const struct segment *, uint32_t, struct segment_best *);
	bool (*one_bytes[KIND_COUNT])(const struct segment *, const uint8_t *, struct segment_best *);
	bool (*one_text[KIND_COUNT])(const struct segment *, const struct key *, struct segment_best *);
};
#define SEGMENT_MANY_PATHS 4
extern const struct segment_many_path *const segment_many_path[];
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
static inline size_t
segment_many_ipv4(const struct segment *segment, const uint32_t *addresses, size_t n,
		  struct segment_best *best)
{
	return segment_many_path[segment->many]->ipv4(segment, addresses, n, best);
}

/* Network order. */
static inline size_t
segment_many_ipv6(const struct segment *segment, const uint8_t (*addresses)[16], size_t n,
		  struct segment_best *best)
{
	return segment_many_path[segment->many]->ipv6(segment, addresses, n, best);
}

/* `digests`: n times 20 or 32 bytes. */
static inline size_t
segment_many_digest(const struct segment *segment, enum kind kind, const uint8_t *digests,
		    size_t n, struct segment_share *share, struct segment_best *best)
{
	return segment_many_path[segment->many]->digest(segment, kind, digests, n, share, best);
}

/* Domains or URLs, all of one kind. */
static inline size_t
segment_many_text(const struct segment *segment, enum kind kind, const struct key *const *keys,
		  size_t n, struct segment_share *share, struct segment_best *best)
{
	return segment_many_path[segment->many]->text(segment, kind, keys, n, share, best);
}

/*
 * One query, a whole value (no prefix, no pattern): false for a miss, *best is then anything; else the most
 * specific key, or SEGMENT_ASK where there are \*-patterns or the file is not what it should be.
 */

/* Host order. */
static inline bool
segment_one_ipv4(const struct segment *segment, uint32_t address, struct segment_best *best)
{
	return segment_many_path[segment->many]->one_ipv4(segment, address, best);
}

/* KIND_IPV6, KIND_SHA1, KIND_SHA256: 16, 20, 32 bytes. */
static inline bool
segment_one_bytes(const struct segment *segment, enum kind kind, const uint8_t *bytes,
		  struct segment_best *best)
{
	return segment_many_path[segment->many]->one_bytes[kind](segment, bytes, best);
}

/* KIND_DOMAIN, KIND_URL. */
static inline bool
segment_one_text(const struct segment *segment, const struct key *key, struct segment_best *best)
{
	return segment_many_path[segment->many]->one_text[key->kind](segment, key, best);
}

/* Of any kind. */
static inline bool
segment_one(const struct segment *segment, const struct key *key, struct segment_best *best)
{
	if (kind_table[key->kind].key_bytes == 0)
		return segment_one_text(segment, key, best);
	return key->kind == KIND_IPV4
		? segment_one_ipv4(segment, be32_get(key->bytes), best)
		: segment_one_bytes(segment, (enum kind)key->kind, key->bytes, best);
}

#endif
