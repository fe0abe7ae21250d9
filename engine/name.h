/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the suffixes of a name begin, without a branch on its letters: the lengths of names and
 * labels come as they like, and what a branch cannot foresee costs more than what it saves.
 *
 * A suffix is its length, counted from the end, and the dots stand in a mask whose top bit is
 * the last byte:
 *
 *	w w w . e x a m p l e . c o m        bit 63 is m, 60 the last dot, 49 the first byte;
 *	      1               1              the bit before it (48) is set like a dot
 *
 * These marks, from the top down, are the starts of ever longer suffixes, and the last of them is that
 * of the whole. Names of NAME_DOTS bytes or more have no mask; path_label_before walks them.
 */
#ifndef ENGINE_NAME_H
#define ENGINE_NAME_H

#include <stdbool.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "engine/bytes.h"

#define NAME_DOTS 64 /* a name shorter than this has its dots in a mask */

static inline uint64_t
name_word(const char *bytes)
{
	struct le64 word;
	memcpy(&word, bytes, sizeof(word));
	return le64_get(word);
}

/* Of up to 7 bytes, after zeros: two loads that may overlap, or three bytes that may be the same. */
static inline uint64_t
name_short(const char *text, uint32_t length)
{
	struct le32 first, last;
	if (length == 0)
		return 0;
	if (length >= 4) {
		memcpy(&first, text, sizeof(first));
		memcpy(&last, text + length - 4, sizeof(last));
		return (uint64_t)le32_get(last) << 32 | (uint64_t)le32_get(first) << (8 * (8 - length));
	}
	uint64_t word = (uint64_t)(uint8_t)text[length - 1] << 56 |
			(uint64_t)(uint8_t)text[0] << (8 * (8 - length));
	return length == 3 ? word | (uint64_t)(uint8_t)text[1] << 48 : word;
}

/* Bit i: byte i of the word is a dot. */
static inline uint64_t
name_word_dots(uint64_t word)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7full;
	uint64_t other = word ^ 0x2e2e2e2e2e2e2e2eull;
	uint64_t dots = ~(((other & low) + low) | other | low) >> 7;
	return dots * 0x0102040810204080ull >> 56;
}

/* The same of two words: 16 bits, those of the second below. */
static inline uint64_t
name_two_dots(uint64_t first, uint64_t second)
{
#ifdef __SSE2__
	__m128i bytes = _mm_set_epi64x((long long)first, (long long)second);
	return (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')));
#else
	return name_word_dots(first) << 8 | name_word_dots(second);
#endif
}

/*
 * The dots among the last 32 bytes before `end`: bit 63 is the last byte. No byte outside of the text
 * is read: words of a shorter one overlap, and their dots fall on the same bits.
 */
static inline uint64_t
name_last_dots(const char *end, uint32_t length)
{
	if (__builtin_expect(length < 8, 0))
		return name_word_dots(name_short(end - length, length)) << 56;
	uint32_t second = length < 16 ? length : 16, third = length < 24 ? length : 24;
	uint32_t fourth = length < 32 ? length : 32;
	uint64_t high = name_two_dots(name_word(end - 8), name_word(end - second));
	uint64_t low = name_two_dots(name_word(end - third), name_word(end - fourth));
	return high >> 8 << 56 | high << 56 >> (second - 8) | low >> 8 << 56 >> (third - 8) |
	       low << 56 >> (fourth - 8);
}

/* The dots of a name of less than NAME_DOTS bytes. */
static inline uint64_t
name_dots(const char *end, uint32_t length)
{
	uint64_t dots = name_last_dots(end, length);
	if (__builtin_expect(length > 32, 0))
		dots |= name_last_dots(end - 32, length - 32) >> 32;
	return dots;
}

/* The marks of a name of less than NAME_DOTS bytes. */
static inline uint64_t
name_marks(uint64_t dots, uint32_t length)
{
	return dots | UINT64_C(1) << (NAME_DOTS - 1 - length);
}

/* The suffix after the last mark: its length. */
static inline uint32_t
name_length(uint64_t marks)
{
	return (uint32_t)__builtin_clzll(marks);
}

/* What is left without that mark; `length` is name_length of them. */
static inline uint64_t
name_next(uint64_t marks, uint32_t length)
{
	return marks & ((UINT64_C(1) << (NAME_DOTS - 1 - length)) - 1);
}

/* --- where a walk begins ------------------------------------------------------------------- */

/*
 * Most names that are listed have two labels or more, and few top labels are listed by themselves
 * (`zip`, `*.xn--p1ai`). That no walk has to ask for `com` because of those few, they stand
 * in a bitmap: only names below a top label whose bit is set are asked from that label on.
 */
#define NAME_TOPS_BITS 9
#define NAME_TOPS_BYTES (1 << NAME_TOPS_BITS >> 3)

/* The bit of the top label, `length` bytes before `end`, of a name of `whole` bytes. */
static inline uint32_t
name_top(const char *end, uint32_t length, uint32_t whole)
{
	uint32_t tail = length < 4 ? length : 4;
	uint64_t word = 0;
	if (__builtin_expect(whole >= 4, 1)) {
		struct le32 last;
		memcpy(&last, end - 4, sizeof(last));
		word = le32_get(last) & (UINT64_C(0xffffffff) << (8 * (4 - tail)));
	} else {
		word = name_short(end - length, length) >> 32;
	}
	word |= (uint64_t)length << 32;
	return (uint32_t)((word * 0x9e3779b97f4a7c15ull) >> (64 - NAME_TOPS_BITS));
}

/* `tops`: NAME_TOPS_BYTES. */
static inline bool
name_top_is_set(const uint8_t *tops, uint32_t top)
{
	return (tops[top >> 3] >> (top & 7) & 1) != 0;
}

#endif
