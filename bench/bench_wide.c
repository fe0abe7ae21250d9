/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nanoseconds per look-up of engine/wide.h by itself, beside the prefix trie on
 * the same prefixes, on the IPv6 tables of bench/data.h. docs/bench-wide.md says
 * what was measured and tried.
 *
 *   bench_wide [rounds [entries]]   one line of JSON per case: median and least of the rounds
 *
 * A round times one short slice of every case in turn, each round other addresses;
 * the clock is the thread's own CPU time. Batches of 256. Hosts (/128) are the
 * hashed table's: here they only mark their /64.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "bench/data.h"
#include "engine/ptrie_build.h"
#include "engine/wide_build.h"

#define ADDRESSES (1u << 20)
#define SLICE (1u << 16)
#define BATCH 256
#define ROUNDS_MAX 1001

static struct table {
	struct data *data;
	struct ptrie_entry *entries;
	uint64_t *hosts;
	size_t count, host_count;
	struct wide wide;
	struct ptrie trie;
} table;

static uint8_t addresses[STREAM_COUNT][ADDRESSES][16];
static uint32_t found[SLICE];

static double
seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void
trie_many(const uint8_t (*some)[16], size_t n, uint32_t *records)
{
	static struct ptrie_found answers[BATCH];
	ptrie_find_many_ipv6(&table.trie, some, n, answers);
	for (size_t i = 0; i < n; i++)
		records[i] = answers[i].record;
}

static void
wide_one(const uint8_t (*some)[16], size_t n, uint32_t *records)
{
	for (size_t i = 0; i < n; i++)
		records[i] = wide_find(&table.wide, be64_get(some[i]), be64_get(some[i] + 8));
}

static void
portable_many(const uint8_t (*some)[16], size_t n, uint32_t *records)
{
	wide_many_portable(&table.wide, some, n, records);
}

#ifdef __x86_64__
static void
avx2_many(const uint8_t (*some)[16], size_t n, uint32_t *records)
{
	wide_many_avx2(&table.wide, some, n, records);
}

static void
avx512_many(const uint8_t (*some)[16], size_t n, uint32_t *records)
{
	wide_many_avx512(&table.wide, some, n, records);
}
#endif

static const struct way {
	const char *name, *feature;
	void (*many)(const uint8_t (*)[16], size_t, uint32_t *);
} ways[] = {
	{"ptrie", "", trie_many},
	{"wide-one", "", wide_one},
	{"wide-portable", "", portable_many},
#ifdef __x86_64__
	{"wide-avx2", "avx2", avx2_many},
	{"wide-avx512", "avx512bw", avx512_many},
#endif
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static bool
machine_has(const struct way *way)
{
#ifdef __x86_64__
	if (strcmp(way->feature, "avx2") == 0)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
	if (strcmp(way->feature, "avx512bw") == 0)
		return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#endif
	return true;
}

/* --- the tables ---------------------------------------------------------------------------- */

static void
fail(const char *what, const struct fault *fault)
{
	fprintf(stderr, "bench_wide: %s: %s\n", what, fault->text);
	exit(2);
}

/* Where a mapped segment would stand: on a 2 MiB boundary, in huge pages. */
static const uint8_t *
image_place(const uint8_t *image, size_t length)
{
	const size_t page = 2u << 20;
	size_t room = (length + 2 * page - 1) & ~(page - 1);
	uint8_t *bytes = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		exit(2);
	bytes += -(uintptr_t)bytes & (page - 1);
	madvise(bytes, room - page, MADV_HUGEPAGE);
	memcpy(bytes, image, length);
	return bytes;
}

static void
table_read(const char *name, size_t entries)
{
	table.data = data_make(CLASS_IPV6, name, entries, 1);
	if (table.data == NULL)
		exit(2);
	table.entries = calloc(table.data->count + 1, sizeof(*table.entries));
	table.hosts = calloc(table.data->count + 1, sizeof(*table.hosts));
	table.count = table.host_count = 0;
	for (size_t i = 0; i < table.data->count; i++) {
		const uint8_t *key = table.data->keys + i * 16;
		if (table.data->bits[i] == 128)
			table.hosts[table.host_count++] = be64_get(key);
		else
			table.entries[table.count++] = (struct ptrie_entry){
				be64_get(key), be64_get(key + 8), table.data->bits[i], (uint32_t)i };
	}
	qsort(table.entries, table.count, sizeof(*table.entries), ptrie_entry_compare);
	table.host_count = wide_hosts_sort(table.hosts, table.host_count);
}

static void
trie_build(void)
{
	struct ptrie_entry *entries = calloc(table.count + 1, sizeof(*entries));
	struct ptrie_image image;
	struct fault fault = { 0 };
	for (size_t i = 0; i < table.count; i++)
		entries[i] = (struct ptrie_entry){ table.entries[i].hi, table.entries[i].lo,
						   table.entries[i].bits, table.entries[i].claims };
	if (ptrie_build(KIND_IPV6, entries, table.count, &image, &fault) != STATUS_OK ||
	    ptrie_attach(&table.trie, KIND_IPV6, image_place(image.bytes, image.length),
			 image.length, &fault) != STATUS_OK)
		fail("ptrie", &fault);
	printf("{\"table\":\"%s\",\"who\":\"ptrie\",\"prefixes\":%zu,\"bytes\":%zu}\n",
	       table.data->table, table.count, image.length);
	free(image.bytes);
	free(entries);
}

static void
table_build(void)
{
	struct wide_image image;
	struct fault fault = { 0 };
	double start = seconds_now();
	if (wide_build(table.entries, table.count, table.hosts, table.host_count, &image,
		       &fault) != STATUS_OK ||
	    wide_attach(&table.wide, image_place(image.bytes, image.length), image.length,
			&fault) != STATUS_OK)
		fail("wide", &fault);
	double built = seconds_now();
	enum status status = wide_check(&table.wide, table.hosts, table.host_count, &fault);
	printf("{\"table\":\"%s\",\"who\":\"wide\",\"prefixes\":%zu,\"host_64s\":%zu,\"root_bits\":%u,"
	       "\"lines\":%u,\"bytes\":%zu,\"build_seconds\":%.3f,\"check_seconds\":%.3f,"
	       "\"check\":\"%s\"}\n",
	       table.data->table, table.count, table.host_count, table.wide.root_bits,
	       table.wide.line_count, image.length, built - start, seconds_now() - built,
	       status != STATUS_OK ? fault.text : "ok");
	free(image.bytes);
}

/* --- timing ---------------------------------------------------------------------------------- */

static bool
stream_make(enum data_stream stream)
{
	struct queries *queries = data_queries(table.data, stream, ADDRESSES);
	if (queries == NULL || queries->count < ADDRESSES) {
		queries_free(queries);
		return false;
	}
	memcpy(addresses[stream], queries->keys, sizeof(addresses[stream]));
	queries_free(queries);
	return true;
}

static double
slice_time(const struct way *way, const uint8_t (*some)[16])
{
	double start = seconds_now();
	for (size_t i = 0; i < SLICE; i += BATCH)
		way->many(some + i, BATCH, found + i);
	return (seconds_now() - start) * 1e9 / SLICE;
}

static void
table_measure(unsigned rounds)
{
	static double ns[STREAM_COUNT][WAYS][ROUNDS_MAX];
	bool there[STREAM_COUNT];
	for (int s = 0; s < STREAM_COUNT; s++)
		there[s] = stream_make((enum data_stream)s);
	for (unsigned round = 0; round < rounds; round++)
		for (int s = 0; s < STREAM_COUNT; s++)
			for (size_t w = 0; there[s] && w < WAYS; w++)
				if (machine_has(&ways[w]))
					ns[s][w][round] = slice_time(&ways[w], (const uint8_t(*)[16])
								     &addresses[s][round * SLICE % ADDRESSES]);
	for (int s = 0; s < STREAM_COUNT; s++)
		for (size_t w = 0; there[s] && w < WAYS; w++) {
			if (!machine_has(&ways[w]))
				continue;
			qsort(ns[s][w], rounds, sizeof(double), compare_double);
			printf("{\"table\":\"%s\",\"stream\":\"%s\",\"who\":\"%s\",\"ns_median\":%.2f,"
			       "\"ns_min\":%.2f}\n", table.data->table, data_stream_names[s],
			       ways[w].name, ns[s][w][rounds / 2], ns[s][w][0]);
		}
}

int
main(int argc, char **argv)
{
	static const char *const names[] = {"bgp", "reputation"};
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 101;
	size_t entries = argc > 2 ? (size_t)strtoull(argv[2], NULL, 10) : 1000000;
#ifndef __OPTIMIZE__
	fprintf(stderr, "bench_wide: built without optimisation, its figures would mislead\n");
	return 2;
#endif
	if (rounds == 0 || rounds > ROUNDS_MAX || entries == 0) {
		fprintf(stderr, "usage: bench_wide [rounds 1..%d [entries]]\n", ROUNDS_MAX);
		return 2;
	}
	for (size_t i = 0; i < 2; i++) {
		table_read(names[i], entries);
		trie_build();
		table_build();
		table_measure(rounds);
		free(table.entries);
		free(table.hosts);
		data_free(table.data);
	}
	return 0;
}
