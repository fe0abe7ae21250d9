/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proving a segment: every byte against its checksum, then that the file means
 * something and is what the builder makes of its entries. Cost: one pass over
 * the file and one building pass in memory (16 bytes a trie node). The first
 * mistake is named with section, offset and a sentence.
 */
#ifndef ENGINE_SEGMENT_CHECK_H
#define ENGINE_SEGMENT_CHECK_H

#include "engine/segment.h"

enum status
segment_check(const struct segment *segment, struct fault *fault);

/* The footer's SHA-256 against the bytes: what a signature stands on. Corrupt if it differs. */
enum status
segment_check_sha256(const struct segment *segment, struct fault *fault);

#endif
