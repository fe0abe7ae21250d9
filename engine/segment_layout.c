/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/segment_layout.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bucket.h"
#include "engine/intern.h"
#include "engine/path.h"
#include "engine/segment_salt.h"
#include "engine/segment_sort.h"

#define NO_RECORD 0xffffffffu /* of a node that is only a step above entries */
#define RESEED_LIMIT 16
#define GROWTHS 2
#define ADDED_STEPS 8192
#define FETCH_AHEAD 8
#define RUN_MOST 64           /* nodes of one hash, above which their order is not by key */

/*
 * What a set is asked before its lines are taken; more lines, then another seed, if it fails. Of ten
 * million random nodes none stands farther than 2 lines from home, the mean is 0.03;
 * readers allow LIMIT_BUCKET_HOPS. ALIKE_MOST: slots of one tag among those that one probe can see,
 * each a record to compare; twice as many URLs, since two can share a node. A random set
 * of a hundred million has more of them once in a hundred times.
 */
#define HOPS_MOST 2
#define HOPS_MEAN_PART 16     /* all hops together: at most count / 16 and .. */
#define HOPS_SPARE 128        /* .. this, for small sets are uneven */
#define ALIKE_MOST 4

/* A line is filled to 23 of 28 slots on average: few overflow, little is wasted. */
#define SLOTS_PLANNED 23

struct maker {
	const struct segment_table *table;
	uint8_t *records; /* the table's, or NULL: they must not be moved */
	enum kind kind;
	struct hash_seed seed;
	struct sort_node *nodes; /* NULL: the records, sorted, are the nodes */
	size_t count, capacity;
	uint64_t added[ADDED_STEPS]; /* hashes of steps that have their node */
};

/* --- nodes of all keys ------------------------------------------------------------- */

static enum status
add_node(struct maker *maker, uint64_t hash, uint32_t record, uint32_t flags, struct fault *fault)
{
	enum status status = intern_grow((void **)&maker->nodes, &maker->capacity,
					 maker->count + 1, sizeof(struct sort_node), fault);
	if (status == STATUS_OK)
		maker->nodes[maker->count++] = (struct sort_node){hash, record, flags};
	return status;
}

/*
 * Names below one name, URLs of one host: the steps above them need one node,
 * not one a key. What is forgotten is made twice and joined later.
 */
static bool
was_added(struct maker *maker, uint64_t hash)
{
	uint64_t *place = &maker->added[hash % ADDED_STEPS];
	bool was = *place == hash;
	*place = hash;
	return was;
}

static void
forget_added(struct maker *maker)
{
	memset(maker->added, 0, sizeof(maker->added));
	maker->added[0] = 1; /* no hash that belongs here */
}

static enum status
add_key(struct maker *maker, const struct key *key, uint32_t record, uint32_t flags,
	const struct layout *layout, struct fault *fault)
{
	struct path path;
	struct path_step step;
	enum status status = STATUS_OK;
	path_init(&path, maker->seed, layout->first_step, layout->tops, key);
	while (status == STATUS_OK && path_next(&path, &step)) {
		if (step.last)
			status = add_node(maker, step.hash, record, flags, fault);
		else if (!was_added(maker, step.hash))
			status = add_node(maker, step.hash, NO_RECORD, FORMAT_SLOT_DEEPER, fault);
	}
	return status;
}

static uint32_t
flags_of(const struct key *key, unsigned scopes)
{
	if (!kind_table[key->kind].scoped || key->pattern != 0)
		return FORMAT_SLOT_HERE;
	return ((scopes & SCOPE_EXACT) != 0 ? FORMAT_SLOT_HERE : 0) |
	       ((scopes & SCOPE_BELOW) != 0 ? FORMAT_SLOT_COVER : 0);
}

/* Where walks begin: at the fewest labels of a key of more than one, or at a top label that is a key. */
static void
find_begin(const struct segment_table *table, struct layout *layout)
{
	uint32_t fewest = LIMIT_DOMAIN_BYTES;
	struct key key;
	uint32_t claims;
	for (uint64_t i = 0; i < table->record_count; i++) {
		bool good = segment_table_key(table, KIND_DOMAIN, i, &key, &claims);
		assert(good);
		uint32_t labels = good ? path_labels(&key) : fewest;
		if (labels == 1 && !segment_table_is_older(table)) {
			uint32_t top = path_top(key_text(&key), key.length);
			layout->tops[top >> 3] |= (uint8_t)(1 << (top & 7));
		} else if (labels < fewest) {
			fewest = labels;
		}
	}
	layout->first_step = table->record_count == 0 ? 0 : fewest;
}

static enum status
add_keys(struct maker *maker, const struct layout *layout, layout_scopes_cb *scopes,
	 void *context, struct fault *fault)
{
	enum status status = STATUS_OK;
	struct key key;
	uint32_t claims;
	maker->count = 0;
	forget_added(maker);
	for (uint64_t i = 0; status == STATUS_OK && i < maker->table->record_count; i++) {
		bool good = segment_table_key(maker->table, maker->kind, i, &key, &claims);
		assert(good);
		if (good)
			status = add_key(maker, &key, (uint32_t)i,
					 flags_of(&key, scopes(context, claims)), layout, fault);
	}
	return status;
}

/* --- joining nodes of one hash ------------------------------------------------------- */

static int
record_order(const struct maker *maker, uint32_t a, uint32_t b)
{
	struct key one, other;
	uint32_t claims;
	segment_table_key(maker->table, maker->kind, a, &one, &claims);
	segment_table_key(maker->table, maker->kind, b, &other, &claims);
	if (kind_table[maker->kind].key_bytes == 0) {
		size_t common = one.length < other.length ? one.length : other.length;
		int order = memcmp(key_text(&one), key_text(&other), common);
		return order != 0 ? order : (one.length > other.length) - (one.length < other.length);
	}
	int order = memcmp(one.bytes, other.bytes, sizeof(one.bytes));
	return order != 0 ? order : one.prefix_bits - other.prefix_bits;
}

/* A hash of a record's key: for an order, not for a place. */
static uint64_t
record_hash(const struct maker *maker, struct hash_seed seed, uint32_t record)
{
	struct key key;
	uint32_t claims;
	segment_table_key(maker->table, maker->kind, record, &key, &claims);
	if (kind_table[maker->kind].key_bytes == 0)
		return hash_text(seed, key_text(&key), key.length);
	return hash_text(seed, key.bytes, sizeof(key.bytes));
}

static enum status
put_twice(const struct maker *maker, struct fault *fault)
{
	return fault_set(fault, STATUS_USAGE, NULL, 0, "a %s key was put twice",
			 kind_name(maker->kind));
}

static int
node_order(const void *a, const void *b, void *maker)
{
	return record_order(maker, ((const struct sort_node *)a)->record,
			    ((const struct sort_node *)b)->record);
}

/*
 * More keys of one hash than chance makes: no seed's lines can hold them, but the next seed needs
 * an order of them, and a key put twice is to be told. Another hash gives an order; keys that are
 * alike there too are compared, and so are those of kinds that sort_records puts in key order.
 */
static enum status
order_crowd(struct maker *maker, size_t from, size_t to, struct fault *fault)
{
	struct sort_node *nodes = maker->nodes;
	uint64_t hash = nodes[from].hash;
	struct hash_seed other = {{~maker->seed.word[1], ~maker->seed.word[0]}};
	for (size_t i = from; i < to; i++)
		nodes[i].hash = sort_takes(maker->kind)
					? 0 : record_hash(maker, other, nodes[i].record);
	enum status status = sort_nodes(nodes + from, to - from, fault);
	for (size_t i = from, end; status == STATUS_OK && i < to; i = end) {
		for (end = i + 1; end < to && nodes[end].hash == nodes[i].hash; end++)
			;
		if (end - i > 1)
			qsort_r(nodes + i, end - i, sizeof(*nodes), node_order, maker);
		for (size_t j = i + 1; j < end; j++)
			if (record_order(maker, nodes[j - 1].record, nodes[j].record) == 0)
				status = put_twice(maker, fault);
	}
	for (size_t i = from; i < to; i++)
		nodes[i].hash = hash;
	return status;
}

/* The entries of a run to its front, and what steps above them say. */
static size_t
part_run(struct sort_node *nodes, size_t from, size_t to, uint32_t *above)
{
	size_t entries = from;
	for (size_t i = from; i < to; i++) {
		if (nodes[i].record == NO_RECORD)
			*above |= nodes[i].flags;
		else
			nodes[entries++] = nodes[i];
	}
	return entries;
}

static enum status
order_few(const struct maker *maker, size_t from, size_t to, struct fault *fault)
{
	struct sort_node *nodes = maker->nodes;
	for (size_t i = from + 1; i < to; i++) {
		struct sort_node node = nodes[i];
		size_t j = i;
		for (; j > from; j--) {
			int order = record_order(maker, nodes[j - 1].record, node.record);
			if (order == 0)
				return put_twice(maker, fault);
			if (order < 0)
				break;
			nodes[j] = nodes[j - 1];
		}
		nodes[j] = node;
	}
	return STATUS_OK;
}

/*
 * Nodes [from, to) have one hash. Entries first, in key order; steps above
 * melt into the first entry, or into one node if there is none.
 */
static enum status
join_run(struct maker *maker, size_t from, size_t to, size_t *kept, struct fault *fault)
{
	struct sort_node *nodes = maker->nodes;
	uint32_t above = 0;
	struct sort_node first = nodes[from];
	size_t end = part_run(nodes, from, to, &above), entries = end - from;
	enum status status = entries > RUN_MOST ? order_crowd(maker, from, end, fault)
						: order_few(maker, from, end, fault);
	if (status != STATUS_OK)
		return status;
	memmove(nodes + *kept, nodes + from, entries * sizeof(*nodes));
	if (entries == 0)
		nodes[*kept] = (struct sort_node){first.hash, NO_RECORD, above};
	else
		nodes[*kept].flags |= above;
	*kept += entries == 0 ? 1 : entries;
	return STATUS_OK;
}

static enum status
join_nodes(struct maker *maker, struct fault *fault)
{
	size_t kept = 0;
	for (size_t from = 0, to; from < maker->count; from = to) {
		for (to = from + 1; to < maker->count; to++)
			if (maker->nodes[to].hash != maker->nodes[from].hash)
				break;
		enum status status = join_run(maker, from, to, &kept, fault);
		if (status != STATUS_OK)
			return status;
	}
	maker->count = kept;
	return STATUS_OK;
}

/* --- filling lines --------------------------------------------------------------------- */

static void
mark_overflow(struct bucket_d *lines, uint64_t home, uint64_t line, uint64_t hash)
{
	for (uint64_t i = home; i < line; i++)
		lines[i].overflow = le32_make(le32_get(lines[i].overflow) |
					      1u << bucket_overflow_bit(hash));
}

/* The node that a record is, where a kind's key is one step. */
static inline struct sort_node
record_node(const struct maker *maker, size_t i)
{
	const struct segment_table *table = maker->table;
	return (struct sort_node){sort_record_hash(maker->kind, maker->seed,
						   table->records + i * table->record_bytes),
				  (uint32_t)i, FORMAT_SLOT_HERE};
}

static inline struct sort_node
node_at(const struct maker *maker, size_t i)
{
	return maker->nodes != NULL ? maker->nodes[i] : record_node(maker, i);
}

/* Do two slots of a line share a tag? A false yes is rare, a false no impossible. */
static bool
line_has_alike(const struct bucket_d *line)
{
	uint64_t seen[32] = {0};
	bool alike = false;
	for (unsigned slot = 0; slot < FORMAT_SLOTS; slot++) {
		uint16_t flags = le16_get(line->slot[slot]);
		uint64_t bit = (uint64_t)((flags & BUCKET_FLAGS) != 0) << (flags & 63);
		alike |= (seen[flags >> 6 & 31] & bit) != 0;
		seen[flags >> 6 & 31] |= bit;
	}
	return alike;
}

/* Slots of one tag in the lines that a probe from `from` on may see. */
static unsigned
probe_alike(const struct bucket_d *lines, uint64_t from, uint16_t tag)
{
	unsigned alike = 0;
	for (uint64_t i = from; i <= from + HOPS_MOST; i++)
		alike += (unsigned)__builtin_popcount(bucket_find(&lines[i], tag));
	return alike;
}

/* More than HOPS_MOST + 1 alike in a probe's lines are two in one of them: only such tags are counted. */
static bool
line_bounded(const struct maker *maker, const struct bucket_d *lines, uint64_t line)
{
	static_assert(ALIKE_MOST > HOPS_MOST, "two in one line");
	static_assert(2 * HOPS_MOST <= LIMIT_BUCKET_HOPS, "the last line's probes have lines");
	unsigned most = maker->kind == KIND_URL ? 2 * ALIKE_MOST : ALIKE_MOST;
	for (unsigned slot = 0; slot < FORMAT_SLOTS; slot++) {
		uint16_t flags = le16_get(lines[line].slot[slot]), tag = flags & FORMAT_SLOT_TAG;
		uint32_t same = (flags & BUCKET_FLAGS) == 0 ? 0 : bucket_find(&lines[line], tag);
		if ((same & (same - 1)) == 0 || (same & ((1u << slot) - 1)) != 0)
			continue; /* one, or counted at a slot before */
		for (uint64_t from = line < HOPS_MOST ? 0 : line - HOPS_MOST; from <= line; from++)
			if (probe_alike(lines, from, tag) > most)
				return false;
	}
	return true;
}

/*
 * False if some node, or all on average, would stand too far from home. *bounded: no probe sees too
 * many of one tag; as soon as one does the lines are of no use, and only hops are counted. Each line
 * is looked at when those that its probes see are full. `lines` is zeroed.
 */
static bool
fill_lines(const struct maker *maker, struct bucket_d *lines, uint64_t buckets, bool *bounded)
{
	size_t next = 0, count = maker->count;
	uint64_t hops = 0;
	uint32_t record = 0;
	struct sort_node node = node_at(maker, 0);
	*bounded = true;
	for (uint64_t line = 0; line < buckets + LIMIT_BUCKET_HOPS; line++) {
		lines[line].base = le32_make(record);
		for (unsigned slot = 0; next < count && slot < FORMAT_SLOTS; slot++) {
			uint64_t home = bucket_home(node.hash, buckets);
			if (home > line)
				break;
			if (line - home > HOPS_MOST)
				return false;
			hops += line - home;
			record += node.record != NO_RECORD;
			if (*bounded) {
				lines[line].slot[slot] = le16_make(
					(uint16_t)(bucket_tag(node.hash) | node.flags));
				mark_overflow(lines, home, line, node.hash);
			}
			if (++next < count)
				node = node_at(maker, next);
		}
		if (*bounded && line >= HOPS_MOST && line_has_alike(&lines[line - HOPS_MOST]))
			*bounded = line_bounded(maker, lines, line - HOPS_MOST);
	}
	return next == count && hops <= count / HOPS_MEAN_PART + HOPS_SPARE;
}

/* More lines if these are too few; another seed if too many of one tag meet. */
static enum status
place(const struct maker *maker, struct layout *layout, bool *placed, struct fault *fault)
{
	uint64_t buckets = maker->count / SLOTS_PLANNED + 1;
	bool filled = false, bounded = false;
	for (int tries = 0; tries < GROWTHS && !filled; tries++, buckets += buckets / 8 + 1) {
		free(layout->lines);
		layout->lines_count = buckets + LIMIT_BUCKET_HOPS;
		layout->buckets = buckets;
		layout->lines = calloc(layout->lines_count, sizeof(struct bucket_d));
		if (layout->lines == NULL || buckets > UINT32_MAX)
			return fault_set(fault, STATUS_NO_MEMORY, NULL, 0,
					 "no memory for %llu lines", (unsigned long long)buckets);
		filled = fill_lines(maker, layout->lines, buckets, &bounded);
	}
	*placed = filled && bounded;
	return STATUS_OK;
}

static enum status
take_order(const struct maker *maker, struct layout *layout, struct fault *fault)
{
	size_t count = maker->table->record_count, at = 0;
	layout->order = malloc(count * sizeof(uint32_t) + 1);
	if (layout->order == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for an order");
	for (size_t i = 0; i < maker->count; i++)
		if (maker->nodes[i].record != NO_RECORD)
			layout->order[at++] = maker->nodes[i].record;
	assert(at == count);
	return STATUS_OK;
}

static enum status
make_nodes(struct maker *maker, const struct layout *layout, layout_scopes_cb *scopes,
	   void *context, struct fault *fault)
{
	enum status status = add_keys(maker, layout, scopes, context, fault);
	if (status == STATUS_OK)
		status = sort_nodes(maker->nodes, maker->count, fault);
	return status == STATUS_OK ? join_nodes(maker, fault) : status;
}

/* Nodes of records that must not be moved. */
static enum status
make_copies(struct maker *maker, struct fault *fault)
{
	enum status status = intern_grow((void **)&maker->nodes, &maker->capacity, maker->count,
					 sizeof(struct sort_node), fault);
	if (status != STATUS_OK)
		return status;
	for (size_t i = 0; i < maker->count; i++)
		maker->nodes[i] = record_node(maker, i);
	status = sort_nodes(maker->nodes, maker->count, fault);
	return status == STATUS_OK ? join_nodes(maker, fault) : status;
}

/* Kinds whose key is one step: a node is a record, and nothing stands beside the records. */
static enum status
make_records(struct maker *maker, struct fault *fault)
{
	const struct segment_table *table = maker->table;
	bool twice = false;
	enum status status = STATUS_OK;
	maker->count = table->record_count;
	if (maker->records != NULL)
		status = sort_records(maker->kind, maker->seed, maker->records, maker->count, &twice,
				      fault);
	else if (!sort_is_done(maker->kind, maker->seed, table->records, maker->count))
		return make_copies(maker, fault);
	free(maker->nodes);
	maker->nodes = NULL;
	maker->capacity = 0;
	return status == STATUS_OK && twice ? put_twice(maker, fault) : status;
}

static uint32_t
record_at(const struct maker *maker, size_t i)
{
	if (i >= maker->count)
		return NO_RECORD;
	return maker->nodes == NULL ? (uint32_t)i : maker->nodes[i].record;
}

/* Records and texts lie apart from one another: they are asked for some nodes before their turn. */
static void
fetch_key(const struct maker *maker, size_t i)
{
	const struct segment_table *table = maker->table;
	uint32_t far = record_at(maker, i + 2 * FETCH_AHEAD), near = record_at(maker, i + FETCH_AHEAD);
	if (far != NO_RECORD)
		__builtin_prefetch(table->records + (size_t)far * table->record_bytes);
	if (near != NO_RECORD && table->keys_length > 0)
		__builtin_prefetch(table->keys +
				   le40_get(((const struct record_text_d *)table->records)[near].offset));
}

/* Straight from the table: that every text lies in it was seen when the keys were added. */
static void
salt_record(const struct maker *maker, struct salt *salt, uint32_t record)
{
	const struct segment_table *table = maker->table;
	const uint8_t *bytes = table->records + (size_t)record * table->record_bytes;
	size_t length = table->record_bytes - sizeof(struct le32);
	if (kind_table[maker->kind].key_bytes == 0) {
		bytes = (const uint8_t *)segment_table_text(table, record, &length);
		assert(bytes != NULL);
	}
	salt_add(salt, bytes, length);
}

/* Of the keys in the order that the plain seed gave them. */
static enum status
make_salt(const struct maker *maker, uint64_t *value, struct fault *fault)
{
	struct salt *salt;
	enum status status = salt_new(&salt, fault);
	if (status != STATUS_OK)
		return status;
	for (size_t i = 0; i < maker->count; i++) {
		fetch_key(maker, i);
		if (record_at(maker, i) != NO_RECORD)
			salt_record(maker, salt, record_at(maker, i));
	}
	*value = salt_finish(salt);
	return STATUS_OK;
}

/* One seed after another until no node stands too far from home. */
static enum status
make_all(struct maker *maker, struct hash_seed seed, layout_scopes_cb *scopes, void *context,
	 struct layout *layout, struct fault *fault)
{
	bool placed = maker->table->record_count == 0;
	enum status status = STATUS_OK;
	for (uint32_t reseeds = 0; status == STATUS_OK && !placed; reseeds++) {
		if (reseeds == RESEED_LIMIT)
			return fault_set(fault, STATUS_LIMIT, NULL, 0,
					 "no seed bounds the probes of this set");
		if (reseeds == 1)
			status = make_salt(maker, &layout->salt, fault);
		if (status != STATUS_OK)
			break;
		maker->seed = path_seed(seed, maker->kind, reseeds, layout->salt);
		layout->reseeds = reseeds;
		status = sort_takes(maker->kind) ? make_records(maker, fault)
						 : make_nodes(maker, layout, scopes, context, fault);
		if (status == STATUS_OK)
			status = place(maker, layout, &placed, fault);
	}
	return status == STATUS_OK && maker->nodes != NULL ? take_order(maker, layout, fault)
							   : status;
}

enum status
layout_make(const struct segment_table *table, uint8_t *records, enum kind kind,
	    struct hash_seed seed, layout_scopes_cb *scopes, void *context, struct layout *layout,
	    struct fault *fault)
{
	struct maker *maker = calloc(1, sizeof(*maker));
	memset(layout, 0, sizeof(*layout));
	if (maker == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a layout");
	maker->table = table;
	maker->records = records;
	maker->kind = kind;
	layout->record_count = table->record_count;
	if (kind == KIND_DOMAIN)
		find_begin(table, layout);
	enum status status = make_all(maker, seed, scopes, context, layout, fault);
	free(maker->nodes);
	free(maker);
	if (status != STATUS_OK)
		layout_fini(layout);
	return status;
}

void
layout_fini(struct layout *layout)
{
	free(layout->lines);
	free(layout->order);
	memset(layout, 0, sizeof(*layout));
}
