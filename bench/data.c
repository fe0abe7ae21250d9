/* SPDX-License-Identifier: Apache-2.0 */
/* Making the keys of a class; claims. Streams are in data_queries.c. */
#include "bench/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/data_grow.h"
#include "engine/canon.h"

const char *const data_class_names[CLASS_COUNT] = {
	"ipv4", "ipv6", "domain", "url", "sha1", "sha256", "canon",
};

bool
data_class_add(unsigned *classes, const char *name)
{
	for (unsigned class = 0; class < CLASS_CANON; class++)
		if (strcmp(name, data_class_names[class]) == 0) {
			*classes |= 1u << class;
			return true;
		}
	return false;
}

uint64_t
data_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* --- claims ---------------------------------------------------------------------------- */

/* Set numbers by the cube of a uniform number: a few sets are on most claims. */
uint32_t
data_claim(const struct data *data, size_t i)
{
	uint64_t h = data_mix(data->seed ^ i * 0x9e3779b97f4a7c15ull);
	double u = (double)(h >> 40) / (double)(1 << 24);
	uint32_t set = (uint32_t)(u * u * u * DATA_SETS);
	return ((uint32_t)(h & 0xffff) % (DATA_SOURCES * DATA_TIMES)) * DATA_SETS + set;
}

bool
data_second(const struct data *data, size_t i)
{
	return data_mix(data->seed + i * 3) % 10 == 0;
}

struct answer
data_claim_answer(uint32_t claim)
{
	uint32_t import = claim / DATA_SETS;
	struct answer answer = {1 + claim % DATA_SETS,
				DATA_NOW + (import / DATA_TIMES + 1) * 3600 +
				(import % DATA_TIMES + 1) * 86400};
	return answer;
}

/* Domains: most feeds mean all below too. URLs: a tenth, where the spelling allows it. */
unsigned
data_scope(const struct data *data, size_t i)
{
	uint64_t h = data_mix(data->seed + 77 + i) % 100;
	size_t length;
	if (data->class == CLASS_DOMAIN)
		return h < 70 ? 3 : h < 95 ? 1 : 2;
	if (data->class != CLASS_URL || h >= 10)
		return 1;
	const char *text = list_text(&data->text, i, &length);
	return text[length - 1] != '/' && memchr(text, '?', length) == NULL ? 3 : 1;
}

struct answer
data_answer(const struct data *data, size_t i)
{
	struct answer answer = data_claim_answer(data_claim(data, i));
	answer.tags |= data_scope(data, i) << 16;
	return answer;
}

/* --- keys ------------------------------------------------------------------------------ */

const uint8_t *
data_key(const struct data *data, size_t i, size_t *length)
{
	static _Thread_local uint8_t made[3][32];
	static _Thread_local unsigned turn;
	*length = data->key_bytes;
	if (*length == 0)
		return (const uint8_t *)list_text(&data->text, i, length);
	if (data->keys != NULL)
		return data->keys + i * *length;
	turn = (turn + 1) % 3;
	data_random_key(data, i, made[turn]);
	return made[turn];
}

unsigned
data_bits(const struct data *data, size_t i)
{
	return data->bits != NULL ? data->bits[i] : data->class == CLASS_IPV4 ? 32 : 0;
}

static void
fill_grown(struct data *data, const struct grow_rule *rule)
{
	size_t filled = 0;
	for (uint64_t turn = 0; filled < data->count && turn < 20 * data->count + 100000; turn++)
		if (rule->make(data, filled, turn) && data_oracle_add(data, filled))
			filled++;
		else if (data->key_bytes == 0 && data->text.count > filled)
			data->text.count = filled;
	data->count = filled;
}

/* --- making ---------------------------------------------------------------------------- */

static const struct {
	unsigned key_bytes;
	bool prefixes, random;
	const char *table;
} shapes[CLASS_COUNT] = {
	[CLASS_IPV4] = {4, true, true, "reputation"},
	[CLASS_IPV6] = {16, true, false, "reputation"},
	[CLASS_DOMAIN] = {0, false, false, "lists"},
	[CLASS_URL] = {0, false, false, "lists"},
	[CLASS_SHA1] = {20, false, true, "random"},
	[CLASS_SHA256] = {32, false, true, "random"},
	[CLASS_CANON] = {0, false, false, "lists"},
};

static struct data *
data_new(enum data_class class, const char *table, size_t count, uint64_t seed)
{
	struct data *data = calloc(1, sizeof(*data));
	data->class = class;
	data->table = table ? table : shapes[class].table;
	data->count = count;
	data->seed = data_mix(seed + class);
	data->key_bytes = shapes[class].key_bytes;
	return data;
}

struct data *
data_make(enum data_class class, const char *table, size_t count, uint64_t seed)
{
	struct data *data = data_new(class, table, count, seed);
	bool random = strcmp(data->table, "random") == 0;
	const struct grow_rule *rule = random ? NULL : grow_rule_of(data);
	random = random && shapes[class].random;
	if (rule != NULL) {
		if (data->key_bytes > 0)
			data->keys = malloc(count * data->key_bytes + 8);
		if (shapes[class].prefixes)
			data->bits = malloc(count + 1);
		data_oracle_init(data);
		fill_grown(data, rule);
	}
	grow_fini();
	if ((random || rule != NULL) && data->count > 0)
		return data;
	fprintf(stderr, "bench: no table %s of %s here\n", data->table, data_class_names[class]);
	data_free(data);
	return NULL;
}

void
data_free(struct data *data)
{
	if (data == NULL)
		return;
	free(data->keys);
	free(data->bits);
	free(data->slots);
	list_free(&data->text);
	list_free(&data->raw);
	free(data);
}
