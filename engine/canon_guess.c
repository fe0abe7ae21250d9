/* SPDX-License-Identifier: Apache-2.0 */
/* What kind a value looks like: shape only, cheap, never a judgement that it is right. */
#include <string.h>

#include "engine/canon_defang.h"
#include "engine/canon_ip.h"
#include "engine/canon_percent.h"
#include "engine/canon_run.h"

/* The longest text in which a bracketed mark is looked for, to guess. */
#define GUESS_BYTES 512
#define SHA1_DIGITS 40
#define SHA256_DIGITS 64

static bool
all_class(const char *text, size_t length, unsigned class, const char *others)
{
	for (size_t i = 0; i < length; i++)
		if (!canon_is(text[i], class) &&
		    (text[i] == '\0' || strchr(others, text[i]) == NULL))
			return false;
	return length > 0;
}

static bool
starts_with(const char *text, size_t length, const char *word)
{
	size_t size = strlen(word);
	if (length < size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (canon_lower(text[i]) != word[i])
			return false;
	return true;
}

static enum kind
guess_hash(const char *text, size_t length)
{
	if (starts_with(text, length, "sha1:") || starts_with(text, length, "sha-1:"))
		return KIND_SHA1;
	if (starts_with(text, length, "sha256:") || starts_with(text, length, "sha-256:"))
		return KIND_SHA256;
	if (!all_class(text, length, CANON_HEX, ""))
		return KIND_COUNT;
	return length == SHA1_DIGITS     ? KIND_SHA1
	       : length == SHA256_DIGITS ? KIND_SHA256
					 : KIND_COUNT;
}

/* 1.2.3.4, also 1.2.3.400 and 1.2.3.4:80, for the sake of the message. */
static bool
looks_ipv4(const char *text, size_t length)
{
	unsigned dots = 0;
	const char *colon = memchr(text, ':', length);
	if (colon != NULL && !all_class(colon, length - (size_t)(colon - text), CANON_DIGIT, ":"))
		return false;
	size_t end = colon == NULL ? length : (size_t)(colon - text);
	for (size_t i = 0; i < end; i++)
		dots += text[i] == '.';
	return dots == 3 && all_class(text, end, CANON_DIGIT, ".");
}

static bool
looks_ipv6(const char *text, size_t length)
{
	const char *zone = memchr(text, '%', length);
	const char *colon = memchr(text, ':', length);
	size_t end = zone == NULL ? length : (size_t)(zone - text);
	if (colon == NULL || memchr(colon + 1, ':', length - (size_t)(colon + 1 - text)) == NULL)
		return false;
	return all_class(text, end, CANON_HEX, ":.");
}

/* An address; with `/` only a prefix length may follow. */
static enum kind
guess_address(const char *text, size_t length)
{
	const char *slash = memchr(text, '/', length);
	size_t end = slash == NULL ? length : (size_t)(slash - text);
	if (slash != NULL && (length - end > 4 ||
			      !all_class(slash + 1, length - end - 1, CANON_DIGIT, "")))
		return KIND_COUNT;
	bool brackets = end > 2 && text[0] == '[' && text[end - 1] == ']' && slash == NULL;
	if (looks_ipv4(text, end))
		return KIND_IPV4;
	return looks_ipv6(text + brackets, end - 2 * brackets) ? KIND_IPV6 : KIND_COUNT;
}

static bool
looks_url(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] == '/' || text[i] == '?' || text[i] == '\\' || text[i] == '#')
			return true;
	return length > 0 && text[0] == '[';
}

/* hxxp: is a scheme, "www.example.com:8080" is not. */
static bool
has_scheme(char *text, size_t length)
{
	size_t name;
	canon_defang_scheme(text, length, &name);
	return name != 0;
}

enum kind
canon_guess(const char *text, size_t length)
{
	char copy[GUESS_BYTES];
	while (length > 0 && (uint8_t)*text <= ' ') {
		text++;
		length--;
	}
	while (length > 0 && (uint8_t)text[length - 1] <= ' ')
		length--;
	if (length == 0)
		return KIND_COUNT;
	enum kind kind = guess_hash(text, length);
	if (kind != KIND_COUNT)
		return kind;
	size_t size = length < sizeof(copy) ? length : sizeof(copy);
	memcpy(copy, text, size);
	if (has_scheme(copy, size))
		return KIND_URL;
	memcpy(copy, text, size);
	if (canon_defang_suspect(copy, size))
		size = canon_defang_marks(copy, size, true);
	kind = guess_address(copy, size);
	if (kind != KIND_COUNT)
		return kind;
	return looks_url(copy, size) ? KIND_URL : KIND_DOMAIN;
}
