/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
long_text(uint32_t number, char text[POWER_KEY_BYTES])
{
	int length = snprintf(text, POWER_KEY_BYTES, "http://l%" PRIu32 ".power.example/", number);
	uint32_t word = number * 2654435761u + 1;
	for (int i = 0; i < 900; i++) {
		word = word * 1664525u + 1013904223u;
		text[length++] = (char)('a' + (word >> 24) % 26);
	}
	text[length] = '\0';
}

void
power_key_text(uint32_t number, char spelled[POWER_KEY_BYTES], char printed[POWER_KEY_BYTES],
	       const char **scope)
{
	uint32_t way = number >= POWER_LONG_KEYS ? 9 : number % 5;
	*scope = "exact";
	if (way == 0)
		snprintf(spelled, POWER_KEY_BYTES, "k%" PRIu32 ".power.example", number);
	else if (way == 1)
		snprintf(spelled, POWER_KEY_BYTES, "10.20.%" PRIu32 ".%" PRIu32, number / 250, number % 250);
	else if (way == 2)
		snprintf(spelled, POWER_KEY_BYTES, "http://u%" PRIu32 ".power.example/p", number);
	else if (way == 3)
		snprintf(spelled, POWER_KEY_BYTES, "%016x%016x%016x%016x", number, ~number, number * 7,
			 number ^ 0x5a5a5a5au);
	else if (way == 4)
		snprintf(spelled, POWER_KEY_BYTES, "*.b%" PRIu32 ".power.example", number);
	else
		long_text(number, spelled);
	memcpy(printed, spelled, POWER_KEY_BYTES);
	if (way != 4)
		return;
	snprintf(printed, POWER_KEY_BYTES, "b%" PRIu32 ".power.example", number);
	*scope = "below";
}

const char *
power_source_name(uint32_t source)
{
	static const char *const names[POWER_SOURCES] = {"alpha", "beta", "after"};
	return names[source];
}

const char *
power_tag_text(uint32_t tag, char text[32])
{
	snprintf(text, 32, "family-%" PRIu32, tag);
	return tag == 0 ? NULL : text;
}

void
power_category_name(uint32_t number, char text[32])
{
	snprintf(text, 32, "Power %" PRIu32, number);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Multiply and fold, twice; each is finished well, for they are added up. */
static uint64_t
finish(uint64_t word)
{
	word = (word ^ word >> 33) * 0xff51afd7ed558ccd;
	word = (word ^ word >> 33) * 0xc4ceb9fe1a85ec53;
	return word ^ word >> 33;
}

void
power_digest_add(struct power_digest *digest, const char *line, size_t length)
{
	uint64_t a = 0xcbf29ce484222325 + length, b = 0x84222325cbf29ce4 ^ length;
	for (size_t i = 0; i < length; i += sizeof(uint64_t)) {
		uint64_t word = 0;
		memcpy(&word, line + i, length - i < sizeof(word) ? length - i : sizeof(word));
		a = (a ^ word) * 0xff51afd7ed558ccd;
		b = (b + word) * 0x9e3779b97f4a7c15;
		a ^= a >> 29;
		b ^= b >> 31;
	}
	digest->sum[0] += finish(a);
	digest->sum[1] += finish(b);
	digest->lines++;
}

bool
power_digest_same(const struct power_digest *a, const struct power_digest *b)
{
	return a->lines == b->lines && a->sum[0] == b->sum[0] && a->sum[1] == b->sum[1];
}

static void
digest_line(void *context, const char *line, size_t length)
{
	power_digest_add(context, line, length);
}

void
power_world_digest(const struct power_world *world, struct power_digest *digest)
{
	memset(digest, 0, sizeof(*digest));
	power_world_lines(world, digest_line, digest);
}

void
power_world_lines(const struct power_world *world, power_line_cb *call, void *context)
{
	char line[POWER_LINE_BYTES], spelled[POWER_KEY_BYTES], printed[POWER_KEY_BYTES], tag[32];
	const char *scope;
	int length;
	for (uint32_t key = 0; key < POWER_KEYS; key++)
		for (uint32_t source = 0; source < POWER_SOURCES; source++) {
			const struct power_cell *cell = &world->cell[key][source];
			if (!cell->present)
				continue;
			power_key_text(key, spelled, printed, &scope);
			const char *text = power_tag_text(cell->tag, tag);
			length = snprintf(line, sizeof(line), "%s|%s|%s|%s|%" PRIu64, printed, scope,
					  power_source_name(source), text == NULL ? "" : text,
					  cell->expires);
			call(context, line, (size_t)length);
		}
	for (uint32_t i = 0; i < POWER_CATEGORIES; i++) {
		if (!world->category[i])
			continue;
		power_category_name(i, tag);
		length = snprintf(line, sizeof(line), "category|%s", tag);
		call(context, line, (size_t)length);
	}
}

/* --- steps ------------------------------------------------------------------------------------- */

static void
apply_keys(struct power_world *world, const struct power_step *step)
{
	for (uint32_t key = 0; key < POWER_KEYS; key++) {
		struct power_cell *cell = &world->cell[key][step->source];
		bool named = key >= step->first && key < step->first + step->count;
		if (named && step->kind != POWER_REMOVE) {
			cell->present = true;
			cell->tag = (uint8_t)step->tag;
			cell->expires = POWER_NOW + step->days * POWER_DAY;
		} else if (named || step->kind == POWER_MIRROR) {
			cell->present = false;
		}
	}
}

static void
apply_all(struct power_world *world, const struct power_step *step)
{
	for (uint32_t key = 0; key < POWER_KEYS; key++)
		for (uint32_t source = 0; source < POWER_SOURCES; source++) {
			struct power_cell *cell = &world->cell[key][source];
			if (step->kind == POWER_RETAG && source == step->source && cell->present)
				cell->tag = (uint8_t)step->tag;
			if (step->kind == POWER_EXPIRE && cell->expires <= world->now)
				cell->present = false;
		}
}

void
power_world_apply(struct power_world *world, const struct power_step *step)
{
	if (step->kind == POWER_PUT || step->kind == POWER_REMOVE || step->kind == POWER_MIRROR)
		apply_keys(world, step);
	if (step->kind == POWER_EXPIRE)
		world->now = POWER_NOW + step->days * POWER_DAY;
	if (step->kind == POWER_EXPIRE || step->kind == POWER_RETAG)
		apply_all(world, step);
	if (step->kind == POWER_CATEGORY)
		world->category[step->category] = true;
}

void
power_step_print(const struct power_step *step, char text[96])
{
	static const char *const words[] = {
		[POWER_PUT] = "put", [POWER_REMOVE] = "remove", [POWER_MIRROR] = "mirror",
		[POWER_RETAG] = "retag", [POWER_EXPIRE] = "expire", [POWER_CATEGORY] = "category",
		[POWER_COMPACT] = "compact", [POWER_FOLD] = "fold", [POWER_INSTALL] = "install",
		[POWER_NOTHING] = "nothing",
	};
	snprintf(text, 96, "%s%s, %" PRIu32 " keys from %" PRIu32 " of %s", step->command ? "repute " : "",
		 words[step->kind], step->count, step->first, power_source_name(step->source));
}
