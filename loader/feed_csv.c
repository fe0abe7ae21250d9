/* SPDX-License-Identifier: Apache-2.0 */
/* CSV and TSV: which column is what comes from a map, the header, or looking. */
#include "loader/feed_csv.h"

struct csv_state {
	struct csv_plan plan;
	struct feed_fields fields;
	bool header_passed;
};

static unsigned
csv_score(const struct feed_sample *sample)
{
	struct csv_plan plan;

	if (!csv_plan_find(sample, 0, &plan) || plan.separator == '\t')
		return 0;
	return csv_plan_score(&plan);
}

static unsigned
tsv_score(const struct feed_sample *sample)
{
	struct csv_plan plan;

	return csv_plan_find(sample, '\t', &plan) ? csv_plan_score(&plan) : 0;
}

/* Asked for one kind: columns that are surely of another are not read. */
static void
plan_narrow(struct csv_plan *plan, enum kind kind)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct csv_column *column = &plan->columns[i];
		bool other = kind != KIND_ANY && column->role == CSV_VALUE &&
			     column->kind != KIND_ANY && column->kind != kind;

		plan->values -= other;
		if (!other)
			plan->columns[kept++] = *column;
	}
	plan->count = kept;
}

static enum status
separated_open(struct feed *feed, const struct feed_options *options,
	       const struct feed_sample *sample, char separator, struct fault *fault)
{
	struct csv_state *state = feed_state(feed);
	struct csv_plan *plan = &state->plan;
	bool found = csv_plan_find(sample, separator, plan);
	enum status status = STATUS_OK;

	if (!found && plan->separator == 0)
		plan->separator = separator ? separator : csv_separator(sample);
	if (options->columns)
		status = csv_plan_map(sample, options->columns, plan, fault);
	else if (!found)
		status = fault_set(
			fault, STATUS_BAD_FEED, options->name, 0,
			"no column looks like one of indicators; name it with --columns value=N");
	if (status)
		return status;
	plan_narrow(plan, options->kind);
	if (plan->values == 0)
		return fault_set(fault, STATUS_BAD_KIND, options->name, 0,
				 "no column is of kind %s", kind_name(options->kind));
	return STATUS_OK;
}

static enum status
csv_open(struct feed *feed, const struct feed_options *options, const struct feed_sample *sample,
	 struct fault *fault)
{
	return separated_open(feed, options, sample, 0, fault);
}

static enum status
tsv_open(struct feed *feed, const struct feed_options *options, const struct feed_sample *sample,
	 struct fault *fault)
{
	return separated_open(feed, options, sample, '\t', fault);
}

/* --- cells ------------------------------------------------------------------ */

/* What people write where they have nothing to say. */
static bool
is_placeholder(struct feed_text cell)
{
	static const char *const words[] = {
		"none", "n/a", "na",      "null",     "nil", "-",
		"--",   "?",   "unknown", "disabled", "nan", "tbd",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (feed_is(cell, words[i]))
			return true;
	}
	return cell.length == 0;
}

static const struct {
	const char *word;
	enum kind kind;
} types[] = {
	{"domain", KIND_DOMAIN},
	{"domain-name", KIND_DOMAIN},
	{"hostname", KIND_DOMAIN},
	{"host", KIND_DOMAIN},
	{"fqdn", KIND_DOMAIN},
	{"ip", KIND_ANY},
	{"ipv4", KIND_IPV4},
	{"ipv6", KIND_IPV6},
	{"ip address", KIND_ANY},
	{"ip-dst", KIND_ANY},
	{"ip-src", KIND_ANY},
	{"ipv4-addr", KIND_IPV4},
	{"ipv6-addr", KIND_IPV6},
	{"ip:port", KIND_ANY},
	{"cidr", KIND_ANY},
	{"url", KIND_URL},
	{"uri", KIND_URL},
	{"hash", KIND_ANY},
	{"md5", KIND_ANY},
	{"sha1", KIND_SHA1},
	{"sha-1", KIND_SHA1},
	{"sha256", KIND_SHA256},
	{"sha-256", KIND_SHA256},
	{"filehash-sha1", KIND_SHA1},
	{"filehash-sha256", KIND_SHA256},
};

static bool
type_kind(struct feed_text cell, enum kind *kind)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		*kind = types[i].kind;
		if (feed_is(cell, types[i].word))
			return true;
	}
	return false;
}

static struct feed_text
cell_of(const struct feed_fields *fields, const struct csv_column *column)
{
	struct feed_text none = {NULL, 0};

	return column->index < fields->count ? fields->field[column->index] : none;
}

/* Of several columns of values a cell counts only if it looks like what its column holds. */
static bool
cell_fits(struct feed *feed, const struct csv_plan *plan, const struct csv_column *column,
	  struct feed_text cell)
{
	enum feed_look look;
	enum kind kind;

	if (plan->values == 1)
		return true;
	look = feed_look(cell);
	kind = feed_look_kind(look, cell);
	if (!feed_look_indicator(look) || (look == LOOK_NAME && feed_look_file(cell)))
		return false;
	if (feed_kind(feed) != KIND_ANY && kind != feed_kind(feed))
		return false;
	return column->kind == KIND_ANY || column->kind == kind ||
	       (column->kind == KIND_URL && kind == KIND_DOMAIN);
}

/* False: an expiry that cannot be read (the entry would outlive what its source says). */
static bool
remarks_take(struct feed *feed, const struct csv_state *state)
{
	uint64_t expires = 0;

	for (size_t i = 0; i < state->plan.count; i++) {
		const struct csv_column *column = &state->plan.columns[i];
		struct feed_text category = {(char *)(uintptr_t)column->category,
					     column->category_length};
		struct feed_text cell = cell_of(&state->fields, column);

		if (column->role == CSV_VALUE || column->role == CSV_TYPE || is_placeholder(cell))
			continue;
		if (column->role == CSV_SEEN) {
			feed_seen(feed, feed_time(cell));
		} else if (column->role == CSV_TAG) {
			feed_tag(feed, category, cell);
		} else {
			expires = feed_time(cell);
			feed_expires(feed, expires);
			if (expires == 0)
				return false;
		}
	}
	return true;
}

static unsigned
values_take(struct feed *feed, const struct csv_state *state, enum kind typed)
{
	unsigned taken = 0;

	for (size_t i = 0; i < state->plan.count; i++) {
		const struct csv_column *column = &state->plan.columns[i];
		enum kind kind = column->kind == KIND_ANY ? typed : column->kind;
		struct feed_text cell;

		if (column->role != CSV_VALUE)
			continue;
		cell = cell_of(&state->fields, column);
		if (is_placeholder(cell) || !cell_fits(feed, &state->plan, column, cell))
			continue;
		taken++;
		if (kind == KIND_ANY)
			feed_emit_value(feed, cell);
		else
			feed_emit(feed, cell, kind, 0);
	}
	return taken;
}

static void
record_take(struct feed *feed, struct csv_state *state, struct feed_text all)
{
	enum kind kind = KIND_ANY;

	/* Once only: taking quotes off writes into the line. */
	for (size_t i = 0; i < state->fields.count; i++)
		state->fields.field[i] = feed_field_value(state->fields.field[i]);
	if (state->fields.overflow) {
		feed_refuse(feed, all, STATUS_LIMIT, "the line has more than 256 columns");
		return;
	}
	for (size_t i = 0; i < state->plan.count; i++) {
		const struct csv_column *column = &state->plan.columns[i];

		if (column->role == CSV_TYPE &&
		    !type_kind(cell_of(&state->fields, column), &kind)) {
			feed_refuse(feed, all, STATUS_BAD_KIND,
				    "what the type column says is none of the six kinds");
			return;
		}
	}
	if (!remarks_take(feed, state))
		feed_refuse(feed, all, STATUS_BAD_TIME, "the expiry cannot be read");
	else if (values_take(feed, state, kind) == 0)
		feed_refuse(feed, all, STATUS_BAD_FEED,
			    "there is no value in the columns that are read");
}

static enum feed_step
csv_line(struct feed *feed, const struct feed_line *line)
{
	struct csv_state *state = feed_state(feed);
	struct feed_text text = {line->text, line->length};
	struct feed_text trimmed = feed_trim(text);

	if (line->joined == 0) {
		state->fields.open = false;
		if (trimmed.length == 0 || *trimmed.at == '#' ||
		    (*trimmed.at == ';' && state->plan.separator != ';') ||
		    feed_starts(trimmed, "//"))
			return FEED_STEP_DONE;
	}
	feed_fields_split(&state->fields, text, state->plan.separator);
	if (state->fields.open)
		return FEED_STEP_MORE;
	if (state->plan.header && !state->header_passed)
		state->header_passed = true;
	else
		record_take(feed, state, trimmed);
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_csv = {
	"csv",     "columns separated by comma, semicolon or bar; see the column map",
	csv_score, csv_open,
	csv_line,  sizeof(struct csv_state),
};

const struct feed_format feed_format_tsv = {
	"tsv",     "columns separated by TAB; see the column map",
	tsv_score, tsv_open,
	csv_line,  sizeof(struct csv_state),
};
