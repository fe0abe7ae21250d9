/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to who maps a file that others cut, and the pieces of what is done about it. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/guard.h"
#include "engine/lease.h"
#include "engine/sealed.h"
#include "tests/leaseless.h"
#include "tests/scratch.h"

#define PAGE 4096u
#define PAGES 64u
#define BYTES ((size_t)PAGES * PAGE)

static char path[64];
static uint8_t *content;

static int
write_file(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, BYTES), BYTES);
	return fd;
}

static void
setup(void)
{
	snprintf(path, sizeof(path), "build/tmp/guard-%d", (int)getpid());
	(void)mkdir("build/tmp", 0755);
	content = malloc(BYTES);
	for (size_t i = 0; i < BYTES; i++)
		content[i] = (uint8_t)(i / PAGE + i + 1);
	close(write_file());
}

static void
teardown(void)
{
	unlink(path);
	free(content);
}

static const uint8_t *
map_file(int *fd)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	const uint8_t *bytes = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, *fd, 0);
	ck_assert(bytes != MAP_FAILED);
	return bytes;
}

static bool
all_zero(const volatile uint8_t *bytes, size_t length)
{
	uint8_t any = 0;
	for (size_t i = 0; i < length; i++)
		any |= bytes[i];
	return any == 0;
}

/* --- guard --------------------------------------------------------------------------------- */

START_TEST(a_cut_file_reads_as_zeros_and_is_marked)
{
	int fd;
	const uint8_t *bytes = map_file(&fd);
	ck_assert_int_eq(guard_install(NULL), STATUS_OK);
	struct guard *guard = guard_add(bytes, BYTES, false);
	ck_assert_int_eq(((const volatile uint8_t *)bytes)[BYTES - 1], content[BYTES - 1]);
	ck_assert(guard_sound() && !guard_damaged(guard));
	ck_assert_int_eq(truncate(path, PAGE), 0);
	ck_assert(guard_sound());
	errno = 77;
	ck_assert_int_eq(((const volatile uint8_t *)bytes)[BYTES - 1], 0);
	ck_assert_int_eq(errno, 77);
	ck_assert(!guard_sound() && guard_damaged(guard));
	/* all of it, also what the file still has: one mapping for all faults to come */
	ck_assert(all_zero(bytes, BYTES));
	guard_remove(guard);
	ck_assert(guard_sound());
	munmap((void *)(uintptr_t)bytes, BYTES);
	close(fd);
}
END_TEST

/* Many ranges: more than a block of slots; the right one is marked, and only that. */
START_TEST(only_the_range_of_the_fault_is_marked)
{
	enum { RANGES = 200 };
	static const uint8_t *bytes[RANGES];
	static struct guard *guard[RANGES];
	int fd;
	char other[80];
	ck_assert_int_eq(guard_install(NULL), STATUS_OK);
	snprintf(other, sizeof(other), "%s.other", path);
	for (int i = 0; i < RANGES; i++) {
		bytes[i] = map_file(&fd);
		close(fd);
		guard[i] = guard_add(bytes[i], BYTES, false);
		ck_assert_ptr_nonnull(guard[i]);
		if (i == 149) { /* those from here on are of another file */
			ck_assert_int_eq(rename(path, other), 0);
			close(write_file());
		}
	}
	/* in slots of their own order, or the other way round */
	for (int i = 0; i < RANGES; i += 2 - _i)
		guard_remove(guard[i]);
	for (int i = _i == 0 ? 0 : RANGES - 1; i >= 0 && i < RANGES; i += _i == 0 ? 2 : -1)
		guard[i] = guard_add(bytes[i], BYTES, false);
	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert_int_eq(*(const volatile uint8_t *)(bytes[177] + 5), 0);
	for (int i = 0; i < RANGES; i++)
		ck_assert_int_eq(guard_damaged(guard[i]), i == 177);
	for (int i = 0; i < 150; i++)
		ck_assert_int_eq(memcmp(bytes[i], content, BYTES), 0);
	unlink(other);
}
END_TEST

START_TEST(marks_by_hand_count_too)
{
	struct guard *a = guard_add(content, BYTES, false), *b = guard_add(content, BYTES, false);
	guard_mark(a);
	guard_mark(a);
	ck_assert(!guard_sound() && guard_damaged(a) && !guard_damaged(b));
	guard_mark(b);
	guard_remove(a);
	ck_assert(!guard_sound());
	guard_remove(b);
	ck_assert(guard_sound() && !guard_damaged(NULL));
	guard_remove(NULL);
	/* a slot that is used again begins without a mark */
	ck_assert(!guard_damaged(guard_add(content, BYTES, false)));
}
END_TEST

/* What is written after that is lost, and nobody dies. */
START_TEST(a_cut_file_can_be_written_to)
{
	int fd = open(path, O_RDWR);
	volatile uint8_t *bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_int_eq(guard_install(NULL), STATUS_OK);
	struct guard *guard = guard_add((const void *)(uintptr_t)bytes, BYTES, true);
	bytes[BYTES - 1] = 7;
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	bytes[BYTES - 1] = 8;
	ck_assert(bytes[BYTES - 1] == 8 && bytes[0] == 0 && guard_damaged(guard));
}
END_TEST

/* How a child that does `act` dies: its signal, or 0. */
static int
death_of(void (*act)(void))
{
	int status;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGBUS, SIG_DFL); /* sanitizers have a handler of their own */
		act();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void
read_cut(bool guarded)
{
	int fd;
	const uint8_t *bytes = map_file(&fd);
	if (guarded)
		guard_add(bytes, BYTES, false);
	if (truncate(path, 0) != 0)
		_exit(9);
	all_zero(bytes, 1);
}

static void
plain(void)
{
	read_cut(false);
}

static void
guarded_without_handler(void)
{
	read_cut(true);
}

static void
elsewhere(void)
{
	guard_install(NULL);
	read_cut(false);
}

static void
sent(void)
{
	guard_install(NULL);
	raise(SIGBUS);
}

static void
sent_and_ignored(void)
{
	signal(SIGBUS, SIG_IGN);
	guard_install(NULL);
	raise(SIGBUS);
}

/* What is sent says nothing about a place, whatever it says. */
static void
sent_with_a_place(void)
{
	siginfo_t info = {.si_signo = SIGBUS, .si_code = SI_QUEUE};
	int fd;
	const uint8_t *bytes = map_file(&fd);
	guard_install(NULL);
	guard_add(bytes, BYTES, false);
	info.si_addr = (void *)(uintptr_t)bytes;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGBUS, &info);
}

static void
ignored_elsewhere(void)
{
	signal(SIGBUS, SIG_IGN);
	guard_install(NULL);
	read_cut(false);
}

static void
theirs(int number)
{
	_exit(number == SIGBUS ? 41 : 1);
}

static void
chained_plain(void)
{
	signal(SIGBUS, theirs);
	guard_install(NULL);
	guard_install(NULL);
	read_cut(false);
}

static void
theirs_with_info(int number, siginfo_t *info, void *context)
{
	_exit(number == SIGBUS && info->si_code == BUS_ADRERR && context != NULL ? 42 : 1);
}

static void
chained_with_info(void)
{
	struct sigaction action = {.sa_sigaction = theirs_with_info, .sa_flags = SA_SIGINFO};
	sigaction(SIGBUS, &action, NULL);
	guard_install(NULL);
	read_cut(false);
}

static void
chained_but_ours(void)
{
	signal(SIGBUS, theirs);
	guard_install(NULL);
	read_cut(true);
}

/* That the first two die is what makes the rest of this file worth something. */
START_TEST(what_is_not_ours_is_passed_on)
{
	static const struct {
		void (*act)(void);
		int death;
	} cases[] = {
		{plain, SIGBUS}, {guarded_without_handler, SIGBUS}, {elsewhere, SIGBUS},
		{sent, SIGBUS}, {sent_with_a_place, SIGBUS}, {sent_and_ignored, 0},
		{ignored_elsewhere, SIGBUS},
		{chained_plain, -41}, {chained_with_info, -42}, {chained_but_ours, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		close(write_file());
		int death = death_of(cases[i].act);
		ck_assert_msg(death == cases[i].death, "case %zu: %d", i, death);
	}
}
END_TEST

/*
 * Threads read ranges that come and go and are cut under them. Each reads pages of a file of its
 * own; what it reads is right, or the mark is there.
 */
struct racer {
	pthread_t thread;
	unsigned number, cuts, wrong;
};

static void *
race(void *context)
{
	struct racer *racer = context;
	char name[80];
	unsigned state = racer->number;
	snprintf(name, sizeof(name), "%s.%u", path, racer->number);
	for (unsigned round = 0; round < 300; round++) {
		int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
		racer->wrong += write(fd, content, BYTES) != BYTES;
		uint8_t *bytes = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0);
		struct guard *guard = guard_add(bytes, BYTES, false);
		unsigned cut = rand_r(&state) % 3 == 0 ? rand_r(&state) % PAGES : PAGES;
		racer->cuts += cut < PAGES;
		for (unsigned i = 0; i < PAGES; i++) {
			if (i == 3 && cut < PAGES)
				racer->wrong += ftruncate(fd, (off_t)cut * PAGE) != 0;
			unsigned page = rand_r(&state) % PAGES;
			uint8_t byte = ((volatile uint8_t *)bytes)[page * PAGE + 7];
			bool right = byte == content[page * PAGE + 7];
			racer->wrong += !right && (guard_sound() || !guard_damaged(guard));
		}
		racer->wrong += cut == PAGES && guard_damaged(guard);
		guard_remove(guard);
		munmap(bytes, BYTES);
		close(fd);
	}
	unlink(name);
	return NULL;
}

START_TEST(many_threads_and_ranges)
{
	struct racer racers[4];
	ck_assert_int_eq(guard_install(NULL), STATUS_OK);
	for (unsigned i = 0; i < 4; i++) {
		racers[i] = (struct racer){.number = i + 1};
		ck_assert_int_eq(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(racers[i].thread, NULL);
		ck_assert_uint_eq(racers[i].wrong, 0);
		ck_assert_uint_gt(racers[i].cuts, 30);
	}
	ck_assert(guard_sound());
}
END_TEST

/* --- lease --------------------------------------------------------------------------------- */

static volatile sig_atomic_t signals;

static void
count_signal(int number)
{
	(void)number;
	signals++;
}

static double
seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A child that cuts or opens the file; the parent sees whether it is through. */
static pid_t
operator_start(int how)
{
	pid_t child = fork();
	if (child != 0)
		return child;
	if (how == 0)
		_exit(truncate(path, 10) != 0);
	int fd = open(path, how == 1 ? O_WRONLY | O_TRUNC : O_RDWR);
	_exit(fd < 0 || write(fd, "x", 1) != 1);
}

START_TEST(a_lease_holds_writers_until_it_is_given_back)
{
	int fd = open(path, O_RDONLY), status;
	struct stat info;
	/* any signal but those that cannot be had, or that a child's end and Check bring */
	for (int number = 1; number < SIGRTMAX; number++)
		if (number != SIGCHLD && number != SIGALRM && number != SIGTERM && number != SIGINT)
			signal(number, count_signal);
	signals = 0;
	if (!leases_here(path)) {
		close(fd);
		return; /* a file system without them */
	}
	ck_assert_int_eq(lease_take(fd), LEASE_TAKEN);
	ck_assert(lease_held(fd));
	pid_t child = operator_start(_i);
	double until = seconds() + 10;
	while (lease_held(fd) && seconds() < until)
		scratch_pause(1);
	ck_assert(!lease_held(fd));
	scratch_pause(30);
	ck_assert_int_eq(waitpid(child, &status, WNOHANG), 0);
	ck_assert_int_eq(fstat(fd, &info), 0);
	ck_assert_uint_eq((uint64_t)info.st_size, BYTES);
	/* no second one while somebody waits */
	ck_assert(lease_take(fd) == LEASE_BUSY && !lease_held(fd));
	double from = seconds();
	lease_give(fd);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(status == 0 && seconds() - from < 10, "status %d after %f s", status,
		      seconds() - from);
	ck_assert_int_eq(signals, 0);
	ck_assert(lease_take(fd) == LEASE_TAKEN && lease_held(fd));
	close(fd);
}
END_TEST

START_TEST(no_lease_while_somebody_writes)
{
	int writer = open(path, O_WRONLY), fd = open(path, O_RDONLY);
	errno = 77;
	ck_assert(lease_take(fd) != LEASE_TAKEN && !lease_held(fd));
	ck_assert_int_eq(errno, 77);
	close(writer);
	close(fd);
}
END_TEST

/* Removing and renaming go on at once, and change nothing for who has it. */
START_TEST(a_lease_holds_no_renaming)
{
	char other[80];
	int fd = open(path, O_RDONLY);
	if (!leases_here(path))
		return;
	ck_assert_int_eq(lease_take(fd), LEASE_TAKEN);
	snprintf(other, sizeof(other), "%s.other", path);
	ck_assert_int_eq(chmod(path, 0), 0);
	ck_assert_int_eq(rename(path, other), 0);
	close(write_file());
	ck_assert_int_eq(rename(path, other), 0);
	ck_assert_int_eq(unlink(other), 0);
	ck_assert(lease_held(fd));
	close(fd);
}
END_TEST

/* --- sealed memory ------------------------------------------------------------------------- */

static const uint8_t digest[32] = {1, 2, 3, 255, 0xab};

static enum status
same_as(void *context, const uint8_t *bytes, size_t length, struct fault *fault)
{
	if (memcmp(bytes, context, length) == 0)
		return STATUS_OK;
	return fault_set(fault, STATUS_CORRUPT, "body", 0, "another body");
}

static enum status
copy(int fd, size_t length, void *same, struct sealed *sealed, struct fault *fault)
{
	struct sealed_job job = {0};
	enum status status = sealed_begin(fd, length, digest, &job, fault);
	while (status == STATUS_OK && job.done < job.length)
		status = sealed_part(&job, fault);
	if (status != STATUS_OK) {
		sealed_abort(&job);
		sealed_abort(&job);
		return status;
	}
	return sealed_end(&job, same == NULL ? NULL : same_as, same, sealed, fault);
}

START_TEST(a_sealed_copy_cannot_be_changed)
{
	struct sealed sealed = {0};
	char link[64];
	int fd = open(path, O_RDONLY);
	ck_assert_int_eq(copy(fd, BYTES, content, &sealed, NULL), STATUS_OK);
	close(fd);
	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert_int_eq(memcmp(sealed.bytes, content, BYTES), 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", sealed.descriptor);
	int writable = open(link, O_RDWR);
	ck_assert_int_ge(writable, 0);
	ck_assert(write(writable, "x", 1) < 0 && errno == EPERM);
	ck_assert(ftruncate(writable, 10) < 0 && errno == EPERM);
	ck_assert(ftruncate(writable, 2 * BYTES) < 0 && errno == EPERM);
	ck_assert(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, writable, 0) == MAP_FAILED);
	close(writable);
	sealed_close(&sealed);
	sealed_close(&sealed);
}
END_TEST

START_TEST(a_copy_of_what_is_short_or_wrong_is_refused)
{
	struct sealed sealed = {0};
	struct fault fault = {0};
	int fd = open(path, O_RDONLY), next = dup(fd);
	close(next);
	ck_assert_int_eq(truncate(path, 5 * PAGE + 1), 0);
	ck_assert_int_eq(copy(fd, BYTES, NULL, &sealed, &fault), STATUS_CORRUPT);
	ck_assert_uint_eq(fault.offset, 5 * PAGE + 1);
	ck_assert_int_eq(copy(fd, 5 * PAGE, content + 1, &sealed, &fault), STATUS_CORRUPT);
	ck_assert_str_eq(fault.text, "another body");
	ck_assert(sealed.bytes == NULL && !sealed_find(digest, 5 * PAGE, &sealed));
	/* nothing is left open */
	ck_assert_int_eq(dup(fd), next);
	close(next);
	close(fd);
}
END_TEST

/* Who copies gigabytes does so a little at a time. */
START_TEST(a_copy_comes_in_parts)
{
	enum { PART = 16 << 20 };
	struct sealed_job job = {0};
	struct sealed sealed = {0};
	int fd = open(path, O_RDWR);
	ck_assert_int_eq(ftruncate(fd, 2 * PART + 5), 0);
	ck_assert_int_eq(sealed_begin(fd, 2 * PART + 5, digest, &job, NULL), STATUS_OK);
	for (size_t part = 1; part <= 3; part++) {
		ck_assert_int_eq(sealed_part(&job, NULL), STATUS_OK);
		ck_assert_uint_eq(job.done, part < 3 ? part * PART : 2 * PART + 5);
		/* not to be found before it is whole */
		ck_assert(!sealed_find(digest, 2 * PART + 5, &sealed));
	}
	ck_assert_int_eq(sealed_part(&job, NULL), STATUS_OK);
	ck_assert_int_eq(sealed_end(&job, NULL, NULL, &sealed, NULL), STATUS_OK);
	ck_assert_int_eq(memcmp(sealed.bytes, content, BYTES), 0);
	ck_assert(sealed.length == 2 * PART + 5 && all_zero(sealed.bytes + BYTES, PART));
	sealed_close(&sealed);
	close(fd);
}
END_TEST

/* Another process's copy is found, and it is the same memory. */
START_TEST(processes_share_a_copy)
{
	struct sealed sealed = {0}, found = {0}, again = {0};
	uint8_t other[32] = {1, 2, 3, 255, 0xac};
	int to[2], from[2], fd = open(path, O_RDONLY), status;
	char byte = 0;
	ck_assert(pipe(to) == 0 && pipe(from) == 0);
	ck_assert(!sealed_find(digest, BYTES, &found));
	pid_t child = fork();
	if (child == 0) {
		close(to[1]);
		status = copy(fd, BYTES, content, &sealed, NULL);
		_exit(write(from[1], &byte, 1) != 1 || read(to[0], &byte, 1) != 0 || status != 0);
	}
	ck_assert_int_eq(read(from[0], &byte, 1), 1);
	ck_assert(sealed_find(digest, BYTES, &found));
	ck_assert(!sealed_find(digest, BYTES - 1, &again) && !sealed_find(other, BYTES, &again));
	struct stat info;
	ck_assert_int_eq(fstat(found.descriptor, &info), 0);
	uint64_t inode = info.st_ino;
	close(to[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(memcmp(found.bytes, content, BYTES), 0);
	/* what was found is found again, though who made it is gone */
	ck_assert(sealed_find(digest, BYTES, &again));
	ck_assert(fstat(again.descriptor, &info) == 0 && info.st_ino == inode);
	sealed_close(&found);
	sealed_close(&again);
	ck_assert(!sealed_find(digest, BYTES, &again));
	close(fd);
}
END_TEST

/* A name is easily had: what is not sealed is not taken, nor what another user has. */
START_TEST(what_is_not_sealed_is_not_taken)
{
	struct sealed sealed = {0}, found = {0};
	char link[64], name[64] = {0};
	int fd = open(path, O_RDONLY);
	ck_assert_int_eq(copy(fd, BYTES, NULL, &sealed, NULL), STATUS_OK);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", sealed.descriptor);
	ck_assert_int_gt(readlink(link, name, sizeof(name) - 1), 7);
	sealed_close(&sealed);
	*strchr(name, ' ') = '\0'; /* " (deleted)" */
	int memory = memfd_create(name + strlen("/memfd:"), MFD_ALLOW_SEALING);
	ck_assert_int_eq(write(memory, content, BYTES), BYTES);
	ck_assert(!sealed_find(digest, BYTES, &found));
	ck_assert_int_eq(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	ck_assert(!sealed_find(digest, BYTES, &found));
	close(memory);
	memory = memfd_create(name + strlen("/memfd:"), MFD_ALLOW_SEALING);
	ck_assert_int_eq(write(memory, content, BYTES), BYTES);
	ck_assert_int_eq(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL |
							    F_SEAL_WRITE), 0);
	ck_assert(sealed_find(digest, BYTES, &found));
	sealed_close(&found);
	if (geteuid() == 0) {
		ck_assert_int_eq(fchown(memory, 65534, 65534), 0);
		ck_assert(!sealed_find(digest, BYTES, &found));
	}
	close(memory);
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("guard");
	TCase *tests = tcase_create("guard");
	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_cut_file_reads_as_zeros_and_is_marked);
	tcase_add_loop_test(tests, only_the_range_of_the_fault_is_marked, 0, 2);
	tcase_add_test(tests, marks_by_hand_count_too);
	tcase_add_test(tests, a_cut_file_can_be_written_to);
	tcase_add_test(tests, what_is_not_ours_is_passed_on);
	tcase_add_test(tests, many_threads_and_ranges);
	tcase_add_loop_test(tests, a_lease_holds_writers_until_it_is_given_back, 0, 3);
	tcase_add_test(tests, no_lease_while_somebody_writes);
	tcase_add_test(tests, a_lease_holds_no_renaming);
	tcase_add_test(tests, a_sealed_copy_cannot_be_changed);
	tcase_add_test(tests, a_copy_of_what_is_short_or_wrong_is_refused);
	tcase_add_test(tests, a_copy_comes_in_parts);
	tcase_add_test(tests, processes_share_a_copy);
	tcase_add_test(tests, what_is_not_sealed_is_not_taken);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
