/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/arena.h"

#include <stdlib.h>

#define ARENA_BLOCK_BYTES (1u << 20)

struct arena_block {
	struct arena_block *before;
	uint64_t bytes[]; /* aligns what follows */
};

static int
arena_grow(struct arena *arena, size_t length)
{
	size_t size = length > ARENA_BLOCK_BYTES ? length : ARENA_BLOCK_BYTES;
	struct arena_block *block = malloc(sizeof(*block) + size);
	if (block == NULL)
		return -1;
	block->before = arena->block;
	arena->block = block;
	arena->used = 0;
	arena->size = size;
	arena->total += size;
	return 0;
}

void *
arena_take(struct arena *arena, size_t length)
{
	length = (length + 7) & ~(size_t)7;
	if (arena->block == NULL || arena->size - arena->used < length)
		if (arena_grow(arena, length) != 0)
			return NULL;
	void *taken = (uint8_t *)arena->block->bytes + arena->used;
	arena->used += length;
	return taken;
}

void
arena_fini(struct arena *arena)
{
	while (arena->block != NULL) {
		struct arena_block *before = arena->block->before;
		free(arena->block);
		arena->block = before;
	}
	*arena = (struct arena){0};
}
