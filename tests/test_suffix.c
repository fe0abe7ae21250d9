/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published public-suffix vectors against loader/suffix.c, through the
 * canonicaliser as the import guard does it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"
#include "loader/suffix.h"

#define RULES "tests/vectors/psl-excerpt.dat"

static struct suffix *suffix;

/* The canonical name; false if it is none. */
static bool
name_canon(const char *text, char *name)
{
	static struct key key;
	if (canon_key(KIND_DOMAIN, text, strlen(text), NULL, &key, NULL) != STATUS_OK)
		return false;
	key_print(&key, name);
	return true;
}

static void
vector_check(const char *input, const char *want)
{
	char name[KEY_PRINT_BYTES], expected[KEY_PRINT_BYTES];
	const char *got = name_canon(input, name) ? suffix_registrable(suffix, name) : NULL;
	if (strcmp(want, "null") == 0) {
		ck_assert_msg(got == NULL, "%s: %s, not nothing", input, got);
		return;
	}
	ck_assert(name_canon(want, expected));
	ck_assert_msg(got != NULL && strcmp(got, expected) == 0, "%s: %s, not %s", input,
		      got == NULL ? "nothing" : got, expected);
}

START_TEST(registrable_vectors)
{
	char line[512], input[256], want[256];
	int count = 0;
	FILE *file = fopen("tests/vectors/psl-tests.txt", "r");
	ck_assert(file != NULL);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "//", 2) == 0 || strncmp(line, "null", 4) == 0 ||
		    sscanf(line, "%255s %255s", input, want) != 2)
			continue;
		vector_check(input, want);
		count++;
	}
	fclose(file);
	printf("public suffix vectors: %d\n", count);
	ck_assert_int_ge(count, 70);
}
END_TEST

START_TEST(icann_suffixes)
{
	static const struct {
		const char *name;
		bool public;
	} rows[] = {
		{"com", true},          {"example.com", false},  {"co.uk", true},
		{"b.c.kobe.jp", false}, {"c.kobe.jp", true},     {"city.kobe.jp", false},
		{"github.io", false}, /* private section: a service, not a registry */
		{"nosuchtld", true},    {"xn--55qx5d.cn", true}, {"a.nosuchtld", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(suffix_is_public(suffix, rows[i].name, strlen(rows[i].name)) ==
				      rows[i].public,
			      "%s", rows[i].name);
	/* the length counts, not a NUL */
	ck_assert(suffix_is_public(suffix, "comx", 3));
	char longest[300];
	memset(longest, 'a', sizeof(longest));
	ck_assert(!suffix_is_public(suffix, longest, sizeof(longest)));
}
END_TEST

START_TEST(private_section)
{
	ck_assert_str_eq(suffix_registrable(suffix, "www.user.github.io"), "user.github.io");
	ck_assert(suffix_registrable(suffix, "github.io") == NULL);
}
END_TEST

START_TEST(lists)
{
	struct suffix *other = NULL;
	struct fault fault;
	ck_assert_int_eq(suffix_new("tests/vectors/no-such-file", &other, &fault), STATUS_MISSING);
	ck_assert(other == NULL);
	ck_assert_int_eq(suffix_new(NULL, &other, &fault), STATUS_OK);
	ck_assert(suffix_is_public(other, "com", 3));
	suffix_free(other);
	suffix_free(NULL);
}
END_TEST

int
main(void)
{
	struct fault fault;
	if (suffix_new(RULES, &suffix, &fault) != STATUS_OK) {
		fprintf(stderr, "%s: %s\n", RULES, fault.text);
		return 1;
	}
	Suite *suite = suite_create("suffix");
	TCase *tcase = tcase_create("suffix");
	tcase_add_test(tcase, registrable_vectors);
	tcase_add_test(tcase, icann_suffixes);
	tcase_add_test(tcase, private_section);
	tcase_add_test(tcase, lists);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	suffix_free(suffix);
	return failed == 0 ? 0 : 1;
}
