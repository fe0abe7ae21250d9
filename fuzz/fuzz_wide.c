/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a section of IPv6 ranges: attach, ask every way, check. What holds
 * for any bytes: answers within the records, single and batch alike, parents
 * strictly shorter; what holds once check is content: an answer covers.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/wide_build.h"

#define QUERIES 48

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(bool holds)
{
	if (!holds)
		abort();
}

static void
ask(const struct wide *wide, uint64_t hi, uint64_t lo, bool checked)
{
	struct ptrie_prefix prefix;
	uint32_t found = wide_find(wide, hi, lo) & WIDE_RECORD;
	demand(found <= wide->record_count);
	for (bool more = wide_record(wide, found - 1, &prefix); more;) {
		unsigned bits = prefix.bits;
		demand(bits <= WIDE_BITS_MAX);
		if (checked) {
			demand(ptrie_same(prefix.hi, prefix.lo, hi, lo, bits));
			demand(wide_find_exact(wide, prefix.hi, prefix.lo, bits) != 0);
		}
		more = wide_parent(wide, &prefix);
		demand(!more || prefix.bits < bits);
	}
}

static void
ask_many(const struct wide *wide, wide_many_fn *many, const uint8_t (*addresses)[16])
{
	uint32_t found[QUERIES];
	many(wide, addresses, QUERIES, found);
	for (int i = 0; i < QUERIES; i++)
		demand(found[i] == wide_find(wide, be64_get(addresses[i]),
					     be64_get(addresses[i] + 8)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wide wide;
	struct fault fault;
	uint8_t addresses[QUERIES][16];
	if (size < 16 || wide_attach(&wide, data, size, &fault) != STATUS_OK)
		return 0;
	bool checked = wide_check(&wide, NULL, 0, &fault) == STATUS_OK;
	/* Addresses out of the bytes themselves, from the end: that is where keys stand. */
	for (int i = 0; i < QUERIES; i++)
		memcpy(addresses[i], data + size - 16 - (size_t)i * 10 % (size - 15), 16);
	for (int i = 0; i < QUERIES; i++)
		ask(&wide, be64_get(addresses[i]), be64_get(addresses[i] + 8), checked);
	ask_many(&wide, wide_many_portable, (const uint8_t(*)[16])addresses);
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
		ask_many(&wide, wide_many_avx2, (const uint8_t(*)[16])addresses);
	if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
		ask_many(&wide, wide_many_avx512, (const uint8_t(*)[16])addresses);
#endif
	return 0;
}
