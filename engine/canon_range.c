/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges into prefixes: 128-bit numbers in two halves, for compilers without __int128. */
#include <string.h>

#include "engine/bytes.h"
#include "engine/canon.h"

struct wide {
	uint64_t high, low;
};

static struct wide
wide_read(enum kind kind, const uint8_t *address)
{
	if (kind == KIND_IPV4)
		return (struct wide){ 0, be32_get(address) };
	return (struct wide){ be64_get(address), be64_get(address + 8) };
}

static bool
wide_less(struct wide a, struct wide b)
{
	return a.high != b.high ? a.high < b.high : a.low < b.low;
}

/* The last number of the block of 2^size numbers at `start`; size 0..128. */
static struct wide
block_end(struct wide start, unsigned size)
{
	uint64_t low = size >= 64 ? UINT64_MAX : (UINT64_C(1) << size) - 1;
	uint64_t high = size <= 64    ? 0
			: size == 128 ? UINT64_MAX
				      : (UINT64_C(1) << (size - 64)) - 1;
	return (struct wide){ start.high | high, start.low | low };
}

/* log2 of the largest aligned block at `start` that ends at `last` or before. */
static unsigned
block_size(struct wide start, struct wide last, unsigned width)
{
	unsigned size = width;
	if (start.low != 0)
		size = (unsigned)__builtin_ctzll(start.low);
	else if (start.high != 0)
		size = 64 + (unsigned)__builtin_ctzll(start.high);
	while (wide_less(last, block_end(start, size)))
		size--;
	return size;
}

static void
prefix_write(enum kind kind, struct canon_prefix *prefix, struct wide start, unsigned bits)
{
	memset(prefix, 0, sizeof(*prefix));
	prefix->bits = (uint8_t)bits;
	if (kind == KIND_IPV4) {
		be32_put(prefix->address, (uint32_t)start.low);
		return;
	}
	be64_put(prefix->address, start.high);
	be64_put(prefix->address + 8, start.low);
}

enum status
canon_range_split(enum kind kind, const uint8_t *first, const uint8_t *last,
		  struct canon_prefix *prefixes, size_t cap, size_t *count)
{
	if (kind != KIND_IPV4 && kind != KIND_IPV6)
		return STATUS_BAD_KIND;
	unsigned width = kind_table[kind].address_bits;
	struct wide at = wide_read(kind, first), stop = wide_read(kind, last);
	if (wide_less(stop, at))
		return kind == KIND_IPV4 ? STATUS_BAD_IPV4 : STATUS_BAD_IPV6;
	size_t used = 0;
	for (;;) {
		unsigned size = block_size(at, stop, width);
		struct wide end = block_end(at, size);
		if (used == cap)
			return STATUS_LIMIT;
		prefix_write(kind, &prefixes[used++], at, width - size);
		if (!wide_less(end, stop))
			break;
		at = (struct wide){ end.high + (end.low == UINT64_MAX), end.low + 1 };
	}
	*count = used;
	return STATUS_OK;
}
