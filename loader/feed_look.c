/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/feed_look.h"

#include <stdio.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/text.h"

#define LOOK_BYTES 300 /* a name has 253 bytes, a defanged one a few more */

/* --- pieces of text --------------------------------------------------------- */

struct feed_text
feed_from(struct feed_text text, size_t offset)
{
	/* A text that is missing is NULL, and NULL + 0 is undefined. */
	return (struct feed_text){offset ? text.at + offset : text.at, text.length - offset};
}

static bool
ends_in_blank(struct feed_text text, size_t *bytes)
{
	unsigned char last = (unsigned char)text.at[text.length - 1];

	*bytes = 1;
	if (feed_blank((char)last))
		return true;
	if (last != 0xA0)
		return false;
	if (text.length > 1 && (unsigned char)text.at[text.length - 2] == 0xC2)
		*bytes = 2;
	/* Alone it is Latin-1's, unless it ends another UTF-8 sequence. */
	return *bytes == 2 || text.length == 1 || (unsigned char)text.at[text.length - 2] < 0x80;
}

struct feed_text
feed_trim(struct feed_text text)
{
	size_t bytes;

	while (text.length > 0 && feed_blank(*text.at))
		text = feed_from(text, 1);
	while (text.length > 1 && memcmp(text.at, "\xC2\xA0", 2) == 0)
		text = feed_from(text, 2);
	while (text.length > 0 && ends_in_blank(text, &bytes))
		text.length -= bytes;
	return text;
}

struct feed_text
feed_word(struct feed_text *rest)
{
	struct feed_text word;
	size_t i = 0;

	while (i < rest->length && feed_blank(rest->at[i]))
		i++;
	*rest = feed_from(*rest, i);
	for (i = 0; i < rest->length && !feed_blank(rest->at[i]);)
		i++;
	word = (struct feed_text){rest->at, i};
	*rest = feed_from(*rest, i);
	return word;
}

bool
feed_starts(struct feed_text text, const char *prefix)
{
	size_t length = strlen(prefix);

	return text.length >= length && memcmp(text.at, prefix, length) == 0;
}

bool
feed_starts_folded(struct feed_text text, const char *prefix)
{
	size_t length = strlen(prefix);

	return text.length >= length && text_is_word(text.at, length, prefix);
}

bool
feed_is(struct feed_text text, const char *word)
{
	return text_is_word(text.at, text.length, word);
}

bool
feed_contains(struct feed_text text, const char *word)
{
	for (; text.length > 0; text = feed_from(text, 1)) {
		if (feed_starts_folded(text, word))
			return true;
	}
	return false;
}

size_t
feed_find(struct feed_text text, char c)
{
	const char *at = text.length ? memchr(text.at, c, text.length) : NULL;

	return at ? (size_t)(at - text.at) : text.length;
}

struct feed_text
feed_unquote(struct feed_text text)
{
	if (text.length >= 2 && text.at[0] == '"' && text.at[text.length - 1] == '"')
		return (struct feed_text){text.at + 1, text.length - 2};
	return text;
}

/* --- looks ------------------------------------------------------------------ */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static size_t
count_digits(struct feed_text text)
{
	size_t i = 0;

	while (i < text.length && is_digit(text.at[i]))
		i++;
	return i;
}

static bool
all_digits(struct feed_text text)
{
	return text.length > 0 && count_digits(text) == text.length;
}

/* a.b.c.d at the start of the text; its length, 0 if there is none. */
static size_t
quad_length(struct feed_text text)
{
	size_t i = 0;

	for (int part = 0; part < 4; part++) {
		size_t digits = count_digits(feed_from(text, i));

		if (digits == 0 || digits > 3)
			return 0;
		i += digits;
		if (part < 3 && (i >= text.length || text.at[i++] != '.'))
			return 0;
	}
	return i;
}

static bool
is_length(struct feed_text text)
{
	return text.length >= 2 && text.length <= 4 && text.at[0] == '/' &&
	       all_digits(feed_from(text, 1));
}

/* Hex digits, colons and perhaps a dotted quad, with two colons at least. */
static bool
is_ipv6(struct feed_text text)
{
	size_t colons = 0, dots = 0, run = 0;

	if (text.length > 45)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		run = text.at[i] == ':' ? 0 : run + 1;
		colons += text.at[i] == ':';
		dots += text.at[i] == '.';
		if (text.at[i] != ':' && text.at[i] != '.' &&
		    (!is_hex(text.at[i]) || (run > 4 && !dots)))
			return false;
	}
	return colons >= 2 && colons <= 8 && (dots == 0 || dots == 3);
}

static bool
is_address(struct feed_text text)
{
	size_t quad = quad_length(text);
	size_t slash = feed_find(text, '/');

	if (quad > 0)
		return quad == text.length || is_length(feed_from(text, quad));
	return is_ipv6((struct feed_text){text.at, slash}) &&
	       (slash == text.length || is_length(feed_from(text, slash)));
}

static bool
is_port(struct feed_text text)
{
	return text.length >= 2 && text.length <= 6 && text.at[0] == ':' &&
	       all_digits(feed_from(text, 1));
}

static bool
is_address_port(struct feed_text text)
{
	size_t end = quad_length(text);

	if (end == 0 && text.length > 2 && text.at[0] == '[') {
		end = feed_find(text, ']');
		if (end == text.length || !is_ipv6((struct feed_text){text.at + 1, end - 1}))
			return false;
		end++;
	}
	return end > 0 && is_port(feed_from(text, end));
}

static bool
is_range(struct feed_text text)
{
	size_t dash = feed_find(text, '-');
	struct feed_text first, last;

	if (dash == text.length)
		return false;
	first = feed_trim((struct feed_text){text.at, dash});
	last = feed_trim(feed_from(text, dash + 1));
	return feed_find(text, '/') == text.length && is_address(first) && is_address(last);
}

static enum feed_look
look_hex(struct feed_text text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (!is_hex(text.at[i]))
			return LOOK_OTHER;
	}
	return text.length == 32 ? LOOK_MD5 : text.length == 40 ? LOOK_SHA1 : LOOK_SHA256;
}

static bool
name_byte(char c)
{
	return is_letter(c) || is_digit(c) || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

/* Labels with dots between, the last one no number. At most LOOK_BYTES. */
static bool
is_name(struct feed_text text)
{
	size_t label = 0, labels = 0, letters = 0;

	if (feed_starts(text, "*."))
		text = feed_from(text, 2);
	else if (feed_starts(text, "."))
		text = feed_from(text, 1);
	if (text.length > 0 && text.at[text.length - 1] == '.')
		text.length--;
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];

		if (c == '.' ? label == 0 : !name_byte(c))
			return false;
		if (c == '.') {
			labels++;
			label = letters = 0;
			continue;
		}
		label++;
		letters += !is_digit(c);
	}
	return labels > 0 && label > 1 && letters > 0;
}

static enum feed_look
look_name(struct feed_text text)
{
	size_t slash = feed_find(text, '/');
	size_t colon = feed_find((struct feed_text){text.at, slash}, ':');
	struct feed_text name = {text.at, colon < slash ? colon : slash};
	bool port = colon == slash || is_port((struct feed_text){text.at + colon, slash - colon});

	if (!port || (!is_name(name) && quad_length(name) != name.length))
		return LOOK_OTHER;
	if (slash < text.length)
		return LOOK_NAME_PATH;
	return colon < slash ? LOOK_NAME_PORT : LOOK_NAME;
}

static bool
is_url(struct feed_text text)
{
	size_t i = 0;

	while (i < text.length && i < 12 && (is_letter(text.at[i]) || is_digit(text.at[i])))
		i++;
	return i >= 2 && is_letter(text.at[0]) && text.length > i + 3 &&
	       feed_starts(feed_from(text, i), "://");
}

static bool
is_date(struct feed_text text)
{
	size_t first = count_digits(text);
	size_t second, third;
	char mark;

	if (first == 0 || first > 4 || text.length < first + 4)
		return false;
	mark = text.at[first];
	second = count_digits(feed_from(text, first + 1));
	if ((mark != '-' && mark != '/') || second == 0 || second > 2 ||
	    first + second + 2 > text.length || text.at[first + 1 + second] != mark)
		return false;
	text = feed_from(text, first + second + 2);
	third = count_digits(text);
	return third > 0 && third <= 4 &&
	       (third == text.length || text.at[third] == ' ' || text.at[third] == 'T');
}

/* Defanging marks and what they stand for; the longest first. */
static const struct {
	const char *mark, *meaning;
} marks[] = {
	{"[.]", "."},     {"(.)", "."}, {"{.}", "."}, {"[dot]", "."}, {"(dot)", "."},
	{"[://]", "://"}, {"[:]", ":"}, {"[.", "."},  {"\\.", "."},
};

static size_t
mark_at(struct feed_text text, const char **meaning)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (feed_starts_folded(text, marks[i].mark)) {
			*meaning = marks[i].meaning;
			return strlen(marks[i].mark);
		}
	}
	return 0;
}

/* A short copy without the marks: enough to see what it is. */
static struct feed_text
refang(struct feed_text text, char copy[LOOK_BYTES])
{
	struct feed_text plain = {copy, 0};
	const char *meaning;

	while (text.length > 0 && plain.length + 3 < LOOK_BYTES) {
		size_t mark = mark_at(text, &meaning);

		if (mark == 0) {
			copy[plain.length++] = *text.at;
		} else {
			memcpy(copy + plain.length, meaning, strlen(meaning));
			plain.length += strlen(meaning);
		}
		text = feed_from(text, mark ? mark : 1);
	}
	return plain;
}

static enum feed_look
look_plain(struct feed_text text)
{
	enum feed_look look = LOOK_OTHER;

	if (text.length == 32 || text.length == 40 || text.length == 64)
		look = look_hex(text);
	if (look)
		return look;
	if (is_digit(*text.at) || is_hex(*text.at) || *text.at == ':' || *text.at == '[') {
		if (all_digits(text))
			return LOOK_NUMBER;
		if (is_address(text))
			return LOOK_ADDRESS;
		if (is_range(text))
			return LOOK_RANGE;
		if (is_address_port(text))
			return LOOK_ADDRESS_PORT;
		if (is_date(text))
			return LOOK_DATE;
	}
	return is_url(text) ? LOOK_URL : look_name(text);
}

enum feed_look
feed_look(struct feed_text text)
{
	char copy[LOOK_BYTES];
	enum feed_look look;

	if (text.length == 0)
		return LOOK_OTHER;
	if (text.length > LOOK_BYTES)
		text.length = LOOK_BYTES;
	look = look_plain(text);
	/* `[` also opens an IPv6 host and a regular expression: only if nothing else fitted. */
	if (look == LOOK_OTHER && feed_look_defanged(text)) {
		text = refang(text, copy);
		look = text.length ? look_plain(text) : LOOK_OTHER;
	}
	return look;
}

bool
feed_look_indicator(enum feed_look look)
{
	return look >= LOOK_ADDRESS && look <= LOOK_SHA256;
}

enum kind
feed_look_kind(enum feed_look look, struct feed_text text)
{
	static const enum kind kinds[LOOK_COUNT] = {
		[LOOK_OTHER] = KIND_ANY,     [LOOK_ADDRESS] = KIND_IPV4,
		[LOOK_RANGE] = KIND_IPV4,    [LOOK_ADDRESS_PORT] = KIND_IPV4,
		[LOOK_NAME] = KIND_DOMAIN,   [LOOK_NAME_PORT] = KIND_DOMAIN,
		[LOOK_NAME_PATH] = KIND_URL, [LOOK_URL] = KIND_URL,
		[LOOK_SHA1] = KIND_SHA1,     [LOOK_SHA256] = KIND_SHA256,
		[LOOK_MD5] = KIND_ANY,       [LOOK_DATE] = KIND_ANY,
		[LOOK_NUMBER] = KIND_ANY,
	};

	if (kinds[look] == KIND_IPV4 && feed_find(text, ':') < text.length &&
	    (look != LOOK_ADDRESS_PORT || text.at[0] == '['))
		return KIND_IPV6;
	return kinds[look];
}

bool
feed_look_defanged(struct feed_text text)
{
	const char *meaning;

	if (feed_starts_folded(text, "hxxp") || feed_starts_folded(text, "hxtp") ||
	    feed_starts_folded(text, "fxp:"))
		return true;
	for (; text.length > 0; text = feed_from(text, 1)) {
		if ((*text.at == '[' || *text.at == '(' || *text.at == '{' || *text.at == '\\') &&
		    mark_at(text, &meaning))
			return true;
	}
	return false;
}

/* Endings of files that are also, or look like, top-level domains. */
static const char *const endings[] = {
	"exe",  "dll", "doc", "docx",  "docm", "dotm", "xls", "xlsx", "xlsm", "ppt", "pptx",
	"pdf",  "zip", "rar", "7z",    "gz",   "tar",  "js",  "jse",  "vbs",  "vbe", "vba",
	"wsf",  "hta", "ps1", "bat",   "cmd",  "sh",   "py",  "pl",   "rb",   "php", "asp",
	"aspx", "jsp", "htm", "html",  "mht",  "txt",  "log", "cfg",  "ini",  "inf", "dat",
	"bin",  "tmp", "sys", "drv",   "ocx",  "cpl",  "scr", "lnk",  "url",  "iso", "img",
	"dmg",  "apk", "jar", "class", "so",   "elf",  "png", "jpg",  "jpeg", "gif", "bmp",
	"ico",  "md",  "csv", "tsv",   "json", "xml",  "yml", "yaml", "pdb",  "msi", "cab",
	"rtf",  "eml", "msg", "pcap",  "db",   "mof",  "pnf", "mov",
};

bool
feed_look_file(struct feed_text text)
{
	struct feed_text ending = text;

	for (size_t dot = feed_find(ending, '.'); dot < ending.length; dot = feed_find(ending, '.'))
		ending = feed_from(ending, dot + 1);
	if (ending.length == text.length)
		return false;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (feed_is(ending, endings[i]))
			return true;
	}
	return false;
}

bool
feed_look_sinkhole(struct feed_text text)
{
	return feed_is(text, "0.0.0.0") || feed_is(text, "0") || feed_is(text, "::") ||
	       feed_is(text, "::1") ||
	       (feed_starts(text, "127.") && quad_length(text) == text.length);
}

/*
 * Eight digits are a date. Fewer than nine as seconds would be a day before 1973-03-03, which no feed
 * means: a life in seconds, say, which as an instant would end every claim in the year 1970.
 */
static struct feed_text
digits_time(struct feed_text text, char copy[64])
{
	const char *at = text.at;
	if (text.length == 8) {
		snprintf(copy, 64, "%.4s-%.2s-%.2s", at, at + 4, at + 6);
		return (struct feed_text){copy, 10};
	}
	if (text.length < 9)
		return (struct feed_text){copy, 0};
	snprintf(copy, 64, "@%.*s", (int)text.length, at);
	return (struct feed_text){copy, text.length + 1};
}

uint64_t
feed_time(struct feed_text text)
{
	char copy[64];
	uint64_t seconds;

	text = feed_trim(text);
	if (text.length == 0 || text.length > sizeof(copy) - 2)
		return 0;
	if (all_digits(text)) {
		text = digits_time(text, copy);
	} else {
		memcpy(copy, text.at, text.length);
		if (text.length >= 10 && copy[4] == '/' && copy[7] == '/')
			copy[4] = copy[7] = '-';
		text.at = copy;
	}
	return clock_parse(text.at, text.length, &seconds, NULL) ? 0 : seconds;
}
