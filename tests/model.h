/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The naive twin: claims in an array, a linear scan for each question. It
 * judges the engine, so it shares nothing with it: plain C, its own reading of
 * canonical key text, its own covering rules, written from product.md:
 *
 *   address   a prefix covers every address and longer prefix inside it
 *   domain    exact: the same name; below: a name that ends in "." and the key; tree: both
 *   url       exact: the same text; below: the key is a prefix of the query and
 *             ends in '/' or is followed by '/' or '?' there; tree: both
 *   pattern   \* at the start: the query ends in the literal; at the end: it
 *             begins with it; at both: it contains it
 *   digest    the same digest
 *
 * Calling: model_put* -> model_answer (linear) or model_sort -> model_answer_sorted
 * (asks for each key that could cover, by binary search: for large sets).
 * Key text must be canonical already; text that cannot be read aborts.
 */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers of product.md's kinds and scopes, said again on purpose. */
enum model_kind { MODEL_IPV4, MODEL_IPV6, MODEL_DOMAIN, MODEL_URL, MODEL_SHA1, MODEL_SHA256, MODEL_KINDS };
enum model_scope { MODEL_EXACT = 1, MODEL_BELOW = 2, MODEL_TREE = 3 };
enum model_pattern { MODEL_OPEN_START = 1, MODEL_OPEN_END = 2 };

#define MODEL_TEXT_BYTES 8208
#define MODEL_ANSWERS 4096

/* A key as read: bytes of an address or digest; text of a name or URL. */
struct model_key {
	uint8_t kind;
	uint8_t pattern;        /* url */
	uint8_t bits;           /* addresses: prefix length */
	uint8_t bytes[32];
	const char *text;       /* as given; a pattern with its marks */
	size_t length;
	const char *literal;    /* domain, url: without the marks */
	size_t literal_length;
};

struct model_claim {
	struct model_key key;   /* its text is owned by the model */
	uint8_t scope;
	uint32_t source;        /* numbers that the caller gives a meaning */
	uint32_t set, notes;
	uint64_t expires, first_seen, last_seen;
};

struct model {
	struct model_claim *claims;
	size_t count, capacity;
	bool sorted;
};

/* One covering claim. */
struct model_answer {
	const struct model_claim *claim;
	bool exact;             /* the key is the query itself */
	uint32_t specific;      /* prefix bits, or bytes of literal text; larger = more specific */
};

void
model_fini(struct model *model);

/* Read canonical text; `text` is borrowed. */
struct model_key
model_key(enum model_kind kind, const char *text, size_t length);
bool
model_key_equal(const struct model_key *a, const struct model_key *b);

/*
 * One source's claim on a key and scope replaces the one it had there. `claim`'s
 * key is copied. Pointers into `claims` are good until the next change.
 */
void
model_put(struct model *model, const struct model_claim *claim);
/* The same for a claim known to be new: model_sort() drops all but one of equals. */
void
model_append(struct model *model, const struct model_claim *claim);
/* All claims of that key by that source; UINT32_MAX: by anybody. Returns how many went. */
size_t
model_remove(struct model *model, const struct model_key *key, uint32_t source);
/* The i-th claim away: for making failures small. */
void
model_drop(struct model *model, size_t i);
void
model_copy(const struct model *from, struct model *to);

/* Does the claim reach the query, whatever the time? */
bool
model_covers(const struct model_claim *claim, const struct model_key *query,
	     struct model_answer *answer);

/* Live covering claims, most specific first; `answers` holds MODEL_ANSWERS. */
size_t
model_answer(const struct model *model, const struct model_key *query, uint64_t now,
	     struct model_answer *answers);

/* The same through a sorted array and one binary search for each possible key. */
void
model_sort(struct model *model);
size_t
model_answer_sorted(const struct model *model, const struct model_key *query, uint64_t now,
		    struct model_answer *answers);

/*
 * The order of answers: the query itself, then longer keys first, a key before
 * a pattern; below that any fixed order. <0, 0, >0; model_rank compares only
 * what product.md promises, model_answer_compare never says 0 for two claims.
 */
int
model_rank(const struct model_answer *a, const struct model_answer *b);
int
model_answer_compare(const void *a, const void *b);

#endif
