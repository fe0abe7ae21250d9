/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of the campaign against careless operators: processes that ask without pause, judge
 * every answer by the formula of careless_world.h, and tell on a board in shared memory.
 */
#ifndef TESTS_CARELESS_READER_H
#define TESTS_CARELESS_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum careless_way {
	READER_LEASED,    /* as a program that takes no care */
	READER_THREADS,   /* the same, in threads, one of which refreshes */
	READER_JUDGE,     /* verdicts of a profile */
	READER_SEALED,    /* REPUTE_OPEN_SEALED */
	READER_UNGUARDED, /* REPUTE_OPEN_NO_GUARD: leases alone */
	READER_LEASELESS, /* where there are no leases */
	READER_STRANGER,  /* of another user, who gets none; only if we may change ours */
	READER_OPENER,    /* opens, asks and closes, over and over */
	READER_COMMAND,   /* `repute lookup` that is fed slowly */
	READER_WAYS
};
extern const char *const careless_ways[READER_WAYS];

/* What a reader tells; it alone writes, but for `reopen`. All by atomic operations. */
struct careless_seat {
	uint64_t answers;
	uint64_t untold;      /* "could not tell" */
	uint64_t excused;     /* wrong, in the window that docs/store.md grants those without a lease */
	uint64_t refusals;    /* refresh or open failed */
	uint64_t wrong;
	uint64_t good;        /* the board's tag when the last round began in which all was well */
	uint64_t changes;     /* of the view while the generation stayed the same */
	uint64_t reopen;      /* asked of it: another number means, open the store anew */
	char why[256];        /* the first wrong one */
};

struct careless_board {
	uint64_t tag;         /* counts events and restorations */
	uint64_t published;   /* generation */
	uint64_t journal;     /* tag of an event that touched the journal or the directory; 0 = none now */
	uint64_t clean;       /* not 0: what happens now excuses no wrong answer */
	bool stop;
	struct careless_seat seat[READER_WAYS];
};

/* Where there are no leases, those who would have them are as those without. */
bool
careless_is_strict(enum careless_way way, bool leases);

/* Fork a reader. `program`: of READER_COMMAND. */
pid_t
careless_reader_start(enum careless_way way, uint64_t seed, const char *store, const char *program,
		      struct careless_board *board);

#endif
