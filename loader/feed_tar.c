/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that knows libarchive. It gets uncompressed bytes and reads tar only. */
#include "loader/feed_tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/feed_format.h"

#define TAR_MAGIC_OFFSET 257
#define TAR_MAGIC_END 262 /* "ustar", in ustar, pax and GNU alike */

struct feed_archive {
	struct feed_source *source; /* the file; given away if it is a single feed */
	const struct feed_options *options;
	struct archive *tar; /* NULL: a single feed */
	struct feed *feed;
	bool over;
	enum status failed;
	struct fault fault; /* of the source, below libarchive */
	char name[FEED_MEMBER_NAME_BYTES];
	uint8_t block[FEED_SOURCE_BYTES];
};

static la_ssize_t
tar_read(struct archive *tar, void *context, const void **bytes)
{
	struct feed_archive *archive = context;
	size_t got = 0;

	archive->failed = feed_source_read(archive->source, archive->block, sizeof(archive->block),
					   &got, &archive->fault);
	*bytes = archive->block;
	if (!archive->failed)
		return (la_ssize_t)got;
	archive_set_error(tar, EIO, "the data below the archive cannot be read");
	return -1;
}

/* What went wrong: the source's own words if it was the source. */
static enum status
tar_fault(struct feed_archive *archive, struct fault *fault)
{
	const char *text = archive_error_string(archive->tar);

	archive->over = true;
	if (archive->failed) {
		if (fault)
			*fault = archive->fault;
		return archive->failed;
	}
	archive->failed =
		fault_set(&archive->fault, STATUS_BAD_FEED, feed_source_name(archive->source), 0,
			  "damaged tar archive: %s", text ? text : "no reason given");
	if (fault)
		*fault = archive->fault;
	return archive->failed;
}

/* A member's bytes; has the shape of feed_pull. */
static enum status
member_read(void *context, uint8_t *bytes, size_t capacity, size_t *got, struct fault *fault)
{
	struct feed_archive *archive = context;
	la_ssize_t count = archive_read_data(archive->tar, bytes, capacity);

	if (count < 0)
		return tar_fault(archive, fault);
	*got = (size_t)count;
	return STATUS_OK;
}

static enum status
tar_open(struct feed_archive *archive, struct fault *fault)
{
	archive->tar = archive_read_new();
	if (!archive->tar)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to read the archive");
	if (archive_read_support_format_tar(archive->tar) != ARCHIVE_OK ||
	    archive_read_open(archive->tar, archive, NULL, tar_read, NULL) != ARCHIVE_OK)
		return tar_fault(archive, fault);
	return STATUS_OK;
}

static enum status
archive_open(struct feed_source *source, const struct feed_options *options,
	     struct feed_archive **result, struct fault *fault)
{
	struct feed_archive *archive = calloc(1, sizeof(*archive));
	const uint8_t *head;
	size_t length;
	enum status status;

	if (!archive) {
		feed_source_close(source);
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to read the archive");
	}
	archive->source = source;
	archive->options = options;
	snprintf(archive->name, sizeof(archive->name), "%s", feed_source_name(source));
	status = feed_source_peek(source, TAR_MAGIC_END, &head, &length, fault);
	if (!status && length == TAR_MAGIC_END && memcmp(head + TAR_MAGIC_OFFSET, "ustar", 5) == 0)
		status = tar_open(archive, fault);
	if (status)
		feed_archive_close(archive);
	else
		*result = archive;
	return status;
}

enum status
feed_archive_open(const char *path, const struct feed_options *options,
		  struct feed_archive **archive, struct fault *fault)
{
	const char *name = strcmp(path, "-") == 0 ? "(stdin)" : path;
	struct feed_source *source;
	enum status status;

	if (options && options->name)
		name = options->name;
	status = feed_source_open_path(path, name, &source, fault);
	return status ? status : archive_open(source, options, archive, fault);
}

enum status
feed_archive_open_bytes(const uint8_t *bytes, size_t length, const struct feed_options *options,
			struct feed_archive **archive, struct fault *fault)
{
	const char *name = options && options->name ? options->name : "(memory)";
	struct feed_source *source;
	enum status status;

	status = feed_source_open_bytes(bytes, length, name, &source, fault);
	return status ? status : archive_open(source, options, archive, fault);
}

/* After the last member the rest is read too: a cut or damaged end must show. */
static enum status
drain(struct feed_archive *archive, struct fault *fault)
{
	size_t got = 1;
	enum status status = STATUS_OK;

	archive->over = true;
	while (!status && got > 0)
		status = feed_source_read(archive->source, archive->block, sizeof(archive->block),
					  &got, fault);
	return status;
}

static enum status
next_header(struct feed_archive *archive, struct archive_entry **entry, struct fault *fault)
{
	int result;

	do {
		result = archive_read_next_header(archive->tar, entry);
		if (result == ARCHIVE_EOF) {
			*entry = NULL;
			return drain(archive, fault);
		}
		if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
			return tar_fault(archive, fault);
	} while (archive_entry_filetype(*entry) != AE_IFREG || archive_entry_hardlink(*entry));
	return STATUS_OK;
}

static enum status
open_member(struct feed_archive *archive, struct archive_entry *entry, struct feed **feed,
	    struct fault *fault)
{
	const char *path = archive_entry_pathname(entry);
	struct feed_options options = {.kind = KIND_ANY};
	struct feed_source *source;
	enum status status;

	if (!path || strlen(path) >= sizeof(archive->name)) {
		memcpy(archive->name, "?", 2);
		return fault_set(fault, STATUS_BAD_FEED, feed_source_name(archive->source), 0,
				 "a member's name is missing or longer than %d bytes",
				 FEED_MEMBER_NAME_BYTES - 1);
	}
	memcpy(archive->name, path, strlen(path) + 1);
	if (archive->options)
		options = *archive->options;
	options.name = archive->name;
	status = feed_source_open_pull(member_read, archive, 0, archive->name, &source, fault);
	return status ? status : feed_open_source(source, &options, feed, fault);
}

/* A file that is no tar: its one feed. */
static enum status
open_single(struct feed_archive *archive, struct feed **feed, struct fault *fault)
{
	struct feed_source *source = archive->source;

	archive->source = NULL;
	archive->over = true;
	return feed_open_source(source, archive->options, feed, fault);
}

enum status
feed_archive_next(struct feed_archive *archive, struct feed **feed, const char **name,
		  bool *member_only, struct fault *fault)
{
	struct archive_entry *entry;
	enum status status;

	*feed = NULL;
	*name = archive->name;
	*member_only = false;
	if (archive->tar && archive->feed) {
		feed_close(archive->feed);
		archive->feed = NULL;
	}
	if (archive->failed && fault)
		*fault = archive->fault;
	if (archive->failed || archive->over)
		return archive->failed;
	if (!archive->tar) {
		status = open_single(archive, &archive->feed, fault);
	} else {
		status = next_header(archive, &entry, fault);
		if (status || !entry)
			return status;
		status = open_member(archive, entry, &archive->feed, fault);
		*member_only = status == STATUS_BAD_FEED && !archive->failed;
	}
	*feed = archive->feed;
	return status;
}

bool
feed_archive_is_tar(const struct feed_archive *archive)
{
	return archive->tar != NULL;
}

void
feed_archive_progress(const struct feed_archive *archive, uint64_t *bytes_read,
		      uint64_t *bytes_total)
{
	if (archive->source)
		feed_source_progress(archive->source, bytes_read, bytes_total);
	else if (archive->feed)
		feed_progress(archive->feed, bytes_read, bytes_total);
	else
		*bytes_read = *bytes_total = 0;
}

void
feed_archive_close(struct feed_archive *archive)
{
	if (!archive)
		return;
	feed_close(archive->feed);
	if (archive->tar)
		archive_read_free(archive->tar);
	feed_source_close(archive->source);
	free(archive);
}
