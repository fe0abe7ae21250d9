/* SPDX-License-Identifier: Apache-2.0 */
/* stdout and stderr of a command that runs in this process: to memory, and stdout may fail. */
#include "tests/extra_faults_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#define CAUGHT_BYTES (1u << 20)

static struct caught {
	FILE *file;
	size_t length;
	char bytes[CAUGHT_BYTES + 1], buffer[BUFSIZ];
} out, err;

static ssize_t
catch(struct caught *caught, const char *bytes, size_t length)
{
	size_t room = CAUGHT_BYTES - caught->length;
	size_t take = length < room ? length : room;
	memcpy(caught->bytes + caught->length, bytes, take);
	caught->length += take;
	return (ssize_t)length;
}

static ssize_t
write_out(void *context, const char *bytes, size_t length)
{
	(void)context;
	return faults_now(CALL_STDOUT) ? -1 : catch(&out, bytes, length);
}

static ssize_t
write_err(void *context, const char *bytes, size_t length)
{
	(void)context;
	return catch(&err, bytes, length);
}

static FILE *
open_caught(struct caught *caught, cookie_write_function_t *call, int mode)
{
	caught->file = fopencookie(NULL, "w", (cookie_io_functions_t){.write = call});
	if (caught->file == NULL || setvbuf(caught->file, caught->buffer, mode, BUFSIZ) != 0)
		abort();
	return caught->file;
}

void
faults_stdio_begin(void)
{
	stdout = open_caught(&out, write_out, _IOFBF);
	stderr = open_caught(&err, write_err, _IOLBF);
}

static const char *
take(struct caught *caught)
{
	fflush(caught->file);
	__fpurge(caught->file); /* what a failed write left */
	clearerr(caught->file);
	caught->bytes[caught->length] = '\0';
	caught->length = 0;
	return caught->bytes;
}

void
faults_stdio_take(const char **out_text, const char **err_text)
{
	*out_text = take(&out);
	*err_text = take(&err);
}
