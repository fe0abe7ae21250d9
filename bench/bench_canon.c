/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canon_key() by itself: bench_canon KIND FILE. One text a line; prints CPU
 * nanoseconds a text, median of slices, for canon_key(), its slow way and the
 * scan of each instruction set. With a third argument each text goes through
 * canon_key() once and nothing is timed, for callgrind:
 *
 *   valgrind --tool=callgrind --toggle-collect=canon_key bench_canon url FILE once
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/canon_quick.h"
#include "engine/canon_scan.h"

#define SLICES 41
#define TURNS 3 /* of each slice; the best counts */

static struct {
	char **text;
	size_t *length;
	size_t count;
} list;

static enum kind kind;
static struct key key;
static const struct canon_scan_path *path;
static volatile size_t sink;

typedef void subject(const char *text, size_t length);

static void
run_key(const char *text, size_t length)
{
	sink += canon_key(kind, text, length, NULL, &key, NULL);
}

static void
run_slow(const char *text, size_t length)
{
	sink += canon_slow(kind, text, length, NULL, &key, NULL);
}

static void
run_scan(const char *text, size_t length)
{
	struct canon_scan scan;
	sink += kind == KIND_URL ? path->url(text, length, &scan) : path->domain(text, length);
}

static bool
list_read(const char *name)
{
	FILE *file = fopen(name, "r");
	char *line = NULL;
	size_t room = 0, cap = 0;
	ssize_t size;
	if (file == NULL)
		return false;
	while ((size = getline(&line, &room, file)) > 0) {
		if (list.count == cap) {
			cap = cap == 0 ? 1024 : 2 * cap;
			list.text = realloc(list.text, cap * sizeof(*list.text));
			list.length = realloc(list.length, cap * sizeof(*list.length));
		}
		list.length[list.count] = (size_t)size - (line[size - 1] == '\n');
		list.text[list.count++] = strdup(line);
	}
	free(line);
	fclose(file);
	return list.count >= SLICES;
}

static double
now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double
slice_time(subject *run, size_t from, size_t to)
{
	double best = 1e18;
	for (int turn = 0; turn < TURNS; turn++) {
		double start = now();
		for (size_t i = from; i < to; i++)
			run(list.text[i], list.length[i]);
		double spent = now() - start;
		best = spent < best ? spent : best;
	}
	return best / (double)(to - from);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void
measure(void)
{
	static double spent[8][SLICES];
	static const char *name[8] = { "canon_key", "slow" };
	size_t rows = 2;
	for (size_t s = 0; s < SLICES; s++) {
		size_t from = list.count * s / SLICES, to = list.count * (s + 1) / SLICES;
		spent[0][s] = slice_time(run_key, from, to);
		spent[1][s] = slice_time(run_slow, from, to);
		rows = 2;
		for (size_t i = 0; (path = canon_scan_path(i)) != NULL; i++, rows++) {
			name[rows] = path->name;
			spent[rows][s] = slice_time(run_scan, from, to);
		}
	}
	for (size_t i = 0; i < rows; i++) {
		qsort(spent[i], SLICES, sizeof(double), compare);
		printf("%-10s %7.1f ns, fastest slice %7.1f\n", name[i], spent[i][SLICES / 2],
		       spent[i][0]);
	}
}

int
main(int argc, char **argv)
{
	if (argc < 3 || !kind_parse(argv[1], strlen(argv[1]), &kind) || !list_read(argv[2])) {
		fprintf(stderr, "usage: bench_canon domain|url FILE [once]\n");
		return 2;
	}
	for (size_t i = 0; argc > 3 && i < list.count; i++)
		run_key(list.text[i], list.length[i]);
	if (argc > 3)
		printf("%zu texts\n", list.count);
	else
		measure();
	return 0;
}
