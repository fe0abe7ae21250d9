/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The six kinds and the three scopes. One const table; a new kind is a row.
 */
#ifndef ENGINE_KIND_H
#define ENGINE_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind {
	KIND_IPV4 = 0,
	KIND_IPV6,
	KIND_DOMAIN,
	KIND_URL,
	KIND_SHA1,
	KIND_SHA256,
	KIND_COUNT,
	KIND_ANY = KIND_COUNT /* "find out by looking", on input only */
};

/* A set of bits: exact = the key itself, below = everything under it. */
enum scope {
	SCOPE_EXACT = 1,
	SCOPE_BELOW = 2,
	SCOPE_TREE = 3
};

struct kind_row {
	const char *name;     /* "ipv4": in files, options and JSON */
	uint8_t key_bytes;    /* 4, 16, 20, 32; 0 for text keys (domain, url) */
	uint8_t address_bits; /* 32, 128; 0 where there are no prefixes */
	bool scoped;          /* domain and url: may be exact, below or tree */
};

extern const struct kind_row kind_table[KIND_COUNT];

/* Exact lower-case name to kind; false if there is none. */
bool
kind_parse(const char *name, size_t len, enum kind *kind);

const char *
kind_name(enum kind kind);

bool
scope_parse(const char *name, size_t len, enum scope *scope);

const char *
scope_name(enum scope scope);

#endif
