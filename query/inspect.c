/* SPDX-License-Identifier: Apache-2.0 */
#include "query/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/key.h"
#include "query/inspect_events.h"
#include "query/inspect_names.h"

#define AHEAD 8 /* frames whose first line is on its way while one is parsed */
#define ROOM (INSPECT_BATCH + PACKET_TUNNELS)

const char *const inspect_stage_names[INSPECT_STAGES] = {"ip", "domain", "url"};

/*
 * The addresses of one batch, by kind, as judge_hits wants them, and the few
 * verdicts that it gives. With both sides asked those of a packet are neighbours.
 */
struct addresses {
	unsigned count, packets;
	uint16_t packet[ROOM];      /* whose each `sides` of them are */
	uint32_t ipv4[2 * ROOM];
	uint8_t ipv6[2 * ROOM][16];
	size_t decided;
	uint32_t places[2 * ROOM];  /* of the addresses that have a verdict */
	struct repute_verdict verdicts[2 * ROOM];
	uint16_t row_of[2 * ROOM];  /* by address: 1 + number of its verdict; 0 between batches */
};

struct inspect {
	const struct judge *judge;
	struct inspect_options options;
	unsigned side_first, sides;
	unsigned count;             /* packets of the batch */
	struct packet packets[ROOM];
	const struct inspect_frame *frame[ROOM];
	unsigned carriers;          /* packets that have something for payloads_read */
	uint16_t carrier[ROOM];
	struct addresses four, six;
	struct inspect_events events;
	struct inspect_names *names;
	struct stream *stream;
	struct inspect_counts counts;
	bool datagram;              /* the sink is called for the packet at hand, not for a stream */
	struct inspect_place place; /* and that is where it is */
	struct stream_stamp stamp;
	size_t memory;
	struct extract_sink sink;
};

/* --- what extractors find --------------------------------------------------------------------- */

static void
place_of_flow(const struct stream_flow *flow, unsigned side, struct inspect_place *place)
{
	memset(place, 0, sizeof(*place));
	for (unsigned i = 0; i < 2; i++) {
		memcpy(place->addresses[i], flow->addresses[side ^ i], 16);
		place->ports[i] = flow->ports[side ^ i];
	}
	place->version = flow->version;
	place->protocol = PACKET_TCP;
	place->has_ports = true;
}

static void
place_of_packet(const struct packet *packet, struct inspect_place *place)
{
	size_t length = packet->version == 4 ? 4 : 16;
	memset(place, 0, sizeof(*place));
	memcpy(place->addresses[0], packet_address(packet, 0), length);
	memcpy(place->addresses[1], packet_address(packet, 1), length);
	place->ports[0] = packet->source_port;
	place->ports[1] = packet->destination_port;
	place->version = packet->version;
	place->protocol = packet->protocol;
	place->has_ports = packet->ports;
}

static void
found(void *context, const struct extract_item *item)
{
	struct inspect *inspect = context;
	struct inspect_place place;
	unsigned side;
	if (inspect->datagram) {
		inspect_names_take(inspect->names, item, &inspect->place, inspect->stamp);
		return;
	}
	const struct stream_flow *flow = stream_now(inspect->stream, &side);
	place_of_flow(flow, side, &place);
	inspect_names_take(inspect->names, item, &place, flow->last);
}

/* 192.0.2.1:8080, [2001:db8::1] */
static size_t
authority(void *context, char *text)
{
	struct inspect *inspect = context;
	unsigned side;
	const struct stream_flow *flow = stream_now(inspect->stream, &side);
	const uint8_t *address = flow->addresses[!side];
	uint16_t port = flow->ports[!side];
	char digits[6];
	size_t length = 0, count = 0;
	if (flow->version == 4) {
		length = key_print_ipv4(address, text);
	} else {
		text[0] = '[';
		length = 1 + key_print_ipv6(address, text + 1);
		text[length++] = ']';
	}
	if (port == 80)
		return length;
	text[length++] = ':';
	do
		digits[count++] = (char)('0' + port % 10);
	while ((port /= 10) != 0);
	while (count > 0)
		text[length++] = digits[--count];
	return length;
}

/* --- life --------------------------------------------------------------------------------------- */

enum status
inspect_new(const struct judge *judge, const struct inspect_options *options,
	    struct inspect **out, struct fault *fault)
{
	static const struct {
		uint8_t first, count;
	} sides[] = {[PROFILE_MATCH_BOTH] = {0, 2}, [PROFILE_MATCH_SOURCE] = {0, 1},
		     [PROFILE_MATCH_DESTINATION] = {1, 1}};
	enum profile_match_address match = judge_profile(judge)->match_address;
	struct inspect *inspect = calloc(1, sizeof(*inspect));
	if (inspect == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to inspect");
	inspect->judge = judge;
	inspect->options = *options;
	inspect->side_first = sides[match].first;
	inspect->sides = sides[match].count;
	inspect->events.seed = options->seed;
	inspect->sink.item = found;
	inspect->sink.authority = authority;
	inspect->sink.context = inspect;
	inspect->sink.memory = &inspect->memory;
	enum status status = inspect_names_new(judge, options->now, options->errors,
					       &inspect->events, &inspect->counts,
					       &inspect->names, fault);
	if (status == STATUS_OK && options->payloads)
		status = stream_new(options->flows, inspect->events.seed, &inspect->sink,
				    &inspect->stream, fault);
	if (status != STATUS_OK)
		inspect_free(inspect);
	else
		*out = inspect;
	return status;
}

void
inspect_free(struct inspect *inspect)
{
	if (inspect == NULL)
		return;
	stream_free(inspect->stream);
	inspect_names_free(inspect->names);
	inspect_events_fini(&inspect->events);
	free(inspect);
}

/* --- ip stage ----------------------------------------------------------------------------------- */

/* Anything for the reader of payloads: bytes, or the beginning of a connection. */
static inline bool
carries(const struct packet *packet)
{
	return packet->ports && (packet->payload_length > 0 || packet->payload_missing > 0 ||
				 (packet->tcp_flags & PACKET_SYN) != 0);
}

static inline void
addresses_add(struct inspect *inspect, const struct packet *packet)
{
	unsigned first = inspect->side_first, sides = inspect->sides;
	struct addresses *to = packet->version == 4 ? &inspect->four : &inspect->six;
	to->packet[to->packets++] = (uint16_t)inspect->count;
	if (packet->version == 4) {
		to->ipv4[to->count] = packet_ipv4(packet, first);
		to->ipv4[to->count + sides - 1] = packet_ipv4(packet, first + sides - 1);
	} else {
		memcpy(to->ipv6[to->count], packet_address(packet, first), 16 * sides);
	}
	to->count += sides;
}

/* The packet that was parsed to the next free place. */
static inline void
packet_take(struct inspect *inspect, const struct inspect_frame *frame)
{
	const struct packet *packet = &inspect->packets[inspect->count];
	if (packet->odd || packet->fragment) {
		inspect->counts.odd += packet->odd;
		inspect->counts.fragments += packet->fragment;
	}
	if (carries(packet))
		inspect->carrier[inspect->carriers++] = (uint16_t)inspect->count;
	addresses_add(inspect, packet);
	inspect->frame[inspect->count++] = frame;
}

/* The packets inside, each as if it had come by itself. */
static void
tunnels_take(struct inspect *inspect, const struct inspect_frame *frame)
{
	for (unsigned depth = 0; depth < PACKET_TUNNELS; depth++) {
		struct packet *inner = &inspect->packets[inspect->count];
		enum packet_outcome outcome = packet_inner(inner - 1, inner);
		if (outcome == PACKET_NOT_IP)
			return;
		inspect->counts.outcomes[outcome]++;
		if (outcome != PACKET_IP)
			return;
		packet_take(inspect, frame);
	}
}

static inline void
frame_take(struct inspect *inspect, const struct inspect_frame *frame)
{
	struct packet *packet = &inspect->packets[inspect->count];
	enum packet_outcome outcome =
		packet_parse(inspect->options.link, frame->bytes, frame->length, packet);
	inspect->counts.outcomes[outcome]++;
	inspect->counts.bytes += frame->length;
	if (outcome != PACKET_IP)
		return;
	packet_take(inspect, frame);
	if (!packet->ports)
		tunnels_take(inspect, frame);
}

static void
addresses_judge(struct inspect *inspect, struct addresses *addresses, enum kind kind)
{
	struct lookup_batch batch = {.kind = kind, .ipv4 = addresses->ipv4,
				     .bytes = addresses->ipv6[0]};
	addresses->decided = 0;
	if (addresses->count > 0)
		addresses->decided = judge_hits(inspect->judge, &batch, addresses->count,
						inspect->options.now, addresses->places,
						addresses->verdicts);
}

static void
event_add(struct inspect *inspect, unsigned i, unsigned side, const struct repute_verdict *verdict)
{
	const struct inspect_frame *frame = inspect->frame[i];
	struct inspect_event event = {.stage = INSPECT_IP, .side = (uint8_t)side, .count = 1,
				      .verdict = *verdict, .number = frame->number,
				      .first_micros = frame->micros,
				      .last_micros = frame->micros};
	place_of_packet(&inspect->packets[i], &event.place);
	inspect_events_add(&inspect->events, &event, 0);
}

/* One packet, whose addresses begin at `place` and of which at least one has a verdict. */
static void
packet_decide(struct inspect *inspect, const struct addresses *addresses, unsigned place)
{
	static const struct repute_verdict none = {.filter = REPUTE_NO_ROW,
						   .exception = REPUTE_NO_ROW};
	struct inspect_counts *counts = &inspect->counts;
	const struct repute_verdict *wins = &none;
	unsigned packet = addresses->packet[place / inspect->sides];
	for (unsigned side = 0; side < inspect->sides; side++) {
		unsigned row = addresses->row_of[place + side];
		const struct repute_verdict *verdict = row ? &addresses->verdicts[row - 1] : &none;
		counts->verdicts[INSPECT_IP][verdict->outcome]++;
		counts->exceptions[INSPECT_IP] += verdict->exception != REPUTE_NO_ROW;
		if (row != 0)
			event_add(inspect, packet, inspect->side_first + side, verdict);
		if (verdict->filter < wins->filter)
			wins = verdict;
	}
	counts->packets[wins->outcome]++;
}

/* Nearly all packets have no verdict: they are counted without being touched. */
static void
packets_decide(struct inspect *inspect, struct addresses *addresses)
{
	struct inspect_counts *counts = &inspect->counts;
	unsigned sides = inspect->sides, quiet = addresses->packets;
	for (size_t i = 0; i < addresses->decided; i++)
		addresses->row_of[addresses->places[i]] = (uint16_t)(i + 1);
	for (size_t i = 0; i < addresses->decided; i++) {
		unsigned place = addresses->places[i], first = place - place % sides;
		if (place != first && addresses->row_of[first] != 0)
			continue; /* the packet's first address comes, or came, by itself */
		packet_decide(inspect, addresses, first);
		quiet--;
	}
	for (size_t i = 0; i < addresses->decided; i++)
		addresses->row_of[addresses->places[i]] = 0;
	counts->packets[REPUTE_VERDICT_NONE] += quiet;
	counts->verdicts[INSPECT_IP][REPUTE_VERDICT_NONE] += (uint64_t)quiet * sides;
	counts->asked[INSPECT_IP] += addresses->count;
}

/* --- payloads ------------------------------------------------------------------------------------ */

static bool
is_dns(uint16_t port)
{
	return port == 53 || port == 5353 || port == 5355;
}

static void
payload_read(struct inspect *inspect, unsigned i)
{
	const struct packet *packet = &inspect->packets[i];
	inspect->stamp = (struct stream_stamp){inspect->frame[i]->number,
					       inspect->frame[i]->micros};
	if (packet->protocol == PACKET_TCP) {
		stream_packet(inspect->stream, packet, inspect->stamp);
	} else if (packet->payload_length > 0 &&
		   (is_dns(packet->destination_port) || is_dns(packet->source_port))) {
		inspect->datagram = true;
		place_of_packet(packet, &inspect->place);
		extract_datagram(packet->payload, packet->payload_length, &inspect->sink);
		inspect->datagram = false;
	}
}

static void
payloads_read(struct inspect *inspect)
{
	if (!inspect->options.payloads || inspect->carriers == 0)
		return;
	for (unsigned i = 0; i < inspect->carriers; i++)
		payload_read(inspect, inspect->carrier[i]);
	inspect_names_flush(inspect->names);
}

/* --- all ------------------------------------------------------------------------------------------- */

/* Parse up to a batch; returns how many frames that took. */
static size_t
batch_take(struct inspect *inspect, const struct inspect_frame *frames, size_t count)
{
	size_t i = 0;
	inspect->count = inspect->carriers = 0;
	inspect->four.count = inspect->four.packets = 0;
	inspect->six.count = inspect->six.packets = 0;
	while (i < count && inspect->count < INSPECT_BATCH) {
		__builtin_prefetch(frames[i + AHEAD < count ? i + AHEAD : i].bytes);
		frame_take(inspect, &frames[i++]);
	}
	inspect->counts.frames += i;
	return i;
}

void
inspect_frames(struct inspect *inspect, const struct inspect_frame *frames, size_t count)
{
	struct inspect_counts *counts = &inspect->counts;
	double start = clock_elapsed(), end;
	for (size_t i = 0; i < count;) {
		i += batch_take(inspect, frames + i, count - i);
		end = clock_elapsed();
		counts->parse_seconds += end - start;
		addresses_judge(inspect, &inspect->four, KIND_IPV4);
		addresses_judge(inspect, &inspect->six, KIND_IPV6);
		start = clock_elapsed();
		counts->judge_seconds += start - end;
		packets_decide(inspect, &inspect->four);
		packets_decide(inspect, &inspect->six);
		end = clock_elapsed();
		counts->event_seconds += end - start;
		payloads_read(inspect);
		start = clock_elapsed();
		counts->payload_seconds += start - end;
	}
}

void
inspect_end(struct inspect *inspect)
{
	if (inspect->stream == NULL)
		return;
	stream_end(inspect->stream);
	inspect_names_flush(inspect->names);
}

/* --- results ---------------------------------------------------------------------------------------- */

/* 64-bit numbers up to the seconds, then those. */
static void
counts_add(struct inspect_counts *to, const struct inspect_counts *from)
{
	size_t words = offsetof(struct inspect_counts, parse_seconds) / sizeof(uint64_t);
	uint64_t sum[sizeof(*to) / sizeof(uint64_t)], more[sizeof(*to) / sizeof(uint64_t)];
	struct inspect_counts result;
	memcpy(sum, to, sizeof(sum));
	memcpy(more, from, sizeof(more));
	for (size_t i = 0; i < words; i++)
		sum[i] += more[i];
	memcpy(&result, sum, sizeof(result));
	result.parse_seconds = to->parse_seconds + from->parse_seconds;
	result.judge_seconds = to->judge_seconds + from->judge_seconds;
	result.event_seconds = to->event_seconds + from->event_seconds;
	result.payload_seconds = to->payload_seconds + from->payload_seconds;
	*to = result;
}

void
inspect_merge(struct inspect *inspect, const struct inspect *from)
{
	struct inspect_counts more;
	inspect_count(from, &more);
	more.events_dropped = 0;
	counts_add(&inspect->counts, &more);
	inspect_events_merge(&inspect->events, &from->events);
}

const struct inspect_event *
inspect_events(struct inspect *inspect, size_t *count)
{
	inspect_events_sort(&inspect->events);
	*count = inspect->events.count;
	return inspect->events.rows;
}

void
inspect_count(const struct inspect *inspect, struct inspect_counts *counts)
{
	struct stream_counts stream = {0};
	*counts = inspect->counts;
	counts->events_dropped = inspect->events.dropped;
	if (inspect->stream != NULL)
		stream_count(inspect->stream, &stream);
	counts->stream.flows += stream.flows;
	counts->stream.pushed_out += stream.pushed_out;
	counts->stream.gaps += stream.gaps;
}
