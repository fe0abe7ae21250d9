/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of `repute profile`, private to cmd_profile*.c. Each returns the exit status. */
#ifndef QUERY_CMD_PROFILE_H
#define QUERY_CMD_PROFILE_H

#include "engine/cli.h"
#include "query/profile.h"

/* For "%zu filter%s": one is not many. */
#define COUNTED(n) (n), (n) == 1 ? "" : "s"

/* `path` "-" is stdin. */
int
profile_cmd_import(struct cli *cli, const char *path, bool wait, bool dry_run);
int
profile_cmd_list(struct cli *cli);
int
profile_cmd_show(struct cli *cli, const char *name);

/* A row's text, parsed; the fault names the profile. */
enum status
profile_cmd_parse(const struct profile_row *row, const struct catalog *catalog,
		  struct profile **profile, struct fault *fault);

/* "there is no profile 'NAME'; did you mean ..."; CLI_NOTHING. */
int
profile_cmd_missing(struct cli *cli, const struct catalog *catalog, const char *name);

#endif
