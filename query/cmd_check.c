/* SPDX-License-Identifier: Apache-2.0 */
#include "query/commands.h"

#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/clock.h"
#include "engine/store.h"
#include "query/cmd_verdict.h"
#include "query/lookup.h"

#define RUN 4096 /* values without a wait, after which the store is looked at anyway */

enum {
	OPTION_PROFILE = 1,
	OPTION_KIND
};

static const struct cli_option check_options[] = {
	{OPTION_PROFILE, "profile", 'p', "PROFILE", NULL,
	 "a profile of the store, by name, or a profile file"},
	{OPTION_KIND, "kind", 'k', "KIND", "ipv4 ipv6 domain url sha1 sha256",
	 "read the values as this kind instead of looking"},
	{0}
};

/* A run of the command. Reused from value to value. */
struct checking {
	struct cli *cli;
	struct store *store;
	struct view *view;
	struct judge *judge;
	const char *profile; /* as --profile says */
	uint64_t now;
	enum kind kind;
	bool decided, failed, stale;
	struct json_writer json;
	struct key key, host;
	uint64_t waits, unbroken;
	struct cli_values values;
};

/* --- answers --------------------------------------------------------------------------- */

/* End the JSON line and write it. What cannot be written must not pass for an answer. */
static void
line_out(struct checking *checking)
{
	struct fault fault = {0};
	json_object_end(&checking->json);
	json_line(&checking->json);
	if (json_flush(&checking->json, stdout) != STATUS_NO_MEMORY)
		return;
	fault_set(&fault, STATUS_NO_MEMORY, NULL, 0, "no memory for an answer");
	cli_error(checking->cli, &fault);
	json_clear(&checking->json);
	checking->failed = true;
}

static void
line_begin(struct checking *checking, const char *value, size_t length, const char *kind)
{
	struct json_writer *json = &checking->json;
	json_object_begin(json);
	json_key(json, "query");
	json_string(json, value, length);
	json_key(json, "kind");
	json_text(json, kind);
}

static const char *
colour_of(const struct checking *checking, const struct repute_verdict *verdict)
{
	if (!checking->cli->colour)
		return "";
	return verdict->outcome == REPUTE_VERDICT_NONE ? "\033[32m"
	     : verdict->outcome <= REPUTE_VERDICT_PERMIT ? "\033[33m" : "\033[1;31m";
}

/* Why nothing decided: nothing known of it, or nothing that a filter takes. */
static const char *
reason_of_none(const struct checking *checking, const struct key *key)
{
	struct repute_hit hit;
	lookup_first(checking->view, key, checking->now, &hit);
	return hit.found ? "  listed, but no filter takes it" : "  not listed";
}

static void
answer_text(const struct checking *checking, const char *value, size_t length,
	    const struct key *key, const struct repute_verdict *verdict)
{
	char text[KEY_PRINT_BYTES];
	size_t text_length = key_print(key, text);
	printf("%s%-10s%s  ", colour_of(checking, verdict),
	       repute_outcome_text((enum repute_outcome)verdict->outcome),
	       checking->cli->colour ? "\033[0m" : "");
	cli_put(stdout, value, length);
	if (text_length != length || memcmp(text, value, length) != 0)
		printf("  as %s %s", kind_name(key->kind), text);
	verdict_put(stdout, checking->judge, verdict);
	if (!verdict_decided(verdict))
		fputs(reason_of_none(checking, key), stdout);
	puts(verdict->notify && verdict->trace ? "  notify, trace"
	     : verdict->notify ? "  notify" : verdict->trace ? "  trace" : "");
}

static void
value_refused(struct checking *checking, const char *value, size_t length,
	      const struct fault *fault)
{
	struct json_writer *json = &checking->json;
	checking->failed = true;
	if (!checking->cli->json) {
		fprintf(stderr, "%s: ", checking->cli->program->name);
		cli_put(stderr, value, length);
		fputs(": ", stderr);
		cli_put(stderr, fault->text, strlen(fault->text));
		fputc('\n', stderr);
		return;
	}
	line_begin(checking, value, length, NULL);
	verdict_json_error(json, checking->judge);
	json_key(json, "error");
	json_object_begin(json);
	json_key(json, "code");
	json_text(json, status_name(fault->status));
	json_key(json, "message");
	json_text(json, fault->text);
	json_object_end(json);
	line_out(checking);
}

/* --- generations ---------------------------------------------------------------------------- */

/* The newest generation, and the profile compiled against it; the old pair stays on failure. */
static enum status
renew(struct checking *checking, struct fault *fault)
{
	bool changed = false;
	struct judge *judge;
	enum status status = store_refresh(checking->store, &changed, fault);
	if (status != STATUS_OK || (!changed && !checking->stale))
		return status;
	struct view *view = store_view_take(checking->store);
	status = verdict_judge_open(view, checking->profile, checking->judge, &judge, fault);
	if (status != STATUS_OK) {
		view_drop(view);
		return status;
	}
	judge_free(checking->judge);
	view_drop(checking->view);
	checking->judge = judge;
	checking->view = view;
	return STATUS_OK;
}

/*
 * New lines were waited for, perhaps for long: time has moved on, and so may
 * the store have. If it or the profile cannot be read any more, what is at hand goes
 * on answering, it is said once, and the exit status tells.
 */
static void
catch_up(struct checking *checking)
{
	struct fault fault = {0};
	checking->waits = checking->values.lines.waits;
	if (!checking->cli->now_given)
		checking->now = clock_now();
	if (renew(checking, &fault) == STATUS_OK) {
		checking->stale = false;
		return;
	}
	if (!checking->stale)
		cli_error(checking->cli, &fault);
	checking->stale = checking->failed = true;
}

/* One stage of a value. A store that cannot tell is caught up with, once. */
static void
stage(struct checking *checking, const char *value, size_t length, const struct key *key)
{
	struct repute_verdict verdict;
	struct fault fault = {0};
	verdict_of(checking->judge, key, checking->now, &verdict);
	if (verdict.outcome == REPUTE_VERDICT_ERROR) {
		catch_up(checking);
		verdict_of(checking->judge, key, checking->now, &verdict);
	}
	if (verdict.outcome == REPUTE_VERDICT_ERROR) {
		view_status(checking->view, &fault);
		value_refused(checking, value, length, &fault);
		return;
	}
	checking->decided |= verdict_decided(&verdict);
	if (!checking->cli->json) {
		answer_text(checking, value, length, key, &verdict);
		return;
	}
	line_begin(checking, value, length, kind_name(key->kind));
	verdict_json_members(&checking->json, checking->judge, &verdict);
	line_out(checking);
}

/* A URL is two stages, itself and its host: two verdicts. */
static void
value_check(struct checking *checking, const char *value, size_t length)
{
	struct fault fault = {0};
	if (canon_key(checking->kind, value, length, NULL, &checking->key, &fault) != STATUS_OK) {
		value_refused(checking, value, length, &fault);
		return;
	}
	stage(checking, value, length, &checking->key);
	if (checking->key.kind == KIND_URL && lookup_host(&checking->key, &checking->host))
		stage(checking, value, length, &checking->host);
}

/* --- values ---------------------------------------------------------------------------- */

static int
check_all(struct checking *checking)
{
	struct fault fault = {0};
	const char *value;
	size_t length;
	cli_values_init(&checking->values, checking->cli, true);
	for (;;) {
		enum cli_outcome outcome = cli_values_next(&checking->values, &value, &length,
							   &fault);
		if (checking->values.lines.waits != checking->waits || ++checking->unbroken % RUN == 0)
			catch_up(checking);
		if (outcome == CLI_VALUES_FAIL)
			return cli_error(checking->cli, &fault);
		if (outcome == CLI_VALUES_END)
			return checking->failed ? CLI_ERROR
			     : checking->decided ? CLI_FOUND : CLI_NOTHING;
		if (outcome == CLI_VALUE) {
			value_check(checking, value, length);
			continue;
		}
		fault_set(&fault, STATUS_LIMIT, NULL, 0, "longer than %d bytes",
			  LIMIT_URL_INPUT_BYTES);
		value_refused(checking, value, length, &fault);
	}
}

/* Opened: the store, a view, the judge. */
static int
check_store(struct checking *checking)
{
	struct fault fault = {0};
	int status = CLI_ERROR;
	if (store_open(checking->cli->store, &checking->store, &fault) != STATUS_OK)
		return cli_error(checking->cli, &fault);
	cli_recovered(checking->cli, &fault);
	checking->view = store_view_take(checking->store);
	if (verdict_judge_open(checking->view, checking->profile, NULL, &checking->judge,
			       &fault) != STATUS_OK)
		cli_error(checking->cli, &fault);
	else
		status = check_all(checking);
	judge_free(checking->judge);
	view_drop(checking->view);
	store_close(checking->store);
	json_fini(&checking->json);
	return status;
}

static int
check_run(struct cli *cli, int argc, char **argv)
{
	static struct checking checking; /* large */
	int option;
	memset(&checking, 0, sizeof(checking));
	checking.cli = cli;
	checking.kind = KIND_ANY;
	while ((option = cli_option(cli, argc, argv)) > 0) {
		if (option == OPTION_PROFILE)
			checking.profile = cli->value;
		else if (!kind_parse(cli->value, strlen(cli->value), &checking.kind))
			return cli_usage(cli, "no kind '%s'; there are %s", cli->value,
					 check_options[1].values);
	}
	if (option < 0)
		return cli->status;
	if (checking.profile == NULL)
		return cli_usage(cli, "which profile? --profile NAME or FILE");
	checking.now = cli->now;
	return check_store(&checking);
}

const struct cli_command cmd_check = {
	.name = "check",
	.usage = "--profile PROFILE [--kind KIND] [VALUE...]",
	.summary = "show what a profile does with a value",
	.about = "Judges each VALUE by the profile: over all live claims that cover it, the first "
		 "filter in the profile's order wins, and the answer names it, its action and the "
		 "most specific claim that it took. An exception that covers the value wins over "
		 "every filter and is named too; the verdict is none then. A URL is two stages, the "
		 "URL and its host: two answers. Without VALUE, and where VALUE is -, the lines of "
		 "standard input are read; new generations of the store are seen while waiting.\n\n"
		 "PROFILE is the name of one that `repute profile import` stored, or a file: if there is "
		 "one and it has a / in it or ends in .ini, or if the store has none of that name.\n\n"
		 "Verdicts are none, permit, block, rate-limit, trust, quarantine and, for a value "
		 "that cannot be read, error. Exit status 0 if a filter or an exception decided for "
		 "any value, 1 if for none, 2 on an error: the other values are still answered.",
	.options = check_options,
	.examples = "  repute check --profile perimeter 192.0.2.1 http://evil.example/a\n"
		    "  repute check --profile draft.ini --json evil.example\n"
		    "  zcat queries.gz | repute check -p perimeter --json | jq 'select(.filter)'\n",
	.run = check_run,
};
