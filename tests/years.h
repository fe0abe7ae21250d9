/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Years go by: a random history of a store, and what must be known at any second of it. The model is
 * a plain array of claims and the rules of the documents; it shares nothing with the engine, nor
 * does its calendar.
 *
 *   years_init -> (years_next -> years_apply -> years_live, years_lines)* -> years_fini
 *
 * years_next moves the clock (mostly on: by seconds or by decades, onto the ends of claims and
 * odd moments of the calendar; also back) and makes up one operation. Whoever runs it against a
 * store (tests/years_engine.h in one process, tests/campaign_time.c by the command line) then
 * compares.
 */
#ifndef TESTS_YEARS_H
#define TESTS_YEARS_H

#include "tests/calendar.h"

#define YEARS_SOURCES 3
#define YEARS_KEYS_MOST 2000
#define YEARS_FEW 26  /* keys of every kind, made by hand; more are names, addresses and digests */
#define YEARS_SETS 3

extern const char *const years_sources[YEARS_SOURCES];
extern const char *const years_sets[YEARS_SETS]; /* of Malware Family; the first: none */

enum years_kind {
	YEARS_ADD,      /* values, one rule for all */
	YEARS_FEED,     /* lines, each perhaps with an expiry of its own */
	YEARS_REMOVE,
	YEARS_DEFAULT,  /* another default of a source */
	YEARS_SWEEP,
	YEARS_COMPACT
};

struct years_line {
	unsigned key;
	uint64_t expires; /* YEARS_FEED: of the line; 0: none */
};

struct years_op {
	enum years_kind kind;
	uint64_t now;
	unsigned source, set;
	bool mirror;
	uint64_t ttl, expires; /* at most one; 0: not given. YEARS_DEFAULT: ttl */
	bool as_tag;           /* expires is given as the tag Reputation Entries TTL */
	size_t count;
	struct years_line line[YEARS_KEYS_MOST];
};

struct years_counts {
	uint64_t added, updated, unchanged, removed, renewed;
};

/* What a source says of a key. */
struct years_claim {
	bool there;
	unsigned set;
	uint64_t expires, first, last;
	uint64_t said_expires, said_ttl; /* the rule by which it was said; both 0: ten years */
};

struct years {
	struct random_state random;
	uint64_t now;
	unsigned keys;
	uint64_t ttl[YEARS_SOURCES]; /* defaults; 0: ten years */
	struct years_claim (*claim)[YEARS_SOURCES]; /* by key */
	char (*text)[72];            /* of each key, as spelled: a scope too */
	uint8_t *covers;             /* [key * keys + other]: what is said of `other` reaches `key` */
	double years;                /* that the clock went on, jumps of more than 20 left out */
	uint64_t backwards;          /* times that it went back */
};

void
years_init(struct years *years, uint64_t seed, unsigned keys);
void
years_fini(struct years *years);

void
years_next(struct years *years, struct years_op *op);
/* To the model; what a report of it must count. */
void
years_apply(struct years *years, const struct years_op *op, struct years_counts *counts);

/* What a look-up is asked: the key of `key` by itself, without a scope. */
const char *
years_query(const struct years *years, unsigned key);

/* Claims that a query for `key` finds at `now`: their source and expiry, sorted; as many as fit. */
struct years_hit {
	uint64_t source, expires; /* no padding: compared as bytes */
};
size_t
years_live(const struct years *years, unsigned key, uint64_t now, struct years_hit *hits, size_t cap);
int
years_compare_hits(const void *a, const void *b);

/* How many claims are there, and how many live at `now`. */
size_t
years_count(const struct years *years, uint64_t now, bool dead_too);

/* An instant at or beside the end of some claim, or beside `years->now`. */
uint64_t
years_boundary(struct years *years);

/* "key|scope|source|set|expires|first|last" of each claim, sorted, as scratch_claims has them. */
char *
years_lines(const struct years *years);

/* For stories: one line. */
void
years_tell(const struct years_op *op, char text[256]);

#endif
