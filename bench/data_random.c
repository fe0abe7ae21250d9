/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random keys that are nowhere stored: each is a bijection of its number, so that
 * the number of a key, and with it the oracle's answer, is computed back. What
 * takes a hundred million of them then takes no memory here.
 */
#include <string.h>

#include "bench/data.h"

#define ROUNDS 4

/* data_mix backwards: its multipliers' inverses modulo 2^64, its shifts undone. */
static uint64_t
unmix(uint64_t x)
{
	x = (x ^ x >> 31 ^ x >> 62) * 0x319642b2d24d8ec3ull;
	x = (x ^ x >> 27 ^ x >> 54) * 0x96de1b173f119089ull;
	x ^= x >> 30 ^ x >> 60;
	return x - 0x9e3779b97f4a7c15ull;
}

/* --- addresses: a permutation of the 32-bit numbers, Feistel ----------------------------- */

static uint32_t
scatter(const struct data *data, uint32_t half, unsigned round)
{
	return data_mix(data->seed + half + (round << 16)) & 0xffff;
}

static uint32_t
address_of(const struct data *data, uint32_t i)
{
	uint32_t left = i >> 16, right = i & 0xffff;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t next = left ^ scatter(data, right, round);
		left = right;
		right = next;
	}
	return left << 16 | right;
}

static uint32_t
address_number(const struct data *data, uint32_t address)
{
	uint32_t left = address >> 16, right = address & 0xffff;
	for (unsigned round = ROUNDS; round-- > 0;) {
		uint32_t before = right ^ scatter(data, left, round);
		right = left;
		left = before;
	}
	return left << 16 | right;
}

/* --- both kinds -------------------------------------------------------------------------- */

void
data_random_key(const struct data *data, size_t i, uint8_t key[32])
{
	uint32_t address;
	uint64_t word[4];
	if (data->class == CLASS_IPV4) {
		address = address_of(data, (uint32_t)i);
		memcpy(key, &address, 4);
		return;
	}
	for (size_t w = 0; w < 4; w++)
		word[w] = data_mix(data->seed ^ data_mix(i * 4 + w));
	memcpy(key, word, sizeof(word));
}

bool
data_random_find(const struct data *data, const uint8_t *key, size_t *i)
{
	uint8_t whole[32];
	uint32_t address;
	uint64_t word, number;
	memcpy(&address, key, 4);
	if (data->class == CLASS_IPV4) {
		number = address_number(data, address);
	} else {
		memcpy(&word, key, 8);
		number = unmix(unmix(word) ^ data->seed);
		if (number % 4 != 0)
			return false;
		number /= 4;
	}
	*i = number;
	if (number >= data->count)
		return false;
	data_random_key(data, number, whole);
	return memcmp(whole, key, data->key_bytes) == 0;
}
