/* SPDX-License-Identifier: Apache-2.0 */
/* `repute profile import|export|list|show|remove`: the profiles of a store. */
#include "query/cmd_profile.h"

#include <string.h>

#include "engine/store.h"
#include "query/commands.h"

enum { OPTION_WAIT = 1, OPTION_DRY_RUN };

static const struct cli_option profile_options[] = {
	{OPTION_DRY_RUN, "dry-run", 'n', NULL, NULL, "import: say what would change, change nothing"},
	{OPTION_WAIT, "wait", 'w', NULL, NULL, "wait for another writer instead of giving up"},
	{0}
};

enum status
profile_cmd_parse(const struct profile_row *row, const struct catalog *catalog,
		  struct profile **profile, struct fault *fault)
{
	enum status status = profile_parse(row->text, row->text_length, catalog, profile, fault);
	if (status != STATUS_OK)
		snprintf(fault->where, sizeof(fault->where), "profile %.100s", row->name);
	return status;
}

int
profile_cmd_missing(struct cli *cli, const struct catalog *catalog, const char *name)
{
	const char *names[LIMIT_PROFILES + 1];
	size_t count = 0;
	while (count < catalog->profile_count) {
		names[count] = catalog->profiles[count]->name;
		count++;
	}
	names[count] = NULL;
	const char *near = cli_near(name, names);
	cli_note(cli, "there is no profile '%s'%s%s%s", name, near != NULL ? "; did you mean '" : "",
		 near != NULL ? near : "", near != NULL ? "'?" : "");
	return CLI_NOTHING;
}

static int
profile_export(struct cli *cli, const char *name)
{
	struct store *store;
	struct fault fault = {0};
	int result = CLI_FOUND;
	if (store_open(cli->store, &store, &fault) != STATUS_OK)
		return cli_error(cli, &fault);
	cli_recovered(cli, &fault);
	struct view *view = store_view_take(store);
	const struct profile_row *row = catalog_profile(&view->catalog, name, strlen(name));
	if (row == NULL)
		result = profile_cmd_missing(cli, &view->catalog, name);
	else
		fwrite(row->text, 1, row->text_length, stdout);
	view_drop(view);
	store_close(store);
	return result;
}

/* --- remove ------------------------------------------------------------------------- */

/* A profile that cannot be read any more may go, whatever it says of locks. */
static enum status
remove_allowed(struct cli *cli, const struct catalog *catalog, const char *name,
	       struct fault *fault)
{
	const struct profile_row *row = catalog_profile(catalog, name, strlen(name));
	struct fault inner = {0};
	struct profile *profile;
	enum status status = STATUS_OK;
	if (row == NULL)
		return STATUS_OK;
	if (profile_cmd_parse(row, catalog, &profile, &inner) != STATUS_OK) {
		cli_verbose(cli, "%s: %s", inner.where, inner.text);
		return inner.status == STATUS_NO_MEMORY ? STATUS_NO_MEMORY : STATUS_OK;
	}
	for (size_t i = 0; i < profile->filter_count && status == STATUS_OK; i++) {
		if (profile->filters[i].locked)
			status = fault_set(fault, STATUS_REFUSED, NULL, 0,
					   "the profile stays: its filter \"%.64s\" is locked; import it "
					   "with locked = no first", profile->filters[i].name);
	}
	profile_free(profile);
	return status;
}

static enum status
remove_row(struct cli *cli, struct store_write *write, const char *name, struct fault *fault)
{
	struct catalog *catalog = store_write_catalog(write);
	enum status status = remove_allowed(cli, catalog, name, fault);
	return status == STATUS_OK ? catalog_profile_remove(catalog, name, strlen(name), fault)
				   : status;
}

static enum status
store_exists(const char *directory, struct fault *fault)
{
	struct store *store;
	enum status status = store_open(directory, &store, fault);
	if (status == STATUS_OK)
		store_close(store);
	return status == STATUS_MISSING ? status : STATUS_OK;
}

static int
profile_remove(struct cli *cli, const char *name, bool wait)
{
	struct store_write *write;
	struct fault fault = {0};
	uint64_t generation;
	int result = CLI_FOUND;
	enum status status = store_exists(cli->store, &fault);
	if (status == STATUS_OK)
		status = store_write_begin(cli->store, wait, NULL, &write, &fault);
	if (status != STATUS_OK)
		return cli_error(cli, &fault);
	cli_recovered(cli, &fault);
	status = remove_row(cli, write, name, &fault);
	if (status == STATUS_OK) {
		store_write_touch(write);
		status = store_write_commit(write, cli->now, false, &generation, &fault);
		return status == STATUS_OK ? CLI_FOUND : cli_error(cli, &fault);
	}
	result = status == STATUS_MISSING
			 ? profile_cmd_missing(cli, store_write_catalog(write), name)
			 : cli_error(cli, &fault);
	store_write_abort(write);
	return result;
}

/* --- the command ---------------------------------------------------------------------- */

static int
profile_run(struct cli *cli, int argc, char **argv)
{
	bool wait = false, dry_run = false;
	int option;
	while ((option = cli_option(cli, argc, argv)) > 0) {
		wait |= option == OPTION_WAIT;
		dry_run |= option == OPTION_DRY_RUN;
	}
	if (option < 0)
		return cli->status;
	const char *verb = cli->operand_count > 0 ? cli->operands[0] : "list";
	if (strcmp(verb, "list") == 0 && cli->operand_count <= 1)
		return profile_cmd_list(cli);
	const char *operand = cli->operand_count == 2 ? cli->operands[1] : NULL;
	if (operand != NULL && strcmp(verb, "import") == 0)
		return profile_cmd_import(cli, operand, wait, dry_run);
	if (operand != NULL && strcmp(verb, "export") == 0)
		return profile_export(cli, operand);
	if (operand != NULL && strcmp(verb, "show") == 0)
		return profile_cmd_show(cli, operand);
	if (operand != NULL && strcmp(verb, "remove") == 0)
		return profile_remove(cli, operand, wait);
	return cli_usage(cli, "profile import FILE, profile list, or profile export, show or remove "
			 "NAME");
}

const struct cli_command cmd_profile = {
	.name = "profile",
	.usage = "import FILE | export NAME | list | show NAME | remove NAME",
	.summary = "the profiles of a store: filters, actions, exceptions",
	.about = "A profile says what a device does with what the store knows: filters in order, "
		 "each with a condition on tags and an action, and exceptions, which always win. It "
		 "is written as an INI file and kept in the store in canonical form:\n\n"
		 "  [profile]\n"
		 "  name = perimeter\n\n"
		 "  [action \"Block + Notify\"]\n"
		 "  flow = block             ; permit block rate-limit trust quarantine\n"
		 "  notify = yes\n\n"
		 "  [filter \"High severity\"]\n"
		 "  action = Block + Notify\n"
		 "  kinds = ipv4 ipv6 domain url\n"
		 "  where = \"Trend Micro Severity\" = High\n\n"
		 "  [exception \"office\"]\n"
		 "  ip = 192.0.2.0/24        ; or domain = *.corp.example, url = http://a.example/\\*\n"
		 "  owner = netops\n\n"
		 "import puts the profile of that name, or takes the place of the one there, and says "
		 "what that changes; the same again changes nothing. A locked filter cannot be "
		 "changed, removed or overtaken, and a profile with one cannot be removed: take the "
		 "lock away first. export writes the profile as import reads it, without comments. "
		 "FILE may be - for standard input.\n\n"
		 "Exit status 1 if there is no such profile.",
	.options = profile_options,
	.examples = "  repute profile import perimeter.ini\n"
		    "  repute profile show perimeter\n"
		    "  repute profile export perimeter >perimeter.ini\n",
	.run = profile_run,
};
