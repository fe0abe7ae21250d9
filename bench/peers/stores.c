/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases in files: LMDB, RocksDB, tinycdb.
 *
 *   lmdb     one read transaction held open (its fastest way), NOSYNC while loading,
 *            keys in order with MDB_APPEND; no read-ahead, no locks
 *   rocksdb  bulk load, one compacted level; whole-key Bloom filter of 10 bits,
 *            hash index in data blocks, no compression, no checksums, 1 GiB block
 *            cache; files mapped. rocksdb-multiget: its own batch. rocksdb-default
 *            has no option set
 *   tinycdb  files of at most 4 GiB, mapped
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cdb.h>
#include <lmdb.h>
#include <rocksdb/c.h>

#include "bench/peers/peers.h"

#define CDB_LARGEST 0xf0000000ull
#define DIGEST_RECORD 64 /* tinycdb bytes a digest entry: head, key, value, table */

static uint64_t
file_bytes(const char *path)
{
	struct stat stat_of;
	return stat(path, &stat_of) == 0 ? (uint64_t)stat_of.st_blocks * 512 : 0;
}

/* --- order: sorted loading is the tuned way for trees ------------------------------------ */

static const struct data *ordered_data;

static int
by_key(const void *a, const void *b)
{
	size_t length_a, length_b;
	const uint8_t *key_a = data_key(ordered_data, *(const uint32_t *)a, &length_a);
	const uint8_t *key_b = data_key(ordered_data, *(const uint32_t *)b, &length_b);
	int order = memcmp(key_a, key_b, length_a < length_b ? length_a : length_b);
	return order != 0 ? order : (length_a > length_b) - (length_a < length_b);
}

static uint32_t *
key_order(const struct data *data)
{
	uint32_t *order = malloc(data->count * sizeof(*order));
	for (size_t i = 0; i < data->count; i++)
		order[i] = (uint32_t)i;
	ordered_data = data;
	qsort(order, data->count, sizeof(*order), by_key);
	return order;
}

/* --- lmdb -------------------------------------------------------------------------------- */

struct lmdb {
	char path[300];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi table;
	size_t longest;
};

static void
lmdb_load(struct lmdb *self, const struct data *data)
{
	uint32_t *order = key_order(data);
	mdb_txn_begin(self->env, NULL, 0, &self->txn);
	mdb_dbi_open(self->txn, NULL, 0, &self->table);
	for (size_t i = 0; i < data->count; i++) {
		uint64_t word = answer_word(data_answer(data, order[i]));
		MDB_val key, value = {sizeof(word), &word};
		key.mv_data = (void *)data_key(data, order[i], &key.mv_size);
		if (key.mv_size <= self->longest)
			mdb_put(self->txn, self->table, &key, &value, MDB_APPEND);
	}
	mdb_txn_commit(self->txn);
	free(order);
}

static void *
lmdb_build(const struct data *data)
{
	struct lmdb *self = calloc(1, sizeof(*self));
	peer_path(self->path, sizeof(self->path), "lmdb");
	mdb_env_create(&self->env);
	mdb_env_set_mapsize(self->env, data->count * 512 + (64u << 20));
	if (mdb_env_open(self->env, self->path,
			 MDB_NOSUBDIR | MDB_NOSYNC | MDB_WRITEMAP | MDB_NOLOCK | MDB_NORDAHEAD, 0644)) {
		free(self);
		return NULL;
	}
	self->longest = (size_t)mdb_env_get_maxkeysize(self->env);
	lmdb_load(self, data);
	mdb_txn_begin(self->env, NULL, MDB_RDONLY, &self->txn);
	return self;
}

static uint64_t
lmdb_get(void *context, const void *bytes, size_t length)
{
	struct lmdb *self = context;
	MDB_val key = {length, (void *)bytes}, value;
	uint64_t word;
	if (length > self->longest || mdb_get(self->txn, self->table, &key, &value) != 0)
		return 0;
	memcpy(&word, value.mv_data, sizeof(word));
	return word;
}

static uint64_t
lmdb_bytes(void *context)
{
	return file_bytes(((struct lmdb *)context)->path);
}

static void
lmdb_free(void *context)
{
	struct lmdb *self = context;
	mdb_txn_abort(self->txn);
	mdb_env_close(self->env);
	unlink(self->path);
	free(self);
}

static struct answer
lmdb_one(void *self, const struct queries *queries, size_t i)
{
	return walk_find(lmdb_get, self, queries, i);
}

/* --- rocksdb ------------------------------------------------------------------------------ */

struct rocks {
	char path[300];
	rocksdb_t *db;
	rocksdb_column_family_handle_t *family;
	rocksdb_options_t *options;
	rocksdb_readoptions_t *read;
	uint64_t bytes;
};

static void
rocks_tune(rocksdb_options_t *options)
{
	rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
	rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10));
	rocksdb_block_based_options_set_block_cache(table, rocksdb_cache_create_lru(1u << 30));
	rocksdb_block_based_options_set_data_block_index_type(table, 1);
	rocksdb_block_based_options_set_data_block_hash_ratio(table, 0.75);
	rocksdb_options_set_block_based_table_factory(options, table);
	rocksdb_options_set_compression(options, 0);
	rocksdb_options_set_allow_mmap_reads(options, 1);
	rocksdb_options_set_write_buffer_size(options, 256u << 20);
}

static void
rocks_load(struct rocks *self, const struct data *data)
{
	rocksdb_writeoptions_t *write = rocksdb_writeoptions_create();
	uint32_t *order = key_order(data);
	char *error = NULL;
	rocksdb_writeoptions_disable_WAL(write, 1);
	for (size_t i = 0; i < data->count && error == NULL;) {
		rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
		for (size_t k = 0; k < 4096 && i < data->count; k++, i++) {
			uint64_t word = answer_word(data_answer(data, order[i]));
			size_t length;
			const char *key = (const char *)data_key(data, order[i], &length);
			rocksdb_writebatch_put(batch, key, length, (const char *)&word, sizeof(word));
		}
		rocksdb_write(self->db, write, batch, &error);
		rocksdb_writebatch_destroy(batch);
	}
	rocksdb_compact_range(self->db, NULL, 0, NULL, 0);
	rocksdb_writeoptions_destroy(write);
	free(order);
}

static void *
rocks_open(const struct data *data, bool tuned)
{
	struct rocks *self = calloc(1, sizeof(*self));
	const char *name = "default";
	char *error = NULL, *size;
	peer_path(self->path, sizeof(self->path), tuned ? "rocks" : "rocks-default");
	self->options = rocksdb_options_create();
	rocksdb_options_set_create_if_missing(self->options, 1);
	if (tuned)
		rocks_tune(self->options);
	self->db = rocksdb_open_column_families(self->options, self->path, 1, &name,
						(const rocksdb_options_t *const *)&self->options,
						&self->family, &error);
	if (self->db == NULL) {
		fprintf(stderr, "bench: rocksdb: %s\n", error);
		free(self);
		return NULL;
	}
	rocks_load(self, data);
	self->read = rocksdb_readoptions_create();
	if (tuned)
		rocksdb_readoptions_set_verify_checksums(self->read, 0);
	size = rocksdb_property_value(self->db, "rocksdb.total-sst-files-size");
	self->bytes = size ? strtoull(size, NULL, 10) : 0;
	free(size);
	return self;
}

static void *
rocks_build(const struct data *data)
{
	return rocks_open(data, true);
}

static void *
rocks_default_build(const struct data *data)
{
	return rocks_open(data, false);
}

static uint64_t
rocks_get(void *context, const void *key, size_t length)
{
	struct rocks *self = context;
	char *error = NULL;
	uint64_t word = 0;
	rocksdb_pinnableslice_t *slice = rocksdb_get_pinned(self->db, self->read, key, length, &error);
	size_t size;
	if (slice == NULL)
		return 0;
	memcpy(&word, rocksdb_pinnableslice_value(slice, &size), sizeof(word));
	rocksdb_pinnableslice_destroy(slice);
	return word;
}

static struct answer
rocks_one(void *self, const struct queries *queries, size_t i)
{
	return walk_find(rocks_get, self, queries, i);
}

static void
rocks_batch(void *context, const struct queries *queries, size_t from, size_t n,
	    struct answer *answers)
{
	struct rocks *self = context;
	rocksdb_pinnableslice_t *values[256];
	const char *keys[256] = {NULL};
	char *errors[256];
	size_t lengths[256] = {0}, size;
	for (size_t i = 0; i < n; i++)
		keys[i] = (const char *)query_key(queries, from + i, &lengths[i]);
	rocksdb_batched_multi_get_cf(self->db, self->read, self->family, n, keys, lengths, values,
				     errors, false);
	for (size_t i = 0; i < n; i++) {
		uint64_t word = 0;
		if (values[i] != NULL) {
			memcpy(&word, rocksdb_pinnableslice_value(values[i], &size), sizeof(word));
			rocksdb_pinnableslice_destroy(values[i]);
		}
		answers[i] = data_live(word_answer(word));
	}
}

static uint64_t
rocks_bytes(void *context)
{
	return ((struct rocks *)context)->bytes;
}

static void
rocks_free(void *context)
{
	struct rocks *self = context;
	char *error = NULL;
	rocksdb_readoptions_destroy(self->read);
	rocksdb_column_family_handle_destroy(self->family);
	rocksdb_close(self->db);
	rocksdb_destroy_db(self->options, self->path, &error);
	rocksdb_options_destroy(self->options);
	free(self);
}

/* --- tinycdb ------------------------------------------------------------------------------ */

struct cdb_peer {
	char path[300];
	int file;
	struct cdb cdb;
};

static bool
cdb_load(const struct data *data, int file)
{
	struct cdb_make make;
	bool good = cdb_make_start(&make, file) == 0;
	for (size_t i = 0; i < data->count && good; i++) {
		uint64_t word = answer_word(data_answer(data, i));
		size_t length;
		const uint8_t *key = data_key(data, i, &length);
		good = cdb_make_add(&make, key, (unsigned)length, &word, sizeof(word)) == 0;
	}
	return good && cdb_make_finish(&make) == 0;
}

static void *
cdb_build(const struct data *data)
{
	struct cdb_peer *self = calloc(1, sizeof(*self));
	peer_path(self->path, sizeof(self->path), "cdb");
	self->file = open(self->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (data->count * DIGEST_RECORD < CDB_LARGEST && self->file >= 0 &&
	    cdb_load(data, self->file) && cdb_init(&self->cdb, self->file) == 0)
		return self;
	close(self->file);
	unlink(self->path);
	free(self);
	return NULL;
}

static uint64_t
cdb_word(void *context, const void *key, size_t length)
{
	struct cdb_peer *self = context;
	uint64_t word;
	if (cdb_find(&self->cdb, key, (unsigned)length) <= 0)
		return 0;
	memcpy(&word, cdb_getdata(&self->cdb), sizeof(word));
	return word;
}

static struct answer
cdb_one(void *self, const struct queries *queries, size_t i)
{
	return walk_find(cdb_word, self, queries, i);
}

static uint64_t
cdb_bytes(void *context)
{
	return file_bytes(((struct cdb_peer *)context)->path);
}

static void
cdb_drop(void *context)
{
	struct cdb_peer *self = context;
	cdb_free(&self->cdb);
	close(self->file);
	unlink(self->path);
	free(self);
}

/* ------------------------------------------------------------------------------------------ */

#define ALL (FOR_DIGESTS | FOR_TEXTS)

static const struct peer peers[] = {
	{"lmdb", ALL, FOR(CLASS_SHA1) | FOR_TEXTS, 0, lmdb_build, lmdb_free, lmdb_one, NULL, lmdb_bytes},
	{"rocksdb", FOR_DIGESTS, FOR(CLASS_SHA1), 0, rocks_build, rocks_free, rocks_one, rocks_batch,
	 rocks_bytes},
	{"rocksdb", FOR_TEXTS, FOR_TEXTS, 0, rocks_build, rocks_free, rocks_one, NULL, rocks_bytes},
	{"rocksdb-default", FOR(CLASS_SHA256), ~0u, 2000000, rocks_default_build, rocks_free, rocks_one,
	 NULL, rocks_bytes},
	{"tinycdb", ALL, 0, 0, cdb_build, cdb_drop, cdb_one, NULL, cdb_bytes},
};

const struct peer_family family_stores = {peers, sizeof(peers) / sizeof(*peers)};
