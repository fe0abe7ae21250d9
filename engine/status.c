/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* strerrordesc_np */
#include "engine/status.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *text;
} words[] = {
	[STATUS_OK] = { "ok", "success" },
	[STATUS_NO_MEMORY] = { "no-memory", "out of memory" },
	[STATUS_IO] = { "io", "input or output failed" },
	[STATUS_MISSING] = { "missing", "no such thing" },
	[STATUS_USAGE] = { "usage", "bad argument" },
	[STATUS_LIMIT] = { "limit", "a limit was crossed" },
	[STATUS_BUSY] = { "busy", "another writer holds the store" },
	[STATUS_FORMAT] = { "format", "not a file of this program" },
	[STATUS_VERSION] = { "version", "a version or feature this program does not know" },
	[STATUS_CORRUPT] = { "corrupt", "damaged data" },
	[STATUS_BAD_KIND] = { "bad-kind", "the kind of the value cannot be told" },
	[STATUS_BAD_IPV4] = { "bad-ipv4", "not an IPv4 address or prefix" },
	[STATUS_BAD_IPV6] = { "bad-ipv6", "not an IPv6 address or prefix" },
	[STATUS_BAD_DOMAIN] = { "bad-domain", "not a domain name" },
	[STATUS_BAD_URL] = { "bad-url", "not a URL" },
	[STATUS_BAD_HASH] = { "bad-hash", "not a file hash" },
	[STATUS_BAD_SCOPE] = { "bad-scope", "a scope that this key cannot have" },
	[STATUS_BAD_TAG] = { "bad-tag", "not a value of the tag category" },
	[STATUS_BAD_TIME] = { "bad-time", "not a time or duration" },
	[STATUS_BAD_FEED] = { "bad-feed", "not the list it should be" },
	[STATUS_BROAD] = { "broad", "the entry would cover far too much" },
	[STATUS_CRITERIA] = { "criteria", "not a valid condition" },
	[STATUS_REFUSED] = { "refused", "refused by a rule" },
	[STATUS_STOPPED] = { "stopped", "interrupted" },
	[STATUS_PROFILE] = { "profile", "not a valid profile" },
};

_Static_assert(sizeof(words) / sizeof(words[0]) == STATUS_COUNT, "a status without words");

const char *
status_name(enum status status)
{
	if ((unsigned)status >= STATUS_COUNT)
		return "unknown";
	return words[status].name;
}

const char *
status_text(enum status status)
{
	if ((unsigned)status >= STATUS_COUNT)
		return "unknown status";
	return words[status].text;
}

/*
 * Length of the longest prefix of a cut text that does not end inside a UTF-8
 * sequence. A text that is no UTF-8 loses at most its last three bytes.
 */
static size_t
whole_prefix(const char *text, size_t length)
{
	size_t lead = length;
	size_t need;
	unsigned char byte;

	while (lead > 0 && length - lead < 3 && ((unsigned char)text[lead - 1] & 0xC0) == 0x80)
		lead--;
	if (lead == 0)
		return length;
	byte = (unsigned char)text[lead - 1];
	need = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
	return length - (lead - 1) < need ? lead - 1 : length;
}

/*
 * Faults quote hostile input and end on terminals and in log lines: no control
 * character passes, and a cut never leaves half a character.
 */
static void
text_finish(char *text, size_t size, size_t wanted)
{
	if (wanted >= size)
		text[whole_prefix(text, size - 1)] = '\0';
	for (char *at = text; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7F)
			*at = '?';
	}
}

static void
where_set(struct fault *fault, const char *where)
{
	int wanted = snprintf(fault->where, sizeof(fault->where), "%s", where ? where : "");

	text_finish(fault->where, sizeof(fault->where), wanted < 0 ? 0 : (size_t)wanted);
}

enum status
fault_set(struct fault *fault, enum status status, const char *where, uint64_t offset,
	  const char *format, ...)
{
	char text[FAULT_TEXT_BYTES];
	va_list arguments;
	int wanted;

	if (!fault)
		return status;
	/* Built aside: an argument may point into the very fault being filled. */
	va_start(arguments, format);
	wanted = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (wanted < 0)
		text[0] = '\0';
	text_finish(text, sizeof(text), wanted < 0 ? 0 : (size_t)wanted);
	if (where != fault->where)
		where_set(fault, where);
	memcpy(fault->text, text, strlen(text) + 1);
	fault->status = status;
	fault->offset = offset;
	return status;
}

enum status
fault_errno(struct fault *fault, int error, const char *where, const char *doing)
{
	/* strerror() may share its buffer between threads; this text is constant. */
	const char *text = strerrordesc_np(error);

	return fault_set(fault, STATUS_IO, where, 0, "%s: %s", doing,
			 text ? text : "unknown error");
}
