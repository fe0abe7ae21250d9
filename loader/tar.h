/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of tar: ustar, pax and GNU, as far as reading regular files asks. Bytes
 * in, no files; memory-safe for any bytes. A reader goes from block to block:
 *
 *   tar_header_read -> its `size` bytes, rounded up to blocks -> tar_header_read ... TAR_END
 *
 * Size and name of the next file come out of TAR_PAX and TAR_LONG_NAME before it.
 */
#ifndef LOADER_TAR_H
#define LOADER_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAR_BLOCK_BYTES 512
#define TAR_MAGIC_OFFSET 257
#define TAR_MAGIC_END 262 /* "ustar", in ustar, pax and GNU alike */

enum tar_type {
	TAR_END,       /* a block of zeros */
	TAR_FILE,
	TAR_PAX,       /* records about the next member */
	TAR_LONG_NAME, /* GNU: the next member's name */
	TAR_NOTE,      /* more about the next member, or about all, that reading does not need */
	TAR_LINK,      /* a hard link: bytes follow only where a pax record says so */
	TAR_EMPTY,     /* folders, devices, symbolic links: nothing follows, whatever size says */
	TAR_OTHER      /* a member that is no file */
};

struct tar_header {
	enum tar_type type;
	uint64_t size;
	char name[257]; /* prefix and name */
};

/* NULL, or what is wrong with it. */
const char *
tar_header_read(const uint8_t block[TAR_BLOCK_BYTES], struct tar_header *header);

/* What concerns reading, borrowed from the bytes; path NULL: it is not said. */
struct tar_pax {
	const char *path;
	size_t path_length;
	bool has_size;
	uint64_t size;
};

/* NULL, or what is wrong. Fields that the records do not have stay as they are. */
const char *
tar_pax_read(const char *bytes, size_t length, struct tar_pax *pax);

#endif
