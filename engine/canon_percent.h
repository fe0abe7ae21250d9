/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classes of bytes and %-escapes, for the canonicaliser.
 */
#ifndef ENGINE_CANON_PERCENT_H
#define ENGINE_CANON_PERCENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a byte may be; several bits may be set. */
#define CANON_NAME 1     /* lower-case letter, digit, - or _: a plain label */
#define CANON_ALPHA 2    /* lower-case letter */
#define CANON_DIGIT 4
#define CANON_UPPER 8
#define CANON_HEX 16
#define CANON_CLEAN 32   /* stands for itself in a canonical path, and needs no look at it */
#define CANON_QUERY_CLEAN 64 /* the same in a query */
#define CANON_FORBIDDEN 128 /* WHATWG "forbidden domain code point" */

extern const uint8_t canon_class[256];

static inline bool
canon_is(char byte, unsigned class)
{
	return (canon_class[(uint8_t)byte] & class) != 0;
}

static inline char
canon_lower(char byte)
{
	return canon_is(byte, CANON_UPPER) ? (char)(byte | 0x20) : byte;
}

/* Value of a hex digit; the byte is CANON_HEX. */
static inline unsigned
canon_hex(char byte)
{
	return (unsigned)(byte & 15) + (canon_is(byte, CANON_DIGIT) ? 0 : 9);
}

/* "%XX" stands at text[i]. */
static inline bool
canon_escape_at(const char *text, size_t length, size_t i)
{
	return length - i > 2 && text[i] == '%' && canon_is(text[i + 1], CANON_HEX) &&
	       canon_is(text[i + 2], CANON_HEX);
}

/* Undo escapes once, in place; returns the new length. */
size_t
canon_unescape_once(char *text, size_t length);

/*
 * Undo escapes until none is left, in place: one pass over the text, because
 * an escape that appears can only begin in the two bytes before it.
 */
size_t
canon_unescape(char *text, size_t length);

/* A byte that the canonical form writes as %XX. */
static inline bool
canon_must_escape(char byte)
{
	uint8_t value = (uint8_t)byte;
	return value <= 0x20 || value >= 0x7f || byte == '#' || byte == '%';
}

/* Write %XX; returns 3. */
size_t
canon_escape_put(char *out, char byte);

/* Append with escapes at out[*used]; false if it does not fit in `cap`. */
bool
canon_escape(const char *text, size_t length, char *out, size_t cap, size_t *used);

/* All bytes below 0x80. */
bool
canon_ascii(const char *text, size_t length);

/* Well-formed UTF-8 (no surrogates, no overlong forms). */
bool
canon_utf8(const char *text, size_t length);

/* One code point of well-formed UTF-8 at text[*i]; *i moves on. */
uint32_t
canon_utf8_next(const char *text, size_t *i);

/* Append one code point; returns 1..4. */
size_t
canon_utf8_put(char *out, uint32_t point);

#endif
