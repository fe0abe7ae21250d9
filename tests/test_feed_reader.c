/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes and lines: compression whole and broken, line ends, long lines, bounds. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "engine/limits.h"
#include "loader/feed_reader.h"

struct blob {
	uint8_t *bytes;
	size_t length;
};

static struct blob
blob_load(const char *name)
{
	char path[256];
	struct blob blob = {malloc(1 << 20), 0};
	FILE *file;

	snprintf(path, sizeof(path), "tests/feeds/%s", name);
	file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "%s", path);
	blob.length = fread(blob.bytes, 1, 1 << 20, file);
	fclose(file);
	return blob;
}

static struct feed_reader *
reader_of(const void *bytes, size_t length)
{
	struct feed_source *source;
	struct feed_reader *reader;

	ck_assert_int_eq(feed_source_open_bytes(bytes, length, "memory", &source, NULL), STATUS_OK);
	ck_assert_int_eq(feed_reader_open(source, &reader, NULL), STATUS_OK);
	return reader;
}

/* Everything the source gives; the status of the end. */
static enum status
slurp(const void *bytes, size_t length, struct blob *all, struct fault *fault)
{
	struct feed_source *source;
	enum status status;
	size_t got = 1;

	all->bytes = malloc(1 << 20);
	all->length = 0;
	ck_assert_int_eq(feed_source_open_bytes(bytes, length, "memory", &source, NULL), STATUS_OK);
	do {
		status = feed_source_read(source, all->bytes + all->length, 777, &got, fault);
		all->length += status ? 0 : got;
	} while (!status && got > 0);
	if (status) /* a broken stream stays broken */
		ck_assert_int_eq(feed_source_read(source, all->bytes, 1, &got, fault), status);
	feed_source_close(source);
	return status;
}

static const char *const compressed[] = {"made-plain.txt.gz", "made-plain.txt.zst"};

START_TEST(compressed_is_undone)
{
	struct blob plain = blob_load("made-plain.txt"), blob = blob_load(compressed[_i]), all;

	ck_assert_int_eq(slurp(blob.bytes, blob.length, &all, NULL), STATUS_OK);
	ck_assert_uint_eq(all.length, plain.length);
	ck_assert_mem_eq(all.bytes, plain.bytes, plain.length);
	free(all.bytes);
	/* two members or frames are one stream */
	memcpy(blob.bytes + blob.length, blob.bytes, blob.length);
	ck_assert_int_eq(slurp(blob.bytes, blob.length * 2, &all, NULL), STATUS_OK);
	ck_assert_uint_eq(all.length, plain.length * 2);
	ck_assert_mem_eq(all.bytes + plain.length, plain.bytes, plain.length);
	free(all.bytes);
	free(blob.bytes);
	free(plain.bytes);
}
END_TEST

/* Cut at any byte: never a success, at most for lengths at which no magic number shows. */
START_TEST(cut_off_is_refused)
{
	struct blob blob = blob_load(compressed[_i]), all;
	struct fault fault;

	for (size_t length = 4; length < blob.length; length++) {
		ck_assert_int_eq(slurp(blob.bytes, length, &all, &fault), STATUS_BAD_FEED);
		ck_assert_ptr_nonnull(strstr(fault.text, "ends too early"));
		free(all.bytes);
	}
	free(blob.bytes);
}
END_TEST

START_TEST(garbage_behind_is_refused)
{
	struct blob blob = blob_load(compressed[_i]), all;

	for (int byte = 1; byte < 256; byte++) {
		memset(blob.bytes + blob.length, byte, 9);
		ck_assert_int_eq(slurp(blob.bytes, blob.length + 9, &all, NULL), STATUS_BAD_FEED);
		free(all.bytes);
	}
	free(blob.bytes);
}
END_TEST

START_TEST(zero_padding_behind_gzip_is_taken)
{
	struct blob blob = blob_load(compressed[0]), all;

	memset(blob.bytes + blob.length, 0, 512);
	ck_assert_int_eq(slurp(blob.bytes, blob.length + 512, &all, NULL), STATUS_OK);
	free(all.bytes);
	blob.bytes[blob.length + 512] = 0x1F;
	ck_assert_int_eq(slurp(blob.bytes, blob.length + 513, &all, NULL), STATUS_BAD_FEED);
	free(all.bytes);
	free(blob.bytes);
}
END_TEST

/* One bit wrong anywhere behind the magic number: refused, or (header fields) read the same. */
START_TEST(damage_is_refused_or_harmless)
{
	struct blob plain = blob_load("made-plain.txt"), blob = blob_load(compressed[_i]), all;
	unsigned refused = 0;

	for (size_t at = 4; at < blob.length; at++) {
		blob.bytes[at] ^= 0x10;
		if (slurp(blob.bytes, blob.length, &all, NULL))
			refused++;
		else
			ck_assert_mem_eq(all.bytes, plain.bytes, plain.length);
		free(all.bytes);
		blob.bytes[at] ^= 0x10;
	}
	ck_assert_uint_gt(refused, blob.length * 9 / 10 - 16);
	free(blob.bytes);
	free(plain.bytes);
}
END_TEST

/* --- lines ------------------------------------------------------------------ */

static const struct {
	const char *text;
	size_t length;
	const char *lines; /* joined with | */
} splits[] = {
	{"", 0, ""},
	{"a", 1, "a|"},
	{"a\nb\n", 4, "a|b|"},
	{"a\r\nb\r\n", 6, "a|b|"},
	{"a\rb\r", 4, "a|b|"},
	{"a\rb\nc\r\nd", 8, "a|b|c|d|"},
	{"\n\r\n\r", 4, "|||"},
	{"\xEF\xBB\xBF"
	 "a\n\xEF\xBB\xBF"
	 "b",
	 9,
	 "a|\xEF\xBB\xBF"
	 "b|"},
	{"\xEF\xBB", 2, "\xEF\xBB|"},
	{"a\0b\nc", 5,
	 "a"
	 "\x01"
	 "b|c|"},
};

START_TEST(line_ends_of_all_sorts)
{
	char joined[64] = "";
	struct feed_reader *reader = reader_of(splits[_i].text, splits[_i].length);
	struct feed_line line;
	size_t length = 0;
	uint64_t number = 0;

	while (feed_reader_next(reader, &line, NULL) == FEED_READ_LINE) {
		for (size_t i = 0; i < line.length; i++)
			joined[length++] = line.text[i] ? line.text[i] : 1;
		joined[length++] = '|';
		ck_assert_uint_eq(line.number, ++number);
	}
	joined[length] = '\0';
	ck_assert_str_eq(joined, splits[_i].lines);
	ck_assert_uint_eq(feed_reader_lines(reader), number);
	feed_reader_close(reader);
}
END_TEST

/* A pull that gives few bytes at a time: every place a block can end. */
struct drip {
	const char *text;
	size_t length, offset, step;
};

static enum status
drip_pull(void *context, uint8_t *bytes, size_t capacity, size_t *got, struct fault *fault)
{
	struct drip *drip = context;
	size_t left = drip->length - drip->offset;

	(void)fault;
	*got = left < drip->step ? left : drip->step;
	*got = *got < capacity ? *got : capacity;
	memcpy(bytes, drip->text + drip->offset, *got);
	drip->offset += *got;
	return STATUS_OK;
}

START_TEST(blocks_end_anywhere)
{
	static const char text[] = "\xEF\xBB\xBFone\r\n\r\ntwo\rthree\n\r\rfour\r\n";
	static const char *const want[] = {"one", "", "two", "three", "", "", "four"};
	struct drip drip = {text, sizeof(text) - 1, 0, (size_t)_i};
	struct feed_source *source;
	struct feed_reader *reader;
	struct feed_line line;

	ck_assert_int_eq(feed_source_open_pull(drip_pull, &drip, 0, "drip", &source, NULL),
			 STATUS_OK);
	ck_assert_int_eq(feed_reader_open(source, &reader, NULL), STATUS_OK);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_LINE);
		ck_assert_uint_eq(line.length, strlen(want[i]));
		ck_assert_mem_eq(line.text, want[i], line.length);
	}
	ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_END);
	ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_END);
	feed_reader_close(reader);
}
END_TEST

/* Lines of every length around the block size, both ends: compared with a naive split. */
START_TEST(lines_across_blocks)
{
	size_t capacity = 3 << 20, length = 0;
	char *text = malloc(capacity);
	struct feed_reader *reader;
	struct feed_line line;
	unsigned seed = 12345;
	size_t at = 0;

	while (length + 200000 < capacity) {
		size_t size = (seed = seed * 1103515245 + 12345) >> 16 & 0x7F;

		size = (seed >> 8 & 15) == 0 ? FEED_SOURCE_BYTES - 64 + size : size;
		memset(text + length, 'a' + (int)(seed >> 20 & 15), size);
		length += size;
		if (seed >> 27 & 1)
			text[length++] = '\r';
		text[length++] = '\n';
	}
	reader = reader_of(text, length);
	while (at < length) {
		size_t end = at;

		while (text[end] != '\r' && text[end] != '\n')
			end++;
		ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_LINE);
		ck_assert_uint_eq(line.length, end - at);
		ck_assert_mem_eq(line.text, text + at, line.length);
		at = end + 1 + (text[end] == '\r');
	}
	ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_END);
	feed_reader_close(reader);
	free(text);
}
END_TEST

/* --- long lines ------------------------------------------------------------- */

START_TEST(the_limit_itself_is_no_long_line)
{
	size_t length = LIMIT_LINE_BYTES + (size_t)_i;
	char *text = malloc(length + 8);
	struct feed_reader *reader;
	struct feed_line line;
	size_t end;

	memset(text, 'x', length);
	end = length + (size_t)snprintf(text + length, 8, "\r\nnext");
	reader = reader_of(text, end);
	ck_assert_int_eq(feed_reader_next(reader, &line, NULL),
			 _i ? FEED_READ_LONG : FEED_READ_LINE);
	ck_assert_uint_eq(line.length, _i ? FEED_CUT_BYTES : LIMIT_LINE_BYTES);
	ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_LINE);
	ck_assert_uint_eq(line.number, 2);
	ck_assert_uint_eq(line.length, 4);
	ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_END);
	feed_reader_close(reader);
	free(text);
}
END_TEST

/* `left` bytes of x, then "\r\nend". */
static enum status
flood_pull(void *context, uint8_t *bytes, size_t capacity, size_t *got, struct fault *fault)
{
	size_t *left = context;
	const char *end = "\r\nend";

	(void)fault;
	*got = *left > 5 ? *left - 5 : *left;
	*got = *got < capacity ? *got : capacity;
	if (*left > 5)
		memset(bytes, 'x', *got);
	else
		memcpy(bytes, end + 5 - *left, *got);
	*left -= *got;
	return STATUS_OK;
}

static long
peak_kilobytes(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

START_TEST(a_hundred_megabytes_in_one_line)
{
	size_t left = 100000000;
	long before = peak_kilobytes();
	struct feed_source *source;
	struct feed_reader *reader;
	struct feed_line line;

	ck_assert_int_eq(feed_source_open_pull(flood_pull, &left, 0, "flood", &source, NULL),
			 STATUS_OK);
	ck_assert_int_eq(feed_reader_open(source, &reader, NULL), STATUS_OK);
	ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_LONG);
	ck_assert_uint_eq(line.length, FEED_CUT_BYTES);
	ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_LINE);
	ck_assert_uint_eq(line.length, 3);
	ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_END);
	feed_reader_close(reader);
	ck_assert_int_lt(peak_kilobytes() - before, 8 * 1024);
}
END_TEST

/* --- joining ---------------------------------------------------------------- */

START_TEST(extend_and_rewind)
{
	static const char text[] = "one\r\ntwo\nthree";
	struct feed_reader *reader = reader_of(text, sizeof(text) - 1);
	struct feed_line line;

	ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_LINE);
	ck_assert_int_eq(feed_reader_extend(reader, 100, &line, NULL), FEED_READ_LINE);
	ck_assert_int_eq(feed_reader_extend(reader, 100, &line, NULL), FEED_READ_LINE);
	ck_assert_uint_eq(line.length, sizeof(text) - 1);
	ck_assert_mem_eq(line.text, text, line.length);
	ck_assert_uint_eq(line.joined, 2);
	ck_assert_int_eq(feed_reader_extend(reader, 100, &line, NULL), FEED_READ_END);
	ck_assert_uint_eq(feed_reader_lines(reader), 3);
	feed_reader_rewind(reader, &line);
	ck_assert_uint_eq(feed_reader_lines(reader), 1);
	ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_LINE);
	ck_assert_mem_eq(line.text, "two", 3);
	ck_assert_uint_eq(line.number, 2);
	ck_assert_int_eq(feed_reader_extend(reader, 6, &line, NULL), FEED_READ_LONG);
	ck_assert_int_eq(feed_reader_next(reader, &line, NULL), FEED_READ_LINE);
	ck_assert_mem_eq(line.text, "three", 5);
	feed_reader_close(reader);
}
END_TEST

START_TEST(no_such_file)
{
	struct feed_source *source;
	struct fault fault;

	ck_assert_int_eq(feed_source_open_path("tests/feeds/nothing-here", "it", &source, &fault),
			 STATUS_MISSING);
	ck_assert_str_eq(fault.where, "it");
	ck_assert_int_eq(feed_source_open_path("tests/feeds", "it", &source, &fault), STATUS_OK);
	{
		uint8_t byte;
		size_t got;

		ck_assert_int_eq(feed_source_read(source, &byte, 1, &got, &fault), STATUS_IO);
	}
	feed_source_close(source);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("feed_reader");
	TCase *test = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(test, 60);
	tcase_add_loop_test(test, compressed_is_undone, 0, 2);
	tcase_add_loop_test(test, cut_off_is_refused, 0, 2);
	tcase_add_loop_test(test, garbage_behind_is_refused, 0, 2);
	tcase_add_test(test, zero_padding_behind_gzip_is_taken);
	tcase_add_loop_test(test, damage_is_refused_or_harmless, 0, 2);
	tcase_add_loop_test(test, line_ends_of_all_sorts, 0, sizeof(splits) / sizeof(splits[0]));
	tcase_add_loop_test(test, blocks_end_anywhere, 1, 24);
	tcase_add_test(test, lines_across_blocks);
	tcase_add_loop_test(test, the_limit_itself_is_no_long_line, 0, 2);
	tcase_add_test(test, a_hundred_megabytes_in_one_line);
	tcase_add_test(test, extend_and_rewind);
	tcase_add_test(test, no_such_file);
	suite_add_tcase(suite, test);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
