/* SPDX-License-Identifier: Apache-2.0 */
/* The one writer: lock, recovery, overlay under construction, publication (W1 to W7, N1 to N3). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/store_state.h"

/* W5 */
static void
counter_set(struct file_counter *counter, uint64_t generation)
{
	if (__atomic_load_n(counter->value, __ATOMIC_RELAXED) != generation)
		__atomic_store_n(counter->value, generation, __ATOMIC_RELEASE);
}

/* --- records ---------------------------------------------------------------------------------- */

/* Bytes that no reader would take must not become the catalogue of a store. */
static enum status
encode_catalog(const struct catalog *from, uint8_t **bytes, size_t *length, struct fault *fault)
{
	struct catalog catalog;
	enum status status = catalog_encode(from, bytes, length, fault);
	if (status == STATUS_OK)
		status = catalog_decode(*bytes, *length, &catalog, fault);
	if (status == STATUS_OK)
		catalog_fini(&catalog);
	return status;
}

/* Does the record go into a new journal? */
static bool
begins_journal(const struct journal_place *place, const struct journal_state *state,
	       const struct journal_parts *parts)
{
	return place->count == 0 || place->count >= LIMIT_JOURNAL_RECORDS ||
	       place->end + journal_record_bytes(state, parts) > LIMIT_JOURNAL_BYTES;
}

/* Rows and small layers of a plan; in a new journal all small layers are written again. */
static void
state_layers(const struct store_plan *plan, bool all, struct journal_state *state,
	     struct journal_parts *parts)
{
	state->layer_count = plan->count;
	for (uint32_t i = 0; i < plan->count; i++) {
		state->layer[i] = plan->row[i];
		state->layer[i].stamp = image_stamp(plan->image[i]);
		parts->segment[i] = plan->small[i] && (all || plan->row[i].offset == 0)
					    ? plan->image[i]->bytes : NULL;
	}
}

/*
 * N1 to N3. The catalogue must stand in parts. Meanwhile the counter says nothing, so that whoever finds the
 * new journal after we died before N3 does not take its name for durable.
 */
static enum status
new_journal(struct store_write *write, const struct store_plan *plan, struct journal_state *state,
	    struct journal_parts *parts, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	enum status status = store_path(write->directory, STORE_JOURNAL, path, fault);
	state_layers(plan, true, state, parts);
	/* a number that is out of use stays so, whoever dies before N3; it says no more than "unknown" does */
	if (store_counter_failed(__atomic_load_n(write->counter.value, __ATOMIC_RELAXED)) == 0)
		counter_set(&write->counter, STORE_COUNTER_UNKNOWN);
	if (status == STATUS_OK)
		status = journal_create(path, state, parts, &write->view->place, fault);
	return status;
}

/*
 * W3 and W4. A record that could not be made durable is cut away, if that can be done. Before that the counter
 * says that it failed: so the next writer recovers, and its number, which a reader may have seen, is never
 * given to another state. Afterwards it says so once more: who looked in between looks again, and goes back.
 */
static enum status
append_record(struct store_write *write, const struct store_plan *plan,
	      struct journal_state *state, struct journal_parts *parts, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	struct file_tail tail;
	struct fault inner = {0};
	struct journal_place *place = &write->view->place;
	enum status status = store_path(write->directory, STORE_JOURNAL, path, fault);
	if (status == STATUS_OK)
		status = file_tail_open(path, place->end, &tail, fault);
	if (status != STATUS_OK)
		return status;
	state_layers(plan, false, state, parts);
	status = journal_append(&tail, place, state, parts, &inner);
	if (status != STATUS_OK) {
		uint64_t failed = STORE_COUNTER_FAILED | state->generation;
		counter_set(&write->counter, failed);
		file_tail_cut(&tail);
		counter_set(&write->counter, failed | STORE_COUNTER_CUT);
		fault_set(fault, status, path, inner.offset, "%s", inner.text);
	}
	file_tail_close(&tail);
	return status;
}

/* --- recovery --------------------------------------------------------------------------------- */

/* The rows of the writer's view after its state was written anew. */
static void
adopt(struct view *view, const struct journal_state *state)
{
	view->generation = state->generation;
	view->catalog_offset = state->catalog;
	view->catalog_bytes = state->catalog_bytes;
	view->catalog_sum = state->catalog_sum;
	for (uint32_t i = 0; i < view->layer_count; i++)
		view->layer[i].row = state->layer[i];
}

/*
 * The generation of the state written anew: the same if it is the same state, else one that
 * nobody has seen.
 */
static uint64_t
next_unseen(const struct store_write *write, uint64_t counter)
{
	uint64_t generation = write->view->generation, failed = store_counter_failed(counter);
	uint64_t last = generation; /* number in use */
	if (write->view->damaged > last)
		last = write->view->damaged;
	if (store_counter_ahead(counter, last))
		last = store_counter_published(counter);
	if (failed > last && failed - last < (1ull << 32))
		last = failed;
	return last == generation ? generation : last + 1;
}

/* The writer's view into a new journal. */
static enum status
write_anew(struct store_write *write, uint64_t counter, struct fault *fault)
{
	struct view *view = write->view;
	struct store_plan plan = {0};
	struct journal_parts parts = {0};
	uint8_t *catalog = NULL;
	struct journal_state state = {
		.generation = next_unseen(write, counter),
		.published = view->published,
		.compacted = view->compacted,
		.seed = view->seed,
	};
	enum status status = encode_catalog(&view->catalog, &catalog, &parts.catalog_length, fault);
	parts.catalog = catalog;
	if (status == STATUS_OK)
		status = store_plan_view(&plan, view, view->layer_count, fault);
	if (status == STATUS_OK)
		status = new_journal(write, &plan, &state, &parts, fault);
	if (status == STATUS_OK)
		adopt(view, &state);
	store_plan_fini(&plan);
	free(catalog);
	return status;
}

/*
 * What was published is damaged: the journal that names it is kept under another name, and so are
 * its segments (remove_leftover). With nothing good before it, nothing is written at all.
 */
static enum status
keep_damaged(const struct store_write *write, uint64_t counter, struct fault *fault)
{
	char path[FILE_PATH_BYTES], kept[FILE_PATH_BYTES];
	if (write->view->generation == 0) {
		store_tell(write->view, counter, 0, fault);
		if (fault != NULL)
			fault->status = STATUS_CORRUPT;
		return STATUS_CORRUPT;
	}
	enum status status = store_path(write->directory, STORE_JOURNAL, path, fault);
	if (status == STATUS_OK)
		status = store_path(write->directory, STORE_JOURNAL STORE_KEPT, kept, fault);
	return status == STATUS_OK ? file_keep(path, kept, fault) : status;
}

/*
 * Unless the counter says that the last writer came to W5, nobody knows what of its work is durable: then the
 * state is written anew, before anything is acknowledged or removed.
 */
static enum status
recover(struct store_write *write, struct fault *fault)
{
	const struct view *view = write->view;
	uint64_t counter = __atomic_load_n(write->counter.value, __ATOMIC_ACQUIRE);
	bool good = store_is_settled(view, counter);
	enum status status = STATUS_OK;
	struct fault told = {0};
	store_tell(view, counter, view->left_out, &told);
	write->lost = store_is_lost(view, counter);
	if (write->lost)
		status = keep_damaged(write, counter, fault);
	if (status == STATUS_OK && !good)
		status = write_anew(write, counter, fault);
	if (status != STATUS_OK)
		return status;
	counter_set(&write->counter, view->generation);
	if (fault != NULL)
		*fault = told;
	return STATUS_OK;
}

/* --- beginning ---------------------------------------------------------------------------- */

static enum status
refuse_segment(void *context, const char *name, struct fault *fault)
{
	if (strncmp(name, STORE_SEGMENT_PREFIX, strlen(STORE_SEGMENT_PREFIX)) != 0)
		return STATUS_OK;
	return fault_set(fault, STATUS_CORRUPT, context, 0,
			 "%s is there but no " STORE_JOURNAL "; restore it or use another directory",
			 name);
}

/* The view of a store that is not there yet: recovery writes its journal. */
static enum status
make_empty(struct store_write *write, const struct hash_seed *seed, struct fault *fault)
{
	struct view *view = calloc(1, sizeof(*view));
	uint64_t words[2];
	enum status status = file_each_name(write->directory, refuse_segment, write->directory, fault);
	if (status == STATUS_OK)
		status = file_sync_above(write->directory, fault);
	if (status == STATUS_OK && view == NULL)
		status = fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a view");
	if (status == STATUS_OK && seed == NULL)
		status = file_random(words, fault);
	if (status == STATUS_OK)
		status = catalog_init(&view->catalog, fault);
	if (status != STATUS_OK) {
		free(view);
		return status;
	}
	pin_init(&view->pin);
	view->seed.word[0] = seed == NULL ? words[0] : seed->word[0];
	view->seed.word[1] = seed == NULL ? words[1] : seed->word[1];
	write->view = view;
	return STATUS_OK;
}

static bool
is_layer(const struct view *view, uint64_t number)
{
	for (uint32_t i = 0; i < view->layer_count; i++)
		if (view->layer[i].row.number == number)
			return true;
	return false;
}

bool
store_is_temporary(const char *name, const char *begin)
{
	size_t length = strlen(name), begin_length = strlen(begin);
	return length > begin_length + 4 && memcmp(name, begin, begin_length) == 0 &&
	       strcmp(name + length - 4, ".tmp") == 0;
}

bool
store_segment_number(const char *name, uint64_t *number)
{
	char again[64];
	if (sscanf(name, STORE_SEGMENT_PREFIX "%" SCNu64, number) != 1)
		return false;
	snprintf(again, sizeof(again), STORE_SEGMENT_PREFIX "%" PRIu64 STORE_SEGMENT_SUFFIX, *number);
	return strcmp(again, name) == 0;
}

static enum status
keep_segment(const char *path, struct fault *fault)
{
	char kept[FILE_PATH_BYTES];
	if (snprintf(kept, sizeof(kept), "%s" STORE_KEPT, path) >= (int)sizeof(kept))
		return fault_set(fault, STATUS_LIMIT, path, 0, "the path is too long");
	return file_keep(path, kept, fault);
}

/*
 * Temporaries and segments of transactions that never were, and the manifest that became a journal: nobody
 * names them, and what the journal names is durable (recover).
 */
static enum status
remove_leftover(void *context, const char *name, struct fault *fault)
{
	struct store_write *write = context;
	char path[FILE_PATH_BYTES];
	uint64_t number;
	bool segment = store_segment_number(name, &number) && !is_layer(write->view, number);
	bool other = store_is_temporary(name, STORE_JOURNAL ".") ||
		     store_is_temporary(name, STORE_MANIFEST ".") ||
		     store_is_temporary(name, STORE_SEGMENT_PREFIX) ||
		     strcmp(name, STORE_MANIFEST) == 0;
	if (!segment && !other)
		return STATUS_OK;
	enum status status = store_path(write->directory, name, path, fault);
	if (status == STATUS_OK && segment && write->lost)
		status = keep_segment(path, fault);
	return status == STATUS_OK ? file_remove(path, fault) : status;
}

static enum status
begin_locked(struct store_write *write, const struct hash_seed *seed, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	enum status status = store_is_there(write->directory)
				     ? view_load(write->directory, NULL, false, &write->view, fault)
				     : make_empty(write, seed, fault);
	if (status == STATUS_OK)
		status = store_path(write->directory, STORE_COUNTER, path, fault);
	if (status == STATUS_OK)
		status = file_counter_open(path, true, &write->counter, fault);
	if (status == STATUS_OK)
		status = recover(write, fault);
	if (status == STATUS_OK)
		status = file_each_name(write->directory, remove_leftover, write, fault);
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

static bool
plan_has(const struct store_plan *plan, uint64_t number)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->row[i].number == number)
			return true;
	return false;
}

/* W6. The new state is durable: a segment that cannot be unlinked is only garbage. */
static void
remove_retired(const struct store_write *write, const struct store_plan *plan)
{
	char path[FILE_PATH_BYTES];
	for (uint32_t i = 0; i < write->view->layer_count; i++) {
		const struct journal_layer *row = &write->view->layer[i].row;
		if (row->offset == 0 && !plan_has(plan, row->number) &&
		    store_segment_path(write->directory, row->number, path, NULL) == STATUS_OK)
			(void)file_remove(path, NULL);
	}
}

/* The catalogue as bytes; *changed: it is not what the journal has. */
static enum status
catalog_now(const struct store_write *write, uint8_t **bytes, size_t *length, bool *changed,
	    struct fault *fault)
{
	uint8_t *old = NULL;
	size_t old_length;
	*changed = false;
	enum status status = encode_catalog(&write->catalog, bytes, length, fault);
	if (status == STATUS_OK && write->touched) {
		status = catalog_encode(&write->view->catalog, &old, &old_length, fault);
		*changed = status == STATUS_OK &&
			   (old_length != *length || memcmp(old, *bytes, old_length) != 0);
	}
	free(old);
	return status;
}

/* A catalogue that is as it was is not written again, but into a new journal. */
static enum status
write_record(struct store_write *write, const struct store_plan *plan, struct journal_state *state,
	     const uint8_t *catalog, size_t catalog_length, bool changed, struct fault *fault)
{
	struct journal_parts parts = {.catalog = changed ? catalog : NULL,
				      .catalog_length = catalog_length};
	state_layers(plan, false, state, &parts);
	if (!begins_journal(&write->view->place, state, &parts))
		return append_record(write, plan, state, &parts, fault);
	parts.catalog = catalog;
	return new_journal(write, plan, state, &parts, fault);
}

enum status
store_write_publish(struct store_write *write, const struct store_plan *plan, uint64_t now,
		    uint64_t compacted, uint64_t *generation, struct fault *fault)
{
	const struct view *view = write->view;
	uint8_t *catalog = NULL;
	size_t length;
	bool changed = false;
	struct journal_state state = {
		.generation = view->generation + 1,
		.published = now,
		.compacted = compacted != 0 ? compacted : view->compacted,
		.seed = view->seed,
		.catalog = view->catalog_offset,
		.catalog_bytes = view->catalog_bytes,
		.catalog_sum = view->catalog_sum,
	};
	enum status status = view_unchanged(view, fault);
	if (status == STATUS_OK)
		status = catalog_now(write, &catalog, &length, &changed, fault);
	if (status == STATUS_OK)
		status = write_record(write, plan, &state, catalog, length, changed, fault);
	free(catalog);
	if (status == STATUS_OK) {
		*generation = state.generation;
		counter_set(&write->counter, state.generation);
		remove_retired(write, plan);
	}
	return status;
}

/* Has anything to be published at all? */
static enum status
is_change(const struct store_write *write, bool compact, bool *change, struct fault *fault)
{
	uint8_t *bytes = NULL;
	size_t length;
	enum status status = STATUS_OK;
	*change = segment_build_count(write->build) > 0 ||
		  (compact && write->view->layer_count > 1);
	if (!*change && write->touched)
		status = catalog_now(write, &bytes, &length, change, fault);
	free(bytes);
	return status;
}

enum status
store_write_commit(struct store_write *write, uint64_t now, bool compact, uint64_t *generation,
		   struct fault *fault)
{
	bool change;
	struct store_plan plan = {0};
	uint64_t base = write->view->layer_count > 0 ? write->view->layer[0].row.number : 0;
	enum status status = is_change(write, compact, &change, fault);
	if (status == STATUS_OK && change) {
		status = store_plan_stack(write, compact, &plan, fault);
		if (status == STATUS_OK)
			status = store_write_publish(write, &plan, now,
						     base != 0 && !plan_has(&plan, base) ? now : 0,
						     generation, fault);
		store_plan_fini(&plan);
	} else if (status == STATUS_OK) {
		*generation = write->view->generation;
	}
	store_write_abort(write);
	return status;
}
