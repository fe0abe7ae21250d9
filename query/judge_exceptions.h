/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exceptions of a profile, found by what they cover. Private to judge*.c.
 *
 * The same canonical rules as entries: nested prefixes, scopes of names and URLs,
 * URL ancestors, \* patterns. Not a segment: writing one takes SHA-256 out of
 * libcrypto, which librepute does not need otherwise.
 *
 *   addresses  prefixes sorted by start, shorter first; each names the one it lies in:
 *
 *                10.0.0.0/8 <- 10.1.0.0/16 <- 10.1.2.0/24     10.200.0.0/16 -> /8
 *
 *              the last that starts at or before the query lies in all that cover it
 *   texts      path steps (engine/path.h) in a chained hash table, patterns by their literal
 *
 * Of several on one key the first in the profile comes first. Immutable, any number of
 * threads. Cost of a question: log2(prefixes) and the nesting; or one probe a label or
 * path segment, and one a pattern length (and place, for \*...\*).
 */
#ifndef QUERY_JUDGE_EXCEPTIONS_H
#define QUERY_JUDGE_EXCEPTIONS_H

#include "query/profile.h"

struct judge_exceptions;

/* Borrows the profile. no-memory; limit: a pattern or path that no entry may have either. */
enum status
judge_exceptions_new(const struct profile *profile, struct judge_exceptions **exceptions,
		     struct fault *fault);
/* NULL is welcome. */
void
judge_exceptions_free(struct judge_exceptions *exceptions);

/* Number of the most specific live one that covers the key by itself; REPUTE_NO_ROW. */
uint32_t
judge_exceptions_find(const struct judge_exceptions *exceptions, const struct key *key,
		      uint64_t now);

/* Is there any of this kind? */
bool
judge_exceptions_any(const struct judge_exceptions *exceptions, enum kind kind);

/* Bytes on the heap. */
size_t
judge_exceptions_bytes(const struct judge_exceptions *exceptions);

#endif
