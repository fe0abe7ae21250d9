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
