/* SPDX-License-Identifier: Apache-2.0 */
/* Readers: open, refresh, pin (R1, R4, R5, T1, D1). */
#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine/store_state.h"
#include "engine/store_watch.h"

#define LOAD_PATIENCE 20u /* times as long as it took: until what did not help is done again */

struct store {
	char *directory;
	char journal[FILE_PATH_BYTES];
	struct store_options options;
	struct store_watch watch;
	struct file_counter counter;
	struct pin_place place; /* the current view, for those who take it */
	struct view *current;   /* the same, for the one who refreshes */
	uint64_t seen;          /* the counter when it was loaded */
	bool troubled;          /* not all is as it should be: load again with a look */
	bool behind;            /* the last load failed: */
	struct fault why;       /* why, told again until it is time to try again, */
	uint64_t again;         /* by clock_coarse() */
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

/*
 * A store of another owner may be read-only for us: then the hint may be missing. So it may when somebody
 * removed or cut it: then the journal itself is looked at.
 */
static void
open_counter(struct store *store)
{
	char path[FILE_PATH_BYTES];
	file_counter_close(&store->counter);
	if (!store->options.no_guard &&
	    store_path(store->directory, STORE_COUNTER, path, NULL) == STATUS_OK)
		(void)file_counter_open(path, false, &store->counter, NULL);
}

static uint64_t
counter_value(const struct store *store)
{
	return __atomic_load_n(store->counter.value, __ATOMIC_ACQUIRE);
}

/* What GENERATION says, mapped or not; 0 if it says nothing. */
static uint64_t
counter_read(const struct store *store)
{
	char path[FILE_PATH_BYTES];
	uint64_t value = 0;
	if (store->counter.value != NULL)
		return counter_value(store);
	if (store_path(store->directory, STORE_COUNTER, path, NULL) == STATUS_OK)
		(void)file_counter_read(path, &value);
	return value;
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
is_published(const struct store *store, const struct view *view, uint64_t counter,
	     struct fault *fault)
{
	bool empty = view->generation == 0 || (view->published == 0 && view->layer_count == 0);
	if (empty && !store_is_lost(view, counter))
		return no_store(store->directory, fault);
	store_tell(view, counter, 0, fault);
	if (!empty)
		return STATUS_OK;
	if (fault != NULL)
		fault->status = STATUS_CORRUPT;
	return STATUS_CORRUPT;
}

static enum status
open_first(struct store *store, struct fault *fault)
{
	struct view *view = NULL;
	enum status status = store->options.no_guard ? STATUS_OK : guard_install(fault);
	if (status == STATUS_OK)
		status = store_path(store->directory, STORE_JOURNAL, store->journal, fault);
	if (status == STATUS_OK && !store_is_there(store->directory))
		status = no_store(store->directory, fault);
	if (status != STATUS_OK)
		return status;
	open_counter(store);
	store->seen = counter_read(store);
	store_watch_note(&store->watch, store->journal);
	status = view_load(store->directory, NULL, store->options.sealed, &view, fault);
	if (status == STATUS_OK) {
		put_current(store, view);
		store_watch_begin(&store->watch);
		status = is_published(store, view, store->seen, fault);
	}
	return status;
}

enum status
store_open_as(const char *directory, const struct store_options *options, struct store **out,
	      struct fault *fault)
{
	struct store *store = calloc(1, sizeof(*store));
	if (store == NULL || (store->directory = strdup(directory)) == NULL) {
		free(store);
		return fault_set(fault, STATUS_NO_MEMORY, directory, 0, "no memory for a store");
	}
	store->options = *options;
	enum status status = open_first(store, fault);
	if (status != STATUS_OK)
		store_close(store);
	else
		*out = store;
	return status;
}

enum status
store_open(const char *directory, struct store **out, struct fault *fault)
{
	static const struct store_options usual;
	return store_open_as(directory, &usual, out, fault);
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

/* The same state in the same memory, perhaps written anew into another journal (N1)? */
static bool
is_same(const struct view *a, const struct view *b)
{
	if (a->generation != b->generation || a->catalog_sum != b->catalog_sum ||
	    a->layer_count != b->layer_count)
		return false;
	for (uint32_t i = 0; i < a->layer_count; i++)
		if (a->layer[i].image != b->layer[i].image ||
		    memcmp(a->layer[i].row.sha256, b->layer[i].row.sha256, 32) != 0)
			return false;
	return true;
}

/*
 * Is what we have better than what is left in the directory: an older state? It is, if a newer one is damaged or
 * cut off, which GENERATION tells. If nothing tells, the older one is believed when it stays: somebody put a
 * copy back. What we have may also be a record that we saw before it failed: it never was. *keep: not
 * this one.
 */
static enum status
judge_older(struct store *store, const struct view *fresh, bool *keep, struct fault *fault)
{
	*keep = false;
	if (fresh->generation >= store->current->generation || view_marked(store->current) ||
	    store_counter_failed(store->seen) == store->current->generation)
		return STATUS_OK;
	*keep = true;
	if (fresh->damaged != 0 || store_counter_ahead(store->seen, fresh->generation))
		return fault_set(fault, STATUS_CORRUPT, STORE_JOURNAL, fresh->place.end,
				 "generation %" PRIu64 " is damaged or cut off; what is known of it "
				 "goes on answering", store->current->generation);
	*keep = !store_watch_older(&store->watch);
	return STATUS_OK;
}

static enum status
told(const struct store *store, enum status status, struct fault *fault)
{
	if (fault != NULL && store->why.text[0] != '\0')
		*fault = store->why;
	return status;
}

/* R2 to R5 */
static enum status
load(struct store *store, bool *changed, struct fault *fault)
{
	struct view *fresh;
	struct fault inner = {0};
	uint64_t begun = clock_coarse(), value = counter_read(store);
	bool keep = false;
	store_watch_note(&store->watch, store->journal);
	enum status status = view_load(store->directory, store->current, store->options.sealed,
				       &fresh, &inner);
	if (status == STATUS_OK) {
		store->seen = value;
		status = is_published(store, fresh, value, &inner);
		if (status == STATUS_OK)
			status = judge_older(store, fresh, &keep, &inner);
		if (status != STATUS_OK || keep || is_same(fresh, store->current)) {
			view_drop(fresh);
		} else {
			put_current(store, fresh);
			*changed = true;
		}
	}
	store->behind = status != STATUS_OK;
	store->troubled = keep || store_is_lost(store->current, store->seen);
	store->why = inner;
	/* Only loads are put off, never looks. */
	uint64_t now = clock_coarse();
	store->again = now + (now - begun) * LOAD_PATIENCE;
	return told(store, status, fault);
}

/*
 * R1. What the counter does not say, the journal does. While a journal is made the counter says nothing, and that
 * twice is not the same.
 */
static bool
has_moved(const struct store *store)
{
	if (store->counter.value == NULL)
		return store_watch_moved(&store->watch, store->journal);
	uint64_t value = counter_value(store);
	return value != store->seen || value == STORE_COUNTER_UNKNOWN;
}

/* Is it worth it to do again what did not help? */
static bool
may_try(const struct store *store)
{
	return clock_coarse() >= store->again;
}

/* Whatever became of the rest of the directory: the view that we have, in memory that nobody writes to. */
static enum status
adopt_heirs(struct store *store, bool *changed, struct fault *fault)
{
	struct view *fresh;
	enum status status = view_with_heirs(store->current, &fresh, fault);
	if (status != STATUS_OK)
		return status;
	put_current(store, fresh);
	*changed = true;
	return STATUS_OK;
}

/*
 * A counter that did not count is looked for anew. Heirs come first: nothing that fails after them may keep
 * the caller from taking the new view.
 */
static enum status
look(struct store *store, bool *changed, struct fault *fault)
{
	enum image_state state = store_watch_look(&store->watch, store->current);
	if (state == IMAGE_HEIR)
		return adopt_heirs(store, changed, fault);
	bool other = store_watch_settled(&store->watch, store->journal);
	if (other)
		open_counter(store);
	if (store->behind)
		return STATUS_OK;
	if (state == IMAGE_DAMAGED || other || (store->troubled && may_try(store)) ||
	    has_moved(store))
		return load(store, changed, fault);
	return STATUS_OK;
}

/* R1, and whether a load that failed can be tried again. */
static enum status
follow(struct store *store, bool *changed, struct fault *fault)
{
	if (store->behind && !may_try(store))
		return told(store, store->why.status, fault);
	return store->behind || has_moved(store) ? load(store, changed, fault) : STATUS_OK;
}

/*
 * A look is due whether there is news or not, and whether that can be read or not. What fails after
 * something changed is told the next time.
 */
enum status
store_refresh(struct store *store, bool *changed, struct fault *fault)
{
	bool due = store_watch_due(&store->watch);
	*changed = false;
	if (store->counter.value == NULL || guard_damaged(store->counter.guard))
		open_counter(store);
	enum status status = follow(store, changed, fault);
	if (!due)
		return status;
	enum status after = look(store, changed, status == STATUS_OK && !*changed ? fault : NULL);
	return *changed ? STATUS_OK : status != STATUS_OK ? status : after;
}

bool
store_settled(const struct store *store)
{
	return store_is_settled(store->current, store->seen);
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
