/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#include "engine/bucket.h"

#define many_find(line, tag) bucket_equal(line, FORMAT_SLOT_TAG, tag)
#define many_entries(line) bucket_entries(line)

#define MANY(name) name##_sse2
#define MANY_NAME "sse2"
#include "engine/segment_many_body.h"
#endif
