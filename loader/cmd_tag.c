/* SPDX-License-Identifier: Apache-2.0 */
/* `repute tag list|add|remove|import|export`: the tag categories of a store. */
#include "loader/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/category.h"
#include "engine/store.h"
#include "loader/change.h"
#include "loader/json_gate.h"
#include "loader/tag_file.h"

enum { OPTION_TYPE = 1, OPTION_VALUES, OPTION_MIN, OPTION_MAX, OPTION_DESCRIPTION, OPTION_WAIT };

static const struct cli_option tag_options[] = {
	{OPTION_TYPE, "type", 't', "TYPE", "text list date yesno number", "add: what its values are"},
	{OPTION_VALUES, "values", 0, "A,B", NULL, "add, list: the values there are"},
	{OPTION_MIN, "min", 0, "N", NULL, "add, number: the smallest value"},
	{OPTION_MAX, "max", 0, "N", NULL, "add, number: the largest value"},
	{OPTION_DESCRIPTION, "description", 0, "TEXT", NULL, "add: what it means"},
	{OPTION_WAIT, "wait", 'w', NULL, NULL, "wait for another writer instead of giving up"},
	{0}
};

struct tag_change {
	struct cli *cli;
	struct tag_category category;
	bool typed, bounded_below, bounded_above, wait;
};

/* --- list ------------------------------------------------------------------------------ */

static void
print_text(const struct tag_category *category)
{
	int width = 38 - (int)strlen(category->name);
	cli_put(stdout, category->name, strlen(category->name));
	printf("%*s%-7s %s", width > 1 ? width : 1, "", tag_type_name(category->type),
	       category->service ? "service " : "");
	if (category->type == TAG_NUMBER)
		printf("%" PRId64 "..%" PRId64, category->min, category->max);
	for (size_t i = 0; category->type == TAG_LIST && i < category->value_count; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		cli_put(stdout, category->values[i], strlen(category->values[i]));
	}
	putchar('\n');
}

static enum status
catalog_read(const struct cli *cli, struct catalog *catalog, struct fault *fault)
{
	struct store *store;
	enum status status = store_open(cli->store, &store, fault);
	if (status == STATUS_MISSING)
		return catalog_init(catalog, fault); /* what a new store will have */
	if (status != STATUS_OK)
		return status;
	struct view *view = store_view_take(store);
	status = catalog_copy(&view->catalog, catalog, fault);
	view_drop(view);
	store_close(store);
	return status;
}

static void
print_json(struct json_writer *json, const struct tag_category *category)
{
	tag_file_write(json, category);
	json_line(json);
	cli_json_flush(json);
}

static int
tag_list(struct cli *cli)
{
	struct fault fault = {0};
	struct catalog catalog;
	struct json_writer json = {0};
	if (catalog_read(cli, &catalog, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	for (size_t i = 0; i < catalog.category_count; i++) {
		if (cli->json)
			print_json(&json, catalog.categories[i]);
		else
			print_text(catalog.categories[i]);
	}
	json_fini(&json);
	catalog_fini(&catalog);
	return CLI_FOUND;
}

/* --- export, import ---------------------------------------------------------------------- */

/* A category a line: JSON as a whole, and friendly to diff. */
static int
tag_export(struct cli *cli)
{
	struct fault fault = {0};
	struct catalog catalog;
	struct json_writer json = {0};
	if (catalog_read(cli, &catalog, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	fputs("{\"categories\":[", stdout);
	for (size_t i = 0; i < catalog.category_count; i++) {
		fputs(i > 0 ? ",\n" : "\n", stdout);
		tag_file_write(&json, catalog.categories[i]);
		cli_json_flush(&json);
	}
	puts("\n]}");
	json_fini(&json);
	catalog_fini(&catalog);
	return CLI_FOUND;
}

struct tag_import {
	struct catalog *catalog;
	uint64_t read, added, changed, unchanged;
};

/* What the category has and the file's does not: a category never shrinks. */
static enum status
check_shrink(const struct tag_category *old, const struct tag_category *category,
	     struct fault *fault)
{
	if (old->type != category->type)
		return STATUS_OK; /* for catalog_category_put to refuse */
	for (size_t i = 0; old->type == TAG_LIST && i < old->value_count; i++)
		if (!category_value_find(category, old->values[i], strlen(old->values[i])))
			return fault_set(fault, STATUS_REFUSED, NULL, 0,
					 "category \"%s\" has the value \"%s\", which is not in the "
					 "file; a category never shrinks", old->name, old->values[i]);
	if (old->type == TAG_NUMBER && (category->min > old->min || category->max < old->max))
		return fault_set(fault, STATUS_REFUSED, NULL, 0,
				 "category \"%s\" goes from %" PRId64 " to %" PRId64
				 ", which is more than in the file; a category never shrinks",
				 old->name, old->min, old->max);
	return STATUS_OK;
}

static enum status
import_category(void *context, const struct tag_category *row, struct fault *fault)
{
	struct tag_import *import = context;
	struct tag_category category = *row;
	const struct tag_category *old =
		catalog_category(import->catalog, row->name, strlen(row->name));
	import->read++;
	if (old == NULL) {
		import->added++;
		return catalog_category_put(import->catalog, &category, fault);
	}
	/* Only a service changes what belongs to one, and a file is none. */
	category.service = false;
	if (category.description == NULL)
		category.description = old->description;
	if (category_same(old, &category)) {
		import->unchanged++;
		return STATUS_OK;
	}
	import->changed++;
	enum status status = check_shrink(old, &category, fault);
	return status == STATUS_OK ? catalog_category_put(import->catalog, &category, fault)
				   : status;
}

static void
import_report(const struct cli *cli, const struct tag_import *import, uint64_t generation)
{
	struct json_writer json = {0};
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"read", import->read},           {"added", import->added},
		{"changed", import->changed},     {"unchanged", import->unchanged},
		{"generation", generation},
	};
	if (!cli->json && !cli->quiet)
		printf("tag categories: read %" PRIu64 ", added %" PRIu64 ", changed %" PRIu64
		       ", unchanged %" PRIu64 "; generation %" PRIu64 "\n", import->read,
		       import->added, import->changed, import->unchanged, generation);
	if (!cli->json)
		return;
	json_object_begin(&json);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_key(&json, rows[i].name);
		json_u64(&json, rows[i].value);
	}
	json_object_end(&json);
	json_line(&json);
	cli_json_flush(&json);
	json_fini(&json);
}

static enum status
import_write(struct tag_change *change, const char *name, const char *bytes, size_t length,
	     struct fault *fault)
{
	struct store_write *write;
	struct tag_import import = {0};
	uint64_t generation;
	enum status status = store_write_begin(change->cli->store, change->wait, NULL, &write, fault);
	if (status != STATUS_OK)
		return status;
	cli_recovered(change->cli, fault);
	import.catalog = store_write_catalog(write);
	status = tag_file_read(name, bytes, length, import_category, &import, fault);
	if (status != STATUS_OK) {
		store_write_abort(write);
		return status;
	}
	if (import.added + import.changed > 0)
		store_write_touch(write);
	status = store_write_commit(write, change->cli->now, false, &generation, fault);
	if (status == STATUS_OK)
		import_report(change->cli, &import, generation);
	return status;
}

static int
tag_import(struct tag_change *change, const char *path)
{
	const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
	struct fault fault = {0};
	char *bytes = NULL;
	size_t length = 0;
	enum status status = change_read_file(path, name, JSON_GATE_BYTES, &bytes, &length, &fault);
	if (status == STATUS_OK)
		status = import_write(change, name, bytes, length, &fault);
	free(bytes);
	return status == STATUS_OK ? CLI_FOUND : cli_error(change->cli, &fault);
}

/* --- add, remove -------------------------------------------------------------------------- */

static bool
is_used(const struct view *view, const char *name, size_t length)
{
	for (uint32_t layer = 0; layer < view->layer_count; layer++) {
		const struct segment *segment = &view->layer[layer].segment;
		for (uint32_t i = 0; i < segment->tags.count; i++) {
			struct tag_cursor cursor = {0};
			struct tag_view tag;
			cursor.bytes = segment_tags(segment, i, &cursor.length);
			while (tag_next(&cursor, &tag))
				if (tag.name_length == length &&
				    memcmp(tag.name, name, length) == 0)
					return true;
		}
	}
	return false;
}

enum status (*cmd_tag_may_remove)(const struct catalog *catalog, const char *name, size_t length,
				   struct fault *fault);

static enum status
remove_category(struct store_write *write, const char *name, struct fault *fault)
{
	struct catalog *catalog = store_write_catalog(write);
	const struct tag_category *category = catalog_category(catalog, name, strlen(name));
	enum status status = STATUS_OK;
	if (category != NULL && is_used(store_write_view(write), category->name,
					strlen(category->name)))
		return fault_set(fault, STATUS_REFUSED, NULL, 0,
				 "entries have the tag '%s'; it stays as long as they do", name);
	if (category != NULL && cmd_tag_may_remove != NULL)
		status = cmd_tag_may_remove(catalog, category->name, strlen(category->name), fault);
	return status == STATUS_OK ? catalog_category_remove(catalog, name, strlen(name), fault)
				   : status;
}

static int
tag_write(struct tag_change *change, const char *name, bool removing)
{
	struct store_write *write;
	struct fault fault = {0};
	uint64_t generation;
	change->category.name = (char *)(uintptr_t)name;
	enum status status = removing ? change_store_exists(change->cli->store, &fault) : STATUS_OK;
	if (status == STATUS_OK)
		status = store_write_begin(change->cli->store, change->wait, NULL, &write, &fault);
	if (status != STATUS_OK)
		return cli_error(change->cli, &fault);
	cli_recovered(change->cli, &fault);
	status = removing ? remove_category(write, name, &fault)
			  : catalog_category_put(store_write_catalog(write), &change->category,
						 &fault);
	bool absent = removing && status == STATUS_MISSING;
	if (status == STATUS_OK) {
		store_write_touch(write);
		status = store_write_commit(write, change->cli->now, false, &generation, &fault);
	} else {
		store_write_abort(write);
	}
	if (absent) {
		cli_note(change->cli, "there is no tag category '%s'", name);
		return CLI_NOTHING;
	}
	return status == STATUS_OK ? CLI_FOUND : cli_error(change->cli, &fault);
}

/* Split "A,B" in place: the values point into it. */
static int
split_values(struct tag_change *change, char *text)
{
	static char *values[LIMIT_LIST_VALUES];
	size_t count = 0;
	for (char *rest = text; rest != NULL;) {
		char *comma = strchr(rest, ',');
		if (count == LIMIT_LIST_VALUES)
			return cli_usage(change->cli, "a list has at most %d values",
					 LIMIT_LIST_VALUES);
		if (comma != NULL)
			*comma++ = '\0';
		values[count++] = rest;
		rest = comma;
	}
	change->category.values = values;
	change->category.value_count = count;
	return CLI_FOUND;
}

static int
take_number(struct tag_change *change, int64_t *number, bool *given)
{
	char *end;
	const char *text = change->cli->value;
	errno = 0;
	*number = strtoll(text, &end, 10);
	*given = true;
	if (errno != 0 || *end != '\0' || end == text)
		return cli_usage(change->cli, "'%s' is not a whole number", text);
	return CLI_FOUND;
}

static int
take_option(struct tag_change *change, int option)
{
	struct cli *cli = change->cli;
	switch (option) {
	case OPTION_TYPE:
		change->typed = true;
		if (!tag_type_parse(cli->value, strlen(cli->value), &change->category.type))
			return cli_usage(cli, "no type '%s'; there are text list date yesno number",
					 cli->value);
		break;
	case OPTION_VALUES:
		return split_values(change, (char *)(uintptr_t)cli->value);
	case OPTION_MIN:
		return take_number(change, &change->category.min, &change->bounded_below);
	case OPTION_MAX:
		return take_number(change, &change->category.max, &change->bounded_above);
	case OPTION_DESCRIPTION:
		change->category.description = (char *)(uintptr_t)cli->value;
		break;
	default:
		change->wait = true;
	}
	return CLI_FOUND;
}

static int
tag_add(struct tag_change *change, const char *name)
{
	if (!change->typed)
		return cli_usage(change->cli, "tag add needs --type");
	if (change->category.type == TAG_LIST && change->category.value_count == 0)
		return cli_usage(change->cli, "a list needs --values A,B");
	if (change->category.type == TAG_NUMBER &&
	    (!change->bounded_below || !change->bounded_above))
		return cli_usage(change->cli, "a number needs --min and --max");
	return tag_write(change, name, false);
}

static int
tag_run(struct cli *cli, int argc, char **argv)
{
	struct tag_change change = {.cli = cli};
	int option;
	while ((option = cli_option(cli, argc, argv)) > 0) {
		int status = take_option(&change, option);
		if (status != CLI_FOUND)
			return status;
	}
	if (option < 0)
		return cli->status;
	const char *verb = cli->operand_count > 0 ? cli->operands[0] : "list";
	if (strcmp(verb, "list") == 0 && cli->operand_count <= 1)
		return tag_list(cli);
	if (strcmp(verb, "add") == 0 && cli->operand_count == 2)
		return tag_add(&change, cli->operands[1]);
	if (strcmp(verb, "remove") == 0 && cli->operand_count == 2)
		return tag_write(&change, cli->operands[1], true);
	if (strcmp(verb, "import") == 0 && cli->operand_count == 2)
		return tag_import(&change, cli->operands[1]);
	if (strcmp(verb, "export") == 0 && cli->operand_count == 1)
		return tag_export(cli);
	return cli_usage(cli, "tag list, tag add NAME --type TYPE, tag remove NAME, "
			      "tag import FILE, or tag export");
}

const struct cli_command cmd_tag = {
	.name = "tag",
	.usage = "list | add NAME --type TYPE [options] | remove NAME | import FILE | export",
	.summary = "the tag categories of a store",
	.about = "A category has a name and a type that never changes: text, list, date, yesno or "
		 "number. Adding one again with more list values or a wider range widens it. "
		 "Service-owned categories, and those that entries or profiles have, cannot be "
		 "removed.\n\n"
		 "Export writes all categories as one JSON object, "
		 "{\"categories\":[{\"name\":...,\"type\":...},...]}. Import reads that, an "
		 "array, or the lines of tag list --json; - is standard input. A category that is "
		 "known already is not made twice: it may grow, but a file in which it has "
		 "another type, fewer values or a narrower range is refused as a whole.",
	.options = tag_options,
	.examples = "  repute tag export >tags.json; repute --store other tag import tags.json\n"
		    "  repute tag add Team --type list --values 'red,blue'\n"
		    "  repute tag add Score --type number --min 1 --max 100\n",
	.run = tag_run,
};
