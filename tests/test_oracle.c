/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine against its naive twin (tests/model.h), a short run for every
 * variant; tests/oracle_engine.c is the long one. ORACLE_LOOKUPS changes the
 * length, ORACLE_SEED and ORACLE_SET replay (tests/judge.h).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/judge.h"

static uint64_t seed;

/* A set made by hand, one claim a line: kind, scope, source, key. */
struct line {
	enum model_kind kind;
	uint8_t scope;
	uint32_t source;
	const char *text;
};

static void
put_line(struct set *set, const struct line *line)
{
	struct model_claim claim = {
		.key = model_key(line->kind, line->text, strlen(line->text)),
		.scope = line->scope, .source = line->source, .set = line->source % SETS_TAGS,
		.expires = SETS_NOW + 10, .first_seen = SETS_NOW - 10, .last_seen = SETS_NOW,
	};

	model_put(&set->model, &claim);
}

/* All of `lines`, then the queries near them. */
static void
judge_lines(const struct line *lines, size_t count, uint64_t lookups)
{
	struct judge_tally tally = { 0 };
	struct set set;

	set_init(&set, seed);
	for (size_t i = 0; i < count; i++)
		put_line(&set, &lines[i]);
	judge_set(&set, seed, lookups, &tally);
	set_fini(&set);
}
#define JUDGE_LINES(lines) judge_lines(lines, sizeof(lines) / sizeof((lines)[0]), 5000)

START_TEST(twin_knows_its_rules)
{
	static const struct {
		struct line claim;
		const char *query;
		bool covers;
	} rows[] = {
		{ { MODEL_IPV4, 1, 0, "192.0.2.0/24" }, "192.0.2.255", true },
		{ { MODEL_IPV4, 1, 0, "192.0.2.0/24" }, "192.0.3.0", false },
		{ { MODEL_IPV4, 1, 0, "192.0.2.0/24" }, "192.0.2.0/23", false },
		{ { MODEL_IPV4, 1, 0, "0.0.0.0/0" }, "255.255.255.255", true },
		{ { MODEL_IPV6, 1, 0, "2001:db8::/33" }, "2001:db8:7fff::1", true },
		{ { MODEL_IPV6, 1, 0, "2001:db8::/33" }, "2001:db8:8000::1", false },
		{ { MODEL_IPV6, 1, 0, "::ffff:192.0.2.1" }, "0:0:0:0:0:ffff:c000:201", true },
		{ { MODEL_DOMAIN, 1, 0, "bad.com" }, "bad.com", true },
		{ { MODEL_DOMAIN, 1, 0, "bad.com" }, "a.bad.com", false },
		{ { MODEL_DOMAIN, 2, 0, "bad.com" }, "bad.com", false },
		{ { MODEL_DOMAIN, 2, 0, "bad.com" }, "a.b.bad.com", true },
		{ { MODEL_DOMAIN, 3, 0, "bad.com" }, "notbad.com", false },
		{ { MODEL_URL, 3, 0, "http://a/b" }, "http://a/b?x", true },
		{ { MODEL_URL, 3, 0, "http://a/b" }, "http://a/b/c?y", true },
		{ { MODEL_URL, 3, 0, "http://a/b" }, "http://a/bc", false },
		{ { MODEL_URL, 3, 0, "http://a/b/" }, "http://a/b", false },
		{ { MODEL_URL, 2, 0, "http://a/b/" }, "http://a/b/?x", true },
		{ { MODEL_URL, 1, 0, "http://a/b" }, "http://a/b/", false },
		{ { MODEL_URL, 1, 0, "\\*/b?x" }, "http://a/b?x", true },
		{ { MODEL_URL, 1, 0, "\\*/b?x" }, "http://a/b?xy", false },
		{ { MODEL_URL, 1, 0, "http://a\\*" }, "http://a.com/", true },
		{ { MODEL_URL, 1, 0, "\\*evil\\*" }, "http://devil.com/", true },
		{ { MODEL_SHA1, 1, 0, "00000000000000000000000000000000000000ff" },
		  "00000000000000000000000000000000000000fe", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct line *line = &rows[i].claim;
		struct model_claim claim = { .scope = line->scope,
			.key = model_key(line->kind, line->text, strlen(line->text)) };
		struct model_key query = model_key(line->kind, rows[i].query,
						   strlen(rows[i].query));
		struct model_answer answer;
		ck_assert_msg(model_covers(&claim, &query, &answer) == rows[i].covers,
			      "%s and %s", line->text, rows[i].query);
	}
}
END_TEST

/* The two ways of the twin share the covering rule, not the search. */
START_TEST(twin_agrees_with_itself)
{
	static struct model_answer linear[MODEL_ANSWERS], sorted[MODEL_ANSWERS];
	char text[MODEL_TEXT_BYTES];

	for (uint64_t i = 0; i < 40; i++) {
		struct set set;
		set_init(&set, seed + i);
		set_fill_large(&set, 60);
		for (unsigned j = 0; j < 500; j++) {
			enum model_kind kind = set_kind(&set);
			struct model_key key = model_key(kind, text, set_query(&set, kind, text));
			size_t count = model_answer(&set.model, &key, SETS_NOW, linear);
			ck_assert_uint_eq(count, model_answer_sorted(&set.model, &key, SETS_NOW,
								     sorted));
			for (size_t k = 0; k < count; k++)
				ck_assert(linear[k].claim == sorted[k].claim &&
					  linear[k].exact == sorted[k].exact &&
					  linear[k].specific == sorted[k].specific);
		}
		set_fini(&set);
	}
}
END_TEST

START_TEST(prefixes_nested_to_the_full)
{
	struct judge_tally tally = { 0 };
	char text[64];
	struct set set;

	set_init(&set, seed);
	set.kinds = 3;
	for (unsigned bits = 0; bits <= 128; bits++) {
		struct line line = { MODEL_IPV6, 1, bits % 3, text };
		snprintf(text, sizeof(text), "0:0:0:0:0:0:0:0/%u", bits);
		put_line(&set, &line);
		snprintf(text, sizeof(text), "0.0.0.0/%u", bits);
		line.kind = MODEL_IPV4;
		if (bits <= 32)
			put_line(&set, &line);
	}
	memset(set.ipv4, 0, sizeof(set.ipv4));
	memset(set.ipv6, 0, sizeof(set.ipv6));
	judge_set(&set, seed, 20000, &tally);
	ck_assert_uint_gt(tally.answers, 20000);
	set_fini(&set);
}
END_TEST

START_TEST(host_and_prefix_at_one_address)
{
	static const struct line lines[] = {
		{ MODEL_IPV4, 1, 0, "10.0.0.0" }, { MODEL_IPV4, 1, 1, "10.0.0.0/31" },
		{ MODEL_IPV4, 1, 0, "10.0.0.0/8" }, { MODEL_IPV4, 1, 2, "10.0.0.1" },
		{ MODEL_IPV4, 1, 0, "0.0.0.0/0" }, { MODEL_IPV4, 1, 0, "255.255.255.255" },
		{ MODEL_IPV6, 1, 0, "2001:db8:0:0:0:0:0:0" }, { MODEL_IPV6, 1, 0, "2001:db8:0:0:0:0:0:0/64" },
		{ MODEL_IPV6, 1, 1, "2001:db8:0:0:0:0:0:0/48" }, { MODEL_IPV6, 1, 1, "2001:db8:0:0:0:0:0:0/49" },
		{ MODEL_IPV6, 1, 1, "2001:db8:0:0:0:0:0:0/127" }, { MODEL_IPV6, 1, 1, "0:0:0:0:0:0:0:0/0" },
	};
	JUDGE_LINES(lines);
}
END_TEST

START_TEST(all_scopes_at_one_name)
{
	static const struct line lines[] = {
		{ MODEL_DOMAIN, 1, 0, "a.com" }, { MODEL_DOMAIN, 2, 0, "a.com" },
		{ MODEL_DOMAIN, 3, 0, "a.com" }, { MODEL_DOMAIN, 1, 1, "a.com" },
		{ MODEL_DOMAIN, 2, 2, "com" }, { MODEL_DOMAIN, 1, 3, "b.a.com" },
		{ MODEL_DOMAIN, 2, 3, "c.b.a.com" }, { MODEL_DOMAIN, 1, 3, "aa.com" },
	};
	JUDGE_LINES(lines);
}
END_TEST

START_TEST(url_ancestors_with_and_without_slash)
{
	static const struct line lines[] = {
		{ MODEL_URL, 3, 0, "http://a.com/" }, { MODEL_URL, 2, 1, "http://a.com/" },
		{ MODEL_URL, 3, 0, "http://a.com/b" }, { MODEL_URL, 3, 1, "http://a.com/b/" },
		{ MODEL_URL, 1, 0, "http://a.com/b/c" }, { MODEL_URL, 2, 0, "http://a.com/b/c/" },
		{ MODEL_URL, 1, 0, "http://a.com/b?x" }, { MODEL_URL, 1, 0, "http://a.com/b/?x" },
		{ MODEL_URL, 1, 0, "http://a.com/?x=/a/b" }, { MODEL_URL, 3, 0, "https://a.com/b" },
		{ MODEL_URL, 3, 0, "http://b.a.com/b" }, { MODEL_URL, 3, 0, "http://c.a.com/b" },
		{ MODEL_URL, 3, 0, "http://[2001:db8::1]/b" }, { MODEL_URL, 3, 0, "http://192.0.2.1/" },
	};
	JUDGE_LINES(lines);
}
END_TEST

START_TEST(sms_patterns)
{
	static const struct line lines[] = {
		{ MODEL_URL, 1, 0, "\\*.exe" }, { MODEL_URL, 1, 0, "http://a.com/b\\*" },
		{ MODEL_URL, 1, 0, "\\*a.com\\*" }, { MODEL_URL, 1, 1, "\\*a.com\\*" },
		{ MODEL_URL, 1, 0, "\\*/a/a/\\*" }, { MODEL_URL, 1, 0, "\\*?x=1" },
		{ MODEL_URL, 3, 0, "http://a.com/b" }, { MODEL_URL, 1, 0, "http\\*" },
		{ MODEL_URL, 1, 0, "\\*http://a.com/\\*" }, { MODEL_URL, 1, 0, "\\*://a.com/" },
	};
	JUDGE_LINES(lines);
}
END_TEST

START_TEST(many_sources_on_one_key)
{
	struct judge_tally tally = { 0 };
	struct set set;

	set_init(&set, seed);
	for (uint32_t source = 0; source < SETS_SOURCES; source++)
		for (uint8_t scope = 1; scope <= 3; scope++) {
			struct line line = { MODEL_DOMAIN, scope, source, "many.example" };
			put_line(&set, &line);
			line = (struct line){ MODEL_IPV4, 1, source, "192.0.2.0/24" };
			put_line(&set, &line);
		}
	judge_set(&set, seed, 5000, &tally);
	set_fini(&set);
}
END_TEST

/* Alive while now < expiry: the second before, the second itself, the second after. */
START_TEST(expiry_to_the_second)
{
	static const uint64_t edges[] = { 1, SETS_NOW, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
					  253402300799, 0xffffffffff };
	struct judge_tally tally = { 0 };

	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		struct model_claim claim = { .key = model_key(MODEL_DOMAIN, "a.com", 5),
					     .scope = MODEL_TREE, .expires = edges[i] };
		struct fixture fixture;
		struct set set;
		set_init(&set, seed);
		model_put(&set.model, &claim);
		fixture_open(&fixture, &set.model, (struct hash_seed){{ 1, 2 }});
		for (int step = -1; step <= 1; step++) {
			uint64_t before = tally.listed;
			judge_query(&fixture, &set, "b.a.com", 7, MODEL_DOMAIN,
				    edges[i] + (uint64_t)(int64_t)step, &tally);
			ck_assert_uint_eq(tally.listed - before, step < 0);
		}
		fixture_close(&fixture);
		set_fini(&set);
	}
}
END_TEST

START_TEST(nothing_in_the_set)
{
	judge_lines(NULL, 0, 1000);
}
END_TEST

START_TEST(small_random_sets)
{
	struct judge_tally tally = { 0 };

	judge_small(seed, judge_number("ORACLE_LOOKUPS", 200000), &tally);
	judge_print("small sets", &tally);
	ck_assert_uint_gt(tally.lookups, 0);
}
END_TEST

START_TEST(large_random_set)
{
	struct judge_tally tally = { 0 };

	judge_large(seed, 20000, 20000, &tally);
	judge_print("large set", &tally);
	ck_assert_uint_gt(tally.listed, 1000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("oracle");
	TCase *cases = tcase_create("all");
	const TTest *const tests[] = {
		twin_knows_its_rules, twin_agrees_with_itself, nothing_in_the_set,
		prefixes_nested_to_the_full, host_and_prefix_at_one_address,
		all_scopes_at_one_name, url_ancestors_with_and_without_slash, sms_patterns,
		many_sources_on_one_key, expiry_to_the_second, small_random_sets, large_random_set,
	};

	seed = judge_seed();
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(cases, tests[i]);
	tcase_set_timeout(cases, 0);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
