/* SPDX-License-Identifier: Apache-2.0 */
/* The batch walks of one instruction set, and the choice among them. Private to segment_many*. */
#ifndef ENGINE_SEGMENT_MANY_PATHS_H
#define ENGINE_SEGMENT_MANY_PATHS_H

#include "engine/segment_many.h"

struct segment_many_path {
	const char *name;
	size_t (*ipv4)(const struct segment *, const uint32_t *, size_t, struct segment_best *);
	size_t (*ipv6)(const struct segment *, const uint8_t (*)[16], size_t, struct segment_best *);
	size_t (*digest)(const struct segment *, enum kind, const uint8_t *, size_t,
			 struct segment_hashes *, struct segment_best *);
	size_t (*text)(const struct segment *, enum kind, const struct key *const *, size_t,
		     struct segment_best *);
	void (*one)(const struct segment *, const struct key *, struct segment_best *);
};

extern const struct segment_many_path segment_many_portable;
#ifdef __x86_64__
extern const struct segment_many_path segment_many_sse2, segment_many_avx2, segment_many_avx512;
#endif

#endif
