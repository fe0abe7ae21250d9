/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: the engine's calendar against another one (tests/calendar.h), times and durations as people spell
 * them, and a sample of simulated years (tests/years.h; `make time` has more). YEARS_SEED,
 * YEARS_KEYS and YEARS_STEPS show one history again.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "loader/feed_look.h"
#include "tests/judge.h"
#include "tests/years_engine.h"

#define LARGE 1600

static struct random_state chance;

static void
setup(void)
{
	chance.word = judge_number("YEARS_SEED", 20260101);
	printf("YEARS_SEED=%" PRIu64 "\n", chance.word);
}

static uint64_t
any_second(void)
{
	uint64_t most = random_chance(&chance, 50) ? 1ull << 32 : CALENDAR_END + 1;

	return random_next(&chance) % most;
}

/* --- the calendar ------------------------------------------------------------------------------ */

START_TEST(seconds_print_and_parse)
{
	char wanted[CALENDAR_TEXT_BYTES], text[CLOCK_TEXT_BYTES];
	uint64_t seconds;

	for (int i = 0; i < 200000; i++) {
		uint64_t at = any_second();
		calendar_print(at, wanted);
		clock_print(at, text);
		ck_assert_str_eq(text, wanted);
		ck_assert_int_eq(clock_parse(text, strlen(text), &seconds, NULL), STATUS_OK);
		ck_assert_uint_eq(seconds, at);
	}
}
END_TEST

/* Each leap day there is, the days around it, and so many years on. */
START_TEST(years_after_leap_days)
{
	for (unsigned year = 1970; year <= 9999; year++)
		for (unsigned day = 27; day <= 30; day++) {
			unsigned last = calendar_month_days(year, 2);
			unsigned month = day > last ? 3 : 2, of_month = day > last ? day - last : day;
			uint64_t at = calendar_seconds(year, month, of_month, day % 24, year % 60, 59);
			for (unsigned years = 0; years <= 12; years++)
				ck_assert_uint_eq(clock_add_years(at, years),
						  calendar_years_later(at, years));
			ck_assert_uint_eq(clock_add_years(at, 100), calendar_years_later(at, 100));
		}
	for (int i = 0; i < 100000; i++) {
		uint64_t at = any_second(), more = random_next(&chance);
		unsigned years = random_below(&chance, 9000);
		more >>= random_below(&chance, 64);
		ck_assert_uint_eq(clock_add_years(at, years), calendar_years_later(at, years));
		ck_assert_uint_eq(clock_add(at, more), calendar_later(at, more));
	}
}
END_TEST

/* --- spelling ------------------------------------------------------------------------------------ */

START_TEST(times_as_people_write_them)
{
	char text[CALENDAR_TEXT_BYTES];
	struct fault fault = {0};
	uint64_t seconds;

	for (int i = 0; i < 200000; i++) {
		uint64_t at = any_second();
		calendar_spell(&chance, at, text);
		ck_assert_msg(clock_parse(text, strlen(text), &seconds, &fault) == STATUS_OK, "%s", text);
		ck_assert_msg(seconds == at, "%s: %" PRIu64 ", not %" PRIu64, text, seconds, at);
		calendar_misspell(&chance, text);
		seconds = 7;
		ck_assert_msg(clock_parse(text, strlen(text), &seconds, &fault) == STATUS_BAD_TIME,
			      "taken: %s", text);
		ck_assert_uint_eq(seconds, 7);
	}
}
END_TEST

START_TEST(durations_as_people_write_them)
{
	char text[CALENDAR_TEXT_BYTES];
	struct fault fault = {0};
	uint64_t seconds;

	for (int i = 0; i < 200000; i++) {
		uint64_t life = random_next(&chance) % 315360000001ull;
		life >>= random_below(&chance, 39);
		calendar_spell_duration(&chance, life, text);
		ck_assert_msg(clock_parse_duration(text, strlen(text), &seconds, &fault) == STATUS_OK,
			      "%s", text);
		ck_assert_msg(seconds == life, "%s: %" PRIu64 ", not %" PRIu64, text, seconds, life);
		calendar_misspell_duration(&chance, text);
		seconds = 7;
		ck_assert_msg(clock_parse_duration(text, strlen(text), &seconds, &fault) ==
			      STATUS_BAD_TIME, "taken: %s", text);
		ck_assert_uint_eq(seconds, 7);
	}
}
END_TEST

/* An expiry in a column: as above, and days and seconds in digits alone. */
START_TEST(times_in_feeds)
{
	static const char *const bad[] = {
		"86400", "0", "1", "2026", "3600000", "20261301", "20260230", "19691231", "00000000", "1795255200000",
		"20261121100000", "2026/13/01", "2026/11/21/10", "soon", "30d", "1y", "253402300800",
	};
	char text[CALENDAR_TEXT_BYTES];

	for (int i = 0; i < 100000; i++) {
		uint64_t at = any_second() | 1;
		struct calendar date = calendar_date(at);
		calendar_spell(&chance, at, text);
		ck_assert_msg(feed_time((struct feed_text){text, strlen(text)}) == at, "%s", text);
		snprintf(text, sizeof(text), " %04u%02u%02u ", date.year, date.month, date.day);
		uint64_t midnight = at - at % 86400;
		ck_assert_msg(feed_time((struct feed_text){text, strlen(text)}) == midnight, "%s", text);
		snprintf(text, sizeof(text), "%04u/%02u/%02u %02u:%02u:%02u", date.year, date.month, date.day,
			 date.hour, date.minute, date.second);
		ck_assert_msg(feed_time((struct feed_text){text, strlen(text)}) == at, "%s", text);
		snprintf(text, sizeof(text), "%09" PRIu64, at);
		ck_assert_msg(feed_time((struct feed_text){text, strlen(text)}) == at, "%s", text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		{
		snprintf(text, sizeof(text), "%s", bad[i]);
		ck_assert_msg(feed_time((struct feed_text){text, strlen(text)}) == 0, "%s", text);
	}
}
END_TEST

/* --- years ------------------------------------------------------------------------------------------ */

static void
tell(const struct years_tally *tally, double years)
{
	printf("%.0f simulated years in %" PRIu64 " histories, %" PRIu64 " steps, the clock %" PRIu64
	       " times back; %" PRIu64 " claims swept, %" PRIu64 " records read; %" PRIu64 " look-ups, %" PRIu64
	       " live claims\n", tally->years, tally->histories, tally->steps, tally->backwards, tally->swept,
	       tally->read, tally->lookups, tally->live);
	ck_assert(tally->years > years && tally->backwards > 10 && tally->swept > 100);
}

START_TEST(years_go_by)
{
	struct years_tally tally = {0};

	for (int i = 0; i < 4; i++)
		years_run(chance.word + (uint64_t)i, (unsigned)judge_number("YEARS_KEYS", YEARS_FEW),
			  (unsigned)judge_number("YEARS_STEPS", 150), &tally);
	tell(&tally, 400);
}
END_TEST

/* Enough keys for an order of expiry in every layer. */
START_TEST(years_of_a_larger_store)
{
	struct years_tally tally = {0};

	years_run(chance.word, LARGE, 60, &tally);
	tell(&tally, 50);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("time");
	TCase *cases = tcase_create("all");

	tcase_add_checked_fixture(cases, setup, NULL);
	tcase_add_test(cases, seconds_print_and_parse);
	tcase_add_test(cases, years_after_leap_days);
	tcase_add_test(cases, times_as_people_write_them);
	tcase_add_test(cases, durations_as_people_write_them);
	tcase_add_test(cases, times_in_feeds);
	tcase_add_test(cases, years_go_by);
	tcase_add_test(cases, years_of_a_larger_store);
	tcase_set_timeout(cases, 300);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
