/* SPDX-License-Identifier: Apache-2.0 */
#include "query/commands.h"

#include <inttypes.h>
#include <string.h>

#include "engine/json.h"
#include "engine/store.h"
#include "query/retag.h"

enum {
	OPTION_WHERE = 1, OPTION_KIND, OPTION_SOURCE, OPTION_ALL_SOURCES, OPTION_TAG, OPTION_UNTAG,
	OPTION_DRY_RUN, OPTION_WAIT
};

static const struct cli_option retag_options[] = {
	{OPTION_WHERE, "where", 0, "CRITERIA", NULL, "claims that meet the condition, as in filters"},
	{OPTION_KIND, "kind", 'k', "KIND", "ipv4 ipv6 domain url sha1 sha256", "this kind only"},
	{OPTION_SOURCE, "source", 's', "NAME", NULL, "whose claims; user if not given"},
	{OPTION_ALL_SOURCES, "all-sources", 'a', NULL, NULL, "the claims of every source"},
	{OPTION_TAG, "tag", 't', "CATEGORY=VALUE", NULL,
	 "in the place of what they have in the category; may be given often"},
	{OPTION_UNTAG, "untag", 'u', "CATEGORY", NULL, "take the category away; may be given often"},
	{OPTION_DRY_RUN, "dry-run", 'n', NULL, NULL, "count, and change nothing"},
	{OPTION_WAIT, "wait", 'w', NULL, NULL, "wait for another writer instead of giving up"},
	{0}
};

struct command {
	struct cli *cli;
	const char *where;
	enum kind kind;
	const char *source; /* NULL: all */
	const char *tags[LIMIT_TAGS_PER_CLAIM], *untags[LIMIT_TAGS_PER_CLAIM];
	size_t tag_count, untag_count;
	bool dry_run, wait;
	struct retag retag;
	uint64_t generation;
};

static int
take_text(struct cli *cli, const char **texts, size_t *count)
{
	if (*count == LIMIT_TAGS_PER_CLAIM)
		return cli_usage(cli, "more than %d tags", LIMIT_TAGS_PER_CLAIM);
	texts[(*count)++] = cli->value;
	return CLI_FOUND;
}

static int
take_option(struct command *command, int option)
{
	struct cli *cli = command->cli;
	switch (option) {
	case OPTION_WHERE:
		command->where = cli->value;
		break;
	case OPTION_KIND:
		if (!kind_parse(cli->value, strlen(cli->value), &command->kind))
			return cli_usage(cli, "no kind '%s'", cli->value);
		break;
	case OPTION_SOURCE:
		command->source = cli->value;
		break;
	case OPTION_ALL_SOURCES:
		command->source = NULL;
		break;
	case OPTION_TAG:
		if (strchr(cli->value, '=') == NULL)
			return cli_usage(cli, "--tag takes CATEGORY=VALUE, not '%s'", cli->value);
		return take_text(cli, command->tags, &command->tag_count);
	case OPTION_UNTAG:
		return take_text(cli, command->untags, &command->untag_count);
	case OPTION_DRY_RUN:
		command->dry_run = true;
		break;
	default:
		command->wait = true;
	}
	return CLI_FOUND;
}

static enum status
read_tags(struct command *command, struct fault *fault)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < command->tag_count; i++) {
		const char *text = command->tags[i], *equal = strchr(text, '=');
		status = retag_tag(&command->retag, text, (size_t)(equal - text), equal + 1,
				   strlen(equal + 1), fault);
	}
	for (size_t i = 0; status == STATUS_OK && i < command->untag_count; i++)
		status = retag_untag(&command->retag, command->untags[i],
				     strlen(command->untags[i]), fault);
	return status;
}

static enum status
change(struct command *command, struct store_write *write, struct fault *fault)
{
	struct survey *survey = &command->retag.survey;
	struct criteria *criteria = NULL;
	enum status status;
	*survey = (struct survey){
		.view = store_write_view(write),
		.now = command->cli->now,
		.kind = command->kind,
		.source = command->source,
		.source_length = command->source != NULL ? strlen(command->source) : 0,
	};
	status = criteria_parse(command->where, strlen(command->where), &survey->view->catalog,
				&criteria, fault);
	if (status != STATUS_OK)
		return status;
	survey->criteria = criteria;
	survey->texts = criteria_uses_pseudo(criteria);
	status = read_tags(command, fault);
	if (status == STATUS_OK)
		status = retag_run(&command->retag, store_write_build(write), fault);
	retag_fini(&command->retag);
	criteria_free(criteria);
	return status;
}

/* A change of what is there makes no store. */
static enum status
store_exists(const char *directory, struct fault *fault)
{
	struct store *store;
	enum status status = store_open(directory, &store, fault);
	if (status == STATUS_OK)
		store_close(store);
	return status == STATUS_MISSING ? status : STATUS_OK;
}

static enum status
change_store(struct command *command, struct fault *fault)
{
	struct store_write *write;
	enum status status = store_exists(command->cli->store, fault);
	if (status == STATUS_OK)
		status = store_write_begin(command->cli->store, command->wait, NULL, &write, fault);
	if (status != STATUS_OK)
		return status;
	cli_recovered(command->cli, fault);
	status = change(command, write, fault);
	command->generation = store_write_view(write)->generation;
	if (status == STATUS_OK && !command->dry_run)
		return store_write_commit(write, command->cli->now, false, &command->generation,
					  fault);
	store_write_abort(write);
	return status;
}

static void
report(const struct command *command)
{
	const struct cli *cli = command->cli;
	const struct retag *retag = &command->retag;
	struct json_writer json = {0};
	if (!cli->json && !cli->quiet)
		printf("retag: matched %" PRIu64 ", %s %" PRIu64 "; generation %" PRIu64 "\n",
		       retag->matched, command->dry_run ? "would change" : "changed", retag->changed,
		       command->generation);
	if (!cli->json)
		return;
	json_object_begin(&json);
	json_key(&json, "matched");
	json_u64(&json, retag->matched);
	json_key(&json, "changed");
	json_u64(&json, retag->changed);
	json_key(&json, "generation");
	json_u64(&json, command->generation);
	json_object_end(&json);
	json_line(&json);
	cli_json_flush(&json);
	json_fini(&json);
}

static int
retag_command(struct cli *cli, int argc, char **argv)
{
	struct command command = {.cli = cli, .kind = KIND_ANY, .source = "user"};
	struct fault fault = {0};
	int option;
	while ((option = cli_option(cli, argc, argv)) > 0) {
		int status = take_option(&command, option);
		if (status != CLI_FOUND)
			return status;
	}
	if (option < 0)
		return cli->status;
	if (cli->operand_count > 0)
		return cli_usage(cli, "takes no value; 'add --tag' changes single entries");
	if (command.where == NULL)
		return cli_usage(cli, "retag needs --where CRITERIA");
	if (command.tag_count + command.untag_count == 0)
		return cli_usage(cli, "retag needs --tag or --untag");
	if (change_store(&command, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	report(&command);
	return command.retag.changed > 0 ? CLI_FOUND : CLI_NOTHING;
}

const struct cli_command cmd_retag = {
	.name = "retag",
	.usage = "--where CRITERIA [--tag CATEGORY=VALUE]... [--untag CATEGORY]...",
	.summary = "change the tags of many entries",
	.about = "Gives every live claim that meets the condition other tags, all in one "
		 "transaction: --tag stands in the place of the values that the claim has in that "
		 "category, --untag takes a category away, other tags stay, and so do first and "
		 "last seen and the expiry. The condition is that of 'repute list --where', which "
		 "shows what would change. Only claims of the named source are asked (user if none "
		 "is named). A feed that is loaded again says its own tags again. Exit status 1 if "
		 "nothing changed.",
	.options = retag_options,
	.examples = "  repute retag --where 'Confidence < 20' --tag 'Trend Micro Severity=Low'\n"
		    "  repute retag --source feed-a --where '\"Threat Type\" is present' "
		    "--untag 'Threat Type'\n",
	.run = retag_command,
};
