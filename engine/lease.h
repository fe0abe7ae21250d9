/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A read lease on an open file (fcntl(2), F_SETLEASE): while we have it, whoever opens the file
 * for writing or truncates it is held by the kernel until we give the lease back, or until
 * /proc/sys/fs/lease-break-time (45 s) has passed. Renaming and removing are not held, and need
 * not be: the file lives on as long as it is open or mapped.
 *
 * No signal tells us (that would be the application's business): ask lease_held now and then. Once it is
 * false it stays false; the file is unchanged if lease_take came before anybody opened it for
 * writing and not more than that time has passed since.
 *
 * There are leases on most local file systems, for the file's owner and for CAP_LEASE. The lease
 * goes with the last descriptor of the open file, with the process, and before an exec
 * (descriptors are close-on-exec). A child of a fork has a share in it.
 */
#ifndef ENGINE_LEASE_H
#define ENGINE_LEASE_H

#include <stdbool.h>

enum lease {
	LEASE_TAKEN,
	LEASE_BUSY, /* somebody has the file open for writing, or waits to open it */
	LEASE_NONE  /* not for us, or not on this file system */
};

/* `descriptor` is open for reading only. */
enum lease
lease_take(int descriptor);
/* One system call, about 0.2 microseconds. */
bool
lease_held(int descriptor);
void
lease_give(int descriptor);

#endif
