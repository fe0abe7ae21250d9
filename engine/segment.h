/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment: one immutable mapped file of entries. Reader side.
 *
 *   segment_attach (borrows bytes) -> find / collect / cursor -> segment_detach
 *
 * attach is O(sections) and makes every later call memory-safe for ANY bytes:
 * each index read from the file is checked against a count before use, every
 * loop has a bound. segment_check (segment_check.h) proves meaning and says
 * where and why not.
 *
 * How a key is found. Each kind but the odd IP prefixes lives in a *hashed
 * trie*: the path of a key is a list of steps from general to specific, each
 * step is a node, found by its 64-bit hash in one 64-byte line (format.h
 * bucket_d):
 *
 *   domain   evil.com, www.evil.com              (suffixes; com too if it may be a key itself)
 *   url      evil.com, http://www.evil.com, http://www.evil.com/a, .../a/b, .../a/b?q
 *            (last two labels of the host, origin, path without its last /, query)
 *   ipv6     /128, where the ranges of the prefixes (wide.h) say that some lie in its /64
 *   ipv4     /32 in lines of their own (hosts.h), behind a bitmap (prefixes: ptrie.h)
 *   digests  the digest itself
 *
 * Flags on the slot say HERE / COVER / DEEPER, so a walk stops at the first
 * dead end having read one line a step; only a slot with an entry leads to a
 * record, where the full key is compared: no false positives.
 *
 * Thread rule: an attached segment is read-only; any number of threads.
 */
#ifndef ENGINE_SEGMENT_H
#define ENGINE_SEGMENT_H

#include "engine/container.h"
#include "engine/format.h"
#include "engine/hash.h"
#include "engine/hosts.h"
#include "engine/key.h"
#include "engine/ptrie.h"
#include "engine/wide.h"

#define SEGMENT_NONE 0xffffffffu /* no claims id: the key is not in this segment */
#define SEGMENT_GRAMS_BYTES 8192
#define SEGMENT_REMOVED 0u       /* claims id of a removal (overlays only) */

struct segment_table {
	const uint8_t *lines;    /* bucket_d[line_count] */
	const uint8_t *records;
	const uint8_t *keys;     /* texts of domain, url, in the order of records */
	uint64_t buckets;        /* home lines; 0 = empty table */
	uint64_t lines_count;
	uint64_t record_count;
	uint64_t keys_length;
	uint32_t record_bytes;
	uint32_t first_step;
	uint32_t text_skip;      /* bytes before each text: 2 in files of format 2 */
	const uint8_t *tops;     /* domain: NAME_TOPS_BYTES */
	struct hash_seed seed;   /* of this table */
};

struct segment_strings {
	const uint8_t *offsets;  /* le64[count + 1] */
	const uint8_t *bytes;
	uint64_t bytes_length;
	uint32_t count;
};

/* The order of expiry: segment_expiry.h. */
struct segment_expiry {
	const uint8_t *dues;     /* due_d[count]; NULL: the file has none */
	const uint8_t *places;
	uint64_t places_length;
	uint64_t swept;
	uint32_t count;
	uint32_t part;           /* as it stands there */
};

struct segment {
	struct container container;
	struct hash_seed seed;
	uint32_t flags;          /* FORMAT_SEGMENT_* */
	uint8_t many;            /* instruction set, segment_many.h */
	struct segment_table table[KIND_COUNT]; /* ipv4's stays empty: */
	struct hosts hosts;      /* ipv4 /32 */
	struct ptrie trie;       /* ipv4 prefixes */
	struct wide wide;        /* ipv6 prefixes, and which /64s have hosts */
	const uint8_t *gate;     /* ipv4 bitmap or NULL */
	uint32_t gate_bits;
	const uint8_t *claims;   /* claim_d[claim_count] */
	uint64_t claim_count;
	struct segment_strings sources, tags;
	const uint8_t *patterns; /* pattern_d[pattern_count] */
	uint32_t pattern_count;
	const uint8_t *grams;    /* 8 KiB or NULL */
	struct segment_expiry expiry;
	uint64_t entries[KIND_COUNT];
	uint64_t keys[KIND_COUNT];
};

/* Borrows `bytes` until detach. version, format, corrupt. */
enum status
segment_attach(struct segment *segment, const uint8_t *bytes, size_t length, struct fault *fault);

/* One key of the segment that covers a query. */
struct segment_match {
	uint32_t claims;      /* claims id; SEGMENT_REMOVED in an overlay hides lower layers */
	uint32_t record;      /* record number in its table or trie */
	uint16_t specific;    /* prefix bits, or bytes of literal key text: more = more specific */
	uint8_t in_trie;      /* record is a prefix's: of ptrie.h or wide.h */
	uint8_t exact;        /* the key is the query itself; else the query lies below it */
	uint8_t kind;
	uint8_t pattern;      /* KEY_PATTERN_* of the key */
	uint8_t whole;        /* prefix, digest or pattern: matches whatever the claim's scope */
};

/*
 * All keys that cover the query, in no promised order; at most `cap`
 * (LIMIT_COVERING: all prefixes, names and paths, and the longest of the \* patterns). Whether a claim's scope fits is the
 * caller's to ask (segment_claim_covers): a key with several scopes comes
 * whole, and overlays return keys of any scope, since they hide lower ones.
 */
size_t
segment_collect(const struct segment *segment, const struct key *query,
		struct segment_match *matches, size_t cap);

/* The claims id of exactly this key (whatever its scopes), or SEGMENT_NONE. */
uint32_t
segment_find(const struct segment *segment, const struct key *key);

/* The key of a match; its scope is exact, its text borrowed from the segment. */
void
segment_match_key(const struct segment *segment, const struct segment_match *match,
		  struct key *key);

/* A claim as read; texts are borrowed from the segment. */
struct segment_claim {
	uint32_t source;
	enum scope scope;
	uint32_t set, notes;         /* indices of tag strings */
	uint64_t expires, first_seen, last_seen;
};

/* Walk: start with *cursor = claims id; false at the end (bounded). */
struct segment_claim_cursor {
	uint32_t next;
	uint32_t left;
};
struct segment_claim_cursor
segment_claims(uint32_t claims_id);
bool
segment_claim_next(const struct segment *segment, struct segment_claim_cursor *cursor,
		   struct segment_claim *claim);

/* Does a claim of this scope on the matched key reach the query? A prefix always does. */
static inline bool
segment_claim_covers(const struct segment_match *match, enum scope scope)
{
	return match->whole || (scope & (match->exact ? SCOPE_EXACT : SCOPE_BELOW)) != 0;
}

/* Borrowed bytes; "" for any index out of range. */
const char *
segment_source(const struct segment *segment, uint32_t index, size_t *length);
const uint8_t *
segment_tags(const struct segment *segment, uint32_t index, size_t *length);

/* All keys, in file order: kind by kind; within a kind table then trie. */
struct segment_cursor {
	uint32_t kind;
	uint32_t in_trie;
	uint64_t record;
};
bool
segment_next(const struct segment *segment, struct segment_cursor *cursor, struct key *key,
	     uint32_t *claims);

/* Prefixes of ipv4 or ipv6: how many, one of them, and the next shorter one that covers it. */
uint32_t
segment_prefixes(const struct segment *segment, enum kind kind);
bool
segment_prefix(const struct segment *segment, enum kind kind, uint64_t record,
	       struct ptrie_prefix *prefix);
bool
segment_prefix_parent(const struct segment *segment, enum kind kind, struct ptrie_prefix *prefix);

/* The claims id of a record that is there, without its key. */
static inline uint32_t
segment_table_claims(const struct segment_table *table, uint64_t record)
{
	struct le32 id;
	memcpy(&id, table->records + (record + 1) * table->record_bytes - sizeof(id), sizeof(id));
	return le32_get(id);
}

/* Of a file of format 2: its texts have their length before them, and first_step counts all keys. */
static inline bool
segment_table_is_older(const struct segment_table *table)
{
	return table->text_skip != 0;
}

/* The text of a record that is there; NULL if it is empty or does not lie in the section. */
static inline const char *
segment_table_text(const struct segment_table *table, uint64_t record, size_t *length)
{
	const struct record_text_d *at = (const struct record_text_d *)table->records + record;
	uint64_t from = le40_get(at->offset) + table->text_skip, to = table->keys_length;
	if (record + 1 < table->record_count)
		to = le40_get(at[1].offset);
	bool good = from < to && to <= table->keys_length;
	*length = good ? (size_t)(to - from) : 0;
	if (!good)
		return NULL;
	return (const char *)table->keys + from;
}

/* The key and claims id of a number of segment->hosts. */
bool
segment_host_key(const struct hosts *hosts, uint64_t number, struct key *key, uint32_t *claims);

/*
 * The key of record `record` of a table: borrowed text, scope exact. False if
 * the record does not hold a key of that kind (only in damaged files). Shared
 * with the builder, whose tables have the same shape before they are sorted.
 */
bool
segment_table_key(const struct segment_table *table, enum kind kind, uint64_t record,
		  struct key *key, uint32_t *claims);

#endif
