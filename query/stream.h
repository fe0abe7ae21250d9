/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP segments to ordered bytes, both directions of many connections, for
 * extract.h. Where bytes overlap, those that came first count.
 *
 *   stream_new -> stream_packet* -> stream_end -> stream_free
 *
 * Everything is bounded: connections (the one of its set of STREAM_WAYS that
 * was quiet longest makes room, those that carried nothing first), windows for
 * segments out of order, and memory for requests that are not whole. What is
 * pushed out is read as far as it goes. A direction in which nothing more can
 * be found costs its look-up only.
 *
 * A hole is waited for until STREAM_WINDOW_BYTES lie behind it or the capture
 * ends; then it is a gap. RST and FIN close nothing: a forged one would
 * hide what follows. A connection seen from its middle begins with the first
 * segment that is seen.
 *
 * One thread a table.
 */
#ifndef QUERY_STREAM_H
#define QUERY_STREAM_H

#include "engine/hash.h"
#include "engine/status.h"
#include "query/extract.h"
#include "query/packet.h"

#define STREAM_WAYS 8
#define STREAM_FLOWS 65536u           /* connections that a table follows, unless told */
#define STREAM_WINDOW_BYTES 32768u    /* ahead of what is in order; a power of two */
#define STREAM_BEHIND_BYTES (1u << 20) /* an older segment than that is no repetition: look anew */
#define STREAM_WINDOWS 1024u          /* of all connections together */
#define STREAM_MEMORY_BYTES (256u << 20) /* of requests that are not whole */

/* When a packet was seen: numbers go up. */
struct stream_stamp {
	uint64_t number, micros;
};

struct stream_side {
	struct extract extract;
	struct stream_window *window; /* segments out of order; NULL: none */
	uint32_t first;               /* sequence number that it began with */
	uint32_t next;                /* sequence number that is due */
	uint32_t gap;                 /* bytes missing before it */
	bool started;
};

/* A connection. Side 0 sent the packet that made it. */
struct stream_flow {
	uint8_t addresses[2][16];
	uint16_t ports[2];
	uint8_t version;
	bool used, carried;           /* carried: any payload */
	struct stream_stamp last;     /* of its last packet */
	struct stream_side side[2];
};

struct stream_counts {
	uint64_t flows;               /* connections seen */
	uint64_t pushed_out;          /* that made room for others */
	uint64_t gaps;                /* holes that were not filled */
};

struct stream;

/* `flows` 0: STREAM_FLOWS; rounded up to a power of two. `seed` keys the table; `sink` is borrowed. */
enum status
stream_new(size_t flows, struct hash_seed seed, struct extract_sink *sink, struct stream **out,
	   struct fault *fault);
/* Nothing is read any more. NULL is welcome. */
void
stream_free(struct stream *stream);

/* Anything but TCP with ports is left alone. */
void
stream_packet(struct stream *stream, const struct packet *packet, struct stream_stamp stamp);
/* Nothing more comes: read what is left, forget all connections. */
void
stream_end(struct stream *stream);

/* During a call of the sink: the connection, and the side that sent. */
const struct stream_flow *
stream_now(const struct stream *stream, unsigned *side);

void
stream_count(const struct stream *stream, struct stream_counts *counts);

#endif
