/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hash.h"
#include "engine/limits.h"

bool
file_interrupted(unsigned *times)
{
	return errno == EINTR && (*times)++ < LIMIT_INTERRUPTS;
}

/* What is not there is missing, not a failure: the store reads its manifest again then. */
static enum status
cannot_open(struct fault *fault, int error, const char *path, const char *doing)
{
	enum status status = fault_errno(fault, error, path, doing);
	if (error != ENOENT)
		return status;
	if (fault != NULL)
		fault->status = STATUS_MISSING;
	return STATUS_MISSING;
}

static enum status
open_read(const char *path, int *descriptor, struct stat *info, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return cannot_open(fault, errno, path, "cannot open");
	if (fstat(fd, info) != 0) {
		int error = errno;
		close(fd);
		return fault_errno(fault, error, path, "cannot stat");
	}
	*descriptor = fd;
	return STATUS_OK;
}

static enum status
map_descriptor(int fd, uint64_t length, struct file_map *map, struct fault *fault)
{
	void *bytes = NULL;
	if (length > SIZE_MAX)
		return fault_set(fault, STATUS_IO, NULL, 0, "a file that does not fit in memory");
	if (length > 0)
		bytes = mmap(NULL, (size_t)length, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return fault_errno(fault, errno, NULL, "cannot map");
	struct guard *guard = guard_add(bytes, (size_t)length, false);
	if (guard == NULL) {
		if (length > 0)
			munmap(bytes, (size_t)length);
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a map");
	}
	*map = (struct file_map){bytes, (size_t)length, guard};
	return STATUS_OK;
}

enum status
file_map_open(const char *path, struct file_map *map, struct fault *fault)
{
	struct file_in in;
	struct fault inner = {0};
	enum status status = file_in_open(path, &in, fault);
	if (status != STATUS_OK)
		return status;
	status = file_in_map(&in, in.length, map, &inner);
	file_in_close(&in);
	return status == STATUS_OK ? STATUS_OK : fault_set(fault, status, path, 0, "%s", inner.text);
}

void
file_map_close(struct file_map *map)
{
	guard_remove(map->guard);
	if (map->length > 0)
		munmap((void *)(uintptr_t)map->bytes, map->length);
	*map = (struct file_map){0};
}

/* --- parts --------------------------------------------------------------------- */

enum status
file_in_open(const char *path, struct file_in *in, struct fault *fault)
{
	struct stat info;
	int fd = -1;
	enum status status = open_read(path, &fd, &info, fault);
	if (status != STATUS_OK)
		return status;
	if (!S_ISREG(info.st_mode)) {
		close(fd);
		return fault_set(fault, STATUS_IO, path, 0, "not a regular file");
	}
	in->descriptor = fd;
	in->length = (uint64_t)info.st_size;
	return STATUS_OK;
}

enum status
file_in_read(const struct file_in *in, uint64_t offset, void *bytes, size_t length,
	     struct fault *fault)
{
	uint8_t *to = bytes;
	unsigned interrupts = 0;
	while (length > 0) {
		ssize_t got = pread(in->descriptor, to, length, (off_t)offset);
		if (got < 0 && file_interrupted(&interrupts))
			continue;
		if (got < 0)
			return fault_errno(fault, errno, NULL, "cannot read");
		if (got == 0)
			return fault_set(fault, STATUS_CORRUPT, NULL, offset, "the file ends here");
		to += got;
		offset += (uint64_t)got;
		length -= (size_t)got;
	}
	return STATUS_OK;
}

enum status
file_in_map(const struct file_in *in, uint64_t length, struct file_map *map, struct fault *fault)
{
	return map_descriptor(in->descriptor, length, map, fault);
}

void
file_in_close(struct file_in *in)
{
	if (in->descriptor >= 0)
		close(in->descriptor);
	in->descriptor = -1;
}

/* --- stamps -------------------------------------------------------------------- */

static uint64_t
nanoseconds(struct timespec time)
{
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static struct file_stamp
stamp_of(const struct stat *info)
{
	return (struct file_stamp){
		.inode = info->st_ino, .length = (uint64_t)info->st_size,
		.written = nanoseconds(info->st_mtim), .changed = nanoseconds(info->st_ctim),
	};
}

enum status
file_in_stamp(const struct file_in *in, struct file_stamp *stamp, struct fault *fault)
{
	struct stat info;
	if (fstat(in->descriptor, &info) != 0)
		return fault_errno(fault, errno, NULL, "cannot stat");
	*stamp = stamp_of(&info);
	return STATUS_OK;
}

void
file_stamp_of(const char *path, struct file_stamp *stamp)
{
	struct stat info;
	*stamp = stat(path, &info) == 0 ? stamp_of(&info) : (struct file_stamp){0};
}

bool
file_stamp_same(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->inode == b->inode && a->length == b->length && a->written == b->written &&
	       a->changed == b->changed;
}

uint64_t
file_stamp_sum(const struct file_stamp *stamp)
{
	uint64_t sum = hash_sum(stamp, sizeof(*stamp));
	return sum == 0 ? 1 : sum;
}

/* --- appending ------------------------------------------------------------------ */

/* Somebody who cuts the file while a writer is at work would make it write past a hole. */
enum status
file_tail_open(const char *path, uint64_t end, struct file_tail *tail, struct fault *fault)
{
	struct stat info;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fault_errno(fault, errno, path, "cannot open");
	enum status status = STATUS_OK;
	if (fstat(fd, &info) != 0)
		status = fault_errno(fault, errno, path, "cannot stat");
	else if ((uint64_t)info.st_size != end)
		status = fault_set(fault, STATUS_CORRUPT, path, end,
				   "somebody else changed its length to %lld",
				   (long long)info.st_size);
	if (status != STATUS_OK) {
		close(fd);
		return status;
	}
	*tail = (struct file_tail){fd, end};
	return STATUS_OK;
}

static enum status
append_bytes(int fd, uint64_t end, const uint8_t *bytes, size_t length, const char *path,
	     struct fault *fault)
{
	unsigned interrupts = 0;
	while (length > 0) {
		ssize_t wrote = pwrite(fd, bytes, length, (off_t)end);
		if (wrote < 0 && file_interrupted(&interrupts))
			continue;
		if (wrote <= 0)
			return fault_errno(fault, wrote < 0 ? errno : ENOSPC, path, "cannot write");
		bytes += wrote;
		end += (uint64_t)wrote;
		length -= (size_t)wrote;
	}
	return STATUS_OK;
}

enum status
file_tail_append(const struct file_tail *tail, const void *bytes, size_t length,
		 struct fault *fault)
{
	enum status status = append_bytes(tail->descriptor, tail->end, bytes, length, NULL,
					  fault);
	if (status == STATUS_OK && fdatasync(tail->descriptor) != 0)
		status = fault_errno(fault, errno, NULL, "cannot sync");
	return status;
}

void
file_tail_cut(const struct file_tail *tail)
{
	(void)!ftruncate(tail->descriptor, (off_t)tail->end);
}

/* What was appended is durable or cut by now: nothing that close could say would change it. */
void
file_tail_close(struct file_tail *tail)
{
	close(tail->descriptor);
	tail->descriptor = -1;
}

/* --- names ------------------------------------------------------------------- */

enum status
file_make_directory(const char *path, struct fault *fault)
{
	char part[FILE_PATH_BYTES];
	size_t length = strlen(path);
	if (length == 0 || length >= sizeof(part))
		return fault_set(fault, STATUS_USAGE, path, 0, "the path is empty or too long");
	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) == 0) {
			enum status status = file_sync_directory_of(part, fault);
			if (status != STATUS_OK)
				return status;
		} else if (errno != EEXIST) {
			return fault_errno(fault, errno, part, "cannot make directory");
		}
	}
	struct stat info;
	if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
		return fault_set(fault, STATUS_IO, path, 0, "not a directory");
	return STATUS_OK;
}

enum status
file_sync_above(const char *path, struct fault *fault)
{
	char part[FILE_PATH_BYTES];
	size_t length = strlen(path);
	enum status status = STATUS_OK;
	if (length >= sizeof(part))
		return fault_set(fault, STATUS_LIMIT, path, 0, "the path is too long");
	memcpy(part, path, length + 1);
	while (status == STATUS_OK && length > 0) {
		while (length > 0 && part[length - 1] == '/') /* a/b/ is a/b */
			length--;
		part[length] = '\0';
		if (length > 0)
			status = file_sync_directory_of(part, fault);
		while (length > 0 && part[length - 1] != '/')
			length--;
	}
	return status;
}

enum status
file_remove(const char *path, struct fault *fault)
{
	if (unlink(path) != 0 && errno != ENOENT)
		return fault_errno(fault, errno, path, "cannot remove");
	return STATUS_OK;
}

enum status
file_keep(const char *path, const char *name, struct fault *fault)
{
	if (unlink(name) != 0 && errno != ENOENT)
		return fault_errno(fault, errno, name, "cannot remove");
	if (link(path, name) != 0)
		return fault_errno(fault, errno, name, "cannot link to");
	return STATUS_OK;
}

bool
file_exists(const char *path)
{
	struct stat info;
	return stat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool
file_written(const char *path, uint64_t *seconds)
{
	struct stat info;
	if (stat(path, &info) != 0 || info.st_mtime < 0)
		return false;
	*seconds = (uint64_t)info.st_mtime;
	return true;
}

enum status
file_each_name(const char *path, file_name_cb *call, void *context, struct fault *fault)
{
	DIR *directory = opendir(path);
	if (directory == NULL)
		return cannot_open(fault, errno, path, "cannot open directory");
	enum status status = STATUS_OK;
	struct dirent *entry;
	while (status == STATUS_OK && (errno = 0, entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		status = call(context, entry->d_name, fault);
	}
	if (status == STATUS_OK && errno != 0)
		status = fault_errno(fault, errno, path, "cannot read directory");
	closedir(directory);
	return status;
}

/* --- lock, counter, randomness ------------------------------------------------ */

#define LOCK_TRIES 16

static enum status
lock_fault(int error, const char *path, struct fault *fault)
{
	if (error == EINTR)
		return fault_set(fault, STATUS_STOPPED, path, 0,
				 "stopped while waiting for another writer");
	if (error == EWOULDBLOCK)
		return fault_set(fault, STATUS_BUSY, path, 0,
				 "another process is writing to this store");
	return fault_errno(fault, error, path, "cannot lock");
}

/* Is it still the file of that name? If not, others lock another one. */
static bool
has_name(int fd, const char *path)
{
	struct stat ours, named;
	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
	       ours.st_dev == named.st_dev;
}

enum status
file_lock_take(const char *path, bool wait, struct file_lock *lock, struct fault *fault)
{
	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			return fault_errno(fault, errno, path, "cannot open");
		if (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
			int error = errno;
			close(fd);
			return lock_fault(error, path, fault);
		}
		if (has_name(fd, path)) {
			lock->descriptor = fd;
			return STATUS_OK;
		}
		close(fd);
	}
	return fault_set(fault, STATUS_IO, path, 0, "is removed again and again");
}

void
file_lock_drop(struct file_lock *lock)
{
	close(lock->descriptor);
	lock->descriptor = -1;
}

/* Written, not truncated to size: a store into a hole of a full disk is SIGBUS. */
static enum status
counter_prepare(int fd, const char *path, bool write, struct fault *fault)
{
	static const uint8_t zero[sizeof(uint64_t)];
	struct stat info;
	if (fstat(fd, &info) != 0)
		return fault_errno(fault, errno, path, "cannot stat");
	if (info.st_size >= (off_t)sizeof(zero))
		return STATUS_OK;
	if (!write)
		return fault_set(fault, STATUS_MISSING, path, 0, "holds no counter");
	return append_bytes(fd, 0, zero, sizeof(zero), path, fault);
}

enum status
file_counter_open(const char *path, bool write, struct file_counter *counter, struct fault *fault)
{
	int fd = open(path, write ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		return cannot_open(fault, errno, path, "cannot open");
	enum status status = counter_prepare(fd, path, write, fault);
	if (status != STATUS_OK) {
		close(fd);
		return status;
	}
	void *bytes = mmap(NULL, sizeof(uint64_t), write ? PROT_READ | PROT_WRITE : PROT_READ,
			   MAP_SHARED, fd, 0);
	int error = errno;
	close(fd);
	if (bytes == MAP_FAILED)
		return fault_errno(fault, error, path, "cannot map");
	*counter = (struct file_counter){
		.value = bytes, .guard = guard_add(bytes, sizeof(uint64_t), write),
	};
	if (counter->guard != NULL)
		return STATUS_OK;
	file_counter_close(counter);
	return fault_set(fault, STATUS_NO_MEMORY, path, 0, "no memory for a counter");
}

void
file_counter_close(struct file_counter *counter)
{
	guard_remove(counter->guard);
	if (counter->value != NULL)
		munmap(counter->value, sizeof(uint64_t));
	*counter = (struct file_counter){0};
}

bool
file_counter_read(const char *path, uint64_t *value)
{
	struct file_in in;
	if (file_in_open(path, &in, NULL) != STATUS_OK)
		return false;
	bool done = file_in_read(&in, 0, value, sizeof(*value), NULL) == STATUS_OK;
	file_in_close(&in);
	return done;
}

enum status
file_random(uint64_t words[2], struct fault *fault)
{
	uint8_t *bytes = (uint8_t *)words;
	size_t have = 0;
	unsigned interrupts = 0;
	while (have < 16) {
		ssize_t got = getrandom(bytes + have, 16 - have, 0);
		if (got < 0 && file_interrupted(&interrupts))
			continue;
		if (got <= 0)
			return fault_errno(fault, errno, NULL, "cannot get random bytes");
		have += (size_t)got;
	}
	return STATUS_OK;
}
