/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/author.h"
#include "engine/canon.h"
#include "tests/fixture.h"

static enum status
row_put(struct author *author, const struct catalog *catalog, const struct row *row,
	struct fault *fault)
{
	static struct key key;
	struct canon_options options = {.use = CANON_ENTRY};
	struct author_claim claim = {.source = row->source, .source_length = strlen(row->source),
				     .expires = row->expires};
	const struct tag_category *family = catalog_category(catalog, CATALOG_FAMILY_NAME,
							     strlen(CATALOG_FAMILY_NAME));
	struct tags tags = {0};
	enum scope scope;
	enum status status = canon_key(KIND_ANY, row->text, strlen(row->text), &options, &key, fault);
	if (status == STATUS_OK && scope_parse(row->scope, strlen(row->scope), &scope))
		status = key_set_scope(&key, scope, fault);
	if (status == STATUS_OK && row->family[0] != '\0')
		status = tags_add(&tags, family, row->family, strlen(row->family), fault);
	if (status == STATUS_OK)
		status = tags_encode(&tags, &claim.set, &claim.set_length, &claim.notes,
				     &claim.notes_length, fault);
	if (status == STATUS_OK)
		status = author_put(author, &key, &claim, fault);
	tags_fini(&tags);
	return status;
}

static enum status
rows_fill(struct store_write *write, const struct row *rows, size_t count, uint64_t now,
	  struct fault *fault)
{
	struct author *author;
	struct author_counts counts;
	enum status status = author_new(store_write_view(write), now, &author, fault);
	if (status != STATUS_OK)
		return status;
	for (size_t i = 0; status == STATUS_OK && i < count; i++)
		status = row_put(author, store_write_catalog(write), &rows[i], fault);
	if (status == STATUS_OK)
		status = author_finish(author, store_write_build(write), &counts, fault);
	author_free(author);
	return status;
}

enum status
rows_write(const char *path, const struct row *rows, size_t count, uint64_t now, struct fault *fault)
{
	static const struct hash_seed seed = {{1, 2}};
	struct store_write *write;
	uint64_t generation;
	enum status status = store_write_begin(path, false, &seed, &write, fault);
	if (status != STATUS_OK)
		return status;
	status = rows_fill(write, rows, count, now, fault);
	if (status == STATUS_OK)
		return store_write_commit(write, now, false, &generation, fault);
	store_write_abort(write);
	return status;
}

void
rows_note(struct ledger *ledger, const struct row *rows, size_t count, uint64_t now)
{
	for (size_t i = 0; i < count; i++)
		ledger_put(ledger, "%s|%s|%s|%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64, rows[i].text,
			   rows[i].scope, rows[i].source, rows[i].family, rows[i].expires, now, now);
}

void
rows_make(struct world *world, const struct row *rows, size_t count)
{
	struct fault fault = {0};
	fixture_need(rows_write(world->path, rows, count, WORK_BEGIN, &fault), &fault, "rows");
	rows_note(&world->old, rows, count, WORK_BEGIN);
}

enum status
world_next(struct world *world, struct ledger *ledger, unsigned number, struct fault *fault)
{
	char text[64];
	struct row row = {text, "exact", "next", "", WORK_FAR};
	snprintf(text, sizeof(text), "next%u.example", number);
	enum status status = rows_write(world->path, &row, 1, WORK_AFTER, fault);
	if (status == STATUS_OK)
		rows_note(ledger, &row, 1, WORK_AFTER);
	return status;
}
