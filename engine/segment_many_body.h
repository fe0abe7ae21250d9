/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batch walks, compiled once for each instruction set: segment_many_*.c
 * choose the target, name the functions with MANY() and include this file.
 */
#include <string.h>

#include "engine/bucket.h"
#include "engine/path.h"
#include "engine/segment_many_paths.h"

/* Queries of one block: as many lines are on their way while the block before is looked at. */
#define GROUP 32

/* A slot that may be the answer: its record is on its way. */
struct candidate {
	uint32_t lane;
	uint32_t record;
	uint32_t length; /* of the step */
	bool last;
};
#define CANDIDATES (GROUP * 4)

struct pending {
	struct candidate row[CANDIDATES];
	size_t count;
	bool full;       /* one had to be left out */
};

/* The rows that are returned. */
struct rows {
	struct segment_best *row;
	size_t count, most;
};

static inline const struct bucket_d *
home_line(const struct segment_table *table, uint64_t hash)
{
	return (const struct bucket_d *)table->lines + bucket_home(hash, table->buckets);
}

static inline const uint8_t *
record_at(const struct segment_table *table, uint32_t record)
{
	return table->records + (size_t)record * table->record_bytes;
}

static inline uint32_t
record_claims(const struct segment_table *table, const uint8_t *bytes)
{
	struct le32 id;
	memcpy(&id, bytes + table->record_bytes - sizeof(id), sizeof(id));
	return le32_get(id);
}

static inline void
add_candidate(struct pending *pending, const struct segment_table *table, uint32_t lane,
	      uint32_t record, uint32_t length, bool last)
{
	if (record >= table->record_count)
		return;
	if (pending->count == CANDIDATES) {
		pending->full = true;
		return;
	}
	pending->row[pending->count++] = (struct candidate){lane, record, length, last};
	const uint8_t *bytes = record_at(table, record);
	__builtin_prefetch(bytes);
	__builtin_prefetch(bytes + table->record_bytes - 1);
}

/* What a line has for one lane's node; true if the walk may go deeper. */
static inline bool
probe_slots(struct pending *pending, const struct segment_table *table,
	    const struct bucket_d *line, uint32_t slots, uint32_t lane, uint32_t length, bool last)
{
	uint16_t want = FORMAT_SLOT_COVER | (last ? FORMAT_SLOT_HERE : 0);
	uint32_t entries = many_entries(line);
	uint16_t deeper = 0;
	for (; slots != 0; slots &= slots - 1) {
		unsigned slot = (unsigned)__builtin_ctz(slots);
		uint16_t flags = le16_get(line->slot[slot]);
		deeper |= flags & FORMAT_SLOT_DEEPER;
		if ((flags & want) != 0)
			add_candidate(pending, table, lane, bucket_record(line, entries, slot),
				      length, last);
	}
	return deeper != 0;
}

/* The line of one lane's step and, where nodes overflowed, its neighbours. */
static inline bool
probe(struct pending *pending, const struct segment_table *table, uint32_t lane, uint64_t hash,
      uint32_t length, bool last)
{
	const struct bucket_d *line = home_line(table, hash);
	bool deeper = false;
	for (unsigned hop = 0; hop <= LIMIT_BUCKET_HOPS; hop++, line++) {
		uint32_t slots = many_find(line, bucket_tag(hash));
		if (__builtin_expect(slots != 0, 0))
			deeper |= probe_slots(pending, table, line, slots, lane, length, last);
		if (__builtin_expect((le32_get(line->overflow) >> bucket_overflow_bit(hash) & 1) == 0, 1))
			break;
	}
	return deeper;
}

static inline void
add_row(struct rows *rows, const struct segment_best *best)
{
	if (rows->count < rows->most)
		rows->row[rows->count++] = *best;
}

/* --- keys of fixed size ------------------------------------------------------------------- */

/*
 * A block on its way: each key has one step, so blocks follow one another
 * through three stages. Too many candidates for a block happens only in a file that is
 * not what it should be: what is left out is missed.
 */
struct block {
	uint64_t hash[GROUP];
	struct pending pending;
};

/* Records whose key bytes are the query's. */
static inline __attribute__((always_inline)) void
digest_settle(const struct pending *pending, const struct segment_table *table,
	      const uint8_t *digests, size_t length, struct rows *rows)
{
	for (size_t i = 0; i < pending->count; i++) {
		const struct candidate *row = &pending->row[i];
		const uint8_t *bytes = record_at(table, row->record);
		if (memcmp(bytes, digests + row->lane * length, length) == 0)
			add_row(rows, &(struct segment_best){
				.claims = record_claims(table, bytes), .record = row->record,
				.exact = 1, .lane = row->lane});
	}
}

static inline __attribute__((always_inline)) void
digest_start(struct block *block, const struct segment_table *table, const uint8_t *digests,
	     size_t length, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		block->hash[i - from] = path_digest(table->seed, digests + i * length, length);
		__builtin_prefetch(home_line(table, block->hash[i - from]));
	}
}

static inline __attribute__((always_inline)) void
digest_blocks(const struct segment_table *table, const uint8_t *digests, size_t length, size_t n,
	      struct rows *rows)
{
	struct block block[3];
	size_t last = (n + GROUP - 1) / GROUP;
	for (size_t at = 0; at < last + 2; at++) {
		struct block *first = &block[at % 3], *second = &block[(at + 2) % 3];
		struct block *third = &block[(at + 1) % 3];
		if (at < last)
			digest_start(first, table, digests, length, at * GROUP,
				     (at + 1) * GROUP < n ? (at + 1) * GROUP : n);
		if (at > 0 && at <= last) {
			size_t from = (at - 1) * GROUP, to = at * GROUP < n ? at * GROUP : n;
			second->pending.count = 0;
			for (size_t i = from; i < to; i++)
				probe(&second->pending, table, (uint32_t)i,
				      second->hash[i - from], (uint32_t)length, true);
		}
		if (at > 1)
			digest_settle(&third->pending, table, digests, length, rows);
	}
}

static size_t
many_digest(const struct segment *segment, enum kind kind, const uint8_t *digests, size_t n,
	    struct segment_best *best)
{
	const struct segment_table *table = &segment->table[kind];
	struct rows rows = {best, 0, n};
	if (table->buckets == 0)
		return 0;
	if (kind == KIND_SHA1)
		digest_blocks(table, digests, 20, n, &rows);
	else
		digest_blocks(table, digests, 32, n, &rows);
	return rows.count;
}

/* --- IPv4 ----------------------------------------------------------------------------------- */

/* The lanes whose block of the bitmap has something. Without a bitmap: all. */
static inline size_t
gate_lanes(const struct segment *segment, const uint32_t *addresses, size_t n, uint8_t *lanes)
{
	size_t count = 0, i = 0;
	if (segment->gate == NULL) {
		for (; i < n; i++)
			lanes[i] = (uint8_t)i;
		return n;
	}
	unsigned shift = 32 - segment->gate_bits;
#ifdef MANY_GATES
	for (; i + 16 <= n; i += 16)
		for (uint32_t open = many_gates(segment->gate, shift, addresses + i); open != 0;
		     open &= open - 1)
			lanes[count++] = (uint8_t)(i + (unsigned)__builtin_ctz(open));
#endif
	for (; i < n; i++) {
		uint32_t place = addresses[i] >> shift;
		lanes[count] = (uint8_t)i;
		count += segment->gate[place >> 3] >> (place & 7) & 1;
	}
	return count;
}

/* The place of an address in a line, as a bit. */
static inline uint32_t
host_slots(const struct hosts_line_d *line, uint32_t address)
{
	return many_hosts(line, address) & ((1u << hosts_count(line)) - 1);
}

static inline bool
host_probe(const struct hosts *hosts, uint32_t address, uint64_t hash, struct segment_best *best)
{
	const struct hosts_line_d *line = hosts_home(hosts, hash);
	for (unsigned hop = 0; hop <= LIMIT_HOSTS_HOPS; hop++, line++) {
		uint32_t slots = host_slots(line, address);
		if (slots != 0) {
			unsigned place = (unsigned)__builtin_ctz(slots);
			*best = (struct segment_best){
				.claims = le32_get(line->claims[place]),
				.record = (uint32_t)(line - hosts->lines) * HOSTS_NUMBERS + place,
				.specific = 32, .exact = 1};
			return true;
		}
		if (__builtin_expect((le32_get(line->state) & hosts_passed_bit(hash)) == 0, 1))
			return false;
	}
	return false;
}

/*
 * The lanes whose address is a host make rows; the others stay in `lanes`.
 * Hashes go ahead of their use by as many lines as the memory serves at once.
 */
static size_t
hosts_lanes(const struct hosts *hosts, const uint32_t *addresses, uint8_t *lanes, size_t n,
	    struct rows *rows)
{
	uint64_t hash[SEGMENT_MANY_MOST + GROUP];
	size_t left = 0;
	for (size_t i = 0; i < n + GROUP; i++) {
		if (i < n) {
			hash[i] = path_host(hosts->seed, addresses[lanes[i]]);
			__builtin_prefetch(hosts_home(hosts, hash[i]));
		}
		if (i < GROUP)
			continue;
		uint8_t lane = lanes[i - GROUP];
		struct segment_best best;
		if (host_probe(hosts, addresses[lane], hash[i - GROUP], &best)) {
			best.lane = lane;
			add_row(rows, &best);
		} else {
			lanes[left++] = lane;
		}
	}
	return left;
}

static void
prefixes_lanes(const struct ptrie *trie, const uint32_t *addresses, const uint8_t *lanes,
	       size_t n, struct rows *rows)
{
	struct ptrie_found found[SEGMENT_MANY_MOST];
	uint32_t asked[SEGMENT_MANY_MOST];
	for (size_t i = 0; i < n; i++)
		asked[i] = addresses[lanes[i]];
	ptrie_find_many_ipv4(trie, asked, n, found);
	for (size_t i = 0; i < n; i++)
		if (found[i].record != 0)
			add_row(rows, &(struct segment_best){
				.claims = found[i].claims, .record = found[i].record - 1,
				.in_trie = 1, .lane = lanes[i]});
}

/* A host is more specific than any prefix: only addresses without one go to the trie. */
static size_t
many_ipv4(const struct segment *segment, const uint32_t *addresses, size_t n,
	  struct segment_best *best)
{
	struct rows rows = {best, 0, n};
	uint8_t lanes[SEGMENT_MANY_MOST];
	size_t left = gate_lanes(segment, addresses, n, lanes);
	if (segment->hosts.buckets != 0 && left > 0)
		left = hosts_lanes(&segment->hosts, addresses, lanes, left, &rows);
	if (segment->trie.record_count > 0 && left > 0)
		prefixes_lanes(&segment->trie, addresses, lanes, left, &rows);
	return rows.count;
}

/* --- IPv6 ----------------------------------------------------------------------------------- */

/* The host of a lane is more specific than its prefixes: its value is then 0. */
static void
ipv6_settle(const struct pending *pending, const struct segment_table *table,
	    const uint8_t (*addresses)[16], uint32_t *values, struct rows *rows)
{
	for (size_t i = 0; i < pending->count; i++) {
		const struct candidate *row = &pending->row[i];
		const uint8_t *bytes = record_at(table, row->record);
		if (memcmp(bytes, addresses[row->lane], 16) != 0)
			continue;
		values[row->lane] = 0;
		add_row(rows, &(struct segment_best){
			.claims = record_claims(table, bytes), .record = row->record,
			.specific = 128, .exact = 1, .lane = row->lane});
	}
}

static void
ipv6_hosts(const struct segment_table *table, const uint8_t (*addresses)[16], const uint8_t *lanes,
	   size_t n, uint32_t *values, struct rows *rows)
{
	uint64_t hash[SEGMENT_MANY_MOST];
	struct pending pending;
	for (size_t i = 0; i < n; i++) {
		hash[i] = path_host_ipv6(table->seed, addresses[lanes[i]]);
		__builtin_prefetch(home_line(table, hash[i]));
	}
	for (size_t from = 0; from < n; from += GROUP) {
		pending.count = 0;
		for (size_t i = from; i < n && i < from + GROUP; i++)
			probe(&pending, table, lanes[i], hash[i], 128, true);
		ipv6_settle(&pending, table, addresses, values, rows);
	}
}

/* The most specific prefix of each lane whose value names one. */
static void
ipv6_prefixes(const struct wide *wide, const uint32_t *values, size_t n, struct rows *rows)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t record = (values[i] & WIDE_RECORD) - 1;
		if (values[i] == 0 || record >= wide->record_count)
			continue;
		add_row(rows, &(struct segment_best){
			.claims = le32_get(wide->hot[record].claims), .record = record,
			.specific = wide->hot[record].bits, .in_trie = 1, .lane = (uint32_t)i});
	}
}

static size_t
many_ipv6(const struct segment *segment, const uint8_t (*addresses)[16], size_t n,
	  struct segment_best *best)
{
	const struct wide *wide = &segment->wide;
	struct rows rows = {best, 0, n};
	uint32_t values[SEGMENT_MANY_MOST];
	uint8_t hosts[SEGMENT_MANY_MOST];
	size_t found = 0, host_count = 0;
	if (wide->root_bits == 0)
		return 0;
	many_wide(wide, addresses, n, values);
	for (size_t i = 0; i < n; i++) {
		if (values[i] == 0)
			continue;
		found++;
		hosts[host_count] = (uint8_t)i;
		host_count += (values[i] & WIDE_HOSTS) != 0;
		wide_prefetch(wide, (values[i] & WIDE_RECORD) - 1);
	}
	if (segment->table[KIND_IPV6].buckets != 0)
		ipv6_hosts(&segment->table[KIND_IPV6], addresses, hosts, host_count, values, &rows);
	if (found > 0)
		ipv6_prefixes(wide, values, n, &rows);
	return rows.count;
}

/* --- walks: several records may cover a query, the most specific is returned ----------------- */

static void
best_clear(struct segment_best *best, size_t n)
{
	for (size_t i = 0; i < n; i++)
		best[i].claims = SEGMENT_NONE;
}

/* `best` is by lane; in a block with too many candidates every query is asked by itself. */
static void
best_ask(struct segment_best *best, size_t n)
{
	for (size_t i = 0; i < n; i++)
		best[i] = (struct segment_best){.claims = SEGMENT_ASK};
}

static void
best_rows(struct rows *rows, const struct segment_best *best, size_t n, size_t from)
{
	for (size_t i = 0; i < n; i++) {
		if (best[i].claims == SEGMENT_NONE)
			continue;
		struct segment_best row = best[i];
		row.lane = (uint32_t)(from + i);
		add_row(rows, &row);
	}
}

static inline void
best_take(struct segment_best *best, const struct segment_table *table,
	  const struct candidate *row, const uint8_t *bytes, unsigned specific, bool exact)
{
	struct segment_best *mine = &best[row->lane];
	if (mine->claims != SEGMENT_NONE && mine->specific > specific)
		return;
	mine->claims = record_claims(table, bytes);
	mine->record = row->record;
	mine->specific = (uint16_t)specific;
	mine->exact = exact;
	mine->in_trie = 0;
}

/* URLs walk by path.c. */
static void
walk_urls(struct pending *pending, const struct segment_table *table,
	  const struct key *const *keys, size_t n)
{
	struct path path[GROUP];
	struct path_step step[GROUP];
	uint8_t active[GROUP];
	size_t count = n;
	for (size_t i = 0; i < n; i++) {
		path_init(&path[i], table->seed, table->first_step, keys[i]);
		active[i] = (uint8_t)i;
	}
	while (count > 0) {
		size_t stepped = 0, kept = 0;
		for (size_t i = 0; i < count; i++) {
			unsigned lane = active[i];
			if (!path_next(&path[lane], &step[lane]))
				continue;
			__builtin_prefetch(home_line(table, step[lane].hash));
			active[stepped++] = (uint8_t)lane;
		}
		for (size_t i = 0; i < stepped; i++) {
			unsigned lane = active[i];
			if (probe(pending, table, lane, step[lane].hash, step[lane].length,
				  step[lane].last) && !path[lane].done)
				active[kept++] = (uint8_t)lane;
		}
		count = kept;
	}
}

/* The candidate's key text, NULL if the record is damaged. */
static inline const char *
candidate_text(const struct segment_table *table, const struct candidate *row, size_t *length)
{
	uint64_t offset = le40_get(((const struct record_text_d *)record_at(table, row->record))->offset);
	if (offset > table->keys_length || table->keys_length - offset < 2)
		return NULL;
	struct le16 disk;
	memcpy(&disk, table->keys + offset, sizeof(disk));
	*length = le16_get(disk);
	return table->keys_length - offset - 2 < *length ? NULL
							  : (const char *)table->keys + offset + 2;
}

static void
prefetch_text(const struct pending *pending, const struct segment_table *table)
{
	for (size_t i = 0; i < pending->count; i++) {
		const struct record_text_d *record =
			(const struct record_text_d *)record_at(table, pending->row[i].record);
		uint64_t offset = le40_get(record->offset);
		if (offset < table->keys_length)
			__builtin_prefetch(table->keys + offset);
	}
}

static void
settle_domains(const struct pending *pending, const struct segment_table *table,
	       const struct key *const *keys, struct segment_best *best)
{
	for (size_t i = 0; i < pending->count; i++) {
		const struct candidate *row = &pending->row[i];
		const struct key *key = keys[row->lane];
		size_t length;
		const char *text = candidate_text(table, row, &length);
		if (text != NULL && length == row->length &&
		    memcmp(text, key_text(key) + key->length - length, length) == 0)
			best_take(best, table, row, record_at(table, row->record),
				  (unsigned)length, row->last);
	}
}

static void
settle_urls(const struct pending *pending, const struct segment_table *table,
	    const struct key *const *keys, struct segment_best *best)
{
	for (size_t i = 0; i < pending->count; i++) {
		const struct candidate *row = &pending->row[i];
		const struct key *key = keys[row->lane];
		const char *asked = key_text(key);
		size_t length;
		const char *text = candidate_text(table, row, &length);
		if (text == NULL || length < row->length || length > row->length + 1 ||
		    length > key->length || memcmp(text, asked, length) != 0)
			continue;
		bool exact = length == key->length;
		if (exact || (length > 0 && text[length - 1] == '/') || asked[length] == '/' || asked[length] == '?')
			best_take(best, table, row, record_at(table, row->record),
				  (unsigned)length, exact);
	}
}

/* Names go from the suffix with first_step labels to the whole, as path.c walks them. */
static inline void
walk_domains(struct pending *pending, const struct segment_table *table,
	     const struct key *const *keys, size_t n)
{
	uint32_t start[GROUP];
	uint64_t hash[GROUP];
	uint8_t active[GROUP];
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		active[count] = (uint8_t)i;
		count += path_domain_begin(key_text(keys[i]), keys[i]->length, table->first_step,
					   &start[i]);
	}
	while (count > 0) {
		size_t kept = 0;
		for (size_t i = 0; i < count; i++) {
			unsigned lane = active[i];
			hash[lane] = hash_text(table->seed, key_text(keys[lane]) + start[lane],
					       keys[lane]->length - start[lane]);
			__builtin_prefetch(home_line(table, hash[lane]));
		}
		for (size_t i = 0; i < count; i++) {
			unsigned lane = active[i];
			bool last = start[lane] == 0;
			if (!probe(pending, table, lane, hash[lane],
				   keys[lane]->length - start[lane], last) || last)
				continue;
			start[lane] = path_label_before(key_text(keys[lane]), start[lane]);
			active[kept++] = (uint8_t)lane;
		}
		count = kept;
	}
}

static void
text_group(const struct segment *segment, enum kind kind, const struct key *const *keys, size_t n,
	   size_t from, struct rows *rows)
{
	const struct segment_table *table = &segment->table[kind];
	struct segment_best best[GROUP];
	struct pending pending;
	pending.count = 0;
	pending.full = false;
	if (kind == KIND_DOMAIN)
		walk_domains(&pending, table, keys, n);
	else
		walk_urls(&pending, table, keys, n);
	if (pending.count == 0)
		return;
	prefetch_text(&pending, table);
	best_clear(best, n);
	if (pending.full)
		best_ask(best, n);
	else if (kind == KIND_DOMAIN)
		settle_domains(&pending, table, keys, best);
	else
		settle_urls(&pending, table, keys, best);
	best_rows(rows, best, n, from);
}

static size_t
many_text(const struct segment *segment, enum kind kind, const struct key *const *keys, size_t n,
	  struct segment_best *best)
{
	struct rows rows = {best, 0, n};
	if (segment->table[kind].buckets == 0)
		return 0;
	if (kind == KIND_URL && segment->pattern_count > 0) {
		best_ask(best, n);
		for (size_t i = 0; i < n; i++)
			best[i].lane = (uint32_t)i;
		return n;
	}
	for (size_t i = 0; i < n; i += GROUP)
		text_group(segment, kind, keys + i, n - i < GROUP ? n - i : GROUP, i, &rows);
	return rows.count;
}

/* --- one query ------------------------------------------------------------------------------------ */

/* No node of this hash: no slot has its tag and none overflowed. */
static inline bool
no_node(const struct segment_table *table, uint64_t hash)
{
	if (table->buckets == 0)
		return true;
	const struct bucket_d *line = home_line(table, hash);
	return many_find(line, bucket_tag(hash)) == 0 &&
	       (le32_get(line->overflow) >> bucket_overflow_bit(hash) & 1) == 0;
}

/* The record of a key of fixed size, found at its home line; ASK if it may stand further on. */
static inline __attribute__((always_inline)) void
one_fixed(const struct segment_table *table, uint64_t hash, const uint8_t *bytes, size_t length,
	  unsigned specific, struct segment_best *best)
{
	best->claims = SEGMENT_NONE;
	if (table->buckets == 0)
		return;
	const struct bucket_d *line = home_line(table, hash);
	if ((le32_get(line->overflow) >> bucket_overflow_bit(hash) & 1) != 0) {
		best->claims = SEGMENT_ASK;
		return;
	}
	uint32_t slots = many_find(line, bucket_tag(hash)) & many_entries(line);
	for (; slots != 0; slots &= slots - 1) {
		uint32_t record = bucket_record(line, many_entries(line),
						(unsigned)__builtin_ctz(slots));
		if (record >= table->record_count ||
		    memcmp(record_at(table, record), bytes, length) != 0)
			continue;
		*best = (struct segment_best){
			.claims = record_claims(table, record_at(table, record)),
			.record = record, .specific = (uint16_t)specific, .exact = 1};
		return;
	}
}

/* The prefix of this number, less one, if there is one. */
static void
one_prefix(const struct segment *segment, enum kind kind, uint32_t record,
	   struct segment_best *best)
{
	struct ptrie_prefix prefix;
	if (record == 0 || !segment_prefix(segment, kind, record - 1, &prefix))
		return;
	*best = (struct segment_best){
		.claims = prefix.claims, .record = record - 1, .specific = (uint16_t)prefix.bits,
		.in_trie = 1, .exact = prefix.bits == (kind == KIND_IPV4 ? 32u : 128u)};
}

static void
one_ipv4(const struct segment *segment, const struct key *key, struct segment_best *best)
{
	const struct hosts *hosts = &segment->hosts;
	uint32_t address = be32_get(key->bytes);
	best->claims = SEGMENT_NONE;
	if (segment->gate != NULL) {
		uint32_t place = address >> (32 - segment->gate_bits);
		if ((segment->gate[place >> 3] >> (place & 7) & 1) == 0)
			return;
	}
	if (hosts->buckets != 0 &&
	    host_probe(hosts, address, path_host(hosts->seed, address), best))
		return;
	if (segment->trie.record_count > 0)
		one_prefix(segment, KIND_IPV4,
			   ptrie_find(&segment->trie, (uint64_t)address << 32, 0), best);
}

static void
one_ipv6(const struct segment *segment, const struct key *key, struct segment_best *best)
{
	const struct segment_table *table = &segment->table[KIND_IPV6];
	uint32_t value = wide_find(&segment->wide, be64_get(key->bytes), be64_get(key->bytes + 8));
	best->claims = SEGMENT_NONE;
	if ((value & WIDE_HOSTS) != 0) {
		one_fixed(table, path_host_ipv6(table->seed, key->bytes), key->bytes, 16, 128, best);
		if (best->claims != SEGMENT_NONE)
			return;
	}
	one_prefix(segment, KIND_IPV6, value & WIDE_RECORD, best);
}

static bool
absent_text(const struct segment *segment, const struct key *key)
{
	const struct segment_table *table = &segment->table[key->kind];
	struct path path;
	struct path_step step;
	uint32_t start;
	if (key->kind == KIND_DOMAIN)
		return !path_domain_begin(key_text(key), key->length, table->first_step, &start) ||
		       no_node(table, hash_text(table->seed, key_text(key) + start,
						key->length - start));
	if (segment->pattern_count > 0)
		return false;
	path_init(&path, table->seed, table->first_step, key);
	return !path_next(&path, &step) || no_node(table, step.hash);
}

static void
many_one(const struct segment *segment, const struct key *key, struct segment_best *best)
{
	const struct segment_table *table = &segment->table[key->kind];
	switch (key->kind) {
	case KIND_IPV4:
		one_ipv4(segment, key, best);
		break;
	case KIND_SHA1:
		one_fixed(table, path_digest(table->seed, key->bytes, 20), key->bytes, 20, 0, best);
		break;
	case KIND_SHA256:
		one_fixed(table, path_digest(table->seed, key->bytes, 32), key->bytes, 32, 0, best);
		break;
	case KIND_IPV6:
		one_ipv6(segment, key, best);
		break;
	default:
		best->claims = absent_text(segment, key) ? SEGMENT_NONE : SEGMENT_ASK;
	}
}

const struct segment_many_path MANY(segment_many) = {
	MANY_NAME, many_ipv4, many_ipv6, many_digest, many_text, many_one,
};
