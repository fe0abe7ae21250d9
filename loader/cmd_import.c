/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/progress.h"
#include "loader/change.h"
#include "loader/ingest.h"

enum {
	OPTION_FORMAT = 1, OPTION_COLUMNS, OPTION_KIND, OPTION_SOURCE, OPTION_SCOPE, OPTION_TAG,
	OPTION_NAME_TAG, OPTION_FOLDER_TAG, OPTION_TTL, OPTION_EXPIRES, OPTION_MIRROR, OPTION_MAX_REJECTS,
	OPTION_MAX_SHRINK, OPTION_REJECTS, OPTION_DRY_RUN, OPTION_ALLOW_BROAD, OPTION_WAIT
};

static const struct cli_option import_options[] = {
	{OPTION_SOURCE, "source", 's', "NAME", NULL,
	 "who says it; without it each file is a source of its own, named like the file"},
	{OPTION_FORMAT, "format", 'f', "FORMAT",
	 "adblock unbound dnsmasq rpz hosts drop ipsum iprep sms loki maltrail wildcard ranges netset "
	 "csv tsv plain prose", "how to read the files instead of looking"},
	{OPTION_COLUMNS, "columns", 0, "MAP", NULL,
	 "csv: which column is what, as in value=2,tag:Malware Family=3"},
	{OPTION_KIND, "kind", 'k', "KIND", "ipv4 ipv6 domain url sha1 sha256",
	 "what the values are instead of looking"},
	{OPTION_SCOPE, "scope", 0, "SCOPE", "exact below tree",
	 "what domains and URLs cover, instead of what the format means"},
	{OPTION_TAG, "tag", 't', "CATEGORY=VALUE", NULL, "tag every entry; may be given often"},
	{OPTION_NAME_TAG, "tag-name", 0, "CATEGORY", NULL,
	 "tag every entry with the name of its file or archive member, without folder and ending"},
	{OPTION_FOLDER_TAG, "tag-folder", 0, "CATEGORY", NULL,
	 "tag every entry with the name of the folder that its file or archive member is in"},
	{OPTION_TTL, "ttl", 0, "DURATION", NULL, "how long an entry lives, as in 30d or 12h"},
	{OPTION_EXPIRES, "expires", 0, "TIME", NULL, "when every entry expires (RFC 3339)"},
	{OPTION_MIRROR, "mirror", 'm', NULL, NULL,
	 "the source says just this: its claims that are no longer in the files go"},
	{OPTION_MAX_REJECTS, "max-rejects", 0, "N|P%", NULL,
	 "import nothing if more values than this are rejected"},
	{OPTION_MAX_SHRINK, "max-shrink", 0, "P%", NULL,
	 "with --mirror: import nothing if the source shrank by more than this"},
	{OPTION_REJECTS, "rejects", 0, "FILE", NULL, "write every reject here, tab-separated"},
	{OPTION_DRY_RUN, "dry-run", 'n', NULL, NULL, "say what would change, change nothing"},
	{OPTION_ALLOW_BROAD, "allow-broad", 0, NULL, NULL,
	 "take 0.0.0.0/0, a bare top-level domain, the empty file's hash and their like"},
	{OPTION_WAIT, "wait", 'w', NULL, NULL, "wait for another writer instead of giving up"},
	{0}
};

#define SHOWN_BYTES 80 /* of a reject on the terminal; --rejects has more */

struct import {
	struct cli *cli;
	struct ingest_options options;
	struct change_tags tags;
	struct progress progress;
	FILE *rejects;
	uint64_t shown; /* rejects printed */
};

/* "10" or "5%". */
static bool
read_amount(const char *text, uint64_t *amount, unsigned *percent)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || errno != 0 || end == text)
		return false;
	if (strcmp(end, "%") == 0 && value <= 100) {
		*percent = (unsigned)value;
		return true;
	}
	*amount = value;
	return *end == '\0' && amount != NULL;
}

static int
open_rejects(struct import *import, const char *path)
{
	if (import->rejects != NULL)
		fclose(import->rejects);
	import->rejects = fopen(path, "we");
	if (import->rejects != NULL)
		return CLI_FOUND;
	struct fault fault;
	fault_errno(&fault, errno, path, "cannot write rejects to");
	return cli_error(import->cli, &fault);
}

/* The options whose value is read, not only noted. */
static int
take_value(struct import *import, int option)
{
	struct ingest_options *options = &import->options;
	const char *value = import->cli->value;
	size_t length = strlen(value);
	enum scope scope;
	uint64_t none;
	switch (option) {
	case OPTION_KIND:
		if (!kind_parse(value, length, &options->kind))
			return cli_usage(import->cli, "no kind '%s'", value);
		break;
	case OPTION_SCOPE:
		if (!scope_parse(value, length, &scope))
			return cli_usage(import->cli, "no scope '%s'", value);
		options->scope = (uint8_t)scope;
		break;
	case OPTION_TTL:
		return change_read_ttl(import->cli, &options->ttl_seconds);
	case OPTION_EXPIRES:
		return change_read_expires(import->cli, &options->expires);
	case OPTION_MAX_REJECTS:
		if (!read_amount(value, &options->max_rejects, &options->max_rejects_percent))
			return cli_usage(import->cli, "--max-rejects takes N or P%%");
		break;
	case OPTION_MAX_SHRINK:
		if (strchr(value, '%') == NULL ||
		    !read_amount(value, &none, &options->max_shrink_percent))
			return cli_usage(import->cli, "--max-shrink takes P%%");
		break;
	case OPTION_TAG:
		return change_tags_add(import->cli, &import->tags, value);
	default:
		return open_rejects(import, value);
	}
	return CLI_FOUND;
}

static int
take_option(struct import *import, int option)
{
	struct ingest_options *options = &import->options;
	switch (option) {
	case OPTION_SOURCE:
		options->source = import->cli->value;
		break;
	case OPTION_FORMAT:
		options->format = import->cli->value;
		break;
	case OPTION_COLUMNS:
		options->columns = import->cli->value;
		break;
	case OPTION_NAME_TAG:
		options->name_tag = import->cli->value;
		break;
	case OPTION_FOLDER_TAG:
		options->folder_tag = import->cli->value;
		break;
	case OPTION_MIRROR:
		options->mirror = true;
		break;
	case OPTION_DRY_RUN:
		options->dry_run = true;
		break;
	case OPTION_ALLOW_BROAD:
		options->allow_broad = true;
		break;
	case OPTION_WAIT:
		options->wait = true;
		break;
	default:
		return take_value(import, option);
	}
	return CLI_FOUND;
}

/* --- what ingest reports ------------------------------------------------------------------ */

/* Names of archive members come from outside too: no text goes out as it is. */
static void
write_reject(FILE *file, const struct ingest_reject *reject)
{
	const struct feed_reject *row = reject->feed;
	cli_put(file, reject->file, strlen(reject->file));
	fprintf(file, "\t%" PRIu64 "\t%s\t", row->line, status_name(row->status));
	cli_put(file, row->reason, strlen(row->reason));
	fputc('\t', file);
	cli_put(file, row->text, row->text_length);
	fputc('\n', file);
}

static void
on_reject(void *context, const struct ingest_reject *reject)
{
	struct import *import = context;
	const struct feed_reject *row = reject->feed;
	if (import->rejects != NULL)
		write_reject(import->rejects, reject);
	if (import->shown++ >= LIMIT_REJECTS_SHOWN || import->cli->quiet)
		return;
	progress_wipe(&import->progress);
	cli_put(stderr, reject->file, strlen(reject->file));
	fprintf(stderr, ":%" PRIu64 ": ", row->line);
	cli_put(stderr, row->text, row->text_length);
	fputs(": ", stderr);
	cli_put(stderr, row->reason, strlen(row->reason));
	fputc('\n', stderr);
}

static bool
on_progress(void *context, uint64_t bytes_read, uint64_t bytes_total, uint64_t items)
{
	struct import *import = context;
	progress_update(&import->progress, bytes_read, bytes_total, items);
	return !cli_interrupted();
}

/* --- one transaction -------------------------------------------------------------------------- */

static enum status
import_files(struct import *import, char **files, int count, struct ingest_result *result,
	     struct fault *fault)
{
	struct ingest *ingest;
	enum status status = ingest_new(import->cli->store, &import->options, import->cli->now,
					&ingest, fault);
	if (status != STATUS_OK)
		return status;
	cli_recovered(import->cli, fault);
	for (int i = 0; status == STATUS_OK && i < count; i++) {
		progress_start(&import->progress, files[i], "entries", !import->cli->quiet);
		status = ingest_file(ingest, files[i], fault);
		progress_end(&import->progress);
	}
	if (status == STATUS_OK)
		status = ingest_commit(ingest, result, fault);
	ingest_free(ingest);
	return status;
}

static int
import_source(struct import *import, char **files, int count)
{
	struct ingest_result result = {0};
	struct fault fault = {0};
	import->shown = 0;
	enum status status = import_files(import, files, count, &result, &fault);
	if (import->shown > LIMIT_REJECTS_SHOWN)
		cli_note(import->cli, "%" PRIu64 " more rejects; --rejects FILE keeps them all",
			 import->shown - LIMIT_REJECTS_SHOWN);
	if (status != STATUS_OK)
		return cli_error(import->cli, &fault);
	if (import->options.dry_run)
		cli_note(import->cli, "dry run: nothing was changed");
	change_report(import->cli, import->options.source, &result);
	return CLI_FOUND;
}

/* Files of one name would be one source, and each would take back what the other says. */
static int
check_names(const struct import *import)
{
	struct cli *cli = import->cli;
	char name[LIMIT_SOURCE_NAME_BYTES + 1], other[LIMIT_SOURCE_NAME_BYTES + 1];
	for (int i = 0; import->options.mirror && i < cli->operand_count; i++) {
		change_source_name(cli->operands[i], name);
		for (int j = 0; j < i; j++) {
			change_source_name(cli->operands[j], other);
			if (strcmp(name, other) == 0)
				return cli_usage(cli, "two files are the source '%s', and --mirror "
						 "would keep the last alone; give --source", name);
		}
	}
	return CLI_FOUND;
}

/* Without --source each file is a source and a transaction of its own. */
static int
import_all(struct import *import)
{
	struct cli *cli = import->cli;
	int worst = CLI_FOUND;
	if (import->options.source != NULL)
		return import_source(import, cli->operands, cli->operand_count);
	if (check_names(import) != CLI_FOUND)
		return CLI_ERROR;
	for (int i = 0; i < cli->operand_count; i++) {
		if (cli_interrupted())
			return CLI_ERROR; /* files are left: the signal ends the program */
		char name[LIMIT_SOURCE_NAME_BYTES + 1];
		change_source_name(cli->operands[i], name);
		import->options.source = name;
		if (import_source(import, &cli->operands[i], 1) != CLI_FOUND)
			worst = CLI_ERROR;
	}
	return worst;
}

static int
import_run(struct cli *cli, int argc, char **argv)
{
	struct import import = {.cli = cli};
	int option, status = CLI_FOUND;
	import.options.kind = KIND_ANY;
	import.options.max_rejects = INGEST_NO_LIMIT;
	import.options.max_rejects_percent = import.options.max_shrink_percent = 101;
	import.options.on_reject = on_reject;
	import.options.on_progress = on_progress;
	import.options.context = &import;
	while (status == CLI_FOUND && (option = cli_option(cli, argc, argv)) != 0) {
		if (option < 0)
			return cli->status;
		status = take_option(&import, option);
	}
	if (status == CLI_FOUND && cli->operand_count == 0)
		status = cli_usage(cli, "no FILE given; - is standard input");
	import.options.tags = import.tags.text;
	import.options.tag_count = import.tags.count;
	if (status == CLI_FOUND)
		status = change_check_times(cli, &import.options);
	if (status == CLI_FOUND)
		status = import_all(&import);
	if (status == CLI_FOUND && !import.options.dry_run)
		change_compact(cli);
	if (import.rejects != NULL && fclose(import.rejects) != 0 && status == CLI_FOUND)
		status = cli_usage(cli, "the rejects could not be written");
	return status;
}

const struct cli_command cmd_import = {
	.name = "import",
	.usage = "[options] FILE...",
	.summary = "load feeds: lists, hosts files, RPZ, CSV and more, as they are",
	.about = "Reads each FILE (- is standard input; gzip, zstd and tar are read as they are), "
		 "finds out its format and the kind of its values, brings them to their "
		 "canonical form and makes them claims of a source, all in one transaction. "
		 "Importing the same again changes nothing.\n\n"
		 "Values that cannot be read or would cover far too much are reported with file, "
		 "line and reason, and left out. A file that is no list at all (an HTML page, an "
		 "empty file, damaged compression) is refused and the old data stays.\n\n"
		 "A claim's times are moved only when they are old, so an import of the same list "
		 "counts as unchanged. See docs/feeds.md for the formats.",
	.options = import_options,
	.examples = "  repute import --source drop --tag 'Trend Micro Severity=High' drop.txt\n"
		    "  curl -s https://feeds.example/list | repute import -s list --mirror -\n"
		    "  repute import -s maltrail --tag-name 'Malware Family' malware.tar.gz\n",
	.run = import_run,
};
