/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judge: a profile compiled against one view, and verdicts by it.
 *
 *   judge_new (pins the view) -> judge_* from any number of threads -> judge_free
 *
 * Compiling evaluates every filter once on every distinct tag set of each layer,
 * never on entries:
 *
 *   rank[layer][kind][tag set] -> the first filter that takes the set for certain,
 *                                 and, where earlier filters ask text or date tags
 *                                 (criteria_uses_notes), a row of those to be asked
 *                                 of the claim
 *
 * A verdict costs one such load a live claim, whatever the number of filters.
 * Layers that the `before` judge had compiled for the same filters are taken over.
 *
 * What wins: over ALL live claims that cover the query, the filter with the lowest
 * number; the verdict's hit is the most specific claim that it takes (order of
 * repute_find_all). Then exceptions: one that is live and covers the query
 * makes the verdict `none` and is named (no filter has won then, and no hit is given); of several,
 * the most specific, of several on one key the first in the profile. Exceptions are asked only
 * where a filter would win, so that a miss costs nothing; judge_exception asks by itself.
 * Without a winning filter hit.found is false and the rest of the hit undefined: a miss of
 * judge_many writes the first 17 bytes of its verdict and no more.
 * If a file of the view was cut or written over (view_sound), every verdict is an error; judge_hits gives all.
 * An IPv6 query takes in the hits of the IPv4 addresses inside it, and their exceptions.
 *
 * Compiled judges are immutable; judges made with `before` share tables with it, and either may
 * be freed first, from any thread. Judging takes no lock, allocates nothing and makes no
 * system call.
 */
#ifndef QUERY_JUDGE_H
#define QUERY_JUDGE_H

#include "engine/view.h"
#include "query/lookup.h"
#include "query/profile.h"
#include "query/repute.h"

struct judge;

/*
 * `view` is pinned until judge_free; `profile` is taken over, also on failure.
 * `before` NULL or a judge of the same profile text: its tables are reused where
 * layers are the same; it stays the caller's.
 */
enum status
judge_new(struct view *view, struct profile *profile, const struct judge *before,
	  struct judge **judge, struct fault *fault);
/* NULL is welcome. */
void
judge_free(struct judge *judge);

const struct profile *
judge_profile(const struct judge *judge);
const struct view *
judge_view(const struct judge *judge);

/* struct repute_verdict is in repute.h. */
void
judge_one(const struct judge *judge, const struct key *key, uint64_t now,
	  struct repute_verdict *verdict);

/* Many queries of one kind, latency overlapped: verdicts[i] belongs to query i. */
void
judge_many(const struct judge *judge, const struct lookup_batch *batch, size_t n, uint64_t now,
	   struct repute_verdict *verdicts);

/*
 * The same for those queries only for which a filter or an exception decided, in no promised
 * order: verdicts[k] belongs to query places[k]; both have room for n. Returns how many.
 * Nothing is written for a miss: where a look-up takes a few nanoseconds, even the two
 * stores of judge_many can be seen.
 */
size_t
judge_hits(const struct judge *judge, const struct lookup_batch *batch, size_t n, uint64_t now,
	   uint32_t *places, struct repute_verdict *verdicts);

/* The number of the live exception that covers the key; REPUTE_NO_ROW if none does. */
uint32_t
judge_exception(const struct judge *judge, const struct key *key, uint64_t now);

/*
 * For preview, listing and tests: the first filter that takes this claim of a layer by
 * the compiled table; REPUTE_NO_ROW if none does. Its key is not known here: the
 * pseudo-category `key` is missing.
 */
uint32_t
judge_claim(const struct judge *judge, uint32_t layer, enum kind kind,
	    const struct segment_claim *claim);

/*
 * Bytes on the heap for tables and exceptions, those shared with other judges included: 4 for
 * each tag set of a layer and group of kinds with the same filters, at most 256 KiB a layer for
 * open filters (judge_table.h), about 40 an exception. The profile itself is not in it.
 */
size_t
judge_bytes(const struct judge *judge);

#endif
