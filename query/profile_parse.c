/* SPDX-License-Identifier: Apache-2.0 */
/* Text to profile: sections and fields are rows of tables, one function a sort of value. */
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/intern.h"
#include "engine/text.h"
#include "query/profile_ini.h"
#include "query/profile_parts.h"

#define SHOWN_BYTES 64 /* of a wrong word, in the fault */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

typedef enum status read_field(struct parser *parser, void *target);

struct field_rule {
	const char *name;
	read_field *read;
	size_t offset;          /* of the target in the section's struct */
};

struct section_rule {
	const char *type;
	enum status (*open)(struct parser *parser);
	enum status (*close)(struct parser *parser);
	void *(*row)(struct parser *parser);   /* the struct being filled */
	const struct field_rule *fields;
	size_t field_count;
	const char *expected;
};

static enum status
no_memory(struct parser *parser)
{
	return fault_set(parser->ini.fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
}

/* --- words ----------------------------------------------------------------------- */

static const char *
span_text(const struct parser *parser, struct ini_span span)
{
	return parser->ini.text + span.at;
}

static bool
span_is(const struct parser *parser, struct ini_span span, const char *word)
{
	return text_is_word(span_text(parser, span), span.length, word);
}

/* How much of a wrong word is shown: whole characters. */
static int
shown(const struct parser *parser, struct ini_span span)
{
	size_t length = span.length;

	if (length > SHOWN_BYTES) {
		length = SHOWN_BYTES;
		while (((unsigned char)span_text(parser, span)[length] & 0xC0) == 0x80)
			length--;
	}
	return (int)length;
}

static enum status
unexpected(struct parser *parser, struct ini_span span, const char *expected)
{
	if (span.length == 0)
		return ini_refuse(&parser->ini, STATUS_PROFILE, span.at,
				  "there is no value; expected %s", expected);
	return ini_refuse(&parser->ini, STATUS_PROFILE, span.at, "found %.*s; expected %s",
			  shown(parser, span), span_text(parser, span), expected);
}

/* A value without its quotes, on the arena. */
static enum status
word_take(struct parser *parser, struct ini_span span, char **text, size_t *length)
{
	char *copy = arena_take(&parser->profile->memory, span.length + 1);
	enum status status;

	if (!copy)
		return no_memory(parser);
	status = ini_word(&parser->ini, span, copy, length);
	if (status != STATUS_OK)
		return status;
	copy[*length] = '\0';
	*text = copy;
	return STATUS_OK;
}

static enum status
name_take(struct parser *parser, struct ini_span span, char **name)
{
	char *text;
	size_t length;
	enum status status = word_take(parser, span, &text, &length);

	if (status != STATUS_OK)
		return status;
	if (!catalog_profile_name_ok(text, length))
		return ini_refuse(&parser->ini, STATUS_PROFILE, span.at,
				  "this cannot be a name; expected 1 to %d bytes without blanks around "
				  "them or control characters", LIMIT_CATEGORY_NAME_BYTES);
	*name = text;
	return STATUS_OK;
}

/* One of `count` words, in any letter case. */
static enum status
choice_take(struct parser *parser, const char *const *words, size_t count, const char *expected,
	    size_t *choice)
{
	char *text;
	size_t length;
	enum status status = word_take(parser, parser->item.value, &text, &length);

	if (status != STATUS_OK)
		return status;
	for (size_t i = 0; i < count; i++) {
		if (text_is_word(text, length, words[i])) {
			*choice = i;
			return STATUS_OK;
		}
	}
	return unexpected(parser, parser->item.value, expected);
}

/* --- fields ------------------------------------------------------------------------ */

static enum status
read_name(struct parser *parser, void *target)
{
	if (parser->item.value.length == 0)
		return unexpected(parser, parser->item.value, "a name");
	return name_take(parser, parser->item.value, target);
}

static enum status
read_text(struct parser *parser, void *target)
{
	char *text;
	size_t length;
	enum status status = word_take(parser, parser->item.value, &text, &length);

	if (status != STATUS_OK)
		return status;
	if (length > LIMIT_TAG_TEXT_BYTES || !text_is_plain(text, length))
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->item.value.at,
				  "this text cannot be taken; expected at most %d bytes without "
				  "control characters", LIMIT_TAG_TEXT_BYTES);
	*(char **)target = text;
	return STATUS_OK;
}

static enum status
read_yesno(struct parser *parser, void *target)
{
	static const char *const words[] = { "no", "yes" };
	size_t choice = 0;
	enum status status = choice_take(parser, words, COUNT(words), "yes or no", &choice);

	if (status == STATUS_OK)
		*(bool *)target = choice == 1;
	return status;
}

static enum status
read_match(struct parser *parser, void *target)
{
	size_t choice = 0;
	enum status status = choice_take(parser, profile_match_names, COUNT(profile_match_names),
					 "both, source or destination", &choice);

	if (status == STATUS_OK)
		*(enum profile_match_address *)target = (enum profile_match_address)choice;
	return status;
}

static enum status
read_looking_up(struct parser *parser, void *target)
{
	size_t choice = 0;
	enum status status = choice_take(parser, profile_looking_up_names,
					 COUNT(profile_looking_up_names), "permit or drop", &choice);

	if (status == STATUS_OK)
		*(bool *)target = choice == 1;
	return status;
}

static enum status
read_flow(struct parser *parser, void *target)
{
	size_t choice = 0;
	enum status status = choice_take(parser, profile_flow_names, PROFILE_FLOWS,
					 "permit, block, rate-limit, trust or quarantine", &choice);

	if (status == STATUS_OK)
		*(enum profile_flow *)target = (enum profile_flow)choice;
	return status;
}

static enum status
read_rate(struct parser *parser, void *target)
{
	struct ini_span value = parser->item.value;
	int64_t rate;

	if (!tag_number_parse(span_text(parser, value), value.length, &rate) || rate < 1 ||
	    rate > UINT32_MAX)
		return unexpected(parser, value, "kilobits a second, a whole number from 1 to 4294967295");
	*(uint32_t *)target = (uint32_t)rate;
	parser->actions.rows[parser->profile->action_count - 1].rate = parser->item.word.at;
	return STATUS_OK;
}

/* Kept until every action is known. */
static enum status
read_action(struct parser *parser, void *target)
{
	struct place *place = &parser->filters.rows[parser->profile->filter_count - 1];

	place->action = parser->item.value;
	return read_name(parser, &place->action_name);
}

static bool
kinds_next(const struct parser *parser, struct ini_span *rest, struct ini_span *word)
{
	static const char separators[] = " \t,";
	const char *text = parser->ini.text;
	size_t end = rest->at + rest->length, at = rest->at;

	while (at < end && strchr(separators, text[at]))
		at++;
	word->at = at;
	while (at < end && !strchr(separators, text[at]))
		at++;
	word->length = at - word->at;
	*rest = (struct ini_span){ at, end - at };
	return word->length > 0;
}

static enum status
read_kinds(struct parser *parser, void *target)
{
	static const char expected[] = "kinds among ipv4 ipv6 domain url sha1 sha256";
	struct ini_span rest = parser->item.value, word;
	unsigned kinds = 0;
	enum kind kind;

	while (kinds_next(parser, &rest, &word)) {
		if (!kind_parse(span_text(parser, word), word.length, &kind))
			return unexpected(parser, word, expected);
		kinds |= 1u << kind;
	}
	if (kinds == 0)
		return unexpected(parser, parser->item.value, expected);
	parser->filters.rows[parser->profile->filter_count - 1].kinds = parser->item.value;
	*(unsigned *)target = kinds;
	return STATUS_OK;
}

/* What criteria_parse says of its own text, said of the file. */
static enum status
where_refuse(struct parser *parser, enum status status, const struct fault *inner)
{
	static const char place[] = "line ";
	const char *what = strstr(inner->text, ": ");

	if (status == STATUS_NO_MEMORY)
		return no_memory(parser);
	what = what && strncmp(inner->text, place, sizeof(place) - 1) == 0 ? what + 2 : inner->text;
	return ini_refuse(&parser->ini, status == STATUS_LIMIT ? status : STATUS_PROFILE,
			  parser->item.value.at + (size_t)inner->offset, "%s", what);
}

static enum status
read_where(struct parser *parser, void *target)
{
	struct ini_span value = parser->item.value;
	struct fault inner = { 0 };
	struct criteria *criteria = NULL;
	char *text = malloc(value.length + 1);
	enum status status;

	if (!text)
		return no_memory(parser);
	ini_lines(&parser->ini, value, text);
	status = criteria_parse(text, value.length, parser->catalog, &criteria, &inner);
	free(text);
	if (status != STATUS_OK)
		return where_refuse(parser, status, &inner);
	*(struct criteria **)target = criteria;
	if (criteria_uses_pseudo(criteria))
		return ini_refuse(&parser->ini, STATUS_PROFILE, value.at,
				  "kind, scope, source, key, expires, first_seen and last_seen are no "
				  "tags; expected tag categories only");
	return STATUS_OK;
}

static enum status
pattern_take(struct parser *parser, enum kind kind, const char *expected)
{
	struct profile *profile = parser->profile;
	struct profile_exception *exception = &profile->exceptions[profile->exception_count - 1];
	size_t at = parser->item.value.at, length;
	struct fault inner = { 0 };
	enum status status;

	if (exception->value)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->item.word.at,
				  "a second pattern in one exception; expected one of ip, domain and url");
	status = word_take(parser, parser->item.value, &exception->value, &length);
	if (status != STATUS_OK)
		return status;
	if (length == 0)
		return unexpected(parser, parser->item.value, expected);
	status = profile_exception_keys(profile, exception, kind, &parser->key_capacity, &inner);
	if (status == STATUS_OK)
		return status;
	if (status == STATUS_NO_MEMORY)
		return no_memory(parser);
	return ini_refuse(&parser->ini, status == STATUS_LIMIT ? status : STATUS_PROFILE, at,
			  "%.250s; expected %s", inner.text, expected);
}

static enum status
read_ip(struct parser *parser, void *target)
{
	return pattern_take(parser, KIND_ANY, "an address, a prefix or a range A-B");
}

static enum status
read_domain(struct parser *parser, void *target)
{
	return pattern_take(parser, KIND_DOMAIN, "NAME or *.NAME");
}

static enum status
read_url(struct parser *parser, void *target)
{
	return pattern_take(parser, KIND_URL, "a URL, \\* allowed at its ends");
}

/* 0 means never, so the first second of 1970 is no time to expire. */
static enum status
read_expires(struct parser *parser, void *target)
{
	struct ini_span value = parser->item.value;
	char *text;
	size_t length;
	uint64_t seconds;
	enum status status = word_take(parser, value, &text, &length);

	if (status != STATUS_OK)
		return status;
	if (clock_parse(text, length, &seconds, NULL) != STATUS_OK || seconds == 0)
		return unexpected(parser, value, "a time as 2027-01-01T00:00:00Z");
	*(uint64_t *)target = seconds;
	return STATUS_OK;
}

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
	return name_take(parser, parser->head.value,
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
	return name_take(parser, parser->head.value,
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
	return name_take(parser, parser->head.value,
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

#define SETTING(member) offsetof(struct profile, member)
#define ACTION(member) offsetof(struct profile_action, member)
#define FILTER(member) offsetof(struct profile_filter, member)
#define EXCEPTION(member) offsetof(struct profile_exception, member)

static const struct field_rule setting_fields[] = {
	{ "name", read_name, SETTING(name) },
	{ "match-address", read_match, SETTING(match_address) },
	{ "while-looking-up", read_looking_up, SETTING(drop_while_looking_up) },
};
static const struct field_rule action_fields[] = {
	{ "flow", read_flow, ACTION(flow) },
	{ "notify", read_yesno, ACTION(notify) },
	{ "trace", read_yesno, ACTION(trace) },
	{ "rate-kbps", read_rate, ACTION(rate_kbps) },
};
static const struct field_rule filter_fields[] = {
	{ "action", read_action, FILTER(action) },
	{ "kinds", read_kinds, FILTER(kinds) },
	{ "untagged", read_yesno, FILTER(untagged) },
	{ "tagged", read_yesno, FILTER(tagged) },
	{ "where", read_where, FILTER(criteria) },
	{ "enabled", read_yesno, FILTER(enabled) },
	{ "locked", read_yesno, FILTER(locked) },
};
static const struct field_rule exception_fields[] = {
	{ "ip", read_ip, 0 },
	{ "domain", read_domain, 0 },
	{ "url", read_url, 0 },
	{ "owner", read_text, EXCEPTION(owner) },
	{ "reason", read_text, EXCEPTION(reason) },
	{ "expires", read_expires, EXCEPTION(expires) },
};

static const struct section_rule sections[] = {
	{ "profile", settings_open, settings_close, settings_row, setting_fields,
	  COUNT(setting_fields), "one of name, match-address, while-looking-up" },
	{ "action", action_open, action_close, action_row, action_fields, COUNT(action_fields),
	  "one of flow, notify, trace, rate-kbps" },
	{ "filter", filter_open, filter_close, filter_row, filter_fields, COUNT(filter_fields),
	  "one of action, kinds, untagged, tagged, where, enabled, locked" },
	{ "exception", exception_open, exception_close, exception_row, exception_fields,
	  COUNT(exception_fields), "one of ip, domain, url, owner, reason, expires" },
};

/* --- the file ------------------------------------------------------------------------ */

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
		return unexpected(parser, parser->head.word,
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
	while (row < section->field_count &&
	       !span_is(parser, parser->item.word, section->fields[row].name))
		row++;
	if (row == section->field_count)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->item.word.at,
				  "unknown field %.*s; expected %s", shown(parser, parser->item.word),
				  span_text(parser, parser->item.word), section->expected);
	if (parser->seen & 1u << row)
		return ini_refuse(&parser->ini, STATUS_PROFILE, parser->item.word.at,
				  "the field %s a second time; expected it once in a section",
				  section->fields[row].name);
	parser->seen |= 1u << row;
	return section->fields[row].read(parser, (char *)section->row(parser) +
						 section->fields[row].offset);
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

/* --- when all is read ----------------------------------------------------------------- */

/* Sorted names of one section type, and that no two are equal. */
static enum status
names_check(struct parser *parser, struct profile_name *names, size_t count,
	    const struct places *places)
{
	size_t second = SIZE_MAX, first = 0;

	profile_names_sort(names, count);
	for (size_t i = 1; i < count; i++) {
		if (text_is_word(names[i].text, strlen(names[i].text), names[i - 1].text) &&
		    names[i].index < second) {
			second = names[i].index;
			first = names[i - 1].index;
		}
	}
	if (second == SIZE_MAX)
		return STATUS_OK;
	return ini_refuse(&parser->ini, STATUS_PROFILE, places->rows[second].section,
			  "this name is taken in line %zu; expected another one",
			  ini_line(&parser->ini, places->rows[first].section));
}

static enum status
kinds_check(struct parser *parser, const struct place *place, struct profile_filter *filter)
{
	enum profile_flow flow = parser->profile->actions[filter->action].flow;
	const struct profile_flow_rule *rule = &profile_flow_rules[flow];
	struct ini_span rest = place->kinds, word;
	enum kind kind;

	if (rest.length == 0) {
		filter->kinds = profile_flow_kinds(flow);
		return STATUS_OK;
	}
	if (rule->one_of && !(filter->kinds & rule->one_of))
		return ini_refuse(&parser->ini, STATUS_PROFILE, rest.at, "the action \"%.64s\" is %s; "
				  "%s; expected %s", parser->profile->actions[filter->action].name,
				  profile_flow_names[flow], rule->why, rule->expected);
	while ((filter->kinds & rule->refused) && kinds_next(parser, &rest, &word)) {
		if (kind_parse(span_text(parser, word), word.length, &kind) &&
		    (rule->refused & 1u << kind))
			return ini_refuse(&parser->ini, STATUS_PROFILE, word.at,
					  "%s with the action \"%.64s\", which is %s; %s; expected %s",
					  kind_name(kind), parser->profile->actions[filter->action].name,
					  profile_flow_names[flow], rule->why, rule->expected);
	}
	return STATUS_OK;
}

static enum status
filters_finish(struct parser *parser, const struct profile_name *actions)
{
	struct profile *profile = parser->profile;
	enum status status = STATUS_OK;

	for (size_t i = 0; i < profile->filter_count && status == STATUS_OK; i++) {
		const struct place *place = &parser->filters.rows[i];
		size_t action = profile_names_find(actions, profile->action_count,
						   place->action_name, strlen(place->action_name));
		if (action == SIZE_MAX)
			return ini_refuse(&parser->ini, STATUS_PROFILE, place->action.at,
					  "no action \"%.64s\" is defined; expected the name of an "
					  "[action \"NAME\"] section", place->action_name);
		profile->filters[i].action = (uint32_t)action;
		status = kinds_check(parser, place, &profile->filters[i]);
	}
	return status;
}

/* What is printed must be readable again: quotes and short dates grow. */
static enum status
size_check(struct parser *parser)
{
	char *text;
	size_t length;
	enum status status = profile_print(parser->profile, &text, &length, parser->ini.fault);

	if (status != STATUS_OK)
		return status;
	free(text);
	if (length > LIMIT_PROFILE_BYTES)
		return ini_refuse(&parser->ini, STATUS_LIMIT, parser->ini.first,
				  "in canonical form the profile has %zu bytes; expected at most %u",
				  length, LIMIT_PROFILE_BYTES);
	return STATUS_OK;
}

static enum status
profile_finish(struct parser *parser)
{
	struct profile *profile = parser->profile;
	size_t most = profile->action_count > profile->exception_count ? profile->action_count
								       : profile->exception_count;
	struct profile_name *names = malloc((most + 1) * sizeof(*names));
	struct profile_name *filters = profile_names_of_filters(profile);
	enum status status = names && filters ? STATUS_OK : no_memory(parser);

	for (size_t i = 0; status == STATUS_OK && i < profile->exception_count; i++)
		names[i] = (struct profile_name){ profile->exceptions[i].name, (uint32_t)i };
	if (status == STATUS_OK)
		status = names_check(parser, names, profile->exception_count, &parser->exceptions);
	if (status == STATUS_OK)
		status = names_check(parser, filters, profile->filter_count, &parser->filters);
	for (size_t i = 0; status == STATUS_OK && i < profile->action_count; i++)
		names[i] = (struct profile_name){ profile->actions[i].name, (uint32_t)i };
	if (status == STATUS_OK)
		status = names_check(parser, names, profile->action_count, &parser->actions);
	if (status == STATUS_OK)
		status = filters_finish(parser, names);
	free(names);
	free(filters);
	return status == STATUS_OK ? size_check(parser) : status;
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
	status = parser.profile ? items_read(&parser) : no_memory(&parser);
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
