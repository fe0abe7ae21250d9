/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from outside: strict UTF-8, and letter case of ASCII only (no locale,
 * so that every machine finds the same names equal).
 */
#ifndef ENGINE_TEXT_H
#define ENGINE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of the UTF-8 sequence at `bytes`, 1..4, its code point in *code; 0 if
 * there is none (overlong, surrogate, past U+10FFFF, cut off). length >= 1.
 */
size_t
text_utf8_next(const char *bytes, size_t length, uint32_t *code);

/* All of it is UTF-8. The empty text is. */
bool
text_is_utf8(const char *bytes, size_t length);

/* UTF-8 without control characters (C0, DEL, C1): what names and values may hold. */
bool
text_is_plain(const char *bytes, size_t length);

/* An ASCII capital's small letter; every other byte unchanged. */
char
text_fold(char byte);

/* <0, 0, >0 as memcmp, a prefix first; the second also with ASCII case folded. */
int
text_compare(const char *a, size_t a_length, const char *b, size_t b_length);
int
text_compare_folded(const char *a, size_t a_length, const char *b, size_t b_length);

/* `text` and the NUL-terminated `word` are equal but for the case of ASCII letters. */
bool
text_is_word(const char *text, size_t length, const char *word);

#endif
