/* SPDX-License-Identifier: Apache-2.0 */
/* The stack of the next generation: the new overlay, and which layers are folded. */
#include <stdlib.h>
#include <string.h>

#include "engine/store_state.h"

/* Overlays together may hold this part of the base's keys before they are folded into it. */
#define FOLD_PART 4
/* A commit folds the base itself only while that is cheap; else it is for store_compact. */
#define FOLD_BASE_KEYS 65536

void
store_plan_fini(struct store_plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++)
		image_drop(plan->image[i]);
	plan->count = 0;
}

enum status
store_plan_add(struct store_plan *plan, const struct journal_layer *row, struct image *image,
	       bool small, struct fault *fault)
{
	if (plan->count == LIMIT_LAYERS) {
		image_drop(image);
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "more than %d layers", LIMIT_LAYERS);
	}
	plan->row[plan->count] = *row;
	plan->image[plan->count] = image;
	plan->small[plan->count] = small;
	plan->count++;
	return STATUS_OK;
}

enum status
store_plan_view(struct store_plan *plan, const struct view *view, uint32_t count,
		struct fault *fault)
{
	enum status status = STATUS_OK;
	for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
		const struct view_layer *layer = &view->layer[i];
		status = store_plan_add(plan, &layer->row, image_take(layer->image),
					layer->row.offset != 0, fault);
	}
	return status;
}

uint64_t
store_plan_number(const struct view *view)
{
	uint64_t number = 0;
	for (uint32_t i = 0; i < view->layer_count; i++)
		if (view->layer[i].row.number > number)
			number = view->layer[i].row.number;
	return number + 1;
}

/* --- new segments ---------------------------------------------------------------------------- */

/* What is small stays in memory until the journal takes it. */
static enum status
keep_small(const uint8_t *bytes, size_t length, struct image **image, struct fault *fault)
{
	void *copy = NULL;
	if (posix_memalign(&copy, FORMAT_PAGE_BYTES, length) != 0)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a layer");
	memcpy(copy, bytes, length);
	return image_memory(copy, length, image, fault);
}

/* W2: a new segment becomes the top layer of the plan. The base is always a file of its own. */
static enum status
add_segment(const struct store_write *write, struct segment_build *build, struct store_plan *plan,
	    struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	struct file_out *file = NULL;
	struct image *image = NULL;
	struct journal_layer row = {.number = store_plan_number(write->view)};
	const uint8_t *bytes;
	size_t length;
	enum status status = store_segment_path(write->directory, row.number, path, fault);
	if (status == STATUS_OK)
		status = file_out_open(path, &file, fault);
	if (status != STATUS_OK)
		return status;
	status = segment_build_write(build, file, row.sha256, fault);
	row.bytes = file_out_offset(file);
	bool small = plan->count > 0 && file_out_held(file, &bytes, &length) &&
		     length <= LIMIT_INLINE_BYTES;
	if (status == STATUS_OK && small)
		status = keep_small(bytes, length, &image, fault);
	if (status != STATUS_OK || small) {
		file_out_abort(file);
	} else {
		status = file_out_commit(file, fault);
		if (status == STATUS_OK)
			status = image_open(path, &image, fault);
	}
	return status == STATUS_OK ? store_plan_add(plan, &row, image, small, fault) : status;
}

/* --- folding ----------------------------------------------------------------------------------- */

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
 * The uppermost overlays: two at least, and downwards as long as what lies above is more than half of
 * the layer below. So a key is folded again only when its layer has grown by half.
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

bool
store_fold_due(const struct view *view)
{
	uint64_t all = layer_keys(view, 0), overlays = layer_keys(view, 1);
	return view->layer_count > 1 && overlays * FOLD_PART > all - overlays;
}

/* The layer from which up the stack must be folded; layer_count = nothing to fold. */
static uint32_t
fold_from(const struct view *stack, bool compact)
{
	uint32_t count = stack->layer_count;
	if (count <= 1)
		return count;
	if (compact || (store_fold_due(stack) && layer_keys(stack, 0) <= FOLD_BASE_KEYS))
		return 0;
	return count >= LIMIT_LAYERS ? fold_overlays(stack) : count;
}

/* Layers from..top of the view become one new segment on top of what is below them. */
static enum status
fold_layers(struct store_write *write, uint32_t from, struct store_plan *plan, struct fault *fault)
{
	struct segment_build *build;
	enum status status = segment_build_new(write->view->seed, from > 0, &build, fault);
	if (status != STATUS_OK)
		return status;
	status = store_fold(write->view, from, build, fault);
	if (status == STATUS_OK)
		status = store_plan_view(plan, write->view, from, fault);
	if (status == STATUS_OK && segment_build_count(build) > 0)
		status = add_segment(write, build, plan, fault);
	segment_build_free(build);
	return status;
}

/* A new overlay is put on the view too, which only this writer sees, so that it can be folded. */
static enum status
push_overlay(struct store_write *write, struct store_plan *plan, struct fault *fault)
{
	enum status status = store_plan_view(plan, write->view, write->view->layer_count, fault);
	if (status != STATUS_OK || segment_build_count(write->build) == 0)
		return status;
	status = add_segment(write, write->build, plan, fault);
	if (status != STATUS_OK)
		return status;
	uint32_t top = plan->count - 1;
	return view_push(write->view, &plan->row[top], image_take(plan->image[top]), fault);
}

enum status
store_plan_stack(struct store_write *write, bool compact, struct store_plan *plan,
		 struct fault *fault)
{
	enum status status = push_overlay(write, plan, fault);
	if (status != STATUS_OK)
		return status;
	uint32_t from = fold_from(write->view, compact);
	if (from == write->view->layer_count)
		return STATUS_OK;
	store_plan_fini(plan);
	return fold_layers(write, from, plan, fault);
}
