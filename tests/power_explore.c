/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_explore.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/extra_powerloss.h"
#include "tests/power_bytes.h"

#define DEEP_BYTES (1u << 20) /* larger stores are checked deeply at times only */
#define DEEP_EVERY 8
#define INNER_BUDGET 40       /* states of one recovery */
#define FAILURES 20           /* printed of one exploration */

char power_explore_now[256];

/* --- states that were seen --------------------------------------------------------------------- */

struct seen {
	uint64_t *sum;
	size_t room, count;
};

/* True if it is new. */
static bool
seen_put(struct seen *seen, uint64_t sum)
{
	sum += sum == 0;
	if (2 * seen->count >= seen->room) {
		struct seen larger = {.room = seen->room == 0 ? 1024 : 2 * seen->room};
		larger.sum = calloc(larger.room, sizeof(*larger.sum));
		if (larger.sum == NULL)
			power_fail("no memory");
		for (size_t i = 0; i < seen->room; i++)
			if (seen->sum[i] != 0)
				seen_put(&larger, seen->sum[i]);
		free(seen->sum);
		*seen = larger;
	}
	size_t at = sum & (seen->room - 1);
	while (seen->sum[at] != 0 && seen->sum[at] != sum)
		at = (at + 1) & (seen->room - 1);
	if (seen->sum[at] == sum)
		return false;
	seen->sum[at] = sum;
	seen->count++;
	return true;
}

/* --- one state ------------------------------------------------------------------------------------ */

struct walk {
	struct power_explore *explore;
	struct power_disk *disk;
	struct power_image *image;
	struct power_choice choice;
	struct seen seen;
	uint64_t number;       /* of the state */
	const struct walk *of; /* the recovery that is explored; NULL */
	const char *root;
	char store[POWER_PATH_BYTES + 64];
	uint32_t round;        /* of the transaction after */
	uint64_t now;
};

static void
report(const struct walk *walk, const char *what)
{
	struct power_explore *explore = walk->explore;
	const struct walk *outer = walk->of != NULL ? walk->of : walk;
	explore->failures++;
	if (explore->quiet || explore->failures > FAILURES)
		return;
	printf("FAILED: %s\n%s", what, explore->judge->why);
	printf("  again: --workload %s --seed %" PRIu64 " --depth %" PRIu32 " --state %" PRIu64 "\n",
	       explore->label, explore->seed, explore->depth, outer->number);
	power_image_print(outer->image, &outer->choice, stdout);
	if (walk->of != NULL) {
		printf("  and then in the recovery, state %" PRIu64 ":\n", walk->number);
		power_image_print(walk->image, &walk->choice, stdout);
	}
	fflush(stdout);
}

static uint64_t
image_bytes(const struct power_image *image)
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < image->names.count; i++)
		bytes += image->file[image->names.row[i].file].length;
	return bytes;
}

static uint64_t
roll(const struct walk *walk, uint64_t salt)
{
	uint64_t word = walk->explore->seed ^ walk->number << 16 ^ salt;
	return power_random(&word);
}

static void
inner_explore(const struct walk *walk, uint32_t found, uint32_t after);

/* The writer that comes: it may be told by the recorder, for the power loss in its recovery. */
static bool
write_after(struct walk *walk, uint32_t found, uint32_t after, bool recorded)
{
	struct power_explore *explore = walk->explore;
	struct fault fault = {0};
	uint64_t generation = walk->disk->generation;
	if (recorded) {
		power_log_start(explore->inner, walk->root, walk->choice.seed);
		power_record(explore->inner);
		power_mark(1ull << found | 1ull << after, generation, false);
	}
	enum status status = power_judge_write(walk->store, walk->round, walk->now, &generation, &fault);
	if (recorded) {
		power_mark(1ull << after, generation, true);
		power_record(NULL);
	}
	if (status == STATUS_OK)
		return true;
	snprintf(explore->judge->why, sizeof(explore->judge->why), "%s: %s: %s\n", status_name(status),
		 fault.where, fault.text);
	return false;
}

/* Judge what was written out; true if all is well. */
static bool
judge_store(struct walk *walk)
{
	struct power_explore *explore = walk->explore;
	struct power_judge *judge = explore->judge;
	bool deep = explore->only >= 0 || image_bytes(walk->image) <= DEEP_BYTES ||
		    roll(walk, 1) % DEEP_EVERY == 0;
	bool inner = walk->of == NULL && explore->inner != NULL &&
		     (explore->only >= 0 || roll(walk, 2) % explore->inner_every == 0);
	bool alien = judge->alien;
	judge->alien |= walk->choice.hint >= POWER_HINT_SHORT;
	int found = power_judge_look(judge, walk->store, walk->disk->states, deep);
	if (found == POWER_REFUSED) {
		explore->refused++;
		judge->alien = alien;
		return true;
	}
	if (found == POWER_NOT_FOUND) {
		report(walk, "after the power loss");
		judge->alien = alien;
		return false;
	}
	uint32_t count = judge->count, after = power_judge_after(judge, (uint32_t)found, walk->round);
	bool well = write_after(walk, (uint32_t)found, after, inner);
	if (!well) {
		report(walk, "a writer cannot go on");
	} else if (power_judge_look(judge, walk->store, 1ull << after, deep) == POWER_NOT_FOUND) {
		report(walk, "after the transaction after the power loss");
		well = false;
	} else if (!power_judge_tidy(judge, walk->store)) {
		report(walk, "leftovers");
		well = false;
	}
	if (well && inner)
		inner_explore(walk, (uint32_t)found, after);
	judge->count = count;
	judge->alien = alien;
	return well;
}

static bool
is_wanted(const struct walk *walk, bool must, uint32_t share)
{
	if (walk->of == NULL && walk->explore->only >= 0)
		return walk->number == (uint64_t)walk->explore->only;
	return must || share >= 1000000 || roll(walk, 3) % 1000000 < share;
}

/* The states of one point. */
static bool
lose_power(struct walk *walk, uint32_t share)
{
	struct power_explore *explore = walk->explore;
	uint32_t count = power_choice_planned(walk->disk) + (walk->of == NULL ? explore->depth : 4);
	for (uint32_t i = 0; i < count; i++, walk->number++) {
		if (!is_wanted(walk, i < 2, share)) /* all kept and all lost: always */
			continue;
		power_choice_make(walk->disk, i, explore->seed, &walk->choice);
		power_image_make(walk->image, walk->disk, &walk->choice);
		if (!seen_put(&walk->seen, walk->image->sum ^ walk->disk->states * 0x9e3779b97f4a7c15))
			continue;
		snprintf(power_explore_now, sizeof(power_explore_now),
			 "--workload %s --seed %" PRIu64 " --depth %" PRIu32 " --state %" PRIu64 "%s\n",
			 explore->label, explore->seed, explore->depth,
			 walk->of != NULL ? walk->of->number : walk->number,
			 walk->of != NULL ? " (in the recovery)" : "");
		alarm(POWER_SECONDS);
		power_image_write(walk->image, walk->root, walk->of == NULL ? explore->places->cache : NULL);
		bool well = judge_store(walk);
		power_directory_clear(walk->root);
		if (walk->of == NULL)
			explore->states++;
		else
			explore->inner_states++;
		if (!well && (explore->quiet || explore->failures > FAILURES))
			return false;
	}
	return true;
}

/* How many states there are, without making them; in millionths what is to be judged of them. */
static uint32_t
find_share(const struct power_log *log, uint32_t from, uint32_t depth, uint64_t budget)
{
	struct power_disk *disk = power_disk_new(log);
	uint64_t all = 0;
	while (power_disk_step(disk))
		if (disk->at > from)
			all += power_choice_planned(disk) + depth;
	power_disk_free(disk);
	return budget == 0 || all <= budget ? 1000000 : (uint32_t)(budget * 1000000 / all);
}

static void
walk_log(struct walk *walk, const struct power_log *log, uint32_t from, uint64_t budget)
{
	struct power_explore *explore = walk->explore;
	uint32_t share = find_share(log, from, walk->of == NULL ? explore->depth : 4, budget);
	walk->disk = power_disk_new(log);
	walk->image = power_image_new();
	snprintf(walk->store, sizeof(walk->store), "%s/%s", walk->root, explore->store);
	while (power_disk_step(walk->disk)) {
		if (walk->disk->at <= from)
			continue;
		if (walk->of == NULL)
			explore->points++;
		if (!lose_power(walk, share))
			break;
	}
	power_image_free(walk->image);
	power_disk_free(walk->disk);
	free(walk->seen.sum);
}

static void
inner_explore(const struct walk *outer, uint32_t found, uint32_t after)
{
	struct power_explore *explore = outer->explore;
	struct walk walk = {.explore = explore, .of = outer, .root = explore->places->again, .round = 1,
			    .now = outer->now};
	(void)found;
	(void)after;
	walk_log(&walk, explore->inner, 1, explore->only >= 0 ? 0 : INNER_BUDGET);
}

void
power_explore(struct power_explore *explore)
{
	struct walk walk = {.explore = explore, .root = explore->places->state};
	for (uint32_t i = 0; i < explore->judge->count; i++)
		if (explore->judge->state[i].world->now > walk.now)
			walk.now = explore->judge->state[i].world->now;
	power_directory_clear(explore->places->cache);
	walk_log(&walk, explore->log, explore->from, explore->budget);
	power_directory_clear(explore->places->cache);
}
