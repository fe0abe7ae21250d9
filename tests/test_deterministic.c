/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a segment are a function of its entries and the seed: the same
 * set in any order of calls, with any interned sources and tags that no key
 * uses, gives the same file. Another seed gives another file with the same
 * answers.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/judge.h"

#define SETS 60
#define ORDERS 6

static uint64_t seed;

/* Sources, tags and claims that no key uses, between the real ones. */
static void
intern_noise(struct segment_build *build, struct random_state *random)
{
	struct fault fault = { 0 };
	const char *name = set_source_name(random_below(random, SETS_SOURCES));
	char other[32];
	uint32_t id;
	size_t length;
	const uint8_t *tags = set_tags(random_below(random, SETS_TAGS), random_chance(random, 50),
				       &length);

	snprintf(other, sizeof(other), "unused-%u", random_below(random, 1000));
	fixture_need(segment_build_source(build, name, strlen(name), &id, &fault), &fault, "noise");
	fixture_need(segment_build_source(build, other, strlen(other), &id, &fault), &fault, "noise");
	struct claim claim = { .source = id, .scope = SCOPE_EXACT, .expires = 1 };
	fixture_need(segment_build_tags(build, tags, length, &claim.set, &fault), &fault, "noise");
	fixture_need(segment_build_claims(build, &claim, 1, &id, &fault), &fault, "noise");
}

/* The file's bytes, in memory of their own. */
static uint8_t *
bytes_of(const struct model *model, struct hash_seed hash, struct random_state *shuffle,
	 bool noise, size_t *length)
{
	struct fault fault = { 0 };
	struct segment_build *build;
	struct file_map map;
	char *path = fixture_path("deterministic");

	fixture_need(segment_build_new(hash, false, &build, &fault), &fault, "build");
	if (noise)
		intern_noise(build, shuffle);
	fixture_put_all(build, model, shuffle);
	if (noise)
		intern_noise(build, shuffle);
	fixture_write(build, path);
	segment_build_free(build);
	fixture_need(file_map_open(path, &map, &fault), &fault, path);
	uint8_t *bytes = malloc(map.length);
	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes, map.bytes, map.length);
	*length = map.length;
	file_map_close(&map);
	unlink(path);
	free(path);
	return bytes;
}

static void
compare_orders(const struct model *model, struct hash_seed hash, struct random_state *random,
	       unsigned orders)
{
	size_t length, other_length;
	uint8_t *bytes = bytes_of(model, hash, NULL, false, &length);

	for (unsigned order = 0; order < orders; order++) {
		uint8_t *other = bytes_of(model, hash, random, order % 2 == 1, &other_length);
		ck_assert_uint_eq(length, other_length);
		for (size_t i = 0; i < length; i++) /* each ck_assert is a write */
			if (bytes[i] != other[i])
				ck_abort_msg("order %u: byte %zu differs", order, i);
		free(other);
	}
	free(bytes);
}

START_TEST(any_order_gives_the_same_bytes)
{
	for (uint64_t i = 0; i < SETS; i++) {
		struct hash_seed hash = {{ i, seed }};
		struct set set;
		set_init(&set, seed + i);
		set_fill(&set, random_below(&set.random, 80));
		compare_orders(&set.model, hash, &set.random, ORDERS);
		set_fini(&set);
	}
}
END_TEST

START_TEST(any_order_of_a_large_set)
{
	struct hash_seed hash = {{ 7, seed }};
	struct set set;

	set_init(&set, seed);
	set.kinds = 63;
	set.spread = 12;
	set.pattern_percent = 5;
	set_fill_large(&set, 30000);
	compare_orders(&set.model, hash, &set.random, 3);
	set_fini(&set);
}
END_TEST

START_TEST(another_seed_other_bytes_same_answers)
{
	struct judge_tally tally = { 0 };
	struct set set;
	size_t length, other_length;

	set_init(&set, seed);
	set.kinds = 63;
	set_fill(&set, 60);
	uint8_t *bytes = bytes_of(&set.model, (struct hash_seed){{ 1, 1 }}, NULL, false, &length);
	uint8_t *other = bytes_of(&set.model, (struct hash_seed){{ 1, 2 }}, NULL, false,
				  &other_length);
	ck_assert(length != other_length || memcmp(bytes, other, length) != 0);
	for (uint64_t hash = 1; hash < 8; hash++)
		judge_set(&set, hash, 2000, &tally); /* its seed follows from the second argument */
	free(bytes);
	free(other);
	set_fini(&set);
}
END_TEST

/* A claim more, or one second: the file is another one. */
START_TEST(another_entry_other_bytes)
{
	struct hash_seed hash = {{ 3, 4 }};
	struct set set;
	size_t length, other_length;

	set_init(&set, seed);
	set_fill(&set, 40);
	uint8_t *bytes = bytes_of(&set.model, hash, NULL, false, &length);
	set.model.claims[0].expires ^= 1;
	uint8_t *other = bytes_of(&set.model, hash, NULL, false, &other_length);
	ck_assert(length != other_length || memcmp(bytes, other, length) != 0);
	free(other);
	free(bytes);
	set_fini(&set);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("deterministic");
	TCase *cases = tcase_create("all");

	seed = judge_seed();
	tcase_add_test(cases, any_order_gives_the_same_bytes);
	tcase_add_test(cases, any_order_of_a_large_set);
	tcase_add_test(cases, another_seed_other_bytes_same_answers);
	tcase_add_test(cases, another_entry_other_bytes);
	tcase_set_timeout(cases, 0);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
