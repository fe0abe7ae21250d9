/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value and one remark on a line:
 *
 *   ipsum  address TAB count          -> tag List Count
 *   drop   prefix ; SBL1234           -> tag Description
 *   loki   hash;comment, host;score   -> tag Description
 */
#include "loader/feed_format.h"

static char list_count[] = "List Count";
static char description[] = "Description";

/* --- ipsum ------------------------------------------------------------------ */

static bool
ipsum_parts(struct feed_text line, struct feed_text *address, struct feed_text *count)
{
	*address = feed_word(&line);
	*count = feed_word(&line);
	return feed_look(*address) == LOOK_ADDRESS && feed_look(*count) == LOOK_NUMBER &&
	       feed_word(&line).length == 0;
}

static bool
fits_ipsum(struct feed_text line)
{
	struct feed_text address, count;

	return ipsum_parts(line, &address, &count) && count.length <= 4;
}

static unsigned
ipsum_score(const struct feed_sample *sample)
{
	unsigned percent = feed_percent(sample, fits_ipsum);

	return percent >= 60 ? 99 : 0;
}

static enum feed_step
ipsum_line(struct feed *feed, const struct feed_line *line)
{
	struct feed_text all = feed_trim((struct feed_text){line->text, line->length});
	struct feed_text address, count, comment;

	if (all.length == 0 || feed_is_comment(all))
		return FEED_STEP_DONE;
	if (ipsum_parts(feed_cut_comment(all, &comment), &address, &count)) {
		feed_tag(feed, (struct feed_text){list_count, sizeof(list_count) - 1}, count);
		feed_emit(feed, address, KIND_ANY, 0);
	} else {
		feed_refuse(feed, all, STATUS_BAD_FEED,
			    "an address and the number of lists it is on are expected");
	}
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_ipsum = {
	"ipsum", "IPsum: address TAB number of lists", ipsum_score, NULL, ipsum_line, 0,
};

/* --- drop ------------------------------------------------------------------- */

static bool
fits_drop(struct feed_text line)
{
	struct feed_text comment;
	struct feed_text value = feed_cut_comment(line, &comment);

	return feed_look(value) == LOOK_ADDRESS && feed_starts(comment, "SBL");
}

static unsigned
drop_score(const struct feed_sample *sample)
{
	return feed_percent(sample, fits_drop) >= 60 ? 99 : 0;
}

static enum feed_step
drop_line(struct feed *feed, const struct feed_line *line)
{
	struct feed_text all = feed_trim((struct feed_text){line->text, line->length});
	struct feed_text comment;

	if (all.length == 0 || feed_is_comment(all))
		return FEED_STEP_DONE;
	all = feed_cut_comment(all, &comment);
	feed_tag(feed, (struct feed_text){description, sizeof(description) - 1}, comment);
	feed_emit_value(feed, all);
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_drop = {
	"drop", "Spamhaus DROP text: prefix ; SBL number", drop_score, NULL, drop_line, 0,
};

/* --- loki ------------------------------------------------------------------- */

static bool
is_hash(enum feed_look look)
{
	return look == LOOK_MD5 || look == LOOK_SHA1 || look == LOOK_SHA256;
}

static bool
fits_loki_hash(struct feed_text line)
{
	size_t end = feed_find(line, ';');

	return end < line.length && is_hash(feed_look(feed_trim((struct feed_text){line.at, end})));
}

static bool
fits_loki(struct feed_text line)
{
	size_t end = feed_find(line, ';');
	enum feed_look look = feed_look(feed_trim((struct feed_text){line.at, end}));

	return feed_look_indicator(look) || look == LOOK_MD5;
}

static unsigned
loki_score(const struct feed_sample *sample)
{
	if (feed_percent(sample, fits_loki_hash) >= 60)
		return 98;
	return feed_comment_has(sample, "LOKI") && feed_percent(sample, fits_loki) >= 80 ? 98 : 0;
}

/* "value;comment" and "value;score;comment": a score alone says nothing. */
static enum feed_step
loki_line(struct feed *feed, const struct feed_line *line)
{
	struct feed_text all = feed_trim((struct feed_text){line->text, line->length});
	struct feed_text value, comment, first;
	size_t end = feed_find(all, ';');

	if (all.length == 0 || *all.at == '#')
		return FEED_STEP_DONE;
	value = feed_trim((struct feed_text){all.at, end});
	comment = feed_trim(feed_from(all, end + (end < all.length)));
	first = feed_trim((struct feed_text){comment.at, feed_find(comment, ';')});
	if (feed_look(first) == LOOK_NUMBER && first.length <= 3) {
		end = feed_find(comment, ';');
		comment = feed_from(comment, end + (end < comment.length));
	}
	feed_tag(feed, (struct feed_text){description, sizeof(description) - 1}, comment);
	if (value.length == 0)
		feed_refuse(feed, all, STATUS_BAD_FEED, "there is no value before the semicolon");
	else if (is_hash(feed_look(value)))
		feed_emit(feed, value, KIND_ANY, 0);
	else
		feed_emit_value(feed, feed_cut_comment(value, &first));
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_loki = {
	"loki", "Loki / signature-base: hash;comment or host;comment", loki_score, NULL, loki_line,
	0,
};
