/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/verdict_make.h"

#include <stdio.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/path.h"

static const char *const severities[] = { "High", "Medium", "Low" };
static const char *const actions[] = { "log", "block" };
static const char *const behaviours[] = { "alpha", "beta, gamma", "not", "delta (x)", "e=mc2",
					  "z ; ta", "q\"uote" };

/* Names that need quotes, that are keywords, in another letter case than asked for. */
const struct verdict_category verdict_categories[VERDICT_TAGS] = {
	{ .name = "Trend Micro Severity", .type = VERDICT_LIST, .values = severities,
	  .value_count = 3, .known = true },
	{ .name = "Behaviour", .type = VERDICT_LIST, .values = behaviours, .value_count = 7 },
	{ .name = "Trend Micro Scan Action", .type = VERDICT_LIST, .values = actions,
	  .value_count = 2, .known = true },
	{ .name = "Balance", .type = VERDICT_NUMBER, .min = -1000, .max = 1000 },
	{ .name = "Malware Family", .type = VERDICT_TEXT, .known = true },
	{ .name = "Owner=Who", .type = VERDICT_TEXT },
	{ .name = "Reported", .type = VERDICT_DATE },
	{ .name = "in", .type = VERDICT_YESNO },
	{ .name = "Confidence", .type = VERDICT_NUMBER, .min = 0, .max = 100, .known = true },
};

/* --- values ------------------------------------------------------------------------- */

#define LAST_SECOND 253402300799ull /* of year 9999 */

static const uint64_t expiries[] = { SETS_NOW - 1, SETS_NOW, SETS_NOW + 1, SETS_NOW + 2,
				     SETS_NOW + 86400, 0xffffffff, 0x100000000, LAST_SECOND };
static const int64_t dates[] = { 0, 1, 1767225599, 1767225600, 1767225601, 0x7fffffff, 0x80000000,
				 (int64_t)LAST_SECOND };
#define ANY_OF(random, array) ((array)[random_below(random, sizeof(array) / sizeof((array)[0]))])

static int64_t
any_number(struct random_state *random, const struct verdict_category *category)
{
	int64_t span = category->max - category->min;

	if (random_chance(random, 15))
		return random_chance(random, 50) ? category->min : category->max;
	return category->min + span / 2 + (int64_t)random_below(random, 5) - 2;
}

static int64_t
any_value(struct verdict_world *world, unsigned number)
{
	const struct verdict_category *category = &verdict_categories[number];
	struct random_state *random = &world->set.random;

	if (category->type == VERDICT_LIST)
		return random_below(random, category->value_count);
	if (category->type == VERDICT_NUMBER)
		return any_number(random, category);
	if (category->type == VERDICT_YESNO)
		return random_below(random, 2);
	return category->type == VERDICT_DATE ? ANY_OF(random, dates) : random_below(random, 7);
}

/* Distinct values in rising order. */
static void
cell_add(struct verdict_cell *cell, int64_t value)
{
	unsigned at = cell->count;

	for (unsigned i = 0; i < cell->count; i++)
		if (cell->value[i] == value)
			return;
	for (; at > 0 && cell->value[at - 1] > value; at--)
		cell->value[at] = cell->value[at - 1];
	cell->value[at] = value;
	cell->count++;
}

static void
cell_fill(struct verdict_world *world, struct verdict_cell *cell, unsigned category,
	  unsigned values)
{
	cell->count = 0;
	for (unsigned i = 0; i < values; i++)
		cell_add(cell, any_value(world, category));
}

/* --- the world ------------------------------------------------------------------------ */

static void
make_tags(struct verdict_world *world, struct verdict_tags *tags)
{
	struct random_state *random = &world->set.random;
	bool notes = random_chance(random, 15);
	unsigned percent = 10 + random_below(random, 50);

	memset(tags, 0, sizeof(*tags));
	for (unsigned i = 0; i < VERDICT_TAGS; i++) {
		enum verdict_type type = verdict_categories[i].type;
		if (notes && type != VERDICT_TEXT && type != VERDICT_DATE)
			continue;
		if (random_chance(random, percent))
			cell_fill(world, &tags->cell[i], i,
				  type == VERDICT_LIST ? 1 + random_below(random, 3) : 1);
	}
}

/* An IPv6 address with an IPv4 address inside, as hostile clients write it. */
static void
embed(struct random_state *random, const uint8_t ipv4[4], uint8_t ipv6[16])
{
	static const struct { uint8_t bytes[12], at, flip; } ways[] = {
		{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 12, 0 }, { { 0 }, 12, 0 },
		{ { 0x20, 0x02 }, 2, 0 }, { { 0x20, 0x01 }, 12, 0xff },
		{ { 0, 0x64, 0xff, 0x9b }, 12, 0 },
		{ { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0x5e, 0xfe }, 12, 0 },
		{ { 0x20, 0x02, 192, 0, 2, 1, 0, 0, 2, 0, 0x5e, 0xfe }, 12, 0 },
	};
	uint32_t way = random_below(random, sizeof(ways) / sizeof(ways[0]));

	memset(ipv6, 0, 16);
	memcpy(ipv6, ways[way].bytes, 12);
	for (unsigned i = 0; i < 4; i++)
		ipv6[ways[way].at + i] = ipv4[i] ^ ways[way].flip;
}

void
verdict_make_world(struct verdict_world *world, uint64_t seed)
{
	struct random_state *random = &world->set.random;

	set_init(&world->set, seed);
	if (random_chance(random, 60))
		world->set.kinds |= 1 << MODEL_IPV4;
	if (world->set.pattern_percent > 30)
		world->set.pattern_percent = 30;
	embed(random, world->set.ipv4[0], world->set.ipv6[0]);
	world->tags_count = 2 + random_below(random, VERDICT_SETS - 2);
	memset(&world->tags[0], 0, sizeof(world->tags[0]));
	for (size_t i = 1; i < world->tags_count; i++)
		make_tags(world, &world->tags[i]);
	for (size_t i = 0; i < SETS_SOURCES; i++)
		world->priority[i] = random_chance(random, 50) ? 100 : random_below(random, 3);
}

void
verdict_make_claim(struct verdict_world *world, struct model_claim *claim, char *text)
{
	struct random_state *random = &world->set.random;

	set_claim(&world->set, claim, text);
	claim->set = random_chance(random, 15) ? 0
					       : random_below(random, (uint32_t)world->tags_count);
	claim->notes = 0;
	claim->expires = ANY_OF(random, expiries);
}

static size_t
embedded_text(struct verdict_world *world, char *text)
{
	struct random_state *random = &world->set.random;
	size_t length = set_query(&world->set, MODEL_IPV4, text), at = 0;
	struct model_key key = model_key(MODEL_IPV4, text, length);
	uint8_t bytes[16];

	embed(random, key.bytes, bytes);
	for (unsigned i = 0; i < 16; i += 2)
		at += (size_t)snprintf(text + at, 8, "%s%x", i ? ":" : "",
				       (unsigned)bytes[i] << 8 | bytes[i + 1]);
	return at;
}

/* A slice of a URL may have another canonical form ("%2"), or be refused as a pattern. */
static bool
is_written_so(enum model_kind kind, enum canon_use use, const char *text, size_t length)
{
	static struct key key;
	static char print[KEY_PRINT_BYTES];
	struct canon_options options = { .use = use };

	if (kind != MODEL_URL)
		return true;
	return canon_key(KIND_URL, text, length, &options, &key, NULL) == STATUS_OK &&
	       !(use == CANON_ENTRY && path_deep(&key)) && key_print(&key, print) == length && memcmp(print, text, length) == 0;
}

size_t
verdict_make_query(struct verdict_world *world, enum model_kind kind, char *text)
{
	size_t length;

	if (kind == MODEL_IPV6 && random_chance(&world->set.random, 50))
		return embedded_text(world, text);
	do
		length = set_query(&world->set, kind, text);
	while (!is_written_so(kind, CANON_QUERY, text, length));
	return length;
}

/* --- conditions ------------------------------------------------------------------------- */

static enum verdict_op
any_op(struct random_state *random, unsigned category)
{
	enum verdict_type type = verdict_categories[category].type;
	static const enum verdict_op plain[] = { VERDICT_EQUAL, VERDICT_EQUAL, VERDICT_DIFFER,
						 VERDICT_IN, VERDICT_MISSING, VERDICT_PRESENT };
	static const enum verdict_op order[] = { VERDICT_LESS, VERDICT_LESS_EQUAL, VERDICT_MORE,
						 VERDICT_MORE_EQUAL };

	if ((type == VERDICT_NUMBER || type == VERDICT_DATE) && random_chance(random, 60))
		return ANY_OF(random, order);
	return ANY_OF(random, plain);
}

static uint16_t
make_comparison(struct verdict_world *world, struct verdict_filter *filter)
{
	struct random_state *random = &world->set.random;
	struct verdict_condition *condition = &filter->condition[filter->condition_count];
	unsigned values = 1;

	memset(condition, 0, sizeof(*condition));
	condition->category = random_below(random, VERDICT_TAGS);
	condition->op = any_op(random, condition->category);
	if (condition->op == VERDICT_IN)
		values = 1 + random_below(random, VERDICT_VALUES);
	cell_fill(world, &condition->value, condition->category, values);
	return (uint16_t)filter->condition_count++;
}

/* A tree of at most 2 ^ depth comparisons; returns its root. */
static uint16_t
make_condition(struct verdict_world *world, struct verdict_filter *filter, unsigned depth)
{
	struct random_state *random = &world->set.random;
	struct verdict_condition node = { .op = VERDICT_NOT };

	if (depth == 0 || random_chance(random, 35))
		return make_comparison(world, filter);
	node.left = make_condition(world, filter, depth - 1);
	if (random_chance(random, 70)) {
		node.op = random_chance(random, 50) ? VERDICT_AND : VERDICT_OR;
		node.right = make_condition(world, filter, depth - 1);
	}
	filter->condition[filter->condition_count] = node;
	return (uint16_t)filter->condition_count++;
}

/* --- profiles ------------------------------------------------------------------------------ */

#define HASHES (1u << MODEL_SHA1 | 1u << MODEL_SHA256)
#define ALL_KINDS ((1u << MODEL_KINDS) - 1)

static void
make_filter(struct verdict_world *world, const struct verdict_profile *profile,
	    struct verdict_filter *filter)
{
	struct random_state *random = &world->set.random;
	enum verdict_flow flow;

	memset(filter, 0, sizeof(*filter));
	filter->action = random_below(random, profile->action_count);
	flow = profile->action[filter->action].flow;
	filter->kinds = random_chance(random, 60) ? ALL_KINDS : 1 + random_below(random, ALL_KINDS);
	if (flow != VERDICT_PERMIT && flow != VERDICT_BLOCK)
		filter->kinds &= ~HASHES;
	if (filter->kinds == 0)
		filter->kinds = 1u << MODEL_IPV4;
	filter->tagged = random_chance(random, 85);
	filter->untagged = !filter->tagged || random_chance(random, 20);
	filter->enabled = random_chance(random, 85);
	filter->locked = random_chance(random, 15);
	if (random_chance(random, 95) && filter->tagged)
		make_condition(world, filter, 1 + random_below(random, 4));
}

static void
make_range(struct verdict_world *world, struct verdict_exception *exception)
{
	struct random_state *random = &world->set.random;
	char text[MODEL_TEXT_BYTES];
	size_t length = set_query(&world->set, MODEL_IPV4, text);
	struct model_key key = model_key(MODEL_IPV4, text, length);
	uint32_t address = (uint32_t)key.bytes[0] << 24 | (uint32_t)key.bytes[1] << 16 |
			   (uint32_t)key.bytes[2] << 8 | key.bytes[3];
	uint32_t before = random_below(random, random_chance(random, 80) ? 16 : 100000);
	uint32_t after = random_below(random, random_chance(random, 80) ? 16 : 100000);

	exception->range = true;
	exception->first = address < before ? 0 : address - before;
	exception->last = address > 0xffffffff - after ? 0xffffffff : address + after;
	exception->claim.key = model_key(MODEL_IPV4, "0.0.0.0", 7); /* no pattern, for the order */
}

/* False if the key is none that an exception is written with. */
static bool
make_key_exception(struct verdict_world *world, struct verdict_exception *exception)
{
	struct random_state *random = &world->set.random;
	char text[MODEL_TEXT_BYTES];
	enum model_kind kind = (enum model_kind)random_below(random, MODEL_SHA1);
	bool like_entry = random_chance(random, 50);
	size_t length = like_entry ? set_key_text(&world->set, kind, true, text)
				   : verdict_make_query(world, kind, text);

	if (length >= VERDICT_EXCEPTION_BYTES || !is_written_so(kind, CANON_ENTRY, text, length))
		return false;
	memcpy(exception->text, text, length);
	exception->claim.key = model_key(kind, exception->text, length);
	exception->claim.scope = MODEL_EXACT;
	if (kind == MODEL_DOMAIN && random_chance(random, 50))
		exception->claim.scope = MODEL_BELOW;
	if (kind == MODEL_URL && !exception->claim.key.pattern && text[length - 1] == '/' &&
	    !memchr(text, '?', length) && random_chance(random, 60))
		exception->claim.scope = MODEL_TREE;
	return kind != MODEL_DOMAIN || exception->claim.scope != MODEL_BELOW ||
	       memchr(text, '.', length) != NULL;
}

static void
make_exceptions(struct verdict_world *world, struct verdict_profile *profile)
{
	struct random_state *random = &world->set.random;
	uint32_t wanted = random_chance(random, 40) ? 0 : random_below(random, VERDICT_EXCEPTIONS);

	for (uint32_t i = 0; i < wanted; i++) {
		struct verdict_exception *exception = &profile->exception[profile->exception_count];
		memset(exception, 0, sizeof(*exception));
		if (random_chance(random, 25))
			make_range(world, exception);
		else if (!make_key_exception(world, exception))
			continue;
		exception->expires = random_chance(random, 60) ? 0 : ANY_OF(random, expiries);
		profile->exception_count++;
	}
}

void
verdict_make_profile(struct verdict_world *world, uint32_t filters, struct verdict_profile *profile)
{
	struct random_state *random = &world->set.random;

	profile->action_count = 1 + random_below(random, VERDICT_ACTIONS);
	for (uint32_t i = 0; i < profile->action_count; i++)
		profile->action[i] = (struct verdict_action){
			.flow = (enum verdict_flow)random_below(random, VERDICT_FLOWS),
			.notify = random_chance(random, 50), .trace = random_chance(random, 30),
		};
	profile->filter_count = random_below(random, 1 + filters);
	for (uint32_t i = 0; i < profile->filter_count; i++)
		make_filter(world, profile, &profile->filter[i]);
	profile->exception_count = 0;
	make_exceptions(world, profile);
}
