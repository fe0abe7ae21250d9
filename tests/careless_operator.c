/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/careless_operator.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/careless_world.h"

#define PATH 4096
#define FILES 64

/* --- files whole --------------------------------------------------------------------------------- */

static uint8_t *
read_whole(const char *path, size_t *length)
{
	int fd = open(path, O_RDONLY);
	struct stat info;
	if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	uint8_t *bytes = malloc((size_t)info.st_size + 1);
	ssize_t got = read(fd, bytes, (size_t)info.st_size);
	close(fd);
	*length = got < 0 ? 0 : (size_t)got;
	return bytes;
}

static void
write_whole(const char *path, int flags, const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | flags, 0644);
	for (size_t done = 0; fd >= 0 && done < length;) {
		ssize_t wrote = write(fd, (const char *)bytes + done, length - done);
		if (wrote <= 0)
			break;
		done += (size_t)wrote;
	}
	if (fd >= 0)
		close(fd);
}

static off_t
size_of(const char *path)
{
	struct stat info;
	return stat(path, &info) == 0 ? info.st_size : 0;
}

static void
beside(const char *path, const char *name, char out[PATH])
{
	const char *slash = strrchr(path, '/');
	snprintf(out, PATH, "%.*s/%s", (int)(slash - path), path, name);
}

/* A shell as people use it: "$0" is the file. */
static void
shell(const char *text, const char *path)
{
	int null = open("/dev/null", O_RDWR);
	dup2(null, 1);
	dup2(null, 2);
	execl("/bin/sh", "sh", "-c", text, path, (char *)NULL);
}

/* --- deeds --------------------------------------------------------------------------------------- */

static void
do_empty(const char *path, uint64_t random)
{
	(void)random;
	(void)!truncate(path, 0);
}

static void
do_half(const char *path, uint64_t random)
{
	(void)random;
	(void)!truncate(path, size_of(path) / 2);
}

static void
do_cut_odd(const char *path, uint64_t random)
{
	(void)!truncate(path, size_of(path) == 0 ? 0 : (off_t)(random % (uint64_t)size_of(path)));
}

static void
do_cut_page(const char *path, uint64_t random)
{
	off_t size = size_of(path);
	(void)!truncate(path, size == 0 ? 0 : (off_t)(random % (uint64_t)size) / 4096 * 4096);
}

static void
do_cut_one(const char *path, uint64_t random)
{
	(void)random;
	(void)!truncate(path, size_of(path) > 0 ? size_of(path) - 1 : 0);
}

static void
do_longer(const char *path, uint64_t random)
{
	(void)!truncate(path, size_of(path) + 1 + (off_t)(random % 100000));
}

static void
fill_garbage(uint8_t *bytes, size_t length, uint64_t random)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)world_mix(random, i);
}

/* What is there already, and then as if the disk had been written over from some place on. */
static void
do_garbage(const char *path, uint64_t random)
{
	size_t length = (size_t)size_of(path);
	uint8_t *bytes = malloc(length + 1);
	fill_garbage(bytes, length, random);
	int fd = open(path, O_WRONLY);
	size_t from = length == 0 || random % 3 == 0 ? 0 : random % length;
	(void)!pwrite(fd, bytes, length - from, (off_t)from);
}

static void
do_page(const char *path, uint64_t random)
{
	uint8_t bytes[4096];
	size_t pages = (size_t)size_of(path) / sizeof(bytes) + 1;
	int fd = open(path, O_WRONLY);
	fill_garbage(bytes, sizeof(bytes), random);
	for (int i = 0; i < 40; i++)
		(void)!pwrite(fd, bytes, sizeof(bytes),
			      (off_t)(world_mix(random, i) % pages * sizeof(bytes)));
}

static void
do_bits(const char *path, uint64_t random)
{
	size_t length;
	uint8_t *bytes = read_whole(path, &length);
	int fd = open(path, O_WRONLY);
	for (int i = 0; bytes != NULL && length > 0 && i < 3000; i++) {
		size_t at = world_mix(random, i) % length;
		uint8_t byte = (uint8_t)(bytes[at] ^ 1u << i % 8);
		(void)!pwrite(fd, &byte, 1, (off_t)at);
	}
}

static void
do_mapped(const char *path, uint64_t random)
{
	size_t length = (size_t)size_of(path);
	int fd = open(path, O_RDWR);
	uint8_t *bytes = length == 0 ? MAP_FAILED
				     : mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (size_t i = 0; bytes != MAP_FAILED && i < 20; i++)
		memset(bytes + world_mix(random, i) % length / 4096 * 4096, (int)i, 64);
}

static void
do_hole(const char *path, uint64_t random)
{
	off_t size = size_of(path);
	int fd = open(path, O_RDWR);
	off_t from = size == 0 ? 0 : (off_t)(random % (uint64_t)size);
	(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, size / 2 + 1);
}

static void
do_copy_over(const char *path, uint64_t random)
{
	size_t length = 3000 + random % 3000000;
	uint8_t *bytes = malloc(length);
	fill_garbage(bytes, length, random);
	write_whole(path, O_CREAT | O_TRUNC, bytes, length);
}

/* Another file of the store: the next by name that is not this one. */
static void
other_file(const char *path, char out[PATH])
{
	char directory[PATH];
	struct dirent *entry;
	beside(path, "", directory);
	DIR *names = opendir(directory);
	snprintf(out, PATH, "%s", path);
	while (names != NULL && (entry = readdir(names)) != NULL)
		if (strncmp(entry->d_name, "segment-", 8) == 0 && strstr(path, entry->d_name) == NULL)
			beside(path, entry->d_name, out);
}

static void
do_copy_other(const char *path, uint64_t random)
{
	char other[PATH];
	size_t length = 0;
	(void)random;
	other_file(path, other);
	uint8_t *bytes = read_whole(other, &length);
	if (bytes != NULL)
		write_whole(path, O_CREAT | O_TRUNC, bytes, length);
}

static void
do_swap(const char *path, uint64_t random)
{
	char other[PATH], third[PATH];
	(void)random;
	other_file(path, other);
	beside(path, "third", third);
	(void)!rename(path, third);
	(void)!rename(other, path);
	(void)!rename(third, other);
}

static void
do_move_over(const char *path, uint64_t random)
{
	char other[PATH];
	beside(path, "garbage", other);
	do_copy_over(other, random);
	(void)!rename(other, path);
}

static void
do_append(const char *path, uint64_t random)
{
	uint8_t bytes[5000];
	fill_garbage(bytes, sizeof(bytes), random);
	write_whole(path, O_APPEND, bytes, 1 + random % sizeof(bytes));
}

static void
do_remove(const char *path, uint64_t random)
{
	(void)random;
	unlink(path);
}

static void
do_directory(const char *path, uint64_t random)
{
	(void)random;
	unlink(path);
	mkdir(path, 0755);
}

static void
do_forbid(const char *path, uint64_t random)
{
	(void)random;
	(void)!chmod(path, 0);
}

static void
do_link(const char *path, uint64_t random)
{
	char other[PATH];
	beside(path, "link", other);
	(void)!link(path, other);
	do_page(other, random);
}

static void
do_shell_empty(const char *path, uint64_t random)
{
	(void)random;
	shell(": > \"$0\"", path);
}

static void
do_shell_copy(const char *path, uint64_t random)
{
	(void)random;
	shell("head -c 700000 /dev/urandom >\"$0.new\"; cp \"$0.new\" \"$0\"; rm \"$0.new\"", path);
}

static void
do_shell_dd(const char *path, uint64_t random)
{
	(void)random;
	shell("dd if=/dev/zero of=\"$0\" bs=4096 count=300 seek=5 conv=notrunc", path);
}

static void
do_shell_sed(const char *path, uint64_t random)
{
	(void)random;
	shell("sed -i s/example/elpmaxe/ \"$0\"", path);
}

static void
do_shell_touch(const char *path, uint64_t random)
{
	(void)random;
	shell("touch \"$0\"; touch -d 2001-01-01 \"$0\"; chmod go-rwx \"$0\"; chmod go+r \"$0\"", path);
}

static void
do_shell_move(const char *path, uint64_t random)
{
	(void)random;
	shell("mv \"$0\" \"$0.away\"; sleep 0.2; mv \"$0.away\" \"$0\"", path);
}

static void
do_shell_rm(const char *path, uint64_t random)
{
	(void)random;
	shell("rm -f \"$0\"/*", path);
}

static void
do_shell_empty_all(const char *path, uint64_t random)
{
	(void)random;
	shell("for f in \"$0\"/*; do : >\"$f\"; done", path);
}

#define FILE_ANY (DEED_SEGMENT | DEED_COUNTER | DEED_JOURNAL)

const struct deed deeds[] = {
	{"truncate to 0", FILE_ANY | DEED_CLEAN, do_empty},
	{"truncate to half", FILE_ANY, do_half},
	{"truncate anywhere", FILE_ANY, do_cut_odd},
	{"truncate at a page", DEED_SEGMENT | DEED_JOURNAL | DEED_CLEAN, do_cut_page},
	{"truncate the last byte", FILE_ANY, do_cut_one},
	{"make longer", FILE_ANY, do_longer},
	{"overwrite with garbage", FILE_ANY, do_garbage},
	{"overwrite pages", FILE_ANY, do_page},
	{"flip bits", FILE_ANY, do_bits},
	{"write through a mapping", FILE_ANY, do_mapped},
	{"punch a hole", DEED_SEGMENT | DEED_JOURNAL, do_hole},
	{"copy garbage over", FILE_ANY, do_copy_over},
	{"copy another segment over", FILE_ANY, do_copy_other},
	{"exchange two segments", DEED_SEGMENT, do_swap},
	{"move garbage over", FILE_ANY, do_move_over},
	{"append", FILE_ANY, do_append},
	{"remove", FILE_ANY | DEED_CLEAN, do_remove},
	{"a directory in its place", FILE_ANY, do_directory},
	{"forbid", FILE_ANY | DEED_CLEAN, do_forbid},
	{"write through a link", FILE_ANY, do_link},
	{"sh: > file", FILE_ANY | DEED_CLEAN, do_shell_empty},
	{"cp", FILE_ANY, do_shell_copy},
	{"dd conv=notrunc", FILE_ANY, do_shell_dd},
	{"sed -i", FILE_ANY, do_shell_sed},
	{"touch and chmod", FILE_ANY, do_shell_touch},
	{"mv away and back", FILE_ANY | DEED_DIRECTORY, do_shell_move},
	{"rm *", DEED_DIRECTORY, do_shell_rm},
	{"sh: > all", DEED_DIRECTORY, do_shell_empty_all},
};
const size_t deed_count = sizeof(deeds) / sizeof(*deeds);

/* --- in a child ------------------------------------------------------------------------------------ */

static bool
wait_for(pid_t child, unsigned seconds)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	for (unsigned i = 0; i < seconds * 1000; i++) {
		pid_t done = waitpid(child, NULL, WNOHANG);
		if (done == child || (done < 0 && errno == ECHILD))
			return true;
		nanosleep(&pause, NULL);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return false;
}

bool
deed_do(const struct deed *deed, const char *path, uint64_t random, unsigned seconds)
{
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGBUS, SIG_DFL);
		deed->act(path, random);
		_exit(0);
	}
	return wait_for(child, seconds);
}

/* --- keeping and putting back ------------------------------------------------------------------------ */

struct names {
	char name[FILES][256];
	unsigned count;
};

static void
list_names(const char *directory, struct names *names)
{
	struct dirent *entry;
	DIR *open_directory = opendir(directory);
	names->count = 0;
	while (open_directory != NULL && (entry = readdir(open_directory)) != NULL)
		if (entry->d_name[0] != '.' && names->count < FILES)
			snprintf(names->name[names->count++], 256, "%s", entry->d_name);
	if (open_directory != NULL)
		closedir(open_directory);
}

static bool
has_name(const struct names *names, const char *name)
{
	for (unsigned i = 0; i < names->count; i++)
		if (strcmp(names->name[i], name) == 0)
			return true;
	return false;
}

static void
remove_extra(const char *directory, const struct names *wanted)
{
	static struct names names;
	char path[PATH];
	list_names(directory, &names);
	for (unsigned i = 0; i < names.count; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names.name[i]);
		if (!has_name(wanted, names.name[i]) && unlink(path) != 0)
			rmdir(path);
	}
}

static void
put_back(const char *path, const uint8_t *bytes, size_t length, bool in_place)
{
	char fresh[PATH + 8];
	snprintf(fresh, sizeof(fresh), "%s.fresh", path);
	rmdir(path);
	if (in_place) {
		(void)!chmod(path, 0644);
		write_whole(path, O_CREAT | O_TRUNC, bytes, length);
		return;
	}
	write_whole(fresh, O_CREAT | O_TRUNC, bytes, length);
	(void)!rename(fresh, path);
}

/* Every file of `from` that `to` does not have, or not so. */
static void
copy_all(const char *from, const char *to, uint64_t random)
{
	static struct names names;
	char source[PATH], target[PATH];
	mkdir(to, 0755);
	list_names(from, &names);
	remove_extra(to, &names);
	for (unsigned i = 0; i < names.count; i++) {
		size_t length = 0, there = 0;
		struct stat info;
		snprintf(source, sizeof(source), "%s/%s", from, names.name[i]);
		snprintf(target, sizeof(target), "%s/%s", to, names.name[i]);
		uint8_t *bytes = read_whole(source, &length), *now = read_whole(target, &there);
		if (bytes != NULL && (now == NULL || there != length || memcmp(bytes, now, length) != 0))
			put_back(target, bytes, length, world_mix(random, i) % 2 == 0);
		if (stat(target, &info) == 0 && (info.st_mode & 0777) != 0644)
			(void)!chmod(target, 0644);
		free(bytes);
		free(now);
	}
}

void
store_keep(const char *store, const char *copy)
{
	copy_all(store, copy, 0);
}

bool
store_restore(const char *store, const char *copy, uint64_t random, unsigned seconds)
{
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		copy_all(copy, store, random);
		_exit(0);
	}
	return wait_for(child, seconds);
}
