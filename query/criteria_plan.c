/* SPDX-License-Identifier: Apache-2.0 */
/* The union of what many criteria ask, as columns and places. */
#include "query/criteria_plan.h"

#include <stdlib.h>
#include <string.h>

#include "engine/text.h"
#include "query/criteria_column.h"

/* A name or a value on its way to a number: equal ones of a group get the same. */
struct ref {
	uint32_t group;
	uint32_t at; /* where the number goes */
	const char *bytes;
	size_t length;
	uint8_t type;                       /* of names: two catalogues may differ */
	bool numeric;                       /* of values */
	const struct criteria_slot *slot;
	const struct criteria_value *value;
};

struct refs {
	struct ref *items;
	size_t count;
};

static int
ref_compare(const struct ref *left, const struct ref *right)
{
	int order;

	if (left->group != right->group)
		return left->group < right->group ? -1 : 1;
	if (left->numeric)
		return (left->value->number > right->value->number) -
		       (left->value->number < right->value->number);
	order = text_compare(left->bytes, left->length, right->bytes, right->length);
	return order ? order : (int)left->type - (int)right->type;
}

static int
ref_order(const void *a, const void *b)
{
	int order = ref_compare(a, b);
	uint32_t left = ((const struct ref *)a)->at, right = ((const struct ref *)b)->at;

	return order ? order : (left > right) - (left < right);
}

static enum criteria_class
slot_class(const struct criteria_slot *slot)
{
	if (slot->pseudo)
		return CRITERIA_OF_PSEUDO;
	return tag_type_bounded((enum tag_type)slot->type) ? CRITERIA_OF_SET : CRITERIA_OF_NOTES;
}

static void
slots_gather(const struct criteria_plan *plan, struct refs *refs)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct criteria_plan_row *row = &plan->rows[i];
		for (size_t s = 0; row->criteria && s < row->criteria->slot_count; s++) {
			const struct criteria_slot *slot = &row->criteria->slots[s];
			refs->items[refs->count++] = (struct ref){
				.group = slot_class(slot),
				.at = row->slots + (uint32_t)s,
				.bytes = slot->name,
				.length = slot->name_length,
				.type = slot->type,
				.slot = slot,
			};
		}
	}
}

static void
column_add(struct criteria_plan *plan, const struct ref *ref)
{
	plan->columns[plan->column_count++] = (struct criteria_column){
		.name = ref->slot->name,
		.name_length = ref->slot->name_length,
		.type = ref->slot->type,
		.pseudo = ref->slot->pseudo,
		.class = (uint8_t)ref->group,
	};
	for (uint32_t class = ref->group; class < CRITERIA_CLASSES; class++)
		plan->class_first[class + 1] = plan->column_count;
}

static void
columns_number(struct criteria_plan *plan, struct refs *refs)
{
	qsort(refs->items, refs->count, sizeof(*refs->items), ref_order);
	for (size_t i = 0; i < refs->count; i++) {
		if (i == 0 || ref_compare(&refs->items[i - 1], &refs->items[i]) != 0)
			column_add(plan, &refs->items[i]);
		plan->slot_columns[refs->items[i].at] = plan->column_count - 1;
	}
	refs->count = 0;
}

static bool
node_compares(const struct criteria_node *node)
{
	return node->op <= CRITERIA_IN;
}

static void
node_gather(const struct criteria_plan *plan, const struct criteria_plan_row *row,
	    const struct criteria_node *node, struct refs *refs)
{
	uint32_t column = plan->slot_columns[row->slots + node->slot];

	for (uint32_t v = node->value_first; v < node->value_first + node->value_count; v++) {
		const struct criteria_value *value = &row->criteria->values[v];
		refs->items[refs->count++] = (struct ref){
			.group = column,
			.at = row->values + v,
			.bytes = value->bytes,
			.length = value->length,
			.value = value,
			.numeric = plan->columns[column].type == TAG_NUMBER,
		};
	}
}

static void
values_gather(const struct criteria_plan *plan, struct refs *refs)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct criteria_plan_row *row = &plan->rows[i];
		for (size_t n = 0; row->criteria && n < row->criteria->node_count; n++) {
			if (node_compares(&row->criteria->nodes[n]))
				node_gather(plan, row, &row->criteria->nodes[n], refs);
		}
	}
}

static void
values_number(struct criteria_plan *plan, struct refs *refs)
{
	uint32_t total = 0;

	qsort(refs->items, refs->count, sizeof(*refs->items), ref_order);
	for (size_t i = 0; i < refs->count; i++) {
		struct criteria_column *column = &plan->columns[refs->items[i].group];
		if (i == 0 || ref_compare(&refs->items[i - 1], &refs->items[i]) != 0) {
			if (column->count++ == 0)
				column->first = total;
			plan->values[total++] = refs->items[i].value;
		}
		plan->value_places[refs->items[i].at] = 2 * (column->count - 1) + 1;
	}
}

static int
place_order(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* The values of a node stand in the order of bytes, which is not that of numbers. */
static void
places_sort(struct criteria_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct criteria_plan_row *row = &plan->rows[i];
		for (size_t n = 0; row->criteria && n < row->criteria->node_count; n++) {
			const struct criteria_node *node = &row->criteria->nodes[n];
			if (node->op == CRITERIA_IN)
				qsort(plan->value_places + row->values + node->value_first,
				      node->value_count, sizeof(uint32_t), place_order);
		}
	}
}

/* Vectors at once: a first child takes its parent's place, the others the next level. */
static unsigned
node_levels(const struct criteria *criteria, uint32_t index)
{
	const struct criteria_node *node = &criteria->nodes[index];
	unsigned levels = 1;

	if (node->op <= CRITERIA_PRESENT)
		return 1;
	for (uint32_t child = node->first; child != CRITERIA_NONE;
	     child = criteria->nodes[child].next) {
		unsigned more = node_levels(criteria, child) + (child != node->first);
		if (more > levels)
			levels = more;
	}
	return levels;
}

static enum status
rows_fill(struct criteria_plan *plan, const struct criteria *const *criteria, size_t *slots,
	  size_t *values, struct fault *fault)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct criteria_plan_row *row = &plan->rows[i];
		row->criteria = criteria[i];
		row->slots = (uint32_t)*slots;
		row->values = (uint32_t)*values;
		if (!criteria[i])
			continue;
		row->open = criteria_uses_notes(criteria[i]) || criteria_uses_pseudo(criteria[i]);
		*slots += criteria[i]->slot_count;
		*values += criteria[i]->value_count;
		/* Places are 2 * k + 2 at most, in 32 bits. */
		if (*slots > INT32_MAX / 2 || *values > INT32_MAX / 2)
			return fault_set(fault, STATUS_LIMIT, NULL, 0,
					 "too many conditions to be asked at once");
		unsigned levels = node_levels(criteria[i], criteria[i]->root);
		if (levels > plan->levels)
			plan->levels = levels;
	}
	return STATUS_OK;
}

static enum status
plan_fill(struct criteria_plan *plan, const struct criteria *const *criteria, struct fault *fault)
{
	struct refs refs = { 0 };
	size_t slots = 0, values = 0;
	enum status status = rows_fill(plan, criteria, &slots, &values, fault);

	if (status != STATUS_OK)
		return status;
	plan->columns = calloc(slots + 1, sizeof(*plan->columns));
	plan->slot_columns = calloc(slots + 1, sizeof(*plan->slot_columns));
	plan->values = calloc(values + 1, sizeof(*plan->values));
	plan->value_places = calloc(values + 1, sizeof(*plan->value_places));
	refs.items = calloc((slots > values ? slots : values) + 1, sizeof(*refs.items));
	if (!plan->columns || !plan->slot_columns || !plan->values || !plan->value_places ||
	    !refs.items) {
		free(refs.items);
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	}
	slots_gather(plan, &refs);
	columns_number(plan, &refs);
	values_gather(plan, &refs);
	values_number(plan, &refs);
	places_sort(plan);
	free(refs.items);
	return STATUS_OK;
}

enum status
criteria_plan_new(const struct criteria *const *criteria, size_t count,
		  struct criteria_plan **plan, struct fault *fault)
{
	struct criteria_plan *made = calloc(1, sizeof(*made));
	enum status status = STATUS_NO_MEMORY;

	if (made)
		made->rows = calloc(count + 1, sizeof(*made->rows));
	if (made && made->rows) {
		made->count = count;
		made->levels = 1;
		status = plan_fill(made, criteria, fault);
	} else {
		fault_set(fault, status, NULL, 0, "out of memory");
	}
	if (status == STATUS_OK)
		*plan = made;
	else
		criteria_plan_free(made);
	return status;
}

void
criteria_plan_free(struct criteria_plan *plan)
{
	if (!plan)
		return;
	free(plan->rows);
	free(plan->columns);
	free(plan->values);
	free(plan->slot_columns);
	free(plan->value_places);
	free(plan);
}

bool
criteria_plan_open(const struct criteria_plan *plan, size_t i)
{
	return plan->rows[i].open;
}

static int
column_order(const struct criteria_column *column, const struct tag_view *tag)
{
	int order = text_compare(column->name, column->name_length, tag->name, tag->name_length);

	return order ? order : (int)column->type - (int)tag->type;
}

uint32_t
criteria_column_find(const struct criteria_plan *plan, enum criteria_class class,
		     const struct tag_view *tag)
{
	uint32_t low = plan->class_first[class], high = plan->class_first[class + 1];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = column_order(&plan->columns[middle], tag);
		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return CRITERIA_NO_COLUMN;
}

static int
value_order(const struct criteria_value *value, bool numeric, int64_t number, const char *bytes,
	    size_t length)
{
	if (numeric)
		return (value->number > number) - (value->number < number);
	return text_compare(value->bytes, value->length, bytes, length);
}

uint32_t
criteria_column_place(const struct criteria_plan *plan, const struct criteria_column *column,
		      const char *bytes, size_t length)
{
	const struct criteria_value *const *values =
		(const struct criteria_value *const *)plan->values + column->first;
	bool numeric = column->type == TAG_NUMBER;
	uint32_t low = 0, high = column->count;
	int64_t number = 0;

	if (numeric && !criteria_number(bytes, length, &number))
		return CRITERIA_NO_PLACE;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = value_order(values[middle], numeric, number, bytes, length);
		if (order == 0)
			return 2 * middle + 1;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return 2 * low;
}
