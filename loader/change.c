/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/change.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/intern.h"
#include "engine/json.h"
#include "engine/store.h"
#include "loader/feed_source.h"

#define CLOCK_SLACK_SECONDS 86400 /* behind the last change, before it is told */

int
change_tags_add(struct cli *cli, struct change_tags *tags, const char *text)
{
	if (strchr(text, '=') == NULL)
		return cli_usage(cli, "--tag takes CATEGORY=VALUE, not '%s'", text);
	if (tags->count == LIMIT_TAGS_PER_CLAIM)
		return cli_usage(cli, "more than %d tags", LIMIT_TAGS_PER_CLAIM);
	tags->text[tags->count++] = text;
	return CLI_FOUND;
}

enum status
change_store_exists(const char *directory, struct fault *fault)
{
	struct store *store;
	enum status status = store_open(directory, &store, fault);
	if (status == STATUS_OK)
		store_close(store);
	/* damage is for the writer to judge, who says more of it */
	return status == STATUS_MISSING ? status : STATUS_OK;
}

/* The options say 0 for "not given": a zero taken as it stands would mean ten years. */
static int
time_given(struct cli *cli, enum status status, const struct fault *fault, uint64_t seconds)
{
	if (status != STATUS_OK)
		return cli_error(cli, fault);
	if (seconds == 0)
		return cli_usage(cli, "'%s' leaves no time to live", cli->value);
	return CLI_FOUND;
}

int
change_read_ttl(struct cli *cli, uint64_t *seconds)
{
	struct fault fault = {0};
	enum status status = clock_parse_duration(cli->value, strlen(cli->value), seconds, &fault);
	return time_given(cli, status, &fault, *seconds);
}

int
change_read_expires(struct cli *cli, uint64_t *seconds)
{
	struct fault fault = {0};
	enum status status = clock_parse(cli->value, strlen(cli->value), seconds, &fault);
	return time_given(cli, status, &fault, *seconds);
}

int
change_check_times(struct cli *cli, const struct ingest_options *options)
{
	if (options->ttl_seconds != 0 && options->expires != 0)
		return cli_usage(cli, "either --ttl or --expires, not both");
	return CLI_FOUND;
}

void
change_compact(const struct cli *cli)
{
	bool done;
	uint64_t generation;
	struct fault fault = {0};
	fflush(stdout);
	if (cli_interrupted())
		return;
	cli_interruptible();
	enum status status = store_compact(cli->store, false, cli->now, &done, &generation, &fault);
	if (status != STATUS_OK && status != STATUS_BUSY)
		cli_note(cli, "the layers could not be folded: %s", fault.text);
	else if (status == STATUS_OK && done)
		cli_verbose(cli, "layers folded; generation %" PRIu64, generation);
}

void
change_source_name(const char *path, char name[LIMIT_SOURCE_NAME_BYTES + 1])
{
	static const char *const packed[] = {".gz", ".zst", ".tar"};
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	size_t length = strlen(base);
	if (strcmp(path, "-") == 0)
		base = "stdin", length = strlen(base);
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		size_t end = strlen(packed[i]);
		if (length > end && memcmp(base + length - end, packed[i], end) == 0)
			length -= end;
	}
	if (length > LIMIT_SOURCE_NAME_BYTES)
		length = LIMIT_SOURCE_NAME_BYTES;
	memcpy(name, base, length);
	name[length] = '\0';
}

static void
report_json(const char *source, const struct ingest_result *result)
{
	struct json_writer json = {0};
	const struct { const char *name; uint64_t value; } rows[] = {
		{"read", result->read},
		{"added", result->counts.added},
		{"updated", result->counts.updated},
		{"unchanged", result->counts.unchanged},
		{"removed", result->counts.removed},
		{"rejected", result->rejected},
		{"generation", result->generation},
		{"duplicates", result->counts.duplicates},
		{"renewed", result->counts.renewed},
		{"defanged", result->defanged},
	};
	json_object_begin(&json);
	json_key(&json, "source");
	json_text(&json, source);
	json_key(&json, "format");
	json_text(&json, result->format);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_key(&json, rows[i].name);
		json_u64(&json, rows[i].value);
	}
	json_key(&json, "seconds");
	json_double(&json, result->seconds, 3);
	json_object_end(&json);
	json_line(&json);
	cli_json_flush(&json);
	json_fini(&json);
}

/* Expiries count from the clock as it is; who sets it right again should know. */
static void
note_clock(const struct cli *cli, uint64_t published)
{
	char now[CLOCK_TEXT_BYTES], before[CLOCK_TEXT_BYTES];
	if (published <= clock_add(cli->now, CLOCK_SLACK_SECONDS))
		return;
	clock_print(cli->now, now);
	clock_print(published, before);
	cli_note(cli, "the clock says %s, but this store was last changed at %s: one of them is wrong",
		 now, before);
}

void
change_report(const struct cli *cli, const char *source, const struct ingest_result *result)
{
	const struct author_counts *counts = &result->counts;
	note_clock(cli, result->published);
	if (cli->json) {
		report_json(source, result);
		return;
	}
	if (cli->quiet)
		return;
	cli_put(stdout, source, strlen(source));
	printf(" (%s): read %" PRIu64 ", added %" PRIu64 ", updated %" PRIu64 ", unchanged %" PRIu64
	       ", removed %" PRIu64 ", rejected %" PRIu64 "; generation %" PRIu64 ", %.2f s\n",
	       result->format, result->read, counts->added, counts->updated, counts->unchanged,
	       counts->removed, result->rejected, result->generation, result->seconds);
	if (result->defanged > 0)
		cli_note(cli, "%" PRIu64 " times: a value was defanged", result->defanged);
	if (result->schemeless > 0)
		cli_note(cli, "%" PRIu64 " times: a URL without a scheme was read as http://",
			 result->schemeless);
	for (size_t i = 0; i < INGEST_NOTES && result->note[i].text != NULL; i++)
		cli_note(cli, "%" PRIu64 " times: %s", result->note[i].count, result->note[i].text);
}

static enum status
source_read_all(struct feed_source *source, const char *name, size_t most, char **bytes,
		size_t *length, struct fault *fault)
{
	size_t capacity = 0, got;
	enum status status;
	do {
		void *grown = *bytes;
		status = intern_grow(&grown, &capacity, *length + FEED_SOURCE_BYTES, 1, fault);
		if (status != STATUS_OK)
			return status;
		*bytes = grown;
		status = feed_source_read(source, (uint8_t *)*bytes + *length, FEED_SOURCE_BYTES,
					  &got, fault);
		if (status != STATUS_OK)
			return status;
		*length += got;
		if (*length > most)
			return fault_set(fault, STATUS_LIMIT, name, 0, "more than %zu bytes", most);
	} while (got > 0);
	return STATUS_OK;
}

enum status
change_read_file(const char *path, const char *name, size_t most, char **bytes, size_t *length,
		 struct fault *fault)
{
	struct feed_source *source;
	char *read = NULL;
	size_t read_length = 0;
	enum status status = feed_source_open_path(path, name, &source, fault);
	if (status != STATUS_OK)
		return status;
	status = source_read_all(source, name, most, &read, &read_length, fault);
	feed_source_close(source);
	if (status != STATUS_OK) {
		free(read);
		return status;
	}
	*bytes = read;
	*length = read_length;
	return STATUS_OK;
}
