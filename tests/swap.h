/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The campaign of swaps (campaign_swap.c): memory that its processes share, who writes and who reads.
 *
 *   swap_map -> swap_write, swap_compact, swap_read in processes or threads of their own -> swap_unmap
 */
#ifndef TESTS_SWAP_H
#define TESTS_SWAP_H

#include "tests/swap_truth.h"

#define SWAP_READERS 4
#define SWAP_LANES (SWAP_READERS + 1) /* threads that look up: the last reader has two */

/* Durations in nanoseconds, in classes a sixteenth wide. */
#define SWAP_CLASSES 1024
struct swap_times {
	uint64_t count, longest;
	uint64_t class[SWAP_CLASSES];
};
void
swap_time(struct swap_times *times, uint64_t nanoseconds);
void
swap_times_add(struct swap_times *sum, const struct swap_times *times);
/* The shortest that is not exceeded by this part of them. */
uint64_t
swap_times_part(const struct swap_times *times, double part);

/* What one thread counted. Only it writes. */
struct swap_tally {
	_Alignas(64) uint64_t answers; /* compared with the truth */
	uint64_t hits, notes, telling; /* found; with tag and key compared; other in the revision before */
	uint64_t wrong, torn, dropped; /* of no revision; of another one; an error, or nothing */
	uint64_t views, swaps, older;  /* taken; generations come to; answers of views kept for later */
	uint64_t stale;                /* views that lack what was acknowledged before they were taken */
	uint64_t generation;           /* the last one */
	struct swap_times swap;        /* refresh, take, first answer; of a new generation */
	struct swap_times swap_cpu;    /* the same, by the thread's own time */
	struct swap_times still;       /* the same where there was no new generation */
	struct swap_times gap;         /* from one batch of answers to the next */
	char first[256];               /* of what was not as it should be */
};

/* What a reader's process has open: before it opens the store, and after it closed it. */
struct swap_held {
	unsigned descriptors, mappings, of_store; /* mappings; those that name it */
	long heap, resident;                      /* bytes */
};

struct swap_shared {
	/* the plan */
	uint64_t revisions, answers, seed;
	unsigned compact_every, unsure_every;
	const char *written, *read; /* stores; the same, but in the control run */
	const char *program;        /* repute, or NULL: compaction by the engine's call alone */
	bool still;                 /* `read` stays as it is, */
	uint32_t still_at;          /* at this revision */
	/* what happens */
	uint64_t done;              /* atomic: revisions published */
	uint64_t compactions, unsure;
	uint64_t stop;              /* atomic: readers come to their end */
	uint64_t over;              /* atomic: so does who compacts */
	struct swap_tally lane[SWAP_LANES];
	struct swap_held before[SWAP_READERS], after[SWAP_READERS];
	uint64_t generations;
	uint32_t revision[];        /* atomic; by generation: 1 + what was written; 0: as the one before */
};

/* Room for so many generations; NULL: no memory. */
struct swap_shared *
swap_map(uint64_t generations);
void
swap_unmap(struct swap_shared *shared);
/* The revision that a generation holds. */
uint32_t
swap_revision(const struct swap_shared *shared, uint64_t generation);
uint64_t
swap_answers(const struct swap_shared *shared);
uint64_t
swap_now(void);
/* What this process has open now. */
void
swap_look_at(struct swap_held *held, const char *store);

/* Make a store at revision 0, with `bulk` keys of each kind that never change. */
void
swap_make(const char *store, struct swap_shared *shared, unsigned bulk);
/* All revisions, each when the readers have come so far. Any failure ends the process. */
void
swap_write(struct swap_shared *shared);
/* Folds the base now and then until `over`. */
void
swap_compact(struct swap_shared *shared);

/* Look up in `lanes` threads until `stop`; false: something was not as it should be. */
bool
swap_read(struct swap_shared *shared, unsigned reader, unsigned lanes);

#endif
