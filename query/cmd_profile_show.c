/* SPDX-License-Identifier: Apache-2.0 */
/* `repute profile list` and `show`. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/json.h"
#include "engine/store.h"
#include "query/cmd_profile.h"
#include "query/cmd_show.h"
#include "query/profile_parts.h"

#define NAME_WIDTH 40

struct showing {
	struct cli *cli;
	const struct catalog *catalog;
	struct json_writer json;
	size_t name_width, action_width;
};

typedef int showing_cb(struct showing *showing, const char *name);

/* Open, call, close. */
static int
with_store(struct cli *cli, showing_cb *call, const char *name)
{
	struct showing showing = {.cli = cli};
	struct store *store;
	struct fault fault = {0};
	if (store_open(cli->store, &store, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	cli_recovered(cli, &fault);
	struct view *view = store_view_take(store);
	showing.catalog = &view->catalog;
	int result = call(&showing, name);
	json_fini(&showing.json);
	view_drop(view);
	store_close(store);
	return result;
}

static void
json_member(struct json_writer *json, const char *name, const char *text)
{
	json_key(json, name);
	json_text(json, text);
}

static void
json_flag(struct json_writer *json, const char *name, bool value)
{
	json_key(json, name);
	json_bool(json, value);
}

static void
json_count(struct json_writer *json, const char *name, uint64_t count)
{
	json_key(json, name);
	json_u64(json, count);
}

static void
json_end(struct json_writer *json)
{
	json_object_end(json);
	json_line(json);
	cli_json_flush(json);
}

/* --- list ------------------------------------------------------------------------------ */

static size_t
count_filters(const struct profile *profile, bool enabled)
{
	size_t count = 0;
	for (size_t i = 0; i < profile->filter_count; i++)
		count += enabled ? profile->filters[i].enabled : profile->filters[i].locked;
	return count;
}

static void
list_json(struct json_writer *json, const struct profile_row *row, const struct profile *profile,
	  const struct fault *fault)
{
	json_object_begin(json);
	json_member(json, "name", row->name);
	show_json_time(json, "changed", row->changed);
	json_count(json, "bytes", row->text_length);
	if (profile != NULL) {
		json_count(json, "filters", profile->filter_count);
		json_count(json, "enabled", count_filters(profile, true));
		json_count(json, "locked", count_filters(profile, false));
		json_count(json, "actions", profile->action_count);
		json_count(json, "exceptions", profile->exception_count);
	} else {
		json_key(json, "error");
		json_object_begin(json);
		json_member(json, "code", status_name(fault->status));
		json_member(json, "message", fault->text);
		json_object_end(json);
	}
	json_end(json);
}

static void
list_text(const struct showing *showing, const struct profile_row *row,
	  const struct profile *profile)
{
	char changed[CLOCK_TEXT_BYTES];
	clock_print(row->changed, changed);
	show_padded(stdout, row->name, strlen(row->name), showing->name_width);
	if (profile != NULL)
		printf("  %zu filter%s (%zu enabled, %zu locked), %zu action%s, %zu exception%s",
		       COUNTED(profile->filter_count), count_filters(profile, true),
		       count_filters(profile, false), COUNTED(profile->action_count),
		       COUNTED(profile->exception_count));
	else
		printf("  cannot be read");
	printf("  changed %s\n", changed);
}

/* A profile may stop being readable: a category it asks was removed, say. The others are listed. */
static int
list_row(struct showing *showing, const struct profile_row *row)
{
	struct profile *profile = NULL;
	struct fault fault = {0};
	enum status status = profile_cmd_parse(row, showing->catalog, &profile, &fault);
	if (showing->cli->json)
		list_json(&showing->json, row, profile, &fault);
	else
		list_text(showing, row, profile);
	profile_free(profile);
	return status == STATUS_OK ? CLI_FOUND : cli_error(showing->cli, &fault);
}

static int
list_all(struct showing *showing, const char *name)
{
	size_t count = showing->catalog->profile_count;
	int result = count > 0 ? CLI_FOUND : CLI_NOTHING;
	for (size_t i = 0; i < count; i++) {
		const char *text = showing->catalog->profiles[i]->name;
		show_widen(&showing->name_width, text, strlen(text), NAME_WIDTH);
	}
	for (size_t i = 0; i < count; i++) {
		if (list_row(showing, showing->catalog->profiles[i]) != CLI_FOUND)
			result = CLI_ERROR;
	}
	return result;
}

int
profile_cmd_list(struct cli *cli)
{
	return with_store(cli, list_all, NULL);
}

/* --- show, JSON -------------------------------------------------------------------------- */

static void
json_action(struct json_writer *json, const struct profile_action *action)
{
	json_object_begin(json);
	json_member(json, "name", action->name);
	json_member(json, "flow", profile_flow_names[action->flow]);
	json_flag(json, "notify", action->notify);
	json_flag(json, "trace", action->trace);
	if (action->rate_kbps != 0)
		json_count(json, "rate_kbps", action->rate_kbps);
	json_object_end(json);
}

static void
json_kinds(struct json_writer *json, unsigned kinds)
{
	json_key(json, "kinds");
	json_array_begin(json);
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		if ((kinds & 1u << kind) != 0)
			json_text(json, kind_name((enum kind)kind));
	json_array_end(json);
}

/* On the heap; NULL without a condition, or without memory. */
static char *
where_text(const struct profile_filter *filter)
{
	char *text;
	size_t length;
	if (filter->criteria == NULL ||
	    criteria_print(filter->criteria, &text, &length, NULL) != STATUS_OK)
		return NULL;
	return text;
}

static void
json_filter(struct json_writer *json, const struct profile *profile, size_t i)
{
	const struct profile_filter *filter = &profile->filters[i];
	char *where = where_text(filter);
	json_object_begin(json);
	json_count(json, "number", i + 1);
	json_member(json, "name", filter->name);
	json_member(json, "action", profile->actions[filter->action].name);
	json_kinds(json, filter->kinds);
	json_flag(json, "tagged", filter->tagged);
	json_flag(json, "untagged", filter->untagged);
	json_member(json, "where", where);
	json_flag(json, "enabled", filter->enabled);
	json_flag(json, "locked", filter->locked);
	json_object_end(json);
	free(where);
}

static void
json_exception(struct json_writer *json, const struct profile_exception *exception)
{
	json_object_begin(json);
	json_member(json, "name", exception->name);
	json_member(json, "kind", kind_name(exception->kind));
	json_member(json, "value", exception->value);
	json_member(json, "owner", exception->owner);
	json_member(json, "reason", exception->reason);
	if (exception->expires != 0)
		show_json_time(json, "expires", exception->expires);
	else
		json_member(json, "expires", NULL);
	json_object_end(json);
}

static void
show_as_json(struct json_writer *json, const struct profile *profile, const struct profile_row *row)
{
	json_object_begin(json);
	json_member(json, "name", profile->name);
	show_json_time(json, "changed", row->changed);
	json_member(json, "match_address", profile_match_names[profile->match_address]);
	json_member(json, "while_looking_up",
		    profile_looking_up_names[profile->drop_while_looking_up]);
	json_key(json, "actions");
	json_array_begin(json);
	for (size_t i = 0; i < profile->action_count; i++)
		json_action(json, &profile->actions[i]);
	json_array_end(json);
	json_key(json, "filters");
	json_array_begin(json);
	for (size_t i = 0; i < profile->filter_count; i++)
		json_filter(json, profile, i);
	json_array_end(json);
	json_key(json, "exceptions");
	json_array_begin(json);
	for (size_t i = 0; i < profile->exception_count; i++)
		json_exception(json, &profile->exceptions[i]);
	json_array_end(json);
	json_end(json);
}

/* --- show, text ---------------------------------------------------------------------------- */

static void
put_text(const char *before, const char *text)
{
	fputs(before, stdout);
	cli_put(stdout, text, strlen(text));
}

static void
put_name(const struct showing *showing, const char *name)
{
	fputs("  ", stdout);
	show_padded(stdout, name, strlen(name), showing->name_width);
}

static void
put_action(const struct showing *showing, const struct profile_action *action)
{
	put_name(showing, action->name);
	printf("  %s%s%s", profile_flow_names[action->flow], action->notify ? ", notify" : "",
	       action->trace ? ", trace" : "");
	if (action->rate_kbps != 0)
		printf(", %" PRIu32 " kbit/s", action->rate_kbps);
	putchar('\n');
}

static void
put_kinds(unsigned kinds)
{
	const char *before = "";
	if (kinds == PROFILE_KINDS_ALL) {
		fputs("all kinds", stdout);
		return;
	}
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		if ((kinds & 1u << kind) == 0)
			continue;
		printf("%s%s", before, kind_name((enum kind)kind));
		before = " ";
	}
}

static void
put_filter(const struct showing *showing, const struct profile *profile, size_t i)
{
	const struct profile_filter *filter = &profile->filters[i];
	char *where = where_text(filter);
	printf("%5zu", i + 1);
	put_name(showing, filter->name);
	const char *action = profile->actions[filter->action].name;
	fputs("  ", stdout);
	show_padded(stdout, action, strlen(action), showing->action_width);
	fputs("  ", stdout);
	put_kinds(filter->kinds);
	printf("  %s%s\n", filter->enabled ? "enabled" : "disabled", filter->locked ? ", locked" : "");
	fputs("         ", stdout);
	if (filter->untagged)
		fputs(filter->tagged ? "untagged, and " : "untagged only", stdout);
	if (filter->tagged && where != NULL)
		put_text("where ", where);
	else if (filter->tagged)
		fputs("all tagged", stdout);
	putchar('\n');
	free(where);
}

static void
put_exception(const struct showing *showing, const struct profile_exception *exception)
{
	char expires[CLOCK_TEXT_BYTES];
	put_name(showing, exception->name);
	printf("  %s ", kind_name(exception->kind));
	put_text("", exception->value);
	if (exception->owner[0] != '\0')
		put_text("  owner ", exception->owner);
	if (exception->reason[0] != '\0')
		put_text("  reason: ", exception->reason);
	clock_print(exception->expires, expires);
	if (exception->expires != 0)
		printf("  %s %s", exception->expires <= showing->cli->now ? "expired" : "expires",
		       expires);
	putchar('\n');
}

static void
names_widen(struct showing *showing, const struct profile *profile)
{
	for (size_t i = 0; i < profile->action_count; i++)
		show_widen(&showing->name_width, profile->actions[i].name,
			   strlen(profile->actions[i].name), NAME_WIDTH);
	showing->action_width = showing->name_width;
	for (size_t i = 0; i < profile->filter_count; i++)
		show_widen(&showing->name_width, profile->filters[i].name,
			   strlen(profile->filters[i].name), NAME_WIDTH);
	for (size_t i = 0; i < profile->exception_count; i++)
		show_widen(&showing->name_width, profile->exceptions[i].name,
			   strlen(profile->exceptions[i].name), NAME_WIDTH);
}

static void
show_as_text(struct showing *showing, const struct profile *profile, const struct profile_row *row)
{
	char changed[CLOCK_TEXT_BYTES];
	clock_print(row->changed, changed);
	names_widen(showing, profile);
	put_text("profile ", profile->name);
	printf("  match-address %s, while-looking-up %s, changed %s\n",
	       profile_match_names[profile->match_address],
	       profile_looking_up_names[profile->drop_while_looking_up], changed);
	puts("actions");
	for (size_t i = 0; i < profile->action_count; i++)
		put_action(showing, &profile->actions[i]);
	puts("filters, the first that takes an entry wins");
	for (size_t i = 0; i < profile->filter_count; i++)
		put_filter(showing, profile, i);
	puts("exceptions, which always win");
	for (size_t i = 0; i < profile->exception_count; i++)
		put_exception(showing, &profile->exceptions[i]);
}

static int
show_one(struct showing *showing, const char *name)
{
	const struct profile_row *row = catalog_profile(showing->catalog, name, strlen(name));
	struct profile *profile = NULL;
	struct fault fault = {0};
	if (row == NULL)
		return profile_cmd_missing(showing->cli, showing->catalog, name);
	if (profile_cmd_parse(row, showing->catalog, &profile, &fault) != STATUS_OK)
		return cli_error(showing->cli, &fault);
	if (showing->cli->json)
		show_as_json(&showing->json, profile, row);
	else
		show_as_text(showing, profile, row);
	profile_free(profile);
	return CLI_FOUND;
}

int
profile_cmd_show(struct cli *cli, const char *name)
{
	return with_store(cli, show_one, name);
}
