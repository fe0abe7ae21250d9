/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/data_grow.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/repute.h"

#define TEXT_MOST 1000
#define SHORTEST_IPV4 8 /* lists of bogons have shorter ones; they would make any address a hit */

struct prefix {
	uint8_t address[16];
	uint8_t bits;
};

/* What the rule at hand grows from. */
static struct {
	struct data *data;
	struct list names;
	struct prefix *prefixes;
	size_t count, capacity;
} base;

static const char *const files[CLASS_COUNT][8] = {
	[CLASS_IPV4] = {"ip/ipsum-2026-01-02.txt.gz", "ip/firehol/firehol_level4.netset.gz",
			"ip/firehol/firehol_level2.netset", "ip/firehol/firehol_level1.netset",
			"ip/maltrail-mass_scanner_cidr.txt", "domain/maltrail-malware.tar.gz"},
	[CLASS_IPV6] = {"benign/bgp-prefixes-v4v6.txt.gz"},
	[CLASS_DOMAIN] = {"domain/maltrail-malware.tar.gz",
			  "domain/hagezi/domains-light.2022-07-22.txt.gz",
			  "domain/hagezi/3p-stevenblack.hosts.2022-07-19.txt.gz"},
	[CLASS_URL] = {"url/openphish-first-seen-2024-10_2026-03.tsv.gz",
		       "url/jpcert-phishurl-2019-2023.tar.gz"},
	[CLASS_CANON] = {"url/openphish-first-seen-2024-10_2026-03.tsv.gz",
			 "url/jpcert-phishurl-2019-2023.tar.gz"},
};

/* --- reading --------------------------------------------------------------------------- */

static void
prefix_add(const uint8_t *address, size_t length, unsigned bits)
{
	if (base.count == base.capacity) {
		base.capacity = base.capacity * 2 + 4096;
		base.prefixes = realloc(base.prefixes, base.capacity * sizeof(*base.prefixes));
		if (base.prefixes == NULL)
			exit(2);
	}
	struct prefix *prefix = &base.prefixes[base.count];
	memset(prefix, 0, sizeof(*prefix));
	memcpy(prefix->address, address, length);
	for (unsigned bit = bits; bit < length * 8; bit++)
		prefix->address[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	prefix->bits = (uint8_t)bits;
	base.count++;
}

/* An address or prefix at the start of the line; what follows does not matter. */
static void
read_address(void *context, const char *line, size_t length)
{
	bool wide = base.data->class == CLASS_IPV6;
	unsigned most = wide ? 128 : 32, least = wide ? 16 : SHORTEST_IPV4, bits = most;
	size_t size = 0;
	char text[64];
	uint8_t address[16];
	(void)context;
	while (size < length && size < sizeof(text) - 1 &&
	       (isxdigit((unsigned char)line[size]) || line[size] == '.' ||
		(wide && line[size] == ':'))) {
		text[size] = line[size];
		size++;
	}
	text[size] = '\0';
	if (inet_pton(wide ? AF_INET6 : AF_INET, text, address) != 1)
		return;
	if (size < length && line[size] == '/')
		bits = (unsigned)strtoul(line + size + 1, NULL, 10);
	if (bits >= least && bits <= most)
		prefix_add(address, wide ? 16 : 4, bits);
}

/* The last word of a line (hosts files have the address first), if it is a name. */
static void
read_name(void *context, const char *line, size_t length)
{
	struct repute_key key;
	char text[300];
	(void)context;
	for (size_t i = length; i-- > 0;)
		if (line[i] == ' ' || line[i] == '\t') {
			line += i + 1;
			length -= i + 1;
			break;
		}
	if (length < 4 || length > 253 || memchr(line, '#', length) != NULL ||
	    memchr(line, ':', length) != NULL || memchr(line, '/', length) != NULL ||
	    memchr(line, '.', length) == NULL || isdigit((unsigned char)line[length - 1]) ||
	    repute_key_text(REPUTE_DOMAIN, line, length, &key) != REPUTE_OK)
		return;
	list_add(&base.names, text, repute_key_print(&key, text, sizeof(text)));
}

/* From the first http to a comma, tab or blank. */
static void
read_url(void *context, const char *line, size_t length)
{
	static struct repute_key key;
	char text[TEXT_MOST];
	const char *url = memmem(line, length, "http", 4);
	(void)context;
	if (url == NULL)
		return;
	length -= (size_t)(url - line);
	for (size_t i = 0; i < length; i++)
		if (url[i] == ',' || url[i] == '\t' || url[i] == ' ')
			length = i;
	if (length == 0 || length >= TEXT_MOST / 3)
		return;
	if (repute_key_text(REPUTE_URL, url, length, &key) != REPUTE_OK)
		return;
	list_add(&base.data->raw, url, length);
	list_add(&base.names, text, repute_key_print(&key, text, sizeof(text)));
}

static void
made_up_names(enum data_class class)
{
	static const char *const tops[] = {"com", "com", "com", "net", "org", "xyz", "top", "ru"};
	for (uint64_t i = 0; i < 20000; i++) {
		char text[128];
		uint64_t h = data_mix(i);
		int at = snprintf(text, sizeof(text), "%s%s%.*s.%s", class == CLASS_DOMAIN ? "" :
				  h & 1 ? "https://" : "http://", h % 3 ? "" : "www.",
				  (int)(6 + h / 8 % 12), "abcdefghijklmnopqr", tops[h / 256 % 8]);
		if (class != CLASS_DOMAIN)
			at += snprintf(text + at, sizeof(text) - (size_t)at, "/%.*s/index%d.html",
				       (int)(1 + h / 4096 % 12), "abcdefghijklmno", (int)(h % 97));
		char *host = text + (class == CLASS_DOMAIN ? 0 : h & 1 ? 8 : 7);
		size_t length = strcspn(host, "/");
		grow_scramble(i + 1000000, host, length, host);
		list_add(&base.names, text, (size_t)at);
		if (class != CLASS_DOMAIN)
			list_add(&base.data->raw, text, (size_t)at);
	}
}

static void
made_up_prefixes(enum data_class class)
{
	static const uint8_t lengths[] = {32, 32, 32, 32, 32, 32, 32, 24, 24, 20};
	for (uint64_t i = 0; i < 20000; i++) {
		uint64_t word[2] = {data_mix(i / 8), data_mix(i)};
		uint8_t address[16];
		memcpy(address, word, 16);
		memcpy(address + 2, &word[1], 8);
		if (class == CLASS_IPV6) {
			address[0] = 0x20;
			prefix_add(address, 16, 32 + i % 17);
		} else if (address[0] > 0 && address[0] < 224) {
			prefix_add(address, 4, lengths[i % 10]);
		}
	}
}

static void
base_read(struct data *data)
{
	list_line_cb *reader = data->key_bytes > 0 ? read_address :
			       data->class == CLASS_DOMAIN ? read_name : read_url;
	size_t lines = 0;
	base.data = data;
	for (size_t i = 0; i < 8 && files[data->class][i] != NULL; i++)
		lines += list_each_line(files[data->class][i], reader, NULL);
	if (lines > 0 && base.count + base.names.count > 0)
		return;
	data->table = "synthetic";
	if (data->key_bytes > 0)
		made_up_prefixes(data->class);
	else
		made_up_names(data->class);
}

/* --- growing --------------------------------------------------------------------------- */

static bool
prefix_put(struct data *data, size_t at, const uint8_t address[16], unsigned bits)
{
	uint32_t host;
	memcpy(&host, address, 4);
	host = ntohl(host);
	memcpy(data->keys + at * data->key_bytes, data->key_bytes == 4 ? (void *)&host : (void *)address,
	       data->key_bytes);
	data->bits[at] = (uint8_t)bits;
	return true;
}

static bool
make_bgp(struct data *data, size_t at, uint64_t turn)
{
	return turn < base.count &&
	       prefix_put(data, at, base.prefixes[turn].address, base.prefixes[turn].bits);
}

/* Round after round the real addresses moved inside their /16: each /24 as a whole, and within
 * it; so /24s stay as crowded as they are. */
static bool
make_ipv4(struct data *data, size_t at, uint64_t turn)
{
	uint64_t round = turn / base.count;
	struct prefix prefix = base.prefixes[turn % base.count];
	if (round == 0 || prefix.bits < 17)
		return round == 0 && make_bgp(data, at, turn);
	uint64_t net = (uint64_t)prefix.address[0] << 8 | prefix.address[1];
	unsigned keep = prefix.bits < 24 ? 24u - prefix.bits : 0, end = 32u - prefix.bits;
	prefix.address[2] ^= (uint8_t)(data_mix(data->seed + round + (net << 32)) & (0xffu << keep));
	net = net << 8 | prefix.address[2];
	if (end < 8)
		prefix.address[3] ^= (uint8_t)(data_mix(data->seed + round + (net << 32)) &
					       (0xffu << end));
	return prefix_put(data, at, prefix.address, prefix.bits);
}

/* Reputation IPv6 is made up on routed networks: few lists exist. Addresses cluster in /64s. */
static bool
make_ipv6(struct data *data, size_t at, uint64_t turn)
{
	uint64_t h = data_mix(data->seed ^ turn), low = data_mix(h);
	struct prefix prefix = base.prefixes[data_mix(h % 50000) % base.count];
	unsigned part = (unsigned)(h >> 32) % 100;
	unsigned bits = part < 55 ? 128 : part < 85 ? 64 : part < 97 ? 48 : part < 99 ? 56 : 32;
	uint64_t subnet = part < 55 ? data_mix(h % 50000) >> 8 & 0xff : low;
	uint8_t more[16];
	memcpy(more, prefix.address, 16);
	more[4] |= (uint8_t)(part < 55 ? 0 : low >> 48);
	more[5] |= (uint8_t)(part < 55 ? 0 : low >> 56);
	more[6] |= (uint8_t)(subnet >> 8);
	more[7] |= (uint8_t)subnet;
	memcpy(more + 8, &low, 8);
	for (unsigned bit = bits; bit < 128; bit++)
		more[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	return prefix_put(data, at, more, bits);
}

/* Two labels if the last has two letters and the one before is a usual word; else one. */
static size_t
suffix_start(const char *name, size_t length)
{
	static const char *const words[] = {"co", "com", "net", "org", "gov", "edu", "ac", "or"};
	const char *dot = memrchr(name, '.', length);
	if (dot == NULL)
		return 0;
	size_t last = (size_t)(dot - name);
	const char *before = memrchr(name, '.', last);
	if (before == NULL || length - last != 3)
		return last;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == (size_t)(dot - before - 1) &&
		    memcmp(words[i], before + 1, (size_t)(dot - before - 1)) == 0)
			return (size_t)(before - name);
	return last;
}

static void
scramble_label(uint64_t round, const char *from, size_t length, char *to)
{
	uint64_t h = data_mix(round);
	for (size_t i = 0; i < length; i++)
		h = data_mix(h ^ (unsigned char)from[i]);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)from[i];
		h = data_mix(h);
		bool dash = c == '-' && i > 0 && i + 1 < length && to[i - 1] != '-';
		to[i] = dash ? '-' : isdigit(c) ? (char)('0' + h % 10) : (char)('a' + h % 26);
	}
}

void
grow_scramble(uint64_t round, const char *from, size_t length, char *to)
{
	size_t end = suffix_start(from, length), at = 0;
	while (at < end) {
		const char *dot = memchr(from + at, '.', end - at);
		size_t stop = dot ? (size_t)(dot - from) : end;
		if (stop - at == 3 && memcmp(from + at, "www", 3) == 0)
			memmove(to + at, from + at, 3);
		else
			scramble_label(round, from + at, stop - at, to + at);
		if (stop < end)
			to[stop] = '.';
		at = stop + 1;
	}
	memmove(to + end, from + end, length - end);
}

size_t
grow_url_host(const char *url, size_t length, size_t *host_length)
{
	const char *host = memmem(url, length, "://", 3);
	size_t at = host ? (size_t)(host - url) + 3 : 0, end = at;
	while (end < length && url[end] != '/' && url[end] != ':')
		end++;
	*host_length = end - at;
	return at;
}

bool
grow_canonical(enum data_class class, const char **text, size_t *length)
{
	static struct repute_key key;
	static char canonical[TEXT_MOST];
	enum repute_kind kind = class == CLASS_DOMAIN ? REPUTE_DOMAIN : REPUTE_URL;
	if (repute_key_text(kind, *text, *length, &key) != REPUTE_OK)
		return false;
	*length = repute_key_print(&key, canonical, sizeof(canonical));
	*text = canonical;
	return *length < sizeof(canonical);
}

static bool
make_text(struct data *data, size_t at, uint64_t turn)
{
	char text[TEXT_MOST];
	size_t length, host = 0, host_length;
	uint64_t round = turn / base.names.count;
	const char *name = list_text(&base.names, turn % base.names.count, &length);
	(void)at;
	if (length > sizeof(text))
		return false;
	memcpy(text, name, length);
	host_length = length;
	if (data->class != CLASS_DOMAIN)
		host = grow_url_host(name, length, &host_length);
	bool letters = host_length > 0 && isalpha((unsigned char)name[host + host_length - 1]);
	if (round > 0 && !letters)
		return false;
	if (round > 0)
		grow_scramble(round, name + host, host_length, text + host);
	list_add(&data->text, text, length);
	return true;
}

static const struct {
	enum data_class class;
	const char *table;
	struct grow_rule rule;
} rules[] = {
	{CLASS_IPV4, "reputation", {make_ipv4}}, {CLASS_IPV4, "bgp", {make_bgp}},
	{CLASS_IPV6, "reputation", {make_ipv6}}, {CLASS_IPV6, "bgp", {make_bgp}},
	{CLASS_DOMAIN, "lists", {make_text}},    {CLASS_URL, "lists", {make_text}},
	{CLASS_CANON, "lists", {make_text}},
};

/* The BGP table of IPv4 is another file than the reputation lists. */
static void
read_bgp_ipv4(struct data *data)
{
	base.data = data;
	list_each_line("benign/bgp-prefixes-v4v6.txt.gz", read_address, NULL);
}

const struct grow_rule *
grow_rule_of(struct data *data)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		if (rules[i].class != data->class || strcmp(rules[i].table, data->table) != 0)
			continue;
		if (rules[i].rule.make == make_bgp && data->class == CLASS_IPV4)
			read_bgp_ipv4(data);
		else
			base_read(data);
		return base.count + base.names.count > 0 ? &rules[i].rule : NULL;
	}
	return NULL;
}

void
grow_fini(void)
{
	list_free(&base.names);
	free(base.prefixes);
	memset(&base, 0, sizeof(base));
}
