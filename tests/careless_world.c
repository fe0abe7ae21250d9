/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/careless_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scratch.h"

enum { IS_IPV4, IS_IPV6, IS_DOMAIN, IS_URL, IS_SHA1, IS_SHA256 };

/* splitmix64 */
uint64_t
world_mix(uint64_t seed, uint64_t n)
{
	uint64_t z = seed + n * 0x9e3779b97f4a7c15ull + 0x632be59bd9b4e019ull;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint32_t
world_end(uint64_t generation)
{
	return generation == 0   ? 0
	       : generation == 1 ? WORLD_BASE
				 : WORLD_SECOND + (uint32_t)(generation - 2) * WORLD_STEP;
}

void
world_entry(uint64_t seed, uint32_t n, uint64_t generation, struct world_entry *entry)
{
	uint64_t mix = world_mix(seed, n);
	entry->listed = n < world_end(generation) && (mix >> 63) != 0;
	entry->expires = WORLD_NOW + 1000000 + mix % 100000000;
	snprintf(entry->source, sizeof(entry->source), "source-%u", (unsigned)(mix >> 40) % 5);
	snprintf(entry->family, sizeof(entry->family), "family-%u", (unsigned)(mix >> 20) % 300);
}

/* Different for different n: an odd factor permutes the addresses. */
uint32_t
world_ipv4(uint64_t seed, uint32_t n)
{
	return 0x0b000000u + ((n * 2654435761u + (uint32_t)seed) & 0x3fffffffu);
}

void
world_bytes(uint64_t seed, uint32_t n, uint8_t bytes[32])
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t word = world_mix(seed ^ (i + 1) * 0x1234567ull, n);
		memcpy(bytes + 8 * i, &word, 8);
	}
	if (n % WORLD_KINDS == IS_IPV6) {
		static const uint8_t documentation[4] = {0x20, 0x01, 0x0d, 0xb8};
		memcpy(bytes, documentation, sizeof(documentation));
	}
}

void
world_text(uint64_t seed, uint32_t n, char text[WORLD_TEXT])
{
	uint8_t bytes[32];
	uint32_t address = world_ipv4(seed, n);
	unsigned length = n % WORLD_KINDS == IS_SHA1 ? 20 : 32;
	world_bytes(seed, n, bytes);
	switch (n % WORLD_KINDS) {
	case IS_IPV4:
		snprintf(text, WORLD_TEXT, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
			 address >> 8 & 255, address & 255);
		return;
	case IS_IPV6:
		for (unsigned i = 0, at = 0; i < 16; i += 2)
			at += (unsigned)snprintf(text + at, WORLD_TEXT - at, "%s%x", i == 0 ? "" : ":",
						 bytes[i] << 8 | bytes[i + 1]);
		return;
	case IS_DOMAIN:
		snprintf(text, WORLD_TEXT, "h%016" PRIx64 ".example%u.net", world_mix(seed, n), n % 97);
		return;
	case IS_URL:
		snprintf(text, WORLD_TEXT, "http://u%016" PRIx64 ".example/p/%u", world_mix(seed, n), n);
		return;
	default:
		for (unsigned i = 0; i < length; i++)
			snprintf(text + 2 * i, WORLD_TEXT - 2 * i, "%02x", bytes[i]);
	}
}

void
world_publish(uint64_t seed, const char *store, uint64_t generation)
{
	struct scratch_write change;
	scratch_begin(&change, store, WORLD_NOW);
	for (uint32_t n = world_end(generation - 1); n < world_end(generation); n++) {
		struct world_entry entry;
		char text[WORLD_TEXT];
		world_entry(seed, n, generation, &entry);
		if (!entry.listed)
			continue;
		world_text(seed, n, text);
		struct key *key = scratch_key(text, 0);
		scratch_put(&change, entry.source, key, entry.family, 0, entry.expires);
		free(key);
	}
	scratch_commit(&change, false);
	if (change.generation != generation) {
		fprintf(stderr, "published generation %" PRIu64 ", not %" PRIu64 "\n",
			change.generation, generation);
		exit(2);
	}
}

bool
world_judge(uint64_t seed, uint32_t n, uint64_t generation, const struct repute_view *view,
	    const struct repute_hit *hit, char why[256])
{
	struct world_entry entry;
	struct repute_tag tag;
	world_entry(seed, n, generation, &entry);
	if (hit->found != entry.listed) {
		snprintf(why, 256, "number %u at generation %" PRIu64 ": %s, and it is%s", n,
			 generation, hit->found ? "found" : "not found", entry.listed ? "" : " not");
		return false;
	}
	if (!hit->found)
		return true;
	bool right = hit->exact && hit->kind == n % WORLD_KINDS && hit->expires == entry.expires &&
		     hit->source_length == strlen(entry.source) &&
		     memcmp(hit->source, entry.source, hit->source_length) == 0;
	if (right && n % 7 == 0)
		right = repute_hit_tags(view, hit, &tag, 1) == 1 &&
			tag.value_length == strlen(entry.family) &&
			memcmp(tag.value, entry.family, tag.value_length) == 0;
	if (!right)
		snprintf(why, 256, "number %u at generation %" PRIu64 ": another claim than its own",
			 n, generation);
	return right;
}
