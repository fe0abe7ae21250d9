/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one layer, shared by all views that have it: a mapped file, or memory of our own
 * that was compared with its checksum when it was read.
 *
 *   image_open | image_memory -> image_take* -> image_drop
 *
 * The bytes never move and live until the last drop. Pins are atomic: any thread.
 */
#ifndef ENGINE_IMAGE_H
#define ENGINE_IMAGE_H

#include "engine/file.h"

struct image {
	const uint8_t *bytes;
	size_t length;
	struct file_map map; /* length 0: memory of our own */
	uint32_t pins;       /* private: atomic */
};

/* Map a published file. */
enum status
image_open(const char *path, struct image **image, struct fault *fault);
/* Takes over `bytes`, which free() can free, whatever the outcome. */
enum status
image_memory(uint8_t *bytes, size_t length, struct image **image, struct fault *fault);
struct image *
image_take(struct image *image);
/* NULL is fine. */
void
image_drop(struct image *image);

#endif
