/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-up over a view: covering keys to live claims, as public hits.
 * No lock, no allocation, no system call.
 */
#ifndef QUERY_LOOKUP_H
#define QUERY_LOOKUP_H

#include "engine/view.h"
#include "query/repute.h"

/*
 * Fill *hit with the first live claim in order (query/repute.h repute_find),
 * found = false if there is none.
 */
void
lookup_first(const struct view *view, const struct key *key, uint64_t now,
	     struct repute_hit *hit);

/* All of them in order; returns the number there are, writes at most `capacity`. */
size_t
lookup_all(const struct view *view, const struct key *key, uint64_t now, struct repute_hit *hits,
	   size_t capacity);

/* The segment that a hit came from. */
static inline const struct segment *
lookup_segment(const struct view *view, const struct repute_hit *hit)
{
	return &view->layer[hit->opaque.layer].segment;
}

/* The hit's key: borrowed from the view; its scope is that of the claim. */
void
lookup_hit_key(const struct view *view, const struct repute_hit *hit, struct key *key);

/* A URL's host as a key of its own: ipv4, ipv6 or domain. False if it cannot be one. */
bool
lookup_host(const struct key *url, struct key *host);

#endif
