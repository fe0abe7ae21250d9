/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/feed_reader.h"

#include <stdlib.h>
#include <string.h>

#include "engine/limits.h"

/* Room for the longest line, its two-byte end, and a block behind it. */
#define BUFFER_BYTES (LIMIT_LINE_BYTES + 2 + FEED_SOURCE_BYTES)

/*
 *   0 ......... line ....... first ...... next ........ end ... BUFFER_BYTES
 *     consumed   | current line |  joined   |  not split  |
 *
 * line <= first <= next <= end. `first` is where the line after the first of
 * the current ones begins: rewind goes there.
 */
struct feed_reader {
	struct feed_source *source;
	size_t line, first, next, end;
	bool ended;  /* nothing more comes from the source */
	bool has_cr; /* a CR was seen: until then only LF is looked for */
	bool started;
	uint64_t lines;
	char cut[FEED_CUT_BYTES];
	char buffer[BUFFER_BYTES];
};

enum status
feed_reader_open(struct feed_source *source, struct feed_reader **result, struct fault *fault)
{
	/* malloc, not calloc: most feeds touch a fraction of the buffer. */
	struct feed_reader *reader = malloc(sizeof(*reader));

	if (!reader) {
		feed_source_close(source);
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to read the feed");
	}
	memset(reader, 0, offsetof(struct feed_reader, cut));
	reader->source = source;
	*result = reader;
	return STATUS_OK;
}

/* One block more behind `end`; what lies before `line` makes room. */
static enum status
fill(struct feed_reader *reader, struct fault *fault)
{
	size_t got, room;
	enum status status;

	if (reader->line > 0 && BUFFER_BYTES - reader->end < FEED_SOURCE_BYTES) {
		memmove(reader->buffer, reader->buffer + reader->line, reader->end - reader->line);
		reader->end -= reader->line;
		reader->next -= reader->line;
		reader->first -= reader->line;
		reader->line = 0;
	}
	room = BUFFER_BYTES - reader->end;
	if (room > FEED_SOURCE_BYTES)
		room = FEED_SOURCE_BYTES;
	status = feed_source_read(reader->source, (uint8_t *)reader->buffer + reader->end, room,
				  &got, fault);
	if (status)
		return status;
	reader->ended = got == 0;
	reader->has_cr |= memchr(reader->buffer + reader->end, '\r', got) != NULL;
	reader->end += got;
	return STATUS_OK;
}

/* The byte order mark shows only in the first bytes. */
static enum status
start(struct feed_reader *reader, struct fault *fault)
{
	enum status status = STATUS_OK;

	while (!status && reader->end < 3 && !reader->ended)
		status = fill(reader, fault);
	if (status)
		return status;
	reader->started = true;
	if (reader->end >= 3 && memcmp(reader->buffer, "\xEF\xBB\xBF", 3) == 0)
		reader->line = reader->first = reader->next = 3;
	return STATUS_OK;
}

enum status
feed_reader_peek(struct feed_reader *reader, size_t want, const char **text, size_t *length,
		 bool *ended, struct fault *fault)
{
	enum status status = reader->started ? STATUS_OK : start(reader, fault);

	while (!status && reader->end - reader->next < want && !reader->ended)
		status = fill(reader, fault);
	*text = reader->buffer + reader->next;
	*length = reader->end - reader->next;
	*ended = reader->ended;
	return status;
}

static char *
line_end(struct feed_reader *reader, size_t from, size_t length)
{
	char *at = reader->buffer + from;
	char *lf = memchr(at, '\n', length);
	char *cr = reader->has_cr ? memchr(at, '\r', lf ? (size_t)(lf - at) : length) : NULL;

	return cr ? cr : lf;
}

/*
 * Find the end of the line that begins at `next`: *stop is its offset, *after where
 * the following one begins. Fills as needed; offsets are read anew after it.
 */
static enum feed_read
split(struct feed_reader *reader, size_t most, size_t *stop, size_t *after, struct fault *fault)
{
	size_t looked = 0;
	char *at;

	for (;;) {
		at = line_end(reader, reader->next + looked, reader->end - reader->next - looked);
		/* A CR in the last byte may be half of a CRLF. */
		if (at && (*at == '\n' || at + 1 < reader->buffer + reader->end || reader->ended))
			break;
		looked = reader->end - reader->next - (at != NULL);
		if (looked > most)
			return FEED_READ_LONG;
		if (reader->ended && reader->end == reader->next)
			return FEED_READ_END;
		if (reader->ended)
			break;
		if (fill(reader, fault))
			return FEED_READ_FAIL;
	}
	*stop = at ? (size_t)(at - reader->buffer) : reader->end;
	*after = *stop + (at != NULL);
	if (at && *at == '\r' && *after < reader->end && reader->buffer[*after] == '\n')
		(*after)++;
	return *stop - reader->next > most ? FEED_READ_LONG : FEED_READ_LINE;
}

/* Throw the rest of a line away, block by block, and stand behind it. */
static enum feed_read
skip_long(struct feed_reader *reader, struct feed_line *line, struct fault *fault)
{
	size_t half;
	char *at;

	memcpy(reader->cut, reader->buffer + reader->next, sizeof(reader->cut));
	line->text = reader->cut;
	line->length = sizeof(reader->cut);
	for (;;) {
		at = line_end(reader, reader->next, reader->end - reader->next);
		half = at && *at == '\r' && at + 1 == reader->buffer + reader->end &&
		       !reader->ended;
		reader->next = at && !half ? (size_t)(at - reader->buffer) + 1 : reader->end - half;
		reader->line = reader->first = reader->next;
		if ((at && !half) || reader->ended)
			break;
		if (fill(reader, fault))
			return FEED_READ_FAIL;
	}
	if (at && *at == '\r' && reader->next < reader->end && reader->buffer[reader->next] == '\n')
		reader->line = reader->first = ++reader->next;
	return FEED_READ_LONG;
}

enum feed_read
feed_reader_next(struct feed_reader *reader, struct feed_line *line, struct fault *fault)
{
	enum feed_read read;
	size_t stop, after;

	if (!reader->started && start(reader, fault))
		return FEED_READ_FAIL;
	reader->line = reader->next;
	read = split(reader, LIMIT_LINE_BYTES, &stop, &after, fault);
	if (read == FEED_READ_END || read == FEED_READ_FAIL)
		return read;
	line->number = ++reader->lines;
	line->joined = 0;
	if (read == FEED_READ_LONG)
		return skip_long(reader, line, fault);
	line->text = reader->buffer + reader->line;
	line->length = stop - reader->line;
	reader->first = reader->next = after;
	return FEED_READ_LINE;
}

enum feed_read
feed_reader_extend(struct feed_reader *reader, size_t most, struct feed_line *line,
		   struct fault *fault)
{
	size_t stop, after;
	size_t used = reader->next - reader->line;
	enum feed_read read;

	if (used >= most)
		return FEED_READ_LONG;
	read = split(reader, most - used, &stop, &after, fault);
	line->text = reader->buffer + reader->line;
	if (read != FEED_READ_LINE)
		return read;
	line->length = stop - reader->line;
	line->joined++;
	reader->lines++;
	reader->next = after;
	return FEED_READ_LINE;
}

void
feed_reader_rewind(struct feed_reader *reader, struct feed_line *line)
{
	reader->lines -= line->joined;
	reader->next = reader->first;
	line->joined = 0;
}

uint64_t
feed_reader_lines(const struct feed_reader *reader)
{
	return reader->lines;
}

const struct feed_source *
feed_reader_source(const struct feed_reader *reader)
{
	return reader->source;
}

void
feed_reader_close(struct feed_reader *reader)
{
	if (!reader)
		return;
	feed_source_close(reader->source);
	free(reader);
}
