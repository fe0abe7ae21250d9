/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/twin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EQ, NE, LT, LE, GT, GE, IN, MISSING, PRESENT, NOT, AND, OR };

static const char *const names[TWIN_CATEGORIES] = { "Note", "Colour", "Seen At", "Active", "Score",
						    "source" };
static const int value_counts[TWIN_CATEGORIES] = { 4, 3, 4, 2, 5, 3 };
/* Two spellings of each value: what a tag says, what the text may say. */
static const char *const spelled[TWIN_CATEGORIES][5][2] = {
	{ { "a", "a" }, { "A", "\"A\"" }, { "b b", "\"b b\"" }, { "\"\\", "\"\\\"\\\\\"" } },
	{ { "Red", "red" }, { "Green", "\"GREEN\"" }, { "Blue", "Blue" } },
	{ { "1999-12-31T23:59:59Z", "@946684799" }, { "2000-01-01", "2000-01-01" },
	  { "2000-01-01T00:00:01Z", "\"2000-01-01 02:00:01+0200\"" },
	  { "2100-01-01", "\"2100-01-01 00:00:00\"" } },
	{ { "no", "F" }, { "yes", "true" } },
	{ { "-5", "-5" }, { "-1", "-01" }, { "0", "+0" }, { "9", "009" }, { "10", "10" } },
	{ { "feed-a", "feed-a" }, { "feed-b", "\"feed-b\"" }, { "FEED-A", "FEED-A" } },
};

struct twin {
	int op, category, value_count, values[3];
	struct twin *left, *right;
};

static void
put(struct catalog *catalog, struct tag_category category)
{
	if (catalog_category_put(catalog, &category, NULL) != STATUS_OK)
		abort();
}

void
twin_catalog(struct catalog *catalog)
{
	static char *colours[] = { "Red", "Green", "Blue" };

	put(catalog, (struct tag_category){ .name = "Note", .type = TAG_TEXT });
	put(catalog, (struct tag_category){ .name = "Colour", .type = TAG_LIST, .values = colours,
					    .value_count = 3 });
	put(catalog, (struct tag_category){ .name = "Seen At", .type = TAG_DATE });
	put(catalog, (struct tag_category){ .name = "Active", .type = TAG_YESNO });
	put(catalog, (struct tag_category){ .name = "Score", .type = TAG_NUMBER, .min = -5,
					    .max = 100 });
	put(catalog, (struct tag_category){ .name = "and", .type = TAG_NUMBER, .min = 0,
					    .max = 9 });
}

struct twin *
twin_random(int depth)
{
	struct twin *twin = calloc(1, sizeof(*twin));

	if (!twin)
		abort();
	if (depth > 0 && rand() % 4) {
		twin->op = NOT + rand() % 3;
		twin->left = twin_random(depth - 1);
		if (twin->op != NOT)
			twin->right = twin_random(depth - 1);
		return twin;
	}
	twin->category = rand() % TWIN_CATEGORIES;
	do
		twin->op = rand() % NOT;
	while (twin->op >= LT && twin->op <= GE && twin->category != TWIN_SEEN &&
	       twin->category != TWIN_SCORE);
	twin->value_count = twin->op == IN ? 1 + rand() % 3 : 1;
	for (int i = 0; i < twin->value_count; i++)
		twin->values[i] = rand() % value_counts[twin->category];
	return twin;
}

void
twin_free(struct twin *twin)
{
	if (!twin)
		return;
	twin_free(twin->left);
	twin_free(twin->right);
	free(twin);
}

static bool
comparison_holds(const struct twin *twin, unsigned has)
{
	unsigned wanted = 0;
	int value = 0;

	if (has == 0)
		return twin->op == MISSING;
	for (int i = 0; i < twin->value_count; i++)
		wanted |= 1u << twin->values[i];
	while (!(has >> value & 1))
		value++;
	switch (twin->op) {
	case NE: return (has & wanted) == 0;
	case LT: return value < twin->values[0];
	case LE: return value <= twin->values[0];
	case GT: return value > twin->values[0];
	case GE: return value >= twin->values[0];
	case MISSING: return false;
	case PRESENT: return true;
	default: return (has & wanted) != 0;
	}
}

bool
twin_holds(const struct twin *twin, const struct twin_claim *claim)
{
	if (twin->op == NOT)
		return !twin_holds(twin->left, claim);
	if (twin->op == AND)
		return twin_holds(twin->left, claim) & twin_holds(twin->right, claim);
	if (twin->op == OR)
		return twin_holds(twin->left, claim) | twin_holds(twin->right, claim);
	return comparison_holds(twin, claim->held[twin->category]);
}

enum twin_answer
twin_guess(const struct twin *twin, const struct twin_claim *claim, bool notes)
{
	bool of_notes = twin->category == TWIN_NOTE || twin->category == TWIN_SEEN;
	enum twin_answer left, right;

	if (twin->op < NOT) {
		if (twin->category == TWIN_SOURCE || (of_notes && !notes))
			return TWIN_MAYBE;
		return comparison_holds(twin, claim->held[twin->category]) ? TWIN_TRUE : TWIN_FALSE;
	}
	left = twin_guess(twin->left, claim, notes);
	if (twin->op == NOT)
		return TWIN_TRUE - left;
	right = twin_guess(twin->right, claim, notes);
	return (twin->op == AND) == (left < right) ? left : right;
}

static char written[65536];

static void
write_word(const char *word)
{
	size_t at = strlen(written);

	for (; *word; word++) {
		char letter = *word;
		if (letter >= 'a' && letter <= 'z' && rand() % 4 == 0)
			letter = (char)(letter - 32);
		written[at++] = letter;
	}
	written[at] = '\0';
}

static void
write_value(const struct twin *twin, int i)
{
	strncat(written, spelled[twin->category][twin->values[i]][1], 64);
}

static void
write_tree(const struct twin *twin)
{
	static const char *const marks[] = { "=", " != ", " < ", "<=", ">", " >=" };
	bool quoted = twin->category == TWIN_SEEN || rand() % 2;

	if (twin->op >= NOT) {
		write_word(twin->op == NOT ? "not (" : "(");
		write_tree(twin->left);
		if (twin->right) {
			write_word(twin->op == AND ? ") and (" : ")\nor (");
			write_tree(twin->right);
		}
		write_word(")");
		return;
	}
	write_word(quoted ? "\"" : "");
	write_word(names[twin->category]);
	write_word(quoted ? "\"" : "");
	if (twin->op == MISSING || twin->op == PRESENT) {
		write_word(twin->op == MISSING ? " is missing" : " is present");
		return;
	}
	write_word(twin->op == IN ? " in (" : marks[twin->op]);
	for (int i = 0; i < twin->value_count; i++) {
		write_word(i ? "," : "");
		write_value(twin, i);
	}
	write_word(twin->op == IN ? ")" : "");
}

const char *
twin_write(const struct twin *twin)
{
	written[0] = '\0';
	write_tree(twin);
	return written;
}

static void
tag(struct tags *tags, int category, int value)
{
	static struct catalog catalog;
	const char *text = spelled[category][value][0];

	if (!catalog.category_count) {
		if (catalog_init(&catalog, NULL) != STATUS_OK)
			abort();
		twin_catalog(&catalog);
	}
	if (tags_add(tags, catalog_category(&catalog, names[category], strlen(names[category])),
		     text, strlen(text), NULL) != STATUS_OK)
		abort();
}

struct criteria_subject
twin_subject(struct twin_claim *claim, struct tags *tags)
{
	struct criteria_subject subject = { .kind = KIND_COUNT };

	tags_clear(tags);
	for (int category = 0; category < TWIN_CATEGORIES; category++) {
		unsigned *held = &claim->held[category];
		*held = rand() % 3 ? 1u << rand() % value_counts[category] : 0;
		if (*held && category == TWIN_COLOUR)
			*held |= (unsigned)rand() % 8;
		for (int i = 0; category != TWIN_SOURCE && i < value_counts[category]; i++) {
			if (*held >> i & 1)
				tag(tags, category, i);
		}
	}
	if (tags_encode(tags, &subject.set, &subject.set_length, &subject.notes,
			&subject.notes_length, NULL) != STATUS_OK)
		abort();
	for (int i = 0; i < value_counts[TWIN_SOURCE]; i++) {
		if (claim->held[TWIN_SOURCE] >> i & 1) {
			subject.source = spelled[TWIN_SOURCE][i][0];
			subject.source_length = strlen(subject.source);
		}
	}
	return subject;
}
