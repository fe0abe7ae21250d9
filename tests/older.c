/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/older.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine/format.h"
#include "tests/corrupt.h"

#define SECTIONS 64

struct older {
	const struct section_d *from; /* rows of the good file */
	const uint8_t *bytes;
	uint32_t count;
	uint8_t *made[SECTIONS];      /* bytes of each section */
	size_t length[SECTIONS];
};

static size_t
pages(size_t length)
{
	return (length + FORMAT_PAGE_BYTES - 1) / FORMAT_PAGE_BYTES * FORMAT_PAGE_BYTES;
}

static void
copy_sections(struct older *older)
{
	for (uint32_t i = 0; i < older->count; i++) {
		older->length[i] = (size_t)le64_get(older->from[i].length);
		older->made[i] = malloc(older->length[i]);
		memcpy(older->made[i], older->bytes + le64_get(older->from[i].offset),
		       older->length[i]);
	}
}

/* Section i holds the records, the next one their texts. */
static void
lengths_before(struct older *older, uint32_t i)
{
	struct record_text_d *records = (struct record_text_d *)older->made[i];
	size_t count = older->length[i] / sizeof(*records), end = older->length[i + 1], at = 0;
	uint8_t *texts = malloc(end + 2 * count);

	for (size_t n = 0; n < count; n++) {
		size_t from = (size_t)le40_get(records[n].offset);
		size_t to = n + 1 < count ? (size_t)le40_get(records[n + 1].offset) : end;
		records[n].offset = le40_make(at);
		texts[at++] = (uint8_t)(to - from);
		texts[at++] = (uint8_t)((to - from) >> 8);
		memcpy(texts + at, older->made[i + 1] + from, to - from);
		at += to - from;
	}
	free(older->made[i + 1]);
	older->made[i + 1] = texts;
	older->length[i + 1] = at;
}

/* Listed top labels have no bitmap of their own there: a set without such keys is laid out as it was. */
static void
without_tops(struct older *older)
{
	static const uint8_t none[sizeof(((struct info_d *)0)->tops)];
	for (uint32_t i = 0; i < older->count; i++)
		if (le32_get(older->from[i].id) == FORMAT_INFO) {
			older->length[i] = offsetof(struct info_d, tops);
			if (memcmp(older->made[i] + older->length[i], none, sizeof(none)) != 0)
				abort();
		}
}

/* The same sections: one byte more, and all offsets moved by it. */
static void
idle_before(struct older *older, uint32_t i)
{
	struct record_text_d *records = (struct record_text_d *)older->made[i];
	size_t end = older->length[i + 1];
	uint8_t *texts = malloc(end + 1);

	for (size_t n = 0; n < older->length[i] / sizeof(*records); n++)
		records[n].offset = le40_make(le40_get(records[n].offset) + 1);
	texts[0] = 'x';
	memcpy(texts + 1, older->made[i + 1], end);
	free(older->made[i + 1]);
	older->made[i + 1] = texts;
	older->length[i + 1] = end + 1;
}

static uint8_t *
pack(const struct older *older, const struct header_d *from, uint32_t version, size_t *length)
{
	size_t table = FORMAT_PAGE_BYTES;
	for (uint32_t i = 0; i < older->count; i++)
		table += pages(older->length[i]);
	*length = table + older->count * sizeof(struct section_d) + sizeof(struct footer_d);

	uint8_t *bytes = calloc(1, *length);
	struct header_d *header = (struct header_d *)bytes;
	struct section_d *row = (struct section_d *)(bytes + table);
	*header = *from;
	header->version = le32_make(version);
	header->file_bytes = le64_make(*length);
	header->table_offset = le64_make(table);
	size_t at = FORMAT_PAGE_BYTES;
	for (uint32_t i = 0; i < older->count; i++, row++) {
		*row = older->from[i];
		row->offset = le64_make(at);
		row->length = le64_make(older->length[i]);
		memcpy(bytes + at, older->made[i], older->length[i]);
		at += pages(older->length[i]);
	}
	corrupt_seal(bytes, *length, true);
	return bytes;
}

typedef void texts_cb(struct older *older, uint32_t i);

/* `call` for each kind that has texts. */
static uint8_t *
make(const uint8_t *bytes, texts_cb *call, uint32_t version, size_t *made_length)
{
	const struct header_d *header = (const struct header_d *)bytes;
	struct older older = {.bytes = bytes, .count = le32_get(header->section_count)};

	older.from = (const struct section_d *)(bytes + le64_get(header->table_offset));
	copy_sections(&older);
	for (uint32_t i = 0; i < older.count; i++)
		if (le32_get(older.from[i].id) == FORMAT_RECORDS(2) ||
		    le32_get(older.from[i].id) == FORMAT_RECORDS(3))
			call(&older, i);
	if (version == FORMAT_VERSION_LEAST)
		without_tops(&older);
	uint8_t *made = pack(&older, header, version, made_length);
	for (uint32_t i = 0; i < older.count; i++)
		free(older.made[i]);
	return made;
}

uint8_t *
older_make(const uint8_t *bytes, size_t *made_length)
{
	return make(bytes, lengths_before, FORMAT_VERSION_LEAST, made_length);
}

uint8_t *
older_idle_byte(const uint8_t *bytes, size_t *made_length)
{
	return make(bytes, idle_before, FORMAT_VERSION, made_length);
}
