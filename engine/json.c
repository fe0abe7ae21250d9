/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"

#define DOUBLE_BYTES 344 /* -DBL_MAX in full, a point and nine digits */

void
json_fini(struct json_writer *json)
{
	free(json->bytes);
	*json = (struct json_writer){ 0 };
}

void
json_clear(struct json_writer *json)
{
	*json = (struct json_writer){ .bytes = json->bytes, .capacity = json->capacity };
}

static void
put(struct json_writer *json, const char *bytes, size_t length)
{
	size_t need = json->length + length;
	char *grown;

	if (json->status != STATUS_OK)
		return;
	if (need > json->capacity) {
		grown = realloc(json->bytes, need * 2);
		if (!grown) {
			json->status = STATUS_NO_MEMORY;
			return;
		}
		json->bytes = grown;
		json->capacity = need * 2;
	}
	if (length)
		memcpy(json->bytes + json->length, bytes, length);
	json->length = need;
}

/* The comma before a value or a member's name. */
static void
separate(struct json_writer *json)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	if (json->depth > 0 && json->filled[json->depth])
		put(json, ",", 1);
	json->filled[json->depth] = true;
}

static void
value_begin(struct json_writer *json)
{
	if (json->status != STATUS_OK)
		return;
	assert(json->after_key || json->depth == 0 || json->open[json->depth - 1] == '[');
	separate(json);
}

static void
begin(struct json_writer *json, char bracket)
{
	value_begin(json);
	if (json->status == STATUS_OK && json->depth == JSON_DEPTH)
		json->status = STATUS_LIMIT;
	if (json->status != STATUS_OK)
		return;
	put(json, &bracket, 1);
	json->open[json->depth++] = bracket;
	json->filled[json->depth] = false;
}

static void
end(struct json_writer *json, char bracket, char closing)
{
	if (json->status != STATUS_OK)
		return;
	assert(json->depth > 0 && json->open[json->depth - 1] == bracket && !json->after_key);
	json->depth--;
	put(json, &closing, 1);
}

void
json_object_begin(struct json_writer *json)
{
	begin(json, '{');
}

void
json_object_end(struct json_writer *json)
{
	end(json, '{', '}');
}

void
json_array_begin(struct json_writer *json)
{
	begin(json, '[');
}

void
json_array_end(struct json_writer *json)
{
	end(json, '[', ']');
}

/* U+2028 and U+2029 too: some readers take them for line ends. */
static bool
code_is_escaped(uint32_t code)
{
	return code < 0x20 || code == '"' || code == '\\' || (code >= 0x7F && code <= 0x9F) ||
	       code == 0x2028 || code == 0x2029;
}

/* Most of what is written: one comparison of each byte, no decoding. */
static bool
byte_is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

static void
put_escape(struct json_writer *json, uint32_t code)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char text[8];

	for (size_t i = 0; i + 1 < sizeof(shorts); i += 2) {
		if ((unsigned char)shorts[i] == code) {
			text[0] = '\\';
			text[1] = shorts[i + 1];
			put(json, text, 2);
			return;
		}
	}
	put(json, text, (size_t)snprintf(text, sizeof(text), "\\u%04x", (unsigned)code & 0xFFFF));
}

static void
put_quoted(struct json_writer *json, const char *bytes, size_t length)
{
	size_t start = 0, step;
	uint32_t code;

	put(json, "\"", 1);
	/* Runs of what needs no change are copied at once. */
	for (size_t i = 0; i < length; i += step) {
		if (byte_is_plain((unsigned char)bytes[i])) {
			step = 1;
			continue;
		}
		step = text_utf8_next(bytes + i, length - i, &code);
		if (step > 0 && !code_is_escaped(code))
			continue;
		put(json, bytes + start, i - start);
		if (step > 0) {
			put_escape(json, code);
		} else {
			put(json, "\xEF\xBF\xBD", 3);
			step = 1;
		}
		start = i + step;
	}
	put(json, bytes + start, length - start);
	put(json, "\"", 1);
}

void
json_key_bytes(struct json_writer *json, const char *name, size_t length)
{
	if (json->status != STATUS_OK)
		return;
	assert(json->depth > 0 && json->open[json->depth - 1] == '{' && !json->after_key);
	separate(json);
	put_quoted(json, name, length);
	put(json, ":", 1);
	json->after_key = true;
}

void
json_key(struct json_writer *json, const char *name)
{
	json_key_bytes(json, name, strlen(name));
}

void
json_string(struct json_writer *json, const char *bytes, size_t length)
{
	value_begin(json);
	put_quoted(json, bytes, length);
}

static void
put_word(struct json_writer *json, const char *word)
{
	value_begin(json);
	put(json, word, strlen(word));
}

void
json_text(struct json_writer *json, const char *text)
{
	if (text)
		json_string(json, text, strlen(text));
	else
		put_word(json, "null");
}

void
json_u64(struct json_writer *json, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	put_word(json, text);
}

void
json_i64(struct json_writer *json, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, number);
	put_word(json, text);
}

void
json_double(struct json_writer *json, double number, unsigned digits)
{
	char text[DOUBLE_BYTES];
	char *point;

	if (!isfinite(number)) {
		put_word(json, "null");
		return;
	}
	snprintf(text, sizeof(text), "%.*f", digits > 9 ? 9 : (int)digits, number);
	point = text + strspn(text, "-0123456789");
	/* A locale's point may take several bytes. */
	if (*point) {
		size_t rest = strcspn(point, "0123456789");
		memmove(point + 1, point + rest, strlen(point + rest) + 1);
		*point = '.';
	}
	put_word(json, text);
}

void
json_bool(struct json_writer *json, bool value)
{
	put_word(json, value ? "true" : "false");
}

void
json_null(struct json_writer *json)
{
	put_word(json, "null");
}

void
json_line(struct json_writer *json)
{
	if (json->status != STATUS_OK)
		return;
	assert(json->depth == 0);
	put(json, "\n", 1);
}

enum status
json_status(const struct json_writer *json)
{
	return json->status;
}

const char *
json_bytes(const struct json_writer *json, size_t *length)
{
	*length = json->status == STATUS_OK ? json->length : 0;
	return json->bytes ? json->bytes : "";
}

enum status
json_flush(struct json_writer *json, FILE *file)
{
	size_t length = json->length;

	if (json->status != STATUS_OK)
		return json->status;
	json->length = 0;
	if (length && fwrite(json->bytes, 1, length, file) != length)
		return STATUS_IO;
	return STATUS_OK;
}
