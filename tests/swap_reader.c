/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who looks up at full speed while generations change under him: through the public library
 * only. Every answer is compared with what is true at its view's generation.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "query/repute.h"
#include "tests/swap.h"

#define BATCH 48u     /* at most, in one call */
#define KEPT 3u       /* old views that a thread keeps */
#define TORN 200u     /* revisions around, of which a wrong answer may be */
#define FOUND 4u      /* room for all claims on a key */
#define REOPEN 4u     /* turns after which the reader with that number opens the store anew */
#define REOPENER 2u

/* What all threads of a reader share. */
struct reader {
	struct swap_shared *shared;
	struct repute_db *db;
	struct repute_key *domain, *url; /* SWAP_LEAVES of each: keys of text, */
	char (*text)[SWAP_TEXT];         /* which they borrow */
};

struct view {
	struct repute_view *view;
	uint64_t generation;
	uint32_t revision, category;
};

/* One thread. */
struct lane {
	struct reader *reader;
	struct swap_tally *tally;
	uint64_t random, turns, last, answers;
	bool refreshes, reopens, failed;
	struct view kept[KEPT];
	struct repute_hit hits[BATCH];
};

static uint64_t
chance(struct lane *lane, uint64_t below)
{
	lane->random += 0x9e3779b97f4a7c15ull;
	return swap_mix(lane->random) % below;
}

/* --- the judge ---------------------------------------------------------------------------------- */

static bool
is_answer(const struct repute_hit *hit, int kind, const struct swap_claim *claim)
{
	const char *source = swap_source[claim->role];
	bool parent = claim->role == SWAP_PARENT;
	return hit->found && hit->expires == claim->expires &&
	       hit->last_seen == SWAP_WRITTEN + claim->touched && hit->exact == !parent &&
	       !hit->embedded && hit->kind == kind &&
	       (kind < REPUTE_DOMAIN || hit->scope == (parent ? REPUTE_TREE : REPUTE_EXACT)) &&
	       hit->source_length == strlen(source) &&
	       memcmp(hit->source, source, hit->source_length) == 0;
}

static bool
is_right(const struct repute_hit *hit, int kind, unsigned leaf, uint32_t revision, uint64_t now)
{
	struct swap_claim claims[SWAP_ROLES];
	if (swap_expect(kind, leaf, revision, now, claims) == 0)
		return !hit->found;
	return is_answer(hit, kind, &claims[0]);
}

/* Is it an answer of another revision? */
static bool
is_torn(const struct repute_hit *hit, int kind, unsigned leaf, uint32_t revision, uint64_t now)
{
	uint32_t from = revision > TORN ? revision - TORN : 0;
	for (uint32_t other = from; other <= revision + TORN; other++)
		if (is_right(hit, kind, leaf, other, now))
			return true;
	return false;
}

static void
complain(struct lane *lane, uint64_t *count, const char *what, int kind, unsigned leaf,
	 const struct view *view, uint64_t now, const struct repute_hit *hit)
{
	char text[SWAP_TEXT];
	swap_text(kind, SWAP_ALPHA, leaf, text);
	if (lane->tally->first[0] == '\0')
		snprintf(lane->tally->first, sizeof(lane->tally->first),
			 "%s: %s, now %llu, generation %llu (revision %u): found %d, expires %llu, "
			 "last seen %llu, exact %d", what, text, (unsigned long long)now,
			 (unsigned long long)view->generation, view->revision, hit->found,
			 (unsigned long long)hit->expires, (unsigned long long)hit->last_seen,
			 hit->exact);
	++*count;
}

static void
judge(struct lane *lane, const struct view *view, int kind, unsigned leaf, uint64_t now,
      const struct repute_hit *hit)
{
	struct swap_tally *tally = lane->tally;
	lane->answers++;
	tally->hits += hit->found;
	if (is_right(hit, kind, leaf, view->revision, now))
		return;
	if (is_torn(hit, kind, leaf, view->revision, now))
		complain(lane, &tally->torn, "torn", kind, leaf, view, now, hit);
	else if (hit->found)
		complain(lane, &tally->wrong, "wrong", kind, leaf, view, now, hit);
	else
		complain(lane, &tally->dropped, "dropped", kind, leaf, view, now, hit);
}

/* The tag and the key of a hit: they stand elsewhere than its times. */
static void
judge_notes(struct lane *lane, const struct view *view, int kind, unsigned leaf, uint64_t now,
	    const struct repute_hit *hit)
{
	char wanted[SWAP_TEXT], text[SWAP_TEXT];
	struct repute_tag tag = {0};
	struct repute_key key;
	struct swap_claim claims[SWAP_ROLES];
	if (!hit->found || swap_expect(kind, leaf, view->revision, now, claims) == 0)
		return;
	swap_tag(claims[0].touched, wanted);
	bool good = repute_hit_tag(view->view, hit, view->category, 0, &tag) &&
		    tag.value_length == strlen(wanted) &&
		    memcmp(tag.value, wanted, tag.value_length) == 0;
	enum swap_role role = claims[0].role;
	swap_text(kind, role, role == SWAP_PARENT ? leaf / SWAP_FAMILY : leaf, wanted);
	good &= repute_hit_key(view->view, hit, &key) == REPUTE_OK;
	repute_key_print(&key, text, sizeof(text));
	good &= strcmp(text, wanted) == 0;
	lane->tally->notes++;
	if (!good)
		complain(lane, &lane->tally->wrong, "tag or key", kind, leaf, view, now, hit);
}

static void
judge_status(struct lane *lane, const struct view *view, int kind, unsigned leaf, uint64_t now,
	     enum repute_status status, size_t n)
{
	static const struct repute_hit none;
	lane->answers += n;
	complain(lane, &lane->tally->dropped, repute_status_text(status), kind, leaf, view, now, &none);
	lane->tally->dropped += n - 1;
}

/* --- questions ---------------------------------------------------------------------------------- */

static enum repute_status
find_many(const struct reader *reader, const struct view *view, int kind, unsigned from, unsigned n,
	  uint64_t now, struct repute_hit *hits)
{
	uint32_t ipv4[BATCH];
	uint8_t ipv6[BATCH][16], sha1[BATCH][20], sha256[BATCH][32];
	for (unsigned i = 0; i < n; i++) {
		ipv4[i] = swap_ipv4(from + i);
		if (kind == REPUTE_IPV6)
			swap_ipv6(from + i, ipv6[i]);
		else if (kind == REPUTE_SHA1)
			swap_digest(kind, from + i, sha1[i]);
		else if (kind == REPUTE_SHA256)
			swap_digest(kind, from + i, sha256[i]);
	}
	switch (kind) {
	case REPUTE_IPV4:
		return repute_find_ipv4_many(view->view, ipv4, n, now, hits);
	case REPUTE_IPV6:
		return repute_find_ipv6_many(view->view, ipv6, n, now, hits);
	case REPUTE_DOMAIN:
		return repute_find_many(view->view, reader->domain + from, n, now, hits);
	case REPUTE_URL:
		return repute_find_many(view->view, reader->url + from, n, now, hits);
	case REPUTE_SHA1:
		return repute_find_sha1_many(view->view, sha1, n, now, hits);
	default:
		return repute_find_sha256_many(view->view, sha256, n, now, hits);
	}
}

/* Half of the time around what the next revisions touch and the last ones touched. */
static unsigned
choose_leaf(struct lane *lane, const struct view *view, unsigned n)
{
	unsigned leaf = (unsigned)chance(lane, SWAP_LEAVES);
	if (chance(lane, 2) == 0)
		leaf = (view->revision + SWAP_PERIOD - 2) % SWAP_PERIOD * SWAP_BLOCK +
		       (unsigned)chance(lane, SWAP_BLOCK);
	return leaf + n <= SWAP_LEAVES ? leaf : SWAP_LEAVES - n;
}

/* Around the expiries of what was touched lately. */
static uint64_t
choose_now(struct lane *lane, const struct view *view)
{
	return SWAP_EXPIRES + (uint64_t)view->revision * SWAP_STEP + SWAP_STEP -
	       chance(lane, SWAP_STEP * (SWAP_PERIOD + SWAP_PERIOD / 2));
}

static void
ask_many(struct lane *lane, const struct view *view, int kind)
{
	unsigned n = 1 + (unsigned)chance(lane, BATCH), from = choose_leaf(lane, view, n);
	uint64_t now = choose_now(lane, view);
	enum repute_status status = find_many(lane->reader, view, kind, from, n, now, lane->hits);
	if (status != REPUTE_OK) {
		judge_status(lane, view, kind, from, now, status, n);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		judge(lane, view, kind, from + i, now, &lane->hits[i]);
	unsigned one = (unsigned)chance(lane, n);
	judge_notes(lane, view, kind, from + one, now, &lane->hits[one]);
	if (view->revision > 0)
		lane->tally->telling += !is_right(&lane->hits[one], kind, from + one,
						  view->revision - 1, now);
}

/* A key read from text, and one answer. */
static void
ask_one(struct lane *lane, const struct view *view, int kind)
{
	unsigned leaf = choose_leaf(lane, view, 1);
	uint64_t now = choose_now(lane, view);
	struct repute_key key;
	struct repute_hit hit;
	char text[SWAP_TEXT];
	swap_text(kind, SWAP_ALPHA, leaf, text);
	enum repute_status status = repute_key_text((enum repute_kind)kind, text, strlen(text), &key);
	if (status == REPUTE_OK)
		status = repute_find(view->view, &key, now, &hit);
	if (status == REPUTE_OK)
		judge(lane, view, kind, leaf, now, &hit);
	else
		judge_status(lane, view, kind, leaf, now, status, 1);
}

/* All claims that cover a key, in order, count as one answer. */
static void
ask_all(struct lane *lane, const struct view *view, int kind)
{
	unsigned leaf = choose_leaf(lane, view, 1);
	uint64_t now = choose_now(lane, view);
	struct repute_key key;
	struct repute_hit hits[FOUND] = {{0}};
	struct swap_claim claims[SWAP_ROLES];
	char text[SWAP_TEXT];
	swap_text(kind, SWAP_ALPHA, leaf, text);
	enum repute_status status = repute_key_text((enum repute_kind)kind, text, strlen(text), &key);
	size_t count = status == REPUTE_OK ? repute_find_all(view->view, &key, now, hits, FOUND)
					   : REPUTE_UNKNOWN;
	if (count == REPUTE_UNKNOWN) {
		judge_status(lane, view, kind, leaf, now, REPUTE_CORRUPT, 1);
		return;
	}
	unsigned wanted = swap_expect(kind, leaf, view->revision, now, claims);
	bool same = count == wanted;
	for (unsigned i = 0; same && i < wanted; i++)
		same = is_answer(&hits[i], kind, &claims[i]);
	if (same)
		lane->answers++;
	else if (is_right(&hits[0], kind, leaf, view->revision, now))
		complain(lane, &lane->tally->wrong, "all claims", kind, leaf, view, now, &hits[0]);
	else
		judge(lane, view, kind, leaf, now, &hits[0]);
}

static void
ask(struct lane *lane, const struct view *view)
{
	for (int kind = 0; kind < SWAP_KINDS; kind++)
		ask_many(lane, view, kind);
	if (lane->turns % 4 == 0)
		ask_one(lane, view, (int)chance(lane, SWAP_KINDS));
	if (lane->turns % 8 == 0)
		ask_all(lane, view, (int)chance(lane, SWAP_KINDS));
}

/* --- views ------------------------------------------------------------------------------------- */

static uint64_t
own_time(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void
fail(struct lane *lane, const char *doing, const char *why)
{
	if (lane->tally->first[0] == '\0')
		snprintf(lane->tally->first, sizeof(lane->tally->first), "%s: %.200s", doing, why);
	lane->tally->dropped++;
	lane->failed = true;
}

static struct view
take(struct lane *lane)
{
	static const char family[] = "Malware Family";
	const struct swap_shared *shared = lane->reader->shared;
	struct repute_view_info info;
	struct view view = {.view = repute_view_take(lane->reader->db)};
	repute_view_info(view.view, &info);
	view.generation = info.generation;
	view.revision = shared->still ? shared->still_at : swap_revision(shared, info.generation);
	if (!repute_category_id(view.view, family, sizeof(family) - 1, &view.category))
		fail(lane, "category", "not there");
	if (view.generation < lane->tally->generation)
		fail(lane, "take", "an older generation than before");
	lane->tally->views++;
	return view;
}

/* Views that were kept outlive it. */
static void
open_anew(struct lane *lane)
{
	struct repute_fault fault = {0};
	repute_close(lane->reader->db);
	lane->reader->db = NULL;
	if (repute_open(lane->reader->shared->read, NULL, &lane->reader->db, &fault) != REPUTE_OK)
		fail(lane, "open", fault.text);
}

/* R1 to R5, T1, and one answer: what a swap costs the one who refreshes. */
static struct view
next_view(struct lane *lane)
{
	struct swap_tally *tally = lane->tally;
	struct repute_fault fault = {0};
	const struct swap_shared *shared = lane->reader->shared;
	uint64_t done = __atomic_load_n(&shared->done, __ATOMIC_ACQUIRE); /* acknowledged */
	bool changed = false;
	uint64_t cpu = own_time(), begun = swap_now();
	if (lane->refreshes && repute_refresh(lane->reader->db, &changed, &fault) != REPUTE_OK)
		fail(lane, "refresh", fault.text);
	struct view view = take(lane);
	ask_one(lane, &view, (int)(lane->turns % SWAP_KINDS));
	uint64_t took = swap_now() - begun;
	bool swapped = tally->generation != 0 && view.generation != tally->generation;
	swap_time(swapped ? &tally->swap : &tally->still, took);
	if (swapped)
		swap_time(&tally->swap_cpu, own_time() - cpu);
	tally->stale += lane->refreshes && !shared->still && view.revision < done;
	tally->swaps += swapped;
	tally->generation = view.generation;
	return view;
}

static void
drop(struct view *view)
{
	if (view->view != NULL)
		repute_view_drop(view->view);
	view->view = NULL;
}

/* The newest view; now and then it is kept for long, and one that was kept is asked. */
static void
turn(struct lane *lane)
{
	struct view view = next_view(lane), *kept = &lane->kept[chance(lane, KEPT)];
	ask(lane, &view);
	uint64_t now = swap_now();
	if (lane->last != 0)
		swap_time(&lane->tally->gap, now - lane->last);
	lane->last = now;
	if (lane->turns % 16 == 0 && kept->view != NULL) {
		uint64_t before = lane->answers;
		ask(lane, kept);
		lane->tally->older += lane->answers - before;
	}
	if (lane->turns % 64 == 0) {
		drop(kept);
		*kept = view;
	} else {
		drop(&view);
	}
	__atomic_store_n(&lane->tally->answers, lane->answers, __ATOMIC_RELAXED);
	lane->turns++;
}

static void *
look_up(void *context)
{
	struct lane *lane = context;
	while (!lane->failed && !__atomic_load_n(&lane->reader->shared->stop, __ATOMIC_ACQUIRE)) {
		if (lane->reopens && lane->turns % REOPEN == 0)
			open_anew(lane);
		if (!lane->failed)
			turn(lane);
	}
	for (unsigned i = 0; i < KEPT; i++)
		drop(&lane->kept[i]);
	return NULL;
}

/* --- a process ----------------------------------------------------------------------------------- */

static bool
make_key(struct reader *reader, int kind, unsigned leaf, struct repute_key *keys)
{
	char *text = reader->text[(kind == REPUTE_URL ? SWAP_LEAVES : 0) + leaf];
	swap_text(kind, SWAP_ALPHA, leaf, text);
	return repute_key_text((enum repute_kind)kind, text, strlen(text), &keys[leaf]) == REPUTE_OK;
}

static bool
make_keys(struct reader *reader)
{
	reader->domain = calloc(SWAP_LEAVES, sizeof(*reader->domain));
	reader->url = calloc(SWAP_LEAVES, sizeof(*reader->url));
	reader->text = calloc(2 * SWAP_LEAVES, sizeof(*reader->text));
	bool good = reader->domain != NULL && reader->url != NULL && reader->text != NULL;
	for (unsigned leaf = 0; good && leaf < SWAP_LEAVES; leaf++)
		good = make_key(reader, REPUTE_DOMAIN, leaf, reader->domain) &&
		       make_key(reader, REPUTE_URL, leaf, reader->url);
	return good;
}

static bool
run(struct reader *reader, unsigned number, unsigned lanes)
{
	struct swap_shared *shared = reader->shared;
	struct lane *lane = calloc(lanes, sizeof(*lane));
	pthread_t thread[SWAP_LANES];
	bool good = lane != NULL;
	for (unsigned i = 0; good && i < lanes; i++) {
		lane[i].reader = reader;
		lane[i].tally = &shared->lane[number + i];
		lane[i].random = swap_mix(shared->seed + number + i);
		lane[i].refreshes = i == 0;
		lane[i].reopens = number == REOPENER;
	}
	unsigned started = 1;
	while (good && started < lanes)
		good = pthread_create(&thread[started], NULL, look_up, &lane[started]) == 0 && ++started;
	if (good)
		look_up(&lane[0]);
	for (unsigned i = 1; i < started; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; good && i < lanes; i++)
		good = !lane[i].failed;
	free(lane);
	return good;
}

static bool
open_store(struct reader *reader, struct repute_fault *fault)
{
	if (repute_open(reader->shared->read, NULL, &reader->db, fault) == REPUTE_OK)
		return true;
	fprintf(stderr, "swap: %s: %s\n", fault->where, fault->text);
	return false;
}

bool
swap_read(struct swap_shared *shared, unsigned number, unsigned lanes)
{
	struct reader reader = {.shared = shared};
	struct repute_fault fault = {0};
	if (!make_keys(&reader) || !open_store(&reader, &fault))
		return false;
	repute_close(reader.db); /* what is allocated once, is now */
	swap_look_at(&shared->before[number], shared->read);
	if (!open_store(&reader, &fault))
		return false;
	bool good = run(&reader, number, lanes);
	repute_close(reader.db);
	swap_look_at(&shared->after[number], shared->read);
	free(reader.domain);
	free(reader.url);
	free(reader.text);
	return good;
}
