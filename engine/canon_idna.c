/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/canon_idna.h"

#include <idn2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/canon_percent.h"

/* Letters that libidn2 accepts anywhere and that never compose: by direction. */
#define STAND_NEUTRAL 0x02b9u
#define STAND_LEFT 0x4e00u
#define STAND_RIGHT 0x05d0u
#define STAND_DIGIT 0x06f0u
#define STAND_ARABIC 0x0660u
#define SLASH_OVERLAY 0x0338u /* the one mark that symbols compose with */

#define LABEL_BYTES (CANON_IDNA_LABEL_POINTS * 8)

struct span {
	uint16_t start, count;
};

/*
 * One label. `point` is the text after the table's mapping; `span` lists what
 * was taken out of it, in order, for the stand-ins in `utf8`.
 */
struct label {
	uint32_t point[CANON_IDNA_LABEL_POINTS];
	size_t count;
	struct span span[CANON_IDNA_LABEL_POINTS];
	size_t spans;
	char utf8[4 * CANON_IDNA_LABEL_POINTS + 1];
	size_t bytes;
};

static int
mapped_compare(const void *key, const void *row)
{
	const struct canon_idna_mapped *range = row;
	uint32_t point = *(const uint32_t *)key;
	return point < range->first ? -1 : point > range->last;
}

static int
valid_compare(const void *key, const void *row)
{
	const struct canon_idna_valid *range = row;
	uint32_t point = *(const uint32_t *)key;
	return point < range->first ? -1 : point > range->last;
}

/* The table's mapping; false if the point is ignored. */
static bool
point_map(uint32_t *point)
{
	if (*point == 0xff0d || *point == 0xfe63) { /* full-width and small hyphen */
		*point = '-';
		return true;
	}
	if (bsearch(point, canon_idna_ignored, canon_idna_ignored_count,
		    sizeof(canon_idna_ignored[0]), mapped_compare) != NULL)
		return false;
	const struct canon_idna_mapped *range =
		bsearch(point, canon_idna_mapped, canon_idna_mapped_count,
			sizeof(canon_idna_mapped[0]), mapped_compare);
	if (range != NULL)
		*point = (uint32_t)((int32_t)*point + range->delta);
	return true;
}

/* By the letter of canon_idna_valid.stands. */
static const uint32_t stand_of_class[32] = {
	['n' & 31] = STAND_NEUTRAL, ['l' & 31] = STAND_LEFT,   ['r' & 31] = STAND_RIGHT,
	['e' & 31] = STAND_DIGIT,   ['a' & 31] = STAND_ARABIC,
};

static bool
is_stand(uint32_t point)
{
	return point == STAND_NEUTRAL || point == STAND_LEFT || point == STAND_RIGHT ||
	       point == STAND_DIGIT || point == STAND_ARABIC;
}

/* What stands for a point when libidn2 is asked; 0 = itself. */
static uint32_t
point_stand(uint32_t point)
{
	if (point == '-')
		return STAND_NEUTRAL;
	if (is_stand(point))
		return point;
	const struct canon_idna_valid *range =
		bsearch(&point, canon_idna_valid, canon_idna_valid_count,
			sizeof(canon_idna_valid[0]), valid_compare);
	return range == NULL ? 0 : stand_of_class[(uint8_t)range->stands & 31];
}

static bool
is_dot(uint32_t point)
{
	return point == '.' || point == 0x3002 || point == 0xff0e || point == 0xff61;
}

/*
 * Letters and digits at `start` that a long label can do without: not the
 * last before a point outside ASCII, with which it may compose.
 */
static size_t
plain_run(const struct label *label, size_t start, bool *letters)
{
	size_t end = start;
	*letters = false;
	for (; end < label->count && label->point[end] < 0x80; end++) {
		if (!canon_is((char)label->point[end], CANON_NAME | CANON_UPPER))
			break;
		*letters |= canon_is((char)label->point[end], CANON_ALPHA | CANON_UPPER);
	}
	if (end > start && end < label->count && label->point[end] >= 0x80)
		end--;
	return end - start;
}

static void
label_stand(struct label *label, size_t start, size_t count, uint32_t stand)
{
	label->span[label->spans++] = (struct span){ (uint16_t)start, (uint16_t)count };
	label->bytes += canon_utf8_put(label->utf8 + label->bytes, stand);
}

/* Write the question for libidn2; `shorten` also takes plain runs out. */
static void
label_ask(struct label *label, bool shorten)
{
	label->spans = label->bytes = 0;
	for (size_t i = 0; i < label->count;) {
		bool letters;
		uint32_t stand = point_stand(label->point[i]);
		size_t run = shorten && stand == 0 ? plain_run(label, i, &letters) : 0;
		if (run > 1) {
			label_stand(label, i, run, letters ? STAND_LEFT : STAND_NEUTRAL);
			i += run;
			continue;
		}
		if (stand != 0)
			label_stand(label, i, 1, stand);
		else
			label->bytes += canon_utf8_put(label->utf8 + label->bytes, label->point[i]);
		i++;
	}
	label->utf8[label->bytes] = '\0';
}

/* Put back what stood aside; `in` is libidn2's answer. Returns 0 if it does not fit. */
static size_t
label_restore(const struct label *label, const uint32_t *in, size_t count, uint32_t *out)
{
	size_t used = 0, next = 0;
	for (size_t i = 0; i < count; i++) {
		bool stands = is_stand(in[i]);
		struct span span = { 0, 1 };
		if (stands && next == label->spans)
			return 0;
		if (stands)
			span = label->span[next++];
		if (used + span.count > CANON_IDNA_LABEL_POINTS)
			return 0;
		for (size_t k = 0; k < span.count; k++) {
			uint32_t point = stands ? label->point[span.start + k] : in[i];
			out[used++] = point < 0x80 ? (uint8_t)canon_lower((char)point) : point;
		}
		if (stands && out[used - 1] >= 0x80 && i + 1 < count && in[i + 1] == SLASH_OVERLAY)
			return 0;
	}
	return next == label->spans ? used : 0;
}

static bool
points_ascii(const uint32_t *points, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (points[i] >= 0x80)
			return false;
	return true;
}

static bool
has_prefix(const char *text, size_t length)
{
	return length >= 4 && memcmp(text, "xn--", 4) == 0;
}

/* Points in their final form to an A-label, or to themselves if they are ASCII. */
static enum status
label_write(const uint32_t *points, size_t count, char *out, size_t cap, size_t *length)
{
	size_t used = 0;
	if (cap < count + 5)
		return STATUS_BAD_DOMAIN;
	for (; used < count && points[used] < 0x80; used++)
		out[used] = (char)points[used];
	*length = used;
	if (used == count)
		return STATUS_OK;
	if (has_prefix(out, used))
		return STATUS_BAD_DOMAIN;
	memcpy(out, "xn--", 4);
	size_t size = canon_punycode_encode(points, count, out + 4, cap - 4);
	*length = size + 4;
	return size == 0 ? STATUS_BAD_DOMAIN : STATUS_OK;
}

/* The answer of libidn2 as points, plain or out of its A-label. */
static size_t
ace_points(const char *ace, uint32_t *points)
{
	size_t length = strlen(ace);
	if (has_prefix(ace, length))
		return canon_punycode_decode(ace + 4, length - 4, points, CANON_IDNA_LABEL_POINTS);
	if (length > CANON_IDNA_LABEL_POINTS || memchr(ace, '.', length) != NULL)
		return 0;
	for (size_t i = 0; i < length; i++)
		points[i] = (uint8_t)ace[i];
	return length;
}

static int
label_lookup(struct label *label, char **ace)
{
	uint8_t *answer = NULL;
	label_ask(label, false);
	int code = idn2_lookup_u8((const uint8_t *)label->utf8, &answer, IDN2_NONTRANSITIONAL);
	if (code != IDN2_OK && code != IDN2_MALLOC) {
		label_ask(label, true);
		code = idn2_lookup_u8((const uint8_t *)label->utf8, &answer, IDN2_NONTRANSITIONAL);
	}
	*ace = (char *)answer;
	return code;
}

/* A label with points outside ASCII. */
static enum status
label_wide(struct label *label, char *out, size_t cap, size_t *length)
{
	char *ace;
	uint32_t answer[CANON_IDNA_LABEL_POINTS], points[CANON_IDNA_LABEL_POINTS];
	int code = label_lookup(label, &ace);
	if (code != IDN2_OK)
		return code == IDN2_MALLOC ? STATUS_NO_MEMORY : STATUS_BAD_DOMAIN;
	size_t count = ace_points(ace, answer);
	bool empty = *ace == '\0';
	idn2_free(ace);
	*length = 0;
	if (empty)
		return label->spans == 0 ? STATUS_OK : STATUS_BAD_DOMAIN;
	count = count == 0 ? 0 : label_restore(label, answer, count, points);
	return count == 0 ? STATUS_BAD_DOMAIN : label_write(points, count, out, cap, length);
}

/* An A-label among other labels: it must be what its own decoding encodes to. */
static enum status
alabel_check(const char *text, size_t length)
{
	struct label label;
	char again[LABEL_BYTES];
	size_t again_length;
	label.count = canon_punycode_decode(text + 4, length - 4, label.point,
					    CANON_IDNA_LABEL_POINTS);
	if (label.count == 0 || points_ascii(label.point, label.count))
		return STATUS_BAD_DOMAIN;
	enum status status = label_wide(&label, again, sizeof(again), &again_length);
	if (status == STATUS_OK && (again_length != length || memcmp(again, text, length) != 0))
		return STATUS_BAD_DOMAIN;
	return status;
}

static enum status
label_convert(struct label *label, char *out, size_t cap, size_t *length)
{
	*length = 0;
	if (points_ascii(label->point, label->count)) {
		if (label->count > cap)
			return STATUS_BAD_DOMAIN;
		for (size_t i = 0; i < label->count; i++)
			out[i] = canon_lower((char)label->point[i]);
		*length = label->count;
	} else {
		enum status status = label_wide(label, out, cap, length);
		if (status != STATUS_OK)
			return status;
	}
	return has_prefix(out, *length) ? alabel_check(out, *length) : STATUS_OK;
}

/* Read one label at text[*i]; false if it is too long. *i stands on the dot or the end. */
static bool
label_read(struct label *label, const char *text, size_t length, size_t *i)
{
	label->count = 0;
	while (*i < length) {
		size_t next = *i;
		uint32_t point = canon_utf8_next(text, &next);
		if (is_dot(point))
			return true;
		*i = next;
		if (!point_map(&point))
			continue;
		if (label->count == CANON_IDNA_LABEL_POINTS)
			return false;
		label->point[label->count++] = point;
	}
	return true;
}

enum status
canon_idna(const char *text, size_t length, char *out, size_t cap, size_t *out_length)
{
	struct label label;
	size_t used = 0;
	for (size_t i = 0;;) {
		size_t size;
		if (!label_read(&label, text, length, &i))
			return STATUS_BAD_DOMAIN;
		enum status status = label_convert(&label, out + used, cap - used, &size);
		if (status != STATUS_OK)
			return status;
		used += size;
		if (i == length)
			break;
		canon_utf8_next(text, &i);
		if (used == cap)
			return STATUS_BAD_DOMAIN;
		out[used++] = '.';
	}
	*out_length = used;
	return STATUS_OK;
}
