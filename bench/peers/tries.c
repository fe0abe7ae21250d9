/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries of texts. marisa: a static succinct trie asked for every suffix or cut;
 * marisa-huge with its largest node cache. knot-qp: Knot DNS's qp-trie through
 * libknot's database interface, likewise asked for every suffix: the interface
 * has an exact find; names are reversed so that common parts share nodes.
 */
#include <stdlib.h>
#include <string.h>

#include <libknot/db/db_trie.h>

#include "bench/peers/maps.h"
#include "bench/peers/peers.h"

struct marisa {
	void *trie, *agent;
	uint64_t *words;
	size_t count;
};

static void *
marisa_open(const struct data *data, int cache)
{
	struct marisa *self = calloc(1, sizeof(*self));
	const char **keys = malloc(data->count * sizeof(*keys));
	size_t *lengths = malloc(data->count * sizeof(*lengths));
	for (size_t i = 0; i < data->count; i++)
		keys[i] = (const char *)data_key(data, i, &lengths[i]);
	self->trie = marisa_make(keys, lengths, data->count, cache);
	self->agent = marisa_agent();
	self->count = data->count;
	self->words = malloc(data->count * sizeof(*self->words));
	for (size_t i = 0; i < data->count; i++)
		self->words[marisa_find(self->trie, self->agent, keys[i],
					 lengths[i])] =
			answer_word(data_answer(data, i));
	free(keys);
	free(lengths);
	return self;
}

static void *
marisa_build(const struct data *data)
{
	return marisa_open(data, 0);
}

static void *
marisa_huge_build(const struct data *data)
{
	return marisa_open(data, 1);
}

static uint64_t
marisa_get(void *context, const void *key, size_t length)
{
	struct marisa *self = context;
	size_t at = marisa_find(self->trie, self->agent, key, length);
	return at == SIZE_MAX ? 0 : self->words[at];
}

static struct answer
marisa_one(void *self, const struct queries *queries, size_t i)
{
	return walk_find(marisa_get, self, queries, i);
}

static uint64_t
marisa_size(void *context)
{
	struct marisa *self = context;
	return marisa_bytes(self->trie) + self->count * sizeof(*self->words);
}

static void
marisa_free(void *context)
{
	struct marisa *self = context;
	marisa_drop(self->trie);
	marisa_agent_drop(self->agent);
	free(self->words);
	free(self);
}

/* --- knot --------------------------------------------------------------------------------- */

struct knot {
	const knot_db_api_t *api;
	knot_db_t *db;
	knot_db_txn_t txn;
	bool reverse;
};

static size_t
turned(const struct knot *self, char *to, const uint8_t *from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		to[i] = (char)from[self->reverse ? length - 1 - i : i];
	return length;
}

static void *
knot_build(const struct data *data)
{
	struct knot *self = calloc(1, sizeof(*self));
	struct knot_db_trie_opts options = KNOT_DB_TRIE_OPTS_INITIALIZER;
	char text[4096];
	self->api = knot_db_trie_api();
	self->reverse = data->class == CLASS_DOMAIN;
	if (self->api->init(&self->db, NULL, &options) != 0) {
		free(self);
		return NULL;
	}
	self->api->txn_begin(self->db, &self->txn, 0);
	for (size_t i = 0; i < data->count; i++) {
		knot_db_val_t key = {.data = text}, value = {0};
		const uint8_t *bytes = data_key(data, i, &key.len);
		turned(self, text, bytes, key.len);
		value.data = (void *)(uintptr_t)answer_word(data_answer(data, i));
		self->api->insert(&self->txn, &key, &value, 0);
	}
	return self;
}

static uint64_t
knot_get(void *context, const void *bytes, size_t length)
{
	struct knot *self = context;
	char text[4096];
	knot_db_val_t key = {.data = text, .len = turned(self, text, bytes, length)}, value = {0};
	if (self->api->find(&self->txn, &key, &value, 0) != 0)
		return 0;
	return (uint64_t)(uintptr_t)value.data;
}

static struct answer
knot_one(void *self, const struct queries *queries, size_t i)
{
	return walk_find(knot_get, self, queries, i);
}

static void
knot_free(void *context)
{
	struct knot *self = context;
	self->api->deinit(self->db);
	free(self);
}

static const struct peer peers[] = {
	{"marisa", FOR_TEXTS, FOR_TEXTS, 20000000, marisa_build, marisa_free, marisa_one, NULL, marisa_size},
	{"marisa-huge", FOR(CLASS_DOMAIN), ~0u, 20000000, marisa_huge_build, marisa_free, marisa_one, NULL,
	 marisa_size},
	{"knot-qp", FOR_TEXTS, FOR(CLASS_URL), 20000000, knot_build, knot_free, knot_one},
};

const struct peer_family family_tries = {peers, sizeof(peers) / sizeof(*peers)};
