/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "engine/category.h"
#include "engine/text.h"

#define NEAR_NAME_BYTES 64   /* longer names get no "did you mean" */
#define NEAR_PART_BYTES 4    /* fewest bytes of a name that stand for all of it */
#define NEAR_EDITS_DIVISOR 3 /* one edit for so many bytes of the mistyped name */

#define VALUES(...)                                      \
	.values = (char *[]){ __VA_ARGS__ },             \
	.value_count = sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *)

/* facts.md 1.3, 1.4 and its first table: what the SMS has from the start; then ours. */
static const struct tag_category predefined[] = {
	{ .name = (char *)"Trend Micro Detection Category",
	  .description = (char *)"What kind of detection made the entry",
	  .type = TAG_LIST, .service = true,
	  VALUES((char *)"Suspicious Object", (char *)"C&C Callback Address") },
	{ .name = (char *)"Trend Micro Publisher",
	  .description = (char *)"Who published the entry", .type = TAG_TEXT, .service = true },
	{ .name = (char *)"Trend Micro Source",
	  .description = (char *)"The device or service that found it",
	  .type = TAG_TEXT, .service = true },
	{ .name = (char *)"Trend Micro Suspicious Object Source",
	  .description = (char *)"User defined (UDSO) or found by virtual analysis (VASO)",
	  .type = TAG_LIST, .service = true, VALUES((char *)"UDSO", (char *)"VASO") },
	{ .name = (char *)"Trend Micro Scan Action",
	  .description = (char *)"What the service asks to be done",
	  .type = TAG_LIST, .service = true, VALUES((char *)"log", (char *)"block") },
	{ .name = (char *)"Trend Micro Severity", .description = (char *)"How bad it is",
	  .type = TAG_LIST, .service = true,
	  VALUES((char *)"High", (char *)"Medium", (char *)"Low") },
	{ .name = (char *)CATALOG_TTL_NAME,
	  .description = (char *)"When the entry expires; sets the claim's expiry",
	  .type = TAG_DATE, .service = true },
	{ .name = (char *)CATALOG_FAMILY_NAME,
	  .description = (char *)"Family or campaign that a feed names", .type = TAG_TEXT },
	{ .name = (char *)CATALOG_DESCRIPTION_NAME,
	  .description = (char *)"Free text of a feed or user", .type = TAG_TEXT },
	{ .name = (char *)CATALOG_COUNT_NAME,
	  .description = (char *)"On how many lists it stands",
	  .type = TAG_NUMBER, .min = 1, .max = 100000 },
	{ .name = (char *)"Confidence", .description = (char *)"How sure the source is",
	  .type = TAG_NUMBER, .min = 0, .max = 100 },
	{ .name = (char *)"Threat Type", .description = (char *)"What kind of threat, in the feed's words",
	  .type = TAG_TEXT },
};

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
}

static void
source_free(struct source_row *source)
{
	if (!source)
		return;
	free(source->name);
	free(source->description);
	free(source);
}

static void
profile_row_free(struct profile_row *profile)
{
	if (!profile)
		return;
	free(profile->name);
	free(profile->text);
	free(profile);
}

enum status
catalog_init(struct catalog *catalog, struct fault *fault)
{
	struct catalog fresh = { 0 };

	for (size_t i = 0; i < sizeof(predefined) / sizeof(predefined[0]); i++) {
		enum status status = catalog_category_put(&fresh, &predefined[i], fault);
		if (status != STATUS_OK) {
			catalog_fini(&fresh);
			return status;
		}
	}
	*catalog = fresh;
	return STATUS_OK;
}

void
catalog_fini(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->category_count; i++)
		category_free(catalog->categories[i]);
	for (size_t i = 0; i < catalog->source_count; i++)
		source_free(catalog->sources[i]);
	for (size_t i = 0; i < catalog->profile_count; i++)
		profile_row_free(catalog->profiles[i]);
	free(catalog->categories);
	free(catalog->sources);
	free(catalog->profiles);
	*catalog = (struct catalog){ 0 };
}

/* Sorted arrays of pointers: put `item` at `at`; there is room. */
static void
wedge(void **items, size_t *count, size_t at, void *item)
{
	memmove(items + at + 1, items + at, (*count - at) * sizeof(*items));
	items[at] = item;
	(*count)++;
}

/* The same, and room is made first. */
static bool
insert(void ***items, size_t *count, size_t at, void *item)
{
	void **grown = realloc(*items, (*count + 1) * sizeof(*grown));

	if (!grown)
		return false;
	*items = grown;
	wedge(grown, count, at, item);
	return true;
}

static void
erase(void **items, size_t *count, size_t at)
{
	memmove(items + at, items + at + 1, (*count - at - 1) * sizeof(*items));
	(*count)--;
}

static bool
insert_category(struct catalog *catalog, size_t at, struct tag_category *category)
{
	void **items = (void **)catalog->categories;
	bool done = insert(&items, &catalog->category_count, at, category);

	catalog->categories = (struct tag_category **)items;
	return done;
}

static bool
insert_source(struct catalog *catalog, size_t at, struct source_row *source)
{
	void **items = (void **)catalog->sources;
	bool done = insert(&items, &catalog->source_count, at, source);

	catalog->sources = (struct source_row **)items;
	return done;
}

/* Where a name stands, or would. */
static size_t
category_place(const struct catalog *catalog, const char *name, size_t length, bool *found)
{
	size_t low = 0, high = catalog->category_count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *other = catalog->categories[middle]->name;
		int order = text_compare(other, strlen(other), name, length);
		if (order == 0)
			*found = true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t
source_place(const struct catalog *catalog, const char *name, size_t length, bool *found)
{
	size_t low = 0, high = catalog->source_count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *other = catalog->sources[middle]->name;
		int order = text_compare(other, strlen(other), name, length);
		if (order == 0)
			*found = true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* As written first, then in any letter case; category_count if there is none. */
static size_t
category_index(const struct catalog *catalog, const char *name, size_t length)
{
	bool found;
	size_t at = category_place(catalog, name, length, &found);

	if (found)
		return at;
	for (at = 0; at < catalog->category_count; at++) {
		if (text_is_word(name, length, catalog->categories[at]->name))
			break;
	}
	return at;
}

const struct tag_category *
catalog_category(const struct catalog *catalog, const char *name, size_t length)
{
	size_t at = category_index(catalog, name, length);

	return at < catalog->category_count ? catalog->categories[at] : NULL;
}

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t least_two = a < b ? a : b;

	return least_two < c ? least_two : c;
}

/* Levenshtein's distance in folded case; b_length <= NEAR_NAME_BYTES. */
static size_t
edits(const char *a, size_t a_length, const char *b, size_t b_length)
{
	uint16_t row[NEAR_NAME_BYTES + 1];

	for (size_t j = 0; j <= b_length; j++)
		row[j] = (uint16_t)j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t diagonal = row[0];
		row[0] = (uint16_t)i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t above = row[j];
			bool differ = text_fold(a[i - 1]) != text_fold(b[j - 1]);
			row[j] = (uint16_t)least(above + 1, row[j - 1] + 1u, diagonal + differ);
			diagonal = above;
		}
	}
	return row[b_length];
}

static bool
has_part(const char *name, size_t name_length, const char *part, size_t length)
{
	for (size_t i = 0; i + length <= name_length; i++) {
		if (text_compare_folded(name + i, length, part, length) == 0)
			return true;
	}
	return false;
}

const char *
catalog_category_near(const struct catalog *catalog, const char *name, size_t length)
{
	size_t best = length / NEAR_EDITS_DIVISOR + 1;
	const char *near = NULL;
	const char *longer = NULL;

	if (length == 0 || length > NEAR_NAME_BYTES)
		return NULL;
	for (size_t i = 0; i < catalog->category_count; i++) {
		const char *other = catalog->categories[i]->name;
		size_t other_length = strlen(other);
		size_t distance;
		if (other_length > NEAR_NAME_BYTES)
			continue;
		distance = edits(other, other_length, name, length);
		if (distance < best) {
			best = distance;
			near = other;
		}
		if (!longer && length >= NEAR_PART_BYTES &&
		    has_part(other, other_length, name, length))
			longer = other;
	}
	return near ? near : longer;
}

static enum status
category_insert(struct catalog *catalog, const struct tag_category *category, struct fault *fault)
{
	struct tag_category *copy;
	enum status status;
	bool found;
	size_t at;

	if (catalog->category_count >= LIMIT_CATEGORIES)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "more than %d tag categories",
				 LIMIT_CATEGORIES);
	status = category_copy(category, &copy, fault);
	if (status != STATUS_OK)
		return status;
	at = category_place(catalog, copy->name, strlen(copy->name), &found);
	if (!insert_category(catalog, at, copy)) {
		category_free(copy);
		return no_memory(fault);
	}
	return STATUS_OK;
}

enum status
catalog_category_put(struct catalog *catalog, const struct tag_category *category,
		     struct fault *fault)
{
	enum status status = category_check(category, fault);
	struct tag_category *old;
	size_t at;

	if (status != STATUS_OK)
		return status;
	at = category_index(catalog, category->name, strlen(category->name));
	if (at == catalog->category_count)
		return category_insert(catalog, category, fault);
	old = catalog->categories[at];
	if (category_same(old, category))
		return STATUS_OK;
	if (old->type != category->type)
		return fault_set(fault, STATUS_REFUSED, NULL, 0,
				 "category \"%s\" is of type %s, and a type never changes",
				 old->name, tag_type_name(old->type));
	if (old->service && !category->service)
		return fault_set(fault, STATUS_REFUSED, NULL, 0,
				 "category \"%s\" belongs to a service and is read-only",
				 old->name);
	return category_grow(old, category, fault);
}

enum status
catalog_category_remove(struct catalog *catalog, const char *name, size_t length,
			struct fault *fault)
{
	size_t at = category_index(catalog, name, length);
	struct tag_category *old;

	if (at == catalog->category_count)
		return fault_set(fault, STATUS_MISSING, NULL, 0, "no category \"%.*s\"",
				 (int)(length < 255 ? length : 255), name);
	old = catalog->categories[at];
	if (old->service)
		return fault_set(fault, STATUS_REFUSED, NULL, 0,
				 "category \"%s\" belongs to a service and is read-only",
				 old->name);
	erase((void **)catalog->categories, &catalog->category_count, at);
	category_free(old);
	return STATUS_OK;
}

struct source_row *
catalog_source(const struct catalog *catalog, const char *name, size_t length)
{
	bool found;
	size_t at = source_place(catalog, name, length, &found);

	return found ? catalog->sources[at] : NULL;
}

static struct source_row *
source_new(const char *name, size_t length)
{
	struct source_row *source = calloc(1, sizeof(*source));

	if (!source)
		return NULL;
	source->name = strndup(name, length);
	source->description = strdup("");
	source->priority = CATALOG_PRIORITY_DEFAULT;
	if (!source->name || !source->description) {
		source_free(source);
		return NULL;
	}
	return source;
}

enum status
catalog_source_put(struct catalog *catalog, const char *name, size_t length,
		   struct source_row **source, struct fault *fault)
{
	bool found;
	size_t at = source_place(catalog, name, length, &found);
	struct source_row *fresh;

	if (found) {
		*source = catalog->sources[at];
		return STATUS_OK;
	}
	if (length < 1 || length > LIMIT_SOURCE_NAME_BYTES || !text_is_plain(name, length))
		return fault_set(fault, STATUS_USAGE, NULL, 0,
				 "a source's name must be 1 to %d bytes of UTF-8 without control "
				 "characters", LIMIT_SOURCE_NAME_BYTES);
	if (catalog->source_count >= LIMIT_SOURCES)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "more than %d sources",
				 LIMIT_SOURCES);
	fresh = source_new(name, length);
	if (!fresh || !insert_source(catalog, at, fresh)) {
		source_free(fresh);
		return no_memory(fault);
	}
	*source = fresh;
	return STATUS_OK;
}

enum status
catalog_source_describe(struct source_row *source, const char *text, size_t length,
			struct fault *fault)
{
	char *copy;

	if (length > LIMIT_TAG_TEXT_BYTES || !text_is_plain(text, length))
		return fault_set(fault, STATUS_USAGE, NULL, 0,
				 "a description must be at most %d bytes of UTF-8 without control "
				 "characters", LIMIT_TAG_TEXT_BYTES);
	copy = strndup(text, length);
	if (!copy)
		return no_memory(fault);
	free(source->description);
	source->description = copy;
	return STATUS_OK;
}

enum status
catalog_source_remove(struct catalog *catalog, const char *name, size_t length,
		      struct fault *fault)
{
	bool found;
	size_t at = source_place(catalog, name, length, &found);
	struct source_row *old;

	if (!found)
		return fault_set(fault, STATUS_MISSING, NULL, 0, "no source \"%.*s\"",
				 (int)(length < 255 ? length : 255), name);
	old = catalog->sources[at];
	erase((void **)catalog->sources, &catalog->source_count, at);
	source_free(old);
	return STATUS_OK;
}

/* As a category's name. */
bool
catalog_profile_name_ok(const char *name, size_t length)
{
	return length >= 1 && length <= LIMIT_CATEGORY_NAME_BYTES && text_is_plain(name, length) &&
	       name[0] != ' ' && name[length - 1] != ' ';
}

bool
catalog_profile_text_ok(const char *text, size_t length)
{
	return !memchr(text, '\0', length) && text_is_utf8(text, length);
}

/* In any letter case; profile_count if there is none. */
static size_t
profile_index(const struct catalog *catalog, const char *name, size_t length)
{
	size_t at = 0;

	while (at < catalog->profile_count &&
	       !text_is_word(name, length, catalog->profiles[at]->name))
		at++;
	return at;
}

/* Where a row of that name would stand: by byte order. */
static size_t
profile_place(const struct catalog *catalog, const char *name)
{
	size_t at = 0;

	while (at < catalog->profile_count && strcmp(catalog->profiles[at]->name, name) < 0)
		at++;
	return at;
}

const struct profile_row *
catalog_profile(const struct catalog *catalog, const char *name, size_t length)
{
	size_t at = profile_index(catalog, name, length);

	return at < catalog->profile_count ? catalog->profiles[at] : NULL;
}

static struct profile_row *
profile_row_new(const char *name, size_t length, const char *text, size_t text_length)
{
	struct profile_row *profile = calloc(1, sizeof(*profile));

	if (!profile)
		return NULL;
	profile->name = strndup(name, length);
	profile->text = strndup(text, text_length); /* there is no NUL in it */
	profile->text_length = text_length;
	if (!profile->name || !profile->text) {
		profile_row_free(profile);
		return NULL;
	}
	return profile;
}

static enum status
profile_insert(struct catalog *catalog, struct profile_row *fresh, struct fault *fault)
{
	void **items = (void **)catalog->profiles;
	size_t at = profile_place(catalog, fresh->name);
	bool done;

	if (catalog->profile_count >= LIMIT_PROFILES)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "more than %d profiles",
				 LIMIT_PROFILES);
	done = insert(&items, &catalog->profile_count, at, fresh);
	catalog->profiles = (struct profile_row **)items;
	return done ? STATUS_OK : no_memory(fault);
}

/* The name may differ in letter case, and then belongs elsewhere. */
static void
profile_replace(struct catalog *catalog, size_t old, struct profile_row *fresh)
{
	void **items = (void **)catalog->profiles;

	profile_row_free(catalog->profiles[old]);
	erase(items, &catalog->profile_count, old);
	wedge(items, &catalog->profile_count, profile_place(catalog, fresh->name), fresh);
}

static enum status
profile_row_check(const char *name, size_t length, const char *text, size_t text_length,
		  struct fault *fault)
{
	if (!catalog_profile_name_ok(name, length))
		return fault_set(fault, STATUS_PROFILE, NULL, 0,
				 "a profile's name must be 1 to %d bytes of plain UTF-8 without "
				 "blanks around it", LIMIT_CATEGORY_NAME_BYTES);
	if (text_length > LIMIT_PROFILE_BYTES)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "a profile of more than %u bytes",
				 LIMIT_PROFILE_BYTES);
	if (!catalog_profile_text_ok(text, text_length))
		return fault_set(fault, STATUS_PROFILE, NULL, 0, "a profile that is not UTF-8 text");
	return STATUS_OK;
}

enum status
catalog_profile_put(struct catalog *catalog, const char *name, size_t length, const char *text,
		    size_t text_length, uint64_t changed, struct fault *fault)
{
	enum status status = profile_row_check(name, length, text, text_length, fault);
	struct profile_row *fresh;
	size_t old;

	if (status != STATUS_OK)
		return status;
	fresh = profile_row_new(name, length, text, text_length);
	if (!fresh)
		return no_memory(fault);
	fresh->changed = changed;
	old = profile_index(catalog, name, length);
	if (old < catalog->profile_count)
		profile_replace(catalog, old, fresh);
	else
		status = profile_insert(catalog, fresh, fault);
	if (status != STATUS_OK)
		profile_row_free(fresh);
	return status;
}

enum status
catalog_profile_remove(struct catalog *catalog, const char *name, size_t length,
		       struct fault *fault)
{
	size_t at = profile_index(catalog, name, length);
	struct profile_row *old;

	if (at == catalog->profile_count)
		return fault_set(fault, STATUS_MISSING, NULL, 0, "no profile \"%.*s\"",
				 (int)(length < 255 ? length : 255), name);
	old = catalog->profiles[at];
	erase((void **)catalog->profiles, &catalog->profile_count, at);
	profile_row_free(old);
	return STATUS_OK;
}
