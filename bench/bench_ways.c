/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_ways: what instruction sets and pages are worth.
 *
 *   bench_ways [--entries 1e6] [--kind KIND]... [--table NAME] [--slices 31]
 *
 * One store, opened once for each way, all ways in turn on parts of the stream that lie apart, the order
 * rotates: the instruction sets that the machine has, on the file as the kernel maps it; then the best of
 * them on the file mapped by 4 KiB pages, and on a copy of it in memory that the kernel may back with 2 MiB
 * pages. One line of JSON a stream, mode and way: `huge` is the share of the mapping that 2 MiB pages
 * hold, as the kernel says; `ratio_to_best` the median of the ratios, slice by slice, to the best instruction set
 * on the file. Every answer is compared with the oracle's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/choice.h"
#include "bench/subject.h"
#include "bench/timer.h"
#include "engine/segment_many.h"
#include "engine/view.h"

#define SLICE 65536
#define SLICE_TEXT 16384
#define SLICES_MOST 101
#define WAYS_MOST (SEGMENT_MANY_PATHS + 2)
#define ANSWERS 65536

enum pages { AS_MAPPED, SMALL, COPY };
static const char *const pages_names[] = {"as mapped", "4 KiB", "copy in memory"};

struct way {
	const char *path;
	enum pages pages;
	struct subject subject;
	double huge;
	double ns[SLICES_MOST];
};

static struct choice options = {.entries = 1000000, .slices = 31};

static void
stop(const char *what)
{
	perror(what);
	exit(2);
}

/* --- pages ----------------------------------------------------------------------------------- */

/* kB of the mapping of `bytes` in 2 MiB pages, of files or of nobody's. */
static double
huge_share(const uint8_t *bytes, size_t length)
{
	unsigned long from, to, kb, sum = 0;
	char line[1024];
	bool here = false;
	FILE *maps = fopen("/proc/self/smaps", "r");
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = from >= (uintptr_t)bytes && from < (uintptr_t)bytes + length;
		else if (here && (sscanf(line, "FilePmdMapped: %lu", &kb) == 1 ||
				  sscanf(line, "AnonHugePages: %lu", &kb) == 1))
			sum += kb;
	}
	if (maps != NULL)
		fclose(maps);
	return (double)sum * 1024 / (double)length;
}

/* The same bytes at the same place, in other pages: what points to them stays good. */
static void
repage(uint8_t *bytes, size_t length, enum pages pages)
{
	if (pages == SMALL) {
		if (madvise(bytes, length, MADV_NOHUGEPAGE) != 0 ||
		    madvise(bytes, length, MADV_DONTNEED) != 0 ||
		    madvise(bytes, length, MADV_POPULATE_READ) != 0)
			stop("4 KiB pages");
		return;
	}
	uint8_t *copy = malloc(length);
	if (copy == NULL)
		stop("a copy");
	memcpy(copy, bytes, length);
	if (mmap(bytes, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) != bytes)
		stop("memory of nobody");
	madvise(bytes, length, MADV_HUGEPAGE);
	memcpy(bytes, copy, length);
	free(copy);
}

static void
way_open(struct way *way, const struct subject *base)
{
	way->subject = *base;
	subject_reopen(&way->subject);
	/* the view is ours alone: no other thread, no other view of this store object */
	struct segment *segment = &((struct view *)(void *)way->subject.view)->layer[0].segment;
	uint8_t *bytes = (uint8_t *)(uintptr_t)segment->container.bytes;
	segment->many = segment_many_choose(way->path);
	if (way->pages != AS_MAPPED)
		repage(bytes, segment->container.length, way->pages);
	way->huge = huge_share(bytes, segment->container.length);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void
must_be_right(struct way *way, const struct queries *queries)
{
	size_t wrong = subject_wrong(&way->subject, queries, ANSWERS);
	if (wrong == 0)
		return;
	fprintf(stderr, "bench: %s, %s: %zu wrong answers\n", way->path, pages_names[way->pages], wrong);
	exit(1);
}

static void
print_way(const struct queries *queries, enum data_stream stream, enum subject_mode mode,
	  const struct way *way, const struct way *best)
{
	const struct data *data = queries->data;
	printf("{\"bench\":\"ways\",\"class\":\"%s\",\"table\":\"%s\",\"entries\":%zu,\"stream\":\"%s\","
	       "\"mode\":\"%s\",\"path\":\"%s\",\"pages\":\"%s\",\"huge\":%.3f,\"ns_median\":%.2f,"
	       "\"ratio_to_best\":%.3f}\n", data_class_names[data->class], data->table, data->count,
	       data_stream_names[stream], subject_modes[mode], way->path, pages_names[way->pages],
	       way->huge, timer_median(way->ns, options.slices),
	       timer_median_ratio(way->ns, best->ns, options.slices));
	fflush(stdout);
}

static void
run_stream(struct way *ways, size_t count, enum data_stream stream)
{
	static const enum subject_mode modes[] = {SUBJECT_ONE, SUBJECT_BATCH};
	const struct data *data = ways[0].subject.data;
	size_t slice = data->key_bytes == 0 ? SLICE_TEXT : SLICE;
	struct queries *queries = data_queries(data, stream, (options.slices + 1) * slice);
	for (size_t w = 0; w < count; w++)
		must_be_right(&ways[w], queries);
	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		for (size_t s = 0; s < options.slices; s++)
			for (size_t turn = 0; turn < count; turn++) {
				struct way *way = &ways[(turn + s) % count];
				/* a part of its own: ways share the file's lines */
				size_t part = s + (size_t)(way - ways) * options.slices / count;
				size_t at = part % options.slices * slice;
				/* each starts from what the slice before left to the caches */
				subject_ns(&way->subject, queries, modes[m], at, slice);
				way->ns[s] = subject_ns(&way->subject, queries, modes[m], at + slice,
							slice);
			}
		for (size_t w = 0; w < count; w++)
			print_way(queries, stream, modes[m], &ways[w], &ways[0]);
	}
	queries_free(queries);
}

static bool
run_kind(enum data_class class)
{
	struct data *data = data_make(class, options.table, options.entries, 1);
	const char *paths[SEGMENT_MANY_PATHS];
	size_t count = segment_many_paths(paths);
	static struct way ways[WAYS_MOST];
	if (data == NULL)
		return false;
	struct subject *base = subject_build(data);
	for (size_t i = 0; i < count + 2; i++) {
		ways[i].path = paths[i < count ? i : 0];
		ways[i].pages = i < count ? AS_MAPPED : i == count ? SMALL : COPY;
		way_open(&ways[i], base);
	}
	for (int stream = 0; stream <= STREAM_HIT; stream++)
		run_stream(ways, count + 2, (enum data_stream)stream);
	for (size_t i = 0; i < count + 2; i++)
		subject_close(&ways[i].subject);
	subject_free(base);
	data_free(data);
	return true;
}

int
main(int argc, char **argv)
{
	if (!choice_read(&options, SLICES_MOST, NULL, argc, argv)) {
		fprintf(stderr, "usage: bench_ways [--entries N] [--kind KIND]... [--table NAME] [--slices N]\n");
		return 2;
	}
	return choice_each(&options, CHOICE_ALL, run_kind) ? 0 : 1;
}
