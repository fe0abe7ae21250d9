/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds as a whole: what is no list, options, archives, and every real list there is. */
#include <unistd.h>

#include "engine/cli.h"
#include "loader/commands.h"
#include "loader/feed_tar.h"
#include "tests/feed_walk.h"

/* --- what is no list -------------------------------------------------------- */

static const struct {
	const char *file, *says;
	uint64_t offset;
} refused[] = {
	{"not-html.txt", "HTML", 0},       {"not-html-later.txt", "HTML", 4},
	{"not-json.txt", "JSON", 0},       {"not-json-array.txt", "JSON", 0},
	{"not-utf16.txt", "UTF-16", 0},    {"not-comments.txt", "only comments", 27},
	{"not-empty.txt", "empty", 0},     {"not-binary.bin", "program", 0},
	{"made.tar.gz", "tar archive", 0},
};

START_TEST(what_is_no_list_is_refused)
{
	static struct walk walk;
	char path[128];
	struct feed_options options = {.kind = KIND_ANY, .name = "the feed"};

	snprintf(path, sizeof(path), "tests/feeds/%s", refused[_i].file);
	ck_assert_int_eq(walk_path(&walk, path, &options), STATUS_BAD_FEED);
	ck_assert_msg(strstr(walk.fault.text, refused[_i].says) != NULL, "%s", walk.fault.text);
	ck_assert_uint_eq(walk.fault.offset, refused[_i].offset);
	ck_assert_str_eq(walk.fault.where, "the feed");
	/* naming a format does not make a list of it */
	options.format = "plain";
	ck_assert_int_eq(walk_path(&walk, path, &options), STATUS_BAD_FEED);
}
END_TEST

/* More comments than any look-ahead, then nothing: only the end shows it. */
START_TEST(comments_without_end_are_no_list)
{
	static struct walk walk;
	size_t length = 3 << 20;
	char *text = malloc(length);
	struct feed_options options = {.kind = KIND_ANY};

	for (size_t i = 0; i < length; i += 64) {
		memset(text + i, 'c', 64);
		text[i] = '#';
		text[i + 63] = '\n';
	}
	ck_assert_int_eq(walk_bytes(&walk, text, length, &options), STATUS_BAD_FEED);
	ck_assert_int_eq(walk.end, FEED_FAIL);
	/* and with one entry at the very end it is one */
	memcpy(text + length - 13, "\nlast.example", 13);
	ck_assert_int_eq(walk_bytes(&walk, text, length, &options), STATUS_OK);
	ck_assert_str_eq(walk.event[0], "last.example|||49153");
	free(text);
}
END_TEST

START_TEST(a_header_past_the_look_ahead)
{
	static struct walk walk;
	size_t length = 200000;
	char *text = malloc(length + 64);
	struct feed_options options = {.kind = KIND_ANY};

	memset(text, 'c', length);
	text[0] = '#';
	text[length] = '\n';
	length += 1 +
		  (size_t)snprintf(text + length + 1, 60, "0.0.0.0 a.example\n0.0.0.0 b.example\n");
	ck_assert_int_eq(walk_bytes(&walk, text, length, &options), STATUS_OK);
	ck_assert_str_eq(walk.format, "hosts");
	ck_assert_uint_eq(walk.items, 2);
	free(text);
}
END_TEST

/* A download cut in the middle: items before the cut, then a failure, never an end. */
START_TEST(a_cut_download_fails)
{
	static struct walk walk;
	uint8_t *bytes = malloc(1 << 16);
	FILE *file = fopen("tests/feeds/made-plain.txt.gz", "rb");
	size_t length = fread(bytes, 1, 1 << 16, file);

	fclose(file);
	for (size_t cut = 4; cut < length; cut++)
		ck_assert_int_eq(walk_bytes(&walk, bytes, cut, NULL), STATUS_BAD_FEED);
	ck_assert_int_eq(walk_bytes(&walk, bytes, length, NULL), STATUS_OK);
	free(bytes);
}
END_TEST

/* --- options and reports ---------------------------------------------------- */

START_TEST(a_long_line_is_one_reject)
{
	static struct walk walk;
	size_t length = (4 << 20) + 22;
	char *text = malloc(length);
	struct feed_options options = {.kind = KIND_ANY};

	memset(text, 'x', length);
	memcpy(text, "a.example\n", 10);
	memcpy(text + length - 12, "\r\nb.example\n", 12);
	ck_assert_int_eq(walk_bytes(&walk, text, length, &options), STATUS_OK);
	ck_assert_uint_eq(walk.items, 2);
	ck_assert_uint_eq(walk.rejects, 1);
	ck_assert_ptr_nonnull(strstr(walk.event[1], "x|limit|2"));
	ck_assert_str_eq(walk.event[2], "b.example|||3");
	free(text);
}
END_TEST

START_TEST(an_unknown_format_is_a_usage_error)
{
	static struct walk walk;

	ck_assert_int_eq(walk_text(&walk, "a.example\n", "colour"), STATUS_USAGE);
	ck_assert_ptr_nonnull(strstr(walk.fault.text, "colour"));
}
END_TEST

/* The help and the completion of `repute import --format`: the names and a blank after each. */
static const char *
format_words(void)
{
	static char words[512];
	for (size_t i = 0; cmd_import.options[i].name != NULL; i++)
		if (strcmp(cmd_import.options[i].name, "format") == 0)
			snprintf(words, sizeof(words), " %s ", cmd_import.options[i].values);
	return words;
}

START_TEST(every_format_has_a_name_and_words)
{
	const char *description, *name;
	size_t i = 0, length = 1;
	char word[64];

	for (; (name = feed_format_name(i, &description)) != NULL; i++) {
		ck_assert_uint_gt(strlen(description), 10);
		snprintf(word, sizeof(word), " %s ", name);
		ck_assert_msg(strstr(format_words(), word) != NULL, "help lacks %s", name);
		length += strlen(name) + 1;
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(name, feed_format_name(k, NULL));
	}
	ck_assert_uint_eq(i, 18);
	ck_assert_uint_eq(strlen(format_words()), length);
	ck_assert_ptr_null(feed_format_name(i + 5, NULL));
}
END_TEST

START_TEST(the_kind_goes_to_every_item)
{
	static struct walk walk;
	const char *text = "a.example\nb.example/x\n";
	struct feed_options options = {.kind = KIND_URL};

	ck_assert_int_eq(walk_bytes(&walk, text, strlen(text), &options), STATUS_OK);
	ck_assert_str_eq(walk.event[0], "a.example|url||1");
	ck_assert_str_eq(walk.event[1], "b.example/x|url||2");
}
END_TEST

START_TEST(progress_and_lines_and_notes)
{
	struct feed *feed;
	struct feed_item item;
	struct feed_reject reject;
	uint64_t bytes_read, bytes_total, count;

	ck_assert_int_eq(feed_open("tests/feeds/made-plain.txt.gz", NULL, &feed, NULL), STATUS_OK);
	ck_assert_ptr_null(feed_note(feed, 0, &count));
	while (feed_next(feed, &item, &reject, NULL) != FEED_END)
		;
	feed_progress(feed, &bytes_read, &bytes_total);
	ck_assert_uint_gt(bytes_total, 100);
	ck_assert_uint_eq(bytes_read, bytes_total);
	ck_assert_uint_eq(feed_lines(feed), 20);
	ck_assert_ptr_nonnull(strstr(feed_note(feed, 0, &count), "port"));
	ck_assert_uint_eq(count, 3);
	ck_assert_ptr_null(feed_note(feed, 1, &count));
	feed_close(feed);
}
END_TEST

/* --- archives --------------------------------------------------------------- */

struct totals {
	size_t members, refused, items, rejects;
	char names[512];
};

static enum status
archive_totals(const char *path, struct totals *totals, struct fault *fault)
{
	static struct walk walk;
	struct feed_archive *archive;
	struct feed *feed;
	const char *name;
	bool member_only;
	enum status status;

	memset(totals, 0, sizeof(*totals));
	status = feed_archive_open(path, NULL, &archive, fault);
	if (status)
		return status;
	for (;;) {
		status = feed_archive_next(archive, &feed, &name, &member_only, fault);
		if (status && !member_only)
			break;
		if (!status && !feed)
			break;
		totals->refused += status != STATUS_OK;
		if (status)
			continue;
		walk_feed(&walk, feed);
		if (walk.end == FEED_FAIL) {
			*fault = walk.fault;
			status = walk.fault.status;
			break;
		}
		totals->members++;
		totals->items += walk.items;
		totals->rejects += walk.rejects;
		snprintf(totals->names + strlen(totals->names),
			 sizeof(totals->names) - strlen(totals->names), "%.20s:%s ", name,
			 walk.format);
	}
	feed_archive_close(archive);
	return status;
}

static const struct {
	const char *file;
	size_t members, refused, items;
} archives[] = {
	{"made.tar.gz", 3, 3, 17}, /* ustar; the long name did not fit there */
	{"made-pax.tar.zst", 4, 3, 25},   {"made-gnu.tar.zst", 4, 3, 25},
	{"made.netset", 1, 0, 8}, /* a plain file is an archive of one */
	{"made-plain.txt.zst", 1, 0, 16},
};

START_TEST(members_of_archives)
{
	struct totals totals;
	struct fault fault;
	char path[128];

	snprintf(path, sizeof(path), "tests/feeds/%s", archives[_i].file);
	ck_assert_int_eq(archive_totals(path, &totals, &fault), STATUS_OK);
	ck_assert_uint_eq(totals.members, archives[_i].members);
	ck_assert_uint_eq(totals.refused, archives[_i].refused);
	ck_assert_uint_eq(totals.items, archives[_i].items);
	if (_i == 0)
		ck_assert_str_eq(
			totals.names,
			"lists/deep/made.drop:drop lists/hard:netset lists/ranges.txt.gz:ranges ");
}
END_TEST

/* Every cut of the compressed archive ends in a failure that is not the member's. */
START_TEST(a_cut_archive_fails)
{
	uint8_t *bytes = malloc(1 << 16);
	FILE *file = fopen("tests/feeds/made.tar.gz", "rb");
	size_t length = fread(bytes, 1, 1 << 16, file);

	fclose(file);
	for (size_t cut = 4; cut < length; cut++) {
		struct feed_archive *archive;
		struct feed *feed;
		const char *name;
		bool member_only = true;
		struct fault fault;
		enum status status = feed_archive_open_bytes(bytes, cut, NULL, &archive, &fault);
		static struct walk walk;

		if (status) {
			ck_assert_int_eq(status, STATUS_BAD_FEED);
			continue;
		}
		do {
			status = feed_archive_next(archive, &feed, &name, &member_only, &fault);
			if (!status && feed)
				walk_feed(&walk, feed);
		} while (status ? member_only : feed != NULL);
		ck_assert_int_eq(status, STATUS_BAD_FEED);
		feed_archive_close(archive);
	}
	free(bytes);
}
END_TEST

START_TEST(a_cut_tar_without_compression_fails)
{
	/* A header that promises 1000 bytes, and 512 of them. */
	uint8_t *tar = calloc(1, 1024);
	struct feed_archive *archive;
	struct feed *feed;
	const char *name;
	bool member_only;
	struct fault fault;
	unsigned sum = 0;
	static struct walk walk;

	memcpy(tar, "list.txt", 8);
	memcpy(tar + 100, "0000644", 7);
	memcpy(tar + 124, "00000001750", 11);
	memcpy(tar + 136, "00000000000", 11);
	memset(tar + 148, ' ', 8);
	tar[156] = '0';
	memcpy(tar + 257, "ustar\00000", 8);
	for (int i = 0; i < 512; i++)
		sum += tar[i];
	snprintf((char *)tar + 148, 8, "%06o", sum);
	memset(tar + 512, 'a', 512);
	for (int i = 512; i < 1024; i += 16)
		memcpy(tar + i, ".example\n", 9);
	ck_assert_int_eq(feed_archive_open_bytes(tar, 1024, NULL, &archive, &fault), STATUS_OK);
	ck_assert(feed_archive_is_tar(archive));
	if (!feed_archive_next(archive, &feed, &name, &member_only, &fault)) {
		ck_assert_str_eq(name, "list.txt");
		walk_feed(&walk, feed);
		ck_assert_int_eq(walk.end, FEED_FAIL);
	}
	ck_assert_int_eq(feed_archive_next(archive, &feed, &name, &member_only, &fault),
			 STATUS_BAD_FEED);
	ck_assert(!member_only);
	feed_archive_close(archive);
	free(tar);
}
END_TEST

/* --- every real list -------------------------------------------------------- */

/*
 * Counted without our code, in ../shared/data. D is `grep -cvE '^[[:space:]]*([#;!]|$)'` (data
 * lines), after zcat where needed; other commands beside the row.
 */
#define DATA "../shared/data/"
static const struct {
	const char *file, *format;
	size_t items, rejects;
} lists[] = {
	{"ip/firehol/firehol_level1.netset", "netset", 17257, 0},                     /* D */
	{"ip/firehol/firehol_level2.netset", "netset", 20521, 0},                     /* D */
	{"ip/firehol/firehol_level4.netset.gz", "netset", 77704, 0},                  /* D */
	{"ip/firehol/spamhaus_drop.netset", "netset", 788, 0},                        /* D */
	{"ip/firehol/dshield.netset", "netset", 19, 0},                               /* D */
	{"ip/firehol/et_block.netset", "netset", 1662, 0},                            /* D */
	{"ip/firehol/feodo.ipset", "netset", 714, 0},                                 /* D */
	{"ip/firehol/tor_exits.ipset", "netset", 1053, 0},                            /* D */
	{"ip/firehol/talosintel_ipfilter.ipset", "netset", 1973, 0},                  /* D */
	{"ip/firehol/sslbl.ipset", "netset", 103, 0},                                 /* D */
	{"ip/ipsum-2026-01-02.txt.gz", "ipsum", 171010, 0},                           /* D */
	{"ip/ipsum-level3-2026-01-02.txt", "netset", 20485, 0},                       /* wc -l */
	{"ip/maltrail-mass_scanner_cidr.txt", "maltrail", 1106, 0},                   /* D */
	{"ip/spamhaus-dropv6-2018-11-01.txt", "drop", 56, 0},                         /* D */
	{"domain/hagezi/3p-stevenblack.hosts.2022-07-19.txt.gz", "hosts", 121356, 0}, /* D */
	{"domain/hagezi/domains-light.2022-07-22.txt.gz", "plain", 176041, 0},        /* D */
	{"domain/hagezi/adblock-light.2022-07-24.txt.gz", "adblock", 122680, 0},      /* D */
	{"domain/hagezi/dnsmasq-fake.2022-07-24.txt", "dnsmasq", 7355, 0},            /* D */
	{"domain/hagezi/unbound-fake.blacklist.2022-07-24.conf", "unbound", 7355,
	 0}, /* D less server: */
	{"domain/hagezi/hosts-doh-vpn-proxy-bypass.2022-07-24.txt", "hosts", 1205, 0}, /* D */
	{"domain/hagezi/wildcard-fake.2022-07-24.txt", "wildcard", 7355, 0},           /* D */
	{"domain/dnsbunker-rpz-part1.rpz", "rpz", 6126,
	 0}, /* grep -c CNAME, less the `; Policy` comment */
	{"domain/unit42-silverterrier-domains18.csv.gz", "csv", 18623,
	 0}, /* grep -c '' less the header (no last LF) */
	{"domain/maltrail-malware.tar.gz", "maltrail", 1404608,
	 88093}, /* D over all = 1,492,701 = 1,404,608 + 88,071
		    grep -c '^/' + 22 lines with [](){}|\ and no / */
	{"mixed/signature-base-c2-iocs.txt", "loki", 1844, 0},                   /* D */
	{"mixed/unit42-captcha-phishing-iocs-2021-08.txt.gz", "plain", 7278, 0}, /* D */
	{"url/jpcert-phishurl-2019-2023.tar.gz", "csv", 169195, 0}, /* lines less 60 headers */
	{"url/openphish-first-seen-2024-10_2026-03.tsv.gz", "tsv", 297200, 0}, /* wc -l */
	{"url/urlhaus-online-excerpt-2026-08-18.csv", "csv", 15, 0},           /* D */
	{"url/unit42-agenttesla-panels.txt", "csv", 473,
	 0}, /* 240 lines + grep -c '[0-9a-f]\{64\}$' = 233 */
	{"hash/malicious-hash-sha1.txt", "plain", 605, 0},         /* wc -l */
	{"hash/signature-base-hash-iocs.txt.gz", "loki", 3224, 0}, /* D */
	{"hash/unit42-hashes-flat.tsv.gz", "tsv", 92849, 0},       /* wc -l */
	{"hash/eset-samples.tar.gz", "plain", 10767,
	 0}, /* grep -ciE '^[0-9a-f]{40}([0-9a-f]{24})?' a file, summed */
	{"benign/bgp-prefixes-v4v6.txt.gz", "netset", 1062046, 0},      /* wc -l */
	{"benign/cloudflare-radar-top100k.txt.gz", "plain", 100001, 0}, /* wc -l */
	{"benign/urls-kasztp-48k.txt.gz", "plain", 48010, 0},           /* grep -c '' */
	{"benign/system-file-hashes.tsv.gz", "tsv", 80000, 0}, /* two a line, 40,000 lines */
};

START_TEST(real_lists_in_full)
{
	struct totals totals;
	struct fault fault;
	char path[256];

	snprintf(path, sizeof(path), DATA "%s", lists[_i].file);
	if (access(path, R_OK) != 0)
		return;
	ck_assert_msg(archive_totals(path, &totals, &fault) == STATUS_OK, "%s: %s", path,
		      fault.text);
	ck_assert_msg(totals.items == lists[_i].items && totals.rejects == lists[_i].rejects,
		      "%s: %zu items, %zu rejects", path, totals.items, totals.rejects);
	if (totals.members == 1)
		ck_assert_msg(strstr(totals.names, lists[_i].format) != NULL, "%s: %s", path,
			      totals.names);
}
END_TEST

/* --- the hashes of 129 reports ---------------------------------------------- */

struct hashes {
	char (*text)[65];
	size_t count;
};

static int
hash_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Lower case and one of each. */
static void
hashes_sort(struct hashes *hashes)
{
	size_t kept = 0;

	for (size_t i = 0; i < hashes->count; i++) {
		for (char *at = hashes->text[i]; *at; at++)
			*at = (char)(*at >= 'A' && *at <= 'F' ? *at + 32 : *at);
	}
	qsort(hashes->text, hashes->count, 65, hash_compare);
	for (size_t i = 0; i < hashes->count; i++) {
		if (kept == 0 || strcmp(hashes->text[kept - 1], hashes->text[i]) != 0)
			memmove(hashes->text[kept++], hashes->text[i], 65);
	}
	hashes->count = kept;
}

static void
hashes_read(const char *path, struct hashes *hashes)
{
	struct feed_archive *archive;
	struct feed *feed;
	struct feed_item item;
	struct feed_reject reject;
	enum feed_outcome outcome;
	const char *name;
	bool member_only;

	hashes->text = malloc((size_t)200000 * 65);
	hashes->count = 0;
	ck_assert_int_eq(feed_archive_open(path, NULL, &archive, NULL), STATUS_OK);
	while (feed_archive_next(archive, &feed, &name, &member_only, NULL) == STATUS_OK && feed) {
		while ((outcome = feed_next(feed, &item, &reject, NULL)) == FEED_ITEM ||
		       outcome == FEED_REJECT) {
			if (outcome != FEED_ITEM ||
			    (item.value_length != 40 && item.value_length != 64))
				continue;
			snprintf(hashes->text[hashes->count], 65, "%.*s", (int)item.value_length,
				 item.value);
			if (strspn(hashes->text[hashes->count], "0123456789abcdefABCDEF") ==
			    item.value_length)
				hashes->count++;
		}
	}
	feed_archive_close(archive);
	hashes_sort(hashes);
}

/*
 * The flat list beside the archive was derived by others (README), its mutex columns left
 * out. Nothing may come out that is not in it. What may be missing: two path segments of URLs
 * (MuddyWater), one hash with a letter too many (TA551), one SHA-1 in a column called MD5
 * (AtraDownloader).
 */
START_TEST(hashes_of_reports)
{
	struct hashes ours, flat;
	size_t missing = 0, at = 0;

	if (access(DATA "hash/unit42-hash-files.tar.gz", R_OK) != 0)
		return;
	hashes_read(DATA "hash/unit42-hash-files.tar.gz", &ours);
	hashes_read(DATA "hash/unit42-hashes-flat.tsv.gz", &flat);
	ck_assert_uint_eq(flat.count, 92849);
	for (size_t i = 0; i < flat.count; i++) {
		if (at < ours.count && strcmp(ours.text[at], flat.text[i]) == 0)
			at++;
		else
			missing++;
	}
	ck_assert_uint_eq(at, ours.count);
	ck_assert_uint_eq(missing, 4);
	free(ours.text);
	free(flat.text);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int
main(void)
{
	Suite *suite = suite_create("feed");
	TCase *test = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(test, 120);
	tcase_add_loop_test(test, what_is_no_list_is_refused, 0, ROWS(refused));
	tcase_add_test(test, comments_without_end_are_no_list);
	tcase_add_test(test, a_header_past_the_look_ahead);
	tcase_add_test(test, a_cut_download_fails);
	tcase_add_test(test, a_long_line_is_one_reject);
	tcase_add_test(test, an_unknown_format_is_a_usage_error);
	tcase_add_test(test, every_format_has_a_name_and_words);
	tcase_add_test(test, the_kind_goes_to_every_item);
	tcase_add_test(test, progress_and_lines_and_notes);
	tcase_add_loop_test(test, members_of_archives, 0, ROWS(archives));
	tcase_add_test(test, a_cut_archive_fails);
	tcase_add_test(test, a_cut_tar_without_compression_fails);
	tcase_add_loop_test(test, real_lists_in_full, 0, ROWS(lists));
	tcase_add_test(test, hashes_of_reports);
	suite_add_tcase(suite, test);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
