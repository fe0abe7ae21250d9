/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batch walks, compiled once for each instruction set: segment_many_*.c
 * choose the target, name the functions with MANY() and include this file.
 */
#include <string.h>

#include "engine/bucket.h"
#include "engine/name.h"
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
	__builtin_prefetch(bytes + sizeof(struct record_text_d) + sizeof(struct le40) - 1); /* the next offset */
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
static inline __attribute__((always_inline)) bool
probe(struct pending *pending, const struct segment_table *table, uint32_t lane, uint64_t hash,
      uint32_t length, bool last)
{
	const struct bucket_d *line = home_line(table, hash);
	bool deeper = false;
	for (unsigned hop = 0; hop <= LIMIT_BUCKET_HOPS; hop++, line++) {
		uint32_t slots = many_find(line, bucket_tag(hash));
		if (__builtin_expect(slots != 0, 0))
			deeper |= probe_slots(pending, table, line, slots, lane, length, last);
		if (__builtin_expect(!bucket_passed(line, hash), 1))
			break;
	}
	return deeper;
}

/* Any id may be asked for: what is not there is not fetched. */
static inline void
prefetch_claim(const uint8_t *claims, uint32_t id)
{
	uintptr_t claim = (uintptr_t)claims + (size_t)id * sizeof(struct claim_d);
	__builtin_prefetch((const void *)claim);
	__builtin_prefetch((const void *)(claim + sizeof(struct claim_d))); /* of two the second */
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
 * Each key has one step, each node an entry whose scope is exact, and slots are filled from the first
 * on: one compare finds a slot by tag and flags, and its record is `base` + slot.
 *
 * Blocks of keys follow one another through three stages: the line is asked for, looked at
 * and the record asked for, the record compared and the claim asked for. Too many
 * candidates for a block happens only in a file that is not what it should be: what
 * is left out is missed.
 */
struct fixed_candidate {
	uint32_t lane, record;
};
#define FIXED_CANDIDATES (CANDIDATES + GROUP)

static inline __attribute__((always_inline)) struct fixed_candidate *
fixed_add(struct fixed_candidate *found, const struct segment_table *table, size_t length,
	  uint32_t lane, uint32_t record)
{
	if (record >= table->record_count)
		return found;
	const uint8_t *bytes = table->records + (size_t)record * (length + sizeof(struct le32));
	__builtin_prefetch(bytes);
	__builtin_prefetch(bytes + length + sizeof(struct le32) - 1);
	found->lane = lane;
	found->record = record;
	return found + 1;
}

/* Several slots of one tag, or nodes that passed on. */
static __attribute__((noinline)) struct fixed_candidate *
fixed_all(struct fixed_candidate *found, const struct fixed_candidate *end,
	  const struct segment_table *table, const struct bucket_d *line, size_t length,
	  uint64_t hash, uint32_t lane)
{
	for (unsigned hop = 0; hop <= LIMIT_BUCKET_HOPS; hop++, line++) {
		uint32_t slots = many_same(line, bucket_tag(hash) | FORMAT_SLOT_HERE);
		for (; slots != 0 && found < end; slots &= slots - 1)
			found = fixed_add(found, table, length, lane,
					  le32_get(line->base) + (uint32_t)__builtin_ctz(slots));
		if (!bucket_passed(line, hash))
			break;
	}
	return found;
}

/* One lane of a block. Adds one candidate at most, unless it leaves that to fixed_all. */
static inline __attribute__((always_inline)) struct fixed_candidate *
fixed_probe(struct fixed_candidate *found, const struct fixed_candidate *start,
	    const struct segment_table *table, const struct bucket_d *line, size_t length,
	    uint64_t hash, uint32_t lane)
{
	uint32_t slots = many_same(line, bucket_tag(hash) | FORMAT_SLOT_HERE);
	uint32_t passed = bucket_passed(line, hash);
	if ((slots | passed) == 0)
		return found;
	if (__builtin_expect((slots & (slots - 1)) != 0 || passed != 0, 0))
		return fixed_all(found, start + CANDIDATES, table, line, length, hash, lane);
	return fixed_add(found, table, length, lane,
			 le32_get(line->base) + (uint32_t)__builtin_ctz(slots));
}

#ifndef MANY_EQUAL
#define many_equal(a, b, length) (memcmp(a, b, length) == 0)
#endif

/* The record of a candidate, if its key is the one asked. */
static inline __attribute__((always_inline)) const uint8_t *
fixed_record(const struct segment_table *table, uint32_t record, const uint8_t *key, size_t length)
{
	const uint8_t *bytes = table->records + (size_t)record * (length + sizeof(struct le32));
	return many_equal(bytes, key, length) ? bytes : NULL;
}

static inline uint32_t
fixed_claims(const uint8_t *bytes, size_t length)
{
	struct le32 id;
	memcpy(&id, bytes + length, sizeof(id));
	return le32_get(id);
}

static inline __attribute__((always_inline)) void
digest_settle(const struct fixed_candidate *at, const struct fixed_candidate *end,
	      const struct segment_table *table, const uint8_t *digests, size_t length,
	      struct rows *rows)
{
	struct segment_best *row = rows->row + rows->count, *full = rows->row + rows->most;
	for (; at < end; at++) {
		const uint8_t *bytes = fixed_record(table, at->record, digests + at->lane * length,
						    length);
		if (bytes == NULL || row == full)
			continue;
		row->claims = fixed_claims(bytes, length);
		prefetch_claim(rows->claims, row->claims);
		row->record = at->record;
		row->specific = 0;
		row->in_trie = 0;
		row->exact = 1;
		row->lane = (uint16_t)at->lane;
		row->sole = 1;
		row++;
	}
	rows->count = (size_t)(row - rows->row);
}

static inline __attribute__((always_inline)) void
digest_start(const struct segment_table *table, const uint8_t *digests, size_t length, size_t from,
	     size_t to, bool known, uint64_t *hash, const struct bucket_d **lines)
{
	for (size_t i = from; i < to; i++) {
		if (!known)
			hash[i] = path_digest(table->seed, digests + i * length, length);
		lines[i] = home_line(table, hash[i]);
		__builtin_prefetch(lines[i]);
	}
}

/* A block of digests in a table that is near: its lines are not waited for. */
static inline __attribute__((always_inline)) void
digest_near(struct segment_near *near, enum kind kind, const uint8_t *digests, size_t length,
	    size_t from, size_t to, const uint64_t *hash)
{
	const struct segment_table *table = &near->segment->table[kind];
	struct rows rows = {near->best, near->count, SEGMENT_MANY_MOST, near->segment->claims};
	struct fixed_candidate found[FIXED_CANDIDATES], *put = found;
	for (size_t i = from; i < to; i++)
		put = fixed_probe(put, found, table, home_line(table, hash[i]), length, hash[i],
				  (uint32_t)i);
	digest_settle(found, put, table, digests, length, &rows);
	near->count = rows.count;
}

static inline __attribute__((always_inline)) void
digest_blocks(const struct segment_table *table, enum kind kind, const uint8_t *digests,
	      size_t length, size_t n, struct segment_share *share, bool known, struct rows *rows)
{
	struct fixed_candidate found[2][FIXED_CANDIDATES], *end[2] = {found[0], found[1]};
	const struct bucket_d *lines[SEGMENT_MANY_MOST];
	uint64_t *hash = share->hash;
	for (size_t from = 0, before = 0; from < n + 2 * GROUP; before = from, from += GROUP) {
		size_t to = from + GROUP < n ? from + GROUP : n, second = from / GROUP & 1;
		struct fixed_candidate *put = found[second];
		digest_start(table, digests, length, from, to, known, hash, lines);
		for (size_t j = 0; j < share->near_count; j++)
			digest_near(&share->near[j], kind, digests, length, from, to, hash);
		for (size_t i = before; i < from && i < n; i++)
			put = fixed_probe(put, found[second], table, lines[i], length, hash[i],
					  (uint32_t)i);
		end[second] = put;
		digest_settle(found[!second], end[!second], table, digests, length, rows);
	}
}

static size_t
many_digest(const struct segment *segment, enum kind kind, const uint8_t *digests, size_t n,
	    struct segment_share *share, struct segment_best *best)
{
	const struct segment_table *table = &segment->table[kind];
	struct rows rows = {best, 0, n, segment->claims};
	if (table->buckets == 0)
		return 0;
	bool known = share->known && hash_seed_equal(share->seed, table->seed);
	if (kind == KIND_SHA1)
		known ? digest_blocks(table, kind, digests, 20, n, share, true, &rows)
		      : digest_blocks(table, kind, digests, 20, n, share, false, &rows);
	else
		known ? digest_blocks(table, kind, digests, 32, n, share, true, &rows)
		      : digest_blocks(table, kind, digests, 32, n, share, false, &rows);
	share->known = true;
	share->seed = table->seed;
	return rows.count;
}

#include "engine/segment_many_ip.h"
#include "engine/segment_many_text.h"
#include "engine/segment_many_one.h"

const struct segment_many_path MANY(segment_many) = {
	.name = MANY_NAME,
	.ipv4 = many_ipv4, .ipv6 = many_ipv6, .digest = many_digest, .text = many_text,
	.one_ipv4 = one_ipv4,
	.one_bytes = {[KIND_IPV6] = one_ipv6, [KIND_SHA1] = one_sha1, [KIND_SHA256] = one_sha256},
	.one_text = {[KIND_DOMAIN] = one_domain, [KIND_URL] = one_url},
};
