/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#ifndef __clang__
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
#endif
#include <immintrin.h>

#include "engine/wide.h"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#endif

/*
 * Keys of a line that are <= the query's; what follows the keys is not counted.
 * Brief: the greater of both is the query's. Full: a signed compare of numbers with the
 * top bit turned.
 */
static inline __attribute__((always_inline)) unsigned
wide_below(const void *line, bool full, uint64_t high, uint32_t bits, unsigned full_keys,
	   unsigned brief_keys)
{
	__m256i low = _mm256_loadu_si256(line);
	__m256i rest = _mm256_loadu_si256((const __m256i *)line + 1);
	__m256i brief = _mm256_set1_epi32((int)bits);
	__m256i turn = _mm256_set1_epi64x((long long)(1ull << 63));
	__m256i wide = _mm256_set1_epi64x((long long)(high ^ 1ull << 63));
	unsigned mask;
	if (full)
		mask = ~((unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(
				 _mm256_cmpgt_epi64(_mm256_xor_si256(low, turn), wide))) |
			 (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(
				 _mm256_cmpgt_epi64(_mm256_xor_si256(rest, turn), wide))) << 4) &
		       ((1u << full_keys) - 1);
	else
		mask = ((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(
				_mm256_cmpeq_epi32(_mm256_max_epu32(low, brief), brief))) |
			(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(
				_mm256_cmpeq_epi32(_mm256_max_epu32(rest, brief), brief))) << 8) &
		       ((1u << brief_keys) - 1);
	return (unsigned)__builtin_popcount(mask);
}

#define WIDE_MANY wide_many_avx2
#include "engine/wide_body.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
