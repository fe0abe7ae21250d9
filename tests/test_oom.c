/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation from import to look-up, verdict, preview and sweep fails once, and then once with all
 * after it: no crash, no leak (under ASan), an error that says so, and the old
 * state as it was. The same memory may be missing silently only where a hint
 * is all that is lost.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/bytes.h"
#include "engine/canon.h"
#include "engine/segment_check.h"
#include "engine/sweep.h"
#include "loader/ingest.h"
#include "query/judge.h"
#include "query/preview.h"
#include "tests/extra_faults.h"
#include "tests/fixture.h"
#include "tests/scratch.h"

#define NOW 1767225600ull

static char *path, *feed;

static void
arm(long at, bool for_ever)
{
	struct faults_plan plan = {.what = FAULTS_MEMORY, .at = at, .error = ENOMEM,
				   .span = for_ever ? FAULTS_ALL : FAULTS_ONCE};
	faults_arm(&plan);
}

static bool
disarm(void)
{
	return faults_disarm().struck != NULL;
}

static void
write_feed(long number)
{
	FILE *file = fopen(feed, "we");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "value,Malware Family\nit-%ld.example,x\n*.it-%ld.example,y\n", number, number);
	fprintf(file, "192.0.2.1-192.0.2.9,x\n2001:db8::/32,y\nhttp://a.example/%ld/b,\n", number);
	fprintf(file, "da39a3ee5e6b4b0d3255bfef95601890afd80700,x\na..b,x\nhttp://c.example/\\*,z\n");
	ck_assert_int_eq(fclose(file), 0);
}

/* The whole write side once. */
static enum status
import(struct fault *fault)
{
	static const char *const tags[] = {"Trend Micro Severity=High"};
	static const struct hash_seed seed = {{1, 2}};
	struct ingest_options options = {
		.source = "a", .kind = KIND_ANY, .tags = tags, .tag_count = 1, .mirror = true,
		.max_rejects = INGEST_NO_LIMIT, .max_rejects_percent = 101,
		.max_shrink_percent = 101, .seed = &seed,
	};
	struct ingest_result result;
	struct ingest *ingest;
	enum status status = ingest_new(path, &options, NOW, &ingest, fault);
	if (status != STATUS_OK)
		return status;
	status = ingest_file(ingest, feed, fault);
	if (status == STATUS_OK)
		status = ingest_commit(ingest, &result, fault);
	if (status == STATUS_OK && (result.counts.added == 0 || result.rejected != 1)) {
		fprintf(stderr, "added %d, rejected %d\n", (int)result.counts.added,
			(int)result.rejected);
		status = STATUS_COUNT; /* a false success */
	}
	ingest_free(ingest);
	return status;
}

static struct key *query;

static enum status
look_up(struct fault *fault)
{
	static struct view_match matches[LIMIT_COVERING];
	struct store *store;
	bool changed;
	enum status status = store_open(path, &store, fault);
	if (status != STATUS_OK)
		return status;
	struct view *view = store_view_take(store);
	if (view_collect(view, query, matches, LIMIT_COVERING) != 1)
		status = STATUS_COUNT;
	view_drop(view);
	if (status == STATUS_OK)
		status = store_refresh(store, &changed, fault);
	store_close(store);
	return status;
}

static void
need_fault(const struct fault *fault, long at)
{
	ck_assert_msg(fault->status != STATUS_COUNT, "allocation %ld: a false success", at);
	ck_assert_msg(fault->text[0] != '\0', "allocation %ld: no reason given", at);
}

/* One attempt; false when it made no more allocations than `at`. */
static bool
attempt(long at, bool for_ever, char **state)
{
	struct fault fault = {0};
	write_feed(at + (for_ever ? 1000000 : 0));
	arm(at, for_ever);
	enum status status = import(&fault);
	bool struck = disarm();
	ck_assert_msg(status != STATUS_COUNT, "allocation %ld: a false success", at);
	char *now = scratch_state(path);
	bool same = strcmp(now, *state) == 0;
	ck_assert_msg(status == STATUS_OK ? !same : same, "allocation %ld: %s, and the state is %s",
		      at, status_text(status), same ? "old" : "new");
	if (status != STATUS_OK)
		need_fault(&fault, at);
	free(*state);
	*state = now;
	return struck;
}

static void
all_attempts(bool for_ever)
{
	char *state = strdup("");
	long at = 0;
	unsigned descriptors = scratch_descriptors();
	while (attempt(at, for_ever, &state)) {
		ck_assert_uint_eq(scratch_descriptors(), descriptors);
		ck_assert_uint_eq(scratch_mappings(path), 0);
		at++;
	}
	printf("%ld allocations failed%s\n", at, for_ever ? " with all after them" : "");
	ck_assert_int_gt(at, 50);
	free(state);
}

static void
set_up(void)
{
	path = scratch_new("oom");
	feed = fixture_path("oom-feed");
}

static void
tear_down(void)
{
	unlink(feed);
	free(feed);
	scratch_remove(path);
}

START_TEST(import_once)
{
	all_attempts(false);
}
END_TEST

START_TEST(import_for_ever)
{
	all_attempts(true);
}
END_TEST

START_TEST(reading)
{
	struct fault fault = {0};
	long at = 0;
	write_feed(7);
	fixture_need(import(&fault), &fault, "import");
	query = scratch_key("2001:db8::1", 0);
	for (bool struck = true; struck; at++) {
		fault = (struct fault){0};
		arm(at, at % 2 == 1);
		enum status status = look_up(&fault);
		struck = disarm();
		ck_assert_msg(status != STATUS_COUNT, "allocation %ld: a false answer", at);
		ck_assert_msg(struck || status == STATUS_OK, "%s", fault.text);
		ck_assert_uint_eq(scratch_mappings(path), 0);
	}
	ck_assert_int_gt(at, 5);
	free(query);
}
END_TEST

/* --- verdicts ----------------------------------------------------------------------------- */

/* Filters that tag sets decide and filters that text leaves open; exceptions of every kind. */
static const char profile_text[] =
	"[profile]\nname = p\n[action \"b\"]\nflow = block\n"
	"[filter \"open\"]\naction = b\nkinds = domain url\nwhere = \"Malware Family\" = nope\n"
	"[filter \"certain\"]\naction = b\nwhere = \"Trend Micro Severity\" in (High, Low)\n"
	"[exception \"range\"]\nip = 192.0.2.1-192.0.2.6\n[exception \"v6\"]\nip = 2001:db8:1::/48\n"
	"[exception \"name\"]\ndomain = *.corp.example\n[exception \"url\"]\nurl = http://a.example/7/b\n"
	"[exception \"sms\"]\nurl = \\*/good\\*\n";

static struct store *store;
static struct view *view;

static enum status
judge_make(const struct judge *before, struct judge **judge, struct fault *fault)
{
	struct profile *profile;
	enum status status = profile_parse(profile_text, strlen(profile_text), &view->catalog,
					   &profile, fault);
	return status == STATUS_OK ? judge_new(view, profile, before, judge, fault) : status;
}

static void
need_verdicts(const struct judge *judge)
{
	static const struct {
		const char *text;
		uint32_t filter, exception;
	} wanted[] = {
		{"192.0.2.3", REPUTE_NO_ROW, 0}, {"192.0.2.8", 1, REPUTE_NO_ROW},
		{"2001:db8:1::1", REPUTE_NO_ROW, 1}, {"2001:db8:2::1", 1, REPUTE_NO_ROW},
		{"it-7.example", 1, REPUTE_NO_ROW}, {"http://a.example/7/b", REPUTE_NO_ROW, 3},
		{"it-8.example", REPUTE_NO_ROW, REPUTE_NO_ROW},
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct repute_verdict verdict;
		struct key *key = scratch_key(wanted[i].text, 0);
		judge_one(judge, key, NOW, &verdict);
		ck_assert_msg(verdict.filter == wanted[i].filter &&
			      verdict.exception == wanted[i].exception, "%s: filter %u, exception %u",
			      wanted[i].text, verdict.filter, verdict.exception);
		free(key);
	}
}

static bool
judge_attempt(long at, bool for_ever, const struct judge *before)
{
	struct fault fault = {0};
	struct judge *judge = NULL;
	uint64_t pins = view->pin.count;
	arm(at, for_ever);
	enum status status = judge_make(before, &judge, &fault);
	bool struck = disarm();
	if (status == STATUS_OK) { /* room that is given back may stay as large as it was */
		need_verdicts(judge);
	} else {
		ck_assert_int_eq(status, STATUS_NO_MEMORY);
		ck_assert(struck && judge == NULL);
		need_fault(&fault, at);
	}
	judge_free(judge);
	ck_assert_uint_eq(view->pin.count, pins);
	return struck;
}

/* Both ways at each allocation; how many there are. */
static long
judge_attempts(const struct judge *before)
{
	long at = 0;
	while (judge_attempt(at, false, before))
		at++;
	for (long i = 0; i < at; i++)
		ck_assert(judge_attempt(i, true, before));
	return at;
}

static bool
preview_attempt(long at, bool for_ever, const struct profile *profile)
{
	struct preview_options options = {.now = NOW, .before = profile, .limit_count = 1,
					  .limits = {{.kinds = 63, .most = 2}}};
	struct fault fault = {0};
	struct preview *preview = NULL;
	arm(at, for_ever);
	enum status status = preview_new(view, profile, &options, &preview, &fault);
	bool struck = disarm();
	if (status == STATUS_OK) {
		ck_assert_uint_eq(preview->entries[KIND_DOMAIN], 1);
		ck_assert_uint_gt(preview->limits[0].dropped, 0);
	} else {
		ck_assert_int_eq(status, STATUS_NO_MEMORY);
		ck_assert(struck && preview == NULL);
		need_fault(&fault, at);
	}
	preview_free(preview);
	return struck;
}

static void
open_view(void)
{
	struct fault fault = {0};
	write_feed(7);
	fixture_need(import(&fault), &fault, "import");
	fixture_need(store_open(path, &store, &fault), &fault, "open");
	view = store_view_take(store);
}

static void
close_view(void)
{
	view_drop(view);
	store_close(store);
	ck_assert_uint_eq(scratch_mappings(path), 0);
}

/* Where the profile and the layer are the same nothing is compiled: seen by what is allocated. */
START_TEST(judging)
{
	struct fault fault = {0};
	struct judge *before;
	open_view();
	long anew = judge_attempts(NULL);
	ck_assert_int_gt(anew, 20);
	fixture_need(judge_make(NULL, &before, &fault), &fault, "judge");
	long again = judge_attempts(before);
	printf("%ld allocations failed, with a judge before %ld\n", anew, again);
	ck_assert_int_lt(again, anew);
	need_verdicts(before);
	judge_free(before);
	close_view();
}
END_TEST

START_TEST(previewing)
{
	struct fault fault = {0};
	struct profile *profile;
	long at = 0;
	open_view();
	fixture_need(profile_parse(profile_text, strlen(profile_text), &view->catalog, &profile,
				   &fault), &fault, "profile");
	while (preview_attempt(at, false, profile))
		at++;
	for (long i = 0; i < at; i++)
		ck_assert(preview_attempt(i, true, profile));
	printf("%ld allocations failed\n", at);
	ck_assert_int_gt(at, 20);
	profile_free(profile);
	close_view();
}
END_TEST

/* --- the order of expiry, made and swept by ------------------------------------------------- */

#define DUE_KEYS 1200

/* Some dues that many keys have, some that few have. */
static enum status
put_dues(struct segment_build *build, struct fault *fault)
{
	struct claim claim = {.scope = SCOPE_EXACT};
	uint8_t digest[20] = {0};
	enum status status = segment_build_source(build, "a", 1, &claim.source, fault);
	for (uint32_t i = 0; status == STATUS_OK && i < DUE_KEYS; i++) {
		struct key key;
		uint32_t list;
		be32_put(digest, i * 2654435761u);
		key_set_digest(&key, KIND_SHA1, digest);
		claim.expires = i % 2 ? 1000 : 2000 + i % 300;
		status = segment_build_claims(build, &claim, 1, &list, fault);
		if (status == STATUS_OK)
			status = segment_build_put(build, &key, list, fault);
	}
	return status;
}

static enum status
write_dues(struct fault *fault)
{
	struct hash_seed seed = {{1, 2}};
	struct segment_build *build;
	struct file_out *out;
	uint8_t sha256[32];
	enum status status = segment_build_new(seed, false, &build, fault);
	if (status != STATUS_OK)
		return status;
	status = put_dues(build, fault);
	if (status == STATUS_OK)
		status = file_out_open(feed, &out, fault);
	if (status == STATUS_OK) {
		status = segment_build_write(build, out, sha256, fault);
		if (status == STATUS_OK)
			status = file_out_commit(out, fault);
		else
			file_out_abort(out);
	}
	segment_build_free(build);
	return status;
}

static struct view due_view;

static enum status
sweep_dues(struct fault *fault)
{
	struct author *author;
	struct sweep_counts counts;
	enum status status = author_new(&due_view, 3000, &author, fault);
	if (status != STATUS_OK)
		return status;
	status = sweep_expired(&due_view, 3000, author, &counts, fault);
	if (status == STATUS_OK && counts.claims != DUE_KEYS)
		status = STATUS_COUNT;
	author_free(author);
	return status;
}

static enum status
check_dues(struct fault *fault)
{
	return segment_check(&due_view.layer[0].segment, fault);
}

/* Returns how many allocations it makes. */
static long
fail_each(enum status (*call)(struct fault *fault))
{
	long at = 0;
	for (bool struck = true; struck; at++) {
		struct fault fault = {0};
		arm(at, at % 2 != 0);
		enum status status = call(&fault);
		struck = disarm();
		ck_assert_msg(struck ? status == STATUS_NO_MEMORY : status == STATUS_OK,
			      "allocation %ld: %s", at, status_text(status));
		if (struck)
			need_fault(&fault, at);
	}
	return at - 1;
}

START_TEST(sweeping)
{
	struct fault fault = {0};
	struct file_map map;
	long written = fail_each(write_dues);
	fixture_need(file_map_open(feed, &map, &fault), &fault, feed);
	due_view.layer_count = 1;
	fixture_need(segment_attach(&due_view.layer[0].segment, map.bytes, map.length, &fault), &fault,
		     "attach");
	ck_assert_uint_gt(due_view.layer[0].segment.expiry.places_length, 100);
	long swept = fail_each(sweep_dues), checked = fail_each(check_dues);
	printf("%ld allocations failed, %ld of a sweep, %ld of a check\n", written, swept, checked);
	ck_assert(written > 30 && swept > 10 && checked > 5);
	file_map_close(&map);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("oom");
	TCase *cases = tcase_create("all");
	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_add_test(cases, import_once);
	tcase_add_test(cases, import_for_ever);
	tcase_add_test(cases, reading);
	tcase_add_test(cases, judging);
	tcase_add_test(cases, previewing);
	tcase_add_test(cases, sweeping);
	tcase_set_timeout(cases, 240);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
