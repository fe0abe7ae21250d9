/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/segment_many.h"

#include <string.h>

#include "engine/segment_many_paths.h"

/* In order of preference: the first that the machine has. The last one always works. */
const struct segment_many_path *const segment_many_path[] = {
#ifdef __x86_64__
	&segment_many_avx512, &segment_many_avx2, &segment_many_sse2,
#endif
	&segment_many_portable,
};
#define PATHS (sizeof(segment_many_path) / sizeof(segment_many_path[0]))

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
		if (machine_has(segment_many_path[i]))
			names[count++] = segment_many_path[i]->name;
	return count;
}

uint8_t
segment_many_choose(const char *name)
{
	const struct segment_many_path *const *path = segment_many_path;
	for (uint8_t i = 0; i < PATHS; i++)
		if (machine_has(path[i]) && (name == NULL || strcmp(path[i]->name, name) == 0))
			return i;
	return PATHS - 1;
}
