/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one canonicaliser: text from outside to a struct key.
 *
 * Import, sync, look-up and exceptions all call canon_key(); nothing else in
 * the tree turns text into keys. docs/canonical.md gives the rules, with the
 * standards and every deviation. CANON_VERSION stands in every segment; a
 * reader with another version refuses the segment, so raise it whenever any
 * key would come out differently.
 *
 *   CANON_QUERY  a look-up: no `*` wildcards, an address not a prefix is
 *                usual (a prefix is accepted and asked as its first address
 *                with that length).
 *   CANON_ENTRY  what a feed or a user puts in: CIDR with host bits zero,
 *                `*.name` (scope below), `…/ *` (scope below, key ends in /)
 *                and the SMS mark `\*`. Scope is exact unless spelled.
 *
 * Calling: thread-safe, no global state, no allocation on the path of text
 * that is canonical already. Cost there: one pass. libidn2 is called only for
 * names that are not plain lower-case LDH ASCII.
 * Idempotent: canon_key(key_print_entry(canon_key(x))) == canon_key(x).
 */
#ifndef ENGINE_CANON_H
#define ENGINE_CANON_H

#include "engine/key.h"
#include "engine/status.h"

#define CANON_VERSION 1

enum canon_use {
	CANON_QUERY,
	CANON_ENTRY
};

/* What had to be undone to read the value (canon_note bits, for reports). */
#define CANON_NOTE_DEFANGED 1     /* hxxp, [.], (.), {.}, [:]// and the like */
#define CANON_NOTE_TRIMMED 2      /* surrounding blanks or quotes */
#define CANON_NOTE_SCHEMELESS 4   /* a URL without scheme was given http:// */

/* One step of canonicalisation, as `repute normalize` shows it. */
struct canon_step {
	const char *name;    /* static: "defang", "whatwg-parse", "idna", ... */
	const char *result;  /* text after the step; valid during the call only */
	size_t length;
};
typedef void canon_step_cb(void *context, const struct canon_step *step);

struct canon_options {
	enum canon_use use;
	canon_step_cb *on_step; /* NULL: none; called only for steps that change the text */
	void *context;
	unsigned notes;         /* out: CANON_NOTE_* */
};

/*
 * Read `length` bytes of `text` as an indicator of `kind` (KIND_ANY: find
 * out). On success *key is filled, perhaps borrowing `text`. On failure *key
 * is undefined, the status is one of STATUS_BAD_* / STATUS_LIMIT and the
 * fault's text says why; where a correction is obvious it ends in
 * "; did you mean X" (host bits set: the corrected prefix).
 * `options` may be NULL: CANON_QUERY, no steps.
 */
enum status
canon_key(enum kind kind, const char *text, size_t length, struct canon_options *options,
	  struct key *key, struct fault *fault);

/*
 * What kind a value looks like; never fails, KIND_COUNT if nothing fits.
 * 40 and 64 hex digits are hashes; an address or prefix is ipv4/ipv6; with a
 * scheme, or with a `/` after the host, it is a url; else a domain.
 */
enum kind
canon_guess(const char *text, size_t length);

/*
 * The IPv4 address inside an IPv6 one: mapped ::ffff:0:0/96, compatible
 * ::/96 (not :: and ::1), 6to4 2002::/16, Teredo 2001::/32 (client, inverted),
 * NAT64 64:ff9b::/96, ISATAP ::[02]00:5efe:a.b.c.d in the low 64 bits.
 * Returns how many were found (0..2) into `ipv4` in host order.
 */
unsigned
canon_embedded_ipv4(const uint8_t ipv6[16], uint32_t ipv4[2]);

/*
 * Split the inclusive range first..last (16-byte addresses; IPv4 in the first
 * 4 bytes) into the fewest prefixes, in order. STATUS_LIMIT past `cap`.
 */
struct canon_prefix {
	uint8_t address[16];
	uint8_t bits;
};
enum status
canon_range_split(enum kind kind, const uint8_t *first, const uint8_t *last,
		  struct canon_prefix *prefixes, size_t cap, size_t *count);

#endif
