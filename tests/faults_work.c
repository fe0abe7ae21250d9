/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults_work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/ingest.h"
#include "tests/command.h"
#include "tests/faults_reads.h"
#include "tests/faults_rows.h"
#include "tests/faults_stores.h"
#include "tests/fixture.h"

/* --- first start, add, fold: through the author --------------------------------------------- */

static const struct row few_rows[] = {
	{"new.example", "tree", "c", "Qakbot", WORK_FAR},
	{"198.51.100.77", "exact", "c", "", WORK_FAR},
	{"http://new.example/a?b=c", "exact", "c", "Qakbot", WORK_FAR},
};
#define FEW (sizeof(few_rows) / sizeof(few_rows[0]))

static struct said
run_few(struct world *world)
{
	struct fault fault = {0};
	return said_of(rows_write(world->path, few_rows, FEW, WORK_NOW, &fault), &fault);
}

static void
expect_few(struct ledger *new)
{
	rows_note(new, few_rows, FEW, WORK_NOW);
}

static void
expect_first(struct ledger *new)
{
	expect_few(new);
	ledger_put(new, "=tags|||12");
}

/* So many that all layers are folded into a new base. */
#define MANY 40

static const struct row *
many_rows(void)
{
	static char texts[MANY][32];
	static struct row rows[MANY];
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "many%u.example", i);
		rows[i] = (struct row){texts[i], "exact", "c", i % 5 == 0 ? "Qakbot" : "", WORK_FAR};
	}
	return rows;
}

static struct said
run_many(struct world *world)
{
	struct fault fault = {0};
	return said_of(rows_write(world->path, many_rows(), MANY, WORK_NOW, &fault), &fault);
}

static void
expect_many(struct ledger *new)
{
	rows_note(new, many_rows(), MANY, WORK_NOW);
}

/* Few keys, more than a megabyte: a layer that gets a file of its own. */
#define LARGE 200
#define LARGE_BYTES 6000

static const struct row *
large_rows(void)
{
	static char texts[LARGE][LARGE_BYTES + 32];
	static struct row rows[LARGE];
	if (rows[0].text != NULL)
		return rows;
	for (unsigned i = 0; i < LARGE; i++) {
		size_t length = (size_t)snprintf(texts[i], 32, "http://large%u.example/", i);
		while (length < LARGE_BYTES) {
			texts[i][length] = (char)('a' + (length * (i + 7) + length / 26) % 26);
			length++;
		}
		rows[i] = (struct row){texts[i], "exact", "c", "", WORK_FAR};
	}
	return rows;
}

static struct said
run_large(struct world *world)
{
	struct fault fault = {0};
	return said_of(rows_write(world->path, large_rows(), LARGE, WORK_NOW, &fault), &fault);
}

static void
expect_large(struct ledger *new)
{
	rows_note(new, large_rows(), LARGE, WORK_NOW);
}

/* --- imports -------------------------------------------------------------------------------- */

static void
make_feeds(struct world *world)
{
	char text[4096], command[2 * FILE_PATH_BYTES];
	int length = snprintf(text, sizeof(text), "value,Malware Family\n*.low.example,x\n"
			      "hxxp://EVIL[.]example/a/../b,y\n192.0.2.1-192.0.2.3,x\na..b,x\n"
			      "2001:db8:ffff::/48,\nDA39A3EE5E6B4B0D3255BFEF95601890AFD80700,x\n");
	world_write(world->feed, "feed.csv", text, (size_t)length);
	for (unsigned i = 0; i < 60; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "%u.more.example,\n", i);
	world_write(world->feed, "more.csv", text, (size_t)length);
	world_write(world->feed, "next.csv", "value,Malware Family\nn2.example,Emotet\nfresh.example,x\n",
		   strlen("value,Malware Family\nn2.example,Emotet\nfresh.example,x\n"));
	snprintf(command, sizeof(command), "cd '%s' && mkdir -p t && cp feed.csv t/ && cp next.csv t/ && "
		 "tar --sort=name --owner=0 --group=0 --mtime=@0 -czf feeds.tar.gz t/feed.csv t/next.csv && "
		 "gzip -nc more.csv >more.csv.gz && rm -r t", world->feed);
	if (system(command) != 0)
		abort();
}

static void
make_import(struct world *world)
{
	make_layers(world);
	make_feeds(world);
}

static void
make_first_import(struct world *world)
{
	make_feeds(world);
}

static struct said
import(const struct world *world, const char *name, bool mirror)
{
	static const char *const tags[] = {"Trend Micro Severity=High"};
	static const struct hash_seed seed = {{1, 2}};
	struct ingest_options options = {
		.source = "a", .kind = KIND_ANY, .mirror = mirror, .max_rejects = 5,
		.max_rejects_percent = 101, .max_shrink_percent = 101, .seed = &seed,
		.expires = WORK_FAR, .tags = tags, .tag_count = mirror ? 1 : 0,
	};
	struct ingest_result result;
	struct fault fault = {0};
	struct ingest *ingest;
	char path[FILE_PATH_BYTES];
	snprintf(path, sizeof(path), "%s/%s", world->feed, name);
	enum status status = ingest_new(world->path, &options, WORK_NOW, &ingest, &fault);
	if (status != STATUS_OK)
		return said_of(status, &fault);
	status = ingest_file(ingest, path, &fault);
	if (status == STATUS_OK)
		status = ingest_commit(ingest, &result, &fault);
	ingest_free(ingest);
	return said_of(status, &fault);
}

static void
note(struct ledger *ledger, const char *which, const char *tag, uint64_t first)
{
	ledger_put(ledger, "%s|%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64, which, tag, WORK_FAR, first,
		   WORK_NOW);
}

static void
note_feed(struct ledger *new)
{
	note(new, "low.example|below|a", "x", WORK_NOW);
	note(new, "http://evil.example/b|exact|a", "y", WORK_NOW);
	note(new, "192.0.2.1|exact|a", "x", WORK_NOW);
	note(new, "192.0.2.2/31|exact|a", "x", WORK_NOW);
	note(new, "2001:db8:ffff::/48|exact|a", "", WORK_NOW);
	note(new, "da39a3ee5e6b4b0d3255bfef95601890afd80700|exact|a", "x", WORK_NOW);
}

static struct said
run_import(struct world *world)
{
	return import(world, "feed.csv", false);
}

/* a..b is no name: six values, a reject. */
static void
expect_import(struct ledger *new)
{
	note_feed(new);
	ledger_put(new, "=source|a||100 0 %" PRIu64 " 5 ", WORK_NOW);
}

static struct said
run_first_import(struct world *world)
{
	return import(world, "more.csv.gz", false);
}

static void
expect_first_import(struct ledger *new)
{
	char which[64];
	note_feed(new);
	for (unsigned i = 0; i < 60; i++) {
		snprintf(which, sizeof(which), "%u.more.example|exact|a", i);
		note(new, which, "", WORK_NOW);
	}
	ledger_put(new, "=source|a||100 0 %" PRIu64 " 65 ", WORK_NOW);
	ledger_put(new, "=tags|||12");
}

static struct said
run_archive(struct world *world)
{
	return import(world, "feeds.tar.gz", false);
}

static void
expect_archive(struct ledger *new)
{
	note_feed(new);
	note(new, "n2.example|exact|a", "Emotet", WORK_NOW);
	note(new, "fresh.example|exact|a", "x", WORK_NOW);
	ledger_put(new, "=source|a||100 0 %" PRIu64 " 7 ", WORK_NOW);
}

static struct said
run_mirror(struct world *world)
{
	return import(world, "next.csv", true);
}

static void
expect_source_remove(struct ledger *new)
{
	for (size_t i = new->count; i-- > 0;) {
		const char *source = strchr(strchr(new->lines[i], '|') + 1, '|');
		if (new->lines[i][0] != '=' && strncmp(source, "|a|", 3) == 0)
			ledger_drop(new, new->lines[i]);
	}
}

/* n2.example is in the base with scope tree: that one goes. Two tags are read back as one text. */
static void
expect_mirror(struct ledger *new)
{
	expect_source_remove(new);
	note(new, "n2.example|exact|a", "HighEmotet", WORK_NOW);
	note(new, "fresh.example|exact|a", "Highx", WORK_NOW);
	ledger_put(new, "=source|a||100 0 %" PRIu64 " 2 ", WORK_NOW);
}

static void
expect_command(struct ledger *new)
{
	expect_source_remove(new);
	note(new, "n2.example|exact|a", "Emotet", WORK_NOW);
	note(new, "fresh.example|exact|a", "x", WORK_NOW);
	ledger_put(new, "=source|a||100 0 %" PRIu64 " 2 ", WORK_NOW);
}

/* --- commands -------------------------------------------------------------------------------- */

static void
expect_add(struct ledger *new)
{
	note(new, "added.example|tree|user", "Qakbot", WORK_NOW);
	note(new, "203.0.113.0/24|exact|user", "Qakbot", WORK_NOW);
	ledger_put(new, "=source|user||100 0 0 0 ");
}

static void
expect_remove(struct ledger *new)
{
	ledger_drop(new, "n2.example|tree|a");
	ledger_drop(new, "198.51.0.0/24|exact|a");
}

/* All claims of a with Emotet: i % 2 == 0 and i % 3 == 0, but those of source old (none is even). */
static void
expect_retag(struct ledger *new)
{
	for (size_t i = 0; i < new->count; i++) {
		char *at = strstr(new->lines[i], "|a|Emotet|");
		if (at == NULL)
			continue;
		char *line = new->lines[i];
		*at = '\0';
		if (asprintf(&new->lines[i], "%s|a|Dridex|%s", line, at + strlen("|a|Emotet|")) < 0)
			abort();
		free(line);
	}
}

static void
expect_expire(struct ledger *new)
{
	for (size_t i = new->count; i-- > 0;)
		if (strstr(new->lines[i], "|old|") != NULL)
			ledger_drop(new, new->lines[i]);
}

static void
expect_tag(struct ledger *new)
{
	ledger_put(new, "=tags|||13");
	ledger_put(new, "=tag|Team||list red blue 0..0");
}

static void
expect_source(struct ledger *new)
{
	ledger_put(new, "=source|a||7 86400 0 0 a list");
}

static void
expect_profile(struct ledger *new)
{
	ledger_put(new, "=profile|edge||[profile]");
}

static void
make_tag_file(struct world *world)
{
	static const char text[] = "{\"categories\":[{\"name\":\"Team\",\"type\":\"list\","
				   "\"values\":[\"red\",\"blue\"]}]}";
	make_layers(world);
	world_write(world->feed, "tags.json", text, strlen(text));
}

static void
make_profile_file(struct world *world)
{
	static const char text[] =
		"[profile]\nname = edge\n[action \"b\"]\nflow = block\n"
		"[filter \"f\"]\naction = b\nwhere = \"Malware Family\" = Emotet\n"
		"[exception \"x\"]\ndomain = *.corp.example\n";
	make_layers(world);
	world_write(world->feed, "profile.ini", text, strlen(text));
}

/* --- news for readers -------------------------------------------------------------------------- */

static void
write_few(struct world *world)
{
	struct fault fault = {0};
	fixture_need(rows_write(world->path, few_rows, FEW, WORK_NOW, &fault), &fault, "few");
}

#define READS .reads = true
const struct work works[] = {
	{"first-start", make_nothing, expect_first, .run = run_few},
	{"first-import", make_first_import, expect_first_import, .run = run_first_import},
	{"import", make_import, expect_import, .run = run_import},
	{"import-mirror", make_import, expect_mirror, .run = run_mirror},
	{"import-archive", make_import, expect_archive, .run = run_archive},
	{"apply", make_layers, expect_few, .run = run_few},
	{"fold-base", make_layers, expect_many, .run = run_many},
	{"fold-full", make_full, expect_few, .run = run_few},
	{"large-layer", make_layers, expect_large, .run = run_large},
	{"new-journal", make_full_journal, expect_few, .run = run_few},
	{"from-manifest", make_manifest, expect_few, .run = run_few},
	{"from-v2", make_v2, expect_few, .run = run_few},
	{"killed", make_killed, expect_few, .run = run_few},
	{"killed-torn", make_torn, expect_few, .run = run_few},
	{"killed-unsure", make_unsure, expect_few, .run = run_few},
	{"damaged", make_damaged, expect_few, .run = run_few},
	{"add", make_layers, expect_add, .argv = {"add", "--scope", "tree", "--tag",
	 "Malware Family=Qakbot", "--expires", WORK_FAR_TEXT, "added.example", "203.0.113.0/24"}},
	{"cmd-import", make_import, expect_command, .argv = {"import", "--json", "--mirror", "--source",
	 "a", "--expires", WORK_FAR_TEXT, "%F/next.csv"}},
	{"remove", make_layers, expect_remove, .argv = {"remove", "--json", "--source", "a",
	 "n2.example", "198.51.0.0/24"}},
	{"retag", make_layers, expect_retag, .argv = {"retag", "--source", "a", "--where",
	 "\"Malware Family\" = Emotet", "--tag", "Malware Family=Dridex"}},
	{"source-remove", make_layers, expect_source_remove, .argv = {"source", "remove", "a"}},
	{"tag-import", make_tag_file, expect_tag, .argv = {"tag", "import", "%F/tags.json"}},
	{"tag-add", make_layers, expect_tag, .argv = {"tag", "add", "Team", "--type", "list",
	 "--values", "red,blue"}},
	{"source-set", make_layers, expect_source, .argv = {"source", "set", "a", "--priority", "7",
	 "--ttl", "1d", "--description", "a list"}},
	{"profile-import", make_profile_file, expect_profile, .argv = {"profile", "import",
	 "%F/profile.ini"}},
	{"expire", make_layers, expect_expire, .argv = {"expire", "--json"}},
	{"expire-compact", make_layers, expect_expire, .argv = {"expire", "--compact"}},
	{"compact", make_layers, NULL, .argv = {"compact"}},
	{"compact-again", make_killed_compaction, NULL, .argv = {"compact"}},
	{"reader-open", make_layers, NULL, .run = run_open, READS, .own_reader = true},
	{"api", make_layers, NULL, .run = run_api, READS},
	{"reader-refresh", make_layers, expect_few, .between = write_few,
	 .run = run_refresh, READS, .own_reader = true},
	{"lookups", make_layers, expect_few, .between = write_few,
	 .run = run_lookups, READS, .own_reader = true,
	 .silent = true},
	{"cmd-lookup", make_layers, NULL, .argv = {"lookup", "--json", "--all", "x.n2.example",
	 "198.51.6.9", "http://h3.example/p", "nobody.example"}, READS},
	{"cmd-list", make_layers, NULL, .argv = {"list", "--where", "\"Malware Family\" = Emotet"}, READS},
	{"cmd-list-json", make_layers, NULL, .argv = {"list", "--json", "--source", "b"}, READS},
	{"cmd-sources", make_layers, NULL, .argv = {"source", "list", "--json"}, READS},
	{"cmd-tags", make_layers, NULL, .argv = {"tag", "export"}, READS},
	{"cmd-check", make_profile_file, NULL, .argv = {"check", "--profile", "%F/profile.ini",
	 "n6.example", "198.51.6.9", "x.corp.example"}, READS},
	{"cmd-preview", make_profile_file, NULL, .argv = {"preview", "%F/profile.ini"}, READS},
	{"cmd-verify", make_layers, NULL, .argv = {"verify"}, READS},
	{"cmd-info", make_layers, NULL, .argv = {"info", "--json"}, READS},
	{"cmd-stats", make_layers, NULL, .argv = {"stats"}, READS, 
	 .hints = {"readers", "  records", "written "}},
	{"cmd-dump", make_layers, NULL, .argv = {"dump", "--summary"}, READS},
	{0}
};

static struct said
run_command(struct world *world)
{
	char words[12][FILE_PATH_BYTES], *argv[20] = {"repute", "--store", world->path, "--now",
						      WORK_NOW_TEXT};
	size_t count = 5;
	for (size_t i = 0; i < 12 && world->work->argv[i] != NULL; i++) {
		const char *word = world->work->argv[i];
		bool file = strncmp(word, "%F", 2) == 0;
		snprintf(words[i], sizeof(words[i]), "%s%s", file ? world->feed : "",
			 file ? word + 2 : word);
		argv[count++] = words[i];
	}
	int exit = command_main(argv);
	return (struct said){.done = exit != CLI_ERROR, .exit = exit, .reason = true,
			     .status = exit == CLI_ERROR ? STATUS_IO : STATUS_OK};
}

struct said
world_run(struct world *world)
{
	return world->work->run != NULL ? world->work->run(world) : run_command(world);
}
