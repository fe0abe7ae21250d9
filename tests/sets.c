/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sets.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- random numbers: splitmix64 -------------------------------------------------- */

uint64_t
random_next(struct random_state *random)
{
	uint64_t z = random->word += 0x9e3779b97f4a7c15ull;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint32_t
random_below(struct random_state *random, uint32_t below)
{
	return (uint32_t)((random_next(random) >> 32) * below >> 32);
}

bool
random_chance(struct random_state *random, unsigned percent)
{
	return random_below(random, 100) < percent;
}

/* --- text ------------------------------------------------------------------------ */

struct text {
	char *bytes;
	size_t length;
};

static void
text_add(struct text *text, const char *more, size_t length)
{
	assert(text->length + length < MODEL_TEXT_BYTES);
	memcpy(text->bytes + text->length, more, length);
	text->length += length;
}

static void
text_word(struct text *text, const char *word)
{
	text_add(text, word, strlen(word));
}

#define LABEL_63 "lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"
static const char *const labels[] = { "a", "b", "com", "www", "evil-name", "xn--mnchen-3ya",
				      "co", "aa", "x1", LABEL_63, "c", "net" };
#define LABELS (sizeof(labels) / sizeof(labels[0]))
static const char *const hosts[] = { "192.0.2.1", "[2001:db8::1]", "a.com", "b.a.com", "c.a.com",
				     "com", "192.0.2.10", "xn--mnchen-3ya.de", "a.b.c.d.example" };
#define HOSTS (sizeof(hosts) / sizeof(hosts[0]))
static const char *const segments[] = { "a", "b", "ab", "a.html", "%25", "c;d=1", "A" };
#define SEGMENTS (sizeof(segments) / sizeof(segments[0]))
static const char *const queries[] = { "?x", "?x=1", "?x=/a/b", "?x?y", "?a/", "?x=1&y=2" };
#define QUERIES (sizeof(queries) / sizeof(queries[0]))

/* Bits past the prefix are zero. */
static void
bytes_mask(uint8_t *bytes, unsigned bits, unsigned all)
{
	for (unsigned i = bits; i < all; i++)
		bytes[i / 8] &= (uint8_t)~(0x80 >> i % 8);
}

/* Lengths where the engine changes its ways, and any other. */
static unsigned
bits_any(struct set *set, unsigned all)
{
	static const uint8_t edges[] = { 0, 1, 8, 16, 24, 31, 32, 47, 48, 49, 63, 64, 65, 96, 127, 128 };
	unsigned bits = random_chance(&set->random, 50)
		? edges[random_below(&set->random, sizeof(edges))]
		: random_below(&set->random, all + 1);

	return bits > all ? all : bits;
}

static void
flip_some(struct set *set, uint8_t *bytes, unsigned all)
{
	unsigned flips = random_below(&set->random, 2 + set->spread);
	unsigned low = 4 + 4 * set->spread < all ? 4 + 4 * set->spread : all;

	for (unsigned i = 0; i < flips; i++) {
		unsigned bit = random_chance(&set->random, 60)
			? all - 1 - random_below(&set->random, low)
			: random_below(&set->random, all);
		bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
}

static void
ipv4_print(const uint8_t bytes[4], unsigned bits, struct text *text)
{
	char word[32];

	if (bits == 32)
		snprintf(word, sizeof(word), "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
	else
		snprintf(word, sizeof(word), "%u.%u.%u.%u/%u", bytes[0], bytes[1], bytes[2],
			 bytes[3], bits);
	text_word(text, word);
}

static void
ipv6_print(const uint8_t bytes[16], unsigned bits, struct text *text)
{
	char word[16];

	for (int i = 0; i < 16; i += 2) {
		snprintf(word, sizeof(word), "%s%x", i ? ":" : "",
			 (unsigned)bytes[i] << 8 | bytes[i + 1]);
		text_word(text, word);
	}
	snprintf(word, sizeof(word), "/%u", bits);
	if (bits != 128)
		text_word(text, word);
}

/* A query is an address three times in four, else a prefix. */
static void
address_text(struct set *set, unsigned all, bool entry, struct text *text)
{
	uint8_t bytes[16] = { 0 };
	unsigned bits = all;
	const void *near = all == 32 ? (const void *)set->ipv4[random_below(&set->random, 3)]
				     : (const void *)set->ipv6[random_below(&set->random, 3)];

	memcpy(bytes, near, all / 8);
	flip_some(set, bytes, all);
	if (random_chance(&set->random, entry ? 75 : 25))
		bits = bits_any(set, all);
	bytes_mask(bytes, bits, all);
	if (all == 32)
		ipv4_print(bytes, bits, text);
	else
		ipv6_print(bytes, bits, text);
}

static void
domain_text(struct set *set, struct text *text)
{
	unsigned count = 1 + random_below(&set->random, 4 + set->spread);

	if (random_chance(&set->random, 3)) {
		count = random_chance(&set->random, 50) ? 127 : 1 + random_below(&set->random, 127);
		for (unsigned i = 0; i < count; i++)
			text_word(text, i ? ".a" : "a");
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		const char *label = labels[set->label[random_below(&set->random, 4)]];
		if (text->length + 1 + strlen(label) > 253)
			break;
		if (i)
			text_word(text, ".");
		text_word(text, label);
	}
}

static void
url_text(struct set *set, struct text *text)
{
	unsigned depth = random_below(&set->random, 4 + set->spread);
	bool query = random_chance(&set->random, 25);

	text_word(text, random_chance(&set->random, 85) ? "http://" : "https://");
	text_word(text, hosts[set->host[random_below(&set->random, 3)]]);
	text_word(text, "/");
	if (random_chance(&set->random, 2))
		depth = random_chance(&set->random, 50) ? 125 : 100 + random_below(&set->random, 26);
	for (unsigned i = 0; i < depth; i++) {
		text_word(text, segments[depth > 50 ? 0 : random_below(&set->random, 3 + set->spread) %
						       SEGMENTS]);
		if (i + 1 < depth || random_chance(&set->random, 40))
			text_word(text, "/");
	}
	if (query)
		text_word(text, queries[random_below(&set->random, QUERIES)]);
}

/* A slice of a URL with marks; text that has another canonical form is left alone. */
static void
pattern_text(struct set *set, struct text *text)
{
	char url[MODEL_TEXT_BYTES];
	struct text whole = { url, 0 };
	unsigned pattern = 1 + random_below(&set->random, 3);
	size_t first = 0, last, length;

	url_text(set, &whole);
	last = length = whole.length;
	if (pattern & MODEL_OPEN_START)
		first = random_below(&set->random, (uint32_t)length - 5);
	if (pattern & MODEL_OPEN_END)
		last = first + 5 + random_below(&set->random, (uint32_t)(length - first - 4));
	if (pattern == MODEL_OPEN_END && url[last - 1] == '/')
		pattern = 3;
	if (pattern == 3 && last > first + 40)
		last = first + 40; /* the engine counts the lengths of substrings */
	if (pattern & MODEL_OPEN_START)
		text_word(text, "\\*");
	text_add(text, url + first, last - first);
	if (pattern & MODEL_OPEN_END)
		text_word(text, "\\*");
}

static void
digest_text(struct set *set, size_t bytes_length, struct text *text)
{
	uint8_t bytes[32];
	char word[4];

	memcpy(bytes, set->digest[random_below(&set->random, 2)], 32);
	if (random_chance(&set->random, 80))
		bytes[random_below(&set->random, (uint32_t)bytes_length)] ^=
			(uint8_t)(1 + random_below(&set->random, 2 + 16 * set->spread));
	for (size_t i = 0; i < bytes_length; i++) {
		snprintf(word, sizeof(word), "%02x", bytes[i]);
		text_word(text, word);
	}
}

size_t
set_key_text(struct set *set, enum model_kind kind, bool entry, char *bytes)
{
	struct text text = { bytes, 0 };

	if (kind == MODEL_IPV4 || kind == MODEL_IPV6)
		address_text(set, kind == MODEL_IPV4 ? 32 : 128, entry, &text);
	else if (kind == MODEL_DOMAIN)
		domain_text(set, &text);
	else if (kind == MODEL_URL && entry && random_chance(&set->random, set->pattern_percent))
		pattern_text(set, &text);
	else if (kind == MODEL_URL)
		url_text(set, &text);
	else
		digest_text(set, kind == MODEL_SHA1 ? 20 : 32, &text);
	return text.length;
}

/* --- claims ---------------------------------------------------------------------- */

static void
random_bytes(struct random_state *random, void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		((uint8_t *)bytes)[i] = (uint8_t)random_next(random);
}

void
set_init(struct set *set, uint64_t seed)
{
	memset(set, 0, sizeof(*set));
	set->random.word = seed;
	set->kinds = random_chance(&set->random, 50) ? 63 : 1 + random_below(&set->random, 63);
	set->spread = random_below(&set->random, 4);
	set->pattern_percent = random_chance(&set->random, 50) ? 0 : 20 + 60 * (seed & 1);
	set->sources = random_chance(&set->random, 80) ? 1 + random_below(&set->random, 4)
						       : SETS_SOURCES;
	random_bytes(&set->random, set->ipv4, sizeof(set->ipv4));
	random_bytes(&set->random, set->ipv6, sizeof(set->ipv6));
	random_bytes(&set->random, set->digest, sizeof(set->digest));
	for (size_t i = 0; i < sizeof(set->label); i++)
		set->label[i] = (uint8_t)random_below(&set->random, LABELS);
	for (size_t i = 0; i < sizeof(set->host); i++)
		set->host[i] = (uint8_t)random_below(&set->random, HOSTS);
}

void
set_fini(struct set *set)
{
	model_fini(&set->model);
}

enum model_kind
set_kind(struct set *set)
{
	uint32_t kind = random_below(&set->random, MODEL_KINDS);

	while (!(set->kinds >> kind & 1))
		kind = (kind + 1) % MODEL_KINDS;
	return (enum model_kind)kind;
}

static uint64_t
any_expiry(struct set *set)
{
	static const uint64_t edges[] = {
		SETS_NOW - 1, SETS_NOW, SETS_NOW + 1,
		0xffffffffffull,                /* all that 40 bits hold */
		253402300799ull,                /* the last second of 9999 */
		0xffffffffull, 0x100000000ull,
	};

	if (random_chance(&set->random, 60))
		return edges[random_below(&set->random, sizeof(edges) / sizeof(edges[0]))];
	return SETS_NOW + 2 + random_below(&set->random, 1000000000);
}

/* Only names and URLs without a query have scopes. */
static uint8_t
any_scope(struct set *set, const struct model_key *key)
{
	if (key->kind == MODEL_IPV4 || key->kind == MODEL_IPV6)
		return SETS_SCOPE_ADDRESS;
	if (key->kind == MODEL_DOMAIN ||
	    (key->kind == MODEL_URL && !key->pattern && !memchr(key->text, '?', key->length)))
		return (uint8_t)(1 + random_below(&set->random, 3));
	return MODEL_EXACT;
}

void
set_claim(struct set *set, struct model_claim *claim, char *text)
{
	const struct model *model = &set->model;

	memset(claim, 0, sizeof(*claim));
	if (model->count && random_chance(&set->random, 35)) {
		claim->key = model->claims[random_below(&set->random, (uint32_t)model->count)].key;
		memcpy(text, claim->key.text, claim->key.length);
		claim->key = model_key(claim->key.kind, text, claim->key.length);
	} else {
		enum model_kind kind = set_kind(set);
		claim->key = model_key(kind, text, set_key_text(set, kind, true, text));
	}
	claim->scope = any_scope(set, &claim->key);
	claim->source = random_below(&set->random, set->sources);
	claim->set = random_below(&set->random, SETS_TAGS);
	claim->notes = random_chance(&set->random, 60) ? 0 : random_below(&set->random, SETS_TAGS);
	claim->expires = any_expiry(set);
	claim->first_seen = SETS_NOW - random_below(&set->random, 1000000);
	claim->last_seen = claim->first_seen + random_below(&set->random, 1000);
}

void
set_fill(struct set *set, size_t claims)
{
	char text[MODEL_TEXT_BYTES];
	struct model_claim claim;

	for (size_t i = 0; i < claims; i++) {
		set_claim(set, &claim, text);
		model_put(&set->model, &claim);
	}
}

void
set_fill_large(struct set *set, size_t claims)
{
	char text[MODEL_TEXT_BYTES];
	struct model_claim claim;

	for (size_t i = 0; i < claims; i++) {
		set_claim(set, &claim, text);
		model_append(&set->model, &claim);
	}
	model_sort(&set->model);
}

/* --- queries --------------------------------------------------------------------- */

static void
near_address(struct set *set, const struct model_key *key, struct text *text)
{
	unsigned all = key->kind == MODEL_IPV4 ? 32 : 128, bits = all;
	uint8_t bytes[16];

	memcpy(bytes, key->bytes, 16);
	for (unsigned i = key->bits; i < all; i += 8) /* any address inside it */
		if (random_chance(&set->random, 50))
			bytes[(all - 1 - (i - key->bits)) / 8] ^= (uint8_t)random_next(&set->random);
	for (unsigned i = 0; i < key->bits; i++)
		bytes[i / 8] = (uint8_t)((bytes[i / 8] & ~(0x80 >> i % 8)) |
					 (key->bytes[i / 8] & (0x80 >> i % 8)));
	if (key->bits && random_chance(&set->random, 25)) /* just outside */
		bytes[(key->bits - 1) / 8] ^= (uint8_t)(0x80 >> (key->bits - 1) % 8);
	if (random_chance(&set->random, 25))
		bits = key->bits + random_below(&set->random, all - key->bits + 1);
	bytes_mask(bytes, bits, all);
	if (all == 32)
		ipv4_print(bytes, bits, text);
	else
		ipv6_print(bytes, bits, text);
}

static void
near_domain(struct set *set, const struct model_key *key, struct text *text)
{
	unsigned change = random_below(&set->random, 4);
	const char *dot = memchr(key->text, '.', key->length);

	if (change == 1 && dot) { /* its parent */
		text_add(text, dot + 1, key->length - (size_t)(dot + 1 - key->text));
		return;
	}
	if (change == 2 && key->length < 180) { /* below it */
		text_word(text, labels[set->label[random_below(&set->random, 4)]]);
		text_word(text, ".");
	} else if (change == 3 && (dot ? (size_t)(dot - key->text) : key->length) < 63 &&
		   key->length < 253) {
		text_word(text, "z"); /* glued to it: another name */
	}
	text_add(text, key->text, key->length);
}

/* A URL that has the literal where the pattern asks for it, or so it seems. */
static void
around_literal(struct set *set, const struct model_key *key, struct text *text)
{
	bool whole = key->literal_length > 12 && memcmp(key->literal, "http", 4) == 0 &&
		     memchr(key->literal + 8, '/', key->literal_length - 8) != NULL;

	if (key->pattern != MODEL_OPEN_END || !whole)
		url_text(set, text);
	if (key->pattern != MODEL_OPEN_END && !memchr(text->bytes, '?', text->length))
		text_word(text, "?");
	if (key->pattern != MODEL_OPEN_END || whole)
		text_add(text, key->literal, key->literal_length);
	if (key->pattern & MODEL_OPEN_END && random_chance(&set->random, 50))
		text_word(text, "tail");
}

static void
near_url(struct set *set, const struct model_key *key, struct text *text)
{
	static const char *const ends[] = { "/", "/a", "a", "a/b", "/a/b?x", "?x", "/?x", "b/" };
	const char *query = memchr(key->literal, '?', key->literal_length);
	char last = key->literal[key->literal_length - 1];

	if (key->pattern) {
		around_literal(set, key, text);
		return;
	}
	text_add(text, key->literal, key->literal_length);
	if (random_chance(&set->random, 30) || query)
		return;
	if (random_chance(&set->random, 20) && last == '/' &&
	    memchr(key->literal + 8, '/', key->literal_length - 9)) {
		text->length--;
		return;
	}
	const char *end = ends[random_below(&set->random, sizeof(ends) / sizeof(ends[0]))];
	text_word(text, last == '/' && end[0] == '/' ? end + 1 : end);
}

size_t
set_query(struct set *set, enum model_kind kind, char *bytes)
{
	struct text text = { bytes, 0 };
	const struct model *model = &set->model;
	size_t start = model->count ? random_below(&set->random, (uint32_t)model->count) : 0;

	if (random_chance(&set->random, 25))
		return set_key_text(set, kind, false, bytes);
	for (size_t i = 0; i < model->count && i < 64; i++) {
		const struct model_key *key = &model->claims[(start + i) % model->count].key;
		if (key->kind != kind)
			continue;
		if (kind == MODEL_IPV4 || kind == MODEL_IPV6)
			near_address(set, key, &text);
		else if (kind == MODEL_DOMAIN)
			near_domain(set, key, &text);
		else if (kind == MODEL_URL)
			near_url(set, key, &text);
		else if (random_chance(&set->random, 70))
			text_add(&text, key->text, key->length);
		else
			break;
		return text.length;
	}
	return set_key_text(set, kind, false, bytes);
}
