/* SPDX-License-Identifier: Apache-2.0 */
/* `repute expire`: take out of a store what has expired. */
#include "loader/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/json.h"
#include "engine/sweep.h"
#include "loader/change.h"

enum { OPTION_WAIT = 1, OPTION_COMPACT, OPTION_EVERY, OPTION_ROUNDS };

static const struct cli_option expire_options[] = {
	{OPTION_COMPACT, "compact", 0, NULL, NULL, "and fold all layers, which gives the room back"},
	{OPTION_EVERY, "every", 0, "DURATION", NULL,
	 "again and again, with so long a pause, until SIGINT or SIGTERM"},
	{OPTION_ROUNDS, "rounds", 0, "N", NULL, "with --every: so many times"},
	{OPTION_WAIT, "wait", 'w', NULL, NULL, "wait for another writer instead of giving up"},
	{0}
};

struct expiring {
	struct cli *cli;
	bool wait, compact;
	uint64_t every, rounds; /* 0: once; for ever */
	struct author_counts counts;
	struct sweep_counts swept;
	uint64_t generation;
};

/*
 * As a reader, without the lock: whether anything may have expired. A store that cannot be read, or of which nobody knows
 * whether it is durable, is the writer's to judge, who says more of it.
 */
static enum status
look(struct expiring *expiring, bool *due, struct fault *fault)
{
	struct store *store;
	struct fault told = {0};
	enum status status = store_open(expiring->cli->store, &store, &told);
	*due = true;
	if (status == STATUS_MISSING)
		*fault = told;
	if (status != STATUS_OK)
		return status == STATUS_MISSING ? status : STATUS_OK;
	struct view *view = store_view_take(store);
	*due = !store_settled(store) || sweep_due(view, expiring->cli->now);
	expiring->generation = view->generation;
	view_drop(view);
	store_close(store);
	if (!*due)
		cli_recovered(expiring->cli, &told);
	return STATUS_OK;
}

static enum status
expire(struct expiring *expiring, struct fault *fault)
{
	struct store_write *write;
	uint64_t now = expiring->cli->now;
	bool due;
	expiring->counts = (struct author_counts){0};
	expiring->swept = (struct sweep_counts){0};
	enum status status = look(expiring, &due, fault);
	if (status != STATUS_OK || !due)
		return status;
	status = store_write_begin(expiring->cli->store, expiring->wait, NULL, &write, fault);
	if (status != STATUS_OK)
		return status;
	cli_recovered(expiring->cli, fault);
	status = sweep_write(write, now, &expiring->swept, &expiring->counts, fault);
	if (status != STATUS_OK) {
		store_write_abort(write);
		return status;
	}
	return store_write_commit(write, now, expiring->compact && expiring->counts.removed > 0,
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
	cli_json_flush(&json);
	json_fini(&json);
}

static int
expire_once(struct expiring *expiring)
{
	struct fault fault = {0};
	enum status status = expire(expiring, &fault);
	if (status == STATUS_STOPPED && expiring->every != 0)
		return CLI_NOTHING;
	if (status != STATUS_OK)
		return cli_error(expiring->cli, &fault);
	cli_verbose(expiring->cli, "claims of %" PRIu64 " keys were looked at", expiring->swept.read);
	if (expiring->every == 0 || expiring->counts.removed > 0)
		report(expiring);
	return expiring->counts.removed > 0 ? CLI_FOUND : CLI_NOTHING;
}

/* Folding may take long: whoever ends us does not wait for it, and it leaves the store as it was. */
static void
fold_between(const struct cli *cli)
{
	bool done;
	uint64_t generation;
	struct fault fault = {0};
	cli_interruptible_done();
	enum status status = store_compact(cli->store, false, cli->now, &done, &generation, &fault);
	cli_uninterruptible();
	if (status != STATUS_OK && status != STATUS_BUSY)
		cli_note(cli, "the layers could not be folded: %s", fault.text);
}

/* A round that fails is told, and the next one tries again: a full disk may be mended meanwhile. */
static int
expire_rounds(struct expiring *expiring)
{
	struct cli *cli = expiring->cli;
	int result = CLI_NOTHING;
	for (uint64_t round = 0; expiring->rounds == 0 || round < expiring->rounds; round++) {
		if (round > 0 && !cli_sleep(expiring->every))
			return CLI_FOUND;
		if (!cli->now_given)
			cli->now = clock_now();
		int status = expire_once(expiring);
		if (cli_interrupted())
			return CLI_FOUND;
		if (cli_output_failed())
			return CLI_ERROR;
		fflush(stdout);
		if (status == CLI_FOUND)
			fold_between(cli);
		if (result != CLI_ERROR && status != CLI_NOTHING)
			result = status;
	}
	return result;
}

static int
take_option(struct expiring *expiring, int option)
{
	struct cli *cli = expiring->cli;
	char *end;
	switch (option) {
	case OPTION_EVERY:
		return change_read_ttl(cli, &expiring->every);
	case OPTION_ROUNDS:
		expiring->rounds = strtoull(cli->value, &end, 10);
		if (cli->value[0] < '1' || cli->value[0] > '9' || *end != '\0' ||
		    strlen(cli->value) > 9)
			return cli_usage(cli, "'%s' is not a number of rounds", cli->value);
		return CLI_FOUND;
	case OPTION_COMPACT:
		expiring->compact = true;
		return CLI_FOUND;
	default:
		expiring->wait = true;
		return CLI_FOUND;
	}
}

static int
expire_run(struct cli *cli, int argc, char **argv)
{
	struct expiring expiring = {.cli = cli};
	int option;
	while ((option = cli_option(cli, argc, argv)) > 0)
		if (take_option(&expiring, option) != CLI_FOUND)
			return CLI_ERROR;
	if (option < 0)
		return cli->status;
	if (cli->operand_count > 0)
		return cli_usage(cli, "takes no value");
	if (expiring.rounds != 0 && expiring.every == 0)
		return cli_usage(cli, "--rounds is for --every");
	if (expiring.every == 0) {
		int status = expire_once(&expiring);
		if (status == CLI_FOUND)
			change_compact(cli);
		return status;
	}
	expiring.wait = true;
	return expire_rounds(&expiring);
}

const struct cli_command cmd_expire = {
	.name = "expire",
	.usage = "[--compact] [--wait] [--every DURATION [--rounds N]]",
	.summary = "take out what has expired",
	.about = "Removes every claim that has expired now, or at the time of --now, in one "
		 "transaction. No answer changes: look-ups test the expiry themselves, to the "
		 "second. The room on disk comes back when layers are folded, which happens by "
		 "itself when much has changed, or at once with --compact. Costs next to nothing "
		 "when nothing has expired: what has is found by the order of expiry, and if there "
		 "is nothing the writer's lock is not taken. Exit status 1 if nothing had.\n\n"
		 "With --every it stays and sweeps in rounds, each a transaction of its own, so that "
		 "no other program has to call it. It waits for other writers, prints only rounds "
		 "that removed something, tells of rounds that failed and goes on, and ends with "
		 "status 0 at SIGINT or SIGTERM.",
	.options = expire_options,
	.examples = "  repute expire\n"
		    "  repute expire --compact\n"
		    "  repute expire --every 1h\n",
	.run = expire_run,
};
