/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash_points.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUTS 48
#define PAGES 24 /* cuts between pages of a long write */

uint64_t
crash_draw(uint64_t *state, uint64_t below)
{
	*state += 0x9e3779b97f4a7c15u;
	uint64_t word = *state;
	word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
	word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
	return (word ^ (word >> 31)) % below;
}

static void
add(struct crash_points *points, long call, long part)
{
	if (points->count == points->capacity) {
		points->capacity = points->capacity == 0 ? 256 : points->capacity * 2;
		points->point = realloc(points->point, points->capacity * sizeof(*points->point));
		if (points->point == NULL)
			abort();
	}
	points->point[points->count++] = (struct crash_point){call, part};
}

static int
by_bytes(const void *a, const void *b)
{
	const uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
	return one < other ? -1 : one > other;
}

static void
add_cuts(struct crash_points *points, long call, uint64_t bytes)
{
	uint64_t cut[CUTS] = {1, 7, 8, 64, 511, 512, 513, 4095, 4096, 4097, bytes / 4, bytes / 2,
			      bytes * 3 / 4, (bytes - 1) / 4096 * 4096, (bytes - 1) / 512 * 512,
			      bytes - 32, bytes - 8, bytes - 1};
	size_t count = 18;
	uint64_t pages = bytes / 4096, step = pages / PAGES + 1;
	for (uint64_t page = 2; page < pages && count < CUTS; page += step)
		cut[count++] = page * 4096;
	qsort(cut, count, sizeof(cut[0]), by_bytes);
	for (size_t i = 0; i < count; i++)
		if (cut[i] > 0 && cut[i] < bytes && (i == 0 || cut[i] != cut[i - 1]))
			add(points, call, (long)cut[i]);
}

void
crash_points_of(const struct trace_log *log, long first, struct crash_points *points)
{
	points->count = 0;
	for (size_t i = first > 0 ? (size_t)first : 0; i < log->count; i++) {
		const struct trace_call *call = &log->calls[i];
		bool prints = strcmp(call->where, "stdout") == 0;
		add(points, (long)i, TRACE_BEFORE);
		if (call->bytes > 1 && prints)
			add(points, (long)i, (long)(call->bytes / 2));
		else if (call->bytes > 1)
			add_cuts(points, (long)i, call->bytes);
		if (call->changes)
			add(points, (long)i, TRACE_AFTER);
	}
}

void
crash_points_thin(struct crash_points *points, size_t want, uint64_t *state)
{
	size_t count = points->count;
	if (want >= count)
		return;
	for (size_t i = 0; i < want; i++) {
		size_t from = i * count / want, to = (i + 1) * count / want;
		points->point[i] = points->point[from + crash_draw(state, to - from)];
	}
	points->count = want;
}

void
crash_points_fini(struct crash_points *points)
{
	free(points->point);
	memset(points, 0, sizeof(*points));
}

const char *
crash_part_text(long part, char text[CRASH_PART_BYTES])
{
	if (part == TRACE_BEFORE || part == TRACE_AFTER)
		return part == TRACE_BEFORE ? "before" : "after";
	snprintf(text, CRASH_PART_BYTES, "%ld", part);
	return text;
}

long
crash_part_read(const char *text)
{
	if (strcmp(text, "before") == 0)
		return TRACE_BEFORE;
	return strcmp(text, "after") == 0 ? TRACE_AFTER : strtol(text, NULL, 10);
}
