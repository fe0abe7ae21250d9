/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Undoing what people do to indicators so that nobody clicks them.
 * A mark is a bracketed separator: [.] (.) {.} [dot] [:] [://] [/] [@] [at].
 */
#ifndef ENGINE_CANON_DEFANG_H
#define ENGINE_CANON_DEFANG_H

#include <stdbool.h>
#include <stddef.h>

/* A bracket is in the text: only then can there be a mark. */
bool
canon_defang_suspect(const char *text, size_t length);

/*
 * Replace every mark in `text` up to `length`, in place; `whole` false stops
 * at the end of a URL's authority (first / ? # or \ that is in no mark) and
 * leaves the rest. Marks inside marks too: the result has none. Returns the
 * new length.
 */
size_t
canon_defang_marks(char *text, size_t length, bool whole);

/*
 * hxxp, hXXps, fxp, h**p and `http[:]//` at the start become what they mean,
 * in place. Returns the new length, and in *name the length of the scheme name if
 * the text has (now) one of the special schemes and a colon, else 0.
 */
size_t
canon_defang_scheme(char *text, size_t length, size_t *name);

#endif
