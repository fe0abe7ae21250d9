/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#ifndef __clang__
#pragma GCC target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt")
#endif
#include <immintrin.h>

#include "engine/bucket.h"
#include "engine/hosts.h"
#include "engine/name.h"
#include "engine/path.h"
#include "engine/segment_many_paths.h"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#endif

static inline uint32_t
many_find(const struct bucket_d *line, uint16_t tag)
{
	__m512i tags = _mm512_and_si512(_mm512_loadu_si512(line),
					_mm512_set1_epi16(FORMAT_SLOT_TAG));
	return _mm512_cmpeq_epi16_mask(tags, _mm512_set1_epi16((short)tag)) & BUCKET_ALL;
}

/* Slots that are this tag and these flags. */
static inline uint32_t
many_same(const struct bucket_d *line, uint16_t slot)
{
	return _mm512_cmpeq_epi16_mask(_mm512_loadu_si512(line), _mm512_set1_epi16((short)slot)) &
	       BUCKET_ALL;
}

static inline uint32_t
many_entries(const struct bucket_d *line)
{
	return _mm512_test_epi16_mask(_mm512_loadu_si512(line),
				      _mm512_set1_epi16((short)BUCKET_ENTRY)) & BUCKET_ALL;
}

/* Bit i: address i of a line; bit 7 is the line's state, for the caller to mask. */
static inline uint32_t
many_hosts(const struct hosts_line_d *line, uint32_t address)
{
	return _mm256_cmpeq_epi32_mask(_mm256_loadu_si256((const __m256i *)(const void *)line),
				       _mm256_set1_epi32((int)address));
}

/* Which of 16 addresses have their bit set. A bitmap has at least 2^9 bits: whole words. */
#define MANY_GATES
static inline uint32_t
many_gates(const uint8_t *gate, unsigned shift, const uint32_t *addresses)
{
	__m512i places = _mm512_srl_epi32(_mm512_loadu_si512(addresses),
					  _mm_cvtsi32_si128((int)shift));
	__m512i words = _mm512_i32gather_epi32(_mm512_srli_epi32(places, 5), gate, 4);
	__m512i bits = _mm512_sllv_epi32(_mm512_set1_epi32(1),
					 _mm512_and_si512(places, _mm512_set1_epi32(31)));
	return _mm512_test_epi32_mask(words, bits);
}

/* The dots among the last `length` < 64 bytes, the last one at the top: what is masked out is not read. */
static inline uint64_t
many_dots(const char *end, uint32_t length)
{
	__mmask64 there = ~(UINT64_MAX >> length);
	__m512i bytes = _mm512_maskz_loadu_epi8(there, (const void *)((uintptr_t)end - 64));
	return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('.'));
}

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

#define many_wide wide_many_avx512
#define MANY(name) name##_avx512
#define MANY_NAME "avx512"
#include "engine/segment_many_body.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
