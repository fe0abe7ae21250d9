/* SPDX-License-Identifier: Apache-2.0 */
#include "query/commands.h"

enum {
	OPTION_MAN = 1,
	OPTION_COMPLETION,
	OPTION_COMMANDS
};

static const struct cli_option help_options[] = {
	{OPTION_MAN, "man", 0, NULL, NULL, "the manual page, as mdoc(7)"},
	{OPTION_COMPLETION, "completion", 0, NULL, NULL, "the completion function for bash"},
	{OPTION_COMMANDS, "commands", 0, NULL, NULL, "the names of the commands, one a line"},
	{0}
};

static int
help_run(struct cli *cli, int argc, char **argv)
{
	int option, shape = 0;
	while ((option = cli_option(cli, argc, argv)) > 0)
		shape = option;
	if (option < 0)
		return cli->status;
	if (cli->operand_count > 1)
		return cli_usage(cli, "one command at a time");
	const char *command = cli->operand_count == 1 ? cli->operands[0] : NULL;
	if (shape == OPTION_MAN)
		return cli_help_man(cli, command);
	if (shape == OPTION_COMPLETION)
		return cli_help_completion(cli);
	if (shape == OPTION_COMMANDS)
		return cli_help_commands(cli);
	return cli_help(cli, command);
}

const struct cli_command cmd_help = {
	.name = "help",
	.usage = "[--man | --completion | --commands] [COMMAND]",
	.summary = "show help about a command",
	.about = "Without COMMAND: the list of the commands. The manual pages and the completion "
		 "function for bash are made of the same text.",
	.options = help_options,
	.examples = "  repute help normalize\n"
		    "  repute help --man normalize | man -l -\n"
		    "  repute help --completion >~/.local/share/bash-completion/completions/repute\n",
	.run = help_run,
};
