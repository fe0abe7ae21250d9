/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's tables: rte_fib (DIR-24-8), rte_fib6 (trie), rte_lpm, rte_lpm6. Next
 * hops are claim numbers + 1, 0 the default; the claim's answer stands in a
 * table of them, as a next hop would. rte_fib and rte_fib6 use the scalar bulk
 * look-up, -avx512 the vector one, rte_fib-8b next hops of 8 bytes. Bytes are
 * those of the look-up tables; the RIB beside them is not counted.
 *
 * Without huge pages set up: EAL's memory is one anonymous mapping, which we
 * replace by one that the kernel may back with transparent huge pages.
 * rte_lpm takes small tables only: it looks for every rule among all of its
 * length, so a million take a quarter of an hour.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_eal.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>
#include <rte_memory.h>

#include "bench/peers/peers.h"

#define MEGABYTES_DEFAULT "13000"
#define GROUPS_MOST 9000000u /* 1 KiB each */
#define LPM_MOST 30000
#define LPM6_MOST 200000

struct route {
	void *table;
	uint64_t bytes;                        /* look-up tables alone, without the RIB */
	size_t refused;                        /* prefixes it did not take */
	struct answer claims[DATA_CLAIMS + 1]; /* by next hop */
};

/* --- memory ------------------------------------------------------------------------------ */

static int
make_huge(const struct rte_memseg_list *list, void *context)
{
	size_t pages = list->len / 4096;
	unsigned char *there = malloc(pages);
	char *fresh = mmap(NULL, list->len, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	(void)context;
	if (fresh != MAP_FAILED && there != NULL && mincore(list->base_va, list->len, there) == 0) {
		for (size_t i = 0; i < pages; i++)
			if (there[i] & 1)
				memcpy(fresh + i * 4096, (char *)list->base_va + i * 4096, 4096);
		fresh = mremap(fresh, list->len, list->len, MREMAP_MAYMOVE | MREMAP_FIXED, list->base_va);
		madvise(list->base_va, list->len, MADV_HUGEPAGE);
	}
	free(there);
	return 0;
}

static bool
eal_ready(void)
{
	static int state; /* 0 not tried, 1 ready, -1 failed */
	char cpu[12];
	const char *megabytes = getenv("BENCH_DPDK_MB");
	char *arguments[] = {"bench", "--no-huge", "--no-pci", "-m",
			     megabytes ? (char *)megabytes : MEGABYTES_DEFAULT, "--no-telemetry",
			     "--no-shconf", "-l", cpu, "--log-level=error",
			     "--force-max-simd-bitwidth=512"};
	if (state != 0)
		return state > 0;
	snprintf(cpu, sizeof(cpu), "%d", sched_getcpu());
	state = rte_eal_init((int)(sizeof(arguments) / sizeof(*arguments)), arguments) < 0 ? -1 : 1;
	if (state > 0)
		rte_memseg_list_walk(make_huge, NULL);
	return state > 0;
}

static struct route *
route_new(void)
{
	struct route *self = eal_ready() ? calloc(1, sizeof(*self)) : NULL;
	for (uint32_t claim = 0; self != NULL && claim < DATA_CLAIMS; claim++) {
		self->claims[claim + 1] = data_claim_answer(claim);
		self->claims[claim + 1].tags |= 1 << 16;
	}
	return self;
}

static struct route *
told(struct route *self, const char *who)
{
	if (self->refused > 0)
		fprintf(stderr, "bench: %s refused %zu prefixes\n", who, self->refused);
	return self;
}

static uint32_t
address_of(const struct data *data, size_t i)
{
	uint32_t address;
	size_t length;
	memcpy(&address, data_key(data, i, &length), 4);
	return address;
}

/* --- how many groups of 256 the prefixes need (an upper bound) ------------------------------ */

static const struct data *sorted_data;

static int
by_address(const void *a, const void *b)
{
	const struct data *data = sorted_data;
	size_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int order;
	if (data->key_bytes == 4)
		order = (address_of(data, i) > address_of(data, j)) -
			(address_of(data, i) < address_of(data, j));
	else
		order = memcmp(data->keys + i * 16, data->keys + j * 16, 16);
	return order != 0 ? order : (int)data_bits(data, j) - (int)data_bits(data, i);
}

static unsigned
common_bytes(const struct data *data, size_t i, size_t j)
{
	unsigned count = 0;
	uint32_t a = 0, b = 0;
	if (data->key_bytes == 4) {
		a = address_of(data, i);
		b = address_of(data, j);
		return a == b ? 4 : (unsigned)__builtin_clz(a ^ b) / 8;
	}
	while (count < 16 && data->keys[i * 16 + count] == data->keys[j * 16 + count])
		count++;
	return count;
}

static uint32_t
groups(const struct data *data)
{
	uint32_t *order = malloc(data->count * sizeof(*order));
	uint64_t count = 16;
	for (size_t i = 0; i < data->count; i++)
		order[i] = (uint32_t)i;
	sorted_data = data;
	qsort(order, data->count, sizeof(*order), by_address);
	for (size_t i = 0; i < data->count; i++) {
		unsigned deepest = (data_bits(data, order[i]) + 7u) / 8u, shared = 2;
		if (i > 0 && (data_bits(data, order[i - 1]) + 7u) / 8u >= deepest)
			shared = common_bytes(data, order[i - 1], order[i]);
		if (shared < 2)
			shared = 2;
		count += deepest > 3 && deepest > shared + 1 ? deepest - 1 - shared : 0;
	}
	free(order);
	return (uint32_t)count;
}

/*
 * rte_fib6 reserves groups for each prefix down from the prefix above it, shared
 * or not: count every last group with all levels above it.
 */
static uint32_t
reserved_groups(const struct data *data)
{
	uint64_t count = 256;
	for (size_t i = 0; i < data->count; i++)
		count += data_bits(data, i) > 24 ? (data_bits(data, i) + 7u) / 8u - 3u : 0;
	return (uint32_t)(count < GROUPS_MOST ? count : GROUPS_MOST);
}

/* --- rte_fib ------------------------------------------------------------------------------ */

/* rte_fib and rte_fib-avx512 are two look-ups in one table. */
static struct route *shared;
static unsigned shared_users;

static void *
fib_open(const struct data *data, enum rte_fib_dir24_8_nh_sz size)
{
	struct rte_fib_conf conf = {.type = RTE_FIB_DIR24_8, .default_nh = 0,
				    .max_routes = (int)data->count + 16};
	static unsigned number;
	char name[16];
	struct route *self = route_new();
	if (self == NULL)
		return NULL;
	snprintf(name, sizeof(name), "fib%u", number++);
	conf.dir24_8.nh_sz = size;
	conf.dir24_8.num_tbl8 = groups(data);
	self->bytes = ((1ull << 24) + conf.dir24_8.num_tbl8 * 256ull) << size;
	self->table = rte_fib_create(name, SOCKET_ID_ANY, &conf);
	if (self->table == NULL) {
		free(self);
		return NULL;
	}
	for (size_t i = 0; i < data->count; i++)
		self->refused += rte_fib_add(self->table, address_of(data, i), (uint8_t)data_bits(data, i),
					     data_claim(data, i) + 1) != 0;
	return told(self, "rte_fib");
}

static void *
fib_build(const struct data *data)
{
	if (shared_users++ == 0)
		shared = fib_open(data, RTE_FIB_DIR24_8_4B);
	return shared;
}

static void *
fib_8b_build(const struct data *data)
{
	return fib_open(data, RTE_FIB_DIR24_8_8B);
}

static void
fib_scalar(void *context, const struct queries *queries, size_t from, size_t n)
{
	struct route *self = context;
	(void)queries, (void)from, (void)n;
	rte_fib_select_lookup(self->table, RTE_FIB_LOOKUP_DIR24_8_SCALAR_MACRO);
}

/* Where the processor lacks it, the scalar look-up stays. */
static void
fib_vector(void *context, const struct queries *queries, size_t from, size_t n)
{
	struct route *self = context;
	(void)queries, (void)from, (void)n;
	rte_fib_select_lookup(self->table, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512);
}

static void
fib_batch(void *context, const struct queries *queries, size_t from, size_t n,
	  struct answer *answers)
{
	struct route *self = context;
	uint64_t hops[256];
	rte_fib_lookup_bulk(self->table, (uint32_t *)(void *)queries->keys + from, hops, (int)n);
	for (size_t i = 0; i < n; i++)
		answers[i] = data_live(self->claims[hops[i]]);
}

static struct answer
fib_one(void *self, const struct queries *queries, size_t i)
{
	struct answer answer;
	fib_batch(self, queries, i, 1, &answer);
	return answer;
}

static void
fib_8b_free(void *context)
{
	struct route *self = context;
	rte_fib_free(self->table);
	free(self);
}

static void
fib_free(void *self)
{
	if (--shared_users == 0)
		fib_8b_free(self);
}

/* --- rte_fib6 ------------------------------------------------------------------------------ */

static void *
fib6_open(const struct data *data)
{
	struct rte_fib6_conf conf = {.type = RTE_FIB6_TRIE, .default_nh = 0,
				     .max_routes = (int)data->count + 16};
	static unsigned number;
	char name[16];
	struct route *self = route_new();
	if (self == NULL)
		return NULL;
	snprintf(name, sizeof(name), "fib6-%u", number++);
	conf.trie.nh_sz = RTE_FIB6_TRIE_4B;
	conf.trie.num_tbl8 = reserved_groups(data);
	self->bytes = ((1ull << 24) + groups(data) * 256ull) * 4;
	self->table = rte_fib6_create(name, SOCKET_ID_ANY, &conf);
	if (self->table == NULL) {
		free(self);
		return NULL;
	}
	for (size_t i = 0; i < data->count; i++)
		self->refused += rte_fib6_add(self->table, data->keys + i * 16, data_bits(data, i),
					      data_claim(data, i) + 1) != 0;
	return told(self, "rte_fib6");
}

static void *
fib6_build(const struct data *data)
{
	if (shared_users++ == 0)
		shared = fib6_open(data);
	return shared;
}

static void
fib6_scalar(void *context, const struct queries *queries, size_t from, size_t n)
{
	struct route *self = context;
	(void)queries, (void)from, (void)n;
	rte_fib6_select_lookup(self->table, RTE_FIB6_LOOKUP_TRIE_SCALAR);
}

static void
fib6_vector(void *context, const struct queries *queries, size_t from, size_t n)
{
	struct route *self = context;
	(void)queries, (void)from, (void)n;
	rte_fib6_select_lookup(self->table, RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512);
}

static void
fib6_batch(void *context, const struct queries *queries, size_t from, size_t n,
	   struct answer *answers)
{
	struct route *self = context;
	uint64_t hops[256];
	uint8_t (*keys)[16] = (uint8_t(*)[16])(void *)(queries->keys + from * 16);
	rte_fib6_lookup_bulk(self->table, keys, hops, (int)n);
	for (size_t i = 0; i < n; i++)
		answers[i] = data_live(self->claims[hops[i]]);
}

static struct answer
fib6_one(void *self, const struct queries *queries, size_t i)
{
	struct answer answer;
	fib6_batch(self, queries, i, 1, &answer);
	return answer;
}

static void
fib6_free(void *context)
{
	struct route *self = context;
	if (--shared_users > 0)
		return;
	rte_fib6_free(self->table);
	free(self);
}

/* --- rte_lpm, rte_lpm6 ------------------------------------------------------------------------ */

static void *
lpm_build(const struct data *data)
{
	struct rte_lpm_config conf = {.max_rules = (uint32_t)data->count + 16,
				      .number_tbl8s = groups(data)};
	struct route *self = route_new();
	bool good = self != NULL;
	if (good)
		self->table = rte_lpm_create("lpm", SOCKET_ID_ANY, &conf);
	good = good && self->table != NULL;
	for (size_t i = 0; good && i < data->count; i++)
		good = rte_lpm_add(self->table, address_of(data, i), data_bits(data, i),
				   data_claim(data, i) + 1) == 0;
	if (good) {
		self->bytes = ((1ull << 24) + groups(data) * 256ull) * 4;
		return self;
	}
	if (self != NULL && self->table != NULL)
		rte_lpm_free(self->table);
	free(self);
	return NULL;
}

static void
lpm_batch(void *context, const struct queries *queries, size_t from, size_t n,
	  struct answer *answers)
{
	struct route *self = context;
	uint32_t hops[256];
	rte_lpm_lookup_bulk(self->table, (uint32_t *)(void *)queries->keys + from, hops, (unsigned)n);
	for (size_t i = 0; i < n; i++)
		answers[i] = hops[i] & RTE_LPM_LOOKUP_SUCCESS ?
			     data_live(self->claims[hops[i] & 0x00ffffff]) : (struct answer){0, 0};
}

static struct answer
lpm_one(void *context, const struct queries *queries, size_t i)
{
	struct route *self = context;
	uint32_t hop;
	if (rte_lpm_lookup(self->table, ((uint32_t *)(void *)queries->keys)[i], &hop) != 0)
		return (struct answer){0, 0};
	return data_live(self->claims[hop]);
}

static void
lpm_free(void *context)
{
	struct route *self = context;
	rte_lpm_free(self->table);
	free(self);
}

static void *
lpm6_build(const struct data *data)
{
	struct rte_lpm6_config conf = {.max_rules = (uint32_t)data->count + 16,
				       .number_tbl8s = groups(data) + 256};
	struct route *self = route_new();
	bool good = self != NULL;
	if (good)
		self->table = rte_lpm6_create("lpm6", SOCKET_ID_ANY, &conf);
	good = good && self->table != NULL;
	for (size_t i = 0; good && i < data->count; i++)
		good = rte_lpm6_add(self->table, data->keys + i * 16, data_bits(data, i),
				    data_claim(data, i) + 1) == 0;
	if (good) {
		self->bytes = ((1ull << 24) + groups(data) * 256ull) * 4;
		return self;
	}
	if (self != NULL && self->table != NULL)
		rte_lpm6_free(self->table);
	free(self);
	return NULL;
}

static void
lpm6_batch(void *context, const struct queries *queries, size_t from, size_t n,
	   struct answer *answers)
{
	struct route *self = context;
	int32_t hops[256];
	uint8_t (*keys)[16] = (uint8_t(*)[16])(void *)(queries->keys + from * 16);
	rte_lpm6_lookup_bulk_func(self->table, keys, hops, (unsigned)n);
	for (size_t i = 0; i < n; i++)
		answers[i] = hops[i] < 0 ? (struct answer){0, 0} : data_live(self->claims[hops[i]]);
}

static struct answer
lpm6_one(void *self, const struct queries *queries, size_t i)
{
	struct answer answer;
	lpm6_batch(self, queries, i, 1, &answer);
	return answer;
}

static void
lpm6_free(void *context)
{
	struct route *self = context;
	rte_lpm6_free(self->table);
	free(self);
}

static uint64_t
route_bytes(void *context)
{
	return ((struct route *)context)->bytes;
}

#define FIB fib_build, fib_free, fib_one, fib_batch, route_bytes
#define FIB_8B fib_8b_build, fib_8b_free, fib_one, fib_batch, route_bytes
#define FIB6 fib6_build, fib6_free, fib6_one, fib6_batch, route_bytes

static const struct peer peers[] = {
	{"rte_fib", FOR(CLASS_IPV4), 0, 20000000, FIB, fib_scalar},
	{"rte_fib-avx512", FOR(CLASS_IPV4), 0, 20000000, FIB, fib_vector},
	{"rte_fib-8b", FOR(CLASS_IPV4), ~0u, 2000000, FIB_8B},
	{"rte_lpm", FOR(CLASS_IPV4), 0, LPM_MOST, lpm_build, lpm_free, lpm_one, lpm_batch, route_bytes},
	{"rte_fib6", FOR(CLASS_IPV6), ~0u, 1200000, FIB6, fib6_scalar},
	{"rte_fib6-avx512", FOR(CLASS_IPV6), ~0u, 1200000, FIB6, fib6_vector},
	{"rte_lpm6", FOR(CLASS_IPV6), 0, LPM6_MOST, lpm6_build, lpm6_free, lpm6_one, lpm6_batch,
	 route_bytes},
};

const struct peer_family family_dpdk = {peers, sizeof(peers) / sizeof(*peers)};
