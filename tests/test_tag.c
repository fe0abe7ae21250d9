/* SPDX-License-Identifier: Apache-2.0 */
/* Tag values and sets. The oracle of the bytes is written by hand below, from tag.h. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tag.h"

static char *severities[] = { "High", "Medium", "Low" };
static const struct tag_category text = { .name = "Family", .type = TAG_TEXT };
static const struct tag_category list = {
	.name = "Severity", .type = TAG_LIST, .values = severities, .value_count = 3
};
static const struct tag_category date = { .name = "Seen", .type = TAG_DATE };
static const struct tag_category yesno = { .name = "Active", .type = TAG_YESNO };
static const struct tag_category number = {
	.name = "Score", .type = TAG_NUMBER, .min = -5, .max = 100
};
static const struct tag_category widest = {
	.name = "Wide", .type = TAG_NUMBER, .min = INT64_MIN, .max = INT64_MAX
};

static const char *
canon(const struct tag_category *category, const char *value)
{
	static char canonical[LIMIT_TAG_TEXT_BYTES + 1];
	struct fault fault = { 0 };
	size_t length = 9999;

	if (tag_value_canon(category, value, strlen(value), canonical, &length, &fault)) {
		ck_assert_uint_eq(length, 9999);
		ck_assert_int_eq(fault.status, STATUS_BAD_TAG);
		ck_assert_ptr_nonnull(strstr(fault.text, category->name));
		return NULL;
	}
	canonical[length] = '\0';
	return canonical;
}

START_TEST(values_become_canonical)
{
	static const struct {
		const struct tag_category *category;
		const char *value;
		const char *wanted; /* NULL: refused */
	} cells[] = {
		{ &text, "zeus", "zeus" }, { &text, " x ", " x " }, { &text, "Ünï", "Ünï" },
		{ &text, "", NULL }, { &text, "a\nb", NULL }, { &text, "a\x7f", NULL },
		{ &text, "\xC2\x85", NULL }, { &text, "\xFF", NULL }, { &text, "\xC0\x80", NULL },
		{ &text, "\xED\xA0\x80", NULL }, { &text, "\xF4\x90\x80\x80", NULL },
		{ &list, "High", "High" }, { &list, "hIGH", "High" }, { &list, "low", "Low" },
		{ &list, "", NULL }, { &list, "Hig", NULL }, { &list, "Highest", NULL },
		{ &date, "2017-05-25", "2017-05-25T00:00:00Z" },
		{ &date, "2018-10-25 07:15:00-0400", "2018-10-25T11:15:00Z" },
		{ &date, "soon", NULL }, { &date, "", NULL },
		{ &yesno, "yes", "yes" }, { &yesno, "Y", "yes" }, { &yesno, "True", "yes" },
		{ &yesno, "t", "yes" }, { &yesno, "1", "yes" }, { &yesno, "no", "no" },
		{ &yesno, "N", "no" }, { &yesno, "FALSE", "no" }, { &yesno, "f", "no" },
		{ &yesno, "0", "no" }, { &yesno, "maybe", NULL }, { &yesno, "", NULL },
		{ &yesno, "ye", NULL },
		{ &number, "85", "85" }, { &number, "007", "7" }, { &number, "+3", "3" },
		{ &number, "-5", "-5" }, { &number, "-0", "0" }, { &number, "100", "100" },
		{ &number, "101", NULL }, { &number, "-6", NULL }, { &number, "1.5", NULL },
		{ &number, "", NULL }, { &number, "-", NULL }, { &number, "1 ", NULL },
		{ &number, "0x1", NULL }, { &number, "99999999999999999999", NULL },
		{ &widest, "9223372036854775807", "9223372036854775807" },
		{ &widest, "-9223372036854775808", "-9223372036854775808" },
		{ &widest, "9223372036854775808", NULL }, { &widest, "-9223372036854775809", NULL },
	};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		const char *got = canon(cells[i].category, cells[i].value);
		ck_assert_msg(!got == !cells[i].wanted, "%s: %s", cells[i].category->name,
			      cells[i].value);
		if (got)
			ck_assert_str_eq(got, cells[i].wanted);
	}
}
END_TEST

START_TEST(text_ends_at_255_bytes)
{
	char long_text[257];

	memset(long_text, 'x', sizeof(long_text));
	long_text[255] = '\0';
	ck_assert_ptr_nonnull(canon(&text, long_text));
	long_text[255] = 'x';
	long_text[256] = '\0';
	ck_assert_ptr_null(canon(&text, long_text));
}
END_TEST

START_TEST(faults_say_what_was_expected)
{
	char canonical[LIMIT_TAG_TEXT_BYTES];
	char *many[LIMIT_LIST_VALUES];
	struct tag_category category = { .name = "Many", .type = TAG_LIST, .values = many,
					 .value_count = LIMIT_LIST_VALUES };
	struct fault fault;
	size_t length;

	tag_value_canon(&list, "Hihg", 4, canonical, &length, &fault);
	ck_assert_str_eq(fault.text, "Severity: \"Hihg\" is not one of High, Medium, Low");
	tag_value_canon(&number, "500", 3, canonical, &length, &fault);
	ck_assert_str_eq(fault.text, "Score: \"500\" is not a whole number within -5..100");
	for (size_t i = 0; i < LIMIT_LIST_VALUES; i++)
		many[i] = severities[i % 3];
	tag_value_canon(&category, "x", 1, canonical, &length, &fault);
	ck_assert_ptr_nonnull(strstr(fault.text, "..."));
	ck_assert_int_eq(tag_value_canon(&list, "x", 1, canonical, &length, NULL), STATUS_BAD_TAG);
}
END_TEST

START_TEST(types_have_names)
{
	static const char *const names[] = { "text", "list", "date", "yesno", "number" };
	static const bool bounded[] = { false, true, false, true, true };
	enum tag_type type;

	for (size_t i = 0; i < TAG_TYPE_COUNT; i++) {
		ck_assert(tag_type_parse(names[i], strlen(names[i]), &type));
		ck_assert_int_eq(type, i);
		ck_assert_str_eq(tag_type_name(type), names[i]);
		ck_assert_int_eq(tag_type_bounded(type), bounded[i]);
	}
	ck_assert(!tag_type_parse("tex", 3, &type));
	ck_assert(!tag_type_parse("", 0, &type));
	ck_assert_str_eq(tag_type_name((enum tag_type)99), "unknown");
}
END_TEST

static enum status
add(struct tags *tags, const struct tag_category *category, const char *value)
{
	return tags_add(tags, category, value, strlen(value), NULL);
}

struct strings {
	const uint8_t *set, *notes;
	size_t set_length, notes_length;
};

static struct strings
encode(struct tags *tags)
{
	struct strings strings = { 0 };

	ck_assert_int_eq(tags_encode(tags, &strings.set, &strings.set_length, &strings.notes,
				     &strings.notes_length, NULL), STATUS_OK);
	return strings;
}

START_TEST(bytes_are_as_the_header_says)
{
	static const uint8_t set[] = "\3\6Active\1\3yes" "\4\5Score\1\2" "85"
				     "\1\10Severity\2\4High\3Low";
	static const uint8_t notes[] = "\0\6Family\1\4zeus" "\2\4Seen\1\24" "2017-05-25T00:00:00Z";
	struct tags tags = { 0 };
	struct strings got;

	got = encode(&tags);
	ck_assert_uint_eq(got.set_length + got.notes_length, 0);
	ck_assert_int_eq(add(&tags, &list, "low"), STATUS_OK);
	ck_assert_int_eq(add(&tags, &date, "2017-05-25"), STATUS_OK);
	ck_assert_int_eq(add(&tags, &number, "085"), STATUS_OK);
	ck_assert_int_eq(add(&tags, &text, "zeus"), STATUS_OK);
	ck_assert_int_eq(add(&tags, &list, "HIGH"), STATUS_OK);
	ck_assert_int_eq(add(&tags, &yesno, "t"), STATUS_OK);
	ck_assert_int_eq(add(&tags, &list, "high"), STATUS_OK);
	got = encode(&tags);
	ck_assert_uint_eq(got.set_length, sizeof(set) - 1);
	ck_assert_mem_eq(got.set, set, sizeof(set) - 1);
	ck_assert_uint_eq(got.notes_length, sizeof(notes) - 1);
	ck_assert_mem_eq(got.notes, notes, sizeof(notes) - 1);
	tags_clear(&tags);
	got = encode(&tags);
	ck_assert_uint_eq(got.set_length + got.notes_length, 0);
	tags_fini(&tags);
}
END_TEST

START_TEST(a_second_value_needs_a_list)
{
	struct tags tags = { 0 };

	ck_assert_int_eq(add(&tags, &text, "zeus"), STATUS_OK);
	ck_assert_int_eq(add(&tags, &text, "zeus"), STATUS_OK);
	ck_assert_int_eq(add(&tags, &text, "Zeus"), STATUS_BAD_TAG);
	ck_assert_int_eq(add(&tags, &yesno, "yes"), STATUS_OK);
	ck_assert_int_eq(add(&tags, &yesno, "1"), STATUS_OK);
	ck_assert_int_eq(add(&tags, &yesno, "no"), STATUS_BAD_TAG);
	ck_assert_int_eq(add(&tags, &number, "x"), STATUS_BAD_TAG);
	ck_assert_uint_eq(tags.count, 2);
	tags_fini(&tags);
}
END_TEST

START_TEST(missing_tags_are_added)
{
	struct tags line = { 0 }, defaults = { 0 };
	struct strings got;

	add(&line, &list, "Low");
	add(&defaults, &list, "High");
	add(&defaults, &number, "7");
	add(&defaults, &list, "Medium");
	ck_assert_int_eq(tags_add_missing(&line, &defaults, NULL), STATUS_OK);
	got = encode(&line);
	ck_assert_mem_eq(got.set, "\4\5Score\1\1" "7" "\1\10Severity\1\3Low", got.set_length);
	ck_assert_uint_eq(got.set_length, 25);
	tags_clear(&line);
	ck_assert_int_eq(tags_add_missing(&line, &defaults, NULL), STATUS_OK);
	got = encode(&line);
	ck_assert_mem_eq(got.set, "\4\5Score\1\1" "7" "\1\10Severity\2\4High\6Medium",
			 got.set_length);
	tags_fini(&line);
	tags_fini(&defaults);
}
END_TEST

START_TEST(limits_hold)
{
	static char names[LIMIT_TAGS_PER_CLAIM + 1][16];
	static char values[LIMIT_VALUES_PER_TAG + 1][256];
	static char *value_list[LIMIT_VALUES_PER_TAG + 1];
	static struct tag_category wide[5];
	struct tag_category categories[LIMIT_TAGS_PER_CLAIM + 1];
	const uint8_t *set, *notes;
	size_t set_length, notes_length;
	struct tags tags = { 0 }, more = { 0 };

	for (size_t i = 0; i <= LIMIT_TAGS_PER_CLAIM; i++) {
		snprintf(names[i], sizeof(names[i]), "c%zu", i);
		categories[i] = (struct tag_category){ .name = names[i], .type = TAG_TEXT };
		ck_assert_int_eq(add(&tags, &categories[i], "v"),
				 i < LIMIT_TAGS_PER_CLAIM ? STATUS_OK : STATUS_LIMIT);
	}
	ck_assert_uint_eq(tags.count, LIMIT_TAGS_PER_CLAIM);
	add(&more, &categories[LIMIT_TAGS_PER_CLAIM], "v");
	ck_assert_int_eq(tags_add_missing(&tags, &more, NULL), STATUS_LIMIT);
	ck_assert_uint_eq(tags.count, LIMIT_TAGS_PER_CLAIM);
	tags_clear(&tags);
	for (size_t i = 0; i <= LIMIT_VALUES_PER_TAG; i++) {
		memset(values[i], 'x', 255);
		values[i][0] = (char)('0' + i / 10);
		values[i][1] = (char)('0' + i % 10);
		value_list[i] = values[i];
	}
	for (size_t c = 0; c < 5; c++) {
		wide[c] = (struct tag_category){ .name = names[c], .type = TAG_LIST,
						 .values = value_list,
						 .value_count = LIMIT_VALUES_PER_TAG + 1 };
		for (size_t i = 0; i <= LIMIT_VALUES_PER_TAG; i++)
			ck_assert_int_eq(add(&tags, &wide[c], values[i]),
					 i < LIMIT_VALUES_PER_TAG ? STATUS_OK : STATUS_LIMIT);
		ck_assert_int_eq(tags_encode(&tags, &set, &set_length, &notes, &notes_length, NULL),
				 c < 3 ? STATUS_OK : STATUS_LIMIT);
	}
	tags_fini(&tags);
	tags_fini(&more);
}
END_TEST

START_TEST(equal_sets_are_equal_bytes)
{
	static const struct tag_category *const pool[] = { &text, &list, &date, &yesno, &number };
	static const char *const words[][3] = {
		{ "a", "a", "a" }, { "HIGH", "medium", "Low" },
		{ "2017-05-25", "2017-05-25 00:00:00", "@1495670400" }, { "y", "1", "TRUE" },
		{ "5", "05", "+5" },
	};
	uint8_t first_set[256], first_notes[256];
	struct strings first = { 0 }, got;
	struct tags tags = { 0 };

	srand(2);
	for (int round = 0; round < 5000; round++) {
		size_t order[15];
		tags_clear(&tags);
		for (size_t i = 0; i < 15; i++)
			order[i] = i;
		for (size_t i = 14; i > 0; i--) {
			size_t j = (size_t)rand() % (i + 1), swap = order[i];
			order[i] = order[j];
			order[j] = swap;
		}
		for (size_t i = 0; i < 15; i++)
			ck_assert_int_eq(add(&tags, pool[order[i] / 3],
					     words[order[i] / 3][order[i] % 3]), STATUS_OK);
		got = encode(&tags);
		if (round == 0) {
			first = got;
			memcpy(first_set, got.set, got.set_length);
			memcpy(first_notes, got.notes, got.notes_length);
		}
		ck_assert_uint_eq(got.set_length, first.set_length);
		ck_assert_uint_eq(got.notes_length, first.notes_length);
		ck_assert_mem_eq(got.set, first_set, got.set_length);
		ck_assert_mem_eq(got.notes, first_notes, got.notes_length);
	}
	tags_fini(&tags);
}
END_TEST

/* True if the cursor takes all of it. */
static bool
walk(const uint8_t *bytes, size_t length, size_t *tag_count)
{
	struct tag_cursor cursor = { .bytes = bytes, .length = length };
	struct tag_view tag;

	for (*tag_count = 0; tag_next(&cursor, &tag); (*tag_count)++) {
		for (size_t i = 0; i < tag.value_count; i++) {
			size_t value_length;
			const char *value = tag_value(&tag, i, &value_length);
			if ((const uint8_t *)value < bytes ||
			    (const uint8_t *)value + value_length > bytes + length)
				ck_abort_msg("a value outside the bytes");
		}
	}
	ck_assert(cursor.bad || cursor.offset == length);
	return !cursor.bad;
}

START_TEST(walking_finds_what_was_encoded)
{
	struct tag_cursor cursor;
	struct tag_view tag;
	struct tags tags = { 0 };
	struct strings got;
	size_t length;

	add(&tags, &list, "low");
	add(&tags, &list, "medium");
	add(&tags, &number, "-5");
	got = encode(&tags);
	cursor = (struct tag_cursor){ .bytes = got.set, .length = got.set_length };
	ck_assert(tag_next(&cursor, &tag));
	ck_assert_int_eq(tag.type, TAG_NUMBER);
	ck_assert_mem_eq(tag.name, "Score", 5);
	ck_assert_mem_eq(tag_value(&tag, 0, &length), "-5", 2);
	ck_assert(tag_next(&cursor, &tag));
	ck_assert_uint_eq(tag.value_count, 2);
	ck_assert_mem_eq(tag_value(&tag, 1, &length), "Medium", 6);
	ck_assert_uint_eq(length, 6);
	ck_assert(!tag_next(&cursor, &tag));
	ck_assert(!cursor.bad);
	tags_fini(&tags);
}
END_TEST

START_TEST(what_is_not_canonical_is_bad)
{
	static const struct {
		const char *bytes;
		size_t length;
	} bad[] = {
#define BYTES(text) { text, sizeof(text) - 1 }
		BYTES("\0"), BYTES("\0\1"), BYTES("\0\1a"), BYTES("\0\1a\1"), BYTES("\0\1a\1\1"),
		BYTES("\0\1a\0"), BYTES("\0\1a\1\0"), BYTES("\0\0\1\1x"), BYTES("\5\1a\1\1x"),
		BYTES("\0\1a\2\1x\1y"), BYTES("\2\1a\2\1x\1y"), BYTES("\3\1a\2\1x\1y"),
		BYTES("\4\1a\2\1x\1y"), BYTES("\1\1a\2\1y\1x"), BYTES("\1\1a\2\1x\1x"),
		BYTES("\1\1a\2\2xa\1x"), BYTES("\0\1b\1\1x\0\1a\1\1x"),
		BYTES("\0\1a\1\1x\0\1a\1\1x"), BYTES("\0\2ab\1\1x\0\1a\1\1x"),
		BYTES("\1\1a\101\1x"), BYTES("\0\1a\1\1x\0"), BYTES("\0\377a"),
	};
	static uint8_t huge[LIMIT_TAGS_BYTES + 1] = { 0, 1, 'a', 1, 1, 'x' };
	size_t count;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!walk((const uint8_t *)bad[i].bytes, bad[i].length, &count), "%zu", i);
	ck_assert(!walk(huge, sizeof(huge), &count));
	ck_assert(walk((const uint8_t *)"\0\1a\1\1x\0\2ab\1\1x", 13, &count));
	ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(any_bytes_are_safe)
{
	uint8_t good[128], *bytes;
	struct tags tags = { 0 };
	struct strings got;
	size_t count, length;

	add(&tags, &list, "low");
	add(&tags, &list, "medium");
	add(&tags, &number, "5");
	add(&tags, &yesno, "5");
	got = encode(&tags);
	length = got.set_length;
	memcpy(good, got.set, length);
	tags_fini(&tags);
	srand(3);
	for (int round = 0; round < 300000; round++) {
		size_t size = round % 2 ? length : (size_t)(rand() % 64);
		/* Of its exact size, so that the sanitizer sees one byte too far. */
		bytes = malloc(size + 1);
		for (size_t i = 0; i < size; i++)
			bytes[i] = round % 2 ? good[i] : (uint8_t)(rand() % 6);
		if (round % 2 && size)
			bytes[(size_t)rand() % size] = (uint8_t)rand();
		bytes = realloc(bytes, size ? size : 1);
		walk(bytes, size, &count);
		free(bytes);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tag");
	TCase *tcase = tcase_create("tag");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, values_become_canonical);
	tcase_add_test(tcase, text_ends_at_255_bytes);
	tcase_add_test(tcase, faults_say_what_was_expected);
	tcase_add_test(tcase, types_have_names);
	tcase_add_test(tcase, bytes_are_as_the_header_says);
	tcase_add_test(tcase, a_second_value_needs_a_list);
	tcase_add_test(tcase, missing_tags_are_added);
	tcase_add_test(tcase, limits_hold);
	tcase_add_test(tcase, equal_sets_are_equal_bytes);
	tcase_add_test(tcase, walking_finds_what_was_encoded);
	tcase_add_test(tcase, what_is_not_canonical_is_bad);
	tcase_add_test(tcase, any_bytes_are_safe);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
