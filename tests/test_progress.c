/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pty.h>
#include <utmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/clock.h"
#include "engine/progress.h"

static struct progress bar = {.label = "feed.csv", .item_name = "entries"};

static const char *
render(uint64_t done, uint64_t total, uint64_t items, double seconds, size_t width)
{
	static char line[256];
	bar.done_bytes = done;
	bar.total_bytes = total;
	bar.items = items;
	size_t length = progress_render(&bar, (uint64_t)(seconds * 1e9), width, line, sizeof(line));
	ck_assert_uint_eq(length, strlen(line));
	ck_assert_uint_le(length, width);
	return line;
}

START_TEST(a_line_says_how_far_and_how_long)
{
	ck_assert_str_eq(render(12300000, 49200000, 412882, 0.5, 200),
			 "feed.csv [======>                 ]  25%  12.3/49.2 MB  412,882 entries  "
			 "826 k/s  0:02 left");
	ck_assert_str_eq(render(50, 100, 1, 4000, 200),
			 "feed.csv [============>           ]  50%  0.0/0.0 MB  1 entries  0/s  "
			 "1:06:40 left");
	ck_assert_str_eq(render(100, 100, 1000, 1, 200),
			 "feed.csv [========================] 100%  0.0/0.0 MB  1,000 entries  "
			 "1.0 k/s  0:00 left");
}
END_TEST

START_TEST(unknown_totals_and_odd_numbers)
{
	ck_assert_str_eq(render(7000000, 0, 1234567, 1, 200),
			 "feed.csv  7.0 MB  1,234,567 entries  1.2 M/s");
	ck_assert_str_eq(render(0, 0, 0, 0, 200), "feed.csv  0 entries");
	ck_assert_str_eq(render(0, 10, 0, 1, 200),
			 "feed.csv [>                       ]   0%  0.0/0.0 MB  0 entries  0/s");
	/* a file that grew while it was read */
	ck_assert_ptr_nonnull(strstr(render(30, 10, 5, 1, 200), "100%"));
	render(UINT64_MAX, UINT64_MAX, UINT64_MAX, 1e9, 200);
}
END_TEST

START_TEST(lines_keep_to_the_width)
{
	for (size_t width = 0; width < 120; width++)
		render(12300000, 33100000, 412882, 0.5, width);
	char one[1] = {'x'};
	progress_render(&bar, 1, 10, one, 1);
	ck_assert_int_eq(one[0], '\0');
}
END_TEST

/* In a child: a process that leads its group cannot take a terminal. */
static void
draw_and_exit(int slave, int pipe_end, bool terminal, bool wanted)
{
	struct progress progress;
	if (terminal && login_tty(slave) != 0)
		_exit(1);
	if (!terminal)
		dup2(pipe_end, 2);
	progress_start(&progress, "x", "things", wanted);
	for (uint64_t i = 0; i < 3000; i++) {
		progress_update(&progress, i, 3000, i);
		usleep(200);
	}
	progress_end(&progress);
	_exit(0);
}

/* What a bar writes to a terminal or a pipe; its length. */
static size_t
written(bool terminal, bool wanted, char *text, size_t capacity)
{
	int master, slave, ends[2], status;
	size_t length = 0;
	ssize_t got;
	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	ck_assert_int_eq(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0)
		draw_and_exit(slave, ends[1], terminal, wanted);
	close(slave);
	close(ends[1]);
	while ((got = read(terminal ? master : ends[0], text + length, capacity - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	waitpid(child, &status, 0);
	ck_assert_int_eq(status, 0);
	return length;
}

START_TEST(a_terminal_gets_a_bar_and_keeps_nothing)
{
	char text[65536];
	double begun = clock_elapsed();
	size_t length = written(true, true, text, sizeof(text)), draws = 0;
	/* as often as is worth drawing in the time that it took, which a busy machine makes long */
	size_t most = (size_t)((clock_elapsed() - begun) * 10) + 2;
	ck_assert_uint_gt(length, 0);
	ck_assert_ptr_nonnull(strstr(text, "things"));
	ck_assert_ptr_null(strchr(text, '\n'));
	ck_assert_ptr_null(strchr(text, '\x1b'));
	for (const char *c = text; (c = strchr(c, '>')) != NULL; c++)
		draws++;
	ck_assert_uint_ge(draws, 1);
	ck_assert_uint_le(draws, most);
	/* the last thing written is a line of blanks */
	ck_assert_int_eq(text[length - 1], '\r');
	ck_assert_int_eq(text[length - 2], ' ');
	ck_assert_int_eq(text[length - 60], ' ');
}
END_TEST

START_TEST(pipes_get_nothing)
{
	char text[4096];
	ck_assert_uint_eq(written(false, true, text, sizeof(text)), 0);
}
END_TEST

START_TEST(the_quiet_get_nothing)
{
	char text[4096];
	ck_assert_uint_eq(written(true, false, text, sizeof(text)), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("progress");
	TCase *all = tcase_create("all");
	tcase_add_test(all, a_line_says_how_far_and_how_long);
	tcase_add_test(all, unknown_totals_and_odd_numbers);
	tcase_add_test(all, lines_keep_to_the_width);
	tcase_add_test(all, a_terminal_gets_a_bar_and_keeps_nothing);
	tcase_add_test(all, pipes_get_nothing);
	tcase_add_test(all, the_quiet_get_nothing);
	tcase_set_timeout(all, 60);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
