/* SPDX-License-Identifier: Apache-2.0 */
/* The one writer: lock, overlay under construction, publication (store.h P1-P4). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/store_state.h"

/* Overlays together may hold this part of the base's keys before they are folded into it. */
#define FOLD_PART 4

struct store_write {
	char *directory;
	struct file_lock lock;
	struct file_counter counter; /* GENERATION, mapped from the beginning */
	bool locked, touched, synced;
	struct view *view;
	struct catalog catalog;
	struct segment_build *build;
};

/* The layers of the generation to be. */
struct plan {
	uint32_t count;
	struct layer_d layer[LIMIT_LAYERS + 1];
};

/* --- manifest -------------------------------------------------------------------------- */

static enum status
manifest_bytes(struct file_out *file, const struct manifest_d *head, const struct plan *plan,
	       const uint8_t *catalog, size_t catalog_length, struct fault *fault)
{
	uint32_t ids[2] = {FORMAT_LAYERS, FORMAT_CATALOG};
	uint64_t lengths[2] = {sizeof(*head) + plan->count * sizeof(struct layer_d),
			       catalog_length};
	struct container_out *out = NULL;
	uint8_t sha256[32];
	enum status status = container_out_new(file, FORMAT_CONTENT_MANIFEST, 2, lengths, ids,
					       &out, fault);
	if (status == STATUS_OK)
		status = container_out_write(out, head, sizeof(*head), fault);
	if (status == STATUS_OK)
		status = container_out_write(out, plan->layer,
					     plan->count * sizeof(struct layer_d), fault);
	if (status == STATUS_OK)
		status = container_out_next(out, fault);
	if (status == STATUS_OK)
		status = container_out_write(out, catalog, catalog_length, fault);
	if (status == STATUS_OK)
		status = container_out_next(out, fault);
	if (status == STATUS_OK)
		status = container_out_finish(out, sha256, fault);
	container_out_free(out);
	return status;
}

/* Bytes that no reader would take must not become the manifest of a store. */
static enum status
check_catalog(const uint8_t *bytes, size_t length, struct fault *fault)
{
	struct catalog catalog;
	enum status status = catalog_decode(bytes, length, &catalog, fault);
	if (status == STATUS_OK)
		catalog_fini(&catalog);
	return status;
}

static enum status
manifest_write(const char *directory, const struct manifest_d *head, const struct plan *plan,
	       const struct catalog *catalog, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	uint8_t *bytes = NULL;
	size_t length;
	struct file_out *file = NULL;
	enum status status = store_path(directory, STORE_MANIFEST, path, fault);
	if (status == STATUS_OK)
		status = catalog_encode(catalog, &bytes, &length, fault);
	if (status == STATUS_OK)
		status = check_catalog(bytes, length, fault);
	if (status == STATUS_OK)
		status = file_out_open(path, &file, fault);
	if (status == STATUS_OK) {
		status = manifest_bytes(file, head, plan, bytes, length, fault);
		if (status == STATUS_OK)
			status = file_out_commit(file, fault);
		else
			file_out_abort(file);
	}
	free(bytes);
	return status;
}

/* P3 */
static void
counter_set(struct file_counter *counter, uint64_t generation)
{
	if (__atomic_load_n(counter->value, __ATOMIC_RELAXED) != generation)
		__atomic_store_n(counter->value, generation, __ATOMIC_RELEASE);
}

/* --- beginning ---------------------------------------------------------------------------- */

static enum status
refuse_segment(void *context, const char *name, struct fault *fault)
{
	if (strncmp(name, STORE_SEGMENT_PREFIX, strlen(STORE_SEGMENT_PREFIX)) != 0)
		return STATUS_OK;
	return fault_set(fault, STATUS_CORRUPT, context, 0,
			 "%s is there but no " STORE_MANIFEST "; restore it or use another directory",
			 name);
}

static enum status
make_empty(const char *directory, const struct hash_seed *seed, struct fault *fault)
{
	struct catalog catalog;
	struct plan plan = {0};
	struct manifest_d head = {0};
	uint64_t words[2];
	enum status status = file_each_name(directory, refuse_segment,
					    (void *)(uintptr_t)directory, fault);
	if (status == STATUS_OK && seed == NULL)
		status = file_random(words, fault);
	if (status != STATUS_OK)
		return status;
	head.seed[0] = le64_make(seed == NULL ? words[0] : seed->word[0]);
	head.seed[1] = le64_make(seed == NULL ? words[1] : seed->word[1]);
	status = catalog_init(&catalog, fault);
	if (status != STATUS_OK)
		return status;
	status = manifest_write(directory, &head, &plan, &catalog, fault);
	catalog_fini(&catalog);
	return status;
}

static bool
is_layer(const struct view *view, uint64_t number)
{
	for (uint32_t i = 0; i < view->layer_count; i++)
		if (view->layer[i].number == number)
			return true;
	return false;
}

static bool
begins_with(const char *name, const char *begin)
{
	return strncmp(name, begin, strlen(begin)) == 0;
}

static bool
ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);
	return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

/* The number, if the name is one that a writer gives: a copy kept by hand is not ours. */
static bool
segment_number(const char *name, uint64_t *number)
{
	char again[64];
	if (sscanf(name, STORE_SEGMENT_PREFIX "%" SCNu64, number) != 1)
		return false;
	snprintf(again, sizeof(again), STORE_SEGMENT_PREFIX "%" PRIu64 STORE_SEGMENT_SUFFIX, *number);
	return strcmp(again, name) == 0;
}

/*
 * Temporaries and segments of transactions that never were: nobody names them.
 * Our manifest may owe its name to a writer that died before the directory was
 * synced; until that is durable, the segments of the one before it must stay.
 */
static enum status
remove_leftover(void *context, const char *name, struct fault *fault)
{
	struct store_write *write = context;
	char path[FILE_PATH_BYTES];
	uint64_t number;
	bool segment = segment_number(name, &number) && !is_layer(write->view, number);
	bool temporary = ends_with(name, ".tmp") && (begins_with(name, STORE_MANIFEST ".") ||
						     begins_with(name, STORE_SEGMENT_PREFIX));
	if (!segment && !temporary)
		return STATUS_OK;
	enum status status = store_path(write->directory, name, path, fault);
	if (status == STATUS_OK && segment && !write->synced) {
		status = file_sync_directory_of(path, fault);
		write->synced = true;
	}
	return status == STATUS_OK ? file_remove(path, fault) : status;
}

static enum status
open_counter(struct store_write *write, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	enum status status = store_path(write->directory, STORE_COUNTER, path, fault);
	if (status == STATUS_OK)
		status = file_counter_open(path, true, &write->counter, fault);
	if (status == STATUS_OK)
		counter_set(&write->counter, write->view->generation);
	return status;
}

static enum status
begin_locked(struct store_write *write, const struct hash_seed *seed, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	enum status status = store_path(write->directory, STORE_MANIFEST, path, fault);
	if (status == STATUS_OK && !file_exists(path))
		status = make_empty(write->directory, seed, fault);
	if (status == STATUS_OK)
		status = view_load(write->directory, &write->view, fault);
	if (status == STATUS_OK)
		status = file_each_name(write->directory, remove_leftover, write, fault);
	if (status == STATUS_OK)
		status = open_counter(write, fault);
	if (status == STATUS_OK)
		status = catalog_copy(&write->view->catalog, &write->catalog, fault);
	if (status == STATUS_OK)
		status = segment_build_new(write->view->seed, write->view->layer_count > 0,
					   &write->build, fault);
	return status;
}

enum status
store_write_begin(const char *directory, bool wait, const struct hash_seed *seed,
		  struct store_write **out, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	struct store_write *write = calloc(1, sizeof(*write));
	if (write == NULL || (write->directory = strdup(directory)) == NULL) {
		free(write);
		return fault_set(fault, STATUS_NO_MEMORY, directory, 0, "no memory for a writer");
	}
	enum status status = file_make_directory(directory, fault);
	if (status == STATUS_OK)
		status = store_path(directory, STORE_LOCK, path, fault);
	if (status == STATUS_OK)
		status = file_lock_take(path, wait, &write->lock, fault);
	write->locked = status == STATUS_OK;
	if (status == STATUS_OK)
		status = begin_locked(write, seed, fault);
	if (status != STATUS_OK)
		store_write_abort(write);
	else
		*out = write;
	return status;
}

const struct view *
store_write_view(const struct store_write *write)
{
	return write->view;
}

struct catalog *
store_write_catalog(struct store_write *write)
{
	return &write->catalog;
}

struct segment_build *
store_write_build(struct store_write *write)
{
	return write->build;
}

void
store_write_touch(struct store_write *write)
{
	write->touched = true;
}

void
store_write_abort(struct store_write *write)
{
	if (write == NULL)
		return;
	segment_build_free(write->build);
	catalog_fini(&write->catalog);
	if (write->view != NULL)
		view_drop(write->view);
	file_counter_close(&write->counter);
	if (write->locked)
		file_lock_drop(&write->lock);
	free(write->directory);
	free(write);
}

/* --- publication ----------------------------------------------------------------------------- */

static uint64_t
next_number(const struct view *view)
{
	uint64_t number = 0;
	for (uint32_t i = 0; i < view->layer_count; i++)
		if (view->layer[i].number > number)
			number = view->layer[i].number;
	return number + 1;
}

/* P1 for one segment; *layer is its row for the manifest. */
static enum status
write_segment(const struct store_write *write, struct segment_build *build, uint64_t number,
	      struct layer_d *layer, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	struct file_out *file;
	enum status status = store_segment_path(write->directory, number, path, fault);
	if (status == STATUS_OK)
		status = file_out_open(path, &file, fault);
	if (status != STATUS_OK)
		return status;
	status = segment_build_write(build, file, layer->sha256, fault);
	if (status != STATUS_OK) {
		file_out_abort(file);
		return status;
	}
	layer->number = le64_make(number);
	layer->file_bytes = le64_make(file_out_offset(file));
	return file_out_commit(file, fault);
}

static uint64_t
layer_keys(const struct view *view, uint32_t from)
{
	uint64_t keys = 0;
	for (uint32_t i = from; i < view->layer_count; i++)
		for (int kind = 0; kind < KIND_COUNT; kind++)
			keys += view->layer[i].segment.keys[kind];
	return keys;
}

/*
 * A full stack is folded from the highest overlay that, with what lies on it,
 * is at most half as large as the layer below: sizes fall from layer to layer,
 * and small transactions do not write the large overlays again and again. A
 * thousand equal transactions write each key 5 times, not 83 times.
 */
static uint32_t
fold_overlays(const struct view *stack)
{
	uint32_t from = stack->layer_count - 2;
	while (from > 1 &&
	       3 * layer_keys(stack, from) > layer_keys(stack, from - 1))
		from--;
	return from;
}

/* The layer from which up the stack must be folded; layer_count = nothing to fold. */
static uint32_t
fold_from(const struct view *stack, bool compact)
{
	uint32_t count = stack->layer_count;
	uint64_t all = layer_keys(stack, 0), overlays = layer_keys(stack, 1);
	if (count <= 1)
		return count;
	if (compact || overlays * FOLD_PART > all - overlays)
		return 0;
	return count >= LIMIT_LAYERS ? fold_overlays(stack) : count;
}

static void
plan_layers(const struct view *view, uint32_t count, struct plan *plan)
{
	plan->count = count;
	for (uint32_t i = 0; i < count; i++) {
		const struct view_layer *layer = &view->layer[i];
		plan->layer[i].number = le64_make(layer->number);
		plan->layer[i].file_bytes = le64_make(layer->map.length);
		memcpy(plan->layer[i].sha256, container_sha256(&layer->segment.container), 32);
	}
}

/* Layers from..top of the view become one new segment on top of what is below them. */
static enum status
fold_layers(struct store_write *write, uint32_t from, struct plan *plan, struct fault *fault)
{
	struct view *view = write->view;
	struct segment_build *build;
	enum status status = segment_build_new(view->seed, from > 0, &build, fault);
	if (status != STATUS_OK)
		return status;
	uint64_t number = next_number(view);
	plan_layers(view, from, plan);
	status = store_fold(view, from, build, fault);
	if (status == STATUS_OK && segment_build_count(build) > 0)
		status = write_segment(write, build, number, &plan->layer[plan->count++], fault);
	segment_build_free(build);
	return status;
}

/*
 * The stack of the next generation. A new overlay is written and put on the
 * view (which only this writer sees), then folded if the stack asks for it.
 */
static enum status
plan_stack(struct store_write *write, bool compact, struct plan *plan, struct fault *fault)
{
	struct view *view = write->view;
	enum status status = STATUS_OK;
	if (segment_build_count(write->build) > 0) {
		struct layer_d layer;
		uint64_t number = next_number(view);
		status = write_segment(write, write->build, number, &layer, fault);
		if (status == STATUS_OK)
			status = view_load_layer(view, write->directory, number, layer.sha256,
						 fault);
	}
	if (status != STATUS_OK)
		return status;
	uint32_t from = fold_from(view, compact);
	if (from < view->layer_count)
		return fold_layers(write, from, plan, fault);
	plan_layers(view, view->layer_count, plan);
	return STATUS_OK;
}

static bool
plan_has(const struct plan *plan, uint64_t number)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (le64_get(plan->layer[i].number) == number)
			return true;
	return false;
}

/* P4. The new state is durable: a segment that cannot be unlinked is only garbage. */
static void
remove_retired(const struct store_write *write, const struct plan *plan)
{
	char path[FILE_PATH_BYTES];
	for (uint32_t i = 0; i < write->view->layer_count; i++) {
		uint64_t number = write->view->layer[i].number;
		if (!plan_has(plan, number) &&
		    store_segment_path(write->directory, number, path, NULL) == STATUS_OK)
			(void)file_remove(path, NULL);
	}
}

static enum status
catalog_changed(const struct store_write *write, bool *changed, struct fault *fault)
{
	uint8_t *old = NULL, *new = NULL;
	size_t old_length, new_length;
	*changed = false;
	if (!write->touched)
		return STATUS_OK;
	enum status status = catalog_encode(&write->view->catalog, &old, &old_length, fault);
	if (status == STATUS_OK)
		status = catalog_encode(&write->catalog, &new, &new_length, fault);
	if (status == STATUS_OK)
		*changed = old_length != new_length || memcmp(old, new, old_length) != 0;
	free(old);
	free(new);
	return status;
}

static enum status
publish(struct store_write *write, uint64_t now, bool compact, uint64_t *generation,
	struct fault *fault)
{
	struct plan plan = {0};
	uint64_t next = write->view->generation + 1;
	enum status status = plan_stack(write, compact, &plan, fault);
	if (status == STATUS_OK) {
		struct manifest_d head = {
			.generation = le64_make(next),
			.published = le64_make(now),
			.seed = {le64_make(write->view->seed.word[0]),
				 le64_make(write->view->seed.word[1])},
			.layer_count = le32_make(plan.count),
		};
		status = manifest_write(write->directory, &head, &plan, &write->catalog, fault);
	}
	if (status == STATUS_OK) {
		*generation = next;
		counter_set(&write->counter, next);
		remove_retired(write, &plan);
	}
	return status;
}

enum status
store_write_commit(struct store_write *write, uint64_t now, bool compact, uint64_t *generation,
		   struct fault *fault)
{
	bool changed;
	enum status status = catalog_changed(write, &changed, fault);
	changed |= segment_build_count(write->build) > 0;
	changed |= compact && write->view->layer_count > 1;
	if (status == STATUS_OK && changed)
		status = publish(write, now, compact, generation, fault);
	else if (status == STATUS_OK)
		*generation = write->view->generation;
	store_write_abort(write);
	return status;
}
