/* SPDX-License-Identifier: Apache-2.0 */
#include "query/survey.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 16
#define FIRST_ROWS 4096
#define LIMITED_ROWS 65536 /* with a limit, sort and cut no more often than this */

static_assert(sizeof(struct survey_row) == 24, "ten million keys in 240 MB");

bool
survey_takes(const struct survey *survey, const struct segment *segment, const struct key *key,
	     const struct segment_claim *claim)
{
	char text[KEY_PRINT_BYTES];
	struct criteria_subject subject = {.kind = key->kind, .scope = (uint8_t)claim->scope};
	if (survey->kind != KIND_ANY && survey->kind != key->kind)
		return false;
	if (claim->expires <= survey->now && !survey->expired)
		return false;
	subject.source = segment_source(segment, claim->source, &subject.source_length);
	if (survey->source != NULL &&
	    (subject.source_length != survey->source_length ||
	     memcmp(subject.source, survey->source, survey->source_length) != 0))
		return false;
	if (survey->criteria == NULL)
		return true;
	subject.set = segment_tags(segment, claim->set, &subject.set_length);
	subject.notes = segment_tags(segment, claim->notes, &subject.notes_length);
	subject.expires = claim->expires;
	subject.first_seen = claim->first_seen;
	subject.last_seen = claim->last_seen;
	if (survey->texts) {
		subject.key = text;
		subject.key_length = key_print(key, text);
	}
	return criteria_match(survey->criteria, &subject);
}

/* --- what rows are sorted by ------------------------------------------------------- */

static size_t
natural_text(const struct key *key, char *text)
{
	size_t bytes = kind_table[key->kind].key_bytes;
	text[0] = (char)key->kind;
	if (bytes == 0)
		return 1 + key_print(key, text + 1);
	memcpy(text + 1, key->bytes, bytes);
	text[1 + bytes] = (char)key->prefix_bits;
	return bytes + 2;
}

static size_t
sort_text(const struct survey_index *index, const struct key *key, char *text)
{
	return index->order == SURVEY_PLAIN ? key_print_entry(key, text)
					    : natural_text(key, text);
}

static void
chunk_load(struct survey_row *row, const char *text, size_t length, size_t offset)
{
	uint8_t bytes[CHUNK_BYTES] = {0};
	size_t have = offset < length ? length - offset : 0;
	memcpy(bytes, text + (have > 0 ? offset : 0), have < CHUNK_BYTES ? have : CHUNK_BYTES);
	row->chunk[0] = be64_get(bytes);
	row->chunk[1] = be64_get(bytes + 8);
}

bool
survey_index_key(const struct survey_index *index, const struct survey_row *row,
		 struct key *key, uint32_t *claims)
{
	struct segment_cursor cursor = {row->kind, row->in_trie, row->record};
	if (!segment_next(survey_index_segment(index, row), &cursor, key, claims))
		return false;
	if (row->scope != 0)
		key->scope = row->scope;
	return true;
}

static size_t
row_text(struct survey_index *index, const struct survey_row *row)
{
	struct key key;
	uint32_t claims;
	return survey_index_key(index, row, &key, &claims) ? sort_text(index, &key, index->text)
							    : 0;
}

static int
row_compare(const void *left, const void *right)
{
	const struct survey_row *a = left, *b = right;
	if (a->chunk[0] != b->chunk[0])
		return a->chunk[0] < b->chunk[0] ? -1 : 1;
	return (a->chunk[1] > b->chunk[1]) - (a->chunk[1] < b->chunk[1]);
}

/*
 * Sort rows from..to, equal up to `offset`, whose chunks are loaded. Rows of
 * equal chunks get their next chunk and are sorted again. Texts have no NUL
 * and fixed keys are of one length a kind, so padding never makes two equal.
 */
static void
sort_rows(struct survey_index *index, size_t from, size_t to, size_t offset)
{
	qsort(index->rows + from, to - from, sizeof(*index->rows), row_compare);
	for (size_t start = from, end; start < to; start = end) {
		for (end = start + 1; end < to; end++)
			if (row_compare(&index->rows[start], &index->rows[end]) != 0)
				break;
		size_t next = offset + CHUNK_BYTES;
		bool more = false; /* one may end where another goes on */
		for (size_t i = start; i < end && end - start > 1; i++) {
			size_t length = row_text(index, &index->rows[i]);
			chunk_load(&index->rows[i], index->text, length, next);
			more |= length > next;
		}
		if (more)
			sort_rows(index, start, end, next);
	}
}

/* Chunks are those at the text's start when sorting begins. */
static void
sort_all(struct survey_index *index)
{
	for (size_t i = 0; i < index->count; i++) {
		size_t length = row_text(index, &index->rows[i]);
		chunk_load(&index->rows[i], index->text, length, 0);
	}
	sort_rows(index, 0, index->count, 0);
	if (index->limit != 0 && index->count > index->limit)
		index->count = index->limit;
}

/* --- gathering --------------------------------------------------------------------- */

static enum status
row_room(struct survey_index *index, struct fault *fault)
{
	if (index->count < index->capacity)
		return STATUS_OK;
	if (index->limit != 0 && index->count >= LIMITED_ROWS &&
	    index->count / 2 >= index->limit) {
		sort_all(index);
		return STATUS_OK;
	}
	size_t capacity = index->capacity == 0 ? FIRST_ROWS : index->capacity * 2;
	struct survey_row *rows = capacity > SIZE_MAX / sizeof(*rows) ? NULL
				: realloc(index->rows, capacity * sizeof(*rows));
	if (rows == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to sort %zu keys",
				 capacity);
	index->rows = rows;
	index->capacity = capacity;
	return STATUS_OK;
}

/* Scopes of the key's claims that are asked for, a bit each. */
static unsigned
scopes_taken(const struct survey *survey, const struct segment *segment, const struct key *key,
	     uint32_t claims)
{
	struct segment_claim_cursor cursor = segment_claims(claims);
	struct segment_claim claim;
	unsigned scopes = 0;
	while (segment_claim_next(segment, &cursor, &claim))
		if (survey_takes(survey, segment, key, &claim))
			scopes |= 1u << (claim.scope & SCOPE_TREE);
	return scopes;
}

/* Is this line read back as an entry of this scope? */
static bool
is_spelled(const struct key *key)
{
	if (key->scope == SCOPE_EXACT)
		return true;
	if (key->kind == KIND_URL)
		return key->length > 0 && key_text(key)[key->length - 1] == '/';
	return key->kind == KIND_DOMAIN && key->scope == SCOPE_BELOW;
}

static enum status
row_add(struct survey_index *index, const struct view_cursor *cursor, uint32_t layer,
	const struct key *key, unsigned scope, struct fault *fault)
{
	enum status status = row_room(index, fault);
	if (status == STATUS_OK)
		index->rows[index->count++] = (struct survey_row){
			.record = (uint32_t)(cursor->cursor.record - 1),
			.layer = (uint8_t)layer,
			.kind = key->kind,
			.in_trie = (uint8_t)cursor->cursor.in_trie,
			.scope = (uint8_t)scope,
		};
	return status;
}

/* A line for each scope that has a spelling of its own, one for all that have none. */
static enum status
lines_add(struct survey_index *index, const struct view_cursor *cursor, uint32_t layer,
	  struct key *key, unsigned scopes, struct fault *fault)
{
	enum status status = STATUS_OK;
	bool bare = false;
	for (unsigned scope = SCOPE_EXACT; scope <= SCOPE_TREE; scope++) {
		if ((scopes >> scope & 1) == 0)
			continue;
		key->scope = (uint8_t)scope;
		bool spelled = is_spelled(key);
		index->unspelled += !spelled;
		if (status == STATUS_OK && !(bare && !spelled))
			status = row_add(index, cursor, layer, key, scope, fault);
		bare |= !spelled || scope == SCOPE_EXACT;
	}
	return status;
}

enum status
survey_index_build(struct survey_index *index, struct fault *fault)
{
	const struct survey *survey = index->survey;
	struct view_cursor cursor = {0};
	enum status status = STATUS_OK;
	struct key key;
	uint32_t layer, claims;
	while (status == STATUS_OK &&
	       view_next(survey->view, &cursor, &key, &layer, &claims)) {
		const struct segment *segment = &survey->view->layer[layer].segment;
		unsigned scopes = scopes_taken(survey, segment, &key, claims);
		if (scopes == 0)
			continue;
		if (index->order == SURVEY_PLAIN)
			status = lines_add(index, &cursor, layer, &key, scopes, fault);
		else
			status = row_add(index, &cursor, layer, &key, 0, fault);
	}
	if (status == STATUS_OK)
		sort_all(index);
	return status;
}

enum status
survey_index_new(const struct survey *survey, enum survey_order order, size_t limit,
		 struct survey_index **out, struct fault *fault)
{
	struct survey_index *index = calloc(1, sizeof(*index));
	if (index == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for an index");
	index->survey = survey;
	index->order = order;
	index->limit = limit;
	*out = index;
	return STATUS_OK;
}

void
survey_index_free(struct survey_index *index)
{
	if (index == NULL)
		return;
	free(index->rows);
	free(index);
}
