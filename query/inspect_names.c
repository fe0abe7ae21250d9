/* SPDX-License-Identifier: Apache-2.0 */
#include "query/inspect_names.h"

#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"

#define TEXT_BYTES (4u * EXTRACT_TEXT_BYTES)
#define STAND_IN "x--"          /* begins a label in the place of one that cannot be asked */
#define STAND_IN_BYTES 19       /* and a hash in hexadecimal */

/* One question. Its text stands in names->text. */
struct slot {
	struct key key;
	struct inspect_event event;
};

struct inspect_names {
	const struct judge *judge;
	uint64_t now;
	bool errors;
	struct inspect_events *events;
	struct inspect_counts *counts;
	size_t used;             /* of text */
	unsigned count;
	struct slot slots[INSPECT_NAMES];
	struct repute_verdict verdicts[INSPECT_NAMES];
	char text[TEXT_BYTES];
};

enum status
inspect_names_new(const struct judge *judge, uint64_t now, bool errors,
		  struct inspect_events *events, struct inspect_counts *counts,
		  struct inspect_names **out, struct fault *fault)
{
	struct inspect_names *names = malloc(sizeof(*names));
	if (names == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for names");
	names->judge = judge;
	names->now = now;
	names->errors = errors;
	names->events = events;
	names->counts = counts;
	names->used = names->count = 0;
	*out = names;
	return STATUS_OK;
}

void
inspect_names_free(struct inspect_names *names)
{
	free(names);
}

/* --- verdicts -------------------------------------------------------------------------------- */

static uint64_t
key_hash(const struct inspect_names *names, const struct key *key)
{
	if (key->kind == KIND_IPV4 || key->kind == KIND_IPV6)
		return hash_text(names->events->seed, key->bytes, sizeof(key->bytes));
	return hash_text(names->events->seed, key_text(key), key->length);
}

static void
verdict_take(struct inspect_names *names, struct slot *slot, const struct repute_verdict *verdict)
{
	unsigned stage = slot->event.stage;
	bool excepted = verdict->exception != REPUTE_NO_ROW;
	names->counts->verdicts[stage][verdict->outcome]++;
	names->counts->exceptions[stage] += excepted;
	if (verdict->outcome == REPUTE_VERDICT_NONE && !excepted)
		return;
	slot->event.verdict = *verdict;
	inspect_events_add(names->events, &slot->event, key_hash(names, &slot->key));
}

/* "Could not tell" is never the same as "not listed". */
static void
verdict_error(struct inspect_names *names, struct inspect_event *event)
{
	names->counts->verdicts[event->stage][REPUTE_VERDICT_ERROR]++;
	event->verdict = (struct repute_verdict){.outcome = REPUTE_VERDICT_ERROR,
						 .filter = REPUTE_NO_ROW,
						 .exception = REPUTE_NO_ROW};
	if (names->errors)
		inspect_events_add(names->events, event,
				   hash_text(names->events->seed, event->query,
					     event->query_length));
}

static void
judge_kind(struct inspect_names *names, enum kind kind)
{
	const struct key *keys[INSPECT_NAMES];
	unsigned of[INSPECT_NAMES], count = 0;
	struct lookup_batch batch = {.kind = kind, .keys = keys};
	for (unsigned i = 0; i < names->count; i++) {
		if (names->slots[i].key.kind != kind)
			continue;
		of[count] = i;
		keys[count++] = &names->slots[i].key;
	}
	if (count == 0)
		return;
	judge_many(names->judge, &batch, count, names->now, names->verdicts);
	for (unsigned i = 0; i < count; i++)
		verdict_take(names, &names->slots[of[i]], &names->verdicts[i]);
}

static void
judge_address(struct inspect_names *names, struct slot *slot)
{
	struct repute_verdict verdict;
	if (slot->key.kind != KIND_IPV4 && slot->key.kind != KIND_IPV6)
		return;
	judge_one(names->judge, &slot->key, names->now, &verdict);
	verdict_take(names, slot, &verdict);
}

void
inspect_names_flush(struct inspect_names *names)
{
	judge_kind(names, KIND_DOMAIN);
	judge_kind(names, KIND_URL);
	for (unsigned i = 0; i < names->count; i++)
		judge_address(names, &names->slots[i]);
	names->count = 0;
	names->used = 0;
}

/* --- questions -------------------------------------------------------------------------------- */

static bool
plain_byte(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
}

/*
 * The name with a stand-in for everything up to the last label that is not plain;
 * false if there is none. `room` holds LIMIT_DOMAIN_BYTES + STAND_IN_BYTES.
 */
static bool
stand_in(const struct inspect_names *names, const char *text, size_t length, char *room,
	 size_t *made)
{
	static const char digits[] = "0123456789abcdef";
	size_t bad = length, cut;
	while (bad > 0 && plain_byte((uint8_t)text[bad - 1]))
		bad--;
	if (bad == 0)
		return false;
	for (cut = bad; cut < length && text[cut] != '.';)
		cut++;
	if (cut == length || length - cut > LIMIT_DOMAIN_BYTES - 4)
		return false;
	uint64_t hash = hash_text(names->events->seed, text, cut);
	size_t label = LIMIT_DOMAIN_BYTES - (length - cut);
	label = label < STAND_IN_BYTES ? label : STAND_IN_BYTES;
	memcpy(room, STAND_IN, 3);
	for (size_t i = 3; i < label; i++)
		room[i] = digits[hash >> (4 * (i - 3)) & 15];
	memcpy(room + label, text + cut, length - cut);
	*made = label + length - cut;
	return true;
}

static bool
name_read(struct inspect_names *names, const struct extract_item *item, const char *text,
	  struct key *key)
{
	static const enum kind addresses[] = {KIND_IPV4, KIND_IPV6};
	size_t length = item->length;
	if (canon_key(KIND_DOMAIN, text, length, NULL, key, NULL) == STATUS_OK)
		return true;
	for (unsigned i = 0; item->app == EXTRACT_HTTP && i < 2; i++) {
		if (canon_key(addresses[i], text, length, NULL, key, NULL) == STATUS_OK)
			return true;
	}
	char room[LIMIT_DOMAIN_BYTES + STAND_IN_BYTES];
	if (item->app != EXTRACT_DNS || !stand_in(names, text, length, room, &length) ||
	    canon_key(KIND_DOMAIN, room, length, NULL, key, NULL) != STATUS_OK)
		return false;
	if (key->borrowed) { /* `room` goes */
		memcpy(key->buffer, room, key->length);
		key->borrowed = 0;
	}
	return true;
}

static enum inspect_stage
stage_of(const struct key *key)
{
	return key->kind == KIND_URL ? INSPECT_URL
	       : key->kind == KIND_DOMAIN ? INSPECT_DOMAIN : INSPECT_IP;
}

static const char *
text_copy(struct inspect_names *names, const char *text, size_t length)
{
	char *copy = names->text + names->used;
	memcpy(copy, text, length);
	names->used += length;
	return copy;
}

static void
event_start(struct inspect_event *event, const struct extract_item *item,
	    const struct inspect_place *place, struct stream_stamp stamp)
{
	memset(event, 0, sizeof(*event));
	event->place = *place;
	event->app = (uint8_t)item->app;
	event->side = INSPECT_NO_SIDE;
	event->count = 1;
	event->number = stamp.number;
	event->first_micros = event->last_micros = stamp.micros;
}

/* A slot is taken if the value can be asked. */
static bool
ask(struct inspect_names *names, const struct inspect_event *event, enum inspect_stage stage,
    bool readable)
{
	struct slot *slot = &names->slots[names->count];
	slot->event = *event;
	slot->event.stage = (uint8_t)stage;
	names->counts->asked[stage]++;
	if (readable)
		names->count++;
	else
		verdict_error(names, &slot->event);
	return readable;
}

/* The host of a URL that was read, or, where it was not, the host by itself. */
static void
take_host(struct inspect_names *names, const struct extract_item *item,
	  struct inspect_event *event, const struct key *url)
{
	struct key *key = &names->slots[names->count].key;
	bool readable;
	const char *host = item->host;
	size_t length = item->host_length;
	if (length > EXTRACT_TEXT_BYTES)
		length = EXTRACT_TEXT_BYTES;
	event->query = text_copy(names, host, length);
	event->query_length = (uint32_t)length;
	if (url != NULL) {
		readable = lookup_host(url, key);
	} else {
		const char *colon = length > 0 ? memrchr(event->query, ':', length) : NULL;
		length = colon != NULL ? (size_t)(colon - event->query) : length;
		readable = canon_key(KIND_DOMAIN, event->query, length, NULL, key, NULL) ==
			   STATUS_OK;
	}
	ask(names, event, readable ? stage_of(key) : INSPECT_DOMAIN, readable);
}

void
inspect_names_take(struct inspect_names *names, const struct extract_item *item,
		   const struct inspect_place *place, struct stream_stamp stamp)
{
	struct inspect_event event;
	if (names->count + 2 > INSPECT_NAMES ||
	    names->used + 2 * EXTRACT_TEXT_BYTES > TEXT_BYTES)
		inspect_names_flush(names);
	struct key *key = &names->slots[names->count].key;
	event_start(&event, item, place, stamp);
	event.query = text_copy(names, item->text, item->length);
	event.query_length = (uint32_t)item->length;
	if (!item->url) {
		bool readable = name_read(names, item, event.query, key);
		ask(names, &event, readable ? stage_of(key) : INSPECT_DOMAIN, readable);
		return;
	}
	bool readable = !item->cut && canon_key(KIND_URL, event.query, item->length, NULL, key,
						NULL) == STATUS_OK;
	ask(names, &event, INSPECT_URL, readable);
	take_host(names, item, &event, readable ? key : NULL);
}
