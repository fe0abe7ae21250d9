/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine before its naive twin: random sets are built, mapped and asked, and each answer is
 * compared in every field. A difference ends the program with a story on
 * stderr: the smallest set that still shows it, the query, both answers.
 *
 * Replay: ORACLE_SEED=<number printed> runs the same sets again; ORACLE_SET=
 * <number of the story> only that one.
 */
#ifndef TESTS_JUDGE_H
#define TESTS_JUDGE_H

#include "tests/fixture.h"

struct judge_tally {
	uint64_t lookups, listed, answers, sets;
};

/* ORACLE_SEED, or a new one; printed. */
uint64_t
judge_seed(void);
/* An environment variable's number; `otherwise` if there is none. */
uint64_t
judge_number(const char *name, uint64_t otherwise);

/* Small random sets of all kinds, `lookups` questions in all. */
void
judge_small(uint64_t seed, uint64_t lookups, struct judge_tally *tally);
/* One set of about `claims` claims, judged through the sorted twin. */
void
judge_large(uint64_t seed, size_t claims, uint64_t lookups, struct judge_tally *tally);
/* Every claim's own key and `queries` against a set made by hand. */
void
judge_set(struct set *set, uint64_t seed, uint64_t lookups, struct judge_tally *tally);
void
judge_query(const struct fixture *fixture, const struct set *set, const char *text, size_t length,
	    enum model_kind kind, uint64_t now, struct judge_tally *tally);

void
judge_print(const char *name, const struct judge_tally *tally);

#endif
