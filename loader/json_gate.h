/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict gate in front of cJSON: what services and files send us becomes a
 * tree only if it is exactly one JSON text (RFC 8259) that every reader would
 * understand alike.
 *
 *   json_gate_parse -> json_gate_member, _first, _next, _text ... -> json_gate_free
 *
 * Refused, beyond what the grammar refuses: bytes that are not UTF-8, a byte
 * order mark, lone surrogates (\uD800), \u0000, two members of one name in an
 * object (compared after escapes), anything behind the value, numbers that a
 * double cannot hold or of more than JSON_GATE_NUMBER_BYTES, and whatever
 * crosses a limit. Only after that does cJSON see the bytes.
 *
 * This is the only file of loader/ that includes cJSON.h: others keep the
 * pointers and ask here. Nodes and texts are borrowed until json_gate_free.
 * A tree is not changed after parsing, so many threads may read it.
 */
#ifndef LOADER_JSON_GATE_H
#define LOADER_JSON_GATE_H

#include <stdbool.h>

#include "engine/status.h"

#define JSON_GATE_BYTES (32u * 1024 * 1024)
#define JSON_GATE_VALUES (1024u * 1024)   /* bounds memory: about 100 bytes each */
#define JSON_GATE_DEPTH 64u
#define JSON_GATE_NUMBER_BYTES 60u        /* cJSON cuts a literal at 63 without a word */

struct cJSON;

/* 0 means the default above; depth cannot be more than JSON_GATE_DEPTH. */
struct json_gate_limits {
	size_t bytes;
	size_t values;
	unsigned depth;
};

/*
 * `limits` may be NULL. Status: format (not JSON, or not as strict), limit or
 * no-memory; the fault says "line L, column C: ...", its offset is the byte.
 */
enum status
json_gate_parse(const char *bytes, size_t length, const struct json_gate_limits *limits,
		struct cJSON **tree, struct fault *fault);
/* The whole tree. NULL is welcome. */
void
json_gate_free(struct cJSON *tree);

enum json_gate_type {
	JSON_GATE_NULL,
	JSON_GATE_BOOL,
	JSON_GATE_NUMBER,
	JSON_GATE_TEXT,
	JSON_GATE_ARRAY,
	JSON_GATE_OBJECT
};

/* Every call below takes NULL for a node ("not there") and then says no. NULL is JSON_GATE_NULL. */
enum json_gate_type
json_gate_type(const struct cJSON *node);

/* The member of an object, letter case counts; NULL if there is none or it is no object. */
const struct cJSON *
json_gate_member(const struct cJSON *object, const char *name);

/* Elements of an array or members of an object, in order. */
const struct cJSON *
json_gate_first(const struct cJSON *node);
const struct cJSON *
json_gate_next(const struct cJSON *node);
size_t
json_gate_count(const struct cJSON *node);

/* A member's own name; NULL for elements. */
const char *
json_gate_name(const struct cJSON *member);

/* UTF-8 without NUL inside; NULL if the node is no string. */
const char *
json_gate_text(const struct cJSON *node);

/* False unless it is a whole number of less than 2^53 in size, so that no bit was lost. */
bool
json_gate_i64(const struct cJSON *node, int64_t *number);
bool
json_gate_double(const struct cJSON *node, double *number);
bool
json_gate_bool(const struct cJSON *node, bool *value);

#endif
