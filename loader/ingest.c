/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/ingest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/clock.h"
#include "engine/path.h"
#include "engine/text.h"
#include "loader/feed_guard.h"
#include "loader/feed_tar.h"
#include "loader/suffix.h"

struct ingest {
	const struct ingest_options *options;
	uint64_t now;
	double began;
	struct store_write *write;     /* NULL in a dry run */
	struct store *store;           /* dry run: what would be changed */
	struct view *view;             /* dry run: pinned, or an empty one of our own */
	bool view_is_ours;
	struct segment_build *scratch; /* dry run */
	struct author *author;
	struct suffix *suffix;
	struct feed_guard guard;
	struct source_row source;      /* defaults of the source; borrowed texts */
	struct tags given;             /* --tag and the name tag of the file at hand */
	struct tags line;              /* the tags of one item */
	uint64_t given_expires;        /* of --tag's TTL, else --expires; 0 = none */
	uint64_t line_expires;         /* of the tags added last; 0 = none */
	bool source_goes;              /* its row is not written again */
	size_t files;                  /* read to their end */
	bool strict_tags;              /* the feed at hand names categories on purpose */
	struct ingest_result result;
	const char *file;              /* shown in rejects */
	char member[FILE_PATH_BYTES];  /* room for a name */
	struct key key;
	struct canon_prefix prefixes[LIMIT_RANGE_PREFIXES];
};

static const struct catalog *
catalog_of(const struct ingest *ingest)
{
	return ingest->write != NULL ? store_write_catalog(ingest->write) : &ingest->view->catalog;
}

/* --- tags ---------------------------------------------------------------------------- */

static enum status
category_of(const struct ingest *ingest, const char *name, size_t length,
	    const struct tag_category **category, struct fault *fault)
{
	*category = catalog_category(catalog_of(ingest), name, length);
	if (*category != NULL)
		return STATUS_OK;
	const char *near = catalog_category_near(catalog_of(ingest), name, length);
	return fault_set(fault, STATUS_BAD_TAG, NULL, 0,
			 "no tag category '%.*s'%s%s; `repute tag list` shows them", (int)length,
			 name, near != NULL ? "; did you mean " : "", near != NULL ? near : "");
}

/* Free text of feeds is cut to what a text tag holds, at a character, rather than refused. */
static size_t
plain_text(const char *value, size_t length, char *plain)
{
	size_t kept = 0;
	for (size_t i = 0; i < length;) {
		uint32_t code;
		size_t bytes = text_utf8_next(value + i, length - i, &code);
		bool good = bytes > 0 && code >= 0x20 && code != 0x7f && !(code >= 0x80 && code < 0xa0);
		size_t take = good ? bytes : 1;
		if (kept + take > LIMIT_TAG_TEXT_BYTES)
			break;
		if (good)
			memcpy(plain + kept, value + i, bytes);
		else
			plain[kept] = ' ';
		kept += take;
		i += bytes > 0 ? bytes : 1;
	}
	while (kept > 0 && plain[kept - 1] == ' ')
		kept--;
	return kept;
}

static bool
is_free_text(const struct tag_category *category)
{
	return category->type == TAG_TEXT && !category->service;
}

static enum status
add_tag(struct ingest *ingest, struct tags *tags, const char *name, size_t name_length,
	const char *value, size_t value_length, bool from_feed, struct fault *fault)
{
	const struct tag_category *category;
	char plain[LIMIT_TAG_TEXT_BYTES];
	enum status status = category_of(ingest, name, name_length, &category, fault);
	if (status != STATUS_OK)
		return from_feed && !ingest->strict_tags ? STATUS_OK : status;
	if (strcmp(category->name, CATALOG_TTL_NAME) == 0)
		return clock_parse(value, value_length, &ingest->line_expires, fault);
	if (from_feed && is_free_text(category)) {
		value_length = plain_text(value, value_length, plain);
		value = plain;
		if (value_length == 0)
			return STATUS_OK;
	}
	return tags_add(tags, category, value, value_length, fault);
}

static enum status
given_tags(struct ingest *ingest, struct fault *fault)
{
	enum status status = STATUS_OK;
	tags_clear(&ingest->given);
	ingest->line_expires = 0;
	for (size_t i = 0; status == STATUS_OK && i < ingest->options->tag_count; i++) {
		const char *tag = ingest->options->tags[i], *equal = strchr(tag, '=');
		if (equal == NULL)
			return fault_set(fault, STATUS_USAGE, "--tag", 0,
					 "'%s' is not of the form Category=Value", tag);
		status = add_tag(ingest, &ingest->given, tag, (size_t)(equal - tag), equal + 1,
				 strlen(equal + 1), false, fault);
	}
	ingest->given_expires = ingest->line_expires != 0 ? ingest->line_expires
							  : ingest->options->expires;
	return status;
}

/* "malware/emotet.txt" -> "emotet": without folders, compression and one ending. */
static size_t
base_name(const char *path, const char **base)
{
	static const char *const packed[] = {".gz", ".zst", ".tar"};
	const char *slash = strrchr(path, '/');
	*base = slash == NULL ? path : slash + 1;
	size_t length = strlen(*base);
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		size_t end = strlen(packed[i]);
		if (length > end && memcmp(*base + length - end, packed[i], end) == 0)
			length -= end;
	}
	const char *dot = memrchr(*base, '.', length);
	return dot == NULL || dot == *base ? length : (size_t)(dot - *base);
}

/* "eset/emotet/samples.sha1" -> "emotet"; length 0 if there is no folder. */
static size_t
folder_name(const char *path, const char **folder)
{
	const char *end = strrchr(path, '/');
	*folder = path;
	if (end == NULL)
		return 0;
	const char *before = memrchr(path, '/', (size_t)(end - path));
	*folder = before == NULL ? path : before + 1;
	return (size_t)(end - *folder);
}

static enum status
add_name_tag(struct ingest *ingest, const char *category, const char *text, size_t length,
	     struct fault *fault)
{
	if (category == NULL || length == 0)
		return STATUS_OK;
	return add_tag(ingest, &ingest->given, category, strlen(category), text, length, true,
		       fault);
}

static enum status
begin_member(struct ingest *ingest, const char *name, struct fault *fault)
{
	const char *text;
	enum status status = given_tags(ingest, fault);
	size_t length = base_name(name, &text);
	if (status == STATUS_OK)
		status = add_name_tag(ingest, ingest->options->name_tag, text, length, fault);
	length = folder_name(name, &text);
	if (status == STATUS_OK)
		status = add_name_tag(ingest, ingest->options->folder_tag, text, length, fault);
	return status;
}

/* A mistake in the data is one reject; anything else ends the import. */
static bool
is_reject(enum status status)
{
	return status != STATUS_NO_MEMORY && status != STATUS_IO;
}

/* --- one item -------------------------------------------------------------------------- */

static void
reject(struct ingest *ingest, const struct feed_reject *row)
{
	struct ingest_reject report = {ingest->file, row};
	ingest->result.rejected++;
	if (ingest->options->on_reject != NULL)
		ingest->options->on_reject(ingest->options->context, &report);
}

static void
reject_item(struct ingest *ingest, const struct feed_item *item, const struct fault *fault)
{
	struct feed_reject row = {
		.line = item->line,
		.text = item->value,
		.text_length = item->value_length > 256 ? 256 : item->value_length,
		.status = fault->status,
		.reason = fault->text,
	};
	reject(ingest, &row);
}

static enum status
item_tags(struct ingest *ingest, const struct feed_item *item, struct author_claim *claim,
	  struct fault *fault)
{
	struct tags *tags = &ingest->given;
	enum status status = STATUS_OK;
	ingest->line_expires = 0;
	if (item->tag_count > 0) {
		tags = &ingest->line;
		tags_clear(tags);
		for (size_t i = 0; status == STATUS_OK && i < item->tag_count; i++)
			status = add_tag(ingest, tags, item->tags[i].category,
					 item->tags[i].category_length, item->tags[i].value,
					 item->tags[i].value_length, true, fault);
		if (status == STATUS_OK)
			status = tags_add_missing(tags, &ingest->given, fault);
	}
	claim->expires = item->expires != 0 ? item->expires : ingest->line_expires;
	if (claim->expires == 0)
		claim->expires = ingest->given_expires;
	claim->first_seen = item->first_seen;
	if (status == STATUS_OK)
		status = tags_encode(tags, &claim->set, &claim->set_length, &claim->notes,
				     &claim->notes_length, fault);
	return status;
}

/* What the user asked for or the format means; a key that cannot have it keeps its own. */
static void
item_scope(const struct ingest *ingest, const struct feed_item *item, struct key *key)
{
	uint8_t scope = ingest->options->scope != 0 ? ingest->options->scope : item->scope;
	if (scope != 0)
		(void)key_set_scope(key, scope, NULL);
}

static enum status
check_key(const struct ingest *ingest, struct fault *fault)
{
	if (ingest->key.kind == KIND_URL && ingest->key.pattern == 0 && path_deep(&ingest->key))
		return fault_set(fault, STATUS_BAD_URL, NULL, 0, "more than %d path segments",
				 LIMIT_URL_STEPS - 2);
	return ingest->options->allow_broad ? STATUS_OK
					    : feed_guard_check(&ingest->guard, &ingest->key, fault);
}

/* "first-last" of two addresses of one kind; bad-kind if it is no range of the kind asked for. */
static enum status
read_range(struct ingest *ingest, enum kind asked, const char *text, size_t length, size_t *count,
	   struct fault *fault)
{
	const char *dash = memchr(text, '-', length);
	struct key first;
	if (dash == NULL)
		return STATUS_BAD_KIND;
	size_t left = (size_t)(dash - text), right = length - left - 1;
	enum kind kind = canon_guess(text, left);
	if (kind > KIND_IPV6 || canon_guess(dash + 1, right) != kind ||
	    (asked != KIND_ANY && asked != kind))
		return STATUS_BAD_KIND;
	enum status status = canon_key(kind, text, left, NULL, &first, fault);
	if (status == STATUS_OK)
		status = canon_key(kind, dash + 1, right, NULL, &ingest->key, fault);
	if (status != STATUS_OK)
		return status;
	status = canon_range_split(kind, first.bytes, ingest->key.bytes, ingest->prefixes,
				   LIMIT_RANGE_PREFIXES, count);
	if (status == STATUS_LIMIT)
		return fault_set(fault, status, NULL, 0, "the range splits into more than %d prefixes",
				 LIMIT_RANGE_PREFIXES);
	if (status != STATUS_OK)
		return fault_set(fault, status, NULL, 0, "the range ends before it begins");
	return STATUS_OK;
}

/*
 * A value as keys: one in ingest->key (*count 0), or `*count` prefixes of
 * ingest->key's kind. What is neither is refused for what is wrong with the key.
 */
static enum status
read_value(struct ingest *ingest, enum kind kind, const char *text, size_t length, size_t *count,
	   struct fault *fault)
{
	struct canon_options options = {.use = CANON_ENTRY};
	struct fault range_fault = {0};
	*count = 0;
	enum status status = canon_key(kind, text, length, &options, &ingest->key, fault);
	if (status == STATUS_OK || !is_reject(status))
		return status;
	enum status range = read_range(ingest, kind, text, length, count, &range_fault);
	if (range == STATUS_BAD_KIND)
		return status;
	if (range != STATUS_OK && fault != NULL)
		*fault = range_fault;
	return range;
}

static void
take_prefix(struct ingest *ingest, size_t i)
{
	const struct canon_prefix *prefix = &ingest->prefixes[i];
	if (ingest->key.kind == KIND_IPV4)
		key_set_ipv4(&ingest->key, be32_get(prefix->address), prefix->bits);
	else
		key_set_ipv6(&ingest->key, prefix->address, prefix->bits);
}

/* All prefixes or none: a range that is half refused is refused. */
static enum status
put_range(struct ingest *ingest, size_t count, const struct author_claim *claim,
	  struct fault *fault)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < count; i++) {
		take_prefix(ingest, i);
		status = check_key(ingest, fault);
	}
	for (size_t i = 0; status == STATUS_OK && i < count; i++) {
		take_prefix(ingest, i);
		status = author_put(ingest->author, &ingest->key, claim, fault);
	}
	return status;
}

static enum status
put_item(struct ingest *ingest, const struct feed_item *item, struct fault *fault)
{
	struct author_claim claim = {
		.source = ingest->options->source,
		.source_length = strlen(ingest->options->source),
		.ttl_seconds = ingest->options->ttl_seconds != 0 ? ingest->options->ttl_seconds
								  : ingest->source.ttl_seconds,
	};
	enum kind kind = item->kind != KIND_ANY ? item->kind : ingest->options->kind;
	size_t prefixes;
	enum status status = read_value(ingest, kind, item->value, item->value_length, &prefixes,
					fault);
	if (status == STATUS_OK)
		status = item_tags(ingest, item, &claim, fault);
	if (status != STATUS_OK)
		return status;
	if (prefixes > 0)
		return put_range(ingest, prefixes, &claim, fault);
	item_scope(ingest, item, &ingest->key);
	status = check_key(ingest, fault);
	return status == STATUS_OK ? author_put(ingest->author, &ingest->key, &claim, fault)
				   : status;
}

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
			status = put_item(ingest, &item, &inner);
			if (status != STATUS_OK && !is_reject(status)) {
				*fault = inner;
				return status;
			}
			if (status != STATUS_OK)
				reject_item(ingest, &item, &inner);
			break;
		case FEED_REJECT:
			ingest->result.read++;
			reject(ingest, &row);
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
	reject(ingest, &row);
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
		status = begin_member(ingest, name, fault);
		if (status == STATUS_OK)
			status = read_feed(ingest, archive, feed, fault);
		if (status != STATUS_OK)
			return status;
		ingest->file = path;
	}
}

enum status
ingest_value(struct ingest *ingest, const char *value, size_t length, struct fault *fault)
{
	struct feed_item item = {.value = value, .value_length = length, .kind = KIND_ANY};
	ingest->result.read++;
	return put_item(ingest, &item, fault);
}

/* `*.name`, `url/ *` and `\\*` say which scope is meant; a plain spelling means any. */
enum status
ingest_remove(struct ingest *ingest, const char *value, size_t length, bool all_sources,
	      struct fault *fault)
{
	const char *source = all_sources ? NULL : ingest->options->source;
	size_t source_length = source == NULL ? 0 : strlen(source), prefixes;
	unsigned scopes = 0;
	enum status status = read_value(ingest, ingest->options->kind, value, length, &prefixes,
					fault);
	if (status != STATUS_OK)
		return status;
	ingest->result.read++;
	for (size_t i = 0; status == STATUS_OK && i < prefixes; i++) {
		take_prefix(ingest, i);
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
	const struct source_row *row = catalog_source(catalog_of(ingest), name, strlen(name));
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
		status = given_tags(ingest, fault);
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
