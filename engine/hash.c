/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/hash.h"

#include <stdlib.h>

#define XXH_INLINE_ALL /* no call between us and the hash */
#include <xxhash.h>

__attribute__((flatten)) uint64_t
hash_text(struct hash_seed seed, const void *bytes, size_t length)
{
	return XXH3_64bits_withSeed(bytes, length, seed.word[0]) ^ seed.word[1];
}

uint64_t
hash_sum(const void *bytes, size_t length)
{
	return XXH3_64bits(bytes, length);
}

struct hash_stream *
hash_stream_new(void)
{
	XXH3_state_t *state = XXH3_createState();
	if (state != NULL)
		XXH3_64bits_reset(state);
	return (struct hash_stream *)state;
}

void
hash_stream_add(struct hash_stream *stream, const void *bytes, size_t length)
{
	XXH3_64bits_update((XXH3_state_t *)stream, bytes, length);
}

uint64_t
hash_stream_value(const struct hash_stream *stream)
{
	return XXH3_64bits_digest((const XXH3_state_t *)stream);
}

void
hash_stream_free(struct hash_stream *stream)
{
	XXH3_freeState((XXH3_state_t *)stream);
}
