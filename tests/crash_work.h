/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workloads of the crash campaign: a store as it stands, and the command that is killed on it.
 * A new one is a row in crash_work.c.
 */
#ifndef TESTS_CRASH_WORK_H
#define TESTS_CRASH_WORK_H

#include "tests/crash_read.h"

#define CRASH_PREPARE 12

enum crash_fill {
	FILL_NONE,
	FILL_STACK,   /* small additions, until one more folds layers */
	FILL_JOURNAL  /* small changes, until one more begins a new journal */
};

struct crash_work {
	const char *name;
	const char *store;      /* NULL: "s" */
	const char *archive;    /* a store that an older program made; `prepare` is what it was told */
	struct crash_step prepare[CRASH_PREPARE];
	enum crash_fill fill;
	struct crash_step step; /* what is killed */
	struct crash_step beside; /* a whole command beside it, when it is about to take the store's lock */
	bool damaged;           /* the last record of the journal is: `prepare` but its last step is left */
	unsigned heavy;         /* a point costs much: this part of them; 0: all */
};
extern const struct crash_work crash_works[];
extern const size_t crash_work_count;

/*
 * The store of a workload in site->root, and in `image`; the world that it must be; the step to
 * kill. False if this engine has no such thing (no journal).
 */
bool
crash_work_prepare(struct crash_site *site, const struct crash_work *work, struct image *image,
		   struct crash_world *world, struct crash_step *step);
/* Run the steps that a workload with an archive was made by: for who makes a new one. */
void
crash_work_make_old(struct crash_site *site, const struct crash_work *work);

#endif
