/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short way through canon_key(): what most texts are. Private to canon*.c
 * and the tests.
 *
 *   canon_quick   canonical already: borrowed; plain hex digits, a dotted quad. Else what takes one more pass
 *                 from the first byte that is not:
 *   canon_mend_*  capitals, a missing slash after the host, port, fragment,
 *                 escapes, runs of slashes, IPv4 hosts; a dot after a name
 *
 * All of them say no in doubt, and then canon_slow() reads the text from its
 * beginning: it can do all that they can, and gives the same key.
 */
#ifndef ENGINE_CANON_QUICK_H
#define ENGINE_CANON_QUICK_H

#include <string.h>

#include "engine/canon.h"
#include "engine/canon_scan.h"

/* `options` as for canon_key(), which it is part of; notes would be none. */
bool
canon_quick(enum kind kind, const char *text, size_t length, const struct canon_options *options,
	    struct key *key);

/*
 * `scan`: what canon_scan_url() knows of the text, which has no wildcard at its
 * end and does not stand in the key. `any`: only a name with a dot inside.
 */
bool
canon_mend_url(const char *text, size_t length, const struct canon_scan *scan, struct key *key);
bool
canon_mend_domain(const char *text, size_t length, bool any, struct key *key);

/* canon_key() without the short way: the same answers, also the faults. */
enum status
canon_slow(enum kind kind, const char *text, size_t length, struct canon_options *options,
	   struct key *key, struct fault *fault);

/* key_init() of a domain or url whose text is the caller's, where the compiler can see it. */
static inline void
canon_borrow(struct key *key, enum kind kind, const char *text, size_t length)
{
	memset(key, 0, offsetof(struct key, buffer));
	key->kind = (uint8_t)kind;
	key->scope = SCOPE_EXACT;
	key->borrowed = 1;
	key->text_borrowed = text;
	key->length = (uint32_t)length;
}

static inline void
canon_borrow_url(struct key *key, const char *text, size_t length, size_t host, size_t end)
{
	canon_borrow(key, KIND_URL, text, length);
	key->host_offset = (uint16_t)host;
	key->host_length = (uint16_t)(end - host);
}

#endif
