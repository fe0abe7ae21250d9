/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder of power losses: it stands between the engine and libc and writes down what is done to
 * the files below one directory, call by call. Linked to the campaign alone.
 *
 *   power_log_start -> power_record(log) -> (the engine runs; power_mark) -> power_record(NULL)
 *
 * While a log is recorded
 *   - fsync and its like are written down and not done: these files need not survive us;
 *   - getpid always says the same: after a reboot the same process id may come again;
 *   - getrandom follows from the log's seed;
 *   - the process exits before operation `kill_at`; operation `fail_at`, if it is a sync, says EIO.
 *
 * What it does not see, it cannot judge: a writable mapping of anything but the hint, and calls that
 * are not among those below, set `blind`; power_see_all compares the files with the log at the end.
 *
 * Mistakes are the recorder's. It writes down what a writer would have done that forgets, swaps or
 * misdirects a step; the engine and the real files do not notice. One thread records.
 */
#ifndef TESTS_EXTRA_POWERLOSS_H
#define TESTS_EXTRA_POWERLOSS_H

#include "tests/power_log.h"

#define POWER_KILLED 86 /* exit status of a process that came to kill_at */
#define POWER_PID 4242  /* what getpid says */

enum power_mistake {
	POWER_NO_MISTAKE,
	POWER_NO_STATE_SYNC,        /* a new journal is renamed, and never synced */
	POWER_NO_APPEND_SYNC,       /* a record is acknowledged without fdatasync */
	POWER_NO_SEGMENT_SYNC,      /* a large layer is renamed, and never synced */
	POWER_NO_NAME_SYNC,         /* no fsync of the store's directory */
	POWER_NO_SEGMENT_NAME_SYNC, /* none after a segment got its name */
	POWER_NO_PARENT_SYNC,       /* none of the directory above after mkdir */
	POWER_RENAME_FIRST,         /* rename, and only then fsync of what was renamed */
	POWER_IN_PLACE,             /* the new journal is written over the old one */
	POWER_UNLINK_EARLY,         /* segments go before the record that does not name them */
	POWER_EARLY_ACK,            /* acknowledged, then synced */
	POWER_SYNC_TOO_SOON,        /* sync, then write */
	POWER_WRONG_FILE,           /* sync of another file */
	POWER_SHORT_WRITE,          /* half of a write done, and nobody asks */
	POWER_TAIL_OVERWRITTEN,     /* a record is written where the last one was, not behind it */
	POWER_MISTAKES
};
/* "no-state-sync" */
const char *
power_mistake_name(enum power_mistake mistake);

/* Record into this log from now on; NULL: stop. Returns the log that was recorded before. */
struct power_log *
power_record(struct power_log *log);

/*
 * A store that is found from here on must be in one of `states` (bits; what they mean is the
 * caller's). `generation`: of the last acknowledged transaction. `done`: a transaction was acknowledged.
 */
void
power_mark(uint64_t states, uint64_t generation, bool done);

#endif
