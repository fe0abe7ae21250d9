/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/swap.h"

#include <malloc.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/scratch.h"

/* --- durations ---------------------------------------------------------------------------- */

static unsigned
class_of(uint64_t nanoseconds)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(nanoseconds | 1);
	return bits <= 5 ? (unsigned)nanoseconds
			 : (bits - 4) * 16 + (unsigned)(nanoseconds >> (bits - 5)) % 16;
}

/* The largest of its class */
static uint64_t
class_end(unsigned class)
{
	unsigned bits = class / 16 + 4;
	return bits <= 5 ? class : ((16ull + class % 16 + 1) << (bits - 5)) - 1;
}

void
swap_time(struct swap_times *times, uint64_t nanoseconds)
{
	times->count++;
	times->class[class_of(nanoseconds)]++;
	if (nanoseconds > times->longest)
		times->longest = nanoseconds;
}

void
swap_times_add(struct swap_times *sum, const struct swap_times *times)
{
	sum->count += times->count;
	for (unsigned i = 0; i < SWAP_CLASSES; i++)
		sum->class[i] += times->class[i];
	if (times->longest > sum->longest)
		sum->longest = times->longest;
}

uint64_t
swap_times_part(const struct swap_times *times, double part)
{
	uint64_t seen = 0;
	for (unsigned i = 0; i < SWAP_CLASSES; i++) {
		seen += times->class[i];
		if (seen > 0 && (double)seen >= part * (double)times->count)
			return class_end(i) < times->longest ? class_end(i) : times->longest;
	}
	return 0;
}

uint64_t
swap_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* --- shared memory ---------------------------------------------------------------------------- */

static size_t
bytes_of(uint64_t generations)
{
	return sizeof(struct swap_shared) + generations * sizeof(uint32_t);
}

struct swap_shared *
swap_map(uint64_t generations)
{
	struct swap_shared *shared = mmap(NULL, bytes_of(generations), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return NULL;
	shared->generations = generations;
	return shared;
}

void
swap_unmap(struct swap_shared *shared)
{
	munmap(shared, bytes_of(shared->generations));
}

uint32_t
swap_revision(const struct swap_shared *shared, uint64_t generation)
{
	uint32_t revision = 0;
	while (revision == 0 && generation > 0 && generation < shared->generations)
		revision = __atomic_load_n(&shared->revision[generation--], __ATOMIC_ACQUIRE);
	return revision - 1;
}

uint64_t
swap_answers(const struct swap_shared *shared)
{
	uint64_t answers = 0;
	for (unsigned i = 0; i < SWAP_LANES; i++)
		answers += __atomic_load_n(&shared->lane[i].answers, __ATOMIC_RELAXED);
	return answers;
}

void
swap_look_at(struct swap_held *held, const char *store)
{
	*held = (struct swap_held){.descriptors = scratch_descriptors(),
				   .mappings = scratch_mappings(""),
				   .of_store = scratch_mappings(store)};
	FILE *file = fopen("/proc/self/statm", "r");
	if (file == NULL || fscanf(file, "%*d %ld", &held->resident) != 1)
		held->resident = 0;
	if (file != NULL)
		fclose(file);
	held->resident *= sysconf(_SC_PAGESIZE);
	malloc_trim(0);
	held->heap = (long)mallinfo2().uordblks;
}
