/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdicts against their naive twin (tests/verdict_model.h): random stores
 * written by the author in several layers, random profiles read from text,
 * each query judged one at a time, in batches and through the public calls.
 *
 * VERDICT_COUNT sets how many verdicts are compared; VERDICT_SEED=<number printed> replays a
 * run, with VERDICT_WORLD=<number of the story> that world alone.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "query/judge.h"
#include "tests/judge.h"
#include "tests/verdict_stage.h"

#ifdef REPUTE_DEBUG
#define VERDICTS 60000 /* with sanitizers or without optimization */
#else
#define VERDICTS 1200000
#endif
#define ENOUGH 500000 /* verdicts after which nothing is missing by chance */
#define PROFILES 8
#define BATCHES 16
#define BATCH 32

static uint64_t seed, compared;

/* --- a world as a store ---------------------------------------------------------------- */

struct stage {
	struct verdict_stage store;
	struct repute_db *db;
	struct repute_view *view;
};

static void
stage_open(struct stage *stage, uint64_t number)
{
	verdict_stage_open(&stage->store, number);
	ck_assert_int_eq(repute_open(stage->store.directory, NULL, &stage->db, NULL), REPUTE_OK);
	stage->view = repute_view_take(stage->db);
}

static void
stage_close(struct stage *stage)
{
	repute_view_drop(stage->view);
	repute_close(stage->db);
	verdict_stage_close(&stage->store);
}

/* --- one profile on it ------------------------------------------------------------------ */

struct trial {
	struct stage *stage;
	uint64_t number;      /* of the world */
	struct verdict_profile profile;
	char *text;
	struct judge *judge;
	struct repute_profile *public_profile;
};

static void
trial_open(struct trial *trial)
{
	struct verdict_world *world = &trial->stage->store.world;
	struct repute_fault public_fault = { 0 };
	struct fault fault = { 0 };
	struct profile *profile;
	size_t length;

	verdict_make_profile(world, random_chance(&world->set.random, 15) ? VERDICT_FILTERS : 8,
			     &trial->profile);
	trial->text = verdict_text_profile(&world->set.random, &trial->profile);
	length = strlen(trial->text);
	if (profile_parse(trial->text, length, &trial->stage->store.view->catalog, &profile, &fault) !=
	    STATUS_OK) {
		fprintf(stderr, "VERDICT_SEED=%" PRIu64 " VERDICT_WORLD=%" PRIu64 "\n%s%s\n", seed,
			trial->number, trial->text, fault.text);
		ck_abort_msg("the profile is refused: %s", fault.text);
	}
	fixture_need(judge_new(trial->stage->store.view, profile, NULL, &trial->judge, &fault), &fault,
		     "judge_new");
	if (repute_profile_load(trial->stage->view, trial->text, length,
				&trial->public_profile, &public_fault) != REPUTE_OK)
		ck_abort_msg("world %" PRIu64 ": %s", trial->number, public_fault.text);
}

static void
trial_close(struct trial *trial)
{
	repute_profile_free(trial->public_profile);
	judge_free(trial->judge);
	free(trial->text);
}

/* --- right or wrong ----------------------------------------------------------------------- */

static bool
hit_is(const struct view *view, const struct repute_hit *hit, const struct verdict_hit *wanted)
{
	const struct model_claim *claim = wanted->answer.claim;
	const char *source = set_source_name(claim->source);
	char got_text[KEY_PRINT_BYTES], text[KEY_PRINT_BYTES];
	struct key got, key;

	if (hit->kind != claim->key.kind || hit->scope != claim->scope ||
	    hit->expires != claim->expires || hit->exact != wanted->answer.exact ||
	    hit->embedded != (wanted->place > 0) || hit->source_length != strlen(source) ||
	    memcmp(hit->source, source, hit->source_length) != 0)
		return false;
	lookup_hit_key(view, hit, &got);
	fixture_key(&claim->key, &key);
	key_print(&got, got_text);
	key_print(&key, text);
	return strcmp(got_text, text) == 0;
}

static bool
hit_among(const struct view *view, const struct repute_hit *hit, const struct verdict_wanted *wanted)
{
	for (size_t i = 0; i < wanted->hit_count; i++)
		if (hit_is(view, hit, &wanted->hit[i]))
			return true;
	return false;
}

static bool
exception_among(uint32_t exception, const struct verdict_wanted *wanted)
{
	if (wanted->exception_count == 0)
		return exception == REPUTE_NO_ROW;
	for (size_t i = 0; i < wanted->exception_count; i++)
		if (wanted->exception[i] == exception)
			return true;
	return false;
}

/* What is wrong with the verdict; NULL if it is right. */
static const char *
wrong(const struct view *view, const struct verdict_wanted *wanted,
      const struct repute_verdict *verdict)
{
	if (!wanted->listed || wanted->exception_count > 0) {
		if (verdict->outcome != REPUTE_VERDICT_NONE)
			return "outcome, none wanted";
		if (verdict->filter != REPUTE_NO_ROW || verdict->hit.found)
			return "names a filter or a hit without one";
		if (!wanted->listed)
			return verdict->exception == REPUTE_NO_ROW ? NULL : "exception of nothing";
		return exception_among(verdict->exception, wanted) ? NULL : "exception";
	}
	if (verdict->outcome != REPUTE_VERDICT_PERMIT + (unsigned)wanted->action.flow)
		return "outcome";
	if (verdict->filter != wanted->filter)
		return "filter";
	if (verdict->exception != REPUTE_NO_ROW)
		return "exception, none wanted";
	if (verdict->notify != wanted->action.notify || verdict->trace != wanted->action.trace)
		return "notify or trace";
	return verdict->hit.found && hit_among(view, &verdict->hit, wanted) ? NULL : "hit";
}

/* --- the story of a difference -------------------------------------------------------------- */

static void
tell_wanted(const struct verdict_wanted *wanted)
{
	fprintf(stderr, "wanted: ");
	if (wanted->listed)
		fprintf(stderr, "filter %" PRIu32 ", flow %d, hits:\n", wanted->filter,
			(int)wanted->action.flow);
	else
		fprintf(stderr, "nothing\n");
	for (size_t i = 0; i < wanted->hit_count; i++)
		set_print_claim(wanted->hit[i].answer.claim);
	for (size_t i = 0; i < wanted->exception_count; i++)
		fprintf(stderr, "  exception %" PRIu32 "\n", wanted->exception[i]);
}

static void
tell_tags(const struct verdict_tags *tags)
{
	char text[VERDICT_VALUE_BYTES];

	for (unsigned i = 0; i < VERDICT_TAGS; i++)
		for (unsigned j = 0; j < tags->cell[i].count; j++) {
			verdict_text_value(i, tags->cell[i].value[j], text);
			fprintf(stderr, "      %s = %s\n", verdict_categories[i].name, text);
		}
}

static void
tell_claims(const struct verdict_world *world, const struct model_key *query, uint64_t now)
{
	static struct model_answer answers[MODEL_ANSWERS];
	size_t count = model_answer(&world->set.model, query, now, answers);

	fprintf(stderr, "covering claims, embedded addresses aside: %zu\n", count);
	for (size_t i = 0; i < count; i++) {
		set_print_claim(answers[i].claim);
		tell_tags(&world->tags[answers[i].claim->set]);
	}
}

static void
tell(const struct trial *trial, const struct model_key *query, uint64_t now, const char *way,
     const char *what, const struct verdict_wanted *wanted, const struct repute_verdict *verdict)
{
	char text[512] = "";

	fprintf(stderr, "VERDICT_SEED=%" PRIu64 " VERDICT_WORLD=%" PRIu64 ": %s: %s is wrong\n"
		"query %.*s, now%+" PRId64 ", layers %" PRIu32 "\n", seed, trial->number, way, what,
		(int)query->length, query->text, (int64_t)(now - SETS_NOW),
		trial->stage->store.view->layer_count);
	if (wanted != NULL)
		tell_wanted(wanted);
	if (verdict->hit.found)
		repute_hit_explain((const struct repute_view *)trial->stage->store.view, &verdict->hit,
				   text, sizeof(text));
	fprintf(stderr, "got: outcome %s, filter %d, exception %d, hit %s\n",
		repute_outcome_text((enum repute_outcome)verdict->outcome), (int)verdict->filter,
		(int)verdict->exception, text);
	tell_claims(&trial->stage->store.world, query, now);
	fprintf(stderr, "%s", trial->text);
	ck_abort_msg("verdicts differ: the story is on stderr");
}

/* --- asking ------------------------------------------------------------------------------------ */

/* Queries of one kind. */
struct batch {
	enum model_kind kind;
	size_t count;
	uint64_t now;
	struct model_key query[BATCH];
	char text[BATCH][MODEL_TEXT_BYTES];
	struct key key[BATCH];
	struct repute_key public_key[BATCH];
	struct repute_verdict verdict[BATCH]; /* judge_one's */
};

static void
batch_make(struct trial *trial, struct batch *batch)
{
	struct verdict_world *world = &trial->stage->store.world;
	struct random_state *random = &world->set.random;

	batch->kind = random_chance(random, 15) ? MODEL_IPV6 : set_kind(&world->set);
	batch->now = SETS_NOW + random_below(random, 4) - 1;
	batch->count = 1 + random_below(random, BATCH);
	for (size_t i = 0; i < batch->count; i++) {
		size_t length = verdict_make_query(world, batch->kind, batch->text[i]);
		batch->query[i] = model_key(batch->kind, batch->text[i], length);
		fixture_key(&batch->query[i], &batch->key[i]);
		ck_assert_int_eq(repute_key_text((enum repute_kind)batch->kind, batch->text[i],
						 length, &batch->public_key[i]), REPUTE_OK);
	}
}

static bool
same_hit(const struct repute_hit *a, const struct repute_hit *b)
{
	if (!a->found || !b->found)
		return a->found == b->found;
	return a->exact == b->exact && a->embedded == b->embedded && a->kind == b->kind &&
	       a->scope == b->scope && a->expires == b->expires &&
	       a->first_seen == b->first_seen && a->last_seen == b->last_seen &&
	       a->source_length == b->source_length &&
	       memcmp(a->source, b->source, a->source_length) == 0 &&
	       a->opaque_small.layer == b->opaque_small.layer &&
	       a->opaque.record == b->opaque.record && a->opaque.set == b->opaque.set &&
	       a->opaque.notes == b->opaque.notes;
}

static bool
same(const struct repute_verdict *a, const struct repute_verdict *b)
{
	return a->outcome == b->outcome && a->filter == b->filter && a->exception == b->exception &&
	       (a->outcome == REPUTE_VERDICT_NONE || (a->notify == b->notify && a->trace == b->trace)) &&
	       same_hit(&a->hit, &b->hit);
}

/* Another way to the same verdicts. */
static void
compare(const struct trial *trial, const struct batch *batch, const char *way,
	const struct repute_verdict *verdicts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!same(&verdicts[i], &batch->verdict[i]))
			tell(trial, &batch->query[i], batch->now, way, "the answer", NULL,
			     &verdicts[i]);
}

/* Whole addresses, as the raw calls want them: the first so many of the batch. */
static size_t
batch_raw(const struct batch *batch, uint32_t *ipv4, uint8_t *bytes)
{
	size_t width = batch->kind == MODEL_SHA256 ? 32 : batch->kind == MODEL_SHA1 ? 20 : 16;

	for (size_t i = 0; i < batch->count; i++) {
		const struct model_key *query = &batch->query[i];
		if ((batch->kind == MODEL_IPV4 && query->bits < 32) ||
		    (batch->kind == MODEL_IPV6 && query->bits < 128))
			return i;
		ipv4[i] = be32_get(query->bytes);
		memcpy(bytes + i * width, query->bytes, width);
	}
	return batch->count;
}

static void
ask_raw(const struct trial *trial, const struct batch *batch)
{
	static struct repute_verdict verdicts[BATCH];
	static uint32_t ipv4[BATCH];
	static uint8_t bytes[BATCH * 32];
	const struct repute_profile *profile = trial->public_profile;
	size_t count = batch_raw(batch, ipv4, bytes);
	enum repute_status status = REPUTE_OK;

	memset(verdicts, 0xa5, sizeof(verdicts));
	if (batch->kind == MODEL_IPV4)
		status = repute_judge_ipv4_many(profile, ipv4, count, batch->now, verdicts);
	else if (batch->kind == MODEL_IPV6)
		status = repute_judge_ipv6_many(profile, (const uint8_t (*)[16])bytes, count,
						batch->now, verdicts);
	else if (batch->kind == MODEL_SHA1)
		status = repute_judge_sha1_many(profile, (const uint8_t (*)[20])bytes, count,
						batch->now, verdicts);
	else if (batch->kind == MODEL_SHA256)
		status = repute_judge_sha256_many(profile, (const uint8_t (*)[32])bytes, count,
						  batch->now, verdicts);
	else
		return;
	ck_assert_int_eq(status, REPUTE_OK);
	compare(trial, batch, "repute_judge_KIND_many", verdicts, count);
}

static void
ask_many(const struct trial *trial, const struct batch *batch)
{
	static struct repute_verdict verdicts[BATCH];
	static uint32_t ipv4[BATCH];
	static uint8_t bytes[BATCH * 32];
	const struct key *keys[BATCH];
	struct lookup_batch many = { .kind = (enum kind)batch->kind, .ipv4 = ipv4, .bytes = bytes,
				     .keys = keys };
	bool text = batch->kind == MODEL_DOMAIN || batch->kind == MODEL_URL;
	size_t count = text ? batch->count : batch_raw(batch, ipv4, bytes);

	for (size_t i = 0; i < batch->count; i++)
		keys[i] = &batch->key[i];
	memset(verdicts, 0xa5, sizeof(verdicts));
	judge_many(trial->judge, &many, count, batch->now, verdicts);
	compare(trial, batch, "judge_many", verdicts, count);
}

static void
ask_public(const struct trial *trial, const struct batch *batch)
{
	static struct repute_verdict verdicts[BATCH];

	memset(verdicts, 0xa5, sizeof(verdicts));
	ck_assert_int_eq(repute_judge_many(trial->public_profile, batch->public_key, batch->count,
					   batch->now, verdicts), REPUTE_OK);
	compare(trial, batch, "repute_judge_many", verdicts, batch->count);
	memset(verdicts, 0xa5, sizeof(verdicts));
	for (size_t i = 0; i < batch->count; i++)
		ck_assert_int_eq(repute_judge(trial->public_profile, &batch->public_key[i],
					      batch->now, &verdicts[i]), REPUTE_OK);
	compare(trial, batch, "repute_judge", verdicts, batch->count);
}

/* Mistakes that nobody has seen yet; empty when the twin is to be right. */
static bool hidden[VERDICT_MISTAKES];

static void
look_for_mistakes(const struct trial *trial, const struct batch *batch, size_t i)
{
	static struct verdict_wanted wanted;

	for (unsigned mistake = 1; mistake < VERDICT_MISTAKES; mistake++) {
		if (!hidden[mistake])
			continue;
		verdict_model_judge(&trial->stage->store.world, &trial->profile, &batch->query[i],
				    batch->now, (enum verdict_mistake)mistake, &wanted);
		hidden[mistake] = wrong(trial->stage->store.view, &wanted, &batch->verdict[i]) == NULL;
	}
}

static void
ask_batch(const struct trial *trial, struct batch *batch, struct verdict_wanted *wanted)
{
	const struct view *view = trial->stage->store.view;

	for (size_t i = 0; i < batch->count; i++) {
		struct repute_verdict *verdict = &batch->verdict[i];
		const struct model_key *query = &batch->query[i];
		const char *what;
		memset(verdict, 0xa5, sizeof(*verdict));
		judge_one(trial->judge, &batch->key[i], batch->now, verdict);
		verdict_model_judge(&trial->stage->store.world, &trial->profile, query, batch->now,
				    VERDICT_RIGHT, wanted);
		what = wrong(view, wanted, verdict);
		if (what == NULL && !exception_among(judge_exception(trial->judge, &batch->key[i],
								     batch->now), wanted))
			what = "judge_exception";
		if (what != NULL)
			tell(trial, query, batch->now, "judge_one", what, wanted, verdict);
		look_for_mistakes(trial, batch, i);
	}
	ask_many(trial, batch);
	ask_raw(trial, batch);
	ask_public(trial, batch);
	compared += batch->count;
}

static struct tally {
	uint64_t outcomes[REPUTE_VERDICT_ERROR + 1], excepted, embedded, layers[LIMIT_LAYERS + 1];
} tally;

static void
count_batch(const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		tally.outcomes[batch->verdict[i].outcome]++;
		tally.excepted += batch->verdict[i].exception != REPUTE_NO_ROW;
		tally.embedded += batch->verdict[i].hit.found && batch->verdict[i].hit.embedded;
	}
}

static void
ask_world(uint64_t number)
{
	static struct verdict_wanted wanted;
	static struct batch batch;
	static struct stage stage;
	static struct trial trial;

	stage_open(&stage, seed * 0x9e3779b97f4a7c15ull + number); /* seeds next to each other share none */
	tally.layers[stage.store.view->layer_count]++;
	trial.stage = &stage;
	trial.number = number;
	for (unsigned i = 0; i < PROFILES; i++) {
		trial_open(&trial);
		for (unsigned j = 0; j < BATCHES; j++) {
			batch_make(&trial, &batch);
			ask_batch(&trial, &batch, &wanted);
			count_batch(&batch);
		}
		trial_close(&trial);
	}
	stage_close(&stage);
}

START_TEST(verdicts_are_the_twins)
{
	uint64_t count = judge_number("VERDICT_COUNT", VERDICTS);
	uint64_t only = judge_number("VERDICT_WORLD", UINT64_MAX);

	compared = 0;
	memset(&tally, 0, sizeof(tally));
	for (uint64_t i = 0; only == UINT64_MAX && compared < count; i++)
		ask_world(i);
	if (only != UINT64_MAX)
		ask_world(only);
	printf("%" PRIu64 " verdicts compared:", compared);
	for (int i = 0; i <= REPUTE_VERDICT_ERROR; i++)
		printf(" %s %" PRIu64, repute_outcome_text((enum repute_outcome)i),
		       tally.outcomes[i]);
	printf("; excepted %" PRIu64 ", embedded %" PRIu64 "\n", tally.excepted, tally.embedded);
	if (compared < ENOUGH)
		return;
	for (int i = REPUTE_VERDICT_NONE; i < REPUTE_VERDICT_ERROR; i++)
		ck_assert_uint_gt(tally.outcomes[i], compared / 200); /* none is rare */
	ck_assert_uint_gt(tally.excepted, compared / 50);
	ck_assert_uint_gt(tally.embedded, compared / 200);
	ck_assert_uint_gt(tally.layers[1] * tally.layers[2] * tally.layers[3], 0);
}
END_TEST

/* Each planted mistake makes the twin differ from the engine: the comparison has eyes. */
START_TEST(mistakes_are_seen)
{
	unsigned left = VERDICT_MISTAKES - 1;
	uint64_t worlds = 0;

	memset(hidden + 1, true, sizeof(hidden) - 1);
	for (; left > 0 && worlds < 300; worlds++) {
		ask_world(1000000 + worlds);
		left = 0;
		for (unsigned mistake = 1; mistake < VERDICT_MISTAKES; mistake++)
			left += hidden[mistake];
	}
	printf("%d planted mistakes, %" PRIu64 " worlds to see them all\n", VERDICT_MISTAKES - 1, worlds);
	for (unsigned mistake = 1; mistake < VERDICT_MISTAKES; mistake++)
		ck_assert_msg(!hidden[mistake], "not seen: %s", verdict_mistake_names[mistake]);
}
END_TEST

int
main(void)
{
	const char *text = getenv("VERDICT_SEED");
	Suite *suite = suite_create("verdicts");
	TCase *cases = tcase_create("all");
	SRunner *runner;
	int failed;

	seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
	printf("VERDICT_SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	tcase_add_test(cases, verdicts_are_the_twins);
	tcase_add_test(cases, mistakes_are_seen);
	tcase_set_timeout(cases, 0);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
