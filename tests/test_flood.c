/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys chosen by one who knows the seed: the plain seed cannot place them, the build ends all the
 * same, its bytes are a function of the set, and the check finds them to be the builder's.
 * (How long it takes: bench/bench_flood.c.)
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/path.h"
#include "engine/segment_check.h"
#include "tests/collide.h"
#include "tests/fixture.h"

#define KEYS 6000
#define COLLIDING_ADDRESSES 300
#define KEY_BYTES 64

static const struct hash_seed seed = {{ 3, 5 }};

struct crowd {
	enum kind kind;
	size_t count;
	uint8_t bytes[KEYS][KEY_BYTES];
	size_t length[KEYS];
};

static void
crowd_key(const struct crowd *crowd, size_t i, struct key *key)
{
	const uint8_t *bytes = crowd->bytes[i];
	if (crowd->kind == KIND_IPV4)
		key_set_ipv4(key, be32_get(bytes), 32);
	else if (crowd->kind == KIND_IPV6)
		key_set_ipv6(key, bytes, 128);
	else if (kind_table[crowd->kind].key_bytes != 0)
		key_set_digest(key, crowd->kind, bytes);
	else
		ck_assert(key_borrow_text(key, crowd->kind, (const char *)bytes, crowd->length[i]));
}

/* Keys of one hash: all of SHA-256 and IPv6, runs of SHA-1. */
static void
crowd_collide(struct crowd *crowd, enum kind kind)
{
	static uint8_t digests[KEYS][32], short_digests[KEYS][20];
	static uint8_t addresses[COLLIDING_ADDRESSES][16];
	struct hash_seed own = path_seed(seed, kind, 0, 0);
	crowd->kind = kind;
	crowd->count = kind == KIND_IPV6 ? COLLIDING_ADDRESSES : KEYS;
	if (kind == KIND_IPV6)
		collide_ipv6(own, crowd->count, addresses);
	else if (kind == KIND_SHA1)
		collide_sha1(own, crowd->count, short_digests);
	else
		collide_sha256(own, crowd->count, digests);
	for (size_t i = 0; i < crowd->count; i++)
		memcpy(crowd->bytes[i], kind == KIND_IPV6 ? addresses[i]
			       : kind == KIND_SHA1 ? short_digests[i] : digests[i],
		       kind_table[kind].key_bytes);
}

static void
make_candidate(struct crowd *crowd, size_t at, uint32_t number)
{
	char *text = (char *)crowd->bytes[at];
	memset(text, 0, KEY_BYTES);
	if (crowd->kind == KIND_DOMAIN)
		crowd->length[at] = (size_t)snprintf(text, KEY_BYTES, "n%x.example", number);
	else if (crowd->kind == KIND_URL)
		crowd->length[at] = (size_t)snprintf(text, KEY_BYTES, "http://a.example/%x", number);
	else
		be32_put(crowd->bytes[at], number * 2654435761u);
}

static bool
in_few_lines(uint64_t hash)
{
	return hash >> 60 == 0;
}

static bool
of_few_tags(uint64_t hash)
{
	return (hash & FORMAT_SLOT_TAG) < 16;
}

/* Keys of chosen hashes (in a sixteenth of the lines, or of few tags), found by trying. */
static void
crowd_search(struct crowd *crowd, enum kind kind, bool (*is_chosen)(uint64_t hash))
{
	static struct key key;
	struct hash_seed own = path_seed(seed, kind, 0, 0);
	crowd->kind = kind;
	crowd->count = 0;
	for (uint32_t number = 1; crowd->count < KEYS; number++) {
		struct path path;
		struct path_step step = {0};
		make_candidate(crowd, crowd->count, number);
		crowd_key(crowd, crowd->count, &key);
		path_init(&path, own, 0, NULL, &key);
		while (kind != KIND_IPV4 && path_next(&path, &step))
			;
		uint64_t hash = kind == KIND_IPV4 ? path_host(own, be32_get(key.bytes)) : step.hash;
		crowd->count += is_chosen(hash);
	}
}

/* --- building ------------------------------------------------------------------------- */

/* From key `first` on, each `stride` after; `again`: the first once more at the end. */
static enum status
build_put(const struct crowd *crowd, size_t first, size_t stride, bool again,
	  struct segment_build **build, struct fault *fault)
{
	static struct key key;
	struct claim claim = { .scope = SCOPE_EXACT, .expires = 1900000000 };
	uint32_t list;
	enum status status = segment_build_new(seed, false, build, fault);
	ck_assert_int_eq(status, STATUS_OK);
	ck_assert_int_eq(segment_build_source(*build, "a", 1, &claim.source, fault), STATUS_OK);
	ck_assert_int_eq(segment_build_claims(*build, &claim, 1, &list, fault), STATUS_OK);
	for (size_t i = 0; status == STATUS_OK && i < crowd->count + again; i++) {
		crowd_key(crowd, (first + i * stride) % crowd->count, &key);
		status = segment_build_put(*build, &key, list, fault);
	}
	return status;
}

static void
build_file(const struct crowd *crowd, size_t first, size_t stride, const char *path,
	   struct file_map *map)
{
	struct fault fault = { 0 };
	struct segment_build *build;
	fixture_need(build_put(crowd, first, stride, false, &build, &fault), &fault, "put");
	fixture_write(build, path);
	segment_build_free(build);
	fixture_need(file_map_open(path, map, &fault), &fault, path);
}

static const struct info_kind_d *
info_of(const struct segment *segment, enum kind kind)
{
	struct section section;
	ck_assert(container_section(&segment->container, FORMAT_INFO, &section));
	return &((const struct info_d *)section.bytes)->kind[kind];
}

/* The salt of a good file that has all of the crowd. */
static uint64_t
check_file(const struct crowd *crowd, const struct file_map *map)
{
	static struct key key;
	struct fault fault = { 0 };
	struct segment segment;
	fixture_need(segment_attach(&segment, map->bytes, map->length, &fault), &fault, "attach");
	fixture_need(segment_check(&segment, &fault), &fault, "check");
	for (size_t i = 0; i < crowd->count; i++) {
		crowd_key(crowd, i, &key);
		if (segment_find(&segment, &key) == SEGMENT_NONE)
			ck_abort_msg("%s %zu is not found", kind_name(crowd->kind), i);
	}
	const struct info_kind_d *info = info_of(&segment, crowd->kind);
	ck_assert_uint_eq(le32_get(info->reseeds), 1);
	return le64_get(info->salt);
}

/* Salts are of use only if seeds hang on them. */
static void
check_salts(enum kind kind, uint64_t salt, uint64_t other)
{
	struct hash_seed one = path_seed(seed, kind, 1, salt), two = path_seed(seed, kind, 1, other);
	ck_assert_uint_ne(salt, 0);
	ck_assert_uint_ne(salt, other);
	ck_assert_uint_ne(one.word[0], two.word[0]);
	ck_assert_uint_ne(one.word[1], two.word[1]);
}

static void
check_crowd(struct crowd *crowd)
{
	struct file_map map, other;
	char *path = fixture_path("flood"), *other_path = fixture_path("flood-other");
	build_file(crowd, 0, 1, path, &map);
	build_file(crowd, 17, 7919, other_path, &other);
	ck_assert_uint_eq(map.length, other.length);
	ck_assert_int_eq(memcmp(map.bytes, other.bytes, map.length), 0);
	uint64_t salt = check_file(crowd, &map);
	file_map_close(&other);
	crowd->count--; /* another set, another salt */
	build_file(crowd, 0, 1, other_path, &other);
	check_salts(crowd->kind, salt, check_file(crowd, &other));
	file_map_close(&other);
	file_map_close(&map);
	unlink(path);
	unlink(other_path);
	free(path);
	free(other_path);
}

static void
check_twice(const struct crowd *crowd)
{
	struct fault fault = { 0 };
	struct segment_build *build;
	struct file_out *out;
	uint8_t sha256[32];
	char *path = fixture_path("flood-twice");
	fixture_need(build_put(crowd, 1, 1, true, &build, &fault), &fault, "put");
	fixture_need(file_out_open(path, &out, &fault), &fault, path);
	ck_assert_int_eq(segment_build_write(build, out, sha256, &fault), STATUS_USAGE);
	file_out_abort(out);
	segment_build_free(build);
	free(path);
}

static const enum kind colliding[] = { KIND_IPV6, KIND_SHA1, KIND_SHA256 };
static const enum kind searched[] = { KIND_IPV4, KIND_DOMAIN, KIND_URL };
static struct crowd crowd;

START_TEST(keys_of_one_hash_are_placed)
{
	crowd_collide(&crowd, colliding[_i]);
	check_twice(&crowd);
	check_crowd(&crowd);
}
END_TEST

START_TEST(keys_of_few_lines_are_placed)
{
	crowd_search(&crowd, searched[_i], in_few_lines);
	check_twice(&crowd);
	check_crowd(&crowd);
}
END_TEST

/* Not of IPv4, whose lines have whole addresses. */
START_TEST(keys_of_few_tags_are_placed)
{
	crowd_search(&crowd, searched[_i], of_few_tags);
	check_crowd(&crowd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("flood");
	TCase *cases = tcase_create("all");
	tcase_add_loop_test(cases, keys_of_one_hash_are_placed, 0, 3);
	tcase_add_loop_test(cases, keys_of_few_lines_are_placed, 0, 3);
	tcase_add_loop_test(cases, keys_of_few_tags_are_placed, 1, 3);
	tcase_set_timeout(cases, 120);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
