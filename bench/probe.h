/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine can do at best: random 64-byte lines of a region as large as
 * repute's store, each waiting for the one before (lat), or independent with
 * prefetch (one, batch). In huge pages if the system gives them.
 */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_SLICES 64

struct probe {
	uint64_t *lines;
	size_t bytes, mapped;
	bool huge;
	uint64_t state;
	double ns[PROBE_SLICES];
};

void
probe_open(struct probe *probe, size_t bytes);
void
probe_slice(struct probe *probe, bool dependent, size_t slice);
void
probe_close(struct probe *probe);

#endif
