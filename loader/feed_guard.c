/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/feed_guard.h"

#include <string.h>

#define SHORTEST_IPV4 8
#define SHORTEST_IPV6 16

/* Blocks in which no public host lives: a short prefix inside one of them covers nobody. */
static const struct quiet {
	uint8_t kind, first, bits;
} quiet_blocks[] = {
	{KIND_IPV4, 0xE0, 3}, /* 224.0.0.0/3: multicast and class E */
	{KIND_IPV6, 0xFC, 6}, /* fc00::/6: unique local, link-local, site-local, multicast */
};

static const uint8_t empty_sha1[20] = {
	0xDA, 0x39, 0xA3, 0xEE, 0x5E, 0x6B, 0x4B, 0x0D, 0x32, 0x55,
	0xBF, 0xEF, 0x95, 0x60, 0x18, 0x90, 0xAF, 0xD8, 0x07, 0x09,
};

static const uint8_t empty_sha256[32] = {
	0xE3, 0xB0, 0xC4, 0x42, 0x98, 0xFC, 0x1C, 0x14, 0x9A, 0xFB, 0xF4,
	0xC8, 0x99, 0x6F, 0xB9, 0x24, 0x27, 0xAE, 0x41, 0xE4, 0x64, 0x9B,
	0x93, 0x4C, 0xA4, 0x95, 0x99, 0x1B, 0x78, 0x52, 0xB8, 0x55,
};

static bool
is_quiet(const struct key *key)
{
	for (size_t i = 0; i < sizeof(quiet_blocks) / sizeof(quiet_blocks[0]); i++) {
		const struct quiet *block = &quiet_blocks[i];
		uint8_t mask = (uint8_t)(0xFF << (8 - block->bits));

		if (block->kind == key->kind && key->prefix_bits >= block->bits &&
		    (key->bytes[0] & mask) == block->first)
			return true;
	}
	return false;
}

static enum status
check_prefix(const struct feed_guard *guard, const struct key *key, struct fault *fault)
{
	unsigned shortest = key->kind == KIND_IPV4 ? SHORTEST_IPV4 : SHORTEST_IPV6;

	(void)guard;
	if (key->prefix_bits >= shortest || is_quiet(key))
		return STATUS_OK;
	return fault_set(
		fault, STATUS_BROAD, NULL, 0,
		"a /%u prefix covers far too much of the Internet (the shortest taken is /%u)",
		key->prefix_bits, shortest);
}

static enum status
check_name(const struct feed_guard *guard, const struct key *key, struct fault *fault)
{
	const char *name = key_text(key);

	if (!memchr(name, '.', key->length))
		return fault_set(fault, STATUS_BROAD, NULL, 0, "%.*s is a whole top-level domain",
				 (int)key->length, name);
	if (key->scope != SCOPE_EXACT && guard && guard->is_suffix &&
	    guard->is_suffix(guard->context, name, key->length))
		return fault_set(fault, STATUS_BROAD, NULL, 0,
				 "%.*s is a public suffix: below it are the domains of everybody",
				 (int)key->length, name);
	return STATUS_OK;
}

static size_t
skip(const char *text, size_t length, const char *prefix)
{
	size_t size = strlen(prefix);

	return length >= size && memcmp(text, prefix, size) == 0 ? size : 0;
}

/* Letters and digits that a match must contain, without what every URL begins with. */
static size_t
literal_bytes(const struct key *key)
{
	static const char *const heads[] = {"http://", "https://", "ftp://", "www."};
	const char *text = key_text(key);
	size_t length = key->length, count = 0;

	if (key->pattern & KEY_PATTERN_OPEN_START && length >= KEY_PATTERN_BYTES) {
		text += KEY_PATTERN_BYTES;
		length -= KEY_PATTERN_BYTES;
	}
	if (key->pattern & KEY_PATTERN_OPEN_END && length >= KEY_PATTERN_BYTES)
		length -= KEY_PATTERN_BYTES;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		size_t head = skip(text, length, heads[i]);

		text += head;
		length -= head;
	}
	for (size_t i = 0; i < length; i++)
		count += (text[i] >= '0' && text[i] <= '9') ||
			 ((text[i] | 32) >= 'a' && (text[i] | 32) <= 'z') ||
			 (unsigned char)text[i] >= 0x80;
	return count;
}

static enum status
check_url(const struct feed_guard *guard, const struct key *key, struct fault *fault)
{
	(void)guard;
	if (!key->pattern || literal_bytes(key) >= LIMIT_PATTERN_LITERAL_BYTES)
		return STATUS_OK;
	return fault_set(
		fault, STATUS_BROAD, NULL, 0,
		"a pattern with fewer than %d letters and digits of its own matches far too much",
		LIMIT_PATTERN_LITERAL_BYTES);
}

static enum status
check_hash(const struct feed_guard *guard, const struct key *key, struct fault *fault)
{
	bool sha1 = key->kind == KIND_SHA1;

	(void)guard;
	if (memcmp(key->bytes, sha1 ? empty_sha1 : empty_sha256, sha1 ? 20 : 32) != 0)
		return STATUS_OK;
	return fault_set(fault, STATUS_BROAD, NULL, 0, "it is the hash of the empty file");
}

typedef enum status
guard_check(const struct feed_guard *guard, const struct key *key, struct fault *fault);

static guard_check *const checks[KIND_COUNT] = {
	[KIND_IPV4] = check_prefix, [KIND_IPV6] = check_prefix, [KIND_DOMAIN] = check_name,
	[KIND_URL] = check_url,     [KIND_SHA1] = check_hash,   [KIND_SHA256] = check_hash,
};

enum status
feed_guard_check(const struct feed_guard *guard, const struct key *key, struct fault *fault)
{
	return checks[key->kind](guard, key, fault);
}
