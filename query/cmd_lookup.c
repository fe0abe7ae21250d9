/* SPDX-License-Identifier: Apache-2.0 */
#include "query/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/clock.h"
#include "engine/store.h"
#include "query/cmd_show.h"
#include "query/lookup.h"

#define RUN 4096 /* values without a wait, after which the store is looked at anyway */
#define SHOWN_WIDTH 60 /* a longer key or name moves its row, not the whole block */

enum {
	OPTION_KIND = 1,
	OPTION_ALL
};

static const struct cli_option lookup_options[] = {
	{OPTION_KIND, "kind", 'k', "KIND", "ipv4 ipv6 domain url sha1 sha256",
	 "read the values as this kind instead of looking"},
	{OPTION_ALL, "all", 'a', NULL, NULL, "every claim that covers a value, not the first only"},
	{0}
};

/* A run of the command. Reused from value to value. */
struct asking {
	struct cli *cli;
	struct store *store;
	struct view *view;
	uint64_t now;
	enum kind kind;
	bool all, listed, failed, stale;
	struct json_writer json;
	struct key key, host;
	char key_text[KEY_PRINT_BYTES];
	struct repute_hit *hits;
	size_t capacity;
	uint64_t waits, unbroken;
	struct cli_values values;
};

/* End the JSON line and write it. What cannot be written must not pass for an answer. */
static void
line_out(struct asking *asking)
{
	struct fault fault = {0};
	json_object_end(&asking->json);
	json_line(&asking->json);
	if (json_flush(&asking->json, stdout) != STATUS_NO_MEMORY)
		return;
	fault_set(&fault, STATUS_NO_MEMORY, NULL, 0, "no memory for an answer");
	cli_error(asking->cli, &fault);
	json_clear(&asking->json);
	asking->failed = true;
}

/* --- one answer ------------------------------------------------------------------- */

static bool
hits_room(struct asking *asking, size_t need)
{
	if (need <= asking->capacity)
		return true;
	struct repute_hit *hits = realloc(asking->hits, need * sizeof(*hits));
	if (hits == NULL)
		return false;
	asking->hits = hits;
	asking->capacity = need;
	return true;
}

/* Add all hits of `key`; false when memory is short. */
static bool
gather_all(struct asking *asking, const struct key *key, size_t *count)
{
	size_t room = asking->capacity - *count;
	size_t found = lookup_all(asking->view, key, asking->now, asking->hits + *count, room);
	if (found > room) {
		if (!hits_room(asking, *count + found))
			return false;
		lookup_all(asking->view, key, asking->now, asking->hits + *count, found);
	}
	*count += found;
	return true;
}

/* A URL is asked as URL and then as its host: two stages, one answer. */
static bool
gather(struct asking *asking, size_t *count)
{
	bool host = asking->key.kind == KIND_URL && lookup_host(&asking->key, &asking->host);
	*count = 0;
	if (!hits_room(asking, 1))
		return false;
	if (asking->all)
		return gather_all(asking, &asking->key, count) &&
		       (!host || gather_all(asking, &asking->host, count));
	lookup_first(asking->view, &asking->key, asking->now, asking->hits);
	if (host && !asking->hits->found)
		lookup_first(asking->view, &asking->host, asking->now, asking->hits);
	*count = asking->hits->found;
	return true;
}

static void
answer_json(struct asking *asking, const char *value, size_t length, size_t count)
{
	struct json_writer *json = &asking->json;
	char text[KEY_PRINT_BYTES];
	struct show_claim show;
	json_object_begin(json);
	json_key(json, "query");
	json_string(json, value, length);
	json_key(json, "kind");
	json_text(json, kind_name(asking->key.kind));
	json_key(json, "key");
	json_text(json, asking->key_text);
	json_key(json, "listed");
	json_bool(json, count > 0);
	json_key(json, "generation");
	json_u64(json, asking->view->generation);
	json_key(json, "hits");
	json_array_begin(json);
	for (size_t i = 0; i < count; i++) {
		show_from_hit(&show, asking->view, &asking->hits[i], text);
		show_json(json, &show);
	}
	json_array_end(json);
}

static void
widths(const struct asking *asking, size_t count, size_t *key_width, size_t *source_width)
{
	char text[KEY_PRINT_BYTES];
	struct show_claim show;
	*key_width = *source_width = 0;
	for (size_t i = 0; i < count; i++) {
		show_from_hit(&show, asking->view, &asking->hits[i], text);
		show_widen(key_width, show.key, show.key_length, SHOWN_WIDTH);
		show_widen(source_width, show.source, show.source_length, SHOWN_WIDTH);
	}
}

static void
hit_text(const struct asking *asking, const struct repute_hit *hit, size_t key_width,
	 size_t source_width)
{
	char text[KEY_PRINT_BYTES], first[CLOCK_TEXT_BYTES], last[CLOCK_TEXT_BYTES];
	char expires[CLOCK_TEXT_BYTES];
	struct show_claim show;
	show_from_hit(&show, asking->view, hit, text);
	clock_print(show.first_seen, first);
	clock_print(show.last_seen, last);
	clock_print(show.expires, expires);
	printf("    %-6s  ", kind_name(show.kind));
	show_padded(stdout, show.key, show.key_length, key_width);
	printf("  %-5s  from ", scope_name(show.scope));
	show_padded(stdout, show.source, show.source_length, source_width);
	printf("  first seen %s  last seen %s  expires %s", first, last, expires);
	fputs(show.embedded ? "  embedded" : "", stdout);
	show_tags(stdout, &show, "  ");
	putchar('\n');
}

static void
answer_text(const struct asking *asking, const char *value, size_t length, size_t count)
{
	bool colour = asking->cli->colour;
	size_t key_width, source_width;
	fputs(!colour ? "" : count > 0 ? "\033[1;31m" : "\033[32m", stdout);
	fputs(count > 0 ? "LISTED    " : "not listed", stdout);
	fputs(colour ? "\033[0m  " : "  ", stdout);
	cli_put(stdout, value, length);
	if (strlen(asking->key_text) != length || memcmp(asking->key_text, value, length) != 0)
		printf("  as %s %s", kind_name(asking->key.kind), asking->key_text);
	putchar('\n');
	widths(asking, count, &key_width, &source_width);
	for (size_t i = 0; i < count; i++)
		hit_text(asking, &asking->hits[i], key_width, source_width);
}

/* --- values ----------------------------------------------------------------------- */

static void
value_refused(struct asking *asking, const char *value, size_t length, const struct fault *fault)
{
	struct json_writer *json = &asking->json;
	asking->failed = true;
	if (!asking->cli->json) {
		fprintf(stderr, "%s: ", asking->cli->program->name);
		cli_put(stderr, value, length);
		fputs(": ", stderr);
		cli_put(stderr, fault->text, strlen(fault->text));
		fputc('\n', stderr);
		return;
	}
	json_object_begin(json);
	json_key(json, "query");
	json_string(json, value, length);
	json_key(json, "error");
	json_object_begin(json);
	json_key(json, "code");
	json_text(json, status_name(fault->status));
	json_key(json, "message");
	json_text(json, fault->text);
	json_object_end(json);
	line_out(asking);
}

/*
 * New lines were waited for, perhaps for long: time has moved on, and so may
 * the store have. If it cannot be read any more, the generation at hand goes
 * on answering, it is said once, and the exit status tells.
 */
static void
catch_up(struct asking *asking)
{
	struct fault fault = {0};
	bool changed = false;
	asking->waits = asking->values.lines.waits;
	if (!asking->cli->now_given)
		asking->now = clock_now();
	if (store_refresh(asking->store, &changed, &fault) != STATUS_OK) {
		if (!asking->stale)
			cli_error(asking->cli, &fault);
		asking->stale = asking->failed = true;
		return;
	}
	asking->stale = false;
	if (changed) {
		view_drop(asking->view);
		asking->view = store_view_take(asking->store);
	}
}

/* A store that cannot tell is caught up with, once. */
static enum status
ask(struct asking *asking, size_t *count, struct fault *fault)
{
	bool memory = gather(asking, count);
	if (memory && !view_sound(asking->view)) {
		catch_up(asking);
		memory = gather(asking, count);
	}
	return memory ? view_status(asking->view, fault)
		      : fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for the hits");
}

static void
value_ask(struct asking *asking, const char *value, size_t length)
{
	struct fault fault = {0};
	size_t count = 0;
	enum status status = canon_key(asking->kind, value, length, NULL, &asking->key, &fault);
	if (status == STATUS_OK)
		status = ask(asking, &count, &fault);
	if (status == STATUS_OK) {
		key_print(&asking->key, asking->key_text);
		if (asking->cli->json)
			answer_json(asking, value, length, count);
		else
			answer_text(asking, value, length, count);
		/* tags and keys were read meanwhile; what is printed already is taken back by this */
		status = view_status(asking->view, &fault);
	}
	if (status != STATUS_OK) {
		json_clear(&asking->json);
		value_refused(asking, value, length, &fault);
		return;
	}
	asking->listed |= count > 0;
	if (asking->cli->json)
		line_out(asking);
}

static int
ask_all(struct asking *asking)
{
	struct fault fault = {0};
	const char *value;
	size_t length;
	cli_values_init(&asking->values, asking->cli, true);
	for (;;) {
		enum cli_outcome outcome = cli_values_next(&asking->values, &value, &length,
							   &fault);
		if (asking->values.lines.waits != asking->waits || ++asking->unbroken % RUN == 0)
			catch_up(asking);
		if (outcome == CLI_VALUES_FAIL)
			return cli_error(asking->cli, &fault);
		if (outcome == CLI_VALUES_END)
			return asking->failed ? CLI_ERROR
			     : asking->listed ? CLI_FOUND : CLI_NOTHING;
		if (outcome == CLI_VALUE) {
			value_ask(asking, value, length);
			continue;
		}
		fault_set(&fault, STATUS_LIMIT, NULL, 0, "longer than %d bytes",
			  LIMIT_URL_INPUT_BYTES);
		value_refused(asking, value, length, &fault);
	}
}

static int
lookup_run(struct cli *cli, int argc, char **argv)
{
	static struct asking asking; /* large */
	struct fault fault = {0};
	int option, status;
	memset(&asking, 0, sizeof(asking));
	asking.kind = KIND_ANY;
	while ((option = cli_option(cli, argc, argv)) > 0) {
		if (option == OPTION_ALL)
			asking.all = true;
		else if (!kind_parse(cli->value, strlen(cli->value), &asking.kind))
			return cli_usage(cli, "no kind '%s'; there are %s", cli->value,
					 lookup_options[0].values);
	}
	if (option < 0)
		return cli->status;
	if (store_open(cli->store, &asking.store, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	cli_recovered(cli, &fault);
	asking.cli = cli;
	asking.now = cli->now;
	asking.view = store_view_take(asking.store);
	status = ask_all(&asking);
	view_drop(asking.view);
	store_close(asking.store);
	json_fini(&asking.json);
	free(asking.hits);
	return status;
}

const struct cli_command cmd_lookup = {
	.name = "lookup",
	.usage = "[--kind KIND] [--all] [VALUE...]",
	.summary = "show what is known about a value",
	.about = "Asks the store for each VALUE and shows the most specific live claim that covers "
		 "it, or all of them with --all. A URL is asked as URL and then as its host. Without "
		 "VALUE, and where VALUE is -, the lines of standard input are read; answers follow "
		 "line by line, and new generations of the store are seen while waiting.\n\n"
		 "Exit status 0 if any value is listed, 1 if none is, 2 if a value could not be read "
		 "or the store could not: the other values are still answered.",
	.options = lookup_options,
	.examples = "  repute lookup 192.0.2.1 evil.example http://evil.example/a\n"
		    "  repute lookup --all --json evil.example\n"
		    "  zcat queries.gz | repute lookup --json | jq 'select(.listed)'\n",
	.run = lookup_run,
};
