/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
fixture_need(enum status status, const struct fault *fault, const char *doing)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "%s: %s: %s, offset %llu: %s\n", doing, status_name(status), fault->where,
		(unsigned long long)fault->offset, fault->text);
	abort();
}

static void *
need_memory(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

char *
fixture_path(const char *name)
{
	char *path = need_memory(malloc(FILE_PATH_BYTES));
	struct fault fault = { 0 };

	fixture_need(file_make_directory(FIXTURE_FOLDER, &fault), &fault, FIXTURE_FOLDER);
	snprintf(path, FILE_PATH_BYTES, FIXTURE_FOLDER "/%s-%ld", name, (long)getpid());
	return path;
}

/* --- model to engine -------------------------------------------------------------- */

void
fixture_key(const struct model_key *from, struct key *key)
{
	if (from->kind == MODEL_IPV4)
		key_set_ipv4(key, be32_get(from->bytes), from->bits);
	else if (from->kind == MODEL_IPV6)
		key_set_ipv6(key, from->bytes, from->bits);
	else if (from->kind == MODEL_SHA1 || from->kind == MODEL_SHA256)
		key_set_digest(key, (enum kind)from->kind, from->bytes);
	else if (!key_borrow_text(key, (enum kind)from->kind, from->text, from->length)) {
		fprintf(stderr, "refused as a key: %.*s\n", (int)from->length, from->text);
		abort();
	}
}

static uint32_t
tags_id(struct segment_build *build, uint32_t number, bool notes)
{
	struct fault fault = { 0 };
	size_t length;
	uint32_t id;
	const uint8_t *bytes = set_tags(number, notes, &length);

	fixture_need(segment_build_tags(build, bytes, length, &id, &fault), &fault, "tags");
	return id;
}

static void
claim_convert(struct segment_build *build, const struct model_claim *from, struct claim *to)
{
	struct fault fault = { 0 };
	const char *name = set_source_name(from->source);

	memset(to, 0, sizeof(*to));
	fixture_need(segment_build_source(build, name, strlen(name), &to->source, &fault), &fault,
		     "source");
	to->scope = from->scope;
	to->set = tags_id(build, from->set, false);
	to->notes = tags_id(build, from->notes, true);
	to->expires = from->expires;
	to->first_seen = from->first_seen;
	to->last_seen = from->last_seen;
}

void
fixture_put(struct segment_build *build, const struct model_claim *const *claims, size_t count)
{
	struct claim converted[3 * SETS_SOURCES];
	struct fault fault = { 0 };
	struct key key;
	uint32_t id;

	for (size_t i = 0; i < count; i++)
		claim_convert(build, claims[i], &converted[i]);
	fixture_need(segment_build_claims(build, converted, count, &id, &fault), &fault, "claims");
	fixture_key(&claims[0]->key, &key);
	fixture_need(segment_build_put(build, &key, id, &fault), &fault, "put");
}

static int
claim_order(const void *left, const void *right)
{
	const struct model_claim *a = *(const struct model_claim *const *)left;
	const struct model_claim *b = *(const struct model_claim *const *)right;
	size_t common = a->key.length < b->key.length ? a->key.length : b->key.length;
	int order = (int)a->key.kind - (int)b->key.kind;

	if (order == 0)
		order = memcmp(a->key.text, b->key.text, common);
	return order ? order : (a->key.length > b->key.length) - (a->key.length < b->key.length);
}

/* Swaps whole groups' starts: a permutation of the groups, and of claims within them. */
static void
shuffle_words(struct random_state *random, size_t *words, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = random_below(random, (uint32_t)i), word = words[i - 1];
		words[i - 1] = words[j];
		words[j] = word;
	}
}

static void
shuffle_claims(struct random_state *random, const struct model_claim **claims, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = random_below(random, (uint32_t)i);
		const struct model_claim *claim = claims[i - 1];
		claims[i - 1] = claims[j];
		claims[j] = claim;
	}
}

void
fixture_put_all(struct segment_build *build, const struct model *model,
		struct random_state *shuffle)
{
	size_t count = model->count, groups = 0;
	const struct model_claim **claims = need_memory(malloc((count + 1) * sizeof(*claims)));
	size_t *starts = need_memory(malloc((count + 1) * sizeof(*starts)));

	for (size_t i = 0; i < count; i++)
		claims[i] = &model->claims[i];
	qsort(claims, count, sizeof(*claims), claim_order);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || claim_order(&claims[i - 1], &claims[i]) != 0)
			starts[groups++] = i;
	if (shuffle)
		shuffle_words(shuffle, starts, groups);
	for (size_t i = 0; i < groups; i++) {
		size_t start = starts[i], end = start + 1;
		while (end < count && model_key_equal(&claims[start]->key, &claims[end]->key))
			end++;
		if (shuffle)
			shuffle_claims(shuffle, claims + start, end - start);
		fixture_put(build, claims + start, end - start);
	}
	free(starts);
	free(claims);
}

void
fixture_write(struct segment_build *build, const char *path)
{
	struct fault fault = { 0 };
	struct file_out *out;
	uint8_t sha256[32];

	fixture_need(file_out_open(path, &out, &fault), &fault, path);
	fixture_need(segment_build_write(build, out, sha256, &fault), &fault, path);
	fixture_need(file_out_commit(out, &fault), &fault, path);
}

void
fixture_open(struct fixture *fixture, const struct model *model, struct hash_seed seed)
{
	struct segment_build *build;
	struct fault fault = { 0 };

	fixture->path = fixture_path("segment");
	fixture_need(segment_build_new(seed, false, &build, &fault), &fault, "build");
	fixture_put_all(build, model, NULL);
	fixture_write(build, fixture->path);
	segment_build_free(build);
	fixture_need(file_map_open(fixture->path, &fixture->map, &fault), &fault, fixture->path);
	fixture_need(segment_attach(&fixture->segment, fixture->map.bytes, fixture->map.length,
				    &fault), &fault, "attach");
	fixture_words_read(&fixture->words, &fixture->segment);
}

void
fixture_close(struct fixture *fixture)
{
	fixture_words_free(&fixture->words);
	file_map_close(&fixture->map);
	unlink(fixture->path);
	free(fixture->path);
}

/* --- engine to model -------------------------------------------------------------- */

static uint32_t
source_number(const char *name, size_t length)
{
	for (uint32_t i = 0; i < SETS_SOURCES; i++) {
		const char *known = set_source_name(i);
		if (strlen(known) == length && memcmp(known, name, length) == 0)
			return i;
	}
	return UINT32_MAX;
}

static uint32_t
tags_number(const uint8_t *bytes, size_t length, bool notes)
{
	for (uint32_t i = 0; i < SETS_TAGS; i++) {
		size_t known_length;
		const uint8_t *known = set_tags(i, notes, &known_length);
		if (known_length == length && memcmp(known, bytes, length) == 0)
			return i;
	}
	return UINT32_MAX;
}

void
fixture_words_read(struct fixture_words *words, const struct segment *segment)
{
	size_t length;

	words->source = need_memory(malloc((segment->sources.count + 1) * sizeof(uint32_t)));
	words->set = need_memory(malloc((segment->tags.count + 1) * sizeof(uint32_t)));
	words->notes = need_memory(malloc((segment->tags.count + 1) * sizeof(uint32_t)));
	for (uint32_t i = 0; i < segment->sources.count; i++) {
		const char *name = segment_source(segment, i, &length);
		words->source[i] = source_number(name, length);
	}
	for (uint32_t i = 0; i < segment->tags.count; i++) {
		const uint8_t *bytes = segment_tags(segment, i, &length);
		words->set[i] = tags_number(bytes, length, false);
		words->notes[i] = tags_number(bytes, length, true);
	}
}

void
fixture_words_free(struct fixture_words *words)
{
	free(words->source);
	free(words->set);
	free(words->notes);
}

/* Text stays the segment's. */
static void
key_back(const struct key *from, struct model_key *to)
{
	memset(to, 0, sizeof(*to));
	to->kind = from->kind;
	if (from->kind == KIND_DOMAIN || from->kind == KIND_URL) {
		*to = model_key(from->kind, key_text(from), from->length);
		return;
	}
	memcpy(to->bytes, from->bytes, kind_table[from->kind].key_bytes);
	to->bits = from->prefix_bits;
}

void
fixture_take(struct fixture_answers *answers, const struct segment *segment,
	     const struct fixture_words *words, const struct segment_match *match, uint64_t now)
{
	struct segment_claim_cursor cursor = segment_claims(match->claims);
	struct segment_claim claim;
	struct model_key model_key = { 0 };
	struct key key;

	segment_match_key(segment, match, &key);
	key_back(&key, &model_key);
	while (segment_claim_next(segment, &cursor, &claim)) {
		struct model_claim *to = &answers->claim[answers->count];
		if (now >= claim.expires || !segment_claim_covers(match, claim.scope))
			continue;
		*to = (struct model_claim){
			.key = model_key, .scope = (uint8_t)claim.scope,
			.source = claim.source < segment->sources.count
				? words->source[claim.source] : UINT32_MAX,
			.set = claim.set < segment->tags.count ? words->set[claim.set] : UINT32_MAX,
			.notes = claim.notes < segment->tags.count ? words->notes[claim.notes]
								   : UINT32_MAX,
			.expires = claim.expires, .first_seen = claim.first_seen,
			.last_seen = claim.last_seen,
		};
		answers->answer[answers->count++] = (struct model_answer){
			to, match->exact != 0 && match->pattern == 0, match->specific };
		if (answers->count == MODEL_ANSWERS)
			abort();
	}
}

void
fixture_ask(const struct fixture *fixture, const struct key *query, uint64_t now,
	    struct fixture_answers *answers)
{
	struct segment_match matches[LIMIT_COVERING];
	size_t count = segment_collect(&fixture->segment, query, matches, LIMIT_COVERING);

	answers->count = 0;
	for (size_t i = 0; i < count; i++)
		fixture_take(answers, &fixture->segment, &fixture->words, &matches[i], now);
}

static bool
answer_same(const struct model_answer *a, const struct model_answer *b)
{
	const struct model_claim *x = a->claim, *y = b->claim;

	return a->exact == b->exact && a->specific == b->specific &&
	       model_key_equal(&x->key, &y->key) && x->scope == y->scope &&
	       x->source == y->source && x->set == y->set && x->notes == y->notes &&
	       x->expires == y->expires && x->first_seen == y->first_seen &&
	       x->last_seen == y->last_seen;
}

bool
fixture_same(const struct model_answer *wanted, size_t count, struct fixture_answers *got)
{
	if (count != got->count)
		return false;
	if (count > 1)
		qsort(got->answer, count, sizeof(*got->answer), model_answer_compare);
	for (size_t i = 0; i < count; i++)
		if (!answer_same(&wanted[i], &got->answer[i]))
			return false;
	return true;
}
