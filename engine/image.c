/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/image.h"

#include <stdlib.h>

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a layer");
}

enum status
image_open(const char *path, struct image **out, struct fault *fault)
{
	struct image *image = calloc(1, sizeof(*image));
	if (image == NULL)
		return no_memory(fault);
	enum status status = file_map_open(path, &image->map, fault);
	if (status != STATUS_OK) {
		free(image);
		return status;
	}
	image->bytes = image->map.bytes;
	image->length = image->map.length;
	image->pins = 1;
	*out = image;
	return STATUS_OK;
}

enum status
image_memory(uint8_t *bytes, size_t length, struct image **out, struct fault *fault)
{
	struct image *image = calloc(1, sizeof(*image));
	if (image == NULL) {
		free(bytes);
		return no_memory(fault);
	}
	image->bytes = bytes;
	image->length = length;
	image->pins = 1;
	*out = image;
	return STATUS_OK;
}

struct image *
image_take(struct image *image)
{
	__atomic_add_fetch(&image->pins, 1, __ATOMIC_RELAXED);
	return image;
}

void
image_drop(struct image *image)
{
	if (image == NULL || __atomic_sub_fetch(&image->pins, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (image->map.length > 0)
		file_map_close(&image->map);
	else
		free((void *)(uintptr_t)image->bytes);
	free(image);
}
