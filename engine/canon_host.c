/* SPDX-License-Identifier: Apache-2.0 */
/*
 * https://url.spec.whatwg.org/#host-parsing, by its names where there are any.
 */
#include "engine/canon_host.h"

#include <string.h>

#include "engine/canon_defang.h"
#include "engine/canon_idna.h"
#include "engine/canon_ip.h"
#include "engine/canon_percent.h"

/* "10.192.95.89 xy": how long Windows' resolver lets such a text be. */
#define WINDOWS_QUAD_BYTES 15

static enum status
host_fault(struct fault *fault, const char *reason)
{
	return fault_set(fault, STATUS_BAD_URL, NULL, 0, "%s", reason);
}

/* IPv4 number parser: decimal, 0x hex, 0 octal; saturates. */
static bool
number_parse(const char *text, size_t length, uint64_t *value)
{
	unsigned base = 10;
	if (length == 0)
		return false;
	if (length >= 2 && text[0] == '0') {
		bool hex = (text[1] | 0x20) == 'x';
		base = hex ? 16 : 8;
		text += hex ? 2 : 1;
		length -= hex ? 2 : 1;
	}
	*value = 0;
	for (size_t i = 0; i < length; i++) {
		unsigned digit = canon_is(text[i], CANON_HEX) ? canon_hex(text[i]) : base;
		if (digit >= base)
			return false;
		if (*value <= UINT32_MAX)
			*value = *value * base + digit;
	}
	return true;
}

static bool
all_digits(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!canon_is(text[i], CANON_DIGIT))
			return false;
	return length > 0;
}

static size_t
last_label(const char *host, size_t length)
{
	size_t start = length;
	while (start > 0 && host[start - 1] != '.')
		start--;
	return start;
}

bool
canon_host_ends_in_number(const char *host, size_t length)
{
	uint64_t value;
	if (length > 0 && host[length - 1] == '.')
		length--;
	size_t start = last_label(host, length);
	const char *label = host + start;
	return all_digits(label, length - start) || number_parse(label, length - start, &value);
}

/* The labels of `host` as numbers; 0 if they are none or too many. */
static unsigned
parts_parse(const char *host, size_t length, uint64_t part[4])
{
	unsigned count = 0;
	for (size_t i = 0; i <= length;) {
		const char *dot = memchr(host + i, '.', length - i);
		size_t size = dot == NULL ? length - i : (size_t)(dot - host) - i;
		if (count == 4 || !number_parse(host + i, size, &part[count++]))
			return 0;
		i += size + 1;
	}
	return count;
}

/*
 * IPv4 parser. The Safe Browsing client also takes the forms of two and three
 * parts with a part above 255, and keeps its low byte.
 */
static bool
ipv4_parse(const char *host, size_t length, enum canon_host_rule rule, uint32_t *address)
{
	uint64_t part[4];
	if (length > 0 && host[length - 1] == '.')
		length--;
	unsigned count = parts_parse(host, length, part);
	if (count == 0 || part[count - 1] >= UINT64_C(1) << (8 * (5 - count)))
		return false;
	bool wrap = rule == CANON_HOST_LENIENT && (count == 2 || count == 3);
	*address = (uint32_t)part[count - 1];
	for (unsigned i = 0; i + 1 < count; i++) {
		if (part[i] > 255 && !wrap)
			return false;
		*address |= (uint32_t)(part[i] & 255) << (24 - 8 * i);
	}
	return true;
}

static size_t
ipv4_print(uint32_t address, char *out)
{
	const uint8_t bytes[4] = { (uint8_t)(address >> 24), (uint8_t)(address >> 16),
				   (uint8_t)(address >> 8), (uint8_t)address };
	return key_print_ipv4(bytes, out);
}

static enum status
host_ipv6(const char *text, size_t length, char *out, size_t *out_length, struct fault *fault)
{
	uint8_t address[16];
	if (length < 2 || text[length - 1] != ']' ||
	    !canon_ipv6_parse(text + 1, length - 2, address))
		return host_fault(fault, "the host in brackets is not an IPv6 address");
	*out_length = key_print_ipv6(address, out + 1) + 2;
	out[0] = '[';
	out[*out_length - 1] = ']';
	return STATUS_OK;
}

static bool
any_forbidden(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (canon_is(text[i], CANON_FORBIDDEN))
			return true;
	return false;
}

/* How WHATWG's host ends: a name, an IPv4 address, or a failure. */
static enum status
host_finish(char *out, size_t *length, enum canon_host_rule rule, struct fault *fault)
{
	uint32_t address;
	if (*length == 0)
		return host_fault(fault, "the URL has no host");
	if (!canon_host_ends_in_number(out, *length))
		return STATUS_OK;
	if (!ipv4_parse(out, *length, rule, &address))
		return host_fault(fault, "the host ends in a number but is no IPv4 address");
	*length = ipv4_print(address, out);
	return STATUS_OK;
}

/* "10.192.95.89 xy": Windows reads a quad and stops at the blank. */
static bool
windows_quad(const char *text, size_t length, char *out, size_t *out_length)
{
	uint64_t part[4];
	uint32_t address;
	const char *blank = memchr(text, ' ', length);
	if (blank == NULL || length > WINDOWS_QUAD_BYTES)
		return false;
	size_t quad = (size_t)(blank - text);
	if (parts_parse(text, quad, part) != 4 ||
	    !ipv4_parse(text, quad, CANON_HOST_WHATWG, &address))
		return false;
	*out_length = ipv4_print(address, out);
	return true;
}

/* Bytes that are no text at all: controls, and what is not ASCII (nor UTF-8, says the caller). */
static bool
is_raw(char byte)
{
	return (uint8_t)byte < 0x20 || (uint8_t)byte >= 0x7f;
}

/*
 * Labels that WHATWG refuses and the Safe Browsing table has: a plain label
 * with blanks or # at one end, or a label of raw bytes only.
 */
static bool
label_lenient(const char *text, size_t length)
{
	size_t start = 0, end = length, raw = 0;
	for (size_t i = 0; i < length; i++)
		raw += is_raw(text[i]);
	if (raw == length)
		return true;
	while (start < end && (text[start] == ' ' || text[start] == '#'))
		start++;
	while (end > start && (text[end - 1] == ' ' || text[end - 1] == '#'))
		end--;
	bool one_end = start == 0 || end == length;
	for (size_t i = start; i < end; i++)
		if (!canon_is(text[i], CANON_NAME))
			return false;
	return one_end && end > start;
}

/* Two labels or more, the last one plain and no number; the others perhaps lenient. */
static bool
host_lenient(const char *text, size_t length)
{
	size_t start = last_label(text, length);
	if (start == 0 || start == length || !canon_is(text[start], CANON_ALPHA))
		return false;
	for (size_t i = start; i < length; i++)
		if (!canon_is(text[i], CANON_NAME))
			return false;
	for (size_t i = 0; i < start;) {
		size_t size = (size_t)((const char *)memchr(text + i, '.', start - i) - (text + i));
		if (!label_lenient(text + i, size))
			return false;
		i += size + 1;
	}
	return true;
}

static size_t
escape_all(const char *text, size_t length, char *out)
{
	size_t used = 0;
	for (size_t i = 0; i < length; i++) {
		if (canon_must_escape(text[i]))
			used += canon_escape_put(out + used, text[i]);
		else
			out[used++] = text[i];
	}
	return used;
}

static enum status
host_refused(const char *text, size_t length, enum canon_host_rule rule, char *out,
	     size_t *out_length, struct fault *fault)
{
	if (rule == CANON_HOST_LENIENT && length < CANON_HOST_BYTES / 3) {
		if (windows_quad(text, length, out, out_length))
			return STATUS_OK;
		if (host_lenient(text, length)) {
			*out_length = escape_all(text, length, out);
			return STATUS_OK;
		}
	}
	return host_fault(fault, "the host has a character that no host may have");
}

static enum status
host_idna(const char *text, size_t length, char *out, size_t *out_length, struct fault *fault)
{
	enum status status = canon_idna(text, length, out, CANON_HOST_BYTES, out_length);
	if (status == STATUS_NO_MEMORY)
		return fault_set(fault, status, NULL, 0, "out of memory");
	if (status != STATUS_OK || any_forbidden(out, *out_length))
		return host_fault(fault, "the host is not a valid international name (UTS-46)");
	return STATUS_OK;
}

enum status
canon_host(char *text, size_t length, enum canon_host_rule rule, char *out, size_t *out_length,
	   struct fault *fault)
{
	if (length >= CANON_HOST_BYTES)
		return host_fault(fault, "the host is far too long");
	if (length > 0 && text[0] == '[')
		return host_ipv6(text, length, out, out_length, fault);
	length = canon_unescape_once(text, length);
	if (!canon_ascii(text, length) && canon_utf8(text, length)) {
		enum status status = host_idna(text, length, out, out_length, fault);
		return status != STATUS_OK ? status : host_finish(out, out_length, rule, fault);
	}
	for (size_t i = 0; i < length; i++)
		text[i] = canon_lower(text[i]);
	if (any_forbidden(text, length) || !canon_ascii(text, length))
		return host_refused(text, length, rule, out, out_length, fault);
	memcpy(out, text, length);
	*out_length = length;
	return host_finish(out, out_length, rule, fault);
}

/* [::102:304] is written [::1.2.3.4], as the Safe Browsing table has it. */
static void
compatible_print(char *host, size_t *length)
{
	uint8_t address[16];
	static const uint8_t zeros[12];
	if (!canon_ipv6_parse(host + 1, *length - 2, address) || memcmp(address, zeros, 12) != 0 ||
	    (address[12] == 0 && address[13] == 0))
		return;
	memcpy(host, "[::", 3);
	*length = 3 + key_print_ipv4(address + 12, host + 3);
	host[(*length)++] = ']';
}

static size_t
dots_fold(char *host, size_t length)
{
	size_t used = 0;
	for (size_t i = 0; i < length; i++)
		if (host[i] != '.' || (used > 0 && host[used - 1] != '.'))
			host[used++] = host[i];
	return used > 0 && host[used - 1] == '.' ? used - 1 : used;
}

enum status
canon_host_form(char *host, size_t *length, struct fault *fault)
{
	if (host[0] == '[') {
		compatible_print(host, length);
		return STATUS_OK;
	}
	*length = dots_fold(host, *length);
	size_t after = *length;
	char copy[CANON_HOST_BYTES];
	/* a host that still holds a mark, or begins one, would be read differently the next time */
	if (memchr(host, '(', after) != NULL || memchr(host, '{', after) != NULL) {
		if (host[after - 1] == '(' || host[after - 1] == '{')
			return host_fault(fault, "the host ends in an open bracket");
		memcpy(copy, host, after);
		if (canon_defang_marks(copy, after, true) != after)
			return host_fault(fault, "the host hides a bracketed separator");
	}
	return host_finish(host, length, CANON_HOST_LENIENT, fault);
}
