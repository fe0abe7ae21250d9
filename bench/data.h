/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benchmarks load and ask: N distinct keys of a class with claims, and
 * streams of queries with the answer that each must get.
 *
 *   data_make -> data_queries -> queries_free -> data_free
 *
 * Keys are the real lists of a data folder (lists.h) as long as they last, then
 * keys grown from them by rules that keep their shape (docs/bench.md); without
 * the folder, names and addresses of the same shape made up from nothing.
 * Digests are random, as are the addresses of the table `random`: such keys are
 * not stored but made from their number, and their number from them. Everything
 * follows from the class, the table, the count and the seed.
 *
 * Claims: five sources, thirty expiry times each, 500 tag sets of which few are
 * common; every tenth key has a second claim of a sixth source. Which claim a
 * key has is a function of its number, so it takes no memory. All claims are
 * live at DATA_NOW: most peers could not fall back to a second answer.
 *
 * Answers come from a table of our own in front of all keys (data_oracle.c;
 * random keys: data_random.c), which shares no code with the engine or with a peer.
 */
#ifndef BENCH_DATA_H
#define BENCH_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/lists.h"

#define DATA_NOW 1800000000u
#define DATA_SOURCES 5
#define DATA_TIMES 30
#define DATA_SETS 500
#define DATA_CLAIMS (DATA_SOURCES * DATA_TIMES * DATA_SETS)
#define DATA_NONE 0xffffffffu

/* The first six are enum kind; canon is URL text to canonical text. */
enum data_class {
	CLASS_IPV4,
	CLASS_IPV6,
	CLASS_DOMAIN,
	CLASS_URL,
	CLASS_SHA1,
	CLASS_SHA256,
	CLASS_CANON,
	CLASS_COUNT
};
extern const char *const data_class_names[CLASS_COUNT];
/* Set the bit of the class that is stored under this name; false if there is none. */
bool
data_class_add(unsigned *classes, const char *name);

/* What a look-up gives: set number and scope << 16, expiry. tags 0: no hit. */
struct answer {
	uint32_t tags, expires;
};

struct data {
	enum data_class class;
	const char *table;         /* random, reputation, bgp, lists, synthetic */
	size_t count;
	unsigned key_bytes;        /* 4 (host order), 16, 20, 32; 0 = text */
	uint8_t *keys;             /* count * key_bytes; NULL: random, see data_key */
	uint8_t *bits;             /* addresses: prefix length; NULL: see data_bits */
	struct list text;          /* domain, url */
	struct list raw;           /* url, canon: lines as they came */
	uint32_t *slots;           /* private: oracle */
	uint64_t slot_mask;
	uint64_t lengths[3];       /* private: prefix lengths that occur */
	uint64_t seed;
};

/* `table` NULL: the usual one of the class. NULL if it cannot be made (said on stderr). */
struct data *
data_make(enum data_class class, const char *table, size_t count, uint64_t seed);
void
data_free(struct data *data);

/* Key i: a pointer that is good until the third call after this one. */
const uint8_t *
data_key(const struct data *data, size_t i, size_t *length);
/* Prefix length of an address; 0 for other classes. */
unsigned
data_bits(const struct data *data, size_t i);

/* Claim number (below DATA_CLAIMS), scope and second claim of key i. */
uint32_t
data_claim(const struct data *data, size_t i);
unsigned
data_scope(const struct data *data, size_t i);
bool
data_second(const struct data *data, size_t i);
struct answer
data_claim_answer(uint32_t claim);
struct answer
data_answer(const struct data *data, size_t i);

static inline struct answer
data_live(struct answer answer)
{
	return answer.expires > DATA_NOW ? answer : (struct answer){0, 0};
}

/* Does scope `tags >> 16` reach the key itself (exact) or what lies below? */
static inline bool
data_covers(struct answer answer, bool exact)
{
	return (answer.tags >> 16 & (exact ? 1 : 2)) != 0;
}

enum data_stream {
	STREAM_MISS,
	STREAM_HIT,
	STREAM_ONE_PERCENT,
	STREAM_BENIGN,
	STREAM_FIVE_PERCENT, /* addresses only */
	STREAM_COUNT
};
extern const char *const data_stream_names[STREAM_COUNT];

struct queries {
	const struct data *data;
	size_t count;
	uint8_t *keys;             /* as in data */
	struct list text;
	struct answer *expected;
	size_t hits;
};

/* NULL if the class has no such stream here. */
struct queries *
data_queries(const struct data *data, enum data_stream stream, size_t count);
void
queries_free(struct queries *queries);

/* --- private to data*.c ---------------------------------------------------------------- */

uint64_t
data_mix(uint64_t x);
void
data_oracle_init(struct data *data);
/* False if an equal key is there already. */
bool
data_oracle_add(struct data *data, size_t i);
/* Random keys: i to key (32 bytes of room) and back; false if it is none of them. */
void
data_random_key(const struct data *data, size_t i, uint8_t key[32]);
bool
data_random_find(const struct data *data, const uint8_t *key, size_t *i);
struct answer
data_oracle_find(const struct data *data, const void *key, size_t length);

#endif
