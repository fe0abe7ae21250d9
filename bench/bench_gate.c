/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_gate: what `make bench-gate` counts, to be run by bench/gate under
 *
 *   valgrind --tool=callgrind --instr-atstart=no --collect-atstart=no
 *
 * Each case is counted alone and dumped under its name, "KIND case operations".
 * Keys, queries and the seed of the store are fixed; so is the choice of instruction
 * set, because callgrind shows the program a processor without AVX-512. A first line
 * "path NAME" says which it is. Built without valgrind's header it counts nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#define CALLGRIND_TOGGLE_COLLECT
#define CALLGRIND_DUMP_STATS_AT(name) ((void)(name), exit(77))
#endif

#include "bench/subject.h"
#include "engine/segment_many.h"

#define ENTRIES 20000
#define QUERIES 4096
#define BATCH 64
#define OPENS 16

/* What is counted is dumped under this name, and the count begins anew. */
static void
case_end(const char *kind, const char *what, size_t operations)
{
	char name[64];
	snprintf(name, sizeof(name), "%s %s %zu", kind, what, operations);
	CALLGRIND_DUMP_STATS_AT(name);
}

static void
count_look_ups(struct subject *subject, const struct queries *queries, const char *stream, bool batch)
{
	char name[32];
	snprintf(name, sizeof(name), "%s-%s", stream, batch ? "batch" : "one");
	for (size_t at = 0; at < QUERIES; at += BATCH) {
		if (subject->data->key_bytes == 0)
			subject_prepare(subject, queries, at, BATCH);
		CALLGRIND_TOGGLE_COLLECT;
		if (batch)
			subject_find_many(subject, queries, at, BATCH);
		for (size_t i = 0; i < BATCH && !batch; i++)
			subject_find_one(subject, queries, at + i);
		CALLGRIND_TOGGLE_COLLECT;
	}
	case_end(data_class_names[subject->data->class], name, QUERIES);
}

static void
count_open(const struct subject *subject)
{
	struct repute_db *db;
	CALLGRIND_TOGGLE_COLLECT;
	for (size_t i = 0; i < OPENS; i++) {
		if (repute_open(subject->directory, NULL, &db, NULL) != REPUTE_OK)
			exit(2);
		repute_close(db);
	}
	CALLGRIND_TOGGLE_COLLECT;
	case_end(data_class_names[subject->data->class], "open", OPENS);
}

/* Text to key: names and URLs as they are canonical, and URLs as they came. */
static void
count_canon(const struct data *data, const struct list *texts, const char *what)
{
	static struct repute_key key;
	size_t count = texts->count < QUERIES ? texts->count : QUERIES;
	CALLGRIND_TOGGLE_COLLECT;
	for (size_t i = 0; i < count; i++) {
		size_t length;
		const char *text = list_text(texts, i, &length);
		if (repute_key_text((enum repute_kind)data->class, text, length, &key) != REPUTE_OK)
			exit(2);
	}
	CALLGRIND_TOGGLE_COLLECT;
	case_end(data_class_names[data->class], what, count);
}

/* URLs with what a browser would clean up: half as they came are canonical already. */
static void
spoil(const struct list *from, struct list *to)
{
	for (size_t i = 0; i < from->count && i < QUERIES; i++) {
		char text[1200];
		size_t length;
		const char *url = list_text(from, i, &length);
		int end = i % 3 == 0 ? snprintf(text, sizeof(text), "%.*s/a/../%%41b", (int)length, url) :
			  i % 3 == 1 ? snprintf(text, sizeof(text), "  %.*s#part", (int)length, url) :
				       snprintf(text, sizeof(text), "%.*s//c?d=E F", (int)length, url);
		list_add(to, text, (size_t)end);
	}
}

static struct bench_kind {
	struct data *data;
	struct subject *subject;
	struct queries *miss, *hit;
} kinds[CLASS_CANON];

static void
kind_build(enum data_class class)
{
	struct bench_kind *kind = &kinds[class];
	kind->data = data_make(class, NULL, ENTRIES, 1);
	if (kind->data == NULL)
		exit(2);
	kind->subject = subject_build(kind->data);
	kind->miss = data_queries(kind->data, STREAM_MISS, QUERIES);
	kind->hit = data_queries(kind->data, STREAM_HIT, QUERIES);
}

static void
kind_count(const struct bench_kind *kind)
{
	for (int batch = 0; batch < 2; batch++) {
		count_look_ups(kind->subject, kind->miss, "miss", batch);
		count_look_ups(kind->subject, kind->hit, "hit", batch);
	}
	count_open(kind->subject);
	if (kind->data->key_bytes == 0)
		count_canon(kind->data, &kind->data->text, "canon-clean");
}

static void
kind_free(struct bench_kind *kind)
{
	queries_free(kind->miss);
	queries_free(kind->hit);
	subject_free(kind->subject);
	data_free(kind->data);
}

int
main(void)
{
	const char *paths[SEGMENT_MANY_PATHS];
	struct list spoilt = {0};
	segment_many_paths(paths);
	printf("path %s\n", paths[0]);
	for (unsigned class = 0; class < CLASS_CANON; class++)
		kind_build((enum data_class)class);
	spoil(&kinds[CLASS_URL].data->text, &spoilt);
	/* once: building is not slowed down, and counts begun twice come out wrong */
	CALLGRIND_START_INSTRUMENTATION;
	for (unsigned class = 0; class < CLASS_CANON; class++)
		kind_count(&kinds[class]);
	count_canon(kinds[CLASS_URL].data, &spoilt, "canon-dirty");
	CALLGRIND_STOP_INSTRUMENTATION;
	list_free(&spoilt);
	for (unsigned class = 0; class < CLASS_CANON; class++)
		kind_free(&kinds[class]);
	return 0;
}
