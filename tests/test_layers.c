/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores of several layers against the naive twin: random histories of
 * transactions (put, replace, remove one source, remove a key, abort, reopen,
 * compact), and after each one the same answers through view_collect and
 * through every look-up call of the public library. The base is folded beside the transactions, some of
 * which come between the halves of that. A compacted store is, byte for byte, the segment
 * built from scratch. LAYERS_HISTORIES sets the length, ORACLE_SEED replays.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/store_state.h"
#include "query/repute.h"
#include "tests/judge.h"

#define TRANSACTIONS 14
#define QUERIES 150
#define TOUCHED 64

static uint64_t seed, asked, folded_beside;

/* --- a history ------------------------------------------------------------------- */

struct history {
	struct set set;
	char *directory;
	struct store *store;
	struct repute_db *db;
	struct model_key touched[TOUCHED];
	char text[TOUCHED][MODEL_TEXT_BYTES];
	size_t touched_count;
	struct store_compaction compaction;
	bool compacting;
};

static void
touch(struct history *history, const struct model_key *key)
{
	for (size_t i = 0; i < history->touched_count; i++)
		if (model_key_equal(&history->touched[i], key))
			return;
	char *text = history->text[history->touched_count];
	memcpy(text, key->text, key->length);
	history->touched[history->touched_count++] = model_key(key->kind, text, key->length);
}

/* One change of the twin. */
static void
change(struct history *history)
{
	struct set *set = &history->set;
	char text[MODEL_TEXT_BYTES];
	struct model_claim claim;

	set_claim(set, &claim, text);
	touch(history, &claim.key);
	if (random_chance(&set->random, 60))
		model_put(&set->model, &claim);
	else
		model_remove(&set->model, &claim.key,
			     random_chance(&set->random, 50) ? claim.source : UINT32_MAX);
}

static size_t
claims_of(const struct model *model, const struct model_key *key,
	  const struct model_claim **claims)
{
	size_t count = 0;

	for (size_t i = 0; i < model->count; i++)
		if (model_key_equal(&model->claims[i].key, key))
			claims[count++] = &model->claims[i];
	return count;
}

/*
 * Whole keys, as the store wants them; a removal also of keys that never were,
 * but not in a store without layers: a base holds none.
 */
static void
put_touched(struct history *history, struct store_write *write)
{
	const struct model_claim *claims[3 * SETS_SOURCES];
	struct segment_build *build = store_write_build(write);
	struct fault fault = { 0 };

	for (size_t i = 0; i < history->touched_count; i++) {
		size_t count = claims_of(&history->set.model, &history->touched[i], claims);
		struct key key;
		uint32_t id;
		if (count > 0)
			fixture_put(build, claims, count);
		if (count > 0 || store_write_view(write)->layer_count == 0)
			continue;
		fixture_key(&history->touched[i], &key);
		fixture_need(segment_build_claims(build, NULL, 0, &id, &fault), &fault, "removal");
		fixture_need(segment_build_put(build, &key, id, &fault), &fault, "removal");
	}
}

static void
put_sources(struct store_write *write)
{
	struct fault fault = { 0 };
	struct source_row *row;

	for (uint32_t i = 0; i < SETS_SOURCES; i++) {
		const char *name = set_source_name(i);
		fixture_need(catalog_source_put(store_write_catalog(write), name, strlen(name), &row,
						&fault), &fault, name);
	}
	store_write_touch(write);
}

static void
transaction(struct history *history, bool first, bool compact)
{
	struct hash_seed hash = {{ seed, 5 }};
	struct model before;
	struct store_write *write;
	struct fault fault = { 0 };
	uint64_t generation;
	struct random_state *random = &history->set.random;
	/* a large base and mostly small changes: else a commit folds all into one at once */
	unsigned changes = first ? TOUCHED - 1
				 : 1 + random_below(random, random_chance(random, 80) ? 4 : TOUCHED - 1);

	fixture_need(store_write_begin(history->directory, false, &hash, &write, &fault), &fault,
		     "begin");
	if (first)
		put_sources(write);
	model_copy(&history->set.model, &before);
	history->touched_count = 0;
	for (unsigned i = 0; i < changes; i++)
		change(history);
	put_touched(history, write);
	if (!first && !compact && random_chance(random, 15)) {
		store_write_abort(write);
		model_fini(&history->set.model);
		history->set.model = before;
		return;
	}
	model_fini(&before);
	fixture_need(store_write_commit(write, SETS_NOW, compact, &generation, &fault), &fault,
		     "commit");
}

/* --- judging a view ----------------------------------------------------------------- */

static struct fixture_answers got;
static struct model_answer wanted[MODEL_ANSWERS];

static void __attribute__((noreturn))
differs(const char *who, const struct history *history, const char *text, size_t length,
	size_t count)
{
	fprintf(stderr, "ORACLE_SEED=%llu: %s and the twin differ, %zu and %zu answers, query %.*s\n",
		(unsigned long long)seed, who, got.count, count, (int)length, text);
	for (size_t i = 0; i < count; i++)
		set_print_claim(wanted[i].claim);
	fprintf(stderr, "all claims:\n");
	for (size_t i = 0; i < history->set.model.count; i++)
		set_print_claim(&history->set.model.claims[i]);
	abort();
}

/* Most specific first is promised; what is equally specific comes in any order. */
static bool
order_is_right(size_t count)
{
	if (count != got.count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (model_rank(&wanted[i], &got.answer[i]) != 0)
			return false;
	return true;
}

static void
ask_view(const struct history *history, const struct view *view,
	 const struct fixture_words *words, const char *text, size_t length, enum model_kind kind,
	 uint64_t now)
{
	static struct view_match matches[LIMIT_LAYERS * LIMIT_COVERING];
	struct model_key from = model_key(kind, text, length);
	size_t count = model_answer(&history->set.model, &from, now, wanted), hits;
	struct key key;

	fixture_key(&from, &key);
	hits = view_collect(view, &key, matches, LIMIT_LAYERS * LIMIT_COVERING);
	got.count = 0;
	for (size_t i = 0; i < hits; i++) {
		if (matches[i].match.claims == SEGMENT_REMOVED)
			differs("view_collect (a removed key)", history, text, length, count);
		fixture_take(&got, &view->layer[matches[i].layer].segment,
			     &words[matches[i].layer], &matches[i].match, now);
	}
	if (!order_is_right(count) || !fixture_same(wanted, count, &got))
		differs("view_collect", history, text, length, count);
}

/* A hit of the public library as an answer of the twin; tags are judged through the view. */
static void
hit_take(const struct repute_view *view, const struct repute_hit *hit, const struct model *model)
{
	struct repute_key key;
	char text[MODEL_TEXT_BYTES];
	struct model_claim *to = &got.claim[got.count];

	ck_assert(repute_hit_key(view, hit, &key) == REPUTE_OK);
	struct model_key from = model_key(hit->kind, text, repute_key_print(&key, text, sizeof(text)));
	memset(to, 0, sizeof(*to));
	for (size_t i = 0; i < model->count; i++) {
		const struct model_claim *claim = &model->claims[i];
		const char *name = set_source_name(claim->source);
		if (claim->scope != hit->scope || strlen(name) != hit->source_length ||
		    memcmp(name, hit->source, hit->source_length) != 0 ||
		    !model_key_equal(&claim->key, &from))
			continue;
		*to = *claim;
	}
	to->expires = hit->expires;
	to->first_seen = hit->first_seen;
	to->last_seen = hit->last_seen;
	bool wide = hit->kind == REPUTE_DOMAIN || hit->kind == REPUTE_URL;
	got.answer[got.count++] = (struct model_answer){
		to, hit->exact && !to->key.pattern,
		wide ? (uint32_t)to->key.literal_length : to->key.bits };
}

static bool
hit_same(const struct repute_hit *a, const struct repute_hit *b)
{
	if (!a->found || !b->found)
		return a->found == b->found;
	return a->exact == b->exact && a->embedded == b->embedded && a->kind == b->kind &&
	       a->scope == b->scope && a->expires == b->expires && a->source == b->source &&
	       a->opaque_small.layer == b->opaque_small.layer && a->opaque.record == b->opaque.record;
}

static enum repute_status
find_value(const struct repute_view *view, const struct model_key *key, uint64_t now,
	   struct repute_hit *hit)
{
	if (key->kind == MODEL_IPV4)
		return repute_find_ipv4(view, be32_get(key->bytes), now, hit);
	if (key->kind == MODEL_IPV6)
		return repute_find_ipv6(view, key->bytes, now, hit);
	if (key->kind == MODEL_SHA1)
		return repute_find_sha1(view, key->bytes, now, hit);
	return repute_find_sha256(view, key->bytes, now, hit);
}

static enum repute_status
find_raw(const struct repute_view *view, const struct model_key *key, uint64_t now,
	 struct repute_hit *hit)
{
	uint32_t address = be32_get(key->bytes);

	if (key->kind == MODEL_IPV4)
		return repute_find_ipv4_many(view, &address, 1, now, hit);
	if (key->kind == MODEL_IPV6)
		return repute_find_ipv6_many(view, (const uint8_t (*)[16])key->bytes, 1, now, hit);
	if (key->kind == MODEL_SHA1)
		return repute_find_sha1_many(view, (const uint8_t (*)[20])key->bytes, 1, now, hit);
	return repute_find_sha256_many(view, (const uint8_t (*)[32])key->bytes, 1, now, hit);
}

/* repute_find, _many and the raw forms say what repute_find_all says first. */
static void
ask_one(const struct repute_view *view, const struct repute_key *key, const struct model_key *from,
	uint64_t now, const struct repute_hit *first)
{
	static struct repute_key keys[3];
	struct repute_hit hit, many[3];
	bool address = from->kind == MODEL_IPV4 || from->kind == MODEL_IPV6;

	ck_assert(repute_find(view, key, now, &hit) == REPUTE_OK);
	for (int i = 0; i < 3; i++)
		keys[i] = *key;
	ck_assert(repute_find_many(view, keys, 3, now, many) == REPUTE_OK);
	if (!hit_same(&hit, first) || !hit_same(&many[0], first) || !hit_same(&many[2], first))
		ck_abort_msg("ORACLE_SEED=%llu: find and find_many differ from find_all: %.*s",
			     (unsigned long long)seed, (int)from->length, from->text);
	if (from->kind == MODEL_DOMAIN || from->kind == MODEL_URL ||
	    (address && from->bits != (from->kind == MODEL_IPV4 ? 32 : 128)))
		return;
	ck_assert(find_raw(view, from, now, &hit) == REPUTE_OK);
	if (!hit_same(&hit, first))
		ck_abort_msg("ORACLE_SEED=%llu: the raw batch differs from find_all: %.*s",
			     (unsigned long long)seed, (int)from->length, from->text);
	ck_assert(find_value(view, from, now, &hit) == REPUTE_OK);
	if (!hit_same(&hit, first))
		ck_abort_msg("ORACLE_SEED=%llu: the question without a key differs from find_all: %.*s",
			     (unsigned long long)seed, (int)from->length, from->text);
}

static void
ask_library(const struct history *history, const struct repute_view *view, const char *text,
	    size_t length, enum model_kind kind, uint64_t now)
{
	static struct repute_hit hits[MODEL_ANSWERS];
	static struct repute_key key;
	struct model_key from = model_key(kind, text, length);
	size_t count = model_answer(&history->set.model, &from, now, wanted);
	enum repute_status status = repute_key_text((enum repute_kind)kind, text, length, &key);

	if (status != REPUTE_OK)
		ck_abort_msg("canonical text is refused: %.*s", (int)length, text);
	size_t found = repute_find_all(view, &key, now, hits, MODEL_ANSWERS);
	got.count = 0;
	for (size_t i = 0; i < found; i++)
		if (!hits[i].embedded)
			hit_take(view, &hits[i], &history->set.model);
	if (!order_is_right(count) || !fixture_same(wanted, count, &got))
		differs("repute_find_all", history, text, length, count);
	if (found == 0)
		hits[0].found = false;
	ask_one(view, &key, &from, now, &hits[0]);
}

/* The walk over a view gives each key of the twin once and nothing else. */
static void
walk(const struct history *history, const struct view *view)
{
	const struct model_claim *claims[3 * SETS_SOURCES];
	const struct model *model = &history->set.model;
	struct view_cursor cursor = { 0 };
	struct segment_claim claim;
	uint32_t layer, id;
	size_t seen = 0;
	struct key key;

	while (view_next(view, &cursor, &key, &layer, &id)) {
		struct segment_claim_cursor list = segment_claims(id);
		while (segment_claim_next(&view->layer[layer].segment, &list, &claim))
			seen++;
	}
	ck_assert_uint_eq(seen, model->count);
	for (size_t i = 0; i < model->count; i++) {
		size_t wants = claims_of(model, &model->claims[i].key, claims), has = 0;
		fixture_key(&model->claims[i].key, &key);
		if (!view_find(view, &key, &layer, &id))
			differs("view_find", history, model->claims[i].key.text,
				model->claims[i].key.length, 0);
		struct segment_claim_cursor list = segment_claims(id);
		while (segment_claim_next(&view->layer[layer].segment, &list, &claim))
			has++;
		ck_assert_uint_eq(has, wants);
	}
}

static void
judge(struct history *history)
{
	struct fixture_words words[LIMIT_LAYERS];
	struct repute_fault api_fault = { 0 };
	struct fault fault = { 0 };
	char text[MODEL_TEXT_BYTES];
	bool changed;

	fixture_need(store_refresh(history->store, &changed, &fault), &fault, "refresh");
	ck_assert(repute_refresh(history->db, &changed, &api_fault) == REPUTE_OK);
	struct view *view = store_view_take(history->store);
	struct repute_view *api = repute_view_take(history->db);
	for (uint32_t i = 0; i < view->layer_count; i++)
		fixture_words_read(&words[i], &view->layer[i].segment);
	walk(history, view);
	for (unsigned i = 0; i < QUERIES; i++) {
		enum model_kind kind = set_kind(&history->set);
		size_t length = set_query(&history->set, kind, text);
		uint64_t now = SETS_NOW - 2 + random_below(&history->set.random, 5);
		ask_view(history, view, words, text, length, kind, now);
		ask_library(history, api, text, length, kind, now);
		asked++;
	}
	for (uint32_t i = 0; i < view->layer_count; i++)
		fixture_words_free(&words[i]);
	repute_view_drop(api);
	view_drop(view);
}

/* --- reopening, compaction -------------------------------------------------------------- */

static void
open_readers(struct history *history)
{
	struct repute_fault api_fault = { 0 };
	struct fault fault = { 0 };

	fixture_need(store_open(history->directory, &history->store, &fault), &fault, "open");
	if (repute_open(history->directory, NULL, &history->db, &api_fault) != REPUTE_OK)
		ck_abort_msg("repute_open: %s", api_fault.text);
}

static void
close_readers(struct history *history)
{
	store_close(history->store);
	repute_close(history->db);
}

static void
base_is_from_scratch(struct history *history)
{
	struct view *view = store_view_take(history->store);
	struct fixture fixture;

	if (history->set.model.count == 0) {
		view_drop(view);
		return;
	}
	ck_assert_uint_eq(view->layer_count, 1);
	fixture_open(&fixture, &history->set.model, view->seed);
	if (fixture.map.length != view->layer[0].image->length ||
	    memcmp(fixture.map.bytes, view->layer[0].image->bytes, fixture.map.length) != 0)
		ck_abort_msg("ORACLE_SEED=%llu: the compacted base is not what building gives",
			     (unsigned long long)seed);
	fixture_close(&fixture);
	view_drop(view);
}

static enum status
remove_one(void *context, const char *name, struct fault *fault)
{
	char path[FILE_PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s", (const char *)context, name);
	return file_remove(path, fault);
}

/* Begin to fold the base, or go on with it after some transactions. */
static void
compact_beside(struct history *history, bool last)
{
	struct fault fault = { 0 };
	struct random_state *random = &history->set.random;
	uint64_t generation;
	bool done;

	if (!history->compacting && !last && random_chance(random, 50)) {
		fixture_need(store_compaction_begin(&history->compaction, history->directory, true,
						    &fault), &fault, "begin to compact");
		history->compacting = true;
	} else if (history->compacting && (last || random_chance(random, 40))) {
		fixture_need(store_compaction_finish(&history->compaction, SETS_NOW, &done,
						     &generation, &fault), &fault, "compact");
		folded_beside += done;
		store_compaction_fini(&history->compaction);
		history->compacting = false;
	}
}

/* All layers become one, by whatever way. */
static void
compact_all(struct history *history)
{
	struct fault fault = { 0 };
	uint64_t generation;
	bool done;

	compact_beside(history, true);
	fixture_need(store_compact(history->directory, true, SETS_NOW, &done, &generation, &fault),
		     &fault, "compact");
	judge(history);
}

static void
play(uint64_t number)
{
	static struct history history;
	struct fault fault = { 0 };

	memset(&history, 0, sizeof(history));
	set_init(&history.set, number);
	history.directory = fixture_path("layers");
	fixture_need(file_make_directory(history.directory, &fault), &fault, "directory");
	for (unsigned i = 0; i < TRANSACTIONS; i++) {
		transaction(&history, i == 0, random_chance(&history.set.random, 10));
		if (i == 0)
			open_readers(&history);
		if (random_chance(&history.set.random, 15)) {
			close_readers(&history);
			open_readers(&history);
		}
		judge(&history);
		compact_beside(&history, false);
		judge(&history);
	}
	compact_all(&history);
	base_is_from_scratch(&history);
	close_readers(&history);
	fixture_need(file_each_name(history.directory, remove_one, history.directory, &fault), &fault,
		     "clean up");
	rmdir(history.directory);
	free(history.directory);
	set_fini(&history.set);
}

START_TEST(random_histories)
{
	uint64_t histories = judge_number("LAYERS_HISTORIES", 24);

	for (uint64_t i = 0; i < histories; i++) {
		fprintf(stderr, "\rhistory ORACLE_SEED=%llu LAYERS_HISTORIES=1  ",
			(unsigned long long)(seed + i));
		play(seed + i);
	}
	printf("\n%llu histories, %llu queries compared, %llu bases folded beside writers\n",
	       (unsigned long long)histories, (unsigned long long)asked,
	       (unsigned long long)folded_beside);
	ck_assert(histories < 24 || folded_beside > 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("layers");
	TCase *cases = tcase_create("all");

	seed = judge_seed();
	tcase_add_test(cases, random_histories);
	tcase_set_timeout(cases, 0);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
