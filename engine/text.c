/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/text.h"

#include <string.h>

/* RFC 3629, section 4: the table of well-formed sequences, by the lead byte. */
static const struct lead {
	uint8_t first, last;   /* lead bytes */
	uint8_t bytes;
	uint8_t low, high;     /* what the second byte may be */
} leads[] = {
	{ 0xC2, 0xDF, 2, 0x80, 0xBF }, { 0xE0, 0xE0, 3, 0xA0, 0xBF },
	{ 0xE1, 0xEC, 3, 0x80, 0xBF }, { 0xED, 0xED, 3, 0x80, 0x9F },
	{ 0xEE, 0xEF, 3, 0x80, 0xBF }, { 0xF0, 0xF0, 4, 0x90, 0xBF },
	{ 0xF1, 0xF3, 4, 0x80, 0xBF }, { 0xF4, 0xF4, 4, 0x80, 0x8F },
};

static const struct lead *
lead_find(uint8_t byte)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		if (byte >= leads[i].first && byte <= leads[i].last)
			return &leads[i];
	}
	return NULL;
}

size_t
text_utf8_next(const char *bytes, size_t length, uint32_t *code)
{
	const uint8_t *at = (const uint8_t *)bytes;
	const struct lead *lead;

	if (at[0] < 0x80) {
		*code = at[0];
		return 1;
	}
	lead = lead_find(at[0]);
	if (!lead || length < lead->bytes || at[1] < lead->low || at[1] > lead->high)
		return 0;
	*code = (uint32_t)(at[0] & (0x7F >> lead->bytes)) << 6 | (at[1] & 0x3F);
	for (size_t i = 2; i < lead->bytes; i++) {
		if ((at[i] & 0xC0) != 0x80)
			return 0;
		*code = *code << 6 | (at[i] & 0x3F);
	}
	return lead->bytes;
}

static bool
code_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7F && code <= 0x9F);
}

static bool
text_check(const char *bytes, size_t length, bool controls)
{
	uint32_t code;
	size_t step;

	for (size_t i = 0; i < length; i += step) {
		step = text_utf8_next(bytes + i, length - i, &code);
		if (step == 0 || (!controls && code_is_control(code)))
			return false;
	}
	return true;
}

bool
text_is_utf8(const char *bytes, size_t length)
{
	return text_check(bytes, length, true);
}

bool
text_is_plain(const char *bytes, size_t length)
{
	return text_check(bytes, length, false);
}

char
text_fold(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

static int
length_compare(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

int
text_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t common = a_length < b_length ? a_length : b_length;
	int order = common ? memcmp(a, b, common) : 0;

	return order ? order : length_compare(a_length, b_length);
}

int
text_compare_folded(const char *a, size_t a_length, const char *b, size_t b_length)
{
	for (size_t i = 0; i < a_length && i < b_length; i++) {
		unsigned char left = (unsigned char)text_fold(a[i]);
		unsigned char right = (unsigned char)text_fold(b[i]);
		if (left != right)
			return left < right ? -1 : 1;
	}
	return length_compare(a_length, b_length);
}

bool
text_is_word(const char *text, size_t length, const char *word)
{
	return text_compare_folded(text, length, word, strlen(word)) == 0;
}
