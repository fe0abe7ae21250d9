/* SPDX-License-Identifier: Apache-2.0 */
/* Frames to addresses, ports and payload: links, tags, options, extension headers, damage. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "query/packet.h"
#include "tests/frames.h"
#include "tests/sets.h"

static struct frame frame;
static struct packet packet;

static enum packet_outcome
parse(enum packet_link link)
{
	size_t length;
	const uint8_t *bytes = frame_bytes(&frame, &length);
	uint8_t *exact = malloc(length > 0 ? length : 1); /* a read past the end is seen */
	memcpy(exact, bytes, length);
	enum packet_outcome outcome = packet_parse(link, exact, length, &packet);
	if (outcome == PACKET_IP) {
		packet.addresses = bytes + (packet.addresses - exact);
		packet.payload = packet.payload_length > 0 ? bytes + (packet.payload - exact) : NULL;
	}
	free(exact);
	return outcome;
}

static void
usual(void)
{
	ck_assert_uint_eq(packet.version, 4);
	ck_assert_uint_eq(packet_ipv4(&packet, 0), 0xc0000201);
	ck_assert_uint_eq(packet_ipv4(&packet, 1), 0xc6336407);
	ck_assert(packet.ports && !packet.odd && !packet.fragment);
	ck_assert_uint_eq(packet.source_port, 1234);
	ck_assert_uint_eq(packet.destination_port, 80);
	ck_assert_uint_eq(packet.payload_length, 5);
	ck_assert_mem_eq(packet.payload, "hello", 5);
	ck_assert_uint_eq(packet.payload_missing, 0);
}

static void
tcp4(unsigned options)
{
	frame_begin(&frame, "hello", 5);
	frame_tcp(&frame, 1234, 80, 77, 0x18);
	frame_ipv4(&frame, 6, "192.0.2.1", "198.51.100.7", 0, options);
}

START_TEST(links_and_tags)
{
	tcp4(0);
	frame_ethernet(&frame, 0x0800);
	ck_assert_int_eq(parse(PACKET_ETHERNET), PACKET_IP);
	usual();
	ck_assert_uint_eq(packet.sequence, 77);
	ck_assert_uint_eq(packet.tcp_flags, 0x18);
	tcp4(0);
	ck_assert_int_eq(parse(PACKET_RAW), PACKET_IP);
	usual();
	tcp4(0);
	frame_tag(&frame, 5, 0x0800);
	frame_ethernet(&frame, 0x8100);
	ck_assert_int_eq(parse(PACKET_ETHERNET), PACKET_IP);
	usual();
	tcp4(8);
	frame_tag(&frame, 5, 0x0800);
	frame_tag(&frame, 6, 0x8100);
	frame_ethernet(&frame, 0x88a8);
	ck_assert_int_eq(parse(PACKET_ETHERNET), PACKET_IP);
	usual();
	tcp4(0);
	frame_wrap(&frame, "\0\0\x10\x40\0\0\x21\x40", 8); /* two labels, the second the last */
	frame_ethernet(&frame, 0x8847);
	ck_assert_int_eq(parse(PACKET_ETHERNET), PACKET_IP);
	usual();
	tcp4(0);
	frame_wrap(&frame, "\x11\0\0\1\0\x2f\0\x21", 8);
	frame_ethernet(&frame, 0x8864);
	ck_assert_int_eq(parse(PACKET_ETHERNET), PACKET_IP);
	usual();
	tcp4(0);
	frame_wrap(&frame, "\2\0\0\0", 4);
	ck_assert_int_eq(parse(PACKET_NULL), PACKET_IP);
	usual();
	tcp4(0);
	frame_wrap(&frame, "\0\0\0\2", 4);
	ck_assert_int_eq(parse(PACKET_NULL), PACKET_IP);
	ck_assert_int_eq(parse(PACKET_LOOP), PACKET_IP);
	usual();
	tcp4(0);
	frame_wrap(&frame, "\0\0\0\1\0\6aaaaaa\0\0\x08\0", 16);
	ck_assert_int_eq(parse(PACKET_SLL), PACKET_IP);
	usual();
	tcp4(0);
	frame_wrap(&frame, "\x08\0\0\0\0\0\0\1\0\1\0\6aaaaaa\0\0", 20);
	ck_assert_int_eq(parse(PACKET_SLL2), PACKET_IP);
	usual();
}
END_TEST

START_TEST(options_fragments_padding)
{
	tcp4(40);
	ck_assert_int_eq(parse(PACKET_RAW), PACKET_IP);
	usual();
	/* padding of short frames is no payload */
	tcp4(0);
	frame_ethernet(&frame, 0x0800);
	memmove(frame.bytes + frame.start - 9, frame.bytes + frame.start, FRAMES_MOST - frame.start);
	memset(frame.bytes + FRAMES_MOST - 9, 'x', 9);
	frame.start -= 9;
	ck_assert_int_eq(parse(PACKET_ETHERNET), PACKET_IP);
	usual();
	/* the first fragment has ports, the others do not, none has a payload */
	frame_begin(&frame, "hellohello", 8);
	frame_udp(&frame, 1234, 53);
	frame_ipv4(&frame, 17, "192.0.2.1", "198.51.100.7", 0x2000, 0);
	ck_assert_int_eq(parse(PACKET_RAW), PACKET_IP);
	ck_assert(packet.fragment && packet.ports && packet.payload_length == 0);
	ck_assert_uint_eq(packet.destination_port, 53);
	frame_begin(&frame, "hellohello", 8);
	frame_ipv4(&frame, 17, "192.0.2.1", "198.51.100.7", 0x0001, 0);
	ck_assert_int_eq(parse(PACKET_RAW), PACKET_IP);
	ck_assert(packet.fragment && !packet.ports && packet.payload_length == 0);
	/* what the capture cut off is missing, not gone */
	tcp4(0);
	frame_ethernet(&frame, 0x0800);
	ck_assert_int_eq(packet_parse(PACKET_ETHERNET, frame.bytes + frame.start,
				      FRAMES_MOST - frame.start - 2, &packet), PACKET_IP);
	ck_assert_uint_eq(packet.payload_length, 3);
	ck_assert_uint_eq(packet.payload_missing, 2);
}
END_TEST

static void
udp6(void)
{
	frame_begin(&frame, "hello", 5);
	frame_udp(&frame, 1234, 53);
}

START_TEST(extension_headers)
{
	static const uint8_t from[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
	udp6();
	frame_wrap(&frame, "\x11\0\1\4\0\0\0\0", 8);            /* destination options */
	frame_wrap(&frame, "\x3c\1\1\4\0\0\0\0\0\0\0\0\0\0\0\0", 16); /* routing */
	frame_wrap(&frame, "\x2b\0\1\4\0\0\0\0", 8);            /* hop by hop */
	frame_ipv6(&frame, 0, "2001:db8::1", "2001:db8::2");
	frame_ethernet(&frame, 0x86dd);
	ck_assert_int_eq(parse(PACKET_ETHERNET), PACKET_IP);
	ck_assert_uint_eq(packet.version, 6);
	ck_assert_mem_eq(packet_address(&packet, 0), from, 16);
	ck_assert_uint_eq(packet_address(&packet, 1)[15], 2);
	ck_assert(packet.ports && !packet.odd && packet.protocol == 17);
	ck_assert_uint_eq(packet.payload_length, 5);
	/* a fragment header of a whole datagram; of a later piece */
	udp6();
	frame_wrap(&frame, "\x11\0\0\0\0\0\0\1", 8);
	frame_ipv6(&frame, 44, "2001:db8::1", "2001:db8::2");
	ck_assert_int_eq(parse(PACKET_RAW), PACKET_IP);
	ck_assert(packet.ports && !packet.fragment && packet.payload_length == 5);
	udp6();
	frame_wrap(&frame, "\x11\0\0\x18\0\0\0\1", 8);
	frame_ipv6(&frame, 44, "2001:db8::1", "2001:db8::2");
	ck_assert_int_eq(parse(PACKET_RAW), PACKET_IP);
	ck_assert(!packet.ports && packet.fragment);
	/* too many: judged by addresses, and odd */
	udp6();
	for (int i = 0; i < 2 * PACKET_EXTENSIONS; i++)
		frame_wrap(&frame, i == 0 ? "\x11\0\1\4\0\0\0\0" : "\x3c\0\1\4\0\0\0\0", 8);
	frame_ipv6(&frame, 60, "2001:db8::1", "2001:db8::2");
	ck_assert_int_eq(parse(PACKET_RAW), PACKET_IP);
	ck_assert(packet.odd && !packet.ports);
}
END_TEST

START_TEST(tunnels)
{
	tcp4(0);
	frame_wrap(&frame, "\0\0\x08\0", 4); /* GRE */
	frame_ipv6(&frame, 47, "2001:db8::1", "2001:db8::2");
	ck_assert_int_eq(parse(PACKET_RAW), PACKET_IP);
	ck_assert_uint_eq(packet.version, 6);
	ck_assert_int_eq(packet_inner(&packet, &packet), PACKET_IP);
	usual();
	ck_assert_int_eq(packet_inner(&packet, &packet), PACKET_NOT_IP);
	udp6();
	frame_ipv6(&frame, 17, "2001:db8::1", "2001:db8::2");
	frame_ipv4(&frame, 41, "192.0.2.1", "198.51.100.7", 0, 0);
	ck_assert_int_eq(parse(PACKET_RAW), PACKET_IP);
	ck_assert_int_eq(packet_inner(&packet, &packet), PACKET_IP);
	ck_assert(packet.version == 6 && packet.ports);
}
END_TEST

START_TEST(what_is_no_packet)
{
	frame_begin(&frame, "\0\1\x08\0\6\4\0\1", 8);
	frame_ethernet(&frame, 0x0806);
	ck_assert_int_eq(parse(PACKET_ETHERNET), PACKET_NOT_IP);
	tcp4(0);
	frame_ethernet(&frame, 0x86dd); /* says 6, is 4 */
	ck_assert_int_eq(parse(PACKET_ETHERNET), PACKET_MALFORMED);
	tcp4(0);
	frame.bytes[frame.start] = 0x44; /* a header of 16 bytes */
	ck_assert_int_eq(parse(PACKET_RAW), PACKET_MALFORMED);
	frame_begin(&frame, "", 0);
	for (int link = 0; link < PACKET_LINKS; link++)
		ck_assert_int_eq(parse((enum packet_link)link), PACKET_SHORT);
	tcp4(0);
	frame.bytes[frame.start + 32] = 0x40; /* a TCP header of 16 bytes */
	ck_assert_int_eq(parse(PACKET_RAW), PACKET_IP);
	ck_assert(packet.odd && packet.payload_length == 0);
}
END_TEST

static void
same(const struct packet *a, const struct packet *b)
{
	ck_assert_ptr_eq(a->addresses, b->addresses);
	ck_assert_uint_eq(a->payload_length, b->payload_length);
	if (a->payload_length > 0)
		ck_assert_ptr_eq(a->payload, b->payload);
	ck_assert_uint_eq(a->payload_missing, b->payload_missing);
	ck_assert_uint_eq(a->sequence, b->sequence);
	ck_assert_uint_eq(a->source_port, b->source_port);
	ck_assert_uint_eq(a->destination_port, b->destination_port);
	ck_assert_uint_eq(a->version, b->version);
	ck_assert_uint_eq(a->protocol, b->protocol);
	ck_assert_uint_eq(a->tcp_flags, b->tcp_flags);
	ck_assert_uint_eq(a->ports, b->ports);
	ck_assert_uint_eq(a->fragment, b->fragment);
	ck_assert_uint_eq(a->odd, b->odd);
}

/* The quick way is for Ethernet only: with a tag, or without a link, it is the long way. */
START_TEST(the_quick_way_says_the_same)
{
	struct random_state dice = {7};
	unsigned ip = 0;
	for (int i = 0; i < 200000; i++) {
		size_t payload = random_below(&dice, 30), cut = random_below(&dice, 4) == 0;
		frame_begin(&frame, "012345678901234567890123456789", payload);
		bool tcp = random_below(&dice, 2) == 0;
		if (tcp)
			frame_tcp(&frame, 5, 6, 7, 2);
		else
			frame_udp(&frame, 5, 53);
		frame_ipv4(&frame, tcp ? 6 : 17, "192.0.2.1", "198.51.100.7", 0, 0);
		frame_ethernet(&frame, 0x0800);
		uint8_t *bytes = frame.bytes + frame.start;
		size_t length = FRAMES_MOST - frame.start;
		for (unsigned k = random_below(&dice, 3); k > 0; k--)
			bytes[14 + random_below(&dice, (uint32_t)length - 14)] ^=
				(uint8_t)(1u << random_below(&dice, 8));
		length -= cut ? random_below(&dice, (uint32_t)length) : 0;
		struct packet quick, slow;
		if (length < 15)
			continue;
		enum packet_outcome outcome = packet_parse(PACKET_ETHERNET, bytes, length, &quick);
		enum packet_outcome other = packet_parse(PACKET_RAW, bytes + 14, length - 14, &slow);
		if (bytes[14] >> 4 != 4)
			continue; /* the frame's promise is broken */
		ck_assert_int_eq(outcome, other);
		if (outcome == PACKET_IP)
			same(&quick, &slow);
		ip += outcome == PACKET_IP;
	}
	ck_assert_uint_gt(ip, 100000);
}
END_TEST

START_TEST(both_directions_have_one_hash)
{
	frame_begin(&frame, "hello", 5);
	frame_tcp(&frame, 1234, 80, 77, 0);
	frame_ipv4(&frame, 6, "192.0.2.1", "198.51.100.7", 0, 0);
	parse(PACKET_RAW);
	uint32_t hash = packet_flow_hash(&packet);
	frame_begin(&frame, "hello", 5);
	frame_tcp(&frame, 80, 1234, 99, 0);
	frame_ipv4(&frame, 6, "198.51.100.7", "192.0.2.1", 0, 0);
	parse(PACKET_RAW);
	ck_assert_uint_eq(packet_flow_hash(&packet), hash);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("packet");
	TCase *cases = tcase_create("packet");
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, links_and_tags);
	tcase_add_test(cases, options_fragments_padding);
	tcase_add_test(cases, extension_headers);
	tcase_add_test(cases, tunnels);
	tcase_add_test(cases, what_is_no_packet);
	tcase_add_test(cases, the_quick_way_says_the_same);
	tcase_add_test(cases, both_directions_have_one_hash);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
