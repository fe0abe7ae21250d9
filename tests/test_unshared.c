/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking up and judging write nothing but what the caller handed over: in a child all memory of
 * the process but the stack is write-protected, then every call runs with hits and verdicts on
 * the stack. A store anywhere else kills the child. tests/locks shows the same from the code,
 * and that nothing is locked.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "query/repute.h"
#include "tests/scratch.h"

#define NOW 1767225600ull
#define ASKED 80 /* of each kind: more than one group of the batch walks, and a rest */

static char *path;
static struct repute_db *db;
static struct repute_view *view;
static struct repute_profile *profile;
static volatile unsigned planted;
static struct repute_key keys[32];

static const char *const entries[] = {
	"192.0.2.1", "198.51.100.0/24", "10.0.0.0/9", "2001:db8::1", "2001:db8:1::/48",
	"2001:db8:2::/61", "bad.example", "*.below.example", "http://bad.example/a",
	"http://bad.example/b/*", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
};
static const char *const asked[] = {
	"192.0.2.1", "198.51.100.77", "10.1.2.3", "203.0.113.9", "2001:db8::1", "2001:db8:1:2::3",
	"2001:db8:2:7::1", "::ffff:192.0.2.1", "2001:db8:9::", "bad.example", "a.b.below.example",
	"good.example", "http://bad.example/a", "http://bad.example/b/c?d", "http://good.example/",
	"da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b856",
};
#define ENTRIES (sizeof(entries) / sizeof(*entries))
#define QUESTIONS (sizeof(asked) / sizeof(*asked))

static const char profile_text[] =
	"[profile]\nname = p\n[action \"b\"]\nflow = block\n"
	"[filter \"family\"]\naction = b\nkinds = ipv4 ipv6 domain url sha1 sha256\n"
	"where = \"Malware Family\" = odd\n"
	"[filter \"rest\"]\naction = b\nkinds = ipv4 ipv6 domain url sha1 sha256\nuntagged = yes\n"
	"[exception \"office\"]\nip = 10.1.0.0/16\n[exception \"ours\"]\ndomain = *.corp.example\n";

/* A base and an overlay with half of the keys each. */
static void
setup(void)
{
	struct repute_fault fault;
	path = scratch_new("unshared");
	for (unsigned layer = 0; layer < 2; layer++) {
		struct scratch_write write;
		scratch_begin(&write, path, NOW);
		for (size_t i = layer; i < ENTRIES; i += 2) {
			struct key *key = scratch_key(entries[i], 0);
			scratch_put(&write, "feed", key, i % 3 ? "odd" : NULL, 0, NOW + 1000);
			free(key);
		}
		scratch_commit(&write, layer == 0);
	}
	ck_assert(repute_open(path, NULL, &db, &fault) == REPUTE_OK);
	view = repute_view_take(db);
	ck_assert_msg(repute_profile_load(view, profile_text, strlen(profile_text), &profile, &fault) ==
		      REPUTE_OK, "%s", fault.text);
	for (size_t i = 0; i < QUESTIONS; i++)
		ck_assert(repute_key_text(REPUTE_ANY, asked[i], strlen(asked[i]), &keys[i]) == REPUTE_OK);
}

static void
teardown(void)
{
	repute_profile_free(profile);
	repute_view_drop(view);
	repute_close(db);
	scratch_remove(path);
}

/* --- everything, with results on the stack; returns the hits -------------------------------- */

static size_t
ask_keys(void)
{
	struct repute_hit hits[QUESTIONS], all[8];
	struct repute_verdict verdicts[QUESTIONS];
	size_t found = 0;
	repute_find_many(view, keys, QUESTIONS, NOW, hits);
	repute_judge_many(profile, keys, QUESTIONS, NOW, verdicts);
	for (size_t i = 0; i < QUESTIONS; i++) {
		found += hits[i].found + (verdicts[i].outcome != REPUTE_VERDICT_NONE);
		repute_find(view, &keys[i], NOW, &hits[i]);
		repute_judge(profile, &keys[i], NOW, &verdicts[i]);
		found += hits[i].found + (verdicts[i].outcome != REPUTE_VERDICT_NONE);
		found += repute_find_all(view, &keys[i], NOW, all, 8);
		found += repute_judge_exception(profile, &keys[i], NOW) != REPUTE_NO_ROW;
	}
	return found;
}

static size_t
ask_raw(void)
{
	uint8_t bytes[ASKED][32];
	uint32_t ipv4[ASKED];
	struct repute_hit hits[ASKED];
	struct repute_verdict verdicts[ASKED];
	size_t found = 0;
	for (uint32_t i = 0; i < ASKED; i++) {
		memset(bytes[i], (int)i, sizeof(bytes[i]));
		memcpy(bytes[i], "\x20\x01\x0d\xb8\0\1", 6);
		ipv4[i] = i % 2 ? 0xc0000201 : 0x0a010000 + i;
	}
	repute_find_ipv4_many(view, ipv4, ASKED, NOW, hits);
	for (size_t i = 0; i < ASKED; i++)
		found += hits[i].found;
	repute_find_ipv6_many(view, (const uint8_t(*)[16])bytes, ASKED, NOW, hits);
	repute_find_sha1_many(view, (const uint8_t(*)[20])bytes, ASKED, NOW, hits);
	repute_find_sha256_many(view, (const uint8_t(*)[32])bytes, ASKED, NOW, hits);
	for (size_t i = 0; i < ASKED; i++) {
		repute_find_ipv4(view, ipv4[i], NOW, &hits[0]);
		found += hits[0].found;
		repute_find_ipv6(view, bytes[i], NOW, &hits[0]);
		repute_find_sha1(view, bytes[i], NOW, &hits[0]);
		repute_find_sha256(view, bytes[i], NOW, &hits[0]);
	}
	repute_judge_ipv4_many(profile, ipv4, ASKED, NOW, verdicts);
	repute_judge_ipv6_many(profile, (const uint8_t(*)[16])bytes, ASKED, NOW, verdicts);
	repute_judge_sha1_many(profile, (const uint8_t(*)[20])bytes, ASKED, NOW, verdicts);
	repute_judge_sha256_many(profile, (const uint8_t(*)[32])bytes, ASKED, NOW, verdicts);
	return found;
}

/* --- all memory but the stack write-protected ------------------------------------------------ */

static const char *
read_number(const char *at, uintptr_t *number)
{
	for (*number = 0; *at != '-' && *at != ' '; at++)
		*number = *number * 16 + (uintptr_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
	return at + 1;
}

/*
 * By bare system calls and on the stack, since from the first mprotect on nothing else may be
 * written. False if the list of mappings did not fit.
 */
static bool
protect_all(void)
{
	char text[65536];
	size_t length = 0;
	ssize_t got;
	int file = open("/proc/self/maps", O_RDONLY);
	while ((got = read(file, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)got;
	close(file);
	text[length] = '\0';
	if (file < 0 || length == sizeof(text) - 1)
		return false;
	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		uintptr_t from, to, here = (uintptr_t)&from;
		const char *modes = read_number(read_number(line, &from), &to);
		if (modes[1] == 'w' && !(here >= from && here < to))
			mprotect((void *)from, to - from, PROT_READ);
	}
	return true;
}

static int
run_protected(bool plant)
{
	int status;
	size_t found = ask_keys() + ask_raw(); /* the linker resolves what it resolves lazily */
	ck_assert_uint_gt(found, 60);
	void (*volatile leave)(int) = _exit; /* resolved now */
	pid_t child = fork();
	if (child == 0) {
		struct rlimit none = {0, 0};
		setrlimit(RLIMIT_CORE, &none);
		if (!protect_all())
			leave(3);
		if (plant)
			planted++;
		leave(ask_keys() + ask_raw() == found ? 0 : 4);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

START_TEST(nothing_else_is_written)
{
	int status = run_protected(false);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s %d",
		      WIFSIGNALED(status) ? "killed by signal" : "exit status",
		      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}
END_TEST

/* The test itself: one store to a variable is seen. */
START_TEST(a_planted_store_is_seen)
{
	ck_assert(WIFSIGNALED(run_protected(true)));
}
END_TEST

/*
 * The kernel notes in a thread's rseq area, which glibc registers, when it takes the processor
 * away, and kills a process where it cannot: a busy machine would look like a store of ours.
 */
static void
without_rseq(char **argv)
{
	if (getenv("GLIBC_TUNABLES") != NULL)
		return;
	setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
	execv("/proc/self/exe", argv);
}

int
main(int argc, char **argv)
{
	without_rseq(argv);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return 77; /* the sanitizer keeps books of its own in other memory */
#endif
	Suite *suite = suite_create("unshared");
	TCase *tests = tcase_create("unshared");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing_else_is_written);
	tcase_add_test(tests, a_planted_store_is_seen);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
