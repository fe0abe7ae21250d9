/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-up over a view: covering keys to live claims, as public hits.
 * No lock, no allocation, no system call.
 */
#ifndef QUERY_LOOKUP_H
#define QUERY_LOOKUP_H

#include "engine/segment_many.h"
#include "engine/view.h"
#include "query/repute.h"

/*
 * Fill *hit with the first live claim in order (query/repute.h repute_find),
 * found = false if there is none.
 */
void
lookup_first(const struct view *view, const struct key *key, uint64_t now,
	     struct repute_hit *hit);

/*
 * The same without a key. Part of the public call, since a miss is little more than the calls on its way: what
 * a view of several layers needs, or a key that was found, is behind a call. `value` is an address in
 * host order, the bytes of an address or digest, a key.
 */
typedef void
lookup_layers(const struct view *view, const void *value, uint64_t now, struct repute_hit *hit);
typedef void
lookup_found(const struct view *view, const void *value, const struct segment_best *best,
	     uint64_t now, struct repute_hit *hit);
lookup_layers lookup_ipv4_layers, lookup_ipv6_layers, lookup_sha1_layers, lookup_sha256_layers,
	lookup_domain_layers, lookup_url_layers;
lookup_found lookup_ipv4_found, lookup_ipv6_found, lookup_sha1_found, lookup_sha256_found,
	lookup_domain_found, lookup_url_found;
void
lookup_embedded(const struct view *view, const uint8_t *address, uint64_t now,
		struct repute_hit *hit);

static inline bool
lookup_one_layer(const struct view *view)
{
	return __builtin_expect(view->layer_count == 1, 1);
}

/* `address` in host order. */
static inline void
lookup_ipv4(const struct view *view, uint32_t address, uint64_t now, struct repute_hit *hit)
{
	struct segment_best best;
	hit->found = false;
	if (!lookup_one_layer(view))
		lookup_ipv4_layers(view, &address, now, hit);
	else if (segment_one_ipv4(&view->layer[0].segment, address, &best))
		lookup_ipv4_found(view, &address, &best, now, hit);
}

/* Network order. */
static inline void
lookup_ipv6(const struct view *view, const uint8_t address[16], uint64_t now,
	    struct repute_hit *hit)
{
	struct segment_best best;
	hit->found = false;
	if (!lookup_one_layer(view))
		lookup_ipv6_layers(view, address, now, hit);
	else if (segment_one_bytes(&view->layer[0].segment, KIND_IPV6, address, &best))
		lookup_ipv6_found(view, address, &best, now, hit);
	else
		lookup_embedded(view, address, now, hit);
}

/* KIND_SHA1 or KIND_SHA256. */
static inline void
lookup_digest(const struct view *view, enum kind kind, const uint8_t *digest, uint64_t now,
	      struct repute_hit *hit)
{
	struct segment_best best;
	bool sha1 = kind == KIND_SHA1;
	hit->found = false;
	if (!lookup_one_layer(view))
		(sha1 ? lookup_sha1_layers : lookup_sha256_layers)(view, digest, now, hit);
	else if (segment_one_bytes(&view->layer[0].segment, kind, digest, &best))
		(sha1 ? lookup_sha1_found : lookup_sha256_found)(view, digest, &best, now, hit);
}

/* Of a key that is a whole name or URL. */
static inline void
lookup_text(const struct view *view, const struct key *key, uint64_t now, struct repute_hit *hit)
{
	struct segment_best best;
	bool domain = key->kind == KIND_DOMAIN;
	hit->found = false;
	if (!lookup_one_layer(view))
		(domain ? lookup_domain_layers : lookup_url_layers)(view, key, now, hit);
	else if (segment_one_text(&view->layer[0].segment, key, &best))
		(domain ? lookup_domain_found : lookup_url_found)(view, key, &best, now, hit);
}

/* All of them in order; returns the number there are, writes at most `capacity`. */
size_t
lookup_all(const struct view *view, const struct key *key, uint64_t now, struct repute_hit *hits,
	   size_t capacity);

/*
 * lookup_first for many queries of one kind at once, latency overlapped. A
 * batch is described by its kind and where its queries stand.
 */
struct lookup_batch {
	enum kind kind;
	const uint32_t *ipv4;          /* KIND_IPV4: host order */
	const uint8_t *bytes;          /* KIND_IPV6, KIND_SHA1, KIND_SHA256: one after the other */
	const struct key *const *keys; /* KIND_DOMAIN, KIND_URL */
};
void
lookup_many(const struct view *view, const struct lookup_batch *batch, size_t n, uint64_t now,
	    struct repute_hit *hits);

/*
 * For what looks at claims by itself (judge.h). Which of n queries of a batch, n at most
 * LOOKUP_CHUNK, may have a hit: those that are not named have none. Returns how many, in no
 * promised order.
 */
#define LOOKUP_CHUNK 256
struct lookup_candidate {
	struct view_match found; /* the most specific key, if `sole` */
	uint16_t place;          /* of the query in the chunk */
	bool sole;               /* no other key of any layer covers it, no address inside it is
	                          * listed; false: not known, collect */
};
size_t
lookup_candidates(const struct view *view, const struct lookup_batch *batch, size_t from,
		  size_t n, struct lookup_candidate candidates[LOOKUP_CHUNK]);

/* Query i of a batch as a key: the batch's own, or filled into *room. */
const struct key *
lookup_batch_key(const struct lookup_batch *batch, size_t i, struct key *room);

/* One claim of a covering key as a hit; `embedded` as in struct repute_hit. */
void
lookup_hit_fill(const struct view *view, const struct view_match *found,
		const struct segment_claim *claim, bool embedded, struct repute_hit *hit);

/* The segment that a hit came from. */
static inline const struct segment *
lookup_segment(const struct view *view, const struct repute_hit *hit)
{
	return &view->layer[hit->opaque_small.layer].segment;
}

/* The hit's key: borrowed from the view; its scope is that of the claim. */
void
lookup_hit_key(const struct view *view, const struct repute_hit *hit, struct key *key);

/* A URL's host as a key of its own: ipv4, ipv6 or domain. False if it cannot be one. */
bool
lookup_host(const struct key *url, struct key *host);

#endif
