/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests and addresses of one hash, made by one who knows the seed of the table: an attack on hash_words
 * (engine/hash.h), by solving its fold for one factor.
 */
#ifndef TESTS_COLLIDE_H
#define TESTS_COLLIDE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/hash.h"

#define COLLIDE_SHA1_RUN 1024

/* `count` digests of 32 bytes, all different, all of one hash under the table's seed. */
void
collide_sha256(struct hash_seed seed, size_t count, uint8_t (*digests)[32]);

/* The same of 20 bytes, whose words leave less choice: each COLLIDE_SHA1_RUN of them share one. */
void
collide_sha1(struct hash_seed seed, size_t count, uint8_t (*digests)[20]);

/* IPv6 addresses of one hash; a few hundred, for the work grows with the square of `count`. */
void
collide_ipv6(struct hash_seed seed, size_t count, uint8_t (*addresses)[16]);

#endif
