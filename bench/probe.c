/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/timer.h"

#define HUGE_PAGE (2u << 20)
#define PROBES 16384
#define GROUP 32

/* Huge pages given? The kernel writes it in smaps of the region. */
static bool
is_huge(const void *region)
{
	char line[256], start[32];
	unsigned long kilobytes;
	bool here = false, huge = false;
	FILE *maps = fopen("/proc/self/smaps", "r");
	snprintf(start, sizeof(start), "%lx-", (unsigned long)region);
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		if (strncmp(line, start, strlen(start)) == 0)
			here = true;
		if (here && sscanf(line, "AnonHugePages: %lu", &kilobytes) == 1) {
			huge = kilobytes > 0;
			break;
		}
	}
	if (maps != NULL)
		fclose(maps);
	return huge;
}

void
probe_open(struct probe *probe, size_t bytes)
{
	probe->bytes = bytes < HUGE_PAGE ? HUGE_PAGE : bytes;
	probe->mapped = (probe->bytes + 2 * HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	probe->lines = mmap(NULL, probe->mapped, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (probe->lines == MAP_FAILED)
		exit(2);
	madvise(probe->lines, probe->mapped, MADV_HUGEPAGE);
	memset(probe->lines, 1, probe->mapped);
	probe->huge = is_huge(probe->lines);
	probe->state = 1;
}

static uint64_t
next_line(struct probe *probe, uint64_t more)
{
	probe->state = (probe->state + more) * 6364136223846793005ull + 1442695040888963407ull;
	return (uint64_t)((unsigned __int128)probe->state * (probe->bytes / 64) >> 64) * 8;
}

void
probe_slice(struct probe *probe, bool dependent, size_t slice)
{
	uint64_t got = 0, at[GROUP], start = timer_ticks();
	if (dependent)
		for (size_t i = 0; i < PROBES; i++)
			got = probe->lines[next_line(probe, got)];
	for (size_t i = 0; i < PROBES && !dependent; i += GROUP) {
		for (size_t k = 0; k < GROUP; k++) {
			at[k] = next_line(probe, 0);
			__builtin_prefetch(&probe->lines[at[k]]);
		}
		for (size_t k = 0; k < GROUP; k++)
			got += probe->lines[at[k]];
	}
	probe->ns[slice] = (double)(timer_ticks() - start) * timer_tick_ns() / PROBES;
	probe->state += got & 1;
}

void
probe_close(struct probe *probe)
{
	munmap(probe->lines, probe->mapped);
}
