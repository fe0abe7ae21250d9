/* SPDX-License-Identifier: Apache-2.0 */
/* Which stored profiles ask a tag category: as long as one does, it stays. */
#ifndef QUERY_PROFILE_USES_H
#define QUERY_PROFILE_USES_H

#include "engine/catalog.h"

/*
 * refused if a stored profile's `where` asks the category; the fault names profile and
 * filter. A stored profile that cannot be read asks nothing. no-memory.
 */
enum status
profile_uses_check(const struct catalog *catalog, const char *name, size_t length,
		   struct fault *fault);

#endif
