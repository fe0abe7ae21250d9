/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What compiling a profile costs: many criteria over many distinct tag sets.
 *
 *   bench_criteria [filters [sets [rounds]]]    one line of JSON
 *
 * Seconds are thread CPU time, the least of the rounds: `plan` (the union of what the
 * criteria ask), `load` (tag strings to columns), `ask` (all criteria on all sets);
 * `claim_ns` is one criteria on one claim that was read before, `match_ns` the same by
 * criteria_match, `read_ns` the reading.
 *
 * The sets are distinct: a severity, a confidence, a list count up to 100,000, two of 50
 * feeds' names, yes or no. Conditions join two to five comparisons of all operators; every
 * tenth asks a text too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "query/criteria_plan.h"

#define FILTERS_MAX 10000
#define FEEDS 50
#define CLAIMS 200 /* of which each is asked everything by itself */

static struct catalog catalog;
static struct criteria *criteria[FILTERS_MAX];
static size_t filters = 1000, set_count = 100000, rounds = 5;
static struct criteria_set *sets;

static double
seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void
need(enum status status, const struct fault *fault)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "bench_criteria: %s\n", fault->text);
	exit(2);
}

static void
categories_make(void)
{
	static char names[FEEDS][16];
	static char *values[FEEDS];
	struct tag_category feed = { .name = (char *)"Feed", .type = TAG_LIST, .values = values,
				     .value_count = FEEDS };
	struct tag_category active = { .name = (char *)"Active", .type = TAG_YESNO };
	struct fault fault = { 0 };

	for (int i = 0; i < FEEDS; i++) {
		snprintf(names[i], sizeof(names[i]), "feed%d", i);
		values[i] = names[i];
	}
	need(catalog_init(&catalog, &fault), &fault);
	need(catalog_category_put(&catalog, &feed, &fault), &fault);
	need(catalog_category_put(&catalog, &active, &fault), &fault);
}

static void
tag(struct tags *tags, const char *category, const char *format, long value)
{
	struct fault fault = { 0 };
	char text[32];

	snprintf(text, sizeof(text), format, value);
	need(tags_add(tags, catalog_category(&catalog, category, strlen(category)), text,
		      strlen(text), &fault), &fault);
}

static void
sets_make(void)
{
	static const char *const severities[] = { "High", "Medium", "Low" };
	struct tags tags = { 0 };

	sets = calloc(set_count, sizeof(*sets));
	for (size_t i = 0; sets && i < set_count; i++) {
		const uint8_t *set, *notes;
		size_t length, notes_length;
		struct fault fault = { 0 };
		tags_clear(&tags);
		tag(&tags, "Trend Micro Severity", severities[random() % 3], 0);
		tag(&tags, "Confidence", "%ld", random() % 101);
		tag(&tags, "List Count", "%ld", (long)(i % 100000) + 1);
		tag(&tags, "Feed", "feed%ld", random() % FEEDS);
		tag(&tags, "Feed", "feed%ld", random() % FEEDS);
		tag(&tags, "Active", random() % 2 ? "yes" : "no", 0);
		need(tags_encode(&tags, &set, &length, &notes, &notes_length, &fault), &fault);
		uint8_t *copy = malloc(length);
		if (!copy)
			exit(2);
		memcpy(copy, set, length);
		sets[i] = (struct criteria_set){ copy, length };
	}
	tags_fini(&tags);
}

static void
comparison(char *text, size_t size, size_t filter)
{
	static const char *const marks[] = { "=", "!=", "<", "<=", ">", ">=" };

	switch (random() % 6) {
	case 0: snprintf(text, size, "\"Trend Micro Severity\" %s High", marks[random() % 2]); break;
	case 1: snprintf(text, size, "Confidence %s %ld", marks[random() % 6], random() % 101); break;
	case 2: snprintf(text, size, "\"List Count\" %s %ld", marks[2 + random() % 4],
			 1 + random() % 100000); break;
	case 3: snprintf(text, size, "Feed in (feed%ld, feed%ld, feed%ld)", random() % FEEDS,
			 random() % FEEDS, random() % FEEDS); break;
	case 4: snprintf(text, size, "Active is %s", random() % 2 ? "present" : "missing"); break;
	default: snprintf(text, size, filter % 10 ? "Active = yes" : "\"Malware Family\" = f%zu",
			  filter);
	}
}

static void
criteria_make(void)
{
	char text[1024], one[128];
	struct fault fault = { 0 };

	for (size_t i = 0; i < filters; i++) {
		text[0] = '\0';
		for (long n = 2 + random() % 4; n > 0; n--) {
			comparison(one, sizeof(one), i);
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s%s",
				 text[0] ? (random() % 2 ? " and " : " or ") : "",
				 random() % 8 ? "" : "not ", one);
		}
		need(criteria_parse(text, strlen(text), &catalog, &criteria[i], &fault), &fault);
	}
}

struct times {
	double plan, load, ask, read, claim, match;
	size_t certain, open, matched;
};

static void
ask_sets(const struct criteria_plan *plan, struct times *times)
{
	static uint64_t certain[CRITERIA_BATCH_WORDS(CRITERIA_BATCH_SETS)];
	static uint64_t open[CRITERIA_BATCH_WORDS(CRITERIA_BATCH_SETS)];
	struct criteria_batch *batch;
	struct fault fault = { 0 };

	need(criteria_batch_new(plan, &batch, &fault), &fault);
	for (size_t from = 0; from < set_count; from += CRITERIA_BATCH_SETS) {
		size_t n = set_count - from;
		double start = seconds_now(), loaded;
		n = n < CRITERIA_BATCH_SETS ? n : CRITERIA_BATCH_SETS;
		need(criteria_batch_load(batch, sets + from, n, &fault), &fault);
		loaded = seconds_now();
		for (size_t i = 0; i < filters; i++) {
			criteria_batch_ask(batch, i, CRITERIA_NOTES_ANY, certain, open);
			times->certain += certain[0] & 1;
			times->open += open[0] & 1;
		}
		times->load += loaded - start;
		times->ask += seconds_now() - loaded;
	}
	criteria_batch_free(batch);
}

static void
ask_claims(const struct criteria_plan *plan, struct times *times)
{
	static struct criteria_claim claim;

	for (size_t s = 0; s < CLAIMS && s < set_count; s++) {
		struct criteria_subject subject = { .kind = KIND_URL, .set = sets[s].bytes,
						    .set_length = sets[s].length };
		double at[4];
		at[0] = seconds_now();
		criteria_claim_read(plan, &subject, &claim);
		at[1] = seconds_now();
		for (size_t i = 0; i < filters; i++)
			times->matched += criteria_claim_match(&claim, i);
		at[2] = seconds_now();
		for (size_t i = 0; i < filters; i++)
			times->matched += criteria_match(criteria[i], &subject);
		at[3] = seconds_now();
		times->read += at[1] - at[0];
		times->claim += at[2] - at[1];
		times->match += at[3] - at[2];
	}
}

static struct times
round_run(void)
{
	struct times times = { 0 };
	struct criteria_plan *plan;
	struct fault fault = { 0 };
	double start = seconds_now();

	need(criteria_plan_new((const struct criteria *const *)criteria, filters, &plan, &fault),
	     &fault);
	times.plan = seconds_now() - start;
	ask_sets(plan, &times);
	ask_claims(plan, &times);
	criteria_plan_free(plan);
	return times;
}

static size_t
argument(int argc, char **argv, int i, size_t otherwise)
{
	return argc > i ? strtoull(argv[i], NULL, 10) : otherwise;
}

static void
least(double *best, double value)
{
	if (*best == 0 || value < *best)
		*best = value;
}

int
main(int argc, char **argv)
{
	struct times best = { 0 };
	double claims;

	filters = argument(argc, argv, 1, filters);
	set_count = argument(argc, argv, 2, set_count);
	rounds = argument(argc, argv, 3, rounds);
	if (filters < 1 || filters > FILTERS_MAX || set_count < 1)
		return 2;
	srandom(1);
	categories_make();
	sets_make();
	criteria_make();
	for (size_t r = 0; r < rounds; r++) {
		struct times times = round_run();
		least(&best.plan, times.plan);
		least(&best.load, times.load);
		least(&best.ask, times.ask);
		least(&best.read, times.read);
		least(&best.claim, times.claim);
		least(&best.match, times.match);
		best.matched = times.matched;
	}
	claims = (double)(set_count < CLAIMS ? set_count : CLAIMS);
	printf("{\"bench\":\"criteria\",\"filters\":%zu,\"sets\":%zu,\"plan_seconds\":%.4f,"
	       "\"load_seconds\":%.4f,\"ask_seconds\":%.4f,\"read_ns\":%.0f,\"claim_ns\":%.1f,"
	       "\"match_ns\":%.1f,\"matched\":%zu}\n", filters, set_count, best.plan, best.load,
	       best.ask, best.read / claims * 1e9, best.claim / claims / (double)filters * 1e9,
	       best.match / claims / (double)filters * 1e9, best.matched);
	return 0;
}
