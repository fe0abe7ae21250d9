/* SPDX-License-Identifier: Apache-2.0 */
/* The walks of each instruction set. Private to segment_many*. */
#ifndef ENGINE_SEGMENT_MANY_PATHS_H
#define ENGINE_SEGMENT_MANY_PATHS_H

#include "engine/segment_many.h"

extern const struct segment_many_path segment_many_portable;
#ifdef __x86_64__
extern const struct segment_many_path segment_many_sse2, segment_many_avx2, segment_many_avx512;
#endif

#endif
