/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 judged by encoding: a sequence is good if and only if it is what some
 * code point encodes to. Also status names and faults, which quote such text.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/status.h"
#include "engine/text.h"

static size_t
encode(uint32_t code, unsigned char *bytes)
{
	static const unsigned char marks[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
	size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = length; i-- > 1; code >>= 6)
		bytes[i] = (unsigned char)(0x80 | (code & 0x3F));
	bytes[0] = (unsigned char)(marks[length] | code);
	return length;
}

START_TEST(every_code_point_is_read)
{
	unsigned char bytes[4];
	uint32_t got;

	for (uint32_t code = 0; code <= 0x10FFFF; code++) {
		size_t length = encode(code, bytes);
		size_t wanted = code >= 0xD800 && code <= 0xDFFF ? 0 : length;
		if (text_utf8_next((char *)bytes, length, &got) != wanted ||
		    (wanted && got != code))
			ck_abort_msg("U+%04X", (unsigned)code);
		if (text_is_plain((char *)bytes, length) !=
		    (wanted && code >= 0x20 && !(code >= 0x7F && code < 0xA0)))
			ck_abort_msg("U+%04X plain", (unsigned)code);
		for (size_t cut = 1; cut < length; cut++) {
			if (text_utf8_next((char *)bytes, cut, &got) != 0)
				ck_abort_msg("U+%04X cut", (unsigned)code);
		}
	}
}
END_TEST

START_TEST(every_three_bytes_are_judged)
{
	/* good[x]: some code point encodes to these three bytes. */
	unsigned char *good = calloc(1u << 24, 1), bytes[4];
	uint32_t code;
	size_t count = 0;

	for (code = 0; code < 0x10000; code++) {
		if (encode(code, bytes) == 3 && (code < 0xD800 || code > 0xDFFF))
			good[bytes[0] << 16 | bytes[1] << 8 | bytes[2]] = 1;
	}
	for (uint32_t i = 0x800000; i < 1u << 24; i++) {
		bytes[0] = (unsigned char)(i >> 16);
		bytes[1] = (unsigned char)(i >> 8);
		bytes[2] = (unsigned char)i;
		count += good[i];
		if ((text_utf8_next((char *)bytes, 3, &code) == 3) != good[i])
			ck_abort_msg("%06X", (unsigned)i);
	}
	ck_assert_uint_eq(count, 0x10000 - 0x800 - 0x800);
	free(good);
}
END_TEST

START_TEST(four_bytes_at_the_edges)
{
	static const char *const bad[] = {
		"\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF0\x90\x7F\x80",
		"\xF0\x90\x80\xC0", "\xF8\x88\x80\x80", "\xFF\xFF\xFF\xFF", "\xF1\xC0\x80\x80",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!text_is_utf8(bad[i], 4), "%zu", i);
	ck_assert(text_is_utf8("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 8));
	ck_assert(text_is_utf8("", 0));
	ck_assert(text_is_utf8("a\n\0", 3));
	ck_assert(!text_is_plain("a\n", 2));
}
END_TEST

START_TEST(comparing)
{
	ck_assert_int_lt(text_compare("a", 1, "ab", 2), 0);
	ck_assert_int_gt(text_compare("\xFF", 1, "a", 1), 0);
	ck_assert_int_eq(text_compare("", 0, "", 0), 0);
	ck_assert_int_ne(text_compare("a", 1, "A", 1), 0);
	ck_assert_int_eq(text_compare_folded("aZ", 2, "Az", 2), 0);
	ck_assert_int_gt(text_compare_folded("\xC3\xA9", 2, "\xC3\x89", 2), 0);
	ck_assert(text_is_word("HIGH", 4, "High"));
	ck_assert(!text_is_word("HIG", 3, "High"));
	ck_assert(!text_is_word("[", 1, "{"));
}
END_TEST

START_TEST(every_status_has_its_own_words)
{
	for (int i = 0; i < STATUS_COUNT; i++) {
		ck_assert_ptr_nonnull(status_name((enum status)i));
		ck_assert_str_ne(status_text((enum status)i), "");
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(status_name((enum status)i), status_name((enum status)j));
	}
	ck_assert_str_eq(status_name(STATUS_BAD_DOMAIN), "bad-domain");
	ck_assert_str_eq(status_name((enum status)-1), "unknown");
	ck_assert_str_eq(status_name(STATUS_COUNT), "unknown");
}
END_TEST

START_TEST(faults_are_cut_between_characters)
{
	char wide[800];
	struct fault fault;

	for (size_t shift = 0; shift < 4; shift++) {
		memset(wide, 'x', shift);
		for (size_t i = shift; i + 4 < sizeof(wide); i += 4)
			memcpy(wide + i, "\xF0\x9F\x98\x80", 5);
		ck_assert_int_eq(fault_set(&fault, STATUS_IO, wide, 9, "%s", wide), STATUS_IO);
		ck_assert(text_is_utf8(fault.text, strlen(fault.text)));
		ck_assert(text_is_utf8(fault.where, strlen(fault.where)));
		ck_assert_uint_ge(strlen(fault.text), FAULT_TEXT_BYTES - 4);
		ck_assert_uint_eq(fault.offset, 9);
	}
	fault_set(&fault, STATUS_USAGE, NULL, 0, "a\n\x1b[31m%s", "b");
	ck_assert_str_eq(fault.text, "a??[31mb");
	ck_assert_str_eq(fault.where, "");
	fault_set(&fault, STATUS_USAGE, "here", 0, "x: %s", fault.text);
	ck_assert_str_eq(fault.text, "x: a??[31mb");
	fault_set(&fault, STATUS_USAGE, fault.where, 0, "y");
	ck_assert_str_eq(fault.where, "here");
	ck_assert_int_eq(fault_set(NULL, STATUS_LIMIT, NULL, 0, "z"), STATUS_LIMIT);
	ck_assert_int_eq(fault_errno(&fault, 2, "file", "cannot open"), STATUS_IO);
	ck_assert_str_eq(fault.text, "cannot open: No such file or directory");
	fault_errno(&fault, 99999, "file", "cannot open");
	ck_assert_str_eq(fault.text, "cannot open: unknown error");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("text");
	TCase *tcase = tcase_create("text");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, every_code_point_is_read);
	tcase_add_test(tcase, every_three_bytes_are_judged);
	tcase_add_test(tcase, four_bytes_at_the_edges);
	tcase_add_test(tcase, comparing);
	tcase_add_test(tcase, every_status_has_its_own_words);
	tcase_add_test(tcase, faults_are_cut_between_characters);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
