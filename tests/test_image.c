/* SPDX-License-Identifier: Apache-2.0 */
/* One mapped file and those who touch it: what image_watch finds, and what a reader is given. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/clock.h"
#include "engine/image.h"
#include "engine/lease.h"
#include "tests/fixture.h"
#include "tests/leaseless.h"
#include "tests/scratch.h"

#define NOW 1767225600ull

static char *store, path[1024];
static uint8_t *content;
static size_t length;
static struct image_wanted wanted;
static bool leases;
static struct image *image;

/* A base of a few hundred keys, whose stamp is taken as a writer would. */
static void
setup(void)
{
	struct scratch_write change;
	char text[64];
	struct file_stamp stamp;
	leaseless = false;
	store = scratch_new("image");
	scratch_begin(&change, store, NOW);
	for (int i = 0; i < 700; i++) {
		snprintf(text, sizeof(text), "name%d.example", i);
		struct key *key = scratch_key(text, 0);
		scratch_put(&change, "feed", key, NULL, 0, 0);
		free(key);
	}
	scratch_commit(&change, false);
	snprintf(path, sizeof(path), "%s/segment-1.rps", store);
	content = scratch_read(path, &length);
	leases = leases_here(path);
	memset(&wanted, 0, sizeof(wanted));
	memcpy(wanted.digest, content + length - 32, 32);
	file_stamp_of(path, &stamp);
	wanted.stamp = file_stamp_sum(&stamp);
	ck_assert_int_eq(guard_install(NULL), STATUS_OK);
}

static void
teardown(void)
{
	image_drop(image);
	image = NULL;
	free(content);
	scratch_remove(store);
}

static void
open_image(void)
{
	struct fault fault = {0};
	fixture_need(image_layer(path, &wanted, &image, &fault), &fault, path);
	ck_assert_int_eq(memcmp(image->bytes, content, length), 0);
}

static void
refused(enum status status)
{
	struct fault fault = {0};
	int before = dup(0), after;
	ck_assert_int_eq(image_layer(path, &wanted, &image, &fault), status);
	close(before);
	after = dup(0);
	ck_assert_int_eq(before, after); /* nothing is left open */
	close(after);
	ck_assert_ptr_null(image);
	ck_assert_msg(guard_sound(), "a mark is left");
}

/* A byte in the middle, by another process; true once it is through. */
static pid_t
damage_start(void)
{
	pid_t child = fork();
	if (child != 0)
		return child;
	uint8_t byte = (uint8_t)~content[length / 2];
	int fd = open(path, O_WRONLY);
	_exit(fd < 0 || pwrite(fd, &byte, 1, (off_t)(length / 2)) != 1);
}

static void
damage_end(pid_t child)
{
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

static void
damage(void)
{
	damage_end(damage_start());
}

static enum image_state
watch(void)
{
	return image_watch(image, UINT64_MAX);
}

/* --- opening ------------------------------------------------------------------------------------ */

START_TEST(what_nobody_touched_is_mapped_unread)
{
	/* a byte that no attach looks at: that it passes shows that the file is not read whole */
	damage();
	struct file_stamp stamp;
	file_stamp_of(path, &stamp);
	wanted.stamp = file_stamp_sum(&stamp);
	struct fault fault = {0};
	fixture_need(image_layer(path, &wanted, &image, &fault), &fault, path);
	ck_assert_int_eq(watch(), IMAGE_SOUND);
}
END_TEST

START_TEST(what_was_touched_is_read_whole)
{
	ck_assert_int_eq(chmod(path, 0600), 0);
	open_image();
	image_drop(image);
	image = NULL;
	scratch_write(path, content, length);
	open_image();
	image_drop(image);
	image = NULL;
	damage();
	refused(STATUS_CORRUPT);
	/* also without a stamp to compare with */
	wanted.stamp = 0;
	refused(STATUS_CORRUPT);
	scratch_write(path, content, length);
	open_image();
}
END_TEST

START_TEST(what_is_another_file_is_refused)
{
	wanted.digest[5] ^= 1;
	wanted.stamp = 0;
	refused(STATUS_CORRUPT);
	wanted.sealed = true;
	refused(STATUS_CORRUPT);
	wanted.digest[5] ^= 1;
	scratch_write(path, content, length - 1);
	refused(STATUS_CORRUPT);
	scratch_write(path, content, 0);
	refused(STATUS_CORRUPT);
	wanted.sealed = false;
	refused(STATUS_FORMAT);
	ck_assert_int_eq(unlink(path), 0);
	refused(STATUS_MISSING);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	refused(STATUS_IO);
	rmdir(path);
}
END_TEST

START_TEST(a_file_that_is_being_written_is_copied)
{
	int writer = open(path, O_WRONLY);
	open_image();
	/* on file systems without leases nobody can tell */
	ck_assert(!leases || image->sealed.bytes != NULL);
	ck_assert_int_eq(pwrite(writer, "garbage", 7, 4096), 7);
	close(writer);
	if (leases)
		ck_assert_int_eq(memcmp(image->bytes, content, length), 0);
	ck_assert_int_eq(watch(), leases ? IMAGE_SOUND : IMAGE_DAMAGED);
}
END_TEST

START_TEST(a_sealed_image_lives_through_everything)
{
	struct image *other;
	wanted.sealed = true;
	open_image();
	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert_int_eq(watch(), IMAGE_SOUND);
	ck_assert(image_intact(image) && image_stamp(image) == 0);
	ck_assert_int_eq(memcmp(image->bytes, content, length), 0);
	/* a second one shares the memory: the file need not even be good any more, only as long */
	ck_assert_int_eq(truncate(path, (off_t)length), 0);
	ck_assert_int_eq(image_layer(path, &wanted, &other, NULL), STATUS_OK);
	struct stat a, b;
	ck_assert(fstat(image->sealed.descriptor, &a) == 0 && fstat(other->sealed.descriptor, &b) == 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	image_drop(other);
}
END_TEST

/* --- under a lease -------------------------------------------------------------------------------- */

START_TEST(who_wants_to_write_waits_for_a_copy)
{
	if (!leases)
		return;
	open_image();
	ck_assert_int_eq(watch(), IMAGE_SOUND);
	pid_t child = damage_start();
	for (int i = 0; i < 5000 && lease_held(image->in.descriptor); i++)
		scratch_pause(1);
	unsigned descriptors = scratch_descriptors();
	ck_assert_int_eq(watch(), IMAGE_HEIR);
	ck_assert_int_eq(watch(), IMAGE_HEIR);
	ck_assert_uint_eq(scratch_descriptors(), descriptors + 1);
	ck_assert_int_eq(memcmp(image->heir->bytes, content, length), 0);
	/* as long as a view has the file, the lease stays */
	scratch_pause(20);
	ck_assert_int_eq(waitpid(child, NULL, WNOHANG), 0);
	ck_assert_int_eq(memcmp(image->bytes, content, length), 0);
	struct image *heir = image_take(image->heir);
	image_drop(image);
	image = heir;
	damage_end(child);
	ck_assert_int_eq(watch(), IMAGE_SOUND);
	ck_assert_int_eq(memcmp(image->bytes, content, length), 0);
	image_drop(image);
	image = NULL;
	ck_assert_uint_eq(scratch_descriptors(), descriptors - 1);
	ck_assert_uint_eq(scratch_mappings("memfd:repute"), 0);
}
END_TEST

START_TEST(a_copy_is_made_in_parts)
{
	if (!leases)
		return;
	open_image();
	pid_t child = damage_start();
	for (int i = 0; i < 5000 && lease_held(image->in.descriptor); i++)
		scratch_pause(1);
	/* this one has one part only, so it is done whatever the budget; another process's is waited for */
	int other = open(path, O_RDONLY);
	ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_eq(image_watch(image, 0), IMAGE_COPYING);
	ck_assert_int_eq(image_watch(image, 0), IMAGE_COPYING);
	/* but not for ever: it may have been stopped */
	image->copying_since -= 11000;
	ck_assert_int_eq(image_watch(image, 0), IMAGE_HEIR);
	close(other);
	image_drop(image);
	image = NULL;
	damage_end(child);
}
END_TEST

START_TEST(names_and_rights_and_clocks_are_nothing)
{
	char other[1100];
	open_image();
	snprintf(other, sizeof(other), "%s.other", path);
	ck_assert_int_eq(chmod(path, 0), 0);
	ck_assert_int_eq(link(path, other), 0);
	ck_assert_int_eq(rename(other, path), 0);
	ck_assert_int_eq(watch(), IMAGE_SOUND);
	ck_assert(image_intact(image));
	if (leases) {
		const struct timespec times[2] = {{1, 0}, {1, 0}};
		ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
		ck_assert_int_eq(watch(), IMAGE_SOUND);
		ck_assert(image_intact(image));
	}
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(watch(), IMAGE_SOUND);
	ck_assert_int_eq(memcmp(image->bytes, content, length), 0);
}
END_TEST

/* A child of a fork that closes its store gives the common lease back: it is taken anew, without a copy. */
START_TEST(a_lost_lease_is_taken_again)
{
	if (!leases)
		return;
	open_image();
	lease_give(image->in.descriptor);
	ck_assert_int_eq(watch(), IMAGE_SOUND);
	ck_assert(lease_held(image->in.descriptor) && image->heir == NULL);
	/* but not if somebody wrote meanwhile */
	lease_give(image->in.descriptor);
	damage();
	ck_assert_int_eq(watch(), IMAGE_DAMAGED);
}
END_TEST

/* Nobody is held by a lease of which only a child of a fork still has a share. */
START_TEST(children_hold_nobody)
{
	open_image();
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	image_drop(image);
	image = NULL;
	double from = clock_elapsed();
	damage();
	ck_assert_msg(clock_elapsed() - from < 20, "held for %f s", clock_elapsed() - from);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}
END_TEST

/* --- without ---------------------------------------------------------------------------------------- */

START_TEST(without_a_lease_writing_is_seen_afterwards)
{
	leaseless = true;
	open_image();
	ck_assert(!image->leased && watch() == IMAGE_SOUND);
	ck_assert(image_intact(image) && !image_damaged(image));
	damage();
	ck_assert(!image_damaged(image));
	ck_assert(!image_intact(image));
	ck_assert_int_eq(watch(), IMAGE_DAMAGED);
	ck_assert(image_damaged(image) && !guard_sound());
	image_drop(image);
	image = NULL;
	ck_assert(guard_sound());
}
END_TEST

/* Who wrote last has perhaps written: not read again before it is given up. */
START_TEST(without_a_lease_touching_is_damage)
{
	const struct timespec times[2] = {{1, 0}, {1, 0}};
	leaseless = true;
	open_image();
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	ck_assert_int_eq(watch(), IMAGE_DAMAGED);
}
END_TEST

START_TEST(without_a_lease_cutting_is_seen_by_the_read)
{
	leaseless = true;
	open_image();
	ck_assert_int_eq(truncate(path, 100), 0);
	ck_assert_int_eq(((const volatile uint8_t *)image->bytes)[length - 1], 0);
	ck_assert(image_damaged(image));
	ck_assert_int_eq(watch(), IMAGE_DAMAGED);
}
END_TEST

/* The same word for the same file, another for each thing that changes. */
START_TEST(stamps_differ)
{
	struct file_stamp a, b;
	uint64_t sum;
	open_image();
	ck_assert_uint_eq(image_stamp(image), wanted.stamp);
	file_stamp_of(path, &a);
	b = a;
	sum = file_stamp_sum(&a);
	ck_assert(sum != 0 && file_stamp_same(&a, &b) && file_stamp_sum(&b) == sum);
	for (int i = 0; i < 4; i++) {
		b = a;
		(i == 0 ? &b.inode : i == 1 ? &b.length : i == 2 ? &b.written : &b.changed)[0]++;
		ck_assert(!file_stamp_same(&a, &b) && file_stamp_sum(&b) != sum);
	}
	file_stamp_of("build/tmp/no such file", &b);
	ck_assert(b.inode == 0 && b.changed == 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("image");
	TCase *tests = tcase_create("image");
	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_nobody_touched_is_mapped_unread);
	tcase_add_test(tests, what_was_touched_is_read_whole);
	tcase_add_test(tests, what_is_another_file_is_refused);
	tcase_add_test(tests, a_file_that_is_being_written_is_copied);
	tcase_add_test(tests, a_sealed_image_lives_through_everything);
	tcase_add_test(tests, who_wants_to_write_waits_for_a_copy);
	tcase_add_test(tests, a_copy_is_made_in_parts);
	tcase_add_test(tests, names_and_rights_and_clocks_are_nothing);
	tcase_add_test(tests, a_lost_lease_is_taken_again);
	tcase_add_test(tests, children_hold_nobody);
	tcase_add_test(tests, without_a_lease_touching_is_damage);
	tcase_add_test(tests, without_a_lease_writing_is_seen_afterwards);
	tcase_add_test(tests, without_a_lease_cutting_is_seen_by_the_read);
	tcase_add_test(tests, stamps_differ);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
