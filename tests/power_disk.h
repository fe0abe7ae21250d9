/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that forgets: what may be found after a power loss, out of the log of a writer.
 *
 *   power_disk_new -> (power_disk_step -> (power_choice_make -> power_image_make)*)* -> power_disk_free
 *
 * The disk stands between two operations of the log. What is durable by then is kept as it is; each
 * operation that is not (`pending`) is given a fate by a choice, and an image is what the choice leaves.
 *
 * The rules. They are those of POSIX as T. S. Pillai and others read it ("All File Systems Are Not
 * Created Equal", OSDI 2014), weaker than what ext4, XFS and btrfs do, which keep all changes of names
 * in order (their journals) and most of the data:
 *
 *  L1  fsync and fdatasync make the bytes and the size of a file durable, not its name.
 *  L2  fsync of a directory makes the names in it durable, as they are by then, not what is in the files.
 *  L3  Names that are not durable: each creation, rename and removal may have happened or not, by
 *      itself, in any order. A name refers to what one of those operations gave it, or to what it was
 *      durably. A directory that has no name is lost with all that is in it.
 *  L4  A rename is atomic for its new name, which is the old file or the new one. Both names may
 *      be there (the C library's manual, "Renaming Files").
 *  L5  Bytes that are not durable: of each sector of 512 bytes, any version since the last sync, whatever
 *      becomes of other sectors. A sector is old or new, never in part: bytes of before that stand
 *      in the sector where the file went on are not harmed (SQLite's "powersafe overwrite").
 *  L6  The size may have grown without the bytes, and have grown in part: up to any sector. Room that
 *      was never written reads as zeros, or, as ext4 data=writeback may leave it, as what stood on
 *      the disk before: bytes of other files, of older journals too, at the same place.
 *  L7  The file POWER_HINT is stored to through a mapping and never synced: any value that it ever had (the
 *      recorder reads it at each operation), zeros, all ones, no bytes, or no file. Alien contents, which
 *      it never had, are tried too (a fresh block of ext4 data=writeback): see power_judge.h.
 *  L8  After a sync that failed, what it should have made durable may never become so, whatever
 *      later syncs say, unless it is written again ("fsyncgate": the kernel marks the pages clean).
 */
#ifndef TESTS_POWER_DISK_H
#define TESTS_POWER_DISK_H

#include <stdio.h>

#include "tests/power_log.h"

#define POWER_PENDING 256
#define POWER_SECTOR 512

struct power_bytes {
	uint8_t *at;
	uint64_t length, room;
};

struct power_disk {
	const struct power_log *log;
	uint32_t at;                     /* operations before this were done */
	struct power_names names;        /* durable */
	struct {
		struct power_bytes bytes;    /* durable */
		uint64_t sum;                /* of them; 0 = not known */
		uint32_t version;            /* changes with them */
	} file[POWER_FILES];
	uint32_t pending[POWER_PENDING]; /* operations that are not durable */
	bool stuck[POWER_PENDING];       /* a sync of it has failed (L8) */
	uint32_t pending_count;
	uint64_t states, generation;     /* of the last mark */
};

struct power_disk *
power_disk_new(const struct power_log *log);
void
power_disk_free(struct power_disk *disk);
/* One more operation; false at the end of the log. */
bool
power_disk_step(struct power_disk *disk);

enum power_fate {
	POWER_LOST,
	POWER_DONE,
	POWER_TORN, /* a write: some of its sectors; a rename: both names */
};

enum power_hint {
	POWER_HINT_NOW,     /* what it said */
	POWER_HINT_EARLIER, /* what it said at some time */
	POWER_HINT_ZERO,
	POWER_HINT_LARGEST,
	POWER_HINT_EMPTY,
	POWER_HINT_NONE,
	POWER_HINT_SHORT,   /* from here on alien: three bytes of it */
	POWER_HINT_NEXT,    /* the generation after the last one */
	POWER_HINT_NOISE,
	POWER_HINTS
};

enum power_size {
	POWER_SIZE_WRITTEN, /* up to the last sector that is there */
	POWER_SIZE_FULL,    /* as if all was */
	POWER_SIZE_PART,    /* up to some sector between */
};

struct power_choice {
	uint8_t fate[POWER_PENDING];
	enum power_hint hint;
	enum power_size size;
	bool stale;    /* unwritten room reads as other files, not as zeros */
	uint64_t seed; /* of what is torn, and where */
};

/* How many choices are made by plan: all, none, each alone lost or kept, each beginning, each torn. */
uint32_t
power_choice_planned(const struct power_disk *disk);
/* The number-th: by plan, and from there on by chance. */
void
power_choice_make(const struct power_disk *disk, uint32_t number, uint64_t seed,
		  struct power_choice *choice);

struct power_image_file {
	struct power_bytes own;   /* memory of the image's */
	const uint8_t *bytes;     /* what is in the file */
	uint64_t length, sum;
	bool durable;             /* nothing of it was pending */
	bool made;
};

struct power_image {
	const struct power_disk *disk;
	struct power_names names;
	struct power_image_file file[POWER_FILES];
	uint64_t sum;             /* of all names and bytes: equal images, equal sums */
};

struct power_image *
power_image_new(void);
void
power_image_free(struct power_image *image);
/* Whatever was in the image is gone. */
void
power_image_make(struct power_image *image, const struct power_disk *disk,
		 const struct power_choice *choice);
/* Write it out below `root`, an empty directory. `cache`: a directory for large files; NULL: none. */
void
power_image_write(const struct power_image *image, const char *root, const char *cache);
/* Remove all that is below. */
void
power_directory_clear(const char *root);
/* Is what is below the log's root what the log says? Else the recorder is blind; `why` says where. */
bool
power_log_true(const struct power_log *log, char why[256]);

/* For people: one operation, without a line end. */
void
power_op_print(const struct power_log *log, const struct power_op *op, FILE *out);
/* What was pending and what became of it, and the files that are left. */
void
power_image_print(const struct power_image *image, const struct power_choice *choice, FILE *out);

#endif
