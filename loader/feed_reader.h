/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines out of a feed's bytes.
 *
 *   feed_reader_open -> [peek] -> feed_reader_next [-> extend* [-> rewind]] -> close
 *
 * A line ends with LF, CRLF or CR, or where the data ends. A UTF-8 byte order mark at
 * the start is skipped. The text is ours, writable, and stays until the next
 * call of next: parsers cut fields in place.
 *
 * One buffer of LIMIT_LINE_BYTES and a block; a longer line is FEED_READ_LONG
 * once, with its first bytes, and the rest of it is skipped, not kept.
 */
#ifndef LOADER_FEED_READER_H
#define LOADER_FEED_READER_H

#include "loader/feed_source.h"

#define FEED_CUT_BYTES 256 /* how much of a refused line is shown */

enum feed_read { FEED_READ_LINE, FEED_READ_LONG, FEED_READ_END, FEED_READ_FAIL };

struct feed_line {
	char *text; /* without the line end, not NUL-terminated */
	size_t length;
	uint64_t number; /* 1-based; of the first line if extended */
	unsigned joined; /* lines that extend added */
};

struct feed_reader;

/* Takes `source` over: closes it, also when it fails. */
enum status
feed_reader_open(struct feed_source *source, struct feed_reader **reader, struct fault *fault);

/*
 * Uncompressed bytes ahead without taking them: at least `want` unless the
 * data ends (*ended). Only before the first next. want <= LIMIT_LINE_BYTES.
 */
enum status
feed_reader_peek(struct feed_reader *reader, size_t want, const char **text, size_t *length,
		 bool *ended, struct fault *fault);

enum feed_read
feed_reader_next(struct feed_reader *reader, struct feed_line *line, struct fault *fault);

/*
 * Join the next line to the current one, the line end between them kept.
 * FEED_READ_LINE: done (line->text may have moved). LONG: together they pass
 * `most` bytes; END: there is no next line; both leave the line as it was.
 */
enum feed_read
feed_reader_extend(struct feed_reader *reader, size_t most, struct feed_line *line,
		   struct fault *fault);
/* Undo every extend since next: the line after the first comes next. */
void
feed_reader_rewind(struct feed_reader *reader, struct feed_line *line);

uint64_t
feed_reader_lines(const struct feed_reader *reader);
const struct feed_source *
feed_reader_source(const struct feed_reader *reader);
void
feed_reader_close(struct feed_reader *reader);

#endif
