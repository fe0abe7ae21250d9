/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/segment.h"

#include <stddef.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/path.h"
#include "engine/segment_expiry.h"
#include "engine/segment_many.h"

static enum status
corrupt(struct fault *fault, uint32_t id, uint64_t offset, const char *why)
{
	char name[5];
	container_id_text(id, name);
	return fault_set(fault, STATUS_CORRUPT, name, offset, "%s", why);
}

static uint32_t
record_bytes(enum kind kind)
{
	static const uint8_t bytes[KIND_COUNT] = {
		[KIND_IPV6] = sizeof(struct record_ipv6_d),
		[KIND_DOMAIN] = sizeof(struct record_text_d),
		[KIND_URL] = sizeof(struct record_text_d),
		[KIND_SHA1] = sizeof(struct record_sha1_d),
		[KIND_SHA256] = sizeof(struct record_sha256_d),
	};
	return bytes[kind];
}

/* A file of format 2. */
static bool
is_older(const struct segment *segment)
{
	return container_version(&segment->container) == FORMAT_VERSION_LEAST;
}

static enum status
attach_table(struct segment *segment, enum kind kind, const struct info_kind_d *info,
	     struct fault *fault)
{
	struct segment_table *table = &segment->table[kind];
	struct section lines, records, keys;
	container_section(&segment->container, FORMAT_HOT(kind), &lines);
	container_section(&segment->container, FORMAT_RECORDS(kind), &records);
	container_section(&segment->container, FORMAT_KEYS(kind), &keys);
	uint64_t buckets = le64_get(info->buckets);
	if (buckets > UINT32_MAX)
		return corrupt(fault, FORMAT_INFO, 0, "more lines than a table can have");
	uint64_t count = buckets == 0 ? 0 : buckets + LIMIT_BUCKET_HOPS;
	if (lines.length != count * sizeof(struct bucket_d))
		return corrupt(fault, FORMAT_HOT(kind), lines.offset,
			       "the lines do not fill their section");
	table->record_bytes = record_bytes(kind);
	if (records.length % table->record_bytes != 0 ||
	    records.length / table->record_bytes > UINT32_MAX)
		return corrupt(fault, FORMAT_RECORDS(kind), records.offset,
			       "the records do not fill their section");
	table->lines = lines.bytes;
	table->lines_count = count;
	table->buckets = buckets;
	table->records = records.bytes;
	table->record_count = records.length / table->record_bytes;
	table->keys = keys.bytes;
	table->keys_length = keys.length;
	table->text_skip = is_older(segment) ? sizeof(struct le16) : 0;
	table->first_step = le32_get(info->first_step);
	table->seed = path_seed(segment->seed, kind, le32_get(info->reseeds), le64_get(info->salt));
	segment->entries[kind] = le64_get(info->entries);
	segment->keys[kind] = le64_get(info->keys);
	return STATUS_OK;
}

static enum status
attach_hosts(struct segment *segment, const struct info_kind_d *info, struct fault *fault)
{
	struct hosts *hosts = &segment->hosts;
	struct section lines;
	uint64_t buckets = le64_get(info->buckets);
	container_section(&segment->container, FORMAT_HOT(KIND_IPV4), &lines);
	if (buckets > UINT32_MAX / HOSTS_NUMBERS - LIMIT_HOSTS_HOPS)
		return corrupt(fault, FORMAT_INFO, 0, "more lines than a table can have");
	uint64_t count = buckets == 0 ? 0 : buckets + LIMIT_HOSTS_HOPS;
	if (lines.length != count * sizeof(struct hosts_line_d))
		return corrupt(fault, FORMAT_HOT(KIND_IPV4), lines.offset,
			       "the lines do not fill their section");
	hosts->lines = (const struct hosts_line_d *)lines.bytes;
	hosts->buckets = buckets;
	hosts->numbers = count * HOSTS_NUMBERS;
	hosts->seed = path_seed(segment->seed, KIND_IPV4, le32_get(info->reseeds),
				le64_get(info->salt));
	segment->entries[KIND_IPV4] = le64_get(info->entries);
	segment->keys[KIND_IPV4] = le64_get(info->keys);
	return STATUS_OK;
}

static enum status
attach_prefixes(struct segment *segment, struct fault *fault)
{
	struct section trie, wide;
	if (container_section(&segment->container, FORMAT_TRIE_IPV4, &trie) &&
	    ptrie_attach(&segment->trie, KIND_IPV4, trie.bytes, trie.length, fault) != STATUS_OK)
		return corrupt(fault, FORMAT_TRIE_IPV4, trie.offset,
			       "the prefix trie does not fit its section");
	if (container_section(&segment->container, FORMAT_WIDE_IPV6, &wide) &&
	    wide_attach(&segment->wide, wide.bytes, wide.length, fault) != STATUS_OK)
		return corrupt(fault, FORMAT_WIDE_IPV6, wide.offset,
			       "the prefixes do not fit their section");
	return STATUS_OK;
}

static enum status
attach_strings(struct segment *segment, uint32_t id, struct segment_strings *strings,
	       struct fault *fault)
{
	struct section section;
	const uint64_t head = sizeof(struct strings_d);
	if (!container_section(&segment->container, id, &section) || section.length < head + 8)
		return corrupt(fault, id, section.offset, "the section is missing or too short");
	uint64_t count = le32_get(((const struct strings_d *)section.bytes)->count);
	if ((section.length - head) / 8 < count + 1)
		return corrupt(fault, id, section.offset, "the strings do not fit their section");
	strings->count = (uint32_t)count;
	strings->offsets = section.bytes + head;
	strings->bytes = section.bytes + head + (count + 1) * 8;
	strings->bytes_length = section.length - head - (count + 1) * 8;
	return STATUS_OK;
}

static enum status
attach_claims(struct segment *segment, struct fault *fault)
{
	struct section section;
	container_section(&segment->container, FORMAT_CLAIMS, &section);
	if (section.length % sizeof(struct claim_d) != 0 ||
	    section.length / sizeof(struct claim_d) > UINT32_MAX)
		return corrupt(fault, FORMAT_CLAIMS, section.offset,
			       "the claims do not fill their section");
	segment->claims = section.bytes;
	segment->claim_count = section.length / sizeof(struct claim_d);
	return STATUS_OK;
}

static enum status
attach_patterns(struct segment *segment, struct fault *fault)
{
	struct section section;
	container_section(&segment->container, FORMAT_PATTERNS, &section);
	if (section.length % sizeof(struct pattern_d) != 0 ||
	    section.length / sizeof(struct pattern_d) > 3 * LIMIT_URL_BYTES)
		return corrupt(fault, FORMAT_PATTERNS, section.offset,
			       "the patterns do not fill their section");
	uint32_t substrings = 0;
	for (size_t i = 0; i < section.length; i += sizeof(struct pattern_d))
		substrings += section.bytes[i] == (KEY_PATTERN_OPEN_START | KEY_PATTERN_OPEN_END);
	if (substrings > LIMIT_SUBSTRING_LENGTHS)
		return corrupt(fault, FORMAT_PATTERNS, section.offset,
			       "more lengths of \\*...\\* entries than a segment may have");
	segment->patterns = section.bytes;
	segment->pattern_count = (uint32_t)(section.length / sizeof(struct pattern_d));
	segment->grams = NULL;
	if (container_section(&segment->container, FORMAT_GRAMS, &section)) {
		if (section.length != SEGMENT_GRAMS_BYTES)
			return corrupt(fault, FORMAT_GRAMS, section.offset,
				       "the bitmap has not 8192 bytes");
		segment->grams = section.bytes;
	}
	return STATUS_OK;
}

static enum status
attach_gate(struct segment *segment, uint32_t bits, struct fault *fault)
{
	struct section section;
	bool there = container_section(&segment->container, FORMAT_GATE_IPV4, &section);
	if (there != (bits != 0) || (bits != 0 && (bits < 9 || bits > 32)) ||
	    (there && section.length != (uint64_t)1 << (bits - 3)))
		return corrupt(fault, FORMAT_GATE_IPV4, section.offset,
			       "the bitmap is not as long as INFO says");
	segment->gate = there ? section.bytes : NULL;
	segment->gate_bits = bits;
	return STATUS_OK;
}

static const uint8_t no_tops[NAME_TOPS_BYTES];

static enum status
attach_sections(struct segment *segment, const struct info_d *info, struct fault *fault)
{
	enum status status = attach_gate(segment, le32_get(info->gate_bits), fault);
	if (status == STATUS_OK)
		status = attach_hosts(segment, &info->kind[KIND_IPV4], fault);
	for (unsigned kind = KIND_IPV6; status == STATUS_OK && kind < KIND_COUNT; kind++)
		status = attach_table(segment, kind, &info->kind[kind], fault);
	struct segment_table *names = &segment->table[KIND_DOMAIN];
	names->tops = segment_table_is_older(names) ? no_tops : info->tops;
	if (status == STATUS_OK)
		status = attach_prefixes(segment, fault);
	if (status == STATUS_OK)
		status = attach_claims(segment, fault);
	if (status == STATUS_OK)
		status = attach_strings(segment, FORMAT_SOURCES, &segment->sources, fault);
	if (status == STATUS_OK)
		status = attach_strings(segment, FORMAT_TAGS, &segment->tags, fault);
	if (status == STATUS_OK)
		status = attach_patterns(segment, fault);
	return status == STATUS_OK ? segment_expiry_attach(segment, fault) : status;
}

enum status
segment_attach(struct segment *segment, const uint8_t *bytes, size_t length, struct fault *fault)
{
	struct segment fresh;
	memset(&fresh, 0, sizeof(fresh));
	struct section section;
	enum status status = container_attach(&fresh.container, FORMAT_CONTENT_SEGMENT, bytes,
					      length, fault);
	if (status != STATUS_OK)
		return status;
	container_section(&fresh.container, FORMAT_INFO, &section);
	if (section.length != (is_older(&fresh) ? offsetof(struct info_d, tops) : sizeof(struct info_d)))
		return corrupt(fault, FORMAT_INFO, section.offset,
			       "the section is missing or of another size");
	const struct info_d *info = (const struct info_d *)section.bytes;
	if (le32_get(info->canon_version) != CANON_VERSION)
		return fault_set(fault, STATUS_VERSION, "INFO", section.offset,
				 "keys of canonical form %u; this program makes form %u",
				 le32_get(info->canon_version), CANON_VERSION);
	fresh.flags = le32_get(info->flags);
	fresh.many = segment_many_choose(NULL);
	fresh.seed.word[0] = le64_get(info->seed[0]);
	fresh.seed.word[1] = le64_get(info->seed[1]);
	status = attach_sections(&fresh, info, fault);
	if (status == STATUS_OK)
		*segment = fresh;
	return status;
}

/* --- strings and claims -------------------------------------------------------- */

static const uint8_t *
strings_get(const struct segment_strings *strings, uint32_t index, size_t *length)
{
	*length = 0;
	if (index >= strings->count)
		return (const uint8_t *)"";
	struct le64 from, to;
	memcpy(&from, strings->offsets + (size_t)index * 8, 8);
	memcpy(&to, strings->offsets + (size_t)index * 8 + 8, 8);
	uint64_t begin = le64_get(from), end = le64_get(to);
	if (begin > end || end > strings->bytes_length)
		return (const uint8_t *)"";
	*length = (size_t)(end - begin);
	return strings->bytes + begin;
}

const char *
segment_source(const struct segment *segment, uint32_t index, size_t *length)
{
	return (const char *)strings_get(&segment->sources, index, length);
}

const uint8_t *
segment_tags(const struct segment *segment, uint32_t index, size_t *length)
{
	return strings_get(&segment->tags, index, length);
}

struct segment_claim_cursor
segment_claims(uint32_t claims_id)
{
	struct segment_claim_cursor cursor = {claims_id, LIMIT_CLAIMS_PER_KEY};
	if (claims_id == SEGMENT_REMOVED)
		cursor.left = 0;
	return cursor;
}

bool
segment_claim_next(const struct segment *segment, struct segment_claim_cursor *cursor,
		   struct segment_claim *claim)
{
	if (cursor->left == 0 || cursor->next >= segment->claim_count)
		return false;
	const struct claim_d *disk =
		(const struct claim_d *)(segment->claims +
					 (size_t)cursor->next * sizeof(struct claim_d));
	cursor->next++;
	cursor->left = (disk->flags & FORMAT_CLAIM_LAST) != 0 ? 0 : cursor->left - 1;
	claim->source = le16_get(disk->source);
	claim->scope = disk->scope;
	claim->set = le32_get(disk->set);
	claim->notes = le32_get(disk->notes);
	claim->expires = le40_get(disk->expires);
	claim->first_seen = le40_get(disk->first_seen);
	claim->last_seen = le40_get(disk->last_seen);
	return true;
}

/* --- keys of records ------------------------------------------------------------ */

static bool
text_key(const struct segment_table *table, uint64_t record, enum kind kind, struct key *key)
{
	size_t length, limit = kind == KIND_DOMAIN ? LIMIT_DOMAIN_BYTES : LIMIT_URL_BYTES;
	const char *text = segment_table_text(table, record, &length);
	return text != NULL && length <= limit && key_borrow_text(key, kind, text, length);
}

bool
segment_table_key(const struct segment_table *table, enum kind kind, uint64_t record,
		  struct key *key, uint32_t *claims)
{
	if (record >= table->record_count)
		return false;
	const uint8_t *bytes = table->records + record * table->record_bytes;
	*claims = segment_table_claims(table, record);
	switch (kind) {
	case KIND_IPV6:
		key_set_ipv6(key, bytes, 128);
		return true;
	case KIND_SHA1:
	case KIND_SHA256:
		key_set_digest(key, kind, bytes);
		return true;
	default:
		return text_key(table, record, kind, key);
	}
}

bool
segment_host_key(const struct hosts *hosts, uint64_t number, struct key *key, uint32_t *claims)
{
	uint32_t address;
	if (!hosts_get(hosts, number, &address, claims))
		return false;
	key_set_ipv4(key, address, 32);
	return true;
}

/* A record that is not a prefix. */
static bool
record_key(const struct segment *segment, enum kind kind, uint64_t record, struct key *key,
	   uint32_t *claims)
{
	if (kind == KIND_IPV4)
		return segment_host_key(&segment->hosts, record, key, claims);
	return segment_table_key(&segment->table[kind], kind, record, key, claims);
}

uint32_t
segment_prefixes(const struct segment *segment, enum kind kind)
{
	return kind == KIND_IPV4 ? segment->trie.record_count
				 : kind == KIND_IPV6 ? segment->wide.record_count : 0;
}

bool
segment_prefix(const struct segment *segment, enum kind kind, uint64_t record,
	       struct ptrie_prefix *prefix)
{
	if (record >= segment_prefixes(segment, kind))
		return false;
	return kind == KIND_IPV4 ? ptrie_record(&segment->trie, (uint32_t)record, prefix)
				 : wide_record(&segment->wide, (uint32_t)record, prefix);
}

bool
segment_prefix_parent(const struct segment *segment, enum kind kind, struct ptrie_prefix *prefix)
{
	return kind == KIND_IPV4 ? ptrie_parent(&segment->trie, prefix)
				 : wide_parent(&segment->wide, prefix);
}

static bool
prefix_key(const struct segment *segment, enum kind kind, uint64_t record, struct key *key,
	   uint32_t *claims)
{
	struct ptrie_prefix prefix;
	if (!segment_prefix(segment, kind, record, &prefix))
		return false;
	*claims = prefix.claims;
	uint8_t address[16];
	be64_put(address, prefix.hi);
	be64_put(address + 8, prefix.lo);
	if (kind == KIND_IPV4)
		key_set_ipv4(key, (uint32_t)(prefix.hi >> 32), prefix.bits);
	else
		key_set_ipv6(key, address, prefix.bits);
	return true;
}

void
segment_match_key(const struct segment *segment, const struct segment_match *match,
		  struct key *key)
{
	uint32_t claims;
	bool good = match->in_trie ? prefix_key(segment, match->kind, match->record, key, &claims)
				   : record_key(segment, match->kind, match->record, key, &claims);
	if (!good)
		key_set_ipv4(key, 0, 0); /* only in a file that changed under us */
}

bool
segment_next(const struct segment *segment, struct segment_cursor *cursor, struct key *key,
	     uint32_t *claims)
{
	while (cursor->kind < KIND_COUNT) {
		enum kind kind = cursor->kind;
		bool has_trie = kind <= KIND_IPV6;
		uint64_t count = cursor->in_trie     ? segment_prefixes(segment, kind)
				 : kind == KIND_IPV4 ? segment->hosts.numbers
						     : segment->table[kind].record_count;
		while (cursor->record < count) {
			uint64_t record = cursor->record++;
			if (cursor->in_trie ? prefix_key(segment, kind, record, key, claims)
					    : record_key(segment, kind, record, key, claims))
				return true;
		}
		cursor->record = 0;
		cursor->in_trie = has_trie && !cursor->in_trie;
		if (!cursor->in_trie)
			cursor->kind++;
	}
	return false;
}
