/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged segments. Raw damage must be named by a checksum. Resealed damage
 * (all checksums right again) must be named by segment_check, or the file must
 * be exactly what the builder makes of the entries that it now holds. Whatever
 * attaches is looked up, walked and checked: under AddressSanitizer that is
 * the proof that any bytes are safe. CORRUPT_MUTATIONS sets the length.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/segment_check.h"
#include "engine/segment_expiry.h"
#include "engine/sweep.h"
#include "tests/corrupt.h"
#include "tests/judge.h"
#include "tests/older.h"

#define PLACES 24          /* of one structure that are tried */
#define BATTERY 160

static uint64_t seed;

/* --- good files ----------------------------------------------------------------------- */

/* LABELS: without names of one label, so that OLDER is the same in format 2 */
enum shape { ALL_KINDS, OVERLAY, NAMES, LABELS, OLDER, SHAPES };
static struct corrupt files[SHAPES];
static struct key *battery;

static void
fill(struct set *set, enum shape shape)
{
	set_init(set, 4711 + (shape == LABELS ? ALL_KINDS : shape));
	set->kinds = shape == NAMES ? 1 << MODEL_DOMAIN : 63;
	set->pattern_percent = 30;
	set->spread = 2;
	set->sources = 5;
	set_fill(set, shape == NAMES ? 6 : shape == OVERLAY ? 150 : 90);
}

static void
drop_top_names(struct model *model)
{
	size_t kept = 0;

	for (size_t i = 0; i < model->count; i++) {
		const struct model_key *key = &model->claims[i].key;
		if (key->kind != MODEL_DOMAIN || memchr(key->text, '.', key->length) != NULL)
			model->claims[kept++] = model->claims[i];
		else
			free((char *)key->text);
	}
	model->count = kept;
}

static void
put_removals(struct segment_build *build)
{
	static const struct { enum model_kind kind; const char *text; } gone[] = {
		{ MODEL_IPV4, "198.51.100.7" }, { MODEL_IPV4, "198.51.100.0/25" },
		{ MODEL_IPV6, "2001:db8:5:5:5:5:5:5" }, { MODEL_DOMAIN, "gone.example" },
		{ MODEL_URL, "http://gone.example/a" },
		{ MODEL_SHA1, "00112233445566778899aabbccddeeff00112233" },
	};
	struct fault fault = { 0 };

	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		struct model_key from = model_key(gone[i].kind, gone[i].text, strlen(gone[i].text));
		struct key key;
		uint32_t id;
		fixture_key(&from, &key);
		fixture_need(segment_build_claims(build, NULL, 0, &id, &fault), &fault, "removal");
		fixture_need(segment_build_put(build, &key, id, &fault), &fault, "removal");
	}
	/* So many keys that a due which one of them has is given places. */
	for (uint8_t i = 0; i < 250; i++) {
		uint8_t digest[20] = { i, 1 };
		struct key key;
		uint32_t id;
		key_set_digest(&key, KIND_SHA1, digest);
		fixture_need(segment_build_claims(build, NULL, 0, &id, &fault), &fault, "removal");
		fixture_need(segment_build_put(build, &key, id, &fault), &fault, "removal");
	}
}

static void
file_make(enum shape shape)
{
	struct hash_seed hash = {{ 0x1234567890abcdef, 0xfedcba0987654321 }};
	struct segment_build *build;
	struct fault fault = { 0 };
	struct file_map map;
	struct set set;
	char *path = fixture_path("corrupt");

	fill(&set, shape);
	fixture_need(segment_build_new(hash, shape == OVERLAY, &build, &fault), &fault, "build");
	if (shape == LABELS)
		drop_top_names(&set.model);
	fixture_put_all(build, &set.model, NULL);
	if (shape == OVERLAY) {
		put_removals(build);
		segment_build_swept(build, 1700000000); /* so that it has EXPO, small as it is */
	}
	fixture_write(build, path);
	segment_build_free(build);
	fixture_need(file_map_open(path, &map, &fault), &fault, path);
	corrupt_init(&files[shape], map.bytes, map.length);
	file_map_close(&map);
	unlink(path);
	free(path);
	set_fini(&set);
}

/* Keys of the set and queries near them, in text of their own. */
static void
battery_make(void)
{
	char text[MODEL_TEXT_BYTES];
	struct set set;

	fill(&set, ALL_KINDS);
	battery = calloc(BATTERY, sizeof(*battery));
	ck_assert_ptr_nonnull(battery);
	for (size_t i = 0; i < BATTERY; i++) {
		enum model_kind kind = i % MODEL_KINDS;
		struct model_key from = model_key(kind, text, set_query(&set, kind, text));
		fixture_key(&from, &battery[i]);
		if (battery[i].borrowed) {
			memcpy(battery[i].buffer, text, battery[i].length);
			battery[i].borrowed = 0;
		}
	}
	set_fini(&set);
}

static void
setup(void)
{
	for (int shape = 0; shape < OLDER; shape++)
		file_make(shape);
	size_t length;
	uint8_t *older = older_make(files[LABELS].good, &length);
	corrupt_init(&files[OLDER], older, length);
	free(older);
	battery_make();
}

static void
teardown(void)
{
	for (int shape = 0; shape < SHAPES; shape++)
		corrupt_fini(&files[shape]);
	free(battery);
}

/* --- all that a reader does ------------------------------------------------------------- */

static unsigned long touched; /* so that nothing read is left out */

static void
touch_bytes(const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		touched += ((const uint8_t *)bytes)[i];
}

static void
touch_claims(const struct segment *segment, uint32_t id)
{
	struct segment_claim_cursor cursor = segment_claims(id);
	struct segment_claim claim;
	size_t length, claims = 0;
	const void *bytes;

	while (segment_claim_next(segment, &cursor, &claim)) {
		bytes = segment_source(segment, claim.source, &length);
		touch_bytes(bytes, length);
		bytes = segment_tags(segment, claim.set, &length);
		touch_bytes(bytes, length);
		bytes = segment_tags(segment, claim.notes, &length);
		touch_bytes(bytes, length);
		ck_assert_msg(++claims <= LIMIT_CLAIMS_PER_KEY, "a walk over claims without end");
	}
}

static void
touch_key(const struct key *key)
{
	char text[KEY_PRINT_BYTES];

	touch_bytes(text, key_print(key, text));
}

static void
ask_battery(const struct segment *segment)
{
	struct segment_match matches[LIMIT_COVERING];
	struct key key;

	for (size_t i = 0; i < BATTERY; i++) {
		size_t count = segment_collect(segment, &battery[i], matches, LIMIT_COVERING);
		for (size_t j = 0; j < count; j++) {
			segment_match_key(segment, &matches[j], &key);
			touch_key(&key);
			touch_claims(segment, matches[j].claims);
		}
		touch_claims(segment, segment_find(segment, &battery[i]));
	}
}

static void
walk_all(const struct segment *segment)
{
	struct segment_cursor cursor = { 0 };
	uint32_t claims;
	struct key key;

	while (segment_next(segment, &cursor, &key, &claims)) {
		touch_key(&key);
		touch_claims(segment, claims);
	}
}

/* As a store of one layer, and under itself. */
static void
sweep_at(const struct segment *segment, uint64_t now)
{
	static struct view view;
	struct author *author;
	struct sweep_counts counts;

	for (view.layer_count = 1; view.layer_count <= 2; view.layer_count++) {
		for (int i = 0; i < 2; i++)
			view.layer[i].segment = *segment;
		ck_assert(author_new(&view, now, &author, NULL) == STATUS_OK);
		touched += sweep_due(&view, now);
		ck_assert(sweep_expired(&view, now, author, &counts, NULL) == STATUS_OK);
		author_free(author);
	}
}

/* --- what the builder makes of the entries ------------------------------------------------ */

static bool
claims_again(struct segment_build *build, const struct segment *segment, uint32_t id,
	     uint32_t *again)
{
	struct segment_claim_cursor cursor = segment_claims(id);
	struct claim claims[LIMIT_CLAIMS_PER_KEY];
	struct segment_claim claim;
	size_t count = 0, length;

	while (segment_claim_next(segment, &cursor, &claim) && count < LIMIT_CLAIMS_PER_KEY) {
		struct claim *to = &claims[count++];
		const char *name = segment_source(segment, claim.source, &length);
		*to = (struct claim){ .scope = (uint8_t)claim.scope, .expires = claim.expires,
				      .first_seen = claim.first_seen, .last_seen = claim.last_seen };
		if (segment_build_source(build, name, length, &to->source, NULL) != STATUS_OK)
			return false;
		const uint8_t *tags = segment_tags(segment, claim.set, &length);
		if (segment_build_tags(build, tags, length, &to->set, NULL) != STATUS_OK)
			return false;
		tags = segment_tags(segment, claim.notes, &length);
		if (segment_build_tags(build, tags, length, &to->notes, NULL) != STATUS_OK)
			return false;
	}
	return segment_build_claims(build, claims, count, again, NULL) == STATUS_OK;
}

static bool
entries_again(struct segment_build *build, const struct segment *segment)
{
	struct segment_cursor cursor = { 0 };
	uint32_t claims, again;
	struct key key;

	while (segment_next(segment, &cursor, &key, &claims))
		if (!claims_again(build, segment, claims, &again) ||
		    segment_build_put(build, &key, again, NULL) != STATUS_OK)
			return false;
	return true;
}

static void
print_difference(const struct file_map *map, const uint8_t *bytes, size_t length)
{
	size_t at = FORMAT_PAGE_BYTES;

	while (at < map->length && at < length && map->bytes[at] == bytes[at])
		at++;
	fprintf(stderr, "%zu bytes, the builder makes %zu; the first difference is at %zu\n", length,
		map->length, at);
	for (int shape = 0; shape < SHAPES; shape++)
		for (size_t i = 0; i < 30 && files[shape].length == length; i++) {
			const struct section_d *row = (const struct section_d *)
				(bytes + le64_get(((const struct header_d *)bytes)->table_offset)) + i;
			if (at >= le64_get(row->offset) &&
			    at - le64_get(row->offset) < le64_get(row->length))
				fprintf(stderr, "in %.4s + %zu\n", (const char *)row->id.byte,
					at - (size_t)le64_get(row->offset));
		}
}

static bool
same_bytes(const uint8_t *one, size_t one_length, const uint8_t *other, size_t other_length)
{
	size_t body = FORMAT_PAGE_BYTES;

	return one_length == other_length && memcmp(one + body, other + body, one_length - body - 32) == 0;
}

/*
 * A file that the check calls good is the builder's, byte for byte (but header_d.compatible), in its format;
 * or that of a writer that gave other dues places.
 */
static bool
is_the_builders(const struct segment *segment, const uint8_t *bytes, size_t length)
{
	struct fault fault = { 0 };
	struct segment_build *build;
	struct file_map map;
	bool same = false;
	char *path;

	if (segment->expiry.dues != NULL && segment->expiry.part != EXPIRY_PART)
		return true;
	path = fixture_path("again");
	fixture_need(segment_build_new(segment->seed, (segment->flags & FORMAT_SEGMENT_OVERLAY) != 0,
				       &build, &fault), &fault, "build");
	segment_build_swept(build, segment->expiry.swept);
	if (entries_again(build, segment)) {
		fixture_write(build, path);
		fixture_need(file_map_open(path, &map, &fault), &fault, path);
		if (container_version(&segment->container) == 2) {
			size_t older_length;
			uint8_t *older = older_make(map.bytes, &older_length);
			same = same_bytes(older, older_length, bytes, length);
			free(older);
		} else {
			same = same_bytes(map.bytes, map.length, bytes, length);
		}
		if (!same)
			print_difference(&map, bytes, length);
		file_map_close(&map);
		unlink(path);
	}
	segment_build_free(build);
	free(path);
	return same;
}

/* --- judging one damaged file --------------------------------------------------------------- */

struct verdict {
	bool attached, caught;
	struct fault fault;
};

static struct verdict
judge_bytes(const uint8_t *bytes, size_t length)
{
	struct verdict verdict = { 0 };
	struct segment segment;
	enum status status = segment_attach(&segment, bytes, length, &verdict.fault);

	verdict.attached = status == STATUS_OK;
	if (verdict.attached) {
		ask_battery(&segment);
		walk_all(&segment);
		sweep_at(&segment, SETS_NOW);
		sweep_at(&segment, UINT64_MAX);
		status = segment_check(&segment, &verdict.fault);
	}
	verdict.caught = status != STATUS_OK;
	if (verdict.caught && (verdict.fault.where[0] == '\0' || verdict.fault.text[0] == '\0'))
		ck_abort_msg("caught without a place or a reason");
	return verdict;
}

static struct verdict
judge_raw(const uint8_t *bytes, size_t length)
{
	struct verdict verdict = { 0 };
	struct segment segment;
	struct container container;
	enum status status = container_attach(&container, FORMAT_CONTENT_SEGMENT, bytes, length,
					      &verdict.fault);

	if (status == STATUS_OK)
		status = container_check(&container, &verdict.fault);
	if (status == STATUS_OK)
		status = segment_attach(&segment, bytes, length, &verdict.fault);
	if (status == STATUS_OK)
		status = segment_check_sha256(&segment, &verdict.fault);
	verdict.caught = status != STATUS_OK;
	return verdict;
}

START_TEST(good_files_are_good)
{
	for (int shape = 0; shape < SHAPES; shape++) {
		struct corrupt *file = &files[shape];
		struct verdict verdict = judge_bytes(file->bytes, file->length);
		struct segment segment;
		ck_assert_msg(!verdict.caught, "%s: %s", verdict.fault.where, verdict.fault.text);
		verdict = judge_raw(file->bytes, file->length);
		ck_assert(!verdict.caught);
		ck_assert(segment_attach(&segment, file->bytes, file->length, NULL) == STATUS_OK);
		ck_assert(is_the_builders(&segment, file->bytes, file->length));
		ck_assert_uint_eq(segment.expiry.places_length > 20, shape == OVERLAY);
		corrupt_seal(file->bytes, file->length, true); /* our sums are its sums */
		ck_assert_mem_eq(file->bytes, file->good, file->length);
	}
}
END_TEST

/* --- one named field at a time ---------------------------------------------------------------- */

struct edit {
	const struct field *field;
	struct corrupt *file;
	struct corrupt_place place;
	size_t tried, attached, valid;
};
typedef void edit_cb(struct edit *edit);

static void
edit_places(struct edit *edit, edit_cb *call)
{
	static struct corrupt_place places[20000];
	size_t count = corrupt_places(edit->file, edit->field->structure, places, 20000);
	size_t step = count / PLACES + 1;

	for (size_t i = 0; i < count && i < 20000; i += step) {
		edit->place = places[i];
		call(edit);
	}
}

/* Structures of the files around segments, which test_store and test_verify damage. */
static bool
of_a_store(const char *structure)
{
	static const char *const there[] = {"journal_d", "record_d", "record_layer_d", "manifest_d",
					    "layer_d"};
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		if (strcmp(structure, there[i]) == 0)
			return true;
	return false;
}

/* Each field of each structure in the files of two shapes. */
static void
edit_fields(edit_cb *call, size_t *tried)
{
	for (size_t i = 0; i < field_count; i++) {
		struct edit edit = { .field = &field_table[i] };
		for (int shape = ALL_KINDS; shape <= OVERLAY; shape++) {
			edit.file = &files[shape];
			corrupt_restore(edit.file);
			edit_places(&edit, call);
		}
		if (edit.tried == 0 && !of_a_store(edit.field->structure))
			ck_abort_msg("%s.%s was not tried", edit.field->structure, edit.field->name);
		*tried += edit.tried;
	}
}

static const char *
raw_place(const struct edit *edit)
{
	return strcmp(edit->field->name, "table_sum") == 0 ? "section table" : edit->place.section;
}

static void
edit_raw(struct edit *edit)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	size_t step = edit->field->size / 8 + 1;

	for (size_t i = 0; i < edit->field->size; i += step)
		for (size_t j = 0; j < sizeof(flips); j++) {
			uint8_t *at = edit->file->bytes + edit->place.offset + edit->field->offset + i;
			*at ^= flips[j];
			struct verdict verdict = judge_raw(edit->file->bytes, edit->file->length);
			*at ^= flips[j];
			edit->tried++;
			if (!verdict.caught || strcmp(verdict.fault.where, raw_place(edit)) != 0)
				ck_abort_msg("%s.%s in %s, byte %zu ^ %02x: caught %d at \"%s\": %s",
					     edit->field->structure, edit->field->name,
					     edit->place.section, i, flips[j], verdict.caught,
					     verdict.fault.where, verdict.fault.text);
		}
}

START_TEST(every_field_raw)
{
	size_t tried = 0;

	edit_fields(edit_raw, &tried);
	printf("raw: %zu edits of %zu fields, all named\n", tried, field_count);
}
END_TEST

/* The i-th new value of a field; false when there is none left. */
static bool
new_value(const uint8_t *old, uint8_t *value, size_t size, unsigned i)
{
	size_t last = size < 8 ? size : 8;

	memcpy(value, old, size);
	if (i == 0)
		memset(value, 0, size);
	else if (i == 1)
		memset(value, 0xff, size);
	else if (i == 2) /* little-endian + 1 */
		for (size_t j = 0; j < size && ++value[j] == 0; j++)
			;
	else if (i == 3) /* - 1 */
		for (size_t j = 0; j < size && value[j]-- == 0; j++)
			;
	else if (i < 4 + 2 * last)
		value[(i - 4) / 2 * (size / last)] ^= i % 2 ? 0x01 : 0x80;
	else
		return false;
	return true;
}

static void
judge_resealed(struct edit *edit)
{
	struct verdict verdict = judge_bytes(edit->file->bytes, edit->file->length);
	struct segment segment;

	edit->tried++;
	edit->attached += verdict.attached;
	if (verdict.caught)
		return;
	edit->valid++;
	ck_assert(segment_attach(&segment, edit->file->bytes, edit->file->length, NULL) == STATUS_OK);
	if (edit->field->truth == FIELD_STRICT)
		ck_abort_msg("%s.%s in %s at %zu: not caught", edit->field->structure,
			     edit->field->name, edit->place.section, edit->place.offset);
	if (!is_the_builders(&segment, edit->file->bytes, edit->file->length))
		ck_abort_msg("%s.%s in %s at %zu: called good, but not the builder's bytes",
			     edit->field->structure, edit->field->name, edit->place.section,
			     edit->place.offset);
}

static void
edit_resealed(struct edit *edit)
{
	uint8_t old[128], value[128], *at = edit->file->bytes + edit->place.offset +
					    edit->field->offset;
	size_t size = edit->field->size < sizeof(old) ? edit->field->size : sizeof(old);

	if (edit->field->truth == FIELD_SUM) {
		edit->tried++;
		return;
	}
	memcpy(old, at, size);
	for (unsigned i = 0; new_value(old, value, size, i); i++) {
		if (memcmp(old, value, size) == 0)
			continue;
		memcpy(at, value, size);
		corrupt_seal(edit->file->bytes, edit->file->length, false);
		judge_resealed(edit);
		corrupt_restore(edit->file);
	}
}

START_TEST(every_field_resealed)
{
	size_t tried = 0;

	edit_fields(edit_resealed, &tried);
	printf("resealed: %zu edits, each named or the builder's own bytes\n", tried);
}
END_TEST

/* A file of format 2 answers as one of today, key by key and question by question. */
START_TEST(older_files_say_the_same)
{
	struct segment_cursor cursor = { 0 }, older_cursor = { 0 };
	struct segment now, older;
	static char text[2][KEY_PRINT_BYTES];
	struct key key, older_key;
	uint32_t claims, older_claims;
	size_t keys = 0, found = 0;

	ck_assert(segment_attach(&now, files[LABELS].good, files[LABELS].good_length, NULL) ==
		  STATUS_OK);
	ck_assert(segment_attach(&older, files[OLDER].good, files[OLDER].good_length, NULL) == STATUS_OK);
	for (; segment_next(&now, &cursor, &key, &claims); keys++) {
		ck_assert(segment_next(&older, &older_cursor, &older_key, &older_claims));
		ck_assert_uint_eq(claims, older_claims);
		key_print(&key, text[0]);
		key_print(&older_key, text[1]);
		ck_assert_str_eq(text[0], text[1]);
		ck_assert_uint_eq(segment_find(&older, &key), claims);
	}
	ck_assert(!segment_next(&older, &older_cursor, &older_key, &older_claims));
	for (size_t i = 0; i < BATTERY; i++) {
		struct segment_match matches[2][LIMIT_COVERING] = { 0 };
		size_t count = segment_collect(&now, &battery[i], matches[0], LIMIT_COVERING);
		ck_assert_uint_eq(segment_collect(&older, &battery[i], matches[1], LIMIT_COVERING), count);
		for (size_t j = 0; j < count; j++)
			ck_assert(matches[0][j].record == matches[1][j].record &&
				  matches[0][j].claims == matches[1][j].claims &&
				  matches[0][j].specific == matches[1][j].specific);
		found += count;
	}
	ck_assert_uint_gt(keys, 50);
	ck_assert_uint_gt(found, 20);
}
END_TEST

START_TEST(a_byte_of_no_key)
{
	for (int shape = 0; shape < OLDER; shape++) {
		size_t length;
		uint8_t *bytes = older_idle_byte(files[shape].good, &length);
		struct verdict verdict = judge_bytes(bytes, length);
		ck_assert(verdict.attached && verdict.caught);
		ck_assert_msg(memcmp(verdict.fault.where, "KEY", 3) == 0, "%s: %s", verdict.fault.where,
			      verdict.fault.text);
		free(bytes);
	}
}
END_TEST

/* Of the lengths before the texts of format 2, one after another. */
START_TEST(every_length_before_a_text)
{
	struct corrupt *file = &files[OLDER];
	size_t tried = 0;

	for (int i = 0; i < 2; i++) {
		size_t at, length;
		ck_assert(corrupt_section(file, i ? "KEY3" : "KEY2", &at, &length));
		for (size_t end = at + length; at < end; tried++) {
			size_t text = file->good[at] | (size_t)file->good[at + 1] << 8;
			for (unsigned bit = 0; bit < 16; bit++) {
				file->bytes[at + bit / 8] ^= (uint8_t)(1u << bit % 8);
				corrupt_seal(file->bytes, file->length, false);
				if (!judge_bytes(file->bytes, file->length).caught)
					ck_abort_msg("bit %u of the length at %zu is not caught", bit, at);
				corrupt_restore(file);
			}
			at += 2 + text;
		}
	}
	ck_assert_uint_gt(tried, 15);
}
END_TEST

/* --- every byte, every length ------------------------------------------------------------------- */

START_TEST(every_byte_raw)
{
	struct corrupt *file = &files[NAMES];

	for (size_t i = 0; i < file->length; i++) {
		file->bytes[i] ^= 0x10;
		if (!judge_raw(file->bytes, file->length).caught)
			ck_abort_msg("a change of byte %zu is not caught", i);
		file->bytes[i] ^= 0x10;
	}
	printf("each of %zu bytes\n", file->length);
}
END_TEST

/* The same with the length that the header says put right: the table is then elsewhere. */
START_TEST(every_length)
{
	struct corrupt *file = &files[NAMES];

	for (size_t length = 0; length < file->good_length; length++) {
		struct header_d *header;
		corrupt_cut(file, length);
		if (!judge_bytes(file->bytes, length).caught)
			ck_abort_msg("a file of %zu bytes is taken", length);
		if (length < FORMAT_PAGE_BYTES)
			continue;
		header = (struct header_d *)file->bytes;
		header->file_bytes = le64_make(length);
		corrupt_seal(file->bytes, length, false);
		if (!judge_bytes(file->bytes, length).caught)
			ck_abort_msg("a resealed file of %zu bytes is taken", length);
	}
	printf("each of %zu lengths\n", file->good_length);
}
END_TEST

/* --- random damage ----------------------------------------------------------------------------------- */

/* Mostly where something stands: a random place in a random section's own bytes. */
static size_t
damage_place(const struct corrupt *file, struct random_state *random)
{
	const struct header_d *header = (const struct header_d *)file->good;
	size_t table = (size_t)le64_get(header->table_offset);
	uint32_t count = le32_get(header->section_count), place = random_below(random, 100);
	const struct section_d *row = (const struct section_d *)(file->good + table) +
				      random_below(random, count);

	if (place < 3)
		return random_below(random, sizeof(struct header_d));
	if (place < 8)
		return table + random_below(random, count * (uint32_t)sizeof(struct section_d));
	return (size_t)le64_get(row->offset) + random_below(random, (uint32_t)le64_get(row->length));
}

static void
damage(struct corrupt *file, struct random_state *random)
{
	static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, 0x20 };
	unsigned edits = 1 + random_below(random, random_chance(random, 70) ? 3 : 24);

	for (unsigned i = 0; i < edits; i++) {
		size_t at = damage_place(file, random);
		unsigned run = 1 + random_below(random, random_chance(random, 80) ? 1 : 12);
		for (unsigned j = 0; j < run && at + j < file->length; j++)
			file->bytes[at + j] = random_chance(random, 50)
				? edges[random_below(random, sizeof(edges))]
				: (uint8_t)random_next(random);
	}
}

START_TEST(random_damage_resealed)
{
	uint64_t mutations = judge_number("CORRUPT_MUTATIONS", 12000), attached = 0, valid = 0;
	struct random_state random = { seed };

	for (uint64_t i = 0; i < mutations; i++) {
		struct corrupt *file = &files[random_below(&random, SHAPES)];
		struct segment segment;
		corrupt_restore(file);
		damage(file, &random);
		corrupt_seal(file->bytes, file->length, false);
		struct verdict verdict = judge_bytes(file->bytes, file->length);
		attached += verdict.attached;
		if (verdict.caught)
			continue;
		valid++;
		ck_assert(segment_attach(&segment, file->bytes, file->length, NULL) == STATUS_OK);
		if (!is_the_builders(&segment, file->bytes, file->length))
			ck_abort_msg("ORACLE_SEED=%llu, mutation %llu: called good, but not the "
				     "builder's bytes", (unsigned long long)seed,
				     (unsigned long long)i);
	}
	printf("random damage: %llu files, %llu attached, %llu good\n",
	       (unsigned long long)mutations, (unsigned long long)attached,
	       (unsigned long long)valid);
	ck_assert_uint_gt(attached, mutations / 4);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("corrupt");
	TCase *cases = tcase_create("all");

	seed = judge_seed();
	tcase_add_unchecked_fixture(cases, setup, teardown);
	tcase_add_test(cases, good_files_are_good);
	tcase_add_test(cases, every_field_raw);
	tcase_add_test(cases, every_field_resealed);
	tcase_add_test(cases, older_files_say_the_same);
	tcase_add_test(cases, every_length_before_a_text);
	tcase_add_test(cases, a_byte_of_no_key);
	tcase_add_test(cases, every_byte_raw);
	tcase_add_test(cases, every_length);
	tcase_add_test(cases, random_damage_resealed);
	tcase_set_timeout(cases, 0);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
