/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scan over masks, once for each instruction set: no include guard. The
 * file that includes it has defined SCAN(name) and
 *
 *   struct masks masks_read(const char *text, size_t n, size_t before);
 *
 * of n bytes, 1 to 64, with `before` more readable in front of them. Bit i of
 * a mask is byte i; bits from n on are zero.
 *
 *   https://a.example/b//c?d      host = 8
 *   ........n.nnnnnnn.....        name | dot, from host: its run is the host
 *                    s.ss..       slash: one before a slash or dot needs a look
 *                         q       from here a slash is any byte
 */
#include "engine/canon_percent.h"
#include "engine/limits.h"

/* Dots that stand at an end or beside another one, in a name of n bytes. */
static inline uint64_t
dots_wrong(uint64_t dots, size_t n)
{
	return dots & (dots << 1 | 1 | UINT64_C(1) << (n - 1));
}

static inline size_t
last_label(uint64_t dots)
{
	return dots == 0 ? 0 : 64 - (size_t)__builtin_clzll(dots);
}

size_t
SCAN(canon_scan_domain)(const char *text, size_t length)
{
	if (length - 1 >= 64)
		return canon_scan_domain_portable(text, length);
	struct masks masks = masks_read(text, length, 0);
	uint64_t all = ~UINT64_C(0) >> (64 - length);
	if (((masks.name | masks.dot) ^ all) != 0 || dots_wrong(masks.dot, length) != 0)
		return CANON_SCAN_NONE;
	size_t label = last_label(masks.dot);
	bool overlong = masks.dot == 0 && length > LIMIT_LABEL_BYTES;
	return canon_is(text[label], CANON_ALPHA) && !overlong ? label : CANON_SCAN_NONE;
}

/*
 * Path and query past the first 64 bytes. Chunks share a byte, so that a slash
 * sees the next one.
 */
static bool
SCAN(rest)(const char *text, size_t length, size_t question, struct canon_scan *scan)
{
	size_t n;
	for (size_t i = 63; i < length; i += n == 64 ? 63 : n) {
		n = length - i < 64 ? length - i : 64;
		struct masks masks = masks_read(text + i, n, i);
		uint64_t path = 0;
		if (question >= length) {
			path = masks.question ^ (masks.question - 1); /* no mark: all bits */
			if (masks.question != 0)
				question = i + (size_t)__builtin_ctzll(masks.question);
		}
		uint64_t look = masks.odd | (masks.slash & (masks.slash | masks.dot) >> 1 & path);
		size_t stop = look == 0 ? CANON_SCAN_NONE
					: canon_scan_look(text, length, i, look, question);
		if (stop != CANON_SCAN_NONE) {
			scan->stop = stop;
			return false;
		}
		if (i + n == length)
			break;
	}
	scan->stop = length;
	return true;
}

/* What is seldom, apart from what is fast: bytes to look at, more than 64 bytes. */
static bool __attribute__((noinline))
SCAN(finish)(const char *text, size_t length, uint64_t look, uint64_t mark,
	     struct canon_scan *scan)
{
	size_t question = mark == 0 ? CANON_SCAN_NONE : (size_t)__builtin_ctzll(mark);
	size_t stop = canon_scan_look(text, length, 0, look, question);
	if (stop == CANON_SCAN_NONE && length > 64)
		return SCAN(rest)(text, length, question, scan);
	scan->stop = stop == CANON_SCAN_NONE ? length : stop;
	return stop == CANON_SCAN_NONE;
}

bool
SCAN(canon_scan_url)(const char *text, size_t length, struct canon_scan *scan)
{
	size_t host = canon_scan_scheme(text, length), n = length < 64 ? length : 64;
	*scan = (struct canon_scan){ .host = host };
	if (host == 0)
		return false;
	struct masks masks = masks_read(text, n, 0);
	size_t size = (size_t)__builtin_ctzll(~((masks.name | masks.dot) >> host));
	size_t end = host + size;
	if (end == 64 && length > 64)
		return canon_scan_url_portable(text, length, scan);
	uint64_t dots = masks.dot >> host & ((UINT64_C(1) << size) - 1);
	if (size == 0 || dots_wrong(dots, size) != 0 ||
	    !canon_is(text[host + last_label(dots)], CANON_ALPHA))
		return false;
	scan->end = scan->stop = end;
	if (end == length || text[end] != '/')
		return false;
	uint64_t rest = ~UINT64_C(0) << end;
	uint64_t mark = masks.question & rest, path = mark ^ (mark - 1); /* no mark: all bits */
	uint64_t look = (masks.odd | (masks.slash & (masks.slash | masks.dot) >> 1 & path)) & rest;
	if (length > 64 || look != 0)
		return SCAN(finish)(text, length, look, mark, scan);
	scan->stop = length;
	return true;
}
