/* SPDX-License-Identifier: Apache-2.0 */
#include "query/readers.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/store_state.h"

/* What the maps of one process say. */
struct seen {
	bool open, behind;
};

static bool
has_segment(const struct view *view, uint64_t number)
{
	for (uint32_t i = 0; i < view->layer_count; i++)
		if (view->layer[i].row.offset == 0 && view->layer[i].row.number == number)
			return true;
	return false;
}

/* `name`: of a file of the store, perhaps with " (deleted)" behind it. */
static void
look_at_name(const char *name, const struct view *view, struct seen *seen)
{
	static const char gone[] = " (deleted)";
	char copy[64];
	uint64_t number;
	size_t length = strlen(name);
	bool deleted = length > strlen(gone) && strcmp(name + length - strlen(gone), gone) == 0;
	if (strncmp(name, STORE_COUNTER, strlen(STORE_COUNTER)) == 0)
		seen->open = true;
	if (deleted)
		length -= strlen(gone);
	if (length >= sizeof(copy))
		return;
	memcpy(copy, name, length);
	copy[length] = '\0';
	if (store_segment_number(copy, &number))
		seen->behind |= deleted || !has_segment(view, number);
}

/* Lines of /proc/<pid>/maps end in the path of what is mapped. */
static struct seen
look_at_process(const char *pid, const char *directory, const struct view *view)
{
	char path[64], line[FILE_PATH_BYTES + 256];
	struct seen seen = {0};
	size_t length = strlen(directory);
	snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
	FILE *maps = fopen(path, "re");
	if (maps == NULL)
		return seen;
	while (fgets(line, sizeof(line), maps) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		const char *name = strchr(line, '/');
		if (name != NULL && strncmp(name, directory, length) == 0 && name[length] == '/')
			look_at_name(name + length + 1, view, &seen);
	}
	fclose(maps);
	return seen;
}

void
readers_find(const char *directory, const struct view *view, struct readers *readers)
{
	*readers = (struct readers){0};
	DIR *processes = opendir("/proc");
	char *real = realpath(directory, NULL);
	const struct dirent *entry;
	while (processes != NULL && real != NULL && (entry = readdir(processes)) != NULL) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);
		if (*end != '\0' || pid <= 0)
			continue;
		readers->known = true;
		if (pid == (long)getpid())
			continue;
		struct seen seen = look_at_process(entry->d_name, real, view);
		if (!seen.open)
			continue;
		if (readers->count < READERS_SHOWN)
			readers->pid[readers->count] = pid;
		readers->count++;
		readers->behind += seen.behind;
	}
	if (processes != NULL)
		closedir(processes);
	free(real);
}
