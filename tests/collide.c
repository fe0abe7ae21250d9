/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/collide.h"

#include <stdlib.h>
#include <string.h>

#include "engine/bytes.h"

struct factors {
	uint64_t x, y;
};

/*
 * Factors whose fold is `target`: (low ^ high) + x + y = target. For a small even x there are
 * few values of `high`; given one, each bit of y follows from those below it, so that
 * putting y in again and again ends at the one that solves it.
 */
static struct factors *
factors_make(uint64_t target, size_t count)
{
	struct factors *factors = malloc(count * sizeof(*factors) + 1);
	size_t found = 0;
	if (factors == NULL)
		abort();
	for (uint64_t x = 2; found < count; x += 2) {
		for (uint64_t high = 0; high < x && found < count; high++) {
			uint64_t y = 0, before = 1;
			for (unsigned bit = 0; bit < 64 && y != before; bit++) {
				before = y;
				y = target - x - ((x * y) ^ high);
			}
			if (hash_fold(x, y) == target)
				factors[found++] = (struct factors){x, y};
		}
	}
	return factors;
}

static void
word_put(uint8_t *bytes, uint64_t word)
{
	struct le64 disk = le64_make(word);
	memcpy(bytes, &disk, sizeof(disk));
}

void
collide_sha256(struct hash_seed seed, size_t count, uint8_t (*digests)[32])
{
	size_t side = 1;
	while (side * side < count)
		side++;
	struct factors *first = factors_make(0x1234567, side), *second = factors_make(0x89abcde, side);
	for (size_t i = 0; i < count; i++) {
		word_put(digests[i], first[i / side].x ^ seed.word[0]);
		word_put(digests[i] + 8, first[i / side].y ^ seed.word[1]);
		word_put(digests[i] + 16, second[i % side].x ^ seed.word[1] ^ 0x9e3779b97f4a7c15ull);
		word_put(digests[i] + 24, second[i % side].y ^ seed.word[0] ^ 0xd1b54a32d192ed03ull);
	}
	free(first);
	free(second);
}

void
collide_sha1(struct hash_seed seed, size_t count, uint8_t (*digests)[20])
{
	struct factors *first = factors_make(0x1234567, COLLIDE_SHA1_RUN);
	for (size_t i = 0; i < count; i++) {
		struct le32 rest = le32_make((uint32_t)(i / COLLIDE_SHA1_RUN));
		word_put(digests[i], first[i % COLLIDE_SHA1_RUN].x ^ seed.word[0]);
		word_put(digests[i] + 8, first[i % COLLIDE_SHA1_RUN].y ^ seed.word[1]);
		memcpy(digests[i] + 16, &rest, sizeof(rest));
	}
	free(first);
}

void
collide_ipv6(struct hash_seed seed, size_t count, uint8_t (*addresses)[16])
{
	struct factors *first = factors_make(0x1234567, count);
	for (size_t i = 0; i < count; i++) {
		be64_put(addresses[i], first[i].x ^ seed.word[0]);
		be64_put(addresses[i] + 8, first[i].y ^ seed.word[1]);
	}
	free(first);
}
