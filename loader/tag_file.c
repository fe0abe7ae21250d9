/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/tag_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "loader/json_gate.h"

#define EXACT_MAX (1ll << 53) /* numbers of JSON readers are doubles */

/* Where a row stands, for its faults. */
struct place {
	const char *name;
	size_t line;   /* 0: rows do not have lines of their own */
	size_t number; /* from 1 */
};

static enum status
refuse(struct fault *fault, const struct place *place, enum status status, const char *text)
{
	if (place->line > 0)
		return fault_set(fault, status, place->name, place->line, "%s", text);
	return fault_set(fault, status, place->name, 0, "category %zu: %s", place->number, text);
}

static bool
member_is_known(const struct cJSON *member)
{
	static const char *const known[] = {"name", "type",   "service", "description",
					    "values", "min", "max"};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(json_gate_name(member), known[i]) == 0)
			return true;
	return false;
}

static bool
number_read(const struct cJSON *node, int64_t *number)
{
	const char *text = json_gate_text(node);
	return text != NULL ? tag_number_parse(text, strlen(text), number)
			    : json_gate_i64(node, number);
}

/* NULL, or what is wrong. */
static const char *
values_read(const struct cJSON *node, char **values, struct tag_category *category)
{
	if (json_gate_type(node) != JSON_GATE_ARRAY)
		return "a list needs \"values\", an array of texts";
	if (json_gate_count(node) > LIMIT_LIST_VALUES)
		return "a list has too many values";
	for (node = json_gate_first(node); node != NULL; node = json_gate_next(node)) {
		if (json_gate_text(node) == NULL)
			return "a value of a list is a text in quotes";
		values[category->value_count++] = (char *)(uintptr_t)json_gate_text(node);
	}
	category->values = values;
	return NULL;
}

static const char *
type_read(const struct cJSON *row, char **values, struct tag_category *category)
{
	const char *type = json_gate_text(json_gate_member(row, "type"));
	if (type == NULL || !tag_type_parse(type, strlen(type), &category->type))
		return "\"type\" must be one of text, list, date, yesno, number";
	if (category->type == TAG_LIST)
		return values_read(json_gate_member(row, "values"), values, category);
	if (category->type == TAG_NUMBER &&
	    (!number_read(json_gate_member(row, "min"), &category->min) ||
	     !number_read(json_gate_member(row, "max"), &category->max)))
		return "a number needs \"min\" and \"max\", whole numbers (past 2^53 in quotes)";
	return NULL;
}

static const char *
row_read(const struct cJSON *row, char **values, struct tag_category *category)
{
	const struct cJSON *description = json_gate_member(row, "description");
	const struct cJSON *service = json_gate_member(row, "service");
	if (json_gate_type(row) != JSON_GATE_OBJECT)
		return "this is no object with a name and a type";
	for (const struct cJSON *m = json_gate_first(row); m != NULL; m = json_gate_next(m))
		if (!member_is_known(m))
			return "a member is none of name, type, service, description, values, "
			       "min, max";
	category->name = (char *)(uintptr_t)json_gate_text(json_gate_member(row, "name"));
	category->description = (char *)(uintptr_t)json_gate_text(description);
	if (category->name == NULL)
		return "there is no \"name\"";
	if (description != NULL && category->description == NULL)
		return "\"description\" is no text";
	if (service != NULL && !json_gate_bool(service, &category->service))
		return "\"service\" must be true or false";
	return type_read(row, values, category);
}

static enum status
row_take(const struct cJSON *row, const struct place *place, tag_file_cb *call, void *context,
	 struct fault *fault)
{
	char *values[LIMIT_LIST_VALUES];
	struct tag_category category = {0};
	struct fault inner = {0};
	const char *wrong = row_read(row, values, &category);
	if (wrong != NULL)
		return refuse(fault, place, STATUS_FORMAT, wrong);
	enum status status = call(context, &category, &inner);
	return status == STATUS_OK ? status : refuse(fault, place, status, inner.text);
}

static enum status
array_read(const char *name, const struct cJSON *array, tag_file_cb *call, void *context,
	   struct fault *fault)
{
	struct place place = {.name = name};
	enum status status = STATUS_OK;
	if (json_gate_type(array) != JSON_GATE_ARRAY)
		return fault_set(fault, STATUS_FORMAT, name, 0,
				 "this is no {\"categories\":[...]}, array, or lines of categories");
	for (const struct cJSON *row = json_gate_first(array); row != NULL && status == STATUS_OK;
	     row = json_gate_next(row)) {
		place.number++;
		status = row_take(row, &place, call, context, fault);
	}
	return status;
}

static enum status
whole_read(const char *name, const char *bytes, size_t length, tag_file_cb *call, void *context,
	   struct fault *fault)
{
	struct cJSON *tree;
	struct fault inner = {0};
	enum status status = json_gate_parse(bytes, length, NULL, &tree, &inner);
	if (status != STATUS_OK)
		return fault_set(fault, status, name, 0, "%s", inner.text);
	const struct cJSON *array = json_gate_type(tree) == JSON_GATE_ARRAY
					    ? tree : json_gate_member(tree, "categories");
	status = array_read(name, array, call, context, fault);
	json_gate_free(tree);
	return status;
}

static size_t
line_length(const char *bytes, size_t length)
{
	const char *end = memchr(bytes, '\n', length);
	return end == NULL ? length : (size_t)(end - bytes);
}

static enum status
line_read(const char *bytes, size_t length, const struct place *place, tag_file_cb *call,
	  void *context, struct fault *fault)
{
	struct cJSON *tree;
	struct fault inner = {0};
	enum status status = json_gate_parse(bytes, length, NULL, &tree, &inner);
	if (status != STATUS_OK)
		return refuse(fault, place, status, inner.text);
	status = row_take(tree, place, call, context, fault);
	json_gate_free(tree);
	return status;
}

static bool
line_is_blank(const char *bytes, size_t length)
{
	while (length > 0 && strchr(" \t\r", bytes[length - 1]) != NULL && bytes[length - 1] != '\0')
		length--;
	return length == 0;
}

/* Is the first line that is not blank an object with a name? Then each line is a category. */
static bool
has_lines(const char *bytes, size_t length)
{
	struct cJSON *tree;
	size_t at = 0, taken = line_length(bytes, length);
	while (at + taken < length && line_is_blank(bytes + at, taken)) {
		at += taken + 1;
		taken = line_length(bytes + at, length - at);
	}
	if (json_gate_parse(bytes + at, taken, NULL, &tree, NULL) != STATUS_OK)
		return false;
	bool has = json_gate_member(tree, "name") != NULL;
	json_gate_free(tree);
	return has;
}

enum status
tag_file_read(const char *name, const char *bytes, size_t length, tag_file_cb *call,
	      void *context, struct fault *fault)
{
	struct place place = {.name = name};
	enum status status = STATUS_OK;
	if (!has_lines(bytes, length))
		return whole_read(name, bytes, length, call, context, fault);
	for (size_t at = 0, taken; at < length && status == STATUS_OK; at += taken + 1) {
		taken = line_length(bytes + at, length - at);
		place.line++;
		if (!line_is_blank(bytes + at, taken))
			status = line_read(bytes + at, taken, &place, call, context, fault);
	}
	return status;
}

static void
bound_write(struct json_writer *json, const char *name, int64_t number)
{
	char text[24];
	json_key(json, name);
	if (number > -EXACT_MAX && number < EXACT_MAX) {
		json_i64(json, number);
		return;
	}
	snprintf(text, sizeof(text), "%" PRId64, number);
	json_text(json, text);
}

void
tag_file_write(struct json_writer *json, const struct tag_category *category)
{
	json_object_begin(json);
	json_key(json, "name");
	json_text(json, category->name);
	json_key(json, "type");
	json_text(json, tag_type_name(category->type));
	json_key(json, "service");
	json_bool(json, category->service);
	json_key(json, "description");
	json_text(json, category->description);
	if (category->type == TAG_LIST) {
		json_key(json, "values");
		json_array_begin(json);
		for (size_t i = 0; i < category->value_count; i++)
			json_text(json, category->values[i]);
		json_array_end(json);
	}
	if (category->type == TAG_NUMBER) {
		bound_write(json, "min", category->min);
		bound_write(json, "max", category->max);
	}
	json_object_end(json);
}
