/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the order of expiry (segment_expiry.h): by the builder, and by the check once more.
 *
 * Memory: 16 bytes a list, 4 a claim, and 5 a key of those dues that get places.
 */
#ifndef ENGINE_SEGMENT_EXPIRY_BUILD_H
#define ENGINE_SEGMENT_EXPIRY_BUILD_H

#include "engine/segment_aid.h"
#include "engine/segment_build_state.h"
#include "engine/segment_expiry.h"
#include "engine/segment_layout.h"

/*
 * Of a builder whose tables are laid out, prefixes sorted with final claims ids, and claims
 * in their section. An empty image: the section is not wanted.
 */
enum status
segment_expiry_of_build(const struct segment_build *build, const struct segment_table *table,
			const struct layout *layout, const uint32_t *list_final,
			const struct aid_image *claims, struct aid_image *image,
			struct fault *fault);

/* Of an attached segment, all else of which has been checked. */
enum status
segment_expiry_of_segment(const struct segment *segment, struct aid_image *image,
			  struct fault *fault);

#endif
