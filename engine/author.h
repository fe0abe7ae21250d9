/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Author: the changes of one transaction, gathered in memory, then
 * resolved against the view they start from.
 *
 *   author_new -> (author_put | author_remove)* [author_mirror] -> author_finish -> author_free
 *
 * A source only ever replaces or removes its own claims; (source, key, scope)
 * is what a claim is found by. Loading the same thing twice changes nothing:
 *
 *   - equal tags, and the same expiry rule: unchanged. The times of such a
 *     claim are renewed only when its last_seen is old (AUTHOR_RENEW_PART of its
 *     life, at most a day), or as far ahead, which a wrong clock wrote: it still counts as
 *     unchanged, and as renewed.
 *   - a claim that has expired is brought back: updated.
 *
 * Keys are found through a JudyL of their 64-bit hashes. Memory is bounded by the distinct keys,
 * not by the number of puts: a key, 20 bytes for what it is and what becomes of it, its word
 * and its value in JudyL; sayings that are equal, once.
 * One thread.
 */
#ifndef ENGINE_AUTHOR_H
#define ENGINE_AUTHOR_H

#include "engine/segment_build.h"
#include "engine/view.h"

#define AUTHOR_YEARS 10          /* life of a claim when nothing else says */
#define AUTHOR_RENEW_PART 8
#define AUTHOR_RENEW_SECONDS 86400

struct author;

/* What a source says of a key. Bytes are copied. */
struct author_claim {
	const char *source;
	size_t source_length;
	const uint8_t *set, *notes; /* canonical tag strings (tag.h) */
	size_t set_length, notes_length;
	uint64_t expires;     /* an instant, or 0: now + ttl_seconds */
	uint64_t ttl_seconds; /* 0: AUTHOR_YEARS */
	uint64_t first_seen;  /* 0: now */
};

struct author_counts {
	uint64_t added, updated, unchanged, removed;
	uint64_t duplicates; /* puts of something already put; also in `unchanged` */
	uint64_t renewed;    /* unchanged claims whose times were moved */
};

/* `view` is borrowed until author_free. */
enum status
author_new(const struct view *view, uint64_t now, struct author **author, struct fault *fault);
void
author_free(struct author *author);

/* The key's scope is the claim's. A later put of the same (source, key, scope) wins. */
enum status
author_put(struct author *author, const struct key *key, const struct author_claim *claim,
	   struct fault *fault);

/* `source` NULL: of all sources. `scopes`: a bit set of enum scope values (1 << scope), 0 = any. */
enum status
author_remove(struct author *author, const struct key *key, unsigned scopes, const char *source,
	      size_t source_length, struct fault *fault);

/* At the end, every claim of this source that was not put goes. */
enum status
author_mirror(struct author *author, const char *source, size_t source_length,
	      struct fault *fault);

/* Keys that changed go to `build` with all their claims. */
enum status
author_finish(struct author *author, struct segment_build *build, struct author_counts *counts,
	      struct fault *fault);

#endif
