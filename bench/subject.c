/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/timer.h"
#include "engine/clock.h"
#include "engine/container.h"
#include "engine/store.h"

#define SECOND_EXPIRES (DATA_NOW + 7 * 86400)

static void
need(enum status status, const struct fault *fault)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "bench: %s: %s\n", fault->where, fault->text);
	exit(2);
}

static void
stop(const char *what, const char *text, size_t length)
{
	fprintf(stderr, "bench: %s: %.*s\n", what, (int)length, text);
	exit(2);
}

/* --- building -------------------------------------------------------------------------- */

struct builder {
	const struct data *data;
	struct store_write *write;
	struct segment_build *build;
	uint32_t source[DATA_SOURCES + 1];
	uint32_t set[DATA_SETS];
	uint32_t *claims; /* by claim, scope and second; 0 = not made yet */
	struct fault fault;
};

static void
builder_source(struct builder *builder, unsigned i)
{
	char name[16];
	int length = snprintf(name, sizeof(name), "feed-%c", (char)('a' + i));
	struct source_row *row;
	need(catalog_source_put(store_write_catalog(builder->write), name, (size_t)length, &row,
				&builder->fault), &builder->fault);
	need(segment_build_source(builder->build, name, (size_t)length, &builder->source[i],
				  &builder->fault), &builder->fault);
}

/* Set i: List Count = i + 1 and a severity. */
static void
builder_set(struct builder *builder, unsigned i)
{
	static const char *const severities[] = {"High", "Medium", "Low"};
	const struct catalog *catalog = store_write_catalog(builder->write);
	const struct tag_category *severity = catalog_category(catalog, "Trend Micro Severity", 20);
	const struct tag_category *count = catalog_category(catalog, CATALOG_COUNT_NAME,
							    strlen(CATALOG_COUNT_NAME));
	struct tags tags = {0};
	struct fault *fault = &builder->fault;
	const uint8_t *set, *notes;
	size_t set_length, notes_length;
	char number[16];
	int length = snprintf(number, sizeof(number), "%u", i + 1);
	need(tags_add(&tags, count, number, (size_t)length, fault), fault);
	need(tags_add(&tags, severity, severities[i % 3], strlen(severities[i % 3]), fault), fault);
	need(tags_encode(&tags, &set, &set_length, &notes, &notes_length, fault), fault);
	need(segment_build_tags(builder->build, set, set_length, &builder->set[i], fault), fault);
	tags_fini(&tags);
}

static uint32_t
builder_claims(struct builder *builder, size_t i)
{
	uint32_t number = data_claim(builder->data, i), import = number / DATA_SETS;
	unsigned scope = data_scope(builder->data, i);
	bool second = data_second(builder->data, i);
	uint32_t *id = &builder->claims[(number * 4 + scope) * 2 + second];
	uint64_t expires = data_claim_answer(number).expires;
	struct claim claims[2] = {
		{builder->source[import / DATA_TIMES], (uint8_t)scope,
		 builder->set[number % DATA_SETS], 0, expires, expires - 90 * 86400,
		 expires - 30 * 86400},
		{builder->source[DATA_SOURCES], (uint8_t)scope, builder->set[number % 7], 0,
		 SECOND_EXPIRES, SECOND_EXPIRES - 60 * 86400, SECOND_EXPIRES - 20 * 86400},
	};
	if (*id == 0)
		need(segment_build_claims(builder->build, claims, 1 + second, id, &builder->fault),
		     &builder->fault);
	return *id;
}

static void
key_of(const struct data *data, size_t i, struct key *key)
{
	size_t length;
	const uint8_t *bytes = data_key(data, i, &length);
	uint32_t address;
	switch (data->class) {
	case CLASS_IPV4:
		memcpy(&address, bytes, 4);
		key_set_ipv4(key, address, data_bits(data, i));
		break;
	case CLASS_IPV6:
		key_set_ipv6(key, bytes, data_bits(data, i));
		break;
	case CLASS_SHA1:
	case CLASS_SHA256:
		key_set_digest(key, (enum kind)data->class, bytes);
		break;
	default:
		if (!key_borrow_text(key, (enum kind)data->class, (const char *)bytes, length))
			stop("not a key", (const char *)bytes, length);
	}
}

static void
builder_run(struct builder *builder)
{
	static struct key key;
	for (unsigned i = 0; i <= DATA_SOURCES; i++)
		builder_source(builder, i);
	for (unsigned i = 0; i < DATA_SETS; i++)
		builder_set(builder, i);
	for (size_t i = 0; i < builder->data->count; i++) {
		key_of(builder->data, i, &key);
		key.scope = (uint8_t)data_scope(builder->data, i);
		need(segment_build_put(builder->build, &key, builder_claims(builder, i),
				       &builder->fault), &builder->fault);
	}
}

/* Keys into a layer, published. */
static void
layer_add(const char *directory, const struct data *data, bool compact, double *build_seconds,
	  double *write_seconds)
{
	struct hash_seed seed = {{1, 2}};
	struct builder builder = {.data = data};
	uint64_t generation;
	double start = clock_elapsed();
	builder.claims = calloc((size_t)DATA_CLAIMS * 8, sizeof(*builder.claims));
	need(store_write_begin(directory, false, &seed, &builder.write, &builder.fault),
	     &builder.fault);
	store_write_touch(builder.write);
	builder.build = store_write_build(builder.write);
	builder_run(&builder);
	free(builder.claims);
	*build_seconds = clock_elapsed() - start;
	start = clock_elapsed();
	need(store_write_commit(builder.write, DATA_NOW - 3600, compact, &generation, &builder.fault),
	     &builder.fault);
	*write_seconds = clock_elapsed() - start;
}

/* --- sizes ----------------------------------------------------------------------------- */

/* Which part of a segment a section belongs to, by the start of its name. */
static uint64_t *
part_of(struct subject *subject, uint32_t id)
{
	char name[5];
	container_id_text(id, name);
	if (memcmp(name, "HOT", 3) == 0 || memcmp(name, "TRI", 3) == 0 || memcmp(name, "GAT", 3) == 0)
		return &subject->hot;
	if (memcmp(name, "REC", 3) == 0 || memcmp(name, "CLMS", 4) == 0)
		return &subject->warm;
	return &subject->cold;
}

static enum status
measure_file(void *context, const char *name, struct fault *fault)
{
	struct subject *subject = context;
	char path[600];
	struct file_map map;
	struct container container;
	struct section section;
	uint32_t flags;
	if (strncmp(name, "segment-", 8) != 0)
		return STATUS_OK;
	snprintf(path, sizeof(path), "%s/%s", subject->directory, name);
	need(file_map_open(path, &map, fault), fault);
	need(container_attach(&container, FORMAT_CONTENT_SEGMENT, map.bytes, map.length, fault), fault);
	for (uint32_t i = 0; i < container.section_count; i++) {
		uint32_t id = container_section_at(&container, i, &section, &flags);
		*part_of(subject, id) += section.length;
	}
	subject->file_bytes += map.length;
	file_map_close(&map);
	return STATUS_OK;
}

/* --- one query: a function a class, since what chooses among them is not part of a look-up --- */

static inline struct repute_hit *
hit_of(struct subject *subject, size_t i)
{
	return &subject->hits[i % SUBJECT_BATCH_MOST];
}

static void
one_ipv4(struct subject *subject, const struct queries *queries, size_t i)
{
	uint32_t address;
	memcpy(&address, queries->keys + i * 4, 4);
	repute_find_ipv4(subject->view, address, DATA_NOW, hit_of(subject, i));
}

static void
one_ipv6(struct subject *subject, const struct queries *queries, size_t i)
{
	repute_find_ipv6(subject->view, queries->keys + i * 16, DATA_NOW, hit_of(subject, i));
}

static void
one_sha1(struct subject *subject, const struct queries *queries, size_t i)
{
	repute_find_sha1(subject->view, queries->keys + i * 20, DATA_NOW, hit_of(subject, i));
}

static void
one_sha256(struct subject *subject, const struct queries *queries, size_t i)
{
	repute_find_sha256(subject->view, queries->keys + i * 32, DATA_NOW, hit_of(subject, i));
}

static void
one_text(struct subject *subject, const struct queries *queries, size_t i)
{
	(void)queries;
	repute_find(subject->view, &subject->keys[i - subject->prepared], DATA_NOW,
		    hit_of(subject, i));
}

static void (*const find_one[CLASS_CANON])(struct subject *, const struct queries *, size_t) = {
	[CLASS_IPV4] = one_ipv4, [CLASS_IPV6] = one_ipv6, [CLASS_DOMAIN] = one_text,
	[CLASS_URL] = one_text,  [CLASS_SHA1] = one_sha1, [CLASS_SHA256] = one_sha256,
};

/* --- calls ------------------------------------------------------------------------------- */

static enum status
remove_file(void *context, const char *name, struct fault *fault)
{
	char path[600];
	snprintf(path, sizeof(path), "%s/%s", (const char *)context, name);
	return file_remove(path, fault);
}

/*
 * The page tables of the mapped files filled, as after a while of use: else the
 * first look-ups would time page faults. Does nothing where the system cannot.
 */
static void
populate(const char *directory)
{
	unsigned long from, to;
	char line[1024];
	FILE *maps = fopen("/proc/self/maps", "r");
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
		if (strstr(line, directory) != NULL && sscanf(line, "%lx-%lx", &from, &to) == 2)
			madvise((void *)from, to - from, MADV_POPULATE_READ);
	if (maps != NULL)
		fclose(maps);
}

void
subject_reopen(struct subject *subject)
{
	if (repute_open(subject->directory, NULL, &subject->db, NULL) != REPUTE_OK)
		stop("cannot open", subject->directory, strlen(subject->directory));
	subject->view = repute_view_take(subject->db);
	populate(subject->directory);
}

void
subject_close(struct subject *subject)
{
	repute_view_drop(subject->view);
	repute_close(subject->db);
}

void
subject_remove(const char *directory)
{
	struct fault fault;
	file_each_name(directory, remove_file, (void *)(uintptr_t)directory, &fault);
	rmdir(directory);
}

void
subject_overlay(const struct subject *subject, const struct data *keys)
{
	double seconds;
	layer_add(subject->directory, keys, false, &seconds, &seconds);
}

struct subject *
subject_build(const struct data *data)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	struct fault fault = {0};
	const char *folder = getenv("BENCH_TMP");
	subject->data = data;
	subject->find_one = find_one[data->class];
	snprintf(subject->directory, sizeof(subject->directory), "%s/store-%s-%ld",
		 folder ? folder : "build/tmp", data_class_names[data->class], (long)getpid());
	need(file_make_directory(subject->directory, &fault), &fault);
	layer_add(subject->directory, data, true, &subject->build_seconds, &subject->write_seconds);
	need(file_each_name(subject->directory, measure_file, subject, &fault), &fault);
	subject_reopen(subject);
	subject->keys = malloc(SUBJECT_BATCH_MOST * sizeof(*subject->keys));
	if (!repute_category_id(subject->view, CATALOG_COUNT_NAME, strlen(CATALOG_COUNT_NAME),
				&subject->category))
		stop("no such category", CATALOG_COUNT_NAME, strlen(CATALOG_COUNT_NAME));
	return subject;
}

void
subject_free(struct subject *subject)
{
	subject_close(subject);
	subject_remove(subject->directory);
	free(subject->keys);
	free(subject);
}

void
subject_prepare(struct subject *subject, const struct queries *queries, size_t from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t length;
		const char *text = list_text(&queries->text, from + i, &length);
		if (repute_key_text((enum repute_kind)subject->data->class, text, length,
				    &subject->keys[i]) != REPUTE_OK)
			stop("not a key", text, length);
	}
	subject->prepared = from;
}

void
subject_find_many(struct subject *subject, const struct queries *queries, size_t from, size_t n)
{
	const struct repute_view *view = subject->view;
	struct repute_hit *hits = &subject->hits[from % SUBJECT_BATCH_MOST];
	const uint8_t *keys = queries->keys + from * subject->data->key_bytes;
	switch (subject->data->class) {
	case CLASS_IPV4:
		repute_find_ipv4_many(view, (const uint32_t *)(const void *)keys, n, DATA_NOW, hits);
		break;
	case CLASS_IPV6:
		repute_find_ipv6_many(view, (const uint8_t(*)[16])(const void *)keys, n, DATA_NOW, hits);
		break;
	case CLASS_SHA1:
		repute_find_sha1_many(view, (const uint8_t(*)[20])(const void *)keys, n, DATA_NOW, hits);
		break;
	case CLASS_SHA256:
		repute_find_sha256_many(view, (const uint8_t(*)[32])(const void *)keys, n, DATA_NOW, hits);
		break;
	default:
		repute_find_many(view, subject->keys, n, DATA_NOW, hits);
	}
}

struct answer
subject_answer(const struct subject *subject, size_t i)
{
	const struct repute_hit *hit = &subject->hits[i % SUBJECT_BATCH_MOST];
	struct answer answer = {0, 0};
	struct repute_tag tag;
	char number[8] = "";
	if (!hit->found)
		return answer;
	if (repute_hit_tag(subject->view, hit, subject->category, 0, &tag) &&
	    tag.value_length < sizeof(number))
		memcpy(number, tag.value, tag.value_length);
	answer.tags = (uint32_t)strtoul(number, NULL, 10) | (uint32_t)hit->scope << 16;
	answer.expires = (uint32_t)hit->expires;
	return answer;
}

size_t
subject_wrong(struct subject *subject, const struct queries *queries, size_t most)
{
	size_t wrong = 0;
	for (size_t at = 0; at + 64 <= queries->count && at < most; at += 64) {
		if (subject->data->key_bytes == 0)
			subject_prepare(subject, queries, at, 64);
		subject_find_many(subject, queries, at, 64);
		for (size_t i = 0; i < 64; i++) {
			struct answer got = subject_answer(subject, at + i);
			wrong += memcmp(&got, &queries->expected[at + i], sizeof(got)) != 0;
		}
	}
	return wrong;
}

/* --- timing ------------------------------------------------------------------------------ */

const char *const subject_modes[] = {"one", "lat", "batch"};

static uint64_t
group_ticks(struct subject *subject, const struct queries *queries, enum subject_mode mode,
	    size_t from, size_t n)
{
	if (subject->data->key_bytes == 0)
		subject_prepare(subject, queries, from, n);
	uint64_t start = timer_ticks();
	if (mode == SUBJECT_BATCH) {
		subject_find_many(subject, queries, from, n);
		return timer_ticks() - start;
	}
	for (size_t i = 0; i < n; i++) {
		subject_find_one(subject, queries, from + i);
		if (mode == SUBJECT_LAT)
			TIMER_FENCE();
	}
	return timer_ticks() - start;
}

double
subject_ns(struct subject *subject, const struct queries *queries, enum subject_mode mode, size_t from,
	   size_t n)
{
	bool text = subject->data->key_bytes == 0;
	size_t group = !text ? SUBJECT_BATCH_MOST : mode == SUBJECT_BATCH ? 64 : SUBJECT_PREPARED;
	uint64_t ticks = 0;
	for (size_t at = 0; at < n; at += group)
		ticks += group_ticks(subject, queries, mode, from + at, group);
	return (double)ticks * timer_tick_ns() / (double)n;
}
