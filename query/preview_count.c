/* SPDX-License-Identifier: Apache-2.0 */
/* How many visible keys have which list of claims: one pass over the ends of records. */
#include <stdlib.h>
#include <string.h>

#include "query/preview_count.h"

/* A key that a higher layer has too: one less of this list. */
struct hidden {
	uint32_t claims;
	uint8_t layer, kind;
};

struct counter {
	struct preview_work *work;
	struct hidden *hidden; /* by layer and kind */
	size_t hidden_count, hidden_capacity;
	uint32_t *keys;        /* by claims id: keys of the kind at hand */
};

/* --- hidden keys ------------------------------------------------------------------------ */

/* The next lower layer that has the key. What is below that one, it hides itself. */
static enum status
hide_below(struct counter *counter, uint32_t layer, const struct key *key, struct fault *fault)
{
	const struct view *view = counter->work->view;
	enum status status = intern_grow((void **)&counter->hidden, &counter->hidden_capacity,
					 counter->hidden_count + 1, sizeof(*counter->hidden), fault);
	while (status == STATUS_OK && layer-- > 0) {
		uint32_t claims = segment_find(&view->layer[layer].segment, key);
		if (claims == SEGMENT_NONE)
			continue;
		counter->hidden[counter->hidden_count++] =
			(struct hidden){claims, (uint8_t)layer, key->kind};
		break;
	}
	return status;
}

static int
hidden_compare(const void *left, const void *right)
{
	const struct hidden *a = left, *b = right;
	if (a->layer != b->layer)
		return a->layer < b->layer ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

static enum status
find_hidden(struct counter *counter, struct fault *fault)
{
	const struct view *view = counter->work->view;
	enum status status = STATUS_OK;
	for (uint32_t layer = 1; status == STATUS_OK && layer < view->layer_count; layer++) {
		struct segment_cursor cursor = {0};
		struct key key;
		uint32_t claims;
		while (status == STATUS_OK &&
		       segment_next(&view->layer[layer].segment, &cursor, &key, &claims))
			status = hide_below(counter, layer, &key, fault);
	}
	if (status == STATUS_OK && counter->hidden_count > 1)
		qsort(counter->hidden, counter->hidden_count, sizeof(*counter->hidden),
		      hidden_compare);
	return status;
}

/* --- records ----------------------------------------------------------------------------- */

static void
count_table(const struct segment *segment, enum kind kind, uint32_t *keys)
{
	const struct segment_table *table = &segment->table[kind];
	const uint8_t *end = table->records;
	for (uint64_t i = 0; i < table->record_count; i++) {
		struct le32 claims;
		end += table->record_bytes;
		memcpy(&claims, end - sizeof(claims), sizeof(claims));
		if (le32_get(claims) < segment->claim_count)
			keys[le32_get(claims)]++;
	}
}

/* Addresses stand in several layouts, which the cursor knows. */
static void
count_addresses(const struct segment *segment, enum kind kind, uint32_t *keys)
{
	struct segment_cursor cursor = {.kind = kind};
	struct key key;
	uint32_t claims;
	while (segment_next(segment, &cursor, &key, &claims) && cursor.kind == kind)
		if (claims < segment->claim_count)
			keys[claims]++;
}

static void
uncount_hidden(const struct counter *counter, enum kind kind)
{
	uint64_t claim_count = counter->work->view->layer[counter->work->layer].segment.claim_count;
	for (size_t i = 0; i < counter->hidden_count; i++) {
		const struct hidden *hidden = &counter->hidden[i];
		if (hidden->layer == counter->work->layer && hidden->kind == kind &&
		    hidden->claims < claim_count && counter->keys[hidden->claims] > 0)
			counter->keys[hidden->claims]--;
	}
}

static enum status
count_kind(struct counter *counter, enum kind kind, struct fault *fault)
{
	const struct segment *segment = &counter->work->view->layer[counter->work->layer].segment;
	enum status status = STATUS_OK;
	if (segment->keys[kind] == 0)
		return STATUS_OK;
	memset(counter->keys, 0, segment->claim_count * sizeof(*counter->keys));
	if (kind <= KIND_IPV6)
		count_addresses(segment, kind, counter->keys);
	else
		count_table(segment, kind, counter->keys);
	uncount_hidden(counter, kind);
	for (uint64_t i = 1; status == STATUS_OK && i < segment->claim_count; i++)
		if (counter->keys[i] > 0)
			status = preview_list(counter->work, kind, (uint32_t)i, counter->keys[i],
					      fault);
	return status;
}

static enum status
count_layer(struct counter *counter, uint32_t layer, struct fault *fault)
{
	const struct segment *segment = &counter->work->view->layer[layer].segment;
	enum status status = preview_layer_begin(counter->work, layer, fault);
	if (status != STATUS_OK)
		return status;
	counter->keys = calloc(segment->claim_count + 1, sizeof(*counter->keys));
	if (counter->keys == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a preview");
	for (unsigned kind = 0; status == STATUS_OK && kind < KIND_COUNT; kind++)
		status = count_kind(counter, (enum kind)kind, fault);
	free(counter->keys);
	preview_layer_end(counter->work);
	return status;
}

/* The same, key by key: the walk is what lists are checked against. */
static enum status
walk_layer(struct preview_work *work, uint32_t wanted, struct fault *fault)
{
	struct view_cursor cursor = {0};
	struct key key;
	uint32_t layer, claims;
	enum status status = preview_layer_begin(work, wanted, fault);
	while (status == STATUS_OK && view_next(work->view, &cursor, &key, &layer, &claims))
		if (layer == wanted)
			status = preview_list(work, (enum kind)key.kind, claims, 1, fault);
	preview_layer_end(work);
	return status;
}

enum status
preview_count(struct preview_work *work, struct fault *fault)
{
	struct counter counter = {.work = work};
	enum status status = work->options->walk ? STATUS_OK : find_hidden(&counter, fault);
	for (uint32_t i = 0; status == STATUS_OK && i < work->view->layer_count; i++)
		status = work->options->walk ? walk_layer(work, i, fault)
					     : count_layer(&counter, i, fault);
	free(counter.hidden);
	return status;
}
