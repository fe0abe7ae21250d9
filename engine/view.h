/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view: one generation of a store, its layers seen as one database.
 *
 * A key in a higher layer hides the same key in all lower ones (its claims
 * there were copied up and changed, or removed). So the claims of a key are
 * those of the topmost layer that has it.
 *
 * A view is immutable; any number of threads read it. It lives until its last
 * pin is dropped (store.h: store_view_take, view_drop), and so does everything
 * borrowed from it.
 */
#ifndef ENGINE_VIEW_H
#define ENGINE_VIEW_H

#include "engine/catalog.h"
#include "engine/image.h"
#include "engine/journal.h"
#include "engine/pin.h"
#include "engine/segment.h"

/* A source of a segment as look-up wants it. */
struct view_source {
	const char *name;  /* borrowed from the segment */
	uint32_t length;
	uint32_t priority; /* from the catalogue */
};

struct view_layer {
	struct image *image;         /* shared with other views that have the layer */
	struct segment segment;
	struct journal_layer row;    /* its number, where it stands, its digest */
	struct view_source *sources; /* as many as the segment has */
};

struct view {
	struct pin pin;                        /* private; away from what look-ups read */
	uint64_t generation;
	uint64_t published;
	uint64_t compacted;                    /* when the base was last folded; 0 = never */
	uint64_t file_bytes;                   /* of its layers, catalogue and rows */
	struct journal_place place;            /* its record; all zero: from a manifest */
	uint64_t catalog_sum;                  /* of the catalogue's bytes there */
	uint64_t catalog_offset, catalog_bytes; /* where in the journal they stand */
	uint64_t journal_bytes;                /* of the journal; 0: from a manifest */
	uint64_t left_out;                     /* bytes behind the record that are no good one */
	uint64_t damaged;                      /* a later generation that cannot be read; 0 = none */
	struct fault damage;                   /* why not */
	struct hash_seed seed;
	struct catalog catalog;                /* from here on not copied by view_with_heirs */
	struct view_layer layer[LIMIT_LAYERS]; /* 0 = base */
	uint32_t layer_count;
};

/* Is a layer known to be damaged? Look-ups ask view_sound. */
bool
view_marked(const struct view *view);
/* Are the files what they were, by their stamps? For writers, before they publish what they read there. */
enum status
view_unchanged(const struct view *view, struct fault *fault);

/*
 * To be asked when an answer is there, before it is given away: false if a file was cut or written over while the
 * view had it mapped. Then the answer may be anything, and so may all later ones. One load.
 */
static inline bool
view_sound(const struct view *view)
{
	return guard_sound() || !view_marked(view);
}

/* The same for cold calls: corrupt, with a sentence. */
enum status
view_status(const struct view *view, struct fault *fault);

/* A covering key, and which layer has it. */
struct view_match {
	struct segment_match match;
	uint32_t layer;
};

/*
 * Like segment_collect over all layers; hidden and removed keys are left out.
 * Most specific first: exact before covering, then longer before shorter, a
 * key before a pattern. At most `cap`: if there are more, the first in that order.
 */
size_t
view_collect(const struct view *view, const struct key *query, struct view_match *matches,
	     size_t cap);

/* The topmost layer that knows the key, and its claims id; false if none or removed. */
bool
view_find(const struct view *view, const struct key *key, uint32_t *layer, uint32_t *claims);

/*
 * Every visible key of layers `from` and up. Zero-initialise but for `from`;
 * with `removals`, removed keys come too (claims SEGMENT_REMOVED).
 */
struct view_cursor {
	uint32_t from;
	bool removals;
	uint32_t layer;  /* private: counted from the top */
	struct segment_cursor cursor;
};
bool
view_next(const struct view *view, struct view_cursor *cursor, struct key *key, uint32_t *layer,
	  uint32_t *claims);

/* Visible keys and entries of a kind; exact, by walking if there are overlays. */
void
view_count(const struct view *view, uint64_t keys[KIND_COUNT], uint64_t entries[KIND_COUNT],
	   uint64_t *claims);

/* Room for hits and sorting aside, an upper bound on keys from the counts alone. */
uint64_t
view_keys_at_most(const struct view *view);

#endif
