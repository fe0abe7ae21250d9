/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of texts, and reading them from plain, gzip and tar.gz files. */
#ifndef BENCH_LISTS_H
#define BENCH_LISTS_H

#include <stddef.h>
#include <stdint.h>

struct list {
	char *bytes;
	uint64_t *offset; /* count + 1 */
	size_t count, capacity;
	uint64_t bytes_capacity;
};

/* Ends the program when memory does. */
void
list_add(struct list *list, const char *text, size_t length);
void
list_free(struct list *list);

static inline const char *
list_text(const struct list *list, size_t i, size_t *length)
{
	*length = (size_t)(list->offset[i + 1] - list->offset[i]);
	return list->bytes + list->offset[i];
}

typedef void list_line_cb(void *context, const char *line, size_t length);

/*
 * Each line of `name` in the data folder (BENCH_DATA, else ../shared/data)
 * without its end of line; of a .tar.gz, each line of each file. Returns the
 * number of lines, 0 if there is no such file.
 */
size_t
list_each_line(const char *name, list_line_cb *call, void *context);

#endif
