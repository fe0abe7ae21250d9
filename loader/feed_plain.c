/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of one value a line (plain, netset, ranges, wildcard) and the pieces
 * that other formats share with them.
 */
#include <string.h>

#include "loader/feed_format.h"

/* --- shared ----------------------------------------------------------------- */

bool
feed_is_comment(struct feed_text text)
{
	return text.length > 0 && (*text.at == '#' || *text.at == ';' || *text.at == '!' ||
				   (*text.at == '/' && feed_starts(text, "//")));
}

/* What a byte in a value makes worth a second look. */
enum { SEEN_BLANK = 1, SEEN_DASH = 2, SEEN_COLON = 4, SEEN_SLASH = 8, SEEN_COMMENT = 16 };

static const uint8_t byte_marks[256] = {
	[' '] = SEEN_BLANK,
	['\t'] = SEEN_BLANK,
	['-'] = SEEN_DASH,
	[':'] = SEEN_COLON,
	['/'] = SEEN_SLASH | SEEN_COMMENT,
	['#'] = SEEN_COMMENT,
	[';'] = SEEN_COMMENT,
	['!'] = SEEN_COMMENT,
};

static inline unsigned
marks_of(struct feed_text text, size_t i)
{
	return byte_marks[(uint8_t)text.at[i]];
}

static bool
comment_here(struct feed_text text, size_t at, bool path)
{
	char c = text.at[at];

	if (c != '#' && c != ';' && c != '!' && c != '/')
		return false;
	if (at > 0 && feed_blank(text.at[at - 1]))
		return c != '/' || (at + 1 < text.length && text.at[at + 1] == '/');
	if (c != '#' && c != ';')
		return false;
	return !path || feed_look((struct feed_text){text.at, at}) == LOOK_ADDRESS;
}

struct feed_text
feed_cut_comment(struct feed_text text, struct feed_text *comment)
{
	bool path = false;

	*comment = (struct feed_text){text.at, 0};
	for (size_t i = 0; i < text.length; i++) {
		if (!(marks_of(text, i) & SEEN_COMMENT))
			continue;
		if (comment_here(text, i, path)) {
			*comment = feed_from(text, i + 1);
			if (text.at[i] == '/')
				*comment = feed_from(*comment, 1);
			*comment = feed_trim(*comment);
			return feed_trim((struct feed_text){text.at, i});
		}
		path |= text.at[i] == '/';
	}
	return text;
}

/* "a - b" to "a-b", in place. */
static struct feed_text
range_close(struct feed_text range)
{
	struct feed_text closed = {range.at, 0};

	for (size_t i = 0; i < range.length; i++) {
		if (!feed_blank(range.at[i]))
			closed.at[closed.length++] = range.at[i];
	}
	return closed;
}

/* 192.0.2.1:80 -> 192.0.2.1, [2001:db8::1]:80 -> 2001:db8::1, name:80 -> name */
static struct feed_text
port_drop(struct feed *feed, struct feed_text text)
{
	size_t colon = text.length;

	while (text.at[colon - 1] != ':')
		colon--;
	text.length = colon - 1;
	if (text.at[0] == '[' && text.at[text.length - 1] == ']')
		text = (struct feed_text){text.at + 1, text.length - 2};
	feed_note_add(feed, FEED_NOTE_PORT);
	return text;
}

static unsigned
seen(struct feed_text value)
{
	unsigned marks = 0;

	for (size_t i = 0; i < value.length; i++)
		marks |= marks_of(value, i);
	return marks;
}

void
feed_emit_value(struct feed *feed, struct feed_text value)
{
	unsigned marks = seen(value);
	struct feed_text rest = value;
	enum feed_look look;

	if (marks & SEEN_BLANK && !(marks & SEEN_SLASH)) {
		look = feed_look(feed_word(&rest));
		/* "hash  file name", as sha256sum prints */
		if (look == LOOK_SHA1 || look == LOOK_SHA256 || look == LOOK_MD5)
			value.length = (size_t)(rest.at - value.at);
	}
	if (value.length > 1 && value.at[value.length - 1] == ',' && !(marks & SEEN_SLASH))
		value.length--;
	if (marks & (SEEN_DASH | SEEN_COLON) && !(marks & SEEN_SLASH)) {
		look = feed_look(value);
		if (look == LOOK_RANGE)
			value = range_close(value);
		else if (look == LOOK_ADDRESS_PORT || look == LOOK_NAME_PORT)
			value = port_drop(feed, value);
	}
	feed_emit(feed, value, KIND_ANY, 0);
}

unsigned
feed_percent(const struct feed_sample *sample, bool (*fits)(struct feed_text line))
{
	size_t count = 0;

	for (size_t i = 0; i < sample->line_count; i++)
		count += fits(sample->lines[i]);
	return sample->line_count ? (unsigned)(count * 100 / sample->line_count) : 0;
}

bool
feed_comment_has(const struct feed_sample *sample, const char *word)
{
	for (size_t i = 0; i < sample->comment_count; i++) {
		if (feed_contains(sample->comments[i], word))
			return true;
	}
	return false;
}

/* --- plain, netset, ranges -------------------------------------------------- */

static enum feed_look
look_value(struct feed_text line)
{
	struct feed_text comment, word;
	enum feed_look look;

	line = feed_cut_comment(line, &comment);
	look = feed_look(line);
	if (look != LOOK_OTHER)
		return look;
	if (line.length > 1 && line.at[line.length - 1] == ',')
		line.length--;
	word = feed_word(&line);
	look = feed_look(word);
	/* Words may follow a hash; a URL may have blanks inside. */
	return look == LOOK_SHA1 || look == LOOK_SHA256 || look == LOOK_MD5 || look == LOOK_URL ||
			       line.length == 0
		       ? look
		       : LOOK_OTHER;
}

static bool
fits_plain(struct feed_text line)
{
	enum feed_look look = look_value(line);

	return feed_look_indicator(look) || look == LOOK_MD5;
}

static bool
fits_address(struct feed_text line)
{
	return look_value(line) == LOOK_ADDRESS;
}

static bool
fits_range(struct feed_text line)
{
	return look_value(line) == LOOK_RANGE;
}

/* Below what a format with a shape of its own reaches. */
static unsigned
plain_score(const struct feed_sample *sample)
{
	return feed_percent(sample, fits_plain) * 9 / 10;
}

static unsigned
netset_score(const struct feed_sample *sample)
{
	return feed_percent(sample, fits_address) >= 95 ? 94 : 0;
}

static unsigned
ranges_score(const struct feed_sample *sample)
{
	unsigned ranges = feed_percent(sample, fits_range);

	return ranges >= 30 && ranges + feed_percent(sample, fits_address) >= 90 ? 95 : 0;
}

static enum feed_step
plain_line(struct feed *feed, const struct feed_line *line)
{
	struct feed_text comment;
	struct feed_text value = feed_trim((struct feed_text){line->text, line->length});

	if (value.length > 0 && !feed_is_comment(value))
		feed_emit_value(feed, feed_cut_comment(value, &comment));
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_plain = {
	"plain",     "one value a line, any kind or mixed, comments behind it",
	plain_score, NULL,
	plain_line,  0,
};

const struct feed_format feed_format_netset = {
	"netset",     "addresses and CIDR prefixes (FireHOL netset and ipset, drop lists)",
	netset_score, NULL,
	plain_line,   0,
};

const struct feed_format feed_format_ranges = {
	"ranges",     "first-last address ranges, with or without blanks",
	ranges_score, NULL,
	plain_line,   0,
};

/* --- wildcard --------------------------------------------------------------- */

/*
 * `*.name` lines. As spelled that is everything below the name. DNSCrypt's
 * lists are written the same way and mean the name too, and a bare name
 * means the same (dnscrypt-proxy, example-blocked-names.txt): lists that say
 * in their header that they are in that syntax get scope tree.
 */
struct wildcard_state {
	bool dnscrypt;
};

static bool
fits_wildcard(struct feed_text line)
{
	return feed_starts(line, "*.") && line.length > 3 && feed_find(line, '/') == line.length;
}

static unsigned
wildcard_score(const struct feed_sample *sample)
{
	return feed_percent(sample, fits_wildcard) >= 60 ? 93 : 0;
}

static void
dnscrypt_value(struct feed *feed, struct feed_text value)
{
	if (feed_starts(value, "=")) {
		feed_emit(feed, feed_from(value, 1), KIND_DOMAIN, SCOPE_EXACT);
		return;
	}
	if (feed_starts(value, "*."))
		value = feed_from(value, 2);
	if (feed_find(value, '*') < value.length || feed_find(value, '?') < value.length)
		feed_refuse(feed, value, STATUS_BAD_DOMAIN,
			    "a pattern inside a name is not a name");
	else
		feed_emit(feed, value, KIND_DOMAIN, SCOPE_TREE);
}

static enum feed_step
wildcard_line(struct feed *feed, const struct feed_line *line)
{
	struct wildcard_state *state = feed_state(feed);
	struct feed_text value = feed_trim((struct feed_text){line->text, line->length});
	struct feed_text comment;

	if (feed_is_comment(value)) {
		state->dnscrypt |= feed_contains(value, "dnscrypt") ||
				   feed_contains(value, "domains wildcard");
		return FEED_STEP_DONE;
	}
	value = feed_cut_comment(value, &comment);
	if (value.length == 0)
		return FEED_STEP_DONE;
	if (state->dnscrypt)
		dnscrypt_value(feed, value);
	else if (fits_wildcard(value))
		feed_emit(feed, value, KIND_DOMAIN, 0);
	else
		feed_emit_value(feed, value);
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_wildcard = {
	"wildcard",     "*.name lines; with the name itself if the header says DNSCrypt",
	wildcard_score, NULL,
	wildcard_line,  sizeof(struct wildcard_state),
};
