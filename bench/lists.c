/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#define TAR_BLOCK 512

static void *
grow(void *old, size_t bytes)
{
	void *memory = realloc(old, bytes);
	if (memory == NULL) {
		fprintf(stderr, "bench: out of memory\n");
		exit(2);
	}
	return memory;
}

void
list_add(struct list *list, const char *text, size_t length)
{
	if (list->count + 2 > list->capacity) {
		list->capacity = list->capacity * 2 + 1024;
		list->offset = grow(list->offset, list->capacity * sizeof(*list->offset));
		if (list->count == 0)
			list->offset[0] = 0;
	}
	uint64_t at = list->offset[list->count];
	if (at + length > list->bytes_capacity) {
		list->bytes_capacity = list->bytes_capacity * 2 + length + 65536;
		list->bytes = grow(list->bytes, list->bytes_capacity);
	}
	if (length > 0)
		memcpy(list->bytes + at, text, length);
	list->offset[++list->count] = at + length;
}

void
list_free(struct list *list)
{
	free(list->bytes);
	free(list->offset);
	memset(list, 0, sizeof(*list));
}

static char *
file_read(const char *name, size_t *length)
{
	char path[4096];
	const char *folder = getenv("BENCH_DATA");
	snprintf(path, sizeof(path), "%s/%s", folder ? folder : "../shared/data", name);
	gzFile file = gzopen(path, "rb");
	if (file == NULL)
		return NULL;
	char *bytes = NULL;
	size_t capacity = 0;
	int got;
	*length = 0;
	do {
		if (capacity - *length < 1 << 20) {
			capacity = capacity * 2 + (4 << 20);
			bytes = grow(bytes, capacity);
		}
		got = gzread(file, bytes + *length, 1 << 20);
		*length += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	gzclose(file);
	return bytes;
}

static size_t
lines_of(const char *bytes, size_t length, list_line_cb *call, void *context)
{
	const char *end = bytes + length;
	size_t count = 0;
	while (bytes < end) {
		const char *stop = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *next = stop ? stop + 1 : end;
		stop = stop ? stop : end;
		if (stop > bytes && stop[-1] == '\r')
			stop--;
		call(context, bytes, (size_t)(stop - bytes));
		count++;
		bytes = next;
	}
	return count;
}

static size_t
lines_of_tar(const char *bytes, size_t length, list_line_cb *call, void *context)
{
	size_t count = 0, at = 0;
	while (at + TAR_BLOCK <= length && bytes[at] != '\0') {
		char text[13] = {0};
		memcpy(text, bytes + at + 124, 12);
		size_t size = strtoul(text, NULL, 8);
		char type = bytes[at + 156];
		at += TAR_BLOCK;
		if (size > length - at)
			break;
		if (type == '0' || type == '\0')
			count += lines_of(bytes + at, size, call, context);
		at += (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	}
	return count;
}

size_t
list_each_line(const char *name, list_line_cb *call, void *context)
{
	size_t length, count, name_length = strlen(name);
	char *bytes = file_read(name, &length);
	if (bytes == NULL)
		return 0;
	if (name_length > 7 && strcmp(name + name_length - 7, ".tar.gz") == 0)
		count = lines_of_tar(bytes, length, call, context);
	else
		count = lines_of(bytes, length, call, context);
	free(bytes);
	return count;
}
