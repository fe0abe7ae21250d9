/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs in two steps: what WHATWG's parser makes of the text, and the Safe
 * Browsing form of that. Private to canon*.c and the tests.
 *
 *   canon_url_prepare -> canon_url_parse -> canon_url_form
 */
#ifndef ENGINE_CANON_URL_H
#define ENGINE_CANON_URL_H

#include "engine/canon_host.h"
#include "engine/canon_run.h"

/* Room that canon_url_prepare() needs past the text. */
#define CANON_URL_ROOM 16

/*
 * A special URL as WHATWG has it. `host` is the serialised host (punycode,
 * 192.0.2.1, [2001:db8::1]); `rest` is path, `?` and query, still without
 * WHATWG's percent-encoding (the Safe Browsing form would undo it), with the
 * dot segments gone, and lies in the text that was parsed.
 */
struct canon_url {
	const char *scheme; /* static: "http" ... */
	char host[CANON_HOST_BYTES];
	size_t host_length;
	char *rest;
	size_t path_length; /* of rest; at least the first "/" */
	size_t rest_length;
};

/*
 * Tabs and line ends go; defanging is undone; a text without scheme gets
 * http://. In place: `text` has CANON_URL_ROOM bytes to spare. bad-url for
 * schemes other than http, https, ftp, ws, wss.
 */
enum status
canon_url_prepare(struct canon_run *run, char *text, size_t *length);

/* Parse a text with special scheme; `text` is used up. */
enum status
canon_url_parse(char *text, size_t length, enum canon_host_rule rule, struct canon_url *url,
		struct fault *fault);

/* WHATWG's spelling of the path (its percent-encode set); 3 * path_length bytes. */
size_t
canon_url_path(const struct canon_url *url, char *out);

/* The key: scheme://host/path?query. Marks and scope are the caller's. */
enum status
canon_url_form(struct canon_run *run, struct canon_url *url, struct key *key);

/* Dot segments (also %2e) of the path text[0..length), in place; `\` is `/`. Starts with one. */
size_t
canon_path_resolve(char *text, size_t length);

#endif
