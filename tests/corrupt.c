/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/corrupt.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define PAGE 4096
#define HEADER_SUM 48   /* docs/format.md: offsets in the header page */
#define TABLE_OFFSET 32
#define SECTION_COUNT 40
#define SECTION_BYTES 32
#define FOOTER_BYTES 40

static uint64_t
number(const uint8_t *bytes, unsigned width)
{
	uint64_t value = 0;

	for (unsigned i = width; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static void
number_put(uint8_t *bytes, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

/* --- copies ------------------------------------------------------------------------ */

static uint8_t *
copy_of(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, length);
	return copy;
}

void
corrupt_init(struct corrupt *corrupt, const uint8_t *good, size_t length)
{
	corrupt->good = copy_of(good, length);
	corrupt->good_length = length;
	corrupt->bytes = copy_of(good, length);
	corrupt->length = length;
}

void
corrupt_fini(struct corrupt *corrupt)
{
	free(corrupt->bytes);
	free(corrupt->good);
}

void
corrupt_cut(struct corrupt *corrupt, size_t length)
{
	free(corrupt->bytes);
	corrupt->bytes = copy_of(corrupt->good, length);
	corrupt->length = length;
}

void
corrupt_restore(struct corrupt *corrupt)
{
	if (corrupt->length != corrupt->good_length)
		corrupt_cut(corrupt, corrupt->good_length);
	memcpy(corrupt->bytes, corrupt->good, corrupt->good_length);
}

/* --- where things are ----------------------------------------------------------------- */

bool
corrupt_section(const struct corrupt *corrupt, const char *id, size_t *offset, size_t *length)
{
	uint64_t count = number(corrupt->good + SECTION_COUNT, 4);
	const uint8_t *row = corrupt->good + number(corrupt->good + TABLE_OFFSET, 8);

	for (; count > 0; count--, row += SECTION_BYTES) {
		if (memcmp(row, id, 4) != 0)
			continue;
		*offset = (size_t)number(row + 8, 8);
		*length = (size_t)number(row + 16, 8);
		return true;
	}
	return false;
}

struct places {
	struct corrupt_place *place;
	size_t count, cap;
};

static void
place_add(struct places *places, const char *section, size_t offset)
{
	if (places->count < places->cap) {
		struct corrupt_place *place = &places->place[places->count];
		place->offset = offset;
		snprintf(place->section, sizeof(place->section), "%s", section);
	}
	places->count++;
}

/* Structures that stand one after another in sections; `digit`: the last letter of the id. */
static const struct run {
	const char *structure, *id, *digits;
	size_t bytes;
} runs[] = {
	{ "bucket_d", "HOT", "12345", 64 },      { "hosts_line_d", "HOT", "0", 64 },
	{ "record_ipv6_d", "REC", "1", 20 },     { "record_text_d", "REC", "23", 9 },
	{ "record_sha1_d", "REC", "4", 24 },     { "record_sha256_d", "REC", "5", 36 },
	{ "claim_d", "CLM", "S", 32 },           { "pattern_d", "PAT", "L", 8 },
	{ "ptrie_head_d", "TRI", "01", 0 },      { "strings_d", "SRC", "N", 0 },
	{ "strings_d", "TAG", "S", 0 },          { "info_d", "INF", "O", 0 },
	{ "expiry_d", "EXP", "O", 0 },
};

static void
run_places(const struct corrupt *corrupt, const struct run *run, struct places *places)
{
	for (const char *digit = run->digits; *digit; digit++) {
		char id[5] = { run->id[0], run->id[1], run->id[2], *digit, 0 };
		size_t offset, length;
		if (!corrupt_section(corrupt, id, &offset, &length))
			continue;
		for (size_t at = 0; at < (run->bytes ? length : 1); at += run->bytes ? run->bytes : 1)
			place_add(places, id, offset + at);
	}
}

static size_t
line_up(size_t length)
{
	return (length + 63) / 64 * 64;
}

/* engine/ptrie.h: head, root, nodes, leaves, records, each on a 64-byte line. */
static void
trie_places(const struct corrupt *corrupt, const char *structure, struct places *places)
{
	for (unsigned kind = 0; kind < 2; kind++) {
		char id[5] = { 'T', 'R', 'I', (char)('0' + kind), 0 };
		size_t offset, length, address = kind ? 16 : 4;
		if (!corrupt_section(corrupt, id, &offset, &length))
			continue;
		const uint8_t *head = corrupt->good + offset;
		size_t nodes = 64 + line_up((size_t)4 << head[1]);
		size_t leaves = nodes + line_up(24 * number(head + 4, 4));
		size_t records = leaves + line_up(8 * number(head + 8, 4));
		for (size_t i = 0; i < number(head + 4, 4) && strcmp(structure, "ptrie_node_d") == 0; i++)
			place_add(places, id, offset + nodes + 24 * i);
		for (size_t i = 0; i < number(head + 8, 4) && strcmp(structure, "ptrie_leaf_d") == 0; i++)
			place_add(places, id, offset + leaves + 8 * i);
		for (size_t i = 0; i < number(head + 12, 4) && strcmp(structure, "ptrie_tail_d") == 0; i++)
			place_add(places, id, offset + records + (address + 12) * i + address);
	}
}

/* engine/wide.h: a cell's line and, level by level, those below it. */
static void
tree_places(const struct corrupt *corrupt, const char *structure, size_t lines, uint64_t cell,
	    struct places *places)
{
	size_t line = lines + (cell & 0x3ffffff) * 64;
	uint64_t levels = cell >> 26 & 15, first = number(corrupt->good + line + 56, 4);
	const char *is = levels > 0 ? "wide_inner_d" : cell >> 30 == 1 ? "wide_brief_d" : "wide_full_d";
	if (strcmp(structure, is) == 0)
		place_add(places, "WID6", line);
	for (uint64_t i = 0; levels > 0 && i <= number(corrupt->good + line + 62, 2); i++) {
		uint64_t kind = 1 + (number(corrupt->good + line + 60, 2) >> i & 1);
		tree_places(corrupt, structure, lines, kind << 30 | (levels - 1) << 26 | (first + i),
			    places);
	}
}

/* engine/wide.h: head, root, lines, hot, keys, each on a 64-byte line. */
static void
wide_places(const struct corrupt *corrupt, const char *structure, struct places *places)
{
	size_t offset, length;
	if (strncmp(structure, "wide_", 5) != 0 || !corrupt_section(corrupt, "WID6", &offset, &length))
		return;
	const uint8_t *head = corrupt->good + offset;
	size_t cells = (size_t)1 << number(head, 4), records = number(head + 8, 4);
	size_t lines = offset + 64 + cells * 4, hot = lines + 64 * number(head + 4, 4);
	if (strcmp(structure, "wide_head_d") == 0)
		place_add(places, "WID6", offset);
	for (size_t i = 0; i < cells; i++) {
		uint64_t cell = number(head + 64 + 4 * i, 4);
		if (cell >> 30 == 1 || cell >> 30 == 2)
			tree_places(corrupt, structure, lines, cell, places);
	}
	for (size_t i = 0; i < records && strcmp(structure, "wide_hot_d") == 0; i++)
		place_add(places, "WID6", hot + 8 * i);
	for (size_t i = 0; i < records && strcmp(structure, "wide_key_d") == 0; i++)
		place_add(places, "WID6", hot + line_up(8 * records) + 20 * i);
}

/* Behind the head of EXPO; what follows the rows has no structure. */
static void
due_places(const struct corrupt *corrupt, const char *structure, struct places *places)
{
	size_t offset, length;
	if (strcmp(structure, "due_d") != 0 || !corrupt_section(corrupt, "EXPO", &offset, &length))
		return;
	for (size_t i = 0; i < number(corrupt->good + offset + 8, 4); i++)
		place_add(places, "EXPO", offset + 16 + 11 * i);
}

size_t
corrupt_places(const struct corrupt *corrupt, const char *structure, struct corrupt_place *place,
	       size_t cap)
{
	struct places places = { place, 0, cap };
	size_t table = (size_t)number(corrupt->good + TABLE_OFFSET, 8), offset, length;

	if (strcmp(structure, "header_d") == 0)
		place_add(&places, "header", 0);
	if (strcmp(structure, "footer_d") == 0)
		place_add(&places, "footer", corrupt->good_length - FOOTER_BYTES);
	if (strcmp(structure, "section_d") == 0)
		for (size_t i = 0; i < number(corrupt->good + SECTION_COUNT, 4); i++)
			place_add(&places, "section table", table + i * SECTION_BYTES);
	if (strcmp(structure, "info_kind_d") == 0 &&
	    corrupt_section(corrupt, "INFO", &offset, &length))
		for (size_t i = 0; i < 6; i++)
			place_add(&places, "INFO", offset + 32 + i * 40);
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		if (strcmp(structure, runs[i].structure) == 0)
			run_places(corrupt, &runs[i], &places);
	trie_places(corrupt, structure, &places);
	wide_places(corrupt, structure, &places);
	due_places(corrupt, structure, &places);
	return places.count;
}

/* --- sealing ---------------------------------------------------------------------------- */

static void
seal_sections(uint8_t *bytes, size_t length, uint8_t *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t *row = table + i * SECTION_BYTES;
		uint64_t offset = number(row + 8, 8), size = number(row + 16, 8);
		if (offset <= length && size <= length - offset)
			number_put(row + 24, XXH3_64bits(bytes + offset, (size_t)size));
	}
}

void
corrupt_seal(uint8_t *bytes, size_t length, bool digest)
{
	if (length < PAGE + FOOTER_BYTES)
		return;
	uint64_t table = number(bytes + TABLE_OFFSET, 8), count = number(bytes + SECTION_COUNT, 4);
	uint8_t *footer = bytes + length - FOOTER_BYTES;
	if (table <= length - FOOTER_BYTES &&
	    count <= (length - FOOTER_BYTES - table) / SECTION_BYTES) {
		seal_sections(bytes, length, bytes + table, (size_t)count);
		number_put(footer, XXH3_64bits(bytes + table, (size_t)count * SECTION_BYTES));
	}
	number_put(bytes + HEADER_SUM, XXH3_64bits(bytes, HEADER_SUM));
	if (digest)
		SHA256(bytes, length - 32, footer + 8);
}
