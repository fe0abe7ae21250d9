/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `make faults`: every call that can fail does, in every kind of work on a
 * store, with every error that it can give, once, with all later calls of its
 * name and with all later calls; then pairs at random, the second while the work
 * is done again. faults_trial.h says what is judged.
 *
 *   campaign_faults [--sample] [--every N] [--pairs N] [--seed N]
 *                   [--work NAME] [--only WORK:ERROR:SPAN:N[:ERROR:SPAN:N]] [--list]
 *
 * Work runs in a child process for each kind. A child that crashes or hangs is
 * counted, and another goes on behind the trial that did it. --only runs one
 * trial in this process.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/command.h"
#include "tests/faults_trial.h"
#include "tests/fixture.h"
#include "tests/sets.h"

#define CPU_SECONDS 30      /* of one trial; more is a hang */
#define WALL_SECONDS 600    /* the same for one that sleeps */
#define DENSE 700           /* calls of one way that are all tried; of more, each STRIDE-th in the middle */
#define STRIDE 64
#define ENDS_MOST 20        /* crashes and hangs after which a kind of work is given up */
#define TOLD_MOST 20        /* failures told of one kind of work */

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static const struct way {
	unsigned what;
	int error;
	enum faults_span span;
	const char *name;
} ways[] = {
	{FAULTS_FILES, EIO, FAULTS_ONCE, "EIO:once"},
	{FAULTS_FILES, EIO, FAULTS_SAME, "EIO:same"},
	{FAULTS_FILES, EIO, FAULTS_ALL, "EIO:all"},
	{FAULTS_FILES, ENOSPC, FAULTS_ONCE, "ENOSPC:once"},
	{FAULTS_FILES, ENOSPC, FAULTS_SAME, "ENOSPC:same"},
	{FAULTS_FILES, ENOSPC, FAULTS_ALL, "ENOSPC:all"},
	{FAULTS_FILES, EMFILE, FAULTS_ONCE, "EMFILE:once"},
	{FAULTS_FILES, EMFILE, FAULTS_ALL, "EMFILE:all"},
	{FAULTS_FILES, ENFILE, FAULTS_ONCE, "ENFILE:once"},
	{FAULTS_FILES, ENFILE, FAULTS_ALL, "ENFILE:all"},
	{FAULTS_FILES, EINTR, FAULTS_ONCE, "EINTR:once"},
	{FAULTS_FILES, EINTR, FAULTS_SAME, "EINTR:same"},
	{FAULTS_FILES, EINTR, FAULTS_ALL, "EINTR:all"},
	{FAULTS_FILES, EACCES, FAULTS_ONCE, "EACCES:once"},
	{FAULTS_FILES, EACCES, FAULTS_ALL, "EACCES:all"},
	{FAULTS_FILES, ENOMEM, FAULTS_ONCE, "ENOMEM:once"},
	{FAULTS_FILES, ENOMEM, FAULTS_ALL, "ENOMEM:all"},
	{FAULTS_FILES, FAULTS_SHORT, FAULTS_ONCE, "short:once"},
	{FAULTS_FILES, FAULTS_SHORT, FAULTS_ALL, "short:all"},
	{FAULTS_FILES, FAULTS_NOTHING, FAULTS_ONCE, "nothing:once"},
	{FAULTS_FILES, FAULTS_NOTHING, FAULTS_SAME, "nothing:same"},
	{FAULTS_MEMORY, ENOMEM, FAULTS_ONCE, "memory:once"},
	{FAULTS_MEMORY, ENOMEM, FAULTS_SAME, "memory:same"},
	{FAULTS_MEMORY, ENOMEM, FAULTS_ALL, "memory:all"},
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static struct {
	uint64_t every, pairs, seed;
	const char *work;
} options = {.every = 1, .pairs = 900, .seed = 20261122};

/* One trial: a way and a call, perhaps another pair of them. */
struct point {
	size_t way[2];
	long at[2];
	bool paired;
};

/* Shared with the child. */
struct progress {
	uint64_t next;              /* number of the trial at hand, then of the one after it */
	bool prepared, ended;
	uint64_t trials, injections, spite, judy, verdicts[TRIAL_VERDICTS];
	long calls[WAYS];
	char name[128];             /* of the trial at hand */
};

static FILE *told;

/* --- points -------------------------------------------------------------------------------- */

static uint64_t
mix(uint64_t word)
{
	word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ull;
	word = (word ^ (word >> 27)) * 0x94d049bb133111ebull;
	return word ^ (word >> 31);
}

/*
 * Calls of a way that are tried: all, but for the many in the middle of those that walk
 * through something long.
 */
static long
calls_tried(long calls)
{
	return calls <= DENSE ? calls : DENSE + (calls - DENSE) / STRIDE;
}

static long
call_tried(long calls, long number)
{
	if (calls <= DENSE || number < DENSE / 2)
		return number;
	long middle = (calls - DENSE) / STRIDE;
	return number < DENSE / 2 + middle ? DENSE / 2 + (number - DENSE / 2) * STRIDE
					   : calls - (DENSE + middle - number);
}

/* The number-th trial of this work; false past the last one. */
static bool
point_take(const struct progress *progress, const struct work *work, uint64_t number,
	   struct point *point)
{
	*point = (struct point){0};
	uint64_t rest = number;
	for (size_t i = 0; i < WAYS; i++) {
		uint64_t tried = (uint64_t)calls_tried(progress->calls[i]);
		if (rest < tried) {
			point->way[0] = i;
			point->at[0] = call_tried(progress->calls[i], (long)rest);
			return true;
		}
		rest -= tried;
	}
	if (rest >= options.pairs || number == rest)
		return false;
	struct random_state random = {mix(options.seed + rest * 64 + (uint64_t)(work - works))};
	point->paired = true;
	for (int i = 0; i < 2; i++) {
		do
			point->way[i] = random_below(&random, WAYS);
		while (progress->calls[point->way[i]] == 0);
		point->at[i] = (long)random_below(&random, (uint32_t)progress->calls[point->way[i]]);
	}
	return true;
}

static void
point_print(const struct point *point, const struct work *work, char *text, size_t size)
{
	int length = snprintf(text, size, "%s:%s:%ld", work->name, ways[point->way[0]].name, point->at[0]);
	if (point->paired)
		snprintf(text + length, size - (size_t)length, ":%s:%ld", ways[point->way[1]].name,
			 point->at[1]);
}

static struct faults_plan
plan_of(const struct point *point, int which)
{
	const struct way *way = &ways[point->way[which]];
	return (struct faults_plan){.what = way->what, .error = way->error, .span = way->span,
				    .at = point->at[which]};
}

/* --- trials -------------------------------------------------------------------------------- */

static void
set_bounds(void)
{
	struct itimerval bound = {.it_value = {.tv_sec = CPU_SECONDS}};
	setitimer(ITIMER_PROF, &bound, NULL);
	alarm(WALL_SECONDS);
}

static void
tell(struct progress *progress, const struct trial *trial)
{
	uint64_t failures = 0;
	for (int i = TRIAL_WELL + 1; i < TRIAL_VERDICTS; i++)
		failures += progress->verdicts[i];
	if (failures > TOLD_MOST)
		return;
	fprintf(told, "FAIL %s: %s (%s; %s): %s\n", progress->name, trial_words[trial->verdict],
		trial->report.struck != NULL ? trial->report.struck : "no call",
		trial->done ? "done" : "not done", trial->text);
	fflush(told);
}

static void
run_point(struct progress *progress, struct world *world, const struct point *point)
{
	struct trial trial = {.world = world, .plan = plan_of(point, 0)};
	if (point->paired)
		trial.again = plan_of(point, 1);
	set_bounds();
	trial_run(&trial);
	progress->trials++;
	progress->injections += trial.struck;
	progress->spite += trial.struck > 0 && trial.done && trial.report.struck != NULL;
	progress->judy += trial.judy > 0;
	progress->verdicts[trial.verdict]++;
	if (trial.verdict != TRIAL_WELL)
		tell(progress, &trial);
}

static struct world *
begin_work(const struct work *work, struct progress *progress)
{
	told = fdopen(dup(STDOUT_FILENO), "w");
	faults_stdio_begin();
	set_bounds();
	struct trial trial = {.world = world_new(work)};
	if (!trial_prepare(&trial)) {
		snprintf(progress->name, sizeof(progress->name), "%s", work->name);
		progress->verdicts[trial.verdict]++;
		tell(progress, &trial);
		return NULL;
	}
	for (size_t i = 0; i < WAYS; i++)
		progress->calls[i] = trial_calls(trial.world, ways[i].what, ways[i].error);
	for (size_t i = 0; work->silent && i < WAYS; i++)
		if (progress->calls[i] > 0)
			progress->verdicts[TRIAL_ANSWER]++, fprintf(told, "FAIL %s: it makes calls\n", work->name);
	progress->prepared = true;
	return trial.world;
}

/* In the child. */
static void
run_work(const struct work *work, struct progress *progress)
{
	struct point point;
	struct world *world = begin_work(work, progress);
	while (world != NULL && point_take(progress, work, progress->next, &point)) {
		uint64_t number = progress->next;
		if (mix(number + options.seed * 7919 + (uint64_t)(work - works)) % options.every == 0) {
			point_print(&point, work, progress->name, sizeof(progress->name));
			run_point(progress, world, &point);
		}
		progress->next++;
	}
	if (world != NULL)
		world_free(world);
	if (__lsan_do_recoverable_leak_check != NULL && __lsan_do_recoverable_leak_check() != 0)
		progress->verdicts[TRIAL_LEAK]++;
	progress->ended = true;
	fflush(told);
	_exit(0);
}

/* --- children ------------------------------------------------------------------------------ */

/* What a child left that could not clean up. */
static void
clean_after(pid_t child)
{
	static const char *const names[] = {"faults-store", "faults-feeds"};
	char command[256];
	for (size_t i = 0; i < 2; i++) {
		snprintf(command, sizeof(command), "rm -rf " FIXTURE_FOLDER "/%s-%ld", names[i], (long)child);
		if (system(command) != 0)
			abort();
	}
}

/* False: there is no going on. */
static bool
judge_end(struct progress *progress, int status)
{
	bool hangs = WIFSIGNALED(status) && (WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGALRM);
	enum trial_verdict verdict = hangs ? TRIAL_HANG : TRIAL_CRASH;
	if (progress->ended)
		return false;
	progress->verdicts[verdict]++;
	printf("FAIL %s: %s: %s %d\n", progress->name, trial_words[verdict],
	       WIFSIGNALED(status) ? "signal" : "exit status",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (progress->prepared) {
		progress->trials++;
		progress->injections++;
		progress->next++;
	}
	return progress->prepared && progress->verdicts[TRIAL_CRASH] + progress->verdicts[TRIAL_HANG] < ENDS_MOST;
}

static void
watch_work(const struct work *work, struct progress *progress)
{
	bool goes_on = true;
	memset(progress, 0, sizeof(*progress));
	while (goes_on) {
		int status;
		fflush(stdout);
		pid_t child = fork();
		if (child == 0)
			run_work(work, progress);
		if (child < 0 || waitpid(child, &status, 0) != child)
			abort();
		clean_after(child);
		goes_on = judge_end(progress, status);
	}
}

static void
print_row(const char *name, const struct progress *progress)
{
	printf("%-15s %6" PRIu64 " trials %6" PRIu64 " injections, %5" PRIu64 " done all the same;", name,
	       progress->trials, progress->injections, progress->spite);
	for (int i = TRIAL_WELL + 1; i < TRIAL_VERDICTS; i++)
		printf(" %" PRIu64 " %s%s", progress->verdicts[i], trial_words[i],
		       i + 1 < TRIAL_VERDICTS ? "," : "\n");
}

static int
campaign(void)
{
	struct progress total = {0};
	struct progress *progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t failed = 0, passed;
	if (progress == MAP_FAILED)
		abort();
	printf("seed %" PRIu64 ", every %" PRIu64 ". trial, %" PRIu64 " pairs of each kind of work\n",
	       options.seed, options.every, options.pairs);
	for (const struct work *work = works; work->name != NULL; work++) {
		if (options.work != NULL && strcmp(work->name, options.work) != 0)
			continue;
		watch_work(work, progress);
		print_row(work->name, progress);
		total.trials += progress->trials;
		total.injections += progress->injections;
		total.spite += progress->spite;
		total.judy += progress->judy;
		for (int i = 0; i < TRIAL_VERDICTS; i++)
			total.verdicts[i] += progress->verdicts[i];
	}
	print_row("all", &total);
	for (int i = TRIAL_WELL + 1; i < TRIAL_VERDICTS; i++)
		failed += total.verdicts[i];
	passed = total.verdicts[TRIAL_WELL];
	if (total.judy > 0)
		printf("in %" PRIu64 " trials libJudy lost memory of its own\n", total.judy);
	if (failed > 0)
		printf("again, alone: %s --only WORK:...\n", program_invocation_name);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}

/* --- options ------------------------------------------------------------------------------- */

static bool
way_read(char **text, size_t *way, long *at)
{
	for (size_t i = 0; i < WAYS; i++) {
		size_t length = strlen(ways[i].name);
		if (strncmp(*text, ways[i].name, length) == 0 && (*text)[length] == ':') {
			*way = i;
			*at = strtol(*text + length + 1, text, 10);
			return true;
		}
	}
	return false;
}

static int
run_only(char *text)
{
	struct progress progress = {0};
	struct point point = {0};
	size_t length = strcspn(text, ":");
	for (const struct work *work = works; work->name != NULL; work++) {
		char *rest = text + length + 1;
		if (strlen(work->name) != length || strncmp(work->name, text, length) != 0)
			continue;
		if (!way_read(&rest, &point.way[0], &point.at[0]))
			break;
		if (*rest == ':') {
			rest++;
			point.paired = way_read(&rest, &point.way[1], &point.at[1]);
		}
		struct world *world = begin_work(work, &progress);
		if (world == NULL)
			return 1;
		point_print(&point, work, progress.name, sizeof(progress.name));
		run_point(&progress, world, &point);
		fprintf(told, "%s: %" PRIu64 " injections, %s; calls %ld\n", progress.name, progress.injections,
			progress.verdicts[TRIAL_WELL] ? "well" : "FAIL", progress.calls[point.way[0]]);
		fflush(told);
		world_free(world);
		return progress.verdicts[TRIAL_WELL] ? 0 : 1;
	}
	fprintf(stderr, "no such trial: %s\n", text);
	return 2;
}

static int
list(void)
{
	for (const struct work *work = works; work->name != NULL; work++)
		puts(work->name);
	for (size_t i = 0; i < WAYS; i++)
		puts(ways[i].name);
	return 0;
}

int
main(int argc, char **argv)
{
	command_start();
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(argv[i], "--sample") == 0) {
			options.every = 16;
			continue;
		}
		if (strcmp(argv[i], "--list") == 0)
			return list();
		if (strcmp(argv[i], "--only") == 0)
			return run_only(argv[i + 1]);
		if (strcmp(argv[i], "--work") == 0)
			options.work = value;
		else if (strcmp(argv[i], "--every") == 0)
			options.every = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--pairs") == 0)
			options.pairs = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			options.seed = strtoull(value, NULL, 10);
		else
			return fprintf(stderr, "campaign_faults: %s?\n", argv[i]), 2;
		i++;
	}
	if (options.every == 0)
		options.every = 1;
	return campaign();
}
