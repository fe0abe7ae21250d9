/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a profile, over the predefined categories. What parses must print a text that
 * parses to the same print, to the same keys, and that may take the place of itself without a
 * difference. What is refused must say where and what was expected.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "query/profile.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct catalog catalog;

static void
need(bool kept)
{
	if (!kept)
		abort();
}

static void
no_difference(void *context, const struct profile_difference *difference)
{
	abort();
}

static void
compare_keys(const struct profile *one, const struct profile *other)
{
	need(one->key_count == other->key_count);
	for (size_t i = 0; i < one->key_count; i++) {
		const struct key *a = one->keys[i], *b = other->keys[i];
		need(a->kind == b->kind && a->scope == b->scope && a->pattern == b->pattern);
		need(a->prefix_bits == b->prefix_bits && a->length == b->length);
		need(memcmp(key_text(a), key_text(b), a->length) == 0);
	}
}

static void
check_again(const struct profile *profile)
{
	struct profile *again;
	char *text, *text_again;
	size_t length, length_again;

	if (profile_print(profile, &text, &length, NULL) != STATUS_OK)
		return;
	need(profile_parse(text, length, &catalog, &again, NULL) == STATUS_OK);
	need(profile_print(again, &text_again, &length_again, NULL) == STATUS_OK);
	need(length == length_again && memcmp(text, text_again, length) == 0);
	compare_keys(profile, again);
	need(profile_may_replace(profile, again, NULL) == STATUS_OK);
	need(profile_compare(profile, again, no_difference, NULL, NULL) == STATUS_OK);
	profile_free(again);
	free(text);
	free(text_again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct fault fault = { 0 };
	struct profile *profile;

	if (!catalog.category_count && catalog_init(&catalog, NULL) != STATUS_OK)
		return 0;
	if (profile_parse((const char *)bytes, length, &catalog, &profile, &fault) != STATUS_OK) {
		need(fault.status == STATUS_NO_MEMORY || strncmp(fault.text, "line ", 5) == 0);
		return 0;
	}
	check_again(profile);
	profile_free(profile);
	return 0;
}
