/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repute itself: its store opened from files, asked through the public library.
 * Names and URLs are asked as prepared keys (the peers too get them canonical);
 * repute-text is the same from text, so with canonicalisation.
 */
#include <stdlib.h>

#include "bench/peers/peers.h"
#include "bench/subject.h"

static struct subject *open_subject;
static unsigned users;

/* Both variants ask one store. */
static void *
repute_build(const struct data *data)
{
	if (users++ == 0)
		open_subject = subject_build(data);
	return open_subject;
}

static void
repute_free(void *self)
{
	if (--users == 0)
		subject_free(self);
}

static uint64_t
repute_bytes(void *self)
{
	return ((struct subject *)self)->file_bytes;
}

/* Digests and addresses need nothing: their calls take bytes. */
static void
repute_prepare(void *self, const struct queries *queries, size_t from, size_t n)
{
	if (queries->data->key_bytes == 0)
		subject_prepare(self, queries, from, n);
}

static struct answer
repute_one(void *self, const struct queries *queries, size_t i)
{
	struct subject *subject = self;
	subject_find_one(subject, queries, i);
	return (struct answer){subject->hits[i % SUBJECT_BATCH_MOST].found, 0};
}

static void
repute_batch(void *self, const struct queries *queries, size_t from, size_t n,
	     struct answer *answers)
{
	(void)answers;
	subject_find_many(self, queries, from, n);
}

static struct answer
repute_settle(void *self, const struct queries *queries, size_t i)
{
	(void)queries;
	return subject_answer(self, i);
}

static void
text_batch(void *self, const struct queries *queries, size_t from, size_t n,
	   struct answer *answers)
{
	(void)answers;
	subject_prepare(self, queries, from, n);
	subject_find_many(self, queries, from, n);
}

static struct answer
text_one(void *self, const struct queries *queries, size_t i)
{
	struct subject *subject = self;
	subject_prepare(subject, queries, i, 1);
	subject_find_one(subject, queries, i);
	return (struct answer){subject->hits[i % SUBJECT_BATCH_MOST].found, 0};
}

static void
no_prepare(void *self, const struct queries *queries, size_t from, size_t n)
{
	(void)self, (void)queries, (void)from, (void)n;
}

#define ALL_LOOKUPS (FOR_DIGESTS | FOR_TEXTS | FOR_ADDRESSES)

static const struct peer peers[] = {
	{"repute", ALL_LOOKUPS, 0, 0, repute_build, repute_free, repute_one, repute_batch, repute_bytes,
	 repute_prepare, repute_settle},
	{"repute-text", FOR_TEXTS, 0, 0, repute_build, repute_free, text_one, text_batch, repute_bytes,
	 no_prepare, repute_settle},
};

const struct peer_family family_repute = {peers, sizeof(peers) / sizeof(*peers)};
