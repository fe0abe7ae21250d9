/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of an inspection: equal ones are one, with a count. Bounded by
 * INSPECT_EVENTS and INSPECT_TEXT_BYTES; what does not fit is counted as dropped.
 * Private to inspect*.c.
 */
#ifndef QUERY_INSPECT_EVENTS_H
#define QUERY_INSPECT_EVENTS_H

#include "engine/arena.h"
#include "engine/hash.h"
#include "query/inspect.h"

/* What makes two events equal: no padding, compared as bytes. */
struct inspect_id {
	uint8_t addresses[2][16];
	uint64_t key;       /* hash of the canonical text; ip: 0 */
	uint16_t port;      /* of the destination */
	uint8_t version, protocol, stage, app, side, outcome;
};

/* All zero is valid, but for the seed. */
struct inspect_events {
	struct hash_seed seed;
	struct inspect_event *rows;
	struct inspect_id *ids;
	size_t count, capacity;
	uint32_t *slots;    /* number of a row + 1 */
	size_t slot_mask;
	struct arena texts;
	uint64_t dropped;
};

void
inspect_events_fini(struct inspect_events *events);

/* `event` with its count; its query is copied if it is new. `key`: see inspect_id. */
void
inspect_events_add(struct inspect_events *events, const struct inspect_event *event, uint64_t key);

/* All of `from`, as if they had been added here. */
void
inspect_events_merge(struct inspect_events *events, const struct inspect_events *from);

/* By number of the first packet. Nothing can be added after. */
void
inspect_events_sort(struct inspect_events *events);

#endif
