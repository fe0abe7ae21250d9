/* SPDX-License-Identifier: Apache-2.0 */
#include "query/judge_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(PROFILE_FILTERS < JUDGE_FILTER_NONE, "filter numbers fit a cell");

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to compile a profile");
}

/* --- rules ----------------------------------------------------------------------------- */

/* Kinds are apart as soon as one enabled filter has the one and not the other. */
static bool
kinds_alike(const struct profile *profile, unsigned a, unsigned b)
{
	for (size_t i = 0; i < profile->filter_count; i++) {
		const struct profile_filter *filter = &profile->filters[i];
		if (filter->enabled && ((filter->kinds >> a ^ filter->kinds >> b) & 1) != 0)
			return false;
	}
	return true;
}

static void
find_groups(struct judge_rules *rules)
{
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		unsigned like = 0;
		while (like < kind && !kinds_alike(rules->profile, like, kind))
			like++;
		unsigned group = like < kind ? rules->group[like] : rules->group_count++;
		rules->group[kind] = (uint8_t)group;
		rules->group_kinds[group] |= 1u << kind;
	}
}

static bool
filter_in(const struct profile_filter *filter, const struct judge_rules *rules, unsigned group)
{
	return filter->enabled && (filter->kinds & rules->group_kinds[group]) != 0;
}

static enum status
find_filters(struct judge_rules *rules, unsigned group, struct fault *fault)
{
	const struct profile *profile = rules->profile;
	rules->untagged[group] = JUDGE_FILTER_NONE;
	rules->open[group] = malloc((profile->filter_count + 1) * sizeof(uint16_t));
	if (rules->open[group] == NULL)
		return no_memory(fault);
	for (size_t i = profile->filter_count; i-- > 0;)
		if (filter_in(&profile->filters[i], rules, group) && profile->filters[i].untagged)
			rules->untagged[group] = (uint16_t)i;
	for (size_t i = 0; i < profile->filter_count; i++)
		if (filter_in(&profile->filters[i], rules, group) && profile->filters[i].tagged &&
		    criteria_plan_open(rules->plan, i))
			rules->open[group][rules->open_count[group]++] = (uint16_t)i;
	return STATUS_OK;
}

enum status
judge_rules_init(struct judge_rules *rules, const struct profile *profile, struct fault *fault)
{
	const struct criteria **criteria = calloc(profile->filter_count + 1, sizeof(*criteria));
	if (criteria == NULL)
		return no_memory(fault);
	for (size_t i = 0; i < profile->filter_count; i++)
		criteria[i] = profile->filters[i].criteria;
	rules->profile = profile;
	enum status status = criteria_plan_new(criteria, profile->filter_count, &rules->plan, fault);
	free(criteria);
	if (status != STATUS_OK)
		return status;
	find_groups(rules);
	for (unsigned group = 0; status == STATUS_OK && group < rules->group_count; group++)
		status = find_filters(rules, group, fault);
	return status;
}

void
judge_rules_fini(struct judge_rules *rules)
{
	for (unsigned group = 0; group < KIND_COUNT; group++)
		free(rules->open[group]);
	criteria_plan_free(rules->plan);
}

static bool
criteria_same(const struct criteria *a, const struct criteria *b)
{
	char *left = NULL, *right = NULL;
	size_t left_length, right_length;
	if (a == NULL || b == NULL)
		return a == b;
	bool same = criteria_print(a, &left, &left_length, NULL) == STATUS_OK &&
		    criteria_print(b, &right, &right_length, NULL) == STATUS_OK &&
		    left_length == right_length && memcmp(left, right, left_length) == 0;
	free(left);
	free(right);
	return same;
}

bool
judge_rules_same(const struct judge_rules *a, const struct judge_rules *b)
{
	if (a->profile->filter_count != b->profile->filter_count)
		return false;
	for (size_t i = 0; i < a->profile->filter_count; i++) {
		const struct profile_filter *left = &a->profile->filters[i];
		const struct profile_filter *right = &b->profile->filters[i];
		if (left->enabled != right->enabled || left->kinds != right->kinds ||
		    left->tagged != right->tagged || left->untagged != right->untagged ||
		    !criteria_same(left->criteria, right->criteria))
			return false;
	}
	return true;
}

/* --- compiling ------------------------------------------------------------------------- */

#define WORDS CRITERIA_BATCH_WORDS(CRITERIA_BATCH_SETS)
#define SLOTS (2 * (size_t)JUDGE_ROWS + 2) /* a power of two */

/* Large: on the heap. */
struct compile {
	const struct judge_rules *rules;
	struct judge_table *table;
	struct criteria_batch *batch;
	uint16_t *slots;                       /* rows by what is in them; NULL until needed */
	size_t base, n;                        /* sets of this batch */
	uint64_t certain[WORDS], open[WORDS];
	uint64_t undecided[KIND_COUNT][WORDS]; /* by group */
	struct criteria_set sets[CRITERIA_BATCH_SETS];
};

static struct judge_cell *
cells_of(const struct compile *compile, unsigned group)
{
	return compile->table->memory + (size_t)group * (compile->table->set_count + 1) +
	       compile->base;
}

/* First pass, filters ascending: a set belongs to the first that takes it for certain. */
static bool
take_certain(struct compile *compile, unsigned group, uint16_t filter)
{
	struct judge_cell *cells = cells_of(compile, group);
	uint64_t left = 0;
	for (size_t w = 0; w < CRITERIA_BATCH_WORDS(compile->n); w++) {
		uint64_t taken = compile->certain[w] & compile->undecided[group][w];
		compile->undecided[group][w] ^= taken;
		left |= compile->undecided[group][w];
		for (; taken != 0; taken &= taken - 1)
			cells[w * 64 + (unsigned)__builtin_ctzll(taken)].first = filter;
	}
	return left != 0;
}

static void
find_certain(struct compile *compile)
{
	const struct judge_rules *rules = compile->rules;
	unsigned waiting = (1u << rules->group_count) - 1; /* groups with undecided sets */
	for (size_t i = 0; i < rules->profile->filter_count && waiting != 0; i++) {
		const struct profile_filter *filter = &rules->profile->filters[i];
		if (!filter->enabled || !filter->tagged)
			continue;
		criteria_batch_ask(compile->batch, i, CRITERIA_NOTES_ANY, compile->certain,
				   compile->open);
		for (unsigned group = 0; group < rules->group_count; group++)
			if ((waiting >> group & 1) != 0 && filter_in(filter, rules, group) &&
			    !take_certain(compile, group, (uint16_t)i))
				waiting &= ~(1u << group);
	}
}

/* The row {filter, next}: the one there is, or a new one, or JUDGE_ROW_ALL. */
static uint16_t
row_of(struct compile *compile, uint16_t filter, uint16_t next)
{
	struct judge_table *table = compile->table;
	size_t slot = ((size_t)filter * 0x9e3779b1u + (size_t)next * 0x85ebca6bu) & (SLOTS - 1);
	if (next == JUDGE_ROW_ALL)
		return JUDGE_ROW_ALL;
	for (; compile->slots[slot] != 0; slot = (slot + 1) & (SLOTS - 1)) {
		const struct judge_row *row = &table->rows[compile->slots[slot]];
		if (row->filter == filter && row->next == next)
			return compile->slots[slot];
	}
	if (table->row_count == JUDGE_ROWS)
		return JUDGE_ROW_ALL;
	table->rows[table->row_count] = (struct judge_row){filter, next};
	compile->slots[slot] = (uint16_t)table->row_count;
	return (uint16_t)table->row_count++;
}

/* Second pass, open filters descending: each goes in front of the row of the sets it leaves open. */
static void
find_rows(struct compile *compile, unsigned group)
{
	struct judge_cell *cells = cells_of(compile, group);
	for (size_t k = compile->rules->open_count[group]; k-- > 0;) {
		uint16_t filter = compile->rules->open[group][k];
		criteria_batch_ask(compile->batch, filter, CRITERIA_NOTES_ANY, compile->certain,
				   compile->open);
		for (size_t w = 0; w < CRITERIA_BATCH_WORDS(compile->n); w++) {
			for (uint64_t bits = compile->open[w]; bits != 0; bits &= bits - 1) {
				struct judge_cell *cell =
					&cells[w * 64 + (unsigned)__builtin_ctzll(bits)];
				if (filter < cell->first)
					cell->row = row_of(compile, filter, cell->row);
			}
		}
	}
}

static enum status
compile_batch(struct compile *compile, const struct segment *segment, struct fault *fault)
{
	for (size_t i = 0; i < compile->n; i++)
		compile->sets[i].bytes = segment_tags(segment, (uint32_t)(compile->base + i),
						      &compile->sets[i].length);
	enum status status = criteria_batch_load(compile->batch, compile->sets, compile->n, fault);
	if (status != STATUS_OK)
		return status;
	for (unsigned group = 0; group < compile->rules->group_count; group++) {
		struct judge_cell *cells = cells_of(compile, group);
		memset(compile->undecided[group], 0, sizeof(compile->undecided[group]));
		for (size_t i = 0; i < compile->n; i++) {
			cells[i] = (struct judge_cell){JUDGE_FILTER_NONE, JUDGE_ROW_NONE};
			compile->undecided[group][i / 64] |= 1ull << (i % 64);
		}
	}
	find_certain(compile);
	for (unsigned group = 0; group < compile->rules->group_count; group++)
		find_rows(compile, group);
	return STATUS_OK;
}

/* Number set_count, which is past the end, reads as the empty set. */
static enum status
compile_all(struct compile *compile, const struct segment *segment, struct fault *fault)
{
	size_t total = (size_t)compile->table->set_count + 1;
	enum status status = criteria_batch_new(compile->rules->plan, &compile->batch, fault);
	for (; status == STATUS_OK && compile->base < total; compile->base += compile->n) {
		compile->n = total - compile->base;
		if (compile->n > CRITERIA_BATCH_SETS)
			compile->n = CRITERIA_BATCH_SETS;
		status = compile_batch(compile, segment, fault);
	}
	criteria_batch_free(compile->batch);
	return status;
}

static bool
any_open(const struct judge_rules *rules)
{
	size_t count = 0;
	for (unsigned group = 0; group < rules->group_count; group++)
		count += rules->open_count[group];
	return count > 0;
}

/* Rows are kept no longer than they are. */
static void
trim_rows(struct judge_table *table)
{
	struct judge_row *rows = realloc(table->rows, table->row_count * sizeof(*rows));
	if (rows != NULL)
		table->rows = rows;
	table->bytes += table->row_count * sizeof(*rows);
}

static enum status
fill_table(const struct judge_rules *rules, const struct segment *segment,
	   struct judge_table *table, struct fault *fault)
{
	struct compile *compile = calloc(1, sizeof(*compile));
	size_t cells = (size_t)rules->group_count * ((size_t)table->set_count + 1);
	bool open = any_open(rules);
	table->memory = malloc(cells * sizeof(*table->memory));
	table->rows = malloc((open ? JUDGE_ROWS : 1) * sizeof(*table->rows));
	if (compile != NULL && open)
		compile->slots = calloc(SLOTS, sizeof(*compile->slots));
	enum status status = STATUS_OK;
	if (compile == NULL || table->memory == NULL || table->rows == NULL ||
	    (open && compile->slots == NULL)) {
		status = no_memory(fault);
	} else {
		for (unsigned kind = 0; kind < KIND_COUNT; kind++)
			table->cells[kind] = table->memory + (size_t)rules->group[kind] *
					     ((size_t)table->set_count + 1);
		table->rows[0] = (struct judge_row){JUDGE_FILTER_NONE, JUDGE_ROW_NONE};
		table->row_count = 1;
		table->bytes = sizeof(*table) + cells * sizeof(*table->memory);
		compile->rules = rules;
		compile->table = table;
		status = compile_all(compile, segment, fault);
		trim_rows(table);
	}
	if (compile != NULL)
		free(compile->slots);
	free(compile);
	return status;
}

enum status
judge_table_new(const struct judge_rules *rules, const struct segment *segment,
		struct judge_table **table, struct fault *fault)
{
	struct judge_table *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return no_memory(fault);
	fresh->references = 1;
	fresh->set_count = segment->tags.count;
	memcpy(fresh->sha256, container_sha256(&segment->container), sizeof(fresh->sha256));
	enum status status = fill_table(rules, segment, fresh, fault);
	if (status == STATUS_OK)
		*table = fresh;
	else
		judge_table_drop(fresh);
	return status;
}

struct judge_table *
judge_table_take(struct judge_table *table)
{
	__atomic_add_fetch(&table->references, 1, __ATOMIC_RELAXED);
	return table;
}

void
judge_table_drop(struct judge_table *table)
{
	if (table == NULL || __atomic_sub_fetch(&table->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	free(table->memory);
	free(table->rows);
	free(table);
}
