/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A survey: which claims of a view does a search ask for, and an index of
 * their keys in order.
 *
 *   survey_takes            one claim: kind, source, expiry, criteria
 *   survey_index_new -> survey_index_build -> survey_index_key* -> survey_index_free
 *
 * The index holds 24 bytes a key and no text: keys are compared 16 bytes at a
 * time, and what is equal is read on from the view. Two orders:
 *
 *   SURVEY_NATURAL  by kind; addresses by number, a prefix before what lies in
 *                   it, texts and digests by their bytes
 *   SURVEY_PLAIN    by the bytes of the line that key_print_entry makes, over
 *                   all kinds: the order of `LC_ALL=C sort`
 *
 * One thread. Borrows the view.
 */
#ifndef QUERY_SURVEY_H
#define QUERY_SURVEY_H

#include "engine/view.h"
#include "query/criteria.h"

struct survey {
	const struct view *view;
	uint64_t now;
	bool expired;                    /* claims that have expired too */
	enum kind kind;                  /* KIND_ANY: all */
	const char *source;              /* NULL: all */
	size_t source_length;
	const struct criteria *criteria; /* NULL: all */
	bool texts;                      /* criteria ask for the key's text */
};

/* The claim of `key` in `segment` is one that is asked for. */
bool
survey_takes(const struct survey *survey, const struct segment *segment, const struct key *key,
	     const struct segment_claim *claim);

enum survey_order {
	SURVEY_NATURAL, /* one row a key */
	SURVEY_PLAIN    /* one row a distinct line; the key has the claim's scope */
};

struct survey_row {
	uint64_t chunk[2]; /* private: 16 bytes of what it is sorted by */
	uint32_t record;
	uint8_t layer, kind, in_trie, scope;
};

struct survey_index {
	const struct survey *survey;
	enum survey_order order;
	struct survey_row *rows;
	size_t count, capacity;
	size_t limit;        /* rows wanted; 0 = all */
	uint64_t unspelled;  /* SURVEY_PLAIN: claims whose scope the line does not tell */
	char text[KEY_PRINT_BYTES];
};

/* `limit` rows are kept, the first ones, in memory for about twice as many. */
enum status
survey_index_new(const struct survey *survey, enum survey_order order, size_t limit,
		 struct survey_index **index, struct fault *fault);
void
survey_index_free(struct survey_index *index);
/* Walk the view and sort. */
enum status
survey_index_build(struct survey_index *index, struct fault *fault);

/* Key and claims of a row; the key's text is borrowed from the view. False on damage only. */
bool
survey_index_key(const struct survey_index *index, const struct survey_row *row,
		 struct key *key, uint32_t *claims);

/* The row's segment. */
static inline const struct segment *
survey_index_segment(const struct survey_index *index, const struct survey_row *row)
{
	return &index->survey->view->layer[row->layer].segment;
}

#endif
