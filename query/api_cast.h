/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind the opaque names of repute.h. Private to api*.c. */
#ifndef QUERY_API_CAST_H
#define QUERY_API_CAST_H

#include "engine/key.h"
#include "engine/store.h"
#include "query/judge.h"
#include "query/repute.h"

#define API_RUN 256 /* keys of one kind that are asked as one batch */

static inline struct fault *
fault_of(struct repute_fault *fault)
{
	return (struct fault *)fault;
}

static inline struct key *
key_of(struct repute_key *key)
{
	return (struct key *)(void *)key;
}

static inline const struct key *
key_const(const struct repute_key *key)
{
	return (const struct key *)(const void *)key;
}

static inline struct store *
store_of(struct repute_db *db)
{
	return (struct store *)db;
}

static inline const struct view *
view_of(const struct repute_view *view)
{
	return (const struct view *)view;
}

static inline const struct judge *
judge_of(const struct repute_profile *profile)
{
	return (const struct judge *)profile;
}

static inline bool
key_is_good(const struct key *key)
{
	return key->kind < KIND_COUNT && key->scope != 0;
}

#endif
