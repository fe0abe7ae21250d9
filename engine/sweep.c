/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sweep.h"

#include <stdlib.h>
#include <string.h>

struct sweep {
	const struct view *view;
	uint64_t now;
	struct author *author;
	struct sweep_counts *counts;
	struct fault *fault;
	uint32_t layer;
	uint8_t *marks; /* by claim: this or a later one of its list has expired */
};

/* Backwards, since a list is found by its first claim. False if nothing is marked. */
static bool
marks_fill(const struct sweep *sweep, const struct segment *segment)
{
	const struct claim_d *claims = (const struct claim_d *)segment->claims;
	bool any = false, expired = false;

	for (uint64_t i = segment->claim_count; i-- > 1;) {
		expired = (expired && !(claims[i].flags & FORMAT_CLAIM_LAST)) ||
			  le40_get(claims[i].expires) <= sweep->now;
		sweep->marks[i] = expired;
		any |= expired;
	}
	return any;
}

/* Is the key seen at all, or hidden by a layer above? */
static bool
is_visible(const struct sweep *sweep, const struct key *key, uint32_t claims)
{
	uint32_t layer, top;

	return view_find(sweep->view, key, &layer, &top) && layer == sweep->layer && top == claims;
}

static enum status
sweep_key(struct sweep *sweep, const struct segment *segment, const struct key *key, uint32_t id)
{
	struct segment_claim_cursor cursor = segment_claims(id);
	struct segment_claim claim;
	enum status status = STATUS_OK;

	while (status == STATUS_OK && segment_claim_next(segment, &cursor, &claim)) {
		size_t length;
		const char *source = segment_source(segment, claim.source, &length);
		if (claim.expires > sweep->now)
			continue;
		sweep->counts->claims++;
		status = author_remove(sweep->author, key, 1u << claim.scope, source, length,
				       sweep->fault);
	}
	return status;
}

static enum status
sweep_segment(struct sweep *sweep, const struct segment *segment)
{
	struct segment_cursor cursor = { 0 };
	enum status status = STATUS_OK;
	struct key key;
	uint32_t id;

	if (!marks_fill(sweep, segment))
		return STATUS_OK;
	while (status == STATUS_OK && segment_next(segment, &cursor, &key, &id)) {
		sweep->counts->read++;
		if (id < segment->claim_count && sweep->marks[id] && is_visible(sweep, &key, id))
			status = sweep_key(sweep, segment, &key, id);
	}
	return status;
}

enum status
sweep_expired(const struct view *view, uint64_t now, struct author *author,
	      struct sweep_counts *counts, struct fault *fault)
{
	struct sweep sweep = { .view = view, .now = now, .author = author, .counts = counts,
			       .fault = fault };
	enum status status = STATUS_OK;

	*counts = (struct sweep_counts){ 0 };
	for (; sweep.layer < view->layer_count && status == STATUS_OK; sweep.layer++) {
		const struct segment *segment = &view->layer[sweep.layer].segment;
		sweep.marks = calloc(segment->claim_count + 1, 1);
		if (!sweep.marks)
			return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
		status = sweep_segment(&sweep, segment);
		free(sweep.marks);
	}
	return status;
}
