/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/segment_sort.h"

#include <stdlib.h>
#include <string.h>

#include "engine/format.h"
#include "engine/hosts.h"
#include "engine/path.h"

#define SPLIT_BITS 8           /* of one split: 256 runs */
#define LEAF_MOST 8192         /* rows of a leaf: they and their pairs fit a cache of 1 MiB */
#define LEAF_BITS 11           /* a split aims at leaves of half that */
#define FETCH_BYTES 192        /* how far ahead of a run's end */
#define ROW_MOST 36
#define CROWD_MOST 32          /* pairs in one place for which insertion is cheap */
#define CROWD_BITS 9        /* of one round that parts a crowd */
#define PAIR_BITS 13           /* a leaf's pairs are dealt into as many places as it has rows */

struct pair {
	uint64_t hash;
	uint32_t place;
};

struct sort {
	struct hash_seed seed;
	bool twice;
	struct pair dealt[LEAF_MOST], pairs[LEAF_MOST];
	uint32_t starts[(1 << PAIR_BITS) + 1];
	uint8_t rows[LEAF_MOST * ROW_MOST];
};

/* --- shapes of rows -------------------------------------------------------------------- */

/*
 * Everything below is inlined into one function a shape, with these two as
 * constants: `size` of a row and `key_bytes`, 0 for a node.
 */
#define INLINE static inline __attribute__((always_inline))

INLINE uint64_t
row_hash(struct hash_seed seed, const uint8_t *row, size_t key_bytes)
{
	uint64_t hash;
	if (key_bytes == 4)
		return path_host(seed, be32_get(row));
	if (key_bytes != 0)
		return path_digest(seed, row, key_bytes);
	memcpy(&hash, row, sizeof(hash));
	return hash;
}

/* The first `bits` bits of what follows the first `used` bits of a hash. */
INLINE size_t
hash_digit(uint64_t hash, unsigned used, unsigned bits)
{
	return (size_t)(hash << used >> (64 - bits));
}

/* --- splitting -------------------------------------------------------------------------- */

INLINE void
split_body(const struct sort *sort, uint8_t *rows, size_t count, unsigned used, unsigned bits,
	   size_t ends[1 << SPLIT_BITS], size_t size, size_t key_bytes)
{
	size_t next[1 << SPLIT_BITS], sum = 0;
	for (size_t i = 0; i < count; i++)
		ends[hash_digit(row_hash(sort->seed, rows + i * size, key_bytes), used, bits)]++;
	bool together = false;
	for (size_t run = 0; run < (size_t)1 << bits; run++) {
		together |= ends[run] == count;
		next[run] = sum * size;
		sum += ends[run];
		ends[run] = sum;
	}
	for (size_t run = 0; !together && run < (size_t)1 << bits; run++) {
		while (next[run] < ends[run] * size) {
			uint8_t row[ROW_MOST], other[ROW_MOST];
			memcpy(row, rows + next[run], size);
			for (size_t to; (to = hash_digit(row_hash(sort->seed, row, key_bytes), used,
							 bits)) != run; memcpy(row, other, size)) {
				uint8_t *there = rows + next[to];
				__builtin_prefetch(there + FETCH_BYTES, 1);
				memcpy(other, there, size);
				memcpy(there, row, size);
				next[to] += size;
			}
			memcpy(rows + next[run], row, size);
			next[run] += size;
		}
	}
}

/* --- rows of one hash --------------------------------------------------------------------- */

/* How many from the first on have its hash. */
INLINE size_t
alike_body(const struct sort *sort, const uint8_t *rows, size_t count, size_t size, size_t key_bytes)
{
	uint64_t hash = row_hash(sort->seed, rows, key_bytes);
	size_t i = 1;
	while (i < count && row_hash(sort->seed, rows + i * size, key_bytes) == hash)
		i++;
	return i;
}

/* By one byte of their keys, as split_body does by bits of their hashes; false if all have the same. */
INLINE bool
keys_body(uint8_t *rows, size_t count, size_t byte, size_t ends[1 << SPLIT_BITS], size_t size)
{
	size_t next[1 << SPLIT_BITS], sum = 0, same = 1;
	while (same < count && rows[same * size + byte] == rows[byte])
		same++;
	if (same == count)
		return false;
	for (size_t i = 0; i < count; i++)
		ends[rows[i * size + byte]]++;
	for (size_t run = 0; run < 1 << SPLIT_BITS; run++) {
		next[run] = sum;
		sum += ends[run];
		ends[run] = sum;
	}
	for (size_t run = 0; run < 1 << SPLIT_BITS; run++) {
		while (next[run] < ends[run]) {
			uint8_t row[ROW_MOST], *here = rows + next[run] * size;
			memcpy(row, here, size);
			uint8_t *there = rows + next[row[byte]]++ * size, other[ROW_MOST];
			__builtin_prefetch(there + FETCH_BYTES, 1);
			memcpy(other, there, size);
			memcpy(here, other, size);
			memcpy(there, row, size);
		}
	}
	return true;
}

/* --- leaves ------------------------------------------------------------------------------- */

INLINE int
pair_order(const uint8_t *rows, const struct pair *a, const struct pair *b, size_t size,
	   size_t key_bytes)
{
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return key_bytes == 0 ? 0
			      : memcmp(rows + a->place * size, rows + b->place * size, key_bytes);
}

/* Into their places by the next bits. How many share one at most: those are still to be sorted. */
INLINE uint32_t
deal_pairs(struct sort *sort, const uint8_t *rows, size_t count, unsigned used, unsigned bits,
	   size_t size, size_t key_bytes)
{
	memset(sort->starts, 0, ((1 << bits) + 1) * sizeof(*sort->starts));
	for (size_t i = 0; i < count; i++) {
		sort->dealt[i].hash = row_hash(sort->seed, rows + i * size, key_bytes);
		sort->dealt[i].place = (uint32_t)i;
		sort->starts[hash_digit(sort->dealt[i].hash, used, bits) + 1]++;
	}
	uint32_t most = 0;
	for (size_t i = 1; i <= (size_t)1 << bits; i++) {
		most = sort->starts[i] > most ? sort->starts[i] : most;
		sort->starts[i] += sort->starts[i - 1];
	}
	for (size_t i = 0; i < count; i++)
		sort->pairs[sort->starts[hash_digit(sort->dealt[i].hash, used, bits)]++] =
			sort->dealt[i];
	return most;
}

INLINE void
insert_pairs(struct sort *sort, const uint8_t *rows, struct pair *pairs, size_t count, size_t size,
	     size_t key_bytes)
{
	for (size_t i = 1; i < count; i++) {
		struct pair pair = pairs[i];
		size_t j = i;
		int order = 1;
		while (j > 0 && (order = pair_order(rows, &pairs[j - 1], &pair, size, key_bytes)) > 0) {
			pairs[j] = pairs[j - 1];
			j--;
		}
		sort->twice |= j > 0 && order == 0;
		pairs[j] = pair;
	}
}

/* --- crowds: hashes that somebody chose ---------------------------------------------------------- */

/* The n-th eight bytes of a row's key as a number; zeros behind its end. */
INLINE uint64_t
key_word(const uint8_t *row, size_t n, size_t key_bytes)
{
	if (8 * n + 8 > key_bytes)
		return (uint64_t)be32_get(row + 8 * n) << 32;
	return be64_get(row + 8 * n);
}

/*
 * Where pairs first differ: bits to skip of `hash`, which is put to the next word of the key when all
 * have the same. False if they are the same to the end.
 */
INLINE bool
pairs_differ(const uint8_t *rows, struct pair *pairs, size_t count, size_t *words, unsigned *used,
	     size_t size, size_t key_bytes)
{
	uint64_t differ = 0;
	for (size_t i = 1; i < count; i++)
		differ |= pairs[i].hash ^ pairs[0].hash;
	for (; differ == 0 && 8 * *words < key_bytes; ++*words) {
		for (size_t i = 0; i < count; i++) {
			pairs[i].hash = key_word(rows + pairs[i].place * size, *words, key_bytes);
			differ |= pairs[i].hash ^ pairs[0].hash;
		}
	}
	*used = differ == 0 ? 64 : (unsigned)__builtin_clzll(differ);
	return differ != 0;
}

typedef void crowd_fn(struct sort *sort, const uint8_t *rows, struct pair *pairs, size_t count,
		      size_t words);

/* Pairs in places that end where `ends` says. */
INLINE void
places_body(struct sort *sort, const uint8_t *rows, struct pair *pairs, const uint32_t *ends,
	    size_t places, size_t words, crowd_fn *crowd, size_t size, size_t key_bytes)
{
	for (size_t i = 0, from = 0; i < places; from = ends[i++]) {
		size_t count = ends[i] - from;
		if (count > CROWD_MOST)
			crowd(sort, rows, pairs + from, count, words);
		else if (count > 1)
			insert_pairs(sort, rows, pairs + from, count, size, key_bytes);
	}
}

/*
 * Pairs of which `words` of the key's words are known to be the same, or 0: of their hash. Each round
 * parts them by the bits where they differ, so that chosen ones cost no more than log(count) rounds.
 */
INLINE void
crowd_body(struct sort *sort, const uint8_t *rows, struct pair *pairs, size_t count, size_t words,
	   crowd_fn *again, size_t size, size_t key_bytes)
{
	uint32_t ends[1 << CROWD_BITS] = {0}, sum = 0, most = 0;
	unsigned used;
	if (!pairs_differ(rows, pairs, count, &words, &used, size, key_bytes)) {
		sort->twice |= key_bytes != 0;
		return;
	}
	unsigned bits = used + CROWD_BITS > 64 ? 64 - used : CROWD_BITS;
	for (size_t i = 0; i < count; i++) {
		sort->dealt[i] = pairs[i];
		ends[hash_digit(pairs[i].hash, used, bits)]++;
	}
	for (size_t i = 0; i < 1 << CROWD_BITS; i++) {
		uint32_t here = ends[i];
		most = here > most ? here : most;
		ends[i] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		pairs[ends[hash_digit(sort->dealt[i].hash, used, bits)]++] = sort->dealt[i];
	if (most <= CROWD_MOST)
		insert_pairs(sort, rows, pairs, count, size, key_bytes);
	else
		places_body(sort, rows, pairs, ends, 1 << CROWD_BITS, words, again, size, key_bytes);
}

INLINE void
leaf_body(struct sort *sort, uint8_t *rows, size_t count, unsigned used, crowd_fn *crowd, size_t size,
	  size_t key_bytes)
{
	struct pair *pairs = sort->pairs;
	unsigned bits = 1;
	while (bits < PAIR_BITS && count >> bits != 0)
		bits++;
	bits = used + bits > 64 ? 64 - used : bits;
	if (deal_pairs(sort, rows, count, used, bits, size, key_bytes) <= CROWD_MOST)
		insert_pairs(sort, rows, pairs, count, size, key_bytes);
	else
		places_body(sort, rows, pairs, sort->starts, (size_t)1 << bits, 0, crowd, size, key_bytes);
	for (size_t i = 0; i < count; i++)
		memcpy(sort->rows + i * size, rows + pairs[i].place * size, size);
	memcpy(rows, sort->rows, count * size);
}

/* --- one function a shape ------------------------------------------------------------------ */

typedef void split_fn(const struct sort *sort, uint8_t *rows, size_t count, unsigned used,
		      unsigned bits, size_t *ends);
typedef void leaf_fn(struct sort *sort, uint8_t *rows, size_t count, unsigned used);
typedef size_t alike_fn(const struct sort *sort, const uint8_t *rows, size_t count);
typedef bool keys_fn(uint8_t *rows, size_t count, size_t byte, size_t *ends);

struct shape {
	size_t size, key_bytes;
	split_fn *split;
	leaf_fn *leaf;
	alike_fn *alike;
	keys_fn *keys;
};

#define SHAPE(name, size, key_bytes)                                                              \
	static void split_##name(const struct sort *sort, uint8_t *rows, size_t count,            \
				 unsigned used, unsigned bits, size_t *ends)                      \
	{                                                                                         \
		split_body(sort, rows, count, used, bits, ends, size, key_bytes);                 \
	}                                                                                         \
	static void crowd_##name(struct sort *sort, const uint8_t *rows, struct pair *pairs,      \
				 size_t count, size_t words)                                      \
	{                                                                                         \
		crowd_body(sort, rows, pairs, count, words, crowd_##name, size, key_bytes);       \
	}                                                                                         \
	static void leaf_##name(struct sort *sort, uint8_t *rows, size_t count, unsigned used)    \
	{                                                                                         \
		leaf_body(sort, rows, count, used, crowd_##name, size, key_bytes);                \
	}                                                                                         \
	static size_t alike_##name(const struct sort *sort, const uint8_t *rows, size_t count)    \
	{                                                                                         \
		return alike_body(sort, rows, count, size, key_bytes);                            \
	}                                                                                         \
	static bool keys_##name(uint8_t *rows, size_t count, size_t byte, size_t *ends)           \
	{                                                                                         \
		return keys_body(rows, count, byte, ends, size);                                  \
	}                                                                                         \
	static const struct shape shape_##name = {size, key_bytes, split_##name, leaf_##name,     \
						  alike_##name, keys_##name};

SHAPE(node, sizeof(struct sort_node), 0)
SHAPE(ipv4, sizeof(struct hosts_record), 4)
SHAPE(sha1, sizeof(struct record_sha1_d), 20)
SHAPE(sha256, sizeof(struct record_sha256_d), 32)

static const struct shape *const shapes[KIND_COUNT] = {
	[KIND_IPV4] = &shape_ipv4,
	[KIND_SHA1] = &shape_sha1,
	[KIND_SHA256] = &shape_sha256,
};

/* --- recursion ------------------------------------------------------------------------------- */

/*
 * More rows of one hash than a leaf holds: a key put again and again, or an attack. By their keys,
 * which are the same up to `byte`.
 */
static void
sort_equals(struct sort *sort, const struct shape *shape, uint8_t *rows, size_t count, size_t byte)
{
	size_t ends[1 << SPLIT_BITS] = {0};
	if (count < 2 || shape->key_bytes == 0)
		return;
	if (count <= LEAF_MOST) {
		shape->leaf(sort, rows, count, 0);
		return;
	}
	while (byte < shape->key_bytes && !shape->keys(rows, count, byte, ends))
		byte++;
	if (byte == shape->key_bytes) {
		sort->twice = true;
		return;
	}
	for (size_t run = 0, from = 0; run < 1 << SPLIT_BITS; from = ends[run++])
		sort_equals(sort, shape, rows + from * shape->size, ends[run] - from, byte + 1);
}

static unsigned
bits_of_split(size_t count, unsigned used)
{
	unsigned bits = 1;
	while (bits < SPLIT_BITS && count >> (LEAF_BITS + bits) != 0)
		bits++;
	return used + bits > 64 ? 64 - used : bits;
}

/* At most 64 deep, and 8 for hashes as they come. */
static void
sort_run(struct sort *sort, const struct shape *shape, uint8_t *rows, size_t count, unsigned used)
{
	size_t ends[1 << SPLIT_BITS] = {0};
	if (count < 2)
		return;
	if (used == 64 || (count > LEAF_MOST && shape->alike(sort, rows, count) == count)) {
		sort_equals(sort, shape, rows, count, 0);
		return;
	}
	if (count <= LEAF_MOST) {
		shape->leaf(sort, rows, count, used);
		return;
	}
	unsigned bits = bits_of_split(count, used);
	shape->split(sort, rows, count, used, bits, ends);
	for (size_t run = 0, from = 0; run < (size_t)1 << bits; from = ends[run++])
		sort_run(sort, shape, rows + from * shape->size, ends[run] - from, used + bits);
}

static enum status
sort_all(const struct shape *shape, struct hash_seed seed, uint8_t *rows, size_t count,
	 bool *twice, struct fault *fault)
{
	struct sort *sort = malloc(sizeof(*sort));
	if (sort == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to sort");
	sort->seed = seed;
	sort->twice = false;
	sort_run(sort, shape, rows, count, 0);
	*twice = sort->twice;
	free(sort);
	return STATUS_OK;
}

enum status
sort_nodes(struct sort_node *nodes, size_t count, struct fault *fault)
{
	struct hash_seed none = {{0, 0}};
	bool twice;
	return sort_all(&shape_node, none, (uint8_t *)nodes, count, &twice, fault);
}

bool
sort_takes(enum kind kind)
{
	return shapes[kind] != NULL;
}

enum status
sort_records(enum kind kind, struct hash_seed seed, uint8_t *records, size_t count, bool *twice,
	     struct fault *fault)
{
	return sort_all(shapes[kind], seed, records, count, twice, fault);
}

bool
sort_is_done(enum kind kind, struct hash_seed seed, const uint8_t *records, size_t count)
{
	size_t size = shapes[kind]->size;
	uint64_t before = 0;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *record = records + i * size;
		uint64_t hash = sort_record_hash(kind, seed, record);
		if (hash < before ||
		    (i > 0 && hash == before &&
		     memcmp(record - size, record, shapes[kind]->key_bytes) >= 0))
			return false;
		before = hash;
	}
	return true;
}

uint64_t
sort_record_hash(enum kind kind, struct hash_seed seed, const uint8_t *record)
{
	return row_hash(seed, record, kind_table[kind].key_bytes);
}
