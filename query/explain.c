/* SPDX-License-Identifier: Apache-2.0 */
#include "query/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/clock.h"
#include "query/lookup.h"

void
explain_tags_init(struct explain_tags *walk, const struct view *view, const struct repute_hit *hit)
{
	explain_tags_start(walk, lookup_segment(view, hit), hit->opaque.set, hit->opaque.notes);
}

void
explain_tags_start(struct explain_tags *walk, const struct segment *segment, uint32_t set,
		   uint32_t notes)
{
	memset(walk, 0, sizeof(*walk));
	walk->cursor[0].bytes = segment_tags(segment, set, &walk->cursor[0].length);
	walk->cursor[1].bytes = segment_tags(segment, notes, &walk->cursor[1].length);
	for (int i = 0; i < 2; i++)
		walk->have[i] = tag_next(&walk->cursor[i], &walk->tag[i]);
}

/* Which of the two strings has the category that comes first. */
static unsigned
first_of(const struct explain_tags *walk)
{
	const struct tag_view *a = &walk->tag[0], *b = &walk->tag[1];
	if (!walk->have[0] || !walk->have[1])
		return walk->have[0] ? 0 : 1;
	size_t common = a->name_length < b->name_length ? a->name_length : b->name_length;
	int order = memcmp(a->name, b->name, common);
	return order > 0 || (order == 0 && a->name_length > b->name_length);
}

bool
explain_tags_next(struct explain_tags *walk, struct repute_tag *tag)
{
	if (walk->value == 0)
		walk->which = first_of(walk);
	unsigned which = walk->which;
	if (!walk->have[which])
		return false;
	const struct tag_view *view = &walk->tag[which];
	tag->type = (enum repute_tag_type)view->type;
	tag->category = view->name;
	tag->category_length = view->name_length;
	tag->value = tag_value(view, walk->value, &tag->value_length);
	if (++walk->value == view->value_count) {
		walk->value = 0;
		walk->have[which] = tag_next(&walk->cursor[which], &walk->tag[which]);
	}
	return true;
}

/* A text that is cut at the end of its room but whose whole length is known. */
struct line {
	char *text;
	size_t length, capacity;
};

static void
line_add(struct line *line, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (line->length + i + 1 < line->capacity)
			line->text[line->length + i] = bytes[i];
	line->length += length;
}

static void
line_word(struct line *line, const char *word)
{
	line_add(line, word, strlen(word));
}

static void
line_tags(struct line *line, const struct view *view, const struct repute_hit *hit)
{
	struct explain_tags walk;
	struct repute_tag tag;
	const char *category = NULL;
	explain_tags_init(&walk, view, hit);
	while (explain_tags_next(&walk, &tag)) {
		bool more = category == tag.category;
		line_word(line, more ? "," : category == NULL ? " [" : "; ");
		if (!more) {
			line_add(line, tag.category, tag.category_length);
			line_word(line, "=");
		}
		line_add(line, tag.value, tag.value_length);
		category = tag.category;
	}
	if (category != NULL)
		line_word(line, "]");
}

size_t
explain_hit(const struct view *view, const struct repute_hit *hit, char *text, size_t capacity)
{
	struct line line = {text, 0, capacity};
	char key_text[KEY_PRINT_BYTES], time[CLOCK_TEXT_BYTES];
	struct key key;
	if (hit->found) {
		lookup_hit_key(view, hit, &key);
		line_word(&line, kind_name(hit->kind));
		line_word(&line, " ");
		line_add(&line, key_text, key_print(&key, key_text));
		line_word(&line, " (");
		line_word(&line, scope_name(hit->scope));
		line_word(&line, hit->embedded ? ", embedded) from " : ") from ");
		line_add(&line, hit->source, hit->source_length);
		line_tags(&line, view, hit);
		const struct { const char *name; uint64_t when; } times[] = {
			{" first seen ", hit->first_seen},
			{" last seen ", hit->last_seen},
			{" expires ", hit->expires},
		};
		for (int i = 0; i < 3; i++) {
			clock_print(times[i].when, time);
			line_word(&line, times[i].name);
			line_word(&line, time);
		}
	} else {
		line_word(&line, "not listed");
	}
	if (capacity > 0)
		text[line.length < capacity ? line.length : capacity - 1] = '\0';
	return line.length;
}
