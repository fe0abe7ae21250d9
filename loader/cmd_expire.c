/* SPDX-License-Identifier: Apache-2.0 */
/* `repute expire`: take out of a store what has expired. */
#include "loader/commands.h"

#include <inttypes.h>

#include "engine/json.h"
#include "engine/sweep.h"
#include "loader/change.h"

enum { OPTION_WAIT = 1, OPTION_COMPACT };

static const struct cli_option expire_options[] = {
	{OPTION_COMPACT, "compact", 0, NULL, NULL, "and fold all layers, which gives the room back"},
	{OPTION_WAIT, "wait", 'w', NULL, NULL, "wait for another writer instead of giving up"},
	{0}
};

struct expiring {
	struct cli *cli;
	bool wait, compact;
	struct author_counts counts;
	struct sweep_counts swept;
	uint64_t generation;
};

/* The transaction's changes; the view is the writer's. */
static enum status
sweep_into(struct expiring *expiring, struct store_write *write, struct fault *fault)
{
	const struct view *view = store_write_view(write);
	uint64_t now = expiring->cli->now;
	struct author *author;
	enum status status = author_new(view, now, &author, fault);
	if (status != STATUS_OK)
		return status;
	status = sweep_expired(view, now, author, &expiring->swept, fault);
	if (status == STATUS_OK)
		status = author_finish(author, store_write_build(write), &expiring->counts, fault);
	author_free(author);
	return status;
}

static enum status
expire(struct expiring *expiring, struct fault *fault)
{
	struct store_write *write;
	enum status status = change_store_exists(expiring->cli->store, fault);
	if (status == STATUS_OK)
		status = store_write_begin(expiring->cli->store, expiring->wait, NULL, &write, fault);
	if (status != STATUS_OK)
		return status;
	cli_recovered(expiring->cli, fault);
	status = sweep_into(expiring, write, fault);
	if (status != STATUS_OK) {
		store_write_abort(write);
		return status;
	}
	return store_write_commit(write, expiring->cli->now,
				  expiring->compact && expiring->counts.removed > 0,
				  &expiring->generation, fault);
}

static void
report(const struct expiring *expiring)
{
	const struct cli *cli = expiring->cli;
	struct json_writer json = {0};
	if (!cli->json) {
		if (!cli->quiet)
			printf("expired: removed %" PRIu64 "; generation %" PRIu64 "\n",
			       expiring->counts.removed, expiring->generation);
		return;
	}
	json_object_begin(&json);
	json_key(&json, "removed");
	json_u64(&json, expiring->counts.removed);
	json_key(&json, "generation");
	json_u64(&json, expiring->generation);
	json_object_end(&json);
	json_line(&json);
	json_flush(&json, stdout);
	json_fini(&json);
}

static int
expire_run(struct cli *cli, int argc, char **argv)
{
	struct expiring expiring = {.cli = cli};
	struct fault fault = {0};
	int option;
	while ((option = cli_option(cli, argc, argv)) > 0) {
		expiring.wait |= option == OPTION_WAIT;
		expiring.compact |= option == OPTION_COMPACT;
	}
	if (option < 0)
		return cli->status;
	if (cli->operand_count > 0)
		return cli_usage(cli, "takes no value");
	if (expire(&expiring, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	cli_verbose(cli, "claims of %" PRIu64 " keys were looked at", expiring.swept.read);
	report(&expiring);
	return expiring.counts.removed > 0 ? CLI_FOUND : CLI_NOTHING;
}

const struct cli_command cmd_expire = {
	.name = "expire",
	.usage = "[--compact] [--wait]",
	.summary = "take out what has expired",
	.about = "Removes every claim that has expired now, or at the time of --now, in one "
		 "transaction. No answer changes: look-ups test the expiry themselves, to the "
		 "second. The room on disk comes back when layers are folded, which happens by "
		 "itself when much has changed, or at once with --compact. Costs next to nothing "
		 "when nothing has expired. Exit status 1 if nothing had.",
	.options = expire_options,
	.examples = "  repute expire\n"
		    "  repute expire --compact\n",
	.run = expire_run,
};
