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

/* The manifest as read, its layers mapped before any is looked at: a writer may fold them. */
struct plan {
	struct file_map map;
	uint64_t generation;
	uint32_t count;
	struct plan_layer {
		uint64_t number, file_bytes;
		uint8_t sha256[32];
		struct file_map map;
		enum status status;
		struct fault fault;
	} layer[LIMIT_LAYERS];
};

struct verify {
	struct cli *cli;
	struct json_writer json;
	struct plan plan;
	bool planned;    /* the manifest is good: what it does not name is no part of the store */
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

/* --- manifest ------------------------------------------------------------------------- */

static enum status
digest_check(const struct container *container, struct fault *fault)
{
	struct sha256 *sha256 = sha256_new();
	uint8_t digest[32];
	if (sha256 == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a digest");
	sha256_add(sha256, container->bytes, container->length - sizeof(digest));
	sha256_finish(sha256, digest);
	if (memcmp(digest, container_sha256(container), sizeof(digest)) == 0)
		return STATUS_OK;
	return fault_set(fault, STATUS_CORRUPT, "footer", container->length - sizeof(digest),
			 "the SHA-256 does not match");
}

static enum status
layers_read(struct plan *plan, const struct container *container, struct fault *fault)
{
	struct section section;
	container_section(container, FORMAT_LAYERS, &section);
	const struct manifest_d *head = (const struct manifest_d *)section.bytes;
	uint32_t count = section.length < sizeof(*head) ? 0 : le32_get(head->layer_count);
	if (section.length < sizeof(*head) || count > LIMIT_LAYERS ||
	    section.length != sizeof(*head) + count * sizeof(struct layer_d))
		return fault_set(fault, STATUS_CORRUPT, "LAYR", section.offset,
				 "the layers do not fit their section");
	const struct layer_d *row = (const struct layer_d *)(head + 1);
	for (uint32_t i = 0; i < count; i++) {
		plan->layer[i].number = le64_get(row[i].number);
		plan->layer[i].file_bytes = le64_get(row[i].file_bytes);
		memcpy(plan->layer[i].sha256, row[i].sha256, sizeof(row[i].sha256));
	}
	plan->count = count;
	plan->generation = le64_get(head->generation);
	return STATUS_OK;
}

static enum status
catalog_check(const struct container *container, struct fault *fault)
{
	struct section section;
	struct catalog catalog;
	struct fault inner = {0};
	container_section(container, FORMAT_CATALOG, &section);
	enum status status = catalog_decode(section.bytes, section.length, &catalog, &inner);
	if (status != STATUS_OK)
		return fault_set(fault, status, "CATA", section.offset + inner.offset, "%s",
				 inner.text);
	catalog_fini(&catalog);
	return STATUS_OK;
}

static void
plan_close(struct plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++)
		file_map_close(&plan->layer[i].map);
	file_map_close(&plan->map);
	memset(plan, 0, sizeof(*plan));
}

static enum status
plan_map(struct plan *plan, const char *directory, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	enum status status = store_path(directory, STORE_MANIFEST, path, fault);
	if (status == STATUS_OK)
		status = file_map_open(path, &plan->map, fault);
	return status;
}

static bool
is_named(const struct plan_layer *layer)
{
	return layer->map.length >= sizeof(layer->sha256) &&
	       memcmp(layer->map.bytes + layer->map.length - sizeof(layer->sha256), layer->sha256,
		      sizeof(layer->sha256)) == 0;
}

/* Map what the manifest names; false if a file is missing or another. */
static bool
layers_map(struct plan *plan, const char *directory)
{
	char path[FILE_PATH_BYTES];
	bool whole = true;
	for (uint32_t i = 0; i < plan->count; i++) {
		struct plan_layer *layer = &plan->layer[i];
		memset(&layer->fault, 0, sizeof(layer->fault));
		layer->status = store_segment_path(directory, layer->number, path, &layer->fault);
		if (layer->status == STATUS_OK)
			layer->status = file_map_open(path, &layer->map, &layer->fault);
		whole &= layer->status == STATUS_OK && is_named(layer);
	}
	return whole;
}

/*
 * A layer may be missing, or another under its number, because a writer has
 * folded it since the manifest was read; then the manifest is another by now
 * and is read again.
 */
static enum status
plan_load(struct plan *plan, const char *directory, struct fault *fault)
{
	uint64_t before = UINT64_MAX;
	for (int tries = 0;; tries++) {
		struct container container;
		enum status status = plan_map(plan, directory, fault);
		if (status == STATUS_OK)
			status = container_attach(&container, FORMAT_CONTENT_MANIFEST,
						  plan->map.bytes, plan->map.length, fault);
		if (status == STATUS_OK)
			status = layers_read(plan, &container, fault);
		if (status != STATUS_OK || layers_map(plan, directory) ||
		    plan->generation == before || tries == VERIFY_TRIES)
			return status;
		before = plan->generation;
		plan_close(plan);
	}
}

/* What the manifest names may be wrong when its bytes are: then segments are judged alone. */
static void
verify_manifest(struct verify *verify)
{
	struct plan *plan = &verify->plan;
	struct container container;
	struct fault fault = {0};
	enum status status = plan_load(plan, verify->cli->store, &fault);
	if (status == STATUS_OK)
		status = container_attach(&container, FORMAT_CONTENT_MANIFEST, plan->map.bytes,
					  plan->map.length, &fault);
	if (status == STATUS_MISSING)
		fault_set(&fault, status, NULL, 0, "the file is missing");
	if (status != STATUS_OK) {
		report_fault(verify, STORE_MANIFEST, status, &fault);
		return;
	}
	if (!container_good(verify, STORE_MANIFEST, &container))
		return;
	status = catalog_check(&container, &fault);
	if (status == STATUS_OK)
		status = digest_check(&container, &fault);
	if (status != STATUS_OK) {
		report_fault(verify, STORE_MANIFEST, status, &fault);
		return;
	}
	verify->planned = true;
	report_text(verify, STORE_MANIFEST, VERDICT_OK, "generation %" PRIu64 ", %u layers",
		    plan->generation, plan->count);
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
place_check(const struct segment *segment, const struct plan_layer *layer, bool base,
	    struct fault *fault)
{
	bool overlay = (segment->flags & FORMAT_SEGMENT_OVERLAY) != 0;
	if (memcmp(layer->sha256, container_sha256(&segment->container), 32) != 0)
		return fault_set(fault, STATUS_CORRUPT, "footer", segment->container.length - 32,
				 "not the segment that the manifest names");
	if (segment->container.length != layer->file_bytes)
		return fault_set(fault, STATUS_CORRUPT, "header", 0,
				 "not as long as the manifest says");
	if (overlay == base)
		return fault_set(fault, STATUS_CORRUPT, "INFO", 0,
				 base ? "an overlay where the base must be"
				      : "a base where an overlay must be");
	return STATUS_OK;
}

static void
verify_bytes(struct verify *verify, const char *file, const struct file_map *map,
	     const struct plan_layer *layer, bool base)
{
	struct container container;
	struct segment segment;
	struct fault fault = {0};
	enum status status = container_attach(&container, FORMAT_CONTENT_SEGMENT, map->bytes,
					      map->length, &fault);
	if (status == STATUS_OK && !container_good(verify, file, &container))
		return;
	if (status == STATUS_OK)
		status = segment_attach(&segment, map->bytes, map->length, &fault);
	if (status == STATUS_OK)
		status = segment_check(&segment, &fault);
	if (status == STATUS_OK)
		status = segment_check_sha256(&segment, &fault);
	if (status == STATUS_OK && layer != NULL)
		status = place_check(&segment, layer, base, &fault);
	if (status != STATUS_OK) {
		report_fault(verify, file, status, &fault);
		return;
	}
	report_text(verify, file, VERDICT_OK, "%s, %" PRIu64 " keys, %zu bytes%s",
		    (segment.flags & FORMAT_SEGMENT_OVERLAY) != 0 ? "overlay" : "base",
		    keys_of(&segment), map->length, layer == NULL ? ", by itself" : "");
}

static void
verify_layers(struct verify *verify)
{
	for (uint32_t i = 0; i < verify->plan.count; i++) {
		struct plan_layer *layer = &verify->plan.layer[i];
		char file[NAME_BYTES];
		snprintf(file, sizeof(file), STORE_SEGMENT_PREFIX "%" PRIu64 STORE_SEGMENT_SUFFIX,
			 layer->number);
		if (layer->status == STATUS_MISSING)
			fault_set(&layer->fault, layer->status, NULL, 0,
				  "the file is missing, and the manifest names it");
		if (layer->status != STATUS_OK)
			report_fault(verify, file, layer->status, &layer->fault);
		else
			verify_bytes(verify, file, &layer->map, layer, i == 0);
	}
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
is_segment(const char *name, uint64_t *number)
{
	char again[NAME_BYTES];
	if (sscanf(name, STORE_SEGMENT_PREFIX "%" SCNu64, number) != 1)
		return false;
	snprintf(again, sizeof(again), STORE_SEGMENT_PREFIX "%" PRIu64 STORE_SEGMENT_SUFFIX,
		 *number);
	return strcmp(name, again) == 0;
}

static bool
is_layer(const struct plan *plan, uint64_t number)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->layer[i].number == number)
			return true;
	return false;
}

/* A hint that is wrong costs readers a look at the manifest, no more: never damage. */
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
	if (status != STATUS_OK)
		report_text(verify, STORE_COUNTER, VERDICT_NOTE,
			    "no counter; the next write makes one");
	else if (verify->planned && value != verify->plan.generation)
		report_text(verify, STORE_COUNTER, VERDICT_NOTE, "says %" PRIu64
			    ", the manifest %" PRIu64 "; the next write mends it", value,
			    verify->plan.generation);
	else
		report_text(verify, STORE_COUNTER, VERDICT_OK, "counts %" PRIu64, value);
}

/* A segment without a manifest that names it: judged by itself if no manifest can be trusted. */
static void
verify_stray(struct verify *verify, const char *name)
{
	char path[FILE_PATH_BYTES];
	struct file_map map = {0};
	struct fault fault = {0};
	if (verify->planned) {
		report_text(verify, name, VERDICT_NOTE,
			    "in no generation; the next write removes it");
		return;
	}
	enum status status = store_path(verify->cli->store, name, path, &fault);
	if (status == STATUS_OK)
		status = file_map_open(path, &map, &fault);
	if (status != STATUS_OK) {
		report_fault(verify, name, status, &fault);
		return;
	}
	verify_bytes(verify, name, &map, NULL, false);
	file_map_close(&map);
}

static void
verify_others(struct verify *verify)
{
	for (size_t i = 0; i < verify->name_count; i++) {
		const char *name = verify->names[i];
		uint64_t number;
		if (strcmp(name, STORE_MANIFEST) == 0 || strcmp(name, STORE_COUNTER) == 0 ||
		    strcmp(name, STORE_LOCK) == 0)
			continue;
		if (!is_segment(name, &number))
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
		if (strcmp(verify->names[i], STORE_MANIFEST) == 0 ||
		    is_segment(verify->names[i], &number))
			return STATUS_OK;
	return fault_set(fault, STATUS_MISSING, directory, 0,
			 "there is no store here; the first import or add makes one");
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
		 "against the digest that the manifest has of it, and that every segment means "
		 "something: keys in order, each found where it must be, claims and tags whole. One "
		 "line a file, or one a damaged section; files that are no part of the store are "
		 "noted.\n\n"
		 "Exit status 0 if all is well, 2 if anything is damaged or missing.",
	.examples = "  repute verify\n"
		    "  repute verify --json | jq 'select(.ok | not)'\n",
	.run = verify_run,
};
