/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only door to the operating system's files.
 *
 * Reading maps whole files, or reads parts. Writing goes to a temporary file that either is
 * committed (flush, fsync, rename, fsync of the directory) or vanishes; there
 * is no way to write over what was published. Two files live on: the
 * store's journal, which is appended to, and its generation counter, eight bytes that only
 * hint (store.h).
 *
 *   file_out_open -> file_out_write* -> file_out_commit | file_out_abort
 *
 * After a failed write or fsync the temporary file is thrown away, never
 * retried. Output is written in 2 MiB calls at 2 MiB offsets, so that file
 * systems with large folios can map it with huge pages.
 */
#ifndef ENGINE_FILE_H
#define ENGINE_FILE_H

#include <stdbool.h>

#include "engine/guard.h"
#include "engine/status.h"

#define FILE_PATH_BYTES 4096
#define FILE_HUGE_BYTES (2u * 1024 * 1024)
#define FILE_SETTLE_BYTES (8u * FILE_HUGE_BYTES) /* at most twice as much of an output waits in memory for the disk */

struct file_map {
	const uint8_t *bytes;
	size_t length;
	struct guard *guard; /* marked if the file was cut under us (engine/guard.h) */
};

/*
 * Map a regular file read-only. An empty file gives length 0. STATUS_MISSING if there is none. The
 * range is guarded; a program that wants the guard to act calls guard_install.
 */
enum status
file_map_open(const char *path, struct file_map *map, struct fault *fault);
void
file_map_close(struct file_map *map);

/* A file read by parts, never mapped: nobody who changes it can harm us by more than wrong bytes. */
struct file_in {
	int descriptor;
	uint64_t length; /* when it was opened */
};
enum status
file_in_open(const char *path, struct file_in *in, struct fault *fault);
/* Exactly `length` bytes; what is past the end is STATUS_CORRUPT. */
enum status
file_in_read(const struct file_in *in, uint64_t offset, void *bytes, size_t length,
	     struct fault *fault);
/* Map its first `length` bytes, guarded as above. */
enum status
file_in_map(const struct file_in *in, uint64_t length, struct file_map *map, struct fault *fault);
void
file_in_close(struct file_in *in);

/*
 * What tells that somebody touched a file: which one it is, its length, when its bytes were written
 * last, and when anything of it was (nanoseconds; the last one cannot be set by anybody).
 */
struct file_stamp {
	uint64_t inode, length, written, changed;
};
enum status
file_in_stamp(const struct file_in *in, struct file_stamp *stamp, struct fault *fault);
/* All zero if it cannot be told. */
void
file_stamp_of(const char *path, struct file_stamp *stamp);
bool
file_stamp_same(const struct file_stamp *a, const struct file_stamp *b);
/* In one word, for disk; never 0. */
uint64_t
file_stamp_sum(const struct file_stamp *stamp);

/* A file that is appended to, from the `end` bytes that it is known to have; corrupt if it has not. */
struct file_tail {
	int descriptor;
	uint64_t end;
};
enum status
file_tail_open(const char *path, uint64_t end, struct file_tail *tail, struct fault *fault);
/* Durable when it returns. On failure some or all of the bytes may be there, and may be gone later. */
enum status
file_tail_append(const struct file_tail *tail, const void *bytes, size_t length,
		 struct fault *fault);
/* Take away what was appended, as far as that can be done. */
void
file_tail_cut(const struct file_tail *tail);
void
file_tail_close(struct file_tail *tail);

struct file_out;

/* A temporary beside `path`; `path` must be in an existing directory. */
enum status
file_out_open(const char *path, struct file_out **out, struct fault *fault);
enum status
file_out_write(struct file_out *out, const void *bytes, size_t length, struct fault *fault);
uint64_t
file_out_offset(const struct file_out *out);
/*
 * All that was written, if it is still in memory: less than FILE_HUGE_BYTES, and then there is no
 * temporary file yet either. Borrowed until commit or abort. False: it is in the file.
 */
bool
file_out_held(const struct file_out *out, const uint8_t **bytes, size_t *length);
/* Make what was written so far durable under the temporary's name: the last bytes, before a commit later. */
enum status
file_out_sync(struct file_out *out, struct fault *fault);
/* Another name for the commit, in the same directory. limit: too long. */
enum status
file_out_name(struct file_out *out, const char *path, struct fault *fault);
/* Make it durable under its name; frees `out` whatever the outcome. */
enum status
file_out_commit(struct file_out *out, struct fault *fault);
/* Remove the temporary; frees. NULL is fine. */
void
file_out_abort(struct file_out *out);

/* fsync the directory that holds `path`, so that what was renamed in it is durable. */
enum status
file_sync_directory_of(const char *path, struct fault *fault);

/* mkdir -p with mode 0755; what is made is durable. */
enum status
file_make_directory(const char *path, struct fault *fault);
/* fsync every directory above `path`: whoever made one of them may have died before it was durable. */
enum status
file_sync_above(const char *path, struct fault *fault);
enum status
file_remove(const char *path, struct fault *fault);
/* Another name for the same file, in place of what has that name. */
enum status
file_keep(const char *path, const char *name, struct fault *fault);
/* False only if the system says that there is none: what cannot be told exists, and fails later. */
bool
file_exists(const char *path);

typedef enum status file_name_cb(void *context, const char *name, struct fault *fault);
/* When the file's bytes were last written, by the clock of its file system; false if not known. */
bool
file_written(const char *path, uint64_t *seconds);

/* Calls for each name in the directory but . and .. */
enum status
file_each_name(const char *path, file_name_cb *call, void *context, struct fault *fault);

/*
 * An exclusive advisory lock on `path` (created); it dies with the process.
 * STATUS_BUSY at once if another process holds it, unless `wait`; a signal
 * that the program takes (without SA_RESTART) ends the wait: stopped.
 */
struct file_lock {
	int descriptor;
};
enum status
file_lock_take(const char *path, bool wait, struct file_lock *lock, struct fault *fault);
void
file_lock_drop(struct file_lock *lock);

/* A shared counter: eight bytes of a mapped file, guarded. See store.h for its meaning. */
struct file_counter {
	uint64_t *value; /* load with __atomic_load_n */
	struct guard *guard;
};
/* To read: missing if there is none or it is too short. To write: it is made. */
enum status
file_counter_open(const char *path, bool write, struct file_counter *counter, struct fault *fault);
void
file_counter_close(struct file_counter *counter);
/* Its value without a map; false if it cannot be read. */
bool
file_counter_read(const char *path, uint64_t *value);

/* 16 random bytes from the system. */
enum status
file_random(uint64_t words[2], struct fault *fault);

/* Private to file*.c: broken off by a signal, and to be made again? Signals without end are an error. */
bool
file_interrupted(unsigned *times);

#endif
