/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify goes file by file and not through store_open, which stops at the
 * first fault: here every damaged file is named, and in a file every section
 * whose bytes do not match its checksum.
 */
#include "query/commands.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hash.h"
#include "engine/segment_check.h"
#include "engine/sha256.h"
#include "engine/store_state.h"
#include "query/cmd_show.h"

#define VERIFY_TRIES 8
#define NAME_BYTES 256 /* NAME_MAX and NUL */

enum verdict {
	VERDICT_OK,
	VERDICT_DAMAGED,
	VERDICT_NOTE /* no damage: a file that does no harm and no good */
};

static const struct {
	const char *name, *shown, *colour;
} verdicts[] = {
	[VERDICT_OK] = {"ok", "ok", "\033[32m"},
	[VERDICT_DAMAGED] = {"damaged", "DAMAGED", "\033[1;31m"},
	[VERDICT_NOTE] = {"note", "note", "\033[33m"},
};

/* The state as the journal tells it, its layers opened before any is looked at: a writer may fold them. */
struct plan {
	struct journal journal;
	bool opened;
	struct journal_state state;
	struct journal_place place;
	struct plan_layer {
		struct image *image;
		enum status status;
		struct fault fault;
	} layer[LIMIT_LAYERS];
};

struct verify {
	struct cli *cli;
	struct json_writer json;
	struct plan plan;
	bool planned;    /* the journal is good: what it does not name is no part of the store */
	bool damaged;
	char (*names)[NAME_BYTES]; /* of the directory, sorted */
	size_t name_count, name_capacity;
};

/* --- reports ------------------------------------------------------------------------ */

static void
report(struct verify *verify, const char *file, enum verdict verdict, const struct fault *fault)
{
	struct json_writer *json = &verify->json;
	bool colour = verify->cli->colour;
	verify->damaged |= verdict == VERDICT_DAMAGED;
	if (verify->cli->json) {
		json_object_begin(json);
		json_key(json, "file");
		json_text(json, file);
		json_key(json, "ok");
		json_bool(json, verdict != VERDICT_DAMAGED);
		json_key(json, "status");
		json_text(json, verdicts[verdict].name);
		json_key(json, "code");
		json_text(json, verdict == VERDICT_DAMAGED ? status_name(fault->status) : NULL);
		json_key(json, "where");
		json_text(json, fault->where[0] != '\0' ? fault->where : NULL);
		json_key(json, "offset");
		json_u64(json, fault->offset);
		json_key(json, "message");
		json_text(json, fault->text);
		json_object_end(json);
		json_line(json);
		if (json_flush(json, stdout) == STATUS_NO_MEMORY)
			verify->damaged = true; /* never "clean" without a line */
		return;
	}
	show_padded(stdout, file, strlen(file), 22);
	printf("  %s%-7s%s  ", colour ? verdicts[verdict].colour : "", verdicts[verdict].shown,
	       colour ? "\033[0m" : "");
	if (fault->where[0] != '\0') {
		cli_put(stdout, fault->where, strlen(fault->where));
		printf(" at byte %" PRIu64 ": ", fault->offset);
	}
	cli_put(stdout, fault->text, strlen(fault->text));
	putchar('\n');
}

static void
report_fault(struct verify *verify, const char *file, enum status status, struct fault *fault)
{
	fault->status = status;
	if (strchr(fault->where, '/') != NULL) /* the path of the file, which has a column */
		fault->where[0] = '\0';
	report(verify, file, VERDICT_DAMAGED, fault);
}

static void __attribute__((format(printf, 4, 5)))
report_text(struct verify *verify, const char *file, enum verdict verdict, const char *format, ...)
{
	struct fault fault = {0};
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(fault.text, sizeof(fault.text), format, arguments);
	va_end(arguments);
	fault.status = verdict == VERDICT_DAMAGED ? STATUS_CORRUPT : STATUS_OK;
	report(verify, file, verdict, &fault);
}

/* --- containers ----------------------------------------------------------------------- */

/* Every section against its checksum; true if all fit. */
static bool
sections_good(struct verify *verify, const char *file, const struct container *container)
{
	bool good = true;
	for (uint32_t i = 0; i < container->section_count; i++) {
		struct section section;
		struct fault fault = {0};
		char name[5];
		container_id_text(container_section_at(container, i, &section, NULL), name);
		if (hash_sum(section.bytes, section.length) == le64_get(container->table[i].sum))
			continue;
		fault_set(&fault, STATUS_CORRUPT, name, section.offset,
			  "the section does not match its checksum");
		report_fault(verify, file, STATUS_CORRUPT, &fault);
		good = false;
	}
	return good;
}

/* Checksums, then the bytes between sections. */
static bool
container_good(struct verify *verify, const char *file, const struct container *container)
{
	struct fault fault = {0};
	if (!sections_good(verify, file, container))
		return false;
	enum status status = container_check(container, &fault);
	if (status != STATUS_OK)
		report_fault(verify, file, status, &fault);
	return status == STATUS_OK;
}

/* --- journal -------------------------------------------------------------------------- */

static void
plan_close(struct plan *plan)
{
	for (uint32_t i = 0; i < plan->state.layer_count; i++)
		image_drop(plan->layer[i].image);
	if (plan->opened)
		journal_close(&plan->journal);
	memset(plan, 0, sizeof(*plan));
}

static enum status
layer_open(const struct plan *plan, const char *directory, const struct journal_layer *row,
	   struct image **image, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	uint8_t *bytes = NULL;
	enum status status;
	if (row->offset == 0) {
		status = store_segment_path(directory, row->number, path, fault);
		return status == STATUS_OK ? image_open(path, image, fault) : status;
	}
	status = journal_segment(&plan->journal, row, &bytes, fault);
	return status == STATUS_OK ? image_memory(bytes, (size_t)row->bytes, image, fault) : status;
}

static bool
is_named(const struct image *image, const struct journal_layer *row)
{
	return image->length >= sizeof(row->sha256) &&
	       memcmp(image->bytes + image->length - sizeof(row->sha256), row->sha256,
		      sizeof(row->sha256)) == 0;
}

/* Open what the record names; false if a file is missing or another. */
static bool
layers_open(struct plan *plan, const char *directory)
{
	bool whole = true;
	for (uint32_t i = 0; i < plan->state.layer_count; i++) {
		struct plan_layer *layer = &plan->layer[i];
		const struct journal_layer *row = &plan->state.layer[i];
		memset(layer, 0, sizeof(*layer));
		layer->status = layer_open(plan, directory, row, &layer->image, &layer->fault);
		whole &= layer->status == STATUS_OK && is_named(layer->image, row);
	}
	return whole;
}

static enum status
plan_open(struct plan *plan, const char *directory, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	enum status status = store_path(directory, STORE_JOURNAL, path, fault);
	if (status == STATUS_OK)
		status = journal_open(path, &plan->journal, fault);
	if (status != STATUS_OK)
		return status;
	plan->opened = true;
	status = journal_walk(&plan->journal, NULL, UINT64_MAX, &plan->place, fault);
	return status == STATUS_OK ? journal_state(&plan->journal, &plan->place, &plan->state, fault)
				   : status;
}

/*
 * A layer may be missing, or another under its number, because a writer has
 * folded it since the record was read; then there is another record by now.
 */
static enum status
plan_load(struct plan *plan, const char *directory, struct fault *fault)
{
	uint64_t before = 0;
	for (int tries = 0;; tries++) {
		enum status status = plan_open(plan, directory, fault);
		if (status != STATUS_OK || layers_open(plan, directory) ||
		    plan->place.sum == before || tries == VERIFY_TRIES)
			return status;
		before = plan->place.sum;
		plan_close(plan);
	}
}

/* Does a layer of today stand in the record? */
static bool
holds_layer(const struct plan *plan, const struct journal_place *record)
{
	for (uint32_t i = 0; i < plan->state.layer_count; i++) {
		uint64_t offset = plan->state.layer[i].offset;
		if (offset >= record->offset && offset < record->end)
			return true;
	}
	return false;
}

/* Every record, also those that a reader does not look at any more. */
static enum status
records_check(struct verify *verify, struct fault *fault)
{
	struct plan *plan = &verify->plan;
	struct journal_place record = {0};
	struct fault unread;
	enum status status = STATUS_OK;
	bool whole;
	while (status == STATUS_OK && record.offset < plan->place.offset) {
		uint64_t end = record.count == 0 ? FORMAT_PAGE_BYTES : record.end;
		status = journal_next(&plan->journal, &record, &whole, &unread, fault);
		if (status == STATUS_OK && unread.text[0] != '\0')
			report_text(verify, STORE_JOURNAL, VERDICT_DAMAGED,
				    "bytes between %" PRIu64 " and %" PRIu64 ", in front of the last record: %s",
				    end, record.offset, unread.text);
		else if (status == STATUS_OK && record.offset != end)
			report_text(verify, STORE_JOURNAL, VERDICT_NOTE,
				    "%" PRIu64 " bytes at byte %" PRIu64 " are no record, in front of the last one",
				    record.offset - end, end);
		if (status == STATUS_OK && !whole)
			report_text(verify, STORE_JOURNAL,
				    holds_layer(plan, &record) ? VERDICT_DAMAGED : VERDICT_NOTE,
				    "record %" PRIu64 " at byte %" PRIu64
				    " does not match its checksum", record.count, record.offset);
	}
	plan->place.count = record.count; /* what was seen now, whatever the first walk stepped over */
	return status;
}

static enum status
catalog_check(const struct plan *plan, struct fault *fault)
{
	uint8_t *bytes = NULL;
	size_t length;
	struct catalog catalog;
	enum status status = journal_catalog(&plan->journal, &plan->state, &bytes, &length, fault);
	if (status == STATUS_OK)
		status = catalog_decode(bytes, length, &catalog, fault);
	if (status == STATUS_OK)
		catalog_fini(&catalog);
	free(bytes);
	return status;
}

static void
verify_journal(struct verify *verify)
{
	struct plan *plan = &verify->plan;
	struct fault fault = {0};
	enum status status = plan_load(plan, verify->cli->store, &fault);
	if (status == STATUS_OK)
		status = records_check(verify, &fault);
	if (status == STATUS_OK)
		status = catalog_check(plan, &fault);
	if (status == STATUS_MISSING)
		fault_set(&fault, status, NULL, 0, "the file is missing");
	if (status != STATUS_OK) {
		report_fault(verify, STORE_JOURNAL, status, &fault);
		return;
	}
	verify->planned = true;
	report_text(verify, STORE_JOURNAL, VERDICT_OK,
		    "generation %" PRIu64 ", %u layers, %" PRIu64 " records, %" PRIu64 " bytes",
		    plan->state.generation, plan->state.layer_count, plan->place.count,
		    plan->place.end);
}

/*
 * What stands behind the last good record: nothing, a transaction that was never
 * acknowledged, or one that was: the counter tells.
 */
static void
verify_tail(struct verify *verify, bool counted, uint64_t counter)
{
	const struct plan *plan = &verify->plan;
	uint64_t tail = plan->journal.in.length - plan->place.end;
	if (!verify->planned || tail == 0)
		return;
	if (counted && store_counter_ahead(counter, plan->state.generation))
		report_text(verify, STORE_JOURNAL, VERDICT_DAMAGED,
			    "generation %" PRIu64 " was published and is damaged: its record at byte %"
			    PRIu64 "; readers use %" PRIu64 ", and the next write goes on from there",
			    plan->state.generation + 1, plan->place.end, plan->state.generation);
	else
		report_text(verify, STORE_JOURNAL, VERDICT_NOTE,
			    "%" PRIu64 " bytes of a transaction that was never acknowledged; the next "
			    "write leaves them out", tail);
}

/* --- segments --------------------------------------------------------------------------- */

static uint64_t
keys_of(const struct segment *segment)
{
	uint64_t keys = 0;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		keys += segment->keys[kind];
	return keys;
}

/* Does the segment fit its place in the stack? */
static enum status
place_check(const struct segment *segment, const struct journal_layer *row, bool base,
	    struct fault *fault)
{
	bool overlay = (segment->flags & FORMAT_SEGMENT_OVERLAY) != 0;
	if (memcmp(row->sha256, container_sha256(&segment->container), 32) != 0)
		return fault_set(fault, STATUS_CORRUPT, "footer", segment->container.length - 32,
				 "not the segment that the journal names");
	if (segment->container.length != row->bytes)
		return fault_set(fault, STATUS_CORRUPT, "header", 0,
				 "not as long as the journal says");
	if (overlay == base)
		return fault_set(fault, STATUS_CORRUPT, "INFO", 0,
				 base ? "an overlay where the base must be"
				      : "a base where an overlay must be");
	return STATUS_OK;
}

static void
verify_bytes(struct verify *verify, const char *file, const struct image *image,
	     const struct journal_layer *row, bool base)
{
	struct container container;
	struct segment segment;
	struct fault fault = {0};
	enum status status = container_attach(&container, FORMAT_CONTENT_SEGMENT, image->bytes,
					      image->length, &fault);
	if (status == STATUS_OK && !container_good(verify, file, &container))
		return;
	if (status == STATUS_OK)
		status = segment_attach(&segment, image->bytes, image->length, &fault);
	if (status == STATUS_OK)
		status = segment_check(&segment, &fault);
	if (status == STATUS_OK)
		status = segment_check_sha256(&segment, &fault);
	if (status == STATUS_OK && row != NULL)
		status = place_check(&segment, row, base, &fault);
	if (status != STATUS_OK) {
		report_fault(verify, file, status, &fault);
		return;
	}
	report_text(verify, file, VERDICT_OK, "%s, %" PRIu64 " keys, %zu bytes%s",
		    (segment.flags & FORMAT_SEGMENT_OVERLAY) != 0 ? "overlay" : "base",
		    keys_of(&segment), image->length, row == NULL ? ", by itself" : "");
}

static void
verify_layers(struct verify *verify)
{
	for (uint32_t i = 0; i < verify->plan.state.layer_count; i++) {
		struct plan_layer *layer = &verify->plan.layer[i];
		const struct journal_layer *row = &verify->plan.state.layer[i];
		char file[NAME_BYTES];
		snprintf(file, sizeof(file), "%s" STORE_SEGMENT_PREFIX "%" PRIu64 "%s",
			 row->offset != 0 ? STORE_JOURNAL ":" : "", row->number,
			 row->offset != 0 ? "" : STORE_SEGMENT_SUFFIX);
		if (layer->status == STATUS_MISSING)
			fault_set(&layer->fault, layer->status, NULL, 0,
				  "the file is missing, and the journal names it");
		if (layer->status != STATUS_OK)
			report_fault(verify, file, layer->status, &layer->fault);
		else
			verify_bytes(verify, file, layer->image, row, i == 0);
	}
}

/* A store from before the journal: whole if it opens and its layers are good. */
static void
verify_manifest(struct verify *verify)
{
	struct fault fault = {0};
	struct view *view;
	enum status status = view_load(verify->cli->store, NULL, false, &view, &fault);
	if (status != STATUS_OK) {
		report_fault(verify, STORE_MANIFEST, status, &fault);
		return;
	}
	verify->planned = true;
	verify->plan.state.generation = view->generation;
	verify->plan.state.layer_count = view->layer_count;
	for (uint32_t i = 0; i < view->layer_count; i++) {
		verify->plan.state.layer[i] = view->layer[i].row;
		verify->plan.layer[i].image = image_take(view->layer[i].image);
	}
	report_text(verify, STORE_MANIFEST, VERDICT_OK, "generation %" PRIu64 ", %u layers; a store "
		    "from before the journal, which the next write makes", view->generation,
		    view->layer_count);
	view_drop(view);
}

/* --- the directory ------------------------------------------------------------------- */

static enum status
name_add(void *context, const char *name, struct fault *fault)
{
	struct verify *verify = context;
	if (verify->name_count == verify->name_capacity) {
		size_t capacity = verify->name_capacity * 2 + 16;
		void *names = realloc(verify->names, capacity * sizeof(*verify->names));
		if (names == NULL)
			return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for names");
		verify->names = names;
		verify->name_capacity = capacity;
	}
	snprintf(verify->names[verify->name_count++], NAME_BYTES, "%s", name);
	return STATUS_OK;
}

static int
name_compare(const void *left, const void *right)
{
	return strcmp(left, right);
}

static bool
is_layer(const struct plan *plan, uint64_t number)
{
	for (uint32_t i = 0; i < plan->state.layer_count; i++)
		if (plan->state.layer[i].offset == 0 && plan->state.layer[i].number == number)
			return true;
	return false;
}

/* A hint that is wrong costs readers a look at the journal, no more: never damage. One that cannot be read is. */
static void
verify_counter(struct verify *verify)
{
	char path[FILE_PATH_BYTES];
	struct file_counter counter = {0};
	struct fault fault = {0};
	enum status status = store_path(verify->cli->store, STORE_COUNTER, path, &fault);
	if (status == STATUS_OK)
		status = file_counter_open(path, false, &counter, &fault);
	uint64_t value = status == STATUS_OK ? __atomic_load_n(counter.value, __ATOMIC_ACQUIRE) : 0;
	file_counter_close(&counter);
	if (status == STATUS_MISSING)
		report_text(verify, STORE_COUNTER, VERDICT_NOTE,
			    "no counter; the next write makes one");
	else if (status != STATUS_OK)
		report_fault(verify, STORE_COUNTER, status, &fault);
	else if (store_counter_failed(value) != 0)
		report_text(verify, STORE_COUNTER, VERDICT_NOTE, "says that generation %" PRIu64
			    " failed; the next write writes the state anew", store_counter_failed(value));
	else if (verify->planned && value != verify->plan.state.generation)
		report_text(verify, STORE_COUNTER, VERDICT_NOTE, "says %" PRIu64
			    ", the journal %" PRIu64 "; the next write mends it", value,
			    verify->plan.state.generation);
	else
		report_text(verify, STORE_COUNTER, VERDICT_OK, "counts %" PRIu64, value);
	if (verify->plan.opened)
		verify_tail(verify, status == STATUS_OK, value);
}

/* A segment that the journal does not name: judged by itself if no journal can be trusted. */
static void
verify_stray(struct verify *verify, const char *name)
{
	char path[FILE_PATH_BYTES];
	struct image *image = NULL;
	struct fault fault = {0};
	if (verify->planned) {
		report_text(verify, name, VERDICT_NOTE,
			    "in no generation; the next write removes it");
		return;
	}
	enum status status = store_path(verify->cli->store, name, path, &fault);
	if (status == STATUS_OK)
		status = image_open(path, &image, &fault);
	if (status != STATUS_OK) {
		report_fault(verify, name, status, &fault);
		return;
	}
	verify_bytes(verify, name, image, NULL, false);
	image_drop(image);
}

/* Files that are looked at elsewhere; a manifest beside a journal is none. */
static bool
is_ours(const char *name, bool journal)
{
	static const char *const ours[] = {STORE_JOURNAL, STORE_COUNTER, STORE_LOCK,
					   STORE_COMPACT_LOCK};
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	return !journal && strcmp(name, STORE_MANIFEST) == 0;
}

static bool
is_kept(const char *name)
{
	size_t length = strlen(name), end = strlen(STORE_KEPT);
	return length > end && strcmp(name + length - end, STORE_KEPT) == 0;
}

static void
verify_others(struct verify *verify)
{
	for (size_t i = 0; i < verify->name_count; i++) {
		const char *name = verify->names[i];
		uint64_t number;
		if (is_ours(name, verify->plan.opened))
			continue;
		if (store_is_temporary(name, STORE_COMPACTION ".") ||
		    store_is_temporary(name, STORE_JOURNAL "."))
			report_text(verify, name, VERDICT_NOTE, "being written, or left by who died");
		else if (is_kept(name))
			report_text(verify, name, VERDICT_NOTE,
				    "damaged, and kept when an earlier generation was gone back to");
		else if (!store_segment_number(name, &number))
			report_text(verify, name, VERDICT_NOTE, "not a file of this store");
		else if (!verify->planned || !is_layer(&verify->plan, number))
			verify_stray(verify, name);
	}
}

/* Missing if no file here is a store's. */
static enum status
directory_read(struct verify *verify, struct fault *fault)
{
	const char *directory = verify->cli->store;
	enum status status = file_each_name(directory, name_add, verify, fault);
	uint64_t number;
	if (status != STATUS_OK && status != STATUS_MISSING)
		return status;
	if (verify->name_count > 0)
		qsort(verify->names, verify->name_count, sizeof(*verify->names), name_compare);
	for (size_t i = 0; i < verify->name_count; i++)
		if (strcmp(verify->names[i], STORE_JOURNAL) == 0 ||
		    strcmp(verify->names[i], STORE_MANIFEST) == 0 ||
		    store_segment_number(verify->names[i], &number))
			return STATUS_OK;
	return fault_set(fault, STATUS_MISSING, directory, 0,
			 "there is no store here; the first import or add makes one");
}

/* Unless it is one from before the journal, a store has one, or misses it. */
static bool
has_journal(const struct verify *verify)
{
	bool manifest = false;
	for (size_t i = 0; i < verify->name_count; i++) {
		if (strcmp(verify->names[i], STORE_JOURNAL) == 0)
			return true;
		manifest |= strcmp(verify->names[i], STORE_MANIFEST) == 0;
	}
	return !manifest;
}

static int
verify_run(struct cli *cli, int argc, char **argv)
{
	struct verify verify = {.cli = cli};
	struct fault fault = {0};
	if (cli_option(cli, argc, argv) < 0)
		return cli->status;
	if (cli->operand_count > 0)
		return cli_usage(cli, "takes no value; --store names the store");
	enum status status = directory_read(&verify, &fault);
	if (status == STATUS_OK) {
		if (has_journal(&verify))
			verify_journal(&verify);
		else
			verify_manifest(&verify);
		if (verify.planned)
			verify_layers(&verify);
		verify_counter(&verify);
		verify_others(&verify);
	}
	plan_close(&verify.plan);
	json_fini(&verify.json);
	free(verify.names);
	if (status != STATUS_OK)
		return cli_error(cli, &fault);
	return verify.damaged ? CLI_ERROR : CLI_FOUND;
}

const struct cli_command cmd_verify = {
	.name = "verify",
	.usage = "",
	.summary = "check every byte of a store",
	.about = "Reads every file of the store: each byte against its checksum, each segment "
		 "against the digest that the journal has of it, and that every segment means "
		 "something: keys in order, each found where it must be, claims and tags whole. One "
		 "line a file, or one a damaged section; files that are no part of the store are "
		 "noted.\n\n"
		 "Exit status 0 if all is well, 2 if anything is damaged or missing.",
	.examples = "  repute verify\n"
		    "  repute verify --json | jq 'select(.ok | not)'\n",
	.run = verify_run,
};
