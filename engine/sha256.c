/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sha256.h"

#include <stdlib.h>

/*
 * The plain calls, not EVP: libcrypto's own initialisation, which EVP asks for, tries once
 * in a process, and if memory is short then, no digest can be had until it is started anew.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

struct sha256 {
	SHA256_CTX context;
};

struct sha256 *
sha256_new(void)
{
	struct sha256 *sha256 = malloc(sizeof(*sha256));
	if (sha256 != NULL)
		SHA256_Init(&sha256->context);
	return sha256;
}

void
sha256_add(struct sha256 *sha256, const void *bytes, size_t length)
{
	SHA256_Update(&sha256->context, bytes, length);
}

void
sha256_finish(struct sha256 *sha256, uint8_t digest[32])
{
	SHA256_Final(digest, &sha256->context);
	free(sha256);
}

void
sha256_free(struct sha256 *sha256)
{
	free(sha256);
}
