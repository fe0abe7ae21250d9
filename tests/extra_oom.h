/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failing memory: malloc, calloc and realloc of the whole program, libraries
 * included, count while armed and give NULL at the n-th call (from 0), once or
 * for ever. One thread.
 */
#ifndef TESTS_EXTRA_OOM_H
#define TESTS_EXTRA_OOM_H

#include <stdbool.h>

void
oom_arm(long at, bool for_ever);
/* True if a call was failed since arming. */
bool
oom_disarm(void);

#endif
