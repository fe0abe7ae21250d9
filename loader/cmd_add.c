/* SPDX-License-Identifier: Apache-2.0 */
/* `repute add` and `repute remove`: single changes, one transaction a call. */
#include "loader/commands.h"

#include <inttypes.h>
#include <string.h>

#include "loader/change.h"
#include "loader/ingest.h"

enum {
	OPTION_SOURCE = 1, OPTION_SCOPE, OPTION_TAG, OPTION_TTL, OPTION_EXPIRES, OPTION_KIND,
	OPTION_ALLOW_BROAD, OPTION_ALL_SOURCES, OPTION_WAIT
};

#define ROW_KIND \
	{OPTION_KIND, "kind", 'k', "KIND", "ipv4 ipv6 domain url sha1 sha256", \
	 "what the values are instead of looking"}
#define ROW_WAIT \
	{OPTION_WAIT, "wait", 'w', NULL, NULL, "wait for another writer instead of giving up"}

static const struct cli_option add_options[] = {
	{OPTION_SOURCE, "source", 's', "NAME", NULL, "who says it; user if not given"},
	ROW_KIND,
	{OPTION_SCOPE, "scope", 0, "SCOPE", "exact below tree", "what domains and URLs cover"},
	{OPTION_TAG, "tag", 't', "CATEGORY=VALUE", NULL, "tag the entries; may be given often"},
	{OPTION_TTL, "ttl", 0, "DURATION", NULL, "how long they live, as in 30d or 12h"},
	{OPTION_EXPIRES, "expires", 0, "TIME", NULL, "when they expire (RFC 3339)"},
	{OPTION_ALLOW_BROAD, "allow-broad", 0, NULL, NULL, "take entries that cover far too much"},
	ROW_WAIT,
	{0}
};

static const struct cli_option remove_options[] = {
	{OPTION_SOURCE, "source", 's', "NAME", NULL, "whose claims to take back; user if not given"},
	{OPTION_ALL_SOURCES, "all-sources", 'a', NULL, NULL, "take back the claims of every source"},
	ROW_KIND,
	{OPTION_SCOPE, "scope", 0, "SCOPE", "exact below tree", "only entries of this scope"},
	ROW_WAIT,
	{0}
};

struct change {
	struct cli *cli;
	struct ingest_options options;
	struct change_tags tags;
	bool removing, all_sources;
	uint64_t values;
};

static int
take_option(struct change *change, int option)
{
	struct cli *cli = change->cli;
	enum scope scope;
	switch (option) {
	case OPTION_SOURCE:
		change->options.source = cli->value;
		break;
	case OPTION_SCOPE:
		if (!scope_parse(cli->value, strlen(cli->value), &scope))
			return cli_usage(cli, "no scope '%s'", cli->value);
		change->options.scope = (uint8_t)scope;
		break;
	case OPTION_KIND:
		if (!kind_parse(cli->value, strlen(cli->value), &change->options.kind))
			return cli_usage(cli, "no kind '%s'", cli->value);
		break;
	case OPTION_TAG:
		return change_tags_add(cli, &change->tags, cli->value);
	case OPTION_ALLOW_BROAD:
		change->options.allow_broad = true;
		break;
	case OPTION_ALL_SOURCES:
		change->all_sources = true;
		break;
	case OPTION_WAIT:
		change->options.wait = true;
		break;
	case OPTION_TTL:
		return change_read_ttl(cli, &change->options.ttl_seconds);
	default:
		return change_read_expires(cli, &change->options.expires);
	}
	return CLI_FOUND;
}

/* The value that is wrong stands before the reason. */
static enum status
name_value(struct fault *fault, enum status status, const char *value, size_t length)
{
	struct fault inner = *fault;
	return fault_set(fault, status, NULL, 0, "%.*s: %s", length > 200 ? 200 : (int)length, value,
			 inner.text);
}

static enum status
change_values(struct change *change, struct ingest *ingest, struct fault *fault)
{
	static struct cli_values values;
	const char *value;
	size_t length;
	cli_values_init(&values, change->cli, true);
	for (;;) {
		enum cli_outcome outcome = cli_values_next(&values, &value, &length, fault);
		if (outcome == CLI_VALUES_END)
			return cli_interrupted() ? fault_set(fault, STATUS_STOPPED, NULL, 0,
							     "stopped: nothing was changed")
						 : STATUS_OK;
		if (outcome == CLI_VALUES_FAIL)
			return fault->status;
		if (outcome == CLI_VALUE_TOO_LONG)
			return fault_set(fault, STATUS_LIMIT, NULL, 0, "a value has more than %d bytes",
					 LIMIT_URL_INPUT_BYTES);
		change->values++;
		enum status status = change->removing
			? ingest_remove(ingest, value, length, change->all_sources, fault)
			: ingest_value(ingest, value, length, fault);
		if (status != STATUS_OK)
			return name_value(fault, status, value, length);
	}
}

static enum status
change_all(struct change *change, struct ingest_result *result, struct fault *fault)
{
	struct ingest *ingest;
	enum status status = change->removing ? change_store_exists(change->cli->store, fault)
					      : STATUS_OK;
	if (status == STATUS_OK)
		status = ingest_new(change->cli->store, &change->options, change->cli->now, &ingest,
				    fault);
	if (status != STATUS_OK)
		return status;
	cli_recovered(change->cli, fault);
	status = change_values(change, ingest, fault);
	if (status == STATUS_OK && change->values > 0)
		status = ingest_commit(ingest, result, fault);
	ingest_free(ingest);
	return status;
}

static int
change_run(struct change *change, int argc, char **argv)
{
	struct ingest_result result = {.format = "values"};
	struct fault fault = {0};
	int option;
	change->options.kind = KIND_ANY;
	change->options.source = "user";
	change->options.max_rejects = INGEST_NO_LIMIT;
	change->options.max_rejects_percent = change->options.max_shrink_percent = 101;
	while ((option = cli_option(change->cli, argc, argv)) > 0) {
		int status = take_option(change, option);
		if (status != CLI_FOUND)
			return status;
	}
	if (option < 0)
		return change->cli->status;
	change->options.tags = change->tags.text;
	change->options.tag_count = change->tags.count;
	if (change_check_times(change->cli, &change->options) != CLI_FOUND)
		return CLI_ERROR;
	if (change_all(change, &result, &fault) != STATUS_OK)
		return cli_error(change->cli, &fault);
	if (change->values == 0) {
		cli_note(change->cli, "no values: nothing was changed");
		return CLI_NOTHING;
	}
	change_report(change->cli, change->options.source, &result);
	if (change->removing && result.counts.removed == 0) {
		cli_note(change->cli, "nothing removed: no such claim of %s",
			 change->all_sources ? "any source" : change->options.source);
		return CLI_NOTHING;
	}
	return CLI_FOUND;
}

static int
add_run(struct cli *cli, int argc, char **argv)
{
	struct change change = {.cli = cli};
	return change_run(&change, argc, argv);
}

static int
remove_run(struct cli *cli, int argc, char **argv)
{
	struct change change = {.cli = cli, .removing = true};
	return change_run(&change, argc, argv);
}

const struct cli_command cmd_add = {
	.name = "add",
	.usage = "[options] [VALUE...]",
	.summary = "say something about single values",
	.about = "Makes each VALUE an entry: an address or prefix, a range a-b, a domain (*.name "
		 "for all below it), a URL (ending in /* for all below it, or with the SMS "
		 "mark \\* at its start or end), a SHA-1 or SHA-256. What the source said of it "
		 "before is replaced. Without VALUE, and where VALUE is -, the lines of standard "
		 "input are read. All in one transaction: one value that cannot be read, and "
		 "nothing is changed.",
	.options = add_options,
	.examples = "  repute add evil.example --scope tree --tag 'Trend Micro Severity=High'\n"
		    "  repute add --ttl 12h 192.0.2.7 2001:db8::/48\n",
	.run = add_run,
};

const struct cli_command cmd_remove = {
	.name = "remove",
	.usage = "[options] [VALUE...]",
	.summary = "take back what a source says of single values",
	.about = "A plain VALUE means the entry in any scope; *.name and the like mean the scope "
		 "they spell. Only claims of the named source go (user if none is named). Exit "
		 "status 1 if there was nothing to remove.",
	.options = remove_options,
	.examples = "  repute remove evil.example\n"
		    "  repute remove --all-sources 192.0.2.7\n",
	.run = remove_run,
};
