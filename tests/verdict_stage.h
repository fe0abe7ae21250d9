/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random world (tests/verdict_make.h) as a store in several layers, written by
 * the author: its categories, its sources with priorities, its claims put,
 * replaced and removed.
 */
#ifndef TESTS_VERDICT_STAGE_H
#define TESTS_VERDICT_STAGE_H

#include "engine/store.h"
#include "tests/verdict_make.h"

struct verdict_stage {
	struct verdict_world world; /* what the store holds now */
	char *directory;
	struct store *store;
	struct view *view;
};

void
verdict_stage_open(struct verdict_stage *stage, uint64_t seed);
void
verdict_stage_close(struct verdict_stage *stage);

#endif
