/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/json_gate.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"

#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

struct scan {
	const char *text;
	size_t length;
	size_t at;
	struct json_gate_limits limits;
	unsigned depth;
	size_t values;
	enum status status; /* the first failure; `wrong` says what */
	const char *wrong;
};

static bool
scan_value(struct scan *scan);

static bool
refuse(struct scan *scan, const char *wrong)
{
	scan->status = STATUS_FORMAT;
	scan->wrong = wrong;
	return false;
}

static bool
limit(struct scan *scan, const char *wrong)
{
	scan->status = STATUS_LIMIT;
	scan->wrong = wrong;
	return false;
}

/* '\0' at the end; no text that passes has one inside. */
static char
peek(const struct scan *scan)
{
	return scan->at < scan->length ? scan->text[scan->at] : '\0';
}

static bool
take(struct scan *scan, char wanted)
{
	if (peek(scan) != wanted || wanted == '\0')
		return false;
	scan->at++;
	return true;
}

static void
skip_blanks(struct scan *scan)
{
	while (peek(scan) == ' ' || peek(scan) == '\t' || peek(scan) == '\n' || peek(scan) == '\r')
		scan->at++;
}

static bool
take_digits(struct scan *scan)
{
	size_t start = scan->at;

	while (peek(scan) >= '0' && peek(scan) <= '9')
		scan->at++;
	return scan->at > start;
}

static bool
scan_number(struct scan *scan)
{
	size_t start = scan->at;
	char literal[JSON_GATE_NUMBER_BYTES + 1];

	take(scan, '-');
	if (!take(scan, '0') && !take_digits(scan))
		return refuse(scan, "expected a digit");
	if (take(scan, '.') && !take_digits(scan))
		return refuse(scan, "expected a digit after the point");
	if (take(scan, 'e') || take(scan, 'E')) {
		if (!take(scan, '+'))
			take(scan, '-');
		if (!take_digits(scan))
			return refuse(scan, "expected a digit of the exponent");
	}
	if (scan->at - start > JSON_GATE_NUMBER_BYTES)
		return limit(scan, "a number with too many digits");
	memcpy(literal, scan->text + start, scan->at - start);
	literal[scan->at - start] = '\0';
	/* Where a locale has another point, strtod stops early; tree_check() looks again. */
	if (!isfinite(strtod(literal, NULL)))
		return refuse(scan, "a number too large to hold");
	return true;
}

/* Four hex digits after \u. */
static bool
take_hex(struct scan *scan, uint32_t *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++) {
		char digit = text_fold(peek(scan));
		if (digit >= '0' && digit <= '9')
			*code = *code << 4 | (uint32_t)(digit - '0');
		else if (digit >= 'a' && digit <= 'f')
			*code = *code << 4 | (uint32_t)(digit - 'a' + 10);
		else
			return refuse(scan, "expected four hex digits after \\u");
		scan->at++;
	}
	return true;
}

static bool
scan_unicode(struct scan *scan)
{
	uint32_t code, low;

	if (!take_hex(scan, &code))
		return false;
	if (code == 0)
		return refuse(scan, "\\u0000 is not allowed in a string");
	if (code >= 0xDC00 && code <= 0xDFFF)
		return refuse(scan, "a lone surrogate is not allowed in a string");
	if (code < 0xD800 || code > 0xDBFF)
		return true;
	if (!take(scan, '\\') || !take(scan, 'u'))
		return refuse(scan, "a lone surrogate is not allowed in a string");
	if (!take_hex(scan, &low))
		return false;
	if (low < 0xDC00 || low > 0xDFFF)
		return refuse(scan, "a lone surrogate is not allowed in a string");
	return true;
}

static bool
scan_escape(struct scan *scan)
{
	char letter = peek(scan);

	if (take(scan, 'u'))
		return scan_unicode(scan);
	if (letter == '\0' || !strchr("\"\\/bfnrt", letter))
		return refuse(scan, "an unknown escape in a string");
	scan->at++;
	return true;
}

/* The text was checked to be UTF-8 before. */
static bool
scan_string(struct scan *scan)
{
	if (!take(scan, '"'))
		return refuse(scan, "expected a string in double quotes");
	while (scan->at < scan->length) {
		if (take(scan, '"'))
			return true;
		if (take(scan, '\\')) {
			if (!scan_escape(scan))
				return false;
			continue;
		}
		if ((unsigned char)scan->text[scan->at] < 0x20)
			return refuse(scan, "a control character in a string");
		scan->at++;
	}
	return refuse(scan, "the text ends inside a string");
}

static bool
scan_member(struct scan *scan)
{
	skip_blanks(scan);
	if (!scan_string(scan))
		return false;
	skip_blanks(scan);
	if (!take(scan, ':'))
		return refuse(scan, "expected : after a member's name");
	return scan_value(scan);
}

/* After the opening bracket. */
static bool
scan_items(struct scan *scan, char closing)
{
	skip_blanks(scan);
	if (take(scan, closing))
		return true;
	do {
		if (!(closing == '}' ? scan_member(scan) : scan_value(scan)))
			return false;
		skip_blanks(scan);
	} while (take(scan, ','));
	if (!take(scan, closing))
		return refuse(scan, closing == '}' ? "expected , or }" : "expected , or ]");
	return true;
}

static bool
scan_nested(struct scan *scan, char closing)
{
	bool good;

	if (scan->depth >= scan->limits.depth)
		return limit(scan, "nested too deep");
	scan->at++;
	scan->depth++;
	good = scan_items(scan, closing);
	scan->depth--;
	return good;
}

static bool
scan_word(struct scan *scan)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i]);
		if (scan->length - scan->at >= length &&
		    memcmp(scan->text + scan->at, words[i], length) == 0) {
			scan->at += length;
			return true;
		}
	}
	return refuse(scan, scan->at == scan->length ? "the text ends where a value is due"
						     : "expected a value");
}

static bool
scan_value(struct scan *scan)
{
	char first;

	skip_blanks(scan);
	if (scan->values++ >= scan->limits.values)
		return limit(scan, "too many values");
	first = peek(scan);
	if (first == '{')
		return scan_nested(scan, '}');
	if (first == '[')
		return scan_nested(scan, ']');
	if (first == '"')
		return scan_string(scan);
	if (first == '-' || (first >= '0' && first <= '9'))
		return scan_number(scan);
	return scan_word(scan);
}

static bool
scan_utf8(struct scan *scan)
{
	uint32_t code;
	size_t step;

	if (scan->length >= 3 && memcmp(scan->text, "\xEF\xBB\xBF", 3) == 0)
		return refuse(scan, "a byte order mark; expected a JSON value at once");
	for (scan->at = 0; scan->at < scan->length; scan->at += step) {
		step = text_utf8_next(scan->text + scan->at, scan->length - scan->at, &code);
		if (step == 0)
			return refuse(scan, "this byte is not UTF-8");
	}
	scan->at = 0;
	return true;
}

static bool
scan_all(struct scan *scan)
{
	if (scan->length > scan->limits.bytes)
		return limit(scan, "the text is too long");
	if (!scan_utf8(scan) || !scan_value(scan))
		return false;
	skip_blanks(scan);
	return scan->at == scan->length || refuse(scan, "bytes behind the end of the value");
}

static enum status
fault_at(struct fault *fault, const struct scan *scan)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; fault && i < scan->at; i++) {
		unsigned char byte = (unsigned char)scan->text[i];
		if (byte == '\n') {
			line++;
			column = 1;
		} else if ((byte & 0xC0) != 0x80) {
			column++;
		}
	}
	return fault_set(fault, scan->status, NULL, scan->at, "line %zu, column %zu: %s", line,
			 column, scan->wrong);
}

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
}

static int
name_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, so that an object of a million members costs no trillion comparisons. */
static enum status
names_check(const cJSON *object, const char **names, struct fault *fault)
{
	size_t count = 0;

	for (const cJSON *member = object->child; member; member = member->next)
		names[count++] = member->string;
	qsort(names, count, sizeof(*names), name_order);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(names[i - 1], names[i]) == 0)
			return fault_set(fault, STATUS_FORMAT, NULL, 0,
					 "the name \"%.64s\" is twice in one object", names[i]);
	}
	return STATUS_OK;
}

/* `names` has room for every value of the text. Depth was checked before. */
static enum status
tree_check(const cJSON *node, const char **names, struct fault *fault)
{
	enum status status = STATUS_OK;

	if (cJSON_IsNumber(node) && !isfinite(node->valuedouble))
		return fault_set(fault, STATUS_FORMAT, NULL, 0, "a number too large to hold");
	if (cJSON_IsObject(node))
		status = names_check(node, names, fault);
	for (const cJSON *child = node->child; child && status == STATUS_OK; child = child->next)
		status = tree_check(child, names, fault);
	return status;
}

static enum status
tree_make(const struct scan *scan, cJSON **tree, struct fault *fault)
{
	/* The scan has seen that it is JSON: what cJSON can fail at is memory. */
	cJSON *made = cJSON_ParseWithLengthOpts(scan->text, scan->length, NULL, 0);
	const char **names = malloc((scan->values + 1) * sizeof(*names));
	enum status status = made && names ? tree_check(made, names, fault) : no_memory(fault);

	free(names);
	if (status == STATUS_OK)
		*tree = made;
	else
		cJSON_Delete(made);
	return status;
}

enum status
json_gate_parse(const char *bytes, size_t length, const struct json_gate_limits *limits,
		struct cJSON **tree, struct fault *fault)
{
	struct scan scan = { .text = bytes, .length = length };

	if (limits)
		scan.limits = *limits;
	if (scan.limits.bytes == 0)
		scan.limits.bytes = JSON_GATE_BYTES;
	if (scan.limits.values == 0)
		scan.limits.values = JSON_GATE_VALUES;
	if (scan.limits.depth == 0 || scan.limits.depth > JSON_GATE_DEPTH)
		scan.limits.depth = JSON_GATE_DEPTH;
	if (!scan_all(&scan))
		return fault_at(fault, &scan);
	return tree_make(&scan, tree, fault);
}

void
json_gate_free(struct cJSON *tree)
{
	cJSON_Delete(tree);
}

enum json_gate_type
json_gate_type(const struct cJSON *node)
{
	if (cJSON_IsBool(node))
		return JSON_GATE_BOOL;
	if (cJSON_IsNumber(node))
		return JSON_GATE_NUMBER;
	if (cJSON_IsString(node))
		return JSON_GATE_TEXT;
	if (cJSON_IsArray(node))
		return JSON_GATE_ARRAY;
	return cJSON_IsObject(node) ? JSON_GATE_OBJECT : JSON_GATE_NULL;
}

const struct cJSON *
json_gate_member(const struct cJSON *object, const char *name)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const struct cJSON *
json_gate_first(const struct cJSON *node)
{
	return node ? node->child : NULL;
}

const struct cJSON *
json_gate_next(const struct cJSON *node)
{
	return node ? node->next : NULL;
}

size_t
json_gate_count(const struct cJSON *node)
{
	size_t count = 0;

	for (node = json_gate_first(node); node; node = node->next)
		count++;
	return count;
}

const char *
json_gate_name(const struct cJSON *member)
{
	return member ? member->string : NULL;
}

const char *
json_gate_text(const struct cJSON *node)
{
	return cJSON_GetStringValue(node);
}

bool
json_gate_double(const struct cJSON *node, double *number)
{
	if (!cJSON_IsNumber(node))
		return false;
	*number = node->valuedouble;
	return true;
}

bool
json_gate_i64(const struct cJSON *node, int64_t *number)
{
	double value;

	if (!json_gate_double(node, &value) || value <= -WHOLE_MAX || value >= WHOLE_MAX ||
	    value != trunc(value))
		return false;
	*number = (int64_t)value;
	return true;
}

bool
json_gate_bool(const struct cJSON *node, bool *value)
{
	if (!cJSON_IsBool(node))
		return false;
	*value = cJSON_IsTrue(node);
	return true;
}
