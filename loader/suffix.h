/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Public Suffix List, through libpsl: which names registrars hand out
 * names below (com, co.uk, github.io). For the import guard.
 * Names are A-labels in lower case without a trailing dot. Any thread may ask.
 */
#ifndef LOADER_SUFFIX_H
#define LOADER_SUFFIX_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/status.h"

struct suffix;

/* `path` NULL: the newest list of the system, else the one built into libpsl. */
enum status
suffix_new(const char *path, struct suffix **suffix, struct fault *fault);
void
suffix_free(struct suffix *suffix);

/* In the ICANN section; a name of one label that no rule has counts too. */
bool
suffix_is_public(const struct suffix *suffix, const char *name, size_t length);

/*
 * The registrable name (public suffix and one label, private section
 * included) within `name`; NULL if the name is itself a suffix.
 */
const char *
suffix_registrable(const struct suffix *suffix, const char *name);

#endif
