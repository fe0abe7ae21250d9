/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_memory: what a store takes on disk, in the page cache and in its readers.
 *
 *   bench_memory [--entries 1e6]... [--kind KIND]... [--table NAME] [--queries 1e6]
 *                [--readers 16]
 *   bench_memory --reader DIRECTORY KIND        (a reader; started by the first)
 *
 * Readers are processes of their own that read queries from a file, so that what the kernel
 * tells of them is what any reader takes. For each kind and size, one line of JSON, bytes an
 * entry unless said: the file and its parts; mapped and resident in a reader once opened,
 * after misses, after hits; in the page cache at the same moments, having begun with an
 * empty one; milliseconds to open with a cold and a warm cache; then proportional set sizes
 * (pss, megabytes) of one reader and of sixteen together. Then the same of a store of
 * digests that shrinks: imported, mirrored to a quarter, compacted; the reader refreshes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/subject.h"
#include "bench/timer.h"
#include "engine/file.h"

#define SIZES_MOST 8
#define READERS_MOST 64
#define GROUP 64
#define LINE_MOST 1300
#define SHRINK_MOST 1000000

static struct options {
	size_t entries[SIZES_MOST], sizes, queries, readers;
	unsigned kinds;
	const char *table;
} options = {.queries = 1000000, .readers = 16};

static void
stop(const char *what)
{
	perror(what);
	exit(2);
}

/* --- the reader: a line of orders in, a line of milliseconds out ----------------------------- */

static void
ask_group(struct repute_view *view, char (*text)[LINE_MOST], size_t n, enum repute_kind kind)
{
	static struct repute_key keys[GROUP];
	static struct repute_hit hits[GROUP];
	for (size_t i = 0; i < n; i++)
		if (repute_key_text(kind, text[i], strcspn(text[i], "\n"), &keys[i]) != REPUTE_OK)
			exit(2);
	repute_find_many(view, keys, n, DATA_NOW, hits);
}

static void
ask_file(struct repute_view *view, const char *path, enum repute_kind kind)
{
	static char text[GROUP][LINE_MOST];
	FILE *file = fopen(path, "r");
	size_t n = 0;
	if (file == NULL)
		stop(path);
	while (fgets(text[n], LINE_MOST, file) != NULL)
		if (++n == GROUP) {
			ask_group(view, text, n, kind);
			n = 0;
		}
	ask_group(view, text, n, kind);
	fclose(file);
}

static int
reader_main(const char *directory, enum repute_kind kind)
{
	char order[4200];
	struct repute_db *db;
	bool changed;
	double start = timer_ns();
	if (repute_open(directory, NULL, &db, NULL) != REPUTE_OK)
		return 2;
	printf("%.3f\n", (timer_ns() - start) * 1e-6);
	fflush(stdout);
	while (fgets(order, sizeof(order), stdin) != NULL) {
		order[strcspn(order, "\n")] = '\0';
		start = timer_ns();
		if (strcmp(order, "refresh") == 0) {
			if (repute_refresh(db, &changed, NULL) != REPUTE_OK)
				return 2;
		} else {
			struct repute_view *view = repute_view_take(db);
			ask_file(view, order, kind);
			repute_view_drop(view);
		}
		printf("%.3f\n", (timer_ns() - start) * 1e-6);
		fflush(stdout);
	}
	repute_close(db);
	return 0;
}

struct reader {
	pid_t process;
	FILE *to, *from;
	double open_ms;
};

static double
reader_answer(struct reader *reader)
{
	char line[64];
	if (fgets(line, sizeof(line), reader->from) == NULL)
		stop("a reader");
	return strtod(line, NULL);
}

static double
reader_order(struct reader *reader, const char *order)
{
	fprintf(reader->to, "%s\n", order);
	fflush(reader->to);
	return reader_answer(reader);
}

static void
reader_start(struct reader *reader, const char *directory, enum data_class class)
{
	int to[2], from[2];
	if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
		stop("pipe");
	fflush(NULL);
	reader->process = fork();
	if (reader->process == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		execl("/proc/self/exe", "bench_memory", "--reader", directory, data_class_names[class],
		      (char *)NULL);
		_exit(2);
	}
	close(to[0]);
	close(from[1]);
	reader->to = fdopen(to[1], "w");
	reader->from = fdopen(from[0], "r");
	reader->open_ms = reader_answer(reader);
}

static void
reader_end(struct reader *reader)
{
	fclose(reader->to);
	waitpid(reader->process, NULL, 0);
	fclose(reader->from);
}

/* --- what the kernel tells -------------------------------------------------------------------- */

struct memory {
	uint64_t mapped, resident; /* of the store's files in one reader */
	uint64_t pss;              /* of the whole reader */
	uint64_t cached;           /* of the store's files in the page cache */
	uint64_t disk;
};

static uint64_t
kilobytes(const char *line, const char *name)
{
	size_t length = strlen(name);
	return strncmp(line, name, length) == 0 ? strtoull(line + length, NULL, 10) * 1024 : 0;
}

static void
read_smaps(const struct reader *reader, const char *directory, struct memory *memory)
{
	char path[64], line[4200];
	bool ours = false;
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)reader->process);
	FILE *file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strchr(line, '-') != NULL && strchr(line, ':') > strchr(line, '-'))
			ours = strstr(line, directory) != NULL;
		memory->mapped += ours ? kilobytes(line, "Size:") : 0;
		memory->resident += ours ? kilobytes(line, "Rss:") : 0;
		memory->pss += kilobytes(line, "Pss:");
	}
	if (file != NULL)
		fclose(file);
}

struct each_file {
	const char *directory;
	struct memory *memory;
	bool forget;
};

static enum status
each_file(void *context, const char *name, struct fault *fault)
{
	struct each_file *each = context;
	char path[FILE_PATH_BYTES];
	unsigned char *there;
	struct file_map map;
	snprintf(path, sizeof(path), "%s/%s", each->directory, name);
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (each->forget)
		posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
	close(descriptor);
	if (each->forget || file_map_open(path, &map, fault) != STATUS_OK || map.length == 0)
		return STATUS_OK;
	size_t pages = (map.length + 4095) / 4096;
	each->memory->disk += map.length;
	there = malloc(pages);
	if (there != NULL && mincore((void *)map.bytes, map.length, there) == 0)
		for (size_t i = 0; i < pages; i++)
			each->memory->cached += (there[i] & 1) * 4096u;
	free(there);
	file_map_close(&map);
	return STATUS_OK;
}

static struct memory
memory_now(const struct reader *reader, const char *directory)
{
	struct memory memory = {0};
	struct each_file each = {.directory = directory, .memory = &memory};
	file_each_name(directory, each_file, &each, NULL);
	if (reader != NULL)
		read_smaps(reader, directory, &memory);
	return memory;
}

static void
forget_cache(const char *directory)
{
	struct each_file each = {.directory = directory, .forget = true};
	file_each_name(directory, each_file, &each, NULL);
}

/* --- queries as text ------------------------------------------------------------------------- */

static void
write_hex(FILE *file, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		fprintf(file, "%02x", bytes[i]);
	putc('\n', file);
}

static void
write_query(FILE *file, const struct queries *queries, size_t i)
{
	const struct data *data = queries->data;
	const uint8_t *key = queries->keys + i * data->key_bytes;
	size_t length;
	uint32_t address;
	memcpy(&address, key, 4);
	if (data->key_bytes == 0) {
		const char *text = list_text(&queries->text, i, &length);
		fprintf(file, "%.*s\n", (int)length, text);
	} else if (data->class == CLASS_IPV4) {
		fprintf(file, "%u.%u.%u.%u\n", address >> 24, address >> 16 & 255, address >> 8 & 255,
			address & 255);
	} else if (data->class == CLASS_IPV6) {
		for (unsigned k = 0; k < 16; k += 2)
			fprintf(file, "%s%02x%02x", k ? ":" : "", key[k], key[k + 1]);
		putc('\n', file);
	} else {
		write_hex(file, key, data->key_bytes);
	}
}

static void
write_queries(const char *path, const struct data *data, enum data_stream stream, size_t count)
{
	struct queries *queries = data_queries(data, stream, count);
	FILE *file = fopen(path, "w");
	if (file == NULL)
		stop(path);
	for (size_t i = 0; i < count; i++)
		write_query(file, queries, i);
	fclose(file);
	queries_free(queries);
}

/* --- a store as it lies there ---------------------------------------------------------------- */

static double
pss_together(const char *directory, enum data_class class, const char *const *files, size_t count)
{
	static struct reader readers[READERS_MOST];
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++) {
		reader_start(&readers[i], directory, class);
		reader_order(&readers[i], files[0]);
		reader_order(&readers[i], files[1]);
	}
	for (size_t i = 0; i < count; i++)
		sum += memory_now(&readers[i], directory).pss;
	for (size_t i = 0; i < count; i++)
		reader_end(&readers[i]);
	return (double)sum / 1e6;
}

static void
measure(const struct subject *subject, const char *const *files)
{
	const struct data *data = subject->data;
	const char *directory = subject->directory;
	double n = (double)data->count;
	struct memory at[3];
	struct reader reader, warm;
	forget_cache(directory);
	reader_start(&reader, directory, data->class);
	at[0] = memory_now(&reader, directory);
	for (int i = 0; i < 2; i++) {
		reader_order(&reader, files[i]);
		at[i + 1] = memory_now(&reader, directory);
	}
	reader_start(&warm, directory, data->class);
	reader_end(&warm);
	reader_end(&reader);
	double alone = pss_together(directory, data->class, files, 1);
	double together = pss_together(directory, data->class, files, options.readers);
	printf("{\"bench\":\"memory\",\"class\":\"%s\",\"table\":\"%s\",\"entries\":%zu,\"queries\":%zu,"
	       "\"disk\":%.2f,\"hot\":%.2f,\"warm\":%.2f,\"cold\":%.2f,\"mapped\":%.2f,"
	       "\"resident_open\":%.3f,\"resident_miss\":%.2f,\"resident_hit\":%.2f,"
	       "\"cached_open\":%.3f,\"cached_miss\":%.2f,\"cached_hit\":%.2f,"
	       "\"open_ms_cold\":%.2f,\"open_ms_warm\":%.2f,"
	       "\"pss_one_mb\":%.2f,\"readers\":%zu,\"pss_all_mb\":%.2f}\n",
	       data_class_names[data->class], data->table, data->count, options.queries,
	       (double)at[0].disk / n, (double)subject->hot / n, (double)subject->warm / n,
	       (double)subject->cold / n, (double)at[0].mapped / n, (double)at[0].resident / n,
	       (double)at[1].resident / n, (double)at[2].resident / n, (double)at[0].cached / n,
	       (double)at[1].cached / n, (double)at[2].cached / n, reader.open_ms, warm.open_ms,
	       alone, options.readers, together);
	fflush(stdout);
}

static bool
run_size(enum data_class class, size_t entries)
{
	static const char *const files[2] = {"build/tmp/memory-miss", "build/tmp/memory-hit"};
	struct data *data = data_make(class, options.table, entries, 1);
	if (data == NULL)
		return false;
	struct subject *subject = subject_build(data);
	subject_close(subject); /* else its own mapping holds the files in the cache */
	write_queries(files[0], data, STREAM_MISS, options.queries);
	write_queries(files[1], data, STREAM_HIT, options.queries);
	measure(subject, files);
	subject_reopen(subject);
	subject_free(subject);
	data_free(data);
	unlink(files[0]);
	unlink(files[1]);
	return true;
}

/* --- a store that shrinks --------------------------------------------------------------------- */

static bool
repute(const char *directory, const char *const *words)
{
	char *arguments[16] = {"build/obj/bench/repute", "--store", (char *)directory, "-q"};
	int status;
	for (size_t i = 0; words[i] != NULL && i < 11; i++)
		arguments[4 + i] = (char *)words[i];
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		execv(arguments[0], arguments);
		_exit(127);
	}
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) < 2)
		return true;
	fprintf(stderr, "bench: repute %s failed\n", words[0]);
	return false;
}

static void
write_feed(const char *path, const struct data *data, size_t count)
{
	FILE *file = fopen(path, "w");
	if (file == NULL)
		stop(path);
	for (size_t i = 0; i < count; i++) {
		size_t length;
		const uint8_t *key = data_key(data, i, &length);
		write_hex(file, key, length);
	}
	fclose(file);
}

static void
print_shrink(struct reader *reader, const char *directory, const char *after, size_t entries,
	     const char *feed)
{
	reader_order(reader, "refresh");
	reader_order(reader, feed);
	struct memory memory = memory_now(reader, directory);
	printf("{\"bench\":\"shrink\",\"class\":\"sha256\",\"entries\":%zu,\"after\":\"%s\","
	       "\"disk_mb\":%.2f,\"mapped_mb\":%.2f,\"resident_mb\":%.2f,\"pss_mb\":%.2f}\n", entries, after,
	       (double)memory.disk / 1e6, (double)memory.mapped / 1e6, (double)memory.resident / 1e6,
	       (double)memory.pss / 1e6);
	fflush(stdout);
}

static bool
run_shrink(size_t entries)
{
	static const char *const feed = "build/tmp/memory-feed";
	struct data *data = data_make(CLASS_SHA256, NULL, entries, 1);
	char directory[] = "build/tmp/shrink-XXXXXX";
	struct reader reader;
	const char *const import[] = {"import", "--mirror", "--source", "feed", feed, NULL};
	const char *const compact[] = {"compact", NULL};
	if (mkdtemp(directory) == NULL)
		stop(directory);
	write_feed(feed, data, entries);
	bool good = repute(directory, import);
	if (good) {
		reader_start(&reader, directory, CLASS_SHA256);
		print_shrink(&reader, directory, "import", entries, feed);
		write_feed(feed, data, entries / 4);
		good = repute(directory, import);
		print_shrink(&reader, directory, "mirror", entries / 4, feed);
		good = good && repute(directory, compact);
		print_shrink(&reader, directory, "compact", entries / 4, feed);
		reader_end(&reader);
	}
	subject_remove(directory);
	unlink(feed);
	data_free(data);
	return good;
}

/* --- options ---------------------------------------------------------------------------------- */

static bool
options_read(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *name = argv[i], *value = argv[i + 1];
		if (strcmp(name, "--entries") == 0 && options.sizes < SIZES_MOST)
			options.entries[options.sizes++] = (size_t)strtod(value, NULL);
		else if (strcmp(name, "--queries") == 0)
			options.queries = (size_t)strtod(value, NULL);
		else if (strcmp(name, "--readers") == 0)
			options.readers = strtoul(value, NULL, 10);
		else if (strcmp(name, "--table") == 0)
			options.table = value;
		else if (strcmp(name, "--kind") != 0 || !data_class_add(&options.kinds, value))
			return false;
	}
	if (options.sizes == 0)
		options.entries[options.sizes++] = 1000000;
	if (options.kinds == 0)
		options.kinds = (1u << CLASS_CANON) - 1;
	return argc % 2 == 1 && options.queries > 0 && options.readers > 0 &&
	       options.readers <= READERS_MOST;
}

int
main(int argc, char **argv)
{
	unsigned kind = 0;
	bool good = true;
	if (argc == 4 && strcmp(argv[1], "--reader") == 0 && data_class_add(&kind, argv[3]))
		return reader_main(argv[2], (enum repute_kind)__builtin_ctz(kind));
	if (!options_read(argc, argv)) {
		fprintf(stderr, "usage: bench_memory [--entries N]... [--kind KIND]... [--table NAME] "
				"[--queries N] [--readers N]\n");
		return 2;
	}
	for (size_t size = 0; size < options.sizes; size++)
		for (unsigned class = 0; class < CLASS_CANON; class++)
			if (options.kinds >> class & 1)
				good = run_size((enum data_class)class, options.entries[size]) && good;
	size_t shrink = options.entries[0] < SHRINK_MOST ? options.entries[0] : SHRINK_MOST;
	return run_shrink(shrink) && good ? 0 : 1;
}
