/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "engine/text.h"
#include "loader/feed_csv.h"

#define NAME_BYTES 64 /* a header name squeezed to letters and digits */

/* --- header names ----------------------------------------------------------- */

/* Squeezed: lower case, letters and digits only. */
static const struct header_name {
	const char *name;
	enum csv_role role;
	enum kind kind;
	const char *category;
} header_names[] = {
	{"url", CSV_VALUE, KIND_URL, NULL},
	{"urls", CSV_VALUE, KIND_URL, NULL},
	{"uri", CSV_VALUE, KIND_URL, NULL},
	{"phishurl", CSV_VALUE, KIND_URL, NULL},
	{"downloadurl", CSV_VALUE, KIND_URL, NULL},
	{"maliciousurl", CSV_VALUE, KIND_URL, NULL},
	{"domain", CSV_VALUE, KIND_ANY, NULL},
	{"domains", CSV_VALUE, KIND_ANY, NULL},
	{"domainname", CSV_VALUE, KIND_ANY, NULL},
	{"domainip", CSV_VALUE, KIND_ANY, NULL},
	{"hostname", CSV_VALUE, KIND_ANY, NULL},
	{"host", CSV_VALUE, KIND_ANY, NULL},
	{"fqdn", CSV_VALUE, KIND_ANY, NULL},
	{"ip", CSV_VALUE, KIND_ANY, NULL},
	{"ips", CSV_VALUE, KIND_ANY, NULL},
	{"ipaddress", CSV_VALUE, KIND_ANY, NULL},
	{"ipaddresses", CSV_VALUE, KIND_ANY, NULL},
	{"ipport", CSV_VALUE, KIND_ANY, NULL},
	{"ipv4", CSV_VALUE, KIND_ANY, NULL},
	{"ipv6", CSV_VALUE, KIND_ANY, NULL},
	{"dstip", CSV_VALUE, KIND_ANY, NULL},
	{"srcip", CSV_VALUE, KIND_ANY, NULL},
	{"address", CSV_VALUE, KIND_ANY, NULL},
	{"cidr", CSV_VALUE, KIND_ANY, NULL},
	{"network", CSV_VALUE, KIND_ANY, NULL},
	{"netblock", CSV_VALUE, KIND_ANY, NULL},
	{"prefix", CSV_VALUE, KIND_ANY, NULL},
	{"c2", CSV_VALUE, KIND_ANY, NULL},
	{"c2server", CSV_VALUE, KIND_ANY, NULL},
	{"c2domain", CSV_VALUE, KIND_ANY, NULL},
	{"indicator", CSV_VALUE, KIND_ANY, NULL},
	{"indicators", CSV_VALUE, KIND_ANY, NULL},
	{"indicatorvalue", CSV_VALUE, KIND_ANY, NULL},
	{"ioc", CSV_VALUE, KIND_ANY, NULL},
	{"iocs", CSV_VALUE, KIND_ANY, NULL},
	{"iocvalue", CSV_VALUE, KIND_ANY, NULL},
	{"observable", CSV_VALUE, KIND_ANY, NULL},
	{"value", CSV_VALUE, KIND_ANY, NULL},
	{"hash", CSV_VALUE, KIND_ANY, NULL},
	{"hashes", CSV_VALUE, KIND_ANY, NULL},
	{"filehash", CSV_VALUE, KIND_ANY, NULL},
	{"sha1", CSV_VALUE, KIND_SHA1, NULL},
	{"sha1hash", CSV_VALUE, KIND_SHA1, NULL},
	{"sha256", CSV_VALUE, KIND_SHA256, NULL},
	{"sha256hash", CSV_VALUE, KIND_SHA256, NULL},
	{"payloadhash", CSV_VALUE, KIND_ANY, NULL},
	{"remotetemplatehash", CSV_VALUE, KIND_ANY, NULL},
	{"remotetemplateip", CSV_VALUE, KIND_ANY, NULL},
	{"remotetemplateurl", CSV_VALUE, KIND_URL, NULL},
	{"type", CSV_TYPE, KIND_ANY, NULL},
	{"ioctype", CSV_TYPE, KIND_ANY, NULL},
	{"indicatortype", CSV_TYPE, KIND_ANY, NULL},
	{"date", CSV_SEEN, KIND_ANY, NULL},
	{"dateadded", CSV_SEEN, KIND_ANY, NULL},
	{"firstseen", CSV_SEEN, KIND_ANY, NULL},
	{"firstseenutc", CSV_SEEN, KIND_ANY, NULL},
	{"timestamp", CSV_SEEN, KIND_ANY, NULL},
	{"time", CSV_SEEN, KIND_ANY, NULL},
	{"created", CSV_SEEN, KIND_ANY, NULL},
	{"expires", CSV_EXPIRES, KIND_ANY, NULL},
	{"expiry", CSV_EXPIRES, KIND_ANY, NULL},
	{"expiration", CSV_EXPIRES, KIND_ANY, NULL},
	{"expirationdate", CSV_EXPIRES, KIND_ANY, NULL},
	{"validuntil", CSV_EXPIRES, KIND_ANY, NULL},
	{"reputationentriesttl", CSV_EXPIRES, KIND_ANY, NULL},
	{"description", CSV_TAG, KIND_ANY, "Description"},
	{"comment", CSV_TAG, KIND_ANY, "Description"},
	{"tags", CSV_TAG, KIND_ANY, "Description"},
	{"domainuse", CSV_TAG, KIND_ANY, "Description"},
	{"malware", CSV_TAG, KIND_ANY, "Malware Family"},
	{"malwarefamily", CSV_TAG, KIND_ANY, "Malware Family"},
	{"family", CSV_TAG, KIND_ANY, "Malware Family"},
	{"threat", CSV_TAG, KIND_ANY, "Threat Type"},
	{"threattype", CSV_TAG, KIND_ANY, "Threat Type"},
};

static size_t
squeeze(struct feed_text name, char squeezed[NAME_BYTES])
{
	size_t length = 0;

	for (size_t i = 0; i < name.length; i++) {
		char c = name.at[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		if (((c < 'a' || c > 'z') && (c < '0' || c > '9')) || length == NAME_BYTES)
			continue;
		squeezed[length++] = c;
	}
	return length;
}

bool
csv_header_role(struct feed_text name, struct csv_column *column)
{
	char squeezed[NAME_BYTES];
	size_t length = squeeze(name, squeezed);

	for (size_t i = 0; i < sizeof(header_names) / sizeof(header_names[0]); i++) {
		const struct header_name *known = &header_names[i];

		if (strlen(known->name) != length || memcmp(known->name, squeezed, length) != 0)
			continue;
		column->role = known->role;
		column->kind = known->kind;
		column->category_length = known->category ? strlen(known->category) : 0;
		if (known->category)
			memcpy(column->category, known->category, column->category_length);
		return true;
	}
	return false;
}

/* --- records of the sample -------------------------------------------------- */

bool
csv_record(const struct feed_sample *sample, size_t *line, char separator,
	   struct feed_fields *fields)
{
	struct feed_text text;
	size_t first = *line;

	if (first >= sample->line_count)
		return false;
	fields->open = false;
	for (size_t i = first; i < sample->line_count && i < first + FEED_JOIN_LINES; i++) {
		const struct feed_text *last = &sample->lines[i];

		text.at = sample->lines[first].at;
		text.length = (size_t)(last->at + last->length - text.at);
		feed_fields_split(fields, text, separator);
		*line = i + 1;
		if (!fields->open)
			return true;
	}
	/* Never closed: a stray quote, or the sample ends in it. Not counted. */
	*line = first + 1;
	fields->count = 0;
	return true;
}

struct tally {
	unsigned rows;
	unsigned looks[LIMIT_CSV_COLUMNS][LOOK_COUNT];
};

/* The number of fields that most records have. */
static bool
fields_usual(const struct feed_sample *sample, struct csv_plan *plan)
{
	struct feed_fields fields = {0};
	unsigned counts[LIMIT_CSV_COLUMNS + 1] = {0};
	unsigned rows = 0, best = 0;
	size_t line = 0;

	while (csv_record(sample, &line, plan->separator, &fields)) {
		counts[fields.count]++;
		rows++;
	}
	for (unsigned i = 2; i <= LIMIT_CSV_COLUMNS; i++) {
		if (counts[i] > best) {
			best = counts[i];
			plan->fields = i;
		}
	}
	plan->share = rows ? best * 100 / rows : 0;
	return best > 0;
}

static void
tally_rows(const struct feed_sample *sample, const struct csv_plan *plan, size_t line,
	   struct tally *tally)
{
	struct feed_fields fields = {0};

	memset(tally, 0, sizeof(*tally));
	while (csv_record(sample, &line, plan->separator, &fields)) {
		if (fields.count != plan->fields)
			continue;
		tally->rows++;
		for (size_t i = 0; i < fields.count; i++)
			tally->looks[i][feed_look(feed_field_look(fields.field[i]))]++;
	}
}

/* --- header ----------------------------------------------------------------- */

static bool
is_header(const struct feed_fields *fields, const struct csv_plan *plan, bool *known)
{
	struct csv_column column;
	bool plain = true;

	*known = false;
	if (fields->count + 1 < plan->fields || fields->count > plan->fields + 1)
		return false;
	for (size_t i = 0; i < fields->count; i++) {
		struct feed_text name = feed_field_look(fields->field[i]);

		plain &= feed_look(name) == LOOK_OTHER;
		*known |= csv_header_role(name, &column);
	}
	return plain;
}

static void
column_add(struct csv_plan *plan, const struct csv_column *column)
{
	if (plan->count == CSV_ROLES)
		return;
	plan->columns[plan->count++] = *column;
	plan->values += column->role == CSV_VALUE;
}

/* A type column tells about a value that could be anything; beside a hash or a URL it is a remark.
 */
static void
columns_by_name(const struct feed_fields *header, struct csv_plan *plan)
{
	struct csv_column column = {0};
	bool open = true;
	size_t kept = 0;

	for (size_t i = 0; i < header->count; i++) {
		column.index = (unsigned)i;
		if (csv_header_role(feed_field_look(header->field[i]), &column))
			column_add(plan, &column);
	}
	for (size_t i = 0; i < plan->count; i++)
		open &= plan->columns[i].role != CSV_VALUE || plan->columns[i].kind == KIND_ANY;
	open &= plan->values == 1;
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->columns[i].role != CSV_TYPE || open)
			plan->columns[kept++] = plan->columns[i];
	}
	plan->count = kept;
}

/* "# id,dateadded,url,...": the header of URLhaus and others is a comment. */
static bool
header_of_comment(const struct feed_sample *sample, const struct csv_plan *plan,
		  struct feed_fields *fields)
{
	struct feed_text text = sample->header_comment;
	bool known;

	while (text.length > 0 && (*text.at == '#' || *text.at == ';' || feed_blank(*text.at)))
		text = feed_from(text, 1);
	if (text.length == 0)
		return false;
	fields->open = false;
	feed_fields_split(fields, text, plan->separator);
	return !fields->open && fields->count == plan->fields && is_header(fields, plan, &known) &&
	       known;
}

static size_t
header_find(const struct feed_sample *sample, struct csv_plan *plan, struct feed_fields *header)
{
	size_t line = 0;

	if (csv_record(sample, &line, plan->separator, header) &&
	    is_header(header, plan, &plan->known)) {
		plan->header = true;
		return line;
	}
	plan->known = header_of_comment(sample, plan, header);
	return 0;
}

/* --- columns by looking ----------------------------------------------------- */

static unsigned
share_of(const struct tally *tally, size_t column, enum feed_look look)
{
	return tally->rows ? tally->looks[column][look] * 100 / tally->rows : 0;
}

/* Looks that hardly come about by chance. */
static unsigned
share_strong(const struct tally *tally, size_t column)
{
	return share_of(tally, column, LOOK_ADDRESS) + share_of(tally, column, LOOK_ADDRESS_PORT) +
	       share_of(tally, column, LOOK_RANGE) + share_of(tally, column, LOOK_URL) +
	       share_of(tally, column, LOOK_SHA1) + share_of(tally, column, LOOK_SHA256);
}

/* A name could be that of a file as well: only the leftmost such column, if nothing better is
 * there. */
static void
columns_by_look(const struct tally *tally, struct csv_plan *plan)
{
	struct csv_column column = {.role = CSV_VALUE, .kind = KIND_ANY};

	for (unsigned i = 0; i < plan->fields; i++) {
		column.index = i;
		if (share_strong(tally, i) >= 50)
			column_add(plan, &column);
	}
	for (unsigned i = 0; i < plan->fields && plan->values == 0; i++) {
		column.index = i;
		if (share_strong(tally, i) + share_of(tally, i, LOOK_NAME) +
			    share_of(tally, i, LOOK_NAME_PATH) +
			    share_of(tally, i, LOOK_NAME_PORT) >=
		    50)
			column_add(plan, &column);
	}
	for (unsigned i = 0; i < plan->fields && plan->values == 0; i++) {
		column.index = i;
		if (share_of(tally, i, LOOK_MD5) >= 50) /* refused one by one, with the reason */
			column_add(plan, &column);
	}
}

static void
date_by_look(const struct tally *tally, struct csv_plan *plan)
{
	struct csv_column column = {.role = CSV_SEEN, .kind = KIND_ANY};

	for (unsigned i = 0; i < plan->fields; i++) {
		column.index = i;
		if (share_of(tally, i, LOOK_DATE) < 80)
			continue;
		column_add(plan, &column);
		return;
	}
}

/* Is there a column, not the first, whose cells are of one clear sort? */
static bool
has_typed_column(const struct tally *tally, const struct csv_plan *plan)
{
	for (unsigned i = 0; i < plan->fields; i++) {
		unsigned strong = share_strong(tally, i) - share_of(tally, i, LOOK_URL);

		if (share_of(tally, i, LOOK_DATE) >= 80 || share_of(tally, i, LOOK_MD5) >= 80 ||
		    (strong >= 80 && (i > 0 || plan->separator != ';')) ||
		    (i > 0 && share_of(tally, i, LOOK_NUMBER) >= 80))
			return true;
	}
	return plan->fields >= 3 || plan->separator == '\t';
}

bool
csv_plan_look(const struct feed_sample *sample, char separator, struct csv_plan *plan)
{
	struct feed_fields header = {0};
	struct tally tally;
	size_t first;

	memset(plan, 0, offsetof(struct csv_plan, columns));
	plan->separator = separator;
	if (!fields_usual(sample, plan))
		return false;
	first = header_find(sample, plan, &header);
	tally_rows(sample, plan, first, &tally);
	if (plan->known)
		columns_by_name(&header, plan);
	if (plan->values == 0) {
		columns_by_look(&tally, plan);
		if (!plan->known)
			date_by_look(&tally, plan);
	}
	plan->typed = has_typed_column(&tally, plan);
	return plan->values > 0;
}

unsigned
csv_plan_score(const struct csv_plan *plan)
{
	bool sure = plan->typed || (plan->known && plan->values > 0);

	if (plan->share < (plan->known ? 50 : 80))
		return 0;
	return plan->known ? 95 : plan->share * (sure ? 95 : 60) / 100;
}

static const char separators[] = {'\t', ',', ';', '|'};

bool
csv_plan_find(const struct feed_sample *sample, char separator, struct csv_plan *plan)
{
	struct csv_plan one;
	unsigned best = 0;
	bool found = false;

	for (size_t i = 0; i < sizeof(separators); i++) {
		if ((separator && separators[i] != separator) ||
		    !csv_plan_look(sample, separators[i], &one))
			continue;
		if (found && csv_plan_score(&one) <= best)
			continue;
		found = true;
		best = csv_plan_score(&one);
		*plan = one;
	}
	return found;
}

/* How often it stands in the line that has it least. */
static size_t
parts_every_line(const struct feed_sample *sample, char separator)
{
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < sample->line_count; i++) {
		const char *at = sample->lines[i].at, *end = at + sample->lines[i].length;
		size_t here = 0;

		while (at < end)
			here += *at++ == separator;
		least = here < least ? here : least;
	}
	return sample->line_count > 0 ? least : 0;
}

char
csv_separator(const struct feed_sample *sample)
{
	struct csv_plan plan;
	size_t most = 0;
	char best = ',';

	if (csv_plan_find(sample, 0, &plan))
		return plan.separator;
	for (size_t i = 0; i < sizeof(separators); i++) {
		size_t least = parts_every_line(sample, separators[i]);

		if (least <= most)
			continue;
		most = least;
		best = separators[i];
	}
	return best;
}

/* --- the column map --------------------------------------------------------- */

static const struct {
	const char *name;
	enum csv_role role;
} map_roles[] = {
	{"value", CSV_VALUE},     {"type", CSV_TYPE}, {"first_seen", CSV_SEEN},
	{"expires", CSV_EXPIRES}, {"tag:", CSV_TAG},
};

static bool
map_role(struct feed_text name, struct csv_column *column)
{
	for (size_t i = 0; i < sizeof(map_roles) / sizeof(map_roles[0]); i++) {
		column->role = map_roles[i].role;
		if (column->role != CSV_TAG && feed_is(name, map_roles[i].name))
			return true;
		if (column->role != CSV_TAG || !feed_starts_folded(name, map_roles[i].name))
			continue;
		name = feed_trim(feed_from(name, strlen(map_roles[i].name)));
		if (name.length == 0 || name.length > sizeof(column->category))
			return false;
		column->category_length = name.length;
		memcpy(column->category, name.at, name.length);
		if (feed_is(name, "Reputation Entries TTL"))
			column->role = CSV_EXPIRES;
		return true;
	}
	return false;
}

/* A 1-based number, or a name in the header. */
static bool
map_column(struct feed_text where, const struct feed_fields *header, struct csv_column *column)
{
	unsigned number = 0;

	if (feed_look(where) == LOOK_NUMBER && where.length <= 3) {
		for (size_t i = 0; i < where.length; i++)
			number = number * 10 + (unsigned)(where.at[i] - '0');
		column->index = number - 1;
		return number >= 1 && number <= LIMIT_CSV_COLUMNS;
	}
	for (size_t i = 0; i < header->count; i++) {
		struct feed_text name = feed_field_look(header->field[i]);

		column->index = (unsigned)i;
		if (where.length > 0 &&
		    text_compare_folded(name.at, name.length, where.at, where.length) == 0)
			return true;
	}
	return false;
}

enum status
csv_plan_map(const struct feed_sample *sample, const char *map, struct csv_plan *plan,
	     struct fault *fault)
{
	char copy[4096];
	struct feed_fields header = {0}, parts = {0};
	struct csv_column column;
	size_t length = strlen(map), equals;

	if (length >= sizeof(copy))
		return fault_set(fault, STATUS_LIMIT, "--columns", 0,
				 "the column map is longer than 4095 bytes");
	memcpy(copy, map, length + 1);
	if (plan->fields == 0)
		fields_usual(sample, plan);
	header_find(sample, plan, &header);
	if (!plan->header && !plan->known)
		header.count = 0;
	plan->count = plan->values = 0;
	feed_fields_split(&parts, (struct feed_text){copy, length}, ',');
	for (size_t i = 0; i < parts.count; i++) {
		struct feed_text part = feed_field_value(parts.field[i]);

		equals = feed_find(part, '=');
		memset(&column, 0, sizeof(column));
		column.kind = KIND_ANY;
		if (equals == part.length ||
		    !map_role(feed_trim((struct feed_text){part.at, equals}), &column))
			return fault_set(fault, STATUS_USAGE, "--columns", 0,
					 "\"%.*s\" is not value=, type=, first_seen=, expires= or "
					 "tag:NAME= and a column",
					 (int)part.length, part.at);
		if (!map_column(feed_trim(feed_from(part, equals + 1)), &header, &column))
			return fault_set(fault, STATUS_USAGE, "--columns", 0,
					 "\"%.*s\" names no column: give its number from 1 or its "
					 "name in the header",
					 (int)part.length, part.at);
		column_add(plan, &column);
	}
	if (plan->values == 0)
		return fault_set(fault, STATUS_USAGE, "--columns", 0,
				 "the column map has no value= column");
	return STATUS_OK;
}
