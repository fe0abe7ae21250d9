/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URL entries with the SMS mark \* at the start and/or the end. Matching runs
 * over canonical URL text, so the literal between the marks is brought into
 * the same spelling, as far as a fragment can be.
 */
#include <string.h>

#include "engine/canon_defang.h"
#include "engine/canon_percent.h"
#include "engine/canon_url.h"

static enum status
pattern_fault(struct canon_run *run, const char *reason)
{
	return fault_set(run->fault, STATUS_BAD_URL, NULL, 0, "%s", reason);
}

/* The literal with its marks to the key. */
static enum status
pattern_write(struct canon_run *run, const char *literal, size_t length, unsigned marks,
	      struct key *key)
{
	if (length < LIMIT_PATTERN_LITERAL_BYTES)
		return fault_set(run->fault, STATUS_BAD_URL, NULL, 0,
				 "an entry with \\* needs at least %d other bytes",
				 LIMIT_PATTERN_LITERAL_BYTES);
	if (length + 2 * KEY_PATTERN_BYTES > LIMIT_URL_BYTES)
		return pattern_fault(run, "the entry is too long");
	key_init(key, KIND_URL);
	key->pattern = (uint8_t)marks;
	size_t start = marks & KEY_PATTERN_OPEN_START ? KEY_PATTERN_BYTES : 0;
	size_t end = marks & KEY_PATTERN_OPEN_END ? KEY_PATTERN_BYTES : 0;
	memcpy(key->buffer, "\\*", start);
	memcpy(key->buffer + start, literal, length);
	memcpy(key->buffer + start + length, "\\*", end);
	key->length = (uint32_t)(start + length + end);
	return STATUS_OK;
}

/* Host letters of scheme://host in a fragment are in lower case in every URL. */
static void
host_lower(char *text, size_t length)
{
	char *slashes = memmem(text, length, "://", 3);
	if (slashes == NULL || memchr(text, '?', (size_t)(slashes - text)) != NULL)
		return;
	for (char *at = text; at < slashes; at++)
		*at = canon_lower(*at);
	for (char *at = slashes + 3; at < text + length && *at != '/' && *at != '?'; at++)
		*at = canon_lower(*at);
}

static void
slashes_turn(char *text, size_t length)
{
	for (size_t i = 0; i < length && text[i] != '?'; i++)
		if (text[i] == '\\')
			text[i] = '/';
}

/* A literal that begins anywhere: percent-forms, slashes, case of a host. */
static enum status
fragment_read(struct canon_run *run, char *text, size_t length, unsigned marks, struct key *key)
{
	char literal[LIMIT_URL_BYTES];
	size_t used = 0;
	if (memchr(text, '#', length) != NULL)
		return pattern_fault(run, "no URL text has a #, so the entry matches nothing");
	length = canon_unescape(text, length);
	slashes_turn(text, length);
	host_lower(text, length);
	bool star = !(marks & KEY_PATTERN_OPEN_END) && length >= KEY_PATTERN_BYTES &&
		    memcmp(text + length - KEY_PATTERN_BYTES, "\\*", KEY_PATTERN_BYTES) == 0;
	bool fits = canon_escape(text, length - star, literal, sizeof(literal) - 3, &used);
	if (!fits)
		return pattern_fault(run, "the entry is too long");
	if (star)
		used += canon_escape_put(literal + used, '*');
	canon_tell(run, "fragment", literal, used);
	return pattern_write(run, literal, used, marks, key);
}

/* http://a.co\* : the host goes on, so it is only letters to compare. */
static enum status
host_fragment(struct canon_run *run, const char *text, size_t length, struct key *key)
{
	const char *slashes = memmem(text, length, "://", 3);
	size_t start = slashes == NULL ? length : (size_t)(slashes - text) + 3;
	if (start >= length)
		return pattern_fault(run, "the entry names no host");
	char literal[CANON_HOST_BYTES];
	if (length > sizeof(literal))
		return pattern_fault(run, "the entry is too long");
	for (size_t i = 0; i < length; i++) {
		literal[i] = canon_lower(text[i]);
		if (i >= start && text[i] != '.' && !canon_is(literal[i], CANON_NAME))
			return pattern_fault(run, "part of a host before \\* has only letters, "
						  "digits, -, _ and dots");
	}
	return pattern_write(run, literal, length, KEY_PATTERN_OPEN_END, key);
}

/*
 * A whole URL before the mark. If it ends in a slash of its path, the trie
 * knows how to cover what is below; else it is a text that URLs begin with.
 */
static enum status
prefix_read(struct canon_run *run, char *text, size_t length, struct key *key)
{
	struct canon_url url;
	enum status status = canon_url_prepare(run, text, &length);
	if (status != STATUS_OK)
		return status;
	const char *slashes = memmem(text, length, "//", 2);
	const char *host = slashes == NULL ? text : slashes + 2;
	size_t left = length - (size_t)(host - text);
	if (memchr(host, '/', left) == NULL && memchr(host, '?', left) == NULL)
		return host_fragment(run, text, length, key);
	if (memchr(text, '#', length) != NULL)
		return pattern_fault(run, "no URL text has a #, so the entry matches nothing");
	status = canon_url_parse(text, length, CANON_HOST_LENIENT, &url, run->fault);
	if (status == STATUS_OK)
		status = canon_url_form(run, &url, key);
	if (status != STATUS_OK)
		return status;
	bool query = memchr(key->buffer, '?', key->length) != NULL;
	if (!query && key->buffer[key->length - 1] == '/') {
		key->scope = SCOPE_TREE;
		return STATUS_OK;
	}
	char literal[LIMIT_URL_BYTES];
	memcpy(literal, key->buffer, key->length);
	return pattern_write(run, literal, key->length, KEY_PATTERN_OPEN_END, key);
}

static size_t
tabs_drop(char *text, size_t length)
{
	size_t used = 0;
	for (size_t i = 0; i < length; i++)
		if (text[i] != '\t' && text[i] != '\n' && text[i] != '\r')
			text[used++] = text[i];
	return used;
}

unsigned
canon_pattern_marks(const char *text, size_t length)
{
	unsigned marks = 0;
	if (length >= KEY_PATTERN_BYTES && memcmp(text, "\\*", KEY_PATTERN_BYTES) == 0)
		marks |= KEY_PATTERN_OPEN_START;
	size_t left = length - (marks != 0 ? KEY_PATTERN_BYTES : 0);
	if (left >= KEY_PATTERN_BYTES &&
	    memcmp(text + length - KEY_PATTERN_BYTES, "\\*", KEY_PATTERN_BYTES) == 0)
		marks |= KEY_PATTERN_OPEN_END;
	return marks;
}

enum status
canon_read_pattern(struct canon_run *run, const char *text, size_t length, struct key *key)
{
	unsigned marks = canon_pattern_marks(text, length);
	if (marks & KEY_PATTERN_OPEN_START) {
		text += KEY_PATTERN_BYTES;
		length -= KEY_PATTERN_BYTES;
	}
	if (marks & KEY_PATTERN_OPEN_END)
		length -= KEY_PATTERN_BYTES;
	struct canon_scratch scratch;
	if (!canon_scratch_init(&scratch, length + CANON_URL_ROOM))
		return fault_set(run->fault, STATUS_NO_MEMORY, NULL, 0, "out of memory");
	memcpy(scratch.bytes, text, length);
	enum status status;
	if (marks & KEY_PATTERN_OPEN_START) {
		length = tabs_drop(scratch.bytes, length);
		status = fragment_read(run, scratch.bytes, length, marks, key);
	} else {
		status = prefix_read(run, scratch.bytes, length, key);
	}
	canon_scratch_fini(&scratch);
	return status;
}
