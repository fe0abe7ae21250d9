/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/author.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/author_state.h"
#include "engine/bytes.h"

#define SLOT_BITS_LEAST 6
#define SLOT_BITS_MOST 32

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
	free(author->slots);
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
 * Half of a keyed hash. Its first bits are the home slot; a key stands in the
 * first free slot from there on. Slots grow before three of four are taken, in one pass over
 * both tables that needs no key.
 */
static uint32_t
key_hash(const struct author *author, const struct key *key, const void *bytes, size_t length)
{
	struct hash_seed seed = author->seed;
	seed.word[0] ^= (uint64_t)key->kind << 8 | key->prefix_bits;
	return (uint32_t)hash_text(seed, bytes, length);
}

static size_t
slot_home(unsigned bits, uint32_t hash)
{
	return (size_t)((uint64_t)hash << bits >> 32);
}

static size_t
slot_after(unsigned bits, size_t slot)
{
	return (slot + 1) & (((size_t)1 << bits) - 1);
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

/* The slot of the key, or the empty one where it belongs. There are slots. */
static struct author_slot *
slot_of(const struct author *author, uint32_t hash, const struct key *key, const void *bytes,
	size_t length)
{
	size_t slot = slot_home(author->slot_bits, hash);
	for (;;) {
		struct author_slot *at = &author->slots[slot];
		if (at->place == 0 ||
		    (at->hash == hash && is_key(key_at(author, at->place - 1), key, bytes, length)))
			return at;
		slot = slot_after(author->slot_bits, slot);
	}
}

static enum status
slots_grow(struct author *author, struct fault *fault)
{
	unsigned bits = author->slots == NULL ? SLOT_BITS_LEAST : author->slot_bits + 1;
	struct author_slot *slots = bits > SLOT_BITS_MOST || SIZE_MAX >> bits < sizeof(*slots)
		? NULL : calloc((size_t)1 << bits, sizeof(*slots));
	if (slots == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for an index of keys");
	size_t old = author->slots == NULL ? 0 : (size_t)1 << author->slot_bits;
	for (size_t i = 0; i < old; i++) {
		if (author->slots[i].place == 0)
			continue;
		size_t slot = slot_home(bits, author->slots[i].hash);
		while (slots[slot].place != 0)
			slot = slot_after(bits, slot);
		slots[slot] = author->slots[i];
	}
	free(author->slots);
	author->slots = slots;
	author->slot_bits = bits;
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
	if (author->slots == NULL)
		return NULL;
	const struct author_slot *slot = slot_of(author, key_hash(author, key, bytes, length), key,
						 bytes, length);
	return slot->place == 0 ? NULL : key_at(author, slot->place - 1);
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
	author->key_count++;
	return STATUS_OK;
}

/* *out is borrowed until the next one. */
static enum status
key_put(struct author *author, const struct key *key, struct author_key **out, struct fault *fault)
{
	size_t length, place;
	const void *bytes = key_content(key, &length);
	enum status status = STATUS_OK;
	if (author->slots == NULL || author->key_count + 1 > ((uint64_t)3 << author->slot_bits) / 4)
		status = slots_grow(author, fault);
	if (status != STATUS_OK)
		return status;
	uint32_t hash = key_hash(author, key, bytes, length);
	struct author_slot *slot = slot_of(author, hash, key, bytes, length);
	if (slot->place == 0) {
		status = key_append(author, key, bytes, length, &place, fault);
		if (status != STATUS_OK)
			return status;
		*slot = (struct author_slot){hash, (uint32_t)place + 1};
	}
	*out = key_at(author, slot->place - 1);
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
