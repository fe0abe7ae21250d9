/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_script.h"

#include <string.h>

#include "tests/power_bytes.h"

#define LIFE 300             /* days */
#define JOURNAL_RECORDS 1024 /* LIMIT_JOURNAL_RECORDS */

/* --- words ------------------------------------------------------------------------------------- */

static void
setup(struct power_script *script, struct power_step step)
{
	if (script->setup_count == POWER_SETUP)
		power_fail("a script is too long");
	script->setup[script->setup_count++] = step;
}

static void
then(struct power_script *script, struct power_step step)
{
	if (script->step_count == POWER_STEPS)
		power_fail("a script is too long");
	script->step[script->step_count++] = step;
}

static struct power_step
put(uint32_t first, uint32_t count, uint32_t tag)
{
	return (struct power_step){.kind = POWER_PUT, .first = first, .count = count, .tag = tag,
				   .days = LIFE};
}

static struct power_step
of_kind(enum power_step_kind kind, uint32_t first, uint32_t count)
{
	return (struct power_step){.kind = kind, .first = first, .count = count, .tag = 1, .days = LIFE};
}

static struct power_step
by_command(struct power_step step)
{
	step.command = true;
	return step;
}

static uint32_t
pick(uint64_t *random, uint32_t from, uint32_t to)
{
	return from + (uint32_t)(power_random(random) % (to - from + 1));
}

/* --- workloads ----------------------------------------------------------------------------------- */

static void
make_first(struct power_script *script, uint64_t seed)
{
	uint32_t first = pick(&seed, 0, 500);
	script->store = "new/deep/store";
	then(script, put(first, pick(&seed, 1, 12), 1));
	then(script, put(first + 20, pick(&seed, 1, 9), 2));
}

static void
make_first_command(struct power_script *script, uint64_t seed)
{
	uint32_t first = pick(&seed, 0, 500);
	script->store = "new/store";
	then(script, by_command(put(first, pick(&seed, 1, 12), 1)));
	then(script, by_command(of_kind(POWER_REMOVE, first, 1)));
}

static void
make_adds(struct power_script *script, uint64_t seed)
{
	setup(script, put(0, 60, 0));
	for (uint32_t i = 0; i < 5; i++)
		then(script, put(100 + 20 * i + pick(&seed, 0, 300), pick(&seed, 1, 12), i));
	then(script, of_kind(POWER_NOTHING, 0, 0));
	then(script, by_command(put(700, pick(&seed, 1, 5), 3)));
}

static void
make_batch(struct power_script *script, uint64_t seed)
{
	setup(script, put(0, 30, 1));
	then(script, put(pick(&seed, 0, 100), 2000, 2));
	then(script, put(2200, 2, 2));
}

static void
make_remove(struct power_script *script, uint64_t seed)
{
	setup(script, put(0, 60, 1));
	setup(script, put(60, 20, 2));
	then(script, of_kind(POWER_REMOVE, pick(&seed, 0, 40), 20));
	then(script, by_command(of_kind(POWER_REMOVE, 60, pick(&seed, 1, 20))));
	then(script, of_kind(POWER_REMOVE, 0, 80)); /* all that is left */
	then(script, put(5, 3, 1));
}

static void
make_mirror(struct power_script *script, uint64_t seed)
{
	uint32_t first = 100 + pick(&seed, 0, 40);
	struct power_step other = of_kind(POWER_MIRROR, 0, 20);
	other.source = 1;
	setup(script, of_kind(POWER_MIRROR, 100, 60));
	setup(script, other);
	then(script, of_kind(POWER_MIRROR, first, 60));
	then(script, by_command(of_kind(POWER_MIRROR, first + pick(&seed, 1, 30), 40)));
}

static void
make_retag(struct power_script *script, uint64_t seed)
{
	struct power_step retag = {.kind = POWER_RETAG, .tag = 3, .command = true};
	setup(script, put(0, 50, 1));
	then(script, put(pick(&seed, 0, 20), 30, 2));
	then(script, retag);
}

static void
make_category(struct power_script *script, uint64_t seed)
{
	struct power_step category = {.kind = POWER_CATEGORY, .category = pick(&seed, 0, 10)};
	setup(script, put(0, 12, 1));
	then(script, category);
	category.category += 11;
	then(script, by_command(category));
	then(script, put(30, 2, 1));
}

static void
make_expire(struct power_script *script, uint64_t seed)
{
	struct power_step early = put(0, 30, 1), expire = {.kind = POWER_EXPIRE, .days = 20};
	early.days = pick(&seed, 1, 20);
	setup(script, early);
	setup(script, put(30, 30, 2));
	then(script, expire);
	expire.days = LIFE + 1;
	then(script, by_command(expire)); /* nothing is left */
}

static void
make_fold(struct power_script *script, uint64_t seed)
{
	setup(script, put(0, 700, 1));
	for (uint32_t i = 0; i < LIMIT_LAYERS - 2; i++)
		setup(script, put(1000 + 20 * i, pick(&seed, 4, 16), 2));
	for (uint32_t i = 0; i < 4; i++)
		then(script, put(1300 + 20 * i, pick(&seed, 1, 10), 3));
}

static void
make_compact(struct power_script *script, uint64_t seed)
{
	setup(script, put(0, 200, 1));
	setup(script, put(300, pick(&seed, 1, 20), 2));
	setup(script, of_kind(POWER_REMOVE, 10, 5));
	then(script, by_command(of_kind(POWER_COMPACT, 0, 0)));
	then(script, put(400, pick(&seed, 1, 20), 2));
	then(script, by_command(of_kind(POWER_COMPACT, 0, 0)));
}

/* Writers beside a compaction. */
static void
make_beside(struct power_script *script, uint64_t seed)
{
	setup(script, put(0, 300, 1));
	setup(script, put(290, pick(&seed, 1, 20), 2));
	setup(script, of_kind(POWER_REMOVE, 10, 5));
	then(script, of_kind(POWER_FOLD, 0, 0));
	then(script, put(400, pick(&seed, 1, 20), 2));
	then(script, of_kind(POWER_REMOVE, pick(&seed, 250, 295), 8));
	then(script, of_kind(POWER_INSTALL, 0, 0));
	then(script, put(12, 3, 3));
}

/* A store of before the journal: four layers, made by the program of commit 08a2d1a. */
static void
make_upgrade(struct power_script *script, uint64_t seed)
{
	struct power_step other = put(100, 5, 2), category = {.kind = POWER_CATEGORY, .category = 7};
	script->prepared = "v2-powerloss.tar.gz";
	setup(script, put(0, 60, 1));
	other.source = 1;
	setup(script, other);
	other.first = 3;
	other.count = 2;
	other.tag = 3;
	setup(script, other);
	setup(script, of_kind(POWER_REMOVE, 10, 3));
	setup(script, category);
	if (power_random(&seed) % 2 == 0)
		then(script, of_kind(POWER_NOTHING, 0, 0));
	then(script, put(200, pick(&seed, 1, 9), 1));
	then(script, by_command(of_kind(POWER_REMOVE, pick(&seed, 0, 50), 7)));
}

/* A journal that is nearly full of records. */
static void
make_journal(struct power_script *script, uint64_t seed)
{
	struct power_step category = {.kind = POWER_CATEGORY, .category = 3};
	setup(script, put(0, 5, 1));
	for (uint32_t i = 0; i < JOURNAL_RECORDS - 4; i++) {
		category.count = i; /* its description */
		setup(script, category);
	}
	for (uint32_t i = 0; i < 5; i++)
		then(script, put(10 + 10 * i, pick(&seed, 1, 5), 1));
}

/* Large layers are files of their own: made, folded, taken back. */
static void
make_large(struct power_script *script, uint64_t seed)
{
	setup(script, put(0, 20, 1));
	then(script, put(POWER_LONG_KEYS + pick(&seed, 0, 100), 1300, 2));
	then(script, put(40, pick(&seed, 1, 9), 1));
	then(script, by_command(of_kind(POWER_COMPACT, 0, 0)));
	then(script, of_kind(POWER_REMOVE, POWER_LONG_KEYS, 1590));
	then(script, by_command(of_kind(POWER_COMPACT, 0, 0)));
}

static struct power_step
any_step(uint64_t *random, uint32_t *days)
{
	static const enum power_step_kind kinds[] = {
		POWER_PUT, POWER_PUT, POWER_PUT, POWER_PUT, POWER_REMOVE, POWER_REMOVE, POWER_MIRROR,
		POWER_RETAG, POWER_EXPIRE, POWER_CATEGORY, POWER_COMPACT, POWER_NOTHING,
	};
	struct power_step step = {
		.kind = kinds[power_random(random) % (sizeof(kinds) / sizeof(kinds[0]))],
		.first = pick(random, 0, 120), .count = pick(random, 1, 30), .source = pick(random, 0, 1),
		.tag = pick(random, 0, 3), .category = pick(random, 0, POWER_CATEGORIES - 1),
		.days = *days + pick(random, 1, 200),
	};
	step.command = power_random(random) % 4 == 0 && step.kind != POWER_NOTHING;
	if (step.kind == POWER_EXPIRE)
		*days = step.days = *days + pick(random, 0, 100);
	if (step.kind == POWER_COMPACT || step.kind == POWER_RETAG)
		step.command = true;
	if (step.kind == POWER_RETAG && step.tag == 0)
		step.tag = 1;
	return step;
}

static void
make_random(struct power_script *script, uint64_t seed)
{
	uint32_t days = 0, before = pick(&seed, 1, 12), steps = pick(&seed, 2, 6);
	setup(script, put(200, pick(&seed, 1, 300), 1));
	for (uint32_t i = 0; i < before; i++)
		setup(script, any_step(&seed, &days));
	for (uint32_t i = 0; i < steps; i++)
		then(script, any_step(&seed, &days));
}

const struct power_workload power_workloads[] = {
	{"first", make_first, 2000, 12},
	{"first-command", make_first_command, 2000, 4},
	{"adds", make_adds, 2000, 12},
	{"batch", make_batch, 300, 2},
	{"remove", make_remove, 2000, 6},
	{"mirror", make_mirror, 2000, 12},
	{"retag", make_retag, 2000, 4},
	{"category", make_category, 2000, 4},
	{"expire", make_expire, 2000, 8},
	{"fold", make_fold, 600, 8},
	{"compact", make_compact, 2000, 10},
	{"upgrade", make_upgrade, 2000, 10},
	{"journal", make_journal, 300, 2},
	{"beside", make_beside, 2000, 10},
	{"large", make_large, 400, 2},
	{"random", make_random, 2000, 16},
};
const size_t power_workload_count = sizeof(power_workloads) / sizeof(power_workloads[0]);

void
power_script_make(const struct power_workload *workload, uint64_t seed, struct power_script *script)
{
	memset(script, 0, sizeof(*script));
	script->store = "store";
	seed ^= 0x706f776572;
	workload->make(script, power_random(&seed));
}
