/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/calendar.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_YEAR 1970
#define YEARS 8030
#define DAY 86400ull

/* --- the table ------------------------------------------------------------------------------ */

static uint32_t first_day[YEARS * 12 + 1]; /* of each month, counted from 1970-01-01 */

unsigned
calendar_month_days(unsigned year, unsigned month)
{
	if (month == 2) {
		if (year % 400 == 0)
			return 29;
		if (year % 100 == 0)
			return 28;
		return year % 4 == 0 ? 29 : 28;
	}
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static void
table_make(void)
{
	uint32_t day = 0;

	if (first_day[1] != 0)
		return;
	for (unsigned month = 0; month < YEARS * 12; month++) {
		first_day[month] = day;
		day += calendar_month_days(FIRST_YEAR + month / 12, month % 12 + 1);
	}
	first_day[YEARS * 12] = day;
}

uint64_t
calendar_seconds(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute,
		 unsigned second)
{
	table_make();
	uint64_t days = (uint64_t)first_day[(year - FIRST_YEAR) * 12 + month - 1] + day - 1;
	return days * DAY + hour * 3600ull + minute * 60ull + second;
}

struct calendar
calendar_date(uint64_t seconds)
{
	uint32_t day = (uint32_t)(seconds / DAY), low = 0, high = YEARS * 12;
	unsigned rest = (unsigned)(seconds % DAY);

	table_make();
	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;
		if (first_day[middle] <= day)
			low = middle;
		else
			high = middle;
	}
	return (struct calendar){FIRST_YEAR + low / 12, low % 12 + 1, day - first_day[low] + 1,
				 rest / 3600, rest / 60 % 60, rest % 60};
}

uint64_t
calendar_years_later(uint64_t seconds, unsigned years)
{
	if (seconds >= CALENDAR_END)
		return CALENDAR_END;
	struct calendar date = calendar_date(seconds);
	date.year += years;
	if (date.year > 9999)
		return CALENDAR_END;
	if (date.month == 2 && date.day == 29 && calendar_month_days(date.year, 2) == 28)
		date.day = 28;
	return calendar_seconds(date.year, date.month, date.day, date.hour, date.minute, date.second);
}

uint64_t
calendar_later(uint64_t seconds, uint64_t more)
{
	if (seconds >= CALENDAR_END || more >= CALENDAR_END - seconds)
		return CALENDAR_END;
	return seconds + more;
}

/* --- right ---------------------------------------------------------------------------------- */

static void
print_form(const struct calendar *date, const char *between, char text[CALENDAR_TEXT_BYTES])
{
	snprintf(text, CALENDAR_TEXT_BYTES, "%04u-%02u-%02u%s%02u:%02u:%02u", date->year, date->month,
		 date->day, between, date->hour, date->minute, date->second);
}

void
calendar_print(uint64_t seconds, char text[CALENDAR_TEXT_BYTES])
{
	struct calendar date = calendar_date(seconds);

	print_form(&date, "T", text);
	strncat(text, "Z", 2);
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = (char)tolower((unsigned char)*text);
}

/* A zone so many minutes east: what is written is later than UTC by as much. */
static bool
spell_zone(struct random_state *random, uint64_t seconds, char text[CALENDAR_TEXT_BYTES])
{
	int minutes = (int)random_below(random, 2 * 1439 + 1) - 1439;
	int64_t local = (int64_t)seconds + minutes * 60;
	char zone[32];

	if (random_chance(random, 50))
		minutes = minutes / 30 * 30, local = (int64_t)seconds + minutes * 60;
	if (local < 0 || local > (int64_t)CALENDAR_END)
		return false;
	struct calendar date = calendar_date((uint64_t)local);
	print_form(&date, random_chance(random, 50) ? "T" : " ", text);
	unsigned way = random_below(random, 16); /* a bit for each choice */
	int size = minutes < 0 ? -minutes : minutes;
	snprintf(zone, sizeof(zone), "%s%s%c%02d%s%02d", way & 1 ? ".125" : "", way & 2 ? " " : "",
		 minutes < 0 || (minutes == 0 && way & 4) ? '-' : '+', size / 60, way & 8 ? ":" : "",
		 size % 60);
	strncat(text, zone, CALENDAR_TEXT_BYTES - strlen(text) - 1);
	return true;
}

void
calendar_spell(struct random_state *random, uint64_t seconds, char text[CALENDAR_TEXT_BYTES])
{
	static const char *const ends[] = {"", "Z", " Z", " UTC", "UTC", " GMT", ".5Z", ".999999999", ".0 UTC"};
	struct calendar date = calendar_date(seconds);
	unsigned way = random_below(random, 10);

	if (way == 0) {
		snprintf(text, CALENDAR_TEXT_BYTES, "@%" PRIu64, seconds);
		return;
	}
	if (way == 1 && seconds % DAY == 0) {
		snprintf(text, CALENDAR_TEXT_BYTES, "%04u-%02u-%02u", date.year, date.month, date.day);
		return;
	}
	if (way < 6 && spell_zone(random, seconds, text))
		return;
	print_form(&date, random_chance(random, 50) ? "T" : " ", text);
	/* A leap second is the second before it: there is no place for it. */
	if (date.second == 59 && random_chance(random, 30))
		memcpy(text + 17, "60", 2);
	strncat(text, ends[random_below(random, 9)], 12);
	if (random_chance(random, 20))
		lower(text);
}

static const struct {
	char unit;
	uint64_t seconds;
} units[] = {
	{'y', 365 * DAY}, {'w', 7 * DAY}, {'d', DAY}, {'h', 3600}, {'m', 60}, {'s', 1},
};

/* In some of the units, in any order, of which the last takes what is left. */
void
calendar_spell_duration(struct random_state *random, uint64_t seconds,
			char text[CALENDAR_TEXT_BYTES])
{
	size_t length = 0;

	text[0] = '\0';
	if (random_chance(random, 20) || seconds == 0) {
		unsigned way = random_below(random, 4);
		snprintf(text, CALENDAR_TEXT_BYTES, "%s%" PRIu64 "%s", way & 1 ? "00" : "", seconds,
			 way & 2 ? "s" : "");
		return;
	}
	for (unsigned i = 0; i < 6 && seconds > 0; i++) {
		uint64_t count = seconds / units[i].seconds;
		if (i < 5 && (count == 0 || random_chance(random, 40)))
			continue;
		if (i < 5 && random_chance(random, 20))
			count = random_below(random, (uint32_t)(count < UINT32_MAX ? count : UINT32_MAX));
		length += (size_t)snprintf(text + length, CALENDAR_TEXT_BYTES - length, "%" PRIu64 "%c",
					   count, units[i].unit);
		seconds -= count * units[i].seconds;
	}
}

/* --- wrong ------------------------------------------------------------------------------------ */

/* One field of a date out of its range. */
static void
misspell_field(struct random_state *random, char text[CALENDAR_TEXT_BYTES])
{
	struct calendar date = calendar_date(random_next(random) % CALENDAR_END);

	switch (random_below(random, 8)) {
	case 0: date.month = 13 + random_below(random, 80); break;
	case 1: date.month = 0; break;
	case 2: date.day = 0; break;
	case 3: date.day = calendar_month_days(date.year, date.month) + 1; break;
	case 4: date.hour = 24 + random_below(random, 70); break;
	case 5: date.minute = 60 + random_below(random, 40); break;
	case 6: date.second = 61 + random_below(random, 39); break;
	default: date.year = random_below(random, 1970);
	}
	print_form(&date, "T", text);
	if (random_chance(random, 50))
		strncat(text, "Z", 2);
}

void
calendar_misspell(struct random_state *random, char text[CALENDAR_TEXT_BYTES])
{
	static const char *const none[] = {
		"", " ", "never", "tomorrow", "+1d", "30d", "2026", "2026-11", "26-11-21", "21.11.2026",
		"11/21/2026", "2026-11-21T", "2026-11-21T10", "2026-11-21T10:00", "2026-11-21 10:00:00 CET",
		"2026-11-21T10:00:00+2", "2026-11-21T10:00:00+02:00:00", "2026-11-21T10:00:00Z Z",
		"2026-11-21  10:00:00", "2026-11-21T10:00:00 +02:60", "2026-11-21T10:00:00+24:00",
		"9999-12-31T23:59:59-00:01", "1970-01-01T00:00:00+00:01", "10000-01-01T00:00:00Z",
		"@253402300800", "@18446744073709551616", "@-1", "@1.5", "@", "@0x10", "2026-W47-6", "2026-325",
		"Sat, 21 Nov 2026 10:00:00 GMT", "1795255200000", "-2026-11-21",
	};

	if (random_chance(random, 50))
		misspell_field(random, text);
	else
		snprintf(text, CALENDAR_TEXT_BYTES, "%s",
			 none[random_below(random, sizeof(none) / sizeof(none[0]))]);
}

void
calendar_misspell_duration(struct random_state *random, char text[CALENDAR_TEXT_BYTES])
{
	static const char *const none[] = {
		"", " ", "d", "1x", "1 d", " 1d", "1d ", "-1d", "+1d", "1.5h", "1D", "1mo", "1month", "30days",
		"1d12", "10001y", "10000y1s", "3650001d", "315360000001", "18446744073709551616s", "1e3",
		"0x10", "1d-1h", "P1D", "1:00:00", "forever", "1ms", "999999999999999999999y", "1yy", "d1",
	};
	size_t i = random_below(random, sizeof(none) / sizeof(none[0]));

	snprintf(text, CALENDAR_TEXT_BYTES, "%s", none[i]);
}
