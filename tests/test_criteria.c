/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The criteria language. The truth table of criteria.h is written out cell by
 * cell; random conditions are judged by a naive evaluator that works on its
 * own tree and its own claims (small integers) and shares no code with query/.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/criteria.h"
#include "tests/twin.h"

static struct catalog catalog;

static void
put(struct tag_category category)
{
	ck_assert_int_eq(catalog_category_put(&catalog, &category, NULL), STATUS_OK);
}

static void
setup(void)
{
	ck_assert_int_eq(catalog_init(&catalog, NULL), STATUS_OK);
	twin_catalog(&catalog);
}

static void
teardown(void)
{
	catalog_fini(&catalog);
}

static struct criteria *
parse(const char *text)
{
	struct criteria *criteria = NULL;
	struct fault fault = { 0 };

	if (criteria_parse(text, strlen(text), &catalog, &criteria, &fault) != STATUS_OK)
		ck_abort_msg("%s: %s", text, fault.text);
	return criteria;
}

static void
tag(struct tags *tags, const char *category, const char *value)
{
	/* No ck_assert in what runs a million times: each writes a message. */
	if (tags_add(tags, catalog_category(&catalog, category, strlen(category)), value,
		     strlen(value), NULL) != STATUS_OK)
		ck_abort_msg("%s: %s", category, value);
}

static struct criteria_subject
subject_of(struct tags *tags)
{
	struct criteria_subject subject = { .kind = KIND_COUNT };

	if (tags_encode(tags, &subject.set, &subject.set_length, &subject.notes,
			&subject.notes_length, NULL) != STATUS_OK)
		ck_abort_msg("not encoded");
	return subject;
}

static bool
matches(const char *text, const struct criteria_subject *subject)
{
	struct criteria *criteria = parse(text);
	bool match = criteria_match(criteria, subject);

	criteria_free(criteria);
	return match;
}

/* Three claims by type: without the tag, with the value that is asked, with others. */
static const struct type_case {
	const char *category; /* as the text asks it */
	const char *asked, *other;
	const char *less, *more; /* NULL: no order */
} type_cases[] = {
	{ "Note", "zeus", "Zeus", NULL, NULL },
	{ "Colour", "Red", "Blue", NULL, NULL },
	{ "Active", "yes", "no", NULL, NULL },
	{ "Score", "7", "70", "-3", "70" },
	{ "Seen At", "2026-01-01", "2026-01-02", "2025-12-31T23:59:59Z", "2026-01-01T00:00:01Z" },
};

static void
check_cell(const struct type_case *type, const char *format, const char *value, bool wanted)
{
	char condition[128], text[160];
	struct tags tags = { 0 };
	struct criteria_subject subject;

	tag(&tags, "Description", "so that there are other tags");
	tag(&tags, "Confidence", "50");
	if (value)
		tag(&tags, type->category, value);
	subject = subject_of(&tags);
	snprintf(condition, sizeof(condition), format, type->category, type->asked, type->asked);
	ck_assert_msg(matches(condition, &subject) == wanted, "%s on %s", condition,
		      value ? value : "nothing");
	snprintf(text, sizeof(text), "not %s", condition);
	ck_assert_msg(matches(text, &subject) == !wanted, "%s on %s", text,
		      value ? value : "nothing");
	snprintf(text, sizeof(text), "not (not (%s))", condition);
	ck_assert_msg(matches(text, &subject) == wanted, "%s", text);
	tags_fini(&tags);
}

START_TEST(truth_table_of_equality)
{
	static const struct {
		const char *format;
		bool absent, equal, different;
	} rows[] = {
		{ "\"%s\" = \"%s\"", false, true, false },
		{ "\"%s\" != \"%s\"", false, false, true },
		{ "\"%s\" in (\"%s\")", false, true, false },
		{ "\"%s\" in (\"%s\", \"%s\")", false, true, false },
		{ "\"%s\" is present", false, true, true },
		{ "\"%s\" is missing", true, false, false },
	};

	for (size_t t = 0; t < sizeof(type_cases) / sizeof(type_cases[0]); t++) {
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			check_cell(&type_cases[t], rows[r].format, NULL, rows[r].absent);
			check_cell(&type_cases[t], rows[r].format, type_cases[t].asked,
				   rows[r].equal);
			check_cell(&type_cases[t], rows[r].format, type_cases[t].other,
				   rows[r].different);
		}
	}
}
END_TEST

START_TEST(truth_table_of_order)
{
	static const struct {
		const char *format;
		bool less, equal, more;
	} rows[] = {
		{ "\"%s\" < \"%s\"", true, false, false },
		{ "\"%s\" <= \"%s\"", true, true, false },
		{ "\"%s\" > \"%s\"", false, false, true },
		{ "\"%s\" >= \"%s\"", false, true, true },
	};

	for (size_t t = 0; t < sizeof(type_cases) / sizeof(type_cases[0]); t++) {
		for (size_t r = 0; type_cases[t].less && r < sizeof(rows) / sizeof(rows[0]); r++) {
			check_cell(&type_cases[t], rows[r].format, NULL, false);
			check_cell(&type_cases[t], rows[r].format, type_cases[t].less,
				   rows[r].less);
			check_cell(&type_cases[t], rows[r].format, type_cases[t].asked,
				   rows[r].equal);
			check_cell(&type_cases[t], rows[r].format, type_cases[t].more,
				   rows[r].more);
		}
	}
}
END_TEST

START_TEST(lists_with_several_values)
{
	struct tags tags = { 0 };
	struct criteria_subject subject;

	tag(&tags, "Colour", "red");
	tag(&tags, "Colour", "blue");
	subject = subject_of(&tags);
	ck_assert(matches("Colour = Red", &subject));
	ck_assert(matches("Colour = bLUE", &subject));
	ck_assert(!matches("Colour = Green", &subject));
	ck_assert(!matches("Colour != Red", &subject));
	ck_assert(!matches("Colour != Blue", &subject));
	ck_assert(matches("Colour != Green", &subject));
	ck_assert(matches("Colour in (Green, Blue)", &subject));
	ck_assert(!matches("Colour in (Green)", &subject));
	ck_assert(matches("Colour = Red and Colour = Blue", &subject));
	tags_fini(&tags);
}
END_TEST

START_TEST(spellings)
{
	struct tags tags = { 0 };
	struct criteria_subject subject;

	tag(&tags, "Note", "say \"a\\b\" (c)");
	tag(&tags, "Active", "y");
	tag(&tags, "Score", "7");
	tag(&tags, "Seen At", "2026-01-01T02:00:00Z");
	tag(&tags, "and", "3");
	tag(&tags, "Trend Micro Severity", "High");
	subject = subject_of(&tags);
	ck_assert(matches("note=\"say \\\"a\\\\b\\\" (c)\"", &subject));
	ck_assert(matches("ACTIVE = True AND score = 007", &subject));
	ck_assert(matches("\"seen at\" = \"2026-01-01 03:00:00+01:00\"", &subject));
	ck_assert(matches("\"Seen At\" > 2026-01-01", &subject));
	ck_assert(matches("\"and\" = 3", &subject));
	ck_assert(matches("\t(\r\n score>=7 )\nOr note is MISSING", &subject));
	ck_assert(matches("not active = no", &subject));
	ck_assert(matches("score=1 or score=7 and active=yes", &subject));
	ck_assert(!matches("(score=7 or score=1) and active=no", &subject));
	ck_assert(matches("score=7 or score=1 and active=no", &subject));
	ck_assert(matches("\"Trend Micro Severity\" = high", &subject));
	ck_assert(matches("score != -5 and score > -5", &subject));
	tags_fini(&tags);
}
END_TEST

START_TEST(pseudo_categories)
{
	struct criteria_subject subject = {
		.kind = KIND_URL, .scope = SCOPE_TREE, .source = "feed-a", .source_length = 6,
		.key = "http://a/", .key_length = 9, .expires = 100, .first_seen = 50,
	};
	static const struct {
		const char *text;
		bool wanted;
	} cells[] = {
		{ "kind = url", true }, { "KIND = URL", true }, { "kind != url", false },
		{ "kind in (ipv4, sha1)", false }, { "kind in (ipv4, url)", true },
		{ "scope = tree", true }, { "scope = exact", false }, { "source = feed-a", true },
		{ "source = Feed-A", false }, { "key = http://a/", true },
		{ "expires = @100", true }, { "expires > @100", false },
		{ "first_seen <= 1970-01-01T00:00:50Z", true }, { "last_seen is missing", true },
		{ "last_seen < 2026-01-01", false }, { "kind is present", true },
		{ "source is missing", false }, { "not kind = ipv4", true },
	};
	static const char *const scopes[] = { "", "exact", "below", "tree" };
	static const char *const kinds[] = { "ipv4", "ipv6", "domain", "url", "sha1", "sha256" };
	char text[64];

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		ck_assert_msg(matches(cells[i].text, &subject) == cells[i].wanted, "%s",
			      cells[i].text);
	for (uint8_t scope = SCOPE_EXACT; scope <= SCOPE_TREE; scope++) {
		subject.scope = scope;
		snprintf(text, sizeof(text), "scope = %s", scopes[scope]);
		ck_assert(matches(text, &subject));
	}
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		subject.kind = (enum kind)kind;
		snprintf(text, sizeof(text), "kind = %s", kinds[kind]);
		ck_assert(matches(text, &subject));
	}
	subject = (struct criteria_subject){ .kind = KIND_COUNT };
	ck_assert(matches("kind is missing and scope is missing and source is missing", &subject));
}
END_TEST

START_TEST(a_real_category_wins_over_a_pseudo_one)
{
	struct criteria_subject subject = { .kind = KIND_URL, .source = "x", .source_length = 1 };
	struct criteria *criteria;

	put((struct tag_category){ .name = "Source", .type = TAG_NUMBER, .min = 0, .max = 9 });
	criteria = parse("source = 1");
	ck_assert(!criteria_match(criteria, &subject));
	ck_assert(!criteria_uses_pseudo(criteria));
	criteria_free(criteria);
}
END_TEST

START_TEST(what_it_depends_on)
{
	static const struct {
		const char *text;
		bool notes, pseudo, missing;
	} cells[] = {
		{ "Colour = Red and Score > 1 or Active = yes", false, false, false },
		{ "Colour = Red or Note = x", true, false, false },
		{ "not \"Seen At\" is missing", true, false, true },
		{ "source = x", false, true, false },
		{ "expires > @5 and Colour is missing", false, true, true },
	};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		struct criteria *criteria = parse(cells[i].text);
		ck_assert_int_eq(criteria_uses_notes(criteria), cells[i].notes);
		ck_assert_int_eq(criteria_uses_pseudo(criteria), cells[i].pseudo);
		ck_assert_int_eq(criteria_uses_missing(criteria), cells[i].missing);
		criteria_free(criteria);
	}
}
END_TEST

START_TEST(canonical_text)
{
	static const struct {
		const char *text, *wanted;
	} cells[] = {
		{ "colour=RED", "Colour = Red" },
		{ "((score>=007))", "Score >= 7" },
		{ "(Score=1 and Score=2) and (Active=t)", "Score = 1 and Score = 2 and Active = yes" },
		{ "Score=1 and (Score=2 and Score=3)", "Score = 1 and Score = 2 and Score = 3" },
		{ "Score=1 and (Score=2 or Score=3)", "Score = 1 and (Score = 2 or Score = 3)" },
		{ "(Score=1 and Score=2) or Score=3", "Score = 1 and Score = 2 or Score = 3" },
		{ "NOT (Score=1 AND Score=2)", "not (Score = 1 and Score = 2)" },
		{ "not (not (score is missing))", "not not Score is missing" },
		{ "score in (9,5,5,10)", "Score in (10, 5, 9)" },
		{ "note in (\"b b\",\"and\",\"\\\"\\\\\")",
		  "Note in (\"\\\"\\\\\", \"and\", \"b b\")" },
		{ "\"and\"=1", "\"and\" = 1" },
		{ "\"seen at\" < @0", "\"Seen At\" < 1970-01-01T00:00:00Z" },
		{ "KIND=URL", "kind = url" },
	};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		struct criteria *criteria = parse(cells[i].text);
		char *text;
		size_t length;
		ck_assert_int_eq(criteria_print(criteria, &text, &length, NULL), STATUS_OK);
		ck_assert_str_eq(text, cells[i].wanted);
		ck_assert_uint_eq(length, strlen(text));
		free(text);
		criteria_free(criteria);
	}
}
END_TEST

START_TEST(errors_say_where_and_what)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *wanted;
	} cells[] = {
		{ "", 0, "line 1, column 1: the text ends too early; expected a category, not, or (" },
		{ " \n  ", 4, "line 2, column 3: the text ends too early; expected a category, not, or (" },
		{ "Colur = Red", 0, "line 1, column 1: no tag category is named \"Colur\"; did you mean \"Colour\"" },
		{ "severity = High", 0, "line 1, column 1: no tag category is named \"severity\"; did you mean \"Trend Micro Severity\"" },
		{ "Xyzzyxyzzy = 1", 0, "line 1, column 1: no tag category is named \"Xyzzyxyzzy\"; expected the name of one" },
		{ "Score = 1 and\nColour = Pink", 23, "line 2, column 10: Colour: \"Pink\" is not one of Red, Green, Blue" },
		{ "Score = 101", 8, "line 1, column 9: Score: \"101\" is not a whole number within -5..100" },
		{ "Score < 1.5", 8, "line 1, column 9: Score: \"1.5\" is not a whole number within -5..100" },
		{ "Score in (1, x)", 13, "line 1, column 14: Score: \"x\" is not a whole number within -5..100" },
		{ "Active = maybe", 9, "line 1, column 10: Active: \"maybe\" is not yes or no" },
		{ "\"Seen At\" > soon", 12, "line 1, column 13: Seen At: \"soon\" is not a time like 2026-11-21T10:00:00Z" },
		{ "Colour < Red", 7, "line 1, column 8: Colour is of type list, which has no order; expected one of = != in is" },
		{ "Note >= a", 5, "line 1, column 6: Note is of type text, which has no order; expected one of = != in is" },
		{ "Active <= yes", 7, "line 1, column 8: Active is of type yesno, which has no order; expected one of = != in is" },
		{ "Note = \"\xC3\xA9\xC3\xA9\" Note", 14, "line 1, column 13: found Note; expected and, or, or the end" },
		{ "Score", 5, "line 1, column 6: the text ends too early; expected one of = != < <= > >= in is" },
		{ "Score Score", 6, "line 1, column 7: found Score; expected one of = != < <= > >= in is" },
		{ "Score =", 7, "line 1, column 8: the text ends too early; expected a value (in double quotes if it is a keyword)" },
		{ "Score = and", 8, "line 1, column 9: found and; expected a value (in double quotes if it is a keyword)" },
		{ "Score = = 1", 8, "line 1, column 9: found =; expected a value (in double quotes if it is a keyword)" },
		{ "Score is 5", 9, "line 1, column 10: found 5; expected missing or present" },
		{ "Score in 5", 9, "line 1, column 10: found 5; expected ( and the values" },
		{ "Score in ()", 10, "line 1, column 11: found ); expected a value (in double quotes if it is a keyword)" },
		{ "Score in (1 2)", 12, "line 1, column 13: found 2; expected , or )" },
		{ "Score in (1,", 12, "line 1, column 13: the text ends too early; expected a value (in double quotes if it is a keyword)" },
		{ "(Score = 1", 10, "line 1, column 11: the text ends too early; expected and, or, or )" },
		{ "Score = 1)", 9, "line 1, column 10: found ); expected and, or, or the end" },
		{ "Score ! 1", 6, "line 1, column 7: '!' alone means nothing; expected != or not" },
		{ "Note = \"a", 7, "line 1, column 8: the quotes are not closed; expected \" before the end" },
		{ "Note = \"a\\", 7, "line 1, column 8: the quotes are not closed; expected \" before the end" },
		{ "Note = \"a\\n\"", 9, "line 1, column 10: a backslash in quotes stands before \" or \\ only; expected \\\" or \\\\" },
		{ "and", 0, "line 1, column 1: found and; expected a category, not, or (" },
		{ "Score = 1 and and", 14, "line 1, column 15: found and; expected a category, not, or (" },
		{ "Note = \xFF", 7, "line 1, column 8: this byte is no UTF-8; expected text" },
		{ "Note = \x01", 7, "line 1, column 8: a control character; expected text" },
		{ "Note = \"a\nb\"", 7, "line 1, column 8: Note: \"a?b\" is not 1 to 255 bytes of UTF-8 without control characters" },
		{ "Note = \"\"", 7, "line 1, column 8: Note: \"\" is not 1 to 255 bytes of UTF-8 without control characters" },
		{ "kind = ip", 7, "line 1, column 8: kind: \"ip\" is not one of ipv4, ipv6, domain, url, sha1, sha256" },
	};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		struct criteria *criteria = NULL;
		struct fault fault = { 0 };
		ck_assert_int_eq(criteria_parse(cells[i].text, strlen(cells[i].text), &catalog,
						&criteria, &fault), STATUS_CRITERIA);
		ck_assert_ptr_null(criteria);
		ck_assert_str_eq(fault.text, cells[i].wanted);
		ck_assert_uint_eq(fault.offset, cells[i].offset);
		ck_assert_int_eq(fault.status, STATUS_CRITERIA);
		ck_assert_int_eq(criteria_parse(cells[i].text, strlen(cells[i].text), &catalog,
						&criteria, NULL), STATUS_CRITERIA);
	}
}
END_TEST

/* `count` times `unit` between `before` and `after`; the status of parsing it. */
static enum status
repeated(const char *before, const char *unit, size_t count, const char *after)
{
	size_t unit_length = strlen(unit);
	size_t length = strlen(before) + count * unit_length + strlen(after);
	char *text = malloc(length + 1);
	char *at = text + strlen(before);
	struct criteria *criteria = NULL;
	struct criteria_subject subject = { .kind = KIND_COUNT };
	enum status status;

	memcpy(text, before, strlen(before));
	for (size_t i = 0; i < count; i++, at += unit_length)
		memcpy(at, unit, unit_length);
	memcpy(at, after, strlen(after) + 1);
	status = criteria_parse(text, length, &catalog, &criteria, NULL);
	if (status == STATUS_OK)
		criteria_match(criteria, &subject);
	criteria_free(criteria);
	free(text);
	return status;
}

START_TEST(limits_hold)
{
	char names[8192] = "", number[32];

	ck_assert_int_eq(repeated("", "(", 64, "Score=1"), STATUS_CRITERIA);
	ck_assert_int_eq(repeated("", "(", 65, "Score=1"), STATUS_LIMIT);
	ck_assert_int_eq(repeated("", "not ", 64, "Score=1"), STATUS_OK);
	ck_assert_int_eq(repeated("", "not ", 65, "Score=1"), STATUS_LIMIT);
	ck_assert_int_eq(repeated("", " ", CRITERIA_TEXT_BYTES - 7, "Score=1"), STATUS_OK);
	ck_assert_int_eq(repeated("", " ", CRITERIA_TEXT_BYTES - 6, "Score=1"), STATUS_LIMIT);
	ck_assert_int_eq(repeated("Score in (1", ",1", CRITERIA_VALUES - 1, ")"), STATUS_OK);
	ck_assert_int_eq(repeated("Score in (1", ",1", CRITERIA_VALUES, ")"), STATUS_LIMIT);
	ck_assert_int_eq(repeated("Score=1", " or Score=1", 5000, ""), STATUS_OK);
	/* The nodes' limit needs a short name, and one that does not grow when it is printed. */
	put((struct tag_category){ .name = "a", .type = TAG_YESNO });
	put((struct tag_category){ .name = "d", .type = TAG_DATE });
	ck_assert_int_eq(repeated("a=0", "or a=0", 3000, ""), STATUS_CRITERIA);
	ck_assert_int_eq(repeated("a=0", " or a=0", 5000, ""), STATUS_OK);
	ck_assert_int_eq(repeated("a=0", " or a=0", CRITERIA_NODES, ""), STATUS_LIMIT);
	ck_assert_int_eq(repeated("d=@0", " or d=@0", 4000, ""), STATUS_LIMIT);
	for (int i = 0; i <= CRITERIA_CATEGORIES; i++) {
		snprintf(number, sizeof(number), "k%d", i);
		put((struct tag_category){ .name = number, .type = TAG_YESNO });
		ck_assert_int_eq(repeated(names, number, 1, "=y"),
				 i < CRITERIA_CATEGORIES ? STATUS_OK : STATUS_LIMIT);
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "k%d=y and ", i);
	}
}
END_TEST

START_TEST(damaged_tags_match_nothing)
{
	struct criteria_subject subject = { .kind = KIND_COUNT,
					    .set = (const uint8_t *)"\4\5Score\1\1" "7" "\4",
					    .set_length = 11 };

	ck_assert(!matches("Score = 7", &subject));
	ck_assert(!matches("not Score = 7", &subject));
	subject.set_length = 10;
	ck_assert(matches("Score = 7", &subject));
	/* The same name with another type is no tag of that category. */
	subject.set = (const uint8_t *)"\0\5Score\1\1" "7";
	ck_assert(matches("Score is missing", &subject));
	/* A number that is none cannot be compared. */
	subject.set = (const uint8_t *)"\4\5Score\1\1" "x";
	ck_assert(!matches("Score > 0 or Score <= 0", &subject));
	/* A sign without digits where the tags end (found by fuzzing). */
	uint8_t *sign = memcpy(malloc(10), "\4\5Score\1\1-", 10);
	subject.set = sign;
	ck_assert(!matches("Score > 0 or Score <= 0", &subject));
	free(sign);
}
END_TEST

START_TEST(random_conditions_agree_with_the_naive_evaluator)
{
	const char *given = getenv("TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 20261121;
	struct tags tags = { 0 };
	unsigned long compared = 0, held_true = 0;

	srand(seed);
	for (int round = 0; round < 20000; round++) {
		struct criteria *criteria, *again;
		struct twin *twin = twin_random(rand() % 5);
		const char *written = twin_write(twin);
		char *printed, *reprinted;
		size_t length;
		criteria = parse(written);
		criteria_print(criteria, &printed, &length, NULL);
		again = parse(printed);
		criteria_print(again, &reprinted, &length, NULL);
		ck_assert_str_eq(printed, reprinted);
		for (int claim = 0; claim < 10; claim++, compared++) {
			struct twin_claim held;
			struct criteria_subject subject = twin_subject(&held, &tags);
			bool wanted = twin_holds(twin, &held);
			held_true += wanted;
			if (criteria_match(criteria, &subject) != wanted ||
			    criteria_match(again, &subject) != wanted)
				ck_abort_msg("seed %u: %s: wanted %d", seed, written, wanted);
		}
		criteria_free(criteria);
		criteria_free(again);
		free(printed);
		free(reprinted);
		twin_free(twin);
	}
	tags_fini(&tags);
	printf("criteria: %lu comparisons with the naive evaluator, %lu true, seed %u\n", compared,
	       held_true, seed);
	ck_assert_uint_ge(compared, 100000);
	ck_assert_uint_gt(held_true, compared / 10);
	ck_assert_uint_lt(held_true, compared - compared / 10);
}
END_TEST

START_TEST(any_text_is_safe)
{
	static const char *const parts[] = { "Score", "Colour", "(", ")", "=", "!=", "<", " in ",
					     " is ", "missing", " and ", " or ", " not ", "1", "red",
					     "\"", "\\", ",", "note", "\n", "kind", "@5", "\xC3\xA9" };
	char text[256];

	srand(5);
	for (int round = 0; round < 100000; round++) {
		struct criteria *criteria;
		struct criteria_subject subject = { .kind = KIND_URL };
		text[0] = '\0';
		for (int i = rand() % 20; i > 0; i--)
			strncat(text, parts[(size_t)rand() % (sizeof(parts) / sizeof(parts[0]))], 16);
		if (criteria_parse(text, strlen(text), &catalog, &criteria, NULL) != STATUS_OK)
			continue;
		criteria_match(criteria, &subject);
		criteria_free(criteria);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("criteria");
	TCase *tcase = tcase_create("criteria");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, truth_table_of_equality);
	tcase_add_test(tcase, truth_table_of_order);
	tcase_add_test(tcase, lists_with_several_values);
	tcase_add_test(tcase, spellings);
	tcase_add_test(tcase, pseudo_categories);
	tcase_add_test(tcase, a_real_category_wins_over_a_pseudo_one);
	tcase_add_test(tcase, what_it_depends_on);
	tcase_add_test(tcase, canonical_text);
	tcase_add_test(tcase, errors_say_where_and_what);
	tcase_add_test(tcase, limits_hold);
	tcase_add_test(tcase, damaged_tags_match_nothing);
	tcase_add_test(tcase, random_conditions_agree_with_the_naive_evaluator);
	tcase_add_test(tcase, any_text_is_safe);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
