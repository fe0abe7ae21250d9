/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging a store that was found after a power loss: it opens, every layer passes segment_check, and it is in
 * one of the states that it may be in, whole. Then a writer comes, and all of it once more.
 */
#ifndef TESTS_POWER_JUDGE_H
#define TESTS_POWER_JUDGE_H

#include "tests/power_world.h"

#define POWER_STATES 64
#define POWER_NOT_FOUND (-1)
#define POWER_REFUSED (-2)  /* "damaged", which is allowed: see alien */
#define POWER_ROUNDS 3     /* transactions that may come after */

struct power_expected {
	const struct power_world *world;
	struct power_digest digest;
	bool absent;             /* "there is no store" is this state, too */
};

struct power_judge {
	struct power_expected state[POWER_STATES];
	uint32_t count;
	/*
	 * The hint has a value that no writer stored. Then a tail of a transaction that was never
	 * acknowledged may be taken for damage: files may be kept as *.damaged, and where nothing was
	 * ever acknowledged, the store may refuse. Nothing may be lost, and no answer be wrong.
	 */
	bool alien;
	char why[4096];          /* after a failure */
	uint64_t checked, read;  /* layers, stores */
};

/* Append a state; its bit is 1 << the number that is returned. */
uint32_t
power_judge_add(struct power_judge *judge, const struct power_world *world, bool absent);

/* The number of the state that the store is in; POWER_NOT_FOUND: none of `allowed`, or broken; see `why`. */
int
power_judge_look(struct power_judge *judge, const char *store, uint64_t allowed, bool deep);

/* The transaction that comes after a power loss (round 0), after two (1), or after a kill (2). */
enum status
power_judge_write(const char *store, uint32_t round, uint64_t now, uint64_t *generation,
		  struct fault *fault);
/* `from` and what that transaction adds: appended as a state, or found if it is there. */
uint32_t
power_judge_after(struct power_judge *judge, uint32_t from, uint32_t round);
/* Nothing stands in the store's directory but what a store is made of; else `why`. */
bool
power_judge_tidy(struct power_judge *judge, const char *store);

#endif
