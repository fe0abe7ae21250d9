/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/segment_salt.h"

#include <stdlib.h>
#include <string.h>

#include "engine/bytes.h"
#include "engine/limits.h"
#include "engine/sha256.h"

#define BLOCK_BYTES (8 * LIMIT_URL_BYTES) /* keys are short: OpenSSL is called for many at once */

struct salt {
	struct sha256 *sha256;
	size_t filled;
	uint8_t block[BLOCK_BYTES];
};

enum status
salt_new(struct salt **out, struct fault *fault)
{
	struct salt *salt = malloc(sizeof(*salt));
	struct sha256 *sha256 = sha256_new();
	if (salt == NULL || sha256 == NULL) {
		free(salt);
		if (sha256 != NULL)
			sha256_free(sha256);
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for another seed");
	}
	salt->sha256 = sha256;
	salt->filled = 0;
	*out = salt;
	return STATUS_OK;
}

/* Each with its length, so that no two lists of keys are the same bytes. */
void
salt_add(struct salt *salt, const void *bytes, size_t length)
{
	struct le16 prefix = le16_make((uint16_t)length);
	if (salt->filled + sizeof(prefix) + length > sizeof(salt->block)) {
		sha256_add(salt->sha256, salt->block, salt->filled);
		salt->filled = 0;
	}
	memcpy(salt->block + salt->filled, &prefix, sizeof(prefix));
	memcpy(salt->block + salt->filled + sizeof(prefix), bytes, length);
	salt->filled += sizeof(prefix) + length;
}

uint64_t
salt_finish(struct salt *salt)
{
	uint8_t digest[32];
	struct le64 word;
	sha256_add(salt->sha256, salt->block, salt->filled);
	sha256_finish(salt->sha256, digest);
	free(salt);
	memcpy(&word, digest, sizeof(word));
	return le64_get(word);
}
