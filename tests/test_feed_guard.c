/* SPDX-License-Identifier: Apache-2.0 */
/* The import guard: what is far too broad, and what real lists need. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "loader/feed_guard.h"

static struct key key; /* large: not on the stack */

static enum status
check(void)
{
	struct fault fault = {0};
	enum status status = feed_guard_check(NULL, &key, &fault);

	ck_assert_int_eq(fault.status, status);
	ck_assert_int_eq(fault.text[0] != '\0', status != STATUS_OK);
	return status;
}

/* --- prefixes --------------------------------------------------------------- */

static const struct {
	uint8_t kind, bits, first, second;
	enum status status;
} prefixes[] = {
	{KIND_IPV4, 0, 0, 0, STATUS_BROAD},
	{KIND_IPV4, 1, 128, 0, STATUS_BROAD},
	{KIND_IPV4, 2, 192, 0, STATUS_BROAD}, /* half of it is quiet, half is not */
	{KIND_IPV4, 3, 192, 0, STATUS_BROAD},
	{KIND_IPV4, 3, 224, 0, STATUS_OK}, /* firehol_level1 */
	{KIND_IPV4, 4, 240, 0, STATUS_OK},
	{KIND_IPV4, 7, 10, 0, STATUS_BROAD},
	{KIND_IPV4, 8, 0, 0, STATUS_OK},   /* firehol_level1 */
	{KIND_IPV4, 8, 102, 0, STATUS_OK}, /* firehol_level1 */
	{KIND_IPV4, 32, 192, 0, STATUS_OK},
	{KIND_IPV6, 0, 0, 0, STATUS_BROAD},
	{KIND_IPV6, 3, 0x20, 0, STATUS_BROAD},
	{KIND_IPV6, 12, 0x20, 0x00, STATUS_BROAD},
	{KIND_IPV6, 15, 0x2a, 0x02, STATUS_BROAD},
	{KIND_IPV6, 16, 0x20, 0x02, STATUS_OK}, /* 2002::/16 stands in the routing table */
	{KIND_IPV6, 29, 0x2a, 0x0c, STATUS_OK}, /* Spamhaus DROPv6 */
	{KIND_IPV6, 10, 0xFE, 0x80, STATUS_OK},
	{KIND_IPV6, 7, 0xFC, 0, STATUS_OK},
	{KIND_IPV6, 5, 0xF8, 0, STATUS_BROAD},
	{KIND_IPV6, 1, 0x80, 0, STATUS_BROAD},
};

START_TEST(prefix_lengths)
{
	memset(&key, 0, sizeof(key));
	key.kind = prefixes[_i].kind;
	key.scope = SCOPE_EXACT;
	key.prefix_bits = prefixes[_i].bits;
	key.bytes[0] = prefixes[_i].first;
	key.bytes[1] = prefixes[_i].second;
	ck_assert_int_eq(check(), prefixes[_i].status);
}
END_TEST

/* --- hashes ----------------------------------------------------------------- */

/* printf '' | sha1sum; printf '' | sha256sum */
static const char *const empty[] = {
	"da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
};

START_TEST(hash_of_the_empty_file)
{
	memset(&key, 0, sizeof(key));
	key.kind = _i ? KIND_SHA256 : KIND_SHA1;
	key.scope = SCOPE_EXACT;
	for (size_t i = 0; empty[_i][i * 2]; i++)
		key.bytes[i] = (uint8_t)strtoul((char[]){empty[_i][i * 2], empty[_i][i * 2 + 1], 0},
						NULL, 16);
	ck_assert_int_eq(check(), STATUS_BROAD);
	for (size_t i = 0; empty[_i][i * 2]; i++) {
		key.bytes[i] ^= 1;
		ck_assert_int_eq(check(), STATUS_OK);
		key.bytes[i] ^= 1;
	}
}
END_TEST

/* --- names and URLs --------------------------------------------------------- */

static bool
is_suffix(void *context, const char *name, size_t length)
{
	const char *suffix = context;

	return strlen(suffix) == length && memcmp(name, suffix, length) == 0;
}

static const struct {
	const char *text;
	uint8_t kind, scope, pattern;
	enum status status;
} texts[] = {
	{"com", KIND_DOMAIN, SCOPE_EXACT, 0, STATUS_BROAD},
	{"com", KIND_DOMAIN, SCOPE_BELOW, 0, STATUS_BROAD},
	{"co.uk", KIND_DOMAIN, SCOPE_BELOW, 0, STATUS_BROAD},
	{"co.uk", KIND_DOMAIN, SCOPE_TREE, 0, STATUS_BROAD},
	{"co.uk", KIND_DOMAIN, SCOPE_EXACT, 0, STATUS_OK},
	{"bad.co.uk", KIND_DOMAIN, SCOPE_TREE, 0, STATUS_OK},
	{"aco.uk", KIND_DOMAIN, SCOPE_TREE, 0, STATUS_OK},
	{"http://a.example/", KIND_URL, SCOPE_TREE, 0, STATUS_OK},
	{"\\*", KIND_URL, SCOPE_EXACT, KEY_PATTERN_OPEN_START, STATUS_BROAD},
	{"\\*\\*", KIND_URL, SCOPE_EXACT, 3, STATUS_BROAD},
	{"http://\\*", KIND_URL, SCOPE_EXACT, KEY_PATTERN_OPEN_END, STATUS_BROAD},
	{"https://www.\\*", KIND_URL, SCOPE_EXACT, KEY_PATTERN_OPEN_END, STATUS_BROAD},
	{"\\*.com\\*", KIND_URL, SCOPE_EXACT, 3, STATUS_BROAD},
	{"\\*/////\\*", KIND_URL, SCOPE_EXACT, 3, STATUS_BROAD},
	{"\\*/gate.php\\*", KIND_URL, SCOPE_EXACT, 3, STATUS_OK},
	{"http://evil.\\*", KIND_URL, SCOPE_EXACT, KEY_PATTERN_OPEN_END, STATUS_OK},
	{"\\*/path/\\*", KIND_URL, SCOPE_EXACT, 3, STATUS_OK},
};

START_TEST(names_and_patterns)
{
	char suffix[] = "co.uk";
	struct feed_guard guard = {is_suffix, suffix};
	struct fault fault;

	memset(&key, 0, sizeof(key));
	key.kind = texts[_i].kind;
	key.scope = texts[_i].scope;
	key.pattern = texts[_i].pattern;
	key.length = (uint32_t)strlen(texts[_i].text);
	memcpy(key.buffer, texts[_i].text, key.length);
	ck_assert_int_eq(feed_guard_check(&guard, &key, &fault), texts[_i].status);
	ck_assert_int_eq(feed_guard_check(&guard, &key, NULL), texts[_i].status);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int
main(void)
{
	Suite *suite = suite_create("feed_guard");
	TCase *test = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(test, prefix_lengths, 0, ROWS(prefixes));
	tcase_add_loop_test(test, hash_of_the_empty_file, 0, 2);
	tcase_add_loop_test(test, names_and_patterns, 0, ROWS(texts));
	suite_add_tcase(suite, test);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
