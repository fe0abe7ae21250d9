/* SPDX-License-Identifier: Apache-2.0 */
#include "query/cmd_show.h"

#include <inttypes.h>
#include <string.h>

#include "engine/cli.h"
#include "engine/clock.h"
#include "query/explain.h"
#include "query/lookup.h"

void
show_from_hit(struct show_claim *show, const struct view *view, const struct repute_hit *hit,
	      char *text)
{
	struct key key;
	lookup_hit_key(view, hit, &key);
	*show = (struct show_claim){
		.kind = hit->kind, .scope = hit->scope, .embedded = hit->embedded,
		.key = text, .key_length = key_print(&key, text),
		.source = hit->source, .source_length = hit->source_length,
		.segment = lookup_segment(view, hit),
		.set = hit->opaque.set, .notes = hit->opaque.notes,
		.expires = hit->expires, .first_seen = hit->first_seen,
		.last_seen = hit->last_seen,
	};
}

void
show_from_claim(struct show_claim *show, const struct segment *segment,
		const struct segment_claim *claim)
{
	show->scope = claim->scope;
	show->embedded = false;
	show->source = segment_source(segment, claim->source, &show->source_length);
	show->segment = segment;
	show->set = claim->set;
	show->notes = claim->notes;
	show->expires = claim->expires;
	show->first_seen = claim->first_seen;
	show->last_seen = claim->last_seen;
}

void
show_json_tags(struct json_writer *json, const struct segment *segment, uint32_t set,
	       uint32_t notes)
{
	struct explain_tags walk;
	struct repute_tag tag;
	const char *category = NULL;
	explain_tags_start(&walk, segment, set, notes);
	json_object_begin(json);
	while (explain_tags_next(&walk, &tag)) {
		if (category != tag.category) {
			if (category != NULL)
				json_array_end(json);
			json_key_bytes(json, tag.category, tag.category_length);
			json_array_begin(json);
		}
		category = tag.category;
		json_string(json, tag.value, tag.value_length);
	}
	if (category != NULL)
		json_array_end(json);
	json_object_end(json);
}

void
show_json_time(struct json_writer *json, const char *name, uint64_t when)
{
	char text[CLOCK_TEXT_BYTES];
	clock_print(when, text);
	json_key(json, name);
	json_text(json, text);
}

void
show_json_members(struct json_writer *json, const struct show_claim *show)
{
	json_key(json, "kind");
	json_text(json, kind_name(show->kind));
	json_key(json, "key");
	json_string(json, show->key, show->key_length);
	json_key(json, "scope");
	json_text(json, scope_name(show->scope));
	json_key(json, "source");
	json_string(json, show->source, show->source_length);
	json_key(json, "tags");
	show_json_tags(json, show->segment, show->set, show->notes);
	show_json_time(json, "first_seen", show->first_seen);
	show_json_time(json, "last_seen", show->last_seen);
	show_json_time(json, "expires", show->expires);
	json_key(json, "embedded");
	json_bool(json, show->embedded);
}

void
show_json(struct json_writer *json, const struct show_claim *show)
{
	json_object_begin(json);
	show_json_members(json, show);
	json_object_end(json);
}

void
show_tags(FILE *out, const struct show_claim *show, const char *before)
{
	struct explain_tags walk;
	struct repute_tag tag;
	const char *category = NULL;
	explain_tags_start(&walk, show->segment, show->set, show->notes);
	while (explain_tags_next(&walk, &tag)) {
		bool more = category == tag.category;
		fputs(more ? "," : category == NULL ? before : "; ", out);
		if (!more) {
			cli_put(out, tag.category, tag.category_length);
			fputc('=', out);
		}
		cli_put(out, tag.value, tag.value_length);
		category = tag.category;
	}
}

size_t
show_width(const char *text, size_t length)
{
	size_t width = 0;
	for (size_t i = 0; i < length; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

void
show_widen(size_t *widest, const char *text, size_t length, size_t most)
{
	size_t width = show_width(text, length);
	if (width > most)
		width = most;
	if (width > *widest)
		*widest = width;
}

void
show_padded(FILE *out, const char *text, size_t length, size_t width)
{
	cli_put(out, text, length);
	for (size_t have = show_width(text, length); have < width; have++)
		fputc(' ', out);
}

const char *
show_count(uint64_t number, char *text)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, number);
	char *to = text;
	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return text;
}
