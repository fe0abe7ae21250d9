/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sweeping: expired claims are taken out of a store. Look-ups do not need it, they
 * test the expiry themselves: it only gives back room.
 *
 * Found from the claims, not from the keys. Keys share their lists of claims, so a
 * segment has few of them; only if one holds an expired claim are the claims ids of
 * that segment's keys read, and only keys with such a list are looked at further.
 * Where nothing has expired the cost is the lists alone, however many keys there are.
 */
#ifndef ENGINE_SWEEP_H
#define ENGINE_SWEEP_H

#include "engine/author.h"

struct sweep_counts {
	uint64_t claims;  /* removed */
	uint64_t read;    /* keys whose claims id was read */
};

/*
 * `author` (made from this view) is told to remove every visible claim with
 * expires <= now, each by its key, scope and source.
 */
enum status
sweep_expired(const struct view *view, uint64_t now, struct author *author,
	      struct sweep_counts *counts, struct fault *fault);

#endif
