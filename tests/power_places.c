/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_places.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/power_disk.h"

#define MEMORY "/dev/shm" /* else build/tmp */
#define NAME "repute-powerloss-"

static const struct power_places *made;
static pid_t owner;

/* At the end of the program, whatever the end; children are no owners. */
static void
remove_places(void)
{
	if (getpid() != owner)
		return;
	power_directory_clear(made->base);
	rmdir(made->base);
}

/* What those left who were killed. */
static void
sweep(void)
{
	DIR *names = opendir(MEMORY);
	struct dirent *entry;
	while (names != NULL && (entry = readdir(names)) != NULL) {
		long process;
		char path[POWER_PATH_BYTES];
		if (sscanf(entry->d_name, NAME "%ld", &process) != 1 || kill((pid_t)process, 0) == 0 ||
		    errno != ESRCH)
			continue;
		snprintf(path, sizeof(path), "%s/%s", MEMORY, entry->d_name);
		power_directory_clear(path);
		rmdir(path);
	}
	if (names != NULL)
		closedir(names);
}

static void
make_place(const struct power_places *places, char path[POWER_PATH_BYTES], const char *name)
{
	snprintf(path, POWER_PATH_BYTES, "%.400s/%s", places->base, name);
	if (mkdir(path, 0755) != 0)
		power_fail("cannot make %s", path);
}

void
power_places_make(struct power_places *places)
{
	owner = getpid();
	sweep();
	snprintf(places->base, sizeof(places->base), MEMORY "/" NAME "%ld", (long)owner);
	if (mkdir(places->base, 0700) != 0) {
		char *path = fixture_path("powerloss");
		snprintf(places->base, sizeof(places->base), "%s", path);
		free(path);
		if (mkdir(places->base, 0700) != 0)
			power_fail("cannot make %s", places->base);
	}
	made = places;
	atexit(remove_places);
	make_place(places, places->live, "live");
	make_place(places, places->state, "state");
	make_place(places, places->again, "again");
	make_place(places, places->cache, "cache");
}
