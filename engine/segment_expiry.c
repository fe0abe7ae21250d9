/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/segment_expiry.h"

#include <stddef.h>

enum status
segment_expiry_attach(struct segment *segment, struct fault *fault)
{
	struct segment_expiry *expiry = &segment->expiry;
	struct section section;
	if (!container_section(&segment->container, FORMAT_EXPIRY, &section))
		return STATUS_OK;
	const struct expiry_d *head = (const struct expiry_d *)section.bytes;
	if (section.length < sizeof(*head) ||
	    (section.length - sizeof(*head)) / sizeof(struct due_d) < le32_get(head->count))
		return fault_set(fault, STATUS_CORRUPT, "EXPO", section.offset,
				 "the order of expiry does not fit its section");
	uint32_t part = le32_get(head->part);
	if (part == 1 || part > EXPIRY_PART_MOST)
		return fault_set(fault, STATUS_CORRUPT, "EXPO",
				 section.offset + offsetof(struct expiry_d, part),
				 "no such part of all keys makes places dear");
	expiry->part = part;
	expiry->count = le32_get(head->count);
	expiry->swept = le64_get(head->swept);
	expiry->dues = section.bytes + sizeof(*head);
	expiry->places = expiry->dues + expiry->count * sizeof(struct due_d);
	expiry->places_length = section.length - (uint64_t)(expiry->places - section.bytes);
	return STATUS_OK;
}

uint64_t
segment_expiry_due(const struct segment *segment, uint32_t number)
{
	if (number >= segment->expiry.count)
		return EXPIRY_NEVER;
	return le40_get(((const struct due_d *)segment->expiry.dues)[number].expires);
}

/* The first due past `time`. */
static uint32_t
first_past(const struct segment *segment, uint64_t time)
{
	uint32_t from = 0, to = segment->expiry.count;
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		if (segment_expiry_due(segment, middle) <= time)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

void
segment_expiry_range(const struct segment *segment, uint64_t after, uint64_t until, uint32_t *from,
		     uint32_t *to)
{
	*from = after == 0 ? 0 : first_past(segment, after);
	*to = first_past(segment, until);
	if (*to < *from)
		*to = *from;
}

/* Where the places of a due begin; those of the last end with the section. */
static uint64_t
places_begin(const struct segment_expiry *expiry, uint32_t number)
{
	uint64_t begin = expiry->places_length;
	if (number < expiry->count)
		begin = le40_get(((const struct due_d *)expiry->dues)[number].places);
	return begin < expiry->places_length ? begin : expiry->places_length;
}

bool
segment_expiry_places(const struct segment *segment, uint32_t number,
		      struct segment_expiry_cursor *cursor)
{
	const struct segment_expiry *expiry = &segment->expiry;
	uint64_t begin = places_begin(expiry, number), end = places_begin(expiry, number + 1);
	*cursor = (struct segment_expiry_cursor){0};
	if (begin >= end)
		return false;
	cursor->places = expiry->places + begin;
	cursor->bits = (end - begin) * 8;
	cursor->low = ((const struct due_d *)expiry->dues)[number].low;
	return true;
}

static bool
take_bit(struct segment_expiry_cursor *cursor)
{
	bool bit = (cursor->places[cursor->bit >> 3] >> (cursor->bit & 7) & 1) != 0;
	cursor->bit++;
	return bit;
}

/* Ones to the end, with which the last byte is filled, are no gap. */
static bool
take_gap(struct segment_expiry_cursor *cursor, uint64_t *gap)
{
	uint64_t high = 0;
	bool ended = false;
	while (!ended && cursor->bit < cursor->bits) {
		ended = !take_bit(cursor);
		high += !ended;
	}
	if (!ended || cursor->low > EXPIRY_LOW_MOST || cursor->bits - cursor->bit < cursor->low)
		return false;
	*gap = high << cursor->low;
	for (unsigned i = 0; i < cursor->low; i++)
		*gap |= (uint64_t)take_bit(cursor) << i;
	return true;
}

static uint64_t
part_records(const struct segment *segment, enum kind kind, bool in_trie)
{
	if (in_trie)
		return segment_prefixes(segment, kind);
	return kind == KIND_IPV4 ? segment->hosts.numbers : segment->table[kind].record_count;
}

bool
segment_expiry_next(const struct segment *segment, struct segment_expiry_cursor *cursor,
		    struct segment_cursor *record)
{
	uint64_t gap;
	if (!take_gap(cursor, &gap))
		return false;
	uint64_t number = cursor->next + gap;
	cursor->next = number + 1;
	for (uint32_t part = 0; part < EXPIRY_PARTS; part++) {
		enum kind kind = part < 4 ? part / 2 : part - 2;
		bool in_trie = part < 4 && part % 2 != 0;
		uint64_t count = part_records(segment, kind, in_trie);
		if (number < count) {
			*record = (struct segment_cursor){kind, in_trie, number};
			return true;
		}
		number -= count;
	}
	return false;
}

/* --- by claims ids ---------------------------------------------------------------------- */

struct marked {
	const struct segment *segment;
	const uint8_t *marks;
	uint8_t mark;
};

static inline bool
is_marked(const struct marked *marked, uint32_t id)
{
	return id < marked->segment->claim_count && marked->marks[id] == marked->mark;
}

/* Each returns the first record from `at` on that is marked; how many there are if none is. */

static uint64_t
marked_host(const struct marked *marked, uint64_t at)
{
	const struct hosts *hosts = &marked->segment->hosts;
	for (; at < hosts->numbers; at++) {
		const struct hosts_line_d *line = &hosts->lines[at / HOSTS_NUMBERS];
		unsigned place = at % HOSTS_NUMBERS;
		if (place >= hosts_count(line))
			at |= HOSTS_NUMBERS - 1; /* the next line */
		else if (is_marked(marked, le32_get(line->claims[place])))
			return at;
	}
	return hosts->numbers;
}

static uint64_t
marked_record(const struct marked *marked, enum kind kind, uint64_t at)
{
	const struct segment_table *table = &marked->segment->table[kind];
	while (at < table->record_count && !is_marked(marked, segment_table_claims(table, at)))
		at++;
	return at;
}

static uint64_t
marked_prefix(const struct marked *marked, enum kind kind, uint64_t at)
{
	struct ptrie_prefix prefix;
	uint64_t count = segment_prefixes(marked->segment, kind);
	while (at < count && !(segment_prefix(marked->segment, kind, at, &prefix) &&
			       is_marked(marked, prefix.claims)))
		at++;
	return at;
}

bool
segment_expiry_marked(const struct segment *segment, const uint8_t *marks, uint8_t mark,
		      struct segment_cursor *cursor, struct segment_cursor *record)
{
	const struct marked marked = {segment, marks, mark};
	while (cursor->kind < KIND_COUNT) {
		enum kind kind = cursor->kind;
		cursor->record = cursor->in_trie     ? marked_prefix(&marked, kind, cursor->record)
				 : kind == KIND_IPV4 ? marked_host(&marked, cursor->record)
						     : marked_record(&marked, kind, cursor->record);
		if (cursor->record < part_records(segment, kind, cursor->in_trie)) {
			*record = *cursor;
			cursor->record++;
			return true;
		}
		bool next_kind = cursor->in_trie || kind > KIND_IPV6;
		*cursor = (struct segment_cursor){kind + next_kind, !next_kind, 0};
	}
	return false;
}

uint64_t
segment_expiry_of(const struct segment *segment, uint32_t claims)
{
	struct segment_claim_cursor cursor = segment_claims(claims);
	struct segment_claim claim;
	uint64_t due = EXPIRY_NEVER;
	while (segment_claim_next(segment, &cursor, &claim))
		if (claim.expires < due)
			due = claim.expires;
	return due;
}
