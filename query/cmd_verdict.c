/* SPDX-License-Identifier: Apache-2.0 */
#include "query/cmd_verdict.h"

#include <stdlib.h>
#include <string.h>

#include "engine/cli.h"
#include "engine/clock.h"
#include "engine/file.h"
#include "query/cmd_show.h"

/* --- profiles -------------------------------------------------------------------------- */

static bool
is_path(const char *word)
{
	size_t length = strlen(word);
	return strchr(word, '/') != NULL ||
	       (length > 4 && strcmp(word + length - 4, ".ini") == 0);
}

static enum status
text_copy(const void *bytes, size_t from_length, char **text, size_t *length,
	  struct fault *fault)
{
	char *copy = malloc(from_length + 1);
	if (copy == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a profile");
	if (from_length > 0)
		memcpy(copy, bytes, from_length);
	copy[from_length] = '\0';
	*text = copy;
	*length = from_length;
	return STATUS_OK;
}

static enum status
text_of_file(const char *path, char **text, size_t *length, struct fault *fault)
{
	struct file_map map;
	enum status status = file_map_open(path, &map, fault);
	if (status != STATUS_OK)
		return status;
	if (map.length > LIMIT_PROFILE_BYTES)
		status = fault_set(fault, STATUS_LIMIT, path, 0, "a profile of more than %u bytes",
				   LIMIT_PROFILE_BYTES);
	else
		status = text_copy(map.bytes, map.length, text, length, fault);
	file_map_close(&map);
	return status;
}

enum status
verdict_profile_text(const struct view *view, const char *word, char **text, size_t *length,
		     struct fault *fault)
{
	const struct profile_row *row = catalog_profile(&view->catalog, word, strlen(word));
	if (row != NULL && !(is_path(word) && file_exists(word)))
		return text_copy(row->text, row->text_length, text, length, fault);
	if (is_path(word) || file_exists(word))
		return text_of_file(word, text, length, fault);
	return fault_set(fault, STATUS_MISSING, NULL, 0,
			 "there is no profile '%s' in the store, and no such file", word);
}

enum status
verdict_judge_open(struct view *view, const char *word, const struct judge *before,
		   struct judge **judge, struct fault *fault)
{
	struct profile *profile;
	char *text;
	size_t length;
	enum status status = verdict_profile_text(view, word, &text, &length, fault);
	if (status != STATUS_OK)
		return status;
	status = profile_parse(text, length, &view->catalog, &profile, fault);
	free(text);
	if (status == STATUS_OK)
		status = judge_new(view, profile, before, judge, fault);
	if (status != STATUS_OK && fault != NULL && fault->where[0] == '\0')
		snprintf(fault->where, sizeof(fault->where), "%s", word);
	return status;
}

/* --- verdicts -------------------------------------------------------------------------- */

void
verdict_of(const struct judge *judge, const struct key *key, uint64_t now,
	   struct repute_verdict *verdict)
{
	judge_one(judge, key, now, verdict);
	if (!verdict_decided(verdict) && verdict->outcome != REPUTE_VERDICT_ERROR)
		verdict->exception = judge_exception(judge, key, now);
}

bool
verdict_decided(const struct repute_verdict *verdict)
{
	return verdict->filter != REPUTE_NO_ROW || verdict->exception != REPUTE_NO_ROW;
}

static const struct profile_filter *
filter_of(const struct judge *judge, const struct repute_verdict *verdict)
{
	const struct profile *profile = judge_profile(judge);
	return verdict->filter == REPUTE_NO_ROW ? NULL : &profile->filters[verdict->filter];
}

static const struct profile_exception *
exception_of(const struct judge *judge, const struct repute_verdict *verdict)
{
	const struct profile *profile = judge_profile(judge);
	return verdict->exception == REPUTE_NO_ROW ? NULL
						   : &profile->exceptions[verdict->exception];
}

void
verdict_json_members(struct json_writer *json, const struct judge *judge,
		     const struct repute_verdict *verdict)
{
	const struct profile *profile = judge_profile(judge);
	const struct profile_filter *filter = filter_of(judge, verdict);
	const struct profile_exception *exception = exception_of(judge, verdict);
	char text[KEY_PRINT_BYTES];
	struct show_claim show;
	json_key(json, "profile");
	json_text(json, profile->name);
	json_key(json, "verdict");
	json_text(json, repute_outcome_text((enum repute_outcome)verdict->outcome));
	json_key(json, "action");
	json_text(json, filter == NULL ? NULL : profile->actions[filter->action].name);
	json_key(json, "notify");
	json_bool(json, verdict->notify);
	json_key(json, "trace");
	json_bool(json, verdict->trace);
	json_key(json, "filter");
	json_text(json, filter == NULL ? NULL : filter->name);
	json_key(json, "exception");
	json_text(json, exception == NULL ? NULL : exception->name);
	json_key(json, "hit");
	if (!verdict->hit.found) {
		json_null(json);
		return;
	}
	show_from_hit(&show, judge_view(judge), &verdict->hit, text);
	show_json(json, &show);
}

void
verdict_json_error(struct json_writer *json, const struct judge *judge)
{
	struct repute_verdict verdict = {.outcome = REPUTE_VERDICT_ERROR, .filter = REPUTE_NO_ROW,
					 .exception = REPUTE_NO_ROW};
	verdict_json_members(json, judge, &verdict);
}

static void
put_quoted(FILE *out, const char *before, const char *name)
{
	fprintf(out, "%s\"", before);
	cli_put(out, name, strlen(name));
	fputc('"', out);
}

static void
put_exception(FILE *out, const struct profile_exception *exception)
{
	char expires[CLOCK_TEXT_BYTES];
	put_quoted(out, "  by exception ", exception->name);
	fputs(" for ", out);
	cli_put(out, exception->value, strlen(exception->value));
	if (exception->owner[0] != '\0') {
		fputs("  owner ", out);
		cli_put(out, exception->owner, strlen(exception->owner));
	}
	if (exception->reason[0] != '\0') {
		fputs("  reason: ", out);
		cli_put(out, exception->reason, strlen(exception->reason));
	}
	if (exception->expires == 0)
		return;
	clock_print(exception->expires, expires);
	fprintf(out, "  expires %s", expires);
}

static void
put_hit(FILE *out, const struct judge *judge, const struct repute_hit *hit)
{
	char text[KEY_PRINT_BYTES], expires[CLOCK_TEXT_BYTES];
	struct show_claim show;
	show_from_hit(&show, judge_view(judge), hit, text);
	clock_print(show.expires, expires);
	fprintf(out, ": %s ", kind_name(show.kind));
	cli_put(out, show.key, show.key_length);
	if (kind_table[show.kind].scoped)
		fprintf(out, " (%s)", scope_name(show.scope));
	fputs(show.embedded ? " embedded" : "", out);
	fputs(" from ", out);
	cli_put(out, show.source, show.source_length);
	fprintf(out, ", expires %s", expires);
	show_tags(out, &show, ", ");
}

void
verdict_put(FILE *out, const struct judge *judge, const struct repute_verdict *verdict)
{
	const struct profile *profile = judge_profile(judge);
	const struct profile_filter *filter = filter_of(judge, verdict);
	if (verdict->exception != REPUTE_NO_ROW) {
		put_exception(out, exception_of(judge, verdict));
	} else if (filter != NULL) {
		fprintf(out, "  by filter %u ", verdict->filter + 1);
		put_quoted(out, "", filter->name);
		put_quoted(out, " with action ", profile->actions[filter->action].name);
		put_hit(out, judge, &verdict->hit);
	}
}
