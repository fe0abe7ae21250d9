/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Baselines of our own. sorted: an array of digests in order, found by an index
 * of their first bits and a short search. bloom: a blocked Bloom filter (one
 * 64-byte line a key, 8 bits of it, 12 bits an entry) in front of that array.
 * sorted-safebrowsing: URLs the Safe Browsing way, SHA-256 of every expression
 * in such an array.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "bench/peers/peers.h"

#define BLOOM_BITS_PER_KEY 12
#define BLOOM_PROBES 8

struct row {
	uint8_t digest[32];
	struct answer answer;
};

struct sorted {
	struct row *rows;
	uint32_t *index;      /* first row with these top bits; 2^bits + 1 */
	unsigned bits, digest_bytes;
	uint64_t count;
	uint64_t (*bloom)[8]; /* NULL: none */
	uint64_t lines;
};

static uint64_t
top(const uint8_t *digest)
{
	uint64_t word;
	memcpy(&word, digest, 8);
	return __builtin_bswap64(word);
}

static int
by_digest(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static void
row_fill(struct row *row, const struct data *data, size_t i)
{
	size_t length;
	const uint8_t *key = data_key(data, i, &length);
	memset(row, 0, sizeof(*row));
	if (data->key_bytes > 0)
		memcpy(row->digest, key, length);
	else
		SHA256(key, length, row->digest);
	row->answer = data_answer(data, i);
}

/*
 * Rows by their top bits first, then each short run by itself. Rows are made
 * twice rather than kept in two places.
 */
static void
sort_rows(struct sorted *self, const struct data *data)
{
	struct row row;
	for (uint64_t i = 0; i < self->count; i++) {
		row_fill(&row, data, i);
		self->index[(top(row.digest) >> (64 - self->bits)) + 1]++;
	}
	for (uint64_t i = 0; i < 1ull << self->bits; i++)
		self->index[i + 1] += self->index[i];
	uint32_t *next = malloc(sizeof(*next) << self->bits);
	memcpy(next, self->index, sizeof(*next) << self->bits);
	for (uint64_t i = 0; i < self->count; i++) {
		row_fill(&row, data, i);
		self->rows[next[top(row.digest) >> (64 - self->bits)]++] = row;
	}
	for (uint64_t i = 0; i < 1ull << self->bits; i++)
		qsort(self->rows + self->index[i], self->index[i + 1] - self->index[i],
		      sizeof(struct row), by_digest);
	free(next);
}

static void *
sorted_build(const struct data *data)
{
	struct sorted *self = calloc(1, sizeof(*self));
	self->count = data->count;
	self->digest_bytes = data->key_bytes > 0 ? data->key_bytes : 32;
	for (self->bits = 8; 4ull << self->bits < data->count; self->bits++)
		;
	self->rows = malloc((data->count + 1) * sizeof(*self->rows));
	self->index = calloc((1ull << self->bits) + 1, sizeof(*self->index));
	sort_rows(self, data);
	return self;
}

static const struct row *
sorted_find(const struct sorted *self, const uint8_t *digest)
{
	uint64_t at = top(digest) >> (64 - self->bits);
	for (uint32_t i = self->index[at]; i < self->index[at + 1]; i++)
		if (memcmp(self->rows[i].digest, digest, self->digest_bytes) == 0)
			return &self->rows[i];
	return NULL;
}

static struct answer
row_answer(const struct row *row)
{
	return row == NULL ? (struct answer){0, 0} : data_live(row->answer);
}

static struct answer
sorted_one(void *self, const struct queries *queries, size_t i)
{
	size_t length;
	return row_answer(sorted_find(self, query_key(queries, i, &length)));
}

static void
sorted_batch(void *context, const struct queries *queries, size_t from, size_t n,
	     struct answer *answers)
{
	struct sorted *self = context;
	size_t length;
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(&self->index[top(query_key(queries, from + i, &length)) >>
						(64 - self->bits)]);
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(&self->rows[self->index[top(query_key(queries, from + i, &length)) >>
							   (64 - self->bits)]]);
	for (size_t i = 0; i < n; i++)
		answers[i] = sorted_one(self, queries, from + i);
}

static uint64_t
sorted_bytes(void *context)
{
	const struct sorted *self = context;
	return self->count * (self->digest_bytes + sizeof(struct answer)) +
	       (sizeof(*self->index) << self->bits) + self->lines * 64;
}

static void
sorted_free(void *context)
{
	struct sorted *self = context;
	free(self->rows);
	free(self->index);
	free(self->bloom);
	free(self);
}

/* --- bloom ------------------------------------------------------------------------------- */

static uint64_t *
bloom_line(const struct sorted *self, const uint8_t *digest)
{
	return self->bloom[(unsigned __int128)top(digest) * self->lines >> 64];
}

/* Eight words, one bit in each: positions from the digest's second eight bytes. */
static bool
bloom_maybe(const struct sorted *self, const uint8_t *digest)
{
	const uint64_t *line = bloom_line(self, digest);
	uint64_t bits = top(digest + 8), missing = 0;
	for (unsigned i = 0; i < BLOOM_PROBES; i++)
		missing |= ~line[i] >> (bits >> 6 * i & 63);
	return (missing & 1) == 0;
}

static void *
bloom_build(const struct data *data)
{
	struct sorted *self = sorted_build(data);
	self->lines = data->count * BLOOM_BITS_PER_KEY / 512 + 1;
	self->bloom = aligned_alloc(64, self->lines * 64);
	memset(self->bloom, 0, self->lines * 64);
	for (uint64_t r = 0; r < self->count; r++) {
		uint64_t bits = top(self->rows[r].digest + 8);
		uint64_t *line = bloom_line(self, self->rows[r].digest);
		for (unsigned i = 0; i < BLOOM_PROBES; i++)
			line[i] |= 1ull << (bits >> 6 * i & 63);
	}
	return self;
}

static struct answer
bloom_one(void *context, const struct queries *queries, size_t i)
{
	struct sorted *self = context;
	size_t length;
	const uint8_t *digest = query_key(queries, i, &length);
	return bloom_maybe(self, digest) ? row_answer(sorted_find(self, digest)) :
					   (struct answer){0, 0};
}

static void
bloom_batch(void *context, const struct queries *queries, size_t from, size_t n,
	    struct answer *answers)
{
	struct sorted *self = context;
	uint16_t left[256];
	size_t count = 0, length;
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(bloom_line(self, query_key(queries, from + i, &length)));
	for (size_t i = 0; i < n; i++) {
		const uint8_t *digest = query_key(queries, from + i, &length);
		answers[i] = (struct answer){0, 0};
		if (!bloom_maybe(self, digest))
			continue;
		__builtin_prefetch(&self->index[top(digest) >> (64 - self->bits)]);
		left[count++] = (uint16_t)i;
	}
	for (size_t i = 0; i < count; i++)
		answers[left[i]] = sorted_one(self, queries, from + left[i]);
}

/* --- Safe Browsing --------------------------------------------------------------------------- */

static struct answer
expressions_one(void *self, const struct queries *queries, size_t i)
{
	struct walk walk = walk_start(queries, i);
	do {
		uint8_t digest[32];
		SHA256(walk.key, walk.length, digest);
		struct answer answer = row_answer(sorted_find(self, digest));
		if (data_covers(answer, walk.exact))
			return answer;
	} while (walk_up(&walk));
	return (struct answer){0, 0};
}

#define SORTED sorted_build, sorted_free

static const struct peer peers[] = {
	{"sorted", FOR_DIGESTS, 0, 0, SORTED, sorted_one, sorted_batch, sorted_bytes},
	{"bloom", FOR_DIGESTS, 0, 0, bloom_build, sorted_free, bloom_one, bloom_batch, sorted_bytes},
	{"sorted-safebrowsing", FOR(CLASS_URL), 0, 0, SORTED, expressions_one, NULL, sorted_bytes},
};

const struct peer_family family_sorted = {peers, sizeof(peers) / sizeof(*peers)};
