/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disk integers: little-endian byte arrays of alignment 1 that cannot be read
 * by accident. gcc and clang make one load or store of each.
 */
#ifndef ENGINE_BYTES_H
#define ENGINE_BYTES_H

#include <stdint.h>
#include <string.h>

struct le16 { uint8_t byte[2]; };
struct le32 { uint8_t byte[4]; };
struct le40 { uint8_t byte[5]; }; /* seconds since 1970, good for 34,000 years */
struct le64 { uint8_t byte[8]; };

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTES_LE(bits, value) (value)
#else
#define BYTES_LE(bits, value) __builtin_bswap##bits(value)
#endif

static inline uint16_t
le16_get(struct le16 disk)
{
	uint16_t value;
	memcpy(&value, disk.byte, sizeof(value));
	return BYTES_LE(16, value);
}

static inline uint32_t
le32_get(struct le32 disk)
{
	uint32_t value;
	memcpy(&value, disk.byte, sizeof(value));
	return BYTES_LE(32, value);
}

static inline uint64_t
le64_get(struct le64 disk)
{
	uint64_t value;
	memcpy(&value, disk.byte, sizeof(value));
	return BYTES_LE(64, value);
}

static inline uint64_t
le40_get(struct le40 disk)
{
	uint32_t low;
	memcpy(&low, disk.byte, sizeof(low));
	return BYTES_LE(32, low) | (uint64_t)disk.byte[4] << 32;
}

static inline struct le16
le16_make(uint16_t value)
{
	struct le16 disk;
	value = BYTES_LE(16, value);
	memcpy(disk.byte, &value, sizeof(value));
	return disk;
}

static inline struct le32
le32_make(uint32_t value)
{
	struct le32 disk;
	value = BYTES_LE(32, value);
	memcpy(disk.byte, &value, sizeof(value));
	return disk;
}

static inline struct le64
le64_make(uint64_t value)
{
	struct le64 disk;
	value = BYTES_LE(64, value);
	memcpy(disk.byte, &value, sizeof(value));
	return disk;
}

static inline struct le40
le40_make(uint64_t value)
{
	struct le40 disk;
	for (int i = 0; i < 5; i++)
		disk.byte[i] = (uint8_t)(value >> (8 * i));
	return disk;
}

/* Network order, for addresses. */
static inline uint32_t
be32_get(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       (uint32_t)bytes[3];
}

static inline uint64_t
be64_get(const uint8_t *bytes)
{
	return (uint64_t)be32_get(bytes) << 32 | be32_get(bytes + 4);
}

static inline void
be32_put(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 24);
	bytes[1] = (uint8_t)(value >> 16);
	bytes[2] = (uint8_t)(value >> 8);
	bytes[3] = (uint8_t)value;
}

static inline void
be64_put(uint8_t *bytes, uint64_t value)
{
	value = __builtin_bswap64(BYTES_LE(64, value));
	memcpy(bytes, &value, sizeof(value));
}

#endif
