/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer: something else that answers what repute answers, loaded with the same
 * keys and the same payload (struct answer: tag set, scope, expiry; or, where
 * it holds 32 bits only, the number of the claim in a table of them). It must
 * give the covering entry that is most specific, or an answer of zeros, and
 * must look at the expiry.
 *
 * One file a family; each ends in a const table of struct peer that
 * peers.c lists. A new peer is a row.
 */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#ifdef __cplusplus
extern "C" {
#define class class_
#endif
#include "bench/data.h"
#ifdef __cplusplus
#undef class
#endif

#define FOR(class) (1u << (class))
#define FOR_DIGESTS (FOR(CLASS_SHA1) | FOR(CLASS_SHA256))
#define FOR_TEXTS (FOR(CLASS_DOMAIN) | FOR(CLASS_URL))
#define FOR_ADDRESSES (FOR(CLASS_IPV4) | FOR(CLASS_IPV6))

#define PEER_PREPARED_ONE 16
#define PEER_PREPARED_BATCH 64

struct peer {
	const char *who;       /* name, and variant after a dash */
	unsigned classes;      /* FOR(...) */
	unsigned slow;         /* classes in which QUICK=1 leaves it out */
	uint64_t most;         /* entries it can hold in reasonable time and memory; 0 = any */
	/* NULL if it cannot be had, or cannot hold these keys; says why on stderr. */
	void *(*build)(const struct data *data);
	void (*free)(void *self);
	struct answer (*find_one)(void *self, const struct queries *queries, size_t i);
	/* What follows may be NULL. Its own way of many at once, n <= 256; else a loop of find_one. */
	void (*find_batch)(void *self, const struct queries *queries, size_t from, size_t n,
			   struct answer *answers);
	/* Bytes held; NULL: what malloc gave out during build. */
	uint64_t (*bytes)(void *self);
	/* Before and after each call, not timed. NULL for all peers but repute. */
	void (*prepare)(void *self, const struct queries *queries, size_t from, size_t n);
	struct answer (*settle)(void *self, const struct queries *queries, size_t i);
};

struct peer_family {
	const struct peer *peers;
	size_t count;
};

extern const struct peer_family family_repute, family_sorted, family_maps, family_stores,
	family_judy, family_tries, family_dpdk, family_routes, family_redis, family_urls;

/* build/tmp or $BENCH_TMP, then `name`, with the number of this process. */
void
peer_path(char *path, size_t size, const char *name);

static inline const uint8_t *
query_key(const struct queries *queries, size_t i, size_t *length)
{
	*length = queries->data->key_bytes;
	if (*length == 0)
		return (const uint8_t *)list_text(&queries->text, i, length);
	return queries->keys + i * *length;
}

static inline uint64_t
answer_word(struct answer answer)
{
	return (uint64_t)answer.expires << 32 | answer.tags;
}

static inline struct answer
word_answer(uint64_t word)
{
	struct answer answer = {(uint32_t)word, (uint32_t)(word >> 32)};
	return answer;
}

/*
 * The walk of peers that find whole keys only: the query, then all that may
 * cover it, most specific first. For a name its suffixes; for a URL without the
 * query, then cut before each / of the path; other keys themselves alone.
 *
 *     struct walk walk = walk_start(...);
 *     do { look for walk.key, walk.length } while (not taken && walk_up(&walk));
 */
struct walk {
	const uint8_t *key;
	size_t length;
	bool exact;           /* still the query itself */
	unsigned class_number;
	size_t root;          /* url: where the path begins */
};

struct walk
walk_start(const struct queries *queries, size_t i);
bool
walk_up(struct walk *walk);

/* The walk with a finder of whole keys: an answer word, 0 = not there. */
typedef uint64_t peer_get(void *self, const void *key, size_t length);
struct answer
walk_find(peer_get *get, void *self, const struct queries *queries, size_t i);

#ifdef __cplusplus
}
#endif

#endif
