/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/journal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_ALIGN 64u

static enum status
corrupt(struct fault *fault, uint64_t offset, const char *why)
{
	return fault_set(fault, STATUS_CORRUPT, NULL, offset, "%s", why);
}

static uint64_t
round_up(uint64_t length, uint64_t unit)
{
	return (length + unit - 1) / unit * unit;
}

/* --- reading ------------------------------------------------------------------------------ */

enum status
journal_open(const char *path, struct journal *journal, struct fault *fault)
{
	struct {
		struct journal_d head;
		uint8_t rest[FORMAT_PAGE_BYTES - sizeof(struct journal_d)];
	} page;
	static const uint8_t zeros[sizeof(page.rest)];
	struct journal fresh = {0};
	enum status status = file_in_open(path, &fresh.in, fault);
	if (status != STATUS_OK)
		return status;
	if (fresh.in.length < FORMAT_PAGE_BYTES)
		status = fault_set(fault, STATUS_CORRUPT, path, 0, "shorter than the head of a journal");
	if (status == STATUS_OK)
		status = file_in_read(&fresh.in, 0, &page, sizeof(page), fault);
	if (status == STATUS_OK && memcmp(page.head.magic, FORMAT_JOURNAL_MAGIC, sizeof(page.head.magic)) != 0)
		status = fault_set(fault, STATUS_FORMAT, path, 0, "not a journal of a store");
	if (status == STATUS_OK &&
	    le64_get(page.head.sum) != hash_sum(&page.head, offsetof(struct journal_d, sum)))
		status = fault_set(fault, STATUS_CORRUPT, path, 0, "the head has another checksum");
	if (status == STATUS_OK && memcmp(page.rest, zeros, sizeof(zeros)) != 0)
		status = fault_set(fault, STATUS_CORRUPT, path, sizeof(page.head),
				   "the rest of the first page is not zero");
	if (status == STATUS_OK && le32_get(page.head.version) != FORMAT_JOURNAL_VERSION)
		status = fault_set(fault, STATUS_VERSION, path, 0,
				   "version %u; this program reads version %d",
				   le32_get(page.head.version), FORMAT_JOURNAL_VERSION);
	if (status != STATUS_OK) {
		file_in_close(&fresh.in);
		return status;
	}
	fresh.id = le64_get(page.head.id);
	fresh.first_sum = le64_get(page.head.sum);
	fresh.seed.word[0] = le64_get(page.head.seed[0]);
	fresh.seed.word[1] = le64_get(page.head.seed[1]);
	*journal = fresh;
	return STATUS_OK;
}

void
journal_close(struct journal *journal)
{
	file_in_close(&journal->in);
}

/* The header at `offset`; *is: one of this journal. What cannot be read is not taken for something else. */
static enum status
read_header(const struct journal *journal, uint64_t offset, struct record_d *record, bool *is,
	    struct fault *fault)
{
	*is = false;
	if (offset >= journal->in.length || journal->in.length - offset < FORMAT_PAGE_BYTES)
		return STATUS_OK;
	enum status status = file_in_read(&journal->in, offset, record, sizeof(*record), fault);
	if (status != STATUS_OK) /* corrupt: cut meanwhile */
		return status == STATUS_CORRUPT ? STATUS_OK : status;
	uint64_t bytes = le64_get(record->bytes);
	*is = le32_get(record->magic) == FORMAT_RECORD &&
	      le64_get(record->sum) == hash_sum(record, offsetof(struct record_d, sum)) &&
	      le64_get(record->journal) == journal->id &&
	      le32_get(record->layer_count) <= LIMIT_LAYERS &&
	      bytes >= FORMAT_PAGE_BYTES && bytes % FORMAT_PAGE_BYTES == 0 &&
	      bytes <= LIMIT_RECORD_BYTES && bytes <= journal->in.length - offset;
	return STATUS_OK;
}

/* Does the payload have the sum that its header tells? */
static enum status
check_payload(const struct journal *journal, uint64_t offset, const struct record_d *record,
	      bool *good, struct fault *fault)
{
	size_t length = (size_t)le64_get(record->bytes) - sizeof(*record);
	uint8_t *bytes = malloc(length);
	*good = false;
	if (bytes == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, offset, "no memory for a record");
	enum status status = file_in_read(&journal->in, offset + sizeof(*record), bytes, length,
					  fault);
	if (status == STATUS_OK)
		*good = hash_sum(bytes, length) == le64_get(record->payload_sum);
	free(bytes);
	return status == STATUS_CORRUPT ? STATUS_OK : status;
}

/*
 * On to the next header of this journal before `limit`; *found false, and all as it was: there is none. It follows at
 * once and names the one before, or damage lies between: then it is looked for page by page. Pages that
 * cannot be read are damage too if a record stands behind them, and `unread` (may be NULL) says why; else
 * nobody knows whether they are one.
 */
static enum status
next_header(const struct journal *journal, uint64_t limit, struct journal_place *place,
	    struct record_d *record, bool *found, struct fault *unread, struct fault *fault)
{
	struct record_d next;
	struct fault inner = {0};
	enum status status = STATUS_OK;
	unsigned unreadable = 0;
	*found = false;
	for (uint64_t offset = place->end; offset < limit && offset < journal->in.length &&
	     unreadable < LIMIT_UNREADABLE_PAGES; offset += FORMAT_PAGE_BYTES) {
		bool is;
		enum status read = read_header(journal, offset, &next, &is, &inner);
		if (read != STATUS_OK) {
			status = read;
			unreadable++;
		}
		if (!is || (offset == place->end && le64_get(next.previous) != place->sum))
			continue;
		place->offset = offset;
		place->end = offset + le64_get(next.bytes);
		place->sum = le64_get(next.sum);
		place->count++;
		*record = next;
		*found = true;
		if (unread != NULL)
			*unread = inner;
		return STATUS_OK;
	}
	if (status != STATUS_OK && fault != NULL)
		*fault = inner;
	return status;
}

/* A record that was read before, in this journal and not changed since? */
static bool
still_there(const struct journal *journal, const struct journal_place *known, uint64_t limit)
{
	struct record_d record;
	return known != NULL && known->id == journal->id && known->count > 0 &&
	       known->offset < limit && known->end <= journal->in.length &&
	       file_in_read(&journal->in, known->offset, &record, sizeof(record), NULL) == STATUS_OK &&
	       le64_get(record.sum) == known->sum &&
	       hash_sum(&record, offsetof(struct record_d, sum)) == known->sum;
}

enum status
journal_walk(const struct journal *journal, const struct journal_place *known, uint64_t limit,
	     struct journal_place *place, struct fault *fault)
{
	struct journal_place from = {
		.id = journal->id, .end = FORMAT_PAGE_BYTES, .sum = journal->first_sum,
	};
	bool good = false;
	if (still_there(journal, known, limit))
		from = *known;
	while (!good) {
		struct record_d record;
		struct journal_place at = from;
		enum status status;
		bool found;
		do
			status = next_header(journal, limit, &at, &record, &found, NULL, fault);
		while (status == STATUS_OK && found);
		if (status != STATUS_OK)
			return status;
		if (at.count == 0)
			return corrupt(fault, FORMAT_PAGE_BYTES, "no record is whole");
		if (at.count > from.count) {
			status = check_payload(journal, at.offset, &record, &good, fault);
			if (status != STATUS_OK)
				return status;
		} else {
			good = true; /* nothing behind the known one */
		}
		*place = at;
		limit = at.offset;
	}
	return STATUS_OK;
}

enum status
journal_next(const struct journal *journal, struct journal_place *place, bool *whole,
	     struct fault *unread, struct fault *fault)
{
	struct record_d record;
	struct journal_place at = *place;
	if (at.count == 0)
		at = (struct journal_place){
			.id = journal->id, .end = FORMAT_PAGE_BYTES, .sum = journal->first_sum,
		};
	bool found;
	enum status status = next_header(journal, UINT64_MAX, &at, &record, &found, unread, fault);
	if (status == STATUS_OK && !found)
		status = fault_set(fault, STATUS_MISSING, NULL, at.end, "no further record");
	if (status == STATUS_OK)
		status = check_payload(journal, at.offset, &record, whole, fault);
	if (status == STATUS_OK)
		*place = at;
	return status;
}

enum status
journal_state(const struct journal *journal, const struct journal_place *place,
	      struct journal_state *state, struct fault *fault)
{
	struct record_d record;
	struct record_layer_d rows[LIMIT_LAYERS];
	enum status status = file_in_read(&journal->in, place->offset, &record, sizeof(record), fault);
	if (status != STATUS_OK)
		return status;
	uint32_t count = le32_get(record.layer_count);
	if (le64_get(record.sum) != place->sum || count > LIMIT_LAYERS)
		return corrupt(fault, place->offset, "the record has changed");
	status = file_in_read(&journal->in, place->offset + sizeof(record), rows,
			      count * sizeof(rows[0]), fault);
	if (status != STATUS_OK)
		return status;
	*state = (struct journal_state){
		.generation = le64_get(record.generation),
		.published = le64_get(record.published),
		.compacted = le64_get(record.compacted),
		.seed = journal->seed,
		.catalog = le64_get(record.catalog),
		.catalog_bytes = le64_get(record.catalog_bytes),
		.catalog_sum = le64_get(record.catalog_sum),
		.layer_count = count,
	};
	for (uint32_t i = 0; i < count; i++) {
		state->layer[i].number = le64_get(rows[i].number);
		state->layer[i].offset = le64_get(rows[i].offset);
		state->layer[i].bytes = le64_get(rows[i].bytes);
		state->layer[i].stamp = le64_get(rows[i].stamp);
		memcpy(state->layer[i].sha256, rows[i].sha256, 32);
	}
	return STATUS_OK;
}

/* A part of the file into memory that begins on a page, as a mapped file does. */
static enum status
read_part(const struct journal *journal, uint64_t offset, uint64_t length, uint8_t **bytes,
	  struct fault *fault)
{
	void *memory = NULL;
	if (offset > journal->in.length || length > journal->in.length - offset || length == 0)
		return corrupt(fault, offset, "a part of a record is not there");
	if (posix_memalign(&memory, FORMAT_PAGE_BYTES, (size_t)length) != 0)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, offset, "no memory for a record");
	enum status status = file_in_read(&journal->in, offset, memory, (size_t)length, fault);
	if (status != STATUS_OK)
		free(memory);
	else
		*bytes = memory;
	return status;
}

enum status
journal_catalog(const struct journal *journal, const struct journal_state *state,
		uint8_t **bytes, size_t *length, struct fault *fault)
{
	uint8_t *read = NULL;
	enum status status = read_part(journal, state->catalog, state->catalog_bytes, &read, fault);
	if (status != STATUS_OK)
		return status;
	if (hash_sum(read, (size_t)state->catalog_bytes) == state->catalog_sum) {
		*bytes = read;
		*length = (size_t)state->catalog_bytes;
		return STATUS_OK;
	}
	free(read);
	return corrupt(fault, state->catalog, "the catalogue has another checksum");
}

enum status
journal_segment(const struct journal *journal, const struct journal_layer *layer, uint8_t **bytes,
		struct fault *fault)
{
	return read_part(journal, layer->offset, layer->bytes, bytes, fault);
}

/* --- writing ------------------------------------------------------------------------------ */

static uint64_t
head_bytes(const struct journal_state *state, const struct journal_parts *parts)
{
	uint64_t bytes = sizeof(struct record_d) + state->layer_count * sizeof(struct record_layer_d);
	return bytes + (parts->catalog == NULL ? 0 : parts->catalog_length);
}

uint64_t
journal_record_bytes(const struct journal_state *state, const struct journal_parts *parts)
{
	uint64_t bytes = head_bytes(state, parts);
	for (uint32_t i = 0; i < state->layer_count; i++)
		if (parts->segment[i] != NULL)
			bytes = round_up(bytes, SEGMENT_ALIGN) + state->layer[i].bytes;
	return round_up(bytes, FORMAT_PAGE_BYTES);
}

/* Rows, catalogue and segments at their places; the header comes when all is known. */
static void
fill_payload(uint8_t *bytes, uint64_t offset, struct journal_state *state,
	     const struct journal_parts *parts)
{
	struct record_layer_d *row = (struct record_layer_d *)(bytes + sizeof(struct record_d));
	uint64_t at = sizeof(struct record_d) + state->layer_count * sizeof(*row);
	if (parts->catalog != NULL) {
		memcpy(bytes + at, parts->catalog, parts->catalog_length);
		state->catalog = offset + at;
		state->catalog_bytes = parts->catalog_length;
		state->catalog_sum = hash_sum(parts->catalog, parts->catalog_length);
	}
	at = head_bytes(state, parts);
	for (uint32_t i = 0; i < state->layer_count; i++) {
		struct journal_layer *layer = &state->layer[i];
		if (parts->segment[i] != NULL) {
			at = round_up(at, SEGMENT_ALIGN);
			memcpy(bytes + at, parts->segment[i], (size_t)layer->bytes);
			layer->offset = offset + at;
			at += layer->bytes;
		}
		row[i].number = le64_make(layer->number);
		row[i].offset = le64_make(layer->offset);
		row[i].bytes = le64_make(layer->bytes);
		row[i].stamp = le64_make(layer->stamp);
		memcpy(row[i].sha256, layer->sha256, 32);
	}
}

static void
fill_header(uint8_t *bytes, uint64_t length, const struct journal_place *before,
	    const struct journal_state *state)
{
	struct record_d *record = (struct record_d *)bytes;
	*record = (struct record_d){
		.magic = le32_make(FORMAT_RECORD),
		.layer_count = le32_make(state->layer_count),
		.journal = le64_make(before->id),
		.previous = le64_make(before->sum),
		.generation = le64_make(state->generation),
		.published = le64_make(state->published),
		.compacted = le64_make(state->compacted),
		.bytes = le64_make(length),
		.catalog = le64_make(state->catalog),
		.catalog_bytes = le64_make(state->catalog_bytes),
		.catalog_sum = le64_make(state->catalog_sum),
		.payload_sum = le64_make(hash_sum(record + 1, (size_t)length - sizeof(*record))),
	};
	record->sum = le64_make(hash_sum(record, offsetof(struct record_d, sum)));
}

/* A whole record that stands behind `before`; free() it. */
static enum status
make_record(const struct journal_place *before, struct journal_state *state,
	    const struct journal_parts *parts, uint8_t **bytes, struct journal_place *place,
	    struct fault *fault)
{
	uint64_t length = journal_record_bytes(state, parts);
	if (length > LIMIT_RECORD_BYTES)
		return fault_set(fault, STATUS_LIMIT, NULL, 0,
				 "the catalogue is too large for a record of the journal");
	*bytes = calloc(1, (size_t)length);
	if (*bytes == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a record");
	fill_payload(*bytes, before->end, state, parts);
	fill_header(*bytes, length, before, state);
	*place = (struct journal_place){
		.id = before->id,
		.count = before->count + 1,
		.offset = before->end,
		.end = before->end + length,
		.sum = le64_get(((const struct record_d *)*bytes)->sum),
	};
	return STATUS_OK;
}

enum status
journal_append(const struct file_tail *tail, struct journal_place *place,
	       struct journal_state *state, const struct journal_parts *parts, struct fault *fault)
{
	uint8_t *bytes = NULL;
	struct journal_place next;
	enum status status = make_record(place, state, parts, &bytes, &next, fault);
	if (status == STATUS_OK)
		status = file_tail_append(tail, bytes, next.end - next.offset, fault);
	free(bytes);
	if (status == STATUS_OK)
		*place = next;
	return status;
}

static void
make_head(uint8_t *page, uint64_t id, struct hash_seed seed)
{
	struct journal_d *head = (struct journal_d *)page;
	memcpy(head->magic, FORMAT_JOURNAL_MAGIC, sizeof(head->magic));
	head->version = le32_make(FORMAT_JOURNAL_VERSION);
	head->id = le64_make(id);
	head->seed[0] = le64_make(seed.word[0]);
	head->seed[1] = le64_make(seed.word[1]);
	head->sum = le64_make(hash_sum(head, offsetof(struct journal_d, sum)));
}

enum status
journal_create(const char *path, struct journal_state *state, const struct journal_parts *parts,
	       struct journal_place *place, struct fault *fault)
{
	uint8_t page[FORMAT_PAGE_BYTES] = {0}, *bytes = NULL;
	uint64_t words[2];
	struct journal_place next;
	struct file_out *out = NULL;
	enum status status = file_random(words, fault);
	if (status != STATUS_OK)
		return status;
	make_head(page, words[0], state->seed);
	const struct journal_place before = {
		.id = words[0], .end = sizeof(page),
		.sum = le64_get(((const struct journal_d *)page)->sum),
	};
	status = make_record(&before, state, parts, &bytes, &next, fault);
	if (status == STATUS_OK)
		status = file_out_open(path, &out, fault);
	if (status == STATUS_OK)
		status = file_out_write(out, page, sizeof(page), fault);
	if (status == STATUS_OK)
		status = file_out_write(out, bytes, next.end - next.offset, fault);
	free(bytes);
	if (status != STATUS_OK) {
		file_out_abort(out);
		return status;
	}
	status = file_out_commit(out, fault);
	if (status == STATUS_OK)
		*place = next;
	return status;
}
