/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The marks of a name against path_label_before, the dots of words in plain C against the
 * processor's, and the bit of a top label, which hangs on nothing that stands before it.
 */
#include <check.h>
#include <stdlib.h>

#include "engine/path.h"
#include "tests/sets.h"

#define NAMES 200000

/* Letters of which many are dots, or nearly; bytes of any value too. */
static uint32_t
random_text(struct random_state *random, char *text, uint32_t most)
{
	static const char letters[] = "...ab-/\xae";
	uint32_t length = (uint32_t)(random_next(random) % (most + 1));
	unsigned few = (unsigned)(random_next(random) % 3);
	for (uint32_t i = 0; i < length; i++) {
		uint64_t word = random_next(random);
		text[i] = few == 0 ? letters[word % (sizeof(letters) - 1)]
				   : word % 8 == 0 ? '.' : (char)(few == 1 ? 'a' + word % 26 : word >> 8);
	}
	return length;
}

START_TEST(marks_are_labels)
{
	struct random_state random = {11};
	char text[NAME_DOTS];
	for (unsigned i = 0; i < NAMES; i++) {
		uint32_t length = random_text(&random, text, NAME_DOTS - 1), start = length + 1;
		uint64_t marks = name_marks(name_dots(text + length, length), length);
		do {
			start = path_label_before(text, start);
			ck_assert_uint_ne(marks, 0);
			ck_assert_uint_eq(name_length(marks), length - start);
			marks = name_next(marks, length - start);
		} while (start != 0);
		ck_assert_uint_eq(marks, 0);
	}
}
END_TEST

START_TEST(words_have_their_dots)
{
	struct random_state random = {12};
	char text[16] = {0};
	for (unsigned i = 0; i < NAMES; i++) {
		random_text(&random, text, 16);
		uint64_t first = name_word(text), second = name_word(text + 8), dots = 0;
		for (unsigned at = 0; at < 8; at++)
			dots |= (uint64_t)(text[at] == '.') << (at + 8) | (uint64_t)(text[at + 8] == '.') << at;
		ck_assert_uint_eq(name_two_dots(first, second), dots);
		ck_assert_uint_eq(name_word_dots(first) << 8 | name_word_dots(second), dots);
	}
}
END_TEST

START_TEST(a_top_label_is_itself_anywhere)
{
	struct random_state random = {13};
	char text[16];
	unsigned bits[1 << NAME_TOPS_BITS] = {0}, used = 0;
	for (unsigned i = 0; i < 4096; i++) {
		uint32_t length = 1 + (uint32_t)(random_next(&random) % 8);
		for (uint32_t at = 0; at < sizeof(text); at++)
			text[at] = (char)('a' + random_next(&random) % 26);
		char *end = text + sizeof(text);
		uint32_t top = name_top(end, length, length);
		end[-(int)length - 1] = '.';
		ck_assert_uint_lt(top, 1 << NAME_TOPS_BITS);
		for (uint32_t whole = length + 1; whole <= sizeof(text); whole++)
			ck_assert_uint_eq(name_top(end, length, whole), top);
		used += bits[top]++ == 0;
	}
	ck_assert_uint_gt(used, (1 << NAME_TOPS_BITS) * 9 / 10);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("name");
	TCase *cases = tcase_create("all");
	tcase_add_test(cases, marks_are_labels);
	tcase_add_test(cases, words_have_their_dots);
	tcase_add_test(cases, a_top_label_is_itself_anywhere);
	tcase_set_timeout(cases, 120);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
