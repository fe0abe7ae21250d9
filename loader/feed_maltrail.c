/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maltrail trails: names, addresses (perhaps with port), URLs, host/path and
 * bare paths, one a line. Maltrail looks a queried name up with all its
 * parents (core: _check_domain walks the labels), so a name has scope tree.
 */
#include <string.h>

#include "loader/feed_format.h"

static unsigned
maltrail_score(const struct feed_sample *sample)
{
	return feed_comment_has(sample, "maltrail") ? 99 : 0;
}

static bool
is_expression(struct feed_text value)
{
	for (size_t i = 0; i < value.length; i++) {
		if (memchr("[](){}|+^$\\", value.at[i], 11))
			return true;
	}
	return false;
}

static void
trail_take(struct feed *feed, struct feed_text value)
{
	enum feed_look look = feed_look(value);

	if (*value.at == '/')
		feed_refuse(feed, value, STATUS_BAD_URL,
			    "a path without a host stands for any host");
	else if (look == LOOK_NAME && feed_find(value, '*') == value.length)
		feed_emit(feed, value, KIND_DOMAIN, SCOPE_TREE);
	else if (look == LOOK_URL || look == LOOK_NAME_PATH)
		feed_emit(feed, value, KIND_URL, 0);
	else if (look == LOOK_OTHER && feed_find(value, '/') == value.length &&
		 is_expression(value))
		feed_refuse(feed, value, STATUS_BAD_DOMAIN, "a regular expression is not a name");
	else
		feed_emit_value(feed, value);
}

static enum feed_step
maltrail_line(struct feed *feed, const struct feed_line *line)
{
	struct feed_text value = feed_trim((struct feed_text){line->text, line->length});
	struct feed_text comment;

	if (value.length > 0 && *value.at != '#')
		trail_take(feed, feed_cut_comment(value, &comment));
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_maltrail = {
	"maltrail",     "Maltrail trails: names with all below them, addresses, ip:port, URLs",
	maltrail_score, NULL,
	maltrail_line,  0,
};
