/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counting of a preview at work. Private to preview*.c: preview.c judges claims lists and
 * sums, preview_count.c finds how many keys have which list, preview_limit.c cuts.
 */
#ifndef QUERY_PREVIEW_COUNT_H
#define QUERY_PREVIEW_COUNT_H

#include "query/preview.h"
#include "query/preview_rows.h"

/* Keys of one list of claims, that some filter takes: what a limit sorts. */
struct preview_cut {
	uint64_t expires;
	uint64_t weight;
	uint16_t filter;
	uint8_t kind;
};

struct preview_work {
	const struct view *view;
	const struct profile *profile;
	const struct preview_options *options;
	struct preview *preview;
	struct preview_rows rows;
	struct preview_rows before;          /* of options->before */
	uint64_t (*row_claims)[KIND_COUNT];  /* live claims by row */
	size_t row_capacity;
	uint32_t *stamps;                    /* by filter: the list that counted it last */
	uint32_t stamp;
	unsigned limited_kinds;
	struct preview_cut *cuts;
	size_t cut_count, cut_capacity;
	/* of the layer at hand */
	uint32_t layer;
	uint64_t *lists_used, *tags_used;    /* bit sets: what the snapshot needs of it */
	uint64_t layer_entries[KIND_COUNT];  /* selected */
};

/* `weight` keys of a kind have this claims list in the layer at hand. */
enum status
preview_list(struct preview_work *work, enum kind kind, uint32_t claims, uint64_t weight,
	     struct fault *fault);

/* Calls preview_list for all visible keys, layer by layer, between the two below. */
enum status
preview_count(struct preview_work *work, struct fault *fault);
enum status
preview_layer_begin(struct preview_work *work, uint32_t layer, struct fault *fault);
void
preview_layer_end(struct preview_work *work);

/* Fills the limits of the preview. */
enum status
preview_cut_all(struct preview_work *work, struct fault *fault);

#endif
