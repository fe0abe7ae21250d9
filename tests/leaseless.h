/* SPDX-License-Identifier: Apache-2.0 */
/* Leases in tests: are there any? And a system without them: fcntl refuses them where `leaseless` is true. */
#ifndef TESTS_LEASELESS_H
#define TESTS_LEASELESS_H

#include <stdbool.h>

extern bool leaseless;

/* Can this process lease files on the file system of `path` at all? By the system alone. */
bool
leases_here(const char *path);

#endif
