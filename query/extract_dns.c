/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions of DNS queries (RFC 1035). A compression pointer must point to
 * before the name it stands in, and each jump to before the last one, so a name
 * cannot go in circles.
 */
#include "query/extract.h"

#include <string.h>

#include "engine/text.h"

#define HEADER 12
#define NAME_BYTES 255 /* on the wire */

struct message {
	const uint8_t *bytes;
	size_t length, at;
};

/* A label as a master file writes it, so that a dot in a label is not one between labels. */
static size_t
label_print(const uint8_t *label, size_t length, char *text)
{
	size_t at = 0;
	for (size_t i = 0; i < length; i++) {
		uint8_t byte = label[i];
		if (byte == '.' || byte == '\\') {
			text[at++] = '\\';
			text[at++] = (char)byte;
		} else if (byte > ' ' && byte < 127) {
			text[at++] = (char)byte;
		} else {
			text[at++] = '\\';
			text[at++] = (char)('0' + byte / 100);
			text[at++] = (char)('0' + byte / 10 % 10);
			text[at++] = (char)('0' + byte % 10);
		}
	}
	return at;
}

/* The offset that a pointer at `at` names; SIZE_MAX if it may not. */
static size_t
pointer_follow(const struct message *message, size_t at, size_t before)
{
	if (at + 2 > message->length)
		return SIZE_MAX;
	size_t to = (size_t)(message->bytes[at] & 0x3f) << 8 | message->bytes[at + 1];
	return to >= HEADER && to < before ? to : SIZE_MAX;
}

/*
 * The name at message->at, which moves behind it. Length of the text without a
 * final dot; SIZE_MAX if it is broken. `text` holds 4 * NAME_BYTES.
 */
static size_t
name_read(struct message *message, char *text)
{
	size_t at = message->at, before = at, end = 0, length = 0, wire = 0;
	unsigned jumps = 0;
	for (;;) {
		if (at >= message->length)
			return SIZE_MAX;
		unsigned size = message->bytes[at];
		if (size >= 0xc0) {
			if (jumps++ == EXTRACT_JUMPS)
				return SIZE_MAX;
			end = end != 0 ? end : at + 2;
			at = before = pointer_follow(message, at, before);
			continue;
		}
		wire += size + 1;
		if (size > 63 || wire > NAME_BYTES || message->length - at <= size)
			return SIZE_MAX;
		at += size + 1;
		if (size == 0)
			break;
		if (length > 0)
			text[length++] = '.';
		length += label_print(message->bytes + at - size, size, text + length);
	}
	message->at = end != 0 ? end : at;
	return length;
}

/* False if it is no query. */
static bool
message_read(const uint8_t *bytes, size_t length, struct extract_sink *sink)
{
	struct message message = {bytes, length, HEADER};
	if (length < HEADER + 5)
		return false;
	unsigned count = (unsigned)bytes[4] << 8 | bytes[5], opcode = bytes[2] >> 3 & 15;
	if ((bytes[2] & 0x80) != 0 || (opcode != 0 && opcode != 4 && opcode != 5) || count == 0)
		return false;
	for (unsigned i = 0; i < count && i < EXTRACT_QUESTIONS; i++) {
		size_t text = name_read(&message, sink->text);
		if (text == SIZE_MAX || message.length - message.at < 4)
			return i > 0;
		message.at += 4;
		struct extract_item item = {EXTRACT_DNS, false, false, sink->text, text, NULL, 0};
		if (text > 0) /* not the root */
			sink->item(sink->context, &item);
	}
	return true;
}

void
extract_datagram(const uint8_t *bytes, size_t length, struct extract_sink *sink)
{
	message_read(bytes, length, sink);
}

/* RFC 7766: two bytes of length before each message. */
size_t
extract_dns_take(struct extract *extract, const uint8_t *bytes, size_t length, bool last,
		 struct extract_sink *sink)
{
	extract->need = 2;
	if (length < 2)
		return 0;
	size_t size = (size_t)bytes[0] << 8 | bytes[1];
	extract->need = (uint32_t)size + 2;
	if (length - 2 < size && !last)
		return 0;
	size = length - 2 < size ? length - 2 : size;
	/* Answers, or no DNS at all; but a client may send what its server passes over. */
	if (message_read(bytes + 2, size, sink))
		extract->phase = 0;
	else
		extract->done = ++extract->phase >= EXTRACT_TRIES;
	return size + 2;
}
