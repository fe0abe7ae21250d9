/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a command-line program: subcommands, options, help, values.
 * Top floor of the engine; not part of librepute. It prints.
 *
 *   main -> cli_main(program table) -> command->run(cli, argc, argv)
 *             run: cli_option() until 0 -> cli_values_next() -> return CLI_*
 *
 * Everything that help shows (`repute help CMD`, man pages, bash completion)
 * comes out of the tables below, so a command is one row and one file.
 *
 * Exit status like grep's. Data goes to stdout, words to stderr. A write to
 * stdout that fails (disk full, closed) turns the exit status into CLI_ERROR,
 * whatever the command returned; SIGPIPE keeps its default and ends the
 * program without a word. One struct cli per process; not thread-safe, only
 * cli_interrupted() may be called from any thread.
 */
#ifndef ENGINE_CLI_H
#define ENGINE_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/limits.h"
#include "engine/status.h"

#define CLI_FOUND 0   /* found, done */
#define CLI_NOTHING 1 /* nothing found, nothing to do */
#define CLI_ERROR 2

struct cli;

/* One option of a command. The table ends with a row of zeros. */
struct cli_option {
	int id;               /* > 0, what cli_option() returns */
	const char *name;     /* "kind": --kind */
	char letter;          /* 'k': -k; 0 = none */
	const char *argument; /* "KIND"; NULL = takes none. FILE and DIR complete as paths */
	const char *values;   /* blank-separated, for completion and help; NULL = free text */
	const char *help;     /* one phrase without a full stop */
};

/* One subcommand. */
struct cli_command {
	const char *name;
	const char *usage;    /* after the name: "[--kind KIND] [VALUE...]" */
	const char *summary;  /* one phrase without a full stop, lower case */
	const char *about;    /* paragraphs, a blank line between them; a line that begins with
	                       * a blank is shown as it stands */
	const struct cli_option *options; /* NULL = none of its own */
	const char *examples; /* lines, shown as they stand; NULL = none */
	int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is the command's name */
	bool hidden;          /* not listed */
};

struct cli_program {
	const char *name;     /* "repute" */
	const char *summary;
	const char *about;
	const struct cli_command *const *commands; /* ends with NULL */
};

/* What the global options say; read-only for commands. */
struct cli {
	const char *store;    /* --store, $REPUTE_STORE, or the default; never NULL */
	bool json;
	bool quiet;
	bool verbose;
	bool colour;          /* stdout is a terminal and NO_COLOR is not set */
	uint64_t now;         /* --now or the system's, seconds */
	bool now_given;       /* --now: time stands still, however long the command runs */

	const char *value;    /* argument of the option that cli_option() returned */
	char **operands;      /* after cli_option() returned 0 */
	int operand_count;
	int status;           /* what run() returns after cli_option() returned < 0 */
	bool stopped;         /* values were cut short by a signal */

	const struct cli_program *program;
	const struct cli_command *command;
	char *store_default;  /* private */
};

/* All of main(). Returns the exit status. */
int
cli_main(const struct cli_program *program, int argc, char **argv);

/*
 * Next option: the id of a row of the command's table, its argument in
 * cli->value; 0 at the end (operands are set); < 0: stop and return
 * cli->status (--help was answered, or a bad option was reported). Global
 * options are taken in passing. Options and operands may be mixed; `--` ends
 * the options.
 */
int
cli_option(struct cli *cli, int argc, char **argv);

/* "repute: WHERE:OFFSET: text" on stderr; WHERE and OFFSET where there are any. Returns CLI_ERROR. */
int
cli_error(const struct cli *cli, const struct fault *fault);

/* "repute CMD: text", and where to find help. Returns CLI_ERROR. */
int
cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Text from outside, for people: bytes that would move a terminal's cursor, and
 * bytes that are not UTF-8, are shown as \xNN. Not for --json.
 */
void
cli_put(FILE *out, const char *text, size_t length);

/* A message on stderr, "repute: text"; not with -q. */
void
cli_note(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Only with -v. */
void
cli_verbose(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a call that succeeded says of damage that it got round (store.h); nothing if it says nothing. */
void
cli_recovered(const struct cli *cli, struct fault *fault);

/*
 * The JSON so far to stdout, and the writer empty. If memory did not suffice for it, the program ends with a word and
 * CLI_ERROR: an answer that is not whole must not pass for one.
 */
struct json_writer;
void
cli_json_flush(struct json_writer *json);

/* From here on SIGINT and SIGTERM end the program at once: all that matters is done. */
void
cli_interruptible(void);
/* The same, but with exit status 0: for a command that stays until it is told to go. */
void
cli_interruptible_done(void);
/* From here on they are noted again (cli_interrupted). */
void
cli_uninterruptible(void);

/* True once SIGINT or SIGTERM has come: finish cleanly. The second signal kills. */
bool
cli_interrupted(void);

/* Sleep as long, or until SIGINT or SIGTERM: then false, as when one had come before. */
bool
cli_sleep(uint64_t seconds);

/* stdout has failed: a command with much to say may stop early. */
bool
cli_output_failed(void);

/*
 * Values: the operands, and where one is `-` (or there is none and `from_stdin`
 * is set) the lines of stdin. Blank lines are skipped, LF and CRLF taken. A
 * line may hold any bytes, NUL too. Output is flushed before stdin is waited
 * for, so that a program can talk with us line by line.
 */
enum cli_outcome {
	CLI_VALUE,          /* *text, *length: borrowed until the next call */
	CLI_VALUE_TOO_LONG, /* a line past LIMIT_URL_INPUT_BYTES; *text is its beginning; go on */
	CLI_VALUES_END,
	CLI_VALUES_FAIL     /* stdin cannot be read: the fault is set */
};

struct cli_lines {
	int fd;
	bool skipping, ended;
	size_t start, end;
	uint64_t number;    /* of the line given last, from 1 */
	uint64_t waits;     /* times input was waited for: time may have passed */
	char buffer[LIMIT_URL_INPUT_BYTES + 2]; /* the longest line with CR and LF */
};

struct cli_values {
	struct cli *cli;
	int next;
	bool from_stdin;
	bool reading;
	struct cli_lines lines;
};

/* Large (the line buffer): keep it static or on the heap. Call after cli_option() returned 0. */
void
cli_values_init(struct cli_values *values, struct cli *cli, bool from_stdin);

enum cli_outcome
cli_values_next(struct cli_values *values, const char **text, size_t *length, struct fault *fault);

/* The line reader by itself. Every line, empty ones too, without its end. */
void
cli_lines_init(struct cli_lines *lines, int fd);

enum cli_outcome
cli_lines_next(struct cli_lines *lines, const char **text, size_t *length, struct fault *fault);

/*
 * The name in `names` (NULL at the end) nearest to `text`, for "did you mean";
 * NULL if none is near.
 */
const char *
cli_near(const char *text, const char *const *names);

/* "no command 'NAME'; did you mean ..."; CLI_ERROR. */
int
cli_command_unknown(const struct cli *cli, const char *name);

/* What `repute help` runs; the program's own cmd_help.c calls it. */
int
cli_help(struct cli *cli, const char *command);       /* NULL: the list of commands */
int
cli_help_man(struct cli *cli, const char *command);   /* mdoc(7) on stdout */
int
cli_help_completion(struct cli *cli);                 /* bash on stdout */
int
cli_help_commands(struct cli *cli);                   /* names, one a line */

/* The global options; as options of a command are. */
extern const struct cli_option cli_global_options[];

#endif
