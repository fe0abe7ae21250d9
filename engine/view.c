/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/view.h"

#include <string.h>

bool
view_marked(const struct view *view)
{
	for (uint32_t i = 0; i < view->layer_count; i++)
		if (image_damaged(view->layer[i].image))
			return true;
	return false;
}

enum status
view_status(const struct view *view, struct fault *fault)
{
	return view_sound(view) ? STATUS_OK
				: fault_set(fault, STATUS_CORRUPT, NULL, 0,
					    "a file of the store was cut or written over: could not tell");
}

enum status
view_unchanged(const struct view *view, struct fault *fault)
{
	for (uint32_t i = 0; i < view->layer_count; i++)
		if (!image_intact(view->layer[i].image))
			return fault_set(fault, STATUS_CORRUPT, NULL, 0,
					 "segment %llu was changed while it was read",
					 (unsigned long long)view->layer[i].row.number);
	return STATUS_OK;
}

/* Does a layer above know this key? Then what is below is out of date. */
static bool
is_hidden(const struct view *view, uint32_t layer, const struct key *key)
{
	for (uint32_t above = view->layer_count; above-- > layer + 1;)
		if (segment_find(&view->layer[above].segment, key) != SEGMENT_NONE)
			return true;
	return false;
}

static bool
match_hidden(const struct view *view, uint32_t layer, const struct segment_match *match)
{
	struct key key;
	if (match->claims == SEGMENT_REMOVED)
		return true;
	if (layer + 1 == view->layer_count)
		return false;
	segment_match_key(&view->layer[layer].segment, match, &key);
	return is_hidden(view, layer, &key);
}

static bool
comes_before(const struct segment_match *a, const struct segment_match *b)
{
	if (a->exact != b->exact)
		return a->exact > b->exact;
	if (a->specific != b->specific)
		return a->specific > b->specific;
	return a->pattern < b->pattern;
}

/* What comes last goes when there is no room: a full layer must not push out what lies below. */
static void
insert(struct view_match *matches, size_t *count, size_t cap, uint32_t layer,
       const struct segment_match *match)
{
	size_t i = *count;
	if (i < cap)
		(*count)++;
	else if (cap == 0 || !comes_before(match, &matches[--i].match))
		return;
	for (; i > 0 && comes_before(match, &matches[i - 1].match); i--)
		matches[i] = matches[i - 1];
	matches[i] = (struct view_match){*match, layer};
}

size_t
view_collect(const struct view *view, const struct key *query, struct view_match *matches,
	     size_t cap)
{
	size_t count = 0;
	for (uint32_t layer = view->layer_count; layer-- > 0;) {
		struct segment_match found[LIMIT_COVERING];
		size_t n = segment_collect(&view->layer[layer].segment, query, found,
					   LIMIT_COVERING);
		for (size_t i = 0; i < n; i++)
			if (!match_hidden(view, layer, &found[i]))
				insert(matches, &count, cap, layer, &found[i]);
	}
	return count;
}

bool
view_find(const struct view *view, const struct key *key, uint32_t *layer, uint32_t *claims)
{
	for (uint32_t i = view->layer_count; i-- > 0;) {
		uint32_t found = segment_find(&view->layer[i].segment, key);
		if (found == SEGMENT_NONE)
			continue;
		*layer = i;
		*claims = found;
		return found != SEGMENT_REMOVED;
	}
	return false;
}

bool
view_next(const struct view *view, struct view_cursor *cursor, struct key *key, uint32_t *layer,
	  uint32_t *claims)
{
	while (cursor->layer < view->layer_count - cursor->from && view->layer_count > 0) {
		uint32_t at = view->layer_count - 1 - cursor->layer;
		while (segment_next(&view->layer[at].segment, &cursor->cursor, key, claims)) {
			if (*claims == SEGMENT_REMOVED && !cursor->removals)
				continue;
			if (is_hidden(view, at, key))
				continue;
			*layer = at;
			return true;
		}
		memset(&cursor->cursor, 0, sizeof(cursor->cursor));
		cursor->layer++;
	}
	return false;
}

void
view_count(const struct view *view, uint64_t keys[KIND_COUNT], uint64_t entries[KIND_COUNT],
	   uint64_t *claims)
{
	struct view_cursor cursor = {0};
	struct key key;
	uint32_t layer, id;
	memset(keys, 0, KIND_COUNT * sizeof(*keys));
	memset(entries, 0, KIND_COUNT * sizeof(*entries));
	*claims = 0;
	while (view_next(view, &cursor, &key, &layer, &id)) {
		struct segment_claim_cursor each = segment_claims(id);
		struct segment_claim claim;
		unsigned scopes = 0;
		while (segment_claim_next(&view->layer[layer].segment, &each, &claim)) {
			scopes |= 1u << (claim.scope & 3);
			(*claims)++;
		}
		keys[key.kind]++;
		entries[key.kind] += (unsigned)__builtin_popcount(scopes);
	}
}

uint64_t
view_keys_at_most(const struct view *view)
{
	uint64_t keys = 0;
	for (uint32_t i = 0; i < view->layer_count; i++)
		for (int kind = 0; kind < KIND_COUNT; kind++)
			keys += view->layer[i].segment.keys[kind];
	return keys;
}
