/* SPDX-License-Identifier: Apache-2.0 */
/* The baseline of x86-64. */
#ifdef __x86_64__
#include "engine/canon_scan_sse2.h"

/* Whole loads from the front, then one that ends with the text: their bits may overlap. */
CANON_SCAN_INLINE struct masks
masks_read(const char *text, size_t n, size_t before)
{
	if (n < 16)
		return masks_short(text, n, before);
	struct masks masks = masks_at(text);
	for (size_t i = 16; i + 16 <= n; i += 16)
		masks_or(&masks, masks_at(text + i), i);
	if (n % 16 != 0)
		masks_or(&masks, masks_at(text + n - 16), n - 16);
	return masks;
}

#define SCAN(name) name##_sse2
#include "engine/canon_scan_body.h"
#endif
