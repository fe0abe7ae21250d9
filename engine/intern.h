/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interning: equal byte strings get one number, 0, 1, 2 ... in order of first
 * sight. Open addressing over a keyed hash; strings stand in one growing block.
 */
#ifndef ENGINE_INTERN_H
#define ENGINE_INTERN_H

#include "engine/hash.h"
#include "engine/status.h"

#define INTERN_RECENT 8

struct intern {
	struct hash_seed seed;
	uint8_t *bytes;
	size_t bytes_length, bytes_capacity;
	uint64_t *offsets;       /* count + 1 */
	size_t offsets_capacity;
	uint32_t *slots;         /* number + 1; 0 = empty */
	size_t slot_count;       /* a power of two, or 0 */
	uint32_t count;
	uint32_t recent[INTERN_RECENT]; /* number + 1 of the last one, by length: often the next */
};

/* All zero but the seed is valid. */
void
intern_fini(struct intern *intern);

/* no-memory; limit past 2^31 strings. */
enum status
intern_put(struct intern *intern, const void *bytes, size_t length, uint32_t *number,
	   struct fault *fault);

static inline const uint8_t *
intern_get(const struct intern *intern, uint32_t number, size_t *length)
{
	*length = (size_t)(intern->offsets[number + 1] - intern->offsets[number]);
	return intern->bytes + intern->offsets[number];
}

/* Grow a block to hold `need` items of `size` bytes: by half as much again. no-memory. */
enum status
intern_grow(void **block, size_t *capacity, size_t need, size_t size, struct fault *fault);

#endif
