/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of tag categories. What is read and put into a catalogue must, written
 * out, be read again as the same categories.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/catalog.h"
#include "engine/category.h"
#include "loader/tag_file.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static enum status
put(void *catalog, const struct tag_category *category, struct fault *fault)
{
	return catalog_category_put(catalog, category, fault);
}

static enum status
find_same(void *catalog, const struct tag_category *category, struct fault *fault)
{
	const struct tag_category *old =
		catalog_category(catalog, category->name, strlen(category->name));

	if (!old || !category_same(old, category) || old->service != category->service)
		abort();
	return STATUS_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct catalog catalog = { 0 };
	struct json_writer json = { 0 };
	struct fault fault = { 0 };
	const char *text;
	size_t text_length;

	if (tag_file_read("x", (const char *)bytes, length, put, &catalog, &fault) == STATUS_OK) {
		for (size_t i = 0; i < catalog.category_count; i++) {
			tag_file_write(&json, catalog.categories[i]);
			json_line(&json);
		}
		text = json_bytes(&json, &text_length);
		if (catalog.category_count &&
		    tag_file_read("x", text, text_length, find_same, &catalog, &fault) != STATUS_OK)
			abort();
	}
	json_fini(&json);
	catalog_fini(&catalog);
	return 0;
}
