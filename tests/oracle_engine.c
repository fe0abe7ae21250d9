/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The long comparison of the engine with its naive twin: ORACLE_LOOKUPS (or
 * ORACLE_COUNT) look-ups, ten million unless said otherwise; 24 in 25 on
 * small sets through the linear twin, the rest on sets of 100,000 claims.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/judge.h"

#define LARGE_CLAIMS 100000
#define LARGE_LOOKUPS 100000

static uint64_t seed, lookups;

START_TEST(small_sets)
{
	struct judge_tally tally = { 0 };

	judge_small(seed, lookups - lookups / 25, &tally);
	judge_print("small sets", &tally);
	ck_assert_uint_ge(tally.lookups, lookups - lookups / 25);
	ck_assert_uint_gt(tally.listed, tally.lookups / 4); /* a look-up that hits judges more */
}
END_TEST

START_TEST(large_sets)
{
	struct judge_tally tally = { 0 };

	for (uint64_t i = 0; tally.lookups < lookups / 25; i++)
		judge_large(seed + i, LARGE_CLAIMS, LARGE_LOOKUPS, &tally);
	judge_print("large sets", &tally);
	ck_assert_uint_ge(tally.lookups, lookups / 25);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("oracle_engine");
	TCase *cases = tcase_create("all");

	seed = judge_seed();
	lookups = judge_number("ORACLE_LOOKUPS", judge_number("ORACLE_COUNT", 10000000));
	tcase_add_test(cases, small_sets);
	tcase_add_test(cases, large_sets);
	tcase_set_timeout(cases, 0);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
