/* SPDX-License-Identifier: Apache-2.0 */
/* `repute source list|set|remove`: who says things, and their defaults. */
#include "loader/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/json.h"
#include "loader/change.h"

enum { OPTION_PRIORITY = 1, OPTION_TTL, OPTION_DESCRIPTION, OPTION_WAIT };

static const struct cli_option source_options[] = {
	{OPTION_PRIORITY, "priority", 'p', "N", NULL,
	 "set: whose claim comes first on one key, lowest first; 100 if never set"},
	{OPTION_TTL, "ttl", 0, "DURATION", NULL,
	 "set: how long its claims live if nothing else says; 0 = ten years"},
	{OPTION_DESCRIPTION, "description", 0, "TEXT", NULL, "set: what it is"},
	{OPTION_WAIT, "wait", 'w', NULL, NULL, "wait for another writer instead of giving up"},
	{0}
};

struct source_change {
	struct cli *cli;
	uint64_t ttl;
	uint32_t priority;
	const char *description;
	bool has_ttl, has_priority, wait;
};

static void
print_json(struct json_writer *json, const struct source_row *row)
{
	char time[CLOCK_TEXT_BYTES];
	json_object_begin(json);
	json_key(json, "name");
	json_text(json, row->name);
	json_key(json, "priority");
	json_u64(json, row->priority);
	json_key(json, "ttl");
	json_u64(json, row->ttl_seconds);
	json_key(json, "description");
	json_text(json, row->description);
	json_key(json, "last_import");
	clock_print(row->last_import, time);
	json_text(json, row->last_import == 0 ? NULL : time);
	json_key(json, "last_count");
	json_u64(json, row->last_count);
	json_object_end(json);
	json_line(json);
	cli_json_flush(json);
}

static void
print_text(const struct source_row *row)
{
	char time[CLOCK_TEXT_BYTES];
	int width = 32 - (int)strlen(row->name);
	clock_print(row->last_import, time);
	cli_put(stdout, row->name, strlen(row->name));
	printf("%*spriority %-4" PRIu32 " last import %s, %" PRIu64 " values", width > 1 ? width : 1,
	       "", row->priority, row->last_import == 0 ? "never" : time, row->last_count);
	if (row->ttl_seconds != 0)
		printf(", ttl %" PRIu64 " s", row->ttl_seconds);
	if (row->description != NULL && row->description[0] != '\0') {
		fputs("  ", stdout);
		cli_put(stdout, row->description, strlen(row->description));
	}
	putchar('\n');
}

static int
source_list(struct cli *cli)
{
	struct store *store;
	struct fault fault = {0};
	struct json_writer json = {0};
	if (store_open(cli->store, &store, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	struct view *view = store_view_take(store);
	size_t count = view->catalog.source_count;
	for (size_t i = 0; i < count; i++) {
		if (cli->json)
			print_json(&json, view->catalog.sources[i]);
		else
			print_text(view->catalog.sources[i]);
	}
	json_fini(&json);
	view_drop(view);
	store_close(store);
	return count > 0 ? CLI_FOUND : CLI_NOTHING;
}

static enum status
set_row(const struct source_change *change, struct source_row *row, struct fault *fault)
{
	if (change->has_ttl)
		row->ttl_seconds = change->ttl;
	if (change->has_priority)
		row->priority = change->priority;
	if (change->description == NULL)
		return STATUS_OK;
	return catalog_source_describe(row, change->description, strlen(change->description), fault);
}

static int
source_set(const struct source_change *change, const char *name)
{
	struct store_write *write;
	struct source_row *row;
	struct fault fault = {0};
	uint64_t generation;
	enum status status = store_write_begin(change->cli->store, change->wait, NULL, &write,
					       &fault);
	if (status != STATUS_OK)
		return cli_error(change->cli, &fault);
	cli_recovered(change->cli, &fault);
	status = catalog_source_put(store_write_catalog(write), name, strlen(name), &row, &fault);
	if (status == STATUS_OK)
		status = set_row(change, row, &fault);
	if (status == STATUS_OK) {
		store_write_touch(write);
		status = store_write_commit(write, change->cli->now, false, &generation, &fault);
	} else {
		store_write_abort(write);
	}
	return status == STATUS_OK ? CLI_FOUND : cli_error(change->cli, &fault);
}

static enum status
find_source(const char *directory, const char *name, bool *known, struct fault *fault)
{
	struct store *store;
	enum status status = store_open(directory, &store, fault);
	if (status != STATUS_OK)
		return status;
	struct view *view = store_view_take(store);
	*known = catalog_source(&view->catalog, name, strlen(name)) != NULL;
	view_drop(view);
	store_close(store);
	return STATUS_OK;
}

static int
source_remove(const struct source_change *change, const char *name)
{
	struct ingest_options options = {.source = name, .kind = KIND_ANY, .wait = change->wait,
					 .max_rejects = INGEST_NO_LIMIT,
					 .max_rejects_percent = 101, .max_shrink_percent = 101};
	struct ingest_result result = {.format = "source"};
	struct ingest *ingest;
	struct fault fault = {0};
	bool known = false;
	enum status status = find_source(change->cli->store, name, &known, &fault);
	if (status == STATUS_OK)
		status = ingest_new(change->cli->store, &options, change->cli->now, &ingest,
				    &fault);
	if (status == STATUS_OK) {
		status = ingest_remove_source(ingest, &fault);
		if (status == STATUS_OK)
			status = ingest_commit(ingest, &result, &fault);
		ingest_free(ingest);
	}
	if (status != STATUS_OK)
		return cli_error(change->cli, &fault);
	change_report(change->cli, name, &result);
	if (!known && result.counts.removed == 0) {
		cli_note(change->cli, "there is no source '%s'", name);
		return CLI_NOTHING;
	}
	return CLI_FOUND;
}

static int
take_option(struct source_change *change, int option)
{
	const char *value = change->cli->value;
	struct fault fault = {0};
	char *end;
	switch (option) {
	case OPTION_PRIORITY:
		change->has_priority = true;
		change->priority = (uint32_t)strtoul(value, &end, 10);
		if (value[0] < '0' || value[0] > '9' || *end != '\0' || strlen(value) > 9)
			return cli_usage(change->cli, "'%s' is not a priority", value);
		break;
	case OPTION_TTL:
		change->has_ttl = true;
		if (clock_parse_duration(value, strlen(value), &change->ttl, &fault) != STATUS_OK)
			return cli_error(change->cli, &fault);
		break;
	case OPTION_DESCRIPTION:
		change->description = value;
		break;
	default:
		change->wait = true;
	}
	return CLI_FOUND;
}

static int
source_run(struct cli *cli, int argc, char **argv)
{
	struct source_change change = {.cli = cli};
	int option;
	while ((option = cli_option(cli, argc, argv)) > 0) {
		int status = take_option(&change, option);
		if (status != CLI_FOUND)
			return status;
	}
	if (option < 0)
		return cli->status;
	const char *verb = cli->operand_count > 0 ? cli->operands[0] : "list";
	bool setting = change.has_ttl || change.has_priority || change.description != NULL;
	if (setting && strcmp(verb, "set") != 0)
		return cli_usage(cli, "--priority, --ttl and --description are for source set");
	if (strcmp(verb, "list") == 0 && cli->operand_count <= 1)
		return source_list(cli);
	if (strcmp(verb, "set") == 0 && cli->operand_count == 2)
		return source_set(&change, cli->operands[1]);
	if (strcmp(verb, "remove") == 0 && cli->operand_count == 2)
		return source_remove(&change, cli->operands[1]);
	return cli_usage(cli, "source list, source set NAME [options], or source remove NAME");
}

const struct cli_command cmd_source = {
	.name = "source",
	.usage = "list | set NAME [options] | remove NAME",
	.summary = "who says things: defaults, priority, last import",
	.about = "A source is made by its first import. set changes its defaults (or makes it "
		 "beforehand); remove takes back everything it says and forgets it.",
	.options = source_options,
	.examples = "  repute source set drop --ttl 7d --priority 10\n",
	.run = source_run,
};
