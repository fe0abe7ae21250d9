/* SPDX-License-Identifier: Apache-2.0 */
/* Names and URLs in batches: walks in lockstep. Part of segment_many_body.h. */

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
		row.lane = (uint16_t)(from + i);
		add_row(rows, row);
	}
}

static inline void
best_take(struct segment_best *best, const struct segment_table *table,
	  const struct candidate *row, const uint8_t *bytes, unsigned specific, bool exact)
{
	struct segment_best *mine = &best[row->lane];
	mine->sole = mine->claims == SEGMENT_NONE;
	if (!mine->sole && mine->specific > specific)
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
		const char *text = (const char *)segment_table_text(table, row->record, &length);
		if (text != NULL && length == row->length &&
		    memcmp(text, key_text(key) + key->length - length, length) == 0)
			best_take(best, table, row, record_at(table, row->record),
				  (unsigned)length, row->last);
	}
}

/* Is the text that of a node of `node` bytes, or that and a `/`, and whole segments of the URL? */
static inline bool
url_covers(const char *text, size_t length, size_t node, const struct key *key)
{
	const char *asked = key_text(key);
	if (length < node || length > node + 1 || length > key->length ||
	    memcmp(text, asked, length) != 0)
		return false;
	return length == key->length || (length > 0 && text[length - 1] == '/') ||
	       asked[length] == '/' || asked[length] == '?';
}

static void
settle_urls(const struct pending *pending, const struct segment_table *table,
	    const struct key *const *keys, struct segment_best *best)
{
	for (size_t i = 0; i < pending->count; i++) {
		const struct candidate *row = &pending->row[i];
		const struct key *key = keys[row->lane];
		size_t length;
		const char *text = (const char *)segment_table_text(table, row->record, &length);
		if (text != NULL && url_covers(text, length, row->length, key))
			best_take(best, table, row, record_at(table, row->record),
				  (unsigned)length, length == key->length);
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
	struct rows rows = {best, 0, n, segment->claims};
	if (segment->table[kind].buckets == 0)
		return 0;
	if (kind == KIND_URL && segment->pattern_count > 0) {
		best_ask(best, n);
		for (size_t i = 0; i < n; i++)
			best[i].lane = (uint16_t)i;
		return n;
	}
	for (size_t i = 0; i < n; i += GROUP)
		text_group(segment, kind, keys + i, n - i < GROUP ? n - i : GROUP, i, &rows);
	return rows.count;
}
