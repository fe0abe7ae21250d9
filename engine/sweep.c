/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "engine/segment_expiry.h"

struct sweep {
	const struct view *view;
	uint64_t now;
	struct author *author;
	struct sweep_counts *counts;
	struct fault *fault;
	uint32_t layer;
	const struct segment *segment; /* of the layer */
	uint64_t after;                /* what was due by then is hidden by a layer above; 0: nothing is */
	uint32_t from, to;             /* dues of the segment that lie in (after, now] */
	uint8_t *marks;                /* by claims id: a list that is looked for among all records */
};

/* --- one key --------------------------------------------------------------------------- */

/* Is the key seen at all, or hidden by a layer above? */
static bool
is_visible(const struct sweep *sweep, const struct key *key, uint32_t claims)
{
	uint32_t layer, top;
	return view_find(sweep->view, key, &layer, &top) && layer == sweep->layer && top == claims;
}

static enum status
sweep_key(struct sweep *sweep, const struct key *key, uint32_t id)
{
	struct segment_claim_cursor cursor = segment_claims(id);
	struct segment_claim claim;
	enum status status = STATUS_OK;
	if (!is_visible(sweep, key, id))
		return STATUS_OK;
	while (status == STATUS_OK && segment_claim_next(sweep->segment, &cursor, &claim)) {
		size_t length;
		const char *source = segment_source(sweep->segment, claim.source, &length);
		if (claim.expires > sweep->now)
			continue;
		sweep->counts->claims++;
		status = author_remove(sweep->author, key, 1u << (claim.scope & 3), source, length,
				       sweep->fault);
	}
	return status;
}

/* --- by places --------------------------------------------------------------------------- */

/* A key that is to be looked at: what it says is read from its claims again. */
static enum status
sweep_record(struct sweep *sweep, const struct segment_cursor *record)
{
	struct segment_cursor cursor = *record;
	struct key key;
	uint32_t id;
	if (!segment_next(sweep->segment, &cursor, &key, &id) ||
	    cursor.record != record->record + 1 || cursor.kind != record->kind)
		return STATUS_OK;
	return sweep_key(sweep, &key, id);
}

/* Every due that has places; *walk: some have none. */
static enum status
sweep_places(struct sweep *sweep, bool *walk)
{
	enum status status = STATUS_OK;
	for (uint32_t i = sweep->from; status == STATUS_OK && i < sweep->to; i++) {
		struct segment_expiry_cursor cursor;
		struct segment_cursor record;
		if (!segment_expiry_places(sweep->segment, i, &cursor))
			*walk = true;
		while (status == STATUS_OK && segment_expiry_next(sweep->segment, &cursor, &record)) {
			sweep->counts->read++;
			status = sweep_record(sweep, &record);
		}
	}
	return status;
}

/* --- by all records ------------------------------------------------------------------------ */

/* Is a list of this due one that is looked for among all records? */
static bool
due_is_walked(const struct sweep *sweep, uint64_t due)
{
	struct segment_expiry_cursor places;
	uint32_t first, past;
	if (due > sweep->now || (due <= sweep->after && sweep->after != 0))
		return false;
	if (sweep->segment->expiry.dues == NULL)
		return true;
	segment_expiry_range(sweep->segment, 0, due, &first, &past);
	return past > 0 && segment_expiry_due(sweep->segment, past - 1) == due &&
	       !segment_expiry_places(sweep->segment, past - 1, &places);
}

/* Backwards, since a list is found by its first claim. False if nothing is marked. */
static bool
marks_fill(const struct sweep *sweep)
{
	const struct claim_d *claims = (const struct claim_d *)sweep->segment->claims;
	uint64_t due = EXPIRY_NEVER;
	bool any = false;
	for (uint64_t i = sweep->segment->claim_count; i-- > 1;) {
		uint64_t expires = le40_get(claims[i].expires);
		if ((claims[i].flags & FORMAT_CLAIM_LAST) != 0 || expires < due)
			due = expires;
		sweep->marks[i] = due_is_walked(sweep, due);
		any |= sweep->marks[i] != 0;
	}
	return any;
}

static enum status
sweep_all(struct sweep *sweep)
{
	const struct segment *segment = sweep->segment;
	struct segment_cursor cursor = {0}, record;
	enum status status = STATUS_OK;
	if (!marks_fill(sweep))
		return STATUS_OK;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		sweep->counts->read += segment->keys[kind];
	while (status == STATUS_OK &&
	       segment_expiry_marked(segment, sweep->marks, 1, &cursor, &record))
		status = sweep_record(sweep, &record);
	return status;
}

static enum status
sweep_marked(struct sweep *sweep)
{
	sweep->marks = calloc(sweep->segment->claim_count + 1, 1);
	if (sweep->marks == NULL)
		return fault_set(sweep->fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	enum status status = sweep_all(sweep);
	free(sweep->marks);
	return status;
}

/* --- layers -------------------------------------------------------------------------------- */

static uint64_t
swept_above(const struct view *view, uint32_t layer)
{
	uint64_t swept = 0;
	for (uint32_t i = layer + 1; i < view->layer_count; i++)
		if (view->layer[i].segment.expiry.swept > swept)
			swept = view->layer[i].segment.expiry.swept;
	return swept;
}

/* False if the layer has nothing that is due; a layer without the order of expiry may have. */
static bool
layer_begin(struct sweep *sweep, uint32_t layer)
{
	sweep->layer = layer;
	sweep->segment = &sweep->view->layer[layer].segment;
	sweep->after = swept_above(sweep->view, layer);
	sweep->from = sweep->to = 0;
	if (sweep->segment->expiry.dues == NULL)
		return true;
	segment_expiry_range(sweep->segment, sweep->after, sweep->now, &sweep->from, &sweep->to);
	return sweep->from < sweep->to;
}

/* Without the order of expiry: the lists of claims are few, or small as a whole. */
static bool
lists_due(const struct sweep *sweep)
{
	struct segment_claim_cursor cursor = {1, LIMIT_CLAIMS_PER_KEY};
	struct segment_claim claim;
	uint64_t due = EXPIRY_NEVER;
	while (segment_claim_next(sweep->segment, &cursor, &claim)) {
		due = claim.expires < due ? claim.expires : due;
		if (cursor.left > 0)
			continue;
		if (due_is_walked(sweep, due))
			return true;
		cursor.left = LIMIT_CLAIMS_PER_KEY;
		due = EXPIRY_NEVER;
	}
	return false;
}

bool
sweep_due(const struct view *view, uint64_t now)
{
	struct sweep sweep = {.view = view, .now = now};
	for (uint32_t i = 0; i < view->layer_count; i++)
		if (layer_begin(&sweep, i) && (sweep.segment->expiry.dues != NULL ||
					       lists_due(&sweep)))
			return true;
	return false;
}

enum status
sweep_expired(const struct view *view, uint64_t now, struct author *author,
	      struct sweep_counts *counts, struct fault *fault)
{
	struct sweep sweep = {.view = view, .now = now, .author = author, .counts = counts,
			      .fault = fault};
	enum status status = STATUS_OK;
	*counts = (struct sweep_counts){0};
	for (uint32_t i = 0; i < view->layer_count && status == STATUS_OK; i++) {
		if (!layer_begin(&sweep, i))
			continue;
		bool walk = sweep.segment->expiry.dues == NULL;
		status = sweep_places(&sweep, &walk);
		if (status == STATUS_OK && walk)
			status = sweep_marked(&sweep);
	}
	return status;
}

enum status
sweep_write(struct store_write *write, uint64_t now, struct sweep_counts *swept,
	    struct author_counts *counts, struct fault *fault)
{
	const struct view *view = store_write_view(write);
	struct author *author;
	enum status status = author_new(view, now, &author, fault);
	if (status != STATUS_OK)
		return status;
	status = sweep_expired(view, now, author, swept, fault);
	if (status == STATUS_OK)
		status = author_finish(author, store_write_build(write), counts, fault);
	author_free(author);
	if (status == STATUS_OK)
		segment_build_swept(store_write_build(write), now);
	return status;
}
