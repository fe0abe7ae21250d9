/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workloads: what a store is made of, and the transactions that the power is lost in. Each is a row
 * here and a function that makes a script of a seed.
 */
#ifndef TESTS_POWER_SCRIPT_H
#define TESTS_POWER_SCRIPT_H

#include "tests/power_world.h"

#define POWER_SETUP 1100
#define POWER_STEPS 16

struct power_script {
	const char *store;    /* below the directory that is recorded; its parents are made, too */
	const char *prepared; /* a store to begin with, which `setup` tells of: tests/stores; NULL: none */
	uint32_t setup_count, step_count;
	struct power_step setup[POWER_SETUP], step[POWER_STEPS];
};

struct power_workload {
	const char *name;
	void (*make)(struct power_script *script, uint64_t seed);
	uint64_t states;      /* judged of its log in a campaign, at most, about */
	unsigned stops;       /* in a round: writers that are stopped in their middle */
};
extern const struct power_workload power_workloads[];
extern const size_t power_workload_count;

void
power_script_make(const struct power_workload *workload, uint64_t seed, struct power_script *script);

#endif
