/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sealed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define NAME_BYTES 64
#define LINK_START "/memfd:"
#define PART_BYTES ((size_t)16 << 20)

/* "repute-" and half of the digest. */
static void
name_of(const uint8_t digest[32], char name[NAME_BYTES])
{
	size_t at = (size_t)snprintf(name, NAME_BYTES, "repute-");
	for (int i = 0; i < 16; i++)
		at += (size_t)snprintf(name + at, NAME_BYTES - at, "%02x", digest[i]);
}

/*
 * Private, though nobody writes: before Linux 6.7 a shared mapping, even one for reading, is
 * refused once writing is sealed. The pages are the file's own all the same.
 */
static bool
map_sealed(int descriptor, size_t length, struct sealed *sealed)
{
	void *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, descriptor, 0);
	if (bytes == MAP_FAILED)
		return false;
	(void)madvise(bytes, length, MADV_HUGEPAGE);
	sealed->bytes = bytes;
	sealed->length = length;
	sealed->descriptor = descriptor;
	return true;
}

void
sealed_close(struct sealed *sealed)
{
	if (sealed->bytes == NULL)
		return;
	munmap((void *)(uintptr_t)sealed->bytes, sealed->length);
	close(sealed->descriptor);
	sealed->bytes = NULL;
	sealed->length = 0;
}

/* --- copying ----------------------------------------------------------------------------- */

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a copy");
}

/* Huge pages must be asked for before the first byte is there. */
enum status
sealed_begin(int descriptor, size_t length, const uint8_t digest[32], struct sealed_job *job,
	     struct fault *fault)
{
	char name[NAME_BYTES];
	name_of(digest, name);
	struct sealed_job fresh = {.from = descriptor, .length = length};
	fresh.memory = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fresh.memory < 0)
		return fault_errno(fault, errno, NULL, "cannot make memory to seal");
	void *bytes = MAP_FAILED;
	if (ftruncate(fresh.memory, (off_t)length) == 0)
		bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fresh.memory, 0);
	if (bytes == MAP_FAILED) {
		close(fresh.memory);
		return no_memory(fault);
	}
	(void)madvise(bytes, length, MADV_HUGEPAGE);
	fresh.bytes = bytes;
	*job = fresh;
	return STATUS_OK;
}

/* The kernel writes: where memory runs out, that is EFAULT for it and would be SIGBUS for us. */
enum status
sealed_part(struct sealed_job *job, struct fault *fault)
{
	size_t left = job->length - job->done;
	ssize_t got = pread(job->from, job->bytes + job->done,
			    left < PART_BYTES ? left : PART_BYTES, (off_t)job->done);
	if (got > 0)
		job->done += (size_t)got;
	if (got > 0 || (got < 0 && errno == EINTR) || left == 0)
		return STATUS_OK;
	if (got == 0)
		return fault_set(fault, STATUS_CORRUPT, NULL, job->done,
				 "the file has become shorter");
	return errno == EFAULT ? no_memory(fault) : fault_errno(fault, errno, NULL, "cannot read");
}

enum status
sealed_end(struct sealed_job *job, sealed_check_cb *check, void *context, struct sealed *sealed,
	   struct fault *fault)
{
	enum status status = STATUS_OK;
	if (check != NULL)
		status = check(context, job->bytes, job->length, fault);
	munmap(job->bytes, job->length);
	job->bytes = NULL;
	if (status == STATUS_OK && fcntl(job->memory, F_ADD_SEALS, SEALS) != 0)
		status = fault_errno(fault, errno, NULL, "cannot seal memory");
	if (status == STATUS_OK && !map_sealed(job->memory, job->length, sealed))
		status = fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "cannot map a copy");
	if (status != STATUS_OK)
		close(job->memory);
	return status;
}

void
sealed_abort(struct sealed_job *job)
{
	if (job->bytes == NULL)
		return;
	munmap(job->bytes, job->length);
	close(job->memory);
	job->bytes = NULL;
}

/* Nobody else locks published files. A file system without such locks: everybody makes a copy. */
bool
sealed_claim(int descriptor)
{
	return flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

void
sealed_release(int descriptor)
{
	(void)flock(descriptor, LOCK_UN);
}

/* --- finding ------------------------------------------------------------------------------- */

/* A descriptor of our own on that memory, mapped, if it is what its name says. */
static bool
take_link(int directory, const char *link, size_t length, struct sealed *sealed)
{
	struct stat info;
	int descriptor = openat(directory, link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (descriptor < 0)
		return false;
	int seals = fcntl(descriptor, F_GET_SEALS);
	bool good = seals >= 0 && (seals & SEALS) == SEALS && fstat(descriptor, &info) == 0 &&
		    info.st_uid == geteuid() && (uint64_t)info.st_size == length &&
		    map_sealed(descriptor, length, sealed);
	if (!good)
		close(descriptor);
	return good;
}

static bool
is_number(const char *name)
{
	return name[0] >= '0' && name[0] <= '9';
}

static bool
names_it(int directory, const char *link, const char *name)
{
	char target[sizeof(LINK_START) + NAME_BYTES];
	size_t start = strlen(LINK_START), length = strlen(name);
	ssize_t got = readlinkat(directory, link, target, sizeof(target));
	return got >= (ssize_t)(start + length) && memcmp(target, LINK_START, start) == 0 &&
	       memcmp(target + start, name, length) == 0;
}

/* The descriptors of one process: `directory` is its fd directory, closed here. */
static bool
find_in(int directory, const char *name, size_t length, struct sealed *sealed)
{
	DIR *links = fdopendir(directory);
	struct dirent *entry;
	bool found = false;
	if (links == NULL) {
		close(directory);
		return false;
	}
	while (!found && (entry = readdir(links)) != NULL)
		found = is_number(entry->d_name) && names_it(dirfd(links), entry->d_name, name) &&
			take_link(dirfd(links), entry->d_name, length, sealed);
	closedir(links);
	return found;
}

bool
sealed_find(const uint8_t digest[32], size_t length, struct sealed *sealed)
{
	char name[NAME_BYTES], path[300];
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	bool found = false;
	name_of(digest, name);
	while (processes != NULL && !found && (entry = readdir(processes)) != NULL) {
		struct stat info;
		if (!is_number(entry->d_name) ||
		    fstatat(dirfd(processes), entry->d_name, &info, 0) != 0 ||
		    info.st_uid != geteuid())
			continue;
		snprintf(path, sizeof(path), "%s/fd", entry->d_name);
		int directory = openat(dirfd(processes), path,
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		found = directory >= 0 && find_in(directory, name, length, sealed);
	}
	if (processes != NULL)
		closedir(processes);
	return found;
}
