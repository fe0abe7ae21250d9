/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a text canonical already? Private to canon*.c and the tests.
 *
 * The answer is never wrong, but may be no for a canonical text of a rare
 * shape. One pass, 64 bytes at a time where the machine has vectors; all paths
 * give the same answers, and none reads outside the text.
 *
 * A path is one instruction set; the machine's best is chosen by each call,
 * from the flags that the compiler's run-time keeps: one load, one branch.
 */
#ifndef ENGINE_CANON_SCAN_H
#define ENGINE_CANON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define CANON_SCAN_NONE ((size_t)-1)

/* What is known of a URL after its scan. */
struct canon_scan {
	size_t host; /* where the host begins; 0: no http:// or https:// in lower case */
	size_t end;  /* where it ends if it is a plain name (its last label begins with a letter); 0: no */
	size_t stop; /* if `end`: text[end..stop) is canonical path and query, or empty */
};

/*
 * Plain lower-case labels of 1 to 63 bytes, at most 253 in all, the last one beginning with
 * a letter. Where that one begins, CANON_SCAN_NONE if the text is not so.
 */
size_t
canon_scan_domain(const char *text, size_t length);

/* True: canonical but perhaps for a `*` at the end, whose meaning is the caller's. */
bool
canon_scan_url(const char *text, size_t length, struct canon_scan *scan);

struct canon_scan_path {
	const char *name;
	size_t (*domain)(const char *text, size_t length);
	bool (*url)(const char *text, size_t length, struct canon_scan *scan);
};

/* The i-th path that this machine has, best first; NULL past the last. */
const struct canon_scan_path *
canon_scan_path(size_t i);

#endif
