/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inspection: frames in, events out, by one profile. This is what an inspection
 * engine does with librepute, written to be read and measured.
 *
 *   inspect_new -> inspect_frames* -> inspect_end -> (inspect_merge ->) inspect_events
 *               -> inspect_free
 *
 * Stages are independent of each other: each address of a packet (source, destination or both:
 * the profile's match-address), each name, each URL is judged by itself, and
 * a permit in one silences nothing in another.
 *
 *   ip      addresses of every packet, also of packets inside packets; hosts that are addresses
 *   domain  DNS queries, HTTP hosts, TLS server names
 *   url     HTTP requests
 *
 * An event is a verdict of a filter or an exception; equal ones (source,
 * destination, destination's port, protocol, application, stage, side, key) are
 * one event with a count. A packet's own verdict is that of its address
 * for which the filter with the lower number won.
 *
 * Frames go through in batches: parse all, then judge all addresses in two calls, then
 * write down the few that have a verdict, then read payloads. No allocation per packet: an
 * event that is new allocates, and a connection with a request that is not whole.
 *
 * One thread an object; workers share the judge. Not part of librepute.
 */
#ifndef QUERY_INSPECT_H
#define QUERY_INSPECT_H

#include "query/extract.h"
#include "query/judge.h"
#include "query/packet.h"
#include "query/stream.h"

#define INSPECT_BATCH 128              /* packets judged together */
#define INSPECT_NAMES 32               /* names and URLs judged together */
#define INSPECT_EVENTS (1u << 20)      /* distinct events kept; more are counted only */
#define INSPECT_TEXT_BYTES (256u << 20) /* texts of their queries */

enum inspect_stage { INSPECT_IP, INSPECT_DOMAIN, INSPECT_URL, INSPECT_STAGES };
/* "ip", "domain", "url" */
extern const char *const inspect_stage_names[INSPECT_STAGES];

#define INSPECT_OUTCOMES (REPUTE_VERDICT_ERROR + 1)

/* A frame, borrowed during the call. */
struct inspect_frame {
	const uint8_t *bytes;
	uint32_t length;
	uint64_t number; /* from 1 */
	uint64_t micros; /* since 1970 */
};

/* Where something was seen. */
struct inspect_place {
	uint8_t addresses[2][16]; /* 0 source, 1 destination; IPv4 in the first 4 bytes */
	uint16_t ports[2];
	uint8_t version, protocol;
	bool has_ports;
};

#define INSPECT_NO_SIDE 2

struct inspect_event {
	struct inspect_place place;     /* of the first one */
	uint8_t stage;                  /* enum inspect_stage */
	uint8_t app;                    /* enum extract_app */
	uint8_t side;                   /* ip: 0 source, 1 destination; else INSPECT_NO_SIDE */
	uint32_t query_length;
	const char *query;              /* as sent; NULL: the address of that side */
	struct repute_verdict verdict;  /* borrows from the judge */
	uint64_t count, number, first_micros, last_micros;
};

struct inspect_counts {
	uint64_t frames, bytes;
	uint64_t outcomes[PACKET_OUTCOMES];         /* of frames and of packets inside them */
	uint64_t odd, fragments;
	uint64_t packets[INSPECT_OUTCOMES];         /* verdicts on whole packets */
	uint64_t asked[INSPECT_STAGES];             /* queries */
	uint64_t verdicts[INSPECT_STAGES][INSPECT_OUTCOMES]; /* their outcomes */
	uint64_t exceptions[INSPECT_STAGES];        /* of those, none by an exception */
	uint64_t events_dropped;                    /* not kept: past a limit */
	struct stream_counts stream;
	double parse_seconds, judge_seconds, event_seconds, payload_seconds;
};

struct inspect_options {
	enum packet_link link;
	uint64_t now;      /* for expiry */
	bool payloads;     /* read names and URLs; else the ip stage alone */
	bool errors;       /* an event for what cannot be judged, too */
	size_t flows;      /* stream_new */
	/* Of tables whose keys strangers send. The same for all that are merged; inspect_run makes
	 * one: that of the view stands in published files. */
	struct hash_seed seed;
};

struct inspect;

/* `judge` is borrowed. */
enum status
inspect_new(const struct judge *judge, const struct inspect_options *options,
	    struct inspect **out, struct fault *fault);
/* NULL is welcome. */
void
inspect_free(struct inspect *inspect);

void
inspect_frames(struct inspect *inspect, const struct inspect_frame *frames, size_t count);
/* Nothing more comes. */
void
inspect_end(struct inspect *inspect);

/* Add what `from`, over the same judge, counted and found; then `from` may be freed. */
void
inspect_merge(struct inspect *inspect, const struct inspect *from);

/* In order of their first packet; borrowed until inspect_free. */
const struct inspect_event *
inspect_events(struct inspect *inspect, size_t *count);
void
inspect_count(const struct inspect *inspect, struct inspect_counts *counts);

#endif
