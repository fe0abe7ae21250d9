/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `repute inspect` over captures written here: an indicator planted for every stage,
 * in every disguise that the readers promise to see through, and the real captures where
 * the data folder is there.
 */
#include <check.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "query/inspect_pool.h"
#include "tests/command.h"
#include "tests/fixture.h"
#include "tests/frames.h"
#include "tests/sets.h"

#define US "192.0.2.10"
#define THEM "198.51.100.20"
#define REAL "../shared/data/pcap/"

static char *capture, *profile;
static FILE *file;
static struct frame frame;
static uint64_t micros;

static void
setup(void)
{
	command_setup();
	capture = fixture_path("inspect.pcap");
	profile = fixture_path("inspect.ini");
	file = frames_open(capture, 1);
	micros = 1767225600ull * 1000000 - 5000000;
}

static void
teardown(void)
{
	unlink(capture);
	unlink(profile);
	free(capture);
	free(profile);
	command_teardown();
}

static void
profile_write(const char *match, const char *more)
{
	FILE *out = fopen(profile, "w");
	fprintf(out, "[profile]\nname = p\nmatch-address = %s\n[action \"B\"]\nflow = block\nnotify = yes\n"
		"[filter \"all\"]\naction = B\nuntagged = yes\n%s", match, more);
	fclose(out);
}

/* --- frames ------------------------------------------------------------------------------- */

static void
out(uint16_t type)
{
	frame_ethernet(&frame, type);
	frames_write(file, &frame, micros++, 0);
}

static void
segment(const char *from, const char *to, uint16_t port, uint32_t at, uint8_t flags,
	const void *bytes, size_t length)
{
	frame_begin(&frame, bytes, length);
	frame_tcp(&frame, port, port == 80 ? 40000 : 80, at, flags);
	frame_ipv4(&frame, PACKET_TCP, from, to, 0, 0);
	out(0x0800);
}

static uint16_t next_port = 40000;

/* A connection of its own: SYN, then the text from `first` on. */
static void
request(const char *text)
{
	next_port++;
	segment(US, THEM, next_port, 999, PACKET_SYN, "", 0);
	segment(US, THEM, next_port, 1000, 0x18, text, strlen(text));
}

static void
dns_to(const char *name, uint16_t type)
{
	uint8_t message[600];
	size_t length = frames_dns(name, message);
	frame_begin(&frame, message, length);
	frame_udp(&frame, 5555, 53);
	if (type == 0x86dd)
		frame_ipv6(&frame, PACKET_UDP, "2001:db8:5::1", "2001:db8:5::2");
	else
		frame_ipv4(&frame, PACKET_UDP, US, THEM, 0, 0);
	out(type);
}

static void
hello(const char *name, size_t record, size_t piece)
{
	uint8_t message[1000], records[8000];
	size_t length = frames_hello(name, message);
	length = frames_records(message, length, record, records);
	next_port++;
	for (size_t at = 0; at < length; at += piece)
		segment(US, THEM, next_port, (uint32_t)(1000 + at), 0x18, records + at,
			length - at < piece ? length - at : piece);
}

/* --- running ---------------------------------------------------------------------------------- */

static int
inspect(const char *threads)
{
	if (file != NULL)
		fclose(file);
	file = NULL;
	return RUN("inspect", "--json", "--profile", profile, "--threads", (char *)threads, capture);
}

/* Events of a stage with this query; their counts. */
static int64_t
seen(const char *stage, const char *query)
{
	int64_t count = 0;
	for (size_t i = 0; i + 1 < command_lines(); i++) {
		struct cJSON *event = command_line(i);
		if (strcmp(command_text(event, "stage"), stage) == 0 &&
		    strcmp(command_text(event, "query"), query) == 0)
			count += command_number(event, "count");
		cJSON_Delete(event);
	}
	return count;
}

static size_t
events(void)
{
	return command_lines() - 1;
}

static const struct command_row planted[] = {
	{"evil.example", SCOPE_TREE, "feed", {NULL}, 0},
	{"http://web.example/evil", 0, "feed", {NULL}, 0},
	{"http://web.example/a%20b", 0, "feed", {NULL}, 0},
	{"http://web.example/caf%E9", 0, "feed", {NULL}, 0},
	{"203.0.113.7", 0, "feed", {NULL}, 0},
	{"2001:db8:bad::/48", 0, "feed", {NULL}, 0},
};
#define PLANT() command_put(planted, sizeof(planted) / sizeof(planted[0]), true)

/* --- tests ------------------------------------------------------------------------------------- */

START_TEST(nothing_planted_is_seen)
{
	PLANT();
	profile_write("both", "");
	dns_to("good.example", 0x0800);
	request("GET /good HTTP/1.1\r\nHost: web.example\r\n\r\n");
	ck_assert_int_eq(inspect("1"), CLI_NOTHING);
	ck_assert_uint_eq(events(), 0);
	ck_assert_ptr_nonnull(strstr(command_out, "\"frames\":3"));
}
END_TEST

START_TEST(addresses)
{
	PLANT();
	profile_write("both", "");
	for (int i = 0; i < 3; i++)
		segment("203.0.113.7", US, 80, (uint32_t)i, 0x10, "", 0);
	segment(US, "203.0.113.7", 41000, 5, 0x10, "", 0);
	frame_begin(&frame, "x", 1);
	frame_wrap(&frame, "\x11\0\1\4\0\0\0\0", 8);
	frame_ipv6(&frame, 60, "2001:db8:bad::1", "::ffff:203.0.113.7");
	frame_tag(&frame, 7, 0x86dd);
	out(0x8100);
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_int_eq(seen("ip", "203.0.113.7"), 4);
	ck_assert_int_eq(seen("ip", "2001:db8:bad::1"), 1);
	ck_assert_int_eq(seen("ip", "::ffff:cb00:7107"), 1);
	ck_assert_uint_eq(events(), 4);
	struct cJSON *event = command_line(0);
	command_members(event, "timestamp event_type src_ip src_port dest_ip dest_port proto stage query "
			       "match profile verdict action notify trace filter exception hit count "
			       "last packet");
	ck_assert_str_eq(command_text(event, "timestamp"), "2025-12-31T23:59:55.000000Z");
	ck_assert_str_eq(command_text(event, "last"), "2025-12-31T23:59:55.000002Z");
	ck_assert_str_eq(command_text(event, "match"), "source");
	ck_assert_str_eq(command_text(event, "verdict"), "block");
	ck_assert_str_eq(command_text(event, "filter"), "all");
	ck_assert_int_eq(command_number(event, "count"), 3);
	cJSON_Delete(event);
}
END_TEST

START_TEST(match_address)
{
	PLANT();
	segment("203.0.113.7", US, 80, 1, 0x10, "", 0);
	segment(US, "203.0.113.7", 41000, 5, 0x10, "", 0);
	profile_write("source", "");
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_int_eq(seen("ip", "203.0.113.7"), 1);
	ck_assert_ptr_nonnull(strstr(command_out, "\"match\":\"source\""));
	profile_write("destination", "");
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_int_eq(seen("ip", "203.0.113.7"), 1);
	ck_assert_ptr_nonnull(strstr(command_out, "\"match\":\"destination\""));
}
END_TEST

START_TEST(exceptions_are_events)
{
	PLANT();
	profile_write("both", "[exception \"ours\"]\nip = 203.0.113.0/24\nowner = o\nreason = r\n");
	segment("203.0.113.7", US, 80, 1, 0x10, "", 0);
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_ptr_nonnull(strstr(command_out, "\"verdict\":\"none\""));
	ck_assert_ptr_nonnull(strstr(command_out, "\"exception\":\"ours\""));
}
END_TEST

START_TEST(names_in_dns)
{
	uint8_t message[100] = {0, 1, 1, 0, 0, 1};
	PLANT();
	profile_write("both", "");
	dns_to("evil.example", 0x0800);
	dns_to("WWW.Evil.EXAMPLE", 0x86dd);
	dns_to("a+b/c=.d.evil.example", 0x0800);
	dns_to("a+b/c=.d.good.example", 0x0800);
	/* a pointer to itself, one forwards, and a label that is cut off: no name, no harm */
	memcpy(message + 12, "\xc0\x0c\0\1\0\1", 6);
	for (int i = 0; i < 3; i++) {
		frame_begin(&frame, message, 18);
		frame_udp(&frame, 5, 53);
		frame_ipv4(&frame, PACKET_UDP, US, THEM, 0, 0);
		out(0x0800);
		memcpy(message + 12, i == 0 ? "\xc0\x0f\0\1\0\1" : "\x3f""evil!", 6);
	}
	/* a second question that points to the first */
	size_t length = frames_dns("x.evil.example", message);
	message[5] = 2;
	memcpy(message + length, "\3two\xc0\x0c\0\1\0\1", 10);
	frame_begin(&frame, message, length + 10);
	frame_udp(&frame, 5, 53);
	frame_ipv4(&frame, PACKET_UDP, US, THEM, 0, 0);
	out(0x0800);
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_int_eq(seen("domain", "evil.example"), 1);
	ck_assert_int_eq(seen("domain", "WWW.Evil.EXAMPLE"), 1);
	ck_assert_int_eq(seen("domain", "a+b/c=.d.evil.example"), 1);
	ck_assert_int_eq(seen("domain", "x.evil.example"), 1);
	ck_assert_int_eq(seen("domain", "two.x.evil.example"), 1);
	ck_assert_uint_eq(events(), 5);
}
END_TEST

/* A name may end in an earlier one only: what stands behind the question is none of its labels. */
START_TEST(names_in_dns_point_backwards)
{
	static const char *const tails[] = {"\xc0\x14", "\1y\xc0\x14"};
	PLANT();
	profile_write("both", "");
	for (int i = 0; i < 2; i++) {
		uint8_t message[60] = {0, 1, 1, 0, 0, 1};
		size_t tail = 2 * (size_t)i + 2, at = 12;
		memcpy(message + at, tails[i], tail);
		memcpy(message + at + tail, "\0\1\0\1", 4);
		memcpy(message + 0x14, "\4evil\7example", 14);
		frame_begin(&frame, message, 0x14 + 14);
		frame_udp(&frame, 5, 53);
		frame_ipv4(&frame, PACKET_UDP, US, THEM, 0, 0);
		out(0x0800);
	}
	ck_assert_int_eq(inspect("1"), CLI_NOTHING);
	ck_assert_ptr_nonnull(strstr(command_out, "\"domain\":{\"queries\":0"));
}
END_TEST

/* TCP: what no server would answer does not end the reading of what follows. */
START_TEST(dns_over_tcp)
{
	static const char *const first[] = {
		"\0\x0c\0\1\x80\0\0\0\0\0\0\0\0\0",         /* an answer */
		"\0\x0c\0\1\1\0\0\0\0\0\0\0\0\0",            /* no question */
		"\0\x0c\0\1\x79\0\0\1\0\0\0\0\0\0",         /* an unknown operation */
	};
	uint8_t bytes[200], message[100];
	size_t length = frames_dns("x.evil.example", message);
	PLANT();
	profile_write("both", "");
	for (uint16_t i = 0; i < 3; i++) {
		memcpy(bytes, first[i], 14);
		bytes[14] = 0;
		bytes[15] = (uint8_t)length;
		memcpy(bytes + 16, message, length);
		frame_begin(&frame, bytes, 16 + length);
		frame_tcp(&frame, (uint16_t)(5000 + i), 53, 1, 0x18);
		frame_ipv4(&frame, PACKET_TCP, US, THEM, 0, 0);
		out(0x0800);
	}
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_msg(seen("domain", "x.evil.example") == 3, "%s", command_out);
}
END_TEST

static const struct {
	const char *text, *stage, *query;
} requests[] = {
	{"GET /evil HTTP/1.1\r\nHost: web.example\r\n\r\n", "url", "http://web.example/evil"},
	{"\r\nGET /evil HTTP/1.0\nHOST : WEB.Example \n\n", "url", "http://WEB.Example/evil"},
	{"BREW /evil HTTP/1.1\r\nhost:web.example:80\r\n\r\n", "url", "http://web.example:80/evil"},
	{"GET /%65vil HTTP/1.1\r\nHost: web.example\r\n\r\n", "url", "http://web.example/%65vil"},
	{"GET /x/../evil HTTP/1.1\r\nHost: web.example\r\n\r\n", "url", "http://web.example/x/../evil"},
	{"GET /a b HTTP/1.1\r\nHost: web.example\r\n\r\n", "url", "http://web.example/a%20b"},
	{"GET /caf\xe9 HTTP/1.1\r\nHost: web.example\r\n\r\n", "url", "http://web.example/caf%E9"},
	{"GET http://web.example/evil HTTP/1.1\r\nHost: good.example\r\n\r\n", "url",
	 "http://web.example/evil"},
	{"GET / HTTP/1.1\r\nHost: good.example\r\nHost: www.evil.example\r\n\r\n", "domain",
	 "www.evil.example"},
	{"GET http://good.example/ HTTP/1.1\r\nHost: www.evil.example\r\n\r\n", "domain",
	 "www.evil.example"},
	{"CONNECT www.evil.example:443 HTTP/1.1\r\n\r\n", "domain", "www.evil.example"},
	{"OPTIONS * HTTP/1.1\r\nHost: evil.example:8080\r\n\r\n", "domain", "evil.example"},
	{"GET / HTTP/1.1\r\nHost: 203.0.113.7\r\n\r\n", "ip", "203.0.113.7"},
	{"POST /x HTTP/1.1\r\nHost: web.example\r\nContent-Length: 12\r\n\r\nGET /y HTTP/GET /evil "
	 "HTTP/1.1\r\nHost: web.example\r\n\r\n", "url", "http://web.example/evil"},
	{"POST /x HTTP/1.1\r\nHost: web.example\r\nTransfer-Encoding: chunked\r\n\r\nA;x=y\r\nGET /evil "
	 "\r\n0\r\nTrailer: a\r\n\r\nGET /evil HTTP/1.1\r\nHost: web.example\r\n\r\n", "url",
	 "http://web.example/evil"},
};

START_TEST(requests_are_read)
{
	PLANT();
	profile_write("both", "");
	request(requests[_i].text);
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_msg(seen(requests[_i].stage, requests[_i].query) == 1 && events() == 1, "%s",
		      command_out);
}
END_TEST

START_TEST(host_of_a_url_is_a_stage)
{
	PLANT();
	profile_write("both", "");
	request("GET /x HTTP/1.1\r\nHost: a.evil.example\r\n\r\n");
	request("GET /evil HTTP/1.0\r\n\r\n"); /* no Host: the address */
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_int_eq(seen("domain", "a.evil.example"), 1);
	ck_assert_uint_eq(events(), 1);
	ck_assert_ptr_nonnull(strstr(command_out, "\"url\":{\"queries\":2"));
}
END_TEST

/* Hosts that are addresses: equal ones are one event, whatever was asked before them. */
START_TEST(hosts_that_are_addresses)
{
	PLANT();
	profile_write("both", "");
	for (int i = 0; i < 40; i++) {
		request(i % 3 == 0 ? "GET / HTTP/1.1\r\nHost: [2001:db8:bad::1234:5678]\r\n\r\n"
				   : "GET / HTTP/1.1\r\nHost: 203.0.113.7\r\n\r\n");
		if (i % 7 == 0)
			dns_to("longer-than-an-address.evil.example", 0x0800);
	}
	ck_assert_int_eq(inspect("2"), CLI_FOUND);
	ck_assert_int_eq(seen("ip", "203.0.113.7"), 26);
	ck_assert_int_eq(seen("ip", "[2001:db8:bad::1234:5678]"), 14);
	ck_assert_uint_eq(events(), 3);
}
END_TEST

START_TEST(server_names)
{
	PLANT();
	profile_write("both", "");
	hello("one.evil.example", 1000, 1000);
	hello("TWO.evil.example", 30, 1000);
	hello("three.evil.example", 1000, 7);
	hello("four.evil.example", 3, 11);
	hello("good.example", 9, 9);
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_int_eq(seen("domain", "one.evil.example"), 1);
	ck_assert_int_eq(seen("domain", "TWO.evil.example"), 1);
	ck_assert_int_eq(seen("domain", "three.evil.example"), 1);
	ck_assert_int_eq(seen("domain", "four.evil.example"), 1);
	ck_assert_uint_eq(events(), 4);
	ck_assert_ptr_nonnull(strstr(command_out, "\"app_proto\":\"tls\""));
}
END_TEST

/* Pieces of a text in random order, some twice and some overlapping, after a SYN. */
static void
shuffled(struct random_state *dice, const char *text)
{
	size_t length = strlen(text), starts[400], sizes[400], count = 0;
	for (size_t at = 0; at < length; count++) {
		starts[count] = at;
		sizes[count] = 1 + random_below(dice, 40);
		sizes[count] = sizes[count] < length - at ? sizes[count] : length - at;
		at += sizes[count];
	}
	for (size_t i = 0; i < count; i++) { /* bytes before it that were sent already */
		size_t back = random_below(dice, 3) == 0 ? random_below(dice, 10) : 0;
		back = back < starts[i] ? back : starts[i];
		starts[i] -= back;
		sizes[i] += back;
	}
	for (size_t i = count; i > 1; i--) {
		size_t k = random_below(dice, (uint32_t)i), start = starts[k], size = sizes[k];
		starts[k] = starts[i - 1], sizes[k] = sizes[i - 1];
		starts[i - 1] = start, sizes[i - 1] = size;
	}
	next_port++;
	segment(US, THEM, next_port, 0xfffffff0u, PACKET_SYN, "", 0); /* numbers wrap */
	for (size_t i = 0; i < count; i++)
		for (int turns = random_below(dice, 4) == 0 ? 2 : 1; turns > 0; turns--)
			segment(US, THEM, next_port, 0xfffffff1u + (uint32_t)starts[i], 0x18,
				text + starts[i], sizes[i]);
}

START_TEST(segments_in_any_order)
{
	struct random_state dice = {11};
	char text[4000] = "";
	PLANT();
	profile_write("both", "");
	for (int i = 0; i < 5; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "POST /evil HTTP/1.1\r\nHost: web.example\r\nX-Filler: %0*d\r\n"
			 "Content-Length: %d\r\n\r\n%0*d", 20 + 40 * i, 7, 30 * i + 10, 30 * i + 10, 7);
	for (int i = 0; i < 20; i++)
		shuffled(&dice, text);
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_msg(seen("url", "http://web.example/evil") == 100, "%s", command_out);
	ck_assert_uint_eq(events(), 1);
}
END_TEST

START_TEST(what_came_first_counts)
{
	PLANT();
	profile_write("both", "");
	next_port++;
	segment(US, THEM, next_port, 999, PACKET_SYN, "", 0);
	segment(US, THEM, next_port, 1005, 0x18, "vil HTTP/1.1\r\nHost: web.example\r\n\r\n", 35);
	segment(US, THEM, next_port, 1000, 0x18, "GET /goodgood", 13);
	segment(US, THEM, next_port, 1000, 0x18, "GET /evil", 9);
	ck_assert_int_eq(inspect("1"), CLI_NOTHING);
	ck_assert_ptr_nonnull(strstr(command_out, "\"url\":{\"queries\":1"));
}
END_TEST

/* The same place twice behind a hole, then in front of it: the first of each is what is read. */
START_TEST(what_came_first_counts_behind_a_hole)
{
	static const char *const paths[2][2] = {{"/evil", "/good"}, {"/good", "/a%20b"}};
	char text[60];
	PLANT();
	profile_write("both", "");
	for (int turn = 0; turn < 2; turn++) {
		next_port++;
		segment(US, THEM, next_port, 999, PACKET_SYN, "", 0);
		for (int i = 0; i < 2; i++) {
			int length = snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: web.example\r\n\r\n",
					      paths[turn][i]);
			segment(US, THEM, next_port, 1004, 0x18, text, (size_t)length);
		}
		segment(US, THEM, next_port, 1000, 0x18, "GET ", 4);
	}
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_int_eq(seen("url", "http://web.example/evil"), 1);
	ck_assert_uint_eq(events(), 1);
	ck_assert_ptr_nonnull(strstr(command_out, "\"url\":{\"queries\":2"));
}
END_TEST

/* A hole that is never filled: what is behind it is read from the next request on. */
START_TEST(gaps)
{
	static char body[40000];
	PLANT();
	profile_write("both", "");
	memset(body, 'x', sizeof(body));
	next_port++;
	segment(US, THEM, next_port, 1000, 0x18, "GET /one HTTP/1.1\r\nHost: web", 28);
	segment(US, THEM, next_port, 1100, 0x18, body, 20000);
	segment(US, THEM, next_port, 21100, 0x18, body, 20000);
	segment(US, THEM, next_port, 41100, 0x18, "GET /evil HTTP/1.1\r\nHost: web.example\r\n\r\n", 41);
	/* a body with a hole of known size is skipped all the same */
	next_port++;
	segment(US, THEM, next_port, 1000, 0x18,
		"POST /x HTTP/1.1\r\nHost: web.example\r\nContent-Length: 1000\r\n\r\n", 62);
	segment(US, THEM, next_port, 1062 + 900, 0x18, body, 100);
	segment(US, THEM, next_port, 1062 + 1000, 0x18,
		"GET /evil HTTP/1.1\r\nHost: web.example\r\n\r\n", 41);
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_msg(seen("url", "http://web.example/evil") == 2, "%s", command_out);
}
END_TEST

START_TEST(a_capture_that_ends_early)
{
	PLANT();
	profile_write("both", "");
	dns_to("evil.example", 0x0800);
	dns_to("evil.example", 0x0800);
	fclose(file);
	file = NULL;
	FILE *again = fopen(capture, "r+b");
	fseek(again, 0, SEEK_END);
	ck_assert_int_eq(ftruncate(fileno(again), ftell(again) - 5), 0);
	fclose(again);
	ck_assert_int_eq(inspect("1"), CLI_ERROR);
	ck_assert_int_eq(seen("domain", "evil.example"), 1);
	ck_assert_ptr_nonnull(strstr(command_err, "truncated"));
	ck_assert_int_eq(RUN("inspect", "-p", profile, "/nowhere/x.pcap"), CLI_ERROR);
	ck_assert_int_eq(RUN("inspect", "-p", profile, profile), CLI_ERROR);
	ck_assert_int_eq(RUN("inspect", capture), CLI_ERROR);
	ck_assert_int_eq(RUN("inspect", "-p", profile, "--threads", "0", capture), CLI_ERROR);
}
END_TEST

/* The same lines from any number of threads and rounds, but for how it ran. */
START_TEST(threads_and_rounds_say_the_same)
{
	static char first[COMMAND_OUT_BYTES];
	struct random_state dice = {5};
	PLANT();
	profile_write("both", "");
	for (int i = 0; i < 300; i++) {
		request(requests[random_below(&dice, sizeof(requests) / sizeof(requests[0]))].text);
		dns_to("evil.example", random_below(&dice, 2) == 0 ? 0x0800 : 0x86dd);
		hello("x.evil.example", 40, 50);
	}
	ck_assert_int_eq(inspect("1"), CLI_FOUND);
	ck_assert_uint_gt(events(), 5);
	snprintf(first, sizeof(first), "%s", command_out);
	*strstr(first, "{\"summary\"") = '\0';
	for (int threads = 2; threads < 5; threads++) {
		char number[2] = {(char)('0' + threads), '\0'};
		ck_assert_int_eq(inspect(number), CLI_FOUND);
		*strstr(command_out, "{\"summary\"") = '\0';
		ck_assert_str_eq(command_out, first);
	}
	ck_assert_int_eq(RUN("inspect", "-p", profile, "-q", "-t", "3", "--repeat", "3", capture),
			 CLI_FOUND);
	ck_assert_str_eq(command_out, first);
}
END_TEST

/* --- real captures ---------------------------------------------------------------------------- */

static int
real(const char *name)
{
	char path[200];
	snprintf(path, sizeof(path), REAL "%s", name);
	return RUN("inspect", "--json", "-p", profile, path);
}

/*
 * What the packets themselves say, read off with a naive reader of single packets
 * (and by eye) when this test was written; the folder's README gives the same numbers of names.
 */
START_TEST(real_captures)
{
	static const struct command_row rows[] = {
		{"mamzon.ru", 0, "feed", {NULL}, 0},
		{"yandex.ru", SCOPE_TREE, "feed", {NULL}, 0},
		{"srv.tunnel.com", SCOPE_TREE, "feed", {NULL}, 0},
		{"www.google.com", 0, "feed", {NULL}, 0},
		{"annaharrison.com", SCOPE_TREE, "feed", {NULL}, 0},
		{"216.239.138.0/24", 0, "feed", {NULL}, 0},
	};
	if (access(REAL, R_OK) != 0)
		return;
	command_put(rows, sizeof(rows) / sizeof(rows[0]), true);
	profile_write("both", "");
	ck_assert_int_eq(real("dns-tunnel-long-names.pcap"), CLI_FOUND);
	ck_assert_ptr_nonnull(strstr(command_out, "\"domain\":{\"queries\":81,\"excepted\":0,"
						  "\"verdicts\":{\"block\":81}}"));
	ck_assert_int_eq(real("tls-clienthello-split.pcap"), CLI_FOUND);
	ck_assert_int_eq(seen("domain", "www.google.com"), 1);
	ck_assert_uint_eq(events(), 1);
	ck_assert_int_eq(real("http-pipelined-with-gap.pcap"), CLI_FOUND);
	ck_assert_int_eq(seen("domain", "www.annaharrison.com"), 3);
	ck_assert_int_eq(seen("ip", "216.239.138.68"), 169);
	ck_assert_int_eq(real("browsing-dns-http-tls.pcap"), CLI_FOUND);
	ck_assert_int_ge(seen("domain", "mamzon.ru"), 2);    /* asked and visited */
	ck_assert_int_ge(seen("domain", "mc.yandex.ru"), 2);
	ck_assert_int_ge(seen("domain", "www.google.com"), 2);
	ck_assert_ptr_nonnull(strstr(command_out, "\"url\":{\"queries\":37,"));
	ck_assert_ptr_nonnull(strstr(command_out, "\"frames\":3138,"));
}
END_TEST

int
main(void)
{
	command_start();
	Suite *suite = suite_create("inspect");
	TCase *cases = tcase_create("inspect");
	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 120);
	tcase_add_test(cases, nothing_planted_is_seen);
	tcase_add_test(cases, addresses);
	tcase_add_test(cases, match_address);
	tcase_add_test(cases, exceptions_are_events);
	tcase_add_test(cases, names_in_dns);
	tcase_add_test(cases, names_in_dns_point_backwards);
	tcase_add_test(cases, dns_over_tcp);
	tcase_add_loop_test(cases, requests_are_read, 0, sizeof(requests) / sizeof(requests[0]));
	tcase_add_test(cases, host_of_a_url_is_a_stage);
	tcase_add_test(cases, hosts_that_are_addresses);
	tcase_add_test(cases, server_names);
	tcase_add_test(cases, segments_in_any_order);
	tcase_add_test(cases, what_came_first_counts);
	tcase_add_test(cases, what_came_first_counts_behind_a_hole);
	tcase_add_test(cases, gaps);
	tcase_add_test(cases, a_capture_that_ends_early);
	tcase_add_test(cases, threads_and_rounds_say_the_same);
	tcase_add_test(cases, real_captures);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
