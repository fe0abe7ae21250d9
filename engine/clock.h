/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: whole seconds since 1970-01-01T00:00:00Z, as uint64_t, on every API.
 * Nothing below the programs asks the system for the time: `now` is handed in.
 * The proleptic Gregorian calendar, years 1970..9999; no leap seconds (a
 * second of :60 reads as :59, as POSIX time has no place for it).
 */
#ifndef ENGINE_CLOCK_H
#define ENGINE_CLOCK_H

#include "engine/status.h"

#define CLOCK_TEXT_BYTES 21              /* "9999-12-31T23:59:59Z" and NUL */
#define CLOCK_MAX 253402300799ull        /* 9999-12-31T23:59:59Z */

/* The system's time now. Programs only. */
uint64_t
clock_now(void);

/* Seconds of a clock that only goes forward, for durations. */
double
clock_elapsed(void);

/*
 * Milliseconds of the same clock, coarse (a few at a time) and cheap: no system call, a few
 * nanoseconds. Not 0.
 */
uint64_t
clock_coarse(void);

/* RFC 3339 in UTC; past CLOCK_MAX it shows CLOCK_MAX. */
void
clock_print(uint64_t seconds, char text[CLOCK_TEXT_BYTES]);

/*
 * An instant: RFC 3339 ("2026-11-21T10:00:00Z", offset +02:00, blank for T,
 * fraction cut off), the SMS forms "2018-10-25 07:15:00-0400" and
 * "2018-10-25 07:15:00 UTC|GMT|Z", a bare date (midnight UTC), a bare date and
 * time (UTC), or "@SECONDS". Before 1970 or past 9999: bad-time.
 */
enum status
clock_parse(const char *text, size_t length, uint64_t *seconds, struct fault *fault);

/*
 * A duration: whole numbers with units s m h d w y (y = 365 d), may be joined
 * ("1d12h"); a bare number is seconds. 0 is allowed; up to 10,000 years.
 */
enum status
clock_parse_duration(const char *text, size_t length, uint64_t *seconds, struct fault *fault);

/* now + `years` calendar years; 29 February becomes 28 February. */
uint64_t
clock_add_years(uint64_t now, unsigned years);

/* now + seconds, at most CLOCK_MAX. */
uint64_t
clock_add(uint64_t now, uint64_t seconds);

#endif
