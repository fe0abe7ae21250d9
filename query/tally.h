/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tally: a store in numbers. Everything visible is counted, expired claims too, by
 * walking all keys of a view once.
 */
#ifndef QUERY_TALLY_H
#define QUERY_TALLY_H

#include "engine/view.h"

/* Claims of one source name; borrowed from the view. */
struct tally_source {
	const char *name;
	size_t length;
	uint64_t claims, expired;
};

/* When claims expire, from now: already; within so many seconds, and not before; later. */
enum tally_due {
	TALLY_EXPIRED,
	TALLY_DAY,
	TALLY_WEEK,
	TALLY_MONTH, /* 30 days */
	TALLY_LATER,
	TALLY_DUE_COUNT
};

struct tally {
	const struct view *view;
	uint64_t entries[KIND_COUNT], keys[KIND_COUNT];
	uint64_t entries_total, claims;
	uint64_t due[TALLY_DUE_COUNT];
	uint64_t next_expiry;         /* the soonest that is to come; 0 = none */
	struct tally_source *sources; /* by name */
	size_t source_count;
};

/* Borrows the view until tally_fini. no-memory. */
enum status
tally_init(struct tally *tally, const struct view *view, uint64_t now, struct fault *fault);
void
tally_fini(struct tally *tally);

#endif
