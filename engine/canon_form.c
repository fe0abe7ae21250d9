/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Safe Browsing form ("URLs and Hashing: Canonicalization") of a parsed URL.
 *
 * It is defined on text, so what unescaping uncovers counts: a `?` begins the
 * query, a `\` is a slash. Otherwise the form would not be its own form.
 */
#include <string.h>

#include "engine/canon_percent.h"
#include "engine/canon_url.h"

/* The mark \* at the end of a text means a wildcard entry: an ordinary one has its star escaped. */
static const char mark[KEY_PATTERN_BYTES + 1] = "\\*";

static size_t
slashes_fold(char *text, size_t length)
{
	size_t used = 1;
	for (size_t i = 1; i < length; i++)
		if (text[i] != '/' || text[used - 1] != '/')
			text[used++] = text[i];
	return used;
}

static void
rest_form(struct canon_run *run, struct canon_url *url)
{
	char *text = url->rest;
	size_t was = url->rest_length, length = canon_unescape(text, was);
	if (length != was)
		canon_tell(run, "unescape", text, length);
	was = length;
	char *question = memchr(text, '?', length);
	size_t path = question == NULL ? length : (size_t)(question - text);
	size_t query = length - path;
	url->path_length = slashes_fold(text, canon_path_resolve(text, path));
	memmove(text + url->path_length, text + path, query);
	url->rest_length = url->path_length + query;
	if (url->rest_length != was)
		canon_tell(run, "path", text, url->rest_length);
}

static enum status
key_write(struct canon_url *url, struct key *key, struct fault *fault)
{
	size_t used = strlen(url->scheme);
	key_init(key, KIND_URL);
	memcpy(key->buffer, url->scheme, used);
	memcpy(key->buffer + used, "://", 3);
	used += 3;
	key->host_offset = (uint16_t)used;
	key->host_length = (uint16_t)url->host_length;
	memcpy(key->buffer + used, url->host, url->host_length);
	used += url->host_length;
	bool escape_star = url->rest_length >= KEY_PATTERN_BYTES &&
			   memcmp(url->rest + url->rest_length - KEY_PATTERN_BYTES, mark,
				  KEY_PATTERN_BYTES) == 0;
	bool fits = canon_escape(url->rest, url->rest_length - escape_star, key->buffer,
				 sizeof(key->buffer), &used);
	if (fits && escape_star)
		used += canon_escape_put(key->buffer + used, '*');
	if (!fits || used > LIMIT_URL_BYTES)
		return fault_set(fault, STATUS_BAD_URL, NULL, 0,
				 "the canonical URL is longer than %d bytes", LIMIT_URL_BYTES);
	key->length = (uint32_t)used;
	return STATUS_OK;
}

enum status
canon_url_form(struct canon_run *run, struct canon_url *url, struct key *key)
{
	size_t was = url->host_length;
	enum status status = canon_host_form(url->host, &url->host_length, run->fault);
	if (status != STATUS_OK)
		return status;
	if (url->host_length != was)
		canon_tell(run, "host", url->host, url->host_length);
	rest_form(run, url);
	return key_write(url, key, run->fault);
}

static size_t
clean_scheme(const char *text, size_t length)
{
	if (length > 8 && memcmp(text, "http://", 7) == 0)
		return 7;
	return length > 9 && memcmp(text, "https://", 8) == 0 ? 8 : 0;
}

/* Plain labels, single dots, a last label that begins with a letter; then a slash. */
static size_t
clean_host(const char *text, size_t length, size_t start)
{
	size_t label = start;
	for (size_t i = start; i < length; i++) {
		if (canon_is(text[i], CANON_NAME))
			continue;
		if (i == label || (text[i] != '.' && text[i] != '/'))
			return 0;
		if (text[i] == '/')
			return canon_is(text[label], CANON_ALPHA) ? i : 0;
		label = i + 1;
	}
	return 0;
}

/*
 * An escape that the form itself writes: upper case, of a byte that must be
 * escaped, and %25 only where no longer escape would appear.
 */
static bool
clean_escape(const char *text, size_t length, size_t i)
{
	if (!canon_escape_at(text, length, i) || text[i + 1] > 'F' || text[i + 2] > 'F')
		return false;
	char byte = (char)(canon_hex(text[i + 1]) << 4 | canon_hex(text[i + 2]));
	if (!canon_must_escape(byte))
		return false;
	bool longer = length - i > 4 && canon_is(text[i + 3], CANON_HEX) &&
		      canon_is(text[i + 4], CANON_HEX);
	return byte != '%' || !longer;
}

/* From a slash in the path: no second slash, no segment that begins with a dot. */
static bool
clean_slash(const char *text, size_t length, size_t i)
{
	return i + 1 == length || (text[i + 1] != '/' && text[i + 1] != '.');
}

/* The path from its first slash; gives the index of `?` or the end, 0 if not clean. */
static size_t
clean_path(const char *text, size_t length, size_t i)
{
	for (; i < length; i++) {
		if (canon_is(text[i], CANON_CLEAN))
			continue;
		if (text[i] == '?')
			return i;
		if (text[i] == '/' ? !clean_slash(text, length, i) : !clean_escape(text, length, i))
			return 0;
	}
	return length;
}

static bool
clean_query(const char *text, size_t length, size_t i)
{
	for (; i < length; i++)
		if (!canon_is(text[i], CANON_QUERY_CLEAN) && !clean_escape(text, length, i))
			return false;
	return true;
}

bool
canon_url_clean(const char *text, size_t length, struct key *key)
{
	size_t host = clean_scheme(text, length);
	if (host == 0 || length > LIMIT_URL_BYTES || text[length - 1] == '*')
		return false;
	size_t slash = clean_host(text, length, host);
	size_t query = slash == 0 || slash - host >= CANON_HOST_BYTES
			       ? 0 : clean_path(text, length, slash);
	if (query == 0 || !clean_query(text, length, query))
		return false;
	key_init(key, KIND_URL);
	key->borrowed = 1;
	key->text_borrowed = text;
	key->length = (uint32_t)length;
	key->host_offset = (uint16_t)host;
	key->host_length = (uint16_t)(slash - host);
	return true;
}
