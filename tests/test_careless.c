/* SPDX-License-Identifier: Apache-2.0 */
/* What the public library and the store say when files are cut, written over, removed or put back. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/clock.h"
#include "query/repute.h"
#include "tests/fixture.h"
#include "tests/leaseless.h"
#include "tests/scratch.h"

#define NOW 1767225600ull
#define NAMES 400

static char *store, segment[1024], journal[1024], counter[1024];
static struct repute_db *db;
static struct repute_view *view;
static struct repute_key key;
static bool leases;

/* The coarse clock goes ahead of time by so much, and by so much more whenever it is asked. */
static uint64_t ahead_ms, ahead_step_ms;

#if defined(__USE_TIME_BITS64) && defined(SYS_clock_gettime64) /* words of 32 bits, times of 64 */
#define SYS_CLOCK SYS_clock_gettime64
#else
#define SYS_CLOCK SYS_clock_gettime
#endif

int
clock_gettime(clockid_t which, struct timespec *time)
{
	int failed = (int)syscall(SYS_CLOCK, which, time);
	if (which == CLOCK_MONOTONIC_COARSE) {
		ahead_ms += ahead_step_ms;
		time->tv_sec += (time_t)(ahead_ms / 1000);
		time->tv_nsec += (long)(ahead_ms % 1000) * 1000000;
	}
	return failed;
}

static const char profile_text[] =
	"[profile]\nname = p\n[action \"b\"]\nflow = block\n"
	"[filter \"ones\"]\naction = b\nkinds = domain\nwhere = \"List Count\" = 1\n";

static void
put(struct scratch_write *change, const char *text, unsigned number)
{
	struct key *entry = scratch_key(text, 0);
	char value[16];
	snprintf(value, sizeof(value), "%u", number);
	scratch_put_tag(change, "feed", entry, "List Count", value, 0, 0);
	free(entry);
}

/* Names with a tag by their number; the base is written with the first transaction. */
static void
publish(unsigned first, unsigned count)
{
	struct scratch_write change;
	char text[64];
	scratch_begin(&change, store, NOW);
	for (unsigned i = first; i < first + count; i++) {
		snprintf(text, sizeof(text), "name%u.example", i);
		put(&change, text, 2 - i % 2);
	}
	scratch_commit(&change, false);
}

static void
setup(void)
{
	leaseless = false;
	store = scratch_new("careless");
	publish(0, NAMES);
	snprintf(segment, sizeof(segment), "%s/segment-1.rps", store);
	snprintf(journal, sizeof(journal), "%s/JOURNAL", store);
	snprintf(counter, sizeof(counter), "%s/GENERATION", store);
	leases = leases_here(segment);
	ck_assert_int_eq(repute_key_text(REPUTE_DOMAIN, "name7.example", 13, &key), REPUTE_OK);
}

static void
teardown(void)
{
	if (view != NULL)
		repute_view_drop(view);
	repute_close(db);
	view = NULL;
	db = NULL;
	scratch_remove(store);
}

static void
begin(uint64_t flags)
{
	struct repute_options options = {.size = sizeof(options), .flags = flags};
	struct repute_fault fault = {0};
	ck_assert_msg(repute_open(store, &options, &db, &fault) == REPUTE_OK, "%s", fault.text);
	view = repute_view_take(db);
}

static void
retake(void)
{
	repute_view_drop(view);
	view = repute_view_take(db);
}

static uint64_t
generation(void)
{
	struct repute_view_info info;
	repute_view_info(view, &info);
	return info.generation;
}

static bool
listed(unsigned number)
{
	struct repute_key asked;
	struct repute_hit hit;
	char text[64];
	snprintf(text, sizeof(text), "name%u.example", number);
	ck_assert_int_eq(repute_key_text(REPUTE_DOMAIN, text, strlen(text), &asked), REPUTE_OK);
	ck_assert_int_eq(repute_find(view, &asked, NOW, &hit), REPUTE_OK);
	return hit.found;
}

/* Refresh until something changes, or it fails; REPUTE_OK and false after so many seconds. */
static enum repute_status
refresh(double seconds, bool *changed, struct repute_fault *fault)
{
	double until = clock_elapsed() + seconds;
	enum repute_status status;
	do {
		memset(fault, 0, sizeof(*fault));
		status = repute_refresh(db, changed, fault);
		if (status != REPUTE_OK || *changed)
			return status;
		scratch_pause(5);
	} while (clock_elapsed() < until);
	return status;
}

static void
expect_change(void)
{
	struct repute_fault fault;
	bool changed = false;
	ck_assert_msg(refresh(20, &changed, &fault) == REPUTE_OK, "%s: %s", fault.where, fault.text);
	ck_assert(changed);
	retake();
}

/* --- options ------------------------------------------------------------------------------------ */

START_TEST(unknown_options_are_refused)
{
	struct {
		struct repute_options known;
		uint64_t more;
	} options = {.known = {.size = sizeof(options)}};
	ck_assert_int_eq(repute_open(store, &options.known, &db, NULL), REPUTE_OK);
	repute_close(db);
	db = NULL;
	options.more = 1;
	ck_assert_int_eq(repute_open(store, &options.known, &db, NULL), REPUTE_USAGE);
	/* that of an older application ends before the flags, whatever stands there */
	options.known.size = offsetof(struct repute_options, flags);
	options.known.flags = UINT64_MAX;
	ck_assert_int_eq(repute_open(store, &options.known, &db, NULL), REPUTE_OK);
	repute_close(db);
	db = NULL;
	options.known.size = sizeof(options.known);
	ck_assert_int_eq(repute_open(store, &options.known, &db, NULL), REPUTE_USAGE);
	options.known.flags = 4;
	ck_assert_int_eq(repute_open(store, &options.known, &db, NULL), REPUTE_USAGE);
	ck_assert_ptr_null(db);
}
END_TEST

START_TEST(the_guard_is_an_option)
{
	struct sigaction before, after;
	signal(SIGBUS, SIG_DFL);
	sigaction(SIGBUS, NULL, &before);
	begin(REPUTE_OPEN_NO_GUARD);
	sigaction(SIGBUS, NULL, &after);
	ck_assert(before.sa_handler == after.sa_handler);
	ck_assert_uint_eq(scratch_mappings("GENERATION"), 0);
	/* a new generation is seen at once all the same */
	struct repute_fault fault;
	bool changed;
	publish(NAMES, 1);
	ck_assert_int_eq(repute_refresh(db, &changed, &fault), REPUTE_OK);
	ck_assert(changed);
	retake();
	ck_assert(listed(NAMES));
	repute_view_drop(view);
	repute_close(db);
	begin(0);
	sigaction(SIGBUS, NULL, &after);
	ck_assert(before.sa_handler != after.sa_handler);
	ck_assert_uint_ne(scratch_mappings("GENERATION"), 0);
}
END_TEST

START_TEST(sealed_layers_need_no_files)
{
	begin(REPUTE_OPEN_SEALED);
	ck_assert_uint_eq(scratch_mappings("segment-1.rps"), 0);
	ck_assert_int_eq(truncate(segment, 0), 0);
	scratch_pause(150);
	bool changed;
	ck_assert_int_eq(repute_refresh(db, &changed, NULL), REPUTE_OK);
	ck_assert(!changed && listed(7) && !listed(NAMES));
	ck_assert_int_eq(repute_view_status(view), REPUTE_OK);
}
END_TEST

/* --- could not tell ---------------------------------------------------------------------------- */

static void
finds_fail(void)
{
	uint32_t address = 0x01020304;
	uint8_t bytes[32] = {1};
	struct repute_hit hit = {.found = true}, hits[3] = {{.found = true}, {.found = true}};
	struct repute_key keys[2] = {key, key};
	ck_assert_int_eq(repute_find(view, &key, NOW, &hit), REPUTE_CORRUPT);
	ck_assert(!hit.found);
	ck_assert_uint_eq(repute_find_all(view, &key, NOW, hits, 2), REPUTE_UNKNOWN);
	ck_assert(!hits[0].found && !hits[1].found);
	hits[0].found = hits[1].found = true;
	ck_assert_int_eq(repute_find_many(view, keys, 2, NOW, hits), REPUTE_CORRUPT);
	ck_assert(!hits[0].found && !hits[1].found);
	hit.found = true;
	ck_assert_int_eq(repute_find_ipv4(view, address, NOW, &hit), REPUTE_CORRUPT);
	ck_assert_int_eq(repute_find_ipv6(view, bytes, NOW, &hit), REPUTE_CORRUPT);
	ck_assert_int_eq(repute_find_sha1(view, bytes, NOW, &hit), REPUTE_CORRUPT);
	ck_assert_int_eq(repute_find_sha256(view, bytes, NOW, &hit), REPUTE_CORRUPT);
	ck_assert(!hit.found);
	ck_assert_int_eq(repute_find_ipv4_many(view, &address, 1, NOW, &hit), REPUTE_CORRUPT);
	ck_assert_int_eq(repute_find_ipv6_many(view, (const uint8_t (*)[16])bytes, 1, NOW, &hit), REPUTE_CORRUPT);
	ck_assert_int_eq(repute_find_sha1_many(view, (const uint8_t (*)[20])bytes, 1, NOW, &hit), REPUTE_CORRUPT);
	ck_assert_int_eq(repute_find_sha256_many(view, (const uint8_t (*)[32])bytes, 1, NOW, &hit), REPUTE_CORRUPT);
	ck_assert_int_eq(repute_view_status(view), REPUTE_CORRUPT);
}

/* What is read of a hit that was found before. */
static void
hits_fail(const struct repute_hit *hit)
{
	struct repute_key found;
	struct repute_tag tag;
	uint32_t category;
	ck_assert_uint_eq(repute_hit_tags(view, hit, &tag, 1), REPUTE_UNKNOWN);
	ck_assert(repute_category_id(view, "List Count", 10, &category));
	ck_assert(!repute_hit_tag(view, hit, category, 0, &tag));
	ck_assert_int_eq(repute_hit_key(view, hit, &found), REPUTE_CORRUPT);
	/* the source is memory of our own */
	ck_assert(hit->source_length == 4 && memcmp(hit->source, "feed", 4) == 0);
}

static void
judgement_fails(const struct repute_profile *profile)
{
	struct repute_verdict verdicts[2];
	struct repute_key keys[2] = {key, key};
	uint32_t addresses[2] = {1, 2};
	struct repute_fault fault = {0};
	struct repute_profile *other;
	ck_assert_int_eq(repute_judge(profile, &key, NOW, &verdicts[0]), REPUTE_CORRUPT);
	ck_assert_int_eq(verdicts[0].outcome, REPUTE_VERDICT_ERROR);
	memset(verdicts, 0, sizeof(verdicts));
	ck_assert_int_eq(repute_judge_many(profile, keys, 2, NOW, verdicts), REPUTE_CORRUPT);
	ck_assert(verdicts[0].outcome == REPUTE_VERDICT_ERROR && verdicts[1].outcome == REPUTE_VERDICT_ERROR);
	memset(verdicts, 0, sizeof(verdicts));
	ck_assert_int_eq(repute_judge_ipv4_many(profile, addresses, 2, NOW, verdicts), REPUTE_CORRUPT);
	ck_assert(verdicts[0].outcome == REPUTE_VERDICT_ERROR && verdicts[1].outcome == REPUTE_VERDICT_ERROR);
	ck_assert_int_eq(repute_profile_load(view, profile_text, strlen(profile_text), &other, &fault),
			 REPUTE_CORRUPT);
	ck_assert(strstr(fault.text, "cut") != NULL);
}

/* Cut (0), or written over and only then seen (1). */
START_TEST(could_not_tell_is_an_error_everywhere)
{
	struct repute_hit hit;
	struct repute_profile *profile;
	struct repute_fault fault;
	size_t length;
	uint8_t *content = scratch_read(segment, &length);
	bool changed;
	leaseless = true;
	begin(0);
	ck_assert_int_eq(repute_find(view, &key, NOW, &hit), REPUTE_OK);
	ck_assert(hit.found);
	ck_assert_int_eq(repute_profile_load(view, profile_text, strlen(profile_text), &profile, &fault),
			 REPUTE_OK);
	if (_i == 0) {
		ck_assert_int_eq(truncate(segment, 4096), 0);
		finds_fail();
	} else {
		uint8_t *garbage = malloc(length);
		memset(garbage, 0x5a, length);
		scratch_write(segment, garbage, length);
		free(garbage);
		/* the window: until somebody looks nobody knows */
		ck_assert_int_eq(refresh(20, &changed, &fault), REPUTE_CORRUPT);
		finds_fail();
	}
	hits_fail(&hit);
	judgement_fails(profile);
	ck_assert_int_ne(refresh(20, &changed, &fault), REPUTE_OK);
	ck_assert_msg(strstr(fault.where, "segment-1.rps") != NULL, "%s", fault.where);
	finds_fail();
	/* and good again: the old view is not, the new one is */
	scratch_write(segment, content, length);
	while (refresh(20, &changed, &fault) != REPUTE_OK)
		scratch_pause(5);
	ck_assert(changed);
	finds_fail();
	retake();
	ck_assert(listed(7) && !listed(NAMES) && generation() == 1);
	repute_profile_free(profile);
	free(content);
}
END_TEST

/* A judge that was compiled from what is damaged now must not lend its tables to the next. */
START_TEST(tables_of_a_damaged_view_are_not_taken_over)
{
	struct repute_fault fault = {0};
	struct repute_profile *before, *after;
	struct repute_verdict verdict;
	size_t length, start = 0;
	uint8_t *content = scratch_read(segment, &length);
	bool changed;
	uint8_t *damaged = malloc(length);
	memcpy(damaged, content, length);
	/* a set of tags: one value of one byte, 1, becomes 7, and no filter takes it */
	for (size_t i = 0; i + 13 < length; i++)
		if (memcmp(damaged + i, "List Count\001\0011", 13) == 0)
			damaged[(start = i) + 12] = '7';
	ck_assert_uint_ne(start, 0);
	leaseless = true;
	begin(0);
	int fd = open(segment, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, damaged, length, 0), length);
	ck_assert_int_eq(repute_profile_load(view, profile_text, strlen(profile_text), &before, &fault),
			 REPUTE_OK);
	ck_assert_int_eq(refresh(20, &changed, &fault), REPUTE_CORRUPT);
	ck_assert_int_eq(pwrite(fd, content, length, 0), length);
	close(fd);
	while (refresh(20, &changed, &fault) != REPUTE_OK)
		scratch_pause(5);
	retake();
	struct scratch_write change;
	scratch_begin(&change, store, NOW);
	struct catalog *catalog = store_write_catalog(change.write);
	fixture_need(catalog_profile_put(catalog, "p", 1, profile_text, strlen(profile_text), NOW, NULL),
		     NULL, "profile");
	store_write_touch(change.write);
	scratch_commit(&change, false);
	expect_change();
	ck_assert_int_eq(repute_profile_load_named(view, "p", before, &after, &fault), REPUTE_OK);
	ck_assert_int_eq(repute_judge(after, &key, NOW, &verdict), REPUTE_OK);
	ck_assert_int_eq(verdict.outcome, REPUTE_VERDICT_BLOCK);
	repute_profile_free(before);
	repute_profile_free(after);
	free(content);
	free(damaged);
}
END_TEST

/* --- under a lease ------------------------------------------------------------------------------ */

START_TEST(a_lease_makes_the_operator_wait_and_the_reader_move)
{
	int status;
	if (!leases)
		return;
	begin(0);
	struct repute_view *pinned = repute_view_take(db);
	pid_t child = fork();
	if (child == 0)
		_exit(truncate(segment, 0) != 0);
	expect_change();
	ck_assert(generation() == 1 && listed(7));
	/* the pinned view has the file, and is right, as long as it is there */
	struct repute_hit hit;
	ck_assert_int_eq(repute_find(pinned, &key, NOW, &hit), REPUTE_OK);
	ck_assert(hit.found && waitpid(child, &status, WNOHANG) == 0);
	repute_view_drop(pinned);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert(listed(7) && repute_view_status(view) == REPUTE_OK);
}
END_TEST

/* Everything goes at once: the copy is adopted, and then it is told that the journal is gone. */
START_TEST(the_copy_needs_no_journal)
{
	struct repute_fault fault;
	bool changed = false;
	if (!leases)
		return;
	begin(0);
	pid_t child = fork();
	if (child == 0)
		_exit(truncate(journal, 0) != 0 || truncate(segment, 0) != 0);
	double until = clock_elapsed() + 20;
	while (!changed && clock_elapsed() < until)
		(void)refresh(1, &changed, &fault);
	ck_assert(changed);
	retake();
	waitpid(child, NULL, 0);
	ck_assert(listed(7) && generation() == 1);
	ck_assert_int_eq(refresh(20, &changed, &fault), REPUTE_CORRUPT);
	ck_assert(listed(7));
}
END_TEST

/* --- counter and journal --------------------------------------------------------------------------- */

START_TEST(a_counter_may_be_anything)
{
	char other[1100];
	struct repute_fault fault;
	bool changed;
	begin(0);
	snprintf(other, sizeof(other), "%s.other", counter);
	for (unsigned way = 0; way < 6; way++) {
		if (way == 0)
			ck_assert_int_eq(truncate(counter, 0), 0);
		else if (way == 1)
			ck_assert_int_eq(unlink(counter), 0);
		else if (way == 2)
			ck_assert_int_eq(rename(counter, other), 0);
		else if (way == 3)
			scratch_write(counter, "garbage that is no counter", 26);
		else if (way == 4)
			ck_assert(unlink(counter) == 0 && mkdir(counter, 0755) == 0);
		ck_assert_int_eq(refresh(0.3, &changed, &fault), REPUTE_OK);
		ck_assert(listed(7));
		if (way == 4)
			rmdir(counter);
		publish(NAMES + way, 1);
		expect_change();
		ck_assert(listed(NAMES + way) && !listed(NAMES + way + 1));
	}
	ck_assert_int_eq(repute_view_status(view), REPUTE_OK);
	unlink(other);
}
END_TEST

/* The journal is cut, or an older copy of it put there: what is known goes on answering, and it is told. */
START_TEST(a_reader_does_not_go_back)
{
	struct repute_fault fault;
	size_t length, newer_length;
	bool changed;
	uint8_t *older = scratch_read(journal, &length);
	publish(NAMES, 1);
	uint8_t *newer = scratch_read(journal, &newer_length);
	begin(0);
	ck_assert_uint_eq(generation(), 2);
	for (int way = 0; way < 3; way++) {
		if (way == 0)
			scratch_write(journal, older, length);
		else if (way == 1)
			ck_assert_int_eq(truncate(journal, (off_t)newer_length - 1), 0);
		else
			ck_assert_int_eq(truncate(journal, 0), 0);
		ck_assert_int_eq(refresh(20, &changed, &fault), REPUTE_CORRUPT);
		ck_assert(strstr(fault.where, "JOURNAL") != NULL && !changed && listed(NAMES));
		scratch_write(journal, newer, newer_length);
		while (refresh(0.2, &changed, &fault) != REPUTE_OK)
			scratch_pause(5);
		ck_assert(!changed);
	}
	free(older);
	free(newer);
}
END_TEST

/* A whole copy put back, the counter too, is what somebody wants: believed when it stays. */
START_TEST(a_backup_is_followed)
{
	size_t length, counter_length;
	struct repute_fault fault;
	bool changed;
	uint8_t *older = scratch_read(journal, &length), *counted = scratch_read(counter, &counter_length);
	publish(NAMES, 1);
	begin(0);
	scratch_write(journal, older, length);
	int fd = open(counter, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, counted, counter_length, 0), counter_length);
	close(fd);
	ck_assert_int_eq(refresh(1, &changed, &fault), REPUTE_OK);
	ck_assert(!changed && listed(NAMES));
	expect_change();
	ck_assert(generation() == 1 && !listed(NAMES));
	free(older);
	free(counted);
}
END_TEST

/* That a load took long puts off the next load, not the looks: damage is seen as soon as ever. */
START_TEST(a_slow_load_puts_off_no_look)
{
	struct repute_fault fault;
	struct stat info;
	bool changed;
	uint8_t byte = 0x5a;
	leaseless = true;
	publish(NAMES, 1);
	begin(0);
	ck_assert_int_eq(stat(journal, &info), 0);
	ck_assert_int_eq(truncate(journal, info.st_size - 1), 0);
	ahead_step_ms = 50;
	ck_assert_int_eq(refresh(1, &changed, &fault), REPUTE_CORRUPT);
	ahead_step_ms = 0;
	ck_assert_int_eq(repute_view_status(view), REPUTE_OK);
	int fd = open(segment, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, &byte, 1, 9000), 1);
	close(fd);
	ahead_ms += 110;
	(void)repute_refresh(db, &changed, NULL);
	ck_assert_int_eq(repute_view_status(view), REPUTE_CORRUPT);
}
END_TEST

/* --- writers -------------------------------------------------------------------------------------- */

/* Who folds what was written over meanwhile must not publish it. */
START_TEST(what_was_changed_is_not_published)
{
	struct scratch_write change;
	struct fault fault = {0};
	uint64_t published;
	uint8_t byte = 0x5a;
	leaseless = true;
	scratch_begin(&change, store, NOW);
	struct key *entry = scratch_key("other.example", 0);
	scratch_put(&change, "feed", entry, NULL, 0, 0);
	free(entry);
	int fd = open(segment, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, &byte, 1, 9000), 1);
	close(fd);
	fixture_need(author_finish(change.author, store_write_build(change.write), &change.counts, &fault),
		     &fault, "finish");
	author_free(change.author);
	ck_assert_int_eq(store_write_commit(change.write, NOW, true, &published, &fault), STATUS_CORRUPT);
	ck_assert(strstr(fault.text, "changed while") != NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("careless");
	TCase *tests = tcase_create("careless");
	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, unknown_options_are_refused);
	tcase_add_test(tests, the_guard_is_an_option);
	tcase_add_test(tests, sealed_layers_need_no_files);
	tcase_add_loop_test(tests, could_not_tell_is_an_error_everywhere, 0, 2);
	tcase_add_test(tests, tables_of_a_damaged_view_are_not_taken_over);
	tcase_add_test(tests, a_lease_makes_the_operator_wait_and_the_reader_move);
	tcase_add_test(tests, the_copy_needs_no_journal);
	tcase_add_test(tests, a_counter_may_be_anything);
	tcase_add_test(tests, a_reader_does_not_go_back);
	tcase_add_test(tests, a_backup_is_followed);
	tcase_add_test(tests, a_slow_load_puts_off_no_look);
	tcase_add_test(tests, what_was_changed_is_not_published);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
