/* SPDX-License-Identifier: Apache-2.0 */
#include "query/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/json.h"
#include "engine/key.h"

enum {
	OPTION_KIND = 1,
	OPTION_ENTRY
};

static const struct cli_option normalize_options[] = {
	{OPTION_KIND, "kind", 'k', "KIND", "ipv4 ipv6 domain url sha1 sha256",
	 "read the values as this kind instead of looking"},
	{OPTION_ENTRY, "entry", 'e', NULL, NULL,
	 "read them as entries of a feed: prefixes, *.name, url/* and \\* have their meaning"},
	{0}
};

struct step {
	const char *name; /* static in the canonicaliser */
	char *result;
	size_t length;
};

/* One value on its way. Reused: no allocation once the first values have made room. */
struct walk {
	struct step *steps;
	size_t count, capacity;
	bool no_memory;
	enum canon_use use;
	enum kind kind;
	struct key key;
	struct json_writer json;
	char text[KEY_PRINT_BYTES + KEY_PATTERN_BYTES];
};

static void
walk_clear(struct walk *walk)
{
	for (size_t i = 0; i < walk->count; i++)
		free(walk->steps[i].result);
	walk->count = 0;
}

/* The canonicaliser's text lives for the call only, and what comes first is shown first. */
static void
on_step(void *context, const struct canon_step *step)
{
	struct walk *walk = context;
	char *result = malloc(step->length + 1);
	if (walk->count == walk->capacity) {
		size_t capacity = walk->capacity * 2 + 8;
		struct step *steps = realloc(walk->steps, capacity * sizeof(*steps));
		if (steps != NULL) {
			walk->steps = steps;
			walk->capacity = capacity;
		}
	}
	if (result == NULL || walk->count == walk->capacity) {
		free(result);
		walk->no_memory = true;
		return;
	}
	memcpy(result, step->result, step->length);
	struct step *row = &walk->steps[walk->count++];
	row->name = step->name;
	row->result = result;
	row->length = step->length;
}

static void
show_row(const char *name, const char *text, size_t length)
{
	printf("  %-14s ", name);
	cli_put(stdout, text, length);
	putchar('\n');
}

static void
show_text(const struct walk *walk, const char *value, size_t length)
{
	const char *kind = kind_name(walk->key.kind);
	size_t printed = strlen(walk->text);
	cli_put(stdout, value, length);
	putchar('\n');
	show_row("kind", kind, strlen(kind));
	if (walk->use == CANON_ENTRY) {
		const char *scope = scope_name(walk->key.scope);
		show_row("scope", scope, strlen(scope));
	}
	for (size_t i = 0; i < walk->count; i++)
		show_row(walk->steps[i].name, walk->steps[i].result, walk->steps[i].length);
	show_row("key", walk->text, printed);
}

static void
write_pair(struct json_writer *json, const char *name, const char *text, size_t length)
{
	json_key(json, name);
	json_string(json, text, length);
}

static void
write_steps(struct json_writer *json, const struct walk *walk)
{
	json_key(json, "steps");
	json_array_begin(json);
	for (size_t i = 0; i < walk->count; i++) {
		json_object_begin(json);
		json_key(json, "step");
		json_text(json, walk->steps[i].name);
		write_pair(json, "result", walk->steps[i].result, walk->steps[i].length);
		json_object_end(json);
	}
	json_array_end(json);
}

static void
show_json(struct walk *walk, const char *value, size_t length)
{
	struct json_writer *json = &walk->json;
	json_object_begin(json);
	write_pair(json, "input", value, length);
	json_key(json, "kind");
	json_text(json, kind_name(walk->key.kind));
	json_key(json, "key");
	json_text(json, walk->text);
	if (walk->use == CANON_ENTRY) {
		json_key(json, "scope");
		json_text(json, scope_name(walk->key.scope));
	}
	write_steps(json, walk);
	json_object_end(json);
	json_line(json);
}

static void
show_json_error(struct json_writer *json, const char *value, size_t length,
		const struct fault *fault)
{
	json_object_begin(json);
	write_pair(json, "input", value, length);
	json_key(json, "error");
	json_object_begin(json);
	json_key(json, "code");
	json_text(json, status_name(fault->status));
	json_key(json, "message");
	json_text(json, fault->text);
	json_object_end(json);
	json_object_end(json);
	json_line(json);
}

/* What the writer holds goes out; its failure is the command's. */
static int
json_out(const struct cli *cli, struct walk *walk, int status)
{
	struct fault fault = {.status = json_flush(&walk->json, stdout)};
	/* a stdout that fails is reported by the frame, once */
	if (fault.status == STATUS_OK || cli_output_failed())
		return status;
	json_clear(&walk->json);
	return cli_error(cli, &fault);
}

static int
failed(const struct cli *cli, struct walk *walk, const char *value, size_t length,
       const struct fault *fault)
{
	if (cli->json) {
		show_json_error(&walk->json, value, length, fault);
		return json_out(cli, walk, CLI_ERROR);
	}
	fprintf(stderr, "%s: ", cli->program->name);
	cli_put(stderr, value, length);
	fputs(": ", stderr);
	cli_put(stderr, fault->text, strlen(fault->text));
	fputc('\n', stderr);
	return CLI_ERROR;
}

static int
normalize_value(const struct cli *cli, struct walk *walk, const char *value, size_t length)
{
	struct fault fault = {0};
	struct canon_options options = {.use = walk->use, .on_step = on_step, .context = walk};
	enum status status;
	walk_clear(walk);
	status = canon_key(walk->kind, value, length, &options, &walk->key, &fault);
	if (status == STATUS_OK && walk->no_memory)
		status = fault_set(&fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	if (status != STATUS_OK)
		return failed(cli, walk, value, length, &fault);
	key_print(&walk->key, walk->text);
	if (cli->json) {
		show_json(walk, value, length);
		return json_out(cli, walk, CLI_FOUND);
	}
	show_text(walk, value, length);
	return CLI_FOUND;
}

static int
normalize_all(struct cli *cli, struct walk *walk)
{
	static struct cli_values values;
	struct fault fault = {0};
	const char *value;
	size_t length;
	int status = CLI_FOUND;
	cli_values_init(&values, cli, true);
	for (;;) {
		switch (cli_values_next(&values, &value, &length, &fault)) {
		case CLI_VALUE:
			if (normalize_value(cli, walk, value, length) != CLI_FOUND)
				status = CLI_ERROR;
			break;
		case CLI_VALUE_TOO_LONG:
			fault_set(&fault, STATUS_LIMIT, NULL, 0, "longer than %d bytes",
				  LIMIT_URL_INPUT_BYTES);
			status = failed(cli, walk, value, length, &fault);
			break;
		case CLI_VALUES_END:
			return status;
		case CLI_VALUES_FAIL:
			return cli_error(cli, &fault);
		}
	}
}

static int
normalize_run(struct cli *cli, int argc, char **argv)
{
	static struct walk walk = {.use = CANON_QUERY, .kind = KIND_ANY};
	int option, status;
	while ((option = cli_option(cli, argc, argv)) > 0) {
		if (option == OPTION_ENTRY)
			walk.use = CANON_ENTRY;
		else if (!kind_parse(cli->value, strlen(cli->value), &walk.kind))
			return cli_usage(cli, "no kind '%s'; there are %s", cli->value,
					 normalize_options[0].values);
	}
	if (option < 0)
		return cli->status;
	status = normalize_all(cli, &walk);
	walk_clear(&walk);
	free(walk.steps);
	json_fini(&walk.json);
	return status;
}

const struct cli_command cmd_normalize = {
	.name = "normalize",
	.usage = "[--kind KIND] [--entry] [VALUE...]",
	.summary = "show the canonical form of a value, and each step that led to it",
	.about = "Reads each VALUE as import and look-up do and shows its kind, the steps that "
		 "changed it, and the key it becomes. Without VALUE, and where VALUE is -, the "
		 "lines of standard input are read.\n\n"
		 "A value that cannot be read is reported with the reason; the others are still "
		 "answered, and the exit status is 2.",
	.options = normalize_options,
	.examples = "  repute normalize 'hxxp://EVIL[.]example/a/../b?q#top'\n"
		    "  repute normalize --json --kind domain 'B\xc3\xbc" "cher.example'\n"
		    "  repute normalize --entry '*.evil.example' 192.0.2.0/24\n",
	.run = normalize_run,
};
