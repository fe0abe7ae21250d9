/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of extra_faults: which call is asked, and what the disk holds. */
#ifndef TESTS_EXTRA_FAULTS_STATE_H
#define TESTS_EXTRA_FAULTS_STATE_H

#include <sys/types.h>

#include "tests/extra_faults.h"

enum faults_call {
	CALL_OPEN, CALL_CREATE, CALL_FOLDER, CALL_NAME, CALL_READ, CALL_PREAD, CALL_WRITE,
	CALL_PWRITE, CALL_CLOSE, CALL_FSYNC, CALL_FDATASYNC, CALL_RANGE, CALL_RENAME, CALL_LINK, CALL_UNLINK,
	CALL_MKDIR, CALL_FLOCK, CALL_STAT, CALL_FSTAT, CALL_MMAP, CALL_DUP, CALL_TRUNCATE,
	CALL_ALLOCATE, CALL_RANDOM, CALL_STDOUT, CALL_MALLOC, CALL_CALLOC, CALL_REALLOC,
	CALL_ALIGNED, CALLS
};

/* Is it this call's turn? Then errno is set. */
bool
faults_now(enum faults_call call);
/* The same for calls that count bytes: false, or true and the result; may shorten *length. */
bool
faults_now_counted(enum faults_call call, size_t *length, ssize_t *result);
/* Of the store's journal. */
void
faults_stage_is(enum faults_stage stage);

/* What the disk is told; without effect unless begun. */
void
disk_opened(int descriptor, const char *path, bool writes, bool created);
void
disk_closed(int descriptor);
void
disk_written(int descriptor);
void
disk_synced(int descriptor, bool well);
void
disk_cut(int descriptor, bool well);
void
disk_renamed(const char *from, const char *to);
void
disk_unlinked(const char *path);
void
disk_folder_made(const char *path);
bool
disk_is_watched(void);

#endif
