/* SPDX-License-Identifier: Apache-2.0 */
/* A capture file in memory through query/capture.h: any bytes give frames, an end or a fault. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "query/capture.h"

#define FRAMES 10000

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture *capture;
	struct capture_frame frame;
	struct fault fault = {0};
	enum capture_outcome outcome = CAPTURE_FRAME;
	static volatile size_t sum;
	FILE *stream = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "rb") : NULL;
	if (stream == NULL)
		return 0;
	if (capture_open_stream(stream, "memory", &capture, &fault) != STATUS_OK) {
		assert(fault.text[0] != '\0');
		return 0;
	}
	assert(capture_link(capture) < PACKET_LINKS);
	for (unsigned i = 0; i < FRAMES && outcome == CAPTURE_FRAME; i++) {
		struct packet packet;
		outcome = capture_next(capture, &frame, &fault);
		if (outcome != CAPTURE_FRAME)
			break;
		assert(frame.length <= CAPTURE_FRAME_BYTES);
		sum += packet_parse(capture_link(capture), frame.bytes, frame.length, &packet);
	}
	assert(outcome != CAPTURE_FAIL || fault.text[0] != '\0');
	capture_close(capture);
	return 0;
}
