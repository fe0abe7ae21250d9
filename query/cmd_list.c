/* SPDX-License-Identifier: Apache-2.0 */
#include "query/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/store.h"
#include "query/cmd_show.h"
#include "query/survey.h"

#define SAMPLE_ROWS 2000  /* the table's columns are as wide as the first rows need */
#define SHOWN_WIDTH 60

enum {
	OPTION_KIND = 1,
	OPTION_SOURCE,
	OPTION_WHERE,
	OPTION_LIMIT,
	OPTION_FORMAT,
	OPTION_EXPIRED
};

static const struct cli_option list_options[] = {
	{OPTION_KIND, "kind", 'k', "KIND", "ipv4 ipv6 domain url sha1 sha256", "this kind only"},
	{OPTION_SOURCE, "source", 's', "NAME", NULL, "what this source says only"},
	{OPTION_WHERE, "where", 'w', "CRITERIA", NULL,
	 "claims that meet the condition, as in filters"},
	{OPTION_LIMIT, "limit", 'n', "N", NULL, "at most N lines"},
	{OPTION_FORMAT, "format", 'f', "FORMAT", "table plain json",
	 "plain: one key per line, sorted by bytes, as import reads it"},
	{OPTION_EXPIRED, "expired", 0, NULL, NULL, "claims that have expired too"},
	{0}
};

struct listing {
	struct cli *cli;
	struct survey survey;
	struct survey_index *index;
	struct criteria *criteria;
	const char *where;
	uint64_t limit, printed;
	bool plain, json;
	struct json_writer writer;
	enum status status;             /* of the writer */
	size_t key_width, source_width;
	char text[KEY_PRINT_BYTES];
};

/* --- rows --------------------------------------------------------------------------- */

typedef void claim_cb(struct listing *listing, const struct show_claim *show);

/* The claims of a row's key that are asked for. */
static void
each_claim(struct listing *listing, const struct survey_row *row, claim_cb *call)
{
	const struct segment *segment = survey_index_segment(listing->index, row);
	struct segment_claim claim;
	struct key key;
	uint32_t claims;
	if (!survey_index_key(listing->index, row, &key, &claims))
		return;
	struct segment_claim_cursor cursor = segment_claims(claims);
	struct show_claim show = {.kind = key.kind, .key = listing->text,
				  .key_length = key_print(&key, listing->text)};
	while (segment_claim_next(segment, &cursor, &claim)) {
		if (!survey_takes(&listing->survey, segment, &key, &claim))
			continue;
		show_from_claim(&show, segment, &claim);
		call(listing, &show);
	}
}

static void
claim_widths(struct listing *listing, const struct show_claim *show)
{
	show_widen(&listing->key_width, show->key, show->key_length, SHOWN_WIDTH);
	show_widen(&listing->source_width, show->source, show->source_length, SHOWN_WIDTH);
}

static bool
limit_reached(struct listing *listing)
{
	if (listing->limit != 0 && listing->printed == listing->limit)
		return true;
	listing->printed++;
	return false;
}

static void
claim_text(struct listing *listing, const struct show_claim *show)
{
	char expires[CLOCK_TEXT_BYTES];
	if (limit_reached(listing))
		return;
	clock_print(show->expires, expires);
	printf("%-6s  ", kind_name(show->kind));
	show_padded(stdout, show->key, show->key_length, listing->key_width);
	printf("  %-5s  ", scope_name(show->scope));
	show_padded(stdout, show->source, show->source_length, listing->source_width);
	printf("  %s", expires);
	show_tags(stdout, show, "  ");
	putchar('\n');
}

static void
claim_json(struct listing *listing, const struct show_claim *show)
{
	if (limit_reached(listing))
		return;
	show_json(&listing->writer, show);
	json_line(&listing->writer);
	enum status status = json_flush(&listing->writer, stdout);
	if (status == STATUS_NO_MEMORY)
		listing->status = status;
}

static void
row_plain(struct listing *listing, const struct survey_row *row)
{
	struct key key;
	uint32_t claims;
	if (limit_reached(listing) || !survey_index_key(listing->index, row, &key, &claims))
		return;
	size_t length = key_print_entry(&key, listing->text);
	listing->text[length] = '\n';
	fwrite(listing->text, 1, length + 1, stdout);
}

static void
table_head(struct listing *listing)
{
	const struct survey_index *index = listing->index;
	bool colour = listing->cli->colour;
	listing->key_width = strlen("KEY");
	listing->source_width = strlen("SOURCE");
	for (size_t i = 0; i < index->count && i < SAMPLE_ROWS; i++)
		each_claim(listing, &index->rows[i], claim_widths);
	if (index->count == 0)
		return;
	printf("%s%-6s  %-*s  %-5s  %-*s  %-20s  TAGS%s\n", colour ? "\033[1m" : "", "KIND",
	       (int)listing->key_width, "KEY", "SCOPE", (int)listing->source_width, "SOURCE",
	       "EXPIRES", colour ? "\033[0m" : "");
}

static int
print_all(struct listing *listing)
{
	const struct survey_index *index = listing->index;
	struct fault fault = {0};
	if (!listing->plain && !listing->json)
		table_head(listing);
	for (size_t i = 0; i < index->count && listing->status == STATUS_OK; i++) {
		if (cli_output_failed() || cli_interrupted())
			break;
		if (listing->plain)
			row_plain(listing, &index->rows[i]);
		else
			each_claim(listing, &index->rows[i],
				   listing->json ? claim_json : claim_text);
	}
	listing->cli->stopped = cli_interrupted();
	if (listing->status != STATUS_OK) {
		fault_set(&fault, listing->status, NULL, 0, "no memory for a line");
		return cli_error(listing->cli, &fault);
	}
	if (index->unspelled > 0)
		cli_note(listing->cli, "%" PRIu64 " of the entries cover what lies below their key, "
			 "which a plain list cannot tell; --json does", index->unspelled);
	return index->count > 0 ? CLI_FOUND : CLI_NOTHING;
}

/* --- the command -------------------------------------------------------------------- */

static int
search(struct listing *listing, const struct view *view)
{
	struct survey *survey = &listing->survey;
	struct fault fault = {0};
	enum status status = STATUS_OK;
	int result;
	survey->view = view;
	survey->now = listing->cli->now;
	if (listing->where != NULL)
		status = criteria_parse(listing->where, strlen(listing->where), &view->catalog,
					&listing->criteria, &fault);
	if (status == STATUS_OK && listing->criteria != NULL) {
		survey->criteria = listing->criteria;
		survey->texts = criteria_uses_pseudo(listing->criteria);
	}
	if (status == STATUS_OK)
		status = survey_index_new(survey, listing->plain ? SURVEY_PLAIN : SURVEY_NATURAL,
					  (size_t)(listing->limit < SIZE_MAX ? listing->limit : 0),
					  &listing->index, &fault);
	if (status == STATUS_OK)
		status = survey_index_build(listing->index, &fault);
	result = status == STATUS_OK ? print_all(listing) : cli_error(listing->cli, &fault);
	survey_index_free(listing->index);
	criteria_free(listing->criteria);
	json_fini(&listing->writer);
	return result;
}

static bool
parse_count(const char *text, uint64_t *count)
{
	uint64_t value = 0;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned digit = (unsigned)(*text - '0');
		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*count = value;
	return true;
}

static bool
parse_format(struct listing *listing, const char *text)
{
	listing->plain = strcmp(text, "plain") == 0;
	listing->json = strcmp(text, "json") == 0;
	return listing->plain || listing->json || strcmp(text, "table") == 0;
}

/* 0, or what the command returns. */
static int
apply(struct listing *listing, int option)
{
	struct cli *cli = listing->cli;
	switch (option) {
	case OPTION_KIND:
		if (kind_parse(cli->value, strlen(cli->value), &listing->survey.kind))
			return 0;
		return cli_usage(cli, "no kind '%s'; there are %s", cli->value,
				 list_options[0].values);
	case OPTION_SOURCE:
		listing->survey.source = cli->value;
		listing->survey.source_length = strlen(cli->value);
		return 0;
	case OPTION_WHERE:
		listing->where = cli->value;
		return 0;
	case OPTION_LIMIT:
		if (parse_count(cli->value, &listing->limit) && listing->limit > 0)
			return 0;
		return cli_usage(cli, "--limit: '%s' is not a count from 1", cli->value);
	case OPTION_FORMAT:
		if (parse_format(listing, cli->value))
			return 0;
		return cli_usage(cli, "no format '%s'; there are table, plain and json", cli->value);
	default:
		listing->survey.expired = true;
		return 0;
	}
}

static int
list_run(struct cli *cli, int argc, char **argv)
{
	static struct listing listing; /* large */
	struct fault fault = {0};
	struct store *store;
	int option, status = 0;
	memset(&listing, 0, sizeof(listing));
	listing.cli = cli;
	listing.survey.kind = KIND_ANY;
	while (status == 0 && (option = cli_option(cli, argc, argv)) != 0)
		status = option < 0 ? -1 : apply(&listing, option);
	if (status != 0)
		return status < 0 ? cli->status : status;
	if (cli->operand_count > 0)
		return cli_usage(cli, "takes no value; 'lookup' asks for one");
	if (cli->json && listing.plain)
		return cli_usage(cli, "--json and --format plain exclude each other");
	listing.json |= cli->json;
	if (store_open(cli->store, &store, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	cli_recovered(cli, &fault);
	struct view *view = store_view_take(store);
	status = search(&listing, view);
	if (view_unchanged(view, &fault) != STATUS_OK)
		status = cli_error(cli, &fault);
	view_drop(view);
	store_close(store);
	return status;
}

const struct cli_command cmd_list = {
	.name = "list",
	.usage = "[--kind KIND] [--source NAME] [--where CRITERIA] [--limit N] [--format FORMAT]",
	.summary = "show the claims that the store holds",
	.about = "One line per live claim, by kind and then by key. --where takes a condition on "
		 "tags, and on kind, scope, source, key, expires, first_seen and last_seen:\n\n"
		 "  condition   CATEGORY (= | != | < | <= | > | >=) VALUE, CATEGORY in (V, V),\n"
		 "              CATEGORY is missing, CATEGORY is present, and, or, not, ( )\n\n"
		 "Names and values with blanks stand in double quotes. Claims without tags are asked "
		 "too.\n\n"
		 "--format plain prints one key per line, each once, in the order of LC_ALL=C sort, "
		 "spelled so that import reads it back: *.name and url/* are entries of scope below. "
		 "Scope tree of a name has no such spelling; it is said on standard error.\n\n"
		 "Exit status 1 if there is nothing to list.",
	.options = list_options,
	.examples = "  repute list --kind domain --source feed-a\n"
		    "  repute list --json --where '\"Trend Micro Severity\" in (High, Medium)'\n"
		    "  repute list --format plain --kind ipv4 >block.txt\n",
	.run = list_run,
};
