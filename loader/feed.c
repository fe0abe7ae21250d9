/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/feed.h"

#include <stdlib.h>
#include <string.h>

#include "engine/text.h"
#include "loader/feed_format.h"

/* What a line gave, in order. */
struct event {
	bool refused;
	union {
		struct feed_item item;
		struct feed_reject reject;
	};
};

struct feed {
	struct feed_reader *reader;
	const struct feed_format *format;
	enum kind kind;
	void *state;
	struct feed_line line;

	struct event *events;
	size_t event_count, event_next, event_capacity;
	struct feed_tag *tags;
	size_t tag_count, tag_capacity;
	uint64_t first_seen, expires;

	bool found; /* an item or a reject has been given */
	bool no_memory;
	uint64_t notes[FEED_NOTE_COUNT];
	enum feed_outcome over; /* FEED_END or FEED_FAIL once it is */
	struct fault fault;
	char cut[FEED_CUT_BYTES];
};

static const char *const note_texts[FEED_NOTE_COUNT] = {
	[FEED_NOTE_PORT] = "port left out of address:port or name:port",
	[FEED_NOTE_TAG_CUT] = "tag text cut to 255 bytes",
};

/* --- open, close ------------------------------------------------------------ */

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to read the feed");
}

static enum status
prepare(struct feed *feed, const struct feed_options *options, const char *name,
	struct fault *fault)
{
	struct feed_sample *sample = calloc(1, sizeof(*sample));
	enum status status;

	if (!sample)
		return no_memory(fault);
	status = feed_detect(feed->reader, options, name, sample, &feed->format, fault);
	if (!status && feed->format->state_bytes > 0) {
		feed->state = calloc(1, feed->format->state_bytes);
		status = feed->state ? STATUS_OK : no_memory(fault);
	}
	if (!status && feed->format->open)
		status = feed->format->open(feed, options, sample, fault);
	free(sample);
	return status;
}

enum status
feed_open_source(struct feed_source *source, const struct feed_options *options,
		 struct feed **result, struct fault *fault)
{
	static const struct feed_options none = {.kind = KIND_ANY};
	struct feed *feed = calloc(1, sizeof(*feed));
	enum status status;

	if (!options)
		options = &none;
	if (!feed) {
		feed_source_close(source);
		return no_memory(fault);
	}
	feed->kind = options->kind;
	feed->over = FEED_ITEM;
	status = feed_reader_open(source, &feed->reader, fault);
	if (!status)
		status = prepare(feed, options, feed_source_name(source), fault);
	if (status)
		feed_close(feed);
	else
		*result = feed;
	return status;
}

static const char *
shown_name(const struct feed_options *options, const char *otherwise)
{
	return options && options->name ? options->name : otherwise;
}

enum status
feed_open(const char *path, const struct feed_options *options, struct feed **feed,
	  struct fault *fault)
{
	const char *name = strcmp(path, "-") == 0 ? "(stdin)" : path;
	struct feed_source *source;
	enum status status;

	status = feed_source_open_path(path, shown_name(options, name), &source, fault);
	return status ? status : feed_open_source(source, options, feed, fault);
}

enum status
feed_open_bytes(const uint8_t *bytes, size_t length, const struct feed_options *options,
		struct feed **feed, struct fault *fault)
{
	struct feed_source *source;
	enum status status;

	status = feed_source_open_bytes(bytes, length, shown_name(options, "(memory)"), &source,
					fault);
	return status ? status : feed_open_source(source, options, feed, fault);
}

void
feed_close(struct feed *feed)
{
	if (!feed)
		return;
	feed_reader_close(feed->reader);
	free(feed->state);
	free(feed->events);
	free(feed->tags);
	free(feed);
}

/* --- what formats call ------------------------------------------------------ */

void *
feed_state(struct feed *feed)
{
	return feed->state;
}

enum kind
feed_kind(const struct feed *feed)
{
	return feed->kind;
}

static struct event *
event_add(struct feed *feed)
{
	size_t capacity = feed->event_capacity ? feed->event_capacity * 2 : 16;
	struct event *grown;

	if (feed->event_count < feed->event_capacity)
		return &feed->events[feed->event_count++];
	grown = realloc(feed->events, capacity * sizeof(*grown));
	if (!grown) {
		feed->no_memory = true;
		return NULL;
	}
	feed->events = grown;
	feed->event_capacity = capacity;
	return &feed->events[feed->event_count++];
}

void
feed_refuse(struct feed *feed, struct feed_text text, enum status status, const char *reason)
{
	struct event *event;

	if (feed->event_count > FEED_LINE_EVENTS)
		return;
	event = event_add(feed);
	if (!event)
		return;
	if (text.length > FEED_CUT_BYTES)
		text.length = FEED_CUT_BYTES;
	*event = (struct event){.refused = true};
	event->reject =
		(struct feed_reject){feed->line.number, text.at, text.length, status, reason};
}

void
feed_emit(struct feed *feed, struct feed_text value, enum kind kind, uint8_t scope)
{
	struct event *event;

	if (feed->kind != KIND_ANY && kind != KIND_ANY && kind != feed->kind) {
		feed_refuse(feed, value, STATUS_BAD_KIND,
			    "it is of another kind than the one asked for");
		return;
	}
	if (feed->event_count == FEED_LINE_EVENTS)
		feed_refuse(feed, value, STATUS_LIMIT, "the line holds more than 65536 values");
	if (feed->event_count > FEED_LINE_EVENTS)
		return;
	event = event_add(feed);
	if (!event)
		return;
	event->refused = false;
	event->item = (struct feed_item){
		.value = value.at,
		.value_length = value.length,
		.kind = kind == KIND_ANY ? feed->kind : kind,
		.scope = scope,
		.line = feed->line.number,
	};
}

/* Control characters to blanks, what is no UTF-8 to `?`; the length stays. */
static void
text_wash(struct feed_text text)
{
	uint32_t code;

	for (size_t i = 0, bytes; i < text.length; i += bytes) {
		bytes = text_utf8_next(text.at + i, text.length - i, &code);
		if (bytes > 0 && code >= 0x20 && (code < 0x7F || code >= 0xA0))
			continue;
		memset(text.at + i, bytes ? ' ' : '?', bytes ? bytes : 1);
		bytes = bytes ? bytes : 1;
	}
}

static bool
is_printable_ascii(struct feed_text text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] < 0x20 || text.at[i] > 0x7E)
			return false;
	}
	return true;
}

static struct feed_text
tag_shape(struct feed *feed, struct feed_text value)
{
	size_t length = LIMIT_TAG_TEXT_BYTES;

	value = feed_trim(value);
	if (value.length > length) {
		feed_note_add(feed, FEED_NOTE_TAG_CUT);
		/* Not through a UTF-8 character: back to a byte that begins one. */
		while (length > LIMIT_TAG_TEXT_BYTES - 4 &&
		       ((unsigned char)value.at[length] & 0xC0) == 0x80)
			length--;
		value.length = length;
	}
	if (!is_printable_ascii(value))
		text_wash(value);
	return feed_trim(value);
}

void
feed_tag(struct feed *feed, struct feed_text category, struct feed_text value)
{
	size_t capacity = feed->tag_capacity ? feed->tag_capacity * 2 : 8;
	struct feed_tag *grown;

	value = tag_shape(feed, value);
	if (value.length == 0 || feed->tag_count >= FEED_LINE_TAGS)
		return;
	if (feed->tag_count == feed->tag_capacity) {
		grown = realloc(feed->tags, capacity * sizeof(*grown));
		if (!grown) {
			feed->no_memory = true;
			return;
		}
		feed->tags = grown;
		feed->tag_capacity = capacity;
	}
	feed->tags[feed->tag_count++] =
		(struct feed_tag){category.at, category.length, value.at, value.length};
}

void
feed_seen(struct feed *feed, uint64_t first_seen)
{
	feed->first_seen = first_seen;
}

void
feed_expires(struct feed *feed, uint64_t expires)
{
	feed->expires = expires;
}

void
feed_note_add(struct feed *feed, enum feed_notes note)
{
	feed->notes[note]++;
}

/* --- next ------------------------------------------------------------------- */

/* The first of joined lines; kept apart because the reader's buffer may move. */
static struct feed_text
first_line(struct feed *feed, const struct feed_line *line)
{
	struct feed_text cut = {feed->cut, 0};

	while (cut.length < line->length && cut.length < sizeof(feed->cut) &&
	       line->text[cut.length] != '\n' && line->text[cut.length] != '\r')
		cut.length++;
	memcpy(feed->cut, line->text, cut.length);
	return cut;
}

static enum feed_outcome
fail(struct feed *feed)
{
	feed->over = FEED_FAIL;
	return FEED_FAIL;
}

/* A field or parenthesis stays open too long: refuse its first line, go on after it. */
static enum feed_outcome
format_line(struct feed *feed)
{
	struct feed_line *line = &feed->line;
	struct feed_text cut;
	enum feed_read read = FEED_READ_LINE;

	while (feed->format->line(feed, line) == FEED_STEP_MORE) {
		if (line->joined < FEED_JOIN_LINES)
			read = feed_reader_extend(feed->reader, FEED_JOIN_BYTES, line,
						  &feed->fault);
		if (read == FEED_READ_FAIL)
			return fail(feed);
		if (read == FEED_READ_LINE && line->joined < FEED_JOIN_LINES)
			continue;
		cut = first_line(feed, line);
		feed_reader_rewind(feed->reader, line);
		feed_refuse(feed, cut, STATUS_BAD_FEED,
			    "a quote or parenthesis that is opened is not closed");
		break;
	}
	return FEED_ITEM;
}

static enum feed_outcome
end(struct feed *feed)
{
	const char *name = feed_source_name(feed_reader_source(feed->reader));

	feed->over = FEED_END;
	if (feed->found)
		return FEED_END;
	fault_set(&feed->fault, STATUS_BAD_FEED, name, feed_reader_lines(feed->reader),
		  "there are no entries in it, only comments or blank lines");
	return fail(feed);
}

static enum feed_outcome
read_line(struct feed *feed)
{
	struct feed_line *line = &feed->line;

	feed->event_count = feed->event_next = 0;
	feed->tag_count = 0;
	feed->first_seen = feed->expires = 0;
	switch (feed_reader_next(feed->reader, line, &feed->fault)) {
	case FEED_READ_FAIL:
		return fail(feed);
	case FEED_READ_END:
		return end(feed);
	case FEED_READ_LONG:
		feed_refuse(feed, (struct feed_text){line->text, line->length}, STATUS_LIMIT,
			    "the line is longer than 1048576 bytes");
		return FEED_ITEM;
	default:
		break;
	}
	if (memchr(line->text, '\0', line->length)) {
		feed_refuse(feed, (struct feed_text){line->text, line->length}, STATUS_BAD_FEED,
			    "there is a NUL byte in the line");
		return FEED_ITEM;
	}
	return format_line(feed);
}

static enum feed_outcome
event_take(struct feed *feed, struct feed_item *item, struct feed_reject *reject)
{
	struct event *event = &feed->events[feed->event_next++];

	feed->found = true;
	if (event->refused) {
		*reject = event->reject;
		return FEED_REJECT;
	}
	*item = event->item;
	item->tags = feed->tags;
	item->tag_count = feed->tag_count;
	item->first_seen = feed->first_seen;
	item->expires = feed->expires;
	return FEED_ITEM;
}

enum feed_outcome
feed_next(struct feed *feed, struct feed_item *item, struct feed_reject *reject,
	  struct fault *fault)
{
	while (feed->over == FEED_ITEM) {
		if (feed->event_next < feed->event_count)
			return event_take(feed, item, reject);
		if (read_line(feed) == FEED_ITEM && feed->no_memory) {
			no_memory(&feed->fault);
			fail(feed);
		}
	}
	if (feed->over == FEED_FAIL && fault)
		*fault = feed->fault;
	return feed->over;
}

/* --- about the feed --------------------------------------------------------- */

const char *
feed_format(const struct feed *feed)
{
	return feed->format->name;
}

void
feed_progress(const struct feed *feed, uint64_t *bytes_read, uint64_t *bytes_total)
{
	feed_source_progress(feed_reader_source(feed->reader), bytes_read, bytes_total);
}

uint64_t
feed_lines(const struct feed *feed)
{
	return feed_reader_lines(feed->reader);
}

const char *
feed_note(const struct feed *feed, size_t i, uint64_t *count)
{
	for (size_t note = 0; note < FEED_NOTE_COUNT; note++) {
		if (feed->notes[note] == 0 || i-- > 0)
			continue;
		*count = feed->notes[note];
		return note_texts[note];
	}
	return NULL;
}

const char *
feed_format_name(size_t i, const char **description)
{
	const struct feed_format *format = NULL;

	for (size_t row = 0; row <= i; row++) {
		format = feed_format_table[row];
		if (!format)
			return NULL;
	}
	if (description)
		*description = format->description;
	return format->name;
}
