/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/swap_truth.h"

#include <stdio.h>
#include <string.h>

enum { IPV4, IPV6, DOMAIN, URL, SHA1, SHA256 };

const char *const swap_source[SWAP_ROLES] = {"alpha", "beta", "gamma"};

/* splitmix64 */
uint64_t
swap_mix(uint64_t word)
{
	word += 0x9e3779b97f4a7c15ull;
	word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ull;
	word = (word ^ (word >> 27)) * 0x94d049bb133111ebull;
	return word ^ (word >> 31);
}

unsigned
swap_slots(int kind, enum swap_role role)
{
	if (role != SWAP_PARENT)
		return SWAP_LEAVES;
	return kind < SHA1 ? SWAP_PARENTS : 0;
}

static unsigned
block_of(enum swap_role role, unsigned slot)
{
	return role == SWAP_PARENT ? slot * SWAP_FAMILY / SWAP_BLOCK : slot / SWAP_BLOCK;
}

bool
swap_touches(uint32_t revision, enum swap_role role, unsigned slot)
{
	return revision == 0 || revision % SWAP_PERIOD == block_of(role, slot);
}

void
swap_claim(int kind, enum swap_role role, unsigned slot, uint32_t revision,
	   struct swap_claim *claim)
{
	uint32_t since = (revision + SWAP_PERIOD - block_of(role, slot)) % SWAP_PERIOD;
	uint32_t touched = revision > since ? revision - since : 0;
	uint64_t chance = swap_mix(((uint64_t)touched << 32) ^ (slot << 8) ^ (unsigned)(kind << 4) ^
				   (unsigned)role);
	bool never = role != SWAP_PARENT && slot % SWAP_FAMILY == SWAP_FAMILY - 1;
	claim->role = role;
	claim->touched = touched;
	claim->listed = !never && chance % (role == SWAP_BETA ? 2 : 4) != 0;
	claim->expires = SWAP_EXPIRES + (uint64_t)touched * SWAP_STEP + chance / 8 % SWAP_STEP;
}

unsigned
swap_beta_priority(uint32_t revision)
{
	return revision / 5 % 2 == 0 ? SWAP_PRIORITY : SWAP_PRIORITY - 1;
}

unsigned
swap_expect(int kind, unsigned leaf, uint32_t revision, uint64_t now,
	    struct swap_claim claims[SWAP_ROLES])
{
	unsigned count = 0;
	for (enum swap_role role = SWAP_ALPHA; role < SWAP_ROLES; role++) {
		if (swap_slots(kind, role) == 0)
			continue;
		swap_claim(kind, role, role == SWAP_PARENT ? leaf / SWAP_FAMILY : leaf, revision,
			   &claims[count]);
		count += claims[count].listed && now < claims[count].expires;
	}
	if (count > 1 && claims[1].role == SWAP_BETA && swap_beta_priority(revision) < SWAP_PRIORITY) {
		struct swap_claim alpha = claims[0];
		claims[0] = claims[1];
		claims[1] = alpha;
	}
	return count;
}

/* --- keys --------------------------------------------------------------------------------- */

uint32_t
swap_ipv4(unsigned leaf)
{
	return 0x0b000000u + (leaf / SWAP_FAMILY << 8) + 1 + leaf % SWAP_FAMILY * 31;
}

void
swap_ipv6(unsigned leaf, uint8_t address[16])
{
	static const uint8_t begin[16] = {0x20, 0x01, 0x0d, 0xb8};
	memcpy(address, begin, 16);
	address[7] = (uint8_t)(leaf / SWAP_FAMILY + 1);
	address[15] = (uint8_t)(leaf % SWAP_FAMILY + 1);
}

void
swap_digest(int kind, unsigned leaf, uint8_t *digest)
{
	unsigned length = kind == SHA1 ? 20 : 32;
	for (unsigned i = 0; i < length; i++)
		digest[i] = (uint8_t)(swap_mix((uint64_t)leaf * 64 + i / 8 + ((uint64_t)kind << 40)) >>
				      i % 8 * 8);
}

static void
hex(const uint8_t *bytes, unsigned length, char *text)
{
	for (unsigned i = 0; i < length; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static void
leaf_text(int kind, unsigned leaf, char text[SWAP_TEXT])
{
	unsigned parent = leaf / SWAP_FAMILY, child = leaf % SWAP_FAMILY;
	uint32_t address = swap_ipv4(leaf);
	uint8_t digest[32];
	if (kind == IPV4)
		snprintf(text, SWAP_TEXT, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
			 address >> 8 & 255, address & 255);
	else if (kind == IPV6)
		snprintf(text, SWAP_TEXT, "2001:db8:0:%x::%x", parent + 1, child + 1);
	else if (kind == DOMAIN)
		snprintf(text, SWAP_TEXT, "h%u.d%u.swap.example", child, parent);
	else if (kind == URL)
		snprintf(text, SWAP_TEXT, "http://u%u.swap.example/a/%u", parent, child);
	else
		swap_digest(kind, leaf, digest), hex(digest, kind == SHA1 ? 20 : 32, text);
}

void
swap_text(int kind, enum swap_role role, unsigned slot, char text[SWAP_TEXT])
{
	if (role != SWAP_PARENT)
		leaf_text(kind, slot, text);
	else if (kind == IPV4)
		snprintf(text, SWAP_TEXT, "11.0.%u.0/24", slot);
	else if (kind == IPV6)
		snprintf(text, SWAP_TEXT, "2001:db8:0:%x::/64", slot + 1);
	else if (kind == DOMAIN)
		snprintf(text, SWAP_TEXT, "d%u.swap.example", slot);
	else
		snprintf(text, SWAP_TEXT, "http://u%u.swap.example/a", slot);
}

void
swap_tag(uint32_t touched, char text[SWAP_TEXT])
{
	snprintf(text, SWAP_TEXT, "of revision %u", touched);
}
