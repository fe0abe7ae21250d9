/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every format: the format that is found, how much comes out of excerpts of
 * real lists, and what exactly comes out of lines that show each rule.
 */
#include "tests/feed_walk.h"

/*
 * Counts found without our code; the command beside each (in tests/feeds,
 * grep of GNU, data lines only).
 */
static const struct {
	const char *file, *format;
	size_t items, rejects;
} files[] = {
	{"hagezi-domains.txt", "plain", 49, 0},     /* grep -cvE '^#|^$' */
	{"hagezi.hosts", "hosts", 26, 0},           /* grep -c '^0.0.0.0 ' */
	{"hosts-many.hosts", "hosts", 6, 3},        /* by eye */
	{"hagezi.adblock", "adblock", 40, 0},       /* grep -c '^||' */
	{"adguard.adblock", "adblock", 8, 9},       /* by eye */
	{"hagezi.dnsmasq.conf", "dnsmasq", 30, 0},  /* grep -c '^address=' */
	{"mixed.dnsmasq.conf", "dnsmasq", 8, 6},    /* by eye */
	{"hagezi.unbound.conf", "unbound", 29, 0},  /* grep -c '^local-zone:' */
	{"mixed.unbound.conf", "unbound", 5, 4},    /* by eye */
	{"hagezi-wildcard.txt", "wildcard", 30, 0}, /* grep -c '^\*' */
	{"wildcard-spelled.txt", "wildcard", 4, 0}, /* grep -c example */
	{"ipsum.txt", "ipsum", 73, 0},              /* grep -cP '^\d.*\t\d+$' */
	{"maltrail-cidr.txt", "maltrail", 54, 0},   /* grep -cE '^[0-9]' */
	{"maltrail.txt", "maltrail", 34, 6},        /* grep -cvE '^(#|/|$|\[a)'; '^(/|\[a)' */
	{"loki-c2.txt", "loki", 55, 0},             /* grep -cvE '^\s*(#|$)' */
	{"loki-hashes.txt", "loki", 55, 0},         /* grep -cE '^[0-9a-fA-F]+;' */
	{"sha1.txt", "plain", 35, 0},               /* wc -l */
	{"eset.sha1", "plain", 30, 0},              /* wc -l */
	{"eset-crlf.sha256", "plain", 9, 0},        /* wc -l */
	{"suricata.iprep", "iprep", 43, 0},         /* grep -cE '^[0-9]' */
	{"unit42-silverterrier.csv", "csv", 39, 0}, /* wc -l, less the header */
	{"unit42-captcha.txt", "plain", 60, 0},     /* wc -l */
	{"unit42-agenttesla.txt", "csv", 85,
	 0}, /* grep -c ^hxxp + grep -ohE '[0-9a-f]{64}' | wc -l */
	{"unit42-dearjoohn.csv", "csv", 43, 0},    /* 25 hashes, 9 + 9 template IPs and URLs */
	{"unit42-luminosity.csv", "csv", 26, 0},   /* 13 rows: SHA256 and Domain/IP, no mutex */
	{"unit42-typed.csv", "csv", 24, 7},        /* grep -cv '^Filename' less the header; -c */
	{"unit42-gorgon.csv", "csv", 20, 0},       /* wc -l */
	{"unit42-henbox.csv", "csv", 19, 0},       /* wc -l, less the header */
	{"unit42-squirtdanger.csv", "csv", 38, 0}, /* 19 rows: SHA256 and SHA1 */
	{"unit42-flat.tsv", "tsv", 30, 0},         /* wc -l */
	{"unit42-latin1.txt", "plain", 38, 0},     /* grep -c '^[0-9a-f]' */
	{"unit42-redaman.txt", "plain", 26, 0}, /* grep -cvE "^\s*$": headlines for canon to refuse */
	{"unit42-bazarcall.txt", "plain", 18, 0}, /* the same */
	{"unit42-report.txt", "prose", 45, 0}, /* 30 hashes, grep -o '[^ ]*\[\.\][^ ]*' | wc -l */
	{"made.netset", "netset", 8, 0},
	{"made.drop", "drop", 4, 0},
	{"made-openphish.tsv", "tsv", 4, 0},
	{"made-urlhaus.csv", "csv", 3, 0},
	{"made-jpcert.csv", "csv", 5, 0},
	{"made.rpz", "rpz", 13, 8},
	{"made-absolute.rpz", "rpz", 4, 0},
	{"made.sms.csv", "sms", 6, 3},
	{"made-ranges.txt", "ranges", 5, 0},
	{"made-plain.txt", "plain", 16, 0},
	{"made-plain.txt.gz", "plain", 16, 0},
	{"made-plain.txt.zst", "plain", 16, 0},
	{"made-cr.txt", "plain", 3, 0},
	{"made-latin1.txt", "plain", 2, 0},
	{"made-nul.txt", "plain", 2, 1},
	{"made-quotes.csv", "csv", 3, 1},
};

START_TEST(excerpts_of_lists)
{
	static struct walk walk;
	char path[128];

	snprintf(path, sizeof(path), "tests/feeds/%s", files[_i].file);
	ck_assert_msg(walk_path(&walk, path, NULL) == STATUS_OK, "%s: %s", path, walk.fault.text);
	ck_assert_msg(strcmp(walk.format, files[_i].format) == 0 && walk.items == files[_i].items &&
			      walk.rejects == files[_i].rejects,
		      "%s: %s, %zu items, %zu rejects", path, walk.format, walk.items,
		      walk.rejects);
}
END_TEST

/* --- what exactly comes out ------------------------------------------------- */

static const struct {
	const char *file;
	size_t at; /* the event with this index, from 0 */
	const char *event;
} events[] = {
	{"made-plain.txt", 0, "192.0.2.1|||2"},
	{"made-plain.txt", 1, "192.0.2.0/24|||3"},
	{"made-plain.txt", 2, "192.0.2.1|||4"},
	{"made-plain.txt", 3, "2001:db8::7|||5"},
	{"made-plain.txt", 4, "evil.example|||6"},
	{"made-plain.txt", 5, "UPPER.Example.|||7"},
	{"made-plain.txt", 6, "*.wild.example|||8"},
	{"made-plain.txt", 7, "hxxp://defanged[.]example/a#b|||9"},
	{"made-plain.txt", 8, "http://semi.example/a;b=c|||10"},
	{"made-plain.txt", 9, "plain.example|||11"},
	{"made-plain.txt", 10, "198.51.100.0/24|||12"},
	{"made-plain.txt", 12,
	 "e3b98a4da31a127d4bde6e43033f66ba274cab0eb7eb1c70ec41402bf6273dd8|||14"},
	{"made-plain.txt", 13, "10.0.0.1-10.0.0.9|||15"},
	{"made-plain.txt", 15, "last.example|||20"},
	{"made-latin1.txt", 1, "two.example|||3"},
	{"made-nul.txt", 1, "!tw|bad-feed|2"},
	{"made-ranges.txt", 0, "192.0.2.0-192.0.2.255|||2"},
	{"made-ranges.txt", 1, "198.51.100.4-198.51.100.9|||3"},
	{"made-ranges.txt", 2, "2001:db8::1-2001:db8::ff|||4"},
	{"made-ranges.txt", 4, "192.0.2.9-192.0.2.10|||6"},
	{"hosts-many.hosts", 0, "one.example|domain||8"},
	{"hosts-many.hosts", 2, "three.example|domain||8"},
	{"hosts-many.hosts", 5, "six.example|domain||11"},
	{"hosts-many.hosts", 6, "!mapped.example|bad-feed|12"},
	{"adguard.adblock", 0, "whole.example|domain|tree|3"},
	{"adguard.adblock", 2, "third.example|domain|tree|5"},
	{"adguard.adblock", 5, "192.0.2.9|||8"},
	{"adguard.adblock", 6, "*.below.example|domain||9"},
	{"adguard.adblock", 8, "!||some.example^$domain=other.example|bad-feed|11"},
	{"adguard.adblock", 10, "!@@||good.example^|bad-feed|13"},
	{"adguard.adblock", 14, "plain.example|domain||17"},
	{"mixed.dnsmasq.conf", 0, "null.example|domain|tree|2"},
	{"mixed.dnsmasq.conf", 5, "c.example|domain|tree|5"},
	{"mixed.dnsmasq.conf", 6, "local.example|domain|tree|6"},
	{"mixed.dnsmasq.conf", 8, "!server=/forward.example/192.0.2.53|bad-feed|8"},
	{"mixed.dnsmasq.conf", 11, "!#|broad|11"},
	{"mixed.unbound.conf", 0, "nx.example.|domain|tree|3"},
	{"mixed.unbound.conf", 3, "redirect.example.|domain|exact|6"},
	{"mixed.unbound.conf", 4, "six.example.|domain|exact|7"},
	{"hagezi-wildcard.txt", 0, "10xcryptotrade.uk|domain|tree|11"},
	{"hagezi.dnsmasq.conf", 0, "10xcryptotrade.uk|domain|tree|11"},
	{"hagezi.unbound.conf", 0, "10xcryptotrade.uk.|domain|tree|12"},
	{"wildcard-spelled.txt", 0, "*.one.example|domain||1"},
	{"wildcard-spelled.txt", 3, "four.example|||5"},
	{"ipsum.txt", 0, "46.151.182.230|||8|List Count=10"},
	{"made.drop", 0, "192.0.2.0/24|||4|Description=SBL000001"},
	{"made.drop", 3, "2001:db8:1::/48|||7|Description=SBL000004"},
	{"suricata.iprep", 0, "4.4.4.4|||2|Reputation Category=10|Reputation Score=100"},
	{"made-urlhaus.csv", 0, "http://192.0.2.27:44835/i|url||6|Threat Type=malware_download"},
	{"made-urlhaus.csv", 1,
	 "http://192.0.2.212/eclipse.sh4|url||7|Threat "
	 "Type=malware_download|Description=elf,mirai,ua-wget"},
	{"made-urlhaus.csv", 2,
	 "http://evil.example/a\"b,c|url||8|Threat Type=malware_download|Description=elf"},
	{"made-jpcert.csv", 0,
	 "http://tookout.example/TNC/webmail.html|url||2|Description=TOKAIネットワーククラブ"},
	{"made-jpcert.csv", 1,
	 "https://files.example/"
	 "file.php?ID={textnumrandom,6,7,8,up}&utm=x|url||3|Description=Amazon"},
	{"made-jpcert.csv", 4, "http://evil.example/with blanks in it|url||6|Description=Netflix"},
	{"made-openphish.tsv", 3, "https://xn--bcher-kva.example/,a;b|||4"},
	{"unit42-silverterrier.csv", 0, "012-il.net|||2|Description=Associated w/ Malware Actor"},
	{"unit42-agenttesla.txt", 0, "hxxp://123.makologg.website/|||1"},
	{"unit42-agenttesla.txt", 1,
	 "26efdc32b2e83706695f0bcdd5abf58d27857273d501d2a323baa31b113e01ae|||1"},
	{"unit42-typed.csv", 0,
	 "!Filename,%SystemDrive%\\ProgramData\\EventManager.dll,|bad-kind|2"},
	{"made-quotes.csv", 0, "http://a.example/|url||2"},
	{"made-quotes.csv", 1, "!2,http://b.example/,\"never closed|bad-feed|5"},
	{"made-quotes.csv", 2, "http://c.example/|url||6"},
	{"maltrail.txt", 0, "exbonus.mrbasic.com|domain|tree|8"},
	{"maltrail.txt", 5, "alienspy.net|domain|tree|15"},
	{"maltrail.txt", 10, "139.99.38.193|||20"},
	{"made.rpz", 0, "evil.example|domain||10"},
	{"made.rpz", 1, "*.evil.example|domain||11"},
	{"made.rpz", 2, "nodata.example|domain||12"},
	{"made.rpz", 3, "drop.example|domain||14"},
	{"made.rpz", 4, "!good.example            CNAME rpz-passthru.|bad-feed|15"},
	{"made.rpz", 6, "garden.example|domain||17"},
	{"made.rpz", 9, "absolute.example|domain||20"},
	{"made.rpz", 11, "192.0.2.1/32|||22"},
	{"made.rpz", 12, "192.0.2.0/24|||23"},
	{"made.rpz", 13, "2001:db8:8::/48|||24"},
	{"made.rpz", 14, "2001:db8:1002::57/128|||25"},
	{"made.rpz", 20, "deep.example.sub|domain||32"},
	{"made-absolute.rpz", 0, "0011pg.example|domain||9"},
	{"made-absolute.rpz", 1, "*.0011pg.example|domain||10"},
	{"made.sms.csv", 0,
	 "192.0.2.1|||1|MalwareIpType=malwareSource|MalwareIpType=cncHost|MalwareSeverity=High"},
	{"made.sms.csv", 1, "192.0.2.2|||2|MalwareIpType=cncHost|Last Updated=2017-05-25"},
	{"made.sms.csv", 2, "2001:db8::/32|||5|MalwareIpType=spam,source"},
	{"made.sms.csv", 3, "bad.example|||6"},
	{"made.sms.csv", 4, "192.0.2.9|||7"},
	{"made.sms.csv", 5, "!192.0.2.3,MalwareIpType|bad-feed|8"},
	{"made.sms.csv", 6, "!192.0.2.4,Reputation Entries TTL,tomorrow|bad-time|9"},
};

START_TEST(lines_come_out_as_meant)
{
	static struct walk walk;
	char path[128];

	snprintf(path, sizeof(path), "tests/feeds/%s", events[_i].file);
	ck_assert_int_eq(walk_path(&walk, path, NULL), STATUS_OK);
	ck_assert_uint_gt(walk.kept, events[_i].at);
	ck_assert_str_eq(walk.event[events[_i].at], events[_i].event);
}
END_TEST

/* Mutexes of 40 and 64 hex digits stand in column 11: not one of them may come out. */
START_TEST(mutexes_are_no_hashes)
{
	static struct walk walk;

	ck_assert_int_eq(walk_path(&walk, "tests/feeds/unit42-luminosity.csv", NULL), STATUS_OK);
	for (size_t i = 0; i < walk.kept; i++)
		ck_assert_ptr_null(strstr(walk.event[i], "7c52a91f88d4c1"));
}
END_TEST

START_TEST(times_of_feeds)
{
	static struct walk walk;

	/* date -ud '2024-10-12T20:01:09Z' +%s and so on */
	ck_assert_int_eq(walk_path(&walk, "tests/feeds/made-openphish.tsv", NULL), STATUS_OK);
	ck_assert_uint_eq(walk.first_seen[0], 1728763269);
	ck_assert_int_eq(walk_path(&walk, "tests/feeds/made-jpcert.csv", NULL), STATUS_OK);
	ck_assert_uint_eq(walk.first_seen[0], 1546596720);
	ck_assert_int_eq(walk_path(&walk, "tests/feeds/made-urlhaus.csv", NULL), STATUS_OK);
	ck_assert_uint_eq(walk.first_seen[0], 1787069828);
	ck_assert_int_eq(walk_path(&walk, "tests/feeds/made.sms.csv", NULL), STATUS_OK);
	ck_assert_uint_eq(walk.expires[0], 1540466100);
	ck_assert_uint_eq(walk.expires[1], 0);
	ck_assert_int_eq(walk_path(&walk, "tests/feeds/unit42-agenttesla.txt", NULL), STATUS_OK);
	ck_assert_uint_eq(walk.first_seen[0], 1501136428);
	ck_assert_uint_eq(walk.first_seen[1], 1501136428);
}
END_TEST

/* --- the column map --------------------------------------------------------- */

static const struct {
	const char *columns;
	enum status status;
	const char *first; /* event 0, or a piece of the fault's text */
} maps[] = {
	{"value=2", STATUS_OK, "evil.example|||2"},
	{"value=name,tag:Malware Family=family", STATUS_OK,
	 "evil.example|||2|Malware Family=Emotet"},
	{"VALUE = 2 , tag:Malware Family=3, tag:Score=score", STATUS_OK,
	 "evil.example|||2|Malware Family=Emotet|Score=80"},
	{"value=2,first_seen=1,expires=until", STATUS_OK, "evil.example|||2"},
	{"value=2,tag:Reputation Entries TTL=4", STATUS_OK, "evil.example|||2"},
	{"value=0", STATUS_USAGE, "names no column"},
	{"value=257", STATUS_USAGE, "names no column"},
	{"value=nowhere", STATUS_USAGE, "names no column"},
	{"colour=2", STATUS_USAGE, "\"colour=2\""},
	{"tag:=2", STATUS_USAGE, "\"tag:=2\""},
	{"first_seen=1", STATUS_USAGE, "no value= column"},
	{"", STATUS_USAGE, ""},
};

START_TEST(column_maps)
{
	static struct walk walk;
	struct feed_options options = {.kind = KIND_ANY, .columns = maps[_i].columns};
	enum status status = walk_path(&walk, "tests/feeds/made-columns.csv", &options);

	ck_assert_int_eq(status, maps[_i].status);
	if (status)
		ck_assert_ptr_nonnull(strstr(walk.fault.text, maps[_i].first));
	else
		ck_assert_str_eq(walk.event[0], maps[_i].first);
}
END_TEST

START_TEST(column_map_in_full)
{
	static struct walk walk;
	struct feed_options options = {
		.kind = KIND_ANY,
		.columns = "value=2,first_seen=1,expires=until,tag:Malware Family=family",
	};

	ck_assert_int_eq(walk_path(&walk, "tests/feeds/made-columns.csv", &options), STATUS_OK);
	ck_assert_str_eq(walk.event[0], "evil.example|||2|Malware Family=Emotet");
	ck_assert_uint_eq(walk.first_seen[0], 1767225600);
	ck_assert_uint_eq(walk.expires[0], 1798761600);
	ck_assert_str_eq(walk.event[1], "semi;colon.example|||3|Malware Family=Qak\"bot");
	ck_assert_str_eq(walk.event[2], "!2026-01-03;late.example;Emotet;someday;60|bad-time|4");
	ck_assert_str_eq(walk.event[3], "!2026-01-04;;Emotet;2027-01-01;50|bad-feed|5");
	ck_assert_uint_eq(walk.kept, 4);
}
END_TEST

START_TEST(the_kind_narrows_columns)
{
	static struct walk walk;
	struct feed_options options = {.kind = KIND_SHA1};

	ck_assert_int_eq(walk_path(&walk, "tests/feeds/unit42-squirtdanger.csv", &options),
			 STATUS_OK);
	ck_assert_uint_eq(walk.items, 19);
	ck_assert_uint_eq(walk.rejects, 0);
	ck_assert_ptr_nonnull(
		strstr(walk.event[0], "8c5b25017a6cceab7a9116584c1161ce482f3745|sha1"));
	options.kind = KIND_SHA256;
	ck_assert_int_eq(walk_path(&walk, "tests/feeds/unit42-agenttesla.txt", &options),
			 STATUS_OK);
	ck_assert_uint_eq(walk.items, 40);
	ck_assert_uint_eq(walk.rejects, 5); /* "Submission" where the hash would be */
	options.kind = KIND_URL;
	ck_assert_int_eq(walk_path(&walk, "tests/feeds/hagezi.hosts", &options), STATUS_OK);
	ck_assert_uint_eq(walk.items, 0);
	ck_assert_uint_eq(walk.rejects, 26);
}
END_TEST

/* --- prose ------------------------------------------------------------------ */

static const struct {
	const char *line;
	const char *value; /* NULL: nothing may be taken */
} words[] = {
	{"see https://blog.example/report for details", NULL},
	{"the sample drops payload.exe and readme.txt", NULL},
	{"it talks to evil.example over TLS", NULL},
	{"it talks to evil[.]example over TLS.", "evil[.]example"},
	{"C2: hxxps://evil.example/gate.php, alive", "hxxps://evil.example/gate.php"},
	{"- http://alone.example/x", "http://alone.example/x"},
	{"* 192.0.2.7", "192.0.2.7"},
	{"version 1.2.3.4 of the tool", NULL},
	{"sent to 192.0.2[.]7:443 (C2)", "192.0.2[.]7"},
	{"| a9993e364706816aba3e25717850c26c9cd0d89d | dropper |",
	 "a9993e364706816aba3e25717850c26c9cd0d89d"},
	{"SHA1:a9993e364706816aba3e25717850c26c9cd0d89d",
	 "a9993e364706816aba3e25717850c26c9cd0d89d"},
	{"(a9993e364706816aba3e25717850c26c9cd0d89d),", "a9993e364706816aba3e25717850c26c9cd0d89d"},
	{"a9993e364706816aba3e25717850c26c9cd0d89dd is too long", NULL},
	{"invoice.doc", NULL},
	{"mail someone@example.com", NULL},
};

START_TEST(prose_takes_only_what_stands_as_a_word)
{
	static struct walk walk;
	char text[256], want[128];
	struct feed_options options = {.kind = KIND_ANY, .format = "prose"};

	snprintf(text, sizeof(text), "hxxp://first.example/\n%s\n", words[_i].line);
	ck_assert_int_eq(walk_bytes(&walk, text, strlen(text), &options), STATUS_OK);
	ck_assert_uint_eq(walk.kept, words[_i].value ? 2 : 1);
	snprintf(want, sizeof(want), "%s|||2", words[_i].value ? words[_i].value : "");
	if (words[_i].value)
		ck_assert_str_eq(walk.event[1], want);
}
END_TEST

/* A short list with bad lines stays a list: every bad line must come out to be reported. */
START_TEST(bad_lines_do_not_make_prose)
{
	static struct walk walk;

	ck_assert_int_eq(walk_text(&walk,
				   "evil.example\nnot a domain !!\nthis is junk text\n"
				   "192.0.2.1\nand even more junk\n300.1.1.1\n",
				   NULL),
			 STATUS_OK);
	ck_assert_str_eq(walk.format, "plain");
	ck_assert_uint_eq(walk.items, 6);
}
END_TEST

/* --- tags in shape ---------------------------------------------------------- */

START_TEST(tag_text_is_put_in_shape)
{
	static struct walk walk;
	char text[1024], long_text[600];

	memset(long_text, 'a', sizeof(long_text));
	memcpy(long_text + 253, "\xE4\xB8\x89", 3); /* a character across the 255th byte */
	snprintf(text, sizeof(text),
		 "%040d;tab\there\n%040d;latin caf\xE9\n%040d;%.590s\n%040d;\n%040d; c1 \xC2\x85 "
		 "end\n",
		 1, 2, 3, long_text, 4, 5);
	ck_assert_int_eq(walk_text(&walk, text, "loki"), STATUS_OK);
	ck_assert_ptr_nonnull(strstr(walk.event[0], "|Description=tab here"));
	ck_assert_ptr_nonnull(strstr(walk.event[1], "|Description=latin caf?"));
	long_text[253] = '\0';
	ck_assert_str_eq(strstr(walk.event[2], "Description=") + 12, long_text);
	ck_assert_ptr_null(strstr(walk.event[3], "Description"));
	ck_assert_ptr_nonnull(strstr(walk.event[4], "|Description=c1    end"));
}
END_TEST

START_TEST(many_values_on_a_line_are_bounded)
{
	static struct walk walk;
	size_t count = 70000, length = 7;
	char *text = malloc(16 + count * 4);

	memcpy(text, "0.0.0.0", 7);
	for (size_t i = 0; i < count; i++, length += 4)
		memcpy(text + length, " a.b", 4);
	text[length++] = '\n';
	{
		struct feed_options options = {.kind = KIND_ANY, .format = "hosts"};

		ck_assert_int_eq(walk_bytes(&walk, text, length, &options), STATUS_OK);
	}
	ck_assert_uint_eq(walk.items, 65536);
	ck_assert_uint_eq(walk.rejects, 1);
	free(text);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int
main(void)
{
	Suite *suite = suite_create("feed_formats");
	TCase *test = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(test, 60);
	tcase_add_loop_test(test, excerpts_of_lists, 0, ROWS(files));
	tcase_add_loop_test(test, lines_come_out_as_meant, 0, ROWS(events));
	tcase_add_test(test, mutexes_are_no_hashes);
	tcase_add_test(test, times_of_feeds);
	tcase_add_loop_test(test, column_maps, 0, ROWS(maps));
	tcase_add_test(test, column_map_in_full);
	tcase_add_test(test, the_kind_narrows_columns);
	tcase_add_loop_test(test, prose_takes_only_what_stands_as_a_word, 0, ROWS(words));
	tcase_add_test(test, bad_lines_do_not_make_prose);
	tcase_add_test(test, tag_text_is_put_in_shape);
	tcase_add_test(test, many_values_on_a_line_are_bounded);
	suite_add_tcase(suite, test);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
