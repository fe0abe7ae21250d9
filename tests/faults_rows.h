/* SPDX-License-Identifier: Apache-2.0 */
/* Claims as rows: through the author into a store, failing as calls fail, and into the ledger. */
#ifndef TESTS_FAULTS_ROWS_H
#define TESTS_FAULTS_ROWS_H

#include "tests/faults_work.h"

struct row {
	const char *text, *scope, *source, *family; /* as scratch_claims prints them */
	uint64_t expires;
};

/* One transaction. */
enum status
rows_write(const char *path, const struct row *rows, size_t count, uint64_t now, struct fault *fault);
/* New claims in the ledger. */
void
rows_note(struct ledger *ledger, const struct row *rows, size_t count, uint64_t now);
/* Both, where it must not fail: the store as it is before, and `old`. */
void
rows_make(struct world *world, const struct row *rows, size_t count);

#endif
