/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an indicator: byte 0 chooses kind and use. What is accepted must
 * print to a text that reads back as the same key, and the text alone must
 * give the same host and marks (as a segment reads it).
 */
#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(bool holds)
{
	if (!holds)
		abort();
}

static void
keys_compare(const struct key *a, const struct key *b)
{
	bool scope_spelled = a->scope != SCOPE_TREE || a->kind == KIND_URL;
	demand(a->kind == b->kind && a->prefix_bits == b->prefix_bits && a->pattern == b->pattern);
	demand(!scope_spelled || a->scope == b->scope);
	demand(memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0 && a->length == b->length);
	demand(a->host_offset == b->host_offset && a->host_length == b->host_length);
	demand(memcmp(key_text(a), key_text(b), a->length) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct key key, again, view;
	static char text[KEY_PRINT_BYTES];
	if (size == 0)
		return 0;
	enum kind kind = (enum kind)(data[0] % (KIND_COUNT + 1));
	struct canon_options options = {.use = data[0] & 0x80 ? CANON_ENTRY : CANON_QUERY};
	canon_guess((const char *)data + 1, size - 1);
	if (canon_key(kind, (const char *)data + 1, size - 1, &options, &key, NULL) != STATUS_OK)
		return 0;
	size_t length =
		options.use == CANON_ENTRY ? key_print_entry(&key, text) : key_print(&key, text);
	demand(length < sizeof(text) && text[length] == '\0');
	demand(canon_key((enum kind)key.kind, text, length, &options, &again, NULL) == STATUS_OK);
	keys_compare(&key, &again);
	if (key.kind != KIND_URL && key.kind != KIND_DOMAIN)
		return 0;
	demand(key_borrow_text(&view, (enum kind)key.kind, key_text(&key), key.length));
	view.scope = key.scope;
	keys_compare(&key, &view);
	return 0;
}
