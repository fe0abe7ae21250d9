/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verdict costs on top of a look-up: repute_judge_*_many against
 * repute_find_*_many over the same store and streams, with profiles of 1, 10, 100
 * and 1,000 filters; then compiling 1,000 filters against 100,000 distinct tag sets.
 *
 *   bench_judge [--entries N] [--kind KIND] [--slices N]
 *
 * One JSON line a case. Slices of the modes take turns, each in another part of the stream:
 * none finds what another left in the cache. Thread CPU time: other programs on the machine
 * lengthen it less than wall time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/subject.h"
#include "bench/timer.h"
#include "engine/store.h"
#include "query/judge.h"

#define SLICE 32768
#define SLICES_MOST 99
#define CHUNK SUBJECT_BATCH_MOST
#define SETS 100000
#define SET_KEYS "bench-judge-sets"

static const unsigned filter_counts[] = {1, 10, 100, 1000};
#define PROFILES 4
#define MODES (2 + PROFILES) /* look-up alone, judged by each profile, rows of what is decided */
#define MODE_ROWS (1 + PROFILES)

static struct repute_verdict verdicts[CHUNK];
static uint32_t places[CHUNK];

static double
cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void
stop(const char *doing, const struct repute_fault *fault)
{
	fprintf(stderr, "bench_judge: %s: %s\n", doing, fault->text);
	exit(1);
}

/* --- profiles -------------------------------------------------------------------------- */

/*
 * `count` filters, of which the last takes what the others left. Sets have a List Count of
 * 1 .. `range` and one of three severities.
 */
static char *
profile_text(unsigned count, unsigned range)
{
	static const char *const severities[] = {"High", "Medium", "Low"};
	size_t capacity = 512 + (size_t)count * 256, length;
	char *text = malloc(capacity);
	length = (size_t)snprintf(text, capacity, "[profile]\nname = p\n[action \"b\"]\nflow = block\n");
	for (unsigned i = 0; i + 1 < count; i++) {
		unsigned low = 1 + (unsigned)((uint64_t)i * 7919 % range), high = low + 1 + range / 500;
		high = high < range ? high : range;
		length += (size_t)snprintf(text + length, capacity - length,
					   "[filter \"%u\"]\naction = b\nwhere = \"Trend Micro Severity\" = %s and "
					   "\"List Count\" > %u and \"List Count\" <= %u or \"List Count\" = %u\n",
					   i, severities[i % 3], low, high, 1 + low * 3 % range);
	}
	snprintf(text + length, capacity - length, "[filter \"rest\"]\naction = b\nuntagged = yes\n");
	return text;
}

static struct repute_profile *
profile_load(struct repute_view *view, unsigned count)
{
	struct repute_profile *profile;
	struct repute_fault fault;
	char *text = profile_text(count, DATA_SETS);
	if (repute_profile_load(view, text, strlen(text), &profile, &fault) != REPUTE_OK)
		stop("profile", &fault);
	free(text);
	return profile;
}

/* --- verdicts -------------------------------------------------------------------------- */

static void
judge_chunk(const struct repute_profile *profile, struct subject *subject,
	    const struct queries *queries, size_t from, size_t n)
{
	const uint8_t *bytes = queries->keys + from * subject->data->key_bytes;
	switch (subject->data->class) {
	case CLASS_IPV4:
		repute_judge_ipv4_many(profile, (const uint32_t *)(const void *)bytes, n, DATA_NOW,
				       verdicts);
		break;
	case CLASS_IPV6:
		repute_judge_ipv6_many(profile, (const uint8_t (*)[16])bytes, n, DATA_NOW, verdicts);
		break;
	case CLASS_SHA1:
		repute_judge_sha1_many(profile, (const uint8_t (*)[20])bytes, n, DATA_NOW, verdicts);
		break;
	case CLASS_SHA256:
		repute_judge_sha256_many(profile, (const uint8_t (*)[32])bytes, n, DATA_NOW, verdicts);
		break;
	default:
		repute_judge_many(profile, subject->keys, n, DATA_NOW, verdicts);
	}
}

/* The rows of judge_hits: the least that a verdict can cost on a miss. */
static void
rows_chunk(const struct repute_profile *profile, struct subject *subject,
	   const struct queries *queries, size_t from, size_t n)
{
	const uint8_t *bytes = queries->keys + from * subject->data->key_bytes;
	const struct key *keys[CHUNK];
	struct lookup_batch batch = {.kind = (enum kind)subject->data->class, .bytes = bytes,
				     .ipv4 = (const uint32_t *)(const void *)bytes, .keys = keys};
	for (size_t i = 0; subject->data->key_bytes == 0 && i < n; i++)
		keys[i] = (const struct key *)(const void *)&subject->keys[i];
	judge_hits((const struct judge *)profile, &batch, n, DATA_NOW, places, verdicts);
}

/* ns a query over one slice; names and URLs are made keys outside the time. */
static double
slice_ns(struct subject *subject, const struct repute_profile *profile, bool rows,
	 const struct queries *queries, size_t from)
{
	bool text = subject->data->key_bytes == 0;
	double spent = 0, start = cpu_ns();
	for (size_t at = from; at < from + SLICE; at += CHUNK) {
		if (text) {
			subject_prepare(subject, queries, at, CHUNK);
			start = cpu_ns();
		}
		if (profile == NULL)
			subject_find_many(subject, queries, at, CHUNK);
		else if (rows)
			rows_chunk(profile, subject, queries, at, CHUNK);
		else
			judge_chunk(profile, subject, queries, at, CHUNK);
		if (text)
			spent += cpu_ns() - start;
	}
	return (text ? spent : cpu_ns() - start) / SLICE;
}

/* Every query is judged as its look-up says: a hit is blocked, as the last filter takes all. */
static size_t
wrong_verdicts(struct subject *subject, const struct repute_profile *profile,
	       const struct queries *queries, size_t count)
{
	size_t wrong = 0;
	for (size_t at = 0; at + CHUNK <= count; at += CHUNK) {
		if (subject->data->key_bytes == 0)
			subject_prepare(subject, queries, at, CHUNK);
		subject_find_many(subject, queries, at, CHUNK);
		judge_chunk(profile, subject, queries, at, CHUNK);
		for (size_t i = 0; i < CHUNK; i++)
			wrong += (verdicts[i].outcome == REPUTE_VERDICT_BLOCK) != subject->hits[i].found;
	}
	return wrong;
}

static double
least(const double *values, size_t count)
{
	double found = values[0];
	for (size_t i = 1; i < count; i++)
		if (values[i] < found)
			found = values[i];
	return found;
}

static bool
run_stream(struct subject *subject, struct repute_profile *const *profiles,
	   enum data_stream stream, size_t slices)
{
	struct queries *queries = data_queries(subject->data, stream, slices * MODES * SLICE);
	static double ns[MODES][SLICES_MOST];
	if (queries == NULL)
		return true;
	size_t wrong = wrong_verdicts(subject, profiles[PROFILES - 1], queries, SLICE);
	for (size_t slice = 0; slice < slices; slice++)
		for (size_t mode = 0; mode < MODES; mode++)
			ns[mode][slice] = slice_ns(subject, mode == 0 ? NULL
						   : profiles[mode == MODE_ROWS ? PROFILES - 1 : mode - 1],
						   mode == MODE_ROWS, queries,
						   (slice * MODES + mode) * SLICE);
	double find = timer_median(ns[0], slices);
	for (size_t mode = 1; mode < MODES; mode++)
		printf("{\"bench\":\"%s\",\"kind\":\"%s\",\"stream\":\"%s\",\"entries\":%zu,"
		       "\"filters\":%u,\"find_ns\":%.3f,\"judge_ns\":%.3f,\"find_least_ns\":%.3f,"
		       "\"judge_least_ns\":%.3f,\"ratio\":%.3f,\"slices\":%zu,\"wrong\":%zu}\n",
		       mode == MODE_ROWS ? "judge-rows" : "judge",
		       data_class_names[subject->data->class], data_stream_names[stream],
		       subject->data->count, filter_counts[mode == MODE_ROWS ? PROFILES - 1 : mode - 1],
		       find,
		       timer_median(ns[mode], slices), least(ns[0], slices), least(ns[mode], slices),
		       timer_median(ns[mode], slices) / find, slices, wrong);
	fflush(stdout);
	queries_free(queries);
	return wrong == 0;
}

static bool
run_kind(enum data_class class, size_t entries, size_t slices)
{
	struct data *data = data_make(class, NULL, entries, 1);
	struct repute_profile *profiles[PROFILES];
	bool good = true;
	if (data == NULL)
		return false;
	struct subject *subject = subject_build(data);
	for (size_t i = 0; i < PROFILES; i++)
		profiles[i] = profile_load(subject->view, filter_counts[i]);
	good = run_stream(subject, profiles, STREAM_MISS, slices) && good;
	good = run_stream(subject, profiles, STREAM_HIT, slices) && good;
	for (size_t i = 0; i < PROFILES; i++)
		repute_profile_free(profiles[i]);
	subject_free(subject);
	data_free(data);
	return good;
}

/* --- compiling ------------------------------------------------------------------------- */

static void
need(enum status status, const struct fault *fault)
{
	if (status != STATUS_OK)
		stop("store", (const struct repute_fault *)fault);
}

/* Key i: List Count i + 1 and one of three severities. */
static void
put_set(struct store_write *write, uint32_t source, uint32_t i)
{
	static const char *const severities[] = {"High", "Medium", "Low"};
	static struct key key;
	const struct catalog *catalog = store_write_catalog(write);
	struct segment_build *build = store_write_build(write);
	struct fault fault = {0};
	struct tags tags = {0};
	struct claim claim = {.source = source, .scope = SCOPE_EXACT, .expires = DATA_NOW + 86400};
	const uint8_t *set, *notes;
	size_t set_length, notes_length;
	char number[16];
	uint8_t digest[20] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16)};
	uint32_t id;
	int length = snprintf(number, sizeof(number), "%u", i + 1);
	need(tags_add(&tags, catalog_category(catalog, "List Count", 10), number, (size_t)length, &fault), &fault);
	need(tags_add(&tags, catalog_category(catalog, "Trend Micro Severity", 20), severities[i % 3],
		      strlen(severities[i % 3]), &fault), &fault);
	need(tags_encode(&tags, &set, &set_length, &notes, &notes_length, &fault), &fault);
	need(segment_build_tags(build, set, set_length, &claim.set, &fault), &fault);
	need(segment_build_claims(build, &claim, 1, &id, &fault), &fault);
	key_set_digest(&key, KIND_SHA1, digest);
	need(segment_build_put(build, &key, id, &fault), &fault);
	tags_fini(&tags);
}

static void
build_sets(const char *directory)
{
	struct hash_seed seed = {{1, 2}};
	struct store_write *write;
	struct fault fault = {0};
	struct source_row *row;
	uint64_t generation;
	uint32_t source;
	need(store_write_begin(directory, false, &seed, &write, &fault), &fault);
	need(catalog_source_put(store_write_catalog(write), "s", 1, &row, &fault), &fault);
	store_write_touch(write);
	need(segment_build_source(store_write_build(write), "s", 1, &source, &fault), &fault);
	for (uint32_t i = 0; i < SETS; i++)
		put_set(write, source, i);
	need(store_write_commit(write, DATA_NOW, true, &generation, &fault), &fault);
}

static double
compile_seconds(struct view *view, const char *text, const struct judge *before,
		struct judge **judge)
{
	struct profile *profile;
	struct fault fault = {0};
	need(profile_parse(text, strlen(text), &view->catalog, &profile, &fault), &fault);
	double start = cpu_ns();
	need(judge_new(view, profile, before, judge, &fault), &fault);
	return (cpu_ns() - start) / 1e9;
}

static enum status
remove_name(void *context, const char *name, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	snprintf(path, sizeof(path), "%s/%s", (const char *)context, name);
	return file_remove(path, fault);
}

static void
run_compile(void)
{
	char directory[] = "/tmp/" SET_KEYS "-XXXXXX";
	struct store *store;
	struct fault fault = {0};
	if (mkdtemp(directory) == NULL)
		exit(1);
	build_sets(directory);
	need(store_open(directory, &store, &fault), &fault);
	struct view *view = store_view_take(store);
	for (size_t i = 0; i < PROFILES; i++) {
		struct judge *judge, *again;
		char *text = profile_text(filter_counts[i], SETS);
		double first = compile_seconds(view, text, NULL, &judge);
		double reused = compile_seconds(view, text, judge, &again);
		printf("{\"bench\":\"judge-compile\",\"filters\":%u,\"sets\":%u,\"seconds\":%.4f,"
		       "\"seconds_reused\":%.4f,\"bytes\":%zu}\n", filter_counts[i],
		       view->layer[0].segment.tags.count, first, reused, judge_bytes(judge));
		judge_free(judge);
		judge_free(again);
		free(text);
	}
	view_drop(view);
	store_close(store);
	file_each_name(directory, remove_name, directory, NULL);
	remove(directory);
}

/* --- main ------------------------------------------------------------------------------ */

int
main(int argc, char **argv)
{
	size_t entries = 1000000, slices = 15;
	const char *kind = NULL;
	bool good = true;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--entries") == 0)
			entries = (size_t)strtod(argv[i + 1], NULL);
		else if (strcmp(argv[i], "--slices") == 0)
			slices = (size_t)strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--kind") == 0)
			kind = argv[i + 1];
	}
	if (argc % 2 == 0 || entries == 0 || slices == 0 || slices > SLICES_MOST) {
		fprintf(stderr, "usage: bench_judge [--entries N] [--kind KIND] [--slices N <= %d]\n",
			SLICES_MOST);
		return 2;
	}
	for (int class = CLASS_IPV4; class <= CLASS_SHA256; class++)
		if (kind == NULL || strcmp(kind, data_class_names[class]) == 0)
			good = run_kind((enum data_class)class, entries, slices) && good;
	run_compile();
	return good ? 0 : 1;
}
