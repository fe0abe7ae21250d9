/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One query at a time. Part of segment_many_body.h.
 *
 * Nothing overlaps here but what the processor overlaps by itself: it looks a
 * few hundred instructions ahead, over the end of the call into the next one.
 * So few instructions and few surprises for the branch predictor matter as
 * much as few lines; docs/bench-single.md has the figures.
 */

/* The record of a key of fixed size, if it stands in this line. */
static inline __attribute__((always_inline)) bool
fixed_in_line(const struct segment_table *table, const struct bucket_d *line, uint64_t hash,
	      const uint8_t *bytes, size_t length, struct segment_best *best)
{
	uint32_t slots = many_same(line, bucket_tag(hash) | FORMAT_SLOT_HERE);
	for (; slots != 0; slots &= slots - 1) {
		uint32_t record = le32_get(line->base) + (uint32_t)__builtin_ctz(slots);
		if (record >= table->record_count)
			continue;
		const uint8_t *found = fixed_record(table, record, bytes, length);
		if (found == NULL)
			continue;
		best->claims = fixed_claims(found, length);
		best->record = record;
		best->specific = length == 16 ? 128 : 0;
		best->in_trie = 0;
		best->exact = 1;
		best->sole = length != 16;
		return true;
	}
	return false;
}

/* Nodes overflowed from `line`: rare, and kept out of what is common. */
static __attribute__((noinline)) bool
fixed_further(const struct segment_table *table, const struct bucket_d *line, uint64_t hash,
	      const uint8_t *bytes, size_t length, struct segment_best *best)
{
	for (unsigned hop = 0; hop < LIMIT_BUCKET_HOPS; hop++) {
		line++;
		if (length == 16 ? fixed_in_line(table, line, hash, bytes, 16, best) :
		    length == 20 ? fixed_in_line(table, line, hash, bytes, 20, best) :
		    fixed_in_line(table, line, hash, bytes, 32, best))
			return true;
		if (!bucket_passed(line, hash))
			break;
	}
	return false;
}

static inline __attribute__((always_inline)) bool
one_fixed(const struct segment_table *table, uint64_t hash, const uint8_t *bytes, size_t length,
	  struct segment_best *best)
{
	const struct bucket_d *line = home_line(table, hash);
	if (fixed_in_line(table, line, hash, bytes, length, best))
		return true;
	if (__builtin_expect(!bucket_passed(line, hash), 1))
		return false;
	return fixed_further(table, line, hash, bytes, length, best);
}

static bool
one_sha1(const struct segment *segment, const uint8_t *digest, struct segment_best *best)
{
	const struct segment_table *table = &segment->table[KIND_SHA1];
	return table->buckets != 0 &&
	       one_fixed(table, path_digest(table->seed, digest, 20), digest, 20, best);
}

static bool
one_sha256(const struct segment *segment, const uint8_t *digest, struct segment_best *best)
{
	const struct segment_table *table = &segment->table[KIND_SHA256];
	return table->buckets != 0 &&
	       one_fixed(table, path_digest(table->seed, digest, 32), digest, 32, best);
}

static bool
one_ipv4(const struct segment *segment, uint32_t address, struct segment_best *best)
{
	const struct hosts *hosts = &segment->hosts;
	struct ptrie_found found;
	if (segment->gate != NULL) {
		uint32_t place = address >> (32 - segment->gate_bits);
		if ((segment->gate[place >> 3] >> (place & 7) & 1) == 0)
			return false;
	}
	if (hosts->buckets != 0) {
		uint64_t hash = path_host(hosts->seed, address);
		if (host_probe(hosts, hosts_home(hosts, hash), address, hash, best))
			return true;
	}
	if (segment->trie.record_count == 0)
		return false;
	ptrie_find_ipv4(&segment->trie, address, &found);
	if (found.record == 0)
		return false;
	*best = (struct segment_best){
		.claims = found.claims, .record = found.record - 1, .in_trie = 1,
		.sole = !found.nested};
	return true;
}

static bool
one_ipv6(const struct segment *segment, const uint8_t *address, struct segment_best *best)
{
	const struct segment_table *table = &segment->table[KIND_IPV6];
	const struct wide *wide = &segment->wide;
	uint32_t value = wide_find(wide, be64_get(address), be64_get(address + 8));
	uint32_t record = (value & WIDE_RECORD) - 1;
	if (value == 0)
		return false;
	wide_prefetch(wide, record);
	if ((value & WIDE_HOSTS) != 0 && table->buckets != 0 &&
	    one_fixed(table, path_host_ipv6(table->seed, address), address, 16, best))
		return true;
	if (record >= wide->record_count)
		return false;
	*best = (struct segment_best){
		.claims = le32_get(wide->hot[record].claims), .record = record,
		.specific = wide->hot[record].bits, .in_trie = 1};
	return true;
}

/* --- names and URLs ----------------------------------------------------------------------- */

static inline void
one_take(const struct segment_table *table, const struct candidate *row, size_t length, bool exact,
	 struct segment_best *best)
{
	*best = (struct segment_best){
		.claims = segment_table_claims(table, row->record),
		.record = row->record, .specific = (uint16_t)length, .exact = exact};
}

/*
 * Candidates stand from general to specific: the last one whose text is the
 * query's is the answer, and the texts of those before it are not read.
 */
static bool
one_domain_settle(const struct pending *pending, const struct segment_table *table,
		  const struct key *key, struct segment_best *best)
{
	const char *end = key_text(key) + key->length;
	for (size_t i = pending->count; i-- > 0;) {
		const struct candidate *row = &pending->row[i];
		size_t length;
		const char *text = segment_table_text(table, row->record, &length);
		if (text == NULL || length != row->length || memcmp(text, end - length, length) != 0)
			continue;
		one_take(table, row, length, row->last, best);
		best->sole = pending->count == 1;
		return true;
	}
	return false;
}

static bool
one_domain(const struct segment *segment, const struct key *key, struct segment_best *best)
{
	const struct segment_table *table = &segment->table[KIND_DOMAIN];
	struct suffix suffix;
	struct pending pending;
	if (table->buckets == 0 || !suffix_first(&suffix, key, table))
		return false;
	pending.count = 0;
	pending.full = false;
	suffix_ask(&suffix, table);
	walk_domain(&pending, table, &suffix, 0);
	best->claims = SEGMENT_ASK;
	return pending.full || (pending.count != 0 && one_domain_settle(&pending, table, key, best));
}

/* Two texts may stand at one node, with and without a `/` at the end: both are looked at. */
static bool
one_url_settle(const struct pending *pending, const struct segment_table *table,
	       const struct key *key, struct segment_best *best)
{
	uint32_t node = UINT32_MAX;
	bool any = false;
	for (size_t i = pending->count; i-- > 0;) {
		const struct candidate *row = &pending->row[i];
		size_t length;
		if (any && row->length != node)
			return true;
		const char *text = segment_table_text(table, row->record, &length);
		if (text == NULL || !url_covers(text, length, row->length, key) ||
		    (any && best->specific > length))
			continue;
		one_take(table, row, length, length == key->length, best);
		best->sole = pending->count == 1;
		node = row->length;
		any = true;
	}
	return any;
}

static bool
one_url(const struct segment *segment, const struct key *key, struct segment_best *best)
{
	const struct segment_table *table = &segment->table[KIND_URL];
	struct pending pending;
	struct path path;
	struct path_step step;
	if (table->buckets == 0)
		return false;
	best->claims = SEGMENT_ASK;
	if (segment->pattern_count > 0)
		return true;
	pending.count = 0;
	pending.full = false;
	path_init(&path, table->seed, table->first_step, NULL, key);
	while (path_next(&path, &step))
		if (!probe(&pending, table, 0, step.hash, step.length, step.last))
			break;
	return pending.full || (pending.count != 0 && one_url_settle(&pending, table, key, best));
}
