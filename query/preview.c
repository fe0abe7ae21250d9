/* SPDX-License-Identifier: Apache-2.0 */
/* Each list of claims judged once; sums. */
#include "query/preview.h"

#include <stdlib.h>
#include <string.h>

#include "query/preview_count.h"

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a preview");
}

/* True the first time. */
static bool
bit_take(uint64_t *bits, uint64_t i)
{
	uint64_t mask = 1ull << (i & 63);
	bool taken = (bits[i >> 6] & mask) != 0;
	bits[i >> 6] |= mask;
	return !taken;
}

/* --- a list of claims ---------------------------------------------------------------------- */

/* What the claims of a list come to. */
struct outcome {
	uint16_t filter;   /* lowest; PREVIEW_NONE: not selected */
	uint64_t expires;  /* of the last selected claim */
	uint16_t before;   /* lowest of the other profile */
	bool live;
};

static enum status
row_count(struct preview_work *work, uint32_t row, enum kind kind, uint64_t weight,
	  struct fault *fault)
{
	size_t had = work->row_capacity;
	enum status status = intern_grow((void **)&work->row_claims, &work->row_capacity,
					 (size_t)row + 1, sizeof(*work->row_claims), fault);
	if (status != STATUS_OK)
		return status;
	if (work->row_capacity > had)
		memset(work->row_claims + had, 0,
		       (work->row_capacity - had) * sizeof(*work->row_claims));
	work->row_claims[row][kind] += weight;
	return STATUS_OK;
}

static void
claim_selected(struct preview_work *work, enum kind kind, const struct segment_claim *claim,
	       uint16_t filter, uint64_t weight, bool new_list, struct outcome *outcome)
{
	struct preview *preview = work->preview;
	const struct criteria *criteria = work->profile->filters[filter].criteria;
	preview->claims[kind] += weight;
	preview->filters[filter].claims[kind] += weight;
	if ((claim->set | claim->notes) == 0)
		preview->untagged_selected += weight;
	else if (criteria != NULL && criteria_uses_missing(criteria))
		preview->missing_selected += weight;
	if (work->stamps[filter] != work->stamp) {
		work->stamps[filter] = work->stamp;
		preview->filters[filter].entries[kind] += weight;
	}
	if (filter < outcome->filter)
		outcome->filter = filter;
	if (claim->expires > outcome->expires)
		outcome->expires = claim->expires;
	if (!new_list)
		return;
	preview->bytes_claims += sizeof(struct claim_d);
	bit_take(work->tags_used, claim->set);
	bit_take(work->tags_used, claim->notes);
}

static enum status
claim_before(struct preview_work *work, enum kind kind, const struct segment_claim *claim,
	     struct outcome *outcome, struct fault *fault)
{
	const struct segment *segment = &work->view->layer[work->layer].segment;
	uint32_t row;
	if (work->before.profile == NULL)
		return STATUS_OK;
	enum status status = preview_rows_claim(&work->before, segment, kind, claim, &row, fault);
	if (status == STATUS_OK && work->before.rows[row].first[kind] < outcome->before)
		outcome->before = work->before.rows[row].first[kind];
	return status;
}

static enum status
claim_count(struct preview_work *work, enum kind kind, const struct segment_claim *claim,
	    uint64_t weight, bool new_list, struct outcome *outcome, struct fault *fault)
{
	const struct segment *segment = &work->view->layer[work->layer].segment;
	uint32_t row;
	if (claim->expires <= work->options->now) {
		work->preview->expired += weight;
		return STATUS_OK;
	}
	outcome->live = true;
	work->preview->live_claims[kind] += weight;
	work->preview->untagged += (claim->set | claim->notes) == 0 ? weight : 0;
	enum status status = preview_rows_claim(&work->rows, segment, kind, claim, &row, fault);
	if (status == STATUS_OK)
		status = row_count(work, row, kind, weight, fault);
	if (status != STATUS_OK)
		return status;
	if (work->rows.rows[row].first[kind] != PREVIEW_NONE)
		claim_selected(work, kind, claim, work->rows.rows[row].first[kind], weight,
			       new_list, outcome);
	return claim_before(work, kind, claim, outcome, fault);
}

static enum status
cut_add(struct preview_work *work, enum kind kind, uint64_t weight, const struct outcome *outcome,
	struct fault *fault)
{
	if (!(work->limited_kinds >> kind & 1))
		return STATUS_OK;
	enum status status = intern_grow((void **)&work->cuts, &work->cut_capacity,
					 work->cut_count + 1, sizeof(*work->cuts), fault);
	if (status == STATUS_OK)
		work->cuts[work->cut_count++] = (struct preview_cut){
			outcome->expires, weight, outcome->filter, (uint8_t)kind};
	return status;
}

/* Does a device do the same with what these two filters take? */
static bool
actions_same(const struct preview_work *work, const struct outcome *outcome)
{
	const struct profile *before = work->options->before;
	const struct profile_action *now =
		&work->profile->actions[work->profile->filters[outcome->filter].action];
	const struct profile_action *then =
		&before->actions[before->filters[outcome->before].action];
	return now->flow == then->flow && now->notify == then->notify &&
	       now->trace == then->trace && now->rate_kbps == then->rate_kbps;
}

static void
change_count(struct preview_work *work, enum kind kind, uint64_t weight,
	     const struct outcome *outcome)
{
	struct preview_change *change = &work->preview->change;
	bool now = outcome->filter != PREVIEW_NONE, then = outcome->before != PREVIEW_NONE;
	if (now && !then)
		change->gained[kind] += weight;
	else if (then && !now)
		change->lost[kind] += weight;
	else if (now && !actions_same(work, outcome))
		change->moved[kind] += weight;
}

enum status
preview_list(struct preview_work *work, enum kind kind, uint32_t claims, uint64_t weight,
	     struct fault *fault)
{
	const struct segment *segment = &work->view->layer[work->layer].segment;
	struct segment_claim_cursor cursor = segment_claims(claims);
	struct outcome outcome = {.filter = PREVIEW_NONE, .before = PREVIEW_NONE};
	struct segment_claim claim;
	bool new_list = bit_take(work->lists_used, claims);
	enum status status = STATUS_OK;
	work->stamp++;
	while (status == STATUS_OK && segment_claim_next(segment, &cursor, &claim))
		status = claim_count(work, kind, &claim, weight, new_list, &outcome, fault);
	work->preview->live_keys[kind] += outcome.live ? weight : 0;
	if (status == STATUS_OK && work->before.profile != NULL)
		change_count(work, kind, weight, &outcome);
	if (status != STATUS_OK || outcome.filter == PREVIEW_NONE)
		return status;
	work->preview->entries[kind] += weight;
	work->layer_entries[kind] += weight;
	return cut_add(work, kind, weight, &outcome, fault);
}

/* --- layers and bytes ---------------------------------------------------------------------- */

enum status
preview_layer_begin(struct preview_work *work, uint32_t layer, struct fault *fault)
{
	const struct segment *segment = &work->view->layer[layer].segment;
	enum status status;
	work->layer = layer;
	memset(work->layer_entries, 0, sizeof(work->layer_entries));
	work->lists_used = calloc(segment->claim_count / 64 + 1, sizeof(uint64_t));
	work->tags_used = calloc((size_t)segment->tags.count / 64 + 1, sizeof(uint64_t));
	if (work->lists_used == NULL || work->tags_used == NULL)
		return no_memory(fault);
	status = preview_rows_layer(&work->rows, segment, fault);
	if (status == STATUS_OK && work->before.profile != NULL)
		status = preview_rows_layer(&work->before, segment, fault);
	return status;
}

/* The kind that a section is of, by its name; KIND_COUNT if of none. */
static unsigned
section_kind(uint32_t id)
{
	unsigned kind = (id >> 24) - '0';
	if (id == FORMAT_GATE_IPV4)
		return KIND_IPV4;
	return kind < KIND_COUNT ? kind : KIND_COUNT;
}

static void
add_share(struct preview_work *work, const struct segment *segment)
{
	for (uint32_t i = 0; i < segment->container.section_count; i++) {
		struct section section;
		uint32_t flags;
		unsigned kind = section_kind(container_section_at(&segment->container, i, &section,
								  &flags));
		if (kind < KIND_COUNT && segment->keys[kind] > 0)
			work->preview->bytes_kind[kind] += (uint64_t)((double)section.length *
				(double)work->layer_entries[kind] / (double)segment->keys[kind]);
	}
}

static void
add_tags(struct preview_work *work, const struct segment *segment)
{
	for (uint32_t i = 0; i < segment->tags.count; i++) {
		size_t length;
		if (!(work->tags_used[i / 64] >> i % 64 & 1))
			continue;
		segment_tags(segment, i, &length);
		work->preview->bytes_tags += length + sizeof(struct le64);
	}
}

void
preview_layer_end(struct preview_work *work)
{
	const struct segment *segment = &work->view->layer[work->layer].segment;
	if (work->lists_used != NULL && work->tags_used != NULL) {
		add_share(work, segment);
		add_tags(work, segment);
	}
	free(work->lists_used);
	free(work->tags_used);
	work->lists_used = work->tags_used = NULL;
}

/* Sections begin on pages; header, table, information, sources: a page each. */
#define FIXED_PAGES 4

static uint64_t
pages(uint64_t bytes)
{
	return (bytes + FORMAT_PAGE_BYTES - 1) / FORMAT_PAGE_BYTES * FORMAT_PAGE_BYTES;
}

static void
sum_bytes(struct preview *preview)
{
	preview->bytes = FIXED_PAGES * FORMAT_PAGE_BYTES + pages(preview->bytes_claims) +
			 pages(preview->bytes_tags);
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		preview->bytes += pages(preview->bytes_kind[kind]);
}

/* --- overlaps ---------------------------------------------------------------------------------- */

/* The claims of a row, by each filter that would take them; `later` sums by filter. */
static void
row_overlaps(const struct preview_work *work, uint32_t row, unsigned kind, uint64_t *later)
{
	size_t count;
	const uint16_t *list = preview_rows_list(&work->rows, row, &count);
	for (size_t i = 0; i < count; i++)
		if (work->profile->filters[list[i]].kinds >> kind & 1)
			later[list[i]] += work->row_claims[row][kind];
}

static enum status
overlaps_take(struct preview *preview, size_t *capacity, uint16_t first, uint64_t *later,
	      struct fault *fault)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < preview->filter_count; i++) {
		uint64_t claims = later[i];
		later[i] = 0;
		preview->filters[i].matched += claims;
		if (claims == 0 || i == first)
			continue;
		preview->overlaps_cut |= preview->overlap_count == PREVIEW_OVERLAPS;
		if (preview->overlaps_cut)
			continue;
		status = intern_grow((void **)&preview->overlaps, capacity,
				     preview->overlap_count + 1, sizeof(*preview->overlaps), fault);
		if (status == STATUS_OK)
			preview->overlaps[preview->overlap_count++] =
				(struct preview_overlap){first, (uint32_t)i, claims};
	}
	return status;
}

/* Rows by the filter that wins them. */
struct won {
	uint32_t row;
	uint16_t filter;
	uint8_t kind;
};

static int
won_compare(const void *left, const void *right)
{
	const struct won *a = left, *b = right;
	if (a->filter != b->filter)
		return a->filter < b->filter ? -1 : 1;
	if (a->row != b->row)
		return a->row < b->row ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

static int
overlap_compare(const void *left, const void *right)
{
	const struct preview_overlap *a = left, *b = right;
	if (a->claims != b->claims)
		return a->claims > b->claims ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return (a->later > b->later) - (a->later < b->later);
}

static size_t
won_gather(const struct preview_work *work, struct won *won)
{
	size_t count = 0;
	for (uint32_t row = 0; row < work->rows.lists.count && row < work->row_capacity; row++)
		for (unsigned kind = 0; kind < KIND_COUNT; kind++)
			if (work->row_claims[row][kind] > 0 &&
			    work->rows.rows[row].first[kind] != PREVIEW_NONE)
				won[count++] = (struct won){row, work->rows.rows[row].first[kind],
							    (uint8_t)kind};
	qsort(won, count, sizeof(*won), won_compare);
	return count;
}

static enum status
find_overlaps(struct preview_work *work, struct fault *fault)
{
	struct preview *preview = work->preview;
	struct won *won = malloc(((size_t)work->rows.lists.count * KIND_COUNT + 1) * sizeof(*won));
	uint64_t *later = calloc(preview->filter_count + 1, sizeof(*later));
	enum status status = won == NULL || later == NULL ? no_memory(fault) : STATUS_OK;
	size_t count = status == STATUS_OK ? won_gather(work, won) : 0, capacity = 0;
	for (size_t i = 0; status == STATUS_OK && i < count; i++) {
		row_overlaps(work, won[i].row, won[i].kind, later);
		if (i + 1 == count || won[i + 1].filter != won[i].filter)
			status = overlaps_take(preview, &capacity, won[i].filter, later, fault);
	}
	if (preview->overlap_count > 1)
		qsort(preview->overlaps, preview->overlap_count, sizeof(*preview->overlaps),
		      overlap_compare);
	free(won);
	free(later);
	return status;
}

/* --- all of it ------------------------------------------------------------------------------------ */

static enum status
work_init(struct preview_work *work, struct fault *fault)
{
	const struct preview_options *options = work->options;
	struct preview *preview = work->preview = calloc(1, sizeof(*preview));
	if (preview == NULL)
		return no_memory(fault);
	preview->filter_count = work->profile->filter_count;
	preview->filters = calloc(preview->filter_count + 1, sizeof(*preview->filters));
	work->stamps = calloc(preview->filter_count + 1, sizeof(*work->stamps));
	if (preview->filters == NULL || work->stamps == NULL)
		return no_memory(fault);
	preview->limit_count = options->limit_count;
	memcpy(preview->limits, options->limits, sizeof(preview->limits));
	for (size_t i = 0; i < options->limit_count; i++)
		work->limited_kinds |= options->limits[i].kinds;
	preview->compared = options->before != NULL;
	enum status status = preview_rows_init(&work->rows, work->profile, fault);
	if (status == STATUS_OK && options->before != NULL)
		status = preview_rows_init(&work->before, options->before, fault);
	return status;
}

enum status
preview_new(const struct view *view, const struct profile *profile,
	    const struct preview_options *options, struct preview **preview, struct fault *fault)
{
	struct preview_work work = {.view = view, .profile = profile, .options = options};
	enum status status = work_init(&work, fault);
	if (status == STATUS_OK)
		status = preview_count(&work, fault);
	if (status == STATUS_OK)
		status = find_overlaps(&work, fault);
	if (status == STATUS_OK)
		status = preview_cut_all(&work, fault);
	if (status == STATUS_OK) {
		sum_bytes(work.preview);
		*preview = work.preview;
	} else {
		preview_free(work.preview);
	}
	preview_rows_fini(&work.rows);
	preview_rows_fini(&work.before);
	free(work.row_claims);
	free(work.stamps);
	free(work.cuts);
	free(work.lists_used);
	free(work.tags_used);
	return status;
}

void
preview_free(struct preview *preview)
{
	if (preview == NULL)
		return;
	for (size_t i = 0; i < preview->limit_count; i++)
		free(preview->limits[i].dropped_of);
	free(preview->filters);
	free(preview->overlaps);
	free(preview);
}
