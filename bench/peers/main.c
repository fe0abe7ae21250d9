/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-peers: repute and its peers on the same keys, checked, then timed in
 * turn in one run (docs/bench.md).
 *
 *   peers [--entries 1e6] [--class CLASS]... [--table NAME] [--stream STREAM]... [--only WHO]...
 *         [--mode MODE]... [--slices 15] [--duel ENTRIES]
 *
 * From 20 million entries on (--duel) a peer is loaded when the one before it is gone, repute
 * stays: memory is that of two. Each is then timed in turn with repute alone.
 *
 * QUICK=1 in the environment: short slices, and without what takes long to build.
 * JSON on stdout, one line a case; then a table for people on stderr.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/peers/peers.h"
#include "bench/probe.h"
#include "bench/timer.h"

#define PEERS_MOST 24
#define SLICES_MOST 63
#define ONLY_MOST 24
#define GROUP 256
/* Long enough that what a table asks all the time is in the caches again, as in continuous use. */
#define SLICE_FIXED 262144
#define SLICE_TEXT 32768
#define SLICE_QUICK 4096
#define DUEL_ENTRIES 20000000
#define QUICK_SECONDS 36 /* shared by the classes; a class that is late does miss and hit alone */
#define QUICK_GRACE 6

enum mode { ONE, LAT, BATCH, MODE_COUNT };
static const char *const mode_names[] = {"one", "lat", "batch"};

static const struct peer_family *const families[] = {
	&family_repute, &family_sorted, &family_maps, &family_stores, &family_judy, &family_tries,
	&family_dpdk, &family_routes, &family_redis, &family_urls,
};

static struct options {
	size_t entries, duel, slices, slice, checked;
	double slice_ns;          /* what a slice of one peer may take, about */
	unsigned classes, streams, modes;
	const char *table;
	const char *only[ONLY_MOST];
	size_t only_count;
	bool quick;
	double started;
} options = {.entries = 1000000, .duel = DUEL_ENTRIES, .slices = 15, .checked = 1u << 20,
	     .slice_ns = 8e6};

struct runner {
	const struct peer *peer;
	void *self;
	size_t offset;            /* slices by which its part of the stream lies ahead */
	double build_seconds;
	double bytes;
	double ns[SLICES_MOST];
	size_t wrong;
	bool broken;
};

struct race {
	const struct data *data;
	struct runner runners[PEERS_MOST];
	size_t count, first_printed;
	struct probe probe;
};

/* The table for people, kept until the end. */
static FILE *table;
static char *table_text;
static size_t table_length;

void
peer_path(char *path, size_t size, const char *name)
{
	const char *folder = getenv("BENCH_TMP");
	snprintf(path, size, "%s/%s-%ld", folder ? folder : "build/tmp", name, (long)getpid());
}

/* --- asking ------------------------------------------------------------------------------ */

static struct answer answers[GROUP];

static void
ask_group(const struct runner *runner, const struct queries *queries, enum mode mode, size_t from,
	  size_t n)
{
	const struct peer *peer = runner->peer;
	if (mode == BATCH && peer->find_batch != NULL) {
		peer->find_batch(runner->self, queries, from, n, answers);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		answers[i] = peer->find_one(runner->self, queries, from + i);
		if (mode == LAT)
			TIMER_FENCE();
	}
}

/* Names and URLs go in small groups: for whoever prepares keys, and then for all alike. */
static size_t
group_size(const struct queries *queries, enum mode mode)
{
	if (queries->data->key_bytes > 0)
		return GROUP;
	return mode == BATCH ? PEER_PREPARED_BATCH : PEER_PREPARED_ONE;
}

static double
ask(const struct runner *runner, const struct queries *queries, enum mode mode, size_t from,
    size_t n)
{
	size_t group = group_size(queries, mode);
	uint64_t ticks = 0;
	for (size_t at = 0; at < n; at += group) {
		size_t count = n - at < group ? n - at : group;
		if (runner->peer->prepare != NULL)
			runner->peer->prepare(runner->self, queries, from + at, count);
		uint64_t start = timer_ticks();
		ask_group(runner, queries, mode, from + at, count);
		ticks += timer_ticks() - start;
	}
	return (double)ticks * timer_tick_ns() / (double)n;
}

static void
check(struct runner *runner, const struct queries *queries, enum mode mode)
{
	size_t group = group_size(queries, mode);
	runner->wrong = 0;
	for (size_t at = 0; at + group <= queries->count && at < options.checked; at += group) {
		if (runner->peer->prepare != NULL)
			runner->peer->prepare(runner->self, queries, at, group);
		ask_group(runner, queries, mode, at, group);
		for (size_t i = 0; i < group; i++) {
			struct answer got = runner->peer->settle == NULL ? answers[i] :
					    runner->peer->settle(runner->self, queries, at + i);
			runner->wrong += memcmp(&got, &queries->expected[at + i], sizeof(got)) != 0;
		}
	}
}

/* --- timing ------------------------------------------------------------------------------ */

/* How many queries make a slice of about slice_ns, in whole groups. */
static size_t
slice_size(const struct runner *runner, const struct queries *queries, enum mode mode)
{
	double ns = ask(runner, queries, mode, 0, 512);
	double n = options.slice_ns / (ns > 1 ? ns : 1);
	size_t size = n > (double)options.slice ? options.slice : (size_t)n;
	return size < GROUP ? GROUP : size / GROUP * GROUP;
}

/*
 * Every peer in turn in every slice, on the same part of the stream, its caches
 * warmed by a quarter of the slice from the part before. Variants that share a
 * table ask other parts: the second would find what the first just fetched.
 */
static void
time_all(struct race *race, const struct queries *queries, enum mode mode)
{
	size_t size[PEERS_MOST];
	for (size_t r = 0; r < race->count; r++)
		size[r] = slice_size(&race->runners[r], queries, mode);
	for (size_t slice = 0; slice < options.slices; slice++) {
		for (size_t turn = 0; turn < race->count; turn++) {
			size_t r = (turn + slice) % race->count;
			struct runner *runner = &race->runners[r];
			size_t from = ((slice + runner->offset) % options.slices + 1) * options.slice;
			ask(runner, queries, mode, from - options.slice, size[r] / 4);
			runner->ns[slice] = ask(runner, queries, mode, from, size[r]);
		}
		probe_slice(&race->probe, mode == LAT, slice);
	}
}

/* --- results ----------------------------------------------------------------------------- */

static double
least(const double *ns)
{
	double best = ns[0];
	for (size_t i = 1; i < options.slices; i++)
		best = ns[i] < best ? ns[i] : best;
	return best;
}

static void
print_runner(const struct race *race, const struct queries *queries, enum data_stream stream,
	     enum mode mode, const struct runner *runner)
{
	const struct data *data = race->data;
	const char *class = data_class_names[data->class];
	double beside = timer_median(race->runners[0].ns, options.slices);
	double ratio = timer_median_ratio(runner->ns, race->runners[0].ns, options.slices);
	double bytes = runner->bytes / (double)data->count;
	char wrong[48] = "";
	printf("{\"class\":\"%s\",\"table\":\"%s\",\"stream\":\"%s\",\"entries\":%zu,\"mode\":\"%s\","
	       "\"who\":\"%s\",\"ns_median\":%.2f,\"ns_min\":%.2f,\"ratio_to_repute\":%.3f,"
	       "\"repute_ns_median\":%.2f,\"bytes_per_entry\":%.2f,\"build_seconds\":%.3f,\"hits\":%.4f,\"wrong\":%zu,"
	       "\"own_batch\":%s}\n", class, data->table, data_stream_names[stream], data->count,
	       mode_names[mode], runner->peer->who, timer_median(runner->ns, options.slices), least(runner->ns), ratio,
	       beside, bytes, runner->build_seconds, (double)queries->hits / (double)queries->count,
	       runner->wrong, runner->peer->find_batch ? "true" : "false");
	if (runner->wrong > 0)
		snprintf(wrong, sizeof(wrong), "  wrong or refused: %zu", runner->wrong);
	fprintf(table, "%-7s %-7s %-5s %-20s %9.1f %9.1f %8.2f %9.1f %9.2f%s\n", class,
		data_stream_names[stream], mode_names[mode], runner->peer->who,
		timer_median(runner->ns, options.slices), least(runner->ns), ratio, bytes, runner->build_seconds,
		wrong);
}

static void
print_probe(const struct race *race, enum data_stream stream, enum mode mode)
{
	const struct probe *probe = &race->probe;
	printf("{\"machine\":\"random-line\",\"class\":\"%s\",\"table\":\"%s\",\"entries\":%zu,"
	       "\"stream\":\"%s\",\"mode\":\"%s\","
	       "\"footprint_bytes\":%zu,\"huge_pages\":%s,\"ns_median\":%.2f,\"ns_min\":%.2f}\n",
	       data_class_names[race->data->class], race->data->table, race->data->count,
	       data_stream_names[stream], mode_names[mode], probe->bytes, probe->huge ? "true" : "false", timer_median(probe->ns, options.slices), least(probe->ns));
	fflush(stdout);
}

/* --- a class ----------------------------------------------------------------------------- */

static double
heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();
	return (double)info.uordblks + (double)info.hblkhd;
}

static bool
asked_for(const struct peer *peer, const struct data *data)
{
	if ((peer->classes & FOR(data->class)) == 0 ||
	    (options.quick && (peer->slow & FOR(data->class)) != 0))
		return false;
	if (peer->most != 0 && data->count > peer->most)
		return false;
	for (size_t i = 0; i < options.only_count; i++)
		if (strcmp(options.only[i], peer->who) == 0)
			return true;
	return options.only_count == 0 || strncmp(peer->who, "repute", 6) == 0;
}

static void
runner_add(struct race *race, const struct peer *peer)
{
	struct runner *runner = &race->runners[race->count];
	double heap = heap_bytes(), start = timer_ns();
	fprintf(stderr, "%s: loading %s\n", data_class_names[race->data->class], peer->who);
	runner->peer = peer;
	runner->self = peer->build(race->data);
	runner->build_seconds = (timer_ns() - start) * 1e-9;
	if (runner->self == NULL) {
		fprintf(stderr, "bench: %s is left out\n", peer->who);
		return;
	}
	for (size_t r = 0; r < race->count; r++)
		runner->offset += race->runners[r].self == runner->self ? options.slices / 2 : 0;
	runner->bytes = peer->bytes ? (double)peer->bytes(runner->self) : heap_bytes() - heap;
	race->count++;
}

/* On a busy machine QUICK=1 leaves streams out rather than take longer. */
static bool
is_late(const struct race *race, enum data_stream stream)
{
	double seconds = (timer_ns() - options.started) * 1e-9;
	double share = (double)(race->data->class + 1) / CLASS_COUNT;
	if (!options.quick || stream <= STREAM_HIT || seconds < QUICK_SECONDS * share + QUICK_GRACE)
		return false;
	fprintf(stderr, "%s: %s is left out: late\n", data_class_names[race->data->class],
		data_stream_names[stream]);
	return true;
}

static bool
run_stream(struct race *race, enum data_stream stream)
{
	bool good = true;
	options.slice = options.quick                ? SLICE_QUICK
			: race->data->key_bytes == 0 ? SLICE_TEXT
						     : SLICE_FIXED;
	struct queries *queries = data_queries(race->data, stream,
					       (options.slices + 2) * options.slice);
	if (queries == NULL)
		return true;
	fprintf(stderr, "%s: %s\n", data_class_names[race->data->class], data_stream_names[stream]);
	for (int mode = 0; mode < MODE_COUNT; mode++) {
		if (options.modes != 0 && (options.modes >> mode & 1) == 0)
			continue;
		for (size_t r = 0; r < race->count && (mode != LAT || options.modes == 1u << LAT); r++) {
			check(&race->runners[r], queries, (enum mode)mode);
			good = good && (race->runners[r].wrong == 0 || r > 0);
		}
		time_all(race, queries, (enum mode)mode);
		for (size_t r = race->first_printed; r < race->count; r++)
			print_runner(race, queries, stream, (enum mode)mode, &race->runners[r]);
		print_probe(race, stream, (enum mode)mode);
	}
	queries_free(queries);
	return good;
}

static bool
run_streams(struct race *race)
{
	bool good = true;
	for (int stream = 0; stream < STREAM_COUNT; stream++)
		if ((options.streams == 0 || options.streams >> stream & 1) &&
		    !is_late(race, (enum data_stream)stream))
			good = run_stream(race, (enum data_stream)stream) && good;
	return good;
}

static void
runners_drop(struct race *race, size_t first)
{
	while (race->count > first) {
		struct runner *last = &race->runners[--race->count];
		last->peer->free(last->self);
		memset(last, 0, sizeof(*last));
	}
	malloc_trim(0);
}

/* Those that are asked for, repute's first. */
static size_t
choose(const struct data *data, const struct peer **chosen)
{
	size_t count = 0;
	for (size_t f = 0; f < sizeof(families) / sizeof(*families); f++)
		for (size_t p = 0; p < families[f]->count && count < PEERS_MOST; p++)
			if (asked_for(&families[f]->peers[p], data))
				chosen[count++] = &families[f]->peers[p];
	return count;
}

/* One after another; variants that share a table together. repute's rows are those of the first. */
static bool
run_duels(struct race *race, const struct peer **chosen, size_t count, size_t ours)
{
	bool good = count > ours || run_streams(race);
	for (size_t at = ours; at < count;) {
		const struct peer *first = chosen[at];
		while (at < count && chosen[at]->build == first->build)
			runner_add(race, chosen[at++]);
		good = (race->count == ours || run_streams(race)) && good;
		race->first_printed = race->count > ours ? ours : race->first_printed;
		runners_drop(race, ours);
	}
	return good;
}

static bool
run_class(enum data_class class)
{
	struct race race = {.data = data_make(class, options.table, options.entries, 1)};
	const struct peer *chosen[PEERS_MOST];
	bool good;
	if (race.data == NULL)
		return false;
	bool duels = race.data->count >= options.duel;
	size_t count = choose(race.data, chosen), ours = 0;
	while (ours < count && (!duels || strncmp(chosen[ours]->who, "repute", 6) == 0))
		runner_add(&race, chosen[ours++]);
	malloc_trim(0);
	probe_open(&race.probe, (size_t)race.runners[0].bytes);
	good = duels ? run_duels(&race, chosen, count, ours) : run_streams(&race);
	runners_drop(&race, 0);
	probe_close(&race.probe);
	data_free((struct data *)race.data);
	return good;
}

/* --- options ----------------------------------------------------------------------------- */

static unsigned
name_bit(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return 1u << i;
	return 0;
}

static bool
option_read(const char *name, const char *value)
{
	unsigned bit;
	if (strcmp(name, "--entries") == 0)
		return (options.entries = (size_t)strtod(value, NULL)) > 0;
	if (strcmp(name, "--duel") == 0)
		return (options.duel = (size_t)strtod(value, NULL)) > 0;
	if (strcmp(name, "--slices") == 0) {
		options.slices = strtoul(value, NULL, 10);
		return options.slices > 0 && options.slices <= SLICES_MOST;
	}
	if (strcmp(name, "--table") == 0)
		return (options.table = value) != NULL;
	if (strcmp(name, "--only") == 0 && options.only_count < ONLY_MOST)
		return (options.only[options.only_count++] = value) != NULL;
	if (strcmp(name, "--class") == 0) {
		options.classes |= bit = name_bit(data_class_names, CLASS_COUNT, value);
		return bit != 0;
	}
	if (strcmp(name, "--stream") == 0) {
		options.streams |= bit = name_bit(data_stream_names, STREAM_COUNT, value);
		return bit != 0;
	}
	if (strcmp(name, "--mode") == 0) {
		options.modes |= bit = name_bit(mode_names, MODE_COUNT, value);
		return bit != 0;
	}
	return false;
}

static bool
options_read(int argc, char **argv)
{
	const char *quick = getenv("QUICK");
	if (quick != NULL && strcmp(quick, "0") != 0 && *quick != '\0') {
		options.quick = true;
		options.slice_ns = 0.4e6;
		options.checked = 8192;
	}
	for (int i = 1; i + 1 < argc; i += 2)
		if (!option_read(argv[i], argv[i + 1]))
			return false;
	if (options.classes == 0)
		options.classes = (1u << CLASS_COUNT) - 1;
	return argc % 2 == 1;
}

int
main(int argc, char **argv)
{
	bool good = true;
#if !defined(__OPTIMIZE__) || !defined(NDEBUG)
	fprintf(stderr, "bench: this is a debug build and would lie; use `make bench-peers`\n");
	return 2;
#endif
	if (!options_read(argc, argv)) {
		fprintf(stderr, "usage: peers [--entries N] [--class CLASS]... [--table NAME] "
				"[--stream STREAM]... [--mode MODE]... [--only WHO]... [--slices N] "
				"[--duel N]\n");
		return 2;
	}
	options.started = timer_ns();
	table = open_memstream(&table_text, &table_length);
	fprintf(table, "%-7s %-7s %-5s %-20s %9s %9s %8s %9s %9s\n", "class", "stream", "mode", "who",
		"median ns", "least ns", "ratio", "bytes/e", "build s");
	for (unsigned class = 0; class < CLASS_COUNT; class++)
		if (options.classes >> class & 1)
			good = run_class((enum data_class)class) && good;
	fclose(table);
	fputs(table_text, stderr);
	return good ? 0 : 1;
}
