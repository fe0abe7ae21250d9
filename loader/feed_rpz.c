/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Response policy zones: a DNS zone file (RFC 1035) whose owner names, taken
 * relative to the zone, are the triggers (draft-vixie-dnsop-dns-rpz).
 *
 *   evil.example      CNAME .            the name itself, exact
 *   *.evil.example    CNAME .            everything below it
 *   32.1.2.0.192.rpz-ip  CNAME .         answers with 192.0.2.1/32
 *   good.example      CNAME rpz-passthru.  an exception: refused
 *
 * Many published lists write absolute owners (`evil.example.`) and an SOA at
 * `@` without an $ORIGIN: then the apex is unknown and owners are taken whole.
 */
#include <string.h>

#include "engine/text.h"
#include "loader/feed_format.h"

#define NAME_BYTES 512 /* a name in a zone file, with escapes */

struct rpz_name {
	char text[NAME_BYTES]; /* without the trailing dot; "" = root or unknown */
	size_t length;
};

struct rpz_state {
	struct rpz_name origin, apex, owner, built;
	bool has_owner;
};

struct rpz_record {
	struct feed_text owner, type, data;
	struct feed_text all;
	bool blank_owner;
};

static bool
fits_rpz(struct feed_text line)
{
	struct feed_text word = feed_word(&line);

	if (feed_is(word, "$TTL") || feed_is(word, "$ORIGIN"))
		return true;
	for (int i = 0; i < 4 && word.length > 0; i++) {
		if (feed_is(word, "CNAME") || feed_is(word, "SOA"))
			return true;
		word = feed_word(&line);
	}
	return false;
}

static unsigned
rpz_score(const struct feed_sample *sample)
{
	unsigned percent = feed_percent(sample, fits_rpz);

	return percent >= 40 ? 50 + percent / 2 : 0;
}

/* --- names ------------------------------------------------------------------ */

/* `name`, made absolute with the origin if it is relative; false if it is too long. */
static bool
name_resolve(const struct rpz_state *state, struct feed_text name, struct rpz_name *result)
{
	bool absolute = name.length > 0 && name.at[name.length - 1] == '.';
	bool origin = feed_is(name, "@");

	name.length -= absolute;
	if (origin)
		name.length = 0;
	if (name.length + 1 + state->origin.length > NAME_BYTES)
		return false;
	memmove(result->text, name.at, name.length);
	result->length = name.length;
	if (absolute || state->origin.length == 0)
		return true;
	if (name.length > 0)
		result->text[result->length++] = '.';
	memcpy(result->text + result->length, state->origin.text, state->origin.length);
	result->length += state->origin.length;
	return true;
}

/* The owner relative to the zone's apex; false if it lies outside. */
static bool
trigger_of(struct rpz_state *state, struct feed_text *trigger)
{
	const struct rpz_name *apex = &state->apex;
	size_t length = state->owner.length;

	*trigger = (struct feed_text){state->owner.text, length};
	if (apex->length == 0)
		return true;
	if (length < apex->length || text_compare_folded(trigger->at + length - apex->length,
							 apex->length, apex->text, apex->length))
		return false;
	trigger->length = length - apex->length;
	return trigger->length == 0 || trigger->at[--trigger->length] == '.';
}

/* --- triggers --------------------------------------------------------------- */

static const struct rpz_marker {
	const char *label;
	const char *refusal; /* NULL: an address */
} markers[] = {
	{"rpz-ip", NULL},
	{"rpz-client-ip", "an rpz-client-ip trigger speaks of who asks, not of what is bad"},
	{"rpz-nsip", "an rpz-nsip trigger speaks of name servers, not of the address itself"},
	{"rpz-nsdname", "an rpz-nsdname trigger speaks of name servers, not of the name itself"},
};

static const struct rpz_marker *
marker_of(struct feed_text trigger, struct feed_text *before)
{
	for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
		size_t length = strlen(markers[i].label);

		if (trigger.length <= length || trigger.at[trigger.length - length - 1] != '.' ||
		    !feed_is(feed_from(trigger, trigger.length - length), markers[i].label))
			continue;
		*before = (struct feed_text){trigger.at, trigger.length - length - 1};
		return &markers[i];
	}
	return NULL;
}

/* The last label off `rest`. */
static struct feed_text
last_label(struct feed_text *rest)
{
	size_t dot = rest->length;
	struct feed_text label;

	while (dot > 0 && rest->at[dot - 1] != '.')
		dot--;
	label = feed_from(*rest, dot);
	rest->length = dot > 0 ? dot - 1 : 0;
	return label;
}

static bool
build_append(struct rpz_name *built, const char *text, size_t length)
{
	if (built->length + length > NAME_BYTES)
		return false;
	memcpy(built->text + built->length, text, length);
	built->length += length;
	return true;
}

/* "32.1.2.0.192" -> 192.0.2.1/32; "48.zz.8.db8.2001" -> 2001:db8:8::/48 */
static bool
address_of(struct rpz_state *state, struct feed_text labels, struct feed_text *address)
{
	struct rpz_name *built = &state->built;
	struct feed_text bits = {labels.at, feed_find(labels, '.')};
	size_t count = 0;
	bool gap = false, room = true;
	char mark;

	if (bits.length == labels.length)
		return false;
	labels = feed_from(labels, bits.length + 1);
	for (size_t i = 0; i < labels.length; i++)
		count += labels.at[i] == '.';
	for (size_t i = 0; i < labels.length; i++)
		gap |= labels.at[i] == 'z' || labels.at[i] == 'Z';
	mark = count == 3 && !gap ? '.' : ':';
	built->length = 0;
	while (labels.length > 0 && room) {
		struct feed_text label = last_label(&labels);

		if (feed_is(label, "zz")) /* "::", of which the label before has given one colon */
			room = build_append(built, "::", built->length > 0 ? 1 : 2);
		else
			room = build_append(built, label.at, label.length) &&
			       (labels.length == 0 || build_append(built, &mark, 1));
	}
	if (!room || !build_append(built, "/", 1) || !build_append(built, bits.at, bits.length))
		return false;
	*address = (struct feed_text){built->text, built->length};
	return true;
}

static void
trigger_emit(struct feed *feed, struct rpz_state *state, struct feed_text trigger,
	     struct feed_text all)
{
	struct feed_text before;
	const struct rpz_marker *marker = marker_of(trigger, &before);

	if (!marker && feed_is(trigger, "*"))
		feed_refuse(feed, all, STATUS_BROAD, "the record is for every name");
	else if (!marker) /* `*.name` as spelled: below */
		feed_emit(feed, trigger, KIND_DOMAIN, 0);
	else if (marker->refusal)
		feed_refuse(feed, all, STATUS_BAD_FEED, marker->refusal);
	else if (address_of(state, before, &trigger))
		feed_emit(feed, trigger, KIND_ANY, 0);
	else
		feed_refuse(feed, all, STATUS_BAD_FEED, "the rpz-ip trigger cannot be read");
}

/* --- records ---------------------------------------------------------------- */

/* NULL: the action keeps the name from being resolved (or sends it elsewhere). */
static const char *
action_refusal(struct rpz_state *state, const struct rpz_record *record)
{
	if (!feed_is(record->type, "CNAME"))
		return NULL;
	if (feed_is(record->data, "rpz-passthru."))
		return "rpz-passthru. is an exception, not an entry";
	if (feed_is(record->data, "rpz-tcp-only."))
		return "rpz-tcp-only. does not block the name";
	if (name_resolve(state, record->data, &state->built) &&
	    state->built.length == state->owner.length && state->owner.length > 0 &&
	    memcmp(state->built.text, state->owner.text, state->owner.length) == 0)
		return "a CNAME to itself is an exception, not an entry";
	return NULL;
}

static void
record_take(struct feed *feed, struct rpz_state *state, const struct rpz_record *record)
{
	struct feed_text trigger;
	const char *refusal;

	if (!record->blank_owner) {
		state->has_owner = name_resolve(state, record->owner, &state->owner);
		if (!state->has_owner) {
			feed_refuse(feed, record->all, STATUS_LIMIT, "the owner name is too long");
			return;
		}
	}
	if (feed_is(record->type, "SOA")) {
		state->apex = state->owner;
		return;
	}
	if (!state->has_owner || !trigger_of(state, &trigger)) {
		feed_refuse(feed, record->all, STATUS_BAD_FEED, "the owner lies outside the zone");
		return;
	}
	/* The zone's own records, and remarks beside a record that acts. */
	if (trigger.length == 0 || feed_is(record->type, "NS") || feed_is(record->type, "TXT"))
		return;
	if (!feed_is(record->type, "CNAME") && !feed_is(record->type, "A") &&
	    !feed_is(record->type, "AAAA")) {
		feed_refuse(feed, record->all, STATUS_BAD_FEED,
			    "a record of this type is no policy action");
		return;
	}
	refusal = action_refusal(state, record);
	if (refusal)
		feed_refuse(feed, record->all, STATUS_BAD_FEED, refusal);
	else
		trigger_emit(feed, state, trigger, record->all);
}

/* A TTL (300, 1h30m) or a class stands between owner and type. */
static bool
is_ttl_or_class(struct feed_text word)
{
	if (feed_is(word, "IN") || feed_is(word, "CH") || feed_is(word, "HS"))
		return true;
	for (size_t i = 0; i < word.length; i++) {
		if ((word.at[i] < '0' || word.at[i] > '9') && !memchr("smhdwSMHDW", word.at[i], 10))
			return false;
	}
	return word.length > 0 && word.at[0] >= '0' && word.at[0] <= '9';
}

static void
directive(struct feed *feed, struct rpz_state *state, struct feed_text rest, struct feed_text all)
{
	struct feed_text word = feed_word(&rest);
	struct feed_text name = feed_word(&rest);

	if (feed_is(word, "$TTL"))
		return;
	if (!feed_is(word, "$ORIGIN"))
		feed_refuse(feed, all, STATUS_BAD_FEED,
			    "of the directives only $ORIGIN and $TTL are read");
	else if (!name_resolve(state, name, &state->origin))
		feed_refuse(feed, all, STATUS_LIMIT, "the origin is too long");
}

/*
 * How many parentheses `text` leaves open. With `flat`, also comments off and
 * parentheses to blanks, in place; without, the text stays as it is.
 */
static size_t
flatten(struct feed_text text, struct feed_text *flat)
{
	size_t open = 0, length = 0;
	bool quoted = false, comment = false;

	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];

		quoted ^= c == '"' && !comment;
		comment = (comment || (c == ';' && !quoted)) && c != '\n' && c != '\r';
		if (comment)
			continue;
		open += c == '(' && !quoted;
		open -= c == ')' && !quoted && open > 0;
		if (flat)
			text.at[length++] = (c == '(' || c == ')') && !quoted ? ' ' : c;
	}
	if (flat)
		*flat = (struct feed_text){text.at, length};
	return open;
}

static enum feed_step
rpz_line(struct feed *feed, const struct feed_line *line)
{
	struct rpz_state *state = feed_state(feed);
	struct feed_text text = {line->text, line->length}, rest;
	struct rpz_record record = {0};

	if (memchr(line->text, '(', line->length) && flatten(text, NULL) > 0)
		return FEED_STEP_MORE;
	flatten(text, &text);
	record.blank_owner = text.length > 0 && feed_blank(*text.at);
	rest = record.all = feed_trim(text);
	if (rest.length == 0)
		return FEED_STEP_DONE;
	if (*rest.at == '$') {
		directive(feed, state, rest, record.all);
		return FEED_STEP_DONE;
	}
	if (!record.blank_owner)
		record.owner = feed_word(&rest);
	record.type = feed_word(&rest);
	while (is_ttl_or_class(record.type))
		record.type = feed_word(&rest);
	record.data = feed_word(&rest);
	if (record.type.length == 0 || record.data.length == 0)
		feed_refuse(feed, record.all, STATUS_BAD_FEED, "the record is not complete");
	else
		record_take(feed, state, &record);
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_rpz = {
	"rpz", "response policy zone", rpz_score, NULL, rpz_line, sizeof(struct rpz_state),
};
