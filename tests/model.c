/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- reading canonical text ---------------------------------------------------- */

static unsigned
digit_value(char letter)
{
	if (letter >= '0' && letter <= '9')
		return (unsigned)(letter - '0');
	if (letter >= 'a' && letter <= 'f')
		return (unsigned)(letter - 'a') + 10;
	abort();
}

/* "/n" at the end, cut off; `full` if there is none. */
static unsigned
bits_read(const char *text, size_t *length, unsigned full)
{
	unsigned bits = 0;
	size_t slash = 0;

	while (slash < *length && text[slash] != '/')
		slash++;
	if (slash == *length)
		return full;
	for (size_t i = slash + 1; i < *length; i++)
		bits = bits * 10 + digit_value(text[i]);
	*length = slash;
	return bits;
}

static void
ipv4_read(const char *text, size_t length, uint8_t bytes[4])
{
	unsigned value = 0, part = 0;

	for (size_t i = 0; i <= length; i++) {
		if (i < length && text[i] != '.') {
			value = value * 10 + digit_value(text[i]);
			continue;
		}
		if (part == 4 || value > 255)
			abort();
		bytes[part++] = (uint8_t)value;
		value = 0;
	}
	if (part != 4)
		abort();
}

/* Groups of one side of "::"; returns bytes written. */
static size_t
ipv6_groups(const char *text, size_t length, uint8_t *bytes)
{
	size_t used = 0, start = 0;

	for (size_t i = 0; i <= length && length > 0; i++) {
		unsigned value = 0;
		if (i < length && text[i] != ':')
			continue;
		if (memchr(text + start, '.', i - start) != NULL) {
			ipv4_read(text + start, i - start, bytes + used);
			return used + 4;
		}
		for (size_t j = start; j < i; j++)
			value = value << 4 | digit_value(text[j]);
		bytes[used++] = (uint8_t)(value >> 8);
		bytes[used++] = (uint8_t)value;
		start = i + 1;
	}
	return used;
}

static void
ipv6_read(const char *text, size_t length, uint8_t bytes[16])
{
	uint8_t tail[32];
	size_t gap = 0, tail_length;

	while (gap + 1 < length && (text[gap] != ':' || text[gap + 1] != ':'))
		gap++;
	memset(bytes, 0, 16);
	if (gap + 1 >= length) {
		ipv6_groups(text, length, bytes);
		return;
	}
	ipv6_groups(text, gap, bytes);
	tail_length = ipv6_groups(text + gap + 2, length - gap - 2, tail);
	memcpy(bytes + 16 - tail_length, tail, tail_length);
}

static void
digest_read(const char *text, size_t length, size_t wanted, uint8_t *bytes)
{
	if (length != 2 * wanted)
		abort();
	for (size_t i = 0; i < wanted; i++)
		bytes[i] = (uint8_t)(digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]));
}

static void
marks_read(struct model_key *key)
{
	if (key->literal_length >= 2 && memcmp(key->literal, "\\*", 2) == 0) {
		key->pattern |= MODEL_OPEN_START;
		key->literal += 2;
		key->literal_length -= 2;
	}
	if (key->literal_length >= 2 &&
	    memcmp(key->literal + key->literal_length - 2, "\\*", 2) == 0) {
		key->pattern |= MODEL_OPEN_END;
		key->literal_length -= 2;
	}
}

struct model_key
model_key(enum model_kind kind, const char *text, size_t length)
{
	struct model_key key = { .kind = (uint8_t)kind, .text = text, .length = length,
				 .literal = text, .literal_length = length };

	if (kind == MODEL_IPV4) {
		key.bits = (uint8_t)bits_read(text, &length, 32);
		ipv4_read(text, length, key.bytes);
	} else if (kind == MODEL_IPV6) {
		key.bits = (uint8_t)bits_read(text, &length, 128);
		ipv6_read(text, length, key.bytes);
	} else if (kind == MODEL_SHA1) {
		digest_read(text, length, 20, key.bytes);
	} else if (kind == MODEL_SHA256) {
		digest_read(text, length, 32, key.bytes);
	} else if (kind == MODEL_URL) {
		marks_read(&key);
	}
	return key;
}

static bool
key_is_text(const struct model_key *key)
{
	return key->kind == MODEL_DOMAIN || key->kind == MODEL_URL;
}

static int
key_compare(const struct model_key *a, const struct model_key *b)
{
	size_t common = a->length < b->length ? a->length : b->length;
	int order;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (key_is_text(a)) {
		order = memcmp(a->text, b->text, common);
		return order ? order : (a->length > b->length) - (a->length < b->length);
	}
	order = memcmp(a->bytes, b->bytes, sizeof(a->bytes));
	return order ? order : (int)a->bits - (int)b->bits;
}

bool
model_key_equal(const struct model_key *a, const struct model_key *b)
{
	return key_compare(a, b) == 0;
}

/* --- claims --------------------------------------------------------------------- */

static struct model_key
key_copy(const struct model_key *key)
{
	char *text = malloc(key->length + 1);
	struct model_key copy = *key;

	if (!text)
		abort();
	memcpy(text, key->text, key->length);
	text[key->length] = '\0';
	copy.text = text;
	copy.literal = text + (key->literal - key->text);
	return copy;
}

void
model_fini(struct model *model)
{
	for (size_t i = 0; i < model->count; i++)
		free((char *)model->claims[i].key.text);
	free(model->claims);
	memset(model, 0, sizeof(*model));
}

void
model_drop(struct model *model, size_t i)
{
	assert(i < model->count);
	free((char *)model->claims[i].key.text);
	memmove(&model->claims[i], &model->claims[i + 1],
		(model->count - i - 1) * sizeof(*model->claims));
	model->count--;
}

size_t
model_remove(struct model *model, const struct model_key *key, uint32_t source)
{
	size_t before = model->count;

	for (size_t i = model->count; i-- > 0;) {
		const struct model_claim *claim = &model->claims[i];
		if ((source == UINT32_MAX || claim->source == source) &&
		    model_key_equal(&claim->key, key))
			model_drop(model, i);
	}
	return before - model->count;
}

void
model_append(struct model *model, const struct model_claim *claim)
{
	if (model->count == model->capacity) {
		model->capacity = model->capacity ? 2 * model->capacity : 64;
		model->claims = realloc(model->claims, model->capacity * sizeof(*claim));
		if (!model->claims)
			abort();
	}
	model->claims[model->count] = *claim;
	model->claims[model->count++].key = key_copy(&claim->key);
	model->sorted = false;
}

void
model_put(struct model *model, const struct model_claim *claim)
{
	for (size_t i = 0; i < model->count; i++) {
		struct model_claim *old = &model->claims[i];
		if (old->source == claim->source && old->scope == claim->scope &&
		    model_key_equal(&old->key, &claim->key)) {
			struct model_key key = old->key;
			*old = *claim;
			old->key = key;
			return;
		}
	}
	model_append(model, claim);
}

void
model_copy(const struct model *from, struct model *to)
{
	memset(to, 0, sizeof(*to));
	for (size_t i = 0; i < from->count; i++)
		model_append(to, &from->claims[i]);
}

/* --- covering ------------------------------------------------------------------- */

static bool
same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	for (unsigned i = 0; i < bits; i++)
		if (((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1) != 0)
			return false;
	return true;
}

static bool
address_covers(const struct model_claim *claim, const struct model_key *query)
{
	return claim->key.bits <= query->bits &&
	       same_bits(claim->key.bytes, query->bytes, claim->key.bits);
}

static bool
domain_covers(const struct model_claim *claim, const struct model_key *query)
{
	size_t length = claim->key.length;

	if (length == query->length)
		return (claim->scope & MODEL_EXACT) && memcmp(claim->key.text, query->text, length) == 0;
	return (claim->scope & MODEL_BELOW) && length < query->length &&
	       query->text[query->length - length - 1] == '.' &&
	       memcmp(claim->key.text, query->text + query->length - length, length) == 0;
}

static bool
pattern_covers(const struct model_key *key, const struct model_key *query)
{
	size_t first = 0, last;

	if (key->literal_length > query->length)
		return false;
	last = query->length - key->literal_length;
	if (!(key->pattern & MODEL_OPEN_START))
		last = 0;
	else if (!(key->pattern & MODEL_OPEN_END))
		first = last;
	for (size_t i = first; i <= last; i++)
		if (memcmp(query->text + i, key->literal, key->literal_length) == 0)
			return true;
	return false;
}

static bool
url_covers(const struct model_claim *claim, const struct model_key *query)
{
	size_t length = claim->key.length;
	char next;

	if (claim->key.pattern)
		return pattern_covers(&claim->key, query);
	if (length > query->length || memcmp(claim->key.text, query->text, length) != 0)
		return false;
	if (length == query->length)
		return (claim->scope & MODEL_EXACT) != 0;
	next = query->text[length];
	return (claim->scope & MODEL_BELOW) &&
	       (claim->key.text[length - 1] == '/' || next == '/' || next == '?');
}

bool
model_covers(const struct model_claim *claim, const struct model_key *query,
	     struct model_answer *answer)
{
	bool covers;

	if (claim->key.kind != query->kind)
		return false;
	if (query->kind == MODEL_DOMAIN)
		covers = domain_covers(claim, query);
	else if (query->kind == MODEL_URL)
		covers = url_covers(claim, query);
	else if (query->kind == MODEL_IPV4 || query->kind == MODEL_IPV6)
		covers = address_covers(claim, query);
	else
		covers = memcmp(claim->key.bytes, query->bytes, 32) == 0;
	answer->claim = claim;
	answer->exact = covers && model_key_equal(&claim->key, query);
	answer->specific = key_is_text(query) ? (uint32_t)claim->key.literal_length : claim->key.bits;
	return covers;
}

/* --- answers -------------------------------------------------------------------- */

int
model_rank(const struct model_answer *a, const struct model_answer *b)
{
	if (a->exact != b->exact)
		return a->exact ? -1 : 1;
	if (a->specific != b->specific)
		return a->specific > b->specific ? -1 : 1;
	return (a->claim->key.pattern != 0) - (b->claim->key.pattern != 0);
}

int
model_answer_compare(const void *left, const void *right)
{
	const struct model_answer *a = left, *b = right;
	int order = model_rank(a, b);

	if (order == 0)
		order = key_compare(&a->claim->key, &b->claim->key);
	if (order == 0)
		order = (a->claim->source > b->claim->source) - (a->claim->source < b->claim->source);
	return order ? order : (int)a->claim->scope - (int)b->claim->scope;
}

/* A handful of answers as a rule; already in order as often as not. */
static void
answer_insert(struct model_answer *answers, size_t count, const struct model_answer *answer)
{
	for (; count > 0 && model_answer_compare(&answers[count - 1], answer) > 0; count--)
		answers[count] = answers[count - 1];
	answers[count] = *answer;
}

static size_t
answer_try(const struct model_claim *claim, const struct model_key *query, uint64_t now,
	   struct model_answer *answers, size_t count)
{
	struct model_answer answer;

	if (now >= claim->expires || !model_covers(claim, query, &answer))
		return count;
	assert(count < MODEL_ANSWERS);
	answer_insert(answers, count, &answer);
	return count + 1;
}

size_t
model_answer(const struct model *model, const struct model_key *query, uint64_t now,
	     struct model_answer *answers)
{
	size_t count = 0;

	for (size_t i = 0; i < model->count; i++)
		count = answer_try(&model->claims[i], query, now, answers, count);
	return count;
}

/* --- the same for large sets ------------------------------------------------------ */

/* Patterns first: they have to be looked at one by one. */
static int
claim_compare(const void *left, const void *right)
{
	const struct model_claim *a = left, *b = right;
	int order = (b->key.pattern != 0) - (a->key.pattern != 0);

	if (order == 0)
		order = key_compare(&a->key, &b->key);
	if (order == 0)
		order = (a->source > b->source) - (a->source < b->source);
	return order ? order : (int)a->scope - (int)b->scope;
}

void
model_sort(struct model *model)
{
	size_t kept = 0;

	qsort(model->claims, model->count, sizeof(*model->claims), claim_compare);
	for (size_t i = 0; i < model->count; i++) {
		if (kept && claim_compare(&model->claims[kept - 1], &model->claims[i]) == 0)
			free((char *)model->claims[i].key.text);
		else
			model->claims[kept++] = model->claims[i];
	}
	model->count = kept;
	model->sorted = true;
}

static size_t
lower_bound(const struct model *model, const struct model_key *key)
{
	size_t low = 0, high = model->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct model_key *at = &model->claims[middle].key;
		if (at->pattern || key_compare(at, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct asking {
	const struct model *model;
	const struct model_key *query;
	uint64_t now;
	struct model_answer *answers;
	size_t count;
};

static void
ask_key(struct asking *asking, const struct model_key *key)
{
	const struct model *model = asking->model;

	for (size_t i = lower_bound(model, key);
	     i < model->count && model_key_equal(&model->claims[i].key, key); i++)
		asking->count = answer_try(&model->claims[i], asking->query, asking->now,
					   asking->answers, asking->count);
}

static void
ask_prefixes(struct asking *asking)
{
	struct model_key key = *asking->query;

	for (unsigned bits = asking->query->bits + 1; bits-- > 0;) {
		key.bits = (uint8_t)bits;
		if (bits < 128)
			key.bytes[bits / 8] &= (uint8_t)~(0xff >> bits % 8);
		ask_key(asking, &key);
	}
}

/* Can a key that covers the query end (begin, for a name) after `i` bytes? */
static bool
part_may_end(const struct model_key *query, size_t i)
{
	if (query->kind == MODEL_DOMAIN)
		return i == 0 || query->text[i - 1] == '.';
	return i == query->length || query->text[i - 1] == '/' || query->text[i] == '/' ||
	       query->text[i] == '?';
}

/* Every suffix of a name at its labels, every prefix of a URL at its parts. */
static void
ask_parts(struct asking *asking)
{
	const struct model_key *query = asking->query;
	const struct model *model = asking->model;
	struct model_key key = *query;

	for (size_t i = 0; i <= query->length; i++) {
		bool domain = query->kind == MODEL_DOMAIN;
		if ((domain ? i == query->length : i == 0) || !part_may_end(query, i))
			continue;
		key.text = domain ? query->text + i : query->text;
		key.length = domain ? query->length - i : i;
		ask_key(asking, &key);
	}
	for (size_t i = 0; i < model->count && model->claims[i].key.pattern; i++)
		asking->count = answer_try(&model->claims[i], asking->query, asking->now,
					   asking->answers, asking->count);
}

size_t
model_answer_sorted(const struct model *model, const struct model_key *query, uint64_t now,
		    struct model_answer *answers)
{
	struct asking asking = { model, query, now, answers, 0 };

	assert(model->sorted);
	if (key_is_text(query))
		ask_parts(&asking);
	else if (query->kind == MODEL_IPV4 || query->kind == MODEL_IPV6)
		ask_prefixes(&asking);
	else
		ask_key(&asking, query);
	return asking.count;
}
