/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tag.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/category.h"
#include "engine/clock.h"
#include "engine/text.h"

#define QUOTE_BYTES 64     /* of a refused value, in the fault */
#define EXPECTED_BYTES 192 /* what was expected, in the fault */

_Static_assert(LIMIT_TAG_TEXT_BYTES <= UINT8_MAX, "a value's length is one byte");
_Static_assert(LIMIT_CATEGORY_NAME_BYTES <= UINT8_MAX, "a name's length is one byte");
_Static_assert(LIMIT_VALUES_PER_TAG <= UINT8_MAX, "a value count is one byte");

/* One value; several items may belong to one category. */
struct tags_item {
	const struct tag_category *category;
	const char *value; /* set while sorting only: the bytes may move before */
	size_t offset;     /* into tags->bytes */
	uint8_t length;
};

typedef bool value_canon(const struct tag_category *category, const char *text, size_t length,
			 char *canonical, size_t *canonical_length);

static bool
text_canon(const struct tag_category *category, const char *text, size_t length, char *canonical,
	   size_t *canonical_length)
{
	if (length < 1 || length > LIMIT_TAG_TEXT_BYTES || !text_is_plain(text, length))
		return false;
	memcpy(canonical, text, length);
	*canonical_length = length;
	return true;
}

static bool
list_canon(const struct tag_category *category, const char *text, size_t length, char *canonical,
	   size_t *canonical_length)
{
	const char *value = category_value_find(category, text, length);

	if (!value)
		return false;
	*canonical_length = strlen(value);
	memcpy(canonical, value, *canonical_length);
	return true;
}

static bool
date_canon(const struct tag_category *category, const char *text, size_t length, char *canonical,
	   size_t *canonical_length)
{
	char printed[CLOCK_TEXT_BYTES];
	uint64_t seconds;

	if (clock_parse(text, length, &seconds, NULL) != STATUS_OK)
		return false;
	clock_print(seconds, printed);
	*canonical_length = strlen(printed);
	memcpy(canonical, printed, *canonical_length);
	return true;
}

static bool
yesno_canon(const struct tag_category *category, const char *text, size_t length, char *canonical,
	    size_t *canonical_length)
{
	static const char *const words[][5] = {
		{ "yes", "y", "true", "t", "1" },
		{ "no", "n", "false", "f", "0" },
	};

	for (size_t i = 0; i < 10; i++) {
		if (!text_is_word(text, length, words[i / 5][i % 5]))
			continue;
		*canonical_length = strlen(words[i / 5][0]);
		memcpy(canonical, words[i / 5][0], *canonical_length);
		return true;
	}
	return false;
}

bool
tag_number_parse(const char *text, size_t length, int64_t *number)
{
	bool negative = length > 0 && text[0] == '-';
	size_t at = length > 0 && (text[0] == '-' || text[0] == '+');
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	uint64_t sum = 0;

	if (at == length)
		return false;
	for (; at < length; at++) {
		unsigned digit = (unsigned char)text[at] - '0';
		if (digit > 9 || sum > (limit - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	/* 0 - sum in unsigned arithmetic also gives INT64_MIN. */
	*number = (int64_t)(negative ? 0 - sum : sum);
	return true;
}

static bool
number_canon(const struct tag_category *category, const char *text, size_t length,
	     char *canonical, size_t *canonical_length)
{
	char printed[24];
	int64_t number;

	if (!tag_number_parse(text, length, &number) || number < category->min ||
	    number > category->max)
		return false;
	*canonical_length = (size_t)snprintf(printed, sizeof(printed), "%" PRId64, number);
	memcpy(canonical, printed, *canonical_length);
	return true;
}

static const struct type_row {
	const char *name;
	bool bounded;
	value_canon *canon;
	const char *expected; /* NULL: depends on the category */
} types[TAG_TYPE_COUNT] = {
	[TAG_TEXT] = { "text", false, text_canon,
		       "1 to 255 bytes of UTF-8 without control characters" },
	[TAG_LIST] = { "list", true, list_canon, NULL },
	[TAG_DATE] = { "date", false, date_canon, "a time like 2026-11-21T10:00:00Z" },
	[TAG_YESNO] = { "yesno", true, yesno_canon, "yes or no" },
	[TAG_NUMBER] = { "number", true, number_canon, NULL },
};

bool
tag_type_parse(const char *name, size_t length, enum tag_type *type)
{
	for (size_t i = 0; i < TAG_TYPE_COUNT; i++) {
		if (text_is_word(name, length, types[i].name)) {
			*type = (enum tag_type)i;
			return true;
		}
	}
	return false;
}

const char *
tag_type_name(enum tag_type type)
{
	return (unsigned)type < TAG_TYPE_COUNT ? types[type].name : "unknown";
}

bool
tag_type_bounded(enum tag_type type)
{
	return (unsigned)type < TAG_TYPE_COUNT && types[type].bounded;
}

static void
list_expected(const struct tag_category *category, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "one of ");

	for (size_t i = 0; i < category->value_count && used < size; i++) {
		size_t need = strlen(category->values[i]) + strlen(", ...");
		if (used + need >= size) {
			snprintf(text + used, size - used, "...");
			return;
		}
		used += (size_t)snprintf(text + used, size - used, "%s%s", category->values[i],
					 i + 1 < category->value_count ? ", " : "");
	}
}

void
tag_category_expected(const struct tag_category *category, char *text, size_t size)
{
	if (category->type == TAG_LIST)
		list_expected(category, text, size);
	else if (category->type == TAG_NUMBER)
		snprintf(text, size, "a whole number within %" PRId64 "..%" PRId64, category->min,
			 category->max);
	else
		snprintf(text, size, "%s", types[category->type].expected);
}

enum status
tag_value_canon(const struct tag_category *category, const char *text, size_t length,
		char *canonical, size_t *canonical_length, struct fault *fault)
{
	char expected[EXPECTED_BYTES];

	assert((unsigned)category->type < TAG_TYPE_COUNT);
	if (types[category->type].canon(category, text, length, canonical, canonical_length))
		return STATUS_OK;
	if (!fault)
		return STATUS_BAD_TAG;
	tag_category_expected(category, expected, sizeof(expected));
	return fault_set(fault, STATUS_BAD_TAG, NULL, 0, "%.96s: \"%.*s%s\" is not %s",
			 category->name, (int)(length > QUOTE_BYTES ? QUOTE_BYTES : length), text,
			 length > QUOTE_BYTES ? "..." : "", expected);
}

void
tags_fini(struct tags *tags)
{
	free(tags->items);
	free(tags->bytes);
	*tags = (struct tags){ 0 };
}

void
tags_clear(struct tags *tags)
{
	tags->count = 0;
	tags->bytes_length = 0;
}

static bool
category_is(const struct tag_category *a, const struct tag_category *b)
{
	return a == b || strcmp(a->name, b->name) == 0;
}

static bool
reserve_bytes(struct tags *tags, size_t more)
{
	size_t need = tags->bytes_length + more;
	char *grown;

	if (need <= tags->bytes_capacity)
		return true;
	grown = realloc(tags->bytes, need * 2);
	if (!grown)
		return false;
	tags->bytes = grown;
	tags->bytes_capacity = need * 2;
	return true;
}

static bool
reserve_item(struct tags *tags)
{
	size_t capacity = tags->capacity ? tags->capacity * 2 : 16;
	struct tags_item *grown;

	if (tags->count < tags->capacity)
		return true;
	grown = realloc(tags->items, capacity * sizeof(*grown));
	if (!grown)
		return false;
	tags->items = grown;
	tags->capacity = capacity;
	return true;
}

static enum status
item_append(struct tags *tags, const struct tag_category *category, const char *value,
	    size_t length, struct fault *fault)
{
	if (!reserve_item(tags) || !reserve_bytes(tags, length))
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	memcpy(tags->bytes + tags->bytes_length, value, length);
	tags->items[tags->count++] = (struct tags_item){
		.category = category,
		.offset = tags->bytes_length,
		.length = (uint8_t)length,
	};
	tags->bytes_length += length;
	return STATUS_OK;
}

static bool
item_has(const struct tags *tags, const struct tags_item *item, const char *value, size_t length)
{
	return text_compare(tags->bytes + item->offset, item->length, value, length) == 0;
}

/* Values that `tags` has of a category, and whether `value` is one of them. */
static size_t
values_count(const struct tags *tags, const struct tag_category *category, const char *value,
	     size_t length, bool *there)
{
	size_t count = 0;

	*there = false;
	for (size_t i = 0; i < tags->count; i++) {
		if (!category_is(tags->items[i].category, category))
			continue;
		count++;
		if (item_has(tags, &tags->items[i], value, length))
			*there = true;
	}
	return count;
}

static size_t
categories_count(const struct tags *tags)
{
	size_t count = 0;

	for (size_t i = 0; i < tags->count; i++) {
		size_t j = 0;
		while (j < i && !category_is(tags->items[j].category, tags->items[i].category))
			j++;
		count += j == i;
	}
	return count;
}

static enum status
room_check(const struct tags *tags, const struct tag_category *category, size_t values,
	   struct fault *fault)
{
	if (values > 0 && category->type != TAG_LIST)
		return fault_set(fault, STATUS_BAD_TAG, NULL, 0,
				 "%.96s: a second, different value; only lists take several",
				 category->name);
	if (values >= LIMIT_VALUES_PER_TAG)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "%.96s: more than %d values",
				 category->name, LIMIT_VALUES_PER_TAG);
	/* Few items cannot be many categories: the count is for the rare case. */
	if (values == 0 && tags->count >= LIMIT_TAGS_PER_CLAIM &&
	    categories_count(tags) >= LIMIT_TAGS_PER_CLAIM)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "more than %d tags on a claim",
				 LIMIT_TAGS_PER_CLAIM);
	return STATUS_OK;
}

enum status
tags_add(struct tags *tags, const struct tag_category *category, const char *value, size_t length,
	 struct fault *fault)
{
	char canonical[LIMIT_TAG_TEXT_BYTES];
	size_t canonical_length, values;
	bool there;
	enum status status;

	status = tag_value_canon(category, value, length, canonical, &canonical_length, fault);
	if (status != STATUS_OK)
		return status;
	values = values_count(tags, category, canonical, canonical_length, &there);
	if (there)
		return STATUS_OK;
	status = room_check(tags, category, values, fault);
	if (status != STATUS_OK)
		return status;
	return item_append(tags, category, canonical, canonical_length, fault);
}

static bool
has_category(const struct tags *tags, size_t count, const struct tag_category *category)
{
	for (size_t i = 0; i < count; i++) {
		if (category_is(tags->items[i].category, category))
			return true;
	}
	return false;
}

bool
tags_have(const struct tags *tags, const struct tag_category *category)
{
	return has_category(tags, tags->count, category);
}

enum status
tags_add_missing(struct tags *tags, const struct tags *more, struct fault *fault)
{
	size_t old_count = tags->count;
	size_t old_length = tags->bytes_length;
	enum status status = STATUS_OK;

	for (size_t i = 0; i < more->count && status == STATUS_OK; i++) {
		const struct tags_item *item = &more->items[i];
		/* Only what was there before counts, or a list's second value would be lost. */
		if (!has_category(tags, old_count, item->category))
			status = item_append(tags, item->category, more->bytes + item->offset,
					     item->length, fault);
	}
	if (status == STATUS_OK && tags->count > LIMIT_TAGS_PER_CLAIM &&
	    categories_count(tags) > LIMIT_TAGS_PER_CLAIM)
		status = fault_set(fault, STATUS_LIMIT, NULL, 0, "more than %d tags on a claim",
				   LIMIT_TAGS_PER_CLAIM);
	if (status != STATUS_OK) {
		tags->count = old_count;
		tags->bytes_length = old_length;
	}
	return status;
}

static int
item_order(const void *a, const void *b)
{
	const struct tags_item *left = a;
	const struct tags_item *right = b;
	int order = strcmp(left->category->name, right->category->name);

	return order ? order
		     : text_compare(left->value, left->length, right->value, right->length);
}

static void
items_point(struct tags *tags)
{
	for (size_t i = 0; i < tags->count; i++)
		tags->items[i].value = tags->bytes + tags->items[i].offset;
}

static void
items_sort(struct tags *tags)
{
	items_point(tags);
	if (tags->count > 1)
		qsort(tags->items, tags->count, sizeof(*tags->items), item_order);
}

/* The items from `first` on that share its category. */
static size_t
run_length(const struct tags *tags, size_t first)
{
	size_t end = first + 1;

	while (end < tags->count &&
	       category_is(tags->items[end].category, tags->items[first].category))
		end++;
	return end - first;
}

static uint8_t *
short_put(uint8_t *at, const char *bytes, size_t length)
{
	*at = (uint8_t)length;
	memcpy(at + 1, bytes, length);
	return at + 1 + length;
}

/* Bytes that the bounded (or the other) tags take; they are written if `at` is given. */
static size_t
encode_half(const struct tags *tags, bool bounded, uint8_t *at)
{
	size_t total = 0;

	for (size_t first = 0, run; first < tags->count; first += run) {
		const struct tag_category *category = tags->items[first].category;
		run = run_length(tags, first);
		if (tag_type_bounded(category->type) != bounded)
			continue;
		total += 3 + strlen(category->name);
		if (at) {
			*at = (uint8_t)category->type;
			at = short_put(at + 1, category->name, strlen(category->name));
			*at++ = (uint8_t)run;
		}
		for (size_t i = first; i < first + run; i++) {
			total += 1u + tags->items[i].length;
			if (at)
				at = short_put(at, tags->items[i].value, tags->items[i].length);
		}
	}
	return total;
}

enum status
tags_encode(struct tags *tags, const uint8_t **set, size_t *set_length, const uint8_t **notes,
	    size_t *notes_length, struct fault *fault)
{
	size_t set_bytes, notes_bytes;
	uint8_t *start;

	items_sort(tags);
	set_bytes = encode_half(tags, true, NULL);
	notes_bytes = encode_half(tags, false, NULL);
	if (set_bytes > LIMIT_TAGS_BYTES || notes_bytes > LIMIT_TAGS_BYTES)
		return fault_set(fault, STATUS_LIMIT, NULL, 0,
				 "the tags of one claim take more than %d bytes", LIMIT_TAGS_BYTES);
	/* The strings stand behind the values; the next call may write over them. */
	if (!reserve_bytes(tags, set_bytes + notes_bytes + 1))
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	items_point(tags);
	start = (uint8_t *)tags->bytes + tags->bytes_length;
	encode_half(tags, true, start);
	encode_half(tags, false, start + set_bytes);
	*set = start;
	*set_length = set_bytes;
	*notes = start + set_bytes;
	*notes_length = notes_bytes;
	return STATUS_OK;
}

/* A length byte and that many bytes, at least one; NULL if they are not there. */
static const char *
short_take(struct tag_cursor *cursor, size_t *length)
{
	size_t left = cursor->length - cursor->offset;
	const uint8_t *at = cursor->bytes + cursor->offset;

	if (left < 1 || at[0] == 0 || left - 1 < at[0])
		return NULL;
	*length = at[0];
	cursor->offset += 1u + at[0];
	return (const char *)at + 1;
}

static bool
values_take(struct tag_cursor *cursor, struct tag_view *tag)
{
	const char *previous = NULL;
	size_t previous_length = 0;

	for (size_t i = 0; i < tag->value_count; i++) {
		size_t length;
		const char *value = short_take(cursor, &length);
		if (!value)
			return false;
		if (previous && text_compare(previous, previous_length, value, length) >= 0)
			return false;
		previous = value;
		previous_length = length;
	}
	return true;
}

static bool
tag_take(struct tag_cursor *cursor, struct tag_view *tag)
{
	uint8_t type = cursor->bytes[cursor->offset++];

	if (type >= TAG_TYPE_COUNT)
		return false;
	tag->type = (enum tag_type)type;
	tag->name = short_take(cursor, &tag->name_length);
	if (!tag->name || cursor->offset == cursor->length)
		return false;
	if (cursor->last_name &&
	    text_compare((const char *)cursor->last_name, cursor->last_name_length, tag->name,
			 tag->name_length) >= 0)
		return false;
	tag->value_count = cursor->bytes[cursor->offset++];
	if (tag->value_count < 1 || tag->value_count > LIMIT_VALUES_PER_TAG ||
	    (tag->value_count > 1 && tag->type != TAG_LIST))
		return false;
	tag->values = cursor->bytes + cursor->offset;
	return values_take(cursor, tag);
}

bool
tag_next(struct tag_cursor *cursor, struct tag_view *tag)
{
	struct tag_view next;

	if (cursor->bad || cursor->offset >= cursor->length)
		return false;
	if (cursor->length > LIMIT_TAGS_BYTES || cursor->count++ >= LIMIT_TAGS_PER_CLAIM ||
	    !tag_take(cursor, &next)) {
		cursor->bad = true;
		return false;
	}
	cursor->last_name = (const uint8_t *)next.name;
	cursor->last_name_length = (uint8_t)next.name_length;
	*tag = next;
	return true;
}

const char *
tag_value(const struct tag_view *tag, size_t i, size_t *length)
{
	const uint8_t *at = tag->values;

	assert(i < tag->value_count);
	for (; i > 0; i--)
		at += 1u + at[0];
	*length = at[0];
	return (const char *)at + 1;
}
