/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running commands on the store of a campaign, reading what it holds, and judging that by the
 * worlds that it may hold (tests/crash_world.h).
 *
 *   crash_site_init -> (crash_run | crash_read -> crash_judge)* -> crash_site_fini
 *
 * Reading is seven commands: list, source list, tag list, profile list, lookup, verify, info.
 * They run as programs of their own, or, many times faster, in a fork of the campaign, which
 * links the same commands.
 */
#ifndef TESTS_CRASH_READ_H
#define TESTS_CRASH_READ_H

#include "tests/crash_world.h"
#include "tests/image.h"
#include "tests/trace.h"

#define CRASH_PATH_BYTES 512
#define CRASH_WHY_BYTES 1200
#define CRASH_PROBES 8
#define CRASH_OPEN_SECONDS 2.0 /* a store must open within */

enum crash_reader {
	READ_LIST, READ_SOURCES, READ_TAGS, READ_PROFILES, READ_LOOKUP, READ_VERIFY, READ_INFO,
	READERS
};

struct crash_site {
	char program[CRASH_PATH_BYTES]; /* absolute */
	char work[CRASH_PATH_BYTES];    /* holds: */
	char root[CRASH_PATH_BYTES];    /* where commands run */
	char feeds[CRASH_PATH_BYTES];   /* what they import */
	const char *store;              /* below root */
	uint32_t probes[CRASH_PROBES];  /* keys to look up */
	size_t probe_count;
	int out, err;                   /* of the last command */
	int quiet;                      /* of quick ones */
	char *text, *errors;            /* and what they hold */
	char said[256];                 /* first line of the last step */
	size_t text_length, text_room;
	struct crash_shared *shared;    /* with a fork that reads */
	uint64_t commands;              /* run so far */
	unsigned hung;                  /* of them: killed after TRACE_SECONDS */
};

/* `folder`: where its files go; NULL: build/tmp. */
void
crash_site_init(struct crash_site *site, const char *program, const char *folder);
void
crash_site_fini(struct crash_site *site);

/* What site->out and site->err have now, into text and errors. */
void
crash_site_take(struct crash_site *site);
/* An empty out and err. */
void
crash_site_clear(struct crash_site *site);

/* A step as a program of its own. The first members as in struct trace_command. */
struct crash_run {
	bool trace;
	long call, part;
	void (*on_pause)(void *context);
	long pause;
	void *context;
	struct trace_log *log;
	enum trace_end end;   /* out */
	int status;           /* out */
	bool said;            /* out: a whole line stands on standard output */
};
void
crash_run(struct crash_site *site, const struct crash_step *step, struct crash_run *run);
/* `list` instead of a step. */
void
crash_run_list(struct crash_site *site, struct crash_run *run);
/* A step in a fork of this process: quick, to prepare. Dies if it fails. */
void
crash_run_quick(struct crash_site *site, const struct crash_step *step);

/* A set of lines, as sums of what each is mixed to. */
struct crash_facts {
	uint64_t sum, sum_squared, count;
};

struct crash_reading {
	bool store;            /* there is one */
	bool complaints;       /* a reader said something on standard error */
	int status[READERS];   /* -1: died or hung */
	size_t end[READERS];   /* of what each printed, in site->text */
	double seconds;        /* the longest of them, CPU time if that is less */
	struct crash_facts facts;
	unsigned listed;       /* bit i: probe i is */
};
void
crash_read(struct crash_site *site, bool programs, struct crash_reading *reading);

/* A world, and those that steps make of it. */
struct crash_node {
	struct crash_world world;
	struct crash_facts facts;
	unsigned listed;
	struct crash_node *next, *below;  /* sibling; first child */
	const struct crash_step *step;    /* from the parent */
};
/* Takes the world over. */
struct crash_node *
crash_node_new(const struct crash_site *site, struct crash_world *world);
struct crash_node *
crash_node_after(const struct crash_site *site, struct crash_node *node,
		 const struct crash_step *step);
void
crash_node_free(struct crash_node *node);

enum crash_fault {
	CRASH_WELL,
	CRASH_UNOPENABLE, /* a reader failed, or took too long */
	CRASH_LOST,       /* something acknowledged is not there */
	CRASH_TORN,       /* neither what was before nor what was to be */
	CRASH_VERIFY,     /* verify finds damage */
	CRASH_NEXT,       /* a following command failed */
	CRASH_HARNESS     /* the command ended otherwise than planned */
};
#define CRASH_FAULTS (CRASH_HARNESS + 1)
extern const char *const crash_fault_names[CRASH_FAULTS];

/* Which of `nodes` the store holds; why not, if none. `damaged`: complaints are in their place. */
enum crash_fault
crash_judge(struct crash_site *site, const struct crash_reading *reading, bool damaged,
	    struct crash_node *const *nodes, size_t count, struct crash_node **found,
	    char why[CRASH_WHY_BYTES]);

#endif
