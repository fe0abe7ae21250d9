/* SPDX-License-Identifier: Apache-2.0 */
#include "query/judge.h"

#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/store.h"
#include "query/judge_exceptions.h"
#include "query/judge_table.h"

#define NO_ROW REPUTE_NO_ROW

struct judge {
	struct view *view;
	struct profile *profile;
	struct judge_rules rules;
	struct judge_table *tables[LIMIT_LAYERS];
	struct judge_exceptions *exceptions;
	bool asks_key; /* an open filter may ask the pseudo-category `key` */
	bool excepts[KIND_COUNT]; /* an exception may cover a query of this kind */
};

static const uint8_t outcome_of_flow[PROFILE_FLOWS] = {
	[PROFILE_PERMIT] = REPUTE_VERDICT_PERMIT,
	[PROFILE_BLOCK] = REPUTE_VERDICT_BLOCK,
	[PROFILE_RATE_LIMIT] = REPUTE_VERDICT_RATE_LIMIT,
	[PROFILE_TRUST] = REPUTE_VERDICT_TRUST,
	[PROFILE_QUARANTINE] = REPUTE_VERDICT_QUARANTINE,
};

/* --- one claim ------------------------------------------------------------------------- */

/* A claim with all that criteria can ask. `match` NULL: its key is not known. */
struct subject {
	const struct judge *judge;
	const struct segment *segment;
	enum kind kind;
	const struct segment_claim *claim;
	const struct segment_match *match;
};

static void
claim_read(const struct subject *from, char key_room[KEY_PRINT_BYTES],
	   struct criteria_claim *claim)
{
	struct criteria_subject subject = {
		.kind = from->kind, .scope = (uint8_t)from->claim->scope,
		.expires = from->claim->expires, .first_seen = from->claim->first_seen,
		.last_seen = from->claim->last_seen,
	};
	subject.set = segment_tags(from->segment, from->claim->set, &subject.set_length);
	subject.notes = segment_tags(from->segment, from->claim->notes, &subject.notes_length);
	subject.source = segment_source(from->segment, from->claim->source,
					&subject.source_length);
	if (from->judge->asks_key && from->match != NULL) {
		struct key key;
		segment_match_key(from->segment, from->match, &key);
		subject.key_length = key_print(&key, key_room);
		subject.key = key_room;
	}
	criteria_claim_read(from->judge->rules.plan, &subject, claim);
}

/* The first of the filters that the tag set left open, if it comes before the certain one. */
static uint32_t
ask_open(const struct subject *subject, const struct judge_table *table, struct judge_cell cell)
{
	const struct judge_rules *rules = &subject->judge->rules;
	unsigned group = rules->group[subject->kind];
	char key_room[KEY_PRINT_BYTES];
	struct criteria_claim claim;
	claim_read(subject, key_room, &claim);
	if (cell.row == JUDGE_ROW_ALL) {
		for (size_t i = 0; i < rules->open_count[group]; i++) {
			uint16_t filter = rules->open[group][i];
			if (filter >= cell.first)
				break;
			if (criteria_claim_match(&claim, filter))
				return filter;
		}
		return cell.first;
	}
	for (uint16_t row = cell.row; row != JUDGE_ROW_NONE; row = table->rows[row].next)
		if (criteria_claim_match(&claim, table->rows[row].filter))
			return table->rows[row].filter;
	return cell.first;
}

/* String 0 of a segment is the empty one: both zero is a claim without tags. */
static inline uint32_t
claim_filter(const struct judge *judge, uint32_t layer, enum kind kind,
	     const struct segment_claim *claim, const struct segment_match *match)
{
	const struct judge_table *table = judge->tables[layer];
	uint32_t filter;
	if ((claim->set | claim->notes) == 0) {
		filter = judge->rules.untagged[judge->rules.group[kind]];
	} else {
		struct judge_cell cell = judge_table_cell(table, kind, claim->set);
		struct subject subject = {judge, &judge->view->layer[layer].segment, kind, claim,
					  match};
		filter = cell.row == JUDGE_ROW_NONE ? cell.first : ask_open(&subject, table, cell);
	}
	return filter == JUDGE_FILTER_NONE ? NO_ROW : filter;
}

uint32_t
judge_claim(const struct judge *judge, uint32_t layer, enum kind kind,
	    const struct segment_claim *claim)
{
	return claim_filter(judge, layer, kind, claim, NULL);
}

/* --- one query ------------------------------------------------------------------------- */

/*
 * The claim that wins so far: the lowest filter; of several claims that it takes the first
 * in the order of repute_find_all, which is that of matches, then priority, then place.
 */
struct best {
	uint32_t filter;      /* NO_ROW: none yet */
	uint32_t priority;
	struct view_match found;
	struct segment_claim claim;
	bool embedded;
};

static uint32_t
priority_of(const struct view_layer *layer, uint32_t source)
{
	return source < layer->segment.sources.count ? layer->sources[source].priority : UINT32_MAX;
}

static void
consider_match(const struct judge *judge, const struct view_match *found, uint64_t now,
	       bool embedded, struct best *best)
{
	const struct view_layer *layer = &judge->view->layer[found->layer];
	struct segment_claim_cursor cursor = segment_claims(found->match.claims);
	struct segment_claim claim;
	bool here = false; /* best is of this match */
	while (segment_claim_next(&layer->segment, &cursor, &claim)) {
		if (claim.expires <= now || !segment_claim_covers(&found->match, claim.scope))
			continue;
		uint32_t filter = claim_filter(judge, found->layer, found->match.kind, &claim,
					       &found->match);
		if (filter == NO_ROW || filter > best->filter || (filter == best->filter && !here))
			continue;
		uint32_t priority = priority_of(layer, claim.source);
		if (filter == best->filter && priority >= best->priority)
			continue;
		here = true;
		*best = (struct best){filter, priority, *found, claim, embedded};
	}
}

static void
consider_key(const struct judge *judge, const struct key *key, uint64_t now, bool embedded,
	     struct best *best)
{
	struct view_match found[LIMIT_COVERING];
	size_t count = view_collect(judge->view, key, found, LIMIT_COVERING);
	for (size_t i = 0; i < count; i++)
		consider_match(judge, &found[i], now, embedded, best);
}

/* IPv4 addresses inside an IPv6 one: how many. */
static unsigned
inside(const struct key *key, uint32_t addresses[2])
{
	if (key->kind != KIND_IPV6 || key->prefix_bits != 128)
		return 0;
	return canon_embedded_ipv4(key->bytes, addresses);
}

static void
consider_all(const struct judge *judge, const struct key *key, uint64_t now, struct best *best)
{
	uint32_t addresses[2];
	consider_key(judge, key, now, false, best);
	unsigned count = inside(key, addresses);
	for (unsigned i = 0; i < count; i++) {
		struct key ipv4;
		key_set_ipv4(&ipv4, addresses[i], 32);
		consider_key(judge, &ipv4, now, true, best);
	}
}

uint32_t
judge_exception(const struct judge *judge, const struct key *key, uint64_t now)
{
	uint32_t addresses[2];
	uint32_t exception = judge_exceptions_find(judge->exceptions, key, now);
	if (!judge->excepts[KIND_IPV4])
		return exception;
	unsigned count = inside(key, addresses);
	for (unsigned i = 0; i < count && exception == NO_ROW; i++) {
		struct key ipv4;
		key_set_ipv4(&ipv4, addresses[i], 32);
		exception = judge_exceptions_find(judge->exceptions, &ipv4, now);
	}
	return exception;
}

/* --- verdicts -------------------------------------------------------------------------- */

static const struct repute_verdict nothing = {.filter = NO_ROW, .exception = NO_ROW};

/* Two stores, and not the rest of the hit. */
static inline void
verdict_nothing(struct repute_verdict *verdict)
{
	memcpy(verdict, &nothing, offsetof(struct repute_verdict, hit.found) + 1);
}

/* Could not tell: a file of the view was cut or written over (view_sound). */
static __attribute__((noinline)) void
verdicts_unknown(struct repute_verdict *verdicts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		verdict_nothing(&verdicts[i]);
		verdicts[i].outcome = REPUTE_VERDICT_ERROR;
	}
}

static __attribute__((noinline)) size_t
hits_unknown(uint32_t *places, struct repute_verdict *verdicts, size_t n)
{
	verdicts_unknown(verdicts, n);
	for (size_t i = 0; i < n; i++)
		places[i] = (uint32_t)i;
	return n;
}

/* A claim has won, and nothing excepts the query. Expects verdict_nothing to have been there. */
static inline void
verdict_fill(const struct judge *judge, uint32_t filter, const struct view_match *found,
	     const struct segment_claim *claim, bool embedded, struct repute_verdict *verdict)
{
	const struct profile *profile = judge->profile;
	const struct profile_action *action = &profile->actions[profile->filters[filter].action];
	verdict->outcome = outcome_of_flow[action->flow];
	verdict->notify = action->notify;
	verdict->trace = action->trace;
	verdict->filter = filter;
	lookup_hit_fill(judge->view, found, claim, embedded, &verdict->hit);
}

/* All that covers the key, and its exceptions. */
static void
judge_all(const struct judge *judge, const struct key *key, uint64_t now,
	  struct repute_verdict *verdict)
{
	struct best best = {.filter = NO_ROW};
	consider_all(judge, key, now, &best);
	if (best.filter == NO_ROW)
		return;
	if (judge->excepts[key->kind])
		verdict->exception = judge_exception(judge, key, now);
	if (verdict->exception == NO_ROW)
		verdict_fill(judge, best.filter, &best.found, &best.claim, best.embedded, verdict);
}

/* The claims of the one key that covers a query that no exception covers. Mostly one claim. */
static void
judge_sole(const struct judge *judge, const struct view_match *found, uint64_t now,
	   struct repute_verdict *verdict)
{
	struct segment_claim_cursor cursor = segment_claims(found->match.claims);
	struct segment_claim claim;
	struct best best = {.filter = NO_ROW};
	if (!segment_claim_next(&judge->view->layer[found->layer].segment, &cursor, &claim))
		return;
	if (cursor.left != 0) {
		consider_match(judge, found, now, false, &best);
		if (best.filter != NO_ROW)
			verdict_fill(judge, best.filter, found, &best.claim, false, verdict);
		return;
	}
	if (claim.expires <= now || !segment_claim_covers(&found->match, claim.scope))
		return;
	uint32_t filter = claim_filter(judge, found->layer, found->match.kind, &claim,
				       &found->match);
	if (filter != NO_ROW)
		verdict_fill(judge, filter, found, &claim, false, verdict);
}

void
judge_one(const struct judge *judge, const struct key *key, uint64_t now,
	  struct repute_verdict *verdict)
{
	verdict_nothing(verdict);
	lookup_first(judge->view, key, now, &verdict->hit);
	if (verdict->hit.found) {
		verdict->hit.found = false;
		judge_all(judge, key, now, verdict);
	}
	if (!view_sound(judge->view))
		verdicts_unknown(verdict, 1);
}

static void
judge_candidate(const struct judge *judge, const struct lookup_batch *batch, size_t place,
		const struct lookup_candidate *candidate, uint64_t now,
		struct repute_verdict *verdict)
{
	struct key room;
	if (candidate->sole && !judge->excepts[batch->kind])
		judge_sole(judge, &candidate->found, now, verdict);
	else
		judge_all(judge, lookup_batch_key(batch, place, &room), now, verdict);
}

void
judge_many(const struct judge *judge, const struct lookup_batch *batch, size_t n, uint64_t now,
	   struct repute_verdict *verdicts)
{
	struct lookup_candidate candidates[LOOKUP_CHUNK];
	for (size_t from = 0; from < n; from += LOOKUP_CHUNK) {
		size_t chunk = n - from < LOOKUP_CHUNK ? n - from : LOOKUP_CHUNK;
		for (size_t i = 0; i < chunk; i++)
			verdict_nothing(&verdicts[from + i]);
		size_t count = lookup_candidates(judge->view, batch, from, chunk, candidates);
		for (size_t i = 0; i < count; i++) {
			size_t place = from + candidates[i].place;
			judge_candidate(judge, batch, place, &candidates[i], now, &verdicts[place]);
		}
	}
	if (!view_sound(judge->view))
		verdicts_unknown(verdicts, n);
}

/* Damaged files may name a query twice: no more rows than there is room for. */
size_t
judge_hits(const struct judge *judge, const struct lookup_batch *batch, size_t n, uint64_t now,
	   uint32_t *places, struct repute_verdict *verdicts)
{
	struct lookup_candidate candidates[LOOKUP_CHUNK];
	size_t decided = 0;
	for (size_t from = 0; from < n; from += LOOKUP_CHUNK) {
		size_t chunk = n - from < LOOKUP_CHUNK ? n - from : LOOKUP_CHUNK;
		size_t count = lookup_candidates(judge->view, batch, from, chunk, candidates);
		for (size_t i = 0; i < count && decided < n; i++) {
			struct repute_verdict *verdict = &verdicts[decided];
			size_t place = from + candidates[i].place;
			verdict_nothing(verdict);
			judge_candidate(judge, batch, place, &candidates[i], now, verdict);
			places[decided] = (uint32_t)place;
			decided += verdict->filter != NO_ROW || verdict->exception != NO_ROW;
		}
	}
	return view_sound(judge->view) ? decided : hits_unknown(places, verdicts, n);
}

/* --- making ---------------------------------------------------------------------------- */

const struct profile *
judge_profile(const struct judge *judge)
{
	return judge->profile;
}

const struct view *
judge_view(const struct judge *judge)
{
	return judge->view;
}

size_t
judge_bytes(const struct judge *judge)
{
	size_t bytes = sizeof(*judge) + judge_exceptions_bytes(judge->exceptions);
	for (uint32_t i = 0; i < judge->view->layer_count; i++)
		bytes += judge->tables[i]->bytes;
	return bytes;
}

static bool
category_same(const struct tag_category *a, const struct tag_category *b)
{
	if (strcmp(a->name, b->name) != 0 || a->type != b->type || a->min != b->min ||
	    a->max != b->max || a->value_count != b->value_count)
		return false;
	for (size_t i = 0; i < a->value_count; i++)
		if (strcmp(a->values[i], b->values[i]) != 0)
			return false;
	return true;
}

/* The same words mean the same where the categories are the same. */
static bool
categories_same(const struct catalog *a, const struct catalog *b)
{
	if (a->category_count != b->category_count)
		return false;
	for (size_t i = 0; i < a->category_count; i++)
		if (!category_same(a->categories[i], b->categories[i]))
			return false;
	return true;
}

/* The table that `before` has for the same bytes; NULL if it has none. */
static struct judge_table *
table_before(const struct judge *before, const struct segment *segment)
{
	const uint8_t *sha256 = container_sha256(&segment->container);
	for (uint32_t i = 0; before != NULL && i < before->view->layer_count; i++)
		if (before->tables[i]->set_count == segment->tags.count &&
		    memcmp(before->tables[i]->sha256, sha256, 32) == 0)
			return before->tables[i];
	return NULL;
}

static enum status
make_tables(struct judge *judge, const struct judge *before, struct fault *fault)
{
	enum status status = STATUS_OK;
	if (before != NULL && (view_marked(before->view) || !categories_same(&before->view->catalog, &judge->view->catalog) ||
			       !judge_rules_same(&before->rules, &judge->rules)))
		before = NULL;
	for (uint32_t i = 0; status == STATUS_OK && i < judge->view->layer_count; i++) {
		const struct segment *segment = &judge->view->layer[i].segment;
		struct judge_table *table = table_before(before, segment);
		if (table != NULL)
			judge->tables[i] = judge_table_take(table);
		else
			status = judge_table_new(&judge->rules, segment, &judge->tables[i], fault);
	}
	return status;
}

static enum status
make_exceptions(struct judge *judge, struct fault *fault)
{
	enum status status = judge_exceptions_new(judge->profile, &judge->exceptions, fault);
	for (int kind = 0; status == STATUS_OK && kind < KIND_COUNT; kind++)
		judge->excepts[kind] = judge_exceptions_any(judge->exceptions, (enum kind)kind);
	judge->excepts[KIND_IPV6] |= judge->excepts[KIND_IPV4]; /* those inside */
	return status;
}

static bool
asks_pseudo(const struct profile *profile)
{
	for (size_t i = 0; i < profile->filter_count; i++)
		if (profile->filters[i].criteria != NULL &&
		    criteria_uses_pseudo(profile->filters[i].criteria))
			return true;
	return false;
}

enum status
judge_new(struct view *view, struct profile *profile, const struct judge *before,
	  struct judge **judge, struct fault *fault)
{
	struct judge *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL) {
		profile_free(profile);
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a profile");
	}
	view_keep(view);
	fresh->view = view;
	fresh->profile = profile;
	fresh->asks_key = asks_pseudo(profile);
	enum status status = judge_rules_init(&fresh->rules, profile, fault);
	if (status == STATUS_OK)
		status = make_tables(fresh, before, fault);
	if (status == STATUS_OK)
		status = make_exceptions(fresh, fault);
	if (status == STATUS_OK)
		status = view_status(view, fault); /* tables of what is damaged are worth nothing */
	if (status == STATUS_OK)
		*judge = fresh;
	else
		judge_free(fresh);
	return status;
}

void
judge_free(struct judge *judge)
{
	if (judge == NULL)
		return;
	for (size_t i = 0; i < LIMIT_LAYERS; i++)
		judge_table_drop(judge->tables[i]);
	judge_exceptions_free(judge->exceptions);
	judge_rules_fini(&judge->rules);
	profile_free(judge->profile);
	view_drop(judge->view);
	free(judge);
}
