/* SPDX-License-Identifier: Apache-2.0 */
/* Plain C, byte by byte; the other paths ask it for what is long. */
#include "engine/canon_percent.h"
#include "engine/canon_scan_paths.h"
#include "engine/limits.h"

size_t
canon_scan_domain_portable(const char *text, size_t length)
{
	size_t label = 0;
	if (length == 0 || length > LIMIT_DOMAIN_BYTES)
		return CANON_SCAN_NONE;
	for (size_t i = 0; i <= length; i++) {
		if (i < length && canon_is(text[i], CANON_NAME))
			continue;
		if (i == label || i - label > LIMIT_LABEL_BYTES)
			return CANON_SCAN_NONE;
		if (i == length)
			break;
		if (text[i] != '.')
			return CANON_SCAN_NONE;
		label = i + 1;
	}
	return canon_is(text[label], CANON_ALPHA) ? label : CANON_SCAN_NONE;
}

/* Plain labels, single dots, a last label that begins with a letter. */
static size_t
host_end(const char *text, size_t length, size_t start)
{
	size_t i, label = start;
	for (i = start; i < length; i++) {
		if (canon_is(text[i], CANON_NAME))
			continue;
		if (i == label)
			return 0;
		if (text[i] != '.')
			break;
		label = i + 1;
	}
	return label < length && canon_is(text[label], CANON_ALPHA) ? i : 0;
}

bool
canon_scan_url_portable(const char *text, size_t length, struct canon_scan *scan)
{
	scan->host = canon_scan_scheme(text, length);
	scan->end = scan->stop = scan->host == 0 ? 0 : host_end(text, length, scan->host);
	if (scan->end == 0 || scan->end == length || text[scan->end] != '/')
		return false;
	bool query = false;
	for (size_t i = scan->end; i < length; i++) {
		scan->stop = i;
		if (canon_is(text[i], query ? CANON_QUERY_CLEAN : CANON_CLEAN))
			continue;
		if (text[i] == '?')
			query = true;
		else if (!canon_scan_byte(text, length, i, query))
			return false;
	}
	scan->stop = length;
	return true;
}
