/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture files: pcap and pcapng through libpcap, one frame after the other.
 * Not part of librepute.
 *
 *   capture_open -> capture_next until CAPTURE_END or CAPTURE_FAIL -> capture_close
 *
 * One thread. A file that ends in the middle of a frame gives the frames
 * before it and then CAPTURE_FAIL.
 */
#ifndef QUERY_CAPTURE_H
#define QUERY_CAPTURE_H

#include <stdio.h>

#include "engine/status.h"
#include "query/packet.h"

#define CAPTURE_FRAME_BYTES 262144u /* of a longer frame that many are read */

struct capture;

/* `path` "-" is standard input. Status: missing, io, format (no capture, or a link not read here). */
enum status
capture_open(const char *path, struct capture **out, struct fault *fault);
/* The same from a stream, which is taken over, also on failure; `name` for faults, borrowed. */
enum status
capture_open_stream(FILE *stream, const char *name, struct capture **out, struct fault *fault);
/* NULL is welcome. */
void
capture_close(struct capture *capture);

enum packet_link
capture_link(const struct capture *capture);

struct capture_frame {
	const uint8_t *bytes; /* borrowed until the next call */
	uint32_t length;      /* bytes captured */
	uint64_t micros;      /* since 1970 */
};

enum capture_outcome { CAPTURE_FRAME, CAPTURE_END, CAPTURE_FAIL };

/* On CAPTURE_FAIL the fault is set: its offset is the number of the frame, from 1. */
enum capture_outcome
capture_next(struct capture *capture, struct capture_frame *frame, struct fault *fault);

#endif
