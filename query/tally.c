/* SPDX-License-Identifier: Apache-2.0 */
#include "query/tally.h"

#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/text.h"

#define DAY_SECONDS 86400u

/* In the order of enum tally_due; the last has no end. */
static const uint64_t due_seconds[TALLY_DUE_COUNT - 1] = {
	[TALLY_EXPIRED] = 0,
	[TALLY_DAY] = DAY_SECONDS,
	[TALLY_WEEK] = 7 * DAY_SECONDS,
	[TALLY_MONTH] = 30 * DAY_SECONDS,
};

struct tallying {
	struct tally *tally;
	uint64_t now;
	size_t first[LIMIT_LAYERS + 1]; /* rows of each layer's sources, then the catalogue's */
};

static int
source_compare(const void *left, const void *right)
{
	const struct tally_source *a = left, *b = right;
	return text_compare(a->name, a->length, b->name, b->length);
}

/* A row for each source of each layer and each of the catalogue, to be merged by name. */
static enum status
sources_new(struct tallying *tallying, struct fault *fault)
{
	struct tally *tally = tallying->tally;
	const struct view *view = tally->view;
	size_t count = 0;
	for (uint32_t i = 0; i < view->layer_count; i++) {
		tallying->first[i] = count;
		count += view->layer[i].segment.sources.count;
	}
	tallying->first[view->layer_count] = count;
	tally->source_count = count + view->catalog.source_count;
	tally->sources = calloc(tally->source_count + 1, sizeof(*tally->sources));
	if (tally->sources == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to count sources");
	for (uint32_t i = 0; i < view->layer_count; i++)
		for (uint32_t j = 0; j < view->layer[i].segment.sources.count; j++) {
			struct tally_source *row = &tally->sources[tallying->first[i] + j];
			row->name = segment_source(&view->layer[i].segment, j, &row->length);
		}
	for (size_t i = 0; i < view->catalog.source_count; i++) {
		tally->sources[count + i].name = view->catalog.sources[i]->name;
		tally->sources[count + i].length = strlen(view->catalog.sources[i]->name);
	}
	return STATUS_OK;
}

/* A source that the catalogue does not know and that has no claim left is no news. */
static void
sources_merge(struct tally *tally)
{
	size_t kept = 0, count = tally->source_count;
	qsort(tally->sources, count, sizeof(*tally->sources), source_compare);
	for (size_t i = 0; i < count; i++) {
		struct tally_source row = tally->sources[i];
		while (i + 1 < count && source_compare(&row, &tally->sources[i + 1]) == 0) {
			row.claims += tally->sources[++i].claims;
			row.expired += tally->sources[i].expired;
		}
		if (row.claims > 0 || catalog_source(&tally->view->catalog, row.name, row.length))
			tally->sources[kept++] = row;
	}
	tally->source_count = kept;
}

static void
due_add(struct tally *tally, uint64_t now, uint64_t expires)
{
	unsigned due = TALLY_EXPIRED;

	while (due < TALLY_LATER && expires > clock_add(now, due_seconds[due]))
		due++;
	tally->due[due]++;
	if (expires > now && (tally->next_expiry == 0 || expires < tally->next_expiry))
		tally->next_expiry = expires;
}

static void
key_add(struct tallying *tallying, enum kind kind, uint32_t layer, uint32_t claims)
{
	struct tally *tally = tallying->tally;
	const struct segment *segment = &tally->view->layer[layer].segment;
	struct segment_claim_cursor cursor = segment_claims(claims);
	struct segment_claim claim;
	unsigned scopes = 0;
	while (segment_claim_next(segment, &cursor, &claim)) {
		bool expired = claim.expires <= tallying->now;
		scopes |= 1u << (claim.scope & SCOPE_TREE);
		tally->claims++;
		due_add(tally, tallying->now, claim.expires);
		if (claim.source >= segment->sources.count)
			continue;
		struct tally_source *row = &tally->sources[tallying->first[layer] + claim.source];
		row->claims++;
		row->expired += expired;
	}
	tally->keys[kind]++;
	tally->entries[kind] += (unsigned)__builtin_popcount(scopes);
}

void
tally_fini(struct tally *tally)
{
	free(tally->sources);
	*tally = (struct tally){0};
}

enum status
tally_init(struct tally *tally, const struct view *view, uint64_t now, struct fault *fault)
{
	struct tallying tallying = {.tally = tally, .now = now};
	struct view_cursor cursor = {0};
	struct key key;
	uint32_t layer, claims;
	memset(tally, 0, sizeof(*tally));
	tally->view = view;
	enum status status = sources_new(&tallying, fault);
	if (status != STATUS_OK)
		return status;
	while (view_next(view, &cursor, &key, &layer, &claims))
		key_add(&tallying, key.kind, layer, claims);
	sources_merge(tally);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		tally->entries_total += tally->entries[kind];
	return STATUS_OK;
}
