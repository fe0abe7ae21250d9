/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/extra_powerloss.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS 1024

static struct power_log *current;
static uint32_t file_of[DESCRIPTORS]; /* number + 1 of an open file; 0 = not below root */

/* --- mistakes ---------------------------------------------------------------------------- */

static const char *const mistake_names[] = {
	[POWER_NO_MISTAKE] = "none",
	[POWER_NO_STATE_SYNC] = "no-state-sync",
	[POWER_NO_APPEND_SYNC] = "no-append-sync",
	[POWER_NO_SEGMENT_SYNC] = "no-segment-sync",
	[POWER_NO_NAME_SYNC] = "no-name-sync",
	[POWER_NO_SEGMENT_NAME_SYNC] = "no-segment-name-sync",
	[POWER_NO_PARENT_SYNC] = "no-parent-sync",
	[POWER_RENAME_FIRST] = "rename-first",
	[POWER_IN_PLACE] = "in-place",
	[POWER_UNLINK_EARLY] = "unlink-early",
	[POWER_EARLY_ACK] = "early-ack",
	[POWER_SYNC_TOO_SOON] = "sync-too-soon",
	[POWER_WRONG_FILE] = "wrong-file",
	[POWER_SHORT_WRITE] = "short-write",
	[POWER_TAIL_OVERWRITTEN] = "tail-overwritten",
};

const char *
power_mistake_name(enum power_mistake mistake)
{
	return mistake_names[mistake];
}

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* Has the file this name now? */
static bool
is_named(const struct power_log *log, uint32_t file, const char *name)
{
	for (uint32_t i = 0; i < log->live.count; i++)
		if (log->live.row[i].file == file && strcmp(log->live.row[i].name, name) == 0)
			return true;
	return false;
}

/* The file whose rename publishes, as long as it has its first name. */
static bool
is_new_state(const struct power_log *log, uint32_t file)
{
	const char *name = log->file[file].name;
	return (begins(name, "JOURNAL.") || begins(name, "MANIFEST.")) && is_named(log, file, name);
}

static bool
is_journal(const struct power_log *log, uint32_t file)
{
	return is_named(log, file, "JOURNAL");
}

static bool
is_segment(const struct power_log *log, uint32_t file)
{
	const char *name = log->file[file].name;
	return begins(name, "segment-") || begins(name, "compact.");
}

/* The directory of the store: the one with the lock. */
static bool
is_store(const struct power_log *log, uint32_t directory)
{
	for (uint32_t i = 0; i < log->live.count; i++)
		if (log->live.row[i].directory == directory &&
		    strcmp(log->live.row[i].name, "LOCK") == 0)
			return true;
	return false;
}

static bool
is_lost_sync(const struct power_log *log, const struct power_op *op)
{
	const struct power_op *last = log->op_count > 0 ? &log->op[log->op_count - 1] : op;
	bool file = op->kind == POWER_SYNC, directory = op->kind == POWER_SYNC_DIRECTORY;
	switch (log->mistake) {
	case POWER_NO_STATE_SYNC:
		return file && is_new_state(log, op->file);
	case POWER_NO_APPEND_SYNC:
		return file && is_journal(log, op->file);
	case POWER_NO_SEGMENT_SYNC:
		return file && is_segment(log, op->file);
	case POWER_NO_NAME_SYNC:
		return directory && is_store(log, op->directory);
	case POWER_NO_SEGMENT_NAME_SYNC:
		return directory && last->kind == POWER_RENAME && begins(last->to, "segment-");
	case POWER_NO_PARENT_SYNC:
		return directory && !is_store(log, op->directory);
	default:
		return false;
	}
}

/* The sync comes after the rename. */
static void
rename_first(struct power_log *log, struct power_op *op)
{
	struct power_op sync = {.kind = POWER_SYNC, .file = op->file};
	if (op->kind == POWER_SYNC && (is_new_state(log, op->file) || is_segment(log, op->file))) {
		log->late.file = op->file;
		return;
	}
	power_log_append(log, op);
	if (op->kind == POWER_RENAME && log->late.file == op->file)
		power_log_append(log, &sync);
}

/* What goes to the temporary goes to the file whose name it will take. */
static void
in_place(struct power_log *log, struct power_op *op)
{
	if (op->kind == POWER_MAKE && is_new_state(log, op->file)) {
		struct power_name *old = power_names_find(&log->live, op->directory, "JOURNAL");
		if (old == NULL)
			old = power_names_find(&log->live, op->directory, "MANIFEST");
		if (old != NULL) {
			struct power_op cut = {.kind = POWER_SIZE, .file = log->late.alias[old->file]};
			log->late.alias[op->file] = cut.file;
			power_log_append(log, &cut);
			return;
		}
	}
	uint32_t real = op->file;
	op->file = log->late.alias[op->file];
	if (op->kind != POWER_RENAME || op->file == real)
		power_log_append(log, op);
}

/* The write that should have been synced comes after the sync. */
static void
sync_too_soon(struct power_log *log, struct power_op *op)
{
	bool state = is_journal(log, op->file) || is_new_state(log, op->file);
	if (op->kind == POWER_WRITE && state && !log->late.held) {
		log->late.op = *op;
		log->late.held = true;
		return;
	}
	power_log_append(log, op);
	if (log->late.held && (op->kind == POWER_SYNC || op->kind == POWER_WRITE)) {
		power_log_append(log, &log->late.op);
		log->late.held = false;
	}
}

/* One step to another file, another place, or in part. */
static void
misdirect(struct power_log *log, struct power_op *op)
{
	bool journal = is_journal(log, op->file), state = journal || is_new_state(log, op->file);
	if (log->mistake == POWER_WRONG_FILE && op->kind == POWER_SYNC && state) {
		for (uint32_t i = 0; i < log->live.count; i++)
			if (strcmp(log->live.row[i].name, "LOCK") == 0)
				op->file = log->live.row[i].file;
	}
	if (log->mistake == POWER_SHORT_WRITE && op->kind == POWER_WRITE && state)
		op->length /= 2;
	if (log->mistake == POWER_TAIL_OVERWRITTEN && op->kind == POWER_WRITE && journal) {
		uint64_t real = op->offset;
		if (log->late.tail != 0)
			op->offset = log->late.tail;
		log->late.tail = real;
	}
	power_log_append(log, op);
}

/* It is stored to through a mapping: what it says is known only now and then. */
static void
read_hint(struct power_log *log)
{
	uint8_t bytes[8];
	if (log->hint_path[0] == '\0')
		return;
	int descriptor = open(log->hint_path, O_RDONLY | O_CLOEXEC);
	if (descriptor >= 0 && pread(descriptor, bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes)) {
		log->hint = 0;
		for (int i = 8; i-- > 0;)
			log->hint = log->hint << 8 | bytes[i];
	}
	if (descriptor >= 0)
		close(descriptor);
}

/* Write it down, or what the mistake makes of it. */
static void
note(struct power_op *op)
{
	struct power_log *log = current;
	read_hint(log);
	if (is_lost_sync(log, op))
		return;
	if (log->mistake == POWER_RENAME_FIRST)
		rename_first(log, op);
	else if (log->mistake == POWER_IN_PLACE)
		in_place(log, op);
	else if (log->mistake == POWER_SYNC_TOO_SOON)
		sync_too_soon(log, op);
	else
		misdirect(log, op);
}

/* Move operation `from` before operation `to`, which is an earlier one. */
static void
move_back(struct power_log *log, uint32_t from, uint32_t to)
{
	struct power_op op = log->op[from];
	memmove(&log->op[to + 1], &log->op[to], (from - to) * sizeof(op));
	log->op[to] = op;
}

static bool
is_publication(const struct power_log *log, const struct power_op *op)
{
	return (op->kind == POWER_WRITE && is_journal(log, op->file)) ||
	       (op->kind == POWER_RENAME && (begins(op->to, "JOURNAL") || begins(op->to, "MANIFEST")));
}

static void
unlink_early(struct power_log *log, uint32_t first)
{
	uint32_t to = first;
	while (to < log->op_count && !is_publication(log, &log->op[to]))
		to++;
	for (uint32_t i = to + 1; i < log->op_count; i++)
		if (log->op[i].kind == POWER_UNLINK && begins(log->op[i].name, "segment-"))
			move_back(log, i, to++);
}

static void
early_ack(struct power_log *log, uint32_t first)
{
	uint32_t last = log->op_count - 1, to = last;
	while (to > first && log->op[to].kind != POWER_SYNC &&
	       log->op[to].kind != POWER_SYNC_DIRECTORY)
		to--;
	if (to > first)
		move_back(log, last, to);
}

void
power_mark(uint64_t states, uint64_t generation, bool done)
{
	struct power_log *log = current;
	struct power_op op = {.kind = POWER_MARK, .states = states, .generation = generation};
	if (log == NULL)
		return;
	read_hint(log);
	power_log_append(log, &op);
	uint32_t first = log->op_count - 1;
	while (first > 0 && log->op[first - 1].kind != POWER_MARK)
		first--;
	if (done && log->mistake == POWER_UNLINK_EARLY)
		unlink_early(log, first);
	if (done && log->mistake == POWER_EARLY_ACK)
		early_ack(log, first);
}

/* --- the calls ----------------------------------------------------------------------------- */

struct power_log *
power_record(struct power_log *log)
{
	struct power_log *before = current;
	current = log;
	memset(file_of, 0, sizeof(file_of));
	return before;
}

/* With 64-bit offsets on 32 bits, <unistd.h> gives some of these another name. */
#if defined(__USE_FILE_OFFSET64) && !defined(__LP64__)
#define WIDE "64"
#else
#define WIDE ""
#endif

static void *
find(const char *name)
{
	void *call = dlsym(RTLD_NEXT, name);
	if (call == NULL)
		abort();
	return call;
}

#define BELOW(result, name, symbol, ...) \
	static result (*call)(__VA_ARGS__); \
	if (call == NULL) \
		call = find(symbol)

static uint32_t
tracked(int descriptor)
{
	return current != NULL && descriptor >= 0 && descriptor < DESCRIPTORS ? file_of[descriptor] : 0;
}

static void
before(void)
{
	if (current->kill_at >= 0 && current->op_count >= current->kill_at)
		_exit(POWER_KILLED);
}

/* The directory and the last name of a path below root; "" for root itself. */
static bool
locate(const char *path, uint32_t *directory, const char **name)
{
	struct power_log *log = current;
	if (log == NULL || strncmp(path, log->root, log->root_length) != 0)
		return false;
	path += log->root_length;
	if (*path != '\0' && *path++ != '/')
		return false;
	*directory = 0;
	for (const char *slash; (slash = strchr(path, '/')) != NULL; path = slash + 1) {
		char part[POWER_NAME_BYTES];
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		struct power_name *row = power_names_find(&log->live, *directory, part);
		if (row == NULL)
			return false;
		*directory = row->file;
	}
	*name = path;
	return true;
}

static void
note_name(enum power_kind kind, uint32_t directory, const char *name, const char *to, uint32_t file)
{
	struct power_op op = {.kind = kind, .directory = directory, .file = file};
	snprintf(op.name, sizeof(op.name), "%s", name);
	snprintf(op.to, sizeof(op.to), "%s", to);
	struct power_op real = op;
	if (kind != POWER_MAKE) /* the name of a new file is known before */
		note(&op);
	power_names_apply(&current->live, &real);
	if (kind == POWER_MAKE)
		note(&op);
}

static void
note_write(uint32_t file, uint64_t offset, const void *bytes, size_t length)
{
	struct power_op op = {.kind = POWER_WRITE, .file = file, .offset = offset, .length = length};
	op.bytes = power_log_bytes(current, bytes, length);
	note(&op);
}

int
open(const char *path, int flags, ...)
{
	BELOW(int, open, "open" WIDE, const char *, int, ...);
	uint32_t directory;
	const char *name;
	va_list rest;
	va_start(rest, flags);
	mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	if (!locate(path, &directory, &name))
		return call(path, flags, mode);
	struct power_name *row = power_names_find(&current->live, directory, name);
	uint32_t file = row != NULL ? row->file : 0;
	bool root = *name == '\0', makes = row == NULL && !root && (flags & O_CREAT) != 0;
	bool cuts = row != NULL && (flags & O_TRUNC) != 0;
	if (makes || cuts)
		before();
	int descriptor = call(path, flags, mode);
	if (descriptor < 0)
		return descriptor;
	if (descriptor >= DESCRIPTORS || (row == NULL && !root && !makes))
		current->blind = "open";
	else if (makes)
		note_name(POWER_MAKE, directory, name, "",
			  file = power_log_file(current, name, false));
	else if (cuts)
		note(&(struct power_op){.kind = POWER_SIZE, .file = file});
	if (descriptor < DESCRIPTORS)
		file_of[descriptor] = file + 1;
	if (strcmp(name, POWER_HINT) == 0 && path != current->hint_path)
		snprintf(current->hint_path, sizeof(current->hint_path), "%s", path);
	return descriptor;
}

int
close(int descriptor)
{
	BELOW(int, close, "close", int);
	if (tracked(descriptor) != 0)
		file_of[descriptor] = 0;
	return call(descriptor);
}

ssize_t
write(int descriptor, const void *bytes, size_t length)
{
	BELOW(ssize_t, write, "write", int, const void *, size_t);
	uint32_t file = tracked(descriptor);
	if (file == 0)
		return call(descriptor, bytes, length);
	before();
	ssize_t done = call(descriptor, bytes, length);
	if (done > 0)
		note_write(file - 1, (uint64_t)(lseek(descriptor, 0, SEEK_CUR) - done), bytes,
			   (size_t)done);
	return done;
}

ssize_t
pwrite(int descriptor, const void *bytes, size_t length, off_t offset)
{
	BELOW(ssize_t, pwrite, "pwrite" WIDE, int, const void *, size_t, off_t);
	uint32_t file = tracked(descriptor);
	if (file != 0)
		before();
	ssize_t done = call(descriptor, bytes, length, offset);
	if (file != 0 && done > 0)
		note_write(file - 1, (uint64_t)offset, bytes, (size_t)done);
	return done;
}

int
ftruncate(int descriptor, off_t length)
{
	BELOW(int, ftruncate, "ftruncate" WIDE, int, off_t);
	uint32_t file = tracked(descriptor);
	if (file != 0)
		before();
	int result = call(descriptor, length);
	if (file != 0 && result == 0)
		note(&(struct power_op){.kind = POWER_SIZE, .file = file - 1,
					.length = (uint64_t)length});
	return result;
}

static int
sync_file(int descriptor, int (*call)(int))
{
	uint32_t file = tracked(descriptor);
	if (file == 0)
		return current != NULL ? 0 : call(descriptor);
	before();
	struct power_op op = {.kind = POWER_SYNC, .file = file - 1};
	if (current->file[file - 1].directory) {
		op.kind = POWER_SYNC_DIRECTORY;
		op.directory = file - 1;
	}
	bool fails = current->fail_at >= 0 && current->op_count == current->fail_at;
	if (fails)
		op.kind = POWER_SYNC_FAILED;
	note(&op);
	return fails ? (errno = EIO, -1) : 0;
}

int
fsync(int descriptor)
{
	BELOW(int, fsync, "fsync", int);
	return sync_file(descriptor, call);
}

int
fdatasync(int descriptor)
{
	BELOW(int, fdatasync, "fdatasync", int);
	return sync_file(descriptor, call);
}

int
rename(const char *from, const char *to)
{
	BELOW(int, rename, "rename", const char *, const char *);
	uint32_t directory, other;
	const char *name, *new_name;
	if (!locate(from, &directory, &name))
		return call(from, to);
	before();
	int result = call(from, to);
	struct power_name *row = power_names_find(&current->live, directory, name);
	if (result != 0)
		return result;
	if (row == NULL || !locate(to, &other, &new_name) || other != directory)
		current->blind = "rename";
	else
		note_name(POWER_RENAME, directory, name, new_name, row->file);
	return 0;
}

int
unlink(const char *path)
{
	BELOW(int, unlink, "unlink", const char *);
	uint32_t directory;
	const char *name;
	if (!locate(path, &directory, &name))
		return call(path);
	before();
	struct power_name *row = power_names_find(&current->live, directory, name);
	int result = call(path);
	if (result == 0 && row == NULL)
		current->blind = "unlink";
	else if (result == 0)
		note_name(POWER_UNLINK, directory, name, "", row->file);
	return result;
}

int
link(const char *from, const char *to)
{
	BELOW(int, link, "link", const char *, const char *);
	uint32_t directory, other;
	const char *name, *new_name;
	if (!locate(from, &directory, &name))
		return call(from, to);
	before();
	struct power_name *row = power_names_find(&current->live, directory, name);
	int result = call(from, to);
	if (result == 0 && (row == NULL || !locate(to, &other, &new_name)))
		current->blind = "link";
	else if (result == 0)
		note_name(POWER_MAKE, other, new_name, "", row->file);
	return result;
}

int
mkdir(const char *path, mode_t mode)
{
	BELOW(int, mkdir, "mkdir", const char *, mode_t);
	uint32_t directory;
	const char *name;
	if (!locate(path, &directory, &name) || *name == '\0')
		return call(path, mode);
	if (power_names_find(&current->live, directory, name) == NULL)
		before();
	int result = call(path, mode);
	if (result == 0)
		note_name(POWER_MAKE_DIRECTORY, directory, name, "",
			  power_log_file(current, name, true));
	return result;
}

void *
mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset)
{
	BELOW(void *, mmap, "mmap" WIDE, void *, size_t, int, int, int, off_t);
	uint32_t file = tracked(descriptor);
	if (file != 0 && (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0 &&
	    strcmp(current->file[file - 1].name, POWER_HINT) != 0)
		current->blind = "mmap";
	return call(address, length, protection, flags, descriptor, offset);
}

pid_t
getpid(void)
{
	BELOW(pid_t, getpid, "getpid", void);
	return current != NULL ? POWER_PID : call();
}

/* splitmix64 */
ssize_t
getrandom(void *bytes, size_t length, unsigned flags)
{
	BELOW(ssize_t, getrandom, "getrandom", void *, size_t, unsigned);
	if (current == NULL)
		return call(bytes, length, flags);
	for (size_t i = 0; i < length; i++) {
		uint64_t word = current->random += 0x9e3779b97f4a7c15;
		word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
		word = (word ^ word >> 27) * 0x94d049bb133111eb;
		((uint8_t *)bytes)[i] = (uint8_t)(word >> 56);
	}
	return (ssize_t)length;
}
