/* SPDX-License-Identifier: Apache-2.0 */
#include "query/retag.h"

#include <stdlib.h>
#include <string.h>

#include "engine/file.h"
#include "engine/intern.h"

/* The new tags of a combination; `changed` false: they are as before. */
struct retag_result {
	uint32_t set, notes; /* the builder's numbers */
	bool changed;
};

struct run {
	struct retag *retag;
	struct segment_build *build;
	struct fault *fault;
	struct tags work;
	struct intern known;          /* layer, set and notes of a combination seen before */
	struct retag_result *results; /* by its number there */
	size_t result_capacity;
	struct claim *claims;         /* LIMIT_CLAIMS_PER_KEY */
};

void
retag_fini(struct retag *retag)
{
	tags_fini(&retag->with);
}

static enum status
category_find(const struct retag *retag, const char *name, size_t length,
	      const struct tag_category **category, struct fault *fault)
{
	const struct catalog *catalog = &retag->survey.view->catalog;
	const char *near = catalog_category_near(catalog, name, length);

	*category = catalog_category(catalog, name, length);
	if (!*category)
		return fault_set(fault, STATUS_BAD_TAG, NULL, 0,
				 "no tag category is named \"%.*s\"%s%s%s",
				 (int)(length < 64 ? length : 64), name,
				 near ? "; did you mean \"" : "", near ? near : "", near ? "\"" : "");
	if (strcmp((*category)->name, CATALOG_TTL_NAME) == 0)
		return fault_set(fault, STATUS_BAD_TAG, NULL, 0,
				 "%s is no tag of a claim but its expiry, which stays",
				 CATALOG_TTL_NAME);
	return STATUS_OK;
}

enum status
retag_tag(struct retag *retag, const char *category, size_t category_length, const char *value,
	  size_t length, struct fault *fault)
{
	const struct tag_category *found;
	enum status status = category_find(retag, category, category_length, &found, fault);

	return status == STATUS_OK ? tags_add(&retag->with, found, value, length, fault) : status;
}

enum status
retag_untag(struct retag *retag, const char *category, size_t length, struct fault *fault)
{
	const struct tag_category *found;
	enum status status = category_find(retag, category, length, &found, fault);

	if (status != STATUS_OK)
		return status;
	if (retag->without_count == LIMIT_TAGS_PER_CLAIM)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "more than %d categories",
				 LIMIT_TAGS_PER_CLAIM);
	retag->without[retag->without_count++] = found;
	return STATUS_OK;
}

static bool
is_without(const struct retag *retag, const struct tag_category *category)
{
	for (size_t i = 0; i < retag->without_count; i++) {
		if (retag->without[i] == category)
			return true;
	}
	return false;
}

static enum status
tag_keep(struct run *run, const struct tag_view *tag)
{
	const struct tag_category *category =
		catalog_category(&run->retag->survey.view->catalog, tag->name, tag->name_length);
	enum status status = STATUS_OK;

	if (!category || category->type != tag->type)
		return fault_set(run->fault, STATUS_CORRUPT, NULL, 0,
				 "a claim has the tag \"%.*s\", which is no category of the store",
				 (int)(tag->name_length < 96 ? tag->name_length : 96), tag->name);
	if (is_without(run->retag, category) || tags_have(&run->retag->with, category))
		return STATUS_OK;
	for (size_t i = 0; i < tag->value_count && status == STATUS_OK; i++) {
		size_t length;
		const char *value = tag_value(tag, i, &length);
		status = tags_add(&run->work, category, value, length, run->fault);
	}
	return status;
}

static enum status
tags_keep(struct run *run, const uint8_t *bytes, size_t length)
{
	struct tag_cursor cursor = { .bytes = bytes, .length = length };
	struct tag_view tag;
	enum status status = STATUS_OK;

	while (status == STATUS_OK && tag_next(&cursor, &tag))
		status = tag_keep(run, &tag);
	if (status == STATUS_OK && cursor.bad)
		return fault_set(run->fault, STATUS_CORRUPT, NULL, 0,
				 "the tags of a claim are damaged");
	return status;
}

static bool
same(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
	return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

static enum status
result_make(struct run *run, const struct segment *segment, const struct segment_claim *claim,
	    struct retag_result *result)
{
	size_t old_set_length, old_notes_length, set_length, notes_length;
	const uint8_t *old_set = segment_tags(segment, claim->set, &old_set_length);
	const uint8_t *old_notes = segment_tags(segment, claim->notes, &old_notes_length);
	const uint8_t *set, *notes;
	enum status status;

	tags_clear(&run->work);
	status = tags_keep(run, old_set, old_set_length);
	if (status == STATUS_OK)
		status = tags_keep(run, old_notes, old_notes_length);
	if (status == STATUS_OK)
		status = tags_add_missing(&run->work, &run->retag->with, run->fault);
	if (status == STATUS_OK)
		status = tags_encode(&run->work, &set, &set_length, &notes, &notes_length,
				     run->fault);
	if (status != STATUS_OK)
		return status;
	result->changed = !same(old_set, old_set_length, set, set_length) ||
			  !same(old_notes, old_notes_length, notes, notes_length);
	status = segment_build_tags(run->build, set, set_length, &result->set, run->fault);
	if (status == STATUS_OK)
		status = segment_build_tags(run->build, notes, notes_length, &result->notes,
					    run->fault);
	return status;
}

static enum status
result_find(struct run *run, uint32_t layer, const struct segment_claim *claim,
	    struct retag_result *result)
{
	const struct segment *segment = &run->retag->survey.view->layer[layer].segment;
	uint32_t words[3] = { layer, claim->set, claim->notes };
	uint32_t before = run->known.count, number;
	void *results = run->results;
	enum status status = intern_put(&run->known, words, sizeof(words), &number, run->fault);

	if (status == STATUS_OK)
		status = intern_grow(&results, &run->result_capacity, run->known.count,
				     sizeof(*run->results), run->fault);
	if (status != STATUS_OK)
		return status;
	run->results = results;
	if (number == before)
		status = result_make(run, segment, claim, &run->results[number]);
	*result = run->results[number];
	return status;
}

/* A claim as it was, for the builder. */
static enum status
claim_copy(struct run *run, const struct segment *segment, const struct segment_claim *from,
	   struct claim *to)
{
	size_t length;
	const void *bytes = segment_source(segment, from->source, &length);
	enum status status = segment_build_source(run->build, bytes, length, &to->source,
						  run->fault);

	bytes = segment_tags(segment, from->set, &length);
	if (status == STATUS_OK)
		status = segment_build_tags(run->build, bytes, length, &to->set, run->fault);
	bytes = segment_tags(segment, from->notes, &length);
	if (status == STATUS_OK)
		status = segment_build_tags(run->build, bytes, length, &to->notes, run->fault);
	to->scope = (uint8_t)from->scope;
	to->expires = from->expires;
	to->first_seen = from->first_seen;
	to->last_seen = from->last_seen;
	return status;
}

static enum status
claim_change(struct run *run, uint32_t layer, const struct segment_claim *from, struct claim *to,
	     bool *changed)
{
	struct retag_result result = { 0 };
	enum status status = result_find(run, layer, from, &result);

	run->retag->matched++;
	if (status != STATUS_OK || !result.changed)
		return status;
	to->set = result.set;
	to->notes = result.notes;
	run->retag->changed++;
	*changed = true;
	return STATUS_OK;
}

/* Does any claim of the key match? Most keys end here. */
static bool
key_matches(const struct run *run, const struct segment *segment, const struct key *key,
	    uint32_t id)
{
	struct segment_claim_cursor cursor = segment_claims(id);
	struct segment_claim claim;

	while (segment_claim_next(segment, &cursor, &claim)) {
		if (survey_takes(&run->retag->survey, segment, key, &claim))
			return true;
	}
	return false;
}

static enum status
key_change(struct run *run, const struct key *key, uint32_t layer, uint32_t id)
{
	const struct survey *survey = &run->retag->survey;
	const struct segment *segment = &survey->view->layer[layer].segment;
	struct segment_claim_cursor cursor = segment_claims(id);
	struct segment_claim claim;
	enum status status = STATUS_OK;
	bool changed = false;
	size_t count = 0;
	uint32_t list;

	if (!key_matches(run, segment, key, id))
		return STATUS_OK;
	for (; status == STATUS_OK && segment_claim_next(segment, &cursor, &claim); count++) {
		status = claim_copy(run, segment, &claim, &run->claims[count]);
		if (status == STATUS_OK && survey_takes(survey, segment, key, &claim))
			status = claim_change(run, layer, &claim, &run->claims[count], &changed);
	}
	if (status != STATUS_OK || !changed)
		return status;
	status = segment_build_claims(run->build, run->claims, count, &list, run->fault);
	return status == STATUS_OK ? segment_build_put(run->build, key, list, run->fault) : status;
}

enum status
retag_run(struct retag *retag, struct segment_build *build, struct fault *fault)
{
	struct run run = { .retag = retag, .build = build, .fault = fault };
	struct view_cursor cursor = { 0 };
	enum status status = STATUS_OK;
	struct key key;
	uint32_t layer, id;

	/* Not the view's seed: it stands in published files, and tags of one hash could be made. */
	status = file_random(run.known.seed.word, fault);
	if (status != STATUS_OK)
		return status;
	run.claims = calloc(LIMIT_CLAIMS_PER_KEY, sizeof(*run.claims));
	if (!run.claims)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	while (status == STATUS_OK && view_next(retag->survey.view, &cursor, &key, &layer, &id))
		status = key_change(&run, &key, layer, id);
	tags_fini(&run.work);
	intern_fini(&run.known);
	free(run.results);
	free(run.claims);
	return status;
}
