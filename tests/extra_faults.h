/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failing files: the calls of the program that touch files count while armed,
 * and the n-th (from 0) fails, once or with all after it. One thread.
 */
#ifndef TESTS_EXTRA_FAULTS_H
#define TESTS_EXTRA_FAULTS_H

#include <stdbool.h>

/* `error` 0: a short count of read and write, which is no failure. */
void
faults_arm(long at, int error, bool for_ever);
/* The name of the call that was failed first, NULL if none was. */
const char *
faults_disarm(void);

#endif
