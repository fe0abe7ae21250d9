/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A calendar to judge the engine's by, which shares nothing with it: a table of the first day of
 * every month from 1970 to 9999, made by counting days. And times as people and feeds write
 * them, right and wrong.
 */
#ifndef TESTS_CALENDAR_H
#define TESTS_CALENDAR_H

#include "tests/sets.h"

#define CALENDAR_END 253402300799ull /* 9999-12-31T23:59:59Z */
#define CALENDAR_TEXT_BYTES 96

struct calendar {
	unsigned year, month, day, hour, minute, second;
};

uint64_t
calendar_seconds(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute,
		 unsigned second);
/* Of a second up to CALENDAR_END. */
struct calendar
calendar_date(uint64_t seconds);
unsigned
calendar_month_days(unsigned year, unsigned month);
/* The same date and time so many years on; of 29 February where there is none the 28th. At most the end. */
uint64_t
calendar_years_later(uint64_t seconds, unsigned years);
/* seconds + more, at most the end. */
uint64_t
calendar_later(uint64_t seconds, uint64_t more);

/* "2026-11-21T10:00:00Z". */
void
calendar_print(uint64_t seconds, char text[CALENDAR_TEXT_BYTES]);
/* That second as anybody might write it: zones, blanks, letter case, fractions, @seconds. */
void
calendar_spell(struct random_state *random, uint64_t seconds, char text[CALENDAR_TEXT_BYTES]);
/* No time at all, but nearly. */
void
calendar_misspell(struct random_state *random, char text[CALENDAR_TEXT_BYTES]);
/* A duration in units, of at most 10,000 years of 365 days; and one that is none. */
void
calendar_spell_duration(struct random_state *random, uint64_t seconds,
			char text[CALENDAR_TEXT_BYTES]);
void
calendar_misspell_duration(struct random_state *random, char text[CALENDAR_TEXT_BYTES]);

#endif
