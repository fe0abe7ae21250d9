/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/years_engine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/sweep.h"
#include "loader/ingest.h"
#include "query/repute.h"
#include "tests/scratch.h"
#include "tests/fixture.h"

#define HITS 64
#define EXCEPTED 25 /* a key that no other one covers */

struct run {
	struct years years;
	uint64_t seed;
	unsigned step;
	struct years_op *op;
	struct years_tally *tally;
	char *path, *feed;
	struct repute_db *db;   /* open all the time */
	struct repute_view *view;
	struct repute_profile *profile; /* blocks all that is known, but for one key until */
	uint64_t excepted;              /* this second */
	struct repute_key *keys; /* what is asked for each of the first YEARS_FEW */
	char (*query)[72];
};

void
years_differ(uint64_t seed, unsigned step, const struct years_op *op, const char *format, ...)
{
	char told[256];
	va_list arguments;

	years_tell(op, told);
	fprintf(stderr, "YEARS_SEED=%" PRIu64 ", step %u (%s):\n", seed, step, told);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

#define DIFFER(run, ...) years_differ((run)->seed, (run)->step, (run)->op, __VA_ARGS__)

static void
need(const struct run *run, enum status status, const struct fault *fault, const char *what)
{
	if (status != STATUS_OK)
		DIFFER(run, "%s: %s: %s", what, fault->where, fault->text);
}

/* --- one operation ---------------------------------------------------------------------------- */

static void
feed_write(struct run *run)
{
	const struct years_op *op = run->op;
	char spelled[CALENDAR_TEXT_BYTES];
	FILE *file = fopen(run->feed, "w");

	if (file == NULL)
		abort();
	for (size_t i = 0; i < op->count; i++) {
		spelled[0] = '\0';
		if (op->line[i].expires != 0)
			calendar_spell(&run->years.random, op->line[i].expires, spelled);
		fprintf(file, "%s,\"%s\"\n", run->years.text[op->line[i].key], spelled);
	}
	fclose(file);
}

static void
change(struct run *run, struct years_counts *counts)
{
	const struct years_op *op = run->op;
	char family[64], ttl[128] = "Reputation Entries TTL=";
	const char *tags[2];
	struct fault fault = {0};
	struct ingest *ingest;
	struct ingest_result result = {.format = ""};
	struct ingest_options options = {
		.source = years_sources[op->source], .kind = KIND_ANY, .format = "csv",
		.columns = "value=1,expires=2", .tags = tags, .mirror = op->mirror,
		.ttl_seconds = op->ttl, .expires = op->as_tag ? 0 : op->expires, .allow_broad = true,
		.max_rejects = 0, .max_rejects_percent = 101, .max_shrink_percent = 101,
	};

	if (op->set != 0) {
		snprintf(family, sizeof(family), "Malware Family=%s", years_sets[op->set]);
		tags[options.tag_count++] = family;
	}
	if (op->as_tag) {
		calendar_spell(&run->years.random, op->expires, ttl + strlen(ttl));
		tags[options.tag_count++] = ttl;
	}
	if (op->kind == YEARS_FEED)
		feed_write(run);
	need(run, ingest_new(run->path, &options, op->now, &ingest, &fault), &fault, "ingest");
	if (op->kind == YEARS_FEED)
		need(run, ingest_file(ingest, run->feed, &fault), &fault, "feed");
	for (size_t i = 0; op->kind != YEARS_FEED && i < op->count; i++) {
		const char *text = run->years.text[op->line[i].key];
		need(run, op->kind == YEARS_ADD ? ingest_value(ingest, text, strlen(text), &fault)
						: ingest_remove(ingest, text, strlen(text), false, &fault),
		     &fault, text);
	}
	need(run, ingest_commit(ingest, &result, &fault), &fault, "commit");
	ingest_free(ingest);
	*counts = (struct years_counts){result.counts.added, result.counts.updated,
					result.counts.unchanged, result.counts.removed,
					result.counts.renewed};
}

static void
set_default(struct run *run)
{
	const char *name = years_sources[run->op->source];
	struct store_write *write;
	struct source_row *row;
	struct fault fault = {0};
	uint64_t generation;

	need(run, store_write_begin(run->path, false, NULL, &write, &fault), &fault, "begin");
	need(run, catalog_source_put(store_write_catalog(write), name, strlen(name), &row, &fault),
	     &fault, "source");
	row->ttl_seconds = run->op->ttl;
	store_write_touch(write);
	need(run, store_write_commit(write, run->op->now, false, &generation, &fault), &fault, "commit");
}

/* Whether anything is due is known before, and nothing is afterwards. */
static void
sweep(struct run *run, struct years_counts *counts)
{
	struct store_write *write;
	struct sweep_counts swept;
	struct author_counts changes;
	struct fault fault = {0};
	uint64_t generation, now = run->op->now;
	bool compact = random_chance(&run->years.random, 10);

	need(run, store_write_begin(run->path, false, NULL, &write, &fault), &fault, "begin");
	bool due = sweep_due(store_write_view(write), now);
	need(run, sweep_write(write, now, &swept, &changes, &fault), &fault, "sweep");
	need(run, store_write_commit(write, now, compact, &generation, &fault), &fault, "commit");
	if (swept.claims != changes.removed || (!due && swept.read > 0))
		DIFFER(run, "swept %" PRIu64 ", removed %" PRIu64 ", read %" PRIu64 ", due %d", swept.claims,
		       changes.removed, swept.read, due);
	counts->removed = changes.removed;
	run->tally->swept += swept.claims;
	run->tally->read += swept.read;
}

static void
compact(struct run *run)
{
	struct fault fault = {0};
	uint64_t generation;
	bool done;

	need(run, store_compact(run->path, random_chance(&run->years.random, 50), run->op->now, &done,
				&generation, &fault), &fault, "compact");
}

static void
operate(struct run *run)
{
	struct years_counts wanted, got = {0};

	years_apply(&run->years, run->op, &wanted);
	switch (run->op->kind) {
	case YEARS_DEFAULT:
		set_default(run);
		break;
	case YEARS_SWEEP:
		sweep(run, &got);
		break;
	case YEARS_COMPACT:
		compact(run);
		break;
	default:
		change(run, &got);
	}
	if (memcmp(&wanted, &got, sizeof(got)) != 0)
		DIFFER(run, "added %" PRIu64 " updated %" PRIu64 " unchanged %" PRIu64 " removed %" PRIu64
		       " renewed %" PRIu64 ", not %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
		       got.added, got.updated, got.unchanged, got.removed, got.renewed, wanted.added,
		       wanted.updated, wanted.unchanged, wanted.removed, wanted.renewed);
}

/* --- what is known ------------------------------------------------------------------------------ */

static void
take_view(struct run *run)
{
	struct repute_fault fault = {0};
	bool changed;

	if (run->db == NULL && repute_open(run->path, NULL, &run->db, &fault) != REPUTE_OK)
		DIFFER(run, "open: %s %s", fault.where, fault.text);
	if (repute_refresh(run->db, &changed, &fault) != REPUTE_OK)
		DIFFER(run, "refresh: %s %s", fault.where, fault.text);
	run->view = repute_view_take(run->db);
}

static void
take_profile(struct run *run)
{
	struct repute_fault fault = {0};
	char text[512], until[CALENDAR_TEXT_BYTES];

	run->excepted = years_boundary(&run->years);
	if (run->excepted == 0 || run->excepted > CALENDAR_END)
		run->excepted = CALENDAR_END;
	calendar_print(run->excepted, until);
	snprintf(text, sizeof(text), "[profile]\nname = all\n[action \"B\"]\nflow = block\n"
		 "[filter \"all\"]\naction = B\nuntagged = yes\n"
		 "[exception \"one\"]\nip = %s\nowner = me\nreason = test\nexpires = %s\n",
		 run->query[EXCEPTED], until);
	if (repute_profile_load(run->view, text, strlen(text), &run->profile, &fault) != REPUTE_OK)
		DIFFER(run, "profile: %s: %s", fault.where, fault.text);
}

/* Known is blocked, but for the exception while it lives. */
static void
judge(const struct run *run, unsigned key, uint64_t now, bool known,
      const struct repute_verdict *verdict)
{
	bool excepted = key == EXCEPTED && now < run->excepted;
	unsigned wanted = known && !excepted ? REPUTE_VERDICT_BLOCK : REPUTE_VERDICT_NONE;

	if (verdict->outcome != wanted || (verdict->exception == REPUTE_NO_ROW) != !(known && excepted))
		DIFFER(run, "%s at %" PRIu64 ": outcome %d, exception %u; known %d, excepted until %" PRIu64,
		       run->query[key], now, verdict->outcome, verdict->exception, known, run->excepted);
}

static void
compare_state(struct run *run)
{
	char *wanted = years_lines(&run->years), *got = scratch_claims((const struct view *)run->view);
	const char *a = wanted, *b = got;

	if (strcmp(wanted, got) != 0) {
		while (*a != '\0' && *a == *b)
			a++, b++;
		for (; a > wanted && a[-1] != '\n'; a--, b--)
			;
		DIFFER(run, "the store holds\n%.300s\ninstead of\n%.300s", b, a);
	}
	if (run->years.keys == YEARS_FEW || run->step % 8 == 0)
		scratch_check((const struct view *)run->view);
	free(wanted);
	free(got);
}

static void
print_hits(const char *whose, const struct years_hit *hits, size_t count)
{
	fprintf(stderr, "%s:", whose);
	for (size_t i = 0; i < count && i < HITS; i++)
		fprintf(stderr, " %s until %" PRIu64, years_sources[hits[i].source], hits[i].expires);
	fputc('\n', stderr);
}

static size_t
take_hits(const struct repute_hit *found, size_t count, struct years_hit *hits)
{
	for (size_t i = 0; i < count; i++) {
		unsigned source = 0;
		while (source < YEARS_SOURCES - 1 &&
		       strncmp(found[i].source, years_sources[source], found[i].source_length) != 0)
			source++;
		hits[i] = (struct years_hit){source, found[i].expires};
	}
	qsort(hits, count, sizeof(*hits), years_compare_hits);
	return count;
}

/* One key at one second: all claims, and the first of them. */
static void
ask(struct run *run, unsigned key, uint64_t now)
{
	static struct repute_key made;
	struct repute_hit found[HITS], one;
	struct repute_verdict verdict;
	struct years_hit wanted[HITS], got[HITS];
	struct repute_key *asked = key < YEARS_FEW ? &run->keys[key] : &made;

	if (key >= YEARS_FEW &&
	    repute_key_text(REPUTE_ANY, run->query[key], strlen(run->query[key]), &made) != REPUTE_OK)
		DIFFER(run, "%s is no key", run->query[key]);
	size_t most = years_live(&run->years, key, now, wanted, HITS);
	size_t count = repute_find_all(run->view, asked, now, found, HITS);
	if (count > HITS || most > HITS)
		DIFFER(run, "%zu hits, %zu wanted", count, most);
	take_hits(found, count, got);
	if (count != most || memcmp(got, wanted, count * sizeof(*got)) != 0) {
		print_hits("got", got, count);
		print_hits("wanted", wanted, most);
		DIFFER(run, "%s at %" PRIu64, run->query[key], now);
	}
	repute_find(run->view, asked, now, &one);
	if (one.found != (count > 0) ||
	    (one.found && (one.expires != found[0].expires || one.source != found[0].source)))
		DIFFER(run, "%s at %" PRIu64 ": the first of all is another", run->query[key], now);
	repute_judge(run->profile, asked, now, &verdict);
	judge(run, key, now, count > 0, &verdict);
	run->tally->lookups++;
	run->tally->live += count;
}

/* All keys of every kind in one batch. */
static void
ask_many(struct run *run, uint64_t now)
{
	struct repute_hit found[YEARS_FEW];
	struct repute_verdict verdicts[YEARS_FEW];
	struct years_hit wanted[HITS];

	repute_find_many(run->view, run->keys, YEARS_FEW, now, found);
	repute_judge_many(run->profile, run->keys, YEARS_FEW, now, verdicts);
	for (unsigned key = 0; key < YEARS_FEW; key++) {
		bool known = years_live(&run->years, key, now, wanted, HITS) > 0;
		if (found[key].found != known)
			DIFFER(run, "%s at %" PRIu64 " in a batch: found %d", run->query[key], now,
			       found[key].found);
		judge(run, key, now, known, &verdicts[key]);
	}
	run->tally->lookups += YEARS_FEW;
}

/* The second before each claim's end, that second, the one after: for its own key and some other. */
static void
ask_boundaries(struct run *run)
{
	struct years *years = &run->years;
	unsigned step = years->keys / 40 + 1;

	for (unsigned key = random_below(&years->random, step); key < years->keys; key += step)
		for (unsigned source = 0; source < YEARS_SOURCES; source++) {
			const struct years_claim *claim = &years->claim[key][source];
			unsigned other = random_below(&years->random, YEARS_FEW);
			for (int beside = -1; claim->there && beside <= 1; beside++) {
				ask(run, key, claim->expires + (uint64_t)(int64_t)beside);
				ask(run, other, claim->expires + (uint64_t)(int64_t)beside);
			}
		}
	ask_many(run, run->op->now);
	for (int i = 0; i < 8; i++)
		ask_many(run, years_boundary(years));
	ask_many(run, run->excepted - 1);
	ask_many(run, run->excepted);
	ask_many(run, random_chance(&years->random, 50) ? UINT64_MAX : 0);
}

/* --- a history ------------------------------------------------------------------------------------ */

static void
run_begin(struct run *run, unsigned keys)
{
	years_init(&run->years, run->seed, keys);
	run->path = scratch_new("years");
	run->feed = fixture_path("years-feed");
	run->op = calloc(1, sizeof(*run->op));
	run->keys = calloc(YEARS_FEW, sizeof(*run->keys));
	run->query = calloc(keys, sizeof(*run->query));
	for (unsigned key = 0; key < keys; key++) {
		snprintf(run->query[key], sizeof(run->query[key]), "%s", years_query(&run->years, key));
		if (key < YEARS_FEW)
			repute_key_text(REPUTE_ANY, run->query[key], strlen(run->query[key]),
					&run->keys[key]);
	}
}

static void
run_end(struct run *run)
{
	run->tally->years += run->years.years;
	run->tally->backwards += run->years.backwards;
	run->tally->histories++;
	repute_close(run->db);
	unlink(run->feed);
	free(run->feed);
	scratch_remove(run->path);
	years_fini(&run->years);
	free(run->op);
	free(run->keys);
	free(run->query);
}

void
years_run(uint64_t seed, unsigned keys, unsigned steps, struct years_tally *tally)
{
	struct run run = {.seed = seed, .tally = tally};

	run_begin(&run, keys);
	for (run.step = 0; run.step < steps; run.step++) {
		do
			years_next(&run.years, run.op);
		while (run.step == 0 && run.op->kind != YEARS_ADD);
		operate(&run);
		take_view(&run);
		compare_state(&run);
		take_profile(&run);
		ask_boundaries(&run);
		repute_profile_free(run.profile);
		repute_view_drop(run.view);
		tally->steps++;
	}
	run_end(&run);
}
