/* SPDX-License-Identifier: Apache-2.0 */
/* `repute stats`: what a store is doing: layers, growth, what is about to expire. */
#include "query/commands.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/clock.h"
#include "engine/store_state.h"
#include "query/cmd_show.h"
#include "query/readers.h"
#include "query/tally.h"

static const struct {
	const char *name, *text;
} due_names[TALLY_DUE_COUNT] = {
	[TALLY_EXPIRED] = {"expired", "expired"},
	[TALLY_DAY] = {"day", "within a day"},
	[TALLY_WEEK] = {"week", "within 7 days"},
	[TALLY_MONTH] = {"month", "within 30 days"},
	[TALLY_LATER] = {"later", "later"},
};

struct stats {
	const struct cli *cli;
	struct tally tally;
	uint64_t base_bytes, overlay_bytes;
	uint64_t base_written; /* 0: not known */
	struct readers readers;
};

static void
stats_fill(struct stats *stats)
{
	const struct view *view = stats->tally.view;
	char path[FILE_PATH_BYTES];
	readers_find(stats->cli->store, view, &stats->readers);
	for (uint32_t i = 0; i < view->layer_count; i++) {
		uint64_t *bytes = i == 0 ? &stats->base_bytes : &stats->overlay_bytes;
		*bytes += view->layer[i].image->length;
	}
	if (view->layer_count == 0 ||
	    store_segment_path(stats->cli->store, view->layer[0].row.number, path, NULL) != STATUS_OK ||
	    !file_written(path, &stats->base_written))
		stats->base_written = 0;
}

/* --- JSON --------------------------------------------------------------------------- */

static void
member_u64(struct json_writer *json, const char *name, uint64_t number)
{
	json_key(json, name);
	json_u64(json, number);
}

static void
member_bool(struct json_writer *json, const char *name, bool value)
{
	json_key(json, name);
	json_bool(json, value);
}

/* null where there is none. */
static void
member_time(struct json_writer *json, const char *name, uint64_t seconds)
{
	if (seconds > 0) {
		show_json_time(json, name, seconds);
		return;
	}
	json_key(json, name);
	json_null(json);
}

static void
expiry_json(struct json_writer *json, const struct tally *tally)
{
	json_key(json, "expiry");
	json_object_begin(json);
	for (int due = 0; due < TALLY_DUE_COUNT; due++)
		member_u64(json, due_names[due].name, tally->due[due]);
	member_time(json, "next", tally->next_expiry);
	json_object_end(json);
}

static void
sources_json(struct json_writer *json, const struct tally *tally)
{
	json_key(json, "sources");
	json_array_begin(json);
	for (size_t i = 0; i < tally->source_count; i++) {
		const struct tally_source *source = &tally->sources[i];
		const struct source_row *row =
			catalog_source(&tally->view->catalog, source->name, source->length);
		json_object_begin(json);
		json_key(json, "name");
		json_string(json, source->name, source->length);
		member_u64(json, "claims", source->claims);
		member_u64(json, "expired", source->expired);
		member_time(json, "last_import", row != NULL ? row->last_import : 0);
		json_object_end(json);
	}
	json_array_end(json);
}

/* null where it is not known. */
static void
readers_json(struct json_writer *json, const struct readers *readers)
{
	json_key(json, "readers");
	if (!readers->known) {
		json_null(json);
		return;
	}
	json_object_begin(json);
	member_u64(json, "count", readers->count);
	member_u64(json, "behind", readers->behind);
	json_key(json, "pids");
	json_array_begin(json);
	for (uint64_t i = 0; i < readers->count && i < READERS_SHOWN; i++)
		json_u64(json, (uint64_t)readers->pid[i]);
	json_array_end(json);
	json_object_end(json);
}

static enum status
stats_json(const struct stats *stats, struct fault *fault)
{
	const struct tally *tally = &stats->tally;
	const struct view *view = tally->view;
	struct json_writer json = {0};
	json_object_begin(&json);
	member_u64(&json, "generation", view->generation);
	show_json_time(&json, "published", view->published);
	member_u64(&json, "layers", view->layer_count);
	member_u64(&json, "layers_max", LIMIT_LAYERS);
	member_u64(&json, "bytes", view->file_bytes);
	member_u64(&json, "base_bytes", stats->base_bytes);
	member_u64(&json, "overlay_bytes", stats->overlay_bytes);
	member_time(&json, "base_written", stats->base_written);
	member_time(&json, "last_compaction", view->compacted);
	member_bool(&json, "compaction_due", store_fold_due(view));
	member_u64(&json, "journal_bytes", view->journal_bytes);
	member_u64(&json, "journal_records", view->place.count);
	member_u64(&json, "damaged_generation", view->damaged);
	readers_json(&json, &stats->readers);
	member_u64(&json, "entries", tally->entries_total);
	member_u64(&json, "claims", tally->claims);
	expiry_json(&json, tally);
	sources_json(&json, tally);
	json_object_end(&json);
	json_line(&json);
	enum status status = json_flush(&json, stdout);
	json_fini(&json);
	if (status == STATUS_NO_MEMORY)
		return fault_set(fault, status, NULL, 0, "no memory for the answer");
	return STATUS_OK;
}

/* --- text --------------------------------------------------------------------------- */

static void
row_text(const char *name, uint64_t number, const char *more)
{
	char text[SHOW_COUNT_BYTES];
	printf("%-16s %15s%s\n", name, show_count(number, text), more);
}

static const char *
since_text(const char *word, uint64_t seconds, char more[96])
{
	char when[CLOCK_TEXT_BYTES];
	clock_print(seconds, when);
	snprintf(more, 96, "  %s %s", word, when);
	return seconds > 0 ? more : "";
}

static void
stats_text(const struct stats *stats)
{
	const struct tally *tally = &stats->tally;
	const struct view *view = tally->view;
	char more[96], name[32];
	row_text("generation", view->generation, since_text("published", view->published, more));
	snprintf(more, sizeof(more), "  of at most %d", LIMIT_LAYERS);
	row_text("layers", view->layer_count, more);
	row_text("bytes", view->file_bytes, "");
	row_text("  base", stats->base_bytes, since_text("written", stats->base_written, more));
	row_text("  overlays", stats->overlay_bytes,
		 store_fold_due(view) ? "  to be folded: compaction is due" : "");
	row_text("journal bytes", view->journal_bytes, "");
	row_text("  records", view->place.count, since_text("last compaction", view->compacted, more));
	if (stats->readers.known) {
		snprintf(more, sizeof(more), "  processes, %" PRIu64 " of them behind",
			 stats->readers.behind);
		row_text("readers", stats->readers.count, more);
	}
	row_text("entries", tally->entries_total, "");
	row_text("claims", tally->claims, since_text("next expires", tally->next_expiry, more));
	for (int due = 0; due < TALLY_DUE_COUNT; due++) {
		snprintf(name, sizeof(name), "  %s", due_names[due].text);
		row_text(name, tally->due[due], "");
	}
	row_text("sources", tally->source_count, "");
}

static int
stats_run(struct cli *cli, int argc, char **argv)
{
	struct stats stats = {.cli = cli};
	struct fault fault = {0};
	struct store *store;
	if (cli_option(cli, argc, argv) < 0)
		return cli->status;
	if (cli->operand_count > 0)
		return cli_usage(cli, "takes no value");
	if (store_open(cli->store, &store, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	cli_recovered(cli, &fault);
	struct view *view = store_view_take(store);
	enum status status = tally_init(&stats.tally, view, cli->now, &fault);
	if (status == STATUS_OK)
		stats_fill(&stats);
	if (status == STATUS_OK && cli->json)
		status = stats_json(&stats, &fault);
	else if (status == STATUS_OK)
		stats_text(&stats);
	tally_fini(&stats.tally);
	if (status == STATUS_OK)
		status = view_unchanged(view, &fault);
	view_drop(view);
	store_close(store);
	return status == STATUS_OK ? CLI_FOUND : cli_error(cli, &fault);
}

const struct cli_command cmd_stats = {
	.name = "stats",
	.usage = "",
	.summary = "show how a store fares: layers, growth, what is about to expire",
	.about = "Layers and bytes tell how much of the store is not folded yet, and when its base "
		 "was written: by the first import, or by the last compaction. Claims are counted "
		 "by when they expire, from now or from the time of --now; those that have expired "
		 "answer no query, and 'repute expire' takes them out. With --json also the claims, "
		 "expired claims and last import of each source.",
	.examples = "  repute stats\n"
		    "  repute stats --json | jq .expiry\n",
	.run = stats_run,
};
