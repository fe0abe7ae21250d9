/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ptrie.h"

/* Keys in one batch step; 32 and 64 were slower (docs/bench-ptrie.md). At most 256: `live`. */
#define GROUP 128

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/*
 * The walks are written once and compiled twice: inlined into a function with
 * a target, they become one instruction per popcount and shift. Elsewhere than
 * on x86 the plain build already has what the machine has.
 */
#if defined(__x86_64__) || defined(__i386__)
#define TARGET_POPCNT __attribute__((target("popcnt,bmi,bmi2")))
static enum ptrie_path
path_best(void)
{
	return __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi") &&
			       __builtin_cpu_supports("bmi2") ?
		       PTRIE_POPCNT :
		       PTRIE_PORTABLE;
}
#else
#define TARGET_POPCNT
static enum ptrie_path
path_best(void)
{
	return PTRIE_PORTABLE;
}
#endif

static uint64_t
align_up(uint64_t offset)
{
	return (offset + PTRIE_ALIGN - 1) & ~(uint64_t)(PTRIE_ALIGN - 1);
}

/* No overflow: counts are 32 bits wide, structs under 32 bytes. */
void
ptrie_layout(const struct ptrie *trie, struct ptrie_layout *layout)
{
	layout->root = sizeof(struct ptrie_head_d);
	layout->nodes = align_up(layout->root + (sizeof(struct le32) << trie->root_bits));
	layout->leaves = align_up(layout->nodes +
				  (uint64_t)trie->node_count * sizeof(struct ptrie_node_d));
	layout->records = align_up(layout->leaves + (uint64_t)trie->leaf_count * sizeof(struct ptrie_leaf_d));
	layout->length = align_up(layout->records + (uint64_t)trie->record_count * trie->record_bytes);
}

enum status
ptrie_attach(struct ptrie *trie, enum kind kind, const uint8_t *bytes, size_t length,
	     struct fault *fault)
{
	const struct ptrie_head_d *head = (const struct ptrie_head_d *)bytes;
	struct ptrie view = { .path = (uint8_t)path_best() };
	struct ptrie_layout layout;
	if (kind != KIND_IPV4 && kind != KIND_IPV6)
		return fault_set(fault, STATUS_USAGE, "ptrie", 0, "not a kind with prefixes");
	if (length < sizeof(*head))
		return fault_set(fault, STATUS_CORRUPT, "ptrie head", length, "cut short");
	if (head->kind != kind || head->root_bits > PTRIE_ROOT_BITS_MAX)
		return fault_set(fault, STATUS_FORMAT, "ptrie head", 0,
				 "not a prefix trie of this kind");
	view.root_bits = head->root_bits;
	view.address_bits = kind == KIND_IPV4 ? 32 : 128;
	view.record_bytes = (uint8_t)(view.address_bits / 8 + sizeof(struct ptrie_tail_d));
	view.node_count = le32_get(head->node_count);
	view.leaf_count = le32_get(head->leaf_count);
	view.record_count = le32_get(head->record_count);
	if (view.record_count > PTRIE_RECORDS_MAX)
		return fault_set(fault, STATUS_CORRUPT, "ptrie head",
				 offsetof(struct ptrie_head_d, record_count), "too many records");
	ptrie_layout(&view, &layout);
	if (layout.length != length)
		return fault_set(fault, STATUS_CORRUPT, "ptrie head", 0,
				 "the counts ask for %llu bytes, the section has %zu",
				 (unsigned long long)layout.length, length);
	view.root = (const struct le32 *)(bytes + layout.root);
	view.nodes = (const struct ptrie_node_d *)(bytes + layout.nodes);
	view.leaves = (const struct ptrie_leaf_d *)(bytes + layout.leaves);
	view.records = bytes + layout.records;
	*trie = view;
	return STATUS_OK;
}

/* What a step that leads out of the section finds instead. */
static const struct ptrie_leaf_d nothing;

/*
 * One step down: from a node to the child (true) or the leaf (false) of a
 * slot; NULL if it leads out of the section. (Choosing by masks instead of by
 * branches was slower in batches: docs/bench-ptrie.md.)
 */
ALWAYS_INLINE bool
node_step(const struct ptrie *trie, const struct ptrie_node_d *node, unsigned slot, const void **next)
{
	uint64_t inner = le64_get(node->inner), runs = le64_get(node->runs);
	bool down = inner >> slot & 1;
	uint64_t below = (1ull << slot) - 1;
	uint64_t counted = down ? inner & below : runs & (below << 1 | 1);
	uint32_t index = le32_get(down ? node->first_node : node->first_leaf) +
			 (uint32_t)__builtin_popcountll(counted) - !down;
	if (!LIKELY(index < (down ? trie->node_count : trie->leaf_count)))
		*next = NULL;
	else
		*next = down ? (const void *)(trie->nodes + index) : trie->leaves + index;
	return down;
}

/* The leaf of a root cell that has no node. */
ALWAYS_INLINE const struct ptrie_leaf_d *
root_leaf(const struct ptrie *trie, uint32_t cell)
{
	uint32_t index = (cell & ~PTRIE_LEAF) - 1;
	return index < trie->leaf_count ? &trie->leaves[index] : &nothing;
}

ALWAYS_INLINE const struct ptrie_leaf_d *
find_leaf(const struct ptrie *trie, uint64_t hi, uint64_t lo)
{
	uint32_t index = le32_get(trie->root[ptrie_slot(hi, lo, 0, trie->root_bits)]);
	if (index & PTRIE_LEAF)
		return root_leaf(trie, index);
	if (index >= trie->node_count)
		return &nothing;
	const void *at = trie->nodes + index;
	for (unsigned position = trie->root_bits; position < trie->address_bits;
	     position += PTRIE_STRIDE) {
		const struct ptrie_node_d *node = at;
		bool down = node_step(trie, node, ptrie_slot(hi, lo, position, PTRIE_STRIDE), &at);
		if (at == NULL)
			return &nothing;
		if (!down)
			return at;
	}
	return &nothing;
}

TARGET_POPCNT static const struct ptrie_leaf_d *
find_popcnt(const struct ptrie *trie, uint64_t hi, uint64_t lo)
{
	return find_leaf(trie, hi, lo);
}

static const struct ptrie_leaf_d *
find_portable(const struct ptrie *trie, uint64_t hi, uint64_t lo)
{
	return find_leaf(trie, hi, lo);
}

uint32_t
ptrie_find(const struct ptrie *trie, uint64_t hi, uint64_t lo)
{
	return ptrie_leaf(trie, trie->path == PTRIE_POPCNT ? find_popcnt(trie, hi, lo)
							   : find_portable(trie, hi, lo));
}

static inline void
found_leaf(const struct ptrie *trie, const struct ptrie_leaf_d *leaf, struct ptrie_found *found)
{
	found->record = ptrie_leaf(trie, leaf);
	found->claims = le32_get(leaf->claims);
	found->nested = le32_get(leaf->record) >> 31;
}

void
ptrie_find_ipv4(const struct ptrie *trie, uint32_t address, struct ptrie_found *found)
{
	uint64_t hi = (uint64_t)address << 32;
	found_leaf(trie, trie->path == PTRIE_POPCNT ? find_popcnt(trie, hi, 0)
						    : find_portable(trie, hi, 0), found);
}

/* One address of a batch; constant `bits` lets the compiler drop the other kind. */
ALWAYS_INLINE unsigned
batch_slot(const void *addresses, size_t i, unsigned bits, unsigned position, unsigned width)
{
	if (bits == 32)
		return ptrie_slot((uint64_t)((const uint32_t *)addresses)[i] << 32, 0, position,
				  width);
	const uint8_t *address = (const uint8_t *)addresses + 16 * i;
	return ptrie_slot(be64_get(address), be64_get(address + 8), position, width);
}

/*
 * A group goes down in lockstep: every level asks for the lines of the next
 * one before it needs them. at[i] is where address i stands, a node while i is
 * among the `live`, in the end a leaf.
 */
ALWAYS_INLINE void
find_group(const struct ptrie *trie, const void *addresses, unsigned bits, unsigned n,
	   struct ptrie_found *found)
{
	const void *at[GROUP];
	uint8_t live[GROUP];
	unsigned live_count = 0;
	for (unsigned i = 0; i < n; i++) {
		at[i] = &trie->root[batch_slot(addresses, i, bits, 0, trie->root_bits)];
		__builtin_prefetch(at[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		uint32_t index = le32_get(*(const struct le32 *)at[i]);
		bool down = index < trie->node_count && !(index & PTRIE_LEAF);
		if (down)
			at[i] = trie->nodes + index;
		else
			at[i] = index & PTRIE_LEAF ? root_leaf(trie, index) : &nothing;
		__builtin_prefetch(at[i]);
		live[live_count] = (uint8_t)i;
		live_count += down;
	}
	for (unsigned position = trie->root_bits; live_count && position < bits;
	     position += PTRIE_STRIDE) {
		unsigned left = 0;
		for (unsigned k = 0; k < live_count; k++) {
			unsigned i = live[k];
			unsigned slot = batch_slot(addresses, i, bits, position, PTRIE_STRIDE);
			const void *next;
			bool down = node_step(trie, at[i], slot, &next);
			at[i] = LIKELY(next) ? next : &nothing;
			__builtin_prefetch(at[i]);
			live[left] = (uint8_t)i;
			left += LIKELY(next) && down;
		}
		live_count = left;
	}
	for (unsigned k = 0; k < live_count; k++)
		at[live[k]] = &nothing;
	for (unsigned i = 0; i < n; i++)
		found_leaf(trie, at[i], &found[i]);
}

ALWAYS_INLINE void
find_many(const struct ptrie *trie, const void *addresses, unsigned bits, size_t n,
	  struct ptrie_found *found)
{
	const uint8_t *next = addresses;
	for (; n; next += GROUP * (bits / 8), found += GROUP) {
		unsigned count = n < GROUP ? (unsigned)n : GROUP;
		find_group(trie, next, bits, count, found);
		n -= count;
	}
}

TARGET_POPCNT static void
find_many_popcnt(const struct ptrie *trie, const void *addresses, size_t n, struct ptrie_found *found)
{
	if (trie->address_bits == 32)
		find_many(trie, addresses, 32, n, found);
	else
		find_many(trie, addresses, 128, n, found);
}

static void
find_many_portable(const struct ptrie *trie, const void *addresses, size_t n, struct ptrie_found *found)
{
	if (trie->address_bits == 32)
		find_many(trie, addresses, 32, n, found);
	else
		find_many(trie, addresses, 128, n, found);
}

static void
find_many_kind(const struct ptrie *trie, const void *addresses, unsigned bits, size_t n,
	       struct ptrie_found *found)
{
	if (trie->address_bits != bits)
		memset(found, 0, n * sizeof(*found));
	else if (trie->path == PTRIE_POPCNT)
		find_many_popcnt(trie, addresses, n, found);
	else
		find_many_portable(trie, addresses, n, found);
}

void
ptrie_find_many_ipv4(const struct ptrie *trie, const uint32_t *addresses, size_t n,
		     struct ptrie_found *found)
{
	find_many_kind(trie, addresses, 32, n, found);
}

void
ptrie_find_many_ipv6(const struct ptrie *trie, const uint8_t (*addresses)[16], size_t n,
		     struct ptrie_found *found)
{
	find_many_kind(trie, addresses, 128, n, found);
}

/*
 * Leaves of IPv4 addresses: the same in fewer instructions. Of a word with the bit of `slot` set, the
 * bits up to and with it, less one, are those below it; a leaf counts its run likewise.
 */
ALWAYS_INLINE uint32_t
bits_before(struct le64 word, unsigned slot)
{
	return (uint32_t)__builtin_popcountll(le64_get(word) << (63 - slot)) - 1;
}

/* One level: the lanes that go on are kept in `live`. */
ALWAYS_INLINE unsigned
leaves_level(const struct ptrie *trie, const uint32_t *asked, unsigned position, uint8_t *live,
	     unsigned count, const struct ptrie_leaf_d **at)
{
	unsigned left = 0;
	for (unsigned k = 0; k < count; k++) {
		unsigned i = live[k], slot = asked[i] << position >> (32 - PTRIE_STRIDE);
		const struct ptrie_node_d *node = (const struct ptrie_node_d *)at[i];
		if (le64_get(node->inner) >> slot & 1) {
			uint32_t index = le32_get(node->first_node) + bits_before(node->inner, slot);
			at[i] = &nothing;
			if (!LIKELY(index < trie->node_count))
				continue;
			at[i] = (const struct ptrie_leaf_d *)(trie->nodes + index);
			live[left++] = (uint8_t)i;
			__builtin_prefetch(at[i] + 2); /* a node may stand on two lines */
		} else {
			uint32_t index = le32_get(node->first_leaf) + bits_before(node->runs, slot);
			at[i] = LIKELY(index < trie->leaf_count) ? &trie->leaves[index] : &nothing;
		}
		__builtin_prefetch(at[i]);
	}
	return left;
}

ALWAYS_INLINE void
find_leaves(const struct ptrie *trie, const uint32_t *addresses, const uint8_t *lanes, unsigned n,
	    const struct ptrie_leaf_d **at)
{
	uint32_t asked[PTRIE_LEAVES_ASKED];
	uint8_t live[PTRIE_LEAVES_ASKED];
	unsigned count = 0;
	for (unsigned i = 0; i < n; i++) {
		asked[i] = addresses[lanes[i]];
		__builtin_prefetch(&trie->root[(uint64_t)asked[i] << trie->root_bits >> 32]);
	}
	for (unsigned i = 0; i < n; i++) {
		uint32_t cell = le32_get(trie->root[(uint64_t)asked[i] << trie->root_bits >> 32]);
		live[count] = (uint8_t)i;
		if ((cell & PTRIE_LEAF) != 0) {
			at[i] = root_leaf(trie, cell);
		} else {
			bool there = LIKELY(cell < trie->node_count);
			at[i] = there ? (const struct ptrie_leaf_d *)(trie->nodes + cell) : &nothing;
			count += there;
			__builtin_prefetch(at[i] + 2);
		}
		__builtin_prefetch(at[i]);
	}
	for (unsigned position = trie->root_bits; count > 0 && position < 32; position += PTRIE_STRIDE)
		count = leaves_level(trie, asked, position, live, count, at);
	for (unsigned k = 0; k < count; k++)
		at[live[k]] = &nothing;
}

TARGET_POPCNT static void
find_leaves_popcnt(const struct ptrie *trie, const uint32_t *addresses, const uint8_t *lanes,
		   unsigned n, const struct ptrie_leaf_d **at)
{
	find_leaves(trie, addresses, lanes, n, at);
}

void
ptrie_leaves_ipv4(const struct ptrie *trie, const uint32_t *addresses, const uint8_t *lanes,
		  size_t n, const struct ptrie_leaf_d **leaves)
{
	if (trie->path == PTRIE_POPCNT)
		find_leaves_popcnt(trie, addresses, lanes, (unsigned)n, leaves);
	else
		find_leaves(trie, addresses, lanes, (unsigned)n, leaves);
}

/* --- records --- */

bool
ptrie_record(const struct ptrie *trie, uint32_t index, struct ptrie_prefix *prefix)
{
	if (index >= trie->record_count)
		return false;
	const uint8_t *address = trie->records + (size_t)index * trie->record_bytes;
	bool wide = trie->address_bits == 128;
	const struct ptrie_tail_d *tail = (const struct ptrie_tail_d *)(address + (wide ? 16 : 4));
	if (tail->bits > trie->address_bits)
		return false;
	prefix->hi = wide ? be64_get(address) : (uint64_t)be32_get(address) << 32;
	prefix->lo = wide ? be64_get(address + 8) : 0;
	prefix->bits = tail->bits;
	prefix->parent = le32_get(tail->parent);
	prefix->claims = le32_get(tail->claims);
	return true;
}

bool
ptrie_parent(const struct ptrie *trie, struct ptrie_prefix *prefix)
{
	struct ptrie_prefix parent;
	if (!ptrie_record(trie, prefix->parent - 1, &parent) || parent.bits >= prefix->bits)
		return false;
	*prefix = parent;
	return true;
}

uint32_t
ptrie_find_exact(const struct ptrie *trie, uint64_t hi, uint64_t lo, unsigned bits)
{
	uint32_t number = ptrie_find(trie, hi, lo);
	struct ptrie_prefix prefix;
	for (bool more = ptrie_record(trie, number - 1, &prefix); more && prefix.bits >= bits;) {
		if (prefix.bits == bits)
			return prefix.hi == hi && prefix.lo == lo ? number : 0;
		number = prefix.parent;
		more = ptrie_parent(trie, &prefix);
	}
	return 0;
}
