/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdicts by hand: what wins, what is named, what exceptions cover, what a new
 * generation changes; each case asked one at a time, in batches and through the
 * public calls. Large tables against criteria asked one by one.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/canon.h"
#include "engine/store.h"
#include "query/judge.h"
#include "tests/command.h"
#include "tests/fixture.h"

#define SEVERITY "Trend Micro Severity"
#define FAMILY "Malware Family"
#define COUNT "List Count"
#define NONE REPUTE_NO_ROW
#define PUT(...) put_rows((struct command_row[]){__VA_ARGS__}, \
			  sizeof((struct command_row[]){__VA_ARGS__}) / sizeof(struct command_row))
#define ACTIONS                                                                     \
	"[profile]\nname = p\n[action \"b\"]\nflow = block\nnotify = yes\n"         \
	"[action \"m\"]\nflow = permit\nnotify = yes\ntrace = yes\n"                \
	"[action \"r\"]\nflow = rate-limit\n[action \"q\"]\nflow = quarantine\n"    \
	"[action \"t\"]\nflow = trust\n"
#define FILTER(name, rest) "[filter \"" name "\"]\n" rest "\n"

static struct store *store;
static struct view *view;
static struct judge *judge;
static uint64_t now;

static void
put_rows(const struct command_row *rows, size_t count)
{
	command_put(rows, count, false);
}

static struct profile *
parse(const char *text)
{
	struct profile *profile;
	struct fault fault = {0};
	fixture_need(profile_parse(text, strlen(text), &view->catalog, &profile, &fault), &fault, text);
	return profile;
}

/* Over the store as it is now. `before` may be the judge at hand: it goes. */
static void
load_before(const char *text, const struct judge *before)
{
	struct fault fault = {0};
	struct judge *old = judge;
	bool changed;
	if (store == NULL)
		fixture_need(store_open(command_store, &store, &fault), &fault, "open");
	else
		fixture_need(store_refresh(store, &changed, &fault), &fault, "refresh");
	if (view != NULL)
		view_drop(view);
	view = store_view_take(store);
	fixture_need(judge_new(view, parse(text), before, &judge, &fault), &fault, "judge");
	judge_free(old);
}

static void
load(const char *text)
{
	load_before(text, NULL);
}

static void
setup(void)
{
	command_setup();
	now = NOW_SECONDS;
	store = NULL;
	view = NULL;
	judge = NULL;
}

static void
teardown(void)
{
	judge_free(judge);
	if (view != NULL)
		view_drop(view);
	if (store != NULL)
		store_close(store);
	command_teardown();
}

static void
key_of_text(const char *text, struct key *key)
{
	struct fault fault = {0};
	fixture_need(canon_key(KIND_ANY, text, strlen(text), NULL, key, &fault), &fault, text);
}

static void
same(const struct repute_verdict *a, const struct repute_verdict *b, const char *text)
{
	ck_assert_msg(a->outcome == b->outcome && a->filter == b->filter &&
		      a->exception == b->exception && a->notify == b->notify &&
		      a->trace == b->trace && a->hit.found == b->hit.found,
		      "one at a time and in a batch differ: %s", text);
	if (!a->hit.found)
		return;
	ck_assert_msg(a->hit.exact == b->hit.exact && a->hit.embedded == b->hit.embedded &&
		      a->hit.kind == b->hit.kind && a->hit.scope == b->hit.scope &&
		      a->hit.source == b->hit.source && a->hit.expires == b->hit.expires &&
		      a->hit.opaque.record == b->hit.opaque.record &&
		      a->hit.opaque.set == b->hit.opaque.set, "the hits differ: %s", text);
}

/* By judge_one, checked against judge_many and the public calls. */
static struct repute_verdict
ask(const char *text)
{
	static struct key key;
	struct repute_verdict one, many[3];
	struct repute_key public_key;
	const struct key *keys[1] = {&key};
	const struct repute_profile *profile = (const struct repute_profile *)judge;
	key_of_text(text, &key);
	uint32_t address = be32_get(key.bytes);
	struct lookup_batch batch = {.kind = key.kind, .ipv4 = &address, .bytes = key.bytes,
				     .keys = keys};
	memset(&one, 0xa5, sizeof(one));
	memset(many, 0xa5, sizeof(many));
	judge_one(judge, &key, now, &one);
	if (key.prefix_bits == kind_table[key.kind].address_bits) {
		judge_many(judge, &batch, 1, now, &many[0]);
		same(&one, &many[0], text);
	}
	ck_assert(repute_key_text(REPUTE_ANY, text, strlen(text), &public_key) == REPUTE_OK);
	ck_assert(repute_judge(profile, &public_key, now, &many[1]) == REPUTE_OK);
	same(&one, &many[1], text);
	ck_assert(repute_judge_many(profile, &public_key, 1, now, &many[2]) == REPUTE_OK);
	same(&one, &many[2], text);
	if (one.filter != NONE)
		ck_assert(repute_judge_exception(profile, &public_key, now) == NONE);
	else if (one.exception != NONE)
		ck_assert_uint_eq(repute_judge_exception(profile, &public_key, now), one.exception);
	return one;
}

/* The filter that wins, and the key and source of its hit. */
static void
wins(const char *text, uint32_t filter, const char *hit, const char *source)
{
	static struct key key;
	char print[KEY_PRINT_BYTES];
	struct repute_verdict verdict = ask(text);
	ck_assert_msg(verdict.filter == filter && verdict.exception == NONE && verdict.hit.found,
		      "%s: filter %u, wanted %u", text, verdict.filter, filter);
	ck_assert_int_ne(verdict.outcome, REPUTE_VERDICT_NONE);
	lookup_hit_key(view, &verdict.hit, &key);
	key_print(&key, print);
	ck_assert_str_eq(print, hit);
	ck_assert_uint_eq(verdict.hit.source_length, strlen(source));
	ck_assert_mem_eq(verdict.hit.source, source, strlen(source));
}

/* No filter; the exception or NONE. */
static void
passes(const char *text, uint32_t exception)
{
	struct repute_verdict verdict = ask(text);
	ck_assert_msg(verdict.outcome == REPUTE_VERDICT_NONE && verdict.filter == NONE &&
		      verdict.exception == exception && !verdict.hit.found && !verdict.notify &&
		      !verdict.trace, "%s: filter %u, exception %u, wanted %u", text,
		      verdict.filter, verdict.exception, exception);
}

/* --- filters ------------------------------------------------------------------------------ */

START_TEST(the_lowest_filter_over_all_hits_wins)
{
	PUT({"10.0.0.0/8", 0, "a", {SEVERITY, "High"}, 0}, {"10.1.0.0/16", 0, "a", {SEVERITY, "Low"}, 0},
	    {"10.1.2.0/24", 0, "a", {SEVERITY, "Medium"}, 0}, {"10.1.2.3", 0, "a", {SEVERITY, "Low"}, 0});
	load(ACTIONS FILTER("high", "action = b\nwhere = \"" SEVERITY "\" = High")
	     FILTER("low", "action = m\nwhere = \"" SEVERITY "\" = Low"));
	wins("10.1.2.3", 0, "10.0.0.0/8", "a");
	load(ACTIONS FILTER("low", "action = m\nwhere = \"" SEVERITY "\" = Low")
	     FILTER("high", "action = b\nwhere = \"" SEVERITY "\" = High"));
	wins("10.1.2.3", 0, "10.1.2.3", "a");
	wins("10.1.2.4", 0, "10.1.0.0/16", "a");
	wins("10.1.2.0/24", 0, "10.1.0.0/16", "a");
	wins("10.2.2.4", 1, "10.0.0.0/8", "a");
	passes("11.1.2.3", NONE);
	load(ACTIONS FILTER("high", "action = b\nwhere = \"" SEVERITY "\" = Low and \"" SEVERITY "\" = High"));
	passes("10.1.2.3", NONE); /* tags of one claim, not of all together */
}
END_TEST

START_TEST(among_claims_of_one_key_priority_then_name)
{
	struct source_row *row;
	struct store_write *write;
	struct fault fault = {0};
	uint64_t generation;
	PUT({"evil.example", SCOPE_TREE, "c", {COUNT, "3"}, 0}, {"evil.example", SCOPE_TREE, "b", {COUNT, "4"}, 0},
	    {"evil.example", SCOPE_TREE, "a", {COUNT, "5"}, 0}, {"x.evil.example", 0, "a", {COUNT, "9"}, 0},
	    {"aabbccddeeff00112233445566778899aabbccdd", 0, "b", {COUNT, "4"}, 0},
	    {"aabbccddeeff00112233445566778899aabbccdd", 0, "a", {COUNT, "3"}, 0},
	    {"10.0.0.0/8", 0, "b", {COUNT, "4"}, 0}, {"10.0.0.1", 0, "a", {COUNT, "4"}, 0});
	const char *text = ACTIONS FILTER("many", "action = b\nwhere = \"" COUNT "\" >= 8")
		FILTER("some", "action = m\nwhere = \"" COUNT "\" >= 4") FILTER("all", "action = m");
	load(text);
	wins("evil.example", 1, "evil.example", "a");
	wins("x.evil.example", 0, "x.evil.example", "a");
	wins("AABBCCDDEEFF00112233445566778899AABBCCDD", 1, "aabbccddeeff00112233445566778899aabbccdd", "b");
	fixture_need(store_write_begin(command_store, true, NULL, &write, &fault), &fault, "begin");
	fixture_need(catalog_source_put(store_write_catalog(write), "b", 1, &row, &fault), &fault, "b");
	row->priority = 1;
	store_write_touch(write);
	fixture_need(store_write_commit(write, now, false, &generation, &fault), &fault, "commit");
	load_before(text, judge);
	wins("evil.example", 1, "evil.example", "b");
	wins("10.0.0.1", 1, "10.0.0.1", "a"); /* the more specific key, whoever says more of it */
	load(ACTIONS FILTER("three", "action = b\nwhere = \"" COUNT "\" = 3") FILTER("all", "action = m"));
	wins("evil.example", 0, "evil.example", "c");
}
END_TEST

START_TEST(kinds_states_and_flows)
{
	static const struct { const char *action; uint8_t outcome; bool notify, trace; } flows[] = {
		{"b", REPUTE_VERDICT_BLOCK, true, false}, {"m", REPUTE_VERDICT_PERMIT, true, true},
		{"r", REPUTE_VERDICT_RATE_LIMIT, false, false}, {"q", REPUTE_VERDICT_QUARANTINE, false, false},
		{"t", REPUTE_VERDICT_TRUST, false, false},
	};
	char text[2048];
	PUT({"10.0.0.1", 0, "a", {COUNT, "1"}, 0}, {"evil.example", 0, "a", {COUNT, "1"}, 0});
	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		snprintf(text, sizeof(text), ACTIONS FILTER("f", "action = %s\nkinds = ipv4"), flows[i].action);
		load(text);
		struct repute_verdict verdict = ask("10.0.0.1");
		ck_assert_int_eq(verdict.outcome, flows[i].outcome);
		ck_assert(verdict.notify == flows[i].notify && verdict.trace == flows[i].trace);
		passes("evil.example", NONE);
	}
	load(ACTIONS FILTER("off", "action = b\nenabled = no") FILTER("held", "action = m\nlocked = yes\nkinds = domain")
	     FILTER("rest", "action = b"));
	wins("evil.example", 1, "evil.example", "a");
	wins("10.0.0.1", 2, "10.0.0.1", "a");
	load(ACTIONS);
	passes("10.0.0.1", NONE);
}
END_TEST

START_TEST(untagged_tagged_and_notes_only)
{
	PUT({"10.0.0.1", 0, "a", {NULL}, 0}, {"10.0.0.2", 0, "a", {COUNT, "1"}, 0},
	    {"10.0.0.3", 0, "a", {FAMILY, "Emotet"}, 0});
	load(ACTIONS FILTER("f", "action = b"));
	passes("10.0.0.1", NONE);
	wins("10.0.0.2", 0, "10.0.0.2", "a");
	wins("10.0.0.3", 0, "10.0.0.3", "a");
	load(ACTIONS FILTER("bare", "action = m\nuntagged = yes\ntagged = no") FILTER("f", "action = b\nuntagged = yes"));
	wins("10.0.0.1", 0, "10.0.0.1", "a");
	wins("10.0.0.2", 1, "10.0.0.2", "a");
	wins("10.0.0.3", 1, "10.0.0.3", "a");
	load(ACTIONS FILTER("f", "action = b\nuntagged = yes\nwhere = \"" COUNT "\" = 7"));
	wins("10.0.0.1", 0, "10.0.0.1", "a");
	passes("10.0.0.2", NONE);
	passes("10.0.0.3", NONE);
	load(ACTIONS FILTER("off", "action = b\nuntagged = yes\nenabled = no")
	     FILTER("off too", "action = b\nenabled = no\nwhere = \"" FAMILY "\" = Emotet")
	     FILTER("on", "action = b\nuntagged = yes\nwhere = \"" FAMILY "\" is present"));
	wins("10.0.0.1", 2, "10.0.0.1", "a");
	wins("10.0.0.3", 2, "10.0.0.3", "a");
}
END_TEST

START_TEST(missing_and_different)
{
	PUT({"10.0.0.1", 0, "a", {COUNT, "1"}, 0}, {"10.0.0.2", 0, "a", {COUNT, "2"}, 0},
	    {"10.0.0.3", 0, "a", {SEVERITY, "High"}, 0}, {"10.0.0.4", 0, "a", {NULL}, 0},
	    {"10.0.0.5", 0, "a", {FAMILY, "Emotet"}, 0});
	load(ACTIONS FILTER("not one", "action = b\nwhere = \"" COUNT "\" != 1")
	     FILTER("none", "action = m\nwhere = \"" COUNT "\" is missing"));
	passes("10.0.0.1", NONE);
	wins("10.0.0.2", 0, "10.0.0.2", "a");
	wins("10.0.0.3", 1, "10.0.0.3", "a");
	passes("10.0.0.4", NONE);
	wins("10.0.0.5", 1, "10.0.0.5", "a");
	load(ACTIONS FILTER("not one", "action = b\nwhere = not \"" COUNT "\" = 1"));
	passes("10.0.0.1", NONE);
	wins("10.0.0.3", 0, "10.0.0.3", "a");
}
END_TEST

START_TEST(text_and_date_tags_are_asked_of_the_claim)
{
	PUT({"10.0.0.1", 0, "a", {FAMILY, "Emotet", SEVERITY, "High"}, 0},
	    {"10.0.0.2", 0, "a", {FAMILY, "Qakbot", SEVERITY, "High"}, 0},
	    {"10.0.0.3", 0, "a", {FAMILY, "Emotet", SEVERITY, "Low"}, 0},
	    {"10.0.0.4", 0, "a", {FAMILY, "Qakbot"}, 0}, {"10.0.0.5", 0, "a", {SEVERITY, "High"}, 0},
	    {"10.0.0.6", 0, "a", {FAMILY, "Other", SEVERITY, "Low"}, 0});
	load(ACTIONS FILTER("0", "action = b\nwhere = \"" FAMILY "\" = Emotet and \"" SEVERITY "\" = High")
	     FILTER("1", "action = b\nwhere = \"" FAMILY "\" = Qakbot")
	     FILTER("2", "action = m\nwhere = \"" SEVERITY "\" = High")
	     FILTER("3", "action = b\nwhere = \"" FAMILY "\" = Emotet or \"" SEVERITY "\" = Low")
	     FILTER("4", "action = b\nwhere = \"" FAMILY "\" is present"));
	wins("10.0.0.1", 0, "10.0.0.1", "a");
	wins("10.0.0.2", 1, "10.0.0.2", "a");
	wins("10.0.0.3", 3, "10.0.0.3", "a");
	wins("10.0.0.4", 1, "10.0.0.4", "a");
	wins("10.0.0.5", 2, "10.0.0.5", "a");
	wins("10.0.0.6", 3, "10.0.0.6", "a");
}
END_TEST

START_TEST(claims_end_at_their_second)
{
	PUT({"10.0.0.0/8", 0, "a", {SEVERITY, "Low"}, 0}, {"10.0.0.1", 0, "a", {SEVERITY, "High"}, DAY});
	load(ACTIONS FILTER("h", "action = b\nwhere = \"" SEVERITY "\" = High") FILTER("f", "action = m"));
	now = NOW_SECONDS + DAY - 1;
	wins("10.0.0.1", 0, "10.0.0.1", "a");
	now++;
	wins("10.0.0.1", 1, "10.0.0.0/8", "a");
}
END_TEST

START_TEST(addresses_inside_ipv6_are_judged_too)
{
	PUT({"192.0.2.0/24", 0, "a", {SEVERITY, "High"}, 0}, {"::ffff:0:0/96", 0, "a", {SEVERITY, "Low"}, 0},
	    {"198.51.100.0/24", 0, "a", {SEVERITY, "High"}, 0});
	load(ACTIONS FILTER("h", "action = b\nwhere = \"" SEVERITY "\" = High") FILTER("f", "action = m")
	     "[exception \"v4\"]\nip = 192.0.2.9\n[exception \"v6\"]\nip = 64:ff9b::/96\n");
	wins("::ffff:192.0.2.1", 0, "192.0.2.0/24", "a");
	ck_assert(ask("::ffff:192.0.2.1").hit.embedded);
	wins("::ffff:203.0.113.1", 1, "::ffff:0:0/96", "a");
	ck_assert(!ask("::ffff:203.0.113.1").hit.embedded);
	wins("2002:c633:6401::", 0, "198.51.100.0/24", "a");
	passes("::ffff:192.0.2.9", 0);
	passes("64:ff9b::192.0.2.9", 1);
	passes("64:ff9b::192.0.2.8", 1);
	load(ACTIONS FILTER("h", "action = b\nkinds = ipv6"));
	wins("::ffff:192.0.2.1", 0, "::ffff:0:0/96", "a");
	passes("2002:c633:6401::", NONE);
}
END_TEST

/* --- exceptions --------------------------------------------------------------------------- */

START_TEST(the_most_specific_live_range_is_named)
{
	PUT({"10.0.0.0/8", 0, "a", {COUNT, "1"}, 0}, {"2001:db8::/32", 0, "a", {COUNT, "1"}, 0});
	load(ACTIONS FILTER("f", "action = b")
	     "[exception \"0\"]\nip = 10.1.0.0/16\n"
	     "[exception \"1\"]\nip = 10.1.2.0/24\nexpires = 2026-01-02T00:00:00Z\n"
	     "[exception \"2\"]\nip = 10.1.2.0/24\n"
	     "[exception \"3\"]\nip = 10.1.2.128-10.1.2.131\nexpires = 2026-01-03T00:00:00Z\n"
	     "[exception \"4\"]\nip = 2001:db8:1::/48\n"
	     "[exception \"5\"]\nip = 2001:db8:1:2::/72\nexpires = 2026-01-02T00:00:00Z\n"
	     "[exception \"6\"]\nip = 10.9.0.0/16\nexpires = 2026-01-02T00:00:00Z\n"
	     "[exception \"7\"]\nip = 172.16.0.0/12\n"
	     "[exception \"8\"]\nip = 10.5.0.0/24\n");
	wins("10.0.255.255", 0, "10.0.0.0/8", "a");
	passes("10.1.0.0", 0);
	passes("10.1.255.255", 0);
	passes("10.1.2.1", 1);
	passes("10.1.2.128", 3);
	passes("10.1.2.131", 3);
	passes("10.1.2.132", 1);
	passes("10.9.1.1", 6);
	passes("10.1.2.0/24", 1);
	passes("10.1.0.0/20", 0);
	wins("10.0.0.0/15", 0, "10.0.0.0/8", "a");
	wins("10.2.0.0", 0, "10.0.0.0/8", "a");
	passes("2001:db8:1:2::1", 5);
	passes("2001:db8:1:3::1", 4);
	passes("2001:db8:1:2:100::1", 4);
	wins("10.5.0.0/16", 0, "10.0.0.0/8", "a");
	passes("10.5.0.0/25", 8);
	wins("2001:db8:2::", 0, "2001:db8::/32", "a");
	now += DAY;
	passes("10.1.2.1", 2);
	passes("10.1.2.131", 3);
	passes("2001:db8:1:2::1", 4);
	wins("10.9.1.1", 0, "10.0.0.0/8", "a");
	now += DAY;
	passes("10.1.2.131", 2);
	/* nothing is listed: not asked by a judgement, but named on demand */
	static struct key key;
	passes("172.16.1.1", NONE);
	key_of_text("172.16.1.1", &key);
	ck_assert_uint_eq(judge_exception(judge, &key, now), 7);
	key_of_text("1.1.1.1", &key);
	ck_assert_uint_eq(judge_exception(judge, &key, now), NONE);
}
END_TEST

START_TEST(names_and_urls_are_excepted_by_the_rules_of_entries)
{
	PUT({"example", SCOPE_TREE, "a", {COUNT, "1"}, 0}, {"http://h.example/", SCOPE_TREE, "a", {COUNT, "1"}, 0},
	    {"http://bad.example/\\*", 0, "a", {COUNT, "1"}, 0});
	load(ACTIONS FILTER("f", "action = b")
	     "[exception \"0\"]\ndomain = *.corp.example\n"
	     "[exception \"1\"]\ndomain = corp.example\n"
	     "[exception \"2\"]\ndomain = www.corp.example\n"
	     "[exception \"3\"]\nurl = http://h.example/a/\\*\n"
	     "[exception \"4\"]\nurl = http://h.example/a/b\n"
	     "[exception \"5\"]\nurl = \\*/login.php\\*\n"
	     "[exception \"6\"]\nurl = \\*.jpg\n"
	     "[exception \"7\"]\nurl = http://bad.example/x\\*\n"
	     "[exception \"8\"]\ndomain = www.corp.example\n"
	     "[exception \"9\"]\nurl = \\*/123456789012345678\n");
	passes("www.corp.example", 2);
	passes("x.www.corp.example", 0);
	passes("corp.example", 1);
	wins("xcorp.example", 0, "example", "a");
	wins("example", 0, "example", "a");
	passes("http://h.example/a/", 3);
	passes("http://h.example/a/x?y", 3);
	passes("http://h.example/a/b", 4);
	passes("http://h.example/a/b/c", 3);
	wins("http://h.example/a", 0, "http://h.example/", "a");
	wins("http://h.example/ab", 0, "http://h.example/", "a");
	passes("http://h.example/z/login.php?u=1", 5);
	wins("http://h.example/z/login.ph", 0, "http://h.example/", "a");
	passes("http://h.example/z/1.jpg", 6);
	wins("http://h.example/z/1.jpg?", 0, "http://h.example/", "a");
	passes("http://bad.example/xyz", 7);
	wins("http://h.example/q?u=http://bad.example/xyz", 0, "http://h.example/", "a");
	passes("http://h.example/a/123456789012345678", 3); /* as long as the pattern, and a key */
	passes("http://h.example/b/123456789012345678", 9);
	passes("http://bad.example/login.php/1.jpg", 5);
	wins("http://bad.example/y", 0, "http://bad.example/", "a");
}
END_TEST

/* --- layers and generations --------------------------------------------------------------- */

/* Keys that no query meets make the base large: overlays stay overlays. */
static void
put_base(void)
{
	static struct command_row rows[4000];
	static char text[4000][24];
	for (int i = 0; i < 4000; i++) {
		snprintf(text[i], sizeof(text[i]), "172.20.%d.%d", i / 250, i % 250);
		rows[i] = (struct command_row){text[i], 0, "a", {COUNT, i % 2 == 0 ? "7" : "8"}, 0};
	}
	put_rows(rows, 4000);
}

START_TEST(layers_are_judged_as_one)
{
	static const char *const text = ACTIONS FILTER("1", "action = b\nwhere = \"" COUNT "\" = 1")
		FILTER("2", "action = b\nwhere = \"" COUNT "\" = 2") FILTER("7", "action = m\nwhere = \"" COUNT "\" = 7");
	const char *digest = "aabbccddeeff00112233445566778899aabbccdd";
	put_base();
	PUT({"10.0.0.0/8", 0, "a", {COUNT, "1"}, 0}, {"10.0.0.1", 0, "a", {COUNT, "2"}, 0}, {digest, 0, "a", {COUNT, "1"}, 0});
	load(text);
	ck_assert_uint_eq(view->layer_count, 2);
	wins("10.0.0.1", 0, "10.0.0.0/8", "a");
	wins("172.20.0.0", 2, "172.20.0.0", "a");
	passes("172.20.0.1", NONE);
	PUT({"10.0.0.0/8", 0, "a", {COUNT, "3"}, 0}, {"172.20.0.1", 0, "a", {COUNT, "1"}, 0}, {digest, 0, "a", {COUNT, "2"}, 0});
	wins("10.0.0.1", 0, "10.0.0.0/8", "a"); /* the old generation stays as it is */
	wins(digest, 0, digest, "a");
	struct judge *old = judge;
	judge = NULL;
	load_before(text, old);
	judge_free(old);
	ck_assert_uint_eq(view->layer_count, 3);
	wins("10.0.0.1", 1, "10.0.0.1", "a");
	passes("10.0.0.2", NONE);
	wins("172.20.0.1", 0, "172.20.0.1", "a");
	wins("172.20.0.2", 2, "172.20.0.2", "a");
	wins(digest, 1, digest, "a");
}
END_TEST

START_TEST(another_text_is_compiled_anew)
{
	put_base();
	load(ACTIONS FILTER("7", "action = b\nwhere = \"" COUNT "\" = 7"));
	wins("172.20.0.0", 0, "172.20.0.0", "a");
	load_before(ACTIONS FILTER("8", "action = b\nwhere = \"" COUNT "\" = 8"), judge);
	passes("172.20.0.0", NONE);
	wins("172.20.0.1", 0, "172.20.0.1", "a");
	load_before(ACTIONS FILTER("8", "action = b\nenabled = no\nwhere = \"" COUNT "\" = 8"), judge);
	passes("172.20.0.1", NONE);
}
END_TEST

/* judge_hits gives what judge_many decided, each once. */
static void
hits_are_those(const struct lookup_batch *batch, size_t n, const struct repute_verdict *wanted)
{
	static struct repute_verdict got[1000];
	static uint32_t places[1000];
	static bool seen[1000];
	size_t count = judge_hits(judge, batch, n, now, places, got), decided = 0;
	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < n; i++)
		decided += wanted[i].filter != NONE || wanted[i].exception != NONE;
	ck_assert_uint_eq(count, decided);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_lt(places[i], n);
		ck_assert(!seen[places[i]]);
		seen[places[i]] = true;
		same(&wanted[places[i]], &got[i], "judge_hits");
	}
}

START_TEST(batches_of_every_size)
{
	static uint32_t addresses[1000];
	static struct repute_verdict verdicts[1001];
	struct lookup_batch batch = {.kind = KIND_IPV4, .ipv4 = addresses};
	put_base();
	load(ACTIONS FILTER("7", "action = b\nwhere = \"" COUNT "\" = 7")
	     "[exception \"e\"]\nip = 172.20.0.4\n");
	for (uint32_t i = 0; i < 1000; i++)
		addresses[i] = (172u << 24 | 20u << 16) + (i % 3 == 2 ? 0x10000u : i % 250);
	for (size_t n = 0; n <= 1000; n += n < 300 ? 1 : 37) {
		memset(verdicts, 0xa5, sizeof(verdicts));
		judge_many(judge, &batch, n, now, verdicts);
		for (size_t i = 0; i < n; i++) {
			bool even = i % 3 != 2 && i % 250 % 2 == 0, excepted = i % 3 != 2 && i % 250 == 4;
			ck_assert_uint_eq(verdicts[i].outcome, even && !excepted ? REPUTE_VERDICT_BLOCK : 0);
			ck_assert_uint_eq(verdicts[i].exception, excepted ? 0 : NONE);
			ck_assert(verdicts[i].hit.found == (even && !excepted));
		}
		ck_assert_uint_eq(((uint8_t *)&verdicts[n])[0], 0xa5);
		hits_are_those(&batch, n, verdicts);
	}
}
END_TEST

/* --- large -------------------------------------------------------------------------------- */

#define DISTINCT 70000 /* more tag sets than one batch of the compiler takes */

START_TEST(more_tag_sets_than_a_batch)
{
	static struct command_row rows[DISTINCT];
	static char text[DISTINCT][24], number[DISTINCT][16];
	for (int i = 0; i < DISTINCT; i++) {
		snprintf(text[i], sizeof(text[i]), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		snprintf(number[i], sizeof(number[i]), "%d", i + 1);
		rows[i] = (struct command_row){text[i], 0, "a", {COUNT, number[i]}, 0};
	}
	put_rows(rows, DISTINCT);
	load(ACTIONS FILTER("0", "action = b\nwhere = \"" COUNT "\" > 69000")
	     FILTER("1", "action = b\nwhere = \"" COUNT "\" > 1000 and \"" COUNT "\" <= 66000")
	     FILTER("2", "action = m\nuntagged = yes\ntagged = no"));
	ck_assert_uint_ge(judge_bytes(judge), DISTINCT * sizeof(uint32_t));
	ck_assert_uint_le(judge_bytes(judge), DISTINCT * sizeof(uint32_t) + 65536);
	for (int i = 0; i < DISTINCT; i++) {
		static struct key key;
		struct repute_verdict verdict;
		key_of_text(text[i], &key);
		judge_one(judge, &key, now, &verdict);
		uint32_t wanted = i + 1 > 69000 ? 0 : i + 1 > 1000 && i + 1 <= 66000 ? 1 : NONE;
		ck_assert_msg(verdict.filter == wanted, "%s: %u", text[i], verdict.filter);
	}
}
END_TEST

#define OPEN 400
#define MIDDLE 200 /* the filter that is certain of the last sets */

/* Each tag set leaves open another list of filters: more rows than there is room for. */
START_TEST(more_rows_than_there_is_room)
{
	static struct command_row rows[OPEN * 3];
	static char text[OPEN * 3][24], number[OPEN * 3][16], family[OPEN * 3][16], ini[OPEN * 200];
	size_t length = (size_t)snprintf(ini, sizeof(ini), "%s", ACTIONS);
	for (int i = 0; i < OPEN * 3; i++) {
		snprintf(text[i], sizeof(text[i]), "10.0.%d.%d", i >> 8, i & 255);
		snprintf(number[i], sizeof(number[i]), "%d", i / 3 + 1);
		/* the family of the filter that the set shuts, of the one after it, of none */
		snprintf(family[i], sizeof(family[i]), "f%d", i % 3 == 2 ? 9999 : i / 3 + i % 3 * 7);
		rows[i] = (struct command_row){text[i], 0, "a", {COUNT, number[i], FAMILY, family[i]}, 0};
	}
	put_rows(rows, OPEN * 3);
	for (int i = 0; i < OPEN; i++) {
		if (i == MIDDLE)
			length += (size_t)snprintf(ini + length, sizeof(ini) - length, "%s",
						   FILTER("middle", "action = m\nwhere = \"" COUNT "\" > 390"));
		length += (size_t)snprintf(ini + length, sizeof(ini) - length,
					   FILTER("%d", "action = b\nwhere = \"" COUNT "\" != %d and \"" FAMILY "\" = f%d"),
					   i, i + 1, i);
	}
	load(ini);
	ck_assert_uint_ge(judge_bytes(judge), 65534 * 4);
	for (int i = 0; i < OPEN * 3; i++) {
		static struct key key;
		struct repute_verdict verdict;
		uint32_t set = (uint32_t)(i / 3), other = set + 7, wanted = NONE;
		if (i % 3 == 1 && other < OPEN)
			wanted = other < MIDDLE ? other : other + 1;
		if (set + 1 > 390 && wanted > MIDDLE)
			wanted = MIDDLE;
		key_of_text(text[i], &key);
		judge_one(judge, &key, now, &verdict);
		ck_assert_msg(verdict.filter == wanted, "%s: %u, wanted %u", text[i], verdict.filter, wanted);
	}
}
END_TEST

/* --- public calls ------------------------------------------------------------------------- */

START_TEST(public_names_and_failures)
{
	struct repute_db *db;
	struct repute_fault fault;
	struct repute_profile *profile, *again;
	struct repute_verdict verdict;
	static struct repute_key blank;
	static const char text[] = ACTIONS FILTER("f", "action = b") "[exception \"e\"]\nip = 10.0.0.1\n";
	PUT({"10.0.0.0/8", 0, "a", {COUNT, "1"}, 0});
	ck_assert(repute_open(command_store, NULL, &db, &fault) == REPUTE_OK);
	struct repute_view *handle = repute_view_take(db);
	ck_assert(repute_profile_load(handle, text, sizeof(text) - 1, &profile, &fault) == REPUTE_OK);
	ck_assert(repute_profile_load(handle, "[x]\n", 4, &again, &fault) == REPUTE_BAD_PROFILE);
	ck_assert_ptr_nonnull(strstr(fault.text, "line 1"));
	ck_assert(repute_profile_load_named(handle, "nope", NULL, &again, &fault) == REPUTE_MISSING);
	repute_view_drop(handle);
	repute_close(db); /* the profile keeps its view */
	ck_assert_str_eq(repute_profile_name(profile), "p");
	ck_assert_str_eq(repute_profile_filter(profile, 0), "f");
	ck_assert_str_eq(repute_profile_action(profile, 0), "b");
	ck_assert_str_eq(repute_profile_exception(profile, 0), "e");
	ck_assert_ptr_null(repute_profile_filter(profile, 1));
	ck_assert_ptr_null(repute_profile_action(profile, NONE));
	ck_assert_ptr_null(repute_profile_exception(profile, NONE));
	uint32_t addresses[2] = {0x0a000001, 0x0a000002};
	struct repute_verdict verdicts[2];
	ck_assert(repute_judge_ipv4_many(profile, addresses, 2, now, verdicts) == REPUTE_OK);
	ck_assert(verdicts[0].exception == 0 && verdicts[1].filter == 0);
	memset(&blank, 0xff, sizeof(blank));
	ck_assert(repute_judge(profile, &blank, now, &verdict) == REPUTE_USAGE);
	ck_assert(verdict.outcome == REPUTE_VERDICT_ERROR && verdict.filter == NONE && !verdict.hit.found);
	ck_assert(repute_judge_exception(profile, &blank, now) == NONE);
	ck_assert_str_eq(repute_outcome_text(REPUTE_VERDICT_RATE_LIMIT), "rate-limit");
	ck_assert_str_eq(repute_outcome_text((enum repute_outcome)99), "unknown");
	repute_profile_free(profile);
	repute_profile_free(NULL);
}
END_TEST

/* The profile that the store has under a name; the next generation has another. */
START_TEST(public_named_profile)
{
	static const char *const texts[] = {ACTIONS FILTER("f", "action = b"), ACTIONS FILTER("g", "action = m")};
	struct repute_profile *profile = NULL;
	struct repute_db *db = NULL;
	static struct repute_key key;
	repute_key_ipv4(0x0a000001, &key);
	PUT({"10.0.0.0/8", 0, "a", {COUNT, "1"}, 0});
	for (int i = 0; i < 2; i++) {
		struct store_write *write;
		struct fault fault = {0};
		struct repute_profile *before = profile;
		struct repute_verdict verdict;
		uint64_t generation;
		bool changed;
		fixture_need(store_write_begin(command_store, true, NULL, &write, &fault), &fault, "begin");
		fixture_need(catalog_profile_put(store_write_catalog(write), "p", 1, texts[i], strlen(texts[i]),
						 now, &fault), &fault, "put");
		store_write_touch(write);
		fixture_need(store_write_commit(write, now, false, &generation, &fault), &fault, "commit");
		if (db == NULL)
			ck_assert(repute_open(command_store, NULL, &db, NULL) == REPUTE_OK);
		ck_assert(repute_refresh(db, &changed, NULL) == REPUTE_OK && changed == (i == 1));
		struct repute_view *handle = repute_view_take(db);
		ck_assert(repute_profile_load_named(handle, "P", before, &profile, NULL) == REPUTE_OK);
		repute_view_drop(handle);
		ck_assert(repute_judge(profile, &key, now, &verdict) == REPUTE_OK);
		ck_assert_uint_eq(verdict.outcome, i == 0 ? REPUTE_VERDICT_BLOCK : REPUTE_VERDICT_PERMIT);
		ck_assert_str_eq(repute_profile_filter(profile, verdict.filter), i == 0 ? "f" : "g");
		repute_profile_free(before);
	}
	repute_profile_free(profile);
	repute_close(db);
}
END_TEST

static Suite *
suite(void)
{
	Suite *made = suite_create("judge");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_lowest_filter_over_all_hits_wins);
	tcase_add_test(tcase, among_claims_of_one_key_priority_then_name);
	tcase_add_test(tcase, kinds_states_and_flows);
	tcase_add_test(tcase, untagged_tagged_and_notes_only);
	tcase_add_test(tcase, missing_and_different);
	tcase_add_test(tcase, text_and_date_tags_are_asked_of_the_claim);
	tcase_add_test(tcase, claims_end_at_their_second);
	tcase_add_test(tcase, addresses_inside_ipv6_are_judged_too);
	tcase_add_test(tcase, the_most_specific_live_range_is_named);
	tcase_add_test(tcase, names_and_urls_are_excepted_by_the_rules_of_entries);
	tcase_add_test(tcase, layers_are_judged_as_one);
	tcase_add_test(tcase, another_text_is_compiled_anew);
	tcase_add_test(tcase, batches_of_every_size);
	tcase_add_test(tcase, more_tag_sets_than_a_batch);
	tcase_add_test(tcase, more_rows_than_there_is_room);
	tcase_add_test(tcase, public_names_and_failures);
	tcase_add_test(tcase, public_named_profile);
	suite_add_tcase(made, tcase);
	return made;
}

int
main(void)
{
	SRunner *runner = srunner_create(suite());
	command_start();
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
