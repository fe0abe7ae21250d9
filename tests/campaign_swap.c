/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Swap truth (`make swap`): one process writes generations, another folds the base, five threads of
 * four processes (one of which opens the store anew all the time) look up at full speed and compare every answer with what is true at the generation of
 * their view. Then once more with another store to write, while readers stay with this one: the control run, in which the
 * same is done for as many answers, without swapping.
 *
 *   campaign_swap [--sample | --threads] [OPTIONS]
 *
 *   --sample          small: what `make check` runs
 *   --threads         all in threads of one process, for ThreadSanitizer; implies --sample
 *   --revisions N     that are written (100,000)
 *   --answers N       that are compared at least (1,000,000,000)
 *   --control N       a control run with the N-th part of both (10); 0: none
 *   --bulk N          keys of three kinds that never change (6,000)
 *   --compact N       revisions from one compaction to the next (250)
 *   --unsure N        revisions until a journal is written anew, as after a killed writer (97)
 *   --seconds N       a run that has not ended by then has failed (3,600)
 *   --seed N          of the questions
 *   --home FOLDER     where stores are made (build/tmp)
 *
 * REPUTE names the command line, which folds every other time. Only answers and what is left open
 * are judged; pauses are told.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scratch.h"
#include "tests/swap.h"

#define HEAP_SLACK (1l << 20)
#define RESIDENT_SLACK (32l << 20)

struct options {
	uint64_t revisions, answers, control, bulk, compact, unsure, seconds, seed;
	bool threads;
	const char *home;
};

static struct options options = {
	.revisions = 100000, .answers = 1000000000, .control = 10, .bulk = 6000, .compact = 250,
	.unsure = 97, .seconds = 3600, .seed = 1, .home = "build/tmp",
};

static unsigned passed, failed;

static void
check(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void
check(bool good, const char *format, ...)
{
	va_list list;
	*(good ? &passed : &failed) += 1;
	printf("%s  ", good ? "ok  " : "FAIL");
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
	fflush(stdout);
}

/* --- processes ----------------------------------------------------------------------------------- */

enum part { PART_WRITER, PART_COMPACTOR, PART_READER };
#define PARTS (2 + SWAP_READERS)

struct member {
	enum part part;
	unsigned number;
	struct swap_shared *shared;
	pid_t child;
	bool ended, good;
	int status;
	pthread_t thread;
};

static void
work(struct member *member)
{
	member->good = true;
	if (member->part == PART_WRITER)
		swap_write(member->shared);
	else if (member->part == PART_COMPACTOR)
		swap_compact(member->shared);
	else
		member->good = swap_read(member->shared, member->number,
					 member->number == SWAP_READERS - 1 ? 2 : 1);
}

static void
start(struct member *member)
{
	fflush(NULL);
	pid_t parent = getpid();
	member->child = fork();
	if (member->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(2);
		work(member);
		_exit(member->good ? 0 : 1);
	}
}

static void
reap(struct member *members)
{
	int status;
	pid_t child;
	while ((child = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < PARTS; i++)
			if (members[i].child == child && !members[i].ended) {
				members[i].ended = true;
				members[i].status = status;
				members[i].good = status == 0;
			}
}

static bool
some_died(const struct member *members)
{
	for (unsigned i = 0; i < PARTS; i++)
		if (members[i].ended && !members[i].good)
			return true;
	return false;
}

static bool
all_ended(const struct member *members)
{
	for (unsigned i = 0; i < PARTS; i++)
		if (!members[i].ended)
			return false;
	return true;
}

/* Until the writer is through and the answers are there; then the others are told. False: out of time. */
static bool
supervise(struct member *members, struct swap_shared *shared, uint64_t end)
{
	bool stopping = false;
	while (!all_ended(members) && swap_now() < end) {
		usleep(5000);
		reap(members);
		bool through = members[PART_WRITER].ended && swap_answers(shared) >= shared->answers;
		if (!stopping && (through || some_died(members))) {
			__atomic_store_n(&shared->over, 1, __ATOMIC_RELEASE);
			__atomic_store_n(&shared->stop, 1, __ATOMIC_RELEASE);
			stopping = true;
		}
	}
	bool timely = all_ended(members);
	for (unsigned i = 0; i < PARTS; i++)
		if (!members[i].ended)
			kill(members[i].child, SIGKILL);
	while (!all_ended(members)) {
		usleep(1000);
		reap(members);
	}
	return timely;
}

static void
members_fill(struct member *members, struct swap_shared *shared)
{
	for (unsigned i = 0; i < PARTS; i++)
		members[i] = (struct member){
			.part = i < PART_READER ? (enum part)i : PART_READER,
			.number = i < PART_READER ? 0 : i - PART_READER,
			.shared = shared,
		};
}

static const char *
member_name(const struct member *member)
{
	static char text[32];
	static const char *const names[] = {"writer", "compactor", "reader"};
	snprintf(text, sizeof(text), member->part == PART_READER ? "%s %u" : "%s",
		 names[member->part], member->number + 1);
	return text;
}

static void
run_processes(struct swap_shared *shared)
{
	struct member members[PARTS];
	members_fill(members, shared);
	for (unsigned i = PARTS; i-- > 0;)
		start(&members[i]);
	bool timely = supervise(members, shared, swap_now() + options.seconds * 1000000000u);
	for (unsigned i = 0; i < PARTS; i++)
		check(members[i].good, "%s came to its end (status %d)", member_name(&members[i]),
		      members[i].status);
	if (!timely)
		check(false, "ended within %" PRIu64 " s", options.seconds);
}

/* --- threads ---------------------------------------------------------------------------------------- */

static void *
work_thread(void *context)
{
	work(context);
	return NULL;
}

static void
run_threads(struct swap_shared *shared)
{
	struct member members[PARTS];
	members_fill(members, shared);
	alarm((unsigned)options.seconds);
	for (unsigned i = 0; i < PARTS; i++)
		if (pthread_create(&members[i].thread, NULL, work_thread, &members[i]) != 0)
			abort();
	pthread_join(members[PART_WRITER].thread, NULL);
	while (swap_answers(shared) < shared->answers)
		usleep(5000);
	__atomic_store_n(&shared->over, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&shared->stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 1; i < PARTS; i++) {
		pthread_join(members[i].thread, NULL);
		check(members[i].good, "%s came to its end", member_name(&members[i]));
	}
}

/* --- what came of it --------------------------------------------------------------------------------- */

static void
tell_times(const char *what, const struct swap_times *times)
{
	printf("      %-44s %10" PRIu64 " times: 50 %% %8.1f, 99 %% %8.1f, 99.99 %% %9.1f, worst %9.1f us\n",
	       what, times->count, (double)swap_times_part(times, 0.5) / 1e3,
	       (double)swap_times_part(times, 0.99) / 1e3,
	       (double)swap_times_part(times, 0.9999) / 1e3, (double)times->longest / 1e3);
}

/* Lanes that refresh, or the one that does not. */
static void
tell_pauses(const struct swap_shared *shared)
{
	static struct swap_times swap, cpu, still, gap, beside;
	swap = cpu = still = gap = beside = (struct swap_times){0};
	for (unsigned i = 0; i < SWAP_LANES; i++) {
		const struct swap_tally *tally = &shared->lane[i];
		swap_times_add(&gap, &tally->gap);
		if (i == SWAP_LANES - 1) {
			swap_times_add(&beside, &tally->swap);
			continue;
		}
		swap_times_add(&swap, &tally->swap);
		swap_times_add(&cpu, &tally->swap_cpu);
		swap_times_add(&still, &tally->still);
	}
	if (!shared->still) {
		tell_times("refresh, take, answer: a new generation", &swap);
		tell_times("the same, the thread's own time", &cpu);
		tell_times("take, answer: refreshed by another thread", &beside);
	}
	tell_times("refresh, take, answer: nothing new", &still);
	tell_times("from batch to batch (about 150 answers)", &gap);
}

static void
judge_answers(const struct swap_shared *shared)
{
	uint64_t hits = 0, notes = 0, telling = 0, views = 0, swaps = 0, older = 0;
	uint64_t wrong = 0, torn = 0, dropped = 0, stale = 0;
	for (unsigned i = 0; i < SWAP_LANES; i++) {
		const struct swap_tally *tally = &shared->lane[i];
		hits += tally->hits, notes += tally->notes, telling += tally->telling;
		views += tally->views, swaps += tally->swaps, older += tally->older;
		wrong += tally->wrong, torn += tally->torn, dropped += tally->dropped;
		stale += tally->stale;
		if (tally->first[0] != '\0')
			printf("      thread %u: %s\n", i + 1, tally->first);
	}
	printf("      %" PRIu64 " views taken, %" PRIu64 " swaps seen; %" PRIu64 " answers found, %" PRIu64
	       " with tag and key; %" PRIu64 " of views kept; %" PRIu64 " other a revision before\n",
	       views, swaps, hits, notes, older, telling);
	check(wrong == 0 && torn == 0 && dropped == 0, "%" PRIu64 " answers: %" PRIu64 " wrong, %" PRIu64
	      " torn, %" PRIu64 " dropped", swap_answers(shared), wrong, torn, dropped);
	check(stale == 0, "%" PRIu64 " views without what was acknowledged before", stale);
	check(swap_answers(shared) >= shared->answers, "answers enough (%" PRIu64 ")", shared->answers);
	if (shared->still)
		return;
	check(shared->done == shared->revisions && shared->compactions > 0,
	      "%" PRIu64 " revisions, %" PRIu64 " compactions, %" PRIu64 " journals begun anew",
	      shared->done, shared->compactions, shared->unsure);
	check(swaps > shared->revisions / 20 && telling > 0,
	      "enough swaps, and answers that would tell (%" PRIu64 ", %" PRIu64 ")", swaps, telling);
}

static void
judge_held(const struct swap_shared *shared)
{
	for (unsigned i = 0; i < SWAP_READERS; i++) {
		const struct swap_held *before = &shared->before[i], *after = &shared->after[i];
		long heap = after->heap - before->heap, resident = after->resident - before->resident;
		check(after->descriptors == before->descriptors && after->of_store == 0 &&
		      before->of_store == 0 && heap < HEAP_SLACK && resident < RESIDENT_SLACK,
		      "reader %u: descriptors %u to %u, mappings %u to %u (%u of the store), heap "
		      "%+ld KiB, resident %+ld KiB", i + 1, before->descriptors, after->descriptors,
		      before->mappings, after->mappings, after->of_store, heap / 1024, resident / 1024);
	}
}

/* --- a run ---------------------------------------------------------------------------------------------- */

static double
burnt(void)
{
	struct rusage usage;
	getrusage(options.threads ? RUSAGE_SELF : RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static char *
make_path(const char *name)
{
	char *path;
	if (asprintf(&path, "%s/swap-%ld-%s", options.home, (long)getpid(), name) < 0)
		abort();
	return path;
}

/* Writers and readers of their stores, for the `part`-th part of the whole. */
static void
run(uint64_t part, const char *written, const char *read, uint32_t still_at)
{
	struct swap_shared *shared = swap_map(options.revisions * 3 + 1000);
	if (shared == NULL)
		abort();
	shared->revisions = options.revisions / part;
	shared->answers = options.answers / part;
	shared->seed = options.seed;
	shared->compact_every = (unsigned)options.compact;
	shared->unsure_every = (unsigned)options.unsure;
	shared->program = options.threads ? NULL : getenv("REPUTE");
	shared->written = written;
	shared->read = read;
	shared->still = still_at != 0;
	shared->still_at = still_at;
	swap_make(written, shared, (unsigned)options.bulk);
	double before = burnt();
	uint64_t begun = swap_now();
	if (options.threads)
		run_threads(shared);
	else
		run_processes(shared);
	printf("%s: %" PRIu64 " answers, %.1f s, %.1f s of processor time\n",
	       shared->still ? "control, nothing to swap" : "swapping", swap_answers(shared),
	       (double)(swap_now() - begun) / 1e9, burnt() - before);
	tell_pauses(shared);
	judge_answers(shared);
	if (!options.threads)
		judge_held(shared);
	swap_unmap(shared);
}

/* --- options ---------------------------------------------------------------------------------------------- */

enum { SAMPLE = 256, THREADS, REVISIONS, ANSWERS, CONTROL, BULK, COMPACT, UNSURE, SECONDS, SEED, HOME };

static const struct option long_options[] = {
	{"sample", no_argument, NULL, SAMPLE}, {"threads", no_argument, NULL, THREADS},
	{"revisions", required_argument, NULL, REVISIONS}, {"answers", required_argument, NULL, ANSWERS},
	{"control", required_argument, NULL, CONTROL}, {"bulk", required_argument, NULL, BULK},
	{"compact", required_argument, NULL, COMPACT}, {"unsure", required_argument, NULL, UNSURE},
	{"seconds", required_argument, NULL, SECONDS}, {"seed", required_argument, NULL, SEED},
	{"home", required_argument, NULL, HOME}, {0},
};

static void
choose_sample(bool threads)
{
	options.revisions = threads ? 120 : 600;
	options.answers = threads ? 200000 : 6000000;
	options.control = threads ? 0 : 4;
	options.bulk = threads ? 0 : 300;
	options.compact = threads ? 15 : 20;
	options.seconds = 540;
	options.threads |= threads;
}

static void
read_options(int argc, char **argv)
{
	uint64_t *const numbers[] = {
		[REVISIONS] = &options.revisions, [ANSWERS] = &options.answers,
		[CONTROL] = &options.control, [BULK] = &options.bulk, [COMPACT] = &options.compact,
		[UNSURE] = &options.unsure, [SECONDS] = &options.seconds, [SEED] = &options.seed,
	};
	int option;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == SAMPLE || option == THREADS)
			choose_sample(option == THREADS || options.threads);
		else if (option == HOME)
			options.home = optarg;
		else if (option >= REVISIONS && option <= SEED)
			*numbers[option] = strtoull(optarg, NULL, 10);
		else
			exit(2);
	}
}

int
main(int argc, char **argv)
{
	read_options(argc, argv);
	printf("swap: %" PRIu64 " revisions, %" PRIu64 " answers, seed %" PRIu64 "\n",
	       options.revisions, options.answers, options.seed);
	char *store = make_path("store"), *other = make_path("other");
	run(1, store, store, 0);
	if (options.control != 0 && !options.threads)
		run(options.control, other, store, (uint32_t)options.revisions);
	scratch_remove(store);
	scratch_remove(other);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
