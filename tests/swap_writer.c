/* SPDX-License-Identifier: Apache-2.0 */
/* Who writes revisions of the truth, and who folds the base meanwhile. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/store_state.h"
#include "tests/fixture.h"
#include "tests/scratch.h"
#include "tests/swap.h"

#define BULK_EXPIRES 3000000000ull

/* --- revisions ------------------------------------------------------------------------------ */

/* What one source says of one slot now, or no more. */
static void
say(struct scratch_write *change, int kind, enum swap_role role, unsigned slot, uint32_t revision)
{
	struct swap_claim claim;
	char text[SWAP_TEXT], tag[SWAP_TEXT];
	swap_claim(kind, role, slot, revision, &claim);
	swap_text(kind, role, slot, text);
	swap_tag(revision, tag);
	bool tree = role == SWAP_PARENT && (kind == KIND_DOMAIN || kind == KIND_URL);
	struct key *key = scratch_key(text, tree ? SCOPE_TREE : 0);
	if (claim.listed)
		scratch_put(change, swap_source[role], key, tag, 0, claim.expires);
	else
		scratch_take_back(change, swap_source[role], key, 0);
	free(key);
}

static void
say_all(struct scratch_write *change, uint32_t revision)
{
	for (int kind = 0; kind < SWAP_KINDS; kind++)
		for (enum swap_role role = SWAP_ALPHA; role < SWAP_ROLES; role++)
			for (unsigned slot = 0; slot < swap_slots(kind, role); slot++)
				if (swap_touches(revision, role, slot))
					say(change, kind, role, slot, revision);
}

static void
set_priority(struct scratch_write *change, uint32_t revision)
{
	struct fault fault = {0};
	struct source_row *row;
	const char *name = swap_source[SWAP_BETA];
	fixture_need(catalog_source_put(store_write_catalog(change->write), name, strlen(name), &row,
					&fault), &fault, name);
	if (row->priority == swap_beta_priority(revision))
		return;
	row->priority = swap_beta_priority(revision);
	store_write_touch(change->write);
}

/* Waits for who folds; notes what the generation to be will hold before anybody can see it. */
static uint64_t
begin(struct scratch_write *change, const char *store, struct swap_shared *shared,
      uint32_t revision)
{
	struct hash_seed seed = {{1, 2}};
	struct fault fault = {0};
	*change = (struct scratch_write){.now = SWAP_WRITTEN + revision};
	fixture_need(store_write_begin(store, true, &seed, &change->write, &fault), &fault, "begin");
	const struct view *view = store_write_view(change->write);
	uint64_t next = view->generation + 1;
	fixture_need(author_new(view, change->now, &change->author, &fault), &fault, "author");
	if (next >= shared->generations) {
		fprintf(stderr, "swap: no room for generation %" PRIu64 "\n", next);
		abort();
	}
	__atomic_store_n(&shared->revision[next], revision + 1, __ATOMIC_RELEASE);
	return next;
}

static void
commit(struct scratch_write *change, uint64_t wanted)
{
	scratch_commit(change, false);
	if (change->generation == wanted)
		return;
	fprintf(stderr, "swap: generation %" PRIu64 " instead of %" PRIu64 "\n", change->generation,
		wanted);
	abort();
}

/* Keys that are always listed and seldom asked for: something to fold. */
static void
put_bulk(struct scratch_write *change, unsigned bulk)
{
	for (unsigned i = 0; i < bulk; i++) {
		uint8_t digest[32];
		char text[64];
		struct key key;
		key_set_ipv4(&key, 0x14000000u + i * 3, 32);
		scratch_put(change, "bulk", &key, NULL, 0, BULK_EXPIRES);
		for (unsigned j = 0; j < 32; j++)
			digest[j] = (uint8_t)(swap_mix(i * 32ull + j) >> 7);
		key_set_digest(&key, KIND_SHA256, digest);
		scratch_put(change, "bulk", &key, NULL, 0, BULK_EXPIRES);
		snprintf(text, sizeof(text), "b%u.bulk.example", i);
		struct key *name = scratch_key(text, 0);
		scratch_put(change, "bulk", name, NULL, 0, BULK_EXPIRES);
		free(name);
	}
}

void
swap_make(const char *store, struct swap_shared *shared, unsigned bulk)
{
	struct scratch_write change;
	uint64_t generation = begin(&change, store, shared, 0);
	put_bulk(&change, bulk);
	say_all(&change, 0);
	set_priority(&change, 0);
	commit(&change, generation);
}

/* As after a writer that was killed between N1 and W5: the next one writes the journal anew. */
static void
leave_unsure(const char *store)
{
	char path[FILE_PATH_BYTES];
	struct file_counter counter;
	struct fault fault = {0};
	fixture_need(store_path(store, STORE_COUNTER, path, &fault), &fault, store);
	fixture_need(file_counter_open(path, true, &counter, &fault), &fault, path);
	__atomic_store_n(counter.value, UINT64_MAX, __ATOMIC_RELEASE);
	file_counter_close(&counter);
}

/* Revisions are spread evenly over the answers. */
static void
wait_for_readers(const struct swap_shared *shared, uint64_t revision)
{
	double part = (double)(revision - 1) / (double)shared->revisions;
	while ((double)swap_answers(shared) < part * (double)shared->answers &&
	       !__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE))
		usleep(200);
}

void
swap_write(struct swap_shared *shared)
{
	for (uint32_t revision = 1; revision <= shared->revisions; revision++) {
		struct scratch_write change;
		wait_for_readers(shared, revision);
		if (shared->unsure_every != 0 && revision % shared->unsure_every == 0) {
			leave_unsure(shared->written);
			shared->unsure++;
		}
		uint64_t generation = begin(&change, shared->written, shared, revision);
		say_all(&change, revision);
		set_priority(&change, revision);
		commit(&change, generation);
		__atomic_store_n(&shared->done, revision, __ATOMIC_RELEASE);
	}
}

/* --- folding ---------------------------------------------------------------------------------- */

static void
compact_by_call(const char *store)
{
	uint64_t generation;
	bool done;
	struct fault fault = {0};
	fixture_need(store_compact(store, true, SWAP_WRITTEN, &done, &generation, &fault), &fault,
		     "compact");
}

/* 0: folded; 1: nothing to fold, or somebody replaced the base meanwhile */
static void
compact_by_command(const char *program, const char *store)
{
	char now[24];
	int status;
	snprintf(now, sizeof(now), "@%llu", SWAP_WRITTEN);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
			_exit(90);
		execl(program, "repute", "--store", store, "--now", now, "compact", NULL);
		_exit(91);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
	    WEXITSTATUS(status) > 1) {
		fprintf(stderr, "swap: %s compact: status %d\n", program, status);
		abort();
	}
}

void
swap_compact(struct swap_shared *shared)
{
	uint64_t next = shared->compact_every / 2;
	while (!__atomic_load_n(&shared->over, __ATOMIC_ACQUIRE)) {
		if (__atomic_load_n(&shared->done, __ATOMIC_ACQUIRE) < next) {
			usleep(500);
			continue;
		}
		if (shared->program != NULL && shared->compactions % 2 == 1)
			compact_by_command(shared->program, shared->written);
		else
			compact_by_call(shared->written);
		shared->compactions++;
		next += shared->compact_every;
	}
}
