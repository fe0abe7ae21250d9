/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at the first bytes of a feed: is it a list at all, and of which format. */
#include <string.h>

#include "loader/feed_csv.h"
#include "loader/feed_format.h"

#define LOOK_AHEAD_BYTES (64 * 1024)
#define SCORE_ENOUGH 40
#define TAR_MAGIC_END 262 /* feed_tar.h opens archives; one inside another is no feed */

extern const struct feed_format feed_format_adblock, feed_format_unbound, feed_format_dnsmasq,
	feed_format_rpz, feed_format_hosts, feed_format_drop, feed_format_ipsum, feed_format_iprep,
	feed_format_sms, feed_format_loki, feed_format_maltrail, feed_format_wildcard,
	feed_format_ranges, feed_format_netset, feed_format_csv, feed_format_tsv, feed_format_plain,
	feed_format_prose;

const struct feed_format *const feed_format_table[] = {
	&feed_format_adblock,
	&feed_format_unbound,
	&feed_format_dnsmasq,
	&feed_format_rpz,
	&feed_format_hosts,
	&feed_format_drop,
	&feed_format_ipsum,
	&feed_format_iprep,
	&feed_format_sms,
	&feed_format_loki,
	&feed_format_maltrail,
	&feed_format_wildcard,
	&feed_format_ranges,
	&feed_format_netset,
	&feed_format_csv,
	&feed_format_tsv,
	&feed_format_plain,
	&feed_format_prose,
	NULL,
};

/* --- what is no list -------------------------------------------------------- */

static const struct {
	const char *bytes;
	size_t length;
	const char *what;
} signatures[] = {
	{"\xFF\xFE", 2, "UTF-16 text; convert it to UTF-8 first"},
	{"\xFE\xFF", 2, "UTF-16 text; convert it to UTF-8 first"},
	{"PK\x03\x04", 4, "a zip archive; unpack it first"},
	{"\xFD"
	 "7zXZ",
	 5, "an xz file; only gzip and zstd are undone here"},
	{"BZh", 3, "a bzip2 file; only gzip and zstd are undone here"},
	{"7z\xBC\xAF", 4, "a 7z archive; unpack it first"},
	{"\x1F\x8B", 2, "gzip inside the compression that was undone already"},
	{"\x28\xB5\x2F\xFD", 4, "zstd inside the compression that was undone already"},
	{"%PDF-", 5, "a PDF document"},
	{"\x7F"
	 "ELF",
	 4, "a program"},
	{"\x89PNG", 4, "a picture"},
};

/* Tabs and line ends are text; an odd NUL in a list is handled line by line. */
static bool
is_binary(const char *text, size_t length, size_t *where)
{
	size_t count = 0;

	*where = 0;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 || (c >= '\t' && c <= '\r') || c == 0x1A)
			continue;
		if (count++ == 0)
			*where = i;
	}
	return count >= 8 && count * 20 > length;
}

static const char *
markup_of(struct feed_text first)
{
	struct feed_text rest = feed_from(first, first.length > 0);

	if (first.length == 0)
		return NULL;
	rest = feed_trim(rest);
	if (*first.at == '<')
		return "an HTML or XML page (an error page or a login page?)";
	if (*first.at == '{' && (rest.length == 0 || *rest.at == '"' || *rest.at == '}'))
		return "JSON (an error message?)";
	if (*first.at == '[' &&
	    (rest.length == 0 || *rest.at == '{' || *rest.at == '"' || *rest.at == ']'))
		return "JSON (an error message?)";
	return NULL;
}

static enum status
refuse_bytes(const char *text, size_t length, const char *name, struct fault *fault)
{
	size_t where;

	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		if (length >= signatures[i].length &&
		    memcmp(text, signatures[i].bytes, signatures[i].length) == 0)
			return fault_set(fault, STATUS_BAD_FEED, name, 0, "not a list: it is %s",
					 signatures[i].what);
	}
	if (length >= TAR_MAGIC_END && memcmp(text + TAR_MAGIC_END - 5, "ustar", 5) == 0)
		return fault_set(fault, STATUS_BAD_FEED, name, 0,
				 "not a list: it is a tar archive inside a feed");
	if (is_binary(text, length, &where))
		return fault_set(fault, STATUS_BAD_FEED, name, where,
				 "not a list: it is binary data (byte 0x%02x at offset %zu)",
				 (unsigned char)text[where], where);
	return STATUS_OK;
}

/* --- sample ----------------------------------------------------------------- */

static void
sample_line(struct feed_sample *sample, struct feed_text line)
{
	if (line.length == 0)
		return;
	if (!feed_is_comment(line)) {
		sample->lines[sample->line_count++] = line;
		return;
	}
	if (sample->comment_count < FEED_SAMPLE_COMMENTS)
		sample->comments[sample->comment_count++] = line;
	if (sample->line_count == 0 && *line.at != '!')
		sample->header_comment = line;
}

/* A line that the look-ahead cuts is left out, unless it is all there is. */
static void
sample_fill(struct feed_sample *sample, const char *text, size_t length, bool ended)
{
	struct feed_text rest = {(char *)(uintptr_t)text, length};

	sample->line_count = sample->comment_count = 0;
	while (rest.length > 0 && sample->line_count < FEED_SAMPLE_LINES) {
		size_t end = feed_find(rest, '\n');
		size_t cr = feed_find((struct feed_text){rest.at, end}, '\r');

		if (end == rest.length && cr == end && !ended && sample->line_count > 0)
			return;
		end = cr < end ? cr : end;
		sample_line(sample, feed_trim((struct feed_text){rest.at, end}));
		rest = feed_from(rest, end + (end < rest.length));
	}
}

/* A long preamble of comments: look farther, up to a line's limit. */
static enum status
sample_take(struct feed_reader *reader, const char *name, struct feed_sample *sample,
	    struct fault *fault)
{
	size_t want = LOOK_AHEAD_BYTES, length;
	const char *text, *markup;
	bool ended;
	enum status status;

	do {
		status = feed_reader_peek(reader, want, &text, &length, &ended, fault);
		if (!status)
			status = refuse_bytes(text, length, name, fault);
		if (status)
			return status;
		sample_fill(sample, text, length, ended);
		want *= 4;
	} while (sample->line_count == 0 && !ended && want <= LIMIT_LINE_BYTES);
	if (length == 0)
		return fault_set(fault, STATUS_BAD_FEED, name, 0, "the file is empty");
	if (sample->line_count == 0 && ended)
		return fault_set(fault, STATUS_BAD_FEED, name, length,
				 "there are no entries in it, only comments or blank lines");
	markup = sample->line_count > 0 ? markup_of(sample->lines[0]) : NULL;
	if (!markup)
		return STATUS_OK;
	return fault_set(fault, STATUS_BAD_FEED, name, (size_t)(sample->lines[0].at - text),
			 "not a list: it looks like %s, beginning with \"%.*s\"", markup,
			 sample->lines[0].length < 40 ? (int)sample->lines[0].length : 40,
			 sample->lines[0].at);
}

/* --- choice ----------------------------------------------------------------- */

static enum status
format_named(const char *wanted, const struct feed_format **format, struct fault *fault)
{
	for (size_t i = 0; feed_format_table[i]; i++) {
		if (strcmp(feed_format_table[i]->name, wanted) == 0) {
			*format = feed_format_table[i];
			return STATUS_OK;
		}
	}
	return fault_set(fault, STATUS_USAGE, "--format", 0,
			 "there is no feed format \"%s\"; `repute help import` lists them", wanted);
}

static const struct feed_format *
format_found(const struct feed_sample *sample)
{
	const struct feed_format *best = &feed_format_plain;
	unsigned score, most = 0;

	for (size_t i = 0; feed_format_table[i]; i++) {
		score = feed_format_table[i]->score(sample);
		if (score <= most)
			continue;
		most = score;
		best = feed_format_table[i];
	}
	return most >= SCORE_ENOUGH ? best : &feed_format_plain;
}

/* A column map makes sense for tables only. */
static const struct feed_format *
table_found(const struct feed_sample *sample)
{
	return csv_separator(sample) == '\t' ? &feed_format_tsv : &feed_format_csv;
}

enum status
feed_detect(struct feed_reader *reader, const struct feed_options *options, const char *name,
	    struct feed_sample *sample, const struct feed_format **format, struct fault *fault)
{
	const char *wanted = options->format;
	enum status status = wanted ? format_named(wanted, format, fault) : STATUS_OK;

	if (!status)
		status = sample_take(reader, name, sample, fault);
	if (!status && !wanted)
		*format = options->columns ? table_found(sample) : format_found(sample);
	return status;
}
