/* SPDX-License-Identifier: Apache-2.0 */
/* Arena: many small things that live and die together. All zero is valid. */
#ifndef ENGINE_ARENA_H
#define ENGINE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena {
	struct arena_block *block; /* newest; each points to the one before */
	size_t used, size;         /* of the newest */
	size_t total;              /* bytes of all blocks */
};

/* Aligned to 8 bytes; NULL when memory is short. */
void *
arena_take(struct arena *arena, size_t length);
void
arena_fini(struct arena *arena);

#endif
