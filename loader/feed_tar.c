/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/feed_tar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/feed_format.h"
#include "loader/tar.h"

#define PAX_BYTES 65536 /* of one header's records; names are shorter */

struct feed_archive {
	struct feed_source *source; /* the file; given away if it is a single feed */
	const struct feed_options *options;
	bool tar; /* else a single feed */
	struct feed *feed;
	bool over;
	enum status failed;
	struct fault fault;
	uint64_t left;    /* bytes of the member at hand */
	unsigned padding; /* behind them, up to a whole block */
	char name[FEED_MEMBER_NAME_BYTES];
	bool named, unnamed; /* it has a name; one that is too long */
	uint8_t block[FEED_SOURCE_BYTES];
	char records[PAX_BYTES];
};

/* --- blocks ------------------------------------------------------------------- */

/* Latched: what comes behind is not to be trusted. */
static enum status
damaged(struct feed_archive *archive, const char *why, struct fault *fault)
{
	archive->over = true;
	archive->failed =
		fault_set(&archive->fault, STATUS_BAD_FEED, feed_source_name(archive->source), 0,
			  "damaged tar archive: %s", why);
	if (fault)
		*fault = archive->fault;
	return archive->failed;
}

static enum status
read_some(struct feed_archive *archive, void *bytes, size_t capacity, size_t *got,
	  struct fault *fault)
{
	enum status status = feed_source_read(archive->source, bytes, capacity, got,
					      &archive->fault);

	if (!status)
		return STATUS_OK;
	archive->over = true;
	archive->failed = status;
	if (fault)
		*fault = archive->fault;
	return status;
}

/* Less than `length` only at the end. */
static enum status
read_all(struct feed_archive *archive, void *bytes, size_t length, size_t *have,
	 struct fault *fault)
{
	size_t got = 1;
	enum status status = STATUS_OK;

	*have = 0;
	while (!status && got > 0 && *have < length) {
		status = read_some(archive, (char *)bytes + *have, length - *have, &got, fault);
		*have += got;
	}
	return status;
}

/* A member's bytes; has the shape of feed_pull. */
static enum status
member_read(void *context, uint8_t *bytes, size_t capacity, size_t *got, struct fault *fault)
{
	struct feed_archive *archive = context;
	size_t want = archive->left < capacity ? (size_t)archive->left : capacity;
	enum status status;

	*got = 0;
	if (archive->failed && fault)
		*fault = archive->fault;
	if (archive->failed || want == 0)
		return archive->failed;
	status = read_some(archive, bytes, want, got, fault);
	if (!status && *got == 0)
		status = damaged(archive, "it ends in a member (a broken download?)", fault);
	if (!status)
		archive->left -= *got;
	return status;
}

/* Whatever was not read of the member at hand. */
static enum status
skip_member(struct feed_archive *archive, struct fault *fault)
{
	enum status status = STATUS_OK;
	size_t got;

	archive->left += archive->padding;
	archive->padding = 0;
	while (!status && archive->left > 0)
		status = member_read(archive, archive->block, sizeof(archive->block), &got, fault);
	return status;
}

/* --- headers ------------------------------------------------------------------ */

static void
set_name(struct feed_archive *archive, const char *name, size_t length)
{
	archive->named = true;
	archive->unnamed = length == 0 || length >= sizeof(archive->name);
	if (archive->unnamed)
		return;
	memcpy(archive->name, name, length);
	archive->name[length] = '\0';
}

/* The bytes of a header that tells of the next one, in archive->records. */
static enum status
read_records(struct feed_archive *archive, size_t *length, struct fault *fault)
{
	size_t size = (size_t)archive->left;
	enum status status;

	if (archive->left > sizeof(archive->records))
		return damaged(archive, "a header is longer than any name", fault);
	status = read_all(archive, archive->records, size, length, fault);
	if (!status && *length < size)
		status = damaged(archive, "it ends in a header (a broken download?)", fault);
	archive->left = 0;
	return status;
}

/* What stands before a member: its name and size. */
static enum status
take_records(struct feed_archive *archive, enum tar_type type, struct tar_pax *pax,
	     struct fault *fault)
{
	size_t length;
	const char *wrong;
	enum status status = read_records(archive, &length, fault);

	if (status)
		return status;
	if (type == TAR_LONG_NAME) {
		set_name(archive, archive->records, strnlen(archive->records, length));
		return STATUS_OK;
	}
	pax->path = NULL;
	wrong = tar_pax_read(archive->records, length, pax);
	if (wrong)
		return damaged(archive, wrong, fault);
	if (pax->path)
		set_name(archive, pax->path, strnlen(pax->path, pax->path_length));
	return STATUS_OK;
}

/* On to the next header; TAR_END: that was all. */
static enum status
read_header(struct feed_archive *archive, struct tar_header *header, struct fault *fault)
{
	uint8_t block[TAR_BLOCK_BYTES];
	const char *wrong;
	size_t have;
	enum status status = skip_member(archive, fault);

	if (!status)
		status = read_all(archive, block, sizeof(block), &have, fault);
	if (status)
		return status;
	if (have < sizeof(block))
		return damaged(archive, "it has no end (a broken download?)", fault);
	wrong = tar_header_read(block, header);
	if (wrong)
		return damaged(archive, wrong, fault);
	archive->left = header->type == TAR_EMPTY || header->type == TAR_LINK ? 0 : header->size;
	archive->padding = -(unsigned)archive->left & (TAR_BLOCK_BYTES - 1);
	return STATUS_OK;
}

/* The next regular file; *over: there is none. */
static enum status
next_file(struct feed_archive *archive, bool *over, struct fault *fault)
{
	struct tar_header header = {.type = TAR_OTHER};
	struct tar_pax pax = {0};
	enum status status = STATUS_OK;

	archive->named = archive->unnamed = false;
	while (!status && header.type != TAR_FILE && header.type != TAR_END) {
		status = read_header(archive, &header, fault);
		if (status || header.type == TAR_FILE || header.type == TAR_END)
			break;
		if (header.type == TAR_PAX || header.type == TAR_LONG_NAME) {
			status = take_records(archive, header.type, &pax, fault);
			continue;
		}
		if (header.type == TAR_NOTE)
			continue;
		if (pax.has_size && header.type != TAR_EMPTY)
			archive->left = pax.size;
		archive->padding = -(unsigned)archive->left & (TAR_BLOCK_BYTES - 1);
		pax = (struct tar_pax){0};
		archive->named = archive->unnamed = false;
	}
	if (status)
		return status;
	*over = header.type == TAR_END;
	if (pax.has_size)
		archive->left = pax.size;
	archive->padding = -(unsigned)archive->left & (TAR_BLOCK_BYTES - 1);
	if (!archive->named)
		set_name(archive, header.name, strlen(header.name));
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
		archive->tar = true;
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
		status = read_some(archive, archive->block, sizeof(archive->block), &got, fault);
	return status;
}

static enum status
open_member(struct feed_archive *archive, struct feed **feed, struct fault *fault)
{
	struct feed_options options = {.kind = KIND_ANY};
	struct feed_source *source;
	enum status status;

	if (archive->unnamed) {
		memcpy(archive->name, "?", 2);
		return fault_set(fault, STATUS_BAD_FEED, feed_source_name(archive->source), 0,
				 "a member's name is missing or longer than %d bytes",
				 FEED_MEMBER_NAME_BYTES - 1);
	}
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
	enum status status;
	bool over = false;

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
		status = next_file(archive, &over, fault);
		if (!status && over)
			status = drain(archive, fault);
		if (status || over)
			return status;
		status = open_member(archive, &archive->feed, fault);
		*member_only = status == STATUS_BAD_FEED && !archive->failed;
	}
	*feed = archive->feed;
	return status;
}

bool
feed_archive_is_tar(const struct feed_archive *archive)
{
	return archive->tar;
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
	feed_source_close(archive->source);
	free(archive);
}
