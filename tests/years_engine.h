/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A history of tests/years.h against a store, in one process: changes through the loader, each in a
 * transaction of its own, sweeps, folds; after each one everything the store holds is compared, and
 * look-ups by the public library at the second before the end of claims, at it and after it.
 *
 * A difference ends the program with a story on stderr, and the seed that shows it again.
 */
#ifndef TESTS_YEARS_ENGINE_H
#define TESTS_YEARS_ENGINE_H

#include "tests/years.h"

struct years_tally {
	double years;
	uint64_t histories, steps, backwards, swept, read, lookups, live;
};

/* `keys`: YEARS_FEW, or up to YEARS_KEYS_MOST, no multiple of 7. */
void
years_run(uint64_t seed, unsigned keys, unsigned steps, struct years_tally *tally);

/* A story and the end: "SEED ... step ...: what". */
void
years_differ(uint64_t seed, unsigned step, const struct years_op *op, const char *format, ...)
	__attribute__((noreturn, format(printf, 4, 5)));

#endif
