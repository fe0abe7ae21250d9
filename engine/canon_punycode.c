/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3492, with the names of its chapter 6. */
#include <stdbool.h>

#include "engine/canon_idna.h"
#include "engine/canon_percent.h"

#define BASE 36u
#define TMIN 1u
#define TMAX 26u
#define SKEW 38u
#define DAMP 700u
#define FIRST_BIAS 72u
#define FIRST_POINT 0x80u
/* Keeps delta * count below 2^32 with labels of CANON_IDNA_LABEL_POINTS. */
#define DELTA_MAX (0x110000u * 512u)

static uint32_t
bias_adapt(uint32_t delta, uint32_t count, bool first)
{
	uint32_t k = 0;
	delta /= first ? DAMP : 2;
	delta += delta / count;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static uint32_t
threshold(uint32_t k, uint32_t bias)
{
	if (k <= bias)
		return TMIN;
	return k >= bias + TMAX ? TMAX : k - bias;
}

static size_t
put_delta(uint32_t delta, uint32_t bias, char *out, size_t cap)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t used = 0;
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = threshold(k, bias);
		if (used == cap)
			return 0;
		if (delta < t) {
			out[used++] = digits[delta];
			return used;
		}
		out[used++] = digits[t + (delta - t) % (BASE - t)];
		delta = (delta - t) / (BASE - t);
	}
}

static size_t
put_basic(const uint32_t *points, size_t count, char *out, size_t cap)
{
	size_t used = 0;
	for (size_t i = 0; i < count; i++)
		if (points[i] < FIRST_POINT && used + 1 < cap)
			out[used++] = (char)points[i];
	return used;
}

static uint32_t
next_point(const uint32_t *points, size_t count, uint32_t from)
{
	uint32_t least = UINT32_MAX;
	for (size_t i = 0; i < count; i++)
		if (points[i] >= from && points[i] < least)
			least = points[i];
	return least;
}

size_t
canon_punycode_encode(const uint32_t *points, size_t count, char *out, size_t cap)
{
	if (cap <= count + 1 || count > CANON_IDNA_LABEL_POINTS)
		return 0;
	size_t basic = put_basic(points, count, out, cap), used = basic, done = basic;
	if (basic > 0)
		out[used++] = '-';
	uint32_t bias = FIRST_BIAS, delta = 0, at = FIRST_POINT;
	for (; done < count; delta++, at++) {
		uint32_t point = next_point(points, count, at);
		delta += (point - at) * (uint32_t)(done + 1);
		at = point;
		for (size_t i = 0; i < count; i++) {
			delta += points[i] < at;
			if (points[i] != at)
				continue;
			size_t size = put_delta(delta, bias, out + used, cap - used);
			if (size == 0)
				return 0;
			used += size;
			bias = bias_adapt(delta, (uint32_t)done + 1, done == basic);
			delta = 0;
			done++;
		}
	}
	return used;
}

static bool
digit_value(char byte, uint32_t *value)
{
	if (canon_is(byte, CANON_ALPHA | CANON_UPPER))
		*value = (uint32_t)((byte | 0x20) - 'a');
	else if (canon_is(byte, CANON_DIGIT))
		*value = (uint32_t)(byte - '0') + 26;
	else
		return false;
	return true;
}

/* One variable-length number at text[*at]. */
static bool
get_delta(const char *text, size_t length, size_t *at, uint32_t bias, uint32_t *delta)
{
	uint64_t sum = 0, weight = 1;
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t digit, t = threshold(k, bias);
		if (*at == length || !digit_value(text[(*at)++], &digit))
			return false;
		sum += digit * weight;
		if (sum > DELTA_MAX)
			return false;
		if (digit < t)
			break;
		weight *= BASE - t;
	}
	*delta = (uint32_t)sum;
	return true;
}

static bool
point_insert(uint32_t *points, size_t *count, size_t cap, size_t at, uint32_t point)
{
	if (*count == cap || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return false;
	for (size_t i = (*count)++; i > at; i--)
		points[i] = points[i - 1];
	points[at] = point;
	return true;
}

size_t
canon_punycode_decode(const char *text, size_t length, uint32_t *points, size_t cap)
{
	size_t basic = length;
	while (basic > 0 && text[basic - 1] != '-')
		basic--;
	size_t count = basic > 0 ? basic - 1 : 0;
	if (count > cap)
		return 0;
	for (size_t i = 0; i < count; i++)
		points[i] = (uint8_t)text[i];
	uint32_t bias = FIRST_BIAS, position = 0, point = FIRST_POINT, delta;
	for (size_t at = basic; at < length; position++) {
		if (!get_delta(text, length, &at, bias, &delta))
			return 0;
		bias = bias_adapt(delta, (uint32_t)count + 1,
				  position == 0 && point == FIRST_POINT);
		position += delta;
		point += position / ((uint32_t)count + 1);
		position %= (uint32_t)count + 1;
		if (!point_insert(points, &count, cap, position, point))
			return 0;
	}
	return count;
}
