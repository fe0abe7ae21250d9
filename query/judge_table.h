/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdict tables: which filter takes the claims that have a tag set. Private to judge*.c.
 *
 *   cells[kind][tag set] -> { first filter that takes the set for certain,
 *                             row of earlier filters that must be asked of the claim }
 *
 *   rows   {filter, next row}: filters ascending, the last has next JUDGE_ROW_NONE.
 *          Rows with the same end share it, so equal rows are one number.
 *
 * Kinds that have the same filters share their cells. One table a layer; judges of
 * successive generations share the tables of layers that stay (references).
 *
 * Memory: 4 bytes a tag set and group of kinds (at most 6 groups), and at most
 * 65,534 rows of 4 bytes; sets whose row finds no room have JUDGE_ROW_ALL: all open
 * filters of the kind before the first certain one are asked. While compiling: a
 * batch of criteria_plan.h, and 512 KiB where there are open filters.
 */
#ifndef QUERY_JUDGE_TABLE_H
#define QUERY_JUDGE_TABLE_H

#include "engine/segment.h"
#include "query/criteria_plan.h"
#include "query/profile.h"

#define JUDGE_FILTER_NONE 0xffffu
#define JUDGE_ROW_NONE 0u
#define JUDGE_ROW_ALL 0xffffu
#define JUDGE_ROWS 0xffffu /* rows 1 .. 65534 */

struct judge_cell {
	uint16_t first, row;
};

struct judge_row {
	uint16_t filter, next;
};

/* What is the same for all layers. */
struct judge_rules {
	const struct profile *profile;
	struct criteria_plan *plan;          /* criteria i is that of filter i */
	uint8_t group[KIND_COUNT];           /* kinds with the same filters have the same number */
	unsigned group_count;
	unsigned group_kinds[KIND_COUNT];    /* of each group: 1 << enum kind */
	uint16_t untagged[KIND_COUNT];       /* of each group: the filter of untagged claims */
	uint16_t *open[KIND_COUNT];          /* of each group: filters that may stay open, ascending */
	size_t open_count[KIND_COUNT];
};

/* All zero and `profile` set; fini also after a failure. */
enum status
judge_rules_init(struct judge_rules *rules, const struct profile *profile, struct fault *fault);
void
judge_rules_fini(struct judge_rules *rules);
/* Would both make the same tables? Their catalogues must have the same categories (the caller's). */
bool
judge_rules_same(const struct judge_rules *a, const struct judge_rules *b);

struct judge_table {
	uint32_t references;                 /* atomic */
	uint8_t sha256[32];                  /* of the layer's segment */
	uint32_t set_count;
	uint32_t row_count;
	size_t bytes;                        /* on the heap */
	struct judge_cell *cells[KIND_COUNT]; /* set_count + 1 each; the last: any other number */
	struct judge_cell *memory;
	struct judge_row *rows;
};

enum status
judge_table_new(const struct judge_rules *rules, const struct segment *segment,
		struct judge_table **table, struct fault *fault);
/* One more holder; and one less. NULL is welcome to drop. */
struct judge_table *
judge_table_take(struct judge_table *table);
void
judge_table_drop(struct judge_table *table);

static inline struct judge_cell
judge_table_cell(const struct judge_table *table, enum kind kind, uint32_t set)
{
	return table->cells[kind][set < table->set_count ? set : table->set_count];
}

#endif
