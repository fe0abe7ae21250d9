/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking through one bucket line (format.h bucket_d) at once. SSE2 is part of
 * every x86-64; elsewhere plain C does the same. Bit i of a mask is slot i.
 */
#ifndef ENGINE_BUCKET_H
#define ENGINE_BUCKET_H

#include <stdbool.h>

#include "engine/format.h"

#define BUCKET_ALL ((1u << FORMAT_SLOTS) - 1)
#define BUCKET_ENTRY (FORMAT_SLOT_HERE | FORMAT_SLOT_COVER)
#define BUCKET_FLAGS (BUCKET_ENTRY | FORMAT_SLOT_DEEPER)

#ifdef __SSE2__
#include <emmintrin.h>

static inline uint32_t
bucket_equal(const struct bucket_d *line, uint16_t mask, uint16_t value)
{
	const __m128i *words = (const __m128i *)(const void *)line;
	__m128i masks = _mm_set1_epi16((short)mask), values = _mm_set1_epi16((short)value);
	__m128i equal[4];
	for (int i = 0; i < 4; i++)
		equal[i] = _mm_cmpeq_epi16(_mm_and_si128(_mm_loadu_si128(words + i), masks),
					   values);
	uint32_t low = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(equal[0], equal[1]));
	uint32_t high = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(equal[2], equal[3]));
	return (low | high << 16) & BUCKET_ALL;
}
#else
static inline uint32_t
bucket_equal(const struct bucket_d *line, uint16_t mask, uint16_t value)
{
	uint32_t equal = 0;
	for (unsigned i = 0; i < FORMAT_SLOTS; i++)
		equal |= (uint32_t)((le16_get(line->slot[i]) & mask) == value) << i;
	return equal;
}
#endif

static inline uint16_t
bucket_tag(uint64_t hash)
{
	return (uint16_t)(hash & FORMAT_SLOT_TAG);
}

static inline unsigned
bucket_overflow_bit(uint64_t hash)
{
	return (unsigned)(hash >> 13) & 31;
}

/* Did nodes of this hash's overflow bit go from the line to the next one? */
static inline bool
bucket_passed(const struct bucket_d *line, uint64_t hash)
{
	return (le32_get(line->overflow) >> bucket_overflow_bit(hash) & 1) != 0;
}

/* Home line of a hash among `buckets` (< 2^32): multiply and shift. */
static inline uint64_t
bucket_home(uint64_t hash, uint64_t buckets)
{
	return (hash >> 32) * buckets >> 32;
}

/* Slots that hold a node with this tag. */
static inline uint32_t
bucket_find(const struct bucket_d *line, uint16_t tag)
{
	uint32_t empty = bucket_equal(line, BUCKET_FLAGS, 0);
	return bucket_equal(line, FORMAT_SLOT_TAG, tag) & ~empty;
}

/* Slots that have a record. */
static inline uint32_t
bucket_entries(const struct bucket_d *line)
{
	return ~bucket_equal(line, BUCKET_ENTRY, 0) & BUCKET_ALL;
}

static inline uint32_t
bucket_record(const struct bucket_d *line, uint32_t entries, unsigned slot)
{
	return le32_get(line->base) +
	       (uint32_t)__builtin_popcount(entries & ((1u << slot) - 1));
}

#endif
