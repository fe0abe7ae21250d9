/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times and durations, judged by walking the calendar one day at a time from
 * 1970-01-01 (a Thursday) to 9999-12-31 with the rule of leap years only.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"

struct walker {
	unsigned year, month, day;
	uint64_t seconds;
};

static unsigned
walker_month_length(const struct walker *walker)
{
	if (walker->month == 2) {
		if (walker->year % 400 == 0)
			return 29;
		if (walker->year % 100 == 0)
			return 28;
		return walker->year % 4 == 0 ? 29 : 28;
	}
	return walker->month == 4 || walker->month == 6 || walker->month == 9 ||
	       walker->month == 11 ? 30 : 31;
}

static void
walker_step(struct walker *walker)
{
	walker->seconds += 86400;
	if (++walker->day <= walker_month_length(walker))
		return;
	walker->day = 1;
	if (++walker->month <= 12)
		return;
	walker->month = 1;
	walker->year++;
}

static uint64_t
parse(const char *text)
{
	struct fault fault = { 0 };
	uint64_t seconds = 0;

	if (clock_parse(text, strlen(text), &seconds, &fault) != STATUS_OK)
		ck_abort_msg("%s: %s", text, fault.text);
	return seconds;
}

static void
refuse(const char *text)
{
	uint64_t seconds = 7;
	struct fault fault = { 0 };

	ck_assert_msg(clock_parse(text, strlen(text), &seconds, &fault) == STATUS_BAD_TIME,
		      "taken: %s", text);
	ck_assert_uint_eq(seconds, 7);
	ck_assert_int_eq(fault.status, STATUS_BAD_TIME);
	ck_assert_str_ne(fault.text, "");
}

START_TEST(every_day_prints_and_parses)
{
	struct walker walker = { 1970, 1, 1, 0 };
	char wanted[64], text[CLOCK_TEXT_BYTES];
	unsigned long days = 0;

	for (; walker.year <= 9999; walker_step(&walker), days++) {
		uint64_t second_of_day = days * 7919 % 86400;
		snprintf(wanted, sizeof(wanted), "%04u-%02u-%02uT%02u:%02u:%02uZ", walker.year,
			 walker.month, walker.day, (unsigned)(second_of_day / 3600),
			 (unsigned)(second_of_day / 60 % 60), (unsigned)(second_of_day % 60));
		clock_print(walker.seconds + second_of_day, text);
		if (strcmp(text, wanted) != 0 || parse(wanted) != walker.seconds + second_of_day)
			ck_abort_msg("%s came out as %s", wanted, text);
	}
	ck_assert_uint_eq(days, 2932897);
	ck_assert_uint_eq(walker.seconds, CLOCK_MAX + 1);
}
END_TEST

START_TEST(known_instants)
{
	/* Second column: `date -u -d TEXT +%s` of GNU coreutils. */
	static const struct {
		const char *text;
		uint64_t seconds;
	} known[] = {
		{ "1970-01-01", 0 },
		{ "@0", 0 },
		{ "@1790000000", 1790000000 },
		{ "@253402300799", CLOCK_MAX },
		{ "2000-02-29T12:00:00Z", 951825600 },
		{ "2026-11-21T10:00:00Z", 1795255200 },
		{ "2026-11-21t10:00:00z", 1795255200 },
		{ "2026-11-21 10:00:00", 1795255200 },
		{ "2026-11-21T10:00:00", 1795255200 },
		{ "2026-11-21T10:00:00.999999999Z", 1795255200 },
		{ "2026-11-21T12:00:00+02:00", 1795255200 },
		{ "2026-11-21T04:30:00-05:30", 1795255200 },
		{ "2026-11-21T10:00:00-00:00", 1795255200 },
		{ "2018-10-25 07:15:00-0400", 1540466100 },
		{ "2018-10-25 07:15:00 -0400", 1540466100 },
		{ "2018-10-25 11:15:00 UTC", 1540466100 },
		{ "2018-10-25 11:15:00 gmt", 1540466100 },
		{ "2018-10-25 11:15:00 Z", 1540466100 },
		{ "2017-05-25", 1495670400 },
		{ "2036-02-07T06:28:16Z", 2085978496 },
		{ "2038-01-19T03:14:08Z", 2147483648u },
		{ "2100-02-28T23:59:59Z", 4107542399u },
		{ "2100-03-01T00:00:00Z", 4107542400u },
		{ "2106-02-07T06:28:16Z", 4294967296u },
		{ "1969-12-31T23:00:00-02:00", 3600 },
		{ "9999-12-31T23:59:59Z", CLOCK_MAX },
		{ "2016-12-31T23:59:60Z", 1483228799 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		ck_assert_msg(parse(known[i].text) == known[i].seconds, "%s", known[i].text);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	static const char *const nonsense[] = {
		"", " ", "now", "@", "@-1", "@1x", "@ 1", "@253402300800",
		"@99999999999999999999999999", "2026", "2026-11", "2026-11-21T", "2026-11-21 ",
		"2026-13-01", "2026-00-01", "2026-01-00", "2026-01-32", "2026-02-29", "2100-02-29",
		"2026-04-31", "26-01-01", "2026-1-1", "2026/01/01", " 2026-01-01", "2026-01-01 x",
		"2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
		"2026-01-01T00:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00ZZ",
		"2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+00:60",
		"2026-01-01T00:00:00+0", "2026-01-01T00:00:00+", "2026-01-01T00:00:00 PST",
		"2026-01-01T00:00:00 ", "2026-01-01T00:00:00  UTC", "1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "0000-01-01",
		"2026-01-01T00:00:00+1:00", "+2026-01-01", "2026-01-01T00:00:00UT", "2026-02-30",
	};

	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		refuse(nonsense[i]);
}
END_TEST

START_TEST(any_bytes_are_safe)
{
	static const char alphabet[] = "0123456789-:T Zz+.@UTCGM";
	char text[32];
	char printed[CLOCK_TEXT_BYTES];
	uint64_t seconds;

	srand(1);
	for (int round = 0; round < 200000; round++) {
		size_t length = (size_t)(rand() % 32);
		for (size_t i = 0; i < length; i++)
			text[i] = round % 4 ? alphabet[rand() % (int)(sizeof(alphabet) - 1)]
					    : (char)rand();
		if (clock_parse(text, length, &seconds, NULL) == STATUS_OK) {
			ck_assert_uint_le(seconds, CLOCK_MAX);
			clock_print(seconds, printed);
			ck_assert_uint_eq(parse(printed), seconds);
		}
		clock_parse_duration(text, length, &seconds, NULL);
	}
}
END_TEST

START_TEST(printing_stops_at_the_end)
{
	char text[CLOCK_TEXT_BYTES];

	clock_print(CLOCK_MAX + 1, text);
	ck_assert_str_eq(text, "9999-12-31T23:59:59Z");
	clock_print(UINT64_MAX, text);
	ck_assert_str_eq(text, "9999-12-31T23:59:59Z");
}
END_TEST

START_TEST(durations)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} known[] = {
		{ "0", 0 }, { "0s", 0 }, { "90", 90 }, { "90s", 90 }, { "5m", 300 },
		{ "2h", 7200 }, { "30d", 2592000 }, { "2w", 1209600 }, { "1y", 31536000 },
		{ "1d12h", 129600 }, { "1y2w3d4h5m6s", 33019506 },
		{ "10000y", 315360000000 }, { "315360000000", 315360000000 }, { "007", 7 },
	};
	static const char *const nonsense[] = {
		"", "d", "1x", "-1", "+1", "1 d", " 1", "1d12", "1.5h", "1D", "1dd", "10001y",
		"10000y1s", "315360000001", "99999999999999999999999", "99999999999999999999y",
		"18446744073709551616s",
	};
	struct fault fault;
	uint64_t seconds;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		ck_assert_int_eq(clock_parse_duration(known[i].text, strlen(known[i].text),
						      &seconds, &fault), STATUS_OK);
		ck_assert_uint_eq(seconds, known[i].seconds);
	}
	seconds = 7;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		ck_assert_msg(clock_parse_duration(nonsense[i], strlen(nonsense[i]), &seconds,
						   &fault) == STATUS_BAD_TIME, "%s", nonsense[i]);
	ck_assert_uint_eq(seconds, 7);
}
END_TEST

START_TEST(years_are_calendar_years)
{
	ck_assert_uint_eq(clock_add_years(parse("2026-11-21T10:00:00Z"), 10),
			  parse("2036-11-21T10:00:00Z"));
	ck_assert_uint_eq(clock_add_years(parse("2024-02-29T01:02:03Z"), 10),
			  parse("2034-02-28T01:02:03Z"));
	ck_assert_uint_eq(clock_add_years(parse("2024-02-29T01:02:03Z"), 4),
			  parse("2028-02-29T01:02:03Z"));
	ck_assert_uint_eq(clock_add_years(parse("2096-02-29"), 4), parse("2100-02-28"));
	ck_assert_uint_eq(clock_add_years(parse("2026-01-01"), 0), parse("2026-01-01"));
	ck_assert_uint_eq(clock_add_years(parse("9990-01-01"), 10), CLOCK_MAX);
	ck_assert_uint_eq(clock_add_years(5, 4294967295u), CLOCK_MAX);
	ck_assert_uint_eq(clock_add_years(UINT64_MAX, 1), CLOCK_MAX);
}
END_TEST

START_TEST(adding_stops_at_the_end)
{
	ck_assert_uint_eq(clock_add(1, 2), 3);
	ck_assert_uint_eq(clock_add(CLOCK_MAX - 1, 1), CLOCK_MAX);
	ck_assert_uint_eq(clock_add(CLOCK_MAX - 1, 2), CLOCK_MAX);
	ck_assert_uint_eq(clock_add(1, UINT64_MAX), CLOCK_MAX);
	ck_assert_uint_eq(clock_add(UINT64_MAX, UINT64_MAX), CLOCK_MAX);
}
END_TEST

START_TEST(the_zone_of_the_process_does_not_matter)
{
	setenv("TZ", "Pacific/Kiritimati", 1);
	ck_assert_uint_eq(parse("2026-11-21T10:00:00"), 1795255200);
	setenv("TZ", "America/New_York", 1);
	ck_assert_uint_eq(parse("2026-11-21T10:00:00"), 1795255200);
	ck_assert_uint_gt(clock_now(), 1700000000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("clock");
	TCase *tcase = tcase_create("clock");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, every_day_prints_and_parses);
	tcase_add_test(tcase, known_instants);
	tcase_add_test(tcase, nonsense_is_refused);
	tcase_add_test(tcase, any_bytes_are_safe);
	tcase_add_test(tcase, printing_stops_at_the_end);
	tcase_add_test(tcase, durations);
	tcase_add_test(tcase, years_are_calendar_years);
	tcase_add_test(tcase, adding_stops_at_the_end);
	tcase_add_test(tcase, the_zone_of_the_process_does_not_matter);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
