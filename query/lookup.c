/* SPDX-License-Identifier: Apache-2.0 */
#include "query/lookup.h"

#include <string.h>

#include "engine/bytes.h"
#include "engine/canon.h"
#include "engine/segment_many.h"
#include "query/lookup_settle.h"

/* Where hits go: the first only, or all of them up to a capacity. */
struct sink {
	const struct view *view;
	uint64_t now;
	struct repute_hit *hits;
	size_t count, capacity;
	bool embedded;
};

void
lookup_hit_fill(const struct view *view, const struct view_match *found,
		const struct segment_claim *claim, bool embedded, struct repute_hit *hit)
{
	const struct view_layer *layer = &view->layer[found->layer];
	bool known = claim->source < layer->segment.sources.count;
	hit->found = true;
	hit->exact = found->match.exact;
	hit->embedded = embedded;
	hit->kind = found->match.kind;
	hit->scope = (uint8_t)claim->scope;
	hit->expires = claim->expires;
	hit->first_seen = claim->first_seen;
	hit->last_seen = claim->last_seen;
	hit->source = known ? layer->sources[claim->source].name : "";
	hit->source_length = known ? layer->sources[claim->source].length : 0;
	hit->opaque_small.layer = (uint8_t)found->layer;
	hit->opaque.record = found->match.record;
	hit->opaque.set = claim->set;
	hit->opaque.notes = claim->notes;
	hit->opaque_small.in_trie = found->match.in_trie;
	hit->opaque_small.kind = found->match.kind;
}

static uint32_t
priority_of(const struct view_layer *layer, uint32_t source)
{
	return source < layer->segment.sources.count ? layer->sources[source].priority : UINT32_MAX;
}

/*
 * The claims of one key stand by source name; by priority they are found by
 * asking for the next larger (priority, position): few claims, no room needed.
 */
static bool
next_claim(const struct sink *sink, const struct view_match *found, uint32_t *priority,
	   uint32_t *position, struct segment_claim *best)
{
	const struct view_layer *layer = &sink->view->layer[found->layer];
	struct segment_claim_cursor cursor = segment_claims(found->match.claims);
	struct segment_claim claim;
	uint32_t best_priority = 0, best_position = 0, at = 0;
	bool any = false;
	for (; segment_claim_next(&layer->segment, &cursor, &claim); at++) {
		uint32_t rank = priority_of(layer, claim.source);
		bool after = *position == UINT32_MAX || rank > *priority ||
			     (rank == *priority && at > *position);
		if (!after || (any && rank >= best_priority) || claim.expires <= sink->now ||
		    !segment_claim_covers(&found->match, claim.scope))
			continue;
		any = true;
		best_priority = rank;
		best_position = at;
		*best = claim;
	}
	*priority = best_priority;
	*position = best_position;
	return any;
}

static void
sink_match(struct sink *sink, const struct view_match *found, bool only_first)
{
	uint32_t priority = 0, position = UINT32_MAX;
	struct segment_claim claim = {0};
	while (next_claim(sink, found, &priority, &position, &claim)) {
		if (sink->count < sink->capacity)
			lookup_hit_fill(sink->view, found, &claim, sink->embedded,
					&sink->hits[sink->count]);
		sink->count++;
		if (only_first)
			return;
	}
}

static void
sink_key(struct sink *sink, const struct key *key, bool only_first)
{
	struct view_match found[LIMIT_COVERING];
	size_t count = view_collect(sink->view, key, found, LIMIT_COVERING);
	for (size_t i = 0; i < count && !(only_first && sink->count > 0); i++)
		sink_match(sink, &found[i], only_first);
}

static void
sink_embedded(struct sink *sink, const struct key *key, bool only_first)
{
	uint32_t addresses[2];
	if (key->kind != KIND_IPV6 || key->prefix_bits != 128)
		return;
	unsigned count = canon_embedded_ipv4(key->bytes, addresses);
	sink->embedded = true;
	for (unsigned i = 0; i < count && !(only_first && sink->count > 0); i++) {
		struct key ipv4;
		key_set_ipv4(&ipv4, addresses[i], 32);
		sink_key(sink, &ipv4, only_first);
	}
}

/* Every covering key of every layer is looked at: always right, never the fastest. */
static __attribute__((noinline)) void
first_of_all(const struct view *view, const struct key *key, uint64_t now, struct repute_hit *hit)
{
	struct sink sink = {.view = view, .now = now, .hits = hit, .capacity = 1};
	hit->found = false;
	sink_key(&sink, key, true);
	if (sink.count == 0)
		sink_embedded(&sink, key, true);
}

size_t
lookup_all(const struct view *view, const struct key *key, uint64_t now, struct repute_hit *hits,
	   size_t capacity)
{
	struct sink sink = {.view = view, .now = now, .hits = hits, .capacity = capacity};
	sink_key(&sink, key, false);
	sink_embedded(&sink, key, false);
	return sink.count;
}

/* --- batches ----------------------------------------------------------------------------- */

#define BATCH LOOKUP_CHUNK

/* The queries of a chunk that some layer's key covers; at most one row a query. */
struct rows {
	struct segment_best best[BATCH];
	uint8_t layer[BATCH];
	size_t count;
};

static size_t
layer_many(const struct view *view, uint32_t layer, const struct lookup_batch *batch, size_t from,
	   size_t n, struct segment_share *share, struct segment_best *best)
{
	const struct segment *segment = &view->layer[layer].segment;
	if (batch->kind == KIND_IPV4)
		return segment_many_ipv4(segment, batch->ipv4 + from, n, best);
	if (batch->kind == KIND_IPV6)
		return segment_many_ipv6(segment, (const uint8_t (*)[16])batch->bytes + from, n, best);
	if (kind_table[batch->kind].key_bytes == 0)
		return segment_many_text(segment, batch->kind, batch->keys + from, n, share,
					 best);
	return segment_many_digest(segment, batch->kind,
				   batch->bytes + from * kind_table[batch->kind].key_bytes, n,
				   share, best);
}

/* A query that two layers know must be asked one at a time: one may hide what is in the other. */
static void
join_layer(struct rows *rows, uint32_t layer, const struct segment_best *best, size_t count)
{
	uint16_t row_of[BATCH];
	if (count == 0)
		return;
	memset(row_of, 0xff, sizeof(row_of));
	for (size_t i = 0; i < rows->count; i++)
		row_of[rows->best[i].lane] = (uint16_t)i;
	for (size_t i = 0; i < count; i++) {
		uint16_t row = row_of[best[i].lane];
		if (row != UINT16_MAX) {
			rows->best[row].claims = SEGMENT_ASK;
			continue;
		}
		if (rows->count == BATCH)
			return;
		rows->best[rows->count] = best[i];
		rows->layer[rows->count++] = (uint8_t)layer;
	}
}

const struct key *
lookup_batch_key(const struct lookup_batch *batch, size_t i, struct key *room)
{
	if (kind_table[batch->kind].key_bytes == 0)
		return batch->keys[i];
	if (batch->kind == KIND_IPV4)
		key_set_ipv4(room, batch->ipv4[i], 32);
	else if (batch->kind == KIND_IPV6)
		key_set_ipv6(room, batch->bytes + i * 16, 128);
	else
		key_set_digest(room, batch->kind,
			       batch->bytes + i * kind_table[batch->kind].key_bytes);
	return room;
}

static void
ask_one(const struct view *view, const struct lookup_batch *batch, size_t i, uint64_t now,
	struct repute_hit *hit)
{
	struct key key;
	first_of_all(view, lookup_batch_key(batch, i, &key), now, hit);
}

static struct view_match
match_of(enum kind kind, uint32_t layer, const struct segment_best *best)
{
	return (struct view_match){
		.layer = layer,
		.match = {.claims = best->claims, .record = best->record,
			  .specific = best->specific, .in_trie = best->in_trie,
			  .exact = best->exact, .kind = (uint8_t)kind,
			  .whole = !kind_table[kind].scoped},
	};
}

static bool
view_has_ipv4(const struct view *view)
{
	for (uint32_t i = 0; i < view->layer_count; i++)
		if (view->layer[i].segment.keys[KIND_IPV4] > 0)
			return true;
	return false;
}

static bool
may_embed(const struct view *view, const uint8_t *address)
{
	uint32_t ipv4[2];
	return canon_embedded_ipv4(address, ipv4) != 0 && view_has_ipv4(view);
}

/* IPv6 addresses without a row, inside which an IPv4 address that is listed may be: to be asked. */
static void
rows_embedded(const struct view *view, const struct lookup_batch *batch, size_t from, size_t n,
	      struct rows *rows)
{
	bool has_row[BATCH] = {false};
	for (size_t i = 0; i < rows->count; i++)
		has_row[rows->best[i].lane] = true;
	for (size_t i = 0; i < n && rows->count < BATCH; i++) {
		if (has_row[i] || !may_embed(view, batch->bytes + (from + i) * 16))
			continue;
		rows->layer[rows->count] = 0;
		rows->best[rows->count++] = (struct segment_best){.claims = SEGMENT_ASK,
								  .lane = (uint16_t)i};
	}
}

struct near_rows {
	struct segment_best best[BATCH];
};

/*
 * Layers above the first, each by itself but those that were looked at along with it. Out of the way of a view of
 * one layer, which has no use for the room.
 */
static __attribute__((noinline)) void
upper_many(const struct view *view, const struct lookup_batch *batch, size_t from, size_t n,
	   struct segment_share *share, struct rows *rows)
{
	const struct segment *first = &view->layer[0].segment;
	struct near_rows near[SEGMENT_NEAR_MOST];
	struct segment_best best[BATCH];
	size_t nears = 0, next = 0;
	for (uint32_t i = 1; i < view->layer_count; i++) {
		const struct segment *segment = &view->layer[i].segment;
		if (nears < SEGMENT_NEAR_MOST && segment_is_near(first, segment, batch->kind)) {
			share->near[nears] = (struct segment_near){segment, near[nears].best, 0};
			nears++;
		}
	}
	share->near_count = nears;
	rows->count = layer_many(view, 0, batch, from, n, share, rows->best);
	memset(rows->layer, 0, rows->count);
	share->near_count = 0;
	for (uint32_t i = 1; i < view->layer_count; i++) {
		const struct segment_near *with = &share->near[next];
		if (next < nears && with->segment == &view->layer[i].segment) {
			join_layer(rows, i, with->best, with->count);
			next++;
		} else {
			join_layer(rows, i, best, layer_many(view, i, batch, from, n, share, best));
		}
	}
}

static void
layers_many(const struct view *view, const struct lookup_batch *batch, size_t from, size_t n,
	    struct rows *rows)
{
	struct segment_share share;
	share.known = false;
	share.near_count = 0;
	if (view->layer_count == 1) {
		rows->count = layer_many(view, 0, batch, from, n, &share, rows->best);
		memset(rows->layer, 0, rows->count);
	} else {
		upper_many(view, batch, from, n, &share, rows);
	}
	if (batch->kind == KIND_IPV6 && view_has_ipv4(view))
		rows_embedded(view, batch, from, n, rows);
}

/* Rows of one layer. `scoped` is that of the kind: known when this is compiled. */
static inline __attribute__((always_inline)) void
settle_run(struct settle settle, bool scoped, const struct view *view,
	   const struct lookup_batch *batch, size_t from, const struct segment_best *best,
	   size_t count, struct repute_hit *hits)
{
	settle.scoped = scoped;
	for (const struct segment_best *end = best + count; best < end; best++) {
		struct repute_hit *hit = &hits[best->lane];
		if (__builtin_expect(settle_only(&settle, best, hit), 1))
			continue;
		struct settle copy = settle; /* so that it may stay in registers */
		if (!settle_among(&copy, best, hit))
			ask_one(view, batch, from + best->lane, settle.now, hit);
	}
}

/* The rows of a layer stand together. */
static void
settle_rows(const struct view *view, const struct lookup_batch *batch, size_t from,
	    const struct rows *rows, uint64_t now, struct repute_hit *hits)
{
	for (size_t i = 0, to; i < rows->count; i = to) {
		struct settle settle;
		for (to = view->layer_count == 1 ? rows->count : i + 1;
		     to < rows->count && rows->layer[to] == rows->layer[i];)
			to++;
		settle_init(&settle, view, rows->layer[i], batch->kind, now);
		if (settle.scoped)
			settle_run(settle, true, view, batch, from, rows->best + i, to - i, hits);
		else
			settle_run(settle, false, view, batch, from, rows->best + i, to - i, hits);
	}
}

static void
chunk_many(const struct view *view, const struct lookup_batch *batch, size_t from, size_t n,
	   uint64_t now, struct repute_hit *hits)
{
	struct rows rows;
#pragma GCC unroll 8
	for (size_t i = 0; i < n; i++)
		hits[i].found = false;
	if (view->layer_count == 0)
		return;
	layers_many(view, batch, from, n, &rows);
	settle_rows(view, batch, from, &rows, now, hits);
}

size_t
lookup_candidates(const struct view *view, const struct lookup_batch *batch, size_t from,
		  size_t n, struct lookup_candidate candidates[LOOKUP_CHUNK])
{
	struct rows rows;
	if (view->layer_count == 0)
		return 0;
	layers_many(view, batch, from, n, &rows);
	for (size_t i = 0; i < rows.count; i++) {
		const struct segment_best *best = &rows.best[i];
		/* what two layers know, join_layer has marked ASK */
		bool sole = best->sole && best->claims != SEGMENT_ASK &&
			    !(batch->kind == KIND_IPV6 &&
			      may_embed(view, batch->bytes + (from + best->lane) * 16));
		candidates[i] = (struct lookup_candidate){
			.found = match_of(batch->kind, rows.layer[i], best),
			.place = best->lane, .sole = sole,
		};
	}
	return rows.count;
}

void
lookup_many(const struct view *view, const struct lookup_batch *batch, size_t n, uint64_t now,
	    struct repute_hit *hits)
{
	for (size_t i = 0; i < n; i += BATCH)
		chunk_many(view, batch, i, n - i < BATCH ? n - i : BATCH, now, hits + i);
}

/* --- one query --------------------------------------------------------------------------- */

/*
 * A query is its kind and a value: an IPv4 address in host order, the bytes of a longer one or of a
 * digest, the key of a name or URL.
 */
static inline __attribute__((always_inline)) bool
value_one(const struct segment *segment, enum kind kind, const void *value,
	  struct segment_best *best)
{
	if (kind == KIND_IPV4)
		return segment_one_ipv4(segment, *(const uint32_t *)value, best);
	if (kind == KIND_DOMAIN || kind == KIND_URL)
		return segment_one_text(segment, value, best);
	return segment_one_bytes(segment, kind, value, best);
}

/*
 * The most specific key of all layers, false if there is none. Equally specific ones are the same key,
 * and the upper layer's hides the others; how long IPv4 prefixes are, segment_one_ipv4
 * does not say. claims: SEGMENT_ASK: not known.
 */
static inline __attribute__((always_inline)) bool
best_of_layers(const struct view *view, enum kind kind, const void *value,
	       struct segment_best *best, uint32_t *layer)
{
	bool any = value_one(&view->layer[0].segment, kind, value, best);
	bool digest = kind == KIND_SHA1 || kind == KIND_SHA256;
	*layer = 0;
	for (uint32_t i = 1; i < view->layer_count && !(any && best->claims == SEGMENT_ASK); i++) {
		struct segment_best other;
		if (!value_one(&view->layer[i].segment, kind, value, &other))
			continue;
		if (any && kind == KIND_IPV4 && best->in_trie && other.in_trie)
			other.claims = SEGMENT_ASK;
		if (!any || other.claims == SEGMENT_ASK || other.specific >= best->specific) {
			*best = other;
			*layer = i;
		}
		best->sole &= !any || digest;
		any = true;
	}
	return any;
}

/* What was found is no hit by one claim: a hit by another, or a matter of all keys. */
static __attribute__((noinline)) void
first_otherwise(const struct view *view, enum kind kind, const void *value, uint32_t layer,
		const struct segment_best *best, uint64_t now, struct repute_hit *hit)
{
	struct lookup_batch batch = {.kind = kind, .ipv4 = value, .bytes = value,
				     .keys = (const struct key *const *)&value};
	struct settle settle;
	settle_init(&settle, view, layer, kind, now);
	if (best->claims == SEGMENT_ASK || (!settle_among(&settle, best, hit) &&
					    (!best->sole || kind == KIND_IPV6)))
		ask_one(view, &batch, 0, now, hit);
}

/* The best key of a layer as a hit, if its one claim is one. */
static inline __attribute__((always_inline)) void
first_hit(const struct view *view, enum kind kind, const void *value, uint32_t layer,
	  const struct segment_best *best, uint64_t now, struct repute_hit *hit)
{
	struct settle settle;
	settle_init(&settle, view, layer, kind, now);
	if (!settle_only(&settle, best, hit))
		first_otherwise(view, kind, value, layer, best, now, hit);
}

/* No key covers the address itself. */
void
lookup_embedded(const struct view *view, const uint8_t *address, uint64_t now,
		struct repute_hit *hit)
{
	struct lookup_batch batch = {.kind = KIND_IPV6, .bytes = address};
	if (may_embed(view, address))
		ask_one(view, &batch, 0, now, hit);
}

static inline __attribute__((always_inline)) void
first_of_layers(const struct view *view, enum kind kind, const void *value, uint64_t now,
		struct repute_hit *hit)
{
	struct segment_best best;
	uint32_t layer;
	if (view->layer_count == 0)
		return;
	if (best_of_layers(view, kind, value, &best, &layer))
		first_hit(view, kind, value, layer, &best, now, hit);
	else if (kind == KIND_IPV6)
		lookup_embedded(view, value, now, hit);
}

/* Each is compiled for its kind, with what hangs on it known. */
#define LOOKUP_OF_KIND(name, kind) \
	void lookup_##name##_found(const struct view *view, const void *value, \
				   const struct segment_best *best, uint64_t now, \
				   struct repute_hit *hit) \
	{ \
		first_hit(view, kind, value, 0, best, now, hit); \
	} \
	void lookup_##name##_layers(const struct view *view, const void *value, uint64_t now, \
				    struct repute_hit *hit) \
	{ \
		first_of_layers(view, kind, value, now, hit); \
	}

LOOKUP_OF_KIND(ipv4, KIND_IPV4)
LOOKUP_OF_KIND(ipv6, KIND_IPV6)
LOOKUP_OF_KIND(sha1, KIND_SHA1)
LOOKUP_OF_KIND(sha256, KIND_SHA256)
LOOKUP_OF_KIND(domain, KIND_DOMAIN)
LOOKUP_OF_KIND(url, KIND_URL)

void
lookup_first(const struct view *view, const struct key *key, uint64_t now, struct repute_hit *hit)
{
	if (!key_is_value(key))
		first_of_all(view, key, now, hit);
	else if (key->kind == KIND_IPV4)
		lookup_ipv4(view, be32_get(key->bytes), now, hit);
	else if (key->kind == KIND_IPV6)
		lookup_ipv6(view, key->bytes, now, hit);
	else if (kind_table[key->kind].key_bytes == 0)
		lookup_text(view, key, now, hit);
	else
		lookup_digest(view, (enum kind)key->kind, key->bytes, now, hit);
}

void
lookup_hit_key(const struct view *view, const struct repute_hit *hit, struct key *key)
{
	struct segment_match match = {.record = hit->opaque.record,
				      .in_trie = hit->opaque_small.in_trie,
				      .kind = hit->opaque_small.kind};
	segment_match_key(lookup_segment(view, hit), &match, key);
	key->scope = hit->scope;
}

bool
lookup_host(const struct key *url, struct key *host)
{
	const char *text = key_text(url) + url->host_offset;
	size_t length = url->host_length;
	if (url->kind != KIND_URL || url->pattern != 0 || length == 0)
		return false;
	if (text[0] == '[')
		return length > 2 &&
		       canon_key(KIND_IPV6, text + 1, length - 2, NULL, host, NULL) == STATUS_OK;
	if (text[length - 1] >= '0' && text[length - 1] <= '9' &&
	    canon_key(KIND_IPV4, text, length, NULL, host, NULL) == STATUS_OK)
		return true;
	return canon_key(KIND_DOMAIN, text, length, NULL, host, NULL) == STATUS_OK;
}
