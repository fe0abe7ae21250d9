/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/extra_faults_state.h"

#include <errno.h>
#include <signal.h>

#define ERRORS 10
#define ENDLESS 300000
#define BIT(error) (1u << (error))

/* Places of errors in a set. */
enum { AT_EIO, AT_ENOSPC, AT_EMFILE, AT_ENFILE, AT_EINTR, AT_EACCES, AT_ENOMEM, AT_SHORT, AT_NOTHING };

#define IO BIT(AT_EIO)
#define FULL BIT(AT_ENOSPC)
#define FILES (BIT(AT_EMFILE) | BIT(AT_ENFILE))
#define INTR BIT(AT_EINTR)
#define ACCES BIT(AT_EACCES)
#define MEM BIT(AT_ENOMEM)
#define SHORT BIT(AT_SHORT)
#define NOTHING BIT(AT_NOTHING)

/* What each call can give; Linux, man 2. */
static const struct {
	const char *name;
	unsigned what, errors;
} calls[CALLS] = {
	[CALL_OPEN] = {"open", FAULTS_FILES, IO | FILES | INTR | ACCES | MEM},
	[CALL_CREATE] = {"create", FAULTS_FILES, IO | FULL | FILES | INTR | ACCES | MEM},
	[CALL_FOLDER] = {"opendir", FAULTS_FILES, IO | FILES | ACCES | MEM},
	[CALL_NAME] = {"readdir", FAULTS_FILES, IO},
	[CALL_READ] = {"read", FAULTS_FILES, IO | INTR | SHORT},
	[CALL_PREAD] = {"pread", FAULTS_FILES, IO | INTR | SHORT},
	[CALL_WRITE] = {"write", FAULTS_FILES, IO | FULL | INTR | SHORT | NOTHING},
	[CALL_PWRITE] = {"pwrite", FAULTS_FILES, IO | FULL | INTR | SHORT | NOTHING},
	[CALL_CLOSE] = {"close", FAULTS_FILES, IO | FULL | INTR},
	[CALL_FSYNC] = {"fsync", FAULTS_FILES, IO | FULL | INTR},
	[CALL_FDATASYNC] = {"fdatasync", FAULTS_FILES, IO | FULL | INTR},
	[CALL_RANGE] = {"sync_file_range", FAULTS_FILES, IO | FULL | MEM},
	[CALL_RENAME] = {"rename", FAULTS_FILES, IO | FULL | ACCES | MEM},
	[CALL_LINK] = {"link", FAULTS_FILES, IO | FULL | ACCES | MEM},
	[CALL_UNLINK] = {"unlink", FAULTS_FILES, IO | ACCES | MEM},
	[CALL_MKDIR] = {"mkdir", FAULTS_FILES, IO | FULL | ACCES | MEM},
	[CALL_FLOCK] = {"flock", FAULTS_FILES, IO | INTR | MEM},
	[CALL_STAT] = {"stat", FAULTS_FILES, IO | ACCES | MEM},
	[CALL_FSTAT] = {"fstat", FAULTS_FILES, IO | MEM},
	[CALL_MMAP] = {"mmap", FAULTS_FILES, BIT(AT_ENFILE) | ACCES | MEM},
	[CALL_DUP] = {"dup", FAULTS_FILES, FILES | INTR},
	[CALL_TRUNCATE] = {"ftruncate", FAULTS_FILES, IO | FULL | INTR},
	[CALL_ALLOCATE] = {"posix_fallocate", FAULTS_FILES, IO | FULL | INTR},
	[CALL_RANDOM] = {"getrandom", FAULTS_FILES, INTR | SHORT},
	[CALL_STDOUT] = {"stdout", FAULTS_FILES, IO | FULL},
	[CALL_MALLOC] = {"malloc", FAULTS_MEMORY, MEM},
	[CALL_CALLOC] = {"calloc", FAULTS_MEMORY, MEM},
	[CALL_REALLOC] = {"realloc", FAULTS_MEMORY, MEM},
	[CALL_ALIGNED] = {"aligned_alloc", FAULTS_MEMORY, MEM},
};

static struct faults_plan plan;
static struct faults_report report;
static enum faults_call first;
static unsigned wanted;        /* the bit of plan.error */
static bool armed;
static enum faults_stage stage;

static unsigned
error_bit(int error)
{
	static const int errors[ERRORS] = {EIO, ENOSPC, EMFILE, ENFILE, EINTR, EACCES, ENOMEM,
					   FAULTS_SHORT, FAULTS_NOTHING};
	for (unsigned i = 0; i <= AT_NOTHING; i++)
		if (errors[i] == error)
			return BIT(i);
	return 0;
}

void
faults_arm(const struct faults_plan *wish)
{
	plan = *wish;
	wanted = error_bit(plan.error);
	report = (struct faults_report){0};
	stage = FAULTS_UNTOUCHED;
	armed = true;
}

struct faults_report
faults_disarm(void)
{
	armed = false;
	report.stage = stage;
	return report;
}

void
faults_stage_is(enum faults_stage now)
{
	stage = now;
}

/* The watch may do what it likes: it is not part of the work. */
static void
watch(enum faults_call call)
{
	int error = errno;
	if (plan.watch == NULL || calls[call].what != FAULTS_FILES)
		return;
	armed = false;
	plan.watch(plan.context);
	armed = true;
	errno = error;
}

static bool
is_hit(enum faults_call call)
{
	if (report.struck != NULL)
		return plan.span == FAULTS_ALL || (plan.span == FAULTS_SAME && call == first);
	if (report.calls == plan.at) {
		first = call;
		report.struck = calls[call].name;
		return true;
	}
	report.calls++;
	return false;
}

bool
faults_now(enum faults_call call)
{
	if (!armed)
		return false;
	watch(call);
	if ((calls[call].what & plan.what) == 0 || (calls[call].errors & wanted) == 0 || !is_hit(call))
		return false;
	if (report.failed++ == ENDLESS)
		raise(SIGPROF); /* whoever asks again and again would do so for ever */
	report.published = stage != FAULTS_UNTOUCHED;
	errno = plan.error;
	return true;
}

bool
faults_now_counted(enum faults_call call, size_t *length, ssize_t *result)
{
	if (!faults_now(call))
		return false;
	if (plan.error == FAULTS_SHORT) {
		*length = *length > 1 ? *length / 2 : *length;
		return false;
	}
	*result = plan.error == FAULTS_NOTHING ? 0 : -1;
	return true;
}
