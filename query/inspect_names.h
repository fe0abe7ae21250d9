/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and URLs on their way to a verdict: canonical form, judged a few at a
 * time, events. Private to inspect*.c.
 *
 * A URL asks two questions: itself and its host. A DNS name that has no
 * canonical form because of a label that nobody could list (a tunnel's data) is
 * asked with another label in the place of that and all before it, so that
 * entries for what is behind still cover it and none matches exactly.
 */
#ifndef QUERY_INSPECT_NAMES_H
#define QUERY_INSPECT_NAMES_H

#include "query/inspect_events.h"

struct inspect_names;

/* All borrowed. `counts`: asked and verdicts. `errors`: events for what cannot be judged. */
enum status
inspect_names_new(const struct judge *judge, uint64_t now, bool errors,
		  struct inspect_events *events, struct inspect_counts *counts,
		  struct inspect_names **out, struct fault *fault);
/* NULL is welcome. */
void
inspect_names_free(struct inspect_names *names);

/* Everything is copied. */
void
inspect_names_take(struct inspect_names *names, const struct extract_item *item,
		   const struct inspect_place *place, struct stream_stamp stamp);
/* Judge what was taken. */
void
inspect_names_flush(struct inspect_names *names);

#endif
