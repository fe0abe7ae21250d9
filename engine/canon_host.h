/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host of a URL: private to canon*.c.
 */
#ifndef ENGINE_CANON_HOST_H
#define ENGINE_CANON_HOST_H

#include "engine/canon_run.h"

/* Longest host text that is looked at; more than any resolvable name. */
#define CANON_HOST_BYTES 4096

enum canon_host_rule {
	CANON_HOST_WHATWG, /* what a browser does, nothing else */
	CANON_HOST_LENIENT /* and the hosts that only the Safe Browsing form knows */
};

/*
 * WHATWG host parsing of a special URL. `text` is changed in place while it
 * is read; the host goes to `out` (CANON_HOST_BYTES, no NUL).
 */
enum status
canon_host(char *text, size_t length, enum canon_host_rule rule, char *out, size_t *out_length,
	   struct fault *fault);

/*
 * The Safe Browsing rules on a parsed host, in place: leading and trailing
 * dots go, runs of dots become one, IPv4 once more, [::a.b.c.d] for
 * IPv4-compatible addresses, escapes. bad-url if nothing is left.
 */
enum status
canon_host_form(char *host, size_t *length, struct fault *fault);

/* The last label is a number, so that the name must be an IPv4 address. */
bool
canon_host_ends_in_number(const char *host, size_t length);

#endif
