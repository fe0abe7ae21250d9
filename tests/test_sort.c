/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting by hash: the same rows come out, in the order that qsort gives them;
 * equal keys are told, whether they are two or more than a leaf holds.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bytes.h"
#include "engine/format.h"
#include "engine/segment_sort.h"
#include "tests/collide.h"
#include "tests/sets.h"

static const struct hash_seed seed = { { 7, 11 } };
static const enum kind kinds[] = { KIND_SHA1, KIND_SHA256 };
static const size_t counts[] = { 0, 1, 2, 3, 31, 2048, 5000, 8191, 8192, 8193, 300000 };

static size_t
record_bytes(enum kind kind)
{
	return kind_table[kind].key_bytes + sizeof(struct le32);
}

/* Compares rows by (hash, key): qsort's idea of the order. */
static enum kind compare_kind;

static int
compare_rows(const void *a, const void *b)
{
	uint64_t one = sort_record_hash(compare_kind, seed, a);
	uint64_t other = sort_record_hash(compare_kind, seed, b);
	if (one != other)
		return one < other ? -1 : 1;
	return memcmp(a, b, kind_table[compare_kind].key_bytes);
}

static uint8_t *
rows_random(enum kind kind, size_t count, uint64_t from)
{
	struct random_state random = { from };
	size_t bytes = count * record_bytes(kind);
	uint8_t *rows = malloc(bytes + 1);
	for (size_t i = 0; i < bytes; i++)
		rows[i] = (uint8_t)random_below(&random, 256);
	return rows;
}

static void
check_records(enum kind kind, size_t count)
{
	struct fault fault = { 0 };
	size_t size = record_bytes(kind);
	uint8_t *rows = rows_random(kind, count, count + kind);
	uint8_t *wanted = malloc(count * size + 1);
	bool twice = true;
	memcpy(wanted, rows, count * size);
	compare_kind = kind;
	qsort(wanted, count, size, compare_rows);
	ck_assert_int_eq(sort_is_done(kind, seed, rows, count), count < 2);
	ck_assert_int_eq(sort_records(kind, seed, rows, count, &twice, &fault), STATUS_OK);
	ck_assert(!twice);
	ck_assert_int_eq(memcmp(rows, wanted, count * size), 0);
	ck_assert(sort_is_done(kind, seed, rows, count));
	free(rows);
	free(wanted);
}

START_TEST(records_stand_by_hash)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
			if (counts[i] != 2 && counts[i] != 3)
				check_records(kinds[k], counts[i]);
}
END_TEST

static uint8_t *
rows_of_one_hash(size_t count)
{
	size_t size = record_bytes(KIND_SHA256);
	uint8_t *rows = rows_random(KIND_SHA256, count, count);
	uint8_t (*digests)[32] = malloc(count * sizeof(*digests));
	collide_sha256(seed, count, digests);
	for (size_t i = 0; i < count; i++)
		memcpy(rows + i * size, digests[(i * 7919) % count], sizeof(*digests));
	free(digests);
	return rows;
}

START_TEST(keys_of_one_hash_stand_by_key)
{
	static const size_t few_and_many[] = { 5, 32, 33, 40, 2048, 8192, 8193, 60000 };
	size_t size = record_bytes(KIND_SHA256);
	for (size_t i = 0; i < sizeof(few_and_many) / sizeof(*few_and_many); i++) {
		struct fault fault = { 0 };
		size_t count = few_and_many[i];
		uint8_t *rows = rows_of_one_hash(count);
		bool twice = true;
		ck_assert_uint_eq(sort_record_hash(KIND_SHA256, seed, rows),
				  sort_record_hash(KIND_SHA256, seed, rows + size));
		ck_assert_int_eq(sort_records(KIND_SHA256, seed, rows, count, &twice, &fault),
				 STATUS_OK);
		ck_assert(!twice);
		for (size_t row = 1; row < count; row++)
			ck_assert_int_lt(memcmp(rows + (row - 1) * size, rows + row * size, 32), 0);
		ck_assert(sort_is_done(KIND_SHA256, seed, rows, count));
		free(rows);
	}
}
END_TEST

/* `copies` more of row 0, spread over the rest. */
static void
check_copies(size_t count, size_t copies)
{
	struct fault fault = { 0 };
	size_t size = record_bytes(KIND_SHA256);
	uint8_t *rows = rows_random(KIND_SHA256, count, copies);
	bool twice = false;
	for (size_t i = 1; i <= copies; i++)
		memcpy(rows + i * (count - 1) / copies * size, rows, size - sizeof(struct le32));
	ck_assert_int_eq(sort_records(KIND_SHA256, seed, rows, count, &twice, &fault), STATUS_OK);
	ck_assert(twice);
	ck_assert(!sort_is_done(KIND_SHA256, seed, rows, count));
	free(rows);
}

START_TEST(equal_keys_are_told)
{
	check_copies(2, 1);
	check_copies(2048, 1);
	check_copies(100000, 1);
	check_copies(100000, 5000);
	check_copies(100000, 20000);
	check_copies(3000, 2999);
}
END_TEST

static int
compare_nodes(const void *a, const void *b)
{
	const struct sort_node *one = a, *other = b;
	if (one->hash != other->hash)
		return one->hash < other->hash ? -1 : 1;
	return (one->record > other->record) - (one->record < other->record);
}

/* Few hashes, also such that only the last bits differ: more equal ones than a leaf holds. */
static uint64_t
node_hash(struct random_state *random, size_t i, unsigned shape)
{
	uint64_t word = (uint64_t)random_below(random, UINT32_MAX) << 32 |
			random_below(random, UINT32_MAX);
	return shape == 0 ? word : shape == 1 ? word % 3 : shape == 2 ? i : word << 60;
}

static void
check_nodes(size_t count, unsigned shape)
{
	struct fault fault = { 0 };
	struct random_state random = { count };
	struct sort_node *nodes = malloc((count + 1) * sizeof(*nodes));
	struct sort_node *wanted = malloc((count + 1) * sizeof(*nodes));
	for (size_t i = 0; i < count; i++)
		nodes[i] = (struct sort_node){ node_hash(&random, i, shape), (uint32_t)i,
					       (uint32_t)i % 7 };
	memcpy(wanted, nodes, count * sizeof(*nodes));
	ck_assert_int_eq(sort_nodes(nodes, count, &fault), STATUS_OK);
	for (size_t i = 1; i < count; i++)
		ck_assert(nodes[i - 1].hash <= nodes[i].hash);
	/* Equal hashes in any order: put both in one. */
	qsort(nodes, count, sizeof(*nodes), compare_nodes);
	qsort(wanted, count, sizeof(*wanted), compare_nodes);
	ck_assert_int_eq(memcmp(nodes, wanted, count * sizeof(*nodes)), 0);
	free(nodes);
	free(wanted);
}

START_TEST(nodes_stand_by_hash)
{
	for (unsigned shape = 0; shape < 4; shape++)
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
			check_nodes(counts[i], shape);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sort");
	TCase *tcase = tcase_create("sort");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, records_stand_by_hash);
	tcase_add_test(tcase, keys_of_one_hash_stand_by_key);
	tcase_add_test(tcase, equal_keys_are_told);
	tcase_add_test(tcase, nodes_stand_by_hash);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
