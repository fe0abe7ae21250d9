/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world of the campaign against careless operators: entries that follow from their number by a
 * formula, so that every answer can be judged without looking anything up.
 *
 * Number n is of kind n % 6. Those below WORLD_BASE stand in the base (more keys than a commit folds),
 * those below WORLD_SECOND came with generation 2 (both are files of their own), then WORLD_STEP with
 * each generation.
 * Of these every other one is listed, with a source, an expiry and a tag of its own.
 */
#ifndef TESTS_CARELESS_WORLD_H
#define TESTS_CARELESS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "query/repute.h"

#define WORLD_BASE 144000u
#define WORLD_SECOND 186000u
#define WORLD_STEP 60u
#define WORLD_NOW 1767225600ull
#define WORLD_KINDS 6u
#define WORLD_TEXT 128

uint64_t
world_mix(uint64_t seed, uint64_t n);
/* The numbers that a view of this generation may have are below. */
uint32_t
world_end(uint64_t generation);

struct world_entry {
	bool listed;
	uint64_t expires;
	char source[32], family[32];
};
void
world_entry(uint64_t seed, uint32_t n, uint64_t generation, struct world_entry *entry);
/* The key as text, NUL-terminated. */
void
world_text(uint64_t seed, uint32_t n, char text[WORLD_TEXT]);
/* The same as the calls without keys want it; kinds of fixed size only. */
uint32_t
world_ipv4(uint64_t seed, uint32_t n);
void
world_bytes(uint64_t seed, uint32_t n, uint8_t bytes[32]);

/* Publish one more generation of the store; 1, 2, and so on. */
void
world_publish(uint64_t seed, const char *store, uint64_t generation);

/* Is the hit what the formula says? If not, `why` says what is wrong. */
bool
world_judge(uint64_t seed, uint32_t n, uint64_t generation, const struct repute_view *view,
	    const struct repute_hit *hit, char why[256]);

#endif
