/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many criteria on many tag sets.
 *
 * Loading makes of each column: the sets that have the category (a bit vector), and
 * the sets by place of their values (postings, sorted by place, then by set):
 *
 *   starts    0     0        3        3           8      by place, one more than places
 *   sets            2 5 9             0 1 4 7 8          of places 1 and 3
 *
 * A place with many sets keeps them as a vector too (dense), so that a comparison
 * costs at most words() + n / BATCH_DENSE steps. A number stands on a set once, so its
 * postings are also in the order of numbers: less and more are a beginning of them,
 * found from the nearest of BATCH_STEPS vectors kept on the way.
 */
#include "query/criteria_column.h"

#include <stdlib.h>
#include <string.h>

#include "engine/intern.h"

#define BATCH_DENSE 64 /* a place with more than a 64th of the sets */
#define BATCH_STEPS 16

_Static_assert(CRITERIA_BATCH_SETS <= UINT16_MAX + 1, "a set is two bytes");

struct batch_pair {
	uint32_t place;
	uint16_t set;
};

struct batch_column {
	struct batch_pair *pairs;
	size_t pair_count, pair_capacity;
	uint64_t *present;
	uint32_t *starts;
	uint16_t *sets;
	uint64_t **dense;   /* by place; into `vectors`, or NULL */
	uint64_t *vectors;  /* all dense ones, then the steps */
	uint64_t *steps;    /* numbers: BATCH_STEPS + 1 vectors; NULL for others */
};

struct criteria_batch {
	const struct criteria_plan *plan;
	size_t count, words;
	uint64_t *whole;              /* the sets that are not damaged */
	uint64_t *scratch;            /* two vectors a level */
	struct batch_column *columns; /* as the plan's; used: those of class OF_SET */
};

/* Sets for which it is true, and for which it may be: true is a part of may. */
struct answer {
	uint64_t *sure, *may;
};

static void
bit_set(uint64_t *vector, size_t bit)
{
	vector[bit / 64] |= 1ull << (bit % 64);
}

static void
vector_or(uint64_t *to, const uint64_t *from, size_t words)
{
	for (size_t i = 0; i < words; i++)
		to[i] |= from[i];
}

static void
vector_and(uint64_t *to, const uint64_t *from, size_t words)
{
	for (size_t i = 0; i < words; i++)
		to[i] &= from[i];
}

static void
vector_not(uint64_t *to, size_t words)
{
	for (size_t i = 0; i < words; i++)
		to[i] = ~to[i];
}

/* to = of without to */
static void
vector_rest(uint64_t *to, const uint64_t *of, size_t words)
{
	for (size_t i = 0; i < words; i++)
		to[i] = of[i] & ~to[i];
}

static void
vector_fill(uint64_t *to, bool value, size_t words)
{
	memset(to, value ? 0xff : 0, words * sizeof(*to));
}

static void
column_clear(struct batch_column *column)
{
	free(column->present);
	free(column->starts);
	free(column->sets);
	free(column->dense);
	free(column->vectors);
	column->present = column->vectors = column->steps = NULL;
	column->starts = NULL;
	column->sets = NULL;
	column->dense = NULL;
	column->pair_count = 0;
}

static void
batch_clear(struct criteria_batch *batch)
{
	for (uint32_t i = 0; i < batch->plan->column_count; i++)
		column_clear(&batch->columns[i]);
	free(batch->whole);
	free(batch->scratch);
	batch->whole = batch->scratch = NULL;
	batch->count = batch->words = 0;
}

enum status
criteria_batch_new(const struct criteria_plan *plan, struct criteria_batch **batch,
		   struct fault *fault)
{
	struct criteria_batch *made = calloc(1, sizeof(*made));

	if (made)
		made->columns = calloc(plan->column_count + 1u, sizeof(*made->columns));
	if (!made || !made->columns) {
		free(made);
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	}
	made->plan = plan;
	*batch = made;
	return STATUS_OK;
}

void
criteria_batch_free(struct criteria_batch *batch)
{
	if (!batch)
		return;
	batch_clear(batch);
	for (uint32_t i = 0; i < batch->plan->column_count; i++)
		free(batch->columns[i].pairs);
	free(batch->columns);
	free(batch);
}

/* --- loading ----------------------------------------------------------------- */

static enum status
pair_add(struct batch_column *column, uint32_t place, size_t set, struct fault *fault)
{
	void *pairs = column->pairs;
	enum status status = intern_grow(&pairs, &column->pair_capacity, column->pair_count + 1,
					 sizeof(*column->pairs), fault);

	if (status != STATUS_OK)
		return status;
	column->pairs = pairs;
	column->pairs[column->pair_count++] =
		(struct batch_pair){ .place = place, .set = (uint16_t)set };
	return STATUS_OK;
}

static enum status
tag_load(struct criteria_batch *batch, uint32_t index, size_t set, const struct tag_view *tag,
	 struct fault *fault)
{
	const struct criteria_column *column = &batch->plan->columns[index];
	const uint8_t *at = tag->values;

	bit_set(batch->columns[index].present, set);
	for (size_t i = 0; i < tag->value_count; i++, at += 1u + at[0]) {
		uint32_t place = criteria_column_place(batch->plan, column, (const char *)at + 1,
						       at[0]);
		/* Gaps are for the order of numbers only. */
		if (place == CRITERIA_NO_PLACE || (place % 2 == 0 && tag->type != TAG_NUMBER))
			continue;
		enum status status = pair_add(&batch->columns[index], place, set, fault);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

static enum status
set_load(struct criteria_batch *batch, size_t set, const struct criteria_set *bytes,
	 struct fault *fault)
{
	struct tag_cursor cursor = { .bytes = bytes->bytes, .length = bytes->length };
	struct tag_view tag;

	while (tag_next(&cursor, &tag)) {
		uint32_t column = criteria_column_find(batch->plan, CRITERIA_OF_SET, &tag);
		enum status status = column == CRITERIA_NO_COLUMN
					     ? STATUS_OK
					     : tag_load(batch, column, set, &tag, fault);
		if (status != STATUS_OK)
			return status;
	}
	if (!cursor.bad)
		bit_set(batch->whole, set);
	return STATUS_OK;
}

static size_t
places_of(const struct criteria_batch *batch, uint32_t index)
{
	return 2 * (size_t)batch->plan->columns[index].count + 1;
}

/* Counting sort by place; sets were added in ascending order. */
static void
pairs_sort(struct batch_column *column, size_t places)
{
	for (size_t i = 0; i < column->pair_count; i++)
		column->starts[column->pairs[i].place + 1]++;
	for (size_t place = 0; place < places; place++)
		column->starts[place + 1] += column->starts[place];
	/* Each start moves to its end, which is the next one's start: then shift back. */
	for (size_t i = 0; i < column->pair_count; i++)
		column->sets[column->starts[column->pairs[i].place]++] = column->pairs[i].set;
	memmove(column->starts + 1, column->starts, places * sizeof(*column->starts));
	column->starts[0] = 0;
}

static bool
place_is_dense(const struct criteria_batch *batch, const struct batch_column *column,
	       size_t place)
{
	return column->starts[place + 1] - column->starts[place] > batch->count / BATCH_DENSE;
}

static void
postings_or(const struct batch_column *column, size_t begin, size_t end, uint64_t *vector)
{
	for (size_t i = begin; i < end; i++)
		bit_set(vector, column->sets[i]);
}

static size_t
step_end(const struct batch_column *column, size_t step)
{
	return column->pair_count * step / BATCH_STEPS;
}

static void
steps_fill(const struct criteria_batch *batch, struct batch_column *column)
{
	for (size_t step = 1; step <= BATCH_STEPS; step++) {
		uint64_t *to = column->steps + step * batch->words;
		memcpy(to, to - batch->words, batch->words * sizeof(*to));
		postings_or(column, step_end(column, step - 1), step_end(column, step), to);
	}
}

static enum status
vectors_make(struct criteria_batch *batch, uint32_t index, struct fault *fault)
{
	struct batch_column *column = &batch->columns[index];
	bool numeric = batch->plan->columns[index].type == TAG_NUMBER;
	size_t places = places_of(batch, index), dense = 0;

	for (size_t place = 0; place < places; place++)
		dense += place_is_dense(batch, column, place);
	column->vectors = calloc((dense + (numeric ? BATCH_STEPS + 1 : 0)) * batch->words + 1,
				 sizeof(*column->vectors));
	if (!column->vectors)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	dense = 0;
	for (size_t place = 0; place < places; place++) {
		if (!place_is_dense(batch, column, place))
			continue;
		column->dense[place] = column->vectors + dense++ * batch->words;
		postings_or(column, column->starts[place], column->starts[place + 1],
			    column->dense[place]);
	}
	if (numeric) {
		column->steps = column->vectors + dense * batch->words;
		steps_fill(batch, column);
	}
	return STATUS_OK;
}

static enum status
column_finish(struct criteria_batch *batch, uint32_t index, struct fault *fault)
{
	struct batch_column *column = &batch->columns[index];
	size_t places = places_of(batch, index);

	column->starts = calloc(places + 1, sizeof(*column->starts));
	column->sets = calloc(column->pair_count + 1, sizeof(*column->sets));
	column->dense = calloc(places, sizeof(*column->dense));
	if (!column->starts || !column->sets || !column->dense)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	pairs_sort(column, places);
	return vectors_make(batch, index, fault);
}

static enum status
batch_room(struct criteria_batch *batch, size_t n, struct fault *fault)
{
	const struct criteria_plan *plan = batch->plan;
	bool ok;

	batch->count = n;
	batch->words = CRITERIA_BATCH_WORDS(n);
	batch->whole = calloc(batch->words + 1, sizeof(uint64_t));
	batch->scratch = calloc(2 * (size_t)plan->levels * batch->words + 1, sizeof(uint64_t));
	ok = batch->whole && batch->scratch;
	for (uint32_t i = plan->class_first[CRITERIA_OF_SET];
	     ok && i < plan->class_first[CRITERIA_OF_SET + 1]; i++) {
		batch->columns[i].present = calloc(batch->words + 1, sizeof(uint64_t));
		ok = batch->columns[i].present != NULL;
	}
	return ok ? STATUS_OK : fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
}

static enum status
batch_fill(struct criteria_batch *batch, const struct criteria_set *sets, size_t n,
	   struct fault *fault)
{
	const struct criteria_plan *plan = batch->plan;
	enum status status = batch_room(batch, n, fault);

	for (size_t i = 0; i < n && status == STATUS_OK; i++)
		status = set_load(batch, i, &sets[i], fault);
	for (uint32_t i = plan->class_first[CRITERIA_OF_SET];
	     i < plan->class_first[CRITERIA_OF_SET + 1] && status == STATUS_OK; i++)
		status = column_finish(batch, i, fault);
	return status;
}

enum status
criteria_batch_load(struct criteria_batch *batch, const struct criteria_set *sets, size_t n,
		    struct fault *fault)
{
	enum status status;

	batch_clear(batch);
	if (n > CRITERIA_BATCH_SETS)
		return fault_set(fault, STATUS_USAGE, NULL, 0, "more than %d sets at once",
				 CRITERIA_BATCH_SETS);
	status = batch_fill(batch, sets, n, fault);
	if (status != STATUS_OK)
		batch_clear(batch);
	return status;
}

/* --- asking ------------------------------------------------------------------ */

struct question {
	const struct criteria_batch *batch;
	const struct criteria_plan_row *row;
	bool no_notes;
};

/* The first `end` postings of a column of numbers. */
static void
beginning(const struct criteria_batch *batch, const struct batch_column *column, size_t end,
	  uint64_t *vector)
{
	size_t step = column->pair_count ? end * BATCH_STEPS / column->pair_count : 0;

	memcpy(vector, column->steps + step * batch->words, batch->words * sizeof(*vector));
	postings_or(column, step_end(column, step), end, vector);
}

static void
any_of(const struct criteria_batch *batch, const struct batch_column *column,
       const uint32_t *wanted, size_t count, uint64_t *vector)
{
	vector_fill(vector, false, batch->words);
	for (size_t i = 0; i < count; i++) {
		uint32_t place = wanted[i];
		if (column->dense[place])
			vector_or(vector, column->dense[place], batch->words);
		else
			postings_or(column, column->starts[place], column->starts[place + 1],
				    vector);
	}
}

static void
order_of(const struct criteria_batch *batch, const struct batch_column *column,
	 enum criteria_op op, uint32_t wanted, uint64_t *vector)
{
	bool with_wanted = op == CRITERIA_LESS_EQUAL || op == CRITERIA_MORE;

	beginning(batch, column, column->starts[wanted + with_wanted], vector);
	if (op == CRITERIA_MORE || op == CRITERIA_MORE_EQUAL)
		vector_rest(vector, column->steps + BATCH_STEPS * batch->words, batch->words);
}

static void
compare_known(const struct question *question, const struct criteria_node *node,
	      const struct batch_column *column, uint64_t *vector)
{
	const struct criteria_batch *batch = question->batch;
	const uint32_t *wanted =
		batch->plan->value_places + question->row->values + node->value_first;
	size_t bytes = batch->words * sizeof(*vector);

	switch (node->op) {
	case CRITERIA_MISSING:
		memcpy(vector, column->present, bytes);
		vector_not(vector, batch->words);
		break;
	case CRITERIA_PRESENT:
		memcpy(vector, column->present, bytes);
		break;
	case CRITERIA_EQUAL:
	case CRITERIA_IN:
		any_of(batch, column, wanted, node->value_count, vector);
		break;
	case CRITERIA_DIFFER:
		any_of(batch, column, wanted, 1, vector);
		vector_rest(vector, column->present, batch->words);
		break;
	default:
		order_of(batch, column, (enum criteria_op)node->op, wanted[0], vector);
	}
}

static void
compare_ask(const struct question *question, const struct criteria_node *node,
	    struct answer answer)
{
	const struct criteria_batch *batch = question->batch;
	uint32_t index = batch->plan->slot_columns[question->row->slots + node->slot];
	enum criteria_class class = (enum criteria_class)batch->plan->columns[index].class;

	if (class == CRITERIA_OF_SET) {
		compare_known(question, node, &batch->columns[index], answer.sure);
	} else if (class == CRITERIA_OF_NOTES && question->no_notes) {
		vector_fill(answer.sure, node->op == CRITERIA_MISSING, batch->words);
	} else {
		vector_fill(answer.sure, false, batch->words);
		vector_fill(answer.may, true, batch->words);
		return;
	}
	if (answer.may != answer.sure)
		memcpy(answer.may, answer.sure, batch->words * sizeof(uint64_t));
}

/* Where nothing is open, both vectors are one, and half the work is saved. */
static struct answer
answer_at(const struct question *question, unsigned level)
{
	const struct criteria_batch *batch = question->batch;
	uint64_t *sure = batch->scratch + 2 * (size_t)level * batch->words;

	return (struct answer){ sure, question->row->open ? sure + batch->words : sure };
}

static void
answer_join(struct answer to, struct answer more, enum criteria_op op, size_t words)
{
	void (*join)(uint64_t *, const uint64_t *, size_t) =
		op == CRITERIA_AND ? vector_and : vector_or;

	join(to.sure, more.sure, words);
	if (to.may != to.sure)
		join(to.may, more.may, words);
}

/* Not: sure of the opposite is what is not even possible. */
static void
answer_not(struct answer answer, size_t words)
{
	if (answer.may == answer.sure) {
		vector_not(answer.sure, words);
		return;
	}
	for (size_t i = 0; i < words; i++) {
		uint64_t sure = answer.sure[i];
		answer.sure[i] = ~answer.may[i];
		answer.may[i] = ~sure;
	}
}

static void
node_ask(const struct question *question, uint32_t index, unsigned level)
{
	const struct criteria_node *nodes = question->row->criteria->nodes;
	const struct criteria_node *node = &nodes[index];
	size_t words = question->batch->words;

	if (node->op <= CRITERIA_PRESENT) {
		compare_ask(question, node, answer_at(question, level));
		return;
	}
	node_ask(question, node->first, level);
	if (node->op == CRITERIA_NOT) {
		answer_not(answer_at(question, level), words);
		return;
	}
	for (uint32_t child = nodes[node->first].next; child != CRITERIA_NONE;
	     child = nodes[child].next) {
		node_ask(question, child, level + 1);
		answer_join(answer_at(question, level), answer_at(question, level + 1),
			    (enum criteria_op)node->op, words);
	}
}

void
criteria_batch_ask(struct criteria_batch *batch, size_t i, enum criteria_notes notes,
		   uint64_t *certain, uint64_t *open)
{
	struct question question = {
		.batch = batch,
		.row = &batch->plan->rows[i],
		.no_notes = notes == CRITERIA_NOTES_NONE,
	};
	struct answer answer;

	vector_fill(open, false, batch->words);
	if (!question.row->criteria) {
		vector_fill(certain, true, batch->words);
		if (batch->count % 64)
			certain[batch->words - 1] >>= 64 - batch->count % 64;
		return;
	}
	node_ask(&question, question.row->criteria->root, 0);
	answer = answer_at(&question, 0);
	for (size_t w = 0; w < batch->words; w++) {
		certain[w] = answer.sure[w] & batch->whole[w];
		open[w] = answer.may[w] & ~answer.sure[w] & batch->whole[w];
	}
}
