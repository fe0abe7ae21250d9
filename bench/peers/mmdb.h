/* SPDX-License-Identifier: Apache-2.0 */
/* A writer of MaxMind DB files (format 2.0, records of 32 bits), as far as the bench needs one. */
#ifndef BENCH_PEERS_MMDB_H
#define BENCH_PEERS_MMDB_H

#include "bench/data.h"

/* Each prefix leads to its claim's answer word, a 64-bit number. */
bool
mmdb_write(const struct data *data, const char *path);

#endif
