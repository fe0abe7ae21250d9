/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/author.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <Judy.h>

#include "engine/author_state.h"
#include "engine/bytes.h"

static_assert(sizeof(struct author_change) == 40, "no padding: changes are compared as bytes");

enum status
author_new(const struct view *view, uint64_t now, struct author **out, struct fault *fault)
{
	struct author *author = calloc(1, sizeof(*author));
	uint32_t zero;
	if (author == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for an author");
	author->view = view;
	author->now = now;
	author->mirror = AUTHOR_ALL_SOURCES;
	enum status status = file_random(author->seed.word, fault);
	author->strings.seed = author->changes.seed = author->seed;
	if (status == STATUS_OK)
		status = intern_put(&author->strings, "", 0, &zero, fault);
	if (status != STATUS_OK)
		author_free(author);
	else
		*out = author;
	return status;
}

void
author_free(struct author *author)
{
	if (author == NULL)
		return;
	free(author->keys);
	free(author->links);
	JudyLFreeArray(&author->index, NULL);
	intern_fini(&author->strings);
	intern_fini(&author->changes);
	free(author);
}

static const void *
key_content(const struct key *key, size_t *length)
{
	if (kind_table[key->kind].key_bytes == 0) {
		*length = key->length;
		return key_text(key);
	}
	*length = kind_table[key->kind].key_bytes;
	return key->bytes;
}

/* --- the index --------------------------------------------------------------------------- */

/*
 * JudyL from the hash of a key to 1 + the place of the newest entry of that hash; 0, which
 * JudyLIns makes, is none. Entries of one hash are a chain. The hash is keyed with a seed that
 * nobody else knows, so that chains cannot be made long.
 */
static Word_t
key_hash(const struct author *author, const struct key *key, const void *bytes, size_t length)
{
	struct hash_seed seed = author->seed;
	seed.word[0] ^= (uint64_t)key->kind << 8 | key->prefix_bits;
	return (Word_t)hash_text(seed, bytes, length);
}

static struct author_key *
key_at(const struct author *author, size_t place)
{
	return (struct author_key *)(void *)(author->keys + place * AUTHOR_PLACE_BYTES);
}

static bool
is_key(const struct author_key *entry, const struct key *key, const void *bytes, size_t length)
{
	return entry->kind == key->kind && entry->prefix_bits == key->prefix_bits &&
	       entry->length == length && memcmp(entry->bytes, bytes, length) == 0;
}

/* The key in the chain that begins with `next`, or NULL. */
static struct author_key *
chain_find(const struct author *author, Word_t next, const struct key *key, const void *bytes,
	   size_t length)
{
	while (next != 0) {
		struct author_key *entry = key_at(author, next - 1);
		if (is_key(entry, key, bytes, length))
			return entry;
		next = entry->older;
	}
	return NULL;
}

/* What the hash has; *slot is borrowed until the next call. */
static enum status
index_slot(struct author *author, Word_t hash, Word_t **slot, struct fault *fault)
{
	JError_t error;
	PPvoid_t found = JudyLIns(&author->index, hash, &error);
	if (found == PPJERR)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for an index of keys");
	*slot = (Word_t *)found;
	return STATUS_OK;
}

/* --- keys ----------------------------------------------------------------------------------- */

static size_t
key_places(size_t length)
{
	return (sizeof(struct author_key) + length + AUTHOR_PLACE_BYTES - 1) / AUTHOR_PLACE_BYTES;
}

const struct author_key *
author_key_find(const struct author *author, const struct key *key)
{
	size_t length;
	const void *bytes = key_content(key, &length);
	JError_t error;
	PPvoid_t found = JudyLGet(author->index, key_hash(author, key, bytes, length), &error);
	if (found == NULL || found == PPJERR)
		return NULL;
	return chain_find(author, *(const Word_t *)found, key, bytes, length);
}

const struct author_key *
author_key_next(const struct author *author, size_t *place)
{
	if (*place * AUTHOR_PLACE_BYTES >= author->keys_length)
		return NULL;
	const struct author_key *entry = key_at(author, *place);
	*place += key_places(entry->length);
	return entry;
}

static enum status
key_append(struct author *author, const struct key *key, const void *bytes, size_t length,
	   size_t *place, struct fault *fault)
{
	size_t need = author->keys_length + key_places(length) * AUTHOR_PLACE_BYTES;
	*place = author->keys_length / AUTHOR_PLACE_BYTES;
	if (*place >= UINT32_MAX)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "too many keys in one transaction");
	enum status status = intern_grow((void **)&author->keys, &author->keys_capacity, need, 1,
					 fault);
	if (status != STATUS_OK)
		return status;
	struct author_key *entry = key_at(author, *place);
	entry->links = 0;
	entry->kind = key->kind;
	entry->prefix_bits = key->prefix_bits;
	entry->length = (uint16_t)length;
	memcpy(entry->bytes, bytes, length);
	author->keys_length = need;
	return STATUS_OK;
}

/* *out is borrowed until the next one. */
static enum status
key_put(struct author *author, const struct key *key, struct author_key **out, struct fault *fault)
{
	size_t length, place;
	Word_t *newest = NULL;
	const void *bytes = key_content(key, &length);
	enum status status = index_slot(author, key_hash(author, key, bytes, length), &newest, fault);
	if (status != STATUS_OK)
		return status;
	*out = chain_find(author, *newest, key, bytes, length);
	if (*out != NULL)
		return STATUS_OK;
	status = key_append(author, key, bytes, length, &place, fault);
	if (status != STATUS_OK)
		return status;
	*out = key_at(author, place);
	(*out)->older = (uint32_t)*newest;
	*newest = place + 1;
	return STATUS_OK;
}

void
author_key_get(const struct author_key *entry, struct key *key)
{
	if (entry->kind == KIND_IPV4)
		key_set_ipv4(key, be32_get(entry->bytes), entry->prefix_bits);
	else if (entry->kind == KIND_IPV6)
		key_set_ipv6(key, entry->bytes, entry->prefix_bits);
	else if (kind_table[entry->kind].key_bytes != 0)
		key_set_digest(key, entry->kind, entry->bytes);
	else
		key_borrow_text(key, entry->kind, (const char *)entry->bytes, entry->length);
}

/* --- changes --------------------------------------------------------------------------------- */

static const struct author_change *
change_get(const struct author *author, uint32_t number)
{
	size_t length;
	return (const struct author_change *)(const void *)intern_get(&author->changes, number,
								      &length);
}

const struct author_change *
author_change_next(const struct author *author, uint32_t *link)
{
	if (*link == 0)
		return NULL;
	const struct author_link *at = &author->links[*link];
	*link = at->next;
	return change_get(author, at->change);
}

static enum status
link_new(struct author *author, uint32_t *number, struct fault *fault)
{
	size_t next = author->link_count == 0 ? 1 : author->link_count;
	if (next >= UINT32_MAX)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "too many changes in one transaction");
	enum status status = intern_grow((void **)&author->links, &author->link_capacity, next + 1,
					 sizeof(*author->links), fault);
	if (status != STATUS_OK)
		return status;
	author->link_count = next + 1;
	*number = (uint32_t)next;
	return STATUS_OK;
}

/* The link of an earlier change that this one makes void, taken out; 0 if there is none. */
static uint32_t
take_equal(struct author *author, struct author_key *entry, const struct author_change *change)
{
	uint32_t *place = &entry->links;
	for (; *place != 0; place = &author->links[*place].next) {
		uint32_t number = *place;
		const struct author_change *old = change_get(author, author->links[number].change);
		if (old->source != change->source || old->scope != change->scope ||
		    old->scopes != change->scopes)
			continue;
		author->duplicates += change->scope != 0;
		*place = author->links[number].next;
		return number;
	}
	return 0;
}

/* Changes of a key stand in the order in which they apply: a later one at the end. */
static enum status
add_change(struct author *author, const struct key *key, const struct author_change *change,
	   struct fault *fault)
{
	struct author_key *entry;
	uint32_t saying, link = 0;
	enum status status = intern_put(&author->changes, change, sizeof(*change), &saying, fault);
	if (status == STATUS_OK)
		status = key_put(author, key, &entry, fault);
	if (status == STATUS_OK && (link = take_equal(author, entry, change)) == 0)
		status = link_new(author, &link, fault);
	if (status != STATUS_OK)
		return status;
	author->links[link] = (struct author_link){0, saying};
	uint32_t *place = &entry->links;
	while (*place != 0)
		place = &author->links[*place].next;
	*place = link;
	return STATUS_OK;
}

enum status
author_put(struct author *author, const struct key *key, const struct author_claim *claim,
	   struct fault *fault)
{
	struct author_change change = {
		.scope = key->scope,
		.expires = claim->expires,
		.ttl_seconds = claim->ttl_seconds,
		.first_seen = claim->first_seen,
	};
	enum status status = intern_put(&author->strings, claim->source, claim->source_length,
					&change.source, fault);
	if (status == STATUS_OK)
		status = intern_put(&author->strings, claim->set, claim->set_length, &change.set,
				    fault);
	if (status == STATUS_OK)
		status = intern_put(&author->strings, claim->notes, claim->notes_length,
				    &change.notes, fault);
	return status == STATUS_OK ? add_change(author, key, &change, fault) : status;
}

enum status
author_remove(struct author *author, const struct key *key, unsigned scopes, const char *source,
	      size_t source_length, struct fault *fault)
{
	struct author_change change = {.source = AUTHOR_ALL_SOURCES, .scopes = scopes};
	enum status status = STATUS_OK;
	if (source != NULL)
		status = intern_put(&author->strings, source, source_length, &change.source, fault);
	return status == STATUS_OK ? add_change(author, key, &change, fault) : status;
}

enum status
author_mirror(struct author *author, const char *source, size_t source_length,
	      struct fault *fault)
{
	return intern_put(&author->strings, source, source_length, &author->mirror, fault);
}
