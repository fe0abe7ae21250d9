/* SPDX-License-Identifier: Apache-2.0 */
/* Words and marks of the criteria language; private to criteria*.c. */
#ifndef QUERY_CRITERIA_TOKEN_H
#define QUERY_CRITERIA_TOKEN_H

#include "engine/status.h"

/* The six comparisons come first, in the order of enum criteria_op. */
enum token_kind {
	TOKEN_EQUAL = 0,
	TOKEN_DIFFER,
	TOKEN_LESS,
	TOKEN_LESS_EQUAL,
	TOKEN_MORE,
	TOKEN_MORE_EQUAL,
	TOKEN_IN,
	TOKEN_IS,
	TOKEN_MISSING,
	TOKEN_PRESENT,
	TOKEN_NOT,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_WORD,  /* a name or a value, quoted or not */
	TOKEN_END
};

struct token {
	enum token_kind kind;
	size_t offset;      /* first byte in the text, and how many */
	size_t span;
	const char *bytes;  /* word, without quotes and escapes */
	size_t length;
};

struct tokens {
	const char *text;
	size_t length;
	size_t at;
	char *unescaped;    /* caller's, `length` bytes: one quoted word at a time */
	struct fault *fault;
};

/* The next token; its bytes are borrowed until the next call. */
enum status
token_next(struct tokens *tokens, struct token *token);

/* Fill the fault: "line L, column C: " and the format. Returns `status`. */
enum status
token_refuse(const struct tokens *tokens, enum status status, size_t offset, const char *format,
	     ...) __attribute__((format(printf, 4, 5)));

#endif
