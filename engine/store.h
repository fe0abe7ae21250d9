/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store: a directory whose published state is a stack of segments.
 *
 *   JOURNAL               the states, one record a transaction; small layers stand in it
 *   segment-<number>.rps  the other layers; immutable
 *   GENERATION            eight mapped bytes: a hint that there is a new state
 *   LOCK, COMPACT         held by the one writer, and by the one who folds the base
 *
 * Reader:  store_open -> (view_take -> view_* -> view_drop)*, store_refresh -> store_close
 * Writer:  store_write_begin -> author_* -> store_write_commit | store_write_abort
 * Base:    store_compact, beside any of them
 *
 * docs/store.md has the protocol as numbered steps, which comments here cite: W1 to W7 (a transaction),
 * N1 to N3 (a new journal), R1 to R5 (a reader), C1 to C5 (compaction).
 *
 * A view never mixes generations: it is one record with its segments, and
 * it and everything borrowed from it lives until its last drop.
 */
#ifndef ENGINE_STORE_H
#define ENGINE_STORE_H

#include "engine/segment_build.h"
#include "engine/view.h"

struct store;

/*
 * Reader. STATUS_MISSING if there is no store in `directory`, or one in which
 * nothing was published yet (a first import that failed or still runs). If what was published last
 * cannot be read, the last good generation is opened, and `fault` says so, with STATUS_OK.
 */
enum status
store_open(const char *directory, struct store **store, struct fault *fault);
/* How files are kept from careless operators (docs/store.md); all false: leases and the guard. */
struct store_options {
	bool sealed;   /* layers are copied into sealed memory, which the processes of a user share */
	bool no_guard; /* SIGBUS is left alone, and GENERATION is not mapped */
};
enum status
store_open_as(const char *directory, const struct store_options *options, struct store **store,
	      struct fault *fault);
void
store_close(struct store *store);
/*
 * One memory load and a look at a coarse clock when nothing changed; ten times a second a few system calls.
 * *changed also when the generation is the same, but a file had to be given up for a copy: what is not
 * dropped then holds up who wants to write there. Not to be called by two threads at once. If the
 * newest generation that can be read is not the last, `fault` says so, with STATUS_OK.
 */
enum status
store_refresh(struct store *store, bool *changed, struct fault *fault);
/*
 * Is the current state known to be durable? False: the last writer may have died or failed, or one is at work. "Nothing to
 * change" is then no acknowledgement: a writer must recover first (store_write_begin).
 */
bool
store_settled(const struct store *store);
/* Pins the current view: one atomic addition; any thread. Never NULL. */
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
 * if there is none, recover (W1), remove leftovers. `seed` NULL: random for a new store. If anything was left out,
 * `fault` says so, with STATUS_OK.
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
 * when the stack is full (as many as are half as large as the layer below them). The base is folded too where
 * that is cheap (a few ten thousand keys), or always with `compact`; else see store_compact.
 * Nothing put and the catalogue as it was: nothing is published, *generation is the old one.
 * STATUS_IO may come after a new journal has its name but perhaps not for
 * good (its directory cannot be synced): then either generation may be found.
 * Frees `write` on success and on failure.
 */
enum status
store_write_commit(struct store_write *write, uint64_t now, bool compact, uint64_t *generation,
		   struct fault *fault);
void
store_write_abort(struct store_write *write);
/*
 * Fold all layers into a new base while readers and writers go on (C1 to C5). Without `always`
 * only if that is due: overlays hold more than a quarter as many keys as the base. *done tells; the
 * generation is then *generation. STATUS_BUSY: another process does it.
 * Memory: about the new base; stopped at any point, it leaves the store as it was.
 */
enum status
store_compact(const char *directory, bool always, uint64_t now, bool *done, uint64_t *generation,
	      struct fault *fault);

/* Tell the commit that the catalogue was changed, or may have been. */
void
store_write_touch(struct store_write *write);

#endif
