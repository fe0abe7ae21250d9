/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/intern.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum status
intern_grow(void **block, size_t *capacity, size_t need, size_t size, struct fault *fault)
{
	if (need <= *capacity)
		return STATUS_OK;
	size_t wanted = *capacity + *capacity / 2;
	if (wanted < need)
		wanted = need < 16 ? 16 : need;
	void *grown = wanted > SIZE_MAX / size ? NULL : realloc(*block, wanted * size);
	if (grown == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for %zu bytes",
				 wanted * size);
	*block = grown;
	*capacity = wanted;
	return STATUS_OK;
}

void
intern_fini(struct intern *intern)
{
	free(intern->bytes);
	free(intern->offsets);
	free(intern->slots);
	struct hash_seed seed = intern->seed;
	memset(intern, 0, sizeof(*intern));
	intern->seed = seed;
}

static bool
is_number(const struct intern *intern, uint32_t slot, const void *bytes, size_t length)
{
	size_t have;
	if (slot == 0)
		return false;
	const uint8_t *other = intern_get(intern, slot - 1, &have);
	return have == length && (length == 0 || memcmp(other, bytes, length) == 0);
}

static size_t
slot_of(const struct intern *intern, const void *bytes, size_t length)
{
	size_t mask = intern->slot_count - 1;
	size_t slot = (size_t)hash_text(intern->seed, bytes, length) & mask;
	while (intern->slots[slot] != 0 && !is_number(intern, intern->slots[slot], bytes, length))
		slot = (slot + 1) & mask;
	return slot;
}

static enum status
rehash(struct intern *intern, struct fault *fault)
{
	size_t wanted = intern->slot_count == 0 ? 64 : intern->slot_count * 2;
	uint32_t *slots = calloc(wanted, sizeof(*slots));
	if (slots == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for an index");
	free(intern->slots);
	intern->slots = slots;
	intern->slot_count = wanted;
	for (uint32_t i = 0; i < intern->count; i++) {
		size_t length;
		const uint8_t *bytes = intern_get(intern, i, &length);
		intern->slots[slot_of(intern, bytes, length)] = i + 1;
	}
	return STATUS_OK;
}

static enum status
append(struct intern *intern, const void *bytes, size_t length, struct fault *fault)
{
	if (intern->count >= INT32_MAX)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "too many distinct strings");
	enum status status = intern_grow((void **)&intern->bytes, &intern->bytes_capacity,
					 intern->bytes_length + length + 1, 1, fault);
	if (status == STATUS_OK)
		status = intern_grow((void **)&intern->offsets, &intern->offsets_capacity,
				     (size_t)intern->count + 2, sizeof(uint64_t), fault);
	if (status != STATUS_OK)
		return status;
	if (length > 0)
		memcpy(intern->bytes + intern->bytes_length, bytes, length);
	intern->offsets[intern->count] = intern->bytes_length;
	intern->bytes_length += length;
	intern->offsets[++intern->count] = intern->bytes_length;
	return STATUS_OK;
}

enum status
intern_put(struct intern *intern, const void *bytes, size_t length, uint32_t *number,
	   struct fault *fault)
{
	uint32_t *recent = &intern->recent[length % INTERN_RECENT];
	if (is_number(intern, *recent, bytes, length)) {
		*number = *recent - 1;
		return STATUS_OK;
	}
	if ((size_t)intern->count * 2 >= intern->slot_count) {
		enum status status = rehash(intern, fault);
		if (status != STATUS_OK)
			return status;
	}
	size_t slot = slot_of(intern, bytes, length);
	if (intern->slots[slot] == 0) {
		enum status status = append(intern, bytes, length, fault);
		if (status != STATUS_OK)
			return status;
		intern->slots[slot] = intern->count;
	}
	*recent = intern->slots[slot];
	*number = *recent - 1;
	return STATUS_OK;
}
