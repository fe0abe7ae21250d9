/* SPDX-License-Identifier: Apache-2.0 */
/* Names: private to canon*.c and the tests. */
#ifndef ENGINE_CANON_DOMAIN_H
#define ENGINE_CANON_DOMAIN_H

#include "engine/canon_run.h"

/*
 * "Domain to ASCII" of the URL Standard (not strict): A-labels in lower case,
 * no forbidden code point. `out` holds CANON_HOST_BYTES.
 */
enum status
canon_domain_ascii(const char *text, size_t length, char *out, size_t *out_length);

#endif
