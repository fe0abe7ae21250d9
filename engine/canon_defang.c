/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/canon_defang.h"

#include <string.h>

#include "engine/canon_percent.h"

#define MARK_BYTES 5 /* the longest: [://] and [dot] */

static const struct mark {
	const char *inside;
	const char *means;
} mark_table[] = {
	{ ".", "." },   { "dot", "." }, { ":", ":" }, { "://", "://" },
	{ "/", "/" }, { "@", "@" },   { "at", "@" },
};

bool
canon_defang_suspect(const char *text, size_t length)
{
	return memchr(text, '[', length) != NULL || memchr(text, '(', length) != NULL ||
	       memchr(text, '{', length) != NULL;
}

static char
opener_of(char byte)
{
	return byte == ']' ? '[' : byte == ')' ? '(' : byte == '}' ? '{' : '\0';
}

static bool
inside_is(const char *text, size_t length, const char *inside)
{
	if (strlen(inside) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (canon_lower(text[i]) != inside[i])
			return false;
	return true;
}

/* The text ends in a mark: replace it. `text` begins where marks may begin. */
static bool
mark_undo(char *text, size_t *length)
{
	char opener = *length == 0 ? '\0' : opener_of(text[*length - 1]);
	for (size_t size = 3; opener != '\0' && size <= MARK_BYTES && size <= *length; size++) {
		size_t start = *length - size;
		if (text[start] != opener)
			continue;
		for (size_t i = 0; i < sizeof(mark_table) / sizeof(mark_table[0]); i++) {
			const struct mark *mark = &mark_table[i];
			if (!inside_is(text + start + 1, size - 2, mark->inside))
				continue;
			memcpy(text + start, mark->means, strlen(mark->means));
			*length = start + strlen(mark->means);
			return true;
		}
	}
	return false;
}

static bool
ends_authority(const char *text, size_t length, size_t i)
{
	if (memchr("/\\?#", text[i], 4) == NULL)
		return false;
	bool in_mark = i > 0 && i + 1 < length && text[i + 1] != '\0' &&
		       opener_of(text[i + 1]) == text[i - 1];
	return !in_mark || text[i] != '/';
}

/* Bytes go on a stack; a closing bracket may complete a mark on its top. */
size_t
canon_defang_marks(char *text, size_t length, bool whole)
{
	size_t used = 0, i = 0;
	for (; i < length; i++) {
		if (!whole && ends_authority(text, length, i))
			break;
		text[used++] = text[i];
		while (mark_undo(text, &used))
			;
	}
	memmove(text + used, text + i, length - i);
	return used + (length - i);
}

static const struct scheme_row {
	const char *pattern; /* x: any of x, t, * */
	const char *name;
} scheme_table[] = {
	{ "https", "https" }, { "hxxps", "https" }, { "http", "http" }, { "hxxp", "http" },
	{ "fxp", "ftp" },     { "ftp", "ftp" },     { "wss", "wss" },   { "ws", "ws" },
};

/* What may stand for "://" after the name. */
static const struct colon_row {
	const char *form;
	const char *means;
} colon_table[] = {
	{ "[://]", "://" }, { "(://)", "://" }, { "[:]//", "://" }, { "(:)//", "://" },
	{ "[:]", ":" },     { "(:)", ":" },     { "[:/]/", "://" }, { ":[//]", "://" },
	{ ":", ":" },
};

static bool
scheme_is(const char *text, size_t length, const char *pattern)
{
	for (size_t i = 0; pattern[i] != '\0'; i++) {
		if (i == length)
			return false;
		char byte = canon_lower(text[i]);
		bool wild = pattern[i] == 'x' && (byte == 't' || byte == '*');
		if (byte != pattern[i] && !wild)
			return false;
	}
	return true;
}

static const struct colon_row *
colon_find(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(colon_table) / sizeof(colon_table[0]); i++) {
		size_t size = strlen(colon_table[i].form);
		if (size <= length && memcmp(text, colon_table[i].form, size) == 0)
			return &colon_table[i];
	}
	return NULL;
}

/* No name is longer than its pattern and no meaning longer than its form. */
static size_t
scheme_replace(char *text, size_t length, const struct scheme_row *row,
	       const struct colon_row *colon)
{
	size_t form = strlen(row->pattern) + strlen(colon->form);
	size_t name = strlen(row->name), means = strlen(colon->means);
	memcpy(text, row->name, name);
	memcpy(text + name, colon->means, means);
	memmove(text + name + means, text + form, length - form);
	return length - form + name + means;
}

size_t
canon_defang_scheme(char *text, size_t length, size_t *name)
{
	*name = 0;
	for (size_t i = 0; i < sizeof(scheme_table) / sizeof(scheme_table[0]); i++) {
		const struct scheme_row *row = &scheme_table[i];
		if (!scheme_is(text, length, row->pattern))
			continue;
		size_t size = strlen(row->pattern);
		const struct colon_row *colon = colon_find(text + size, length - size);
		if (colon == NULL)
			continue;
		*name = strlen(row->name);
		return scheme_replace(text, length, row, colon);
	}
	return length;
}
