/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names outside ASCII: UTS-46 non-transitional ToASCII as the URL Standard
 * calls it (CheckHyphens, VerifyDnsLength and UseSTD3ASCIIRules off; CheckBidi
 * and CheckJoiners on, label by label), by libidn2.
 *
 * libidn2 (2.3.3) also applies IDNA2008, so it refuses emoji and other symbols,
 * hyphens at the edges of a label and long labels, and knows Unicode up to 15.
 * canon_idna.c therefore puts a harmless letter of the same direction in the
 * place of each such code point (canon_idna_table.c), asks libidn2, and puts
 * them back.
 */
#ifndef ENGINE_CANON_IDNA_H
#define ENGINE_CANON_IDNA_H

#include <stddef.h>
#include <stdint.h>

#include "engine/status.h"

/* Code points of the longest label that is looked at; a DNS label has 63 bytes. */
#define CANON_IDNA_LABEL_POINTS 256

/*
 * `text`: well-formed UTF-8, not all ASCII. Writes the A-labels, lower case,
 * dots as in the text, no NUL. STATUS_BAD_DOMAIN if it is no name,
 * STATUS_NO_MEMORY.
 */
enum status
canon_idna(const char *text, size_t length, char *out, size_t cap, size_t *out_length);

/* RFC 3492. Both give 0 on failure; neither writes the prefix "xn--". */
size_t
canon_punycode_encode(const uint32_t *points, size_t count, char *out, size_t cap);
size_t
canon_punycode_decode(const char *text, size_t length, uint32_t *points, size_t cap);

struct canon_idna_valid {
	uint32_t first, last;
	char stands; /* n, l, r, e or a */
};
extern const struct canon_idna_valid canon_idna_valid[];
extern const size_t canon_idna_valid_count;

struct canon_idna_mapped {
	uint32_t first, last;
	int32_t delta;
};
extern const struct canon_idna_mapped canon_idna_mapped[];
extern const size_t canon_idna_mapped_count;
extern const struct canon_idna_mapped canon_idna_ignored[];
extern const size_t canon_idna_ignored_count;

#endif
