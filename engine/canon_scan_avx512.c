/* SPDX-License-Identifier: Apache-2.0 */
/* A masked load touches nothing past the text; one look-up in 128 bytes gives all classes. */
#ifdef __x86_64__
#ifndef __clang__
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512vbmi,avx2,bmi,bmi2,lzcnt")
#endif
#include <immintrin.h>

#include "engine/canon_percent.h"
#include "engine/canon_scan_paths.h"
#include "engine/limits.h"

#ifdef __clang__
#pragma clang attribute push( \
	__attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx2,bmi,bmi2,lzcnt"))), \
	apply_to = function)
#endif

#define NAME 1
#define DOT 2
#define SLASH 4
#define QUESTION 8
#define ODD 128 /* the sign bit */

static const uint8_t classes[128] __attribute__((aligned(64))) = {
	[0 ... 0x20] = ODD, ['#'] = ODD,   ['%'] = ODD,        ['\\'] = ODD, [0x7f] = ODD,
	['a' ... 'z'] = NAME, ['0' ... '9'] = NAME, ['-'] = NAME, ['_'] = NAME,
	['.'] = DOT,        ['/'] = SLASH, ['?'] = QUESTION,
};

struct masks {
	uint64_t name, dot, slash, question, odd; /* as in canon_scan_sse2.h */
};

CANON_SCAN_INLINE uint64_t
having(__m512i class, int bit)
{
	return _mm512_test_epi8_mask(class, _mm512_set1_epi8((char)bit));
}

CANON_SCAN_INLINE struct masks
masks_read(const char *text, size_t n, size_t before)
{
	__m512i bytes = _mm512_maskz_loadu_epi8(~UINT64_C(0) >> (64 - n), text);
	__mmask64 high = _mm512_movepi8_mask(bytes); /* the look-up would take its low bits */
	__m512i class = _mm512_maskz_permutex2var_epi8(~high & ~UINT64_C(0) >> (64 - n),
						       _mm512_load_si512(classes), bytes,
						       _mm512_load_si512(classes + 64));
	(void)before;
	return (struct masks){ having(class, NAME), having(class, DOT), having(class, SLASH),
			       having(class, QUESTION), _mm512_movepi8_mask(class) | high };
}

#define SCAN(name) name##_avx512
#include "engine/canon_scan_body.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
