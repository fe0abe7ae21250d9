/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle: one open table over all keys, and the plain meaning of covering:
 * ask for the query itself, then for each thing above it, nearest first.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/data.h"

struct key_bytes {
	const uint8_t *bytes;
	size_t length;
	unsigned bits;
};

static uint64_t
key_hash(struct key_bytes key)
{
	uint64_t hash = data_mix(key.bits + key.length * 131);
	size_t i = 0;
	for (; i + 8 <= key.length; i += 8) {
		uint64_t word;
		memcpy(&word, key.bytes + i, 8);
		hash = (hash ^ word) * 0x9fb21c651e98df25ull;
		hash ^= hash >> 29;
	}
	for (; i < key.length; i++)
		hash = (hash ^ key.bytes[i]) * 0x100000001b3ull;
	return data_mix(hash);
}

static struct key_bytes
key_of(const struct data *data, size_t i)
{
	struct key_bytes key = {.bits = data_bits(data, i)};
	key.bytes = data_key(data, i, &key.length);
	return key;
}

static bool
key_same(struct key_bytes a, struct key_bytes b)
{
	return a.length == b.length && a.bits == b.bits && memcmp(a.bytes, b.bytes, a.length) == 0;
}

static uint32_t
find(const struct data *data, struct key_bytes key, uint64_t *at)
{
	for (*at = key_hash(key) & data->slot_mask; data->slots[*at] != DATA_NONE;
	     *at = (*at + 1) & data->slot_mask)
		if (key_same(key_of(data, data->slots[*at]), key))
			return data->slots[*at];
	return DATA_NONE;
}

void
data_oracle_init(struct data *data)
{
	uint64_t size = 1024;
	while (size < data->count * 3 / 2)
		size *= 2;
	data->slot_mask = size - 1;
	data->slots = malloc(size * sizeof(*data->slots));
	if (data->slots == NULL) {
		fprintf(stderr, "bench: out of memory\n");
		exit(2);
	}
	memset(data->slots, 0xff, size * sizeof(*data->slots));
}

bool
data_oracle_add(struct data *data, size_t i)
{
	struct key_bytes key = key_of(data, i);
	uint64_t at;
	if (find(data, key, &at) != DATA_NONE)
		return false;
	data->slots[at] = (uint32_t)i;
	data->lengths[key.bits / 64] |= 1ull << key.bits % 64;
	return true;
}

static struct answer
answer_if(const struct data *data, uint32_t i, bool exact)
{
	struct answer answer = {0, 0};
	if (i != DATA_NONE && data_covers(data_answer(data, i), exact))
		answer = data_answer(data, i);
	return answer;
}

static void
cut(uint8_t *bytes, size_t length, unsigned bits)
{
	for (size_t i = 0; i < length; i++)
		if (bits < 8 * i + 8)
			bytes[i] &= bits <= 8 * i ? 0 : (uint8_t)(0xff00 >> (bits - 8 * i));
}

static struct answer
find_address(const struct data *data, const void *key, size_t length)
{
	uint8_t bytes[16];
	uint64_t at;
	uint32_t host;
	for (unsigned bits = (unsigned)length * 8 + 1; bits-- > 0;) {
		if ((data->lengths[bits / 64] >> bits % 64 & 1) == 0)
			continue;
		memcpy(bytes, key, length);
		if (length == 4) {
			memcpy(&host, key, 4);
			host = bits == 0 ? 0 : host & ~0u << (32 - bits);
			memcpy(bytes, &host, 4);
		} else {
			cut(bytes, length, bits);
		}
		uint32_t i = find(data, (struct key_bytes){bytes, length, bits}, &at);
		if (i != DATA_NONE)
			return data_answer(data, i);
	}
	return (struct answer){0, 0};
}

static struct answer
find_domain(const struct data *data, const char *name, size_t length)
{
	uint64_t at;
	for (size_t from = 0; from < length; from++) {
		if (from > 0 && name[from - 1] != '.')
			continue;
		struct key_bytes key = {(const uint8_t *)name + from, length - from, 0};
		struct answer answer = answer_if(data, find(data, key, &at), from == 0);
		if (answer.tags != 0)
			return answer;
	}
	return (struct answer){0, 0};
}

/* Above a URL: itself without the query, then the path cut before each / of it. */
static struct answer
find_url(const struct data *data, const char *url, size_t length)
{
	const char *host = memmem(url, length, "://", 3);
	const char *path = host ? memchr(host + 3, '/', length - (size_t)(host + 3 - url)) : NULL;
	const char *query = memchr(url, '?', length);
	size_t root = path ? (size_t)(path - url) + 1 : length;
	size_t path_end = query ? (size_t)(query - url) : length;
	uint64_t at;
	for (size_t end = length; end >= root; end--) {
		bool stop = end == length || end == path_end || end == root ||
			    (end < path_end && url[end] == '/');
		if (!stop || (end > path_end && end < length))
			continue;
		struct key_bytes key = {(const uint8_t *)url, end, 0};
		struct answer answer = answer_if(data, find(data, key, &at), end == length);
		if (answer.tags != 0)
			return answer;
	}
	return (struct answer){0, 0};
}

/* Random keys cover themselves alone. */
static struct answer
find_random(const struct data *data, const uint8_t *key)
{
	size_t i;
	return data_random_find(data, key, &i) ? data_answer(data, i) : (struct answer){0, 0};
}

struct answer
data_oracle_find(const struct data *data, const void *key, size_t length)
{
	uint64_t at;
	if (data->slots == NULL)
		return find_random(data, key);
	switch (data->class) {
	case CLASS_IPV4:
	case CLASS_IPV6:
		return find_address(data, key, length);
	case CLASS_DOMAIN:
		return find_domain(data, key, length);
	case CLASS_URL:
		return find_url(data, key, length);
	default:
		return answer_if(data, find(data, (struct key_bytes){key, length, 0}, &at), true);
	}
}
