/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands that this folder drives, one file each (query/cmd_NAME.c).
 * query/repute_main.c puts them in its table together with loader/commands.h.
 */
#ifndef QUERY_COMMANDS_H
#define QUERY_COMMANDS_H

#include "engine/cli.h"

extern const struct cli_command cmd_check;
extern const struct cli_command cmd_dump;
extern const struct cli_command cmd_help;
extern const struct cli_command cmd_info;
extern const struct cli_command cmd_inspect;
extern const struct cli_command cmd_list;
extern const struct cli_command cmd_lookup;
extern const struct cli_command cmd_normalize;
extern const struct cli_command cmd_retag;
extern const struct cli_command cmd_stats;
extern const struct cli_command cmd_preview;
extern const struct cli_command cmd_profile;
extern const struct cli_command cmd_verify;
extern const struct cli_command cmd_version;

#endif
