/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that change a store share: options and names. They print. */
#ifndef LOADER_CHANGE_H
#define LOADER_CHANGE_H

#include "engine/cli.h"
#include "engine/limits.h"
#include "loader/ingest.h"

/* The --tag options as given. */
struct change_tags {
	const char *text[LIMIT_TAGS_PER_CLAIM];
	size_t count;
};

/* CLI_FOUND, or a reported usage error. */
int
change_tags_add(struct cli *cli, struct change_tags *tags, const char *text);

/* Changes that only take away do not make a store: STATUS_MISSING if there is none. */
enum status
change_store_exists(const char *directory, struct fault *fault);

/* cli->value of --ttl or --expires into `seconds`, never 0: CLI_FOUND, or a reported error. */
int
change_read_ttl(struct cli *cli, uint64_t *seconds);
int
change_read_expires(struct cli *cli, uint64_t *seconds);

/* --ttl and --expires are two answers to one question: CLI_FOUND, or a reported usage error. */
int
change_check_times(struct cli *cli, const struct ingest_options *options);

/*
 * What a transaction changed: one line for people, or with --json the object of interface import. And a
 * word on stderr if the clock is more than a day behind what changed the store before.
 */
void
change_report(const struct cli *cli, const char *source, const struct ingest_result *result);

/*
 * After a transaction was acknowledged and reported: fold the layers into a new base, if that is due. A
 * signal ends it, and the store is as it was; what goes wrong is only noted.
 */
void
change_compact(const struct cli *cli);

/* The source a file is when none is named: its name without folder and compression; "stdin". */
void
change_source_name(const char *path, char name[LIMIT_SOURCE_NAME_BYTES + 1]);

/* A whole small file, uncompressed, on the heap (the caller frees); "-" is stdin. limit past `most`. */
enum status
change_read_file(const char *path, const char *name, size_t most, char **bytes, size_t *length,
		 struct fault *fault);

#endif
