/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user or a script hands to the command line: each line of the input as a
 * value of any kind, as a query and as an entry. What is taken prints, and
 * what is printed is taken again as the very same key; the IPv4 addresses in an
 * IPv6 one are at most two.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static bool
same(const struct key *a, const struct key *b)
{
	if (a->kind != b->kind || a->pattern != b->pattern || a->prefix_bits != b->prefix_bits)
		return false;
	if (kind_table[a->kind].key_bytes != 0)
		return memcmp(a->bytes, b->bytes, kind_table[a->kind].key_bytes) == 0;
	return a->length == b->length && memcmp(key_text(a), key_text(b), a->length) == 0;
}

static void
try_value(const char *text, size_t length, enum canon_use use)
{
	static struct key key, again;
	char printed[KEY_PRINT_BYTES];
	struct canon_options options = {.use = use};
	uint32_t inside[2];
	if (canon_key(KIND_ANY, text, length, &options, &key, NULL) != STATUS_OK)
		return;
	size_t size = use == CANON_ENTRY ? key_print_entry(&key, printed) : key_print(&key, printed);
	if (printed[size] != '\0' || size >= sizeof(printed))
		abort();
	struct canon_options second = {.use = use};
	struct fault fault;
	if (canon_key(key.kind, printed, size, &second, &again, &fault) != STATUS_OK ||
	    !same(&key, &again))
		abort();
	if (key.kind == KIND_IPV6 && canon_embedded_ipv4(key.bytes, inside) > 2)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *at = (const char *)bytes, *end = at + length;
	while (at < end) {
		const char *line = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((line == NULL ? end : line) - at);
		try_value(at, size, CANON_QUERY);
		try_value(at, size, CANON_ENTRY);
		canon_guess(at, size);
		at += size + 1;
	}
	return 0;
}
