/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/canon_ip.h"

#include <string.h>

#include "engine/bytes.h"
#include "engine/canon_percent.h"
#include "engine/canon_run.h"

/* A decimal number 0..max of at most three digits, without leading zeros. */
static bool
small_number(const char *text, size_t length, unsigned max, unsigned *value)
{
	if (length == 0 || length > 3 || (length > 1 && text[0] == '0'))
		return false;
	*value = 0;
	for (size_t i = 0; i < length; i++) {
		if (!canon_is(text[i], CANON_DIGIT))
			return false;
		*value = *value * 10 + (unsigned)(text[i] - '0');
	}
	return *value <= max;
}

bool
canon_ipv4_parse(const char *text, size_t length, uint32_t *address)
{
	uint32_t sum = 0;
	const char *end = text + length;
	for (int part = 0; part < 4; part++) {
		unsigned value;
		const char *dot = part == 3 ? end : memchr(text, '.', (size_t)(end - text));
		if (dot == NULL || !small_number(text, (size_t)(dot - text), 255, &value))
			return false;
		sum = sum << 8 | value;
		text = dot + 1;
	}
	*address = sum;
	return true;
}

/* One group of 1..4 hex digits; moves *text. */
static bool
group_parse(const char **text, const char *end, unsigned *value)
{
	const char *start = *text;
	*value = 0;
	while (*text < end && *text - start < 4 && canon_is(**text, CANON_HEX))
		*value = *value << 4 | canon_hex(*(*text)++);
	return *text > start;
}

#define NO_GAP 17

struct groups {
	uint8_t bytes[16];
	size_t used; /* bytes written */
	size_t gap;  /* where `::` stands; NO_GAP = nowhere */
};

/* Dotted quad as the last four bytes. */
static bool
quad_parse(struct groups *groups, const char *text, const char *end)
{
	uint32_t address;
	if (groups->used > 12 || !canon_ipv4_parse(text, (size_t)(end - text), &address))
		return false;
	be32_put(groups->bytes + groups->used, address);
	groups->used += 4;
	return true;
}

static bool
groups_parse(struct groups *groups, const char *text, const char *end)
{
	while (text < end) {
		unsigned value;
		const char *start = text;
		if (!group_parse(&text, end, &value))
			return false;
		if (text < end && *text == '.')
			return quad_parse(groups, start, end);
		if (groups->used == 16)
			return false;
		groups->bytes[groups->used++] = (uint8_t)(value >> 8);
		groups->bytes[groups->used++] = (uint8_t)value;
		if (text == end)
			return true;
		if (*text++ != ':' || text == end)
			return false;
		if (*text == ':') {
			if (groups->gap != NO_GAP)
				return false;
			groups->gap = groups->used;
			text++;
		}
	}
	return true;
}

bool
canon_ipv6_parse(const char *text, size_t length, uint8_t address[16])
{
	struct groups groups = { .gap = NO_GAP };
	const char *end = text + length;
	if (length < 2)
		return false;
	if (text[0] == ':' && text[1] == ':') {
		groups.gap = 0;
		text += 2;
	}
	if (!groups_parse(&groups, text, end))
		return false;
	if (groups.gap == NO_GAP) {
		memcpy(address, groups.bytes, 16);
		return groups.used == 16;
	}
	if (groups.used > 14) /* `::` is at least one group */
		return false;
	size_t tail = groups.used - groups.gap;
	memset(address, 0, 16);
	memcpy(address, groups.bytes, groups.gap);
	memcpy(address + 16 - tail, groups.bytes + groups.gap, tail);
	return true;
}

static enum status
bits_fault(struct canon_run *run, enum status status, const struct key *key)
{
	char text[64];
	key_print(key, text);
	return fault_set(run->fault, status, NULL, 0,
			 "the prefix has bits set after its length; did you mean %s", text);
}

/* What stands after the address: nothing, or `/bits`. */
static bool
tail_parse(const char *slash, const char *end, unsigned max, unsigned *bits)
{
	*bits = max;
	return slash == end || small_number(slash + 1, (size_t)(end - slash - 1), max, bits);
}

static const char *
slash_find(const char *text, size_t length)
{
	const char *slash = memchr(text, '/', length);
	return slash == NULL ? text + length : slash;
}

/* 192.0.2.1:80: a port is no part of an address, but the rest is plain. */
static enum status
ipv4_fault(struct canon_run *run, const char *text, size_t length)
{
	uint32_t address;
	const char *colon = memchr(text, ':', length);
	if (colon != NULL && canon_ipv4_parse(text, (size_t)(colon - text), &address))
		return fault_set(run->fault, STATUS_BAD_IPV4, NULL, 0,
				 "an address has no port; did you mean %.*s", (int)(colon - text),
				 text);
	return fault_set(run->fault, STATUS_BAD_IPV4, NULL, 0,
			 "not an IPv4 address: four numbers 0 to 255 without leading zeros, "
			 "perhaps /0 to /32");
}

enum status
canon_read_ipv4(struct canon_run *run, const char *text, size_t length, struct key *key)
{
	uint32_t address;
	unsigned bits;
	const char *slash = slash_find(text, length);
	if (!canon_ipv4_parse(text, (size_t)(slash - text), &address))
		return ipv4_fault(run, text, length);
	if (!tail_parse(slash, text + length, 32, &bits))
		return fault_set(run->fault, STATUS_BAD_IPV4, NULL, 0,
				 "the prefix length is not a number 0 to 32");
	key_set_ipv4(key, address, bits);
	if (be32_get(key->bytes) != address)
		return bits_fault(run, STATUS_BAD_IPV4, key);
	return STATUS_OK;
}

static enum status
ipv6_fault(struct canon_run *run, const char *text, size_t length)
{
	if (memchr(text, '%', length) != NULL)
		return fault_set(
			run->fault, STATUS_BAD_IPV6, NULL, 0,
			"a zone id (%%) names an interface of one machine, not an address");
	return fault_set(run->fault, STATUS_BAD_IPV6, NULL, 0,
			 "not an IPv6 address: eight groups of hex digits, :: for zeros, "
			 "perhaps /0 to /128");
}

enum status
canon_read_ipv6(struct canon_run *run, const char *text, size_t length, struct key *key)
{
	uint8_t address[16];
	unsigned bits;
	if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
		run->notes |= CANON_NOTE_TRIMMED;
	}
	const char *slash = slash_find(text, length);
	if (!canon_ipv6_parse(text, (size_t)(slash - text), address))
		return ipv6_fault(run, text, length);
	if (!tail_parse(slash, text + length, 128, &bits))
		return fault_set(run->fault, STATUS_BAD_IPV6, NULL, 0,
				 "the prefix length is not a number 0 to 128");
	key_set_ipv6(key, address, bits);
	if (memcmp(key->bytes, address, 16) != 0)
		return bits_fault(run, STATUS_BAD_IPV6, key);
	return STATUS_OK;
}

/* The form that the leading bits name; each at its own place. As words: every IPv6 miss is asked. */
static const struct embedded_row {
	uint64_t high_mask, high, low_mask, low;
	uint32_t offset; /* of the IPv4 address */
	uint32_t flip;   /* xor: Teredo hides it */
} embedded_table[] = {
	{UINT64_MAX, 0, 0xffffffff00000000, 0x0000ffff00000000, 12, 0},     /* mapped */
	{UINT64_MAX, 0, 0xffffffff00000000, 0, 12, 0},                      /* compatible */
	{0xffff000000000000, 0x2002000000000000, 0, 0, 2, 0},               /* 6to4 */
	{0xffffffff00000000, 0x2001000000000000, 0, 0, 12, UINT32_MAX},     /* Teredo */
	{UINT64_MAX, 0x0064ff9b00000000, 0xffffffff00000000, 0, 12, 0},     /* NAT64 */
};

/* :: and ::1 lie in ::/96 and are no IPv4-compatible addresses. */
static bool
is_lone(uint64_t high, uint64_t low)
{
	return high == 0 && low <= 1;
}

unsigned
canon_embedded_ipv4(const uint8_t ipv6[16], uint32_t ipv4[2])
{
	uint64_t high = be64_get(ipv6), low = be64_get(ipv6 + 8);
	unsigned count = 0;
	for (size_t i = 0; i < sizeof(embedded_table) / sizeof(embedded_table[0]); i++) {
		const struct embedded_row *row = &embedded_table[i];
		if ((high & row->high_mask) == row->high && (low & row->low_mask) == row->low &&
		    !is_lone(high, low) && count == 0)
			ipv4[count++] = be32_get(ipv6 + row->offset) ^ row->flip;
	}
	uint32_t isatap = be32_get(ipv6 + 8) & ~UINT32_C(0x02000000);
	if (isatap == 0x00005efe && (count == 0 || ipv4[0] != be32_get(ipv6 + 12)))
		ipv4[count++] = be32_get(ipv6 + 12);
	return count;
}
