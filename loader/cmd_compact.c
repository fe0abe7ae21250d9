/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/commands.h"

#include <inttypes.h>

#include "engine/store.h"
#include "loader/change.h"

enum { OPTION_WAIT = 1 };

static const struct cli_option compact_options[] = {
	{OPTION_WAIT, "wait", 'w', NULL, NULL, "wait for another writer instead of giving up"},
	{0}
};

static int
compact_run(struct cli *cli, int argc, char **argv)
{
	struct store_write *write;
	struct fault fault = {0};
	uint64_t generation, before;
	bool wait = false;
	int option;
	while ((option = cli_option(cli, argc, argv)) > 0)
		wait = true;
	if (option < 0)
		return cli->status;
	if (change_store_exists(cli->store, &fault) != STATUS_OK ||
	    store_write_begin(cli->store, wait, NULL, &write, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	before = store_write_view(write)->generation;
	if (store_write_commit(write, cli->now, true, &generation, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	if (generation == before) {
		cli_note(cli, "one layer already: nothing to compact");
		return CLI_NOTHING;
	}
	cli_note(cli, "generation %" PRIu64 " has one layer", generation);
	return CLI_FOUND;
}

const struct cli_command cmd_compact = {
	.name = "compact",
	.usage = "[--wait]",
	.summary = "fold all layers of a store into one",
	.about = "Writes a new base that holds what the layers hold together, and publishes it. "
		 "Look-ups go on meanwhile. Exit status 1 if there was nothing to fold.",
	.options = compact_options,
	.run = compact_run,
};
