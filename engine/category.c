/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/category.h"

#include <stdlib.h>
#include <string.h>

#include "engine/text.h"

static bool
word_is_good(const char *word)
{
	size_t length = word ? strlen(word) : 0;

	return length >= 1 && length <= LIMIT_TAG_TEXT_BYTES && text_is_plain(word, length) &&
	       word[0] != ' ' && word[length - 1] != ' ';
}

static int
word_order(const void *a, const void *b)
{
	const char *left = *(const char *const *)a;
	const char *right = *(const char *const *)b;

	return text_compare_folded(left, strlen(left), right, strlen(right));
}

/* Sorted, so that 1,024 hostile values cost no million comparisons. */
static enum status
values_check_distinct(const struct tag_category *category, struct fault *fault)
{
	size_t bytes = category->value_count * sizeof(*category->values);
	char **sorted = malloc(bytes);
	enum status status = STATUS_OK;

	if (!sorted)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	memcpy(sorted, category->values, bytes);
	qsort(sorted, category->value_count, sizeof(*sorted), word_order);
	for (size_t i = 1; i < category->value_count && status == STATUS_OK; i++) {
		if (word_order(&sorted[i - 1], &sorted[i]) == 0)
			status = fault_set(fault, STATUS_BAD_TAG, NULL, 0,
					   "category \"%s\": the value \"%s\" is there twice",
					   category->name, sorted[i]);
	}
	free(sorted);
	return status;
}

static enum status
values_check(const struct tag_category *category, struct fault *fault)
{
	if (category->value_count == 0)
		return fault_set(fault, STATUS_BAD_TAG, NULL, 0,
				 "category \"%s\": a list needs at least one value",
				 category->name);
	if (category->value_count > LIMIT_LIST_VALUES)
		return fault_set(fault, STATUS_LIMIT, NULL, 0,
				 "category \"%s\": more than %d list values", category->name,
				 LIMIT_LIST_VALUES);
	for (size_t i = 0; i < category->value_count; i++) {
		if (!word_is_good(category->values[i]))
			return fault_set(fault, STATUS_BAD_TAG, NULL, 0,
					 "category \"%s\": value %zu of the list is not 1 to %d "
					 "bytes of plain UTF-8 without blanks around it",
					 category->name, i + 1, LIMIT_TAG_TEXT_BYTES);
	}
	return values_check_distinct(category, fault);
}

enum status
category_check(const struct tag_category *category, struct fault *fault)
{
	const char *description = category->description ? category->description : "";

	if (!word_is_good(category->name))
		return fault_set(fault, STATUS_BAD_TAG, NULL, 0,
				 "a category's name must be 1 to %d bytes of plain UTF-8 without "
				 "blanks around it", LIMIT_CATEGORY_NAME_BYTES);
	if (strlen(description) > LIMIT_TAG_TEXT_BYTES ||
	    !text_is_plain(description, strlen(description)))
		return fault_set(fault, STATUS_BAD_TAG, NULL, 0,
				 "category \"%s\": the description must be at most %d bytes of "
				 "plain UTF-8", category->name, LIMIT_TAG_TEXT_BYTES);
	if ((unsigned)category->type >= TAG_TYPE_COUNT)
		return fault_set(fault, STATUS_BAD_TAG, NULL, 0, "category \"%s\": no such type",
				 category->name);
	if (category->type == TAG_NUMBER && category->min > category->max)
		return fault_set(fault, STATUS_BAD_TAG, NULL, 0,
				 "category \"%s\": min is greater than max", category->name);
	return category->type == TAG_LIST ? values_check(category, fault) : STATUS_OK;
}

static bool
values_copy(struct tag_category *to, char **values, size_t count)
{
	to->values = calloc(count, sizeof(*to->values));
	if (!to->values)
		return false;
	for (; to->value_count < count; to->value_count++) {
		to->values[to->value_count] = strdup(values[to->value_count]);
		if (!to->values[to->value_count])
			return false;
	}
	return true;
}

static bool
fields_copy(const struct tag_category *from, struct tag_category *to)
{
	to->type = from->type;
	to->service = from->service;
	to->name = strdup(from->name);
	to->description = strdup(from->description ? from->description : "");
	if (from->type == TAG_NUMBER) {
		to->min = from->min;
		to->max = from->max;
	}
	return to->name && to->description &&
	       (from->type != TAG_LIST || values_copy(to, from->values, from->value_count));
}

enum status
category_copy(const struct tag_category *from, struct tag_category **to, struct fault *fault)
{
	struct tag_category *copy = calloc(1, sizeof(*copy));

	if (!copy || !fields_copy(from, copy)) {
		category_free(copy);
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	}
	*to = copy;
	return STATUS_OK;
}

void
category_free(struct tag_category *category)
{
	if (!category)
		return;
	for (size_t i = 0; i < category->value_count; i++)
		free(category->values[i]);
	free(category->values);
	free(category->description);
	free(category->name);
	free(category);
}

const char *
category_value_find(const struct tag_category *category, const char *text, size_t length)
{
	for (size_t i = 0; i < category->value_count; i++) {
		if (text_is_word(text, length, category->values[i]))
			return category->values[i];
	}
	return NULL;
}

bool
category_same(const struct tag_category *a, const struct tag_category *b)
{
	const char *a_description = a->description ? a->description : "";
	const char *b_description = b->description ? b->description : "";

	if (a->type != b->type || strcmp(a_description, b_description) != 0)
		return false;
	if (a->type == TAG_NUMBER)
		return a->min == b->min && a->max == b->max;
	if (a->type != TAG_LIST)
		return true;
	if (a->value_count != b->value_count)
		return false;
	/* Values are distinct, so one inclusion and equal counts make equal sets. */
	for (size_t i = 0; i < a->value_count; i++) {
		if (!category_value_find(b, a->values[i], strlen(a->values[i])))
			return false;
	}
	return true;
}

/* A new category with everything of both; `category` gives the spellings. */
static enum status
grown_copy(const struct tag_category *category, const struct tag_category *more,
	   struct tag_category **grown, struct fault *fault)
{
	struct tag_category joined = *category;
	enum status status;

	joined.values = calloc(category->value_count + more->value_count + 1, sizeof(char *));
	if (!joined.values)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	if (category->value_count)
		memcpy(joined.values, category->values, category->value_count * sizeof(char *));
	for (size_t i = 0; more->type == TAG_LIST && i < more->value_count; i++) {
		if (!category_value_find(category, more->values[i], strlen(more->values[i])))
			joined.values[joined.value_count++] = more->values[i];
	}
	if (more->description && more->description[0])
		joined.description = more->description;
	if (more->min < joined.min)
		joined.min = more->min;
	if (more->max > joined.max)
		joined.max = more->max;
	status = category_check(&joined, fault);
	if (status == STATUS_OK)
		status = category_copy(&joined, grown, fault);
	free(joined.values);
	return status;
}

enum status
category_grow(struct tag_category *category, const struct tag_category *more, struct fault *fault)
{
	struct tag_category *grown, old = *category;
	enum status status = grown_copy(category, more, &grown, fault);

	if (status != STATUS_OK)
		return status;
	/* In place: others hold a pointer to this category. */
	*category = *grown;
	*grown = old;
	category_free(grown);
	return STATUS_OK;
}
