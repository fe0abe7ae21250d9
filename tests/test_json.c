/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer: exact text, and reading back with cJSON as another's opinion. */
#include <check.h>
#include <cjson/cJSON.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/json.h"

static void
check_text(struct json_writer *json, const char *wanted)
{
	size_t length;
	const char *bytes = json_bytes(json, &length);

	ck_assert_int_eq(json_status(json), STATUS_OK);
	ck_assert_msg(length == strlen(wanted) && memcmp(bytes, wanted, length) == 0,
		      "%.*s instead of %s", (int)length, bytes, wanted);
	json_clear(json);
}

START_TEST(structures)
{
	struct json_writer json = { 0 };

	check_text(&json, "");
	json_object_begin(&json);
	json_object_end(&json);
	check_text(&json, "{}");
	json_array_begin(&json);
	json_array_end(&json);
	check_text(&json, "[]");
	json_object_begin(&json);
	json_key(&json, "a");
	json_u64(&json, 18446744073709551615u);
	json_key(&json, "b");
	json_array_begin(&json);
	json_i64(&json, INT64_MIN);
	json_object_begin(&json);
	json_key_bytes(&json, "cd", 1);
	json_null(&json);
	json_object_end(&json);
	json_array_begin(&json);
	json_array_end(&json);
	json_bool(&json, true);
	json_array_end(&json);
	json_key(&json, "e");
	json_object_begin(&json);
	json_object_end(&json);
	json_key(&json, "f");
	json_text(&json, NULL);
	json_key(&json, "g");
	json_text(&json, "x");
	json_object_end(&json);
	json_line(&json);
	json_bool(&json, false);
	json_line(&json);
	check_text(&json, "{\"a\":18446744073709551615,\"b\":[-9223372036854775808,{\"c\":null},[],"
			  "true],\"e\":{},\"f\":null,\"g\":\"x\"}\nfalse\n");
	json_fini(&json);
}
END_TEST

START_TEST(strings)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *wanted;
	} cells[] = {
#define CELL(text, wanted) { text, sizeof(text) - 1, wanted }
		CELL("", "\"\""), CELL("a\"b\\c/", "\"a\\\"b\\\\c/\""),
		CELL("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""), CELL("\0\1\x1F", "\"\\u0000\\u0001\\u001f\""),
		CELL("\x7F", "\"\\u007f\""), CELL("\xC2\x9B", "\"\\u009b\""),
		CELL("\xC3\xA9\xF0\x9F\x98\x80", "\"\xC3\xA9\xF0\x9F\x98\x80\""),
		CELL("\xE2\x80\xA8\xE2\x80\xA9", "\"\\u2028\\u2029\""),
		CELL("a\xFFz", "\"a\xEF\xBF\xBDz\""), CELL("\xC3", "\"\xEF\xBF\xBD\""),
		CELL("\xC0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""),
		CELL("\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""),
		CELL("\xF0\x9F\x98x", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDx\""),
	};
	struct json_writer json = { 0 };

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		json_string(&json, cells[i].bytes, cells[i].length);
		check_text(&json, cells[i].wanted);
	}
	json_fini(&json);
}
END_TEST

START_TEST(doubles)
{
	struct json_writer json = { 0 };
	size_t length;

	json_double(&json, 1.005, 3);
	check_text(&json, "1.005");
	json_double(&json, -0.5, 0);
	check_text(&json, "-0");
	json_double(&json, 2.0, 99);
	check_text(&json, "2.000000000");
	json_double(&json, NAN, 2);
	check_text(&json, "null");
	json_double(&json, -INFINITY, 2);
	check_text(&json, "null");
	json_double(&json, -DBL_MAX, 9);
	json_bytes(&json, &length);
	ck_assert_uint_eq(length, 320);
	json_clear(&json);
	/* Where the machine has one: a locale that writes 1,5. */
	if (setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
		json_double(&json, 1.5, 1);
		check_text(&json, "1.5");
		setlocale(LC_NUMERIC, "C");
	}
	json_fini(&json);
}
END_TEST

START_TEST(depth_is_limited_and_the_failure_stays)
{
	struct json_writer json = { 0 };
	size_t length;

	for (int i = 0; i < JSON_DEPTH; i++)
		json_array_begin(&json);
	ck_assert_int_eq(json_status(&json), STATUS_OK);
	json_array_begin(&json);
	ck_assert_int_eq(json_status(&json), STATUS_LIMIT);
	json_u64(&json, 1);
	json_key(&json, "out of order, but nobody listens");
	json_object_end(&json);
	json_bytes(&json, &length);
	ck_assert_uint_eq(length, 0);
	ck_assert_int_eq(json_flush(&json, stdout), STATUS_LIMIT);
	json_clear(&json);
	json_u64(&json, 1);
	check_text(&json, "1");
	json_fini(&json);
}
END_TEST

START_TEST(flush_writes_and_empties)
{
	struct json_writer json = { 0 };
	char buffer[32] = "";
	FILE *file = fmemopen(buffer, sizeof(buffer), "w");
	FILE *full = fopen("/dev/full", "w");

	json_u64(&json, 1);
	json_line(&json);
	ck_assert_int_eq(json_flush(&json, file), STATUS_OK);
	json_u64(&json, 2);
	json_line(&json);
	ck_assert_int_eq(json_flush(&json, file), STATUS_OK);
	ck_assert_int_eq(json_flush(&json, file), STATUS_OK);
	fclose(file);
	ck_assert_str_eq(buffer, "1\n2\n");
	if (full) {
		setvbuf(full, NULL, _IONBF, 0);
		json_u64(&json, 3);
		ck_assert_int_eq(json_flush(&json, full), STATUS_IO);
		fclose(full);
	}
	json_fini(&json);
}
END_TEST

/* Build the same random value in both; cJSON then compares. Names are distinct by number. */
static cJSON *
random_value(struct json_writer *json, int depth)
{
	char text[8], name[16];
	cJSON *twin, *child;

	switch (rand() % (depth > 0 ? 7 : 5)) {
	case 0:
		json_null(json);
		return cJSON_CreateNull();
	case 1:
		json_bool(json, true);
		return cJSON_CreateTrue();
	case 2: {
		int number = rand() - RAND_MAX / 2;
		json_i64(json, number);
		return cJSON_CreateNumber(number);
	}
	case 3: {
		int number = rand() % 1000;
		json_double(json, number / 8.0, 3);
		return cJSON_CreateNumber(number / 8.0);
	}
	case 4:
		for (size_t i = 0; i < 7; i++)
			text[i] = (char)(1 + rand() % 127);
		text[7] = '\0';
		json_text(json, text);
		return cJSON_CreateString(text);
	case 5:
		twin = cJSON_CreateArray();
		json_array_begin(json);
		for (int i = rand() % 5; i > 0; i--)
			cJSON_AddItemToArray(twin, random_value(json, depth - 1));
		json_array_end(json);
		return twin;
	default:
		twin = cJSON_CreateObject();
		json_object_begin(json);
		for (int i = rand() % 5; i > 0; i--) {
			snprintf(name, sizeof(name), "\"%d\n", i);
			json_key(json, name);
			child = random_value(json, depth - 1);
			cJSON_AddItemToObject(twin, name, child);
		}
		json_object_end(json);
		return twin;
	}
}

START_TEST(cjson_reads_the_same_back)
{
	struct json_writer json = { 0 };

	srand(6);
	for (int round = 0; round < 20000; round++) {
		cJSON *wanted = random_value(&json, 6), *got;
		const char *bytes, *end = NULL;
		size_t length;
		bytes = json_bytes(&json, &length);
		got = cJSON_ParseWithLengthOpts(bytes, length, &end, 0);
		ck_assert_ptr_nonnull(got);
		ck_assert_ptr_eq(end, bytes + length);
		ck_assert(cJSON_Compare(wanted, got, 1));
		cJSON_Delete(wanted);
		cJSON_Delete(got);
		json_clear(&json);
	}
	json_fini(&json);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("json");
	TCase *tcase = tcase_create("json");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, structures);
	tcase_add_test(tcase, strings);
	tcase_add_test(tcase, doubles);
	tcase_add_test(tcase, depth_is_limited_and_the_failure_stays);
	tcase_add_test(tcase, flush_writes_and_empties);
	tcase_add_test(tcase, cjson_reads_the_same_back);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
