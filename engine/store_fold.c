/* SPDX-License-Identifier: Apache-2.0 */
/* Folding layers: what is visible from some layer up goes into one builder. */
#include <stdlib.h>

#include "engine/store_state.h"

/* Claims ids of one layer that already have a number in the builder; 0 = not yet. */
struct fold {
	struct segment_build *build;
	uint32_t *known[LIMIT_LAYERS];
};

static enum status
intern_claim(struct segment_build *build, const struct segment *segment,
	     const struct segment_claim *from, struct claim *to, struct fault *fault)
{
	size_t length;
	const char *source = segment_source(segment, from->source, &length);
	enum status status = segment_build_source(build, source, length, &to->source, fault);
	const uint8_t *tags = segment_tags(segment, from->set, &length);
	if (status == STATUS_OK)
		status = segment_build_tags(build, tags, length, &to->set, fault);
	tags = segment_tags(segment, from->notes, &length);
	if (status == STATUS_OK)
		status = segment_build_tags(build, tags, length, &to->notes, fault);
	to->scope = (uint8_t)from->scope;
	to->expires = from->expires;
	to->first_seen = from->first_seen;
	to->last_seen = from->last_seen;
	return status;
}

static enum status
intern_claims(struct segment_build *build, const struct segment *segment, uint32_t id,
	      uint32_t *list, struct fault *fault)
{
	struct claim *claims = calloc(LIMIT_CLAIMS_PER_KEY, sizeof(*claims));
	struct segment_claim_cursor cursor = segment_claims(id);
	struct segment_claim claim;
	size_t count = 0;
	enum status status = STATUS_OK;
	if (claims == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for claims");
	while (status == STATUS_OK && segment_claim_next(segment, &cursor, &claim))
		status = intern_claim(build, segment, &claim, &claims[count++], fault);
	if (status == STATUS_OK)
		status = segment_build_claims(build, claims, count, list, fault);
	free(claims);
	return status;
}

static enum status
fold_key(struct fold *fold, const struct view *view, const struct key *key, uint32_t layer,
	 uint32_t id, struct fault *fault)
{
	const struct segment *segment = &view->layer[layer].segment;
	uint32_t list = SEGMENT_REMOVED;
	enum status status = STATUS_OK;
	if (fold->known[layer] == NULL) {
		fold->known[layer] = calloc(segment->claim_count + 1, sizeof(uint32_t));
		if (fold->known[layer] == NULL)
			return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to fold");
	}
	if (id >= segment->claim_count)
		return fault_set(fault, STATUS_CORRUPT, "CLMS", id, "a key without claims");
	if (id != SEGMENT_REMOVED && (list = fold->known[layer][id]) == 0) {
		status = intern_claims(fold->build, segment, id, &list, fault);
		fold->known[layer][id] = list;
	}
	return status == STATUS_OK ? segment_build_put(fold->build, key, list, fault) : status;
}

enum status
store_fold(const struct view *view, uint32_t from, struct segment_build *build,
	   struct fault *fault)
{
	struct fold fold = {.build = build};
	struct view_cursor cursor = {.from = from, .removals = from > 0};
	struct key key;
	uint32_t layer, id;
	enum status status = STATUS_OK;
	for (uint32_t i = from; i < view->layer_count; i++)
		segment_build_swept(build, view->layer[i].segment.expiry.swept);
	while (status == STATUS_OK && view_next(view, &cursor, &key, &layer, &id))
		status = fold_key(&fold, view, &key, layer, id, fault);
	for (uint32_t i = 0; i < LIMIT_LAYERS; i++)
		free(fold.known[i]);
	return status;
}
