/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOKUPS_PER_SET 4000

uint64_t
judge_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? (uint64_t)strtod(text, NULL) : otherwise; /* 1e9 is a number too */
}

uint64_t
judge_seed(void)
{
	const char *text = getenv("ORACLE_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);

	printf("ORACLE_SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	return seed;
}

void
judge_print(const char *name, const struct judge_tally *tally)
{
	printf("%s: %" PRIu64 " look-ups compared, %" PRIu64 " listed, %" PRIu64
	       " claims in answers, %" PRIu64 " sets\n", name, tally->lookups, tally->listed,
	       tally->answers, tally->sets);
	fflush(stdout);
}

/* --- the story of a difference ---------------------------------------------------- */

struct question {
	struct hash_seed seed;
	struct model_key key;
	uint64_t now;
};

static bool
differs(const struct model *model, const struct question *question)
{
	static struct fixture_answers got;
	static struct model_answer wanted[MODEL_ANSWERS];
	struct fixture fixture;
	struct key key;
	bool same;

	fixture_open(&fixture, model, question->seed);
	fixture_key(&question->key, &key);
	fixture_ask(&fixture, &key, question->now, &got);
	same = fixture_same(wanted, model_answer(model, &question->key, question->now, wanted), &got);
	fixture_close(&fixture);
	return !same;
}

/* Claims that may go without the difference going. Chunks first, then single ones. */
static void
shrink(struct model *model, const struct question *question)
{
	for (size_t chunk = model->count / 2 + 1; chunk > 0; chunk /= 2)
		for (size_t start = model->count; start-- > 0;) {
			struct model less;
			if (start % chunk != 0)
				continue;
			model_copy(model, &less);
			for (size_t i = 0; i < chunk && start < less.count; i++)
				model_drop(&less, start);
			if (differs(&less, question)) {
				model_fini(model);
				*model = less;
			} else {
				model_fini(&less);
			}
			start = start > model->count ? model->count : start;
		}
}

static void
print_answers(const char *who, const struct model_answer *answers, size_t count)
{
	fprintf(stderr, "%s: %zu\n", who, count);
	for (size_t i = 0; i < count; i++) {
		struct model_claim claim = *answers[i].claim;
		if (claim.key.text == NULL)
			claim.key.text = "(address or digest)", claim.key.length = 19;
		fprintf(stderr, " %s specific %-4" PRIu32, answers[i].exact ? "itself" : "above ",
			answers[i].specific);
		set_print_claim(&claim);
	}
}

static void __attribute__((noreturn))
tell(const struct set *set, const struct question *question)
{
	static struct fixture_answers got;
	static struct model_answer wanted[MODEL_ANSWERS];
	struct fixture fixture;
	struct model model;
	struct key key;

	model_copy(&set->model, &model);
	if (differs(&model, question))
		shrink(&model, question);
	else
		fprintf(stderr, "(built again, the set gives the right answer)\n");
	fprintf(stderr, "The engine and its twin differ. The set, %zu claims:\n", model.count);
	for (size_t i = 0; i < model.count; i++)
		set_print_claim(&model.claims[i]);
	fprintf(stderr, "query at now%+" PRId64 ": %.*s\n", (int64_t)(question->now - SETS_NOW),
		(int)question->key.length, question->key.text);
	fixture_open(&fixture, &model, question->seed);
	fixture_key(&question->key, &key);
	fixture_ask(&fixture, &key, question->now, &got);
	print_answers("twin", wanted, model_answer(&model, &question->key, question->now, wanted));
	print_answers("engine", got.answer, got.count);
	fixture_close(&fixture);
	abort();
}

/* --- asking ------------------------------------------------------------------------ */

void
judge_query(const struct fixture *fixture, const struct set *set, const char *text, size_t length,
	    enum model_kind kind, uint64_t now, struct judge_tally *tally)
{
	static struct fixture_answers got;
	static struct model_answer wanted[MODEL_ANSWERS];
	struct question question = { fixture->segment.seed, model_key(kind, text, length), now };
	size_t count = set->model.sorted
		? model_answer_sorted(&set->model, &question.key, now, wanted)
		: model_answer(&set->model, &question.key, now, wanted);
	struct key key;

	fixture_key(&question.key, &key);
	fixture_ask(fixture, &key, now, &got);
	if (!fixture_same(wanted, count, &got))
		tell(set, &question);
	tally->lookups++;
	tally->listed += count > 0;
	tally->answers += count;
}

static void
ask_random(struct set *set, const struct fixture *fixture, uint64_t lookups,
	   struct judge_tally *tally)
{
	char text[MODEL_TEXT_BYTES];

	for (uint64_t i = 0; i < lookups; i++) {
		enum model_kind kind = random_chance(&set->random, 95)
			? set_kind(set) : random_below(&set->random, MODEL_KINDS);
		uint64_t now = SETS_NOW - 2 + random_below(&set->random, 5);
		size_t length = set_query(set, kind, text);
		judge_query(fixture, set, text, length, kind, now, tally);
	}
}

/* Each key must be found by itself, with all its claims, whatever their scope. */
static void
find_keys(const struct set *set, const struct fixture *fixture)
{
	for (size_t i = 0; i < set->model.count; i++) {
		const struct model_claim *claim = &set->model.claims[i];
		struct key key;
		size_t wanted = 0, got = 0;
		fixture_key(&claim->key, &key);
		for (size_t j = 0; j < set->model.count && set->model.count < 1000; j++)
			wanted += model_key_equal(&claim->key, &set->model.claims[j].key);
		uint32_t id = segment_find(&fixture->segment, &key);
		struct segment_claim_cursor cursor = segment_claims(id);
		struct segment_claim found;
		while (id != SEGMENT_NONE &&
		       segment_claim_next(&fixture->segment, &cursor, &found))
			got++;
		if (got == 0 || (wanted && wanted != got)) {
			fprintf(stderr, "segment_find gives %zu claims, not %zu, for\n", got, wanted);
			set_print_claim(claim);
			abort();
		}
	}
}

void
judge_set(struct set *set, uint64_t seed, uint64_t lookups, struct judge_tally *tally)
{
	struct hash_seed hash = {{ seed, seed * 0x9e3779b97f4a7c15ull }};
	struct fixture fixture;

	fixture_open(&fixture, &set->model, hash);
	find_keys(set, &fixture);
	ask_random(set, &fixture, lookups, tally);
	fixture_close(&fixture);
	tally->sets++;
}

void
judge_small(uint64_t seed, uint64_t lookups, struct judge_tally *tally)
{
	uint64_t only = judge_number("ORACLE_SET", 0), start = tally->lookups;
	struct random_state random = { seed };

	for (uint64_t i = 0; tally->lookups - start < lookups; i++) {
		uint64_t set_seed = random_next(&random) >> 16, left = lookups + start - tally->lookups;
		struct set set;
		if (only)
			set_seed = only;
		fprintf(stderr, "\rset ORACLE_SET=%" PRIu64 "  ", set_seed);
		set_init(&set, set_seed);
		set_fill(&set, random_chance(&set.random, 5) ? 0 : 1 + random_below(&set.random, 60));
		judge_set(&set, set_seed, left < LOOKUPS_PER_SET ? left : LOOKUPS_PER_SET, tally);
		set_fini(&set);
		if (only)
			break;
	}
	fprintf(stderr, "\n");
}

void
judge_large(uint64_t seed, size_t claims, uint64_t lookups, struct judge_tally *tally)
{
	struct set set;

	set_init(&set, seed);
	set.kinds = 63;
	set.spread = 12;
	set.pattern_percent = 2;
	set.sources = 3;
	set_fill_large(&set, claims);
	judge_set(&set, seed, lookups, tally);
	set_fini(&set);
}
