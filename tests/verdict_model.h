/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The naive twin of verdicts: every claim is looked at, every filter is asked
 * in order, every condition is walked as a tree. It judges query/judge.h,
 * query/criteria.h and query/profile.h and shares nothing with them; which
 * claims cover a query is tests/model.h's, the rest is written from product.md
 * (Semantics 2, 3, 6, 7), facts.md 2.3 and the truth table of criteria.h:
 *
 *   live     now < expires
 *   taken    by an enabled filter that has the claim's kind: a claim without tags if
 *            `untagged`; with tags if `tagged` and the condition is true of it
 *   winner   over all live covering claims, the first filter that takes one
 *   hit      the most specific claim that the winner takes
 *   none     if no filter wins, or a live exception covers the query
 *
 * What product.md leaves open (which of two equally specific patterns) is a
 * set of right answers, so a verdict is compared with sets.
 *
 * `mistake` plants one error in the twin: test_verdicts.c shows that each is
 * seen, or else the comparison would prove nothing.
 */
#ifndef TESTS_VERDICT_MODEL_H
#define TESTS_VERDICT_MODEL_H

#include "tests/sets.h"

enum verdict_type { VERDICT_TEXT, VERDICT_LIST, VERDICT_DATE, VERDICT_YESNO, VERDICT_NUMBER };

#define VERDICT_TAGS 9   /* categories, by number */
#define VERDICT_VALUES 4

/* Values are numbers: of a word, a list value, a second, 0 and 1, the number itself. */
struct verdict_cell {
	unsigned count;
	int64_t value[VERDICT_VALUES];
};
struct verdict_tags {
	struct verdict_cell cell[VERDICT_TAGS];
};

enum verdict_op {
	VERDICT_EQUAL,
	VERDICT_DIFFER,
	VERDICT_LESS,
	VERDICT_LESS_EQUAL,
	VERDICT_MORE,
	VERDICT_MORE_EQUAL,
	VERDICT_IN,
	VERDICT_MISSING,
	VERDICT_PRESENT,
	VERDICT_NOT,
	VERDICT_AND,
	VERDICT_OR
};

/* One node of a tree; children stand before their parent. */
struct verdict_condition {
	enum verdict_op op;
	unsigned category;
	struct verdict_cell value;
	uint16_t left, right;
};

enum verdict_flow {
	VERDICT_PERMIT,
	VERDICT_BLOCK,
	VERDICT_RATE_LIMIT,
	VERDICT_TRUST,
	VERDICT_QUARANTINE,
	VERDICT_FLOWS
};
struct verdict_action {
	enum verdict_flow flow;
	bool notify, trace;
};

#define VERDICT_CONDITIONS 40
struct verdict_filter {
	uint32_t action;
	unsigned kinds; /* bit per kind */
	bool tagged, untagged, enabled, locked;
	size_t condition_count; /* 0: every tagged claim */
	struct verdict_condition condition[VERDICT_CONDITIONS]; /* the last is the root */
};

#define VERDICT_EXCEPTION_BYTES 512
struct verdict_exception {
	bool range;            /* ipv4: first..last; else a key with a scope */
	uint32_t first, last;
	struct model_claim claim; /* key and scope; its text stands in `text` */
	char text[VERDICT_EXCEPTION_BYTES];
	uint64_t expires;      /* 0 = never */
};

#define VERDICT_ACTIONS 8
#define VERDICT_FILTERS 48
#define VERDICT_EXCEPTIONS 24
struct verdict_profile {
	struct verdict_action action[VERDICT_ACTIONS];
	struct verdict_filter filter[VERDICT_FILTERS];
	struct verdict_exception exception[VERDICT_EXCEPTIONS];
	uint32_t action_count, filter_count, exception_count;
};

/* What verdicts are given on: claims (claim.set is a row of `tags`) and priorities. */
#define VERDICT_SETS 40
struct verdict_world {
	struct set set;
	struct verdict_tags tags[VERDICT_SETS]; /* 0: none */
	size_t tags_count;
	uint32_t priority[SETS_SOURCES];
};

enum verdict_mistake {
	VERDICT_RIGHT,
	VERDICT_LAST_FILTER_WINS,
	VERDICT_FIRST_HIT_ALONE,       /* filters are asked about the most specific claim only */
	VERDICT_HIT_NOT_OF_FILTER,     /* names the most specific claim of all */
	VERDICT_GENERAL_HIT,           /* names the least specific */
	VERDICT_EXCEPTION_BY_LENGTH,   /* a more specific hit beats an exception */
	VERDICT_EXCEPTION_FOREVER,
	VERDICT_EXCEPTION_GENERAL,     /* names the least specific exception */
	VERDICT_EXCEPTION_NOT_EMBEDDED,
	VERDICT_RANGE_END_OPEN,        /* the last address of a range is not excepted */
	VERDICT_DIFFER_ABSENT,         /* C != v holds where C is absent */
	VERDICT_NOT_ABSENT,            /* not (C = v) fails where C is absent */
	VERDICT_MISSING_UNTAGGED,      /* conditions are asked of claims without tags */
	VERDICT_NOTES_ARE_NO_TAGS,     /* a claim with only text or date tags is untagged */
	VERDICT_ONE_VALUE,             /* only the first value of a list tag counts */
	VERDICT_EQUAL_IS_LESS,         /* <= as < */
	VERDICT_EXPIRY_INCLUDED,       /* live while now <= expires */
	VERDICT_DISABLED_ACTS,
	VERDICT_LOCKED_SLEEPS,
	VERDICT_KIND_OF_QUERY,         /* an embedded hit is asked as ipv6 */
	VERDICT_PRIORITY_IGNORED,      /* sources by name only */
	VERDICT_MISTAKES
};
extern const char *const verdict_mistake_names[VERDICT_MISTAKES];

/* A claim in the order of answers. */
struct verdict_hit {
	struct model_answer answer;
	unsigned place;        /* 0: the query itself; 1, 2: addresses inside it */
};

/* The right answers. */
struct verdict_wanted {
	bool listed;           /* a filter wins */
	uint32_t filter;       /* the winner */
	struct verdict_action action;
	size_t hit_count;      /* 0 if not listed; else any of them may be named */
	struct verdict_hit hit[MODEL_ANSWERS];
	size_t exception_count; /* live ones that cover the query, the most specific; any of them */
	uint32_t exception[VERDICT_EXCEPTIONS];
};

void
verdict_model_judge(const struct verdict_world *world, const struct verdict_profile *profile,
		    const struct model_key *query, uint64_t now, enum verdict_mistake mistake,
		    struct verdict_wanted *wanted);

/* Does the filter take this claim, apart from the time? */
bool
verdict_model_takes(const struct verdict_world *world, const struct verdict_filter *filter,
		    const struct model_claim *claim, enum verdict_mistake mistake);

/* IPv4 addresses inside an IPv6 address, at most 2; from the RFCs. */
unsigned
verdict_model_embedded(const uint8_t ipv6[16], uint8_t ipv4[2][4]);

bool
verdict_model_untagged(const struct verdict_tags *tags);

#endif
