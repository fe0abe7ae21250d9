/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINES_SHOWN_BYTES 256 /* how much of an over-long line is handed out */

void
cli_lines_init(struct cli_lines *lines, int fd)
{
	lines->fd = fd;
	lines->skipping = lines->ended = false;
	lines->start = lines->end = 0;
	lines->number = 0;
	lines->waits = 0;
}

/* More bytes behind lines->end. STATUS_OK also at the end of input (`ended`). */
static enum status
lines_fill(struct cli_lines *lines, struct fault *fault)
{
	size_t kept = lines->end - lines->start;
	if (lines->start > 0) {
		memmove(lines->buffer, lines->buffer + lines->start, kept);
		lines->start = 0;
		lines->end = kept;
	}
	fflush(stdout);
	lines->waits++;
	for (unsigned interrupts = 0;; interrupts++) {
		ssize_t got = read(lines->fd, lines->buffer + kept, sizeof(lines->buffer) - kept);
		if (got >= 0) {
			lines->ended = got == 0;
			lines->end += (size_t)got;
			return STATUS_OK;
		}
		if (errno != EINTR || interrupts >= LIMIT_INTERRUPTS)
			return fault_errno(fault, errno, "standard input", "cannot read");
		if (cli_interrupted()) {
			lines->ended = true;
			lines->end = lines->start; /* half a line is not a value */
			return STATUS_OK;
		}
	}
}

/* The line start..start+length, its LF at the end perhaps, becomes the answer. */
static enum cli_outcome
line_give(struct cli_lines *lines, size_t length, size_t used, const char **text,
	  size_t *text_length)
{
	const char *line = lines->buffer + lines->start;
	lines->start += used;
	lines->number++;
	if (length > 0 && line[length - 1] == '\r')
		length--;
	*text = line;
	*text_length = length;
	if (length <= LIMIT_URL_INPUT_BYTES)
		return CLI_VALUE;
	*text_length = LINES_SHOWN_BYTES;
	return CLI_VALUE_TOO_LONG;
}

/* Drop the rest of an over-long line; false when more must be read for that. */
static bool
lines_skipped(struct cli_lines *lines)
{
	char *end = memchr(lines->buffer + lines->start, '\n', lines->end - lines->start);
	lines->start = end != NULL ? (size_t)(end + 1 - lines->buffer) : lines->end;
	lines->skipping = end == NULL && !lines->ended;
	return !lines->skipping;
}

enum cli_outcome
cli_lines_next(struct cli_lines *lines, const char **text, size_t *length, struct fault *fault)
{
	for (;;) {
		if (!lines->skipping || lines_skipped(lines)) {
			size_t have = lines->end - lines->start;
			char *line = lines->buffer + lines->start;
			char *end = memchr(line, '\n', have);
			if (end != NULL)
				return line_give(lines, (size_t)(end - line), (size_t)(end - line) + 1,
						 text, length);
			if (have == sizeof(lines->buffer)) {
				lines->skipping = true;
				return line_give(lines, have, have, text, length);
			}
			if (lines->ended && have > 0)
				return line_give(lines, have, have, text, length);
			if (lines->ended)
				return CLI_VALUES_END;
		}
		if (lines_fill(lines, fault) != STATUS_OK)
			return CLI_VALUES_FAIL;
	}
}

void
cli_values_init(struct cli_values *values, struct cli *cli, bool from_stdin)
{
	values->cli = cli;
	values->next = 0;
	values->from_stdin = from_stdin && cli->operand_count == 0;
	values->reading = values->from_stdin;
	cli_lines_init(&values->lines, STDIN_FILENO);
}

static bool
is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != ' ' && text[i] != '\t')
			return false;
	return true;
}

/* A list saved by an editor may begin with a byte order mark. */
static void
skip_mark(const struct cli_lines *lines, const char **text, size_t *length)
{
	if (lines->number == 1 && *length >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) {
		*text += 3;
		*length -= 3;
	}
}

static enum cli_outcome
value_from_stdin(struct cli_values *values, const char **text, size_t *length, struct fault *fault)
{
	for (;;) {
		enum cli_outcome outcome = cli_lines_next(&values->lines, text, length, fault);
		if (outcome == CLI_VALUE)
			skip_mark(&values->lines, text, length);
		if (outcome != CLI_VALUE || !is_blank(*text, *length))
			return outcome;
	}
}

enum cli_outcome
cli_values_next(struct cli_values *values, const char **text, size_t *length, struct fault *fault)
{
	struct cli *cli = values->cli;
	for (;;) {
		if (cli_interrupted() || cli_output_failed()) {
			cli->stopped = cli_interrupted();
			return CLI_VALUES_END;
		}
		if (values->reading) {
			enum cli_outcome outcome = value_from_stdin(values, text, length, fault);
			if (outcome != CLI_VALUES_END)
				return outcome;
			values->reading = false;
			continue;
		}
		if (values->next == cli->operand_count)
			return CLI_VALUES_END;
		*text = cli->operands[values->next++];
		if (strcmp(*text, "-") != 0) {
			*length = strlen(*text);
			return CLI_VALUE;
		}
		values->reading = true;
	}
}
