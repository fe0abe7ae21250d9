/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/ingest_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/text.h"
#include "loader/feed_tar.h"
#include "loader/suffix.h"

static enum status
too_many_rejects(const struct ingest *ingest, struct fault *fault)
{
	uint64_t most = ingest->options->max_rejects;
	if (ingest->result.rejected <= most)
		return STATUS_OK;
	return fault_set(fault, STATUS_REFUSED, ingest->file, 0,
			 "more than %llu rejects: nothing was imported", (unsigned long long)most);
}

/* --- one feed ---------------------------------------------------------------------------- */

static bool
goes_on(const struct ingest *ingest, const struct feed_archive *archive)
{
	uint64_t bytes_read, bytes_total;
	if (ingest->options->on_progress == NULL)
		return true;
	feed_archive_progress(archive, &bytes_read, &bytes_total);
	return ingest->options->on_progress(ingest->options->context, bytes_read, bytes_total,
					    ingest->result.read);
}

static enum status
stopped(const struct ingest *ingest, struct fault *fault)
{
	return fault_set(fault, STATUS_STOPPED, ingest->file, 0, "stopped: nothing was imported");
}

static enum status
read_feed(struct ingest *ingest, struct feed_archive *archive, struct feed *feed,
	  struct fault *fault)
{
	struct feed_item item;
	struct feed_reject row;
	for (;;) {
		struct fault inner = {0};
		enum status status = STATUS_OK;
		switch (feed_next(feed, &item, &row, fault)) {
		case FEED_ITEM:
			ingest->result.read++;
			status = ingest_put_item(ingest, &item, &inner);
			if (status != STATUS_OK && !ingest_is_reject(status)) {
				*fault = inner;
				return status;
			}
			if (status != STATUS_OK)
				ingest_reject_item(ingest, &item, &inner);
			break;
		case FEED_REJECT:
			ingest->result.read++;
			ingest_reject(ingest, &row);
			break;
		case FEED_END: /* perhaps after a long wait for a pipe */
			return goes_on(ingest, archive) ? STATUS_OK : stopped(ingest, fault);
		case FEED_FAIL:
			return fault->status;
		}
		status = too_many_rejects(ingest, fault);
		if (status != STATUS_OK)
			return status;
		if ((ingest->result.read & 0xff) == 0 && !goes_on(ingest, archive))
			return stopped(ingest, fault);
	}
}

/*
 * The SMS form and a column map name categories; a header row of somebody's
 * CSV only may, and what it names that we do not know is left out.
 */
static void
note_format(struct ingest *ingest, const char *format)
{
	ingest->strict_tags = ingest->options->columns != NULL || strncmp(format, "sms", 3) == 0;
	char *noted = ingest->result.format;
	if (noted[0] == '\0')
		snprintf(noted, sizeof(ingest->result.format), "%s", format);
	else if (strcmp(noted, format) != 0)
		snprintf(noted, sizeof(ingest->result.format), "mixed");
}

/* A member that is no list is one reject of its archive. */
static void
reject_member(struct ingest *ingest, const char *name, const struct fault *fault)
{
	struct feed_reject row = {.text = name, .text_length = strlen(name),
				  .status = fault->status, .reason = fault->text};
	ingest->result.read++;
	ingest_reject(ingest, &row);
}

/* What the feed took with less than it said, added up over files and members. */
static void
note_losses(struct ingest *ingest, const struct feed *feed)
{
	const char *text;
	uint64_t count;
	for (size_t i = 0; (text = feed_note(feed, i, &count)) != NULL; i++) {
		size_t place = 0;
		while (place < INGEST_NOTES && ingest->result.note[place].text != NULL &&
		       strcmp(ingest->result.note[place].text, text) != 0)
			place++;
		if (place == INGEST_NOTES || count == 0)
			continue;
		ingest->result.note[place].text = text;
		ingest->result.note[place].count += count;
	}
}

static enum status
read_archive(struct ingest *ingest, struct feed_archive *archive, const char *path,
	     struct fault *fault)
{
	bool tar = feed_archive_is_tar(archive);
	for (;;) {
		struct feed *feed = NULL;
		const char *name = path;
		bool member_only = false;
		enum status status = feed_archive_next(archive, &feed, &name, &member_only, fault);
		snprintf(ingest->member, sizeof(ingest->member), tar ? "%s(%s)" : "%s", path, name);
		ingest->file = ingest->member;
		if (status == STATUS_BAD_FEED && member_only && tar)
			reject_member(ingest, name, fault);
		else if (status != STATUS_OK)
			return status;
		if (status != STATUS_OK)
			continue;
		if (feed == NULL)
			return STATUS_OK;
		note_format(ingest, feed_format(feed));
		status = ingest_given_tags(ingest, name, fault);
		if (status == STATUS_OK)
			status = read_feed(ingest, archive, feed, fault);
		if (status != STATUS_OK)
			return status;
		note_losses(ingest, feed);
		ingest->file = path;
	}
}

enum status
ingest_value(struct ingest *ingest, const char *value, size_t length, struct fault *fault)
{
	struct feed_item item = {.value = value, .value_length = length, .kind = KIND_ANY};
	ingest->result.read++;
	return ingest_put_item(ingest, &item, fault);
}

/* `*.name`, `url/ *` and `\\*` say which scope is meant; a plain spelling means any. */
enum status
ingest_remove(struct ingest *ingest, const char *value, size_t length, bool all_sources,
	      struct fault *fault)
{
	const char *source = all_sources ? NULL : ingest->options->source;
	size_t source_length = source == NULL ? 0 : strlen(source), prefixes;
	unsigned scopes = 0;
	enum status status = ingest_read_value(ingest, ingest->options->kind, value, length, &prefixes,
					fault);
	if (status != STATUS_OK)
		return status;
	ingest->result.read++;
	for (size_t i = 0; status == STATUS_OK && i < prefixes; i++) {
		ingest_take_prefix(ingest, i);
		status = author_remove(ingest->author, &ingest->key, 0, source, source_length, fault);
	}
	if (prefixes > 0)
		return status;
	if (ingest->options->scope != 0)
		scopes = 1u << ingest->options->scope;
	else if (ingest->key.scope != SCOPE_EXACT)
		scopes = 1u << ingest->key.scope;
	return author_remove(ingest->author, &ingest->key, scopes, source, source_length, fault);
}

enum status
ingest_remove_source(struct ingest *ingest, struct fault *fault)
{
	const char *source = ingest->options->source;
	ingest->result.read++;
	(void)catalog_source_remove(store_write_catalog(ingest->write), source, strlen(source), NULL);
	store_write_touch(ingest->write);
	ingest->source_goes = true;
	return author_mirror(ingest->author, source, strlen(source), fault);
}

enum status
ingest_file(struct ingest *ingest, const char *path, struct fault *fault)
{
	struct feed_options options = {.format = ingest->options->format,
				       .kind = ingest->options->kind,
				       .columns = ingest->options->columns};
	struct feed_archive *archive;
	enum status status = feed_archive_open(path, &options, &archive, fault);
	if (status != STATUS_OK)
		return status;
	status = read_archive(ingest, archive, path, fault);
	ingest->file = path;
	ingest->files++;
	feed_archive_close(archive);
	return status;
}

/* --- beginning and end ---------------------------------------------------------------------- */

/* A dry run looks at the store as it is, or at an empty one. */
static enum status
begin_dry(struct ingest *ingest, const char *directory, struct fault *fault)
{
	struct hash_seed seed = {{0, 0}};
	enum status status = store_open(directory, &ingest->store, fault);
	if (status == STATUS_OK) {
		ingest->view = store_view_take(ingest->store);
	} else if (status == STATUS_MISSING) {
		ingest->view_is_ours = true;
		ingest->view = calloc(1, sizeof(*ingest->view));
		if (ingest->view == NULL)
			return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a view");
		status = catalog_init(&ingest->view->catalog, fault);
	}
	if (status == STATUS_OK)
		status = segment_build_new(seed, true, &ingest->scratch, fault);
	return status;
}

static void
begin_source(struct ingest *ingest)
{
	const char *name = ingest->options->source;
	const struct source_row *row = catalog_source(ingest_catalog(ingest), name, strlen(name));
	if (row != NULL)
		ingest->source = *row;
}

static bool
is_public_suffix(void *context, const char *name, size_t length)
{
	return suffix_is_public(context, name, length);
}

/* Before hours of reading, not after. */
static enum status
check_source(const char *name, struct fault *fault)
{
	size_t length = strlen(name);
	if (length > 0 && length <= LIMIT_SOURCE_NAME_BYTES && text_is_plain(name, length))
		return STATUS_OK;
	return fault_set(fault, STATUS_USAGE, NULL, 0,
			 "a source's name must be 1 to %d bytes of UTF-8 without control "
			 "characters", LIMIT_SOURCE_NAME_BYTES);
}

static enum status
begin(struct ingest *ingest, const char *directory, struct fault *fault)
{
	enum status status = check_source(ingest->options->source, fault);
	if (status == STATUS_OK)
		status = ingest->options->dry_run
			? begin_dry(ingest, directory, fault)
			: store_write_begin(directory, ingest->options->wait,
					    ingest->options->seed, &ingest->write, fault);
	if (status != STATUS_OK)
		return status;
	const struct view *view = ingest->write != NULL ? store_write_view(ingest->write)
							: ingest->view;
	begin_source(ingest);
	status = author_new(view, ingest->now, &ingest->author, fault);
	if (status == STATUS_OK)
		status = ingest_given_tags(ingest, NULL, fault);
	if (status == STATUS_OK)
		status = suffix_new(NULL, &ingest->suffix, fault);
	ingest->guard.is_suffix = is_public_suffix;
	ingest->guard.context = ingest->suffix;
	return status;
}

enum status
ingest_new(const char *directory, const struct ingest_options *options, uint64_t now,
	   struct ingest **out, struct fault *fault)
{
	struct ingest *ingest = calloc(1, sizeof(*ingest));
	if (ingest == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for an import");
	ingest->options = options;
	ingest->now = now;
	ingest->began = clock_elapsed();
	ingest->file = "";
	enum status status = begin(ingest, directory, fault);
	if (status != STATUS_OK)
		ingest_free(ingest);
	else
		*out = ingest;
	return status;
}

static enum status
check_amounts(const struct ingest *ingest, struct fault *fault)
{
	const struct ingest_options *options = ingest->options;
	uint64_t read = ingest->result.read, rejected = ingest->result.rejected;
	uint64_t good = read - rejected, before = ingest->source.last_count;
	const char *file = ingest->files > 1 ? NULL : ingest->file;
	if (options->max_rejects_percent <= 100 &&
	    rejected * 100 > read * options->max_rejects_percent)
		return fault_set(fault, STATUS_REFUSED, file, 0,
				 "%llu of %llu values rejected, more than %u %%: nothing was imported",
				 (unsigned long long)rejected, (unsigned long long)read,
				 options->max_rejects_percent);
	if (good == 0)
		return fault_set(fault, STATUS_BAD_FEED, file, 0,
				 "no usable value: nothing was imported");
	if (options->mirror && options->max_shrink_percent <= 100 && good < before &&
	    (before - good) * 100 > before * options->max_shrink_percent)
		return fault_set(fault, STATUS_REFUSED, file, 0,
				 "%llu values where there were %llu, more than %u %% fewer: "
				 "nothing was imported", (unsigned long long)good,
				 (unsigned long long)before, options->max_shrink_percent);
	return STATUS_OK;
}

/*
 * The source's row. Its first claim makes it; only what came from files counts
 * as an import, or a single `add` would unhinge the test for shrinking. It is
 * news only with other news: an import of the same again publishes nothing.
 */
static enum status
note_source(struct ingest *ingest, struct fault *fault)
{
	const struct author_counts *counts = &ingest->result.counts;
	struct catalog *catalog = store_write_catalog(ingest->write);
	const char *name = ingest->options->source;
	struct source_row *row;
	bool known = catalog_source(catalog, name, strlen(name)) != NULL;
	bool news = counts->added + counts->updated + counts->removed + counts->renewed > 0;
	if (ingest->source_goes || (known && !(news && ingest->files > 0)) ||
	    (!known && counts->added == 0))
		return STATUS_OK;
	enum status status = catalog_source_put(catalog, name, strlen(name), &row, fault);
	if (status == STATUS_OK && ingest->files > 0) {
		row->last_import = ingest->now;
		row->last_count = ingest->result.read - ingest->result.rejected;
	}
	store_write_touch(ingest->write);
	return status;
}

enum status
ingest_commit(struct ingest *ingest, struct ingest_result *result, struct fault *fault)
{
	const char *source = ingest->options->source;
	enum status status = check_amounts(ingest, fault);
	if (status == STATUS_OK && ingest->options->mirror)
		status = author_mirror(ingest->author, source, strlen(source), fault);
	if (status == STATUS_OK)
		status = author_finish(ingest->author,
				       ingest->write != NULL ? store_write_build(ingest->write)
							     : ingest->scratch,
				       &ingest->result.counts, fault);
	if (status == STATUS_OK && ingest->write != NULL)
		status = note_source(ingest, fault);
	if (status == STATUS_OK && ingest->write != NULL) {
		struct store_write *write = ingest->write;
		ingest->result.published = store_write_view(write)->published;
		author_free(ingest->author);
		ingest->author = NULL;
		ingest->write = NULL;
		status = store_write_commit(write, ingest->now, false, &ingest->result.generation,
					    fault);
	} else if (status == STATUS_OK) {
		ingest->result.generation = ingest->view->generation;
	}
	if (ingest->result.format[0] == 0)
		snprintf(ingest->result.format, sizeof(ingest->result.format), "values");
	ingest->result.seconds = clock_elapsed() - ingest->began;
	if (status == STATUS_OK)
		*result = ingest->result;
	return status;
}

void
ingest_free(struct ingest *ingest)
{
	if (ingest == NULL)
		return;
	author_free(ingest->author);
	segment_build_free(ingest->scratch);
	if (ingest->write != NULL)
		store_write_abort(ingest->write);
	if (ingest->view_is_ours && ingest->view != NULL) {
		catalog_fini(&ingest->view->catalog);
		free(ingest->view);
	} else if (ingest->view != NULL) {
		view_drop(ingest->view);
	}
	store_close(ingest->store);
	suffix_free(ingest->suffix);
	tags_fini(&ingest->given);
	tags_fini(&ingest->line);
	free(ingest);
}
