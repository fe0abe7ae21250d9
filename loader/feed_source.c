/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/feed_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct feed_source {
	char *name;
	int fd;                /* -1 unless a file or stdin */
	const uint8_t *memory; /* or memory ... */
	size_t memory_length, memory_offset;
	feed_pull *pull; /* or a callback */
	void *pull_context;
	uint64_t bytes_read, bytes_total;

	const struct feed_filter *filter;
	void *filter_state;
	bool looked; /* the magic number was looked at */
	bool raw_ended, whole;
	const uint8_t *input; /* compressed bytes not yet used, in raw */
	size_t input_length;

	size_t peek_offset, peek_length;
	enum status failed; /* latched: a broken stream stays broken */
	struct fault fault;
	uint8_t raw[FEED_SOURCE_BYTES];
	uint8_t peeked[FEED_SOURCE_BYTES];
};

static const struct magic {
	uint8_t bytes[4], mask[4];
	const struct feed_filter *filter;
} magics[] = {
	{{0x1F, 0x8B}, {0xFF, 0xFF}, &feed_filter_gzip},
	{{0x28, 0xB5, 0x2F, 0xFD}, {0xFF, 0xFF, 0xFF, 0xFF}, &feed_filter_zstd},
	{{0x50, 0x2A, 0x4D, 0x18}, {0xF0, 0xFF, 0xFF, 0xFF}, &feed_filter_zstd}, /* skippable */
};

static struct feed_source *
source_new(const char *name)
{
	struct feed_source *source = calloc(1, sizeof(*source));

	if (!source)
		return NULL;
	source->fd = -1;
	source->name = strdup(name);
	if (source->name)
		return source;
	free(source);
	return NULL;
}

static enum status
no_memory(const char *name, struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, name, 0, "no memory to read the feed");
}

enum status
feed_source_open_path(const char *path, const char *name, struct feed_source **result,
		      struct fault *fault)
{
	struct feed_source *source = source_new(name);
	struct stat about;
	int error;

	if (!source)
		return no_memory(name, fault);
	source->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	error = errno;
	if (source->fd < 0) {
		feed_source_close(source);
		if (error != ENOENT)
			return fault_errno(fault, error, name, "cannot open");
		return fault_set(fault, STATUS_MISSING, name, 0, "there is no such file%s",
				 strstr(path, "://") == NULL
					 ? "" : "; to load a URL: curl -sS URL | repute import -");
	}
	if (fstat(source->fd, &about) == 0 && S_ISREG(about.st_mode))
		source->bytes_total = (uint64_t)about.st_size;
	*result = source;
	return STATUS_OK;
}

enum status
feed_source_open_bytes(const uint8_t *bytes, size_t length, const char *name,
		       struct feed_source **result, struct fault *fault)
{
	struct feed_source *source = source_new(name);

	if (!source)
		return no_memory(name, fault);
	source->memory = bytes;
	source->memory_length = length;
	source->bytes_total = length;
	*result = source;
	return STATUS_OK;
}

enum status
feed_source_open_pull(feed_pull *pull, void *context, uint64_t total, const char *name,
		      struct feed_source **result, struct fault *fault)
{
	struct feed_source *source = source_new(name);

	if (!source)
		return no_memory(name, fault);
	source->pull = pull;
	source->pull_context = context;
	source->bytes_total = total;
	*result = source;
	return STATUS_OK;
}

/* --- bytes as they are ------------------------------------------------------ */

static enum status
read_file(struct feed_source *source, uint8_t *bytes, size_t capacity, size_t *got,
	  struct fault *fault)
{
	ssize_t count = read(source->fd, bytes, capacity);

	/* Signals that do not stop the program restart the call. */
	if (count < 0 && errno == EINTR)
		return fault_set(fault, STATUS_STOPPED, source->name, 0, "stopped while reading");
	if (count < 0)
		return fault_errno(fault, errno, source->name, "cannot read");
	*got = (size_t)count;
	return STATUS_OK;
}

static enum status
read_raw(struct feed_source *source, uint8_t *bytes, size_t capacity, size_t *got,
	 struct fault *fault)
{
	enum status status = STATUS_OK;
	size_t left = source->memory_length - source->memory_offset;

	*got = 0;
	if (source->raw_ended)
		return STATUS_OK;
	if (source->pull) {
		status = source->pull(source->pull_context, bytes, capacity, got, fault);
	} else if (source->fd >= 0) {
		status = read_file(source, bytes, capacity, got, fault);
	} else if (left > 0) {
		*got = left < capacity ? left : capacity;
		memcpy(bytes, source->memory + source->memory_offset, *got);
		source->memory_offset += *got;
	}
	if (status)
		return status;
	source->bytes_read += *got;
	source->raw_ended = *got == 0;
	return STATUS_OK;
}

/* --- decompression ---------------------------------------------------------- */

static enum status
refill(struct feed_source *source, struct fault *fault)
{
	size_t got;
	enum status status = read_raw(source, source->raw, sizeof(source->raw), &got, fault);

	source->input = source->raw;
	source->input_length = status ? 0 : got;
	return status;
}

static bool
magic_is(const struct magic *magic, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < sizeof(magic->bytes); i++) {
		if (magic->mask[i] &&
		    (i >= length || (bytes[i] & magic->mask[i]) != magic->bytes[i]))
			return false;
	}
	return true;
}

/* A pipe may give its first bytes one by one: gather four before judging. */
static enum status
look_at_magic(struct feed_source *source, struct fault *fault)
{
	size_t have = 0, got = 1;
	enum status status;

	while (have < sizeof(magics[0].bytes) && got > 0) {
		status = read_raw(source, source->raw + have, sizeof(source->raw) - have, &got,
				  fault);
		if (status)
			return status;
		have += got;
	}
	source->looked = true;
	source->input = source->raw;
	source->input_length = have;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (magic_is(&magics[i], source->raw, have))
			source->filter = magics[i].filter;
	}
	if (!source->filter)
		return STATUS_OK;
	source->filter_state = source->filter->new_state();
	return source->filter_state ? STATUS_OK : no_memory(source->name, fault);
}

static enum status
damaged(struct feed_source *source, const char *why, struct fault *fault)
{
	return fault_set(fault, STATUS_BAD_FEED, source->name,
			 source->bytes_read - source->input_length, "%s data: %s",
			 source->filter->name, why);
}

static enum status
read_filtered(struct feed_source *source, uint8_t *bytes, size_t capacity, size_t *got,
	      struct fault *fault)
{
	const char *why = "damaged";
	enum status status;

	for (;;) {
		if (source->input_length == 0) {
			status = refill(source, fault);
			if (status)
				return status;
		}
		if (source->input_length == 0 && source->whole)
			return STATUS_OK;
		if (!source->filter->run(source->filter_state, &source->input,
					 &source->input_length, bytes, capacity, got,
					 &source->whole, &why))
			return damaged(source, why, fault);
		if (*got > 0)
			return STATUS_OK;
		if (source->raw_ended && source->input_length == 0 && !source->whole)
			return damaged(source, "it ends too early (a broken download?)", fault);
	}
}

static enum status
read_plain(struct feed_source *source, uint8_t *bytes, size_t capacity, size_t *got,
	   struct fault *fault)
{
	size_t take = source->input_length < capacity ? source->input_length : capacity;

	if (take == 0)
		return read_raw(source, bytes, capacity, got, fault);
	memcpy(bytes, source->input, take);
	source->input += take;
	source->input_length -= take;
	*got = take;
	return STATUS_OK;
}

static enum status
read_some(struct feed_source *source, uint8_t *bytes, size_t capacity, size_t *got)
{
	enum status status = source->failed;

	*got = 0;
	if (!status && !source->looked)
		status = look_at_magic(source, &source->fault);
	if (!status && source->filter)
		status = read_filtered(source, bytes, capacity, got, &source->fault);
	else if (!status)
		status = read_plain(source, bytes, capacity, got, &source->fault);
	source->failed = status;
	return status;
}

enum status
feed_source_read(void *context, uint8_t *bytes, size_t capacity, size_t *got, struct fault *fault)
{
	struct feed_source *source = context;
	size_t ready = source->peek_length - source->peek_offset;
	enum status status;

	if (ready > 0) {
		*got = ready < capacity ? ready : capacity;
		memcpy(bytes, source->peeked + source->peek_offset, *got);
		source->peek_offset += *got;
		return STATUS_OK;
	}
	status = read_some(source, bytes, capacity, got);
	if (status && fault)
		*fault = source->fault;
	return status;
}

enum status
feed_source_peek(struct feed_source *source, size_t want, const uint8_t **bytes, size_t *length,
		 struct fault *fault)
{
	size_t got = 1;
	enum status status = STATUS_OK;

	while (!status && got > 0 && source->peek_length < want) {
		status = read_some(source, source->peeked + source->peek_length,
				   want - source->peek_length, &got);
		source->peek_length += got;
	}
	*bytes = source->peeked;
	*length = source->peek_length;
	if (status && fault)
		*fault = source->fault;
	return status;
}

void
feed_source_progress(const struct feed_source *source, uint64_t *bytes_read, uint64_t *bytes_total)
{
	*bytes_read = source->bytes_read;
	*bytes_total = source->bytes_total;
}

const char *
feed_source_name(const struct feed_source *source)
{
	return source->name;
}

const char *
feed_source_compression(const struct feed_source *source)
{
	return source->filter ? source->filter->name : "";
}

void
feed_source_close(struct feed_source *source)
{
	if (!source)
		return;
	if (source->filter_state)
		source->filter->free_state(source->filter_state);
	if (source->fd >= 0)
		close(source->fd);
	free(source->name);
	free(source);
}
