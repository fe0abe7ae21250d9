/* SPDX-License-Identifier: Apache-2.0 */
/* check: fields, exit status, stages, where the profile comes from, what is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/store.h"
#include "tests/command.h"
#include "tests/fixture.h"

#define MEMBERS "query kind profile verdict action notify trace filter exception hit"
#define HIT "kind key scope source tags first_seen last_seen expires embedded"

static const char *const perimeter =
	"[profile]\nname = perimeter\n"
	"[action \"Block + Notify\"]\nflow = block\nnotify = yes\n"
	"[action \"Slow\"]\nflow = rate-limit\ntrace = yes\n"
	"[filter \"High\"]\naction = Block + Notify\nwhere = \"Trend Micro Severity\" = High\n"
	"[filter \"Rest\"]\naction = Slow\nkinds = ipv4 ipv6 domain url\n"
	"[exception \"office\"]\nip = 192.0.2.0/28\nowner = netops\nreason = our own NAT\n"
	"expires = 2027-01-01T00:00:00Z\n"
	"[exception \"ours\"]\ndomain = ours.example\n";

static char *ini;

static void
setup(void)
{
	command_setup();
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_gt(asprintf(&ini, "%s/%d-check.ini", FIXTURE_FOLDER, (int)getpid()), 0);
	FILE *file = fopen(ini, "we");
	ck_assert_ptr_nonnull(file);
	fputs(perimeter, file);
	fclose(file);
}

static void
teardown(void)
{
	unlink(ini);
	free(ini);
	command_teardown();
}

static void
member_is(const struct cJSON *line, const char *name, const char *wanted)
{
	const struct cJSON *member = json_gate_member(line, name);
	ck_assert_ptr_nonnull(member);
	const char *text = json_gate_text(member);
	if (wanted == NULL)
		ck_assert_ptr_null(text);
	else
		ck_assert_str_eq(text, wanted);
}

static void
line_is(size_t i, const char *kind, const char *verdict, const char *action, const char *filter,
	const char *exception, const char *hit)
{
	struct cJSON *line = command_line(i);
	command_members(line, MEMBERS);
	member_is(line, "kind", kind);
	member_is(line, "profile", "perimeter");
	member_is(line, "verdict", verdict);
	member_is(line, "action", action);
	member_is(line, "filter", filter);
	member_is(line, "exception", exception);
	if (hit != NULL) {
		command_members(json_gate_member(line, "hit"), HIT);
		member_is(json_gate_member(line, "hit"), "key", hit);
	}
	json_gate_free(line);
}

START_TEST(json_has_the_fields_of_the_contract)
{
	ck_assert_int_eq(RUN("check", "--json", "--profile", ini, "evil.example", "192.0.2.7",
			     "192.0.2.77", "ours.example", "1.1.1.1"), CLI_FOUND);
	ck_assert_uint_eq(command_lines(), 5);
	line_is(0, "domain", "block", "Block + Notify", "High", NULL, "evil.example");
	line_is(1, "ipv4", "none", NULL, NULL, "office", NULL);
	line_is(2, "ipv4", "rate-limit", "Slow", "Rest", NULL, "192.0.2.0/24");
	line_is(3, "domain", "none", NULL, NULL, "ours", NULL); /* named though nothing is listed */
	line_is(4, "ipv4", "none", NULL, NULL, NULL, NULL);
	struct cJSON *line = command_line(0);
	ck_assert(command_bool(line, "notify") && !command_bool(line, "trace"));
	json_gate_free(line);
	line = command_line(2);
	ck_assert(!command_bool(line, "notify") && command_bool(line, "trace"));
	json_gate_free(line);
}
END_TEST

START_TEST(a_url_is_two_stages)
{
	ck_assert_int_eq(RUN("check", "--json", "-p", ini, "http://evil.example/a"), CLI_FOUND);
	ck_assert_uint_eq(command_lines(), 2);
	line_is(0, "url", "rate-limit", "Slow", "Rest", NULL, "http://evil.example/a");
	line_is(1, "domain", "block", "Block + Notify", "High", NULL, "evil.example");
}
END_TEST

START_TEST(exit_status_is_that_of_grep)
{
	ck_assert_int_eq(RUN("check", "-p", ini, "1.1.1.1"), CLI_NOTHING);
	ck_assert_int_eq(RUN("check", "-p", ini, "ours.example"), CLI_FOUND);
	ck_assert_int_eq(RUN("check", "-p", ini, "evil.example", "a..b"), CLI_ERROR);
	ck_assert_int_eq(FEED("1.1.1.1\nevil.example\n", "check", "-p", ini), CLI_FOUND);
	ck_assert_uint_eq(command_lines(), 2);
	/* listed, and no filter takes a hash */
	ck_assert_int_eq(RUN("check", "-p", ini, "da39a3ee5e6b4b0d3255bfef95601890afd80700"), CLI_NOTHING);
	ck_assert_ptr_nonnull(strstr(command_out, "listed, but no filter takes it"));
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error_and_not_none)
{
	ck_assert_int_eq(RUN("check", "--json", "-p", ini, "a..b", "evil.example"), CLI_ERROR);
	struct cJSON *line = command_line(0);
	command_members(line, MEMBERS " error");
	member_is(line, "verdict", "error");
	member_is(line, "query", "a..b");
	member_is(json_gate_member(line, "error"), "code", "bad-domain");
	json_gate_free(line);
	line_is(1, "domain", "block", "Block + Notify", "High", NULL, "evil.example");
}
END_TEST

START_TEST(text_says_what_and_why)
{
	RUN("check", "-p", ini, "evil.example");
	ck_assert_str_eq(command_out, "block       evil.example  by filter 1 \"High\" with action "
			 "\"Block + Notify\": domain evil.example (tree) from feed-b, expires "
			 "2036-01-01T00:00:00Z, Malware Family=Emotet; Trend Micro Severity=High  notify\n");
	RUN("check", "-p", ini, "192.0.2.1", "1.1.1.1");
	ck_assert_str_eq(command_out, "none        192.0.2.1  by exception \"office\" for 192.0.2.0/28"
			 "  owner netops  reason: our own NAT  expires 2027-01-01T00:00:00Z\n"
			 "none        1.1.1.1  not listed\n");
}
END_TEST

static void
store_profile(const char *name)
{
	struct store_write *write;
	struct fault fault = {0};
	uint64_t generation;
	fixture_need(store_write_begin(command_store, true, NULL, &write, &fault), &fault, "begin");
	fixture_need(catalog_profile_put(store_write_catalog(write), name, strlen(name), perimeter,
					 strlen(perimeter), NOW_SECONDS, &fault), &fault, name);
	store_write_touch(write);
	fixture_need(store_write_commit(write, NOW_SECONDS, false, &generation, &fault), &fault, "commit");
}

START_TEST(a_profile_is_a_name_or_a_file)
{
	char bad[256];
	ck_assert_int_eq(RUN("check", "-p", "perimeter", "evil.example"), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_err, "there is no profile 'perimeter'"));
	store_profile("perimeter");
	ck_assert_int_eq(RUN("check", "-p", "Perimeter", "evil.example"), CLI_FOUND);
	ck_assert_int_eq(RUN("check", "-p", "none.ini", "evil.example"), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_err, "none.ini"));
	store_profile("east/west");
	store_profile("old.ini");
	ck_assert_int_eq(RUN("check", "-p", "east/west", "evil.example"), CLI_FOUND);
	ck_assert_int_eq(RUN("check", "-p", "old.ini", "evil.example"), CLI_FOUND);
	ck_assert_int_eq(RUN("check", "evil.example"), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_err, "--profile"));
	snprintf(bad, sizeof(bad), "%s.bad.ini", ini);
	FILE *file = fopen(bad, "we");
	fputs("[profile]\nname = x\n[filter \"f\"]\naction = none\n", file);
	fclose(file);
	ck_assert_int_eq(RUN("check", "-p", bad, "evil.example"), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_err, bad)); /* the file and the place in it */
	ck_assert_ptr_nonnull(strstr(command_err, "line "));
	unlink(bad);
}
END_TEST

static Suite *
suite(void)
{
	Suite *made = suite_create("check");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, json_has_the_fields_of_the_contract);
	tcase_add_test(tcase, a_url_is_two_stages);
	tcase_add_test(tcase, exit_status_is_that_of_grep);
	tcase_add_test(tcase, what_cannot_be_read_is_an_error_and_not_none);
	tcase_add_test(tcase, text_says_what_and_why);
	tcase_add_test(tcase, a_profile_is_a_name_or_a_file);
	suite_add_tcase(made, tcase);
	return made;
}

int
main(void)
{
	SRunner *runner = srunner_create(suite());
	command_start();
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
