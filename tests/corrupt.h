/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breaking files by name. A copy of a good container is changed in one field,
 * raw (its checksums now say so) or resealed (every checksum right again, by
 * xxHash and OpenSSL called from here, not by the engine's writer).
 *
 *   corrupt_init -> (corrupt_edit | corrupt_bytes | corrupt_cut) -> corrupt_seal -> ... -> corrupt_fini
 */
#ifndef TESTS_CORRUPT_H
#define TESTS_CORRUPT_H

#include "tests/fields.h"

struct corrupt {
	uint8_t *bytes;         /* an allocation of exactly `length`, for AddressSanitizer */
	size_t length;
	uint8_t *good;          /* what corrupt_restore() goes back to */
	size_t good_length;
};

void
corrupt_init(struct corrupt *corrupt, const uint8_t *good, size_t length);
void
corrupt_fini(struct corrupt *corrupt);
void
corrupt_restore(struct corrupt *corrupt);
/* The first `length` bytes of the good file. */
void
corrupt_cut(struct corrupt *corrupt, size_t length);

/* Where a section begins in the good file and how long it is; false if there is none. */
bool
corrupt_section(const struct corrupt *corrupt, const char *id, size_t *offset, size_t *length);

/*
 * Places of a structure in the good file, at most `cap`; returns how many
 * there are. `sections[i]` is the name that a fault should give.
 */
struct corrupt_place {
	size_t offset;
	char section[16];
};
size_t
corrupt_places(const struct corrupt *corrupt, const char *structure, struct corrupt_place *places,
	       size_t cap);

/* Make all checksums right that can be found; any bytes will do. `digest`: the SHA-256 too. */
void
corrupt_seal(uint8_t *bytes, size_t length, bool digest);

#endif
