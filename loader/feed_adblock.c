/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adblock filter lists, as far as they speak of whole hosts: `||name^` blocks the name
 * and all below it. Rules that hold only sometimes are refused: an entry that
 * blocks more than its list says would be a false alarm.
 */
#include "loader/feed_format.h"

/*
 * Modifiers that leave "this host is bad" standing; AdGuard's HostlistCompiler
 * drops the same ones when it makes DNS lists.
 */
static const char *const harmless[] = {
	"important", "all", "document", "doc", "popup", "third-party", "3p", "network",
};

static bool
is_cosmetic(struct feed_text rule)
{
	for (; rule.length > 1; rule = feed_from(rule, 1)) {
		if (*rule.at == '#' && (feed_starts(rule, "##") || feed_starts(rule, "#@#") ||
					feed_starts(rule, "#?#") || feed_starts(rule, "#$#") ||
					feed_starts(rule, "#%#")))
			return true;
	}
	return false;
}

static bool
fits_adblock(struct feed_text line)
{
	return feed_starts(line, "||") || feed_starts(line, "@@") ||
	       feed_starts_folded(line, "[adblock");
}

static unsigned
adblock_score(const struct feed_sample *sample)
{
	unsigned percent = feed_percent(sample, fits_adblock);

	if (sample->line_count > 0 && feed_starts_folded(sample->lines[0], "[adblock"))
		return 100;
	return percent >= 30 ? 50 + percent / 2 : 0;
}

static bool
modifiers_harmless(struct feed_text modifiers)
{
	while (modifiers.length > 0) {
		struct feed_text one = {modifiers.at, feed_find(modifiers, ',')};
		bool known = false;

		for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]) && !known; i++)
			known = feed_is(feed_trim(one), harmless[i]);
		if (!known)
			return false;
		modifiers = feed_from(modifiers, one.length + (one.length < modifiers.length));
	}
	return true;
}

/* `name^` or `name`, with what comes behind it. */
static void
host_rule(struct feed *feed, struct feed_text rule, struct feed_text all)
{
	size_t end = 0;
	struct feed_text name, rest;
	enum feed_look look;

	while (end < rule.length && rule.at[end] != '^' && rule.at[end] != '$' &&
	       rule.at[end] != '/')
		end++;
	name = (struct feed_text){rule.at, end};
	rest = feed_from(rule, end);
	if (feed_starts(rest, "^"))
		rest = feed_from(rest, 1);
	if (feed_starts(rest, "|"))
		rest = feed_from(rest, 1);
	look = feed_look(name);
	if (rest.length > 0 && *rest.at != '$')
		feed_refuse(feed, all, STATUS_BAD_FEED,
			    "the rule is for a part of a host, not for all of it");
	else if (rest.length > 0 && !modifiers_harmless(feed_from(rest, 1)))
		feed_refuse(feed, all, STATUS_BAD_FEED,
			    "a modifier makes the rule hold only sometimes");
	else if (look == LOOK_ADDRESS)
		feed_emit(feed, name, KIND_ANY, 0);
	else if (feed_starts(name, "*."))
		feed_emit(feed, name, KIND_DOMAIN, 0);
	else if (name.length == 0 || feed_find(name, '*') < name.length)
		feed_refuse(feed, all, STATUS_BAD_FEED, "a pattern inside a name is not a name");
	else
		feed_emit(feed, name, KIND_DOMAIN, SCOPE_TREE);
}

static enum feed_step
adblock_line(struct feed *feed, const struct feed_line *line)
{
	struct feed_text rule = feed_trim((struct feed_text){line->text, line->length});

	if (rule.length == 0 || *rule.at == '!' || feed_starts_folded(rule, "[adblock"))
		return FEED_STEP_DONE;
	if (is_cosmetic(rule))
		feed_refuse(feed, rule, STATUS_BAD_FEED,
			    "a cosmetic rule hides parts of a page, it blocks no host");
	else if (*rule.at == '#')
		return FEED_STEP_DONE;
	else if (feed_starts(rule, "@@"))
		feed_refuse(feed, rule, STATUS_BAD_FEED, "an exception rule is not an entry");
	else if (feed_starts(rule, "||"))
		host_rule(feed, feed_from(rule, 2), rule);
	else if (feed_look(rule) == LOOK_NAME)
		feed_emit(feed, rule, KIND_DOMAIN,
			  0); /* AdGuard's "domains only" lines: the name itself */
	else
		feed_refuse(feed, rule, STATUS_BAD_FEED,
			    "only ||name^ rules speak of a whole host");
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_adblock = {
	"adblock",     "adblock rules ||name^ (the name and all below it)",
	adblock_score, NULL,
	adblock_line,  0,
};
