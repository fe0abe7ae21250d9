/* SPDX-License-Identifier: Apache-2.0 */
/* profile import, export, list, show, remove: output, exit status, what is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/store.h"
#include "tests/command.h"

#define HEAD "[profile]\nname = edge\n\n[action \"b\"]\nflow = block\n"
#define ONE "\n[filter \"one\"]\naction = b\nwhere = Confidence > 50\n"
#define TWO "\n[filter \"two\"]\naction = b\nuntagged = yes\n"
#define LOCKED TWO "locked = yes\n"

static int
import(const char *text)
{
	return FEED(text, "profile", "import", "-");
}

static void
exports(const char *wanted)
{
	ck_assert_int_eq(RUN("profile", "export", "EDGE"), CLI_FOUND);
	ck_assert_str_eq(command_out, wanted);
}

static int64_t
generation(void)
{
	struct cJSON *line;
	int64_t number;

	ck_assert_int_eq(RUN("info", "--json"), CLI_FOUND);
	line = command_line(0);
	number = command_number(line, "generation");
	json_gate_free(line);
	return number;
}

START_TEST(import_puts_once)
{
	ck_assert_int_eq(import("# mine\n" HEAD ONE), CLI_FOUND);
	ck_assert_str_eq(command_out,
			 "edge: new, with 1 filter, 1 action, 0 exceptions; generation 1\n");
	exports(HEAD ONE);
	ck_assert_int_eq(import(HEAD "; the same\n" ONE), CLI_FOUND);
	ck_assert_str_eq(command_out, "edge: unchanged; generation 1\n");
	ck_assert_int_eq(generation(), 1);
	ck_assert_int_eq(import(HEAD TWO ONE), CLI_FOUND);
	ck_assert_str_eq(command_out,
			 "edge: filters 1 added, 0 removed, 0 changed, 0 moved; generation 2\n"
			 "  filter \"two\" added as 1\n");
	exports(HEAD TWO ONE);
	ck_assert_int_eq(import(HEAD ONE TWO), CLI_FOUND);
	ck_assert_str_eq(command_out,
			 "edge: filters 0 added, 0 removed, 0 changed, 1 moved; generation 3\n"
			 "  filter \"one\" moved from 2 to 1\n");
	ck_assert_int_eq(generation(), 3);
}
END_TEST

START_TEST(entries_and_profiles_live_side_by_side)
{
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(import(HEAD ONE), CLI_FOUND);
	ck_assert_int_eq(generation(), 2);
	command_put(command_sample, 1, true);
	exports(HEAD ONE);
	ck_assert_int_eq(RUN("lookup", "evil.example"), CLI_FOUND);
	ck_assert_int_eq(RUN("verify"), CLI_FOUND);
}
END_TEST

START_TEST(import_reads_a_file)
{
	char *path;
	FILE *file;

	ck_assert_int_gt(asprintf(&path, "%s.ini", command_store), 0);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(HEAD "[filter \"one\"]\naction = c\n", file);
	fclose(file);
	ck_assert_int_eq(RUN("profile", "import", path), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_err, path));
	ck_assert_ptr_nonnull(strstr(command_err, ": line 7, column 10: no action \"c\" is defined; expected"));
	remove(path);
	ck_assert_int_eq(RUN("profile", "import", path), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_err, "No such file"));
	free(path);
}
END_TEST

START_TEST(what_is_wrong_makes_no_store)
{
	ck_assert_int_eq(import(HEAD "nonsense\n"), CLI_ERROR);
	ck_assert_str_eq(command_err, "repute: stdin: line 6, column 1: this line is no field; "
			 "expected FIELD = VALUE or [SECTION \"NAME\"]\n");
	ck_assert_str_eq(command_out, "");
	ck_assert(!file_exists(command_store));
	ck_assert_int_eq(FEED(HEAD, "profile", "import", "--dry-run", "-"), CLI_FOUND);
	ck_assert(!file_exists(command_store));
	ck_assert_int_eq(RUN("profile", "remove", "edge"), CLI_ERROR);
	ck_assert(!file_exists(command_store));
}
END_TEST

START_TEST(dry_run_changes_nothing)
{
	import(HEAD ONE);
	ck_assert_int_eq(FEED(HEAD TWO, "profile", "import", "-n", "-"), CLI_FOUND);
	ck_assert_ptr_nonnull(strstr(command_err, "dry run: nothing was changed"));
	ck_assert_str_eq(command_out,
			 "edge: filters 1 added, 1 removed, 0 changed, 0 moved; generation 1\n"
			 "  filter \"two\" added as 1\n  filter \"one\" removed\n");
	exports(HEAD ONE);
}
END_TEST

START_TEST(locked_filters_hold)
{
	import(HEAD ONE LOCKED);
	ck_assert_int_eq(import(HEAD ONE LOCKED "enabled = no\n"), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_err, "\"two\" is locked, and its field changes: enabled"));
	ck_assert_int_eq(import(HEAD ONE), CLI_ERROR);
	ck_assert_int_eq(import(HEAD LOCKED ONE), CLI_FOUND);
	ck_assert_int_eq(import(HEAD ONE LOCKED), CLI_ERROR);
	ck_assert_int_eq(RUN("profile", "remove", "edge"), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_err, "\"two\" is locked"));
	exports(HEAD LOCKED ONE);
	ck_assert_int_eq(import(HEAD TWO ONE), CLI_FOUND);
	ck_assert_ptr_nonnull(strstr(command_out, "  filter \"two\" changed: locked\n"));
	ck_assert_int_eq(import(HEAD ONE TWO "enabled = no\n"), CLI_FOUND);
	ck_assert_int_eq(RUN("profile", "remove", "edge"), CLI_FOUND);
}
END_TEST

START_TEST(list_and_remove)
{
	struct cJSON *line;

	ck_assert_int_eq(RUN("profile", "list"), CLI_ERROR);
	import(HEAD ONE LOCKED);
	import("[profile]\nname = Core\n[exception \"e\"]\nip = ::1\n");
	ck_assert_int_eq(RUN("profile"), CLI_FOUND);
	ck_assert_str_eq(command_out,
		"Core  0 filters (0 enabled, 0 locked), 0 actions, 1 exception  changed " NOW "\n"
		"edge  2 filters (2 enabled, 1 locked), 1 action, 0 exceptions  changed " NOW "\n");
	ck_assert_int_eq(RUN("profile", "list", "--json"), CLI_FOUND);
	ck_assert_uint_eq(command_lines(), 2);
	line = command_line(1);
	command_members(line, "name changed bytes filters enabled locked actions exceptions");
	ck_assert_str_eq(command_text(line, "name"), "edge");
	ck_assert_int_eq(command_number(line, "filters"), 2);
	ck_assert_int_eq(command_number(line, "locked"), 1);
	json_gate_free(line);
	ck_assert_int_eq(RUN("profile", "remove", "CORE"), CLI_FOUND);
	ck_assert_int_eq(RUN("profile", "remove", "core"), CLI_NOTHING);
	ck_assert_str_eq(command_err, "repute: there is no profile 'core'\n");
	ck_assert_int_eq(RUN("profile", "show", "edgy"), CLI_NOTHING);
	ck_assert_str_eq(command_err, "repute: there is no profile 'edgy'; did you mean 'edge'?\n");
	ck_assert_int_eq(RUN("profile", "export", "core"), CLI_NOTHING);
	ck_assert_str_eq(command_out, "");
}
END_TEST

#define FULL HEAD "notify = yes\n[action \"slow\"]\nflow = rate-limit\nrate-kbps = 64\n" ONE            \
	     "\n[filter \"rest\"]\naction = slow\nuntagged = yes\ntagged = no\nenabled = no\nlocked = yes\n" \
	     "[exception \"office\"]\nip = 192.0.2.0/24\nowner = netops\nreason = NAT\n"                 \
	     "expires = 2025-01-01T00:00:00Z\n[exception \"ours\"]\ndomain = *.corp.example\n"

START_TEST(show_says_everything)
{
	import(FULL);
	ck_assert_int_eq(RUN("profile", "show", "edge"), CLI_FOUND);
	ck_assert_str_eq(command_out,
		"profile edge  match-address both, while-looking-up permit, changed " NOW "\n"
		"actions\n"
		"  b       block, notify\n"
		"  slow    rate-limit, 64 kbit/s\n"
		"filters, the first that takes an entry wins\n"
		"    1  one     b     all kinds  enabled\n"
		"         where Confidence > 50\n"
		"    2  rest    slow  ipv4 ipv6 domain url  disabled, locked\n"
		"         untagged only\n"
		"exceptions, which always win\n"
		"  office  ipv4 192.0.2.0/24  owner netops  reason: NAT  expired 2025-01-01T00:00:00Z\n"
		"  ours    domain *.corp.example\n");
}
END_TEST

START_TEST(show_json_says_everything)
{
	struct cJSON *line;
	const struct cJSON *row;

	import(FULL);
	ck_assert_int_eq(RUN("profile", "show", "edge", "--json"), CLI_FOUND);
	ck_assert_uint_eq(command_lines(), 1);
	line = command_line(0);
	command_members(line, "name changed match_address while_looking_up actions filters exceptions");
	row = json_gate_first(json_gate_member(line, "actions"));
	command_members(row, "name flow notify trace");
	command_members(json_gate_next(row), "name flow notify trace rate_kbps");
	row = json_gate_first(json_gate_member(line, "filters"));
	command_members(row, "number name action kinds tagged untagged where enabled locked");
	ck_assert_str_eq(command_text(row, "where"), "Confidence > 50");
	ck_assert_uint_eq(json_gate_count(json_gate_member(row, "kinds")), 6);
	row = json_gate_next(row);
	ck_assert_int_eq(command_number(row, "number"), 2);
	ck_assert(!command_bool(row, "tagged") && command_bool(row, "untagged"));
	ck_assert(!command_bool(row, "enabled") && command_bool(row, "locked"));
	ck_assert_uint_eq(json_gate_count(json_gate_member(row, "kinds")), 4);
	row = json_gate_first(json_gate_member(line, "exceptions"));
	command_members(row, "name kind value owner reason expires");
	ck_assert_str_eq(command_text(row, "expires"), "2025-01-01T00:00:00Z");
	json_gate_free(line);
}
END_TEST

START_TEST(import_json_counts)
{
	struct cJSON *line;
	const struct cJSON *row;

	ck_assert_int_eq(FEED(HEAD ONE, "profile", "import", "--json", "-"), CLI_FOUND);
	line = command_line(0);
	command_members(line, "name new changed settings actions filters exceptions differences generation");
	ck_assert(command_bool(line, "new") && command_bool(line, "changed"));
	ck_assert_int_eq(command_number(json_gate_member(line, "filters"), "added"), 1);
	json_gate_free(line);
	FEED(HEAD TWO ONE, "profile", "import", "--json", "-");
	line = command_line(0);
	ck_assert(!command_bool(line, "new") && command_bool(line, "changed"));
	ck_assert_int_eq(command_number(line, "generation"), 2);
	row = json_gate_first(json_gate_member(line, "differences"));
	command_members(row, "part name change before after fields");
	ck_assert_str_eq(command_text(row, "change"), "added");
	ck_assert_int_eq(command_number(row, "after"), 1);
	json_gate_free(line);
	FEED(HEAD TWO ONE, "profile", "import", "--json", "-");
	line = command_line(0);
	ck_assert(!command_bool(line, "changed"));
	ck_assert_int_eq(command_number(line, "generation"), 2);
	json_gate_free(line);
}
END_TEST

/* A category that a condition asks is gone: the profile cannot be read, and does not block. */
START_TEST(what_cannot_be_read_any_more_can_go)
{
	struct store_write *write;
	uint64_t number;

	import(HEAD LOCKED ONE);
	import("[profile]\nname = core\n");
	ck_assert_int_eq(store_write_begin(command_store, false, NULL, &write, NULL), STATUS_OK);
	ck_assert_int_eq(catalog_category_remove(store_write_catalog(write), "Confidence", 10, NULL),
			 STATUS_OK);
	store_write_touch(write);
	ck_assert_int_eq(store_write_commit(write, NOW_SECONDS, false, &number, NULL), STATUS_OK);
	ck_assert_int_eq(RUN("profile", "list"), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_out, "core  0 filters"));
	ck_assert_ptr_nonnull(strstr(command_out, "edge  cannot be read"));
	ck_assert_ptr_nonnull(strstr(command_err, "profile edge: line 14, column 9: no tag category"));
	ck_assert_int_eq(RUN("profile", "list", "--json"), CLI_ERROR);
	ck_assert_uint_eq(command_lines(), 2);
	ck_assert_ptr_nonnull(strstr(command_out, "\"error\":{\"code\":\"profile\""));
	ck_assert_int_eq(RUN("profile", "show", "edge"), CLI_ERROR);
	ck_assert_int_eq(import(HEAD TWO), CLI_ERROR);
	exports(HEAD LOCKED ONE);
	ck_assert_int_eq(RUN("profile", "remove", "edge"), CLI_FOUND);
	ck_assert_int_eq(import(HEAD TWO), CLI_FOUND);
}
END_TEST

START_TEST(bad_calls)
{
	ck_assert_int_eq(RUN("profile", "import"), CLI_ERROR);
	ck_assert_int_eq(RUN("profile", "export"), CLI_ERROR);
	ck_assert_int_eq(RUN("profile", "list", "x"), CLI_ERROR);
	ck_assert_int_eq(RUN("profile", "show", "a", "b"), CLI_ERROR);
	ck_assert_int_eq(RUN("profile", "frob", "a"), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_err, "profile import FILE"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("profile_command");
	TCase *tcase = tcase_create("profile_command");
	SRunner *runner = srunner_create(suite);
	int failed;

	command_start();
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, command_setup, command_teardown);
	tcase_add_test(tcase, import_puts_once);
	tcase_add_test(tcase, entries_and_profiles_live_side_by_side);
	tcase_add_test(tcase, import_reads_a_file);
	tcase_add_test(tcase, what_is_wrong_makes_no_store);
	tcase_add_test(tcase, dry_run_changes_nothing);
	tcase_add_test(tcase, locked_filters_hold);
	tcase_add_test(tcase, list_and_remove);
	tcase_add_test(tcase, show_says_everything);
	tcase_add_test(tcase, show_json_says_everything);
	tcase_add_test(tcase, import_json_counts);
	tcase_add_test(tcase, what_cannot_be_read_any_more_can_go);
	tcase_add_test(tcase, bad_calls);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
