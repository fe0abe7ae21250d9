/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_flood: keys chosen by somebody who knows the seed of the store.
 *
 *   bench_flood [--entries 1e6] [--rounds 3] [--kind sha256] [--way lines] [--strict yes]
 *
 * For each kind and each way of choosing: build a segment of the keys, ask it for each of them and for
 * others chosen the same way, beside random keys of the same length. Ways:
 *
 *   lines       hashes under the plain seed lie in a sixteenth of the lines
 *   tags        they have one of 512 of 8,192 tags (not of IPv4, whose lines have addresses)
 *   hash        64 bits of hash in common (SHA-256: all; SHA-1: each 1,024), tests/collide.h
 *   sequential  addresses and digests that count up
 *   prefix, suffix   names and URLs of 200 bytes that differ in their last or first 16 only
 *
 * The same keys are also applied to a store of that seed, six tenths in a first transaction and a tenth in
 * each of four more, and looked up under the overlays that this makes.
 *
 * A line of JSON each. Seconds are CPU time of this thread, the least of some rounds. `lines` and
 * `records`: what the worst of the look-ups reads. --strict: status 1 if building takes
 * or applying takes more than twice, or a look-up more than 1.5 times, what it takes of random keys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/author.h"
#include "engine/path.h"
#include "engine/segment.h"
#include "engine/segment_build.h"
#include "engine/store.h"
#include "tests/collide.h"

enum style { RANDOM, COUNTED, LONG, PREFIX, SUFFIX, COLLIDED };
enum filter { ANY, LINES, TAGS };

#define TEXT_MOST 239
#define FIXED (1u << KIND_IPV6 | 1u << KIND_SHA1 | 1u << KIND_SHA256)
#define TEXTS (1u << KIND_DOMAIN | 1u << KIND_URL)
#define IPV4 (1u << KIND_IPV4)

static const struct way {
	const char *name;
	enum style style;
	enum filter filter;
	unsigned kinds;
	const char *beside; /* the way that it is compared with */
} ways[] = {
	{"random", RANDOM, ANY, 0, ""},
	{"lines", RANDOM, LINES, IPV4 | FIXED | TEXTS, "random"},
	{"tags", RANDOM, TAGS, FIXED | TEXTS, "random"},
	{"hash", COLLIDED, ANY, 1u << KIND_SHA1 | 1u << KIND_SHA256, "random"},
	{"sequential", COUNTED, ANY, IPV4 | FIXED, "random"},
	{"long", LONG, ANY, 0, ""},
	{"prefix", PREFIX, ANY, TEXTS, "long"},
	{"suffix", SUFFIX, ANY, TEXTS, "long"},
	{"long-lines", LONG, LINES, TEXTS, "long"},
};
#define WAYS (sizeof(ways) / sizeof(*ways))

/* Keys of one way, at `stride`; the first `entries` are put, as many / ASKED_PART after them only asked. */
struct items {
	size_t stride;
	uint8_t *bytes;
};
#define ASKED_PART 4
#define PASSES 3

struct item {
	uint8_t length;
	uint8_t bytes[];
};

struct cost {
	double build, hit, miss; /* seconds, the least; of one look-up */
	double apply, view_hit, view_miss;
	unsigned lines, records;
	uint32_t reseeds;
};

static struct options {
	size_t entries;
	unsigned rounds;
	int kind;
	const char *way;
	bool strict;
} options = {1000000, 3, -1, NULL, false};

static const struct hash_seed seed = {{0x243f6a8885a308d3ull, 0x13198a2e03707344ull}};
static char path[64], store_path[64];

static void
need(enum status status, const struct fault *fault)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "bench_flood: %s\n", fault->text);
	exit(2);
}

static double
processor_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A bijection of 64-bit words (the finisher of SplitMix64). */
static uint64_t
scramble(uint64_t word)
{
	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ull;
	word = (word ^ word >> 27) * 0x94d049bb133111ebull;
	return word ^ word >> 31;
}

/* --- candidates ------------------------------------------------------------------------ */

static void
fixed_make(enum kind kind, enum style style, uint64_t i, struct item *item)
{
	item->length = kind_table[kind].key_bytes;
	memset(item->bytes, 0, 32);
	if (style == RANDOM && kind == KIND_IPV4) {
		be32_put(item->bytes, (uint32_t)i * 2654435761u);
	} else if (style == RANDOM) {
		for (unsigned word = 0; word < 4; word++)
			be64_put(item->bytes + 8 * word, scramble(i + ((uint64_t)word << 56)));
		item->bytes[0] = kind == KIND_IPV6 ? 0x20 : item->bytes[0];
	} else if (kind == KIND_IPV4) {
		be32_put(item->bytes, 0x0a000000u + (uint32_t)i);
	} else {
		be64_put(item->bytes, 0x20010db800000000ull);
		be64_put(item->bytes + item->length - 8, i);
	}
}

static void
letters_put(char *text, uint64_t from, unsigned count)
{
	uint64_t word = 0;
	for (unsigned i = 0; i < count; i++, word >>= 4) {
		word = i % 16 == 0 ? scramble(from + i / 16) : word;
		text[i] = (char)('a' + (word & 15));
	}
}

/* 16 hex digits of i, and three runs of 58 letters, the same for all or i's own. */
static void
text_make(enum kind kind, enum style style, uint64_t i, struct item *item)
{
	char number[32], run[3][64], dot = kind == KIND_URL ? '/' : '.', *text = (char *)item->bytes;
	const char *head = kind == KIND_URL ? "http://flood.example/" : "";
	const char *tail = kind == KIND_URL ? "" : ".example";
	int length;
	snprintf(number, sizeof(number), "%016llx", (unsigned long long)scramble(i));
	for (unsigned k = 0; k < 3; k++) {
		letters_put(run[k], (style == LONG ? i << 8 : 0) + 8 * k, 58);
		run[k][58] = '\0';
	}
	if (style == RANDOM)
		length = snprintf(text, TEXT_MOST, "%s%s%s", head, number, tail);
	else if (style == PREFIX)
		length = snprintf(text, TEXT_MOST, "%s%s%c%s%c%s%c%s%s", head, run[0], dot, run[1],
				  dot, run[2], dot, number, tail);
	else
		length = snprintf(text, TEXT_MOST, "%s%s%c%s%c%s%c%s%s", head, number, dot, run[0],
				  dot, run[1], dot, run[2], tail);
	item->length = (uint8_t)length;
}

static void
item_key(const struct item *item, enum kind kind, struct key *key)
{
	if (kind == KIND_IPV4)
		key_set_ipv4(key, be32_get(item->bytes), 32);
	else if (kind == KIND_IPV6)
		key_set_ipv6(key, item->bytes, 128);
	else if (kind_table[kind].key_bytes != 0)
		key_set_digest(key, kind, item->bytes);
	else if (!key_borrow_text(key, kind, (const char *)item->bytes, item->length))
		exit(2);
}

/* The hash of a key's own node. */
static uint64_t
key_hash(struct hash_seed own, const struct key *key)
{
	struct path walk;
	struct path_step step = {0};
	if (key->kind == KIND_IPV4)
		return path_host(own, be32_get(key->bytes));
	path_init(&walk, own, 0, NULL, key);
	while (path_next(&walk, &step))
		;
	return step.hash;
}

static bool
is_chosen(const struct way *way, enum kind kind, const struct item *item)
{
	static struct key key;
	if (way->filter == ANY)
		return true;
	item_key(item, kind, &key);
	uint64_t hash = key_hash(path_seed(seed, kind, 0, 0), &key);
	return way->filter == LINES ? hash >> 60 == 0 : (hash & 0x1fff) < 512;
}

static struct item *
item_at(const struct items *items, size_t i)
{
	return (struct item *)(items->bytes + i * items->stride);
}

static void
items_collide(enum kind kind, struct items *items, size_t count)
{
	struct hash_seed own = path_seed(seed, kind, 0, 0);
	size_t bytes = kind_table[kind].key_bytes;
	uint8_t *digests = malloc(count * bytes);
	if (kind == KIND_SHA1)
		collide_sha1(own, count, (uint8_t (*)[20])digests);
	else
		collide_sha256(own, count, (uint8_t (*)[32])digests);
	for (size_t i = 0; i < count; i++) {
		item_at(items, i)->length = (uint8_t)bytes;
		memcpy(item_at(items, i)->bytes, digests + i * 7919 % count * bytes, bytes);
	}
	free(digests);
}

static struct items
items_make(const struct way *way, enum kind kind)
{
	size_t count = options.entries + options.entries / ASKED_PART;
	bool text = kind_table[kind].key_bytes == 0;
	struct items items = {text ? 1 + TEXT_MOST : 33, NULL};
	items.bytes = malloc(count * items.stride);
	if (items.bytes == NULL)
		exit(2);
	if (way->style == COLLIDED)
		items_collide(kind, &items, count);
	for (uint64_t i = 0, found = 0; way->style != COLLIDED && found < count; i++) {
		struct item *item = item_at(&items, found);
		if (text)
			text_make(kind, way->style, i, item);
		else
			fixed_make(kind, way->style, i, item);
		found += is_chosen(way, kind, item);
	}
	return items;
}

/* --- building and asking ------------------------------------------------------------------ */

static double
build_seconds(enum kind kind, const struct items *items)
{
	static struct key key;
	struct claim claim = {.scope = SCOPE_EXACT, .expires = 1900000000};
	struct segment_build *build;
	struct file_out *out;
	struct fault fault;
	uint32_t list;
	uint8_t sha256[32];
	double start = processor_seconds();
	need(segment_build_new(seed, false, &build, &fault), &fault);
	need(segment_build_source(build, "flood", 5, &claim.source, &fault), &fault);
	need(segment_build_claims(build, &claim, 1, &list, &fault), &fault);
	for (size_t i = 0; i < options.entries; i++) {
		item_key(item_at(items, i), kind, &key);
		need(segment_build_put(build, &key, list, &fault), &fault);
	}
	need(file_out_open(path, &out, &fault), &fault);
	need(segment_build_write(build, out, sha256, &fault), &fault);
	need(file_out_commit(out, &fault), &fault);
	segment_build_free(build);
	return processor_seconds() - start;
}

/* Of one look-up; `count` of them from `from` on, in an order that no cache foresees. */
static double
find_seconds(const struct segment *segment, enum kind kind, const struct items *items, size_t from,
	     size_t count)
{
	static struct key key;
	struct segment_match matches[8];
	size_t found = 0;
	double start = processor_seconds();
	for (size_t i = 0; i < count; i++) {
		item_key(item_at(items, from + i * 7368787 % count), kind, &key);
		found += segment_collect(segment, &key, matches, 8) > 0;
	}
	if (found != (from == 0 ? count : 0)) {
		fprintf(stderr, "bench_flood: %zu of %zu found\n", found, count);
		exit(2);
	}
	return (processor_seconds() - start) / (double)count;
}

static void
keep_least(double *least, double value)
{
	if (*least == 0 || value < *least)
		*least = value;
}

/* --- applying, and asking under overlays --------------------------------------------------- */

#define APPLIED_PARTS 5
#define APPLIED_FIRST 6 /* tenths of the keys in the first transaction */

static void
apply_part(enum kind kind, const struct items *items, size_t from, size_t to)
{
	static struct key key;
	struct author_claim claim = {.source = "flood", .source_length = 5, .expires = 1900000000};
	struct author_counts counts;
	struct author *author;
	struct store_write *write;
	struct fault fault = {0};
	uint64_t generation;
	need(store_write_begin(store_path, false, &seed, &write, &fault), &fault);
	need(author_new(store_write_view(write), 1800000000, &author, &fault), &fault);
	for (size_t i = from; i < to; i++) {
		item_key(item_at(items, i), kind, &key);
		need(author_put(author, &key, &claim, &fault), &fault);
	}
	need(author_finish(author, store_write_build(write), &counts, &fault), &fault);
	author_free(author);
	need(store_write_commit(write, 1800000000, false, &generation, &fault), &fault);
}

static enum status
remove_name(void *context, const char *name, struct fault *fault)
{
	char file[128];
	(void)context;
	(void)fault;
	snprintf(file, sizeof(file), "%.60s/%.60s", store_path, name);
	unlink(file);
	return STATUS_OK;
}

static double
apply_seconds(enum kind kind, const struct items *items)
{
	double start = processor_seconds();
	size_t tenth = options.entries / 10;
	for (size_t part = 0, from = 0, to; part < APPLIED_PARTS; part++, from = to) {
		to = part + 1 == APPLIED_PARTS ? options.entries : (part + APPLIED_FIRST) * tenth;
		apply_part(kind, items, from, to);
	}
	return processor_seconds() - start;
}

static double
view_seconds(const struct view *view, enum kind kind, const struct items *items, size_t from,
	     size_t count)
{
	static struct key key;
	struct view_match matches[8];
	size_t found = 0;
	double start = processor_seconds();
	for (size_t i = 0; i < count; i++) {
		item_key(item_at(items, from + i * 7368787 % count), kind, &key);
		found += view_collect(view, &key, matches, 8) > 0;
	}
	if (found != (from == 0 ? count : 0)) {
		fprintf(stderr, "bench_flood: %zu of %zu found in the store\n", found, count);
		exit(2);
	}
	return (processor_seconds() - start) / (double)count;
}

static void
run_store(enum kind kind, const struct items *items, struct cost *cost)
{
	struct fault fault = {0};
	struct store *store;
	keep_least(&cost->apply, apply_seconds(kind, items));
	need(store_open(store_path, &store, &fault), &fault);
	struct view *view = store_view_take(store);
	for (unsigned pass = 0; pass < PASSES; pass++) {
		keep_least(&cost->view_hit, view_seconds(view, kind, items, 0, options.entries));
		keep_least(&cost->view_miss, view_seconds(view, kind, items, options.entries,
							  options.entries / ASKED_PART));
	}
	view_drop(view);
	store_close(store);
	need(file_each_name(store_path, remove_name, NULL, &fault), &fault);
	rmdir(store_path);
}

/* --- what a look-up reads ----------------------------------------------------------------------- */

/* Lines that a probe of this hash reads, and records that it compares. */
static void
probe_cost(const struct segment_table *table, uint64_t hash, unsigned *lines, unsigned *records)
{
	const struct bucket_d *line = (const struct bucket_d *)table->lines +
				      bucket_home(hash, table->buckets);
	*lines = *records = 0;
	for (unsigned hop = 0; hop <= LIMIT_BUCKET_HOPS; hop++, line++) {
		++*lines;
		*records += (unsigned)__builtin_popcount(bucket_find(line, bucket_tag(hash)));
		if (!bucket_passed(line, hash))
			return;
	}
}

static void
hosts_cost(const struct hosts *hosts, uint64_t hash, unsigned *lines)
{
	const struct hosts_line_d *line = hosts_home(hosts, hash);
	for (*lines = 1; *lines <= LIMIT_HOSTS_HOPS; ++*lines, line++)
		if ((le32_get(line->state) & hosts_passed_bit(hash)) == 0)
			return;
}

static void
worst_cost(const struct segment *segment, enum kind kind, const struct items *items,
	   struct cost *cost)
{
	static struct key key;
	for (size_t i = 0; i < options.entries + options.entries / ASKED_PART; i++) {
		unsigned lines, records = 1;
		item_key(item_at(items, i), kind, &key);
		if (kind == KIND_IPV4)
			hosts_cost(&segment->hosts, key_hash(segment->hosts.seed, &key), &lines);
		else
			probe_cost(&segment->table[kind], key_hash(segment->table[kind].seed, &key),
				   &lines, &records);
		cost->lines = lines > cost->lines ? lines : cost->lines;
		cost->records = records > cost->records ? records : cost->records;
	}
}

static uint32_t
reseeds_of(const struct segment *segment, enum kind kind)
{
	struct section section;
	container_section(&segment->container, FORMAT_INFO, &section);
	return le32_get(((const struct info_d *)section.bytes)->kind[kind].reseeds);
}

static void
run_round(enum kind kind, const struct items *items, struct cost *cost)
{
	struct fault fault;
	struct segment segment;
	struct file_map map;
	size_t asked = options.entries / ASKED_PART;
	keep_least(&cost->build, build_seconds(kind, items));
	need(file_map_open(path, &map, &fault), &fault);
	need(segment_attach(&segment, map.bytes, map.length, &fault), &fault);
	for (unsigned pass = 0; pass < PASSES; pass++) {
		keep_least(&cost->hit, find_seconds(&segment, kind, items, 0, options.entries));
		keep_least(&cost->miss, find_seconds(&segment, kind, items, options.entries, asked));
	}
	if (cost->lines == 0)
		worst_cost(&segment, kind, items, cost);
	cost->reseeds = reseeds_of(&segment, kind);
	file_map_close(&map);
	unlink(path);
	run_store(kind, items, cost);
}

static bool
report(const struct way *way, enum kind kind, const struct cost *cost, const struct cost *beside)
{
	double build = cost->build / beside->build;
	double hit = cost->hit / beside->hit, miss = cost->miss / beside->miss;
	double apply = cost->apply / beside->apply;
	double view_hit = cost->view_hit / beside->view_hit;
	double view_miss = cost->view_miss / beside->view_miss;
	printf("{\"bench\":\"flood\",\"kind\":\"%s\",\"way\":\"%s\",\"entries\":%zu,\"reseeds\":%u,"
	       "\"build_seconds\":%.3f,\"build_ratio\":%.2f,\"hit_ns\":%.0f,\"hit_ratio\":%.2f,"
	       "\"miss_ns\":%.0f,\"miss_ratio\":%.2f,\"apply_seconds\":%.3f,\"apply_ratio\":%.2f,"
	       "\"view_hit_ratio\":%.2f,\"view_miss_ratio\":%.2f,\"lines\":%u,\"lines_beside\":%u,\"records\":%u,"
	       "\"records_beside\":%u}\n", kind_name(kind), way->name, options.entries, cost->reseeds,
	       cost->build, build, cost->hit * 1e9, hit, cost->miss * 1e9, miss, cost->apply, apply,
	       view_hit, view_miss, cost->lines, beside->lines, cost->records, beside->records);
	fflush(stdout);
	return build <= 2 && apply <= 2 && hit <= 1.5 && miss <= 1.5 && view_hit <= 1.5 &&
	       view_miss <= 1.5;
}

/* A way and what it is compared with by turns, so that other programs slow both. */
static bool
run_way(const struct way *way, enum kind kind)
{
	const struct way *other = ways;
	while (strcmp(other->name, way->beside) != 0)
		other++;
	struct items items = items_make(way, kind), beside = items_make(other, kind);
	struct cost cost = {0}, cost_beside = {0};
	for (unsigned round = 0; round < options.rounds; round++) {
		run_round(kind, &items, &cost);
		run_round(kind, &beside, &cost_beside);
	}
	free(items.bytes);
	free(beside.bytes);
	return report(way, kind, &cost, &cost_beside);
}

static bool
run_kind(enum kind kind)
{
	bool good = true;
	for (size_t i = 0; i < WAYS; i++)
		if ((ways[i].kinds >> kind & 1) != 0 &&
		    (options.way == NULL || strcmp(options.way, ways[i].name) == 0))
			good &= run_way(&ways[i], kind);
	return good;
}

static bool
options_read(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *value = argv[i + 1];
		if (strcmp(argv[i], "--entries") == 0)
			options.entries = (size_t)strtod(value, NULL);
		else if (strcmp(argv[i], "--rounds") == 0)
			options.rounds = (unsigned)strtoul(value, NULL, 10);
		else if (strcmp(argv[i], "--strict") == 0)
			options.strict = strcmp(value, "yes") == 0;
		else if (strcmp(argv[i], "--way") == 0)
			options.way = value;
		else if (strcmp(argv[i], "--kind") == 0)
			for (options.kind = KIND_COUNT - 1; options.kind > 0; options.kind--)
				if (strcmp(value, kind_name((enum kind)options.kind)) == 0)
					break;
	}
	return argc % 2 == 1 && options.entries > 0 && options.rounds > 0;
}

int
main(int argc, char **argv)
{
	bool good = true;
	if (!options_read(argc, argv)) {
		fprintf(stderr, "usage: bench_flood [--entries N] [--rounds N] [--kind K] [--way W] [--strict yes]\n");
		return 2;
	}
	snprintf(path, sizeof(path), "build/tmp/flood-%ld.rps", (long)getpid());
	snprintf(store_path, sizeof(store_path), "build/tmp/flood-%ld.store", (long)getpid());
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (options.kind < 0 || options.kind == kind)
			good &= run_kind((enum kind)kind);
	return good || !options.strict ? 0 : 1;
}
