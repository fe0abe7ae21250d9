/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyed multiply-and-fold: no word is forgotten whatever the others are, every bit of a word
 * reaches every bit of the hash, and words that count up spread like random ones.
 */
#include <check.h>
#include <stdlib.h>

#include "engine/hash.h"
#include "tests/sets.h"

#define VALUES 4000

static int
compare_words(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
	return one < other ? -1 : one > other;
}

static size_t
distinct(uint64_t *words, size_t count)
{
	size_t different = count > 0;
	qsort(words, count, sizeof(*words), compare_words);
	for (size_t i = 1; i < count; i++)
		different += words[i] != words[i - 1];
	return different;
}

/* Factors at which a plain fold forgets the other, and their like. */
static uint64_t
special(unsigned i)
{
	uint64_t word = i < 64 ? (uint64_t)1 << i : i < 128 ? i - 64 : ((uint64_t)1 << (i - 128)) - 1;
	return word;
}
#define SPECIALS (64 + 64 + 64)

/* Half small, half of any size. */
static uint64_t
other_factor(struct random_state *random, size_t i)
{
	return i < VALUES / 2 ? i : random_next(random);
}

static void
check_factor(uint64_t word)
{
	static uint64_t left[VALUES], right[VALUES];
	struct random_state random = { word };
	for (size_t i = 0; i < VALUES; i++) {
		uint64_t other = other_factor(&random, i);
		left[i] = hash_fold(word, other);
		right[i] = hash_fold(other, word);
	}
	/* Small ones beside -2, -4 .. fall together by tens; those of any size never. */
	ck_assert_uint_ge(distinct(left, VALUES / 2), 50);
	ck_assert_uint_ge(distinct(right, VALUES / 2), 50);
	ck_assert_uint_ge(distinct(left + VALUES / 2, VALUES / 2), VALUES / 2 - 1);
	ck_assert_uint_ge(distinct(right + VALUES / 2, VALUES / 2), VALUES / 2 - 1);
}

START_TEST(a_fold_forgets_no_factor)
{
	for (unsigned i = 0; i < SPECIALS; i++) {
		check_factor(special(i));
		check_factor(~special(i));
		check_factor(0 - special(i));
	}
}
END_TEST

static uint64_t
hash_with(struct hash_seed seed, const uint64_t *fixed, unsigned place, uint64_t word)
{
	uint64_t words[4] = { fixed[0], fixed[1], fixed[2], fixed[3] };
	words[place] = word;
	return hash_words(seed, words[0], words[1], words[2], words[3]);
}

/* The other words are what makes each factor 0, or 2^64 - 1. */
START_TEST(no_word_is_forgotten)
{
	static const uint64_t golden = 0x9e3779b97f4a7c15ull, other = 0xd1b54a32d192ed03ull;
	struct hash_seed seed = {{ 0x0123456789abcdefull, 0xfedcba9876543210ull }};
	uint64_t at[4] = { seed.word[0], seed.word[1], seed.word[1] ^ golden, seed.word[0] ^ other };
	static uint64_t hashes[VALUES];
	for (unsigned shape = 0; shape < 16; shape++) {
		uint64_t fixed[4];
		for (unsigned i = 0; i < 4; i++)
			fixed[i] = (shape >> i & 1) != 0 ? ~at[i] : at[i];
		for (unsigned place = 0; place < 4; place++) {
			for (size_t k = 0; k < VALUES; k++)
				hashes[k] = hash_with(seed, fixed, place, k);
			ck_assert_uint_ge(distinct(hashes, VALUES), VALUES - 2);
		}
	}
}
END_TEST

/* Each of 256 bits in flips each of 64 bits out in half of 4,000 trials, within 6 deviations. */
START_TEST(every_bit_reaches_every_bit)
{
	struct random_state random = { 6 };
	struct hash_seed seed = {{ 1, 2 }};
	for (unsigned in = 0; in < 256; in++) {
		unsigned flips[64] = { 0 };
		for (unsigned trial = 0; trial < VALUES; trial++) {
			uint64_t words[4];
			for (unsigned i = 0; i < 4; i++)
				words[i] = random_next(&random);
			uint64_t before = hash_with(seed, words, 0, words[0]);
			uint64_t change = before ^ hash_with(seed, words, in / 64,
							     words[in / 64] ^ (uint64_t)1 << in % 64);
			for (unsigned out = 0; out < 64; out++)
				flips[out] += change >> out & 1;
		}
		for (unsigned out = 0; out < 64; out++)
			if (abs((int)flips[out] - VALUES / 2) > 6 * 32)
				ck_abort_msg("bit %u flips bit %u %u times", in, out, flips[out]);
	}
}
END_TEST

/* Addresses that count up: 2^20 of them into 2^16 lines, chi-square of 65,535 within 6 deviations. */
static void
check_spread(unsigned shape)
{
	static unsigned lines[65536];
	struct hash_seed seed = {{ 0x243f6a8885a308d3ull, 0x13198a2e03707344ull }};
	double sum = 0;
	for (size_t i = 0; i < 65536; i++)
		lines[i] = 0;
	for (uint64_t i = 0; i < 1 << 20; i++) {
		uint64_t hash = shape == 0 ? hash_word(seed, 0x0a000000 + i)
			      : shape == 1 ? hash_words(seed, 0x20010db800000000ull, i, 0, 0)
			      : shape == 2 ? hash_words(seed, 0x20010db800000000ull + i, 1, 0, 0)
					   : hash_words(seed, 5, 6, 7, i << 44);
		lines[hash >> 48]++;
	}
	for (size_t i = 0; i < 65536; i++)
		sum += (lines[i] - 16.0) * (lines[i] - 16.0) / 16.0;
	if (sum < 65535 - 6 * 362 || sum > 65535 + 6 * 362)
		ck_abort_msg("shape %u: %.0f", shape, sum);
}

START_TEST(counting_words_spread)
{
	for (unsigned shape = 0; shape < 4; shape++)
		check_spread(shape);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("hash");
	TCase *cases = tcase_create("all");
	tcase_add_test(cases, a_fold_forgets_no_factor);
	tcase_add_test(cases, no_word_is_forgotten);
	tcase_add_test(cases, every_bit_reaches_every_bit);
	tcase_add_test(cases, counting_words_spread);
	tcase_set_timeout(cases, 120);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
