/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of a store: files to views (store_load.c), readers (store.c), the writer
 * (store_write.c), its stack of layers (store_plan.c, store_fold.c), the base (store_compact.c).
 */
#ifndef ENGINE_STORE_STATE_H
#define ENGINE_STORE_STATE_H

#include "engine/store.h"

#define STORE_JOURNAL "JOURNAL"
#define STORE_MANIFEST "MANIFEST" /* of stores before the journal */
#define STORE_COUNTER "GENERATION"
#define STORE_LOCK "LOCK"
#define STORE_COMPACT_LOCK "COMPACT"
#define STORE_COMPACTION "compact" /* its temporary: compact.<pid>.tmp */
#define STORE_KEPT ".damaged" /* behind the name of what could not be read and was not thrown away */
#define STORE_SEGMENT_PREFIX "segment-"
#define STORE_SEGMENT_SUFFIX ".rps"

/* --- names -------------------------------------------------------------------------------- */

/* directory/name; limit if too long. `path` holds FILE_PATH_BYTES. */
enum status
store_path(const char *directory, const char *name, char *path, struct fault *fault);
enum status
store_segment_path(const char *directory, uint64_t number, char *path, struct fault *fault);
/* The number, if the name is one that a writer gives: a copy kept by hand is not ours. */
bool
store_segment_number(const char *name, uint64_t *number);
/* A temporary file of a name that begins so. */
bool
store_is_temporary(const char *name, const char *begin);
bool
store_is_there(const char *directory);

/* --- views -------------------------------------------------------------------------------- */

/*
 * The newest good state, and its layers (R2, R3). `before` (may be NULL): an older view, whose images are
 * shared as long as they are sound. `sealed`: layers are copied into sealed memory. A view of the state
 * before a damaged one says so (view->damaged).
 */
enum status
view_load(const char *directory, const struct view *before, bool sealed, struct view **view,
	  struct fault *fault);
/* The same view with the heirs of its images (image.h), without a look at the directory. */
enum status
view_with_heirs(const struct view *view, struct view **fresh, struct fault *fault);
/* Put a layer on top of a view that nobody else has yet; takes over the pin on `image`. */
enum status
view_push(struct view *view, const struct journal_layer *row, struct image *image,
	  struct fault *fault);
void
view_free(struct view *view);

/*
 * What GENERATION says is a generation, or one of these: nothing (a journal is being made), or that the record of a
 * generation failed and its number is out of use; CUT is put to it when the record has been cut away.
 */
#define STORE_COUNTER_UNKNOWN UINT64_MAX
#define STORE_COUNTER_FAILED (1ull << 63)
#define STORE_COUNTER_CUT (1ull << 62)

/* The generation that failed; 0: none did. */
static inline uint64_t
store_counter_failed(uint64_t counter)
{
	bool failed = counter != STORE_COUNTER_UNKNOWN && (counter & STORE_COUNTER_FAILED) != 0;
	return failed ? counter & (STORE_COUNTER_CUT - 1) : 0;
}

/* The last generation that it says was published. */
static inline uint64_t
store_counter_published(uint64_t counter)
{
	uint64_t failed = store_counter_failed(counter);
	return failed != 0 ? failed - 1 : counter;
}

/*
 * Was a generation after `generation` published, by what the counter says? Not if it says nothing or what no writer
 * can have left there.
 */
static inline bool
store_counter_ahead(uint64_t counter, uint64_t generation)
{
	uint64_t published = store_counter_published(counter);
	return published > generation && published - generation < (1ull << 32);
}

/*
 * Is the view what the last writer acknowledged, by what the counter says and the journal's end? Else nobody knows whether
 * it is durable: nothing may be acknowledged on its ground.
 */
bool
store_is_settled(const struct view *view, uint64_t counter);

/* Was something published that the view does not have, because it cannot be read? */
bool
store_is_lost(const struct view *view, uint64_t counter);

/*
 * What was left out of a view, as a sentence for people in `fault`, whose status is then OK; nothing if all is
 * well. `counter`: what GENERATION said before the view was loaded; `unfinished`: bytes of a transaction
 * that nobody acknowledged, of which a reader does not speak.
 */
void
store_tell(const struct view *view, uint64_t counter, uint64_t unfinished, struct fault *fault);

/* --- the writer ---------------------------------------------------------------------------- */

struct store_write {
	char *directory;
	struct file_lock lock;
	struct file_counter counter; /* GENERATION, mapped from the beginning */
	bool locked, touched;
	bool lost;                   /* damage was found: what is not named any more is kept */
	struct view *view;
	struct catalog catalog;
	struct segment_build *build;
};

/* The layers of a generation to be, base first. */
struct store_plan {
	uint32_t count;
	struct journal_layer row[LIMIT_LAYERS]; /* offset 0: a file, or not yet in the journal */
	struct image *image[LIMIT_LAYERS];      /* pinned */
	bool small[LIMIT_LAYERS];               /* stands in the journal */
};
void
store_plan_fini(struct store_plan *plan);
enum status
store_plan_add(struct store_plan *plan, const struct journal_layer *row, struct image *image,
	       bool small, struct fault *fault);
/* The first `count` layers of a view. */
enum status
store_plan_view(struct store_plan *plan, const struct view *view, uint32_t count,
		struct fault *fault);
/* A number that no layer of the view has. */
uint64_t
store_plan_number(const struct view *view);
/* The stack of the next generation: what was put on top, folded where the stack asks for it. */
enum status
store_plan_stack(struct store_write *write, bool compact, struct store_plan *plan,
		 struct fault *fault);

/* Is a quarter of what the base holds in overlays? */
bool
store_fold_due(const struct view *view);

/* Put layers from..top of a view into a builder; base: removals are left out. */
enum status
store_fold(const struct view *view, uint32_t from, struct segment_build *build,
	   struct fault *fault);

/*
 * Compaction in its two halves: between them anybody may write.
 *   store_compaction_begin -> store_compaction_finish -> store_compaction_fini (whatever they gave)
 */
struct store_compaction {
	const char *directory;       /* borrowed */
	struct file_lock lock;       /* COMPACT */
	bool locked, ready;          /* ready: folded, to be finished */
	struct view *view;           /* what is folded */
	struct file_out *out;        /* NULL: nothing is left of it */
	struct journal_layer row;
};
/* C1 and C2. Without `always`, and where there is one layer, it may find nothing to do: not ready. */
enum status
store_compaction_begin(struct store_compaction *compaction, const char *directory, bool always,
		       struct fault *fault);
/* C3 to C5; *done false: somebody replaced the base meanwhile, or there was nothing to do. */
enum status
store_compaction_finish(struct store_compaction *compaction, uint64_t now, bool *done,
			uint64_t *generation, struct fault *fault);
void
store_compaction_fini(struct store_compaction *compaction);

/* Publish a plan (W3 to W6) as the generation after the writer's; `compacted`: 0 = as it was. */
enum status
store_write_publish(struct store_write *write, const struct store_plan *plan, uint64_t now,
		    uint64_t compacted, uint64_t *generation, struct fault *fault);

#endif
