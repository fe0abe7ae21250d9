/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow, and chance: for power_disk.c and power_image.c. */
#ifndef TESTS_POWER_BYTES_H
#define TESTS_POWER_BYTES_H

#include <stdlib.h>
#include <string.h>

#include "tests/power_disk.h"

/* splitmix64 */
static inline uint64_t
power_random(uint64_t *state)
{
	uint64_t word = *state += 0x9e3779b97f4a7c15;
	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
	word = (word ^ word >> 27) * 0x94d049bb133111eb;
	return word ^ word >> 31;
}

static inline void
power_bytes_reserve(struct power_bytes *bytes, uint64_t length)
{
	if (length <= bytes->room)
		return;
	bytes->room = length + length / 2 + 4096;
	bytes->at = realloc(bytes->at, bytes->room);
	if (bytes->at == NULL)
		power_fail("no memory for a file");
}

/* What is new reads as zeros. */
static inline void
power_bytes_resize(struct power_bytes *bytes, uint64_t length)
{
	power_bytes_reserve(bytes, length);
	if (length > bytes->length)
		memset(bytes->at + bytes->length, 0, length - bytes->length);
	bytes->length = length;
}

static inline void
power_bytes_write(struct power_bytes *bytes, uint64_t offset, const uint8_t *from, uint64_t length)
{
	if (offset + length > bytes->length)
		power_bytes_resize(bytes, offset + length);
	if (length > 0)
		memcpy(bytes->at + offset, from, length);
}

#endif
