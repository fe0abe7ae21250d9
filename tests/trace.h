/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands under ptrace: their system calls that touch files, names or locks are numbered, and
 * the process is killed (SIGKILL, which nothing can catch) before one of them, after it, or
 * when only its first bytes are done.
 *
 *   trace_works -> (trace_command)*
 *
 * A call counts if it opens something to write, a directory or what is below the store, changes a
 * name anywhere, or has a descriptor that such a call gave; and every write to standard output.
 * Reads do not count, nor do stores to a mapped file (GENERATION), which no tracer sees: they fall
 * between the calls around them, so "after" the one and "before" the other have them undone and
 * done.
 *
 * x86-64 Linux only: elsewhere trace_works is false. One thread; what is run must not make
 * another.
 */
#ifndef TESTS_TRACE_H
#define TESTS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TRACE_BEFORE (-1L) /* parts of a call; from 0: so many bytes are done */
#define TRACE_AFTER (-2L)
#define TRACE_WHERE_BYTES 56
#define TRACE_SECONDS 60 /* a command that takes longer hangs, and is killed */

struct trace_call {
	const char *name;
	bool changes;    /* files, names, locks or what was printed: worth a kill after it */
	uint64_t bytes;  /* to be written: may be done by parts; 0: may not */
	long result;     /* -errno if it failed */
	char where[TRACE_WHERE_BYTES];
};

struct trace_log {
	struct trace_call *calls;
	size_t count, capacity;
};
void
trace_log_fini(struct trace_log *log);

enum trace_end {
	TRACE_ENDED,   /* by itself: status */
	TRACE_KILLED,  /* where it was to be */
	TRACE_SIGNAL,  /* by a signal of its own: status is its number */
	TRACE_HUNG,    /* killed after TRACE_SECONDS */
	TRACE_LOST     /* it made a process or thread, which is not followed */
};

struct trace_command {
	char *const *argv;      /* argv[0]: an absolute path */
	const char *directory;  /* where it runs; paths below `store` are the store's */
	const char *store;      /* as the command is told */
	int out, err;           /* what it prints goes there */
	bool trace;             /* false: it runs freely */
	long call, part;        /* where to kill; call < 0: nowhere */
	void (*on_pause)(void *context); /* NULL, or called once, before call number `pause` */
	long pause;
	void *context;
	struct trace_log *log;  /* NULL: not wanted; filled up to the kill */
	int status;             /* out */
	double cpu_seconds, seconds; /* out */
};

/* Does this machine let us? `program` is any that ends well without arguments. */
bool
trace_works(const char *program);
enum trace_end
trace_command(struct trace_command *command);
/* Wait for a child that runs freely; killed after TRACE_SECONDS. Fills status and the times. */
enum trace_end
trace_wait(pid_t child, struct trace_command *command);

#endif
