/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are written beside their place and get their name when they are durable. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/file.h"

struct file_out {
	int descriptor;
	size_t filled;
	uint64_t offset;  /* of the buffer's first byte in the file */
	uint64_t started; /* the system writes to the disk what is before it, */
	uint64_t settled; /* and has written what is before this */
	char path[FILE_PATH_BYTES];
	char temporary[FILE_PATH_BYTES];
	uint8_t *buffer; /* FILE_HUGE_BYTES */
};

enum status
file_out_open(const char *path, struct file_out **out, struct fault *fault)
{
	struct file_out *new_out = calloc(1, sizeof(*new_out));
	uint8_t *buffer = malloc(FILE_HUGE_BYTES);
	if (new_out == NULL || buffer == NULL) {
		free(new_out);
		free(buffer);
		return fault_set(fault, STATUS_NO_MEMORY, path, 0, "no memory for a write buffer");
	}
	new_out->buffer = buffer;
	new_out->descriptor = -1;
	int need = snprintf(new_out->path, FILE_PATH_BYTES, "%s", path);
	int need_temporary = snprintf(new_out->temporary, FILE_PATH_BYTES, "%s.%ld.tmp", path,
				      (long)getpid());
	enum status status = STATUS_OK;
	if (need >= FILE_PATH_BYTES || need_temporary >= FILE_PATH_BYTES)
		status = fault_set(fault, STATUS_LIMIT, path, 0, "the path is too long");
	if (status != STATUS_OK) {
		free(buffer);
		free(new_out);
		return status;
	}
	*out = new_out;
	return STATUS_OK;
}

static enum status
write_all(struct file_out *out, const uint8_t *bytes, size_t length, struct fault *fault)
{
	unsigned interrupts = 0;
	while (length > 0) {
		ssize_t wrote = write(out->descriptor, bytes, length);
		if (wrote < 0 && file_interrupted(&interrupts))
			continue;
		if (wrote <= 0)
			return fault_errno(fault, wrote < 0 ? errno : ENOSPC, out->temporary,
					   "cannot write");
		bytes += wrote;
		length -= (size_t)wrote;
	}
	return STATUS_OK;
}

/* The temporary is made when the first bytes go to it. */
static enum status
out_create(struct file_out *out, struct fault *fault)
{
	if (out->descriptor >= 0)
		return STATUS_OK;
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	out->descriptor = open(out->temporary, flags, 0644);
	/* Left by who died: unlinked, not cut, since after a crash it can be the published file itself. */
	if (out->descriptor < 0 && errno == EEXIST && unlink(out->temporary) == 0)
		out->descriptor = open(out->temporary, flags, 0644);
	if (out->descriptor < 0)
		return fault_errno(fault, errno, out->temporary, "cannot create");
	return STATUS_OK;
}

/*
 * No more than two steps of a large file wait for the disk: a writer who appends to the journal beside it would wait for
 * all of them. What this call reports no later fsync of the file reports again (Linux: the descriptor has seen it).
 */
static enum status
settle(struct file_out *out, struct fault *fault)
{
	if (out->offset - out->started < FILE_SETTLE_BYTES)
		return STATUS_OK;
	int result = 0;
	if (out->started > out->settled)
		result = sync_file_range(out->descriptor, (off_t)out->settled,
					 (off_t)(out->started - out->settled),
					 SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
						 SYNC_FILE_RANGE_WAIT_AFTER);
	if (result == 0)
		result = sync_file_range(out->descriptor, (off_t)out->started,
					 (off_t)(out->offset - out->started),
					 SYNC_FILE_RANGE_WRITE);
	out->settled = out->started;
	out->started = out->offset;
	bool cannot = result != 0 && (errno == ENOSYS || errno == ESPIPE || errno == EINVAL);
	return result == 0 || cannot ? STATUS_OK
				     : fault_errno(fault, errno, out->temporary, "cannot write");
}

static enum status
flush_buffer(struct file_out *out, struct fault *fault)
{
	enum status status = out_create(out, fault);
	if (status == STATUS_OK)
		status = write_all(out, out->buffer, out->filled, fault);
	out->offset += out->filled;
	out->filled = 0;
	return status == STATUS_OK ? settle(out, fault) : status;
}

enum status
file_out_write(struct file_out *out, const void *bytes, size_t length, struct fault *fault)
{
	const uint8_t *from = bytes;
	while (length > 0) {
		size_t take = FILE_HUGE_BYTES - out->filled;
		if (take > length)
			take = length;
		memcpy(out->buffer + out->filled, from, take);
		out->filled += take;
		from += take;
		length -= take;
		if (out->filled == FILE_HUGE_BYTES) {
			enum status status = flush_buffer(out, fault);
			if (status != STATUS_OK)
				return status;
		}
	}
	return STATUS_OK;
}

uint64_t
file_out_offset(const struct file_out *out)
{
	return out->offset + out->filled;
}

bool
file_out_held(const struct file_out *out, const uint8_t **bytes, size_t *length)
{
	if (out->descriptor >= 0)
		return false;
	*bytes = out->buffer;
	*length = out->filled;
	return true;
}

static void
out_free(struct file_out *out)
{
	free(out->buffer);
	free(out);
}

enum status
file_sync_directory_of(const char *path, struct fault *fault)
{
	char directory[FILE_PATH_BYTES];
	const char *slash = strrchr(path, '/');
	size_t length = slash == NULL ? 0 : (size_t)(slash - path);
	if (slash == NULL)
		snprintf(directory, sizeof(directory), ".");
	else if (length == 0)
		snprintf(directory, sizeof(directory), "/");
	else
		snprintf(directory, sizeof(directory), "%.*s", (int)length, path);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fault_errno(fault, errno, directory, "cannot open directory");
	int result = fsync(fd);
	int error = errno;
	close(fd);
	return result == 0 ? STATUS_OK : fault_errno(fault, error, directory, "cannot sync");
}

enum status
file_out_sync(struct file_out *out, struct fault *fault)
{
	enum status status = flush_buffer(out, fault);
	if (status == STATUS_OK && fsync(out->descriptor) != 0)
		status = fault_errno(fault, errno, out->temporary, "cannot sync");
	return status;
}

enum status
file_out_name(struct file_out *out, const char *path, struct fault *fault)
{
	if (snprintf(out->path, FILE_PATH_BYTES, "%s", path) >= FILE_PATH_BYTES)
		return fault_set(fault, STATUS_LIMIT, path, 0, "the path is too long");
	return STATUS_OK;
}

enum status
file_out_commit(struct file_out *out, struct fault *fault)
{
	enum status status = file_out_sync(out, fault);
	if (out->descriptor >= 0 && close(out->descriptor) != 0 && status == STATUS_OK)
		status = fault_errno(fault, errno, out->temporary, "cannot close");
	if (status == STATUS_OK && rename(out->temporary, out->path) != 0)
		status = fault_errno(fault, errno, out->path, "cannot rename to");
	if (status != STATUS_OK && out->descriptor >= 0)
		unlink(out->temporary);
	if (status == STATUS_OK)
		status = file_sync_directory_of(out->path, fault);
	out_free(out);
	return status;
}

void
file_out_abort(struct file_out *out)
{
	if (out == NULL)
		return;
	if (out->descriptor >= 0) {
		close(out->descriptor);
		unlink(out->temporary);
	}
	out_free(out);
}
