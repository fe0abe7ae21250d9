/* SPDX-License-Identifier: Apache-2.0 */
/* Where a traced command can be killed, and which of many places are drawn. */
#ifndef TESTS_CRASH_POINTS_H
#define TESTS_CRASH_POINTS_H

#include "tests/trace.h"

struct crash_point {
	long call, part; /* as in struct trace_command */
};

struct crash_points {
	struct crash_point *point;
	size_t count, capacity;
};

/* A number below `below`; *state goes on. */
uint64_t
crash_draw(uint64_t *state, uint64_t below);

/*
 * Every point of a command from call `first` on: before each call, after each that changes something,
 * and with its first bytes written: one, a half, all but few, to the ends of sectors and pages and
 * one beside them.
 */
void
crash_points_of(const struct trace_log *log, long first, struct crash_points *points);
/* `want` of them, evenly: every part of a command has its share. */
void
crash_points_thin(struct crash_points *points, size_t want, uint64_t *state);
void
crash_points_fini(struct crash_points *points);

/* "before", "after", or a number: to text and back. */
#define CRASH_PART_BYTES 24
const char *
crash_part_text(long part, char text[CRASH_PART_BYTES]);
long
crash_part_read(const char *text);

#endif
