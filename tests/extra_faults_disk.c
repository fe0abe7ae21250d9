/* SPDX-License-Identifier: Apache-2.0 */
/* What a power loss would take: files and folders with news that no fsync has carried out. */
#include "tests/extra_faults_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES 256
#define DESCRIPTORS 1024
#define PATH_BYTES 256

/* A file or a folder, by its path. */
struct entry {
	char path[PATH_BYTES]; /* "": free */
	bool folder;
	bool loose;            /* news since the last fsync */
	bool lost;             /* a file, loose when an fsync failed */
};

static struct entry entries[ENTRIES];
static struct entry *open_entries[DESCRIPTORS];
static bool watched;
static bool named; /* a journal was put in its place, and its folder not synced since */

void
faults_disk_begin(void)
{
	memset(entries, 0, sizeof(entries));
	memset(open_entries, 0, sizeof(open_entries));
	named = false;
	watched = true;
}

void
faults_disk_end(void)
{
	watched = false;
}

bool
disk_is_watched(void)
{
	return watched;
}

static struct entry *
entry_find(const char *path)
{
	for (size_t i = 0; i < ENTRIES; i++)
		if (strcmp(entries[i].path, path) == 0)
			return &entries[i];
	return NULL;
}

static struct entry *
entry_need(const char *path)
{
	struct entry *entry = entry_find(path);
	if (entry != NULL)
		return entry;
	entry = entry_find("");
	if (entry == NULL || strlen(path) >= PATH_BYTES)
		abort(); /* larger tables, then */
	*entry = (struct entry){0};
	snprintf(entry->path, sizeof(entry->path), "%s", path);
	return entry;
}

static void
entry_drop(struct entry *entry)
{
	for (size_t i = 0; i < DESCRIPTORS; i++)
		if (open_entries[i] == entry)
			open_entries[i] = NULL;
	*entry = (struct entry){0};
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

/* Names that a store cannot do without. */
static bool
is_vital(const char *path)
{
	const char *name = base_name(path);
	size_t length = strlen(name);
	bool temporary = length >= 4 && strcmp(name + length - 4, ".tmp") == 0;
	return strcmp(name, "MANIFEST") == 0 || strcmp(name, "JOURNAL") == 0 ||
	       (strncmp(name, "segment-", 8) == 0 && !temporary);
}

static bool
is_state(const char *path)
{
	return is_vital(path) && strncmp(base_name(path), "segment-", 8) != 0;
}

/* The folder of this path has a new name in it. */
static void
folder_loose(const char *path)
{
	char folder[PATH_BYTES];
	size_t length = (size_t)(base_name(path) - path);
	snprintf(folder, sizeof(folder), "%.*s", length > 1 ? (int)length - 1 : 1,
		 length > 0 ? path : ".");
	struct entry *entry = entry_need(folder);
	entry->folder = entry->loose = true;
}

void
disk_opened(int descriptor, const char *path, bool writes, bool created)
{
	if (!watched || descriptor >= DESCRIPTORS)
		return;
	open_entries[descriptor] = writes ? entry_need(path) : entry_find(path);
	if (created && is_vital(path))
		folder_loose(path);
}

void
disk_closed(int descriptor)
{
	if (descriptor >= 0 && descriptor < DESCRIPTORS)
		open_entries[descriptor] = NULL;
}

static struct entry *
entry_of(int descriptor)
{
	return watched && descriptor >= 0 && descriptor < DESCRIPTORS ? open_entries[descriptor] : NULL;
}

void
disk_written(int descriptor)
{
	struct entry *entry = entry_of(descriptor);
	if (entry == NULL)
		return;
	entry->loose = true;
	if (is_state(entry->path))
		faults_stage_is(FAULTS_WRITTEN);
}

void
disk_cut(int descriptor, bool well)
{
	struct entry *entry = entry_of(descriptor);
	if (entry != NULL && is_state(entry->path))
		faults_stage_is(well ? FAULTS_UNTOUCHED : FAULTS_UNCUT);
}

void
disk_synced(int descriptor, bool well)
{
	struct entry *entry = entry_of(descriptor);
	if (entry == NULL)
		return;
	if (well && (is_state(entry->path) || (entry->folder && named)))
		faults_stage_is(FAULTS_KEPT);
	if (well && entry->folder)
		named = false;
	if (well)
		entry->loose = false;
	else if (entry->loose && !entry->folder)
		entry->lost = true;
}

void
disk_renamed(const char *from, const char *to)
{
	if (!watched)
		return;
	if (is_state(to)) {
		faults_stage_is(FAULTS_NAMED);
		named = true;
	}
	struct entry *old = entry_find(to), *entry = entry_find(from);
	if (old != NULL)
		entry_drop(old);
	if (entry != NULL)
		snprintf(entry->path, sizeof(entry->path), "%s", to);
	if (is_vital(to))
		folder_loose(to);
}

void
disk_unlinked(const char *path)
{
	struct entry *entry = watched ? entry_find(path) : NULL;
	if (entry != NULL)
		entry_drop(entry);
}

void
disk_folder_made(const char *path)
{
	if (watched)
		folder_loose(path);
}

const char *
faults_disk_loose(void)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		const struct entry *entry = &entries[i];
		if ((entry->loose || entry->lost) && (entry->folder || is_vital(entry->path)))
			return entry->path;
	}
	return NULL;
}
