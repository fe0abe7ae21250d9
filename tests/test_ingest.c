/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ingest through its C calls: what is counted, what is reported, and that
 * nothing leaves a trace unless it is committed. The command line around it is
 * tried in test_import.sh.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/ingest.h"
#include "tests/fixture.h"
#include "tests/scratch.h"

#define NOW 1767225600ull

static char *path, *feed;
static struct ingest_options options;
static struct ingest_result result;
static struct fault fault;
static char rejects[4096];
static uint64_t stop_at;

static void
note_reject(void *context, const struct ingest_reject *reject)
{
	size_t have = strlen(rejects);
	(void)context;
	ck_assert_str_eq(reject->file, feed);
	snprintf(rejects + have, sizeof(rejects) - have, "%llu %.*s %s\n",
		 (unsigned long long)reject->feed->line, (int)reject->feed->text_length,
		 reject->feed->text, status_name(reject->feed->status));
}

static bool
note_progress(void *context, uint64_t bytes_read, uint64_t bytes_total, uint64_t items)
{
	(void)context;
	(void)bytes_read;
	(void)bytes_total;
	return items < stop_at;
}

static void
set_up(void)
{
	path = scratch_new("ingest");
	feed = fixture_path("ingest-feed");
	memset(&options, 0, sizeof(options));
	options.source = "a";
	options.kind = KIND_ANY;
	options.max_rejects = INGEST_NO_LIMIT;
	options.max_rejects_percent = options.max_shrink_percent = 101;
	options.on_reject = note_reject;
	options.on_progress = note_progress;
	rejects[0] = '\0';
	stop_at = UINT64_MAX;
}

static void
tear_down(void)
{
	unlink(feed);
	free(feed);
	scratch_remove(path);
}

static void
write_feed(const char *text)
{
	FILE *file = fopen(feed, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static enum status
import(const char *text)
{
	struct ingest *ingest;
	write_feed(text);
	fault = (struct fault){0};
	rejects[0] = '\0';
	enum status status = ingest_new(path, &options, NOW, &ingest, &fault);
	if (status != STATUS_OK)
		return status;
	status = ingest_file(ingest, feed, &fault);
	if (status == STATUS_OK)
		status = ingest_commit(ingest, &result, &fault);
	ingest_free(ingest);
	return status;
}

static void
need_lines(const char *wanted)
{
	/* key, scope and source of each claim */
	char *state = scratch_state(path), short_state[4096] = "";
	for (char *line = state; *line != '\0'; line = strchr(line, '\n') + 1) {
		char *end = line;
		for (int bars = 0; bars < 3; end++)
			bars += *end == '|';
		size_t have = strlen(short_state);
		snprintf(short_state + have, sizeof(short_state) - have, "%.*s\n",
			 (int)(end - line - 1), line);
	}
	free(state);
	ck_assert_str_eq(short_state, wanted);
}

START_TEST(rejects_name_line_text_and_status)
{
	ck_assert_int_eq(import("good.example\n192.0.2.300\n# note\n192.0.2.1/24\ncom\nfine.example\n"),
			 STATUS_OK);
	ck_assert_str_eq(rejects, "2 192.0.2.300 bad-ipv4\n4 192.0.2.1/24 bad-ipv4\n5 com broad\n");
	ck_assert_uint_eq(result.read, 5);
	ck_assert_uint_eq(result.rejected, 3);
	ck_assert_uint_eq(result.counts.added, 2);
	need_lines("fine.example|exact|a\ngood.example|exact|a\n");
}
END_TEST

START_TEST(a_stop_publishes_nothing)
{
	char text[65536] = "";
	size_t length = 0;
	for (int i = 0; i < 2000; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "n%d.example\n", i);
	stop_at = 1000;
	ck_assert_int_eq(import(text), STATUS_STOPPED);
	need_lines("");
	stop_at = 2000; /* when the last is read */
	ck_assert_int_eq(import(text), STATUS_STOPPED);
	need_lines("");
	stop_at = 2001;
	ck_assert_int_eq(import(text), STATUS_OK);
}
END_TEST

START_TEST(no_commit_is_no_change)
{
	struct ingest *ingest;
	ck_assert_int_eq(import("one.example\n"), STATUS_OK);
	ck_assert_int_eq(ingest_new(path, &options, NOW, &ingest, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_value(ingest, "two.example", 11, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_remove(ingest, "one.example", 11, true, &fault), STATUS_OK);
	ingest_free(ingest);
	need_lines("one.example|exact|a\n");
	ck_assert_int_eq(import("one.example\n"), STATUS_OK); /* the lock is free */
	ck_assert_uint_eq(result.generation, 1);
}
END_TEST

START_TEST(a_dry_run_counts_and_makes_nothing)
{
	options.dry_run = true;
	ck_assert_int_eq(import("one.example\ntwo.example\n"), STATUS_OK);
	ck_assert_uint_eq(result.counts.added, 2);
	ck_assert(!file_exists(path));
	options.dry_run = false;
	ck_assert_int_eq(import("one.example\ntwo.example\n"), STATUS_OK);
	options.dry_run = options.mirror = true;
	ck_assert_int_eq(import("two.example\nthree.example\n"), STATUS_OK);
	ck_assert_uint_eq(result.counts.added, 1);
	ck_assert_uint_eq(result.counts.unchanged, 1);
	ck_assert_uint_eq(result.counts.removed, 1);
	ck_assert_uint_eq(result.generation, 1);
	need_lines("one.example|exact|a\ntwo.example|exact|a\n");
}
END_TEST

START_TEST(shrinking_is_measured_by_imports_alone)
{
	struct ingest *ingest;
	options.mirror = true;
	options.max_shrink_percent = 50;
	ck_assert_int_eq(import("a.example\nb.example\nc.example\nd.example\n"), STATUS_OK);
	ck_assert_int_eq(import("a.example\n"), STATUS_REFUSED);
	options.mirror = false;
	ck_assert_int_eq(ingest_new(path, &options, NOW, &ingest, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_value(ingest, "e.example", 9, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_commit(ingest, &result, &fault), STATUS_OK);
	ingest_free(ingest);
	options.mirror = true;
	ck_assert_int_eq(import("a.example\n"), STATUS_REFUSED);
	ck_assert_int_eq(import("a.example\nb.example\n"), STATUS_OK);
	need_lines("a.example|exact|a\nb.example|exact|a\n");
	ck_assert_int_eq(import("<!DOCTYPE html>\n<html>\n"), STATUS_BAD_FEED);
	ck_assert_int_eq(import(""), STATUS_BAD_FEED);
	ck_assert_int_eq(import("# only\n# comments\n"), STATUS_BAD_FEED);
	need_lines("a.example|exact|a\nb.example|exact|a\n");
}
END_TEST

START_TEST(limits_of_rejects)
{
	options.max_rejects = 1;
	ck_assert_int_eq(import("a.example\n192.0.2.300\n192.0.2.301\n"), STATUS_REFUSED);
	options.max_rejects = 2;
	ck_assert_int_eq(import("a.example\n192.0.2.300\n192.0.2.301\n"), STATUS_OK);
	options.max_rejects = INGEST_NO_LIMIT;
	options.max_rejects_percent = 66;
	ck_assert_int_eq(import("b.example\n192.0.2.300\n192.0.2.301\n"), STATUS_REFUSED);
	options.max_rejects_percent = 67;
	ck_assert_int_eq(import("b.example\n192.0.2.300\n192.0.2.301\n"), STATUS_OK);
	need_lines("a.example|exact|a\nb.example|exact|a\n");
}
END_TEST

START_TEST(a_range_is_taken_whole_or_not)
{
	ck_assert_int_eq(import("192.0.2.254-192.0.3.1\n0.0.0.0-255.255.255.255\n"
				"192.0.2.9-192.0.2.1\n128.0.0.0-255.255.255.255\n"
				"10.0.0.1-203.0.113.77\n"), STATUS_OK);
	ck_assert_uint_eq(result.read, 5);
	ck_assert_uint_eq(result.rejected, 4);
	ck_assert_uint_eq(result.counts.added, 2);
	need_lines("192.0.2.254/31|exact|a\n192.0.3.0/31|exact|a\n");
	options.kind = KIND_IPV6;
	ck_assert_int_ne(import("192.0.2.1-192.0.2.2\n"), STATUS_OK);
}
END_TEST

START_TEST(values_and_removals)
{
	struct ingest *ingest;
	ck_assert_int_eq(ingest_new(path, &options, NOW, &ingest, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_value(ingest, "*.x.example", 11, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_value(ingest, "x.example", 9, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_value(ingest, "192.0.2.1-192.0.2.2", 19, &fault), STATUS_OK);
	ck_assert_int_ne(ingest_value(ingest, "a..b", 4, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_commit(ingest, &result, &fault), STATUS_OK);
	ingest_free(ingest);
	need_lines("192.0.2.1|exact|a\n192.0.2.2|exact|a\nx.example|below|a\nx.example|exact|a\n");
	ck_assert_int_eq(ingest_new(path, &options, NOW, &ingest, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_remove(ingest, "*.x.example", 11, false, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_remove(ingest, "192.0.2.1-192.0.2.2", 19, false, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_commit(ingest, &result, &fault), STATUS_OK);
	ingest_free(ingest);
	ck_assert_uint_eq(result.counts.removed, 3);
	need_lines("x.example|exact|a\n");
	ck_assert_int_eq(ingest_new(path, &options, NOW, &ingest, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_remove_source(ingest, &fault), STATUS_OK);
	ck_assert_int_eq(ingest_commit(ingest, &result, &fault), STATUS_OK);
	ingest_free(ingest);
	need_lines("");
}
END_TEST

START_TEST(names_and_tags_are_refused_at_once)
{
	static const char *const bad[] = {"Nosuch=1"}, *const odd[] = {"no equal sign"};
	struct ingest *ingest;
	options.source = "";
	ck_assert_int_eq(ingest_new(path, &options, NOW, &ingest, &fault), STATUS_USAGE);
	options.source = "a\nb";
	ck_assert_int_eq(ingest_new(path, &options, NOW, &ingest, &fault), STATUS_USAGE);
	options.source = "a";
	options.tag_count = 1;
	options.tags = bad;
	ck_assert_int_eq(ingest_new(path, &options, NOW, &ingest, &fault), STATUS_BAD_TAG);
	options.tags = odd;
	ck_assert_int_eq(ingest_new(path, &options, NOW, &ingest, &fault), STATUS_USAGE);
	options.tag_count = 0;
	ck_assert_int_eq(import("a.example\n"), STATUS_OK); /* no lock is left */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ingest");
	TCase *cases = tcase_create("all");
	const TTest *const tests[] = {
		rejects_name_line_text_and_status, a_stop_publishes_nothing, no_commit_is_no_change,
		a_dry_run_counts_and_makes_nothing, shrinking_is_measured_by_imports_alone,
		limits_of_rejects, a_range_is_taken_whole_or_not, values_and_removals,
		names_and_tags_are_refused_at_once,
	};
	tcase_add_checked_fixture(cases, set_up, tear_down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(cases, tests[i]);
	tcase_set_timeout(cases, 120);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
