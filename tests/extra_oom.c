/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/extra_oom.h"

#include <errno.h>
#include <stddef.h>

/* The allocator below ours: AddressSanitizer's where there is one, else glibc's. */
#define BELOW(type, name, ...) \
	extern type __interceptor_##name(__VA_ARGS__) __attribute__((weak)); \
	extern type __libc_##name(__VA_ARGS__) __attribute__((weak));

BELOW(void *, malloc, size_t)
BELOW(void *, calloc, size_t, size_t)
BELOW(void *, realloc, void *, size_t)

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void *psl_latest(const char *path);

static volatile long left = -1; /* calls until the one that fails; -1: not armed */
static volatile bool endless, struck;

static bool
is_time(void)
{
	if (left < 0 || (struck && !endless))
		return false;
	if (left > 0) {
		left--;
		return false;
	}
	struck = true;
	errno = ENOMEM;
	return true;
}

void
oom_arm(long at, bool for_ever)
{
	struck = false;
	endless = for_ever;
	left = at;
}

bool
oom_disarm(void)
{
	left = -1;
	return struck;
}

void *
malloc(size_t size)
{
	if (is_time())
		return NULL;
	return __interceptor_malloc != NULL ? __interceptor_malloc(size) : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	if (is_time())
		return NULL;
	return __interceptor_calloc != NULL ? __interceptor_calloc(count, size)
					    : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	if (is_time())
		return NULL;
	return __interceptor_realloc != NULL ? __interceptor_realloc(old, size)
					     : __libc_realloc(old, size);
}

/* The list built into libpsl does: reading the system's takes ten thousand allocations. */
void *
psl_latest(const char *path)
{
	(void)path;
	return NULL;
}
