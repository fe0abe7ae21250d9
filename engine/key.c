/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/key.h"

#include <assert.h>
#include <string.h>

#include "engine/bytes.h"

/* See key.h for why the number of cache lines is odd. */
static_assert(sizeof(void *) != 8 || sizeof(struct key) / 64 % 2 == 1, "an odd number of lines");

static_assert(offsetof(struct key, kind) == 0 && offsetof(struct key, scope) == 1 &&
	      offsetof(struct key, prefix_bits) == 2 && offsetof(struct key, host_length) == 8,
	      "key_start writes these in one word");

void
key_set_ipv4(struct key *key, uint32_t address, unsigned prefix_bits)
{
	assert(prefix_bits <= 32);
	key_start(key, KIND_IPV4, prefix_bits);
	be32_put(key->bytes, prefix_bits == 0 ? 0 : address & UINT32_MAX << (32 - prefix_bits));
}

/* The first `bits` (0..64, more counts as 64) bits of a word. */
static uint64_t
first_bits(uint64_t word, unsigned bits)
{
	return bits == 0 ? 0 : bits >= 64 ? word : word & UINT64_MAX << (64 - bits);
}

void
key_set_ipv6(struct key *key, const uint8_t address[16], unsigned prefix_bits)
{
	assert(prefix_bits <= 128);
	key_start(key, KIND_IPV6, prefix_bits);
	be64_put(key->bytes, first_bits(be64_get(address), prefix_bits));
	be64_put(key->bytes + 8,
		 first_bits(be64_get(address + 8), prefix_bits > 64 ? prefix_bits - 64 : 0));
}

enum status
key_set_scope(struct key *key, enum scope scope, struct fault *fault)
{
	if (scope != SCOPE_EXACT && scope != SCOPE_BELOW && scope != SCOPE_TREE)
		return fault_set(fault, STATUS_BAD_SCOPE, NULL, 0, "no such scope");
	if (scope != SCOPE_EXACT && !kind_table[key->kind].scoped)
		return fault_set(fault, STATUS_BAD_SCOPE, NULL, 0, "%s entries have no scope %s",
				 kind_name(key->kind), scope_name(scope));
	if (scope != SCOPE_EXACT && key->pattern != 0)
		return fault_set(fault, STATUS_BAD_SCOPE, NULL, 0,
				 "an entry with the mark \\* has scope exact only");
	bool query = key->kind == KIND_URL && memchr(key_text(key), '?', key->length) != NULL;
	if (scope != SCOPE_EXACT && query)
		return fault_set(fault, STATUS_BAD_SCOPE, NULL, 0,
				 "a URL with a query string has scope exact only");
	key->scope = (uint8_t)scope;
	return STATUS_OK;
}

static size_t
print_number(char *text, unsigned value)
{
	char digits[10];
	size_t count = 0;
	do
		digits[count++] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	for (size_t i = 0; i < count; i++)
		text[i] = digits[count - 1 - i];
	return count;
}

size_t
key_print_ipv4(const uint8_t address[4], char *text)
{
	size_t length = 0;
	for (int i = 0; i < 4; i++) {
		length += print_number(text + length, address[i]);
		text[length++] = '.';
	}
	return length - 1;
}

static size_t
print_hex16(char *text, unsigned value)
{
	size_t length = 0;
	for (int shift = 12; shift >= 0; shift -= 4) {
		unsigned digit = value >> shift & 15;
		if (digit != 0 || length != 0 || shift == 0)
			text[length++] = "0123456789abcdef"[digit];
	}
	return length;
}

/* RFC 5952 4.2: the longest run of two or more zero groups, the first of equals. */
static int
zeros_longest(const uint16_t group[8], int *count)
{
	int start = -1;
	*count = 1;
	for (int i = 0; i < 8; i++) {
		int run = 0;
		while (i + run < 8 && group[i + run] == 0)
			run++;
		if (run > *count) {
			*count = run;
			start = i;
		}
		i += run;
	}
	return start;
}

size_t
key_print_ipv6(const uint8_t address[16], char *text)
{
	uint16_t group[8];
	for (int i = 0; i < 8; i++)
		group[i] = (uint16_t)(address[2 * i] << 8 | address[2 * i + 1]);
	int zeros, start = zeros_longest(group, &zeros);
	size_t length = 0;
	for (int i = 0; i < 8; i++) {
		if (i == start) {
			text[length++] = ':';
			text[length++] = ':';
			i += zeros - 1;
			continue;
		}
		if (i != 0 && text[length - 1] != ':')
			text[length++] = ':';
		length += print_hex16(text + length, group[i]);
	}
	return length;
}

static size_t
print_bits(const struct key *key, char *text, size_t length)
{
	if (key->prefix_bits != kind_table[key->kind].address_bits) {
		text[length++] = '/';
		length += print_number(text + length, key->prefix_bits);
	}
	return length;
}

static size_t
print_ipv4(const struct key *key, char *text)
{
	return print_bits(key, text, key_print_ipv4(key->bytes, text));
}

static size_t
print_ipv6(const struct key *key, char *text)
{
	return print_bits(key, text, key_print_ipv6(key->bytes, text));
}

static size_t
print_text(const struct key *key, char *text)
{
	memcpy(text, key_text(key), key->length);
	return key->length;
}

static size_t
print_digest(const struct key *key, char *text)
{
	size_t bytes = kind_table[key->kind].key_bytes;
	for (size_t i = 0; i < bytes; i++) {
		text[2 * i] = "0123456789abcdef"[key->bytes[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[key->bytes[i] & 15];
	}
	return 2 * bytes;
}

typedef size_t print_fn(const struct key *key, char *text);
static print_fn *const print_table[KIND_COUNT] = {
	[KIND_IPV4] = print_ipv4, [KIND_IPV6] = print_ipv6,     [KIND_DOMAIN] = print_text,
	[KIND_URL] = print_text,  [KIND_SHA1] = print_digest, [KIND_SHA256] = print_digest,
};

size_t
key_print(const struct key *key, char *text)
{
	size_t length = print_table[key->kind](key, text);
	text[length] = '\0';
	return length;
}

static bool
ends_with(const char *text, size_t length, const char *end)
{
	size_t n = strlen(end);
	return length >= n && memcmp(text + length - n, end, n) == 0;
}

/*
 * A URL whose own text ends like the mark for "below" is written with the star
 * escaped, so that it is not read as one.
 */
static size_t
print_star_escaped(const struct key *key, char *text, size_t length)
{
	if (key->pattern != 0 || !ends_with(text, length, "/*"))
		return length;
	memcpy(text + length - 1, "%2A", 3);
	return length + 2;
}

static size_t
print_url_entry(const struct key *key, char *text, size_t length)
{
	if (key->pattern != 0 || key->scope == SCOPE_EXACT || !ends_with(text, length, "/"))
		return print_star_escaped(key, text, length);
	if (key->scope == SCOPE_TREE)
		text[length++] = '\\';
	text[length++] = '*';
	return length;
}

size_t
key_print_entry(const struct key *key, char *text)
{
	bool star = key->kind == KIND_DOMAIN && key->scope == SCOPE_BELOW;
	if (star)
		memcpy(text, "*.", 2);
	size_t length = 2 * star + print_table[key->kind](key, text + 2 * star);
	if (key->kind == KIND_URL)
		length = print_url_entry(key, text, length);
	text[length] = '\0';
	return length;
}
