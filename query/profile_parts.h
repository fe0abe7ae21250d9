/* SPDX-License-Identifier: Apache-2.0 */
/* What profile*.c share; private to them. */
#ifndef QUERY_PROFILE_PARTS_H
#define QUERY_PROFILE_PARTS_H

#include "query/profile.h"

#define PROFILE_KINDS_ALL ((1u << KIND_COUNT) - 1)

/* Which kinds an action's flow may be asked for: the one table of illegal combinations. */
struct profile_flow_rule {
	unsigned refused;     /* kinds that a filter must not name */
	unsigned one_of;      /* it must name one of these, if any are given */
	const char *why;      /* for the fault: "KIND ...", or of the whole list */
	const char *expected;
};
extern const struct profile_flow_rule profile_flow_rules[PROFILE_FLOWS];

/* Of a filter that names no kinds. */
unsigned
profile_flow_kinds(enum profile_flow flow);

/* Words of fields; in the order of their enum, or no, yes. */
extern const char *const profile_match_names[3];
extern const char *const profile_looking_up_names[2];

/* Names in any letter case, sorted once and then found by halving. */
struct profile_name {
	const char *text;
	uint32_t index;
};
/* Equal names in order of index. */
void
profile_names_sort(struct profile_name *names, size_t count);
/* The index of the first of that name; SIZE_MAX if there is none. */
size_t
profile_names_find(const struct profile_name *names, size_t count, const char *text,
		   size_t length);

/* Filters by name, on the heap; NULL if out of memory. */
struct profile_name *
profile_names_of_filters(const struct profile *profile);

/*
 * Append an exception's keys to profile->keys and set its kind, key_first and key_count.
 * `kind` domain, url, or any for an address, prefix or range. The fault's text has no
 * place. Status of canon_key, or limit past PROFILE_KEYS.
 */
enum status
profile_exception_keys(struct profile *profile, struct profile_exception *exception,
		       enum kind kind, size_t *key_capacity, struct fault *fault);

/* On the arena of the profile; NULL if out of memory. */
char *
profile_text(struct profile *profile, const char *text, size_t length);

#endif
