/* SPDX-License-Identifier: Apache-2.0 */
#include "query/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/store.h"
#include "query/cmd_show.h"
#include "query/cmd_verdict.h"
#include "query/preview.h"

#define SHOWN_WIDTH 40
#define SHOWN_OVERLAPS 20 /* of the table; --json has all */

enum { OPTION_LIMIT = 1 };

static const struct cli_option preview_options[] = {
	{OPTION_LIMIT, "limit", 'l', "KIND=N", NULL,
	 "a device that holds N entries of a kind, or of ip, hash or all together; may be repeated"},
	{0}
};

/* Kinds that a device counts together. */
static const struct {
	const char *name;
	unsigned kinds;
} groups[] = {
	{ "ip", 1u << KIND_IPV4 | 1u << KIND_IPV6 },
	{ "hash", 1u << KIND_SHA1 | 1u << KIND_SHA256 },
	{ "all", (1u << KIND_COUNT) - 1 },
};

struct previewing {
	struct cli *cli;
	const struct view *view;
	struct profile *profile;
	struct profile *before;       /* in force and another; NULL */
	bool in_force;                /* it is the profile in force */
	struct preview_options options;
	const char *limit_names[PREVIEW_LIMITS];
	struct preview *preview;
	struct json_writer json;
};

/* --- states ------------------------------------------------------------------------------ */

/* What is to be said of a filter. */
static const char *
state_of(const struct previewing *previewing, size_t i)
{
	const struct preview_filter *filter = &previewing->preview->filters[i];
	uint64_t claims = 0;
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		claims += filter->claims[kind];
	if (!previewing->profile->filters[i].enabled)
		return "disabled";
	if (filter->matched == 0)
		return "nothing";
	return claims == 0 ? "shadowed" : "active";
}

static bool
asks_missing(const struct profile_filter *filter)
{
	return filter->enabled && filter->criteria != NULL &&
	       criteria_uses_missing(filter->criteria);
}

static uint64_t
total(const uint64_t counts[KIND_COUNT])
{
	uint64_t sum = 0;
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		sum += counts[kind];
	return sum;
}

static const char *
filter_name(const struct previewing *previewing, uint32_t filter)
{
	return previewing->profile->filters[filter].name;
}

/* --- JSON ---------------------------------------------------------------------------------- */

static void
member_u64(struct json_writer *json, const char *name, uint64_t number)
{
	json_key(json, name);
	json_u64(json, number);
}

static void
member_text(struct json_writer *json, const char *name, const char *text)
{
	json_key(json, name);
	json_text(json, text);
}

static void
member_kinds(struct json_writer *json, const char *name, const uint64_t counts[KIND_COUNT])
{
	json_key(json, name);
	json_object_begin(json);
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		member_u64(json, kind_name((enum kind)kind), counts[kind]);
	json_object_end(json);
}

static void
filters_json(struct previewing *previewing)
{
	struct json_writer *json = &previewing->json;
	json_key(json, "filters");
	json_array_begin(json);
	for (size_t i = 0; i < previewing->preview->filter_count; i++) {
		const struct profile_filter *filter = &previewing->profile->filters[i];
		const struct preview_filter *counts = &previewing->preview->filters[i];
		json_object_begin(json);
		member_u64(json, "number", i + 1);
		member_text(json, "name", filter->name);
		member_text(json, "action", previewing->profile->actions[filter->action].name);
		member_text(json, "state", state_of(previewing, i));
		member_kinds(json, "entries", counts->entries);
		member_kinds(json, "claims", counts->claims);
		member_u64(json, "matched", counts->matched);
		json_key(json, "asks_missing");
		json_bool(json, asks_missing(filter));
		json_object_end(json);
	}
	json_array_end(json);
}

static void
overlaps_json(struct previewing *previewing)
{
	struct json_writer *json = &previewing->json;
	json_key(json, "overlaps");
	json_array_begin(json);
	for (size_t i = 0; i < previewing->preview->overlap_count; i++) {
		const struct preview_overlap *overlap = &previewing->preview->overlaps[i];
		json_object_begin(json);
		member_text(json, "first", filter_name(previewing, overlap->first));
		member_text(json, "later", filter_name(previewing, overlap->later));
		member_u64(json, "claims", overlap->claims);
		json_object_end(json);
	}
	json_array_end(json);
	json_key(json, "overlaps_cut");
	json_bool(json, previewing->preview->overlaps_cut);
}

static void
bytes_json(struct previewing *previewing)
{
	const struct preview *preview = previewing->preview;
	struct json_writer *json = &previewing->json;
	json_key(json, "bytes");
	json_object_begin(json);
	json_key(json, "estimate");
	json_bool(json, true);
	member_u64(json, "total", preview->bytes);
	member_kinds(json, "kinds", preview->bytes_kind);
	member_u64(json, "claims", preview->bytes_claims);
	member_u64(json, "tags", preview->bytes_tags);
	json_object_end(json);
}

static void
limit_json(struct previewing *previewing, size_t i)
{
	const struct preview_limit *limit = &previewing->preview->limits[i];
	struct json_writer *json = &previewing->json;
	json_object_begin(json);
	member_text(json, "kind", previewing->limit_names[i]);
	member_u64(json, "most", limit->most);
	member_u64(json, "selected", limit->selected);
	member_u64(json, "dropped", limit->dropped);
	json_key(json, "by_filter");
	json_array_begin(json);
	for (size_t filter = previewing->preview->filter_count; filter-- > 0;) {
		if (limit->dropped == 0 || limit->dropped_of[filter] == 0)
			continue;
		json_object_begin(json);
		member_text(json, "filter", filter_name(previewing, (uint32_t)filter));
		member_u64(json, "dropped", limit->dropped_of[filter]);
		json_object_end(json);
	}
	json_array_end(json);
	if (limit->dropped > 0) {
		show_json_time(json, "expires", limit->expires);
		member_u64(json, "tied", limit->tied);
		member_u64(json, "tied_dropped", limit->tied_dropped);
	}
	json_object_end(json);
}

static const char *const part_names[] = { "setting", "action", "filter", "exception" };
static const char *const change_names[] = { "added", "removed", "changed", "moved" };

static void
difference_json(void *context, const struct profile_difference *difference)
{
	struct json_writer *json = context;
	json_object_begin(json);
	member_text(json, "part", part_names[difference->part]);
	member_text(json, "change", change_names[difference->change]);
	member_text(json, "name", difference->name);
	member_text(json, "fields", difference->fields);
	json_object_end(json);
}

static enum status
changes_json(struct previewing *previewing, struct fault *fault)
{
	const struct preview_change *change = &previewing->preview->change;
	struct json_writer *json = &previewing->json;
	json_key(json, "changes");
	if (!previewing->preview->compared) {
		json_null(json);
		return STATUS_OK;
	}
	json_object_begin(json);
	member_kinds(json, "gained", change->gained);
	member_kinds(json, "lost", change->lost);
	member_kinds(json, "moved", change->moved);
	json_key(json, "profile");
	json_array_begin(json);
	enum status status = profile_compare(previewing->before, previewing->profile,
					     difference_json, json, fault);
	json_array_end(json);
	json_object_end(json);
	return status;
}

static enum status
preview_json(struct previewing *previewing, struct fault *fault)
{
	const struct preview *preview = previewing->preview;
	struct json_writer *json = &previewing->json;
	json_object_begin(json);
	member_text(json, "profile", previewing->profile->name);
	member_u64(json, "generation", previewing->view->generation);
	show_json_time(json, "now", previewing->options.now);
	json_key(json, "in_force");
	json_bool(json, previewing->in_force);
	member_kinds(json, "entries", preview->entries);
	member_kinds(json, "claims", preview->claims);
	member_kinds(json, "live_entries", preview->live_keys);
	member_kinds(json, "live_claims", preview->live_claims);
	member_u64(json, "expired", preview->expired);
	member_u64(json, "untagged", preview->untagged);
	member_u64(json, "untagged_selected", preview->untagged_selected);
	member_u64(json, "missing_selected", preview->missing_selected);
	filters_json(previewing);
	overlaps_json(previewing);
	bytes_json(previewing);
	json_key(json, "limits");
	json_array_begin(json);
	for (size_t i = 0; i < preview->limit_count; i++)
		limit_json(previewing, i);
	json_array_end(json);
	enum status status = changes_json(previewing, fault);
	json_object_end(json);
	json_line(json);
	if (json_flush(json, stdout) == STATUS_NO_MEMORY && status == STATUS_OK)
		status = fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for the answer");
	return status;
}

/* --- text ------------------------------------------------------------------------------------ */

static void
put_name(const char *name)
{
	putchar('"');
	cli_put(stdout, name, strlen(name));
	putchar('"');
}

static void
put_count(uint64_t number, int width)
{
	char text[SHOW_COUNT_BYTES];
	printf("%*s", width, show_count(number, text));
}

static void
kinds_text(const struct preview *preview)
{
	printf("%-10s %14s %14s %14s %16s\n", "", "selected", "of entries", "claims", "bytes (about)");
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		if (preview->live_keys[kind] == 0)
			continue;
		printf("%-10s ", kind_name((enum kind)kind));
		put_count(preview->entries[kind], 14);
		put_count(preview->live_keys[kind], 15);
		put_count(preview->claims[kind], 15);
		put_count(preview->bytes_kind[kind], 17);
		putchar('\n');
	}
	printf("%-10s ", "all");
	put_count(total(preview->entries), 14);
	put_count(total(preview->live_keys), 15);
	put_count(total(preview->claims), 15);
	put_count(preview->bytes, 17);
	printf("\nuntagged   ");
	put_count(preview->untagged_selected, 14);
	printf(" of the ");
	put_count(preview->untagged, 0);
	puts(" claims without tags are selected");
}

static void
filter_note(const struct previewing *previewing, size_t i)
{
	const char *state = state_of(previewing, i);
	if (strcmp(state, "nothing") == 0)
		fputs("  takes nothing: no live claim has such tags", stdout);
	else if (strcmp(state, "shadowed") == 0)
		fputs("  never matches: filters before it take all that it would", stdout);
	else if (strcmp(state, "disabled") == 0)
		fputs("  disabled", stdout);
	if (asks_missing(&previewing->profile->filters[i]))
		fputs("  asks `is missing`: takes all tagged claims without that tag", stdout);
}

static void
filters_text(const struct previewing *previewing)
{
	const struct preview *preview = previewing->preview;
	size_t width = strlen("FILTER");
	for (size_t i = 0; i < preview->filter_count; i++)
		show_widen(&width, previewing->profile->filters[i].name,
			   strlen(previewing->profile->filters[i].name), SHOWN_WIDTH);
	printf("\n%4s  %-*s %12s %12s %12s\n", "", (int)width, "FILTER", "ENTRIES", "CLAIMS",
	       "ALONE");
	for (size_t i = 0; i < preview->filter_count; i++) {
		const char *name = previewing->profile->filters[i].name;
		printf("%4zu  ", i + 1);
		show_padded(stdout, name, strlen(name), width);
		put_count(total(preview->filters[i].entries), 13);
		put_count(total(preview->filters[i].claims), 13);
		put_count(preview->filters[i].matched, 13);
		filter_note(previewing, i);
		putchar('\n');
	}
}

static void
overlaps_text(const struct previewing *previewing)
{
	const struct preview *preview = previewing->preview;
	if (preview->overlap_count > 0)
		puts("\noverlaps");
	for (size_t i = 0; i < preview->overlap_count && i < SHOWN_OVERLAPS; i++) {
		const struct preview_overlap *overlap = &preview->overlaps[i];
		printf("  filter %u takes ", overlap->first + 1);
		put_count(overlap->claims, 0);
		printf(" claims that filter %u would take\n", overlap->later + 1);
	}
	if (preview->overlap_count > SHOWN_OVERLAPS)
		printf("  and %zu more\n", preview->overlap_count - SHOWN_OVERLAPS);
}

static void
dropped_text(const struct previewing *previewing, const struct preview_limit *limit)
{
	char when[CLOCK_TEXT_BYTES];
	for (size_t i = previewing->preview->filter_count; i-- > 0;) {
		if (limit->dropped_of[i] == 0)
			continue;
		printf("  of filter %zu ", i + 1);
		put_name(filter_name(previewing, (uint32_t)i));
		fputs(": ", stdout);
		put_count(limit->dropped_of[i], 0);
		putchar('\n');
	}
	clock_print(limit->expires, when);
	printf("  filter %u is cut at entries that expire %s: of ", limit->filter + 1, when);
	put_count(limit->tied, 0);
	fputs(" such, the last ", stdout);
	put_count(limit->tied_dropped, 0);
	puts(" by key go");
}

static void
limits_text(const struct previewing *previewing)
{
	for (size_t i = 0; i < previewing->preview->limit_count; i++) {
		const struct preview_limit *limit = &previewing->preview->limits[i];
		printf("\nlimit %s ", previewing->limit_names[i]);
		put_count(limit->most, 0);
		fputs(": ", stdout);
		put_count(limit->selected, 0);
		fputs(" selected, ", stdout);
		put_count(limit->dropped, 0);
		puts(" dropped");
		if (limit->dropped > 0)
			dropped_text(previewing, limit);
	}
}

static void
difference_text(void *context, const struct profile_difference *difference)
{
	(void)context;
	printf("  %s ", part_names[difference->part]);
	put_name(difference->name);
	printf(" %s%s%s\n", change_names[difference->change],
	       difference->fields[0] != '\0' ? ": " : "", difference->fields);
}

static enum status
changes_text(const struct previewing *previewing, struct fault *fault)
{
	const struct preview_change *change = &previewing->preview->change;
	if (!previewing->preview->compared) {
		puts(previewing->in_force ? "\nthis is the profile in force"
					  : "\nno profile of this name is in force");
		return STATUS_OK;
	}
	puts("\nagainst the profile in force, entries");
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		if ((change->gained[kind] | change->lost[kind] | change->moved[kind]) == 0)
			continue;
		printf("  %-8s gained ", kind_name((enum kind)kind));
		put_count(change->gained[kind], 0);
		fputs(", lost ", stdout);
		put_count(change->lost[kind], 0);
		fputs(", with another action ", stdout);
		put_count(change->moved[kind], 0);
		putchar('\n');
	}
	return profile_compare(previewing->before, previewing->profile, difference_text, NULL,
			       fault);
}

static enum status
preview_text(const struct previewing *previewing, struct fault *fault)
{
	printf("profile    ");
	cli_put(stdout, previewing->profile->name, strlen(previewing->profile->name));
	printf(" on generation %" PRIu64 "\n\n", previewing->view->generation);
	kinds_text(previewing->preview);
	filters_text(previewing);
	overlaps_text(previewing);
	limits_text(previewing);
	return changes_text(previewing, fault);
}

/* --- the command ------------------------------------------------------------------------------- */

/* The name that is asked for, as it stands in a table; NULL if there is none. */
static const char *
limit_kinds(const char *name, size_t length, unsigned *kinds)
{
	enum kind kind;
	if (kind_parse(name, length, &kind)) {
		*kinds = 1u << kind;
		return kind_name(kind);
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (strlen(groups[i].name) == length && memcmp(groups[i].name, name, length) == 0) {
			*kinds = groups[i].kinds;
			return groups[i].name;
		}
	return NULL;
}

/* "kind=N" */
static bool
limit_read(struct previewing *previewing, const char *text)
{
	size_t at = previewing->options.limit_count;
	const char *equals = strchr(text, '=');
	int64_t most;
	if (equals == NULL || at == PREVIEW_LIMITS)
		return false;
	previewing->limit_names[at] = limit_kinds(text, (size_t)(equals - text),
						  &previewing->options.limits[at].kinds);
	if (previewing->limit_names[at] == NULL ||
	    !tag_number_parse(equals + 1, strlen(equals + 1), &most) || most < 0)
		return false;
	previewing->options.limits[at].most = (uint64_t)most;
	previewing->options.limit_count++;
	return true;
}

static enum status
profile_open(struct previewing *previewing, const char *word, struct fault *fault)
{
	const struct catalog *catalog = &previewing->view->catalog;
	char *text;
	size_t length;
	enum status status = verdict_profile_text(previewing->view, word, &text, &length, fault);
	if (status != STATUS_OK)
		return status;
	status = profile_parse(text, length, catalog, &previewing->profile, fault);
	free(text);
	if (status != STATUS_OK && fault->where[0] == '\0')
		snprintf(fault->where, sizeof(fault->where), "%s", word);
	return status;
}

/* The stored profile of the same name, if it says something else. */
static enum status
before_open(struct previewing *previewing, struct fault *fault)
{
	const char *name = previewing->profile->name;
	const struct catalog *catalog = &previewing->view->catalog;
	const struct profile_row *row = catalog_profile(catalog, name, strlen(name));
	char *text;
	size_t length;
	if (row == NULL)
		return STATUS_OK;
	enum status status = profile_print(previewing->profile, &text, &length, fault);
	if (status != STATUS_OK)
		return status;
	previewing->in_force = length == row->text_length && memcmp(text, row->text, length) == 0;
	free(text);
	if (!previewing->in_force)
		status = profile_parse(row->text, row->text_length, catalog, &previewing->before,
				       fault);
	return status;
}

static int
preview_view(struct previewing *previewing, const char *word)
{
	struct fault fault = {0};
	enum status status = profile_open(previewing, word, &fault);
	if (status == STATUS_OK)
		status = before_open(previewing, &fault);
	previewing->options.before = previewing->before;
	if (status == STATUS_OK)
		status = preview_new(previewing->view, previewing->profile, &previewing->options,
				     &previewing->preview, &fault);
	if (status == STATUS_OK)
		status = previewing->cli->json ? preview_json(previewing, &fault)
					       : preview_text(previewing, &fault);
	if (status != STATUS_OK)
		return cli_error(previewing->cli, &fault);
	return total(previewing->preview->entries) > 0 ? CLI_FOUND : CLI_NOTHING;
}

static int
preview_run(struct cli *cli, int argc, char **argv)
{
	struct previewing previewing = {.cli = cli};
	struct fault fault = {0};
	struct store *store;
	struct view *view;
	int option;
	while ((option = cli_option(cli, argc, argv)) > 0)
		if (!limit_read(&previewing, cli->value))
			return cli_usage(cli, "--limit '%s': expected KIND=N, KIND one of ipv4 ipv6 "
					 "domain url sha1 sha256 ip hash all, at most %d times", cli->value,
					 PREVIEW_LIMITS);
	if (option < 0)
		return cli->status;
	if (cli->operand_count != 1)
		return cli_usage(cli, "takes one PROFILE");
	if (store_open(cli->store, &store, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	cli_recovered(cli, &fault);
	previewing.view = view = store_view_take(store);
	previewing.options.now = cli->now;
	option = preview_view(&previewing, cli->operands[0]);
	if (view_unchanged(view, &fault) != STATUS_OK)
		option = cli_error(cli, &fault);
	preview_free(previewing.preview);
	profile_free(previewing.before);
	profile_free(previewing.profile);
	json_fini(&previewing.json);
	view_drop(view);
	store_close(store);
	return option;
}

const struct cli_command cmd_preview = {
	.name = "preview",
	.usage = "[--limit KIND=N]... PROFILE",
	.summary = "show what a profile would select, before anything is distributed",
	.about = "Counts what the filters of a profile select out of the store: entries and claims "
		 "by kind and filter, what filters take from each other, filters that can never "
		 "match, how large the snapshot is about, what a device with limits would drop, and "
		 "what changes against the profile of that name that is in force.\n\n"
		 "PROFILE is the name of one that `repute profile import` stored, or a file: if there is "
		 "one and it has a / in it or ends in .ini, or if the store has none of that name.\n\n"
		 "An entry counts for the first filter that takes one of its claims; ALONE is what a "
		 "filter would take if none stood before it. At a limit entries of the last filter "
		 "go first, of one filter those that expire soonest, of those the last by key.\n\n"
		 "Exit status 1 if nothing is selected.",
	.options = preview_options,
	.examples = "  repute preview perimeter\n"
		    "  repute preview draft.ini --limit hash=35000 --limit url=100000\n"
		    "  repute preview draft.ini --json | jq '.filters[] | select(.state != \"active\")'\n",
	.run = preview_run,
};
