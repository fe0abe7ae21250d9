/* SPDX-License-Identifier: Apache-2.0 */
/* Readers in other processes, while a writer publishes and folds. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/command.h"
#include "tests/fixture.h"

/* --- readers and a writer ------------------------------------------------------------------ */

/* `lookup --json` on two pipes. */
struct reader {
	pid_t child;
	FILE *to, *from;
};

static void
reader_start(struct reader *reader)
{
	char *argv[] = {"repute", "--store", command_store, "--now", NOW, "lookup", "--json", NULL};
	int to[2], from[2];
	ck_assert_int_eq(pipe(to), 0);
	ck_assert_int_eq(pipe(from), 0);
	fflush(NULL);
	reader->child = fork();
	if (reader->child == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(to[1]);
		close(from[0]);
		exit(command_main(argv));
	}
	close(to[0]);
	close(from[1]);
	reader->to = fdopen(to[1], "w");
	reader->from = fdopen(from[0], "r");
}

static void
reader_end(struct reader *reader)
{
	int status;
	fclose(reader->to);
	ck_assert_int_eq(waitpid(reader->child, &status, 0), reader->child);
	ck_assert_int_eq(status, 0);
	fclose(reader->from);
}

#define KEYS 8

/*
 * Ask for all keys at once. Every answer's tag is the number of its
 * generation, so half a transaction, or two in one answer, would show.
 */
static int64_t
reader_ask(struct reader *reader)
{
	int64_t least = INT64_MAX;
	for (int i = 0; i < KEYS; i++)
		fprintf(reader->to, "k%d.example\n", i);
	fflush(reader->to);
	for (int i = 0; i < KEYS; i++) {
		struct fault fault = {0};
		struct cJSON *line = NULL;
		char number[24];
		ck_assert_ptr_nonnull(fgets(command_out, sizeof(command_out), reader->from));
		fixture_need(json_gate_parse(command_out, strlen(command_out) - 1, NULL, &line, &fault), &fault, command_out);
		const struct cJSON *hit = json_gate_first(json_gate_member(line, "hits"));
		const struct cJSON *tags = json_gate_member(hit, "tags");
		int64_t generation = command_number(line, "generation");
		snprintf(number, sizeof(number), "%lld", (long long)generation);
		ck_assert_str_eq(json_gate_text(json_gate_first(json_gate_first(tags))), number);
		if (generation < least)
			least = generation;
		json_gate_free(line);
	}
	return least;
}

static void
generation_put(uint64_t generation)
{
	static char texts[KEYS][24];
	char number[24];
	struct command_row rows[KEYS];
	snprintf(number, sizeof(number), "%llu", (unsigned long long)generation);
	for (int i = 0; i < KEYS; i++) {
		snprintf(texts[i], sizeof(texts[i]), "k%d.example", i);
		rows[i] = (struct command_row){texts[i], 0, "feed", {"List Count", number}, 0};
	}
	ck_assert_uint_eq(command_put(rows, KEYS, generation % 5 == 0), generation);
}

START_TEST(a_waiting_reader_sees_each_new_generation)
{
	struct reader reader;
	generation_put(1);
	reader_start(&reader);
	for (uint64_t generation = 1; generation <= 25; generation++) {
		if (generation > 1)
			generation_put(generation);
		ck_assert_int_eq(reader_ask(&reader), (int64_t)generation);
	}
	reader_end(&reader);
}
END_TEST

START_TEST(a_busy_reader_never_sees_half_a_generation)
{
	struct reader reader;
	int64_t last = 0;
	int status;
	generation_put(1);
	fflush(NULL);
	pid_t writer = fork();
	if (writer == 0) {
		for (uint64_t generation = 2; generation <= 150; generation++)
			generation_put(generation);
		exit(0);
	}
	reader_start(&reader);
	while (last < 150) {
		int64_t seen = reader_ask(&reader);
		ck_assert_int_ge(seen, last);
		last = seen;
	}
	reader_end(&reader);
	ck_assert_int_eq(waitpid(writer, &status, 0), writer);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* Opening, too, meets a writer that folds layers away. */
START_TEST(opening_beside_a_writer_works)
{
	int status, result = CLI_FOUND;
	generation_put(1);
	fflush(NULL);
	pid_t writer = fork();
	if (writer == 0) {
		for (uint64_t generation = 2; generation <= 60; generation++)
			generation_put(generation);
		exit(0);
	}
	while (result == CLI_FOUND && waitpid(writer, &status, WNOHANG) == 0) {
		result = RUN("lookup", "k0.example");
		ck_assert_msg(result == CLI_FOUND, "lookup: %s", command_err);
		result = RUN("verify");
		ck_assert_msg(result == CLI_FOUND, "verify: %s%s", command_out, command_err);
	}
	ck_assert_int_eq(status, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *made = suite_create("readers");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, command_setup, command_teardown);
	tcase_add_test(tcase, a_waiting_reader_sees_each_new_generation);
	tcase_add_test(tcase, a_busy_reader_never_sees_half_a_generation);
	tcase_add_test(tcase, opening_beside_a_writer_works);
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
