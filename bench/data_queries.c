/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of queries with their answers.
 *
 *   miss    digests never loaded; uniform addresses; names and URLs of the
 *           lists with labels replaced in a round that was not loaded (every
 *           second URL: a listed host with another path)
 *   hit     keys drawn evenly; below prefixes a random address; a third of the
 *           names and URLs that cover more are asked from below
 *   1pct    one hit in a hundred, else miss
 *   5pct    one hit in twenty, else miss, all with locality: entries and a million
 *           other addresses are asked by Zipf's law, exponent 1
 *   benign  files of a distribution, top sites, ordinary URLs, addresses of
 *           routed networks, in random order
 *   canon   miss: canonical URLs; hit: the lists' URLs as they came; benign
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/data_grow.h"

#define UNLOADED_ROUND 0xffffffffull
#define TEXT_MOST 1200
#define ZIPF_MISSES 1000000 /* addresses not listed that the 5pct stream asks for */

const char *const data_stream_names[STREAM_COUNT] = {"miss", "hit", "1pct", "benign", "5pct"};

struct maker {
	struct queries *queries;
	const struct data *data;
	uint64_t random;
	struct list benign;
	uint8_t *benign_keys;
	size_t benign_count;
};

static uint64_t
next(struct maker *maker)
{
	return data_mix(maker->random++);
}

/* Adds the query if it is a hit or not as wanted (0, 1; -1: any). */
static void
put(struct maker *maker, const void *key, size_t length, int wanted)
{
	struct queries *queries = maker->queries;
	struct answer answer = {0, 0};
	if (maker->data->class != CLASS_CANON)
		answer = data_oracle_find(maker->data, key, length);
	if (wanted >= 0 && (answer.tags != 0) != (wanted != 0) && maker->data->class != CLASS_CANON)
		return;
	if (maker->data->key_bytes > 0)
		memcpy(queries->keys + queries->count * length, key, length);
	else
		list_add(&queries->text, key, length);
	queries->hits += answer.tags != 0;
	queries->expected[queries->count++] = answer;
}

/* --- one query of each kind ---------------------------------------------------------------- */

static void
fixed_miss(struct maker *maker)
{
	uint64_t word[4];
	for (size_t i = 0; i < 4; i++)
		word[i] = next(maker);
	if (maker->data->class == CLASS_IPV6) /* 2000::/3, where all traffic is */
		((uint8_t *)word)[0] = 0x20 | (((uint8_t *)word)[0] & 0x1f);
	put(maker, word, maker->data->key_bytes, 0);
}

static void
fixed_hit(struct maker *maker)
{
	const struct data *data = maker->data;
	size_t i = next(maker) % data->count, length;
	unsigned bits = data_bits(data, i);
	uint8_t key[32];
	uint64_t low[2] = {next(maker), next(maker)};
	memcpy(key, data_key(data, i, &length), data->key_bytes);
	if (data->class == CLASS_IPV4 && bits < 32) {
		uint32_t address;
		memcpy(&address, key, 4);
		address |= (uint32_t)low[0] & (uint32_t)(0xffffffffull >> bits);
		memcpy(key, &address, 4);
	} else if (data->class == CLASS_IPV6) {
		for (unsigned bit = bits; bit < 128; bit++)
			if (low[bit / 64] >> bit % 64 & 1)
				key[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	put(maker, key, data->key_bytes, 1);
}

/*
 * One of `count` queries, the r-th most frequent with a chance of about 1 / r: what
 * rank it has decides all about it.
 */
static void
zipf(struct maker *maker, bool hit)
{
	size_t count = hit ? maker->data->count : ZIPF_MISSES;
	double u = (double)(next(maker) >> 11) / (double)(1ull << 53);
	uint64_t rank = (uint64_t)exp(u * log((double)count + 1)), random = maker->random;
	maker->random = data_mix(maker->data->seed ^ (rank * 2 + hit));
	(hit ? fixed_hit : fixed_miss)(maker);
	maker->random = random;
}

static void
text_miss(struct maker *maker)
{
	const struct data *data = maker->data;
	char text[TEXT_MOST];
	size_t length, host = 0, host_length;
	uint64_t random = next(maker);
	const char *key = list_text(&data->text, random % data->count, &length);
	memcpy(text, key, length);
	host_length = length;
	if (data->class != CLASS_DOMAIN)
		host = grow_url_host(key, length, &host_length);
	if (host_length == 0 || isdigit((unsigned char)key[host + host_length - 1]) ||
	    key[host + host_length - 1] == ']')
		return; /* an address: other digits may be none */
	if (data->class == CLASS_URL && random >> 40 & 1) {
		length = host + host_length;
		length += (size_t)snprintf(text + length, 40, "/a/%x.html", (unsigned)(random >> 41));
	} else if (data->class != CLASS_CANON) {
		grow_scramble(UNLOADED_ROUND, key + host, host_length, text + host);
	}
	put(maker, text, length, 0);
}

static void
text_hit(struct maker *maker)
{
	const struct data *data = maker->data;
	char text[TEXT_MOST + 64];
	size_t length, before = 0;
	uint64_t random = next(maker);
	bool raw = data->class == CLASS_CANON;
	size_t i = random % (raw ? data->raw.count : data->count);
	const char *key = list_text(raw ? &data->raw : &data->text, i, &length);
	bool lower = !raw && (data_scope(data, i) & 2) != 0 &&
		     ((data_scope(data, i) & 1) == 0 || random >> 32 & 3);
	if (lower && random >> 34 & 1 && data->class == CLASS_DOMAIN)
		before = (size_t)snprintf(text, 64, "www.");
	memcpy(text + before, key, length);
	length += before;
	if (lower && before == 0 && data->class == CLASS_URL && random >> 34 & 1)
		length += (size_t)snprintf(text + length, 64, "/x%x", (unsigned)(random >> 40 & 0xfff));
	if (length <= 253 || data->class != CLASS_DOMAIN)
		put(maker, text, length, raw ? -1 : 1);
}

/* --- benign -------------------------------------------------------------------------------- */

static void
benign_add_key(struct maker *maker, const void *key)
{
	size_t bytes = maker->data->key_bytes;
	if ((maker->benign_count & (maker->benign_count - 1)) == 0)
		maker->benign_keys = realloc(maker->benign_keys,
					     (maker->benign_count * 2 + 1) * bytes);
	memcpy(maker->benign_keys + maker->benign_count++ * bytes, key, bytes);
}

static void
benign_digest(void *context, const char *line, size_t length)
{
	struct maker *maker = context;
	uint8_t digest[32];
	unsigned bytes = maker->data->key_bytes;
	const char *text = bytes == 20 ? line : line + 41;
	if (length != 40 + 1 + 64)
		return;
	for (unsigned i = 0; i < bytes; i++) {
		char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
		digest[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	benign_add_key(maker, digest);
}

/* A random address below each routed prefix. */
static void
benign_address(void *context, const char *line, size_t length)
{
	struct maker *maker = context;
	bool wide = maker->data->class == CLASS_IPV6;
	char text[64];
	uint8_t address[16], *bytes = address;
	uint32_t host;
	uint64_t random[2] = {next(maker), next(maker)};
	const char *slash = memchr(line, '/', length);
	if (slash == NULL || slash - line >= (long)sizeof(text))
		return;
	memcpy(text, line, (size_t)(slash - line));
	text[slash - line] = '\0';
	if (inet_pton(wide ? AF_INET6 : AF_INET, text, address) != 1)
		return;
	for (unsigned bit = (unsigned)strtoul(slash + 1, NULL, 10); bit < (wide ? 128u : 32u); bit++)
		if (random[bit / 64] >> bit % 64 & 1)
			address[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	memcpy(&host, address, 4);
	host = ntohl(host);
	benign_add_key(maker, wide ? (void *)bytes : (void *)&host);
}

static void
benign_text(void *context, const char *line, size_t length)
{
	struct maker *maker = context;
	if (length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		length -= 3;
	}
	if (length == 0 || length > 1000 || memchr(line, ' ', length) != NULL ||
	    memchr(line, '.', length) == NULL)
		return;
	if (maker->data->class == CLASS_CANON)
		list_add(&maker->benign, line, length);
	else if (grow_canonical(maker->data->class, &line, &length))
		list_add(&maker->benign, line, length);
}

static const struct {
	const char *file;
	list_line_cb *read;
} benign_files[CLASS_COUNT] = {
	[CLASS_IPV4] = {"benign/bgp-prefixes-v4v6.txt.gz", benign_address},
	[CLASS_IPV6] = {"benign/bgp-prefixes-v4v6.txt.gz", benign_address},
	[CLASS_DOMAIN] = {"benign/cloudflare-radar-top100k.txt.gz", benign_text},
	[CLASS_URL] = {"benign/urls-kasztp-48k.txt.gz", benign_text},
	[CLASS_SHA1] = {"benign/system-file-hashes.tsv.gz", benign_digest},
	[CLASS_SHA256] = {"benign/system-file-hashes.tsv.gz", benign_digest},
	[CLASS_CANON] = {"benign/urls-kasztp-48k.txt.gz", benign_text},
};

static void
benign_one(struct maker *maker)
{
	size_t length = maker->data->key_bytes;
	if (length > 0) {
		put(maker, maker->benign_keys + next(maker) % maker->benign_count * length, length, -1);
		return;
	}
	const char *text = list_text(&maker->benign, next(maker) % maker->benign.count, &length);
	put(maker, text, length, -1);
}

/* --- the stream ----------------------------------------------------------------------------- */

static void
one(struct maker *maker, enum data_stream stream)
{
	bool text = maker->data->key_bytes == 0;
	bool hit = stream == STREAM_HIT ||
		   (stream == STREAM_ONE_PERCENT && next(maker) % 100 == 0);
	if (stream == STREAM_BENIGN)
		benign_one(maker);
	else if (stream == STREAM_FIVE_PERCENT)
		zipf(maker, next(maker) % 20 == 0);
	else if (hit)
		(text ? text_hit : fixed_hit)(maker);
	else
		(text ? text_miss : fixed_miss)(maker);
}

struct queries *
data_queries(const struct data *data, enum data_stream stream, size_t count)
{
	struct maker maker = {.data = data, .random = data->seed + ((uint64_t)stream << 56)};
	if (stream == STREAM_BENIGN) {
		list_each_line(benign_files[data->class].file, benign_files[data->class].read, &maker);
		maker.benign_count += maker.benign.count;
		if (maker.benign_count == 0)
			return NULL;
	}
	if (data->class == CLASS_CANON && stream == STREAM_ONE_PERCENT)
		return NULL;
	if (data->class > CLASS_IPV6 && stream == STREAM_FIVE_PERCENT)
		return NULL;
	struct queries *queries = calloc(1, sizeof(*queries));
	maker.queries = queries;
	queries->data = data;
	queries->keys = malloc(count * (data->key_bytes + 1u) + 64);
	queries->expected = malloc(count * sizeof(*queries->expected));
	while (queries->count < count)
		one(&maker, stream);
	list_free(&maker.benign);
	free(maker.benign_keys);
	return queries;
}

void
queries_free(struct queries *queries)
{
	if (queries == NULL)
		return;
	free(queries->keys);
	free(queries->expected);
	list_free(&queries->text);
	free(queries);
}
