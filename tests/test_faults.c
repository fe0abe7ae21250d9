/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call that touches a file fails once, and then with all after it, from
 * import to look-up: an error that says so, the old state as it was, nothing
 * left open; short counts are no error. The next import works and leaves no
 * temporaries. An error may come after publication, where the record cannot be
 * cut away or the new journal's folder cannot be synced (store.h).
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/ingest.h"
#include "tests/extra_faults.h"
#include "tests/fixture.h"
#include "tests/scratch.h"

#define NOW 1767225600ull

static char *path, *feed;
static long number;

static void
write_feed(void)
{
	FILE *file = fopen(feed, "we");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "it-%ld.example\n192.0.2.1\nhttp://a.example/b\n", ++number);
	for (int i = 0; i < 400; i++)
		fprintf(file, "n%d-%ld.example\n", i, number);
	ck_assert_int_eq(fclose(file), 0);
}

static enum status
import(struct fault *fault)
{
	static const struct hash_seed seed = {{1, 2}};
	struct ingest_options options = {
		.source = "a", .kind = KIND_ANY, .mirror = true, .max_rejects = INGEST_NO_LIMIT,
		.max_rejects_percent = 101, .max_shrink_percent = 101, .seed = &seed,
	};
	struct ingest_result result;
	struct ingest *ingest;
	enum status status = ingest_new(path, &options, NOW, &ingest, fault);
	if (status != STATUS_OK)
		return status;
	status = ingest_file(ingest, feed, fault);
	if (status == STATUS_OK)
		status = ingest_commit(ingest, &result, fault);
	ingest_free(ingest);
	return status;
}

/* A reader that was there before looks at every moment of it. */
static void
look(void *context)
{
	struct fault fault = {0};
	bool changed;
	if (context != NULL)
		fixture_need(store_refresh(context, &changed, &fault), &fault, "refresh meanwhile");
}

/* And has in the end what one has who comes new. */
static void
need_same(struct store *reader, const char *state)
{
	struct fault fault = {0};
	bool changed;
	if (reader == NULL)
		return;
	fixture_need(store_refresh(reader, &changed, &fault), &fault, "refresh");
	struct view *view = store_view_take(reader);
	char *text = scratch_claims(view);
	ck_assert_msg(strcmp(text, state) == 0, "the reader of before has another state");
	free(text);
	view_drop(view);
	store_close(reader);
}

static struct store *
open_reader(void)
{
	struct store *reader = NULL;
	(void)store_open(path, &reader, NULL);
	return reader;
}

/* Calls that a transaction cannot do without: if one failed, it was no success. */
static bool
is_needed(const char *call)
{
	static const char *const needed[] = {"write", "pwrite", "fsync", "fdatasync", "sync_file_range", "rename", "flock",
					     "mkdir"};
	for (size_t i = 0; call != NULL && i < sizeof(needed) / sizeof(needed[0]); i++)
		if (strcmp(call, needed[i]) == 0)
			return true;
	return false;
}

static void
arm(long at, int error, bool for_ever, struct store *reader)
{
	struct faults_plan plan = {.what = FAULTS_FILES, .at = at, .error = error,
				   .span = for_ever ? FAULTS_ALL : FAULTS_ONCE,
				   .watch = look, .context = reader};
	faults_arm(&plan);
}

static bool
attempt(long at, int error, bool for_ever, char **state)
{
	struct fault fault = {0};
	struct store *reader = open_reader();
	write_feed();
	unsigned descriptors = scratch_descriptors();
	faults_disk_begin();
	arm(at, error, for_ever, reader);
	enum status status = import(&fault);
	struct faults_report report = faults_disarm();
	faults_disk_end();
	const char *struck = report.struck;
	ck_assert_uint_eq(scratch_descriptors(), descriptors);
	char *now = scratch_state(path);
	bool same = strcmp(now, *state) == 0;
	/* an error when a record was written and could not be cut, or a new journal had its name */
	bool doubtful = status == STATUS_IO && !same &&
			(report.stage == FAULTS_UNCUT || report.stage == FAULTS_NAMED);
	ck_assert_msg((status == STATUS_OK ? !same : same) || doubtful,
		      "call %ld (%s, error %d): %s (%s: %s), and the state is %s", at, struck, error,
		      status_text(status), fault.where, fault.text, same ? "old" : "new");
	ck_assert_msg(status != STATUS_OK || error == FAULTS_SHORT || !is_needed(struck),
		      "call %ld: %s failed and nobody noticed", at, struck);
	ck_assert_msg(status == STATUS_OK || fault.text[0] != '\0', "call %ld: no reason", at);
	need_same(reader, now);
	ck_assert_uint_eq(scratch_mappings(path), 0);
	free(*state);
	*state = now;
	return struck != NULL;
}

/* Without faults: so each attempt begins with a store of which nothing is in doubt, and makes the same calls. */
static void
settle(char **state)
{
	struct fault fault = {0};
	write_feed();
	fixture_need(import(&fault), &fault, "import");
	free(*state);
	*state = scratch_state(path);
}

static void
all_attempts(int error, bool for_ever)
{
	char *state = strdup("");
	long at = 0;
	while (attempt(at, error, for_ever, &state)) {
		if (++at % 16 == 0) { /* a journal of many records takes many reads */
			scratch_remove(path);
			path = scratch_new("faults");
		}
		settle(&state);
	}
	printf("%ld calls failed: error %d%s\n", at, error, for_ever ? ", and all after them" : "");
	ck_assert_int_gt(at, 5);
	ck_assert_uint_eq(scratch_files(path, ".tmp"), 0);
	free(state);
}

static void
set_up(void)
{
	path = scratch_new("faults");
	feed = fixture_path("faults-feed");
}

static void
tear_down(void)
{
	unlink(feed);
	free(feed);
	scratch_remove(path);
}

static const struct { int error; bool for_ever; } rows[] = {
	{EIO, false}, {EIO, true}, {ENOSPC, false}, {ENOSPC, true}, {EMFILE, true}, {EACCES, false},
	{FAULTS_SHORT, false}, {FAULTS_SHORT, true},
};

START_TEST(import_with_failing_files)
{
	all_attempts(rows[_i].error, rows[_i].for_ever);
}
END_TEST

START_TEST(reading_with_failing_files)
{
	struct fault fault = {0};
	const char *struck = "";
	write_feed();
	fixture_need(import(&fault), &fault, "import");
	for (long at = 0; struck != NULL; at++) {
		struct store *store = NULL;
		bool changed;
		unsigned descriptors = scratch_descriptors();
		fault = (struct fault){0};
		arm(at, EIO, at % 2 == 1, NULL);
		enum status status = store_open(path, &store, &fault);
		if (status == STATUS_OK)
			status = store_refresh(store, &changed, &fault);
		struck = faults_disarm().struck;
		ck_assert_msg(status == STATUS_OK || (struck != NULL && status == STATUS_IO), "%s: %s",
			      fault.where, fault.text);
		store_close(store);
		ck_assert_uint_eq(scratch_descriptors(), descriptors);
		ck_assert_uint_eq(scratch_mappings(path), 0);
	}
}
END_TEST

/* A record that cannot be read is not one that is not there: the generation before it is no answer. */
START_TEST(no_older_answer)
{
	struct fault fault = {0};
	const char *struck = "";
	for (int i = 0; i < 4; i++) {
		write_feed();
		fixture_need(import(&fault), &fault, "import");
	}
	char *wanted = scratch_state(path);
	for (long turn = 0, at = 0; struck != NULL; at = ++turn / 2) {
		struct store *store = NULL;
		arm(at, EIO, turn % 2 == 1, NULL);
		enum status status = store_open(path, &store, NULL);
		struck = faults_disarm().struck;
		if (status == STATUS_OK) {
			struct view *view = store_view_take(store);
			char *got = scratch_claims(view);
			ck_assert_msg(strcmp(got, wanted) == 0, "call %ld (%s) gave an older state", at, struck);
			free(got);
			view_drop(view);
		}
		store_close(store);
	}
	free(wanted);
}
END_TEST

/* Who only reads does not take for durable what was written and never synced. */
static void
need_unsettled(long at, struct faults_report report)
{
	struct store *reader = open_reader();
	bool loose = report.stage != FAULTS_UNTOUCHED && report.stage != FAULTS_KEPT;
	ck_assert_msg(!loose || reader == NULL || !store_settled(reader),
		      "call %ld (%s): a state that is not on the disk is settled", at, report.struck);
	store_close(reader);
}

/* The same list again, after what failed and could not even be taken back, is acknowledged only when all of it is
 * on the disk; and so is a list that says nothing new. */
START_TEST(done_again_is_durable)
{
	struct fault fault = {0};
	const char *struck = "";
	for (long at = 0; struck != NULL; at++) {
		write_feed();
		faults_disk_begin();
		arm(at, ENOSPC, true, NULL); /* what only reads does not give that, and grows with the journal */
		(void)import(&fault);
		struct faults_report report = faults_disarm();
		struck = report.struck;
		need_unsettled(at, report);
		fixture_need(import(&fault), &fault, "import");
		ck_assert_msg(faults_disk_loose() == NULL, "call %ld (%s): %s is not on the disk", at, struck,
			      faults_disk_loose());
		faults_disk_end();
	}
}
END_TEST

/* A large file is written to the disk while it is made; what fails then no later sync says again. */
START_TEST(a_large_file_with_failing_files)
{
	static uint8_t bytes[FILE_HUGE_BYTES];
	enum { PARTS = 5 * (FILE_SETTLE_BYTES / FILE_HUGE_BYTES) / 2 };
	bool ranges = false;
	const char *struck = "";
	for (long at = 0; struck != NULL; at++) {
		struct fault fault = {0};
		struct file_out *out;
		unsigned descriptors = scratch_descriptors();
		fixture_need(file_out_open(feed, &out, &fault), &fault, "output");
		arm(at, EIO, false, NULL);
		enum status status = STATUS_OK;
		for (int i = 0; status == STATUS_OK && i < PARTS; i++)
			status = file_out_write(out, bytes, sizeof(bytes), &fault);
		if (status == STATUS_OK)
			status = file_out_commit(out, &fault);
		else
			file_out_abort(out);
		struck = faults_disarm().struck;
		ck_assert_msg(status == (is_needed(struck) ? STATUS_IO : STATUS_OK) ||
				      (status == STATUS_IO && struck != NULL),
			      "call %ld (%s): %s", at, struck, fault.text);
		ck_assert_int_eq(status != STATUS_OK, fault.text[0] != '\0');
		ck_assert_uint_eq(scratch_descriptors(), descriptors);
		ranges |= struck != NULL && strcmp(struck, "sync_file_range") == 0;
	}
	ck_assert(ranges);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("faults");
	TCase *cases = tcase_create("all");
	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_add_loop_test(cases, import_with_failing_files, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(cases, reading_with_failing_files);
	tcase_add_test(cases, no_older_answer);
	tcase_add_test(cases, done_again_is_durable);
	tcase_add_test(cases, a_large_file_with_failing_files);
	tcase_set_timeout(cases, 240);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
