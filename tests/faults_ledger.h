/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ledger: what a store must hold, kept by a campaign as lines of text beside it,
 * and the same words read out of a store. Shares nothing with the write side.
 *
 *   key|scope|source|tag|expires|first seen|last seen        scratch.h
 *   =source|NAME||priority ttl last-import last-count description
 *   =tag|NAME||type values, or least..most; predefined ones are only counted
 *   =profile|NAME||text
 *   =tags|||COUNT
 *
 * The first three fields say which line it is.
 */
#ifndef TESTS_FAULTS_LEDGER_H
#define TESTS_FAULTS_LEDGER_H

#include "engine/store.h"

struct ledger {
	char **lines;
	size_t count;
};

void
ledger_put(struct ledger *ledger, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The line must be there. `which` is its first three fields. */
void
ledger_drop(struct ledger *ledger, const char *which);
void
ledger_copy(const struct ledger *from, struct ledger *to);
void
ledger_fini(struct ledger *ledger);
/* Sorted; the caller frees. */
char *
ledger_text(const struct ledger *ledger);

/* A view in the same words; the caller frees. */
char *
ledger_read(const struct view *view);
/*
 * A store as one who comes new finds it: every layer passes segment_check, then *text (the
 * caller frees) and *generation. "" and 0 if there is no store.
 */
enum status
ledger_read_store(const char *path, char **text, uint64_t *generation, struct fault *fault);

#endif
