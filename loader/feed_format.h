/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the feed files: what a format is, and what it calls.
 *
 * A format is a row of feed_format_table: `score` looks at a sample and says
 * how well it fits (0..100), `open` may prepare the state (`state_bytes`,
 * zeroed), `line` turns one line into items, rejects or nothing at all.
 *
 * In `line`, first the tags and times (they hold for every item of the line),
 * then the values:  feed_tag* feed_seen feed_expires  ->  feed_emit* feed_refuse*
 * Texts given to these are borrowed until the next line: they may point into
 * the line (writable, so cut and unquote in place) or into the state.
 */
#ifndef LOADER_FEED_FORMAT_H
#define LOADER_FEED_FORMAT_H

#include "loader/feed.h"
#include "loader/feed_look.h"
#include "loader/feed_reader.h"

#define FEED_SAMPLE_LINES 256
#define FEED_SAMPLE_COMMENTS 64
#define FEED_JOIN_LINES 64 /* lines that one quoted field or parenthesis may take */
#define FEED_JOIN_BYTES (64 * 1024)
#define FEED_LINE_EVENTS 65536 /* items and rejects of one line */
#define FEED_LINE_TAGS 4096

/* The first lines of a feed, trimmed; read-only for whoever scores. */
struct feed_sample {
	struct feed_text lines[FEED_SAMPLE_LINES]; /* neither blank nor comment */
	size_t line_count;
	struct feed_text comments[FEED_SAMPLE_COMMENTS]; /* begin with # ; ! or two slashes */
	size_t comment_count;
	struct feed_text header_comment; /* the last comment before the first line */
};

enum feed_step {
	FEED_STEP_DONE,
	FEED_STEP_MORE /* nothing was emitted: come again with the next line joined on */
};

struct feed;

struct feed_format {
	const char *name;
	const char *description;
	unsigned (*score)(const struct feed_sample *sample);
	enum status (*open)(struct feed *feed, const struct feed_options *options,
			    const struct feed_sample *sample, struct fault *fault);
	enum feed_step (*line)(struct feed *feed, const struct feed_line *line);
	size_t state_bytes;
};

/* In order of preference: of two with the same score the first wins. */
extern const struct feed_format *const feed_format_table[];

/* What was taken with less than it said; counted, see feed_note(). */
enum feed_notes { FEED_NOTE_PORT, FEED_NOTE_TAG_CUT, FEED_NOTE_COUNT };

void *
feed_state(struct feed *feed);
/* `scope` 0 = as spelled. */
void
feed_emit(struct feed *feed, struct feed_text value, enum kind kind, uint8_t scope);
/* `reason` is a string constant. */
void
feed_refuse(struct feed *feed, struct feed_text text, enum status status, const char *reason);
/*
 * One tag of the line. The value is put in shape in place: cut to what a text
 * tag holds, control characters to blanks, bytes that are no UTF-8 to `?`.
 * An empty one is left out. `category` outlives the line.
 */
void
feed_tag(struct feed *feed, struct feed_text category, struct feed_text value);
void
feed_seen(struct feed *feed, uint64_t first_seen);
void
feed_expires(struct feed *feed, uint64_t expires);
void
feed_note_add(struct feed *feed, enum feed_notes note);
/* The kind the user asked for (KIND_ANY: none). */
enum kind
feed_kind(const struct feed *feed);

/* --- shared by formats ------------------------------------------------------ */

/* Begins with # ; ! or two slashes. `text` is trimmed. */
bool
feed_is_comment(struct feed_text text);
/*
 * Cut a comment off a value: `#`, `;`, `!`, two slashes after a blank; `#` and `;` at once where
 * no URL can go on (no `/` before). *comment gets its text without the mark, length 0 if none.
 */
struct feed_text
feed_cut_comment(struct feed_text text, struct feed_text *comment);
/* One value of a plain list: ranges put as "first-last", ports taken off, hash first word. */
void
feed_emit_value(struct feed *feed, struct feed_text value);
/* Names that every hosts file has for the machine itself. */
bool
feed_is_local_name(struct feed_text name);
/* How many per cent of the sample's lines `fits` says yes to. */
unsigned
feed_percent(const struct feed_sample *sample, bool (*fits)(struct feed_text line));
bool
feed_comment_has(const struct feed_sample *sample, const char *word);

/* --- fields of a separated line --------------------------------------------- */

struct feed_fields {
	struct feed_text field[LIMIT_CSV_COLUMNS]; /* trimmed; quotes still on */
	size_t count;
	const char *text; /* what the fields point into */
	size_t offset;    /* where the scan goes on when a line was joined */
	size_t start;     /* where the open field begins */
	bool open;        /* a quoted field does not end in this text */
	bool overflow;    /* more than LIMIT_CSV_COLUMNS */
};

/*
 * Split RFC 4180 fields. Start with `open` false; if it comes back open, call
 * it again with more text behind the same bytes (which may have moved).
 */
void
feed_fields_split(struct feed_fields *fields, struct feed_text text, char separator);
/* The field's value: quotes off and doubled quotes single, in place. */
struct feed_text
feed_field_value(struct feed_text field);
/* The same for looking only: outer quotes off, nothing is written. */
struct feed_text
feed_field_look(struct feed_text field);

/* --- detection -------------------------------------------------------------- */

/*
 * Look at the first bytes: fill *sample, refuse what is no list, choose the
 * format unless options give one.
 */
enum status
feed_detect(struct feed_reader *reader, const struct feed_options *options, const char *name,
	    struct feed_sample *sample, const struct feed_format **format, struct fault *fault);

/* The same as feed_open, on a source that is open already; takes it over. */
enum status
feed_open_source(struct feed_source *source, const struct feed_options *options, struct feed **feed,
		 struct fault *fault);

#endif
