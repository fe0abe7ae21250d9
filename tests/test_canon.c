/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys from text, kind by kind: what is accepted and as what, what is refused
 * and in which words, and that the form of a form is the form.
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/canon_percent.h"

static struct key key;
static struct fault fault;
static struct canon_options options;
static char printed[KEY_PRINT_BYTES];

static enum status
read_as(enum canon_use use, enum kind kind, const char *text)
{
	options = (struct canon_options){.use = use};
	fault.text[0] = '\0';
	return canon_key(kind, text, strlen(text), &options, &key, &fault);
}

static void
expect(enum canon_use use, enum kind kind, const char *text, const char *want)
{
	ck_assert_msg(read_as(use, kind, text) == STATUS_OK, "%s: %s", text, fault.text);
	key_print(&key, printed);
	ck_assert_msg(strcmp(printed, want) == 0, "%s: %s, not %s", text, printed, want);
}

static void
refuse(enum canon_use use, enum kind kind, const char *text, enum status want, const char *words)
{
	enum status status = read_as(use, kind, text);
	if (status == STATUS_OK)
		key_print(&key, printed);
	ck_assert_msg(status == want, "%s: %s (%s)", text, status_name(status),
		      status == STATUS_OK ? printed : fault.text);
	ck_assert_msg(strstr(fault.text, words) != NULL, "%s: %s", text, fault.text);
}

struct pair {
	const char *text, *want;
};

START_TEST(addresses)
{
	static const struct pair rows[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"192.0.2.1/32", "192.0.2.1"},
		{" 10.0.0.0/8\r\n", "10.0.0.0/8"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"192[.]0[.]2(.)1", "192.0.2.1"},
		{"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"::ffff:192.0.2.1", "::ffff:c000:201"},
		{"[2001:db8::1]", "2001:db8::1"},
		{"2001[:]db8[:][:]1", "2001:db8::1"},
		{"2001:db8::/32", "2001:db8::/32"},
		{"::", "::"},
		{"::/0", "::/0"},
		{"1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"},
		{"'192.0.2.7'", "192.0.2.7"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(CANON_ENTRY, KIND_ANY, rows[i].text, rows[i].want);
	ck_assert_int_eq(key.kind, KIND_IPV4);
	refuse(CANON_ENTRY, KIND_IPV4, "10.1.2.3/8", STATUS_BAD_IPV4, "did you mean 10.0.0.0/8");
	refuse(CANON_QUERY, KIND_ANY, "2001:db8::1/32", STATUS_BAD_IPV6,
	       "did you mean 2001:db8::/32");
	refuse(CANON_ENTRY, KIND_ANY, "192.0.2.1:8080", STATUS_BAD_IPV4, "did you mean 192.0.2.1");
	refuse(CANON_ENTRY, KIND_ANY, "192.0.2.256", STATUS_BAD_IPV4, "0 to 255");
	refuse(CANON_ENTRY, KIND_IPV4, "192.0.2.01", STATUS_BAD_IPV4, "leading zeros");
	refuse(CANON_ENTRY, KIND_ANY, "192.0.2.0/33", STATUS_BAD_IPV4, "0 to 32");
	refuse(CANON_ENTRY, KIND_ANY, "192.0.2.0/08", STATUS_BAD_IPV4, "0 to 32");
	refuse(CANON_ENTRY, KIND_ANY, "fe80::1%eth0", STATUS_BAD_IPV6, "zone");
	refuse(CANON_ENTRY, KIND_IPV6, "1.2.3.4", STATUS_BAD_IPV6, "not an IPv6");
}
END_TEST

/* inet_pton and inet_ntop of the C library know nothing of ours. */
START_TEST(addresses_by_libc)
{
	srandom(20);
	for (int i = 0; i < 40000; i++) {
		uint8_t bytes[16];
		char text[64], again[64];
		for (int k = 0; k < 16; k++)
			bytes[k] = random() % 3 == 0 ? (uint8_t)random() : 0;
		int family = i & 1 ? AF_INET6 : AF_INET;
		inet_ntop(family, bytes, text, sizeof(text));
		ck_assert_int_eq(read_as(CANON_QUERY, KIND_ANY, text), STATUS_OK);
		ck_assert_int_eq(memcmp(key.bytes, bytes, family == AF_INET ? 4 : 16), 0);
		key_print(&key, printed);
		ck_assert_int_eq(inet_pton(family, printed, again), 1);
		ck_assert_int_eq(memcmp(again, bytes, family == AF_INET ? 4 : 16), 0);
		if (strchr(text, ':') == NULL || strchr(text, '.') == NULL)
			ck_assert_str_eq(printed, text);
	}
}
END_TEST

/* Texts one change away from an address: libc and we agree on what is one. */
START_TEST(address_mutants)
{
	static const char alphabet[] = "0123456789abcdf:.::..";
	static const char *const seeds[] = {"192.0.2.1", "2001:db8::1", "::1.2.3.4",
					    "1:2:3:4:5:6:7:8"};
	srandom(21);
	for (int i = 0; i < 60000; i++) {
		char text[64];
		uint8_t bytes[16];
		snprintf(text, sizeof(text), "%s", seeds[random() % 4]);
		for (long k = random() % 4; k >= 0; k--)
			text[(size_t)random() % strlen(text)] = alphabet[(size_t)random() % 21];
		for (int family = 0; family < 2; family++) {
			enum kind kind = family ? KIND_IPV6 : KIND_IPV4;
			bool libc = inet_pton(family ? AF_INET6 : AF_INET, text, bytes) == 1;
			bool ours = read_as(CANON_QUERY, kind, text) == STATUS_OK;
			ck_assert_msg(libc == ours, "%s", text);
			if (ours)
				ck_assert_int_eq(memcmp(key.bytes, bytes, family ? 16 : 4), 0);
		}
	}
}
END_TEST

START_TEST(embedded)
{
	static const struct {
		const char *text;
		unsigned count;
		uint32_t first, second;
	} rows[] = {
		{"::ffff:192.0.2.33", 1, 0xc0000221, 0},
		{"::192.0.2.33", 1, 0xc0000221, 0},
		{"::", 0, 0, 0},
		{"::1", 0, 0, 0},
		{"::2", 1, 2, 0},
		{"2002:c000:221::1", 1, 0xc0000221, 0},
		{"2001:0:4136:e378:8000:63bf:3fff:fdd2", 1, 0xc000022d, 0},
		{"64:ff9b::192.0.2.33", 1, 0xc0000221, 0},
		{"64:ff9b:1::192.0.2.33", 0, 0, 0},
		{"fe80::5efe:192.0.2.33", 1, 0xc0000221, 0},
		{"fe80::200:5efe:192.0.2.33", 1, 0xc0000221, 0},
		{"2002:c633:6401::200:5efe:192.0.2.33", 2, 0xc6336401, 0xc0000221},
		{"2001:db8::1", 0, 0, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t address[16];
		uint32_t ipv4[2] = {0, 0};
		ck_assert_int_eq(inet_pton(AF_INET6, rows[i].text, address), 1);
		ck_assert_msg(canon_embedded_ipv4(address, ipv4) == rows[i].count, "%s",
			      rows[i].text);
		ck_assert_uint_eq(ipv4[0], rows[i].first);
		ck_assert_uint_eq(ipv4[1], rows[i].second);
	}
}
END_TEST

/* Every range of a small space, summed up by hand: disjoint, in order, aligned, complete. */
START_TEST(ranges)
{
	struct canon_prefix prefixes[256];
	size_t count;
	for (unsigned first = 0; first < 256; first++) {
		for (unsigned last = first; last < 256; last++) {
			uint8_t a[16] = {10, 0, 0, (uint8_t)first},
				b[16] = {10, 0, 0, (uint8_t)last};
			ck_assert_int_eq(canon_range_split(KIND_IPV4, a, b, prefixes, 256, &count),
					 0);
			unsigned at = first;
			ck_assert_uint_le(count, 14);
			for (size_t i = 0; i < count; i++) {
				unsigned size = 1u << (32 - prefixes[i].bits);
				ck_assert_uint_eq(prefixes[i].address[3], at);
				ck_assert_uint_eq(at % size, 0);
				at += size;
			}
			ck_assert_uint_eq(at, last + 1);
		}
	}
	uint8_t zero[16] = {0}, ones[16], one[16] = {[15] = 1};
	memset(ones, 0xff, sizeof(ones));
	for (enum kind kind = KIND_IPV4; kind <= KIND_IPV6; kind++) {
		ck_assert_int_eq(canon_range_split(kind, zero, ones, prefixes, 256, &count), 0);
		ck_assert_uint_eq(count, 1);
		ck_assert_uint_eq(prefixes[0].bits, 0);
	}
	ck_assert_int_eq(canon_range_split(KIND_IPV6, one, ones, prefixes, 256, &count), 0);
	ck_assert_uint_eq(count, 128);
	ck_assert_int_eq(canon_range_split(KIND_IPV6, one, ones, prefixes, 127, &count),
			 STATUS_LIMIT);
	ck_assert_int_eq(canon_range_split(KIND_IPV4, ones, zero, prefixes, 256, &count),
			 STATUS_BAD_IPV4);
}
END_TEST

START_TEST(domains)
{
	static const struct pair rows[] = {
		{"example.com", "example.com"},
		{"Example.COM.", "example.com"},
		{"_dmarc.example.com", "_dmarc.example.com"},
		{"-a-.example.com", "-a-.example.com"},
		{"xn--a.example.com", "xn--a.example.com"},
		{"evil[.]example(dot)com", "evil.example.com"},
		{"\"quoted.example\"", "quoted.example"},
		{"fa\xc3\x9f.de", "xn--fa-hia.de"},
		{"\xe2\x98\x95.example\xe3\x80\x82", "xn--53h.example"},
		{"com", "com"},
		{"localhost", "localhost"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expect(CANON_ENTRY, KIND_DOMAIN, rows[i].text, rows[i].want);
		ck_assert_int_eq(key.scope, SCOPE_EXACT);
		expect(CANON_QUERY, KIND_ANY, rows[i].text, rows[i].want);
		ck_assert_int_eq(key.kind, KIND_DOMAIN);
	}
	expect(CANON_ENTRY, KIND_ANY, "*.Example.com", "example.com");
	ck_assert_int_eq(key.scope, SCOPE_BELOW);
	key_print_entry(&key, printed);
	ck_assert_str_eq(printed, "*.example.com");
	refuse(CANON_QUERY, KIND_DOMAIN, "*.example.com", STATUS_BAD_DOMAIN, "wildcard");
	refuse(CANON_ENTRY, KIND_DOMAIN, "*", STATUS_BAD_DOMAIN, "letters");
	refuse(CANON_ENTRY, KIND_DOMAIN, "*.", STATUS_BAD_DOMAIN, "letters");
	refuse(CANON_ENTRY, KIND_DOMAIN, "a.*.example", STATUS_BAD_DOMAIN, "letters");
	refuse(CANON_ENTRY, KIND_DOMAIN, "*bad.com", STATUS_BAD_DOMAIN, "letters");
	refuse(CANON_ENTRY, KIND_DOMAIN, ".example.com", STATUS_BAD_DOMAIN, "empty label");
	refuse(CANON_ENTRY, KIND_DOMAIN, "example..com", STATUS_BAD_DOMAIN, "empty label");
	refuse(CANON_ENTRY, KIND_DOMAIN, "example.com..", STATUS_BAD_DOMAIN, "empty label");
	refuse(CANON_ENTRY, KIND_DOMAIN, "1.2.3.4", STATUS_BAD_DOMAIN, "number");
	refuse(CANON_ENTRY, KIND_DOMAIN, "a.0x7f", STATUS_BAD_DOMAIN, "number");
	refuse(CANON_ENTRY, KIND_DOMAIN, "a b.example", STATUS_BAD_DOMAIN, "letters");
	refuse(CANON_ENTRY, KIND_DOMAIN, "example.com/x", STATUS_BAD_DOMAIN, "URL");
	refuse(CANON_ENTRY, KIND_DOMAIN, "", STATUS_BAD_DOMAIN, "empty");
	refuse(CANON_ENTRY, KIND_DOMAIN, "\xff.example", STATUS_BAD_DOMAIN, "UTS-46");
	refuse(CANON_ENTRY, KIND_DOMAIN,
	       "\xd7\x90"
	       "a.example",
	       STATUS_BAD_DOMAIN, "UTS-46");
	refuse(CANON_ENTRY, KIND_ANY, "", STATUS_BAD_KIND, "empty");
}
END_TEST

static char *
repeat(char *text, const char *part, size_t times)
{
	text[0] = '\0';
	for (size_t i = 0, size = strlen(part); i < times; i++)
		memcpy(text + i * size, part, size + 1);
	return text;
}

START_TEST(limits)
{
	static char text[LIMIT_URL_INPUT_BYTES + 16];
	repeat(text, "abcdefghi.", 25); /* 250 bytes with the dot */
	memcpy(text + 250, "com", 4);
	expect(CANON_ENTRY, KIND_DOMAIN, text, text);
	memcpy(text + 250, "comm", 5);
	refuse(CANON_ENTRY, KIND_DOMAIN, text, STATUS_BAD_DOMAIN, "253");
	repeat(text, "a", 63);
	expect(CANON_ENTRY, KIND_DOMAIN, text, text);
	repeat(text, "a", 64);
	refuse(CANON_ENTRY, KIND_DOMAIN, text, STATUS_BAD_DOMAIN, "63");
	repeat(text, "a", LIMIT_URL_BYTES);
	memcpy(text, "http://h/", 9);
	expect(CANON_ENTRY, KIND_URL, text, text);
	ck_assert(key.borrowed);
	memcpy(text, "HTTP://h/", 9);
	ck_assert_int_eq(read_as(CANON_ENTRY, KIND_URL, text), STATUS_OK);
	ck_assert_uint_eq(key.length, LIMIT_URL_BYTES);
	strcat(text, "a");
	refuse(CANON_ENTRY, KIND_URL, text, STATUS_BAD_URL, "8192");
	text[0] = 'h';
	refuse(CANON_ENTRY, KIND_URL, text, STATUS_BAD_URL, "8192");
	repeat(text, "a", LIMIT_URL_INPUT_BYTES + 1);
	for (enum kind kind = 0; kind <= KIND_ANY; kind++)
		refuse(CANON_QUERY, kind, text, STATUS_LIMIT, "65536");
	repeat(text, "/..", 20000);
	memcpy(text, "http://h/a", 10);
	expect(CANON_QUERY, KIND_URL, text, "http://h/");
}
END_TEST

START_TEST(urls)
{
	static const struct pair rows[] = {
		{"HTTP://User:Pw@Example.COM:80/A?B#c", "http://example.com/A?B"},
		{"http:\\\\example.com\\a\\..\\b", "http://example.com/b"},
		{"https://example.com", "https://example.com/"},
		{"https://example.com?x", "https://example.com/?x"},
		{"ftp://example.com:21/a", "ftp://example.com/a"},
		{"wss://example.com/a//b/./c", "wss://example.com/a/b/c"},
		{"http://example.com/%2561?%2562", "http://example.com/a?b"},
		{"http://example.com/a%2Fb%2F..%2Fc", "http://example.com/a/c"},
		{"http://example.com/a%3Fb", "http://example.com/a?b"},
		{"http://example.com/a%5Cb", "http://example.com/a/b"},
		{"http://example.com/a%00b%7f", "http://example.com/a%00b%7F"},
		{"http://example.com/\xc3\xa9", "http://example.com/%C3%A9"},
		{"http://example.com/\xff", "http://example.com/%FF"},
		{"http://example.com/%25zz%", "http://example.com/%25zz%25"},
		{"http://0x7f.1/", "http://127.0.0.1/"},
		{"http://0x7f.1../", "http://127.0.0.1/"},
		{"http://[2001:DB8::1]:8080/", "http://[2001:db8::1]/"},
		{"http://[::ffff:1.2.3.4]/", "http://[::ffff:102:304]/"},
		{"http://fa\xc3\x9f.de/", "http://xn--fa-hia.de/"},
		{"www.example.com/x", "http://www.example.com/x"},
		{"www.example.com", "http://www.example.com/"},
		{"host/path", "http://host/path"},
		{"host:8080/path", "http://host/path"},
		{"192.0.2.1:8080/path", "http://192.0.2.1/path"},
		{"[2001:db8::1]/x", "http://[2001:db8::1]/x"},
		{"<http://example.com/>", "http://example.com/"},
		{"hxxp://evil[.]example/a[.]php", "http://evil.example/a.php"},
		{"hXXps[:]//evil(.)example{.}com", "https://evil.example.com/"},
		{"h**p://evil[dot]example", "http://evil.example/"},
		{"fxp://evil.example/", "ftp://evil.example/"},
		{"http[://]evil.example/", "http://evil.example/"},
		{"evil[.]example/x", "http://evil.example/x"},
		{"http://example.com/a[.]b", "http://example.com/a[.]b"},
		{"http://example.com/*", "http://example.com/*"},
		{"http://example.com/?a\\*", "http://example.com/?a\\%2A"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(CANON_QUERY, KIND_URL, rows[i].text, rows[i].want);
	static const char *const refused[] = {
		"",
		"/path",
		"?x",
		"../x",
		"word",
		"word/",
		"mailto:a@example.com",
		"a@example.com",
		"javascript:alert(1)",
		"file:///etc/passwd",
		"data:text/html,x",
		"http://",
		"http:///",
		"http://:80/",
		"http://example.com:99999/",
		"http://exa mple.com/",
		"http://a%00b/",
		"http://1.2.3.4.5/",
		"http://[::1/",
		"sc://example.com/",
		"\\\\server\\share",
		"http://%20a%23.com/",
		"http://a%20b.com/",
		"http://a%20/",
		"http://%20.com/",
		"http://a.com%20/",
		"http://276.2.3.4/",
		"http://\xc3\x28.com/",
		"http://a%28.%29b/",
		"hhttp://a.com/",
	};
	refuse(CANON_QUERY, KIND_URL, "hhttp://a.com/", STATUS_BAD_URL, "scheme");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		refuse(CANON_QUERY, KIND_URL, refused[i], STATUS_BAD_URL, "");
}
END_TEST

START_TEST(url_wildcards)
{
	static const struct {
		const char *text, *want;
		unsigned pattern, scope;
		const char *entry;
	} rows[] = {
		{"http://a.com/\\*", "http://a.com/", 0, SCOPE_TREE, "http://a.com/\\*"},
		{"HTTP://A.com/p/./\\*", "http://a.com/p/", 0, SCOPE_TREE, "http://a.com/p/\\*"},
		{"http://a.com/b/*", "http://a.com/b/", 0, SCOPE_BELOW, "http://a.com/b/*"},
		{"http://a.com/b%2F%2a", "http://a.com/b/*", 0, SCOPE_EXACT, "http://a.com/b/%2A"},
		{"http://a.com/b*", "http://a.com/b*", 0, SCOPE_EXACT, "http://a.com/b*"},
		{"http://a.com/b?c=/*", "http://a.com/b?c=/*", 0, SCOPE_EXACT,
		 "http://a.com/b?c=/%2A"},
		{"http://A.com/B\\*", "http://a.com/B\\*", 2, SCOPE_EXACT, "http://a.com/B\\*"},
		{"http://a.com/?q/\\*", "http://a.com/?q/\\*", 2, SCOPE_EXACT,
		 "http://a.com/?q/\\*"},
		{"HTTP://A.co\\*", "http://a.co\\*", 2, SCOPE_EXACT, "http://a.co\\*"},
		{"a.com/x\\*", "http://a.com/x\\*", 2, SCOPE_EXACT, "http://a.com/x\\*"},
		{"\\*/path/to/%41", "\\*/path/to/A", 1, SCOPE_EXACT, "\\*/path/to/A"},
		{"\\*/path/\\*", "\\*/path/\\*", 3, SCOPE_EXACT, "\\*/path/\\*"},
		{"\\*://EVIL.com/X\\*", "\\*://evil.com/X\\*", 3, SCOPE_EXACT,
		 "\\*://evil.com/X\\*"},
		{"\\*?x%5c*", "\\*?x\\%2A", 1, SCOPE_EXACT, "\\*?x\\%2A"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expect(CANON_ENTRY, KIND_ANY, rows[i].text, rows[i].want);
		ck_assert_msg(key.pattern == rows[i].pattern, "%s", rows[i].text);
		ck_assert_msg(key.scope == rows[i].scope, "%s", rows[i].text);
		key_print_entry(&key, printed);
		ck_assert_str_eq(printed, rows[i].entry);
	}
	refuse(CANON_ENTRY, KIND_URL, "\\*abc\\*", STATUS_BAD_URL, "at least 4");
	refuse(CANON_ENTRY, KIND_URL, "\\*", STATUS_BAD_URL, "at least 4");
	refuse(CANON_ENTRY, KIND_URL, "\\*/a#b\\*", STATUS_BAD_URL, "#");
	refuse(CANON_ENTRY, KIND_URL, "http://a.com/#b\\*", STATUS_BAD_URL, "#");
	refuse(CANON_ENTRY, KIND_URL, "http://*.a.com/", STATUS_BAD_URL, "wildcard in its host");
	refuse(CANON_ENTRY, KIND_URL, "http://a b\\*", STATUS_BAD_URL, "part of a host");
	expect(CANON_QUERY, KIND_URL, "http://a.com/\\*", "http://a.com/*");
	ck_assert_int_eq(key.scope, SCOPE_EXACT);
}
END_TEST

START_TEST(scopes)
{
	static const struct {
		const char *text;
		bool wider;
	} rows[] = {
		{"192.0.2.0/24", false},
		{"2001:db8::", false},
		{"da39a3ee5e6b4b0d3255bfef95601890afd80709", false},
		{"example.com", true},
		{"http://example.com/a", true},
		{"http://example.com/a?b", false},
		{"http://example.com/a\\*", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (enum scope scope = SCOPE_EXACT; scope <= SCOPE_TREE; scope++) {
			ck_assert_int_eq(read_as(CANON_ENTRY, KIND_ANY, rows[i].text), STATUS_OK);
			bool fits = scope == SCOPE_EXACT || rows[i].wider;
			enum status status = key_set_scope(&key, scope, &fault);
			ck_assert_msg(status == (fits ? STATUS_OK : STATUS_BAD_SCOPE), "%s",
				      rows[i].text);
			ck_assert_int_eq(key.scope, fits ? scope : SCOPE_EXACT);
		}
	}
	ck_assert_int_eq(key_set_scope(&key, (enum scope)4, NULL), STATUS_BAD_SCOPE);
}
END_TEST

START_TEST(hashes)
{
	static const char sha1[] = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
	static const char sha256[] =
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	char text[128];
	expect(CANON_ENTRY, KIND_ANY, "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", sha1);
	ck_assert_int_eq(key.kind, KIND_SHA1);
	static const char *const names[] = {"", "sha256:", "SHA-256:", "Sha256:"};
	for (size_t i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "%s%s", names[i], sha256);
		expect(CANON_QUERY, KIND_ANY, text, sha256);
		expect(CANON_QUERY, KIND_SHA256, text, sha256);
		ck_assert_int_eq(key.kind, KIND_SHA256);
	}
	ck_assert_uint_eq(key.bytes[0], 0xe3);
	refuse(CANON_ENTRY, KIND_ANY, "d41d8cd98f00b204e9800998ecf8427e", STATUS_BAD_HASH, "MD5");
	refuse(CANON_ENTRY, KIND_SHA1, sha256, STATUS_BAD_HASH, "40 hex digits");
	refuse(CANON_ENTRY, KIND_SHA1, "sha256:00", STATUS_BAD_HASH, "sha256 where a sha1");
	refuse(CANON_ENTRY, KIND_SHA1, "da39a3ee5e6b4b0d3255bfef95601890afd8070x", STATUS_BAD_HASH,
	       "position 40");
}
END_TEST

START_TEST(guesses)
{
	static const struct {
		const char *text;
		enum kind kind;
	} rows[] = {
		{"1.2.3.4", KIND_IPV4},
		{"1.2.3.4/24", KIND_IPV4},
		{"1.2.3.4/path", KIND_URL},
		{"1.2.3.4:80", KIND_IPV4},
		{"1.2.3.4:80/x", KIND_URL},
		{"evil.com/x", KIND_URL},
		{"evil.com", KIND_DOMAIN},
		{"evil.com?x", KIND_URL},
		{"*.evil.com", KIND_DOMAIN},
		{"2001:db8::1", KIND_IPV6},
		{"2001:db8::/32", KIND_IPV6},
		{"[2001:db8::1]", KIND_IPV6},
		{"[2001:db8::1]/x", KIND_URL},
		{"[2001:db8::1]:80", KIND_URL},
		{"hxxp://evil[.]com", KIND_URL},
		{"1[.]2[.]3[.]4", KIND_IPV4},
		{"evil[.]com", KIND_DOMAIN},
		{"evil[.]com/x", KIND_URL},
		{"\\*/x/\\*", KIND_URL},
		{"http:evil.com", KIND_URL},
		{"sha1:00", KIND_SHA1},
		{"", KIND_COUNT},
		{" \t", KIND_COUNT},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(canon_guess(rows[i].text, strlen(rows[i].text)) == rows[i].kind,
			      "%s: %s", rows[i].text,
			      kind_name(canon_guess(rows[i].text, strlen(rows[i].text))));
}
END_TEST

START_TEST(notes)
{
	static const struct {
		const char *text;
		unsigned notes;
	} rows[] = {
		{"http://a.example/", 0},
		{"HTTP://a.example/", 0},
		{"hxxp://a.example/", CANON_NOTE_DEFANGED},
		{" http://a.example/", CANON_NOTE_TRIMMED},
		{"a.example/x", CANON_NOTE_SCHEMELESS},
		{"'a[.]example/x'", 7},
		{"a[.]example", CANON_NOTE_DEFANGED},
		{"\"1.2.3.4\"", CANON_NOTE_TRIMMED},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(read_as(CANON_ENTRY, KIND_ANY, rows[i].text), STATUS_OK);
		ck_assert_msg(options.notes == rows[i].notes, "%s: %u", rows[i].text,
			      options.notes);
	}
}
END_TEST

static void
step_append(void *context, const struct canon_step *step)
{
	char *all = context;
	snprintf(all + strlen(all), 1024 - strlen(all), "%s=%.*s|", step->name, (int)step->length,
		 step->result);
}

START_TEST(steps)
{
	char all[1024] = "";
	const char *text = " hxxp://EXAMPLE[.]com../a%2541/<b>//c ";
	struct canon_options ask = {.on_step = step_append, .context = all};
	ck_assert_int_eq(canon_key(KIND_ANY, text, strlen(text), &ask, &key, NULL), STATUS_OK);
	ck_assert_str_eq(all, "trim=hxxp://EXAMPLE[.]com../a%2541/<b>//c|"
			      "defang=http://EXAMPLE.com../a%2541/<b>//c|"
			      "whatwg-parse=http://example.com../a%2541/%3Cb%3E//c|"
			      "host=example.com|unescape=/aA/<b>//c|path=/aA/<b>/c|");
	key_print(&key, printed);
	ck_assert_str_eq(printed, "http://example.com/aA/<b>/c");
}
END_TEST

/* The classes of bytes, in words of their own. */
START_TEST(classes)
{
	for (int byte = 0; byte < 256; byte++) {
		bool lower = byte >= 'a' && byte <= 'z', upper = byte >= 'A' && byte <= 'Z';
		bool digit = byte >= '0' && byte <= '9', shown = byte > 0x20 && byte < 0x7f;
		unsigned want = 0;
		want |= lower || digit || byte == '-' || byte == '_' ? CANON_NAME : 0;
		want |= lower ? CANON_ALPHA : 0;
		want |= digit ? CANON_DIGIT : 0;
		want |= upper ? CANON_UPPER : 0;
		want |= byte != 0 && strchr("0123456789abcdefABCDEF", byte) ? CANON_HEX : 0;
		want |= shown && !strchr("#%\\?/", byte) ? CANON_CLEAN : 0;
		want |= shown && !strchr("#%", byte) ? CANON_QUERY_CLEAN : 0;
		want |= byte <= 0x20 || byte == 0x7f || strchr("#/:<>?@[\\]^|%", byte)
				? CANON_FORBIDDEN
				: 0;
		want &= byte < 0x80 ? 0xff : 0;
		ck_assert_uint_eq(canon_class[byte], want);
	}
}
END_TEST

/* Unescaping in one pass is the same as passes repeated until nothing changes. */
START_TEST(unescape_rounds)
{
	srandom(22);
	for (int i = 0; i < 40000; i++) {
		char text[64], naive[64];
		size_t length = (size_t)random() % 40;
		for (size_t k = 0; k < length; k++)
			text[k] = "%%%%25342567aA"[(size_t)random() % 14];
		memcpy(naive, text, length);
		size_t left = length;
		for (size_t was = left + 1; was != left;) {
			was = left;
			left = canon_unescape_once(naive, left);
		}
		size_t used = canon_unescape(text, length);
		ck_assert_uint_eq(used, left);
		ck_assert_int_eq(memcmp(text, naive, left), 0);
	}
}
END_TEST

/* What the one-pass look calls canonical, the long way (a blank before it) gives too. */
static void
clean_confirm(const char *text, size_t length)
{
	static struct key slow;
	static char longer[LIMIT_URL_BYTES + 2];
	if (!key.borrowed)
		return;
	longer[0] = ' ';
	memcpy(longer + 1, text, length);
	ck_assert_int_eq(canon_key((enum kind)key.kind, longer, length + 1, NULL, &slow, &fault),
			 0);
	ck_assert_msg(slow.length == length && memcmp(key_text(&slow), text, length) == 0,
		      "%.*s -> %.*s", (int)length, text, (int)slow.length, key_text(&slow));
	ck_assert_uint_eq(slow.host_offset, key.host_offset);
	ck_assert_uint_eq(slow.host_length, key.host_length);
}

/* One text, both uses: what is accepted prints to what reads back as itself. */
static void
idempotent(enum kind kind, const char *text, size_t length, int *accepted)
{
	static struct key again;
	static char second[KEY_PRINT_BYTES];
	for (enum canon_use use = CANON_QUERY; use <= CANON_ENTRY; use++) {
		struct canon_options ask = {.use = use};
		if (canon_key(kind, text, length, &ask, &key, NULL) != STATUS_OK)
			continue;
		++*accepted;
		clean_confirm(text, length);
		size_t size = use == CANON_ENTRY ? key_print_entry(&key, printed)
						 : key_print(&key, printed);
		enum status status =
			canon_key((enum kind)key.kind, printed, size, &ask, &again, &fault);
		ck_assert_msg(status == STATUS_OK, "%.*s -> %s: %s", (int)length, text, printed,
			      fault.text);
		if (use == CANON_ENTRY)
			key_print_entry(&again, second);
		else
			key_print(&again, second);
		ck_assert_msg(strcmp(printed, second) == 0, "%.*s -> %s -> %s", (int)length, text,
			      printed, second);
		ck_assert_int_eq(again.scope, key.scope);
		ck_assert_int_eq(again.pattern, key.pattern);
	}
}

START_TEST(idempotent_random)
{
	static const char *const parts[] = {
		"http://", "hxxp", "[.]", "(.)",      "%2e",          "%2F",      "%25",  "%",
		"..",      ".",    "/",   "//",       "\\",           "\\*",      "*",    "/*",
		"?",       "#",    "@",   ":",        ":80",          "[",        "]",    "(",
		")",       "a",    "B",   "example",  ".com",         "1",        "0x7f", "255",
		"::",      " ",    "\t",  "\xc3\x9f", "\xe2\x98\x95", "\xff",     "xn--", "-",
		"_",       "%5c",  "%3f", "%23",      "%00",          "&",        "=",    "~",
		"'",       "\"",   "<",   ">",        "\xe3\x80\x82", "\xcc\xb8",
	};
	int accepted = 0;
	unsigned seed =
		getenv("CANON_SEED") ? (unsigned)strtoul(getenv("CANON_SEED"), NULL, 10) : 23;
	printf("idempotent_random: CANON_SEED=%u\n", seed);
	srandom(seed);
	for (int i = 0; i < 60000; i++) {
		char text[256];
		size_t length = 0;
		for (long k = random() % 14; k >= 0; k--) {
			const char *part =
				parts[(size_t)random() % (sizeof(parts) / sizeof(parts[0]))];
			memcpy(text + length, part, strlen(part));
			length += strlen(part);
		}
		idempotent(i & 1 ? KIND_ANY : KIND_URL, text, length, &accepted);
	}
	ck_assert_int_ge(accepted, 4000);
}
END_TEST

/* Random bytes in place of some of a real URL's. */
START_TEST(idempotent_mutants)
{
	static const char seed[] = "https://www.example.com/a/b.html?q=1&r=%20x";
	int accepted = 0;
	srandom(24);
	for (int i = 0; i < 60000; i++) {
		char text[sizeof(seed)];
		memcpy(text, seed, sizeof(seed));
		for (long k = random() % 4; k >= 0; k--)
			text[8 + (size_t)random() % (sizeof(seed) - 9)] = (char)random();
		idempotent(KIND_URL, text, sizeof(seed) - 1, &accepted);
		idempotent(KIND_DOMAIN, text + 8, 15, &accepted);
	}
	ck_assert_int_ge(accepted, 4000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("canon");
	TCase *tcase = tcase_create("canon");
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, addresses);
	tcase_add_test(tcase, addresses_by_libc);
	tcase_add_test(tcase, address_mutants);
	tcase_add_test(tcase, embedded);
	tcase_add_test(tcase, ranges);
	tcase_add_test(tcase, domains);
	tcase_add_test(tcase, limits);
	tcase_add_test(tcase, urls);
	tcase_add_test(tcase, url_wildcards);
	tcase_add_test(tcase, scopes);
	tcase_add_test(tcase, hashes);
	tcase_add_test(tcase, guesses);
	tcase_add_test(tcase, notes);
	tcase_add_test(tcase, steps);
	tcase_add_test(tcase, classes);
	tcase_add_test(tcase, unescape_rounds);
	tcase_add_test(tcase, idempotent_random);
	tcase_add_test(tcase, idempotent_mutants);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
