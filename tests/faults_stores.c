/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults_stores.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/container.h"
#include "tests/faults_rows.h"
#include "tests/fixture.h"
#include "tests/scratch.h"

#define BASE 96

/* Keys of every kind, half of them of source a with a tag; spelled as they are printed. */
static void
base_row(struct row *row, unsigned i, char text[96])
{
	static const char *const words[6] = {"198.51.%u.0/24", "2001:db8:%x::/48", "n%u.example",
					     "http://h%u.example/p",
					     "da39a3ee5e6b4b0d3255bfef95601890%08x",
					     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b%08x"};
	snprintf(text, 96, words[i % 6], i);
	*row = (struct row){text, i % 12 == 2 ? "tree" : "exact", i % 2 == 0 ? "a" : "b",
			    i % 3 == 0 ? "Emotet" : "", WORK_FAR};
	if (i % 16 == 5) {
		row->source = "old";
		row->expires = WORK_BEGIN + 60;
	}
}

void
make_base(struct world *world)
{
	static char texts[BASE][96];
	static struct row rows[BASE];
	for (unsigned i = 0; i < BASE; i++)
		base_row(&rows[i], i, texts[i]);
	rows_make(world, rows, BASE);
	ledger_put(&world->old, "=tags|||12");
}

/* Overlays of one claim each. */
static void
make_stack(struct world *world, unsigned overlays)
{
	make_base(world);
	for (unsigned i = 0; i < overlays; i++) {
		char text[64];
		struct row row = {text, "exact", "a", "", WORK_FAR};
		snprintf(text, sizeof(text), "over%u.example", i);
		rows_make(world, &row, 1);
	}
}

void
make_layers(struct world *world)
{
	make_stack(world, 2);
}

void
make_full(struct world *world)
{
	make_stack(world, LIMIT_LAYERS - 2);
}

void
make_nothing(struct world *world)
{
	(void)world;
}

void
world_write(const char *folder, const char *name, const char *text, size_t length)
{
	char path[FILE_PATH_BYTES];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	if (file == NULL || fwrite(text, 1, length, file) != length || fclose(file) != 0)
		abort();
}

/* --- what writers leave that were killed ---------------------------------------------------- */

static void
file_of(const struct world *world, const char *name, char path[FILE_PATH_BYTES])
{
	snprintf(path, FILE_PATH_BYTES, "%s/%s", world->path, name);
}

/* The last record: where it stands, and the generation. */
static struct journal_place
last_record(const struct world *world, uint64_t *generation)
{
	struct fault fault = {0};
	struct store *store;
	fixture_need(store_open(world->path, &store, &fault), &fault, "open");
	struct view *view = store_view_take(store);
	struct journal_place place = view->place;
	*generation = view->generation;
	view_drop(view);
	store_close(store);
	return place;
}

static void
set_counter(const struct world *world, uint64_t value)
{
	struct le64 bytes = le64_make(value);
	world_write(world->path, "GENERATION", (const char *)&bytes, sizeof(bytes));
}

/* Temporaries, and segments that nobody names. */
void
make_killed(struct world *world)
{
	make_layers(world);
	world_write(world->path, "MANIFEST.4711.tmp", "RPS", 3);
	world_write(world->path, "JOURNAL.4711.tmp", "RPJ", 3);
	world_write(world->path, "segment-70.rps.4711.tmp", "RPS", 3);
	world_write(world->path, "segment-71.rps", "never named", 11);
}

/* In C2: the next compaction takes it away, no other write does. */
void
make_killed_compaction(struct world *world)
{
	make_killed(world);
	world_write(world->path, "compact.4711.tmp", "RPS", 3);
}

/* In W3: a part of a record. */
void
make_torn(struct world *world)
{
	static char part[3000];
	uint64_t generation;
	char path[FILE_PATH_BYTES];
	make_layers(world);
	file_of(world, "JOURNAL", path);
	struct journal_place place = last_record(world, &generation);
	FILE *file = fopen(path, "r+e");
	if (file == NULL || fseek(file, (long)place.offset, SEEK_SET) != 0 ||
	    fread(part, 1, sizeof(part), file) != sizeof(part) || fseek(file, 0, SEEK_END) != 0 ||
	    fwrite(part, 1, sizeof(part), file) != sizeof(part) || fclose(file) != 0)
		abort();
}

/* Between W3 and W5: the record is there, and nobody knows whether the disk has it. */
void
make_unsure(struct world *world)
{
	uint64_t generation;
	make_layers(world);
	(void)last_record(world, &generation);
	set_counter(world, generation - 1);
}

/* A generation that was published and is damaged: the one before it is what the store holds. */
void
make_damaged(struct world *world)
{
	struct row row = {"lost.example", "exact", "a", "", WORK_FAR};
	struct fault fault = {0};
	uint64_t generation;
	char path[FILE_PATH_BYTES];
	make_layers(world);
	fixture_need(rows_write(world->path, &row, 1, WORK_BEGIN, &fault), &fault, "lost");
	file_of(world, "JOURNAL", path);
	struct journal_place place = last_record(world, &generation);
	FILE *file = fopen(path, "r+e");
	if (file == NULL || fseek(file, (long)place.end - 9, SEEK_SET) != 0 || fputc('!', file) == EOF ||
	    fclose(file) != 0)
		abort();
}

/* --- journals that are full, and what was before them ---------------------------------------- */

/* The next record begins a new one. */
void
make_full_journal(struct world *world)
{
	struct fault fault = {0};
	struct store_write *write;
	struct source_row *row;
	uint64_t generation;
	unsigned changes = 0;
	make_layers(world);
	for (;; changes++) {
		fixture_need(store_write_begin(world->path, false, NULL, &write, &fault), &fault, "begin");
		if (store_write_view(write)->place.count >= LIMIT_JOURNAL_RECORDS)
			break;
		fixture_need(catalog_source_put(store_write_catalog(write), "z", 1, &row, &fault), &fault, "z");
		row->priority = changes;
		store_write_touch(write);
		fixture_need(store_write_commit(write, WORK_BEGIN, false, &generation, &fault), &fault, "commit");
	}
	store_write_abort(write);
	ledger_put(&world->old, "=source|z||%u 0 0 0 ", changes - 1);
}

static void
write_manifest(const struct world *world, const struct view *view)
{
	struct fault fault = {0};
	struct file_out *file;
	struct container_out *out;
	char path[FILE_PATH_BYTES];
	uint8_t *catalog, sha256[32];
	size_t length;
	struct {
		struct manifest_d head;
		struct layer_d layer;
	} rows = {
		.head = {.generation = le64_make(view->generation), .published = le64_make(view->published),
			 .seed = {le64_make(view->seed.word[0]), le64_make(view->seed.word[1])},
			 .layer_count = le32_make(1)},
		.layer = {.number = le64_make(view->layer[0].row.number),
			  .file_bytes = le64_make(view->layer[0].row.bytes)},
	};
	memcpy(rows.layer.sha256, view->layer[0].row.sha256, sizeof(rows.layer.sha256));
	fixture_need(catalog_encode(&view->catalog, &catalog, &length, &fault), &fault, "catalogue");
	const uint32_t ids[2] = {FORMAT_LAYERS, FORMAT_CATALOG};
	const uint64_t lengths[2] = {sizeof(rows), length};
	file_of(world, "MANIFEST", path);
	fixture_need(file_out_open(path, &file, &fault), &fault, path);
	fixture_need(container_out_new(file, FORMAT_CONTENT_MANIFEST, 2, lengths, ids, &out, &fault),
		     &fault, path);
	fixture_need(container_out_write(out, &rows, sizeof(rows), &fault), &fault, path);
	fixture_need(container_out_next(out, &fault), &fault, path);
	fixture_need(container_out_write(out, catalog, length, &fault), &fault, path);
	fixture_need(container_out_next(out, &fault), &fault, path);
	fixture_need(container_out_finish(out, sha256, &fault), &fault, path);
	container_out_free(out);
	free(catalog);
	fixture_need(file_out_commit(file, &fault), &fault, path);
}

/* A store of before the journal: a manifest and a base. */
void
make_manifest(struct world *world)
{
	struct fault fault = {0};
	struct store *store;
	char path[FILE_PATH_BYTES];
	make_base(world);
	fixture_need(store_open(world->path, &store, &fault), &fault, "open");
	struct view *view = store_view_take(store);
	write_manifest(world, view);
	set_counter(world, view->generation);
	view_drop(view);
	store_close(store);
	file_of(world, "JOURNAL", path);
	unlink(path);
}

/* A store that an older program made. What it holds is read from it: here only change is judged. */
void
make_v2(struct world *world)
{
	char command[2 * FILE_PATH_BYTES], *text;
	struct fault fault = {0};
	uint64_t generation;
	snprintf(command, sizeof(command), "mkdir -p '%s' && tar -C '%s' --strip-components=1 -xzf tests/stores/v2.tar.gz",
		 world->path, world->path);
	if (system(command) != 0)
		abort();
	fixture_need(ledger_read_store(world->path, &text, &generation, &fault), &fault, "v2");
	for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
		ledger_put(&world->old, "%.*s", (int)(end - line), line);
	free(text);
}
