/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes have a store open, as far as this system tells: those that map its GENERATION
 * (every reader does, engine/store.h), by /proc. A process whose maps we may not read is not seen. Which
 * generation it looks at is known only where it maps a segment that is of no use any more.
 */
#ifndef QUERY_READERS_H
#define QUERY_READERS_H

#include "engine/view.h"

#define READERS_SHOWN 64

struct readers {
	bool known;       /* false: there is no /proc to ask */
	uint64_t count;   /* without this process */
	uint64_t behind;  /* of them: still map a segment that `view` does not have */
	long pid[READERS_SHOWN]; /* of the first ones */
};

/* Never fails: what cannot be known is not. */
void
readers_find(const char *directory, const struct view *view, struct readers *readers);

#endif
