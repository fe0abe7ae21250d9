/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prefix trie against two twins that share no code with it: a linear scan
 * that counts leading bits alike (small sets), and one hash table for all
 * lengths, asked longest first (the BGP table). PTRIE_SEED replays a run.
 */
#include <check.h>

#include "tests/ptrie_data.h"

/* ck_assert writes to a pipe each time it is asked, also when all is well: too slow for loops. */
#define HOLDS(x) do { if (!(x)) ck_abort_msg("%s", #x); } while (0)
#define SAME(a, b) HOLDS((a) == (b))

static uint64_t seed;

/* --- twins --- */

static bool
entry_covers(const struct ptrie_entry *entry, uint64_t hi, uint64_t lo)
{
	hi ^= entry->hi;
	lo ^= entry->lo;
	int alike = hi ? __builtin_clzll(hi) : lo ? 64 + __builtin_clzll(lo) : 128;
	return alike >= (int)entry->bits;
}

/* 1 + index of the longest entry that covers the address and is shorter than `below` bits. */
static uint32_t
scan_find(const struct ptrie_set *set, uint64_t hi, uint64_t lo, unsigned below)
{
	uint32_t best = 0;
	for (size_t i = 0; i < set->count; i++)
		if (set->entries[i].bits < below && entry_covers(&set->entries[i], hi, lo) &&
		    (!best || set->entries[i].bits > set->entries[best - 1].bits))
			best = (uint32_t)i + 1;
	return best;
}

struct hash_twin {
	const struct ptrie_set *set;
	uint32_t *slots;
	size_t mask;
	bool has_length[129];
};

static size_t
hash_slot(const struct hash_twin *twin, uint64_t hi, uint64_t lo, unsigned bits)
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
hash_init(struct hash_twin *twin, const struct ptrie_set *set)
{
	*twin = (struct hash_twin){ .set = set, .mask = 1 };
	while (twin->mask < set->count * 2)
		twin->mask = twin->mask * 2 + 1;
	twin->slots = calloc(twin->mask + 1, sizeof(*twin->slots));
	for (size_t i = 0; i < set->count; i++) {
		const struct ptrie_entry *entry = &set->entries[i];
		twin->slots[hash_slot(twin, entry->hi, entry->lo, entry->bits)] = (uint32_t)i + 1;
		twin->has_length[entry->bits] = true;
	}
}

static uint32_t
hash_find(const struct hash_twin *twin, uint64_t hi, uint64_t lo, unsigned below)
{
	for (unsigned bits = below; bits-- > 0;) {
		if (!twin->has_length[bits])
			continue;
		uint64_t mask_hi = bits >= 64 ? ~0ull : ~(~0ull >> bits);
		uint64_t mask_lo = bits <= 64 ? 0 : bits == 128 ? ~0ull : ~(~0ull >> (bits - 64));
		uint32_t found = twin->slots[hash_slot(twin, hi & mask_hi, lo & mask_lo, bits)];
		if (found)
			return found;
	}
	return 0;
}

/* Linear where that is bearable. */
static uint32_t
twin_find(const struct hash_twin *twin, uint64_t hi, uint64_t lo, unsigned below)
{
	return twin->set->count <= 600 ? scan_find(twin->set, hi, lo, below) :
					 hash_find(twin, hi, lo, below);
}

/* --- judging one set --- */

static void
query_make(const struct ptrie_set *set, uint64_t *hi, uint64_t *lo)
{
	uint64_t choice = ptrie_random();
	*hi = ptrie_random();
	*lo = ptrie_random();
	if (set->count && choice & 7) {
		/* below an entry, at its edges, or one past them */
		const struct ptrie_entry *entry = &set->entries[(choice >> 8) % set->count];
		uint64_t rest_hi = entry->bits >= 64 ? 0 : ~0ull >> entry->bits;
		uint64_t rest_lo = entry->bits <= 64 ? ~0ull :
				   entry->bits == 128 ? 0 : ~0ull >> (entry->bits - 64);
		uint64_t fill = choice & 1 ? ~0ull : choice & 2 ? 0 : *hi;
		*hi = entry->hi | (rest_hi & fill);
		*lo = entry->lo | (rest_lo & (choice & 1 ? ~0ull : choice & 2 ? 0 : *lo));
		if (choice & 4 && choice & 3) {
			bool wide = set->kind == KIND_IPV6;
			uint64_t step = choice & 1 ? 1 : ~0ull;
			uint64_t next = *lo + step;
			*hi += wide ? (choice & 1 ? next == 0 : next == ~0ull ? ~0ull : 0) :
				      step << 32;
			*lo = next;
		}
	}
	if (set->kind == KIND_IPV4) {
		*hi &= 0xffffffff00000000ull;
		*lo = 0;
	}
}

static void
judge_chain(const struct ptrie *trie, const struct hash_twin *twin, uint64_t hi, uint64_t lo,
	    uint32_t found)
{
	struct ptrie_prefix prefix;
	bool more = ptrie_record(trie, found - 1, &prefix);
	uint32_t expected = twin_find(twin, hi, lo, 129);
	while (expected) {
		const struct ptrie_entry *entry = &twin->set->entries[expected - 1];
		HOLDS(more);
		HOLDS(prefix.hi == entry->hi && prefix.lo == entry->lo);
		SAME(prefix.bits, entry->bits);
		SAME(prefix.claims, entry->claims);
		expected = twin_find(twin, hi, lo, entry->bits);
		more = ptrie_parent(trie, &prefix);
	}
	HOLDS(!more);
}

static void
find_many(const struct ptrie *trie, enum kind kind, const uint64_t (*keys)[2], size_t n,
	  struct ptrie_found *found)
{
	uint32_t *ipv4 = malloc((n + 1) * sizeof(*ipv4));
	uint8_t(*ipv6)[16] = malloc((n + 1) * sizeof(*ipv6));
	for (size_t i = 0; i < n; i++) {
		ipv4[i] = (uint32_t)(keys[i][0] >> 32);
		be64_put(ipv6[i], keys[i][0]);
		be64_put(ipv6[i] + 8, keys[i][1]);
	}
	if (kind == KIND_IPV4)
		ptrie_find_many_ipv4(trie, ipv4, n, found);
	else
		ptrie_find_many_ipv6(trie, (const uint8_t(*)[16])ipv6, n, found);
	free(ipv4);
	free(ipv6);
}

/* Leaves say what find_many says, whichever lanes are asked for, in any order. */
static void
judge_leaves(const struct ptrie *trie, const uint64_t (*keys)[2], size_t n,
	     const struct ptrie_found *found)
{
	const struct ptrie_leaf_d *leaves[PTRIE_LEAVES_ASKED];
	uint32_t addresses[PTRIE_LEAVES_ASKED];
	uint8_t lanes[PTRIE_LEAVES_ASKED];
	for (size_t from = 0, size; from < n; from += size) {
		size_t asked = 0;
		size = n - from < PTRIE_LEAVES_ASKED ? n - from : PTRIE_LEAVES_ASKED;
		for (size_t i = 0; i < size; i++)
			addresses[i] = (uint32_t)(keys[from + i][0] >> 32);
		for (size_t i = size; i-- > 0;)
			if (from == 0 || i % 3 != 0)
				lanes[asked++] = (uint8_t)i;
		ptrie_leaves_ipv4(trie, addresses, lanes, asked, leaves);
		for (size_t i = 0; i < asked; i++) {
			const struct ptrie_found *same = &found[from + lanes[i]];
			SAME(ptrie_leaf(trie, leaves[i]), same->record);
			SAME(le32_get(leaves[i]->claims), same->claims);
			SAME(le32_get(leaves[i]->record) >> 31, same->nested);
		}
	}
}

/* Claims only of a trie that is `whole`: a damaged one may have others in leaf and record. */
static void
same_found(const struct ptrie *trie, const uint32_t *single, const struct ptrie_found *many,
	   size_t n, bool whole)
{
	for (size_t i = 0; i < n; i++) {
		struct ptrie_prefix prefix = { .claims = 0 };
		ptrie_record(trie, single[i] - 1, &prefix);
		SAME(many[i].record, single[i]);
		if (whole)
			SAME(many[i].claims, prefix.claims);
	}
}

/* All ways of asking say the same; with a twin, what the twin says. */
static void
judge_queries(const struct ptrie *best, const struct hash_twin *twin, enum kind kind, size_t n,
	      unsigned chain_every)
{
	uint64_t(*keys)[2] = malloc((n + 1) * sizeof(*keys));
	uint32_t *single = malloc((n + 1) * 4);
	struct ptrie_found *many = malloc((n + 1) * sizeof(*many));
	struct ptrie portable = *best;
	portable.path = PTRIE_PORTABLE;
	for (size_t i = 0; i < n; i++) {
		query_make(twin->set, &keys[i][0], &keys[i][1]);
		single[i] = ptrie_find(best, keys[i][0], keys[i][1]);
		SAME(single[i], ptrie_find(&portable, keys[i][0], keys[i][1]));
		if (chain_every)
			SAME(single[i], twin_find(twin, keys[i][0], keys[i][1], 129));
		if (chain_every && i % chain_every == 0)
			judge_chain(best, twin, keys[i][0], keys[i][1], single[i]);
	}
	memset(many, 0xee, n * sizeof(*many));
	find_many(best, kind, (const uint64_t(*)[2])keys, n, many);
	same_found(best, single, many, n, chain_every != 0);
	memset(many, 0xee, n * sizeof(*many));
	find_many(&portable, kind, (const uint64_t(*)[2])keys, n, many);
	same_found(best, single, many, n, chain_every != 0);
	if (kind == KIND_IPV4) {
		judge_leaves(best, (const uint64_t(*)[2])keys, n, many);
		judge_leaves(&portable, (const uint64_t(*)[2])keys, n, many);
	}
	free(keys);
	free(single);
	free(many);
}

static void
judge_exact(const struct ptrie *trie, const struct ptrie_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct ptrie_entry *entry = &set->entries[i];
		SAME(ptrie_find_exact(trie, entry->hi, entry->lo, entry->bits), i + 1);
		bool longer = i + 1 < set->count && entry[1].hi == entry->hi &&
			      entry[1].lo == entry->lo && entry[1].bits == entry->bits + 1;
		if (entry->bits < trie->address_bits && !longer)
			SAME(ptrie_find_exact(trie, entry->hi, entry->lo,
							   entry->bits + 1), 0);
	}
}

/* Build with the builder's own root (-1) or a given one; all must hold. */
static void
judge_set(struct ptrie_set *set, int root_bits, size_t queries, unsigned chain_every)
{
	struct ptrie_image image;
	struct ptrie trie;
	struct fault fault = { 0 };
	struct hash_twin twin;
	ptrie_set_finish(set);
	enum status status =
		root_bits < 0 ? ptrie_build(set->kind, set->entries, set->count, &image, &fault) :
				ptrie_build_root(set->kind, set->entries, set->count,
						 (unsigned)root_bits, &image, &fault);
	ck_assert_msg(!status, "%s", fault.text);
	ck_assert_int_eq(ptrie_attach(&trie, set->kind, image.bytes, image.length, &fault), 0);
	status = ptrie_check(&trie, &fault);
	ck_assert_msg(!status, "%s %llu: %s", fault.where, (unsigned long long)fault.offset,
		      fault.text);
	ck_assert_uint_eq(trie.record_count, set->count);
	hash_init(&twin, set);
	judge_queries(&trie, &twin, set->kind, queries, chain_every);
	judge_exact(&trie, set);
	free(twin.slots);
	free(image.bytes);
}

static const enum kind kinds[] = { KIND_IPV4, KIND_IPV6 };
static const int roots[] = { -1, 0, 1, 5, 6, 11, 16, 18 };
#define ROOTS (int)(sizeof(roots) / sizeof(*roots))

static unsigned
address_bits(enum kind kind)
{
	return kind == KIND_IPV4 ? 32 : 128;
}

/* --- sets --- */

START_TEST(empty_set_finds_nothing_and_is_tiny)
{
	struct ptrie_set set = { .kind = kinds[_i] };
	struct ptrie_image image;
	for (int r = 0; r < ROOTS; r++)
		judge_set(&set, roots[r], 100, 1);
	ck_assert_int_eq(ptrie_build(set.kind, NULL, 0, &image, NULL), 0);
	ck_assert_uint_eq(image.length, 128);
	free(image.bytes);
}
END_TEST

START_TEST(each_single_prefix_length_is_found)
{
	for (unsigned bits = 0; bits <= address_bits(kinds[_i]); bits++) {
		struct ptrie_set set = { .kind = kinds[_i] };
		ptrie_set_add(&set, ptrie_random() & (set.kind == KIND_IPV4 ? ~0ull << 32 : ~0ull),
			      set.kind == KIND_IPV4 ? 0 : ptrie_random(), bits);
		for (int r = 0; r < ROOTS; r++)
			judge_set(&set, roots[r], 100, 1);
		ptrie_set_fini(&set);
	}
}
END_TEST

/* /0, /1 ... /128 at one address: all ones, all zeros, or random. */
START_TEST(nested_chains_of_all_lengths)
{
	for (int pattern = 0; pattern < 4; pattern++) {
		struct ptrie_set set = { .kind = kinds[_i] };
		uint64_t hi = pattern == 0 ? 0 : pattern == 1 ? ~0ull : ptrie_random();
		uint64_t lo = pattern == 0 ? 0 : pattern == 1 ? ~0ull : ptrie_random();
		if (set.kind == KIND_IPV4) {
			hi &= ~0ull << 32;
			lo = 0;
		}
		for (unsigned bits = 0; bits <= address_bits(set.kind); bits++)
			ptrie_set_add(&set, hi, lo, bits);
		for (int r = 0; r < ROOTS; r++)
			judge_set(&set, roots[r], 400, 20);
		ptrie_set_fini(&set);
	}
}
END_TEST

static void
add_random(struct ptrie_set *set, size_t count, uint64_t spread_hi, uint64_t spread_lo)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t hi = ptrie_random() & spread_hi, lo = ptrie_random() & spread_lo;
		unsigned bits = (unsigned)(ptrie_random() % (address_bits(set->kind) + 1));
		if (set->kind == KIND_IPV4)
			ptrie_set_add(set, hi & ~0ull << 32, 0, bits);
		else
			ptrie_set_add(set, hi, lo, bits);
	}
}

/* Dense corners (few free bits) nest and collide, sparse ones do not. */
START_TEST(random_sets)
{
	static const uint64_t spreads[][2] = {
		{ ~0ull, ~0ull }, { 0xff000000ff000000ull, 0xff }, { 0x0000000f0000000full, ~0ull },
		{ 0xf0f0f0f0f0f0f0f0ull, 0x1000000000000001ull }, { 0, 3 }, { ~0ull, 0 },
	};
	for (int s = 0; s < 6; s++) {
		for (size_t n = 2; n < 6000; n *= 5) {
			struct ptrie_set set = { .kind = kinds[_i] };
			add_random(&set, n, spreads[s][0], spreads[s][1]);
			for (int r = 0; r < ROOTS; r++)
				judge_set(&set, roots[r], 300, 3);
			ptrie_set_fini(&set);
		}
	}
}
END_TEST

/* Every prefix of three lengths below one: full nodes, and leaves without runs. */
START_TEST(full_nodes)
{
	struct ptrie_set set = { .kind = kinds[_i] };
	for (uint64_t v = 0; v < 4096; v++)
		ptrie_set_add(&set, 0xcafe000000000000ull | v << 36, 0, 28);
	for (uint64_t v = 0; v < 64; v++)
		ptrie_set_add(&set, 0xcafe000000000000ull | v << 42, 0, 22);
	for (uint64_t v = 0; v < 4096; v += 2)
		ptrie_set_add(&set, 0xcafe000000000000ull | v << 36, 0, 29);
	for (int r = 0; r < ROOTS; r++)
		judge_set(&set, roots[r], 3000, 7);
	ptrie_set_fini(&set);
}
END_TEST

START_TEST(builder_is_a_function_of_the_set)
{
	struct ptrie_set set = { .kind = kinds[_i] };
	struct ptrie_image first, second;
	add_random(&set, 3000, ~0ull, ~0ull);
	ptrie_set_finish(&set);
	ck_assert_int_eq(ptrie_build(set.kind, set.entries, set.count, &first, NULL), 0);
	ck_assert_int_eq(ptrie_build(set.kind, set.entries, set.count, &second, NULL), 0);
	ck_assert_uint_eq(first.length, second.length);
	ck_assert_mem_eq(first.bytes, second.bytes, first.length);
	free(first.bytes);
	free(second.bytes);
	ptrie_set_fini(&set);
}
END_TEST

START_TEST(builder_refuses_bad_entries)
{
	static const struct ptrie_entry bad[][2] = {
		{ { 1ull << 63, 0, 1, 0 }, { 0, 0, 1, 0 } },            /* order */
		{ { 0, 0, 8, 0 }, { 0, 0, 8, 0 } },                     /* twice */
		{ { 0, 0, 9, 0 }, { 0, 0, 8, 0 } },                     /* longer first */
		{ { 0, 0, 0, 0 }, { 1ull << 55, 0, 8, 0 } },            /* host bits */
		{ { 0, 0, 0, 0 }, { 1ull << 31, 0, 32, 0 } },           /* past 32 bits */
		{ { 0, 0, 0, 0 }, { 1ull << 32, 1, 32, 0 } },           /* in lo */
		{ { 0, 0, 0, 0 }, { 0, 0, 129, 0 } },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct ptrie_image image = { NULL, 7 };
		struct fault fault;
		ck_assert_int_eq(ptrie_build(kinds[_i], bad[i], 2, &image, &fault), STATUS_USAGE);
		ck_assert_uint_eq(fault.offset, 1);
		ck_assert(!image.bytes && image.length == 7);
	}
	ck_assert_int_eq(ptrie_build(KIND_URL, NULL, 0, NULL, NULL), STATUS_USAGE);
	ck_assert_int_eq(ptrie_build_root(KIND_IPV4, NULL, 0, 19, NULL, NULL), STATUS_USAGE);
}
END_TEST

/* --- damage --- */

static void
image_make(struct ptrie_set *set, struct ptrie_image *image, size_t n, int root_bits)
{
	add_random(set, n, 0xff00f0f0f00000f0ull, 0xffull << 56 | 3);
	ptrie_set_finish(set);
	ck_assert_int_eq(root_bits < 0 ? ptrie_build(set->kind, set->entries, set->count, image, NULL) :
					 ptrie_build_root(set->kind, set->entries, set->count,
							  (unsigned)root_bits, image, NULL), 0);
}

/* Ask everything of bytes that may mean nothing; what comes back must keep its bounds. */
static enum status
use_damaged(const struct ptrie_set *set, const uint8_t *bytes, size_t length, struct fault *fault)
{
	struct ptrie trie;
	struct ptrie_prefix prefix;
	struct hash_twin nothing = { .set = set };
	enum status status = ptrie_attach(&trie, set->kind, bytes, length, fault);
	if (status)
		return status;
	judge_queries(&trie, &nothing, set->kind, 70, 0);
	for (int i = 0; i < 20; i++) {
		uint64_t hi, lo;
		unsigned steps = 0;
		query_make(set, &hi, &lo);
		uint32_t found = ptrie_find(&trie, hi, lo);
		HOLDS(found <= trie.record_count);
		for (bool more = ptrie_record(&trie, found - 1, &prefix); more; steps++) {
			HOLDS(prefix.bits <= trie.address_bits);
			more = ptrie_parent(&trie, &prefix);
		}
		HOLDS(steps <= 129);
		HOLDS(ptrie_find_exact(&trie, hi, lo, (unsigned)i) <= trie.record_count);
	}
	HOLDS(!ptrie_record(&trie, trie.record_count, &prefix));
	return ptrie_check(&trie, fault);
}

/* Blocks of the exact size, so that the sanitizer sees a read past their end. */
static uint8_t *
copy_exact(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);
	memcpy(copy, bytes, length);
	return copy;
}

static bool
in_claims(const struct ptrie *trie, const uint8_t *bytes, size_t offset)
{
	size_t records = (size_t)(trie->records - bytes);
	size_t end = records + (size_t)trie->record_count * trie->record_bytes;
	return offset >= records && offset < end &&
	       (offset - records) % trie->record_bytes >= trie->record_bytes - 4u;
}

START_TEST(each_flipped_byte_is_found)
{
	for (int root_bits = 0; root_bits <= 6; root_bits += 3) {
		struct ptrie_set set = { .kind = kinds[_i] };
		struct ptrie_image image;
		struct ptrie trie;
		image_make(&set, &image, set.kind == KIND_IPV4 ? 40 : 12, root_bits);
		ck_assert_int_eq(ptrie_attach(&trie, set.kind, image.bytes, image.length, NULL), 0);
		for (size_t at = 0; at < image.length; at++) {
			for (int bit = 0; bit < 8; bit += at < 64 ? 1 : 5) {
				struct fault fault = { 0 };
				uint8_t *copy = copy_exact(image.bytes, image.length);
				copy[at] ^= (uint8_t)(1u << bit);
				enum status status = use_damaged(&set, copy, image.length, &fault);
				free(copy);
				if (in_claims(&trie, image.bytes, at)) {
					/* no leaf has the claims of a prefix that longer ones cover */
					ck_assert(status == STATUS_CORRUPT || status == STATUS_OK);
					continue;
				}
				ck_assert_msg(status == STATUS_CORRUPT || status == STATUS_FORMAT,
					      "byte %zu bit %d: %d", at, bit, status);
				/* root, nodes, leaves and padding: the very byte */
				if (at >= 64 && at < (size_t)(trie.records - image.bytes))
					ck_assert_uint_eq(fault.offset, at);
			}
		}
		free(image.bytes);
		ptrie_set_fini(&set);
	}
}
END_TEST

START_TEST(random_damage_never_crashes)
{
	for (int round = 0; round < 400; round++) {
		struct ptrie_set set = { .kind = kinds[_i] };
		struct ptrie_image image;
		struct fault fault;
		image_make(&set, &image, 1 + ptrie_random() % 300, (int)(ptrie_random() % 9) - 1);
		uint8_t *copy = copy_exact(image.bytes, image.length);
		for (uint64_t hits = 1 + ptrie_random() % 40; hits; hits--) {
			uint8_t *byte = &copy[64 + ptrie_random() % (image.length - 64)];
			*byte = (uint8_t)(ptrie_random() & 1 ? ptrie_random() : 0xff * (hits & 1));
		}
		use_damaged(&set, copy, image.length, &fault);
		free(copy);
		free(image.bytes);
		ptrie_set_fini(&set);
	}
}
END_TEST

START_TEST(each_truncation_is_refused)
{
	struct ptrie_set set = { .kind = kinds[_i] };
	struct ptrie_image image;
	struct ptrie trie;
	image_make(&set, &image, 20, -1);
	for (size_t length = 0; length < image.length; length++) {
		uint8_t *copy = copy_exact(image.bytes, length);
		ck_assert_int_ne(ptrie_attach(&trie, set.kind, copy, length, NULL), STATUS_OK);
		free(copy);
	}
	ck_assert_int_eq(ptrie_attach(&trie, kinds[!_i], image.bytes, image.length, NULL),
			 STATUS_FORMAT);
	ck_assert_int_eq(ptrie_attach(&trie, KIND_SHA1, image.bytes, image.length, NULL),
			 STATUS_USAGE);
	free(image.bytes);
	ptrie_set_fini(&set);
}
END_TEST

/* A wrong answer that is in bounds: leaf and parent numbers of another record. */
START_TEST(check_sees_a_plausible_lie)
{
	struct ptrie_set set = { .kind = kinds[_i] };
	struct ptrie_image image;
	struct ptrie trie;
	struct fault fault;
	ptrie_set_add(&set, 0x0a00000000000000ull, 0, 8);
	ptrie_set_add(&set, 0x0a01000000000000ull, 0, 16);
	ptrie_set_add(&set, 0x0a01010000000000ull, 0, 24);
	ptrie_set_finish(&set);
	ck_assert_int_eq(ptrie_build(set.kind, set.entries, 3, &image, NULL), 0);
	ck_assert_int_eq(ptrie_attach(&trie, set.kind, image.bytes, image.length, NULL), 0);
	uint8_t *parent = image.bytes + (trie.records - image.bytes) + 3 * trie.record_bytes - 8;
	ck_assert_uint_eq(*parent, 2);
	*parent = 1;
	ck_assert_int_eq(ptrie_check(&trie, &fault), STATUS_CORRUPT);
	ck_assert_str_eq(fault.where, "ptrie records");
	ck_assert_uint_eq(fault.offset, parent - image.bytes);
	free(image.bytes);
	ptrie_set_fini(&set);
}
END_TEST

/* --- real sets --- */

START_TEST(bgp_table_against_hash_by_length)
{
	struct ptrie_set set = { .kind = kinds[_i] };
	if (ptrie_set_add_file(&set, "../shared/data/benign/bgp-prefixes-v4v6.txt.gz")) {
		ck_assert_uint_gt(set.count, 100000);
		judge_set(&set, -1, 1000000, 32);
	}
	ptrie_set_fini(&set);
}
END_TEST

START_TEST(firehol_lists_against_hash_by_length)
{
	static const char *const names[] = { "firehol_level1.netset", "firehol_level2.netset",
					     "firehol_level4.netset.gz", "spamhaus_drop.netset",
					     "et_block.netset", "dshield.netset" };
	struct ptrie_set all = { .kind = KIND_IPV4 };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[128];
		struct ptrie_set set = { .kind = KIND_IPV4 };
		snprintf(path, sizeof(path), "../shared/data/ip/firehol/%s", names[i]);
		ptrie_set_add_file(&all, path);
		if (ptrie_set_add_file(&set, path))
			judge_set(&set, -1, 20000, 4);
		ptrie_set_fini(&set);
	}
	judge_set(&all, -1, 200000, 4);
	ptrie_set_fini(&all);
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
	const char *text = getenv("PTRIE_SEED");
	seed = text ? strtoull(text, NULL, 0) : 20261121;
	printf("PTRIE_SEED=%llu\n", (unsigned long long)seed);
	Suite *suite = suite_create("ptrie");
	TCase *tcase = tcase_create("ptrie");
	tcase_set_timeout(tcase, 600);
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_loop_test(tcase, empty_set_finds_nothing_and_is_tiny, 0, 2);
	tcase_add_loop_test(tcase, each_single_prefix_length_is_found, 0, 2);
	tcase_add_loop_test(tcase, nested_chains_of_all_lengths, 0, 2);
	tcase_add_loop_test(tcase, random_sets, 0, 2);
	tcase_add_loop_test(tcase, full_nodes, 0, 2);
	tcase_add_loop_test(tcase, builder_is_a_function_of_the_set, 0, 2);
	tcase_add_loop_test(tcase, builder_refuses_bad_entries, 0, 2);
	tcase_add_loop_test(tcase, each_flipped_byte_is_found, 0, 2);
	tcase_add_loop_test(tcase, random_damage_never_crashes, 0, 2);
	tcase_add_loop_test(tcase, each_truncation_is_refused, 0, 2);
	tcase_add_loop_test(tcase, check_sees_a_plausible_lie, 0, 2);
	tcase_add_loop_test(tcase, bgp_table_against_hash_by_length, 0, 2);
	tcase_add_test(tcase, firehol_lists_against_hash_by_length);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
