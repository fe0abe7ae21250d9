/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of which the mirrored source says something, without asking all keys:
 *
 *   layer   the source is none of its sources: nothing to do
 *   lists   of claims, marked if the source is in one
 *   keys    of those lists, by the order of expiry (segment_expiry.h): each list has a due, and
 *           that due its places; where it has none, since too many keys have it, the
 *           claims ids of all records are read, and the key of those only that are marked
 *
 * So what a mirror costs follows from the keys of its source and of what expires with them, not
 * from the store. Whatever the places say, a key is taken by its own claims id.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/author_state.h"
#include "engine/segment_expiry.h"

enum mark {
	MARK_NONE,
	MARK_PLACED, /* its due has places */
	MARK_WALKED  /* found among the claims ids of all records */
};

struct search {
	const struct author *author;
	author_mirror_cb *call;
	void *context;
	uint32_t layer;
	const struct segment *segment;
	uint8_t *marks;      /* enum mark by claims id */
	uint8_t *dues;       /* by number of a due: a marked list has it */
	bool walk;
};

/* --- marks ------------------------------------------------------------------------------- */

/* The number of the mirrored source in a segment; false if it says nothing there. */
static bool
source_number(const struct author *author, const struct segment *segment, uint32_t *number)
{
	size_t wanted_length, length;
	const uint8_t *wanted = intern_get(&author->strings, author->mirror, &wanted_length);
	for (uint32_t i = 0; i < segment->sources.count; i++) {
		const char *name = segment_source(segment, i, &length);
		if (length == wanted_length && memcmp(name, wanted, length) == 0) {
			*number = i;
			return true;
		}
	}
	return false;
}

static enum mark
list_mark(struct search *search, uint64_t due)
{
	struct segment_expiry_cursor places;
	uint32_t first, past;
	if (search->segment->expiry.dues != NULL) {
		segment_expiry_range(search->segment, 0, due, &first, &past);
		if (past > 0 && segment_expiry_due(search->segment, past - 1) == due &&
		    segment_expiry_places(search->segment, past - 1, &places)) {
			search->dues[past - 1] = 1;
			return MARK_PLACED;
		}
	}
	search->walk = true;
	return MARK_WALKED;
}

/* Lists one after the other; id 0 is the removal. */
static void
marks_fill(struct search *search, uint32_t source)
{
	const struct claim_d *claims = (const struct claim_d *)search->segment->claims;
	for (uint64_t i = 1, next; i < search->segment->claim_count; i = next) {
		uint64_t due = EXPIRY_NEVER;
		bool has = false, last = false;
		for (next = i; !last && next < search->segment->claim_count; next++) {
			uint64_t expires = le40_get(claims[next].expires);
			due = expires < due ? expires : due;
			has |= le16_get(claims[next].source) == source;
			last = (claims[next].flags & FORMAT_CLAIM_LAST) != 0;
		}
		if (has)
			search->marks[i] = (uint8_t)list_mark(search, due);
	}
}

/* --- keys ---------------------------------------------------------------------------------- */

/* The key of a record, if its list is marked so, nobody named it, and no layer above has it. */
static enum status
take_record(struct search *search, const struct segment_cursor *record, enum mark mark)
{
	struct segment_cursor cursor = *record;
	struct key key;
	uint32_t id, layer, top;
	if (!segment_next(search->segment, &cursor, &key, &id) ||
	    cursor.record != record->record + 1 || cursor.kind != record->kind ||
	    id >= search->segment->claim_count || search->marks[id] != mark)
		return STATUS_OK;
	if (author_key_find(search->author, &key) != NULL ||
	    !view_find(search->author->view, &key, &layer, &top) || layer != search->layer || top != id)
		return STATUS_OK;
	return search->call(search->context, &key, layer, id);
}

static enum status
take_places(struct search *search)
{
	enum status status = STATUS_OK;
	for (uint32_t i = 0; status == STATUS_OK && i < search->segment->expiry.count; i++) {
		struct segment_expiry_cursor places;
		struct segment_cursor record;
		if (search->dues[i] == 0 || !segment_expiry_places(search->segment, i, &places))
			continue;
		while (status == STATUS_OK &&
		       segment_expiry_next(search->segment, &places, &record))
			status = take_record(search, &record, MARK_PLACED);
	}
	return status;
}

static enum status
walk_all(struct search *search)
{
	struct segment_cursor cursor = {0}, record;
	enum status status = STATUS_OK;
	while (status == STATUS_OK && segment_expiry_marked(search->segment, search->marks,
							    MARK_WALKED, &cursor, &record))
		status = take_record(search, &record, MARK_WALKED);
	return status;
}

/* --- layers -------------------------------------------------------------------------------- */

static enum status
take_layer(struct search *search, struct fault *fault)
{
	uint32_t source;
	enum status status = STATUS_OK;
	search->walk = false;
	if (!source_number(search->author, search->segment, &source))
		return STATUS_OK;
	search->marks = calloc(search->segment->claim_count + 1, 1);
	search->dues = calloc((size_t)search->segment->expiry.count + 1, 1);
	if (search->marks == NULL || search->dues == NULL)
		status = fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to mirror");
	if (status == STATUS_OK) {
		marks_fill(search, source);
		status = take_places(search);
	}
	if (status == STATUS_OK && search->walk)
		status = walk_all(search);
	free(search->marks);
	free(search->dues);
	return status;
}

enum status
author_mirror_each(const struct author *author, author_mirror_cb *call, void *context,
		   struct fault *fault)
{
	struct search search = {.author = author, .call = call, .context = context};
	enum status status = STATUS_OK;
	if (author->mirror == AUTHOR_ALL_SOURCES)
		return STATUS_OK;
	for (uint32_t i = 0; status == STATUS_OK && i < author->view->layer_count; i++) {
		search.layer = i;
		search.segment = &author->view->layer[i].segment;
		status = take_layer(&search, fault);
	}
	return status;
}
