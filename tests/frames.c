/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/frames.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void
put16(uint8_t *to, size_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void
put32(uint8_t *to, uint32_t value)
{
	put16(to, value >> 16);
	put16(to + 2, value & 0xffff);
}

static size_t
inside(const struct frame *frame)
{
	return FRAMES_MOST - frame->start;
}

void
frame_begin(struct frame *frame, const void *payload, size_t length)
{
	frame->start = FRAMES_MOST;
	if (length > 0)
		frame_wrap(frame, payload, length);
}

void
frame_wrap(struct frame *frame, const void *header, size_t length)
{
	if (length > frame->start)
		abort();
	frame->start -= length;
	memcpy(frame->bytes + frame->start, header, length);
}

void
frame_tcp(struct frame *frame, uint16_t from, uint16_t to, uint32_t sequence, uint8_t flags)
{
	uint8_t header[20] = {0};
	put16(header, from);
	put16(header + 2, to);
	put32(header + 4, sequence);
	header[12] = 5 << 4;
	header[13] = flags;
	put16(header + 14, 65535);
	frame_wrap(frame, header, sizeof(header));
}

void
frame_udp(struct frame *frame, uint16_t from, uint16_t to)
{
	uint8_t header[8] = {0};
	put16(header, from);
	put16(header + 2, to);
	put16(header + 4, inside(frame) + 8);
	frame_wrap(frame, header, sizeof(header));
}

static void
address(int family, const char *text, uint8_t *to)
{
	if (inet_pton(family, text, to) != 1)
		abort();
}

void
frame_ipv4(struct frame *frame, uint8_t protocol, const char *from, const char *to,
	   unsigned fragment, unsigned options)
{
	uint8_t header[60] = {0};
	memset(header + 20, 1, options); /* no operation */
	header[0] = (uint8_t)(0x45 + options / 4);
	put16(header + 2, inside(frame) + 20 + options);
	put16(header + 6, fragment);
	header[8] = 64;
	header[9] = protocol;
	address(AF_INET, from, header + 12);
	address(AF_INET, to, header + 16);
	frame_wrap(frame, header, 20 + options);
}

void
frame_ipv6(struct frame *frame, uint8_t next, const char *from, const char *to)
{
	uint8_t header[40] = {0x60};
	put16(header + 4, inside(frame));
	header[6] = next;
	header[7] = 64;
	address(AF_INET6, from, header + 8);
	address(AF_INET6, to, header + 24);
	frame_wrap(frame, header, sizeof(header));
}

void
frame_ethernet(struct frame *frame, uint16_t type)
{
	uint8_t header[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	put16(header + 12, type);
	frame_wrap(frame, header, sizeof(header));
}

void
frame_tag(struct frame *frame, uint16_t tag, uint16_t type)
{
	uint8_t header[4];
	put16(header, tag);
	put16(header + 2, type);
	frame_wrap(frame, header, sizeof(header));
}

/* --- files --------------------------------------------------------------------------------- */

FILE *
frames_open(const char *path, uint32_t link)
{
	const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, link};
	FILE *file = fopen(path, "wb");
	if (file == NULL || fwrite(header, sizeof(header), 1, file) != 1)
		abort();
	return file;
}

void
frames_write(FILE *file, const struct frame *frame, uint64_t micros, uint32_t sent)
{
	size_t length;
	const uint8_t *bytes = frame_bytes(frame, &length);
	const uint32_t header[4] = {(uint32_t)(micros / 1000000), (uint32_t)(micros % 1000000),
				    (uint32_t)length, sent != 0 ? sent : (uint32_t)length};
	if (fwrite(header, sizeof(header), 1, file) != 1 || fwrite(bytes, length, 1, file) != 1)
		abort();
}

/* --- payloads ------------------------------------------------------------------------------ */

size_t
frames_dns(const char *name, uint8_t *to)
{
	size_t at = 12;
	memset(to, 0, 12);
	to[1] = 7;
	to[2] = 1; /* recursion desired */
	to[5] = 1;
	while (*name != '\0') {
		size_t label = strcspn(name, ".");
		to[at] = (uint8_t)label;
		memcpy(to + at + 1, name, label);
		at += label + 1;
		name += label + (name[label] == '.');
	}
	memcpy(to + at, "\0\0\1\0\1", 5);
	return at + 5;
}

size_t
frames_hello(const char *name, uint8_t *to)
{
	size_t length = strlen(name), at = 4;
	memset(to, 0, 60);
	at += 2 + 32;            /* version, random */
	to[at++] = 0;            /* session */
	put16(to + at, 2);       /* one suite */
	put16(to + at + 2, 0x1301);
	at += 4;
	to[at++] = 1;            /* one compression: none */
	to[at++] = 0;
	put16(to + at, 5 + 9 + length); /* extensions */
	put16(to + at + 2, 0x0017);     /* extended master secret, empty, before it; and one byte more */
	put16(to + at + 4, 1);
	to[at + 6] = 0;
	at += 7;
	put16(to + at, 0);       /* server_name */
	put16(to + at + 2, length + 5);
	put16(to + at + 4, length + 3);
	to[at + 6] = 0;
	put16(to + at + 7, length);
	memcpy(to + at + 9, name, length);
	at += 9 + length;
	to[0] = 1;
	to[1] = 0;
	put16(to + 2, at - 4);
	return at;
}

size_t
frames_records(const uint8_t *message, size_t length, size_t most, uint8_t *to)
{
	size_t made = 0;
	for (size_t at = 0; at < length; at += most) {
		size_t size = length - at < most ? length - at : most;
		memcpy(to + made, "\x16\x03\x01", 3);
		put16(to + made + 3, size);
		memcpy(to + made + 5, message + at, size);
		made += size + 5;
	}
	return made;
}
