/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser's state, between profile_parse.c (sections), profile_field.c (values) and
 * profile_finish.c (what needs the whole file); private to them.
 */
#ifndef QUERY_PROFILE_PARSER_H
#define QUERY_PROFILE_PARSER_H

#include "query/profile_ini.h"
#include "query/profile_parts.h"

/* Where in the file a row stands, and what can only be judged when all of it is read. */
struct place {
	size_t section;
	struct ini_span action;  /* filter */
	struct ini_span kinds;   /* filter; length 0: not given */
	size_t rate;             /* action: its rate-kbps */
	char *action_name;
};

struct places {
	struct place *rows;
	size_t capacity;
};

struct section_rule;

struct parser {
	struct ini ini;
	const struct catalog *catalog;
	struct profile *profile;
	const struct section_rule *section; /* the open one; NULL before the first */
	struct ini_item head;               /* its line */
	struct ini_item item;               /* the field at hand */
	unsigned seen;                      /* fields of the open section, 1 << row */
	bool settings;                      /* there was a [profile] */
	struct places actions, filters, exceptions;
	size_t action_capacity, filter_capacity, exception_capacity, key_capacity;
};

/* One field of a section: what reads its value into the section's struct. */
typedef enum status read_field(struct parser *parser, void *target);

struct field_rule {
	const char *name;
	read_field *read;
	size_t offset;          /* of the target in the struct */
};

struct field_rules {
	const struct field_rule *rows;
	size_t count;
	const char *expected;   /* the names, for faults */
};
extern const struct field_rules profile_setting_fields, profile_action_fields,
	profile_filter_fields, profile_exception_fields;

/* Faults: out of memory; "found WORD; expected ...". */
enum status
parser_no_memory(struct parser *parser);
enum status
parser_unexpected(struct parser *parser, struct ini_span span, const char *expected);

static inline const char *
parser_text(const struct parser *parser, struct ini_span span)
{
	return parser->ini.text + span.at;
}

/* Bytes of a wrong word that a fault shows: whole characters. */
int
parser_shown(const struct parser *parser, struct ini_span span);

/* A name, without its quotes, on the arena. */
enum status
parser_name(struct parser *parser, struct ini_span span, char **name);

/* The next word of a list of kinds; false at its end. */
bool
parser_kinds_next(const struct parser *parser, struct ini_span *rest, struct ini_span *word);

/* The kind that a word names, in any letter case. */
bool
parser_kind(const struct parser *parser, struct ini_span word, enum kind *kind);

/* Names are distinct, actions exist and suit the kinds, the printed text is not too long. */
enum status
profile_finish(struct parser *parser);

#endif
