/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wide_find for many addresses at once, compiled once for each instruction
 * set: wide_*.c choose the target, say how the keys of a line are counted
 * (wide_below: how many keys of a line are <= the query), name the function with WIDE_MANY and include this file.
 *
 * A group goes down in lockstep: every step asks for the lines of the next one
 * before it needs them. Most addresses end at the root; the rest is sorted by
 * the kind of their cell, without branches, so that each loop does one thing.
 */
#include "engine/wide.h"

/* At most 256: lanes are bytes. */
#define WIDE_GROUP 256

struct lanes {
	uint8_t lane[WIDE_GROUP];
	unsigned count;
};

struct walk {
	uint64_t high[WIDE_GROUP];
	uint32_t bits[WIDE_GROUP];       /* what brief keys are compared with */
	uint32_t cell[WIDE_GROUP];       /* where the lane stands */
	struct lanes table, inner, leaf;
};

static const struct wide_full_d wide_nothing;

static inline void
lanes_add(struct lanes *lanes, unsigned lane, bool there)
{
	lanes->lane[lanes->count] = (uint8_t)lane;
	lanes->count += there;
}

static inline const uint8_t *
walk_line(const struct wide *wide, uint32_t number)
{
	return number < wide->line_count ? wide->lines + (size_t)number * WIDE_LINE_BYTES
					 : (const uint8_t *)&wide_nothing;
}

/*
 * A lane comes to a cell that is no value nor table. No section has line
 * WIDE_LINE: what leads out of the section is a leaf of nothing.
 */
static inline void
walk_tree(struct walk *walk, const struct wide *wide, unsigned lane, uint32_t cell)
{
	cell = (cell & WIDE_LINE) < wide->line_count ? cell : (uint32_t)WIDE_BRIEF << 30 | WIDE_LINE;
	walk->cell[lane] = cell;
	__builtin_prefetch(walk_line(wide, cell & WIDE_LINE));
	lanes_add(&walk->inner, lane, WIDE_LEVELS(cell) > 0);
	lanes_add(&walk->leaf, lane, WIDE_LEVELS(cell) == 0);
}

static inline uint32_t
table_line(uint32_t cell, uint64_t high, unsigned used, uint32_t *slot)
{
	*slot = wide_slot(high, used, WIDE_LEVELS(cell) + WIDE_TABLE_BITS_MIN);
	return (cell & WIDE_LINE) + *slot / WIDE_LINE_CELLS;
}

/* The root: values[i] is done where its cell is a value. */
static inline void
walk_root(struct walk *walk, const struct wide *wide, const uint8_t (*addresses)[16], unsigned n,
	  uint32_t *values)
{
	struct lanes below;
	unsigned used = wide->root_bits;
	below.count = 0;
	for (unsigned i = 0; i < n; i++) {
		values[i] = le32_get(wide->root[be64_get(addresses[i]) >> (64 - used)]);
		lanes_add(&below, i, WIDE_KIND(values[i]) != WIDE_VALUE);
	}
	for (unsigned i = 0; i < below.count; i++) {
		unsigned lane = below.lane[i];
		uint32_t cell = values[lane], slot;
		uint64_t high = be64_get(addresses[lane]);
		walk->high[lane] = high;
		if (WIDE_KIND(cell) == WIDE_TABLE) {
			__builtin_prefetch(walk_line(wide, table_line(cell, high, used, &slot)));
			lanes_add(&walk->table, lane, true);
			continue;
		}
		walk->bits[lane] = wide_slot(high, used, 32);
		walk_tree(walk, wide, lane, cell);
	}
}

static inline void
walk_tables(struct walk *walk, const struct wide *wide, uint32_t *values)
{
	for (unsigned i = 0; i < walk->table.count; i++) {
		unsigned lane = walk->table.lane[i], width = WIDE_LEVELS(values[lane]) + WIDE_TABLE_BITS_MIN;
		uint32_t slot, number = table_line(values[lane], walk->high[lane], wide->root_bits, &slot);
		const struct le32 *cells = (const struct le32 *)walk_line(wide, number);
		uint32_t cell = width > WIDE_TABLE_BITS_MAX ? 0 : le32_get(cells[slot % WIDE_LINE_CELLS]);
		values[lane] = WIDE_KIND(cell) == WIDE_VALUE ? cell : 0;
		if (WIDE_KIND(cell) == WIDE_VALUE || WIDE_KIND(cell) == WIDE_TABLE)
			continue;
		walk->bits[lane] = wide_slot(walk->high[lane], wide->root_bits + width, 32);
		walk_tree(walk, wide, lane, cell);
	}
}

static inline void
walk_inner(struct walk *walk, const struct wide *wide)
{
	while (walk->inner.count > 0) {
		unsigned count = walk->inner.count;
		walk->inner.count = 0;
		for (unsigned i = 0; i < count; i++) {
			unsigned lane = walk->inner.lane[i];
			uint32_t cell = walk->cell[lane];
			const struct wide_inner_d *line =
				(const struct wide_inner_d *)walk_line(wide, cell & WIDE_LINE);
			unsigned child = wide_below(line, WIDE_KIND(cell) == WIDE_FULL, walk->high[lane],
						    walk->bits[lane], WIDE_FULL_SPLITS,
						    WIDE_BRIEF_SPLITS);
			unsigned last = le16_get(line->last);
			child = child < last ? child : last;
			uint32_t kind = WIDE_BRIEF + (le16_get(line->full) >> child & 1u);
			walk_tree(walk, wide, lane, kind << 30 | (WIDE_LEVELS(cell) - 1) << 26 |
				  ((le32_get(line->first) + child) & WIDE_LINE));
		}
	}
}

static inline void
walk_leaves(struct walk *walk, const struct wide *wide, uint32_t *values)
{
	for (unsigned i = 0; i < walk->leaf.count; i++) {
		unsigned lane = walk->leaf.lane[i];
		uint32_t cell = walk->cell[lane];
		bool full = WIDE_KIND(cell) == WIDE_FULL;
		const uint8_t *line = walk_line(wide, cell & WIDE_LINE);
		const struct le32 *value = full ? ((const struct wide_full_d *)line)->value
						: ((const struct wide_brief_d *)line)->value;
		values[lane] = le32_get(value[wide_below(line, full, walk->high[lane], walk->bits[lane],
							 WIDE_FULL_KEYS, WIDE_BRIEF_KEYS)]);
	}
}

/* Values to answers. */
static inline void
walk_finish(const struct wide *wide, const uint8_t (*addresses)[16], unsigned n, uint32_t *values)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t value = values[i], record = value & WIDE_RECORD;
		if (value == 0)
			continue;
		if ((value & WIDE_LIST) != 0)
			record = wide_list_find(wide, value, be64_get(addresses[i]),
						be64_get(addresses[i] + 8));
		values[i] = (value & WIDE_HOSTS) | (record <= wide->record_count ? record : 0);
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
		walk.table.count = walk.inner.count = walk.leaf.count = 0;
		walk_root(&walk, wide, addresses, some, found);
		walk_tables(&walk, wide, found);
		walk_inner(&walk, wide);
		walk_leaves(&walk, wide, found);
		walk_finish(wide, addresses, some, found);
	}
}
