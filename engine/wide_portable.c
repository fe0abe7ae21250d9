/* SPDX-License-Identifier: Apache-2.0 */
/* Plain C, for every machine. */
#include "engine/wide.h"

/* Keys of a line that are <= the query's. */
static inline __attribute__((always_inline)) unsigned
wide_below(const void *line, bool full, uint64_t high, uint32_t bits, unsigned full_keys,
	   unsigned brief_keys)
{
	const struct le64 *longs = line;
	const struct le32 *briefs = line;
	unsigned below = 0;
	if (full)
		for (unsigned i = 0; i < full_keys; i++)
			below += le64_get(longs[i]) <= high;
	else
		for (unsigned i = 0; i < brief_keys; i++)
			below += le32_get(briefs[i]) <= bits;
	return below;
}

#define WIDE_MANY wide_many_portable
#include "engine/wide_body.h"
