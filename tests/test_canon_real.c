/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every line of the real lists that lie beside the project (../shared), if
 * they do: as it stands and word by word, the form of a form is the form.
 * Passes without them.
 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/canon.h"

/* Sanitizers are slow: then one line of these many. */
#ifdef __SANITIZE_ADDRESS__
#define LINE_STEP 16
#else
#define LINE_STEP 1
#endif

static const char *const lists[] = {
	"../shared/data/url/*",    "../shared/data/domain/*", "../shared/data/domain/*/*",
	"../shared/data/benign/*", "../shared/data/ip/*",     "../shared/data/ip/*/*",
	"../shared/data/hash/*",   "../shared/data/mixed/*",
};

static struct {
	unsigned long words, accepted, borrowed;
} count;

static void
word_check(enum canon_use use, const char *text, size_t length)
{
	static struct key key, again;
	static char printed[KEY_PRINT_BYTES];
	struct canon_options options = {.use = use};
	struct fault fault;
	count.words++;
	if (canon_key(KIND_ANY, text, length, &options, &key, NULL) != STATUS_OK)
		return;
	count.accepted++;
	count.borrowed += key.borrowed;
	size_t size =
		use == CANON_ENTRY ? key_print_entry(&key, printed) : key_print(&key, printed);
	enum status status =
		canon_key((enum kind)key.kind, printed, size, &options, &again, &fault);
	ck_assert_msg(status == STATUS_OK, "%.*s -> %s: %s", (int)length, text, printed,
		      fault.text);
	ck_assert_msg(again.length == key.length && again.scope == key.scope &&
			      again.pattern == key.pattern &&
			      again.prefix_bits == key.prefix_bits &&
			      memcmp(again.bytes, key.bytes, sizeof(key.bytes)) == 0 &&
			      memcmp(key_text(&again), key_text(&key), key.length) == 0,
		      "%.*s -> %s", (int)length, text, printed);
}

static void
line_check(const char *line)
{
	size_t all = strcspn(line, "\r\n");
	word_check(CANON_ENTRY, line, all);
	for (const char *at = line; *at != '\0';) {
		size_t size = strcspn(at, " \t,;\"\r\n");
		if (size > 0 && size != all)
			word_check(CANON_QUERY, at, size);
		at += size + (at[size] != '\0');
	}
}

static void
list_check(const char *path)
{
	static char line[65536];
	char command[512];
	size_t length = strlen(path);
	bool packed = length > 3 && strcmp(path + length - 3, ".gz") == 0;
	snprintf(command, sizeof(command), "%s '%s' 2>/dev/null", packed ? "gzip -dc" : "cat",
		 path);
	FILE *pipe = popen(command, "r");
	ck_assert(pipe != NULL);
	for (unsigned long i = 0; fgets(line, sizeof(line), pipe) != NULL; i++)
		if (i % LINE_STEP == 0)
			line_check(line);
	pclose(pipe);
}

START_TEST(real_lists)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		glob_t found;
		if (glob(lists[i], 0, NULL, &found) != 0)
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			list_check(found.gl_pathv[k]);
		globfree(&found);
	}
	printf("real lists: %lu words, %lu keys, %lu of them borrowed\n", count.words,
	       count.accepted, count.borrowed);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("canon_real");
	TCase *tcase = tcase_create("real");
	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, real_lists);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
