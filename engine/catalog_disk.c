/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a catalogue: layout in catalog.h. */
#include <stdlib.h>
#include <string.h>

#include "engine/bytes.h"
#include "engine/catalog.h"
#include "engine/category.h"
#include "engine/text.h"

#define DISK_MAGIC "RCAT"
#define DISK_MAGIC_BYTES 4
#define DISK_VERSION 2
#define DISK_VERSION_OLD 1 /* without profiles */

_Static_assert(LIMIT_CATEGORIES <= UINT16_MAX, "counted in two bytes");
_Static_assert(LIMIT_SOURCES <= UINT16_MAX, "counted in two bytes");
_Static_assert(LIMIT_LIST_VALUES <= UINT16_MAX, "counted in two bytes");
_Static_assert(LIMIT_PROFILES <= UINT16_MAX, "counted in two bytes");

static const char out_of_memory[] = "out of memory";

/* With bytes NULL it only counts; the second pass writes the same. */
struct writer {
	uint8_t *bytes;
	size_t length;
};

static void
put(struct writer *writer, const void *bytes, size_t length)
{
	if (writer->bytes && length)
		memcpy(writer->bytes + writer->length, bytes, length);
	writer->length += length;
}

static void
put_u8(struct writer *writer, uint8_t value)
{
	put(writer, &value, 1);
}

static void
put_u16(struct writer *writer, size_t value)
{
	struct le16 disk = le16_make((uint16_t)value);

	put(writer, &disk, sizeof(disk));
}

static void
put_u64(struct writer *writer, uint64_t value)
{
	struct le64 disk = le64_make(value);

	put(writer, &disk, sizeof(disk));
}

static void
put_text(struct writer *writer, const char *text)
{
	size_t length = strlen(text);

	put_u8(writer, (uint8_t)length);
	put(writer, text, length);
}

static void
put_category(struct writer *writer, const struct tag_category *category)
{
	put_u8(writer, (uint8_t)category->type);
	put_u8(writer, category->service);
	put_text(writer, category->name);
	put_text(writer, category->description);
	if (category->type == TAG_LIST) {
		put_u16(writer, category->value_count);
		for (size_t i = 0; i < category->value_count; i++)
			put_text(writer, category->values[i]);
	}
	if (category->type == TAG_NUMBER) {
		put_u64(writer, (uint64_t)category->min);
		put_u64(writer, (uint64_t)category->max);
	}
}

static void
put_source(struct writer *writer, const struct source_row *source)
{
	struct le32 priority = le32_make(source->priority);

	put_text(writer, source->name);
	put_text(writer, source->description);
	put(writer, &priority, sizeof(priority));
	put_u64(writer, source->ttl_seconds);
	put_u64(writer, source->last_import);
	put_u64(writer, source->last_count);
}

static void
put_profile(struct writer *writer, const struct profile_row *profile)
{
	struct le32 length = le32_make((uint32_t)profile->text_length);

	put_text(writer, profile->name);
	put_u64(writer, profile->changed);
	put(writer, &length, sizeof(length));
	put(writer, profile->text, profile->text_length);
}

static void
put_catalog(struct writer *writer, const struct catalog *catalog)
{
	put(writer, DISK_MAGIC, DISK_MAGIC_BYTES);
	put_u8(writer, DISK_VERSION);
	put_u16(writer, catalog->category_count);
	for (size_t i = 0; i < catalog->category_count; i++)
		put_category(writer, catalog->categories[i]);
	put_u16(writer, catalog->source_count);
	for (size_t i = 0; i < catalog->source_count; i++)
		put_source(writer, catalog->sources[i]);
	put_u16(writer, catalog->profile_count);
	for (size_t i = 0; i < catalog->profile_count; i++)
		put_profile(writer, catalog->profiles[i]);
}

enum status
catalog_encode(const struct catalog *catalog, uint8_t **bytes, size_t *length,
	       struct fault *fault)
{
	struct writer writer = { 0 };

	put_catalog(&writer, catalog);
	writer.bytes = malloc(writer.length);
	if (!writer.bytes)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	writer.length = 0;
	put_catalog(&writer, catalog);
	*bytes = writer.bytes;
	*length = writer.length;
	return STATUS_OK;
}

/* After the first failure `wrong` says what, and everything read is zero or "". */
struct reader {
	const uint8_t *bytes;
	size_t length;
	size_t offset;
	const char *wrong;
};

static const uint8_t *
get(struct reader *reader, size_t length)
{
	const uint8_t *at = reader->bytes + reader->offset;

	if (reader->wrong)
		return NULL;
	if (reader->length - reader->offset < length) {
		reader->wrong = "the catalogue is cut off";
		return NULL;
	}
	reader->offset += length;
	return at;
}

static uint64_t
get_number(struct reader *reader, size_t bytes)
{
	const uint8_t *at = get(reader, bytes);
	uint64_t value = 0;

	for (size_t i = 0; at && i < bytes; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

/* On the heap; NULL and `wrong` on failure. */
static char *
get_text(struct reader *reader)
{
	size_t length = get_number(reader, 1);
	const char *at = (const char *)get(reader, length);
	char *text;

	if (!at)
		return NULL;
	if (!text_is_plain(at, length)) {
		reader->wrong = "a text of the catalogue is not plain UTF-8";
		return NULL;
	}
	text = strndup(at, length);
	if (!text)
		reader->wrong = out_of_memory;
	return text;
}

static void
get_values(struct reader *reader, struct tag_category *category)
{
	size_t count = get_number(reader, 2);

	if (count < 1 || count > LIMIT_LIST_VALUES) {
		reader->wrong = reader->wrong ? reader->wrong : "bad count of list values";
		return;
	}
	category->values = calloc(count, sizeof(*category->values));
	if (!category->values) {
		reader->wrong = out_of_memory;
		return;
	}
	while (category->value_count < count && !reader->wrong) {
		char *value = get_text(reader);
		if (value)
			category->values[category->value_count++] = value;
	}
}

static void
get_category(struct reader *reader, struct tag_category *category)
{
	uint64_t type = get_number(reader, 1);
	uint64_t owner = get_number(reader, 1);

	if (type >= TAG_TYPE_COUNT || owner > 1)
		reader->wrong = "a category with an unknown type or owner";
	category->type = (enum tag_type)type;
	category->service = owner == 1;
	category->name = get_text(reader);
	category->description = get_text(reader);
	if (category->type == TAG_LIST)
		get_values(reader, category);
	if (category->type == TAG_NUMBER) {
		category->min = (int64_t)get_number(reader, 8);
		category->max = (int64_t)get_number(reader, 8);
	}
	if (!reader->wrong && category_check(category, NULL) != STATUS_OK)
		reader->wrong = "a category that is not well formed";
}

static bool
in_order(const char *earlier, const char *later)
{
	return strcmp(earlier, later) < 0;
}

static void
get_categories(struct reader *reader, struct catalog *catalog)
{
	size_t count = get_number(reader, 2);

	if (count > LIMIT_CATEGORIES)
		reader->wrong = "too many categories";
	if (reader->wrong)
		return;
	catalog->categories = calloc(count + 1, sizeof(*catalog->categories));
	if (!catalog->categories)
		reader->wrong = out_of_memory;
	while (!reader->wrong && catalog->category_count < count) {
		size_t at = catalog->category_count;
		struct tag_category *category = calloc(1, sizeof(*category));
		if (!category) {
			reader->wrong = out_of_memory;
			return;
		}
		catalog->categories[catalog->category_count++] = category;
		get_category(reader, category);
		if (!reader->wrong && at > 0 &&
		    !in_order(catalog->categories[at - 1]->name, category->name))
			reader->wrong = "categories out of order";
	}
}

static int
folded_order(const void *a, const void *b)
{
	const char *left = *(const char *const *)a;
	const char *right = *(const char *const *)b;

	return text_compare_folded(left, strlen(left), right, strlen(right));
}

/* Of an array of names, which is sorted here. */
static void
check_names(struct reader *reader, const char **names, size_t count, const char *wrong)
{
	qsort(names, count, sizeof(*names), folded_order);
	for (size_t i = 1; i < count; i++) {
		if (folded_order(&names[i - 1], &names[i]) == 0)
			reader->wrong = wrong;
	}
}

static void
check_category_names(struct reader *reader, const struct catalog *catalog)
{
	const char **names;

	if (reader->wrong || catalog->category_count < 2)
		return;
	names = malloc(catalog->category_count * sizeof(*names));
	if (!names) {
		reader->wrong = out_of_memory;
		return;
	}
	for (size_t i = 0; i < catalog->category_count; i++)
		names[i] = catalog->categories[i]->name;
	check_names(reader, names, catalog->category_count,
		    "two categories whose names differ in letter case only");
	free(names);
}

static void
check_profile_names(struct reader *reader, const struct catalog *catalog)
{
	const char *names[LIMIT_PROFILES];

	if (reader->wrong)
		return;
	for (size_t i = 0; i < catalog->profile_count; i++)
		names[i] = catalog->profiles[i]->name;
	check_names(reader, names, catalog->profile_count,
		    "two profiles whose names differ in letter case only");
}

static void
get_source(struct reader *reader, struct source_row *source)
{
	source->name = get_text(reader);
	source->description = get_text(reader);
	source->priority = (uint32_t)get_number(reader, 4);
	source->ttl_seconds = get_number(reader, 8);
	source->last_import = get_number(reader, 8);
	source->last_count = get_number(reader, 8);
	if (!reader->wrong && !source->name[0])
		reader->wrong = "a source without a name";
}

static void
get_sources(struct reader *reader, struct catalog *catalog)
{
	size_t count = get_number(reader, 2);

	if (count > LIMIT_SOURCES)
		reader->wrong = "too many sources";
	if (reader->wrong)
		return;
	catalog->sources = calloc(count + 1, sizeof(*catalog->sources));
	if (!catalog->sources)
		reader->wrong = out_of_memory;
	while (!reader->wrong && catalog->source_count < count) {
		size_t at = catalog->source_count;
		struct source_row *source = calloc(1, sizeof(*source));
		if (!source) {
			reader->wrong = out_of_memory;
			return;
		}
		catalog->sources[catalog->source_count++] = source;
		get_source(reader, source);
		if (!reader->wrong && at > 0 &&
		    !in_order(catalog->sources[at - 1]->name, source->name))
			reader->wrong = "sources out of order";
	}
}

static void
get_profile(struct reader *reader, struct profile_row *profile)
{
	const char *text;

	profile->name = get_text(reader);
	profile->changed = get_number(reader, 8);
	profile->text_length = get_number(reader, 4);
	text = (const char *)get(reader, profile->text_length);
	if (!text)
		return;
	if (profile->text_length > LIMIT_PROFILE_BYTES ||
	    !catalog_profile_text_ok(text, profile->text_length))
		reader->wrong = "a profile that is too long or not UTF-8 text";
	else if (!catalog_profile_name_ok(profile->name, strlen(profile->name)))
		reader->wrong = "a profile with a bad name";
	else if (!(profile->text = strndup(text, profile->text_length)))
		reader->wrong = out_of_memory;
}

static void
get_profiles(struct reader *reader, struct catalog *catalog)
{
	size_t count = get_number(reader, 2);

	if (count > LIMIT_PROFILES)
		reader->wrong = "too many profiles";
	if (reader->wrong)
		return;
	catalog->profiles = calloc(count + 1, sizeof(*catalog->profiles));
	if (!catalog->profiles)
		reader->wrong = out_of_memory;
	while (!reader->wrong && catalog->profile_count < count) {
		size_t at = catalog->profile_count;
		struct profile_row *profile = calloc(1, sizeof(*profile));
		if (!profile) {
			reader->wrong = out_of_memory;
			return;
		}
		catalog->profiles[catalog->profile_count++] = profile;
		get_profile(reader, profile);
		if (!reader->wrong && at > 0 &&
		    !in_order(catalog->profiles[at - 1]->name, profile->name))
			reader->wrong = "profiles out of order";
	}
	check_profile_names(reader, catalog);
}

static enum status
decode(struct reader *reader, struct catalog *catalog, struct fault *fault)
{
	uint64_t version;

	if (reader->length < DISK_MAGIC_BYTES ||
	    memcmp(get(reader, DISK_MAGIC_BYTES), DISK_MAGIC, DISK_MAGIC_BYTES) != 0)
		return fault_set(fault, STATUS_FORMAT, NULL, 0, "not a catalogue");
	version = get_number(reader, 1);
	if (!reader->wrong && version != DISK_VERSION && version != DISK_VERSION_OLD)
		return fault_set(fault, STATUS_VERSION, NULL, DISK_MAGIC_BYTES,
				 "a catalogue of version %u; this program reads %d and %d",
				 (unsigned)version, DISK_VERSION_OLD, DISK_VERSION);
	get_categories(reader, catalog);
	check_category_names(reader, catalog);
	get_sources(reader, catalog);
	if (version != DISK_VERSION_OLD)
		get_profiles(reader, catalog);
	if (!reader->wrong && reader->offset != reader->length)
		reader->wrong = "bytes after the end of the catalogue";
	if (reader->wrong)
		return fault_set(fault,
				 reader->wrong == out_of_memory ? STATUS_NO_MEMORY : STATUS_CORRUPT,
				 NULL, reader->offset, "%s", reader->wrong);
	return STATUS_OK;
}

enum status
catalog_decode(const uint8_t *bytes, size_t length, struct catalog *catalog, struct fault *fault)
{
	struct reader reader = { .bytes = bytes, .length = length };
	struct catalog fresh = { 0 };
	enum status status = decode(&reader, &fresh, fault);

	if (status != STATUS_OK) {
		catalog_fini(&fresh);
		return status;
	}
	*catalog = fresh;
	return STATUS_OK;
}

/* Through the disk form: one list of the fields is enough. */
enum status
catalog_copy(const struct catalog *from, struct catalog *to, struct fault *fault)
{
	uint8_t *bytes;
	size_t length;
	enum status status = catalog_encode(from, &bytes, &length, fault);

	if (status != STATUS_OK)
		return status;
	status = catalog_decode(bytes, length, to, fault);
	free(bytes);
	return status;
}
