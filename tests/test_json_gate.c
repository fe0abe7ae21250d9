/* SPDX-License-Identifier: Apache-2.0 */
/* The strict gate: what passes, what does not, and where it says so. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/json.h"
#include "loader/json_gate.h"

static enum status
try_bytes(const char *bytes, size_t length, const struct json_gate_limits *limits,
	  struct fault *fault)
{
	/* Of its exact size, so that the sanitizer sees one byte too far. */
	char *exact = malloc(length ? length : 1);
	struct cJSON *tree = NULL;
	enum status status;

	memcpy(exact, bytes, length);
	status = json_gate_parse(exact, length, limits, &tree, fault);
	if ((status == STATUS_OK) != (tree != NULL))
		ck_abort_msg("status %d and a tree do not agree", (int)status);
	json_gate_free(tree);
	free(exact);
	return status;
}

static enum status
try(const char *text)
{
	return try_bytes(text, strlen(text), NULL, NULL);
}

START_TEST(good_texts_pass)
{
	static const char *const good[] = {
		"null", "true", "false", "0", "-0", "-1.5e+3", "1E5", "1e-999", "\"\"", "[]", "{}",
		" \t\r\n[ 1 , 2 ] \n", "{\"a\":{\"a\":1},\"A\":[{\"a\":2},{\"a\":3}]}", "[[[[]]]]",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"", "\"\xC3\xA9\xF0\x9F\x98\x80\"",
		"{\"\":1}", "\"\x7F\"", "[1.7976931348623157e308]",
		"123456789012345678901234567890123456789012345678901234567890",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(try(good[i]) == STATUS_OK, "%s", good[i]);
}
END_TEST

START_TEST(bad_texts_are_refused_with_their_place)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *wanted;
	} cells[] = {
		{ "", 0, "the text ends where a value is due" },
		{ "  ", 2, "the text ends where a value is due" },
		{ "nul", 0, "expected a value" }, { "True", 0, "expected a value" },
		{ "nullx", 4, "behind the end" }, { "{} {}", 3, "behind the end" },
		{ "1 1", 2, "behind the end" }, { "[1,]", 3, "expected a value" },
		{ "[,1]", 1, "expected a value" }, { "[1 2]", 3, "expected , or ]" },
		{ "[1", 2, "expected , or ]" }, { "{\"a\":1,}", 7, "expected a string" },
		{ "{a:1}", 1, "expected a string" }, { "{\"a\" 1}", 5, "expected :" },
		{ "{\"a\":}", 5, "expected a value" }, { "{\"a\":1", 6, "expected , or }" },
		{ "'a'", 0, "expected a value" }, { "01", 1, "behind the end" },
		{ "-", 1, "expected a digit" }, { "+1", 0, "expected a value" },
		{ "1.", 2, "after the point" }, { ".5", 0, "expected a value" },
		{ "1e", 2, "of the exponent" }, { "1e+", 3, "of the exponent" },
		{ "0x1", 1, "behind the end" }, { "NaN", 0, "expected a value" },
		{ "Infinity", 0, "expected a value" }, { "1e999", 5, "too large" },
		{ "-1e999", 6, "too large" }, { "\"a", 2, "ends inside a string" },
		{ "\"a\n\"", 2, "control character" }, { "\"\\x\"", 2, "unknown escape" },
		{ "\"\\", 2, "unknown escape" }, { "\"\\u12g4\"", 5, "four hex digits" },
		{ "\"\\u0000\"", 7, "\\u0000" }, { "\"\\ud800\"", 7, "lone surrogate" },
		{ "\"\\ud800\\n\"", 8, "lone surrogate" },
		{ "\"\\ud800\\u0041\"", 13, "lone surrogate" },
		{ "\"\\udc00\"", 7, "lone surrogate" }, { "\"\xFF\"", 1, "not UTF-8" },
		{ "\"\xED\xA0\x80\"", 1, "not UTF-8" }, { "\"\xC0\xAF\"", 1, "not UTF-8" },
		{ "\xEF\xBB\xBF{}", 0, "byte order mark" }, { "/* */1", 0, "expected a value" },
		{ "[1]//", 3, "behind the end" }, { "{\"a\":1,\"a\":1}", 0, "\"a\" is twice" },
		{ "[{\"b\":[{\"x\":1,\"y\":2,\"\\u0078\":3}]}]", 0, "\"x\" is twice" },
	};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		struct fault fault = { 0 };
		ck_assert_msg(try_bytes(cells[i].text, strlen(cells[i].text), NULL, &fault) ==
			      STATUS_FORMAT, "%s", cells[i].text);
		ck_assert_msg(strstr(fault.text, cells[i].wanted), "%s: %s", cells[i].text,
			      fault.text);
		ck_assert_msg(fault.offset == cells[i].offset, "%s: at %d", cells[i].text,
			      (int)fault.offset);
		ck_assert_int_eq(try(cells[i].text), STATUS_FORMAT);
	}
	ck_assert_int_eq(try_bytes("1\0", 2, NULL, NULL), STATUS_FORMAT);
	ck_assert_int_eq(try_bytes("\"a\0b\"", 5, NULL, NULL), STATUS_FORMAT);
	ck_assert_int_eq(try_bytes("[\0]", 3, NULL, NULL), STATUS_FORMAT);
}
END_TEST

START_TEST(lines_and_columns_are_told)
{
	struct fault fault;
	const char *text = "{\n  \"\xC3\xA9\": tru\n}";

	try_bytes(text, strlen(text), NULL, &fault);
	ck_assert_str_eq(fault.text, "line 2, column 8: expected a value");
}
END_TEST

static enum status
nested(unsigned depth, const struct json_gate_limits *limits)
{
	char *text = malloc(2 * depth);
	enum status status;

	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	status = try_bytes(text, 2 * depth, limits, NULL);
	free(text);
	return status;
}

START_TEST(limits_hold)
{
	struct json_gate_limits deep = { .depth = 5000 }, flat = { .depth = 2 };
	struct json_gate_limits few = { .values = 4 }, tiny = { .bytes = 4 };

	ck_assert_int_eq(nested(JSON_GATE_DEPTH, NULL), STATUS_OK);
	ck_assert_int_eq(nested(JSON_GATE_DEPTH + 1, NULL), STATUS_LIMIT);
	ck_assert_int_eq(nested(JSON_GATE_DEPTH + 1, &deep), STATUS_LIMIT);
	ck_assert_int_eq(nested(200000, NULL), STATUS_LIMIT);
	ck_assert_int_eq(nested(2, &flat), STATUS_OK);
	ck_assert_int_eq(nested(3, &flat), STATUS_LIMIT);
	ck_assert_int_eq(try_bytes("[1,2,3]", 7, &few, NULL), STATUS_OK);
	ck_assert_int_eq(try_bytes("[1,2,3,4]", 9, &few, NULL), STATUS_LIMIT);
	ck_assert_int_eq(try_bytes("null", 4, &tiny, NULL), STATUS_OK);
	ck_assert_int_eq(try_bytes("null ", 5, &tiny, NULL), STATUS_LIMIT);
	ck_assert_int_eq(try("1234567890123456789012345678901234567890123456789012345678901"),
			 STATUS_LIMIT);
}
END_TEST

START_TEST(many_members_are_quick)
{
	size_t count = 200000, length = 0;
	char *text = malloc(count * 16 + 16);
	struct fault fault;

	text[length++] = '{';
	for (size_t i = 0; i < count; i++)
		length += (size_t)snprintf(text + length, 16, "%s\"k%zu\":1", i ? "," : "", i);
	text[length++] = '}';
	ck_assert_int_eq(try_bytes(text, length, NULL, NULL), STATUS_OK);
	length--;
	length += (size_t)snprintf(text + length, 16, ",\"k77\":1}");
	ck_assert_int_eq(try_bytes(text, length, NULL, &fault), STATUS_FORMAT);
	ck_assert_ptr_nonnull(strstr(fault.text, "k77"));
	free(text);
}
END_TEST

START_TEST(the_tree_is_asked)
{
	static const char text[] = "{\"n\":-12,\"big\":9007199254740993,\"half\":0.5,\"t\":true,"
				   "\"f\":false,\"s\":\"a\\u00e9\",\"z\":null,\"l\":[1,\"x\",{}]}";
	const struct cJSON *list, *item;
	struct cJSON *tree = NULL;
	int64_t number = 7;
	double real;
	bool value;

	ck_assert_int_eq(json_gate_parse(text, sizeof(text) - 1, NULL, &tree, NULL), STATUS_OK);
	ck_assert_int_eq(json_gate_type(tree), JSON_GATE_OBJECT);
	ck_assert_uint_eq(json_gate_count(tree), 8);
	ck_assert_str_eq(json_gate_name(json_gate_first(tree)), "n");
	ck_assert(!json_gate_i64(json_gate_member(tree, "big"), &number));
	ck_assert(!json_gate_i64(json_gate_member(tree, "half"), &number));
	ck_assert(!json_gate_i64(json_gate_member(tree, "s"), &number));
	ck_assert_int_eq(number, 7);
	ck_assert(json_gate_i64(json_gate_member(tree, "n"), &number));
	ck_assert_int_eq(number, -12);
	ck_assert(json_gate_double(json_gate_member(tree, "half"), &real));
	ck_assert_double_eq(real, 0.5);
	ck_assert(json_gate_bool(json_gate_member(tree, "t"), &value) && value);
	ck_assert(json_gate_bool(json_gate_member(tree, "f"), &value) && !value);
	ck_assert(!json_gate_bool(json_gate_member(tree, "n"), &value));
	ck_assert_str_eq(json_gate_text(json_gate_member(tree, "s")), "a\xC3\xA9");
	ck_assert_ptr_null(json_gate_text(json_gate_member(tree, "n")));
	ck_assert_int_eq(json_gate_type(json_gate_member(tree, "z")), JSON_GATE_NULL);
	ck_assert_ptr_null(json_gate_member(tree, "N"));
	list = json_gate_member(tree, "l");
	ck_assert_int_eq(json_gate_type(list), JSON_GATE_ARRAY);
	item = json_gate_next(json_gate_first(list));
	ck_assert_str_eq(json_gate_text(item), "x");
	ck_assert_ptr_null(json_gate_name(item));
	ck_assert_ptr_null(json_gate_next(json_gate_next(item)));
	ck_assert_ptr_null(json_gate_member(list, "x"));
	ck_assert(!json_gate_bool(NULL, &value) && !json_gate_i64(NULL, &number));
	ck_assert(!json_gate_text(NULL) && !json_gate_first(NULL) && !json_gate_next(NULL));
	ck_assert(!json_gate_member(NULL, "x") && !json_gate_name(NULL));
	ck_assert_uint_eq(json_gate_count(NULL), 0);
	json_gate_free(tree);
	json_gate_free(NULL);
}
END_TEST

START_TEST(any_bytes_are_safe)
{
	static const char seed[] = "{\"n\":-1.5e3,\"t\":[true,null,{\"a\":\"\\u00e9\\ud83d\\ude00\"}],"
				   "\"\xC3\xA9\":\"\\n\"}";
	char bytes[sizeof(seed)];

	srand(7);
	for (int round = 0; round < 200000; round++) {
		memcpy(bytes, seed, sizeof(seed));
		for (int i = rand() % 3; i >= 0; i--)
			bytes[(size_t)rand() % (sizeof(seed) - 1)] =
				rand() % 2 ? (char)rand() : seed[(size_t)rand() % sizeof(seed)];
		try_bytes(bytes, (size_t)rand() % 4 ? sizeof(seed) - 1
						    : (size_t)rand() % sizeof(seed), NULL, NULL);
	}
}
END_TEST

START_TEST(what_our_writer_writes_passes)
{
	struct json_writer json = { 0 };
	const char *bytes;
	char text[12];
	size_t length;

	srand(8);
	for (int round = 0; round < 50000; round++) {
		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = (char)(1 + rand() % 255);
		json_clear(&json);
		json_object_begin(&json);
		json_key_bytes(&json, text, 6);
		json_string(&json, text, sizeof(text));
		json_object_end(&json);
		bytes = json_bytes(&json, &length);
		ck_assert_int_eq(try_bytes(bytes, length, NULL, NULL), STATUS_OK);
	}
	json_fini(&json);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("json_gate");
	TCase *tcase = tcase_create("json_gate");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, good_texts_pass);
	tcase_add_test(tcase, bad_texts_are_refused_with_their_place);
	tcase_add_test(tcase, lines_and_columns_are_told);
	tcase_add_test(tcase, limits_hold);
	tcase_add_test(tcase, many_members_are_quick);
	tcase_add_test(tcase, the_tree_is_asked);
	tcase_add_test(tcase, any_bytes_are_safe);
	tcase_add_test(tcase, what_our_writer_writes_passes);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
