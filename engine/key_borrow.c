/* SPDX-License-Identifier: Apache-2.0 */
/* Keys over canonical text that stands in a file. */
#include <string.h>

#include "engine/key.h"

static unsigned
pattern_marks(const char *text, size_t length)
{
	unsigned marks = 0;
	if (length >= KEY_PATTERN_BYTES && memcmp(text, "\\*", KEY_PATTERN_BYTES) == 0)
		marks |= KEY_PATTERN_OPEN_START;
	if (length >= KEY_PATTERN_BYTES &&
	    memcmp(text + length - KEY_PATTERN_BYTES, "\\*", KEY_PATTERN_BYTES) == 0)
		marks |= KEY_PATTERN_OPEN_END;
	if (marks == (KEY_PATTERN_OPEN_START | KEY_PATTERN_OPEN_END) &&
	    length < 2 * KEY_PATTERN_BYTES)
		marks = KEY_PATTERN_OPEN_START;
	return marks;
}

/* scheme://host/...: false if there is no such shape. */
static bool
find_host(struct key *key, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length < 8 ? length : 8);
	size_t offset = colon == NULL ? length : (size_t)(colon - text) + 3;
	if (offset >= length || memcmp(colon, "://", 3) != 0)
		return false;
	const char *slash = memchr(text + offset, '/', length - offset);
	if (slash == NULL)
		return false;
	key->host_offset = (uint16_t)offset;
	key->host_length = (uint16_t)((size_t)(slash - text) - offset);
	return true;
}

bool
key_borrow_text(struct key *key, enum kind kind, const char *text, size_t length)
{
	key_start(key, kind, 0);
	key->borrowed = 1;
	key->text_borrowed = text;
	key->length = (uint32_t)length;
	if (kind != KIND_URL)
		return true;
	key->pattern = (uint8_t)pattern_marks(text, length);
	return key->pattern != 0 || find_host(key, text, length);
}
