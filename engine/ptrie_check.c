/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ptrie_build.h"

struct check {
	const struct ptrie *trie;
	const uint8_t *bytes;
	struct ptrie_layout layout;
	enum status status;
	struct fault *fault;
};

static bool
check_fail(struct check *check, const char *part, uint64_t offset, const char *text)
{
	check->status = fault_set(check->fault, STATUS_CORRUPT, part, offset, "%s", text);
	return false;
}

static bool
check_zero(struct check *check, uint64_t from, uint64_t to)
{
	for (; from < to; from++)
		if (check->bytes[from])
			return check_fail(check, "ptrie padding", from, "not zero");
	return true;
}

static bool
check_padding(struct check *check)
{
	const struct ptrie *trie = check->trie;
	const struct ptrie_layout *layout = &check->layout;
	return check_zero(check, offsetof(struct ptrie_head_d, zero),
			  offsetof(struct ptrie_head_d, node_count)) &&
	       check_zero(check, offsetof(struct ptrie_head_d, zero_more), layout->root) &&
	       check_zero(check, layout->root + ((uint64_t)4 << trie->root_bits), layout->nodes) &&
	       check_zero(check,
			  layout->nodes + (uint64_t)trie->node_count * sizeof(struct ptrie_node_d),
			  layout->leaves) &&
	       check_zero(check, 
			  layout->leaves +
				  (uint64_t)trie->leaf_count * sizeof(struct ptrie_leaf_d),
			  layout->records) &&
	       check_zero(check,
			  layout->records + (uint64_t)trie->record_count * trie->record_bytes,
			  layout->length);
}

/* Record `index`; the ones before it are right, `before` is the one just before, if any. */
static bool
check_record(struct check *check, uint32_t index, const struct ptrie_prefix *before,
	     struct ptrie_prefix *prefix)
{
	const struct ptrie *trie = check->trie;
	uint64_t offset = check->layout.records + (uint64_t)index * trie->record_bytes;
	uint64_t tail = offset + trie->address_bits / 8;
	if (!ptrie_record(trie, index, prefix))
		return check_fail(check, "ptrie records", tail, "longer than an address");
	if (!check_zero(check, tail + offsetof(struct ptrie_tail_d, zero),
			tail + offsetof(struct ptrie_tail_d, parent)))
		return false;
	if (!ptrie_host_zero(prefix->hi, prefix->lo, prefix->bits))
		return check_fail(check, "ptrie records", offset, "bits set past the length");
	struct ptrie_entry entry = { prefix->hi, prefix->lo, prefix->bits, 0 };
	struct ptrie_entry last = { before->hi, before->lo, before->bits, 0 };
	if (index && ptrie_entry_compare(&last, &entry) >= 0)
		return check_fail(check, "ptrie records", offset, "out of order");
	if (prefix->parent != ptrie_parent_expected(trie, index, prefix))
		return check_fail(check, "ptrie records",
				  tail + offsetof(struct ptrie_tail_d, parent), "wrong parent");
	return true;
}

static bool
check_records(struct check *check)
{
	struct ptrie_prefix prefixes[2] = { { .bits = 0 } };
	for (uint32_t i = 0; i < check->trie->record_count; i++)
		if (!check_record(check, i, &prefixes[~i & 1], &prefixes[i & 1]))
			return false;
	return true;
}

/* Compare a piece of the trie as it must be with what stands there. */
static bool
check_piece(void *context, enum ptrie_part part, uint64_t index, const void *piece, size_t count)
{
	struct check *check = context;
	const struct {
		const char *name;
		uint64_t offset, count;
		size_t size;
	} parts[] = {
		{ "ptrie root", check->layout.root, 1ull << check->trie->root_bits, 4 },
		{ "ptrie nodes", check->layout.nodes, check->trie->node_count,
		  sizeof(struct ptrie_node_d) },
		{ "ptrie leaves", check->layout.leaves, check->trie->leaf_count,
		  sizeof(struct ptrie_leaf_d) },
	}, *row = &parts[part];
	uint64_t offset = row->offset + index * row->size;
	if (index + count > row->count)
		return check_fail(check, row->name, offset, "the records need more of them");
	for (size_t i = 0; i < count * row->size; i++)
		if (check->bytes[offset + i] != ((const uint8_t *)piece)[i])
			return check_fail(check, row->name, offset + i,
					  "not what the records make of it");
	return true;
}

enum status
ptrie_check(const struct ptrie *trie, struct fault *fault)
{
	struct check check = {
		.trie = trie,
		.bytes = (const uint8_t *)trie->root - sizeof(struct ptrie_head_d),
		.fault = fault,
	};
	struct ptrie_maker maker = { .trie = trie, .emit = check_piece, .context = &check };
	ptrie_layout(trie, &check.layout);
	if (!check_padding(&check) || !check_records(&check))
		return check.status;
	enum status status = ptrie_make(&maker, fault);
	if (status || maker.stopped)
		return status ? status : check.status;
	if (maker.node_count != trie->node_count)
		check_fail(&check, "ptrie nodes", check.layout.nodes, "more than the records need");
	else if (maker.leaf_count != trie->leaf_count)
		check_fail(&check, "ptrie leaves", check.layout.leaves, "more than the records need");
	return check.status;
}
