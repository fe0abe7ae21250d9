/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: readers in threads and processes while generations are published,
 * one writer at a time, layers and their folding, killed writers, damage.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/store_state.h"
#include "tests/fixture.h"
#include "tests/scratch.h"

#define NOW 1767225600ull
#define WINDOW 5 /* keys that each generation of `publish` shows */
#define GENERATIONS 200

static char *path;
static struct scratch_write change;
static struct fault fault;

static void
set_up(void)
{
	path = scratch_new("store");
}

static void
tear_down(void)
{
	scratch_remove(path);
}

static void
text_of(uint64_t number, char text[64])
{
	snprintf(text, 64, "k%" PRIu64 ".example", number);
}

static void
put_number(uint64_t number)
{
	char text[64];
	text_of(number, text);
	struct key *key = scratch_key(text, 0);
	scratch_put(&change, "a", key, NULL, 0, NOW + 100);
	free(key);
}

static void
take_number(uint64_t number)
{
	char text[64];
	text_of(number, text);
	struct key *key = scratch_key(text, 0);
	scratch_take_back(&change, "a", key, 0);
	free(key);
}

/* Generation g shows the keys g-4 .. g, and says in `published` that it is g. */
static void
publish(uint64_t generation)
{
	scratch_begin(&change, path, NOW + generation);
	put_number(generation);
	if (generation > WINDOW)
		take_number(generation - WINDOW);
	scratch_commit(&change, false);
	ck_assert_uint_eq(change.generation, generation);
}

/* NULL, or what is wrong with this generation. */
static const char *
judge(const struct view *view)
{
	struct view_cursor cursor = {0};
	struct key key;
	uint32_t layer, id;
	uint64_t seen = 0, least = view->generation > WINDOW ? view->generation - WINDOW : 0;
	while (view_next(view, &cursor, &key, &layer, &id)) {
		uint64_t number;
		char text[64];
		snprintf(text, sizeof(text), "%.*s", (int)key.length, key_text(&key));
		if (sscanf(text, "k%" SCNu64, &number) != 1 || number <= least ||
		    number > view->generation)
			return "a key of another generation";
		seen++;
	}
	if (seen != view->generation - least)
		return "keys are missing";
	return view->published == NOW + view->generation ? NULL : "another manifest";
}

/* --- readers ---------------------------------------------------------------------------- */

/* Follow until the last generation; NULL or what went wrong. */
static const char *
follow(uint64_t *views)
{
	struct store *store;
	struct fault own = {0};
	uint64_t before = 0;
	const char *wrong = NULL;
	bool changed;
	while (store_open(path, &store, &own) == STATUS_MISSING)
		usleep(1000);
	while (wrong == NULL && before < GENERATIONS) {
		if (store_refresh(store, &changed, &own) != STATUS_OK)
			return strdup(own.text);
		struct view *view = store_view_take(store);
		wrong = view->generation < before ? "an older generation" : judge(view);
		if (changed != (view->generation > before) && before != 0)
			wrong = "changed without news, or news without changed";
		before = view->generation;
		view_drop(view);
		++*views;
	}
	store_close(store);
	return wrong;
}

struct reader {
	pthread_t thread;
	uint64_t views;
	const char *wrong;
};

static void *
read_in_thread(void *context)
{
	struct reader *reader = context;
	reader->wrong = follow(&reader->views);
	return NULL;
}

static pid_t
read_in_process(void)
{
	pid_t child = fork();
	uint64_t views = 0;
	if (child != 0)
		return child;
	const char *wrong = follow(&views);
	if (wrong != NULL)
		fprintf(stderr, "process: %s\n", wrong);
	_exit(wrong != NULL || views == 0);
}

START_TEST(readers_see_whole_generations)
{
	struct reader readers[2] = {0};
	pid_t children[2];
	unsigned descriptors = scratch_descriptors();
	for (int i = 0; i < 2; i++)
		children[i] = read_in_process();
	for (int i = 0; i < 2; i++)
		pthread_create(&readers[i].thread, NULL, read_in_thread, &readers[i]);
	for (uint64_t i = 1; i <= GENERATIONS; i++)
		publish(i);
	for (int i = 0; i < 2; i++) {
		int result;
		pthread_join(readers[i].thread, NULL);
		ck_assert_msg(readers[i].wrong == NULL, "thread: %s", readers[i].wrong);
		ck_assert_uint_gt(readers[i].views, 0);
		ck_assert_int_eq(waitpid(children[i], &result, 0), children[i]);
		ck_assert_int_eq(result, 0);
	}
	ck_assert_uint_eq(scratch_descriptors(), descriptors);
	ck_assert_uint_eq(scratch_mappings(path), 0);
	ck_assert_uint_eq(scratch_files(path, ".tmp"), 0);
	ck_assert_uint_lt(scratch_files(path, ".rps"), LIMIT_LAYERS);
}
END_TEST

START_TEST(a_pinned_view_stays_as_it_was)
{
	struct store *store;
	bool changed;
	publish(1);
	ck_assert_int_eq(store_open(path, &store, &fault), STATUS_OK);
	struct view *first = store_view_take(store);
	for (uint64_t i = 2; i <= 30; i++)
		publish(i);
	ck_assert_int_eq(store_refresh(store, &changed, &fault), STATUS_OK);
	ck_assert(changed);
	struct view *last = store_view_take(store);
	ck_assert_uint_eq(first->generation, 1);
	ck_assert_ptr_null(judge(first));
	ck_assert_uint_eq(last->generation, 30);
	ck_assert_ptr_null(judge(last));
	view_drop(first);
	store_close(store);
	ck_assert_ptr_null(judge(last));
	ck_assert_uint_gt(scratch_mappings(path), 0);
	view_drop(last);
	ck_assert_uint_eq(scratch_mappings(path), 0);
}
END_TEST

START_TEST(a_reader_whose_hint_is_gone_still_follows)
{
	struct store *store;
	char counter[FILE_PATH_BYTES];
	bool changed;
	publish(1);
	snprintf(counter, sizeof(counter), "%s/GENERATION", path);
	unlink(counter);
	ck_assert_int_eq(store_open(path, &store, &fault), STATUS_OK);
	publish(2);
	ck_assert_int_eq(store_refresh(store, &changed, &fault), STATUS_OK);
	ck_assert(changed);
	store_close(store);
}
END_TEST

/* While a journal is made the counter says "unknown" (N1): found twice, that is no "nothing changed". */
START_TEST(an_unknown_hint_twice_is_not_the_same)
{
	struct store *store;
	struct file_counter hint;
	char counter[FILE_PATH_BYTES];
	bool changed;
	publish(1);
	snprintf(counter, sizeof(counter), "%s/GENERATION", path);
	ck_assert_int_eq(file_counter_open(counter, true, &hint, &fault), STATUS_OK);
	ck_assert_int_eq(store_open(path, &store, &fault), STATUS_OK);
	__atomic_store_n(hint.value, STORE_COUNTER_UNKNOWN, __ATOMIC_RELEASE);
	ck_assert_int_eq(store_refresh(store, &changed, &fault), STATUS_OK);
	ck_assert(!changed);
	publish(2);
	__atomic_store_n(hint.value, STORE_COUNTER_UNKNOWN, __ATOMIC_RELEASE);
	ck_assert_int_eq(store_refresh(store, &changed, &fault), STATUS_OK);
	ck_assert(changed);
	store_close(store);
	file_counter_close(&hint);
}
END_TEST

START_TEST(an_emptied_store_fills_again)
{
	struct store *store;
	bool changed;
	for (uint64_t i = 1; i <= 4; i++) {
		scratch_begin(&change, path, NOW + 2 * i - 1);
		put_number(i);
		scratch_commit(&change, false);
		if (i == 1)
			ck_assert_int_eq(store_open(path, &store, &fault), STATUS_OK);
		scratch_begin(&change, path, NOW + 2 * i);
		take_number(i);
		scratch_commit(&change, true);
		ck_assert_int_eq(store_refresh(store, &changed, &fault), STATUS_OK);
		struct view *view = store_view_take(store);
		ck_assert_uint_eq(view->layer_count, 0);
		view_drop(view);
		ck_assert_uint_eq(scratch_files(path, ".rps"), 0);
	}
	store_close(store);
}
END_TEST

/* --- writers ---------------------------------------------------------------------------- */

START_TEST(one_writer_at_a_time)
{
	struct store_write *first, *second;
	ck_assert_int_eq(store_write_begin(path, false, NULL, &first, &fault), STATUS_OK);
	ck_assert_int_eq(store_write_begin(path, false, NULL, &second, &fault), STATUS_BUSY);
	store_write_abort(first);
	ck_assert_int_eq(store_write_begin(path, false, NULL, &first, &fault), STATUS_OK);
	store_write_abort(first);
	publish(1);
	ck_assert_int_eq(store_write_begin(path, false, NULL, &first, &fault), STATUS_OK);
	store_write_abort(first);
}
END_TEST

static bool
write_byte(int descriptor)
{
	return write(descriptor, "x", 1) == 1;
}

START_TEST(the_lock_dies_with_its_process)
{
	int pipes[2], result;
	char byte;
	struct store_write *write;
	ck_assert_int_eq(pipe(pipes), 0);
	pid_t child = fork();
	if (child == 0) {
		if (store_write_begin(path, false, NULL, &write, NULL) == STATUS_OK &&
		    write_byte(pipes[1]))
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	ck_assert_int_eq(store_write_begin(path, false, NULL, &write, &fault), STATUS_BUSY);
	kill(child, SIGKILL);
	ck_assert_int_eq(store_write_begin(path, true, NULL, &write, &fault), STATUS_OK);
	store_write_abort(write);
	waitpid(child, &result, 0);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

START_TEST(an_abort_publishes_nothing)
{
	publish(1);
	char *before = scratch_state(path);
	scratch_begin(&change, path, NOW);
	put_number(7);
	scratch_abort(&change);
	char *after = scratch_state(path);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
	ck_assert_uint_eq(scratch_files(path, ".rps"), 1);
}
END_TEST

START_TEST(nothing_said_is_nothing_published)
{
	struct store_write *write;
	uint64_t generation;
	struct source_row *row;
	publish(1);
	ck_assert_int_eq(store_write_begin(path, false, NULL, &write, &fault), STATUS_OK);
	store_write_touch(write);
	ck_assert_int_eq(store_write_commit(write, NOW, true, &generation, &fault), STATUS_OK);
	ck_assert_uint_eq(generation, 1);
	ck_assert_int_eq(store_write_begin(path, false, NULL, &write, &fault), STATUS_OK);
	ck_assert_int_eq(catalog_source_put(store_write_catalog(write), "n", 1, &row, &fault),
			 STATUS_OK);
	store_write_touch(write);
	ck_assert_int_eq(store_write_commit(write, NOW, false, &generation, &fault), STATUS_OK);
	ck_assert_uint_eq(generation, 2);
}
END_TEST

START_TEST(an_unreadable_catalogue_is_not_published)
{
	struct store_write *write;
	struct source_row *row;
	uint64_t generation;
	publish(1);
	ck_assert_int_eq(store_write_begin(path, false, NULL, &write, &fault), STATUS_OK);
	ck_assert_int_eq(catalog_source_put(store_write_catalog(write), "n", 1, &row, &fault),
			 STATUS_OK);
	free(row->description);
	row->description = strdup("a\nb");
	store_write_touch(write);
	ck_assert_int_ne(store_write_commit(write, NOW, false, &generation, &fault), STATUS_OK);
	publish(2);
}
END_TEST

START_TEST(nothing_published_is_no_store)
{
	struct store_write *write;
	struct store *store;
	ck_assert_int_eq(store_open(path, &store, &fault), STATUS_MISSING);
	ck_assert_int_eq(store_write_begin(path, false, NULL, &write, &fault), STATUS_OK);
	ck_assert_int_eq(store_open(path, &store, &fault), STATUS_MISSING);
	store_write_abort(write);
	ck_assert_int_eq(store_open(path, &store, &fault), STATUS_MISSING);
	ck_assert_uint_eq(scratch_mappings(path), 0);
	publish(1);
	ck_assert_int_eq(store_open(path, &store, &fault), STATUS_OK);
	store_close(store);
}
END_TEST

/* --- layers ----------------------------------------------------------------------------- */

static void
compare_with_scratch(void)
{
	char *other = scratch_new("scratch"), a[FILE_PATH_BYTES], b[FILE_PATH_BYTES];
	struct store *store;
	struct file_map one, two;
	char *wanted = path;
	ck_assert_int_eq(store_open(path, &store, &fault), STATUS_OK);
	struct view *view = store_view_take(store);
	ck_assert_uint_eq(view->layer_count, 1);
	snprintf(a, sizeof(a), "%s/segment-%" PRIu64 ".rps", path, view->layer[0].row.number);
	path = other;
	scratch_begin(&change, path, NOW + 1);
	for (uint64_t i = 3000; i > 0; i--) {
		if (i > 1100 && (i < 1115 || i % 7 == 0))
			continue;
		put_number(i);
	}
	scratch_commit(&change, false);
	path = wanted;
	snprintf(b, sizeof(b), "%s/segment-1.rps", other);
	ck_assert_int_eq(file_map_open(a, &one, &fault), STATUS_OK);
	ck_assert_int_eq(file_map_open(b, &two, &fault), STATUS_OK);
	ck_assert_uint_eq(one.length, two.length);
	ck_assert_mem_eq(one.bytes, two.bytes, one.length);
	file_map_close(&one);
	file_map_close(&two);
	view_drop(view);
	store_close(store);
	scratch_remove(other);
}

static uint32_t
layers(void)
{
	struct store *store;
	ck_assert_int_eq(store_open(path, &store, &fault), STATUS_OK);
	struct view *view = store_view_take(store);
	uint32_t count = view->layer_count;
	scratch_check(view);
	view_drop(view);
	store_close(store);
	return count;
}

START_TEST(removals_survive_every_fold)
{
	uint32_t most = 0;
	scratch_begin(&change, path, NOW + 1);
	for (uint64_t i = 1; i <= 3000; i++)
		put_number(i);
	scratch_commit(&change, false);
	/* keys that go in small steps: more commits than layers */
	for (uint64_t i = 1101; i < 1115; i++) {
		scratch_begin(&change, path, NOW + 1);
		take_number(i);
		scratch_commit(&change, false);
		ck_assert_uint_eq(change.counts.removed, 1);
		uint32_t count = layers();
		most = count > most ? count : most;
		char *state = scratch_state(path), text[64];
		for (uint64_t gone = 1101; gone <= i; gone++) {
			text_of(gone, text);
			ck_assert_ptr_null(strstr(state, text));
		}
		free(state);
	}
	ck_assert_uint_ge(most, 4);
	ck_assert_uint_lt(most, LIMIT_LAYERS);
	/* many at once: into the base */
	for (uint64_t i = 1100; i <= 3000; i++) {
		if (i % 500 == 100)
			scratch_begin(&change, path, NOW + 1);
		if (i > 1114 && i % 7 == 0)
			take_number(i);
		if (i % 500 == 99 || i == 3000)
			scratch_commit(&change, false);
	}
	scratch_begin(&change, path, NOW + 1);
	scratch_commit(&change, true);
	ck_assert_uint_eq(layers(), 1);
	compare_with_scratch();
}
END_TEST

START_TEST(small_changes_do_not_rewrite_all_overlays)
{
	/* Bytes written stay far from commits times overlays: folding is by size. */
	uint64_t folded = 0, before = 0;
	scratch_begin(&change, path, NOW + 1);
	for (uint64_t i = 1; i <= 4000; i++)
		put_number(i);
	scratch_commit(&change, false);
	for (uint64_t i = 0; i < 90; i++) {
		struct store *store;
		scratch_begin(&change, path, NOW + 1);
		for (uint64_t j = 0; j < 10; j++)
			put_number(10000 + 10 * i + j);
		scratch_commit(&change, false);
		ck_assert_int_eq(store_open(path, &store, &fault), STATUS_OK);
		struct view *view = store_view_take(store);
		uint64_t top = 0;
		for (int kind = 0; kind < KIND_COUNT; kind++)
			top += view->layer[view->layer_count - 1].segment.keys[kind];
		folded += view->layer_count <= before ? top : 0;
		before = view->layer_count;
		view_drop(view);
		store_close(store);
	}
	ck_assert_uint_lt(folded, 90 * 10 * 4);
}
END_TEST

/* --- killed, damaged -------------------------------------------------------------------- */

START_TEST(a_killed_writer_leaves_the_old_or_the_new)
{
	publish(1);
	uint64_t last = 1;
	for (int i = 0; i < 25; i++) {
		int result;
		pid_t child = fork();
		if (child == 0) {
			for (uint64_t g = last + 1;; g++)
				publish(g);
		}
		usleep((useconds_t)(3000 + 7001 * i % 60000));
		kill(child, SIGKILL);
		waitpid(child, &result, 0);
		struct store *store;
		ck_assert_int_eq(store_open(path, &store, &fault), STATUS_OK);
		struct view *view = store_view_take(store);
		ck_assert_uint_ge(view->generation, last);
		ck_assert_ptr_null(judge(view));
		scratch_check(view);
		last = view->generation;
		view_drop(view);
		store_close(store);
		publish(++last);
		ck_assert_uint_eq(scratch_files(path, ".tmp"), 0);
	}
}
END_TEST

static void
poke(const char *name, off_t offset, uint8_t mask)
{
	char file[FILE_PATH_BYTES];
	uint8_t byte;
	snprintf(file, sizeof(file), "%s/%s", path, name);
	int fd = open(file, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, offset), 1);
	byte ^= mask;
	ck_assert_int_eq(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

static off_t
size_of(const char *name)
{
	char file[FILE_PATH_BYTES];
	struct stat info;
	snprintf(file, sizeof(file), "%s/%s", path, name);
	ck_assert_int_eq(stat(file, &info), 0);
	return info.st_size;
}

/* A base large enough that single keys stay on top of it. */
static void
publish_base(void)
{
	scratch_begin(&change, path, NOW);
	for (uint64_t i = 1; i <= 100; i++)
		put_number(i);
	scratch_commit(&change, false);
}

static void
publish_one(uint64_t number)
{
	scratch_begin(&change, path, NOW);
	put_number(number);
	scratch_commit(&change, false);
}

/* One byte of the journal is another: the generation that is opened, 0 if none is. */
static uint64_t
opened_with(off_t at)
{
	struct store *store;
	uint64_t generation = 0;
	poke("JOURNAL", at, (uint8_t)(1 << at % 8));
	fault = (struct fault){0};
	if (store_open(path, &store, &fault) == STATUS_OK) {
		struct view *view = store_view_take(store);
		generation = view->generation;
		uint64_t keys[KIND_COUNT], entries[KIND_COUNT], claims;
		view_count(view, keys, entries, &claims);
		ck_assert_uint_eq(claims, 99 + generation);
		view_drop(view);
		store_close(store);
	}
	poke("JOURNAL", at, (uint8_t)(1 << at % 8));
	return generation;
}

/* Never another answer: the state is whole, or it is an earlier one or none, and that is said. */
START_TEST(no_byte_of_a_journal_may_differ)
{
	uint64_t seen[4] = {0};
	publish_base();
	publish_one(101);
	publish_one(102);
	off_t size = size_of("JOURNAL");
	for (off_t at = 0; at < size; at += at % 4096 < 400 ? 1 : 61) {
		uint64_t generation = opened_with(at);
		ck_assert_msg(generation == 3 || strstr(fault.where, "JOURNAL") != NULL,
			      "byte %ld: %s, %s", (long)at, fault.where, fault.text);
		seen[generation]++;
	}
	ck_assert_uint_ge(seen[0], 400);  /* the head */
	ck_assert_uint_ge(seen[2], 400);  /* the last record */
	ck_assert_uint_ge(seen[3], 800); /* what went before it */
	ck_assert_uint_eq(scratch_mappings(path), 0);
	publish_one(103);
}
END_TEST

/* The last record is damaged: the writer goes on from the one before, and keeps what it found. */
START_TEST(a_damaged_record_is_gone_back_from)
{
	struct store_write *write;
	publish_base();
	publish_one(101);
	publish_one(102);
	off_t size = size_of("JOURNAL");
	poke("JOURNAL", size - 1, 1);
	ck_assert_int_eq(store_write_begin(path, false, NULL, &write, &fault), STATUS_OK);
	ck_assert_ptr_nonnull(strstr(fault.text, "generation 2 is used"));
	/* a number that nobody has seen */
	ck_assert_uint_gt(store_write_view(write)->generation, 3);
	store_write_abort(write);
	ck_assert_uint_eq(scratch_files(path, ".damaged"), 1);
	ck_assert_int_eq(size_of("JOURNAL.damaged"), size);
}
END_TEST

/* A tail that nobody acknowledged: said, left out, not kept. */
START_TEST(an_unfinished_record_is_left_out)
{
	struct store_write *write;
	char file[FILE_PATH_BYTES];
	publish_base();
	publish_one(101);
	snprintf(file, sizeof(file), "%s/JOURNAL", path);
	FILE *journal = fopen(file, "ae");
	ck_assert_ptr_nonnull(journal);
	for (int i = 0; i < 5000; i++)
		putc('x', journal);
	fclose(journal);
	ck_assert_int_eq(store_write_begin(path, false, NULL, &write, &fault), STATUS_OK);
	ck_assert_ptr_nonnull(strstr(fault.text, "never acknowledged"));
	store_write_abort(write);
	ck_assert_uint_eq(scratch_files(path, ".damaged"), 0);
	publish_one(102);
}
END_TEST

START_TEST(a_damaged_layer_is_named)
{
	struct store *store;
	struct store_write *write;
	publish(1);
	for (off_t at = 0; at < 40; at++) {
		poke("segment-1.rps", at, 0x80);
		fault = (struct fault){0};
		ck_assert_int_ne(store_open(path, &store, &fault), STATUS_OK);
		ck_assert_msg(strstr(fault.where, "segment-1.rps") != NULL, "%s", fault.where);
		ck_assert_int_ne(store_write_begin(path, false, NULL, &write, &fault), STATUS_OK);
		poke("segment-1.rps", at, 0x80);
	}
	publish(2);
}
END_TEST

START_TEST(segments_without_a_journal_are_damage)
{
	struct store_write *write;
	char file[FILE_PATH_BYTES];
	publish(1);
	snprintf(file, sizeof(file), "%s/JOURNAL", path);
	unlink(file);
	ck_assert_int_eq(store_write_begin(path, false, NULL, &write, &fault), STATUS_CORRUPT);
	ck_assert_uint_eq(scratch_files(path, ".rps"), 1);
}
END_TEST

/* --- all -------------------------------------------------------------------------------- */

int
main(void)
{
	Suite *suite = suite_create("store");
	TCase *cases = tcase_create("all");
	const TTest *const tests[] = {
		readers_see_whole_generations, a_pinned_view_stays_as_it_was,
		a_reader_whose_hint_is_gone_still_follows,
		an_unknown_hint_twice_is_not_the_same, an_emptied_store_fills_again,
		one_writer_at_a_time, the_lock_dies_with_its_process, an_abort_publishes_nothing,
		nothing_said_is_nothing_published, an_unreadable_catalogue_is_not_published,
		nothing_published_is_no_store, removals_survive_every_fold,
		small_changes_do_not_rewrite_all_overlays,
		a_killed_writer_leaves_the_old_or_the_new, no_byte_of_a_journal_may_differ,
		a_damaged_record_is_gone_back_from, an_unfinished_record_is_left_out,
		a_damaged_layer_is_named, segments_without_a_journal_are_damage,
	};
	tcase_add_checked_fixture(cases, set_up, tear_down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(cases, tests[i]);
	tcase_set_timeout(cases, 240);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
