/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a container: a stream with a running checksum and digest. */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "engine/container.h"
#include "engine/hash.h"
#include "engine/sha256.h"

struct container_out {
	struct file_out *file;
	struct sha256 *sha256;
	struct hash_stream *sum;
	uint32_t section_count, section;
	uint64_t written; /* of the section at hand */
	struct section_d table[LIMIT_SECTIONS];
};

static const uint8_t zero_page[FORMAT_PAGE_BYTES];

static uint64_t
page_up(uint64_t length)
{
	return (length + FORMAT_PAGE_BYTES - 1) / FORMAT_PAGE_BYTES * FORMAT_PAGE_BYTES;
}

static enum status
out_bytes(struct container_out *out, const void *bytes, size_t length, struct fault *fault)
{
	sha256_add(out->sha256, bytes, length);
	return file_out_write(out->file, bytes, length, fault);
}

static enum status
out_header(struct container_out *out, const struct container_plan *plan, uint64_t table_offset,
	   struct fault *fault)
{
	uint8_t page[FORMAT_PAGE_BYTES] = {0};
	struct header_d *header = (struct header_d *)page;
	memcpy(header->magic, FORMAT_MAGIC, sizeof(header->magic));
	header->content = le32_make(plan->content);
	header->version = le32_make(FORMAT_VERSION);
	header->compatible = le32_make(plan->compatible);
	header->file_bytes = le64_make(table_offset + out->section_count * sizeof(struct section_d) +
				       sizeof(struct footer_d));
	header->table_offset = le64_make(table_offset);
	header->section_count = le32_make(out->section_count);
	header->header_sum = le64_make(hash_sum(header, offsetof(struct header_d, header_sum)));
	return out_bytes(out, page, sizeof(page), fault);
}

enum status
container_out_new(struct file_out *file, uint32_t content, uint32_t section_count,
		  const uint64_t *section_lengths, const uint32_t *section_ids,
		  struct container_out **out, struct fault *fault)
{
	const struct container_plan plan = {.content = content, .section_count = section_count,
					    .lengths = section_lengths, .ids = section_ids};
	return container_out_plan(file, &plan, out, fault);
}

enum status
container_out_plan(struct file_out *file, const struct container_plan *plan,
		   struct container_out **out, struct fault *fault)
{
	assert(plan->section_count <= LIMIT_SECTIONS);
	struct container_out *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a container");
	fresh->file = file;
	fresh->sha256 = sha256_new();
	fresh->sum = hash_stream_new();
	fresh->section_count = plan->section_count;
	if (fresh->sha256 == NULL || fresh->sum == NULL) {
		container_out_free(fresh);
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a digest");
	}
	uint64_t offset = FORMAT_PAGE_BYTES;
	for (uint32_t i = 0; i < plan->section_count; i++) {
		fresh->table[i].id = le32_make(plan->ids[i]);
		fresh->table[i].flags = le32_make(plan->flags != NULL ? plan->flags[i] : 0);
		fresh->table[i].offset = le64_make(offset);
		fresh->table[i].length = le64_make(plan->lengths[i]);
		offset += page_up(plan->lengths[i]);
	}
	enum status status = out_header(fresh, plan, offset, fault);
	if (status != STATUS_OK)
		container_out_free(fresh);
	else
		*out = fresh;
	return status;
}

enum status
container_out_write(struct container_out *out, const void *bytes, size_t length,
		    struct fault *fault)
{
	hash_stream_add(out->sum, bytes, length);
	out->written += length;
	return out_bytes(out, bytes, length, fault);
}

enum status
container_out_next(struct container_out *out, struct fault *fault)
{
	assert(out->section < out->section_count);
	struct section_d *row = &out->table[out->section++];
	assert(out->written == le64_get(row->length));
	row->sum = le64_make(hash_stream_value(out->sum));
	size_t padding = page_up(out->written) - out->written;
	out->written = 0;
	hash_stream_free(out->sum);
	out->sum = hash_stream_new();
	if (out->sum == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a checksum");
	return out_bytes(out, zero_page, padding, fault);
}

enum status
container_out_finish(struct container_out *out, uint8_t sha256[32], struct fault *fault)
{
	assert(out->section == out->section_count);
	size_t table_bytes = out->section_count * sizeof(struct section_d);
	struct footer_d footer;
	footer.table_sum = le64_make(hash_sum(out->table, table_bytes));
	enum status status = out_bytes(out, out->table, table_bytes, fault);
	if (status == STATUS_OK)
		status = out_bytes(out, &footer.table_sum, sizeof(footer.table_sum), fault);
	sha256_finish(out->sha256, footer.sha256);
	out->sha256 = NULL;
	if (status == STATUS_OK)
		status = file_out_write(out->file, footer.sha256, sizeof(footer.sha256), fault);
	if (status == STATUS_OK)
		memcpy(sha256, footer.sha256, sizeof(footer.sha256));
	return status;
}

void
container_out_free(struct container_out *out)
{
	if (out == NULL)
		return;
	sha256_free(out->sha256);
	if (out->sum != NULL)
		hash_stream_free(out->sum);
	free(out);
}
