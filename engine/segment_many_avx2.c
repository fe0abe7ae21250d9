/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#ifndef __clang__
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
#endif
#include <immintrin.h>

#include "engine/bucket.h"
#include "engine/hosts.h"
#include "engine/name.h"
#include "engine/path.h"
#include "engine/segment_many_paths.h"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#endif

/* Slots with `value` under `mask`: two halves of 16, their 16-bit results packed to bytes. */
static inline uint32_t
equal_avx2(const struct bucket_d *line, uint16_t mask, uint16_t value)
{
	const __m256i *words = (const __m256i *)(const void *)line;
	__m256i masks = _mm256_set1_epi16((short)mask), values = _mm256_set1_epi16((short)value);
	__m256i low = _mm256_cmpeq_epi16(_mm256_and_si256(_mm256_loadu_si256(words), masks), values);
	__m256i high = _mm256_cmpeq_epi16(_mm256_and_si256(_mm256_loadu_si256(words + 1), masks),
					  values);
	__m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
	return (uint32_t)_mm256_movemask_epi8(packed) & BUCKET_ALL;
}

static inline uint32_t
many_find(const struct bucket_d *line, uint16_t tag)
{
	return equal_avx2(line, FORMAT_SLOT_TAG, tag);
}

/* Slots that are this tag and these flags. */
static inline uint32_t
many_same(const struct bucket_d *line, uint16_t slot)
{
	return equal_avx2(line, 0xffff, slot);
}

static inline uint32_t
many_entries(const struct bucket_d *line)
{
	return ~equal_avx2(line, BUCKET_ENTRY, 0) & BUCKET_ALL;
}

/* Bit i: address i of a line; bit 7 is the line's state, for the caller to mask. */
static inline uint32_t
many_hosts(const struct hosts_line_d *line, uint32_t address)
{
	__m256i equal = _mm256_cmpeq_epi32(_mm256_loadu_si256((const __m256i *)(const void *)line),
					   _mm256_set1_epi32((int)address));
	return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(equal));
}

static inline uint32_t
gates_of_8(const uint8_t *gate, __m128i shift, const uint32_t *addresses)
{
	__m256i places = _mm256_srl_epi32(
		_mm256_loadu_si256((const __m256i *)(const void *)addresses), shift);
	__m256i words = _mm256_i32gather_epi32((const int *)(const void *)gate,
					       _mm256_srli_epi32(places, 5), 4);
	/* the bit to the top: what a shift by 31 less the place leaves there */
	__m256i up = _mm256_sub_epi32(_mm256_set1_epi32(31),
				      _mm256_and_si256(places, _mm256_set1_epi32(31)));
	return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_sllv_epi32(words, up)));
}

/* Which of 16 addresses have their bit set. A bitmap has at least 2^9 bits: whole words. */
#define MANY_GATES
static inline uint32_t
many_gates(const uint8_t *gate, unsigned shift, const uint32_t *addresses)
{
	__m128i count = _mm_cvtsi32_si128((int)shift);
	return gates_of_8(gate, count, addresses) | gates_of_8(gate, count, addresses + 8) << 8;
}

#define many_dots name_dots

/* Keys of 16, 20 or 32 bytes. */
#define MANY_EQUAL
static inline __attribute__((always_inline)) bool
many_equal(const uint8_t *a, const uint8_t *b, size_t length)
{
	if (length == 32) {
		__m256i differ = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)a),
						  _mm256_loadu_si256((const __m256i *)(const void *)b));
		return _mm256_testz_si256(differ, differ) != 0;
	}
	__m128i differ = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)a),
				       _mm_loadu_si128((const __m128i *)(const void *)b));
	return _mm_testz_si128(differ, differ) != 0 &&
	       (length == 16 || memcmp(a + 16, b + 16, 4) == 0);
}

#define many_wide wide_many_avx2
#define MANY(name) name##_avx2
#define MANY_NAME "avx2"
#include "engine/segment_many_body.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
