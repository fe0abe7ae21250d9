/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated years, many of them: histories in one process (tests/years_engine.h), of few keys and of
 * enough for an order of expiry in every layer; and histories by the command line, each
 * operation, list and look-up a program of its own with --now, times and durations spelled in
 * all the ways there are.
 *
 *   campaign_time [--sample] [--seed N] [--histories N] [--cli N]
 *
 * A difference is told with its seed and ends the program: --seed N --histories 1 --cli 1 shows it again.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scratch.h"
#include "tests/fixture.h"
#include "tests/years_engine.h"

#define SEED 20260101
#define LARGE 1600
#define COMMAND_SECONDS 120
#define OUT_BYTES (1u << 20)
#define ARGUMENTS 80

/* --- programs -------------------------------------------------------------------------------- */

struct cli {
	struct years years;
	uint64_t seed;
	unsigned step;
	struct years_op *op;
	const char *repute;
	char *store, *feed;
	char *argv[ARGUMENTS]; /* NULL at the end */
	size_t argc;
	uint64_t commands;
	char out[OUT_BYTES];
};

#define DIFFER(cli, ...) years_differ((cli)->seed, (cli)->step, (cli)->op, __VA_ARGS__)

static void __attribute__((format(printf, 2, 3)))
argument(struct cli *cli, const char *format, ...)
{
	va_list arguments;

	if (cli->argc + 1 >= ARGUMENTS)
		abort();
	va_start(arguments, format);
	if (vasprintf(&cli->argv[cli->argc++], format, arguments) < 0)
		abort();
	va_end(arguments);
}

/* repute --store S --now TIME */
static void
begin(struct cli *cli, uint64_t now)
{
	char spelled[CALENDAR_TEXT_BYTES];

	calendar_spell(&cli->years.random, now, spelled);
	argument(cli, "%s", cli->repute);
	argument(cli, "--store");
	argument(cli, "%s", cli->store);
	argument(cli, "--now");
	argument(cli, "%s", spelled);
}

static void
child(struct cli *cli, int out)
{
	int null = open("/dev/null", O_RDWR);

	alarm(COMMAND_SECONDS);
	setenv("TZ", cli->step % 2 != 0 ? "America/New_York" : "Pacific/Kiritimati", 1);
	dup2(null, 0);
	dup2(out, 1);
	dup2(null, 2);
	execv(cli->repute, cli->argv);
	_exit(127);
}

/* The exit status; what it printed is in cli->out. */
static int
run(struct cli *cli)
{
	int pipes[2], status;
	size_t length = 0;
	ssize_t got;
	pid_t pid;

	if (pipe(pipes) != 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0)
		child(cli, pipes[1]);
	close(pipes[1]);
	while ((got = read(pipes[0], cli->out + length, OUT_BYTES - 1 - length)) > 0 ||
	       (got < 0 && errno == EINTR))
		length += got > 0 ? (size_t)got : 0;
	cli->out[length] = '\0';
	close(pipes[0]);
	while (waitpid(pid, &status, 0) < 0)
		;
	while (cli->argc > 0)
		free(cli->argv[--cli->argc]);
	memset(cli->argv, 0, sizeof(cli->argv));
	cli->commands++;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- operations --------------------------------------------------------------------------------- */

static void
spell_rule(struct cli *cli)
{
	const struct years_op *op = cli->op;
	char spelled[CALENDAR_TEXT_BYTES];

	if (op->set != 0) {
		argument(cli, "--tag");
		argument(cli, "Malware Family=%s", years_sets[op->set]);
	}
	if (op->ttl != 0) {
		calendar_spell_duration(&cli->years.random, op->ttl, spelled);
		argument(cli, "--ttl");
		argument(cli, "%s", spelled);
	}
	if (op->expires != 0) {
		calendar_spell(&cli->years.random, op->expires, spelled);
		argument(cli, op->as_tag ? "--tag" : "--expires");
		argument(cli, "%s%s", op->as_tag ? "Reputation Entries TTL=" : "", spelled);
	}
}

static void
feed_write(struct cli *cli)
{
	const struct years_op *op = cli->op;
	char spelled[CALENDAR_TEXT_BYTES];
	FILE *file = fopen(cli->feed, "w");

	if (file == NULL)
		abort();
	fprintf(file, "indicator,valid until\n");
	for (size_t i = 0; i < op->count; i++) {
		spelled[0] = '\0';
		if (op->line[i].expires != 0)
			calendar_spell(&cli->years.random, op->line[i].expires, spelled);
		fprintf(file, "%s,%s\n", cli->years.text[op->line[i].key], spelled);
	}
	fclose(file);
}

static void
operands(struct cli *cli)
{
	argument(cli, "--");
	for (size_t i = 0; i < cli->op->count; i++)
		argument(cli, "%s", cli->years.text[cli->op->line[i].key]);
}

static int
operate(struct cli *cli)
{
	const struct years_op *op = cli->op;
	char spelled[CALENDAR_TEXT_BYTES];
	bool file = op->kind == YEARS_FEED || (op->kind == YEARS_ADD && op->mirror);
	static const char *const verbs[] = {"add", "import", "remove", "source", "expire", "compact"};

	begin(cli, op->now);
	argument(cli, "%s", file ? "import" : verbs[op->kind]);
	argument(cli, "--json");
	if (op->kind <= YEARS_REMOVE) {
		argument(cli, "--source");
		argument(cli, "%s", years_sources[op->source]);
	}
	if (op->kind <= YEARS_FEED) {
		argument(cli, "--allow-broad");
		spell_rule(cli);
	}
	if (file) {
		feed_write(cli);
		argument(cli, "--columns");
		argument(cli, "value=indicator,expires=valid until");
		if (op->mirror)
			argument(cli, "--mirror"), argument(cli, "--max-shrink"), argument(cli, "100%%");
		argument(cli, "%s", cli->feed);
	} else if (op->kind == YEARS_DEFAULT) {
		calendar_spell_duration(&cli->years.random, op->ttl, spelled);
		argument(cli, "set"), argument(cli, "%s", years_sources[op->source]);
		argument(cli, "--ttl"), argument(cli, "%s", spelled);
	} else if (op->kind <= YEARS_REMOVE) {
		operands(cli);
	} else if (op->kind == YEARS_SWEEP && random_chance(&cli->years.random, 20)) {
		argument(cli, "--compact");
	}
	return run(cli);
}

static uint64_t
member(const cJSON *object, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(value) ? (uint64_t)value->valuedouble : 0;
}

static void
compare_report(struct cli *cli, int status, const struct years_counts *wanted)
{
	enum years_kind kind = cli->op->kind;
	bool nothing = (kind == YEARS_REMOVE || kind == YEARS_SWEEP) && wanted->removed == 0;
	cJSON *report = cJSON_Parse(cli->out);

	if (kind != YEARS_COMPACT && status != nothing)
		DIFFER(cli, "exit status %d: %.300s", status, cli->out);
	if (kind != YEARS_DEFAULT && kind != YEARS_COMPACT &&
	    (member(report, "added") != wanted->added || member(report, "updated") != wanted->updated ||
	     member(report, "unchanged") != wanted->unchanged ||
	     member(report, "removed") != wanted->removed ||
	     member(report, "renewed") != wanted->renewed))
		DIFFER(cli, "%.300s\nwanted %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 ", renewed %" PRIu64,
		       cli->out, wanted->added, wanted->updated, wanted->unchanged, wanted->removed,
		       wanted->renewed);
	cJSON_Delete(report);
}

/* --- what is known --------------------------------------------------------------------------------- */

static const char *
text_of(const cJSON *object, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsString(value) ? value->valuestring : "";
}

/* "2026-01-01T00:00:00Z" read digit by digit. */
static uint64_t
time_of(const cJSON *object, const char *name)
{
	unsigned at[6];

	if (sscanf(text_of(object, name), "%4u-%2u-%2uT%2u:%2u:%2uZ", &at[0], &at[1], &at[2], &at[3], &at[4],
		   &at[5]) != 6)
		return 0;
	return calendar_seconds(at[0], at[1], at[2], at[3], at[4], at[5]);
}

static char *
line_of(const cJSON *claim)
{
	const cJSON *tags = cJSON_GetObjectItemCaseSensitive(claim, "tags");
	const cJSON *family = cJSON_GetObjectItemCaseSensitive(tags, "Malware Family");
	const cJSON *value = cJSON_GetArrayItem(family, 0);
	char *line;

	if (asprintf(&line, "%s|%s|%s|%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64, text_of(claim, "key"),
		     text_of(claim, "scope"), text_of(claim, "source"),
		     cJSON_IsString(value) ? value->valuestring : "", time_of(claim, "expires"),
		     time_of(claim, "first_seen"), time_of(claim, "last_seen")) < 0)
		abort();
	return line;
}

static void
compare_list(struct cli *cli)
{
	char **lines = calloc(cli->years.keys * YEARS_SOURCES + 1, sizeof(*lines));
	char *rest = cli->out, *line, *wanted = years_lines(&cli->years);
	size_t count = 0;

	begin(cli, cli->op->now);
	argument(cli, "list"), argument(cli, "--expired"), argument(cli, "--json");
	if (run(cli) == 2)
		DIFFER(cli, "list fails");
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		cJSON *claim = cJSON_Parse(line);
		if (claim == NULL || count == cli->years.keys * YEARS_SOURCES)
			DIFFER(cli, "%.300s", line);
		lines[count++] = line_of(claim);
		cJSON_Delete(claim);
	}
	char *got = scratch_join(lines, count);
	if (strcmp(got, wanted) != 0)
		DIFFER(cli, "the store holds\n%.2000s\ninstead of\n%.2000s", got, wanted);
	free(got);
	free(wanted);
}

static size_t
count_lines(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

/* All that lives at a second, and the claims that one key has then. */
static void
compare_second(struct cli *cli, uint64_t now)
{
	unsigned key = random_below(&cli->years.random, cli->years.keys);
	struct years_hit hits[64];

	if (now > CALENDAR_END)
		now = CALENDAR_END;
	begin(cli, now);
	argument(cli, "list"), argument(cli, "--json");
	run(cli);
	if (count_lines(cli->out) != years_count(&cli->years, now, false))
		DIFFER(cli, "%zu claims live at %" PRIu64 ", not %zu", count_lines(cli->out), now,
		       years_count(&cli->years, now, false));
	begin(cli, now);
	argument(cli, "lookup"), argument(cli, "--all"), argument(cli, "--json");
	argument(cli, "%s", years_query(&cli->years, key));
	int status = run(cli);
	size_t wanted = years_live(&cli->years, key, now, hits, 64);
	cJSON *answer = cJSON_Parse(cli->out);
	size_t got = (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer, "hits"));
	if (status != (wanted == 0) || got != wanted)
		DIFFER(cli, "at %" PRIu64 ", status %d, %zu wanted: %.500s", now, status, wanted, cli->out);
	cJSON_Delete(answer);
}

/* A time or a duration that is none, wherever one is taken: refused, and nothing changes. */
static void
refuse(struct cli *cli)
{
	static const struct {
		const char *verb[3], *option;
		bool duration;
	} places[] = {
		{{"add", "q.example", NULL}, "--ttl", true}, {{"add", "q.example", NULL}, "--expires", false},
		{{"add", "q.example", NULL}, "--tag", false}, {{"source", "set", "feed"}, "--ttl", true},
		{{"expire", NULL, NULL}, "--every", true}, {{"lookup", "q.example", NULL}, "--now", false},
	};
	size_t i = random_below(&cli->years.random, sizeof(places) / sizeof(places[0]));
	char spelled[CALENDAR_TEXT_BYTES];

	if (places[i].duration)
		calendar_misspell_duration(&cli->years.random, spelled);
	else
		calendar_misspell(&cli->years.random, spelled);
	begin(cli, cli->op->now);
	for (size_t j = 0; j < 3 && places[i].verb[j] != NULL; j++)
		argument(cli, "%s", places[i].verb[j]);
	if (strcmp(places[i].option, "--tag") == 0)
		argument(cli, "--tag"), argument(cli, "Reputation Entries TTL=%s", spelled);
	else
		argument(cli, "%s=%s", places[i].option, spelled);
	int status = run(cli);
	if (status != 2)
		DIFFER(cli, "%s %s \"%s\": exit status %d, not 2", places[i].verb[0], places[i].option, spelled,
		       status);
}

/* --- histories ---------------------------------------------------------------------------------- */

static void
cli_history(uint64_t seed, unsigned steps, const char *repute, struct years_tally *tally)
{
	struct cli *cli = calloc(1, sizeof(*cli));

	cli->seed = seed;
	cli->repute = repute;
	cli->op = calloc(1, sizeof(*cli->op));
	cli->store = scratch_new("time-cli");
	cli->feed = fixture_path("time-feed");
	years_init(&cli->years, seed, YEARS_FEW);
	for (cli->step = 0; cli->step < steps; cli->step++) {
		struct years_counts wanted;
		do
			years_next(&cli->years, cli->op);
		while (cli->step == 0 && cli->op->kind != YEARS_ADD);
		years_apply(&cli->years, cli->op, &wanted);
		compare_report(cli, operate(cli), &wanted);
		compare_list(cli);
		uint64_t end = years_boundary(&cli->years);
		for (uint64_t now = end > 0 ? end - 1 : 0; now <= end + 1; now++)
			compare_second(cli, now);
		if (cli->step % 4 == 0)
			refuse(cli);
	}
	tally->years += cli->years.years;
	tally->backwards += cli->years.backwards;
	tally->steps += steps;
	tally->histories++;
	tally->lookups += cli->commands;
	years_fini(&cli->years);
	unlink(cli->feed);
	free(cli->feed);
	scratch_remove(cli->store);
	free(cli->op);
	free(cli);
}

static void
tell(const char *what, const struct years_tally *tally, const char *questions)
{
	printf("%s: %.0f simulated years in %" PRIu64 " histories, %" PRIu64 " transactions, the clock %" PRIu64
	       " times back", what, tally->years, tally->histories, tally->steps, tally->backwards);
	if (tally->swept > 0)
		printf("; %" PRIu64 " claims swept, %" PRIu64 " records read for them", tally->swept,
		       tally->read);
	printf("; %" PRIu64 " %s\n", tally->lookups, questions);
	fflush(stdout);
}

static int
usage(void)
{
	fprintf(stderr, "usage: campaign_time [--sample] [--seed N] [--histories N] [--cli N]\n");
	return 2;
}

int
main(int argc, char **argv)
{
	struct years_tally small = {0}, large = {0}, cli = {0};
	uint64_t seed = SEED, histories = 400, programs = 20;
	const char *repute = getenv("REPUTE");
	char resolved[4096];

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(argv[i], "--sample") == 0)
			histories = 16, programs = 2;
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(value, NULL, 10), i++;
		else if (strcmp(argv[i], "--histories") == 0)
			histories = strtoull(value, NULL, 10), i++;
		else if (strcmp(argv[i], "--cli") == 0)
			programs = strtoull(value, NULL, 10), i++;
		else
			return usage();
	}
	if (repute == NULL || realpath(repute, resolved) == NULL) {
		fprintf(stderr, "campaign_time: REPUTE must name the program\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %" PRIu64 "\n", seed);
	for (uint64_t i = 0; i < histories; i++)
		years_run(seed + i, YEARS_FEW, 150, &small);
	tell("few keys", &small, "look-ups at the ends of claims");
	for (uint64_t i = 0; i < (histories + 7) / 8; i++)
		years_run(seed + i, LARGE, 80, &large);
	tell("many keys", &large, "look-ups at the ends of claims");
	for (uint64_t i = 0; i < programs; i++)
		cli_history(seed + i, histories > 16 ? 150 : 50, resolved, &cli);
	tell("command line", &cli, "commands");
	printf("%.0f simulated years in all\n%" PRIu64 " passed, 0 failed\n",
	       small.years + large.years + cli.years, small.histories + large.histories + cli.histories);
	return 0;
}
