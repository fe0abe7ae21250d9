/* SPDX-License-Identifier: Apache-2.0 */
#include "query/extract.h"

#include <stdlib.h>
#include <string.h>

const char *const extract_app_names[EXTRACT_APPS] = {"", "dns", "http", "tls"};

typedef size_t taker(struct extract *extract, const uint8_t *bytes, size_t length, bool last,
		     struct extract_sink *sink);

static taker *const takers[EXTRACT_APPS] = {
	[EXTRACT_DNS] = extract_dns_take,
	[EXTRACT_HTTP] = extract_http_take,
	[EXTRACT_TLS] = extract_tls_take,
};

static void
buffer_free(struct extract *extract, struct extract_sink *sink)
{
	*sink->memory -= extract->capacity;
	free(extract->buffer);
	extract->buffer = NULL;
	extract->used = extract->capacity = extract->scanned = extract->need = 0;
}

/* Look again at the beginning of the next segment. */
static void
lose(struct extract *extract, struct extract_sink *sink)
{
	extract->app = EXTRACT_UNKNOWN;
	extract->phase = 0;
	extract->skip = 0;
	buffer_free(extract, sink);
	if (++extract->tries >= EXTRACT_TRIES)
		extract->done = true;
}

/* --- what is it ---------------------------------------------------------------------------- */

/* A TLS record with a handshake in it; one byte is too few to tell. */
static bool
tls_begins(const uint8_t *bytes, size_t length)
{
	return bytes[0] == 22 && (length < 2 || bytes[1] == 3) && (length < 6 || bytes[5] == 1);
}

/* EXTRACT_APPS: more bytes are needed. */
static enum extract_app
detect(struct extract *extract, const uint8_t *bytes, size_t length)
{
	if (extract->dns)
		return EXTRACT_DNS;
	if (tls_begins(bytes, length))
		return length < 6 ? EXTRACT_APPS : EXTRACT_TLS;
	return extract_http_begins(bytes, length) ? EXTRACT_HTTP : EXTRACT_UNKNOWN;
}

/* An HTTP response or a ServerHello: this direction is a server's. */
static bool
is_answer(const uint8_t *bytes, size_t length)
{
	return (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0) ||
	       (length >= 6 && bytes[0] == 22 && bytes[1] == 3 && bytes[5] == 2);
}

/* --- taking -------------------------------------------------------------------------------- */

static size_t
skip_some(struct extract *extract, size_t length)
{
	size_t some = extract->skip < length ? (size_t)extract->skip : length;
	extract->skip -= some;
	return some;
}

/* Take messages; returns the bytes that are dealt with. The rest must be kept. */
static size_t
take_all(struct extract *extract, const uint8_t *bytes, size_t length, bool last,
	 struct extract_sink *sink)
{
	size_t at = skip_some(extract, length), took;
	while (at < length && !extract->done) {
		if (extract->app == EXTRACT_UNKNOWN) {
			enum extract_app app = detect(extract, bytes + at, length - at);
			if (app == EXTRACT_APPS && !last)
				return at;
			extract->app = app % EXTRACT_APPS;
		}
		taker *take = takers[extract->app];
		took = take == NULL ? EXTRACT_NONE
				    : take(extract, bytes + at, length - at, last, sink);
		if (took == 0)
			return at;
		if (took == EXTRACT_NONE) {
			extract->done |= is_answer(bytes + at, length - at);
			lose(extract, sink);
			return length;
		}
		extract->scanned = extract->need = 0;
		extract->tries = 0;
		at += took;
		at += skip_some(extract, length - at);
	}
	return length < at || extract->done ? length : at;
}

static bool
keep(struct extract *extract, const uint8_t *bytes, size_t length, struct extract_sink *sink)
{
	size_t need = extract->used + length, capacity = extract->capacity;
	if (need > capacity) {
		capacity = need < 2048 ? 2048 : need * 2;
		uint8_t *buffer = realloc(extract->buffer, capacity);
		if (buffer == NULL)
			return false;
		*sink->memory += capacity - extract->capacity;
		extract->buffer = buffer;
		extract->capacity = (uint32_t)capacity;
	}
	memcpy(extract->buffer + extract->used, bytes, length);
	extract->used = (uint32_t)need;
	return true;
}

/* Add to what is kept and try again; a head past the limit is read as far as it goes. */
static void
take_kept(struct extract *extract, const uint8_t *bytes, size_t length, struct extract_sink *sink)
{
	if (!keep(extract, bytes, length, sink)) {
		lose(extract, sink);
		return;
	}
	bool full = extract->used >= EXTRACT_HEAD_BYTES;
	if (extract->used < extract->need && !full)
		return;
	size_t took = take_all(extract, extract->buffer, extract->used, full, sink);
	if (extract->done || extract->buffer == NULL || took >= extract->used) {
		buffer_free(extract, sink);
		return;
	}
	memmove(extract->buffer, extract->buffer + took, extract->used - took);
	extract->used -= (uint32_t)took;
	if (extract->used >= EXTRACT_HEAD_BYTES)
		lose(extract, sink);
}

static void
take_new(struct extract *extract, const uint8_t *bytes, size_t length, struct extract_sink *sink)
{
	size_t took = take_all(extract, bytes, length, false, sink);
	if (!extract->done && took < length)
		take_kept(extract, bytes + took, length - took, sink);
}

void
extract_bytes(struct extract *extract, const uint8_t *bytes, size_t length, uint32_t gap,
	      struct extract_sink *sink)
{
	if (gap != 0 && !extract->done) {
		if (extract->used > 0 && extract->app != EXTRACT_UNKNOWN)
			take_all(extract, extract->buffer, extract->used, true, sink);
		if (gap != EXTRACT_GAP_UNKNOWN && extract->used == 0 && extract->skip >= gap)
			extract->skip -= gap;
		else
			lose(extract, sink);
	}
	/* A segment at a time: what is kept stays near the limit. */
	for (size_t some; length > 0 && !extract->done; bytes += some, length -= some) {
		some = length < EXTRACT_HEAD_BYTES ? length : EXTRACT_HEAD_BYTES;
		if (extract->used > 0)
			take_kept(extract, bytes, some, sink);
		else
			take_new(extract, bytes, some, sink);
	}
	if (extract->done && extract->buffer != NULL)
		buffer_free(extract, sink);
}

void
extract_end(struct extract *extract, struct extract_sink *sink)
{
	if (extract->used > 0 && !extract->done)
		take_all(extract, extract->buffer, extract->used, true, sink);
	buffer_free(extract, sink);
	extract->done = true;
}
