/* SPDX-License-Identifier: Apache-2.0 */
#include "query/criteria_token.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/text.h"
#include "query/criteria_tree.h"

static const struct {
	const char *word;
	enum token_kind kind;
} keywords[] = {
	{ "and", TOKEN_AND }, { "in", TOKEN_IN },   { "is", TOKEN_IS },
	{ "missing", TOKEN_MISSING }, { "not", TOKEN_NOT }, { "or", TOKEN_OR },
	{ "present", TOKEN_PRESENT },
};

/* A longer mark stands before its own beginning. */
static const struct {
	const char *mark;
	enum token_kind kind;
} marks[] = {
	{ "!=", TOKEN_DIFFER }, { "<=", TOKEN_LESS_EQUAL }, { ">=", TOKEN_MORE_EQUAL },
	{ "=", TOKEN_EQUAL },   { "<", TOKEN_LESS },        { ">", TOKEN_MORE },
	{ "(", TOKEN_OPEN },    { ")", TOKEN_CLOSE },       { ",", TOKEN_COMMA },
};

enum status
token_refuse(const struct tokens *tokens, enum status status, size_t offset, const char *format,
	     ...)
{
	char text[FAULT_TEXT_BYTES];
	size_t line = 1, column = 1;
	va_list arguments;

	if (!tokens->fault)
		return status;
	for (size_t i = 0; i < offset && i < tokens->length; i++) {
		unsigned char byte = (unsigned char)tokens->text[i];
		if (byte == '\n') {
			line++;
			column = 1;
		} else if ((byte & 0xC0) != 0x80) {
			column++;
		}
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return fault_set(tokens->fault, status, NULL, offset, "line %zu, column %zu: %s", line,
			 column, text);
}

static enum token_kind
keyword_find(const char *word, size_t length)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (text_is_word(word, length, keywords[i].word))
			return keywords[i].kind;
	}
	return TOKEN_WORD;
}

bool
criteria_is_keyword(const char *word, size_t length)
{
	return keyword_find(word, length) != TOKEN_WORD;
}

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool
ends_word(char byte)
{
	return is_blank(byte) || (byte && strchr("()=!<>,\"", byte));
}

static bool
mark_take(struct tokens *tokens, struct token *token)
{
	size_t left = tokens->length - tokens->at;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		size_t length = strlen(marks[i].mark);
		if (length > left || memcmp(tokens->text + tokens->at, marks[i].mark, length) != 0)
			continue;
		token->kind = marks[i].kind;
		tokens->at += length;
		return true;
	}
	return false;
}

static enum status
quoted_take(struct tokens *tokens, struct token *token)
{
	size_t length = 0;

	for (tokens->at++; tokens->at < tokens->length; tokens->at++) {
		char byte = tokens->text[tokens->at];
		if (byte == '"') {
			tokens->at++;
			token->kind = TOKEN_WORD;
			token->bytes = tokens->unescaped;
			token->length = length;
			return STATUS_OK;
		}
		if (byte == '\\') {
			size_t escape = tokens->at++;
			if (tokens->at == tokens->length)
				break;
			byte = tokens->text[tokens->at];
			if (byte != '"' && byte != '\\')
				return token_refuse(tokens, STATUS_CRITERIA, escape,
						    "a backslash in quotes stands before \" or \\ "
						    "only; expected \\\" or \\\\");
		}
		tokens->unescaped[length++] = byte;
	}
	return token_refuse(tokens, STATUS_CRITERIA, token->offset,
			    "the quotes are not closed; expected \" before the end");
}

static enum status
word_take(struct tokens *tokens, struct token *token)
{
	uint32_t code;

	while (tokens->at < tokens->length && !ends_word(tokens->text[tokens->at]))
		tokens->at += text_utf8_next(tokens->text + tokens->at,
					     tokens->length - tokens->at, &code);
	token->bytes = tokens->text + token->offset;
	token->length = tokens->at - token->offset;
	if (token->length == 0)
		return token_refuse(tokens, STATUS_CRITERIA, token->offset,
				    "'!' alone means nothing; expected != or not");
	token->kind = keyword_find(token->bytes, token->length);
	return STATUS_OK;
}

enum status
token_next(struct tokens *tokens, struct token *token)
{
	enum status status = STATUS_OK;

	while (tokens->at < tokens->length && is_blank(tokens->text[tokens->at]))
		tokens->at++;
	*token = (struct token){ .kind = TOKEN_END, .offset = tokens->at };
	if (tokens->at == tokens->length || mark_take(tokens, token))
		status = STATUS_OK;
	else if (tokens->text[tokens->at] == '"')
		status = quoted_take(tokens, token);
	else
		status = word_take(tokens, token);
	token->span = tokens->at - token->offset;
	return status;
}
