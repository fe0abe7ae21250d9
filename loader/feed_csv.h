/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to feed_csv*.c: which column of a separated file means what.
 * docs/feeds.md has the column map's grammar and the header names.
 */
#ifndef LOADER_FEED_CSV_H
#define LOADER_FEED_CSV_H

#include "loader/feed_format.h"

#define CSV_ROLES 64

enum csv_role {
	CSV_VALUE,
	CSV_TYPE, /* says of what kind the value is */
	CSV_SEEN,
	CSV_EXPIRES,
	CSV_TAG
};

struct csv_column {
	enum csv_role role;
	unsigned index; /* 0-based */
	enum kind kind; /* of a value; KIND_ANY: by looking */
	size_t category_length;
	char category[LIMIT_CATEGORY_NAME_BYTES];
};

struct csv_plan {
	char separator;
	bool header;     /* the first record names the columns */
	bool known;      /* the header has names we know */
	unsigned fields; /* of most records */
	unsigned share;  /* per cent of records with that many */
	bool typed;      /* something but the number of fields says that it is a table */
	unsigned values; /* columns with role CSV_VALUE */
	size_t count;
	struct csv_column columns[CSV_ROLES];
};

/* Look at the sample with one separator. False: no table, or no column of values. */
bool
csv_plan_look(const struct feed_sample *sample, char separator, struct csv_plan *plan);
/* With whichever separator fits best; `separator` 0 = any. */
bool
csv_plan_find(const struct feed_sample *sample, char separator, struct csv_plan *plan);
/* For a table whose columns a user names: of the plan if there is one, else what parts every line. */
char
csv_separator(const struct feed_sample *sample);
/* Follow a column map instead: replaces the columns. */
enum status
csv_plan_map(const struct feed_sample *sample, const char *map, struct csv_plan *plan,
	     struct fault *fault);
/* How sure the plan is, 0..100. */
unsigned
csv_plan_score(const struct csv_plan *plan);

/*
 * The next record of the sample, quoted fields over several lines joined.
 * *line is the index of the next sample line. `fields` are for looking only.
 */
bool
csv_record(const struct feed_sample *sample, size_t *line, char separator,
	   struct feed_fields *fields);
/* The column that a header name means. False: unknown name. */
bool
csv_header_role(struct feed_text name, struct csv_column *column);

#endif
