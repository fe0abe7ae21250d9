/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The import guard: keys that no list means, because they would cover far too
 * much or match what everybody has. `--allow-broad` leaves it out.
 *
 *   ipv4    shorter than /8, unless all of it is multicast or reserved
 *           (real lists of bogons hold 224.0.0.0/3 and 240.0.0.0/4)
 *   ipv6    shorter than /16, unless all of it is unique local, link-local or
 *           multicast (fc00::/6)
 *   domain  a name of one label (a top-level domain); with scope below or
 *           tree also a public suffix
 *   url     a pattern with fewer than LIMIT_PATTERN_LITERAL_BYTES letters and
 *           digits of its own (scheme and "www" not counted)
 *   sha1, sha256   of the empty file
 *
 * docs/feeds.md has the measurements behind the limits.
 */
#ifndef LOADER_FEED_GUARD_H
#define LOADER_FEED_GUARD_H

#include "engine/key.h"
#include "engine/status.h"

/* Is the name a public suffix of the ICANN section (no trailing dot, A-labels)? */
typedef bool
feed_guard_suffix(void *context, const char *name, size_t length);

struct feed_guard {
	feed_guard_suffix *is_suffix; /* NULL: only names of one label are known to be broad */
	void *context;
};

/* STATUS_OK, or STATUS_BROAD with the reason. `key` as canon_key made it; `guard` may be NULL. */
enum status
feed_guard_check(const struct feed_guard *guard, const struct key *key, struct fault *fault);

#endif
