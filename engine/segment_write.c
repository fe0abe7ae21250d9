/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a build: provisional numbers become final ones in an order that
 * depends on contents alone, tables are laid out, sections are streamed.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/canon.h"
#include "engine/path.h"
#include "engine/segment_aid.h"
#include "engine/segment_build_state.h"
#include "engine/segment_expiry_build.h"
#include "engine/segment_layout.h"
#include "engine/wide_build.h"

#define GATHER_BYTES 65536
#define GATHER_AHEAD 8 /* texts; records twice as far */

static_assert(GATHER_BYTES >= LIMIT_URL_BYTES, "a block holds any text");

struct writer {
	struct segment_build *build;
	uint32_t *source_final, *tags_final, *list_final; /* by provisional number */
	struct segment_table table[KIND_COUNT];
	struct layout layout[KIND_COUNT];
	struct aid_image info, sources, tags, claims, gate, trie, wide, patterns, grams, expiry;
	uint32_t gate_bits;
	struct container_out *out;
	uint32_t section_count;
	uint32_t ids[LIMIT_SECTIONS], flags[LIMIT_SECTIONS];
	uint64_t lengths[LIMIT_SECTIONS];
};

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory to write a segment");
}

/* --- final numbers of sources and tags ------------------------------------------------- */

static int
compare_strings(const void *a, const void *b, void *context)
{
	const struct intern *intern = context;
	size_t one_length, other_length;
	const uint8_t *one = intern_get(intern, *(const uint32_t *)a, &one_length);
	const uint8_t *other = intern_get(intern, *(const uint32_t *)b, &other_length);
	size_t common = one_length < other_length ? one_length : other_length;
	int order = common == 0 ? 0 : memcmp(one, other, common);
	return order != 0 ? order : (one_length > other_length) - (one_length < other_length);
}

/*
 * Number the strings with used[i] set by their order; final[i] is the new
 * number. The section image holds them in that order.
 */
static enum status
finish_strings(const struct intern *intern, const uint8_t *used, uint32_t *final,
	       struct aid_image *image, struct fault *fault)
{
	uint32_t *sorted = malloc((size_t)intern->count * sizeof(*sorted) + 1);
	uint32_t count = 0;
	size_t bytes = 0, length;
	if (sorted == NULL)
		return no_memory(fault);
	for (uint32_t i = 0; i < intern->count; i++) {
		if (!used[i])
			continue;
		sorted[count++] = i;
		intern_get(intern, i, &length);
		bytes += length;
	}
	qsort_r(sorted, count, sizeof(*sorted), compare_strings, (void *)(uintptr_t)intern);
	size_t head = sizeof(struct strings_d) + ((size_t)count + 1) * 8;
	enum status status = aid_image_new(image, head + bytes, fault);
	if (status == STATUS_OK) {
		((struct strings_d *)image->bytes)->count = le32_make(count);
		uint64_t offset = 0;
		for (uint32_t i = 0; i < count; i++) {
			const uint8_t *string = intern_get(intern, sorted[i], &length);
			memcpy(image->bytes + head + offset, string, length);
			offset += length;
			struct le64 end = le64_make(offset);
			memcpy(image->bytes + sizeof(struct strings_d) + ((size_t)i + 1) * 8, &end, 8);
			final[sorted[i]] = i;
		}
	}
	free(sorted);
	return status;
}

static enum status
finish_names(struct writer *writer, struct fault *fault)
{
	struct segment_build *build = writer->build;
	uint8_t *sources = calloc((size_t)build->sources.count + 1, 1);
	uint8_t *tags = calloc((size_t)build->tags.count + 1, 1);
	writer->source_final = calloc((size_t)build->sources.count + 1, sizeof(uint32_t));
	writer->tags_final = calloc((size_t)build->tags.count + 1, sizeof(uint32_t));
	enum status status = STATUS_OK;
	if (sources == NULL || tags == NULL || writer->source_final == NULL ||
	    writer->tags_final == NULL)
		status = no_memory(fault);
	else
		tags[0] = 1; /* the empty string is always number 0 */
	for (uint32_t i = 0; status == STATUS_OK && i < build->lists.count; i++) {
		size_t length;
		const uint8_t *bytes = intern_get(&build->lists, i, &length);
		if (i >= build->list_used_capacity || !build->list_used[i])
			continue;
		for (; length > 0; length -= sizeof(struct claim), bytes += sizeof(struct claim)) {
			struct claim claim;
			memcpy(&claim, bytes, sizeof(claim));
			sources[claim.source] = tags[claim.set] = tags[claim.notes] = 1;
		}
	}
	if (status == STATUS_OK)
		status = finish_strings(&build->sources, sources, writer->source_final,
					&writer->sources, fault);
	if (status == STATUS_OK)
		status = finish_strings(&build->tags, tags, writer->tags_final, &writer->tags,
					fault);
	free(sources);
	free(tags);
	return status;
}

/* --- claims ------------------------------------------------------------------------------ */

/* One list in disk form, at its place in a scratch image. */
struct list_row {
	const struct claim_d *claims;
	uint32_t count;
	uint32_t list;
};

static int
compare_disk_claims(const void *a, const void *b)
{
	const struct claim_d *one = a, *other = b;
	if (le16_get(one->source) != le16_get(other->source))
		return le16_get(one->source) - le16_get(other->source);
	return one->scope - other->scope;
}

static int
compare_lists(const void *a, const void *b)
{
	const struct list_row *one = a, *other = b;
	uint32_t common = one->count < other->count ? one->count : other->count;
	int order = memcmp(one->claims, other->claims, common * sizeof(struct claim_d));
	return order != 0 ? order : (one->count > other->count) - (one->count < other->count);
}

static uint32_t
list_to_disk(const struct writer *writer, uint32_t list, struct claim_d *disk)
{
	size_t length;
	const uint8_t *bytes = intern_get(&writer->build->lists, list, &length);
	uint32_t count = (uint32_t)(length / sizeof(struct claim));
	for (uint32_t i = 0; i < count; i++) {
		struct claim claim;
		memcpy(&claim, bytes + i * sizeof(claim), sizeof(claim));
		disk[i] = (struct claim_d){
			.source = le16_make((uint16_t)writer->source_final[claim.source]),
			.scope = claim.scope,
			.set = le32_make(writer->tags_final[claim.set]),
			.notes = le32_make(writer->tags_final[claim.notes]),
			.expires = le40_make(claim.expires),
			.first_seen = le40_make(claim.first_seen),
			.last_seen = le40_make(claim.last_seen),
		};
	}
	qsort(disk, count, sizeof(*disk), compare_disk_claims);
	disk[count - 1].flags = FORMAT_CLAIM_LAST;
	return count;
}

static void
emit_lists(struct writer *writer, struct list_row *rows, uint32_t count)
{
	struct claim_d *out = (struct claim_d *)writer->claims.bytes;
	uint32_t place = 1;
	out[0].flags = FORMAT_CLAIM_LAST;
	qsort(rows, count, sizeof(*rows), compare_lists);
	for (uint32_t i = 0; i < count; i++) {
		memcpy(out + place, rows[i].claims, rows[i].count * sizeof(*out));
		writer->list_final[rows[i].list] = place;
		place += rows[i].count;
	}
}

static enum status
finish_claims(struct writer *writer, struct fault *fault)
{
	struct segment_build *build = writer->build;
	size_t lists = build->lists.count;
	struct list_row *rows = malloc(lists * sizeof(*rows));
	struct claim_d *scratch = malloc((build->lists.bytes_length / sizeof(struct claim) + 1) *
					 sizeof(*scratch));
	writer->list_final = calloc(lists, sizeof(uint32_t));
	enum status status = STATUS_OK;
	uint32_t count = 0, claims = 0;
	if (rows == NULL || scratch == NULL || writer->list_final == NULL)
		status = no_memory(fault);
	for (uint32_t i = 1; status == STATUS_OK && i < lists; i++) {
		if (i >= build->list_used_capacity || !build->list_used[i])
			continue;
		uint32_t length = list_to_disk(writer, i, scratch + claims);
		rows[count++] = (struct list_row){scratch + claims, length, i};
		claims += length;
	}
	if (status == STATUS_OK)
		status = aid_image_new(&writer->claims, ((size_t)claims + 1) * sizeof(struct claim_d),
				   fault);
	if (status == STATUS_OK)
		emit_lists(writer, rows, count);
	free(rows);
	free(scratch);
	return status;
}

/* --- tables, tries, gate, patterns --------------------------------------------------------- */

static unsigned
scopes_of(void *context, uint32_t list)
{
	const struct segment_build *build = context;
	return build->overlay ? SCOPE_TREE : build_list_scopes(build, list);
}

static enum status
finish_table(struct writer *writer, enum kind kind, struct fault *fault)
{
	struct build_kind *rows = &writer->build->kind[kind];
	struct segment_table *table = &writer->table[kind];
	table->records = rows->records;
	table->record_count = rows->count;
	table->record_bytes = build_record_bytes(kind);
	table->keys = rows->keys;
	table->keys_length = rows->keys_length;
	return layout_make(table, rows->records, kind, writer->build->seed, scopes_of,
			   writer->build, &writer->layout[kind], fault);
}

static void
finish_prefixes(struct writer *writer, enum kind kind)
{
	struct build_kind *rows = &writer->build->kind[kind];
	for (size_t i = 0; i < rows->prefix_count; i++)
		rows->prefixes[i].claims = writer->list_final[rows->prefixes[i].claims];
	if (rows->prefix_count > 0)
		qsort(rows->prefixes, rows->prefix_count, sizeof(*rows->prefixes),
		      ptrie_entry_compare);
}

static enum status
finish_trie(struct writer *writer, struct fault *fault)
{
	struct build_kind *rows = &writer->build->kind[KIND_IPV4];
	struct ptrie_image image;
	if (rows->prefix_count == 0)
		return STATUS_OK;
	finish_prefixes(writer, KIND_IPV4);
	enum status status = ptrie_build(KIND_IPV4, rows->prefixes, rows->prefix_count, &image, fault);
	if (status == STATUS_OK)
		writer->trie = (struct aid_image){image.bytes, image.length};
	return status;
}

/* Lines of hosts are as large as those of other tables; they have no records beside them. */
static enum status
finish_hosts(struct writer *writer, struct fault *fault)
{
	struct build_kind *rows = &writer->build->kind[KIND_IPV4];
	struct hosts_record *records = (struct hosts_record *)rows->records;
	struct layout *layout = &writer->layout[KIND_IPV4];
	struct hosts_layout hosts;
	struct ptrie prefixes;
	for (size_t i = 0; i < rows->count; i++)
		records[i].claims = le32_make(writer->list_final[le32_get(records[i].claims)]);
	enum status status = hosts_build(rows->records, rows->count, writer->build->seed, &hosts,
					 fault);
	if (status != STATUS_OK)
		return status;
	if (writer->trie.length > 0 &&
	    ptrie_attach(&prefixes, KIND_IPV4, writer->trie.bytes, writer->trie.length, NULL) ==
		    STATUS_OK)
		hosts_mark(&hosts, &prefixes);
	static_assert(sizeof(struct hosts_line_d) == sizeof(struct bucket_d), "lines");
	layout->lines = (struct bucket_d *)hosts.lines;
	layout->lines_count = hosts.lines_count;
	layout->buckets = hosts.buckets;
	layout->reseeds = hosts.reseeds;
	layout->salt = hosts.salt;
	return STATUS_OK;
}

static enum status
finish_wide(struct writer *writer, struct fault *fault)
{
	struct build_kind *rows = &writer->build->kind[KIND_IPV6];
	const struct record_ipv6_d *records = (const struct record_ipv6_d *)rows->records;
	struct wide_image image;
	uint64_t *hosts = malloc(rows->count * sizeof(*hosts) + 1);
	if (hosts == NULL)
		return no_memory(fault);
	for (size_t i = 0; i < rows->count; i++)
		hosts[i] = be64_get(records[i].address);
	finish_prefixes(writer, KIND_IPV6);
	enum status status = STATUS_OK;
	if (rows->count + rows->prefix_count > 0)
		status = wide_build(rows->prefixes, rows->prefix_count, hosts,
				    wide_hosts_sort(hosts, rows->count), &image, fault);
	if (status == STATUS_OK && rows->count + rows->prefix_count > 0)
		writer->wide = (struct aid_image){image.bytes, image.length};
	free(hosts);
	return status;
}

static enum status
finish_aids(struct writer *writer, struct fault *fault)
{
	const struct aid_image *image = &writer->trie;
	const struct layout *layout = &writer->layout[KIND_IPV4];
	struct hosts hosts = {.lines = (const struct hosts_line_d *)layout->lines,
			      .numbers = layout->lines_count * HOSTS_NUMBERS};
	struct ptrie prefixes = {0};
	enum status status = STATUS_OK;
	if (image->length > 0)
		status = ptrie_attach(&prefixes, KIND_IPV4, image->bytes, image->length, fault);
	if (status == STATUS_OK)
		status = aid_gate_make(&hosts, writer->build->kind[KIND_IPV4].count, &prefixes,
				       &writer->gate_bits, &writer->gate, fault);
	if (status == STATUS_OK)
		status = aid_patterns_make(&writer->table[KIND_URL], &writer->patterns,
					   &writer->grams, fault);
	return status;
}

/* --- sections ------------------------------------------------------------------------------- */

static enum status
finish_info(struct writer *writer, struct fault *fault)
{
	enum status status = aid_image_new(&writer->info, sizeof(struct info_d), fault);
	if (status != STATUS_OK)
		return status;
	struct info_d *info = (struct info_d *)writer->info.bytes;
	info->canon_version = le32_make(CANON_VERSION);
	info->flags = le32_make(writer->build->overlay ? FORMAT_SEGMENT_OVERLAY : 0);
	info->seed[0] = le64_make(writer->build->seed.word[0]);
	info->seed[1] = le64_make(writer->build->seed.word[1]);
	info->gate_bits = le32_make(writer->gate_bits);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const struct build_kind *rows = &writer->build->kind[kind];
		const struct layout *layout = &writer->layout[kind];
		info->kind[kind].entries = le64_make(rows->entries);
		info->kind[kind].keys = le64_make(rows->count + rows->prefix_count);
		info->kind[kind].buckets = le64_make(layout->buckets);
		info->kind[kind].first_step = le32_make(layout->first_step);
		info->kind[kind].reseeds = le32_make(layout->reseeds);
		info->kind[kind].salt = le64_make(layout->salt);
	}
	memcpy(info->tops, writer->layout[KIND_DOMAIN].tops, sizeof(info->tops));
	return STATUS_OK;
}

static void
declare(struct writer *writer, uint32_t id, uint64_t length)
{
	if (length == 0)
		return;
	writer->ids[writer->section_count] = id;
	writer->lengths[writer->section_count++] = length;
}

static void
declare_all(struct writer *writer)
{
	declare(writer, FORMAT_INFO, writer->info.length);
	declare(writer, FORMAT_SOURCES, writer->sources.length);
	declare(writer, FORMAT_TAGS, writer->tags.length);
	declare(writer, FORMAT_CLAIMS, writer->claims.length);
	declare(writer, FORMAT_PATTERNS, writer->patterns.length);
	declare(writer, FORMAT_GRAMS, writer->grams.length);
	declare(writer, FORMAT_GATE_IPV4, writer->gate.length);
	if (writer->expiry.length > 0)
		writer->flags[writer->section_count] = FORMAT_SECTION_OPTIONAL;
	declare(writer, FORMAT_EXPIRY, writer->expiry.length);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const struct layout *layout = &writer->layout[kind];
		if (kind == KIND_IPV4)
			declare(writer, FORMAT_TRIE_IPV4, writer->trie.length);
		if (kind == KIND_IPV6)
			declare(writer, FORMAT_WIDE_IPV6, writer->wide.length);
		declare(writer, FORMAT_HOT(kind), layout->lines_count * sizeof(struct bucket_d));
		declare(writer, FORMAT_RECORDS(kind),
			layout->record_count * build_record_bytes(kind));
		declare(writer, FORMAT_KEYS(kind), writer->table[kind].keys_length);
	}
}

static enum status
emit_image(struct writer *writer, const void *bytes, uint64_t length, struct fault *fault)
{
	if (length == 0)
		return STATUS_OK;
	enum status status = container_out_write(writer->out, bytes, length, fault);
	return status == STATUS_OK ? container_out_next(writer->out, fault) : status;
}

/*
 * Records in their order, claims ids and places of texts made final, gathered
 * into blocks. What stands far off is fetched a few records before its turn.
 */
struct gather {
	struct writer *writer;
	enum kind kind;
	size_t filled;
	uint64_t offset; /* of the next text in the K section */
	uint8_t block[GATHER_BYTES];
};

static inline uint64_t
place_of(const struct layout *layout, uint64_t i)
{
	return layout->order != NULL ? layout->order[i] : i;
}

static void
fetch_record(const struct segment_table *table, const struct layout *layout, uint64_t i)
{
	if (layout->order != NULL && i < layout->record_count)
		__builtin_prefetch(table->records + place_of(layout, i) * table->record_bytes);
}

static const char *
text_of(const struct segment_table *table, const struct layout *layout, uint64_t i, size_t *length)
{
	const char *text = segment_table_text(table, place_of(layout, i), length);
	assert(text != NULL); /* the builder put it there */
	return text;
}

static void
fetch_text(const struct segment_table *table, const struct layout *layout, uint64_t i)
{
	if (i >= layout->record_count)
		return;
	size_t length;
	const char *text = text_of(table, layout, i, &length);
	__builtin_prefetch(text);
	__builtin_prefetch(text + 64);
}

static enum status
gather_flush(struct gather *gather, struct fault *fault)
{
	size_t length = gather->filled;
	gather->filled = 0;
	return container_out_write(gather->writer->out, gather->block, length, fault);
}

static inline void
gather_record(struct gather *gather, uint64_t i)
{
	const struct segment_table *table = &gather->writer->table[gather->kind];
	const struct layout *layout = &gather->writer->layout[gather->kind];
	size_t size = table->record_bytes;
	uint8_t *record = gather->block + gather->filled;
	struct le32 claims;
	memcpy(record, table->records + place_of(layout, i) * size, size);
	memcpy(&claims, record + size - sizeof(claims), sizeof(claims));
	claims = le32_make(gather->writer->list_final[le32_get(claims)]);
	memcpy(record + size - sizeof(claims), &claims, sizeof(claims));
	if (table->keys_length > 0) {
		size_t length;
		text_of(table, layout, i, &length);
		((struct record_text_d *)record)->offset = le40_make(gather->offset);
		gather->offset += length;
	}
	gather->filled += size;
}

static enum status
emit_records(struct gather *gather, struct fault *fault)
{
	const struct segment_table *table = &gather->writer->table[gather->kind];
	const struct layout *layout = &gather->writer->layout[gather->kind];
	enum status status = STATUS_OK;
	gather->offset = 0;
	for (uint64_t i = 0; status == STATUS_OK && i < layout->record_count; i++) {
		fetch_record(table, layout, i + 2 * GATHER_AHEAD);
		if (table->keys_length > 0)
			fetch_text(table, layout, i + GATHER_AHEAD);
		gather_record(gather, i);
		if (gather->filled + table->record_bytes > sizeof(gather->block))
			status = gather_flush(gather, fault);
	}
	if (status == STATUS_OK && layout->record_count > 0) {
		status = gather_flush(gather, fault);
		if (status == STATUS_OK)
			status = container_out_next(gather->writer->out, fault);
	}
	return status;
}

static enum status
emit_keys(struct gather *gather, struct fault *fault)
{
	const struct segment_table *table = &gather->writer->table[gather->kind];
	const struct layout *layout = &gather->writer->layout[gather->kind];
	enum status status = STATUS_OK;
	if (table->keys_length == 0)
		return STATUS_OK;
	for (uint64_t i = 0; status == STATUS_OK && i < layout->record_count; i++) {
		fetch_record(table, layout, i + 2 * GATHER_AHEAD);
		fetch_text(table, layout, i + GATHER_AHEAD);
		size_t length;
		const char *text = text_of(table, layout, i, &length);
		if (gather->filled + length > sizeof(gather->block))
			status = gather_flush(gather, fault);
		memcpy(gather->block + gather->filled, text, length);
		gather->filled += length;
	}
	if (status == STATUS_OK)
		status = gather_flush(gather, fault);
	return status == STATUS_OK ? container_out_next(gather->writer->out, fault) : status;
}

static enum status
emit_table(struct writer *writer, enum kind kind, struct fault *fault)
{
	struct gather *gather = malloc(sizeof(*gather));
	if (gather == NULL)
		return no_memory(fault);
	gather->writer = writer;
	gather->kind = kind;
	gather->filled = 0;
	enum status status = emit_records(gather, fault);
	if (status == STATUS_OK)
		status = emit_keys(gather, fault);
	free(gather);
	return status;
}

static enum status
emit_all(struct writer *writer, struct fault *fault)
{
	const struct aid_image *images[] = {&writer->info,     &writer->sources, &writer->tags,
					&writer->claims,   &writer->patterns, &writer->grams,
					&writer->gate,     &writer->expiry};
	enum status status = STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < sizeof(images) / sizeof(images[0]); i++)
		status = emit_image(writer, images[i]->bytes, images[i]->length, fault);
	for (int kind = 0; status == STATUS_OK && kind < KIND_COUNT; kind++) {
		const struct layout *layout = &writer->layout[kind];
		if (kind == KIND_IPV4)
			status = emit_image(writer, writer->trie.bytes, writer->trie.length, fault);
		if (kind == KIND_IPV6)
			status = emit_image(writer, writer->wide.bytes, writer->wide.length, fault);
		if (status == STATUS_OK)
			status = emit_image(writer, layout->lines,
					    layout->lines_count * sizeof(struct bucket_d), fault);
		if (status == STATUS_OK)
			status = emit_table(writer, kind, fault);
	}
	return status;
}

static enum status
finish_all(struct writer *writer, struct fault *fault)
{
	enum status status = finish_names(writer, fault);
	if (status == STATUS_OK)
		status = finish_claims(writer, fault);
	if (status == STATUS_OK)
		status = finish_trie(writer, fault);
	if (status == STATUS_OK)
		status = finish_hosts(writer, fault);
	for (int kind = KIND_IPV6; status == STATUS_OK && kind < KIND_COUNT; kind++)
		status = finish_table(writer, kind, fault);
	if (status == STATUS_OK)
		status = finish_wide(writer, fault);
	if (status == STATUS_OK)
		status = finish_aids(writer, fault);
	if (status == STATUS_OK)
		status = segment_expiry_of_build(writer->build, writer->table, writer->layout,
						 writer->list_final, &writer->claims,
						 &writer->expiry, fault);
	if (status == STATUS_OK)
		status = finish_info(writer, fault);
	return status;
}

static void
writer_fini(struct writer *writer)
{
	struct aid_image *images[] = {&writer->info,  &writer->sources, &writer->tags,
				  &writer->claims, &writer->gate,    &writer->trie,
				  &writer->wide,   &writer->patterns, &writer->grams,
				  &writer->expiry};
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
		free(images[i]->bytes);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		layout_fini(&writer->layout[kind]);
	free(writer->source_final);
	free(writer->tags_final);
	free(writer->list_final);
	container_out_free(writer->out);
}

enum status
segment_build_write(struct segment_build *build, struct file_out *out, uint8_t sha256[32],
		    struct fault *fault)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	if (writer == NULL)
		return no_memory(fault);
	writer->build = build;
	enum status status = finish_all(writer, fault);
	if (status == STATUS_OK) {
		declare_all(writer);
		const struct container_plan plan = {
			.content = FORMAT_CONTENT_SEGMENT, .section_count = writer->section_count,
			.compatible = writer->expiry.length > 0 ? FORMAT_COMPATIBLE_EXPIRY : 0,
			.lengths = writer->lengths, .ids = writer->ids, .flags = writer->flags,
		};
		status = container_out_plan(out, &plan, &writer->out, fault);
	}
	if (status == STATUS_OK)
		status = emit_all(writer, fault);
	if (status == STATUS_OK)
		status = container_out_finish(writer->out, sha256, fault);
	writer_fini(writer);
	free(writer);
	return status;
}
