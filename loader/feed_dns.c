/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration of two DNS servers as block lists.
 *
 *   dnsmasq  address=/name[/name...]/[sinkhole], local=/name/, server=/name/
 *   unbound  local-zone: "name" type, local-data: "name A address"
 *
 * dnsmasq's lines and unbound's zones hold for the name and all below it
 * (dnsmasq(8), unbound.conf(5)); a local-data record for its name only.
 */
#include "loader/feed_format.h"

/* --- dnsmasq ---------------------------------------------------------------- */

static const char *const dnsmasq_options[] = {"address=/", "server=/", "local=/"};
#define DNSMASQ_OPTIONS (sizeof(dnsmasq_options) / sizeof(dnsmasq_options[0]))

static size_t
dnsmasq_option(struct feed_text line)
{
	size_t i = 0;

	if (feed_starts(line, "--"))
		line = feed_from(line, 2);
	while (i < DNSMASQ_OPTIONS && !feed_starts(line, dnsmasq_options[i]))
		i++;
	return i;
}

static bool
fits_dnsmasq(struct feed_text line)
{
	return dnsmasq_option(line) < DNSMASQ_OPTIONS;
}

static unsigned
dnsmasq_score(const struct feed_sample *sample)
{
	unsigned percent = feed_percent(sample, fits_dnsmasq);

	return percent >= 50 ? percent : 0;
}

/* What the part behind the last slash makes of the names; NULL = they are blocked. */
static const char *
dnsmasq_refusal(size_t option, struct feed_text target)
{
	if (option == 0) {
		if (target.length == 0 || feed_is(target, "#") || feed_look_sinkhole(target))
			return NULL;
		return "the name is given a real address, it is not blocked";
	}
	if (target.length == 0)
		return NULL;
	return feed_is(target, "#") ? "the name is excepted, it is not blocked"
				    : "the name is asked elsewhere, it is not blocked";
}

static void
dnsmasq_name(struct feed *feed, struct feed_text name)
{
	if (feed_starts(name, "*.")) /* since 2.86 the same as without it */
		name = feed_from(name, 2);
	if (name.length == 0 || feed_is(name, "#"))
		feed_refuse(feed, name, STATUS_BROAD, "the line is for every name");
	else
		feed_emit(feed, name, KIND_DOMAIN, SCOPE_TREE);
}

static enum feed_step
dnsmasq_line(struct feed *feed, const struct feed_line *line)
{
	struct feed_text all = feed_trim((struct feed_text){line->text, line->length});
	struct feed_text names, target;
	size_t option, last;
	const char *refusal;

	if (all.length == 0 || *all.at == '#')
		return FEED_STEP_DONE;
	option = dnsmasq_option(all);
	names = option < DNSMASQ_OPTIONS ? feed_from(all, feed_find(all, '/') + 1)
					 : feed_from(all, all.length);
	last = names.length;
	while (last > 0 && names.at[last - 1] != '/')
		last--;
	if (option == DNSMASQ_OPTIONS || last == 0) {
		feed_refuse(feed, all, STATUS_BAD_FEED,
			    "only address=/name/, server=/name/ and local=/name/ name hosts");
		return FEED_STEP_DONE;
	}
	target = feed_from(names, last);
	refusal = dnsmasq_refusal(option, feed_word(&target));
	if (refusal)
		feed_refuse(feed, all, STATUS_BAD_FEED, refusal);
	names.length = refusal ? 0 : last;
	while (names.length > 0) {
		struct feed_text name = {names.at, feed_find(names, '/')};

		dnsmasq_name(feed, feed_trim(name));
		names = feed_from(names, name.length + 1);
	}
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_dnsmasq = {
	"dnsmasq",     "dnsmasq options address=/name/, server=/name/, local=/name/",
	dnsmasq_score, NULL,
	dnsmasq_line,  0,
};

/* --- unbound ---------------------------------------------------------------- */

/* Zone types that keep a name from being resolved as the world has it. */
static const char *const blocking[] = {
	"always_nxdomain", "always_refuse", "always_null", "always_nodata", "always_deny",
	"refuse",          "deny",          "static",      "redirect",      "inform_deny",
	"inform_redirect", "block_a",
};

static bool
fits_unbound(struct feed_text line)
{
	return feed_starts_folded(line, "local-zone:") || feed_starts_folded(line, "local-data:") ||
	       feed_is(line, "server:");
}

static unsigned
unbound_score(const struct feed_sample *sample)
{
	unsigned percent = feed_percent(sample, fits_unbound);

	return percent >= 50 ? percent : 0;
}

/* The next word, with its quotes (single or double) off; blanks may be inside. */
static struct feed_text
unbound_word(struct feed_text *rest)
{
	struct feed_text word = feed_trim(*rest);
	char quote = word.length ? *word.at : 0;
	size_t end;

	if (quote != '"' && quote != '\'')
		return feed_word(rest);
	word = feed_from(word, 1);
	end = feed_find(word, quote);
	*rest = feed_from(word, end < word.length ? end + 1 : end);
	word.length = end;
	return word;
}

static void
unbound_zone(struct feed *feed, struct feed_text rest, struct feed_text all)
{
	struct feed_text name = feed_trim(unbound_word(&rest));
	struct feed_text type = unbound_word(&rest);

	for (size_t i = 0; i < sizeof(blocking) / sizeof(blocking[0]); i++) {
		if (feed_is(type, blocking[i])) {
			feed_emit(feed, name, KIND_DOMAIN, SCOPE_TREE);
			return;
		}
	}
	feed_refuse(feed, all, STATUS_BAD_FEED, "the type of the zone does not block the name");
}

/* "name [ttl] [class] type data": an address record sends the name to a sinkhole. */
static void
unbound_data(struct feed *feed, struct feed_text rest, struct feed_text all)
{
	struct feed_text record = unbound_word(&rest);
	struct feed_text name = feed_word(&record);
	struct feed_text word = feed_word(&record);
	bool address = false;

	for (; word.length > 0 && !address; word = feed_word(&record))
		address = feed_is(word, "A") || feed_is(word, "AAAA");
	if (address && word.length > 0 && feed_look_sinkhole(word))
		feed_emit(feed, name, KIND_DOMAIN, SCOPE_EXACT);
	else
		feed_refuse(feed, all, STATUS_BAD_FEED,
			    "the record does not send the name to a sinkhole");
}

static enum feed_step
unbound_line(struct feed *feed, const struct feed_line *line)
{
	struct feed_text all = feed_trim((struct feed_text){line->text, line->length});
	size_t colon;

	if (all.length == 0 || *all.at == '#' || feed_is(all, "server:"))
		return FEED_STEP_DONE;
	colon = feed_find(all, ':');
	if (feed_starts_folded(all, "local-zone:"))
		unbound_zone(feed, feed_from(all, colon + 1), all);
	else if (feed_starts_folded(all, "local-data:"))
		unbound_data(feed, feed_from(all, colon + 1), all);
	else
		feed_refuse(feed, all, STATUS_BAD_FEED,
			    "only local-zone: and local-data: name hosts");
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_unbound = {
	"unbound", "unbound local-zone: and local-data: lines", unbound_score, NULL, unbound_line,
	0,
};
