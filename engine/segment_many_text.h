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
	  const struct candidate *row, unsigned specific, bool exact)
{
	struct segment_best *mine = &best[row->lane];
	mine->sole = mine->claims == SEGMENT_NONE;
	if (!mine->sole && mine->specific > specific)
		return;
	mine->claims = segment_table_claims(table, row->record);
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
		path_init(&path[i], table->seed, table->first_step, NULL, keys[i]);
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
		const char *text = segment_table_text(table, row->record, &length);
		if (text != NULL && length == row->length &&
		    memcmp(text, key_text(key) + key->length - length, length) == 0)
			best_take(best, table, row, (unsigned)length, row->last);
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
		const char *text = segment_table_text(table, row->record, &length);
		if (text != NULL && url_covers(text, length, row->length, key))
			best_take(best, table, row, (unsigned)length, length == key->length);
	}
}

/* What is asked of a name: one of its suffixes. */
struct suffix {
	const char *end;
	uint64_t marks;  /* name.h; 0 if the name is long */
	uint32_t whole;  /* bytes of the name */
	uint32_t length; /* of the suffix */
	uint64_t hash;
	uint16_t top;    /* bit of its top label */
	bool from_top;   /* the bit is set: the walk begins there */
};

/* The one with one label more. */
static inline void
suffix_longer(struct suffix *suffix)
{
	if (__builtin_expect(suffix->whole >= NAME_DOTS, 0)) {
		suffix->length = suffix->whole - path_label_before(suffix->end - suffix->whole,
								   suffix->whole - suffix->length);
		return;
	}
	suffix->marks = name_next(suffix->marks, suffix->length);
	suffix->length = name_length(suffix->marks);
}

/* The first that is asked; false if it has fewer labels than any entry. */
static inline bool
suffix_first(struct suffix *suffix, const struct key *key, const struct segment_table *table)
{
	uint32_t length = key->length, first_step = table->first_step;
	suffix->end = key_text(key) + length;
	suffix->whole = length;
	if (__builtin_expect(length >= NAME_DOTS, 0)) {
		uint32_t start = 0;
		suffix->top = (uint16_t)path_top(key_text(key), length);
		suffix->from_top = name_top_is_set(table->tops, suffix->top);
		bool is_asked = path_domain_begin(key_text(key), length,
						  suffix->from_top ? 1 : first_step, &start);
		suffix->marks = 0;
		suffix->length = length - start;
		return is_asked;
	}
	uint64_t marks = name_marks(many_dots(suffix->end, length), length);
	suffix->top = (uint16_t)name_top(suffix->end, name_length(marks), length);
	suffix->from_top = name_top_is_set(table->tops, suffix->top);
	if (!suffix->from_top)
		for (uint32_t step = 1; step < first_step && marks != 0; step++)
			marks = name_next(marks, name_length(marks));
	suffix->marks = marks;
	suffix->length = name_length(marks | 1);
	return marks != 0;
}

/* Its line, on the way. */
static inline __attribute__((always_inline)) void
suffix_ask(struct suffix *suffix, const struct segment_table *table)
{
	suffix->hash = hash_text(table->seed, suffix->end - suffix->length, suffix->length);
	__builtin_prefetch(home_line(table, suffix->hash));
}

/*
 * The same for many. XXH3 has a way of its own for up to 8, up to 16 and more bytes, and chooses by
 * branches: lanes of one way stand together, so that they are foreseen.
 */
static inline __attribute__((always_inline)) void
suffixes_ask(struct suffix *suffix, const struct segment_table *table, const uint8_t *lanes,
	     size_t count)
{
	uint8_t order[3][GROUP];
	size_t counts[3] = {0, 0, 0};
	for (size_t i = 0; i < count; i++) {
		uint32_t length = suffix[lanes[i]].length;
		order[0][counts[0]] = order[1][counts[1]] = order[2][counts[2]] = lanes[i];
		counts[0] += length <= 8;
		counts[1] += length > 8 && length <= 16;
		counts[2] += length > 16;
	}
	for (unsigned way = 0; way < 3; way++)
		for (size_t i = 0; i < counts[way]; i++)
			suffix_ask(&suffix[order[way][i]], table);
}

/* The lanes in whose line of a table there is something to look at: most have nothing. */
static inline __attribute__((always_inline)) size_t
suffixes_look(const struct suffix *suffix, const struct segment_table *table,
	      const uint8_t *lanes, size_t count, uint8_t *found)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t hash = suffix[lanes[i]].hash;
		const struct bucket_d *line = home_line(table, hash);
		found[kept] = lanes[i];
		kept += (many_find(line, bucket_tag(hash)) | bucket_passed(line, hash)) != 0;
	}
	return kept;
}

/* A lane whose line was asked for, on by itself. */
static inline __attribute__((always_inline)) void
walk_domain(struct pending *pending, const struct segment_table *table, struct suffix *suffix,
	    unsigned lane)
{
	for (;;) {
		bool last = suffix->length == suffix->whole;
		if (!probe(pending, table, lane, suffix->hash, suffix->length, last) || last)
			return;
		suffix_longer(suffix);
		suffix_ask(suffix, table);
	}
}

/* The candidates of a group become rows. */
static inline __attribute__((always_inline)) void
text_settle(const struct pending *pending, const struct segment_table *table, enum kind kind,
	    const struct key *const *keys, size_t n, size_t from, struct rows *rows)
{
	struct segment_best best[GROUP];
	if (pending->count == 0)
		return;
	prefetch_text(pending, table);
	best_clear(best, n);
	if (pending->full)
		best_ask(best, n);
	else if (kind == KIND_DOMAIN)
		settle_domains(pending, table, keys, best);
	else
		settle_urls(pending, table, keys, best);
	best_rows(rows, best, n, from);
}

/*
 * A group in a table that is near: where a walk begins with the same suffix as in the first table, the hash is there, and
 * most lanes end with a look at their line. The others, and what the look finds, go by themselves.
 */
static __attribute__((noinline)) void
names_near(struct segment_near *near, const struct suffix *suffix, const uint8_t *lanes,
	   size_t count, const struct key *const *keys, size_t n, size_t from)
{
	const struct segment_table *table = &near->segment->table[KIND_DOMAIN];
	struct rows rows = {near->best, near->count, SEGMENT_MANY_MOST, near->segment->claims};
	struct pending pending;
	uint8_t found[GROUP], others[GROUP];
	size_t kept, other = 0;
	pending.count = 0;
	pending.full = false;
	for (size_t i = 0; i < n; i++) {
		others[other] = (uint8_t)i;
		other += name_top_is_set(table->tops, suffix[i].top) != suffix[i].from_top;
	}
	kept = suffixes_look(suffix, table, lanes, count, found);
	for (size_t i = 0; i < kept; i++) {
		struct suffix own = suffix[found[i]];
		if (name_top_is_set(table->tops, own.top) == own.from_top)
			walk_domain(&pending, table, &own, found[i]);
	}
	for (size_t i = 0; i < other; i++) {
		struct suffix own;
		if (!suffix_first(&own, keys[others[i]], table))
			continue;
		suffix_ask(&own, table);
		walk_domain(&pending, table, &own, others[i]);
	}
	text_settle(&pending, table, KIND_DOMAIN, keys, n, from, &rows);
	near->count = rows.count;
}

/*
 * Names go from the suffix with first_step labels to the whole, as path.c walks them. Each
 * pass does one thing for all lanes, without a branch that hangs on the names: what
 * they have in common with one another is that nothing about them can be foreseen.
 */
static inline void
walk_domains(struct pending *pending, const struct segment_table *table,
	     const struct key *const *keys, size_t n, size_t from, struct segment_share *share)
{
	struct suffix suffix[GROUP];
	uint8_t lanes[GROUP], found[GROUP];
	size_t count = 0, near = 0;
	for (size_t i = 0; i < n; i++) {
		lanes[count] = (uint8_t)i;
		count += suffix_first(&suffix[i], keys[i], table);
	}
	do {
		suffixes_ask(suffix, table, lanes, count);
		for (; near < share->near_count; near++)
			names_near(&share->near[near], suffix, lanes, count, keys, n, from);
		size_t looked = suffixes_look(suffix, table, lanes, count, found);
		count = 0;
		for (size_t i = 0; i < looked; i++) {
			unsigned lane = found[i];
			bool last = suffix[lane].length == suffix[lane].whole;
			if (!probe(pending, table, lane, suffix[lane].hash, suffix[lane].length,
				   last) || last)
				continue;
			suffix_longer(&suffix[lane]);
			lanes[count++] = (uint8_t)lane;
		}
	} while (count > 0);
}

static void
text_group(const struct segment *segment, enum kind kind, const struct key *const *keys, size_t n,
	   size_t from, struct segment_share *share, struct rows *rows)
{
	const struct segment_table *table = &segment->table[kind];
	struct pending pending;
	pending.count = 0;
	pending.full = false;
	if (kind == KIND_DOMAIN)
		walk_domains(&pending, table, keys, n, from, share);
	else
		walk_urls(&pending, table, keys, n);
	text_settle(&pending, table, kind, keys, n, from, rows);
}

static size_t
many_text(const struct segment *segment, enum kind kind, const struct key *const *keys, size_t n,
	  struct segment_share *share, struct segment_best *best)
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
		text_group(segment, kind, keys + i, n - i < GROUP ? n - i : GROUP, i, share, &rows);
	return rows.count;
}
