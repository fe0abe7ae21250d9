/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a writer did to the files below one directory, operation by operation: written by the
 * recorder (extra_powerloss.h), read by the disk that forgets (power_disk.h).
 *
 * It lies in shared memory, so that what a child did is there after it died.
 */
#ifndef TESTS_POWER_LOG_H
#define TESTS_POWER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POWER_OPS 8192
#define POWER_FILES 1024
#define POWER_NAMES 96          /* at one time */
#define POWER_NAME_BYTES 48
#define POWER_PATH_BYTES 512
#define POWER_HINT "GENERATION" /* the store's mapped hint: any bytes may be in it */

enum power_kind {
	POWER_MAKE,           /* a file gets its first name */
	POWER_MAKE_DIRECTORY,
	POWER_RENAME,
	POWER_UNLINK,
	POWER_WRITE,
	POWER_SIZE,           /* ftruncate, or open with O_TRUNC */
	POWER_SYNC,           /* fsync or fdatasync of a file */
	POWER_SYNC_DIRECTORY,
	POWER_SYNC_FAILED,    /* fsync or fdatasync said EIO */
	POWER_MARK,           /* says which states may be found from here on */
};

struct power_op {
	enum power_kind kind;
	uint32_t file;        /* by number */
	uint32_t directory;   /* of the names; the one that is synced */
	char name[POWER_NAME_BYTES], to[POWER_NAME_BYTES];
	uint64_t offset;      /* of a write */
	uint64_t length;      /* of a write; the new size */
	uint64_t bytes;       /* of a write: where in `room` */
	uint64_t states, generation; /* of a mark */
	uint64_t hint;        /* what POWER_HINT said just after it */
};

/* A file or directory, whatever its names. Number 0 is the directory that is recorded. */
struct power_file {
	bool directory;
	char name[POWER_NAME_BYTES]; /* its first one */
	uint64_t bytes, length;      /* what was in it at the start: where in `room` */
};

struct power_name {
	uint32_t directory, file;
	char name[POWER_NAME_BYTES];
};

struct power_names {
	uint32_t count;
	struct power_name row[POWER_NAMES];
};

struct power_log {
	char root[POWER_PATH_BYTES]; /* of all paths; no slash at the end */
	size_t root_length;
	int mistake;                 /* enum power_mistake of extra_powerloss.h */
	long kill_at;                /* operations before this are done; < 0: all */
	long fail_at;                /* this one, if it is a sync, fails; < 0: none */
	uint64_t hint;               /* read last */
	char hint_path[POWER_PATH_BYTES];
	uint64_t random;
	const char *blind;           /* a call that the recorder does not understand; NULL */
	struct power_names base, live; /* at the start, and by now */
	uint32_t op_count, file_count;
	struct power_op op[POWER_OPS];
	struct power_file file[POWER_FILES];
	struct {                     /* private to mistakes */
		uint32_t file;       /* that was not synced in time */
		bool held;
		struct power_op op;  /* that was not written in time */
		uint64_t tail;       /* where the last record was written */
		uint32_t alias[POWER_FILES];
	} late;
	size_t used, size;
	uint8_t *room;
};

/* `bytes`: room for all that is written. */
struct power_log *
power_log_new(size_t bytes);
void
power_log_free(struct power_log *log);

/* Begin with the files that are below `root` now: they are durable, all of them. */
void
power_log_start(struct power_log *log, const char *root, uint64_t seed);
/* What is written from now on is appended; nothing of it is recorded before extra_powerloss.h says so. */
void
power_log_append(struct power_log *log, const struct power_op *op);
uint32_t
power_log_file(struct power_log *log, const char *name, bool directory);
/* Where the copy is. */
uint64_t
power_log_bytes(struct power_log *log, const void *bytes, size_t length);

/* The row of this name, or NULL. */
struct power_name *
power_names_find(struct power_names *names, uint32_t directory, const char *name);
/* New, or in the place of what has the name. */
void
power_names_put(struct power_names *names, uint32_t directory, const char *name, uint32_t file);
/* Nothing happens if there is none. */
void
power_names_drop(struct power_names *names, uint32_t directory, const char *name);
/* An operation on names, done. Others do nothing. */
void
power_names_apply(struct power_names *names, const struct power_op *op);

/* A campaign that cannot go on: prints and ends the program. */
void
power_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
