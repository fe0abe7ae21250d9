/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of an author: gathering (author.c) and resolving (author_finish.c). */
#ifndef ENGINE_AUTHOR_STATE_H
#define ENGINE_AUTHOR_STATE_H

#include "engine/arena.h"
#include "engine/author.h"
#include "engine/intern.h"

#define AUTHOR_ALL_SOURCES 0xffffffffu /* a removal of every source; as mirror: none */

struct author_change {
	struct author_change *next;
	uint32_t source;     /* in `strings` */
	uint32_t set, notes; /* in `strings` */
	uint8_t scope;       /* of a put; 0 = a removal */
	uint8_t scopes;      /* of a removal; bit set, 0 = any */
	uint64_t expires, ttl_seconds, first_seen;
};

struct author_key {
	struct author_key *next;  /* of the same hash */
	struct author_key *newer; /* in order of arrival */
	struct author_change *changes;
	uint8_t kind, prefix_bits;
	uint16_t length;
	uint8_t bytes[];
};

struct author {
	const struct view *view;
	uint64_t now;
	struct hash_seed seed;
	void *index;           /* Judy: 64-bit hash of a key -> struct author_key chain */
	struct arena arena;
	struct intern strings; /* source names and tag strings; 0 = "" */
	struct author_key *first, *last;
	uint32_t mirror;
	uint64_t duplicates;
};

struct author_key *
author_key_find(const struct author *author, const struct key *key);
void
author_key_get(const struct author_key *entry, struct key *key);

#endif
