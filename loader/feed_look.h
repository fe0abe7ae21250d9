/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a piece of text looks like. Detection and the formats that must choose
 * among columns or words ask here; nothing is validated or changed, the
 * canonicaliser does that. Defanged dots and schemes count as what they mean.
 */
#ifndef LOADER_FEED_LOOK_H
#define LOADER_FEED_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/kind.h"

struct feed_text {
	char *at;
	size_t length;
};

enum feed_look {
	LOOK_OTHER = 0,
	LOOK_ADDRESS,      /* IPv4 or IPv6, perhaps with /n */
	LOOK_RANGE,        /* first-last, blanks around the dash or not */
	LOOK_ADDRESS_PORT, /* 192.0.2.1:80, [2001:db8::1]:80 */
	LOOK_NAME,         /* two labels or more, perhaps with *. in front or a dot behind */
	LOOK_NAME_PORT,
	LOOK_NAME_PATH, /* host/path without a scheme */
	LOOK_URL,       /* scheme://... */
	LOOK_SHA1,
	LOOK_SHA256,
	LOOK_MD5,
	LOOK_DATE,   /* begins with 2026-11-21, 2026/11/21 or 21/11/26 */
	LOOK_NUMBER, /* digits only */
	LOOK_COUNT
};

enum feed_look
feed_look(struct feed_text text);
/* True for what can become a key: addresses (also with port), names, URLs, SHA-1/256. */
bool
feed_look_indicator(enum feed_look look);
/* The kind that a look means; KIND_ANY where it says nothing. */
enum kind
feed_look_kind(enum feed_look look, struct feed_text text);
/* Has marks that only a person who defangs writes: hxxp, [.], (.), [:] ... */
bool
feed_look_defanged(struct feed_text text);
/* A name whose last label is a file's ending (exe, dll, pdf ...) as often as a domain. */
bool
feed_look_file(struct feed_text text);
/* 0.0.0.0, 127.0.0.0/8, ::, ::1: where block lists send names to. */
bool
feed_look_sinkhole(struct feed_text text);

/* --- pieces of text --------------------------------------------------------- */

static inline bool
feed_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Without blanks at the ends; a no-break space (UTF-8 or Latin-1) is one. */
struct feed_text
feed_trim(struct feed_text text);
/* Take the first word off *rest; length 0 when there is none. */
struct feed_text
feed_word(struct feed_text *rest);
bool
feed_starts(struct feed_text text, const char *prefix);
bool
feed_starts_folded(struct feed_text text, const char *prefix);
/* Equal but for the case of ASCII letters. */
bool
feed_is(struct feed_text text, const char *word);
/* `word` stands somewhere in the text, whatever the case. */
bool
feed_contains(struct feed_text text, const char *word);
struct feed_text
feed_from(struct feed_text text, size_t offset);
/* Offset of `c`, or text.length. */
size_t
feed_find(struct feed_text text, char c);
/* Without one pair of double quotes around it. */
struct feed_text
feed_unquote(struct feed_text text);

/*
 * Seconds since 1970 from a time as feeds write it (also 2026/11/21, 20261121, and seconds of nine
 * digits or more); 0 = cannot be read.
 */
uint64_t
feed_time(struct feed_text text);

#endif
