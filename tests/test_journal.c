/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: the last good record whatever stands behind it, records of other journals, damage
 * in front; and in a store: beginning anew when it is full, the manifest of older stores.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/journal.h"
#include "tests/fixture.h"
#include "tests/scratch.h"

#define NOW 1767225600ull
#define PAGE 4096u

static char *path;
static char file[FILE_PATH_BYTES];
static struct fault fault;
static struct journal_place place;

static void
set_up(void)
{
	path = scratch_new("journal");
	fixture_need(file_make_directory(path, &fault), &fault, path);
	snprintf(file, sizeof(file), "%s/JOURNAL", path);
}

static void
tear_down(void)
{
	scratch_remove(path);
}

/* A record of that generation, with a catalogue of `length` bytes, all of them its number. */
static void
put(uint64_t generation, size_t length)
{
	struct journal_state state = {.generation = generation, .published = NOW};
	uint8_t *catalog = malloc(length);
	struct file_tail tail;
	struct journal_parts parts = {.catalog = catalog, .catalog_length = length};
	ck_assert_ptr_nonnull(catalog);
	memset(catalog, (int)generation, length);
	if (place.count == 0) {
		fixture_need(journal_create(file, &state, &parts, &place, &fault), &fault, "create");
	} else {
		fixture_need(file_tail_open(file, place.end, &tail, &fault), &fault, "open");
		fixture_need(journal_append(&tail, &place, &state, &parts, &fault), &fault, "append");
		file_tail_close(&tail);
	}
	free(catalog);
}

static void
put_three(void)
{
	place = (struct journal_place){0};
	put(1, 100);
	put(2, 9000);
	put(3, 100);
}

/* The generation that a reader finds; 0: none. Its catalogue must be its own. */
static uint64_t
found(const struct journal_place *known, struct journal_place *at)
{
	struct journal journal;
	struct journal_state state;
	uint8_t *bytes;
	size_t length;
	if (journal_open(file, &journal, &fault) != STATUS_OK)
		return 0;
	enum status status = journal_walk(&journal, known, UINT64_MAX, at, &fault);
	if (status == STATUS_OK) {
		fixture_need(journal_state(&journal, at, &state, &fault), &fault, "state");
		fixture_need(journal_catalog(&journal, &state, &bytes, &length, &fault), &fault,
			     "catalogue");
		ck_assert_uint_eq(bytes[length - 1], state.generation);
		free(bytes);
	}
	journal_close(&journal);
	return status == STATUS_OK ? state.generation : 0;
}

static void
poke(uint64_t offset, uint8_t mask)
{
	uint8_t byte;
	int fd = open(file, O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= mask;
	ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

static uint64_t
size(void)
{
	struct stat info;
	ck_assert_int_eq(stat(file, &info), 0);
	return (uint64_t)info.st_size;
}

START_TEST(the_last_record_counts)
{
	struct journal_place at, first;
	place = (struct journal_place){0};
	put(1, 100);
	ck_assert_uint_eq(found(NULL, &first), 1);
	put(2, 9000);
	ck_assert_uint_eq(found(NULL, &at), 2);
	ck_assert_mem_eq(&at, &place, sizeof(at));
	ck_assert_uint_eq(found(&first, &at), 2);
	ck_assert_mem_eq(&at, &place, sizeof(at));
	ck_assert_uint_eq(found(&at, &at), 2);
}
END_TEST

/* Cut anywhere: what is whole is there, nothing else. */
START_TEST(a_torn_tail_is_no_record)
{
	struct journal_place at, known = {0};
	put_three();
	const uint64_t whole = size();
	static const uint64_t ends[] = {2 * PAGE, 5 * PAGE, 6 * PAGE};
	ck_assert_uint_eq(whole, ends[2]);
	ck_assert_uint_eq(found(NULL, &known), 3);
	for (uint64_t end = whole - 1; end > 0; end -= end % PAGE < 200 ? 1 : 53) {
		uint64_t want = end >= ends[1] ? 2 : end >= ends[0] ? 1 : 0;
		ck_assert_int_eq(truncate(file, (off_t)end), 0);
		ck_assert_uint_eq(found(NULL, &at), want);
		ck_assert_uint_eq(found(&known, &at), want);
		if (end % PAGE == 0) {
			/* the room is there, the bytes never came */
			ck_assert_int_eq(truncate(file, (off_t)whole), 0);
			ck_assert_uint_eq(found(NULL, &at), want);
			ck_assert_int_eq(truncate(file, (off_t)end), 0);
		}
		if (end < 54)
			break;
	}
}
END_TEST

/* Any byte of the last record: the one before it. Any byte in front: still the last one. */
START_TEST(one_byte_is_another)
{
	struct journal_place at;
	put_three();
	for (uint64_t offset = PAGE; offset < size(); offset += 29) {
		poke(offset, 0x40);
		ck_assert_uint_eq(found(NULL, &at), offset >= 5 * PAGE ? 2 : 3);
		poke(offset, 0x40);
	}
	for (uint64_t offset = 0; offset < PAGE; offset += 7) {
		poke(offset, 0x40);
		ck_assert_uint_eq(found(NULL, &at), 0);
		poke(offset, 0x40);
	}
}
END_TEST

/* Blocks of a file that once stood there: a whole record with good sums, of another journal. */
START_TEST(records_of_another_journal_are_none)
{
	static uint8_t old[PAGE];
	struct journal_place at;
	put_three();
	int fd = open(file, O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, old, PAGE, 5 * PAGE), PAGE);
	close(fd);
	place = (struct journal_place){0};
	put(4, 100);
	put(5, 9000);
	fd = open(file, O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, old, PAGE, 5 * PAGE), PAGE);
	ck_assert_int_eq(pwrite(fd, old, PAGE, 6 * PAGE), PAGE); /* and where damage is stepped over */
	close(fd);
	ck_assert_uint_eq(found(NULL, &at), 5);
	ck_assert_uint_eq(at.end, 5 * PAGE);
}
END_TEST

/* A place that is known is not believed when the file is another. */
START_TEST(a_known_place_is_looked_at_again)
{
	struct journal_place at, known;
	put_three();
	ck_assert_uint_eq(found(NULL, &known), 3);
	poke(known.offset + 40, 1);
	ck_assert_uint_eq(found(&known, &at), 2);
	place = (struct journal_place){0};
	put(7, 50);
	ck_assert_uint_eq(found(&known, &at), 7);
}
END_TEST

/* --- in a store ---------------------------------------------------------------------------- */

static void
put_profile(struct store_write *write, char fill)
{
	size_t length = LIMIT_PROFILE_BYTES;
	char *text = malloc(length);
	ck_assert_ptr_nonnull(text);
	memset(text, fill, length);
	fixture_need(catalog_profile_put(store_write_catalog(write), "p", 1, text, length, NOW,
					 &fault), &fault, "profile");
	store_write_touch(write);
	free(text);
}

/* A full journal is begun anew with the whole state; a reader goes over to it. */
START_TEST(a_full_journal_is_begun_anew)
{
	static struct scratch_write change;
	struct store *reader = NULL;
	uint64_t most = 0, before = 0;
	unsigned anew = 0;
	bool changed;
	for (int i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%d.example", i);
		struct key *key = scratch_key(name, 0);
		scratch_begin(&change, path, NOW);
		scratch_put(&change, "a", key, NULL, 0, NOW + 100);
		put_profile(change.write, (char)('a' + i));
		scratch_commit(&change, false);
		free(key);
		if (reader == NULL)
			fixture_need(store_open(path, &reader, &fault), &fault, "open");
		else
			fixture_need(store_refresh(reader, &changed, &fault), &fault, "refresh");
		struct view *view = store_view_take(reader);
		ck_assert_uint_eq(view->generation, change.generation);
		ck_assert_uint_eq(view_keys_at_most(view) >= (uint64_t)i + 1, 1);
		ck_assert_int_eq(view->catalog.profiles[0]->text[0], 'a' + i);
		view_drop(view);
		anew += size() < before;
		before = size();
		most = before > most ? before : most;
	}
	store_close(reader);
	ck_assert_uint_ge(anew, 1);
	ck_assert_uint_le(most, LIMIT_JOURNAL_BYTES);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("journal");
	TCase *cases = tcase_create("all");
	const TTest *const tests[] = {
		the_last_record_counts, a_torn_tail_is_no_record, one_byte_is_another,
		records_of_another_journal_are_none, a_known_place_is_looked_at_again,
		a_full_journal_is_begun_anew,
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
	return failed != 0;
}
