/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical text of a profile. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/intern.h"
#include "query/profile_parts.h"

struct out {
	char *text;
	size_t length, capacity;
	enum status status; /* the first failure stays */
	struct fault *fault;
};

static void
put(struct out *out, const char *bytes, size_t length)
{
	void *block = out->text;

	if (out->status == STATUS_OK)
		out->status = intern_grow(&block, &out->capacity, out->length + length + 1, 1,
					  out->fault);
	if (out->status != STATUS_OK)
		return;
	out->text = block;
	memcpy(out->text + out->length, bytes, length);
	out->length += length;
	out->text[out->length] = '\0';
}

static void
put_text(struct out *out, const char *text)
{
	put(out, text, strlen(text));
}

static void
put_quoted(struct out *out, const char *text)
{
	put_text(out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			put_text(out, "\\");
		put(out, text, 1);
	}
	put_text(out, "\"");
}

/* Reads back as itself without quotes. */
static bool
is_bare(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && !strchr("\"; \t", text[0]) && !strchr(" \t", text[length - 1]) &&
	       !strstr(text, " ;") && !strstr(text, "\t;");
}

static void
put_section(struct out *out, const char *type, const char *name)
{
	put_text(out, out->length ? "\n[" : "[");
	put_text(out, type);
	if (name) {
		put_text(out, " ");
		put_quoted(out, name);
	}
	put_text(out, "]\n");
}

static void
put_field(struct out *out, const char *field, const char *value)
{
	put_text(out, field);
	put_text(out, " = ");
	if (is_bare(value))
		put_text(out, value);
	else
		put_quoted(out, value);
	put_text(out, "\n");
}

static void
put_yesno(struct out *out, const char *field, bool value, bool usual)
{
	if (value != usual)
		put_field(out, field, value ? "yes" : "no");
}

static void
put_settings(struct out *out, const struct profile *profile)
{
	put_section(out, "profile", NULL);
	put_field(out, "name", profile->name);
	if (profile->match_address != PROFILE_MATCH_BOTH)
		put_field(out, "match-address", profile_match_names[profile->match_address]);
	if (profile->drop_while_looking_up)
		put_field(out, "while-looking-up", profile_looking_up_names[1]);
}

static void
put_action(struct out *out, const struct profile_action *action)
{
	char rate[16];

	put_section(out, "action", action->name);
	put_field(out, "flow", profile_flow_names[action->flow]);
	put_yesno(out, "notify", action->notify, false);
	put_yesno(out, "trace", action->trace, false);
	snprintf(rate, sizeof(rate), "%" PRIu32, action->rate_kbps);
	if (action->rate_kbps)
		put_field(out, "rate-kbps", rate);
}

static void
put_kinds(struct out *out, unsigned kinds)
{
	put_text(out, "kinds =");
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		if (kinds & 1u << kind) {
			put_text(out, " ");
			put_text(out, kind_name((enum kind)kind));
		}
	}
	put_text(out, "\n");
}

static void
put_where(struct out *out, const struct criteria *criteria)
{
	char *text;
	size_t length;

	if (out->status == STATUS_OK)
		out->status = criteria_print(criteria, &text, &length, out->fault);
	if (out->status != STATUS_OK)
		return;
	put_text(out, "where = ");
	put(out, text, length);
	put_text(out, "\n");
	free(text);
}

static void
put_filter(struct out *out, const struct profile *profile, const struct profile_filter *filter)
{
	const struct profile_action *action = &profile->actions[filter->action];

	put_section(out, "filter", filter->name);
	put_field(out, "action", action->name);
	if (filter->kinds != profile_flow_kinds(action->flow))
		put_kinds(out, filter->kinds);
	put_yesno(out, "untagged", filter->untagged, false);
	put_yesno(out, "tagged", filter->tagged, true);
	if (filter->criteria)
		put_where(out, filter->criteria);
	put_yesno(out, "enabled", filter->enabled, true);
	put_yesno(out, "locked", filter->locked, false);
}

static void
put_exception(struct out *out, const struct profile_exception *exception)
{
	const char *field = exception->kind == KIND_DOMAIN ? "domain"
			    : exception->kind == KIND_URL  ? "url" : "ip";
	char expires[CLOCK_TEXT_BYTES];

	put_section(out, "exception", exception->name);
	put_field(out, field, exception->value);
	if (exception->owner[0])
		put_field(out, "owner", exception->owner);
	if (exception->reason[0])
		put_field(out, "reason", exception->reason);
	clock_print(exception->expires, expires);
	if (exception->expires)
		put_field(out, "expires", expires);
}

enum status
profile_print(const struct profile *profile, char **text, size_t *length, struct fault *fault)
{
	struct out out = { .fault = fault };

	put_settings(&out, profile);
	for (size_t i = 0; i < profile->action_count; i++)
		put_action(&out, &profile->actions[i]);
	for (size_t i = 0; i < profile->filter_count; i++)
		put_filter(&out, profile, &profile->filters[i]);
	for (size_t i = 0; i < profile->exception_count; i++)
		put_exception(&out, &profile->exceptions[i]);
	if (out.status != STATUS_OK) {
		free(out.text);
		return out.status;
	}
	*text = out.text;
	*length = out.length;
	return STATUS_OK;
}
