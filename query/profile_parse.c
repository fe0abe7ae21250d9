/* SPDX-License-Identifier: Apache-2.0 */
/* Text to profile: a type of section is a row of a table. */
#include <stdlib.h>
#include <string.h>

#include "engine/intern.h"
#include "engine/text.h"
#include "query/profile_parser.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct section_rule {
	const char *type;
	enum status (*open)(struct parser *parser);
	enum status (*close)(struct parser *parser);
	void *(*row)(struct parser *parser); /* the struct being filled */
	const struct field_rules *fields;
};

/* --- sections ----------------------------------------------------------------------- */

/* Room for one more row and its place. */
static enum status
row_add(struct parser *parser, void **rows, size_t *capacity, size_t size, struct places *places,
	size_t count, size_t most)
{
	struct fault *fault = parser->ini.fault;
	void *block = places->rows;
	enum status status;

	if (count >= most)
		return ini_refuse(&parser->ini, STATUS_LIMIT, parser->head.word.at,
				  "more than %zu sections of one type; expected fewer", most);
	status = intern_grow(rows, capacity, count + 1, size, fault);
	if (status == STATUS_OK)
		status = intern_grow(&block, &places->capacity, count + 1, sizeof(*places->rows),
				     fault);
	places->rows = block;
	if (status == STATUS_OK)
		places->rows[count] = (struct place){ .section = parser->head.word.at };
	return status;
}

static enum status
settings_open(struct parser *parser)
{
	if (parser->settings)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->head.word.at,
				  "a second [profile]; expected one");
	parser->settings = true;
	return STATUS_OK;
}

static enum status
settings_close(struct parser *parser)
{
	if (!parser->profile->name)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->head.word.at,
				  "the profile has no name; expected name = NAME");
	return STATUS_OK;
}

static void *
settings_row(struct parser *parser)
{
	return parser->profile;
}

static enum status
action_open(struct parser *parser)
{
	struct profile *profile = parser->profile;
	void *rows = profile->actions;
	enum status status = row_add(parser, &rows, &parser->action_capacity,
				     sizeof(*profile->actions), &parser->actions,
				     profile->action_count, PROFILE_ACTIONS);

	profile->actions = rows;
	if (status != STATUS_OK)
		return status;
	profile->actions[profile->action_count++] = (struct profile_action){ .flow = PROFILE_FLOWS };
	return parser_name(parser, parser->head.value,
			 &profile->actions[profile->action_count - 1].name);
}

static void *
action_row(struct parser *parser)
{
	return &parser->profile->actions[parser->profile->action_count - 1];
}

static enum status
action_close(struct parser *parser)
{
	const struct profile_action *action = action_row(parser);

	if (action->flow == PROFILE_FLOWS)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->head.word.at,
				  "the action has no flow; expected flow = permit, block, rate-limit, "
				  "trust or quarantine");
	if (action->rate_kbps && action->flow != PROFILE_RATE_LIMIT)
		return ini_refuse(&parser->ini, STATUS_PROFILE,
				  parser->actions.rows[parser->profile->action_count - 1].rate,
				  "a rate for an action that does not limit it; expected flow = "
				  "rate-limit with it");
	return STATUS_OK;
}

static enum status
filter_open(struct parser *parser)
{
	struct profile *profile = parser->profile;
	void *rows = profile->filters;
	enum status status = row_add(parser, &rows, &parser->filter_capacity,
				     sizeof(*profile->filters), &parser->filters,
				     profile->filter_count, PROFILE_FILTERS);

	profile->filters = rows;
	if (status != STATUS_OK)
		return status;
	profile->filters[profile->filter_count++] =
		(struct profile_filter){ .tagged = true, .enabled = true };
	return parser_name(parser, parser->head.value,
			 &profile->filters[profile->filter_count - 1].name);
}

static void *
filter_row(struct parser *parser)
{
	return &parser->profile->filters[parser->profile->filter_count - 1];
}

static enum status
filter_close(struct parser *parser)
{
	const struct profile_filter *filter = filter_row(parser);

	if (!parser->filters.rows[parser->profile->filter_count - 1].action_name)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->head.word.at,
				  "the filter has no action; expected action = NAME");
	if (!filter->tagged && !filter->untagged)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->head.word.at,
				  "the filter takes neither tagged nor untagged entries; expected "
				  "untagged = yes with tagged = no");
	return STATUS_OK;
}

static enum status
exception_open(struct parser *parser)
{
	struct profile *profile = parser->profile;
	void *rows = profile->exceptions;
	static char none[1];
	enum status status = row_add(parser, &rows, &parser->exception_capacity,
				     sizeof(*profile->exceptions), &parser->exceptions,
				     profile->exception_count, PROFILE_EXCEPTIONS);

	profile->exceptions = rows;
	if (status != STATUS_OK)
		return status;
	profile->exceptions[profile->exception_count++] =
		(struct profile_exception){ .owner = none, .reason = none };
	return parser_name(parser, parser->head.value,
			 &profile->exceptions[profile->exception_count - 1].name);
}

static void *
exception_row(struct parser *parser)
{
	return &parser->profile->exceptions[parser->profile->exception_count - 1];
}

static enum status
exception_close(struct parser *parser)
{
	const struct profile_exception *exception = exception_row(parser);

	if (!exception->value)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->head.word.at,
				  "the exception has no pattern; expected one of ip, domain and url");
	return STATUS_OK;
}

static const struct section_rule sections[] = {
	{ "profile", settings_open, settings_close, settings_row, &profile_setting_fields },
	{ "action", action_open, action_close, action_row, &profile_action_fields },
	{ "filter", filter_open, filter_close, filter_row, &profile_filter_fields },
	{ "exception", exception_open, exception_close, exception_row, &profile_exception_fields },
};

/* --- the file ------------------------------------------------------------------------ */

static bool
span_is(const struct parser *parser, struct ini_span span, const char *word)
{
	return text_is_word(parser_text(parser, span), span.length, word);
}

static enum status
section_close(struct parser *parser)
{
	return parser->section ? parser->section->close(parser) : STATUS_OK;
}

static enum status
section_read(struct parser *parser)
{
	const struct section_rule *rule = NULL;
	enum status status = section_close(parser);

	if (status != STATUS_OK)
		return status;
	parser->head = parser->item;
	parser->seen = 0;
	for (size_t i = 0; i < COUNT(sections) && !rule; i++) {
		if (span_is(parser, parser->head.word, sections[i].type))
			rule = &sections[i];
	}
	parser->section = rule;
	if (!rule)
		return parser_unexpected(parser, parser->head.word,
				  "a section: profile, action, filter or exception");
	if ((rule == &sections[0]) != (parser->head.value.length == 0))
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->head.word.at,
				  rule == &sections[0] ? "a name that has no place here; expected [profile]"
				  : "the section has no name; expected [%s \"NAME\"]", rule->type);
	return rule->open(parser);
}

static enum status
field_read(struct parser *parser)
{
	const struct section_rule *section = parser->section;
	size_t row = 0;

	if (!section)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->item.word.at,
				  "a field before the first section; expected [profile]");
	while (row < section->fields->count &&
	       !span_is(parser, parser->item.word, section->fields->rows[row].name))
		row++;
	if (row == section->fields->count)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->item.word.at,
				  "unknown field %.*s; expected %s", parser_shown(parser, parser->item.word),
				  parser_text(parser, parser->item.word), section->fields->expected);
	if (parser->seen & 1u << row)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->item.word.at,
				  "the field %s a second time; expected it once in a section",
				  section->fields->rows[row].name);
	parser->seen |= 1u << row;
	return section->fields->rows[row].read(parser, (char *)section->row(parser) +
						 section->fields->rows[row].offset);
}

static enum status
items_read(struct parser *parser)
{
	enum status status;

	do {
		status = ini_next(&parser->ini, &parser->item);
		if (status == STATUS_OK && parser->item.kind == INI_SECTION)
			status = section_read(parser);
		else if (status == STATUS_OK && parser->item.kind == INI_FIELD)
			status = field_read(parser);
	} while (status == STATUS_OK && parser->item.kind != INI_END);
	if (status == STATUS_OK)
		status = section_close(parser);
	if (status == STATUS_OK && !parser->settings)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->ini.length,
				  "there is no [profile] section; expected one with name = NAME");
	return status;
}

enum status
profile_parse(const char *text, size_t length, const struct catalog *catalog,
	      struct profile **out, struct fault *fault)
{
	struct parser parser = { .catalog = catalog };
	enum status status = ini_init(&parser.ini, text, length, "where", fault);

	if (status != STATUS_OK)
		return status;
	parser.profile = calloc(1, sizeof(*parser.profile));
	status = parser.profile ? items_read(&parser) : parser_no_memory(&parser);
	if (status == STATUS_OK)
		status = profile_finish(&parser);
	free(parser.actions.rows);
	free(parser.filters.rows);
	free(parser.exceptions.rows);
	if (status == STATUS_OK)
		*out = parser.profile;
	else
		profile_free(parser.profile);
	return status;
}
