/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/wide_build.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 66 /* /0 to /64 over one another, and what lies in the /64 */

/* A table has a cell for each so many ranges (docs/bench-wide.md). */
#define TABLE_RANGES 16u

static int
compare_hosts(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

size_t
wide_hosts_sort(uint64_t *hosts, size_t n)
{
	size_t kept = 0;
	if (n > 0)
		qsort(hosts, n, sizeof(*hosts), compare_hosts);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || hosts[i] != hosts[kept - 1])
			hosts[kept++] = hosts[i];
	return kept;
}

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, "wide", 0, "no memory");
}

/* --- records ----------------------------------------------------------------------------- */

uint32_t
wide_parent_expected(const struct wide *wide, uint32_t index, const struct ptrie_prefix *prefix)
{
	/* What covers this record and stands before it is the record just before, or covers that. */
	struct ptrie_prefix before;
	uint32_t number = index;
	bool more = wide_record(wide, index - 1, &before);
	while (more && !(before.bits < prefix->bits &&
			 ptrie_same(before.hi, before.lo, prefix->hi, prefix->lo, before.bits))) {
		number = before.parent;
		more = wide_parent(wide, &before);
	}
	return more ? number : 0;
}

const char *
wide_entry_mistake(const struct ptrie_entry *entry, const struct ptrie_entry *before)
{
	if (entry->bits > WIDE_BITS_MAX)
		return "a prefix longer than /127";
	uint64_t high = entry->bits >= 64 ? 0 : entry->hi << entry->bits;
	uint64_t low = entry->bits <= 64 ? entry->lo : entry->lo << (entry->bits - 64);
	if ((high | low) != 0)
		return "bits are set past the length of a prefix";
	if (before != NULL && ptrie_entry_compare(before, entry) >= 0)
		return "prefixes are not in order, or twice there";
	return NULL;
}

/* Hot and keys of the records: storage for all of them. */
static enum status
fill_records(struct wide *wide, struct wide_hot_d *hot, struct wide_key_d *keys,
	     const struct ptrie_entry *entries, size_t n, struct fault *fault)
{
	wide->hot = hot;
	wide->keys = keys;
	for (size_t i = 0; i < n; i++) {
		const struct ptrie_entry *entry = &entries[i];
		const char *mistake = wide_entry_mistake(entry, i > 0 ? entry - 1 : NULL);
		if (mistake != NULL)
			return fault_set(fault, STATUS_USAGE, "wide entry", i, "%s", mistake);
		struct ptrie_prefix prefix = { .hi = entry->hi, .lo = entry->lo, .bits = entry->bits };
		hot[i] = (struct wide_hot_d){ .claims = le32_make(entry->claims),
					      .bits = (uint8_t)entry->bits };
		be64_put(keys[i].address, entry->hi);
		be64_put(keys[i].address + 8, entry->lo);
		keys[i].parent = le32_make(wide_parent_expected(wide, (uint32_t)i, &prefix));
		wide->record_count = (uint32_t)i + 1;
	}
	return STATUS_OK;
}

/* --- ranges ------------------------------------------------------------------------------- */

/* A range: from `start` to the next one's start, or the end; neighbours differ in value. */
struct wide_node {
	uint64_t start;
	uint32_t value;
};

struct sweep {
	const struct wide *wide;
	const uint64_t *hosts;
	size_t host_count, host;         /* `host`: the next one */
	uint32_t record;                 /* the next one */
	struct wide_node *ranges;       /* room for all: two for each record and host, and one */
	size_t count;
	struct { uint64_t last; uint32_t value; } open[DEPTH_MAX + 1];
	unsigned depth;
};

static void
range_begin(struct sweep *sweep, uint64_t start, uint32_t value)
{
	if (sweep->count > 0 && sweep->ranges[sweep->count - 1].start == start)
		sweep->count--;
	if (sweep->count > 0 && sweep->ranges[sweep->count - 1].value == value)
		return;
	sweep->ranges[sweep->count++] = (struct wide_node){ start, value };
}

/* Close what ends before `start`. open[0] is everything, and never closed. */
static void
sweep_close(struct sweep *sweep, uint64_t start)
{
	while (sweep->depth > 0 && sweep->open[sweep->depth].last < start) {
		uint64_t end = sweep->open[sweep->depth--].last + 1;
		range_begin(sweep, end, sweep->open[sweep->depth].value);
	}
}

static void
sweep_open(struct sweep *sweep, uint64_t start, unsigned bits, uint32_t value)
{
	sweep_close(sweep, start);
	sweep->depth++;
	sweep->open[sweep->depth].last = bits == 64 ? start : start | ~0ull >> bits;
	sweep->open[sweep->depth].value = value;
	range_begin(sweep, start, value);
}

/* The /64 of `hi`: it has hosts, prefixes longer than /64 from `first` on (0: none), or both. */
static void
sweep_inside(struct sweep *sweep, uint64_t hi, uint32_t first)
{
	sweep_close(sweep, hi);
	uint32_t value = first == 0 ? sweep->open[sweep->depth].value : first | WIDE_LIST;
	if (sweep->host < sweep->host_count && sweep->hosts[sweep->host] == hi) {
		value |= WIDE_HOSTS;
		sweep->host++;
	}
	sweep_open(sweep, hi, 64, value);
}

static void
sweep_record(struct sweep *sweep, const struct ptrie_prefix *prefix)
{
	uint32_t first = sweep->record + 1;
	struct ptrie_prefix next = *prefix;
	if (prefix->bits <= 64) {
		sweep_open(sweep, prefix->hi, prefix->bits, first);
		sweep->record++;
		return;
	}
	while (next.hi == prefix->hi && wide_record(sweep->wide, ++sweep->record, &next))
		;
	sweep_inside(sweep, prefix->hi, first);
}

static void
sweep_all(struct sweep *sweep)
{
	struct ptrie_prefix prefix;
	range_begin(sweep, 0, 0);
	while (sweep->record < sweep->wide->record_count || sweep->host < sweep->host_count) {
		bool record = wide_record(sweep->wide, sweep->record, &prefix);
		if (record && (sweep->host == sweep->host_count ||
			       prefix.hi <= sweep->hosts[sweep->host]))
			sweep_record(sweep, &prefix);
		else
			sweep_inside(sweep, sweep->hosts[sweep->host], 0);
	}
	while (sweep->depth > 0 && sweep->open[sweep->depth].last != ~0ull)
		sweep_close(sweep, sweep->open[sweep->depth].last + 1);
}

/* --- cells and lines ------------------------------------------------------------------------ */

/* A place: the addresses whose first `used` bits are those of `start`. */
struct place {
	uint64_t start;
	unsigned used;
	size_t from, to;                 /* ranges that begin inside it, not at its start */
	uint32_t value;                  /* at its start */
};

static enum status
lines_add(struct wide_maker *maker, size_t count, size_t *first, struct fault *fault)
{
	size_t wanted = maker->line_count + count;
	if (wanted > WIDE_LINE)
		return fault_set(fault, STATUS_LIMIT, "wide", 0, "too many prefixes");
	if (wanted > maker->line_capacity) {
		size_t capacity = wanted + wanted / 2;
		uint8_t *lines = realloc(maker->lines, capacity * WIDE_LINE_BYTES);
		if (lines == NULL)
			return no_memory(fault);
		maker->lines = lines;
		maker->line_capacity = capacity;
	}
	memset(maker->lines + maker->line_count * WIDE_LINE_BYTES, 0, count * WIDE_LINE_BYTES);
	*first = maker->line_count;
	maker->line_count = wanted;
	return STATUS_OK;
}

/* Keys of one size: those of nodes[1..count-1], then all ones. */
static void
store_keys(const struct wide_node *nodes, size_t count, unsigned used, bool full, uint8_t *keys,
	   size_t room)
{
	memset(keys, 0xff, room * (full ? sizeof(struct le64) : sizeof(struct le32)));
	for (size_t i = 1; i < count; i++) {
		struct le64 wide = le64_make(nodes[i].start);
		struct le32 brief = le32_make(wide_slot(nodes[i].start, used, 32));
		if (full)
			memcpy(keys + (i - 1) * sizeof(wide), &wide, sizeof(wide));
		else
			memcpy(keys + (i - 1) * sizeof(brief), &brief, sizeof(brief));
	}
}

static void
store_leaf(const struct wide_node *nodes, size_t count, unsigned used, bool full, uint8_t *line)
{
	struct wide_brief_d *brief = (struct wide_brief_d *)line;
	struct wide_full_d *long_ones = (struct wide_full_d *)line;
	size_t room = full ? WIDE_FULL_KEYS : WIDE_BRIEF_KEYS;
	store_keys(nodes, count, used, full, line, room);
	for (size_t i = 0; i <= room; i++)
		(full ? long_ones->value : brief->value)[i] =
			le32_make(nodes[i < count ? i : count - 1].value);
}

static void
store_inner(const struct wide_node *nodes, size_t count, unsigned used, bool full, uint8_t *line,
	    size_t first)
{
	struct wide_inner_d *inner = (struct wide_inner_d *)line;
	unsigned mask = 0;
	store_keys(nodes, count, used, full, line, full ? WIDE_FULL_SPLITS : WIDE_BRIEF_SPLITS);
	for (size_t i = 0; i < count; i++)
		mask |= (nodes[i].value == WIDE_FULL ? 1u : 0u) << i;
	inner->first = le32_make((uint32_t)first);
	inner->full = le16_make((uint16_t)mask);
	inner->last = le16_make((uint16_t)(count - 1));
}

/*
 * How many of the nodes the next line takes: one, and as many as it has keys
 * of the size that takes more of them.
 */
static size_t
line_take(const struct wide_node *nodes, size_t count, unsigned used, size_t brief_keys,
	  size_t full_keys, bool *full)
{
	size_t brief = 1;
	while (brief < count && brief <= brief_keys &&
	       (used >= 32 || nodes[brief].start << used << 32 == 0))
		brief++;
	size_t most = count <= full_keys ? count : full_keys + 1;
	*full = brief < most;
	return *full ? most : brief;
}

/*
 * One level: `nodes` into lines, of which each is a node of the next level
 * (its value is the kind of its keys), in the same array. `first`: the line of nodes[0]; the
 * nodes of level 0 are ranges.
 */
static enum status
make_level(struct wide_maker *maker, unsigned used, unsigned level, size_t *count, size_t first,
	   struct fault *fault)
{
	struct wide_node *nodes = maker->nodes;
	size_t brief_keys = level == 0 ? WIDE_BRIEF_KEYS : WIDE_BRIEF_SPLITS;
	size_t full_keys = level == 0 ? WIDE_FULL_KEYS : WIDE_FULL_SPLITS;
	size_t made = 0, number, took;
	for (size_t at = 0; at < *count; at += took) {
		bool full;
		took = line_take(nodes + at, *count - at, used, brief_keys, full_keys, &full);
		enum status status = lines_add(maker, 1, &number, fault);
		if (status != STATUS_OK)
			return status;
		uint8_t *line = maker->lines + number * WIDE_LINE_BYTES;
		if (level == 0)
			store_leaf(nodes + at, took, used, full, line);
		else
			store_inner(nodes + at, took, used, full, line, first + at);
		nodes[made].start = nodes[at].start;
		nodes[made++].value = full ? WIDE_FULL : WIDE_BRIEF;
	}
	*count = made;
	return STATUS_OK;
}

static enum status
make_tree(struct wide_maker *maker, const struct place *place, uint32_t *cell, struct fault *fault)
{
	struct wide_node *nodes = maker->nodes;
	size_t count = 1, first = 0, line;
	unsigned level = 0;
	nodes[0] = (struct wide_node){ place->start, place->value };
	for (size_t i = place->from; i < place->to; i++)
		nodes[count++] = maker->ranges[i];
	do {
		line = maker->line_count;
		enum status status = make_level(maker, place->used, level, &count, first, fault);
		if (status != STATUS_OK)
			return status;
		first = line;
		level++;
	} while (count > 1);
	*cell = nodes[0].value << 30 | (level - 1) * WIDE_LEVEL | (uint32_t)first;
	return STATUS_OK;
}

/* One cell for every TABLE_RANGES ranges. */
static unsigned
table_bits(const struct place *place)
{
	unsigned bits = 63 - (unsigned)__builtin_clzll((place->to - place->from) / TABLE_RANGES);
	return bits > WIDE_TABLE_BITS_MAX ? WIDE_TABLE_BITS_MAX : bits;
}

static enum status
make_cells(struct wide_maker *maker, const struct place *place, unsigned bits, size_t line,
	   struct fault *fault);

static enum status
make_place(struct wide_maker *maker, const struct place *place, uint32_t *cell, struct fault *fault)
{
	size_t count = place->to - place->from, first;
	*cell = place->value;
	if (count == 0)
		return STATUS_OK;
	if (place->used != maker->root_bits || count < TABLE_RANGES << WIDE_TABLE_BITS_MIN)
		return make_tree(maker, place, cell, fault);
	unsigned bits = table_bits(place);
	enum status status = lines_add(maker, (size_t)1 << bits >> 4, &first, fault);
	if (status != STATUS_OK)
		return status;
	*cell = (uint32_t)WIDE_TABLE << 30 | (bits - WIDE_TABLE_BITS_MIN) << 26 | (uint32_t)first;
	return make_cells(maker, place, bits, first, fault);
}

/* Cells of the next `bits` bits, from `line` on; the root's where nothing is used. */
static enum status
make_cells(struct wide_maker *maker, const struct place *place, unsigned bits, size_t line,
	   struct fault *fault)
{
	unsigned rest = 64 - place->used - bits;
	struct place below = { place->start, place->used + bits, place->from, place->from,
			       place->value };
	for (uint64_t slot = 0; slot < 1ull << bits; slot++) {
		uint64_t last = below.start | ((1ull << rest) - 1);
		uint32_t cell;
		if (below.from < place->to && maker->ranges[below.from].start == below.start)
			below.value = maker->ranges[below.from++].value;
		for (below.to = below.from; below.to < place->to; below.to++)
			if (maker->ranges[below.to].start > last)
				break;
		enum status status = make_place(maker, &below, &cell, fault);
		if (status != STATUS_OK)
			return status;
		struct le32 *cells = place->used == 0 ? maker->root :
				     (struct le32 *)(maker->lines + line * WIDE_LINE_BYTES);
		cells[slot] = le32_make(cell);
		if (below.to > below.from)
			below.value = maker->ranges[below.to - 1].value;
		below.from = below.to;
		below.start = last + 1;
	}
	return STATUS_OK;
}

/* 16 bits from 2048 ranges on; fewer where the root would be most of the section. */
static unsigned
root_bits(size_t ranges)
{
	return ranges >= 2048 ? 16 : ranges >= 128 ? 12 : ranges >= 8 ? 8 : 4;
}

static enum status
make_ranges(struct wide_maker *maker, struct sweep *sweep, struct fault *fault)
{
	struct place all = { 0, 0, 1, sweep->count, sweep->ranges[0].value };
	maker->ranges = sweep->ranges;
	maker->root_bits = root_bits(sweep->count);
	maker->root = calloc((size_t)1 << maker->root_bits, sizeof(*maker->root));
	maker->nodes = malloc(sweep->count * sizeof(*maker->nodes));
	return maker->root == NULL || maker->nodes == NULL ? no_memory(fault) :
				     make_cells(maker, &all, maker->root_bits, 0, fault);
}

enum status
wide_make(struct wide_maker *maker, const struct wide *records, const uint64_t *hosts,
	  size_t host_count, struct fault *fault)
{
	struct sweep sweep = { .wide = records, .hosts = hosts, .host_count = host_count };
	size_t room = 2 * ((size_t)records->record_count + host_count) + 1;
	memset(maker, 0, sizeof(*maker));
	sweep.ranges = malloc(room * sizeof(*sweep.ranges));
	if (sweep.ranges == NULL)
		return no_memory(fault);
	sweep_all(&sweep);
	enum status status = make_ranges(maker, &sweep, fault);
	free(sweep.ranges);
	free(maker->nodes);
	maker->nodes = NULL;
	maker->ranges = NULL;
	if (status != STATUS_OK)
		wide_maker_fini(maker);
	return status;
}

void
wide_maker_fini(struct wide_maker *maker)
{
	free(maker->root);
	free(maker->lines);
	memset(maker, 0, sizeof(*maker));
}

/* --- the section ------------------------------------------------------------------------------ */

static enum status
join_parts(const struct wide *wide, const struct wide_maker *maker, struct wide_image *image,
	   struct fault *fault)
{
	struct wide sized = *wide;
	struct wide_layout layout;
	sized.root_bits = maker->root_bits;
	sized.line_count = (uint32_t)maker->line_count;
	wide_layout(&sized, &layout);
	uint8_t *bytes = layout.length > SIZE_MAX ? NULL : calloc(1, (size_t)layout.length);
	if (bytes == NULL)
		return no_memory(fault);
	struct wide_head_d head = {
		.root_bits = le32_make(maker->root_bits),
		.line_count = le32_make(sized.line_count),
		.record_count = le32_make(wide->record_count),
	};
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + layout.root, maker->root, sizeof(*maker->root) << maker->root_bits);
	if (maker->line_count > 0)
		memcpy(bytes + layout.lines, maker->lines, maker->line_count * WIDE_LINE_BYTES);
	memcpy(bytes + layout.hot, wide->hot, wide->record_count * sizeof(*wide->hot));
	memcpy(bytes + layout.keys, wide->keys, wide->record_count * sizeof(*wide->keys));
	*image = (struct wide_image){ bytes, (size_t)layout.length };
	return STATUS_OK;
}

enum status
wide_build(const struct ptrie_entry *entries, size_t n, const uint64_t *hosts, size_t host_count,
	   struct wide_image *image, struct fault *fault)
{
	struct wide wide = { .root = NULL };
	struct wide_maker maker;
	if (n > WIDE_RECORDS_MAX || host_count > WIDE_RECORDS_MAX)
		return fault_set(fault, STATUS_LIMIT, "wide", n, "too many prefixes");
	for (size_t i = 1; i < host_count; i++)
		if (hosts[i - 1] >= hosts[i])
			return fault_set(fault, STATUS_USAGE, "wide hosts", i, "not in order");
	struct wide_hot_d *hot = malloc(n * sizeof(*hot) + 1);
	struct wide_key_d *keys = malloc(n * sizeof(*keys) + 1);
	enum status status = hot == NULL || keys == NULL ? no_memory(fault) :
			     fill_records(&wide, hot, keys, entries, n, fault);
	if (status == STATUS_OK)
		status = wide_make(&maker, &wide, hosts, host_count, fault);
	if (status == STATUS_OK) {
		status = join_parts(&wide, &maker, image, fault);
		wide_maker_fini(&maker);
	}
	free(hot);
	free(keys);
	return status;
}
