/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path: a key as a list of steps, general to specific, each a 64-bit hash.
 *
 * Reader and builder both get their steps here, so they cannot disagree. The
 * last step of a key is its own node; the steps before it are the nodes of
 * what it lies below. segment.h shows the steps of each kind.
 *
 * A URL's node is its text without one trailing `/` (if it has no query), so
 * that `http://h/a` and `http://h/a/` share a node and a walk needs one probe
 * per path segment; records tell them apart. Entries with more than
 * LIMIT_URL_STEPS path segments are refused (path_deep), so a query's deeper
 * steps cannot be entries and are not asked.
 *
 * A pattern entry (key->pattern) has one step: its literal, salted with the
 * pattern bits; look-ups make such steps from the lengths in the segment.
 */
#ifndef ENGINE_PATH_H
#define ENGINE_PATH_H

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "engine/bytes.h"
#include "engine/hash.h"
#include "engine/key.h"
#include "engine/name.h"

/*
 * The seed of a kind's table after `reseeds` re-seedings. `salt` (segment_salt.h) is of the keys,
 * 0 before the first of them.
 */
struct hash_seed
path_seed(struct hash_seed seed, enum kind kind, uint32_t reseeds, uint64_t salt);

struct path_step {
	uint64_t hash;
	uint32_t length; /* text: bytes of the node's text; ip: prefix bits */
	bool last;       /* the key's own node */
};

struct path {
	const struct key *key;
	const char *text;
	struct hash_seed seed;
	uint32_t position; /* domain: start of the next suffix; url: next place */
	uint32_t end;      /* url: end of the path (at `?` or the end) */
	uint32_t steps;
	bool done;
};

/*
 * `first_step`: domain steps with fewer labels are skipped (0, 1: none are); but a name whose top label has
 * its bit in `tops` (name.h; NULL: none has) begins with that label.
 */
void
path_init(struct path *path, struct hash_seed seed, uint32_t first_step, const uint8_t *tops,
	  const struct key *key);
bool
path_next(struct path *path, struct path_step *step);

/* Hash of a pattern's literal. */
uint64_t
path_pattern(struct hash_seed seed, unsigned pattern, const char *literal, size_t length);

/* The literal part of a pattern key's text. */
const char *
path_literal(const struct key *key, size_t *length);

/* True if a URL key has more path segments than an entry may have. */
bool
path_deep(const struct key *key);

/* Labels of a domain key. */
uint32_t
path_labels(const struct key *key);

/*
 * Start of the suffix of a name that has one label more than text[start..]; 0
 * at the front. Begin with start = length + 1.
 */
static inline uint32_t
path_label_before(const char *text, uint32_t start)
{
	uint32_t at = start < 2 ? 0 : start - 1;
#ifdef __SSE2__
	for (; at >= 16; at -= 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + at - 16));
		unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')));
		if (dots != 0)
			return at - 16 + 32 - (uint32_t)__builtin_clz(dots);
	}
#endif
	while (at > 0 && text[at - 1] != '.')
		at--;
	return at;
}

/* The bit of a name's top label. */
static inline uint32_t
path_top(const char *text, uint32_t length)
{
	return name_top(text + length, length - path_label_before(text, length + 1), length);
}

static inline bool
path_from_top(const char *text, uint32_t length, const uint8_t *tops)
{
	return tops != NULL && name_top_is_set(tops, path_top(text, length));
}

/* Where a walk of a name begins; false if it has fewer labels than any entry. */
static inline bool
path_domain_begin(const char *text, uint32_t length, uint32_t first_step, uint32_t *start)
{
	uint32_t at = length + 1;
	for (uint32_t step = 0; step < (first_step == 0 ? 1 : first_step); step++) {
		if (at == 0)
			return false;
		at = path_label_before(text, at);
	}
	*start = at;
	return true;
}

/* The one step of a digest of 20 or 32 bytes, and of an IPv4 host. */
static inline __attribute__((always_inline)) uint64_t
path_digest(struct hash_seed seed, const uint8_t *digest, size_t length)
{
	struct le64 words[4] = {0};
	struct le32 rest;
	memcpy(&words[0], digest, 8);
	memcpy(&words[1], digest + 8, 8);
	if (length == 32) {
		memcpy(&words[2], digest + 16, 8);
		memcpy(&words[3], digest + 24, 8);
	} else {
		memcpy(&rest, digest + 16, 4);
		words[2] = le64_make(le32_get(rest));
	}
	return hash_words(seed, le64_get(words[0]), le64_get(words[1]), le64_get(words[2]),
			  le64_get(words[3]));
}

static inline uint64_t
path_host(struct hash_seed seed, uint32_t address)
{
	return hash_word(seed, address);
}

/* The one step of an IPv6 host. */
static inline uint64_t
path_host_ipv6(struct hash_seed seed, const uint8_t *address)
{
	return hash_words(seed, be64_get(address), be64_get(address + 8), 0, 0);
}

/* Does a hashed table hold this key? If not, an IP prefix: ptrie.h or wide.h does. */
static inline bool
path_in_table(const struct key *key)
{
	if (key->kind == KIND_IPV4)
		return key->prefix_bits == 32;
	if (key->kind == KIND_IPV6)
		return key->prefix_bits == 128;
	return true;
}

#endif
