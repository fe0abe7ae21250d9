/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/canon_quick.h"

#include "engine/canon_host.h"
#include "engine/canon_ip.h"
#include "engine/canon_percent.h"

/* 255.255.255.255 */
#define IPV4_BYTES 15

/* Steps are told by the slow way only; nor is a text mended that stands in its own key. */
static bool
may_mend(const char *text, const struct canon_options *options, const struct key *key)
{
	bool watched = options != NULL && options->on_step != NULL;
	return !watched && (uintptr_t)text - (uintptr_t)key >= sizeof(*key);
}

/* A star at the end is a wildcard after a backslash, and after a slash in an entry. */
static bool
star_ends(const char *text, size_t length, enum canon_use use)
{
	if (text[length - 1] != '*')
		return false;
	return text[length - 2] == '\\' || (use == CANON_ENTRY && text[length - 2] == '/');
}

static inline bool
url_quick(const char *text, size_t length, const struct canon_options *options, struct key *key)
{
	struct canon_scan scan;
	bool clean = canon_scan_url(text, length, &scan);
	if (scan.host == 0 || length > LIMIT_URL_BYTES)
		return false;
	enum canon_use use = options == NULL ? CANON_QUERY : options->use;
	if (star_ends(text, length, use))
		return false;
	if (!clean || scan.end - scan.host >= CANON_HOST_BYTES)
		return may_mend(text, options, key) && canon_mend_url(text, length, &scan, key);
	canon_borrow_url(key, text, length, scan.host, scan.end);
	return true;
}

/* A single word whose kind is to be found may be a hash. */
static inline bool
domain_quick(bool any, const char *text, size_t length, const struct canon_options *options,
	     struct key *key)
{
	size_t label = canon_scan_domain(text, length);
	if (label == CANON_SCAN_NONE)
		return may_mend(text, options, key) && canon_mend_domain(text, length, any, key);
	if (any && label == 0)
		return false;
	canon_borrow(key, KIND_DOMAIN, text, length);
	return true;
}

static bool
ipv4_quick(const char *text, size_t length, struct key *key)
{
	uint32_t address;
	if (length > IPV4_BYTES || !canon_ipv4_parse(text, length, &address))
		return false;
	key_set_ipv4(key, address, 32);
	return true;
}

/* Hex digits and no more, in any case; `kind` is sha1 or sha256. */
static bool
hash_quick(enum kind kind, const char *text, size_t length, struct key *key)
{
	uint8_t digest[32];
	if (length != 2 * (size_t)kind_table[kind].key_bytes)
		return false;
	for (size_t i = 0; i < length; i += 2) {
		if (!canon_is(text[i], CANON_HEX) || !canon_is(text[i + 1], CANON_HEX))
			return false;
		digest[i / 2] = (uint8_t)(canon_hex(text[i]) << 4 | canon_hex(text[i + 1]));
	}
	key_set_digest(key, kind, digest);
	return true;
}

static bool
any_quick(const char *text, size_t length, const struct canon_options *options, struct key *key)
{
	if (length > 8 && memcmp(text, "http", 4) == 0 && url_quick(text, length, options, key))
		return true;
	if (length > 0 && canon_is(text[0], CANON_DIGIT) && ipv4_quick(text, length, key))
		return true;
	if (hash_quick(KIND_SHA1, text, length, key) || hash_quick(KIND_SHA256, text, length, key))
		return true;
	return domain_quick(true, text, length, options, key);
}

static inline bool
quick(enum kind kind, const char *text, size_t length, const struct canon_options *options,
      struct key *key)
{
	if (kind == KIND_URL)
		return url_quick(text, length, options, key);
	if (kind == KIND_DOMAIN)
		return domain_quick(false, text, length, options, key);
	if (kind == KIND_IPV4)
		return ipv4_quick(text, length, key);
	if (kind == KIND_SHA1 || kind == KIND_SHA256)
		return hash_quick(kind, text, length, key);
	return kind == KIND_ANY && any_quick(text, length, options, key);
}

bool
canon_quick(enum kind kind, const char *text, size_t length, const struct canon_options *options,
	    struct key *key)
{
	return quick(kind, text, length, options, key);
}

enum status
canon_key(enum kind kind, const char *text, size_t length, struct canon_options *options,
	  struct key *key, struct fault *fault)
{
	if (!quick(kind, text, length, options, key))
		return canon_slow(kind, text, length, options, key, fault);
	if (options != NULL)
		options->notes = 0;
	return STATUS_OK;
}
