/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of separated lines (RFC 4180), for every format that has columns. */
#include <string.h>

#include "loader/feed_format.h"

/* Joining lines may move the text: the fields found so far move with it. */
static void
rebase(struct feed_fields *fields, const char *from, char *to)
{
	for (size_t i = 0; i < fields->count && from != to; i++)
		fields->field[i].at = to + (fields->field[i].at - from);
}

static void
field_add(struct feed_fields *fields, struct feed_text field)
{
	if (fields->count == LIMIT_CSV_COLUMNS)
		fields->overflow = true;
	else
		fields->field[fields->count++] = feed_trim(field);
}

/* Offset behind the quote that closes, or text.length and *closed false. */
static size_t
quote_end(struct feed_text text, size_t from, bool *closed)
{
	size_t at = from;

	*closed = false;
	for (;;) {
		at += feed_find(feed_from(text, at), '"');
		if (at == text.length)
			return at;
		if (at + 1 == text.length || text.at[at + 1] != '"') {
			*closed = true;
			return at + 1;
		}
		at += 2;
	}
}

void
feed_fields_split(struct feed_fields *fields, struct feed_text text, char separator)
{
	size_t at = fields->open ? fields->offset : 0;

	if (fields->open)
		rebase(fields, fields->text, text.at);
	else
		fields->count = 0;
	fields->overflow &= fields->open;
	fields->text = text.at;
	for (;;) {
		if (!fields->open) {
			size_t quote = at;

			while (quote < text.length && feed_blank(text.at[quote]) &&
			       text.at[quote] != separator)
				quote++;
			fields->start = at;
			fields->open = quote < text.length && text.at[quote] == '"';
			at = fields->open ? quote + 1 : at;
		}
		if (fields->open) {
			bool closed;

			fields->offset = at = quote_end(text, at, &closed);
			if (!closed)
				return;
			fields->open = false;
		}
		at += feed_find(feed_from(text, at), separator);
		field_add(fields, (struct feed_text){text.at + fields->start, at - fields->start});
		if (at == text.length)
			return;
		at++;
	}
}

struct feed_text
feed_field_look(struct feed_text field)
{
	size_t end;
	bool closed;

	if (field.length == 0 || *field.at != '"')
		return field;
	end = quote_end(field, 1, &closed);
	return feed_trim((struct feed_text){field.at + 1, end - 1 - closed});
}

struct feed_text
feed_field_value(struct feed_text field)
{
	struct feed_text raw = feed_field_look(field);
	struct feed_text value = {raw.at, 0};

	if (raw.at == field.at || feed_find(raw, '"') == raw.length)
		return raw;
	for (size_t i = 0; i < raw.length; i++) {
		value.at[value.length++] = raw.at[i];
		if (raw.at[i] == '"' && i + 1 < raw.length && raw.at[i + 1] == '"')
			i++;
	}
	return value;
}
