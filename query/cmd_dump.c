/* SPDX-License-Identifier: Apache-2.0 */
#include "query/commands.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/clock.h"
#include "engine/segment_expiry.h"
#include "engine/store_state.h"
#include "query/cmd_show.h"

enum {
	OPTION_SUMMARY = 1
};

static const struct cli_option dump_options[] = {
	{OPTION_SUMMARY, "summary", 's', NULL, NULL, "header, sections and counts only"},
	{0}
};

struct dump {
	struct cli *cli;
	bool summary;
	enum status status;   /* of the writer */
	struct json_writer json;
	char text[KEY_PRINT_BYTES];
};

/* --- rows ------------------------------------------------------------------------------ */

/*
 * A row is a name and members. As text: "name member value member value ...",
 * as JSON: {"row":"name","member":value, ...}.
 */
static void
row_begin(struct dump *dump, const char *name)
{
	if (!dump->cli->json) {
		fputs(name, stdout);
		return;
	}
	json_object_begin(&dump->json);
	json_key(&dump->json, "row");
	json_text(&dump->json, name);
}

static void
row_end(struct dump *dump)
{
	if (!dump->cli->json) {
		putchar('\n');
		return;
	}
	json_object_end(&dump->json);
	json_line(&dump->json);
	enum status status = json_flush(&dump->json, stdout);
	if (status == STATUS_NO_MEMORY)
		dump->status = status;
}

static void
row_u64(struct dump *dump, const char *name, uint64_t number)
{
	if (!dump->cli->json) {
		printf(" %s %" PRIu64, name, number);
		return;
	}
	json_key(&dump->json, name);
	json_u64(&dump->json, number);
}

static void
row_bytes(struct dump *dump, const char *name, const char *bytes, size_t length)
{
	if (!dump->cli->json) {
		printf(" %s ", name);
		cli_put(stdout, bytes, length);
		return;
	}
	json_key(&dump->json, name);
	json_string(&dump->json, bytes, length);
}

static void
row_text(struct dump *dump, const char *name, const char *text)
{
	row_bytes(dump, name, text, strlen(text));
}

static void
row_time(struct dump *dump, const char *name, uint64_t when)
{
	char text[CLOCK_TEXT_BYTES];
	clock_print(when, text);
	row_text(dump, name, text);
}

static void
row_hex(struct dump *dump, const char *name, const uint8_t *bytes, size_t length)
{
	char text[65];
	for (size_t i = 0; i < length && i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	row_text(dump, name, text);
}

static void
row_tags(struct dump *dump, const struct segment *segment, uint32_t set, uint32_t notes)
{
	struct show_claim show = {.segment = segment, .set = set, .notes = notes};
	if (!dump->cli->json) {
		show_tags(stdout, &show, " tags ");
		return;
	}
	json_key(&dump->json, "tags");
	show_json_tags(&dump->json, segment, set, notes);
}

/* --- container --------------------------------------------------------------------------- */

static void
dump_header(struct dump *dump, const char *path, const struct container *container)
{
	const struct header_d *header = (const struct header_d *)container->bytes;
	char content[5];
	container_id_text(le32_get(header->content), content);
	row_begin(dump, "file");
	row_text(dump, "path", path);
	row_text(dump, "content", content);
	row_u64(dump, "version", le32_get(header->version));
	row_u64(dump, "compatible", le32_get(header->compatible));
	row_u64(dump, "incompatible", le32_get(header->incompatible));
	row_u64(dump, "bytes", container->length);
	row_hex(dump, "sha256", container_sha256(container), 32);
	row_end(dump);
}

static void
dump_sections(struct dump *dump, const struct container *container)
{
	for (uint32_t i = 0; i < container->section_count; i++) {
		struct section section;
		uint32_t flags;
		char name[5], sum[24];
		container_id_text(container_section_at(container, i, &section, &flags), name);
		snprintf(sum, sizeof(sum), "%016" PRIx64, le64_get(container->table[i].sum));
		row_begin(dump, "section");
		row_text(dump, "id", name);
		row_u64(dump, "offset", section.offset);
		row_u64(dump, "length", section.length);
		row_u64(dump, "flags", flags);
		row_text(dump, "checksum", sum);
		row_end(dump);
	}
}

/* --- segment ----------------------------------------------------------------------------- */

/* Nodes in the lines of a table, and lines from which some went on to the next. */
static void
table_load(const struct segment_table *table, uint64_t *nodes, uint64_t *overflowed)
{
	*nodes = *overflowed = 0;
	for (uint64_t i = 0; i < table->lines_count; i++) {
		const struct bucket_d *line = (const struct bucket_d *)table->lines + i;
		*overflowed += le32_get(line->overflow) != 0;
		for (int slot = 0; slot < FORMAT_SLOTS; slot++)
			*nodes += le16_get(line->slot[slot]) != 0;
	}
}

static void
dump_hosts(struct dump *dump, const struct segment *segment)
{
	const struct hosts *hosts = &segment->hosts;
	uint64_t lines = hosts->numbers / HOSTS_NUMBERS, places = lines * HOSTS_PLACES;
	uint64_t count = 0, overflowed = 0;
	for (uint64_t i = 0; i < lines; i++) {
		count += hosts_count(&hosts->lines[i]);
		overflowed += le32_get(hosts->lines[i].state) > 0xff;
	}
	row_u64(dump, "hosts", count);
	row_u64(dump, "lines", lines);
	row_u64(dump, "load_percent", places == 0 ? 0 : count * 100 / places);
	row_u64(dump, "overflowed", overflowed);
}

static void
dump_table(struct dump *dump, const struct segment_table *table)
{
	uint64_t nodes, overflowed, slots = table->lines_count * FORMAT_SLOTS;
	table_load(table, &nodes, &overflowed);
	row_u64(dump, "records", table->record_count);
	row_u64(dump, "lines", table->lines_count);
	row_u64(dump, "nodes", nodes);
	row_u64(dump, "load_percent", slots == 0 ? 0 : nodes * 100 / slots);
	row_u64(dump, "overflowed", overflowed);
	row_u64(dump, "first_step", table->first_step);
}

static void
dump_kind(struct dump *dump, const struct segment *segment, enum kind kind)
{
	if (segment->keys[kind] == 0)
		return;
	row_begin(dump, "kind");
	row_text(dump, "name", kind_name(kind));
	row_u64(dump, "entries", segment->entries[kind]);
	row_u64(dump, "keys", segment->keys[kind]);
	if (kind == KIND_IPV4)
		dump_hosts(dump, segment);
	else
		dump_table(dump, &segment->table[kind]);
	if (kind <= KIND_IPV6)
		row_u64(dump, "prefixes", segment_prefixes(segment, kind));
	if (kind == KIND_IPV4) {
		row_u64(dump, "trie_nodes", segment->trie.node_count);
		row_u64(dump, "trie_leaves", segment->trie.leaf_count);
	}
	if (kind == KIND_IPV6)
		row_u64(dump, "range_lines", segment->wide.line_count);
	row_end(dump);
}

static void
dump_info(struct dump *dump, const struct segment *segment)
{
	row_begin(dump, "segment");
	row_text(dump, "layer", (segment->flags & FORMAT_SEGMENT_OVERLAY) != 0 ? "overlay" : "base");
	row_u64(dump, "claims", segment->claim_count);
	row_u64(dump, "sources", segment->sources.count);
	row_u64(dump, "tag_strings", segment->tags.count);
	row_u64(dump, "pattern_lengths", segment->pattern_count);
	row_u64(dump, "gate_bits", segment->gate_bits);
	row_u64(dump, "dues", segment->expiry.count);
	if (segment->expiry.swept != 0)
		row_time(dump, "swept", segment->expiry.swept);
	row_end(dump);
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		dump_kind(dump, segment, kind);
}

static void
dump_strings(struct dump *dump, const struct segment *segment)
{
	for (uint32_t i = 0; i < segment->sources.count; i++) {
		size_t length;
		const char *name = segment_source(segment, i, &length);
		row_begin(dump, "source");
		row_u64(dump, "number", i);
		row_bytes(dump, "name", name, length);
		row_end(dump);
	}
	for (uint32_t i = 0; i < segment->tags.count; i++) {
		row_begin(dump, "tags");
		row_u64(dump, "number", i);
		/* string 0 is the empty one */
		row_tags(dump, segment, i, 0);
		row_end(dump);
	}
}

/* Each due, and how many of its keys have places; none: all records are to be read. */
static void
dump_expiry(struct dump *dump, const struct segment *segment)
{
	for (uint32_t i = 0; i < segment->expiry.count && !cli_output_failed(); i++) {
		struct segment_expiry_cursor cursor;
		struct segment_cursor record;
		uint64_t places = 0;
		segment_expiry_places(segment, i, &cursor);
		while (segment_expiry_next(segment, &cursor, &record))
			places++;
		row_begin(dump, "due");
		row_time(dump, "expires", segment_expiry_due(segment, i));
		row_u64(dump, "places", places);
		row_end(dump);
	}
}

static void
dump_claim(struct dump *dump, const struct segment *segment, const struct segment_claim *claim)
{
	size_t length;
	const char *source = segment_source(segment, claim->source, &length);
	row_begin(dump, dump->cli->json ? "claim" : "  claim");
	row_text(dump, "scope", scope_name(claim->scope));
	row_bytes(dump, "source", source, length);
	row_time(dump, "first_seen", claim->first_seen);
	row_time(dump, "last_seen", claim->last_seen);
	row_time(dump, "expires", claim->expires);
	row_u64(dump, "set", claim->set);
	row_u64(dump, "notes", claim->notes);
	row_tags(dump, segment, claim->set, claim->notes);
	row_end(dump);
}

static void
dump_keys(struct dump *dump, const struct segment *segment)
{
	struct segment_cursor cursor = {0};
	struct key key;
	uint32_t id;
	while (dump->status == STATUS_OK && !cli_output_failed() && !cli_interrupted() &&
	       segment_next(segment, &cursor, &key, &id)) {
		struct segment_claim_cursor claims = segment_claims(id);
		struct segment_claim claim;
		size_t length = key_print(&key, dump->text);
		row_begin(dump, id == SEGMENT_REMOVED ? "removed" : "key");
		row_text(dump, "kind", kind_name(key.kind));
		row_bytes(dump, "key", dump->text, length);
		row_text(dump, "in", cursor.in_trie ? "trie" : "table");
		row_u64(dump, "record", cursor.record - 1);
		row_u64(dump, "claims", id);
		row_end(dump);
		while (segment_claim_next(segment, &claims, &claim))
			dump_claim(dump, segment, &claim);
	}
}

static enum status
dump_segment(struct dump *dump, const struct image *image, struct fault *fault)
{
	struct segment segment;
	enum status status = segment_attach(&segment, image->bytes, image->length, fault);
	if (status != STATUS_OK)
		return status;
	dump_info(dump, &segment);
	if (!dump->summary) {
		dump_strings(dump, &segment);
		dump_expiry(dump, &segment);
		dump_keys(dump, &segment);
	}
	return STATUS_OK;
}

/* --- journal ------------------------------------------------------------------------------- */

static void
dump_rows(struct dump *dump, const struct journal_state *state)
{
	for (uint32_t i = 0; i < state->layer_count; i++) {
		const struct journal_layer *layer = &state->layer[i];
		row_begin(dump, "layer");
		row_u64(dump, "number", layer->number);
		row_u64(dump, "offset", layer->offset);
		row_u64(dump, "bytes", layer->bytes);
		row_hex(dump, "sha256", layer->sha256, sizeof(layer->sha256));
		row_end(dump);
	}
}

static void
dump_record(struct dump *dump, const struct journal_place *place, bool whole,
	    const struct journal_state *state)
{
	row_begin(dump, "record");
	row_u64(dump, "offset", place->offset);
	row_u64(dump, "bytes", place->end - place->offset);
	row_text(dump, "checksum", whole ? "good" : "bad");
	row_u64(dump, "generation", state->generation);
	row_time(dump, "published", state->published);
	row_u64(dump, "catalog_offset", state->catalog);
	row_u64(dump, "catalog_bytes", state->catalog_bytes);
	row_u64(dump, "layers", state->layer_count);
	row_end(dump);
	dump_rows(dump, state);
}

static enum status
dump_journal(struct dump *dump, const char *path, struct fault *fault)
{
	struct journal journal;
	struct journal_state state;
	struct journal_place place = {0};
	struct fault unread, missed = {0}; /* a record in front of others that cannot be read */
	bool whole;
	enum status status = journal_open(path, &journal, fault);
	if (status != STATUS_OK)
		return status;
	row_begin(dump, "journal");
	row_text(dump, "name", path);
	row_u64(dump, "bytes", journal.in.length);
	row_end(dump);
	while ((status = journal_next(&journal, &place, &whole, &unread, fault)) == STATUS_OK &&
	       (status = journal_state(&journal, &place, &state, fault)) == STATUS_OK) {
		if (unread.text[0] != '\0')
			missed = unread;
		dump_record(dump, &place, whole, &state);
	}
	journal_close(&journal);
	if (status != STATUS_MISSING)
		return status;
	*fault = missed;
	return missed.status;
}

/* --- files ---------------------------------------------------------------------------------- */

static enum status
dump_image(struct dump *dump, const char *name, const struct image *image, struct fault *fault)
{
	struct container container;
	enum status status = container_attach(&container, FORMAT_CONTENT_SEGMENT, image->bytes,
					      image->length, fault);
	if (status != STATUS_OK)
		return status;
	dump_header(dump, name, &container);
	dump_sections(dump, &container);
	return dump_segment(dump, image, fault);
}

static int
dump_end(struct dump *dump, const char *path, enum status status, const struct fault *fault)
{
	struct fault named = {0};
	if (status == STATUS_OK)
		status = dump->status;
	if (status == STATUS_OK)
		return CLI_FOUND;
	fault_set(&named, status, path, fault->offset, "%s%s%s", fault->where,
		  fault->where[0] != '\0' ? ", " : "",
		  fault->text[0] != '\0' ? fault->text : status_text(status));
	return cli_error(dump->cli, &named);
}

/* Its first bytes tell a journal; all else is taken for a segment. */
static bool
is_journal(const struct image *image)
{
	return image->length >= sizeof(struct journal_d) &&
	       memcmp(image->bytes, FORMAT_JOURNAL_MAGIC, 8) == 0;
}

static int
dump_file(struct dump *dump, const char *path)
{
	struct image *image;
	struct fault fault = {0};
	enum status status = image_open(path, &image, &fault);
	if (status != STATUS_OK)
		return cli_error(dump->cli, &fault);
	status = is_journal(image) ? dump_journal(dump, path, &fault)
				   : dump_image(dump, path, image, &fault);
	image_drop(image);
	return dump_end(dump, path, status, &fault);
}

/* Layer i of a view, by the name of its file or its place in the journal. */
static int
dump_layer(struct dump *dump, const char *directory, const struct view_layer *layer)
{
	char path[FILE_PATH_BYTES];
	struct fault fault = {0};
	enum status status = layer->row.offset == 0
		? store_segment_path(directory, layer->row.number, path, &fault)
		: store_path(directory, STORE_JOURNAL, path, &fault);
	if (status != STATUS_OK)
		return cli_error(dump->cli, &fault);
	status = dump_image(dump, path, layer->image, &fault);
	return dump_end(dump, path, status, &fault);
}

/* The journal, then today's layers, base first. */
static int
dump_store(struct dump *dump, const char *directory)
{
	char path[FILE_PATH_BYTES];
	struct fault fault = {0};
	struct store *store;
	if (store_open(directory, &store, &fault) != STATUS_OK)
		return cli_error(dump->cli, &fault);
	struct view *view = store_view_take(store);
	int result = CLI_FOUND;
	if (store_path(directory, STORE_JOURNAL, path, &fault) != STATUS_OK)
		result = cli_error(dump->cli, &fault);
	else if (view->place.count > 0)
		result = dump_file(dump, path);
	for (uint32_t i = 0; i < view->layer_count; i++)
		if (dump_layer(dump, directory, &view->layer[i]) != CLI_FOUND)
			result = CLI_ERROR;
	if (view_unchanged(view, &fault) != STATUS_OK)
		result = cli_error(dump->cli, &fault);
	view_drop(view);
	store_close(store);
	return result;
}

static bool
is_directory(const char *path)
{
	struct stat info;
	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int
dump_run(struct cli *cli, int argc, char **argv)
{
	static struct dump dump; /* large */
	int option, result = CLI_FOUND;
	memset(&dump, 0, sizeof(dump));
	dump.cli = cli;
	while ((option = cli_option(cli, argc, argv)) > 0)
		dump.summary = true;
	if (option < 0)
		return cli->status;
	if (cli->operand_count == 0)
		result = dump_store(&dump, cli->store);
	for (int i = 0; i < cli->operand_count; i++) {
		const char *path = cli->operands[i];
		if ((is_directory(path) ? dump_store : dump_file)(&dump, path) != CLI_FOUND)
			result = CLI_ERROR;
	}
	cli->stopped = cli_interrupted();
	json_fini(&dump.json);
	return result;
}

const struct cli_command cmd_dump = {
	.name = "dump",
	.usage = "[--summary] [SEGMENT | JOURNAL | DIR]...",
	.summary = "show what stands in the files of a store",
	.about = "For people who debug: the header, the sections and counts of a segment, "
		 "then every string, due, key and claim in file order, one a line; of a journal, its "
		 "records and their layers. A directory is its journal and the layers of today; without "
		 "operand, the store. Reads damaged files as far "
		 "as they can be read, and does not check them: that is verify's work.",
	.options = dump_options,
	.examples = "  repute dump --summary /var/lib/repute/segment-1.rps\n"
		    "  repute dump --json | jq 'select(.row == \"key\")'\n",
	.run = dump_run,
};
