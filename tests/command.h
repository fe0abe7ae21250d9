/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands as a user runs them: each in a process of its own, over a store that
 * the author made. JSON is read by the strict gate.
 *
 *   command_start; in each test: command_setup -> command_put -> RUN -> command_out, command_err
 *                  -> command_teardown
 *
 * Any failure here fails the test.
 */
#ifndef TESTS_COMMAND_H
#define TESTS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/cli.h"
#include "engine/file.h"
#include "engine/kind.h"
#include "loader/json_gate.h"

#define NOW "2026-01-01T00:00:00Z" /* --now of every run and the time of every put */
#define NOW_SECONDS 1767225600ull
#define DAY 86400ull
#define COMMAND_OUT_BYTES (8u * 1024 * 1024)

extern char *command_store;                   /* directory of the test at hand */
extern char command_out[COMMAND_OUT_BYTES], command_err[65536]; /* of the last run */

/* Once, in main. */
void
command_start(void);
/* A fresh name for the store; and away with it. */
void
command_setup(void);
void
command_teardown(void);

struct command_row {
	const char *text;
	enum scope scope;      /* 0: as spelled */
	const char *source;
	const char *tags[4];   /* category, value, category, value */
	uint64_t ttl;          /* seconds; 0: ten years */
};

/* One transaction; returns the generation. */
uint64_t
command_put(const struct command_row *rows, size_t count, bool compact);

/* One of everything. */
#define COMMAND_SAMPLE 11
extern const struct command_row command_sample[COMMAND_SAMPLE];

/* main() of a program with the commands that work on a store. */
int
command_main(char **argv);
/* In a child, with `input` on stdin; argv without the program's name. Returns the exit status. */
int
command_run(const char *input, size_t length, char **argv);
#define RUN(...) command_run("", 0, (char *[]){__VA_ARGS__, NULL})
#define FEED(input, ...) command_run(input, strlen(input), (char *[]){__VA_ARGS__, NULL})

/* Lines of command_out; the i-th as JSON, which the caller frees. */
size_t
command_lines(void);
struct cJSON *
command_line(size_t i);

/* The object has these members, "a b c", in this order. */
void
command_members(const struct cJSON *object, const char *names);
/* Members that must be there. */
const char *
command_text(const struct cJSON *object, const char *name);
int64_t
command_number(const struct cJSON *object, const char *name);
bool
command_bool(const struct cJSON *object, const char *name);

/* Path of a file of the store, until the next call. */
char *
command_file(const char *name);

#endif
