/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other tables of prefixes: libmaxminddb on a file that mmdb.c writes, and the
 * PATRICIA trie of nDPI. Both look up one address at a time.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <maxminddb.h>
#include <ndpi/ndpi_api.h>

#include "bench/peers/mmdb.h"
#include "bench/peers/peers.h"

struct maxmind {
	char path[300];
	MMDB_s db;
};

static void *
maxmind_build(const struct data *data)
{
	struct maxmind *self = calloc(1, sizeof(*self));
	peer_path(self->path, sizeof(self->path), "mmdb");
	if (mmdb_write(data, self->path) &&
	    MMDB_open(self->path, MMDB_MODE_MMAP, &self->db) == MMDB_SUCCESS)
		return self;
	unlink(self->path);
	free(self);
	return NULL;
}

static struct answer
maxmind_one(void *context, const struct queries *queries, size_t i)
{
	static const char *const no_path[] = {NULL};
	struct maxmind *self = context;
	struct sockaddr_in6 wide = {.sin6_family = AF_INET6};
	struct sockaddr_in narrow = {.sin_family = AF_INET};
	bool ipv4 = queries->data->key_bytes == 4;
	MMDB_lookup_result_s result;
	MMDB_entry_data_s entry;
	uint32_t address;
	int error;
	memcpy(&address, queries->keys + i * queries->data->key_bytes, 4);
	narrow.sin_addr.s_addr = htonl(address);
	if (!ipv4)
		memcpy(&wide.sin6_addr, queries->keys + i * 16, 16);
	result = MMDB_lookup_sockaddr(&self->db, ipv4 ? (struct sockaddr *)&narrow :
							(struct sockaddr *)&wide, &error);
	if (!result.found_entry ||
	    MMDB_aget_value(&result.entry, &entry, no_path) != MMDB_SUCCESS)
		return (struct answer){0, 0};
	return data_live(word_answer(entry.uint64));
}

static uint64_t
maxmind_bytes(void *context)
{
	struct stat stat_of;
	return stat(((struct maxmind *)context)->path, &stat_of) == 0 ? (uint64_t)stat_of.st_size : 0;
}

static void
maxmind_free(void *context)
{
	struct maxmind *self = context;
	MMDB_close(&self->db);
	unlink(self->path);
	free(self);
}

/* --- nDPI --------------------------------------------------------------------------------- */

static void
fill(ndpi_prefix_t *prefix, const uint8_t *key, unsigned key_bytes, int bits)
{
	struct in6_addr wide;
	struct in_addr narrow;
	uint32_t address;
	if (key_bytes == 16) {
		memcpy(&wide, key, 16);
		ndpi_fill_prefix_v6(prefix, &wide, bits, 128);
		return;
	}
	memcpy(&address, key, 4);
	narrow.s_addr = htonl(address);
	ndpi_fill_prefix_v4(prefix, &narrow, bits, 32);
}

static void *
ndpi_build(const struct data *data)
{
	ndpi_patricia_tree_t *tree = ndpi_patricia_new((u_int16_t)(data->key_bytes * 8));
	for (size_t i = 0; tree != NULL && i < data->count; i++) {
		ndpi_prefix_t prefix;
		size_t length;
		fill(&prefix, data_key(data, i, &length), data->key_bytes, (int)data_bits(data, i));
		ndpi_patricia_node_t *node = ndpi_patricia_lookup(tree, &prefix);
		ndpi_patricia_set_node_u64(node, answer_word(data_answer(data, i)));
	}
	return tree;
}

static struct answer
ndpi_one(void *tree, const struct queries *queries, size_t i)
{
	unsigned key_bytes = queries->data->key_bytes;
	ndpi_prefix_t prefix;
	fill(&prefix, queries->keys + i * key_bytes, key_bytes, (int)key_bytes * 8);
	ndpi_patricia_node_t *node = ndpi_patricia_search_best(tree, &prefix);
	return node == NULL ? (struct answer){0, 0} :
			      data_live(word_answer(ndpi_patricia_get_node_u64(node)));
}

static void
ndpi_free_tree(void *tree)
{
	ndpi_patricia_destroy(tree, NULL);
}

static const struct peer peers[] = {
	{"maxminddb", FOR_ADDRESSES, FOR(CLASS_IPV6), 12000000, maxmind_build, maxmind_free, maxmind_one, NULL,
	 maxmind_bytes},
	{"ndpi", FOR_ADDRESSES, 0, 12000000, ndpi_build, ndpi_free_tree, ndpi_one},
};

const struct peer_family family_routes = {peers, sizeof(peers) / sizeof(*peers)};
