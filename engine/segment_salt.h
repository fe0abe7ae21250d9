/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Salt: what a set of keys adds to the seed of its table when the plain seed does not spread it.
 *
 *   salt_new -> salt_add a key, in an order that follows from the set -> salt_finish
 *
 * A seed stands in every published file, so whoever knows it can choose keys that share a line.
 * The seeds that come after it hang on a SHA-256 of all keys: to foresee one is to have
 * the whole set, and changing the set changes the seed. So a build ends for any keys, and
 * equal sets still make equal bytes.
 */
#ifndef ENGINE_SEGMENT_SALT_H
#define ENGINE_SEGMENT_SALT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/status.h"

struct salt;

enum status
salt_new(struct salt **salt, struct fault *fault);
void
salt_add(struct salt *salt, const void *bytes, size_t length);
/* Frees. */
uint64_t
salt_finish(struct salt *salt);

#endif
