/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults_trial.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/cli.h"
#include "tests/scratch.h"

#define FOLLOW_MS 5000 /* a reader's patience after what took a quarter of a second */

const char *const trial_words[TRIAL_VERDICTS] = {
	"well", "false acks", "mixed", "wrong", "silent", "soft", "stuck", "left", "leaks", "crashes", "hangs",
};

/* Of the work without faults. */
static struct {
	char *out;
	int exit;
} wanted;

static char *texts[2];       /* old, new */
static char *found;          /* the state at hand */
static uint64_t generation;

static bool __attribute__((format(printf, 3, 4)))
blame(struct trial *trial, enum trial_verdict verdict, const char *format, ...)
{
	va_list rest;
	if (trial->verdict != TRIAL_WELL)
		return false;
	trial->verdict = verdict;
	va_start(rest, format);
	vsnprintf(trial->text, sizeof(trial->text), format, rest);
	va_end(rest);
	return false;
}

/* --- states -------------------------------------------------------------------------------- */

/* The first line that differs, for people. */
static bool
blame_text(struct trial *trial, enum trial_verdict verdict, const char *who, const char *is,
	   const char *should)
{
	while (*is != '\0' && *should != '\0' && strcspn(is, "\n") == strcspn(should, "\n") &&
	       strncmp(is, should, strcspn(is, "\n")) == 0) {
		is += strcspn(is, "\n") + 1;
		should += strcspn(should, "\n") + 1;
	}
	return blame(trial, verdict, "%s: has '%.*s' in the place of '%.*s'", who,
		     (int)strcspn(is, "\n"), is, (int)strcspn(should, "\n"), should);
}

static bool
read_found(struct trial *trial)
{
	struct fault fault = {0};
	free(found);
	found = NULL;
	enum status status = ledger_read_store(trial->world->path, &found, &generation, &fault);
	return status == STATUS_OK || blame(trial, TRIAL_STATE, "the store cannot be read: %s: %s",
					    fault.where, fault.text);
}

/* What failed is not tried again at once, but 20 times as long after as it took (docs/store.md). */
static enum status
refresh_soon(struct store *reader, struct fault *fault)
{
	bool changed;
	enum status status = store_refresh(reader, &changed, fault);
	for (unsigned waited = 0; status != STATUS_OK && waited < FOLLOW_MS; waited++) {
		scratch_pause(1);
		status = store_refresh(reader, &changed, fault);
	}
	return status;
}

/* T3. Sees what the store holds, or, if news may still be on their way, what it held before. */
static bool
follow(struct trial *trial, const char *when, bool late)
{
	struct world *world = trial->world;
	struct fault fault = {0};
	if (world->reader == NULL && generation == 0)
		return true;
	enum status status = world->reader == NULL ? store_open(world->path, &world->reader, &fault)
						   : refresh_soon(world->reader, &fault);
	if (status != STATUS_OK)
		return blame(trial, TRIAL_STUCK, "%s the reader does not follow: %s: %s", when,
			     fault.where, fault.text);
	struct view *view = store_view_take(world->reader);
	char *text = ledger_read(view);
	if (strcmp(text, found) != 0 && !(late && strcmp(text, texts[0]) == 0))
		blame_text(trial, TRIAL_STATE, when, text, found);
	view_drop(view);
	free(text);
	return trial->verdict == TRIAL_WELL;
}

/* Between two calls of the work. */
static void
watch(void *context)
{
	struct trial *trial = context;
	struct world *world = trial->world;
	struct fault fault = {0};
	bool changed;
	if (world->reader == NULL || trial->verdict != TRIAL_WELL)
		return;
	if (store_refresh(world->reader, &changed, &fault) != STATUS_OK) {
		blame(trial, TRIAL_STATE, "meanwhile the reader cannot refresh: %s: %s", fault.where,
		      fault.text);
		return;
	}
	if (!changed)
		return;
	struct view *view = store_view_take(world->reader);
	char *text = ledger_read(view);
	if (strcmp(text, texts[0]) != 0 && strcmp(text, texts[1]) != 0)
		blame_text(trial, TRIAL_STATE, "meanwhile the reader", text, texts[1]);
	view_drop(view);
	free(text);
}

/* --- the work ------------------------------------------------------------------------------ */

static size_t
lines_of(const char *text)
{
	size_t lines = 0;
	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

/* Without what may be left out. */
static char *
without(const char *text, const char *const hints[3])
{
	char *copy = malloc(strlen(text) + 1), *to = copy;
	for (const char *line = text, *next; *line != '\0'; line = next) {
		size_t length = strcspn(line, "\n");
		const char *end = memmem(line, length, hints[2], strlen(hints[2]));
		next = line + length + (line[length] == '\n');
		if (strncmp(line, hints[0], strlen(hints[0])) == 0 ||
		    strncmp(line, hints[1], strlen(hints[1])) == 0)
			continue;
		if (end != NULL)
			length = (size_t)(end - line);
		while (length > 0 && line[length - 1] == ' ')
			length--;
		to = mempcpy(to, line, length);
		*to++ = '\n';
	}
	*to = '\0';
	return copy;
}

static bool
same_output(const struct work *work, const char *a, const char *b)
{
	if (work->hints[0] == NULL)
		return strcmp(a, b) == 0;
	char *rest_a = without(a, work->hints);
	char *rest_b = without(b, work->hints);
	bool same = strcmp(rest_a, rest_b) == 0;
	free(rest_a);
	free(rest_b);
	return same;
}

/* Output of a command that says that all is well: all of it. What writes may tell of seconds. */
static bool
judge_output(struct trial *trial, const struct said *said, const char *out)
{
	const struct work *work = trial->world->work;
	if (work->run != NULL || trial->late)
		return true;
	if (said->exit != wanted.exit)
		return blame(trial, TRIAL_ANSWER, "exit status %d, not %d", said->exit, wanted.exit);
	if (work->reads ? !same_output(work, out, wanted.out) : lines_of(out) != lines_of(wanted.out))
		return blame_text(trial, TRIAL_ANSWER, "output", out, wanted.out);
	return true;
}

static bool
judge_done(struct trial *trial, const struct said *said, const char *out)
{
	/* nothing to do, and nothing to lose: no acknowledgement */
	bool idle = said->exit == CLI_NOTHING && strcmp(texts[0], texts[1]) == 0;
	const char *struck = trial->report.struck, *loose = idle ? NULL : faults_disk_loose();
	if (strcmp(found, texts[1]) != 0)
		return blame_text(trial, TRIAL_FALSE_ACK, "said to be done, and the store", found, texts[1]);
	if (loose != NULL)
		return blame(trial, TRIAL_FALSE_ACK, "said to be done before %s is on the disk", loose);
	if (struck != NULL && strcmp(struck, "flock") == 0 && !trial->report.published)
		return blame(trial, TRIAL_FALSE_ACK, "done without the lock");
	return judge_output(trial, said, out);
}

/* What must be survived: the call is to be made again, or the rest of it. Reading of feeds ends with a signal. */
static bool
is_soft(const struct trial *trial)
{
	static const char *const calls[] = {"pread", "write", "pwrite", "getrandom"};
	if (trial->at_hand.error == FAULTS_SHORT)
		return true;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (trial->at_hand.error == EINTR && trial->at_hand.span == FAULTS_ONCE &&
		    strcmp(trial->report.struck, calls[i]) == 0)
			return true;
	return false;
}

/*
 * Not done, and the new state may be there: its record could not be cut away, or a new journal's name may not last.
 * A command may also fail at what it has to say when all is done.
 */
static bool
may_be_new(const struct trial *trial, const struct said *said)
{
	enum faults_stage stage = trial->report.stage;
	if (trial->world->work->run == NULL && stage == FAULTS_KEPT && trial->report.published)
		return true;
	return said->status == STATUS_IO && (stage == FAULTS_UNCUT || stage == FAULTS_NAMED);
}

/* `before`: the state may be new already if work done again fails again. */
static bool
judge_failed(struct trial *trial, const struct said *said, bool before, const char *out, const char *err)
{
	bool old = strcmp(found, texts[0]) == 0, new = strcmp(found, texts[1]) == 0;
	bool reason = trial->world->work->run != NULL ? said->reason
				: err[0] != '\0' || strcmp(out, wanted.out) != 0;
	if (said->status == STATUS_COUNT)
		return blame(trial, TRIAL_ANSWER, "a wrong answer");
	if (!reason)
		return blame(trial, TRIAL_SILENT, "no reason");
	if (trial->report.struck == NULL)
		return blame(trial, TRIAL_STUCK, "nothing failed, and yet it is not done: %s", err);
	if (is_soft(trial))
		return blame(trial, TRIAL_SOFT, "%s of %s is taken for a failure: %s",
			     trial->at_hand.error == EINTR ? "a signal" : "a short count",
			     trial->report.struck, err);
	if (!old && !new)
		return blame_text(trial, TRIAL_STATE, "not done, and the store", found, texts[0]);
	if (!old && !before && !may_be_new(trial, said))
		return blame(trial, TRIAL_STATE, "not done, and yet the state is new");
	return true;
}

/* The work with a plan, judged; `before`: the state that it starts from is the new one already. */
static bool
work_once(struct trial *trial, const struct faults_plan *plan, bool before)
{
	struct world *world = trial->world;
	struct faults_plan mine = *plan;
	const char *out, *err;
	if (!world->work->own_reader) {
		mine.watch = watch;
		mine.context = trial;
	}
	trial->at_hand = mine;
	faults_arm(&mine);
	struct said said = world_run(world);
	trial->report = faults_disarm();
	trial->struck += trial->report.struck != NULL;
	faults_stdio_take(&out, &err);
	if (!read_found(trial))
		return false;
	trial->done = said.done;
	trial->late = said.done && before && said.exit != wanted.exit && strcmp(found, texts[1]) == 0;
	return said.done ? judge_done(trial, &said, out) : judge_failed(trial, &said, before, out, err);
}

static bool
is_new(void)
{
	return strcmp(found, texts[1]) == 0;
}

/* T4. An answer of a reader that failed may be late, and is asked for again. */
static bool
work_again(struct trial *trial)
{
	static const struct faults_plan none = {.at = -1};
	if (trial->again.what != 0 && !trial->done) {
		if (!work_once(trial, &trial->again, is_new()) ||
		    !follow(trial, "after the second fault", !trial->done))
			return false;
	}
	if (trial->done)
		return true;
	return work_once(trial, &none, is_new()) &&
	       (trial->done || blame(trial, TRIAL_STUCK, "not done when done again"));
}

/* --- afterwards ---------------------------------------------------------------------------- */

/* T5 */
static bool
next(struct trial *trial)
{
	struct world *world = trial->world;
	struct ledger ledger;
	struct fault fault = {0};
	ledger_copy(&world->new, &ledger);
	for (unsigned i = 0; i < 2 && trial->verdict == TRIAL_WELL; i++) {
		if (world_next(world, &ledger, i, &fault) != STATUS_OK)
			blame(trial, TRIAL_STUCK, "the next transaction fails: %s: %s", fault.where,
			      fault.text);
		char *text = ledger_text(&ledger);
		if (read_found(trial) && strcmp(found, text) != 0)
			blame_text(trial, TRIAL_STATE, "after the next transaction the store", found, text);
		free(text);
		if (faults_disk_loose() != NULL)
			blame(trial, TRIAL_FALSE_ACK, "the next transaction is done before %s is on the disk",
			      faults_disk_loose());
		follow(trial, "after the next transaction the reader", false);
	}
	ledger_fini(&ledger);
	return trial->verdict == TRIAL_WELL;
}

struct looking {
	struct trial *trial;
	const struct view *view;
};

static enum status
look_at_name(void *context, const char *name, struct fault *fault)
{
	struct looking *looking = context;
	size_t length = strlen(name);
	uint64_t number;
	char again[64];
	bool known = true;
	(void)fault;
	if (length > 4 && strcmp(name + length - 4, ".tmp") == 0)
		blame(looking->trial, TRIAL_LEFT, "%s is left", name);
	number = strncmp(name, "segment-", 8) == 0 ? strtoull(name + 8, NULL, 10) : 0;
	snprintf(again, sizeof(again), "segment-%" PRIu64 ".rps", number);
	if (strcmp(again, name) == 0) {
		known = false;
		for (uint32_t i = 0; i < looking->view->layer_count; i++)
			known |= looking->view->layer[i].row.number == number &&
				 looking->view->layer[i].row.offset == 0;
	}
	if (!known)
		blame(looking->trial, TRIAL_LEFT, "%s is left, of no layer", name);
	return STATUS_OK;
}

/* Calls of a refresh without news, of files and of memory; < 0: it is none. */
static long
refresh_calls(struct store *reader)
{
	static const int errors[] = {EIO, ENOMEM, EINTR};
	long calls = 0;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct faults_plan plan = {.what = FAULTS_FILES | FAULTS_MEMORY, .at = -1, .error = errors[i]};
		bool changed;
		faults_arm(&plan);
		enum status status = store_refresh(reader, &changed, NULL);
		calls += faults_disarm().calls;
		if (status != STATUS_OK || changed)
			return -1;
	}
	return calls;
}

/* A reader that is up to date pays one load, whatever it went through: but for a look, ten times a second. */
static void
refresh_silently(struct trial *trial)
{
	long calls = 1;
	for (int tries = 0; tries < 50 && calls > 0; tries++) {
		if (tries > 1)
			usleep(20000);
		calls = refresh_calls(trial->world->reader);
	}
	if (calls != 0)
		blame(trial, TRIAL_STUCK, "a reader without news makes %ld calls", calls);
}

/* T6 */
static void
look_for_leftovers(struct trial *trial)
{
	struct looking looking = {.trial = trial};
	struct view *view = store_view_take(trial->world->reader);
	looking.view = view;
	(void)file_each_name(trial->world->path, look_at_name, &looking, NULL);
	view_drop(view);
}

static void
close_reader(struct trial *trial)
{
	store_close(trial->world->reader);
	trial->world->reader = NULL;
	free(found);
	found = NULL;
}

/* T1 to T6 */
static void
run_judged(struct trial *trial)
{
	struct world *world = trial->world;
	struct fault fault = {0};
	const char *out, *err;
	world_restore(world);
	faults_disk_begin();
	generation = 0;
	if (world->exists && store_open(world->path, &world->reader, &fault) != STATUS_OK)
		blame(trial, TRIAL_STATE, "at the beginning: %s: %s", fault.where, fault.text);
	if (trial->verdict == TRIAL_WELL && world->work->between != NULL)
		world->work->between(world);
	faults_stdio_take(&out, &err);
	if (trial->verdict == TRIAL_WELL &&
	    work_once(trial, &trial->plan, world->work->between != NULL) &&
	    follow(trial, "afterwards the reader", !trial->done) && work_again(trial) &&
	    follow(trial, "when done again the reader", false) && next(trial)) {
		look_for_leftovers(trial);
		refresh_silently(trial);
	}
	faults_disk_end();
	close_reader(trial);
}

/* T7. Libraries keep what they make once: only what stays every time is a leak. */
static void
run_counted(struct trial *trial)
{
	struct trial fresh = *trial;
	for (int tries = 0; tries < 3; tries++) {
		unsigned descriptors = scratch_descriptors(), mappings = scratch_mappings(fresh.world->path);
		long blocks = faults_blocks(), judy = faults_blocks_judy();
		*trial = fresh;
		run_judged(trial);
		long more = faults_blocks() - blocks;
		trial->judy = faults_blocks_judy() - judy;
		if (scratch_descriptors() != descriptors)
			blame(trial, TRIAL_LEAK, "%u descriptors, before %u", scratch_descriptors(), descriptors);
		if (scratch_mappings(fresh.world->path) != mappings)
			blame(trial, TRIAL_LEAK, "%u mappings, before %u",
			      scratch_mappings(fresh.world->path), mappings);
		if (trial->verdict != TRIAL_WELL || more == 0)
			return;
		if (tries == 2)
			blame(trial, TRIAL_LEAK, "%ld blocks of memory more than before", more);
	}
}

void
trial_run(struct trial *trial)
{
	trial->verdict = TRIAL_WELL;
	trial->struck = 0;
	trial->text[0] = '\0';
	run_counted(trial);
}

bool
trial_prepare(struct trial *trial)
{
	const char *out, *err;
	struct fault fault = {0};
	free(texts[0]);
	free(texts[1]);
	free(wanted.out);
	texts[0] = ledger_text(&trial->world->old);
	texts[1] = ledger_text(&trial->world->new);
	/* what a command says, and whether it finds anything */
	world_restore(trial->world);
	if (trial->world->exists && store_open(trial->world->path, &trial->world->reader, &fault) != STATUS_OK)
		return blame(trial, TRIAL_STATE, "%s: %s", fault.where, fault.text);
	if (trial->world->work->between != NULL)
		trial->world->work->between(trial->world);
	faults_stdio_take(&out, &err);
	struct said said = world_run(trial->world);
	faults_stdio_take(&out, &err);
	wanted.out = strdup(out);
	wanted.exit = said.exit;
	close_reader(trial);
	if (!said.done)
		return blame(trial, TRIAL_STUCK, "not done without faults: %s", err);
	trial->plan = (struct faults_plan){.at = -1};
	trial->again = (struct faults_plan){0};
	trial_run(trial);
	return trial->verdict == TRIAL_WELL;
}

long
trial_calls(struct world *world, unsigned what, int error)
{
	struct trial trial = {.world = world, .plan = {.what = what, .at = -1, .error = error}};
	const char *out, *err;
	struct fault fault = {0};
	world_restore(world);
	faults_disk_begin();
	if (world->exists && store_open(world->path, &world->reader, &fault) != STATUS_OK)
		abort();
	if (world->work->between != NULL)
		world->work->between(world);
	faults_arm(&trial.plan);
	(void)world_run(world);
	long calls = faults_disarm().calls;
	faults_stdio_take(&out, &err);
	faults_disk_end();
	close_reader(&trial);
	return calls;
}
