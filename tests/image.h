/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder with all that is in it, in memory: to be put back as often as wanted, or compared.
 * Regular files and folders; any failure ends the program.
 */
#ifndef TESTS_IMAGE_H
#define TESTS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image_file {
	char *path;       /* below the folder */
	uint8_t *bytes;   /* NULL: a folder */
	size_t length;
	size_t room;
};

struct image {
	struct image_file *files; /* folders before what is in them, names in order */
	size_t count, capacity;
};

/* The folder as it is; the memory of what `image` held is used again. None there: nothing in it. */
void
image_load(struct image *image, const char *folder);
/* The folder becomes what it was, whatever is there now. */
void
image_restore(const struct image *image, const char *folder);
/*
 * Equal for equal names and bytes. Numbers of processes in names of temporaries do not count.
 */
uint64_t
image_sum(const struct image *image);
void
image_fini(struct image *image);

/* rm -rf */
void
image_remove(const char *folder);
/* NULL if it is not there. */
struct image_file *
image_find(const struct image *image, const char *path);

#endif
