/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile: ordered filters, action sets, exceptions and settings; what a
 * device enforces. Written as an INI file, kept as its text in the catalogue of
 * a store (engine/catalog.h), parsed here.
 *
 *   profile_parse -> (judge.h: compile and evaluate) -> profile_free
 *
 *   [profile]      name; match-address = both | source | destination (both);
 *                  while-looking-up = permit | drop (permit)
 *   [action "N"]   flow = permit | block | rate-limit | trust | quarantine; notify = yes | no;
 *                  trace = yes | no; rate-kbps = 1.. (rate-limit only)
 *   [filter "N"]   action = NAME; kinds = a list of kinds, by blanks or commas (all);
 *                  untagged = yes | no (no); tagged = yes | no (yes); where = CRITERIA (criteria.h);
 *                  enabled = yes | no (yes); locked = yes | no (no)
 *   [exception "N"]  one of ip = PREFIX | A-B, domain = NAME | *.NAME, url = URL (SMS \* allowed);
 *                  owner, reason (text, at most 255 bytes); expires = RFC 3339
 *
 * Comments are lines that begin with ; or #, and what follows a blank and ; on
 * a line, outside double quotes. Names and texts may stand in double quotes, with \" and \\
 * inside; in section lines names must. A `where` goes on in the lines after it that are
 * indented deeper. A byte order mark and CRLF are taken. Names are 1..255 bytes UTF-8, found in any
 * letter case, distinct within their section type. The order of filter sections is
 * the order of the filters. Unknown sections or fields, a field twice, an
 * action that is not defined: errors.
 *
 * Which claims a filter takes, of its kinds: those without tags if `untagged`; those
 * with tags if `tagged` and, where there is one, `where` is true. A claim whose set and
 * notes are both empty is untagged (a TTL is no tag). Neither: refused.
 *
 * `where` asks tags only: the pseudo-categories of criteria.h are for searching.
 *
 * Illegal combinations, refused when parsed (profile_flow_rules in profile.c): rate-limit or trust on sha1/sha256
 * named in `kinds` (a filter without `kinds` has all that its action allows),
 * quarantine on a filter whose kinds are hashes only, an exception for a hash.
 *
 * A parsed profile is immutable; any number of threads. Memory is its own.
 */
#ifndef QUERY_PROFILE_H
#define QUERY_PROFILE_H

#include "engine/arena.h"
#include "engine/catalog.h"
#include "engine/key.h"
#include "query/criteria.h"

/* STATUS_LIMIT when crossed, as LIMIT_PROFILE_BYTES. */
#define PROFILE_FILTERS 10000
#define PROFILE_ACTIONS 1000
#define PROFILE_EXCEPTIONS 100000     /* sections; a range counts once */
#define PROFILE_KEYS 1000000          /* of all exceptions; a range counts each of its prefixes */

enum profile_flow {
	PROFILE_PERMIT,
	PROFILE_BLOCK,
	PROFILE_RATE_LIMIT,
	PROFILE_TRUST,
	PROFILE_QUARANTINE,
	PROFILE_FLOWS
};
/* "rate-limit" and so on. */
extern const char *const profile_flow_names[PROFILE_FLOWS];

enum profile_match_address { PROFILE_MATCH_BOTH, PROFILE_MATCH_SOURCE, PROFILE_MATCH_DESTINATION };

struct profile_action {
	char *name;
	enum profile_flow flow;
	bool notify, trace;
	uint32_t rate_kbps; /* 0 = none given */
};

struct profile_filter {
	char *name;
	uint32_t action;           /* index */
	unsigned kinds;            /* bit set: 1 << enum kind */
	bool tagged, untagged;     /* which claims at all */
	bool enabled, locked;
	struct criteria *criteria; /* NULL: every tagged claim */
};

/* An exception's pattern as keys: a prefix, the prefixes of a range, a name, a URL. */
struct profile_exception {
	char *name, *owner, *reason; /* "" if none */
	char *value;                 /* as written */
	enum kind kind;              /* ipv4, ipv6, domain, url */
	uint64_t expires;            /* 0 = never */
	uint32_t key_first, key_count; /* in profile.keys */
};

struct profile {
	char *name;
	enum profile_match_address match_address;
	bool drop_while_looking_up;
	struct profile_action *actions;
	size_t action_count;
	struct profile_filter *filters; /* in order */
	size_t filter_count;
	struct profile_exception *exceptions;
	size_t exception_count;
	struct key **keys;              /* of the exceptions; own their text; scope set. Only as long
	                                 * in memory as their text: never copy one by value */
	size_t key_count;
	struct arena memory;            /* private: texts and keys */
};

/*
 * Categories and values of `where` are checked against `catalog`. On an error
 * the fault's text is "line 7, column 12: what is wrong; what was expected"
 * (columns in characters of the file, also inside `where`). Status: profile, limit, no-memory.
 */
enum status
profile_parse(const char *text, size_t length, const struct catalog *catalog,
	      struct profile **out, struct fault *fault);
/* NULL is welcome. */
void
profile_free(struct profile *profile);

/*
 * The canonical text, NUL-terminated, on the heap (the caller frees *text):
 * defined spellings, defaults left out. Parsing it gives the same profile.
 */
enum status
profile_print(const struct profile *profile, char **text, size_t *length, struct fault *fault);

/*
 * May `next` take the place of `now`? Each locked filter of `now` must be in
 * `next` unchanged, what its action does too, and not overtaken by another filter; only
 * its lock may be taken away. STATUS_PROFILE; the fault names the filter and the change.
 */
enum status
profile_may_replace(const struct profile *now, const struct profile *next, struct fault *fault);

/*
 * What `next` changes against `now`, one call a difference: settings, actions, filters and
 * exceptions, each as they stand in `next`, then what is gone. A filter is moved if
 * others that stay went around it: as few as explain the new order. `now` NULL: all is added.
 * A call and what it is given last until it returns. Status: no-memory.
 */
enum profile_part { PROFILE_SETTING, PROFILE_ACTION, PROFILE_FILTER, PROFILE_EXCEPTION };
enum profile_change { PROFILE_ADDED, PROFILE_REMOVED, PROFILE_CHANGED, PROFILE_MOVED };
struct profile_difference {
	enum profile_part part;
	enum profile_change change;
	const char *name;       /* of a setting: of its field */
	size_t before, after;   /* indexes; SIZE_MAX: not there */
	const char *fields;     /* changed: "action, where"; else "" */
};
typedef void profile_difference_cb(void *context, const struct profile_difference *difference);
enum status
profile_compare(const struct profile *now, const struct profile *next,
		profile_difference_cb *call, void *context, struct fault *fault);

/* The index of a filter; SIZE_MAX if there is none of that name. */
size_t
profile_filter_find(const struct profile *profile, const char *name, size_t length);

#endif
