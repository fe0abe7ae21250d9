/* SPDX-License-Identifier: Apache-2.0 */
#include "query/judge_exceptions.h"

#include <stdlib.h>
#include <string.h>

#include "engine/bytes.h"
#include "engine/file.h"
#include "engine/path.h"
#include "query/repute.h"

#define NO_ROW REPUTE_NO_ROW

/* A prefix as two words: an IPv4 address stands in the upper half of `high`. */
struct prefix {
	uint64_t high, low;
	uint32_t exception;
	uint32_t parent;      /* the prefix that this lies in, or an equal one; NO_ROW */
	uint8_t bits;         /* 32 of an IPv4 address are 32 */
};

/* A name, URL or pattern. */
struct text {
	uint64_t hash;
	const struct key *key;
	uint32_t exception;
	uint32_t next;        /* in the chain of its bucket, by number; NO_ROW */
};

/* Patterns of one form and length are asked with one pass over the query. */
struct pattern {
	uint8_t marks;
	uint32_t length;
};

struct judge_exceptions {
	const struct profile *profile;
	struct hash_seed seed;
	struct prefix *prefix[2];          /* KIND_IPV4, KIND_IPV6 */
	struct text *texts;
	uint32_t *buckets;                 /* a power of two */
	struct pattern *patterns;
	size_t prefix_count[2], text_count, pattern_count;
	size_t bucket_count;
	size_t count[KIND_COUNT];
};

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for the exceptions");
}

static bool
is_live(const struct judge_exceptions *exceptions, uint32_t exception, uint64_t now)
{
	uint64_t expires = exceptions->profile->exceptions[exception].expires;
	return expires == 0 || now < expires;
}

/* --- addresses ------------------------------------------------------------------------- */

static struct prefix
prefix_of(const struct key *key)
{
	struct prefix prefix = {.bits = key->prefix_bits};
	if (key->kind == KIND_IPV4) {
		prefix.high = (uint64_t)be32_get(key->bytes) << 32;
	} else {
		prefix.high = be64_get(key->bytes);
		prefix.low = be64_get(key->bytes + 8);
	}
	return prefix;
}

static bool
starts_after(const struct prefix *a, const struct prefix *b)
{
	return a->high != b->high ? a->high > b->high : a->low > b->low;
}

/* By start, shorter first; of equal ones the first exception last, since walks go up from there. */
static int
compare_prefixes(const void *left, const void *right)
{
	const struct prefix *a = left, *b = right;
	if (starts_after(a, b) || starts_after(b, a))
		return starts_after(a, b) ? 1 : -1;
	if (a->bits != b->bits)
		return a->bits > b->bits ? 1 : -1;
	return (a->exception < b->exception) - (a->exception > b->exception);
}

static uint64_t
mask_of(unsigned bits)
{
	return bits == 0 ? 0 : bits >= 64 ? UINT64_MAX : UINT64_MAX << (64 - bits);
}

static bool
prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	unsigned low_bits = outer->bits > 64 ? outer->bits - 64u : 0;
	return outer->bits <= inner->bits &&
	       ((outer->high ^ inner->high) & mask_of(outer->bits)) == 0 &&
	       ((outer->low ^ inner->low) & mask_of(low_bits)) == 0;
}

static void
link_parents(struct prefix *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t parent = i == 0 ? NO_ROW : (uint32_t)i - 1;
		while (parent != NO_ROW && !prefix_covers(&prefixes[parent], &prefixes[i]))
			parent = prefixes[parent].parent;
		prefixes[i].parent = parent;
	}
}

static uint32_t
find_prefix(const struct judge_exceptions *exceptions, const struct key *key, uint64_t now)
{
	const struct prefix *prefixes = exceptions->prefix[key->kind];
	struct prefix query = prefix_of(key);
	size_t low = 0, high = exceptions->prefix_count[key->kind];
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (starts_after(&prefixes[middle], &query))
			high = middle;
		else
			low = middle + 1;
	}
	uint32_t at = low == 0 ? NO_ROW : (uint32_t)low - 1;
	for (; at != NO_ROW; at = prefixes[at].parent)
		if (prefix_covers(&prefixes[at], &query) &&
		    is_live(exceptions, prefixes[at].exception, now))
			return prefixes[at].exception;
	return NO_ROW;
}

/* --- texts ----------------------------------------------------------------------------- */

/* What a walk has found so far: the most specific comes first. */
struct best {
	uint32_t exception;
	bool exact, pattern;
	size_t length;
};

static void
best_add(struct best *best, const struct best *other)
{
	bool better = best->exception == NO_ROW;
	if (!better && other->exact != best->exact)
		better = other->exact;
	else if (!better && other->length != best->length)
		better = other->length > best->length;
	else if (!better && other->pattern != best->pattern)
		better = best->pattern;
	else if (!better)
		better = other->exception < best->exception;
	if (better)
		*best = *other;
}

/* A name is the last `length` bytes of the query. */
static bool
domain_covers(const struct key *key, const struct key *query, size_t length, bool *exact)
{
	*exact = length == query->length;
	return key->length == length &&
	       memcmp(key_text(key), key_text(query) + query->length - length, length) == 0;
}

/* A URL is the first `length` bytes of the query, or those and a `/`; whole segments only. */
static bool
url_covers(const struct key *key, const struct key *query, size_t length, bool *exact)
{
	const char *text = key_text(key), *asked = key_text(query);
	if (key->length < length || key->length > length + 1 || key->length > query->length ||
	    key->length == 0 || memcmp(text, asked, key->length) != 0)
		return false;
	*exact = key->length == query->length;
	return *exact || text[key->length - 1] == '/' || asked[key->length] == '/' ||
	       asked[key->length] == '?';
}

static void
probe_step(const struct judge_exceptions *exceptions, const struct key *query,
	   const struct path_step *step, uint64_t now, struct best *best)
{
	uint32_t at = exceptions->buckets[step->hash & (exceptions->bucket_count - 1)];
	for (; at != NO_ROW; at = exceptions->texts[at].next) {
		const struct text *text = &exceptions->texts[at];
		bool exact = false, url = query->kind == KIND_URL;
		if (text->hash != step->hash || text->key->kind != query->kind ||
		    text->key->pattern != 0 || !is_live(exceptions, text->exception, now) ||
		    !(url ? url_covers : domain_covers)(text->key, query, step->length, &exact) ||
		    (text->key->scope & (exact ? SCOPE_EXACT : SCOPE_BELOW)) == 0)
			continue;
		best_add(best, &(struct best){text->exception, exact, false, text->key->length});
	}
}

static void
probe_pattern(const struct judge_exceptions *exceptions, const struct pattern *pattern,
	      const char *literal, uint64_t now, struct best *best)
{
	uint64_t hash = path_pattern(exceptions->seed, pattern->marks, literal, pattern->length);
	uint32_t at = exceptions->buckets[hash & (exceptions->bucket_count - 1)];
	for (; at != NO_ROW; at = exceptions->texts[at].next) {
		const struct text *text = &exceptions->texts[at];
		size_t length;
		if (text->hash != hash || text->key->pattern != pattern->marks)
			continue;
		const char *have = path_literal(text->key, &length);
		if (length == pattern->length && memcmp(have, literal, length) == 0 &&
		    is_live(exceptions, text->exception, now))
			best_add(best, &(struct best){text->exception, false, true, length});
	}
}

static void
walk_pattern(const struct judge_exceptions *exceptions, const struct pattern *pattern,
	     const struct key *query, uint64_t now, struct best *best)
{
	const char *text = key_text(query);
	if (pattern->length > query->length)
		return;
	size_t from = 0, last = query->length - pattern->length;
	if (pattern->marks == KEY_PATTERN_OPEN_END)
		last = 0;
	if (pattern->marks == KEY_PATTERN_OPEN_START)
		from = last;
	for (; from <= last; from++)
		probe_pattern(exceptions, pattern, text + from, now, best);
}

static uint32_t
find_text(const struct judge_exceptions *exceptions, const struct key *key, uint64_t now)
{
	struct best best = {.exception = NO_ROW};
	struct path path;
	struct path_step step;
	path_init(&path, exceptions->seed, 0, NULL, key);
	while (key->pattern == 0 && path_next(&path, &step))
		probe_step(exceptions, key, &step, now, &best);
	for (size_t i = 0; key->kind == KIND_URL && i < exceptions->pattern_count; i++)
		walk_pattern(exceptions, &exceptions->patterns[i], key, now, &best);
	return best.exception;
}

/* --- building -------------------------------------------------------------------------- */

static enum status
text_hash(const struct judge_exceptions *exceptions, const struct text *text, uint64_t *hash,
	  struct fault *fault)
{
	const char *name = exceptions->profile->exceptions[text->exception].name;
	struct path path;
	struct path_step step = {0};
	if (text->key->kind == KIND_URL && text->key->pattern == 0 && path_deep(text->key))
		return fault_set(fault, STATUS_LIMIT, name, 0,
				 "exception \"%s\": a URL with more than %d path segments", name,
				 LIMIT_URL_STEPS - 2);
	path_init(&path, exceptions->seed, 0, NULL, text->key);
	while (path_next(&path, &step) && !step.last)
		;
	*hash = step.hash;
	return STATUS_OK;
}

/* Chains by number: put in from the last. */
static enum status
fill_buckets(struct judge_exceptions *exceptions, struct fault *fault)
{
	for (size_t i = exceptions->text_count; i-- > 0;) {
		struct text *text = &exceptions->texts[i];
		enum status status = text_hash(exceptions, text, &text->hash, fault);
		if (status != STATUS_OK)
			return status;
		uint32_t *head = &exceptions->buckets[text->hash & (exceptions->bucket_count - 1)];
		text->next = *head;
		*head = (uint32_t)i;
	}
	return STATUS_OK;
}

static int
compare_patterns(const void *left, const void *right)
{
	const struct pattern *a = left, *b = right;
	if (a->marks != b->marks)
		return a->marks - b->marks;
	return (a->length > b->length) - (a->length < b->length);
}

static enum status
finish_patterns(struct judge_exceptions *exceptions, struct fault *fault)
{
	struct pattern *patterns = exceptions->patterns;
	size_t kept = 0, substrings = 0;
	if (exceptions->pattern_count > 1)
		qsort(patterns, exceptions->pattern_count, sizeof(*patterns), compare_patterns);
	for (size_t i = 0; i < exceptions->pattern_count; i++) {
		if (kept > 0 && compare_patterns(&patterns[kept - 1], &patterns[i]) == 0)
			continue;
		substrings += patterns[i].marks == (KEY_PATTERN_OPEN_START | KEY_PATTERN_OPEN_END);
		patterns[kept++] = patterns[i];
	}
	exceptions->pattern_count = kept;
	if (substrings > LIMIT_SUBSTRING_LENGTHS)
		return fault_set(fault, STATUS_LIMIT, NULL, 0,
				 "exceptions of the form \\*...\\* with more than %d different lengths",
				 LIMIT_SUBSTRING_LENGTHS);
	return STATUS_OK;
}

static void
add_key(struct judge_exceptions *exceptions, const struct key *key, uint32_t exception)
{
	exceptions->count[key->kind]++;
	if (key->kind <= KIND_IPV6) {
		struct prefix prefix = prefix_of(key);
		prefix.exception = exception;
		exceptions->prefix[key->kind][exceptions->prefix_count[key->kind]++] = prefix;
		return;
	}
	exceptions->texts[exceptions->text_count++] =
		(struct text){.key = key, .exception = exception};
	if (key->pattern != 0) {
		size_t length;
		path_literal(key, &length);
		exceptions->patterns[exceptions->pattern_count++] =
			(struct pattern){key->pattern, (uint32_t)length};
	}
}

/* Room for every key in each of the tables that it may go to. */
static enum status
take_room(struct judge_exceptions *exceptions, struct fault *fault)
{
	size_t count[KIND_COUNT] = {0};
	for (size_t i = 0; i < exceptions->profile->key_count; i++)
		count[exceptions->profile->keys[i]->kind]++;
	size_t texts = count[KIND_DOMAIN] + count[KIND_URL];
	exceptions->bucket_count = 1;
	while (exceptions->bucket_count < texts)
		exceptions->bucket_count *= 2;
	exceptions->prefix[0] = calloc(count[KIND_IPV4] + 1, sizeof(struct prefix));
	exceptions->prefix[1] = calloc(count[KIND_IPV6] + 1, sizeof(struct prefix));
	exceptions->texts = calloc(texts + 1, sizeof(struct text));
	exceptions->patterns = calloc(count[KIND_URL] + 1, sizeof(struct pattern));
	exceptions->buckets = malloc(exceptions->bucket_count * sizeof(uint32_t));
	if (exceptions->prefix[0] == NULL || exceptions->prefix[1] == NULL ||
	    exceptions->texts == NULL || exceptions->patterns == NULL || exceptions->buckets == NULL)
		return no_memory(fault);
	memset(exceptions->buckets, 0xff, exceptions->bucket_count * sizeof(uint32_t));
	return STATUS_OK;
}

static enum status
fill(struct judge_exceptions *exceptions, struct fault *fault)
{
	const struct profile *profile = exceptions->profile;
	for (size_t i = 0; i < profile->exception_count; i++)
		for (uint32_t k = 0; k < profile->exceptions[i].key_count; k++)
			add_key(exceptions, profile->keys[profile->exceptions[i].key_first + k],
				(uint32_t)i);
	for (int kind = KIND_IPV4; kind <= KIND_IPV6; kind++) {
		size_t count = exceptions->prefix_count[kind];
		if (count > 1)
			qsort(exceptions->prefix[kind], count, sizeof(struct prefix),
			      compare_prefixes);
		link_parents(exceptions->prefix[kind], count);
	}
	enum status status = fill_buckets(exceptions, fault);
	return status == STATUS_OK ? finish_patterns(exceptions, fault) : status;
}

enum status
judge_exceptions_new(const struct profile *profile, struct judge_exceptions **exceptions,
		     struct fault *fault)
{
	struct judge_exceptions *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return no_memory(fault);
	fresh->profile = profile;
	enum status status = file_random(fresh->seed.word, fault);
	if (status == STATUS_OK)
		status = take_room(fresh, fault);
	if (status == STATUS_OK)
		status = fill(fresh, fault);
	if (status == STATUS_OK)
		*exceptions = fresh;
	else
		judge_exceptions_free(fresh);
	return status;
}

void
judge_exceptions_free(struct judge_exceptions *exceptions)
{
	if (exceptions == NULL)
		return;
	free(exceptions->prefix[0]);
	free(exceptions->prefix[1]);
	free(exceptions->texts);
	free(exceptions->buckets);
	free(exceptions->patterns);
	free(exceptions);
}

/* --- asking ---------------------------------------------------------------------------- */

uint32_t
judge_exceptions_find(const struct judge_exceptions *exceptions, const struct key *key,
		      uint64_t now)
{
	if (exceptions->count[key->kind] == 0)
		return NO_ROW;
	return key->kind <= KIND_IPV6 ? find_prefix(exceptions, key, now)
				      : find_text(exceptions, key, now);
}

bool
judge_exceptions_any(const struct judge_exceptions *exceptions, enum kind kind)
{
	return exceptions->count[kind] > 0;
}

size_t
judge_exceptions_bytes(const struct judge_exceptions *exceptions)
{
	return sizeof(*exceptions) +
	       (exceptions->prefix_count[0] + exceptions->prefix_count[1]) * sizeof(struct prefix) +
	       exceptions->text_count * sizeof(struct text) +
	       exceptions->bucket_count * sizeof(uint32_t) +
	       exceptions->pattern_count * sizeof(struct pattern);
}
