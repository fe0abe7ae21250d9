/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands that this folder drives, one file each (loader/cmd_NAME.c).
 * query/repute_main.c puts them in its table together with query/commands.h.
 */
#ifndef LOADER_COMMANDS_H
#define LOADER_COMMANDS_H

#include "engine/catalog.h"
#include "engine/cli.h"

extern const struct cli_command cmd_add;
extern const struct cli_command cmd_import;
extern const struct cli_command cmd_remove;
extern const struct cli_command cmd_tag;
extern const struct cli_command cmd_source;
extern const struct cli_command cmd_compact;
extern const struct cli_command cmd_expire;

/*
 * May a tag category go? Asked before one is removed; `name` as defined. The program sets it
 * to who knows what profiles ask (query/profile_uses.h). NULL: yes.
 */
extern enum status (*cmd_tag_may_remove)(const struct catalog *catalog, const char *name,
					 size_t length, struct fault *fault);

#endif
