/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue: rules of putting and removing, and its bytes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/catalog.h"

static struct catalog catalog;

static void
setup(void)
{
	ck_assert_int_eq(catalog_init(&catalog, NULL), STATUS_OK);
}

static void
teardown(void)
{
	catalog_fini(&catalog);
}

static const struct tag_category *
find(const char *name)
{
	return catalog_category(&catalog, name, strlen(name));
}

static enum status
put(struct tag_category category)
{
	struct fault fault = { 0 };
	enum status status = catalog_category_put(&catalog, &category, &fault);

	ck_assert_int_eq(fault.status, status);
	return status;
}

static enum status
remove_category(const char *name)
{
	return catalog_category_remove(&catalog, name, strlen(name), NULL);
}

static struct source_row *
source(const char *name)
{
	struct source_row *row = NULL;

	if (catalog_source_put(&catalog, name, strlen(name), &row, NULL) != STATUS_OK)
		return NULL;
	return row;
}

START_TEST(the_predefined_are_there)
{
	static const struct {
		const char *name;
		enum tag_type type;
		bool service;
		size_t values;
	} wanted[] = {
		{ "Trend Micro Detection Category", TAG_LIST, true, 2 },
		{ "Trend Micro Publisher", TAG_TEXT, true, 0 },
		{ "Trend Micro Source", TAG_TEXT, true, 0 },
		{ "Trend Micro Suspicious Object Source", TAG_LIST, true, 2 },
		{ "Trend Micro Scan Action", TAG_LIST, true, 2 },
		{ "Trend Micro Severity", TAG_LIST, true, 3 },
		{ "Reputation Entries TTL", TAG_DATE, true, 0 },
		{ "Malware Family", TAG_TEXT, false, 0 },
		{ "Description", TAG_TEXT, false, 0 },
		{ "List Count", TAG_NUMBER, false, 0 },
		{ "Confidence", TAG_NUMBER, false, 0 },
		{ "Threat Type", TAG_TEXT, false, 0 },
	};

	ck_assert_uint_eq(catalog.category_count, 12);
	for (size_t i = 0; i < 11; i++) {
		const struct tag_category *category = find(wanted[i].name);
		ck_assert_ptr_nonnull(category);
		ck_assert_str_eq(category->name, wanted[i].name);
		ck_assert_int_eq(category->type, wanted[i].type);
		ck_assert_int_eq(category->service, wanted[i].service);
		ck_assert_uint_eq(category->value_count, wanted[i].values);
	}
	ck_assert_int_eq(find("List Count")->min, 1);
	ck_assert_int_eq(find("List Count")->max, 100000);
	ck_assert_int_eq(find("Confidence")->max, 100);
}
END_TEST

START_TEST(names_are_found_in_any_letter_case)
{
	ck_assert_str_eq(find("trend micro SEVERITY")->name, "Trend Micro Severity");
	ck_assert_ptr_null(find("Trend Micro Severit"));
	ck_assert_ptr_null(find(""));
}
END_TEST

START_TEST(a_near_name_is_proposed)
{
	ck_assert_str_eq(catalog_category_near(&catalog, "Malwre Famly", 12), "Malware Family");
	ck_assert_str_eq(catalog_category_near(&catalog, "severity", 8), "Trend Micro Severity");
	ck_assert_str_eq(catalog_category_near(&catalog, "confidense", 10), "Confidence");
	ck_assert_ptr_null(catalog_category_near(&catalog, "zzzzzzzz", 8));
	ck_assert_ptr_null(catalog_category_near(&catalog, "", 0));
}
END_TEST

static char *colours[] = { "red", "green", "blue" };

static struct tag_category
colour(size_t count)
{
	return (struct tag_category){ .name = "Colour", .description = "", .type = TAG_LIST,
				      .values = colours, .value_count = count };
}

START_TEST(putting_twice_changes_nothing)
{
	uint8_t *before, *after;
	size_t before_length, after_length;

	ck_assert_int_eq(put(colour(3)), STATUS_OK);
	catalog_encode(&catalog, &before, &before_length, NULL);
	ck_assert_int_eq(put(colour(3)), STATUS_OK);
	ck_assert_int_eq(put(*find("Trend Micro Severity")), STATUS_OK);
	ck_assert_int_eq(put(colour(1)), STATUS_OK); /* nothing is taken away */
	catalog_encode(&catalog, &after, &after_length, NULL);
	ck_assert_uint_eq(before_length, after_length);
	ck_assert_mem_eq(before, after, before_length);
	free(before);
	free(after);
}
END_TEST

START_TEST(categories_grow)
{
	struct tag_category number = { .name = "N", .type = TAG_NUMBER, .min = 5, .max = 10 };
	const struct tag_category *seen;

	ck_assert_int_eq(put(colour(1)), STATUS_OK);
	seen = find("colour");
	ck_assert_int_eq(put(colour(3)), STATUS_OK);
	ck_assert_ptr_eq(seen, find("Colour"));
	ck_assert_uint_eq(seen->value_count, 3);
	ck_assert_int_eq(put(number), STATUS_OK);
	number.min = 7;
	number.max = 20;
	number.description = "more";
	number.name = "n";
	ck_assert_int_eq(put(number), STATUS_OK);
	ck_assert_int_eq(find("N")->min, 5);
	ck_assert_int_eq(find("N")->max, 20);
	ck_assert_str_eq(find("N")->description, "more");
	ck_assert_str_eq(find("N")->name, "N");
}
END_TEST

START_TEST(growth_stops_at_the_limit)
{
	static char words[LIMIT_LIST_VALUES][8];
	static char *values[LIMIT_LIST_VALUES];
	struct tag_category category = { .name = "Colour", .type = TAG_LIST, .values = values,
					 .value_count = LIMIT_LIST_VALUES };

	for (size_t i = 0; i < LIMIT_LIST_VALUES; i++) {
		snprintf(words[i], sizeof(words[i]), "v%zu", i);
		values[i] = words[i];
	}
	ck_assert_int_eq(put(colour(1)), STATUS_OK);
	ck_assert_int_eq(put(category), STATUS_LIMIT);
	ck_assert_uint_eq(find("Colour")->value_count, 1);
	category.value_count--;
	ck_assert_int_eq(put(category), STATUS_OK);
	ck_assert_uint_eq(find("Colour")->value_count, LIMIT_LIST_VALUES);
}
END_TEST

START_TEST(rules_refuse)
{
	struct tag_category severity = *find("Trend Micro Severity");
	char *more[] = { "High", "Medium", "Low", "None" };

	ck_assert_int_eq(put((struct tag_category){ .name = "Description", .type = TAG_DATE }),
			 STATUS_REFUSED);
	severity.values = more;
	severity.value_count = 4;
	severity.service = false;
	ck_assert_int_eq(put(severity), STATUS_REFUSED);
	ck_assert_uint_eq(find("Trend Micro Severity")->value_count, 3);
	severity.service = true;
	ck_assert_int_eq(put(severity), STATUS_OK);
	ck_assert_uint_eq(find("Trend Micro Severity")->value_count, 4);
	ck_assert_int_eq(remove_category("Trend Micro Severity"), STATUS_REFUSED);
	ck_assert_int_eq(remove_category("nothing"), STATUS_MISSING);
	ck_assert_int_eq(remove_category("DESCRIPTION"), STATUS_OK);
	ck_assert_ptr_null(find("Description"));
}
END_TEST

START_TEST(what_is_not_well_formed_is_refused)
{
	static char long_name[257];
	char *twice[] = { "a", "b", "A" }, *empty[] = { "" }, *blank[] = { "a " };
	char *control[] = { "a\tb" };
	struct tag_category bad[] = {
		{ .name = NULL, .type = TAG_TEXT }, { .name = "", .type = TAG_TEXT },
		{ .name = long_name, .type = TAG_TEXT }, { .name = " a", .type = TAG_TEXT },
		{ .name = "a ", .type = TAG_TEXT }, { .name = "a\n", .type = TAG_TEXT },
		{ .name = "\xFF", .type = TAG_TEXT }, { .name = "a", .type = TAG_TYPE_COUNT },
		{ .name = "a", .type = TAG_NUMBER, .min = 1, .max = 0 },
		{ .name = "a", .type = TAG_LIST },
		{ .name = "a", .type = TAG_LIST, .values = twice, .value_count = 3 },
		{ .name = "a", .type = TAG_LIST, .values = empty, .value_count = 1 },
		{ .name = "a", .type = TAG_LIST, .values = blank, .value_count = 1 },
		{ .name = "a", .type = TAG_LIST, .values = control, .value_count = 1 },
		{ .name = "a", .type = TAG_TEXT, .description = long_name },
		{ .name = "a", .type = TAG_TEXT, .description = "\x01" },
	};

	memset(long_name, 'x', 256);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(put(bad[i]) == STATUS_BAD_TAG, "%zu", i);
	long_name[255] = '\0';
	ck_assert_int_eq(put(bad[2]), STATUS_OK);
	ck_assert_int_eq(put(bad[14]), STATUS_OK);
	ck_assert_uint_eq(catalog.category_count, 14);
}
END_TEST

START_TEST(counts_are_limited)
{
	char name[16];

	for (size_t i = catalog.category_count; i <= LIMIT_CATEGORIES; i++) {
		snprintf(name, sizeof(name), "c%zu", i);
		ck_assert_int_eq(put((struct tag_category){ .name = name, .type = TAG_TEXT }),
				 i < LIMIT_CATEGORIES ? STATUS_OK : STATUS_LIMIT);
	}
	for (size_t i = 0; i <= LIMIT_SOURCES; i++) {
		snprintf(name, sizeof(name), "s%zu", i);
		ck_assert_int_eq(!source(name), i == LIMIT_SOURCES);
	}
	ck_assert_ptr_nonnull(source("s7"));
}
END_TEST

START_TEST(sources_are_found_or_made)
{
	char long_name[257];
	struct source_row *row = source("feed-a");

	ck_assert_ptr_nonnull(row);
	ck_assert_uint_eq(row->priority, CATALOG_PRIORITY_DEFAULT);
	ck_assert_str_eq(row->description, "");
	ck_assert_ptr_eq(source("feed-a"), row);
	ck_assert_ptr_ne(source("Feed-A"), row);
	ck_assert_ptr_eq(catalog_source(&catalog, "feed-a", 6), row);
	ck_assert_ptr_null(catalog_source(&catalog, "feed-b", 6));
	ck_assert_ptr_null(source(""));
	ck_assert_ptr_null(source("a\nb"));
	ck_assert_ptr_null(source("\xFF"));
	memset(long_name, 's', 256);
	long_name[256] = '\0';
	ck_assert_ptr_null(source(long_name));
	ck_assert_ptr_nonnull(source(long_name + 1));
	ck_assert_int_eq(catalog_source_describe(row, "text", 4, NULL), STATUS_OK);
	ck_assert_int_eq(catalog_source_describe(row, long_name, 256, NULL), STATUS_USAGE);
	ck_assert_int_eq(catalog_source_describe(row, "\n", 1, NULL), STATUS_USAGE);
	ck_assert_str_eq(row->description, "text");
	ck_assert_int_eq(catalog_source_remove(&catalog, "feed-a", 6, NULL), STATUS_OK);
	ck_assert_int_eq(catalog_source_remove(&catalog, "feed-a", 6, NULL), STATUS_MISSING);
}
END_TEST

static enum status
put_profile(const char *name, const char *text)
{
	return catalog_profile_put(&catalog, name, strlen(name), text, strlen(text), 7, NULL);
}

static const struct profile_row *
profile(const char *name)
{
	return catalog_profile(&catalog, name, strlen(name));
}

START_TEST(profiles_are_put_found_and_removed)
{
	ck_assert_ptr_null(profile("Edge"));
	ck_assert_int_eq(put_profile("Edge", "one\n"), STATUS_OK);
	ck_assert_int_eq(put_profile("core", ""), STATUS_OK);
	ck_assert_str_eq(profile("EDGE")->text, "one\n");
	ck_assert_uint_eq(profile("edge")->text_length, 4);
	ck_assert_uint_eq(profile("edge")->changed, 7);
	/* in its place, in the new spelling: sorted behind "core" now */
	ck_assert_int_eq(put_profile("edge", "two"), STATUS_OK);
	ck_assert_uint_eq(catalog.profile_count, 2);
	ck_assert_str_eq(catalog.profiles[0]->name, "core");
	ck_assert_str_eq(catalog.profiles[1]->name, "edge");
	ck_assert_str_eq(profile("Edge")->text, "two");
	ck_assert_int_eq(catalog_profile_remove(&catalog, "EDGE", 4, NULL), STATUS_OK);
	ck_assert_int_eq(catalog_profile_remove(&catalog, "EDGE", 4, NULL), STATUS_MISSING);
	ck_assert_ptr_null(profile("edge"));
	ck_assert_ptr_nonnull(profile("core"));
}
END_TEST

START_TEST(profiles_that_are_not_well_formed_are_refused)
{
	static char long_name[257];
	static const char *const bad[] = { "", " a", "a ", "a\tb", "\xFF", long_name };
	char *text = malloc(LIMIT_PROFILE_BYTES + 1);

	memset(long_name, 'p', 256);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(put_profile(bad[i], "") == STATUS_PROFILE, "%zu", i);
	ck_assert_int_eq(put_profile(long_name + 1, ""), STATUS_OK);
	ck_assert_int_eq(put_profile("a", "\xC0\x80"), STATUS_PROFILE);
	ck_assert_int_eq(catalog_profile_put(&catalog, "a", 1, "x\0y", 3, 1, NULL), STATUS_PROFILE);
	memset(text, '#', LIMIT_PROFILE_BYTES + 1);
	ck_assert_int_eq(catalog_profile_put(&catalog, "a", 1, text, LIMIT_PROFILE_BYTES + 1, 1, NULL),
			 STATUS_LIMIT);
	ck_assert_int_eq(catalog_profile_put(&catalog, "a", 1, text, LIMIT_PROFILE_BYTES, 1, NULL),
			 STATUS_OK);
	free(text);
}
END_TEST

START_TEST(profiles_are_counted)
{
	char name[16];

	for (size_t i = 0; i <= LIMIT_PROFILES; i++) {
		snprintf(name, sizeof(name), "p%zu", i);
		ck_assert_int_eq(put_profile(name, ""), i < LIMIT_PROFILES ? STATUS_OK : STATUS_LIMIT);
	}
	ck_assert_int_eq(put_profile("P7", "new"), STATUS_OK);
	ck_assert_str_eq(profile("p7")->text, "new");
}
END_TEST

static void
fill(unsigned seed)
{
	char name[16];

	srand(seed);
	for (int i = 0; i < 40; i++) {
		struct source_row *row;
		snprintf(name, sizeof(name), "n%d", (i * 7 + (int)seed * 11) % 40);
		row = source(name);
		row->ttl_seconds = (uint64_t)atoll(name + 1) << 33;
		row->last_import = UINT64_MAX;
		row->last_count = 3;
		row->priority = 1;
		catalog_source_describe(row, name, strlen(name), NULL);
		put((struct tag_category){ .name = name, .type = TAG_NUMBER, .min = INT64_MIN,
					   .max = atoll(name + 1), .description = name });
		put_profile(name, name);
	}
	put(colour(3));
}

START_TEST(bytes_do_not_know_the_order_of_adding)
{
	uint8_t *first = NULL, *bytes;
	size_t first_length = 0, length;

	for (unsigned seed = 0; seed < 8; seed++) {
		teardown();
		setup();
		fill(seed);
		catalog_encode(&catalog, &bytes, &length, NULL);
		if (first) {
			ck_assert_uint_eq(length, first_length);
			ck_assert_mem_eq(bytes, first, length);
			free(bytes);
		} else {
			first = bytes;
			first_length = length;
		}
	}
	free(first);
}
END_TEST

START_TEST(copies_have_everything)
{
	struct catalog copy;
	uint8_t *bytes, *again;
	size_t length, again_length;
	struct source_row *row;

	fill(1);
	catalog_encode(&catalog, &bytes, &length, NULL);
	ck_assert_int_eq(catalog_copy(&catalog, &copy, NULL), STATUS_OK);
	teardown();
	ck_assert_uint_eq(copy.category_count, 53);
	ck_assert_uint_eq(copy.source_count, 40);
	ck_assert_uint_eq(copy.profile_count, 40);
	ck_assert_str_eq(catalog_profile(&copy, "N39", 3)->text, "n39");
	ck_assert_uint_eq(catalog_profile(&copy, "N39", 3)->text_length, 3);
	ck_assert_uint_eq(catalog_profile(&copy, "N39", 3)->changed, 7);
	row = catalog_source(&copy, "n39", 3);
	ck_assert_uint_eq(row->ttl_seconds, 39ull << 33);
	ck_assert_uint_eq(row->last_import, UINT64_MAX);
	ck_assert_uint_eq(row->last_count, 3);
	ck_assert_uint_eq(row->priority, 1);
	ck_assert_str_eq(row->description, "n39");
	ck_assert(catalog_category(&copy, "n39", 3)->min == INT64_MIN);
	ck_assert_str_eq(catalog_category(&copy, "colour", 6)->values[2], "blue");
	ck_assert(catalog_category(&copy, "Confidence", 10)->max == 100);
	ck_assert(catalog_category(&copy, "Reputation Entries TTL", 22)->service);
	catalog_encode(&copy, &again, &again_length, NULL);
	ck_assert_uint_eq(length, again_length);
	ck_assert_mem_eq(bytes, again, length);
	catalog_fini(&copy);
	free(bytes);
	free(again);
	setup();
}
END_TEST

static enum status
decode(const void *bytes, size_t length)
{
	struct catalog read;
	struct fault fault = { 0 };
	uint8_t *exact = malloc(length ? length : 1);
	enum status status;

	memcpy(exact, bytes, length);
	status = catalog_decode(exact, length, &read, &fault);
	ck_assert_int_eq(fault.status, status);
	if (status == STATUS_OK) {
		uint8_t *again;
		size_t again_length;
		catalog_encode(&read, &again, &again_length, NULL);
		if (exact[4] == 1) { /* comes out as version 2, with no profiles */
			ck_assert_uint_eq(again_length, length + 2);
			ck_assert_mem_eq(again + length, "\0\0", 2);
			exact[4] = 2;
		} else {
			ck_assert_uint_eq(again_length, length);
		}
		ck_assert_mem_eq(again, exact, length);
		free(again);
		catalog_fini(&read);
	}
	free(exact);
	return status;
}

START_TEST(decoding_refuses)
{
#define BYTES(text) text, sizeof(text) - 1
	ck_assert_int_eq(decode(BYTES("")), STATUS_FORMAT);
	ck_assert_int_eq(decode(BYTES("RCA")), STATUS_FORMAT);
	ck_assert_int_eq(decode(BYTES("XCAT\1\0\0\0\0")), STATUS_FORMAT);
	ck_assert_int_eq(decode(BYTES("RCAT\3\0\0\0\0\0\0")), STATUS_VERSION);
	ck_assert_int_eq(decode(BYTES("RCAT\0\0\0\0\0")), STATUS_VERSION);
	ck_assert_int_eq(decode(BYTES("RCAT")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(BYTES("RCAT\1\0\0\0\0")), STATUS_OK);
	ck_assert_int_eq(decode(BYTES("RCAT\1\0\0\0\0\0")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(BYTES("RCAT\1\1\0\0\0\1a\0\0\0")), STATUS_OK);
	ck_assert_int_eq(decode(BYTES("RCAT\1\1\0\0\2\1a\0\0\0")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(BYTES("RCAT\1\1\0\5\0\1a\0\0\0")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(BYTES("RCAT\1\1\0\0\0\0\0\0\0")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(BYTES("RCAT\1\1\0\1\0\1a\0\0\0\0\0")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(BYTES("RCAT\1\2\0\0\0\1a\0\0\0\1b\0\0\0")), STATUS_OK);
	ck_assert_int_eq(decode(BYTES("RCAT\1\2\0\0\0\1b\0\0\0\1a\0\0\0")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(BYTES("RCAT\1\2\0\0\0\1a\0\0\0\1a\0\0\0")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(BYTES("RCAT\1\2\0\0\0\1A\0\0\0\1a\0\0\0")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(BYTES("RCAT\1\1\20")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(BYTES("RCAT\1\377\377")), STATUS_CORRUPT);
}
END_TEST

/* name, changed u64, text length u32, text */
#define PROFILE(name) "\1" name "\7\0\0\0\0\0\0\0" "\2\0\0\0" "x\n"
#define PROFILES(count, rows) BYTES("RCAT\2\0\0\0\0" count "\0" rows)

START_TEST(decoding_refuses_bad_profiles)
{
	ck_assert_int_eq(decode(BYTES("RCAT\2\0\0\0\0")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(PROFILES("\0", "")), STATUS_OK);
	ck_assert_int_eq(decode(PROFILES("\1", PROFILE("a"))), STATUS_OK);
	ck_assert_int_eq(decode(PROFILES("\1", PROFILE("a") "y")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(PROFILES("\1", PROFILE(" "))), STATUS_CORRUPT);
	ck_assert_int_eq(decode(PROFILES("\1", PROFILE("\xFF"))), STATUS_CORRUPT);
	ck_assert_int_eq(decode(PROFILES("\2", PROFILE("a") PROFILE("b"))), STATUS_OK);
	ck_assert_int_eq(decode(PROFILES("\2", PROFILE("b") PROFILE("a"))), STATUS_CORRUPT);
	ck_assert_int_eq(decode(PROFILES("\2", PROFILE("a") PROFILE("a"))), STATUS_CORRUPT);
	ck_assert_int_eq(decode(PROFILES("\2", PROFILE("A") PROFILE("a"))), STATUS_CORRUPT);
	ck_assert_int_eq(decode(PROFILES("\377", PROFILE("a"))), STATUS_CORRUPT);
	ck_assert_int_eq(decode(BYTES("RCAT\2\0\0\0\0\377\377" PROFILE("a"))), STATUS_CORRUPT);
	/* the text: a NUL, no UTF-8, longer than there is */
	ck_assert_int_eq(decode(PROFILES("\1", "\1a\0\0\0\0\0\0\0\0\1\0\0\0\0")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(PROFILES("\1", "\1a\0\0\0\0\0\0\0\0\1\0\0\0\xFF")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(PROFILES("\1", "\1a\0\0\0\0\0\0\0\0\2\0\0\0x")), STATUS_CORRUPT);
	ck_assert_int_eq(decode(PROFILES("\1", "\1a\0\0\0\0\0\0\0\0\377\377\377\377x")),
			 STATUS_CORRUPT);
}
END_TEST

START_TEST(any_bytes_are_safe)
{
	uint8_t *good, *bytes;
	size_t length;

	put(colour(3));
	source("feed-a");
	source("feed-b");
	put_profile("edge", "[profile]\nname = edge\n");
	put_profile("Core", "x");
	catalog_encode(&catalog, &good, &length, NULL);
	bytes = malloc(length);
	for (size_t cut = 0; cut < length; cut++)
		ck_assert_int_ne(decode(good, cut), STATUS_OK);
	srand(4);
	for (int round = 0; round < 20000; round++) {
		memcpy(bytes, good, length);
		for (int i = rand() % 4; i >= 0; i--)
			bytes[(size_t)rand() % length] = (uint8_t)rand();
		decode(bytes, length);
	}
	for (int round = 0; round < 20000; round++) {
		size_t size = 5 + (size_t)rand() % 60;
		memcpy(bytes, good, 5);
		for (size_t i = 5; i < size; i++)
			bytes[i] = (uint8_t)(rand() % 5);
		decode(bytes, size);
	}
	free(bytes);
	free(good);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("catalog");
	TCase *tcase = tcase_create("catalog");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_predefined_are_there);
	tcase_add_test(tcase, names_are_found_in_any_letter_case);
	tcase_add_test(tcase, a_near_name_is_proposed);
	tcase_add_test(tcase, putting_twice_changes_nothing);
	tcase_add_test(tcase, categories_grow);
	tcase_add_test(tcase, growth_stops_at_the_limit);
	tcase_add_test(tcase, rules_refuse);
	tcase_add_test(tcase, what_is_not_well_formed_is_refused);
	tcase_add_test(tcase, counts_are_limited);
	tcase_add_test(tcase, sources_are_found_or_made);
	tcase_add_test(tcase, profiles_are_put_found_and_removed);
	tcase_add_test(tcase, profiles_that_are_not_well_formed_are_refused);
	tcase_add_test(tcase, profiles_are_counted);
	tcase_add_test(tcase, bytes_do_not_know_the_order_of_adding);
	tcase_add_test(tcase, copies_have_everything);
	tcase_add_test(tcase, decoding_refuses);
	tcase_add_test(tcase, decoding_refuses_bad_profiles);
	tcase_add_test(tcase, any_bytes_are_safe);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
