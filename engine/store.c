/* SPDX-License-Identifier: Apache-2.0 */
/* Readers: open, refresh, pin (R1, R4, R5, T1, D1). */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine/store_state.h"

struct store {
	char *directory;
	struct file_counter counter;
	struct pin_place place; /* the current view, for those who take it */
	struct view *current;   /* the same, for the one who refreshes */
	uint64_t seen;          /* the counter when it was loaded */
};

static_assert(offsetof(struct view, pin) == 0, "a pin is its view");

/* R4 and R5; takes over the pin on `fresh` (NULL: none). */
static void
put_current(struct store *store, struct view *fresh)
{
	struct pin *old = pin_swap(&store->place, fresh == NULL ? NULL : &fresh->pin);
	store->current = fresh;
	if (old != NULL)
		view_free((struct view *)old);
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

/*
 * Begun, but nothing was ever published, or nothing of it is left: "not listed" would be a false answer. A
 * first transaction that failed may have left its number: what was written anew has no time then.
 */
static enum status
is_published(const struct store *store, struct fault *fault)
{
	const struct view *view = store->current;
	bool empty = view->generation == 0 || (view->published == 0 && view->layer_count == 0);
	if (empty && !store_is_lost(view, store->seen))
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
	struct view *view = NULL;
	if (store == NULL || (store->directory = strdup(directory)) == NULL) {
		free(store);
		return fault_set(fault, STATUS_NO_MEMORY, directory, 0, "no memory for a store");
	}
	enum status status = store_is_there(directory) ? STATUS_OK : no_store(directory, fault);
	if (status == STATUS_OK) {
		open_counter(store);
		store->seen = counter_value(store);
		status = view_load(directory, NULL, &view, fault);
	}
	if (status == STATUS_OK) {
		put_current(store, view);
		status = is_published(store, fault);
	}
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
	put_current(store, NULL);
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
	bool blind = store->counter.value == NULL; /* it could not be opened: perhaps now */
	if (blind)
		open_counter(store);
	uint64_t value = counter_value(store);
	*changed = false;
	/* R1. While a journal is made the counter says nothing, and that twice is not the same. */
	if (!blind && value == store->seen && value != STORE_COUNTER_UNKNOWN)
		return STATUS_OK;
	enum status status = view_load(store->directory, store->current, &fresh, fault);
	if (status != STATUS_OK)
		return status;
	store->seen = value;
	if (is_same(fresh, store->current)) {
		view_drop(fresh);
		return STATUS_OK;
	}
	put_current(store, fresh);
	*changed = true;
	return STATUS_OK;
}

/* T1 */
struct view *
store_view_take(struct store *store)
{
	return (struct view *)pin_take(&store->place);
}

void
view_keep(struct view *view)
{
	pin_keep(&view->pin);
}

/* D1 */
void
view_drop(struct view *view)
{
	if (pin_drop(&view->pin))
		view_free(view);
}
