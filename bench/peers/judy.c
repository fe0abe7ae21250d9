/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judy: JudyHS takes keys of any bytes. judy-sl keeps names and URLs in a JudySL
 * trie of NUL-terminated texts. Values are words.
 */
#include <stdlib.h>
#include <string.h>

#include <Judy.h>

#include "bench/peers/peers.h"

#define LONGEST 4096

struct judy {
	Pvoid_t array;
};

static void *
hs_build(const struct data *data)
{
	struct judy *self = calloc(1, sizeof(*self));
	for (size_t i = 0; i < data->count; i++) {
		size_t length;
		const uint8_t *key = data_key(data, i, &length);
		Word_t *value = (Word_t *)JudyHSIns(&self->array, (void *)key, length, NULL);
		*value = answer_word(data_answer(data, i));
	}
	return self;
}

static uint64_t
hs_get(void *context, const void *key, size_t length)
{
	struct judy *self = context;
	Word_t *value = (Word_t *)JudyHSGet(self->array, (void *)key, length);
	return value == NULL ? 0 : *value;
}

static struct answer
hs_one(void *self, const struct queries *queries, size_t i)
{
	return walk_find(hs_get, self, queries, i);
}

static void
hs_free(void *context)
{
	struct judy *self = context;
	JudyHSFreeArray(&self->array, NULL);
	free(self);
}

static void *
sl_build(const struct data *data)
{
	struct judy *self = calloc(1, sizeof(*self));
	uint8_t text[LONGEST];
	for (size_t i = 0; i < data->count; i++) {
		size_t length;
		const uint8_t *key = data_key(data, i, &length);
		memcpy(text, key, length);
		text[length] = '\0';
		*(Word_t *)JudySLIns(&self->array, text, NULL) = answer_word(data_answer(data, i));
	}
	return self;
}

static uint64_t
sl_get(void *context, const void *key, size_t length)
{
	struct judy *self = context;
	uint8_t text[LONGEST];
	memcpy(text, key, length);
	text[length] = '\0';
	Word_t *value = (Word_t *)JudySLGet(self->array, text, NULL);
	return value == NULL ? 0 : *value;
}

static struct answer
sl_one(void *self, const struct queries *queries, size_t i)
{
	return walk_find(sl_get, self, queries, i);
}

static void
sl_free(void *context)
{
	struct judy *self = context;
	JudySLFreeArray(&self->array, NULL);
	free(self);
}

static const struct peer peers[] = {
	{"judy", FOR_DIGESTS | FOR_TEXTS, FOR(CLASS_SHA1) | FOR(CLASS_URL), 20000000, hs_build, hs_free,
	 hs_one},
	{"judy-sl", FOR_TEXTS, ~0u, 20000000, sl_build, sl_free, sl_one},
};

const struct peer_family family_judy = {peers, sizeof(peers) / sizeof(*peers)};
