/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/command.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/author.h"
#include "engine/canon.h"
#include "engine/store.h"
#include "loader/commands.h"
#include "query/commands.h"
#include "tests/fixture.h"

static const struct cli_command *const commands[] = {
	&cmd_lookup, &cmd_check, &cmd_list, &cmd_profile, &cmd_info, &cmd_inspect, &cmd_verify, &cmd_dump,
	&cmd_preview, &cmd_stats, &cmd_import, &cmd_add, &cmd_remove, &cmd_retag, &cmd_tag, &cmd_source,
	&cmd_expire, &cmd_compact, NULL
};
static const struct cli_program program = {"repute", "tests", "Tests.", commands};

char *command_store;

void
command_start(void)
{
	unsetenv("REPUTE_STORE");
	signal(SIGPIPE, SIG_IGN);
}

/* --- stores ------------------------------------------------------------------------ */

static void
row_put(struct author *author, struct catalog *catalog, const struct command_row *row)
{
	struct canon_options options = {.use = CANON_ENTRY};
	struct author_claim claim = {.source = row->source, .source_length = strlen(row->source),
				     .ttl_seconds = row->ttl};
	struct tags tags = {0};
	struct fault fault = {0};
	struct key key;
	fixture_need(canon_key(KIND_ANY, row->text, strlen(row->text), &options, &key, &fault),
		     &fault, row->text);
	if (row->scope != 0)
		fixture_need(key_set_scope(&key, row->scope, &fault), &fault, row->text);
	for (int i = 0; i < 4 && row->tags[i] != NULL; i += 2)
		fixture_need(tags_add(&tags, catalog_category(catalog, row->tags[i],
							      strlen(row->tags[i])),
				      row->tags[i + 1], strlen(row->tags[i + 1]), &fault),
			     &fault, row->tags[i + 1]);
	fixture_need(tags_encode(&tags, &claim.set, &claim.set_length, &claim.notes,
				 &claim.notes_length, &fault), &fault, "tags");
	fixture_need(author_put(author, &key, &claim, &fault), &fault, row->text);
	tags_fini(&tags);
}

uint64_t
command_put(const struct command_row *rows, size_t count, bool compact)
{
	struct fault fault = {0};
	struct store_write *write;
	struct author *author;
	struct author_counts counts;
	uint64_t generation;
	fixture_need(store_write_begin(command_store, true, NULL, &write, &fault), &fault, command_store);
	fixture_need(author_new(store_write_view(write), NOW_SECONDS, &author, &fault), &fault,
		     "author");
	for (size_t i = 0; i < count; i++)
		row_put(author, store_write_catalog(write), &rows[i]);
	fixture_need(author_finish(author, store_write_build(write), &counts, &fault), &fault,
		     "finish");
	author_free(author);
	fixture_need(store_write_commit(write, NOW_SECONDS, compact, &generation, &fault), &fault,
		     "commit");
	return generation;
}

const struct command_row command_sample[COMMAND_SAMPLE] = {
	{"evil.example", SCOPE_TREE, "feed-b", {"Trend Micro Severity", "High",
						"Malware Family", "Emotet"}, 0},
	{"evil.example", 0, "feed-a", {NULL}, 0},
	{"*.below.example", 0, "feed-a", {NULL}, 0},
	{"http://evil.example/a", 0, "feed-a", {"Confidence", "90"}, DAY},
	{"http://tree.example/d/\\*", 0, "feed-a", {NULL}, 0},
	{"http://deep.example/d", SCOPE_TREE, "feed-a", {NULL}, 0},
	{"192.0.2.0/24", 0, "feed-a", {"List Count", "3"}, 0},
	{"192.0.2.7", 0, "feed-b", {NULL}, 0},
	{"2001:db8::/32", 0, "feed-a", {NULL}, 0},
	{"da39a3ee5e6b4b0d3255bfef95601890afd80700", 0, "feed-b", {NULL}, 0},
	{"9.9.9.9", 0, "old", {NULL}, DAY},
};

void
command_setup(void)
{
	command_store = fixture_path("commands");
	char command[FILE_PATH_BYTES];
	snprintf(command, sizeof(command), "rm -rf '%s'", command_store);
	ck_assert_int_eq(system(command), 0);
}

void
command_teardown(void)
{
	char command[FILE_PATH_BYTES];
	snprintf(command, sizeof(command), "rm -rf '%s'", command_store);
	ck_assert_int_eq(system(command), 0);
	free(command_store);
}

/* --- running ------------------------------------------------------------------------ */

char command_out[COMMAND_OUT_BYTES], command_err[65536];

static void
read_back(FILE *file, char *into, size_t size)
{
	rewind(file);
	into[fread(into, 1, size - 1, file)] = '\0';
	fclose(file);
}

int
command_main(char **argv)
{
	int argc = 0;
	while (argv[argc] != NULL)
		argc++;
	return cli_main(&program, argc, argv);
}

/* In a child: --store DIRECTORY --now NOW are given, then argv. */
int
command_run(const char *input, size_t length, char **argv)
{
	char *full[32] = {"repute", "--store", command_store, "--now", NOW};
	FILE *in = tmpfile(), *to_out = tmpfile(), *to_err = tmpfile();
	int status;
	for (size_t i = 0; argv[i] != NULL; i++)
		full[5 + i] = argv[i];
	fwrite(input, 1, length, in);
	rewind(in);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		dup2(fileno(in), 0);
		dup2(fileno(to_out), 1);
		dup2(fileno(to_err), 2);
		exit(command_main(full));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	fclose(in);
	read_back(to_out, command_out, sizeof(command_out));
	read_back(to_err, command_err, sizeof(command_err));
	ck_assert_msg(WIFEXITED(status), "killed: %s", command_err);
	return WEXITSTATUS(status);
}

size_t
command_lines(void)
{
	size_t lines = 0;
	for (const char *text = command_out; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

/* The i-th line of `command_out` as JSON; the caller frees. */
struct cJSON *
command_line(size_t i)
{
	struct cJSON *tree = NULL;
	struct fault fault = {0};
	const char *line = command_out;
	for (; i > 0; i--)
		line = strchr(line, '\n') + 1;
	const char *end = strchr(line, '\n');
	ck_assert_ptr_nonnull(end);
	enum status status = json_gate_parse(line, (size_t)(end - line), NULL, &tree, &fault);
	ck_assert_msg(status == STATUS_OK, "%s in %.*s", fault.text, (int)(end - line), line);
	return tree;
}

/* "a b c": the members of an object, in order. */
void
command_members(const struct cJSON *object, const char *names)
{
	char got[512] = "";
	const struct cJSON *member = json_gate_first(object);
	for (; member != NULL; member = json_gate_next(member))
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
			 got[0] != '\0' ? " " : "", json_gate_name(member));
	ck_assert_str_eq(got, names);
}

const char *
command_text(const struct cJSON *object, const char *name)
{
	const char *text = json_gate_text(json_gate_member(object, name));
	ck_assert_msg(text != NULL, "no text %s", name);
	return text;
}

int64_t
command_number(const struct cJSON *object, const char *name)
{
	int64_t number = -1;
	ck_assert_msg(json_gate_i64(json_gate_member(object, name), &number), "no number %s", name);
	return number;
}

bool
command_bool(const struct cJSON *object, const char *name)
{
	bool value = false;
	ck_assert_msg(json_gate_bool(json_gate_member(object, name), &value), "no bool %s", name);
	return value;
}

char *
command_file(const char *name)
{
	static char path[FILE_PATH_BYTES];
	snprintf(path, sizeof(path), "%s/%s", command_store, name);
	return path;
}
