/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_log.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

void
power_fail(const char *format, ...)
{
	va_list rest;
	va_start(rest, format);
	printf("powerloss: ");
	vprintf(format, rest);
	printf("\n");
	va_end(rest);
	exit(2);
}

struct power_log *
power_log_new(size_t bytes)
{
	struct power_log *log = mmap(NULL, sizeof(*log) + bytes, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (log == MAP_FAILED)
		power_fail("no memory for a log");
	log->size = bytes;
	log->room = (uint8_t *)(log + 1);
	return log;
}

void
power_log_free(struct power_log *log)
{
	munmap(log, sizeof(*log) + log->size);
}

void
power_log_append(struct power_log *log, const struct power_op *op)
{
	if (log->op_count == POWER_OPS)
		power_fail("more than %d operations", POWER_OPS);
	log->op[log->op_count] = *op;
	log->op[log->op_count++].hint = log->hint;
}

uint32_t
power_log_file(struct power_log *log, const char *name, bool directory)
{
	if (log->file_count == POWER_FILES)
		power_fail("more than %d files", POWER_FILES);
	struct power_file *file = &log->file[log->file_count];
	memset(file, 0, sizeof(*file));
	snprintf(file->name, sizeof(file->name), "%s", name);
	file->directory = directory;
	log->late.alias[log->file_count] = log->file_count;
	return log->file_count++;
}

uint64_t
power_log_bytes(struct power_log *log, const void *bytes, size_t length)
{
	if (length > log->size - log->used)
		power_fail("more than %zu bytes are written", log->size);
	if (length > 0)
		memcpy(log->room + log->used, bytes, length);
	log->used += length;
	return log->used - length;
}

/* --- the start ------------------------------------------------------------------------- */

static void
scan_file(struct power_log *log, const char *path, size_t length, uint32_t number)
{
	FILE *file = fopen(path, "re");
	if (file == NULL || length > log->size - log->used)
		power_fail("cannot read %s", path);
	if (fread(log->room + log->used, 1, length, file) != length)
		power_fail("%s is shorter than it says", path);
	fclose(file);
	log->file[number].bytes = log->used;
	log->file[number].length = length;
	log->used += length;
}

static bool
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* In the order of the names, so that a seed means the same everywhere. */
static void
scan(struct power_log *log, uint32_t directory, const char *path)
{
	struct dirent **entry;
	int count = scandir(path, &entry, NULL, alphasort);
	if (count < 0)
		power_fail("cannot read %s", path);
	for (int i = 0; i < count; i++) {
		char below[POWER_PATH_BYTES];
		struct stat info;
		const char *name = entry[i]->d_name;
		if (!is_dot(name)) {
			if (snprintf(below, sizeof(below), "%s/%s", path, name) >= (int)sizeof(below) ||
			    stat(below, &info) != 0)
				power_fail("cannot use %s", below);
			uint32_t number = power_log_file(log, name, S_ISDIR(info.st_mode));
			power_names_put(&log->base, directory, name, number);
			if (S_ISDIR(info.st_mode))
				scan(log, number, below);
			else
				scan_file(log, below, (size_t)info.st_size, number);
		}
		free(entry[i]);
	}
	free(entry);
}

void
power_log_start(struct power_log *log, const char *root, uint64_t seed)
{
	log->root_length = strlen(root);
	if (log->root_length >= sizeof(log->root))
		power_fail("the path is too long: %s", root);
	memcpy(log->root, root, log->root_length + 1);
	log->mistake = 0;
	log->kill_at = log->fail_at = -1;
	log->hint = 0;
	log->hint_path[0] = '\0';
	log->random = seed;
	log->blind = NULL;
	log->op_count = log->file_count = 0;
	log->base.count = 0;
	log->used = 0;
	memset(&log->late, 0, sizeof(log->late));
	power_log_file(log, "", true);
	scan(log, 0, root);
	log->live = log->base;
	for (uint32_t i = 0; i < log->file_count; i++)
		if (strcmp(log->file[i].name, POWER_HINT) == 0 && log->file[i].length == 8)
			for (int byte = 8; byte-- > 0;)
				log->hint = log->hint << 8 | log->room[log->file[i].bytes + (uint64_t)byte];
}

/* --- names ------------------------------------------------------------------------------- */

struct power_name *
power_names_find(struct power_names *names, uint32_t directory, const char *name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (names->row[i].directory == directory && strcmp(names->row[i].name, name) == 0)
			return &names->row[i];
	return NULL;
}

void
power_names_put(struct power_names *names, uint32_t directory, const char *name, uint32_t file)
{
	struct power_name *row = power_names_find(names, directory, name);
	if (row == NULL && names->count == POWER_NAMES)
		power_fail("more than %d names", POWER_NAMES);
	if (row == NULL)
		row = &names->row[names->count++];
	row->directory = directory;
	row->file = file;
	snprintf(row->name, sizeof(row->name), "%s", name);
}

void
power_names_drop(struct power_names *names, uint32_t directory, const char *name)
{
	struct power_name *row = power_names_find(names, directory, name);
	if (row != NULL)
		*row = names->row[--names->count];
}

void
power_names_apply(struct power_names *names, const struct power_op *op)
{
	if (op->kind == POWER_MAKE || op->kind == POWER_MAKE_DIRECTORY)
		power_names_put(names, op->directory, op->name, op->file);
	if (op->kind == POWER_RENAME) {
		power_names_drop(names, op->directory, op->name);
		power_names_put(names, op->directory, op->to, op->file);
	}
	if (op->kind == POWER_UNLINK)
		power_names_drop(names, op->directory, op->name);
}
