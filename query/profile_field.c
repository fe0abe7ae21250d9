/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a profile's sections: one function a sort of value, one row a field. */
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/text.h"
#include "query/profile_parser.h"

#define SHOWN_BYTES 64 /* of a wrong word, in the fault */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum status
parser_no_memory(struct parser *parser)
{
	return fault_set(parser->ini.fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
}

/* --- words ----------------------------------------------------------------------- */

int
parser_shown(const struct parser *parser, struct ini_span span)
{
	size_t length = span.length;

	if (length > SHOWN_BYTES) {
		length = SHOWN_BYTES;
		while (((unsigned char)parser_text(parser, span)[length] & 0xC0) == 0x80)
			length--;
	}
	return (int)length;
}

enum status
parser_unexpected(struct parser *parser, struct ini_span span, const char *expected)
{
	if (span.length == 0)
		return ini_refuse(&parser->ini, STATUS_PROFILE, span.at,
				  "there is no value; expected %s", expected);
	return ini_refuse(&parser->ini, STATUS_PROFILE, span.at, "found %.*s; expected %s",
			  parser_shown(parser, span), parser_text(parser, span), expected);
}

/* A value without its quotes, on the arena. */
static enum status
word_take(struct parser *parser, struct ini_span span, char **text, size_t *length)
{
	char *copy = arena_take(&parser->profile->memory, span.length + 1);
	enum status status;

	if (!copy)
		return parser_no_memory(parser);
	status = ini_word(&parser->ini, span, copy, length);
	if (status != STATUS_OK)
		return status;
	copy[*length] = '\0';
	*text = copy;
	return STATUS_OK;
}

enum status
parser_name(struct parser *parser, struct ini_span span, char **name)
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
	return parser_unexpected(parser, parser->item.value, expected);
}

/* --- fields ------------------------------------------------------------------------ */

static enum status
read_name(struct parser *parser, void *target)
{
	if (parser->item.value.length == 0)
		return parser_unexpected(parser, parser->item.value, "a name");
	return parser_name(parser, parser->item.value, target);
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

	if (!tag_number_parse(parser_text(parser, value), value.length, &rate) || rate < 1 ||
	    rate > UINT32_MAX)
		return parser_unexpected(parser, value, "kilobits a second, a whole number from 1 to 4294967295");
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

bool
parser_kinds_next(const struct parser *parser, struct ini_span *rest, struct ini_span *word)
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

bool
parser_kind(const struct parser *parser, struct ini_span word, enum kind *kind)
{
	for (int i = 0; i < KIND_COUNT; i++) {
		*kind = (enum kind)i;
		if (text_is_word(parser_text(parser, word), word.length, kind_name(*kind)))
			return true;
	}
	return false;
}

static enum status
read_kinds(struct parser *parser, void *target)
{
	static const char expected[] = "kinds among ipv4 ipv6 domain url sha1 sha256";
	struct ini_span rest = parser->item.value, word;
	unsigned kinds = 0;
	enum kind kind;

	while (parser_kinds_next(parser, &rest, &word)) {
		if (!parser_kind(parser, word, &kind))
			return parser_unexpected(parser, word, expected);
		kinds |= 1u << kind;
	}
	if (kinds == 0)
		return parser_unexpected(parser, parser->item.value, expected);
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
		return parser_no_memory(parser);
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
		return parser_no_memory(parser);
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
		return parser_unexpected(parser, parser->item.value, expected);
	status = profile_exception_keys(profile, exception, kind, &parser->key_capacity, &inner);
	if (status == STATUS_OK)
		return status;
	if (status == STATUS_NO_MEMORY)
		return parser_no_memory(parser);
	status = status == STATUS_LIMIT ? status : STATUS_PROFILE;
	if (strstr(inner.text, "; did you mean "))
		return ini_refuse(&parser->ini, status, at, "%s", inner.text);
	return ini_refuse(&parser->ini, status, at, "%.250s; expected %s", inner.text, expected);
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
		return parser_unexpected(parser, value, "a time as 2027-01-01T00:00:00Z");
	*(uint64_t *)target = seconds;
	return STATUS_OK;
}

#define SETTING(member) offsetof(struct profile, member)
#define ACTION(member) offsetof(struct profile_action, member)
#define FILTER(member) offsetof(struct profile_filter, member)
#define EXCEPTION(member) offsetof(struct profile_exception, member)

static const struct field_rule settings[] = {
	{ "name", read_name, SETTING(name) },
	{ "match-address", read_match, SETTING(match_address) },
	{ "while-looking-up", read_looking_up, SETTING(drop_while_looking_up) },
};
static const struct field_rule actions[] = {
	{ "flow", read_flow, ACTION(flow) },
	{ "notify", read_yesno, ACTION(notify) },
	{ "trace", read_yesno, ACTION(trace) },
	{ "rate-kbps", read_rate, ACTION(rate_kbps) },
};
static const struct field_rule filters[] = {
	{ "action", read_action, FILTER(action) },
	{ "kinds", read_kinds, FILTER(kinds) },
	{ "untagged", read_yesno, FILTER(untagged) },
	{ "tagged", read_yesno, FILTER(tagged) },
	{ "where", read_where, FILTER(criteria) },
	{ "enabled", read_yesno, FILTER(enabled) },
	{ "locked", read_yesno, FILTER(locked) },
};
static const struct field_rule exceptions[] = {
	{ "ip", read_ip, 0 },
	{ "domain", read_domain, 0 },
	{ "url", read_url, 0 },
	{ "owner", read_text, EXCEPTION(owner) },
	{ "reason", read_text, EXCEPTION(reason) },
	{ "expires", read_expires, EXCEPTION(expires) },
};


const struct field_rules profile_setting_fields = {
	settings, COUNT(settings), "one of name, match-address, while-looking-up"
};
const struct field_rules profile_action_fields = {
	actions, COUNT(actions), "one of flow, notify, trace, rate-kbps"
};
const struct field_rules profile_filter_fields = {
	filters, COUNT(filters),
	"one of action, kinds, untagged, tagged, where, enabled, locked"
};
const struct field_rules profile_exception_fields = {
	exceptions, COUNT(exceptions), "one of ip, domain, url, owner, reason, expires"
};
