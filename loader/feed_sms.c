/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two comma-separated formats without a header whose columns are fixed:
 *
 *   sms    address,category,value,category,value,...  (facts.md 1.5 and 3.3)
 *          values of a list joined with ~~~; the category
 *          "Reputation Entries TTL" is the entry's expiry
 *   iprep  address,category,score  (Suricata's IP reputation files)
 */
#include <string.h>

#include "loader/feed_format.h"

#define SMS_TTL "Reputation Entries TTL"
#define SMS_LIST_MARK "~~~"

static bool
split_line(struct feed_fields *fields, struct feed_text text)
{
	fields->open = false;
	feed_fields_split(fields, text, ',');
	return !fields->open && !fields->overflow;
}

/* --- sms -------------------------------------------------------------------- */

/* A category is named in words: neither a value of ours nor a number or date. */
static bool
is_category(struct feed_text field)
{
	field = feed_field_look(field);
	return field.length > 0 && field.length <= LIMIT_CATEGORY_NAME_BYTES &&
	       feed_look(field) == LOOK_OTHER &&
	       ((*field.at | 32) >= 'a' && (*field.at | 32) <= 'z');
}

static bool
fits_sms(struct feed_text line)
{
	struct feed_fields fields = {0};

	if (!split_line(&fields, line))
		return false;
	if (fields.count % 2 == 0 && fields.field[fields.count - 1].length == 0)
		fields.count--;
	if (fields.count < 3 || fields.count % 2 == 0 ||
	    !feed_look_indicator(feed_look(feed_field_look(fields.field[0]))))
		return false;
	for (size_t i = 1; i < fields.count; i += 2) {
		if (!is_category(fields.field[i]))
			return false;
	}
	/* hash,type,host tables: a tag's value is no indicator */
	return !feed_look_indicator(feed_look(feed_field_look(fields.field[2])));
}

/* Tables have other words in every second column of every row; categories come again. */
static bool
categories_repeat(const struct feed_sample *sample)
{
	struct feed_fields first = {0}, other = {0};
	size_t same = 0, rows = 0;

	if (sample->line_count == 0 || !split_line(&first, sample->lines[0]) || first.count < 2)
		return false;
	for (size_t i = 0; i < sample->line_count; i++) {
		if (!fits_sms(sample->lines[i]) || !split_line(&other, sample->lines[i]))
			continue;
		rows++;
		for (size_t k = 1; k < other.count; k += 2) {
			struct feed_text category = other.field[k];

			if (category.length == first.field[1].length &&
			    memcmp(category.at, first.field[1].at, category.length) == 0) {
				same++;
				break;
			}
		}
	}
	return same * 2 >= rows;
}

static unsigned
sms_score(const struct feed_sample *sample)
{
	return feed_percent(sample, fits_sms) >= 60 && categories_repeat(sample) ? 97 : 0;
}

/* The values of a list one by one. */
static void
tag_values(struct feed *feed, struct feed_text category, struct feed_text values)
{
	while (values.length > 0) {
		size_t end = 0;

		while (end < values.length && !feed_starts(feed_from(values, end), SMS_LIST_MARK))
			end++;
		feed_tag(feed, category, (struct feed_text){values.at, end});
		end += end < values.length ? strlen(SMS_LIST_MARK) : 0;
		values = feed_from(values, end);
	}
}

/* A reason to refuse the line, or NULL. An entry must be well-formed before its tags count. */
static const char *
pairs_take(struct feed *feed, struct feed_fields *fields, enum status *status)
{
	uint64_t expires;

	for (size_t i = 1; i + 1 < fields->count; i += 2) {
		struct feed_text category = feed_field_value(fields->field[i]);
		struct feed_text value = feed_field_value(fields->field[i + 1]);

		*status = STATUS_BAD_TAG;
		if (category.length == 0 && value.length > 0)
			return "a tag value has no category";
		if (!feed_is(category, SMS_TTL)) {
			tag_values(feed, category, value);
			continue;
		}
		*status = STATUS_BAD_TIME;
		expires = feed_time(value);
		if (expires == 0)
			return "the value of Reputation Entries TTL is no time";
		feed_expires(feed, expires);
	}
	return NULL;
}

static enum feed_step
sms_line(struct feed *feed, const struct feed_line *line)
{
	struct feed_fields *fields = feed_state(feed);
	struct feed_text text = {line->text, line->length};
	struct feed_text all = feed_trim(text);
	enum status status = STATUS_BAD_FEED;
	const char *reason = NULL;

	if (line->joined == 0) {
		fields->open = false;
		if (all.length == 0 || *all.at == '#')
			return FEED_STEP_DONE;
	}
	feed_fields_split(fields, text, ',');
	if (fields->open)
		return FEED_STEP_MORE;
	if (fields->count % 2 == 0 && fields->field[fields->count - 1].length == 0)
		fields->count--; /* one comma too many at the end */
	if (fields->overflow)
		reason = "the line has more than 256 columns";
	else if (fields->count % 2 == 0)
		reason = "a tag category has no value: address,category,value,... is expected";
	else
		reason = pairs_take(feed, fields, &status);
	if (reason)
		feed_refuse(feed, all, status, reason);
	else
		feed_emit(feed, feed_field_value(fields->field[0]), KIND_ANY, 0);
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_sms = {
	"sms",     "SMS reputation entries: address,category,value,...",
	sms_score, NULL,
	sms_line,  sizeof(struct feed_fields),
};

/* --- iprep ------------------------------------------------------------------ */

static bool
is_small_number(struct feed_text field)
{
	return feed_look(field) == LOOK_NUMBER && field.length <= 3;
}

static bool
fits_iprep(struct feed_text line)
{
	struct feed_fields fields = {0};

	return split_line(&fields, line) && fields.count == 3 &&
	       feed_look(fields.field[0]) == LOOK_ADDRESS && is_small_number(fields.field[1]) &&
	       is_small_number(fields.field[2]);
}

static unsigned
iprep_score(const struct feed_sample *sample)
{
	return feed_percent(sample, fits_iprep) >= 60 ? 98 : 0;
}

static enum feed_step
iprep_line(struct feed *feed, const struct feed_line *line)
{
	static char category[] = "Reputation Category", score[] = "Reputation Score";
	struct feed_fields *fields = feed_state(feed);
	struct feed_text all = feed_trim((struct feed_text){line->text, line->length});
	struct feed_text comment;

	if (all.length == 0 || *all.at == '#')
		return FEED_STEP_DONE;
	if (!fits_iprep(feed_cut_comment(all, &comment))) {
		feed_refuse(feed, all, STATUS_BAD_FEED, "address,category,score is expected");
		return FEED_STEP_DONE;
	}
	split_line(fields, feed_cut_comment(all, &comment));
	feed_tag(feed, (struct feed_text){category, sizeof(category) - 1}, fields->field[1]);
	feed_tag(feed, (struct feed_text){score, sizeof(score) - 1}, fields->field[2]);
	feed_emit(feed, fields->field[0], KIND_ANY, 0);
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_iprep = {
	"iprep",     "Suricata IP reputation: address,category,score",
	iprep_score, NULL,
	iprep_line,  sizeof(struct feed_fields),
};
