/* SPDX-License-Identifier: Apache-2.0 */
/* Thin C face of the C++ hash maps and of marisa (maps_cxx.cc, marisa_trie.cc). */
#ifndef BENCH_PEERS_MAPS_H
#define BENCH_PEERS_MAPS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One set of calls a map type and key size; values are answer words, 0 = not there. */
struct map_calls {
	void *(*make)(size_t count);
	void (*free)(void *map);
	void (*put)(void *map, const void *key, size_t length, uint64_t value);
	uint64_t (*get)(const void *map, const void *key, size_t length);
	/* n keys of the map's fixed size, one after the other; NULL for texts. */
	void (*get_many)(const void *map, const void *keys, size_t n, uint64_t *values);
};

extern const struct map_calls map_boost20, map_boost32, map_boost_text;
extern const struct map_calls map_absl20, map_absl32, map_absl_text;

void *
marisa_make(const char *const *keys, const size_t *lengths, size_t count, int cache);
void
marisa_drop(void *trie);
uint64_t
marisa_bytes(const void *trie);
/* The number of exactly this key (dense, from 0), or SIZE_MAX. `agent` from marisa_agent. */
size_t
marisa_find(const void *trie, void *agent, const void *key, size_t length);
void *
marisa_agent(void);
void
marisa_agent_drop(void *agent);

#ifdef __cplusplus
}
#endif

#endif
