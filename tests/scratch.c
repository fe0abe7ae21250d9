/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/canon.h"
#include "engine/segment_check.h"
#include "tests/fixture.h"

static enum status
remove_name(void *context, const char *name, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	(void)fault;
	snprintf(path, sizeof(path), "%s/%s", (const char *)context, name);
	unlink(path);
	return STATUS_OK;
}

char *
scratch_new(const char *name)
{
	char *path = fixture_path(name);
	if (file_exists(path))
		file_each_name(path, remove_name, path, NULL);
	rmdir(path);
	return path;
}

void
scratch_remove(char *path)
{
	chmod(path, 0755);
	if (file_exists(path))
		file_each_name(path, remove_name, path, NULL);
	rmdir(path);
	free(path);
}

struct count_names {
	const char *end;
	unsigned count;
};

static enum status
count_name(void *context, const char *name, struct fault *fault)
{
	struct count_names *names = context;
	size_t length = strlen(name), end = strlen(names->end);
	(void)fault;
	names->count += length >= end && strcmp(name + length - end, names->end) == 0;
	return STATUS_OK;
}

unsigned
scratch_files(const char *path, const char *end)
{
	struct count_names names = {.end = end};
	struct fault fault = {0};
	fixture_need(file_each_name(path, count_name, &names, &fault), &fault, path);
	return names.count;
}

struct key *
scratch_key(const char *text, enum scope scope)
{
	struct key *key = malloc(sizeof(*key));
	struct canon_options options = {.use = CANON_ENTRY};
	struct fault fault = {0};
	fixture_need(canon_key(KIND_ANY, text, strlen(text), &options, key, &fault), &fault, text);
	if (scope != 0)
		fixture_need(key_set_scope(key, scope, &fault), &fault, text);
	return key;
}

/* --- writing --------------------------------------------------------------------------- */

void
scratch_begin(struct scratch_write *change, const char *path, uint64_t now)
{
	struct hash_seed seed = {{1, 2}};
	struct fault fault = {0};
	memset(change, 0, sizeof(*change));
	change->now = now;
	fixture_need(store_write_begin(path, false, &seed, &change->write, &fault), &fault, "begin");
	fixture_need(author_new(store_write_view(change->write), now, &change->author, &fault),
		     &fault, "author");
}

void
scratch_put_tag(struct scratch_write *change, const char *source, const struct key *key,
		const char *category, const char *value, uint64_t ttl, uint64_t expires)
{
	struct tags tags = {0};
	struct fault fault = {0};
	struct author_claim claim = {.source = source, .source_length = strlen(source),
				     .ttl_seconds = ttl, .expires = expires};
	const struct tag_category *found = catalog_category(store_write_catalog(change->write),
							    category, strlen(category));
	if (value != NULL)
		fixture_need(tags_add(&tags, found, value, strlen(value), &fault), &fault, value);
	fixture_need(tags_encode(&tags, &claim.set, &claim.set_length, &claim.notes,
				 &claim.notes_length, &fault), &fault, "encode");
	fixture_need(author_put(change->author, key, &claim, &fault), &fault, "put");
	tags_fini(&tags);
}

void
scratch_put(struct scratch_write *change, const char *source, const struct key *key,
	    const char *set, uint64_t ttl, uint64_t expires)
{
	scratch_put_tag(change, source, key, CATALOG_FAMILY_NAME, set, ttl, expires);
}

void
scratch_take_back(struct scratch_write *change, const char *source, const struct key *key,
		  unsigned scopes)
{
	struct fault fault = {0};
	fixture_need(author_remove(change->author, key, scopes, source,
				   source == NULL ? 0 : strlen(source), &fault), &fault, "remove");
}

void
scratch_commit(struct scratch_write *change, bool compact)
{
	struct fault fault = {0};
	fixture_need(author_finish(change->author, store_write_build(change->write), &change->counts,
				   &fault), &fault, "finish");
	author_free(change->author);
	fixture_need(store_write_commit(change->write, change->now, compact, &change->generation,
					&fault), &fault, "commit");
}

void
scratch_abort(struct scratch_write *change)
{
	author_free(change->author);
	store_write_abort(change->write);
}

/* --- reading --------------------------------------------------------------------------- */

static int
compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char *
scratch_join(char **lines, size_t count)
{
	size_t length = 1, at = 0;
	if (count > 1)
		qsort(lines, count, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < count; i++)
		length += strlen(lines[i]) + 1;
	char *text = malloc(length);
	for (size_t i = 0; i < count; i++) {
		size_t line = strlen(lines[i]);
		memcpy(text + at, lines[i], line);
		text[at + line] = '\n';
		at += line + 1;
		free(lines[i]);
	}
	text[at] = '\0';
	free(lines);
	return text;
}

/* The first text value of a claim's tags, which are all that these tests write. */
static void
tag_text(const uint8_t *bytes, size_t length, char text[256])
{
	struct tag_cursor cursor = {.bytes = bytes, .length = length};
	struct tag_view tag;
	text[0] = '\0';
	if (length == 0 || !tag_next(&cursor, &tag) || tag.value_count == 0)
		return;
	size_t value_length;
	const char *value = tag_value(&tag, 0, &value_length);
	snprintf(text, 256, "%.*s", (int)value_length, value);
}

static char *
claim_line(const struct segment *segment, const struct key *key, const struct segment_claim *claim)
{
	char print[KEY_PRINT_BYTES], set[256], notes[256], *line;
	size_t source_length, length;
	const char *source = segment_source(segment, claim->source, &source_length);
	key_print(key, print);
	const uint8_t *bytes = segment_tags(segment, claim->set, &length);
	tag_text(bytes, length, set);
	bytes = segment_tags(segment, claim->notes, &length);
	tag_text(bytes, length, notes);
	if (asprintf(&line, "%s|%s|%.*s|%s%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64, print,
		     scope_name(claim->scope), (int)source_length, source, set, notes, claim->expires,
		     claim->first_seen, claim->last_seen) < 0)
		abort();
	return line;
}

char *
scratch_claims(const struct view *view)
{
	struct view_cursor cursor = {0};
	struct key key;
	uint32_t layer, id;
	char **lines = NULL;
	size_t count = 0;
	while (view_next(view, &cursor, &key, &layer, &id)) {
		struct segment_claim_cursor each = segment_claims(id);
		struct segment_claim claim;
		while (segment_claim_next(&view->layer[layer].segment, &each, &claim)) {
			lines = realloc(lines, (count + 1) * sizeof(*lines));
			lines[count++] = claim_line(&view->layer[layer].segment, &key, &claim);
		}
	}
	return scratch_join(lines, count);
}

char *
scratch_state(const char *path)
{
	struct store *store;
	struct fault fault = {0};
	enum status status = store_open(path, &store, &fault);
	if (status == STATUS_MISSING)
		return strdup("");
	fixture_need(status, &fault, path);
	struct view *view = store_view_take(store);
	char *text = scratch_claims(view);
	scratch_check(view);
	view_drop(view);
	store_close(store);
	return text;
}

void
scratch_check(const struct view *view)
{
	struct fault fault = {0};
	for (uint32_t i = 0; i < view->layer_count; i++)
		fixture_need(segment_check(&view->layer[i].segment, &fault), &fault, "check");
}

static void
file_failed(const char *path)
{
	perror(path);
	abort();
}

uint8_t *
scratch_read(const char *path, size_t *length)
{
	struct stat info;
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &info) != 0)
		file_failed(path);
	*length = (size_t)info.st_size;
	uint8_t *bytes = malloc(*length + 1);
	if (bytes == NULL || read(fd, bytes, *length) != (ssize_t)*length)
		file_failed(path);
	close(fd);
	return bytes;
}

void
scratch_write(const char *path, const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
		file_failed(path);
	close(fd);
}

void
scratch_pause(long milliseconds)
{
	struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
	nanosleep(&pause, NULL);
}

unsigned
scratch_mappings(const char *text)
{
	char line[FILE_PATH_BYTES + 256];
	unsigned count = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
		count += strstr(line, text) != NULL;
	if (maps != NULL)
		fclose(maps);
	return count;
}

unsigned
scratch_descriptors(void)
{
	struct count_names names = {.end = ""};
	file_each_name("/proc/self/fd", count_name, &names, NULL);
	return names.count;
}
