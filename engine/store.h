/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store: a directory whose published state is a stack of segments.
 *
 *   MANIFEST              the published generation: its layers and catalogue
 *   GENERATION            eight mapped bytes: a hint that the manifest changed
 *   LOCK                  held by the one writer
 *   segment-<number>.rps  immutable layers
 *
 * Reader:  store_open -> (view_take -> view_* -> view_drop)*, store_refresh -> store_close
 * Writer:  store_write_begin -> author_* -> store_write_commit | store_write_abort
 *
 * Publishing, in order (each step durable before the next):
 *   P1  the new segment is written to a temporary, fsynced, renamed, directory fsynced
 *   P2  the new manifest likewise: the rename is the moment of publication
 *   P3  GENERATION is stored (hint: readers compare one word)
 *   P4  segments that no manifest names any more are unlinked; readers that
 *       still map them keep them until they drop their view
 * A store begins with an empty manifest of generation 0, so a directory with
 * segments and no manifest is damage, never garbage. P3 cannot fail: the
 * writer maps GENERATION when it begins, so after P2 nothing turns a
 * published transaction into an error.
 * A writer that dies before P2 leaves garbage that the next writer removes; one
 * that dies after P2 leaves a stale hint that the next writer mends. Readers
 * that lose a segment between reading a manifest and opening it read the
 * manifest again.
 *
 * A view never mixes generations: it is one manifest with its segments, and
 * it and everything borrowed from it lives until its last drop.
 */
#ifndef ENGINE_STORE_H
#define ENGINE_STORE_H

#include "engine/segment_build.h"
#include "engine/view.h"

struct store;

/*
 * Reader. STATUS_MISSING if there is no store in `directory`, or one in which
 * nothing was published yet (a first import that failed or still runs).
 */
enum status
store_open(const char *directory, struct store **store, struct fault *fault);
void
store_close(struct store *store);
/* One memory load when nothing changed. Not to be called by two threads at once. */
enum status
store_refresh(struct store *store, bool *changed, struct fault *fault);
/* Pins the current view; any thread. Never NULL. */
struct view *
store_view_take(struct store *store);
/* One more pin on a view that the caller has pinned; any thread. */
void
view_keep(struct view *view);
void
view_drop(struct view *view);

/* --- writer ------------------------------------------------------------------ */

struct store_write;

/*
 * Take the writer's lock (STATUS_BUSY if held; `wait` to wait), make the store
 * if there is none, remove leftovers. `seed` NULL: random for a new store.
 */
enum status
store_write_begin(const char *directory, bool wait, const struct hash_seed *seed,
		  struct store_write **write, struct fault *fault);
/* The state before the transaction; lives until commit or abort. */
const struct view *
store_write_view(const struct store_write *write);
/* To be changed freely; published with the commit. */
struct catalog *
store_write_catalog(struct store_write *write);
/* Overlay under construction: put whole keys (all their claims). */
struct segment_build *
store_write_build(struct store_write *write);
/*
 * Publish. A new overlay goes on top; the upper overlays are folded into one
 * when the stack is full (as many as are half as large as the layer below them),
 * and all into a new base when together they hold more than a quarter as many
 * keys as the base, or always with `compact`. Nothing put and
 * the catalogue as it was: nothing is published, *generation is the old one.
 * STATUS_IO may come after the new manifest has its name but perhaps not for
 * good (its directory cannot be synced): then either generation may be found.
 * Frees `write` on success and on failure.
 */
enum status
store_write_commit(struct store_write *write, uint64_t now, bool compact, uint64_t *generation,
		   struct fault *fault);
void
store_write_abort(struct store_write *write);
/* Tell the commit that the catalogue was changed, or may have been. */
void
store_write_touch(struct store_write *write);

#endif
