/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical text of criteria. */
#include <stdlib.h>
#include <string.h>

#include "query/criteria_tree.h"

/* Counts when `text` is NULL. */
struct out {
	char *text;
	size_t length;
};

static const char *const op_words[] = {
	[CRITERIA_EQUAL] = " = ",        [CRITERIA_DIFFER] = " != ",
	[CRITERIA_LESS] = " < ",         [CRITERIA_LESS_EQUAL] = " <= ",
	[CRITERIA_MORE] = " > ",         [CRITERIA_MORE_EQUAL] = " >= ",
	[CRITERIA_IN] = " in (",         [CRITERIA_MISSING] = " is missing",
	[CRITERIA_PRESENT] = " is present", [CRITERIA_NOT] = "not ",
	[CRITERIA_AND] = " and ",        [CRITERIA_OR] = " or ",
};

static void
put(struct out *out, const char *bytes, size_t length)
{
	if (out->text && length)
		memcpy(out->text + out->length, bytes, length);
	out->length += length;
}

static void
put_word(struct out *out, const char *word)
{
	put(out, word, strlen(word));
}

static bool
is_bare(const char *bytes, size_t length)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "_.:/@+-";

	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\0' || !strchr(good, bytes[i]))
			return false;
	}
	return !criteria_is_keyword(bytes, length);
}

static void
put_quotable(struct out *out, const char *bytes, size_t length)
{
	if (is_bare(bytes, length)) {
		put(out, bytes, length);
		return;
	}
	put(out, "\"", 1);
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '"' || bytes[i] == '\\')
			put(out, "\\", 1);
		put(out, bytes + i, 1);
	}
	put(out, "\"", 1);
}

static void
put_comparison(struct out *out, const struct criteria *criteria, const struct criteria_node *node)
{
	const struct criteria_slot *slot = &criteria->slots[node->slot];

	put_quotable(out, slot->name, slot->name_length);
	put_word(out, op_words[node->op]);
	for (size_t i = 0; i < node->value_count; i++) {
		const struct criteria_value *value = &criteria->values[node->value_first + i];
		if (i > 0)
			put_word(out, ", ");
		put_quotable(out, value->bytes, value->length);
	}
	if (node->op == CRITERIA_IN)
		put(out, ")", 1);
}

static void
put_node(struct out *out, const struct criteria *criteria, uint32_t index);

/* Parentheses where the child binds looser than its parent: `or` below `and`, both below `not`. */
static void
put_child(struct out *out, const struct criteria *criteria, enum criteria_op parent, uint32_t index)
{
	enum criteria_op op = (enum criteria_op)criteria->nodes[index].op;
	bool looser = (op == CRITERIA_OR && parent != CRITERIA_OR) ||
		      (op == CRITERIA_AND && parent == CRITERIA_NOT);

	if (looser)
		put(out, "(", 1);
	put_node(out, criteria, index);
	if (looser)
		put(out, ")", 1);
}

static void
put_node(struct out *out, const struct criteria *criteria, uint32_t index)
{
	const struct criteria_node *node = &criteria->nodes[index];
	enum criteria_op op = (enum criteria_op)node->op;

	if (op <= CRITERIA_PRESENT) {
		put_comparison(out, criteria, node);
		return;
	}
	if (op == CRITERIA_NOT)
		put_word(out, op_words[op]);
	for (uint32_t child = node->first; child != CRITERIA_NONE;
	     child = criteria->nodes[child].next) {
		if (child != node->first)
			put_word(out, op_words[op]);
		put_child(out, criteria, op, child);
	}
}

size_t
criteria_print_to(const struct criteria *criteria, char *text)
{
	struct out out = { .text = text };

	put_node(&out, criteria, criteria->root);
	return out.length;
}

enum status
criteria_print(const struct criteria *criteria, char **text, size_t *length, struct fault *fault)
{
	size_t need = criteria_print_to(criteria, NULL);
	char *bytes = malloc(need + 1);

	if (!bytes)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	criteria_print_to(criteria, bytes);
	bytes[need] = '\0';
	*text = bytes;
	*length = need;
	return STATUS_OK;
}
