/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status and fault: how every layer says what went wrong.
 *
 * What can fail returns an enum status. Results go through out-pointers and
 * stay untouched on failure. Cold paths take a last, optional `struct fault *`
 * (NULL is welcome) that says where and why in one sentence; look-up never
 * does. Bytes from outside give a status; our own broken promise gives an
 * assert.
 *
 * The numbers are part of the library's ABI (query/repute.h repeats them and
 * query/api.c asserts that they are equal): add at the end, never renumber.
 */
#ifndef ENGINE_STATUS_H
#define ENGINE_STATUS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

enum status {
	STATUS_OK = 0,
	STATUS_NO_MEMORY,    /* an allocation failed */
	STATUS_IO,           /* the operating system refused; errno text in the fault */
	STATUS_MISSING,      /* no such file, store, source, category ... */
	STATUS_USAGE,        /* a bad argument or option */
	STATUS_LIMIT,        /* a named limit (engine/limits.h) was crossed */
	STATUS_BUSY,         /* another writer holds the store */
	STATUS_FORMAT,       /* not one of our files at all */
	STATUS_VERSION,      /* ours, but a version or required bit we do not know */
	STATUS_CORRUPT,      /* ours, but damaged */
	STATUS_BAD_KIND,     /* the kind of a value cannot be told */
	STATUS_BAD_IPV4,
	STATUS_BAD_IPV6,
	STATUS_BAD_DOMAIN,
	STATUS_BAD_URL,
	STATUS_BAD_HASH,
	STATUS_BAD_SCOPE,    /* a scope that this key cannot have */
	STATUS_BAD_TAG,      /* unknown category or a value its type refuses */
	STATUS_BAD_TIME,     /* a time or duration that cannot be read */
	STATUS_BAD_FEED,     /* a file that is not the list it should be */
	STATUS_BROAD,        /* an entry that would cover far too much */
	STATUS_CRITERIA,     /* a condition that does not parse or type-check */
	STATUS_REFUSED,      /* understood, and refused by a rule (read-only, guard) */
	STATUS_STOPPED,      /* interrupted by the user */
	STATUS_PROFILE,      /* a profile that does not parse, or may not take another's place */
	STATUS_COUNT
};

#define FAULT_WHERE_BYTES 128
#define FAULT_TEXT_BYTES 384

struct fault {
	enum status status;
	uint64_t offset;                /* byte or line in `where`; 0 if it has none */
	char where[FAULT_WHERE_BYTES];  /* file, section or option; "" if none */
	char text[FAULT_TEXT_BYTES];    /* one sentence without a full stop */
};

/* "bad-domain": stable, for scripts and JSON. Never NULL. */
const char *
status_name(enum status status);

/* "not a domain name": for people. Never NULL. */
const char *
status_text(enum status status);

/*
 * Fill `fault` (may be NULL) and return `status`, so that a failing function
 * can end in `return fault_set(...)`. `where` may be NULL. `format` is
 * printf's; too long a text is cut at a UTF-8 boundary.
 */
enum status
fault_set(struct fault *fault, enum status status, const char *where, uint64_t offset,
	  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same from errno (saved by the caller): "cannot open: No such file ...". */
enum status
fault_errno(struct fault *fault, int error, const char *where, const char *doing);

#endif
