/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches against single questions: for every kind and every instruction set,
 * mixed batches of hits, covering keys, near misses and misses must give what
 * segment_collect gives for each query alone. Texts stand at the edge of memory that can
 * be read.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/segment_build.h"
#include "engine/segment_many.h"

#define ENTRIES 40000
#define QUERIES 20000

static uint64_t state = 0x9e3779b97f4a7c15ull;

static uint64_t
next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static struct file_map maps[2];
static struct segment segment, other; /* `other`: other keys of the same universe, other top labels */
static unsigned first_top;

/* A key of a small universe, so that queries meet entries, their parents and their neighbours. */
static void
random_key(enum kind kind, bool entry, struct key *key, char text[256])
{
	uint64_t r = next_random();
	uint8_t bytes[32] = {0};
	unsigned n = (unsigned)(r >> 32);
	for (int i = 0; i < 4; i++) {
		uint64_t word = (r % 30011) * (0x9e3779b97f4a7c15ull + (uint64_t)i);
		memcpy(bytes + i * 8, &word, 8);
	}
	switch (kind) {
	case KIND_IPV4:
		key_set_ipv4(key, (uint32_t)(r % 60013) * 2654435761u,
			     entry && n % 64 == 0 ? 14 + n / 64 % 18 : 32);
		return;
	case KIND_IPV6: {
		static const uint8_t lengths[] = {128, 128, 64, 48, 32, 40, 56, 96, 127};
		for (int i = 6; i < 16; i++)
			bytes[i] &= 3;
		key_set_ipv6(key, bytes, entry ? lengths[n % sizeof(lengths)] : 128);
		return;
	}
	case KIND_DOMAIN:
		/* some longer than a vector, few of one label, whose top labels are few among many */
		if (n % 512 == 0)
			snprintf(text, 256, "t%u", (n / 512 % (entry ? 20 : 90) + (entry ? first_top : 0)) * 7);
		else
			snprintf(text, 256, "%.*s%.*sd%u.t%u", n % 16 == 0 ? 57 : 0,
				 "long-long-long-long-long-long-long.and-and-and-and-longer.",
				 (int)(n % 4) * 3, "aa.bb.cc.", (unsigned)(r % 20011),
				 (unsigned)(r % 20011 % 90) * 7);
		break;
	case KIND_URL:
		snprintf(text, 256, "http://%s%u.test/%.*s%s%s", n % 2 ? "w." : "",
			 (unsigned)(r % 3001), (int)(n % 4) * 2, "a/b/c/d/", n % 5 == 0 ? "x" : "",
			 n % 7 == 0 ? "?q=1" : "");
		break;
	default:
		key_set_digest(key, kind, bytes);
		return;
	}
	ck_assert(key_borrow_text(key, kind, text, strlen(text)));
}

static void
build_all(const char *path)
{
	struct segment_build *build;
	struct hash_seed seed = {{1, 2}};
	struct fault fault;
	struct file_out *out;
	uint8_t sha256[32];
	uint32_t source, lists[4];
	ck_assert_int_eq(segment_build_new(seed, false, &build, &fault), STATUS_OK);
	ck_assert_int_eq(segment_build_source(build, "s", 1, &source, &fault), STATUS_OK);
	for (unsigned scope = 1; scope <= 3; scope++) {
		struct claim claim = {.source = source, .scope = (uint8_t)scope, .expires = 10 + scope};
		ck_assert_int_eq(segment_build_claims(build, &claim, 1, &lists[scope], &fault), 0);
	}
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		/* Distinct keys: the k-th of a kind is taken if no earlier one equals it. */
		char (*seen)[256] = calloc(ENTRIES, sizeof(*seen));
		size_t count = 0;
		for (int i = 0; i < ENTRIES; i++) {
			struct key key;
			char text[256], shown[KEY_PRINT_BYTES];
			random_key(kind, true, &key, text);
			size_t length = key_print(&key, shown), slot = 5381;
			for (size_t j = 0; j < length; j++)
				slot = slot * 33 + (uint8_t)shown[j];
			for (slot %= ENTRIES; seen[slot][0] != 0; slot = (slot + 1) % ENTRIES)
				if (strcmp(seen[slot], shown) == 0)
					break;
			if (seen[slot][0] != 0 || count > ENTRIES * 3 / 4)
				continue;
			memcpy(seen[slot], shown, length + 1);
			count++;
			bool scoped = kind_table[kind].scoped;
			ck_assert_int_eq(segment_build_put(build, &key,
							   lists[scoped ? 1 + count % 3 : 1],
							   &fault), STATUS_OK);
		}
		free(seen);
	}
	ck_assert_int_eq(file_out_open(path, &out, &fault), STATUS_OK);
	ck_assert_int_eq(segment_build_write(build, out, sha256, &fault), STATUS_OK);
	ck_assert_int_eq(file_out_commit(out, &fault), STATUS_OK);
	segment_build_free(build);
}

static void
open_one(struct file_map *map, struct segment *opened)
{
	char path[64];
	struct fault fault;
	snprintf(path, sizeof(path), "/tmp/test_many.%ld.rps", (long)getpid());
	build_all(path);
	ck_assert_int_eq(file_map_open(path, map, &fault), STATUS_OK);
	unlink(path);
	ck_assert_int_eq(segment_attach(opened, map->bytes, map->length, &fault), STATUS_OK);
}

static void
setup(void)
{
	first_top = 0;
	open_one(&maps[0], &segment);
	first_top = 12;
	open_one(&maps[1], &other);
}

static void
teardown(void)
{
	file_map_close(&maps[0]);
	file_map_close(&maps[1]);
}

/* The most specific of what one question finds; exact wins over equal length. */
static void
expect_one(const struct key *key, const struct segment_best *best, const char *path, size_t i)
{
	struct segment_match match[LIMIT_COVERING];
	size_t count = segment_collect(&segment, key, match, LIMIT_COVERING), top = 0;
	for (size_t j = 1; j < count; j++)
		if (match[j].specific > match[top].specific)
			top = j;
	struct segment_best one;
	if (!segment_one(&segment, key, &one))
		one.claims = SEGMENT_NONE;
	ck_assert_msg(one.claims == best->claims &&
		      (count == 0 || (one.record == best->record && one.exact == best->exact &&
				      one.in_trie == best->in_trie && (!one.sole || count == 1))),
		      "%s, query %zu: one question and a batch differ", path, i);
	if (count == 0) {
		ck_assert_msg(best->claims == SEGMENT_NONE, "%s, query %zu: a miss was a hit", path, i);
		return;
	}
	ck_assert_msg(!best->sole || count == 1, "%s, query %zu: not the only one", path, i);
	ck_assert_msg(key->kind == KIND_IPV6 || best->sole == (count == 1),
		      "%s, query %zu: the only one, and not known", path, i);
	ck_assert_msg(best->claims == match[top].claims && best->record == match[top].record &&
		      best->in_trie == match[top].in_trie && best->exact == match[top].exact,
		      "%s, query %zu: batch and single differ", path, i);
}

/* Half of the batches find the hashes of others there, of another seed or not known. */
static struct segment_share *
fresh(struct segment_share *share)
{
	share->known = next_random() & 1;
	share->seed = (struct hash_seed){{1, 2}};
	share->near_count = 0;
	return share;
}

/* Rows to their lanes; each query has at most one. */
static void
by_lane(const struct segment_best *found, size_t rows, struct segment_best *best, size_t n)
{
	ck_assert_uint_le(rows, n);
	for (size_t i = 0; i < n; i++)
		best[i].claims = SEGMENT_NONE;
	for (size_t i = 0; i < rows; i++) {
		ck_assert_uint_lt(found[i].lane, n);
		ck_assert_uint_eq(best[found[i].lane].claims, SEGMENT_NONE);
		ck_assert_uint_ne(found[i].claims, SEGMENT_NONE);
		best[found[i].lane] = found[i];
	}
}

static void
expect_same(const struct segment_best *found, size_t rows, const struct segment_best *best, size_t n,
	    const char *how)
{
	struct segment_best again[SEGMENT_MANY_MOST];
	by_lane(found, rows, again, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(again[i].claims == best[i].claims &&
			      (best[i].claims == SEGMENT_NONE ||
			       (again[i].record == best[i].record && again[i].sole == best[i].sole)),
			      "query %zu: %s", i, how);
}

static size_t
ask_segment(const struct segment *asked, enum kind kind, const struct key *const *keys,
	    const uint8_t *bytes, size_t n, struct segment_share *share, struct segment_best *found)
{
	if (kind == KIND_DOMAIN)
		return segment_many_text(asked, kind, keys, n, share, found);
	return segment_many_digest(asked, kind, bytes, n, share, found);
}

/* The same again with hashes known, and two near ones looked at along: each says what it says by itself. */
static void
expect_shared(enum kind kind, const struct key *const *keys, const uint8_t *bytes, size_t n,
	      const struct segment_best *best)
{
	static struct segment_share share;
	struct segment_best found[SEGMENT_MANY_MOST], near[2][SEGMENT_MANY_MOST];
	struct segment_best alone[SEGMENT_MANY_MOST];
	ck_assert(segment_is_near(&segment, &other, kind) && segment_is_near(&segment, &segment, kind));
	share.known = false;
	share.near_count = 0;
	by_lane(found, ask_segment(&other, kind, keys, bytes, n, &share, found), alone, n);
	for (int known = 0; known < 2; known++) {
		share.known = share.known && known;
		share.near_count = 2;
		share.near[0] = (struct segment_near){&other, near[0], 0};
		share.near[1] = (struct segment_near){&segment, near[1], 0};
		expect_same(found, ask_segment(&segment, kind, keys, bytes, n, &share, found), best, n,
			    known ? "known hashes" : "with near ones");
		expect_same(near[0], share.near[0].count, alone, n, "another, near");
		expect_same(near[1], share.near[1].count, best, n, "itself, near");
	}
}

#define EDGE_BYTES 4096

/* Pages of texts between pages that cannot be read. */
static char *
edges_new(void)
{
	char *pages = mmap(NULL, (2 * SEGMENT_MANY_MOST + 1) * EDGE_BYTES, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(pages, MAP_FAILED);
	for (size_t i = 0; i < SEGMENT_MANY_MOST; i++)
		ck_assert_int_eq(mprotect(pages + (2 * i + 1) * EDGE_BYTES, EDGE_BYTES,
					  PROT_READ | PROT_WRITE), 0);
	return pages;
}

/* The key's text at the start or the end of its page. */
static void
to_edge(struct key *key, char *page)
{
	static struct key moved;
	if (kind_table[key->kind].key_bytes != 0)
		return;
	char *text = next_random() & 1 ? page : page + EDGE_BYTES - key->length;
	memcpy(text, key_text(key), key->length);
	ck_assert(key_borrow_text(&moved, (enum kind)key->kind, text, key->length));
	*key = moved;
}

/* `kinds` queries of one kind, in batches of uneven size. */
static void
compare(enum kind kind, const char *path)
{
	struct key *keys = calloc(SEGMENT_MANY_MOST, sizeof(*keys));
	const struct key **pointers = calloc(SEGMENT_MANY_MOST, sizeof(*pointers));
	char (*texts)[256] = calloc(SEGMENT_MANY_MOST, sizeof(*texts));
	struct segment_best found[SEGMENT_MANY_MOST], best[SEGMENT_MANY_MOST];
	uint8_t *bytes = calloc(SEGMENT_MANY_MOST, 32);
	uint32_t *ipv4 = calloc(SEGMENT_MANY_MOST, sizeof(*ipv4));
	static struct segment_share share;
	char *edges = edges_new();
	size_t listed = 0;
	for (size_t done = 0; done < QUERIES;) {
		size_t n = 1 + next_random() % SEGMENT_MANY_MOST, rows;
		size_t size = kind_table[kind].key_bytes;
		for (size_t i = 0; i < n; i++) {
			random_key(kind, false, &keys[i], texts[i]);
			to_edge(&keys[i], edges + (2 * i + 1) * EDGE_BYTES);
			pointers[i] = &keys[i];
			memcpy(bytes + i * (size ? size : 1), keys[i].bytes, size);
			ipv4[i] = be32_get(keys[i].bytes);
		}
		if (kind == KIND_IPV4)
			rows = segment_many_ipv4(&segment, ipv4, n, found);
		else if (kind == KIND_IPV6)
			rows = segment_many_ipv6(&segment, (const uint8_t (*)[16])bytes, n, found);
		else if (size == 0)
			rows = segment_many_text(&segment, kind, pointers, n, fresh(&share), found);
		else
			rows = segment_many_digest(&segment, kind, bytes, n, fresh(&share), found);
		by_lane(found, rows, best, n);
		if (kind == KIND_DOMAIN || kind == KIND_SHA1 || kind == KIND_SHA256)
			expect_shared(kind, pointers, bytes, n, best);
		for (size_t i = 0; i < n; i++) {
			listed += best[i].claims != SEGMENT_NONE;
			expect_one(&keys[i], &best[i], path, done + i);
		}
		done += n;
	}
	ck_assert_msg(listed > QUERIES / 20 && listed < QUERIES * 19 / 20,
		      "%s: %zu of %d listed says little", kind_name(kind), listed, QUERIES);
	free(keys);
	free(pointers);
	munmap(edges, (2 * SEGMENT_MANY_MOST + 1) * EDGE_BYTES);
	free(texts);
	free(bytes);
	free(ipv4);
}

START_TEST(batches_are_singles)
{
	const char *names[SEGMENT_MANY_PATHS];
	size_t paths = segment_many_paths(names);
	ck_assert_uint_ge(paths, 1);
	ck_assert_str_eq(names[paths - 1], "portable");
	for (size_t i = 0; i < paths; i++) {
		segment.many = other.many = segment_many_choose(names[i]);
		compare((enum kind)_i, names[i]);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("many");
	TCase *tests = tcase_create("batches");
	tcase_add_unchecked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, batches_are_singles, 0, KIND_COUNT);
	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
