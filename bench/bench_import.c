/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_import: from text feeds to a published store by `repute import`.
 *
 *   bench_import [--entries 1e7] [--program build/obj/bench/repute] [--keep yes]
 *
 * Feeds are written first, of the keys of bench/data.h in the shape of the lists that they
 * grow from, shares as below: IPsum's address and count, hosts files, plain URLs, digests,
 * each with a head of comments. The parser by itself (reading, finding values, canonical keys;
 * no store) takes them first, then the program takes them all in one transaction. Two
 * lines of JSON: entries, bytes, seconds by the clock and of processor, a rate of entries a
 * second; of the import also its own counts and the most memory it held.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/subject.h"
#include "bench/timer.h"
#include "engine/canon.h"
#include "loader/feed.h"

static const struct share {
	enum data_class class;
	unsigned percent;
	const char *head, *before, *after; /* around each value */
} shares[] = {
	{CLASS_IPV4, 30, "# addresses and on how many lists they are\n#\n", "", "\t3"},
	{CLASS_IPV6, 5, "# addresses and prefixes\n", "", ""},
	{CLASS_DOMAIN, 35, "# hosts\n127.0.0.1 localhost\n\n", "0.0.0.0 ", ""},
	{CLASS_URL, 12, "# phishing\n", "", ""},
	{CLASS_SHA1, 3, "# files\n", "", ""},
	{CLASS_SHA256, 15, "# files\n", "", ""},
};
#define SHARES (sizeof(shares) / sizeof(*shares))

static struct options {
	size_t entries;
	const char *program;
	bool keep;
} options = {.entries = 10000000, .program = "build/obj/bench/repute"};

static char paths[SHARES][64];

static void
stop(const char *what)
{
	perror(what);
	exit(2);
}

/* --- feeds ------------------------------------------------------------------------------------ */

static void
print_value(FILE *file, const struct data *data, size_t i)
{
	size_t length;
	const uint8_t *key = data_key(data, i, &length);
	uint32_t address;
	memcpy(&address, key, 4);
	if (data->key_bytes == 0) {
		fwrite(key, 1, length, file);
	} else if (data->class == CLASS_IPV4) {
		fprintf(file, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
			address & 255);
		if (data_bits(data, i) < 32)
			fprintf(file, "/%u", data_bits(data, i));
	} else if (data->class == CLASS_IPV6) {
		for (unsigned k = 0; k < 16; k += 2)
			fprintf(file, "%s%x", k ? ":" : "", key[k] << 8 | key[k + 1]);
		if (data_bits(data, i) < 128)
			fprintf(file, "/%u", data_bits(data, i));
	} else {
		for (size_t k = 0; k < length; k++)
			fprintf(file, "%02x", key[k]);
	}
}

static size_t
write_feed(const struct share *share, const char *path, uint64_t *bytes)
{
	struct data *data = data_make(share->class, NULL, options.entries * share->percent / 100, 1);
	FILE *file = fopen(path, "w");
	if (file == NULL || data == NULL)
		stop(path);
	size_t count = data->count;
	fputs(share->head, file);
	for (size_t i = 0; i < count; i++) {
		fputs(share->before, file);
		print_value(file, data, i);
		fputs(share->after, file);
		putc('\n', file);
	}
	*bytes += (uint64_t)ftell(file);
	if (fclose(file) != 0)
		stop(path);
	data_free(data);
	return count;
}

/* --- the parser alone ------------------------------------------------------------------------- */

static double
processor_seconds(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1e-6;
}

static size_t
parse(const char *path)
{
	static struct key key;
	struct feed_options feed_options = {.kind = KIND_ANY};
	struct canon_options canon_options = {.use = CANON_ENTRY};
	struct feed_item item;
	struct feed_reject reject;
	struct fault fault;
	struct feed *feed;
	enum feed_outcome outcome;
	size_t count = 0;
	if (feed_open(path, &feed_options, &feed, &fault) != STATUS_OK)
		return 0;
	while ((outcome = feed_next(feed, &item, &reject, &fault)) < FEED_END)
		if (outcome == FEED_ITEM)
			count += canon_key(item.kind, item.value, item.value_length, &canon_options, &key,
					   &fault) == STATUS_OK;
	feed_close(feed);
	return count;
}

static void
run_parser(uint64_t bytes)
{
	struct rusage before, after;
	size_t count = 0;
	getrusage(RUSAGE_SELF, &before);
	double start = timer_ns();
	for (size_t i = 0; i < SHARES; i++)
		count += parse(paths[i]);
	double seconds = (timer_ns() - start) * 1e-9;
	getrusage(RUSAGE_SELF, &after);
	double processor = processor_seconds(&after) - processor_seconds(&before);
	printf("{\"bench\":\"import\",\"what\":\"parser\",\"entries\":%zu,\"bytes\":%llu,\"seconds\":%.3f,"
	       "\"cpu_seconds\":%.3f,\"entries_per_second\":%.0f,\"entries_per_cpu_second\":%.0f}\n",
	       count, (unsigned long long)bytes, seconds, processor, (double)count / seconds,
	       (double)count / processor);
	fflush(stdout);
}

/* --- the import ------------------------------------------------------------------------------- */

/* Runs it; what it printed last (a line of JSON) in `text`. */
static bool
run_program(const char *directory, char *text, size_t room, struct rusage *usage, double *seconds)
{
	char *arguments[SHARES + 12] = {(char *)options.program, "--store", (char *)directory, "--json",
					"import", "--source", "feeds"};
	char line[4096] = "";
	int from[2], status;
	for (size_t i = 0; i < SHARES; i++)
		arguments[7 + i] = paths[i];
	double start = timer_ns();
	if (pipe(from) != 0)
		stop("pipe");
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		dup2(from[1], 1);
		close(from[0]);
		close(from[1]);
		execv(arguments[0], arguments);
		_exit(127);
	}
	close(from[1]);
	FILE *file = fdopen(from[0], "r");
	while (fgets(line, sizeof(line), file) != NULL)
		snprintf(text, room, "%.*s", (int)strcspn(line, "\n"), line);
	fclose(file);
	if (wait4(child, &status, 0, usage) != child)
		stop("wait4");
	*seconds = (timer_ns() - start) * 1e-9;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
run_import(size_t entries, uint64_t bytes)
{
	char directory[] = "build/tmp/import-XXXXXX", text[4096] = "null";
	struct rusage usage;
	double seconds;
	if (mkdtemp(directory) == NULL)
		stop(directory);
	bool good = run_program(directory, text, sizeof(text), &usage, &seconds);
	if (good)
		printf("{\"bench\":\"import\",\"what\":\"import\",\"entries\":%zu,\"bytes\":%llu,"
		       "\"seconds\":%.3f,\"cpu_seconds\":%.3f,\"entries_per_second\":%.0f,"
		       "\"entries_per_cpu_second\":%.0f,\"peak_mb\":%.1f,\"said\":%s}\n", entries,
		       (unsigned long long)bytes, seconds, processor_seconds(&usage),
		       (double)entries / seconds, (double)entries / processor_seconds(&usage),
		       (double)usage.ru_maxrss / 1024, text);
	else
		fprintf(stderr, "bench: %s import failed\n", options.program);
	subject_remove(directory);
	return good;
}

static bool
options_read(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--entries") == 0)
			options.entries = (size_t)strtod(argv[i + 1], NULL);
		else if (strcmp(argv[i], "--program") == 0)
			options.program = argv[i + 1];
		else if (strcmp(argv[i], "--keep") == 0)
			options.keep = strcmp(argv[i + 1], "yes") == 0;
		else
			return false;
	}
	return argc % 2 == 1 && options.entries >= 100;
}

int
main(int argc, char **argv)
{
	size_t entries = 0;
	uint64_t bytes = 0;
	if (!options_read(argc, argv)) {
		fprintf(stderr, "usage: bench_import [--entries N] [--program FILE] [--keep yes|no]\n");
		return 2;
	}
	for (size_t i = 0; i < SHARES; i++) {
		snprintf(paths[i], sizeof(paths[i]), "build/tmp/import-%ld-%s.txt", (long)getpid(),
			 data_class_names[shares[i].class]);
		entries += write_feed(&shares[i], paths[i], &bytes);
	}
	run_parser(bytes);
	bool good = run_import(entries, bytes);
	for (size_t i = 0; i < SHARES && !options.keep; i++)
		unlink(paths[i]);
	return good ? 0 : 1;
}
