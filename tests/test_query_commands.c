/* SPDX-License-Identifier: Apache-2.0 */
/* lookup, list and info: fields, exit status, order, what is refused. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/command.h"
#include "tests/sets.h"

#define HIT "kind key scope source tags first_seen last_seen expires embedded"

/* --- lookup ----------------------------------------------------------------------------- */

START_TEST(lookup_json_has_the_fields_of_the_contract)
{
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(RUN("lookup", "--json", "--all", "http://EVIL.example/a"), CLI_FOUND);
	ck_assert_uint_eq(command_lines(), 1);
	struct cJSON *line = command_line(0);
	command_members(line, "query kind key listed generation hits");
	ck_assert_str_eq(command_text(line, "query"), "http://EVIL.example/a");
	ck_assert_str_eq(command_text(line, "kind"), "url");
	ck_assert_str_eq(command_text(line, "key"), "http://evil.example/a");
	ck_assert(command_bool(line, "listed"));
	ck_assert_int_eq(command_number(line, "generation"), 1);
	const struct cJSON *hits = json_gate_member(line, "hits");
	ck_assert_uint_eq(json_gate_count(hits), 3);
	/* the URL's own hit first, then the host's, by source */
	const struct cJSON *hit = json_gate_first(hits);
	command_members(hit, HIT);
	ck_assert_str_eq(command_text(hit, "kind"), "url");
	ck_assert_str_eq(command_text(hit, "key"), "http://evil.example/a");
	ck_assert_str_eq(command_text(hit, "scope"), "exact");
	ck_assert_str_eq(command_text(hit, "source"), "feed-a");
	ck_assert_str_eq(command_text(hit, "first_seen"), NOW);
	ck_assert_str_eq(command_text(hit, "last_seen"), NOW);
	ck_assert_str_eq(command_text(hit, "expires"), "2026-01-02T00:00:00Z");
	ck_assert(!command_bool(hit, "embedded"));
	const struct cJSON *tags = json_gate_member(hit, "tags");
	command_members(tags, "Confidence");
	ck_assert_uint_eq(json_gate_count(json_gate_first(tags)), 1);
	ck_assert_str_eq(json_gate_text(json_gate_first(json_gate_first(tags))), "90");
	hit = json_gate_next(hit);
	command_members(hit, HIT);
	ck_assert_str_eq(command_text(hit, "source"), "feed-a");
	command_members(json_gate_member(hit, "tags"), "");
	hit = json_gate_next(hit);
	ck_assert_str_eq(command_text(hit, "source"), "feed-b");
	ck_assert_str_eq(command_text(hit, "scope"), "tree");
	command_members(json_gate_member(hit, "tags"), "Malware Family Trend Micro Severity");
	json_gate_free(line);
}
END_TEST

START_TEST(lookup_gives_the_first_hit_unless_told_all)
{
	static const struct {
		const char *query, *kind, *key; /* of the hit; NULL kind: not listed */
		bool embedded;
		size_t all;
	} rows[] = {
		{"http://evil.example/a", "url", "http://evil.example/a", false, 3},
		{"http://evil.example/b", "domain", "evil.example", false, 2},
		{"http://www.evil.example/b", "domain", "evil.example", false, 1},
		{"www.evil.example", "domain", "evil.example", false, 1},
		{"below.example", NULL, NULL, false, 0},
		{"a.below.example", "domain", "below.example", false, 1},
		{"http://192.0.2.7/x", "ipv4", "192.0.2.7", false, 2},
		{"http://[2001:db8::1]/x", "ipv6", "2001:db8::/32", false, 1},
		{"192.0.2.7", "ipv4", "192.0.2.7", false, 2},
		{"192.0.2.8", "ipv4", "192.0.2.0/24", false, 1},
		{"::ffff:192.0.2.8", "ipv4", "192.0.2.0/24", true, 1},
		{"http://tree.example/d/x?y", "url", "http://tree.example/d/", false, 1},
		{"http://deep.example/d?y", "url", "http://deep.example/d", false, 1},
		{"http://deep.example/dd", NULL, NULL, false, 0},
		{"DA39A3EE5E6B4B0D3255BFEF95601890AFD80700", "sha1",
		 "da39a3ee5e6b4b0d3255bfef95601890afd80700", false, 1},
		{"9.9.9.9", "ipv4", "9.9.9.9", false, 1},
	};
	command_put(command_sample, COMMAND_SAMPLE, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *query = (char *)rows[i].query;
		int listed = rows[i].kind != NULL ? CLI_FOUND : CLI_NOTHING;
		ck_assert_msg(RUN("lookup", "--json", query) == listed, "%s: %s", query, command_out);
		struct cJSON *line = command_line(0);
		const struct cJSON *hits = json_gate_member(line, "hits");
		ck_assert_uint_eq(json_gate_count(hits), rows[i].kind != NULL);
		ck_assert_int_eq(command_bool(line, "listed"), rows[i].kind != NULL);
		if (rows[i].kind != NULL) {
			ck_assert_str_eq(command_text(json_gate_first(hits), "kind"), rows[i].kind);
			ck_assert_str_eq(command_text(json_gate_first(hits), "key"), rows[i].key);
			ck_assert(command_bool(json_gate_first(hits), "embedded") == rows[i].embedded);
		}
		json_gate_free(line);
		RUN("lookup", "--all", "--json", query);
		line = command_line(0);
		ck_assert_uint_eq(json_gate_count(json_gate_member(line, "hits")), rows[i].all);
		json_gate_free(line);
	}
}
END_TEST

START_TEST(lookup_text_is_a_block_a_value)
{
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(RUN("lookup", "--all", "http://EVIL.example/a", "good.example"), CLI_FOUND);
	ck_assert_str_eq(command_out,
		"LISTED      http://EVIL.example/a  as url http://evil.example/a\n"
		"    url     http://evil.example/a  exact  from feed-a  first seen " NOW
		"  last seen " NOW "  expires 2026-01-02T00:00:00Z  Confidence=90\n"
		"    domain  evil.example           exact  from feed-a  first seen " NOW
		"  last seen " NOW "  expires 2036-01-01T00:00:00Z\n"
		"    domain  evil.example           tree   from feed-b  first seen " NOW
		"  last seen " NOW "  expires 2036-01-01T00:00:00Z"
		"  Malware Family=Emotet; Trend Micro Severity=High\n"
		"not listed  good.example\n");
	ck_assert_str_eq(command_err, "");
}
END_TEST

/* Bad values are told, the others answered, and the status says so. */
START_TEST(lookup_survives_bad_values)
{
	static const char nul[] = "evil\0.example\nevil.example\n";
	static char large[100002];
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(RUN("lookup", "--json", "a..b", "evil.example"), CLI_ERROR);
	ck_assert_uint_eq(command_lines(), 2);
	struct cJSON *line = command_line(0);
	command_members(line, "query error");
	ck_assert_str_eq(command_text(line, "query"), "a..b");
	command_members(json_gate_member(line, "error"), "code message");
	ck_assert_str_eq(command_text(json_gate_member(line, "error"), "code"), "bad-domain");
	json_gate_free(line);
	ck_assert_int_eq(RUN("lookup", "a..b", "evil.example"), CLI_ERROR);
	ck_assert_str_eq(command_err, "repute: a..b: the name has an empty label\n");
	ck_assert_uint_eq(command_lines(), 2);
	ck_assert_int_eq(RUN("lookup", "--json", "--kind", "ipv4", "evil.example"), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_out, "\"code\":\"bad-ipv4\""));
	ck_assert_int_eq(RUN("lookup", "--json", ""), CLI_ERROR);
	ck_assert_int_eq(RUN("lookup", "--kind", "ipv5", "1.1.1.1"), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_err, "no kind 'ipv5'"));

	ck_assert_int_eq(command_run(nul, sizeof(nul) - 1, (char *[]){"lookup", "--json", NULL}),
			 CLI_ERROR);
	ck_assert_uint_eq(command_lines(), 2);
	ck_assert_ptr_eq(strstr(command_out, "{\"query\":\"evil\\u0000.example\",\"error\":"), command_out);
	ck_assert_ptr_nonnull(strstr(command_out, "\n{\"query\":\"evil.example\",\"kind\":\"domain\""));

	memset(large, 'a', 100000);
	ck_assert_int_eq(FEED(large, "lookup", "--json"), CLI_ERROR);
	ck_assert_uint_eq(command_lines(), 1);
	ck_assert_ptr_nonnull(strstr(command_out, "\"code\":\"limit\""));
	ck_assert_int_eq(FEED("\xff\xfe.example\n", "lookup", "--json"), CLI_ERROR);
	json_gate_free(command_line(0));
}
END_TEST

START_TEST(lookup_reads_lines_and_operands)
{
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(FEED("\n\r\n192.0.2.7\r\n \t\n192.0.2.8", "lookup", "--json"), CLI_FOUND);
	ck_assert_uint_eq(command_lines(), 2);
	ck_assert_int_eq(FEED("192.0.2.8\n", "lookup", "--json", "1.1.1.1", "-", "1.1.1.2"),
			 CLI_FOUND);
	ck_assert_uint_eq(command_lines(), 3);
	ck_assert_ptr_eq(strstr(command_out, "{\"query\":\"1.1.1.1\""), command_out);
	ck_assert_ptr_nonnull(strstr(command_out, "\n{\"query\":\"192.0.2.8\""));
	ck_assert_int_eq(FEED("", "lookup"), CLI_NOTHING);
	ck_assert_str_eq(command_out, "");
	ck_assert_int_eq(FEED("1.1.1.1\n", "lookup"), CLI_NOTHING);
}
END_TEST

START_TEST(a_claim_ends_at_its_second)
{
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(RUN("lookup", "--now", "2026-01-01T23:59:59Z", "9.9.9.9"), CLI_FOUND);
	ck_assert_int_eq(RUN("lookup", "--now", "2026-01-02T00:00:00Z", "9.9.9.9"), CLI_NOTHING);
	ck_assert_str_eq(command_out, "not listed  9.9.9.9\n");
	ck_assert_int_eq(RUN("list", "--source", "old", "--now", "2026-01-02T00:00:00Z"),
			 CLI_NOTHING);
	ck_assert_str_eq(command_out, "");
	ck_assert_int_eq(RUN("list", "--source", "old", "--now", "2026-01-02T00:00:00Z", "--expired"),
			 CLI_FOUND);
	RUN("info", "--json", "--now", "2026-01-02T00:00:00Z");
	struct cJSON *line = command_line(0);
	ck_assert_int_eq(command_number(line, "expired"), 2);
	json_gate_free(line);
}
END_TEST

START_TEST(a_missing_store_is_named)
{
	static char *names[] = {"lookup", "list", "info", "verify", "dump"};
	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(RUN(names[i]), CLI_ERROR);
		ck_assert_str_eq(command_out, "");
		ck_assert_msg(strstr(command_err, "there is no store here; the first import or add makes one")
			      != NULL, "%s: %s", names[i], command_err);
	}
}
END_TEST

/* A reader that cannot be told the answer is not told 0. */
START_TEST(closed_and_full_output_is_an_error)
{
	static char *names[] = {"lookup", "list", "info", "verify", "dump"};
	command_put(command_sample, COMMAND_SAMPLE, false);
	for (size_t i = 0; i < 10; i++) {
		char *name = names[i % 5];
		char *argv[] = {"repute", "--store", command_store, name,
				i % 5 == 0 ? "192.0.2.7" : NULL, NULL};
		int status;
		fflush(NULL);
		pid_t child = fork();
		if (child == 0) {
			close(1);
			if (i >= 5 && open("/dev/full", O_WRONLY) != 1)
				exit(99);
			freopen("/dev/null", "w", stderr);
			exit(command_main(argv));
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == CLI_ERROR, "%s: %d", name,
			      status);
	}
}
END_TEST

/* --- list --------------------------------------------------------------------------------- */

START_TEST(list_json_is_a_claim_a_line_by_kind_and_key)
{
	static const char *keys[] = {
		"9.9.9.9", "192.0.2.0/24", "192.0.2.7", "2001:db8::/32", "below.example",
		"evil.example", "evil.example", "http://deep.example/d", "http://evil.example/a",
		"http://tree.example/d/", "da39a3ee5e6b4b0d3255bfef95601890afd80700",
	};
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(RUN("list", "--json"), CLI_FOUND);
	ck_assert_uint_eq(command_lines(), COMMAND_SAMPLE);
	for (size_t i = 0; i < COMMAND_SAMPLE; i++) {
		struct cJSON *line = command_line(i);
		command_members(line, HIT);
		ck_assert_str_eq(command_text(line, "key"), keys[i]);
		ck_assert(!command_bool(line, "embedded"));
		json_gate_free(line);
	}
	ck_assert_int_eq(RUN("list", "--format", "json", "--limit", "3"), CLI_FOUND);
	ck_assert_uint_eq(command_lines(), 3);
}
END_TEST

START_TEST(list_selects)
{
	static const struct {
		char *argv[5];
		size_t lines;
	} rows[] = {
		{{"--kind", "domain"}, 3},
		{{"--source", "feed-b"}, 3},
		{{"--source", "feed"}, 0},
		{{"--kind", "domain", "--source", "feed-b"}, 1},
		{{"--where", "\"Trend Micro Severity\" = high"}, 1},
		{{"--where", "\"Trend Micro Severity\" is missing and kind = ipv4"}, 3},
		{{"--where", "key = \"192.0.2.7\" or scope in (below, tree)"}, 5},
		{{"--where", "source = feed-b and \"Malware Family\" = Emotet"}, 1},
		{{"--where", "expires < 2027-01-01"}, 2},
		{{"--where", "\"List Count\" > 2", "--kind", "ipv4"}, 1},
		{{"--where", "\"List Count\" > 3"}, 0},
		{{"--limit", "4"}, 4},
		{{"--limit", "1000"}, COMMAND_SAMPLE},
	};
	static char *bad[][3] = {
		{"--where", "Nonsense = 1"}, {"--where", "kind ="}, {"--limit", "0"}, {"--limit", "x"},
		{"--limit", "99999999999999999999"}, {"--format", "xml"}, {"--kind", "ip"},
		{"--json", "--format=plain"}, {"evil.example"},
	};
	command_put(command_sample, COMMAND_SAMPLE, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *const *argv = rows[i].argv;
		int status = RUN("list", "--json", argv[0], argv[1], argv[2], argv[3]);
		ck_assert_msg(command_lines() == rows[i].lines, "row %zu: %s%s", i, command_out, command_err);
		ck_assert_int_eq(status, rows[i].lines > 0 ? CLI_FOUND : CLI_NOTHING);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(RUN("list", bad[i][0], bad[i][1]), CLI_ERROR);
		ck_assert_str_eq(command_out, "");
		ck_assert_str_ne(command_err, "");
	}
}
END_TEST

START_TEST(list_table_is_aligned)
{
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(RUN("list", "--kind", "domain"), CLI_FOUND);
	ck_assert_str_eq(command_out,
		"KIND    KEY            SCOPE  SOURCE  EXPIRES               TAGS\n"
		"domain  below.example  below  feed-a  2036-01-01T00:00:00Z\n"
		"domain  evil.example   exact  feed-a  2036-01-01T00:00:00Z\n"
		"domain  evil.example   tree   feed-b  2036-01-01T00:00:00Z"
		"  Malware Family=Emotet; Trend Micro Severity=High\n");
}
END_TEST

START_TEST(list_plain_is_sorted_distinct_and_says_what_it_cannot_spell)
{
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(RUN("list", "--format", "plain"), CLI_FOUND);
	ck_assert_str_eq(command_out,
		"*.below.example\n192.0.2.0/24\n192.0.2.7\n2001:db8::/32\n9.9.9.9\n"
		"da39a3ee5e6b4b0d3255bfef95601890afd80700\nevil.example\nhttp://deep.example/d\n"
		"http://evil.example/a\nhttp://tree.example/d/\\*\n");
	/* evil.example and http://deep.example/d of scope tree */
	ck_assert_ptr_eq(strstr(command_err, "repute: 2 "), command_err);
	ck_assert_int_eq(RUN("list", "--format", "plain", "--limit", "2"), CLI_FOUND);
	ck_assert_str_eq(command_out, "*.below.example\n192.0.2.0/24\n");
}
END_TEST

static int
text_order(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Keys of all lengths with long beginnings in common, in layers, against qsort and strcmp. */
START_TEST(list_plain_is_in_the_order_of_bytes)
{
	enum { KEYS = 70000 };
	static struct command_row rows[KEYS];
	static char texts[KEYS][160];
	static char *sorted[KEYS];
	struct random_state random = {7};
	for (size_t i = 0; i < KEYS; i++) {
		unsigned fill = random_below(&random, 70), host = random_below(&random, 3);
		if (i % 3 == 0)
			snprintf(texts[i], sizeof(texts[i]), "10.%zu.%zu.%zu", i >> 16, i >> 8 & 255,
				 i & 255);
		else
			snprintf(texts[i], sizeof(texts[i]), "http://host%u.example/%.*s-%zx", host,
				 (int)fill,
				 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", i);
		rows[i] = (struct command_row){texts[i], 0, i % 2 ? "feed-a" : "feed-b", {NULL}, 0};
		sorted[i] = texts[i];
	}
	command_put(rows, KEYS / 8 * 7, false);
	command_put(rows + KEYS / 8 * 6, KEYS - KEYS / 8 * 6, false);
	qsort(sorted, KEYS, sizeof(sorted[0]), text_order);
	ck_assert_int_eq(RUN("list", "--format", "plain"), CLI_FOUND);
	const char *line = command_out;
	for (size_t i = 0; i < KEYS; i++) {
		size_t length = strlen(sorted[i]);
		ck_assert_msg(memcmp(line, sorted[i], length) == 0 && line[length] == '\n',
			      "line %zu: %.80s, expected %s", i, line, sorted[i]);
		line += length + 1;
	}
	ck_assert_str_eq(line, "");
	/* with a limit the index is cut in between: the first ones stay */
	ck_assert_int_eq(RUN("list", "--format", "plain", "--limit", "2"), CLI_FOUND);
	ck_assert_str_eq(command_out, "10.0.0.0\n10.0.0.102\n");
	ck_assert_int_eq(RUN("list", "--limit", "1", "--json"), CLI_FOUND);
	ck_assert_ptr_nonnull(strstr(command_out, "\"key\":\"10.0.0.0\""));
}
END_TEST

/* --- info ---------------------------------------------------------------------------------- */

START_TEST(info_counts)
{
	struct command_row more = {"9.9.9.10", 0, "feed-b", {NULL}, 0};
	command_put(command_sample, COMMAND_SAMPLE, false);
	command_put(&more, 1, false);
	ck_assert_int_eq(RUN("info", "--json"), CLI_FOUND);
	struct cJSON *line = command_line(0);
	const struct cJSON *entries = json_gate_member(line, "entries");
	ck_assert_int_eq(command_number(line, "generation"), 2);
	command_members(entries, "ipv4 ipv6 domain url sha1 sha256");
	ck_assert_int_eq(command_number(entries, "ipv4"), 4);
	ck_assert_int_eq(command_number(entries, "ipv6"), 1);
	ck_assert_int_eq(command_number(entries, "domain"), 3);
	ck_assert_int_eq(command_number(entries, "url"), 3);
	ck_assert_int_eq(command_number(entries, "sha1"), 1);
	ck_assert_int_eq(command_number(entries, "sha256"), 0);
	ck_assert_int_eq(command_number(json_gate_member(line, "keys"), "domain"), 2);
	ck_assert_int_eq(command_number(line, "claims"), 12);
	ck_assert_int_eq(command_number(line, "expired"), 0);
	ck_assert_int_eq(command_number(line, "layers"), 2);
	ck_assert_str_eq(command_text(line, "published"), NOW);
	const struct cJSON *sources = json_gate_member(line, "sources");
	ck_assert_uint_eq(json_gate_count(sources), 3);
	command_members(json_gate_first(sources), "name claims expired");
	ck_assert_str_eq(command_text(json_gate_first(sources), "name"), "feed-a");
	ck_assert_int_eq(command_number(json_gate_first(sources), "claims"), 7);
	/* bytes are those of its layers, and a little for what names them */
	int64_t bytes = 0, all = command_number(line, "bytes");
	const struct cJSON *segments = json_gate_member(line, "segments");
	for (const struct cJSON *each = json_gate_first(segments); each != NULL;
	     each = json_gate_next(each))
		bytes += command_number(each, "bytes");
	ck_assert_int_gt(all, bytes);
	ck_assert_int_lt(all, bytes + 4096);
	json_gate_free(line);
	ck_assert_int_eq(RUN("info"), CLI_FOUND);
	ck_assert_ptr_nonnull(strstr(command_out, "\nentries                   12\n"));
	ck_assert_int_eq(RUN("info", "x"), CLI_ERROR);
}
END_TEST

static Suite *
suite(void)
{
	Suite *made = suite_create("query commands");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, command_setup, command_teardown);
	tcase_add_test(tcase, lookup_json_has_the_fields_of_the_contract);
	tcase_add_test(tcase, lookup_gives_the_first_hit_unless_told_all);
	tcase_add_test(tcase, lookup_text_is_a_block_a_value);
	tcase_add_test(tcase, lookup_survives_bad_values);
	tcase_add_test(tcase, lookup_reads_lines_and_operands);
	tcase_add_test(tcase, a_claim_ends_at_its_second);
	tcase_add_test(tcase, a_missing_store_is_named);
	tcase_add_test(tcase, closed_and_full_output_is_an_error);
	tcase_add_test(tcase, list_json_is_a_claim_a_line_by_kind_and_key);
	tcase_add_test(tcase, list_selects);
	tcase_add_test(tcase, list_table_is_aligned);
	tcase_add_test(tcase, list_plain_is_sorted_distinct_and_says_what_it_cannot_spell);
	tcase_add_test(tcase, list_plain_is_in_the_order_of_bytes);
	tcase_add_test(tcase, info_counts);
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
