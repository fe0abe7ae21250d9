/* SPDX-License-Identifier: Apache-2.0 */
#include "query/profile_ini.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/limits.h"
#include "engine/text.h"

#define TAB_COLUMNS 8

static const char byte_order_mark[] = "\xEF\xBB\xBF";

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static size_t
skip_blanks(const struct ini *ini, size_t at, size_t end)
{
	while (at < end && is_blank(ini->text[at]))
		at++;
	return at;
}

static struct ini_span
span_trim(const struct ini *ini, size_t begin, size_t end)
{
	begin = skip_blanks(ini, begin, end);
	while (end > begin && is_blank(ini->text[end - 1]))
		end--;
	return (struct ini_span){ begin, end - begin };
}

/* --- places ------------------------------------------------------------------ */

static size_t
line_begin(const struct ini *ini, size_t at)
{
	while (at > ini->first && ini->text[at - 1] != '\n')
		at--;
	return at;
}

size_t
ini_line(const struct ini *ini, size_t at)
{
	size_t line = 1;

	for (size_t i = ini->first; i < at; i++)
		line += ini->text[i] == '\n';
	return line;
}

static size_t
column_of(const struct ini *ini, size_t at)
{
	size_t column = 1;

	for (size_t i = line_begin(ini, at); i < at; i++)
		column += ((unsigned char)ini->text[i] & 0xC0) != 0x80;
	return column;
}

enum status
ini_refuse(const struct ini *ini, enum status status, size_t at, const char *format, ...)
{
	char text[FAULT_TEXT_BYTES];
	va_list arguments;

	if (!ini->fault)
		return status;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return fault_set(ini->fault, status, NULL, 0, "line %zu, column %zu: %s",
			 ini_line(ini, at), column_of(ini, at), text);
}

/* --- the whole text ------------------------------------------------------------ */

/* Bytes of the character at `at`; 0 and a fault if it must not be there. */
static size_t
character_check(const struct ini *ini, size_t at, enum status *status)
{
	const char *text = ini->text + at;
	size_t left = ini->length - at, step;
	uint32_t code;

	if ((text[0] >= ' ' && text[0] < 0x7F) || text[0] == '\t' || text[0] == '\n' ||
	    (text[0] == '\r' && left > 1 && text[1] == '\n'))
		return 1;
	step = text_utf8_next(text, left, &code);
	if (step == 0)
		*status = ini_refuse(ini, STATUS_PROFILE, at, "this byte is no UTF-8; expected text");
	else if (text_is_plain(text, step))
		return step;
	else
		*status = ini_refuse(ini, STATUS_PROFILE, at, "a control character; expected text");
	return 0;
}

static enum status
text_check(const struct ini *ini)
{
	enum status status = STATUS_OK;
	size_t begin = ini->first, step;

	for (size_t at = ini->first; at < ini->length; at += step) {
		step = character_check(ini, at, &status);
		if (step == 0)
			return status;
		if (ini->text[at] == '\n')
			begin = at + 1;
		else if (at + step - begin > LIMIT_LINE_BYTES)
			return ini_refuse(ini, STATUS_LIMIT, begin,
					  "a line of more than %d bytes; expected a shorter one",
					  LIMIT_LINE_BYTES);
	}
	return STATUS_OK;
}

enum status
ini_init(struct ini *ini, const char *text, size_t length, const char *continued,
	 struct fault *fault)
{
	size_t mark = sizeof(byte_order_mark) - 1;

	*ini = (struct ini){ .text = text, .length = length, .continued = continued,
			     .fault = fault };
	if (length > LIMIT_PROFILE_BYTES)
		return fault_set(fault, STATUS_LIMIT, NULL, 0,
				 "line 1, column 1: the profile has %zu bytes; expected at most %u",
				 length, LIMIT_PROFILE_BYTES);
	if (length >= mark && memcmp(text, byte_order_mark, mark) == 0)
		ini->first = ini->at = mark;
	return text_check(ini);
}

/* --- lines --------------------------------------------------------------------- */

/* End of the line's text, before CR and LF; *next is the next line's first byte. */
static size_t
line_end(const struct ini *ini, size_t at, size_t *next)
{
	const char *found = ini->length > at ? memchr(ini->text + at, '\n', ini->length - at) : NULL;
	size_t end = found ? (size_t)(found - ini->text) : ini->length;

	*next = found ? end + 1 : end;
	return found && end > at && ini->text[end - 1] == '\r' ? end - 1 : end;
}

/* Where the comment begins that stands behind a value; `end` if there is none. */
static size_t
comment_find(const struct ini *ini, size_t begin, size_t end)
{
	bool quoted = false;

	for (size_t at = begin; at < end; at++) {
		char byte = ini->text[at];
		if (quoted && byte == '\\')
			at++;
		else if (byte == '"')
			quoted = !quoted;
		else if (!quoted && byte == ';' && (at == begin || is_blank(ini->text[at - 1])))
			return at;
	}
	return end;
}

static bool
is_comment(const struct ini *ini, size_t at, size_t end)
{
	return at < end && (ini->text[at] == ';' || ini->text[at] == '#');
}

/* Columns of blanks that a line begins with; a tab goes to the next multiple of eight. */
static size_t
indent_of(const struct ini *ini, size_t line, size_t begin)
{
	size_t indent = 0;

	for (size_t at = line; at < begin; at++)
		indent = ini->text[at] == '\t' ? (indent / TAB_COLUMNS + 1) * TAB_COLUMNS : indent + 1;
	return indent;
}

/* --- items --------------------------------------------------------------------- */

/* Past the closing quote of the one that stands at `at`; 0 if there is none. */
static size_t
quote_end(const struct ini *ini, size_t at, size_t end)
{
	for (at++; at < end; at++) {
		if (ini->text[at] == '\\')
			at++;
		else if (ini->text[at] == '"')
			return at + 1;
	}
	return 0;
}

static enum status
section_take(const struct ini *ini, size_t at, size_t end, struct ini_item *item)
{
	size_t begin = at = skip_blanks(ini, at + 1, end);

	item->kind = INI_SECTION;
	while (at < end && !is_blank(ini->text[at]) && !strchr("]\"", ini->text[at]))
		at++;
	item->word = (struct ini_span){ begin, at - begin };
	at = skip_blanks(ini, at, end);
	if (at < end && ini->text[at] == '"') {
		size_t after = quote_end(ini, at, end);
		if (after == 0)
			return ini_refuse(ini, STATUS_PROFILE, at,
					  "the quotes are not closed; expected \" before the end of "
					  "the line");
		item->value = (struct ini_span){ at, after - at };
		at = skip_blanks(ini, after, end);
	}
	if (at == end || ini->text[at] != ']')
		return ini_refuse(ini, STATUS_PROFILE, at, item->value.length
				  ? "something behind the section's name; expected ]"
				  : "expected a name in double quotes, or ]");
	at = skip_blanks(ini, at + 1, end);
	if (at < end && ini->text[at] != ';')
		return ini_refuse(ini, STATUS_PROFILE, at,
				  "something behind the section; expected the end of the line");
	return STATUS_OK;
}

/* Take in the lines that continue a value whose line is indented by `indent`. */
static void
lines_take(struct ini *ini, size_t indent, struct ini_span *value)
{
	size_t next, at = ini->at;

	while (at < ini->length) {
		size_t end = line_end(ini, at, &next), begin = skip_blanks(ini, at, end);
		if (begin == end || (!is_comment(ini, begin, end) && indent_of(ini, at, begin) <= indent))
			return;
		if (!is_comment(ini, begin, end)) {
			struct ini_span part = span_trim(ini, begin, comment_find(ini, begin, end));
			value->length = part.at + part.length - value->at;
			ini->at = next;
		}
		at = next;
	}
}

static enum status
field_take(struct ini *ini, size_t line, size_t begin, size_t end, struct ini_item *item)
{
	const char *equal = memchr(ini->text + begin, '=', end - begin);
	size_t at = equal ? (size_t)(equal - ini->text) : end;

	item->kind = INI_FIELD;
	item->word = span_trim(ini, begin, at);
	if (!equal || item->word.length == 0)
		return ini_refuse(ini, STATUS_PROFILE, begin,
				  "this line is no field; expected FIELD = VALUE or [SECTION \"NAME\"]");
	at = skip_blanks(ini, at + 1, end);
	item->value = span_trim(ini, at, comment_find(ini, at, end));
	if (text_is_word(ini->text + item->word.at, item->word.length, ini->continued))
		lines_take(ini, indent_of(ini, line, begin), &item->value);
	return STATUS_OK;
}

enum status
ini_next(struct ini *ini, struct ini_item *item)
{
	*item = (struct ini_item){ .kind = INI_END, .word = { ini->length, 0 } };
	while (ini->at < ini->length) {
		size_t line = ini->at, end = line_end(ini, line, &ini->at);
		size_t begin = skip_blanks(ini, line, end);
		if (begin == end || is_comment(ini, begin, end))
			continue;
		return ini->text[begin] == '[' ? section_take(ini, begin, end, item)
					       : field_take(ini, line, begin, end, item);
	}
	return STATUS_OK;
}

/* --- values -------------------------------------------------------------------- */

enum status
ini_word(const struct ini *ini, struct ini_span span, char *out, size_t *length)
{
	size_t end = span.at + span.length, after, count = 0;

	if (span.length == 0 || ini->text[span.at] != '"') {
		memcpy(out, ini->text + span.at, span.length);
		*length = span.length;
		return STATUS_OK;
	}
	after = quote_end(ini, span.at, end);
	if (after != end)
		return ini_refuse(ini, STATUS_PROFILE, after ? after : span.at, after
				  ? "something behind the closing quote; expected the end of the line"
				  : "the quotes are not closed; expected \" before the end of the line");
	for (size_t at = span.at + 1; at < end - 1; at++) {
		if (ini->text[at] == '\\' && ini->text[++at] != '"' && ini->text[at] != '\\')
			return ini_refuse(ini, STATUS_PROFILE, at - 1,
					  "a backslash in quotes stands before \" or \\ only; expected "
					  "\\\" or \\\\");
		out[count++] = ini->text[at];
	}
	*length = count;
	return STATUS_OK;
}

void
ini_lines(const struct ini *ini, struct ini_span span, char *out)
{
	size_t end = span.at + span.length, next;

	memcpy(out, ini->text + span.at, span.length);
	for (size_t at = span.at; at < end; at = next) {
		size_t stop = line_end(ini, at, &next);
		size_t begin = skip_blanks(ini, at, stop);
		size_t comment = is_comment(ini, begin, stop) && at != span.at
					 ? begin : comment_find(ini, begin, stop);
		for (size_t i = comment; i < next && i < end; i++)
			if (ini->text[i] != '\n')
				out[i - span.at] = ' ';
	}
}
