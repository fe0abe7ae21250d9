/* SPDX-License-Identifier: Apache-2.0 */
/* Asking: the parsed tree against one claim. */
#include "query/criteria.h"

#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/text.h"
#include "query/criteria_tree.h"

#define WORDS(...)                                           \
	.values = (char *[]){ __VA_ARGS__ },                 \
	.value_count = sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *)

/* In the order of enum kind and of the bits of enum scope. */
const struct tag_category criteria_pseudo[PSEUDO_COUNT] = {
	[PSEUDO_KIND] = { .name = (char *)"kind", .type = TAG_LIST,
			  WORDS((char *)"ipv4", (char *)"ipv6", (char *)"domain", (char *)"url",
				(char *)"sha1", (char *)"sha256") },
	[PSEUDO_SCOPE] = { .name = (char *)"scope", .type = TAG_LIST,
			   WORDS((char *)"exact", (char *)"below", (char *)"tree") },
	[PSEUDO_SOURCE] = { .name = (char *)"source", .type = TAG_TEXT },
	[PSEUDO_KEY] = { .name = (char *)"key", .type = TAG_TEXT },
	[PSEUDO_EXPIRES] = { .name = (char *)"expires", .type = TAG_DATE },
	[PSEUDO_FIRST_SEEN] = { .name = (char *)"first_seen", .type = TAG_DATE },
	[PSEUDO_LAST_SEEN] = { .name = (char *)"last_seen", .type = TAG_DATE },
};

/* What a claim has of one category: length-prefixed values, or one single value. */
struct cell {
	size_t count;
	const uint8_t *packed;
	const char *single;
	size_t single_length;
};

struct claim {
	const struct criteria *criteria;
	struct cell cells[CRITERIA_CATEGORIES];
	char times[PSEUDO_COUNT][CLOCK_TEXT_BYTES];
};

void
criteria_free(struct criteria *criteria)
{
	if (!criteria)
		return;
	free(criteria->nodes);
	free(criteria->values);
	free(criteria->bytes);
	free(criteria);
}

static bool
word_value(enum criteria_pseudo_row row, size_t index, const char **text, size_t *length)
{
	if (index >= criteria_pseudo[row].value_count)
		return false;
	*text = criteria_pseudo[row].values[index];
	*length = strlen(*text);
	return true;
}

static bool
time_value(uint64_t seconds, char time[CLOCK_TEXT_BYTES], const char **text, size_t *length)
{
	if (seconds == 0)
		return false;
	clock_print(seconds, time);
	*text = time;
	*length = strlen(time);
	return true;
}

bool
criteria_pseudo_value(const struct criteria_subject *subject, enum criteria_pseudo_row row,
		      char time[CLOCK_TEXT_BYTES], const char **text, size_t *length)
{
	switch (row) {
	case PSEUDO_KIND:
		return word_value(row, (size_t)subject->kind, text, length);
	case PSEUDO_SCOPE:
		return word_value(row, (size_t)subject->scope - 1, text, length);
	case PSEUDO_SOURCE:
		*text = subject->source;
		*length = subject->source_length;
		return subject->source != NULL;
	case PSEUDO_KEY:
		*text = subject->key;
		*length = subject->key_length;
		return subject->key != NULL;
	case PSEUDO_EXPIRES:
		return time_value(subject->expires, time, text, length);
	case PSEUDO_FIRST_SEEN:
		return time_value(subject->first_seen, time, text, length);
	default:
		return time_value(subject->last_seen, time, text, length);
	}
}

static void
pseudo_fill(struct claim *claim, struct cell *cell, enum criteria_pseudo_row row,
	    const struct criteria_subject *subject)
{
	cell->count = criteria_pseudo_value(subject, row, claim->times[row], &cell->single,
					    &cell->single_length);
}

static void
tag_fill(struct claim *claim, const struct tag_view *tag)
{
	for (size_t i = 0; i < claim->criteria->slot_count; i++) {
		const struct criteria_slot *slot = &claim->criteria->slots[i];
		if (slot->pseudo || slot->type != tag->type ||
		    slot->name_length != tag->name_length ||
		    memcmp(slot->name, tag->name, tag->name_length) != 0)
			continue;
		claim->cells[i].count = tag->value_count;
		claim->cells[i].packed = tag->values;
		return;
	}
}

/* The bounded half or the other; a tag in the wrong half is none. False: damaged. */
static bool
tags_fill(struct claim *claim, const uint8_t *bytes, size_t length, bool bounded)
{
	struct tag_cursor cursor = { .bytes = bytes, .length = length };
	struct tag_view tag;

	while (tag_next(&cursor, &tag)) {
		if (tag_type_bounded(tag.type) == bounded)
			tag_fill(claim, &tag);
	}
	return !cursor.bad;
}

static const char *
cell_next(const struct cell *cell, const uint8_t **at, size_t *length)
{
	const char *value;

	if (cell->single) {
		*length = cell->single_length;
		return cell->single;
	}
	*length = (*at)[0];
	value = (const char *)*at + 1;
	*at += 1 + *length;
	return value;
}

/* Is it among the node's values? They are sorted. */
static bool
node_has(const struct criteria *criteria, const struct criteria_node *node, const char *bytes,
	 size_t length)
{
	const struct criteria_value *values = criteria->values + node->value_first;
	size_t low = 0, high = node->value_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = text_compare(values[middle].bytes, values[middle].length, bytes,
					 length);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool
cell_shares(const struct criteria *criteria, const struct cell *cell,
	    const struct criteria_node *node)
{
	const uint8_t *at = cell->packed;

	for (size_t i = 0; i < cell->count; i++) {
		size_t length;
		const char *value = cell_next(cell, &at, &length);
		if (node_has(criteria, node, value, length))
			return true;
	}
	return false;
}

bool
criteria_number(const char *text, size_t length, int64_t *number)
{
	bool negative = length > 0 && text[0] == '-';
	size_t digits = length - negative;

	if (digits == 0 || text[0] == '+' || (text[negative] == '0' && (digits > 1 || negative)))
		return false;
	return tag_number_parse(text, length, number);
}

/* Sign of (the claim's value - the node's). A number that is none is not comparable. */
static bool
cell_order(const struct criteria *criteria, const struct cell *cell,
	   const struct criteria_node *node, int *order)
{
	const struct criteria_value *wanted = &criteria->values[node->value_first];
	const uint8_t *at = cell->packed;
	size_t length;
	const char *value = cell_next(cell, &at, &length);
	int64_t number;

	if (criteria->slots[node->slot].type == TAG_NUMBER) {
		if (!criteria_number(value, length, &number))
			return false;
		*order = (number > wanted->number) - (number < wanted->number);
		return true;
	}
	/* Canonical dates are of one width: the order of bytes is that of time. */
	*order = text_compare(value, length, wanted->bytes, wanted->length);
	return true;
}

static bool
order_holds(enum criteria_op op, int order)
{
	switch (op) {
	case CRITERIA_LESS: return order < 0;
	case CRITERIA_LESS_EQUAL: return order <= 0;
	case CRITERIA_MORE: return order > 0;
	default: return order >= 0;
	}
}

static bool
compare_holds(const struct claim *claim, const struct criteria_node *node)
{
	const struct criteria *criteria = claim->criteria;
	const struct cell *cell = &claim->cells[node->slot];
	int order;

	if (cell->count == 0)
		return node->op == CRITERIA_MISSING;
	switch (node->op) {
	case CRITERIA_MISSING: return false;
	case CRITERIA_PRESENT: return true;
	case CRITERIA_EQUAL:
	case CRITERIA_IN: return cell_shares(criteria, cell, node);
	case CRITERIA_DIFFER: return !cell_shares(criteria, cell, node);
	default:
		return cell_order(criteria, cell, node, &order) &&
		       order_holds((enum criteria_op)node->op, order);
	}
}

static bool
node_holds(const struct claim *claim, uint32_t index)
{
	const struct criteria_node *nodes = claim->criteria->nodes;
	const struct criteria_node *node = &nodes[index];
	bool decides = node->op == CRITERIA_OR;

	if (node->op <= CRITERIA_PRESENT)
		return compare_holds(claim, node);
	if (node->op == CRITERIA_NOT)
		return !node_holds(claim, node->first);
	for (uint32_t child = node->first; child != CRITERIA_NONE; child = nodes[child].next) {
		if (node_holds(claim, child) == decides)
			return decides;
	}
	return !decides;
}

bool
criteria_match(const struct criteria *criteria, const struct criteria_subject *subject)
{
	struct claim claim;

	claim.criteria = criteria;
	memset(claim.cells, 0, criteria->slot_count * sizeof(claim.cells[0]));
	for (size_t i = 0; i < criteria->slot_count; i++) {
		if (criteria->slots[i].pseudo)
			pseudo_fill(&claim, &claim.cells[i],
				    (enum criteria_pseudo_row)(criteria->slots[i].pseudo - 1),
				    subject);
	}
	return tags_fill(&claim, subject->set, subject->set_length, true) &&
	       tags_fill(&claim, subject->notes, subject->notes_length, false) &&
	       node_holds(&claim, criteria->root);
}

bool
criteria_uses_notes(const struct criteria *criteria)
{
	for (size_t i = 0; i < criteria->slot_count; i++) {
		const struct criteria_slot *slot = &criteria->slots[i];
		if (!slot->pseudo && !tag_type_bounded((enum tag_type)slot->type))
			return true;
	}
	return false;
}

bool
criteria_uses_pseudo(const struct criteria *criteria)
{
	for (size_t i = 0; i < criteria->slot_count; i++) {
		if (criteria->slots[i].pseudo)
			return true;
	}
	return false;
}

bool
criteria_uses_category(const struct criteria *criteria, const char *name, size_t length)
{
	for (size_t i = 0; i < criteria->slot_count; i++) {
		const struct criteria_slot *slot = &criteria->slots[i];
		if (!slot->pseudo &&
		    text_compare(slot->name, slot->name_length, name, length) == 0)
			return true;
	}
	return false;
}

bool
criteria_uses_missing(const struct criteria *criteria)
{
	for (size_t i = 0; i < criteria->node_count; i++) {
		if (criteria->nodes[i].op == CRITERIA_MISSING)
			return true;
	}
	return false;
}
