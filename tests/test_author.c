/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The author: what a transaction does to claims, alone and in random histories
 * of puts, removals, mirrors and compactions. The judge is a list of claims
 * with the rules of product.md and author.h said again in plain C.
 * ORACLE_SEED replays; AUTHOR_HISTORIES sets the length.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "tests/fixture.h"
#include "tests/judge.h"
#include "tests/scratch.h"

#define NOW 1767225600ull /* 2026-01-01 */
#define DAY 86400ull

static char *path;
static struct scratch_write change;

static void
set_up(void)
{
	path = scratch_new("author");
}

static void
tear_down(void)
{
	scratch_remove(path);
}

static void
put(const char *source, const char *text, const char *set, uint64_t ttl, uint64_t expires)
{
	struct key *key = scratch_key(text, 0);
	scratch_put(&change, source, key, set, ttl, expires);
	free(key);
}

static void
take_back(const char *source, const char *text)
{
	struct key *key = scratch_key(text, 0);
	scratch_take_back(&change, source, key, 0);
	free(key);
}

static void
need_counts(uint64_t added, uint64_t updated, uint64_t unchanged, uint64_t removed,
	    uint64_t renewed)
{
	ck_assert_uint_eq(change.counts.added, added);
	ck_assert_uint_eq(change.counts.updated, updated);
	ck_assert_uint_eq(change.counts.unchanged, unchanged);
	ck_assert_uint_eq(change.counts.removed, removed);
	ck_assert_uint_eq(change.counts.renewed, renewed);
}

static void
need_state(const char *wanted)
{
	char *state = scratch_state(path);
	ck_assert_str_eq(state, wanted);
	free(state);
}

/* One put in a transaction of its own. */
static void
put_once(uint64_t now, const char *source, const char *text, const char *set, uint64_t ttl,
	 uint64_t expires)
{
	scratch_begin(&change, path, now);
	put(source, text, set, ttl, expires);
	scratch_commit(&change, false);
}

START_TEST(the_order_of_changes_counts)
{
	scratch_begin(&change, path, NOW);
	put("a", "x.example", NULL, 10, 0);
	take_back("a", "x.example");
	put("a", "x.example", NULL, 10, 0);
	scratch_commit(&change, false);
	need_state("x.example|exact|a||1767225610|1767225600|1767225600\n");
	scratch_begin(&change, path, NOW);
	take_back("a", "x.example");
	put("a", "x.example", NULL, 10, 0);
	take_back("a", "x.example");
	scratch_commit(&change, false);
	need_state("");
}
END_TEST

START_TEST(a_window_of_an_eighth_at_most_a_day)
{
	put_once(NOW, "a", "x.example", NULL, 80, 0);
	put_once(NOW + 10, "a", "x.example", NULL, 80, 0);
	need_counts(0, 0, 1, 0, 0);
	ck_assert_uint_eq(change.generation, 1);
	put_once(NOW + 11, "a", "x.example", NULL, 80, 0);
	need_counts(0, 0, 1, 0, 1);
	need_state("x.example|exact|a||1767225691|1767225600|1767225611\n");
	put_once(NOW, "a", "y.example", NULL, 100 * DAY, 0);
	put_once(NOW + DAY, "a", "y.example", NULL, 100 * DAY, 0);
	need_counts(0, 0, 1, 0, 0);
	put_once(NOW + DAY + 1, "a", "y.example", NULL, 100 * DAY, 0);
	need_counts(0, 0, 1, 0, 1);
}
END_TEST

/* What was loaded last counts, by its clock; what is within the window of a claim stays as it is. */
START_TEST(a_clock_that_ran_ahead_is_put_right)
{
	put_once(NOW + DAY, "a", "x.example", NULL, 80, 0);
	put_once(NOW + DAY - 10, "a", "x.example", NULL, 80, 0);
	need_counts(0, 0, 1, 0, 0);
	need_state("x.example|exact|a||1767312080|1767312000|1767312000\n");
	put_once(NOW + DAY - 11, "a", "x.example", NULL, 80, 0);
	need_counts(0, 0, 1, 0, 1);
	need_state("x.example|exact|a||1767312069|1767311989|1767311989\n");
	put_once(NOW, "a", "x.example", NULL, 80, 0);
	need_counts(0, 0, 1, 0, 1);
	need_state("x.example|exact|a||1767225680|1767225600|1767225600\n");
	/* An instant stays; that it was seen is put right, past a day. */
	put_once(NOW + 2 * DAY, "a", "x.example", NULL, 0, NOW + 9 * DAY);
	put_once(NOW + DAY, "a", "x.example", NULL, 0, NOW + 9 * DAY);
	need_counts(0, 0, 1, 0, 0);
	put_once(NOW + DAY - 1, "a", "x.example", NULL, 0, NOW + 9 * DAY);
	need_counts(0, 0, 1, 0, 1);
	need_state("x.example|exact|a||1768003200|1767225600|1767311999\n");
}
END_TEST

START_TEST(the_dead_come_back_with_time_only)
{
	put_once(NOW, "a", "x.example", NULL, 0, NOW + 5);
	put_once(NOW + 4, "a", "x.example", NULL, 0, NOW + 5);
	need_counts(0, 0, 1, 0, 0);
	put_once(NOW + 5 * DAY, "a", "x.example", NULL, 0, NOW + 5);
	need_counts(0, 0, 1, 0, 0);
	ck_assert_uint_eq(change.generation, 1);
	put_once(NOW + 5 * DAY, "a", "x.example", NULL, 100, 0);
	need_counts(0, 1, 0, 0, 0);
	put_once(NOW + 5 * DAY + 100, "a", "x.example", NULL, 100, 0);
	need_counts(0, 1, 0, 0, 0);
	need_state("x.example|exact|a||1767657800|1767225600|1767657700\n");
}
END_TEST

START_TEST(ten_years_of_the_calendar)
{
	static const struct { const char *now, *end; } rows[] = {
		{"2024-02-29T23:59:59Z", "2034-02-28T23:59:59Z"},
		{"2026-12-31T00:00:00Z", "2036-12-31T00:00:00Z"},
		{"1970-01-01T00:00:00Z", "1980-01-01T00:00:00Z"},
		{"2028-01-19T03:14:08Z", "2038-01-19T03:14:08Z"},
		{"9995-01-01T00:00:00Z", "9999-12-31T23:59:59Z"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t now, end;
		char wanted[256];
		clock_parse(rows[i].now, strlen(rows[i].now), &now, NULL);
		clock_parse(rows[i].end, strlen(rows[i].end), &end, NULL);
		scratch_begin(&change, path, now);
		take_back(NULL, "x.example");
		put("a", "x.example", NULL, 0, 0);
		scratch_commit(&change, false);
		snprintf(wanted, sizeof(wanted), "x.example|exact|a||%" PRIu64 "|%" PRIu64 "|%" PRIu64 "\n",
			 end, now, now);
		need_state(wanted);
		put_once(now, "a", "x.example", NULL, 0, 0);
		need_counts(0, 0, 1, 0, 0);
	}
}
END_TEST

START_TEST(mirror_counts_and_leaves_others)
{
	scratch_begin(&change, path, NOW);
	put("a", "keep.example", NULL, 0, NOW + 9);
	put("a", "go.example", NULL, 0, NOW + 9);
	put("a", "*.go.example", NULL, 0, NOW + 9);
	put("b", "go.example", NULL, 0, NOW + 9);
	put("a", "alone.example", NULL, 0, NOW + 9);
	scratch_commit(&change, false);
	need_counts(5, 0, 0, 0, 0);
	scratch_begin(&change, path, NOW);
	put("a", "keep.example", NULL, 0, NOW + 9);
	put("a", "*.go.example", "x", 0, NOW + 9);
	put("a", "new.example", NULL, 0, NOW + 9);
	ck_assert_int_eq(author_mirror(change.author, "a", 1, NULL), STATUS_OK);
	scratch_commit(&change, false);
	need_counts(1, 1, 1, 2, 0);
	need_state("go.example|below|a|x|1767225609|1767225600|1767225600\n"
		   "go.example|exact|b||1767225609|1767225600|1767225600\n"
		   "keep.example|exact|a||1767225609|1767225600|1767225600\n"
		   "new.example|exact|a||1767225609|1767225600|1767225600\n");
}
END_TEST

START_TEST(a_full_key_has_room_again)
{
	char source[16];
	struct key *key = scratch_key("x.example", 0);
	struct fault fault = {0};
	scratch_begin(&change, path, NOW);
	for (int i = 0; i < LIMIT_CLAIMS_PER_KEY; i++) {
		snprintf(source, sizeof(source), "s%d", i);
		scratch_put(&change, source, key, NULL, 0, 0);
	}
	scratch_commit(&change, false);
	need_counts(LIMIT_CLAIMS_PER_KEY, 0, 0, 0, 0);
	scratch_begin(&change, path, NOW);
	scratch_put(&change, "more", key, NULL, 0, 0);
	ck_assert_int_eq(author_finish(change.author, store_write_build(change.write), &change.counts,
				       &fault), STATUS_LIMIT);
	scratch_abort(&change);
	scratch_begin(&change, path, NOW);
	scratch_take_back(&change, "s7", key, 0);
	scratch_put(&change, "more", key, NULL, 0, 0);
	scratch_commit(&change, false);
	need_counts(1, 0, 0, 1, 0);
	scratch_begin(&change, path, NOW);
	scratch_take_back(&change, NULL, key, 0);
	scratch_commit(&change, true);
	need_counts(0, 0, 0, LIMIT_CLAIMS_PER_KEY, 0);
	need_state("");
	free(key);
}
END_TEST

/* --- random histories ------------------------------------------------------------------ */

#define CLAIMS 512
#define SPECS 11

static const struct { const char *text; enum scope scope; } specs[SPECS] = {
	{"x.example", SCOPE_EXACT},  {"x.example", SCOPE_BELOW}, {"x.example", SCOPE_TREE},
	{"y.x.example", SCOPE_TREE}, {"192.0.2.0/24", SCOPE_EXACT}, {"192.0.2.7", SCOPE_EXACT},
	{"2001:db8::/32", SCOPE_EXACT}, {"http://x.example/a", SCOPE_TREE},
	{"http://x.example/a", SCOPE_EXACT}, {"\\*abcdef\\*", 0},
	{"da39a3ee5e6b4b0d3255bfef95601890afd80700", SCOPE_EXACT},
};
static const char *const sources[] = {"a", "b", "c"};
static const char *const sets[] = {NULL, "x", "y"};

struct twin_claim {
	int spec, source, set;
	uint64_t expires, first, last;
};

/* An operation of the transaction at hand; put: `spec` and its scope; else a removal. */
struct twin_op {
	bool put;
	int spec, source, set; /* source -1: all */
	unsigned scopes;
	uint64_t ttl, expires;
};

struct twin {
	struct twin_claim claim[CLAIMS];
	size_t count;
	struct twin_op op[CLAIMS];
	size_t op_count;
	struct author_counts counts;
};

static bool
same_key(int a, int b)
{
	return strcmp(specs[a].text, specs[b].text) == 0;
}

static int
scope_of(int spec)
{
	return specs[spec].scope == 0 ? SCOPE_EXACT : specs[spec].scope;
}

/* An operation like an earlier one makes that void. */
static void
twin_note(struct twin *twin, struct twin_op op)
{
	for (size_t i = 0; i < twin->op_count; i++) {
		struct twin_op *old = &twin->op[i];
		bool same = old->put == op.put && old->source == op.source &&
			    old->scopes == op.scopes &&
			    (op.put ? old->spec == op.spec : same_key(old->spec, op.spec));
		if (!same)
			continue;
		memmove(old, old + 1, (twin->op_count - i - 1) * sizeof(op));
		twin->op_count--;
		twin->counts.duplicates += op.put;
		twin->counts.unchanged += op.put;
		break;
	}
	twin->op[twin->op_count++] = op;
}

static uint64_t
twin_expiry(const struct twin_op *op, uint64_t seen)
{
	return op->expires != 0 ? op->expires : clock_add(seen, op->ttl);
}

static void
twin_put(struct twin *twin, const struct twin_op *op, uint64_t now)
{
	struct twin_claim *claim = NULL;
	uint64_t end = twin_expiry(op, now);
	for (size_t i = 0; i < twin->count; i++)
		if (twin->claim[i].spec == op->spec && twin->claim[i].source == op->source)
			claim = &twin->claim[i];
	if (claim == NULL) {
		twin->claim[twin->count++] =
			(struct twin_claim){op->spec, op->source, op->set, end, now, now};
		twin->counts.added++;
		return;
	}
	bool dead = claim->expires <= now;
	if (claim->set == op->set && claim->expires == twin_expiry(op, claim->last) &&
	    (!dead || end <= now)) {
		uint64_t window = op->expires != 0 ? DAY : op->ttl / 8 < DAY ? op->ttl / 8 : DAY;
		twin->counts.unchanged++;
		uint64_t apart = now < claim->last ? claim->last - now : now - claim->last;
		if (end <= now || apart <= window)
			return;
		twin->counts.renewed++;
	} else {
		twin->counts.updated++;
	}
	claim->set = op->set;
	claim->expires = end;
	claim->last = now;
	claim->first = now < claim->first ? now : claim->first;
}

static void
twin_drop(struct twin *twin, size_t i)
{
	twin->claim[i] = twin->claim[--twin->count];
	twin->counts.removed++;
}

static void
twin_finish(struct twin *twin, int mirror, uint64_t now)
{
	for (size_t o = 0; o < twin->op_count; o++) {
		const struct twin_op *op = &twin->op[o];
		if (op->put)
			twin_put(twin, op, now);
		for (size_t i = twin->count; !op->put && i-- > 0;) {
			const struct twin_claim *claim = &twin->claim[i];
			if (same_key(claim->spec, op->spec) &&
			    (op->source < 0 || claim->source == op->source) &&
			    (op->scopes == 0 || (op->scopes >> scope_of(claim->spec) & 1) != 0))
				twin_drop(twin, i);
		}
	}
	for (size_t i = twin->count; mirror >= 0 && i-- > 0;) {
		bool named = twin->claim[i].source != mirror;
		for (size_t o = 0; o < twin->op_count; o++)
			named |= twin->op[o].put && twin->op[o].spec == twin->claim[i].spec &&
				 twin->op[o].source == mirror;
		if (!named)
			twin_drop(twin, i);
	}
}

static char *
twin_state(const struct twin *twin)
{
	char **lines = calloc(twin->count + 1, sizeof(*lines));
	for (size_t i = 0; i < twin->count; i++) {
		const struct twin_claim *claim = &twin->claim[i];
		const char *set = sets[claim->set] == NULL ? "" : sets[claim->set];
		if (asprintf(&lines[i], "%s|%s|%s|%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64,
			     specs[claim->spec].text, scope_name(scope_of(claim->spec)),
			     sources[claim->source], set, claim->expires, claim->first,
			     claim->last) < 0)
			abort();
	}
	return scratch_join(lines, twin->count);
}

static void
random_op(struct twin *twin, struct random_state *random, uint64_t now, bool putting)
{
	static const uint64_t lives[] = {500, 100000, 20 * DAY};
	struct twin_op op = {
		.put = putting || random_chance(random, 70),
		.spec = (int)random_below(random, SPECS),
		.source = (int)random_below(random, 3),
		.set = (int)random_below(random, 3),
		.ttl = lives[random_below(random, 3)],
	};
	if (random_chance(random, 30))
		op.expires = now - 5 + random_below(random, 100);
	if (!op.put && random_chance(random, 30))
		op.source = -1;
	if (!op.put && random_chance(random, 30))
		op.scopes = 1u << (1 + random_below(random, 3));
	struct key *key = scratch_key(specs[op.spec].text, specs[op.spec].scope);
	if (op.put)
		scratch_put(&change, sources[op.source], key, sets[op.set], op.ttl, op.expires);
	else
		scratch_take_back(&change, op.source < 0 ? NULL : sources[op.source], key, op.scopes);
	free(key);
	twin_note(twin, op);
}

static void
random_transaction(struct twin *twin, struct random_state *random, uint64_t now)
{
	int mirror = random_chance(random, 20) ? (int)random_below(random, 3) : -1;
	unsigned count = 1 + random_below(random, 12);
	twin->op_count = 0;
	memset(&twin->counts, 0, sizeof(twin->counts));
	scratch_begin(&change, path, now);
	for (unsigned i = 0; i < count; i++)
		random_op(twin, random, now, mirror >= 0);
	if (mirror >= 0)
		author_mirror(change.author, sources[mirror], 1, NULL);
	scratch_commit(&change, random_chance(random, 10));
	twin_finish(twin, mirror, now);
}

static void
history(uint64_t number)
{
	static struct twin twin;
	struct random_state random = {number};
	uint64_t now = NOW;
	memset(&twin, 0, sizeof(twin));
	path = scratch_new("author");
	for (int i = 0; i < 30; i++) {
		now += random_chance(&random, 50) ? random_below(&random, 2 * DAY)
						  : random_below(&random, 100);
		if (random_chance(&random, 15))
			now -= random_below(&random, 3 * DAY);
		random_transaction(&twin, &random, now);
		char *state = scratch_state(path), *wanted = twin_state(&twin);
		if (strcmp(state, wanted) != 0 ||
		    memcmp(&twin.counts, &change.counts, sizeof(twin.counts)) != 0)
			ck_abort_msg("ORACLE_SEED=%" PRIu64 " AUTHOR_HISTORIES=1, transaction %d\n"
				     "counts %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
				     " got %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
				     "\n--- wanted\n%s--- got\n%s", number, i, twin.counts.added,
				     twin.counts.updated, twin.counts.unchanged, twin.counts.removed,
				     twin.counts.renewed, change.counts.added, change.counts.updated,
				     change.counts.unchanged, change.counts.removed,
				     change.counts.renewed, wanted, state);
		free(state);
		free(wanted);
	}
	scratch_remove(path);
}

START_TEST(random_histories)
{
	uint64_t seed = judge_seed(), count = judge_number("AUTHOR_HISTORIES", 6);
	for (uint64_t i = 0; i < count; i++)
		history(seed + i);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("author");
	TCase *single = tcase_create("single"), *random = tcase_create("random");
	tcase_add_checked_fixture(single, set_up, tear_down);
	tcase_add_test(single, the_order_of_changes_counts);
	tcase_add_test(single, a_window_of_an_eighth_at_most_a_day);
	tcase_add_test(single, a_clock_that_ran_ahead_is_put_right);
	tcase_add_test(single, the_dead_come_back_with_time_only);
	tcase_add_test(single, ten_years_of_the_calendar);
	tcase_add_test(single, mirror_counts_and_leaves_others);
	tcase_add_test(single, a_full_key_has_room_again);
	tcase_set_timeout(single, 120);
	suite_add_tcase(suite, single);
	tcase_add_test(random, random_histories);
	tcase_set_timeout(random, 0);
	suite_add_tcase(suite, random);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
