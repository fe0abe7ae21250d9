/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sweeping: expired claims are taken out of a store. Look-ups do not need it, they
 * test the expiry themselves: it only gives back room.
 *
 * What has expired is found by the order of expiry that segments keep (segment_expiry.h), from
 * where the last sweep ended to now. So a sweep that finds k keys touches, in each layer, a
 * few pages to search that order, and at most EXPIRY_PART claims ids for each key; where nothing
 * has become due it touches nothing else, however many keys there are.
 *
 * A key is looked at if its earliest expiry lies there and no layer above has the key. What was
 * changed since (a claim that was renewed, say) is still found once in the old layer, and
 * counts in `read` alone; a transaction that takes something out moves the beginning past
 * it, and folding the layers makes it vanish.
 *
 * Segments without that order (small ones, those of older versions) are searched from their
 * lists of claims, and all their claims ids are read if a list is due.
 *
 * Nothing is believed: each claim that goes is read from its key's list and compared with
 * `now`, so that wrong bytes in the order of expiry can only hide what is due.
 */
#ifndef ENGINE_SWEEP_H
#define ENGINE_SWEEP_H

#include "engine/author.h"
#include "engine/store.h"

struct sweep_counts {
	uint64_t claims;  /* removed */
	uint64_t read;    /* records whose claims id was read */
};

/*
 * False if nothing can have expired that the last sweep did not take: a few pages a layer are
 * read, so that this may be asked often, and without the writer's lock.
 */
bool
sweep_due(const struct view *view, uint64_t now);

/*
 * `author` (made from this view) is told to remove every visible claim with
 * expires <= now, each by its key, scope and source.
 */
enum status
sweep_expired(const struct view *view, uint64_t now, struct author *author,
	      struct sweep_counts *counts, struct fault *fault);

/*
 * A transaction that does only this: the changes are put into `write`, and the layer that they
 * make says up to when was swept. The caller commits.
 */
enum status
sweep_write(struct store_write *write, uint64_t now, struct sweep_counts *swept,
	    struct author_counts *counts, struct fault *fault);

#endif
