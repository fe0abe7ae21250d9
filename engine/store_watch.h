/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reader looks at now and then, so that careless operators neither hurt nor fool it: the
 * mapped layers of its view (image.h), and whether JOURNAL changed though GENERATION did not.
 * docs/store.md, "Careless operators". By one thread at a time.
 */
#ifndef ENGINE_STORE_WATCH_H
#define ENGINE_STORE_WATCH_H

#include "engine/clock.h"
#include "engine/view.h"

#define STORE_WATCH_MS 100u        /* between two looks */
#define STORE_WATCH_OLDER_MS 3000u /* an older state must stay before it is believed */

struct store_watch {
	uint64_t looked;           /* clock_coarse() of the last look */
	uint64_t next;             /* of the next one */
	uint32_t marks;            /* damaged ranges of the process then */
	struct file_stamp journal; /* when the view was loaded */
	struct file_stamp before;  /* of the journal at the last look */
	struct file_stamp older;   /* of one that has an older state than the view, */
	uint64_t older_since;      /* and since when */
};

/* A view was opened just now. */
void
store_watch_begin(struct store_watch *watch);

/* Is it time for a look? A few nanoseconds. At once if a range was found damaged: perhaps it is ours. */
static inline bool
store_watch_due(const struct store_watch *watch)
{
	return clock_coarse() >= watch->next || guard_count() != watch->marks;
}

/* Before a view is loaded. `journal`: its path. */
void
store_watch_note(struct store_watch *watch, const char *journal);
/* Has the journal changed since? */
bool
store_watch_moved(const struct store_watch *watch, const char *journal);
/*
 * The journal as it was when it was noted has an older state than the view, and nothing says why. Has
 * it been so for long enough to be what somebody wants (a copy put back), and not on its way?
 */
bool
store_watch_older(struct store_watch *watch);
/*
 * The same, asked at each look: true only when it has stayed another for two looks. A commit that
 * has not come to W5 is not waited for longer, and would be no news before.
 */
bool
store_watch_settled(struct store_watch *watch, const char *journal);

/*
 * Look, and continue copies that were begun: a fifth of the time, or at once if looks are far apart.
 * IMAGE_HEIR: images of the view have heirs; IMAGE_DAMAGED: one is damaged; else IMAGE_SOUND.
 */
enum image_state
store_watch_look(struct store_watch *watch, const struct view *view);

#endif
