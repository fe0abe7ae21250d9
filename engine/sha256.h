/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 as a stream, by OpenSSL. Writers and verifiers only; look-up never needs it. */
#ifndef ENGINE_SHA256_H
#define ENGINE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256;

/* NULL when memory is short. */
struct sha256 *
sha256_new(void);
void
sha256_add(struct sha256 *sha256, const void *bytes, size_t length);
/* The digest of all bytes added; frees. */
void
sha256_finish(struct sha256 *sha256, uint8_t digest[32]);
void
sha256_free(struct sha256 *sha256);

#endif
