/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server name of a ClientHello (RFC 8446 4.1.2, RFC 6066 3), whose message may
 * lie in many records and segments. With Encrypted ClientHello that is the
 * outer name. QUIC is not read: its ClientHello is encrypted (docs/inspect.md).
 */
#include "query/extract.h"

#include <string.h>

#define RECORD_HEADER 5
#define RECORD_BYTES (16384 + 256) /* the most that any version allows */
#define HANDSHAKE_HEADER 4

/* A bounded reader; past the end it stays empty. */
struct cursor {
	const uint8_t *bytes;
	size_t length;
};

static bool
cursor_skip(struct cursor *cursor, size_t length)
{
	if (cursor->length < length) {
		cursor->length = 0;
		return false;
	}
	cursor->bytes += length;
	cursor->length -= length;
	return true;
}

static size_t
cursor_number(struct cursor *cursor, unsigned bytes)
{
	size_t number = 0;
	if (cursor->length < bytes) {
		cursor->length = 0;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		number = number << 8 | cursor->bytes[i];
	cursor_skip(cursor, bytes);
	return number;
}

/* What a length of `bytes` bytes counts, cut off in front. As much as is there. */
static struct cursor
cursor_vector(struct cursor *cursor, unsigned bytes)
{
	size_t length = cursor_number(cursor, bytes);
	struct cursor inside = *cursor;
	if (length < inside.length)
		inside.length = length;
	cursor_skip(cursor, inside.length);
	return inside;
}

static void
server_name(struct cursor extension, struct extract_sink *sink)
{
	struct cursor list = cursor_vector(&extension, 2);
	while (list.length > 3) {
		size_t type = cursor_number(&list, 1);
		struct cursor name = cursor_vector(&list, 2);
		if (type != 0 || name.length == 0)
			continue;
		struct extract_item item = {EXTRACT_TLS, false, false, (const char *)name.bytes,
					    name.length, NULL, 0};
		sink->item(sink->context, &item);
		return; /* RFC 6066: one name of a type */
	}
}

static void
hello_read(struct cursor hello, struct extract_sink *sink)
{
	cursor_skip(&hello, 2 + 32); /* version, random */
	cursor_vector(&hello, 1);    /* session id */
	cursor_vector(&hello, 2);    /* cipher suites */
	cursor_vector(&hello, 1);    /* compression */
	struct cursor extensions = cursor_vector(&hello, 2);
	while (extensions.length >= 4) {
		size_t type = cursor_number(&extensions, 2);
		struct cursor extension = cursor_vector(&extensions, 2);
		if (type == 0) {
			server_name(extension, sink);
			return;
		}
	}
}

/* Bytes of handshake messages gathered from whole records; *need: where the next one ends. */
static size_t
gather(const uint8_t *bytes, size_t length, uint8_t *hello, size_t *need)
{
	size_t at = 0, gathered = 0;
	while (length - at >= RECORD_HEADER && bytes[at] == 22) {
		size_t size = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
		size_t here = length - at - RECORD_HEADER;
		*need = at + RECORD_HEADER + size;
		here = here < size ? here : size;
		if (size > RECORD_BYTES || here > EXTRACT_HEAD_BYTES - gathered)
			break;
		memcpy(hello + gathered, bytes + at + RECORD_HEADER, here);
		gathered += here;
		if (here < size)
			return gathered;
		at += RECORD_HEADER + size;
		*need = at + RECORD_HEADER;
	}
	if (length - at >= RECORD_HEADER)
		*need = 0; /* what follows is no handshake: no more of it comes */
	return gathered;
}

size_t
extract_tls_take(struct extract *extract, const uint8_t *bytes, size_t length, bool last,
		 struct extract_sink *sink)
{
	size_t need = RECORD_HEADER;
	size_t gathered = gather(bytes, length, sink->hello, &need);
	struct cursor hello = {sink->hello, gathered};
	if (gathered > 0 && sink->hello[0] != 1)
		return EXTRACT_NONE;
	cursor_skip(&hello, 1);
	size_t size = cursor_number(&hello, 3);
	bool whole = gathered >= HANDSHAKE_HEADER && gathered - HANDSHAKE_HEADER >= size;
	if (!whole && !last && need > length && size <= EXTRACT_HEAD_BYTES) {
		extract->need = (uint32_t)need;
		return 0;
	}
	if (whole)
		hello.length = size;
	hello_read(hello, sink);
	extract->done = true;
	return length;
}
