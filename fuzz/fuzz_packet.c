/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames through query/packet.h, query/stream.h and query/extract.h. Byte 0 is the link
 * type; then frames, each after two bytes of length (little-endian; cut at the end of the
 * input). Promised: what is found lies within its limits, memory is counted right, and
 * what is borrowed lies in the frame.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "query/stream.h"

#define FRAMES 200

static struct extract_sink sink;
static size_t memory, found;

static void
item(void *context, const struct extract_item *what)
{
	assert(what->app > EXTRACT_UNKNOWN && what->app < EXTRACT_APPS);
	assert(what->length > 0 && what->length <= EXTRACT_TEXT_BYTES);
	for (size_t i = 0; i < what->length; i++)
		found += (uint8_t)what->text[i]; /* every byte can be read */
	for (size_t i = 0; what->url && i < what->host_length; i++)
		found += (uint8_t)what->host[i];
}

static size_t
authority(void *context, char *text)
{
	memcpy(text, "192.0.2.1", 9);
	return 9;
}

static void
frame(struct stream *stream, enum packet_link link, const uint8_t *bytes, size_t length,
      uint64_t number)
{
	struct packet packet;
	enum packet_outcome outcome = packet_parse(link, bytes, length, &packet);
	for (unsigned depth = 0; outcome == PACKET_IP && depth <= PACKET_TUNNELS; depth++) {
		size_t addresses = packet.version == 4 ? 8 : 32;
		assert(packet.addresses >= bytes && packet.addresses + addresses <= bytes + length);
		assert(packet.payload_length == 0 ||
		       (packet.payload >= bytes &&
			packet.payload + packet.payload_length <= bytes + length));
		found += packet_flow_hash(&packet);
		stream_packet(stream, &packet, (struct stream_stamp){number, number});
		if (packet.ports && packet.protocol == PACKET_UDP && packet.payload_length > 0)
			extract_datagram(packet.payload, packet.payload_length, &sink);
		outcome = packet_inner(&packet, &packet);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hash_seed seed = {{1, 2}};
	struct stream *stream;
	struct stream_counts counts;
	size_t at = 1;
	if (size < 1)
		return 0;
	memory = 0;
	sink.item = item;
	sink.authority = authority;
	sink.memory = &memory;
	if (stream_new(16, seed, &sink, &stream, NULL) != STATUS_OK)
		abort();
	for (unsigned i = 1; i <= FRAMES && size - at > 2; i++) {
		size_t length = data[at] | (size_t)data[at + 1] << 8;
		at += 2;
		length = length < size - at ? length : size - at;
		uint8_t *exact = malloc(length > 0 ? length : 1); /* a read past the end is seen */
		memcpy(exact, data + at, length);
		frame(stream, (enum packet_link)(data[0] % PACKET_LINKS), exact, length, i);
		free(exact);
		at += length;
	}
	stream_count(stream, &counts);
	assert(counts.flows <= FRAMES * (PACKET_TUNNELS + 1));
	stream_end(stream);
	assert(memory == 0);
	stream_free(stream);
	return 0;
}
