/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan's columns, private to criteria_plan.c, criteria_batch.c, criteria_claim.c.
 *
 * A column is a category (or pseudo-category) that some criteria ask; its values
 * are all that they name, sorted and distinct. The place of any value among them:
 *
 *        v0      v1      v2           the column's values
 *     0   1   2   3   4   5   6       places: 2k + 1 is v_k itself, even ones are the gaps
 *
 * so that every comparison is one of small whole numbers, also for values that
 * nobody names. Numbers stand in the order of numbers, all others in that of bytes.
 * A tag of type number that holds no number has no place: it equals nothing and
 * is neither less nor more, but it is there.
 *
 * Columns are sorted by class, then name: the tags of a string come in that order.
 */
#ifndef QUERY_CRITERIA_COLUMN_H
#define QUERY_CRITERIA_COLUMN_H

#include "query/criteria_plan.h"
#include "query/criteria_tree.h"

#define CRITERIA_NO_PLACE UINT32_MAX
#define CRITERIA_NO_COLUMN UINT32_MAX

/* Where the tags of a column are found. */
enum criteria_class { CRITERIA_OF_PSEUDO, CRITERIA_OF_SET, CRITERIA_OF_NOTES, CRITERIA_CLASSES };

struct criteria_column {
	const char *name;
	uint8_t name_length;
	uint8_t type;                /* enum tag_type */
	uint8_t pseudo;              /* as in criteria_slot */
	uint8_t class;
	uint32_t first, count;       /* its values in plan->values */
};

struct criteria_plan_row {
	const struct criteria *criteria; /* borrowed; NULL: true */
	uint32_t slots;                  /* first of plan->slot_columns */
	uint32_t values;                 /* first of plan->value_places */
	bool open;
};

struct criteria_plan {
	struct criteria_plan_row *rows;
	size_t count;
	struct criteria_column *columns;
	uint32_t column_count;
	uint32_t class_first[CRITERIA_CLASSES + 1];
	const struct criteria_value **values;
	uint32_t *slot_columns; /* of each slot of each criteria */
	uint32_t *value_places; /* of each value; ascending within a node */
	unsigned levels;        /* vectors that criteria_batch_ask needs at most */
};

/* The column of a tag in that class, or CRITERIA_NO_COLUMN. */
uint32_t
criteria_column_find(const struct criteria_plan *plan, enum criteria_class class,
		     const struct tag_view *tag);

uint32_t
criteria_column_place(const struct criteria_plan *plan, const struct criteria_column *column,
		      const char *bytes, size_t length);

#endif
