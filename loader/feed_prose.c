/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indicators out of reports: text, markdown, notes. Reports also name tools,
 * victims and references, so a word counts only when it cannot be meant
 * otherwise: a hash, something defanged, or something alone on its line.
 */
#include <string.h>

#include "loader/feed_format.h"

#define WORDS_OF_PROSE 3
#define FEWEST_SENTENCES 8

/* Marks that stand around a word, not in it. */
static struct feed_text
strip(struct feed_text word)
{
	while (word.length > 0 && memchr("\"'`<>(,;|*-=", *word.at, 12))
		word = feed_from(word, 1);
	while (word.length > 0 && memchr("\"'`<>),;|*:!?.=", word.at[word.length - 1], 15))
		word.length--;
	return word;
}

/* A list's bullet, a quote's mark or a code fence is no word. */
static bool
is_mark(struct feed_text word)
{
	return strip(word).length == 0;
}

static size_t
count_words(struct feed_text line)
{
	size_t count = 0;
	struct feed_text word;

	while ((word = feed_word(&line)).length > 0)
		count += !is_mark(word);
	return count;
}

static bool
word_counts(struct feed_text word, bool alone)
{
	enum feed_look look = feed_look(word);

	if (look == LOOK_SHA1 || look == LOOK_SHA256)
		return true;
	if (!feed_look_indicator(look) || feed_look_file(word))
		return look == LOOK_URL && (alone || feed_look_defanged(word));
	return alone || feed_look_defanged(word);
}

/* "key:hash", "SHA256=hash" and "a|b|c" are several words. */
static struct feed_text
piece(struct feed_text *word)
{
	static const char *const schemes[] = {"sha1", "sha256", "sha-1", "sha-256", "md5", "hash"};
	size_t end = 0;
	struct feed_text first;

	while (end < word->length && !memchr("|,;=", word->at[end], 4))
		end++;
	first = (struct feed_text){word->at, end};
	if (end < word->length && feed_look(strip(*word)) == LOOK_URL)
		first.length = end = word->length;
	*word = feed_from(*word, end + (end < word->length));
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t length = strlen(schemes[i]);

		if (first.length > length && first.at[length] == ':' &&
		    feed_starts_folded(first, schemes[i]))
			return feed_from(first, length + 1);
	}
	return first;
}

static unsigned
scan(struct feed *feed, struct feed_text line)
{
	bool alone = count_words(line) == 1;
	unsigned found = 0;
	struct feed_text word;

	while ((word = feed_word(&line)).length > 0) {
		while (word.length > 0) {
			struct feed_text one = strip(piece(&word));

			if (one.length == 0 || !word_counts(one, alone))
				continue;
			found++;
			if (feed)
				feed_emit_value(feed, one);
		}
	}
	return found;
}

static bool
fits_words(struct feed_text line)
{
	struct feed_text rest = line;
	enum feed_look look = feed_look(feed_word(&rest));

	return count_words(line) >= WORDS_OF_PROSE && !feed_look_indicator(look) &&
	       look != LOOK_MD5;
}

/*
 * Lines that give nothing are no rejects here, so a list with some bad lines
 * must not end as prose: only where sentences abound and plain fits fewer than
 * three lines of five.
 */
static unsigned
prose_score(const struct feed_sample *sample)
{
	unsigned found = 0, sentences = 0;

	for (size_t i = 0; i < sample->line_count; i++) {
		found += scan(NULL, sample->lines[i]);
		sentences += fits_words(sample->lines[i]);
	}
	if (found == 0 || sentences < FEWEST_SENTENCES || feed_percent(sample, fits_words) < 10)
		return 0;
	return 55;
}

static enum feed_step
prose_line(struct feed *feed, const struct feed_line *line)
{
	struct feed_text text = {line->text, line->length};

	scan(feed, text);
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_prose = {
	"prose",     "reports: hashes, defanged indicators, and what stands alone on a line",
	prose_score, NULL,
	prose_line,  0,
};
