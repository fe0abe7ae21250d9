/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The INI text of a profile, item by item; private to profile*.c.
 *
 *   ini_init -> ini_next until INI_END; ini_word, ini_lines and ini_refuse at any time
 *
 *   [TYPE "NAME"]   ; comment        a section; \" and \\ inside the quotes
 *   FIELD = VALUE   ; comment        blanks around FIELD and VALUE do not count
 *   # comment                        lines that begin with ; or #, and empty ones
 *
 * A comment behind a value begins with ; after a blank, outside double quotes (in which a
 * backslash takes the next character along). The field `continued` goes on in the lines
 * that follow it and are indented deeper; comment lines between them are skipped.
 *
 * Why not inih: it tells lines but no columns, cuts the value before we see it, joins or
 * overwrites fields given twice, and its comment rule and line length are fixed when it
 * is built. The grammar is this small.
 */
#ifndef QUERY_PROFILE_INI_H
#define QUERY_PROFILE_INI_H

#include <stdbool.h>

#include "engine/status.h"

struct ini_span {
	size_t at, length;
};

enum ini_kind { INI_SECTION, INI_FIELD, INI_END };

struct ini_item {
	enum ini_kind kind;
	struct ini_span word;  /* a section's type, a field's name */
	struct ini_span value; /* section: its name with the quotes; field: as written, without
	                        * blanks around; continued: with line ends and comments in it */
};

struct ini {
	const char *text;
	size_t length;
	const char *continued; /* name of the field that may take several lines */
	struct fault *fault;
	size_t first;          /* behind a byte order mark */
	size_t at;
};

/*
 * The text is borrowed. Refused: longer than LIMIT_PROFILE_BYTES, a line past
 * LIMIT_LINE_BYTES, bytes that are not UTF-8, control characters (but tab, LF, CRLF).
 */
enum status
ini_init(struct ini *ini, const char *text, size_t length, const char *continued,
	 struct fault *fault);

enum status
ini_next(struct ini *ini, struct ini_item *item);

/*
 * A value as one text: without the quotes and escapes if it begins with a quote. `out` holds
 * span.length bytes.
 */
enum status
ini_word(const struct ini *ini, struct ini_span span, char *out, size_t *length);

/* A continued value, byte for byte in its place, blanks for comments: span.length bytes. */
void
ini_lines(const struct ini *ini, struct ini_span span, char *out);

/* The line of a byte, from 1. */
size_t
ini_line(const struct ini *ini, size_t at);

/* Fill the fault: "line L, column C: " and the format. Returns `status`. */
enum status
ini_refuse(const struct ini *ini, enum status status, size_t at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
