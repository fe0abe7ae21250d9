/* SPDX-License-Identifier: Apache-2.0 */
#include "query/stream.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_MASK (STREAM_WINDOW_BYTES - 1)
#define FLOWS_MOST (1u << 24)

/*
 * Bytes ahead of `next`, each at its sequence number modulo the window's size,
 * with a bit for those that are there.
 *
 *        next            next + STREAM_WINDOW_BYTES
 *         |....xxxxxx..xx......|
 */
struct stream_window {
	struct stream_flow *flow;
	unsigned side;
	uint32_t slot;    /* in stream->windows */
	uint32_t stored;  /* bits set */
	uint64_t present[STREAM_WINDOW_BYTES / 64];
	uint8_t bytes[STREAM_WINDOW_BYTES];
};

struct stream {
	struct stream_flow *flows; /* sets of STREAM_WAYS */
	uint32_t *tags;            /* of each flow: what its key hashes to */
	size_t set_mask;
	struct hash_seed seed;
	struct extract_sink *sink;
	struct stream_window *windows[STREAM_WINDOWS];
	uint32_t window_count, window_turn;
	size_t memory_turn;        /* next flow to be asked for memory */
	const struct stream_flow *now_flow;
	unsigned now_side;
	struct stream_counts counts;
};

enum status
stream_new(size_t flows, struct hash_seed seed, struct extract_sink *sink, struct stream **out,
	   struct fault *fault)
{
	size_t sets = 1, want = flows != 0 && flows < FLOWS_MOST ? flows : STREAM_FLOWS;
	struct stream *stream = calloc(1, sizeof(*stream));
	while (sets * STREAM_WAYS < want)
		sets *= 2;
	if (stream != NULL) {
		stream->flows = calloc(sets * STREAM_WAYS, sizeof(*stream->flows));
		stream->tags = calloc(sets * STREAM_WAYS, sizeof(*stream->tags));
	}
	if (stream == NULL || stream->flows == NULL || stream->tags == NULL) {
		stream_free(stream);
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for connections");
	}
	stream->set_mask = sets - 1;
	stream->seed = seed;
	stream->sink = sink;
	*out = stream;
	return STATUS_OK;
}

/* --- handing on ------------------------------------------------------------------------------ */

static void
hand_on(struct stream *stream, struct stream_flow *flow, unsigned side, const uint8_t *bytes,
	size_t length)
{
	struct stream_side *from = &flow->side[side];
	uint32_t gap = from->gap;
	from->next += (uint32_t)length;
	from->gap = 0;
	stream->counts.gaps += gap != 0;
	stream->now_flow = flow;
	stream->now_side = side;
	if (!from->extract.done)
		extract_bytes(&from->extract, bytes, length, gap, stream->sink);
}

/* --- windows ---------------------------------------------------------------------------------- */

static void
window_free(struct stream *stream, struct stream_side *side)
{
	struct stream_window *window = side->window;
	uint32_t last = --stream->window_count;
	stream->windows[last]->slot = window->slot;
	stream->windows[window->slot] = stream->windows[last];
	stream->windows[last] = NULL;
	side->window = NULL;
	free(window);
}

static bool
window_has(const struct stream_window *window, uint32_t at)
{
	at &= WINDOW_MASK;
	return (window->present[at / 64] >> (at % 64) & 1) != 0;
}

static void
window_put(struct stream_window *window, uint32_t at, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint32_t place = (at + (uint32_t)i) & WINDOW_MASK;
		if (window_has(window, place))
			continue;
		window->bytes[place] = bytes[i];
		window->present[place / 64] |= 1ull << (place % 64);
		window->stored++;
	}
}

/* What is in order by now, up to the end of the ring at a time. */
static void
window_drain(struct stream *stream, struct stream_flow *flow, unsigned side)
{
	struct stream_side *from = &flow->side[side];
	struct stream_window *window = from->window;
	while (window->stored > 0 && window_has(window, from->next)) {
		uint32_t start = from->next & WINDOW_MASK, end = start;
		while (end < STREAM_WINDOW_BYTES && window_has(window, end)) {
			window->present[end / 64] &= ~(1ull << (end % 64));
			window->stored--;
			end++;
		}
		hand_on(stream, flow, side, window->bytes + start, end - start);
	}
	if (window->stored == 0)
		window_free(stream, from);
}

/* Go on at `at`; what lies between is missing. More than can be counted is not known. */
static void
segment_jump(struct stream_side *side, uint32_t at, uint32_t gap)
{
	side->next = at;
	side->gap = gap < EXTRACT_GAP_UNKNOWN - side->gap ? side->gap + gap : EXTRACT_GAP_UNKNOWN;
}

/* Wait no longer: holes become gaps. */
static void
window_flush(struct stream *stream, struct stream_flow *flow, unsigned side)
{
	struct stream_side *from = &flow->side[side];
	while (from->window != NULL) {
		uint32_t at = from->next;
		while (!window_has(from->window, at))
			at++;
		segment_jump(from, at, at - from->next);
		window_drain(stream, flow, side);
	}
}

/* The side's window; the one that has had it longest gives up its own if there are too many. */
static struct stream_window *
window_of(struct stream *stream, struct stream_flow *flow, unsigned side)
{
	struct stream_side *from = &flow->side[side];
	if (from->window != NULL)
		return from->window;
	if (stream->window_count == STREAM_WINDOWS) {
		struct stream_window *old = stream->windows[stream->window_turn++ % STREAM_WINDOWS];
		window_flush(stream, old->flow, old->side);
	}
	struct stream_window *window = calloc(1, sizeof(*window));
	if (window == NULL)
		return NULL;
	window->flow = flow;
	window->side = side;
	window->slot = stream->window_count++;
	stream->windows[window->slot] = window;
	from->window = window;
	return window;
}

/* --- connections ------------------------------------------------------------------------------- */

static void
side_end(struct stream *stream, struct stream_flow *flow, unsigned side)
{
	if (flow->side[side].window != NULL)
		window_flush(stream, flow, side);
	stream->now_flow = flow;
	stream->now_side = side;
	extract_end(&flow->side[side].extract, stream->sink);
}

static void
side_reset(struct stream *stream, struct stream_flow *flow, unsigned side)
{
	side_end(stream, flow, side);
	memset(&flow->side[side], 0, sizeof(flow->side[side]));
	flow->side[side].extract.dns = flow->ports[0] == 53 || flow->ports[1] == 53;
}

static void
flow_end(struct stream *stream, struct stream_flow *flow)
{
	if (!flow->used)
		return;
	side_end(stream, flow, 0);
	side_end(stream, flow, 1);
	flow->used = false;
}

/* A sum, so that both directions meet. */
static uint64_t
flow_hash(const struct stream *stream, const struct packet *packet)
{
	uint64_t sum = 0;
	for (unsigned side = 0; side < 2; side++) {
		const uint8_t *address = packet_address(packet, side);
		uint64_t port = side == 0 ? packet->source_port : packet->destination_port;
		if (packet->version == 4)
			sum += hash_word(stream->seed, (uint64_t)be32_get(address) << 16 | port);
		else
			sum += hash_words(stream->seed, be64_get(address), be64_get(address + 8),
					  port, 6);
	}
	return sum;
}

/* Side of the flow that sent the packet; 2: another flow's packet. */
static unsigned
flow_side(const struct stream_flow *flow, const struct packet *packet)
{
	size_t length = packet->version == 4 ? 4 : 16;
	const uint8_t *from = packet_address(packet, 0), *to = packet_address(packet, 1);
	if (!flow->used || flow->version != packet->version)
		return 2;
	for (unsigned side = 0; side < 2; side++) {
		if (flow->ports[side] == packet->source_port &&
		    flow->ports[!side] == packet->destination_port &&
		    memcmp(flow->addresses[side], from, length) == 0 &&
		    memcmp(flow->addresses[!side], to, length) == 0)
			return side;
	}
	return 2;
}

static void
flow_start(struct stream *stream, struct stream_flow *flow, const struct packet *packet)
{
	size_t length = packet->version == 4 ? 4 : 16;
	stream->counts.flows++;
	stream->counts.pushed_out += flow->used;
	flow_end(stream, flow);
	memset(flow, 0, sizeof(*flow));
	flow->used = true;
	flow->version = packet->version;
	flow->ports[0] = packet->source_port;
	flow->ports[1] = packet->destination_port;
	memcpy(flow->addresses[0], packet_address(packet, 0), length);
	memcpy(flow->addresses[1], packet_address(packet, 1), length);
	side_reset(stream, flow, 0);
	side_reset(stream, flow, 1);
}

/* Free places go first, then connections that carried nothing, then the quietest. */
static bool
gives_way(const struct stream_flow *a, const struct stream_flow *b)
{
	if (a->used != b->used)
		return !a->used;
	if (a->carried != b->carried)
		return !a->carried;
	return a->last.number < b->last.number;
}

static struct stream_flow *
flow_of(struct stream *stream, const struct packet *packet, unsigned *side)
{
	uint64_t hash = flow_hash(stream, packet);
	uint32_t tag = (uint32_t)(hash >> 32);
	size_t set = (hash & stream->set_mask) * STREAM_WAYS, victim = set;
	for (size_t i = set; i < set + STREAM_WAYS; i++) {
		if (stream->tags[i] == tag) {
			*side = flow_side(&stream->flows[i], packet);
			if (*side < 2)
				return &stream->flows[i];
		}
		if (gives_way(&stream->flows[i], &stream->flows[victim]))
			victim = i;
	}
	flow_start(stream, &stream->flows[victim], packet);
	stream->tags[victim] = tag;
	*side = 0;
	return &stream->flows[victim];
}

/* --- segments ----------------------------------------------------------------------------------- */

/* Too much is held: connections in turn read what they have and start over. */
static void
memory_bound(struct stream *stream)
{
	size_t count = (stream->set_mask + 1) * STREAM_WAYS;
	for (size_t i = 0; i < count && *stream->sink->memory > STREAM_MEMORY_BYTES; i++) {
		struct stream_flow *flow = &stream->flows[stream->memory_turn++ % count];
		stream->counts.pushed_out += flow->used;
		flow_end(stream, flow);
	}
}

/* Keep as much as the window can hold; returns how much. 0: it lies too far ahead to be waited for. */
static uint32_t
segment_keep(struct stream *stream, struct stream_flow *flow, unsigned side, uint32_t at,
	     const uint8_t *bytes, uint32_t length)
{
	uint32_t offset = at - flow->side[side].next;
	struct stream_window *window =
		offset < STREAM_WINDOW_BYTES ? window_of(stream, flow, side) : NULL;
	if (window == NULL)
		return 0;
	if (length > STREAM_WINDOW_BYTES - offset)
		length = STREAM_WINDOW_BYTES - offset;
	window_put(window, at, bytes, length);
	window_drain(stream, flow, side);
	return length;
}

/* Each round takes bytes, ends the window or jumps, after which the rest is in order. */
static void
segment_take(struct stream *stream, struct stream_flow *flow, unsigned side, uint32_t at,
	     const uint8_t *bytes, uint32_t length)
{
	struct stream_side *from = &flow->side[side];
	while (length > 0) {
		int32_t offset = (int32_t)(at - from->next);
		uint32_t took = 0;
		if (offset < 0) {
			took = 0u - (uint32_t)offset < length ? 0u - (uint32_t)offset : length;
			if (offset < -(int32_t)STREAM_BEHIND_BYTES && from->window == NULL) {
				segment_jump(from, at, EXTRACT_GAP_UNKNOWN);
				took = 0;
			}
		} else if (offset == 0 && from->window == NULL) {
			hand_on(stream, flow, side, bytes, length);
			return;
		} else {
			took = segment_keep(stream, flow, side, at, bytes, length);
			if (took == 0 && from->window != NULL)
				window_flush(stream, flow, side);
			else if (took == 0)
				segment_jump(from, at, (uint32_t)offset);
		}
		at += took;
		bytes += took;
		length -= took;
	}
}

/* A new connection in the place of an old one, or the first sight of a side. */
static void
segment_syn(struct stream *stream, struct stream_flow *flow, unsigned side, uint32_t first)
{
	struct stream_side *from = &flow->side[side];
	if (from->started && from->first == first)
		return;
	if (from->started)
		side_reset(stream, flow, side);
	from->first = from->next = first;
	from->started = true;
}

/* The snapshot length cut the segment: the rest of it is a gap. */
static void
segment_cut(struct stream_side *side, uint32_t end, uint32_t missing)
{
	if (side->window == NULL && side->next == end)
		segment_jump(side, end + missing, missing);
}

void
stream_packet(struct stream *stream, const struct packet *packet, struct stream_stamp stamp)
{
	unsigned side;
	if (packet->protocol != PACKET_TCP || !packet->ports)
		return;
	bool syn = (packet->tcp_flags & PACKET_SYN) != 0;
	if (packet->payload_length == 0 && packet->payload_missing == 0 && !syn)
		return;
	struct stream_flow *flow = flow_of(stream, packet, &side);
	struct stream_side *from = &flow->side[side];
	uint32_t at = packet->sequence + syn;
	flow->last = stamp;
	if (syn)
		segment_syn(stream, flow, side, at);
	else if (!from->started)
		from->first = from->next = at;
	from->started = true;
	if (packet->payload_length > 0) {
		flow->carried = true;
		segment_take(stream, flow, side, at, packet->payload, packet->payload_length);
	}
	if (packet->payload_missing > 0)
		segment_cut(from, at + packet->payload_length, packet->payload_missing);
	if (*stream->sink->memory > STREAM_MEMORY_BYTES)
		memory_bound(stream);
}

void
stream_end(struct stream *stream)
{
	size_t count = (stream->set_mask + 1) * STREAM_WAYS;
	for (size_t i = 0; i < count; i++)
		flow_end(stream, &stream->flows[i]);
}

static void
sides_free(struct stream_flow *flow)
{
	for (unsigned side = 0; side < 2; side++) {
		free(flow->side[side].window);
		free(flow->side[side].extract.buffer);
	}
}

void
stream_free(struct stream *stream)
{
	if (stream == NULL)
		return;
	for (size_t i = 0; stream->flows != NULL && i < (stream->set_mask + 1) * STREAM_WAYS; i++)
		sides_free(&stream->flows[i]);
	free(stream->flows);
	free(stream->tags);
	free(stream);
}

const struct stream_flow *
stream_now(const struct stream *stream, unsigned *side)
{
	*side = stream->now_side;
	return stream->now_flow;
}

void
stream_count(const struct stream *stream, struct stream_counts *counts)
{
	*counts = stream->counts;
}
