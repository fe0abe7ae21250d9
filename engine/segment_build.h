/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building a segment: deterministic, in memory, then streamed out.
 *
 *   new -> (source | tags | claims | put)* -> write -> free
 *
 * The bytes written are a function of the set of (key, claims), the seed, the
 * time of segment_build_swept and the format version alone: not of the order of calls, nor of interned things
 * that no key uses. Keys must be distinct (text, not scope, makes a key: a
 * key's claims carry the scopes); a duplicate is STATUS_USAGE at write.
 *
 * Memory: about the size of the keys, plus 16 bytes a trie node, plus hot
 * lines of the kind being written.
 */
#ifndef ENGINE_SEGMENT_BUILD_H
#define ENGINE_SEGMENT_BUILD_H

#include "engine/file.h"
#include "engine/hash.h"
#include "engine/key.h"

struct claim {
	uint32_t source;      /* from segment_build_source */
	uint8_t scope;        /* enum scope */
	uint32_t set, notes;  /* from segment_build_tags; 0 = none */
	uint64_t expires, first_seen, last_seen;
};

struct segment_build;

enum status
segment_build_new(struct hash_seed seed, bool overlay, struct segment_build **build,
		  struct fault *fault);
void
segment_build_free(struct segment_build *build);

/* Intern; ids are provisional and belong to this builder. */
enum status
segment_build_source(struct segment_build *build, const char *name, size_t length, uint32_t *id,
		     struct fault *fault);
/* `bytes`: a canonical tag string (engine/tag.h); empty gives 0. */
enum status
segment_build_tags(struct segment_build *build, const uint8_t *bytes, size_t length, uint32_t *id,
		   struct fault *fault);
/* All claims of one key, any order, (source, scope) distinct; 0 claims = removal. */
enum status
segment_build_claims(struct segment_build *build, const struct claim *claims, size_t count,
		     uint32_t *id, struct fault *fault);

enum status
segment_build_put(struct segment_build *build, const struct key *key, uint32_t claims,
		  struct fault *fault);

/*
 * Overlays: whatever was due at `time` or before in the layers below, and visible, is hidden by
 * this one (segment_expiry.h). The latest of all times counts. A base does not keep it.
 */
void
segment_build_swept(struct segment_build *build, uint64_t time);

/* Keys put so far. */
uint64_t
segment_build_count(const struct segment_build *build);

/* Ends the building; afterwards only segment_build_free. The caller commits `out`. */
enum status
segment_build_write(struct segment_build *build, struct file_out *out, uint8_t sha256[32],
		    struct fault *fault);

#endif
