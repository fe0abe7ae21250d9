/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of an author: gathering (author.c), resolving (author_finish.c), what a mirror takes back (author_mirror.c). */
#ifndef ENGINE_AUTHOR_STATE_H
#define ENGINE_AUTHOR_STATE_H

#include "engine/author.h"
#include "engine/intern.h"

#define AUTHOR_ALL_SOURCES 0xffffffffu /* a removal of every source; as mirror: none */

/* What is said of a key. Interned, since most keys of a feed are told the same: no padding. */
struct author_change {
	uint64_t expires, ttl_seconds, first_seen;
	uint32_t source;     /* in `strings` */
	uint32_t set, notes; /* in `strings` */
	uint8_t scope;       /* of a put; 0 = a removal */
	uint8_t scopes;      /* of a removal; bit set, 0 = any */
	uint8_t zero[2];
};

/* One change of one key, in a chain. */
struct author_link {
	uint32_t next;   /* number of a link; 0 = the last */
	uint32_t change; /* in `changes` */
};

/* Stands in `keys`, at a place that is counted in words; the next one behind it. */
struct author_key {
	uint32_t links;  /* number of the first */
	uint32_t older;  /* 1 + the place of the next key of the same hash; 0 = none */
	uint8_t kind, prefix_bits;
	uint16_t length;
	uint8_t bytes[];
};

#define AUTHOR_PLACE_BYTES 8u

struct author {
	const struct view *view;
	uint64_t now;
	struct hash_seed seed;
	uint8_t *keys;              /* struct author_key, in order of arrival */
	size_t keys_length, keys_capacity;
	struct author_link *links;  /* link 0 is none */
	size_t link_count, link_capacity;
	void *index;                /* JudyL: hash of a key -> 1 + the place of the newest */
	struct intern strings;      /* source names and tag strings; 0 = "" */
	struct intern changes;
	uint32_t mirror;
	uint64_t duplicates;
};

/* NULL if there is none. Borrowed until the next put. */
const struct author_key *
author_key_find(const struct author *author, const struct key *key);
/* In order of arrival; begin with *place 0. NULL at the end. */
const struct author_key *
author_key_next(const struct author *author, size_t *place);
void
author_key_get(const struct author_key *entry, struct key *key);

/*
 * The keys of the view that have a claim of the mirrored source and were not named: `layer` and `claims` as
 * view_find gives them. In no promised order. What `call` gives other than STATUS_OK ends it.
 */
typedef enum status author_mirror_cb(void *context, const struct key *key, uint32_t layer,
				     uint32_t claims);
enum status
author_mirror_each(const struct author *author, author_mirror_cb *call, void *context,
		   struct fault *fault);

/* The changes of a key in the order in which they apply; begin with *link = entry->links. */
const struct author_change *
author_change_next(const struct author *author, uint32_t *link);

#endif
