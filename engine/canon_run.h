/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to canon*.c: one call of canon_key() on its way through the files.
 *
 *   canon_quick.c   canonical already, or nearly (canon_mend.c, canon_scan*.c); else:
 *   canon.c         trims, guesses, chooses the kind's reader
 *   canon_ip.c      addresses, prefixes, ranges, IPv4 inside IPv6
 *   canon_domain.c  names
 *   canon_url.c     WHATWG parse: scheme, host, path, query
 *   canon_host.c    the host of a URL
 *   canon_form.c    the Safe Browsing form of a parsed URL
 *   canon_pattern.c entries with the SMS mark \*
 *   canon_defang.c  hxxp, [.] and the like
 *   canon_percent.c %-escapes, character classes
 *   canon_idna.c    names outside ASCII (the only user of libidn2)
 *   canon_guess.c   what kind a text looks like
 *   canon_range.c   a-b into prefixes
 */
#ifndef ENGINE_CANON_RUN_H
#define ENGINE_CANON_RUN_H

#include "engine/canon.h"

struct canon_run {
	enum canon_use use;
	canon_step_cb *on_step;
	void *context;
	unsigned notes;
	struct fault *fault;
};

/* Tell of a step; a no-op unless somebody listens. */
static inline void
canon_tell(const struct canon_run *run, const char *name, const char *text, size_t length)
{
	if (run->on_step != NULL)
		run->on_step(run->context, &(struct canon_step){ name, text, length });
}

/* Text memory that is on the stack for ordinary lengths. */
#define CANON_SCRATCH_BYTES 2048
struct canon_scratch {
	char *bytes;
	char ordinary[CANON_SCRATCH_BYTES];
};

/* NULL in ->bytes and false if memory is short. */
bool
canon_scratch_init(struct canon_scratch *scratch, size_t size);
void
canon_scratch_fini(struct canon_scratch *scratch);

/* Readers of one kind; `text` is trimmed and not empty. */
typedef enum status canon_reader(struct canon_run *run, const char *text, size_t length,
				 struct key *key);
canon_reader canon_read_ipv4;
canon_reader canon_read_ipv6;
canon_reader canon_read_domain;
canon_reader canon_read_url;
canon_reader canon_read_pattern;
canon_reader canon_read_sha1;
canon_reader canon_read_sha256;

/* KEY_PATTERN_* that stand in an entry's text. */
unsigned
canon_pattern_marks(const char *text, size_t length);

#endif
