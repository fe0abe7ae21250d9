/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public look-up calls against one another, over a store of several layers
 * with removals, claims that end, several claims a key and priorities: what
 * repute_find_all says first is what repute_find, mixed batches of
 * repute_find_many and the raw batches say, at every size around their groups.
 * ORACLE_SEED replays.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/repute.h"
#include "tests/fixture.h"
#include "tests/judge.h"
#include "tests/scratch.h"

#define NOW (SETS_NOW + (UINT64_C(1) << 33)) /* so that all five bytes of a time count */
#define BASE 4000
#define OVERLAYS 5
#define CHANGES 60
#define QUERIES 600
#define ALL 700

static struct random_state dice;
static uint64_t seed;

static uint32_t
even(uint32_t number, bool must)
{
	return must ? number & ~1u : number;
}

/* A value of a small universe: entries nest, and queries meet them. */
static void
make_text(char text[200], bool entry)
{
	static const char *const inside[] = {"::ffff:", "64:ff9b::", "::", "2002:"};
	static const unsigned bits[] = {128, 48, 64, 32, 47, 63, 65, 127};
	uint32_t a = random_below(&dice, 12), b = random_below(&dice, 40);
	uint32_t bit = entry ? bits[random_below(&dice, 8)] : 128;
	switch (random_below(&dice, 7)) {
	case 0:
		snprintf(text, 200, "10.0.%u.%u/%u", a, entry && a < 3 ? 0 : b,
			 entry && a < 3 ? 23 + a % 2 : 32);
		break;
	case 1:
		snprintf(text, 200, "2001:db8:%x:%x::%x/%u", bit == 32 ? 0 : even(a, bit == 47),
			 bit < 63 ? 0 : even(b % 4, bit == 63),
			 bit < 127 ? 0 : even(b / 4, bit == 127), bit);
		break;
	case 2:
		snprintf(text, 200, a % 4 == 3 ? "%sa00:%02x%02x::" : "%s10.0.%u.%u", inside[a % 4], a, b);
		break;
	case 3:
		snprintf(text, 200, "%.*sd%u.example", (int)(b % 3) * 2, "a.b.", a);
		break;
	case 4:
		snprintf(text, 200, "http://%.*sd%u.example/%.*s%s", (int)(a % 2) * 2, "a.", b % 8,
			 (int)(b % 4) * 2, "p/q/r/", a % 3 == 0 ? "s" : a % 3 == 1 ? "?x=1" : "");
		break;
	case 5:
		snprintf(text, 200, "%040x", a * 40 + b);
		break;
	default:
		snprintf(text, 200, "%064x", a * 40 + b);
	}
	size_t length = strlen(text);
	if (!entry && length > 3 && strcmp(text + length - 3, "/32") == 0)
		text[length - 3] = '\0';
	else if (!entry && length > 4 && strcmp(text + length - 4, "/128") == 0)
		text[length - 4] = '\0';
}

static void
change(struct scratch_write *write, bool removals)
{
	static const char *const sources[] = {"delta", "alpha", "charlie", "bravo"};
	char text[200];
	make_text(text, true);
	struct key *key = scratch_key(text, 0);
	if (kind_table[key->kind].scoped)
		key->scope = (uint8_t)(1 + random_below(&dice, 3));
	if (removals && random_chance(&dice, 40))
		scratch_take_back(write, random_chance(&dice, 50) ? NULL : sources[random_below(&dice, 4)],
				  key, 7);
	else
		scratch_put(write, sources[random_below(&dice, 4)], key, NULL, 0,
			    NOW + 1 + random_below(&dice, 4));
	free(key);
}

/* Priorities: not in the order of names, two alike. */
static void
put_priorities(struct store_write *write)
{
	static const struct { const char *name; uint32_t priority; } rows[] = {
		{"alpha", 30}, {"bravo", 10}, {"charlie", 20}, {"delta", 20},
	};
	struct fault fault = {0};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct source_row *row;
		fixture_need(catalog_source_put(store_write_catalog(write), rows[i].name,
						strlen(rows[i].name), &row, &fault), &fault, "source");
		row->priority = rows[i].priority;
	}
	store_write_touch(write);
}

static void
make_store(const char *path)
{
	for (unsigned layer = 0; layer <= OVERLAYS; layer++) {
		struct scratch_write write;
		scratch_begin(&write, path, NOW);
		if (layer == 0)
			put_priorities(write.write);
		for (unsigned i = 0; i < (layer == 0 ? BASE / 10 : CHANGES); i++)
			change(&write, layer > 0);
		/* keys that no query meets make the base large: overlays stay overlays */
		for (unsigned i = 0; layer == 0 && i < BASE; i++) {
			char text[200];
			snprintf(text, sizeof(text), "172.16.%u.%u", i / 250, i % 250);
			struct key *key = scratch_key(text, 0);
			scratch_put(&write, "alpha", key, NULL, 0, NOW + 100);
			free(key);
		}
		scratch_commit(&write, false);
	}
}

static bool
same(const struct repute_hit *a, const struct repute_hit *b)
{
	if (!a->found || !b->found)
		return a->found == b->found;
	return a->exact == b->exact && a->embedded == b->embedded && a->kind == b->kind &&
	       a->scope == b->scope && a->expires == b->expires && a->source == b->source &&
	       a->first_seen == b->first_seen && a->last_seen == b->last_seen &&
	       a->source_length == b->source_length && a->opaque.set == b->opaque.set &&
	       a->opaque_small.layer == b->opaque_small.layer &&
	       a->opaque_small.in_trie == b->opaque_small.in_trie &&
	       a->opaque.record == b->opaque.record;
}

static uint32_t
priority(const struct repute_hit *hit)
{
	return hit->source[0] == 'a' ? 30 : hit->source[0] == 'b' ? 10 : 20;
}

/* Claims of one key follow one another by priority, then name; none has ended. */
static void
order_is_right(const struct repute_hit *hits, size_t n, uint64_t now)
{
	for (size_t i = 0; i < n; i++) {
		ck_assert(hits[i].found && hits[i].expires > now);
		if (i == 0 || hits[i].opaque.record != hits[i - 1].opaque.record ||
		    hits[i].opaque_small.layer != hits[i - 1].opaque_small.layer ||
		    hits[i].opaque_small.in_trie != hits[i - 1].opaque_small.in_trie ||
		    hits[i].kind != hits[i - 1].kind)
			continue;
		uint32_t before = priority(&hits[i - 1]), here = priority(&hits[i]);
		ck_assert(before < here || (before == here && hits[i - 1].source[0] <= hits[i].source[0]));
	}
}

struct question {
	struct repute_key keys[QUERIES];
	char text[QUERIES][200];
	struct repute_hit wanted[QUERIES], hits[QUERIES];
};

static void
must_be(const struct question *question, const struct repute_hit *got, size_t i, const char *call)
{
	ck_assert_msg(same(got, &question->wanted[i]), "ORACLE_SEED=%llu: %s differs from find_all: %s",
		      (unsigned long long)seed, call, question->text[i]);
}

/* The raw call of a kind, for the first n of the questions that are of it. */
static void
ask_raw(struct question *question, const struct repute_view *view, enum kind kind, size_t n,
	uint64_t now)
{
	static uint8_t bytes[QUERIES * 32];
	static uint32_t ipv4[QUERIES];
	size_t place[QUERIES], count = 0, size = kind_table[kind].key_bytes;
	for (size_t i = 0; i < QUERIES && count < n; i++) {
		const struct key *key = (const struct key *)(const void *)&question->keys[i];
		if (key->kind != kind)
			continue;
		memcpy(bytes + count * size, key->bytes, size);
		ipv4[count] = be32_get(key->bytes);
		place[count++] = i;
	}
	if (kind == KIND_IPV4)
		repute_find_ipv4_many(view, ipv4, count, now, question->hits);
	else if (kind == KIND_IPV6)
		repute_find_ipv6_many(view, (const uint8_t (*)[16])bytes, count, now, question->hits);
	else if (kind == KIND_SHA1)
		repute_find_sha1_many(view, (const uint8_t (*)[20])bytes, count, now, question->hits);
	else
		repute_find_sha256_many(view, (const uint8_t (*)[32])bytes, count, now, question->hits);
	for (size_t i = 0; i < count; i++)
		must_be(question, &question->hits[i], place[i], "a raw batch");
	for (size_t i = 0; i < count; i++) {
		struct repute_hit hit;
		enum repute_status status =
			kind == KIND_IPV4 ? repute_find_ipv4(view, ipv4[i], now, &hit) :
			kind == KIND_IPV6 ? repute_find_ipv6(view, bytes + i * size, now, &hit) :
			kind == KIND_SHA1 ? repute_find_sha1(view, bytes + i * size, now, &hit) :
					    repute_find_sha256(view, bytes + i * size, now, &hit);
		ck_assert_int_eq(status, REPUTE_OK);
		must_be(question, &hit, place[i], "a question without a key");
	}
}

/* Runs of one kind of 1 to many; `only` >= 0: one run. */
static size_t
make_question(struct question *question, const struct repute_view *view, int only, uint64_t now)
{
	static struct repute_hit all[ALL];
	size_t listed = 0;
	for (size_t i = 0; i < QUERIES; i++) {
		do {
			make_text(question->text[i], false);
			ck_assert(repute_key_text(REPUTE_ANY, question->text[i], strlen(question->text[i]),
						  &question->keys[i]) == REPUTE_OK);
		} while (only >= 0 && repute_key_kind(&question->keys[i]) != (enum repute_kind)only);
		size_t n = repute_find_all(view, &question->keys[i], now, all, ALL);
		ck_assert_uint_le(n, ALL);
		order_is_right(all, n, now);
		question->wanted[i].found = false;
		if (n > 0)
			question->wanted[i] = all[0];
		listed += n > 0;
	}
	return listed;
}

START_TEST(calls_agree)
{
	static const size_t sizes[] = {0, 1, 31, 32, 33, 255, 256, 257, 512, 513, QUERIES};
	static struct question question;
	struct repute_fault fault;
	struct repute_view_info info;
	struct repute_db *db;
	struct repute_hit hit;
	char *path = scratch_new("lookup");
	make_store(path);
	ck_assert(repute_open(path, NULL, &db, &fault) == REPUTE_OK);
	struct repute_view *view = repute_view_take(db);
	repute_view_info(view, &info);
	ck_assert_uint_eq(info.layers, OVERLAYS + 1);
	/* one kind at one moment may have little that is live; all of them must have enough to say something */
	size_t total = 0;
	for (int only = -1; only < KIND_COUNT; only++) {
		uint64_t now = NOW + (uint64_t)(only + 1) % 4;
		size_t listed = make_question(&question, view, only, now);
		ck_assert_uint_lt(listed, QUERIES);
		total += listed;
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			memset(question.hits, 0xa5, sizeof(question.hits));
			ck_assert(repute_find_many(view, question.keys, sizes[s], now, question.hits) ==
				  REPUTE_OK);
			for (size_t i = 0; i < sizes[s]; i++)
				must_be(&question, &question.hits[i], i, "find_many");
			for (unsigned kind = 0; kind < KIND_COUNT; kind++)
				if (kind_table[kind].key_bytes != 0)
					ask_raw(&question, view, kind, sizes[s], now);
		}
		for (size_t i = 0; i < QUERIES; i++) {
			ck_assert(repute_find(view, &question.keys[i], now, &hit) == REPUTE_OK);
			must_be(&question, &hit, i, "find");
		}
	}
	ck_assert_uint_gt(total, (KIND_COUNT + 1) * (QUERIES / 50));
	repute_view_drop(view);
	repute_close(db);
	scratch_remove(path);
}
END_TEST

static void
put_url(struct scratch_write *write, const char *text)
{
	struct key *key = scratch_key(text, 0);
	scratch_put(write, "alpha", key, NULL, 0, NOW + 100);
	free(key);
}

/* More patterns in an overlay than are looked at do not push out the exact key below them. */
START_TEST(patterns_do_not_hide)
{
	static struct repute_key key;
	struct scratch_write write;
	struct repute_fault fault;
	struct repute_hit hit;
	struct repute_db *db;
	char text[900], *path = scratch_new("patterns");
	scratch_begin(&write, path, NOW);
	for (int i = 0; i < 4000; i++) {
		snprintf(text, sizeof(text), "http://other.example/%d", i);
		put_url(&write, text);
	}
	snprintf(text, sizeof(text), "http://h.example/%0800d", 0);
	put_url(&write, text);
	scratch_commit(&write, false);
	scratch_begin(&write, path, NOW);
	for (int i = 1; i <= LIMIT_COVERING + 10; i++) {
		snprintf(text, sizeof(text), "http://h.example/%0*d\\*", i, 0);
		put_url(&write, text);
	}
	scratch_commit(&write, false);
	ck_assert(repute_open(path, NULL, &db, &fault) == REPUTE_OK);
	struct repute_view *view = repute_view_take(db);
	snprintf(text, sizeof(text), "http://h.example/%0800d", 0);
	ck_assert(repute_key_text(REPUTE_URL, text, strlen(text), &key) == REPUTE_OK);
	ck_assert(repute_find(view, &key, NOW, &hit) == REPUTE_OK);
	ck_assert(hit.found && hit.exact);
	repute_view_drop(view);
	repute_close(db);
	scratch_remove(path);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lookup");
	TCase *cases = tcase_create("all");
	seed = judge_seed();
	dice.word = seed;
	tcase_add_test(cases, calls_agree);
	tcase_add_test(cases, patterns_do_not_hide);
	tcase_set_timeout(cases, 120);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
