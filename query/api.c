/* SPDX-License-Identifier: Apache-2.0 */
/* The public library: repute.h over engine/ and lookup.c; api_judge.c has the judgement. */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/store.h"
#include "engine/version.h"
#include "query/api_cast.h"
#include "query/explain.h"
#include "query/lookup.h"

/* The public numbers and shapes are the engine's own. */
static_assert((int)REPUTE_BAD_HASH == (int)STATUS_BAD_HASH, "status");
static_assert((int)REPUTE_BAD_CRITERIA == (int)STATUS_CRITERIA, "status");
static_assert((int)REPUTE_BAD_PROFILE == (int)STATUS_PROFILE, "status");
static_assert((int)REPUTE_CORRUPT == (int)STATUS_CORRUPT, "status");
static_assert((int)REPUTE_SHA256 == (int)KIND_SHA256 && (int)REPUTE_ANY == (int)KIND_ANY, "kind");
static_assert((int)REPUTE_TREE == (int)SCOPE_TREE, "scope");
static_assert((int)REPUTE_TAG_NUMBER == (int)TAG_NUMBER, "tag type");
static_assert(sizeof(struct repute_fault) == sizeof(struct fault), "fault");
static_assert(offsetof(struct repute_fault, text) == offsetof(struct fault, text), "fault");
static_assert(sizeof(struct key) <= REPUTE_KEY_BYTES, "key");

const char *
repute_status_text(enum repute_status status)
{
	return status_text((enum status)status);
}

const char *
repute_version(void)
{
	return VERSION_TEXT;
}

/* An application may be newer than the library, and an option that it does not know must not be ignored. */
static bool
options_read(const struct repute_options *options, struct store_options *how)
{
	static const uint64_t known = REPUTE_OPEN_SEALED | REPUTE_OPEN_NO_GUARD;
	const unsigned char *bytes = (const unsigned char *)options;
	uint64_t flags = 0;
	size_t end = offsetof(struct repute_options, flags) + sizeof(flags);
	if (options != NULL && options->size >= end)
		memcpy(&flags, bytes + offsetof(struct repute_options, flags), sizeof(flags));
	for (size_t i = end; options != NULL && i < options->size; i++)
		if (bytes[i] != 0)
			return false;
	how->sealed = (flags & REPUTE_OPEN_SEALED) != 0;
	how->no_guard = (flags & REPUTE_OPEN_NO_GUARD) != 0;
	return (flags & ~known) == 0;
}

enum repute_status
repute_open(const char *directory, const struct repute_options *options, struct repute_db **db,
	    struct repute_fault *fault)
{
	struct store_options how;
	if (!options_read(options, &how))
		return (enum repute_status)fault_set(fault_of(fault), STATUS_USAGE, NULL, 0,
						     "options that this library does not know");
	return (enum repute_status)store_open_as(directory, &how, (struct store **)db,
						 fault_of(fault));
}

enum repute_status
repute_refresh(struct repute_db *db, bool *changed, struct repute_fault *fault)
{
	return (enum repute_status)store_refresh(store_of(db), changed, fault_of(fault));
}

void
repute_close(struct repute_db *db)
{
	store_close(store_of(db));
}

struct repute_view *
repute_view_take(struct repute_db *db)
{
	return (struct repute_view *)store_view_take(store_of(db));
}

void
repute_view_drop(struct repute_view *view)
{
	view_drop((struct view *)view);
}

enum repute_status
repute_view_status(const struct repute_view *view)
{
	return view_sound(view_of(view)) ? REPUTE_OK : REPUTE_CORRUPT;
}

void
repute_view_info(const struct repute_view *handle, struct repute_view_info *info)
{
	const struct view *view = view_of(handle);
	info->generation = view->generation;
	info->published = view->published;
	info->bytes = view->file_bytes;
	info->layers = view->layer_count;
	info->categories = (uint32_t)view->catalog.category_count;
	info->keys_at_most = view_keys_at_most(view);
}

/* --- keys ---------------------------------------------------------------------------- */

enum repute_status
repute_key_text(enum repute_kind kind, const char *text, size_t length, struct repute_key *key)
{
	if ((int)kind < 0 || kind > REPUTE_ANY)
		return REPUTE_USAGE;
	return (enum repute_status)canon_key((enum kind)kind, text, length, NULL, key_of(key), NULL);
}

void
repute_key_ipv4(uint32_t address, struct repute_key *key)
{
	key_set_ipv4(key_of(key), address, 32);
}

void
repute_key_ipv6(const uint8_t address[16], struct repute_key *key)
{
	key_set_ipv6(key_of(key), address, 128);
}

enum repute_status
repute_key_digest(enum repute_kind kind, const uint8_t *digest, struct repute_key *key)
{
	if (kind != REPUTE_SHA1 && kind != REPUTE_SHA256)
		return REPUTE_USAGE;
	key_set_digest(key_of(key), (enum kind)kind, digest);
	return REPUTE_OK;
}

enum repute_kind
repute_key_kind(const struct repute_key *key)
{
	return (enum repute_kind)key_const(key)->kind;
}

enum repute_status
repute_key_host(const struct repute_key *url, struct repute_key *host)
{
	return lookup_host(key_const(url), key_of(host)) ? REPUTE_OK : REPUTE_USAGE;
}

size_t
repute_key_print(const struct repute_key *key, char *text, size_t capacity)
{
	char whole[KEY_PRINT_BYTES];
	size_t length = key_print(key_const(key), whole);
	if (capacity > 0) {
		size_t kept = length < capacity ? length : capacity - 1;
		memcpy(text, whole, kept);
		text[kept] = '\0';
	}
	return length;
}

/* --- look-up --------------------------------------------------------------------------- */

/* "Could not tell" must not look like "not listed", whatever the caller does with the status. */
static __attribute__((noinline)) enum repute_status
untold(struct repute_hit *hits, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hits[i].found = false;
	return REPUTE_CORRUPT;
}

static inline enum repute_status
told(const struct repute_view *view, struct repute_hit *hits, size_t n)
{
	return view_sound(view_of(view)) ? REPUTE_OK : untold(hits, n);
}

enum repute_status
repute_find(const struct repute_view *view, const struct repute_key *key, uint64_t now,
	    struct repute_hit *hit)
{
	if (!key_is_good(key_const(key)))
		return REPUTE_USAGE;
	lookup_first(view_of(view), key_const(key), now, hit);
	return told(view, hit, 1);
}

enum repute_status
repute_find_ipv4(const struct repute_view *view, uint32_t address, uint64_t now,
		 struct repute_hit *hit)
{
	lookup_ipv4(view_of(view), address, now, hit);
	return told(view, hit, 1);
}

enum repute_status
repute_find_ipv6(const struct repute_view *view, const uint8_t address[16], uint64_t now,
		 struct repute_hit *hit)
{
	lookup_ipv6(view_of(view), address, now, hit);
	return told(view, hit, 1);
}

enum repute_status
repute_find_sha1(const struct repute_view *view, const uint8_t digest[20], uint64_t now,
		 struct repute_hit *hit)
{
	lookup_digest(view_of(view), KIND_SHA1, digest, now, hit);
	return told(view, hit, 1);
}

enum repute_status
repute_find_sha256(const struct repute_view *view, const uint8_t digest[32], uint64_t now,
		   struct repute_hit *hit)
{
	lookup_digest(view_of(view), KIND_SHA256, digest, now, hit);
	return told(view, hit, 1);
}

size_t
repute_find_all(const struct repute_view *view, const struct repute_key *key, uint64_t now,
		struct repute_hit *hits, size_t capacity)
{
	if (!key_is_good(key_const(key)))
		return 0;
	size_t count = lookup_all(view_of(view), key_const(key), now, hits, capacity);
	return told(view, hits, capacity) == REPUTE_OK ? count : REPUTE_UNKNOWN;
}

/* Runs of keys of one kind, as long as they come, are one batch each. */
enum repute_status
repute_find_many(const struct repute_view *view, const struct repute_key *keys, size_t n,
		 uint64_t now, struct repute_hit *hits)
{
	const struct key *run[API_RUN];
	for (size_t i = 0; i < n; i++)
		if (!key_is_good(key_const(&keys[i])))
			return REPUTE_USAGE;
	for (size_t from = 0, to; from < n; from = to) {
		struct lookup_batch batch = {.kind = key_const(&keys[from])->kind, .keys = run};
		bool text = kind_table[batch.kind].key_bytes == 0;
		for (to = from; to < n && to - from < (text ? (size_t)API_RUN : 1u); to++) {
			run[to - from] = key_const(&keys[to]);
			if (run[to - from]->kind != batch.kind)
				break;
		}
		if (text)
			lookup_many(view_of(view), &batch, to - from, now, hits + from);
		else
			lookup_first(view_of(view), run[0], now, &hits[from]);
	}
	return told(view, hits, n);
}

enum repute_status
repute_find_ipv4_many(const struct repute_view *view, const uint32_t *addresses, size_t n,
		      uint64_t now, struct repute_hit *hits)
{
	struct lookup_batch batch = {.kind = KIND_IPV4, .ipv4 = addresses};
	lookup_many(view_of(view), &batch, n, now, hits);
	return told(view, hits, n);
}

static enum repute_status
find_bytes(const struct repute_view *view, enum kind kind, const void *bytes, size_t n,
	   uint64_t now, struct repute_hit *hits)
{
	struct lookup_batch batch = {.kind = kind, .bytes = bytes};
	lookup_many(view_of(view), &batch, n, now, hits);
	return told(view, hits, n);
}

enum repute_status
repute_find_ipv6_many(const struct repute_view *view, const uint8_t (*addresses)[16], size_t n,
		      uint64_t now, struct repute_hit *hits)
{
	return find_bytes(view, KIND_IPV6, addresses, n, now, hits);
}

enum repute_status
repute_find_sha1_many(const struct repute_view *view, const uint8_t (*digests)[20], size_t n,
		      uint64_t now, struct repute_hit *hits)
{
	return find_bytes(view, KIND_SHA1, digests, n, now, hits);
}

enum repute_status
repute_find_sha256_many(const struct repute_view *view, const uint8_t (*digests)[32], size_t n,
			uint64_t now, struct repute_hit *hits)
{
	return find_bytes(view, KIND_SHA256, digests, n, now, hits);
}

/* --- tags ---------------------------------------------------------------------------------- */

bool
repute_category_id(const struct repute_view *handle, const char *name, size_t length, uint32_t *id)
{
	const struct catalog *catalog = &view_of(handle)->catalog;
	const struct tag_category *category = catalog_category(catalog, name, length);
	for (uint32_t i = 0; category != NULL && i < catalog->category_count; i++) {
		if (catalog->categories[i] != category)
			continue;
		*id = i;
		return true;
	}
	return false;
}

const char *
repute_category_name(const struct repute_view *handle, uint32_t id)
{
	const struct catalog *catalog = &view_of(handle)->catalog;
	return id < catalog->category_count ? catalog->categories[id]->name : NULL;
}

bool
repute_hit_tag(const struct repute_view *view, const struct repute_hit *hit, uint32_t category,
	       size_t i, struct repute_tag *tag)
{
	const char *name = repute_category_name(view, category);
	struct explain_tags walk;
	struct repute_tag row;
	if (name == NULL || !hit->found)
		return false;
	explain_tags_init(&walk, view_of(view), hit);
	while (explain_tags_next(&walk, &row)) {
		if (row.category_length != strlen(name) ||
		    memcmp(row.category, name, row.category_length) != 0 || i-- > 0)
			continue;
		*tag = row;
		return view_sound(view_of(view));
	}
	return false;
}

size_t
repute_hit_tags(const struct repute_view *view, const struct repute_hit *hit,
		struct repute_tag *tags, size_t capacity)
{
	struct explain_tags walk;
	struct repute_tag row;
	size_t count = 0;
	if (!hit->found)
		return 0;
	explain_tags_init(&walk, view_of(view), hit);
	for (; explain_tags_next(&walk, &row); count++)
		if (count < capacity)
			tags[count] = row;
	return view_sound(view_of(view)) ? count : REPUTE_UNKNOWN;
}

enum repute_status
repute_hit_key(const struct repute_view *view, const struct repute_hit *hit,
	       struct repute_key *key)
{
	if (!hit->found)
		return REPUTE_USAGE;
	lookup_hit_key(view_of(view), hit, key_of(key));
	return repute_view_status(view);
}

size_t
repute_hit_explain(const struct repute_view *view, const struct repute_hit *hit, char *text,
		   size_t capacity)
{
	return explain_hit(view_of(view), hit, text, capacity);
}
