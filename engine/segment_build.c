/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/segment_build.h"

#include <stdlib.h>
#include <string.h>

#include "engine/path.h"
#include "engine/segment_build_state.h"

uint32_t
build_record_bytes(enum kind kind)
{
	if (kind_table[kind].key_bytes == 0)
		return sizeof(struct record_text_d);
	return kind_table[kind].key_bytes + (uint32_t)sizeof(struct le32);
}

enum status
segment_build_new(struct hash_seed seed, bool overlay, struct segment_build **build,
		  struct fault *fault)
{
	struct segment_build *fresh = calloc(1, sizeof(*fresh));
	uint32_t zero;
	if (fresh == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a builder");
	fresh->seed = seed;
	fresh->overlay = overlay;
	/* Not the segment's seed, which others know: strings of one hash would make each other slow. */
	enum status status = file_random(fresh->tags.seed.word, fault);
	fresh->sources.seed = fresh->lists.seed = fresh->tags.seed;
	if (status == STATUS_OK)
		status = intern_put(&fresh->tags, "", 0, &zero, fault);
	if (status == STATUS_OK)
		status = intern_put(&fresh->lists, "", 0, &zero, fault);
	if (status != STATUS_OK)
		segment_build_free(fresh);
	else
		*build = fresh;
	return status;
}

void
segment_build_free(struct segment_build *build)
{
	if (build == NULL)
		return;
	intern_fini(&build->sources);
	intern_fini(&build->tags);
	intern_fini(&build->lists);
	free(build->list_used);
	free(build->list_users);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		free(build->kind[kind].records);
		free(build->kind[kind].keys);
		free(build->kind[kind].prefixes);
	}
	free(build);
}

enum status
segment_build_source(struct segment_build *build, const char *name, size_t length, uint32_t *id,
		     struct fault *fault)
{
	if (length == 0 || length > LIMIT_SOURCE_NAME_BYTES)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "a source's name has 1 to %d bytes",
				 LIMIT_SOURCE_NAME_BYTES);
	enum status status = intern_put(&build->sources, name, length, id, fault);
	if (status == STATUS_OK && build->sources.count > LIMIT_SOURCES)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "more than %d sources",
				 LIMIT_SOURCES);
	return status;
}

enum status
segment_build_tags(struct segment_build *build, const uint8_t *bytes, size_t length, uint32_t *id,
		   struct fault *fault)
{
	if (length > LIMIT_TAGS_BYTES)
		return fault_set(fault, STATUS_LIMIT, NULL, 0,
				 "the tags of one claim take more than %d bytes",
				 LIMIT_TAGS_BYTES);
	return intern_put(&build->tags, bytes, length, id, fault);
}

static int
claim_compare(const void *a, const void *b)
{
	const struct claim *one = a, *other = b;
	if (one->source != other->source)
		return one->source < other->source ? -1 : 1;
	return one->scope - other->scope;
}

/* One key's claims in an order of their own, padding zeroed, so that equal lists are equal bytes. */
enum status
segment_build_claims(struct segment_build *build, const struct claim *claims, size_t count,
		     uint32_t *id, struct fault *fault)
{
	if (count == 0) {
		*id = SEGMENT_REMOVED;
		return STATUS_OK;
	}
	if (count > LIMIT_CLAIMS_PER_KEY)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "more than %d claims on one key",
				 LIMIT_CLAIMS_PER_KEY);
	struct claim few[8], *sorted = few;
	if (count > 8 && (sorted = malloc(count * sizeof(*sorted))) == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for claims");
	memset(sorted, 0, count * sizeof(*sorted));
	for (size_t i = 0; i < count; i++) {
		sorted[i].source = claims[i].source;
		sorted[i].scope = claims[i].scope;
		sorted[i].set = claims[i].set;
		sorted[i].notes = claims[i].notes;
		sorted[i].expires = claims[i].expires;
		sorted[i].first_seen = claims[i].first_seen;
		sorted[i].last_seen = claims[i].last_seen;
	}
	if (count > 1)
		qsort(sorted, count, sizeof(*sorted), claim_compare);
	enum status status = intern_put(&build->lists, sorted, count * sizeof(*sorted), id, fault);
	if (sorted != few)
		free(sorted);
	return status;
}

unsigned
build_list_scopes(const struct segment_build *build, uint32_t list)
{
	unsigned seen = build->list_used[list];
	return ((seen >> SCOPE_EXACT & 1) != 0 ? SCOPE_EXACT : 0u) |
	       ((seen >> SCOPE_BELOW & 1) != 0 ? SCOPE_BELOW : 0u) |
	       ((seen >> SCOPE_TREE & 1) != 0 ? SCOPE_TREE : 0u);
}

/* How many entries (key and scope) a list makes of its key. */
static unsigned
list_entries(const struct segment_build *build, uint32_t list)
{
	static const uint8_t entries[8] = {0, 1, 1, 2, 1, 2, 2, 3};
	return entries[build->list_used[list] >> SCOPE_EXACT & 7];
}

static enum status
put_prefix(struct build_kind *rows, const struct key *key, uint32_t claims, struct fault *fault)
{
	enum status status = intern_grow((void **)&rows->prefixes, &rows->prefix_capacity,
					 rows->prefix_count + 1, sizeof(*rows->prefixes), fault);
	if (status != STATUS_OK)
		return status;
	struct ptrie_entry *entry = &rows->prefixes[rows->prefix_count++];
	if (key->kind == KIND_IPV4) {
		entry->hi = (uint64_t)be32_get(key->bytes) << 32;
		entry->lo = 0;
	} else {
		entry->hi = be64_get(key->bytes);
		entry->lo = be64_get(key->bytes + 8);
	}
	entry->bits = key->prefix_bits;
	entry->claims = claims;
	return STATUS_OK;
}

static enum status
put_text(struct build_kind *rows, const struct key *key, uint8_t *record, struct fault *fault)
{
	size_t need = rows->keys_length + key->length;
	enum status status = intern_grow((void **)&rows->keys, &rows->keys_capacity, need, 1, fault);
	if (status != STATUS_OK)
		return status;
	struct le40 offset = le40_make(rows->keys_length);
	memcpy(record, &offset, sizeof(offset));
	memcpy(rows->keys + rows->keys_length, key_text(key), key->length);
	rows->keys_length = need;
	return STATUS_OK;
}

/* Sizes written out: a copy of a length that only the table knows costs more than all the rest. */
static void
copy_key(uint8_t *record, const struct key *key)
{
	if (key->kind == KIND_SHA256)
		memcpy(record, key->bytes, 32);
	else if (key->kind == KIND_SHA1)
		memcpy(record, key->bytes, 20);
	else
		memcpy(record, key->bytes, kind_table[key->kind].key_bytes);
}

static enum status
put_record(struct build_kind *rows, const struct key *key, uint32_t claims, struct fault *fault)
{
	uint32_t size = build_record_bytes(key->kind);
	enum status status = intern_grow((void **)&rows->records, &rows->capacity, rows->count + 1,
					 size, fault);
	if (status != STATUS_OK)
		return status;
	uint8_t *record = rows->records + rows->count * size;
	if (kind_table[key->kind].key_bytes == 0)
		status = put_text(rows, key, record, fault);
	else
		copy_key(record, key);
	struct le32 id = le32_make(claims);
	memcpy(record + size - sizeof(id), &id, sizeof(id));
	if (status == STATUS_OK)
		rows->count++;
	return status;
}

/* Room for what is kept of each list, zeroed. */
static enum status
grow_lists(struct segment_build *build, struct fault *fault)
{
	size_t had = build->list_users_capacity;
	enum status status = intern_grow((void **)&build->list_users, &build->list_users_capacity,
					 build->lists.count, sizeof(*build->list_users), fault);
	if (status != STATUS_OK)
		return status;
	memset(build->list_users + had, 0,
	       (build->list_users_capacity - had) * sizeof(*build->list_users));
	had = build->list_used_capacity;
	status = intern_grow((void **)&build->list_used, &build->list_used_capacity,
			     build->lists.count, 1, fault);
	if (status == STATUS_OK)
		memset(build->list_used + had, 0, build->list_used_capacity - had);
	return status;
}

/* The first key of a list: the scopes in it. */
static enum status
use_list(struct segment_build *build, uint32_t list, struct fault *fault)
{
	size_t length;
	enum status status = grow_lists(build, fault);
	if (status != STATUS_OK)
		return status;
	const uint8_t *bytes = intern_get(&build->lists, list, &length);
	unsigned seen = 1;
	for (size_t i = 0; i + sizeof(struct claim) <= length; i += sizeof(struct claim))
		seen |= 1u << (bytes[i + offsetof(struct claim, scope)] & 3);
	build->list_used[list] = (uint8_t)seen;
	return STATUS_OK;
}

enum status
segment_build_put(struct segment_build *build, const struct key *key, uint32_t claims,
		  struct fault *fault)
{
	struct build_kind *rows = &build->kind[key->kind];
	if (claims >= build->lists.count || (claims == SEGMENT_REMOVED && !build->overlay))
		return fault_set(fault, STATUS_USAGE, NULL, 0, "a key without claims");
	if (rows->count + rows->prefix_count >= INT32_MAX - 1)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "too many %s keys",
				 kind_name(key->kind));
	if (key->kind == KIND_URL && key->pattern == 0 && path_deep(key))
		return fault_set(fault, STATUS_BAD_URL, NULL, 0, "more than %d path segments",
				 LIMIT_URL_STEPS);
	enum status status = STATUS_OK;
	if (claims >= build->list_used_capacity || build->list_used[claims] == 0)
		status = use_list(build, claims, fault);
	if (status == STATUS_OK)
		status = path_in_table(key) ? put_record(rows, key, claims, fault)
					    : put_prefix(rows, key, claims, fault);
	if (status != STATUS_OK)
		return status;
	rows->entries += list_entries(build, claims);
	build->list_users[claims] += build->list_users[claims] != UINT32_MAX;
	return STATUS_OK;
}

void
segment_build_swept(struct segment_build *build, uint64_t time)
{
	if (build->overlay && time > build->swept)
		build->swept = time;
}

uint64_t
segment_build_count(const struct segment_build *build)
{
	uint64_t count = 0;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		count += build->kind[kind].count + build->kind[kind].prefix_count;
	return count;
}
