/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that are nearly canonical, written into the key in one pass. Whatever
 * is not common is refused here and left to the slow way: dot segments,
 * userinfo, hosts with escapes, tabs, a %-escape that would make another one.
 */
#include "engine/canon_host.h"
#include "engine/canon_ip.h"
#include "engine/canon_percent.h"
#include "engine/canon_quick.h"

#define PORT_DIGITS 5
#define PORT_MAX 65535

struct mend {
	const char *text;
	size_t length, at; /* text[0..at) is done */
	char *out;
	size_t used;
	bool query;
};

static bool
host_ends(const struct mend *mend)
{
	return mend->at == mend->length || mend->text[mend->at] == '/' ||
	       mend->text[mend->at] == '?' || mend->text[mend->at] == '#';
}

/* A name with capitals, or a dotted quad: what it becomes is judged. */
static bool
host_mend(struct mend *mend, size_t host)
{
	size_t i;
	uint32_t address;
	for (i = host; i < mend->length && i - host <= LIMIT_DOMAIN_BYTES; i++) {
		if (!canon_is(mend->text[i], CANON_NAME | CANON_UPPER) && mend->text[i] != '.')
			break;
		mend->out[i] = canon_lower(mend->text[i]);
	}
	memcpy(mend->out, mend->text, host);
	mend->at = mend->used = i;
	return canon_scan_domain(mend->out + host, i - host) != CANON_SCAN_NONE ||
	       canon_ipv4_parse(mend->out + host, i - host, &address);
}

static bool
port_mend(struct mend *mend)
{
	unsigned port = 0, digits = 0;
	if (mend->at == mend->length || mend->text[mend->at] != ':')
		return true;
	for (mend->at++; mend->at < mend->length; mend->at++, digits++) {
		if (!canon_is(mend->text[mend->at], CANON_DIGIT) || digits == PORT_DIGITS)
			break;
		port = port * 10 + (unsigned)(mend->text[mend->at] - '0');
	}
	return port <= PORT_MAX;
}

static void
byte_put(struct mend *mend, char byte)
{
	if (canon_must_escape(byte))
		mend->used += canon_escape_put(mend->out + mend->used, byte);
	else
		mend->out[mend->used++] = byte;
}

/* Any of / \ %2F %5C in the path. */
static bool
slash_mend(struct mend *mend)
{
	if (mend->out[mend->used - 1] != '/')
		mend->out[mend->used++] = '/';
	return true;
}

/* "%25" stands in front of the next byte, or one hex digit later. */
static bool
after_percent(const struct mend *mend)
{
	const char *end = mend->out + mend->used;
	return memcmp(end - 3, "%25", 3) == 0 || memcmp(end - 4, "%25", 3) == 0;
}

/* No escape appears: what follows a %25 is neither an escape itself nor two digits. */
static bool
percent_alone(const struct mend *mend, size_t i)
{
	const char *text = mend->text;
	if (i == mend->length || (text[i] != '%' && !canon_is(text[i], CANON_HEX)))
		return true;
	if (text[i] == '%' || i + 1 == mend->length)
		return text[i] != '%';
	return text[i + 1] != '%' && !canon_is(text[i + 1], CANON_HEX);
}

static bool
escape_mend(struct mend *mend)
{
	const char *text = mend->text + mend->at;
	if (!canon_escape_at(mend->text, mend->length, mend->at))
		return false;
	mend->at += 3;
	char byte = (char)(canon_hex(text[1]) << 4 | canon_hex(text[2]));
	if (byte == '%' ? !percent_alone(mend, mend->at)
			: canon_is(byte, CANON_HEX) && after_percent(mend))
		return false;
	if (!mend->query && (byte == '/' || byte == '\\'))
		return slash_mend(mend);
	bool dot = byte == '.' && mend->out[mend->used - 1] == '/';
	if (!mend->query && (byte == '?' || dot))
		return false;
	byte_put(mend, byte);
	return true;
}

/* A dot after a slash: no dot segment if a plain byte comes next. */
static bool
dot_plain(const struct mend *mend)
{
	if (mend->query || mend->out[mend->used - 1] != '/')
		return true;
	size_t next = mend->at + 1;
	return next < mend->length && mend->text[next] != '.' &&
	       canon_is(mend->text[next], CANON_CLEAN);
}

static bool
raw_mend(struct mend *mend, char byte)
{
	if (byte == '\t' || byte == '\n' || byte == '\r' || (byte == '.' && !dot_plain(mend)))
		return false;
	mend->at++;
	if (!mend->query && (byte == '/' || byte == '\\'))
		return slash_mend(mend);
	mend->query |= byte == '?';
	byte_put(mend, byte);
	return true;
}

/* Path and query from `at` on, up to the fragment. */
static bool
rest_mend(struct mend *mend)
{
	while (mend->at < mend->length && mend->text[mend->at] != '#') {
		char byte = mend->text[mend->at];
		if (mend->used > LIMIT_URL_BYTES - 3 ||
		    !(byte == '%' ? escape_mend(mend) : raw_mend(mend, byte)))
			return false;
	}
	return true;
}

/* The text is clean up to the byte scan->stop: copy that, and go on from there. */
static void
clean_copy(struct mend *mend, size_t end, size_t stop)
{
	memcpy(mend->out, mend->text, stop);
	mend->at = mend->used = stop;
	mend->query = memchr(mend->text + end, '?', stop - end) != NULL;
}

bool
canon_mend_url(const char *text, size_t length, const struct canon_scan *scan, struct key *key)
{
	struct mend mend = { .text = text, .length = length, .out = key->buffer };
	size_t host = scan->host, end = scan->end;
	if (length > LIMIT_URL_BYTES || (uint8_t)text[length - 1] <= ' ' ||
	    end >= CANON_HOST_BYTES)
		return false;
	if (end != 0)
		clean_copy(&mend, end, scan->stop);
	else if (!host_mend(&mend, host))
		return false;
	if (end == 0 || mend.at == end) {
		end = mend.at;
		if (!port_mend(&mend) || !host_ends(&mend))
			return false;
		mend.out[mend.used++] = '/';
		mend.at += mend.at < length && text[mend.at] == '/';
	}
	if (!rest_mend(&mend))
		return false;
	if (mend.out[mend.used - 1] == '*' && mend.out[mend.used - 2] == '\\')
		return false;
	canon_borrow_url(key, NULL, mend.used, host, end);
	key->borrowed = 0;
	return mend.used <= LIMIT_URL_BYTES;
}

bool
canon_mend_domain(const char *text, size_t length, bool any, struct key *key)
{
	if (length > 0 && text[length - 1] == '.')
		length--;
	if (length > LIMIT_DOMAIN_BYTES)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!canon_is(text[i], CANON_NAME | CANON_UPPER) && text[i] != '.')
			return false;
		key->buffer[i] = canon_lower(text[i]);
	}
	size_t label = canon_scan_domain(key->buffer, length);
	if (label == CANON_SCAN_NONE || (any && label == 0))
		return false;
	canon_borrow(key, KIND_DOMAIN, NULL, length);
	key->borrowed = 0;
	return true;
}
