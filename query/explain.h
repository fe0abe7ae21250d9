/* SPDX-License-Identifier: Apache-2.0 */
/* Making a hit readable: its tags one by one, one line of text. */
#ifndef QUERY_EXPLAIN_H
#define QUERY_EXPLAIN_H

#include "engine/tag.h"
#include "engine/view.h"
#include "query/repute.h"

/* Walks the tags of a hit's claim by category name, one value a step. */
struct explain_tags {
	struct tag_cursor cursor[2]; /* set and notes */
	struct tag_view tag[2];
	bool have[2];
	unsigned which;
	size_t value;
};
void
explain_tags_init(struct explain_tags *walk, const struct view *view,
		  const struct repute_hit *hit);
/* The same for a claim that no look-up found: its tag strings in `segment`. */
void
explain_tags_start(struct explain_tags *walk, const struct segment *segment, uint32_t set,
		   uint32_t notes);
bool
explain_tags_next(struct explain_tags *walk, struct repute_tag *tag);

/* See repute_hit_explain. */
size_t
explain_hit(const struct view *view, const struct repute_hit *hit, char *text, size_t capacity);

#endif
