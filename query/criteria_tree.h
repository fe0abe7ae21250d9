/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parsed form, private to criteria*.c.
 *
 * Nodes stand in one array and name each other by index. `and` and `or` have
 * two or more children in a chain (first, then next) and never a child of
 * their own kind, so the depth of the tree is bounded by CRITERIA_DEPTH and
 * not by the length of a chain. Invariant: children come before parents.
 */
#ifndef QUERY_CRITERIA_TREE_H
#define QUERY_CRITERIA_TREE_H

#include "engine/clock.h"
#include "query/criteria.h"

#define CRITERIA_NONE UINT32_MAX

enum criteria_op {
	CRITERIA_EQUAL = 0,
	CRITERIA_DIFFER,
	CRITERIA_LESS,
	CRITERIA_LESS_EQUAL,
	CRITERIA_MORE,
	CRITERIA_MORE_EQUAL,
	CRITERIA_IN,
	CRITERIA_MISSING,
	CRITERIA_PRESENT, /* the last comparison */
	CRITERIA_NOT,
	CRITERIA_AND,
	CRITERIA_OR
};

struct criteria_node {
	uint8_t op;            /* enum criteria_op */
	uint8_t slot;          /* comparisons */
	uint16_t value_count;
	uint32_t value_first;
	uint32_t first;        /* not, and, or: first child */
	uint32_t next;         /* next child of the same parent */
};

struct criteria_value {
	const char *bytes;     /* canonical; points into criteria->bytes */
	uint32_t offset;       /* where, while parsing (the bytes may move) */
	uint8_t length;
	int64_t number;        /* number categories */
};

/* A category that the condition asks. */
struct criteria_slot {
	const char *name;
	uint32_t offset;
	uint8_t name_length;
	uint8_t type;          /* enum tag_type */
	uint8_t pseudo;        /* 1 + row of criteria_pseudo; 0: a tag */
};

struct criteria {
	struct criteria_node *nodes;
	struct criteria_value *values;
	char *bytes;
	size_t node_count, node_capacity;
	size_t value_count, value_capacity;
	size_t bytes_length, bytes_capacity;
	uint32_t root;
	size_t slot_count;
	struct criteria_slot slots[CRITERIA_CATEGORIES];
};

enum criteria_pseudo_row {
	PSEUDO_KIND,
	PSEUDO_SCOPE,
	PSEUDO_SOURCE,
	PSEUDO_KEY,
	PSEUDO_EXPIRES,
	PSEUDO_FIRST_SEEN,
	PSEUDO_LAST_SEEN,
	PSEUDO_COUNT
};

/* Pseudo-categories look like categories, so that their values are checked the same way. */
extern const struct tag_category criteria_pseudo[PSEUDO_COUNT];

/*
 * The subject's value of a pseudo-category; false if it has none. The text is borrowed
 * from the subject, or is `time`.
 */
bool
criteria_pseudo_value(const struct criteria_subject *subject, enum criteria_pseudo_row row,
		      char time[CLOCK_TEXT_BYTES], const char **text, size_t *length);

/*
 * The number of a tag. Other spellings than the canonical one are none, so that equal
 * numbers are equal bytes.
 */
bool
criteria_number(const char *text, size_t length, int64_t *number);

/* Words that must be quoted to be a name or a value. */
bool
criteria_is_keyword(const char *word, size_t length);

/* Bytes of the canonical text without the NUL; written if `text` is not NULL. */
size_t
criteria_print_to(const struct criteria *criteria, char *text);

#endif
