/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-up in one segment: steps of the key's path, one bucket line a step,
 * the full key compared at each record. Every index from the file is checked.
 */
#include <string.h>

#include "engine/bucket.h"
#include "engine/path.h"
#include "engine/segment.h"

/* What a walk has found so far. */
struct found {
	const struct segment *segment;
	const struct key *query;
	struct segment_match *matches;
	size_t count, cap;
};

static void
found_add(struct found *found, const struct segment_match *match)
{
	if (found->count < found->cap)
		found->matches[found->count++] = *match;
}

/*
 * Compare record `record` with the node at `step` of the query. True if its key
 * stands at this node and covers the query; *match is filled.
 */
typedef bool record_cb(const struct segment_table *table, const struct key *query,
		       const struct path_step *step, uint32_t record,
		       struct segment_match *match);

static bool
record_fixed(const struct segment_table *table, const struct key *query,
	     const struct path_step *step, uint32_t record, struct segment_match *match)
{
	(void)step;
	if (memcmp(table->records + (size_t)record * table->record_bytes, query->bytes,
		   table->record_bytes - sizeof(struct le32)) != 0)
		return false;
	match->exact = match->whole = 1;
	match->specific = query->kind == KIND_IPV6 ? 128 : 0;
	return true;
}

/* A name is the step's suffix of the query. */
static bool
record_domain(const struct segment_table *table, const struct key *query,
	      const struct path_step *step, uint32_t record, struct segment_match *match)
{
	size_t length;
	const char *text = segment_table_text(table, record, &length);
	if (text == NULL || length != step->length ||
	    memcmp(text, key_text(query) + query->length - length, length) != 0)
		return false;
	match->exact = step->last;
	match->specific = (uint16_t)length;
	return true;
}

/* A URL is the step's prefix of the query, or that and a `/`; whole segments only. */
static bool
record_url(const struct segment_table *table, const struct key *query,
	   const struct path_step *step, uint32_t record, struct segment_match *match)
{
	size_t length;
	const char *text = segment_table_text(table, record, &length);
	const char *asked = key_text(query);
	if (text == NULL || length < step->length || length > step->length + 1 ||
	    length > query->length || memcmp(text, asked, length) != 0)
		return false;
	match->exact = length == query->length;
	match->specific = (uint16_t)length;
	if (match->exact || (length > 0 && text[length - 1] == '/'))
		return true;
	return asked[length] == '/' || asked[length] == '?';
}

static record_cb *const record_compare[KIND_COUNT] = {
	[KIND_IPV6] = record_fixed, [KIND_DOMAIN] = record_domain, [KIND_URL] = record_url,
	[KIND_SHA1] = record_fixed, [KIND_SHA256] = record_fixed,
};

/* Follow one slot to its record. */
static void
probe_record(struct found *found, const struct segment_table *table,
	     const struct path_step *step, uint32_t record)
{
	if (record >= table->record_count)
		return;
	struct segment_match match = {0};
	if (!record_compare[found->query->kind](table, found->query, step, record, &match))
		return;
	match.claims = segment_table_claims(table, record);
	match.record = record;
	match.kind = found->query->kind;
	found_add(found, &match);
}

/* All slots of one node; true if the walk may go deeper. */
static bool
probe(struct found *found, const struct segment_table *table, const struct path_step *step)
{
	uint16_t want = FORMAT_SLOT_COVER | (step->last ? FORMAT_SLOT_HERE : 0);
	const struct bucket_d *line = (const struct bucket_d *)table->lines +
				      bucket_home(step->hash, table->buckets);
	uint16_t deeper = 0;
	for (unsigned hop = 0; hop <= LIMIT_BUCKET_HOPS; hop++, line++) {
		uint32_t slots = bucket_find(line, bucket_tag(step->hash));
		uint32_t entries = slots == 0 ? 0 : bucket_entries(line);
		for (; slots != 0; slots &= slots - 1) {
			unsigned slot = (unsigned)__builtin_ctz(slots);
			uint16_t flags = le16_get(line->slot[slot]);
			deeper |= flags & FORMAT_SLOT_DEEPER;
			if ((flags & want) != 0)
				probe_record(found, table, step, bucket_record(line, entries, slot));
		}
		if (!bucket_passed(line, step->hash))
			break;
	}
	return deeper != 0;
}

static void
walk_table(struct found *found, const struct segment_table *table)
{
	struct path path;
	struct path_step step;
	if (table->buckets == 0)
		return;
	path_init(&path, table->seed, table->first_step, table->tops, found->query);
	while (path_next(&path, &step))
		if (!probe(found, table, &step))
			break;
}

static void
walk_hosts(struct found *found)
{
	struct segment_match match = {.kind = KIND_IPV4, .specific = 32, .exact = 1, .whole = 1};
	if (found->query->prefix_bits == 32 &&
	    hosts_find(&found->segment->hosts, be32_get(found->query->bytes), &match.record,
		       &match.claims))
		found_add(found, &match);
}

/* From the prefix of number `record`, less one, to all that cover it. */
static void
walk_prefixes(struct found *found, uint32_t record)
{
	const struct segment *segment = found->segment;
	const struct key *query = found->query;
	struct ptrie_prefix prefix;
	bool more = record != 0 && segment_prefix(segment, query->kind, record - 1, &prefix);
	while (more) {
		struct segment_match match = {
			.claims = prefix.claims, .record = record - 1, .in_trie = 1, .whole = 1,
			.specific = (uint16_t)prefix.bits, .kind = query->kind,
			.exact = prefix.bits == query->prefix_bits,
		};
		if (prefix.bits <= query->prefix_bits)
			found_add(found, &match);
		record = prefix.parent;
		more = segment_prefix_parent(segment, query->kind, &prefix);
	}
}

static void
walk_ipv4(struct found *found)
{
	const struct segment *segment = found->segment;
	walk_hosts(found);
	if (segment->trie.record_count > 0)
		walk_prefixes(found, ptrie_find(&segment->trie,
						(uint64_t)be32_get(found->query->bytes) << 32, 0));
}

static void
walk_ipv6(struct found *found)
{
	const uint8_t *address = found->query->bytes;
	uint32_t value = wide_find(&found->segment->wide, be64_get(address), be64_get(address + 8));
	if ((value & WIDE_HOSTS) != 0)
		walk_table(found, &found->segment->table[KIND_IPV6]);
	walk_prefixes(found, value & WIDE_RECORD);
}

/* --- SMS patterns ---------------------------------------------------------------- */

static bool
gram_listed(const struct segment *segment, const char *text)
{
	unsigned gram = (unsigned)(uint8_t)text[0] << 8 | (uint8_t)text[1];
	return segment->grams == NULL || (segment->grams[gram >> 3] >> (gram & 7) & 1) != 0;
}

/* Does a pattern of these marks with this literal stand in the table? */
static void
probe_pattern(struct found *found, unsigned pattern, const char *literal, size_t length)
{
	const struct segment_table *table = &found->segment->table[KIND_URL];
	uint64_t hash = path_pattern(table->seed, pattern, literal, length);
	const struct bucket_d *line = (const struct bucket_d *)table->lines +
				      bucket_home(hash, table->buckets);
	for (unsigned hop = 0; hop <= LIMIT_BUCKET_HOPS; hop++, line++) {
		uint32_t slots = bucket_find(line, bucket_tag(hash));
		uint32_t entries = slots == 0 ? 0 : bucket_entries(line);
		for (slots &= entries; slots != 0; slots &= slots - 1) {
			uint32_t record = bucket_record(line, entries, (unsigned)__builtin_ctz(slots));
			struct key key;
			struct segment_match match = {.record = record, .whole = 1,
						      .kind = KIND_URL,
						      .pattern = (uint8_t)pattern,
						      .specific = (uint16_t)length};
			size_t have;
			if (!segment_table_key(table, KIND_URL, record, &key, &match.claims) ||
			    key.pattern != pattern)
				continue;
			const char *text = path_literal(&key, &have);
			if (have == length && memcmp(text, literal, length) == 0)
				found_add(found, &match);
		}
		if (!bucket_passed(line, hash))
			break;
	}
}

/* A literal may occur at several places; one is enough. */
static bool
pattern_known(const struct found *found, size_t from, unsigned pattern, size_t length,
	      const char *literal)
{
	for (size_t i = from; i < found->count; i++) {
		struct key key;
		uint32_t claims;
		size_t have;
		if (found->matches[i].pattern != pattern || found->matches[i].specific != length ||
		    !segment_table_key(&found->segment->table[KIND_URL], KIND_URL,
				       found->matches[i].record, &key, &claims))
			continue;
		const char *text = path_literal(&key, &have);
		if (have == length && memcmp(text, literal, length) == 0)
			return true;
	}
	return false;
}

static void
walk_pattern(struct found *found, unsigned pattern, size_t length)
{
	const char *text = key_text(found->query);
	size_t total = found->query->length, from = found->count;
	if (length > total || length < LIMIT_PATTERN_LITERAL_BYTES)
		return;
	if (pattern == KEY_PATTERN_OPEN_END)
		probe_pattern(found, pattern, text, length);
	else if (pattern == KEY_PATTERN_OPEN_START)
		probe_pattern(found, pattern, text + total - length, length);
	else if (pattern == (KEY_PATTERN_OPEN_START | KEY_PATTERN_OPEN_END))
		for (size_t i = 0; i + length <= total; i++)
			if (gram_listed(found->segment, text + i) &&
			    !pattern_known(found, from, pattern, length, text + i))
				probe_pattern(found, pattern, text + i, length);
}

static void
walk_patterns(struct found *found)
{
	const struct segment *segment = found->segment;
	if (segment->table[KIND_URL].buckets == 0)
		return;
	for (uint32_t i = 0; i < segment->pattern_count; i++) {
		const struct pattern_d *row = (const struct pattern_d *)segment->patterns + i;
		walk_pattern(found, row->pattern, le16_get(row->length));
	}
}

/* --- outside --------------------------------------------------------------------- */

static bool
gate_open(const struct segment *segment, const struct key *query)
{
	if (segment->gate == NULL)
		return true;
	uint32_t place = be32_get(query->bytes) >> (32 - segment->gate_bits);
	return (segment->gate[place >> 3] >> (place & 7) & 1) != 0;
}

size_t
segment_collect(const struct segment *segment, const struct key *query,
		struct segment_match *matches, size_t cap)
{
	struct found found = {segment, query, matches, 0, cap};
	if (query->kind == KIND_IPV4 && !gate_open(segment, query))
		return 0;
	if (query->kind == KIND_IPV4)
		walk_ipv4(&found);
	else if (query->kind == KIND_IPV6)
		walk_ipv6(&found);
	else
		walk_table(&found, &segment->table[query->kind]);
	if (query->kind == KIND_URL && segment->pattern_count > 0)
		walk_patterns(&found);
	return found.count;
}

static uint32_t
find_prefix(const struct segment *segment, const struct key *key)
{
	struct ptrie_prefix prefix;
	uint32_t record = 0;
	if (key->kind == KIND_IPV6)
		record = wide_find_exact(&segment->wide, be64_get(key->bytes),
					 be64_get(key->bytes + 8), key->prefix_bits);
	else if (segment->trie.record_count > 0)
		record = ptrie_find_exact(&segment->trie, (uint64_t)be32_get(key->bytes) << 32, 0,
					  key->prefix_bits);
	if (record == 0 || !segment_prefix(segment, key->kind, record - 1, &prefix))
		return SEGMENT_NONE;
	return prefix.claims;
}

static uint32_t
find_host(const struct hosts *hosts, const struct key *key)
{
	uint32_t number, claims;
	return hosts_find(hosts, be32_get(key->bytes), &number, &claims) ? claims : SEGMENT_NONE;
}

uint32_t
segment_find(const struct segment *segment, const struct key *key)
{
	const struct segment_table *table = &segment->table[key->kind];
	struct segment_match match[4];
	struct path path;
	struct path_step step = {0};
	if (!path_in_table(key))
		return find_prefix(segment, key);
	if (key->kind == KIND_IPV4)
		return find_host(&segment->hosts, key);
	if (table->buckets == 0)
		return SEGMENT_NONE;
	struct found found = {segment, key, match, 0, 4};
	if (key->pattern != 0) {
		size_t length;
		const char *literal = path_literal(key, &length);
		probe_pattern(&found, key->pattern, literal, length);
	} else {
		path_init(&path, table->seed, table->first_step, table->tops, key);
		while (path_next(&path, &step) && !step.last)
			;
		if (step.last)
			probe(&found, table, &step);
	}
	for (size_t i = 0; i < found.count; i++)
		if (match[i].exact || match[i].pattern != 0)
			return match[i].claims;
	return SEGMENT_NONE;
}
