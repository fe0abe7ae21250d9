/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a catalogue and as a string of tags. What decodes must encode
 * to the very same bytes (of version 1: to those of version 2 without profiles); what tag_next() walks to the end must have read all.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/catalog.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
walk_tags(const uint8_t *bytes, size_t length)
{
	struct tag_cursor cursor = { .bytes = bytes, .length = length };
	struct tag_view tag;
	size_t value_length;

	while (tag_next(&cursor, &tag)) {
		for (size_t i = 0; i < tag.value_count; i++) {
			const char *value = tag_value(&tag, i, &value_length);
			if ((const uint8_t *)value + value_length > bytes + length)
				abort();
		}
	}
	if (!cursor.bad && cursor.offset != length)
		abort();
}

static void
compare(const uint8_t *bytes, size_t length, const uint8_t *again, size_t again_length)
{
	size_t more = bytes[4] == 1 ? 2 : 0;

	if (again_length != length + more || again[4] != 2 || memcmp(again, bytes, 4) != 0 ||
	    memcmp(again + 5, bytes + 5, length - 5) != 0)
		abort();
	if (more && (again[length] != 0 || again[length + 1] != 0))
		abort();
}

static void
decode_again(const uint8_t *bytes, size_t length)
{
	struct catalog catalog;
	uint8_t *again;
	size_t again_length;

	if (catalog_decode(bytes, length, &catalog, NULL) != STATUS_OK)
		return;
	if (catalog_encode(&catalog, &again, &again_length, NULL) == STATUS_OK) {
		compare(bytes, length, again, again_length);
		free(again);
	}
	catalog_fini(&catalog);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length == 0)
		return 0;
	walk_tags(bytes, length);
	decode_again(bytes, length);
	return 0;
}
