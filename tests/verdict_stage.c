/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/verdict_stage.h"

#include <string.h>

#include "tests/fixture.h"
#include "tests/scratch.h"

#define OVERLAYS 4
#define LONG_AGO 4000000u /* seconds before SETS_NOW: no claim had expired when it was written */

static void
put_category(struct catalog *catalog, const struct verdict_category *category)
{
	struct tag_category row = { .name = (char *)category->name, .description = (char *)"",
				    .values = (char **)category->values,
				    .value_count = category->value_count,
				    .min = category->min, .max = category->max };
	static const enum tag_type types[] = { TAG_TEXT, TAG_LIST, TAG_DATE, TAG_YESNO, TAG_NUMBER };
	struct fault fault = { 0 };

	row.type = types[category->type];
	if (!category->known)
		fixture_need(catalog_category_put(catalog, &row, &fault), &fault, category->name);
}

static void
put_catalog(const struct verdict_world *world, struct store_write *write)
{
	struct catalog *catalog = store_write_catalog(write);
	struct fault fault = { 0 };
	struct source_row *row;

	for (unsigned i = 0; i < VERDICT_TAGS; i++)
		put_category(catalog, &verdict_categories[i]);
	for (uint32_t i = 0; i < SETS_SOURCES; i++) {
		const char *name = set_source_name(i);
		fixture_need(catalog_source_put(catalog, name, strlen(name), &row, &fault), &fault,
			     name);
		row->priority = world->priority[i];
	}
	store_write_touch(write);
}

static void
encode(const struct catalog *catalog, const struct verdict_tags *from, struct tags *tags,
       struct author_claim *claim)
{
	char text[VERDICT_VALUE_BYTES];
	struct fault fault = { 0 };

	for (unsigned i = 0; i < VERDICT_TAGS; i++)
		for (unsigned j = 0; j < from->cell[i].count; j++) {
			const char *name = verdict_categories[i].name;
			verdict_text_value(i, from->cell[i].value[j], text);
			fixture_need(tags_add(tags, catalog_category(catalog, name, strlen(name)),
					      text, strlen(text), &fault), &fault, text);
		}
	fixture_need(tags_encode(tags, &claim->set, &claim->set_length, &claim->notes,
				 &claim->notes_length, &fault), &fault, "encode");
}

static void
put_claim(struct verdict_stage *stage, struct scratch_write *change, const struct model_claim *claim)
{
	const char *source = set_source_name(claim->source);
	struct author_claim words = { .source = source, .source_length = strlen(source),
				      .expires = claim->expires };
	struct tags tags = { 0 };
	struct fault fault = { 0 };
	struct key key;

	fixture_key(&claim->key, &key);
	fixture_need(key_set_scope(&key, (enum scope)claim->scope, &fault), &fault, "scope");
	encode(store_write_catalog(change->write), &stage->world.tags[claim->set], &tags, &words);
	fixture_need(author_put(change->author, &key, &words, &fault), &fault, "put");
	tags_fini(&tags);
	model_put(&stage->world.set.model, claim);
}

static void
remove_key(struct verdict_stage *stage, struct scratch_write *change, const struct model_claim *claim)
{
	bool all = random_chance(&stage->world.set.random, 50);
	struct fault fault = { 0 };
	const char *source = set_source_name(claim->source);
	struct key key;

	fixture_key(&claim->key, &key);
	fixture_need(author_remove(change->author, &key, 0, all ? NULL : source,
				   all ? 0 : strlen(source), &fault), &fault, "remove");
	model_remove(&stage->world.set.model, &claim->key, all ? UINT32_MAX : claim->source);
}

static void
transaction(struct verdict_stage *stage, bool first, unsigned changes)
{
	struct random_state *random = &stage->world.set.random;
	char text[MODEL_TEXT_BYTES];
	struct scratch_write change;
	struct model_claim claim;

	scratch_begin(&change, stage->directory, SETS_NOW - LONG_AGO);
	if (first)
		put_catalog(&stage->world, change.write);
	for (unsigned i = 0; i < changes; i++) {
		verdict_make_claim(&stage->world, &claim, text);
		if (first || random_chance(random, 65))
			put_claim(stage, &change, &claim);
		else
			remove_key(stage, &change, &claim);
	}
	scratch_commit(&change, !first && random_chance(random, 5));
}

void
verdict_stage_open(struct verdict_stage *stage, uint64_t seed)
{
	struct random_state *random = &stage->world.set.random;
	struct fault fault = { 0 };
	unsigned claims;

	verdict_make_world(&stage->world, seed);
	stage->directory = scratch_new("verdicts");
	claims = 40 + random_below(random, 160);
	transaction(stage, true, claims);
	for (unsigned i = random_below(random, OVERLAYS + 1); i > 0; i--)
		transaction(stage, false, 1 + random_below(random, 1 + claims / 20));
	fixture_need(store_open(stage->directory, &stage->store, &fault), &fault, "open");
	stage->view = store_view_take(stage->store);
}

void
verdict_stage_close(struct verdict_stage *stage)
{
	view_drop(stage->view);
	store_close(stage->store);
	scratch_remove(stage->directory);
	set_fini(&stage->world.set);
}
