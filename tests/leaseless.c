/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/leaseless.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

bool leaseless;

/* <fcntl.h> gives the call another name where files have 64-bit offsets and words 32. */
#if defined(__USE_FILE_OFFSET64) && !defined(__LP64__)
#define BELOW "fcntl64"
#else
#define BELOW "fcntl"
#endif

int
fcntl(int descriptor, int command, ...)
{
	int (*call)(int, int, ...) = dlsym(RTLD_NEXT, BELOW);
	va_list arguments;
	va_start(arguments, command);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	if (call == NULL)
		abort();
	if (leaseless && command == F_SETLEASE) {
		errno = EACCES;
		return -1;
	}
	return call(descriptor, command, argument);
}

bool
leases_here(const char *path)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	bool taken = fcntl(descriptor, F_SETSIG, SIGURG) == 0 &&
		     fcntl(descriptor, F_SETLEASE, F_RDLCK) == 0;
	close(descriptor);
	return taken;
}
