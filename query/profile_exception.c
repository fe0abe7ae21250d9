/* SPDX-License-Identifier: Apache-2.0 */
/* An exception's pattern as keys, by the same canonicaliser as entries. */
#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/intern.h"
#include "engine/path.h"
#include "query/profile_parts.h"

#define KEY_HEAD_BYTES offsetof(struct key, buffer)

static enum status
key_add(struct profile *profile, const struct key *key, size_t *capacity, struct fault *fault)
{
	bool text = kind_table[key->kind].scoped;
	void *keys = profile->keys;
	enum status status;
	struct key *copy;

	if (profile->key_count >= PROFILE_KEYS)
		return fault_set(fault, STATUS_LIMIT, NULL, 0,
				 "more than %d addresses, prefixes, names and URLs in exceptions",
				 PROFILE_KEYS);
	status = intern_grow(&keys, capacity, profile->key_count + 1, sizeof(*profile->keys), fault);
	profile->keys = keys;
	if (status != STATUS_OK)
		return status;
	copy = arena_take(&profile->memory, KEY_HEAD_BYTES + (text ? key->length : 0) + 1);
	if (!copy)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	memcpy(copy, key, KEY_HEAD_BYTES);
	copy->borrowed = 0;
	copy->text_borrowed = NULL;
	if (text)
		memcpy((char *)copy + KEY_HEAD_BYTES, key_text(key), key->length);
	profile->keys[profile->key_count++] = copy;
	return STATUS_OK;
}

static enum kind
address_kind(const char *text, size_t length)
{
	return memchr(text, ':', length) ? KIND_IPV6 : KIND_IPV4;
}

/* An end of a range: an address, not a prefix. */
static enum status
range_end(enum kind kind, const char *text, size_t length, struct key *key, struct fault *fault)
{
	while (length > 0 && (*text == ' ' || *text == '\t'))
		text++, length--;
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	if (memchr(text, '/', length))
		return fault_set(fault, STATUS_BAD_IPV4 + (kind - KIND_IPV4), NULL, 0,
				 "a range goes from one address to another");
	return canon_key(kind, text, length, NULL, key, fault);
}

static enum status
range_add(struct profile *profile, enum kind kind, const struct key *first, const struct key *last,
	  size_t *capacity, struct fault *fault)
{
	struct canon_prefix prefixes[LIMIT_RANGE_PREFIXES];
	struct key key;
	size_t count = 0;
	enum status status = canon_range_split(kind, first->bytes, last->bytes, prefixes,
					       LIMIT_RANGE_PREFIXES, &count);

	if (status == STATUS_LIMIT)
		return fault_set(fault, status, NULL, 0,
				 "the range splits into more than %d prefixes", LIMIT_RANGE_PREFIXES);
	if (status != STATUS_OK)
		return fault_set(fault, status, NULL, 0, "the range ends before it begins");
	key_init(&key, kind);
	key.scope = SCOPE_EXACT;
	for (size_t i = 0; i < count && status == STATUS_OK; i++) {
		memcpy(key.bytes, prefixes[i].address, sizeof(prefixes[i].address));
		key.prefix_bits = prefixes[i].bits;
		status = key_add(profile, &key, capacity, fault);
	}
	return status;
}

static enum status
range_take(struct profile *profile, enum kind kind, const char *text, size_t dash, size_t *capacity,
	   struct fault *fault)
{
	struct key first, last;
	enum status status = range_end(kind, text, dash, &first, fault);

	if (status == STATUS_OK)
		status = range_end(kind, text + dash + 1, strlen(text + dash + 1), &last, fault);
	if (status != STATUS_OK)
		return status;
	return range_add(profile, kind, &first, &last, capacity, fault);
}

static enum status
single_take(struct profile *profile, enum kind kind, const char *text, size_t *capacity,
	    struct fault *fault)
{
	struct canon_options options = { .use = CANON_ENTRY };
	struct key key;
	enum status status = canon_key(kind, text, strlen(text), &options, &key, fault);

	if (status != STATUS_OK)
		return status;
	if (kind == KIND_URL && key.pattern == 0 && path_deep(&key))
		return fault_set(fault, STATUS_BAD_URL, NULL, 0, "more than %d path segments",
				 LIMIT_URL_STEPS - 2);
	return key_add(profile, &key, capacity, fault);
}

enum status
profile_exception_keys(struct profile *profile, struct profile_exception *exception,
		       enum kind kind, size_t *key_capacity, struct fault *fault)
{
	const char *text = exception->value;
	const char *dash = kind == KIND_ANY ? strchr(text, '-') : NULL;
	enum status status;

	if (kind == KIND_ANY)
		kind = address_kind(text, strlen(text));
	exception->kind = kind;
	exception->key_first = (uint32_t)profile->key_count;
	status = dash ? range_take(profile, kind, text, (size_t)(dash - text), key_capacity, fault)
		      : single_take(profile, kind, text, key_capacity, fault);
	exception->key_count = (uint32_t)profile->key_count - exception->key_first;
	return status;
}
