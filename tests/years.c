/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/years.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scratch.h"

#define DAY 86400ull
#define YEAR (365 * DAY)

const char *const years_sources[YEARS_SOURCES] = {"feed", "other", "user"};
const char *const years_sets[YEARS_SETS] = {NULL, "x", "y"};

/* --- keys ----------------------------------------------------------------------------------- */

static const char *const few[YEARS_FEW] = {
	"192.0.2.7", "192.0.2.8", "192.0.2.0/24", "192.0.0.0/16", "198.51.100.0/25", "198.51.100.9",
	"2001:db8::7", "2001:db8::/64", "2001:db8::/32", "2001:db9::1", "k.example", "*.k.example",
	"a.k.example", "*.a.k.example", "b.a.k.example", "other.example", "http://u.example/a",
	"http://u.example/a/*", "http://u.example/a/b", "http://u.example/a?q", "http://v.example/",
	"da39a3ee5e6b4b0d3255bfef95601890afd80700", "aa39a3ee5e6b4b0d3255bfef95601890afd80700",
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	"1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "203.0.113.255",
};

static void
key_text_make(unsigned key, char text[72])
{
	if (key < YEARS_FEW)
		snprintf(text, 72, "%s", few[key]);
	else if (key % 3 == 0)
		snprintf(text, 72, "m%u.example", key);
	else if (key % 3 == 1)
		snprintf(text, 72, "10.9.%u.%u", key >> 8, key & 255);
	else
		snprintf(text, 72, "%040x", key);
}

const char *
years_query(const struct years *years, unsigned key)
{
	static char query[72];
	const char *text = years->text[key];
	size_t length = strlen(text);

	snprintf(query, sizeof(query), "%s", text + (strncmp(text, "*.", 2) == 0 ? 2 : 0));
	if (length > 2 && strcmp(text + length - 2, "/*") == 0)
		query[length - 1] = '\0';
	return query;
}

/* What is spelled so says something of ... */
static unsigned
spelled_scope(const char *text)
{
	size_t length = strlen(text);

	return strncmp(text, "*.", 2) == 0 || strcmp(text + length - 2, "/*") == 0 ? MODEL_BELOW
										    : MODEL_EXACT;
}

static enum model_kind
spelled_kind(const char *text)
{
	size_t length = strlen(text);

	if (strncmp(text, "http", 4) == 0)
		return MODEL_URL;
	if (length == 40 || length == 64)
		return length == 40 ? MODEL_SHA1 : MODEL_SHA256;
	if (strchr(text, ':') != NULL)
		return MODEL_IPV6;
	return strspn(text, "0123456789./") == length ? MODEL_IPV4 : MODEL_DOMAIN;
}

static bool
key_covers(const struct years *years, unsigned key, unsigned other)
{
	char claimed[72], asked[72];
	struct model_answer answer;
	enum model_kind kind = spelled_kind(years->text[key]);

	if (kind != spelled_kind(years->text[other]))
		return false;
	snprintf(asked, sizeof(asked), "%s", years_query(years, key));
	snprintf(claimed, sizeof(claimed), "%s", years_query(years, other));
	struct model_claim claim = {.key = model_key(kind, claimed, strlen(claimed)),
				    .scope = (uint8_t)spelled_scope(years->text[other]),
				    .expires = 1};
	struct model_key query = model_key(kind, asked, strlen(asked));
	return model_covers(&claim, &query, &answer);
}

void
years_init(struct years *years, uint64_t seed, unsigned keys)
{
	*years = (struct years){.random = {seed}, .keys = keys,
				.now = calendar_seconds(2026, 1, 1, 0, 0, 0)};
	years->claim = calloc(keys, sizeof(*years->claim));
	years->text = calloc(keys, sizeof(*years->text));
	years->covers = calloc(keys, keys);
	for (unsigned key = 0; key < keys; key++)
		key_text_make(key, years->text[key]);
	/* Of those that are not made by hand each only covers itself. */
	for (unsigned key = 0; key < keys; key++)
		for (unsigned other = 0; other < keys; other++)
			years->covers[key * keys + other] =
				key < YEARS_FEW && other < YEARS_FEW ? key_covers(years, key, other)
								      : key == other;
}

void
years_fini(struct years *years)
{
	free(years->claim);
	free(years->text);
	free(years->covers);
}

/* --- the clock --------------------------------------------------------------------------------- */

static uint64_t
odd_moment(struct random_state *random)
{
	static const unsigned dates[][6] = {
		{1970, 1, 1, 0, 0, 1}, {1999, 12, 31, 23, 59, 59}, {2000, 2, 29, 12, 0, 0},
		{2024, 2, 29, 12, 0, 0}, {2028, 1, 19, 3, 14, 8}, {2028, 2, 29, 0, 0, 0},
		{2028, 3, 1, 0, 0, 0}, {2036, 2, 7, 6, 28, 16}, {2038, 1, 19, 3, 14, 8},
		{2090, 2, 28, 0, 0, 0}, {2096, 2, 29, 23, 59, 59}, {2100, 2, 28, 23, 59, 59},
		{2100, 3, 1, 0, 0, 0}, {2104, 2, 29, 0, 0, 0}, {2106, 2, 7, 6, 28, 16},
		{2400, 2, 29, 1, 2, 3}, {9989, 12, 31, 23, 59, 59}, {9999, 12, 31, 0, 0, 0},
		{9999, 12, 31, 23, 59, 59},
	};
	const unsigned *at = dates[random_below(random, sizeof(dates) / sizeof(dates[0]))];
	unsigned beside = random_below(random, 3);

	return calendar_seconds(at[0], at[1], at[2], at[3], at[4], at[5]) + beside - 1;
}

static uint64_t
leap(struct random_state *random)
{
	static const uint64_t scales[] = {5, 3600, 2 * DAY, 60 * DAY, 400 * DAY, 20 * YEAR};

	uint64_t scale = scales[random_below(random, 6)];
	return random_next(random) % scale;
}

uint64_t
years_boundary(struct years *years)
{
	unsigned key = random_below(&years->random, years->keys);
	unsigned beside = random_below(&years->random, 3);

	for (unsigned tries = 0; tries < years->keys; tries++, key = (key + 1) % years->keys)
		for (unsigned source = 0; source < YEARS_SOURCES; source++)
			if (years->claim[key][source].there)
				return years->claim[key][source].expires + beside - 1;
	return years->now + beside;
}

static void
clock_move(struct years *years)
{
	struct random_state *random = &years->random;
	unsigned way = random_below(random, 100);
	uint64_t now = years->now, before = years->now;

	if (way < 55)
		now += leap(random);
	else if (way < 72)
		now = years_boundary(years);
	else if (way < 82)
		now = odd_moment(random);
	else if (way < 92)
		now -= leap(random);
	else
		now = calendar_seconds(2026, 1, 1, 12, 0, 0) + random_next(random) % (80 * YEAR);
	if (now > CALENDAR_END)
		now = way >= 82 ? 0 : CALENDAR_END;
	years->now = now;
	if (now > before && now - before <= 20 * YEAR) /* farther is a jump */
		years->years += (double)(now - before) / (365.2425 * DAY);
	years->backwards += now < before;
}

/* --- operations --------------------------------------------------------------------------------- */

static uint64_t
any_ttl(struct random_state *random)
{
	static const uint64_t ttls[] = {1, 59, 3600, DAY, 30 * DAY, 366 * DAY, 10 * YEAR, 1ull << 31,
					1ull << 32, 10000 * YEAR};

	return ttls[random_below(random, 10)];
}

/* Around now, far off, past; never 0, which means that none is given. */
static uint64_t
any_instant(struct years *years)
{
	struct random_state *random = &years->random;
	uint64_t instant = years->now;

	switch (random_below(random, 4)) {
	case 0: instant = odd_moment(random); break;
	case 1: instant += leap(random); break;
	case 2: instant -= leap(random); break;
	default: instant += random_below(random, 4) * DAY / 2;
	}
	return instant == 0 || instant > CALENDAR_END ? CALENDAR_END : instant;
}

/* Distinct keys: a run of them, in a step that is prime to their number. */
static void
choose_keys(struct years *years, struct years_op *op)
{
	struct random_state *random = &years->random;
	unsigned most = years->keys > 100 && random_chance(random, 40) ? years->keys : 12;
	unsigned key = random_below(random, years->keys);

	op->count = 1 + random_below(random, most < years->keys ? most : years->keys);
	for (size_t i = 0; i < op->count; i++)
		op->line[i] = (struct years_line){(unsigned)((key + i * 7) % years->keys), 0};
}

static void
choose_rule(struct years *years, struct years_op *op)
{
	unsigned way = random_below(&years->random, 10);

	op->set = random_below(&years->random, YEARS_SETS);
	op->mirror = random_chance(&years->random, 10);
	if (way < 3)
		op->ttl = any_ttl(&years->random);
	else if (way < 6)
		op->expires = any_instant(years);
	op->as_tag = op->expires != 0 && random_chance(&years->random, 40);
	for (size_t i = 0; op->kind == YEARS_FEED && i < op->count; i++)
		if (random_chance(&years->random, 60))
			op->line[i].expires = any_instant(years);
}

void
years_next(struct years *years, struct years_op *op)
{
	struct random_state *random = &years->random;
	unsigned way = random_below(random, 100);

	clock_move(years);
	memset(op, 0, offsetof(struct years_op, line));
	op->now = years->now;
	op->source = random_below(random, YEARS_SOURCES);
	op->kind = way < 40 ? YEARS_ADD : way < 60 ? YEARS_FEED : way < 68 ? YEARS_REMOVE
		   : way < 75 ? YEARS_DEFAULT : way < 97 ? YEARS_SWEEP : YEARS_COMPACT;
	if (op->kind <= YEARS_REMOVE)
		choose_keys(years, op);
	if (op->kind <= YEARS_FEED)
		choose_rule(years, op);
	if (op->kind == YEARS_DEFAULT)
		op->ttl = random_chance(random, 30) ? 0 : any_ttl(random);
}

/* --- the model ------------------------------------------------------------------------------------ */

/* When what was said by this rule, and last heard at `seen`, expires. */
struct rule {
	uint64_t expires, ttl;
};

static uint64_t
rule_end(const struct rule *rule, uint64_t seen)
{
	if (rule->expires != 0)
		return rule->expires;
	return rule->ttl != 0 ? calendar_later(seen, rule->ttl) : calendar_years_later(seen, 10);
}

/* Heard again by the same rule within an eighth of its life, a day at most: nothing moves. */
static bool
too_near(const struct years_claim *claim, const struct rule *rule, uint64_t now)
{
	uint64_t life = rule->expires != 0 ? UINT64_MAX : rule_end(rule, now) - now;
	uint64_t window = life / 8 < DAY ? life / 8 : DAY;
	uint64_t apart = claim->last < now ? now - claim->last : claim->last - now;

	return apart <= window;
}

static void
put(struct years_claim *claim, const struct rule *rule, unsigned set, uint64_t now,
    struct years_counts *counts)
{
	uint64_t end = rule_end(rule, now);
	bool dead = claim->expires <= now;

	if (!claim->there) {
		*claim = (struct years_claim){true, set, end, now, now};
		counts->added++;
		return;
	}
	if (claim->set == set && claim->expires == rule_end(rule, claim->last) &&
	    (!dead || end <= now)) {
		counts->unchanged++;
		if (end <= now || too_near(claim, rule, now))
			return;
		counts->renewed++;
	} else {
		counts->updated++;
	}
	*claim = (struct years_claim){true, set, end, claim->first < now ? claim->first : now, now};
}

static void
drop(struct years_claim *claim, struct years_counts *counts)
{
	counts->removed += claim->there;
	claim->there = false;
}

static void
apply_puts(struct years *years, const struct years_op *op, struct years_counts *counts)
{
	static bool named[YEARS_KEYS_MOST];

	memset(named, 0, sizeof(named));
	for (size_t i = 0; i < op->count; i++) {
		const struct years_line *line = &op->line[i];
		struct rule rule = {line->expires != 0 ? line->expires : op->expires,
				    op->ttl != 0 ? op->ttl : years->ttl[op->source]};
		put(&years->claim[line->key][op->source], &rule, op->set, op->now, counts);
		named[line->key] = true;
	}
	for (unsigned key = 0; op->mirror && key < years->keys; key++)
		if (!named[key])
			drop(&years->claim[key][op->source], counts);
}

/* "x.example" takes back whatever scope it has; "*.x.example" that one. */
static void
apply_remove(struct years *years, const struct years_op *op, struct years_counts *counts)
{
	for (size_t i = 0; i < op->count; i++) {
		unsigned key = op->line[i].key;
		char text[72];
		snprintf(text, sizeof(text), "%s", years_query(years, key));
		bool plain = strcmp(text, years->text[key]) == 0;
		for (unsigned other = 0; other < years->keys; other++)
			if (other == key || (plain && strcmp(years_query(years, other), text) == 0))
				drop(&years->claim[other][op->source], counts);
	}
}

void
years_apply(struct years *years, const struct years_op *op, struct years_counts *counts)
{
	*counts = (struct years_counts){0};
	switch (op->kind) {
	case YEARS_ADD:
	case YEARS_FEED:
		apply_puts(years, op, counts);
		break;
	case YEARS_REMOVE:
		apply_remove(years, op, counts);
		break;
	case YEARS_DEFAULT:
		years->ttl[op->source] = op->ttl;
		break;
	case YEARS_SWEEP:
		for (unsigned key = 0; key < years->keys; key++)
			for (unsigned source = 0; source < YEARS_SOURCES; source++)
				if (years->claim[key][source].expires <= op->now)
					drop(&years->claim[key][source], counts);
		break;
	case YEARS_COMPACT:
		break;
	}
}

/* --- questions -------------------------------------------------------------------------------------- */

int
years_compare_hits(const void *a, const void *b)
{
	const struct years_hit *one = a, *other = b;

	if (one->source != other->source)
		return one->source < other->source ? -1 : 1;
	return (one->expires > other->expires) - (one->expires < other->expires);
}

size_t
years_live(const struct years *years, unsigned key, uint64_t now, struct years_hit *hits, size_t cap)
{
	const uint8_t *covers = years->covers + (size_t)key * years->keys;
	unsigned most = key < YEARS_FEW ? YEARS_FEW : years->keys;
	size_t count = 0;

	for (unsigned other = key < YEARS_FEW ? 0 : key; other < most; other++)
		for (unsigned source = 0; covers[other] && source < YEARS_SOURCES; source++) {
			const struct years_claim *claim = &years->claim[other][source];
			if (claim->there && now < claim->expires && count++ < cap)
				hits[count - 1] = (struct years_hit){source, claim->expires};
		}
	qsort(hits, count < cap ? count : cap, sizeof(*hits), years_compare_hits);
	return count;
}

size_t
years_count(const struct years *years, uint64_t now, bool dead_too)
{
	size_t count = 0;

	for (unsigned key = 0; key < years->keys; key++)
		for (unsigned source = 0; source < YEARS_SOURCES; source++) {
			const struct years_claim *claim = &years->claim[key][source];
			count += claim->there && (dead_too || now < claim->expires);
		}
	return count;
}

char *
years_lines(const struct years *years)
{
	char **lines = calloc(years->keys * YEARS_SOURCES + 1, sizeof(*lines));
	size_t count = 0;

	for (unsigned key = 0; key < years->keys; key++)
		for (unsigned source = 0; source < YEARS_SOURCES; source++) {
			const struct years_claim *claim = &years->claim[key][source];
			const char *set = years_sets[claim->set];
			bool exact = spelled_scope(years->text[key]) == MODEL_EXACT;
			if (!claim->there)
				continue;
			if (asprintf(&lines[count++], "%s|%s|%s|%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64,
				     years_query(years, key), exact ? "exact" : "below",
				     years_sources[source], set == NULL ? "" : set, claim->expires,
				     claim->first, claim->last) < 0)
				abort();
		}
	return scratch_join(lines, count);
}

void
years_tell(const struct years_op *op, char text[256])
{
	static const char *const kinds[] = {"add", "feed", "remove", "default", "sweep", "compact"};
	char now[CALENDAR_TEXT_BYTES];

	calendar_print(op->now, now);
	snprintf(text, 256, "%s %s source %s set %u ttl %" PRIu64 " expires %" PRIu64 "%s%s, %zu keys from %u",
		 now, kinds[op->kind], years_sources[op->source], op->set, op->ttl, op->expires,
		 op->as_tag ? " as tag" : "", op->mirror ? " mirror" : "", op->count,
		 op->count > 0 ? op->line[0].key : 0);
}
