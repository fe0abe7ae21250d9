/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a segment: as they are, then sealed (fuzz/seal.h). What
 * attaches is walked from end to end, asked for its own keys and for keys made
 * of the input, one at a time, in batches by every path, and as a store of one
 * layer and of two; swept; and checked. What the check calls good must find its own
 * keys, a batch must answer as a single question does, and the order of expiry must find
 * what reading all claims finds.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/segment_check.h"
#include "engine/segment_many.h"
#include "engine/sweep.h"
#include "fuzz/seal.h"
#include "query/repute.h"

#define BATCH 300 /* more than the groups of any path, and no multiple of them */
#define NOW 1800000000u

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static volatile unsigned long touched;

static void
touch(const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		touched += ((const uint8_t *)bytes)[i];
}

static void
read_claims(const struct segment *segment, uint32_t id)
{
	struct segment_claim_cursor cursor = segment_claims(id);
	struct segment_claim claim;
	size_t length;
	while (segment_claim_next(segment, &cursor, &claim)) {
		const void *text = segment_source(segment, claim.source, &length);
		touch(text, length);
		text = segment_tags(segment, claim.set, &length);
		touch(text, length);
		text = segment_tags(segment, claim.notes, &length);
		touch(text, length);
	}
}

static void
ask(const struct segment *segment, const struct key *key)
{
	struct segment_match match[LIMIT_COVERING];
	char text[KEY_PRINT_BYTES];
	size_t count = segment_collect(segment, key, match, LIMIT_COVERING);
	for (size_t i = 0; i < count; i++) {
		struct key found;
		segment_match_key(segment, &match[i], &found);
		touch(text, key_print(&found, text));
		read_claims(segment, match[i].claims);
	}
	read_claims(segment, segment_find(segment, key));
}

/* --- batches ----------------------------------------------------------------- */

/* Queries of every kind; what texts they borrow stands in the file or the input. */
struct batch {
	struct repute_key keys[BATCH];
	const struct key *texts[BATCH];
	uint8_t bytes[BATCH * 32];
	uint32_t ipv4[BATCH];
	size_t count;
};

static void
batch_add(struct batch *batch, const struct key *key)
{
	if (batch->count < BATCH)
		memcpy(&batch->keys[batch->count++], key, sizeof(*key));
}

static const struct key *
batch_key(const struct batch *batch, size_t i)
{
	return (const struct key *)(const void *)&batch->keys[i];
}

/* All keys of a kind as that kind's batch call wants them. */
static size_t
batch_take(struct batch *batch, enum kind kind)
{
	size_t size = kind_table[kind].key_bytes, n = 0;
	for (size_t i = 0; i < batch->count; i++) {
		const struct key *key = batch_key(batch, i);
		if (key->kind != kind || key->pattern != 0)
			continue;
		batch->texts[n] = key;
		batch->ipv4[n] = be32_get(key->bytes);
		memcpy(batch->bytes + n * size, key->bytes, size);
		n++;
	}
	return n;
}

static void
many(const struct segment *segment, struct batch *batch, enum kind kind)
{
	struct segment_best best[SEGMENT_MANY_MOST], one;
	struct segment_share share = {.known = false};
	size_t n = batch_take(batch, kind), rows;
	n = n < SEGMENT_MANY_MOST ? n : SEGMENT_MANY_MOST;
	if (kind == KIND_IPV4)
		rows = segment_many_ipv4(segment, batch->ipv4, n, best);
	else if (kind == KIND_IPV6)
		rows = segment_many_ipv6(segment, (const uint8_t (*)[16])batch->bytes, n, best);
	else if (kind_table[kind].key_bytes == 0)
		rows = segment_many_text(segment, kind, batch->texts, n, &share, best);
	else
		rows = segment_many_digest(segment, kind, batch->bytes, n, &share, best);
	for (size_t i = 0; i < rows; i++)
		read_claims(segment, best[i].claims);
	for (size_t i = 0; i < n; i++) {
		if (batch->texts[i]->prefix_bits != kind_table[kind].address_bits)
			continue;
		if (segment_one(segment, batch->texts[i], &one))
			read_claims(segment, one.claims);
	}
}

static void
read_hit(const struct repute_view *view, const struct repute_hit *hit)
{
	struct repute_key key, host;
	char text[KEY_PRINT_BYTES];
	if (!hit->found)
		return;
	touch(hit->source, hit->source_length);
	repute_hit_key(view, hit, &key);
	repute_key_host(&key, &host);
	touch(text, repute_key_print(&key, text, sizeof(text)));
}

/* The public calls on the segment as every layer of a store. */
static void
store(const struct segment *segment, const struct batch *batch, uint32_t layers, bool good)
{
	static struct view view;
	static struct repute_hit hits[BATCH], all[LIMIT_COVERING], one;
	const struct repute_view *public = (const struct repute_view *)&view;
	struct view_source *sources = calloc((size_t)segment->sources.count + 1, sizeof(*sources));
	if (sources == NULL)
		return;
	for (uint32_t i = 0; i < segment->sources.count; i++) {
		size_t length;
		sources[i].name = segment_source(segment, i, &length);
		sources[i].length = (uint32_t)length;
	}
	view.layer_count = layers;
	for (uint32_t i = 0; i < layers; i++)
		view.layer[i] = (struct view_layer){.segment = *segment, .sources = sources};
	repute_find_many(public, batch->keys, batch->count, NOW, hits);
	for (size_t i = 0; i < batch->count; i++) {
		read_hit(public, &hits[i]);
		repute_find(public, &batch->keys[i], NOW, &one);
		read_hit(public, &one);
		size_t n = repute_find_all(public, &batch->keys[i], NOW, all, LIMIT_COVERING);
		for (size_t j = 0; j < n && j < LIMIT_COVERING; j++)
			read_hit(public, &all[j]);
		if (good && (one.found != hits[i].found ||
			     (one.found && one.opaque.record != hits[i].opaque.record)))
			abort();
	}
	free(sources);
}

static void
ask_many(struct segment *segment, struct batch *batch, bool good)
{
	const char *names[SEGMENT_MANY_PATHS];
	size_t paths = segment_many_paths(names);
	for (size_t i = 0; i < paths; i++) {
		segment->many = segment_many_choose(names[i]);
		for (unsigned kind = 0; kind < KIND_COUNT; kind++)
			many(segment, batch, kind);
	}
	segment->many = segment_many_choose(NULL);
	store(segment, batch, 1, good);
	store(segment, batch, 2, good);
}

/*
 * Expired claims of a store of that segment, and of one that has it twice. Wrong bytes in the order of
 * expiry may hide some; a good one gives as many as reading everything, and twice none of the lower
 * layer, whose keys are all hidden.
 */
static void
sweep(const struct segment *segment, uint64_t now, bool good)
{
	static struct view view;
	struct sweep_counts counts[3];
	struct author *author;
	for (unsigned i = 0; i < 3; i++) {
		view.layer_count = i == 1 ? 2 : 1;
		view.layer[0].segment = view.layer[1].segment = *segment;
		if (i == 2)
			view.layer[0].segment.expiry = (struct segment_expiry){0};
		if (author_new(&view, now, &author, NULL) != STATUS_OK)
			return;
		if (sweep_expired(&view, now, author, &counts[i], NULL) != STATUS_OK)
			abort();
		if (good && counts[i].claims > 0 && !sweep_due(&view, now))
			abort();
		author_free(author);
	}
	if (good && (counts[0].claims != counts[2].claims || counts[1].claims != counts[0].claims))
		abort();
}

/* --- end to end --------------------------------------------------------------- */

static void
ask_key(const struct segment *segment, struct batch *batch, const struct key *key)
{
	ask(segment, key);
	batch_add(batch, key);
}

/* Keys of every kind out of the same bytes. */
static void
ask_all(const struct segment *segment, struct batch *batch, const uint8_t *bytes,
	size_t length)
{
	uint8_t padded[32] = {0};
	struct key key;
	memcpy(padded, bytes, length < 32 ? length : 32);
	key_set_ipv4(&key, be32_get(padded), padded[4] % 33);
	ask_key(segment, batch, &key);
	key_set_ipv6(&key, padded, padded[16] % 129);
	ask_key(segment, batch, &key);
	key_set_digest(&key, KIND_SHA1, padded);
	ask_key(segment, batch, &key);
	key_set_digest(&key, KIND_SHA256, padded);
	ask_key(segment, batch, &key);
	if (length % 254 > 0 && key_borrow_text(&key, KIND_DOMAIN, (const char *)bytes, length % 254))
		ask_key(segment, batch, &key);
	if (length > 0 && key_borrow_text(&key, KIND_URL, (const char *)bytes, length % 600))
		ask_key(segment, batch, &key);
}

static void
walk(const struct segment *segment, struct batch *batch, bool good)
{
	struct segment_cursor cursor = {0};
	uint32_t claims;
	struct key key;
	while (segment_next(segment, &cursor, &key, &claims)) {
		ask_key(segment, batch, &key);
		if (good && segment_find(segment, &key) != claims)
			abort();
	}
}

static void
try_bytes(const uint8_t *file, size_t file_length, const uint8_t *bytes, size_t length)
{
	static struct batch batch;
	struct segment segment;
	if (segment_attach(&segment, file, file_length, NULL) != STATUS_OK)
		return;
	batch.count = 0;
	ask_all(&segment, &batch, bytes, length);
	ask_all(&segment, &batch, bytes + length / 2, length - length / 2);
	bool good = segment_check(&segment, NULL) == STATUS_OK;
	walk(&segment, &batch, good);
	sweep(&segment, NOW, good);
	sweep(&segment, UINT64_MAX, good);
	ask_many(&segment, &batch, good);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	size_t made_length;
	uint8_t *made = seal_make(bytes, length, FORMAT_CONTENT_SEGMENT, &made_length);
	try_bytes(bytes, length, bytes, length);
	if (made != NULL)
		try_bytes(made, made_length, bytes, length);
	free(made);
	return 0;
}
