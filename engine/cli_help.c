/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help in its three shapes, all out of the command table: text for a terminal,
 * mdoc(7) for man, and a completion function for bash.
 */
#include "engine/cli.h"

#include <stdio.h>
#include <string.h>

#include "engine/version.h"

#define HELP_COLUMNS 80
#define HELP_TAB 26 /* where the second column of lists begins */

static const char environment_text[] =
	"REPUTE_STORE is the store to work on; --store wins over it. Without both it is "
	"/var/lib/repute for root, else repute below $XDG_DATA_HOME (~/.local/share). "
	"NO_COLOR switches colour off.";

static const struct cli_command *
find(const struct cli *cli, const char *name)
{
	for (size_t i = 0; cli->program->commands[i] != NULL; i++)
		if (strcmp(cli->program->commands[i]->name, name) == 0)
			return cli->program->commands[i];
	return NULL;
}

/* ---- paragraphs ---- */

/* One line of `about`: its length without LF, and whether it stands as it is. */
static size_t
line_length(const char *line)
{
	return strcspn(line, "\n");
}

static void
put_word(const char *word, size_t length, size_t indent, size_t *column)
{
	if (*column > indent && *column + 1 + length > HELP_COLUMNS) {
		printf("\n%*s", (int)indent, "");
		*column = indent;
	}
	if (*column > indent) {
		putchar(' ');
		++*column;
	}
	fwrite(word, 1, length, stdout);
	*column += length;
}

/* Fill `text` into lines from the present column on, later lines at `indent`. */
static void
put_filled(const char *text, size_t length, size_t indent, size_t *column)
{
	const char *end = text + length;
	while (text < end) {
		size_t blanks = strspn(text, " \n");
		size_t word = strcspn(text + blanks, " \n");
		text += blanks;
		if (text >= end || word == 0)
			return;
		put_word(text, word < (size_t)(end - text) ? word : (size_t)(end - text), indent,
			 column);
		text += word;
	}
}

/* Paragraphs are filled, lines that begin with a blank are not. */
static void
put_about(const char *about)
{
	size_t column = 0;
	while (*about != '\0') {
		size_t length = line_length(about);
		bool verbatim = *about == ' ' || length == 0;
		if (verbatim && column > 0)
			putchar('\n');
		if (verbatim) {
			printf("%.*s\n", (int)length, about);
			column = 0;
		} else {
			put_filled(about, length, 0, &column);
		}
		about += length + (about[length] == '\n');
	}
	if (column > 0)
		putchar('\n');
}

/* ---- text ---- */

static void
put_option(const struct cli_option *option)
{
	char left[64], letter[8] = "    ";
	size_t column;
	if (option->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	column = (size_t)snprintf(left, sizeof(left), "  %s--%s%s%s", letter, option->name,
				  option->argument ? " " : "",
				  option->argument ? option->argument : "");
	fputs(left, stdout);
	if (column + 2 > HELP_TAB)
		printf("\n%*s", HELP_TAB, "");
	else
		printf("%*s", (int)(HELP_TAB - column), "");
	column = HELP_TAB;
	put_filled(option->help, strlen(option->help), HELP_TAB, &column);
	if (option->values != NULL) {
		put_word("(one of:", 8, HELP_TAB, &column);
		put_filled(option->values, strlen(option->values), HELP_TAB, &column);
		putchar(')');
	}
	putchar('\n');
}

static void
put_options(const char *title, const struct cli_option *options)
{
	if (options == NULL || options->id == 0)
		return;
	printf("\n%s:\n", title);
	for (; options->id != 0; options++)
		put_option(options);
}

static int
help_command(const struct cli *cli, const struct cli_command *command)
{
	printf("Usage: %s %s%s%s\n\n", cli->program->name, command->name,
	       command->usage[0] != '\0' ? " " : "", command->usage);
	put_about(command->about);
	put_options("Options", command->options);
	put_options("Options of every command", cli_global_options);
	if (command->examples != NULL)
		printf("\nExamples:\n%s", command->examples);
	return CLI_FOUND;
}

int
cli_help(struct cli *cli, const char *name)
{
	const struct cli_program *program = cli->program;
	if (name != NULL) {
		const struct cli_command *command = find(cli, name);
		return command != NULL ? help_command(cli, command) : cli_command_unknown(cli, name);
	}
	printf("Usage: %s [OPTIONS] COMMAND [ARGUMENTS]\n\n", program->name);
	put_about(program->about);
	printf("\nCommands:\n");
	for (size_t i = 0; program->commands[i] != NULL; i++)
		if (!program->commands[i]->hidden)
			printf("  %-12s%s\n", program->commands[i]->name,
			       program->commands[i]->summary);
	put_options("Options of every command", cli_global_options);
	printf("\n'%s help COMMAND' says more about one of them.\n", program->name);
	return CLI_FOUND;
}

int
cli_help_commands(struct cli *cli)
{
	for (size_t i = 0; cli->program->commands[i] != NULL; i++)
		if (!cli->program->commands[i]->hidden)
			puts(cli->program->commands[i]->name);
	return CLI_FOUND;
}

/* ---- mdoc ---- */

/* Text for roff: backslashes, and hyphens that must stay hyphens when copied. */
static void
roff_text(const char *text, size_t length)
{
	if (length > 0 && (*text == '.' || *text == '\''))
		fputs("\\&", stdout);
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\\')
			fputs("\\e", stdout);
		else if (text[i] == '-')
			fputs("\\-", stdout);
		else
			putchar(text[i]);
	}
}

static void
roff_line(const char *text)
{
	roff_text(text, strlen(text));
	putchar('\n');
}

/* A sentence a line, as mdoc wants it. */
static void
roff_sentences(const char *text, size_t length)
{
	const char *end = text + length;
	while (text < end) {
		const char *stop = text;
		while (stop < end && !(*stop == '.' && stop + 1 < end && stop[1] == ' '))
			stop++;
		stop = stop < end ? stop + 1 : end;
		roff_text(text, (size_t)(stop - text));
		putchar('\n');
		text = stop < end ? stop + 1 : end;
	}
}

/* Consecutive verbatim lines stand in one display; a blank line is a paragraph. */
static void
roff_about(const char *about)
{
	bool display = false, paragraph = false;
	while (*about != '\0') {
		size_t length = line_length(about);
		bool verbatim = *about == ' ';
		if (verbatim != display && length > 0) {
			puts(verbatim ? ".Bd -literal -offset indent" : ".Ed");
			display = verbatim;
			paragraph = false;
		}
		if (length > 0 && paragraph)
			puts(".Pp");
		paragraph = length == 0;
		if (verbatim) {
			roff_text(about + strspn(about, " "), length - strspn(about, " "));
			putchar('\n');
		} else if (length > 0) {
			roff_sentences(about, length);
		}
		about += length + (about[length] == '\n');
	}
	if (display)
		puts(".Ed");
}

static void
roff_options(const struct cli_option *options)
{
	if (options == NULL || options->id == 0)
		return;
	puts(".Bl -tag -width Ds");
	for (; options->id != 0; options++) {
		fputs(".It ", stdout);
		if (options->letter != 0)
			printf("Fl %c , ", options->letter);
		printf("Fl \\-%s", options->name);
		if (options->argument != NULL)
			printf(" Ar %s", options->argument);
		putchar('\n');
		roff_text(options->help, strlen(options->help));
		if (options->values != NULL) {
			fputs("\n(one of: ", stdout);
			roff_text(options->values, strlen(options->values));
			putchar(')');
		}
		puts(".");
	}
	puts(".El");
}

/* `page` in capitals, as .Dt wants it. */
static void
roff_head(const char *program, const char *command, const char *summary)
{
	const char *parts[] = {program, command != NULL ? "-" : "", command != NULL ? command : ""};
	printf(".\\\" Made by '%s help --man'. Change the command's table, not this page.\n",
	       program);
	printf(".Dd %s\n.Dt ", VERSION_DATE);
	for (size_t i = 0; i < 3; i++)
		for (const char *c = parts[i]; *c != '\0'; c++)
			putchar(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
	printf(" 1\n.Os\n.Sh NAME\n.Nm %s%s%s\n.Nd ", program, parts[1], parts[2]);
	roff_line(summary);
}

/* The listed command that follows `last` in the order of names; NULL: the first, then the end. */
static const struct cli_command *
command_after(const struct cli_program *program, const struct cli_command *last)
{
	const struct cli_command *best = NULL;
	for (size_t i = 0; program->commands[i] != NULL; i++) {
		const struct cli_command *command = program->commands[i];
		if (command->hidden || (last != NULL && strcmp(command->name, last->name) <= 0))
			continue;
		if (best == NULL || strcmp(command->name, best->name) < 0)
			best = command;
	}
	return best;
}

static void
roff_tail(const struct cli *cli, const struct cli_command *command)
{
	puts(".Sh ENVIRONMENT");
	roff_sentences(environment_text, strlen(environment_text));
	puts(".Sh EXIT STATUS\n"
	     "0 if something was found or done, 1 if nothing was found or nothing was to be done,\n"
	     "2 if there was an error.");
	if (command != NULL && command->examples != NULL) {
		puts(".Sh EXAMPLES");
		roff_about(command->examples);
	}
	puts(".Sh SEE ALSO");
	if (command != NULL) {
		printf(".Xr %s 1\n", cli->program->name);
		return;
	}
	const struct cli_command *last = NULL, *next;
	while ((next = command_after(cli->program, last)) != NULL) {
		printf("%s.Xr %s-%s 1", last != NULL ? " ,\n" : "", cli->program->name, next->name);
		last = next;
	}
	putchar('\n');
}

static void
man_program(const struct cli *cli)
{
	const struct cli_program *program = cli->program;
	roff_head(program->name, NULL, program->summary);
	puts(".Sh SYNOPSIS\n.Nm\n.Op Ar OPTIONS\n.Ar COMMAND\n.Op Ar ARGUMENTS\n.Sh DESCRIPTION");
	roff_about(program->about);
	puts(".Pp\nThe commands are:\n.Bl -tag -width Ds");
	for (size_t i = 0; program->commands[i] != NULL; i++) {
		if (program->commands[i]->hidden)
			continue;
		printf(".It Cm %s\n", program->commands[i]->name);
		roff_line(program->commands[i]->summary);
	}
	puts(".El\n.Pp\nOptions of every command, before or after its name:");
	roff_options(cli_global_options);
	roff_tail(cli, NULL);
}

static void
man_command(const struct cli *cli, const struct cli_command *command)
{
	roff_head(cli->program->name, command->name, command->summary);
	printf(".Sh SYNOPSIS\n.Nm %s Cm %s\n", cli->program->name, command->name);
	if (command->usage[0] != '\0')
		roff_line(command->usage);
	puts(".Sh DESCRIPTION");
	roff_about(command->about);
	if (command->options != NULL && command->options->id != 0) {
		puts(".Pp\nThe options are:");
		roff_options(command->options);
	}
	printf(".Pp\nThe options of every command stand in\n.Xr %s 1 .\n", cli->program->name);
	roff_tail(cli, command);
}

int
cli_help_man(struct cli *cli, const char *name)
{
	if (name == NULL) {
		man_program(cli);
		return CLI_FOUND;
	}
	const struct cli_command *command = find(cli, name);
	if (command == NULL)
		return cli_command_unknown(cli, name);
	man_command(cli, command);
	return CLI_FOUND;
}

/* ---- bash ---- */

static void
complete_options(const struct cli_option *options)
{
	for (; options != NULL && options->id != 0; options++)
		printf(" --%s", options->name);
}

/* `--kind) words ...` rows for what stands after an option. */
static void
complete_arguments(const struct cli_option *options)
{
	for (; options != NULL && options->id != 0; options++) {
		if (options->argument == NULL)
			continue;
		printf("\t--%s", options->name);
		if (options->letter != 0)
			printf("|-%c", options->letter);
		if (options->values != NULL)
			printf(") words='%s' ;;\n", options->values);
		else if (strstr(options->argument, "DIR") != NULL)
			puts(") kind=-d ;;");
		else if (strstr(options->argument, "FILE") != NULL)
			puts(") kind=-f ;;");
		else
			puts(") return ;;");
	}
}

/* The verbs of a command whose usage begins with one, as in "list | set NAME | remove NAME". */
static void
complete_verbs(const char *usage)
{
	if (*usage < 'a' || *usage > 'z')
		return;
	fputs("\tverbs='", stdout);
	for (; usage != NULL; usage = strchr(usage, '|')) {
		usage += strspn(usage, "| ");
		printf("%.*s ", (int)strcspn(usage, " "), usage);
	}
	puts("'");
}

static void
complete_command(const struct cli_command *command)
{
	printf("\t%s)\n", command->name);
	complete_verbs(command->usage);
	fputs("\twords='", stdout);
	complete_options(command->options);
	puts("'\n\tcase $prev in");
	complete_arguments(command->options);
	puts("\tesac ;;");
}

int
cli_help_completion(struct cli *cli)
{
	const struct cli_program *program = cli->program;
	printf("# bash completion for %s, made by '%s help --completion'\n_%s()\n{\n", program->name,
	       program->name, program->name);
	puts("\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	     "\tlocal command= words= verbs= kind= i\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase ${COMP_WORDS[i]} in\n"
	     "\t\t--store|--now) ((i++)) ;;\n"
	     "\t\t-*) ;;\n"
	     "\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tcase $command in");
	fputs("\t'') words='", stdout);
	for (size_t i = 0; program->commands[i] != NULL; i++)
		if (!program->commands[i]->hidden)
			printf("%s ", program->commands[i]->name);
	puts("' ;;\n\thelp) words=$(\"${COMP_WORDS[0]}\" help --commands 2>/dev/null) ;;");
	for (size_t i = 0; program->commands[i] != NULL; i++)
		if (!program->commands[i]->hidden && strcmp(program->commands[i]->name, "help") != 0)
			complete_command(program->commands[i]);
	puts("\tesac\n\tcase $prev in");
	complete_arguments(cli_global_options);
	puts("\tesac");
	fputs("\tif [[ $cur == -* ]]; then words+='", stdout);
	complete_options(cli_global_options);
	puts("'; elif [[ -n $verbs && $prev == \"$command\" ]]; then words=$verbs\n"
	     "\telif [[ -n $command && $command != help && $prev != -* ]]; then words=; kind=-f; fi\n"
	     "\tmapfile -t COMPREPLY < <(\n"
	     "\t\tif [[ -n $kind ]]; then compgen \"$kind\" -- \"$cur\"\n"
	     "\t\telse compgen -W \"$words\" -- \"$cur\"; fi)");
	printf("}\ncomplete -o filenames -F _%s %s\n", program->name, program->name);
	return CLI_FOUND;
}
