/* SPDX-License-Identifier: Apache-2.0 */
/* Private to canon_scan*.c: the paths, and what they share. */
#ifndef ENGINE_CANON_SCAN_PATHS_H
#define ENGINE_CANON_SCAN_PATHS_H

#include <stdint.h>
#include <string.h>

#include "engine/canon_scan.h"

/* Classes that nobody asks for cost nothing only if the compiler sees it. */
#define CANON_SCAN_INLINE static inline __attribute__((always_inline))

#define CANON_SCAN_PATH(path) \
	size_t canon_scan_domain_##path(const char *text, size_t length); \
	bool canon_scan_url_##path(const char *text, size_t length, struct canon_scan *scan);

CANON_SCAN_PATH(portable)
CANON_SCAN_PATH(sse2)
CANON_SCAN_PATH(avx2)
CANON_SCAN_PATH(avx512)

/*
 * Bytes of text[base...] that need a look (bits of `look`): the first one that
 * is not canonical there, CANON_SCAN_NONE if all are. `question` is where the
 * query begins, any index past the text if it is not known to.
 */
size_t
canon_scan_look(const char *text, size_t length, size_t base, uint64_t look, size_t question);

/*
 * A byte of path or query that does not stand for itself, judged by what follows it;
 * a slash in the path comes here too.
 */
bool
canon_scan_byte(const char *text, size_t length, size_t i, bool query);

/* http:// or https:// and two bytes more: its length, else 0. */
static inline size_t
canon_scan_scheme(const char *text, size_t length)
{
	if (length > 9 && memcmp(text, "https://", 8) == 0)
		return 8;
	return length > 8 && memcmp(text, "http://", 7) == 0 ? 7 : 0;
}

#endif
