/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses in batches: hosts and prefixes of IPv4 and IPv6. Part of segment_many_body.h. */

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
				.specific = 32, .exact = 1,
				.sole = (le32_get(line->covered) >> place & 1) == 0};
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
	asked[0] = 0;
	for (size_t i = 0; i < n; i++)
		asked[i] = addresses[lanes[i]];
	ptrie_find_many_ipv4(trie, asked, n, found);
	for (size_t i = 0; i < n; i++)
		if (found[i].record != 0)
			add_row(rows, &(struct segment_best){
				.claims = found[i].claims, .record = found[i].record - 1,
				.in_trie = 1, .lane = lanes[i], .sole = !found[i].nested});
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
		add_row(rows, &(struct segment_best){
			.claims = record_claims(table, bytes), .record = row->record,
			.specific = 128, .exact = 1, .lane = (uint16_t)row->lane,
			.sole = (values[row->lane] & WIDE_RECORD) == 0});
		values[row->lane] = 0;
	}
}

static void
ipv6_hosts(const struct segment_table *table, const uint8_t (*addresses)[16], const uint8_t *lanes,
	   size_t n, uint32_t *values, struct rows *rows)
{
	uint64_t hash[SEGMENT_MANY_MOST];
	struct pending pending[2];
	pending[0].count = pending[1].count = 0;
	pending[0].full = pending[1].full = false;
	for (size_t i = 0; i < n; i++) {
		hash[i] = path_host_ipv6(table->seed, addresses[lanes[i]]);
		__builtin_prefetch(home_line(table, hash[i]));
	}
	/* records are on their way while the next block is probed */
	for (size_t from = 0; from < n + GROUP; from += GROUP) {
		struct pending *now = &pending[from / GROUP & 1];
		struct pending *before = &pending[~(from / GROUP) & 1];
		now->count = 0;
		for (size_t i = from; i < n && i < from + GROUP; i++)
			probe(now, table, lanes[i], hash[i], 128, true);
		ipv6_settle(before, table, addresses, values, rows);
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
			.specific = wide->hot[record].bits, .in_trie = 1, .lane = (uint16_t)i});
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
