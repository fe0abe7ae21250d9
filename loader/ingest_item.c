/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a feed: canonical key, guard, tags, and what becomes of it. */
#include "loader/ingest_state.h"

#include <stdio.h>
#include <string.h>

#include "engine/bytes.h"
#include "engine/clock.h"
#include "engine/path.h"
#include "engine/text.h"

const struct catalog *
ingest_catalog(const struct ingest *ingest)
{
	return ingest->write != NULL ? store_write_catalog(ingest->write) : &ingest->view->catalog;
}

/* --- tags ---------------------------------------------------------------------------- */

static enum status
category_of(const struct ingest *ingest, const char *name, size_t length,
	    const struct tag_category **category, struct fault *fault)
{
	*category = catalog_category(ingest_catalog(ingest), name, length);
	if (*category != NULL)
		return STATUS_OK;
	const char *near = catalog_category_near(ingest_catalog(ingest), name, length);
	return fault_set(fault, STATUS_BAD_TAG, NULL, 0,
			 "no tag category '%.*s'; %s%s%s`repute tag list` shows them", (int)length,
			 name, near != NULL ? "did you mean '" : "", near != NULL ? near : "",
			 near != NULL ? "'? " : "");
}

/* Free text of feeds is cut to what a text tag holds, at a character, rather than refused. */
static size_t
plain_text(const char *value, size_t length, char *plain)
{
	size_t kept = 0;
	for (size_t i = 0; i < length;) {
		uint32_t code;
		size_t bytes = text_utf8_next(value + i, length - i, &code);
		bool good = bytes > 0 && code >= 0x20 && code != 0x7f && !(code >= 0x80 && code < 0xa0);
		size_t take = good ? bytes : 1;
		if (kept + take > LIMIT_TAG_TEXT_BYTES)
			break;
		if (good)
			memcpy(plain + kept, value + i, bytes);
		else
			plain[kept] = ' ';
		kept += take;
		i += bytes > 0 ? bytes : 1;
	}
	while (kept > 0 && plain[kept - 1] == ' ')
		kept--;
	return kept;
}

static bool
is_free_text(const struct tag_category *category)
{
	return category->type == TAG_TEXT && !category->service;
}

/* 0 is "not given" from here on, which would make it ten years. */
static enum status
add_expiry(struct ingest *ingest, const char *value, size_t length, struct fault *fault)
{
	enum status status = clock_parse(value, length, &ingest->line_expires, fault);
	if (status == STATUS_OK && ingest->line_expires == 0)
		return fault_set(fault, STATUS_BAD_TIME, CATALOG_TTL_NAME, 0,
				 "\"%.*s\" leaves no time to live",
				 length < 40 ? (int)length : 40, value);
	return status;
}

static enum status
add_tag(struct ingest *ingest, struct tags *tags, const char *name, size_t name_length,
	const char *value, size_t value_length, bool from_feed, struct fault *fault)
{
	const struct tag_category *category;
	char plain[LIMIT_TAG_TEXT_BYTES];
	enum status status = category_of(ingest, name, name_length, &category, fault);
	if (status != STATUS_OK)
		return from_feed && !ingest->strict_tags ? STATUS_OK : status;
	if (strcmp(category->name, CATALOG_TTL_NAME) == 0)
		return add_expiry(ingest, value, value_length, fault);
	if (from_feed && is_free_text(category)) {
		value_length = plain_text(value, value_length, plain);
		value = plain;
		if (value_length == 0)
			return STATUS_OK;
	}
	return tags_add(tags, category, value, value_length, fault);
}

static enum status
encode_tags(struct tags *tags, struct author_claim *claim, struct fault *fault)
{
	return tags_encode(tags, &claim->set, &claim->set_length, &claim->notes,
			   &claim->notes_length, fault);
}

static enum status
given_tags(struct ingest *ingest, struct fault *fault)
{
	enum status status = STATUS_OK;
	tags_clear(&ingest->given);
	ingest->line_expires = 0;
	for (size_t i = 0; status == STATUS_OK && i < ingest->options->tag_count; i++) {
		const char *tag = ingest->options->tags[i], *equal = strchr(tag, '=');
		if (equal == NULL)
			return fault_set(fault, STATUS_USAGE, "--tag", 0,
					 "'%s' is not of the form Category=Value", tag);
		status = add_tag(ingest, &ingest->given, tag, (size_t)(equal - tag), equal + 1,
				 strlen(equal + 1), false, fault);
	}
	ingest->given_expires = ingest->line_expires != 0 ? ingest->line_expires
							  : ingest->options->expires;
	return status;
}

/* "malware/emotet.txt" -> "emotet": without folders, compression and one ending. */
static size_t
base_name(const char *path, const char **base)
{
	static const char *const packed[] = {".gz", ".zst", ".tar"};
	const char *slash = strrchr(path, '/');
	*base = slash == NULL ? path : slash + 1;
	size_t length = strlen(*base);
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		size_t end = strlen(packed[i]);
		if (length > end && memcmp(*base + length - end, packed[i], end) == 0)
			length -= end;
	}
	const char *dot = memrchr(*base, '.', length);
	return dot == NULL || dot == *base ? length : (size_t)(dot - *base);
}

/* "eset/emotet/samples.sha1" -> "emotet"; length 0 if there is no folder. */
static size_t
folder_name(const char *path, const char **folder)
{
	const char *end = strrchr(path, '/');
	*folder = path;
	if (end == NULL)
		return 0;
	const char *before = memrchr(path, '/', (size_t)(end - path));
	*folder = before == NULL ? path : before + 1;
	return (size_t)(end - *folder);
}

static enum status
add_name_tag(struct ingest *ingest, const char *category, const char *text, size_t length,
	     struct fault *fault)
{
	if (category == NULL || length == 0)
		return STATUS_OK;
	return add_tag(ingest, &ingest->given, category, strlen(category), text, length, true,
		       fault);
}

static enum status
name_tags(struct ingest *ingest, const char *name, struct fault *fault)
{
	const char *text;
	size_t length = base_name(name, &text);
	enum status status = add_name_tag(ingest, ingest->options->name_tag, text, length, fault);
	length = folder_name(name, &text);
	if (status == STATUS_OK)
		status = add_name_tag(ingest, ingest->options->folder_tag, text, length, fault);
	return status;
}

enum status
ingest_given_tags(struct ingest *ingest, const char *name, struct fault *fault)
{
	enum status status = given_tags(ingest, fault);
	if (status == STATUS_OK && name != NULL)
		status = name_tags(ingest, name, fault);
	return status == STATUS_OK ? encode_tags(&ingest->given, &ingest->given_claim, fault)
				   : status;
}

bool
ingest_is_reject(enum status status)
{
	return status != STATUS_NO_MEMORY && status != STATUS_IO;
}

/* --- one item -------------------------------------------------------------------------- */

void
ingest_reject(struct ingest *ingest, const struct feed_reject *row)
{
	struct ingest_reject report = {ingest->file, row};
	ingest->result.rejected++;
	if (ingest->options->on_reject != NULL)
		ingest->options->on_reject(ingest->options->context, &report);
}

void
ingest_reject_item(struct ingest *ingest, const struct feed_item *item, const struct fault *fault)
{
	struct feed_reject row = {
		.line = item->line,
		.text = item->value,
		.text_length = item->value_length > 256 ? 256 : item->value_length,
		.status = fault->status,
		.reason = fault->text,
	};
	ingest_reject(ingest, &row);
}

/* The tags of the line and, where it does not say otherwise, those given with the file. */
static enum status
line_tags(struct ingest *ingest, const struct feed_item *item, struct author_claim *claim,
	  struct fault *fault)
{
	struct tags *tags = &ingest->line;
	enum status status = STATUS_OK;
	tags_clear(tags);
	for (size_t i = 0; status == STATUS_OK && i < item->tag_count; i++)
		status = add_tag(ingest, tags, item->tags[i].category,
				 item->tags[i].category_length, item->tags[i].value,
				 item->tags[i].value_length, true, fault);
	if (status == STATUS_OK)
		status = tags_add_missing(tags, &ingest->given, fault);
	return status == STATUS_OK ? encode_tags(tags, claim, fault) : status;
}

static enum status
item_tags(struct ingest *ingest, const struct feed_item *item, struct author_claim *claim,
	  struct fault *fault)
{
	enum status status = STATUS_OK;
	ingest->line_expires = 0;
	claim->set = ingest->given_claim.set;
	claim->set_length = ingest->given_claim.set_length;
	claim->notes = ingest->given_claim.notes;
	claim->notes_length = ingest->given_claim.notes_length;
	if (item->tag_count > 0)
		status = line_tags(ingest, item, claim, fault);
	claim->expires = item->expires != 0 ? item->expires : ingest->line_expires;
	if (claim->expires == 0)
		claim->expires = ingest->given_expires;
	claim->first_seen = item->first_seen;
	return status;
}

/* What the user asked for or the format means; a key that cannot have it keeps its own. */
static void
item_scope(const struct ingest *ingest, const struct feed_item *item, struct key *key)
{
	uint8_t scope = ingest->options->scope != 0 ? ingest->options->scope : item->scope;
	if (scope != 0)
		(void)key_set_scope(key, scope, NULL);
}

static enum status
check_key(const struct ingest *ingest, struct fault *fault)
{
	if (ingest->key.kind == KIND_URL && ingest->key.pattern == 0 && path_deep(&ingest->key))
		return fault_set(fault, STATUS_BAD_URL, NULL, 0, "more than %d path segments",
				 LIMIT_URL_STEPS - 2);
	return ingest->options->allow_broad ? STATUS_OK
					    : feed_guard_check(&ingest->guard, &ingest->key, fault);
}

/* "first-last" of two addresses of one kind; bad-kind if it is no range of the kind asked for. */
static enum status
read_range(struct ingest *ingest, enum kind asked, const char *text, size_t length, size_t *count,
	   struct fault *fault)
{
	const char *dash = memchr(text, '-', length);
	struct key first;
	if (dash == NULL)
		return STATUS_BAD_KIND;
	size_t left = (size_t)(dash - text), right = length - left - 1;
	enum kind kind = canon_guess(text, left);
	if (kind > KIND_IPV6 || canon_guess(dash + 1, right) != kind ||
	    (asked != KIND_ANY && asked != kind))
		return STATUS_BAD_KIND;
	enum status status = canon_key(kind, text, left, NULL, &first, fault);
	if (status == STATUS_OK)
		status = canon_key(kind, dash + 1, right, NULL, &ingest->key, fault);
	if (status != STATUS_OK)
		return status;
	status = canon_range_split(kind, first.bytes, ingest->key.bytes, ingest->prefixes,
				   LIMIT_RANGE_PREFIXES, count);
	if (status == STATUS_LIMIT)
		return fault_set(fault, status, NULL, 0, "the range splits into more than %d prefixes",
				 LIMIT_RANGE_PREFIXES);
	if (status != STATUS_OK)
		return fault_set(fault, status, NULL, 0, "the range ends before it begins");
	return STATUS_OK;
}

enum status
ingest_read_value(struct ingest *ingest, enum kind kind, const char *text, size_t length, size_t *count,
	   struct fault *fault)
{
	struct canon_options options = {.use = CANON_ENTRY};
	struct fault range_fault = {0};
	*count = 0;
	enum status status = canon_key(kind, text, length, &options, &ingest->key, fault);
	if (status == STATUS_OK) {
		ingest->result.defanged += (options.notes & CANON_NOTE_DEFANGED) != 0;
		ingest->result.schemeless += (options.notes & CANON_NOTE_SCHEMELESS) != 0;
	}
	if (status == STATUS_OK || !ingest_is_reject(status))
		return status;
	enum status range = read_range(ingest, kind, text, length, count, &range_fault);
	if (range == STATUS_BAD_KIND)
		return status;
	if (range != STATUS_OK && fault != NULL)
		*fault = range_fault;
	return range;
}

void
ingest_take_prefix(struct ingest *ingest, size_t i)
{
	const struct canon_prefix *prefix = &ingest->prefixes[i];
	if (ingest->key.kind == KIND_IPV4)
		key_set_ipv4(&ingest->key, be32_get(prefix->address), prefix->bits);
	else
		key_set_ipv6(&ingest->key, prefix->address, prefix->bits);
}

/* All prefixes or none: a range that is half refused is refused. */
static enum status
put_range(struct ingest *ingest, size_t count, const struct author_claim *claim,
	  struct fault *fault)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < count; i++) {
		ingest_take_prefix(ingest, i);
		status = check_key(ingest, fault);
	}
	for (size_t i = 0; status == STATUS_OK && i < count; i++) {
		ingest_take_prefix(ingest, i);
		status = author_put(ingest->author, &ingest->key, claim, fault);
	}
	return status;
}

enum status
ingest_put_item(struct ingest *ingest, const struct feed_item *item, struct fault *fault)
{
	struct author_claim claim = {
		.source = ingest->options->source,
		.source_length = strlen(ingest->options->source),
		.ttl_seconds = ingest->options->ttl_seconds != 0 ? ingest->options->ttl_seconds
								  : ingest->source.ttl_seconds,
	};
	enum kind kind = item->kind != KIND_ANY ? item->kind : ingest->options->kind;
	size_t prefixes;
	enum status status = ingest_read_value(ingest, kind, item->value, item->value_length, &prefixes,
					fault);
	if (status == STATUS_OK)
		status = item_tags(ingest, item, &claim, fault);
	if (status != STATUS_OK)
		return status;
	if (prefixes > 0)
		return put_range(ingest, prefixes, &claim, fault);
	item_scope(ingest, item, &ingest->key);
	status = check_key(ingest, fault);
	return status == STATUS_OK ? author_put(ingest->author, &ingest->key, &claim, fault)
				   : status;
}
