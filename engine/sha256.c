/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sha256.h"

#include <assert.h>
#include <stdbool.h>

#include <openssl/evp.h>

struct sha256 *
sha256_new(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	if (context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(context);
		context = NULL;
	}
	return (struct sha256 *)context;
}

/* After a good init, neither update nor final of a digest can fail. */
void
sha256_add(struct sha256 *sha256, const void *bytes, size_t length)
{
	int good = EVP_DigestUpdate((EVP_MD_CTX *)sha256, bytes, length);
	assert(good == 1);
	(void)good;
}

void
sha256_finish(struct sha256 *sha256, uint8_t digest[32])
{
	unsigned length = 32;
	int good = EVP_DigestFinal_ex((EVP_MD_CTX *)sha256, digest, &length);
	assert(good == 1 && length == 32);
	(void)good;
	sha256_free(sha256);
}

void
sha256_free(struct sha256 *sha256)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)sha256);
}
