/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One captured frame to addresses, ports and payload. Bytes only: no memory of
 * other packets, no allocation, everything borrowed from the frame.
 *
 *   packet_parse(link, bytes, length) -> PACKET_IP -> packet_inner() until not PACKET_IP
 *
 * Ethernet (VLAN, QinQ, MPLS, PPPoE sessions), Linux cooked (SLL, SLL2), raw
 * IP and loopback; IPv4 with options, IPv6 with extension headers; TCP, UDP,
 * ICMP. The first fragment of a datagram has its ports but no payload, the
 * others have addresses alone: datagrams are not put together again.
 * What is broken above the addresses makes a packet `odd`, not refused: it is
 * judged by its addresses. Checksums are not looked at: captures taken on a
 * sender lack them.
 *
 * Any bytes are safe. Any thread. Cost for TCP over IPv4 over Ethernet: one
 * cache line, some forty instructions.
 */
#ifndef QUERY_PACKET_H
#define QUERY_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/bytes.h"

#define PACKET_TAGS 8        /* VLAN tags and MPLS labels of a frame */
#define PACKET_EXTENSIONS 8  /* IPv6 extension headers */
#define PACKET_TUNNELS 4     /* packets inside packets */

enum packet_link {
	PACKET_ETHERNET,
	PACKET_RAW,       /* begins with the IP header */
	PACKET_NULL,      /* BSD loopback: a family in the byte order of the machine */
	PACKET_LOOP,      /* OpenBSD loopback: in network order */
	PACKET_SLL,
	PACKET_SLL2,
	PACKET_LINKS
};

enum packet_outcome {
	PACKET_IP,        /* addresses are known */
	PACKET_NOT_IP,    /* ARP, LLDP and the like */
	PACKET_SHORT,     /* the capture cut it off before its addresses */
	PACKET_MALFORMED, /* no IP header where one should be */
	PACKET_OUTCOMES
};

#define PACKET_TCP 6
#define PACKET_UDP 17
#define PACKET_FIN 1
#define PACKET_SYN 2
#define PACKET_RST 4

struct packet {
	const uint8_t *addresses; /* source, then destination: 4 or 16 bytes each */
	const uint8_t *payload;   /* of TCP and UDP; of a tunnel: the packet inside */
	uint32_t payload_length;  /* bytes that are here */
	uint32_t payload_missing; /* bytes that were sent after them and not captured */
	uint32_t sequence;        /* tcp */
	uint16_t source_port, destination_port;
	uint8_t version;          /* 4 or 6 */
	uint8_t protocol;         /* IANA number, after extension headers */
	uint8_t tcp_flags;        /* PACKET_FIN | ... */
	bool ports;               /* tcp or udp, and the ports are known */
	bool fragment;            /* a piece of a datagram */
	bool odd;                 /* something above the addresses is broken */
};

/* *packet is undefined unless PACKET_IP is returned. */
enum packet_outcome
packet_parse(enum packet_link link, const uint8_t *bytes, size_t length, struct packet *packet);

/*
 * The packet inside `outer` (IPv4 or IPv6 in IP, GRE); PACKET_NOT_IP if there
 * is none. The caller counts to PACKET_TUNNELS. The two may be the same variable.
 */
enum packet_outcome
packet_inner(const struct packet *outer, struct packet *inner);

/* Addresses of PACKET_IP. Side 0 is the source, 1 the destination. */
static inline uint32_t
packet_ipv4(const struct packet *packet, unsigned side)
{
	return be32_get(packet->addresses + 4 * side);
}

static inline const uint8_t *
packet_address(const struct packet *packet, unsigned side)
{
	return packet->addresses + (packet->version == 4 ? 4 : 16) * side;
}

/* The same number for both directions of a flow. Not keyed: for sharing out work only. */
uint32_t
packet_flow_hash(const struct packet *packet);

#endif
