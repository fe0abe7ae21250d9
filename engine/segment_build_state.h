/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of a builder: shared by segment_build.c (filling) and segment_write.c. */
#ifndef ENGINE_SEGMENT_BUILD_STATE_H
#define ENGINE_SEGMENT_BUILD_STATE_H

#include "engine/intern.h"
#include "engine/ptrie_build.h"
#include "engine/segment.h"
#include "engine/segment_build.h"

/* Records in order of arrival; same shape as on disk, claims ids provisional. */
struct build_kind {
	uint8_t *records;
	size_t count, capacity;
	uint8_t *keys; /* domain, url: texts, in the order of records */
	size_t keys_length, keys_capacity;
	struct ptrie_entry *prefixes;
	size_t prefix_count, prefix_capacity;
	uint64_t entries;
};

struct segment_build {
	struct hash_seed seed;
	bool overlay;
	struct intern sources;
	struct intern tags;  /* 0 = the empty string */
	struct intern lists; /* struct claim[] of one key; 0 = none, the removal */
	uint8_t *list_used;  /* by list: 0 = no key has it, else 1 and 1 << each scope in it */
	size_t list_used_capacity;
	uint32_t *list_users; /* by list: keys that have it, at most UINT32_MAX */
	size_t list_users_capacity;
	uint64_t swept;      /* overlays */
	struct build_kind kind[KIND_COUNT];
};

/* The record size of a kind, as on disk. */
uint32_t
build_record_bytes(enum kind kind);

/* Union of the scopes in a list of claims that some key has. */
unsigned
build_list_scopes(const struct segment_build *build, uint32_t list);

#endif
