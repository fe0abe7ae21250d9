/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inspection at line rate: packets replayed from memory through query/inspect.h, which
 * is what `repute inspect` runs, by a profile of many filters.
 *
 *   bench_inspect [--entries N] [--packets N] [--filters N] [--rounds N] [--traffic NAME]
 *
 * Traffic, each against N entries of its kind of which one query in a hundred hits one:
 *
 *   ipv4   TCP without payload in 64-byte frames: two addresses and one verdict each
 *   ipv6   the same in 78-byte frames
 *   mix    both, turn about, against N / 2 entries each
 *   dns    a query in each packet: two addresses and a name
 *   http   a GET in each packet, each a connection of its own: addresses, host, URL
 *
 * Every round is timed whole; the median counts. The shares are of the phases'
 * own clocks; look-up is the same addresses in the same batches through lookup_many
 * alone, and judge what judge_many takes longer. BENCH_JSON=1 prints JSON lines.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/data.h"
#include "bench/subject.h"
#include "bench/timer.h"
#include "engine/clock.h"
#include "engine/store.h"
#include "query/inspect.h"

#define FRAME_MOST 1514
#define ROUNDS_MOST 1000
#define LINE_10G 14.88
#define LINE_100G 148.8

static struct {
	size_t entries, packets;
	unsigned filters, rounds;
	const char *traffic;
} wanted = {1000000, 1000000, 100, 15, NULL};

struct bench {
	const char *name;
	struct store *store;
	struct view *view;
	struct judge *judge;
	struct inspect_options options;
	uint8_t *bytes;
	struct inspect_frame *frames;
	size_t count, used, room;
	struct queries *four, *six, *text;
};

static void
stop(const char *what, const char *why)
{
	fprintf(stderr, "bench_inspect: %s: %s\n", what, why);
	exit(2);
}

static void
need(enum status status, const struct fault *fault)
{
	if (status != STATUS_OK)
		stop(fault->where, fault->text);
}

/* --- frames ------------------------------------------------------------------------------- */

static void
put16(uint8_t *to, size_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

/* Ethernet, IP and TCP or UDP around a payload; addresses by the stream's number. */
static void
frame_add(struct bench *bench, bool six, uint8_t protocol, uint16_t port, const char *payload,
	  size_t length)
{
	size_t n = bench->count, ip = six ? 40 : 20, transport = protocol == PACKET_TCP ? 20 : 8;
	size_t total = ip + transport + length, frame = 14 + total < 60 ? 60 : 14 + total;
	uint8_t *to = bench->bytes + bench->used;
	struct queries *addresses = six ? bench->six : bench->four;
	if (bench->room - bench->used < FRAME_MOST || frame > FRAME_MOST)
		return;
	memset(to, 0, frame + 4);
	put16(to + 12, six ? 0x86dd : 0x0800);
	uint8_t *at = to + 14;
	if (six) {
		at[0] = 0x60;
		put16(at + 4, transport + length);
		at[6] = protocol;
		memcpy(at + 8, addresses->keys + 32 * (n % (addresses->count / 2)), 32);
	} else {
		at[0] = 0x45;
		put16(at + 2, total);
		at[9] = protocol;
		for (unsigned side = 0; side < 2; side++) {
			uint32_t address;
			memcpy(&address, addresses->keys + 4 * (2 * (n % (addresses->count / 2)) + side),
			       4);
			be32_put(at + 12 + 4 * side, address);
		}
	}
	at += ip;
	put16(at, 1024 + n % 60000);
	put16(at + 2, port);
	if (protocol == PACKET_TCP)
		at[12] = 0x50;
	else
		put16(at + 4, 8 + length);
	if (length > 0)
		memcpy(at + transport, payload, length);
	bench->frames[n] = (struct inspect_frame){to, (uint32_t)frame + 4, n + 1, n};
	bench->used += frame + 4; /* the four are the checksum */
	bench->count++;
}

static size_t
dns_query(const char *name, size_t length, char *to)
{
	static const char header[12] = {0, 1, 1, 0, 0, 1};
	size_t at = 12, label;
	memcpy(to, header, 12);
	for (size_t i = 0; i < length; i += label + 1) {
		for (label = 0; i + label < length && name[i + label] != '.';)
			label++;
		to[at++] = (char)label;
		memcpy(to + at, name + i, label);
		at += label;
	}
	memcpy(to + at, "\0\0\1\0\1", 5);
	return at + 5;
}

/* http://host/path: the scheme and the fragment are not sent. */
static size_t
http_request(const char *url, size_t length, char *to, size_t room)
{
	const char *host = memmem(url, length, "://", 3);
	host = host != NULL ? host + 3 : url;
	const char *end = url + length, *slash = memchr(host, '/', (size_t)(end - host));
	slash = slash != NULL ? slash : end;
	int made = snprintf(to, room, "GET %.*s%s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: bench\r\n\r\n",
			    (int)(end - slash), slash, slash == end ? "/" : "", (int)(slash - host),
			    host);
	return made > 0 && (size_t)made < room ? (size_t)made : 0;
}

static void
make_ipv4(struct bench *bench, size_t n)
{
	frame_add(bench, false, PACKET_TCP, 443, NULL, 0);
}

static void
make_ipv6(struct bench *bench, size_t n)
{
	frame_add(bench, true, PACKET_TCP, 443, NULL, 0);
}

static void
make_mix(struct bench *bench, size_t n)
{
	frame_add(bench, n % 2 == 1, PACKET_TCP, 443, NULL, 0);
}

static void
make_dns(struct bench *bench, size_t n)
{
	char payload[600];
	size_t length;
	const char *name = list_text(&bench->text->text, n % bench->text->count, &length);
	if (length <= LIMIT_DOMAIN_BYTES)
		frame_add(bench, false, PACKET_UDP, 53, payload, dns_query(name, length, payload));
}

static void
make_http(struct bench *bench, size_t n)
{
	char payload[1400];
	size_t length;
	const char *url = list_text(&bench->text->text, n % bench->text->count, &length);
	size_t made = http_request(url, length, payload, sizeof(payload));
	if (made > 0)
		frame_add(bench, false, PACKET_TCP, 80, payload, made);
}

/* --- stores ------------------------------------------------------------------------------- */

struct traffic {
	const char *name;
	enum data_class stored;      /* of the store; mix: and ipv6 */
	void (*make)(struct bench *bench, size_t n);
	size_t frame_bytes;          /* about */
	bool ipv4, ipv6, text;       /* what its packets need */
};

static const struct traffic traffics[] = {
	{"ipv4", CLASS_IPV4, make_ipv4, 80, true, false, false},
	{"ipv6", CLASS_IPV6, make_ipv6, 96, false, true, false},
	{"mix", CLASS_IPV4, make_mix, 96, true, true, false},
	{"dns", CLASS_DOMAIN, make_dns, 160, true, false, true},
	{"http", CLASS_URL, make_http, 400, true, false, true},
};

/* Prefixes of IPv6 beside what the store has: as one base. */
static void
store_add(const char *directory, const struct data *data)
{
	static struct key key;
	struct fault fault = {0};
	struct store_write *write;
	uint64_t generation;
	uint32_t source, claims;
	need(store_write_begin(directory, false, NULL, &write, &fault), &fault);
	struct segment_build *build = store_write_build(write);
	need(segment_build_source(build, "feed-a", 6, &source, &fault), &fault);
	struct claim claim = {source, SCOPE_EXACT, 0, 0, DATA_NOW + 86400, DATA_NOW - 5, DATA_NOW - 5};
	need(segment_build_claims(build, &claim, 1, &claims, &fault), &fault);
	for (size_t i = 0; i < data->count; i++) {
		key_set_ipv6(&key, data->keys + 16 * i, data->bits[i]);
		need(segment_build_put(build, &key, claims, &fault), &fault);
	}
	need(store_write_commit(write, DATA_NOW - 1800, true, &generation, &fault), &fault);
}

/* Filter i takes a few values of List Count: every claim is taken by one of them. */
static struct judge *
judge_make(struct view *view, unsigned filters)
{
	struct fault fault = {0};
	struct profile *profile;
	struct judge *judge;
	size_t room = 256 + (size_t)filters * 160, length = 0;
	char *text = malloc(room);
	length += (size_t)snprintf(text, room, "[profile]\nname = bench\n[action \"b\"]\nflow = block\n");
	for (unsigned i = 0; i < filters; i++)
		length += (size_t)snprintf(
			text + length, room - length,
			"[filter \"f%u\"]\naction = b\nuntagged = %s\nwhere = \"%s\" >= %u and \"%s\" <= %u\n",
			i, i + 1 == filters ? "yes" : "no", CATALOG_COUNT_NAME,
			i * DATA_SETS / filters + 1, CATALOG_COUNT_NAME,
			(i + 1) * DATA_SETS / filters);
	need(profile_parse(text, length, &view->catalog, &profile, &fault), &fault);
	need(judge_new(view, profile, NULL, &judge, &fault), &fault);
	free(text);
	return judge;
}

static struct queries *
stream_of(const struct data *data, size_t count)
{
	struct queries *queries = data_queries(data, STREAM_ONE_PERCENT, count);
	if (queries == NULL)
		stop(data_class_names[data->class], "no stream of queries");
	return queries;
}

/* --- measuring ------------------------------------------------------------------------------ */

struct result {
	double ns;      /* a packet, median of rounds */
	double cpu;     /* the same by the thread's CPU clock: what is left on a busy machine */
	double parse, lookup, judge, events, payload; /* ns a packet */
	struct inspect_counts counts;
	size_t events_count;
};

static struct inspect *
inspector(const struct bench *bench)
{
	struct fault fault = {0};
	struct inspect *inspect;
	need(inspect_new(bench->judge, &bench->options, &inspect, &fault), &fault);
	return inspect;
}

static double
cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds of one pass over frames from..to by a fresh inspection. */
static double
pass(const struct bench *bench, size_t from, size_t to, struct inspect_counts *counts,
     size_t *events)
{
	struct inspect *inspect = inspector(bench);
	double start = timer_ns();
	inspect_frames(inspect, bench->frames + from, to - from);
	inspect_end(inspect);
	double ns = timer_ns() - start;
	if (counts != NULL)
		inspect_count(inspect, counts);
	if (events != NULL)
		inspect_events(inspect, events);
	inspect_free(inspect);
	return ns;
}

/* The look-ups of the ip stage by themselves, ns a packet: as inspect.c gathers them. */
static double
lookup_alone(const struct bench *bench)
{
	static struct repute_hit hits[2 * INSPECT_BATCH];
	static uint32_t four[2 * INSPECT_BATCH];
	static uint8_t six[2 * INSPECT_BATCH][16];
	double ns = 0;
	for (size_t at = 0; at < bench->count; at += INSPECT_BATCH) {
		size_t n4 = 0, n6 = 0, end = at + INSPECT_BATCH;
		for (size_t i = at; i < end && i < bench->count; i++) {
			struct packet packet;
			packet_parse(PACKET_ETHERNET, bench->frames[i].bytes,
				     bench->frames[i].length, &packet);
			for (unsigned side = 0; side < 2; side++) {
				if (packet.version == 4)
					four[n4++] = packet_ipv4(&packet, side);
				else
					memcpy(six[n6++], packet_address(&packet, side), 16);
			}
		}
		struct lookup_batch batch4 = {.kind = KIND_IPV4, .ipv4 = four};
		struct lookup_batch batch6 = {.kind = KIND_IPV6, .bytes = six[0]};
		double start = timer_ns();
		lookup_many(bench->view, &batch4, n4, DATA_NOW, hits);
		lookup_many(bench->view, &batch6, n6, DATA_NOW, hits);
		ns += timer_ns() - start;
	}
	return ns / (double)bench->count;
}

static void
measure(const struct bench *bench, struct result *result)
{
	static double whole[ROUNDS_MOST], cpu[ROUNDS_MOST], part[5][ROUNDS_MOST];
	double count = (double)bench->count, *const middle[5] = {
		&result->parse, &result->judge, &result->events, &result->payload, &result->lookup};
	pass(bench, 0, bench->count, NULL, NULL);
	for (unsigned i = 0; i < wanted.rounds; i++) {
		struct inspect_counts *counts = &result->counts;
		double start = cpu_ns();
		whole[i] = pass(bench, 0, bench->count, counts, &result->events_count) / count;
		cpu[i] = (cpu_ns() - start) / count;
		part[0][i] = counts->parse_seconds * 1e9 / count;
		part[1][i] = counts->judge_seconds * 1e9 / count;
		part[2][i] = counts->event_seconds * 1e9 / count;
		part[3][i] = counts->payload_seconds * 1e9 / count;
		part[4][i] = lookup_alone(bench);
	}
	result->ns = timer_median(whole, wanted.rounds);
	result->cpu = timer_median(cpu, wanted.rounds);
	for (unsigned i = 0; i < 5; i++)
		*middle[i] = timer_median(part[i], wanted.rounds);
	result->judge = result->judge > result->lookup ? result->judge - result->lookup : 0;
}

/* --- threads --------------------------------------------------------------------------------- */

struct half {
	const struct bench *bench;
	pthread_barrier_t *start;
	size_t from, to;
	double ns;
};

static void *
half_run(void *context)
{
	struct half *half = context;
	pass(half->bench, half->from, half->to, NULL, NULL);
	pthread_barrier_wait(half->start);
	double start = timer_ns();
	for (unsigned i = 0; i < wanted.rounds; i++)
		pass(half->bench, half->from, half->to, NULL, NULL);
	half->ns = timer_ns() - start;
	return NULL;
}

/* Packets a second, in millions, of `threads` that share view and judge. */
static double
threads_rate(const struct bench *bench, unsigned threads)
{
	struct half half[2];
	pthread_t id[2];
	pthread_barrier_t barrier;
	double rate = 0;
	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		half[i] = (struct half){bench, &barrier, bench->count * i / 2,
					bench->count * (i + 1) / 2, 0};
		if (pthread_create(&id[i], NULL, half_run, &half[i]) != 0)
			stop("threads", "cannot be started");
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(id[i], NULL);
		rate += (double)(half[i].to - half[i].from) * wanted.rounds * 1e3 / half[i].ns;
	}
	pthread_barrier_destroy(&barrier);
	return rate;
}

/* --- all ----------------------------------------------------------------------------------------- */

static void
print(const struct bench *bench, const struct result *result, double one, double two)
{
	double mpps = 1e3 / result->ns, hits = 0;
	for (unsigned stage = 0; stage < INSPECT_STAGES; stage++)
		for (unsigned i = REPUTE_VERDICT_PERMIT; i < REPUTE_VERDICT_ERROR; i++)
			hits += (double)result->counts.verdicts[stage][i];
	hits = hits * 100 / (double)bench->count;
	if (getenv("BENCH_JSON") != NULL) {
		printf("{\"bench\":\"inspect\",\"traffic\":\"%s\",\"entries\":%zu,\"filters\":%u,"
		       "\"packets\":%zu,\"mpps\":%.3f,\"ns\":%.2f,\"cpu_ns\":%.2f,\"parse_ns\":%.2f,"
		       "\"lookup_ns\":%.2f,\"judge_ns\":%.2f,\"events_ns\":%.2f,\"payload_ns\":%.2f,"
		       "\"hits_per_100_packets\":%.2f,\"events\":%zu,\"cores_100g\":%.1f,"
		       "\"one_thread_mpps\":%.3f,\"two_threads_mpps\":%.3f}\n",
		       bench->name, wanted.entries, wanted.filters, bench->count, mpps, result->ns,
		       result->cpu, result->parse, result->lookup, result->judge, result->events,
		       result->payload, hits, result->events_count, LINE_100G / mpps, one, two);
		return;
	}
	printf("%-5s %7.2f Mpps %7.1f ns (CPU %.1f) | parse %5.1f look-up %5.1f judge %5.1f events %5.1f "
	       "payload %6.1f | %4.1f hits in 100 | 10G %4.0f %%, 100G %5.1f cores | 2 threads %7.2f "
	       "Mpps, x%.2f\n",
	       bench->name, mpps, result->ns, result->cpu, result->parse, result->lookup, result->judge,
	       result->events, result->payload, hits, mpps * 100 / LINE_10G, LINE_100G / mpps, two,
	       two / one);
}

static void
frames_make(struct bench *bench, const struct traffic *traffic)
{
	bench->room = wanted.packets * traffic->frame_bytes + FRAME_MOST;
	bench->bytes = malloc(bench->room);
	bench->frames = malloc(wanted.packets * sizeof(*bench->frames));
	if (bench->bytes == NULL || bench->frames == NULL)
		stop("packets", "no memory");
	for (size_t n = 0; n < wanted.packets; n++)
		traffic->make(bench, n);
}

static void
run(const struct traffic *traffic)
{
	struct fault fault = {0};
	struct bench bench = {.name = traffic->name, .options = {.now = DATA_NOW,
								 .payloads = true}};
	struct result result = {0};
	bool mix = traffic->ipv4 && traffic->ipv6;
	size_t entries = mix ? wanted.entries / 2 : wanted.entries;
	struct data *data = data_make(traffic->stored, NULL, entries, 1);
	struct data *other = mix ? data_make(CLASS_IPV6, NULL, entries, 2) : NULL;
	struct data *beside = traffic->text ? data_make(CLASS_IPV4, NULL, 100000, 3) : NULL;
	if (data == NULL)
		stop(traffic->name, "no entries");
	struct subject *subject = subject_build(data);
	if (other != NULL)
		store_add(subject->directory, other);
	need(store_open(subject->directory, &bench.store, &fault), &fault);
	bench.view = store_view_take(bench.store);
	bench.judge = judge_make(bench.view, wanted.filters);
	if (traffic->ipv4)
		bench.four = stream_of(beside != NULL ? beside : data, 2 * wanted.packets);
	if (traffic->ipv6)
		bench.six = stream_of(other != NULL ? other : data, 2 * wanted.packets);
	if (traffic->text)
		bench.text = stream_of(data, wanted.packets);
	frames_make(&bench, traffic);
	measure(&bench, &result);
	print(&bench, &result, threads_rate(&bench, 1), threads_rate(&bench, 2));
	fflush(stdout);
	judge_free(bench.judge);
	view_drop(bench.view);
	store_close(bench.store);
	subject_free(subject);
	free(bench.bytes);
	free(bench.frames);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		double number = strtod(argv[i + 1], NULL);
		if (strcmp(argv[i], "--entries") == 0)
			wanted.entries = (size_t)number;
		else if (strcmp(argv[i], "--packets") == 0)
			wanted.packets = (size_t)number;
		else if (strcmp(argv[i], "--filters") == 0)
			wanted.filters = (unsigned)number;
		else if (strcmp(argv[i], "--rounds") == 0 && number >= 1 && number <= ROUNDS_MOST)
			wanted.rounds = (unsigned)number;
		else if (strcmp(argv[i], "--traffic") == 0)
			wanted.traffic = argv[i + 1];
		else
			stop(argv[i], "what is that?");
	}
	if (getenv("BENCH_JSON") == NULL)
		printf("%zu entries, %u filters, %zu packets replayed %u times\n", wanted.entries,
		       wanted.filters, wanted.packets, wanted.rounds);
	for (size_t i = 0; i < sizeof(traffics) / sizeof(traffics[0]); i++) {
		if (wanted.traffic == NULL || strcmp(wanted.traffic, traffics[i].name) == 0)
			run(&traffics[i]);
	}
	return 0;
}
