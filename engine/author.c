/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/author.h"

#include <stdlib.h>
#include <string.h>

#include <Judy.h>

#include "engine/arena.h"
#include "engine/author_state.h"
#include "engine/bytes.h"

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
	author->strings.seed = author->seed;
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
	Word_t freed;
	if (author == NULL)
		return;
	JLFA(freed, author->index);
	(void)freed;
	intern_fini(&author->strings);
	arena_fini(&author->arena);
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

/*
 * 32 bits on purpose: Judy keeps a dense index of short words in far less
 * memory, and walks it faster, than random words of 64 bits. Keys that share
 * a word stand in a chain.
 */
static uint32_t
key_hash(const struct author *author, const struct key *key, const void *bytes, size_t length)
{
	struct hash_seed seed = author->seed;
	seed.word[0] ^= (uint64_t)key->kind << 8 | key->prefix_bits;
	return (uint32_t)hash_text(seed, bytes, length);
}

static struct author_key *
find_in_chain(struct author_key *entry, const struct key *key, const void *bytes, size_t length)
{
	for (; entry != NULL; entry = entry->next)
		if (entry->kind == key->kind && entry->prefix_bits == key->prefix_bits &&
		    entry->length == length && memcmp(entry->bytes, bytes, length) == 0)
			return entry;
	return NULL;
}

struct author_key *
author_key_find(const struct author *author, const struct key *key)
{
	size_t length;
	const void *bytes = key_content(key, &length);
	PWord_t slot;
	JLG(slot, author->index, (Word_t)key_hash(author, key, bytes, length));
	return slot == NULL ? NULL : find_in_chain((struct author_key *)*slot, key, bytes, length);
}

static enum status
key_put(struct author *author, const struct key *key, struct author_key **out, struct fault *fault)
{
	size_t length;
	const void *bytes = key_content(key, &length);
	PWord_t slot;
	JLI(slot, author->index, (Word_t)key_hash(author, key, bytes, length));
	if (slot == PJERR)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a key");
	*out = find_in_chain((struct author_key *)*slot, key, bytes, length);
	if (*out != NULL)
		return STATUS_OK;
	struct author_key *entry = arena_take(&author->arena, sizeof(*entry) + length);
	if (entry == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a key");
	entry->next = (struct author_key *)*slot;
	entry->changes = NULL;
	entry->kind = key->kind;
	entry->prefix_bits = key->prefix_bits;
	entry->length = (uint16_t)length;
	memcpy(entry->bytes, bytes, length);
	entry->newer = NULL;
	if (author->last == NULL)
		author->first = entry;
	else
		author->last->newer = entry;
	author->last = entry;
	*slot = (Word_t)entry;
	*out = entry;
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

/* An earlier change that this one makes void, unlinked; NULL if there is none. */
static struct author_change *
take_equal(struct author *author, struct author_key *entry, const struct author_change *change)
{
	for (struct author_change **place = &entry->changes; *place != NULL;
	     place = &(*place)->next) {
		struct author_change *old = *place;
		if (old->source != change->source || old->scope != change->scope ||
		    old->scopes != change->scopes)
			continue;
		author->duplicates += change->scope != 0;
		*place = old->next;
		return old;
	}
	return NULL;
}

/* Changes of a key stand in the order in which they apply: a later one at the end. */
static enum status
add_change(struct author *author, const struct key *key, const struct author_change *change,
	   struct fault *fault)
{
	struct author_key *entry;
	enum status status = key_put(author, key, &entry, fault);
	if (status != STATUS_OK)
		return status;
	struct author_change *fresh = take_equal(author, entry, change);
	if (fresh == NULL)
		fresh = arena_take(&author->arena, sizeof(*fresh));
	if (fresh == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a change");
	*fresh = *change;
	fresh->next = NULL;
	struct author_change **place = &entry->changes;
	while (*place != NULL)
		place = &(*place)->next;
	*place = fresh;
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
