/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ptrie_build.h"

#include <stdlib.h>

int
ptrie_entry_compare(const void *a, const void *b)
{
	const struct ptrie_entry *x = a, *y = b;
	if (x->hi != y->hi)
		return x->hi < y->hi ? -1 : 1;
	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return (x->bits > y->bits) - (x->bits < y->bits);
}

/* --- from records to root, nodes and leaves --- */

uint32_t
ptrie_parent_expected(const struct ptrie *trie, uint32_t index, const struct ptrie_prefix *prefix)
{
	/* What covers this record and stands before it is the record just before, or covers that. */
	struct ptrie_prefix before;
	uint32_t number = index;
	bool more = ptrie_record(trie, index - 1, &before);
	while (more && !(before.bits < prefix->bits && ptrie_same(before.hi, before.lo, prefix->hi,
								  prefix->lo, before.bits))) {
		number = before.parent;
		more = ptrie_parent(trie, &before);
	}
	return more ? number : 0;
}

/*
 * Cut the records at bits [position, position + width): one cell per slot,
 *   PTRIE_LEAF + leaf                      no record goes deeper there
 *   index of the first record that does    the trie has a node there
 * `first` is the first record below the place being cut, i.e. of those that
 * share its first `position` bits and are longer; they stand together. The
 * leaf that covers the whole place is the parent of `first`: of the records
 * no longer than `position`, that is the most specific one.
 */
static void
cut_records(const struct ptrie *trie, uint32_t first, unsigned position, unsigned width,
	    uint32_t *cells)
{
	struct ptrie_prefix place = { .bits = 0 }, prefix;
	ptrie_record(trie, first, &place);
	for (uint32_t slot = 0; slot < 1u << width; slot++)
		cells[slot] = PTRIE_LEAF | place.parent;
	for (uint32_t i = first; ptrie_record(trie, i, &prefix); i++) {
		if (!ptrie_same(prefix.hi, prefix.lo, place.hi, place.lo, position))
			return;
		uint32_t *cell = &cells[ptrie_slot(prefix.hi, prefix.lo, position, width)];
		if (prefix.bits > position + width) {
			*cell = *cell & PTRIE_LEAF ? i : *cell;
			continue;
		}
		/* Whatever it overwrites is less specific: a deeper record would sort after it. */
		for (uint32_t span = 1u << (position + width - prefix.bits); span; span--)
			*cell++ = PTRIE_LEAF | (i + 1);
	}
}

static void
emit(struct ptrie_maker *maker, enum ptrie_part part, uint64_t index, const void *piece,
     size_t count)
{
	if (!maker->stopped)
		maker->stopped = !maker->emit(maker->context, part, index, piece, count);
}

static struct ptrie_leaf_d
make_leaf(const struct ptrie *trie, uint32_t record)
{
	struct ptrie_prefix prefix = { .claims = 0 };
	ptrie_record(trie, record - 1, &prefix);
	return (struct ptrie_leaf_d){ le32_make(record | (prefix.parent ? PTRIE_NESTED : 0)),
				      le32_make(prefix.claims) };
}

/* The cell of a leaf in the root; equal neighbours share one. */
static uint32_t
make_root_leaf(struct ptrie_maker *maker, uint32_t record, uint32_t *last)
{
	if (record == 0)
		return PTRIE_LEAF;
	if (record != *last) {
		struct ptrie_leaf_d leaf = make_leaf(maker->trie, record);
		emit(maker, PTRIE_LEAVES, maker->leaf_count++, &leaf, 1);
		*last = record;
		maker->root_leaf = maker->leaf_count;
	}
	return PTRIE_LEAF | (uint32_t)maker->root_leaf;
}

/* Node `index` and all below it; its records begin with `first`. */
static void
make_node(struct ptrie_maker *maker, uint64_t index, uint32_t first, unsigned position)
{
	uint32_t cells[PTRIE_SLOTS];
	struct ptrie_leaf_d leaves[PTRIE_SLOTS];
	uint64_t inner = 0, runs = 0, child = maker->node_count;
	uint32_t run = 0; /* no cell with PTRIE_LEAF is 0 */
	size_t leaf_count = 0;
	cut_records(maker->trie, first, position, PTRIE_STRIDE, cells);
	for (unsigned slot = 0; slot < PTRIE_SLOTS; slot++) {
		if (!(cells[slot] & PTRIE_LEAF)) {
			inner |= 1ull << slot;
		} else if (cells[slot] != run) {
			run = cells[slot];
			runs |= 1ull << slot;
			leaves[leaf_count++] = make_leaf(maker->trie, run & ~PTRIE_LEAF);
		}
	}
	struct ptrie_node_d node = {
		.inner = le64_make(inner),
		.runs = le64_make(runs),
		.first_node = le32_make((uint32_t)child),
		.first_leaf = le32_make((uint32_t)maker->leaf_count),
	};
	emit(maker, PTRIE_NODES, index, &node, 1);
	emit(maker, PTRIE_LEAVES, maker->leaf_count, leaves, leaf_count);
	maker->node_count += (unsigned)__builtin_popcountll(inner);
	maker->leaf_count += leaf_count;
	for (; inner && !maker->stopped; inner &= inner - 1)
		make_node(maker, child++, cells[__builtin_ctzll(inner)], position + PTRIE_STRIDE);
}

enum status
ptrie_make(struct ptrie_maker *maker, struct fault *fault)
{
	unsigned width = maker->trie->root_bits;
	uint32_t *cells = malloc(sizeof(*cells) << width), last = 0;
	if (!cells)
		return fault_set(fault, STATUS_NO_MEMORY, "ptrie root", 0, "no memory");
	maker->node_count = maker->leaf_count = 0;
	maker->stopped = false;
	cut_records(maker->trie, 0, 0, width, cells);
	for (uint32_t slot = 0; slot < 1u << width && !maker->stopped; slot++) {
		bool leaf = cells[slot] & PTRIE_LEAF;
		uint64_t index = maker->node_count;
		struct le32 cell = le32_make(
			leaf ? make_root_leaf(maker, cells[slot] & ~PTRIE_LEAF, &last) : (uint32_t)index);
		emit(maker, PTRIE_ROOT, slot, &cell, 1);
		if (leaf)
			continue;
		maker->node_count++;
		make_node(maker, index, cells[slot], width);
	}
	free(cells);
	return STATUS_OK;
}

/* --- from entries to a section --- */

static void
store_record(const struct ptrie *trie, uint8_t *record, uint32_t index,
	     const struct ptrie_entry *entry)
{
	struct ptrie_prefix prefix = { .hi = entry->hi, .lo = entry->lo, .bits = entry->bits };
	struct ptrie_tail_d tail = {
		.bits = (uint8_t)entry->bits,
		.parent = le32_make(ptrie_parent_expected(trie, index, &prefix)),
		.claims = le32_make(entry->claims),
	};
	uint8_t address[16];
	be64_put(address, entry->hi);
	be64_put(address + 8, entry->lo);
	memcpy(record, address, trie->address_bits / 8);
	memcpy(record + trie->address_bits / 8, &tail, sizeof(tail));
}

static const char *
entry_mistake(const struct ptrie_entry *entry, const struct ptrie_entry *before,
	      unsigned address_bits)
{
	if (entry->bits > address_bits)
		return "a prefix longer than an address";
	if (!ptrie_host_zero(entry->hi, entry->lo, entry->bits))
		return "bits are set past the length of a prefix";
	if (before && ptrie_entry_compare(before, entry) >= 0)
		return "prefixes are not in order, or twice there";
	return NULL;
}

/* Fill trie->records, storage for all of them, and count them up. */
static enum status
store_records(struct ptrie *trie, uint8_t *records, const struct ptrie_entry *entries, size_t n,
	      struct fault *fault)
{
	trie->records = records;
	for (size_t i = 0; i < n; i++) {
		const char *mistake = entry_mistake(&entries[i], i ? &entries[i - 1] : NULL,
						    trie->address_bits);
		if (mistake)
			return fault_set(fault, STATUS_USAGE, "ptrie entry", i, "%s", mistake);
		store_record(trie, records + i * trie->record_bytes, (uint32_t)i, &entries[i]);
		trie->record_count = (uint32_t)i + 1;
	}
	return STATUS_OK;
}

static bool
emit_nothing(void *context, enum ptrie_part part, uint64_t index, const void *piece, size_t count)
{
	return true;
}

/* `context` is where each part begins. */
static bool
emit_bytes(void *context, enum ptrie_part part, uint64_t index, const void *piece, size_t count)
{
	static const size_t sizes[] = { 4, sizeof(struct ptrie_node_d),
					sizeof(struct ptrie_leaf_d) };
	uint8_t *const *parts = context;
	memcpy(parts[part] + index * sizes[part], piece, count * sizes[part]);
	return true;
}

/*
 * Grow the block of records that trie->records is to the whole section and
 * move them to its end; the block stays the caller's to free.
 */
static enum status
grow_image(struct ptrie *trie, struct ptrie_image *image, struct fault *fault)
{
	struct ptrie_layout layout;
	size_t records_bytes = (size_t)trie->record_count * trie->record_bytes;
	ptrie_layout(trie, &layout);
	uint8_t *bytes = layout.length > SIZE_MAX ? NULL :
						    realloc(image->bytes, (size_t)layout.length);
	if (!bytes)
		return fault_set(fault, STATUS_NO_MEMORY, "ptrie", 0, "no memory");
	memmove(bytes + layout.records, bytes, records_bytes);
	memset(bytes, 0, layout.records);
	memset(bytes + layout.records + records_bytes, 0,
	       layout.length - layout.records - records_bytes);
	image->bytes = bytes;
	image->length = layout.length;
	trie->records = bytes + layout.records;
	return STATUS_OK;
}

static enum status
build_image(struct ptrie *trie, enum kind kind, const struct ptrie_entry *entries, size_t n,
	    struct ptrie_image *image, struct fault *fault)
{
	struct ptrie_maker maker = { .trie = trie, .emit = emit_nothing };
	struct ptrie_layout layout;
	enum status status = store_records(trie, image->bytes, entries, n, fault);
	if (!status)
		status = ptrie_make(&maker, fault);
	if (status)
		return status;
	if (maker.node_count >= PTRIE_LEAF || maker.leaf_count > PTRIE_LEAVES_MAX)
		return fault_set(fault, STATUS_LIMIT, "ptrie", 0, "too many prefixes");
	trie->node_count = (uint32_t)maker.node_count;
	trie->leaf_count = (uint32_t)maker.leaf_count;
	status = grow_image(trie, image, fault);
	if (status)
		return status;
	struct ptrie_head_d head = {
		.kind = (uint8_t)kind,
		.root_bits = trie->root_bits,
		.node_count = le32_make(trie->node_count),
		.leaf_count = le32_make(trie->leaf_count),
		.record_count = le32_make(trie->record_count),
	};
	ptrie_layout(trie, &layout);
	memcpy(image->bytes, &head, sizeof(head));
	uint8_t *parts[] = { image->bytes + layout.root, image->bytes + layout.nodes,
			     image->bytes + layout.leaves };
	maker.emit = emit_bytes;
	maker.context = parts;
	return ptrie_make(&maker, fault);
}

enum status
ptrie_build_root(enum kind kind, const struct ptrie_entry *entries, size_t n, unsigned root_bits,
		 struct ptrie_image *image, struct fault *fault)
{
	struct ptrie trie = { .root_bits = (uint8_t)root_bits };
	struct ptrie_image made;
	if ((kind != KIND_IPV4 && kind != KIND_IPV6) || root_bits > PTRIE_ROOT_BITS_MAX)
		return fault_set(fault, STATUS_USAGE, "ptrie", 0, "no such kind or root");
	if (n > PTRIE_RECORDS_MAX || n > SIZE_MAX / 32)
		return fault_set(fault, STATUS_LIMIT, "ptrie", n, "too many prefixes");
	trie.address_bits = kind == KIND_IPV4 ? 32 : 128;
	trie.record_bytes = (uint8_t)(trie.address_bits / 8 + sizeof(struct ptrie_tail_d));
	made.bytes = malloc(n * trie.record_bytes + 1);
	if (!made.bytes)
		return fault_set(fault, STATUS_NO_MEMORY, "ptrie", 0, "no memory");
	enum status status = build_image(&trie, kind, entries, n, &made, fault);
	if (status)
		free(made.bytes);
	else
		*image = made;
	return status;
}

enum status
ptrie_build(enum kind kind, const struct ptrie_entry *entries, size_t n, struct ptrie_image *image,
	    struct fault *fault)
{
	unsigned root_bits = 0;
	while (root_bits < PTRIE_ROOT_BITS_MAX && (size_t)1 << (root_bits + PTRIE_STRIDE) <= n)
		root_bits += PTRIE_STRIDE;
	return ptrie_build_root(kind, entries, n, root_bits, image, fault);
}
