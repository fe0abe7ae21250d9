/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that fail: what the program asks of files and of memory counts while
 * armed, and the n-th call (from 0) that can give the error in question gives
 * it: once, with all later calls of its name, or with all later calls that can
 * give it.
 *
 *   faults_arm -> the work -> faults_disarm
 *
 * Beside it, whether armed or not: how many blocks of memory are in use; and
 * between faults_disk_begin and faults_disk_end, what a power loss would take.
 * fsync then reaches no disk.
 *
 * All libraries that the program has see the allocator; the calls of files are
 * ours alone, what the C library calls inside itself is not seen. One thread.
 */
#ifndef TESTS_EXTRA_FAULTS_H
#define TESTS_EXTRA_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#define FAULTS_FILES 1u
#define FAULTS_MEMORY 2u

/* In the place of errno values. */
#define FAULTS_SHORT 0    /* read and write do half of what they are asked, at least a byte */
#define FAULTS_NOTHING -1 /* write does nothing and says so */

enum faults_span { FAULTS_ONCE, FAULTS_SAME, FAULTS_ALL };

typedef void faults_watch_cb(void *context);

struct faults_plan {
	unsigned what;            /* FAULTS_FILES, FAULTS_MEMORY or both */
	long at;                  /* < 0: only count */
	int error;
	enum faults_span span;
	faults_watch_cb *watch;   /* called before each call of files, unarmed; NULL */
	void *context;
};

/* What became of a store's JOURNAL (or MANIFEST), between begin and end of the disk. */
enum faults_stage {
	FAULTS_UNTOUCHED, /* or what was written has been cut away */
	FAULTS_WRITTEN,
	FAULTS_UNCUT,     /* written, and cutting it away failed */
	FAULTS_NAMED,     /* put in place of the old one, perhaps not for good */
	FAULTS_KEPT       /* written or put, and synced */
};

struct faults_report {
	const char *struck;       /* name of the call that failed first; NULL: none did */
	long calls;               /* that could give the error, until the first that did */
	long failed;
	enum faults_stage stage;  /* at the end */
	bool published;           /* was it beyond the first stage before the last failure? */
};

void
faults_arm(const struct faults_plan *plan);
struct faults_report
faults_disarm(void);

/* Blocks that malloc and its like gave and free did not take; 0 always under ASan. */
long
faults_blocks(void);
/* Those of libJudy, not among them: it loses some when memory fails in the middle of an insertion. */
long
faults_blocks_judy(void);

/*
 * Files of a store that were written to, and names given in its folder, count as
 * loose until fsync. What was written before an fsync that failed stays loose for
 * ever: the kernel may have thrown it away.
 */
void
faults_disk_begin(void);
void
faults_disk_end(void);
/* One that is loose, of those that a store needs: not LOCK, GENERATION, temporaries. NULL: none. */
const char *
faults_disk_loose(void);

/*
 * From now on stdout and stderr go to memory; writes to stdout are calls of files like others.
 * Take gives what was written since the last take, NUL-terminated, until the next write.
 */
void
faults_stdio_begin(void);
void
faults_stdio_take(const char **out, const char **err);

#endif
