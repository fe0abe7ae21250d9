/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is measured: a store written by the real builder into a directory, and
 * opened from its files through the public library.
 */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

#include <sys/mman.h>

#include "bench/data.h"
#include "query/repute.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* of <sys/mman.h>, where that is older */
#endif
#define SUBJECT_BATCH_MOST 256
#define SUBJECT_PREPARED 16 /* keys ready at a time for single calls: more would fill the TLB */

struct subject {
	char directory[256];
	const struct data *data;
	struct repute_db *db;
	struct repute_view *view;
	double build_seconds;  /* keys into the builder */
	double write_seconds;  /* laid out, written, synced, published */
	uint64_t hot, warm, cold, file_bytes;
	uint32_t category;     /* id of List Count */
	void (*find_one)(struct subject *, const struct queries *, size_t);
	struct repute_key *keys;
	size_t prepared;       /* keys[0] is this query */
	struct repute_hit hits[SUBJECT_BATCH_MOST];
};

/* Ends the program with a message on failure. */
struct subject *
subject_build(const struct data *data);
void
subject_free(struct subject *subject);

/*
 * A layer over the store: other keys with claims as usual, published; the subject's view stays
 * the old one. subject_reopen: a view of what is published now, mapped anew; the old one stays
 * with the subject that this one was copied from.
 */
void
subject_overlay(const struct subject *subject, const struct data *keys);
void
subject_reopen(struct subject *subject);
/* A store's files and its folder, gone. */
void
subject_remove(const char *directory);
/* The view of subject_reopen, gone. */
void
subject_close(struct subject *subject);

/* Keys of n texts (at most SUBJECT_BATCH_MOST) made ready: not part of a look-up's time. */
void
subject_prepare(struct subject *subject, const struct queries *queries, size_t from, size_t n);
/*
 * Look up one query. Addresses and digests: from their bytes. Names and URLs: its key was prepared.
 */
static inline void
subject_find_one(struct subject *subject, const struct queries *queries, size_t i)
{
	subject->find_one(subject, queries, i);
}
/*
 * Look up n queries by the batch call of the class. The hit of query i, here and
 * above, is hits[i % SUBJECT_BATCH_MOST]; n must not cross a multiple of that.
 */
void
subject_find_many(struct subject *subject, const struct queries *queries, size_t from, size_t n);
/* Nanoseconds a look-up of queries [from, from + n), n a multiple of SUBJECT_BATCH_MOST; keys are made outside of the time. */
enum subject_mode { SUBJECT_ONE, SUBJECT_LAT, SUBJECT_BATCH, SUBJECT_MODES }; /* a loop; a fence between calls; _many */
extern const char *const subject_modes[SUBJECT_MODES];
double
subject_ns(struct subject *subject, const struct queries *queries, enum subject_mode mode, size_t from,
	   size_t n);
/* How many of the first `most` queries, in batches, are answered otherwise than they must be. */
size_t
subject_wrong(struct subject *subject, const struct queries *queries, size_t most);
/* The hit of query i as an answer, its tags read back through the library. */
struct answer
subject_answer(const struct subject *subject, size_t i);

#endif
