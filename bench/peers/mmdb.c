/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary tree on address bits, leaves pushed down as longer prefixes split
 * them (prefixes go in shortest first); then nodes, 16 zeros, values, metadata.
 */
#include "bench/peers/mmdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAF 0x80000000u /* | claim; 0 = nothing there (the root is nobody's child) */
#define VALUE_BYTES 10   /* extended type 9, length 8, big-endian */

struct tree {
	uint32_t (*nodes)[2];
	size_t count, capacity;
};

static uint32_t
node_new(struct tree *tree, uint32_t both)
{
	if (tree->count == tree->capacity) {
		tree->capacity = tree->capacity * 2 + 4096;
		tree->nodes = realloc(tree->nodes, tree->capacity * sizeof(*tree->nodes));
		if (tree->nodes == NULL)
			exit(2);
	}
	tree->nodes[tree->count][0] = tree->nodes[tree->count][1] = both;
	return (uint32_t)tree->count++;
}

static unsigned
bit_of(const struct data *data, const uint8_t *key, unsigned bit)
{
	uint32_t address;
	if (data->key_bytes == 16)
		return key[bit / 8] >> (7 - bit % 8) & 1;
	memcpy(&address, key, 4);
	return address >> (31 - bit) & 1;
}

static void
put(struct tree *tree, const struct data *data, size_t i)
{
	size_t length;
	const uint8_t *key = data_key(data, i, &length);
	uint32_t at = 0;
	for (unsigned bit = 0; bit + 1 < data_bits(data, i); bit++) {
		unsigned side = bit_of(data, key, bit);
		uint32_t next = tree->nodes[at][side];
		if (next == 0 || (next & LEAF) != 0) {
			next = node_new(tree, next);
			tree->nodes[at][side] = next;
		}
		at = next;
	}
	tree->nodes[at][bit_of(data, key, data_bits(data, i) - 1u)] = LEAF | data_claim(data, i);
}

static void
put_be32(uint8_t *to, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(to, &value, 4);
}

static void
write_nodes(const struct tree *tree, FILE *file)
{
	static const uint8_t zeros[16];
	for (size_t i = 0; i < tree->count; i++) {
		uint8_t record[8];
		for (unsigned side = 0; side < 2; side++) {
			uint32_t next = tree->nodes[i][side];
			if (next == 0)
				next = (uint32_t)tree->count;
			else if (next & LEAF)
				next = (uint32_t)(tree->count + 16 + (next & ~LEAF) * VALUE_BYTES);
			put_be32(record + 4 * side, next);
		}
		fwrite(record, 1, sizeof(record), file);
	}
	fwrite(zeros, 1, sizeof(zeros), file);
}

static void
write_values(FILE *file)
{
	for (uint32_t claim = 0; claim < DATA_CLAIMS; claim++) {
		struct answer answer = data_claim_answer(claim);
		uint8_t value[VALUE_BYTES] = {8, 9 - 7};
		put_be32(value + 2, answer.expires);
		put_be32(value + 6, answer.tags | 1 << 16);
		fwrite(value, 1, sizeof(value), file);
	}
}

static void
write_text(FILE *file, const char *text)
{
	fputc(2 << 5 | (int)strlen(text), file);
	fputs(text, file);
}

static void
write_number(FILE *file, const char *name, int type, uint32_t value)
{
	uint8_t bytes[4];
	int size = type == 5 ? 2 : 4;
	write_text(file, name);
	fputc(type << 5 | size, file);
	put_be32(bytes, value);
	fwrite(bytes + 4 - size, 1, (size_t)size, file);
}

static void
write_metadata(const struct data *data, size_t nodes, FILE *file)
{
	fputs("\xab\xcd\xefMaxMind.com", file);
	fputc(7 << 5 | 9, file);
	write_number(file, "binary_format_major_version", 5, 2);
	write_number(file, "binary_format_minor_version", 5, 0);
	write_text(file, "build_epoch");
	fwrite("\x04\x02\x6b\x49\xd2\x00", 1, 6, file); /* uint64 of four bytes: DATA_NOW */
	write_text(file, "database_type");
	write_text(file, "bench");
	write_text(file, "description");
	fputc(7 << 5 | 0, file);
	write_number(file, "ip_version", 5, data->key_bytes == 4 ? 4 : 6);
	write_text(file, "languages");
	fwrite("\x00\x04", 1, 2, file); /* array, empty */
	write_number(file, "node_count", 6, (uint32_t)nodes);
	write_number(file, "record_size", 5, 32);
}

bool
mmdb_write(const struct data *data, const char *path)
{
	struct tree tree = {0};
	FILE *file = fopen(path, "wb");
	if (file == NULL)
		return false;
	node_new(&tree, 0);
	for (unsigned bits = 1; bits <= data->key_bytes * 8; bits++)
		for (size_t i = 0; i < data->count && (data->lengths[bits / 64] >> bits % 64 & 1); i++)
			if (data_bits(data, i) == bits)
				put(&tree, data, i);
	write_nodes(&tree, file);
	write_values(file);
	write_metadata(data, tree.count, file);
	free(tree.nodes);
	return fclose(file) == 0;
}
