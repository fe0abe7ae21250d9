/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that work starts from: each fills the folder and world->old. */
#ifndef TESTS_FAULTS_STORES_H
#define TESTS_FAULTS_STORES_H

#include "tests/faults_work.h"

void
make_nothing(struct world *world);
/* A base of 96 keys of all kinds, of sources a, b and old, whose claims have expired. */
void
make_base(struct world *world);
/* And two overlays. */
void
make_layers(struct world *world);
/* As many overlays as there may be. */
void
make_full(struct world *world);
/* As writers leave it that were killed: with leftovers, those of compaction too, in W3, between W3 and W5. */
void
make_killed(struct world *world);
void
make_killed_compaction(struct world *world);
void
make_torn(struct world *world);
void
make_unsure(struct world *world);
/* The last generation is damaged. */
void
make_damaged(struct world *world);
/* The next record begins a new journal. */
void
make_full_journal(struct world *world);
/* Of before the journal: one of ours, and tests/stores/v2.tar.gz. */
void
make_manifest(struct world *world);
void
make_v2(struct world *world);

#endif
