/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void
trace_log_fini(struct trace_log *log)
{
	free(log->calls);
	memset(log, 0, sizeof(*log));
}

/* --- children and their time ------------------------------------------------------------- */

static double
now_seconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double
cpu_seconds(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static void
on_alarm(int number)
{
	(void)number;
}

/* An alarm a second from the limit on: waiting ends with EINTR. */
static void
alarm_set(int seconds)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval timer = {.it_value = {.tv_sec = seconds}, .it_interval = {.tv_sec = seconds != 0}};
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* waitpid; false if the child was killed for hanging. */
static bool
wait_child(pid_t child, int *status, struct rusage *usage)
{
	bool hung = false;
	while (wait4(child, status, __WALL, usage) != child) {
		if (errno != EINTR) {
			perror("trace: wait4");
			abort();
		}
		hung = true;
		kill(child, SIGKILL);
	}
	return !hung;
}

static enum trace_end
ended(int status, bool hung, struct trace_command *command)
{
	if (WIFEXITED(status)) {
		command->status = WEXITSTATUS(status);
		return TRACE_ENDED;
	}
	command->status = WTERMSIG(status);
	return hung ? TRACE_HUNG : TRACE_SIGNAL;
}

enum trace_end
trace_wait(pid_t child, struct trace_command *command)
{
	struct rusage usage;
	int status;
	double start = now_seconds();
	alarm_set(TRACE_SECONDS);
	bool in_time = wait_child(child, &status, &usage);
	alarm_set(0);
	command->seconds = now_seconds() - start;
	command->cpu_seconds = cpu_seconds(&usage);
	return ended(status, !in_time, command);
}

/* In the child of a vfork: nothing but calls. */
static bool
child_prepare(const struct trace_command *command)
{
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	return chdir(command->directory) == 0 && dup2(command->out, 1) == 1 &&
	       dup2(command->err, 2) == 2;
}

static enum trace_end
run_freely(struct trace_command *command)
{
	pid_t child = vfork();
	if (child == 0) {
		if (child_prepare(command))
			execv(command->argv[0], command->argv);
		_exit(127);
	}
	if (child < 0) {
		perror("trace: vfork");
		abort();
	}
	return trace_wait(child, command);
}

#if defined(__x86_64__) && defined(__linux__) && !defined(__ILP32__)

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#define DESCRIPTORS 256
#define VECTORS 64

/* --- which calls ------------------------------------------------------------------------- */

enum what {
	OPEN,        /* gives a descriptor of a path */
	COPY,        /* gives another of a descriptor */
	DESCRIPTOR,  /* counts if its descriptor does */
	NAME         /* changes a name: counts always */
};

/* Arguments are numbered from 0; -1: there is none. */
struct row {
	int number;
	const char *name;
	enum what what;
	int argument;   /* the descriptor or the path */
	int at;         /* the directory of a path */
	int length;     /* of what is written */
	int vectors;    /* or their number, their place before it */
	bool changes;
};

static const struct row rows[] = {
	{SYS_open, "open", OPEN, 0, -1, -1, -1, false},
	{SYS_openat, "openat", OPEN, 1, 0, -1, -1, false},
	{SYS_openat2, "openat2", OPEN, 1, 0, -1, -1, false},
	{SYS_creat, "creat", OPEN, 0, -1, -1, -1, false},
	{SYS_dup, "dup", COPY, 0, -1, -1, -1, false},
	{SYS_dup2, "dup2", COPY, 0, -1, -1, -1, false},
	{SYS_dup3, "dup3", COPY, 0, -1, -1, -1, false},
	{SYS_write, "write", DESCRIPTOR, 0, -1, 2, -1, true},
	{SYS_pwrite64, "pwrite64", DESCRIPTOR, 0, -1, 2, -1, true},
	{SYS_writev, "writev", DESCRIPTOR, 0, -1, -1, 2, true},
	{SYS_pwritev, "pwritev", DESCRIPTOR, 0, -1, -1, 2, true},
	{SYS_pwritev2, "pwritev2", DESCRIPTOR, 0, -1, -1, 2, true},
	{SYS_copy_file_range, "copy_file_range", DESCRIPTOR, 2, -1, 4, -1, true},
	{SYS_sendfile, "sendfile", DESCRIPTOR, 0, -1, 3, -1, true},
	{SYS_splice, "splice", DESCRIPTOR, 2, -1, 4, -1, true},
	{SYS_fallocate, "fallocate", DESCRIPTOR, 0, -1, 3, -1, true},
	{SYS_ftruncate, "ftruncate", DESCRIPTOR, 0, -1, -1, -1, true},
	{SYS_fsync, "fsync", DESCRIPTOR, 0, -1, -1, -1, true},
	{SYS_fdatasync, "fdatasync", DESCRIPTOR, 0, -1, -1, -1, true},
	{SYS_sync_file_range, "sync_file_range", DESCRIPTOR, 0, -1, -1, -1, true},
	{SYS_syncfs, "syncfs", DESCRIPTOR, 0, -1, -1, -1, true},
	{SYS_flock, "flock", DESCRIPTOR, 0, -1, -1, -1, true},
	{SYS_fcntl, "fcntl", DESCRIPTOR, 0, -1, -1, -1, true},
	{SYS_ioctl, "ioctl", DESCRIPTOR, 0, -1, -1, -1, true},
	{SYS_fchmod, "fchmod", DESCRIPTOR, 0, -1, -1, -1, true},
	{SYS_mmap, "mmap", DESCRIPTOR, 4, -1, -1, -1, false},
	{SYS_close, "close", DESCRIPTOR, 0, -1, -1, -1, false},
	{SYS_sync, "sync", NAME, -1, -1, -1, -1, true},
	{SYS_msync, "msync", NAME, -1, -1, -1, -1, true},
	{SYS_truncate, "truncate", NAME, 0, -1, -1, -1, true},
	{SYS_rename, "rename", NAME, 1, -1, -1, -1, true},
	{SYS_renameat, "renameat", NAME, 3, -1, -1, -1, true},
	{SYS_renameat2, "renameat2", NAME, 3, -1, -1, -1, true},
	{SYS_link, "link", NAME, 1, -1, -1, -1, true},
	{SYS_linkat, "linkat", NAME, 3, -1, -1, -1, true},
	{SYS_symlink, "symlink", NAME, 1, -1, -1, -1, true},
	{SYS_symlinkat, "symlinkat", NAME, 2, -1, -1, -1, true},
	{SYS_unlink, "unlink", NAME, 0, -1, -1, -1, true},
	{SYS_unlinkat, "unlinkat", NAME, 1, -1, -1, -1, true},
	{SYS_rmdir, "rmdir", NAME, 0, -1, -1, -1, true},
	{SYS_mkdir, "mkdir", NAME, 0, -1, -1, -1, true},
	{SYS_mkdirat, "mkdirat", NAME, 1, -1, -1, -1, true},
	{SYS_mknod, "mknod", NAME, 0, -1, -1, -1, true},
	{SYS_chmod, "chmod", NAME, 0, -1, -1, -1, true},
	{SYS_fchmodat, "fchmodat", NAME, 1, -1, -1, -1, true},
	{SYS_exit_group, "exit_group", NAME, -1, -1, -1, -1, false},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* What the filter does not let pass stops here; of mmap only what shares memory. */
#define FILTER_STATEMENTS (ROWS * 2 + 16)

static struct sock_filter
statement(unsigned code, uint32_t operand, size_t yes, size_t no)
{
	return (struct sock_filter){(uint16_t)code, (uint8_t)yes, (uint8_t)no, operand};
}

static struct sock_fprog
filter_program(void)
{
	static struct sock_filter filter[FILTER_STATEMENTS];
	uint32_t load = BPF_LD | BPF_W | BPF_ABS, equal = BPF_JMP | BPF_JEQ | BPF_K;
	size_t n = 0;
	filter[n++] = statement(load, offsetof(struct seccomp_data, arch), 0, 0);
	filter[n++] = statement(equal, AUDIT_ARCH_X86_64, 1, 0);
	filter[n++] = statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	filter[n++] = statement(load, offsetof(struct seccomp_data, nr), 0, 0);
	filter[n++] = statement(equal, SYS_mmap, 0, 4);
	filter[n++] = statement(load, offsetof(struct seccomp_data, args[3]), 0, 0);
	filter[n++] = statement(BPF_JMP | BPF_JSET | BPF_K, MAP_SHARED, 1, 0);
	filter[n++] = statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	filter[n++] = statement(BPF_RET | BPF_K, SECCOMP_RET_TRACE, 0, 0);
	for (size_t i = 0; i < ROWS; i++) {
		filter[n++] = statement(equal, (uint32_t)rows[i].number, 0, 1);
		filter[n++] = statement(BPF_RET | BPF_K, SECCOMP_RET_TRACE, 0, 0);
	}
	filter[n++] = statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	return (struct sock_fprog){(unsigned short)n, filter};
}

/* --- one command ------------------------------------------------------------------------- */

struct tracer {
	struct trace_command *command;
	pid_t child;
	long number;                  /* of the next call that counts */
	const struct row *row;        /* whose end is waited for */
	struct trace_call call;       /* likewise */
	bool kill_at_end;
	bool known[DESCRIPTORS];
	char names[DESCRIPTORS][TRACE_WHERE_BYTES];
};

static unsigned long long *
argument(struct user_regs_struct *regs, int index)
{
	unsigned long long *const arguments[] = {&regs->rdi, &regs->rsi, &regs->rdx,
						 &regs->r10, &regs->r8,  &regs->r9};
	return arguments[index];
}

static bool
is_known(const struct tracer *tracer, long descriptor)
{
	return descriptor >= 0 && descriptor < DESCRIPTORS && tracer->known[descriptor];
}

static void
read_text(const struct tracer *tracer, unsigned long long from, char *text, size_t size)
{
	size_t have = 0;
	while (have < size - 1) {
		/* by pages: what follows the text may not be mapped */
		size_t take = 4096 - (from + have) % 4096;
		if (take > size - 1 - have)
			take = size - 1 - have;
		struct iovec local = {text + have, take};
		struct iovec remote = {(void *)(uintptr_t)(from + have), take};
		ssize_t got = process_vm_readv(tracer->child, &local, 1, &remote, 1, 0);
		if (got <= 0)
			break;
		if (memchr(text + have, '\0', (size_t)got) != NULL)
			return;
		have += (size_t)got;
	}
	text[have] = '\0';
}

/* The end of a path says most. */
static void
shorten(const char *path, char *where)
{
	size_t length = strlen(path);
	size_t most = TRACE_WHERE_BYTES - 1;
	size_t skip = length > most ? length - most : 0;
	memcpy(where, path + skip, length - skip + 1);
}

static bool
in_store(const struct tracer *tracer, const char *path)
{
	size_t length = strlen(tracer->command->store);
	return strncmp(path, tracer->command->store, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/');
}

static bool
open_counts(struct tracer *tracer, const struct row *row, struct user_regs_struct *regs)
{
	char path[4096];
	unsigned flags = O_RDONLY;
	read_text(tracer, *argument(regs, row->argument), path, sizeof(path));
	shorten(path, tracer->call.where);
	if (row->number == SYS_creat)
		flags = O_CREAT | O_WRONLY | O_TRUNC;
	else if (row->number == SYS_openat2)
		flags = O_RDWR | O_CREAT; /* not read: taken for the worst */
	else
		flags = (unsigned)*argument(regs, row->argument + 1);
	tracer->call.changes = (flags & (O_CREAT | O_TRUNC)) != 0;
	bool at = row->at >= 0 && path[0] != '/' && is_known(tracer, (int)*argument(regs, row->at));
	return in_store(tracer, path) || at ||
	       (flags & (O_ACCMODE | O_CREAT | O_TRUNC | O_DIRECTORY)) != 0;
}

static uint64_t
vector_bytes(const struct tracer *tracer, struct user_regs_struct *regs, struct iovec *vectors,
	     size_t *count)
{
	uint64_t bytes = 0;
	*count = regs->rdx > VECTORS ? VECTORS : regs->rdx;
	struct iovec local = {vectors, *count * sizeof(*vectors)};
	struct iovec remote = {(void *)(uintptr_t)regs->rsi, local.iov_len};
	if (process_vm_readv(tracer->child, &local, 1, &remote, 1, 0) != (ssize_t)local.iov_len)
		*count = 0;
	for (size_t i = 0; i < *count; i++)
		bytes += vectors[i].iov_len;
	return bytes;
}

/* A lease is nothing that anybody else sees, but who wants to write into what was published. */
static bool
changes_lock(int command)
{
	return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
	       command == F_OFD_SETLKW;
}

/* Does the call that begins count? Fills tracer->call if so. */
static bool
counts(struct tracer *tracer, const struct row *row, struct user_regs_struct *regs)
{
	struct iovec vectors[VECTORS];
	size_t count;
	memset(&tracer->call, 0, sizeof(tracer->call));
	tracer->call.name = row->name;
	tracer->call.changes = row->changes;
	if (row->what == OPEN)
		return open_counts(tracer, row, regs);
	if (row->what == NAME) {
		char path[4096] = "";
		if (row->argument >= 0)
			read_text(tracer, *argument(regs, row->argument), path, sizeof(path));
		shorten(path, tracer->call.where);
		return true;
	}
	long descriptor = (int)*argument(regs, row->argument);
	bool prints = descriptor == STDOUT_FILENO && (row->length >= 0 || row->vectors >= 0);
	if (!is_known(tracer, descriptor) && !prints)
		return false;
	if (row->number == SYS_fcntl)
		tracer->call.changes = changes_lock((int)*argument(regs, 1));
	shorten(is_known(tracer, descriptor) ? tracer->names[descriptor] : "stdout", tracer->call.where);
	if (row->length >= 0)
		tracer->call.bytes = *argument(regs, row->length);
	if (row->vectors >= 0)
		tracer->call.bytes = vector_bytes(tracer, regs, vectors, &count);
	return true;
}

/* The call that stops here is to do `bytes` only. */
static void
cut(const struct tracer *tracer, const struct row *row, struct user_regs_struct *regs,
    uint64_t bytes)
{
	struct iovec vectors[VECTORS];
	size_t count;
	if (row->length >= 0) {
		*argument(regs, row->length) = bytes;
		ptrace(PTRACE_SETREGS, tracer->child, NULL, regs);
		return;
	}
	vector_bytes(tracer, regs, vectors, &count);
	for (size_t i = 0; i < count; i++) {
		if (vectors[i].iov_len > bytes)
			vectors[i].iov_len = bytes;
		bytes -= vectors[i].iov_len;
	}
	struct iovec local = {vectors, count * sizeof(*vectors)};
	struct iovec remote = {(void *)(uintptr_t)regs->rsi, local.iov_len};
	if (process_vm_writev(tracer->child, &local, 1, &remote, 1, 0) != (ssize_t)local.iov_len)
		abort();
}

static void
log_add(struct trace_log *log, const struct trace_call *call)
{
	if (log->count == log->capacity) {
		log->capacity = log->capacity == 0 ? 64 : log->capacity * 2;
		log->calls = realloc(log->calls, log->capacity * sizeof(*log->calls));
		if (log->calls == NULL)
			abort();
	}
	log->calls[log->count++] = *call;
}

/* A call that counts has come to its end. */
static void
note_end(struct tracer *tracer, struct user_regs_struct *regs)
{
	long result = (long)regs->rax;
	bool copies = tracer->row->number == SYS_fcntl &&
		      (regs->rsi == F_DUPFD || regs->rsi == F_DUPFD_CLOEXEC);
	bool gives = tracer->row->what == OPEN || tracer->row->what == COPY || copies;
	if (gives && result >= 0 && result < DESCRIPTORS) {
		tracer->known[result] = true;
		memcpy(tracer->names[result], tracer->call.where, TRACE_WHERE_BYTES);
	}
	tracer->call.result = result;
	if (tracer->command->log != NULL)
		log_add(tracer->command->log, &tracer->call);
	tracer->row = NULL;
}

enum step {
	GO_ON,      /* to the next call of the table */
	GO_TO_END,  /* of this one */
	KILL
};

static enum step
on_call(struct tracer *tracer)
{
	struct user_regs_struct regs;
	const struct row *row = rows;
	if (ptrace(PTRACE_GETREGS, tracer->child, NULL, &regs) != 0)
		return GO_ON;
	while (row < rows + ROWS && row->number != (int)regs.orig_rax)
		row++;
	if (row == rows + ROWS || !counts(tracer, row, &regs))
		return GO_ON;
	if (tracer->number == tracer->command->pause && tracer->command->on_pause != NULL) {
		alarm_set(0);
		tracer->command->on_pause(tracer->command->context);
		alarm_set(TRACE_SECONDS);
	}
	bool here = tracer->number++ == tracer->command->call;
	if (here && tracer->command->part == TRACE_BEFORE)
		return KILL;
	if (here && tracer->command->part >= 0)
		cut(tracer, row, &regs, (uint64_t)tracer->command->part);
	if (row->number == SYS_close)
		tracer->known[(int)regs.rdi] = false;
	if (row->number == SYS_exit_group) { /* has no end */
		if (tracer->command->log != NULL)
			log_add(tracer->command->log, &tracer->call);
		return GO_ON;
	}
	tracer->row = row;
	tracer->kill_at_end = here;
	bool gives = row->what != DESCRIPTOR || row->number == SYS_fcntl;
	return here || gives || tracer->command->log != NULL ? GO_TO_END : GO_ON;
}

static enum step
on_end(struct tracer *tracer)
{
	struct user_regs_struct regs;
	if (tracer->row == NULL || ptrace(PTRACE_GETREGS, tracer->child, NULL, &regs) != 0)
		return GO_ON;
	note_end(tracer, &regs);
	return tracer->kill_at_end ? KILL : GO_ON;
}

static void
trace_me(const struct trace_command *command, const struct sock_fprog *program)
{
	if (child_prepare(command) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) == 0)
		execv(command->argv[0], command->argv);
	_exit(127);
}

/* Until the child is gone. */
static enum trace_end
follow(struct tracer *tracer)
{
	enum trace_end end = TRACE_ENDED;
	struct rusage usage;
	bool started = false, hung = false;
	int status;
	for (;;) {
		int signal = 0;
		enum step step = GO_ON;
		hung |= !wait_child(tracer->child, &status, &usage);
		if (!WIFSTOPPED(status))
			break;
		int stop = WSTOPSIG(status), event = status >> 16;
		if (event == PTRACE_EVENT_SECCOMP)
			step = on_call(tracer);
		else if (event != 0)
			end = TRACE_LOST, step = KILL;
		else if (stop == (SIGTRAP | 0x80))
			step = on_end(tracer);
		else if (stop == SIGTRAP && !started) /* the exec */
			started = ptrace(PTRACE_SETOPTIONS, tracer->child, NULL,
					 PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD |
					 PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK) == 0;
		else
			signal = stop;
		if (step == KILL) {
			kill(tracer->child, SIGKILL);
			end = end == TRACE_LOST ? end : TRACE_KILLED;
		} else {
			ptrace(step == GO_TO_END ? PTRACE_SYSCALL : PTRACE_CONT, tracer->child, NULL,
			       signal);
		}
	}
	tracer->command->cpu_seconds = cpu_seconds(&usage);
	return end != TRACE_ENDED && !WIFEXITED(status) ? end : ended(status, hung, tracer->command);
}

static enum trace_end
run_traced(struct trace_command *command)
{
	struct sock_fprog program = filter_program();
	struct tracer tracer = {.command = command};
	double start = now_seconds();
	pid_t child = vfork();
	if (child == 0)
		trace_me(command, &program);
	if (child < 0) {
		perror("trace: vfork");
		abort();
	}
	tracer.child = child;
	alarm_set(TRACE_SECONDS);
	enum trace_end end = follow(&tracer);
	alarm_set(0);
	command->seconds = now_seconds() - start;
	return end;
}

#else

static enum trace_end
run_traced(struct trace_command *command)
{
	command->status = 0;
	return TRACE_LOST;
}

#endif

enum trace_end
trace_command(struct trace_command *command)
{
	if (command->log != NULL)
		command->log->count = 0;
	return command->trace ? run_traced(command) : run_freely(command);
}

bool
trace_works(const char *program)
{
	char *argv[] = {(char *)(uintptr_t)program, NULL};
	struct trace_log log = {0};
	struct trace_command command = {.argv = argv, .directory = ".", .store = "no-store", .out = 1,
					.err = 2, .trace = true, .call = -1, .log = &log};
	bool works = trace_command(&command) == TRACE_ENDED && command.status == 0 && log.count > 0;
	trace_log_fini(&log);
	return works;
}
