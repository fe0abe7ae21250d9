/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key: the canonical form of one indicator, in the caller's memory.
 *
 *   canon_key() / key_set_*()  ->  struct key  ->  segment_find / author_put
 *
 * Addresses and digests are bytes in network order. Names and URLs are text
 * without a terminating NUL; the text is either the caller's own (when it was
 * canonical already: `borrowed`, valid as long as the caller keeps it) or
 * stands in `buffer`. Use key_text() and never the fields, then copying a
 * struct key is safe. The struct is large because a URL is; its size is an odd
 * number of cache lines so that arrays of keys do not share cache sets.
 *
 * An IP key is an entry's prefix or a query's address: bits past prefix_bits
 * are zero. Scope matters for entries only; a query's scope is exact.
 *
 * A URL entry with an SMS wildcard (`\*` at the start and/or the end) keeps
 * the marks in its text and has pattern bits set; its scope is exact. An
 * entry `…/\*` whose literal part is a whole URL ending in `/` needs no pattern: it is
 * the key `…/` with scope tree, and that is how it is stored.
 */
#ifndef ENGINE_KEY_H
#define ENGINE_KEY_H

#include <assert.h>
#include <string.h>

#include "engine/bytes.h"
#include "engine/kind.h"
#include "engine/limits.h"
#include "engine/status.h"

#define KEY_PATTERN_OPEN_START 1 /* text begins with \* */
#define KEY_PATTERN_OPEN_END 2   /* text ends with \* */
#define KEY_PATTERN_BYTES 2      /* length of the mark */

struct key {
	uint8_t kind;         /* enum kind */
	uint8_t scope;        /* enum scope */
	uint8_t prefix_bits;  /* ipv4, ipv6 */
	uint8_t pattern;      /* KEY_PATTERN_*; url only */
	uint8_t embedded;     /* ipv4 taken out of an IPv6 form by the query side */
	uint8_t borrowed;     /* text is the caller's, not buffer's */
	uint16_t host_offset; /* url: where the host begins in the text */
	uint16_t host_length; /* url: its length */
	uint16_t reserved;
	uint32_t length;      /* bytes of text (domain, url) */
	const char *text_borrowed;
	uint8_t bytes[32];    /* ipv4, ipv6, sha1, sha256 */
	char buffer[LIMIT_URL_BYTES + 8];
};

/* Text of a domain or url key; `key->length` bytes, no NUL. */
static inline const char *
key_text(const struct key *key)
{
	return key->borrowed ? key->text_borrowed : key->buffer;
}

/* A whole value, as a question is: no prefix, no pattern. */
static inline bool
key_is_value(const struct key *key)
{
	struct le32 head; /* kind, scope, prefix_bits, pattern */
	memcpy(&head, key, sizeof(head));
	return le32_get(head) >> 16 == kind_table[key->kind].address_bits;
}

/*
 * Keys are written in whole words: they are read again a moment later, and a
 * load that spans several small stores waits for all of them, and with them
 * for the look-up before (store forwarding; docs/bench-single.md).
 */
static inline void
key_start(struct key *key, enum kind kind, unsigned prefix_bits)
{
	struct le64 head = le64_make((uint64_t)kind | SCOPE_EXACT << 8 | (uint64_t)prefix_bits << 16);
	memcpy(key, &head, sizeof(head));
	memset(&key->host_length, 0, offsetof(struct key, buffer) - offsetof(struct key, host_length));
}

/* All fields but the text's bytes: scope exact, a whole address, no text. */
static inline void
key_init(struct key *key, enum kind kind)
{
	key_start(key, kind, kind_table[kind].address_bits);
}

/* `address` in host order; host bits are cut off. prefix_bits 0..32. */
void
key_set_ipv4(struct key *key, uint32_t address, unsigned prefix_bits);

/* `address` 16 bytes in network order; host bits are cut off. 0..128. */
void
key_set_ipv6(struct key *key, const uint8_t address[16], unsigned prefix_bits);

/* kind KIND_SHA1 or KIND_SHA256; 20 or 32 bytes. */
static inline void
key_set_digest(struct key *key, enum kind kind, const uint8_t *digest)
{
	assert(kind == KIND_SHA1 || kind == KIND_SHA256);
	key_start(key, kind, 0);
	if (kind == KIND_SHA1)
		memcpy(key->bytes, digest, 20);
	else
		memcpy(key->bytes, digest, 32);
}

/*
 * A key over canonical text that stands elsewhere (a segment), borrowed; scope
 * exact. Finds a URL's host and a pattern's marks. False if it cannot be a key of that kind
 * (a URL without `://` and a host, unless a pattern): memory-safe for any bytes, no full check.
 */
bool
key_borrow_text(struct key *key, enum kind kind, const char *text, size_t length);

/*
 * Give an entry's key another scope. bad-scope where it cannot have it:
 * addresses, hashes, \*-patterns and URLs with a query string are exact only.
 */
enum status
key_set_scope(struct key *key, enum scope scope, struct fault *fault);

/* Longest text that key_print can make, with its NUL. */
#define KEY_PRINT_BYTES (LIMIT_URL_BYTES + 16)

/*
 * The one spelling that answers show: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32
 * (RFC 5952; /32 and /128 are left out), a name, a URL, lower-case hex.
 * The scope is not part of it. Writes a NUL; returns the length without it.
 * `text` holds KEY_PRINT_BYTES.
 */
size_t
key_print(const struct key *key, char *text);

/* The same, and scope below as `*.name` and `url/ *`-like input spelling, so that reading it
 * again with canon_key gives the same key; scope tree has no spelling of its own, except
 * for a URL that ends in `/`: that is `…/\*`. A URL with scope below that does not end in
 * `/` has no spelling either. A URL that itself ends in `/ *` gets its star as %2A. */
size_t
key_print_entry(const struct key *key, char *text);

/* Address text alone, without NUL; returns the length (15 and 39 at most). IPv6 as RFC 5952,
 * always in hexadecimal groups. */
size_t
key_print_ipv4(const uint8_t address[4], char *text);
size_t
key_print_ipv6(const uint8_t address[16], char *text);

#endif
