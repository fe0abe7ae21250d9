/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#ifndef __clang__
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
#endif
#include <immintrin.h>

#include "engine/bucket.h"
#include "engine/hosts.h"
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

#define MANY(name) name##_avx2
#define MANY_NAME "avx2"
#include "engine/segment_many_body.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
