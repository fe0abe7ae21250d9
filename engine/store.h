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
 * A writer that dies before P2 leaves garbage that the next writer removes; one
 * that dies after P2 leaves a stale hint that the next writer mends. Readers
 * that lose a segment between reading a manifest and opening it read the
 * manifest again.
 *
 * A view never mixes generations: it is one manifest with its segments, and
 * it and everything borrowed from it lives until its last drop.
 *
 * Layers. A key in a higher layer hides the same key in all lower ones (its
 * claims there were copied up and changed, or removed). So the claims of a key
 * are those of the topmost layer that has it.
 */
#ifndef ENGINE_STORE_H
#define ENGINE_STORE_H

#include "engine/catalog.h"
#include "engine/segment.h"
#include "engine/segment_build.h"

struct view_layer {
	struct file_map map;
	struct segment segment;
	uint64_t number;
};

struct view {
	uint64_t generation;
	uint64_t published;
	uint64_t file_bytes;             /* of all layers and the manifest */
	struct hash_seed seed;
	struct catalog catalog;
	struct view_layer layer[LIMIT_LAYERS]; /* 0 = base */
	uint32_t layer_count;
	uint32_t pins;                   /* private: atomic */
};

struct store;

/* Reader. STATUS_MISSING if there is no store in `directory`. */
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
void
view_drop(struct view *view);

/* A covering key, which layer has it. */
struct view_match {
	struct segment_match match;
	uint32_t layer;
};

/*
 * Like segment_collect over all layers, hidden and removed keys left out,
 * most specific first (exact before covering; at one key text length a key
 * before a pattern). `cap` as there.
 */
size_t
view_collect(const struct view *view, const struct key *query, struct view_match *matches,
	     size_t cap);

/* Topmost layer that knows the key and its claims id; false if none or removed. */
bool
view_find(const struct view *view, const struct key *key, uint32_t *layer, uint32_t *claims);

/* Every visible key of the view. Zero-initialise. */
struct view_cursor {
	uint32_t layer;
	struct segment_cursor cursor;
};
bool
view_next(const struct view *view, struct view_cursor *cursor, struct key *key, uint32_t *layer,
	  uint32_t *claims);

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
 * Publish. Folds layers into a new base when the stack or the overlay has grown
 * too large, or always with `compact`. Nothing put and catalogue untouched:
 * nothing is published, *generation is the old one. Frees `write` on success and failure.
 */
enum status
store_write_commit(struct store_write *write, uint64_t now, bool compact, uint64_t *generation,
		   struct fault *fault);
void
store_write_abort(struct store_write *write);
/* Tell the commit that the catalogue was changed. */
void
store_write_touch(struct store_write *write);

#endif
