/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

/*
 * Whoever breaks a lease makes the kernel signal its owner, with SIGIO, which kills who does not
 * know it. The owner is set with the lease, so only after that can it be nobody; until then the
 * signal is one that is ignored unless asked for.
 */
bool
lease_take(int descriptor)
{
	int saved = errno;
	bool taken = fcntl(descriptor, F_SETSIG, SIGURG) == 0 &&
		     fcntl(descriptor, F_SETLEASE, F_RDLCK) == 0;
	if (taken && fcntl(descriptor, F_SETOWN, 0) != 0) {
		lease_give(descriptor);
		taken = false;
	}
	errno = saved;
	return taken;
}

bool
lease_held(int descriptor)
{
	return fcntl(descriptor, F_GETLEASE) == F_RDLCK;
}

void
lease_give(int descriptor)
{
	int saved = errno;
	(void)fcntl(descriptor, F_SETLEASE, F_UNLCK);
	errno = saved;
}
