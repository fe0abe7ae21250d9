/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DAY_SECONDS 86400
#define ERA_DAYS 146097 /* 400 Gregorian years */
#define DURATION_MAX (10000ull * 365 * DAY_SECONDS)
#define QUOTE_BYTES 64  /* of a refused text, in the fault */

struct reader {
	const char *at;
	const char *end;
};

struct civil {
	int64_t year;
	unsigned month; /* 1..12 */
	unsigned day;   /* 1..31 */
};

double
clock_elapsed(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

uint64_t
clock_coarse(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000 + 1;
}

uint64_t
clock_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < 0)
		return 0;
	return (uint64_t)now.tv_sec;
}

static bool
year_is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned
month_days(int64_t year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && year_is_leap(year));
}

/*
 * Days since 1970-01-01. The year is taken to begin in March, so that the leap
 * day is its last and months have lengths that a line through 153/5 gives
 * (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). Years from 0.
 */
static int64_t
civil_to_days(struct civil date)
{
	int64_t year = date.month <= 2 ? date.year + 399 : date.year + 400;
	int64_t era = year / 400;
	int64_t year_of_era = year % 400;
	int64_t day_of_year = (153 * ((date.month + 9) % 12) + 2) / 5 + date.day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return (era - 1) * ERA_DAYS + day_of_era - 719468;
}

/* The inverse, for days from 0. */
static struct civil
civil_from_days(int64_t days)
{
	int64_t era = (days + 719468) / ERA_DAYS;
	int64_t day_of_era = (days + 719468) % ERA_DAYS;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	struct civil date;

	date.day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
	date.month = (unsigned)(month < 10 ? month + 3 : month - 9);
	date.year = year_of_era + era * 400 + (date.month <= 2);
	return date;
}

/* Two digits and what follows them; every answer shows three times, so no printf. */
static void
digits_put(char *text, unsigned number, char after)
{
	text[0] = (char)('0' + number / 10 % 10);
	text[1] = (char)('0' + number % 10);
	text[2] = after;
}

void
clock_print(uint64_t seconds, char text[CLOCK_TEXT_BYTES])
{
	uint64_t capped = seconds > CLOCK_MAX ? CLOCK_MAX : seconds;
	struct civil date = civil_from_days((int64_t)(capped / DAY_SECONDS));
	unsigned rest = (unsigned)(capped % DAY_SECONDS);

	digits_put(text, date.year / 100 % 100, '\0');
	digits_put(text + 2, date.year % 100, '-');
	digits_put(text + 5, date.month, '-');
	digits_put(text + 8, date.day, 'T');
	digits_put(text + 11, rest / 3600, ':');
	digits_put(text + 14, rest / 60 % 60, ':');
	digits_put(text + 17, rest % 60, 'Z');
	text[20] = '\0';
}

static bool
take(struct reader *reader, char wanted)
{
	if (reader->at == reader->end || *reader->at != wanted)
		return false;
	reader->at++;
	return true;
}

static bool
take_digits(struct reader *reader, size_t count, unsigned *value)
{
	unsigned sum = 0;

	if ((size_t)(reader->end - reader->at) < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		unsigned digit = (unsigned char)reader->at[i] - '0';
		if (digit > 9)
			return false;
		sum = sum * 10 + digit;
	}
	reader->at += count;
	*value = sum;
	return true;
}

/* One or more digits, at most `max`. */
static bool
take_number(struct reader *reader, uint64_t max, uint64_t *value)
{
	uint64_t sum = 0;
	const char *start = reader->at;

	for (; reader->at < reader->end; reader->at++) {
		unsigned digit = (unsigned char)*reader->at - '0';
		if (digit > 9)
			break;
		if (sum > (max - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	*value = sum;
	return reader->at > start;
}

static bool
take_date(struct reader *reader, int64_t *days)
{
	unsigned year;
	struct civil date;

	if (!take_digits(reader, 4, &year) || !take(reader, '-') ||
	    !take_digits(reader, 2, &date.month) || !take(reader, '-') ||
	    !take_digits(reader, 2, &date.day))
		return false;
	date.year = year;
	if (date.month < 1 || date.month > 12 || date.day < 1 ||
	    date.day > month_days(date.year, date.month))
		return false;
	*days = civil_to_days(date);
	return true;
}

static bool
take_fraction(struct reader *reader)
{
	unsigned digit;

	if (!take(reader, '.'))
		return true;
	if (!take_digits(reader, 1, &digit))
		return false;
	while (take_digits(reader, 1, &digit))
		;
	return true;
}

static bool
take_time(struct reader *reader, int64_t *seconds)
{
	unsigned hour, minute, second;

	if (!take_digits(reader, 2, &hour) || !take(reader, ':') ||
	    !take_digits(reader, 2, &minute) || !take(reader, ':') ||
	    !take_digits(reader, 2, &second) || !take_fraction(reader))
		return false;
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	if (second == 60)
		second = 59;
	*seconds = hour * 3600 + minute * 60 + second;
	return true;
}

static bool
take_offset(struct reader *reader, int sign, int64_t *seconds)
{
	unsigned hour, minute;

	reader->at++;
	if (!take_digits(reader, 2, &hour))
		return false;
	take(reader, ':');
	if (!take_digits(reader, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*seconds = sign * (int64_t)(hour * 3600 + minute * 60);
	return true;
}

/* The rest of the text: nothing, or a zone with or without a blank before it. */
static bool
take_zone(struct reader *reader, int64_t *seconds)
{
	static const char *const utc[] = { "Z", "UTC", "GMT" };
	size_t length;

	*seconds = 0;
	if (reader->at == reader->end)
		return true;
	take(reader, ' ');
	if (reader->at < reader->end && *reader->at == '+')
		return take_offset(reader, 1, seconds);
	if (reader->at < reader->end && *reader->at == '-')
		return take_offset(reader, -1, seconds);
	length = (size_t)(reader->end - reader->at);
	for (size_t i = 0; i < sizeof(utc) / sizeof(utc[0]); i++) {
		if (length == strlen(utc[i]) && strncasecmp(reader->at, utc[i], length) == 0) {
			reader->at = reader->end;
			return true;
		}
	}
	return false;
}

static bool
take_instant(struct reader *reader, int64_t *instant)
{
	int64_t days, seconds, offset;

	if (!take_date(reader, &days))
		return false;
	if (reader->at == reader->end) {
		*instant = days * DAY_SECONDS;
		return true;
	}
	if (!take(reader, 'T') && !take(reader, 't') && !take(reader, ' '))
		return false;
	if (!take_time(reader, &seconds) || !take_zone(reader, &offset))
		return false;
	*instant = days * DAY_SECONDS + seconds - offset;
	return true;
}

static enum status
time_refuse(struct fault *fault, const char *text, size_t length, const char *expected)
{
	return fault_set(fault, STATUS_BAD_TIME, NULL, 0, "\"%.*s%s\" is not %s",
			 (int)(length > QUOTE_BYTES ? QUOTE_BYTES : length), text,
			 length > QUOTE_BYTES ? "..." : "", expected);
}

enum status
clock_parse(const char *text, size_t length, uint64_t *seconds, struct fault *fault)
{
	struct reader reader = { text, text + length };
	uint64_t number;
	int64_t instant;
	bool good;

	if (take(&reader, '@')) {
		good = take_number(&reader, CLOCK_MAX, &number);
		instant = (int64_t)number;
	} else {
		good = take_instant(&reader, &instant);
	}
	if (!good || reader.at != reader.end)
		return time_refuse(fault, text, length, "a time like 2026-11-21T10:00:00Z");
	if (instant < 0 || instant > (int64_t)CLOCK_MAX)
		return time_refuse(fault, text, length, "a time within 1970..9999");
	*seconds = (uint64_t)instant;
	return STATUS_OK;
}

static uint64_t
unit_seconds(char unit)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = {
		{ 's', 1 },           { 'm', 60 },
		{ 'h', 3600 },        { 'd', DAY_SECONDS },
		{ 'w', 7 * DAY_SECONDS }, { 'y', 365 * DAY_SECONDS },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit == unit)
			return units[i].seconds;
	}
	return 0;
}

/* A number with its unit; a bare number may only stand alone. */
static bool
take_term(struct reader *reader, bool first, uint64_t *seconds)
{
	uint64_t number, unit;

	if (!take_number(reader, DURATION_MAX, &number))
		return false;
	if (reader->at == reader->end) {
		*seconds = number;
		return first;
	}
	unit = unit_seconds(*reader->at++);
	if (unit == 0 || number > DURATION_MAX / unit)
		return false;
	*seconds = number * unit;
	return true;
}

enum status
clock_parse_duration(const char *text, size_t length, uint64_t *seconds, struct fault *fault)
{
	struct reader reader = { text, text + length };
	uint64_t sum = 0;
	uint64_t term;

	do {
		if (!take_term(&reader, reader.at == text, &term) || term > DURATION_MAX - sum)
			return time_refuse(fault, text, length,
					   "a duration like 30d or 1d12h, at most 10,000 years");
		sum += term;
	} while (reader.at < reader.end);
	*seconds = sum;
	return STATUS_OK;
}

uint64_t
clock_add_years(uint64_t now, unsigned years)
{
	struct civil date;

	if (now >= CLOCK_MAX || years >= 10000)
		return CLOCK_MAX;
	date = civil_from_days((int64_t)(now / DAY_SECONDS));
	date.year += years;
	if (date.year > 9999)
		return CLOCK_MAX;
	if (date.day > month_days(date.year, date.month))
		date.day = month_days(date.year, date.month);
	return (uint64_t)civil_to_days(date) * DAY_SECONDS + now % DAY_SECONDS;
}

uint64_t
clock_add(uint64_t now, uint64_t seconds)
{
	if (now >= CLOCK_MAX || seconds > CLOCK_MAX - now)
		return CLOCK_MAX;
	return now + seconds;
}
