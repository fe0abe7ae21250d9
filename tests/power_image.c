/* SPDX-License-Identifier: Apache-2.0 */
/* What a choice leaves of a disk, and writing it out. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hash.h"
#include "tests/power_bytes.h"

#define CACHED_BYTES 65536 /* smaller files are written, larger ones linked */

struct power_image *
power_image_new(void)
{
	struct power_image *image = calloc(1, sizeof(*image));
	if (image == NULL)
		power_fail("no memory for an image");
	return image;
}

void
power_image_free(struct power_image *image)
{
	for (uint32_t i = 0; i < POWER_FILES; i++)
		free(image->file[i].own.at);
	free(image);
}

/* --- bytes ------------------------------------------------------------------------------------- */

/* Does this write, or the start, have bytes of another file at this place? */
static const uint8_t *
old_bytes(const struct power_log *log, uint32_t number, uint32_t not_of, uint64_t at, uint64_t *length)
{
	uint32_t file;
	uint64_t offset = 0, bytes;
	if (number < log->file_count) {
		file = number;
		bytes = log->file[file].bytes;
		*length = log->file[file].length;
	} else {
		const struct power_op *op = &log->op[number - log->file_count];
		if (op->kind != POWER_WRITE)
			return NULL;
		file = op->file;
		offset = op->offset;
		bytes = op->bytes;
		*length = op->length;
	}
	if (file == not_of || at < offset || at >= offset + *length)
		return NULL;
	*length -= at - offset;
	return log->room + bytes + (at - offset);
}

/* What stood on the disk before (L6). */
static void
fill_stale(const struct power_image *image, uint32_t file, uint8_t *to, uint64_t at, uint64_t length,
	   uint64_t seed)
{
	const struct power_log *log = image->disk->log;
	uint32_t count = log->file_count + image->disk->at;
	uint32_t from = (uint32_t)(power_random(&seed) % count);
	for (uint64_t i = 0; i < length; i++)
		to[i] = (uint8_t)power_random(&seed);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t have;
		const uint8_t *bytes = old_bytes(log, (from + i) % count, file, at, &have);
		if (bytes == NULL)
			continue;
		memcpy(to, bytes, have < length ? have : length);
		return;
	}
}

static void
grow(const struct power_image *image, uint32_t file, struct power_bytes *bytes, uint64_t length,
     const struct power_choice *choice)
{
	uint64_t old = bytes->length;
	if (length <= old)
		return;
	power_bytes_resize(bytes, length);
	if (choice->stale)
		fill_stale(image, file, bytes->at + old, old, length - old, choice->seed ^ old);
}

enum tear { TEAR_HEAD, TEAR_TAIL, TEAR_HALF, TEAR_ONE_LOST, TEAR_ONE_KEPT, TEARS };

static void
write_torn(const struct power_image *image, const struct power_op *op, struct power_bytes *bytes,
	   const struct power_choice *choice)
{
	uint64_t word = choice->seed ^ op->offset ^ op->bytes << 20;
	uint64_t first = op->offset / POWER_SECTOR;
	uint64_t count = (op->offset + op->length + POWER_SECTOR - 1) / POWER_SECTOR - first;
	enum tear tear = (enum tear)(power_random(&word) % TEARS);
	uint64_t border = power_random(&word) % count;
	for (uint64_t i = 0; i < count; i++) {
		bool kept = tear == TEAR_HEAD ? i < border : tear == TEAR_TAIL ? i >= border
			  : tear == TEAR_HALF ? power_random(&word) % 2 == 0
			  : tear == TEAR_ONE_LOST ? i != border : i == border;
		uint64_t begin = (first + i) * POWER_SECTOR, end = begin + POWER_SECTOR;
		if (begin < op->offset)
			begin = op->offset;
		if (end > op->offset + op->length)
			end = op->offset + op->length;
		if (!kept)
			continue;
		grow(image, op->file, bytes, end, choice);
		memcpy(bytes->at + begin, image->disk->log->room + op->bytes + (begin - op->offset),
		       end - begin);
	}
}

static void
do_data(const struct power_image *image, const struct power_op *op, enum power_fate fate,
	struct power_bytes *bytes, const struct power_choice *choice)
{
	if (op->kind == POWER_SIZE) {
		if (fate != POWER_LOST)
			power_bytes_resize(bytes, op->length);
		return;
	}
	if (fate == POWER_DONE || choice->size != POWER_SIZE_WRITTEN)
		grow(image, op->file, bytes, op->offset + op->length, choice);
	if (fate == POWER_TORN)
		write_torn(image, op, bytes, choice);
	if (fate == POWER_DONE)
		memcpy(bytes->at + op->offset, image->disk->log->room + op->bytes, op->length);
}

/* The size has grown up to some sector between what is durable and what is written. */
static void
cut(struct power_bytes *bytes, uint64_t durable, uint64_t seed)
{
	if (bytes->length <= durable)
		return;
	uint64_t first = durable / POWER_SECTOR, count = bytes->length / POWER_SECTOR - first + 1;
	uint64_t length = (first + power_random(&seed) % count) * POWER_SECTOR;
	if (length < durable)
		length = durable;
	power_bytes_resize(bytes, length);
}

static bool
has_pending(const struct power_disk *disk, uint32_t file)
{
	for (uint32_t i = 0; i < disk->pending_count; i++) {
		const struct power_op *op = &disk->log->op[disk->pending[i]];
		if ((op->kind == POWER_WRITE || op->kind == POWER_SIZE) && op->file == file)
			return true;
	}
	return false;
}

static void
make_changed(struct power_image *image, uint32_t number, const struct power_choice *choice)
{
	struct power_image_file *file = &image->file[number];
	const struct power_disk *disk = image->disk;
	uint64_t durable = disk->file[number].bytes.length;
	file->own.length = 0;
	power_bytes_write(&file->own, 0, disk->file[number].bytes.at, durable);
	for (uint32_t i = 0; i < disk->pending_count; i++) {
		const struct power_op *op = &disk->log->op[disk->pending[i]];
		if ((op->kind == POWER_WRITE || op->kind == POWER_SIZE) && op->file == number)
			do_data(image, op, (enum power_fate)choice->fate[i], &file->own, choice);
	}
	if (choice->size == POWER_SIZE_PART)
		cut(&file->own, durable, choice->seed);
	file->bytes = file->own.at;
	file->length = file->own.length;
	file->sum = hash_sum(file->bytes, file->length);
}

/* One of the different values that it had by now. */
static uint64_t
earlier_hint(const struct power_disk *disk, uint64_t seed)
{
	uint64_t value[16];
	uint32_t count = 0;
	for (uint32_t i = 0; i < disk->log->op_count && i <= disk->at; i++) {
		uint32_t same = 0;
		while (same < count && value[same] != disk->log->op[i].hint)
			same++;
		if (same == count)
			value[count++ % 16] = disk->log->op[i].hint;
		count = count > 16 ? 16 : count;
	}
	return value[power_random(&seed) % count];
}

static void
make_hint(struct power_image_file *file, const struct power_disk *disk, const struct power_choice *choice)
{
	uint64_t seed = choice->seed, value = disk->log->hint;
	uint8_t bytes[8];
	if (disk->at > 0)
		value = disk->log->op[disk->at - 1].hint;
	if (choice->hint == POWER_HINT_EARLIER && disk->log->op_count > 0)
		value = earlier_hint(disk, seed);
	if (choice->hint == POWER_HINT_NEXT)
		value = disk->generation + 1;
	if (choice->hint == POWER_HINT_ZERO || choice->hint == POWER_HINT_LARGEST)
		value = choice->hint == POWER_HINT_ZERO ? 0 : UINT64_MAX;
	if (choice->hint == POWER_HINT_NOISE)
		value = power_random(&seed);
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	file->own.length = 0;
	power_bytes_write(&file->own, 0, bytes, choice->hint == POWER_HINT_EMPTY ? 0
						: choice->hint == POWER_HINT_SHORT ? 3 : 8);
	file->bytes = file->own.at;
	file->length = file->own.length;
	file->sum = hash_sum(bytes, file->length) + file->length;
}

static void
make_file(struct power_image *image, uint32_t number, const struct power_choice *choice)
{
	struct power_image_file *file = &image->file[number];
	struct power_disk *disk = (struct power_disk *)(uintptr_t)image->disk;
	if (file->made)
		return;
	file->made = true;
	file->durable = !has_pending(disk, number);
	if (strcmp(disk->log->file[number].name, POWER_HINT) == 0) {
		file->durable = false;
		make_hint(file, disk, choice);
	} else if (disk->log->file[number].directory) {
		file->length = 0;
		file->sum = 1;
	} else if (file->durable) {
		file->bytes = disk->file[number].bytes.at;
		file->length = disk->file[number].bytes.length;
		if (disk->file[number].sum == 0)
			disk->file[number].sum = hash_sum(file->bytes, file->length);
		file->sum = disk->file[number].sum;
	} else {
		make_changed(image, number, choice);
	}
}

/* --- names --------------------------------------------------------------------------------------- */

/* From root down; a directory without a name is lost. */
static bool
is_reached(const struct power_names *names, uint32_t directory)
{
	for (uint32_t i = 0; directory != 0 && i < names->count; i++)
		if (names->row[i].file == directory)
			return is_reached(names, names->row[i].directory);
	return directory == 0;
}

static void
make_names(struct power_image *image, const struct power_choice *choice)
{
	const struct power_disk *disk = image->disk;
	struct power_names all = disk->names;
	for (uint32_t i = 0; i < disk->pending_count; i++) {
		const struct power_op *op = &disk->log->op[disk->pending[i]];
		if (choice->fate[i] == POWER_LOST)
			continue;
		power_names_apply(&all, op);
		if (op->kind == POWER_RENAME && choice->fate[i] == POWER_TORN)
			power_names_put(&all, op->directory, op->name, op->file);
	}
	image->names.count = 0;
	for (uint32_t i = 0; i < all.count; i++)
		if (is_reached(&all, all.row[i].directory) &&
		    (choice->hint != POWER_HINT_NONE || strcmp(all.row[i].name, POWER_HINT) != 0))
			image->names.row[image->names.count++] = all.row[i];
}

void
power_image_make(struct power_image *image, const struct power_disk *disk,
		 const struct power_choice *choice)
{
	image->disk = disk;
	image->sum = 0;
	for (uint32_t i = 0; i < disk->log->file_count; i++)
		image->file[i].made = false;
	make_names(image, choice);
	for (uint32_t i = 0; i < image->names.count; i++) {
		struct power_name *row = &image->names.row[i];
		struct { uint64_t sum, length, directory; char name[POWER_NAME_BYTES]; } line = {0};
		make_file(image, row->file, choice);
		line.sum = image->file[row->file].sum;
		line.length = image->file[row->file].length;
		line.directory = row->directory;
		memcpy(line.name, row->name, strlen(row->name));
		image->sum += hash_sum(&line, sizeof(line));
	}
}

/* --- writing it out ------------------------------------------------------------------------------- */

static void
write_bytes(const char *path, const uint8_t *bytes, uint64_t length)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	for (uint64_t at = 0; descriptor >= 0 && at < length;) {
		ssize_t done = write(descriptor, bytes + at, length - at);
		if (done <= 0)
			power_fail("cannot write %s", path);
		at += (uint64_t)done;
	}
	if (descriptor < 0 || close(descriptor) != 0)
		power_fail("cannot make %s", path);
}

static void
write_file(const struct power_image *image, uint32_t number, const char *path, const char *cache)
{
	const struct power_image_file *file = &image->file[number];
	char cached[POWER_PATH_BYTES];
	const char *name = strrchr(path, '/') + 1;
	/* the engine writes to a journal that is there, never to a segment */
	if (cache == NULL || !file->durable || file->length < CACHED_BYTES ||
	    strncmp(name, "segment-", 8) != 0) {
		write_bytes(path, file->bytes, file->length);
		return;
	}
	snprintf(cached, sizeof(cached), "%s/%" PRIu32 ".%" PRIu32, cache, number,
		 image->disk->file[number].version);
	if (link(cached, path) == 0)
		return;
	write_bytes(cached, file->bytes, file->length);
	if (link(cached, path) != 0)
		power_fail("cannot link %s", path);
}

/* What stands in one directory; a file that has two names is one file. */
static void
write_directory(const struct power_image *image, uint32_t directory, const char *path,
		const char *cache)
{
	const struct power_names *names = &image->names;
	for (uint32_t i = 0; i < names->count; i++) {
		char below[POWER_PATH_BYTES], other[POWER_PATH_BYTES];
		uint32_t file = names->row[i].file, first = 0;
		if (names->row[i].directory != directory)
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", path, names->row[i].name) >= (int)sizeof(below))
			power_fail("the path is too long: %s", path);
		while (names->row[first].file != file)
			first++;
		if (image->disk->log->file[file].directory) {
			if (mkdir(below, 0755) != 0)
				power_fail("cannot make %s", below);
			write_directory(image, file, below, cache);
		} else if (first == i) {
			write_file(image, file, below, cache);
		} else {
			snprintf(other, sizeof(other), "%s/%s", path, names->row[first].name);
			if (link(other, below) != 0)
				power_fail("cannot link %s", below);
		}
	}
}

void
power_image_write(const struct power_image *image, const char *root, const char *cache)
{
	write_directory(image, 0, root, cache);
}

void
power_directory_clear(const char *root)
{
	DIR *names = opendir(root);
	struct dirent *entry;
	while (names != NULL && (entry = readdir(names)) != NULL) {
		char below[POWER_PATH_BYTES];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", root, entry->d_name) >= (int)sizeof(below))
			power_fail("the path is too long: %s", root);
		if (entry->d_type == DT_DIR) {
			power_directory_clear(below);
			rmdir(below);
		} else {
			unlink(below);
		}
	}
	if (names != NULL)
		closedir(names);
}

/* --- is it true? ----------------------------------------------------------------------------------- */

static bool
same_bytes(const char *path, const struct power_image_file *file)
{
	FILE *real = fopen(path, "re");
	uint8_t *bytes = malloc(file->length + 1);
	bool same = real != NULL && bytes != NULL &&
		    fread(bytes, 1, file->length + 1, real) == file->length &&
		    (file->length == 0 || memcmp(bytes, file->bytes, file->length) == 0);
	if (real != NULL)
		fclose(real);
	free(bytes);
	return same;
}

static bool
same_directory(const struct power_image *image, uint32_t directory, const char *path, char why[256])
{
	const struct power_names *names = &image->names;
	uint32_t known = 0, real = 0;
	for (uint32_t i = 0; i < names->count; i++) {
		char below[POWER_PATH_BYTES];
		uint32_t file = names->row[i].file;
		if (names->row[i].directory != directory)
			continue;
		known++;
		snprintf(below, sizeof(below), "%.400s/%s", path, names->row[i].name);
		if (image->disk->log->file[file].directory) {
			if (!same_directory(image, file, below, why))
				return false;
		} else if (strcmp(names->row[i].name, POWER_HINT) != 0 &&
			   !same_bytes(below, &image->file[file])) {
			snprintf(why, 256, "%.200s is not what was recorded", below);
			return false;
		}
	}
	DIR *entries = opendir(path);
	while (entries != NULL && readdir(entries) != NULL)
		real++;
	if (entries != NULL)
		closedir(entries);
	snprintf(why, 256, "%.200s has %u names, %u were recorded", path, real - 2, known);
	return entries != NULL && real - 2 == known;
}

bool
power_log_true(const struct power_log *log, char why[256])
{
	struct power_disk *disk = power_disk_new(log);
	struct power_image *image = power_image_new();
	struct power_choice choice;
	while (power_disk_step(disk))
		;
	power_choice_make(disk, 0, 0, &choice);
	power_image_make(image, disk, &choice);
	bool same = log->blind == NULL && same_directory(image, 0, log->root, why);
	if (log->blind != NULL)
		snprintf(why, 256, "a call that is not understood: %s", log->blind);
	power_image_free(image);
	power_disk_free(disk);
	return same;
}

/* --- for people -------------------------------------------------------------------------------------- */

void
power_op_print(const struct power_log *log, const struct power_op *op, FILE *out)
{
	static const char *const verbs[] = {
		[POWER_MAKE] = "create", [POWER_MAKE_DIRECTORY] = "mkdir", [POWER_RENAME] = "rename",
		[POWER_UNLINK] = "unlink", [POWER_WRITE] = "write", [POWER_SIZE] = "truncate",
		[POWER_SYNC] = "sync", [POWER_SYNC_DIRECTORY] = "sync directory",
		[POWER_SYNC_FAILED] = "EIO from sync", [POWER_MARK] = "may be found from here on:",
	};
	const char *name = op->name[0] != '\0' ? op->name
			   : op->kind == POWER_MARK ? "states" : log->file[op->file].name;
	fprintf(out, "%s %s", verbs[op->kind], name);
	if (op->kind == POWER_RENAME)
		fprintf(out, " to %s", op->to);
	if (op->kind == POWER_WRITE)
		fprintf(out, ", %" PRIu64 " bytes at %" PRIu64, op->length, op->offset);
	if (op->kind == POWER_SIZE)
		fprintf(out, " to %" PRIu64, op->length);
	if (op->kind == POWER_MARK)
		fprintf(out, " %" PRIx64, op->states);
}

void
power_image_print(const struct power_image *image, const struct power_choice *choice, FILE *out)
{
	static const char *const fates[] = {"lost", "kept", "torn"};
	static const char *const sizes[] = {"as written", "full", "in part"};
	static const char *const hints[] = {
		"as it was", "as it was earlier", "0", "the largest", "empty", "no file", "3 bytes",
		"one more than was acknowledged", "noise"
	};
	const struct power_disk *disk = image->disk;
	fprintf(out, "  after operation %" PRIu32 " of %" PRIu32 "; sizes %s, unwritten room %s, "
		"%s %s\n", disk->at, disk->log->op_count, sizes[choice->size],
		choice->stale ? "stale" : "zero", POWER_HINT, hints[choice->hint]);
	for (uint32_t i = 0; i < disk->pending_count; i++) {
		fprintf(out, "  %s: ", fates[choice->fate[i]]);
		power_op_print(disk->log, &disk->log->op[disk->pending[i]], out);
		fprintf(out, "\n");
	}
	fprintf(out, "  left:");
	for (uint32_t i = 0; i < image->names.count; i++)
		fprintf(out, " %s(%" PRIu64 ")", image->names.row[i].name,
			image->file[image->names.row[i].file].length);
	fprintf(out, "\n");
}
