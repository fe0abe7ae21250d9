/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/kind.h"

#include <string.h>

const struct kind_row kind_table[KIND_COUNT] = {
	[KIND_IPV4] = { "ipv4", 4, 32, false },
	[KIND_IPV6] = { "ipv6", 16, 128, false },
	[KIND_DOMAIN] = { "domain", 0, 0, true },
	[KIND_URL] = { "url", 0, 0, true },
	[KIND_SHA1] = { "sha1", 20, 0, false },
	[KIND_SHA256] = { "sha256", 32, 0, false },
};

static const char *const scope_names[] = {
	[SCOPE_EXACT] = "exact",
	[SCOPE_BELOW] = "below",
	[SCOPE_TREE] = "tree",
};

static bool
name_is(const char *name, size_t len, const char *row)
{
	return strlen(row) == len && memcmp(name, row, len) == 0;
}

bool
kind_parse(const char *name, size_t len, enum kind *kind)
{
	for (int i = 0; i < KIND_COUNT; i++) {
		if (name_is(name, len, kind_table[i].name)) {
			*kind = (enum kind)i;
			return true;
		}
	}
	return false;
}

const char *
kind_name(enum kind kind)
{
	return (unsigned)kind < KIND_COUNT ? kind_table[kind].name : "any";
}

bool
scope_parse(const char *name, size_t len, enum scope *scope)
{
	for (int i = SCOPE_EXACT; i <= SCOPE_TREE; i++) {
		if (name_is(name, len, scope_names[i])) {
			*scope = (enum scope)i;
			return true;
		}
	}
	return false;
}

const char *
scope_name(enum scope scope)
{
	bool known = scope >= SCOPE_EXACT && scope <= SCOPE_TREE;
	return known ? scope_names[scope] : "none";
}
