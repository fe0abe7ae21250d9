/* SPDX-License-Identifier: Apache-2.0 */
/* Steps done to a store, and a store read as lines (power_world.h). */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/canon.h"
#include "engine/cli.h"
#include "engine/store_state.h"
#include "engine/sweep.h"
#include "loader/commands.h"
#include "loader/ingest.h"
#include "query/commands.h"
#include "query/profile_uses.h"
#include "tests/power_log.h"
#include "tests/power_world.h"

/* --- reading ------------------------------------------------------------------------------------ */

static void
claim_tag(const struct segment *segment, uint32_t index, char *text, size_t size)
{
	struct tag_cursor cursor = {0};
	struct tag_view tag;
	size_t length;
	cursor.bytes = segment_tags(segment, index, &cursor.length);
	if (cursor.length == 0 || !tag_next(&cursor, &tag) || tag.value_count == 0)
		return;
	const char *value = tag_value(&tag, 0, &length);
	size_t used = strlen(text);
	snprintf(text + used, size - used, "%.*s", (int)length, value);
}

static void
key_lines(const struct segment *segment, const struct key *key, uint32_t id, power_line_cb *call,
	  void *context)
{
	char print[KEY_PRINT_BYTES], line[KEY_PRINT_BYTES + 1024];
	struct segment_claim_cursor each = segment_claims(id);
	struct segment_claim claim;
	key_print(key, print);
	while (segment_claim_next(segment, &each, &claim)) {
		char tag[512] = "";
		size_t length;
		const char *source = segment_source(segment, claim.source, &length);
		claim_tag(segment, claim.set, tag, sizeof(tag));
		claim_tag(segment, claim.notes, tag, sizeof(tag));
		int all = snprintf(line, sizeof(line), "%s|%s|%.*s|%s|%" PRIu64, print,
				   scope_name(claim.scope), (int)length, source, tag, claim.expires);
		call(context, line, (size_t)all);
	}
}

void
power_view_lines(const struct view *view, power_line_cb *call, void *context)
{
	struct view_cursor cursor = {0};
	struct key key;
	uint32_t layer, id;
	char line[512];
	while (view_next(view, &cursor, &key, &layer, &id))
		key_lines(&view->layer[layer].segment, &key, id, call, context);
	for (size_t i = 0; i < view->catalog.category_count; i++) {
		const char *name = view->catalog.categories[i]->name;
		if (strncmp(name, "Power ", 6) != 0)
			continue;
		int length = snprintf(line, sizeof(line), "category|%s", name);
		call(context, line, (size_t)length);
	}
}

/* --- through the engine ---------------------------------------------------------------------------- */

/* The key may borrow its text, until the next call. */
static enum status
read_key(uint32_t number, struct key *key, struct fault *fault)
{
	static char spelled[POWER_KEY_BYTES], printed[POWER_KEY_BYTES];
	struct canon_options options = {.use = CANON_ENTRY};
	const char *scope;
	power_key_text(number, spelled, printed, &scope);
	return canon_key(KIND_ANY, spelled, strlen(spelled), &options, key, fault);
}

static enum status
put_keys(const struct power_step *step, struct store_write *write, struct author *author,
	 struct fault *fault)
{
	const char *source = power_source_name(step->source);
	struct author_claim claim = {.source = source, .source_length = strlen(source),
				     .expires = POWER_NOW + step->days * POWER_DAY};
	const struct tag_category *family = catalog_category(store_write_catalog(write),
							     CATALOG_FAMILY_NAME,
							     strlen(CATALOG_FAMILY_NAME));
	struct tags tags = {0};
	char room[32];
	struct key key;
	const char *text = power_tag_text(step->tag, room);
	enum status status = STATUS_OK;
	if (text != NULL)
		status = tags_add(&tags, family, text, strlen(text), fault);
	if (status == STATUS_OK)
		status = tags_encode(&tags, &claim.set, &claim.set_length, &claim.notes,
				     &claim.notes_length, fault);
	for (uint32_t i = 0; status == STATUS_OK && i < step->count; i++) {
		status = read_key(step->first + i, &key, fault);
		if (status == STATUS_OK)
			status = author_put(author, &key, &claim, fault);
	}
	tags_fini(&tags);
	return status;
}

static enum status
remove_keys(const struct power_step *step, struct author *author, struct fault *fault)
{
	const char *source = power_source_name(step->source);
	struct key key;
	enum status status = STATUS_OK;
	for (uint32_t i = 0; status == STATUS_OK && i < step->count; i++) {
		status = read_key(step->first + i, &key, fault);
		if (status == STATUS_OK)
			status = author_remove(author, &key, 0, source, strlen(source), fault);
	}
	return status;
}

static enum status
change_catalog(const struct power_step *step, struct store_write *write, struct fault *fault)
{
	char name[32], description[32];
	struct tag_category category = {.name = name, .type = TAG_TEXT, .description = description};
	snprintf(description, sizeof(description), "%" PRIu32, step->count);
	power_category_name(step->category, name);
	enum status status = catalog_category_put(store_write_catalog(write), &category, fault);
	store_write_touch(write);
	return status;
}

static enum status
change(const struct power_step *step, struct store_write *write, uint64_t now, struct fault *fault)
{
	struct author *author;
	struct author_counts counts;
	struct sweep_counts swept = {0};
	const struct view *view = store_write_view(write);
	if (step->kind == POWER_CATEGORY)
		return change_catalog(step, write, fault);
	enum status status = author_new(view, now, &author, fault);
	if (status != STATUS_OK)
		return status;
	if (step->kind == POWER_PUT)
		status = put_keys(step, write, author, fault);
	else if (step->kind == POWER_REMOVE)
		status = remove_keys(step, author, fault);
	else if (step->kind == POWER_EXPIRE)
		status = sweep_expired(view, now, author, &swept, fault);
	if (status == STATUS_OK)
		status = author_finish(author, store_write_build(write), &counts, fault);
	author_free(author);
	return status;
}

static enum status
run_engine(const struct power_step *step, const char *store, uint64_t now, uint64_t *generation,
	   struct fault *fault)
{
	static const struct hash_seed seed = {{1, 2}};
	struct store_write *write;
	enum status status = store_write_begin(store, false, &seed, &write, fault);
	if (status != STATUS_OK)
		return status;
	status = change(step, write, now, fault);
	if (status != STATUS_OK) {
		store_write_abort(write);
		return status;
	}
	return store_write_commit(write, now, step->kind == POWER_COMPACT, generation, fault);
}

/* Another writer's half has died with its process: then all of it. */
static enum status
run_compaction(const struct power_step *step, const char *store, uint64_t now, uint64_t *generation,
	       struct fault *fault)
{
	static struct store_compaction compaction;
	static bool begun;
	bool done;
	enum status status = STATUS_OK;
	if (!begun)
		status = store_compaction_begin(&compaction, store, true, fault);
	begun = true;
	if (status == STATUS_OK && step->kind == POWER_FOLD)
		return STATUS_OK;
	if (status == STATUS_OK)
		status = store_compaction_finish(&compaction, now, &done, generation, fault);
	store_compaction_fini(&compaction);
	begun = false;
	return status;
}

/* --- through the loader ------------------------------------------------------------------------------ */

static void
write_feed(const struct power_step *step, const char *path)
{
	FILE *feed = fopen(path, "we");
	for (uint32_t i = 0; feed != NULL && i < step->count; i++) {
		char spelled[POWER_KEY_BYTES], printed[POWER_KEY_BYTES];
		const char *scope;
		power_key_text(step->first + i, spelled, printed, &scope);
		fprintf(feed, "%s\n", spelled);
	}
	if (feed == NULL || fclose(feed) != 0)
		power_fail("cannot write %s", path);
}

static enum status
run_ingest(const struct power_step *step, const char *store, const char *folder, uint64_t now,
	   uint64_t *generation, struct fault *fault)
{
	static const struct hash_seed seed = {{1, 2}};
	char path[POWER_PATH_BYTES], tag[32], room[64];
	const char *text = power_tag_text(step->tag, tag), *tags[1] = {room};
	snprintf(path, sizeof(path), "%s/feed", folder);
	snprintf(room, sizeof(room), "%s=%s", CATALOG_FAMILY_NAME, text);
	struct ingest_options options = {
		.source = power_source_name(step->source), .kind = KIND_ANY, .format = "plain",
		.mirror = true, .tags = tags, .tag_count = text != NULL, .seed = &seed,
		.expires = POWER_NOW + step->days * POWER_DAY, .max_rejects = INGEST_NO_LIMIT,
		.max_rejects_percent = 101, .max_shrink_percent = 101,
	};
	struct ingest_result result;
	struct ingest *ingest;
	write_feed(step, path);
	enum status status = ingest_new(store, &options, now, &ingest, fault);
	if (status != STATUS_OK)
		return status;
	status = ingest_file(ingest, path, fault);
	if (status == STATUS_OK)
		status = ingest_commit(ingest, &result, fault);
	if (status == STATUS_OK)
		*generation = result.generation;
	ingest_free(ingest);
	return status;
}

/* --- through the command line ------------------------------------------------------------------------- */

static const struct cli_command *const commands[] = {
	&cmd_add, &cmd_import, &cmd_remove, &cmd_tag, &cmd_expire, &cmd_compact, &cmd_retag, NULL
};
static const struct cli_program program = {"repute", "tests", "Tests.", commands};

struct line {
	int count;
	char *word[POWER_KEYS];
	char room[256][96];
	int used;
};

static void
add_word(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
add_word(struct line *line, const char *format, ...)
{
	va_list rest;
	if (line->used == 256)
		power_fail("a command is too long");
	va_start(rest, format);
	vsnprintf(line->room[line->used], sizeof(line->room[0]), format, rest);
	va_end(rest);
	line->word[line->count++] = line->room[line->used++];
}

static void
add_time(struct line *line, const char *option, uint64_t seconds)
{
	time_t instant = (time_t)seconds;
	struct tm date;
	char text[32];
	gmtime_r(&instant, &date);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &date);
	add_word(line, "--%s", option);
	add_word(line, "%s", text);
}

static void
add_keys(struct line *line, const struct power_step *step)
{
	for (uint32_t i = 0; i < step->count; i++) {
		char spelled[POWER_KEY_BYTES], printed[POWER_KEY_BYTES];
		const char *scope;
		power_key_text(step->first + i, spelled, printed, &scope);
		add_word(line, "%s", spelled);
	}
}

static void
add_claims(struct line *line, const struct power_step *step)
{
	char tag[32];
	add_word(line, "--source");
	add_word(line, "%s", power_source_name(step->source));
	if (step->kind == POWER_REMOVE)
		return;
	if (step->tag != 0) {
		add_word(line, "--tag");
		add_word(line, "%s=%s", CATALOG_FAMILY_NAME, power_tag_text(step->tag, tag));
	}
	if (step->kind == POWER_RETAG) {
		add_word(line, "--where");
		add_word(line, "source = %s", power_source_name(step->source));
	} else {
		add_time(line, "expires", POWER_NOW + step->days * POWER_DAY);
	}
}

static void
make_line(struct line *line, const struct power_step *step, const char *store, const char *folder,
	  uint64_t now)
{
	static const char *const verbs[] = {
		[POWER_PUT] = "add", [POWER_REMOVE] = "remove", [POWER_MIRROR] = "import",
		[POWER_RETAG] = "retag", [POWER_EXPIRE] = "expire", [POWER_CATEGORY] = "tag",
		[POWER_COMPACT] = "compact",
	};
	char name[32];
	add_word(line, "repute");
	add_word(line, "--store");
	line->word[line->count++] = (char *)(uintptr_t)store;
	add_time(line, "now", now);
	add_word(line, "%s", verbs[step->kind]);
	if (step->kind < POWER_EXPIRE)
		add_claims(line, step);
	if (step->kind == POWER_PUT || step->kind == POWER_REMOVE)
		add_keys(line, step);
	if (step->kind == POWER_CATEGORY) {
		power_category_name(step->category, name);
		add_word(line, "add");
		add_word(line, "%s", name);
		add_word(line, "--type");
		add_word(line, "text");
	}
	if (step->kind == POWER_MIRROR) {
		static char path[POWER_PATH_BYTES];
		snprintf(path, sizeof(path), "%s/feed", folder);
		write_feed(step, path);
		add_word(line, "--mirror");
		add_word(line, "--format");
		add_word(line, "plain");
		line->word[line->count++] = path;
	}
}

static enum status
run_command(const struct power_step *step, const char *store, const char *folder, uint64_t now,
	    struct fault *fault)
{
	struct line *line = calloc(1, sizeof(*line));
	if (line == NULL)
		power_fail("no memory for a command");
	make_line(line, step, store, folder, now);
	cmd_tag_may_remove = profile_uses_check;
	int status = cli_main(&program, line->count, line->word);
	free(line);
	if (status == CLI_ERROR)
		return fault_set(fault, STATUS_IO, "command", 0, "exit status %d", status);
	return STATUS_OK;
}

enum status
power_step_run(const struct power_step *step, const char *store, const char *folder, uint64_t now,
	       uint64_t *generation, struct fault *fault)
{
	if (step->command)
		return run_command(step, store, folder, now, fault);
	if (step->kind == POWER_FOLD || step->kind == POWER_INSTALL)
		return run_compaction(step, store, now, generation, fault);
	if (step->kind == POWER_MIRROR)
		return run_ingest(step, store, folder, now, generation, fault);
	return run_engine(step, store, now, generation, fault);
}
