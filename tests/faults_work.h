/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to a store while calls fail: one row a kind of work, each with
 * the store that it starts from and what must have changed when it is done.
 *
 *   world_new -> (world_restore -> [between] -> run)* -> world_free
 */
#ifndef TESTS_FAULTS_WORK_H
#define TESTS_FAULTS_WORK_H

#include "tests/faults_ledger.h"

#define WORK_BEGIN ((uint64_t)1767225600) /* 2026-01-01, when the stores were made */
#define WORK_NOW (WORK_BEGIN + 3600)      /* when the work is done */
#define WORK_NOW_TEXT "2026-01-01T01:00:00Z"
#define WORK_AFTER (WORK_BEGIN + 7200)    /* when the next transaction is */
#define WORK_FAR ((uint64_t)1893456000)   /* 2030-01-01, when claims expire */
#define WORK_FAR_TEXT "2030-01-01T00:00:00Z"

struct world {
	const struct work *work;
	char *path;             /* the store */
	char *feed;             /* files that the work may read, a folder */
	struct ledger old, new; /* what the store holds before and after the work */
	struct store *reader;   /* one that was there before; NULL: there was no store */
	struct world_file *files;
	size_t file_count;
	bool exists;            /* the store's folder, before */
};

/* What the work says of itself. */
struct said {
	bool done;
	enum status status;     /* STATUS_COUNT: it gave a wrong answer */
	int exit;               /* of a command; else 0 */
	bool reason;            /* it failed and told why */
};

struct work {
	const char *name;
	/* Fill the folder and `old`, then change `new`, which is a copy. */
	void (*make)(struct world *world);
	void (*expect)(struct ledger *new);
	void (*between)(struct world *world); /* when the reader is open already */
	struct said (*run)(struct world *world);
	char *argv[12];         /* or a command; %F in a word is the folder of files */
	bool reads;             /* changes nothing; a command's output must be as without faults */
	bool own_reader;        /* it is the reader that works */
	const char *hints[3];   /* what a command may leave out: lines that begin so, ends of lines */
	bool silent;            /* it makes no call that can fail */
};

extern const struct work works[];

struct world *
world_new(const struct work *work);
void
world_free(struct world *world);
/* A small file in a folder. */
void
world_write(const char *folder, const char *name, const char *text, size_t length);
/* The folder as it was made. */
void
world_restore(struct world *world);
struct said
world_run(struct world *world);

/* The transaction that comes next; its one claim goes into the ledger too. */
enum status
world_next(struct world *world, struct ledger *ledger, unsigned number, struct fault *fault);

#endif
