/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tag category by itself: is it well formed, is it the same as another,
 * how does it grow. The catalogue keeps them; tag.h has the struct.
 */
#ifndef ENGINE_CATEGORY_H
#define ENGINE_CATEGORY_H

#include "engine/tag.h"

/*
 * Well formed: a name of 1..255 bytes of plain UTF-8 without blanks around
 * it, a description of at most 255; list: 1..LIMIT_LIST_VALUES values like
 * names, no two equal in folded case; number: min <= max. bad-tag or limit.
 * Fields that the type does not use are not looked at.
 */
enum status
category_check(const struct tag_category *category, struct fault *fault);

/* A copy on the heap, unused fields zero. NULL `description` becomes "". */
enum status
category_copy(const struct tag_category *from, struct tag_category **to, struct fault *fault);
/* NULL is welcome. */
void
category_free(struct tag_category *category);

/* Same type, description and bounds; list values as sets. Names and owners are not compared. */
bool
category_same(const struct tag_category *a, const struct tag_category *b);

/* The defined spelling of a list value found in any letter case; NULL if there is none. */
const char *
category_value_find(const struct tag_category *category, const char *text, size_t length);

/*
 * Take over the list values and the wider bounds of `more`, which has the same
 * type and is well formed; nothing is taken away. A description that is not
 * empty replaces the old one. On failure nothing has changed.
 */
enum status
category_grow(struct tag_category *category, const struct tag_category *more,
	      struct fault *fault);

#endif
