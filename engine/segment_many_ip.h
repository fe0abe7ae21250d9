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
	/* all gathers first: with nothing to decide between them their misses overlap */
	union {
		uint16_t of_16[SEGMENT_MANY_MOST / 16];
		uint64_t of_64[SEGMENT_MANY_MOST / 64]; /* x86: the first is the lowest */
	} open = {.of_64 = {0}};
	for (; i + 16 <= n; i += 16)
		open.of_16[i / 16] = (uint16_t)many_gates(segment->gate, shift, addresses + i);
	for (size_t j = 0; j < i; j += 64)
		for (uint64_t lane = open.of_64[j / 64]; lane != 0; lane &= lane - 1)
			lanes[count++] = (uint8_t)(j + (unsigned)__builtin_ctzll(lane));
#endif
	for (; i < n; i++) {
		uint32_t place = addresses[i] >> shift;
		lanes[count] = (uint8_t)i;
		count += segment->gate[place >> 3] >> (place & 7) & 1;
	}
	return count;
}

/* An address that a line has: its row but for the lane. */
static inline __attribute__((always_inline)) bool
host_in_line(const struct hosts *hosts, const struct hosts_line_d *line, uint32_t address,
	     struct segment_best *best)
{
	uint32_t places = many_hosts(line, address) & ((1u << FORMAT_HOSTS) - 1);
	if (places == 0)
		return false;
	size_t place = (size_t)__builtin_ctz(places);
	if (place >= (le32_get(line->state) & 0xff)) /* what follows the hosts of a line */
		return false;
	best->claims = le32_get(line->claims[place]);
	best->record = (uint32_t)((size_t)(line - hosts->lines) * HOSTS_NUMBERS + place);
	best->specific = 32;
	best->in_trie = 0;
	best->exact = 1;
	best->sole = (le32_get(line->covered) >> place & 1) == 0;
	return true;
}

static inline bool
host_passed(const struct hosts_line_d *line, uint64_t hash)
{
	return (le32_get(line->state) & hosts_passed_bit(hash)) != 0;
}

/* Hosts passed on from `line`: is the address among them? */
static __attribute__((noinline)) bool
host_further(const struct hosts *hosts, const struct hosts_line_d *line, uint32_t address,
	     uint64_t hash, struct segment_best *best)
{
	for (unsigned hop = 0; hop < LIMIT_HOSTS_HOPS; hop++, line++) {
		if (!host_passed(line, hash))
			return false;
		if (host_in_line(hosts, line + 1, address, best))
			return true;
	}
	return false;
}

static inline __attribute__((always_inline)) bool
host_probe(const struct hosts *hosts, const struct hosts_line_d *line, uint32_t address,
	   uint64_t hash, struct segment_best *best)
{
	if (host_in_line(hosts, line, address, best))
		return true;
	return __builtin_expect(host_passed(line, hash), 0) &&
	       host_further(hosts, line, address, hash, best);
}

static inline __attribute__((always_inline)) void
hosts_start(const struct hosts *hosts, const uint32_t *addresses, const uint8_t *lanes, size_t from,
	    size_t to, const struct hosts_line_d **lines, uint8_t *low)
{
	for (size_t i = from; i < to; i++) {
		uint64_t hash = path_host(hosts->seed, addresses[lanes[i]]);
		low[i] = (uint8_t)hash;
		lines[i] = hosts_home(hosts, hash);
		__builtin_prefetch(lines[i]);
	}
}

/* A row for the host of a lane; its claim is asked for. */
static inline __attribute__((always_inline)) struct segment_best *
host_row(const struct rows *rows, struct segment_best *row, uint8_t lane)
{
	prefetch_claim(rows->claims, row->claims);
	row->lane = lane;
	return row + 1;
}

/*
 * The lanes whose address is a host make rows; the others stay in `lanes`. Lines are asked
 * for a block ahead of their use, claims as they are found. Hosts that may have been passed on are looked for last, when
 * the lines after theirs have come.
 */
static size_t
hosts_lanes(const struct hosts *hosts, const uint32_t *addresses, uint8_t *lanes, size_t n,
	    struct rows *rows)
{
	const struct hosts_line_d *lines[SEGMENT_MANY_MOST];
	uint8_t low[SEGMENT_MANY_MOST]; /* what is asked of a hash once the line is known */
	uint8_t further[SEGMENT_MANY_MOST], further_lane[SEGMENT_MANY_MOST];
	struct segment_best *row = rows->row;
	size_t left = 0, passed = 0, to = n < GROUP ? n : GROUP, ahead;
	hosts_start(hosts, addresses, lanes, 0, to, lines, low);
	for (size_t from = 0; from < n; from = to, to = ahead) {
		ahead = to + GROUP < n ? to + GROUP : n;
		hosts_start(hosts, addresses, lanes, to, ahead, lines, low);
		for (size_t i = from; i < to; i++) {
			uint8_t lane = lanes[i];
			if (host_in_line(hosts, lines[i], addresses[lane], row)) {
				row = host_row(rows, row, lane);
			} else if (__builtin_expect(host_passed(lines[i], low[i]), 0)) {
				__builtin_prefetch(lines[i] + 1);
				further_lane[passed] = lane;
				further[passed++] = (uint8_t)i;
			} else {
				lanes[left++] = lane;
			}
		}
	}
	for (size_t j = 0; j < passed; j++) {
		uint8_t lane = further_lane[j];
		if (host_further(hosts, lines[further[j]], addresses[lane], low[further[j]], row))
			row = host_row(rows, row, lane);
		else
			lanes[left++] = lane;
	}
	rows->count = (size_t)(row - rows->row);
	return left;
}

static inline __attribute__((always_inline)) void
prefixes_lanes(const struct ptrie *trie, const uint32_t *addresses, const uint8_t *lanes,
	       size_t n, struct rows *rows)
{
	const struct ptrie_leaf_d *leaves[SEGMENT_MANY_MOST];
	struct segment_best *row = rows->row + rows->count;
	ptrie_leaves_ipv4(trie, addresses, lanes, n, leaves);
	for (size_t i = 0; i < n; i++) {
		uint32_t record = ptrie_leaf(trie, leaves[i]);
		if (record == 0)
			continue;
		row->claims = le32_get(leaves[i]->claims);
		prefetch_claim(rows->claims, row->claims);
		row->record = record - 1;
		row->specific = 0;
		row->in_trie = 1;
		row->exact = 0;
		row->lane = lanes[i];
		row->sole = (le32_get(leaves[i]->record) & PTRIE_NESTED) == 0;
		row++;
	}
	rows->count = (size_t)(row - rows->row);
}

/* A host is more specific than any prefix: only addresses without one go to the trie. */
static size_t
many_ipv4(const struct segment *segment, const uint32_t *addresses, size_t n,
	  struct segment_best *best)
{
	struct rows rows = {best, 0, n, segment->claims};
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
static inline __attribute__((always_inline)) void
ipv6_settle(const struct fixed_candidate *at, const struct fixed_candidate *end,
	    const struct segment_table *table, const uint8_t (*addresses)[16], uint32_t *values,
	    struct rows *rows)
{
	for (; at < end; at++) {
		const uint8_t *bytes = fixed_record(table, at->record, addresses[at->lane], 16);
		if (bytes == NULL || rows->count == rows->most)
			continue;
		struct segment_best *row = &rows->row[rows->count++];
		row->claims = fixed_claims(bytes, 16);
		prefetch_claim(rows->claims, row->claims);
		row->record = at->record;
		row->specific = 128;
		row->in_trie = 0;
		row->exact = 1;
		row->lane = (uint16_t)at->lane;
		row->sole = (values[at->lane] & WIDE_RECORD) == 0;
		values[at->lane] = 0;
	}
}

static inline __attribute__((always_inline)) void
ipv6_hosts(const struct segment_table *table, const uint8_t (*addresses)[16], const uint8_t *lanes,
	   size_t n, uint32_t *values, struct rows *rows)
{
	uint64_t hash[SEGMENT_MANY_MOST];
	const struct bucket_d *lines[SEGMENT_MANY_MOST];
	struct fixed_candidate found[2][FIXED_CANDIDATES], *end[2] = {found[0], found[1]};
	for (size_t i = 0; i < n; i++) {
		hash[i] = path_host_ipv6(table->seed, addresses[lanes[i]]);
		lines[i] = home_line(table, hash[i]);
		__builtin_prefetch(lines[i]);
	}
	/* records are on their way while the next block is probed */
	for (size_t from = 0; from < n + GROUP; from += GROUP) {
		size_t to = from + GROUP < n ? from + GROUP : n, now = from / GROUP & 1;
		struct fixed_candidate *put = found[now];
		for (size_t i = from; i < to; i++)
			put = fixed_probe(put, found[now], table, lines[i], 16, hash[i], lanes[i]);
		end[now] = put;
		ipv6_settle(found[!now], end[!now], table, addresses, values, rows);
	}
}

/* The most specific prefix of each lane whose value names one. */
static inline __attribute__((always_inline)) void
ipv6_prefixes(const struct wide *wide, const uint8_t *lanes, size_t n, const uint32_t *values,
	      struct rows *rows)
{
	struct segment_best *row = rows->row + rows->count, *full = rows->row + rows->most;
	for (size_t i = 0; i < n; i++) {
		uint32_t record = (values[lanes[i]] & WIDE_RECORD) - 1;
		if (record >= wide->record_count || row == full)
			continue;
		row->claims = le32_get(wide->hot[record].claims);
		prefetch_claim(rows->claims, row->claims);
		row->record = record;
		row->specific = wide->hot[record].bits;
		row->in_trie = 1;
		row->exact = 0;
		row->lane = lanes[i];
		row->sole = 0;
		row++;
	}
	rows->count = (size_t)(row - rows->row);
}

static size_t
many_ipv6(const struct segment *segment, const uint8_t (*addresses)[16], size_t n,
	  struct segment_best *best)
{
	const struct wide *wide = &segment->wide;
	struct rows rows = {best, 0, n, segment->claims};
	uint32_t values[SEGMENT_MANY_MOST];
	uint8_t found[SEGMENT_MANY_MOST], hosts[SEGMENT_MANY_MOST];
	size_t count = 0, host_count = 0;
	if (wide->root_bits == 0)
		return 0;
	many_wide(wide, addresses, n, values);
	for (size_t i = 0; i < n; i++) {
		found[count] = (uint8_t)i;
		count += values[i] != 0;
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t value = values[found[i]];
		hosts[host_count] = found[i];
		host_count += (value & WIDE_HOSTS) != 0;
		wide_prefetch(wide, (value & WIDE_RECORD) - 1);
	}
	if (host_count > 0 && segment->table[KIND_IPV6].buckets != 0)
		ipv6_hosts(&segment->table[KIND_IPV6], addresses, hosts, host_count, values, &rows);
	ipv6_prefixes(wide, found, count, values, &rows);
	return rows.count;
}
