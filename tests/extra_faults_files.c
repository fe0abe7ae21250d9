/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of files, in the place of the C library's. */
#include "tests/extra_faults_state.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static void *
find_below(const char *name)
{
	void *call = dlsym(RTLD_NEXT, name);
	if (call == NULL)
		abort();
	return call;
}

/* `call`: the same function below ours. With 64-bit offsets on 32 bits some have another name. */
#if defined(__USE_FILE_OFFSET64) && !defined(__LP64__)
#define WIDE "64"
#define STAT_SUFFIX "64_time64"
#define STAT_PREFIX "__"
#else
#define WIDE ""
#define STAT_SUFFIX ""
#define STAT_PREFIX ""
#endif
#define BELOW(type, name, ...) \
	static type (*call)(__VA_ARGS__); \
	if (call == NULL) \
		call = find_below(name)

/* --- bytes ------------------------------------------------------------------------------- */

ssize_t
write(int descriptor, const void *bytes, size_t length)
{
	BELOW(ssize_t, "write", int, const void *, size_t);
	ssize_t result;
	if (faults_now_counted(CALL_WRITE, &length, &result))
		return result;
	result = call(descriptor, bytes, length);
	if (result > 0)
		disk_written(descriptor);
	return result;
}

ssize_t
pwrite(int descriptor, const void *bytes, size_t length, off_t offset)
{
	BELOW(ssize_t, "pwrite" WIDE, int, const void *, size_t, off_t);
	ssize_t result;
	if (faults_now_counted(CALL_PWRITE, &length, &result))
		return result;
	result = call(descriptor, bytes, length, offset);
	if (result > 0)
		disk_written(descriptor);
	return result;
}

ssize_t
read(int descriptor, void *bytes, size_t length)
{
	BELOW(ssize_t, "read", int, void *, size_t);
	ssize_t result;
	if (faults_now_counted(CALL_READ, &length, &result))
		return result;
	return call(descriptor, bytes, length);
}

ssize_t
pread(int descriptor, void *bytes, size_t length, off_t offset)
{
	BELOW(ssize_t, "pread" WIDE, int, void *, size_t, off_t);
	ssize_t result;
	if (faults_now_counted(CALL_PREAD, &length, &result))
		return result;
	return call(descriptor, bytes, length, offset);
}

ssize_t
getrandom(void *bytes, size_t length, unsigned flags)
{
	BELOW(ssize_t, "getrandom", void *, size_t, unsigned);
	ssize_t result;
	if (faults_now_counted(CALL_RANDOM, &length, &result))
		return result;
	return call(bytes, length, flags);
}

/* --- descriptors ------------------------------------------------------------------------- */

int
open(const char *path, int flags, ...)
{
	BELOW(int, "open" WIDE, const char *, int, ...);
	bool creates = (flags & O_CREAT) != 0;
	mode_t mode = 0;
	if (creates) {
		va_list rest;
		va_start(rest, flags);
		mode = va_arg(rest, mode_t);
		va_end(rest);
	}
	if (faults_now(creates ? CALL_CREATE : CALL_OPEN))
		return -1;
	bool created = creates && disk_is_watched() && access(path, F_OK) != 0;
	int descriptor = call(path, flags, mode);
	if (descriptor >= 0)
		disk_opened(descriptor, path, (flags & O_ACCMODE) != O_RDONLY, created);
	return descriptor;
}

/* Linux has closed it whatever it says. */
int
close(int descriptor)
{
	BELOW(int, "close", int);
	bool fails = faults_now(CALL_CLOSE);
	int error = errno, result = call(descriptor);
	disk_closed(descriptor);
	if (fails)
		errno = error;
	return fails ? -1 : result;
}

int
dup(int descriptor)
{
	BELOW(int, "dup", int);
	return faults_now(CALL_DUP) ? -1 : call(descriptor);
}

static int
sync_with(int (*call)(int), enum faults_call which, int descriptor)
{
	bool fails = faults_now(which);
	disk_synced(descriptor, !fails);
	if (fails)
		return -1;
	return disk_is_watched() ? 0 : call(descriptor);
}

int
fsync(int descriptor)
{
	BELOW(int, "fsync", int);
	return sync_with(call, CALL_FSYNC, descriptor);
}

int
fdatasync(int descriptor)
{
	BELOW(int, "fdatasync", int);
	return sync_with(call, CALL_FDATASYNC, descriptor);
}

int
sync_file_range(int descriptor, off64_t offset, off64_t length, unsigned flags)
{
	BELOW(int, "sync_file_range", int, off64_t, off64_t, unsigned);
	return faults_now(CALL_RANGE) ? -1 : call(descriptor, offset, length, flags);
}

int
ftruncate(int descriptor, off_t length)
{
	BELOW(int, "ftruncate" WIDE, int, off_t);
	int result = faults_now(CALL_TRUNCATE) ? -1 : call(descriptor, length);
	disk_cut(descriptor, result == 0);
	return result;
}

int
posix_fallocate(int descriptor, off_t offset, off_t length)
{
	BELOW(int, "posix_fallocate" WIDE, int, off_t, off_t);
	if (faults_now(CALL_ALLOCATE))
		return errno;
	return call(descriptor, offset, length);
}

int
flock(int descriptor, int operation)
{
	BELOW(int, "flock", int, int);
	return faults_now(CALL_FLOCK) ? -1 : call(descriptor, operation);
}

int
fstat(int descriptor, struct stat *info)
{
	BELOW(int, STAT_PREFIX "fstat" STAT_SUFFIX, int, struct stat *);
	return faults_now(CALL_FSTAT) ? -1 : call(descriptor, info);
}

void *
mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset)
{
	BELOW(void *, "mmap" WIDE, void *, size_t, int, int, int, off_t);
	if (descriptor >= 0 && faults_now(CALL_MMAP))
		return MAP_FAILED;
	return call(address, length, protection, flags, descriptor, offset);
}

/* --- names ------------------------------------------------------------------------------- */

int
rename(const char *from, const char *to)
{
	BELOW(int, "rename", const char *, const char *);
	int result = faults_now(CALL_RENAME) ? -1 : call(from, to);
	if (result == 0)
		disk_renamed(from, to);
	return result;
}

int
link(const char *from, const char *to)
{
	BELOW(int, "link", const char *, const char *);
	return faults_now(CALL_LINK) ? -1 : call(from, to);
}

int
unlink(const char *path)
{
	BELOW(int, "unlink", const char *);
	int result = faults_now(CALL_UNLINK) ? -1 : call(path);
	if (result == 0)
		disk_unlinked(path);
	return result;
}

int
mkdir(const char *path, mode_t mode)
{
	BELOW(int, "mkdir", const char *, mode_t);
	int result = faults_now(CALL_MKDIR) ? -1 : call(path, mode);
	if (result == 0)
		disk_folder_made(path);
	return result;
}

int
stat(const char *path, struct stat *info)
{
	BELOW(int, STAT_PREFIX "stat" STAT_SUFFIX, const char *, struct stat *);
	return faults_now(CALL_STAT) ? -1 : call(path, info);
}

DIR *
opendir(const char *path)
{
	BELOW(DIR *, "opendir", const char *);
	return faults_now(CALL_FOLDER) ? NULL : call(path);
}

struct dirent *
readdir(DIR *folder)
{
	BELOW(struct dirent *, "readdir" WIDE, DIR *);
	return faults_now(CALL_NAME) ? NULL : call(folder);
}

FILE *
fopen(const char *path, const char *mode)
{
	BELOW(FILE *, "fopen" WIDE, const char *, const char *);
	return faults_now(CALL_OPEN) ? NULL : call(path, mode);
}
