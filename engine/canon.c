/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/canon.h"

#include <stdlib.h>
#include <string.h>

#include "engine/canon_defang.h"
#include "engine/canon_domain.h"
#include "engine/canon_ip.h"
#include "engine/canon_percent.h"
#include "engine/canon_quick.h"
#include "engine/canon_run.h"
#include "engine/canon_url.h"

/* A text that may be an address, a name or a hash is not longer when trimmed and defanged. */
#define WORD_BYTES 1024

bool
canon_scratch_init(struct canon_scratch *scratch, size_t size)
{
	scratch->bytes = size <= sizeof(scratch->ordinary) ? scratch->ordinary : malloc(size);
	return scratch->bytes != NULL;
}

void
canon_scratch_fini(struct canon_scratch *scratch)
{
	if (scratch->bytes != scratch->ordinary)
		free(scratch->bytes);
}

/* Blanks and controls at the ends, and pairs of quotes or angle brackets around all. */
static void
text_trim(const char **text, size_t *length)
{
	static const char pairs[] = "\"\"''``<>";
	for (size_t i = 0; i < sizeof(pairs) - 1; i += 2) {
		while (*length > 0 && (uint8_t)**text <= ' ') {
			++*text;
			--*length;
		}
		while (*length > 0 && (uint8_t)(*text)[*length - 1] <= ' ')
			--*length;
		if (*length < 2 || **text != pairs[i] || (*text)[*length - 1] != pairs[i + 1])
			continue;
		++*text;
		*length -= 2;
		i = (size_t)-2; /* from the first pair again */
	}
}

static enum status
hash_read(struct canon_run *run, enum kind kind, const char *text, size_t length, struct key *key)
{
	uint8_t digest[32];
	size_t bytes = kind_table[kind].key_bytes;
	if (length == 32)
		return fault_set(run->fault, STATUS_BAD_HASH, NULL, 0,
				 "MD5 is not supported: its collisions are made to order");
	if (length != 2 * bytes)
		return fault_set(run->fault, STATUS_BAD_HASH, NULL, 0,
				 "%s has %zu hex digits, not %zu", kind_name(kind), 2 * bytes,
				 length);
	for (size_t i = 0; i < length; i++)
		if (!canon_is(text[i], CANON_HEX))
			return fault_set(run->fault, STATUS_BAD_HASH, NULL, i,
					 "not a hex digit at position %zu", i + 1);
	for (size_t i = 0; i < bytes; i++)
		digest[i] = (uint8_t)(canon_hex(text[2 * i]) << 4 | canon_hex(text[2 * i + 1]));
	key_set_digest(key, kind, digest);
	return STATUS_OK;
}

static const struct hash_name {
	const char *name;
	enum kind kind;
} hash_names[] = {
	{ "sha1:", KIND_SHA1 },     { "sha-1:", KIND_SHA1 },
	{ "sha256:", KIND_SHA256 }, { "sha-256:", KIND_SHA256 },
};

/* Length of a prefix like "SHA-256:" and its kind; 0 if there is none. */
static size_t
hash_prefix(const char *text, size_t length, enum kind *kind)
{
	for (size_t i = 0; i < sizeof(hash_names) / sizeof(hash_names[0]); i++) {
		size_t size = strlen(hash_names[i].name), k = 0;
		while (k < size && k < length && canon_lower(text[k]) == hash_names[i].name[k])
			k++;
		if (k == size) {
			*kind = hash_names[i].kind;
			return size;
		}
	}
	return 0;
}

static enum status
hash_read_named(struct canon_run *run, enum kind kind, const char *text, size_t length,
		struct key *key)
{
	enum kind named = kind;
	size_t skip = hash_prefix(text, length, &named);
	if (named != kind)
		return fault_set(run->fault, STATUS_BAD_HASH, NULL, 0, "a %s where a %s belongs",
				 kind_name(named), kind_name(kind));
	return hash_read(run, kind, text + skip, length - skip, key);
}

enum status
canon_read_sha1(struct canon_run *run, const char *text, size_t length, struct key *key)
{
	return hash_read_named(run, KIND_SHA1, text, length, key);
}

enum status
canon_read_sha256(struct canon_run *run, const char *text, size_t length, struct key *key)
{
	return hash_read_named(run, KIND_SHA256, text, length, key);
}

/* What the parse made of the text, as a browser would show it: only when somebody looks. */
static void
parse_tell(struct canon_run *run, const struct canon_url *url)
{
	if (run->on_step == NULL)
		return;
	size_t cap = strlen(url->scheme) + 3 + url->host_length + 3 * url->rest_length;
	char *text = malloc(cap);
	if (text == NULL)
		return;
	size_t used = strlen(url->scheme);
	memcpy(text, url->scheme, used);
	memcpy(text + used, "://", 3);
	memcpy(text + used + 3, url->host, url->host_length);
	used += 3 + url->host_length;
	used += canon_url_path(url, text + used);
	memcpy(text + used, url->rest + url->path_length, url->rest_length - url->path_length);
	canon_tell(run, "whatwg-parse", text, used + url->rest_length - url->path_length);
	free(text);
}

static enum status
url_read_work(struct canon_run *run, char *text, size_t length, struct key *key)
{
	struct canon_url url;
	enum status status = canon_url_prepare(run, text, &length);
	if (status == STATUS_OK)
		status = canon_url_parse(text, length, CANON_HOST_LENIENT, &url, run->fault);
	if (status != STATUS_OK)
		return status;
	parse_tell(run, &url);
	status = canon_url_form(run, &url, key);
	if (status == STATUS_OK && run->use == CANON_ENTRY && key->buffer[key->host_offset] == '*')
		return fault_set(run->fault, STATUS_BAD_URL, NULL, 0,
				 "a URL entry has no wildcard in its host; use \\* or a domain");
	return status;
}

enum status
canon_read_url(struct canon_run *run, const char *text, size_t length, struct key *key)
{
	bool entry = run->use == CANON_ENTRY;
	if (entry && canon_pattern_marks(text, length) != 0)
		return canon_read_pattern(run, text, length, key);
	bool below = entry && length > 2 && memcmp(text + length - 2, "/*", 2) == 0 &&
		     memchr(text, '?', length) == NULL && memchr(text, '#', length) == NULL;
	length -= below;
	struct canon_scratch scratch;
	if (!canon_scratch_init(&scratch, length + CANON_URL_ROOM))
		return fault_set(run->fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	memcpy(scratch.bytes, text, length);
	enum status status = url_read_work(run, scratch.bytes, length, key);
	canon_scratch_fini(&scratch);
	return status == STATUS_OK && below ? key_set_scope(key, SCOPE_BELOW, run->fault) : status;
}

static const struct reader_row {
	canon_reader *read;
	bool word; /* marks like [.] are undone here, before the reader */
} reader_table[KIND_COUNT] = {
	[KIND_IPV4] = { canon_read_ipv4, true },   [KIND_IPV6] = { canon_read_ipv6, true },
	[KIND_DOMAIN] = { canon_read_domain, true }, [KIND_URL] = { canon_read_url, false },
	[KIND_SHA1] = { canon_read_sha1, false },  [KIND_SHA256] = { canon_read_sha256, false },
};

static enum status
word_read(struct canon_run *run, enum kind kind, const char *text, size_t length, struct key *key)
{
	char word[WORD_BYTES];
	if (length > sizeof(word) || !canon_defang_suspect(text, length))
		return reader_table[kind].read(run, text, length, key);
	memcpy(word, text, length);
	size_t used = canon_defang_marks(word, length, true);
	if (used != length) {
		run->notes |= CANON_NOTE_DEFANGED;
		canon_tell(run, "defang", word, used);
	}
	return reader_table[kind].read(run, word, used, key);
}

/* Exactly 32 hex digits can be a name, but never are one in a feed. */
static bool
is_md5(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!canon_is(text[i], CANON_HEX))
			return false;
	return length == 32;
}

static enum status
text_read(struct canon_run *run, enum kind kind, const char *text, size_t length, struct key *key)
{
	size_t was = length;
	text_trim(&text, &length);
	if (length != was) {
		run->notes |= CANON_NOTE_TRIMMED;
		canon_tell(run, "trim", text, length);
	}
	if (kind == KIND_ANY && is_md5(text, length))
		kind = KIND_SHA1;
	if (kind == KIND_ANY)
		kind = canon_guess(text, length);
	if ((unsigned)kind >= KIND_COUNT)
		return fault_set(run->fault, STATUS_BAD_KIND, NULL, 0,
				 length == 0 ? "the value is empty"
					     : "neither address, domain, URL nor hash");
	return reader_table[kind].word ? word_read(run, kind, text, length, key)
				       : reader_table[kind].read(run, text, length, key);
}

enum status
canon_slow(enum kind kind, const char *text, size_t length, struct canon_options *options,
	   struct key *key, struct fault *fault)
{
	if (length > LIMIT_URL_INPUT_BYTES)
		return fault_set(fault, STATUS_LIMIT, NULL, 0, "the value is longer than %d bytes",
				 LIMIT_URL_INPUT_BYTES);
	struct canon_run run = { .use = CANON_QUERY, .fault = fault };
	if (options != NULL) {
		run.use = options->use;
		run.on_step = options->on_step;
		run.context = options->context;
	}
	enum status status = text_read(&run, kind, text, length, key);
	if (options != NULL)
		options->notes = run.notes;
	return status;
}
