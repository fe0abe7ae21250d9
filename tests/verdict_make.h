/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random worlds and profiles for tests/verdict_model.h: claims of
 * tests/sets.h with tags of all five types, filters with random conditions,
 * exceptions near the claims; and a profile as the INI text of interface.md, in
 * many spellings.
 *
 *   verdict_make_world -> verdict_make_claim* -> verdict_make_profile -> verdict_text_profile
 *                                             -> verdict_make_query*  -> set_fini(&world->set)
 *
 * Everything follows from the seed in world->set.random.
 */
#ifndef TESTS_VERDICT_MAKE_H
#define TESTS_VERDICT_MAKE_H

#include "tests/verdict_model.h"

struct verdict_category {
	const char *name;
	enum verdict_type type;
	const char *const *values; /* list */
	unsigned value_count;
	int64_t min, max;          /* number */
	bool known;                /* stands in a new catalogue already */
};
extern const struct verdict_category verdict_categories[VERDICT_TAGS];

/* A universe of its own for each seed, with tag combinations and priorities, without claims. */
void
verdict_make_world(struct verdict_world *world, uint64_t seed);
/* A claim on a key of the universe or on one that has claims; `text` holds MODEL_TEXT_BYTES. */
void
verdict_make_claim(struct verdict_world *world, struct model_claim *claim, char *text);
/* Up to `filters` filters. */
void
verdict_make_profile(struct verdict_world *world, uint32_t filters, struct verdict_profile *profile);
/* Near the claims; IPv6 also with an IPv4 address inside. `text` holds MODEL_TEXT_BYTES. */
size_t
verdict_make_query(struct verdict_world *world, enum model_kind kind, char *text);

#define VERDICT_VALUE_BYTES 300
/* The one canonical spelling of a value. */
void
verdict_text_value(unsigned category, int64_t value, char text[VERDICT_VALUE_BYTES]);
/* The INI file; free() it. */
char *
verdict_text_profile(struct random_state *random, const struct verdict_profile *profile);

#endif
