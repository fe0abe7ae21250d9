/* SPDX-License-Identifier: Apache-2.0 */
#include "query/preview_rows.h"

#include <stdlib.h>
#include <string.h>

#define WORDS(n) CRITERIA_BATCH_WORDS(n)

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a preview");
}

/* --- rows ------------------------------------------------------------------------------ */

static void
row_describe(const struct preview_rows *rows, const uint16_t *list, size_t count,
	     struct preview_row *row)
{
	row->open = false;
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		row->first[kind] = PREVIEW_NONE;
	for (size_t i = count; i-- > 0;) {
		unsigned kinds = rows->profile->filters[list[i] & ~PREVIEW_OPEN].kinds;
		row->open |= (list[i] & PREVIEW_OPEN) != 0;
		for (unsigned kind = 0; kind < KIND_COUNT; kind++)
			if (kinds >> kind & 1)
				row->first[kind] = list[i];
	}
}

static enum status
row_put(struct preview_rows *rows, const uint16_t *list, size_t count, uint32_t *number,
	struct fault *fault)
{
	uint32_t before = rows->lists.count;
	enum status status = intern_grow((void **)&rows->rows, &rows->row_capacity,
					 (size_t)before + 1, sizeof(*rows->rows), fault);
	if (status == STATUS_OK)
		status = intern_put(&rows->lists, list, count * sizeof(*list), number, fault);
	if (status == STATUS_OK && rows->lists.count > before)
		row_describe(rows, list, count, &rows->rows[before]);
	return status;
}

static enum status
untagged_row(struct preview_rows *rows, struct fault *fault)
{
	const struct profile *profile = rows->profile;
	size_t count = 0;
	for (size_t i = 0; i < profile->filter_count; i++)
		if (profile->filters[i].enabled && profile->filters[i].untagged)
			rows->room[count++] = (uint16_t)i;
	return row_put(rows, rows->room, count, &rows->untagged, fault);
}

static enum status
plan_new(struct preview_rows *rows, struct fault *fault)
{
	const struct profile *profile = rows->profile;
	const struct criteria **criteria = calloc(profile->filter_count + 1, sizeof(*criteria));
	if (criteria == NULL)
		return no_memory(fault);
	for (size_t i = 0; i < profile->filter_count; i++) {
		const struct profile_filter *filter = &profile->filters[i];
		if (!filter->enabled || !filter->tagged)
			continue;
		criteria[i] = filter->criteria;
		rows->asked[rows->asked_count++] = (uint16_t)i;
	}
	enum status status = criteria_plan_new(criteria, profile->filter_count, &rows->plan, fault);
	free(criteria);
	return status;
}

enum status
preview_rows_init(struct preview_rows *rows, const struct profile *profile, struct fault *fault)
{
	rows->profile = profile;
	rows->asked = calloc(profile->filter_count + 1, sizeof(*rows->asked));
	rows->room = calloc(profile->filter_count + 1, sizeof(*rows->room));
	if (rows->asked == NULL || rows->room == NULL)
		return no_memory(fault);
	enum status status = plan_new(rows, fault);
	return status == STATUS_OK ? untagged_row(rows, fault) : status;
}

void
preview_rows_fini(struct preview_rows *rows)
{
	criteria_plan_free(rows->plan);
	intern_fini(&rows->lists);
	free(rows->asked);
	free(rows->rows);
	free(rows->of_set);
	free(rows->room);
	memset(rows, 0, sizeof(*rows));
}

/* --- tag sets of a layer --------------------------------------------------------------- */

/* Sets asked at a time, and what each asked filter says of them. */
struct matrix {
	size_t most, count;
	uint32_t *numbers;        /* of the sets, in the layer */
	struct criteria_set *sets;
	uint64_t *certain, *open; /* WORDS(most) a filter */
};

static size_t
matrix_most(const struct preview_rows *rows)
{
	size_t most = CRITERIA_BATCH_SETS;
	while (most > 1024 && rows->asked_count * WORDS(most) * 2 * sizeof(uint64_t) >
			      PREVIEW_MATRIX_BYTES)
		most /= 2;
	return most;
}

static void
matrix_fini(struct matrix *matrix)
{
	free(matrix->numbers);
	free(matrix->sets);
	free(matrix->certain);
	free(matrix->open);
}

static enum status
matrix_init(struct matrix *matrix, const struct preview_rows *rows, struct fault *fault)
{
	size_t words;
	matrix->most = matrix_most(rows);
	words = (rows->asked_count + 1) * WORDS(matrix->most);
	matrix->numbers = calloc(matrix->most, sizeof(*matrix->numbers));
	matrix->sets = calloc(matrix->most, sizeof(*matrix->sets));
	matrix->certain = malloc(words * sizeof(uint64_t));
	matrix->open = malloc(words * sizeof(uint64_t));
	if (!matrix->numbers || !matrix->sets || !matrix->certain || !matrix->open)
		return no_memory(fault);
	return STATUS_OK;
}

/* The row of the i-th set of the matrix. */
static enum status
matrix_row(struct preview_rows *rows, const struct matrix *matrix, size_t i, struct fault *fault)
{
	size_t words = WORDS(matrix->count), count = 0;
	for (size_t j = 0; j < rows->asked_count; j++) {
		size_t word = j * words + i / 64;
		if (matrix->certain[word] >> i % 64 & 1)
			rows->room[count++] = rows->asked[j];
		else if (matrix->open[word] >> i % 64 & 1)
			rows->room[count++] = (uint16_t)(rows->asked[j] | PREVIEW_OPEN);
	}
	return row_put(rows, rows->room, count, &rows->of_set[matrix->numbers[i]], fault);
}

static enum status
matrix_ask(struct preview_rows *rows, struct matrix *matrix, struct criteria_batch *batch,
	   struct fault *fault)
{
	size_t words = WORDS(matrix->count);
	enum status status = criteria_batch_load(batch, matrix->sets, matrix->count, fault);
	if (status != STATUS_OK)
		return status;
	for (size_t j = 0; j < rows->asked_count; j++)
		criteria_batch_ask(batch, rows->asked[j], CRITERIA_NOTES_ANY,
				   matrix->certain + j * words, matrix->open + j * words);
	for (size_t i = 0; status == STATUS_OK && i < matrix->count; i++)
		status = matrix_row(rows, matrix, i, fault);
	matrix->count = 0;
	return status;
}

/* Strings that claims use as sets, not as notes: marked with a row to be found. */
static void
mark_sets(struct preview_rows *rows, const struct segment *segment)
{
	const struct claim_d *claims = (const struct claim_d *)(const void *)segment->claims;
	for (uint32_t i = 0; i < segment->tags.count; i++)
		rows->of_set[i] = UINT32_MAX;
	for (uint64_t i = 0; i < segment->claim_count; i++) {
		uint32_t set = le32_get(claims[i].set);
		if (set < segment->tags.count)
			rows->of_set[set] = 0;
	}
}

enum status
preview_rows_layer(struct preview_rows *rows, const struct segment *segment, struct fault *fault)
{
	struct criteria_batch *batch = NULL;
	struct matrix matrix = {0};
	enum status status = intern_grow((void **)&rows->of_set, &rows->set_capacity,
					 (size_t)segment->tags.count + 1, sizeof(*rows->of_set),
					 fault);
	if (status == STATUS_OK)
		status = matrix_init(&matrix, rows, fault);
	if (status == STATUS_OK)
		status = criteria_batch_new(rows->plan, &batch, fault);
	if (status == STATUS_OK)
		mark_sets(rows, segment);
	for (uint32_t i = 0; status == STATUS_OK && i < segment->tags.count; i++) {
		if (rows->of_set[i] == UINT32_MAX)
			continue;
		struct criteria_set *set = &matrix.sets[matrix.count];
		set->bytes = segment_tags(segment, i, &set->length);
		matrix.numbers[matrix.count++] = i;
		if (matrix.count == matrix.most)
			status = matrix_ask(rows, &matrix, batch, fault);
	}
	if (status == STATUS_OK && matrix.count > 0)
		status = matrix_ask(rows, &matrix, batch, fault);
	criteria_batch_free(batch);
	matrix_fini(&matrix);
	return status;
}

/* --- one claim --------------------------------------------------------------------------- */

static enum status
resolve(struct preview_rows *rows, uint32_t from, const struct criteria_subject *subject,
	uint32_t *row, struct fault *fault)
{
	struct criteria_claim claim;
	size_t count, kept = 0;
	const uint16_t *list = preview_rows_list(rows, from, &count);
	criteria_claim_read(rows->plan, subject, &claim);
	for (size_t i = 0; i < count; i++) {
		uint16_t filter = list[i] & (uint16_t)~PREVIEW_OPEN;
		if (filter == list[i] || criteria_claim_match(&claim, filter))
			rows->room[kept++] = filter;
	}
	return row_put(rows, rows->room, kept, row, fault);
}

enum status
preview_rows_claim(struct preview_rows *rows, const struct segment *segment, enum kind kind,
		   const struct segment_claim *claim, uint32_t *row, struct fault *fault)
{
	struct criteria_subject subject = {
		.kind = kind, .scope = (uint8_t)claim->scope,
		.expires = claim->expires, .first_seen = claim->first_seen,
		.last_seen = claim->last_seen,
	};
	uint32_t set = claim->set < segment->tags.count ? claim->set : 0;
	if ((claim->set | claim->notes) == 0) { /* string 0 is the empty one */
		*row = rows->untagged;
		return STATUS_OK;
	}
	*row = rows->of_set[set];
	if (!rows->rows[*row].open)
		return STATUS_OK;
	subject.set = segment_tags(segment, claim->set, &subject.set_length);
	subject.notes = segment_tags(segment, claim->notes, &subject.notes_length);
	subject.source = segment_source(segment, claim->source, &subject.source_length);
	return resolve(rows, *row, &subject, row, fault);
}
