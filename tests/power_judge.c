/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/segment_check.h"
#include "engine/store.h"
#include "tests/power_log.h"

#define AFTER_KEY 2900 /* of the transactions after a power loss: no step has these */
#define SHOWN 6

static void
say(struct power_judge *judge, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
say(struct power_judge *judge, const char *format, ...)
{
	size_t used = strlen(judge->why);
	va_list rest;
	va_start(rest, format);
	vsnprintf(judge->why + used, sizeof(judge->why) - used, format, rest);
	va_end(rest);
}

uint32_t
power_judge_add(struct power_judge *judge, const struct power_world *world, bool absent)
{
	if (judge->count == POWER_STATES)
		power_fail("more than %d states", POWER_STATES);
	struct power_expected *state = &judge->state[judge->count];
	state->world = world;
	state->absent = absent;
	power_world_digest(world, &state->digest);
	return judge->count++;
}

/* --- lines that differ --------------------------------------------------------------------------- */

struct lines {
	char **line;
	size_t count;
};

static void
keep_line(void *context, const char *line, size_t length)
{
	struct lines *lines = context;
	lines->line = realloc(lines->line, (lines->count + 1) * sizeof(*lines->line));
	if (lines->line == NULL || (lines->line[lines->count++] = strndup(line, length)) == NULL)
		power_fail("no memory for lines");
}

static int
compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
free_lines(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->line[i]);
	free(lines->line);
}

/* What `a` has and `b` has not; both are sorted. */
static void
say_missing(struct power_judge *judge, const char *word, const struct lines *a, const struct lines *b)
{
	size_t at = 0, missing = 0;
	for (size_t i = 0; i < a->count; i++) {
		while (at < b->count && strcmp(b->line[at], a->line[i]) < 0)
			at++;
		if (at < b->count && strcmp(b->line[at], a->line[i]) == 0)
			at++;
		else if (missing++ < SHOWN)
			say(judge, "    %s: %.120s\n", word, a->line[i]);
	}
	if (missing > SHOWN)
		say(judge, "    %s: %zu in all\n", word, missing);
}

static void
say_difference(struct power_judge *judge, const struct view *view, uint64_t allowed)
{
	struct lines real = {0}, wanted = {0};
	uint32_t state = 0;
	while (state + 1 < judge->count && (allowed >> state & 1) == 0)
		state++;
	power_view_lines(view, keep_line, &real);
	power_world_lines(judge->state[state].world, keep_line, &wanted);
	if (real.count > 0)
		qsort(real.line, real.count, sizeof(char *), compare_lines);
	if (wanted.count > 0)
		qsort(wanted.line, wanted.count, sizeof(char *), compare_lines);
	say(judge, "generation %" PRIu64 ", %zu lines; of the states that may be (bits %" PRIx64
	    "), the first has %zu (without those of transactions after the loss):\n",
	    view->generation, real.count, allowed, wanted.count);
	say_missing(judge, "lost", &wanted, &real);
	say_missing(judge, "alien", &real, &wanted);
	for (uint32_t i = 0; i < judge->count; i++)
		if (judge->state[i].digest.lines == real.count && (allowed >> i & 1) == 0)
			say(judge, "    state %" PRIu32 " has as many lines\n", i);
	free_lines(&real);
	free_lines(&wanted);
}

/* --- looking ------------------------------------------------------------------------------------------ */

static void
digest_line(void *context, const char *line, size_t length)
{
	power_digest_add(context, line, length);
}

static int
find_state(const struct power_judge *judge, const struct power_digest *digest, uint64_t allowed)
{
	for (uint32_t i = 0; i < judge->count; i++)
		if ((allowed >> i & 1) != 0 && power_digest_same(&judge->state[i].digest, digest))
			return (int)i;
	return POWER_NOT_FOUND;
}

static bool
is_sound(struct power_judge *judge, const struct view *view)
{
	struct fault fault = {0};
	for (uint32_t i = 0; i < view->layer_count; i++) {
		judge->checked++;
		if (segment_check(&view->layer[i].segment, &fault) != STATUS_OK) {
			say(judge, "layer %" PRIu32 " is damaged: %s: %s\n", i, fault.where, fault.text);
			return false;
		}
	}
	return true;
}

static int
look_view(struct power_judge *judge, const struct view *view, uint64_t allowed, bool deep)
{
	struct power_digest digest = {0};
	if (deep && !is_sound(judge, view))
		return POWER_NOT_FOUND;
	power_view_lines(view, digest_line, &digest);
	int state = find_state(judge, &digest, allowed);
	if (state == POWER_NOT_FOUND)
		say_difference(judge, view, allowed);
	return state;
}

static int
find_absent(struct power_judge *judge, uint64_t allowed, const struct fault *fault)
{
	for (uint32_t i = 0; i < judge->count; i++)
		if ((allowed >> i & 1) != 0 && judge->state[i].absent)
			return (int)i;
	say(judge, "no store: %s: %s\n", fault->where, fault->text);
	return POWER_NOT_FOUND;
}

int
power_judge_look(struct power_judge *judge, const char *path, uint64_t allowed, bool deep)
{
	struct store *store;
	struct fault fault = {0};
	judge->why[0] = '\0';
	judge->read++;
	enum status status = store_open(path, &store, &fault);
	if (status == STATUS_MISSING)
		return find_absent(judge, allowed, &fault);
	if (status == STATUS_CORRUPT && judge->alien && find_absent(judge, allowed, &fault) >= 0)
		return POWER_REFUSED;
	if (status != STATUS_OK) {
		say(judge, "the store does not open: %s: %s, offset %" PRIu64 ": %s\n", status_name(status),
		    fault.where, fault.offset, fault.text);
		return POWER_NOT_FOUND;
	}
	struct view *view = store_view_take(store);
	int state = look_view(judge, view, allowed, deep);
	view_drop(view);
	store_close(store);
	return state;
}

/* --- the transaction after ----------------------------------------------------------------------------- */

static struct power_step
after_step(uint32_t round)
{
	return (struct power_step){.kind = POWER_PUT, .first = AFTER_KEY + round, .count = 1,
				   .source = POWER_AFTER, .tag = 7, .days = 400};
}

enum status
power_judge_write(const char *store, uint32_t round, uint64_t now, uint64_t *generation,
		  struct fault *fault)
{
	struct power_step step = after_step(round);
	return power_step_run(&step, store, "", now, generation, fault);
}

/* Only the sums know of it. */
uint32_t
power_judge_after(struct power_judge *judge, uint32_t from, uint32_t round)
{
	static struct power_world *worlds[POWER_ROUNDS];
	struct power_step step = after_step(round);
	if (worlds[round] == NULL) {
		worlds[round] = calloc(1, sizeof(struct power_world));
		if (worlds[round] == NULL)
			power_fail("no memory");
		power_world_apply(worlds[round], &step);
	}
	struct power_expected state = {.world = judge->state[from].world};
	power_world_digest(worlds[round], &state.digest);
	state.digest.sum[0] += judge->state[from].digest.sum[0];
	state.digest.sum[1] += judge->state[from].digest.sum[1];
	state.digest.lines += judge->state[from].digest.lines;
	for (uint32_t i = 0; i < judge->count; i++)
		if (!judge->state[i].absent && power_digest_same(&judge->state[i].digest, &state.digest))
			return i;
	if (judge->count == POWER_STATES)
		power_fail("more than %d states", POWER_STATES);
	judge->state[judge->count] = state;
	return judge->count++;
}

/* --- tidiness ------------------------------------------------------------------------------------------- */

static enum status
look_name(void *context, const char *name, struct fault *fault)
{
	static const char *const known[] = {"JOURNAL", "GENERATION", "LOCK", "COMPACT", "MANIFEST"};
	struct power_judge *judge = context;
	size_t length = strlen(name);
	(void)fault;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return STATUS_OK;
	bool segment = strncmp(name, "segment-", 8) == 0 && strcmp(name + length - 4, ".rps") == 0;
	bool kept = length > 8 && strcmp(name + length - 8, ".damaged") == 0 && judge->alien;
	if (segment || kept || strncmp(name, "compact.", 8) == 0)
		return STATUS_OK;
	say(judge, "a writer left %s\n", name);
	return STATUS_OK;
}

bool
power_judge_tidy(struct power_judge *judge, const char *store)
{
	judge->why[0] = '\0';
	file_each_name(store, look_name, judge, NULL);
	return judge->why[0] == '\0';
}
