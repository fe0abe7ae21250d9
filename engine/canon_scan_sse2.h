/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 16 bytes at a time: private to canon_scan_sse2.c and canon_scan_avx2.c, each of which
 * compiles its own copy for its target.
 */
#ifndef ENGINE_CANON_SCAN_SSE2_H
#define ENGINE_CANON_SCAN_SSE2_H

#ifdef __x86_64__
#include <emmintrin.h>

#include "engine/canon_scan_paths.h"

struct masks {
	uint64_t name;     /* a-z 0-9 - _ */
	uint64_t dot;
	uint64_t slash;
	uint64_t question;
	uint64_t odd;      /* up to 0x20, from 0x7f, # % \ */
};

CANON_SCAN_INLINE uint64_t
bits(__m128i bytes)
{
	return (uint64_t)(unsigned)_mm_movemask_epi8(bytes);
}

CANON_SCAN_INLINE __m128i
equal(__m128i bytes, char byte)
{
	return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte));
}

/* first <= byte < first + count: moved to the bottom of the signed range. */
CANON_SCAN_INLINE __m128i
within(__m128i bytes, char first, int count)
{
	__m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8((char)(-128 - first)));
	return _mm_cmplt_epi8(moved, _mm_set1_epi8((char)(-128 + count)));
}

CANON_SCAN_INLINE struct masks
masks_of(__m128i bytes)
{
	__m128i name = _mm_or_si128(_mm_or_si128(within(bytes, 'a', 26), within(bytes, '0', 10)),
				    _mm_or_si128(equal(bytes, '-'), equal(bytes, '_')));
	/* plus one: 0x7f to 0xff and 0x00 to 0x20 are the signed numbers below 0x22 */
	__m128i edge = _mm_cmplt_epi8(_mm_add_epi8(bytes, _mm_set1_epi8(1)), _mm_set1_epi8(0x22));
	__m128i odd = _mm_or_si128(_mm_or_si128(edge, equal(bytes, '#')),
				   _mm_or_si128(equal(bytes, '%'), equal(bytes, '\\')));
	return (struct masks){ bits(name), bits(equal(bytes, '.')), bits(equal(bytes, '/')),
			       bits(equal(bytes, '?')), bits(odd) };
}

CANON_SCAN_INLINE struct masks
masks_at(const char *text)
{
	return masks_of(_mm_loadu_si128((const __m128i *)(const void *)text));
}

CANON_SCAN_INLINE void
masks_or(struct masks *masks, struct masks more, size_t shift)
{
	masks->name |= more.name << shift;
	masks->dot |= more.dot << shift;
	masks->slash |= more.slash << shift;
	masks->question |= more.question << shift;
	masks->odd |= more.odd << shift;
}

CANON_SCAN_INLINE struct masks
masks_shift(struct masks masks, size_t shift)
{
	return (struct masks){ masks.name >> shift, masks.dot >> shift, masks.slash >> shift,
			       masks.question >> shift, masks.odd >> shift };
}

/* Fewer than 8 bytes: halves that overlap, or one by one. */
CANON_SCAN_INLINE uint64_t
load_few(const char *text, size_t n)
{
	if (n >= 4) {
		uint32_t low, high;
		memcpy(&low, text, 4);
		memcpy(&high, text + n - 4, 4);
		return low | (uint64_t)high << (8 * (n - 4));
	}
	return (uint64_t)(uint8_t)text[0] | (uint64_t)(uint8_t)text[n / 2] << (8 * (n / 2)) |
	       (uint64_t)(uint8_t)text[n - 1] << (8 * (n - 1));
}

/* 1 to 15 bytes: a load that ends with the text if enough is before it, else parts of it. */
CANON_SCAN_INLINE struct masks
masks_short(const char *text, size_t n, size_t before)
{
	if (before + n >= 16)
		return masks_shift(masks_at(text + n - 16), 16 - n);
	uint64_t low, high = 0;
	if (n >= 8) {
		memcpy(&low, text, 8);
		memcpy(&high, text + n - 8, 8);
		high = high >> (8 * (15 - n)) >> 8;
	} else {
		low = load_few(text, n);
	}
	struct masks masks = masks_of(_mm_set_epi64x((long long)high, (long long)low));
	masks.odd &= (UINT64_C(1) << n) - 1; /* the zeros past the text are odd, and nothing else */
	return masks;
}

#endif
#endif
