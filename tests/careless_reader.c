/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/careless_reader.h"

#include <grp.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/careless_world.h"
#include "tests/leaseless.h"

#define BATCH 60u       /* ten of each kind */
#define WINDOW_MS 400u  /* a wrong answer of who has no lease is excused by a damage seen so soon after */
#define STRANGER 65534  /* nobody */

const char *const careless_ways[READER_WAYS] = {
	"leased", "threads", "judge", "sealed", "unguarded", "leaseless", "stranger", "opener",
	"command",
};

static const char profile_text[] =
	"[profile]\nname = p\n[action \"b\"]\nflow = block\n"
	"[filter \"all\"]\naction = b\nkinds = ipv4 ipv6 domain url sha1 sha256\nuntagged = yes\n";

struct reader {
	enum careless_way way;
	uint64_t seed, state;
	const char *store, *program;
	struct careless_board *board;
	struct careless_seat *seat;
	struct repute_db *db;
	struct repute_view *view;
	struct repute_profile *profile;
	uint64_t generation, reopened;
	uint64_t doubt, doubt_since; /* wrong answers that may yet be excused */
	char doubt_why[256];
};

bool
careless_is_strict(enum careless_way way, bool leases)
{
	return way == READER_SEALED || (leases && way < READER_LEASELESS) ||
	       (leases && way == READER_COMMAND);
}

static uint64_t
milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
doze(unsigned microseconds)
{
	struct timespec pause = {.tv_nsec = microseconds * 1000L};
	nanosleep(&pause, NULL);
}

static void
count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_SEQ_CST);
}

static uint64_t
read_word(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void
tell_wrong(struct careless_seat *seat, uint64_t n, const char *why)
{
	if (__atomic_fetch_add(&seat->wrong, n, __ATOMIC_SEQ_CST) == 0)
		snprintf(seat->why, sizeof(seat->why), "%s", why);
}

/* --- one batch ------------------------------------------------------------------------------- */

struct batch {
	uint32_t n[BATCH]; /* by kind */
	char text[BATCH][WORLD_TEXT]; /* which keys borrow */
	struct repute_key key[BATCH];
	struct repute_hit hit[BATCH];
	enum repute_status status[BATCH];
};

/* Half of what is asked is listed, a little was never published. */
static void
batch_choose(struct reader *reader, struct batch *batch, uint64_t generation)
{
	uint32_t end = world_end(generation) + 600;
	for (uint32_t i = 0; i < BATCH; i++) {
		uint32_t n = (uint32_t)(world_mix(reader->state++, i) % end);
		batch->n[i] = n - n % WORLD_KINDS + i / (BATCH / WORLD_KINDS);
	}
}

static void
batch_keys(const struct reader *reader, struct batch *batch)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		char *text = batch->text[i];
		world_text(reader->seed, batch->n[i], text);
		if (repute_key_text(REPUTE_ANY, text, strlen(text), &batch->key[i]) != REPUTE_OK)
			abort();
	}
}

/* By turns: one by one, all at once, all claims of each, and kind by kind without keys. */
static void
batch_ask(struct reader *reader, struct batch *batch, const struct repute_view *view)
{
	enum { EACH = BATCH / WORLD_KINDS };
	uint32_t addresses[EACH];
	uint8_t wide[EACH][16], short_digest[EACH][20], digest[EACH][32], bytes[32];
	struct repute_hit *hit = batch->hit;
	unsigned turn = (unsigned)(reader->state % 4);
	batch_keys(reader, batch);
	for (uint32_t i = 0; i < BATCH && turn == 0; i++)
		batch->status[i] = repute_find(view, &batch->key[i], WORLD_NOW, &hit[i]);
	for (uint32_t i = 0; i < BATCH && turn == 1; i++) {
		hit[i].found = true; /* must be written in any case */
		size_t all = repute_find_all(view, &batch->key[i], WORLD_NOW, &hit[i], 1);
		batch->status[i] = all == REPUTE_UNKNOWN ? REPUTE_CORRUPT : REPUTE_OK;
		hit[i].found &= all != 0;
	}
	if (turn < 2)
		return;
	batch->status[0] = repute_find_many(view, batch->key, BATCH, WORLD_NOW, hit);
	for (uint32_t i = 1; i < BATCH; i++)
		batch->status[i] = batch->status[0];
	if (turn == 2)
		return;
	for (uint32_t i = 0; i < EACH; i++) {
		addresses[i] = world_ipv4(reader->seed, batch->n[i]);
		world_bytes(reader->seed, batch->n[EACH + i], bytes);
		memcpy(wide[i], bytes, 16);
		world_bytes(reader->seed, batch->n[4 * EACH + i], bytes);
		memcpy(short_digest[i], bytes, 20);
		world_bytes(reader->seed, batch->n[5 * EACH + i], digest[i]);
	}
	enum repute_status status[WORLD_KINDS] = {
		repute_find_ipv4_many(view, addresses, EACH, WORLD_NOW, hit),
		repute_find_ipv6_many(view, (const uint8_t (*)[16])wide, EACH, WORLD_NOW, hit + EACH),
		batch->status[0], batch->status[0],
		repute_find_sha1_many(view, (const uint8_t (*)[20])short_digest, EACH, WORLD_NOW,
				      hit + 4 * EACH),
		repute_find_sha256_many(view, (const uint8_t (*)[32])digest, EACH, WORLD_NOW,
					hit + 5 * EACH),
	};
	for (uint32_t i = 0; i < BATCH; i++)
		batch->status[i] = status[i / EACH];
}

/* Verdicts as hits: block is found. */
static void
batch_judge(struct reader *reader, struct batch *batch)
{
	struct repute_verdict verdict[BATCH];
	batch_keys(reader, batch);
	enum repute_status status = repute_judge_many(reader->profile, batch->key, BATCH, WORLD_NOW,
						      verdict);
	for (uint32_t i = 0; i < BATCH; i++) {
		if (reader->state % 2 == 0)
			status = repute_judge(reader->profile, &batch->key[i], WORLD_NOW, &verdict[i]);
		bool error = verdict[i].outcome == REPUTE_VERDICT_ERROR;
		batch->status[i] = error || status != REPUTE_OK ? REPUTE_CORRUPT : REPUTE_OK;
		batch->hit[i].found = verdict[i].outcome == REPUTE_VERDICT_BLOCK;
		if (error != (status != REPUTE_OK))
			tell_wrong(reader->seat, 1, "outcome and status do not agree");
		if (batch->hit[i].found)
			batch->hit[i] = verdict[i].hit;
	}
}

/* How many could not be told; *wrong and *why: of the others. */
static uint64_t
batch_compare(const struct reader *reader, const struct batch *batch,
	      const struct repute_view *view, uint64_t generation, uint64_t *wrong, char why[256])
{
	uint64_t untold = 0;
	*wrong = 0;
	for (uint32_t i = 0; i < BATCH; i++) {
		char one[256];
		if (batch->status[i] != REPUTE_OK) {
			untold++;
			if (batch->hit[i].found && reader->way != READER_JUDGE) {
				*wrong += 1;
				snprintf(why, 256, "an error that looks like a hit");
			}
		} else if (!world_judge(reader->seed, batch->n[i], generation, view, &batch->hit[i],
					one)) {
			/* tags are read after the hit: they, too, may be untold by now */
			if (repute_view_status(view) != REPUTE_OK)
				untold++;
			else if (++*wrong == 1)
				memcpy(why, one, sizeof(one));
		}
	}
	return untold;
}

/* --- doubts of those without a lease ------------------------------------------------------------ */

static bool
may_doubt(const struct reader *reader)
{
	return reader->way == READER_LEASELESS || reader->way == READER_STRANGER;
}

/* Damage was seen: what was wrong just now is excused. Or none was for so long that it is not. */
static void
settle_doubts(struct reader *reader, bool damage)
{
	if (reader->doubt == 0)
		return;
	if (damage)
		count(&reader->seat->excused, reader->doubt);
	else if (milliseconds() - reader->doubt_since > WINDOW_MS)
		tell_wrong(reader->seat, reader->doubt, reader->doubt_why);
	else
		return;
	reader->doubt = 0;
}

static void
take_wrong(struct reader *reader, uint64_t wrong, const char *why)
{
	if (wrong == 0)
		return;
	if (!may_doubt(reader) || read_word(&reader->board->clean) != 0) {
		tell_wrong(reader->seat, wrong, why);
		return;
	}
	if (reader->doubt == 0) {
		reader->doubt_since = milliseconds();
		snprintf(reader->doubt_why, sizeof(reader->doubt_why), "%s", why);
	}
	reader->doubt += wrong;
}

/* --- one reader ---------------------------------------------------------------------------------- */

static void
let_go(struct reader *reader)
{
	repute_profile_free(reader->profile);
	reader->profile = NULL;
	if (reader->view != NULL)
		repute_view_drop(reader->view);
	reader->view = NULL;
}

/* The view of now, and the profile of READER_JUDGE. */
static bool
take_view(struct reader *reader)
{
	struct repute_view_info info;
	struct repute_view *view = repute_view_take(reader->db);
	struct repute_profile *profile = NULL;
	repute_view_info(view, &info);
	if (reader->way == READER_JUDGE &&
	    repute_profile_load(view, profile_text, sizeof(profile_text) - 1, &profile, NULL) !=
		    REPUTE_OK) {
		repute_view_drop(view);
		return false;
	}
	let_go(reader);
	reader->view = view;
	reader->profile = profile;
	if (info.generation == 0)
		tell_wrong(reader->seat, 1, "was given a state in which there is nothing");
	if (info.generation < reader->generation && !may_doubt(reader))
		tell_wrong(reader->seat, 1, "went back to an older generation");
	reader->generation = info.generation;
	return true;
}

static bool
open_store(struct reader *reader)
{
	struct repute_options options = {.size = sizeof(options)};
	struct repute_fault fault = {0};
	uint64_t published = read_word(&reader->board->published);
	options.flags = reader->way == READER_SEALED      ? REPUTE_OPEN_SEALED
			: reader->way == READER_UNGUARDED ? REPUTE_OPEN_NO_GUARD : 0;
	if (repute_open(reader->store, &options, &reader->db, &fault) != REPUTE_OK) {
		reader->db = NULL;
		return false;
	}
	reader->generation = 0;
	bool taken = take_view(reader);
	/* a state before the last one is taken if that is damaged, but not without a word */
	if (taken && reader->generation < published && fault.text[0] == '\0' &&
	    read_word(&reader->board->journal) == 0)
		tell_wrong(reader->seat, 1, "opened an older generation without a word");
	return taken;
}

static void
close_store(struct reader *reader)
{
	let_go(reader);
	repute_close(reader->db);
	reader->db = NULL;
}

/* The store as it is now; false: refused, or it could not be opened. */
static bool
renew(struct reader *reader)
{
	bool changed = false;
	uint64_t reopen = read_word(&reader->seat->reopen), before = reader->generation;
	bool anew = reader->way == READER_OPENER || reopen != reader->reopened;
	/* in doubt it looks first: a store that was closed tells no damage */
	bool in_doubt = reader->doubt != 0;
	if (reader->db != NULL && anew && !in_doubt)
		close_store(reader);
	if (reader->db == NULL) {
		reader->reopened = reopen;
		return open_store(reader);
	}
	bool damage = repute_view_status(reader->view) != REPUTE_OK;
	struct repute_fault fault = {0};
	enum repute_status status = repute_refresh(reader->db, &changed, &fault);
	settle_doubts(reader, damage || changed || status != REPUTE_OK ||
				      repute_view_status(reader->view) != REPUTE_OK);
	if (changed && !take_view(reader))
		return false;
	if (reader->generation < before && fault.text[0] == '\0' &&
	    read_word(&reader->board->journal) == 0)
		tell_wrong(reader->seat, 1, "went back to an older generation without a word");
	if (changed && reader->generation == before)
		count(&reader->seat->changes, 1);
	return status == REPUTE_OK && !(anew && in_doubt);
}

static void
ask(struct reader *reader, uint64_t tag, bool good)
{
	static struct batch batch; /* large */
	char why[256];
	uint64_t wrong;
	batch_choose(reader, &batch, reader->generation);
	if (reader->way == READER_JUDGE)
		batch_judge(reader, &batch);
	else
		batch_ask(reader, &batch, reader->view);
	uint64_t untold = batch_compare(reader, &batch, reader->view, reader->generation, &wrong, why);
	take_wrong(reader, wrong, why);
	count(&reader->seat->answers, BATCH - untold);
	count(&reader->seat->untold, untold);
	if (good && untold == 0 && wrong == 0 && reader->doubt == 0 &&
	    reader->generation == read_word(&reader->board->published))
		__atomic_store_n(&reader->seat->good, tag, __ATOMIC_SEQ_CST);
}

static void
read_on(struct reader *reader)
{
	while (!__atomic_load_n(&reader->board->stop, __ATOMIC_SEQ_CST)) {
		uint64_t tag = read_word(&reader->board->tag);
		bool good = renew(reader);
		if (!good)
			count(&reader->seat->refusals, 1);
		if (reader->view != NULL)
			ask(reader, tag, good);
		doze(good ? 200 : 2000);
	}
	settle_doubts(reader, true);
	close_store(reader);
}

/* --- threads --------------------------------------------------------------------------------------- */

struct asker {
	struct reader *reader;
	uint64_t state, rounds;
};

static void *
ask_in_thread(void *context)
{
	struct asker *asker = context;
	struct reader own = *asker->reader;
	struct batch *batch = malloc(sizeof(*batch));
	own.state = asker->state;
	while (!__atomic_load_n(&own.board->stop, __ATOMIC_SEQ_CST)) {
		char why[256];
		uint64_t wrong;
		struct repute_view_info info;
		struct repute_view *view = repute_view_take(own.db);
		repute_view_info(view, &info);
		batch_choose(&own, batch, info.generation);
		batch_ask(&own, batch, view);
		uint64_t untold = batch_compare(&own, batch, view, info.generation, &wrong, why);
		repute_view_drop(view);
		if (wrong > 0)
			tell_wrong(own.seat, wrong, why);
		count(&own.seat->answers, BATCH - untold);
		count(&own.seat->untold, untold);
		__atomic_add_fetch(&asker->rounds, 1, __ATOMIC_SEQ_CST);
		doze(300);
	}
	free(batch);
	return NULL;
}

/* This thread refreshes; it is good when each of the others has done a round since. */
static void
read_in_threads(struct reader *reader)
{
	struct asker askers[2];
	pthread_t threads[2];
	while (!open_store(reader))
		doze(2000);
	for (unsigned i = 0; i < 2; i++) {
		askers[i] = (struct asker){.reader = reader, .state = reader->state + i * 1000003};
		if (pthread_create(&threads[i], NULL, ask_in_thread, &askers[i]) != 0)
			abort();
	}
	while (!__atomic_load_n(&reader->board->stop, __ATOMIC_SEQ_CST)) {
		uint64_t tag = read_word(&reader->board->tag), before = reader->generation;
		uint64_t rounds[2] = {read_word(&askers[0].rounds), read_word(&askers[1].rounds)};
		uint64_t wrong = read_word(&reader->seat->wrong), untold = read_word(&reader->seat->untold);
		bool changed = false;
		if (repute_refresh(reader->db, &changed, NULL) != REPUTE_OK) {
			count(&reader->seat->refusals, 1);
			doze(2000);
			continue;
		}
		if (changed)
			take_view(reader);
		if (changed && reader->generation == before)
			count(&reader->seat->changes, 1);
		for (unsigned i = 0; i < 2; i++)
			while (read_word(&askers[i].rounds) < rounds[i] + 2 && !reader->board->stop)
				doze(200);
		if (wrong == read_word(&reader->seat->wrong) && untold == read_word(&reader->seat->untold) &&
		    reader->generation == read_word(&reader->board->published))
			__atomic_store_n(&reader->seat->good, tag, __ATOMIC_SEQ_CST);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	close_store(reader);
}

/* --- the command line --------------------------------------------------------------------------------- */

/* `repute lookup --json` on two pipes. */
struct command {
	pid_t child;
	FILE *to, *from;
};

static void
command_begin(const struct reader *reader, struct command *command)
{
	int to[2], from[2];
	if (pipe(to) != 0 || pipe(from) != 0 || (command->child = fork()) < 0)
		abort();
	if (command->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(to[0], 0);
		dup2(from[1], 1);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(9);
		for (int i = 3; i < 64; i++)
			close(i);
		execl(reader->program, "repute", "--store", reader->store, "--now",
		      "2026-01-01T00:00:00Z", "lookup", "--json", (char *)NULL);
		_exit(9);
	}
	close(to[0]);
	close(from[1]);
	command->to = fdopen(to[1], "w");
	command->from = fdopen(from[0], "r");
}

/* One line in, one line out. False: it could not tell. */
static bool
command_ask(const struct reader *reader, struct command *command, uint32_t n, uint64_t *generation,
	    char why[256])
{
	static char line[65536];
	char text[WORLD_TEXT];
	struct world_entry entry;
	world_text(reader->seed, n, text);
	fprintf(command->to, "%s\n", text);
	fflush(command->to);
	if (fgets(line, sizeof(line), command->from) == NULL) {
		snprintf(why, 256, "the command ended");
		return true;
	}
	const char *number = strstr(line, "\"generation\":");
	if (strstr(line, "\"error\":") != NULL || number == NULL)
		return false;
	*generation = strtoull(number + 13, NULL, 10);
	world_entry(reader->seed, n, *generation, &entry);
	if ((strstr(line, "\"listed\":true") != NULL) != entry.listed ||
	    (entry.listed && (strstr(line, entry.source) == NULL || strstr(line, entry.family) == NULL)))
		snprintf(why, 256, "the command on number %u at generation %" PRIu64 ": %.150s", n,
			 *generation, line);
	return true;
}

static void
command_end(struct reader *reader, struct command *command)
{
	int status;
	fclose(command->to);
	fclose(command->from);
	waitpid(command->child, &status, 0);
	/* 2: at some time something could not be read, as was said */
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 2)
		tell_wrong(reader->seat, 1, "the command died");
}

static void
read_by_command(struct reader *reader)
{
	struct command command;
	command_begin(reader, &command);
	reader->reopened = read_word(&reader->seat->reopen);
	while (!__atomic_load_n(&reader->board->stop, __ATOMIC_SEQ_CST)) {
		uint64_t tag = read_word(&reader->board->tag), generation = 0;
		uint64_t reopen = read_word(&reader->seat->reopen);
		uint32_t n = (uint32_t)(world_mix(reader->state++, 0) % WORLD_SECOND);
		char why[256] = "";
		if (reopen != reader->reopened) {
			command_end(reader, &command);
			command_begin(reader, &command);
			reader->reopened = reopen;
		}
		bool told = command_ask(reader, &command, n, &generation, why);
		if (strcmp(why, "the command ended") == 0) {
			/* it could not be opened: that is said, and is no death */
			count(&reader->seat->refusals, 1);
			command_end(reader, &command);
			doze(5000);
			command_begin(reader, &command);
			continue;
		}
		if (why[0] != '\0')
			tell_wrong(reader->seat, 1, why);
		count(told ? &reader->seat->answers : &reader->seat->untold, 1);
		if (told && why[0] == '\0' && generation == read_word(&reader->board->published))
			__atomic_store_n(&reader->seat->good, tag, __ATOMIC_SEQ_CST);
		doze(5000);
	}
	command_end(reader, &command);
}

/* --- start ---------------------------------------------------------------------------------------------- */

pid_t
careless_reader_start(enum careless_way way, uint64_t seed, const char *store, const char *program,
		      struct careless_board *board)
{
	fflush(NULL);
	pid_t child = fork();
	if (child != 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct reader reader = {.way = way, .seed = seed, .state = world_mix(seed, 77 + way),
				.store = store, .program = program, .board = board,
				.seat = &board->seat[way]};
	leaseless = way == READER_LEASELESS;
	if (way == READER_STRANGER && (setgroups(0, NULL) != 0 || setgid(STRANGER) != 0 ||
				       setuid(STRANGER) != 0 || access(store, R_OK | X_OK) != 0))
		_exit(77);
	if (way == READER_THREADS)
		read_in_threads(&reader);
	else if (way == READER_COMMAND)
		read_by_command(&reader);
	else
		read_on(&reader);
	_exit(0);
}
