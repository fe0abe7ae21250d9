/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `repute`: the one place where loader/ and query/ meet. A command
 * is a row here and a file of its own. The order is the order of help.
 */
#include "engine/guard.h"
#include "loader/commands.h"
#include "query/commands.h"
#include "query/profile_uses.h"

static const struct cli_command *const commands[] = {
	&cmd_import,
	&cmd_add,
	&cmd_remove,
	&cmd_lookup,
	&cmd_check,
	&cmd_preview,
	&cmd_inspect,
	&cmd_list,
	&cmd_retag,
	&cmd_profile,
	&cmd_tag,
	&cmd_source,
	&cmd_info,
	&cmd_stats,
	&cmd_verify,
	&cmd_expire,
	&cmd_compact,
	&cmd_dump,
	&cmd_normalize,
	&cmd_help,
	&cmd_version,
	NULL
};

static const struct cli_program repute_program = {
	.name = "repute",
	.summary = "reputation of addresses, domains, URLs and files",
	.about = "Keeps what feeds, services and people say about IP prefixes, domains, URLs "
		 "and file hashes, and answers what is known about a value, who said it and "
		 "until when it holds.",
	.commands = commands,
};

int
main(int argc, char **argv)
{
	/* whatever is mapped: who cuts it kills no command; without it all else works */
	(void)guard_install(NULL);
	cmd_tag_may_remove = profile_uses_check;
	return cli_main(&repute_program, argc, argv);
}
