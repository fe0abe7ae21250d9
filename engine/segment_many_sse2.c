/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#include "engine/bucket.h"
#include "engine/hosts.h"
#include "engine/name.h"

#define many_find(line, tag) bucket_equal(line, FORMAT_SLOT_TAG, tag)
#define many_same(line, slot) bucket_equal(line, 0xffff, slot)
#define many_entries(line) bucket_entries(line)

/* Bit i: address i of a line; bit 7 is the line's state, for the caller to mask. */
static inline uint32_t
many_hosts(const struct hosts_line_d *line, uint32_t address)
{
	const __m128i *words = (const __m128i *)(const void *)line;
	__m128i value = _mm_set1_epi32((int)address);
	__m128i low = _mm_cmpeq_epi32(_mm_loadu_si128(words), value);
	__m128i high = _mm_cmpeq_epi32(_mm_loadu_si128(words + 1), value);
	return (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(low)) |
	       (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(high)) << 4;
}

#define many_dots name_dots
#define many_wide wide_many_portable
#define MANY(name) name##_sse2
#define MANY_NAME "sse2"
#include "engine/segment_many_body.h"
#endif
