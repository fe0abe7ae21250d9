/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which filters of a profile take a claim: all of them, where query/judge.h wants the first
 * only. Private to preview*.c.
 *
 *   preview_rows_init -> (preview_rows_layer -> preview_rows_claim*)* -> preview_rows_fini
 *
 *   tag set of a layer -> row       a row is a list of filters, interned: a million sets
 *   row -> filters                  that the same filters take are one row
 *   row, kind -> first filter
 *
 * A row may hold filters that the set leaves open (text and date tags); they
 * are asked of the claim, which leads to a row without open ones.
 *
 * Cost of a layer: each criteria once over all its tag sets (query/criteria_plan.h).
 * Memory: 4 bytes a tag string of the layer, and at most PREVIEW_MATRIX_BYTES.
 */
#ifndef QUERY_PREVIEW_ROWS_H
#define QUERY_PREVIEW_ROWS_H

#include "engine/intern.h"
#include "engine/segment.h"
#include "query/criteria_plan.h"
#include "query/profile.h"

#define PREVIEW_NONE 0xffffu            /* no filter */
#define PREVIEW_OPEN 0x8000u            /* bit of a filter's number in a row: ask the claim */
#define PREVIEW_MATRIX_BYTES (64u << 20)

_Static_assert(PROFILE_FILTERS < PREVIEW_OPEN, "filters and a bit in 16 bits");

struct preview_row {
	bool open;
	uint16_t first[KIND_COUNT]; /* PREVIEW_NONE; meaningless if open */
};

struct preview_rows {
	const struct profile *profile;
	struct criteria_plan *plan;  /* criteria i is that of filter i */
	uint16_t *asked;             /* enabled filters that take tagged claims */
	size_t asked_count;
	struct intern lists;         /* row -> uint16_t[] */
	struct preview_row *rows;    /* as many as lists */
	size_t row_capacity;
	uint32_t untagged;           /* row of claims without tags */
	uint32_t *of_set;            /* of the layer at hand: tag string -> row */
	size_t set_capacity;
	uint16_t *room;              /* filter_count */
};

/* All zero; fini also after a failure. Borrows the profile. */
enum status
preview_rows_init(struct preview_rows *rows, const struct profile *profile, struct fault *fault);
void
preview_rows_fini(struct preview_rows *rows);

/* Go on to this segment: rows stay, sets are its own. */
enum status
preview_rows_layer(struct preview_rows *rows, const struct segment *segment, struct fault *fault);

/* The claim's row, nothing open in it. Profiles cannot ask for a claim's key, so it is not given. */
enum status
preview_rows_claim(struct preview_rows *rows, const struct segment *segment, enum kind kind,
		   const struct segment_claim *claim, uint32_t *row, struct fault *fault);

static inline const uint16_t *
preview_rows_list(const struct preview_rows *rows, uint32_t row, size_t *count)
{
	size_t length;
	const uint8_t *bytes = intern_get(&rows->lists, row, &length);
	*count = length / sizeof(uint16_t);
	return (const uint16_t *)(const void *)bytes; /* every length is even, so is every offset */
}

#endif
