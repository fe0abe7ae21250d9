/* SPDX-License-Identifier: Apache-2.0 */
/* One query at a time. Part of segment_many_body.h. */

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
