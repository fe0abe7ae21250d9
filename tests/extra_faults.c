/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/extra_faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile long left = -1;
static volatile bool endless;
static int error_given;
static const char *struck;

void
faults_arm(long at, int error, bool for_ever)
{
	struck = NULL;
	error_given = error;
	endless = for_ever;
	left = at;
}

const char *
faults_disarm(void)
{
	left = -1;
	return struck;
}

static bool
is_time(const char *name)
{
	if (left < 0 || (struck != NULL && !endless))
		return false;
	if (left > 0) {
		left--;
		return false;
	}
	if (struck == NULL)
		struck = name;
	errno = error_given;
	return true;
}

static void *
below(const char *name)
{
	void *call = dlsym(RTLD_NEXT, name);
	if (call == NULL)
		abort();
	return call;
}

/* With 64-bit offsets on 32 bits, <unistd.h> gives some of these another name. */
#if defined(__USE_FILE_OFFSET64) && !defined(__LP64__)
#define WIDE "64"
#define STAT_SUFFIX "64_time64"
#define STAT_PREFIX "__"
#else
#define WIDE ""
#define STAT_SUFFIX ""
#define STAT_PREFIX ""
#endif

#define FAILS(name) (is_time(name) && error_given != 0)

ssize_t
write(int descriptor, const void *bytes, size_t length)
{
	ssize_t (*call)(int, const void *, size_t) = below("write");
	if (is_time("write")) {
		if (error_given != 0)
			return -1;
		length = length > 1 ? length / 2 : length;
	}
	return call(descriptor, bytes, length);
}

ssize_t
pwrite(int descriptor, const void *bytes, size_t length, off_t offset)
{
	ssize_t (*call)(int, const void *, size_t, off_t) = below("pwrite" WIDE);
	return FAILS("pwrite") ? -1 : call(descriptor, bytes, length, offset);
}

ssize_t
read(int descriptor, void *bytes, size_t length)
{
	ssize_t (*call)(int, void *, size_t) = below("read");
	if (is_time("read")) {
		if (error_given != 0)
			return -1;
		length = length > 1 ? length / 2 : length;
	}
	return call(descriptor, bytes, length);
}

int
open(const char *path, int flags, ...)
{
	int (*call)(const char *, int, ...) = below("open" WIDE);
	va_list rest;
	va_start(rest, flags);
	mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return FAILS("open") ? -1 : call(path, flags, mode);
}

int
close(int descriptor)
{
	int (*call)(int) = below("close");
	bool fails = FAILS("close");
	int result = call(descriptor);
	if (fails)
		errno = error_given;
	return fails ? -1 : result;
}

int
fsync(int descriptor)
{
	int (*call)(int) = below("fsync");
	return FAILS("fsync") ? -1 : call(descriptor);
}

int
rename(const char *from, const char *to)
{
	int (*call)(const char *, const char *) = below("rename");
	return FAILS("rename") ? -1 : call(from, to);
}

int
unlink(const char *path)
{
	int (*call)(const char *) = below("unlink");
	return FAILS("unlink") ? -1 : call(path);
}

int
mkdir(const char *path, mode_t mode)
{
	int (*call)(const char *, mode_t) = below("mkdir");
	return FAILS("mkdir") ? -1 : call(path, mode);
}

int
flock(int descriptor, int operation)
{
	int (*call)(int, int) = below("flock");
	return FAILS("flock") ? -1 : call(descriptor, operation);
}

int
stat(const char *path, struct stat *info)
{
	int (*call)(const char *, struct stat *) = below(STAT_PREFIX "stat" STAT_SUFFIX);
	return FAILS("stat") ? -1 : call(path, info);
}

int
fstat(int descriptor, struct stat *info)
{
	int (*call)(int, struct stat *) = below(STAT_PREFIX "fstat" STAT_SUFFIX);
	return FAILS("fstat") ? -1 : call(descriptor, info);
}

void *
mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset)
{
	void *(*call)(void *, size_t, int, int, int, off_t) = below("mmap" WIDE);
	/* of files only: memory is test_oom's */
	if (descriptor >= 0 && FAILS("mmap"))
		return MAP_FAILED;
	return call(address, length, protection, flags, descriptor, offset);
}
