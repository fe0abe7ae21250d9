/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expiry over simulated years: random transactions at odd moments of the calendar, with a
 * clock that also runs backwards, against a plain array of claims. The ten years that a
 * claim without a time gets are reckoned with libc's calendar. Live claims are asked at
 * every moment; a sweep must take exactly what has expired, and nothing else; and read no
 * more than that.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/clock.h"
#include "engine/sweep.h"
#include "query/lookup.h"
#include "tests/scratch.h"

#define KEYS 40
#define SOURCES 2
#define LAST 253402300799ull /* 9999-12-31T23:59:59Z */

static const char *const source_names[SOURCES] = { "feed", "user" };

/* expires of each claim there may be; 0: there is none. */
struct twin {
	uint64_t expires[KEYS][SOURCES];
};

static char *path;
static struct twin twin;

static void
setup(void)
{
	memset(&twin, 0, sizeof(twin));
	path = scratch_new("sweep");
}

static void
teardown(void)
{
	scratch_remove(path);
}

/* A key may borrow its text. */
static struct key *
key_of(size_t i)
{
	static char texts[KEYS][32];
	char *text = texts[i];

	if (i % 2)
		snprintf(text, sizeof(texts[i]), "192.0.2.%zu", i);
	else
		snprintf(text, sizeof(texts[i]), "k%zu.example", i);
	return scratch_key(text, i % 4 ? SCOPE_EXACT : SCOPE_TREE);
}

static uint64_t
ten_years_after(uint64_t now)
{
	time_t seconds = (time_t)now;
	struct tm date;

	gmtime_r(&seconds, &date);
	date.tm_year += 10;
	if (date.tm_mon == 1 && date.tm_mday == 29 && (date.tm_year % 4 != 0))
		date.tm_mday = 28;
	return (uint64_t)timegm(&date) > LAST ? LAST : (uint64_t)timegm(&date);
}

static void
put(struct scratch_write *change, size_t i, size_t s, uint64_t ttl, uint64_t expires)
{
	struct key *key = key_of(i);

	scratch_put(change, source_names[s], key, NULL, ttl, expires);
	twin.expires[i][s] = expires ? expires
			     : ttl   ? (change->now + ttl < LAST ? change->now + ttl : LAST)
				     : ten_years_after(change->now);
	free(key);
}

/* "i|source|expires" of a line of scratch_state: fields 0, 2 and 4. */
static bool
line_fields(char *line, char *fields[7])
{
	size_t count = 0;

	for (char *at = line; count < 7; at = strchr(at, '|') + 1) {
		fields[count++] = at;
		if (!strchr(at, '|'))
			break;
	}
	for (size_t i = 1; i < count; i++)
		fields[i][-1] = '\0';
	return count == 7;
}

/* Claims that the store holds, by the twin's rows; every line must be one of the twin. */
static size_t
held_count(bool *as_twin)
{
	char *state = scratch_state(path), *rest = state, *line, *fields[7];
	size_t count = 0;

	*as_twin = true;
	while ((line = strsep(&rest, "\n")) && *line) {
		size_t i, s;
		ck_assert(line_fields(line, fields));
		i = (size_t)strtoul(strpbrk(fields[0], "k") ? fields[0] + 1
							    : strrchr(fields[0], '.') + 1, NULL, 10);
		s = strcmp(fields[2], source_names[1]) == 0;
		*as_twin &= i < KEYS && twin.expires[i][s] == strtoull(fields[4], NULL, 10);
		count++;
	}
	free(state);
	return count;
}

static size_t
twin_count(uint64_t after)
{
	size_t count = 0;

	for (size_t i = 0; i < KEYS; i++)
		for (size_t s = 0; s < SOURCES; s++)
			count += twin.expires[i][s] > after;
	return count;
}

/* Ask every key: as many live claims as the twin has. */
static void
ask(uint64_t now)
{
	struct store *store;
	struct view *view;

	ck_assert_int_eq(store_open(path, &store, NULL), STATUS_OK);
	view = store_view_take(store);
	for (size_t i = 0; i < KEYS; i++) {
		struct key *key = key_of(i);
		size_t live, wanted = 0;
		struct repute_hit hits[8];
		key->scope = SCOPE_EXACT;
		live = lookup_all(view, key, now, hits, 8);
		for (size_t s = 0; s < SOURCES; s++)
			wanted += twin.expires[i][s] > now;
		ck_assert_msg(live == wanted, "key %zu at %llu: %zu live, not %zu", i,
			      (unsigned long long)now, live, wanted);
		free(key);
	}
	view_drop(view);
	store_close(store);
}

/* Also: only if something may be due was there anything, and afterwards nothing is. */
static struct sweep_counts
sweep_into(uint64_t now, bool compact)
{
	struct store_write *write;
	struct sweep_counts counts;
	struct author_counts changes;
	uint64_t generation;
	bool due;

	ck_assert_int_eq(store_write_begin(path, false, NULL, &write, NULL), STATUS_OK);
	due = sweep_due(store_write_view(write), now);
	ck_assert_int_eq(sweep_write(write, now, &counts, &changes, NULL), STATUS_OK);
	ck_assert_int_eq(store_write_commit(write, now, compact, &generation, NULL), STATUS_OK);
	ck_assert_uint_eq(changes.removed, counts.claims);
	ck_assert(due || counts.read == 0);
	return counts;
}

static struct sweep_counts
sweep(uint64_t now)
{
	return sweep_into(now, rand() % 4 == 0);
}

static void
twin_sweep(uint64_t now)
{
	for (size_t i = 0; i < KEYS; i++)
		for (size_t s = 0; s < SOURCES; s++)
			if (twin.expires[i][s] <= now)
				twin.expires[i][s] = 0;
}

static const char *const moments[] = {
	"1970-01-01T00:00:01Z", "1999-12-31T23:59:59Z", "2024-02-29T12:00:00Z",
	"2026-01-01T00:00:00Z", "2028-02-28T23:59:59Z", "2028-02-29T00:00:00Z",
	"2028-03-01T00:00:00Z", "2036-02-07T06:28:15Z", "2036-02-07T06:28:16Z",
	"2038-01-19T03:14:07Z", "2038-01-19T03:14:08Z", "2090-02-28T00:00:00Z",
	"2100-02-28T23:59:59Z", "2106-02-07T06:28:15Z", "2106-02-07T06:28:16Z",
	"9989-12-31T23:59:59Z", "9999-12-31T23:59:58Z", "9999-12-31T23:59:59Z",
};
#define MOMENTS (sizeof(moments) / sizeof(moments[0]))

static uint64_t
moment(size_t i)
{
	uint64_t seconds;

	ck_assert_int_eq(clock_parse(moments[i], strlen(moments[i]), &seconds, NULL), STATUS_OK);
	return seconds;
}

/* What a claim is given: all rules, times at and around the moments. */
static void
put_random(struct scratch_write *change)
{
	static const uint64_t ttls[] = { 1, 59, 86400, 366 * 86400ull, 3650ull * 86400, 1ull << 32,
					 300000000000ull };
	size_t i = (size_t)rand() % KEYS, s = (size_t)rand() % SOURCES;

	/* The rule of a claim that is there already decides whether its times move: start anew. */
	if (twin.expires[i][s])
		return;
	switch (rand() % 3) {
	case 0: put(change, i, s, 0, moment((size_t)rand() % MOMENTS) + (uint64_t)(rand() % 2)); break;
	case 1: put(change, i, s, ttls[(size_t)rand() % 7], 0); break;
	default: put(change, i, s, 0, 0);
	}
}

START_TEST(years_go_by_and_back)
{
	bool as_twin;
	size_t swept = 0;

	srand(36);
	for (int step = 0; step < 150; step++) {
		uint64_t now = moment((size_t)rand() % MOMENTS) - (uint64_t)(rand() % 3);
		struct scratch_write change;
		if (now > LAST)
			now = 0;
		scratch_begin(&change, path, now);
		for (int n = rand() % 12; n > 0; n--)
			put_random(&change);
		if (step == 0)
			put(&change, 0, 0, 0, LAST);
		scratch_commit(&change, rand() % 8 == 0);
		ck_assert_uint_eq(held_count(&as_twin), twin_count(0));
		ck_assert(as_twin);
		for (size_t m = 0; m < MOMENTS; m += 1 + (size_t)rand() % 4)
			ask(moment(m) - 1), ask(moment(m));
		if (rand() % 3 == 0) {
			size_t wanted = twin_count(0) - twin_count(now);
			ck_assert_uint_eq(sweep(now).claims, wanted);
			twin_sweep(now);
			swept += wanted;
			ck_assert_uint_eq(held_count(&as_twin), twin_count(0));
			ck_assert(as_twin);
		}
	}
	ck_assert_uint_gt(swept, 100);
}
END_TEST

START_TEST(to_the_second)
{
	struct scratch_write change;

	scratch_begin(&change, path, 1000);
	put(&change, 0, 0, 0, 2000);
	put(&change, 0, 1, 1000, 0);
	put(&change, 1, 0, 1001, 0);
	scratch_commit(&change, false);
	ask(1999);
	ask(2000);
	ask(2001);
	ck_assert_uint_eq(sweep(1999).claims, 0);
	ck_assert_uint_eq(sweep_into(2000, false).claims, 2);
	twin_sweep(2000);
	ask(1999);
	ask(2000);
	ck_assert_uint_eq(sweep(2000).read, 0);
}
END_TEST

START_TEST(nothing_expired_reads_no_key)
{
	struct scratch_write change;

	scratch_begin(&change, path, 1000);
	for (size_t i = 0; i < KEYS; i++)
		put(&change, i, 0, 0, 5000);
	scratch_commit(&change, true);
	ck_assert_uint_eq(sweep(4999).read, 0);
	scratch_begin(&change, path, 1000);
	put(&change, 3, 1, 0, 3000);
	scratch_commit(&change, false);
	/* Only the layer that holds it, which has one key. */
	ck_assert_uint_eq(sweep_into(3000, false).read, 1);
	ck_assert_uint_eq(sweep_into(3000, false).read, 0);
	twin_sweep(3000);
	ask(2999);
}
END_TEST

START_TEST(hidden_claims_are_left_alone)
{
	struct scratch_write change;
	struct key *key = key_of(2);
	bool as_twin;

	scratch_begin(&change, path, 1000);
	for (size_t i = 0; i < KEYS; i++)
		put(&change, i, 0, 0, 2000 + i);
	scratch_commit(&change, true);
	scratch_begin(&change, path, 1500);
	put(&change, 1, 0, 0, 9000);
	scratch_take_back(&change, source_names[0], key, 0);
	twin.expires[2][0] = 0;
	scratch_commit(&change, false);
	ck_assert_uint_eq(sweep(2002).claims, 1);
	twin_sweep(2002);
	ck_assert_uint_eq(held_count(&as_twin), KEYS - 2);
	ck_assert(as_twin);
	free(key);
}
END_TEST

/* --- larger stores, where segments have the order of expiry ------------------------------ */

#define MANY 3000

/* The n-th of MANY keys. */
static struct key *
many_key(size_t n)
{
	static char text[41];

	snprintf(text, sizeof(text), "%040zx", n);
	return scratch_key(text, SCOPE_EXACT);
}

/* Keys [from, to), each expiring in a second of its own. */
static void
put_many(uint64_t now, size_t from, size_t to, uint64_t expires)
{
	struct scratch_write change;

	scratch_begin(&change, path, now);
	for (size_t n = from; n < to; n++) {
		struct key *key = many_key(n);
		scratch_put(&change, "feed", key, NULL, 0, expires + n);
		free(key);
	}
	scratch_commit(&change, false);
}

static uint32_t
layer_count(uint64_t *swept)
{
	struct store *store;
	struct view *view;
	uint32_t layers;

	ck_assert_int_eq(store_open(path, &store, NULL), STATUS_OK);
	view = store_view_take(store);
	layers = view->layer_count;
	*swept = 0;
	for (uint32_t i = 0; i < layers; i++) {
		uint64_t of_layer = view->layer[i].segment.expiry.swept;
		*swept = of_layer > *swept ? of_layer : *swept;
	}
	view_drop(view);
	store_close(store);
	return layers;
}

/* What one sweep took, the next one does not find again: in a stack, in a fold of it, in a base. */
START_TEST(swept_once)
{
	uint64_t swept;

	put_many(1000, 0, MANY, 10000);
	ck_assert_uint_eq(sweep_into(9999, false).read, 0);
	for (uint64_t step = 1; step <= 12; step++) {
		uint64_t now = 10000 + 50 * step - 1;
		struct sweep_counts counts = sweep_into(now, false);
		ck_assert_uint_eq(counts.claims, 50);
		ck_assert_uint_eq(counts.read, 50);
		ck_assert_uint_eq(sweep_into(now, false).read, 0);
		ck_assert_uint_eq(sweep_into(now - 300, false).read, 0);
		layer_count(&swept);
		ck_assert_uint_eq(swept, now);
	}
	ck_assert_uint_gt(layer_count(&swept), 1);
	/* Folded with layers that no sweep made: they are as large as what is to be folded. */
	for (size_t n = 0; n < 8; n++)
		put_many(10600, MANY + n, MANY + n + 1, 20000);
	ck_assert_uint_lt(layer_count(&swept), 8);
	ck_assert_uint_eq(swept, 10599);
	ck_assert_uint_eq(sweep_into(10599, false).read, 0);
	ck_assert_uint_eq(sweep_into(10609, false).read, 10);
	/* In one base nothing is left of it, nor needed. */
	ck_assert_uint_eq(sweep_into(10619, true).claims, 10);
	ck_assert_uint_eq(layer_count(&swept), 1);
	ck_assert_uint_eq(swept, 0);
	ck_assert_uint_eq(sweep_into(10619, false).read, 0);
	ck_assert_uint_eq(sweep_into(10620, false).read, 1);
}
END_TEST

/* A sweep speaks of what lay below it: what comes later with a time that has passed is found. */
START_TEST(what_comes_after_a_sweep_is_seen)
{
	uint64_t swept;

	put_many(1000, 0, MANY, 10000);
	ck_assert_uint_eq(sweep_into(10099, false).claims, 100);
	/* A clock that went back: claims that expire before the sweep was. */
	put_many(2000, 0, 20, 5000);
	put_many(2000, MANY, MANY + 20, 5000);
	put_many(2000, 500, 520, 4000);
	ck_assert_uint_eq(sweep_into(4510, false).claims, 11);
	ck_assert_uint_eq(sweep_into(9000, false).claims, 49);
	ck_assert_uint_eq(sweep_into(10099, false).claims, 0);
	/* And in one layer with what the sweeps made: six more fold the stack. */
	put_many(2000, 600, 610, 3000);
	for (size_t n = 0; n < 6; n++)
		put_many(2000, 700 + n, 701 + n, 90000);
	ck_assert_uint_lt(layer_count(&swept), 7);
	ck_assert_uint_ge(swept, 10099);
	ck_assert_uint_eq(sweep_into(3605, false).claims, 6);
	ck_assert_uint_eq(sweep_into(10100 + MANY, true).claims, MANY - 132);
}
END_TEST

/* Renewed claims are found in the old layer once, until a sweep has moved past them. */
START_TEST(renewed_claims_are_not_taken)
{
	struct sweep_counts counts;

	put_many(1000, 0, MANY, 10000);
	put_many(1000, 100, 200, 50000);
	counts = sweep_into(10149, false);
	ck_assert_uint_eq(counts.claims, 100);
	ck_assert_uint_eq(counts.read, 150);
	ck_assert_uint_eq(sweep_into(10149, false).read, 0);
	counts = sweep_into(10199, false);
	ck_assert_uint_eq(counts.claims, 0);
	ck_assert_uint_eq(counts.read, 50);
	ck_assert_uint_eq(sweep_into(10200, false).read, 51);
	ck_assert_uint_eq(sweep_into(10201, false).read, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sweep");
	TCase *tcase = tcase_create("sweep");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, years_go_by_and_back);
	tcase_add_test(tcase, to_the_second);
	tcase_add_test(tcase, nothing_expired_reads_no_key);
	tcase_add_test(tcase, hidden_claims_are_left_alone);
	tcase_add_test(tcase, swept_once);
	tcase_add_test(tcase, what_comes_after_a_sweep_is_seen);
	tcase_add_test(tcase, renewed_claims_are_not_taken);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
