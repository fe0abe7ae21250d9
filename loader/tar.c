/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/tar.h"

#include <string.h>

/* A header as POSIX has it; names and numbers end with NUL, or a blank, or the field. */
struct header_d {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	char linkname[100], magic[6], version[2], uname[32], gname[32], major[8], minor[8];
	char prefix[155], rest[12];
};
_Static_assert(sizeof(struct header_d) == TAR_BLOCK_BYTES, "a header is a block");

/* Octal with blanks around it, or GNU's base 256 (first bit set). */
static bool
number_read(const char *field, size_t length, uint64_t *number)
{
	const uint8_t *byte = (const uint8_t *)field, *end = byte + length;
	*number = 0;
	if ((byte[0] & 0x80) != 0) {
		for (*number = *byte++ & 0x7F; byte < end; byte++) {
			if (*number >> 55 != 0)
				return false;
			*number = *number << 8 | *byte;
		}
		return true;
	}
	while (byte < end && *byte == ' ')
		byte++;
	for (; byte < end && *byte >= '0' && *byte <= '7'; byte++) {
		if (*number >> 60 != 0)
			return false;
		*number = *number << 3 | (unsigned)(*byte - '0');
	}
	return byte == end || *byte == ' ' || *byte == '\0';
}

/* The sum of all bytes, its own field as blanks; some old writers summed signed ones. */
static bool
checksum_fits(const uint8_t block[TAR_BLOCK_BYTES])
{
	const struct header_d *header = (const struct header_d *)block;
	const size_t from = offsetof(struct header_d, checksum), to = from + sizeof(header->checksum);
	uint64_t wanted;
	int64_t sum = 0, signed_sum = 0;
	if (!number_read(header->checksum, sizeof(header->checksum), &wanted))
		return false;
	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++) {
		uint8_t byte = i >= from && i < to ? ' ' : block[i];
		sum += byte;
		signed_sum += (int8_t)byte;
	}
	return (uint64_t)sum == wanted || (uint64_t)signed_sum == wanted;
}

static enum tar_type
type_of(char type)
{
	switch (type) {
	case '0':
	case '7':
	case '\0':
		return TAR_FILE;
	case 'x':
	case 'X':
		return TAR_PAX;
	case 'L':
		return TAR_LONG_NAME;
	case 'g':
	case 'K':
		return TAR_NOTE;
	case '1':
		return TAR_LINK;
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
		return TAR_EMPTY;
	default:
		return TAR_OTHER;
	}
}

const char *
tar_header_read(const uint8_t block[TAR_BLOCK_BYTES], struct tar_header *header)
{
	static const uint8_t zeros[TAR_BLOCK_BYTES];
	const struct header_d *from = (const struct header_d *)block;
	*header = (struct tar_header){0};
	if (memcmp(block, zeros, TAR_BLOCK_BYTES) == 0)
		return NULL;
	if (!checksum_fits(block))
		return "a header has another checksum";
	if (!number_read(from->size, sizeof(from->size), &header->size))
		return "a header has no size";
	if (from->type == 'S')
		return "a sparse file, which is not read";
	/* GNU has other things in the place of the prefix, and a blank behind the magic. */
	size_t length = memcmp(from->magic, "ustar", 6) == 0
				? strnlen(from->prefix, sizeof(from->prefix)) : 0;
	memcpy(header->name, from->prefix, length);
	if (length > 0)
		header->name[length++] = '/';
	size_t name = strnlen(from->name, sizeof(from->name));
	memcpy(header->name + length, from->name, name);
	length += name;
	header->type = type_of(from->type);
	if (header->type == TAR_FILE && length > 0 && header->name[length - 1] == '/')
		header->type = TAR_EMPTY; /* a folder of before ustar */
	return NULL;
}

/* Decimal digits up to `end`. */
static bool
decimal_read(const char *text, const char *end, uint64_t *number)
{
	*number = 0;
	if (text == end)
		return false;
	for (; text < end; text++) {
		unsigned digit = (unsigned)(*text - '0');
		if (digit > 9 || *number > UINT64_MAX / 16)
			return false;
		*number = *number * 10 + digit;
	}
	return true;
}

static const char *
record_read(const char *key, const char *value, const char *end, struct tar_pax *pax)
{
	size_t length = (size_t)(value - 1 - key);
	if (length == 4 && memcmp(key, "path", 4) == 0) {
		pax->path = value;
		pax->path_length = (size_t)(end - value);
	} else if (length == 4 && memcmp(key, "size", 4) == 0) {
		pax->has_size = true;
		if (!decimal_read(value, end, &pax->size))
			return "a pax record has no size";
	} else if (length > 10 && memcmp(key, "GNU.sparse", 10) == 0) {
		return "a sparse file, which is not read";
	}
	return NULL;
}

/* Records are "LENGTH KEY=VALUE\n", the length that of all of it. */
const char *
tar_pax_read(const char *bytes, size_t length, struct tar_pax *pax)
{
	const char *at = bytes, *all = bytes + length;
	while (at < all && *at != '\0') {
		uint64_t record;
		const char *blank = memchr(at, ' ', (size_t)(all - at));
		if (blank == NULL || !decimal_read(at, blank, &record) || record > (size_t)(all - at) ||
		    record < (size_t)(blank - at) + 3 || at[record - 1] != '\n')
			return "a pax record is not whole";
		const char *end = at + record - 1;
		const char *equal = memchr(blank + 1, '=', (size_t)(end - blank - 1));
		const char *wrong = equal == NULL ? "a pax record has no value"
						  : record_read(blank + 1, equal + 1, end, pax);
		if (wrong != NULL)
			return wrong;
		at += record;
	}
	return NULL;
}
