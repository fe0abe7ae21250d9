/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of expiry in a segment (section EXPO), byte for byte as docs/format.md says: made once
 * more here from the claims that were put, with another reading of the file. And what a sweep
 * reads by it: as many keys as are due, in a number of records and of pages that follows from them
 * alone.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/segment_check.h"
#include "engine/sweep.h"
#include "tests/corrupt.h"
#include "tests/judge.h"
#include "tests/scratch.h"
#include "tests/fixture.h"

#define KEYS_MOST 200000
#define PART 256
#define NEVER UINT64_MAX

/* --- keys and their claims -------------------------------------------------------------- */

struct row {
	uint64_t due;     /* NEVER: a removal */
	uint64_t expires[3];
	unsigned claims;
};

static struct row rows[KEYS_MOST];
static struct random_state chance;

/* The i-th key; its text says which it is. */
static struct key *
key_of(size_t i, unsigned kinds)
{
	static char text[128]; /* which the key may borrow */
	unsigned n = (unsigned)i;

	switch (i % kinds) {
	case 0: snprintf(text, sizeof(text), "%040x", n); break;
	case 1: snprintf(text, sizeof(text), "10.%u.%u.%u", n >> 16, n >> 8 & 255, n & 255); break;
	case 2: snprintf(text, sizeof(text), "11.%u.%u.%u/31", n >> 16, n >> 8 & 255, n & 254); break;
	case 3: snprintf(text, sizeof(text), "2001:db8::%x:%x", n >> 16, n & 0xffff); break;
	case 4: snprintf(text, sizeof(text), "2001:db9:%x:%x::/64", n >> 16, n & 0xffff); break;
	case 5: snprintf(text, sizeof(text), "n%u.example", n); break;
	case 6: snprintf(text, sizeof(text), "http://n%u.example/x", n); break;
	default: snprintf(text, sizeof(text), "%064x", n);
	}
	return scratch_key(text, SCOPE_EXACT);
}

/* Which key that is. */
static size_t
key_number(const struct key *key, unsigned kinds)
{
	char text[KEY_PRINT_BYTES];
	unsigned a, b, c;

	key_print(key, text);
	if (sscanf(text, "10.%u.%u.%u", &a, &b, &c) == 3)
		return a << 16 | b << 8 | c;
	if (sscanf(text, "11.%u.%u.%u/31", &a, &b, &c) == 3)
		return (a << 16 | b << 8 | c) % kinds == 2 ? a << 16 | b << 8 | c
							    : (a << 16 | b << 8 | c) + 1;
	if (key->kind == KIND_IPV6 && key->prefix_bits == 128)
		return (size_t)key->bytes[12] << 24 | key->bytes[13] << 16 | key->bytes[14] << 8 |
		       key->bytes[15];
	if (key->kind == KIND_IPV6)
		return (size_t)key->bytes[4] << 24 | key->bytes[5] << 16 | key->bytes[6] << 8 |
		       key->bytes[7];
	if (sscanf(text, "n%u.", &a) == 1 || sscanf(text, "http://n%u.", &a) == 1)
		return a;
	return strtoul(text + strlen(text) - 8, NULL, 16);
}

static void
put(struct segment_build *build, size_t i, unsigned kinds)
{
	struct fault fault = {0};
	struct claim claims[3] = {0};
	struct key *key = key_of(i, kinds);
	uint32_t list;

	for (unsigned c = 0; c < rows[i].claims; c++) {
		char source[16];
		snprintf(source, sizeof(source), "s%u", c);
		fixture_need(segment_build_source(build, source, 2, &claims[c].source, &fault), &fault,
			     source);
		claims[c].scope = SCOPE_EXACT;
		claims[c].expires = rows[i].expires[c];
	}
	fixture_need(segment_build_claims(build, claims, rows[i].claims, &list, &fault), &fault, "list");
	fixture_need(segment_build_put(build, key, list, &fault), &fault, "put");
	free(key);
}

/* The file in memory; the caller frees. */
static uint8_t *
make(size_t count, unsigned kinds, bool overlay, uint64_t swept, size_t *length)
{
	struct hash_seed seed = {{7, 8}};
	struct fault fault = {0};
	struct segment_build *build;
	struct file_map map;
	char *path = fixture_path("expiry");
	uint8_t *bytes;

	fixture_need(segment_build_new(seed, overlay, &build, &fault), &fault, "build");
	for (size_t i = 0; i < count; i++)
		put(build, i, kinds);
	segment_build_swept(build, swept);
	fixture_write(build, path);
	segment_build_free(build);
	fixture_need(file_map_open(path, &map, &fault), &fault, path);
	bytes = malloc(map.length);
	memcpy(bytes, map.bytes, map.length);
	*length = map.length;
	file_map_close(&map);
	unlink(path);
	free(path);
	return bytes;
}

static void
row_set(size_t i, unsigned claims, const uint64_t *expires)
{
	rows[i] = (struct row){.due = NEVER, .claims = claims};
	for (unsigned c = 0; c < claims; c++) {
		rows[i].expires[c] = expires[c];
		rows[i].due = expires[c] < rows[i].due ? expires[c] : rows[i].due;
	}
}

/* Dues that most have, that some have, that one has; several claims; the ends of time. */
static uint64_t
random_due(void)
{
	unsigned way = random_below(&chance, 100);

	if (way < 40)
		return 1000 + random_below(&chance, 4);
	if (way < 75)
		return 2000 + random_below(&chance, 60) * 1000ull;
	if (way < 95)
		return random_below(&chance, 2000000000);
	return (uint64_t[]){0, 1, 2147483648u, 4294967296u, 253402300799ull}[random_below(&chance, 5)];
}

static void
rows_random(size_t count, bool removals)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t expires[3];
		for (unsigned c = 0; c < 3; c++)
			expires[c] = random_due();
		unsigned claims = random_chance(&chance, 70) ? 1 : 1 + random_below(&chance, 3);
		row_set(i, removals && random_chance(&chance, 10) ? 0 : claims, expires);
	}
}

/* --- the section once more ------------------------------------------------------------------ */

static uint64_t
number(const uint8_t *bytes, unsigned width)
{
	uint64_t value = 0;
	while (width-- > 0)
		value = value << 8 | bytes[width];
	return value;
}

static size_t
section_length(const struct corrupt *file, const char *id)
{
	size_t offset, length;
	return corrupt_section(file, id, &offset, &length) ? length : 0;
}

/* Records of each part in file order, from lengths and heads of the sections alone. */
static void
part_counts(const struct corrupt *file, uint64_t counts[8])
{
	size_t offset, length;
	memset(counts, 0, 8 * sizeof(*counts));
	counts[0] = section_length(file, "HOT0") / 64 * 8;
	if (corrupt_section(file, "TRI0", &offset, &length))
		counts[1] = number(file->good + offset + 12, 4);
	counts[2] = section_length(file, "REC1") / 20;
	if (corrupt_section(file, "WID6", &offset, &length))
		counts[3] = number(file->good + offset + 8, 4);
	counts[4] = section_length(file, "REC2") / 9;
	counts[5] = section_length(file, "REC3") / 9;
	counts[6] = section_length(file, "REC4") / 24;
	counts[7] = section_length(file, "REC5") / 36;
}

/* One key: its due, and the number of its record. */
struct mark {
	uint64_t due;
	uint64_t number;
};

static int
compare_marks(const void *a, const void *b)
{
	const struct mark *one = a, *other = b;
	if (one->due != other->due)
		return one->due < other->due ? -1 : 1;
	return (one->number > other->number) - (one->number < other->number);
}

static size_t
marks_make(const struct segment *segment, const struct corrupt *file, unsigned kinds,
	   struct mark *marks, size_t *keys, uint64_t *numbers)
{
	struct segment_cursor cursor = {0};
	uint64_t counts[8], first[9] = {0};
	size_t count = 0;
	struct key key;
	uint32_t id;

	part_counts(file, counts);
	for (unsigned i = 0; i < 8; i++)
		first[i + 1] = first[i] + counts[i];
	*numbers = first[8];
	*keys = 0;
	while (segment_next(segment, &cursor, &key, &id)) {
		size_t i = key_number(&key, kinds);
		unsigned part = cursor.kind <= KIND_IPV6 ? 2 * cursor.kind + cursor.in_trie
							  : cursor.kind + 2;
		++*keys;
		if (rows[i].due != NEVER)
			marks[count++] = (struct mark){rows[i].due, first[part] + cursor.record - 1};
	}
	qsort(marks, count, sizeof(*marks), compare_marks);
	return count;
}

/* A string of '0' and '1'. */
struct bits {
	char *text;
	size_t length;
};

static void
gap_write(struct bits *bits, uint64_t gap, unsigned low)
{
	for (uint64_t i = 0; i < gap >> low; i++)
		bits->text[bits->length++] = '1';
	bits->text[bits->length++] = '0';
	for (unsigned i = 0; i < low; i++, gap /= 2)
		bits->text[bits->length++] = gap % 2 ? '1' : '0';
}

/* Marks [from, to) have one due. */
static uint8_t *
places_write(uint8_t *at, const struct mark *marks, size_t from, size_t to, unsigned low)
{
	struct bits bits = {.text = malloc((to - from) * 50 + 8)};

	for (size_t i = from; i < to; i++)
		gap_write(&bits, i == from ? marks[i].number : marks[i].number - marks[i - 1].number - 1,
			  low);
	while (bits.length % 8 != 0)
		bits.text[bits.length++] = '1';
	for (size_t i = 0; i < bits.length; i += 8, at++)
		for (unsigned j = 0; j < 8; j++)
			*at = (uint8_t)(*at | (bits.text[i + j] - '0') << j);
	free(bits.text);
	return at;
}

static void
bytes_write(uint8_t *at, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* What docs/format.md wants; the caller frees. */
static uint8_t *
section_write(const struct mark *marks, size_t count, size_t keys, uint64_t numbers, uint64_t swept,
	      uint64_t part, size_t *length)
{
	uint8_t *bytes = calloc(count + 2, 32), *places = calloc(count + 1, 10), *at = places;
	size_t dues = 0;

	for (size_t i = 0, end; i < count; i = end) {
		for (end = i; end < count && marks[end].due == marks[i].due; end++)
			;
		unsigned low = 0;
		for (uint64_t gap = numbers / 16 * 11 / (end - i); gap >= 2; gap /= 2)
			low++;
		bool placed = (end - i) * (part == 0 ? 64 : part) < keys;
		bytes_write(bytes + 16 + 11 * dues, marks[i].due, 5);
		bytes_write(bytes + 16 + 11 * dues + 5, placed ? low : 0, 1);
		bytes_write(bytes + 16 + 11 * dues + 6, (uint64_t)(at - places), 5);
		if (placed)
			at = places_write(at, marks, i, end, low);
		dues++;
	}
	bytes_write(bytes, swept, 8);
	bytes_write(bytes + 8, dues, 4);
	bytes_write(bytes + 12, part, 4);
	memcpy(bytes + 16 + 11 * dues, places, (size_t)(at - places));
	*length = 16 + 11 * dues + (size_t)(at - places);
	free(places);
	return bytes;
}

static void
judge_section(size_t count, unsigned kinds, bool overlay, uint64_t swept)
{
	static struct mark marks[KEYS_MOST];
	struct segment segment;
	struct corrupt file;
	struct fault fault = {0};
	size_t length, keys, offset = 0, there = 0, wanted_length;
	uint64_t numbers;
	uint8_t *bytes = make(count, kinds, overlay, swept, &length);

	corrupt_init(&file, bytes, length);
	free(bytes);
	fixture_need(segment_attach(&segment, file.good, length, &fault), &fault, "attach");
	fixture_need(segment_check(&segment, &fault), &fault, "check");
	size_t marked = marks_make(&segment, &file, kinds, marks, &keys, &numbers);
	uint8_t *wanted = section_write(marks, marked, keys, numbers, overlay ? swept : 0,
					PART, &wanted_length);
	bool is = corrupt_section(&file, "EXPO", &offset, &there);
	ck_assert_uint_eq(keys, count);
	ck_assert_int_eq(is, count >= 1024 || (overlay && swept != 0));
	ck_assert_uint_eq(number(file.good + 16, 4), is);
	if (is) {
		ck_assert_uint_eq(there, wanted_length);
		ck_assert_mem_eq(file.good + offset, wanted, there);
	}
	free(wanted);
	corrupt_fini(&file);
}

START_TEST(bytes_are_as_the_document_says)
{
	chance.word = judge_seed();
	for (int round = 0; round < 12; round++) {
		bool overlay = round % 2 != 0;
		size_t count = 1024 + random_below(&chance, round < 10 ? 1500 : 20000);
		rows_random(count, overlay);
		judge_section(count, 1 + random_below(&chance, 8), overlay, round % 3 ? 0 : 12345);
		judge_section(count, 8, overlay, 1 + random_below(&chance, 1u << 31));
	}
}
END_TEST

/* 1023 keys; one key in 256, to the key; a list of which none is alone; no key with claims. */
START_TEST(where_the_rules_turn)
{
	for (size_t count = 1023; count <= 1025; count++) {
		rows_random(count, false);
		judge_section(count, 8, false, 99);
		judge_section(count, 8, true, 0);
		judge_section(count, 8, true, 1);
	}
	for (size_t users = 4; users <= 6; users++) {
		for (size_t i = 0; i < 1280; i++)
			row_set(i, 1, (uint64_t[]){i < users ? 5 : 6});
		judge_section(1280, 1, false, 0);
	}
	for (size_t i = 0; i < 1280; i++)
		row_set(i, 0, NULL);
	judge_section(1280, 8, true, 0);
	judge_section(3, 8, true, 77);
}
END_TEST

/* --- sweeping ---------------------------------------------------------------------------------- */

/* A store of one layer. */
static struct view *
view_of(const uint8_t *bytes, size_t length)
{
	static struct view view;
	struct fault fault = {0};

	memset(&view, 0, sizeof(view));
	view.layer_count = 1;
	fixture_need(segment_attach(&view.layer[0].segment, bytes, length, &fault), &fault, "attach");
	return &view;
}

static struct sweep_counts
sweep(const struct view *view, uint64_t now)
{
	struct sweep_counts counts;
	struct author *author;
	struct fault fault = {0};

	fixture_need(author_new(view, now, &author, &fault), &fault, "author");
	fixture_need(sweep_expired(view, now, author, &counts, &fault), &fault, "sweep");
	author_free(author);
	return counts;
}

static size_t
expired_claims(size_t count, uint64_t now, size_t *keys)
{
	size_t claims = 0;

	*keys = 0;
	for (size_t i = 0; i < count; i++) {
		for (unsigned c = 0; c < rows[i].claims; c++)
			claims += rows[i].expires[c] <= now;
		*keys += rows[i].due <= now;
	}
	return claims;
}

/* The same with other bytes as EXPO; NULL: without it, as a writer of before it would have made it. */
static uint8_t *
with_expiry(const uint8_t *bytes, size_t length, const uint8_t *expiry, size_t expiry_length,
	    size_t *made_length)
{
	struct container container;
	struct container_out *out;
	struct file_out *file;
	struct file_map map;
	struct fault fault = {0};
	uint32_t ids[LIMIT_SECTIONS], flags[LIMIT_SECTIONS], count = 0;
	uint64_t lengths[LIMIT_SECTIONS];
	struct section section[LIMIT_SECTIONS];
	struct container_plan plan = {.content = FORMAT_CONTENT_SEGMENT, .lengths = lengths, .ids = ids,
				      .flags = flags, .compatible = expiry != NULL};
	uint8_t sha256[32], *made;
	char *path = fixture_path("older");

	fixture_need(container_attach(&container, FORMAT_CONTENT_SEGMENT, bytes, length, &fault),
		     &fault, "attach");
	for (uint32_t i = 0; i < container.section_count; i++) {
		ids[count] = container_section_at(&container, i, &section[count], &flags[count]);
		if (ids[count] == FORMAT_EXPIRY)
			section[count] = (struct section){.bytes = expiry, .length = expiry_length};
		lengths[count] = section[count].length;
		count += ids[count] != FORMAT_EXPIRY || expiry != NULL;
	}
	plan.section_count = count;
	fixture_need(file_out_open(path, &file, &fault), &fault, path);
	fixture_need(container_out_plan(file, &plan, &out, &fault), &fault, "out");
	for (uint32_t i = 0; i < count; i++) {
		container_out_write(out, section[i].bytes, section[i].length, &fault);
		container_out_next(out, &fault);
	}
	fixture_need(container_out_finish(out, sha256, &fault), &fault, "finish");
	container_out_free(out);
	fixture_need(file_out_commit(file, &fault), &fault, path);
	fixture_need(file_map_open(path, &map, &fault), &fault, path);
	made = malloc(map.length);
	memcpy(made, map.bytes, map.length);
	*made_length = map.length;
	file_map_close(&map);
	unlink(path);
	free(path);
	return made;
}

/* Is a file with these places good, that says this of its part? And a sweep finds all. */
static void
judge_part(const struct corrupt *file, const uint8_t *expiry, size_t expiry_length, size_t count,
	   bool good)
{
	size_t length, keys;
	uint8_t *bytes = with_expiry(file->good, file->length, expiry, expiry_length, &length);
	const uint64_t part = number(expiry + 12, 4);
	struct segment segment;
	struct fault fault = {0};
	enum status status = segment_attach(&segment, bytes, length, &fault);

	if (part == 1 || part > 65536) {
		ck_assert_int_eq(status, STATUS_CORRUPT);
	} else {
		fixture_need(status, &fault, "attach");
		ck_assert_int_eq(segment_check(&segment, &fault), good ? STATUS_OK : STATUS_CORRUPT);
		struct sweep_counts counts = sweep(view_of(bytes, length), 2000);
		ck_assert_uint_eq(counts.claims, expired_claims(count, 2000, &keys));
	}
	free(bytes);
}

/* Files of writers that took another part: each is checked by what it says itself. */
START_TEST(the_part_is_the_files_own)
{
	static const uint32_t parts[] = {0, 2, 64, 65, 256, 65536, 1, 65537, UINT32_MAX};
	static struct mark marks[KEYS_MOST];
	struct segment segment;
	struct corrupt file;
	size_t length, keys, count = 2980;
	uint64_t numbers;

	chance.word = judge_seed() + 2;
	rows_random(count, false);
	for (size_t i = 0; i < 46; i++) /* one key in 65, but not in 64 */
		row_set(i, 1, (uint64_t[]){1900});
	uint8_t *bytes = make(count, 8, false, 0, &length);
	corrupt_init(&file, bytes, length);
	free(bytes);
	fixture_need(segment_attach(&segment, file.good, length, &(struct fault){0}),
		     &(struct fault){0}, "attach");
	size_t marked = marks_make(&segment, &file, 8, marks, &keys, &numbers);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t expiry_length;
		uint8_t *expiry = section_write(marks, marked, keys, numbers, 0, parts[i],
						&expiry_length);
		judge_part(&file, expiry, expiry_length, count, true);
		bytes_write(expiry + 12, parts[i] == 64 ? 65 : parts[i] == 65 ? 64 : 128, 4);
		judge_part(&file, expiry, expiry_length, count, false);
		free(expiry);
	}
	corrupt_fini(&file);
}
END_TEST

START_TEST(a_sweep_finds_what_is_due)
{
	chance.word = judge_seed() + 1;
	for (int round = 0; round < 4; round++) {
		size_t length, older_length, count = 1024 + random_below(&chance, 3000), keys;
		rows_random(count, false);
		uint8_t *bytes = make(count, 8, false, 0, &length);
		uint8_t *older = with_expiry(bytes, length, NULL, 0, &older_length);
		for (int i = 0; i < 30; i++) {
			uint64_t now = random_due();
			now -= now > 0 && random_chance(&chance, 50);
			size_t claims = expired_claims(count, now, &keys);
			const struct view *view = view_of(bytes, length);
			ck_assert_int_eq(sweep_due(view, now), keys > 0);
			struct sweep_counts counts = sweep(view, now);
			ck_assert_uint_eq(counts.claims, claims);
			ck_assert_uint_le(counts.read, keys * PART);
			view = view_of(older, older_length);
			fixture_need(segment_check(&view->layer[0].segment, &(struct fault){0}),
				     &(struct fault){0}, "an older file");
			ck_assert_int_eq(sweep_due(view, now), keys > 0);
			counts = sweep(view, now);
			ck_assert_uint_eq(counts.claims, claims);
			ck_assert_uint_eq(counts.read, keys > 0 ? count : 0);
		}
		free(bytes);
		free(older);
	}
}
END_TEST

/* --- pages ---------------------------------------------------------------------------------------- */

static uint8_t *guarded;
static size_t guarded_length;
static volatile sig_atomic_t pages;

static void
on_touch(int signal_number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr & ~(uintptr_t)4095;

	(void)signal_number;
	(void)context;
	if (at < (uintptr_t)guarded || at >= (uintptr_t)guarded + guarded_length ||
	    mprotect((void *)at, 4096, PROT_READ) != 0)
		_exit(99);
	pages++;
}

static void
guard(const uint8_t *bytes, size_t length)
{
	struct sigaction action = {.sa_sigaction = on_touch, .sa_flags = SA_SIGINFO | SA_NODEFER};

	guarded_length = (length + 4095) / 4096 * 4096;
	guarded = mmap(NULL, guarded_length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(guarded != MAP_FAILED);
	memcpy(guarded, bytes, length);
	sigaction(SIGSEGV, &action, NULL);
}

/*
 * 200,000 digests, 3,000 dues: for k keys that are due some pages to find the place in the order, and then
 * at most for each key its place in the section, its record, claims and source, and the line by which it is
 * looked up, whether a layer above hides it.
 */
START_TEST(pages_follow_from_what_is_due)
{
	size_t length, keys;

	chance.word = judge_seed() + 2;
	for (size_t i = 0; i < KEYS_MOST; i++)
		row_set(i, 1, (uint64_t[]){i < 200 ? 1000 + 10 * i : 1000000 + i % 2800 * 7});
	uint8_t *bytes = make(KEYS_MOST, 1, false, 0, &length);
	guard(bytes, length);
	const struct view *view = view_of(guarded, length);
	for (uint64_t now = 900; now < 3200; now += 117) {
		expired_claims(KEYS_MOST, now, &keys);
		ck_assert_int_eq(mprotect(guarded, guarded_length, PROT_NONE), 0);
		pages = 0;
		ck_assert_int_eq(sweep_due(view, now), keys > 0);
		ck_assert_msg(pages <= 6, "%d pages to see whether anything is due", (int)pages);
		struct sweep_counts counts = sweep(view, now);
		ck_assert_uint_eq(counts.claims, keys);
		ck_assert_uint_le(counts.read, keys * PART);
		ck_assert_msg((size_t)pages <= 12 + 4 * keys, "%d pages for %zu keys", (int)pages, keys);
		printf("%zu keys: %d of %zu pages, %llu records\n", keys, (int)pages,
		       guarded_length / 4096, (unsigned long long)counts.read);
	}
	munmap(guarded, guarded_length);
	free(bytes);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("expiry");
	TCase *cases = tcase_create("all");

	tcase_add_test(cases, bytes_are_as_the_document_says);
	tcase_add_test(cases, where_the_rules_turn);
	tcase_add_test(cases, the_part_is_the_files_own);
	tcase_add_test(cases, a_sweep_finds_what_is_due);
	tcase_add_test(cases, pages_follow_from_what_is_due);
	tcase_set_timeout(cases, 300);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
