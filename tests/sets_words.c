/* SPDX-License-Identifier: Apache-2.0 */
/* What the numbers in random claims mean: names of sources, canonical tag strings. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sets.h"

static const char *const names[8] = { "feed-a", "Feed-A", "user", "z", "h\xc3\xa9", "a feed with blanks",
				      "0", "feed-aa" };

const char *
set_source_name(uint32_t source)
{
	static char text[SETS_SOURCES][24];

	assert(source < SETS_SOURCES);
	if (source < 8)
		return names[source];
	snprintf(text[source], sizeof(text[source]), "source-%02u", source);
	return text[source];
}

/* engine/tag.h: type, name length, name, count, (length, bytes)*; types 0 text .. 4 number. */
#define SEVERITY "\x01\x08Severity"
#define NUMBER "\x04\x0aList Count\x01"
#define YES "\x03\x06listed\x01\x03yes"
#define FAMILY "\x00\x0eMalware Family\x01"
#define SEEN "\x02\x04seen\x01\x14" "2026-11-21T10:00:00Z"

static const struct string {
	const char *bytes;
	size_t length;
} strings[2][SETS_TAGS] = {
#define STRING(text) { text, sizeof(text) - 1 }
	{ STRING(""), STRING(SEVERITY "\x01\x04High"), STRING(SEVERITY "\x01\x03Low"),
	  STRING(SEVERITY "\x02\x04High\x03Low"), STRING(NUMBER "\x01" "7"),
	  STRING(NUMBER "\x02" "70"), STRING(NUMBER "\x01" "7" SEVERITY "\x01\x04High"),
	  STRING(YES), STRING(SEVERITY "\x01\x04High" YES), STRING(SEVERITY "\x01\x03Low" YES),
	  STRING(NUMBER "\x01" "8" YES), STRING(NUMBER "\x06" "100000") },
	{ STRING(""), STRING(FAMILY "\x01" "a"), STRING(FAMILY "\x01" "b"), STRING(FAMILY "\x02" "ab"),
	  STRING(SEEN), STRING(FAMILY "\x01" "a" SEEN), STRING(FAMILY "\x01" "b" SEEN),
	  STRING(FAMILY "\x06" "Emotet"), STRING(FAMILY "\x06" "Qakbot"),
	  STRING(FAMILY "\x07" "Emotet2"), STRING(FAMILY "\x03" "\xc3\xa9" "x"),
	  STRING(FAMILY "\x05" "a b c") },
};

const uint8_t *
set_tags(uint32_t number, bool notes, size_t *length)
{
	assert(number < SETS_TAGS);
	*length = strings[notes][number].length;
	return (const uint8_t *)strings[notes][number].bytes;
}

void
set_print_claim(const struct model_claim *claim)
{
	static const char *const kinds[MODEL_KINDS] = { "ipv4", "ipv6", "domain", "url", "sha1",
							"sha256" };
	static const char *const scopes[4] = { "?", "exact", "below", "tree" };

	fprintf(stderr, "  %-6s %-5s source %-2u set %-2u notes %-2u now%+" PRId64 " seen %" PRIu64
		"..%" PRIu64 "  %.*s\n", kinds[claim->key.kind], scopes[claim->scope & 3],
		claim->source, claim->set, claim->notes, (int64_t)(claim->expires - SETS_NOW),
		claim->first_seen, claim->last_seen, (int)claim->key.length, claim->key.text);
}
