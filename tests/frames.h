/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames by hand, and capture files of them: what the tests of packets and inspection
 * feed in. Written from the standards, shares no code with query/packet.c.
 *
 *   frames_open -> frames_ip* (layers from the outside in) -> frames_close
 */
#ifndef TESTS_FRAMES_H
#define TESTS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FRAMES_MOST 70000

/* A frame that is written from its end to its beginning: payload first, then what goes around. */
struct frame {
	size_t start;
	uint8_t bytes[FRAMES_MOST];
};

void
frame_begin(struct frame *frame, const void *payload, size_t length);
static inline const uint8_t *
frame_bytes(const struct frame *frame, size_t *length)
{
	*length = FRAMES_MOST - frame->start;
	return frame->bytes + frame->start;
}
/* Anything in front. */
void
frame_wrap(struct frame *frame, const void *header, size_t length);
void
frame_tcp(struct frame *frame, uint16_t from, uint16_t to, uint32_t sequence, uint8_t flags);
void
frame_udp(struct frame *frame, uint16_t from, uint16_t to);
/* Addresses as text. `fragment`: the flags and offset field. `options` bytes of them, in fours. */
void
frame_ipv4(struct frame *frame, uint8_t protocol, const char *from, const char *to,
	   unsigned fragment, unsigned options);
void
frame_ipv6(struct frame *frame, uint8_t next, const char *from, const char *to);
void
frame_ethernet(struct frame *frame, uint16_t type);
void
frame_tag(struct frame *frame, uint16_t tag, uint16_t type); /* before frame_ethernet(tag) */

/* A classic pcap file: microseconds, little-endian. */
FILE *
frames_open(const char *path, uint32_t link);
/* `sent` 0: as long as it is. */
void
frames_write(FILE *file, const struct frame *frame, uint64_t micros, uint32_t sent);

/* A DNS query of a name with dots between labels; returns its length. */
size_t
frames_dns(const char *name, uint8_t *to);
/* A ClientHello as a handshake message. */
size_t
frames_hello(const char *name, uint8_t *to);
/* Records of at most `most` bytes around it. */
size_t
frames_records(const uint8_t *message, size_t length, size_t most, uint8_t *to);

#endif
