/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a prefix trie: attach, ask every way, check. The first byte is
 * the kind asked for, so that seeds are a byte longer than their section.
 * What holds for any bytes: answers within the records, single and batch alike,
 * parents strictly shorter; what holds once check is content: an answer covers.
 */
#include <stdlib.h>

#include "engine/ptrie.h"

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
ask(const struct ptrie *trie, uint64_t hi, uint64_t lo, bool checked)
{
	struct ptrie_prefix prefix;
	uint32_t found = ptrie_find(trie, hi, lo);
	demand(found <= trie->record_count);
	for (bool more = ptrie_record(trie, found - 1, &prefix); more;) {
		unsigned bits = prefix.bits;
		demand(bits <= trie->address_bits);
		if (checked) {
			demand(ptrie_same(prefix.hi, prefix.lo, hi, lo, bits));
			demand(ptrie_find_exact(trie, prefix.hi, prefix.lo, bits) != 0);
		}
		more = ptrie_parent(trie, &prefix);
		demand(!more || prefix.bits < bits);
	}
}

static void
ask_many(const struct ptrie *trie, const uint8_t (*ipv6)[16])
{
	uint32_t ipv4[QUERIES];
	struct ptrie_found found[QUERIES];
	bool wide = trie->address_bits == 128;
	for (int i = 0; i < QUERIES; i++)
		ipv4[i] = be32_get(ipv6[i]);
	if (wide)
		ptrie_find_many_ipv6(trie, ipv6, QUERIES, found);
	else
		ptrie_find_many_ipv4(trie, ipv4, QUERIES, found);
	for (int i = 0; i < QUERIES; i++)
		demand(found[i].record == ptrie_find(trie, wide ? be64_get(ipv6[i]) : (uint64_t)ipv4[i] << 32,
						wide ? be64_get(ipv6[i] + 8) : 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ptrie trie;
	struct fault fault;
	uint8_t ipv6[QUERIES][16];
	if (!size || ptrie_attach(&trie, data[0] & 1 ? KIND_IPV6 : KIND_IPV4, data + 1, size - 1, &fault))
		return 0;
	bool checked = ptrie_check(&trie, &fault) == STATUS_OK;
	/* Addresses out of the bytes themselves, from the end: that is where records stand. */
	for (int i = 0; i < QUERIES; i++)
		memcpy(ipv6[i], data + size - 16 - (size_t)i * 13 % (size - 16), 16);
	for (int i = 0; i < QUERIES; i++)
		ask(&trie, be64_get(ipv6[i]) & (trie.address_bits == 32 ? ~0ull << 32 : ~0ull),
		    trie.address_bits == 32 ? 0 : be64_get(ipv6[i] + 8), checked);
	ask_many(&trie, (const uint8_t(*)[16])ipv6);
	trie.path = PTRIE_PORTABLE;
	ask_many(&trie, (const uint8_t(*)[16])ipv6);
	return 0;
}
