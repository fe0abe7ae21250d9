/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_delta: what a delta of 1,000 changes costs, whatever the base.
 *
 *   bench_delta [--entries 1e4]... [--deltas 40] [--way delta|mirror]... [--repute FILE] [--strict yes]
 *
 * For each base (10 k, 1 M and 10 M entries of all kinds by default) a store is built, and one process a
 * delta changes it:
 *
 *   delta    700 keys added, 200 removed (half of the base, half of the delta before), 100 given another
 *            tag: one transaction through the calls that every command uses
 *   mirror   `repute import --mirror` of a list of 20,000 names beside all that, of which 500 are others than
 *            in the version before: 500 added, 500 removed. The first version is in the base
 *
 * Of each process: CPU (user and system, the whole of it, from exec to exit), wall time, bytes written and
 * read, page faults; of a delta also how often it waits for the disk and how long. A reader waits
 * beside them: when it sees the change, counted from the beginning of the process, and the CPU that its
 * refresh takes. A line of JSON for each base and way, medians and the worst; a table on standard
 * error. At the end every key that was touched is looked up.
 *
 * --strict: status 1 if CPU and waiting for the disk are 50 ms or more (median), or if the CPU of the largest
 * base is more than 1.5 times (mirror: twice) and 2 ms above that of the smallest.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/timer.h"
#include "engine/author.h"
#include "engine/clock.h"
#include "engine/store.h"
#include "engine/tag.h"

#define ADDED 700
#define REMOVED 200 /* half of them of the delta before */
#define TAGGED 100  /* the same */
#define OLD ((REMOVED + TAGGED) / 2) /* keys of the base that a delta touches */
#define MIRROR_LINES 20000
#define MIRROR_MOVED 500
#define BASES_MOST 8
#define DELTAS_MOST 400
#define SETS 200
#define TIMES 30
#define SOURCES 4
#define NOW 1800000000u

enum way { DELTA, MIRROR, WAYS };
static const char *const way_names[] = {"delta", "mirror"};
/* Of CPU, from the smallest base to the largest. A list has 20,000 keys to find: each a few misses more. */
static const double growth_most[] = {1.5, 2};

/* A canonical tag string. */
struct tags_text {
	const uint8_t *bytes;
	size_t length;
};

struct sample {
	double cpu, wall, sync, seen, refresh; /* milliseconds */
	double written, read, faults;          /* kilobytes; pages */
	uint32_t syncs, layers;
};

/* What the processes share. */
struct board {
	uint64_t entries;
	uint32_t delta;
	bool reading, ending;
	uint64_t wanted;     /* number of a key that the transaction adds; 0 = none */
	double begun, seen, refresh, sync;
	uint32_t syncs;
};

static struct options {
	size_t entries[BASES_MOST], bases, deltas;
	unsigned ways;
	const char *repute;
	bool strict;
} options = {.deltas = 40, .repute = "build/obj/bench/repute"};

static struct board *board;
static char store_path[64], list_path[64];

static void
need(enum status status, const struct fault *fault)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "bench_delta: %s: %s\n", fault->where, fault->text);
	exit(2);
}

static void
demand(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_delta: %s\n", what);
	exit(2);
}

static double
clock_ms(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* The engine's calls come here: how often a transaction waits for the disk, and how long. */
static int
timed_sync(long call, int descriptor)
{
	double start = clock_ms(CLOCK_MONOTONIC);
	int result = (int)syscall(call, descriptor);
	if (board != NULL) {
		board->sync += clock_ms(CLOCK_MONOTONIC) - start;
		board->syncs++;
	}
	return result;
}

int
fsync(int descriptor)
{
	return timed_sync(SYS_fsync, descriptor);
}

int
fdatasync(int descriptor)
{
	return timed_sync(SYS_fdatasync, descriptor);
}

/* --- keys by number --------------------------------------------------------------------------- */

/* A bijection of 64-bit words (the finisher of SplitMix64). */
static uint64_t
scramble(uint64_t word)
{
	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ull;
	word = (word ^ word >> 27) * 0x94d049bb133111ebull;
	return word ^ word >> 31;
}

/* Names of the list that is mirrored are numbered from here on. */
#define LISTED (1ull << 40)

/* Borrows one buffer: a key at a time. */
static void
text_key(enum kind kind, uint64_t i, struct key *key)
{
	static char text[96];
	unsigned long long own = (unsigned long long)scramble(i);
	int length = i >= LISTED
		? snprintf(text, sizeof(text), "m%llu.list.example", (unsigned long long)(i - LISTED))
		: kind == KIND_DOMAIN
		? snprintf(text, sizeof(text), "h%llx.site%llu.example", own, own % 50000)
		: snprintf(text, sizeof(text), "http://site%llu.example/a/%llx", own % 50000, own);
	demand(key_borrow_text(key, kind, text, (size_t)length), "a text that is no key");
}

/* A third IPv4, a third names, the rest mixed; IPv4 and digests of their own number, so distinct. */
static void
key_make(uint64_t i, struct key *key)
{
	static const uint8_t kinds[20] = {
		KIND_IPV4, KIND_DOMAIN, KIND_IPV4, KIND_DOMAIN, KIND_SHA256, KIND_IPV4, KIND_DOMAIN,
		KIND_URL, KIND_IPV4, KIND_DOMAIN, KIND_SHA256, KIND_IPV4, KIND_DOMAIN, KIND_IPV6,
		KIND_IPV4, KIND_DOMAIN, KIND_SHA1, KIND_IPV4, KIND_URL, KIND_SHA256,
	};
	enum kind kind = i >= LISTED ? KIND_DOMAIN : (enum kind)kinds[i % 20];
	uint8_t bytes[32];
	for (unsigned word = 0; word < 4; word++)
		be64_put(bytes + 8 * word, scramble(i + ((uint64_t)word << 56)));
	if (kind == KIND_IPV4)
		key_set_ipv4(key, (uint32_t)i * 2654435761u, 32);
	else if (kind == KIND_IPV6)
		key_set_ipv6(key, bytes, 128);
	else if (kind_table[kind].key_bytes != 0)
		key_set_digest(key, kind, bytes);
	else
		text_key(kind, i, key);
}

/* Number of the i-th key that delta d adds; those of delta -1 are the last of the base. */
static uint64_t
added_key(const struct board *of, int64_t d, uint32_t i)
{
	return (uint64_t)((int64_t)of->entries + d * ADDED) + i;
}

/* The i-th (below OLD) of the base that delta d touches. */
static uint64_t
old_key(const struct board *of, int64_t d, uint32_t i)
{
	return ((uint64_t)d * OLD + i) * 7368787 % (of->entries - ADDED);
}

/* The i-th that delta d removes (below REMOVED) or tags (TAGGED after them): every second is of the base. */
static uint64_t
touched_key(const struct board *of, int64_t d, uint32_t i)
{
	return i % 2 == 0 ? old_key(of, d, i / 2) : added_key(of, d - 1, i / 2);
}

/* --- claims ------------------------------------------------------------------------------------- */

/* Tag set i: List Count = i + 1. */
static void
set_make(const struct catalog *catalog, unsigned i, struct tags *tags, const uint8_t **set,
	 size_t *length)
{
	const struct tag_category *count = catalog_category(catalog, CATALOG_COUNT_NAME,
							    strlen(CATALOG_COUNT_NAME));
	struct fault fault = {0};
	const uint8_t *notes;
	size_t notes_length;
	char number[16];
	int digits = snprintf(number, sizeof(number), "%u", i + 1);
	tags_clear(tags);
	need(tags_add(tags, count, number, (size_t)digits, &fault), &fault);
	need(tags_encode(tags, set, length, &notes, &notes_length, &fault), &fault);
}

static void
build_lists(struct store_write *write, uint32_t lists[SOURCES * TIMES * SETS])
{
	struct segment_build *build = store_write_build(write);
	struct fault fault = {0};
	struct tags tags = {0};
	uint32_t sources[SOURCES];
	for (unsigned i = 0; i < SOURCES; i++) {
		char name[16];
		struct source_row *row;
		int length = snprintf(name, sizeof(name), "feed-%u", i);
		need(catalog_source_put(store_write_catalog(write), name, (size_t)length, &row, &fault),
		     &fault);
		need(segment_build_source(build, name, (size_t)length, &sources[i], &fault), &fault);
	}
	for (unsigned i = 0; i < SOURCES * TIMES * SETS; i++) {
		struct claim claim = {.source = sources[i % SOURCES], .scope = SCOPE_EXACT};
		const uint8_t *set;
		size_t length;
		set_make(store_write_catalog(write), i / SOURCES % SETS, &tags, &set, &length);
		need(segment_build_tags(build, set, length, &claim.set, &fault), &fault);
		claim.expires = NOW + 86400ull * (30 + i / SOURCES / SETS);
		claim.first_seen = claim.last_seen = NOW - 86400;
		need(segment_build_claims(build, &claim, 1, &lists[i], &fault), &fault);
	}
	tags_fini(&tags);
}

static void
base_build(uint64_t entries)
{
	static uint32_t lists[SOURCES * TIMES * SETS];
	static struct key key;
	struct fault fault = {0};
	struct store_write *write;
	uint64_t generation;
	need(store_write_begin(store_path, false, NULL, &write, &fault), &fault);
	build_lists(write, lists);
	for (uint64_t i = 0; i < entries; i++) {
		key_make(i, &key);
		need(segment_build_put(store_write_build(write), &key,
				       lists[scramble(i) % (SOURCES * TIMES * SETS)], &fault), &fault);
	}
	store_write_touch(write);
	need(store_write_commit(write, NOW, false, &generation, &fault), &fault);
}

/* --- one delta, in a process of its own --------------------------------------------------------- */

/* Who says something of a key: those of the base have several sources. */
static unsigned
key_source(const struct board *of, uint64_t number)
{
	return number < of->entries ? scramble(number) % (SOURCES * TIMES * SETS) % SOURCES : SOURCES;
}

static void
delta_put(struct author *author, uint64_t number, struct author_claim claim)
{
	static struct key key;
	struct fault fault = {0};
	char source[16];
	claim.source = source;
	claim.source_length = (size_t)snprintf(source, sizeof(source), "feed-%u",
					       key_source(board, number));
	key_make(number, &key);
	need(author_put(author, &key, &claim, &fault), &fault);
}

static void
delta_keys(struct author *author, const struct author_claim claim[2])
{
	static struct key key;
	struct fault fault = {0};
	for (uint32_t i = 0; i < ADDED; i++)
		delta_put(author, added_key(board, board->delta, i), claim[0]);
	for (uint32_t i = 0; i < REMOVED; i++) {
		key_make(touched_key(board, board->delta, i), &key);
		need(author_remove(author, &key, 0, NULL, 0, &fault), &fault);
	}
	for (uint32_t i = REMOVED; i < REMOVED + TAGGED; i++)
		delta_put(author, touched_key(board, board->delta, i), claim[1]);
}

static void
delta_run(void)
{
	struct fault fault = {0};
	struct store_write *write;
	struct author *author;
	struct author_counts counts;
	struct tags tags[2] = {{0}, {0}};
	struct author_claim claim[2] = {{0}, {0}};
	uint64_t generation;
	bool done;
	need(store_write_begin(store_path, false, NULL, &write, &fault), &fault);
	for (unsigned i = 0; i < 2; i++)
		set_make(store_write_catalog(write), SETS + i, &tags[i], &claim[i].set,
			 &claim[i].set_length);
	need(author_new(store_write_view(write), NOW + board->delta, &author, &fault), &fault);
	delta_keys(author, claim);
	need(author_finish(author, store_write_build(write), &counts, &fault), &fault);
	author_free(author);
	need(store_write_commit(write, NOW + board->delta, false, &generation, &fault), &fault);
	need(store_compact(store_path, false, NOW + board->delta, &done, &generation, &fault), &fault);
	tags_fini(&tags[0]);
	tags_fini(&tags[1]);
}

/* `bench_delta --apply BOARD STORE`: the descriptor of the board is inherited. */
static int
apply_main(const char *descriptor, const char *path)
{
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED,
		     (int)strtol(descriptor, NULL, 10), 0);
	demand(board != MAP_FAILED, "no board");
	snprintf(store_path, sizeof(store_path), "%s", path);
	delta_run();
	return 0;
}

/* --- the reader ------------------------------------------------------------------------------------ */

static void
reader_look(struct store *store)
{
	static struct key key;
	struct fault fault = {0};
	uint32_t layer, claims;
	bool changed;
	double start = clock_ms(CLOCK_THREAD_CPUTIME_ID);
	need(store_refresh(store, &changed, &fault), &fault);
	if (!changed)
		return;
	double spent = clock_ms(CLOCK_THREAD_CPUTIME_ID) - start;
	struct view *view = store_view_take(store);
	uint64_t wanted = __atomic_load_n(&board->wanted, __ATOMIC_ACQUIRE);
	if (wanted != 0) {
		key_make(wanted - 1, &key);
		if (view_find(view, &key, &layer, &claims)) {
			board->refresh = spent;
			__atomic_store_n(&board->wanted, 0, __ATOMIC_RELAXED);
			double seen = clock_ms(CLOCK_MONOTONIC);
			__atomic_store(&board->seen, &seen, __ATOMIC_RELEASE);
		}
	}
	view_drop(view);
}

static pid_t
reader_start(void)
{
	pid_t child = fork();
	demand(child >= 0, "no process for the reader");
	while (child != 0) {
		if (__atomic_load_n(&board->reading, __ATOMIC_ACQUIRE))
			return child;
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	struct fault fault = {0};
	struct store *store;
	need(store_open(store_path, &store, &fault), &fault);
	__atomic_store_n(&board->reading, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&board->ending, __ATOMIC_ACQUIRE)) {
		reader_look(store);
		nanosleep(&(struct timespec){0, 100000}, NULL);
	}
	store_close(store);
	_exit(0);
}

static double
wait_seen(void)
{
	double seen, until = clock_ms(CLOCK_MONOTONIC) + 60000;
	for (;;) {
		__atomic_load(&board->seen, &seen, __ATOMIC_ACQUIRE);
		if (seen != 0)
			return seen;
		demand(clock_ms(CLOCK_MONOTONIC) < until, "the reader saw nothing for a minute");
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
}

/* --- one process measured ----------------------------------------------------------------------- */

/* Of a child that has ended but was not waited for. */
static void
read_io(pid_t child, struct sample *sample)
{
	char path[48], line[96];
	unsigned long long value;
	snprintf(path, sizeof(path), "/proc/%d/io", (int)child);
	FILE *file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "wchar: %llu", &value) == 1)
			sample->written = (double)value / 1024;
		if (sscanf(line, "rchar: %llu", &value) == 1)
			sample->read = (double)value / 1024;
	}
	if (file != NULL)
		fclose(file);
}

static void
measure(char *const *command, uint64_t wanted, struct sample *sample)
{
	struct rusage usage;
	siginfo_t info;
	int status;
	double none = 0;
	board->sync = board->refresh = 0;
	board->syncs = 0;
	__atomic_store(&board->seen, &none, __ATOMIC_RELAXED);
	__atomic_store_n(&board->wanted, wanted + 1, __ATOMIC_RELEASE);
	double start = clock_ms(CLOCK_MONOTONIC);
	pid_t child = fork();
	demand(child >= 0, "no process for a delta");
	if (child == 0) {
		execv(command[0], command);
		_exit(127);
	}
	demand(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0, "waiting");
	sample->wall = clock_ms(CLOCK_MONOTONIC) - start;
	read_io(child, sample);
	wait4(child, &status, 0, &usage);
	demand(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a delta failed");
	sample->seen = wait_seen() - start;
	sample->cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
		      (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-3;
	sample->faults = (double)(usage.ru_minflt + usage.ru_majflt);
	sample->sync = board->sync;
	sample->syncs = board->syncs;
	sample->refresh = board->refresh;
}

static uint32_t
layers_now(void)
{
	struct fault fault = {0};
	struct store *store;
	need(store_open(store_path, &store, &fault), &fault);
	struct view *view = store_view_take(store);
	uint32_t layers = view->layer_count;
	view_drop(view);
	store_close(store);
	return layers;
}

/* --- two ways ---------------------------------------------------------------------------------- */

static void
delta_measure(int descriptor, struct sample *sample)
{
	char number[16];
	char *command[] = {(char []){"/proc/self/exe"}, (char []){"--apply"}, number, store_path, NULL};
	snprintf(number, sizeof(number), "%d", descriptor);
	measure(command, added_key(board, board->delta, ADDED - 1), sample);
}

/* Version d: MIRROR_LINES names from MIRROR_MOVED * d on. */
static void
list_write(uint32_t d)
{
	FILE *file = fopen(list_path, "we");
	demand(file != NULL, "the list cannot be written");
	for (uint32_t i = 0; i < MIRROR_LINES; i++)
		fprintf(file, "m%u.list.example\n", d * MIRROR_MOVED + i);
	demand(fclose(file) == 0, "the list cannot be written");
}

static void
mirror_measure(uint32_t d, struct sample *sample)
{
	char now[CLOCK_TEXT_BYTES], program[256];
	char *command[] = {program, (char []){"--store"}, store_path, (char []){"--now"}, now,
			   (char []){"-q"}, (char []){"import"}, (char []){"--mirror"},
			   (char []){"--source"}, (char []){"list"}, list_path, NULL};
	snprintf(program, sizeof(program), "%s", options.repute);
	clock_print(NOW + board->delta, now);
	list_write(d);
	measure(command, LISTED + (uint64_t)d * MIRROR_MOVED + MIRROR_LINES - 1, sample);
}

/* --- are the answers right? ---------------------------------------------------------------------- */

/* Found with these tags on its one claim; NULL: not found. */
static void
check_key(const struct view *view, uint64_t number, const struct tags_text *wanted)
{
	static struct key key;
	uint32_t layer, claims;
	struct segment_claim claim;
	size_t length;
	key_make(number, &key);
	bool found = view_find(view, &key, &layer, &claims);
	demand(found == (wanted != NULL), "a key is wrong");
	if (!found)
		return;
	struct segment_claim_cursor cursor = segment_claims(claims);
	const struct segment *segment = &view->layer[layer].segment;
	demand(segment_claim_next(segment, &cursor, &claim), "a key without a claim");
	const uint8_t *set = segment_tags(segment, claim.set, &length);
	demand(length == wanted->length && memcmp(set, wanted->bytes, length) == 0, "a tag is wrong");
	demand(!segment_claim_next(segment, &cursor, &claim), "one claim too many");
}

/* All that the deltas touched. */
static void
check_all(uint32_t deltas)
{
	struct fault fault = {0};
	struct store *store;
	struct tags tags[2] = {{0}, {0}};
	struct tags_text set[2];
	need(store_open(store_path, &store, &fault), &fault);
	struct view *view = store_view_take(store);
	for (unsigned i = 0; i < 2; i++)
		set_make(&view->catalog, SETS + i, &tags[i], &set[i].bytes, &set[i].length);
	for (uint32_t d = 0; d < deltas; d++) {
		bool last = d + 1 == deltas;
		for (uint32_t i = 0; i < REMOVED + TAGGED; i++)
			if (i % 2 == 0 || d > 0)
				check_key(view, touched_key(board, d, i), i < REMOVED ? NULL : &set[1]);
		for (uint32_t i = last ? 0 : OLD; i < ADDED; i++)
			check_key(view, added_key(board, d, i), &set[0]);
	}
	tags_fini(&tags[0]);
	tags_fini(&tags[1]);
	view_drop(view);
	store_close(store);
}

/* --- all ----------------------------------------------------------------------------------------- */

struct result {
	double cpu, sync;
};

static double
column(const struct sample *samples, size_t count, size_t offset, bool most)
{
	double values[DELTAS_MOST], worst = 0;
	for (size_t i = 0; i < count; i++) {
		memcpy(&values[i], (const char *)&samples[i] + offset, sizeof(double));
		worst = values[i] > worst ? values[i] : worst;
	}
	return most ? worst : timer_median(values, count);
}

#define MEDIAN(field) column(samples, count, offsetof(struct sample, field), false)
#define MOST(field) column(samples, count, offsetof(struct sample, field), true)

static struct result
report(enum way way, uint64_t entries, const struct sample *samples, size_t count)
{
	static bool headed;
	unsigned folds = 0;
	uint32_t layers = 0;
	double syncs = 0, fold_cpu = 0;
	for (size_t i = 0; i < count; i++) {
		bool fold = i > 0 && samples[i].layers <= samples[i - 1].layers;
		folds += fold;
		fold_cpu += fold ? samples[i].cpu : 0;
		syncs += samples[i].syncs;
		layers = samples[i].layers > layers ? samples[i].layers : layers;
	}
	struct result result = {MEDIAN(cpu), MEDIAN(sync)};
	printf("{\"bench\":\"delta\",\"way\":\"%s\",\"entries\":%llu,\"deltas\":%zu,\"cpu_ms\":%.2f,"
	       "\"cpu_ms_most\":%.2f,\"sync_ms\":%.2f,\"syncs\":%.1f,\"wall_ms\":%.1f,\"wall_ms_most\":%.1f,"
	       "\"seen_ms\":%.1f,\"seen_ms_most\":%.1f,\"refresh_cpu_ms\":%.3f,\"refresh_cpu_ms_most\":%.3f,"
	       "\"written_kb\":%.0f,\"written_kb_most\":%.0f,\"read_kb\":%.0f,\"read_kb_most\":%.0f,"
	       "\"faults\":%.0f,\"folds\":%u,\"fold_cpu_ms\":%.2f,\"layers_most\":%u}\n", way_names[way],
	       (unsigned long long)entries, count, result.cpu, MOST(cpu), result.sync,
	       syncs / (double)count, MEDIAN(wall), MOST(wall), MEDIAN(seen), MOST(seen),
	       MEDIAN(refresh), MOST(refresh), MEDIAN(written), MOST(written), MEDIAN(read), MOST(read),
	       MEDIAN(faults), folds, folds == 0 ? 0 : fold_cpu / folds, layers);
	fflush(stdout);
	if (!headed)
		fprintf(stderr, "| way | base | CPU ms (worst) | waiting for disk ms | KB written (worst) | KB read "
			"| faults | seen after ms (worst) | reader's CPU ms (worst) |\n"
			"|---|---|---|---|---|---|---|---|---|\n");
	headed = true;
	fprintf(stderr, "| %s | %llu | %.1f (%.1f) | %.1f | %.0f (%.0f) | %.0f | %.0f | %.1f (%.1f) | %.2f (%.2f) |\n",
		way_names[way], (unsigned long long)entries, result.cpu, MOST(cpu), result.sync,
		MEDIAN(written), MOST(written), MEDIAN(read), MEDIAN(faults), MEDIAN(seen), MOST(seen),
		MEDIAN(refresh), MOST(refresh));
	return result;
}

static void
compact(uint64_t unused)
{
	struct fault fault = {0};
	uint64_t generation;
	bool done;
	(void)unused;
	need(store_compact(store_path, true, NOW, &done, &generation, &fault), &fault);
}

/* In a process of its own, so that the memory of a builder is not that of those who fork. */
static void
run_apart(void (*call)(uint64_t), uint64_t number)
{
	int status;
	pid_t child = fork();
	demand(child >= 0, "no process");
	if (child == 0) {
		call(number);
		_exit(0);
	}
	waitpid(child, &status, 0);
	demand(WIFEXITED(status) && WEXITSTATUS(status) == 0, "no base");
}

static struct result
run_way(enum way way, int descriptor)
{
	static struct sample samples[DELTAS_MOST];
	struct sample first;
	uint32_t done = board->delta;
	pid_t reader = reader_start();
	if (way == MIRROR) {
		mirror_measure(0, &first);
		run_apart(compact, 0);
	}
	for (uint32_t i = 0; i < options.deltas; i++) {
		board->delta = done + i;
		if (way == DELTA)
			delta_measure(descriptor, &samples[i]);
		else
			mirror_measure(i + 1, &samples[i]);
		samples[i].layers = layers_now();
	}
	board->delta = done + (uint32_t)options.deltas;
	__atomic_store_n(&board->ending, true, __ATOMIC_RELEASE);
	waitpid(reader, NULL, 0);
	board->reading = board->ending = false;
	return report(way, board->entries, samples, options.deltas);
}

static void
store_remove(void)
{
	char command[128];
	pid_t child = fork();
	snprintf(command, sizeof(command), "%s", store_path);
	if (child == 0) {
		execlp("rm", "rm", "-rf", command, list_path, (char *)NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
}

static bool
run_all(int descriptor)
{
	struct result first[WAYS], last[WAYS];
	bool good = true;
	for (size_t b = 0; b < options.bases; b++) {
		memset(board, 0, sizeof(*board));
		board->entries = options.entries[b];
		store_remove();
		run_apart(base_build, board->entries);
		for (int way = 0; way < WAYS; way++) {
			if ((options.ways >> way & 1) == 0)
				continue;
			last[way] = run_way((enum way)way, descriptor);
			first[way] = b == 0 ? last[way] : first[way];
			good &= last[way].cpu + last[way].sync < 50 &&
				last[way].cpu <= growth_most[way] * first[way].cpu + 2;
			if (way == DELTA)
				check_all((uint32_t)options.deltas);
		}
		store_remove();
	}
	return good;
}

static bool
option_read(const char *name, const char *value)
{
	if (strcmp(name, "--entries") == 0 && options.bases < BASES_MOST)
		options.entries[options.bases++] = (size_t)strtod(value, NULL);
	else if (strcmp(name, "--deltas") == 0)
		options.deltas = (size_t)strtoul(value, NULL, 10);
	else if (strcmp(name, "--repute") == 0)
		options.repute = value;
	else if (strcmp(name, "--strict") == 0)
		options.strict = strcmp(value, "yes") == 0;
	else if (strcmp(name, "--way") == 0)
		options.ways |= strcmp(value, way_names[MIRROR]) == 0 ? 1u << MIRROR : 1u << DELTA;
	else
		return false;
	return true;
}

static bool
options_read(int argc, char **argv)
{
	static const size_t usual[] = {10000, 1000000, 10000000};
	bool good = argc % 2 == 1;
	for (int i = 1; good && i + 1 < argc; i += 2)
		good = option_read(argv[i], argv[i + 1]);
	if (options.ways == 0)
		options.ways = 1u << DELTA | 1u << MIRROR;
	if (options.bases == 0) {
		memcpy(options.entries, usual, sizeof(usual));
		options.bases = 3;
	}
	for (size_t b = 0; b < options.bases; b++) /* enough keys that no delta has touched before */
		good &= options.entries[b] >= 2 * ADDED + OLD * options.deltas;
	return good && options.deltas > 0 && options.deltas <= DELTAS_MOST;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--apply") == 0)
		return apply_main(argv[2], argv[3]);
	if (!options_read(argc, argv)) {
		fprintf(stderr, "usage: bench_delta [--entries N]... [--deltas N] [--way delta|mirror]... "
			"[--repute FILE] [--strict yes]\n");
		return 2;
	}
	snprintf(store_path, sizeof(store_path), "build/tmp/delta-%ld", (long)getpid());
	snprintf(list_path, sizeof(list_path), "build/tmp/delta-%ld.txt", (long)getpid());
	atexit(store_remove);
	int descriptor = memfd_create("board", 0);
	demand(descriptor >= 0 && ftruncate(descriptor, sizeof(*board)) == 0, "no board");
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	demand(board != MAP_FAILED, "no board");
	return run_all(descriptor) || !options.strict ? 0 : 1;
}
