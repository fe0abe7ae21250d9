/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 requests (RFC 9112) to URLs. Read as the laxest server would: any
 * method, bare LF, blanks before a colon, folded fields. Bodies are skipped by
 * Content-Length or chunk by chunk, so that pipelined requests behind them are
 * found. A request target in absolute form is the URL; a Host that says another
 * name beside it, or a second Host, is given as a name of its own.
 */
#include "query/extract.h"

#include <string.h>
#include <strings.h>

#define METHOD_BYTES 24
#define BODY_MOST (1ull << 62)

enum phase { PHASE_HEAD, PHASE_CHUNK, PHASE_TRAILER };

struct piece {
	const char *text;
	size_t length;
};

struct head {
	struct piece method, target;
	struct piece hosts[EXTRACT_HOSTS];
	unsigned host_count;
	uint64_t content;
	bool chunked;
};

/* --- lines --------------------------------------------------------------------------------- */

static bool
is_token(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '-' ||
	       byte == '_' || (byte >= '0' && byte <= '9');
}

bool
extract_http_begins(const uint8_t *bytes, size_t length)
{
	size_t at = 0, start;
	while (at < length && (bytes[at] == '\r' || bytes[at] == '\n'))
		at++;
	for (start = at; at < length && is_token(bytes[at]); at++) {
		if (at - start == METHOD_BYTES)
			return false;
	}
	return at == length || (at > start && bytes[at] == ' ');
}

/* The next line without its end; false at the end of `rest`. `last`: it may lack an LF. */
static bool
line_next(struct piece *rest, struct piece *line, bool last)
{
	const char *end = rest->length > 0 ? memchr(rest->text, '\n', rest->length) : NULL;
	if (end == NULL && (!last || rest->length == 0))
		return false;
	size_t length = end != NULL ? (size_t)(end - rest->text) : rest->length;
	size_t took = length + (end != NULL);
	*line = (struct piece){rest->text, length};
	if (length > 0 && line->text[length - 1] == '\r')
		line->length--;
	rest->text += took;
	rest->length -= took;
	return true;
}

static struct piece
trimmed(struct piece piece)
{
	while (piece.length > 0 && (piece.text[0] == ' ' || piece.text[0] == '\t')) {
		piece.text++;
		piece.length--;
	}
	while (piece.length > 0 && (piece.text[piece.length - 1] == ' ' ||
				    piece.text[piece.length - 1] == '\t'))
		piece.length--;
	return piece;
}

static bool
is_name(struct piece piece, const char *name)
{
	return piece.length == strlen(name) && strncasecmp(piece.text, name, piece.length) == 0;
}

/* --- head ------------------------------------------------------------------------------------ */

/* METHOD SP target SP HTTP/1.x; a target with blanks in it goes to the last one. */
static bool
request_line(struct piece line, struct head *head)
{
	const char *blank = memchr(line.text, ' ', line.length);
	if (blank == NULL || blank == line.text)
		return false;
	head->method = (struct piece){line.text, (size_t)(blank - line.text)};
	struct piece rest = trimmed((struct piece){blank, line.length - head->method.length});
	const char *version = rest.length > 0 ? memrchr(rest.text, ' ', rest.length) : NULL;
	if (version == NULL || rest.text + rest.length - version < 7 ||
	    strncasecmp(version + 1, "HTTP/1", 6) != 0)
		return false;
	head->target = trimmed((struct piece){rest.text, (size_t)(version - rest.text)});
	return head->target.length > 0;
}

static void
field_host(struct head *head, struct piece value)
{
	if (value.length > 0 && head->host_count < EXTRACT_HOSTS)
		head->hosts[head->host_count++] = value;
}

static void
field_content(struct head *head, struct piece value)
{
	uint64_t number = 0;
	for (size_t i = 0; i < value.length; i++) {
		if (value.text[i] < '0' || value.text[i] > '9' || number > BODY_MOST / 16)
			return;
		number = number * 10 + (uint64_t)(value.text[i] - '0');
	}
	head->content = number;
}

static void
field_encoding(struct head *head, struct piece value)
{
	size_t length = strlen("chunked");
	if (value.length >= length &&
	    strncasecmp(value.text + value.length - length, "chunked", length) == 0)
		head->chunked = true;
}

static const struct {
	const char *name;
	void (*take)(struct head *head, struct piece value);
} fields[] = {
	{"host", field_host},
	{"content-length", field_content},
	{"transfer-encoding", field_encoding},
};

static void
field_read(struct head *head, struct piece line)
{
	const char *colon = line.length > 0 ? memchr(line.text, ':', line.length) : NULL;
	if (colon == NULL)
		return;
	struct piece name = trimmed((struct piece){line.text, (size_t)(colon - line.text)});
	struct piece value = trimmed((struct piece){
		colon + 1, line.length - (size_t)(colon - line.text) - 1});
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (is_name(name, fields[i].name))
			fields[i].take(head, value);
	}
}

static bool
head_read(struct piece text, bool last, struct head *head)
{
	struct piece line;
	unsigned count = 0;
	memset(head, 0, sizeof(*head));
	if (!line_next(&text, &line, last) || !request_line(line, head))
		return false;
	while (count++ < EXTRACT_FIELDS && line_next(&text, &line, last) && line.length > 0)
		field_read(head, line);
	return true;
}

/* --- URL --------------------------------------------------------------------------------------- */

struct writer {
	char *text;
	size_t length;
	bool cut;
};

static void
write_bytes(struct writer *out, const char *text, size_t length)
{
	if (length > EXTRACT_TEXT_BYTES - out->length) {
		length = EXTRACT_TEXT_BYTES - out->length;
		out->cut = true;
	}
	memcpy(out->text + out->length, text, length);
	out->length += length;
}

/* What a request may not hold is %-escaped: bytes that are no ASCII are bytes, not UTF-8. */
static void
write_escaped(struct writer *out, struct piece piece)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < piece.length; i++) {
		uint8_t byte = (uint8_t)piece.text[i];
		char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
		bool plain = byte > ' ' && byte < 127;
		write_bytes(out, plain ? &piece.text[i] : escape, plain ? 1 : 3);
	}
}

/* What follows a host in a Host field is no part of it. */
static struct piece
host_clean(struct piece host)
{
	const char *at = memrchr(host.text, '@', host.length);
	size_t end = 0;
	if (at != NULL) {
		host.length -= (size_t)(at + 1 - host.text);
		host.text = at + 1;
	}
	while (end < host.length && strchr("/?#\\ \t", host.text[end]) == NULL)
		end++;
	host.length = end;
	return host;
}

static void
give(struct extract_sink *sink, bool url, struct writer *out, struct piece host)
{
	struct extract_item item = {EXTRACT_HTTP, url, out->cut, out->text, out->length,
				    host.text, host.length};
	if (out->length > 0)
		sink->item(sink->context, &item);
}

/* A host by itself: without its port. */
static void
give_host(struct extract_sink *sink, struct piece host)
{
	struct writer out = {sink->text, 0, false};
	const char *colon = host.length > 0 ? memrchr(host.text, ':', host.length) : NULL;
	const char *bracket = host.length > 0 ? memrchr(host.text, ']', host.length) : NULL;
	if (colon != NULL && (bracket == NULL || colon > bracket))
		host.length = (size_t)(colon - host.text);
	if (host.length > 2 && host.text[0] == '[' && host.text[host.length - 1] == ']')
		host = (struct piece){host.text + 1, host.length - 2};
	write_bytes(&out, host.text, host.length);
	give(sink, false, &out, host);
}

/* The authority of http://AUTHORITY/...; length 0 if the target has another form. */
static struct piece
absolute_host(struct piece target)
{
	struct piece host = {NULL, 0};
	const char *mark = memmem(target.text, target.length, "://", 3);
	const char *slash = memchr(target.text, '/', target.length);
	if (mark == NULL || slash != mark + 1 || target.text[0] == '/')
		return host;
	host.text = mark + 3;
	while (host.text + host.length < target.text + target.length &&
	       strchr("/?#\\", host.text[host.length]) == NULL)
		host.length++;
	return host_clean(host);
}

static void
give_url(struct extract_sink *sink, struct piece host, struct piece target)
{
	struct writer out = {sink->text, 0, false};
	char address[64];
	if (host.length == 0)
		host = (struct piece){address, sink->authority(sink->context, address)};
	write_bytes(&out, "http://", 7);
	write_bytes(&out, host.text, host.length);
	if (target.text[0] != '/')
		write_bytes(&out, "/", 1);
	write_escaped(&out, target);
	give(sink, true, &out, host);
}

static bool
same(struct piece a, struct piece b)
{
	return a.length == b.length && strncasecmp(a.text, b.text, a.length) == 0;
}

static void
give_request(const struct head *head, struct extract_sink *sink)
{
	struct piece host = {"", 0}, absolute = absolute_host(head->target);
	bool connect = is_name(head->method, "CONNECT");
	unsigned first = 0;
	if (connect) {
		host = head->target;
		give_host(sink, host);
	} else if (absolute.length > 0) {
		struct writer out = {sink->text, 0, false};
		host = absolute;
		write_escaped(&out, head->target);
		give(sink, true, &out, host);
	} else if (head->host_count > 0 || !is_name(head->target, "*")) {
		host = head->host_count > 0 ? host_clean(head->hosts[0]) : host;
		first = 1;
		if (is_name(head->target, "*"))
			give_host(sink, host);
		else
			give_url(sink, host, head->target);
	}
	for (unsigned i = first; i < head->host_count; i++) {
		struct piece other = host_clean(head->hosts[i]);
		if (!same(other, host))
			give_host(sink, other);
	}
}

/* --- messages -------------------------------------------------------------------------------- */

/* Behind the empty line after the fields; 0: there is none yet. */
static size_t
head_end(struct extract *extract, const char *text, size_t length)
{
	size_t at = extract->scanned < length ? extract->scanned : 0;
	const char *end;
	while ((end = memchr(text + at, '\n', length - at)) != NULL) {
		at = (size_t)(end - text) + 1;
		if (at < length && text[at] == '\n')
			return at + 1;
		if (length - at >= 2 && text[at] == '\r' && text[at + 1] == '\n')
			return at + 2;
		if (length - at < 2) {
			at--;
			break;
		}
	}
	extract->scanned = (uint32_t)(end != NULL ? at : length);
	return 0;
}

static size_t
head_take(struct extract *extract, const uint8_t *bytes, size_t length, bool last,
	  struct extract_sink *sink)
{
	struct head head;
	size_t blank = 0, end;
	if (!extract_http_begins(bytes, length))
		return EXTRACT_NONE;
	while (blank < length && (bytes[blank] == '\r' || bytes[blank] == '\n'))
		blank++;
	if (blank > 0)
		return blank;
	end = head_end(extract, (const char *)bytes, length);
	if (end == 0 && !last)
		return 0;
	struct piece text = {(const char *)bytes, end != 0 ? end : length};
	if (!head_read(text, end == 0, &head))
		return EXTRACT_NONE;
	give_request(&head, sink);
	if (is_name(head.method, "CONNECT"))
		extract->app = EXTRACT_UNKNOWN; /* what the tunnel carries is told anew */
	else if (head.chunked)
		extract->phase = PHASE_CHUNK;
	else
		extract->skip = head.content;
	return text.length;
}

/* The size before a chunk, the empty line behind one, or a line of the trailer. */
static size_t
chunk_take(struct extract *extract, const uint8_t *bytes, size_t length, bool last)
{
	struct piece rest = {(const char *)bytes, length}, line;
	uint64_t size = 0;
	size_t digits = 0;
	if (!line_next(&rest, &line, last))
		return length < EXTRACT_CHUNK_LINE ? 0 : EXTRACT_NONE;
	size_t took = length - rest.length;
	if (extract->phase == PHASE_TRAILER) {
		extract->phase = line.length > 0 ? PHASE_TRAILER : PHASE_HEAD;
		return took;
	}
	if (line.length == 0)
		return took;
	for (; digits < line.length && digits < 15; digits++) {
		static const char hex[] = "0123456789abcdef";
		const char *digit = strchr(hex, line.text[digits] | 0x20);
		if (digit == NULL)
			break;
		size = size * 16 + (uint64_t)(digit - hex);
	}
	if (digits == 0)
		return EXTRACT_NONE;
	extract->skip = size;
	if (size == 0)
		extract->phase = PHASE_TRAILER;
	return took;
}

size_t
extract_http_take(struct extract *extract, const uint8_t *bytes, size_t length, bool last,
		  struct extract_sink *sink)
{
	if (extract->phase != PHASE_HEAD)
		return chunk_take(extract, bytes, length, last);
	return head_take(extract, bytes, length, last, sink);
}
