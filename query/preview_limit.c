/* SPDX-License-Identifier: Apache-2.0 */
/* What a device that cannot hold all would drop: the order of preview.h. */
#include <stdlib.h>

#include "query/preview_count.h"

/* What goes first, first. Keys of one place are told apart by their bytes, which are not here. */
static int
cut_compare(const void *left, const void *right)
{
	const struct preview_cut *a = left, *b = right;
	if (a->filter != b->filter)
		return a->filter > b->filter ? -1 : 1;
	return (a->expires > b->expires) - (a->expires < b->expires);
}

static bool
cut_here(const struct preview_limit *limit, const struct preview_cut *cut)
{
	return limit->filter == cut->filter && limit->expires == cut->expires;
}

/* The last place that something is dropped from: how much there is in all. */
static void
count_tied(const struct preview_work *work, struct preview_limit *limit)
{
	for (size_t i = 0; i < work->cut_count; i++)
		if ((limit->kinds >> work->cuts[i].kind & 1) && cut_here(limit, &work->cuts[i]))
			limit->tied += work->cuts[i].weight;
}

static enum status
limit_apply(const struct preview_work *work, struct preview_limit *limit, struct fault *fault)
{
	uint64_t left = limit->dropped = limit->selected - limit->most;
	limit->dropped_of = calloc(work->profile->filter_count + 1, sizeof(*limit->dropped_of));
	if (limit->dropped_of == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a preview");
	for (size_t i = 0; left > 0 && i < work->cut_count; i++) {
		const struct preview_cut *cut = &work->cuts[i];
		uint64_t goes = cut->weight < left ? cut->weight : left;
		if (!(limit->kinds >> cut->kind & 1))
			continue;
		if (!cut_here(limit, cut))
			limit->tied_dropped = 0;
		limit->filter = cut->filter;
		limit->expires = cut->expires;
		limit->tied_dropped += goes;
		limit->dropped_of[cut->filter] += goes;
		left -= goes;
	}
	count_tied(work, limit);
	return STATUS_OK;
}

enum status
preview_cut_all(struct preview_work *work, struct fault *fault)
{
	struct preview *preview = work->preview;
	enum status status = STATUS_OK;
	bool sorted = false;
	for (size_t i = 0; status == STATUS_OK && i < preview->limit_count; i++) {
		struct preview_limit *limit = &preview->limits[i];
		limit->filter = PREVIEW_NO_FILTER;
		limit->selected = 0;
		for (unsigned kind = 0; kind < KIND_COUNT; kind++)
			limit->selected += limit->kinds >> kind & 1 ? preview->entries[kind] : 0;
		if (limit->selected <= limit->most)
			continue;
		if (!sorted)
			qsort(work->cuts, work->cut_count, sizeof(*work->cuts), cut_compare);
		sorted = true;
		status = limit_apply(work, limit, fault);
	}
	return status;
}
