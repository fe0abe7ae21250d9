/* SPDX-License-Identifier: Apache-2.0 */
/* Many criteria on one claim: its tags become places once. */
#include "query/criteria_column.h"

#include "engine/clock.h"

static void
place_add(struct criteria_claim *claim, const struct criteria_column *column, const char *bytes,
	  size_t length)
{
	claim->places[claim->place_count++] =
		criteria_column_place(claim->plan, column, bytes, length);
}

static void
cell_start(struct criteria_claim *claim, uint32_t column, size_t count)
{
	claim->cells[claim->count++] = (struct criteria_claim_cell){
		.column = column,
		.first = claim->place_count,
		.count = (uint32_t)count,
	};
}

static void
pseudo_read(struct criteria_claim *claim, const struct criteria_subject *subject)
{
	const struct criteria_plan *plan = claim->plan;
	char time[CLOCK_TEXT_BYTES];
	const char *text;
	size_t length;

	for (uint32_t i = plan->class_first[CRITERIA_OF_PSEUDO];
	     i < plan->class_first[CRITERIA_OF_PSEUDO + 1]; i++) {
		const struct criteria_column *column = &plan->columns[i];
		if (!criteria_pseudo_value(subject,
					   (enum criteria_pseudo_row)(column->pseudo - 1), time,
					   &text, &length))
			continue;
		cell_start(claim, i, 1);
		place_add(claim, column, text, length);
	}
}

static void
tag_read(struct criteria_claim *claim, uint32_t index, const struct tag_view *tag)
{
	const struct criteria_column *column = &claim->plan->columns[index];
	const uint8_t *at = tag->values;

	cell_start(claim, index, tag->value_count);
	for (size_t i = 0; i < tag->value_count; i++) {
		place_add(claim, column, (const char *)at + 1, at[0]);
		at += 1u + at[0];
	}
}

static void
tags_read(struct criteria_claim *claim, enum criteria_class class, const uint8_t *bytes,
	  size_t length)
{
	struct tag_cursor cursor = { .bytes = bytes, .length = length };
	struct tag_view tag;

	while (tag_next(&cursor, &tag)) {
		uint32_t column = criteria_column_find(claim->plan, class, &tag);
		if (column != CRITERIA_NO_COLUMN)
			tag_read(claim, column, &tag);
	}
	claim->bad |= cursor.bad;
}

/* Sizes hold for any bytes: tag_next keeps to LIMIT_TAGS_PER_CLAIM and LIMIT_VALUES_PER_TAG. */
_Static_assert(CRITERIA_CLAIM_CELLS >= 2 * LIMIT_TAGS_PER_CLAIM + PSEUDO_COUNT, "cells");
_Static_assert(CRITERIA_CLAIM_PLACES >=
	       LIMIT_TAGS_PER_CLAIM * (LIMIT_VALUES_PER_TAG + 1) + PSEUDO_COUNT, "places");

void
criteria_claim_read(const struct criteria_plan *plan, const struct criteria_subject *subject,
		    struct criteria_claim *claim)
{
	claim->plan = plan;
	claim->bad = false;
	claim->count = claim->place_count = 0;
	pseudo_read(claim, subject);
	tags_read(claim, CRITERIA_OF_SET, subject->set, subject->set_length);
	tags_read(claim, CRITERIA_OF_NOTES, subject->notes, subject->notes_length);
}

static const struct criteria_claim_cell *
cell_find(const struct criteria_claim *claim, uint32_t column)
{
	uint32_t low = 0, high = claim->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (claim->cells[middle].column == column)
			return &claim->cells[middle];
		if (claim->cells[middle].column < column)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool
wanted_has(const uint32_t *wanted, size_t count, uint32_t place)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (wanted[middle] == place)
			return true;
		if (wanted[middle] < place)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool
places_share(const uint32_t *places, size_t count, const uint32_t *wanted, size_t wanted_count)
{
	for (size_t i = 0; i < count; i++) {
		if (wanted_has(wanted, wanted_count, places[i]))
			return true;
	}
	return false;
}

static bool
order_holds(enum criteria_op op, uint32_t place, uint32_t wanted)
{
	if (place == CRITERIA_NO_PLACE)
		return false;
	switch (op) {
	case CRITERIA_LESS: return place < wanted;
	case CRITERIA_LESS_EQUAL: return place <= wanted;
	case CRITERIA_MORE: return place > wanted;
	default: return place >= wanted;
	}
}

static bool
compare_holds(const struct criteria_claim *claim, const struct criteria_plan_row *row,
	      const struct criteria_node *node)
{
	const struct criteria_plan *plan = claim->plan;
	const uint32_t *wanted = plan->value_places + row->values + node->value_first;
	const struct criteria_claim_cell *cell =
		cell_find(claim, plan->slot_columns[row->slots + node->slot]);
	const uint32_t *places;

	if (!cell || node->op == CRITERIA_MISSING)
		return !cell && node->op == CRITERIA_MISSING;
	places = claim->places + cell->first;
	switch (node->op) {
	case CRITERIA_PRESENT: return true;
	case CRITERIA_EQUAL:
	case CRITERIA_IN: return places_share(places, cell->count, wanted, node->value_count);
	case CRITERIA_DIFFER: return !places_share(places, cell->count, wanted, 1);
	default: return order_holds((enum criteria_op)node->op, places[0], wanted[0]);
	}
}

static bool
node_holds(const struct criteria_claim *claim, const struct criteria_plan_row *row,
	   uint32_t index)
{
	const struct criteria_node *nodes = row->criteria->nodes;
	const struct criteria_node *node = &nodes[index];
	bool decides = node->op == CRITERIA_OR;

	if (node->op <= CRITERIA_PRESENT)
		return compare_holds(claim, row, node);
	if (node->op == CRITERIA_NOT)
		return !node_holds(claim, row, node->first);
	for (uint32_t child = node->first; child != CRITERIA_NONE; child = nodes[child].next) {
		if (node_holds(claim, row, child) == decides)
			return decides;
	}
	return !decides;
}

bool
criteria_claim_match(const struct criteria_claim *claim, size_t i)
{
	const struct criteria_plan_row *row = &claim->plan->rows[i];

	if (!row->criteria)
		return true;
	return !claim->bad && node_holds(claim, row, row->criteria->root);
}
