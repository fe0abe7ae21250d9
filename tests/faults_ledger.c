/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults_ledger.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/segment_check.h"
#include "tests/scratch.h"

static void
lines_add(struct ledger *ledger, char *line)
{
	ledger->lines = realloc(ledger->lines, (ledger->count + 1) * sizeof(*ledger->lines));
	if (ledger->lines == NULL || line == NULL)
		abort();
	ledger->lines[ledger->count++] = line;
}

/* Length of the first three fields with the bars behind them. */
static size_t
which_length(const char *line)
{
	size_t at = 0;
	for (int field = 0; field < 3; field++)
		at += strcspn(line + at, "|") + 1;
	return at;
}

static bool
is_line(const char *line, const char *which)
{
	size_t length = which_length(line) - 1;
	return strlen(which) >= length && strncmp(line, which, length) == 0 &&
	       (which[length] == '|' || which[length] == '\0');
}

static char **
line_find(const struct ledger *ledger, const char *which)
{
	for (size_t i = 0; i < ledger->count; i++)
		if (is_line(ledger->lines[i], which))
			return &ledger->lines[i];
	return NULL;
}

void
ledger_put(struct ledger *ledger, const char *format, ...)
{
	va_list rest;
	char *line = NULL;
	va_start(rest, format);
	if (vasprintf(&line, format, rest) < 0)
		abort();
	va_end(rest);
	char **old = line_find(ledger, line);
	if (old == NULL) {
		lines_add(ledger, line);
	} else {
		free(*old);
		*old = line;
	}
}

void
ledger_drop(struct ledger *ledger, const char *which)
{
	char **line = line_find(ledger, which);
	if (line == NULL) {
		fprintf(stderr, "the ledger has no %s\n", which);
		abort();
	}
	free(*line);
	*line = ledger->lines[--ledger->count];
}

void
ledger_copy(const struct ledger *from, struct ledger *to)
{
	*to = (struct ledger){0};
	for (size_t i = 0; i < from->count; i++)
		lines_add(to, strdup(from->lines[i]));
}

void
ledger_fini(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->count; i++)
		free(ledger->lines[i]);
	free(ledger->lines);
	*ledger = (struct ledger){0};
}

char *
ledger_text(const struct ledger *ledger)
{
	struct ledger copy;
	ledger_copy(ledger, &copy);
	return scratch_join(copy.lines, copy.count);
}

/* --- out of a store ------------------------------------------------------------------------ */

static void
read_category(struct ledger *ledger, const struct tag_category *category)
{
	char text[1024] = "";
	size_t length = 0;
	for (size_t i = 0; i < category->value_count; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, " %s",
					   category->values[i]);
	ledger_put(ledger, "=tag|%s||%s%s %" PRId64 "..%" PRId64, category->name,
		   tag_type_name(category->type), text, category->min, category->max);
}

static void
read_catalog(struct ledger *ledger, const struct catalog *catalog)
{
	struct catalog predefined;
	struct fault fault = {0};
	if (catalog_init(&predefined, &fault) != STATUS_OK)
		abort();
	ledger_put(ledger, "=tags|||%zu", catalog->category_count);
	for (size_t i = 0; i < catalog->category_count; i++) {
		const char *name = catalog->categories[i]->name;
		if (catalog_category(&predefined, name, strlen(name)) == NULL)
			read_category(ledger, catalog->categories[i]);
	}
	for (size_t i = 0; i < catalog->source_count; i++) {
		const struct source_row *row = catalog->sources[i];
		ledger_put(ledger, "=source|%s||%" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s",
			   row->name, row->priority, row->ttl_seconds, row->last_import,
			   row->last_count, row->description == NULL ? "" : row->description);
	}
	for (size_t i = 0; i < catalog->profile_count; i++)
		ledger_put(ledger, "=profile|%s||%.*s", catalog->profiles[i]->name,
			   (int)strcspn(catalog->profiles[i]->text, "\n"), catalog->profiles[i]->text);
	catalog_fini(&predefined);
}

char *
ledger_read(const struct view *view)
{
	struct ledger ledger = {0};
	char *claims = scratch_claims(view);
	for (char *line = claims, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
		lines_add(&ledger, strndup(line, (size_t)(end - line)));
	free(claims);
	read_catalog(&ledger, &view->catalog);
	return scratch_join(ledger.lines, ledger.count);
}

enum status
ledger_read_store(const char *path, char **text, uint64_t *generation, struct fault *fault)
{
	struct store *store;
	enum status status = store_open(path, &store, fault);
	if (status == STATUS_MISSING) {
		*text = strdup("");
		*generation = 0;
		return STATUS_OK;
	}
	if (status != STATUS_OK)
		return status;
	struct view *view = store_view_take(store);
	for (uint32_t i = 0; status == STATUS_OK && i < view->layer_count; i++)
		status = segment_check(&view->layer[i].segment, fault);
	if (status == STATUS_OK) {
		*text = ledger_read(view);
		*generation = view->generation;
	}
	view_drop(view);
	store_close(store);
	return status;
}
