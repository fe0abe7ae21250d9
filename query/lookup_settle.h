/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the key that a batch or a single question found to the hit: its one claim, or the first among
 * several, read by whole words. Private to lookup.c, which asks one at a time where false is returned.
 */
#ifndef QUERY_LOOKUP_SETTLE_H
#define QUERY_LOOKUP_SETTLE_H

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "engine/segment_many.h"
#include "engine/view.h"
#include "query/repute.h"

/* What claims of one kind and layer become hits with; the same for all rows of a batch. */
struct settle {
	const struct claim_d *claims;
	const struct view_source *sources;
	uint64_t now;
	uint64_t head[2];      /* first word of a hit less its scope; [1]: exact */
	uint32_t claims_after; /* ids but 0, less one, are below this */
	uint32_t source_count;
	bool scoped;
};

/* An address that is not the entry's lies in a prefix: of the others none is in a trie. */
static inline __attribute__((always_inline)) void
settle_init(struct settle *settle, const struct view *view, uint32_t number, enum kind kind,
	    uint64_t now)
{
	const struct view_layer *layer = &view->layer[number];
	uint64_t head = 1 | (uint64_t)kind << 24 | (uint64_t)number << 40 | (uint64_t)kind << 56;
	uint64_t after = layer->segment.claim_count == 0 ? 0 : layer->segment.claim_count - 1;
	settle->claims = (const struct claim_d *)layer->segment.claims;
	settle->sources = layer->sources;
	settle->now = now;
	settle->head[0] = head | (uint64_t)(kind <= KIND_IPV6) << 48;
	settle->head[1] = head | 1 << 8;
	settle->claims_after = after < SEGMENT_ASK - 1 ? (uint32_t)after : SEGMENT_ASK - 1;
	settle->source_count = layer->segment.sources.count;
	settle->scoped = kind_table[kind].scoped;
}

/* One of the times of a claim: what follows it in the claim is read, and cut off. */
static inline uint64_t
claim_time(const struct le40 *time)
{
	struct le64 word;
	static_assert(offsetof(struct claim_d, last_seen) + sizeof(word) <= sizeof(struct claim_d),
		      "all three stand before the last eight bytes");
	memcpy(&word, time, sizeof(word));
	return le64_get(word) & ((UINT64_C(1) << 40) - 1);
}

static inline uint64_t
claim_word(const struct claim_d *claim)
{
	struct le64 word;
	memcpy(&word, claim, sizeof(word));
	return le64_get(word);
}

/* The first word of a claim: source, scope, flags, set. */
#define WORD_SOURCE(word) ((uint32_t)(word) & 0xffff)
#define WORD_SCOPE(word) ((uint32_t)(word) >> 16 & 0xff)
#define WORD_LAST ((uint64_t)FORMAT_CLAIM_LAST << 24)

/* Set and notes stand side by side in both. */
static inline void
settle_tags(const struct claim_d *claim, struct repute_hit *hit)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	static_assert(offsetof(struct claim_d, notes) == offsetof(struct claim_d, set) + 4 &&
		      offsetof(struct repute_hit, opaque.notes) ==
		      offsetof(struct repute_hit, opaque.set) + 4, "one word");
	memcpy((uint8_t *)hit + offsetof(struct repute_hit, opaque.set),
	       (const uint8_t *)claim + offsetof(struct claim_d, set), 8);
#else
	hit->opaque.set = le32_get(claim->set);
	hit->opaque.notes = le32_get(claim->notes);
#endif
}

static inline __attribute__((always_inline)) void
settle_fill(const struct settle *settle, const struct claim_d *claim, uint64_t word,
	    const struct view_source *source, const struct segment_best *best,
	    struct repute_hit *hit)
{
	static_assert(offsetof(struct repute_hit, kind) == 3 &&
		      offsetof(struct repute_hit, scope) == 4 &&
		      offsetof(struct repute_hit, opaque_small) == 5 &&
		      offsetof(struct repute_hit, expires) == 8, "one word: a loop of calls reads "
		      "and writes hits, small stores would fill the store buffer");
	struct le64 head = le64_make(settle->head[best->exact] | (word & 0xff0000) << 16);
	memcpy(hit, &head, sizeof(head));
	hit->expires = claim_time(&claim->expires);
	hit->first_seen = claim_time(&claim->first_seen);
	hit->last_seen = claim_time(&claim->last_seen);
	hit->source = source->name;
	hit->source_length = source->length;
	hit->opaque.record = best->record;
	settle_tags(claim, hit);
}

/*
 * Most keys have one claim, with no order to find: fill the hit from it. False
 * if there are more, or if it is expired or does not reach the query, and for SEGMENT_ASK.
 */
static inline __attribute__((always_inline)) bool
settle_only(const struct settle *settle, const struct segment_best *best, struct repute_hit *hit)
{
	if (best->claims - 1 >= settle->claims_after) /* SEGMENT_REMOVED too */
		return false;
	const struct claim_d *claim = settle->claims + best->claims;
	uint64_t word = claim_word(claim);
	if ((word & WORD_LAST) == 0 || claim_time(&claim->expires) <= settle->now ||
	    WORD_SOURCE(word) >= settle->source_count)
		return false;
	if (settle->scoped && (WORD_SCOPE(word) & (best->exact ? SCOPE_EXACT : SCOPE_BELOW)) == 0)
		return false;
	settle_fill(settle, claim, word, &settle->sources[WORD_SOURCE(word)], best, hit);
	return true;
}

/*
 * Among several claims: the first of those with the lowest priority number. False if none is
 * live and reaches the query: then ask one at a time.
 */
static __attribute__((noinline)) bool
settle_among(const struct settle *settle, const struct segment_best *best, struct repute_hit *hit)
{
	static const struct view_source unknown = {"", 0, UINT32_MAX}; /* in damaged files */
	const struct view_source *first_source = NULL;
	uint64_t word = 0, first_word = 0;
	if (best->claims - 1 >= settle->claims_after)
		return false;
	const struct claim_d *claim = settle->claims + best->claims, *first = NULL;
	uint32_t left = settle->claims_after - (best->claims - 1);
	if (left > LIMIT_CLAIMS_PER_KEY)
		left = LIMIT_CLAIMS_PER_KEY;
	for (; left > 0 && (word & WORD_LAST) == 0; left--, claim++) {
		word = claim_word(claim);
		const struct view_source *source = WORD_SOURCE(word) < settle->source_count
			? &settle->sources[WORD_SOURCE(word)] : &unknown;
		if (claim_time(&claim->expires) <= settle->now ||
		    (settle->scoped &&
		     (WORD_SCOPE(word) & (best->exact ? SCOPE_EXACT : SCOPE_BELOW)) == 0) ||
		    (first != NULL && source->priority >= first_source->priority))
			continue;
		first = claim;
		first_word = word;
		first_source = source;
	}
	if (first != NULL)
		settle_fill(settle, first, first_word, first_source, best, hit);
	return first != NULL;
}

#endif
