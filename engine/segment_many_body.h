/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batch walks, compiled once for each instruction set: segment_many_*.c
 * choose the target, name the functions with MANY() and include this file.
 */
#include <string.h>

#include "engine/bucket.h"
#include "engine/path.h"
#include "engine/segment_many_paths.h"

/* Queries of one block: as many lines are on their way while the block before is looked at. */
#define GROUP 32

/* A slot that may be the answer: its record is on its way. */
struct candidate {
	uint32_t lane;
	uint32_t record;
	uint32_t length; /* of the step */
	bool last;
};
#define CANDIDATES (GROUP * 4)

struct pending {
	struct candidate row[CANDIDATES];
	size_t count;
	bool full;       /* one had to be left out */
};

/* The rows that are returned, and the claims that they lead to. */
struct rows {
	struct segment_best *row;
	size_t count, most;
	const uint8_t *claims;
};

static inline const struct bucket_d *
home_line(const struct segment_table *table, uint64_t hash)
{
	return (const struct bucket_d *)table->lines + bucket_home(hash, table->buckets);
}

static inline const uint8_t *
record_at(const struct segment_table *table, uint32_t record)
{
	return table->records + (size_t)record * table->record_bytes;
}

static inline uint32_t
record_claims(const struct segment_table *table, const uint8_t *bytes)
{
	struct le32 id;
	memcpy(&id, bytes + table->record_bytes - sizeof(id), sizeof(id));
	return le32_get(id);
}

static inline void
add_candidate(struct pending *pending, const struct segment_table *table, uint32_t lane,
	      uint32_t record, uint32_t length, bool last)
{
	if (record >= table->record_count)
		return;
	if (pending->count == CANDIDATES) {
		pending->full = true;
		return;
	}
	pending->row[pending->count++] = (struct candidate){lane, record, length, last};
	const uint8_t *bytes = record_at(table, record);
	__builtin_prefetch(bytes);
	__builtin_prefetch(bytes + table->record_bytes - 1);
}

/* What a line has for one lane's node; true if the walk may go deeper. */
static inline bool
probe_slots(struct pending *pending, const struct segment_table *table,
	    const struct bucket_d *line, uint32_t slots, uint32_t lane, uint32_t length, bool last)
{
	uint16_t want = FORMAT_SLOT_COVER | (last ? FORMAT_SLOT_HERE : 0);
	uint32_t entries = many_entries(line);
	uint16_t deeper = 0;
	for (; slots != 0; slots &= slots - 1) {
		unsigned slot = (unsigned)__builtin_ctz(slots);
		uint16_t flags = le16_get(line->slot[slot]);
		deeper |= flags & FORMAT_SLOT_DEEPER;
		if ((flags & want) != 0)
			add_candidate(pending, table, lane, bucket_record(line, entries, slot),
				      length, last);
	}
	return deeper != 0;
}

/* The line of one lane's step and, where nodes overflowed, its neighbours. */
static inline bool
probe(struct pending *pending, const struct segment_table *table, uint32_t lane, uint64_t hash,
      uint32_t length, bool last)
{
	const struct bucket_d *line = home_line(table, hash);
	bool deeper = false;
	for (unsigned hop = 0; hop <= LIMIT_BUCKET_HOPS; hop++, line++) {
		uint32_t slots = many_find(line, bucket_tag(hash));
		if (__builtin_expect(slots != 0, 0))
			deeper |= probe_slots(pending, table, line, slots, lane, length, last);
		if (__builtin_expect((le32_get(line->overflow) >> bucket_overflow_bit(hash) & 1) == 0, 1))
			break;
	}
	return deeper;
}

/* Any id may be asked for: what is not there is not fetched. */
static inline void
prefetch_claim(const uint8_t *claims, uint32_t id)
{
	__builtin_prefetch((const void *)((uintptr_t)claims + (size_t)id * sizeof(struct claim_d)));
}

/* A row, and its claim on the way. */
static inline __attribute__((always_inline)) void
add_row(struct rows *rows, struct segment_best best)
{
	prefetch_claim(rows->claims, best.claims);
	if (rows->count < rows->most)
		rows->row[rows->count++] = best;
}

/* --- keys of fixed size ------------------------------------------------------------------- */

/*
 * Each key has one step, so blocks of keys follow one another through three stages. Too
 * many candidates for a block happens only in a file that is not what it should be: what
 * is left out is missed.
 */

/* Records whose key bytes are the query's. */
static inline __attribute__((always_inline)) void
digest_settle(const struct pending *pending, const struct segment_table *table,
	      const uint8_t *digests, size_t length, struct rows *rows)
{
	for (size_t i = 0; i < pending->count; i++) {
		const struct candidate *row = &pending->row[i];
		const uint8_t *bytes = record_at(table, row->record);
		if (memcmp(bytes, digests + row->lane * length, length) == 0)
			add_row(rows, (struct segment_best){
				.claims = record_claims(table, bytes), .record = row->record,
				.exact = 1, .lane = (uint16_t)row->lane, .sole = 1});
	}
}

static inline __attribute__((always_inline)) void
digest_start(const struct segment_table *table, const uint8_t *digests, size_t length, size_t from,
	     size_t to, bool known, uint64_t *hash)
{
	for (size_t i = from; i < to; i++) {
		if (!known)
			hash[i] = path_digest(table->seed, digests + i * length, length);
		__builtin_prefetch(home_line(table, hash[i]));
	}
}

static inline __attribute__((always_inline)) void
digest_blocks(const struct segment_table *table, const uint8_t *digests, size_t length, size_t n,
	      bool known, uint64_t *hash, struct rows *rows)
{
	struct pending pending[2];
	size_t last = (n + GROUP - 1) / GROUP;
	for (size_t at = 0; at < last + 2; at++) {
		struct pending *second = &pending[at % 2], *third = &pending[(at + 1) % 2];
		if (at < last)
			digest_start(table, digests, length, at * GROUP,
				     (at + 1) * GROUP < n ? (at + 1) * GROUP : n, known, hash);
		second->count = 0;
		for (size_t i = (at - 1) * GROUP; at > 0 && i < at * GROUP && i < n; i++)
			probe(second, table, (uint32_t)i, hash[i], (uint32_t)length, true);
		if (at > 1)
			digest_settle(third, table, digests, length, rows);
	}
}

static size_t
many_digest(const struct segment *segment, enum kind kind, const uint8_t *digests, size_t n,
	    struct segment_hashes *hashes, struct segment_best *best)
{
	const struct segment_table *table = &segment->table[kind];
	struct rows rows = {best, 0, n, segment->claims};
	if (table->buckets == 0)
		return 0;
	bool known = hashes->known && hashes->seed.word[0] == table->seed.word[0] &&
		     hashes->seed.word[1] == table->seed.word[1];
	if (kind == KIND_SHA1)
		digest_blocks(table, digests, 20, n, known, hashes->hash, &rows);
	else
		digest_blocks(table, digests, 32, n, known, hashes->hash, &rows);
	hashes->known = true;
	hashes->seed = table->seed;
	return rows.count;
}

#include "engine/segment_many_ip.h"
#include "engine/segment_many_text.h"
#include "engine/segment_many_one.h"

const struct segment_many_path MANY(segment_many) = {
	MANY_NAME, many_ipv4, many_ipv6, many_digest, many_text, many_one,
};
