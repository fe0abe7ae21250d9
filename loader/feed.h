/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds: from a stream of bytes to indicator texts, whatever list format they
 * stand in. Nothing here knows keys or stores: loader/ingest.c canonicalises.
 *
 *   feed_open / feed_open_fd -> feed_next* -> feed_close
 *
 * A feed reads gzip and zstd as they are (found by magic, also concatenated
 * members), skips a BOM, takes LF, CRLF and CR line ends, and looks at the
 * first 64 KiB to find the format unless one is given. Memory is bounded by
 * LIMIT_LINE_BYTES and the look-ahead, whatever the file does: a longer line
 * is one reject, its bytes are skipped, the next line is read.
 *
 * Formats are rows of feed_format_table (one small file each): a `score`
 * function that looks at sample lines, a `line` function that turns one line
 * into zero or more items. Adding a format adds a row and a file.
 */
#ifndef LOADER_FEED_H
#define LOADER_FEED_H

#include <stdbool.h>

#include "engine/kind.h"
#include "engine/limits.h"
#include "engine/status.h"

/* One value out of a line. Texts are borrowed until the next feed_next. */
struct feed_item {
	const char *value;      /* indicator text, as the feed spells it, blanks trimmed */
	size_t value_length;
	enum kind kind;         /* what the format knows; KIND_ANY: the canonicaliser guesses */
	uint8_t scope;          /* enum scope the format means (adblock: tree); 0 = as spelled */
	uint64_t line;          /* 1-based */
	/* tags of this line: category and value pairs; values with ~~~ already split */
	struct feed_tag {
		const char *category;
		size_t category_length;
		const char *value;
		size_t value_length;
	} *tags;
	size_t tag_count;
	uint64_t first_seen;    /* 0 = none given */
	uint64_t expires;       /* 0 = none given */
};

enum feed_outcome {
	FEED_ITEM,   /* *item is filled */
	FEED_REJECT, /* *reject is filled; the feed goes on */
	FEED_END,
	FEED_FAIL    /* the fault is filled: I/O, damaged gzip, not a list at all */
};

struct feed_reject {
	uint64_t line;
	const char *text;       /* the line or value, cut to 256 bytes; borrowed */
	size_t text_length;
	enum status status;
	const char *reason;     /* one sentence, perhaps "; did you mean X"; borrowed */
};

struct feed_options {
	const char *format;     /* row name; NULL = find out */
	enum kind kind;         /* --kind; KIND_ANY = per value */
	const char *columns;    /* csv column map, see docs/feeds.md; NULL = by header or looking */
	const char *name;       /* shown in faults; NULL = path */
};

struct feed;

/* `path` "-" is stdin. */
enum status
feed_open(const char *path, const struct feed_options *options, struct feed **feed,
	  struct fault *fault);
/* From memory (borrowed until close): tests and fuzzers. */
enum status
feed_open_bytes(const uint8_t *bytes, size_t length, const struct feed_options *options,
		struct feed **feed, struct fault *fault);

enum feed_outcome
feed_next(struct feed *feed, struct feed_item *item, struct feed_reject *reject,
	  struct fault *fault);

/* Row name found or given, e.g. "hosts"; valid after open. */
const char *
feed_format(const struct feed *feed);
/* Raw (compressed) bytes read so far and the file's size (0 = unknown): for progress. */
void
feed_progress(const struct feed *feed, uint64_t *bytes_read, uint64_t *bytes_total);
/* Lines read, comments and blanks among them. */
uint64_t
feed_lines(const struct feed *feed);

/*
 * What was taken with less than the feed said, as sentences with a count, e.g.
 * "port left out of address:port or name:port": i from 0; NULL at the end.
 */
const char *
feed_note(const struct feed *feed, size_t i, uint64_t *count);

void
feed_close(struct feed *feed);

/* Names and one-line descriptions of the formats, for help: i from 0; NULL at the end. */
const char *
feed_format_name(size_t i, const char **description);

#endif
