/* SPDX-License-Identifier: Apache-2.0 */
/* From files to a view: the last good record of the journal, its catalogue and layers (R2, R3). */
#include <inttypes.h>
#include <stddef.h>
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
		image_drop(view->layer[i].image);
		free(view->layer[i].sources);
	}
	catalog_fini(&view->catalog);
	free(view);
}

/* Name the file in a fault that so far names only the place in it. */
static enum status
in_file(struct fault *fault, enum status status, const char *path, const struct fault *inner)
{
	if (strchr(inner->where, '/') != NULL) /* a layer's fault names its own file */
		return fault_set(fault, status, inner->where, inner->offset, "%s", inner->text);
	const char *separator = inner->where[0] != '\0' ? ", " : "";
	return fault_set(fault, status, path, inner->offset, "%s%s%s", inner->where, separator,
			 inner->text);
}

/* --- layers ------------------------------------------------------------------------------ */

/*
 * The names, in memory of our own behind the rows: hits lead there, and nobody asks again whether the file
 * is still what it was when they are read.
 */
static enum status
load_sources(const struct view *view, struct view_layer *layer, struct fault *fault)
{
	const struct segment *segment = &layer->segment;
	size_t rows = (segment->sources.count + 1) * sizeof(*layer->sources), names = 0, length;
	if (segment->sources.count > LIMIT_SOURCES)
		return fault_set(fault, STATUS_LIMIT, "SRCN", 0, "more than %d sources",
				 LIMIT_SOURCES);
	for (uint32_t i = 0; i < segment->sources.count; i++) {
		segment_source(segment, i, &length);
		names += length < LIMIT_SOURCE_NAME_BYTES ? length : LIMIT_SOURCE_NAME_BYTES;
	}
	layer->sources = calloc(1, rows + names);
	if (layer->sources == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a layer");
	char *to = (char *)layer->sources + rows, *end = to + names;
	for (uint32_t i = 0; i < segment->sources.count; i++) {
		struct view_source *source = &layer->sources[i];
		const char *name = segment_source(segment, i, &length);
		length = length < LIMIT_SOURCE_NAME_BYTES ? length : LIMIT_SOURCE_NAME_BYTES;
		length = length < (size_t)(end - to) ? length : (size_t)(end - to);
		source->name = memcpy(to, name, length);
		source->length = (uint32_t)length;
		to += length;
		const struct source_row *row = catalog_source(&view->catalog, source->name, length);
		source->priority = row == NULL ? CATALOG_PRIORITY_DEFAULT : row->priority;
	}
	return STATUS_OK;
}

enum status
view_push(struct view *view, const struct journal_layer *row, struct image *image,
	  struct fault *fault)
{
	enum status status = STATUS_OK;
	struct view_layer *layer = &view->layer[view->layer_count];
	if (view->layer_count == LIMIT_LAYERS)
		status = fault_set(fault, STATUS_LIMIT, NULL, 0, "more than %d layers",
				   LIMIT_LAYERS);
	if (status == STATUS_OK)
		status = segment_attach(&layer->segment, image->bytes, image->length, fault);
	if (status == STATUS_OK &&
	    memcmp(row->sha256, container_sha256(&layer->segment.container), 32) != 0)
		status = fault_set(fault, STATUS_CORRUPT, "footer", 0,
				   "not the segment that the record names");
	if (status == STATUS_OK)
		status = load_sources(view, layer, fault);
	if (status != STATUS_OK) {
		image_drop(image);
		return status;
	}
	layer->image = image;
	layer->row = *row;
	view->layer_count++;
	view->file_bytes += image->length;
	return STATUS_OK;
}

static bool
same_layer(const struct journal_layer *a, const struct journal_layer *b)
{
	return a->number == b->number && a->bytes == b->bytes &&
	       memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

/*
 * The image that an older view has of the same layer, or the one that was made to follow it; NULL if it has
 * none, or none that is sound.
 */
static struct image *
known_image(const struct view *before, const struct journal_layer *row)
{
	for (uint32_t i = 0; before != NULL && i < before->layer_count; i++) {
		struct image *image = before->layer[i].image;
		if (same_layer(&before->layer[i].row, row))
			return image->heir != NULL ? image_take(image->heir)
			       : image_damaged(image) ? NULL : image_take(image);
	}
	return NULL;
}

/* A layer of the journal: into memory, and every byte compared with its checksum. */
static enum status
image_from_journal(const struct journal *journal, const struct journal_layer *row,
		   struct image **image, struct fault *fault)
{
	uint8_t *bytes = NULL;
	struct container container;
	enum status status = journal_segment(journal, row, &bytes, fault);
	if (status == STATUS_OK)
		status = image_memory(bytes, (size_t)row->bytes, image, fault);
	if (status != STATUS_OK)
		return status;
	status = container_attach(&container, FORMAT_CONTENT_SEGMENT, (*image)->bytes,
				  (*image)->length, fault);
	if (status == STATUS_OK)
		status = container_check(&container, fault);
	if (status != STATUS_OK)
		image_drop(*image);
	return status;
}

struct loading {
	const char *directory;
	const struct view *before; /* may be NULL */
	bool sealed;
	struct journal journal;
	struct journal_layer bad[LIMIT_LAYERS]; /* layers of records that could not be loaded */
	uint32_t bad_count;
};

static enum status
load_image(const struct loading *loading, const struct journal_layer *row, const char *path,
	   struct image **image, struct fault *fault)
{
	struct image_wanted wanted = {.stamp = row->stamp, .sealed = loading->sealed};
	*image = known_image(loading->before, row);
	if (*image != NULL)
		return STATUS_OK;
	if (row->offset != 0)
		return image_from_journal(&loading->journal, row, image, fault);
	memcpy(wanted.digest, row->sha256, sizeof(wanted.digest));
	return image_layer(path, &wanted, image, fault);
}

static enum status
load_layer(struct view *view, struct loading *loading, const struct journal_layer *row,
	   struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	struct fault inner = {0};
	struct image *image = NULL;
	enum status status = row->offset != 0
		? store_path(loading->directory, STORE_JOURNAL, path, fault)
		: store_segment_path(loading->directory, row->number, path, fault);
	if (status != STATUS_OK)
		return status;
	status = load_image(loading, row, path, &image, &inner);
	if (status == STATUS_OK)
		status = view_push(view, row, image, &inner);
	if (status == STATUS_OK)
		return STATUS_OK;
	if (loading->bad_count < LIMIT_LAYERS)
		loading->bad[loading->bad_count++] = *row;
	return in_file(fault, status, path, &inner);
}

/* Does a record name a layer that failed already? Then none of its layers need be read. */
static bool
is_bad(const struct loading *loading, const struct journal_state *state)
{
	for (uint32_t i = 0; i < state->layer_count; i++)
		for (uint32_t j = 0; j < loading->bad_count; j++)
			if (same_layer(&state->layer[i], &loading->bad[j]))
				return true;
	return false;
}

static enum status
view_new(struct view **out, struct fault *fault)
{
	struct view *view = calloc(1, sizeof(*view));
	if (view == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a view");
	pin_init(&view->pin);
	*out = view;
	return STATUS_OK;
}

static void
copy_layers(struct view *to, const struct view *from, enum status *status, struct fault *fault)
{
	for (uint32_t i = 0; *status == STATUS_OK && i < from->layer_count; i++) {
		struct image *image = from->layer[i].image;
		*status = view_push(to, &from->layer[i].row,
				    image_take(image->heir != NULL ? image->heir : image), fault);
	}
}

#define VIEW_FACTS offsetof(struct view, generation)
#define VIEW_OWN offsetof(struct view, catalog)

enum status
view_with_heirs(const struct view *view, struct view **out, struct fault *fault)
{
	struct view *fresh = NULL;
	enum status status = view_new(&fresh, fault);
	if (status != STATUS_OK)
		return status;
	/* what stands between the pin, which other threads count, and what each view has of its own */
	memcpy((uint8_t *)fresh + VIEW_FACTS, (const uint8_t *)view + VIEW_FACTS,
	       VIEW_OWN - VIEW_FACTS);
	status = catalog_copy(&view->catalog, &fresh->catalog, fault);
	copy_layers(fresh, view, &status, fault);
	fresh->file_bytes = view->file_bytes;
	if (status != STATUS_OK)
		view_free(fresh);
	else
		*out = fresh;
	return status;
}

/* --- a state of the journal -------------------------------------------------------------- */

static enum status
load_catalog(struct view *view, const struct loading *loading, const struct journal_state *state,
	     struct fault *fault)
{
	uint8_t *bytes = NULL;
	size_t length;
	enum status status = journal_catalog(&loading->journal, state, &bytes, &length, fault);
	if (status == STATUS_OK)
		status = catalog_decode(bytes, length, &view->catalog, fault);
	free(bytes);
	return status;
}

/* The view of the record at a place. */
static enum status
load_record(struct loading *loading, const struct journal_place *place, struct view **out,
	    struct fault *fault)
{
	struct journal_state state;
	struct view *view = NULL;
	enum status status = journal_state(&loading->journal, place, &state, fault);
	if (status == STATUS_OK && is_bad(loading, &state))
		return fault_set(fault, STATUS_CORRUPT, NULL, place->offset,
				 "a layer of it could not be read");
	if (status == STATUS_OK)
		status = view_new(&view, fault);
	if (status != STATUS_OK)
		return status;
	view->generation = state.generation;
	view->published = state.published;
	view->compacted = state.compacted;
	view->seed = state.seed;
	view->place = *place;
	view->catalog_sum = state.catalog_sum;
	view->catalog_offset = state.catalog;
	view->catalog_bytes = state.catalog_bytes;
	view->journal_bytes = loading->journal.in.length;
	view->left_out = view->journal_bytes - place->end;
	view->file_bytes = sizeof(struct record_d) + state.catalog_bytes +
			   state.layer_count * sizeof(struct record_layer_d);
	status = load_catalog(view, loading, &state, fault);
	for (uint32_t i = 0; status == STATUS_OK && i < state.layer_count; i++)
		status = load_layer(view, loading, &state.layer[i], fault);
	if (status != STATUS_OK)
		view_free(view);
	else
		*out = view;
	return status;
}

/* May another record be better? Not if memory or the system fail. */
static bool
is_damage(enum status status)
{
	return status == STATUS_MISSING || status == STATUS_CORRUPT || status == STATUS_FORMAT;
}

/*
 * The newest record that can be loaded. A layer may have gone while we came to it (a writer
 * folded): then the last record is another by now, and everything is done once more. If it is not,
 * the record is damaged, and the one before it is taken; the view tells.
 */
static enum status
load_newest(struct loading *loading, const struct journal_place *last, struct view **view,
	    struct fault *fault)
{
	struct journal_place place = *last;
	uint64_t damaged = 0;
	struct fault first = {0}, inner = {0};
	enum status status;
	while (is_damage(status = load_record(loading, &place, view, &inner))) {
		struct journal_state state;
		if (damaged == 0) {
			first = inner;
			if (journal_state(&loading->journal, &place, &state, NULL) == STATUS_OK)
				damaged = state.generation;
		}
		if (journal_walk(&loading->journal, NULL, place.offset, &place, NULL) != STATUS_OK)
			return in_file(fault, first.status, first.where, &first);
	}
	if (status != STATUS_OK)
		return in_file(fault, status, inner.where, &inner);
	(*view)->damaged = damaged;
	(*view)->damage = first;
	return STATUS_OK;
}

/* R2 and R3 once: opens the journal by its name. *place: its last record. */
static enum status
load_journal(struct loading *loading, bool last_try, struct journal_place *place,
	     struct view **view, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	const struct view *before = loading->before;
	struct journal_place seen = *place;
	struct fault inner = {0};
	enum status status = store_path(loading->directory, STORE_JOURNAL, path, fault);
	if (status == STATUS_OK)
		status = journal_open(path, &loading->journal, fault);
	if (status != STATUS_OK)
		return status;
	status = journal_walk(&loading->journal, before == NULL ? NULL : &before->place, UINT64_MAX,
			      place, &inner);
	if (status == STATUS_OK && (last_try || seen.sum == place->sum))
		status = load_newest(loading, place, view, &inner);
	else if (status == STATUS_OK)
		status = load_record(loading, place, view, &inner);
	journal_close(&loading->journal);
	return status == STATUS_OK ? STATUS_OK : in_file(fault, status, path, &inner);
}

/* --- a manifest, of stores before the journal ----------------------------------------------- */

static enum status
load_sections(struct view *view, struct loading *loading, const struct container *container,
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
	for (uint32_t i = 0; status == STATUS_OK && i < le32_get(head->layer_count); i++) {
		struct journal_layer row = {
			.number = le64_get(layer[i].number), .bytes = le64_get(layer[i].file_bytes),
		};
		memcpy(row.sha256, layer[i].sha256, sizeof(row.sha256));
		status = load_layer(view, loading, &row, fault);
	}
	return status;
}

static enum status
load_manifest(struct loading *loading, struct view **out, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	struct file_map map = {0};
	struct container container;
	struct view *view = NULL;
	struct fault inner = {0};
	enum status status = store_path(loading->directory, STORE_MANIFEST, path, fault);
	if (status == STATUS_OK)
		status = file_map_open(path, &map, fault);
	if (status != STATUS_OK)
		return status;
	status = view_new(&view, &inner);
	if (status == STATUS_OK)
		status = container_attach(&container, FORMAT_CONTENT_MANIFEST, map.bytes, map.length,
					  &inner);
	if (status == STATUS_OK)
		status = container_check(&container, &inner);
	if (status == STATUS_OK)
		status = load_sections(view, loading, &container, &inner);
	if (status == STATUS_OK)
		view->file_bytes += map.length;
	file_map_close(&map);
	if (status == STATUS_OK) {
		*out = view;
		return STATUS_OK;
	}
	if (view != NULL)
		view_free(view);
	return in_file(fault, status, path, &inner);
}

/* --- whichever there is ------------------------------------------------------------------------ */

enum status
view_load(const char *directory, const struct view *before, bool sealed, struct view **view,
	  struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	struct journal_place place = {0};
	struct loading loading = {.directory = directory, .before = before, .sealed = sealed};
	enum status status = store_path(directory, STORE_JOURNAL, path, fault);
	if (status == STATUS_OK && !file_exists(path)) {
		/* Between the two looks a writer may have made a journal of the manifest. */
		status = load_manifest(&loading, view, fault);
		if (status == STATUS_OK || !file_exists(path))
			return status;
	}
	for (int tries = 0; tries <= LOAD_TRIES; tries++) {
		loading.bad_count = 0;
		status = load_journal(&loading, tries == LOAD_TRIES, &place, view, fault);
		if (!is_damage(status))
			break;
	}
	return status;
}

bool
store_is_settled(const struct view *view, uint64_t counter)
{
	return view->place.count > 0 && view->left_out == 0 && view->damaged == 0 &&
	       counter == view->generation;
}

bool
store_is_lost(const struct view *view, uint64_t counter)
{
	return view->damaged != 0 ||
	       (view->left_out > 0 && store_counter_ahead(counter, view->generation));
}

void
store_tell(const struct view *view, uint64_t counter, uint64_t unfinished, struct fault *fault)
{
	const struct fault why = view->damage;
	if (view->damaged != 0)
		fault_set(fault, STATUS_OK, why.where, why.offset,
			  "generation %" PRIu64 " is damaged (%s): what was known in the last good one is used",
			  view->damaged, why.text);
	else if (view->left_out > 0 && store_counter_ahead(counter, view->generation))
		fault_set(fault, STATUS_OK, STORE_JOURNAL, view->place.end,
			  "generation %" PRIu64 " was published and is damaged: generation %" PRIu64
			  " is used", store_counter_published(counter), view->generation);
	else if (unfinished > 0)
		fault_set(fault, STATUS_OK, STORE_JOURNAL, view->place.end,
			  "%" PRIu64 " bytes of a transaction that was never acknowledged are left out",
			  unfinished);
}
