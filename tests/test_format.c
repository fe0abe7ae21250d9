/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/format.md and the headers say the same. Each "### name_d, N bytes" with
 * its table of offset | size | field must be a structure of tests/fields.c, field
 * for field and in order, and the other way round; tests/fields.c in turn
 * must name every structure of the headers and every byte of each. Section ids too.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/format.h"
#include "engine/kind.h"
#include "tests/fields.h"

static char *
read_text(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = calloc(1, 1 << 20);

	ck_assert_msg(file != NULL && text != NULL, "%s: cannot be read", path);
	size_t length = fread(text, 1, (1 << 20) - 1, file);
	ck_assert_uint_gt(length, 0);
	fclose(file);
	return text;
}

/* First row of a structure in the list; NULL if it has none. */
static const struct field *
find_structure(const char *name)
{
	for (size_t i = 0; i < field_count; i++)
		if (strcmp(field_table[i].structure, name) == 0)
			return &field_table[i];
	return NULL;
}

static const struct field *
next_field(const struct field *field)
{
	const struct field *next = field + 1;

	return next < field_table + field_count && strcmp(next->structure, field->structure) == 0
		? next : NULL;
}

/* One "| 8 | 4 | content | ..." of the document against the field that is due. */
static const struct field *
compare_row(const char *line, const struct field *field, const char *structure)
{
	size_t offset, size;
	char name[64];

	ck_assert_msg(sscanf(line, "| %zu | %zu | %63[a-z0-9_] |", &offset, &size, name) == 3,
		      "%s: not a row: %.60s", structure, line);
	ck_assert_msg(field != NULL, "%s: the document has %s, the code has not", structure, name);
	ck_assert_msg(strcmp(field->name, name) == 0, "%s: %s where the code has %s", structure,
		      name, field->name);
	ck_assert_msg(field->offset == offset && field->size == size,
		      "%s.%s: %zu, %zu in the document; %zu, %zu in the code", structure, name,
		      offset, size, field->offset, field->size);
	return next_field(field);
}

START_TEST(document_says_what_the_code_has)
{
	char *text = read_text("docs/format.md"), structure[64] = "";
	const struct field *due = NULL;
	size_t bytes, rows = 0;

	for (char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		if (sscanf(line, "### %63[a-z0-9_], %zu bytes", structure, &bytes) == 2) {
			due = find_structure(structure);
			ck_assert_msg(due != NULL, "%s is not in the code", structure);
			ck_assert_msg(due->structure_size == bytes, "%s has %zu bytes", structure,
				      due->structure_size);
		} else if (line[0] == '#') {
			structure[0] = '\0';
		} else if (structure[0] && line[0] == '|' && line[2] >= '0' && line[2] <= '9') {
			due = compare_row(line, due, structure);
			rows++;
		} else if (structure[0] && rows && line[0] == '\n') {
			ck_assert_msg(due == NULL || due == find_structure(structure),
				      "%s: the document lacks %s", structure, due ? due->name : "");
		}
	}
	ck_assert_uint_eq(rows, field_count);
	free(text);
}
END_TEST

START_TEST(code_is_in_the_document)
{
	char *text = read_text("docs/format.md"), heading[96], row[96];

	for (size_t i = 0; i < field_count; i++) {
		const struct field *field = &field_table[i];
		snprintf(heading, sizeof(heading), "### %s, %zu bytes\n", field->structure,
			 field->structure_size);
		const char *at = strstr(text, heading);
		ck_assert_msg(at != NULL, "no \"%s\"", heading);
		snprintf(row, sizeof(row), "\n| %zu | %zu | %s | ", field->offset, field->size,
			 field->name);
		const char *found = strstr(at, row), *end = strstr(at + 4, "\n###");
		ck_assert_msg(found != NULL && (end == NULL || found < end), "%s: no \"%s\"",
			      field->structure, row + 1);
	}
	free(text);
}
END_TEST

/* Fields follow one another from the first byte to the last: none is left out. */
START_TEST(every_byte_has_a_field)
{
	for (const struct field *field = field_table; field < field_table + field_count;) {
		const struct field *first = field;
		size_t end = 0;
		for (; field != NULL; field = next_field(field)) {
			ck_assert_msg(field->offset == end, "%s: a gap before %s", field->structure,
				      field->name);
			end = field->offset + field->size;
			first = field;
		}
		ck_assert_msg(end == first->structure_size, "%s: bytes after %s", first->structure,
			      first->name);
		field = first + 1;
	}
}
END_TEST

static void
find_all_structures(const char *path, size_t *count)
{
	char *text = read_text(path), name[64];

	for (const char *at = text; (at = strstr(at, "\nstruct ")) != NULL; at++) {
		if (sscanf(at + 8, "%63[a-z0-9_] {", name) != 1 ||
		    at[8 + strlen(name)] != ' ' || at[9 + strlen(name)] != '{' ||
		    strcmp(name + strlen(name) - 2, "_d") != 0)
			continue;
		ck_assert_msg(find_structure(name) != NULL, "%s: %s is not in tests/fields.c", path,
			      name);
		++*count;
	}
	free(text);
}

START_TEST(every_structure_is_listed)
{
	size_t listed = 0, found = 0;

	find_all_structures("engine/format.h", &found);
	find_all_structures("engine/ptrie.h", &found);
	find_all_structures("engine/wide.h", &found);
	for (size_t i = 0; i < field_count; i++)
		listed += i == 0 ||
			  strcmp(field_table[i].structure, field_table[i - 1].structure) != 0;
	ck_assert_uint_eq(listed, found);
}
END_TEST

static void
want_id(const char *text, uint32_t id, size_t *count)
{
	char row[16];

	snprintf(row, sizeof(row), "\n| `%c%c%c%c` |", (int)(id & 127), (int)(id >> 8 & 127),
		 (int)(id >> 16 & 127), (int)(id >> 24 & 127));
	ck_assert_msg(strstr(text, row) != NULL, "no row \"%s\"", row + 1);
	++*count;
}

START_TEST(section_ids)
{
	static const uint32_t single[] = { FORMAT_INFO, FORMAT_SOURCES, FORMAT_TAGS, FORMAT_CLAIMS,
					   FORMAT_PATTERNS, FORMAT_GRAMS, FORMAT_GATE_IPV4,
					   FORMAT_TRIE_IPV4, FORMAT_WIDE_IPV6, FORMAT_EXPIRY,
					   FORMAT_KEYS(KIND_DOMAIN), FORMAT_KEYS(KIND_URL),
					   FORMAT_LAYERS, FORMAT_CATALOG };
	char *text = read_text("docs/format.md");
	size_t wanted = 0, there = 0;

	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		want_id(text, single[i], &wanted);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		want_id(text, FORMAT_HOT(kind), &wanted);
		if (kind != KIND_IPV4)
			want_id(text, FORMAT_RECORDS(kind), &wanted);
	}
	for (const char *at = text; (at = strstr(at, "\n| `")) != NULL; at++)
		there += strncmp(at + 8, "` |", 3) == 0;
	ck_assert_uint_eq(there, wanted);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("format");
	TCase *cases = tcase_create("all");

	tcase_add_test(cases, document_says_what_the_code_has);
	tcase_add_test(cases, code_is_in_the_document);
	tcase_add_test(cases, every_byte_has_a_field);
	tcase_add_test(cases, every_structure_is_listed);
	tcase_add_test(cases, section_ids);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
