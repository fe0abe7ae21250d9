/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#ifndef __clang__
#pragma GCC target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt")
#endif
#include <immintrin.h>

#include "engine/wide.h"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#endif

/* Keys of a line that are <= the query's; what follows the keys is not counted. No branch. */
static inline __attribute__((always_inline)) unsigned
wide_below(const void *line, bool full, uint64_t high, uint32_t bits, unsigned full_keys,
	   unsigned brief_keys)
{
	__m512i keys = _mm512_loadu_si512(line);
	unsigned wide = _mm512_cmple_epu64_mask(keys, _mm512_set1_epi64((long long)high)) &
			((1u << full_keys) - 1);
	unsigned brief = _mm512_cmple_epu32_mask(keys, _mm512_set1_epi32((int)bits)) &
			 ((1u << brief_keys) - 1);
	return (unsigned)__builtin_popcount(full ? wide : brief);
}

#define WIDE_MANY wide_many_avx512
#include "engine/wide_body.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
