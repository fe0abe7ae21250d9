/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/cli.h"

/* ---- a program of one command that remembers what it was told ---- */

static struct seen {
	int runs;
	char options[16]; /* ids as letters */
	char value[64];
	char store[256];
	uint64_t now;
	bool json, quiet;
	int operand_count;
	char operands[8][32];
} seen;

static const struct cli_option walk_options[] = {
	{'d', "deep", 'd', NULL, NULL, "go deep"},
	{'k', "kind", 'k', "KIND", "a b", "the kind"},
	{0}
};

static int
walk_run(struct cli *cli, int argc, char **argv)
{
	int option;
	while ((option = cli_option(cli, argc, argv)) > 0) {
		seen.options[strlen(seen.options)] = (char)option;
		if (option == 'k')
			snprintf(seen.value, sizeof(seen.value), "%s", cli->value);
	}
	if (option < 0)
		return cli->status;
	seen.runs++;
	snprintf(seen.store, sizeof(seen.store), "%s", cli->store);
	seen.now = cli->now;
	seen.json = cli->json;
	seen.quiet = cli->quiet;
	seen.operand_count = cli->operand_count;
	for (int i = 0; i < cli->operand_count && i < 8; i++)
		snprintf(seen.operands[i], sizeof(seen.operands[i]), "%s", cli->operands[i]);
	return CLI_NOTHING;
}

static const struct cli_command walk = {
	.name = "walk", .usage = "", .summary = "walk", .about = "Walks.",
	.options = walk_options, .run = walk_run,
};
static const struct cli_command *const commands[] = {&walk, NULL};
static const struct cli_program program = {"tester", "tests", "Tests.", commands};

static char heard[8192]; /* stdout and stderr of the last run */

#define RUN(...) run((char *[]){"tester", __VA_ARGS__, NULL})

static int
run(char **argv)
{
	int argc = 0, status, out = dup(1), error = dup(2);
	FILE *into = tmpfile();
	memset(&seen, 0, sizeof(seen));
	while (argv[argc] != NULL)
		argc++;
	fflush(stdout);
	dup2(fileno(into), 1);
	dup2(fileno(into), 2);
	status = cli_main(&program, argc, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(error, 2);
	close(out);
	close(error);
	rewind(into);
	heard[fread(heard, 1, sizeof(heard) - 1, into)] = '\0';
	fclose(into);
	return status;
}

START_TEST(options_and_operands_mix)
{
	ck_assert_int_eq(RUN("walk", "a", "-d", "b", "--kind", "x", "--", "-c"), CLI_NOTHING);
	ck_assert_str_eq(seen.options, "dk");
	ck_assert_str_eq(seen.value, "x");
	ck_assert_int_eq(seen.operand_count, 3);
	ck_assert_str_eq(seen.operands[0], "a");
	ck_assert_str_eq(seen.operands[1], "b");
	ck_assert_str_eq(seen.operands[2], "-c");
	ck_assert_int_eq(RUN("walk", "-kx", "-", "--kind=y"), CLI_NOTHING);
	ck_assert_str_eq(seen.options, "kk");
	ck_assert_str_eq(seen.operands[0], "-");
}
END_TEST

START_TEST(global_options_stand_before_and_after)
{
	ck_assert_int_eq(RUN("--json", "--store", "/s", "walk", "-q", "--now", "1970-01-02T00:00:00Z"),
			 CLI_NOTHING);
	ck_assert(seen.json && seen.quiet);
	ck_assert_str_eq(seen.store, "/s");
	ck_assert_uint_eq(seen.now, 86400);
	ck_assert_int_eq(RUN("walk"), CLI_NOTHING);
	ck_assert(!seen.json && !seen.quiet);
	ck_assert_uint_gt(seen.now, 1700000000);
}
END_TEST

/* Each is refused with status 2 before the command does anything, and says why. */
START_TEST(mistakes_are_named)
{
	static const struct {
		char *argv[5];
		const char *words;
	} rows[] = {
		{{"tester"}, "which command?"},
		{{"tester", "wakl"}, "did you mean 'walk'?"},
		{{"tester", "xyzzy"}, "no command 'xyzzy'\n"},
		{{"tester", "walk", "--knid", "a"}, "unknown option --knid; did you mean --kind"},
		{{"tester", "walk", "--xyzzy=1"}, "unknown option --xyzzy\n"},
		{{"tester", "walk", "-z"}, "unknown option -z"},
		{{"tester", "walk", "--kind"}, "option --kind needs KIND"},
		{{"tester", "walk", "-k"}, "option --kind needs KIND"},
		{{"tester", "walk", "--deep=3"}, "option --deep takes no argument"},
		{{"tester", "walk", "--store"}, "option --store needs DIR"},
		{{"tester", "walk", "--store", ""}, "option --store needs DIR"},
		{{"tester", "--jsn", "walk"}, "did you mean --json"},
		{{"tester", "walk", "--now", "yesterday"}, "tester: --now: "},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(run((char **)rows[i].argv), CLI_ERROR);
		ck_assert_int_eq(seen.runs, 0);
		ck_assert_msg(strstr(heard, rows[i].words) != NULL, "row %zu: %s", i, heard);
	}
}
END_TEST

START_TEST(help_is_given_everywhere)
{
	ck_assert_int_eq(RUN("--help"), CLI_FOUND);
	ck_assert_ptr_nonnull(strstr(heard, "  walk        walk\n"));
	ck_assert_int_eq(RUN("walk", "--help"), CLI_FOUND);
	ck_assert_ptr_nonnull(strstr(heard, "  -k, --kind KIND         the kind (one of: a b)\n"));
	ck_assert_ptr_nonnull(strstr(heard, "--store DIR"));
	ck_assert_int_eq(RUN("walk", "a", "-h"), CLI_FOUND);
	ck_assert_int_eq(seen.runs, 0);
	ck_assert_int_eq(RUN("--version"), CLI_FOUND);
	ck_assert_ptr_eq(strstr(heard, "tester "), heard);
}
END_TEST

START_TEST(store_is_found_by_the_rule)
{
	setenv("REPUTE_STORE", "/from/env", 1);
	RUN("walk");
	ck_assert_str_eq(seen.store, "/from/env");
	RUN("walk", "--store", "x");
	ck_assert_str_eq(seen.store, "x");
	setenv("REPUTE_STORE", "", 1);
	if (geteuid() == 0) {
		RUN("walk");
		ck_assert_str_eq(seen.store, "/var/lib/repute");
		ck_assert_int_eq(seteuid(65534), 0);
	}
	setenv("HOME", "/h", 1);
	unsetenv("XDG_DATA_HOME");
	RUN("walk");
	ck_assert_str_eq(seen.store, "/h/.local/share/repute");
	setenv("XDG_DATA_HOME", "/data", 1);
	RUN("walk");
	ck_assert_str_eq(seen.store, "/data/repute");
	setenv("XDG_DATA_HOME", "not/absolute", 1);
	RUN("walk");
	ck_assert_str_eq(seen.store, "/h/.local/share/repute");
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(near_names)
{
	const char *const names[] = {"import", "normalize", "lookup", "list", "version", NULL};
	static const char *const rows[][2] = {
		{"imoprt", "import"}, {"norm", "normalize"}, {"lokup", "lookup"}, {"lsit", "list"},
		{"LIST", NULL}, {"x", NULL}, {"", NULL}, {"kompost", NULL}, {"versoin", "version"},
	};
	char long_name[200];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *near = cli_near(rows[i][0], names);
		ck_assert_msg((near == NULL) == (rows[i][1] == NULL), "%s", rows[i][0]);
		if (near != NULL)
			ck_assert_str_eq(near, rows[i][1]);
	}
	memset(long_name, 'i', sizeof(long_name));
	long_name[199] = '\0';
	ck_assert_ptr_null(cli_near(long_name, names));
}
END_TEST

/* Terminal escapes, broken UTF-8 and C1 controls are spelled out, other text is left alone. */
START_TEST(put_is_safe)
{
	char text[256];
	FILE *out = fmemopen(text, sizeof(text), "w");
	const char input[] = "a\x1b[2J\0b\x7f \xc3\xbc \xff\xc2\x9b \xc3";
	cli_put(out, input, sizeof(input) - 1);
	fclose(out);
	ck_assert_str_eq(text, "a\\x1b[2J\\x00b\\x7f \xc3\xbc \\xff\\xc2\\x9b \\xc3");
}
END_TEST

/* ---- lines ---- */

static struct cli_lines lines;

static void
lines_of(const char *bytes, size_t length)
{
	FILE *file = tmpfile();
	ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
	fflush(file);
	int fd = dup(fileno(file));
	lseek(fd, 0, SEEK_SET);
	fclose(file);
	cli_lines_init(&lines, fd);
}

static void
expect_line(enum cli_outcome outcome, const char *text, size_t length)
{
	const char *got;
	size_t got_length;
	ck_assert_int_eq(cli_lines_next(&lines, &got, &got_length, NULL), outcome);
	if (outcome != CLI_VALUE)
		return;
	ck_assert_uint_eq(got_length, length);
	ck_assert_mem_eq(got, text, length);
}

START_TEST(lines_of_any_bytes)
{
	static const char bytes[] = "one\r\n\ntwo\0three\nfour\r\rfive";
	lines_of(bytes, sizeof(bytes) - 1);
	expect_line(CLI_VALUE, "one", 3);
	expect_line(CLI_VALUE, "", 0);
	expect_line(CLI_VALUE, "two\0three", 9);
	expect_line(CLI_VALUE, "four\r\rfive", 10);
	expect_line(CLI_VALUES_END, NULL, 0);
	expect_line(CLI_VALUES_END, NULL, 0);
	ck_assert_uint_eq(lines.number, 4);
	lines_of("", 0);
	expect_line(CLI_VALUES_END, NULL, 0);
}
END_TEST

/* `length` bytes of x with `tail`, then "next". */
static void
lines_with_long(size_t length, const char *tail)
{
	char *bytes = malloc(length + 16);
	memset(bytes, 'x', length);
	strncpy(bytes + length, tail, 16);
	lines_of(bytes, length + strlen(tail));
	free(bytes);
}

START_TEST(long_lines)
{
	static const size_t over[] = {1, 2, 3, 4, 65536, 10000000};
	char *longest = malloc(LIMIT_URL_INPUT_BYTES);
	memset(longest, 'x', LIMIT_URL_INPUT_BYTES);
	static const char *const tails[] = {"\nnext", "\r\nnext"};
	for (size_t i = 0; i < 2; i++) {
		lines_with_long(LIMIT_URL_INPUT_BYTES, tails[i]);
		expect_line(CLI_VALUE, longest, LIMIT_URL_INPUT_BYTES);
		expect_line(CLI_VALUE, "next", 4);
		for (size_t j = 0; j < sizeof(over) / sizeof(over[0]); j++) {
			lines_with_long(LIMIT_URL_INPUT_BYTES + over[j], tails[i]);
			expect_line(CLI_VALUE_TOO_LONG, NULL, 0);
			expect_line(CLI_VALUE, "next", 4);
			expect_line(CLI_VALUES_END, NULL, 0);
			ck_assert_uint_eq(lines.number, 2);
		}
	}
	lines_with_long(LIMIT_URL_INPUT_BYTES, "");
	expect_line(CLI_VALUE, longest, LIMIT_URL_INPUT_BYTES);
	expect_line(CLI_VALUES_END, NULL, 0);
	lines_with_long(LIMIT_URL_INPUT_BYTES + 2, "");
	expect_line(CLI_VALUE_TOO_LONG, NULL, 0);
	expect_line(CLI_VALUES_END, NULL, 0);
	free(longest);
}
END_TEST

START_TEST(unreadable_input_is_a_fault)
{
	struct fault fault = {0};
	const char *text;
	size_t length;
	cli_lines_init(&lines, 999);
	ck_assert_int_eq(cli_lines_next(&lines, &text, &length, &fault), CLI_VALUES_FAIL);
	ck_assert_int_eq(fault.status, STATUS_IO);
}
END_TEST

/* ---- values ---- */

static struct cli_values values;

static void
stdin_of(const char *text)
{
	lines_of(text, strlen(text));
	dup2(lines.fd, 0);
	close(lines.fd);
}

static void
expect_value(const char *text)
{
	const char *got;
	size_t length;
	ck_assert_int_eq(cli_values_next(&values, &got, &length, NULL), CLI_VALUE);
	ck_assert_uint_eq(length, strlen(text));
	ck_assert_mem_eq(got, text, length);
}

static void
expect_values_end(void)
{
	const char *got;
	size_t length;
	ck_assert_int_eq(cli_values_next(&values, &got, &length, NULL), CLI_VALUES_END);
}

START_TEST(values_from_operands_and_stdin)
{
	char *operands[] = {"a", "-", "b", NULL};
	struct cli cli = {.operands = operands, .operand_count = 3};
	stdin_of("one\n \t\n\r\ntwo");
	cli_values_init(&values, &cli, true);
	expect_value("a");
	expect_value("one");
	expect_value("two");
	expect_value("b");
	expect_values_end();
	cli.operand_count = 0;
	stdin_of("x\n");
	cli_values_init(&values, &cli, true);
	expect_value("x");
	expect_values_end();
	cli_values_init(&values, &cli, false);
	expect_values_end();
}
END_TEST

START_TEST(a_signal_ends_the_values)
{
	char *operands[] = {"a", "b", NULL};
	struct cli cli = {.operands = operands, .operand_count = 2};
	RUN("--version"); /* installs the handlers */
	cli_values_init(&values, &cli, true);
	expect_value("a");
	ck_assert(!cli_interrupted());
	raise(SIGTERM);
	ck_assert(cli_interrupted());
	expect_values_end();
	ck_assert(cli.stopped);
	raise(SIGTERM); /* the second one kills */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cli");
	TCase *all = tcase_create("all"), *last = tcase_create("signals");
	SRunner *runner;
	tcase_add_test(all, options_and_operands_mix);
	tcase_add_test(all, global_options_stand_before_and_after);
	tcase_add_test(all, mistakes_are_named);
	tcase_add_test(all, help_is_given_everywhere);
	tcase_add_test(all, store_is_found_by_the_rule);
	tcase_add_test(all, near_names);
	tcase_add_test(all, put_is_safe);
	tcase_add_test(all, lines_of_any_bytes);
	tcase_add_test(all, long_lines);
	tcase_add_test(all, unreadable_input_is_a_fault);
	tcase_add_test(all, values_from_operands_and_stdin);
	tcase_set_timeout(all, 60);
	tcase_add_test_raise_signal(last, a_signal_ends_the_values, SIGTERM);
	suite_add_tcase(suite, all);
	suite_add_tcase(suite, last);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
