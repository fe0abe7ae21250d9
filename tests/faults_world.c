/* SPDX-License-Identifier: Apache-2.0 */
/* The folders that work happens in: made once, kept in memory, put back before each trial. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/faults_work.h"
#include "tests/fixture.h"
#include "tests/scratch.h"

struct world_file {
	char *name;
	uint8_t *bytes;
	size_t length;
};

static void
file_path(const struct world *world, const char *name, char path[FILE_PATH_BYTES])
{
	snprintf(path, FILE_PATH_BYTES, "%s/%s", world->path, name);
}

static enum status
keep_file(void *context, const char *name, struct fault *fault)
{
	struct world *world = context;
	struct file_map map;
	char path[FILE_PATH_BYTES];
	file_path(world, name, path);
	fixture_need(file_map_open(path, &map, fault), fault, path);
	world->files = realloc(world->files, (world->file_count + 1) * sizeof(*world->files));
	struct world_file *file = &world->files[world->file_count++];
	*file = (struct world_file){strdup(name), malloc(map.length + 1), map.length};
	if (map.length > 0)
		memcpy(file->bytes, map.bytes, map.length);
	file_map_close(&map);
	return STATUS_OK;
}

struct world *
world_new(const struct work *work)
{
	struct world *world = calloc(1, sizeof(*world));
	struct fault fault = {0};
	world->work = work;
	world->path = scratch_new("faults-store");
	world->feed = scratch_new("faults-feeds");
	fixture_need(file_make_directory(world->feed, &fault), &fault, world->feed);
	work->make(world);
	ledger_copy(&world->old, &world->new);
	if (work->expect != NULL)
		work->expect(&world->new);
	world->exists = file_exists(world->path);
	if (world->exists)
		fixture_need(file_each_name(world->path, keep_file, world, &fault), &fault, world->path);
	return world;
}

void
world_free(struct world *world)
{
	for (size_t i = 0; i < world->file_count; i++) {
		free(world->files[i].name);
		free(world->files[i].bytes);
	}
	free(world->files);
	ledger_fini(&world->old);
	ledger_fini(&world->new);
	scratch_remove(world->path);
	scratch_remove(world->feed);
	free(world);
}

static enum status
remove_name(void *context, const char *name, struct fault *fault)
{
	char path[FILE_PATH_BYTES];
	(void)fault;
	file_path(context, name, path);
	if (unlink(path) != 0)
		abort();
	return STATUS_OK;
}

void
world_restore(struct world *world)
{
	/* some commands tell it */
	static const struct timespec made[2] = {{.tv_sec = WORK_BEGIN}, {.tv_sec = WORK_BEGIN}};
	char path[FILE_PATH_BYTES];
	struct fault fault = {0};
	if (file_exists(world->path))
		fixture_need(file_each_name(world->path, remove_name, world, &fault), &fault, world->path);
	if (!world->exists && rmdir(world->path) != 0 && file_exists(world->path))
		abort();
	if (world->exists && !file_exists(world->path) && mkdir(world->path, 0755) != 0)
		abort();
	for (size_t i = 0; i < world->file_count; i++) {
		file_path(world, world->files[i].name, path);
		FILE *file = fopen(path, "we");
		if (file == NULL || fwrite(world->files[i].bytes, 1, world->files[i].length, file) !=
		    world->files[i].length || fclose(file) != 0 ||
		    utimensat(AT_FDCWD, path, made, 0) != 0)
			abort();
	}
}
