/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/container.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "engine/hash.h"

void
container_id_text(uint32_t id, char text[5])
{
	for (int i = 0; i < 4; i++) {
		char letter = (char)(id >> (8 * i));
		text[i] = letter > 0x20 && letter < 0x7f ? letter : '?';
	}
	text[4] = '\0';
}

static enum status
corrupt(struct fault *fault, const char *where, uint64_t offset, const char *why)
{
	return fault_set(fault, STATUS_CORRUPT, where, offset, "%s", why);
}

static enum status
header_check(const struct header_d *header, uint32_t content, size_t length, struct fault *fault)
{
	if (memcmp(header->magic, FORMAT_MAGIC, sizeof(header->magic)) != 0)
		return fault_set(fault, STATUS_FORMAT, "header", 0, "not a Repute file");
	if (hash_sum(header, offsetof(struct header_d, header_sum)) !=
	    le64_get(header->header_sum))
		return corrupt(fault, "header", offsetof(struct header_d, header_sum),
			       "the header does not match its checksum");
	uint32_t version = le32_get(header->version);
	if (version < FORMAT_VERSION_LEAST || version > FORMAT_VERSION)
		return fault_set(fault, STATUS_VERSION, "header",
				 offsetof(struct header_d, version),
				 "format version %u; this program reads versions %u to %u", version,
				 FORMAT_VERSION_LEAST, FORMAT_VERSION);
	if ((le32_get(header->incompatible) & ~FORMAT_INCOMPATIBLE_KNOWN) != 0)
		return fault_set(fault, STATUS_VERSION, "header",
				 offsetof(struct header_d, incompatible),
				 "needs features 0x%x that this program does not know",
				 le32_get(header->incompatible));
	if (le32_get(header->content) != content)
		return fault_set(fault, STATUS_FORMAT, "header",
				 offsetof(struct header_d, content),
				 "a Repute file of another content");
	if (le64_get(header->file_bytes) != length)
		return corrupt(fault, "header", offsetof(struct header_d, file_bytes),
			       "the file is shorter or longer than its header says");
	if (le32_get(header->reserved) != 0)
		return corrupt(fault, "header", offsetof(struct header_d, reserved),
			       "a reserved field is not zero");
	return STATUS_OK;
}

/* Sections must follow one another page by page from page 1 to the table, in one way only. */
static enum status
table_check(const struct container *container, uint64_t table_offset, struct fault *fault)
{
	uint64_t expected = FORMAT_PAGE_BYTES;
	for (uint32_t i = 0; i < container->section_count; i++) {
		const struct section_d *row = &container->table[i];
		uint64_t place = table_offset + i * sizeof(*row);
		uint64_t length = le64_get(row->length);
		if (le64_get(row->offset) != expected)
			return corrupt(fault, "section table", place,
				       "a section does not follow the one before it");
		if (length > table_offset - expected)
			return corrupt(fault, "section table", place,
				       "a section runs past the table");
		expected += (length + FORMAT_PAGE_BYTES - 1) / FORMAT_PAGE_BYTES *
			    FORMAT_PAGE_BYTES;
		if ((le32_get(row->flags) & ~FORMAT_SECTION_OPTIONAL) != 0)
			return fault_set(fault, STATUS_VERSION, "section table", place,
					 "a section has flags that this program does not know");
		for (uint32_t j = 0; j < i; j++)
			if (le32_get(container->table[j].id) == le32_get(row->id))
				return corrupt(fault, "section table", place,
					       "a section stands there twice");
	}
	if (expected != table_offset)
		return corrupt(fault, "section table", table_offset,
			       "the table does not follow the last section");
	return STATUS_OK;
}

enum status
container_attach(struct container *container, uint32_t content, const uint8_t *bytes,
		 size_t length, struct fault *fault)
{
	if (length < FORMAT_PAGE_BYTES + sizeof(struct footer_d))
		return fault_set(fault, length < 8 || memcmp(bytes, FORMAT_MAGIC, 8) != 0
						? STATUS_FORMAT : STATUS_CORRUPT,
				 "header", length, "the file is too short");
	const struct header_d *header = (const struct header_d *)bytes;
	enum status status = header_check(header, content, length, fault);
	if (status != STATUS_OK)
		return status;
	uint64_t table_offset = le64_get(header->table_offset);
	uint64_t count = le32_get(header->section_count);
	uint64_t footer = length - sizeof(struct footer_d);
	if (count > LIMIT_SECTIONS)
		return fault_set(fault, STATUS_LIMIT, "header",
				 offsetof(struct header_d, section_count), "too many sections");
	if (table_offset < FORMAT_PAGE_BYTES || table_offset > footer ||
	    footer - table_offset != count * sizeof(struct section_d))
		return corrupt(fault, "header", offsetof(struct header_d, table_offset),
			       "the section table is not where it must be");
	struct container found = {bytes, length, (const struct section_d *)(bytes + table_offset),
				  (uint32_t)count};
	const struct footer_d *foot = (const struct footer_d *)(bytes + footer);
	if (hash_sum(found.table, count * sizeof(struct section_d)) != le64_get(foot->table_sum))
		return corrupt(fault, "section table", table_offset,
			       "the section table does not match its checksum");
	status = table_check(&found, table_offset, fault);
	if (status == STATUS_OK)
		*container = found;
	return status;
}

uint32_t
container_section_at(const struct container *container, uint32_t i, struct section *section,
		     uint32_t *flags)
{
	const struct section_d *row = &container->table[i];
	section->offset = le64_get(row->offset);
	section->length = le64_get(row->length);
	section->bytes = container->bytes + section->offset;
	if (flags != NULL)
		*flags = le32_get(row->flags);
	return le32_get(row->id);
}

uint32_t
container_version(const struct container *container)
{
	return le32_get(((const struct header_d *)container->bytes)->version);
}

bool
container_section(const struct container *container, uint32_t id, struct section *section)
{
	for (uint32_t i = 0; i < container->section_count; i++)
		if (container_section_at(container, i, section, NULL) == id)
			return true;
	memset(section, 0, sizeof(*section));
	return false;
}

static enum status
check_zero(const uint8_t *bytes, uint64_t from, uint64_t to, const char *where, struct fault *fault)
{
	for (uint64_t i = from; i < to; i++)
		if (bytes[i] != 0)
			return corrupt(fault, where, i, "a padding byte is not zero");
	return STATUS_OK;
}

enum status
container_check(const struct container *container, struct fault *fault)
{
	enum status status = check_zero(container->bytes, sizeof(struct header_d),
					FORMAT_PAGE_BYTES, "header", fault);
	for (uint32_t i = 0; status == STATUS_OK && i < container->section_count; i++) {
		struct section section;
		char name[5];
		container_id_text(container_section_at(container, i, &section, NULL), name);
		if (hash_sum(section.bytes, section.length) != le64_get(container->table[i].sum))
			return corrupt(fault, name, section.offset,
				       "the section does not match its checksum");
		uint64_t end = section.offset + section.length;
		uint64_t page_end = (end + FORMAT_PAGE_BYTES - 1) / FORMAT_PAGE_BYTES *
				    FORMAT_PAGE_BYTES;
		status = check_zero(container->bytes, end, page_end, name, fault);
	}
	return status;
}

const uint8_t *
container_sha256(const struct container *container)
{
	return container->bytes + container->length - 32;
}
