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
enum lease
lease_take(int descriptor)
{
	int saved = errno;
	enum lease lease = LEASE_NONE;
	if (fcntl(descriptor, F_SETSIG, SIGURG) != 0 ||
	    fcntl(descriptor, F_SETLEASE, F_RDLCK) != 0)
		lease = errno == EAGAIN ? LEASE_BUSY : LEASE_NONE;
	else if (fcntl(descriptor, F_SETOWN, 0) != 0)
		lease_give(descriptor);
	else
		lease = LEASE_TAKEN;
	errno = saved;
	return lease;
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
