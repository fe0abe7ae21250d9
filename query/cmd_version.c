/* SPDX-License-Identifier: Apache-2.0 */
#include "query/commands.h"

#include <stdio.h>

#include "engine/canon.h"
#include "engine/version.h"

static int
version_run(struct cli *cli, int argc, char **argv)
{
	if (cli_option(cli, argc, argv) < 0)
		return cli->status;
	if (cli->operand_count > 0)
		return cli_usage(cli, "takes no value");
	if (cli->json)
		printf("{\"version\":\"%s\",\"canon\":%d}\n", VERSION_TEXT, CANON_VERSION);
	else
		printf("repute %s (canonical forms, version %d)\n", VERSION_TEXT, CANON_VERSION);
	return CLI_FOUND;
}

const struct cli_command cmd_version = {
	.name = "version",
	.usage = "",
	.summary = "show the version",
	.about = "The version of the program, and of the canonical forms: a store written with "
		 "another version of these is refused.",
	.run = version_run,
};
