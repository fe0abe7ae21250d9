/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preview: what a profile would select out of a view, in numbers, before anything
 * is distributed.
 *
 *   preview_new -> fields of struct preview -> preview_free
 *
 *   claim     counts for the first filter that takes it; expired claims count nowhere else
 *             than in `expired`
 *   entry     a key with at least one live claim that a filter takes. Its filter is
 *             the lowest that takes one of its claims; it expires with the last of those
 *   overlap   claims that `later` would take, had `first` not taken them before
 *   bytes     an ESTIMATE of the snapshot: hot lines, records and key text by the share of
 *             each layer's keys that are selected; claims and tag strings as they are used
 *
 * A device limit drops entries of the last filter first; of one filter those that
 * expire soonest; of those the last keys in the order of survey.h SURVEY_NATURAL.
 *
 * How it is counted: records say only which claims list they have, so records are
 * counted by list in one pass, and each distinct list is judged once. Keys that a
 * higher layer hides are found by walking the overlays.
 *
 * Memory: 4 bytes a claim of the largest layer, 8 bytes a key of the overlays, 24 bytes a
 * distinct claims list where there are limits. One thread. Nothing is borrowed but names.
 */
#ifndef QUERY_PREVIEW_H
#define QUERY_PREVIEW_H

#include "engine/view.h"
#include "query/profile.h"

#define PREVIEW_LIMITS 16
#define PREVIEW_OVERLAPS 100000 /* pairs kept; more: overlaps_cut */
#define PREVIEW_NO_FILTER UINT32_MAX

struct preview_filter {
	uint64_t entries[KIND_COUNT]; /* keys with a claim that counts for it */
	uint64_t claims[KIND_COUNT];  /* that count for it */
	uint64_t matched;             /* that it would take without those before it */
};

struct preview_overlap {
	uint32_t first, later;        /* filters */
	uint64_t claims;
};

/* What a device can hold, and what it would drop. */
struct preview_limit {
	unsigned kinds;               /* in: 1 << enum kind, together */
	uint64_t most;                /* in: entries */
	uint64_t selected, dropped;
	uint64_t *dropped_of;         /* by filter; NULL if nothing is dropped */
	uint32_t filter;              /* where it cuts: later filters go as a whole */
	uint64_t expires;             /* in it, what expires before this goes */
	uint64_t tied, tied_dropped;  /* entries that expire then; of them the last keys go */
};

/* Against another profile on the same view. */
struct preview_change {
	uint64_t gained[KIND_COUNT], lost[KIND_COUNT];
	uint64_t moved[KIND_COUNT];   /* entries of both, whose action is another now */
};

struct preview {
	uint64_t entries[KIND_COUNT], claims[KIND_COUNT];     /* selected */
	uint64_t live_keys[KIND_COUNT], live_claims[KIND_COUNT]; /* of the store */
	uint64_t expired;
	uint64_t untagged, untagged_selected;                 /* claims without tags */
	uint64_t missing_selected; /* claims of filters whose condition has `is missing` */
	size_t filter_count;
	struct preview_filter *filters;
	struct preview_overlap *overlaps;                     /* most claims first */
	size_t overlap_count;
	bool overlaps_cut;
	uint64_t bytes_kind[KIND_COUNT], bytes_claims, bytes_tags, bytes;
	struct preview_limit limits[PREVIEW_LIMITS];
	size_t limit_count;
	bool compared;
	struct preview_change change;
};

struct preview_options {
	uint64_t now;
	const struct profile *before; /* NULL: compare with nothing */
	struct preview_limit limits[PREVIEW_LIMITS];
	size_t limit_count;
	bool walk;                    /* every key by itself: for tests */
};

/* no-memory, limit. */
enum status
preview_new(const struct view *view, const struct profile *profile,
	    const struct preview_options *options, struct preview **preview, struct fault *fault);
/* NULL is welcome. */
void
preview_free(struct preview *preview);

#endif
