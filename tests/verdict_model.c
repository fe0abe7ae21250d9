/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/verdict_model.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/verdict_make.h"

const char *const verdict_mistake_names[VERDICT_MISTAKES] = {
	"none", "the last filter wins", "only the first hit is asked",
	"the hit is not the filter's", "the least specific hit is named",
	"a more specific hit beats an exception", "exceptions never expire",
	"the least specific exception is named", "exceptions do not look inside IPv6",
	"a range lacks its last address", "!= holds where the tag is absent",
	"not fails where the tag is absent", "conditions are asked of untagged claims",
	"text and dates are no tags", "only the first value of a list tag counts",
	"<= is <", "a claim lives through its last second", "disabled filters act",
	"locked filters sleep", "an embedded hit has the query's kind", "priorities are ignored",
};

/* --- one condition on one claim ---------------------------------------------------- */

/* What a condition is asked about. */
struct subject {
	const struct verdict_world *world;
	const struct model_claim *claim;
	enum verdict_mistake mistake;
};

static struct verdict_cell
cell_of(const struct subject *subject, unsigned category)
{
	return subject->world->tags[subject->claim->set].cell[category];
}

static bool
shares_value(const struct subject *subject, const struct verdict_condition *condition)
{
	struct verdict_cell cell = cell_of(subject, condition->category);

	if (subject->mistake == VERDICT_ONE_VALUE && cell.count > 1)
		cell.count = 1;
	for (unsigned i = 0; i < cell.count; i++)
		for (unsigned j = 0; j < condition->value.count; j++)
			if (cell.value[i] == condition->value.value[j])
				return true;
	return false;
}

static bool
order_holds(enum verdict_op op, int64_t have, int64_t asked, enum verdict_mistake mistake)
{
	if (op == VERDICT_LESS || (op == VERDICT_LESS_EQUAL && mistake == VERDICT_EQUAL_IS_LESS))
		return have < asked;
	if (op == VERDICT_LESS_EQUAL)
		return have <= asked;
	return op == VERDICT_MORE ? have > asked : have >= asked;
}

static bool
comparison_true(const struct subject *subject, const struct verdict_condition *condition)
{
	struct verdict_cell cell = cell_of(subject, condition->category);
	enum verdict_op op = condition->op;

	if (op == VERDICT_MISSING || op == VERDICT_PRESENT)
		return (cell.count == 0) == (op == VERDICT_MISSING);
	if (cell.count == 0)
		return op == VERDICT_DIFFER && subject->mistake == VERDICT_DIFFER_ABSENT;
	if (op == VERDICT_EQUAL || op == VERDICT_IN)
		return shares_value(subject, condition);
	if (op == VERDICT_DIFFER)
		return !shares_value(subject, condition);
	return order_holds(op, cell.value[0], condition->value.value[0], subject->mistake);
}

static bool
condition_true(const struct subject *subject, const struct verdict_condition *all, size_t at)
{
	const struct verdict_condition *condition = &all[at];
	const struct verdict_condition *left = &all[condition->left];

	if (condition->op < VERDICT_NOT)
		return comparison_true(subject, condition);
	if (condition->op == VERDICT_AND)
		return condition_true(subject, all, condition->left) &&
		       condition_true(subject, all, condition->right);
	if (condition->op == VERDICT_OR)
		return condition_true(subject, all, condition->left) ||
		       condition_true(subject, all, condition->right);
	if (subject->mistake == VERDICT_NOT_ABSENT && left->op < VERDICT_MISSING &&
	    cell_of(subject, left->category).count == 0)
		return false;
	return !condition_true(subject, all, condition->left);
}

/* --- filters ------------------------------------------------------------------------ */

bool
verdict_model_untagged(const struct verdict_tags *tags)
{
	for (unsigned i = 0; i < VERDICT_TAGS; i++)
		if (tags->cell[i].count > 0)
			return false;
	return true;
}

static bool
only_notes(const struct verdict_tags *tags)
{
	for (unsigned i = 0; i < VERDICT_TAGS; i++) {
		enum verdict_type type = verdict_categories[i].type;
		if (tags->cell[i].count > 0 && type != VERDICT_TEXT && type != VERDICT_DATE)
			return false;
	}
	return true;
}

bool
verdict_model_takes(const struct verdict_world *world, const struct verdict_filter *filter,
		    const struct model_claim *claim, enum verdict_mistake mistake)
{
	struct subject subject = { world, claim, mistake };
	const struct verdict_tags *tags = &world->tags[claim->set];
	bool untagged = verdict_model_untagged(tags);

	if (!filter->enabled && mistake != VERDICT_DISABLED_ACTS)
		return false;
	if (filter->locked && mistake == VERDICT_LOCKED_SLEEPS)
		return false;
	if (mistake == VERDICT_NOTES_ARE_NO_TAGS)
		untagged = only_notes(tags);
	if (untagged && mistake == VERDICT_MISSING_UNTAGGED && filter->condition_count > 0)
		untagged = false;
	if (untagged)
		return filter->untagged;
	return filter->tagged && (filter->condition_count == 0 ||
				  condition_true(&subject, filter->condition,
						 filter->condition_count - 1));
}

/* --- hits ----------------------------------------------------------------------------- */

static const struct { uint8_t length, bytes[12], at, flip; } forms[] = {
	{ 12, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 12, 0 },     /* mapped, RFC 4291 */
	{ 12, { 0 }, 12, 0 },                                            /* compatible, RFC 4291 */
	{ 2, { 0x20, 0x02 }, 2, 0 },                                     /* 6to4, RFC 3056 */
	{ 4, { 0x20, 0x01 }, 12, 0xff },                                 /* Teredo, RFC 4380 */
	{ 12, { 0, 0x64, 0xff, 0x9b }, 12, 0 },                          /* NAT64, RFC 6052 */
};

/* :: and ::1 are themselves and nobody's IPv4. */
static bool
form_holds(size_t form, const uint8_t ipv6[16])
{
	static const uint8_t zero[15];

	if (form == 1 && memcmp(ipv6, zero, 15) == 0 && ipv6[15] <= 1)
		return false;
	return memcmp(ipv6, forms[form].bytes, forms[form].length) == 0;
}

unsigned
verdict_model_embedded(const uint8_t ipv6[16], uint8_t ipv4[2][4])
{
	unsigned count = 0;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]) && count == 0; i++) {
		if (!form_holds(i, ipv6))
			continue;
		for (unsigned j = 0; j < 4; j++)
			ipv4[0][j] = ipv6[forms[i].at + j] ^ forms[i].flip;
		count = 1;
	}
	/* ISATAP, RFC 5214: the low half is 0000:5efe or 0200:5efe, then the address. */
	if ((ipv6[8] | 2) != 2 || ipv6[9] != 0 || ipv6[10] != 0x5e || ipv6[11] != 0xfe)
		return count;
	if (count == 0 || memcmp(ipv4[0], ipv6 + 12, 4) != 0)
		memcpy(ipv4[count++], ipv6 + 12, 4);
	return count;
}

/* The query and the addresses inside it; `text` holds theirs. */
static unsigned
places_of(const struct model_key *query, struct model_key places[3], char text[2][16])
{
	uint8_t inside[2][4];
	unsigned count = 0;

	places[0] = *query;
	if (query->kind == MODEL_IPV6 && query->bits == 128)
		count = verdict_model_embedded(query->bytes, inside);
	for (unsigned i = 0; i < count; i++) {
		int length = snprintf(text[i], 16, "%u.%u.%u.%u", inside[i][0], inside[i][1],
				      inside[i][2], inside[i][3]);
		places[i + 1] = model_key(MODEL_IPV4, text[i], (size_t)length);
	}
	return count + 1;
}

static size_t
collect(const struct verdict_world *world, const struct model_key *query, uint64_t now,
	enum verdict_mistake mistake, struct verdict_hit *hits)
{
	static struct model_answer answers[MODEL_ANSWERS];
	struct model_key places[3];
	char text[2][16];
	unsigned place_count = places_of(query, places, text);
	size_t count = 0;

	for (unsigned place = 0; place < place_count; place++) {
		size_t more = model_answer(&world->set.model, &places[place],
					   now - (mistake == VERDICT_EXPIRY_INCLUDED), answers);
		for (size_t i = 0; i < more; i++) {
			assert(count < MODEL_ANSWERS);
			hits[count++] = (struct verdict_hit){ answers[i], place };
		}
	}
	return count;
}

/* Must `a` be named before `b`? Neither before the other: either may be. */
static bool
hit_before(const struct verdict_world *world, const struct verdict_hit *a,
	   const struct verdict_hit *b, enum verdict_mistake mistake)
{
	uint32_t first = a->answer.claim->source, second = b->answer.claim->source;
	int order = (int)a->place - (int)b->place;

	if (order == 0)
		order = model_rank(&a->answer, &b->answer);
	if (mistake == VERDICT_GENERAL_HIT)
		order = -order;
	if (order != 0 || !model_key_equal(&a->answer.claim->key, &b->answer.claim->key))
		return order < 0;
	if (world->priority[first] != world->priority[second] &&
	    mistake != VERDICT_PRIORITY_IGNORED)
		return world->priority[first] < world->priority[second];
	return strcmp(set_source_name(first), set_source_name(second)) < 0;
}

/* Leave those that no other comes before. */
static size_t
keep_first(const struct verdict_world *world, struct verdict_hit *hits, size_t count,
	   enum verdict_mistake mistake)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		bool first = true;
		for (size_t j = 0; j < count && first; j++)
			first = !hit_before(world, &hits[j], &hits[i], mistake);
		if (first)
			hits[kept++] = hits[i]; /* kept <= i, and what was overwritten lost to a kept one */
	}
	return kept;
}

/* --- exceptions -------------------------------------------------------------------------- */

/* The widest block inside the range that holds the query, as a prefix of it. */
static bool
range_covers(const struct verdict_exception *exception, const struct model_key *query,
	     struct model_answer *answer, enum verdict_mistake mistake)
{
	uint32_t address = (uint32_t)query->bytes[0] << 24 | (uint32_t)query->bytes[1] << 16 |
			   (uint32_t)query->bytes[2] << 8 | query->bytes[3];
	uint32_t end = exception->last - (mistake == VERDICT_RANGE_END_OPEN);

	if (query->kind != MODEL_IPV4)
		return false;
	for (unsigned bits = 0; bits <= query->bits; bits++) {
		uint32_t rest = bits == 0 ? 0xffffffffu : bits == 32 ? 0 : 0xffffffffu >> bits;
		if ((address & ~rest) < exception->first || (address | rest) > end)
			continue;
		*answer = (struct model_answer){ &exception->claim, bits == query->bits, bits };
		return true;
	}
	return false;
}

static bool
exception_covers(const struct verdict_exception *exception, const struct model_key *query,
		 struct model_answer *answer, enum verdict_mistake mistake)
{
	if (exception->range)
		return range_covers(exception, query, answer, mistake);
	return model_covers(&exception->claim, query, answer);
}

static int
exception_order(const struct verdict_hit *a, const struct verdict_hit *b,
		enum verdict_mistake mistake)
{
	int order = (int)a->place - (int)b->place;

	if (order == 0)
		order = model_rank(&a->answer, &b->answer);
	return mistake == VERDICT_EXCEPTION_GENERAL ? -order : order;
}

/* The most specific live ones that cover one of the places. */
static void
exceptions_find(const struct verdict_profile *profile, const struct model_key *query, uint64_t now,
		enum verdict_mistake mistake, struct verdict_wanted *wanted,
		struct verdict_hit *best)
{
	struct model_key places[3];
	char text[2][16];
	unsigned count = places_of(query, places, text);

	if (mistake == VERDICT_EXCEPTION_NOT_EMBEDDED)
		count = 1;
	for (uint32_t i = 0; i < profile->exception_count * count; i++) {
		const struct verdict_exception *exception = &profile->exception[i / count];
		struct verdict_hit hit = { .place = i % count };
		int order;
		if (exception->expires != 0 && now >= exception->expires &&
		    mistake != VERDICT_EXCEPTION_FOREVER)
			continue;
		if (!exception_covers(exception, &places[hit.place], &hit.answer, mistake))
			continue;
		order = wanted->exception_count == 0 ? -1 : exception_order(&hit, best, mistake);
		if (order > 0)
			continue;
		if (order < 0) {
			*best = hit;
			wanted->exception_count = 0;
		}
		wanted->exception[wanted->exception_count++] = i / count;
	}
}

/* --- the verdict ---------------------------------------------------------------------------- */

static bool
asks(const struct verdict_world *world, const struct verdict_filter *filter,
     const struct model_key *query, const struct verdict_hit *hit, enum verdict_mistake mistake)
{
	unsigned kind = mistake == VERDICT_KIND_OF_QUERY ? query->kind : hit->answer.claim->key.kind;

	return (filter->kinds >> kind & 1) != 0 &&
	       verdict_model_takes(world, filter, hit->answer.claim, mistake);
}

/* The hits that a filter takes, to the front of `taken`. */
static size_t
taken_by(const struct verdict_world *world, const struct verdict_filter *filter,
	 const struct model_key *query, const struct verdict_hit *hits, size_t count,
	 enum verdict_mistake mistake, struct verdict_hit *taken)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (asks(world, filter, query, &hits[i], mistake))
			taken[kept++] = hits[i];
	return kept;
}

void
verdict_model_judge(const struct verdict_world *world, const struct verdict_profile *profile,
		    const struct model_key *query, uint64_t now, enum verdict_mistake mistake,
		    struct verdict_wanted *wanted)
{
	static struct verdict_hit hits[MODEL_ANSWERS];
	size_t count = collect(world, query, now, mistake, hits);
	struct verdict_hit best;

	wanted->listed = false;
	wanted->hit_count = wanted->exception_count = 0;
	if (mistake == VERDICT_FIRST_HIT_ALONE)
		count = keep_first(world, hits, count, mistake);
	for (uint32_t i = 0; i < profile->filter_count && !wanted->listed; i++) {
		uint32_t at = mistake == VERDICT_LAST_FILTER_WINS ? profile->filter_count - 1 - i : i;
		wanted->hit_count = taken_by(world, &profile->filter[at], query, hits, count,
					     mistake, wanted->hit);
		wanted->listed = wanted->hit_count > 0;
		wanted->filter = at;
		wanted->action = profile->action[profile->filter[at].action];
	}
	if (wanted->listed && mistake == VERDICT_HIT_NOT_OF_FILTER) {
		memcpy(wanted->hit, hits, count * sizeof(*hits));
		wanted->hit_count = count;
	}
	wanted->hit_count = keep_first(world, wanted->hit, wanted->hit_count, mistake);
	exceptions_find(profile, query, now, mistake, wanted, &best);
	if (wanted->exception_count > 0 && wanted->listed && mistake == VERDICT_EXCEPTION_BY_LENGTH &&
	    model_rank(&wanted->hit[0].answer, &best.answer) < 0)
		wanted->exception_count = 0;
}
