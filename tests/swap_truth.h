/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is true in the campaign of swaps: a little formula says what a store holds at each of its
 * revisions. None of the engine's code.
 *
 * Each kind has leaves (single keys), in fours of which most are named by two sources, and names and addresses have parents
 * that cover eight leaves each. A revision touches every 64th of all that, in all kinds at once: what it touches is
 * listed anew with another expiry and tag, or no more. So an answer tells which revision it is from.
 */
#ifndef TESTS_SWAP_TRUTH_H
#define TESTS_SWAP_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SWAP_KINDS 6       /* as enum repute_kind numbers them */
#define SWAP_LEAVES 256    /* of a kind */
#define SWAP_FAMILY 8      /* leaves below a parent */
#define SWAP_PARENTS (SWAP_LEAVES / SWAP_FAMILY)
#define SWAP_PERIOD 64     /* revisions until a leaf is touched again */
#define SWAP_BLOCK (SWAP_LEAVES / SWAP_PERIOD)

#define SWAP_WRITTEN 1800000000ull /* the writer's clock at revision 0; a second a revision */
#define SWAP_EXPIRES 2000000000ull /* later than all that it writes */
#define SWAP_STEP 16               /* seconds from one revision's expiries to the next one's */

enum swap_role { SWAP_ALPHA, SWAP_BETA, SWAP_PARENT, SWAP_ROLES };
extern const char *const swap_source[SWAP_ROLES];

/* What a source says of a leaf or parent. */
struct swap_claim {
	enum swap_role role;
	uint32_t touched; /* the revision that said it */
	bool listed;
	uint64_t expires;
};
void
swap_claim(int kind, enum swap_role role, unsigned slot, uint32_t revision,
	   struct swap_claim *claim);

/* Leaves or parents of a kind; parents: 0 of digests. */
unsigned
swap_slots(int kind, enum swap_role role);
/* Does the revision touch it? Revision 0 touches all. */
bool
swap_touches(uint32_t revision, enum swap_role role, unsigned slot);

/*
 * The priority of the second source: before the first one's at some revisions, behind it at others. It stands in the
 * catalogue, claims stand in layers.
 */
#define SWAP_PRIORITY 100 /* of the others */
unsigned
swap_beta_priority(uint32_t revision);

/* Live claims that cover a leaf, the first answer first; how many (SWAP_ROLES at most). */
unsigned
swap_expect(int kind, unsigned leaf, uint32_t revision, uint64_t now,
	    struct swap_claim claims[SWAP_ROLES]);

#define SWAP_TEXT 96
/* The canonical text of a key, and of the tag's value at a revision. */
void
swap_text(int kind, enum swap_role role, unsigned slot, char text[SWAP_TEXT]);
void
swap_tag(uint32_t touched, char text[SWAP_TEXT]);
uint32_t
swap_ipv4(unsigned leaf);
void
swap_ipv6(unsigned leaf, uint8_t address[16]);
/* 20 or 32 bytes. */
void
swap_digest(int kind, unsigned leaf, uint8_t *digest);

uint64_t
swap_mix(uint64_t word);

#endif
