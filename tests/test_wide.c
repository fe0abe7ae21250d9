/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv6 ranges against two twins that share no code with them: a linear scan that
 * counts leading bits alike (small sets), and one hash table for all lengths, asked
 * longest first (large ones). Every instruction set that the machine has.
 * WIDE_SEED replays a run.
 */
#include <check.h>

#include "engine/wide_build.h"
#include "tests/ptrie_data.h"

/* ck_assert writes to a pipe each time it is asked, also when all is well: too slow for loops. */
#define HOLDS(x) do { if (!(x)) ck_abort_msg("%s", #x); } while (0)

static uint64_t seed;

struct hosts {
	uint64_t *high;
	size_t count, capacity;
};

static void
hosts_add(struct hosts *hosts, uint64_t high)
{
	if (hosts->count == hosts->capacity) {
		hosts->capacity = hosts->capacity * 2 + 16;
		hosts->high = realloc(hosts->high, hosts->capacity * sizeof(*hosts->high));
	}
	hosts->high[hosts->count++] = high;
}

static void
hosts_fini(struct hosts *hosts)
{
	free(hosts->high);
	*hosts = (struct hosts){ NULL, 0, 0 };
}

/* --- twins --- */

struct twin {
	const struct ptrie_set *set;
	const struct hosts *hosts;
	uint32_t *slots;
	size_t mask;
	bool has_length[129];
};

static size_t
twin_slot(const struct twin *twin, uint64_t hi, uint64_t lo, unsigned bits)
{
	uint64_t h = (hi ^ hi >> 32) * 0x9e3779b97f4a7c15ull + (lo ^ lo >> 29) * 0xc2b2ae3d27d4eb4full;
	h = (h ^ h >> 31 ^ bits) * 0xbf58476d1ce4e5b9ull;
	for (h ^= h >> 32;; h++) {
		uint32_t found = twin->slots[h & twin->mask];
		const struct ptrie_entry *entry = found ? &twin->set->entries[found - 1] : NULL;
		if (!entry || (entry->hi == hi && entry->lo == lo && entry->bits == bits))
			return h & twin->mask;
	}
}

static void
twin_init(struct twin *twin, const struct ptrie_set *set, const struct hosts *hosts)
{
	*twin = (struct twin){ .set = set, .hosts = hosts, .mask = 1 };
	while (twin->mask < set->count * 2)
		twin->mask = twin->mask * 2 + 1;
	twin->slots = calloc(twin->mask + 1, sizeof(*twin->slots));
	for (size_t i = 0; i < set->count; i++) {
		const struct ptrie_entry *entry = &set->entries[i];
		twin->slots[twin_slot(twin, entry->hi, entry->lo, entry->bits)] = (uint32_t)i + 1;
		twin->has_length[entry->bits] = true;
	}
}

static uint32_t
scan_find(const struct twin *twin, uint64_t hi, uint64_t lo, unsigned below)
{
	uint32_t best = 0;
	for (size_t i = 0; i < twin->set->count; i++) {
		const struct ptrie_entry *entry = &twin->set->entries[i];
		uint64_t high = hi ^ entry->hi, low = lo ^ entry->lo;
		unsigned alike = high ? (unsigned)__builtin_clzll(high) :
				 low ? 64 + (unsigned)__builtin_clzll(low) : 128;
		if (entry->bits < below && alike >= entry->bits &&
		    (!best || entry->bits > twin->set->entries[best - 1].bits))
			best = (uint32_t)i + 1;
	}
	return best;
}

/* 1 + index of the longest entry that covers the address and is shorter than `below` bits. */
static uint32_t
twin_find(const struct twin *twin, uint64_t hi, uint64_t lo, unsigned below)
{
	if (twin->set->count <= 300)
		return scan_find(twin, hi, lo, below);
	for (unsigned bits = below; bits-- > 0;) {
		uint64_t mask_hi = bits >= 64 ? ~0ull : ~(~0ull >> bits);
		uint64_t mask_lo = bits <= 64 ? 0 : ~(~0ull >> (bits - 64));
		uint32_t found = !twin->has_length[bits] ? 0 :
			twin->slots[twin_slot(twin, hi & mask_hi, lo & mask_lo, bits)];
		if (found)
			return found;
	}
	return 0;
}

static int
compare_high(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static bool
twin_host(const struct twin *twin, uint64_t hi)
{
	return twin->hosts->count > 0 && bsearch(&hi, twin->hosts->high, twin->hosts->count,
						 sizeof(hi), compare_high) != NULL;
}

/* --- judging one set --- */

/* Below an entry or a host's /64, at its edges, one past them, or anywhere. */
static void
query_make(const struct ptrie_set *set, const struct hosts *hosts, uint64_t *hi, uint64_t *lo)
{
	uint64_t choice = ptrie_random(), low = ptrie_random();
	*hi = ptrie_random();
	*lo = low;
	if (hosts->count && choice % 8 == 1) {
		*hi = hosts->high[(choice >> 8) % hosts->count] + (choice >> 4 & 3) - 1;
	} else if (set->count && choice % 8 > 1) {
		const struct ptrie_entry *entry = &set->entries[(choice >> 8) % set->count];
		uint64_t rest_hi = entry->bits >= 64 ? 0 : ~0ull >> entry->bits;
		uint64_t rest_lo = entry->bits <= 64 ? ~0ull : ~0ull >> (entry->bits - 64);
		uint64_t fill_hi = choice & 8 ? ~0ull : choice & 16 ? 0 : *hi;
		uint64_t fill_lo = choice & 8 ? ~0ull : choice & 16 ? 0 : low;
		*hi = entry->hi | (rest_hi & fill_hi);
		*lo = entry->lo | (rest_lo & fill_lo);
		if (choice & 32 && choice & 8)
			*hi += ++*lo == 0;
		else if (choice & 32 && choice & 16)
			*hi -= (*lo)-- == 0;
	}
}

static void
judge_chain(const struct wide *wide, const struct twin *twin, uint64_t hi, uint64_t lo,
	    uint32_t found)
{
	struct ptrie_prefix prefix;
	bool more = wide_record(wide, found - 1, &prefix);
	uint32_t expected = twin_find(twin, hi, lo, 128);
	while (expected) {
		const struct ptrie_entry *entry = &twin->set->entries[expected - 1];
		HOLDS(more);
		HOLDS(prefix.hi == entry->hi && prefix.lo == entry->lo);
		HOLDS(prefix.bits == entry->bits && prefix.claims == entry->claims);
		expected = twin_find(twin, hi, lo, entry->bits);
		more = wide_parent(wide, &prefix);
	}
	HOLDS(!more);
}

static const struct {
	const char *name;
	wide_many_fn *many;
} ways[] = {
	{ "portable", wide_many_portable },
#ifdef __x86_64__
	{ "avx2", wide_many_avx2 },
	{ "avx512", wide_many_avx512 },
#endif
};

static bool
machine_has(const char *name)
{
#ifdef __x86_64__
	if (strcmp(name, "avx2") == 0)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
	if (strcmp(name, "avx512") == 0)
		return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
		       __builtin_cpu_supports("bmi2");
#endif
	return name != NULL;
}

/* All ways of asking say the same; with a twin's set, what the twin says. */
static void
judge_queries(const struct wide *wide, const struct twin *twin, size_t n, unsigned chain_every)
{
	uint8_t(*addresses)[16] = malloc((n + 1) * sizeof(*addresses));
	uint32_t *single = malloc((n + 1) * 4), *many = malloc((n + 1) * 4);
	for (size_t i = 0; i < n; i++) {
		uint64_t hi, lo;
		query_make(twin->set, twin->hosts, &hi, &lo);
		be64_put(addresses[i], hi);
		be64_put(addresses[i] + 8, lo);
		single[i] = wide_find(wide, hi, lo);
		HOLDS((single[i] & WIDE_RECORD) <= wide->record_count);
		if (!chain_every)
			continue;
		HOLDS((single[i] & WIDE_RECORD) == twin_find(twin, hi, lo, 128));
		HOLDS(((single[i] & WIDE_HOSTS) != 0) == twin_host(twin, hi));
		if (i % chain_every == 0)
			judge_chain(wide, twin, hi, lo, single[i] & WIDE_RECORD);
	}
	for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
		if (!machine_has(ways[w].name))
			continue;
		memset(many, 0xee, n * 4);
		ways[w].many(wide, (const uint8_t(*)[16])addresses, n, many);
		ck_assert_msg(memcmp(many, single, n * 4) == 0, "%s differs", ways[w].name);
	}
	free(addresses);
	free(single);
	free(many);
}

static void
judge_exact(const struct wide *wide, const struct ptrie_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct ptrie_entry *entry = &set->entries[i];
		HOLDS(wide_find_exact(wide, entry->hi, entry->lo, entry->bits) == i + 1);
		bool longer = i + 1 < set->count && entry[1].hi == entry->hi &&
			      entry[1].lo == entry->lo && entry[1].bits == entry->bits + 1;
		if (entry->bits < WIDE_BITS_MAX && !longer)
			HOLDS(wide_find_exact(wide, entry->hi, entry->lo, entry->bits + 1) == 0);
	}
}

/* Blocks of the exact size, so that the sanitizer sees a read past their end. */
static uint8_t *
copy_exact(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);
	memcpy(copy, bytes, length);
	return copy;
}

static void
image_make(struct ptrie_set *set, struct hosts *hosts, struct wide_image *image)
{
	struct fault fault = { 0 };
	set->kind = KIND_IPV6;
	size_t kept = 0;
	for (size_t i = 0; i < set->count; i++)
		if (set->entries[i].bits < 128)
			set->entries[kept++] = set->entries[i];
	set->count = kept;
	ptrie_set_finish(set);
	hosts->count = wide_hosts_sort(hosts->high, hosts->count);
	enum status status = wide_build(set->entries, set->count, hosts->high, hosts->count, image,
					&fault);
	ck_assert_msg(!status, "%s", fault.text);
}

static void
judge_set(struct ptrie_set *set, struct hosts *hosts, size_t queries, unsigned chain_every)
{
	struct wide_image image;
	struct wide wide;
	struct fault fault = { 0 };
	struct twin twin;
	image_make(set, hosts, &image);
	uint8_t *copy = copy_exact(image.bytes, image.length);
	ck_assert_int_eq(wide_attach(&wide, copy, image.length, &fault), STATUS_OK);
	enum status status = wide_check(&wide, hosts->high, hosts->count, &fault);
	ck_assert_msg(!status, "%s %llu: %s", fault.where, (unsigned long long)fault.offset,
		      fault.text);
	ck_assert_uint_eq(wide.record_count, set->count);
	twin_init(&twin, set, hosts);
	judge_queries(&wide, &twin, queries, chain_every);
	judge_exact(&wide, set);
	free(twin.slots);
	free(copy);
	free(image.bytes);
	ptrie_set_fini(set);
	hosts_fini(hosts);
}

/* --- sets --- */

START_TEST(empty_set_finds_nothing)
{
	struct ptrie_set set = { .kind = KIND_IPV6 };
	struct hosts hosts = { NULL, 0, 0 };
	struct wide none = { .root = NULL };
	uint32_t found[3] = { 7, 7, 7 };
	uint8_t addresses[3][16] = { { 0 } };
	judge_set(&set, &hosts, 1000, 1);
	for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
		if (machine_has(ways[w].name))
			ways[w].many(&none, (const uint8_t(*)[16])addresses, 3, found);
	ck_assert(found[0] == 0 && found[1] == 0 && found[2] == 0);
	ck_assert_uint_eq(wide_find(&none, 0, 0), 0);
}
END_TEST

START_TEST(each_single_prefix_length_is_found)
{
	for (unsigned bits = 0; bits < 128; bits++) {
		struct ptrie_set set = { .kind = KIND_IPV6 };
		struct hosts hosts = { NULL, 0, 0 };
		ptrie_set_add(&set, ptrie_random(), ptrie_random(), bits);
		if (bits % 3 == 0)
			hosts_add(&hosts, bits % 2 ? set.entries[0].hi : ptrie_random());
		judge_set(&set, &hosts, 600, 3);
	}
}
END_TEST

/* /0, /1 ... /127 at one address with a host below: all ones, all zeros, or random. */
START_TEST(nested_chains_of_all_lengths)
{
	for (int pattern = 0; pattern < 4; pattern++) {
		struct ptrie_set set = { .kind = KIND_IPV6 };
		struct hosts hosts = { NULL, 0, 0 };
		uint64_t hi = pattern == 0 ? 0 : pattern == 1 ? ~0ull : ptrie_random();
		uint64_t lo = pattern == 0 ? 0 : pattern == 1 ? ~0ull : ptrie_random();
		for (unsigned bits = 0; bits < 128; bits++)
			ptrie_set_add(&set, hi, lo, bits);
		hosts_add(&hosts, hi);
		judge_set(&set, &hosts, 3000, 20);
	}
}
END_TEST

static void
add_random(struct ptrie_set *set, struct hosts *hosts, size_t count, uint64_t spread_hi,
	   uint64_t spread_lo)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t hi = ptrie_random() & spread_hi, lo = ptrie_random() & spread_lo;
		unsigned bits = (unsigned)(ptrie_random() % 160);
		if (bits >= 128 && bits < 144)
			hosts_add(hosts, hi);
		else
			ptrie_set_add(set, hi, lo, bits < 128 ? bits : 48 + bits % 2 * 16);
	}
}

/* Dense corners (few free bits) nest and collide, sparse ones do not. */
START_TEST(random_sets)
{
	static const uint64_t spreads[][2] = {
		{ ~0ull, ~0ull }, { 0xff000000ff000000ull, 0xff }, { 0x0000000f0000000full, ~0ull },
		{ 0xf0f0f0f0f0f0f0f0ull, 0x1000000000000001ull }, { 0, ~0ull }, { ~0ull, 0 },
		{ 0x0003ffffffff0000ull, 0 }, { 0xffffull, 1 },
	};
	for (int s = 0; s < 8; s++) {
		for (size_t n = 2; n < 40000; n *= 5) {
			struct ptrie_set set = { .kind = KIND_IPV6 };
			struct hosts hosts = { NULL, 0, 0 };
			add_random(&set, &hosts, n, spreads[s][0], spreads[s][1]);
			judge_set(&set, &hosts, 1500, 5);
		}
	}
}
END_TEST

/* Every prefix of three lengths below one, and all of 2^16 neighbours: full lines, deep trees. */
START_TEST(full_lines)
{
	struct ptrie_set set = { .kind = KIND_IPV6 };
	struct hosts hosts = { NULL, 0, 0 };
	for (uint64_t v = 0; v < 4096; v++)
		ptrie_set_add(&set, 0xcafe000000000000ull | v << 36, 0, 28);
	for (uint64_t v = 0; v < 64; v++)
		ptrie_set_add(&set, 0xcafe000000000000ull | v << 42, 0, 22);
	for (uint64_t v = 0; v < 65536; v++)
		ptrie_set_add(&set, 0xcafe000012340000ull | v, v << 48, v % 7 ? 64 : 80);
	for (uint64_t v = 0; v < 65536; v += 3)
		hosts_add(&hosts, 0xcafe000012350000ull | v);
	judge_set(&set, &hosts, 60000, 7);
}
END_TEST

START_TEST(builder_is_a_function_of_the_set)
{
	struct ptrie_set set = { .kind = KIND_IPV6 };
	struct hosts hosts = { NULL, 0, 0 };
	struct wide_image first, second;
	add_random(&set, &hosts, 3000, ~0ull, ~0ull);
	image_make(&set, &hosts, &first);
	image_make(&set, &hosts, &second);
	ck_assert_uint_eq(first.length, second.length);
	ck_assert_mem_eq(first.bytes, second.bytes, first.length);
	free(first.bytes);
	free(second.bytes);
	ptrie_set_fini(&set);
	hosts_fini(&hosts);
}
END_TEST

START_TEST(builder_refuses_bad_entries)
{
	static const struct ptrie_entry bad[][2] = {
		{ { 1ull << 63, 0, 1, 0 }, { 0, 0, 1, 0 } },            /* order */
		{ { 0, 0, 8, 0 }, { 0, 0, 8, 0 } },                     /* twice */
		{ { 0, 0, 9, 0 }, { 0, 0, 8, 0 } },                     /* longer first */
		{ { 0, 0, 0, 0 }, { 1ull << 55, 0, 8, 0 } },            /* host bits */
		{ { 0, 0, 0, 0 }, { 1ull << 32, 1, 64, 0 } },           /* in lo */
		{ { 0, 0, 0, 0 }, { 0, 0, 128, 0 } },
	};
	static const uint64_t hosts[2] = { 5, 5 };
	struct wide_image image = { NULL, 7 };
	struct fault fault;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_int_eq(wide_build(bad[i], 2, NULL, 0, &image, &fault), STATUS_USAGE);
		ck_assert_uint_eq(fault.offset, 1);
		ck_assert(!image.bytes && image.length == 7);
	}
	ck_assert_int_eq(wide_build(NULL, 0, hosts, 2, &image, &fault), STATUS_USAGE);
}
END_TEST

/* --- damage --- */

/* Ask everything of bytes that may mean nothing; what comes back must keep its bounds. */
static enum status
use_damaged(const struct ptrie_set *set, const struct hosts *hosts, const uint8_t *bytes,
	    size_t length, struct fault *fault)
{
	struct wide wide;
	struct ptrie_prefix prefix;
	struct twin nothing = { .set = set, .hosts = hosts };
	enum status status = wide_attach(&wide, bytes, length, fault);
	if (status)
		return status;
	judge_queries(&wide, &nothing, 70, 0);
	for (int i = 0; i < 20; i++) {
		uint64_t hi, lo;
		unsigned steps = 0;
		query_make(set, hosts, &hi, &lo);
		uint32_t found = wide_find(&wide, hi, lo) & WIDE_RECORD;
		for (bool more = wide_record(&wide, found - 1, &prefix); more; steps++) {
			HOLDS(prefix.bits < 128);
			more = wide_parent(&wide, &prefix);
		}
		HOLDS(steps <= 128);
		HOLDS(wide_find_exact(&wide, hi, lo, (unsigned)i) <= wide.record_count);
	}
	HOLDS(!wide_record(&wide, wide.record_count, &prefix));
	return wide_check(&wide, hosts->high, hosts->count, fault);
}

/*
 * What is made of the records is named by the byte. A record itself may turn into
 * another one: its claims, or a prefix below the same /64.
 */
START_TEST(each_flipped_byte_is_found)
{
	struct ptrie_set set = { .kind = KIND_IPV6 };
	struct hosts hosts = { NULL, 0, 0 };
	struct wide_image image;
	struct wide wide;
	add_random(&set, &hosts, 60, 0xf0000f000000000full, 0x8000000000000001ull);
	image_make(&set, &hosts, &image);
	ck_assert_int_eq(wide_attach(&wide, image.bytes, image.length, NULL), STATUS_OK);
	size_t kept = 0;
	for (size_t at = 0; at < image.length; at++) {
		for (int bit = 0; bit < 8; bit += at < 64 ? 1 : 5) {
			struct fault fault = { 0 };
			uint8_t *copy = copy_exact(image.bytes, image.length);
			copy[at] ^= (uint8_t)(1u << bit);
			enum status status = use_damaged(&set, &hosts, copy, image.length, &fault);
			free(copy);
			if (at >= (size_t)((const uint8_t *)wide.hot - image.bytes)) {
				kept += status == STATUS_OK;
				continue;
			}
			ck_assert_msg(status == STATUS_CORRUPT, "byte %zu bit %d: %d", at, bit,
				      status);
			if (at >= 64)
				ck_assert_uint_eq(fault.offset, at);
		}
	}
	ck_assert_uint_ge(kept, wide.record_count * 8); /* four bytes of claims, two bits each */
	ck_assert_uint_lt(kept, wide.record_count * 20);
	free(image.bytes);
	ptrie_set_fini(&set);
	hosts_fini(&hosts);
}
END_TEST

START_TEST(random_damage_never_crashes)
{
	for (int round = 0; round < 1500; round++) {
		struct ptrie_set set = { .kind = KIND_IPV6 };
		struct hosts hosts = { NULL, 0, 0 };
		struct wide_image image;
		struct fault fault;
		add_random(&set, &hosts, 1 + ptrie_random() % 300, 0xff00f0f0f00000f0ull,
			   0xffull << 56 | 3);
		image_make(&set, &hosts, &image);
		uint8_t *copy = copy_exact(image.bytes, image.length);
		for (uint64_t hits = 1 + ptrie_random() % 40; hits; hits--) {
			uint8_t *byte = &copy[64 + ptrie_random() % (image.length - 64)];
			*byte = (uint8_t)(ptrie_random() & 1 ? ptrie_random() : 0xff * (hits & 1));
		}
		use_damaged(&set, &hosts, copy, image.length, &fault);
		free(copy);
		free(image.bytes);
		ptrie_set_fini(&set);
		hosts_fini(&hosts);
	}
}
END_TEST

START_TEST(each_truncation_is_refused)
{
	struct ptrie_set set = { .kind = KIND_IPV6 };
	struct hosts hosts = { NULL, 0, 0 };
	struct wide_image image;
	struct wide wide;
	add_random(&set, &hosts, 20, ~0ull, ~0ull);
	image_make(&set, &hosts, &image);
	for (size_t length = 0; length < image.length; length++) {
		uint8_t *copy = copy_exact(image.bytes, length);
		ck_assert_int_eq(wide_attach(&wide, copy, length, NULL), STATUS_CORRUPT);
		free(copy);
	}
	free(image.bytes);
	ptrie_set_fini(&set);
	hosts_fini(&hosts);
}
END_TEST

/* Wrong answers that are in bounds: a /64 that does not say it has hosts, or says so in vain. */
START_TEST(check_wants_the_hosts_marked)
{
	struct ptrie_set set = { .kind = KIND_IPV6 };
	struct hosts hosts = { NULL, 0, 0 };
	struct wide_image image;
	struct wide wide;
	struct fault fault;
	ptrie_set_add(&set, 0x2001000000000000ull, 0, 16);
	hosts_add(&hosts, 0x2001000000000005ull);
	image_make(&set, &hosts, &image);
	ck_assert_int_eq(wide_attach(&wide, image.bytes, image.length, &fault), STATUS_OK);
	ck_assert_uint_eq(wide_find(&wide, 0x2001000000000005ull, 9), 1 | WIDE_HOSTS);
	ck_assert_int_eq(wide_check(&wide, NULL, 0, &fault), STATUS_CORRUPT);
	hosts.high[0]++;
	ck_assert_int_eq(wide_check(&wide, hosts.high, 1, &fault), STATUS_CORRUPT);
	free(image.bytes);
	ptrie_set_fini(&set);
	hosts_fini(&hosts);
}
END_TEST

/* --- real sets --- */

START_TEST(bgp_table_against_hash_by_length)
{
	struct ptrie_set set = { .kind = KIND_IPV6 };
	struct hosts hosts = { NULL, 0, 0 };
	if (!ptrie_set_add_file(&set, "../shared/data/benign/bgp-prefixes-v4v6.txt.gz"))
		return;
	ck_assert_uint_gt(set.count, 100000);
	for (size_t i = 0; i < 40000; i++)
		hosts_add(&hosts, set.entries[i * 3].hi | (ptrie_random() & 0xff));
	judge_set(&set, &hosts, 400000, 32);
}
END_TEST

static void
setup(void)
{
	ptrie_random_state = seed;
}

int
main(void)
{
	const char *text = getenv("WIDE_SEED");
	Suite *suite = suite_create("wide");
	TCase *tcase = tcase_create("wide");
	seed = text ? strtoull(text, NULL, 0) : 20261122;
	printf("WIDE_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, empty_set_finds_nothing);
	tcase_add_test(tcase, each_single_prefix_length_is_found);
	tcase_add_test(tcase, nested_chains_of_all_lengths);
	tcase_add_test(tcase, random_sets);
	tcase_add_test(tcase, full_lines);
	tcase_add_test(tcase, builder_is_a_function_of_the_set);
	tcase_add_test(tcase, builder_refuses_bad_entries);
	tcase_add_test(tcase, each_flipped_byte_is_found);
	tcase_add_test(tcase, random_damage_never_crashes);
	tcase_add_test(tcase, each_truncation_is_refused);
	tcase_add_test(tcase, check_wants_the_hosts_marked);
	tcase_add_test(tcase, bgp_table_against_hash_by_length);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
