/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON writer for NDJSON output: into a buffer that grows, one value after
 * the other, commas by itself. It only writes; reading is loader/json_gate.h.
 *
 *   struct json_writer json = { 0 };
 *   json_object_begin(&json);
 *   json_key(&json, "listed"); json_bool(&json, true);
 *   json_object_end(&json);
 *   json_line(&json);                        end of one NDJSON line
 *   status = json_flush(&json, stdout);      and empty the buffer
 *   json_fini(&json);
 *
 * A failure (no memory, or nesting past JSON_DEPTH) is latched: every later
 * call does nothing, json_status() and json_flush() tell. Wrong order of
 * calls (a value where a name is due) is our own broken promise: assert.
 * Output is UTF-8: bytes that are not become U+FFFD, one for each. Not
 * thread-safe; use one writer per thread.
 */
#ifndef ENGINE_JSON_H
#define ENGINE_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/status.h"

#define JSON_DEPTH 32

/* All zero = empty and valid. Fields are private to json.c. */
struct json_writer {
	char *bytes;
	size_t length, capacity;
	enum status status;
	unsigned depth;
	bool after_key;
	char open[JSON_DEPTH];  /* '{' or '[' */
	bool filled[JSON_DEPTH + 1];
};

void
json_fini(struct json_writer *json);
/* Forget the text and a latched failure; keep the memory. */
void
json_clear(struct json_writer *json);

void
json_object_begin(struct json_writer *json);
void
json_object_end(struct json_writer *json);
void
json_array_begin(struct json_writer *json);
void
json_array_end(struct json_writer *json);

/* A member's name; the next call gives its value. */
void
json_key(struct json_writer *json, const char *name);
void
json_key_bytes(struct json_writer *json, const char *name, size_t length);

void
json_string(struct json_writer *json, const char *bytes, size_t length);
/* NUL-terminated; NULL writes null. */
void
json_text(struct json_writer *json, const char *text);
void
json_u64(struct json_writer *json, uint64_t number);
void
json_i64(struct json_writer *json, int64_t number);
/* Always `digits` (0..9) after the point, a point whatever the locale; NaN and infinities: null. */
void
json_double(struct json_writer *json, double number, unsigned digits);
void
json_bool(struct json_writer *json, bool value);
void
json_null(struct json_writer *json);

/* End a line; every object and array is closed. */
void
json_line(struct json_writer *json);

enum status
json_status(const struct json_writer *json);

/* The text so far, borrowed until the next call. Not NUL-terminated. */
const char *
json_bytes(const struct json_writer *json, size_t *length);

/*
 * Write it out and empty the buffer (not fflush). io if the file refuses,
 * or the latched failure, and then nothing was written.
 */
enum status
json_flush(struct json_writer *json, FILE *file);

#endif
