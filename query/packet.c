/* SPDX-License-Identifier: Apache-2.0 */
#include "query/packet.h"

#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define TYPE_MPLS 0x8847
#define TYPE_PPPOE 0x8864

/* What is left of a frame. */
struct rest {
	const uint8_t *bytes;
	size_t length;
};

static inline unsigned
be16_get(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static inline bool
rest_skip(struct rest *rest, size_t length)
{
	if (rest->length < length)
		return false;
	rest->bytes += length;
	rest->length -= length;
	return true;
}

/* --- transport ------------------------------------------------------------------------ */

/* `sent`: bytes from here to the end of the datagram, as its header says. */
static inline void
payload_set(struct packet *packet, struct rest rest, size_t header, size_t sent)
{
	size_t here = rest.length < sent ? rest.length : sent;
	if (here < header) {
		packet->odd |= sent < header;
		return;
	}
	packet->payload = rest.bytes + header;
	packet->payload_length = (uint32_t)(here - header);
	packet->payload_missing = (uint32_t)(sent - here);
}

static inline void
ports_set(struct packet *packet, const uint8_t *bytes)
{
	packet->ports = true;
	packet->source_port = (uint16_t)be16_get(bytes);
	packet->destination_port = (uint16_t)be16_get(bytes + 2);
}

static inline void
tcp_parse(struct packet *packet, struct rest rest, size_t sent)
{
	if (rest.length < 20 || sent < 20) {
		packet->odd |= sent < 20;
		if (rest.length >= 4 && sent >= 4)
			ports_set(packet, rest.bytes);
		return;
	}
	size_t header = (size_t)(rest.bytes[12] >> 4) * 4;
	ports_set(packet, rest.bytes);
	packet->sequence = be32_get(rest.bytes + 4);
	if (header < 20 || header > sent) {
		packet->odd = true;
		return;
	}
	packet->tcp_flags = rest.bytes[13];
	payload_set(packet, rest, header, sent);
}

static inline void
udp_parse(struct packet *packet, struct rest rest, size_t sent)
{
	if (rest.length < 8 || sent < 8) {
		packet->odd |= sent < 8;
		if (rest.length >= 4 && sent >= 4)
			ports_set(packet, rest.bytes);
		return;
	}
	size_t says = be16_get(rest.bytes + 4);
	ports_set(packet, rest.bytes);
	if (says != 0 && (says < 8 || says > sent))
		packet->odd = true;
	else
		payload_set(packet, rest, 8, says != 0 ? says : sent);
}

static inline void
transport_parse(struct packet *packet, struct rest rest, size_t sent, bool more)
{
	if (packet->protocol == PACKET_TCP)
		tcp_parse(packet, rest, sent);
	else if (packet->protocol == PACKET_UDP && !more)
		udp_parse(packet, rest, sent);
	else if (packet->protocol == PACKET_UDP && rest.length >= 4 && sent >= 4)
		ports_set(packet, rest.bytes);
	else
		payload_set(packet, rest, 0, sent);
	if (more) { /* a piece of a payload would be read as the whole of it */
		packet->payload_length = packet->payload_missing = 0;
		packet->tcp_flags = 0;
	}
}

/* --- IP ------------------------------------------------------------------------------------ */

static inline void
packet_clear(struct packet *packet, unsigned version, const uint8_t *addresses)
{
	*packet = (struct packet){.addresses = addresses, .version = (uint8_t)version};
}

/* total 0: sent by a card that cuts large packets itself (TSO); what is here is all. */
static inline enum packet_outcome
ipv4_parse(struct rest rest, struct packet *packet)
{
	if (rest.length < 20)
		return PACKET_SHORT;
	size_t header = (size_t)(rest.bytes[0] & 15) * 4, total = be16_get(rest.bytes + 2);
	unsigned offset = be16_get(rest.bytes + 6);
	if (header < 20)
		return PACKET_MALFORMED;
	packet_clear(packet, 4, rest.bytes + 12);
	packet->protocol = rest.bytes[9];
	packet->fragment = (offset & 0x3fff) != 0;
	if (total == 0)
		total = rest.length;
	if (total < header) {
		packet->odd = true;
		return PACKET_IP;
	}
	if ((offset & 0x1fff) == 0 && rest_skip(&rest, header))
		transport_parse(packet, rest, total - header, packet->fragment);
	return PACKET_IP;
}

/* How long an extension header is; 0: it is none, or nothing can be read behind it. */
static size_t
extension_length(unsigned protocol, const uint8_t *bytes)
{
	switch (protocol) {
	case 0:   /* hop by hop */
	case 43:  /* routing */
	case 60:  /* destination options */
	case 135: /* mobility */
	case 139: /* HIP */
	case 140: /* shim6 */
		return ((size_t)bytes[1] + 1) * 8;
	case 51:  /* authentication */
		return ((size_t)bytes[1] + 2) * 4;
	case 44:  /* fragment */
		return 8;
	default:
		return 0;
	}
}

static bool
is_extension(unsigned protocol)
{
	static const uint8_t some[2] = {0, 0};
	return extension_length(protocol, some) != 0;
}

static void
ipv6_rest(struct packet *packet, struct rest rest, size_t sent)
{
	bool more = false;
	for (unsigned i = 0; is_extension(packet->protocol); i++) {
		size_t length = rest.length < 8 ? 8 : extension_length(packet->protocol, rest.bytes);
		if (i == PACKET_EXTENSIONS || length > sent || rest.length < 8) {
			packet->odd |= i == PACKET_EXTENSIONS || length > sent;
			return;
		}
		unsigned offset = packet->protocol == 44 ? be16_get(rest.bytes + 2) : 0;
		packet->fragment |= (offset & 0xfff9) != 0;
		more |= (offset & 1) != 0;
		packet->protocol = rest.bytes[0];
		sent -= length;
		if (!rest_skip(&rest, length) || (offset & 0xfff8) != 0)
			return;
	}
	transport_parse(packet, rest, sent, more);
}

static inline enum packet_outcome
ipv6_parse(struct rest rest, struct packet *packet)
{
	if (rest.length < 40)
		return PACKET_SHORT;
	size_t sent = be16_get(rest.bytes + 4);
	packet_clear(packet, 6, rest.bytes + 8);
	packet->protocol = rest.bytes[6];
	rest_skip(&rest, 40);
	ipv6_rest(packet, rest, sent != 0 ? sent : rest.length); /* 0: TSO, or a jumbogram */
	return PACKET_IP;
}

static inline enum packet_outcome
ip_parse(struct rest rest, struct packet *packet)
{
	if (rest.length == 0)
		return PACKET_SHORT;
	unsigned version = rest.bytes[0] >> 4;
	if (version == 4)
		return ipv4_parse(rest, packet);
	return version == 6 ? ipv6_parse(rest, packet) : PACKET_MALFORMED;
}

/* --- links ---------------------------------------------------------------------------------- */

static enum packet_outcome
mpls_parse(struct rest rest, struct packet *packet)
{
	for (unsigned i = 0; i < PACKET_TAGS; i++) {
		if (rest.length < 4)
			return PACKET_SHORT;
		bool bottom = (rest.bytes[2] & 1) != 0;
		rest_skip(&rest, 4);
		if (!bottom)
			continue;
		if (rest.length > 0 && rest.bytes[0] >> 4 != 4 && rest.bytes[0] >> 4 != 6)
			return PACKET_NOT_IP; /* a pseudowire */
		return ip_parse(rest, packet);
	}
	return PACKET_MALFORMED;
}

static enum packet_outcome
pppoe_parse(struct rest rest, struct packet *packet)
{
	if (rest.length < 8)
		return PACKET_SHORT;
	unsigned protocol = be16_get(rest.bytes + 6);
	rest_skip(&rest, 8);
	return protocol == 0x0021 || protocol == 0x0057 ? ip_parse(rest, packet) : PACKET_NOT_IP;
}

static bool
is_tag(unsigned type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200;
}

/* An IP header must be of the version that the frame promises. */
static inline enum packet_outcome
promised(struct rest rest, unsigned version, struct packet *packet)
{
	if (rest.length > 0 && rest.bytes[0] >> 4 != version)
		return PACKET_MALFORMED;
	return ip_parse(rest, packet);
}

static inline enum packet_outcome
type_parse(unsigned type, struct rest rest, struct packet *packet)
{
	for (unsigned i = 0; is_tag(type); i++) {
		if (i == PACKET_TAGS)
			return PACKET_MALFORMED;
		if (rest.length < 4)
			return PACKET_SHORT;
		type = be16_get(rest.bytes + 2);
		rest_skip(&rest, 4);
	}
	if (type == TYPE_IPV4)
		return promised(rest, 4, packet);
	if (type == TYPE_IPV6)
		return promised(rest, 6, packet);
	if (type == TYPE_MPLS)
		return mpls_parse(rest, packet);
	return type == TYPE_PPPOE ? pppoe_parse(rest, packet) : PACKET_NOT_IP;
}

/* AF_INET is 2 everywhere; AF_INET6 is 24, 28 or 30 on the BSDs and 10 on Linux. */
static enum packet_outcome
family_parse(uint32_t family, struct rest rest, struct packet *packet)
{
	if (family == 2)
		return promised(rest, 4, packet);
	if (family == 10 || family == 24 || family == 28 || family == 30)
		return promised(rest, 6, packet);
	return PACKET_NOT_IP;
}

/* Header bytes, and where in them the type stands. */
static const struct {
	uint8_t header, type;
} links[PACKET_LINKS] = {
	[PACKET_ETHERNET] = {14, 12},
	[PACKET_NULL] = {4, 0},
	[PACKET_LOOP] = {4, 0},
	[PACKET_SLL] = {16, 14},
	[PACKET_SLL2] = {20, 0},
};

/*
 * What most packets are, in one go: whole TCP and UDP over IPv4 without options over
 * Ethernet. False: read it the long way, which says the same (tests/test_packet.c).
 */
static inline bool
quick_parse(const uint8_t *bytes, size_t length, struct packet *packet)
{
	if (length < 54 || be16_get(bytes + 12) != TYPE_IPV4 || bytes[14] != 0x45 ||
	    (be16_get(bytes + 20) & 0x3fff) != 0)
		return false;
	bool tcp = bytes[23] == PACKET_TCP;
	size_t total = be16_get(bytes + 16), header = tcp ? (size_t)(bytes[46] >> 4) * 4 : 8;
	size_t end = 14 + total, payload = 34 + header;
	if ((!tcp && (bytes[23] != PACKET_UDP || be16_get(bytes + 38) + 34 != end)) ||
	    (tcp && header < 20) || payload > end || end > length)
		return false;
	*packet = (struct packet){
		.addresses = bytes + 26, .payload = bytes + payload,
		.payload_length = (uint32_t)(end - payload),
		.sequence = tcp ? be32_get(bytes + 38) : 0,
		.source_port = (uint16_t)be16_get(bytes + 34),
		.destination_port = (uint16_t)be16_get(bytes + 36),
		.version = 4, .protocol = bytes[23], .tcp_flags = tcp ? bytes[47] : 0, .ports = true,
	};
	return true;
}

enum packet_outcome
packet_parse(enum packet_link link, const uint8_t *bytes, size_t length, struct packet *packet)
{
	struct rest rest = {bytes, length};
	if (link == PACKET_ETHERNET && quick_parse(bytes, length, packet))
		return PACKET_IP;
	if (!rest_skip(&rest, links[link].header))
		return PACKET_SHORT;
	const uint8_t *type = bytes + links[link].type;
	if (link == PACKET_RAW)
		return ip_parse(rest, packet);
	if (link != PACKET_NULL && link != PACKET_LOOP)
		return type_parse(be16_get(type), rest, packet);
	uint32_t family = be32_get(type);
	if (link == PACKET_NULL && family > 0xffff) /* written on a little-endian machine */
		family = __builtin_bswap32(family);
	return family_parse(family, rest, packet);
}

/* --- tunnels ------------------------------------------------------------------------------- */

/* RFC 2784 and 2890: flags, protocol, then 4 bytes each for checksum, key, sequence. */
static enum packet_outcome
gre_parse(struct rest rest, struct packet *packet)
{
	if (rest.length < 4)
		return PACKET_SHORT;
	unsigned flags = rest.bytes[0], type = be16_get(rest.bytes + 2);
	size_t header = 4 + ((flags & 0x80) != 0) * 4u + ((flags & 0x20) != 0) * 4u +
			((flags & 0x10) != 0) * 4u;
	if ((rest.bytes[1] & 7) != 0 || (flags & 0x40) != 0)
		return PACKET_NOT_IP; /* PPTP, or routing that RFC 2784 did away with */
	if (!rest_skip(&rest, header))
		return PACKET_SHORT;
	if (type == 0x6558) /* Ethernet inside */
		return packet_parse(PACKET_ETHERNET, rest.bytes, rest.length, packet);
	return type_parse(type, rest, packet);
}

enum packet_outcome
packet_inner(const struct packet *outer, struct packet *inner)
{
	struct rest rest = {outer->payload, outer->payload_length};
	if (rest.length == 0 || outer->fragment)
		return PACKET_NOT_IP;
	if (outer->protocol == 4)
		return promised(rest, 4, inner);
	if (outer->protocol == 41)
		return promised(rest, 6, inner);
	return outer->protocol == 47 ? gre_parse(rest, inner) : PACKET_NOT_IP;
}

/* Sums do not mind which side comes first. */
uint32_t
packet_flow_hash(const struct packet *packet)
{
	unsigned words = packet->version == 4 ? 1 : 4;
	uint64_t sum = (uint64_t)packet->source_port + packet->destination_port;
	for (unsigned i = 0; i < words; i++) {
		uint64_t a = be32_get(packet->addresses + 4 * i);
		uint64_t b = be32_get(packet->addresses + 4 * (words + i));
		sum = sum * 0x9e3779b97f4a7c15ull + (a + b) + (a ^ b) * 0xd1b54a32d192ed03ull;
	}
	return (uint32_t)((sum * 0xe7037ed1a0b428dbull) >> 32);
}
