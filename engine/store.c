/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/store_state.h"

#define LOAD_TRIES 8

enum status
store_path(const char *directory, const char *name, char *path, struct fault *fault)
{
	int need = snprintf(path, FILE_PATH_BYTES, "%s/%s", directory, name);
	if (need < 0 || need >= FILE_PATH_BYTES)
		return fault_set(fault, STATUS_LIMIT, directory, 0, "the path is too long");
	return STATUS_OK;
}

enum status
store_segment_path(const char *directory, uint64_t number, char *path, struct fault *fault)
{
	char name[64];
	snprintf(name, sizeof(name), STORE_SEGMENT_PREFIX "%" PRIu64 STORE_SEGMENT_SUFFIX, number);
	return store_path(directory, name, path, fault);
}

void
view_free(struct view *view)
{
	for (uint32_t i = 0; i < view->layer_count; i++) {
		file_map_close(&view->layer[i].map);
		free(view->layer[i].sources);
	}
	catalog_fini(&view->catalog);
	free(view);
}

/* Name the file in a fault that so far names only the place in it. */
static enum status
in_file(struct fault *fault, enum status status, const char *path, const struct fault *inner)
{
	const char *separator = inner->where[0] != '\0' ? ", " : "";
	return fault_set(fault, status, path, inner->offset, "%s%s%s", inner->where, separator,
			 inner->text);
}

static enum status
load_sources(const struct view *view, struct view_layer *layer, struct fault *fault)
{
	const struct segment *segment = &layer->segment;
	if (segment->sources.count > LIMIT_SOURCES)
		return fault_set(fault, STATUS_LIMIT, "SRCN", 0, "more than %d sources",
				 LIMIT_SOURCES);
	layer->sources = calloc(segment->sources.count + 1, sizeof(*layer->sources));
	if (layer->sources == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a layer");
	for (uint32_t i = 0; i < segment->sources.count; i++) {
		size_t length;
		struct view_source *source = &layer->sources[i];
		source->name = segment_source(segment, i, &length);
		source->length = (uint32_t)length;
		const struct source_row *row = catalog_source(&view->catalog, source->name, length);
		source->priority = row == NULL ? CATALOG_PRIORITY_DEFAULT : row->priority;
	}
	return STATUS_OK;
}

enum status
view_load_layer(struct view *view, const char *directory, uint64_t number, const uint8_t *sha256,
		struct fault *fault)
{
	struct view_layer *layer = &view->layer[view->layer_count];
	char path[FILE_PATH_BYTES];
	struct fault inner = {0};
	if (view->layer_count == LIMIT_LAYERS)
		return fault_set(fault, STATUS_LIMIT, directory, 0, "more than %d layers",
				 LIMIT_LAYERS);
	enum status status = store_segment_path(directory, number, path, fault);
	if (status == STATUS_OK)
		status = file_map_open(path, &layer->map, fault);
	if (status != STATUS_OK)
		return status;
	status = segment_attach(&layer->segment, layer->map.bytes, layer->map.length, &inner);
	if (status == STATUS_OK && sha256 != NULL &&
	    memcmp(sha256, container_sha256(&layer->segment.container), 32) != 0)
		status = fault_set(&inner, STATUS_CORRUPT, "footer", 0,
				   "not the segment that the manifest names");
	if (status == STATUS_OK)
		status = load_sources(view, layer, &inner);
	if (status != STATUS_OK) {
		file_map_close(&layer->map);
		return in_file(fault, status, path, &inner);
	}
	layer->number = number;
	view->layer_count++;
	view->file_bytes += layer->map.length;
	return STATUS_OK;
}

static enum status
load_sections(struct view *view, const char *directory, const struct container *container,
	      struct fault *fault)
{
	struct section layers, catalog;
	container_section(container, FORMAT_LAYERS, &layers);
	container_section(container, FORMAT_CATALOG, &catalog);
	const struct manifest_d *head = (const struct manifest_d *)layers.bytes;
	if (layers.length < sizeof(*head) || le32_get(head->layer_count) > LIMIT_LAYERS ||
	    layers.length != sizeof(*head) + le32_get(head->layer_count) * sizeof(struct layer_d))
		return fault_set(fault, STATUS_CORRUPT, "LAYR", layers.offset,
				 "the layers do not fit their section");
	view->generation = le64_get(head->generation);
	view->published = le64_get(head->published);
	view->seed.word[0] = le64_get(head->seed[0]);
	view->seed.word[1] = le64_get(head->seed[1]);
	enum status status = catalog_decode(catalog.bytes, catalog.length, &view->catalog, fault);
	const struct layer_d *layer = (const struct layer_d *)(head + 1);
	for (uint32_t i = 0; status == STATUS_OK && i < le32_get(head->layer_count); i++)
		status = view_load_layer(view, directory, le64_get(layer[i].number),
					 layer[i].sha256, fault);
	return status;
}

static enum status
load_manifest(const char *directory, struct view **out, uint64_t *generation, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	struct file_map map = {0};
	struct container container;
	struct fault inner = {0};
	*generation = 0;
	enum status status = store_path(directory, STORE_MANIFEST, path, fault);
	if (status == STATUS_OK)
		status = file_map_open(path, &map, fault);
	if (status != STATUS_OK)
		return status;
	struct view *view = calloc(1, sizeof(*view));
	if (view == NULL) {
		file_map_close(&map);
		return fault_set(fault, STATUS_NO_MEMORY, path, 0, "no memory for a view");
	}
	view->pins = 1;
	view->file_bytes = map.length;
	status = container_attach(&container, FORMAT_CONTENT_MANIFEST, map.bytes, map.length,
				  &inner);
	if (status == STATUS_OK)
		status = container_check(&container, &inner);
	if (status == STATUS_OK)
		status = load_sections(view, directory, &container, &inner);
	*generation = view->generation;
	file_map_close(&map);
	if (status != STATUS_OK) {
		view_free(view);
		/* a layer's fault names its own file */
		if (strchr(inner.where, '/') == NULL)
			return in_file(fault, status, path, &inner);
		return fault_set(fault, status, inner.where, inner.offset, "%s", inner.text);
	}
	*out = view;
	return STATUS_OK;
}

enum status
view_load(const char *directory, struct view **view, struct fault *fault)
{
	uint64_t before = UINT64_MAX, generation;
	for (int tries = 0;; tries++) {
		enum status status = load_manifest(directory, view, &generation, fault);
		/*
		 * A layer may go while we open it, and even its number may come again
		 * (corrupt: not the one named); then the manifest is another by now.
		 */
		if ((status != STATUS_MISSING && status != STATUS_CORRUPT) ||
		    generation == before || tries == LOAD_TRIES)
			return status;
		before = generation;
	}
}

/* --- readers ----------------------------------------------------------------------------- */

struct store {
	char *directory;
	struct file_counter counter;
	struct view *current;
	uint64_t seen;  /* the counter when `current` was loaded */
	bool guard;     /* held for a few instructions by take and refresh */
};

static void
guard_take(struct store *store)
{
	while (__atomic_test_and_set(&store->guard, __ATOMIC_ACQUIRE))
		;
}

static void
guard_drop(struct store *store)
{
	__atomic_clear(&store->guard, __ATOMIC_RELEASE);
}

static uint64_t
counter_value(const struct store *store)
{
	if (store->counter.value == NULL)
		return 0;
	return __atomic_load_n(store->counter.value, __ATOMIC_ACQUIRE);
}

/* A store of another owner may be read-only for us: then the hint may be missing. */
static void
open_counter(struct store *store)
{
	char path[FILE_PATH_BYTES];
	if (store_path(store->directory, STORE_COUNTER, path, NULL) == STATUS_OK)
		(void)file_counter_open(path, false, &store->counter, NULL);
}

static enum status
no_store(const char *directory, struct fault *fault)
{
	return fault_set(fault, STATUS_MISSING, directory, 0,
			 "there is no store here; the first import or add makes one");
}

enum status
store_open(const char *directory, struct store **out, struct fault *fault)
{
	struct store *store = calloc(1, sizeof(*store));
	char path[FILE_PATH_BYTES];
	if (store == NULL || (store->directory = strdup(directory)) == NULL) {
		free(store);
		return fault_set(fault, STATUS_NO_MEMORY, directory, 0, "no memory for a store");
	}
	enum status status = store_path(directory, STORE_MANIFEST, path, fault);
	if (status == STATUS_OK && !file_exists(path))
		status = no_store(directory, fault);
	if (status == STATUS_OK) {
		open_counter(store);
		store->seen = counter_value(store);
		status = view_load(directory, &store->current, fault);
	}
	/* Begun, but nothing was ever published: "not listed" would be a false answer. */
	if (status == STATUS_OK && store->current->generation == 0)
		status = no_store(directory, fault);
	if (status != STATUS_OK)
		store_close(store);
	else
		*out = store;
	return status;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	if (store->current != NULL)
		view_drop(store->current);
	file_counter_close(&store->counter);
	free(store->directory);
	free(store);
}

enum status
store_refresh(struct store *store, bool *changed, struct fault *fault)
{
	struct view *fresh;
	uint64_t value = counter_value(store);
	*changed = false;
	if (value == store->seen && store->counter.value != NULL)
		return STATUS_OK;
	enum status status = view_load(store->directory, &fresh, fault);
	if (status != STATUS_OK)
		return status;
	store->seen = value;
	if (fresh->generation == store->current->generation) {
		view_drop(fresh);
		return STATUS_OK;
	}
	guard_take(store);
	struct view *old = store->current;
	store->current = fresh;
	guard_drop(store);
	view_drop(old);
	*changed = true;
	return STATUS_OK;
}

struct view *
store_view_take(struct store *store)
{
	guard_take(store);
	struct view *view = store->current;
	__atomic_add_fetch(&view->pins, 1, __ATOMIC_RELAXED);
	guard_drop(store);
	return view;
}

void
view_keep(struct view *view)
{
	__atomic_add_fetch(&view->pins, 1, __ATOMIC_RELAXED);
}

void
view_drop(struct view *view)
{
	if (__atomic_sub_fetch(&view->pins, 1, __ATOMIC_ACQ_REL) == 0)
		view_free(view);
}
