/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes: XXH3 for text and checksums, a folded multiply for fixed-size keys.
 *
 * Every table hash is keyed with the segment's 128-bit seed. A feed's author does not know it
 * unless he has a published file; then he can choose keys of one hash, for neither
 * of these is made to resist that. Full keys are compared on every hit, so a collision costs
 * time, never truth; how much is bounded where lines are filled (segment_layout.c, hosts_build.c),
 * and a set that crosses the bounds gets a seed that hangs on its keys (segment_salt.h).
 *
 * hash_words is the multiply-and-fold of wyhash (W. Yi, github.com/wangyi-fudan/wyhash), 64x64 ->
 * 128, high ^ low, plus both factors: the fold alone forgets one factor when the other is 0
 * (all give 0) or 2^64 - 1 (all give that).
 */
#ifndef ENGINE_HASH_H
#define ENGINE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_seed {
	uint64_t word[2];
};

static inline bool
hash_seed_equal(struct hash_seed a, struct hash_seed b)
{
	return a.word[0] == b.word[0] && a.word[1] == b.word[1];
}

/* XXH3-64, keyed. Any length. */
uint64_t
hash_text(struct hash_seed seed, const void *bytes, size_t length);

/* XXH3-64 without a key: checksums of file sections. */
uint64_t
hash_sum(const void *bytes, size_t length);

/* The same over pieces. */
struct hash_stream;
struct hash_stream *
hash_stream_new(void);
void
hash_stream_add(struct hash_stream *stream, const void *bytes, size_t length);
uint64_t
hash_stream_value(const struct hash_stream *stream);
void
hash_stream_free(struct hash_stream *stream);

static inline uint64_t
hash_fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 product = (unsigned __int128)a * b;
	return ((uint64_t)product ^ (uint64_t)(product >> 64)) + a + b;
#else
	uint64_t a_low = (uint32_t)a, a_high = a >> 32, b_low = (uint32_t)b, b_high = b >> 32;
	uint64_t low = a_low * b_low, middle1 = a_high * b_low, middle2 = a_low * b_high;
	uint64_t carry = ((low >> 32) + (uint32_t)middle1 + (uint32_t)middle2) >> 32;
	uint64_t high = a_high * b_high + (middle1 >> 32) + (middle2 >> 32) + carry;
	return ((a * b) ^ high) + a + b;
#endif
}

/* Four words (an IPv6 address, a digest: unused words 0) and a salt. */
static inline uint64_t
hash_words(struct hash_seed seed, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	uint64_t a = hash_fold(w0 ^ seed.word[0], w1 ^ seed.word[1]);
	uint64_t b = hash_fold(w2 ^ seed.word[1] ^ 0x9e3779b97f4a7c15ull,
			       w3 ^ seed.word[0] ^ 0xd1b54a32d192ed03ull);
	return hash_fold(a ^ 0xa0761d6478bd642full, b ^ seed.word[0]);
}

/* One word (an IPv4 address). */
static inline uint64_t
hash_word(struct hash_seed seed, uint64_t w)
{
	uint64_t a = hash_fold(w ^ seed.word[0], seed.word[1] ^ 0xa0761d6478bd642full);
	return hash_fold(a ^ seed.word[1], 0xe7037ed1a0b428dbull);
}

#endif
