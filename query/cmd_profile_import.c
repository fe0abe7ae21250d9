/* SPDX-License-Identifier: Apache-2.0 */
/* `repute profile import`: read, compare with the one in force, put. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"
#include "engine/json.h"
#include "engine/store.h"
#include "query/cmd_profile.h"

#define PARTS (PROFILE_EXCEPTION + 1)
#define CHANGES (PROFILE_MOVED + 1)

static const char *const part_words[PARTS] = {"setting", "action", "filter", "exception"};
static const char *const change_words[CHANGES] = {"added", "removed", "changed", "moved"};

struct importing {
	struct cli *cli;
	const char *path;
	char *text;             /* as read */
	size_t length;
	struct profile *now, *next;
	char *canonical;
	size_t canonical_length;
	bool same;              /* as the one in force */
	size_t counts[PARTS][CHANGES];
	struct json_writer json;
};

static void
importing_clear(struct importing *importing)
{
	profile_free(importing->now);
	profile_free(importing->next);
	free(importing->canonical);
	importing->now = importing->next = NULL;
	importing->canonical = NULL;
}

/* --- reading --------------------------------------------------------------------------- */

static enum status
text_too_long(struct fault *fault)
{
	return fault_set(fault, STATUS_LIMIT, NULL, 0, "a profile of more than %u bytes",
			 LIMIT_PROFILE_BYTES);
}

static enum status
stdin_read(struct importing *importing, struct fault *fault)
{
	size_t room = LIMIT_PROFILE_BYTES + 1;
	importing->text = malloc(room);
	if (importing->text == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a profile");
	importing->length = fread(importing->text, 1, room, stdin);
	if (ferror(stdin))
		return fault_set(fault, STATUS_IO, NULL, 0, "cannot be read");
	return importing->length == room ? text_too_long(fault) : STATUS_OK;
}

static enum status
file_read(struct importing *importing, struct fault *fault)
{
	struct file_map map;
	enum status status = file_map_open(importing->path, &map, fault);
	if (status != STATUS_OK)
		return status;
	if (map.length > LIMIT_PROFILE_BYTES)
		status = text_too_long(fault);
	else if ((importing->text = malloc(map.length + 1)) == NULL)
		status = fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a profile");
	else if (map.length > 0)
		memcpy(importing->text, map.bytes, map.length);
	importing->length = map.length;
	file_map_close(&map);
	return status;
}

/* Faults of what was read name the file, or stdin. */
static void
name_file(const struct importing *importing, struct fault *fault)
{
	if (fault->where[0] == '\0')
		snprintf(fault->where, sizeof(fault->where), "%s",
			 strcmp(importing->path, "-") == 0 ? "stdin" : importing->path);
}

/* --- what changes ------------------------------------------------------------------------ */

static void
difference_count(void *context, const struct profile_difference *difference)
{
	struct importing *importing = context;
	importing->counts[difference->part][difference->change]++;
}

static void
difference_print(void *context, const struct profile_difference *difference)
{
	bool named = difference->part != PROFILE_SETTING;
	printf("  %s %s", part_words[difference->part], named ? "\"" : "");
	cli_put(stdout, difference->name, strlen(difference->name));
	printf("%s %s", named ? "\"" : "", change_words[difference->change]);
	if (difference->fields[0] != '\0')
		printf(": %s", difference->fields);
	if (difference->part == PROFILE_FILTER && difference->change == PROFILE_MOVED)
		printf(" from %zu to %zu", difference->before + 1, difference->after + 1);
	if (difference->part == PROFILE_FILTER && difference->change == PROFILE_ADDED)
		printf(" as %zu", difference->after + 1);
	putchar('\n');
}

static void
json_place(struct json_writer *json, const char *name, size_t place)
{
	json_key(json, name);
	if (place == SIZE_MAX)
		json_null(json);
	else
		json_u64(json, place + 1);
}

static void
difference_json(void *context, const struct profile_difference *difference)
{
	struct json_writer *json = &((struct importing *)context)->json;
	json_object_begin(json);
	json_key(json, "part");
	json_text(json, part_words[difference->part]);
	json_key(json, "name");
	json_text(json, difference->name);
	json_key(json, "change");
	json_text(json, change_words[difference->change]);
	json_place(json, "before", difference->before);
	json_place(json, "after", difference->after);
	json_key(json, "fields");
	json_text(json, difference->fields);
	json_object_end(json);
}

/* Against the catalogue that it will stand in. */
static enum status
prepare(struct importing *importing, const struct catalog *catalog, struct fault *fault)
{
	enum status status = profile_parse(importing->text, importing->length, catalog,
					   &importing->next, fault);
	if (status == STATUS_OK)
		status = profile_print(importing->next, &importing->canonical,
				       &importing->canonical_length, fault);
	if (status != STATUS_OK)
		return status;
	const char *name = importing->next->name;
	const struct profile_row *row = catalog_profile(catalog, name, strlen(name));
	importing->same = row != NULL && row->text_length == importing->canonical_length &&
			  memcmp(row->text, importing->canonical, row->text_length) == 0;
	if (row == NULL || importing->same)
		return STATUS_OK;
	status = profile_cmd_parse(row, catalog, &importing->now, fault);
	if (status != STATUS_OK)
		return status;
	return profile_may_replace(importing->now, importing->next, fault);
}

static enum status
prepare_outside(struct importing *importing, uint64_t *generation, struct fault *fault)
{
	struct catalog catalog;
	struct store *store;
	*generation = 0;
	enum status status = store_open(importing->cli->store, &store, fault);
	if (status == STATUS_OK) {
		struct view *view = store_view_take(store);
		*generation = view->generation;
		status = prepare(importing, &view->catalog, fault);
		view_drop(view);
		store_close(store);
		return status;
	}
	if (status == STATUS_MISSING)
		status = catalog_init(&catalog, fault); /* what a new store will have */
	if (status != STATUS_OK)
		return status;
	memset(fault, 0, sizeof(*fault));
	status = prepare(importing, &catalog, fault);
	catalog_fini(&catalog);
	return status;
}

/* --- the report ---------------------------------------------------------------------------- */

static void
report_json(struct importing *importing, uint64_t generation)
{
	struct json_writer *json = &importing->json;
	bool fresh = !importing->same && importing->now == NULL;
	json_object_begin(json);
	json_key(json, "name");
	json_text(json, importing->next->name);
	json_key(json, "new");
	json_bool(json, fresh);
	json_key(json, "changed");
	json_bool(json, !importing->same);
	for (size_t part = 0; part < PARTS; part++) {
		static const char *const plural[PARTS] = {"settings", "actions", "filters",
							  "exceptions"};
		json_key(json, plural[part]);
		json_object_begin(json);
		for (size_t change = 0; change < CHANGES; change++) {
			json_key(json, change_words[change]);
			json_u64(json, importing->counts[part][change]);
		}
		json_object_end(json);
	}
	json_key(json, "differences");
	json_array_begin(json);
	if (!importing->same && !fresh)
		profile_compare(importing->now, importing->next, difference_json, importing, NULL);
	json_array_end(json);
	json_key(json, "generation");
	json_u64(json, generation);
	json_object_end(json);
	json_line(json);
	cli_json_flush(json);
}

static void
report_text(struct importing *importing, uint64_t generation)
{
	const struct profile *next = importing->next;
	cli_put(stdout, next->name, strlen(next->name));
	if (importing->same)
		printf(": unchanged");
	else if (importing->now == NULL)
		printf(": new, with %zu filter%s, %zu action%s, %zu exception%s", COUNTED(next->filter_count),
		       COUNTED(next->action_count), COUNTED(next->exception_count));
	else
		printf(": filters %zu added, %zu removed, %zu changed, %zu moved",
		       importing->counts[PROFILE_FILTER][PROFILE_ADDED],
		       importing->counts[PROFILE_FILTER][PROFILE_REMOVED],
		       importing->counts[PROFILE_FILTER][PROFILE_CHANGED],
		       importing->counts[PROFILE_FILTER][PROFILE_MOVED]);
	printf("; generation %" PRIu64 "\n", generation);
	if (importing->now != NULL)
		profile_compare(importing->now, next, difference_print, importing, NULL);
}

static enum status
report(struct importing *importing, uint64_t generation, struct fault *fault)
{
	enum status status = STATUS_OK;
	memset(importing->counts, 0, sizeof(importing->counts));
	if (!importing->same)
		status = profile_compare(importing->now, importing->next, difference_count, importing,
					 fault);
	if (status != STATUS_OK)
		return status;
	if (importing->cli->json)
		report_json(importing, generation);
	else if (!importing->cli->quiet)
		report_text(importing, generation);
	return STATUS_OK;
}

/* --- putting ------------------------------------------------------------------------------- */

static enum status
put(struct importing *importing, bool wait, uint64_t *generation, struct fault *fault)
{
	struct store_write *write;
	enum status status = store_write_begin(importing->cli->store, wait, NULL, &write, fault);
	if (status != STATUS_OK)
		return status;
	cli_recovered(importing->cli, fault);
	struct catalog *catalog = store_write_catalog(write);
	importing_clear(importing); /* another writer may have been here since */
	status = prepare(importing, catalog, fault);
	if (status == STATUS_OK && !importing->same)
		status = catalog_profile_put(catalog, importing->next->name,
					     strlen(importing->next->name), importing->canonical,
					     importing->canonical_length, importing->cli->now, fault);
	if (status != STATUS_OK) {
		store_write_abort(write);
		return status;
	}
	if (!importing->same)
		store_write_touch(write);
	return store_write_commit(write, importing->cli->now, false, generation, fault);
}

int
profile_cmd_import(struct cli *cli, const char *path, bool wait, bool dry_run)
{
	struct importing importing = {.cli = cli, .path = path};
	struct fault fault = {0};
	uint64_t generation = 0;
	enum status status = strcmp(path, "-") == 0 ? stdin_read(&importing, &fault)
						    : file_read(&importing, &fault);
	if (status == STATUS_OK)
		status = prepare_outside(&importing, &generation, &fault);
	/* the same already: nothing to put, but what is in force may not be on the disk yet (W1) */
	if (status == STATUS_OK && !dry_run)
		status = put(&importing, wait, &generation, &fault);
	if (status == STATUS_LIMIT || status == STATUS_PROFILE || status == STATUS_IO)
		name_file(&importing, &fault);
	if (status == STATUS_OK && dry_run)
		cli_note(cli, "dry run: nothing was changed");
	if (status == STATUS_OK)
		status = report(&importing, generation, &fault);
	importing_clear(&importing);
	json_fini(&importing.json);
	free(importing.text);
	return status == STATUS_OK ? CLI_FOUND : cli_error(cli, &fault);
}
