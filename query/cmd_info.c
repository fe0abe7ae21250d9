/* SPDX-License-Identifier: Apache-2.0 */
#include "query/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/clock.h"
#include "engine/format.h"
#include "engine/store_state.h"
#include "engine/text.h"
#include "query/cmd_show.h"

#define SHOWN_WIDTH 60

/* Claims of one source name; borrowed from the view. */
struct source_sum {
	const char *name;
	size_t length;
	uint64_t claims, expired;
};

/* The store in numbers: everything visible, expired claims too. */
struct sum {
	const struct view *view;
	uint64_t entries[KIND_COUNT], keys[KIND_COUNT];
	uint64_t entries_total, claims, expired;
	struct source_sum *sources; /* by name */
	size_t source_count;
	size_t first[LIMIT_LAYERS + 1]; /* while summing: rows of each layer, then the catalogue's */
};

/* --- counting ----------------------------------------------------------------------- */

static int
source_compare(const void *left, const void *right)
{
	const struct source_sum *a = left, *b = right;
	return text_compare(a->name, a->length, b->name, b->length);
}

/* A row for each source of each layer and each of the catalogue, to be merged by name. */
static enum status
sources_new(struct sum *sum, struct fault *fault)
{
	const struct view *view = sum->view;
	size_t count = 0;
	for (uint32_t i = 0; i < view->layer_count; i++) {
		sum->first[i] = count;
		count += view->layer[i].segment.sources.count;
	}
	sum->first[view->layer_count] = count;
	sum->source_count = count + view->catalog.source_count;
	sum->sources = calloc(sum->source_count + 1, sizeof(*sum->sources));
	if (sum->sources == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to count sources");
	for (uint32_t i = 0; i < view->layer_count; i++)
		for (uint32_t j = 0; j < view->layer[i].segment.sources.count; j++) {
			struct source_sum *row = &sum->sources[sum->first[i] + j];
			row->name = segment_source(&view->layer[i].segment, j, &row->length);
		}
	for (size_t i = 0; i < view->catalog.source_count; i++) {
		sum->sources[count + i].name = view->catalog.sources[i]->name;
		sum->sources[count + i].length = strlen(view->catalog.sources[i]->name);
	}
	return STATUS_OK;
}

/* A source that the catalogue does not know and that has no claim left is no news. */
static void
sources_merge(struct sum *sum)
{
	size_t kept = 0, count = sum->source_count;
	qsort(sum->sources, count, sizeof(*sum->sources), source_compare);
	for (size_t i = 0; i < count; i++) {
		struct source_sum row = sum->sources[i];
		while (i + 1 < count && source_compare(&row, &sum->sources[i + 1]) == 0) {
			row.claims += sum->sources[++i].claims;
			row.expired += sum->sources[i].expired;
		}
		if (row.claims > 0 || catalog_source(&sum->view->catalog, row.name, row.length))
			sum->sources[kept++] = row;
	}
	sum->source_count = kept;
}

static void
sum_key(struct sum *sum, enum kind kind, uint32_t layer, uint32_t claims, uint64_t now)
{
	const struct segment *segment = &sum->view->layer[layer].segment;
	struct segment_claim_cursor cursor = segment_claims(claims);
	struct segment_claim claim;
	unsigned scopes = 0;
	while (segment_claim_next(segment, &cursor, &claim)) {
		bool expired = claim.expires <= now;
		scopes |= 1u << (claim.scope & SCOPE_TREE);
		sum->claims++;
		sum->expired += expired;
		if (claim.source >= segment->sources.count)
			continue;
		struct source_sum *row = &sum->sources[sum->first[layer] + claim.source];
		row->claims++;
		row->expired += expired;
	}
	sum->keys[kind]++;
	sum->entries[kind] += (unsigned)__builtin_popcount(scopes);
}

static enum status
sum_make(struct sum *sum, const struct view *view, uint64_t now, struct fault *fault)
{
	struct view_cursor cursor = {0};
	struct key key;
	uint32_t layer, claims;
	memset(sum, 0, sizeof(*sum));
	sum->view = view;
	enum status status = sources_new(sum, fault);
	if (status != STATUS_OK)
		return status;
	while (view_next(view, &cursor, &key, &layer, &claims))
		sum_key(sum, key.kind, layer, claims, now);
	sources_merge(sum);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		sum->entries_total += sum->entries[kind];
	return STATUS_OK;
}

static uint64_t
segment_keys(const struct segment *segment)
{
	uint64_t keys = 0;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		keys += segment->keys[kind];
	return keys;
}

static double
bytes_per_entry(const struct sum *sum)
{
	if (sum->entries_total == 0)
		return 0;
	return (double)sum->view->file_bytes / (double)sum->entries_total;
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
		member_u64(json, "number", view->layer[i].number);
		json_key(json, "layer");
		json_text(json, i == 0 ? "base" : "overlay");
		member_u64(json, "keys", segment_keys(&view->layer[i].segment));
		member_u64(json, "bytes", view->layer[i].map.length);
		json_object_end(json);
	}
	json_array_end(json);
}

static void
sources_json(struct json_writer *json, const struct sum *sum)
{
	json_key(json, "sources");
	json_array_begin(json);
	for (size_t i = 0; i < sum->source_count; i++) {
		json_object_begin(json);
		json_key(json, "name");
		json_string(json, sum->sources[i].name, sum->sources[i].length);
		member_u64(json, "claims", sum->sources[i].claims);
		member_u64(json, "expired", sum->sources[i].expired);
		json_object_end(json);
	}
	json_array_end(json);
}

static enum status
info_json(const struct sum *sum, struct fault *fault)
{
	const struct view *view = sum->view;
	struct json_writer json = {0};
	json_object_begin(&json);
	member_u64(&json, "generation", view->generation);
	show_json_time(&json, "published", view->published);
	kinds_json(&json, "entries", sum->entries);
	kinds_json(&json, "keys", sum->keys);
	member_u64(&json, "claims", sum->claims);
	member_u64(&json, "expired", sum->expired);
	member_u64(&json, "layers", view->layer_count);
	member_u64(&json, "bytes", view->file_bytes);
	json_key(&json, "bytes_per_entry");
	json_double(&json, bytes_per_entry(sum), 1);
	segments_json(&json, view);
	sources_json(&json, sum);
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
info_text(const struct sum *sum, const char *directory)
{
	const struct view *view = sum->view;
	char more[96], when[CLOCK_TEXT_BYTES], count[SHOW_COUNT_BYTES];
	size_t width = 0;
	clock_print(view->published, when);
	printf("store        %s\n", directory);
	snprintf(more, sizeof(more), "  published %s", when);
	row_text("generation", view->generation, more);
	row_text("entries", sum->entries_total, "");
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		snprintf(more, sizeof(more), "  %s", kind_name(kind));
		row_text(more, sum->entries[kind], "");
	}
	snprintf(more, sizeof(more), "  of them expired: %s", show_count(sum->expired, count));
	row_text("claims", sum->claims, more);
	snprintf(more, sizeof(more), "  %.1f an entry", bytes_per_entry(sum));
	row_text("bytes", view->file_bytes, more);
	row_text("layers", view->layer_count, "");
	for (uint32_t i = 0; i < view->layer_count; i++) {
		char name[48];
		snprintf(name, sizeof(name), "  %s%llu", STORE_SEGMENT_PREFIX,
			 (unsigned long long)view->layer[i].number);
		snprintf(more, sizeof(more), " bytes  %s keys  %s",
			 show_count(segment_keys(&view->layer[i].segment), count),
			 i == 0 ? "base" : "overlay");
		row_text(name, view->layer[i].map.length, more);
	}
	row_text("sources", sum->source_count, "");
	for (size_t i = 0; i < sum->source_count; i++)
		show_widen(&width, sum->sources[i].name, sum->sources[i].length, SHOWN_WIDTH);
	for (size_t i = 0; i < sum->source_count; i++) {
		fputs("  ", stdout);
		show_padded(stdout, sum->sources[i].name, sum->sources[i].length, width);
		printf("  %s claims\n", show_count(sum->sources[i].claims, count));
	}
	printf("versions     file format %d, canonical forms %d\n", FORMAT_VERSION, CANON_VERSION);
}

static int
info_run(struct cli *cli, int argc, char **argv)
{
	struct fault fault = {0};
	struct store *store;
	struct sum sum;
	if (cli_option(cli, argc, argv) < 0)
		return cli->status;
	if (cli->operand_count > 0)
		return cli_usage(cli, "takes no value");
	if (store_open(cli->store, &store, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	struct view *view = store_view_take(store);
	enum status status = sum_make(&sum, view, cli->now, &fault);
	if (status == STATUS_OK && cli->json)
		status = info_json(&sum, &fault);
	else if (status == STATUS_OK)
		info_text(&sum, cli->store);
	free(sum.sources);
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
