/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "engine/wide_build.h"

struct check {
	const struct wide *wide;
	const uint8_t *bytes;
	struct wide_layout layout;
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
		if (check->bytes[from] != 0)
			return check_fail(check, "wide padding", from, "not zero");
	return true;
}

static bool
check_padding(struct check *check)
{
	const struct wide *wide = check->wide;
	const struct wide_layout *layout = &check->layout;
	return check_zero(check, offsetof(struct wide_head_d, zero), layout->root) &&
	       check_zero(check, layout->root + (sizeof(struct le32) << wide->root_bits),
			  layout->lines) &&
	       check_zero(check, layout->hot + wide->record_count * sizeof(struct wide_hot_d),
			  layout->keys) &&
	       check_zero(check, layout->keys + wide->record_count * sizeof(struct wide_key_d),
			  layout->length);
}

/* Record `index`; the ones before it are right, `before` is the one just before, if any. */
static bool
check_record(struct check *check, uint32_t index, const struct ptrie_entry *before,
	     struct ptrie_entry *entry)
{
	const struct wide *wide = check->wide;
	uint64_t hot = check->layout.hot + (uint64_t)index * sizeof(struct wide_hot_d);
	uint64_t key = check->layout.keys + (uint64_t)index * sizeof(struct wide_key_d);
	struct ptrie_prefix prefix;
	if (!wide_record(wide, index, &prefix))
		return check_fail(check, "wide hot", hot + offsetof(struct wide_hot_d, bits),
				  "longer than /127");
	if (!check_zero(check, hot + offsetof(struct wide_hot_d, zero),
			hot + sizeof(struct wide_hot_d)))
		return false;
	*entry = (struct ptrie_entry){ prefix.hi, prefix.lo, prefix.bits, 0 };
	const char *mistake = wide_entry_mistake(entry, before);
	if (mistake != NULL)
		return check_fail(check, "wide keys", key, mistake);
	if (prefix.parent != wide_parent_expected(wide, index, &prefix))
		return check_fail(check, "wide keys", key + offsetof(struct wide_key_d, parent),
				  "wrong parent");
	return true;
}

static bool
check_records(struct check *check)
{
	struct ptrie_entry entries[2];
	for (uint32_t i = 0; i < check->wide->record_count; i++)
		if (!check_record(check, i, i > 0 ? &entries[~i & 1] : NULL, &entries[i & 1]))
			return false;
	return true;
}

static bool
check_same(struct check *check, const char *part, uint64_t offset, const void *expected, size_t size)
{
	const uint8_t *bytes = check->bytes + offset, *wanted = expected;
	if (size == 0 || memcmp(bytes, wanted, size) == 0)
		return true;
	size_t i = 0;
	while (bytes[i] == wanted[i])
		i++;
	return check_fail(check, part, offset + i, "not what the records and hosts make of it");
}

static bool
check_made(struct check *check, const struct wide_maker *maker)
{
	const struct wide *wide = check->wide;
	if (maker->root_bits != wide->root_bits)
		return check_fail(check, "wide head", 0, "another root than the builder's");
	if (maker->line_count != wide->line_count)
		return check_fail(check, "wide head", offsetof(struct wide_head_d, line_count),
				  "not as many lines as the records and hosts need");
	return check_same(check, "wide root", check->layout.root, maker->root,
			  sizeof(struct le32) << wide->root_bits) &&
	       check_same(check, "wide lines", check->layout.lines, maker->lines,
			  maker->line_count * WIDE_LINE_BYTES);
}

enum status
wide_check(const struct wide *wide, const uint64_t *hosts, size_t host_count, struct fault *fault)
{
	struct check check = {
		.wide = wide,
		.bytes = (const uint8_t *)wide->root - sizeof(struct wide_head_d),
		.fault = fault,
	};
	struct wide_maker maker;
	wide_layout(wide, &check.layout);
	if (!check_padding(&check) || !check_records(&check))
		return check.status;
	enum status status = wide_make(&maker, wide, hosts, host_count, fault);
	if (status != STATUS_OK)
		return status;
	check_made(&check, &maker);
	wide_maker_fini(&maker);
	return check.status;
}
