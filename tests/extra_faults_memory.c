/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator, in the place of the one below: AddressSanitizer's where there is one, else glibc's. */
#include "tests/extra_faults_state.h"

#include <errno.h>

/* Seen by all libraries, the C library too: our objects are compiled with hidden names. */
#pragma GCC visibility push(default)

#define BELOW(type, name, ...) \
	extern type __interceptor_##name(__VA_ARGS__) __attribute__((weak)); \
	extern type __libc_##name(__VA_ARGS__) __attribute__((weak));

BELOW(void *, malloc, size_t)
BELOW(void *, calloc, size_t, size_t)
BELOW(void *, realloc, void *, size_t)
BELOW(void *, memalign, size_t, size_t)
BELOW(void, free, void *)

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void *memalign(size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **result, size_t alignment, size_t size);
void free(void *block);
void *psl_latest(const char *path);

static long blocks;

/* ASan's own strdup and the like do not come by here, so their blocks would be missing. */
long
faults_blocks(void)
{
	return __interceptor_malloc != NULL ? 0 : blocks;
}

static void *
counted(void *block)
{
	blocks += block != NULL;
	return block;
}

void *
malloc(size_t size)
{
	if (faults_now(CALL_MALLOC))
		return NULL;
	return counted(__interceptor_malloc != NULL ? __interceptor_malloc(size)
						    : __libc_malloc(size));
}

void *
calloc(size_t count, size_t size)
{
	if (faults_now(CALL_CALLOC))
		return NULL;
	return counted(__interceptor_calloc != NULL ? __interceptor_calloc(count, size)
						    : __libc_calloc(count, size));
}

void *
realloc(void *old, size_t size)
{
	if (faults_now(CALL_REALLOC))
		return NULL;
	void *block = __interceptor_realloc != NULL ? __interceptor_realloc(old, size)
						    : __libc_realloc(old, size);
	if (old == NULL)
		counted(block);
	else if (block == NULL && size == 0)
		blocks--;
	return block;
}

void *
memalign(size_t alignment, size_t size)
{
	if (faults_now(CALL_ALIGNED))
		return NULL;
	return counted(__interceptor_memalign != NULL ? __interceptor_memalign(alignment, size)
						      : __libc_memalign(alignment, size));
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int
posix_memalign(void **result, size_t alignment, size_t size)
{
	void *block = memalign(alignment, size);
	if (block == NULL)
		return ENOMEM;
	*result = block;
	return 0;
}

void
free(void *block)
{
	blocks -= block != NULL;
	if (__interceptor_free != NULL)
		__interceptor_free(block);
	else
		__libc_free(block);
}

/* The list built into libpsl does: reading the system's takes ten thousand allocations. */
void *
psl_latest(const char *path)
{
	(void)path;
	return NULL;
}
