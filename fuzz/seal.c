/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/seal.h"

#include <stdlib.h>

#include "engine/format.h"
#include "engine/hash.h"

#define SEAL_SECTIONS 32
#define SEAL_BYTES (1u << 20)

static size_t
page_up(size_t length)
{
	return (length + FORMAT_PAGE_BYTES - 1) / FORMAT_PAGE_BYTES * FORMAT_PAGE_BYTES;
}

/* All sums but the SHA-256, which attaching does not look at. */
static void
seal(uint8_t *bytes, size_t length)
{
	struct header_d *header = (struct header_d *)bytes;
	size_t foot = length - sizeof(struct footer_d);
	uint64_t table = le64_get(header->table_offset), count = le32_get(header->section_count);
	if (table <= foot && count <= (foot - table) / sizeof(struct section_d)) {
		struct section_d *row = (struct section_d *)(bytes + table);
		for (uint64_t i = 0; i < count; i++) {
			uint64_t offset = le64_get(row[i].offset), size = le64_get(row[i].length);
			if (offset <= length && size <= length - offset)
				row[i].sum = le64_make(hash_sum(bytes + offset, (size_t)size));
		}
		((struct footer_d *)(bytes + foot))->table_sum =
			le64_make(hash_sum(row, (size_t)count * sizeof(*row)));
	}
	header->header_sum = le64_make(hash_sum(header, offsetof(struct header_d, header_sum)));
}

/* The rows of a packed list; returns where the table comes to stand. */
static size_t
unpack(const uint8_t *bytes, size_t length, struct section_d *rows, const uint8_t **from,
       uint32_t *count)
{
	size_t at = 0, offset = FORMAT_PAGE_BYTES;
	for (*count = 0; *count < SEAL_SECTIONS && length - at >= 6; ++*count) {
		size_t size = (size_t)bytes[at + 4] | (size_t)bytes[at + 5] << 8;
		size = size < length - at - 6 ? size : length - at - 6;
		memcpy(rows[*count].id.byte, bytes + at, 4);
		if (le32_get(rows[*count].id) == FORMAT_EXPIRY)
			rows[*count].flags = le32_make(FORMAT_SECTION_OPTIONAL);
		rows[*count].offset = le64_make(offset);
		rows[*count].length = le64_make(size);
		from[*count] = bytes + at + 6;
		at += 6 + size;
		offset += page_up(size);
	}
	return offset;
}

static uint8_t *
pack(const uint8_t *bytes, size_t length, uint32_t content, size_t *made_length)
{
	struct section_d rows[SEAL_SECTIONS] = {0};
	const uint8_t *from[SEAL_SECTIONS];
	uint32_t count;
	size_t table = unpack(bytes, length, rows, from, &count);
	*made_length = table + count * sizeof(rows[0]) + sizeof(struct footer_d);
	uint8_t *made = calloc(1, *made_length);
	if (made == NULL)
		return NULL;
	struct header_d *header = (struct header_d *)made;
	memcpy(header->magic, FORMAT_MAGIC, sizeof(header->magic));
	header->content = le32_make(content);
	header->version = le32_make(FORMAT_VERSION);
	header->file_bytes = le64_make(*made_length);
	header->table_offset = le64_make(table);
	header->section_count = le32_make(count);
	for (uint32_t i = 0; i < count; i++) {
		memcpy(made + le64_get(rows[i].offset), from[i], (size_t)le64_get(rows[i].length));
		if (le32_get(rows[i].id) == FORMAT_EXPIRY)
			header->compatible = le32_make(FORMAT_COMPATIBLE_EXPIRY);
	}
	memcpy(made + table, rows, count * sizeof(rows[0]));
	return made;
}

uint8_t *
seal_make(const uint8_t *bytes, size_t length, uint32_t content, size_t *made_length)
{
	uint8_t *made;
	if (length > SEAL_BYTES)
		return NULL;
	if (length < FORMAT_PAGE_BYTES + sizeof(struct footer_d) ||
	    memcmp(bytes, FORMAT_MAGIC, 8) != 0) {
		made = pack(bytes, length, content, made_length);
	} else {
		*made_length = length;
		made = malloc(length);
		if (made != NULL)
			memcpy(made, bytes, length);
	}
	if (made != NULL)
		seal(made, *made_length);
	return made;
}
