/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/segment_aid.h"

#include <stdlib.h>

#include "engine/path.h"

#define GATE_BLOCKS_PER_ENTRY 64
#define GATE_BITS_MAX 24
#define GATE_BITS_MIN 9
#define PATTERN_SUBSTRING (KEY_PATTERN_OPEN_START | KEY_PATTERN_OPEN_END)
#define PATTERN_LENGTHS (LIMIT_URL_BYTES + 1)
#define PATTERN_CELLS (4 * PATTERN_LENGTHS)

enum status
aid_image_new(struct aid_image *image, size_t length, struct fault *fault)
{
	image->bytes = calloc(length > 0 ? length : 1, 1);
	image->length = length;
	if (image->bytes == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for %zu bytes", length);
	return STATUS_OK;
}

static void
gate_mark(uint8_t *gate, uint32_t first, uint32_t count)
{
	for (uint32_t place = first; place < first + count;) {
		if ((place & 7) == 0 && first + count - place >= 8) {
			gate[place >> 3] = 0xff;
			place += 8;
		} else {
			gate[place >> 3] |= (uint8_t)(1u << (place & 7));
			place++;
		}
	}
}

static bool
mostly_set(const struct aid_image *image)
{
	uint64_t set = 0;
	for (size_t i = 0; i < image->length; i++)
		set += (unsigned)__builtin_popcount(image->bytes[i]);
	return set * 8 > (uint64_t)image->length * 8 * 7;
}

enum status
aid_gate_make(const struct hosts *hosts, uint64_t host_count, const struct ptrie *prefixes,
	      uint32_t *bits, struct aid_image *image, struct fault *fault)
{
	uint64_t entries = host_count + prefixes->record_count;
	uint32_t wanted = GATE_BITS_MIN;
	*bits = 0;
	if (entries == 0)
		return STATUS_OK;
	while (wanted < GATE_BITS_MAX && (uint64_t)1 << wanted < entries * GATE_BLOCKS_PER_ENTRY)
		wanted++;
	enum status status = aid_image_new(image, (size_t)1 << (wanted - 3), fault);
	if (status != STATUS_OK)
		return status;
	for (uint64_t i = 0; i < hosts->numbers; i++) {
		uint32_t address, claims;
		if (hosts_get(hosts, i, &address, &claims))
			gate_mark(image->bytes, address >> (32 - wanted), 1);
	}
	for (uint32_t i = 0; i < prefixes->record_count; i++) {
		struct ptrie_prefix prefix;
		if (!ptrie_record(prefixes, i, &prefix) || prefix.bits > 32)
			continue;
		gate_mark(image->bytes, (uint32_t)(prefix.hi >> 32) >> (32 - wanted),
			  prefix.bits >= wanted ? 1 : 1u << (wanted - prefix.bits));
	}
	if (mostly_set(image)) {
		free(image->bytes);
		*image = (struct aid_image){0};
	} else {
		*bits = wanted;
	}
	return STATUS_OK;
}

static void
count_pattern(const struct key *key, uint32_t *counts, uint8_t *grams)
{
	size_t length;
	const char *literal = path_literal(key, &length);
	counts[key->pattern * PATTERN_LENGTHS + length]++;
	if (key->pattern == PATTERN_SUBSTRING && length > 1) {
		unsigned gram = (unsigned)(uint8_t)literal[0] << 8 | (uint8_t)literal[1];
		grams[gram >> 3] |= (uint8_t)(1u << (gram & 7));
	}
}

static enum status
make_rows(const uint32_t *counts, struct aid_image *patterns, struct fault *fault)
{
	size_t rows = 0, substrings = 0;
	for (size_t i = 0; i < PATTERN_CELLS; i++) {
		rows += counts[i] != 0;
		substrings += counts[i] != 0 && i / PATTERN_LENGTHS == PATTERN_SUBSTRING;
	}
	if (substrings > LIMIT_SUBSTRING_LENGTHS)
		return fault_set(fault, STATUS_LIMIT, NULL, 0,
				 "\\*...\\* entries of more than %d different lengths",
				 LIMIT_SUBSTRING_LENGTHS);
	enum status status = aid_image_new(patterns, rows * sizeof(struct pattern_d), fault);
	struct pattern_d *row = (struct pattern_d *)patterns->bytes;
	for (size_t length = PATTERN_LENGTHS; status == STATUS_OK && length-- > 0;)
		for (unsigned pattern = 1; pattern <= PATTERN_SUBSTRING; pattern++) {
			uint32_t count = counts[pattern * PATTERN_LENGTHS + length];
			if (count != 0)
				*row++ = (struct pattern_d){.pattern = (uint8_t)pattern,
							    .length = le16_make((uint16_t)length),
							    .count = le32_make(count)};
		}
	return status;
}

enum status
aid_patterns_make(const struct segment_table *urls, struct aid_image *patterns,
		  struct aid_image *grams, struct fault *fault)
{
	uint32_t *counts = calloc(PATTERN_CELLS, sizeof(*counts));
	enum status status = aid_image_new(grams, SEGMENT_GRAMS_BYTES, fault);
	struct key key;
	uint32_t claims;
	bool any = false;
	if (counts == NULL)
		status = fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to count patterns");
	for (uint64_t i = 0; status == STATUS_OK && i < urls->record_count; i++) {
		if (!segment_table_key(urls, KIND_URL, i, &key, &claims) || key.pattern == 0)
			continue;
		any = true;
		count_pattern(&key, counts, grams->bytes);
	}
	if (status == STATUS_OK && any)
		status = make_rows(counts, patterns, fault);
	if (!any)
		grams->length = 0;
	free(counts);
	return status;
}
