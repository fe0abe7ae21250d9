/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolving a transaction. For each key: the claims it has now, the changes
 * applied one by one, and if anything differs the whole list goes to the
 * builder. Claims are compared by their texts, since every segment numbers
 * sources and tags in its own way.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/author_state.h"
#include "engine/clock.h"

/* One claim of the key at hand, by texts. */
struct draft {
	const void *source, *set, *notes;
	size_t source_length, set_length, notes_length;
	uint64_t expires, first_seen, last_seen;
	uint8_t scope;
	bool gone;
};

struct finish {
	struct author *author;
	struct segment_build *build;
	struct author_counts *counts;
	struct fault *fault;
	struct draft *drafts; /* LIMIT_CLAIMS_PER_KEY + 1 */
	struct claim *claims; /* the same */
	uint64_t default_expiry; /* of what is seen now and says nothing of its life */
	size_t count;
	bool changed;
	bool known;           /* the view has the key */
};

static bool
same_bytes(const void *a, size_t a_length, const void *b, size_t b_length)
{
	return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

static bool
is_source(const struct finish *finish, const struct draft *draft, uint32_t source)
{
	size_t length;
	if (source == AUTHOR_ALL_SOURCES)
		return true;
	const uint8_t *name = intern_get(&finish->author->strings, source, &length);
	return same_bytes(draft->source, draft->source_length, name, length);
}

static void
load_claims(struct finish *finish, uint32_t layer, uint32_t claims_id)
{
	const struct segment *segment = &finish->author->view->layer[layer].segment;
	struct segment_claim_cursor cursor = segment_claims(claims_id);
	struct segment_claim claim;
	while (finish->count < LIMIT_CLAIMS_PER_KEY &&
	       segment_claim_next(segment, &cursor, &claim)) {
		struct draft *draft = &finish->drafts[finish->count++];
		memset(draft, 0, sizeof(*draft));
		draft->source = segment_source(segment, claim.source, &draft->source_length);
		draft->set = segment_tags(segment, claim.set, &draft->set_length);
		draft->notes = segment_tags(segment, claim.notes, &draft->notes_length);
		draft->scope = (uint8_t)claim.scope;
		draft->expires = claim.expires;
		draft->first_seen = claim.first_seen;
		draft->last_seen = claim.last_seen;
	}
}

/* --- one put --------------------------------------------------------------------------- */

/* When a claim with these rules, last seen at `seen`, expires. */
static uint64_t
expiry(const struct finish *finish, const struct author_change *change, uint64_t seen)
{
	if (change->expires != 0)
		return change->expires;
	if (change->ttl_seconds != 0)
		return clock_add(seen, change->ttl_seconds);
	return seen == finish->author->now ? finish->default_expiry
					   : clock_add_years(seen, AUTHOR_YEARS);
}

/*
 * Past the window to either side: a claim that was last seen after now was written by a clock that ran
 * ahead, or this one is behind. What is loaded last counts, by the clock it is loaded by: else
 * a claim of "one day" would live on until a day of the future.
 */
static bool
needs_renewal(const struct finish *finish, const struct author_change *change,
	      const struct draft *draft)
{
	uint64_t now = finish->author->now;
	uint64_t life = expiry(finish, change, now) - now, window = AUTHOR_RENEW_SECONDS;
	if (expiry(finish, change, now) <= now)
		return false; /* dead on arrival */
	if (change->expires != 0)
		life = UINT64_MAX; /* an instant does not move */
	if (life / AUTHOR_RENEW_PART < window)
		window = life / AUTHOR_RENEW_PART;
	uint64_t apart = now > draft->last_seen ? now - draft->last_seen : draft->last_seen - now;
	return apart > window;
}

static void
draft_fill(struct finish *finish, const struct author_change *change, struct draft *draft)
{
	const struct intern *strings = &finish->author->strings;
	draft->source = intern_get(strings, change->source, &draft->source_length);
	draft->set = intern_get(strings, change->set, &draft->set_length);
	draft->notes = intern_get(strings, change->notes, &draft->notes_length);
	draft->scope = change->scope;
	draft->last_seen = finish->author->now;
	draft->expires = expiry(finish, change, finish->author->now);
}

/*
 * Same tags, same rule of expiry, and no less alive than a new claim would be:
 * what comes with a time that has passed is not brought back by it.
 */
static bool
says_the_same(const struct finish *finish, const struct author_change *change,
	      const struct draft *draft)
{
	const struct intern *strings = &finish->author->strings;
	size_t set_length, notes_length;
	const uint8_t *set = intern_get(strings, change->set, &set_length);
	const uint8_t *notes = intern_get(strings, change->notes, &notes_length);
	uint64_t now = finish->author->now;
	return same_bytes(draft->set, draft->set_length, set, set_length) &&
	       same_bytes(draft->notes, draft->notes_length, notes, notes_length) &&
	       draft->expires == expiry(finish, change, draft->last_seen) &&
	       (draft->expires > now || expiry(finish, change, now) <= now) &&
	       (change->first_seen == 0 || change->first_seen >= draft->first_seen);
}

static void
update_draft(struct finish *finish, const struct author_change *change, struct draft *draft)
{
	bool same = says_the_same(finish, change, draft);
	uint64_t now = finish->author->now;
	uint64_t first = draft->first_seen < now ? draft->first_seen : now;
	if (same) {
		finish->counts->unchanged++;
		if (!needs_renewal(finish, change, draft))
			return;
		finish->counts->renewed++;
	} else {
		finish->counts->updated++;
	}
	draft_fill(finish, change, draft);
	draft->first_seen = change->first_seen != 0 && change->first_seen < first
		? change->first_seen : first;
	finish->changed = true;
}

/* Room for one more claim: that of a claim that went, or new. NULL: the limit. */
static struct draft *
free_draft(struct finish *finish)
{
	for (size_t i = 0; i < finish->count; i++)
		if (finish->drafts[i].gone)
			return &finish->drafts[i];
	if (finish->count >= LIMIT_CLAIMS_PER_KEY)
		return NULL;
	return &finish->drafts[finish->count++];
}

static enum status
apply_put(struct finish *finish, const struct author_change *change)
{
	for (size_t i = 0; i < finish->count; i++) {
		struct draft *draft = &finish->drafts[i];
		if (draft->scope == change->scope && !draft->gone &&
		    is_source(finish, draft, change->source)) {
			update_draft(finish, change, draft);
			return STATUS_OK;
		}
	}
	struct draft *draft = free_draft(finish);
	if (draft == NULL)
		return fault_set(finish->fault, STATUS_LIMIT, NULL, 0,
				 "more than %d claims on one key", LIMIT_CLAIMS_PER_KEY);
	memset(draft, 0, sizeof(*draft));
	draft_fill(finish, change, draft);
	draft->first_seen = change->first_seen != 0 ? change->first_seen : finish->author->now;
	finish->counts->added++;
	finish->changed = true;
	return STATUS_OK;
}

static void
drop_draft(struct finish *finish, struct draft *draft)
{
	draft->gone = true;
	finish->changed = true;
	finish->counts->removed++;
}

static void
apply_remove(struct finish *finish, const struct author_change *change)
{
	for (size_t i = 0; i < finish->count; i++) {
		struct draft *draft = &finish->drafts[i];
		if (!draft->gone && is_source(finish, draft, change->source) &&
		    (change->scopes == 0 || (change->scopes >> (draft->scope & 7) & 1) != 0))
			drop_draft(finish, draft);
	}
}

/* Claims of the mirrored source that were there before and were not put. */
static void
apply_mirror(struct finish *finish, size_t had, const struct author_key *entry)
{
	if (finish->author->mirror == AUTHOR_ALL_SOURCES)
		return;
	for (size_t i = 0; i < had; i++) {
		struct draft *draft = &finish->drafts[i];
		bool put = false;
		if (draft->gone || !is_source(finish, draft, finish->author->mirror))
			continue;
		uint32_t link = entry == NULL ? 0 : entry->links;
		const struct author_change *change;
		while ((change = author_change_next(finish->author, &link)) != NULL)
			put |= change->scope == draft->scope &&
			       is_source(finish, draft, change->source);
		if (!put)
			drop_draft(finish, draft);
	}
}

/* --- one key ----------------------------------------------------------------------------- */

static enum status
emit_claim(struct finish *finish, const struct draft *draft, struct claim *claim)
{
	enum status status = segment_build_source(finish->build, draft->source,
						  draft->source_length, &claim->source,
						  finish->fault);
	if (status == STATUS_OK)
		status = segment_build_tags(finish->build, draft->set, draft->set_length,
					    &claim->set, finish->fault);
	if (status == STATUS_OK)
		status = segment_build_tags(finish->build, draft->notes, draft->notes_length,
					    &claim->notes, finish->fault);
	claim->scope = draft->scope;
	claim->expires = draft->expires;
	claim->first_seen = draft->first_seen;
	claim->last_seen = draft->last_seen;
	return status;
}

static enum status
emit_key(struct finish *finish, const struct key *key)
{
	size_t kept = 0;
	uint32_t list;
	enum status status = STATUS_OK;
	if (!finish->changed)
		return STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < finish->count; i++)
		if (!finish->drafts[i].gone)
			status = emit_claim(finish, &finish->drafts[i], &finish->claims[kept++]);
	if (status != STATUS_OK || (kept == 0 && !finish->known))
		return status;
	status = segment_build_claims(finish->build, finish->claims, kept, &list, finish->fault);
	if (status == STATUS_OK)
		status = segment_build_put(finish->build, key, list, finish->fault);
	return status;
}

static void
begin_key(struct finish *finish, const struct key *key)
{
	uint32_t layer, claims_id;
	finish->count = 0;
	finish->changed = false;
	finish->known = view_find(finish->author->view, key, &layer, &claims_id);
	if (finish->known)
		load_claims(finish, layer, claims_id);
}

static enum status
finish_entry(struct finish *finish, const struct author_key *entry)
{
	struct key key;
	enum status status = STATUS_OK;
	author_key_get(entry, &key);
	begin_key(finish, &key);
	size_t had = finish->count;
	const struct author_change *change;
	uint32_t link = entry->links;
	while (status == STATUS_OK &&
	       (change = author_change_next(finish->author, &link)) != NULL) {
		if (change->scope == 0)
			apply_remove(finish, change);
		else
			status = apply_put(finish, change);
	}
	apply_mirror(finish, had, entry);
	return status == STATUS_OK ? emit_key(finish, &key) : status;
}

/* A key that this transaction did not name loses the mirrored source's claims. */
static enum status
finish_unnamed(void *context, const struct key *key, uint32_t layer, uint32_t claims_id)
{
	struct finish *finish = context;
	finish->count = 0;
	finish->changed = false;
	finish->known = true;
	load_claims(finish, layer, claims_id);
	apply_mirror(finish, finish->count, NULL);
	return emit_key(finish, key);
}

enum status
author_finish(struct author *author, struct segment_build *build, struct author_counts *counts,
	      struct fault *fault)
{
	struct finish finish = {
		.author = author, .build = build, .counts = counts, .fault = fault,
		.default_expiry = clock_add_years(author->now, AUTHOR_YEARS),
	};
	enum status status = STATUS_OK;
	memset(counts, 0, sizeof(*counts));
	finish.drafts = calloc(LIMIT_CLAIMS_PER_KEY + 1, sizeof(*finish.drafts));
	finish.claims = calloc(LIMIT_CLAIMS_PER_KEY + 1, sizeof(*finish.claims));
	if (finish.drafts == NULL || finish.claims == NULL)
		status = fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to finish");
	const struct author_key *entry;
	size_t place = 0;
	while (status == STATUS_OK && (entry = author_key_next(author, &place)) != NULL)
		status = finish_entry(&finish, entry);
	if (status == STATUS_OK)
		status = author_mirror_each(author, finish_unnamed, &finish, fault);
	counts->duplicates = author->duplicates;
	counts->unchanged += author->duplicates;
	free(finish.drafts);
	free(finish.claims);
	return status;
}
