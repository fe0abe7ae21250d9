/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make powerloss: the power is lost at every point of what a writer does.
 *
 * A child runs a workload; what it does to the files of the store is recorded (extra_powerloss.h).
 * For each operation of the record the states are made that a disk may be in if the power is lost after it
 * (power_disk.h has the rules and where they are from), and each is judged (power_judge.h):
 *
 *   - the store opens, every layer passes segment_check, and it holds what was acknowledged, or
 *     that and the transaction in flight, whole: compared with a table of the campaign's own;
 *     "there is no store" is an answer only if nothing was ever acknowledged
 *   - a writer opens it, makes one transaction more, and the store holds just that more;
 *     no temporary files are left
 *   - in some: the power is lost again while that writer recovers
 *
 * Some workloads are also killed at each operation; what has reached the kernel by then is there for the
 * next writer, who tries the same again or does something else; that one may be killed, too; then the
 * power is lost. (NAME/kill-N+0-retry, NAME/kill-N+M-other: killed at operation N, and M operations on.)
 * Or a sync says EIO: what it stood for may never be durable (NAME/eio-N+0-retry).
 *
 * Does it see mistakes? Each of enum power_mistake is planted in the record in turn and must be caught.
 *
 *   campaign_powerloss --sample                small, for make check
 *   campaign_powerloss [--states N] [--seconds N] [--seed N]
 *   campaign_powerloss --workload NAME --seed N [--state N] [--depth N]   again, what a failure printed
 *                      [--print]              and what was recorded
 *   campaign_powerloss --planted NAME          one mistake, and how it shows
 */
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/extra_powerloss.h"
#include "tests/power_bytes.h"
#include "tests/power_explore.h"
#include "tests/power_script.h"

#define LOG_BYTES (256u << 20)
#define INNER_BYTES (64u << 20)

struct options {
	bool sample, print;
	const char *workload, *planted;
	uint64_t seed, states;
	int64_t state;
	uint32_t depth;
	double seconds;
};

/* What a child that runs steps tells. */
struct told {
	char text[1024];
	uint64_t generation;
};

static struct options options = {.seed = 1, .states = 1000000, .state = -1, .depth = 24,
				 .seconds = 840};
static struct power_places places;
static struct power_log *the_log, *inner_log, *start_log;
static uint64_t start_generation;
static uint32_t start_states;
static struct power_judge judge;
static struct power_world worlds[POWER_STATES];
static struct told *told;
static struct { uint64_t states, inner, explored, failed, points, refused; } total;

/* --- running scripts --------------------------------------------------------------------------- */

/* What the hint says: the last generation, as long as nobody loses power. */
static uint64_t
read_hint(const char *store)
{
	char path[POWER_PATH_BYTES + 96];
	uint8_t bytes[8] = {0};
	uint64_t value = 0;
	snprintf(path, sizeof(path), "%s/%s", store, POWER_HINT);
	FILE *file = fopen(path, "re");
	if (file == NULL || fread(bytes, 1, sizeof(bytes), file) != sizeof(bytes))
		power_fail("cannot read %s", path);
	fclose(file);
	for (int i = 8; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

/* One step; false if it failed. States: the bit before it, the bit after it. */
static bool
run_step(const struct power_step *step, const char *store, uint64_t now, uint64_t before,
	 uint64_t after)
{
	struct fault fault = {0};
	uint64_t generation = told->generation + 1;
	char text[96];
	power_mark(before | after, told->generation, false);
	enum status status = power_step_run(step, store, places.base, now, &generation, &fault);
	if (status != STATUS_OK) {
		power_step_print(step, text);
		snprintf(told->text, sizeof(told->text), "%s: %s: %s: %s", text, status_name(status),
			 fault.where, fault.text);
		return false;
	}
	told->generation = read_hint(store);
	power_mark(after, told->generation, true);
	return true;
}

/* What children say is kept, and shown if they end as they should not. */
static void
words_path(char path[POWER_PATH_BYTES])
{
	snprintf(path, POWER_PATH_BYTES, "%.400s/words", places.base);
}

static void
child_quiet(void)
{
	char path[POWER_PATH_BYTES];
	words_path(path);
	if (freopen("/dev/null", "w", stdout) == NULL || freopen(path, "w", stderr) == NULL)
		_exit(3);
	setvbuf(stderr, NULL, _IONBF, 0);
}

static void
show_words(void)
{
	char path[POWER_PATH_BYTES], line[512];
	words_path(path);
	FILE *words = fopen(path, "re");
	while (words != NULL && fgets(line, sizeof(line), words) != NULL)
		printf("  %s", line);
	if (words != NULL)
		fclose(words);
}

static int
wait_for(pid_t child)
{
	int status;
	alarm(POWER_SECONDS);
	if (child < 0 || waitpid(child, &status, 0) != child)
		power_fail("cannot run a child");
	if (!WIFEXITED(status) || (the_log->fail_at < 0 && WEXITSTATUS(status) != 0 &&
				   WEXITSTATUS(status) != POWER_KILLED))
		show_words();
	if (!WIFEXITED(status))
		power_fail("%s: a writer died of signal %d", power_explore_now, WTERMSIG(status));
	return WEXITSTATUS(status);
}

static pid_t
fork_child(void)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		child_quiet();
	return child;
}

/* Everything that was there when the log began, below `root`. */
static void
write_start(const struct power_log *log, const char *root)
{
	struct power_disk *disk = power_disk_new(log);
	struct power_image *image = power_image_new();
	struct power_choice choice = {0};
	disk->generation = start_generation;
	power_image_make(image, disk, &choice);
	power_image_write(image, root, NULL);
	power_image_free(image);
	power_disk_free(disk);
}

static void
run_setup(const struct power_script *script, const char *store)
{
	uint64_t now = POWER_NOW;
	pid_t child = fork_child();
	for (uint32_t i = 0; child == 0 && i < script->setup_count; i++) {
		if (script->setup[i].kind == POWER_EXPIRE)
			now = POWER_NOW + script->setup[i].days * POWER_DAY;
		if (!run_step(&script->setup[i], store, now, 0, 0))
			_exit(1);
	}
	if (child == 0)
		_exit(0);
	if (wait_for(child) != 0)
		power_fail("setup: %s", told->text);
}

/* What a workload begins with, and states 0 .. step_count of the judge: before its first step, after each. */
static void
make_start(const struct power_script *script)
{
	char store[POWER_PATH_BYTES + 64], from[2 * POWER_PATH_BYTES];
	power_directory_clear(places.live);
	snprintf(store, sizeof(store), "%s/%s", places.live, script->store);
	memset(&worlds[0], 0, sizeof(worlds[0]));
	worlds[0].now = POWER_NOW;
	told->generation = 0;
	told->text[0] = '\0';
	for (uint32_t i = 0; i < script->setup_count; i++)
		power_world_apply(&worlds[0], &script->setup[i]);
	if (script->prepared != NULL) {
		snprintf(from, sizeof(from), "tar -xzf tests/stores/%s -C '%s'", script->prepared, store);
		if (mkdir(store, 0755) != 0 || system(from) != 0)
			power_fail("cannot do %s", from);
	} else if (script->setup_count > 0) {
		run_setup(script, store);
	}
	power_log_start(start_log, places.live, 0);
	start_generation = script->setup_count > 0 ? read_hint(store) : 0;
	judge.count = 0;
	power_judge_add(&judge, &worlds[0], script->setup_count == 0);
	for (uint32_t i = 0; i < script->step_count; i++) {
		worlds[i + 1] = worlds[i];
		power_world_apply(&worlds[i + 1], &script->step[i]);
		power_judge_add(&judge, &worlds[i + 1], false);
	}
	start_states = judge.count;
}

/* The same once more. */
static void
begin(uint64_t seed)
{
	power_directory_clear(places.live);
	told->generation = start_generation;
	told->text[0] = '\0';
	judge.count = start_states;
	write_start(start_log, places.live);
	power_log_start(the_log, places.live, seed);
}

/* All steps in a child whose operations are recorded; its exit status. */
static int
record_steps(const struct power_script *script, long kill_at)
{
	char store[POWER_PATH_BYTES + 64];
	snprintf(store, sizeof(store), "%s/%s", places.live, script->store);
	the_log->kill_at = kill_at;
	pid_t child = fork_child();
	if (child == 0) {
		power_record(the_log);
		for (uint32_t i = 0; i < script->step_count; i++)
			if (!run_step(&script->step[i], store, worlds[i + 1].now, 1ull << i,
				      1ull << (i + 1)))
				_exit(1);
		_exit(0);
	}
	return wait_for(child);
}

static void
check_recorder(const char *label)
{
	char why[256];
	if (!power_log_true(the_log, why))
		power_fail("%s: the recorder does not see all: %s", label, why);
}

/* --- exploring ------------------------------------------------------------------------------------ */

static double
cpu_of(int who)
{
	struct rusage usage;
	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double
cpu_seconds(void)
{
	return cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN);
}

static void
print_log(void)
{
	for (uint32_t i = 0; i < the_log->op_count; i++) {
		printf("%4" PRIu32 "  ", i);
		power_op_print(the_log, &the_log->op[i], stdout);
		printf("; %s %" PRIu64 "\n", POWER_HINT, the_log->op[i].hint);
	}
}

static void
explore(const char *label, const char *store, uint32_t from, uint64_t budget)
{
	struct power_explore work = {
		.places = &places, .log = the_log, .inner = inner_log, .judge = &judge, .store = store,
		.seed = options.seed, .depth = options.depth, .from = from, .budget = budget,
		.inner_every = options.sample ? 100 : 50, .only = options.state,
	};
	snprintf(work.label, sizeof(work.label), "%s", label);
	if (options.print)
		print_log();
	power_explore(&work);
	total.states += work.states;
	total.inner += work.inner_states;
	total.points += work.points;
	total.refused += work.refused;
	total.explored++;
	total.failed += work.failures > 0;
	if (work.failures > 0 || !options.sample)
		printf("%s, seed %" PRIu64 ": %" PRIu64 " points, %" PRIu64 " states and %" PRIu64
		       " in recoveries, %" PRIu64 " failed, %.0f s\n", label, options.seed, work.points,
		       work.states, work.inner_states, work.failures, cpu_seconds());
	fflush(stdout);
}

/* All operations of a workload; how many there were. */
static uint32_t
explore_plain(const struct power_workload *workload, const struct power_script *script,
	      uint64_t budget)
{
	begin(options.seed);
	if (record_steps(script, -1) != 0)
		power_fail("%s: %s", workload->name, told->text);
	check_recorder(workload->name);
	explore(workload->name, script->store, 0, budget);
	return the_log->op_count;
}

/* The mark that holds when the log ends. */
static uint64_t
last_states(const struct power_log *log, uint64_t *generation)
{
	for (uint32_t i = log->op_count; i-- > 0;)
		if (log->op[i].kind == POWER_MARK) {
			*generation = log->op[i].generation;
			return log->op[i].states;
		}
	return 1;
}

static uint32_t
highest(uint64_t states)
{
	uint32_t bit = 0;
	while (states >> bit > 1)
		bit++;
	return bit;
}

/* How a writer ends before its time. */
struct stop {
	bool fails;     /* operation `at`, a sync, says EIO; else it is killed before `at` */
	uint32_t at;
	uint32_t again; /* the next writer tries the same and is killed so many operations on; 0: no */
	bool retry;     /* the last writer tries the same; else it does something else */
};

/* What a kill left, without any loss of power; POWER_NOT_FOUND was told. */
static int
look_killed(const struct power_script *script, const char *label, uint64_t *states)
{
	char store[POWER_PATH_BYTES + 64];
	*states = last_states(the_log, &told->generation);
	snprintf(store, sizeof(store), "%s/%s", places.live, script->store);
	int found = power_judge_look(&judge, store, *states, true);
	if (found != POWER_NOT_FOUND)
		return found;
	printf("FAILED: %s, seed %" PRIu64 ": after the kill, without any power loss\n%s", label,
	       options.seed, judge.why);
	total.failed++;
	return found;
}

/*
 * The next writer, after one was killed: tries what was in flight again, or does something else. Its exit
 * status; < 0 if there is nothing to try again.
 */
static int
go_on(const struct power_script *script, bool retry, uint64_t states, int found, long kill_at)
{
	char store[POWER_PATH_BYTES + 64];
	uint32_t last = highest(states), step = (states & (states - 1)) != 0 ? last - 1 : last;
	uint32_t after = retry ? 0 : power_judge_after(&judge, (uint32_t)found, 2);
	snprintf(store, sizeof(store), "%s/%s", places.live, script->store);
	if (retry && step >= script->step_count)
		return -1;
	the_log->kill_at = kill_at;
	the_log->fail_at = -1;
	pid_t child = fork_child();
	if (child != 0)
		return wait_for(child);
	struct fault fault = {0};
	uint64_t generation = told->generation + 1;
	power_record(the_log);
	if (retry) {
		uint64_t done = 1ull << (step + 1);
		/* it looks as a reader first; that nothing has expired is a look-up's answer, no promise */
		if (script->step[step].kind == POWER_EXPIRE && script->step[step].command)
			done |= found == (int)step + 1 ? states : 0;
		_exit(run_step(&script->step[step], store, worlds[step + 1].now, states, done) ? 0 : 1);
	}
	power_mark(states | 1ull << after, told->generation, false);
	if (power_judge_write(store, 2, worlds[last].now, &generation, &fault) != STATUS_OK) {
		snprintf(told->text, sizeof(told->text), "%s: %s", fault.where, fault.text);
		_exit(1);
	}
	power_mark(1ull << after, generation, true);
	_exit(0);
}

static void
fail(const char *label, const char *what)
{
	printf("FAILED: %s, seed %" PRIu64 ": %s: %s\n", label, options.seed, what, told->text);
	total.failed++;
}

/* The first writer, up to its end; false if there is nothing to go on from. */
static bool
stop_first(const struct power_script *script, const struct stop *stop, const char *label)
{
	begin(options.seed);
	if (!stop->fails)
		return record_steps(script, (long)stop->at) == POWER_KILLED;
	the_log->fail_at = (long)stop->at;
	int status = record_steps(script, -1);
	bool failed = false;
	for (uint32_t i = 0; i < the_log->op_count; i++)
		failed |= the_log->op[i].kind == POWER_SYNC_FAILED;
	if (failed && status == 0)
		fail(label, "a sync failed and nobody noticed");
	return failed && status != 0;
}

/* A writer ends in the middle, and perhaps the next one, too; another one goes on, and the power is lost. */
static void
explore_stopped(const struct power_workload *workload, const struct power_script *script,
		const struct stop *stop, uint64_t budget)
{
	char label[96];
	uint64_t states;
	snprintf(label, sizeof(label), "%s/%s-%" PRIu32 "+%" PRIu32 "-%s", workload->name,
		 stop->fails ? "eio" : "kill", stop->at, stop->again, stop->retry ? "retry" : "other");
	snprintf(power_explore_now, sizeof(power_explore_now), "--workload %s --seed %" PRIu64 "\n", label,
		 options.seed);
	if (!stop_first(script, stop, label))
		return;
	int found = look_killed(script, label, &states);
	if (found != POWER_NOT_FOUND && stop->again > 0) {
		long kill_at = (long)(the_log->op_count + stop->again);
		if (go_on(script, true, states, found, kill_at) != POWER_KILLED)
			return;
		found = look_killed(script, label, &states);
	}
	if (found == POWER_NOT_FOUND)
		return;
	uint32_t from = the_log->op_count;
	int status = go_on(script, stop->retry, states, found, -1);
	if (status > 0)
		fail(label, "the next writer cannot go on");
	if (status != 0)
		return;
	check_recorder(label);
	explore(label, script->store, from, budget);
}

/* --- what is run ------------------------------------------------------------------------------------ */

static bool
is_over(void)
{
	return total.states + total.inner >= options.states || cpu_seconds() > options.seconds ||
	       total.failed > 20;
}

static void
run_workload(const struct power_workload *workload, uint64_t budget, uint32_t part)
{
	static struct power_script script;
	uint64_t random = options.seed * 31 + 7;
	power_script_make(workload, options.seed, &script);
	make_start(&script);
	uint32_t count = explore_plain(workload, &script, budget), syncs[POWER_OPS], sync_count = 0;
	for (uint32_t i = 0; i < count; i++)
		if (the_log->op[i].kind == POWER_SYNC || the_log->op[i].kind == POWER_SYNC_DIRECTORY)
			syncs[sync_count++] = i;
	for (uint32_t i = 0; i < (workload->stops + part - 1) / part && !is_over(); i++) {
		struct stop stop = {.fails = i % 4 == 3, .retry = power_random(&random) % 2 == 0};
		stop.at = stop.fails ? syncs[power_random(&random) % sync_count]
				     : (uint32_t)(power_random(&random) % count);
		if (i % 4 == 2)
			stop.again = 1 + (uint32_t)(power_random(&random) % 12);
		explore_stopped(workload, &script, &stop, budget);
	}
}

static const struct power_workload *
find_workload(const char *name, size_t length)
{
	for (size_t i = 0; i < power_workload_count; i++)
		if (strlen(power_workloads[i].name) == length &&
		    strncmp(power_workloads[i].name, name, length) == 0)
			return &power_workloads[i];
	for (size_t i = 0; i < power_workload_count; i++)
		printf("%s, %s/kill-N+M-retry, -other, /eio-N+M-retry, -other\n", power_workloads[i].name,
		       power_workloads[i].name);
	power_fail("no workload '%s'", name);
}

/* Killed at each operation in turn; of the states all kept and all lost alone. */
static void
run_each_kill(const char *name)
{
	static struct power_script script;
	const struct power_workload *workload = find_workload(name, strlen(name));
	power_script_make(workload, options.seed, &script);
	make_start(&script);
	begin(options.seed);
	if (record_steps(&script, -1) != 0)
		power_fail("%s: %s", name, told->text);
	uint32_t count = the_log->op_count;
	for (uint32_t i = 2; i < 2 * count; i++) {
		struct stop stop = {.at = i / 2, .retry = i % 2 == 0};
		explore_stopped(workload, &script, &stop, 1);
	}
}

static void
run_one(const char *name)
{
	static struct power_script script;
	const char *slash = strchr(name, '/');
	const struct power_workload *workload =
		find_workload(name, slash == NULL ? strlen(name) : (size_t)(slash - name));
	power_script_make(workload, options.seed, &script);
	make_start(&script);
	if (slash == NULL) {
		explore_plain(workload, &script, 0);
		return;
	}
	struct stop stop = {.fails = strncmp(slash, "/eio-", 5) == 0};
	char way[16];
	if (sscanf(slash, "/%*[a-z]-%" SCNu32 "+%" SCNu32 "-%15s", &stop.at, &stop.again, way) != 3)
		power_fail("no workload '%s'", name);
	stop.retry = strcmp(way, "retry") == 0;
	explore_stopped(workload, &script, &stop, 0);
}

/* --- planted mistakes ---------------------------------------------------------------------------------- */

/* Where a mistake must show. */
static const struct { enum power_mistake mistake; const char *workload; } planted[] = {
	{POWER_NO_STATE_SYNC, "first"},
	{POWER_NO_APPEND_SYNC, "adds"},
	{POWER_NO_SEGMENT_SYNC, "large"},
	{POWER_NO_NAME_SYNC, "first"},
	{POWER_NO_SEGMENT_NAME_SYNC, "large"},
	{POWER_NO_PARENT_SYNC, "first"},
	{POWER_RENAME_FIRST, "first"},
	{POWER_IN_PLACE, "journal"},
	{POWER_UNLINK_EARLY, "large"},
	{POWER_EARLY_ACK, "adds"},
	{POWER_SYNC_TOO_SOON, "adds"},
	{POWER_WRONG_FILE, "adds"},
	{POWER_SHORT_WRITE, "adds"},
	{POWER_TAIL_OVERWRITTEN, "adds"},
};

static void
run_planted(enum power_mistake mistake, const char *name)
{
	static struct power_script script;
	const struct power_workload *workload = find_workload(name, strlen(name));
	power_script_make(workload, options.seed, &script);
	make_start(&script);
	begin(options.seed);
	the_log->mistake = (int)mistake;
	judge.alien = true; /* a false alarm does not count: it must be a loss, or a store that is broken */
	if (record_steps(&script, -1) != 0)
		power_fail("%s: %s", name, told->text);
	struct power_explore work = {
		.places = &places, .log = the_log, .judge = &judge, .store = script.store,
		.seed = options.seed, .depth = options.depth, .only = -1, .quiet = options.planted == NULL,
	};
	snprintf(work.label, sizeof(work.label), "%s with %s", name, power_mistake_name(mistake));
	power_explore(&work);
	judge.alien = false;
	total.explored++;
	if (work.failures > 0) {
		printf("planted %s: caught after %" PRIu64 " states (%s)\n", power_mistake_name(mistake),
		       work.states, name);
		return;
	}
	printf("planted %s: NOT CAUGHT in %" PRIu64 " states (%s)\n", power_mistake_name(mistake),
	       work.states, name);
	total.failed++;
}

static void
run_all_planted(void)
{
	for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++) {
		const char *name = power_mistake_name(planted[i].mistake);
		if (options.planted == NULL || strcmp(options.planted, name) == 0)
			run_planted(planted[i].mistake, planted[i].workload);
	}
}

/* --- the program ---------------------------------------------------------------------------------------- */

static void
died(int signal_number)
{
	static char text[] = "FAILED: signal .. while judging ";
	char *number = strchr(text, '.');
	number[0] = (char)('0' + signal_number / 10);
	number[1] = (char)('0' + signal_number % 10);
	ssize_t ignored = write(STDOUT_FILENO, text, sizeof(text) - 1);
	ignored = write(STDOUT_FILENO, power_explore_now, strlen(power_explore_now));
	(void)ignored;
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void
start(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM};
	power_places_make(&places);
	the_log = power_log_new(LOG_BYTES);
	inner_log = power_log_new(INNER_BYTES);
	start_log = power_log_new(INNER_BYTES);
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		power_fail("no memory");
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], died);
}

static void
run(void)
{
	if (options.planted != NULL) {
		run_all_planted();
	} else if (options.workload != NULL) {
		run_one(options.workload);
	} else if (options.sample) {
		run_all_planted();
		for (size_t i = 0; i < power_workload_count; i++)
			run_workload(&power_workloads[i], 60, 3);
		run_each_kill("first");
		run_each_kill("upgrade");
	} else {
		run_all_planted();
		for (; !is_over(); options.seed++)
			for (size_t i = 0; i < power_workload_count && !is_over(); i++)
				run_workload(&power_workloads[i], power_workloads[i].states, 1);
	}
}

static void
take_option(int option)
{
	switch (option) {
	case 's': options.sample = true; break;
	case 'w': options.workload = optarg; break;
	case 'l': options.print = true; break;
	case 'p': options.planted = optarg; break;
	case 'e': options.seed = strtoull(optarg, NULL, 0); break;
	case 'n': options.states = strtoull(optarg, NULL, 0); break;
	case 't': options.state = strtoll(optarg, NULL, 0); break;
	case 'd': options.depth = (uint32_t)strtoul(optarg, NULL, 0); break;
	case 'c': options.seconds = strtod(optarg, NULL); break;
	default: power_fail("--sample, --workload NAME, --planted NAME, --seed N, --states N, --state N, "
			    "--depth N, --seconds N, --print");
	}
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {
		{"sample", no_argument, NULL, 's'}, {"workload", required_argument, NULL, 'w'},
		{"planted", required_argument, NULL, 'p'}, {"seed", required_argument, NULL, 'e'},
		{"states", required_argument, NULL, 'n'}, {"state", required_argument, NULL, 't'},
		{"depth", required_argument, NULL, 'd'}, {"seconds", required_argument, NULL, 'c'},
		{"print", no_argument, NULL, 'l'}, {0}
	};
	int option;
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
		take_option(option);
	mallopt(M_MMAP_THRESHOLD, 1 << 30); /* the buffers of each writer come again and again */
	start();
	run();
	printf("%" PRIu64 " states and %" PRIu64 " in recoveries, %" PRIu64 " points, seed %" PRIu64
	       ", %.1f s CPU\n", total.states, total.inner, total.points, options.seed, cpu_seconds());
	if (total.refused > 0)
		printf("%" PRIu64 " of them refused, by a " POWER_HINT " that was never there, where nothing was "
		       "acknowledged\n", total.refused);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", total.explored - total.failed, total.failed);
	return total.failed == 0 ? 0 : 1;
}
