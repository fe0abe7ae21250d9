/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILL_STEPS 5000 /* more than any limit of the store */
#define FILL_SOURCE 5

/* --- the table --------------------------------------------------------------------------- */

/* A base of 400 keys, two small transactions on it, and one of each in the catalogue. */
#define STANDING \
	{.verb = CRASH_IMPORT, .source = 0, .first = 0, .count = 400, .family = 1}, \
	{.verb = CRASH_ADD, .source = 1, .first = 0, .count = 6, .family = 2}, \
	{.verb = CRASH_ADD, .source = 0, .first = 1000, .count = 6, .family = 3}, \
	{.verb = CRASH_TAG_ADD, .number = 0}, \
	{.verb = CRASH_PROFILE, .number = 0, .version = 5}

/* What tests/stores/v2.tar.gz holds. */
#define OLD \
	STANDING, \
	{.verb = CRASH_SOURCE_SET, .source = 1, .number = 7}, \
	{.verb = CRASH_RETAG, .source = 1, .number = 2, .family = 6}, \
	{.verb = CRASH_REMOVE, .source = 0, .first = 12, .count = 6}, \
	{.verb = CRASH_ADD, .source = 2, .first = 3000, .count = 12, .days = true}
#define OLD_STORE "tests/stores/v2.tar.gz"

const struct crash_work crash_works[] = {
	{.name = "first-import", .step = {.verb = CRASH_IMPORT, .first = 0, .count = 30, .family = 1}},
	{.name = "first-add", .step = {.verb = CRASH_ADD, .first = 0, .count = 3}},
	{.name = "first-deep", .store = "new/deep/s",
	 .step = {.verb = CRASH_ADD, .first = 0, .count = 1}},
	{.name = "first-tag", .step = {.verb = CRASH_TAG_ADD, .number = 3}},
	{.name = "add", .prepare = {STANDING},
	 .step = {.verb = CRASH_ADD, .source = 2, .first = 2000, .count = 3, .family = 1}},
	{.name = "add-over", .prepare = {STANDING},
	 .step = {.verb = CRASH_ADD, .source = 1, .first = 0, .count = 6, .family = 4}},
	{.name = "import-10", .prepare = {STANDING},
	 .step = {.verb = CRASH_IMPORT, .source = 3, .first = 10000, .count = 10}},
	{.name = "import-100", .prepare = {STANDING},
	 .step = {.verb = CRASH_IMPORT, .source = 3, .first = 10000, .count = 100, .family = 2}},
	{.name = "import-1k", .prepare = {STANDING},
	 .step = {.verb = CRASH_IMPORT, .source = 3, .first = 10000, .count = 1000}},
	{.name = "import-10k", .prepare = {STANDING}, .heavy = 3,
	 .step = {.verb = CRASH_IMPORT, .source = 3, .first = 10000, .count = 10000, .family = 2}},
	{.name = "import-large", .prepare = {STANDING}, .heavy = 4,
	 .step = {.verb = CRASH_IMPORT, .source = 3, .first = 20000, .count = 50000}},
	{.name = "large-over-large", .heavy = 4,
	 .prepare = {{.verb = CRASH_IMPORT, .source = 3, .first = 20000, .count = 50000}},
	 .step = {.verb = CRASH_IMPORT, .source = 3, .first = 45000, .count = 50000, .mirror = true}},
	{.name = "remove", .prepare = {STANDING},
	 .step = {.verb = CRASH_REMOVE, .source = 0, .first = 0, .count = 6}},
	{.name = "remove-all", .prepare = {STANDING},
	 .step = {.verb = CRASH_REMOVE, .source = 0, .first = 0, .count = 60, .all = true}},
	{.name = "retag", .prepare = {STANDING},
	 .step = {.verb = CRASH_RETAG, .source = 0, .number = 1, .family = 5}},
	{.name = "retag-few", .prepare = {STANDING},
	 .step = {.verb = CRASH_RETAG, .source = 1, .number = 2, .family = 5}},
	/* its base is too large for a commit to fold: it is folded when that is acknowledged */
	{.name = "import-due", .heavy = 8,
	 .prepare = {{.verb = CRASH_IMPORT, .source = 3, .first = 20000, .count = 55000}},
	 .step = {.verb = CRASH_IMPORT, .source = 0, .first = 0, .count = 14000}},
	{.name = "mirror", .prepare = {STANDING},
	 .step = {.verb = CRASH_IMPORT, .source = 0, .first = 200, .count = 400, .family = 1,
		  .mirror = true}},
	{.name = "tag-add", .prepare = {STANDING}, .step = {.verb = CRASH_TAG_ADD, .number = 1}},
	{.name = "tag-remove", .prepare = {STANDING}, .step = {.verb = CRASH_TAG_REMOVE, .number = 0}},
	{.name = "source-set", .prepare = {STANDING},
	 .step = {.verb = CRASH_SOURCE_SET, .source = 0, .number = 3, .days = true}},
	{.name = "source-remove", .prepare = {STANDING},
	 .step = {.verb = CRASH_SOURCE_REMOVE, .source = 0}},
	{.name = "profile-import", .prepare = {STANDING},
	 .step = {.verb = CRASH_PROFILE, .number = 1, .version = 5}},
	{.name = "profile-over", .prepare = {STANDING},
	 .step = {.verb = CRASH_PROFILE, .number = 0, .version = 50}},
	{.name = "profile-remove", .prepare = {STANDING},
	 .step = {.verb = CRASH_PROFILE_REMOVE, .number = 0}},
	{.name = "expire", .step = {.verb = CRASH_EXPIRE},
	 .prepare = {STANDING, {.verb = CRASH_ADD, .source = 2, .first = 395, .count = 12, .days = true}}},
	{.name = "expire-compact", .step = {.verb = CRASH_EXPIRE, .all = true},
	 .prepare = {STANDING, {.verb = CRASH_ADD, .source = 2, .first = 395, .count = 12, .days = true}}},
	{.name = "compact", .prepare = {STANDING}, .step = {.verb = CRASH_COMPACT}},
	{.name = "compact-beside", .prepare = {STANDING}, .step = {.verb = CRASH_COMPACT},
	 .beside = {.verb = CRASH_IMPORT, .source = 4, .first = 390, .count = 40, .family = 2}},
	{.name = "damaged", .prepare = {STANDING}, .damaged = true,
	 .step = {.verb = CRASH_ADD, .source = 2, .first = 2000, .count = 3, .family = 1}},
	{.name = "damaged-compact", .prepare = {STANDING}, .damaged = true, .step = {.verb = CRASH_COMPACT}},
	{.name = "fold", .prepare = {STANDING}, .fill = FILL_STACK},
	{.name = "fold-base", .prepare = {STANDING},
	 .step = {.verb = CRASH_IMPORT, .source = 3, .first = 300, .count = 300}},
	{.name = "journal-full", .prepare = {STANDING}, .fill = FILL_JOURNAL},
	{.name = "upgrade-add", .archive = OLD_STORE, .prepare = {OLD},
	 .step = {.verb = CRASH_ADD, .source = 2, .first = 2000, .count = 3, .family = 1}},
	{.name = "upgrade-import", .archive = OLD_STORE, .prepare = {OLD},
	 .step = {.verb = CRASH_IMPORT, .source = 0, .first = 200, .count = 400, .mirror = true}},
	{.name = "upgrade-tag", .archive = OLD_STORE, .prepare = {OLD},
	 .step = {.verb = CRASH_TAG_ADD, .number = 1}},
	{.name = "upgrade-expire", .archive = OLD_STORE, .prepare = {OLD},
	 .step = {.verb = CRASH_EXPIRE}},
	{.name = "upgrade-compact", .archive = OLD_STORE, .prepare = {OLD},
	 .step = {.verb = CRASH_COMPACT}},
};
const size_t crash_work_count = sizeof(crash_works) / sizeof(crash_works[0]);

/* --- preparing --------------------------------------------------------------------------- */

/* The n-th small change of a store that is filled. */
static struct crash_step
fill_step(enum crash_fill fill, uint32_t n)
{
	if (fill == FILL_STACK)
		return (struct crash_step){.verb = CRASH_ADD, .source = FILL_SOURCE, .first = 5000 + n,
					   .count = 1, .family = n % 3};
	return (struct crash_step){.verb = CRASH_SOURCE_SET, .source = FILL_SOURCE, .number = n % 90};
}

static long
layers_now(struct crash_site *site)
{
	struct crash_reading reading;
	crash_read(site, false, &reading);
	const char *line = strstr(site->text + reading.end[READ_INFO - 1], "\nlayers");
	return line == NULL ? -1 : strtol(line + 7, NULL, 10);
}

/* What one more change must alter: there are fewer layers, or the journal is another file. */
static long
fill_mark(struct crash_site *site, enum crash_fill fill)
{
	char path[CRASH_PATH_BYTES * 2];
	struct stat info;
	if (fill == FILL_STACK)
		return layers_now(site);
	snprintf(path, sizeof(path), "%s/%s/JOURNAL", site->root, site->store);
	return stat(path, &info) == 0 ? (long)info.st_ino : -1;
}

static bool
is_full(enum crash_fill fill, long before, long after)
{
	return fill == FILL_STACK ? after < before : after != before;
}

/* How many changes fit; 0: no limit was met. The store is filled by them and one more. */
static uint32_t
fill_count(struct crash_site *site, enum crash_fill fill)
{
	long before = fill_mark(site, fill);
	for (uint32_t n = 0; before != -1 && n < FILL_STEPS; n++) {
		struct crash_step step = fill_step(fill, n);
		crash_run_quick(site, &step);
		long after = fill_mark(site, fill);
		if (is_full(fill, before, after))
			return n;
		before = after;
	}
	return 0;
}

/* Until the next step meets the limit; that step is the one to kill. */
static bool
fill_up(struct crash_site *site, enum crash_fill fill, const struct image *begin,
	struct crash_world *world, struct crash_step *next)
{
	uint32_t count = fill_count(site, fill);
	image_restore(begin, site->root);
	for (uint32_t n = 0; n < count; n++) {
		struct crash_step step = fill_step(fill, n);
		crash_run_quick(site, &step);
		crash_world_apply(world, &step);
	}
	*next = fill_step(fill, count);
	return count > 0;
}

static void
unpack(struct crash_site *site, const char *archive)
{
	char command[CRASH_PATH_BYTES * 2 + 64];
	snprintf(command, sizeof(command), "tar -xzf '%s' -C '%s'", archive, site->root);
	int status = system(command);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "crash: cannot unpack %s\n", archive);
		exit(2);
	}
}

/* Another last byte: it belongs to the last record, or to the zeros that fill it up. */
static bool
damage(struct crash_site *site, struct image *image)
{
	char path[CRASH_PATH_BYTES];
	snprintf(path, sizeof(path), "%.400s/JOURNAL", site->store);
	struct image_file *file = image_find(image, path);
	if (file == NULL || file->length == 0)
		return false;
	file->bytes[file->length - 1] ^= 1;
	image_restore(image, site->root);
	return true;
}

bool
crash_work_prepare(struct crash_site *site, const struct crash_work *work, struct image *image,
		   struct crash_world *world, struct crash_step *step)
{
	struct image nothing = {0};
	bool made = true;
	*step = work->step;
	site->store = work->store != NULL ? work->store : "s";
	image_restore(&nothing, site->root);
	crash_world_init(world);
	if (work->archive != NULL)
		unpack(site, work->archive);
	for (size_t i = 0; i < CRASH_PREPARE && work->prepare[i].verb != 0; i++) {
		bool last = i + 1 == CRASH_PREPARE || work->prepare[i + 1].verb == 0;
		if (work->archive == NULL)
			crash_run_quick(site, &work->prepare[i]);
		if (!last || !work->damaged)
			crash_world_apply(world, &work->prepare[i]);
	}
	image_load(image, site->root);
	if (work->damaged)
		made = damage(site, image);
	if (work->fill != FILL_NONE) {
		made = fill_up(site, work->fill, image, world, step);
		image_load(image, site->root);
	}
	return made;
}

void
crash_work_make_old(struct crash_site *site, const struct crash_work *work)
{
	struct crash_run run = {.call = -1};
	for (size_t i = 0; i < CRASH_PREPARE && work->prepare[i].verb != 0; i++) {
		crash_run(site, &work->prepare[i], &run);
		if (run.status != 0) {
			fprintf(stderr, "crash: %s", site->errors);
			exit(2);
		}
	}
}
