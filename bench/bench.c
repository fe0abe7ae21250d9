/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench: nanoseconds per look-up of a store of one kind, without peers.
 *
 *   bench [--entries 1e6] [--kind KIND]... [--table NAME] [--slices 15]
 *
 * One line of JSON per stream and mode. one: calls in a loop. lat: a fence
 * between the calls. batch: the _many call with 256 keys (64 for names and
 * URLs). Names and URLs are looked up as prepared keys, addresses and digests by their bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/choice.h"
#include "bench/subject.h"
#include "bench/timer.h"

#define SLICE 16384
#define SLICES_MOST 101
#define CHECKED 100000

static struct choice options = {.entries = 1000000, .slices = 15};

static void
print_case(const struct subject *subject, const struct queries *queries, enum data_stream stream,
	   enum subject_mode mode, const double *ns)
{
	const struct data *data = subject->data;
	double n = (double)data->count, least = ns[0];
	for (size_t i = 1; i < options.slices; i++)
		least = ns[i] < least ? ns[i] : least;
	printf("{\"kind\":\"%s\",\"table\":\"%s\",\"stream\":\"%s\",\"mode\":\"%s\",\"entries\":%zu,"
	       "\"hits\":%.4f,\"ns_median\":%.2f,\"ns_min\":%.2f,\"bytes_per_entry\":%.2f,"
	       "\"hot\":%.2f,\"warm\":%.2f,\"cold\":%.2f,\"build_seconds\":%.3f,"
	       "\"write_seconds\":%.3f}\n",
	       data_class_names[data->class], data->table, data_stream_names[stream],
	       subject_modes[mode], data->count, (double)queries->hits / (double)queries->count,
	       timer_median(ns, options.slices), least, (double)subject->file_bytes / n,
	       (double)subject->hot / n, (double)subject->warm / n, (double)subject->cold / n,
	       subject->build_seconds, subject->write_seconds);
	fflush(stdout);
}

static bool
run_stream(struct subject *subject, enum data_stream stream)
{
	struct queries *queries = data_queries(subject->data, stream,
					       options.slices * SUBJECT_MODES * SLICE);
	double ns[SUBJECT_MODES][SLICES_MOST];
	if (queries == NULL)
		return true;
	size_t wrong = subject_wrong(subject, queries, CHECKED);
	if (wrong > 0)
		fprintf(stderr, "bench: %s %s: %zu wrong answers\n",
			data_class_names[subject->data->class], data_stream_names[stream], wrong);
	/* each mode in another part of the stream: none finds what another left in the cache */
	for (size_t slice = 0; slice < options.slices; slice++)
		for (size_t mode = 0; mode < SUBJECT_MODES; mode++)
			ns[mode][slice] = subject_ns(subject, queries, (enum subject_mode)mode,
						     (slice * SUBJECT_MODES + mode) * SLICE, SLICE);
	for (int mode = 0; mode < SUBJECT_MODES; mode++)
		print_case(subject, queries, stream, (enum subject_mode)mode, ns[mode]);
	queries_free(queries);
	return wrong == 0;
}

static bool
run_kind(enum data_class class)
{
	struct data *data = data_make(class, options.table, options.entries, 1);
	bool good = true;
	if (data == NULL)
		return false;
	struct subject *subject = subject_build(data);
	for (int stream = 0; stream < STREAM_COUNT; stream++)
		good = run_stream(subject, (enum data_stream)stream) && good;
	subject_free(subject);
	data_free(data);
	return good;
}

int
main(int argc, char **argv)
{
#if !defined(__OPTIMIZE__) || !defined(NDEBUG)
	fprintf(stderr, "bench: this is a debug build and would lie; use `make bench`\n");
	return 2;
#endif
	if (!choice_read(&options, SLICES_MOST, NULL, argc, argv)) {
		fprintf(stderr, "usage: bench [--entries N] [--kind KIND]... [--table NAME] [--slices N]\n");
		return 2;
	}
	return choice_each(&options, CHOICE_ALL, run_kind) ? 0 : 1;
}
