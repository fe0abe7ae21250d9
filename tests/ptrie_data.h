/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of prefixes for tests/test_ptrie.c and bench/bench_ptrie.c: read from
 * list files (plain or gzip) with inet_pton, or made of random numbers.
 */
#ifndef TESTS_PTRIE_DATA_H
#define TESTS_PTRIE_DATA_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/ptrie_build.h"

struct ptrie_set {
	enum kind kind;
	struct ptrie_entry *entries;
	size_t count, capacity;
};

static uint64_t ptrie_random_state;

/* splitmix64 */
static inline uint64_t
ptrie_random(void)
{
	uint64_t z = ptrie_random_state += 0x9e3779b97f4a7c15ull;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static inline void
ptrie_set_add(struct ptrie_set *set, uint64_t hi, uint64_t lo, unsigned bits)
{
	if (set->count == set->capacity) {
		set->capacity = set->capacity ? 2 * set->capacity : 64;
		set->entries = realloc(set->entries, set->capacity * sizeof(*set->entries));
		if (!set->entries)
			abort();
	}
	hi = bits == 0 ? 0 : bits < 64 ? hi & ~0ull << (64 - bits) : hi;
	lo = bits <= 64 ? 0 : lo & ~0ull << (128 - bits);
	struct ptrie_entry *entry = &set->entries[set->count++];
	*entry = (struct ptrie_entry){ hi, lo, bits, (uint32_t)(hi >> 7 ^ lo ^ bits) };
}

/* Sort and drop duplicates. */
static inline void
ptrie_set_finish(struct ptrie_set *set)
{
	size_t kept = 0;
	if (!set->count)
		return;
	qsort(set->entries, set->count, sizeof(*set->entries), ptrie_entry_compare);
	for (size_t i = 0; i < set->count; i++)
		if (!i || ptrie_entry_compare(&set->entries[i], &set->entries[kept - 1]))
			set->entries[kept++] = set->entries[i];
	set->count = kept;
}

static inline void
ptrie_set_fini(struct ptrie_set *set)
{
	free(set->entries);
	*set = (struct ptrie_set){ .kind = set->kind };
}

/* One "address[/bits]" at the start of a line, if it is of the set's kind. */
static inline void
ptrie_set_add_line(struct ptrie_set *set, const char *line)
{
	char text[64];
	uint8_t address[16] = { 0 };
	size_t length = strcspn(line, " \t\r\n;,#");
	bool wide = set->kind == KIND_IPV6;
	if (!length || length >= sizeof(text))
		return;
	memcpy(text, line, length);
	text[length] = 0;
	char *slash = strchr(text, '/');
	if (slash)
		*slash++ = 0;
	if (inet_pton(wide ? AF_INET6 : AF_INET, text, address) != 1)
		return;
	unsigned bits = slash ? (unsigned)strtoul(slash, NULL, 10) : wide ? 128 : 32;
	if (bits <= (wide ? 128u : 32u))
		ptrie_set_add(set, be64_get(address), wide ? be64_get(address + 8) : 0, bits);
}

/* False if there is no such file. */
static inline bool
ptrie_set_add_file(struct ptrie_set *set, const char *path)
{
	char command[512], line[1024];
	if (access(path, R_OK))
		return false;
	snprintf(command, sizeof(command), "gzip -dcf < '%s'", path);
	FILE *file = popen(command, "r");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		ptrie_set_add_line(set, line);
	return pclose(file) == 0;
}

#endif
