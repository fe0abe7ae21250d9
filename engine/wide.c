/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/wide.h"

static uint64_t
align_up(uint64_t offset)
{
	return (offset + WIDE_LINE_BYTES - 1) & ~(uint64_t)(WIDE_LINE_BYTES - 1);
}

/* No overflow: counts are 32 bits wide, what they count is 64 bytes at most. */
void
wide_layout(const struct wide *wide, struct wide_layout *layout)
{
	layout->root = sizeof(struct wide_head_d);
	layout->lines = align_up(layout->root + (sizeof(struct le32) << wide->root_bits));
	layout->hot = layout->lines + (uint64_t)wide->line_count * WIDE_LINE_BYTES;
	layout->keys = align_up(layout->hot +
				(uint64_t)wide->record_count * sizeof(struct wide_hot_d));
	layout->length = align_up(layout->keys +
				  (uint64_t)wide->record_count * sizeof(struct wide_key_d));
}

enum status
wide_attach(struct wide *wide, const uint8_t *bytes, size_t length, struct fault *fault)
{
	const struct wide_head_d *head = (const struct wide_head_d *)bytes;
	struct wide view = { .root = NULL };
	struct wide_layout layout;
	if (length < sizeof(*head))
		return fault_set(fault, STATUS_CORRUPT, "wide head", length, "cut short");
	view.root_bits = le32_get(head->root_bits);
	view.line_count = le32_get(head->line_count);
	view.record_count = le32_get(head->record_count);
	if (view.root_bits < WIDE_ROOT_BITS_MIN || view.root_bits > WIDE_ROOT_BITS_MAX)
		return fault_set(fault, STATUS_CORRUPT, "wide head", 0, "no such root");
	if (view.record_count > WIDE_RECORDS_MAX || view.line_count > WIDE_LINE)
		return fault_set(fault, STATUS_CORRUPT, "wide head",
				 offsetof(struct wide_head_d, line_count), "too many of them");
	wide_layout(&view, &layout);
	if (layout.length != length)
		return fault_set(fault, STATUS_CORRUPT, "wide head", 0,
				 "the counts ask for %llu bytes, the section has %zu",
				 (unsigned long long)layout.length, length);
	view.root = (const struct le32 *)(bytes + layout.root);
	view.lines = bytes + layout.lines;
	view.hot = (const struct wide_hot_d *)(bytes + layout.hot);
	view.keys = (const struct wide_key_d *)(bytes + layout.keys);
	*wide = view;
	return STATUS_OK;
}

/* --- one address --- */

static unsigned
brief_below(const struct le32 *keys, unsigned count, uint32_t bits)
{
	unsigned below = 0;
	for (unsigned i = 0; i < count; i++)
		below += le32_get(keys[i]) <= bits;
	return below;
}

static unsigned
full_below(const struct le64 *keys, unsigned count, uint64_t hi)
{
	unsigned below = 0;
	for (unsigned i = 0; i < count; i++)
		below += le64_get(keys[i]) <= hi;
	return below;
}

/* From an inner line to the cell of the child. */
static uint32_t
inner_child(const uint8_t *line, uint32_t cell, uint64_t hi, unsigned used)
{
	const struct wide_inner_d *inner = (const struct wide_inner_d *)line;
	unsigned child = WIDE_KIND(cell) == WIDE_FULL
		? full_below(inner->key.full, WIDE_FULL_SPLITS, hi)
		: brief_below(inner->key.brief, WIDE_BRIEF_SPLITS, wide_slot(hi, used, 32));
	if (child > le16_get(inner->last))
		child = le16_get(inner->last);
	bool full = (le16_get(inner->full) >> child & 1) != 0;
	return (uint32_t)(full ? WIDE_FULL : WIDE_BRIEF) << 30 |
	       (WIDE_LEVELS(cell) - 1) << 26 | ((le32_get(inner->first) + child) & WIDE_LINE);
}

static uint32_t
tree_value(const struct wide *wide, uint32_t cell, uint64_t hi, unsigned used)
{
	for (;;) {
		if ((cell & WIDE_LINE) >= wide->line_count)
			return 0;
		const uint8_t *line = wide->lines + (size_t)(cell & WIDE_LINE) * WIDE_LINE_BYTES;
		const struct wide_brief_d *brief = (const struct wide_brief_d *)line;
		const struct wide_full_d *full = (const struct wide_full_d *)line;
		if (WIDE_LEVELS(cell) > 0)
			cell = inner_child(line, cell, hi, used);
		else if (WIDE_KIND(cell) == WIDE_FULL)
			return le32_get(full->value[full_below(full->key, WIDE_FULL_KEYS, hi)]);
		else
			return le32_get(brief->value[brief_below(brief->key, WIDE_BRIEF_KEYS,
								 wide_slot(hi, used, 32))]);
	}
}

/* The value of the range of `hi`; whatever leads out of the section finds nothing. */
static uint32_t
value_of(const struct wide *wide, uint64_t hi)
{
	unsigned used = wide->root_bits;
	if (used == 0)
		return 0;
	uint32_t cell = le32_get(wide->root[wide_slot(hi, 0, used)]);
	if (WIDE_KIND(cell) == WIDE_TABLE) {
		unsigned width = WIDE_LEVELS(cell) + WIDE_TABLE_BITS_MIN;
		uint32_t slot = wide_slot(hi, used, width);
		uint32_t number = (cell & WIDE_LINE) + slot / WIDE_LINE_CELLS;
		if (width > WIDE_TABLE_BITS_MAX || number >= wide->line_count)
			return 0;
		const struct le32 *cells =
			(const struct le32 *)(wide->lines + (size_t)number * WIDE_LINE_BYTES);
		cell = le32_get(cells[slot % WIDE_LINE_CELLS]);
		used += width;
	}
	if (WIDE_KIND(cell) == WIDE_VALUE || WIDE_KIND(cell) == WIDE_TABLE)
		return WIDE_KIND(cell) == WIDE_VALUE ? cell : 0;
	return tree_value(wide, cell, hi, used);
}

uint32_t
wide_find(const struct wide *wide, uint64_t hi, uint64_t lo)
{
	uint32_t value = value_of(wide, hi), record = value & WIDE_RECORD;
	if ((value & WIDE_LIST) != 0)
		record = wide_list_find(wide, value, hi, lo);
	return (value & WIDE_HOSTS) | (record <= wide->record_count ? record : 0);
}

/* --- prefixes longer than /64 --- */

/* Does the key of record `index` stand at or before the address, in the same /64? */
static bool
at_or_before(const struct wide *wide, uint32_t index, uint64_t hi, uint64_t lo)
{
	const uint8_t *address = wide->keys[index].address;
	return be64_get(address) == hi && be64_get(address + 8) <= lo;
}

/*
 * The records of one /64 stand together from the value's on: the last one at
 * or before the address covers it, or one of its parents does. Steps that
 * double find how far to search.
 */
uint32_t
wide_list_find(const struct wide *wide, uint32_t value, uint64_t hi, uint64_t lo)
{
	uint32_t first = (value & WIDE_RECORD) - 1, step = 1, count = wide->record_count;
	struct ptrie_prefix prefix;
	if (first >= count)
		return 0;
	if (!at_or_before(wide, first, hi, lo)) {
		uint32_t parent = le32_get(wide->keys[first].parent);
		return parent <= count ? parent : 0;
	}
	while (step < count - first && at_or_before(wide, first + step, hi, lo)) {
		first += step;
		step *= 2;
	}
	for (; step > 0; step /= 2)
		if (step < count - first && at_or_before(wide, first + step, hi, lo))
			first += step;
	uint32_t number = first + 1;
	bool more = wide_record(wide, first, &prefix);
	while (more && !ptrie_same(prefix.hi, prefix.lo, hi, lo, prefix.bits)) {
		number = prefix.parent;
		more = wide_parent(wide, &prefix);
	}
	return more ? number : 0;
}

/* --- records --- */

bool
wide_record(const struct wide *wide, uint32_t index, struct ptrie_prefix *prefix)
{
	if (index >= wide->record_count || wide->hot[index].bits > WIDE_BITS_MAX)
		return false;
	const struct wide_key_d *key = &wide->keys[index];
	prefix->hi = be64_get(key->address);
	prefix->lo = be64_get(key->address + 8);
	prefix->bits = wide->hot[index].bits;
	prefix->parent = le32_get(key->parent);
	prefix->claims = le32_get(wide->hot[index].claims);
	return prefix->bits <= WIDE_BITS_MAX;
}

bool
wide_parent(const struct wide *wide, struct ptrie_prefix *prefix)
{
	struct ptrie_prefix parent;
	if (!wide_record(wide, prefix->parent - 1, &parent) || parent.bits >= prefix->bits)
		return false;
	*prefix = parent;
	return true;
}

uint32_t
wide_find_exact(const struct wide *wide, uint64_t hi, uint64_t lo, unsigned bits)
{
	uint32_t number = wide_find(wide, hi, lo) & WIDE_RECORD;
	struct ptrie_prefix prefix;
	for (bool more = wide_record(wide, number - 1, &prefix); more && prefix.bits >= bits;) {
		if (prefix.bits == bits)
			return prefix.hi == hi && prefix.lo == lo ? number : 0;
		number = prefix.parent;
		more = wide_parent(wide, &prefix);
	}
	return 0;
}
