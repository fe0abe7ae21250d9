/* SPDX-License-Identifier: Apache-2.0 */
/* Folding the base beside readers and writers (C1 to C5). */
#include <stdlib.h>
#include <string.h>

#include "engine/store_state.h"

static enum status
remove_temporary(void *context, const char *name, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	if (!store_is_temporary(name, STORE_COMPACTION "."))
		return STATUS_OK;
	enum status status = store_path(context, name, path, fault);
	return status == STATUS_OK ? file_remove(path, fault) : status;
}

static enum status
write_base(struct store_compaction *compaction, struct segment_build *build, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	enum status status = store_path(compaction->directory, STORE_COMPACTION, path, fault);
	if (status == STATUS_OK)
		status = file_out_open(path, &compaction->out, fault);
	if (status == STATUS_OK)
		status = segment_build_write(build, compaction->out, compaction->row.sha256, fault);
	if (status == STATUS_OK)
		status = file_out_sync(compaction->out, fault);
	if (status == STATUS_OK)
		compaction->row.bytes = file_out_offset(compaction->out);
	return status;
}

/* C2 */
static enum status
fold(struct store_compaction *compaction, struct fault *fault)
{
	const struct view *view = compaction->view;
	struct segment_build *build;
	enum status status = segment_build_new(view->seed, false, &build, fault);
	if (status != STATUS_OK)
		return status;
	status = store_fold(view, 0, build, fault);
	if (status == STATUS_OK && segment_build_count(build) > 0)
		status = write_base(compaction, build, fault);
	segment_build_free(build);
	return status == STATUS_OK ? view_unchanged(view, fault) : status;
}

static bool
same_layer(const struct journal_layer *a, const struct journal_layer *b)
{
	return a->number == b->number && memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

static bool
was_folded(const struct store_compaction *compaction, const struct journal_layer *row)
{
	for (uint32_t i = 0; i < compaction->view->layer_count; i++)
		if (same_layer(&compaction->view->layer[i].row, row))
			return true;
	return false;
}

/* C4: the new base gets its name; the first layer of the plan. */
static enum status
name_base(struct store_compaction *compaction, const struct view *view, struct store_plan *plan,
	  struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	struct image *image;
	struct file_out *out = compaction->out;
	if (out == NULL)
		return STATUS_OK;
	compaction->row.number = store_plan_number(view);
	enum status status = store_segment_path(compaction->directory, compaction->row.number, path,
						fault);
	if (status == STATUS_OK)
		status = file_out_name(out, path, fault);
	if (status != STATUS_OK)
		return status;
	compaction->out = NULL;
	status = file_out_commit(out, fault);
	if (status == STATUS_OK)
		status = image_open(path, &image, fault);
	return status == STATUS_OK ? store_plan_add(plan, &compaction->row, image, false, fault)
				   : status;
}

/* C4 and C5, under the writer's lock. */
static enum status
install(struct store_compaction *compaction, struct store_write *write, uint64_t now,
	uint64_t *generation, struct fault *fault)
{
	struct store_plan plan = {0};
	const struct view *today = write->view;
	enum status status = name_base(compaction, today, &plan, fault);
	for (uint32_t i = 0; status == STATUS_OK && i < today->layer_count; i++) {
		const struct view_layer *layer = &today->layer[i];
		if (!was_folded(compaction, &layer->row))
			status = store_plan_add(&plan, &layer->row, image_take(layer->image),
						layer->row.offset != 0, fault);
	}
	if (status == STATUS_OK)
		status = store_write_publish(write, &plan, now, now, generation, fault);
	store_plan_fini(&plan);
	return status;
}

/* Is the base still the one that was folded, and will there be one under what came since? */
static bool
can_install(const struct store_compaction *compaction, const struct view *today)
{
	if (today->layer_count == 0 ||
	    !same_layer(&today->layer[0].row, &compaction->view->layer[0].row))
		return false;
	for (uint32_t i = 0; compaction->out == NULL && i < today->layer_count; i++)
		if (!was_folded(compaction, &today->layer[i].row))
			return false;
	return true;
}

enum status
store_compaction_finish(struct store_compaction *compaction, uint64_t now, bool *done,
			uint64_t *generation, struct fault *fault)
{
	struct store_write *write;
	*done = false;
	*generation = compaction->view->generation;
	if (!compaction->ready)
		return STATUS_OK;
	enum status status = store_write_begin(compaction->directory, true, NULL, &write, fault);
	if (status != STATUS_OK)
		return status;
	*done = can_install(compaction, write->view);
	if (*done)
		status = install(compaction, write, now, generation, fault);
	store_write_abort(write);
	*done &= status == STATUS_OK;
	return status;
}

/*
 * V, under the writer's lock and recovered: what a reader sees between W3 and W4 may yet be refused, and would come
 * back for good with the new base. And "nothing to do" is an acknowledgement of what is there, too.
 */
static enum status
take_view(struct store_compaction *compaction, struct fault *fault)
{
	struct store_write *write;
	enum status status = store_write_begin(compaction->directory, true, NULL, &write, fault);
	if (status != STATUS_OK)
		return status;
	view_keep(write->view);
	compaction->view = write->view;
	store_write_abort(write);
	return STATUS_OK;
}

enum status
store_compaction_begin(struct store_compaction *compaction, const char *directory, bool always,
		       struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	*compaction = (struct store_compaction){.directory = directory};
	enum status status = store_path(directory, STORE_COMPACT_LOCK, path, fault);
	if (status == STATUS_OK)
		status = file_lock_take(path, false, &compaction->lock, fault);
	if (status == STATUS_BUSY)
		return fault_set(fault, STATUS_BUSY, path, 0, "another process is folding this store");
	if (status != STATUS_OK)
		return status;
	compaction->locked = true;
	status = file_each_name(directory, remove_temporary, (void *)(uintptr_t)directory, fault);
	if (status == STATUS_OK)
		status = take_view(compaction, fault);
	if (status != STATUS_OK)
		return status;
	const struct view *view = compaction->view;
	if (view->layer_count <= 1 || !(always || store_fold_due(view)))
		return STATUS_OK;
	status = fold(compaction, fault);
	compaction->ready = status == STATUS_OK;
	return status;
}

void
store_compaction_fini(struct store_compaction *compaction)
{
	file_out_abort(compaction->out);
	if (compaction->view != NULL)
		view_drop(compaction->view);
	if (compaction->locked)
		file_lock_drop(&compaction->lock);
}

enum status
store_compact(const char *directory, bool always, uint64_t now, bool *done, uint64_t *generation,
	      struct fault *fault)
{
	struct store_compaction compaction;
	*done = false;
	enum status status = store_compaction_begin(&compaction, directory, always, fault);
	if (status == STATUS_OK)
		status = store_compaction_finish(&compaction, now, done, generation, fault);
	store_compaction_fini(&compaction);
	return status;
}
