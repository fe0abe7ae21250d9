/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wide_find for many addresses at once, compiled once for each instruction
 * set: wide_*.c choose the target, say how the keys of a line are counted
 * (wide_below: how many keys of a line are <= the query), name the function with WIDE_MANY and include this file.
 *
 * A group goes down in lockstep: every step asks for the lines of the next one
 * before it needs them. Most addresses end at the root; the others are sorted, without
 * branches, by how many levels of a tree they stand above the leaves, so that each loop does
 * one thing and a step down is from one list to the end of the next.
 */
#include "engine/wide.h"

/* At most 256: lanes are bytes. */
#define WIDE_GROUP 256
#define WIDE_LEVELS_MOST 15

/* Where a lane stands below the root. */
struct stand {
	uint64_t high;
	const uint8_t *place;            /* a line of a tree; before that, the cell of a table */
	uint32_t bits;                   /* what brief keys are compared with */
	uint32_t full;                   /* the line has full keys; before that, bits of the table */
};

struct walk {
	struct stand stand[WIDE_GROUP];
	uint8_t below[WIDE_GROUP], table[WIDE_GROUP];    /* lanes whose cell of the root is not 0 */
	unsigned below_count, table_count;
	uint8_t level[WIDE_LEVELS_MOST + 1][WIDE_GROUP]; /* lanes in a tree, by levels below them */
	unsigned level_count[WIDE_LEVELS_MOST + 1];
};

/*
 * What leads out of the section leads to a leaf or a cell of nothing; if it has levels below it, by
 * an inner line whose only child is outside too: no section has line WIDE_LINE.
 */
static const struct wide_full_d wide_nothing;
static const struct wide_inner_d wide_nowhere = {.first = {{0xff, 0xff, 0xff, 0x03}}};

/* A value to the answer. */
static inline __attribute__((always_inline)) uint32_t
walk_value(const struct wide *wide, const uint8_t *address, uint32_t value)
{
	uint32_t record = value & WIDE_RECORD;
	if (__builtin_expect((value & WIDE_LIST) != 0, 0))
		record = wide_list_find(wide, value, be64_get(address), be64_get(address + 8));
	return (value & WIDE_HOSTS) | (record <= wide->record_count ? record : 0);
}

/* Line `number` of a tree, `levels` above its leaves; its keys are full ones if `full`. */
static inline __attribute__((always_inline)) void
stand_at(struct stand *stand, const struct wide *wide, uint32_t number, uint32_t levels, bool full)
{
	stand->place = wide->lines + (size_t)number * WIDE_LINE_BYTES;
	stand->full = full;
	if (__builtin_expect(number >= wide->line_count, 0)) {
		stand->place = levels == 0 ? (const uint8_t *)&wide_nothing
					   : (const uint8_t *)&wide_nowhere;
		stand->full = false;
	}
	__builtin_prefetch(stand->place);
}

/* A lane comes to a cell that is the top of a tree. */
static inline __attribute__((always_inline)) void
walk_tree(struct walk *walk, const struct wide *wide, unsigned lane, uint32_t cell)
{
	uint32_t levels = WIDE_LEVELS(cell);
	stand_at(&walk->stand[lane], wide, cell & WIDE_LINE, levels,
		 WIDE_KIND(cell) == WIDE_FULL);
	walk->level[levels][walk->level_count[levels]++] = (uint8_t)lane;
}

static inline __attribute__((always_inline)) void
walk_to_table(struct walk *walk, const struct wide *wide, unsigned lane, uint32_t cell)
{
	struct stand *stand = &walk->stand[lane];
	unsigned width = WIDE_LEVELS(cell) + WIDE_TABLE_BITS_MIN;
	uint32_t slot = wide_slot(stand->high, wide->root_bits, width);
	uint32_t number = (cell & WIDE_LINE) + slot / WIDE_LINE_CELLS;
	stand->full = width;
	stand->place = wide->lines + (size_t)number * WIDE_LINE_BYTES +
		       slot % WIDE_LINE_CELLS * sizeof(struct le32);
	if (__builtin_expect(number >= wide->line_count || width > WIDE_TABLE_BITS_MAX, 0))
		stand->place = (const uint8_t *)&wide_nothing;
	__builtin_prefetch(stand->place);
	walk->table[walk->table_count++] = (uint8_t)lane;
}

/* The root: values[i] is done where its cell is a value; for most that is 0. */
static inline __attribute__((always_inline)) void
walk_root(struct walk *walk, const struct wide *wide, const uint8_t (*addresses)[16], unsigned n,
	  uint32_t *values)
{
	unsigned used = wide->root_bits, count = 0;
	for (unsigned i = 0; i < n; i++) {
		uint32_t cell = le32_get(wide->root[be64_get(addresses[i]) >> (64 - used)]);
		values[i] = cell;
		walk->below[count] = (uint8_t)i;
		count += cell != 0;
	}
	walk->below_count = count;
	for (unsigned i = 0; i < count; i++) {
		unsigned lane = walk->below[i];
		uint32_t cell = values[lane];
		uint64_t high = be64_get(addresses[lane]);
		walk->stand[lane].high = high;
		walk->stand[lane].bits = wide_slot(high, used, 32);
		if (WIDE_KIND(cell) == WIDE_TABLE)
			walk_to_table(walk, wide, lane, cell);
		else if (WIDE_KIND(cell) != WIDE_VALUE)
			walk_tree(walk, wide, lane, cell);
		else
			values[lane] = walk_value(wide, addresses[lane], cell);
	}
}

static inline __attribute__((always_inline)) void
walk_tables(struct walk *walk, const struct wide *wide, const uint8_t (*addresses)[16],
	    uint32_t *values)
{
	for (unsigned i = 0; i < walk->table_count; i++) {
		unsigned lane = walk->table[i];
		struct stand *stand = &walk->stand[lane];
		uint32_t cell = le32_get(*(const struct le32 *)stand->place);
		values[lane] = 0;
		if (WIDE_KIND(cell) == WIDE_VALUE)
			values[lane] = walk_value(wide, addresses[lane], cell);
		if (WIDE_KIND(cell) == WIDE_VALUE || WIDE_KIND(cell) == WIDE_TABLE)
			continue;
		stand->bits = wide_slot(stand->high, wide->root_bits + stand->full, 32);
		walk_tree(walk, wide, lane, cell);
	}
}

/* From the level above `level` to it. */
static inline __attribute__((always_inline)) void
walk_inner(struct walk *walk, const struct wide *wide, unsigned level)
{
	uint8_t *next = walk->level[level] + walk->level_count[level];
	const uint8_t *from = walk->level[level + 1], *end = from + walk->level_count[level + 1];
	for (; from < end; from++) {
		struct stand *stand = &walk->stand[*from];
		const struct wide_inner_d *line = (const struct wide_inner_d *)stand->place;
		unsigned child = wide_below(line, stand->full, stand->high, stand->bits,
					    WIDE_FULL_SPLITS, WIDE_BRIEF_SPLITS);
		unsigned last = le16_get(line->last);
		child = child < last ? child : last;
		stand_at(stand, wide, (le32_get(line->first) + child) & WIDE_LINE, level,
			 (le16_get(line->full) >> child & 1) != 0);
		*next++ = *from;
	}
	walk->level_count[level] = (unsigned)(next - walk->level[level]);
}

static inline __attribute__((always_inline)) void
walk_leaves(struct walk *walk, const struct wide *wide, const uint8_t (*addresses)[16],
	    uint32_t *values)
{
	for (unsigned i = 0; i < walk->level_count[0]; i++) {
		unsigned lane = walk->level[0][i];
		const struct stand *stand = &walk->stand[lane];
		const struct le32 *value = stand->full
			? ((const struct wide_full_d *)stand->place)->value
			: ((const struct wide_brief_d *)stand->place)->value;
		unsigned below = wide_below(stand->place, stand->full, stand->high, stand->bits,
					    WIDE_FULL_KEYS, WIDE_BRIEF_KEYS);
		values[lane] = walk_value(wide, addresses[lane], le32_get(value[below]));
	}
}

void
WIDE_MANY(const struct wide *wide, const uint8_t (*addresses)[16], size_t n, uint32_t *found)
{
	struct walk walk;
	if (wide->root_bits == 0) {
		for (size_t i = 0; i < n; i++)
			found[i] = 0;
		return;
	}
	for (unsigned some; n > 0; n -= some, addresses += some, found += some) {
		some = n < WIDE_GROUP ? (unsigned)n : WIDE_GROUP;
		walk.table_count = 0;
		memset(walk.level_count, 0, sizeof(walk.level_count));
		walk_root(&walk, wide, addresses, some, found);
		if (walk.below_count > 0) {
			walk_tables(&walk, wide, addresses, found);
			for (unsigned level = WIDE_LEVELS_MOST; level-- > 0;)
				walk_inner(&walk, wide, level);
			walk_leaves(&walk, wide, addresses, found);
		}
	}
}
