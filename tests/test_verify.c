/* SPDX-License-Identifier: Apache-2.0 */
/* verify and dump, over whole and damaged stores. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/container.h"
#include "tests/command.h"
#include "tests/fixture.h"

/* --- verify -------------------------------------------------------------------------------- */

static void
flip(const char *name, uint64_t offset)
{
	int fd = open(command_file(name), O_RDWR);
	uint8_t byte;
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

/* The status that verify gives `file`, and what it says; "" if it has no line. */
static const char *
verified(const char *file, char *where, size_t where_size)
{
	static char found[16];
	found[0] = '\0';
	for (size_t i = 0; i < command_lines(); i++) {
		struct cJSON *line = command_line(i);
		command_members(line, "file ok status code where offset message");
		if (strcmp(command_text(line, "file"), file) == 0) {
			const char *text = json_gate_text(json_gate_member(line, "where"));
			snprintf(found, sizeof(found), "%s", command_text(line, "status"));
			if (where != NULL)
				snprintf(where, where_size, "%s", text != NULL ? text : "");
		}
		json_gate_free(line);
	}
	return found;
}

static void
flip_each_section(const char *name, uint32_t content)
{
	struct file_map map;
	struct container container;
	fixture_need(file_map_open(command_file(name), &map, NULL), NULL, name);
	fixture_need(container_attach(&container, content, map.bytes, map.length, NULL), NULL, name);
	ck_assert_uint_gt(container.section_count, 1);
	for (uint32_t i = 0; i < container.section_count; i++) {
		struct section section;
		char id[5], where[128];
		container_id_text(container_section_at(&container, i, &section, NULL), id);
		flip(name, section.offset + section.length / 2);
		ck_assert_int_eq(RUN("verify", "--json"), CLI_ERROR);
		ck_assert_str_eq(verified(name, where, sizeof(where)), "damaged");
		ck_assert_str_eq(where, id);
		ck_assert_int_eq(RUN("verify"), CLI_ERROR);
		ck_assert_ptr_nonnull(strstr(command_out, "DAMAGED"));
		flip(name, section.offset + section.length / 2);
	}
	/* header, table, footer, padding */
	uint64_t places[] = {0, 9, 40, 100, map.length - 100, map.length - 36, map.length - 1};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		flip(name, places[i]);
		ck_assert_int_eq(RUN("verify", "--json"), CLI_ERROR);
		ck_assert_str_eq(verified(name, NULL, 0), "damaged");
		flip(name, places[i]);
	}
	file_map_close(&map);
	ck_assert_int_eq(RUN("verify", "--json"), CLI_FOUND);
}

START_TEST(verify_names_every_flipped_byte)
{
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(RUN("verify", "--json"), CLI_FOUND);
	ck_assert_str_eq(verified("JOURNAL", NULL, 0), "ok");
	ck_assert_str_eq(verified("segment-1.rps", NULL, 0), "ok");
	ck_assert_str_eq(verified("GENERATION", NULL, 0), "ok");
	flip_each_section("segment-1.rps", FORMAT_CONTENT_SEGMENT);
	/* head, its page, the first record, the record that counts: its header, rows, catalogue, padding */
	uint64_t places[] = {0, 9, 41, 50, 4095, 8192, 8200, 8290, 8400, 12287};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		flip("JOURNAL", places[i]);
		ck_assert_int_eq(RUN("verify", "--json"), CLI_ERROR);
		ck_assert_str_eq(verified("JOURNAL", NULL, 0), "damaged");
		flip("JOURNAL", places[i]);
	}
	/* what no state needs any more is noted */
	flip("JOURNAL", 4096 + 4000);
	ck_assert_int_eq(RUN("verify", "--json"), CLI_FOUND);
	ck_assert_ptr_nonnull(strstr(command_out, "record 1 at byte 4096 does not match"));
}
END_TEST

START_TEST(verify_names_all_damage_and_what_does_not_belong)
{
	struct command_row more = {"9.9.9.10", 0, "feed-b", {NULL}, 0}, last = {"9.9.9.11", 0, "feed-b", {NULL}, 0};
	struct stat journal;
	char to[FILE_PATH_BYTES], other[FILE_PATH_BYTES];
	/* a base of another store, whole */
	command_put(&more, 1, true);
	snprintf(other, sizeof(other), "%s.other", command_store);
	ck_assert_int_eq(rename(command_file("segment-1.rps"), other), 0);
	command_teardown();
	command_setup();
	command_put(command_sample, COMMAND_SAMPLE, false);
	command_put(&more, 1, false);
	/* a layer that stands in the journal */
	ck_assert_int_eq(RUN("verify", "--json"), CLI_FOUND);
	ck_assert_str_eq(verified("JOURNAL:segment-2", NULL, 0), "ok");
	command_put(&last, 1, false);
	ck_assert_int_eq(stat(command_file("JOURNAL"), &journal), 0);
	/* two files at once; the record is not the last one, so only its checksum can tell */
	flip("segment-1.rps", 4096);
	flip("JOURNAL", 12288 + 8192);
	ck_assert_int_eq(RUN("verify", "--json"), CLI_ERROR);
	ck_assert_str_eq(verified("segment-1.rps", NULL, 0), "damaged");
	ck_assert_str_eq(verified("JOURNAL:segment-2", NULL, 0), "damaged");
	flip("segment-1.rps", 4096);
	flip("JOURNAL", 12288 + 8192);
	/* the last record: its generation was published */
	flip("JOURNAL", (uint64_t)journal.st_size - 1);
	ck_assert_int_eq(RUN("verify", "--json"), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_out, "generation 3 was published and is damaged"));
	flip("JOURNAL", (uint64_t)journal.st_size - 1);
	/* what is no part of the store does no harm */
	fclose(fopen(command_file("notes.txt"), "w"));
	fclose(fopen(command_file("segment-77.rps"), "w"));
	ck_assert_int_eq(RUN("verify", "--json"), CLI_FOUND);
	ck_assert_str_eq(verified("notes.txt", NULL, 0), "note");
	ck_assert_str_eq(verified("segment-77.rps", NULL, 0), "note");
	ck_assert_int_eq(unlink(command_file("segment-77.rps")), 0);
	/* a wrong or missing hint too */
	flip("GENERATION", 0);
	ck_assert_int_eq(RUN("verify", "--json"), CLI_FOUND);
	ck_assert_str_eq(verified("GENERATION", NULL, 0), "note");
	ck_assert_int_eq(unlink(command_file("GENERATION")), 0);
	ck_assert_int_eq(RUN("verify", "--json"), CLI_FOUND);
	/* a segment that is whole, but another */
	snprintf(to, sizeof(to), "%s/segment-3", command_store);
	ck_assert_int_eq(rename(command_file("segment-1.rps"), to), 0);
	ck_assert_int_eq(RUN("verify", "--json"), CLI_ERROR);
	ck_assert_str_eq(verified("segment-1.rps", NULL, 0), "damaged");
	ck_assert_ptr_nonnull(strstr(command_out, "\"code\":\"missing\""));
	ck_assert_int_eq(rename(other, command_file("segment-1.rps")), 0);
	ck_assert_int_eq(RUN("verify", "--json"), CLI_ERROR);
	ck_assert_str_eq(verified("segment-1.rps", NULL, 0), "damaged");
	ck_assert_ptr_nonnull(strstr(command_out, "not the segment that the journal names"));
	/* no journal: the segments are judged by themselves */
	ck_assert_int_eq(unlink(command_file("JOURNAL")), 0);
	ck_assert_int_eq(RUN("verify", "--json"), CLI_ERROR);
	ck_assert_str_eq(verified("JOURNAL", NULL, 0), "damaged");
	ck_assert_str_eq(verified("segment-1.rps", NULL, 0), "ok");
	unlink(to);
}
END_TEST

/* --- dump ---------------------------------------------------------------------------------- */

START_TEST(dump_shows_all_keys_and_claims)
{
	size_t keys = 0, claims = 0;
	command_put(command_sample, COMMAND_SAMPLE, false);
	ck_assert_int_eq(RUN("dump", "--json"), CLI_FOUND);
	for (size_t i = 0; i < command_lines(); i++) {
		struct cJSON *line = command_line(i);
		const char *row = command_text(line, "row");
		keys += strcmp(row, "key") == 0;
		claims += strcmp(row, "claim") == 0;
		json_gate_free(line);
	}
	ck_assert_uint_eq(keys, COMMAND_SAMPLE - 1);
	ck_assert_uint_eq(claims, COMMAND_SAMPLE);
	ck_assert_int_eq(RUN("dump", "--summary", command_file("segment-1.rps")), CLI_FOUND);
	ck_assert_ptr_nonnull(strstr(command_out, "\nsection id INFO offset 4096 "));
	ck_assert_ptr_nonnull(strstr(command_out, "\nkind name domain entries 3 keys 2 records 2 "));
	ck_assert_ptr_null(strstr(command_out, "\nkey "));
	ck_assert_int_eq(RUN("dump", command_file("segment-1.rps")), CLI_FOUND);
	ck_assert_ptr_nonnull(strstr(command_out, "\nkey kind domain key evil.example in table record "));
	ck_assert_ptr_nonnull(strstr(command_out, "\n  claim scope tree source feed-b first_seen " NOW));
	ck_assert_int_eq(RUN("dump", "tests/test_query_commands.c"), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(command_err, "not a Repute file"));
}
END_TEST

static Suite *
suite(void)
{
	Suite *made = suite_create("verify");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, command_setup, command_teardown);
	tcase_add_test(tcase, verify_names_every_flipped_byte);
	tcase_add_test(tcase, verify_names_all_damage_and_what_does_not_belong);
	tcase_add_test(tcase, dump_shows_all_keys_and_claims);
	suite_add_tcase(made, tcase);
	return made;
}

int
main(void)
{
	SRunner *runner = srunner_create(suite());
	command_start();
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
