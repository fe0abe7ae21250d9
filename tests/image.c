/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/image.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 1024

static void
give_up(const char *doing, const char *path)
{
	fprintf(stderr, "image: cannot %s %s: %s\n", doing, path, strerror(errno));
	abort();
}

static void
join(char *path, const char *folder, const char *name)
{
	int need = snprintf(path, PATH_BYTES, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
	if (need < 0 || need >= PATH_BYTES)
		give_up("join", name);
}

/* --- loading ----------------------------------------------------------------------------- */

/* A file of the image, with the memory of one that stood there before. */
static struct image_file *
next_file(struct image *image, const char *path)
{
	if (image->count == image->capacity) {
		size_t capacity = image->capacity == 0 ? 16 : image->capacity * 2;
		image->files = realloc(image->files, capacity * sizeof(*image->files));
		if (image->files == NULL)
			give_up("hold", path);
		memset(image->files + image->capacity, 0,
		       (capacity - image->capacity) * sizeof(*image->files));
		image->capacity = capacity;
	}
	struct image_file *file = &image->files[image->count++];
	free(file->path);
	file->path = strdup(path);
	file->length = 0;
	return file;
}

static void
load_file(struct image_file *file, const char *path, size_t length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		give_up("open", path);
	if (file->bytes == NULL || file->room < length) {
		free(file->bytes);
		file->room = length + 1;
		file->bytes = malloc(file->room);
		if (file->bytes == NULL)
			give_up("hold", path);
	}
	while (file->length < length) {
		ssize_t got = read(fd, file->bytes + file->length, length - file->length);
		if (got <= 0)
			give_up("read", path);
		file->length += (size_t)got;
	}
	close(fd);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
load_folder(struct image *image, const char *root, const char *below)
{
	char folder[PATH_BYTES], path[PATH_BYTES], full[PATH_BYTES];
	struct dirent **names;
	join(folder, root, below);
	int count = scandir(below[0] != '\0' ? folder : root, &names, NULL, by_name);
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		struct stat info;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		join(path, below, name);
		join(full, root, path);
		if (stat(full, &info) != 0)
			give_up("stat", full);
		struct image_file *file = next_file(image, path);
		if (S_ISDIR(info.st_mode)) {
			free(file->bytes);
			file->bytes = NULL;
			load_folder(image, root, path);
		} else {
			load_file(file, full, (size_t)info.st_size);
		}
	}
	for (int i = 0; i < count; i++)
		free(names[i]);
	if (count >= 0)
		free(names);
}

void
image_load(struct image *image, const char *folder)
{
	image->count = 0;
	load_folder(image, folder, "");
}

void
image_fini(struct image *image)
{
	for (size_t i = 0; i < image->capacity; i++) {
		free(image->files[i].path);
		free(image->files[i].bytes);
	}
	free(image->files);
	memset(image, 0, sizeof(*image));
}

/* --- putting back ------------------------------------------------------------------------ */

void
image_remove(const char *folder)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;
	if (directory == NULL)
		return;
	while ((entry = readdir(directory)) != NULL) {
		char path[PATH_BYTES];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		join(path, folder, entry->d_name);
		if (unlink(path) != 0) {
			if (errno != EISDIR && errno != EPERM)
				give_up("remove", path);
			image_remove(path);
		}
	}
	closedir(directory);
	if (rmdir(folder) != 0)
		give_up("remove", folder);
}

static void
restore_file(const struct image_file *file, const char *path)
{
	size_t done = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		give_up("create", path);
	while (done < file->length) {
		ssize_t wrote = write(fd, file->bytes + done, file->length - done);
		if (wrote <= 0)
			give_up("write", path);
		done += (size_t)wrote;
	}
	close(fd);
}

void
image_restore(const struct image *image, const char *folder)
{
	image_remove(folder);
	if (mkdir(folder, 0755) != 0)
		give_up("make", folder);
	for (size_t i = 0; i < image->count; i++) {
		char path[PATH_BYTES];
		join(path, folder, image->files[i].path);
		if (image->files[i].bytes != NULL)
			restore_file(&image->files[i], path);
		else if (mkdir(path, 0755) != 0)
			give_up("make", path);
	}
}

/* --- comparing --------------------------------------------------------------------------- */

static uint64_t
mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
	return sum ^ (sum >> 29);
}

static uint64_t
mix_bytes(uint64_t sum, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;
	for (; length >= 8; length -= 8, from += 8) {
		uint64_t word;
		memcpy(&word, from, 8);
		sum = mix(sum, word);
	}
	for (; length > 0; length--)
		sum = mix(sum, *from++);
	return sum;
}

/* name.<digits>.tmp: the digits are left out. */
static uint64_t
mix_name(uint64_t sum, const char *name)
{
	size_t length = strlen(name);
	if (length > 4 && strcmp(name + length - 4, ".tmp") == 0) {
		length -= 4;
		while (length > 0 && isdigit((unsigned char)name[length - 1]))
			length--;
		sum = mix(sum, 4);
	}
	return mix_bytes(sum, name, length);
}

uint64_t
image_sum(const struct image *image)
{
	uint64_t sum = image->count;
	for (size_t i = 0; i < image->count; i++) {
		const struct image_file *file = &image->files[i];
		sum = mix_name(sum, file->path);
		sum = mix(sum, file->bytes == NULL ? UINT64_MAX : file->length);
		sum = mix_bytes(sum, file->bytes, file->length);
	}
	return sum;
}

struct image_file *
image_find(const struct image *image, const char *path)
{
	for (size_t i = 0; i < image->count; i++)
		if (strcmp(image->files[i].path, path) == 0)
			return &image->files[i];
	return NULL;
}
