/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Previews against a naive count: every claim of the twin's world
 * (tests/verdict_model.h) is asked by every filter, keys are compared one with
 * another, limits drop from a sorted list of entries; and the command as users run it. PREVIEW_WORLDS sets
 * how many worlds, PREVIEW_SEED replays.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "query/preview.h"
#include "tests/command.h"
#include "tests/fixture.h"
#include "tests/judge.h"
#include "tests/verdict_stage.h"

#define PROFILES 6

static uint64_t seed;

/* --- the naive count ------------------------------------------------------------------- */

struct entry {
	const struct model_key *key;
	uint32_t filter, before;   /* UINT32_MAX: not selected */
	uint64_t expires;
	bool counted[VERDICT_FILTERS];
	bool live;
};

struct naive {
	struct entry entries[4096];
	size_t entry_count;
	uint64_t selected[KIND_COUNT], claims[KIND_COUNT], live_keys[KIND_COUNT];
	uint64_t live_claims[KIND_COUNT], expired, untagged, untagged_selected;
	struct preview_filter filter[VERDICT_FILTERS];
	uint64_t overlap[VERDICT_FILTERS][VERDICT_FILTERS]; /* first, later */
	struct preview_change change;
};

static struct entry *
entry_of(struct naive *naive, const struct model_key *key)
{
	struct entry *entry;

	for (size_t i = 0; i < naive->entry_count; i++)
		if (model_key_equal(naive->entries[i].key, key))
			return &naive->entries[i];
	entry = &naive->entries[naive->entry_count++];
	*entry = (struct entry){ .key = key, .filter = UINT32_MAX, .before = UINT32_MAX };
	return entry;
}

static bool
asks(const struct verdict_world *world, const struct verdict_profile *profile, uint32_t filter,
     const struct model_claim *claim)
{
	return (profile->filter[filter].kinds >> claim->key.kind & 1) != 0 &&
	       verdict_model_takes(world, &profile->filter[filter], claim, VERDICT_RIGHT);
}

static uint32_t
first_of(const struct verdict_world *world, const struct verdict_profile *profile,
	 const struct model_claim *claim)
{
	for (uint32_t i = 0; i < profile->filter_count; i++)
		if (asks(world, profile, i, claim))
			return i;
	return UINT32_MAX;
}

static void
claim_selected(struct naive *naive, const struct verdict_world *world,
	       const struct verdict_profile *profile, const struct model_claim *claim,
	       uint32_t first)
{
	struct entry *entry = entry_of(naive, &claim->key);
	unsigned kind = claim->key.kind;

	naive->claims[kind]++;
	naive->untagged_selected += verdict_model_untagged(&world->tags[claim->set]);
	naive->filter[first].claims[kind]++;
	naive->filter[first].entries[kind] += !entry->counted[first];
	entry->counted[first] = true;
	if (first < entry->filter)
		entry->filter = first;
	if (claim->expires > entry->expires)
		entry->expires = claim->expires;
	for (uint32_t i = first; i < profile->filter_count; i++) {
		if (!asks(world, profile, i, claim))
			continue;
		naive->filter[i].matched++;
		naive->overlap[first][i] += i != first;
	}
}

static void
claim_count(struct naive *naive, const struct verdict_world *world,
	    const struct verdict_profile *profile, const struct verdict_profile *before,
	    const struct model_claim *claim)
{
	struct entry *entry = entry_of(naive, &claim->key);
	uint32_t first = first_of(world, profile, claim), then = first_of(world, before, claim);

	if (claim->expires <= SETS_NOW) {
		naive->expired++;
		return;
	}
	entry->live = true;
	naive->live_claims[claim->key.kind]++;
	naive->untagged += verdict_model_untagged(&world->tags[claim->set]);
	if (first != UINT32_MAX)
		claim_selected(naive, world, profile, claim, first);
	if (then < entry->before)
		entry->before = then;
}

static bool
acts_alike(const struct verdict_profile *profile, uint32_t filter,
	   const struct verdict_profile *before, uint32_t then)
{
	uint32_t a = profile->filter[filter].action, b = before->filter[then].action;
	const struct verdict_action *now = &profile->action[a], *old = &before->action[b];

	return now->flow == old->flow && now->notify == old->notify && now->trace == old->trace &&
	       (now->flow != VERDICT_RATE_LIMIT || a == b); /* rates go by number */
}

static void
entry_count(struct naive *naive, const struct verdict_profile *profile,
	    const struct verdict_profile *before, const struct entry *entry)
{
	unsigned kind = entry->key->kind;
	bool now = entry->filter != UINT32_MAX, then = entry->before != UINT32_MAX;

	naive->live_keys[kind] += entry->live;
	naive->selected[kind] += now;
	naive->change.gained[kind] += now && !then;
	naive->change.lost[kind] += then && !now;
	if (now && then)
		naive->change.moved[kind] += !acts_alike(profile, entry->filter, before,
							 entry->before);
}

static void
naive_count(struct naive *naive, const struct verdict_world *world,
	    const struct verdict_profile *profile, const struct verdict_profile *before)
{
	memset(naive, 0, sizeof(*naive));
	for (size_t i = 0; i < world->set.model.count; i++)
		claim_count(naive, world, profile, before, &world->set.model.claims[i]);
	for (size_t i = 0; i < naive->entry_count; i++)
		entry_count(naive, profile, before, &naive->entries[i]);
}

/* --- comparing ---------------------------------------------------------------------------- */

#define SAME(a, b) ck_assert_mem_eq(a, b, sizeof(a))

static void
compare_overlaps(const struct naive *naive, const struct preview *preview)
{
	uint64_t wanted = 0, last = UINT64_MAX;

	for (size_t i = 0; i < preview->filter_count; i++)
		for (size_t j = 0; j < preview->filter_count; j++)
			wanted += naive->overlap[i][j] > 0;
	ck_assert_uint_eq(preview->overlap_count, wanted);
	ck_assert(!preview->overlaps_cut);
	for (size_t i = 0; i < preview->overlap_count; i++) {
		const struct preview_overlap *overlap = &preview->overlaps[i];
		ck_assert_uint_le(overlap->claims, last);
		ck_assert_uint_eq(overlap->claims, naive->overlap[overlap->first][overlap->later]);
		last = overlap->claims;
	}
}

static void
compare_counts(const struct naive *naive, const struct preview *preview)
{
	SAME(preview->entries, naive->selected);
	SAME(preview->claims, naive->claims);
	SAME(preview->live_keys, naive->live_keys);
	SAME(preview->live_claims, naive->live_claims);
	SAME(preview->change.gained, naive->change.gained);
	SAME(preview->change.lost, naive->change.lost);
	SAME(preview->change.moved, naive->change.moved);
	ck_assert_uint_eq(preview->expired, naive->expired);
	ck_assert_uint_eq(preview->untagged, naive->untagged);
	ck_assert_uint_eq(preview->untagged_selected, naive->untagged_selected);
	for (size_t i = 0; i < preview->filter_count; i++) {
		SAME(preview->filters[i].entries, naive->filter[i].entries);
		SAME(preview->filters[i].claims, naive->filter[i].claims);
		ck_assert_uint_eq(preview->filters[i].matched, naive->filter[i].matched);
	}
	compare_overlaps(naive, preview);
}

/* What goes first, first. */
static int
drop_order(const void *left, const void *right)
{
	const struct entry *a = *(const struct entry *const *)left;
	const struct entry *b = *(const struct entry *const *)right;

	if (a->filter != b->filter)
		return a->filter > b->filter ? -1 : 1;
	return (a->expires > b->expires) - (a->expires < b->expires);
}

static void
compare_limit(const struct naive *naive, const struct preview *preview,
	      const struct preview_limit *limit)
{
	static const struct entry *order[4096];
	uint64_t dropped_of[VERDICT_FILTERS] = { 0 }, tied = 0, tied_dropped = 0, dropped;
	size_t count = 0;

	for (size_t i = 0; i < naive->entry_count; i++)
		if (naive->entries[i].filter != UINT32_MAX &&
		    (limit->kinds >> naive->entries[i].key->kind & 1))
			order[count++] = &naive->entries[i];
	ck_assert_uint_eq(limit->selected, count);
	dropped = count > limit->most ? count - limit->most : 0;
	ck_assert_uint_eq(limit->dropped, dropped);
	if (dropped == 0)
		return;
	qsort(order, count, sizeof(order[0]), drop_order);
	for (size_t i = 0; i < dropped; i++)
		dropped_of[order[i]->filter]++;
	for (size_t i = 0; i < count; i++) {
		bool same = order[i]->filter == order[dropped - 1]->filter &&
			    order[i]->expires == order[dropped - 1]->expires;
		tied += same;
		tied_dropped += same && i < dropped;
	}
	ck_assert_mem_eq(limit->dropped_of, dropped_of,
			 preview->filter_count * sizeof(dropped_of[0]));
	ck_assert_uint_eq(limit->filter, order[dropped - 1]->filter);
	ck_assert_uint_eq(limit->expires, order[dropped - 1]->expires);
	ck_assert_uint_eq(limit->tied, tied);
	ck_assert_uint_eq(limit->tied_dropped, tied_dropped);
}

/* --- worlds -------------------------------------------------------------------------------- */

static struct profile *
profile_of(struct verdict_stage *stage, const struct verdict_profile *from)
{
	char *text = verdict_text_profile(&stage->world.set.random, from);
	struct profile *profile;
	struct fault fault = { 0 };

	fixture_need(profile_parse(text, strlen(text), &stage->view->catalog, &profile, &fault),
		     &fault, text);
	free(text);
	return profile;
}

static void
make_limits(struct verdict_stage *stage, struct preview_options *options)
{
	struct random_state *random = &stage->world.set.random;

	options->limit_count = random_below(random, 4);
	for (size_t i = 0; i < options->limit_count; i++)
		options->limits[i] = (struct preview_limit){
			.kinds = 1 + random_below(random, (1u << KIND_COUNT) - 1),
			.most = random_below(random, 40),
		};
}

/* The lists of claims and the walk over all keys: the same in all that is counted. */
static void
ask_profile(struct verdict_stage *stage)
{
	static struct verdict_profile now, then;
	static struct naive naive;
	struct preview_options options = { .now = SETS_NOW };
	struct fault fault = { 0 };
	struct profile *profile, *before;

	verdict_make_profile(&stage->world, VERDICT_FILTERS, &now);
	verdict_make_profile(&stage->world, 8, &then);
	profile = profile_of(stage, &now);
	options.before = before = profile_of(stage, &then);
	make_limits(stage, &options);
	naive_count(&naive, &stage->world, &now, &then);
	for (int walk = 0; walk < 2; walk++) {
		struct preview *preview;
		options.walk = walk != 0;
		fixture_need(preview_new(stage->view, profile, &options, &preview, &fault), &fault,
			     "preview");
		ck_assert_uint_eq(preview->filter_count, now.filter_count);
		compare_counts(&naive, preview);
		for (size_t i = 0; i < preview->limit_count; i++)
			compare_limit(&naive, preview, &preview->limits[i]);
		preview_free(preview);
	}
	profile_free(before);
	profile_free(profile);
}

START_TEST(counts_are_the_naive_ones)
{
	uint64_t worlds = judge_number("PREVIEW_WORLDS", 60);

	for (uint64_t i = 0; i < worlds; i++) {
		struct verdict_stage stage;
		verdict_stage_open(&stage, seed * 0x9e3779b97f4a7c15ull + i);
		for (int j = 0; j < PROFILES; j++)
			ask_profile(&stage);
		verdict_stage_close(&stage);
	}
}
END_TEST

/* --- the command --------------------------------------------------------------------------- */

#define PROFILE                                                                                    \
	"[profile]\nname = draft\n[action \"Block\"]\nflow = block\n"                              \
	"[filter \"high\"]\naction = Block\nwhere = \"Trend Micro Severity\" = High\n"                \
	"[filter \"high too\"]\naction = Block\nwhere = \"Trend Micro Severity\" in (High, Medium)\n" \
	"[filter \"log\"]\naction = Block\nwhere = \"Trend Micro Scan Action\" = log\n"               \
	"[filter \"rest\"]\naction = Block\nuntagged = yes\nwhere = \"Confidence\" is missing\n"     \
	"[filter \"off\"]\naction = Block\nenabled = no\n"

/* A file beside the store; the path lives until the next call. */
static const char *
profile_file(const char *text)
{
	static char path[FILE_PATH_BYTES];
	FILE *file;

	snprintf(path, sizeof(path), "%s.ini", command_store);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	return path;
}

START_TEST(command_json_tells_all_of_it)
{
	static const char *const states[] = { "active", "shadowed", "nothing", "active", "disabled" };
	static const uint64_t entries[] = { 1, 0, 0, 9, 0 }; /* evil.example counts for two */
	struct cJSON *line;
	const struct cJSON *filter;

	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(RUN("preview", "--json", "--limit", "ip=3",
			     (char *)profile_file(PROFILE)), CLI_FOUND);
	line = command_line(0);
	command_members(line, "profile generation now in_force entries claims live_entries "
			"live_claims expired untagged untagged_selected missing_selected filters "
			"overlaps overlaps_cut bytes limits changes");
	ck_assert_str_eq(command_text(line, "profile"), "draft");
	ck_assert_int_eq(command_number(line, "untagged"), 8);
	ck_assert_int_eq(command_number(line, "untagged_selected"), 8);
	ck_assert_int_eq(command_number(line, "missing_selected"), 1);
	filter = json_gate_first(json_gate_member(line, "filters"));
	for (size_t i = 0; i < 5; i++, filter = json_gate_next(filter)) {
		const struct cJSON *kinds = json_gate_member(filter, "entries");
		int64_t sum = 0;
		command_members(filter, "number name action state entries claims matched asks_missing");
		ck_assert_str_eq(command_text(filter, "state"), states[i]);
		ck_assert(command_bool(filter, "asks_missing") == (i == 3));
		for (unsigned kind = 0; kind < KIND_COUNT; kind++)
			sum += command_number(kinds, kind_name((enum kind)kind));
		ck_assert_int_eq(sum, (int64_t)entries[i]);
	}
	filter = json_gate_first(json_gate_member(line, "limits"));
	ck_assert_int_eq(command_number(filter, "selected"), 4);
	ck_assert_int_eq(command_number(filter, "dropped"), 1);
	ck_assert_str_eq(command_text(filter, "expires"), "2026-01-02T00:00:00Z"); /* 9.9.9.9 */
	json_gate_free(line);
}
END_TEST

START_TEST(command_compares_with_the_profile_in_force)
{
	static const char next[] = "[profile]\nname = draft\n[action \"Block\"]\nflow = permit\n"
				   "[filter \"high\"]\naction = Block\n"
				   "where = \"Trend Micro Severity\" = High\n";
	const struct cJSON *changes;
	struct cJSON *line;

	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(RUN("profile", "import", (char *)profile_file(PROFILE)), CLI_FOUND);
	ck_assert_int_eq(RUN("preview", "--json", "draft"), CLI_FOUND);
	line = command_line(0);
	ck_assert(command_bool(line, "in_force"));
	json_gate_free(line);
	ck_assert_int_eq(RUN("preview", "--json", (char *)profile_file(next)), CLI_FOUND);
	line = command_line(0);
	ck_assert(!command_bool(line, "in_force"));
	changes = json_gate_member(line, "changes");
	command_members(changes, "gained lost moved profile");
	ck_assert_int_eq(command_number(json_gate_member(changes, "lost"), "domain"), 1);
	ck_assert_int_eq(command_number(json_gate_member(changes, "moved"), "domain"), 1);
	ck_assert_int_eq(command_number(json_gate_member(changes, "gained"), "domain"), 0);
	json_gate_free(line);
}
END_TEST

START_TEST(command_refuses_what_it_cannot_read)
{
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(RUN("preview"), CLI_ERROR);
	ck_assert_int_eq(RUN("preview", "nobody"), CLI_ERROR);
	ck_assert_int_eq(RUN("preview", "--limit", "ipv5=3", (char *)profile_file(PROFILE)),
			 CLI_ERROR);
	ck_assert_int_eq(RUN("preview", "--limit", "ip=-1", (char *)profile_file(PROFILE)),
			 CLI_ERROR);
	ck_assert_int_eq(RUN("preview", (char *)profile_file("[profile]\nname = x\nnoise = 1\n")),
			 CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_err, "line 3"));
	ck_assert_int_eq(RUN("preview", (char *)profile_file("[profile]\nname = x\n")),
			 CLI_NOTHING);
}
END_TEST

static void
teardown(void)
{
	unlink(profile_file(""));
	command_teardown();
}

int
main(void)
{
	const char *text = getenv("PREVIEW_SEED");
	Suite *suite = suite_create("preview");
	TCase *cases = tcase_create("counts"), *commands = tcase_create("command");
	SRunner *runner;
	int failed;

	seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
	printf("PREVIEW_SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	tcase_add_test(cases, counts_are_the_naive_ones);
	tcase_set_timeout(cases, 0);
	suite_add_tcase(suite, cases);
	command_start();
	tcase_add_checked_fixture(commands, command_setup, teardown);
	tcase_add_test(commands, command_json_tells_all_of_it);
	tcase_add_test(commands, command_compares_with_the_profile_in_force);
	tcase_add_test(commands, command_refuses_what_it_cannot_read);
	suite_add_tcase(suite, commands);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
