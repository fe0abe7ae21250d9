/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of tar: made here field by field, as POSIX and GNU say; whole archives that tar itself makes of one
 * folder in four formats; each byte of a header changed; an archive without its end.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/feed_tar.h"
#include "loader/tar.h"
#include "tests/fixture.h"

static uint8_t block[TAR_BLOCK_BYTES];

/* The sum of all bytes, its own field being blanks. */
static void
seal(void)
{
	unsigned sum = 0;
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++)
		sum += block[i];
	snprintf((char *)block + 148, 8, "%06o", sum);
}

static void
make(const char *name, const char *size, char type)
{
	memset(block, 0, sizeof(block));
	memcpy(block, name, strlen(name));
	memcpy(block + 124, size, 12);
	block[156] = (uint8_t)type;
	memcpy(block + 257, "ustar\0" "00", 8);
	seal();
}

static struct tar_header
read_good(void)
{
	struct tar_header header;
	const char *wrong = tar_header_read(block, &header);
	ck_assert_msg(wrong == NULL, "%s", wrong);
	return header;
}

START_TEST(fields)
{
	make("a/list.txt", "00000001234", '0');
	struct tar_header header = read_good();
	ck_assert_int_eq(header.type, TAR_FILE);
	ck_assert_uint_eq(header.size, 01234);
	ck_assert_str_eq(header.name, "a/list.txt");
	memset(block, 'n', 100);
	memset(block + 345, 'p', 155);
	seal();
	header = read_good();
	ck_assert_uint_eq(strlen(header.name), 256);
	ck_assert_int_eq(header.name[155], '/');
	memcpy(block + 257, "ustar  ", 8); /* GNU: no prefix */
	seal();
	ck_assert_uint_eq(strlen(read_good().name), 100);
	make("big", "\x80\0\0\0\0\0\0\x01\0\0\0\x02", '0');
	ck_assert_uint_eq(read_good().size, 0x100000002ull);
	make("folder/", "00000000000", '\0');
	ck_assert_int_eq(read_good().type, TAR_EMPTY);
	memset(block, 0, sizeof(block));
	ck_assert_int_eq(read_good().type, TAR_END);
}
END_TEST

START_TEST(types)
{
	static const struct {
		char type;
		enum tar_type means;
	} rows[] = {{'0', TAR_FILE}, {'\0', TAR_FILE}, {'7', TAR_FILE}, {'x', TAR_PAX}, {'L', TAR_LONG_NAME},
		    {'g', TAR_NOTE}, {'K', TAR_NOTE}, {'1', TAR_LINK}, {'2', TAR_EMPTY}, {'5', TAR_EMPTY},
		    {'V', TAR_OTHER}, {'Z', TAR_OTHER}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make("x", "00000000000", rows[i].type);
		ck_assert_int_eq(read_good().type, rows[i].means);
	}
}
END_TEST

START_TEST(refused)
{
	struct tar_header header;
	make("x", "00000000010", 'S');
	ck_assert_ptr_nonnull(tar_header_read(block, &header));
	make("x", "0000000001x", '0');
	ck_assert_ptr_nonnull(tar_header_read(block, &header));
	make("x", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", '0');
	ck_assert_ptr_nonnull(tar_header_read(block, &header));
	make("x", "00000000010", '0');
	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++) {
		bool checksum = i >= 148 + 6 && i < 148 + 8; /* what ends the number may be something else */
		block[i] ^= 0x41;
		ck_assert_msg(checksum || tar_header_read(block, &header) != NULL, "byte %zu", i);
		block[i] ^= 0x41;
	}
}
END_TEST

START_TEST(records)
{
	static const char *const bad[] = {"7 path=\n", "8 path=a\n", "99999999999999999999 path=a\n", "5 pat\n",
					  "x path=a\n", "11 size=1x\n", "9 size=\n", "19 GNU.sparse.map=1\n",
					  "10 path=a"};
	static const char good[] = "20 mtime=1.25 a b=c\n12 path=x\ny\n10 size=7\n10 path=z\n";
	struct tar_pax pax = {0};
	ck_assert_ptr_null(tar_pax_read(good, strlen(good), &pax));
	ck_assert(pax.has_size && pax.size == 7 && pax.path_length == 1 && *pax.path == 'z');
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(tar_pax_read(bad[i], strlen(bad[i]), &pax) != NULL, "%s", bad[i]);
}
END_TEST

/* --- archives of tar itself ------------------------------------------------------------------ */

/* "name" of each member that is a list, and how many entries; the status of the end. */
static enum status
walk(const uint8_t *bytes, size_t length, char *names, size_t size, unsigned *entries)
{
	struct feed_archive *archive;
	struct feed *feed;
	struct feed_item item;
	struct feed_reject reject;
	struct fault fault = {0};
	const char *name;
	bool member_only;
	enum status status = feed_archive_open_bytes(bytes, length, NULL, &archive, &fault);
	names[0] = '\0';
	*entries = 0;
	if (status != STATUS_OK)
		return status;
	while ((status = feed_archive_next(archive, &feed, &name, &member_only, &fault)) == STATUS_OK &&
	       feed != NULL) {
		enum feed_outcome outcome;
		snprintf(names + strlen(names), size - strlen(names), "%s ", name);
		while ((outcome = feed_next(feed, &item, &reject, &fault)) == FEED_ITEM || outcome == FEED_REJECT)
			*entries += outcome == FEED_ITEM;
		if (outcome == FEED_FAIL) {
			status = fault.status;
			break;
		}
	}
	feed_archive_close(archive);
	return status;
}

#define LONG "a-folder-with-a-name-that-is-longer-than-a-header-has-room-for-in-any-of-its-fields-by-far-and-more"

/* ustar cannot have the long name: tar leaves it out. */
static const struct {
	const char *format;
	bool has_long;
} formats[] = {{"v7", false}, {"ustar", false}, {"gnu", true}, {"pax", true}};

static size_t
make_archive(const char *format, uint8_t *bytes, size_t capacity)
{
	char *path = fixture_path("tar"), command[2048];
	snprintf(command, sizeof(command), "rm -rf %s && mkdir -p %s/d/" LONG "/" LONG " && cd %s && "
		 "seq -f '%%.0f.example' 1 300 >d/one && echo 192.0.2.1 >d/" LONG "/" LONG "/two && "
		 "ln d/one d/same && ln -s one d/link && mkfifo d/pipe && printf 'a.example\\nb.example\\n' >d/zero && "
		 "tar --format=%s --sort=name -cf ../tar-%ld.out d 2>/dev/null; true", path, path, path, format,
		 (long)getpid());
	ck_assert_int_eq(system(command), 0);
	snprintf(command, sizeof(command), "build/tmp/tar-%ld.out", (long)getpid());
	FILE *file = fopen(command, "re");
	ck_assert_ptr_nonnull(file);
	size_t length = fread(bytes, 1, capacity, file);
	fclose(file);
	unlink(command);
	snprintf(command, sizeof(command), "rm -rf %s", path);
	ck_assert_int_eq(system(command), 0);
	free(path);
	return length;
}

START_TEST(archives)
{
	static uint8_t bytes[1 << 17];
	char names[1024];
	unsigned entries;
	size_t length = make_archive(formats[_i].format, bytes, sizeof(bytes));
	if (memcmp(bytes + TAR_MAGIC_OFFSET, "ustar", 5) != 0)
		return; /* v7 is no archive to us: it has no mark by which to know it */
	ck_assert_int_eq(walk(bytes, length, names, sizeof(names), &entries), STATUS_OK);
	if (formats[_i].has_long) {
		ck_assert_str_eq(names, "d/" LONG "/" LONG "/two d/one d/zero ");
		ck_assert_uint_eq(entries, 303);
	} else {
		ck_assert_str_eq(names, "d/one d/zero ");
		ck_assert_uint_eq(entries, 302);
	}
	/* Cut anywhere before its end mark it fails. */
	size_t end = length;
	while (end > 0 && bytes[end - 1] == 0)
		end--;
	end = (end + TAR_BLOCK_BYTES - 1) / TAR_BLOCK_BYTES * TAR_BLOCK_BYTES;
	for (size_t cut = TAR_BLOCK_BYTES; cut <= end; cut += 128)
		ck_assert_msg(walk(bytes, cut, names, sizeof(names), &entries) != STATUS_OK, "%zu bytes", cut);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tar");
	TCase *cases = tcase_create("all");
	tcase_add_test(cases, fields);
	tcase_add_test(cases, types);
	tcase_add_test(cases, refused);
	tcase_add_test(cases, records);
	tcase_add_loop_test(cases, archives, 0, sizeof(formats) / sizeof(formats[0]));
	tcase_set_timeout(cases, 120);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
