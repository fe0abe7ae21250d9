/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* asprintf */
#include "engine/cli.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/clock.h"
#include "engine/json.h"
#include "engine/text.h"
#include "engine/version.h"

#define CLI_OPTIONS_MAX 64    /* rows of a command and the global ones together */
#define CLI_NEAR_BYTES 64     /* longest name that a mistyped one is compared with */
#define CLI_GLOBAL 1000       /* getopt values of the global rows begin here */

enum {
	GLOBAL_STORE = 1,
	GLOBAL_JSON,
	GLOBAL_QUIET,
	GLOBAL_VERBOSE,
	GLOBAL_NOW,
	GLOBAL_HELP,
	GLOBAL_VERSION
};

const struct cli_option cli_global_options[] = {
	{GLOBAL_STORE, "store", 0, "DIR", NULL, "the store to work on"},
	{GLOBAL_JSON, "json", 0, NULL, NULL, "one JSON object per line on standard output"},
	{GLOBAL_QUIET, "quiet", 'q', NULL, NULL, "no messages and no progress, only errors"},
	{GLOBAL_VERBOSE, "verbose", 'v', NULL, NULL, "say more on standard error"},
	{GLOBAL_NOW, "now", 0, "TIME", NULL, "work as of that time (RFC 3339)"},
	{GLOBAL_HELP, "help", 'h', NULL, NULL, "show help"},
	{GLOBAL_VERSION, "version", 0, NULL, NULL, "show the version"},
	{0}
};

/* ---- signals ---- */

#define SLEEP_SECONDS 86400 /* of one wait, whatever the system's time_t */

static volatile sig_atomic_t interrupted_by;

static void
on_interrupt(int number)
{
	interrupted_by = number;
}

static void
signals_set(const struct sigaction *action)
{
	struct sigaction before;
	static const int numbers[] = {SIGINT, SIGTERM};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		/* nohup and shells without job control ignore on purpose */
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(numbers[i], action, NULL);
	}
}

/* Without SA_RESTART, so that a read of stdin ends; SA_RESETHAND lets the second one kill. */
static void
signals_install(void)
{
	const struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
	signals_set(&action);
}

void
cli_interruptible(void)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};
	signals_set(&action);
}

static void
on_end(int number)
{
	(void)number;
	_exit(CLI_FOUND);
}

void
cli_interruptible_done(void)
{
	const struct sigaction action = {.sa_handler = on_end};
	signals_set(&action);
}

void
cli_uninterruptible(void)
{
	signals_install();
}

bool
cli_interrupted(void)
{
	return interrupted_by != 0;
}

/* The signals are let in by the wait alone: none can slip in between the question and the sleep. */
bool
cli_sleep(uint64_t seconds)
{
	sigset_t signals, before;
	double end = clock_elapsed() + (double)seconds, left;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);
	while (interrupted_by == 0 && (left = end - clock_elapsed()) > 0) {
		double turn = left < SLEEP_SECONDS ? left : SLEEP_SECONDS;
		struct timespec time = {(time_t)turn, (long)((turn - (double)(time_t)turn) * 1e9)};
		(void)ppoll(NULL, 0, &time, &before);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return interrupted_by == 0;
}

/* ---- words on stderr ---- */

/* Bytes at the start of `text` that may be shown as they are, as one run. */
static size_t
safe_run(const char *text, size_t length)
{
	size_t run = 0;
	while (run < length) {
		unsigned char byte = (unsigned char)text[run];
		uint32_t code = byte;
		size_t bytes = 1;
		if (byte >= 0x7f)
			bytes = text_utf8_next(text + run, length - run, &code);
		if (bytes == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
			break;
		run += bytes;
	}
	return run;
}

void
cli_put(FILE *out, const char *text, size_t length)
{
	for (;;) {
		size_t run = safe_run(text, length);
		fwrite(text, 1, run, out);
		if (run == length)
			return;
		fprintf(out, "\\x%02x", (unsigned char)text[run]);
		text += run + 1;
		length -= run + 1;
	}
}

static void
put_safe(FILE *out, const char *text)
{
	cli_put(out, text, strlen(text));
}

int
cli_error(const struct cli *cli, const struct fault *fault)
{
	fprintf(stderr, "%s: ", cli->program->name);
	if (fault->where[0] != '\0') {
		put_safe(stderr, fault->where);
		if (fault->offset != 0)
			fprintf(stderr, ":%llu", (unsigned long long)fault->offset);
		fputs(": ", stderr);
	}
	put_safe(stderr, fault->text[0] != '\0' ? fault->text : status_text(fault->status));
	fputc('\n', stderr);
	return CLI_ERROR;
}

static void __attribute__((format(printf, 2, 0)))
say(const struct cli *cli, const char *format, va_list arguments)
{
	char text[1024];
	vsnprintf(text, sizeof(text), format, arguments);
	put_safe(stderr, text);
	fputc('\n', stderr);
}

int
cli_usage(const struct cli *cli, const char *format, ...)
{
	const char *command = cli->command != NULL ? cli->command->name : NULL;
	va_list arguments;
	fprintf(stderr, "%s%s%s: ", cli->program->name, command ? " " : "", command ? command : "");
	va_start(arguments, format);
	say(cli, format, arguments);
	va_end(arguments);
	fprintf(stderr, "Try '%s help%s%s'.\n", cli->program->name, command ? " " : "",
		command ? command : "");
	return CLI_ERROR;
}

void
cli_note(const struct cli *cli, const char *format, ...)
{
	va_list arguments;
	if (cli->quiet)
		return;
	fprintf(stderr, "%s: ", cli->program->name);
	va_start(arguments, format);
	say(cli, format, arguments);
	va_end(arguments);
}

void
cli_verbose(const struct cli *cli, const char *format, ...)
{
	va_list arguments;
	if (!cli->verbose || cli->quiet)
		return;
	fprintf(stderr, "%s: ", cli->program->name);
	va_start(arguments, format);
	say(cli, format, arguments);
	va_end(arguments);
}

void
cli_recovered(const struct cli *cli, struct fault *fault)
{
	if (fault->status == STATUS_OK && fault->text[0] != '\0')
		cli_note(cli, "%s: %s", fault->where, fault->text);
	fault->text[0] = '\0';
}

/* ---- "did you mean" ---- */

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edit distance in which two neighbours swapped are one mistake (optimal string alignment). */
static size_t
distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][CLI_NEAR_BYTES + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b_length; j++)
		above[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t other = a[i - 1] != b[j - 1];
			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + other);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		size_t *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[b_length];
}

const char *
cli_near(const char *text, const char *const *names)
{
	const char *nearest = NULL;
	size_t length = strlen(text), best = 1 + least(2, length / 2);
	if (length == 0 || length > CLI_NEAR_BYTES)
		return NULL;
	for (; *names != NULL; names++) {
		size_t name_length = strlen(*names);
		if (name_length > CLI_NEAR_BYTES)
			continue;
		size_t apart = distance(text, length, *names, name_length);
		/* "norm" is far from "normalize" by distance, and clearly meant */
		if (length >= 3 && strncmp(text, *names, length) == 0)
			apart = 1;
		if (apart < best) {
			best = apart;
			nearest = *names;
		}
	}
	return nearest;
}

/* ---- options ---- */

/* The rows of a command and the global ones in getopt's shapes. */
struct option_table {
	struct option rows[CLI_OPTIONS_MAX + 1];
	const char *names[CLI_OPTIONS_MAX + 1];
	char letters[2 * CLI_OPTIONS_MAX + 3];
	size_t count, letters_length;
};

static void
table_add(struct option_table *table, const struct cli_option *options, int base)
{
	for (int i = 0; options != NULL && options[i].id != 0; i++) {
		const struct cli_option *row = &options[i];
		assert(table->count < CLI_OPTIONS_MAX);
		table->names[table->count] = row->name;
		table->rows[table->count++] = (struct option){
			.name = row->name,
			.has_arg = row->argument != NULL ? required_argument : no_argument,
			.val = base + i + 1,
		};
		if (row->letter != 0) {
			table->letters[table->letters_length++] = row->letter;
			if (row->argument != NULL)
				table->letters[table->letters_length++] = ':';
		}
	}
}

static void
table_build(struct option_table *table, const struct cli_command *command)
{
	*table = (struct option_table){0};
	if (command == NULL) /* stop at the command's name */
		table->letters[table->letters_length++] = '+';
	table->letters[table->letters_length++] = ':';
	if (command != NULL)
		table_add(table, command->options, CLI_GLOBAL);
	table_add(table, cli_global_options, 0);
}

static const struct cli_option *
row_by_letter(const struct cli_option *options, int letter)
{
	for (; options != NULL && options->id != 0; options++)
		if (options->letter == letter && letter != 0)
			return options;
	return NULL;
}

/* What getopt returned, as a row; *global tells whose. NULL: it was a complaint. */
static const struct cli_option *
row_found(const struct cli_command *command, int found, bool *global)
{
	const struct cli_option *own = command != NULL ? command->options : NULL;
	*global = false;
	if (found > CLI_GLOBAL)
		return &own[found - CLI_GLOBAL - 1];
	const struct cli_option *row = found < 256 ? row_by_letter(own, found) : NULL;
	if (row != NULL)
		return row;
	*global = true;
	if (found > 0 && found <= GLOBAL_VERSION)
		return &cli_global_options[found - 1];
	return row_by_letter(cli_global_options, found);
}

static int
option_stop(struct cli *cli, int status)
{
	cli->status = status;
	return -1;
}

static int
option_complain(struct cli *cli, const struct option_table *table, int found, char **argv)
{
	bool global;
	const char *word = optind > 0 ? argv[optind - 1] : "";
	const struct cli_option *row = row_found(cli->command, optopt, &global);
	if (found == ':')
		cli_usage(cli, "option --%s needs %s", row->name, row->argument);
	else if (row != NULL)
		cli_usage(cli, "option --%s takes no argument", row->name);
	else if (optopt != 0)
		cli_usage(cli, "unknown option -%c", optopt);
	else {
		char name[CLI_NEAR_BYTES];
		const char *near;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
		near = cli_near(name, table->names);
		cli_usage(cli, "unknown option --%s%s%s", name, near ? "; did you mean --" : "",
			  near ? near : "");
	}
	return option_stop(cli, CLI_ERROR);
}

static int
set_now(struct cli *cli, const char *text)
{
	struct fault fault = {0};
	if (clock_parse(text, strlen(text), &cli->now, &fault) != STATUS_OK) {
		snprintf(fault.where, sizeof(fault.where), "--now");
		fault.offset = 0;
		return option_stop(cli, cli_error(cli, &fault));
	}
	cli->now_given = true;
	return 0;
}

/* 0: go on; < 0: stop. */
static int
global_apply(struct cli *cli, int id)
{
	switch (id) {
	case GLOBAL_STORE:
		if (optarg[0] == '\0')
			return option_stop(cli, cli_usage(cli, "option --store needs DIR"));
		cli->store = optarg;
		return 0;
	case GLOBAL_JSON:
		cli->json = true;
		return 0;
	case GLOBAL_QUIET:
		cli->quiet = true;
		return 0;
	case GLOBAL_VERBOSE:
		cli->verbose = true;
		return 0;
	case GLOBAL_NOW:
		return set_now(cli, optarg);
	case GLOBAL_HELP:
		return option_stop(cli, cli_help(cli, cli->command ? cli->command->name : NULL));
	default:
		printf("%s %s\n", cli->program->name, VERSION_TEXT);
		return option_stop(cli, CLI_FOUND);
	}
}

int
cli_option(struct cli *cli, int argc, char **argv)
{
	struct option_table table;
	table_build(&table, cli->command);
	for (;;) {
		bool global;
		int found = getopt_long(argc, argv, table.letters, table.rows, NULL);
		if (found == -1)
			break;
		if (found == '?' || found == ':')
			return option_complain(cli, &table, found, argv);
		const struct cli_option *row = row_found(cli->command, found, &global);
		assert(row != NULL);
		cli->value = optarg;
		if (!global)
			return row->id;
		if (global_apply(cli, row->id) < 0)
			return -1;
	}
	cli->operands = argv + optind;
	cli->operand_count = argc - optind;
	return 0;
}

/* ---- main ---- */

/*
 * A program started with stdin, stdout or stderr closed would get their
 * numbers for the files it opens, and print into a store. Fill the gaps with
 * descriptors on which the usual use fails.
 */
static void
stdio_guard(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
			int filler = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
			if (filler > 2)
				close(filler);
		}
	}
}

static const char *
env(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

static const char *
home_dir(void)
{
	const struct passwd *user;
	if (env("HOME") != NULL)
		return env("HOME");
	user = getpwuid(getuid());
	return user != NULL ? user->pw_dir : "/nonexistent";
}

/* The rule of the command line's contract; *heap is for the caller to free. */
static const char *
store_resolve(char **heap)
{
	const char *data = env("XDG_DATA_HOME");
	int length;
	*heap = NULL;
	if (env("REPUTE_STORE") != NULL)
		return env("REPUTE_STORE");
	if (geteuid() == 0)
		return "/var/lib/repute";
	if (data != NULL && data[0] == '/')
		length = asprintf(heap, "%s/repute", data);
	else
		length = asprintf(heap, "%s/.local/share/repute", home_dir());
	return length > 0 ? *heap : "/var/lib/repute";
}

static const struct cli_command *
command_find(const struct cli_program *program, const char *name)
{
	for (size_t i = 0; program->commands[i] != NULL; i++)
		if (strcmp(program->commands[i]->name, name) == 0)
			return program->commands[i];
	return NULL;
}

int
cli_command_unknown(const struct cli *cli, const char *name)
{
	const char *names[CLI_OPTIONS_MAX + 1], *near;
	size_t count = 0;
	for (size_t i = 0; cli->program->commands[i] != NULL && count < CLI_OPTIONS_MAX; i++)
		if (!cli->program->commands[i]->hidden)
			names[count++] = cli->program->commands[i]->name;
	names[count] = NULL;
	near = cli_near(name, names);
	return cli_usage(cli, "no command '%s'%s%s%s", name, near ? "; did you mean '" : "",
			 near ? near : "", near ? "'?" : "");
}

static int
dispatch(struct cli *cli, int argc, char **argv)
{
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	if (cli_option(cli, argc, argv) < 0)
		return cli->status;
	if (cli->operand_count == 0)
		return cli_usage(cli, "which command?");
	char **command_argv = cli->operands;
	int command_argc = cli->operand_count;
	cli->command = command_find(cli->program, command_argv[0]);
	if (cli->command == NULL)
		return cli_command_unknown(cli, command_argv[0]);
	optind = 0;
	return cli->command->run(cli, command_argc, command_argv);
}

bool
cli_output_failed(void)
{
	return ferror(stdout) != 0;
}

static bool output_lost; /* memory did not suffice for all of it */

void
cli_json_flush(struct json_writer *json)
{
	enum status status = json_flush(json, stdout);
	if (status == STATUS_OK || status == STATUS_IO) /* stdout knows that it failed */
		return;
	output_lost = true;
	json_clear(json);
}

static int
output_finish(const struct cli *cli, int status)
{
	int error = 0;
	bool failed = ferror(stdout) != 0;
	if (fflush(stdout) != 0) {
		failed = true;
		error = errno;
	}
	if (output_lost)
		fprintf(stderr, "%s: no memory for all of the answer\n", cli->program->name);
	if (!failed)
		return output_lost ? CLI_ERROR : status;
	fprintf(stderr, "%s: cannot write to standard output%s%s\n", cli->program->name,
		error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
	return CLI_ERROR;
}

/* Work cut short by a signal ends as that signal, so that a shell's loop stops too. */
static void
die_if_stopped(const struct cli *cli, int status)
{
	int number = interrupted_by;
	if (number == 0 || !(cli->stopped || status == CLI_ERROR))
		return;
	signal(number, SIG_DFL);
	raise(number);
}

int
cli_main(const struct cli_program *program, int argc, char **argv)
{
	struct cli cli = {.program = program};
	output_lost = false;
	stdio_guard();
	signals_install();
	cli.store = store_resolve(&cli.store_default);
	cli.now = clock_now();
	cli.colour = isatty(STDOUT_FILENO) && env("NO_COLOR") == NULL &&
		     (env("TERM") == NULL || strcmp(env("TERM"), "dumb") != 0);
	int status = output_finish(&cli, dispatch(&cli, argc, argv));
	die_if_stopped(&cli, status);
	free(cli.store_default);
	return status;
}
