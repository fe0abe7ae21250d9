/* SPDX-License-Identifier: Apache-2.0 */
/* Text to tree, one function a rule of the grammar in criteria.h. */
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"
#include "query/criteria_token.h"
#include "query/criteria_tree.h"

#define FOUND_BYTES 40 /* of an unexpected token, in the fault */

_Static_assert((int)TOKEN_MORE_EQUAL == (int)CRITERIA_MORE_EQUAL, "same order");
_Static_assert(CRITERIA_CATEGORIES <= UINT8_MAX, "a slot is one byte");
_Static_assert(CRITERIA_VALUES <= UINT16_MAX, "a value count is two bytes");

struct parser {
	struct tokens tokens;
	struct token token; /* the one looked at */
	const struct catalog *catalog;
	struct criteria *tree;
	unsigned depth;
};

typedef enum status parse_rule(struct parser *parser, uint32_t *index);

static parse_rule parse_or;

static enum status
no_memory(struct parser *parser)
{
	return fault_set(parser->tokens.fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
}

static enum status
advance(struct parser *parser)
{
	return token_next(&parser->tokens, &parser->token);
}

static enum status
unexpected(struct parser *parser, const char *expected)
{
	const struct token *token = &parser->token;
	const char *found = parser->tokens.text + token->offset;
	size_t length = token->span;

	if (token->kind == TOKEN_END)
		return token_refuse(&parser->tokens, STATUS_CRITERIA, token->offset,
				    "the text ends too early; expected %s", expected);
	if (length > FOUND_BYTES) {
		length = FOUND_BYTES;
		while (((unsigned char)found[length] & 0xC0) == 0x80)
			length--;
	}
	return token_refuse(&parser->tokens, STATUS_CRITERIA, token->offset,
			    "found %.*s; expected %s", (int)length, found, expected);
}

static enum status
too_many(struct parser *parser, const char *what, unsigned most)
{
	return token_refuse(&parser->tokens, STATUS_LIMIT, parser->token.offset,
			    "too many %s; at most %u are allowed", what, most);
}

/* Room for one more element; false if out of memory. */
static bool
grow(void **array, size_t count, size_t *capacity, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : 8;
	void *grown;

	if (count < *capacity)
		return true;
	grown = realloc(*array, wanted * size);
	if (!grown)
		return false;
	*array = grown;
	*capacity = wanted;
	return true;
}

static enum status
node_add(struct parser *parser, struct criteria_node node, uint32_t *index)
{
	struct criteria *tree = parser->tree;
	void *nodes = tree->nodes;

	if (tree->node_count >= CRITERIA_NODES)
		return too_many(parser, "comparisons and operators", CRITERIA_NODES);
	if (!grow(&nodes, tree->node_count, &tree->node_capacity, sizeof(node)))
		return no_memory(parser);
	tree->nodes = nodes;
	tree->nodes[tree->node_count] = node;
	*index = (uint32_t)tree->node_count++;
	return STATUS_OK;
}

static enum status
bytes_add(struct parser *parser, const char *bytes, size_t length, uint32_t *offset)
{
	struct criteria *tree = parser->tree;
	size_t need = tree->bytes_length + length;

	if (need > tree->bytes_capacity) {
		char *grown = realloc(tree->bytes, need * 2);
		if (!grown)
			return no_memory(parser);
		tree->bytes = grown;
		tree->bytes_capacity = need * 2;
	}
	memcpy(tree->bytes + tree->bytes_length, bytes, length);
	*offset = (uint32_t)tree->bytes_length;
	tree->bytes_length = need;
	return STATUS_OK;
}

/* The category of the current word; *pseudo is 1 + its row, or 0. */
static const struct tag_category *
category_find(const struct parser *parser, uint8_t *pseudo)
{
	const struct token *token = &parser->token;
	const struct tag_category *category =
		catalog_category(parser->catalog, token->bytes, token->length);

	*pseudo = 0;
	for (size_t row = 0; !category && row < PSEUDO_COUNT; row++) {
		if (text_is_word(token->bytes, token->length, criteria_pseudo[row].name)) {
			*pseudo = (uint8_t)(row + 1);
			category = &criteria_pseudo[row];
		}
	}
	return category;
}

static enum status
category_unknown(struct parser *parser)
{
	const struct token *token = &parser->token;
	const char *near = catalog_category_near(parser->catalog, token->bytes, token->length);
	int shown = (int)(token->length < FOUND_BYTES ? token->length : FOUND_BYTES);

	return token_refuse(&parser->tokens, STATUS_CRITERIA, token->offset,
			    "no tag category is named \"%.*s\"%s%s%s", shown, token->bytes,
			    near ? "; did you mean \"" : "; expected the name of one",
			    near ? near : "", near ? "\"" : "");
}

static enum status
slot_find(struct parser *parser, const struct tag_category *category, uint8_t pseudo, uint8_t *index)
{
	struct criteria *tree = parser->tree;
	struct criteria_slot *slot = &tree->slots[tree->slot_count];
	size_t length = strlen(category->name);
	enum status status;

	for (size_t i = 0; i < tree->slot_count; i++) {
		if (tree->slots[i].pseudo == pseudo && tree->slots[i].name_length == length &&
		    memcmp(tree->bytes + tree->slots[i].offset, category->name, length) == 0) {
			*index = (uint8_t)i;
			return STATUS_OK;
		}
	}
	if (tree->slot_count >= CRITERIA_CATEGORIES)
		return too_many(parser, "different categories", CRITERIA_CATEGORIES);
	status = bytes_add(parser, category->name, length, &slot->offset);
	if (status != STATUS_OK)
		return status;
	slot->name_length = (uint8_t)length;
	slot->type = (uint8_t)category->type;
	slot->pseudo = pseudo;
	*index = (uint8_t)tree->slot_count++;
	return STATUS_OK;
}

/* The current token as a value of `category`. */
static enum status
parse_value(struct parser *parser, const struct tag_category *category, struct criteria_node *node)
{
	struct criteria *tree = parser->tree;
	struct criteria_value value = { 0 };
	char canonical[LIMIT_TAG_TEXT_BYTES];
	void *values = tree->values;
	struct fault inner;
	enum status status;
	size_t length;

	if (parser->token.kind != TOKEN_WORD)
		return unexpected(parser, "a value (in double quotes if it is a keyword)");
	if (tree->value_count >= CRITERIA_VALUES)
		return too_many(parser, "values", CRITERIA_VALUES);
	if (tag_value_canon(category, parser->token.bytes, parser->token.length, canonical,
			    &length, &inner) != STATUS_OK)
		return token_refuse(&parser->tokens, STATUS_CRITERIA, parser->token.offset, "%s",
				    inner.text);
	if (!grow(&values, tree->value_count, &tree->value_capacity, sizeof(value)))
		return no_memory(parser);
	tree->values = values;
	status = bytes_add(parser, canonical, length, &value.offset);
	if (status != STATUS_OK)
		return status;
	value.length = (uint8_t)length;
	if (category->type == TAG_NUMBER)
		tag_number_parse(canonical, length, &value.number);
	tree->values[tree->value_count++] = value;
	node->value_count++;
	return advance(parser);
}

/* After `in`. */
static enum status
parse_values(struct parser *parser, const struct tag_category *category,
	     struct criteria_node *node)
{
	enum status status;

	if (parser->token.kind != TOKEN_OPEN)
		return unexpected(parser, "( and the values");
	do {
		status = advance(parser);
		if (status == STATUS_OK)
			status = parse_value(parser, category, node);
		if (status != STATUS_OK)
			return status;
	} while (parser->token.kind == TOKEN_COMMA);
	if (parser->token.kind != TOKEN_CLOSE)
		return unexpected(parser, ", or )");
	return advance(parser);
}

/* After `is`. */
static enum status
parse_state(struct parser *parser, struct criteria_node *node)
{
	if (parser->token.kind != TOKEN_MISSING && parser->token.kind != TOKEN_PRESENT)
		return unexpected(parser, "missing or present");
	node->op = parser->token.kind == TOKEN_MISSING ? CRITERIA_MISSING : CRITERIA_PRESENT;
	return advance(parser);
}

static bool
type_has_order(enum tag_type type)
{
	return type == TAG_NUMBER || type == TAG_DATE;
}

/* What stands behind the category. */
static enum status
parse_operator(struct parser *parser, const struct tag_category *category,
	       struct criteria_node *node)
{
	enum token_kind kind = parser->token.kind;
	enum status status;

	if (kind > TOKEN_IS)
		return unexpected(parser, "one of = != < <= > >= in is");
	if (kind >= TOKEN_LESS && kind <= TOKEN_MORE_EQUAL && !type_has_order(category->type))
		return token_refuse(&parser->tokens, STATUS_CRITERIA, parser->token.offset,
				    "%.96s is of type %s, which has no order; expected one of "
				    "= != in is", category->name, tag_type_name(category->type));
	status = advance(parser);
	if (status != STATUS_OK)
		return status;
	if (kind == TOKEN_IS)
		return parse_state(parser, node);
	if (kind == TOKEN_IN) {
		node->op = CRITERIA_IN;
		return parse_values(parser, category, node);
	}
	node->op = (uint8_t)kind;
	return parse_value(parser, category, node);
}

static enum status
parse_comparison(struct parser *parser, uint32_t *index)
{
	struct criteria_node node = {
		.value_first = (uint32_t)parser->tree->value_count,
		.first = CRITERIA_NONE,
		.next = CRITERIA_NONE,
	};
	const struct tag_category *category;
	enum status status;
	uint8_t pseudo;

	if (parser->token.kind != TOKEN_WORD)
		return unexpected(parser, "a category, not, or (");
	category = category_find(parser, &pseudo);
	if (!category)
		return category_unknown(parser);
	status = slot_find(parser, category, pseudo, &node.slot);
	if (status == STATUS_OK)
		status = advance(parser);
	if (status == STATUS_OK)
		status = parse_operator(parser, category, &node);
	if (status == STATUS_OK)
		status = node_add(parser, node, index);
	return status;
}

static enum status
parse_part(struct parser *parser, uint32_t *index);

static enum status
parse_not(struct parser *parser, uint32_t *index)
{
	struct criteria_node node = { .op = CRITERIA_NOT, .next = CRITERIA_NONE };
	enum status status = advance(parser);

	if (status == STATUS_OK)
		status = parse_part(parser, &node.first);
	return status == STATUS_OK ? node_add(parser, node, index) : status;
}

static enum status
parse_group(struct parser *parser, uint32_t *index)
{
	enum status status = advance(parser);

	if (status == STATUS_OK)
		status = parse_or(parser, index);
	if (status != STATUS_OK)
		return status;
	return parser->token.kind == TOKEN_CLOSE ? advance(parser)
						 : unexpected(parser, "and, or, or )");
}

static enum status
parse_part(struct parser *parser, uint32_t *index)
{
	enum token_kind kind = parser->token.kind;
	enum status status;

	if (kind != TOKEN_NOT && kind != TOKEN_OPEN)
		return parse_comparison(parser, index);
	if (parser->depth >= CRITERIA_DEPTH)
		return too_many(parser, "parentheses and nots inside each other", CRITERIA_DEPTH);
	parser->depth++;
	status = kind == TOKEN_NOT ? parse_not(parser, index) : parse_group(parser, index);
	parser->depth--;
	return status;
}

/* Children found so far of an `and` or `or`. */
struct chain {
	uint8_t op;
	uint32_t first, last;
};

/* Append a node, or the children of one of the same kind: (a and b) and c = a and b and c. */
static void
chain_append(struct chain *chain, struct criteria_node *nodes, uint32_t index)
{
	if (nodes[index].op == chain->op)
		index = nodes[index].first;
	if (chain->first == CRITERIA_NONE)
		chain->first = index;
	else
		nodes[chain->last].next = index;
	while (nodes[index].next != CRITERIA_NONE)
		index = nodes[index].next;
	chain->last = index;
}

static enum status
parse_chain(struct parser *parser, enum criteria_op op, enum token_kind joint, parse_rule *rule,
	    uint32_t *index)
{
	struct chain chain = { (uint8_t)op, CRITERIA_NONE, CRITERIA_NONE };
	struct criteria_node node = { .op = (uint8_t)op, .next = CRITERIA_NONE };
	uint32_t part;
	enum status status = rule(parser, &part);

	if (status != STATUS_OK)
		return status;
	if (parser->token.kind != joint) {
		*index = part;
		return STATUS_OK;
	}
	chain_append(&chain, parser->tree->nodes, part);
	while (parser->token.kind == joint) {
		status = advance(parser);
		if (status == STATUS_OK)
			status = rule(parser, &part);
		if (status != STATUS_OK)
			return status;
		chain_append(&chain, parser->tree->nodes, part);
	}
	node.first = chain.first;
	return node_add(parser, node, index);
}

static enum status
parse_and(struct parser *parser, uint32_t *index)
{
	return parse_chain(parser, CRITERIA_AND, TOKEN_AND, parse_part, index);
}

static enum status
parse_or(struct parser *parser, uint32_t *index)
{
	return parse_chain(parser, CRITERIA_OR, TOKEN_OR, parse_and, index);
}

static int
value_order(const void *a, const void *b)
{
	const struct criteria_value *left = a;
	const struct criteria_value *right = b;

	return text_compare(left->bytes, left->length, right->bytes, right->length);
}

static void
values_sort(struct criteria_value *values, uint16_t *count)
{
	uint16_t kept = 1;

	qsort(values, *count, sizeof(*values), value_order);
	for (uint16_t i = 1; i < *count; i++) {
		if (value_order(&values[kept - 1], &values[i]) != 0)
			values[kept++] = values[i];
	}
	*count = kept;
}

/* The bytes do not move any more: offsets become pointers. */
static void
tree_finish(struct criteria *tree)
{
	for (size_t i = 0; i < tree->slot_count; i++)
		tree->slots[i].name = tree->bytes + tree->slots[i].offset;
	for (size_t i = 0; i < tree->value_count; i++)
		tree->values[i].bytes = tree->bytes + tree->values[i].offset;
	for (size_t i = 0; i < tree->node_count; i++) {
		struct criteria_node *node = &tree->nodes[i];
		if (node->op == CRITERIA_IN)
			values_sort(tree->values + node->value_first, &node->value_count);
	}
}

/* UTF-8, and no control character but the blanks. */
static enum status
text_check(const struct tokens *tokens)
{
	uint32_t code = 0;
	size_t step;

	if (tokens->length > CRITERIA_TEXT_BYTES)
		return token_refuse(tokens, STATUS_LIMIT, 0, "longer than %d bytes",
				    CRITERIA_TEXT_BYTES);
	for (size_t i = 0; i < tokens->length; i += step) {
		char byte = tokens->text[i];
		step = text_utf8_next(tokens->text + i, tokens->length - i, &code);
		if (step == 0)
			return token_refuse(tokens, STATUS_CRITERIA, i,
					    "this byte is no UTF-8; expected text");
		if (byte != '\t' && byte != '\n' && byte != '\r' &&
		    !text_is_plain(tokens->text + i, step))
			return token_refuse(tokens, STATUS_CRITERIA, i,
					    "a control character; expected text");
	}
	return STATUS_OK;
}

static enum status
parse_all(struct parser *parser)
{
	enum status status = advance(parser);

	if (status == STATUS_OK)
		status = parse_or(parser, &parser->tree->root);
	if (status != STATUS_OK)
		return status;
	if (parser->token.kind != TOKEN_END)
		return unexpected(parser, "and, or, or the end");
	tree_finish(parser->tree);
	/* Short spellings of dates grow: what we print must be readable again. */
	if (criteria_print_to(parser->tree, NULL) > CRITERIA_TEXT_BYTES)
		return token_refuse(&parser->tokens, STATUS_LIMIT, 0,
				    "in canonical form longer than %d bytes", CRITERIA_TEXT_BYTES);
	return STATUS_OK;
}

enum status
criteria_parse(const char *text, size_t length, const struct catalog *catalog,
	       struct criteria **out, struct fault *fault)
{
	struct parser parser = {
		.tokens = { .text = text, .length = length, .fault = fault },
		.catalog = catalog,
	};
	enum status status = text_check(&parser.tokens);

	if (status != STATUS_OK)
		return status;
	parser.tree = calloc(1, sizeof(*parser.tree));
	parser.tokens.unescaped = malloc(length + 1);
	if (parser.tree && parser.tokens.unescaped)
		status = parse_all(&parser);
	else
		status = no_memory(&parser);
	free(parser.tokens.unescaped);
	if (status == STATUS_OK)
		*out = parser.tree;
	else
		criteria_free(parser.tree);
	return status;
}
