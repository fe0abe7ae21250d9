/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/commands.h"
#include "query/commands.h"

#define SLOW_TRIES 3 /* opening took too long: perhaps the machine was busy */

static const struct cli_command *const commands[] = {
	&cmd_add, &cmd_compact, &cmd_expire, &cmd_import, &cmd_info, &cmd_list, &cmd_lookup,
	&cmd_profile, &cmd_remove, &cmd_retag, &cmd_source, &cmd_tag, &cmd_verify, NULL
};
static const struct cli_program commands_program = {"repute", "tests", "Tests.", commands};

/* Written by the fork that reads. */
struct crash_shared {
	int status[READERS];
	long end[READERS];
};

static void *
need(void *memory)
{
	if (memory == NULL || memory == MAP_FAILED)
		abort();
	return memory;
}

/* --- the site ---------------------------------------------------------------------------- */

static void
site_path(char *path, const char *folder, const char *name)
{
	int need_bytes = snprintf(path, CRASH_PATH_BYTES, "%s%s%s", folder, name[0] != '\0' ? "/" : "",
				  name);
	if (need_bytes < 0 || need_bytes >= CRASH_PATH_BYTES)
		abort();
}

void
crash_site_init(struct crash_site *site, const char *program, const char *folder)
{
	memset(site, 0, sizeof(*site));
	char *full = need(realpath(program, NULL));
	site_path(site->program, full, "");
	free(full);
	snprintf(site->work, CRASH_PATH_BYTES, "%s/crash-%ld", folder != NULL ? folder : "build/tmp",
		 (long)getpid());
	site_path(site->root, site->work, "w");
	site_path(site->feeds, site->work, "feeds");
	mkdir("build", 0755);
	mkdir("build/tmp", 0755);
	if (mkdir(site->work, 0755) != 0 || mkdir(site->root, 0755) != 0 ||
	    mkdir(site->feeds, 0755) != 0) {
		perror(site->work);
		exit(2);
	}
	site->store = "s";
	site->out = memfd_create("out", MFD_CLOEXEC);
	site->err = memfd_create("err", MFD_CLOEXEC);
	site->quiet = memfd_create("quiet", MFD_CLOEXEC);
	site->shared = need(mmap(NULL, sizeof(*site->shared), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	site->errors = need(calloc(1, 4096));
	if (site->out < 0 || site->err < 0 || site->quiet < 0)
		abort();
}

void
crash_site_fini(struct crash_site *site)
{
	image_remove(site->work);
	close(site->out);
	close(site->err);
	close(site->quiet);
	munmap(site->shared, sizeof(*site->shared));
	free(site->text);
	free(site->errors);
}

void
crash_site_clear(struct crash_site *site)
{
	if (ftruncate(site->out, 0) != 0 || ftruncate(site->err, 0) != 0)
		abort();
	lseek(site->out, 0, SEEK_SET);
	lseek(site->err, 0, SEEK_SET);
}

void
crash_site_take(struct crash_site *site)
{
	struct stat info;
	if (fstat(site->out, &info) != 0)
		abort();
	size_t length = (size_t)info.st_size;
	if (length >= site->text_room) {
		site->text_room = length + 65536;
		site->text = need(realloc(site->text, site->text_room));
	}
	if (pread(site->out, site->text, length, 0) != (ssize_t)length)
		abort();
	site->text[length] = '\0';
	site->text_length = length;
	ssize_t got = pread(site->err, site->errors, 4095, 0);
	site->errors[got < 0 ? 0 : got] = '\0';
}

/* --- commands ---------------------------------------------------------------------------- */

static void
run_words(struct crash_site *site, char *const *argv, struct crash_run *run)
{
	struct trace_command command = {.argv = argv, .directory = site->root, .store = site->store,
					.out = site->out, .err = site->err, .trace = run->trace,
					.call = run->call, .part = run->part, .log = run->log,
					.on_pause = run->on_pause, .pause = run->pause,
					.context = run->context};
	crash_site_clear(site);
	run->end = trace_command(&command);
	site->hung += run->end == TRACE_HUNG;
	run->status = command.status;
	crash_site_take(site);
	char *line = strchr(site->text, '\n');
	run->said = line != NULL;
	snprintf(site->said, sizeof(site->said), "%.*s", line == NULL ? 0 : (int)(line - site->text),
		 site->text);
	site->commands++;
}

void
crash_run(struct crash_site *site, const struct crash_step *step, struct crash_run *run)
{
	static struct crash_words words;
	crash_step_words(step, site->program, site->store, site->feeds, "../feeds", &words);
	run_words(site, words.word, run);
}

void
crash_run_list(struct crash_site *site, struct crash_run *run)
{
	static struct crash_words words;
	crash_words_begin(&words, site->program, site->store, CRASH_NOW);
	crash_words_add(&words, "list");
	run_words(site, words.word, run);
}

/* In the fork. */
static int
child_main(struct crash_words *words)
{
	int status = cli_main(&commands_program, (int)words->count, words->word);
	fflush(stdout);
	return status;
}

static bool
child_enter(struct crash_site *site, int out, int err)
{
	return chdir(site->root) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2;
}

void
crash_run_quick(struct crash_site *site, const struct crash_step *step)
{
	static struct crash_words words;
	struct trace_command command = {0};
	crash_step_words(step, site->program, site->store, site->feeds, "../feeds", &words);
	if (ftruncate(site->quiet, 0) != 0)
		abort();
	fflush(NULL);
	pid_t child = fork();
	if (child == 0)
		_exit(child_enter(site, site->quiet, 2) ? child_main(&words) : 127);
	if (trace_wait(child, &command) != TRACE_ENDED || command.status != 0) {
		fprintf(stderr, "crash: a command that prepares: status %d\n", command.status);
		abort();
	}
	site->commands++;
}

/* --- facts ------------------------------------------------------------------------------- */

static void
facts_add(void *context, const char *line, size_t length)
{
	struct crash_facts *facts = context;
	uint64_t sum = length;
	for (; length >= 8; length -= 8, line += 8) {
		uint64_t word;
		memcpy(&word, line, 8);
		sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
		sum ^= sum >> 32;
	}
	for (; length > 0; length--) {
		sum = (sum ^ (unsigned char)*line++) * 0x9e3779b97f4a7c15u;
		sum ^= sum >> 32;
	}
	facts->sum += sum;
	facts->sum_squared += (sum >> 7 | 1) * (sum >> 11 | 1);
	facts->count++;
}

static bool
facts_same(const struct crash_facts *a, const struct crash_facts *b)
{
	return a->sum == b->sum && a->sum_squared == b->sum_squared && a->count == b->count;
}

/* Lines of what a reader printed, but those of tag list that are not ours. */
static void
each_line(const struct crash_site *site, const struct crash_reading *reading, crash_line_cb *call,
	  void *context)
{
	static const char ours[] = CRASH_TAG_LINE;
	for (int reader = READ_LIST; reader <= READ_PROFILES; reader++) {
		const char *line = site->text + (reader == 0 ? 0 : reading->end[reader - 1]);
		const char *end = site->text + reading->end[reader];
		while (line < end) {
			const char *stop = memchr(line, '\n', (size_t)(end - line));
			if (stop == NULL)
				stop = end;
			if (reader != READ_TAGS || strncmp(line, ours, sizeof(ours) - 1) == 0)
				call(context, line, (size_t)(stop - line));
			line = stop + 1;
		}
	}
}

/* --- reading ----------------------------------------------------------------------------- */

static void
reader_words(const struct crash_site *site, enum crash_reader reader, struct crash_words *words)
{
	static const char *const verbs[READERS][3] = {
		{"list", "--json", "--expired"}, {"source", "list", "--json"}, {"tag", "list", "--json"},
		{"profile", "list", "--json"}, {"lookup", "--json"}, {"verify"}, {"info"},
	};
	char key[CRASH_KEY_BYTES];
	crash_words_begin(words, site->program, site->store, CRASH_NOW);
	for (int i = 0; i < 3 && verbs[reader][i] != NULL; i++)
		crash_words_add(words, "%s", verbs[reader][i]);
	for (size_t i = 0; reader == READ_LOOKUP && i < site->probe_count; i++) {
		crash_key(site->probes[i], key);
		crash_words_add(words, "%s", key);
	}
}

static void
read_in_fork(struct crash_site *site, struct crash_reading *reading)
{
	static struct crash_words words;
	struct trace_command command = {0};
	struct crash_shared *shared = site->shared;
	crash_site_clear(site);
	for (int i = 0; i < READERS; i++)
		shared->status[i] = -1;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		if (!child_enter(site, site->out, site->err))
			_exit(127);
		for (int i = 0; i < READERS; i++) {
			reader_words(site, (enum crash_reader)i, &words);
			shared->status[i] = child_main(&words);
			shared->end[i] = lseek(1, 0, SEEK_CUR);
		}
		_exit(0);
	}
	site->hung += trace_wait(child, &command) == TRACE_HUNG;
	crash_site_take(site);
	long end = 0;
	for (int i = 0; i < READERS; i++) {
		reading->status[i] = shared->status[i];
		if (shared->status[i] != -1)
			end = shared->end[i];
		reading->end[i] = (size_t)end;
	}
	reading->seconds = command.seconds; /* of all seven */
}

/* One reader. Its time: of the processor, or by the clock for the one that only opens the store. */
static double
read_by_program(struct crash_site *site, enum crash_reader reader, struct crash_reading *reading)
{
	static struct crash_words words;
	struct trace_command command = {.argv = words.word, .directory = site->root, .store = site->store,
					.out = site->out, .err = site->err, .call = -1};
	long before = lseek(site->out, 0, SEEK_CUR);
	reader_words(site, reader, &words);
	for (int tries = 0; tries < SLOW_TRIES; tries++) {
		lseek(site->out, before, SEEK_SET);
		if (ftruncate(site->out, before) != 0)
			abort();
		enum trace_end end = trace_command(&command);
		reading->status[reader] = end == TRACE_ENDED ? command.status : -1;
		site->hung += end == TRACE_HUNG;
		site->commands++;
		if (reader != READ_INFO || command.seconds <= CRASH_OPEN_SECONDS)
			break;
	}
	reading->end[reader] = (size_t)lseek(site->out, 0, SEEK_CUR);
	return reader == READ_INFO ? command.seconds : command.cpu_seconds;
}

static void
read_by_programs(struct crash_site *site, struct crash_reading *reading)
{
	crash_site_clear(site);
	reading->seconds = 0;
	for (int i = 0; i < READERS; i++) {
		double seconds = read_by_program(site, (enum crash_reader)i, reading);
		if (seconds > reading->seconds)
			reading->seconds = seconds;
	}
	crash_site_take(site);
}

static unsigned
read_listed(const struct crash_site *site, const struct crash_reading *reading)
{
	const char *line = site->text + reading->end[READ_LOOKUP - 1];
	const char *end = site->text + reading->end[READ_LOOKUP];
	unsigned listed = 0;
	for (unsigned i = 0; line < end; i++) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		if (stop == NULL)
			break;
		const char *yes = memmem(line, (size_t)(stop - line), "\"listed\":true", 13);
		listed |= (yes != NULL) << i;
		line = stop + 1;
	}
	return listed;
}

void
crash_read(struct crash_site *site, bool programs, struct crash_reading *reading)
{
	memset(reading, 0, sizeof(*reading));
	if (!programs)
		read_in_fork(site, reading);
	if (programs || reading->seconds > CRASH_OPEN_SECONDS)
		read_by_programs(site, reading);
	reading->store = !(reading->status[READ_LIST] == 2 &&
			   strstr(site->errors, "there is no store here") != NULL);
	reading->complaints = site->errors[0] != '\0';
	each_line(site, reading, facts_add, &reading->facts);
	reading->listed = read_listed(site, reading);
}

/* --- worlds ------------------------------------------------------------------------------ */

struct crash_node *
crash_node_new(const struct crash_site *site, struct crash_world *world)
{
	struct crash_node *node = need(calloc(1, sizeof(*node)));
	node->world = *world;
	crash_world_lines(world, facts_add, &node->facts);
	for (size_t i = 0; i < site->probe_count; i++)
		node->listed |= (unsigned)crash_world_has(world, site->probes[i]) << i;
	return node;
}

struct crash_node *
crash_node_after(const struct crash_site *site, struct crash_node *node, const struct crash_step *step)
{
	struct crash_world world;
	for (struct crash_node *below = node->below; below != NULL; below = below->next)
		if (below->step == step)
			return below;
	crash_world_copy(&node->world, &world);
	crash_world_apply(&world, step);
	struct crash_node *after = crash_node_new(site, &world);
	after->step = step;
	after->next = node->below;
	node->below = after;
	return after;
}

void
crash_node_free(struct crash_node *node)
{
	while (node != NULL) {
		struct crash_node *next = node->next;
		crash_node_free(node->below);
		crash_world_fini(&node->world);
		free(node);
		node = next;
	}
}

/* --- judging ----------------------------------------------------------------------------- */

const char *const crash_fault_names[CRASH_FAULTS] = {"well", "unopenable", "lost", "torn", "verify",
						     "next", "harness"};

struct lines {
	char **line;
	size_t count, capacity;
};

static void
lines_add(void *context, const char *line, size_t length)
{
	struct lines *lines = context;
	if (lines->count == lines->capacity) {
		lines->capacity = lines->capacity == 0 ? 64 : lines->capacity * 2;
		lines->line = need(realloc(lines->line, lines->capacity * sizeof(char *)));
	}
	lines->line[lines->count++] = need(strndup(line, length));
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->line[i]);
	free(lines->line);
}

struct difference {
	size_t missing, extra;
	char first_missing[300], first_extra[300];
};

static void
lines_compare(const struct lines *want, const struct lines *have, struct difference *difference)
{
	size_t i = 0, j = 0;
	memset(difference, 0, sizeof(*difference));
	while (i < want->count || j < have->count) {
		int order = i == want->count ? 1 : j == have->count ? -1
			    : strcmp(want->line[i], have->line[j]);
		if (order < 0 && difference->missing++ == 0)
			snprintf(difference->first_missing, 300, "%s", want->line[i]);
		if (order > 0 && difference->extra++ == 0)
			snprintf(difference->first_extra, 300, "%s", have->line[j]);
		i += order <= 0;
		j += order >= 0;
	}
}

/* How what was read differs from a world. */
static void
compare(const struct crash_site *site, const struct crash_reading *reading,
	const struct crash_node *node, struct difference *difference)
{
	struct lines want = {0}, have = {0};
	each_line(site, reading, lines_add, &have);
	crash_world_lines(&node->world, lines_add, &want);
	if (have.count > 0)
		qsort(have.line, have.count, sizeof(char *), by_text);
	if (want.count > 0)
		qsort(want.line, want.count, sizeof(char *), by_text);
	lines_compare(&want, &have, difference);
	lines_free(&want);
	lines_free(&have);
}

/* Not one of the worlds: lost if all of them have more than what was read, else torn. */
static enum crash_fault
judge_difference(struct crash_site *site, const struct crash_reading *reading,
		 struct crash_node *const *nodes, size_t count, char why[CRASH_WHY_BYTES])
{
	struct difference difference;
	bool lost = true;
	size_t used = 0;
	for (size_t i = 0; i < count && used < CRASH_WHY_BYTES; i++) {
		compare(site, reading, nodes[i], &difference);
		lost &= difference.missing > 0;
		used += (size_t)snprintf(why + used, CRASH_WHY_BYTES - used,
					 "%s%zu lines missing (%s), %zu too many (%s)",
					 i > 0 ? "; or " : "", difference.missing,
					 difference.first_missing, difference.extra,
					 difference.first_extra);
	}
	return lost && (count == 1 || difference.extra == 0) ? CRASH_LOST : CRASH_TORN;
}

static bool
is_well(const struct crash_reading *reading, enum crash_reader reader)
{
	bool may_find_nothing = reader != READ_TAGS && reader != READ_INFO && reader != READ_VERIFY;
	return reading->status[reader] == 0 || (may_find_nothing && reading->status[reader] == 1);
}

static enum crash_fault
judge_readers(struct crash_site *site, const struct crash_reading *reading, bool damaged,
	      char why[CRASH_WHY_BYTES])
{
	for (int i = 0; i < READERS; i++) {
		if (is_well(reading, (enum crash_reader)i) || (i == READ_VERIFY && damaged))
			continue;
		const char *from = i == 0 ? site->text : site->text + reading->end[i - 1];
		snprintf(why, CRASH_WHY_BYTES, "reader %d: status %d: %.300s%.600s", i,
			 reading->status[i], site->errors, i == READ_VERIFY ? from : "");
		return i == READ_VERIFY ? CRASH_VERIFY : CRASH_UNOPENABLE;
	}
	if (reading->complaints && !damaged) {
		snprintf(why, CRASH_WHY_BYTES, "a reader complains: %.600s", site->errors);
		return CRASH_VERIFY;
	}
	if (reading->seconds <= CRASH_OPEN_SECONDS)
		return CRASH_WELL;
	snprintf(why, CRASH_WHY_BYTES, "a reader took %.2f s", reading->seconds);
	return CRASH_UNOPENABLE;
}

enum crash_fault
crash_judge(struct crash_site *site, const struct crash_reading *reading, bool damaged,
	    struct crash_node *const *nodes, size_t count, struct crash_node **found,
	    char why[CRASH_WHY_BYTES])
{
	if (reading->store) {
		enum crash_fault fault = judge_readers(site, reading, damaged, why);
		if (fault != CRASH_WELL)
			return fault;
	}
	for (size_t i = 0; i < count; i++) {
		if (nodes[i]->world.exists != reading->store ||
		    !facts_same(&nodes[i]->facts, &reading->facts))
			continue;
		if (reading->store && nodes[i]->listed != reading->listed) {
			snprintf(why, CRASH_WHY_BYTES, "list and lookup differ: listed %x, not %x",
				 reading->listed, nodes[i]->listed);
			return CRASH_TORN;
		}
		*found = nodes[i];
		return CRASH_WELL;
	}
	if (!reading->store) {
		snprintf(why, CRASH_WHY_BYTES, "there is no store any more");
		return CRASH_LOST;
	}
	return judge_difference(site, reading, nodes, count, why);
}
