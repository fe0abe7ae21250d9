/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many criteria at once: over columns of tag sets and over one claim, against the
 * naive twin, which knows neither. What is asked in threes (certain, open, neither)
 * is compared in threes.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/criteria_plan.h"
#include "tests/twin.h"

#define CRITERIA 60
#define CLAIMS 700 /* some words, and a word that is not full */

static struct catalog catalog;
static unsigned seed;

static void
setup(void)
{
	const char *given = getenv("TEST_SEED");

	seed = given ? (unsigned)strtoul(given, NULL, 10) : 20261122;
	srand(seed);
	ck_assert_int_eq(catalog_init(&catalog, NULL), STATUS_OK);
	twin_catalog(&catalog);
}

static void
teardown(void)
{
	catalog_fini(&catalog);
}

static struct criteria *
parse(const char *text)
{
	struct criteria *criteria = NULL;
	struct fault fault = { 0 };

	if (criteria_parse(text, strlen(text), &catalog, &criteria, &fault) != STATUS_OK)
		ck_abort_msg("%s: %s", text, fault.text);
	return criteria;
}

static struct criteria_plan *
plan_of(struct criteria **criteria, size_t count)
{
	struct criteria_plan *plan;

	ck_assert_int_eq(criteria_plan_new((const struct criteria *const *)criteria, count, &plan,
					   NULL), STATUS_OK);
	return plan;
}

static struct criteria_batch *
batch_of(const struct criteria_plan *plan, const struct criteria_set *sets, size_t n)
{
	struct criteria_batch *batch;

	ck_assert_int_eq(criteria_batch_new(plan, &batch, NULL), STATUS_OK);
	ck_assert_int_eq(criteria_batch_load(batch, sets, n, NULL), STATUS_OK);
	return batch;
}

/* A round: conditions and claims that are all compared with each other. */
struct round {
	struct twin *twins[CRITERIA];
	char *texts[CRITERIA];
	struct criteria *criteria[CRITERIA];
	struct twin_claim held[CLAIMS];
	struct tags tags[CLAIMS];
	struct criteria_subject subjects[CLAIMS];
	struct criteria_set sets[CLAIMS];
	size_t claims;
	struct criteria_plan *plan;
};

static void
round_init(struct round *round)
{
	memset(round, 0, sizeof(*round));
	for (int i = 0; i < CRITERIA; i++) {
		round->twins[i] = twin_random(rand() % 6);
		round->texts[i] = strdup(twin_write(round->twins[i]));
		round->criteria[i] = parse(round->texts[i]);
	}
	round->claims = 1 + (size_t)rand() % CLAIMS;
	for (size_t i = 0; i < round->claims; i++) {
		round->subjects[i] = twin_subject(&round->held[i], &round->tags[i]);
		round->sets[i] = (struct criteria_set){ round->subjects[i].set,
							round->subjects[i].set_length };
	}
	round->plan = plan_of(round->criteria, CRITERIA);
}

static void
round_fini(struct round *round)
{
	criteria_plan_free(round->plan);
	for (int i = 0; i < CRITERIA; i++) {
		criteria_free(round->criteria[i]);
		twin_free(round->twins[i]);
		free(round->texts[i]);
	}
	for (size_t i = 0; i < round->claims; i++)
		tags_fini(&round->tags[i]);
}

static unsigned long compared[3];

static void
batch_compare(const struct round *round, struct criteria_batch *batch, int i, bool no_notes)
{
	uint64_t certain[CRITERIA_BATCH_WORDS(CLAIMS)], open[CRITERIA_BATCH_WORDS(CLAIMS)];
	enum criteria_notes notes = no_notes ? CRITERIA_NOTES_NONE : CRITERIA_NOTES_ANY;

	criteria_batch_ask(batch, (size_t)i, notes, certain, open);
	for (size_t s = 0; s < round->claims; s++) {
		struct twin_claim held = round->held[s];
		int answer = certain[s / 64] >> (s % 64) & 1   ? TWIN_TRUE
			     : open[s / 64] >> (s % 64) & 1 ? TWIN_MAYBE
							    : TWIN_FALSE;
		if (no_notes)
			held.held[TWIN_NOTE] = held.held[TWIN_SEEN] = 0;
		if (answer != (int)twin_guess(round->twins[i], &held, no_notes))
			ck_abort_msg("seed %u: %s: set %zu gave %d", seed, round->texts[i], s,
				     answer);
		compared[answer]++;
	}
	for (size_t s = round->claims; s < CRITERIA_BATCH_WORDS(round->claims) * 64; s++)
		ck_assert(!((certain[s / 64] | open[s / 64]) >> (s % 64) & 1));
}

START_TEST(sets_agree_with_the_twin)
{
	static struct round round;

	for (int r = 0; r < 20; r++) {
		struct criteria_batch *batch;
		round_init(&round);
		batch = batch_of(round.plan, round.sets, round.claims);
		for (int i = 0; i < CRITERIA; i++) {
			batch_compare(&round, batch, i, false);
			batch_compare(&round, batch, i, true);
		}
		criteria_batch_free(batch);
		round_fini(&round);
	}
	printf("criteria_plan: %lu false, %lu maybe, %lu true like the twin, seed %u\n", compared[0],
	       compared[1], compared[2], seed);
	for (int answer = 0; answer < 3; answer++)
		ck_assert_uint_gt(compared[answer], 20000);
}
END_TEST

START_TEST(claims_agree_with_the_twin)
{
	static struct round round;
	static struct criteria_claim claim;
	unsigned long held = 0, all = 0;

	for (int r = 0; r < 20; r++) {
		round_init(&round);
		for (size_t s = 0; s < round.claims; s++) {
			criteria_claim_read(round.plan, &round.subjects[s], &claim);
			for (int i = 0; i < CRITERIA; i++, all++) {
				bool wanted = twin_holds(round.twins[i], &round.held[s]);
				held += wanted;
				if (criteria_claim_match(&claim, (size_t)i) != wanted)
					ck_abort_msg("seed %u: %s", seed, round.texts[i]);
			}
		}
		round_fini(&round);
	}
	ck_assert_uint_gt(held, all / 10);
	ck_assert_uint_lt(held, all - all / 10);
}
END_TEST

static uint64_t
ask_one(const char *text, const char *set, size_t length, uint64_t *open)
{
	struct criteria *criteria = parse(text);
	struct criteria_plan *plan = plan_of(&criteria, 1);
	struct criteria_set sets[1] = { { (const uint8_t *)set, length } };
	struct criteria_batch *batch = batch_of(plan, sets, 1);
	struct criteria_subject subject = { .kind = KIND_COUNT, .set = sets[0].bytes,
					    .set_length = length };
	static struct criteria_claim claim;
	uint64_t certain;

	criteria_batch_ask(batch, 0, CRITERIA_NOTES_ANY, &certain, open);
	criteria_claim_read(plan, &subject, &claim);
	ck_assert_int_eq(criteria_claim_match(&claim, 0), criteria_match(criteria, &subject));
	criteria_batch_free(batch);
	criteria_plan_free(plan);
	criteria_free(criteria);
	return certain;
}

START_TEST(odd_strings)
{
	static const struct {
		const char *text, *set;
		size_t length;
		uint64_t certain, open;
	} cells[] = {
		{ "Score = 7", "\4\5Score\1\1" "7", 10, 1, 0 },
		{ "Score = 7", "\4\5Score\1\1" "7" "\4", 11, 0, 0 },
		{ "not Score = 7", "\4\5Score\1\1" "7" "\4", 11, 0, 0 },
		{ "Score is missing", "\4\5Score\1\1" "7" "\4", 11, 0, 0 },
		/* Of another type: no tag of that category. */
		{ "Score is missing", "\1\5Score\1\1" "7", 10, 1, 0 },
		/* In the wrong half: none. */
		{ "Score = 7", "\0\5Score\1\1" "7", 10, 0, 0 },
		{ "Note is missing", "\0\4Note\1\1x", 9, 0, 1 },
		/* Numbers that are none, or not in canonical spelling. */
		{ "Score <= 0 or Score > 0 or Score = 0", "\4\5Score\1\1x", 10, 0, 0 },
		{ "Score is present and Score != 0", "\4\5Score\1\1x", 10, 1, 0 },
		{ "Score >= 0 or Score < 0 or Score = 7", "\4\5Score\1\2" "07", 11, 0, 0 },
		{ "Score >= 0 or Score < 0", "\4\5Score\1\2-0", 11, 0, 0 },
		{ "Score >= 0 or Score < 0", "\4\5Score\1\2+1", 11, 0, 0 },
		{ "Score >= 0 or Score < 0", "\4\5Score\1\1-", 10, 0, 0 },
		{ "Score < 0", "\4\5Score\1\2-1", 11, 1, 0 },
		{ "Colour is missing", "", 0, 1, 0 },
		{ "source is missing", "", 0, 0, 1 },
	};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		uint64_t open, certain = ask_one(cells[i].text, cells[i].set, cells[i].length, &open);
		ck_assert_msg(certain == cells[i].certain && open == cells[i].open, "%zu: %s", i,
			      cells[i].text);
	}
}
END_TEST

/* As many tags and values as a string may have, all asked. */
START_TEST(the_largest_claim_fits)
{
	static char names[LIMIT_TAGS_PER_CLAIM][16];
	static char text[2][LIMIT_TAGS_PER_CLAIM * 24];
	static char *values[LIMIT_VALUES_PER_TAG], value_texts[LIMIT_VALUES_PER_TAG][16];
	static struct criteria_claim claim;
	struct criteria *criteria[2];
	struct criteria_subject subject;
	struct criteria_plan *plan;
	struct twin_claim held;
	struct tags tags = { 0 };

	twin_subject(&held, &tags);
	tags_clear(&tags);
	for (int v = 0; v < LIMIT_VALUES_PER_TAG; v++) {
		snprintf(value_texts[v], sizeof(value_texts[v]), "v%d", v);
		values[v] = value_texts[v];
	}
	for (int c = 0; c < LIMIT_TAGS_PER_CLAIM; c++) {
		struct tag_category category = { .name = names[c], .type = TAG_LIST,
						 .values = values,
						 .value_count = LIMIT_VALUES_PER_TAG };
		snprintf(names[c], sizeof(names[c]), "c%d", c);
		ck_assert_int_eq(catalog_category_put(&catalog, &category, NULL), STATUS_OK);
		for (int v = 0; v < LIMIT_VALUES_PER_TAG; v++)
			ck_assert_int_eq(tags_add(&tags, catalog_category(&catalog, names[c],
									  strlen(names[c])),
						  values[v], strlen(values[v]), NULL), STATUS_OK);
		char *half = text[c / (LIMIT_TAGS_PER_CLAIM / 2)];
		snprintf(half + strlen(half), 24, "%s%s=v%d", half[0] ? " and " : "", names[c],
			 c % LIMIT_VALUES_PER_TAG);
	}
	subject = (struct criteria_subject){ .kind = KIND_URL };
	ck_assert_int_eq(tags_encode(&tags, &subject.set, &subject.set_length, &subject.notes,
				     &subject.notes_length, NULL), STATUS_OK);
	for (int i = 0; i < 2; i++)
		criteria[i] = parse(text[i]);
	plan = plan_of(criteria, 2);
	criteria_claim_read(plan, &subject, &claim);
	ck_assert_uint_eq(claim.place_count, LIMIT_TAGS_PER_CLAIM * LIMIT_VALUES_PER_TAG);
	ck_assert(criteria_claim_match(&claim, 0) && criteria_claim_match(&claim, 1));
	criteria_plan_free(plan);
	for (int i = 0; i < 2; i++)
		criteria_free(criteria[i]);
	tags_fini(&tags);
}
END_TEST

/* Numbers from all of a batch's ways: sparse, dense, before and behind every step. */
START_TEST(order_over_a_full_batch)
{
	enum { ASKED = 27, STEP = 4 };
	static uint8_t bytes[CRITERIA_BATCH_SETS][16];
	static struct criteria_set sets[CRITERIA_BATCH_SETS + 1];
	static int numbers[CRITERIA_BATCH_SETS];
	static uint64_t certain[CRITERIA_BATCH_WORDS(CRITERIA_BATCH_SETS)], open[1024];
	static const char *const marks[] = { "<", "<=", ">", ">=", "=", "!=" };
	struct criteria *criteria[ASKED * 6];
	struct criteria_plan *plan;
	struct criteria_batch *batch;
	char text[32];

	for (int i = 0; i < CRITERIA_BATCH_SETS; i++) {
		numbers[i] = rand() % 3 ? rand() % 106 - 5 : 50;
		snprintf((char *)bytes[i], 16, "\4\5Score\1%c%d", 1 + (numbers[i] > 9) +
			 (numbers[i] > 99) + (numbers[i] < 0), numbers[i]);
		sets[i] = (struct criteria_set){ bytes[i], strlen((char *)bytes[i]) };
	}
	for (int i = 0; i < ASKED * 6; i++) {
		snprintf(text, sizeof(text), "Score %s %d", marks[i % 6], i / 6 * STEP - 5);
		criteria[i] = parse(text);
	}
	plan = plan_of(criteria, ASKED * 6);
	batch = batch_of(plan, sets, CRITERIA_BATCH_SETS);
	for (int i = 0; i < ASKED * 6; i++) {
		int v = i / 6 * STEP - 5, bad = 0;
		criteria_batch_ask(batch, (size_t)i, CRITERIA_NOTES_ANY, certain, open);
		for (int s = 0; s < CRITERIA_BATCH_SETS; s++) {
			int n = numbers[s];
			bool wanted[] = { n < v, n <= v, n > v, n >= v, n == v, n != v };
			bad += (certain[s / 64] >> (s % 64) & 1) != wanted[i % 6];
		}
		ck_assert_msg(bad == 0, "Score %s %d: %d wrong", marks[i % 6], v, bad);
	}
	ck_assert_int_eq(criteria_batch_load(batch, sets, CRITERIA_BATCH_SETS + 1, NULL),
			 STATUS_USAGE);
	criteria_batch_free(batch);
	criteria_plan_free(plan);
	for (int i = 0; i < ASKED * 6; i++)
		criteria_free(criteria[i]);
}
END_TEST

START_TEST(nothing_to_ask)
{
	struct criteria *none[2] = { NULL, NULL };
	struct criteria_set set = { (const uint8_t *)"\4", 1 };
	struct criteria_plan *plan = plan_of(none, 0);
	struct criteria_batch *batch = batch_of(plan, NULL, 0);
	static struct criteria_claim claim;
	uint64_t certain = 7, open = 7;

	criteria_batch_free(batch);
	criteria_plan_free(plan);
	plan = plan_of(none, 2);
	ck_assert(!criteria_plan_open(plan, 1));
	batch = batch_of(plan, &set, 1);
	criteria_batch_ask(batch, 1, CRITERIA_NOTES_ANY, &certain, &open);
	ck_assert_uint_eq(certain, 1);
	ck_assert_uint_eq(open, 0);
	criteria_claim_read(plan, &(struct criteria_subject){ .kind = KIND_COUNT }, &claim);
	ck_assert(criteria_claim_match(&claim, 0));
	criteria_batch_free(batch);
	criteria_plan_free(plan);
	criteria_batch_free(NULL);
	criteria_plan_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("criteria_plan");
	TCase *tcase = tcase_create("criteria_plan");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, sets_agree_with_the_twin);
	tcase_add_test(tcase, claims_agree_with_the_twin);
	tcase_add_test(tcase, odd_strings);
	tcase_add_test(tcase, the_largest_claim_fits);
	tcase_add_test(tcase, order_over_a_full_batch);
	tcase_add_test(tcase, nothing_to_ask);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
