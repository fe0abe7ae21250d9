/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the commands show one claim: as a JSON object (interface.md, "hits") and
 * in pieces for people. It prints: for the programs, not for librepute.
 */
#ifndef QUERY_CMD_SHOW_H
#define QUERY_CMD_SHOW_H

#include <stdio.h>

#include "engine/json.h"
#include "engine/view.h"
#include "query/repute.h"

/* A claim and where its texts stand; everything borrowed. */
struct show_claim {
	enum kind kind;
	enum scope scope;
	bool embedded;
	const char *key;
	size_t key_length;
	const char *source;
	size_t source_length;
	const struct segment *segment; /* of `set` and `notes` */
	uint32_t set, notes;
	uint64_t expires, first_seen, last_seen;
};

/* `text` holds KEY_PRINT_BYTES and takes the key. */
void
show_from_hit(struct show_claim *show, const struct view *view, const struct repute_hit *hit,
	      char *text);
/* All but kind and key, which go with the key. */
void
show_from_claim(struct show_claim *show, const struct segment *segment,
		const struct segment_claim *claim);

/* The object; `show_json_members` is its inside, for rows that say more. */
void
show_json(struct json_writer *json, const struct show_claim *show);
void
show_json_members(struct json_writer *json, const struct show_claim *show);
/* {"Category":["value", ...], ...} */
void
show_json_tags(struct json_writer *json, const struct segment *segment, uint32_t set,
	       uint32_t notes);
/* A member whose value is a time, RFC 3339. */
void
show_json_time(struct json_writer *json, const char *name, uint64_t when);

/* "Severity=High; Malware Family=Emotet", each after `before`; nothing without tags. */
void
show_tags(FILE *out, const struct show_claim *show, const char *before);

/* Text from outside, filled with blanks to `width` characters. */
void
show_padded(FILE *out, const char *text, size_t length, size_t width);
/* Characters of UTF-8. */
size_t
show_width(const char *text, size_t length);
/* *widest grows to the width of the text, but not past `most`. */
void
show_widen(size_t *widest, const char *text, size_t length, size_t most);

/* "1,234,567"; `text` holds SHOW_COUNT_BYTES. Returns `text`. */
#define SHOW_COUNT_BYTES 32
const char *
show_count(uint64_t number, char *text);

#endif
