/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mirror takes back, in layers large enough to keep an order of expiry: keys whose due has
 * places, keys that are found by their claims ids, sources that only some layers have, keys that a higher layer
 * hides. The judge is a table of claims by number of key and source; it knows no layers.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/segment_expiry.h"
#include "tests/fixture.h"
#include "tests/scratch.h"
#include "tests/sets.h"

#define KEYS 7000
#define SOURCES 4
#define SCOPES 2 /* of a name: exact, tree; else exact */
#define START 1700000000u
#define YEAR 31536000u

static const char *const sources[SOURCES] = { "big", "mirrored", "small", "other" };

struct world {
	struct random_state random;
	char *path;
	char name[KEYS][72];                      /* as key_print has it */
	uint32_t order[KEYS];                     /* by name */
	uint64_t expires[KEYS][SOURCES][SCOPES];  /* 0: says nothing */
	unsigned style[SOURCES];
	uint64_t now, removed;
	unsigned placed, walked, absent;          /* layers that were mirrored so */
};

/* --- keys ------------------------------------------------------------------------------------ */

static void
number_key(uint32_t number, struct key *key)
{
	static char text[64];
	uint32_t word = number * 2654435761u;
	uint8_t bytes[32] = { 0x20, 1, 0xd, 0xb8 };
	int length;
	be32_put(bytes + 4, word);
	switch (number % 9) {
	case 0:
		key_set_ipv4(key, word, 32);
		break;
	case 1:
		key_set_ipv4(key, number << 12, 20);
		break;
	case 2:
		key_set_ipv6(key, bytes, 128);
		break;
	case 3:
		key_set_ipv6(key, bytes, 64);
		break;
	case 4:
	case 5:
		key_set_digest(key, number % 9 == 4 ? KIND_SHA1 : KIND_SHA256, bytes);
		break;
	case 6:
		length = snprintf(text, sizeof(text), "http://h%u.example/%x", number % 50, number);
		ck_assert(key_borrow_text(key, KIND_URL, text, (size_t)length));
		break;
	default:
		length = snprintf(text, sizeof(text), "n%x.example", number);
		ck_assert(key_borrow_text(key, KIND_DOMAIN, text, (size_t)length));
	}
}

static bool
is_name(uint32_t number)
{
	return number % 9 > 6;
}

static const struct world *compared;

static int
compare_numbers(const void *a, const void *b)
{
	return strcmp(compared->name[*(const uint32_t *)a], compared->name[*(const uint32_t *)b]);
}

static void
names_make(struct world *world)
{
	static struct key key;
	char print[KEY_PRINT_BYTES];
	for (uint32_t i = 0; i < KEYS; i++) {
		number_key(i, &key);
		key_print(&key, print);
		snprintf(world->name[i], sizeof(world->name[i]), "%.71s", print);
		world->order[i] = i;
	}
	compared = world;
	qsort(world->order, KEYS, sizeof(*world->order), compare_numbers);
}

static uint32_t
number_of(const struct world *world, const struct key *key)
{
	char print[KEY_PRINT_BYTES];
	uint32_t low = 0, high = KEYS;
	key_print(key, print);
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		int order = strcmp(world->name[world->order[middle]], print);
		if (order == 0)
			return world->order[middle];
		low = order < 0 ? middle + 1 : low;
		high = order > 0 ? middle : high;
	}
	ck_abort_msg("a key that nobody put: %s", print);
	return 0;
}

/* --- what is said ---------------------------------------------------------------------------- */

/* One time for all, some hundred, or a time of its own. */
static uint64_t
expiry_of(struct world *world, unsigned source)
{
	static const uint32_t times[] = { 1, 300, 1000000 };
	return START + YEAR + source + random_below(&world->random, times[world->style[source]]);
}

static void
say(struct world *world, struct scratch_write *change, uint32_t number, unsigned source,
    unsigned scope, bool again)
{
	static struct key key;
	uint64_t *place = &world->expires[number][source][scope];
	if (*place == 0 || !again)
		*place = expiry_of(world, source);
	number_key(number, &key);
	if (scope == 1)
		ck_assert_int_eq(key_set_scope(&key, SCOPE_TREE, NULL), STATUS_OK);
	scratch_put(change, sources[source], &key, NULL, 0, *place);
}

static void
unsay(struct world *world, struct scratch_write *change, uint32_t number, unsigned source)
{
	static struct key key;
	number_key(number, &key);
	scratch_take_back(change, sources[source], &key, 0);
	memset(world->expires[number][source], 0, sizeof(world->expires[number][source]));
}

/* Every `part`-th key on average: each of some sources says or takes back something. */
static void
transaction(struct world *world, unsigned part, unsigned asked)
{
	struct scratch_write change;
	scratch_begin(&change, world->path, ++world->now);
	for (uint32_t i = 0; i < KEYS; i++)
		for (unsigned s = 0; s < SOURCES; s++) {
			if ((asked >> s & 1) == 0 || random_below(&world->random, part) != 0)
				continue;
			if (part > 1 && random_chance(&world->random, 30))
				unsay(world, &change, i, s);
			else
				say(world, &change, i, s,
				    is_name(i) ? random_below(&world->random, SCOPES) : 0, false);
		}
	scratch_commit(&change, false);
}

/* All keys that the source names, and `kept` of a hundred that it named before, are put. */
static void
mirror(struct world *world, unsigned source, unsigned kept)
{
	struct scratch_write change;
	uint64_t removed = 0;
	scratch_begin(&change, world->path, ++world->now);
	for (uint32_t i = 0; i < KEYS; i++)
		for (unsigned scope = 0; scope < (is_name(i) ? 2 : 1); scope++) {
			uint64_t *says = &world->expires[i][source][scope];
			if (random_below(&world->random, 100) < (*says != 0 ? kept : 2)) {
				say(world, &change, i, source, scope, true);
			} else {
				removed += *says != 0;
				*says = 0;
			}
		}
	ck_assert_int_eq(author_mirror(change.author, sources[source], strlen(sources[source]), NULL),
			 STATUS_OK);
	scratch_commit(&change, false);
	ck_assert_uint_eq(change.counts.removed, removed);
	world->removed += removed;
}

/* --- what is there ---------------------------------------------------------------------------- */

static unsigned
source_of(const struct segment *segment, const struct segment_claim *claim)
{
	size_t length;
	const char *name = segment_source(segment, claim->source, &length);
	for (unsigned s = 0; s < SOURCES; s++)
		if (length == strlen(sources[s]) && memcmp(name, sources[s], length) == 0)
			return s;
	ck_abort_msg("a claim of nobody");
	return 0;
}

/* How the claims of a source are found in a layer, by the file alone. */
static void
note_ways(struct world *world, const struct segment *segment, unsigned source)
{
	struct segment_cursor cursor = { 0 };
	static struct key key;
	bool placed = false, walked = false;
	uint32_t id, first, past;
	while (segment_next(segment, &cursor, &key, &id)) {
		struct segment_claim_cursor each = segment_claims(id);
		struct segment_expiry_cursor places;
		struct segment_claim claim;
		bool has = false;
		while (id != SEGMENT_REMOVED && segment_claim_next(segment, &each, &claim))
			has |= source_of(segment, &claim) == source;
		if (!has)
			continue;
		segment_expiry_range(segment, 0, segment_expiry_of(segment, id), &first, &past);
		bool in_places = segment->expiry.dues != NULL && past > 0 &&
				 segment_expiry_places(segment, past - 1, &places);
		placed |= in_places;
		walked |= !in_places;
	}
	world->placed += placed;
	world->walked += walked;
	world->absent += !placed && !walked;
}

static void
check_view(struct world *world, unsigned source)
{
	struct fault fault = { 0 };
	struct store *store;
	struct view_cursor cursor = { 0 };
	static struct key key;
	uint32_t layer, id;
	uint64_t there = 0, wanted = 0;
	fixture_need(store_open(world->path, &store, &fault), &fault, "open");
	struct view *view = store_view_take(store);
	scratch_check(view);
	while (view_next(view, &cursor, &key, &layer, &id)) {
		const struct segment *segment = &view->layer[layer].segment;
		struct segment_claim_cursor each = segment_claims(id);
		struct segment_claim claim;
		uint32_t number = number_of(world, &key);
		for (; segment_claim_next(segment, &each, &claim); there++)
			ck_assert_uint_eq(world->expires[number][source_of(segment, &claim)]
							[claim.scope == SCOPE_TREE], claim.expires);
	}
	for (uint32_t i = 0; i < KEYS; i++)
		for (unsigned s = 0; s < SOURCES; s++)
			wanted += (world->expires[i][s][0] != 0) + (world->expires[i][s][1] != 0);
	ck_assert_uint_eq(there, wanted);
	for (uint32_t i = 0; i < view->layer_count; i++)
		note_ways(world, &view->layer[i].segment, source);
	view_drop(view);
	store_close(store);
}

/* --- histories ---------------------------------------------------------------------------------- */

static void
run_history(struct world *world)
{
	unsigned asked = random_below(&world->random, 1 << SOURCES) | 1; /* in the base */
	for (unsigned s = 0; s < SOURCES; s++)
		world->style[s] = random_below(&world->random, 3);
	memset(world->expires, 0, sizeof(world->expires));
	world->path = scratch_new("mirror");
	world->now = START;
	transaction(world, 1, asked);
	for (unsigned i = 0, more = 1 + random_below(&world->random, 4); i < more; i++)
		transaction(world, 20 + random_below(&world->random, 200),
			    1 + random_below(&world->random, (1 << SOURCES) - 1));
	for (unsigned i = 0; i < 3; i++) {
		unsigned source = random_below(&world->random, SOURCES);
		static const unsigned kept[] = { 0, 50, 98, 100 };
		check_view(world, source);
		mirror(world, source, kept[random_below(&world->random, 4)]);
	}
	check_view(world, 0);
	scratch_remove(world->path);
}

START_TEST(a_mirror_takes_back_what_was_not_named)
{
	struct world *world = calloc(1, sizeof(*world));
	const char *seed = getenv("TEST_SEED");
	world->random.word = seed == NULL ? 1 : strtoull(seed, NULL, 10);
	names_make(world);
	for (unsigned i = 0; i < 12; i++)
		run_history(world);
	/* Nothing is proven of a way that no history took. */
	ck_assert_uint_gt(world->placed, 0);
	ck_assert_uint_gt(world->walked, 0);
	ck_assert_uint_gt(world->absent, 0);
	ck_assert_uint_gt(world->removed, 1000);
	free(world);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mirror");
	TCase *cases = tcase_create("all");
	tcase_add_test(cases, a_mirror_takes_back_what_was_not_named);
	tcase_set_timeout(cases, 300);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
