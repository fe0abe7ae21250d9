/* SPDX-License-Identifier: Apache-2.0 */
/* Readers: open, refresh, pin (R1, R4, R5). */
#include <stdlib.h>
#include <string.h>

#include "engine/store_state.h"

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

bool
store_is_there(const char *directory)
{
	char path[FILE_PATH_BYTES];
	return (store_path(directory, STORE_JOURNAL, path, NULL) == STATUS_OK && file_exists(path)) ||
	       (store_path(directory, STORE_MANIFEST, path, NULL) == STATUS_OK && file_exists(path));
}

static enum status
no_store(const char *directory, struct fault *fault)
{
	return fault_set(fault, STATUS_MISSING, directory, 0,
			 "there is no store here; the first import or add makes one");
}

/* Begun, but nothing was ever published, or nothing of it is left: "not listed" would be a false answer. */
static enum status
is_published(const struct store *store, struct fault *fault)
{
	const struct view *view = store->current;
	if (view->generation == 0 && !store_is_lost(view, store->seen))
		return no_store(store->directory, fault);
	store_tell(view, store->seen, 0, fault);
	if (view->generation != 0 || fault == NULL)
		return view->generation != 0 ? STATUS_OK : STATUS_CORRUPT;
	fault->status = STATUS_CORRUPT;
	return STATUS_CORRUPT;
}

enum status
store_open(const char *directory, struct store **out, struct fault *fault)
{
	struct store *store = calloc(1, sizeof(*store));
	if (store == NULL || (store->directory = strdup(directory)) == NULL) {
		free(store);
		return fault_set(fault, STATUS_NO_MEMORY, directory, 0, "no memory for a store");
	}
	enum status status = store_is_there(directory) ? STATUS_OK : no_store(directory, fault);
	if (status == STATUS_OK) {
		open_counter(store);
		store->seen = counter_value(store);
		status = view_load(directory, NULL, &store->current, fault);
	}
	if (status == STATUS_OK)
		status = is_published(store, fault);
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

/* The same state, perhaps written anew into another journal (N1)? */
static bool
is_same(const struct view *a, const struct view *b)
{
	if (a->generation != b->generation || a->catalog_sum != b->catalog_sum ||
	    a->layer_count != b->layer_count)
		return false;
	for (uint32_t i = 0; i < a->layer_count; i++)
		if (memcmp(a->layer[i].row.sha256, b->layer[i].row.sha256, 32) != 0)
			return false;
	return true;
}

enum status
store_refresh(struct store *store, bool *changed, struct fault *fault)
{
	struct view *fresh;
	uint64_t value = counter_value(store);
	*changed = false;
	if (value == store->seen && store->counter.value != NULL)
		return STATUS_OK;
	enum status status = view_load(store->directory, store->current, &fresh, fault);
	if (status != STATUS_OK)
		return status;
	store->seen = value;
	if (is_same(fresh, store->current)) {
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
