/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The naive twin of the criteria language: random conditions as trees of its own,
 * over claims that are small integers, judged straight from the truth table of
 * query/criteria.h. It shares no code with query/. Draws with rand(): srand first.
 */
#ifndef TESTS_TWIN_H
#define TESTS_TWIN_H

#include "engine/catalog.h"
#include "query/criteria.h"

enum { TWIN_NOTE, TWIN_COLOUR, TWIN_SEEN, TWIN_ACTIVE, TWIN_SCORE, TWIN_SOURCE, TWIN_CATEGORIES };

/* What a claim holds: of each category, bit i = it has value i. */
struct twin_claim {
	unsigned held[TWIN_CATEGORIES];
};

enum twin_answer { TWIN_FALSE, TWIN_MAYBE, TWIN_TRUE };

struct twin;

/* Defines the twin's categories, and some more for other tests. */
void
twin_catalog(struct catalog *catalog);

/* A random condition of at most 32 comparisons (depth 0..5). Free with twin_free. */
struct twin *
twin_random(int depth);
void
twin_free(struct twin *twin);

/* As text for criteria_parse, in random spellings; borrowed until the next call. */
const char *
twin_write(const struct twin *twin);

bool
twin_holds(const struct twin *twin, const struct twin_claim *claim);

/* If nothing is known of text and date tags (`notes` false) nor of the source. */
enum twin_answer
twin_guess(const struct twin *twin, const struct twin_claim *claim, bool notes);

/* A random claim; the subject's strings are borrowed from `tags` and the twin. */
struct criteria_subject
twin_subject(struct twin_claim *claim, struct tags *tags);

#endif
