/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sets of claims and queries near them, for the naive twin and for the
 * engine: small universes, so that prefixes nest, names share suffixes, URLs
 * share paths and most queries hit something.
 *
 *   set_init -> (set_fill | set_put)* -> set_query* -> set_fini
 *
 * All text made here is canonical. Everything follows from the seed.
 */
#ifndef TESTS_SETS_H
#define TESTS_SETS_H

#include "tests/model.h"

#define SETS_NOW 1800000000ull
#define SETS_SOURCES 48
#define SETS_SCOPE_ADDRESS MODEL_EXACT /* addresses have no scopes: what canon_key gives them */
#define SETS_TAGS 12            /* sets and notes are numbered 0 (none) .. SETS_TAGS - 1 */

struct random_state {
	uint64_t word;
};
uint64_t
random_next(struct random_state *random);
/* 0 .. below - 1 */
uint32_t
random_below(struct random_state *random, uint32_t below);
/* True `percent` times in a hundred. */
bool
random_chance(struct random_state *random, unsigned percent);

struct set {
	struct model model;
	struct random_state random;
	unsigned kinds;             /* bit per kind that may have claims */
	unsigned spread;            /* 0..: larger = fewer keys in common */
	unsigned pattern_percent;   /* of URL claims */
	uint32_t sources;           /* how many of SETS_SOURCES speak */
	uint8_t ipv4[3][4], ipv6[3][16], digest[2][32]; /* what keys are near to */
	uint8_t label[4];           /* which labels names are made of */
	uint8_t host[3];
};

/* Other universe, sources and kinds for each seed; no claims yet. */
void
set_init(struct set *set, uint64_t seed);
void
set_fini(struct set *set);
/* Key text of that kind from this universe, canonical; `text` holds MODEL_TEXT_BYTES. */
size_t
set_key_text(struct set *set, enum model_kind kind, bool entry, char *text);
/* One random claim on a key of the universe, or on a key that has claims already. */
void
set_claim(struct set *set, struct model_claim *claim, char *text);
void
set_fill(struct set *set, size_t claims);
/* The same for large sets, which get sorted; keys are distinct by (key, source, scope). */
void
set_fill_large(struct set *set, size_t claims);
/* A query near the set: a key of it, changed a little, or a new one. */
size_t
set_query(struct set *set, enum model_kind kind, char *text);
/* A kind that the set may have. */
enum model_kind
set_kind(struct set *set);

/* Source names and canonical tag strings by number: what the numbers in claims mean. */
const char *
set_source_name(uint32_t source);
/* engine/tag.h's canonical bytes: bounded tags (set) and text and date tags (notes). */
const uint8_t *
set_tags(uint32_t number, bool notes, size_t *length);

/* The story of a failure on stderr: one line a claim. */
void
set_print_claim(const struct model_claim *claim);

#endif
