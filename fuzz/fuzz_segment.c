/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a segment: as they are, then sealed (fuzz/seal.h). What
 * attaches is walked from end to end, asked for its own keys and for keys made
 * of the input, and checked. What the check calls good must find its own keys.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/segment_check.h"
#include "fuzz/seal.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static volatile unsigned long touched;

static void
touch(const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		touched += ((const uint8_t *)bytes)[i];
}

static void
read_claims(const struct segment *segment, uint32_t id)
{
	struct segment_claim_cursor cursor = segment_claims(id);
	struct segment_claim claim;
	size_t length;
	while (segment_claim_next(segment, &cursor, &claim)) {
		const void *text = segment_source(segment, claim.source, &length);
		touch(text, length);
		text = segment_tags(segment, claim.set, &length);
		touch(text, length);
		text = segment_tags(segment, claim.notes, &length);
		touch(text, length);
	}
}

static void
ask(const struct segment *segment, const struct key *key)
{
	struct segment_match match[LIMIT_COVERING];
	char text[KEY_PRINT_BYTES];
	size_t count = segment_collect(segment, key, match, LIMIT_COVERING);
	for (size_t i = 0; i < count; i++) {
		struct key found;
		segment_match_key(segment, &match[i], &found);
		touch(text, key_print(&found, text));
		read_claims(segment, match[i].claims);
	}
	read_claims(segment, segment_find(segment, key));
}

/* Keys of every kind out of the same bytes. */
static void
ask_all(const struct segment *segment, const uint8_t *bytes, size_t length)
{
	uint8_t padded[32] = {0};
	struct key key;
	memcpy(padded, bytes, length < 32 ? length : 32);
	key_set_ipv4(&key, be32_get(padded), padded[4] % 33);
	ask(segment, &key);
	key_set_ipv6(&key, padded, padded[16] % 129);
	ask(segment, &key);
	key_set_digest(&key, KIND_SHA1, padded);
	ask(segment, &key);
	key_set_digest(&key, KIND_SHA256, padded);
	ask(segment, &key);
	if (length > 0 && key_borrow_text(&key, KIND_DOMAIN, (const char *)bytes, length % 254))
		ask(segment, &key);
	if (length > 0 && key_borrow_text(&key, KIND_URL, (const char *)bytes, length % 600))
		ask(segment, &key);
}

static void
walk(const struct segment *segment, bool good)
{
	struct segment_cursor cursor = {0};
	uint32_t claims;
	struct key key;
	while (segment_next(segment, &cursor, &key, &claims)) {
		ask(segment, &key);
		if (good && segment_find(segment, &key) != claims)
			abort();
	}
}

static void
try_bytes(const uint8_t *file, size_t file_length, const uint8_t *bytes, size_t length)
{
	struct segment segment;
	if (segment_attach(&segment, file, file_length, NULL) != STATUS_OK)
		return;
	ask_all(&segment, bytes, length);
	ask_all(&segment, bytes + length / 2, length - length / 2);
	walk(&segment, segment_check(&segment, NULL) == STATUS_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	size_t made_length;
	uint8_t *made = seal_make(bytes, length, FORMAT_CONTENT_SEGMENT, &made_length);
	try_bytes(bytes, length, bytes, length);
	if (made != NULL)
		try_bytes(made, made_length, bytes, length);
	free(made);
	return 0;
}
