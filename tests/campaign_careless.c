/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Careless operators: truncate, overwrite, replace and remove the files of a store while readers
 * ask without pause, each in a process of its own; put it right again; and so on.
 *
 *   REPUTE=build/obj/release/repute build/obj/release/tests/campaign_careless [options]
 *
 *   --sample            a few hundred events
 *   --events N          so many (10000)
 *   --seed N            another course
 *   --only DEED         this deed only ("truncate to half")
 *   --keep              leave the files
 *
 * Held: no reader dies, none gives a wrong answer, those with a lease or sealed memory always
 * have an answer; and when a file is good again, all have right ones. Answers are judged by a
 * formula (careless_world.h). Those without a lease are granted the window that docs/store.md tells:
 * their wrong answers are excused if they see the damage right after, and if the deed is one that
 * writes, or leaves half a page.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/careless_operator.h"
#include "tests/careless_reader.h"
#include "tests/careless_world.h"
#include "tests/leaseless.h"
#include "tests/scratch.h"

#define SAMPLE_EVENTS 130
#define WAIT_SECONDS 60
#define SEGMENTS 8
#define PUBLISH_EVERY 16
#define LOOK_MS 120 /* readers look every 100 ms by a clock that is some coarser */

struct campaign {
	uint64_t seed, events, event, failures;
	const char *program, *only;
	bool keep, leases;
	char *store, *copy;
	uint64_t generation;
	struct careless_board *board;
	pid_t reader[READER_WAYS];
	uint64_t done[64], longest_ms;
};

static uint64_t
milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
doze(unsigned long microseconds)
{
	struct timespec pause = {(time_t)(microseconds / 1000000), (long)(microseconds % 1000000) * 1000};
	nanosleep(&pause, NULL);
}

static uint64_t
next_random(struct campaign *campaign, uint64_t what)
{
	return world_mix(campaign->seed * 1000003 + campaign->event, what);
}

static void
fail(struct campaign *campaign, const char *what, const char *why)
{
	campaign->failures++;
	fprintf(stderr, "event %" PRIu64 " (--seed %" PRIu64 "): %s: %s\n", campaign->event,
		campaign->seed, what, why);
}

/* --- readers ----------------------------------------------------------------------------------------- */

static void
start_readers(struct campaign *campaign)
{
	for (int way = 0; way < READER_WAYS; way++)
		if (way != READER_STRANGER || geteuid() == 0)
			campaign->reader[way] = careless_reader_start((enum careless_way)way, campaign->seed,
								      campaign->store, campaign->program,
								      campaign->board);
}

/* Dead ones. A stranger that may not come to the store is none. */
static void
look_for_dead(struct campaign *campaign)
{
	char text[64];
	for (int way = 0; way < READER_WAYS; way++) {
		int status;
		if (campaign->reader[way] <= 0 ||
		    waitpid(campaign->reader[way], &status, WNOHANG) != campaign->reader[way])
			continue;
		campaign->reader[way] = 0;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
			printf("no reader of another user: it has no way to the store\n");
			continue;
		}
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && campaign->board->stop)
			continue;
		snprintf(text, sizeof(text), WIFSIGNALED(status) ? "died of signal %d" : "ended with %d",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		fail(campaign, careless_ways[way], text);
	}
}

static void
look_for_faults(struct campaign *campaign)
{
	look_for_dead(campaign);
	for (int way = 0; way < READER_WAYS; way++) {
		struct careless_seat *seat = &campaign->board->seat[way];
		if (__atomic_exchange_n(&seat->wrong, 0, __ATOMIC_SEQ_CST) != 0)
			fail(campaign, careless_ways[way], seat->why);
		if (careless_is_strict((enum careless_way)way, campaign->leases) &&
		    __atomic_load_n(&seat->untold, __ATOMIC_SEQ_CST) != 0) {
			fail(campaign, careless_ways[way], "could not tell, though it has a lease or a copy");
			__atomic_store_n(&seat->untold, 0, __ATOMIC_SEQ_CST);
		}
	}
}

/* Until every reader has had a round without any fault that began after now. */
static void
wait_until_good(struct campaign *campaign, const char *after)
{
	uint64_t tag = __atomic_add_fetch(&campaign->board->tag, 1, __ATOMIC_SEQ_CST);
	uint64_t from = milliseconds(), until = from + WAIT_SECONDS * 1000;
	for (int way = 0; way < READER_WAYS; way++) {
		const uint64_t *good = &campaign->board->seat[way].good;
		while (campaign->reader[way] > 0 && __atomic_load_n(good, __ATOMIC_SEQ_CST) < tag) {
			doze(1000);
			look_for_dead(campaign);
			if (milliseconds() < until)
				continue;
			fail(campaign, careless_ways[way], after);
			break;
		}
	}
	if (milliseconds() - from > campaign->longest_ms)
		campaign->longest_ms = milliseconds() - from;
}

static void
reopen_all(struct campaign *campaign)
{
	for (int way = 0; way < READER_WAYS; way++)
		__atomic_add_fetch(&campaign->board->seat[way].reopen, 1, __ATOMIC_SEQ_CST);
	wait_until_good(campaign, "is not well after opening anew");
}

/* --- events --------------------------------------------------------------------------------------------- */

static void
publish(struct campaign *campaign)
{
	world_publish(campaign->seed, campaign->store, ++campaign->generation);
	__atomic_store_n(&campaign->board->published, campaign->generation, __ATOMIC_SEQ_CST);
	store_keep(campaign->store, campaign->copy);
}

/* One of the files that a deed can be done to. */
static unsigned
choose_target(struct campaign *campaign, unsigned targets, char path[4096])
{
	struct stat info;
	unsigned target = 0, segments = 0;
	uint64_t number[SEGMENTS];
	uint64_t random = next_random(campaign, 2);
	for (uint64_t n = 1; n < 2000 && segments < SEGMENTS; n++) {
		snprintf(path, 4096, "%s/segment-%" PRIu64 ".rps", campaign->store, n);
		if (stat(path, &info) == 0)
			number[segments++] = n;
	}
	/* two in three to a segment, if that is what the deed is for */
	if ((targets & DEED_SEGMENT) != 0 && random % 3 != 0)
		targets = DEED_SEGMENT;
	while ((target & targets & ~DEED_CLEAN) == 0)
		target = 1u << world_mix(random++, 3) % 4;
	if (target == DEED_SEGMENT)
		snprintf(path, 4096, "%s/segment-%" PRIu64 ".rps", campaign->store,
			 number[random % segments]);
	else
		snprintf(path, 4096, "%s%s", campaign->store,
			 target == DEED_COUNTER ? "/GENERATION" : target == DEED_JOURNAL ? "/JOURNAL" : "");
	return target;
}

/*
 * What an earlier deed did, and nobody has come across yet, is not laid at the door of one that is clean: the next look is
 * due, and every round looks before it asks.
 */
static void
look_once_more(struct campaign *campaign)
{
	scratch_pause(LOOK_MS);
	wait_until_good(campaign, "is not well though nothing was done");
}

static void
event(struct campaign *campaign)
{
	char path[4096];
	size_t which = next_random(campaign, 1) % deed_count;
	for (size_t i = 0; campaign->only != NULL && i < deed_count; i++)
		if (strcmp(deeds[i].name, campaign->only) == 0)
			which = i;
	const struct deed *deed = &deeds[which];
	unsigned target = choose_target(campaign, deed->targets, path);
	if ((deed->targets & DEED_CLEAN) != 0)
		look_once_more(campaign);
	if ((target & (DEED_JOURNAL | DEED_DIRECTORY)) != 0)
		__atomic_store_n(&campaign->board->journal, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&campaign->board->clean, deed->targets & DEED_CLEAN,
			 __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&campaign->board->tag, 1, __ATOMIC_SEQ_CST);
	if (getenv("CARELESS_TRACE") != NULL)
		fprintf(stderr, "%" PRIu64 ": %s: %s\n", campaign->event, deed->name, path);
	if (!deed_do(deed, path, next_random(campaign, 4), WAIT_SECONDS))
		fail(campaign, deed->name, "the operator was held for longer than any lease");
	doze(next_random(campaign, 5) % 4 == 0 ? 130000 : next_random(campaign, 6) % 20000);
	look_for_faults(campaign);
	if (!store_restore(campaign->store, campaign->copy, next_random(campaign, 7), WAIT_SECONDS))
		fail(campaign, deed->name, "putting it right was held for longer than any lease");
	wait_until_good(campaign, deed->name);
	__atomic_store_n(&campaign->board->journal, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&campaign->board->clean, 0, __ATOMIC_SEQ_CST);
	look_for_faults(campaign);
	campaign->done[which]++;
}

static void
run(struct campaign *campaign)
{
	wait_until_good(campaign, "is not well at the beginning");
	for (campaign->event = 1; campaign->event <= campaign->events && campaign->failures < 20;
	     campaign->event++) {
		if (campaign->event % PUBLISH_EVERY == 0)
			publish(campaign);
		if (next_random(campaign, 0) % 2 == 0)
			reopen_all(campaign);
		event(campaign);
		if (campaign->event % 1000 == 0)
			fprintf(stderr, "%" PRIu64 " events\n", campaign->event);
	}
}

/* --- the whole ---------------------------------------------------------------------------------------------- */

static void
begin(struct campaign *campaign)
{
	char name[4096];
	campaign->board = mmap(NULL, sizeof(*campaign->board), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(name, sizeof(name), "careless-%d", (int)getpid());
	campaign->store = scratch_new(name);
	snprintf(name, sizeof(name), "careless-%d.good", (int)getpid());
	campaign->copy = scratch_new(name);
	publish(campaign);
	publish(campaign);
	snprintf(name, sizeof(name), "%s/segment-1.rps", campaign->store);
	campaign->leases = leases_here(name);
	if (!campaign->leases)
		printf("no leases here: readers are held to what is promised without\n");
	start_readers(campaign);
}

static void
end(struct campaign *campaign)
{
	uint64_t until = milliseconds() + 10000;
	campaign->board->stop = true;
	for (int way = 0; way < READER_WAYS; way++) {
		while (campaign->reader[way] > 0 && milliseconds() < until) {
			doze(1000);
			look_for_dead(campaign);
		}
		if (campaign->reader[way] > 0) {
			fail(campaign, careless_ways[way], "does not end");
			kill(campaign->reader[way], SIGKILL);
			waitpid(campaign->reader[way], NULL, 0);
		}
	}
	look_for_faults(campaign);
	if (!campaign->keep) {
		scratch_remove(campaign->store);
		scratch_remove(campaign->copy);
	}
}

static void
report(const struct campaign *campaign)
{
	uint64_t answers = 0;
	printf("%-10s %12s %10s %9s %9s %8s\n", "reader", "answers", "untold", "excused", "refusals",
	       "copies");
	for (int way = 0; way < READER_WAYS; way++) {
		const struct careless_seat *seat = &campaign->board->seat[way];
		answers += seat->answers;
		printf("%-10s %12" PRIu64 " %10" PRIu64 " %9" PRIu64 " %9" PRIu64 " %8" PRIu64 "\n",
		       careless_ways[way], seat->answers, seat->untold, seat->excused, seat->refusals,
		       seat->changes);
	}
	for (size_t i = 0; i < deed_count && campaign->only == NULL; i++)
		printf("%6" PRIu64 " %s\n", campaign->done[i], deeds[i].name);
	printf("%" PRIu64 " events, %" PRIu64 " answers, %" PRIu64 " generations; longest until all were well %"
	       PRIu64 " ms\n", campaign->event - 1, answers, campaign->generation,
	       campaign->longest_ms);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n",
	       campaign->event - 1 - (campaign->failures < campaign->event - 1 ? campaign->failures
									       : campaign->event - 1),
	       campaign->failures);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"sample", no_argument, NULL, 's'}, {"events", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 'r'}, {"only", required_argument, NULL, 'o'},
		{"keep", no_argument, NULL, 'k'}, {NULL, 0, NULL, 0},
	};
	static struct campaign campaign = {.seed = 1, .events = 10000};
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			campaign.events = SAMPLE_EVENTS;
		else if (option == 'n')
			campaign.events = strtoull(optarg, NULL, 10);
		else if (option == 'r')
			campaign.seed = strtoull(optarg, NULL, 10);
		else if (option == 'o')
			campaign.only = optarg;
		else if (option == 'k')
			campaign.keep = true;
		else
			return 2;
	}
	campaign.program = getenv("REPUTE");
	if (campaign.program == NULL) {
		fputs("REPUTE must name the program\n", stderr);
		return 2;
	}
	printf("seed %" PRIu64 "\n", campaign.seed);
	begin(&campaign);
	run(&campaign);
	end(&campaign);
	report(&campaign);
	return campaign.failures == 0 ? 0 : 1;
}
