/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retagging: other tags on many claims, in one transaction.
 *
 *   tags_add / retag_untag ... -> retag_run (into a writer's builder) -> retag_fini
 *
 * Of each claim that the survey takes, the categories in `without` go, and those in `with`
 * get the values there in the place of what they had. Everything else of the claim stays,
 * also its times: a tag is no sighting. Keys of which no claim changes are not written.
 * Cost: a walk over all keys; each distinct combination of tags is worked out once.
 */
#ifndef QUERY_RETAG_H
#define QUERY_RETAG_H

#include "engine/segment_build.h"
#include "query/survey.h"

struct retag {
	struct survey survey;      /* which claims; its view is the writer's */
	struct tags with;
	const struct tag_category *without[LIMIT_TAGS_PER_CLAIM];
	size_t without_count;
	uint64_t matched, changed; /* claims */
};

void
retag_fini(struct retag *retag);

/* Category names are checked against the survey's view; the TTL is refused. */
enum status
retag_tag(struct retag *retag, const char *category, size_t category_length, const char *value,
	  size_t length, struct fault *fault);
enum status
retag_untag(struct retag *retag, const char *category, size_t length, struct fault *fault);

enum status
retag_run(struct retag *retag, struct segment_build *build, struct fault *fault);

#endif
