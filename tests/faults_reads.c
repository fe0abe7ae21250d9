/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults_reads.h"

#include <string.h>

#include "engine/canon.h"
#include "query/lookup.h"
#include "query/repute.h"

struct said
said_of(enum status status, const struct fault *fault)
{
	return (struct said){.done = status == STATUS_OK, .status = status,
			     .reason = fault->text[0] != '\0'};
}

/* STATUS_OK if the view answers as it must; `few`: with the news. */
static enum status
ask(const struct view *view, bool few)
{
	static const struct {
		const char *text;
		bool listed;
	} questions[] = {
		{"n2.example", true}, {"x.n2.example", true}, {"198.51.6.9", true},
		{"http://h3.example/p", true}, {"nobody.example", false}, {"192.0.2.200", false},
	};
	static struct key key;
	struct canon_options options = {.use = CANON_QUERY};
	struct repute_hit hit;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		const char *text = questions[i].text;
		if (canon_key(KIND_ANY, text, strlen(text), &options, &key, NULL) != STATUS_OK)
			return STATUS_COUNT;
		lookup_first(view, &key, WORK_NOW, &hit);
		if (hit.found != questions[i].listed)
			return STATUS_COUNT;
	}
	if (canon_key(KIND_ANY, "sub.new.example", 15, &options, &key, NULL) != STATUS_OK)
		return STATUS_COUNT;
	lookup_first(view, &key, WORK_NOW, &hit);
	return hit.found == few ? STATUS_OK : STATUS_COUNT;
}

/* The reader that is followed from here on is the one that was opened while calls failed. */
struct said
run_open(struct world *world)
{
	struct fault fault = {0};
	struct store *store;
	enum status status = store_open(world->path, &store, &fault);
	if (status == STATUS_OK) {
		struct view *view = store_view_take(store);
		status = ask(view, false);
		view_drop(view);
		store_close(world->reader);
		world->reader = store;
	}
	return said_of(status, &fault);
}

/* The reader was there before the news. Until it has them it answers as before. */
struct said
run_refresh(struct world *world)
{
	struct fault fault = {0};
	bool changed = false;
	struct view *view = store_view_take(world->reader);
	bool news = ask(view, true) == STATUS_OK; /* the second time they may be there */
	view_drop(view);
	enum status status = store_refresh(world->reader, &changed, &fault);
	view = store_view_take(world->reader);
	news |= status == STATUS_OK;
	if (ask(view, news) != STATUS_OK)
		status = STATUS_COUNT;
	view_drop(view);
	return said_of(status, &fault);
}

/* Look-ups through a pinned view of a generation that is not the last one any more. */
struct said
run_lookups(struct world *world)
{
	struct fault fault = {0};
	enum status status = STATUS_OK;
	struct view *view = store_view_take(world->reader);
	for (int i = 0; i < 100 && status == STATUS_OK; i++)
		status = ask(view, false);
	view_drop(view);
	return said_of(status, &fault);
}

static const char profile_text[] =
	"[profile]\nname = edge\n[action \"b\"]\nflow = block\n"
	"[filter \"f\"]\naction = b\nwhere = \"Malware Family\" = Emotet\n"
	"[exception \"x\"]\ndomain = *.corp.example\n";

/* Emotet's are 0, 6, 12, ... of the base: 198.51.6.0/24 is, n2.example is not. */
static enum repute_status
judge(const struct repute_profile *profile)
{
	static const struct {
		const char *text;
		enum repute_outcome outcome;
	} questions[] = {{"198.51.6.9", REPUTE_VERDICT_BLOCK}, {"n2.example", REPUTE_VERDICT_NONE},
			 {"nobody.example", REPUTE_VERDICT_NONE}};
	static struct repute_key key;
	struct repute_verdict verdict;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		const char *text = questions[i].text;
		if (repute_key_text(REPUTE_ANY, text, strlen(text), &key) != REPUTE_OK ||
		    repute_judge(profile, &key, WORK_NOW, &verdict) != REPUTE_OK ||
		    verdict.outcome != questions[i].outcome)
			return (enum repute_status)STATUS_COUNT;
	}
	return REPUTE_OK;
}

/* As another program does it, through librepute. */
struct said
run_api(struct world *world)
{
	struct repute_fault fault = {0};
	struct repute_db *db;
	struct repute_profile *profile;
	bool changed;
	enum repute_status status = repute_open(world->path, NULL, &db, &fault);
	if (status == REPUTE_OK) {
		struct repute_view *view = repute_view_take(db);
		status = repute_profile_load(view, profile_text, strlen(profile_text), &profile, &fault);
		if (status == REPUTE_OK) {
			status = judge(profile);
			repute_profile_free(profile);
		}
		repute_view_drop(view);
		if (status == REPUTE_OK)
			status = repute_refresh(db, &changed, &fault);
		repute_close(db);
	}
	return (struct said){.done = status == REPUTE_OK, .status = (enum status)status,
			     .reason = fault.text[0] != '\0'};
}
