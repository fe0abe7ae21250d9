/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes through the JSON gate; what passes is written again by our writer
 * and must pass a second time.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/json.h"
#include "loader/json_gate.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
write_value(struct json_writer *json, const struct cJSON *node);

static void
write_items(struct json_writer *json, const struct cJSON *node)
{
	for (node = json_gate_first(node); node; node = json_gate_next(node)) {
		if (json_gate_name(node))
			json_key(json, json_gate_name(node));
		write_value(json, node);
	}
}

static void
write_value(struct json_writer *json, const struct cJSON *node)
{
	enum json_gate_type type = json_gate_type(node);
	int64_t number = 0;
	bool value = false;

	if (type == JSON_GATE_OBJECT) {
		json_object_begin(json);
		write_items(json, node);
		json_object_end(json);
	} else if (type == JSON_GATE_ARRAY) {
		json_array_begin(json);
		write_items(json, node);
		json_array_end(json);
	} else if (type == JSON_GATE_TEXT) {
		json_text(json, json_gate_text(node));
	} else if (json_gate_bool(node, &value)) {
		json_bool(json, value);
	} else if (json_gate_i64(node, &number)) {
		json_i64(json, number);
	} else {
		json_null(json);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct json_gate_limits limits = { .depth = JSON_DEPTH };
	struct json_writer json = { 0 };
	struct cJSON *tree, *again;

	if (length == 0 ||
	    json_gate_parse((const char *)bytes, length, &limits, &tree, NULL) != STATUS_OK)
		return 0;
	write_value(&json, tree);
	if (json_status(&json) == STATUS_OK) {
		const char *text = json_bytes(&json, &length);
		if (json_gate_parse(text, length, &limits, &again, NULL) != STATUS_OK)
			abort();
		json_gate_free(again);
	}
	json_fini(&json);
	json_gate_free(tree);
	return 0;
}
