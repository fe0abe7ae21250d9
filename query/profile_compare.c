/* SPDX-License-Identifier: Apache-2.0 */
/* Two profiles beside each other: what differs, and whether a lock forbids it. */
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"
#include "query/profile_parts.h"

#define FIELDS_BYTES 128 /* the names of all columns of a part, joined */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct comparing {
	const struct profile *now, *next;
	profile_difference_cb *call;
	void *context;
	struct fault *fault;
	enum status status; /* the first failure stays */
};

/* Is a column the same in a row of now and a row of next? */
struct column;
typedef bool same_column(struct comparing *comparing, const struct column *column, const void *now,
			 const void *next);

struct column {
	const char *name;
	same_column *same;
	size_t offset;
};

/* A list of rows that begin with their name. */
struct part {
	enum profile_part part;
	size_t rows, count; /* offsets in struct profile */
	size_t row_bytes;
	const struct column *columns;
	size_t column_count;
};

static void
no_memory(struct comparing *comparing)
{
	comparing->status = fault_set(comparing->fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
}

/* --- columns ----------------------------------------------------------------------- */

static bool
same_bytes(const void *now, const void *next, size_t offset, size_t length)
{
	return memcmp((const char *)now + offset, (const char *)next + offset, length) == 0;
}

static bool
same_bool(struct comparing *comparing, const struct column *column, const void *now,
	  const void *next)
{
	return same_bytes(now, next, column->offset, sizeof(bool));
}

static bool
same_word(struct comparing *comparing, const struct column *column, const void *now,
	  const void *next)
{
	return same_bytes(now, next, column->offset, sizeof(uint32_t));
}

static bool
same_long(struct comparing *comparing, const struct column *column, const void *now,
	  const void *next)
{
	return same_bytes(now, next, column->offset, sizeof(uint64_t));
}

static bool
same_text(struct comparing *comparing, const struct column *column, const void *now,
	  const void *next)
{
	char *const *left = (const void *)((const char *)now + column->offset);
	char *const *right = (const void *)((const char *)next + column->offset);

	return strcmp(*left, *right) == 0;
}

static const struct profile_action *
action_of(const struct profile *profile, const struct profile_filter *filter)
{
	return &profile->actions[filter->action];
}

static bool
same_action(struct comparing *comparing, const struct column *column, const void *now,
	    const void *next)
{
	const char *name = action_of(comparing->next, next)->name;

	return text_is_word(name, strlen(name), action_of(comparing->now, now)->name);
}

/* By their canonical text. */
static bool
same_where(struct comparing *comparing, const struct column *column, const void *now,
	   const void *next)
{
	const struct criteria *left = ((const struct profile_filter *)now)->criteria;
	const struct criteria *right = ((const struct profile_filter *)next)->criteria;
	char *one = NULL, *other = NULL;
	size_t length;
	bool same;

	if (!left || !right)
		return left == right;
	if (criteria_print(left, &one, &length, NULL) != STATUS_OK ||
	    criteria_print(right, &other, &length, NULL) != STATUS_OK)
		no_memory(comparing);
	same = !one || !other || strcmp(one, other) == 0;
	free(one);
	free(other);
	return same;
}

_Static_assert(offsetof(struct profile_action, name) == 0, "rows begin with their name");
_Static_assert(offsetof(struct profile_filter, name) == 0, "rows begin with their name");
_Static_assert(offsetof(struct profile_exception, name) == 0, "rows begin with their name");
_Static_assert(sizeof(enum profile_flow) == sizeof(uint32_t), "compared as a word");
_Static_assert(sizeof(enum kind) == sizeof(uint32_t), "compared as a word");
_Static_assert(sizeof(unsigned) == sizeof(uint32_t), "compared as a word");

#define ACTION(member) offsetof(struct profile_action, member)
#define FILTER(member) offsetof(struct profile_filter, member)
#define EXCEPTION(member) offsetof(struct profile_exception, member)

static const struct column action_columns[] = {
	{ "name", same_text, ACTION(name) },     { "flow", same_word, ACTION(flow) },
	{ "notify", same_bool, ACTION(notify) }, { "trace", same_bool, ACTION(trace) },
	{ "rate-kbps", same_word, ACTION(rate_kbps) },
};
static const struct column filter_columns[] = {
	{ "name", same_text, FILTER(name) },
	{ "action", same_action, 0 },
	{ "kinds", same_word, FILTER(kinds) },
	{ "untagged", same_bool, FILTER(untagged) },
	{ "tagged", same_bool, FILTER(tagged) },
	{ "where", same_where, 0 },
	{ "enabled", same_bool, FILTER(enabled) },
	{ "locked", same_bool, FILTER(locked) },
};
static const struct column exception_columns[] = {
	{ "name", same_text, EXCEPTION(name) },   { "kind", same_word, EXCEPTION(kind) },
	{ "value", same_text, EXCEPTION(value) }, { "owner", same_text, EXCEPTION(owner) },
	{ "reason", same_text, EXCEPTION(reason) },
	{ "expires", same_long, EXCEPTION(expires) },
};

#define PART(part, name)                                                                 \
	{ part, offsetof(struct profile, name##s), offsetof(struct profile, name##_count), \
	  sizeof(struct profile_##name), name##_columns, COUNT(name##_columns) }

enum { PART_FILTER = 1 };
static const struct part parts[] = {
	PART(PROFILE_ACTION, action),
	[PART_FILTER] = PART(PROFILE_FILTER, filter),
	PART(PROFILE_EXCEPTION, exception),
};

static size_t
row_count(const struct part *part, const struct profile *profile)
{
	return *(const size_t *)(const void *)((const char *)profile + part->count);
}

static const void *
row_get(const struct part *part, const struct profile *profile, size_t i)
{
	const char *const *rows = (const void *)((const char *)profile + part->rows);

	return *rows + i * part->row_bytes;
}

static const char *
row_name(const struct part *part, const struct profile *profile, size_t i)
{
	return *(char *const *)row_get(part, profile, i);
}

/* --- rows --------------------------------------------------------------------------- */

/* Rows of next and where they were. */
struct match {
	size_t before;  /* SIZE_MAX: new */
	size_t link;    /* the kept row before it in the longest rising run that ends here */
	bool kept;      /* it did not move */
};

/* Which row of now each row of next was; the rows of now that are left in `gone`. */
static enum status
rows_match(struct comparing *comparing, const struct part *part, struct match *match, bool *gone)
{
	size_t count = row_count(part, comparing->now);
	struct profile_name *names = malloc((count + 1) * sizeof(*names));

	if (!names) {
		no_memory(comparing);
		return comparing->status;
	}
	for (size_t i = 0; i < count; i++) {
		names[i] = (struct profile_name){ row_name(part, comparing->now, i), (uint32_t)i };
		gone[i] = true;
	}
	profile_names_sort(names, count);
	for (size_t i = 0; i < row_count(part, comparing->next); i++) {
		const char *name = row_name(part, comparing->next, i);
		match[i].before = profile_names_find(names, count, name, strlen(name));
		if (match[i].before != SIZE_MAX)
			gone[match[i].before] = false;
	}
	free(names);
	return STATUS_OK;
}

/* Length of the rising runs in tails[0..count) that `before` can go on. */
static size_t
run_find(const struct match *match, const size_t *tails, size_t count, size_t before)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (match[tails[middle]].before < before)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The longest rising run of old places stays; all others moved. tails: room for `count`. */
static void
rows_keep(struct match *match, size_t count, size_t *tails)
{
	size_t longest = 0, at;

	for (size_t i = 0; i < count; i++) {
		if (match[i].before == SIZE_MAX)
			continue;
		at = run_find(match, tails, longest, match[i].before);
		match[i].link = at > 0 ? tails[at - 1] : SIZE_MAX;
		tails[at] = i;
		if (at == longest)
			longest++;
	}
	at = longest > 0 ? tails[longest - 1] : SIZE_MAX;
	while (at != SIZE_MAX) {
		match[at].kept = true;
		at = match[at].link;
	}
}

static void
tell(struct comparing *comparing, enum profile_part part, enum profile_change change,
     const char *name, size_t before, size_t after, const char *fields)
{
	struct profile_difference difference = { part, change, name, before, after, fields };

	comparing->call(comparing->context, &difference);
}

/* "action, where": the columns that differ. */
static void
columns_compare(struct comparing *comparing, const struct part *part, const void *now,
		const void *next, char fields[FIELDS_BYTES])
{
	size_t length = 0;

	fields[0] = '\0';
	for (size_t i = 0; i < part->column_count; i++) {
		const struct column *column = &part->columns[i];
		size_t bytes = strlen(column->name);
		if (column->same(comparing, column, now, next) ||
		    length + bytes + 3 > FIELDS_BYTES)
			continue;
		if (length > 0) {
			memcpy(fields + length, ", ", 2);
			length += 2;
		}
		memcpy(fields + length, column->name, bytes + 1);
		length += bytes;
	}
}

static void
row_compare(struct comparing *comparing, const struct part *part, const struct match *match,
	    size_t i)
{
	const char *name = row_name(part, comparing->next, i);
	char fields[FIELDS_BYTES];

	if (match->before == SIZE_MAX) {
		tell(comparing, part->part, PROFILE_ADDED, name, SIZE_MAX, i, "");
		return;
	}
	columns_compare(comparing, part, row_get(part, comparing->now, match->before),
			row_get(part, comparing->next, i), fields);
	if (fields[0])
		tell(comparing, part->part, PROFILE_CHANGED, name, match->before, i, fields);
	if (part->part == PROFILE_FILTER && !match->kept)
		tell(comparing, part->part, PROFILE_MOVED, name, match->before, i, "");
}

static void
part_compare(struct comparing *comparing, const struct part *part)
{
	size_t before = row_count(part, comparing->now), after = row_count(part, comparing->next);
	struct match *match = calloc(after + 1, sizeof(*match));
	size_t *tails = malloc((after + 1) * sizeof(*tails));
	bool *gone = malloc(before + 1);

	if (!match || !tails || !gone)
		no_memory(comparing);
	else if (rows_match(comparing, part, match, gone) == STATUS_OK)
		rows_keep(match, after, tails);
	for (size_t i = 0; i < after && comparing->status == STATUS_OK; i++)
		row_compare(comparing, part, &match[i], i);
	for (size_t i = 0; i < before && comparing->status == STATUS_OK; i++) {
		if (gone[i])
			tell(comparing, part->part, PROFILE_REMOVED, row_name(part, comparing->now, i), i,
			     SIZE_MAX, "");
	}
	free(match);
	free(tails);
	free(gone);
}

static void
settings_compare(struct comparing *comparing)
{
	const struct profile *now = comparing->now, *next = comparing->next;

	if (now->name && strcmp(now->name, next->name) != 0)
		tell(comparing, PROFILE_SETTING, PROFILE_CHANGED, "name", SIZE_MAX, SIZE_MAX, "");
	if (now->match_address != next->match_address)
		tell(comparing, PROFILE_SETTING, PROFILE_CHANGED, "match-address", SIZE_MAX, SIZE_MAX,
		     "");
	if (now->drop_while_looking_up != next->drop_while_looking_up)
		tell(comparing, PROFILE_SETTING, PROFILE_CHANGED, "while-looking-up", SIZE_MAX,
		     SIZE_MAX, "");
}

enum status
profile_compare(const struct profile *now, const struct profile *next,
		profile_difference_cb *call, void *context, struct fault *fault)
{
	static const struct profile nothing;
	struct comparing comparing = { .now = now ? now : &nothing, .next = next, .call = call,
				       .context = context, .fault = fault };

	settings_compare(&comparing);
	for (size_t i = 0; i < COUNT(parts) && comparing.status == STATUS_OK; i++)
		part_compare(&comparing, &parts[i]);
	return comparing.status;
}

/* --- locks ---------------------------------------------------------------------------- */

static enum status
locked(struct comparing *comparing, size_t a, const char *what, const char *more)
{
	return fault_set(comparing->fault, STATUS_PROFILE, NULL, 0,
			 "the filter \"%.64s\" is locked, and %s%.64s; expected it as it is: a lock "
			 "is taken away first, by a change of its own",
			 comparing->now->filters[a].name, what, more);
}

/* What the action does belongs to the filter that names it; its name is looked at by the filter. */
static bool
same_deed(struct comparing *comparing, const struct profile_filter *now,
	  const struct profile_filter *next)
{
	for (size_t i = 1; i < COUNT(action_columns); i++) {
		const struct column *column = &action_columns[i];
		if (!column->same(comparing, column, action_of(comparing->now, now),
				  action_of(comparing->next, next)))
			return false;
	}
	return true;
}

static enum status
lock_check(struct comparing *comparing, size_t a, size_t b)
{
	const struct profile_filter *now = &comparing->now->filters[a];
	const struct profile_filter *next = &comparing->next->filters[b];

	for (size_t i = 0; i < COUNT(filter_columns); i++) {
		const struct column *column = &filter_columns[i];
		if (column->offset != FILTER(locked) && !column->same(comparing, column, now, next))
			return locked(comparing, a, "its field changes: ", column->name);
	}
	if (!same_deed(comparing, now, next))
		return locked(comparing, a, "its action changes: ",
			      action_of(comparing->now, now)->name);
	return comparing->status;
}

/* `match` of each filter of next. One pass: what stands before a filter must have stood before. */
static enum status
locks_check(struct comparing *comparing, const struct match *match)
{
	const struct profile *now = comparing->now, *next = comparing->next;
	size_t last = 0; /* the filter so far that stood last, or is new */
	enum status status = STATUS_OK;

	for (size_t i = 0; i < next->filter_count && status == STATUS_OK; i++) {
		size_t before = match[i].before;
		if (before != SIZE_MAX && now->filters[before].locked)
			status = i > 0 && match[last].before > before
				 ? locked(comparing, before, "it is overtaken by ", next->filters[last].name)
				 : lock_check(comparing, before, i);
		if (before > match[last].before)
			last = i;
	}
	return status;
}

enum status
profile_may_replace(const struct profile *now, const struct profile *next, struct fault *fault)
{
	struct comparing comparing = { .now = now, .next = next, .fault = fault };
	struct match *match = calloc(next->filter_count + 1, sizeof(*match));
	bool *gone = malloc(now->filter_count + 1);

	if (!match || !gone)
		no_memory(&comparing);
	else
		rows_match(&comparing, &parts[PART_FILTER], match, gone);
	for (size_t i = 0; i < now->filter_count && comparing.status == STATUS_OK; i++) {
		if (gone[i] && now->filters[i].locked)
			comparing.status = locked(&comparing, i, "it is not there any more", "");
	}
	if (comparing.status == STATUS_OK)
		comparing.status = locks_check(&comparing, match);
	free(match);
	free(gone);
	return comparing.status;
}
