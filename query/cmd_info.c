/* SPDX-License-Identifier: Apache-2.0 */
#include "query/commands.h"

#include <stdio.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/clock.h"
#include "engine/format.h"
#include "engine/store_state.h"
#include "query/cmd_show.h"
#include "query/tally.h"

#define SHOWN_WIDTH 60

static uint64_t
segment_keys(const struct segment *segment)
{
	uint64_t keys = 0;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		keys += segment->keys[kind];
	return keys;
}

static double
bytes_per_entry(const struct tally *tally)
{
	if (tally->entries_total == 0)
		return 0;
	return (double)tally->view->file_bytes / (double)tally->entries_total;
}

/* --- JSON --------------------------------------------------------------------------- */

static void
member_u64(struct json_writer *json, const char *name, uint64_t number)
{
	json_key(json, name);
	json_u64(json, number);
}

static void
kinds_json(struct json_writer *json, const char *name, const uint64_t counts[KIND_COUNT])
{
	json_key(json, name);
	json_object_begin(json);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		member_u64(json, kind_name(kind), counts[kind]);
	json_object_end(json);
}

static void
segments_json(struct json_writer *json, const struct view *view)
{
	json_key(json, "segments");
	json_array_begin(json);
	for (uint32_t i = 0; i < view->layer_count; i++) {
		json_object_begin(json);
		member_u64(json, "number", view->layer[i].row.number);
		json_key(json, "layer");
		json_text(json, i == 0 ? "base" : "overlay");
		member_u64(json, "keys", segment_keys(&view->layer[i].segment));
		member_u64(json, "bytes", view->layer[i].image->length);
		json_object_end(json);
	}
	json_array_end(json);
}

static void
sources_json(struct json_writer *json, const struct tally *tally)
{
	json_key(json, "sources");
	json_array_begin(json);
	for (size_t i = 0; i < tally->source_count; i++) {
		json_object_begin(json);
		json_key(json, "name");
		json_string(json, tally->sources[i].name, tally->sources[i].length);
		member_u64(json, "claims", tally->sources[i].claims);
		member_u64(json, "expired", tally->sources[i].expired);
		json_object_end(json);
	}
	json_array_end(json);
}

static enum status
info_json(const struct tally *tally, struct fault *fault)
{
	const struct view *view = tally->view;
	struct json_writer json = {0};
	json_object_begin(&json);
	member_u64(&json, "generation", view->generation);
	show_json_time(&json, "published", view->published);
	kinds_json(&json, "entries", tally->entries);
	kinds_json(&json, "keys", tally->keys);
	member_u64(&json, "claims", tally->claims);
	member_u64(&json, "expired", tally->due[TALLY_EXPIRED]);
	member_u64(&json, "layers", view->layer_count);
	member_u64(&json, "bytes", view->file_bytes);
	member_u64(&json, "journal_bytes", view->journal_bytes);
	json_key(&json, "bytes_per_entry");
	json_double(&json, bytes_per_entry(tally), 1);
	segments_json(&json, view);
	sources_json(&json, tally);
	member_u64(&json, "categories", view->catalog.category_count);
	member_u64(&json, "canon_version", CANON_VERSION);
	member_u64(&json, "format_version", FORMAT_VERSION);
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
	printf("%-12s %15s%s\n", name, show_count(number, text), more);
}

static void
info_text(const struct tally *tally, const char *directory)
{
	const struct view *view = tally->view;
	char more[96], when[CLOCK_TEXT_BYTES], count[SHOW_COUNT_BYTES];
	size_t width = 0;
	clock_print(view->published, when);
	printf("store        %s\n", directory);
	snprintf(more, sizeof(more), "  published %s", when);
	row_text("generation", view->generation, more);
	row_text("entries", tally->entries_total, "");
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		snprintf(more, sizeof(more), "  %s", kind_name(kind));
		row_text(more, tally->entries[kind], "");
	}
	snprintf(more, sizeof(more), "  of them expired: %s", show_count(tally->due[TALLY_EXPIRED], count));
	row_text("claims", tally->claims, more);
	snprintf(more, sizeof(more), "  %.1f an entry", bytes_per_entry(tally));
	row_text("bytes", view->file_bytes, more);
	row_text("journal", view->journal_bytes, " bytes");
	row_text("layers", view->layer_count, "");
	for (uint32_t i = 0; i < view->layer_count; i++) {
		char name[48];
		snprintf(name, sizeof(name), "  %s%llu", STORE_SEGMENT_PREFIX,
			 (unsigned long long)view->layer[i].row.number);
		snprintf(more, sizeof(more), " bytes  %s keys  %s",
			 show_count(segment_keys(&view->layer[i].segment), count),
			 i == 0 ? "base" : "overlay");
		row_text(name, view->layer[i].image->length, more);
	}
	row_text("sources", tally->source_count, "");
	for (size_t i = 0; i < tally->source_count; i++)
		show_widen(&width, tally->sources[i].name, tally->sources[i].length, SHOWN_WIDTH);
	for (size_t i = 0; i < tally->source_count; i++) {
		fputs("  ", stdout);
		show_padded(stdout, tally->sources[i].name, tally->sources[i].length, width);
		printf("  %s claims\n", show_count(tally->sources[i].claims, count));
	}
	printf("versions     file format %d, canonical forms %d\n", FORMAT_VERSION, CANON_VERSION);
}

static int
info_run(struct cli *cli, int argc, char **argv)
{
	struct fault fault = {0};
	struct store *store;
	struct tally tally;
	if (cli_option(cli, argc, argv) < 0)
		return cli->status;
	if (cli->operand_count > 0)
		return cli_usage(cli, "takes no value");
	if (store_open(cli->store, &store, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	cli_recovered(cli, &fault);
	struct view *view = store_view_take(store);
	enum status status = tally_init(&tally, view, cli->now, &fault);
	if (status == STATUS_OK && cli->json)
		status = info_json(&tally, &fault);
	else if (status == STATUS_OK)
		info_text(&tally, cli->store);
	tally_fini(&tally);
	if (status == STATUS_OK)
		status = view_unchanged(view, &fault);
	view_drop(view);
	store_close(store);
	return status == STATUS_OK ? CLI_FOUND : cli_error(cli, &fault);
}

const struct cli_command cmd_info = {
	.name = "info",
	.usage = "",
	.summary = "show what a store holds, in numbers",
	.about = "The published generation of the store: entries by kind, claims, layers, bytes on "
		 "disk and claims of each source. Entries and claims are what stands in the store: "
		 "expired claims are counted until clean-up takes them, and named apart.",
	.examples = "  repute info\n"
		    "  repute info --json | jq .entries\n",
	.run = info_run,
};
