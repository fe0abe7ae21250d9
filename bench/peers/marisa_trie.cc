/* SPDX-License-Identifier: Apache-2.0 */
#include <marisa.h>

#include "bench/peers/maps.h"

void *
marisa_make(const char *const *keys, const size_t *lengths, size_t count, int cache)
{
	try {
		marisa::Keyset set;
		for (size_t i = 0; i < count; i++)
			set.push_back(keys[i], lengths[i]);
		marisa::Trie *trie = new marisa::Trie;
		trie->build(set, cache ? MARISA_HUGE_CACHE : MARISA_NORMAL_CACHE);
		return trie;
	} catch (...) {
		return nullptr;
	}
}

void
marisa_drop(void *trie)
{
	delete static_cast<marisa::Trie *>(trie);
}

uint64_t
marisa_bytes(const void *trie)
{
	return static_cast<const marisa::Trie *>(trie)->io_size();
}

void *
marisa_agent(void)
{
	return new marisa::Agent;
}

void
marisa_agent_drop(void *agent)
{
	delete static_cast<marisa::Agent *>(agent);
}

size_t
marisa_find(const void *trie, void *context, const void *key, size_t length)
{
	marisa::Agent *agent = static_cast<marisa::Agent *>(context);
	agent->set_query(static_cast<const char *>(key), length);
	if (!static_cast<const marisa::Trie *>(trie)->lookup(*agent))
		return SIZE_MAX;
	return agent->key().id();
}
