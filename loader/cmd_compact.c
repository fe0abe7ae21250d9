/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/commands.h"

#include <inttypes.h>

#include "engine/store.h"
#include "loader/change.h"

static int
compact_run(struct cli *cli, int argc, char **argv)
{
	struct fault fault = {0};
	uint64_t generation;
	bool done;
	if (cli_option(cli, argc, argv) < 0)
		return cli->status;
	if (cli->operand_count > 0)
		return cli_usage(cli, "takes no value");
	cli_interruptible();
	if (change_store_exists(cli->store, &fault) != STATUS_OK ||
	    store_compact(cli->store, true, cli->now, &done, &generation, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	if (!done) {
		cli_note(cli, "one layer already: nothing to compact");
		return CLI_NOTHING;
	}
	cli_note(cli, "layers folded; generation %" PRIu64, generation);
	return CLI_FOUND;
}

const struct cli_command cmd_compact = {
	.name = "compact",
	.usage = "",
	.summary = "fold all layers of a store into one",
	.about = "Writes a new base that holds what the layers hold together, and publishes it. "
		 "Look-ups and writers go on meanwhile; what they add stays on top. Stopped at any "
		 "point, it leaves the store as it was. 'import' and 'expire' do it by themselves when more "
		 "than a quarter of the base has changed. Exit status 1 if there was nothing to fold.",
	.run = compact_run,
};
