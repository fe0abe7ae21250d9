/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/segment_check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/path.h"
#include "engine/segment_aid.h"
#include "engine/segment_expiry_build.h"
#include "engine/segment_layout.h"
#include "engine/sha256.h"
#include "engine/tag.h"
#include "engine/wide_build.h"

static enum status
wrong(const struct segment *segment, struct fault *fault, uint32_t id, uint64_t inside,
      const char *why)
{
	struct section section;
	char name[5];
	container_section(&segment->container, id, &section);
	container_id_text(id, name);
	return fault_set(fault, STATUS_CORRUPT, name, section.offset + inside, "%s", why);
}

static bool
is_overlay(const struct segment *segment)
{
	return (segment->flags & FORMAT_SEGMENT_OVERLAY) != 0;
}

static const struct info_d *
info_of(const struct segment *segment)
{
	struct section section;
	container_section(&segment->container, FORMAT_INFO, &section); /* attach has seen it */
	return (const struct info_d *)section.bytes;
}

/* --- sections there are -------------------------------------------------------------- */

static bool
is_known(uint32_t id)
{
	static const uint32_t single[] = {FORMAT_INFO,     FORMAT_SOURCES, FORMAT_TAGS,
					  FORMAT_CLAIMS,   FORMAT_PATTERNS, FORMAT_GRAMS,
					  FORMAT_GATE_IPV4, FORMAT_TRIE_IPV4, FORMAT_WIDE_IPV6,
					  FORMAT_EXPIRY};
	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		if (id == single[i])
			return true;
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		if (id == FORMAT_HOT(kind) || id == FORMAT_RECORDS(kind) ||
		    id == FORMAT_KEYS(kind))
			return true;
	return false;
}

static enum status
check_sections(const struct segment *segment, struct fault *fault)
{
	for (uint32_t i = 0; i < segment->container.section_count; i++) {
		struct section section;
		uint32_t flags, id = container_section_at(&segment->container, i, &section, &flags);
		char name[5];
		container_id_text(id, name);
		if (!is_known(id) && (flags & FORMAT_SECTION_OPTIONAL) == 0)
			return fault_set(fault, STATUS_VERSION, name, section.offset,
					 "a required section that this program does not know");
		uint32_t expected = id == FORMAT_EXPIRY ? FORMAT_SECTION_OPTIONAL : 0;
		if (is_known(id) && (flags != expected || section.length == 0))
			return fault_set(fault, STATUS_CORRUPT, name, section.offset,
					 "a known section is empty, or not marked as it must be");
	}
	if ((segment->flags & ~FORMAT_SEGMENT_OVERLAY) != 0)
		return wrong(segment, fault, FORMAT_INFO, offsetof(struct info_d, flags),
			     "unknown flags");
	if (le32_get(info_of(segment)->reserved) != 0)
		return wrong(segment, fault, FORMAT_INFO, offsetof(struct info_d, reserved),
			     "a reserved field is not zero");
	return STATUS_OK;
}

/* --- strings and claims ----------------------------------------------------------------- */

typedef bool string_good_cb(const uint8_t *bytes, size_t length);

static bool
source_good(const uint8_t *bytes, size_t length)
{
	(void)bytes;
	return length > 0 && length <= LIMIT_SOURCE_NAME_BYTES;
}

static bool
tags_good(const uint8_t *bytes, size_t length)
{
	struct tag_cursor cursor = {.bytes = bytes, .length = length};
	struct tag_view tag;
	while (tag_next(&cursor, &tag))
		;
	return !cursor.bad;
}

static enum status
check_strings(const struct segment *segment, const struct segment_strings *strings, uint32_t id,
	      string_good_cb *good, struct fault *fault)
{
	const uint8_t *before = NULL;
	size_t before_length = 0;
	uint64_t expected = 0;
	const struct strings_d *head =
		(const struct strings_d *)(strings->offsets - sizeof(struct strings_d));
	if (le32_get(head->reserved) != 0)
		return wrong(segment, fault, id, offsetof(struct strings_d, reserved),
			     "a reserved field is not zero");
	for (uint32_t i = 0; i <= strings->count; i++) {
		struct le64 disk;
		uint64_t place = sizeof(struct strings_d) + (uint64_t)i * 8;
		memcpy(&disk, strings->offsets + (size_t)i * 8, 8);
		uint64_t offset = le64_get(disk);
		if (offset < expected || offset > strings->bytes_length || (i == 0 && offset != 0))
			return wrong(segment, fault, id, place, "string offsets are out of order");
		expected = offset;
	}
	if (expected != strings->bytes_length)
		return wrong(segment, fault, id, 0, "bytes that belong to no string");
	for (uint32_t i = 0; i < strings->count; i++) {
		size_t length;
		const uint8_t *bytes = id == FORMAT_SOURCES
			? (const uint8_t *)segment_source(segment, i, &length)
			: segment_tags(segment, i, &length);
		size_t common = length < before_length ? length : before_length;
		int order = common == 0 ? 0 : memcmp(before, bytes, common);
		if (i > 0 && (order > 0 || (order == 0 && before_length >= length)))
			return wrong(segment, fault, id, i, "strings are out of order");
		if (!good(bytes, length))
			return wrong(segment, fault, id, i, "a string is not what it must be");
		before = bytes;
		before_length = length;
	}
	return STATUS_OK;
}

static const char *
claim_mistake(const struct segment *segment, const struct claim_d *claim,
	      const struct claim_d *before)
{
	static const uint8_t zero[sizeof(claim->reserved)];
	if (claim->scope < SCOPE_EXACT || claim->scope > SCOPE_TREE)
		return "a claim has no known scope";
	if (le16_get(claim->source) >= segment->sources.count)
		return "a claim names a source that is not there";
	if (le32_get(claim->set) >= segment->tags.count ||
	    le32_get(claim->notes) >= segment->tags.count)
		return "a claim names tags that are not there";
	if ((claim->flags & ~FORMAT_CLAIM_LAST) != 0 || memcmp(claim->reserved, zero, sizeof(zero)))
		return "a reserved field is not zero";
	if (before != NULL && (le16_get(before->source) > le16_get(claim->source) ||
			       (le16_get(before->source) == le16_get(claim->source) &&
				before->scope >= claim->scope)))
		return "claims of one key are out of order";
	return NULL;
}

static enum status
check_claims(const struct segment *segment, struct fault *fault)
{
	const struct claim_d *claims = (const struct claim_d *)segment->claims;
	struct claim_d removal = {.flags = FORMAT_CLAIM_LAST};
	if (segment->claim_count == 0 || memcmp(claims, &removal, sizeof(removal)) != 0)
		return wrong(segment, fault, FORMAT_CLAIMS, 0, "claim 0 is not the removal");
	uint32_t run = 0;
	for (uint64_t i = 1; i < segment->claim_count; i++) {
		const char *why = claim_mistake(segment, &claims[i], run > 0 ? &claims[i - 1] : NULL);
		run++;
		if (why == NULL && run > LIMIT_CLAIMS_PER_KEY)
			why = "too many claims on one key";
		if (why != NULL)
			return wrong(segment, fault, FORMAT_CLAIMS, i * sizeof(*claims), why);
		if ((claims[i].flags & FORMAT_CLAIM_LAST) != 0)
			run = 0;
	}
	if (run != 0)
		return wrong(segment, fault, FORMAT_CLAIMS, 0, "the last claim is not marked so");
	return STATUS_OK;
}

/* --- keys ----------------------------------------------------------------------------------- */

/* A claims id must begin a list: claim 0 in overlays, else one that follows a last claim. */
static bool
claims_begin(const struct segment *segment, uint32_t id)
{
	const struct claim_d *claims = (const struct claim_d *)segment->claims;
	if (id == SEGMENT_REMOVED)
		return is_overlay(segment);
	return id < segment->claim_count && (claims[id - 1].flags & FORMAT_CLAIM_LAST) != 0;
}

static bool
key_is_canonical(const struct key *key)
{
	struct key again;
	struct canon_options options = {.use = CANON_ENTRY};
	if (kind_table[key->kind].key_bytes != 0)
		return true;
	if (canon_key(key->kind, key_text(key), key->length, &options, &again, NULL) != STATUS_OK)
		return false;
	return again.length == key->length && again.pattern == key->pattern &&
	       again.scope == SCOPE_EXACT &&
	       memcmp(key_text(&again), key_text(key), key->length) == 0;
}

static unsigned
key_entries(const struct segment *segment, const struct key *key, uint32_t claims, bool *scopes_good)
{
	struct segment_claim_cursor cursor = segment_claims(claims);
	struct segment_claim claim;
	unsigned seen = 0;
	while (segment_claim_next(segment, &cursor, &claim)) {
		seen |= 1u << claim.scope;
		if (claim.scope != SCOPE_EXACT &&
		    (!kind_table[key->kind].scoped || key->pattern != 0))
			*scopes_good = false;
	}
	return (unsigned)__builtin_popcount(seen);
}

/* The keys of a kind one after another: their claims, scopes and number. */
static enum status
check_kind(const struct segment *segment, enum kind kind, struct fault *fault)
{
	uint64_t entries = 0, keys = 0;
	bool scopes_good = true;
	struct key key;
	uint32_t claims;
	struct segment_cursor cursor = {.kind = kind};
	while (segment_next(segment, &cursor, &key, &claims) && key.kind == kind) {
		if (!claims_begin(segment, claims))
			return wrong(segment, fault, FORMAT_RECORDS(kind), keys,
				     "a key's claims do not begin a list");
		entries += key_entries(segment, &key, claims, &scopes_good);
		keys++;
	}
	if (!scopes_good)
		return wrong(segment, fault, FORMAT_RECORDS(kind), 0,
			     "a claim's scope does not fit its key");
	if (keys != segment->keys[kind] || entries != segment->entries[kind])
		return wrong(segment, fault, FORMAT_INFO, offsetof(struct info_d, kind),
			     "keys and entries are not as many as INFO says");
	return STATUS_OK;
}

static enum status
check_keys(const struct segment *segment, enum kind kind, struct fault *fault)
{
	const struct segment_table *table = &segment->table[kind];
	struct key key;
	uint32_t claims;
	for (uint64_t i = 0; i < table->record_count; i++) {
		uint64_t place = i * table->record_bytes;
		if (!segment_table_key(table, kind, i, &key, &claims) || !key_is_canonical(&key))
			return wrong(segment, fault, FORMAT_RECORDS(kind), place,
				     "a record does not hold a canonical key");
	}
	return check_kind(segment, kind, fault);
}

/* Before a text stands nothing, or in files of format 2 its length. */
static bool
text_begins(const struct segment_table *table, const char *text, size_t length)
{
	return !segment_table_is_older(table) ||
	       le16_get(*(const struct le16 *)(text - sizeof(struct le16))) == length;
}

/* Key texts fill their section, in record order: each ends where the next one begins. */
static enum status
check_key_places(const struct segment *segment, enum kind kind, struct fault *fault)
{
	const struct segment_table *table = &segment->table[kind];
	const struct record_text_d *records = (const struct record_text_d *)table->records;
	bool texts = kind_table[kind].key_bytes == 0 && table->record_count > 0;
	if (texts && le40_get(records[0].offset) != 0)
		return wrong(segment, fault, FORMAT_KEYS(kind), 0, "bytes that belong to no key");
	for (uint64_t i = 0; texts && i < table->record_count; i++) {
		size_t length;
		const char *text = segment_table_text(table, i, &length);
		if (text == NULL || !text_begins(table, text, length))
			return wrong(segment, fault, FORMAT_RECORDS(kind), i * table->record_bytes,
				     "key texts do not follow one another");
	}
	if (!texts && table->keys_length > 0)
		return wrong(segment, fault, FORMAT_KEYS(kind), 0, "bytes that belong to no key");
	return STATUS_OK;
}

/* --- nothing that no key uses ---------------------------------------------------------------- */

/* What has been seen: one byte for each claim, source and tag string. */
struct use {
	uint8_t *claims, *sources, *tags;
};

static void
use_mark(const struct segment *segment, struct use *use)
{
	struct segment_cursor cursor = {0};
	uint32_t claims;
	struct key key;
	while (segment_next(segment, &cursor, &key, &claims)) {
		struct segment_claim_cursor list = segment_claims(claims);
		struct segment_claim claim;
		use->claims[claims] = 1;
		while (segment_claim_next(segment, &list, &claim))
			use->sources[claim.source] = use->tags[claim.set] =
				use->tags[claim.notes] = 1;
	}
}

static const char *
lists_mistake(const struct segment *segment, const struct use *use, uint64_t *at)
{
	const struct claim_d *claims = (const struct claim_d *)segment->claims;
	uint64_t before = 0, count = 0;
	for (uint64_t i = 1; i < segment->claim_count; i += count) {
		uint64_t common = count;
		count = 1;
		while ((claims[i + count - 1].flags & FORMAT_CLAIM_LAST) == 0)
			count++;
		*at = i * sizeof(*claims);
		if (!use->claims[i])
			return "claims that no key has";
		/* the marks of the last claims decide when one list begins another */
		common = common < count ? common : count;
		if (before != 0 &&
		    memcmp(&claims[before], &claims[i], common * sizeof(*claims)) >= 0)
			return "lists of claims are out of order";
		before = i;
	}
	return NULL;
}

static enum status
use_check(const struct segment *segment, const struct use *use, struct fault *fault)
{
	uint64_t at;
	size_t length;
	const char *why = lists_mistake(segment, use, &at);
	if (why != NULL)
		return wrong(segment, fault, FORMAT_CLAIMS, at, why);
	for (uint32_t i = 0; i < segment->sources.count; i++)
		if (!use->sources[i])
			return wrong(segment, fault, FORMAT_SOURCES, i, "a source without claims");
	for (uint32_t i = 1; i < segment->tags.count; i++)
		if (!use->tags[i])
			return wrong(segment, fault, FORMAT_TAGS, i, "tags that no claim has");
	segment_tags(segment, 0, &length);
	if (segment->tags.count == 0 || length != 0)
		return wrong(segment, fault, FORMAT_TAGS, 0, "string 0 is not the empty one");
	return STATUS_OK;
}

/* Claims and keys have been checked: all numbers are in range. */
static enum status
check_use(const struct segment *segment, struct fault *fault)
{
	struct use use = {
		.claims = calloc(segment->claim_count, 1),
		.sources = calloc((size_t)segment->sources.count + 1, 1),
		.tags = calloc((size_t)segment->tags.count + 1, 1),
	};
	enum status status = STATUS_NO_MEMORY;
	if (use.claims != NULL && use.sources != NULL && use.tags != NULL) {
		use_mark(segment, &use);
		status = use_check(segment, &use, fault);
	} else {
		fault_set(fault, status, NULL, 0, "no memory to check what is used");
	}
	free(use.claims);
	free(use.sources);
	free(use.tags);
	return status;
}

/* --- tables as the builder would make them ------------------------------------------------------ */

static unsigned
scopes_of(void *context, uint32_t claims)
{
	const struct segment *segment = context;
	struct segment_claim_cursor cursor = segment_claims(claims);
	struct segment_claim claim;
	unsigned scopes = is_overlay(segment) ? SCOPE_TREE : 0;
	while (segment_claim_next(segment, &cursor, &claim))
		scopes |= claim.scope;
	return scopes;
}

static enum status
compare_table(const struct segment *segment, enum kind kind, const struct layout *layout,
	      struct fault *fault)
{
	const struct segment_table *table = &segment->table[kind];
	if (layout->buckets != table->buckets || layout->first_step != table->first_step ||
	    layout->reseeds != le32_get(info_of(segment)->kind[kind].reseeds) ||
	    (kind == KIND_DOMAIN && memcmp(layout->tops, table->tops, sizeof(layout->tops)) != 0) ||
	    layout->salt != le64_get(info_of(segment)->kind[kind].salt))
		return wrong(segment, fault, FORMAT_INFO, offsetof(struct info_d, kind),
			     "a table's shape is not the builder's");
	for (uint64_t i = 0; i < layout->record_count; i++)
		if (layout->order != NULL && layout->order[i] != i)
			return wrong(segment, fault, FORMAT_RECORDS(kind), i * table->record_bytes,
				     "a record is out of its order");
	for (uint64_t i = 0; i < layout->lines_count; i++)
		if (memcmp(&layout->lines[i], table->lines + i * sizeof(struct bucket_d),
			   sizeof(struct bucket_d)) != 0)
			return wrong(segment, fault, FORMAT_HOT(kind), i * sizeof(struct bucket_d),
				     "a line is not what the builder makes of the keys");
	return STATUS_OK;
}

static enum status
check_table(const struct segment *segment, enum kind kind, struct fault *fault)
{
	enum status status = check_key_places(segment, kind, fault);
	if (status == STATUS_OK)
		status = check_keys(segment, kind, fault);
	if (status != STATUS_OK)
		return status;
	struct layout layout;
	struct fault inner = {0};
	status = layout_make(&segment->table[kind], NULL, kind, segment->seed, scopes_of,
			     (void *)(uintptr_t)segment, &layout, &inner);
	if (status == STATUS_USAGE)
		return wrong(segment, fault, FORMAT_RECORDS(kind), 0, "a key stands there twice");
	if (status != STATUS_OK)
		return fault_set(fault, status, inner.where, inner.offset, "%s", inner.text);
	status = compare_table(segment, kind, &layout, fault);
	layout_fini(&layout);
	return status;
}

/* The hosts of the lines, as a builder keeps them; the caller frees *records. */
static size_t
hosts_records(const struct hosts *hosts, struct hosts_record **records)
{
	size_t count = 0;
	*records = malloc((size_t)hosts->numbers * sizeof(**records) + 1);
	for (uint64_t i = 0; *records != NULL && i < hosts->numbers; i++) {
		uint32_t address, claims;
		if (!hosts_get(hosts, i, &address, &claims))
			continue;
		be32_put((*records)[count].address, address);
		(*records)[count++].claims = le32_make(claims);
	}
	return count;
}

static enum status
compare_hosts(const struct segment *segment, const struct hosts_layout *layout, struct fault *fault)
{
	const struct hosts *hosts = &segment->hosts;
	const struct info_kind_d *info = &info_of(segment)->kind[KIND_IPV4];
	if (layout->buckets != hosts->buckets || layout->reseeds != le32_get(info->reseeds) ||
	    layout->salt != le64_get(info->salt) || le32_get(info->first_step) != 0)
		return wrong(segment, fault, FORMAT_INFO, offsetof(struct info_d, kind),
			     "a table's shape is not the builder's");
	for (uint64_t i = 0; i < layout->lines_count; i++)
		if (memcmp(&layout->lines[i], &hosts->lines[i], sizeof(*layout->lines)) != 0)
			return wrong(segment, fault, FORMAT_HOT(KIND_IPV4), i * sizeof(*layout->lines),
				     "a line is not what the builder makes of the hosts");
	return STATUS_OK;
}

static enum status
check_hosts(const struct segment *segment, struct fault *fault)
{
	struct hosts_record *records;
	struct hosts_layout layout;
	struct fault inner = {0};
	enum status status = check_kind(segment, KIND_IPV4, fault);
	if (status != STATUS_OK)
		return status;
	size_t count = hosts_records(&segment->hosts, &records);
	if (records == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to check hosts");
	status = hosts_build((uint8_t *)records, count, segment->seed, &layout, &inner);
	free(records);
	if (status == STATUS_USAGE)
		return wrong(segment, fault, FORMAT_HOT(KIND_IPV4), 0, "a host stands there twice");
	if (status != STATUS_OK)
		return fault_set(fault, status, inner.where, inner.offset, "%s", inner.text);
	if (segment->trie.record_count > 0)
		hosts_mark(&layout, &segment->trie);
	status = compare_hosts(segment, &layout, fault);
	free(layout.lines);
	return status;
}

/* What a check of the prefixes found, said of its section. */
static enum status
prefixes_wrong(const struct segment *segment, struct fault *fault, uint32_t id, enum status status,
	       const struct fault *inner)
{
	if (status == STATUS_CORRUPT)
		return wrong(segment, fault, id, inner->offset, inner->text);
	return fault_set(fault, status, inner->where, inner->offset, "%s", inner->text);
}

static enum status
check_trie(const struct segment *segment, struct fault *fault)
{
	const struct ptrie *trie = &segment->trie;
	struct fault inner = {0};
	struct ptrie_prefix prefix;
	if (trie->record_count == 0)
		return STATUS_OK;
	enum status status = ptrie_check(trie, &inner);
	if (status != STATUS_OK)
		return prefixes_wrong(segment, fault, FORMAT_TRIE_IPV4, status, &inner);
	for (uint32_t i = 0; ptrie_record(trie, i, &prefix); i++)
		if (prefix.bits == 32)
			return wrong(segment, fault, FORMAT_TRIE_IPV4, i,
				     "a host stands among the prefixes");
	return STATUS_OK;
}

static enum status
check_wide(const struct segment *segment, struct fault *fault)
{
	const struct segment_table *table = &segment->table[KIND_IPV6];
	const struct record_ipv6_d *records = (const struct record_ipv6_d *)table->records;
	struct fault inner = {0};
	bool empty = table->record_count == 0 && segment->wide.record_count == 0;
	if (empty != (segment->wide.root_bits == 0))
		return wrong(segment, fault, FORMAT_WIDE_IPV6, 0,
			     "prefixes and hosts do not ask for what is there");
	if (empty)
		return STATUS_OK;
	uint64_t *hosts = malloc(table->record_count * sizeof(*hosts) + 1);
	if (hosts == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to check prefixes");
	for (uint64_t i = 0; i < table->record_count; i++)
		hosts[i] = be64_get(records[i].address);
	enum status status = wide_check(&segment->wide, hosts,
					wide_hosts_sort(hosts, table->record_count), &inner);
	free(hosts);
	return status == STATUS_OK ? status :
	       prefixes_wrong(segment, fault, FORMAT_WIDE_IPV6, status, &inner);
}

static enum status
check_aids(const struct segment *segment, struct fault *fault)
{
	struct aid_image gate = {0}, patterns = {0}, grams = {0};
	uint32_t bits;
	const struct ptrie *prefixes = &segment->trie;
	uint64_t hosts = segment->keys[KIND_IPV4] - prefixes->record_count; /* check_kind has counted */
	enum status status = aid_gate_make(&segment->hosts, hosts, prefixes, &bits, &gate, fault);
	if (status == STATUS_OK)
		status = aid_patterns_make(&segment->table[KIND_URL], &patterns, &grams, fault);
	if (status == STATUS_OK && (bits != segment->gate_bits ||
				    (bits != 0 && memcmp(gate.bytes, segment->gate, gate.length))))
		status = wrong(segment, fault, FORMAT_GATE_IPV4, 0,
			       "the bitmap is not the builder's");
	if (status == STATUS_OK &&
	    (patterns.length != segment->pattern_count * sizeof(struct pattern_d) ||
	     (patterns.length > 0 && memcmp(patterns.bytes, segment->patterns, patterns.length))))
		status = wrong(segment, fault, FORMAT_PATTERNS, 0,
			       "the pattern lengths are not those of the entries");
	if (status == STATUS_OK &&
	    ((grams.length > 0) != (segment->grams != NULL) ||
	     (grams.length > 0 && memcmp(grams.bytes, segment->grams, grams.length))))
		status = wrong(segment, fault, FORMAT_GRAMS, 0,
			       "the bitmap is not that of the entries");
	free(gate.bytes);
	free(patterns.bytes);
	free(grams.bytes);
	return status;
}

/* There, and as the builder makes it, if the header says so; else not there, as in older files. */
static enum status
check_expiry(const struct segment *segment, struct fault *fault)
{
	const struct header_d *header = (const struct header_d *)segment->container.bytes;
	bool announced = (le32_get(header->compatible) & FORMAT_COMPATIBLE_EXPIRY) != 0;
	struct aid_image image = {0};
	struct section section;
	bool there = container_section(&segment->container, FORMAT_EXPIRY, &section);
	if (announced != there)
		return wrong(segment, fault, FORMAT_EXPIRY, 0,
			     "the order of expiry is not there, or the header does not say so");
	if (!there)
		return STATUS_OK;
	if (!is_overlay(segment) && segment->expiry.swept != 0)
		return wrong(segment, fault, FORMAT_EXPIRY, offsetof(struct expiry_d, swept),
			     "a base that was swept into");
	enum status status = segment_expiry_of_segment(segment, &image, fault);
	if (status == STATUS_OK && (image.length != section.length ||
				    memcmp(image.bytes, section.bytes, image.length) != 0))
		status = wrong(segment, fault, FORMAT_EXPIRY, 0,
			       "the order of expiry is not that of the claims");
	free(image.bytes);
	return status;
}

enum status
segment_check(const struct segment *segment, struct fault *fault)
{
	enum status status = container_check(&segment->container, fault);
	if (status == STATUS_OK)
		status = check_sections(segment, fault);
	if (status == STATUS_OK)
		status = check_strings(segment, &segment->sources, FORMAT_SOURCES, source_good,
				       fault);
	if (status == STATUS_OK)
		status = check_strings(segment, &segment->tags, FORMAT_TAGS, tags_good, fault);
	if (status == STATUS_OK)
		status = check_claims(segment, fault);
	if (status == STATUS_OK)
		status = check_hosts(segment, fault);
	for (int kind = KIND_IPV6; status == STATUS_OK && kind < KIND_COUNT; kind++)
		status = check_table(segment, kind, fault);
	if (status == STATUS_OK)
		status = check_trie(segment, fault);
	if (status == STATUS_OK)
		status = check_wide(segment, fault);
	if (status == STATUS_OK)
		status = check_use(segment, fault);
	if (status == STATUS_OK)
		status = check_aids(segment, fault);
	return status == STATUS_OK ? check_expiry(segment, fault) : status;
}

enum status
segment_check_sha256(const struct segment *segment, struct fault *fault)
{
	struct sha256 *sha256 = sha256_new();
	uint8_t digest[32];
	if (sha256 == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a digest");
	sha256_add(sha256, segment->container.bytes, segment->container.length - sizeof(digest));
	sha256_finish(sha256, digest);
	if (memcmp(digest, container_sha256(&segment->container), sizeof(digest)) != 0)
		return fault_set(fault, STATUS_CORRUPT, "footer",
				 segment->container.length - sizeof(digest),
				 "the file does not match its SHA-256");
	return STATUS_OK;
}
