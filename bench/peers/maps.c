/* SPDX-License-Identifier: Apache-2.0 */
/* Hash maps as peers: one look-up a digest; every suffix or cut of a name or URL. */
#include "bench/peers/maps.h"

#include <stdlib.h>

#include "bench/peers/peers.h"

struct map {
	const struct map_calls *calls;
	void *map;
};

static void *
build(const struct data *data, const struct map_calls *calls)
{
	struct map *self = malloc(sizeof(*self));
	self->calls = calls;
	self->map = calls->make(data->count);
	for (size_t i = 0; i < data->count; i++) {
		size_t length;
		const uint8_t *key = data_key(data, i, &length);
		calls->put(self->map, key, length, answer_word(data_answer(data, i)));
	}
	return self;
}

static void *
boost_build(const struct data *data)
{
	return build(data, data->key_bytes == 20 ? &map_boost20 : data->key_bytes == 32 ?
			   &map_boost32 : &map_boost_text);
}

static void *
absl_build(const struct data *data)
{
	return build(data, data->key_bytes == 20 ? &map_absl20 : data->key_bytes == 32 ?
			   &map_absl32 : &map_absl_text);
}

static void
map_free(void *context)
{
	struct map *self = context;
	self->calls->free(self->map);
	free(self);
}

static struct answer
digest_one(void *context, const struct queries *queries, size_t i)
{
	struct map *self = context;
	size_t length;
	const uint8_t *key = query_key(queries, i, &length);
	return data_live(word_answer(self->calls->get(self->map, key, length)));
}

static void
digest_batch(void *context, const struct queries *queries, size_t from, size_t n,
	     struct answer *answers)
{
	struct map *self = context;
	uint64_t values[256];
	size_t length;
	self->calls->get_many(self->map, query_key(queries, from, &length), n, values);
	for (size_t i = 0; i < n; i++)
		answers[i] = data_live(word_answer(values[i]));
}

static uint64_t
text_get(void *context, const void *key, size_t length)
{
	struct map *self = context;
	return self->calls->get(self->map, key, length);
}

static struct answer
text_one(void *self, const struct queries *queries, size_t i)
{
	return walk_find(text_get, self, queries, i);
}

#define DIGEST map_free, digest_one, digest_batch
#define TEXT map_free, text_one

static const struct peer peers[] = {
	{"boost", FOR_DIGESTS, 0, 0, boost_build, DIGEST},
	{"absl", FOR_DIGESTS, 0, 0, absl_build, DIGEST},
	{"boost", FOR_TEXTS, 0, 0, boost_build, TEXT},
	{"absl", FOR_TEXTS, 0, 0, absl_build, TEXT},
};

const struct peer_family family_maps = {peers, sizeof(peers) / sizeof(*peers)};
