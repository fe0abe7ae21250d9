/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `repute preview` costs, and how far its bytes are from those of the segment that is
 * really made of what it selects. Thread CPU time; JSON lines.
 *
 *   bench_preview [entries = 1e6] [filters = 20] [--distinct: each entry its own expiry]
 *
 * Entries: 70 % sha256, 15 % IPv4, 10 % domains, 5 % URLs, in a base, and an overlay that
 * touches 40,000 of them. Tags: severity, confidence, number of lists.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/timer.h"
#include "engine/canon.h"
#include "engine/store.h"
#include "query/preview.h"

#define NOW 1800000000ull
#define SETS 900
#define LISTS 20000 /* of claims, unless each entry has its own */
#define OVERLAY 40000

static struct fault fault;

static void
need(enum status status)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "bench_preview: %s: %s\n", fault.where, fault.text);
	exit(2);
}

static uint64_t
mix(uint64_t word)
{
	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ull;
	word = (word ^ word >> 27) * 0x94d049bb133111ebull;
	return word ^ word >> 31;
}

/* --- the store ---------------------------------------------------------------------------- */

struct subject {
	char directory[64];
	struct store_write *write;
	struct segment_build *build;
	uint32_t sets[SETS], lists[LISTS], source;
	bool distinct;
};

static void
tag_add(struct subject *subject, struct tags *tags, const char *name, const char *value)
{
	const struct catalog *catalog = store_write_catalog(subject->write);
	need(tags_add(tags, catalog_category(catalog, name, strlen(name)), value, strlen(value),
		      &fault));
}

static uint32_t
make_set(struct subject *subject, unsigned i)
{
	static const char *const severities[] = {"High", "Medium", "Low"};
	const uint8_t *set, *notes;
	size_t set_length, notes_length;
	struct tags tags = {0};
	char number[16];
	uint32_t id;
	tag_add(subject, &tags, "Trend Micro Severity", severities[i % 3]);
	snprintf(number, sizeof(number), "%u", i / 3 % 100);
	tag_add(subject, &tags, "Confidence", number);
	snprintf(number, sizeof(number), "%u", 1 + i / 300);
	tag_add(subject, &tags, "List Count", number);
	need(tags_encode(&tags, &set, &set_length, &notes, &notes_length, &fault));
	need(segment_build_tags(subject->build, set, set_length, &id, &fault));
	tags_fini(&tags);
	return id;
}

static uint32_t
make_list(struct subject *subject, uint64_t i)
{
	struct claim claim = {.source = subject->source, .scope = SCOPE_EXACT,
			      .set = subject->sets[mix(i) % SETS], .first_seen = NOW - 1000,
			      .last_seen = NOW - 1000, .expires = NOW + 1 + i};
	uint32_t id;
	need(segment_build_claims(subject->build, &claim, 1, &id, &fault));
	return id;
}

static void
make_key(uint64_t i, struct key *key)
{
	char text[128];
	uint64_t random = mix(i + 1);
	uint8_t digest[32];
	enum kind kind = KIND_URL;
	if (i % 20 < 14) {
		for (unsigned j = 0; j < 4; j++) {
			uint64_t word = mix(i * 4 + j);
			memcpy(digest + 8 * j, &word, 8);
		}
		key_set_digest(key, KIND_SHA256, digest);
		return;
	}
	if (i % 20 < 17) {
		key_set_ipv4(key, (uint32_t)(i * 2654435761u), 32);
		return;
	}
	if (i % 20 < 19) {
		kind = KIND_DOMAIN;
		snprintf(text, sizeof(text), "h%" PRIx64 ".n%" PRIu64 ".example", i, random % 100000);
	} else {
		snprintf(text, sizeof(text), "http://n%" PRIu64 ".example/a/%" PRIx64, random % 10000, i);
	}
	need(canon_key(kind, text, strlen(text), NULL, key, &fault));
	if (kind == KIND_DOMAIN || kind == KIND_URL) { /* the text stands on our stack */
		memcpy(key->buffer, text, strlen(text));
		key->borrowed = 0;
	}
}

static void
layer_begin(struct subject *subject)
{
	need(store_write_begin(subject->directory, false, NULL, &subject->write, &fault));
	subject->build = store_write_build(subject->write);
	need(segment_build_source(subject->build, "feed", 4, &subject->source, &fault));
	for (unsigned i = 0; i < SETS; i++)
		subject->sets[i] = make_set(subject, i);
	for (uint64_t i = 0; !subject->distinct && i < LISTS; i++)
		subject->lists[i] = make_list(subject, i);
}

static void
layer_put(struct subject *subject, uint64_t i, uint64_t list)
{
	static struct key key;
	make_key(i, &key);
	need(segment_build_put(subject->build, &key, subject->distinct ? make_list(subject, list)
			       : subject->lists[mix(list) % LISTS], &fault));
}

static void
store_make(struct subject *subject, uint64_t entries)
{
	uint64_t generation, overlay = entries / 5 < OVERLAY ? entries / 5 : OVERLAY;
	layer_begin(subject);
	for (uint64_t i = 0; i < entries; i++)
		layer_put(subject, i, i);
	need(store_write_commit(subject->write, NOW, false, &generation, &fault));
	layer_begin(subject);
	for (uint64_t i = 0; i < overlay; i++) /* half of them new, half hiding */
		layer_put(subject, entries - overlay / 2 + i, i + 7);
	need(store_write_commit(subject->write, NOW, false, &generation, &fault));
}

/* --- the profile ---------------------------------------------------------------------------- */

/* Every second claim or so is taken; filters overlap. */
static struct profile *
make_profile(const struct catalog *catalog, unsigned filters)
{
	static const char *const severities[] = {"High", "Medium", "Low"};
	struct profile *profile;
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	fputs("[profile]\nname = bench\n[action \"Block\"]\nflow = block\n", out);
	for (unsigned i = 0; i < filters; i++)
		fprintf(out, "[filter \"filter %u\"]\naction = Block\nwhere = \"Trend Micro Severity\" = "
			"%s and Confidence >= %u and Confidence < %u and not \"List Count\" in (%u, 9)\n",
			i, severities[i % 3], i * 83 % 85, i * 83 % 85 + 15, 1 + i % 3);
	fclose(out);
	need(profile_parse(text, length, catalog, &profile, &fault));
	free(text);
	return profile;
}

/* --- the snapshot, really ---------------------------------------------------------------------- */

struct device {
	struct segment_build *build;
	uint32_t sets[SETS + 8], source;
	const struct preview *preview;
};

/* One claim a key here: whether it is selected is asked of its criteria. */
static bool
is_selected(const struct profile *profile, const struct segment *segment,
	    const struct segment_claim *claim)
{
	struct criteria_subject subject = {.kind = KIND_COUNT};
	subject.set = segment_tags(segment, claim->set, &subject.set_length);
	for (size_t i = 0; i < profile->filter_count; i++)
		if (criteria_match(profile->filters[i].criteria, &subject))
			return true;
	return false;
}

static void
device_put(struct device *device, const struct segment *segment, const struct key *key,
	   const struct segment_claim *from)
{
	struct claim claim = {.source = device->source, .scope = from->scope,
			      .expires = from->expires, .first_seen = from->first_seen,
			      .last_seen = from->last_seen};
	size_t length;
	const uint8_t *set = segment_tags(segment, from->set, &length);
	uint32_t id;
	need(segment_build_tags(device->build, set, length, &claim.set, &fault));
	need(segment_build_claims(device->build, &claim, 1, &id, &fault));
	need(segment_build_put(device->build, key, id, &fault));
}

static uint64_t
snapshot_bytes(const struct view *view, const struct profile *profile, const char *directory)
{
	struct view_cursor cursor = {0};
	static struct key key;
	struct device device = {0};
	struct file_out *out;
	uint8_t sha256[32];
	char path[FILE_PATH_BYTES];
	uint32_t layer, claims;
	struct file_map map;
	need(segment_build_new(view->seed, false, &device.build, &fault));
	need(segment_build_source(device.build, "feed", 4, &device.source, &fault));
	while (view_next(view, &cursor, &key, &layer, &claims)) {
		const struct segment *segment = &view->layer[layer].segment;
		struct segment_claim_cursor each = segment_claims(claims);
		struct segment_claim claim;
		while (segment_claim_next(segment, &each, &claim))
			if (is_selected(profile, segment, &claim))
				device_put(&device, segment, &key, &claim);
	}
	snprintf(path, sizeof(path), "%s/snapshot", directory);
	need(file_out_open(path, &out, &fault));
	need(segment_build_write(device.build, out, sha256, &fault));
	need(file_out_commit(out, &fault));
	segment_build_free(device.build);
	need(file_map_open(path, &map, &fault));
	uint64_t bytes = map.length;
	file_map_close(&map);
	unlink(path);
	return bytes;
}

/* --- measuring ------------------------------------------------------------------------------------ */

static double
cpu_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
measure(const struct subject *subject, const struct view *view, const struct profile *profile,
	bool limited)
{
	struct preview_options options = {.now = NOW};
	struct preview *preview;
	uint64_t entries = 0, bytes = 0;
	if (limited)
		options.limits[options.limit_count++] = (struct preview_limit){
			.kinds = 1u << KIND_SHA1 | 1u << KIND_SHA256, .most = 35000};
	double start = cpu_seconds();
	need(preview_new(view, profile, &options, &preview, &fault));
	double seconds = cpu_seconds() - start;
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		entries += preview->entries[kind];
	if (!limited && !subject->distinct)
		bytes = snapshot_bytes(view, profile, subject->directory);
	printf("{\"bench\":\"preview\",\"keys\":%" PRIu64 ",\"layers\":%u,\"filters\":%zu,"
	       "\"distinct_lists\":%s,\"limit\":%s,\"cpu_seconds\":%.3f,\"selected\":%" PRIu64
	       ",\"bytes_estimated\":%" PRIu64 ",\"bytes_real\":%" PRIu64 "}\n",
	       view_keys_at_most(view), view->layer_count, profile->filter_count,
	       subject->distinct ? "true" : "false", limited ? "true" : "false", seconds, entries,
	       preview->bytes, bytes);
	preview_free(preview);
}

int
main(int argc, char **argv)
{
	struct subject subject = {.distinct = argc > 3};
	uint64_t entries = argc > 1 ? (uint64_t)strtod(argv[1], NULL) : 1000000;
	struct store *store;
	snprintf(subject.directory, sizeof(subject.directory), "build/tmp/bench-preview-%ld",
		 (long)getpid());
	need(file_make_directory("build/tmp", &fault));
	store_make(&subject, entries);
	need(store_open(subject.directory, &store, &fault));
	struct view *view = store_view_take(store);
	struct profile *profile = make_profile(&view->catalog,
					       argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 20);
	for (int i = 0; i < 3; i++)
		measure(&subject, view, profile, i == 2);
	profile_free(profile);
	view_drop(view);
	store_close(store);
	fprintf(stderr, "left in %s\n", subject.directory);
	return 0;
}
