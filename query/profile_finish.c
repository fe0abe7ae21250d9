/* SPDX-License-Identifier: Apache-2.0 */
/* What can be judged only when all of a profile is read. */
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"
#include "query/profile_parser.h"

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
	while ((filter->kinds & rule->refused) && parser_kinds_next(parser, &rest, &word)) {
		if (parser_kind(parser, word, &kind) && (rule->refused & 1u << kind))
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

enum status
profile_finish(struct parser *parser)
{
	struct profile *profile = parser->profile;
	size_t most = profile->action_count > profile->exception_count ? profile->action_count
								       : profile->exception_count;
	struct profile_name *names = malloc((most + 1) * sizeof(*names));
	struct profile_name *filters = profile_names_of_filters(profile);
	enum status status = names && filters ? STATUS_OK : parser_no_memory(parser);

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
