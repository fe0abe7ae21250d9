/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nanoseconds per look-up of engine/ptrie.h on the real tables of
 * ../shared/data: the BGP table, and the reputation lists (IPsum, FireHOL level
 * 4, Maltrail) with their /32s as a trie must also bear them. docs/bench-ptrie.md
 * says what was measured and tried.
 *
 *   bench_ptrie [rounds [root bits, -1 = the builder's [small]]]
 *                              one line of JSON per case: median and least of the rounds;
 *                              "small": 4 KiB pages instead of 2 MiB
 *
 * A round times one short slice of every case in turn, each round other addresses,
 * so that a slow moment hits all cases alike; the clock is the thread's own CPU
 * time, which leaves out what other programs took.
 */
#include <sys/mman.h>
#include <time.h>

#include "tests/ptrie_data.h"

#define ADDRESSES (1u << 20)
#define SLICE (1u << 16)
#define BATCH 256
#define ROUNDS_MAX 1001

struct table {
	const char *name;
	struct ptrie_set set;
	unsigned root_bits;            /* what the builder took, or was told to */
	struct ptrie_image image;
	struct ptrie trie;
	double build_seconds;
};

enum stream { UNIFORM, IN_TABLE, MIX_5, STREAM_COUNT };
enum mode { ONE, LAT, BATCHED, MODE_COUNT };
static const char *const stream_names[] = { "uniform", "in-table", "5pct" };
static const char *const mode_names[] = { "one", "lat", "batch" };

struct sample {
	double ns[ROUNDS_MAX];
};

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

/* An address below a random prefix of the table. */
static void
address_in_table(const struct table *table, uint64_t *hi, uint64_t *lo)
{
	const struct ptrie_entry *entry = &table->set.entries[ptrie_random() % table->set.count];
	uint64_t low = ptrie_random(), high = ptrie_random();
	if (table->set.kind == KIND_IPV4)
		high &= 0xffffffff00000000ull;
	*hi = entry->hi | (entry->bits >= 64 ? 0 : high >> entry->bits);
	*lo = entry->lo | (entry->bits <= 64 ? low : entry->bits == 128 ? 0 :
			   low >> (entry->bits - 64));
	if (table->set.kind == KIND_IPV4) {
		*hi &= 0xffffffff00000000ull;
		*lo = 0;
	}
}

/* 5pct: one in twenty below any prefix of the table, without locality; the rest uniform. */
static void
address_make(const struct table *table, enum stream stream, uint64_t *hi, uint64_t *lo)
{
	*hi = ptrie_random();
	*lo = ptrie_random();
	if (stream == IN_TABLE || (stream == MIX_5 && ptrie_random() % 20 == 0))
		address_in_table(table, hi, lo);
}

static void
run(const struct table *table, enum mode mode, const uint32_t *ipv4, const uint8_t (*ipv6)[16],
    struct ptrie_found *found)
{
	const struct ptrie *trie = &table->trie;
	bool wide = table->set.kind == KIND_IPV6;
	uint32_t fence = 0;
	if (mode == BATCHED) {
		for (size_t i = 0; i < SLICE; i += BATCH)
			if (wide)
				ptrie_find_many_ipv6(trie, ipv6 + i, BATCH, found + i);
			else
				ptrie_find_many_ipv4(trie, ipv4 + i, BATCH, found + i);
		return;
	}
	for (size_t i = 0; i < SLICE; i++) {
		/* lat: each address waits for the answer before it, by adding a zero made of that */
		uint64_t zero = mode == LAT ? fence & 0x80000000u : 0;
		fence = wide ? ptrie_find(trie, be64_get(ipv6[i]) + zero, be64_get(ipv6[i] + 8)) :
			       ptrie_find(trie, (uint64_t)ipv4[i] << 32 | zero, 0);
		found[i].record = fence;
	}
}

static void
case_prepare(const struct table *table, enum stream stream, uint32_t *ipv4, uint8_t (*ipv6)[16])
{
	ptrie_random_state = stream + 1;
	for (size_t i = 0; i < ADDRESSES; i++) {
		uint64_t hi, lo;
		address_make(table, stream, &hi, &lo);
		ipv4[i] = (uint32_t)(hi >> 32);
		be64_put(ipv6[i], hi);
		be64_put(ipv6[i] + 8, lo);
	}
}

/* Where a mapped segment would stand: on a 2 MiB boundary, in huge pages or not. */
static const uint8_t *
image_place(const struct ptrie_image *image, bool huge)
{
	const size_t page = 2u << 20;
	size_t length = (image->length + 2 * page - 1) & ~(page - 1);
	uint8_t *bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		exit(2);
	bytes += -(uintptr_t)bytes & (page - 1);
	madvise(bytes, length - page, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memcpy(bytes, image->bytes, image->length);
	return bytes;
}

static void
table_build(struct table *table, int root_bits, bool huge)
{
	struct fault fault = { 0 };
	double start = seconds_now();
	enum status status =
		root_bits < 0 ?
			ptrie_build(table->set.kind, table->set.entries, table->set.count,
				    &table->image, &fault) :
			ptrie_build_root(table->set.kind, table->set.entries, table->set.count,
					 (unsigned)root_bits, &table->image, &fault);
	table->build_seconds = seconds_now() - start;
	if (!status)
		status = ptrie_attach(&table->trie, table->set.kind, image_place(&table->image, huge),
				      table->image.length, &fault);
	if (status) {
		fprintf(stderr, "%s: %s\n", table->name, fault.text);
		exit(2);
	}
	table->root_bits = table->trie.root_bits;
	start = seconds_now();
	status = ptrie_check(&table->trie, &fault);
	printf("{\"table\":\"%s\",\"root_bits\":%u,\"prefixes\":%zu,\"nodes\":%u,\"leaves\":%u,"
	       "\"bytes\":%zu,\"bytes_per_prefix\":%.1f,\"search_bytes_per_prefix\":%.1f,"
	       "\"build_seconds\":%.3f,\"check_seconds\":%.3f,\"check\":\"%s\"}\n",
	       table->name, table->root_bits, table->set.count, table->trie.node_count,
	       table->trie.leaf_count, table->image.length,
	       (double)table->image.length / (double)table->set.count,
	       (double)(table->trie.records - (const uint8_t *)table->trie.root) / (double)table->set.count,
	       table->build_seconds, seconds_now() - start, status ? fault.text : "ok");
}

static void
tables_read(struct table tables[3])
{
	static const char *const bgp = "../shared/data/benign/bgp-prefixes-v4v6.txt.gz";
	static const char *const lists[] = {
		"../shared/data/ip/ipsum-2026-01-02.txt.gz",
		"../shared/data/ip/firehol/firehol_level4.netset.gz",
		"../shared/data/ip/maltrail-mass_scanner_cidr.txt",
	};
	tables[0] = (struct table){ .name = "bgp-ipv4", .set.kind = KIND_IPV4 };
	tables[1] = (struct table){ .name = "reputation-ipv4", .set.kind = KIND_IPV4 };
	tables[2] = (struct table){ .name = "bgp-ipv6", .set.kind = KIND_IPV6 };
	ptrie_set_add_file(&tables[0].set, bgp);
	ptrie_set_add_file(&tables[2].set, bgp);
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		ptrie_set_add_file(&tables[1].set, lists[i]);
	/* Maltrail's addresses with ports are the bulk of it. */
	FILE *malware = popen("gzip -dc ../shared/data/domain/maltrail-malware.tar.gz | tar -xOf - | "
			      "grep -aoE '^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+'", "r");
	char line[256];
	while (malware && fgets(line, sizeof(line), malware))
		ptrie_set_add_line(&tables[1].set, line);
	if (malware)
		pclose(malware);
	for (int i = 0; i < 3; i++)
		ptrie_set_finish(&tables[i].set);
}

static void
table_measure(struct table *table, unsigned rounds)
{
	static struct sample samples[STREAM_COUNT][MODE_COUNT];
	static uint32_t ipv4[STREAM_COUNT][ADDRESSES];
	static struct ptrie_found found[SLICE];
	static uint8_t ipv6[STREAM_COUNT][ADDRESSES][16];
	for (int s = 0; s < STREAM_COUNT; s++)
		case_prepare(table, (enum stream)s, ipv4[s], ipv6[s]);
	for (unsigned round = 0; round < rounds; round++) {
		size_t from = (size_t)round * SLICE % ADDRESSES;
		for (int s = 0; s < STREAM_COUNT; s++) {
			for (int m = 0; m < MODE_COUNT; m++) {
				double start = seconds_now();
				run(table, (enum mode)m, ipv4[s] + from,
				    (const uint8_t(*)[16])ipv6[s] + from, found);
				samples[s][m].ns[round] = (seconds_now() - start) * 1e9 / SLICE;
			}
		}
	}
	for (int s = 0; s < STREAM_COUNT; s++) {
		for (int m = 0; m < MODE_COUNT; m++) {
			double *ns = samples[s][m].ns;
			qsort(ns, rounds, sizeof(*ns), compare_double);
			printf("{\"table\":\"%s\",\"root_bits\":%u,\"stream\":\"%s\",\"mode\":\"%s\","
			       "\"ns_median\":%.2f,\"ns_min\":%.2f}\n",
			       table->name, table->root_bits, stream_names[s], mode_names[m],
			       ns[rounds / 2], ns[0]);
		}
	}
}

int
main(int argc, char **argv)
{
	static struct table tables[3];
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 101;
	int root_bits = argc > 2 ? (int)strtol(argv[2], NULL, 10) : -1;
	bool huge = argc < 4 || strcmp(argv[3], "small") != 0;
#ifndef __OPTIMIZE__
	fprintf(stderr, "bench_ptrie: built without optimisation, its figures would mislead\n");
	return 2;
#endif
	if (!rounds || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_ptrie [rounds 1..%d [root bits [small]]]\n", ROUNDS_MAX);
		return 2;
	}
	tables_read(tables);
	for (int i = 0; i < 3; i++) {
		if (!tables[i].set.count)
			continue;
		table_build(&tables[i], root_bits, huge);
		table_measure(&tables[i], rounds);
	}
	return 0;
}
