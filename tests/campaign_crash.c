/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash truth: the command line, killed before every system call that touches files or locks, after
 * it, and with the call half done; then read, verified and written to again; then the same with the
 * next command killed as well. Judged by worlds that the campaign keeps itself.
 *
 *   REPUTE=build/obj/release/repute build/obj/release/tests/campaign_crash [options]
 *
 *   --sample                    a thousand points, spread over all
 *   --workload NAME[,NAME]      these only
 *   --call N --part P           this point only (P: before, after, or bytes done); given again: the
 *                               next command, and the one after it
 *   --second N                  with --call: what follows it, by number
 *   --seed N                    which points are drawn
 *   --deep N                    second kills of each state that a first one left behind (8)
 *   --calls                     with --workload: print the calls
 *   --keep                      leave the files
 *   --directory DIRECTORY       where they are (build/tmp); in memory, nothing waits for a disk
 *   --make-old DIRECTORY        make the store of the upgrades by REPUTE there
 *
 * A point is one kill. It passes if, after it, the store opens within two seconds, verify is
 * clean, it holds what was acknowledged or that and the command that was killed, all of it, and a
 * command that follows succeeds and adds what it should.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/crash_points.h"
#include "tests/crash_work.h"

#define SHOWN 4            /* failures of a workload that are printed */
#define SAMPLE_FIRST 22    /* points of a workload: first kills */
#define SAMPLE_SECOND 7    /* and second ones */
#define DEEP 8
#define PROGRAMS_EVERY 12  /* this part of the checks is made by programs */
#define THIRD_EVERY 8      /* and this part of second kills is followed by a third */
#define KILLS 4
#define STATES (1u << 14)

/* What is done after a kill: a command of another source, a batch, or the same once more. */
#define FOLLOWS 3
static const struct crash_step follow_steps[FOLLOWS - 1] = {
	{.verb = CRASH_ADD, .source = 7, .first = 600000, .count = 1, .family = 7},
	{.verb = CRASH_IMPORT, .source = 7, .first = 600010, .count = 25, .mirror = true},
};
static const struct crash_step last_step = {.verb = CRASH_ADD, .source = 6, .first = 700000,
					    .count = 2};

struct campaign {
	struct crash_site site;
	uint64_t seed, state;
	bool sample, keep, print_calls;
	long deep;
	const char *only, *directory, *make_old;
	struct crash_point kills[KILLS]; /* --call, --part */
	size_t kill_count;
	unsigned second;
	/* the workload at hand */
	const struct crash_work *work;
	struct image prepared, crashed, again;
	struct crash_node *start, *root; /* root: without what runs beside the step */
	struct crash_step step;
	long pause;                /* call before which work->beside runs; -1: it does not */
	struct trace_log log, second_log;
	uint64_t seen[STATES];     /* states that a first kill left behind, by their sums */
	size_t seen_count;
	uint64_t points, seconds, readers, faults[CRASH_FAULTS];
	uint64_t total_points, total_failed;
	uint64_t checks;
	/* how the point at hand is replayed */
	char replay[400];
};

/* --- one kill ---------------------------------------------------------------------------- */

static void
replay_begin(struct campaign *campaign, unsigned second)
{
	snprintf(campaign->replay, sizeof(campaign->replay), "--workload %s --second %u",
		 campaign->work->name, second);
}

static void
replay_add(struct campaign *campaign, struct crash_point point)
{
	char text[CRASH_PART_BYTES];
	size_t used = strlen(campaign->replay);
	snprintf(campaign->replay + used, sizeof(campaign->replay) - used, " --call %ld --part %s",
		 point.call, crash_part_text(point.part, text));
}

static void
fail(struct campaign *campaign, enum crash_fault fault, const struct trace_log *log,
     struct crash_point point, const char *why)
{
	uint64_t failed = 0;
	campaign->faults[fault]++;
	for (int i = CRASH_WELL + 1; i < CRASH_FAULTS; i++)
		failed += campaign->faults[i];
	if (failed > SHOWN && campaign->kill_count == 0)
		return;
	const struct trace_call *call = NULL;
	if (log != NULL && point.call >= 0 && (size_t)point.call < log->count)
		call = &log->calls[point.call];
	printf("FAILED %s: %s at call %ld %s %s: %s\n  replay: %s\n", campaign->work->name,
	       crash_fault_names[fault], point.call, call != NULL ? call->name : "",
	       call != NULL ? call->where : "", why, campaign->replay);
}

/* Is what stands there now one of these worlds? `mended`: a command has ended since it was damaged. */
static enum crash_fault
check(struct campaign *campaign, struct crash_node *const *nodes, size_t count, bool mended,
      struct crash_node **found, char why[CRASH_WHY_BYTES])
{
	struct crash_reading reading;
	bool programs = campaign->checks++ % PROGRAMS_EVERY == 0 || campaign->kill_count > 0;
	crash_read(&campaign->site, programs, &reading);
	bool damaged = campaign->work->damaged && !mended;
	return crash_judge(&campaign->site, &reading, damaged, nodes, count, found, why);
}

/* A command to its end. `again`: it may have nothing left to do. */
static enum crash_fault
follow(struct campaign *campaign, struct crash_node *node, const struct crash_step *step, bool again,
       char why[CRASH_WHY_BYTES])
{
	struct crash_run run = {.call = -1};
	struct crash_node *after = crash_node_after(&campaign->site, node, step), *found;
	crash_run(&campaign->site, step, &run);
	if (run.end != TRACE_ENDED || (run.status != 0 && !(again && run.status == 1))) {
		snprintf(why, CRASH_WHY_BYTES, "the next command: end %d, status %d: %s", run.end,
			 run.status, campaign->site.errors);
		return CRASH_NEXT;
	}
	enum crash_fault fault = check(campaign, &after, 1, true, &found, why);
	return fault == CRASH_WELL || fault == CRASH_VERIFY ? fault : CRASH_NEXT;
}

static void
run_beside(void *context)
{
	struct campaign *campaign = context;
	crash_run_quick(&campaign->site, &campaign->work->beside);
}

/* The step of the workload is run with what runs beside it; any other by itself. */
static void
set_pause(struct campaign *campaign, const struct crash_step *step, bool first, struct crash_run *run)
{
	run->pause = campaign->pause;
	run->context = campaign;
	if (first && step == &campaign->step && campaign->pause >= 0)
		run->on_pause = run_beside;
}

/* Run a step up to the point, and read. *found: the world that stands there. */
static enum crash_fault
kill_at(struct campaign *campaign, struct crash_node *node, const struct crash_step *step,
	struct crash_point point, struct image *left, struct crash_node **found, char why[CRASH_WHY_BYTES])
{
	struct crash_run run = {.trace = true, .call = point.call, .part = point.part};
	struct crash_node *nodes[2] = {crash_node_after(&campaign->site, node, step), node};
	set_pause(campaign, step, left == &campaign->crashed, &run);
	crash_run(&campaign->site, step, &run);
	if (run.end != TRACE_KILLED) {
		snprintf(why, CRASH_WHY_BYTES, "not killed there: end %d, status %d: %s", run.end,
			 run.status, campaign->site.errors);
		return CRASH_HARNESS;
	}
	if (left != NULL)
		image_load(left, campaign->site.root);
	enum crash_fault fault = check(campaign, nodes, 2, false, found, why);
	/* what was printed is acknowledged: then only the world after it will do */
	bool undone = run.said && *found == node && nodes[0]->facts.sum != node->facts.sum;
	if (fault != CRASH_WELL || !undone)
		return fault;
	snprintf(why, CRASH_WHY_BYTES, "acknowledged (%.200s), but the store is as it was before",
		 campaign->site.said);
	return CRASH_LOST;
}

/* Trace a step to its end, from `image`. */
static bool
trace_step(struct campaign *campaign, const struct image *image, const struct crash_step *step,
	   struct trace_log *log)
{
	struct crash_run run = {.trace = true, .call = -1, .log = log};
	image_restore(image, campaign->site.root);
	set_pause(campaign, step, image == &campaign->prepared, &run);
	crash_run(&campaign->site, step, &run);
	if (run.end == TRACE_ENDED && (run.status == 0 || run.status == 1))
		return true;
	printf("%s: the trace ended with %d, status %d: %s\n", campaign->work->name, run.end, run.status,
	       campaign->site.errors);
	return false;
}

static const struct crash_step *
follow_step(const struct campaign *campaign, unsigned number)
{
	return number < FOLLOWS - 1 ? &follow_steps[number] : &campaign->step;
}

/* --- second kills ------------------------------------------------------------------------ */

/* A reader changes nothing, and killed it changes nothing either. */
static void
kill_reader(struct campaign *campaign, const struct image *image)
{
	struct crash_run run = {.trace = true, .call = -1, .log = &campaign->second_log};
	char why[CRASH_WHY_BYTES];
	image_restore(image, campaign->site.root);
	crash_run_list(&campaign->site, &run);
	size_t calls = campaign->second_log.count;
	for (size_t i = 0; i < calls; i++) {
		const struct trace_call *call = &campaign->second_log.calls[i];
		/* a lease (F_SETLEASE) is the one thing that a reader asks for: it goes with the process */
		if (!call->changes || strcmp(call->where, "stdout") == 0 ||
		    strcmp(call->name, "fcntl") == 0)
			continue;
		snprintf(why, sizeof(why), "a reader changes the store: %s %s", call->name, call->where);
		fail(campaign, CRASH_TORN, NULL, (struct crash_point){(long)i, TRACE_BEFORE}, why);
	}
	if (calls == 0)
		return;
	run.log = NULL;
	run.call = (long)crash_draw(&campaign->state, calls);
	run.part = TRACE_BEFORE;
	crash_run_list(&campaign->site, &run);
	image_load(&campaign->again, campaign->site.root);
	campaign->points++;
	campaign->readers++;
	if (image_sum(&campaign->again) != image_sum(image))
		fail(campaign, CRASH_TORN, NULL, (struct crash_point){run.call, run.part},
		     "a killed reader left something behind");
}

/* A third kill, on what the second left. */
static enum crash_fault
kill_third(struct campaign *campaign, struct crash_node **node, char why[CRASH_WHY_BYTES])
{
	static struct crash_points points;
	static struct trace_log log;
	if (!trace_step(campaign, &campaign->again, &last_step, &log))
		return CRASH_NEXT;
	crash_points_of(&log, 0, &points);
	struct crash_point point = points.point[crash_draw(&campaign->state, points.count)];
	replay_add(campaign, point);
	image_restore(&campaign->again, campaign->site.root);
	campaign->points++;
	return kill_at(campaign, *node, &last_step, point, NULL, node, why);
}

static void
kill_second(struct campaign *campaign, struct crash_node *node, const struct image *image,
	    unsigned second, struct crash_point point)
{
	char why[CRASH_WHY_BYTES] = "";
	size_t replay = strlen(campaign->replay);
	bool third = crash_draw(&campaign->state, THIRD_EVERY) == 0;
	image_restore(image, campaign->site.root);
	replay_add(campaign, point);
	enum crash_fault fault = kill_at(campaign, node, follow_step(campaign, second), point,
					 third ? &campaign->again : NULL, &node, why);
	if (fault == CRASH_WELL && third)
		fault = kill_third(campaign, &node, why);
	if (fault == CRASH_WELL)
		fault = follow(campaign, node, &last_step, true, why);
	if (fault != CRASH_WELL)
		fail(campaign, fault, &campaign->second_log, point, why);
	campaign->points++;
	campaign->seconds++;
	campaign->replay[replay] = '\0';
}

/* The state that a first kill left behind: kill what comes next at `want` points. */
static void
go_deeper(struct campaign *campaign, struct crash_node *node, const struct image *image,
	  unsigned second, size_t want)
{
	static struct crash_points points;
	const struct crash_step *step = follow_step(campaign, second);
	if (!trace_step(campaign, image, step, &campaign->second_log)) {
		fail(campaign, CRASH_NEXT, NULL, (struct crash_point){-1, 0}, campaign->site.errors);
		return;
	}
	crash_points_of(&campaign->second_log, 0, &points);
	crash_points_thin(&points, want, &campaign->state);
	for (size_t i = 0; i < points.count; i++)
		kill_second(campaign, node, image, second, points.point[i]);
	if (!campaign->sample || crash_draw(&campaign->state, 4) == 0)
		kill_reader(campaign, image);
}

/* Was this state met before in this workload? Remembers it. */
static bool
is_seen(struct campaign *campaign, const struct image *image, unsigned second)
{
	uint64_t sum = (image_sum(image) + second) | 1;
	size_t at = sum % STATES;
	while (campaign->seen[at] != 0 && campaign->seen[at] != sum)
		at = (at + 1) % STATES;
	if (campaign->seen[at] == sum)
		return true;
	if (campaign->seen_count == STATES / 2)
		return true;
	campaign->seen[at] = sum;
	campaign->seen_count++;
	return false;
}

/* --- first kills ------------------------------------------------------------------------- */

static void
kill_first(struct campaign *campaign, struct crash_point point, unsigned second, size_t deep)
{
	char why[CRASH_WHY_BYTES] = "";
	struct crash_node *node = campaign->start;
	replay_begin(campaign, second);
	replay_add(campaign, point);
	image_restore(&campaign->prepared, campaign->site.root);
	enum crash_fault fault = kill_at(campaign, node, &campaign->step, point, &campaign->crashed, &node,
					 why);
	if (fault == CRASH_WELL)
		fault = follow(campaign, node, follow_step(campaign, second), second == FOLLOWS - 1, why);
	if (fault != CRASH_WELL)
		fail(campaign, fault, &campaign->log, point, why);
	campaign->points++;
	if (fault == CRASH_WELL && deep > 0 && !is_seen(campaign, &campaign->crashed, second))
		go_deeper(campaign, node, &campaign->crashed, second, deep);
}

static void
kill_all(struct campaign *campaign)
{
	static struct crash_points points;
	size_t part = campaign->work->heavy > 0 ? campaign->work->heavy : 1;
	/* what comes before something runs beside it is as without that */
	crash_points_of(&campaign->log, campaign->pause, &points);
	if (campaign->sample)
		crash_points_thin(&points, SAMPLE_FIRST / part, &campaign->state);
	size_t every = points.count * part / SAMPLE_SECOND;
	for (size_t i = 0; i < points.count; i++) {
		size_t deep = (size_t)campaign->deep / (part > 1 ? part * 2 : 1);
		if (campaign->sample)
			deep = every == 0 || i % every == 0;
		kill_first(campaign, points.point[i], (unsigned)crash_draw(&campaign->state, FOLLOWS), deep);
	}
}

/* --call --part: that one chain, told. */
static void
kill_given(struct campaign *campaign)
{
	char why[CRASH_WHY_BYTES] = "", text[CRASH_PART_BYTES];
	struct crash_node *node = campaign->start;
	const struct crash_step *steps[KILLS] = {&campaign->step, follow_step(campaign, campaign->second),
						 &last_step, &last_step};
	enum crash_fault fault = CRASH_WELL;
	size_t i;
	replay_begin(campaign, campaign->second);
	image_restore(&campaign->prepared, campaign->site.root);
	for (i = 0; i < campaign->kill_count && fault == CRASH_WELL; i++) {
		replay_add(campaign, campaign->kills[i]);
		fault = kill_at(campaign, node, steps[i], campaign->kills[i],
				i == 0 ? &campaign->crashed : NULL, &node, why);
		printf("kill %zu: call %ld, %s: %s; the world %s\n", i + 1, campaign->kills[i].call,
		       crash_part_text(campaign->kills[i].part, text), crash_fault_names[fault],
		       node->step == steps[i] ? "after" : "before");
	}
	if (fault == CRASH_WELL)
		fault = follow(campaign, node, i < KILLS ? steps[i] : &last_step, true, why);
	printf("then: %s\n", crash_fault_names[fault]);
	if (fault != CRASH_WELL)
		fail(campaign, fault, NULL, campaign->kills[0], why);
	campaign->points += campaign->kill_count;
}

/* --- a workload -------------------------------------------------------------------------- */

static void
set_probes(struct campaign *campaign)
{
	const struct crash_work *work = campaign->work;
	uint32_t last = work->step.first + (work->step.count > 0 ? work->step.count - 1 : 0);
	const uint32_t probes[] = {0, 13, 395, work->step.first, last, 5003, 600000, 700000};
	memcpy(campaign->site.probes, probes, sizeof(probes));
	campaign->site.probe_count = sizeof(probes) / sizeof(probes[0]);
}

static void
print_calls(const struct campaign *campaign)
{
	for (size_t i = 0; i < campaign->log.count; i++) {
		const struct trace_call *call = &campaign->log.calls[i];
		printf("%4zu %c %-12s %s", i, call->changes ? '*' : ' ', call->name, call->where);
		if (call->bytes > 0)
			printf(" %" PRIu64 " bytes", call->bytes);
		putchar('\n');
	}
}

/* Where the step takes the lock of the store. */
static long
lock_call(const struct campaign *campaign)
{
	for (size_t i = 0; i < campaign->log.count; i++) {
		const char *name = strrchr(campaign->log.calls[i].where, '/');
		if (name != NULL && strcmp(name, "/LOCK") == 0)
			return (long)i;
	}
	return -1;
}

static bool
trace_first(struct campaign *campaign)
{
	if (!trace_step(campaign, &campaign->prepared, &campaign->step, &campaign->log))
		return false;
	if (campaign->work->beside.verb == 0)
		return true;
	/* once more, with the other command at that point */
	campaign->pause = lock_call(campaign);
	campaign->start = crash_node_after(&campaign->site, campaign->start, &campaign->work->beside);
	return trace_step(campaign, &campaign->prepared, &campaign->step, &campaign->log);
}

static bool
begin(struct campaign *campaign)
{
	struct crash_world world;
	struct crash_node *found;
	char why[CRASH_WHY_BYTES] = "";
	set_probes(campaign);
	campaign->points = campaign->seconds = campaign->readers = 0;
	campaign->seen_count = 0;
	campaign->pause = -1;
	memset(campaign->seen, 0, sizeof(campaign->seen));
	memset(campaign->faults, 0, sizeof(campaign->faults));
	snprintf(campaign->replay, sizeof(campaign->replay), "--workload %s", campaign->work->name);
	bool made = crash_work_prepare(&campaign->site, campaign->work, &campaign->prepared, &world,
				       &campaign->step);
	campaign->start = campaign->root = crash_node_new(&campaign->site, &world);
	if (!made) {
		printf("%-16s not with this engine\n", campaign->work->name);
		return false;
	}
	enum crash_fault fault = check(campaign, &campaign->start, 1, false, &found, why);
	bool traced = fault == CRASH_WELL && trace_first(campaign);
	if (traced) {
		struct crash_node *after = crash_node_after(&campaign->site, campaign->start, &campaign->step);
		fault = check(campaign, &after, 1, true, &found, why);
	}
	if (traced && fault == CRASH_WELL)
		return true;
	campaign->points++;
	fail(campaign, fault == CRASH_WELL ? CRASH_HARNESS : fault, NULL, (struct crash_point){-1, 0}, why);
	return false;
}

static void
report(struct campaign *campaign)
{
	uint64_t failed = 0;
	for (int i = CRASH_WELL + 1; i < CRASH_FAULTS; i++)
		failed += campaign->faults[i];
	if (failed > campaign->points)
		failed = campaign->points;
	campaign->total_points += campaign->points;
	campaign->total_failed += failed;
	if (campaign->points == 0)
		return;
	printf("%-16s %4zu calls %6" PRIu64 " points (second %" PRIu64 ", readers %" PRIu64 "): lost %" PRIu64
	       ", unopenable %" PRIu64 ", torn %" PRIu64 ", verify %" PRIu64 ", next %" PRIu64
	       ", harness %" PRIu64 "\n", campaign->work->name, campaign->log.count, campaign->points,
	       campaign->seconds, campaign->readers, campaign->faults[CRASH_LOST],
	       campaign->faults[CRASH_UNOPENABLE], campaign->faults[CRASH_TORN],
	       campaign->faults[CRASH_VERIFY], campaign->faults[CRASH_NEXT],
	       campaign->faults[CRASH_HARNESS]);
	fflush(stdout);
}

static void
run_work(struct campaign *campaign, const struct crash_work *work)
{
	campaign->work = work;
	campaign->state = campaign->seed;
	if (begin(campaign)) {
		if (campaign->print_calls)
			print_calls(campaign);
		else if (campaign->kill_count > 0)
			kill_given(campaign);
		else
			kill_all(campaign);
	}
	report(campaign);
	crash_node_free(campaign->root);
	campaign->start = campaign->root = NULL;
}

/* --- the command line -------------------------------------------------------------------- */

static bool
take_kill(struct campaign *campaign, const char *call, const char *part)
{
	if (call != NULL) {
		if (campaign->kill_count == KILLS)
			return false;
		campaign->kills[campaign->kill_count++] = (struct crash_point){strtol(call, NULL, 10), TRACE_BEFORE};
		return true;
	}
	if (campaign->kill_count == 0)
		return false;
	long *where = &campaign->kills[campaign->kill_count - 1].part;
	*where = crash_part_read(part);
	return true;
}

static int
make_old(struct campaign *campaign, const char *directory)
{
	const struct crash_work *work = NULL;
	for (size_t i = 0; i < crash_work_count; i++)
		if (crash_works[i].archive != NULL)
			work = &crash_works[i];
	crash_work_make_old(&campaign->site, work);
	if (rename(campaign->site.root, directory) != 0) {
		perror(directory);
		return 2;
	}
	return 0;
}

static bool
take_options(struct campaign *campaign, int argc, char **argv)
{
	static const struct option options[] = {
		{"sample", 0, NULL, 's'}, {"workload", 1, NULL, 'w'}, {"call", 1, NULL, 'c'},
		{"part", 1, NULL, 'p'},   {"second", 1, NULL, '2'},   {"seed", 1, NULL, 'r'},
		{"deep", 1, NULL, 'd'},   {"calls", 0, NULL, 'l'},    {"keep", 0, NULL, 'k'},
		{"make-old", 1, NULL, 'm'}, {"directory", 1, NULL, 'f'}, {0},
	};
	int option;
	bool good = true;
	while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's': campaign->sample = true; break;
		case 'w': campaign->only = optarg; break;
		case 'c': good = take_kill(campaign, optarg, NULL); break;
		case 'p': good = take_kill(campaign, NULL, optarg); break;
		case '2': campaign->second = (unsigned)atoi(optarg) % FOLLOWS; break;
		case 'r': campaign->seed = strtoull(optarg, NULL, 10); break;
		case 'd': campaign->deep = atol(optarg); break;
		case 'l': campaign->print_calls = true; break;
		case 'k': campaign->keep = true; break;
		case 'm': campaign->make_old = optarg; break;
		case 'f': campaign->directory = optarg; break;
		default: good = false;
		}
	}
	if (good && optind == argc && (campaign->kill_count == 0 || campaign->only != NULL))
		return true;
	fprintf(stderr, "usage: see the head of tests/campaign_crash.c\n");
	return false;
}

static bool
is_wanted(const struct campaign *campaign, const char *name)
{
	size_t length = strlen(name);
	const char *at = campaign->only;
	while (at != NULL) {
		if (strncmp(at, name, length) == 0 && (at[length] == '\0' || at[length] == ','))
			return true;
		at = strchr(at, ',');
		at = at != NULL ? at + 1 : NULL;
	}
	return campaign->only == NULL;
}

static int
run(struct campaign *campaign)
{
	double start = (double)clock() / CLOCKS_PER_SEC;
	printf("seed %" PRIu64 "\n", campaign->seed);
	for (size_t i = 0; i < crash_work_count; i++)
		if (is_wanted(campaign, crash_works[i].name))
			run_work(campaign, &crash_works[i]);
	printf("%" PRIu64 " commands; CPU time of the campaign itself %.1f s\n", campaign->site.commands,
	       (double)clock() / CLOCKS_PER_SEC - start);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", campaign->total_points - campaign->total_failed,
	       campaign->total_failed);
	return campaign->total_failed > 0 || campaign->total_points == 0;
}

int
main(int argc, char **argv)
{
	static struct campaign campaign;
	const char *program = getenv("REPUTE");
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!trace_works("/bin/true")) {
		printf("no tracing here (x86-64 Linux with ptrace and seccomp is needed)\n");
		return 77;
	}
	unsetenv("REPUTE_STORE");
	setenv("LC_ALL", "C", 1);
	campaign.seed = 20261201;
	campaign.deep = DEEP;
	if (!take_options(&campaign, argc, argv))
		return 2;
	crash_site_init(&campaign.site, program != NULL ? program : "build/repute", campaign.directory);
	int status = campaign.make_old != NULL ? make_old(&campaign, campaign.make_old) : run(&campaign);
	image_fini(&campaign.prepared);
	image_fini(&campaign.crashed);
	image_fini(&campaign.again);
	trace_log_fini(&campaign.log);
	trace_log_fini(&campaign.second_log);
	if (campaign.keep)
		printf("files: %s\n", campaign.site.work);
	else
		crash_site_fini(&campaign.site);
	return status;
}
