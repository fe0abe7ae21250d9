/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/segment_many.h"

#include <string.h>

#include "engine/segment_many_paths.h"

/* In order of preference: the first that the machine has. The last one always works. */
static const struct segment_many_path *const paths[] = {
#ifdef __x86_64__
	&segment_many_avx512, &segment_many_avx2, &segment_many_sse2,
#endif
	&segment_many_portable,
};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

static bool
machine_has(const struct segment_many_path *path)
{
#ifdef __x86_64__
	if (path == &segment_many_avx512)
		return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
		       __builtin_cpu_supports("bmi2");
	if (path == &segment_many_avx2)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
#endif
	return path != NULL;
}

size_t
segment_many_paths(const char *names[SEGMENT_MANY_PATHS])
{
	size_t count = 0;
	for (size_t i = 0; i < PATHS; i++)
		if (machine_has(paths[i]))
			names[count++] = paths[i]->name;
	return count;
}

uint8_t
segment_many_choose(const char *name)
{
	for (uint8_t i = 0; i < PATHS; i++)
		if (machine_has(paths[i]) && (name == NULL || strcmp(paths[i]->name, name) == 0))
			return i;
	return PATHS - 1;
}

size_t
segment_many_ipv4(const struct segment *segment, const uint32_t *addresses, size_t n,
		  struct segment_best *best)
{
	return paths[segment->many]->ipv4(segment, addresses, n, best);
}

size_t
segment_many_ipv6(const struct segment *segment, const uint8_t (*addresses)[16], size_t n,
		  struct segment_best *best)
{
	return paths[segment->many]->ipv6(segment, addresses, n, best);
}

size_t
segment_many_digest(const struct segment *segment, enum kind kind, const uint8_t *digests,
		    size_t n, struct segment_hashes *hashes, struct segment_best *best)
{
	return paths[segment->many]->digest(segment, kind, digests, n, hashes, best);
}

size_t
segment_many_text(const struct segment *segment, enum kind kind, const struct key *const *keys,
		  size_t n, struct segment_best *best)
{
	return paths[segment->many]->text(segment, kind, keys, n, best);
}

void
segment_one(const struct segment *segment, const struct key *key, struct segment_best *best)
{
	paths[segment->many]->one(segment, key, best);
}
