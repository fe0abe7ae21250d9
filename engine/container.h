/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container: header page, page-aligned sections, table, footer. It knows
 * (id, offset, length, checksum) and nothing of what sections mean.
 *
 * Reading borrows bytes. Attach checks the header (its checksum, magic,
 * version, bits), the table's checksum, and once for everybody: extents,
 * order, overlap, alignment, duplicates. container_check reads every byte:
 * section checksums and zero padding.
 *
 * Writing streams: sections in order, each of a length known beforehand; the
 * table, then the footer with the SHA-256 of everything before it.
 */
#ifndef ENGINE_CONTAINER_H
#define ENGINE_CONTAINER_H

#include "engine/file.h"
#include "engine/format.h"
#include "engine/limits.h"
#include "engine/status.h"

struct container {
	const uint8_t *bytes;
	size_t length;
	const struct section_d *table;
	uint32_t section_count;
};

struct section {
	const uint8_t *bytes;
	uint64_t length;
	uint64_t offset;
};

enum status
container_attach(struct container *container, uint32_t content, const uint8_t *bytes,
		 size_t length, struct fault *fault);

/* Of an attached one: FORMAT_VERSION_LEAST to FORMAT_VERSION. */
uint32_t
container_version(const struct container *container);

/* False (and *section empty) if there is none. */
bool
container_section(const struct container *container, uint32_t id, struct section *section);

/* The i-th section in file order; its id and flags. */
uint32_t
container_section_at(const struct container *container, uint32_t i, struct section *section,
		     uint32_t *flags);

/* Every byte against its checksum, padding against zero. Names the section. */
enum status
container_check(const struct container *container, struct fault *fault);

/* Footer's digest of the whole file (32 bytes, borrowed). */
const uint8_t *
container_sha256(const struct container *container);

/* An id as text, for faults and dumps: "HOT2". */
void
container_id_text(uint32_t id, char text[5]);

struct container_out;

enum status
container_out_new(struct file_out *file, uint32_t content, uint32_t section_count,
		  const uint64_t *section_lengths, const uint32_t *section_ids,
		  struct container_out **out, struct fault *fault);
/* The same with more to say of the file: all that its header and table hold. */
struct container_plan {
	uint32_t content, compatible;
	uint32_t section_count;
	const uint64_t *lengths;
	const uint32_t *ids;
	const uint32_t *flags; /* FORMAT_SECTION_*; NULL: none */
};
enum status
container_out_plan(struct file_out *file, const struct container_plan *plan,
		   struct container_out **out, struct fault *fault);
/* Bytes of the sections in the order declared; together exactly their lengths. */
enum status
container_out_write(struct container_out *out, const void *bytes, size_t length,
		    struct fault *fault);
/* The section at hand is complete; goes on to the next. Asserts its length. */
enum status
container_out_next(struct container_out *out, struct fault *fault);
enum status
container_out_finish(struct container_out *out, uint8_t sha256[32], struct fault *fault);
void
container_out_free(struct container_out *out);

#endif
