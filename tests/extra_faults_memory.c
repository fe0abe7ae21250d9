/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator, in the place of the one below: AddressSanitizer's where there is one, else glibc's. */
#include "tests/extra_faults_state.h"

#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <string.h>

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
void *calloc(size_t number, size_t size);
void *realloc(void *old, size_t size);
void *memalign(size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **result, size_t alignment, size_t size);
void free(void *block);
void *psl_latest(const char *path);

const char *__lsan_default_suppressions(void);

/* What libJudy loses of its own when an allocation in the middle of its work fails. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libJudy.so\n";
}

/* Where the code of libJudy lies. */
static uintptr_t judy_from, judy_to;
static long blocks, judy_blocks;

static int
look_at_library(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	(void)context;
	if (strstr(info->dlpi_name, "libJudy") == NULL)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
			judy_from = info->dlpi_addr + part->p_vaddr;
			judy_to = judy_from + part->p_memsz;
		}
	}
	return 1;
}

/* Not under ASan, which finds leaks itself: it allocates before its own shadow of our variables is there. */
static void
count(int change, const void *caller)
{
	if (__interceptor_malloc != NULL)
		return;
	if (judy_to == 0) {
		judy_to = 1;
		dl_iterate_phdr(look_at_library, NULL);
	}
	bool judy = (uintptr_t)caller >= judy_from && (uintptr_t)caller < judy_to;
	*(judy ? &judy_blocks : &blocks) += change;
}

/* ASan's own strdup and the like do not come by here, so their blocks would be missing. */
long
faults_blocks(void)
{
	return __interceptor_malloc != NULL ? 0 : blocks;
}

long
faults_blocks_judy(void)
{
	return judy_blocks;
}

static void *
counted(void *block, const void *caller)
{
	if (block != NULL)
		count(1, caller);
	return block;
}

#define CALLER __builtin_return_address(0)

void *
malloc(size_t size)
{
	if (faults_now(CALL_MALLOC))
		return NULL;
	return counted(__interceptor_malloc != NULL ? __interceptor_malloc(size)
						    : __libc_malloc(size), CALLER);
}

void *
calloc(size_t number, size_t size)
{
	if (faults_now(CALL_CALLOC))
		return NULL;
	return counted(__interceptor_calloc != NULL ? __interceptor_calloc(number, size)
						    : __libc_calloc(number, size), CALLER);
}

void *
realloc(void *old, size_t size)
{
	if (faults_now(CALL_REALLOC))
		return NULL;
	void *block = __interceptor_realloc != NULL ? __interceptor_realloc(old, size)
						    : __libc_realloc(old, size);
	if (old == NULL)
		counted(block, CALLER);
	else if (block == NULL && size == 0)
		count(-1, CALLER);
	return block;
}

void *
memalign(size_t alignment, size_t size)
{
	if (faults_now(CALL_ALIGNED))
		return NULL;
	return counted(__interceptor_memalign != NULL ? __interceptor_memalign(alignment, size)
						      : __libc_memalign(alignment, size), CALLER);
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
	if (block != NULL)
		count(-1, CALLER);
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
