/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_layers: what overlays cost.
 *
 *   bench_layers [--entries 1e7] [--overlay 4e4] [--kind KIND]... [--table NAME] [--slices 31]
 *
 * One store; a view of it is kept before the first overlay, and after one, two and four
 * (other keys of the same table, 40,000 each). Slices of the four views take turns on parts of the
 * stream that lie apart, the order rotates. One line of JSON a stream, mode and number of overlays, with the
 * median ratio to none, slice by slice. Queries are those of the base; `changed` is the share
 * that an overlay answers otherwise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/choice.h"
#include "bench/subject.h"
#include "bench/timer.h"

#define SLICE 16384
#define SLICES_MOST 101
#define STACKS 4

static const size_t overlays[STACKS] = {0, 1, 2, 4};
static const enum subject_mode modes[] = {SUBJECT_ONE, SUBJECT_BATCH};

static struct choice options = {.entries = 10000000, .slices = 31};
static size_t overlay = 40000;

/* The answers, or how many are others than these. */
static size_t
answers_differ(struct subject *subject, const struct queries *queries, struct answer *answers, bool keep)
{
	size_t count = 0;
	for (size_t at = 0; at + 64 <= queries->count; at += 64) {
		if (subject->data->key_bytes == 0)
			subject_prepare(subject, queries, at, 64);
		subject_find_many(subject, queries, at, 64);
		for (size_t i = 0; i < 64; i++) {
			struct answer got = subject_answer(subject, at + i);
			count += memcmp(&got, &answers[at + i], sizeof(got)) != 0;
			if (keep)
				answers[at + i] = got;
		}
	}
	return count;
}

static void
print_case(const struct data *data, enum data_stream stream, enum subject_mode mode, size_t stack,
	   const double *ns, const double *none, double share)
{
	printf("{\"bench\":\"layers\",\"class\":\"%s\",\"table\":\"%s\",\"entries\":%zu,\"stream\":\"%s\","
	       "\"mode\":\"%s\",\"overlays\":%zu,\"overlay_entries\":%zu,\"ns_median\":%.2f,"
	       "\"ratio_to_none\":%.3f,\"changed\":%.5f}\n", data_class_names[data->class], data->table,
	       data->count, data_stream_names[stream], subject_modes[mode], overlays[stack],
	       overlay, timer_median(ns, options.slices),
	       timer_median_ratio(ns, none, options.slices), share);
	fflush(stdout);
}

static void
run_stream(struct subject *stacks, enum data_stream stream)
{
	const struct data *data = stacks[0].data;
	struct queries *queries = data_queries(data, stream, (options.slices + 1) * SLICE);
	struct answer *base = calloc(queries->count, sizeof(*base));
	double share[STACKS];
	answers_differ(&stacks[0], queries, base, true);
	for (size_t k = 0; k < STACKS; k++)
		share[k] = (double)answers_differ(&stacks[k], queries, base, false) / (double)queries->count;
	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		double ns[STACKS][SLICES_MOST];
		for (size_t s = 0; s < options.slices; s++)
			for (size_t turn = 0; turn < STACKS; turn++) {
				size_t k = (turn + s) % STACKS;
				/* a part of its own: views share the base's lines */
				size_t at = (s + k * options.slices / STACKS) % options.slices * SLICE;
				/* each starts from what the slice before left to the caches */
				subject_ns(&stacks[k], queries, modes[m], at, SLICE);
				ns[k][s] = subject_ns(&stacks[k], queries, modes[m], at + SLICE, SLICE);
			}
		for (size_t k = 0; k < STACKS; k++)
			print_case(data, stream, modes[m], k, ns[k], ns[0], share[k]);
	}
	free(base);
	queries_free(queries);
}

/* Keys from..from + count of all; random ones are others by their seed. */
static struct data
part_of(const struct data *all, size_t from, size_t count)
{
	struct data part = *all;
	part.count = count;
	if (all->key_bytes == 0) {
		part.text.offset += from;
		part.text.count = count;
	} else if (all->keys != NULL) {
		part.keys += from * all->key_bytes;
		part.bits += from;
	} else {
		part.seed = data_mix(all->seed + from);
	}
	return part;
}

/* Publish overlays until there are so many; false if the store folded them. */
static bool
stack_up(const struct subject *base, const struct data *all, struct subject *stack, size_t from,
	 size_t to)
{
	struct repute_view_info info;
	for (size_t i = from; i < to; i++) {
		struct data keys = part_of(all, base->data->count + i * overlay, overlay);
		subject_overlay(base, &keys);
	}
	*stack = *base;
	subject_reopen(stack);
	repute_view_info(stack->view, &info);
	if (info.layers == to + 1)
		return true;
	fprintf(stderr, "bench: %u layers where %zu were wanted: the base is too small\n", info.layers,
		to + 1);
	return false;
}

static bool
run_kind(enum data_class class)
{
	size_t more = overlays[STACKS - 1] * overlay, made = 0;
	struct data *data = data_make(class, options.table, options.entries + more, 1);
	struct subject stacks[STACKS];
	bool good = data != NULL && data->count > more;
	if (!good)
		return false;
	struct data all = *data; /* the base is all but the last */
	data->count -= more;
	struct subject *base = subject_build(data);
	for (; made < STACKS && good; made++)
		good = stack_up(base, &all, &stacks[made], made == 0 ? 0 : overlays[made - 1], overlays[made]);
	for (int stream = 0; stream <= STREAM_HIT && good; stream++)
		run_stream(stacks, (enum data_stream)stream);
	while (made-- > 0)
		subject_close(&stacks[made]);
	subject_free(base);
	data_free(data);
	return good;
}

static bool
own_option(const char *name, const char *value)
{
	if (strcmp(name, "--overlay") != 0)
		return false;
	overlay = (size_t)strtod(value, NULL);
	return overlay > 0;
}

int
main(int argc, char **argv)
{
	if (!choice_read(&options, SLICES_MOST, own_option, argc, argv)) {
		fprintf(stderr, "usage: bench_layers [--entries N] [--overlay N] [--kind KIND]... "
				"[--table NAME] [--slices N]\n");
		return 2;
	}
	return choice_each(&options, CHOICE_ALL, run_kind) ? 0 : 1;
}
