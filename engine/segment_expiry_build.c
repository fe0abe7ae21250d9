/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the order of expiry. Lists of claims are few where keys share them, and the
 * records are walked only if some due is to have places:
 *
 *   every list with users -> {due, list, users}, by due -> dues, each list's due
 *   dues of few users: walk all records -> numbers of each due's, ascending -> gaps
 */
#include "engine/segment_expiry_build.h"

#include <stdlib.h>

#include "engine/segment_sort.h"

#define FETCH_AHEAD 16   /* records that do not stand in their order */
#define ONES_AT_ONCE 16u /* bits */

/* Records of one part, in the order of the file. */
struct part {
	uint64_t count;
	/* Claims id as it stands in the file; SEGMENT_NONE where there is no key. */
	uint32_t (*claims)(const void *context, uint64_t record);
	const void *context;
};

struct input {
	const uint8_t *claims;   /* claim_d[claim_count] */
	uint64_t claim_count;
	uint32_t *users;         /* by claims id: keys that have the list, at most UINT32_MAX */
	uint64_t keys;           /* of all parts */
	uint64_t swept;
	uint32_t share;          /* `part` of the file */
	struct part part[EXPIRY_PARTS];
};

/* One due of the section. */
struct due {
	uint64_t expires;
	uint64_t users;
	uint64_t first;  /* of its numbers; of all dues together */
	uint64_t filled; /* numbers there */
	bool placed;
};

struct making {
	const struct input *input;
	struct sort_node *lists; /* hash: the due, scaled; record: the list; flags: its users */
	size_t list_count;
	uint64_t least;          /* of all dues */
	unsigned shift;          /* hash = (due - least) << shift */
	struct due *dues;
	uint32_t due_count;
	uint32_t *due_of;        /* by claims id */
	struct le40 *numbers;    /* those of a due ascending, one due after another */
	uint64_t number_count;
	uint64_t records;        /* numbers there are in all parts */
};

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for the order of expiry");
}

/* --- lists by their due ------------------------------------------------------ */

static const struct claim_d *
claim_at(const struct making *making, uint64_t i)
{
	return (const struct claim_d *)making->input->claims + i;
}

/* The number of the claim that ends a list, and the list's due. */
static uint64_t
list_end(const struct making *making, uint64_t list, uint64_t *due)
{
	uint64_t i = list;
	*due = EXPIRY_NEVER;
	for (; i < making->input->claim_count; i++) {
		uint64_t expires = le40_get(claim_at(making, i)->expires);
		if (expires < *due)
			*due = expires;
		if ((claim_at(making, i)->flags & FORMAT_CLAIM_LAST) != 0)
			break;
	}
	return i;
}

/* Claim 0 is the removal, which has no due. */
static enum status
gather_lists(struct making *making, struct fault *fault)
{
	const struct input *input = making->input;
	uint64_t most = 0, due;
	size_t count = 0;
	making->least = EXPIRY_NEVER;
	for (uint64_t i = 1; i < input->claim_count; i = list_end(making, i, &due) + 1)
		count += input->users[i] != 0;
	making->lists = malloc(count * sizeof(*making->lists) + 1);
	if (making->lists == NULL)
		return no_memory(fault);
	for (uint64_t i = 1, end; i < input->claim_count; i = end + 1) {
		end = list_end(making, i, &due);
		if (input->users[i] == 0)
			continue;
		making->lists[making->list_count++] =
			(struct sort_node){due, (uint32_t)i, input->users[i]};
		making->least = due < making->least ? due : making->least;
		most = due > most ? due : most;
	}
	/* Sorting splits by the first bits, where times of one century are alike. */
	uint64_t range = count == 0 ? 0 : most - making->least;
	making->shift = range == 0 ? 0 : (unsigned)__builtin_clzll(range);
	for (size_t i = 0; i < count; i++)
		making->lists[i].hash = (making->lists[i].hash - making->least) << making->shift;
	return sort_nodes(making->lists, count, fault);
}

static enum status
gather_dues(struct making *making, struct fault *fault)
{
	size_t count = 0;
	for (size_t i = 0; i < making->list_count; i++)
		count += i == 0 || making->lists[i].hash != making->lists[i - 1].hash;
	making->dues = calloc(count + 1, sizeof(*making->dues));
	making->due_of = calloc(making->input->claim_count + 1, sizeof(*making->due_of));
	if (making->dues == NULL || making->due_of == NULL)
		return no_memory(fault);
	for (size_t i = 0; i < making->list_count; i++) {
		const struct sort_node *list = &making->lists[i];
		if (i == 0 || list->hash != list[-1].hash)
			making->dues[making->due_count++].expires =
				(list->hash >> making->shift) + making->least;
		making->dues[making->due_count - 1].users += list->flags;
		making->due_of[list->record] = making->due_count - 1;
	}
	uint64_t share = making->input->share != 0 ? making->input->share : EXPIRY_PART_BEFORE;
	for (uint32_t i = 0; i < making->due_count; i++) {
		struct due *due = &making->dues[i];
		due->placed = due->users * share < making->input->keys;
		due->first = making->number_count;
		making->number_count += due->placed ? due->users : 0;
	}
	return STATUS_OK;
}

/* --- places -------------------------------------------------------------------- */

static void
place_key(struct making *making, uint32_t claims, uint64_t number)
{
	if (claims == SEGMENT_REMOVED || claims >= making->input->claim_count ||
	    making->input->users[claims] == 0)
		return;
	struct due *due = &making->dues[making->due_of[claims]];
	if (due->placed && due->filled < due->users)
		making->numbers[due->first + due->filled++] = le40_make(number);
}

static enum status
place_keys(struct making *making, struct fault *fault)
{
	uint64_t first = 0;
	for (unsigned i = 0; i < EXPIRY_PARTS; i++)
		making->records += making->input->part[i].count;
	if (making->number_count == 0)
		return STATUS_OK;
	making->numbers = malloc((size_t)making->number_count * sizeof(*making->numbers));
	if (making->numbers == NULL)
		return no_memory(fault);
	for (unsigned i = 0; i < EXPIRY_PARTS; i++) {
		const struct part *part = &making->input->part[i];
		for (uint64_t record = 0; record < part->count; record++)
			place_key(making, part->claims(part->context, record), first + record);
		first += part->count;
	}
	return STATUS_OK;
}

/* --- bits ----------------------------------------------------------------------- */

/* The mean gap is about records / users; a Rice code is shortest with 2^low at 0.69 of it. */
static unsigned
low_bits(const struct making *making, const struct due *due)
{
	uint64_t part = making->records / 16 * 11 / due->users;
	return part == 0 ? 0 : 63 - (unsigned)__builtin_clzll(part);
}

static uint64_t
gap_of(const struct making *making, const struct due *due, uint64_t i)
{
	const struct le40 *numbers = making->numbers + due->first;
	return i == 0 ? le40_get(numbers[0]) : le40_get(numbers[i]) - le40_get(numbers[i - 1]) - 1;
}

static uint64_t
places_bytes(const struct making *making, const struct due *due)
{
	unsigned low = low_bits(making, due);
	uint64_t bits = 0;
	for (uint64_t i = 0; i < due->filled; i++)
		bits += (gap_of(making, due, i) >> low) + 1 + low;
	return (bits + 7) / 8;
}

/* At most 56 bits, the others of `value` zero. */
static void
bits_put(uint8_t *bytes, uint64_t *bit, uint64_t value, unsigned count)
{
	uint8_t *at = bytes + (*bit >> 3);
	*bit += count;
	for (value <<= (*bit - count) & 7; value != 0; value >>= 8)
		*at++ |= (uint8_t)value;
}

/* `bytes` are zeroed. The last byte is filled with ones, which begin no gap that ends. */
static void
places_write(const struct making *making, const struct due *due, uint8_t *bytes)
{
	unsigned low = low_bits(making, due);
	uint64_t bit = 0;
	for (uint64_t i = 0; i < due->filled; i++) {
		uint64_t gap = gap_of(making, due, i);
		uint64_t ones = gap >> low;
		for (; ones > ONES_AT_ONCE; ones -= ONES_AT_ONCE)
			bits_put(bytes, &bit, (1u << ONES_AT_ONCE) - 1, ONES_AT_ONCE);
		bits_put(bytes, &bit, ((uint64_t)1 << ones) - 1, (unsigned)ones + 1);
		bits_put(bytes, &bit, gap & (((uint64_t)1 << low) - 1), low);
	}
	while ((bit & 7) != 0)
		bits_put(bytes, &bit, 1, 1);
}

static enum status
write_image(const struct making *making, struct aid_image *image, struct fault *fault)
{
	size_t length = sizeof(struct expiry_d) + (size_t)making->due_count * sizeof(struct due_d);
	size_t places = 0;
	for (uint32_t i = 0; i < making->due_count; i++)
		places += (size_t)places_bytes(making, &making->dues[i]);
	enum status status = aid_image_new(image, length + places, fault);
	if (status != STATUS_OK)
		return status;
	struct expiry_d *head = (struct expiry_d *)image->bytes;
	struct due_d *row = (struct due_d *)(head + 1);
	head->swept = le64_make(making->input->swept);
	head->count = le32_make(making->due_count);
	head->part = le32_make(making->input->share);
	places = 0;
	for (uint32_t i = 0; i < making->due_count; i++, row++) {
		const struct due *due = &making->dues[i];
		row->expires = le40_make(due->expires);
		row->places = le40_make(places);
		if (!due->placed)
			continue;
		row->low = (uint8_t)low_bits(making, due);
		places_write(making, due, image->bytes + length + places);
		places += (size_t)places_bytes(making, due);
	}
	return STATUS_OK;
}

static enum status
make_image(const struct input *input, struct aid_image *image, struct fault *fault)
{
	struct making making = {.input = input};
	enum status status = gather_lists(&making, fault);
	if (status == STATUS_OK)
		status = gather_dues(&making, fault);
	if (status == STATUS_OK)
		status = place_keys(&making, fault);
	if (status == STATUS_OK)
		status = write_image(&making, image, fault);
	free(making.lists);
	free(making.dues);
	free(making.due_of);
	free(making.numbers);
	return status;
}

/* --- where claims ids stand ----------------------------------------------------------- */

#define PART_HOSTS 0

static unsigned
part_prefixes(int kind)
{
	return 2 * (unsigned)kind + 1;
}

static unsigned
part_table(int kind)
{
	return kind == KIND_IPV6 ? 2 : (unsigned)kind + 2;
}

/* A table whose records may stand in another order than in the file. */
struct table {
	const struct segment_table *table;
	const uint32_t *order; /* by place in the file: the record in `table`; NULL: the same */
	const uint32_t *final; /* by claims id of a record: that of the file; NULL: the same */
};

static uint32_t
host_claims(const void *context, uint64_t record)
{
	uint32_t address, claims;
	return hosts_get(context, record, &address, &claims) ? claims : SEGMENT_NONE;
}

static uint32_t
table_claims(const void *context, uint64_t record)
{
	const struct table *place = context;
	const struct segment_table *table = place->table;
	uint64_t ahead = record + FETCH_AHEAD;
	if (place->order != NULL && ahead < table->record_count)
		__builtin_prefetch(table->records +
				   (size_t)(place->order[ahead] + 1) * table->record_bytes - 1);
	if (place->order != NULL)
		record = place->order[record];
	uint32_t claims = segment_table_claims(table, record);
	return place->final != NULL ? place->final[claims] : claims;
}

/* --- of a builder -------------------------------------------------------------------------- */

static uint32_t
entry_claims(const void *context, uint64_t record)
{
	return ((const struct ptrie_entry *)context)[record].claims;
}

/* Keys of each list, by its number in the file. */
static void
final_users(const struct segment_build *build, const uint32_t *list_final, uint32_t *users)
{
	for (uint32_t i = 1; i < build->lists.count && i < build->list_used_capacity; i++)
		if (build->list_used[i] != 0)
			users[list_final[i]] = build->list_users[i];
}

enum status
segment_expiry_of_build(const struct segment_build *build, const struct segment_table *table,
			const struct layout *layout, const uint32_t *list_final,
			const struct aid_image *claims, struct aid_image *image,
			struct fault *fault)
{
	struct hosts hosts = {.lines = (const struct hosts_line_d *)layout[KIND_IPV4].lines,
			      .numbers = layout[KIND_IPV4].lines_count * HOSTS_NUMBERS};
	struct table place[KIND_COUNT];
	struct input input = {
		.claims = claims->bytes, .claim_count = claims->length / sizeof(struct claim_d),
		.keys = segment_build_count(build), .swept = build->swept, .share = EXPIRY_PART,
	};
	*image = (struct aid_image){0};
	if (input.keys < EXPIRY_KEYS_FEW && input.swept == 0)
		return STATUS_OK;
	input.users = calloc((size_t)input.claim_count + 1, sizeof(*input.users));
	if (input.users == NULL)
		return no_memory(fault);
	final_users(build, list_final, input.users);
	input.part[PART_HOSTS] = (struct part){hosts.numbers, host_claims, &hosts};
	for (int kind = KIND_IPV4; kind <= KIND_IPV6; kind++)
		input.part[part_prefixes(kind)] = (struct part){build->kind[kind].prefix_count,
								entry_claims,
								build->kind[kind].prefixes};
	for (int kind = KIND_IPV6; kind < KIND_COUNT; kind++) {
		place[kind] = (struct table){&table[kind], layout[kind].order, list_final};
		input.part[part_table(kind)] = (struct part){build->kind[kind].count, table_claims,
							     &place[kind]};
	}
	enum status status = make_image(&input, image, fault);
	free(input.users);
	return status;
}

/* --- of a segment ---------------------------------------------------------------------------- */

static uint32_t
prefix4_claims(const void *context, uint64_t record)
{
	struct ptrie_prefix prefix;
	return segment_prefix(context, KIND_IPV4, record, &prefix) ? prefix.claims : SEGMENT_NONE;
}

static uint32_t
prefix6_claims(const void *context, uint64_t record)
{
	struct ptrie_prefix prefix;
	return segment_prefix(context, KIND_IPV6, record, &prefix) ? prefix.claims : SEGMENT_NONE;
}

static void
count_users(struct input *input)
{
	for (unsigned i = 0; i < EXPIRY_PARTS; i++)
		for (uint64_t record = 0; record < input->part[i].count; record++) {
			uint32_t id = input->part[i].claims(input->part[i].context, record);
			input->keys += id != SEGMENT_NONE;
			if (id != SEGMENT_REMOVED && id < input->claim_count)
				input->users[id] += input->users[id] != UINT32_MAX;
		}
}

enum status
segment_expiry_of_segment(const struct segment *segment, struct aid_image *image,
			  struct fault *fault)
{
	struct table place[KIND_COUNT];
	struct input input = {
		.claims = segment->claims, .claim_count = segment->claim_count,
		.swept = segment->expiry.swept, .share = segment->expiry.part,
	};
	*image = (struct aid_image){0};
	input.users = calloc((size_t)segment->claim_count + 1, sizeof(*input.users));
	if (input.users == NULL)
		return no_memory(fault);
	input.part[PART_HOSTS] = (struct part){segment->hosts.numbers, host_claims, &segment->hosts};
	input.part[part_prefixes(KIND_IPV4)] =
		(struct part){segment_prefixes(segment, KIND_IPV4), prefix4_claims, segment};
	input.part[part_prefixes(KIND_IPV6)] =
		(struct part){segment_prefixes(segment, KIND_IPV6), prefix6_claims, segment};
	for (int kind = KIND_IPV6; kind < KIND_COUNT; kind++) {
		place[kind] = (struct table){&segment->table[kind], NULL, NULL};
		input.part[part_table(kind)] = (struct part){segment->table[kind].record_count,
							     table_claims, &place[kind]};
	}
	count_users(&input);
	enum status status = STATUS_OK;
	if (input.keys >= EXPIRY_KEYS_FEW || input.swept != 0)
		status = make_image(&input, image, fault);
	free(input.users);
	return status;
}
