/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Losing the power at every point of a log: the states that the disk may be in are made one by one and
 * judged.
 */
#ifndef TESTS_POWER_EXPLORE_H
#define TESTS_POWER_EXPLORE_H

#include "tests/power_disk.h"
#include "tests/power_judge.h"
#include "tests/power_places.h"

struct power_explore {
	/* before */
	const struct power_places *places;
	struct power_log *log, *inner; /* `inner`: room for the recovery */
	struct power_judge *judge;
	const char *store;             /* below places->live */
	char label[128];               /* workload, and how to come here again */
	uint64_t seed;
	uint32_t depth;                /* choices by chance at each point */
	uint32_t from;                 /* operations before this are of no interest */
	uint64_t budget;               /* states at most, about; 0: all */
	uint32_t inner_every;          /* one state in so many is recovered from with another power loss */
	int64_t only;                  /* this one state; < 0: all */
	bool quiet;                    /* the first failure ends it, and nothing is printed */
	/* after */
	uint64_t states, inner_states, points, failures;
	uint64_t refused; /* with an alien hint, by a store that had acknowledged nothing */
};

void
power_explore(struct power_explore *explore);

#define POWER_SECONDS 300 /* no state takes that long on any machine: SIGALRM */

/* For a handler: what is being judged; a line. */
extern char power_explore_now[256];

#endif
