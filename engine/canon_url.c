/* SPDX-License-Identifier: Apache-2.0 */
/*
 * https://url.spec.whatwg.org/#concept-basic-url-parser for special URLs
 * without a base, which makes the state machine a walk from left to right.
 */
#include "engine/canon_url.h"

#include <string.h>

#include "engine/canon_defang.h"
#include "engine/canon_percent.h"

#define PORT_MAX 65535

static enum status
url_fault(struct fault *fault, const char *reason)
{
	return fault_set(fault, STATUS_BAD_URL, NULL, 0, "%s", reason);
}

static size_t
controls_drop(char *text, size_t length)
{
	size_t used = 0;
	for (size_t i = 0; i < length; i++)
		if (text[i] != '\t' && text[i] != '\n' && text[i] != '\r')
			text[used++] = text[i];
	return used;
}

static bool
is_end(char byte)
{
	return byte == '/' || byte == '\\' || byte == '?' || byte == '#';
}

static size_t
find_end(const char *text, size_t length, size_t from)
{
	while (from < length && !is_end(text[from]))
		from++;
	return from;
}

/*
 * `name:` at the start is a host with a port, not a scheme: digits only up to
 * the path, or an address in brackets.
 */
static bool
has_port_only(const char *text, size_t end)
{
	const char *colon = memchr(text, ':', end);
	if (memchr(text, '@', end) != NULL)
		return false; /* a mail address, or mailto: */
	if (colon == NULL || text[0] == '[')
		return true;
	for (const char *at = colon + 1; at < text + end; at++)
		if (!canon_is(*at, CANON_DIGIT))
			return false;
	return true;
}

/*
 * No scheme: is it host/path? A name without a dot must have a path after it,
 * or any word would be a URL.
 */
static enum status
schemeless_check(const char *text, size_t length, struct fault *fault)
{
	size_t end = find_end(text, length, 0);
	if (end == 0)
		return url_fault(fault, "no host before the first / or ?");
	bool slashes = end + 1 < length && text[end - 1] == ':' && text[end + 1] == '/';
	if (slashes || !has_port_only(text, end))
		return url_fault(fault, "the scheme is not http, https, ftp, ws or wss");
	if (end < length && text[end] == '\\')
		return url_fault(fault, "neither a scheme nor a host before the first \\");
	bool dotted = memchr(text, '.', end) != NULL || text[0] == '[' || !canon_ascii(text, end);
	if (!dotted && (end + 1 >= length || is_end(text[end + 1])))
		return url_fault(fault, "a single word is not a URL");
	return STATUS_OK;
}

static enum status
scheme_add(struct canon_run *run, char *text, size_t *length)
{
	enum status status = schemeless_check(text, *length, run->fault);
	if (status != STATUS_OK)
		return status;
	memmove(text + 7, text, *length);
	memcpy(text, "http://", 7);
	*length += 7;
	run->notes |= CANON_NOTE_SCHEMELESS;
	canon_tell(run, "scheme", text, *length);
	return STATUS_OK;
}

/* Marks in the authority; in the rest only if something was defanged before the path. */
static void
marks_undo(struct canon_run *run, char *text, size_t *length, size_t start, bool defanged)
{
	if (canon_defang_suspect(text + start, *length - start)) {
		size_t was = *length;
		*length = start + canon_defang_marks(text + start, *length - start, false);
		defanged |= *length != was;
		if (defanged)
			*length = start + canon_defang_marks(text + start, *length - start, true);
	}
	if (!defanged)
		return;
	run->notes |= CANON_NOTE_DEFANGED;
	canon_tell(run, "defang", text, *length);
}

enum status
canon_url_prepare(struct canon_run *run, char *text, size_t *length)
{
	size_t name, was = *length;
	*length = controls_drop(text, *length);
	if (*length != was)
		canon_tell(run, "drop-tabs", text, *length);
	char first[8] = { 0 };
	memcpy(first, text, *length < sizeof(first) ? *length : sizeof(first));
	was = *length;
	*length = canon_defang_scheme(text, *length, &name);
	bool defanged = *length != was;
	for (size_t i = 0; i < name && !defanged; i++)
		defanged = canon_lower(first[i]) != text[i];
	size_t start = name == 0 ? 0 : name + 1;
	while (name != 0 && start < *length && (text[start] == '/' || text[start] == '\\'))
		start++;
	marks_undo(run, text, length, start, defanged);
	return name != 0 ? STATUS_OK : scheme_add(run, text, length);
}

static const char *const scheme_names[] = { "http", "https", "ftp", "ws", "wss" };

/* "scheme:" and the slashes after it; NULL scheme if it is not special. */
static size_t
scheme_parse(const char *text, size_t length, struct canon_url *url)
{
	const char *colon = memchr(text, ':', length < 6 ? length : 6);
	size_t size = colon == NULL ? 0 : (size_t)(colon - text);
	url->scheme = NULL;
	for (size_t i = 0; i < sizeof(scheme_names) / sizeof(scheme_names[0]); i++) {
		if (strlen(scheme_names[i]) != size)
			continue;
		size_t k = 0;
		while (k < size && canon_lower(text[k]) == scheme_names[i][k])
			k++;
		if (k == size)
			url->scheme = scheme_names[i];
	}
	size_t at = size + 1;
	while (at < length && (text[at] == '/' || text[at] == '\\'))
		at++;
	return at;
}

static enum status
port_check(const char *text, size_t length, struct fault *fault)
{
	unsigned long port = 0;
	for (size_t i = 0; i < length; i++) {
		if (!canon_is(text[i], CANON_DIGIT))
			return url_fault(fault, "the port is not a number");
		port = port * 10 + (unsigned)(text[i] - '0');
		if (port > PORT_MAX)
			return url_fault(fault, "the port is above 65535");
	}
	return STATUS_OK;
}

/* The colon before the port, outside brackets; the end if there is none. */
static size_t
port_find(const char *text, size_t length)
{
	bool inside = false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == ':' && !inside)
			return i;
		inside = text[i] == '[' || (inside && text[i] != ']');
	}
	return length;
}

static enum status
authority_parse(char *text, size_t length, enum canon_host_rule rule, struct canon_url *url,
		struct fault *fault)
{
	char *at = memrchr(text, '@', length);
	if (at != NULL) {
		length -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	size_t colon = port_find(text, length);
	if (colon == 0)
		return url_fault(fault, "the URL has no host");
	if (colon < length) {
		enum status status = port_check(text + colon + 1, length - colon - 1, fault);
		if (status != STATUS_OK)
			return status;
	}
	return canon_host(text, colon, rule, url->host, &url->host_length, fault);
}

/* How many dots a segment means, written with . or %2e: 1, 2, or 0 for an ordinary one. */
static unsigned
segment_dots(const char *text, size_t length)
{
	unsigned dots = 0;
	for (size_t i = 0; i < length; dots++) {
		if (text[i] == '.')
			i++;
		else if (length - i >= 3 && text[i] == '%' && text[i + 1] == '2' &&
			 (text[i + 2] | 0x20) == 'e')
			i += 3;
		else
			return 0;
		if (dots == 2)
			return 0;
	}
	return dots;
}

/* Where the last segment of text[0..length) begins: after its slash. */
static size_t
segment_drop(const char *text, size_t length)
{
	while (length > 1 && text[length - 1] != '/')
		length--;
	return length;
}

size_t
canon_path_resolve(char *text, size_t length)
{
	size_t used = 1; /* text[0..used) ends in a slash before each segment */
	text[0] = '/';
	for (size_t i = 1; i <= length;) {
		size_t end = i;
		while (end < length && text[end] != '/' && text[end] != '\\')
			end++;
		unsigned dots = segment_dots(text + i, end - i);
		if (dots == 2)
			used = segment_drop(text, used > 1 ? used - 1 : used);
		if (dots == 0) {
			memmove(text + used, text + i, end - i);
			used += end - i;
			if (end < length)
				text[used++] = '/';
		}
		i = end + 1;
	}
	return used;
}

/* Path and query follow the authority; the fragment goes. */
static void
rest_parse(char *text, size_t length, struct canon_url *url)
{
	char *hash = memchr(text, '#', length);
	if (hash != NULL)
		length = (size_t)(hash - text);
	char *mark = memchr(text, '?', length);
	size_t path = mark == NULL ? length : (size_t)(mark - text);
	url->path_length = canon_path_resolve(text, path);
	if (mark != NULL)
		memmove(text + url->path_length, mark, length - path);
	url->rest = text;
	url->rest_length = url->path_length + (length - path);
}

enum status
canon_url_parse(char *text, size_t length, enum canon_host_rule rule, struct canon_url *url,
		struct fault *fault)
{
	size_t start = scheme_parse(text, length, url);
	if (url->scheme == NULL)
		return url_fault(fault, "the scheme is not http, https, ftp, ws or wss");
	if (start > length)
		start = length;
	size_t end = find_end(text, length, start);
	enum status status = authority_parse(text + start, end - start, rule, url, fault);
	if (status != STATUS_OK)
		return status;
	/* no path at all: one byte is needed for "/", and the authority has it to give */
	if (end == length || text[end] == '?' || text[end] == '#')
		text[--end] = '/';
	rest_parse(text + end, length - end, url);
	return STATUS_OK;
}

size_t
canon_url_path(const struct canon_url *url, char *out)
{
	size_t used = 0;
	for (size_t i = 0; i < url->path_length; i++) {
		char byte = url->rest[i];
		bool encode = (uint8_t)byte <= 0x20 || (uint8_t)byte >= 0x7f ||
			      memchr("\"#<>?^`{}", byte, 9) != NULL;
		if (encode)
			used += canon_escape_put(out + used, byte);
		else
			out[used++] = byte;
	}
	return used;
}
