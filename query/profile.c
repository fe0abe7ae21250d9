/* SPDX-License-Identifier: Apache-2.0 */
#include "query/profile.h"

#include <stdlib.h>
#include <string.h>

#include "engine/text.h"
#include "query/profile_parts.h"

#define HASHES (1u << KIND_SHA1 | 1u << KIND_SHA256)

const char *const profile_flow_names[PROFILE_FLOWS] = {
	[PROFILE_PERMIT] = "permit",         [PROFILE_BLOCK] = "block",
	[PROFILE_RATE_LIMIT] = "rate-limit", [PROFILE_TRUST] = "trust",
	[PROFILE_QUARANTINE] = "quarantine",
};

const char *const profile_match_names[] = { "both", "source", "destination" };
const char *const profile_looking_up_names[] = { "permit", "drop" };

/*
 * The SMS refuses rate limits on file hashes (its help on reputation filters says so). Trust
 * passes a flow by all further inspection and quarantine shuts a host in: a file is neither.
 */
const struct profile_flow_rule profile_flow_rules[PROFILE_FLOWS] = {
	[PROFILE_PERMIT] = { 0, 0, NULL, NULL },
	[PROFILE_BLOCK] = { 0, 0, NULL, NULL },
	[PROFILE_RATE_LIMIT] = { HASHES, 0, "a file has no rate to limit",
				 "kinds among ipv4 ipv6 domain url" },
	[PROFILE_TRUST] = { HASHES, 0, "a file is no flow to be trusted",
			    "kinds among ipv4 ipv6 domain url" },
	[PROFILE_QUARANTINE] = { 0, PROFILE_KINDS_ALL & ~HASHES, "hashes alone name no host to shut in",
				 "one of ipv4 ipv6 domain url too" },
};

unsigned
profile_flow_kinds(enum profile_flow flow)
{
	return PROFILE_KINDS_ALL & ~profile_flow_rules[flow].refused;
}

void
profile_free(struct profile *profile)
{
	if (!profile)
		return;
	for (size_t i = 0; i < profile->filter_count; i++)
		criteria_free(profile->filters[i].criteria);
	free(profile->actions);
	free(profile->filters);
	free(profile->exceptions);
	free(profile->keys);
	arena_fini(&profile->memory);
	free(profile);
}

char *
profile_text(struct profile *profile, const char *text, size_t length)
{
	char *copy = arena_take(&profile->memory, length + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

size_t
profile_filter_find(const struct profile *profile, const char *name, size_t length)
{
	for (size_t i = 0; i < profile->filter_count; i++) {
		if (text_is_word(name, length, profile->filters[i].name))
			return i;
	}
	return SIZE_MAX;
}

/* --- names --------------------------------------------------------------------- */

static int
name_order(const void *a, const void *b)
{
	const struct profile_name *left = a, *right = b;
	int order = text_compare_folded(left->text, strlen(left->text), right->text,
					strlen(right->text));

	return order ? order : (left->index > right->index) - (left->index < right->index);
}

void
profile_names_sort(struct profile_name *names, size_t count)
{
	if (count > 1)
		qsort(names, count, sizeof(*names), name_order);
}

size_t
profile_names_find(const struct profile_name *names, size_t count, const char *text, size_t length)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *name = names[middle].text;
		if (text_compare_folded(name, strlen(name), text, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && text_is_word(text, length, names[low].text) ? names[low].index
									  : SIZE_MAX;
}

struct profile_name *
profile_names_of_filters(const struct profile *profile)
{
	struct profile_name *names = malloc((profile->filter_count + 1) * sizeof(*names));

	if (!names)
		return NULL;
	for (size_t i = 0; i < profile->filter_count; i++)
		names[i] = (struct profile_name){ profile->filters[i].name, (uint32_t)i };
	profile_names_sort(names, profile->filter_count);
	return names;
}
