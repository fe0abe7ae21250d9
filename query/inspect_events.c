/* SPDX-License-Identifier: Apache-2.0 */
#include "query/inspect_events.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct inspect_id) == 48, "padding would be compared");

void
inspect_events_fini(struct inspect_events *events)
{
	free(events->rows);
	free(events->ids);
	free(events->slots);
	arena_fini(&events->texts);
	memset(events, 0, sizeof(*events));
}

/* --- finding --------------------------------------------------------------------------------- */

static void
id_make(struct inspect_id *id, const struct inspect_event *event, uint64_t key)
{
	memset(id, 0, sizeof(*id));
	memcpy(id->addresses, event->place.addresses, sizeof(id->addresses));
	id->key = key;
	id->port = event->place.has_ports ? event->place.ports[1] : 0;
	id->version = event->place.version;
	id->protocol = event->place.protocol;
	id->stage = event->stage;
	id->app = event->app;
	id->side = event->side;
	id->outcome = event->verdict.outcome;
}

static size_t
home_of(const struct inspect_events *events, const struct inspect_id *id)
{
	uint64_t words[6];
	memcpy(words, id, sizeof(words));
	return (size_t)(hash_words(events->seed, words[0], words[1], words[2], words[3]) ^
			hash_words(events->seed, words[4], words[5], 1, 2));
}

/* The slot that has the id, or the empty one where it belongs. */
static uint32_t *
slot_of(const struct inspect_events *events, const struct inspect_id *id)
{
	size_t at = home_of(events, id) & events->slot_mask;
	while (events->slots[at] != 0 &&
	       memcmp(&events->ids[events->slots[at] - 1], id, sizeof(*id)) != 0)
		at = (at + 1) & events->slot_mask;
	return &events->slots[at];
}

/* --- growing ---------------------------------------------------------------------------------- */

static bool
grow_slots(struct inspect_events *events, size_t capacity)
{
	uint32_t *slots = calloc(capacity * 2, sizeof(*slots));
	if (slots == NULL)
		return false;
	free(events->slots);
	events->slots = slots;
	events->slot_mask = capacity * 2 - 1;
	for (size_t i = 0; i < events->count; i++)
		*slot_of(events, &events->ids[i]) = (uint32_t)i + 1;
	return true;
}

/* At most half of the slots are taken. */
static bool
room(struct inspect_events *events)
{
	size_t capacity = events->capacity != 0 ? events->capacity * 2 : 256;
	if (events->count < events->capacity)
		return true;
	if (events->count >= INSPECT_EVENTS)
		return false;
	struct inspect_event *rows = realloc(events->rows, capacity * sizeof(*rows));
	if (rows != NULL)
		events->rows = rows;
	struct inspect_id *ids = realloc(events->ids, capacity * sizeof(*ids));
	if (ids != NULL)
		events->ids = ids;
	if (rows == NULL || ids == NULL || !grow_slots(events, capacity))
		return false;
	events->capacity = capacity;
	return true;
}

static bool
query_copy(struct inspect_events *events, struct inspect_event *row)
{
	if (row->query == NULL)
		return true;
	if (events->texts.total + row->query_length > INSPECT_TEXT_BYTES)
		return false;
	char *copy = arena_take(&events->texts, row->query_length + 1);
	if (copy == NULL)
		return false;
	memcpy(copy, row->query, row->query_length);
	copy[row->query_length] = '\0';
	row->query = copy;
	return true;
}

/* --- adding ------------------------------------------------------------------------------------ */

static void
add(struct inspect_events *events, const struct inspect_event *event, const struct inspect_id *id)
{
	struct inspect_event row = *event;
	uint32_t *slot = events->slots != NULL ? slot_of(events, id) : NULL;
	if (slot != NULL && *slot != 0) {
		struct inspect_event *old = &events->rows[*slot - 1];
		uint64_t count = old->count + row.count;
		uint64_t first = row.first_micros < old->first_micros ? row.first_micros
								       : old->first_micros;
		uint64_t last = row.last_micros > old->last_micros ? row.last_micros
								    : old->last_micros;
		if (row.number < old->number && query_copy(events, &row))
			*old = row;
		old->count = count;
		old->first_micros = first;
		old->last_micros = last;
	} else if (room(events) && query_copy(events, &row)) {
		events->rows[events->count] = row;
		events->ids[events->count] = *id;
		events->count++;
		*slot_of(events, id) = (uint32_t)events->count;
	} else {
		events->dropped += event->count;
	}
}

void
inspect_events_add(struct inspect_events *events, const struct inspect_event *event, uint64_t key)
{
	struct inspect_id id;
	id_make(&id, event, key);
	add(events, event, &id);
}

void
inspect_events_merge(struct inspect_events *events, const struct inspect_events *from)
{
	for (size_t i = 0; i < from->count; i++)
		add(events, &from->rows[i], &from->ids[i]);
	events->dropped += from->dropped;
}

static int
row_compare(const void *a, const void *b)
{
	const struct inspect_event *x = a, *y = b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->stage != y->stage)
		return x->stage < y->stage ? -1 : 1;
	if (x->side != y->side)
		return x->side < y->side ? -1 : 1;
	size_t least = x->query_length < y->query_length ? x->query_length : y->query_length;
	int order = x->query != NULL && y->query != NULL ? memcmp(x->query, y->query, least) : 0;
	return order != 0 ? order : (x->query_length > y->query_length) -
					    (x->query_length < y->query_length);
}

void
inspect_events_sort(struct inspect_events *events)
{
	if (events->count > 0)
		qsort(events->rows, events->count, sizeof(*events->rows), row_compare);
}
