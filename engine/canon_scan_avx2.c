/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#ifndef __clang__
#pragma GCC target("avx2,bmi,bmi2,lzcnt")
#endif
#include <immintrin.h>

#include "engine/canon_percent.h"
#include "engine/canon_scan_paths.h"
#include "engine/limits.h"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt"))), apply_to = function)
#endif

#include "engine/canon_scan_sse2.h"

CANON_SCAN_INLINE uint64_t
bits32(__m256i bytes)
{
	return (uint64_t)(unsigned)_mm256_movemask_epi8(bytes);
}

CANON_SCAN_INLINE __m256i
equal32(__m256i bytes, char byte)
{
	return _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte));
}

CANON_SCAN_INLINE __m256i
below32(__m256i bytes, int add, int limit)
{
	return _mm256_cmpgt_epi8(_mm256_set1_epi8((char)limit),
				 _mm256_add_epi8(bytes, _mm256_set1_epi8((char)add)));
}

/* As masks_of(). */
CANON_SCAN_INLINE struct masks
masks32_of(__m256i bytes)
{
	__m256i letter = below32(bytes, -128 - 'a', -128 + 26);
	__m256i digit = below32(bytes, -128 - '0', -128 + 10);
	__m256i name = _mm256_or_si256(_mm256_or_si256(letter, digit),
				       _mm256_or_si256(equal32(bytes, '-'), equal32(bytes, '_')));
	__m256i odd = _mm256_or_si256(
		_mm256_or_si256(below32(bytes, 1, 0x22), equal32(bytes, '#')),
		_mm256_or_si256(equal32(bytes, '%'), equal32(bytes, '\\')));
	return (struct masks){ bits32(name), bits32(equal32(bytes, '.')), bits32(equal32(bytes, '/')),
			       bits32(equal32(bytes, '?')), bits32(odd) };
}

CANON_SCAN_INLINE struct masks
masks32_at(const char *text)
{
	return masks32_of(_mm256_loadu_si256((const __m256i *)(const void *)text));
}

CANON_SCAN_INLINE struct masks
masks_read(const char *text, size_t n, size_t before)
{
	if (n < 16)
		return masks_short(text, n, before);
	if (n < 32) {
		struct masks masks = masks_at(text);
		masks_or(&masks, masks_at(text + n - 16), n - 16);
		return masks;
	}
	struct masks masks = masks32_at(text);
	if (n > 32)
		masks_or(&masks, masks32_at(text + n - 32), n - 32);
	return masks;
}

#define SCAN(name) name##_avx2
#include "engine/canon_scan_body.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
