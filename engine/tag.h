/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags: a typed category with its value or values, on one claim.
 *
 * A category has a unique name and a type that never changes. Values are
 * checked and put in canonical text by tag_value_canon():
 *
 *   text    1..255 bytes of UTF-8 without control characters
 *   list    one of the category's fixed values (any case in, defined case out)
 *   date    an instant, RFC 3339 UTC
 *   yesno   "yes" or "no" (in: yes/y/true/t/1, no/n/false/f/0, any case)
 *   number  a whole number within min..max, decimal without leading zeros
 *
 * A set of tags is kept as one canonical string of bytes, so that equal sets
 * are equal bytes wherever they come from:
 *
 *   tag*   by category name in byte order, each category once:
 *   tag    = type u8, name length u8, name, value count u8, value*
 *   value  = length u8, bytes; in byte order, distinct
 *
 * A claim carries two such strings: the *set* (list, yesno, number: bounded
 * values, interned, what filters compile against) and the *notes* (text, date:
 * unbounded values). tags_encode() makes the two.
 */
#ifndef ENGINE_TAG_H
#define ENGINE_TAG_H

#include <stdbool.h>

#include "engine/limits.h"
#include "engine/status.h"

enum tag_type {
	TAG_TEXT = 0,
	TAG_LIST,
	TAG_DATE,
	TAG_YESNO,
	TAG_NUMBER,
	TAG_TYPE_COUNT
};

bool
tag_type_parse(const char *name, size_t length, enum tag_type *type);
const char *
tag_type_name(enum tag_type type);

/* True for list, yesno, number. */
bool
tag_type_bounded(enum tag_type type);

struct tag_category {
	char *name;
	char *description;      /* "" if none */
	enum tag_type type;
	bool service;           /* owned by a service: users cannot change or remove it */
	char **values;          /* list: defined values, in the order of definition */
	size_t value_count;
	int64_t min, max;       /* number */
};

/* What is written for people: "one of High, Medium, Low"; cut to `size` with "...". */
void
tag_category_expected(const struct tag_category *category, char *text, size_t size);

/*
 * Check `text` as a value of `category` and write its canonical form (no NUL)
 * to `canonical` (LIMIT_TAG_TEXT_BYTES), length in *canonical_length.
 * bad-tag; the fault names category, value and what was expected.
 */
enum status
tag_value_canon(const struct tag_category *category, const char *text, size_t length,
		char *canonical, size_t *canonical_length, struct fault *fault);

/* A whole decimal number, sign allowed, that fits; false if it is none. */
bool
tag_number_parse(const char *text, size_t length, int64_t *number);

/* A set being put together; reusable. All zero = empty and valid. */
struct tags {
	struct tags_item *items; /* private to tag.c */
	size_t count, capacity;
	char *bytes;             /* values, private */
	size_t bytes_length, bytes_capacity;
};

void
tags_fini(struct tags *tags);
void
tags_clear(struct tags *tags);

/*
 * Add one value, canonicalised by its category. Adding to a list category
 * joins values; a second, different value of any other type is bad-tag.
 * The category must outlive `tags`. Past LIMIT_TAGS_PER_CLAIM categories or
 * LIMIT_VALUES_PER_TAG values: limit. On failure `tags` is as it was.
 */
enum status
tags_add(struct tags *tags, const struct tag_category *category, const char *value, size_t length,
	 struct fault *fault);

/* Add every tag of `more` for whose category `tags` has no value yet. */
enum status
tags_add_missing(struct tags *tags, const struct tags *more, struct fault *fault);

/* Has it a value of this category? */
bool
tags_have(const struct tags *tags, const struct tag_category *category);

/*
 * The canonical strings; either may come out empty (length 0). The pointers
 * are borrowed until the next call on `tags`. Either past LIMIT_TAGS_BYTES:
 * limit.
 */
enum status
tags_encode(struct tags *tags, const uint8_t **set, size_t *set_length, const uint8_t **notes,
	    size_t *notes_length, struct fault *fault);

/*
 * Walk a canonical string from outside: memory-safe for any bytes. Start with
 * {bytes, length}; tag_next() gives one tag a call, then false. `bad` is set
 * if the bytes are no canonical string: structure, order, duplicates, limits,
 * several values of a type that has one. What the values say (that a number is
 * a number) is not looked at here: their category may have grown since.
 */
struct tag_cursor {
	const uint8_t *bytes;
	size_t length;
	size_t offset;
	bool bad;
	const uint8_t *last_name; /* private: order check */
	uint8_t last_name_length;
	uint32_t count;           /* private: tags so far */
};
struct tag_view {
	enum tag_type type;
	const char *name;
	size_t name_length;
	const uint8_t *values; /* value* as above, checked */
	size_t value_count;
};
bool
tag_next(struct tag_cursor *cursor, struct tag_view *tag);
/* The i-th value of a tag that tag_next gave; i < value_count. */
const char *
tag_value(const struct tag_view *tag, size_t i, size_t *length);

#endif
