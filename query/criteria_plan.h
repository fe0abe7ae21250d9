/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many criteria at once: over many tag sets, and over one claim.
 *
 *   criteria_plan_new -> any of the two below, any number of times -> criteria_plan_free
 *
 *   over tag sets (compiling a profile):
 *     criteria_batch_new -> (criteria_batch_load -> criteria_batch_ask*)* -> criteria_batch_free
 *
 *   over one claim (what the tag set left open):
 *     criteria_claim_read -> criteria_claim_match*
 *
 * The plan is the union of the categories and values that the criteria name. A
 * batch turns up to CRITERIA_BATCH_SETS tag sets into columns: for each category
 * that is asked, which sets have it, and which sets have which value. A
 * comparison is then a bit vector over the sets, and `and`, `or`, `not` are
 * operations on 64 sets at a time.
 *
 * A tag set alone knows nothing of text and date tags (the notes) nor of
 * pseudo-categories, so the answer has three values:
 *
 *            not   | and   F  M  T | or    F  M  T
 *   F false   T    | F     F  F  F | F     F  M  T
 *   M maybe   M    | M     F  M  M | M     M  M  T
 *   T true    F    | T     F  M  T | T     T  T  T
 *
 * TRUE and FALSE hold whatever the notes and the pseudo-categories are (if the
 * notes are not damaged: such a claim matches nothing when asked by itself).
 * MAYBE: ask the claim. A damaged set is FALSE for all.
 *
 * The plan is immutable: any number of threads. It borrows the criteria until
 * criteria_plan_free. A batch and a claim belong to one thread.
 */
#ifndef QUERY_CRITERIA_PLAN_H
#define QUERY_CRITERIA_PLAN_H

#include "query/criteria.h"

#define CRITERIA_BATCH_SETS 65536 /* most sets of one load */
#define CRITERIA_BATCH_WORDS(n) (((size_t)(n) + 63) / 64)

struct criteria_plan;

/*
 * `criteria[i]` is asked as number i; NULL is true of everything. no-memory, or limit past
 * 2^32 nodes, values or categories in all.
 */
enum status
criteria_plan_new(const struct criteria *const *criteria, size_t count,
		  struct criteria_plan **plan, struct fault *fault);
/* NULL is welcome. */
void
criteria_plan_free(struct criteria_plan *plan);

/* True if a tag set alone may leave criteria i open: it asks notes or pseudo-categories. */
bool
criteria_plan_open(const struct criteria_plan *plan, size_t i);

struct criteria_batch;

struct criteria_set {
	const uint8_t *bytes; /* a canonical tag string of bounded tags; any bytes are safe */
	size_t length;
};

/* Borrows the plan until criteria_batch_free. */
enum status
criteria_batch_new(const struct criteria_plan *plan, struct criteria_batch **batch,
		   struct fault *fault);
/* NULL is welcome. */
void
criteria_batch_free(struct criteria_batch *batch);

/*
 * In place of the sets loaded before; at most CRITERIA_BATCH_SETS, more is usage. The
 * bytes are not kept. On failure nothing is loaded.
 * Cost: reading the strings once. Memory: a few bytes for each value on each set.
 */
enum status
criteria_batch_load(struct criteria_batch *batch, const struct criteria_set *sets, size_t n,
		    struct fault *fault);

/* What is known of the notes of the claims that have these sets. */
enum criteria_notes {
	CRITERIA_NOTES_ANY,  /* text and date comparisons are MAYBE */
	CRITERIA_NOTES_NONE  /* there are none: text and date tags are absent */
};

/*
 * Criteria i over all loaded sets, as CRITERIA_BATCH_WORDS(n) words each: bit s (of
 * word s / 64) of `certain` is set where it is TRUE, of `open` where it is MAYBE.
 * Both are written whole; bits past n are 0. Allocates nothing.
 */
void
criteria_batch_ask(struct criteria_batch *batch, size_t i, enum criteria_notes notes,
		   uint64_t *certain, uint64_t *open);

#define CRITERIA_CLAIM_CELLS (2 * LIMIT_TAGS_PER_CLAIM + 8)
#define CRITERIA_CLAIM_PLACES (LIMIT_TAGS_PER_CLAIM * (LIMIT_VALUES_PER_TAG + 1) + 8)

/* One claim, its tags decoded once. Private; about 28 KiB, most of it never touched. */
struct criteria_claim {
	const struct criteria_plan *plan;
	bool bad;                       /* a string is damaged: nothing matches */
	uint32_t count, place_count;
	struct criteria_claim_cell {    /* by column: what is asked and the claim has */
		uint32_t column;
		uint32_t first, count;  /* its values, among the places */
	} cells[CRITERIA_CLAIM_CELLS];
	uint32_t places[CRITERIA_CLAIM_PLACES];
};

/* `subject` is borrowed during the call only. Allocates nothing. */
void
criteria_claim_read(const struct criteria_plan *plan, const struct criteria_subject *subject,
		    struct criteria_claim *claim);

/* The same answer as criteria_match(criteria[i], subject); NULL criteria: true. */
bool
criteria_claim_match(const struct criteria_claim *claim, size_t i);

#endif
